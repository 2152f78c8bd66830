"""Whatever a run writes is its owner's alone and names no folder of this machine, also where the run failed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from rcm_analysis.press.runs import folders
from rcm_analysis.press.runs.batch import run_batch
from rcm_analysis.press.runs.run import RunRequest

TALKS = """
import os, sys, warnings, rcm_analysis
print(os.getcwd(), rcm_analysis.__file__, file=sys.stderr)
warnings.warn("look here")
os.path.join(os.getcwd(), "raw")
"""
FAILS = "from rcm_analysis.tables.workspace import open_workspace\nopen_workspace('nowhere')"
DIES = "from rcm_analysis.periods import Period\nPeriod.month(client + 1)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, templates_folder: Path) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("place")
    workspace, templates = place / "workspace", place / "templates"
    workspace.mkdir()
    templates.mkdir()
    for name, cells in {"talks": [TALKS], "fails": [TALKS, FAILS], "dies": [DIES]}.items():
        made = nbformat.read(templates_folder / "small.ipynb", as_version=4)
        made.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(made, templates / f"{name}.ipynb")
    before = os.umask(0)
    try:
        requests = [
            RunRequest(name, "cali-care", "2026-10", workspace / "runs", templates=templates, workspace=workspace)
            for name in ("talks", "fails", "dies")
        ]
        assert [result.status for result in run_batch(requests).results] == ["done", "failed", "failed"]
    finally:
        os.umask(before)
    yield workspace / "runs"


def test_only_the_owner_may_read_them(runs: Path) -> None:
    found = [runs, *runs.rglob("*")]
    assert len(found) > 12 and {oct(path.stat().st_mode & 0o777) for path in found} == {"0o700", "0o600"}


def test_no_file_names_a_folder_of_this_machine(runs: Path) -> None:
    import rcm_analysis

    places = {str(runs.parent), str(Path(rcm_analysis.__file__).parents[1]), tempfile.gettempdir(), str(Path.home())}
    texts = {path: path.read_text("utf-8", "replace") for path in runs.rglob("*") if path.is_file()}
    assert sum("look here" in text for text in texts.values()) >= 2, "the cells did say something"
    assert [path for path, text in texts.items() if any(f"{place}/" in text for place in places)] == []


def test_what_a_killed_maker_left_is_found_and_put_right(tmp_path: Path) -> None:
    month, dead = tmp_path / "acme" / "2026-10", 2**22 + 17
    host = folders._host()
    for name in (f".small.making-{host}-{dead}", f".small.old-{host}-{dead}", f".other.making-{host}-{os.getpid()}"):
        (month / name).mkdir(parents=True)
        (month / name / "manifest.json").write_text("{}")
    assert len(folders.leftovers(tmp_path)) == 2
    folders.recover_all(tmp_path)
    assert {path.name for path in month.iterdir()} == {"small", f".other.making-{host}-{os.getpid()}"}
