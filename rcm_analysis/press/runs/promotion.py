"""From an analyst's notebook to a template: the house rules checked, every change said, nothing changed that matters.

    made = promoted(notebook, "slow_payer", clients=["tx-docs"])
    made.notebook, made.changes

A template is about whatever client and month it is given: it names neither, reads no clock, and leaves no file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...blocks.plain import one_line
from ...errors import ParameterError, listed
from ..notebook_files import nbformat

PARAMETERS = {
    "workspace": 'workspace: str = "."  # the folder with rcm.toml',
    "client": 'client: str = ""  # the client, by id',
    "period": 'period: str = ""  # the month, YYYY-MM',
}
CLOCK = {"today", "now", "utcnow"}
WRITERS = {"to_excel", "to_csv", "to_parquet", "to_json", "to_html", "to_pickle", "savefig", "insert"}
"""Calls that leave a file, or a cell: a run keeps its tables in its workbook."""
ORDER = 60
PLACE = re.compile(r"^(?:/|~|[A-Za-z]:\\)\S")


@dataclass
class Promotion:
    """A notebook on its way to a template: what was changed, and what stands against it."""

    notebook: nbformat.NotebookNode
    name: str
    clients: Collection[str]
    changes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def promoted(
    notebook: nbformat.NotebookNode, name: str, *, clients: Collection[str], title: str = "", reader: str = "manager"
) -> Promotion:
    """The notebook as a template, with every change in words.

    Formula
        outputs cleared; one cell tagged `parameters` with workspace, client and period, whose client and period are
        left open; `open_report` given those; lines of their own that write a file, and magics, left out; a title card
    Raises
        ParameterError for what no rule can put right, all at once: no `open_report`, a client named, a clock read, a
        file of this machine named, a cell that is no Python.
    """
    made = Promotion(nbformat.from_dict(notebook), name, clients)
    _without_outputs(made)
    for number, cell in _code(made):
        _without_asides(made, number, cell)
    _with_parameters(made)
    for number, cell in _code(made):
        _check(made, number, cell)
    if made.faults:
        raise ParameterError(f"{name} is not a template yet: {'; '.join(made.faults)}. Nothing was written.")
    _with_card(made, title, reader)
    nbformat.validate(made.notebook)
    return made


def _code(made: Promotion) -> Iterator[tuple[int, Any]]:
    """The code cells with their numbers, as they stand in the notebook."""
    cells = list(enumerate(made.notebook.cells, start=1))
    return ((number, cell) for number, cell in cells if cell.cell_type == "code")


def _without_outputs(made: Promotion) -> None:
    held = [cell for _, cell in _code(made) if cell.get("outputs")]
    for _, cell in _code(made):
        cell.outputs, cell.execution_count = [], None
        cell.metadata.pop("execution", None)
    made.notebook.metadata.pop("widgets", None)
    if held:
        made.changes.append(f"outputs of {len(held)} cells cleared")


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _without_asides(made: Promotion, number: int, cell: Any) -> None:
    """Leave out lines of their own that write a file, and magics and shell commands."""
    lines = cell.source.split("\n")
    magics = [place for place, line in enumerate(lines) if line.lstrip().startswith(("%", "!"))]
    for place in magics:
        made.changes.append(f"cell {number}: left out: {_brief(lines[place])}")
    lines = [line for place, line in enumerate(lines) if place not in magics]
    tree = _tree("\n".join(lines))
    for node in reversed(tree.body if tree else []):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and _called(call) in WRITERS:
            made.changes.append(
                f"cell {number}: left out: {_brief(ast.unparse(node))} (tables that are shown are in the workbook)"
            )
            del lines[node.lineno - 1 : node.end_lineno]
    cell.source = "\n".join(lines).strip("\n")


def _brief(text: str) -> str:
    return one_line(text)[:80]


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _with_parameters(made: Promotion) -> None:
    """One cell tagged parameters, with client and period open, and `open_report` that is given them."""
    opening = [(number, cell) for number, cell in _code(made) if "open_report(" in cell.source]
    if len(opening) != 1:
        made.faults.append(f"expected one cell with open_report(workspace, client, period), found {len(opening)}")
        return
    tagged = [cell for _, cell in _code(made) if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) > 1:
        made.faults.append(f"expected one cell tagged 'parameters', found {len(tagged)}")
        return
    if not tagged:
        cell = nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]})
        made.notebook.cells.insert(made.notebook.cells.index(opening[0][1]), cell)
        made.changes.append("a cell of parameters added: workspace, client, period")
        tagged = [cell]
    tagged[0].source = _open_parameters(made, tagged[0].source)
    cell = opening[0][1]
    if cell is not tagged[0]:
        cell.source = _given_parameters(made, opening[0][0], cell.source)


def _open_parameters(made: Promotion, source: str) -> str:
    tree = _tree(source)
    if tree is None:
        made.faults.append("the cell of parameters is not Python")
        return source
    lines = source.split("\n") if source else []
    there = {_target(node): node for node in tree.body}
    for name, line in PARAMETERS.items():
        node = there.get(name)
        if node is None:
            lines.append(line)
            continue
        value = getattr(node, "value", None)
        if name != "workspace" and not (isinstance(value, ast.Constant) and value.value == ""):
            lines[node.lineno - 1 : node.end_lineno] = [line] + [""] * ((node.end_lineno or node.lineno) - node.lineno)
            made.changes.append(f"parameter {name} left open: each run gives it")
        elif name == "workspace" and isinstance(value, ast.Constant) and PLACE.match(str(value.value)):
            lines[node.lineno - 1 : node.end_lineno] = [line]
            made.changes.append("parameter workspace is the folder of the run, not a place of this machine")
    return "\n".join(line for line in lines if line.strip())


def _target(node: ast.stmt) -> str:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _given_parameters(made: Promotion, number: int, source: str) -> str:
    tree = _tree(source)
    calls = (
        [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "open_report"]
        if tree
        else []
    )
    if len(calls) != 1:
        made.faults.append(f"cell {number}: expected one call of open_report, found {len(calls)}")
        return source
    call, names, changed = calls[0], list(PARAMETERS), False
    for place, name in enumerate(names):
        keyword = next((one for one in call.keywords if one.arg == name), None)
        value = call.args[place] if place < len(call.args) else keyword.value if keyword else None
        if value is None:
            made.faults.append(f"cell {number}: open_report is not given {name}")
        elif not (isinstance(value, ast.Name) and value.id == name):
            wanted, changed = ast.Name(name), True
            if keyword:
                keyword.value = wanted
            else:
                call.args[place] = wanted
    if not changed or tree is None:
        return source
    made.changes.append(f"cell {number}: open_report takes workspace, client and period from the parameters")
    return ast.unparse(ast.fix_missing_locations(tree))


def _check(made: Promotion, number: int, cell: Any) -> None:
    tree = _tree(cell.source)
    if tree is None:
        made.faults.append(f"cell {number} is not Python")
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in made.clients:
                made.faults.append(f"cell {number}, line {node.lineno} names a client: use the parameter client")
            elif PLACE.match(node.value):
                made.faults.append(f"cell {number}, line {node.lineno} names a place of this machine")
        elif isinstance(node, ast.Call) and _called(node) in CLOCK:
            made.faults.append(f"cell {number}, line {node.lineno} reads the clock: use report.period and report.as_of")
        elif isinstance(node, ast.Call) and _called(node) in WRITERS - {"insert"}:
            made.faults.append(f"cell {number}, line {node.lineno} writes a file: show the table instead")


def _with_card(made: Promotion, title: str, reader: str) -> None:
    card = dict(made.notebook.metadata.get("rcm") or {})
    known = title or one_line(card.get("title")) or _heading(made.notebook) or made.name.replace("_", " ").capitalize()
    new = (
        {"version": "1", "scope": "client", "order": ORDER, "reader": reader} | card | {"title": known, "packet": True}
    )
    if new != card:
        what = [f"{key} {value!r}" for key, value in new.items() if card.get(key) != value]
        made.changes.append(f"title card: {listed(what, 10)}")
    made.notebook.metadata["rcm"] = new


def _heading(notebook: nbformat.NotebookNode) -> str:
    """The first heading of the notebook."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (re.search(r"^#\s+(.+)$", text, flags=re.MULTILINE) for text in texts)
    return next((one_line(match[1]) for match in found if match), "")
