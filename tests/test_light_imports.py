"""What is imported when: a command that draws and fits nothing does not wait for what draws and fits."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import importlib, os, sys
importlib.import_module(sys.argv[1])
heavy = "lark scipy scipy.stats scipy.optimize scipy.special seaborn matplotlib matplotlib.pyplot pandas".split()
print(*[name for name in heavy if name in sys.modules])
tasks = "/proc/self/task"
if os.path.isdir(tasks):
    print(*sorted({open(f"{tasks}/{task}/comm").read().strip() for task in os.listdir(tasks)}))
"""


def loaded_by(module: str) -> tuple[set[str], set[str]]:
    """The heavy packages that importing a module loads, and the names of the threads it starts."""
    said = subprocess.run([sys.executable, "-c", LOADED, module], capture_output=True, text=True, check=True).stdout
    lines = [*said.splitlines(), ""]
    return set(lines[0].split()), set(lines[1].split())


@pytest.mark.parametrize(
    ("module", "may"),
    [
        pytest.param("rcm_analysis.cli.app", set(), id="every command"),
        pytest.param("rcm_analysis.sources.intake", {"pandas"}, id="intake"),
        pytest.param("rcm_analysis.notebook", {"matplotlib", "pandas"}, id="a template's one import"),
        pytest.param("rcm_analysis.press.runs.worker", {"pandas", "matplotlib"}, id="the press"),
    ],
)
def test_what_draws_and_fits_is_imported_where_something_is_drawn_or_fitted(module: str, may: set[str]) -> None:
    assert loaded_by(module)[0] <= may


def test_the_types_of_a_plan_are_loaded_when_a_plan_is_opened() -> None:
    said = "import sys, rcm_analysis.notebook as n; print('rcm_analysis.models.plan' in sys.modules); n.open_plan"
    out = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False"]


@pytest.mark.skipif(sys.platform != "linux", reason="the names of threads are read from /proc")
def test_importing_uses_no_polars() -> None:
    """A process that has used Polars has its threads, and what is forked from it hangs."""
    assert not {
        name for name in loaded_by("rcm_analysis.notebook")[1] if name.startswith(("polars-0", "tokio", "async"))
    }
