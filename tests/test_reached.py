"""Nothing in the package is reached by tests alone.

Read from the code: from what people call (commands, `open_report` and its kin, exporters, public names, the menu of
measures, templates and notebooks) every name that reached code mentions is reached too. A method counts as reached
when its class is and reached code mentions its name on any object. Examples in docstrings do not count: they are tests.
"""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import rcm_analysis
from builders.syntax_trees import tree_of
from rcm_analysis.measures.menu import menu

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rcm_analysis"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
DOORS = (
    "rcm_analysis.__main__",
    "rcm_analysis.cli.app",
    "rcm_analysis.cli.jupyter",
    "rcm_analysis.measures.client_ratings",
    "rcm_analysis.notebook",
    "rcm_analysis.notebook.desk",
    "rcm_analysis.notebook.opening",
    "rcm_analysis.notebook.results",
    "rcm_analysis.notebook.taken_apart",
    "rcm_analysis.press.exporters",
    "rcm_analysis.press.runs.worker",
    "rcm_analysis.press.warm.child",
    "rcm_analysis.press.warm.provisioner",
    "rcm_analysis.press.warm.server",
    "rcm_analysis.sources.processes",
)
"""Modules whose public names somebody calls from outside: a shell, a notebook, nbconvert, jupyter_client, the batch's
processes."""

CALLED_FROM_OUTSIDE = (
    "_repr_mimebundle_", "_ipython_display_", "_ipython_key_completions_", "_file_extension_default", "_constructor",
    "_jupyter_server_extension_points", "_load_jupyter_server_extension",
)  # fmt: skip
"""Names that IPython, traitlets and the Jupyter server call."""

ALLOWED = {
    "tables.reference.carc.FAMILIES": "words of the shipped list, which its test holds to them",
    "tables.reference.carc.STAGES": "as above",
}
"""Name -> why it stays although nothing but tests reaches it."""

EXAMPLES = "rcm_analysis.examples"
"""Small offices for the examples in docstrings, and for analysts to try a measure on: reached by the docstrings."""

Name = tuple[str, str]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Module:
    """One file: what it defines, what it imports, what it does when it is imported."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.is_package = name, path.name == "__init__.py"
        self.defined: dict[str, list[ast.AST]] = {}
        self.imported: dict[str, Name] = {}
        self.on_import: list[ast.AST] = []
        tree = tree_of(path)
        for statement in tree.body:
            self._add(statement)
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node)

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.defined.setdefault(statement.name, []).append(statement)
            self.on_import += statement.decorator_list and [statement] if is_registered(statement) else []
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            nodes = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            names = [node.id for node in nodes if isinstance(node.ctx, ast.Store)]
            for name in names:
                self.defined.setdefault(name, []).append(statement)
            self.on_import += [] if names else [statement]
        elif not isinstance(statement, (ast.Import, ast.ImportFrom)):
            self.on_import.append(statement)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.imported |= {(alias.asname or alias.name): (alias.name, "") for alias in node.names}
            return
        parts = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        base = [*parts[: len(parts) - node.level + 1], *filter(None, [node.module])] if node.level else [node.module]
        self.imported |= {alias.asname or alias.name: (".".join(base), alias.name) for alias in node.names}


def is_registered(statement: ast.stmt) -> bool:
    """Whether a decorator hands the function to somebody: a command line, a menu, a registry."""
    plain = {"page", "dataclass", "cache", "lru_cache", "cached_property", "contextmanager", "total_ordering", "wraps"}
    for decorator in statement.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (called.attr if isinstance(called, ast.Attribute) else called.id) not in plain:
            return True
    return False


@cache
def modules() -> dict[str, Module]:
    """The files of the package, read when the first test asks."""
    return {name: Module(name, path) for name, path in FILES.items()}


def home_of(module: str, name: str) -> Name | None:
    """Where a name that stands in a module is defined: (module, name), or (module, "") when it is a module itself."""
    inside = modules().get(module)
    if inside and name in inside.defined:
        return module, name
    base, inner = inside.imported.get(name, (module, name)) if inside else (module, name)
    if (base, inner) != (module, name) and base in modules():
        return home_of(base, inner) if inner else (base, "")
    return (f"{module}.{name}", "") if f"{module}.{name}" in modules() else None


class Reach(ast.NodeVisitor):
    """Follows names from the doors until nothing new is found; `within` is the module that is being read."""

    def __init__(self) -> None:
        self.names: set[Name] = set()
        self.loaded: set[str] = set()
        self.words: set[str] = set()
        self.waiting: dict[str, list[Name]] = {}
        self.within = ""

    def reach(self, module: str, name: str) -> None:
        """A name is asked of a module; it may only pass it on from another one."""
        home = home_of(module, name)
        if home and home[1] and home not in self.names:
            self.names.add(home)
            self.load(home[0])
            for node in modules()[home[0]].defined[home[1]]:
                self.read(home[0], node)

    def load(self, module: str) -> None:
        """A module is imported, with what it does then and all that it imports itself."""
        if module in self.loaded or module not in modules():
            return
        self.loaded.add(module)
        for node in modules()[module].on_import:
            self.reach(module, node.name) if hasattr(node, "name") else self.read(module, node)
        for base, name in modules()[module].imported.values():
            self.load(base)
            self.load(f"{base}.{name}")

    def exhibits(self, folder: str) -> None:
        """The modules in which a template finds its pages by name: a page waits until its notebook names it."""
        self.reach(folder, "SERVICE")
        for module in [name for name in modules() if name.rpartition(".")[0] == folder]:
            self.load(module)
            self.reach(module, "Facts")
            self.reach(module, "COVER")
            for name, (thing, *_) in modules()[module].defined.items():
                if "page" in [ast.unparse(decorator) for decorator in getattr(thing, "decorator_list", [])]:
                    self.wait(module, name, name)

    def read(self, module: str, node: ast.AST) -> None:
        before, self.within = self.within, module
        self.visit(node)
        self.within = before

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Methods wait until somebody names them, unless Python or a class that is not ours calls them."""
        is_ours = all(isinstance(base, ast.Name) and home_of(self.within, base.id) for base in node.bases)
        for part in [*node.bases, *node.decorator_list, *node.keywords, *node.body]:
            name = getattr(part, "name", "")
            if is_ours and isinstance(part, FUNCTIONS) and not name.startswith("__"):
                self.wait(self.within, f"{node.name}.{name}", name)
            else:
                self.names.add((self.within, f"{node.name}.{name}"))
                self.visit(part)

    def visit_Name(self, node: ast.Name) -> None:
        home = home_of(self.within, node.id)
        if home and not home[1]:  # a module handed on as a thing: asked for its names by whoever receives it
            for name in modules()[home[0]].defined:
                self.wait(home[0], name, name)
        self.reach(self.within, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = self.module_of(node.value)
        if owner:
            self.reach(owner, node.attr)
        else:
            self.word(node.attr)
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.isidentifier():
            self.word(node.value)

    def module_of(self, node: ast.AST) -> str | None:
        """The module that an expression such as `blocks` or `press.blocks` stands for."""
        if isinstance(node, ast.Name):
            home = home_of(self.within, node.id)
        elif isinstance(node, ast.Attribute) and (owner := self.module_of(node.value)):
            home = home_of(owner, node.attr)
        else:
            return None
        return home[0] if home and not home[1] else None

    def wait(self, module: str, name: str, word: str) -> None:
        if word in self.words:
            self.found(module, name)
        else:
            self.waiting.setdefault(word, []).append((module, name))

    def word(self, word: str) -> None:
        """A name asked of some object: everything of that name that waited is reached."""
        self.words.add(word)
        for module, name in self.waiting.pop(word, []):
            self.found(module, name)

    def found(self, module: str, name: str) -> None:
        owner, _, method = name.rpartition(".")
        if not owner:
            self.reach(module, name)
        elif (module, name) not in self.names:
            self.names.add((module, name))
            for node in modules()[module].defined[owner]:
                for part in node.body:
                    if getattr(part, "name", "") == method:
                        self.read(module, part)


def notebook_code() -> Iterator[ast.Module]:
    for folder in ("templates", "templates/starters", "notebooks"):
        for path in sorted((ROOT / folder).glob("*.ipynb")):
            for cell in json.loads(path.read_text())["cells"]:
                if cell["cell_type"] == "code":
                    yield ast.parse("".join(cell["source"]))


def public_names() -> Iterator[Name]:
    for name in rcm_analysis.__all__:
        thing = getattr(rcm_analysis, name)
        for inner in getattr(thing, "__all__", []) if hasattr(thing, "__path__") else []:
            yield f"rcm_analysis.{name}", inner
        yield "rcm_analysis", name
        yield f"rcm_analysis.{rcm_analysis._HOMES.get(name, '')}", name
    for record in menu().values():
        yield record.function.__module__, record.function.__name__


@cache
def reached() -> set[Name]:
    reach = Reach()
    for module in modules():
        reach.reach(module, "__getattr__")
    for module in DOORS:
        reach.load(module)
        for name, nodes in modules()[module].defined.items():
            if not name.startswith("_"):
                reach.reach(module, name)
            for node in nodes:
                for part in node.body if isinstance(node, ast.ClassDef) else []:
                    if not getattr(part, "name", "_").startswith("_"):
                        reach.word(part.name)
    for module, name in public_names():
        reach.reach(module, name)
    for path in sorted((ROOT / "templates").glob("*.ipynb")):
        reach.exhibits(f"rcm_analysis.exhibits.{path.stem}")
    for tree in notebook_code():
        reach.read("rcm_analysis.notebook", tree)
    return reach.names


def defined() -> set[Name]:
    found = set()
    for name, module in modules().items():
        for thing, nodes in module.defined.items():
            found.add((name, thing))
            for node in nodes:
                if isinstance(node, ast.ClassDef):
                    found |= {(name, f"{thing}.{part.name}") for part in node.body if isinstance(part, FUNCTIONS)}
    return found


def left_over() -> list[str]:
    """What nobody reaches, methods that Python or others call by name aside."""
    found = [(module, name) for module, name in defined() - reached() if not module.startswith(EXAMPLES)]
    names = [f"{module}.{name}".removeprefix("rcm_analysis.") for module, name in found]
    return sorted(name for name in names if not name.rpartition(".")[2].startswith("__"))


def test_nothing_is_reached_by_tests_alone():
    left = [name for name in left_over() if not name.endswith(CALLED_FROM_OUTSIDE)]
    assert [name for name in left if name not in ALLOWED] == [], "call it from a command or a report, or delete it"


def test_what_is_excused_still_needs_it():
    assert set(ALLOWED) <= set(left_over())
