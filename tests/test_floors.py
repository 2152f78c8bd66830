"""The shape of the house, read from the code itself."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from builders.each import each
from builders.syntax_trees import tree_of

PACKAGE = Path(__file__).parents[1] / "rcm_analysis"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "errors": 0,
    "names": 0,
    "periods": 0,
    "blocks": 1,
    "tables": 1,
    "ledger": 2,
    "sources": 3,
    "measures": 4,
    "models": 5,
    "exhibits": 6,
    "notebook": 9,
    "press": 8,
    "examples": 9,
    "simulate": 9,
    "scoreboard": 10,
    "cli": 11,
    "__main__": 12,
    "__init__": 12,
}
PROOFS = {"examples", "simulate", "scoreboard"}
"""What proves the rest: nothing imports them but the command line, and they each other."""
MOST_IN_A_ROOM = 17
"""Files and folders of one room: what one look at `ls` takes in."""
PRESS_MAY_IMPORT = {"errors", "names", "periods", "blocks", "tables", "press"}
CLOCK = {"today", "now", "utcnow", "localtime", "gmtime", "time"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES
}


@cache
def modules_imported(path: Path) -> set[str]:
    """The modules of our own package that a file imports, wherever in the file it does so."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1]]
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            found |= {name if (name := f"{base}.{alias.name}") in MODULES else base for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(MODULES)


@cache
def all_imports() -> dict[str, set[str]]:
    """Every module of the package with those of them that it imports."""
    return {name: modules_imported(path) - {name} for name, path in MODULES.items()}


def imports(path: Path) -> set[str]:
    """The floors of our own package that a file imports."""
    return {name.split(".")[1] for name in modules_imported(path) if "." in name}


def folder_of(module: str) -> str:
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Every set of names that lead back to one another."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return [error.args[1]]
    return []


def calls(path: Path) -> list[tuple[int, str, str]]:
    """Line, object and attribute of every call of a method or module function."""
    found = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.append((node.lineno, ast.unparse(node.func.value), node.func.attr))
    return found


def test_every_room_has_its_floor():
    assert {room(path) for path in FILES} <= set(FLOORS)


@each(FILES, name_of)
def test_imports_only_go_down(path):
    own = room(path)
    for other in imports(path) - {own}:
        assert FLOORS[other] <= FLOORS[own], f"{name_of(path)} imports {other}, which stands above it"


def test_no_module_leads_back_to_itself():
    inner = {
        name: {other for other in found if MODULES[other].name != "__init__.py"}
        for name, found in all_imports().items()
    }
    assert circles(inner) == []


@pytest.mark.parametrize("floor", ["sources", "ledger", "measures", "models", "exhibits", "press"])
def test_rooms_of_a_floor_form_no_circle(floor):
    rooms: dict[str, set[str]] = {}
    for name, found in all_imports().items():
        if name.split(".")[1:2] == [floor] and MODULES[name].name != "__init__.py":
            inner = {folder_of(other) for other in found if other.split(".")[1] == floor} - {
                f"rcm_analysis.{floor}",
                folder_of(name),
            }
            rooms.setdefault(folder_of(name), set()).update(inner)
    assert circles(rooms) == []


FOLDERS = [path for path in FILES if path.name == "__init__.py" and room(path) in ("measures", "models", "exhibits")]


@each(FOLDERS, name_of)
def test_a_folder_imports_none_of_its_modules(path):
    """Else whoever imports such a module first makes two of it: one of the folder, and one of its own."""
    folder = "rcm_analysis." + ".".join(path.parent.relative_to(PACKAGE).parts)
    assert not {name for name in modules_imported(path) if name.startswith(f"{folder}.")}


@each([path for path in FILES if room(path) not in PROOFS | {"cli", "__init__"}], name_of)
def test_nothing_leans_on_what_proves_it(path):
    assert not imports(path) & PROOFS


@each(sorted({path.parent for path in FILES}), lambda folder: str(folder.relative_to(PACKAGE.parent)))
def test_a_room_is_seen_at_one_look(folder):
    inside = [
        item
        for item in folder.iterdir()
        if item.name not in ("__pycache__", "__init__.py", "__main__.py", "py.typed") and not item.name.startswith(".")
    ]
    assert len(inside) <= MOST_IN_A_ROOM


@each([path for path in FILES if room(path) == "press"], name_of)
def test_the_press_knows_no_measure(path):
    assert imports(path) <= PRESS_MAY_IMPORT


@each([path for path in FILES if room(path) not in ("cli", "press")], name_of)
def test_no_analysis_reads_the_clock(path):
    for line, thing, method in calls(path):
        reads = (
            method in CLOCK
            and any(word in thing for word in ("date", "time", "dt", "Timestamp"))
            and "dtype" not in thing
        )
        assert not reads or thing.endswith(".dt"), f"{name_of(path)}:{line} reads the clock: {thing}.{method}"


@each([path for path in FILES if room(path) == "measures" and path.name != "ratios.py"], name_of)
def test_measures_divide_in_one_place(path):
    for node in ast.walk(tree_of(path)):
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), (
            f"{name_of(path)}:{node.lineno} divides; use ratios.quotient"
        )


@each([path for path in FILES if FLOORS[room(path)] in (2, 4, 5)], name_of)
def test_nothing_rounds_below_the_exhibits(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called != "round", f"{name_of(path)}:{node.lineno} rounds"


@each(FILES, name_of)
def test_files_and_functions_stay_readable(path):
    text = path.read_text()
    assert text.count("\n") <= 600, "split the file"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            words = node.body[0] if ast.get_docstring(node) else None
            length = node.end_lineno - node.lineno - (words.end_lineno - words.lineno + 1 if words else 0)
            assert length <= 60, f"{node.name} has {length} lines"


@each(FILES, name_of)
def test_every_module_and_public_function_says_what_it_is(path):
    tree = tree_of(path)
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), f"{name_of(path)} has no docstring"


NARWHALS = [path for path in FILES if FLOORS[room(path)] in (2, 4)]
INSIDE_AGG = {"when", "then", "otherwise", "filter", "fill_null", "sum_horizontal", "coalesce"}


@each(NARWHALS, name_of)
def test_engines_only_add_up(path):
    """Inside `.agg()` of a lazy frame: plain sums and counts of columns, or an engine answers otherwise."""
    for node in ast.walk(tree_of(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "agg"):
            continue
        if "nw." not in ast.unparse(node):
            continue
        for inner in ast.walk(
            ast.Module([ast.Expr(value) for value in [*node.args, *[word.value for word in node.keywords]]], [])
        ):
            bad = isinstance(inner, (ast.BinOp, ast.Compare, ast.BoolOp)) or (
                isinstance(inner, ast.Attribute) and inner.attr in INSIDE_AGG
            )
            assert not bad, f"{name_of(path)}:{node.lineno} computes inside agg"
