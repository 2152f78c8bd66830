"""Which reports can be made: the folder of template notebooks, and what each of them takes.

A template is a notebook with a title card in its metadata (`metadata["rcm"]`) and one cell tagged
`parameters` of typed assignments. Everything here is read from the file; no kernel starts. The comment
behind an assignment is the parameter's help; where it says YYYY-MM-DD or YYYY-MM, the text is held to that.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import ParameterError, closest, listed
from ..notebook_files import nbformat

SCOPES = ("client", "portfolio")
READERS = ("client", "manager")
"""For whom a report is: what the client reads goes in its packet, what is ours in the manager's copy beside it."""
KINDS = ("str", "int", "float", "bool", "list", "dict")
DAY, MONTH = "YYYY-MM-DD", "YYYY-MM"


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `weeks: int = 4  # how far back`."""

    name: str
    kind: str
    default: Any
    help: str = ""
    items: str | None = None
    may_be_none: bool = False

    @property
    def required(self) -> bool:
        """An empty text as default means that the report cannot do without it."""
        return self.kind == "str" and self.default == "" and not self.may_be_none

    @property
    def form(self) -> str:
        """How a text must be written, where the template's comment says so: YYYY-MM-DD for a day, YYYY-MM for a
        month."""
        return next((form for form in (DAY, MONTH) if self.kind == "str" and form in self.help), "")

    @property
    def type_text(self) -> str:
        """The type as the template wrote it, such as `list[str]`."""
        text = f"{self.kind}[{self.items}]" if self.items and self.kind == "list" else self.kind
        return f"{text} | None" if self.may_be_none else text


@dataclass(frozen=True)
class Template:
    """A template notebook, its title card and its parameters."""

    name: str
    path: Path
    title: str
    version: str
    scope: str
    packet: bool
    service: str
    order: int
    parameters: tuple[Parameter, ...]
    sha256: str
    reader: str = "client"

    def parameter(self, name: str) -> Parameter:
        """The parameter called `name`; an unknown name is refused with the nearest known one."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = [parameter.name for parameter in self.parameters]
        raise ParameterError(
            f"{self.name} has no parameter {name!r}. It takes: {listed(sorted(names))}.{closest(name, names)}"
            " Nothing was run."
        )

    def takes(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.parameters)

    def notebook(self) -> nbformat.NotebookNode:
        """The notebook, freshly read, so that no run can change it for the next."""
        return _read_notebook(self.path)[0]


def templates_folder() -> Path:
    """The templates of this installation: the checkout's, or the copy that the wheel carries."""
    package = Path(__file__).parents[2]
    checkout = package.parent / "templates"
    return checkout if checkout.is_dir() else package / "_templates"


def read_templates(folder: Path | None = None) -> list[Template]:
    """Every template of the folder, in the order of the packet, then by name."""
    folder = Path(folder) if folder else templates_folder()
    if not folder.is_dir():
        raise ParameterError(f"There is no templates folder {folder}. Name one in rcm.toml under [paths].")
    found = [read_template(path) for path in sorted(folder.glob("*.ipynb"))]
    return sorted(found, key=lambda template: (template.order, template.name))


def offered(own: Path | None = None) -> list[Template]:
    """The templates of this installation and an analyst's own beside them; of one name, the analyst's own."""
    shipped = {template.name: template for template in read_templates()}
    mine = {template.name: template for template in read_templates(own)} if own else {}
    return sorted((shipped | mine).values(), key=lambda template: (template.order, template.name))


def find_template(name: str, own: Path | None = None) -> Template:
    """The template called `name`, from an analyst's own folder or of this installation; an unknown name is refused with
    the nearest known one."""
    folders = [Path(own)] if own else []
    folders.append(templates_folder())
    for folder in folders:
        if (folder / f"{name}.ipynb").is_file() and Path(name).name == name:
            return read_template(folder / f"{name}.ipynb")
    known = sorted({path.stem for folder in folders for path in folder.glob("*.ipynb")})
    what = f"Known: {listed(known, 30)}.{closest(name, known)}" if known else "There is no notebook."
    raise ParameterError(f"There is no template {name!r} in {listed([str(one) for one in folders])}. {what}")


def read_template(path: Path) -> Template:
    """The template in this file, or one error that says what the file lacks."""
    path = Path(path)
    try:
        files = [path, *_beside(path)]
        state = tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    except OSError:
        state = ()
    return _read_template(path, state)


@lru_cache(maxsize=256)
def _read_template(path: Path, state: tuple[tuple[str, int, int], ...]) -> Template:
    """Read once for each `state` of its files: a night asks for the same few templates thousands of times."""
    notebook, digest = _read_notebook(path)
    card = notebook.metadata.get("rcm")
    if not isinstance(card, dict) or not isinstance(card.get("title"), str) or not card["title"].strip():
        raise ParameterError(
            f'{path.name} is not a report template: its metadata has no "rcm" entry with a "title". '
            'Add {"rcm": {"title": …, "version": …, "scope": "client"}} to the notebook metadata.'
        )
    scope, order = card.get("scope", "client"), card.get("order", 100)
    if scope not in SCOPES:
        raise ParameterError(f'{path.name}: metadata "rcm" has an unknown scope. It is one of: {listed(SCOPES)}.')
    reader = card.get("reader", "client")
    if reader not in READERS:
        raise ParameterError(f'{path.name}: metadata "rcm" has an unknown reader. It is one of: {listed(READERS)}.')
    if not isinstance(order, int) or isinstance(order, bool):
        raise ParameterError(f'{path.name}: metadata "rcm" has an order that is not a whole number.')
    return Template(
        name=path.stem, path=path, title=card["title"].strip(), version=str(card.get("version", "0")), scope=scope,
        packet=card.get("packet") is True, service=str(card.get("service", "")), order=order,
        parameters=_parameters(notebook, path.name), sha256=_with_exhibits(path, digest), reader=reader,
    )  # fmt: skip


def _read_notebook(path: Path) -> tuple[nbformat.NotebookNode, str]:
    try:
        data = path.read_bytes()
        return nbformat.reads(data.decode("utf-8"), as_version=4), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise ParameterError(f"The template {path} cannot be read ({type(error).__name__}).") from error
    except Exception as error:
        raise ParameterError(
            f"{path.name} is not a notebook: expected a Jupyter .ipynb file of format 4 ({type(error).__name__})."
        ) from error


def _with_exhibits(path: Path, digest: str) -> str:
    """The fingerprint of a template and the exhibits beside it (NAME.py, or the folder NAME): a report is old when they
    change."""
    found = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in _beside(path)]
    return hashlib.sha256("\n".join([digest, *found]).encode()).hexdigest() if found else digest


def _beside(path: Path) -> list[Path]:
    beside = [path.with_suffix(".py"), *sorted(path.with_suffix("").rglob("*.py"))]
    return [file for file in beside if file.is_file()]


def imported_by(folder: Path) -> tuple[str, ...]:
    """The modules that the templates of a folder import, read from their cells; unreadable ones import none."""
    files = sorted(Path(folder).glob("*.ipynb"))
    return _imported_by(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=16)
def _imported_by(files: tuple[tuple[Path, int], ...]) -> tuple[str, ...]:
    found: set[str] = set()
    for path, _ in files:
        try:
            cells = _read_notebook(path)[0].cells
        except ParameterError:
            continue
        for cell in cells:
            found |= _imported_in(cell.source) if cell.cell_type == "code" else set()
    return tuple(sorted(found))


def _imported_in(source: str) -> set[str]:
    """The modules that a cell imports; a cell of magics is not looked into.

    >>> sorted(_imported_in("import pandas as pd, os.path\\nfrom seaborn import objects"))
    ['os.path', 'pandas', 'seaborn']
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return set()
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }


def _parameters(notebook: nbformat.NotebookNode, file: str) -> tuple[Parameter, ...]:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    cells = [cell for cell in tagged if cell.cell_type == "code"]
    if len(cells) != 1:
        raise ParameterError(
            f"{file} is not a report template: expected one code cell tagged 'parameters', found {len(cells)}. "
            'Tag the cell of typed assignments, such as: client: str = ""  # client id'
        )
    source = cells[0].source
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"{file}: the parameters cell is not Python (line {error.lineno}).") from error
    comments = _comments(source)
    found = [_parameter(statement, comments, file) for statement in statements if not _is_docstring(statement)]
    names = [parameter.name for parameter in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"{file}: the parameters cell sets {listed(twice)} more than once.")
    return tuple(found)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}


def _parameter(statement: ast.stmt, comments: dict[int, str], file: str) -> Parameter:
    where = f"{file}: line {statement.lineno} of the parameters cell"
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        name, annotation = statement.target.id, ast.unparse(statement.annotation)
    elif (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    ):
        name, annotation = statement.targets[0].id, None
    else:
        raise ParameterError(f"{where} is not an assignment such as: weeks: int = 4  # how far back")
    try:
        default = ast.literal_eval(statement.value)  # type: ignore[arg-type]
    except ValueError as error:
        raise ParameterError(f"{where} ({name}) is computed; a default must be written out.") from error
    kind, items, may_be_none = _type(annotation or type(default).__name__, where)
    return Parameter(name, kind, default, comments.get(statement.end_lineno or 0, ""), items, may_be_none)


def _type(annotation: str, where: str) -> tuple[str, str | None, bool]:
    """An annotation as kind, kind of the items, and whether None is allowed.

    >>> _type("list[str] | None", "here"), _type("float", "here")
    (('list', 'str', True), ('float', None, False))
    """
    parts = [part.strip() for part in annotation.strip("'\"").replace("Optional[", "None | ", 1).split("|")]
    kinds = [part.rstrip("]") if annotation.startswith("Optional[") else part for part in parts if part != "None"]
    outer, _, inner = (kinds[0] if len(kinds) == 1 else "").partition("[")
    items = inner.rstrip("]").split(",")[-1].strip() or None
    if outer not in KINDS or (items is not None and items not in (*KINDS, "Any")):
        raise ParameterError(f"{where} has the type {annotation}. A parameter is one of: {listed(KINDS)}.")
    return outer, (None if items == "Any" else items), "None" in parts
