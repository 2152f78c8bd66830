"""Batches: one failure stops nothing, and a stop is in order."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from rcm_analysis.errors import RunError
from rcm_analysis.press.runs import batch as batch_module
from rcm_analysis.press.runs import kernels, manifest
from rcm_analysis.press.runs.batch import BatchResult, progress_bar, run_batch
from rcm_analysis.press.runs.packet import PacketRequest
from rcm_analysis.press.runs.run import RunRequest, RunResult
from rcm_analysis.press.runs.worker import Worker, failed

Requests = Callable[..., RunRequest]
IDLE = SimpleNamespace(perform=lambda job: failed(job, "nothing was tried"), close=lambda: None)


@pytest.fixture(scope="module")
def batch(templates_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[BatchResult, list, Path]:
    """Two clients, two reports each of which one stops, a client id that is refused, and their packets."""
    runs = tmp_path_factory.mktemp("batch") / "runs"
    wanted = [
        RunRequest(template, client, "2026-10", runs, templates=templates_folder)
        for client in ("cali-care", "../climber", "dr-suess")
        for template in ("broken", "small")
    ]
    packets = [
        PacketRequest(client, "2026-10", runs, ("small", "broken"), templates_folder)
        for client in ("cali-care", "dr-suess")
    ]
    told: list = []
    result = run_batch(wanted, packets=packets, workers=2, on_progress=lambda *step: told.append(step))
    return result, told, runs


def test_one_failure_stops_nothing(batch) -> None:
    results = {(result.client, result.template): result.status for result in batch[0].results}
    assert results == {
        ("cali-care", "broken"): "failed", ("cali-care", "small"): "done", ("cali-care", "packet"): "done",
        ("dr-suess", "broken"): "failed", ("dr-suess", "small"): "done", ("dr-suess", "packet"): "done",
        ("../climber", "broken"): "failed", ("../climber", "small"): "failed",
    }  # fmt: skip
    assert (batch[0].exit_code, batch[0].interrupted, len(batch[0].failures)) == (1, False, 4)
    assert batch[0].line().startswith("8 asked for: 4 done, 4 failed.")


def test_packets_come_after_their_reports_and_name_what_failed(batch) -> None:
    order = [(result.client, result.template) for result, _, _ in batch[1]]
    for client in ("cali-care", "dr-suess"):
        assert order.index((client, "packet")) > max(order.index((client, "small")), order.index((client, "broken")))
        made = manifest.read(batch[2] / client / "2026-10" / "packet")
        assert made["absent"] == [
            {"title": "Broken review", "reason": "the last run stopped at cell 4 (KeyError)", "reader": "client"}
        ]


def test_progress_is_told_after_each(batch) -> None:
    assert [(done, total) for _, done, total in batch[1]] == [(number, 8) for number in range(1, 9)]


def test_the_summary_names_every_report(batch) -> None:
    with (batch[2] / "_batches" / "2026-10" / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    broken = next(row for row in rows if (row["client"], row["template"]) == ("dr-suess", "broken"))
    assert (broken["status"], broken["cell"]) == ("failed", "4")
    assert broken["error"].startswith("KeyError")
    assert int(next(row for row in rows if row["status"] == "done")["pages"]) > 0
    refused = batch[2] / "_batches" / "refused" / "summary.csv"
    assert len(rows) == 6 and "A client id is made of" in refused.read_text()


def test_nothing_outside_the_runs_folder_is_touched(batch) -> None:
    assert sorted(path.name for path in batch[2].parent.iterdir()) == ["runs"]
    assert sorted(path.name for path in batch[2].iterdir()) == ["_batches", "cali-care", "dr-suess"]
    assert not list(batch[2].rglob(".*"))


def test_an_empty_batch_is_a_good_batch() -> None:
    result = run_batch([])
    assert (result.exit_code, result.line()) == (0, "0 asked for: nothing to do.")


def test_two_reports_for_one_place_are_refused(request_for: Requests) -> None:
    with pytest.raises(RunError, match="the same folder"):
        run_batch([request_for(), request_for()])


def test_a_worker_that_dies_takes_only_its_job(request_for: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(kernels.Settings())
    try:
        process = worker._running()
        process.kill()
        process.wait()
        first = worker.perform(request_for("smal"))
        assert (first.status, first.template) == ("failed", "smal")
        assert "its process died" in first.error
        second = worker.perform(request_for("smal"))
        assert "There is no template 'smal'" in second.error
    finally:
        worker.close()


def test_a_worker_that_has_grown_too_large_is_replaced(request_for: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rcm_analysis.press.runs.worker.MOST_MB", 1)
    worker = Worker(kernels.Settings())
    worker.perform(request_for("smal"))
    assert worker._process is None


def test_a_worker_lives_as_long_as_the_batch(request_for: Requests) -> None:
    worker = Worker(kernels.Settings())
    try:
        worker.perform(request_for("smal"))
        first = worker._running().pid
        for _ in range(10):
            worker.perform(request_for("smal"))
        assert worker._running().pid == first
    finally:
        worker.close()


def test_what_is_unchanged_is_settled_before_any_worker_starts(
    templates_folder: Path, finished: tuple[RunResult, RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished[0].folder.parents[2], tmp_path / "runs")
    prints = {"cali-care/claims": "f1", "dr-suess/claims": "f1"}
    wanted = [
        RunRequest("small", client, "2026-10", tmp_path / "runs", templates=templates_folder, fingerprints=prints)
        for client in ("cali-care", "dr-suess")
    ]
    packets = [
        PacketRequest(one.client, one.period, one.runs, ("small",), templates_folder, printed_on=None) for one in wanted
    ]
    made = run_batch([], packets=packets)
    assert [result.status for result in made.results] == ["done", "done"]
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a worker was started"))
    told: list = []
    kept = run_batch(wanted, packets=packets, workers=2, on_progress=lambda *step: told.append(step))
    assert [result.status for result in kept.results] == ["reused"] * 4
    assert [(done, total) for _, done, total in told] == [(number, 4) for number in range(1, 5)]


@pytest.mark.parametrize(
    ("workers", "given", "each"),
    [
        pytest.param(1, None, None, id="one worker takes what it likes"),
        pytest.param(2, None, 4, id="two workers share"),
        pytest.param(3, None, 2, id="the rest of a division stays idle"),
        pytest.param(16, None, 1, id="never fewer than one"),
        pytest.param(2, 3, 3, id="what was asked for stays"),
    ],
)
def test_workers_share_the_machines_threads(
    request_for: Requests, monkeypatch: pytest.MonkeyPatch, workers: int, given: int | None, each: int | None
) -> None:
    threads = []
    monkeypatch.setattr(batch_module.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(batch_module, "Worker", lambda settings: threads.append(settings.threads) or IDLE)
    run_batch([request_for("smal")], workers=workers, settings=kernels.Settings(threads=given))
    assert threads == [each]


def test_a_parameter_that_cannot_travel_is_its_own_failure(request_for: Requests) -> None:
    result = Worker(kernels.Settings()).perform(request_for(parameters={"weeks": lambda: 4}))
    assert "cannot be handed to a worker" in result.error


STOPPED = """
import sys
from pathlib import Path
from rcm_analysis.press.runs.batch import run_batch
from rcm_analysis.press.runs.run import RunRequest
wanted = [RunRequest("slow", client, "2026-10", Path(sys.argv[1]), templates=Path(sys.argv[2])) for client in ("a", "b",
"c")]
result = run_batch(wanted, workers=2)
print(result.line(), [item.error for item in result.results])
sys.exit(result.exit_code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_stops_the_batch_in_order(tmp_path: Path) -> None:
    import nbformat

    cells = [
        nbformat.v4.new_code_cell('client: str = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "from pathlib import Path\nimport os, time\nPath(client).write_text(str(os.getpid()))\ntime.sleep(60)"
        ),
    ]
    (tmp_path / "templates").mkdir()
    slow = nbformat.v4.new_notebook(cells=cells, metadata={"rcm": {"title": "Slow"}})
    nbformat.write(slow, tmp_path / "templates" / "slow.ipynb")
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, "runs", "templates"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    waited = time.monotonic() + 60
    while not (_number(tmp_path / "a") and _number(tmp_path / "b")) and time.monotonic() < waited:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=40)
    assert process.returncode == 130
    assert said.startswith("3 asked for: 3 failed.")
    assert said.count("it was stopped") == 2 and said.count("Not started") == 1
    assert not list((tmp_path / "runs").rglob("*slow*"))
    for client in ("a", "b"):
        assert _gone(_number(tmp_path / client)), "a kernel outlived its batch"


def _number(path: Path) -> int:
    return int(path.read_text() or 0) if path.exists() else 0


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("error", ["ParameterError: Take its files in first: rcm ingest", "TableError: 3 of 10 rows."])
def test_the_line_of_a_failure_is_made_of_sentences(tmp_path: Path, error: str) -> None:
    notebook = tmp_path / "notebook.ipynb"
    notebook.touch()
    line = RunResult("small", "cali-care", "2026-10", tmp_path, "failed", 1.0, error=error).line()
    assert f": {error.removesuffix('.')}. The notebook as far as it got: {notebook}. No report" in line


def test_the_bar_prints_each_failure_as_it_happens() -> None:
    screen = io.StringIO()
    with progress_bar(Console(file=screen, width=300)) as told:
        told(RunResult("small", "cali-care", "2026-10", Path("r"), "done", 1.0), 1, 2)
        told(RunResult("small", "[red]x", "2026-10", Path("r"), "failed", 1.0, cell=3, error="TableError: x."), 2, 2)
    assert "small stopped for [red]x 2026-10 at cell 3: TableError: x." in screen.getvalue()
    assert "2/2" in screen.getvalue()
