"""Manifests: what went in, what came out, and whether it is still so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rcm_analysis.errors import RunError
from rcm_analysis.press.runs import manifest
from rcm_analysis.press.runs.run import RunResult


@pytest.fixture
def folder(finished: tuple[RunResult, RunResult], tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished[0].folder, tmp_path / "small"))


def test_the_manifest_names_what_went_in_and_what_came_out(folder: Path) -> None:
    made = manifest.read(folder)
    assert made["status"] == "done"
    assert made["template"]["name"] == "small"
    assert made["parameters"] == {"client": "cali-care", "period": "2026-10", "weeks": 4}
    assert made["inputs"] == {"cali-care/claims": "f1"}
    assert (made["rows"], made["findings"]) == ({"cali-care/claims": 3}, 2)
    assert {"python", "rcm_analysis", "papermill", "typst"} <= set(made["packages"])
    assert [entry["name"] for entry in made["outputs"]] == [
        "notebook.ipynb",
        "report.html",
        "report.pdf",
        "workbook.xlsx",
    ]
    assert manifest.verify(folder) == []


def _remove(folder: Path) -> None:
    (folder / "report.pdf").unlink()


def _change(folder: Path) -> None:
    (folder / "report.html").write_text("other")


def _add(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def _mark(folder: Path) -> None:
    made = json.loads((folder / "manifest.json").read_text()) | {"status": "failed"}
    (folder / "manifest.json").write_text(json.dumps(made))


def _unsign(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _cut(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[: len(text) // 2])


def _age(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"schema": 0}')


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(_remove, "report.pdf is missing", id="a file is missing"),
        pytest.param(_change, "report.html has changed since it was made", id="a file has changed"),
        pytest.param(_add, "notes.txt was not made by this run", id="a file was added"),
        pytest.param(_mark, "marked 'failed'", id="the run failed"),
        pytest.param(_unsign, "it is not a finished run", id="there is no manifest"),
        pytest.param(_cut, "cannot be read", id="the manifest is cut off"),
        pytest.param(_age, "not of schema", id="the manifest is of another version"),
    ],
)
def test_verify_says_what_is_wrong(folder: Path, damage, problem: str) -> None:
    damage(folder)
    found = manifest.verify(folder)
    assert len(found) == 1
    assert problem in found[0]


def test_the_run_key_depends_on_template_parameters_and_data() -> None:
    base = manifest.run_key("t", {"a": 1}, {"claims": "f"})
    assert base == manifest.run_key("t", {"a": 1}, {"claims": "f"})
    others = [
        manifest.run_key("u", {"a": 1}, {"claims": "f"}),
        manifest.run_key("t", {"a": 2}, {"claims": "f"}),
        manifest.run_key("t", {"a": 1}, {"claims": "g"}),
        manifest.run_key("t", {"a": 1}, {}),
    ]
    assert len({base, *others}) == 5


def test_a_folder_without_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a finished run"):
        manifest.read(tmp_path)
