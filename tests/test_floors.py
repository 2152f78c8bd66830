"""The shape of the house, read from the code itself."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rcm_analysis"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "errors": 0, "periods": 0,
    "schema_base": 1, "schema_coordination": 1, "schema_services": 1, "schema": 1, "clients": 1, "reference": 1,
    "sources": 2, "store": 2, "workspace": 2, "simulate": 2,
    "frames": 3, "ledger": 3, "adjudications": 3, "reconciliation": 3,
    "measures": 4, "models": 5, "exhibits": 6, "notebook": 7, "press": 8, "doctor": 9, "scoreboard": 9, "terminal": 9,
    "cli_data": 10, "cli_desk": 10,
    "cli": 10, "__main__": 11, "__init__": 11,
}
PRESS_MAY_IMPORT = {"errors", "periods", "clients", "schema", "reference", "press"}
CLOCK = {"today", "now", "utcnow", "localtime", "gmtime", "time"}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> set[str]:
    """The rooms of our own package that a file imports."""
    package = ["rcm_analysis", *path.relative_to(PACKAGE).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = [*base, *(node.module or "").split(".")] if node.module else base
            if target[:1] == ["rcm_analysis"]:
                names = [target[1]] if len(target) > 1 else [alias.name for alias in node.names]
                found |= {name for name in names if name != "__version__"}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("rcm_analysis.")}
    return found


def calls(path: Path) -> list[tuple[int, str, str]]:
    """Line, object and attribute of every call of a method or module function."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.append((node.lineno, ast.unparse(node.func.value), node.func.attr))
    return found


def test_every_room_has_its_floor():
    assert {room(path) for path in FILES} <= set(FLOORS)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_only_go_down(path):
    own = room(path)
    for other in imports(path) - {own}:
        assert FLOORS[other] <= FLOORS[own], f"{name_of(path)} imports {other}, which stands above it"


@pytest.mark.parametrize("path", [path for path in FILES if room(path) == "press"], ids=name_of)
def test_the_press_knows_no_measure(path):
    assert imports(path) <= PRESS_MAY_IMPORT


@pytest.mark.parametrize("path", [path for path in FILES if room(path) not in ("cli", "cli_desk", "press")], ids=name_of)
def test_no_analysis_reads_the_clock(path):
    for line, thing, method in calls(path):
        reads = method in CLOCK and any(word in thing for word in ("date", "time", "dt", "Timestamp")) and "dtype" not in thing
        assert not reads or thing.endswith(".dt"), f"{name_of(path)}:{line} reads the clock: {thing}.{method}"


@pytest.mark.parametrize(
    "path", [path for path in FILES if room(path) == "measures" and path.name != "ratios.py"], ids=name_of
)
def test_measures_divide_in_one_place(path):
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), f"{name_of(path)}:{node.lineno} divides; use ratios.quotient"


@pytest.mark.parametrize("path", [path for path in FILES if FLOORS[room(path)] in (3, 4, 5)], ids=name_of)
def test_nothing_rounds_below_the_exhibits(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called != "round", f"{name_of(path)}:{node.lineno} rounds"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_stay_readable(path):
    text = path.read_text()
    assert text.count("\n") <= 600, "split the file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            words = node.body[0] if ast.get_docstring(node) else None
            length = node.end_lineno - node.lineno - (words.end_lineno - words.lineno + 1 if words else 0)
            assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_and_public_function_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), f"{name_of(path)} has no docstring"


NARWHALS = [path for path in FILES if FLOORS[room(path)] in (3, 4)]
INSIDE_AGG = {"when", "then", "otherwise", "filter", "fill_null", "sum_horizontal", "coalesce"}


@pytest.mark.parametrize("path", NARWHALS, ids=name_of)
def test_engines_only_add_up(path):
    """Inside `.agg()` of a lazy frame: plain sums and counts of columns, or an engine answers otherwise."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "agg"):
            continue
        if "nw." not in ast.unparse(node):
            continue
        for inner in ast.walk(ast.Module([ast.Expr(value) for value in [*node.args, *[word.value for word in node.keywords]]], [])):
            bad = isinstance(inner, (ast.BinOp, ast.Compare, ast.BoolOp)) or (isinstance(inner, ast.Attribute) and inner.attr in INSIDE_AGG)
            assert not bad, f"{name_of(path)}:{node.lineno} computes inside agg"
