"""The README and docs/ say what the package does; where they lie, this fails. UPDATE_DOCS=1 writes the pages."""

import ast
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import rcm_analysis
from rcm_analysis.cli.app import app
from rcm_analysis.measures.menu import SUBJECTS, functions, menu
from rcm_analysis.models import HOMES

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PACKAGE = ROOT / "rcm_analysis"
HOW_TO_CALL = """Each is called by its name, `rcm.measures.days_in_ar(tables, as_of=day, by=["payer"])`, stands under
its subject, `rcm.measures.receivable.days_in_ar`, and is computed for an opened report by
`report.measure("days_in_ar", by=["payer"])`. `help(...)` gives formula, what counts, and source. Dollars are cents in
the frames that come back; "good" is the direction to hope for."""


def measure_tables() -> str:
    """One table per subject: each measure as it is called, what it is, its unit, and which direction is good."""
    lines = ["# Measures", "", HOW_TO_CALL]
    for subject in SUBJECTS:
        room = import_module(f"rcm_analysis.measures.{subject}")
        lines += [
            "",
            f"## {subject}",
            "",
            first_sentence(room),
            "",
            "| measure | what it is | unit | good |",
            "|---|---|---|---|",
        ]
        for record in menu().values():
            if record.subject == subject:
                options = ", ".join(f"{name}={value!r}" for name, value in record.options.items())
                call = record.function.__name__ + (f"({options})" if options else "")
                good = "" if record.good == "none" else record.good
                lines.append(f"| `{call}` | {record.title} | {record.unit} | {good} |")
    return "\n".join(lines)


def public_names() -> str:
    """Every name that an analyst may rely on, by the place in which `<TAB>` lists it."""
    lines = ["# Public names", "", "What `import rcm_analysis as rcm` offers; the test of this page pins every name."]
    places = {"rcm": rcm_analysis, "rcm.measures": rcm_analysis.measures}
    places |= {f"rcm.models.{subject}": getattr(rcm_analysis.models, subject) for subject in HOMES}
    for place, room in places.items():
        names = [name for name in dir(room) if room is not rcm_analysis.measures or name not in functions()]
        lines += ["", f"## {place}", "", "| name | what it is |", "|---|---|"]
        lines += [f"| `{name}` | {first_sentence(getattr(room, name))} |" for name in names]
        if room is rcm_analysis.measures:
            lines += ["", "and every measure by its name, as under its subject; see [measures.md](measures.md):", ""]
            lines += [f"- `{subject}`: {', '.join(sorted(functions(subject)))}" for subject in SUBJECTS]
    return "\n".join([*lines, "", "`rcm.models` lists the names of all its subjects too."])


def first_sentence(thing: object) -> str:
    """The first sentence of what a module, function or class says of itself; nothing for a plain value."""
    if isinstance(thing, dict):
        return ""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()).replace("|", "\\|")


def first_line(path: Path) -> str:
    words = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    return " ".join(words.split()).replace("|", "\\|")


def floor_plan() -> str:
    """One line per module: the first sentence of its docstring."""
    lines = ["# The house", "", "Every module in one line.", "", "| module | holds |", "|---|---|"]
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.relative_to(PACKAGE).parts), path)):
        if path.name not in ("__init__.py", "__main__.py"):
            lines.append(f"| `{path.relative_to(PACKAGE)}` | {first_line(path)} |")
    return "\n".join(lines)


GENERATED = {"measures": measure_tables, "names": public_names, "house": floor_plan}


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_as_the_package_is(name):
    page, expected = ROOT / "docs" / f"{name}.md", GENERATED[name]() + "\n"
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(expected)
    assert page.read_text() == expected, "run once with UPDATE_DOCS=1"


def test_every_command_is_told_with_help():
    commands = {info.name or info.callback.__name__: info.callback for info in app.registered_commands}
    for group in app.registered_groups:
        commands |= {f"{group.name} {info.name}": info.callback for info in group.typer_instance.registered_commands}
    groups = "|".join(group.name for group in app.registered_groups)
    told = set(
        re.findall(
            rf"^\| `rcm ((?:(?:{groups}) )?[\w-]+)", (ROOT / "docs" / "commands.md").read_text(), flags=re.MULTILINE
        )
    )
    assert told == set(commands)
    for name, callback in commands.items():
        assert callback.__doc__ and callback.__doc__.strip(), f"rcm {name} has no help"


def test_every_template_is_told():
    reports = (ROOT / "docs" / "reports.md").read_text()
    told = set(re.findall(r"^\| `(\w+)` \|", reports, flags=re.MULTILINE))
    assert told == {path.stem for path in (ROOT / "templates").glob("*.ipynb")}


def test_tab_lists_what_is_called_and_never_a_module():
    for room, subjects in ((rcm_analysis.measures, SUBJECTS), (rcm_analysis.models, HOMES)):
        for place in [getattr(room, subject) for subject in subjects]:
            assert dir(place) and all(callable(getattr(place, name)) for name in dir(place))
            assert set(dir(place)) <= {*dir(room), *subjects}
        assert all(callable(getattr(room, name)) for name in dir(room) if name not in subjects)


def test_a_name_stays_a_function_after_every_module_was_imported():
    for info in pkgutil.walk_packages(rcm_analysis.measures.__path__, "rcm_analysis.measures."):
        import_module(info.name)
    for info in pkgutil.walk_packages(rcm_analysis.models.__path__, "rcm_analysis.models."):
        import_module(info.name)
    test_tab_lists_what_is_called_and_never_a_module()


def test_an_unknown_name_is_refused_with_the_closest():
    with pytest.raises(AttributeError, match="days_in_ar"):
        rcm_analysis.measures.days_in_arr  # noqa: B018
    with pytest.raises(AttributeError, match="backtest"):
        rcm_analysis.models.backtests  # noqa: B018


def test_the_ratings_are_callable_and_importable_where_outside_checks_look():
    from rcm_analysis.measures.client_ratings import client_ratings

    clients = pd.DataFrame({"client": ["a"], "providers": 1, "revenue_cents": 9, "meeting_cadence": "weekly"})
    assert_frame_equal(rcm_analysis.measures.client_ratings(clients), client_ratings(clients))
    assert rcm_analysis.measures.portfolio.client_ratings is client_ratings


def test_the_package_alone_is_light():
    script = "import sys, rcm_analysis; sys.exit(any(name in sys.modules for name in ('pandas', 'polars', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_what_the_readme_links_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert link.startswith("http") or (ROOT / link).exists(), link


def test_the_pictured_layout_exists():
    for name in re.findall(
        r"`((?:rcm_analysis|tests|notebooks|templates|docs|benchmarks)/[\w./]*)`", README.read_text()
    ):
        assert (ROOT / name).exists(), name


def told_calls() -> list[ast.Call]:
    """Every call that the README and the pages of docs/ show in Python; lines that are no Python are left out."""
    found = []
    for page in (README, *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            kept = "\n".join(line for line in block.splitlines() if "<TAB>" not in line)
            found += [node for node in ast.walk(ast.parse(kept)) if isinstance(node, ast.Call)]
    return found


@pytest.mark.parametrize("call", told_calls(), ids=ast.unparse)
def test_what_the_pages_call_is_there_and_takes_what_it_is_given(call):
    name = ast.unparse(call.func)
    if name.startswith("rcm.") and "(" not in name:
        function = eval(name, {"rcm": rcm_analysis})  # noqa: S307
        inspect.signature(function).bind(*call.args, **{word.arg: word.value for word in call.keywords})
    elif name == "report.measure":
        assert {word.arg for word in call.keywords} <= set(menu()[call.args[0].value].parameters)
