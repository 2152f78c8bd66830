"""The forked kernel without sockets gives what Jupyter's own gives: one notebook of everything, run both ways."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from rcm_analysis.press.runs import kernels
from rcm_analysis.press.warm import client

pytestmark = pytest.mark.skipif(not client.possible(), reason="nothing is forked here")
NUMBERS = re.compile(r"0x[0-9a-f]{6,}|ipykernel_\d+")
"""Addresses in memory, and the kernel's number in the names of its cells: no two runs agree in them."""


def everything() -> nbformat.NotebookNode:
    """The notebook of `everything.txt`; cells marked ! may fail."""
    text = Path(__file__).with_name("everything.txt").read_text(encoding="utf-8")
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_markdown_cell("# Everything"),
        nbformat.v4.new_code_cell("n: int = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["skip-execution"]}),
    ]
    for part in text.split("\n=== ")[1:]:
        case, _, source = part.rstrip("\n").partition("\n")
        tags = ["raises-exception"] if case.startswith("!") else []
        made.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags, "case": case}))
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    return made


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, kernels.Executed]:
    folder, done = tmp_path_factory.mktemp("both") / "here", {}
    for engine in kernels.ENGINES:
        folder.mkdir()
        settings = kernels.Settings(folder=folder, cell_seconds=120, environment={"RCM_PROBE": "probe"})
        done[engine] = kernels.execute(everything(), {"n": 2}, settings, engine=engine)
        shutil.rmtree(folder)
    return done


def cells(executed: kernels.Executed) -> dict[str, str]:
    """Every cell by its case, as text that can be compared."""
    made = nbformat.from_dict(executed.notebook)
    named = [(cell.metadata.get("case", f"cell {number}"), cell) for number, cell in enumerate(made.cells)]
    tagged = {"papermill-error-cell-tag"}  # markers, with an id drawn at random
    return {
        case: NUMBERS.sub("N", json.dumps(cell, indent=1, sort_keys=True))
        for case, cell in named
        if not tagged & set(cell.metadata.get("tags", []))
    }


def test_every_cell_is_the_same(both: dict[str, kernels.Executed]) -> None:
    forked, ordinary = (cells(both[engine]) for engine in ("fork", "papermill"))
    assert list(forked) == list(ordinary) and len(forked) > 80
    assert [case for case in forked if forked[case] != ordinary[case]] == []
    for case, cell in forked.items():
        assert forked[case] == ordinary[case], case
        assert '"status": "failed"' not in cell


def test_the_rest_of_the_notebook_is_the_same(both: dict[str, kernels.Executed]) -> None:
    assert both["fork"].notebook.metadata == both["papermill"].notebook.metadata
    assert both["fork"].stopped == both["papermill"].stopped
    assert both["fork"].usage["cpu_seconds"] > 0


def test_cells_that_should_fail_do(both: dict[str, kernels.Executed]) -> None:
    for cell in both["fork"].notebook.cells:
        if cell.metadata.get("case") in ("!division", "!a chain", "!our own error", "!leaving", "!asking"):
            assert [output.output_type for output in cell.outputs][:1] == ["error"]
