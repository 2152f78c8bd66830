"""The worked investigations: stored with outputs, free of machine paths, and still running."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestInvestigation:
    def test_it_is_stored_with_outputs_and_without_errors_or_machine_paths(self, path):
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
        assert outputs
        assert not [output for output in outputs if output.output_type in ("error", "stream")]
        assert not re.search(r"/(tmp|home|root|Users)/", path.read_text(encoding="utf-8"))

    @pytest.mark.slow
    def test_it_still_runs_and_gives_the_stored_tables(self, path):
        from nbclient import NotebookClient

        stored = nbformat.read(path, as_version=4)
        again = nbformat.read(path, as_version=4)
        NotebookClient(again, timeout=600, kernel_name="python3").execute()
        for before, after in zip(stored.cells, again.cells, strict=True):
            if before.cell_type == "code" and "nbval-ignore-output" not in before.metadata.get("tags", []):
                assert texts(before) == texts(after), before.id


def texts(cell: nbformat.NotebookNode) -> list[str]:
    """What the cell printed, as plain text."""
    return [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
