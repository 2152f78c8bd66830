"""The README says what the package does; where it lies, this fails. UPDATE_README=1 writes the generated parts."""

import ast
import os
import re
from pathlib import Path

import pytest

import rcm_analysis
from rcm_analysis.cli.app import app
from rcm_analysis.measures.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PACKAGE = ROOT / "rcm_analysis"


def measure_table() -> str:
    lines = ["| measure | what it is | unit |", "|---|---|---|"]
    for record in CATALOGUE.values() if hasattr(CATALOGUE, "values") else CATALOGUE:
        module = record.function.__module__.rpartition(".")[2]
        options = ", ".join(f"{name}={value!r}" for name, value in record.options.items())
        call = f"{module}.{record.function.__name__}" + (f"({options})" if options else "")
        lines.append(f"| `{call}` | {record.title} | {record.unit} |")
    return "\n".join(lines)


def first_line(path: Path) -> str:
    words = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    return " ".join(words.split()).replace("|", "\\|")


def floor_plan() -> str:
    """One line per module: the first sentence of its docstring."""
    lines = ["| module | holds |", "|---|---|"]
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.relative_to(PACKAGE).parts), path)):
        if path.name not in ("__init__.py", "__main__.py"):
            lines.append(f"| `{path.relative_to(PACKAGE)}` | {first_line(path)} |")
    return "\n".join(lines)


GENERATED = {"measures": measure_table, "floor plan": floor_plan}


@pytest.mark.parametrize("name", GENERATED)
def test_generated_parts_are_as_the_package_is(name):
    text = README.read_text()
    opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = text.partition(opening)
    found, _, after = rest.partition(closing)
    expected = GENERATED[name]() + "\n"
    if os.environ.get("UPDATE_README"):
        README.write_text(before + opening + expected + closing + after)
        return
    assert found == expected, "run once with UPDATE_README=1"


def test_every_command_is_in_the_readme_with_help():
    commands = {info.name or info.callback.__name__: info.callback for info in app.registered_commands}
    for group in app.registered_groups:
        commands |= {f"{group.name} {info.name}": info.callback for info in group.typer_instance.registered_commands}
    groups = "|".join(group.name for group in app.registered_groups)
    told = set(re.findall(rf"^\| `rcm ((?:(?:{groups}) )?\w+)", README.read_text(), flags=re.MULTILINE))
    assert told == set(commands)
    for name, callback in commands.items():
        assert callback.__doc__ and callback.__doc__.strip(), f"rcm {name} has no help"


def test_every_template_is_in_the_readme():
    reports = README.read_text().partition("## Reports")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", reports, flags=re.MULTILINE))
    assert told == {path.stem for path in (ROOT / "templates").glob("*.ipynb")}


def test_public_names_are_pinned():
    assert sorted(rcm_analysis.__all__) == [
        "Period",
        "RcmError",
        "TABLES",
        "__version__",
        "balances",
        "check_client",
        "exhibits",
        "measures",
        "models",
        "open_report",
        "open_workspace",
        "read_835",
        "read_837",
        "read_export",
        "read_map",
        "read_registry",
        "recognise",
        "roll_forward",
        "simulate",
    ]
    for name in rcm_analysis.__all__:
        assert getattr(rcm_analysis, name) is not None


def test_what_the_readme_links_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert link.startswith("http") or (ROOT / link).exists(), link


def test_the_pictured_layout_exists():
    for name in re.findall(
        r"`((?:rcm_analysis|tests|notebooks|templates|docs|benchmarks)/[\w./]*)`", README.read_text()
    ):
        assert (ROOT / name).exists(), name
