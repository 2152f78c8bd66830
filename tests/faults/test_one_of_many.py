"""What is broken or was left by killed processes is told and cleared, and stops nothing else."""

import os
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from builders.small_clients import put, put_all, take, workspace_of
from rcm_analysis.cli import app as cli
from rcm_analysis.cli import packets
from rcm_analysis.press.runs import folders
from rcm_analysis.tables.disk import temporary_prefix

DEAD = 2**22 + 17
"""A number that no process has: the system gives none so high."""


@pytest.fixture
def workspace(tmp_path):
    made = workspace_of(tmp_path, ("acme", "bay"))
    for client in ("acme", "bay"):
        put_all(made, client)
        take(made, client)
    return made


def rcm(capsys, workspace, *words):
    with pytest.raises(SystemExit) as stop:
        cli.main([*words, "--workspace", str(workspace.folder)])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def break_manifest(workspace, client: str) -> None:
    (workspace.paths["store"] / client / "manifest.json").write_bytes(b"\xff{")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_client_that_cannot_be_taken_in_is_one_line_and_the_others_are_stored(workspace, capsys, workers):
    break_manifest(workspace, "acme")
    for client in ("acme", "bay"):
        put(workspace, client, "again.835", (workspace.paths["raw"] / client / "remit.835").read_bytes() + b"\n")
    code, out, err = rcm(capsys, workspace, "ingest", "--workers", workers)
    assert code == 1 and "Traceback" not in out + err
    assert len([line for line in err.splitlines() if line.startswith("acme:") and "rcm repair acme" in line]) == 1
    assert "again.835" in str(workspace.client("bay").findings()["file"].to_list())


def test_an_intake_in_progress_is_one_line_too(workspace, capsys):
    with FileLock(workspace.paths["store"] / "acme" / ".lock"):
        code, _, err = rcm(capsys, workspace, "ingest", "--workers", "1")
    assert code == 1 and err.count("acme: Another ingest of acme is running") == 1


def test_status_names_the_damaged_client_and_shows_the_others(workspace, capsys):
    break_manifest(workspace, "acme")
    code, out, err = rcm(capsys, workspace, "status")
    assert code == 0 and "rcm repair acme" in err and "damaged" in out
    assert [line.split()[3] for line in out.splitlines() if line.startswith("bay")] == ["18"]


def test_the_reports_of_a_damaged_client_fail_and_are_asked_for_all_the_same(workspace):
    requests = packets.wanted(workspace, "2026-03", ["acme", "bay"], force=False)
    break_manifest(workspace, "acme")
    packets.refuse_empty(workspace, ["acme", "bay"], "2026-03")
    again = packets.wanted(workspace, "2026-03", ["acme", "bay"], force=False)
    assert [(item.client, item.template) for item in again] == [(item.client, item.template) for item in requests]
    known = {item.client: sum(name.startswith("acme/") for name in item.fingerprints) for item in again}
    assert not known["acme"] and not known[None]


@pytest.fixture
def left(workspace, monkeypatch) -> tuple[list[Path], list[Path]]:
    """What processes that run no more left behind, and the same of this process."""
    temporary = workspace.folder / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    runs, store = workspace.runs / "acme" / "2026-03", workspace.paths["store"] / "acme"
    dead, alive = [], []
    for pid, found in ((DEAD, dead), (os.getpid(), alive)):
        prefix = temporary_prefix("kernel").replace(str(os.getpid()), str(pid))
        for path in (temporary / f"{prefix}x", runs / f".client_review.making-{folders._host()}-{pid}"):
            path.mkdir(parents=True)
            (path / "in.ipynb").write_text("{}")
            found.append(path)
        batch = workspace.runs / "_batches" / "2026-03" / f"summary.csv.{pid}-0123abcd.new"
        batch.parent.mkdir(parents=True, exist_ok=True)
        batch.write_text("cli")
        found.append(batch)
    for path in (store / "transactions" / "2026-01.new", store / f"manifest.json.{DEAD}-0123abcd.new"):
        path.write_bytes(b"PAR1")
        dead.append(path)
    return dead, alive


def test_doctor_clean_removes_what_killed_processes_left_and_nothing_else(workspace, left, capsys):
    dead, alive = left
    before = workspace.client("acme").fingerprints()
    _, out, _ = rcm(capsys, workspace, "doctor")
    assert f"{len(dead)} file(s) and folder(s) of processes that were killed" in out
    assert all(path.exists() for path in dead), "without --clean it only looks"
    _, out, _ = rcm(capsys, workspace, "doctor", "--clean")
    assert f"{len(dead)} left-over" in out and not any(path.exists() for path in dead)
    assert all(path.exists() for path in alive)
    assert workspace.client("acme").fingerprints() == before and workspace.store.open("acme").broken() == []


def test_doctor_clean_leaves_a_running_intake_alone(workspace, left, capsys):
    with FileLock(workspace.paths["store"] / "acme" / ".lock"):
        rcm(capsys, workspace, "doctor", "--clean")
        assert (workspace.paths["store"] / "acme" / "transactions" / "2026-01.new").exists()


def test_doctor_clean_brings_back_a_report_that_was_moved_aside(workspace, capsys):
    month = workspace.runs / "acme" / "2026-03"
    aside = month / f".client_review.old-{folders._host()}-{DEAD}"
    aside.mkdir(parents=True)
    (aside / "manifest.json").write_text("{}")
    rcm(capsys, workspace, "doctor", "--clean")
    assert [path.name for path in month.iterdir()] == ["client_review"]
