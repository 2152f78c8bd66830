"""Plan, run one, collect, and a cluster: whatever does the work in whichever order, the files are the same bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from builders.night_workspace import PERIOD, ROOT, files_of, night_workspace, rcm
from rcm_analysis.errors import RunError
from rcm_analysis.press.night.seam import Places, entries_of
from rcm_analysis.press.runs.packet import PacketRequest
from rcm_analysis.press.runs.run import RunRequest
from rcm_analysis.press.runs.worker import failed
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.workspace import open_workspace

PACKETS = ("packets", "--period", PERIOD)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return night_workspace(tmp_path_factory.mktemp("seam") / "workspace").folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "workspace")


@pytest.fixture(scope="module")
def local(made: Path, tmp_path_factory) -> dict[str, bytes]:
    """What `rcm packets` makes on this machine."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("local") / "workspace")
    assert rcm(folder, *PACKETS).returncode == 0
    files = files_of(folder / "runs")
    assert len(files) == 3 * 2 * 4 + 4 + 3 * 6
    return files


def planned(workspace: Path, *more: str) -> Path:
    path = workspace.parent / f"plan{len(more)}.jsonl"
    assert rcm(workspace, *PACKETS, "--plan", str(path), *more).returncode == 0
    return path


def test_a_plan_has_a_line_each_and_no_folder_of_this_machine(workspace: Path) -> None:
    text = planned(workspace).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["job"] for line in lines] == ["report"] * 7 + ["packet"] * 3
    assert str(workspace) not in text and str(ROOT) not in text
    assert [need["template"] for need in lines[-1]["needs"]] == ["review", "notes"]
    assert not (workspace / "runs").exists()
    entries = entries_of(text, Places(workspace, workspace / "runs", workspace / "forms"))
    assert [entry.job.folder for entry in entries[:2]] == [
        workspace / "runs" / "acme" / PERIOD / name for name in ("review", "notes")
    ]
    assert isinstance(entries[-1].job, PacketRequest) and entries[-1].job.printed_on is not None


@pytest.mark.slow
def test_any_order_side_by_side_gives_the_bytes_of_the_batch(workspace: Path, local: dict[str, bytes]) -> None:
    plan = planned(workspace)
    order = list(range(1, 11))
    random.Random(os.environ.get("RCM_SEED", "12")).shuffle(order)
    for pair in zip(order[::2], order[1::2], strict=True):
        words = [[sys.executable, "-m", "rcm_analysis", "run-one", str(plan), "--line", str(line)] for line in pair]
        running = [
            subprocess.Popen([*one, "--workspace", str(workspace)], env=os.environ | {"PYTHONPATH": str(ROOT)})
            for one in words
        ]
        assert [process.wait() for process in running] == [0, 0], order
    ended = rcm(workspace, *PACKETS, "--collect", str(plan))
    assert ended.returncode == 0 and "10 asked for: 10 done." in ended.stdout, ended.stdout
    assert files_of(workspace / "runs") == local
    assert (workspace / "runs" / "index.html").is_file()
    again = rcm(workspace, *PACKETS)
    assert "10 asked for: 10 reused." in again.stdout


@pytest.mark.slow
def test_packets_alone_make_the_reports_that_they_are_bound_of(workspace: Path, local: dict[str, bytes]) -> None:
    lines = planned(workspace, "--client", "bay").read_text().splitlines()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "rcm_analysis", "run-one", "-", "--workspace", str(workspace)]
    ended = subprocess.run(words, input=lines[-1], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and "packet, bay" in ended.stdout
    assert files_of(workspace / "runs") == {place: data for place, data in local.items() if place.startswith("bay/")}


@pytest.mark.slow
def test_collecting_names_what_failed_and_what_is_missing(workspace: Path) -> None:
    (workspace / "fail-bay").touch()
    plan = planned(workspace)
    jobs = [
        (one.get("client"), one.get("template", "packet")) for one in map(json.loads, plan.read_text().splitlines())
    ]
    for job in (("acme", "packet"), ("bay", "review"), ("bay", "packet")):
        ended = rcm(workspace, "run-one", str(plan), "--line", str(jobs.index(job) + 1))
        assert ended.returncode == (0 if job[0] == "acme" else 1)
    attempt = (workspace / "runs" / "bay" / PERIOD / "review.failed" / "manifest.json").read_bytes()
    ended = rcm(workspace, *PACKETS, "--collect", str(plan), "--mail-summary", str(workspace / "night"))
    assert ended.returncode == 1 and "10 asked for: 3 done, 7 failed." in ended.stdout
    assert "review stopped for bay 2026-03 at cell 3: ValueError" in ended.stderr
    told = (workspace / "night.txt").read_text()
    assert "cove, review: It was not made since it was planned; run its line again." in told
    assert "bay, packet: No packet was made" in told and "acme, packet: made, 2 report(s)" in told
    assert (workspace / "runs" / "bay" / PERIOD / "review.failed" / "manifest.json").read_bytes() == attempt, (
        "a report that failed since the plan was made is not tried again by its packet"
    )


@pytest.mark.slow
def test_what_is_up_to_date_is_kept_and_what_was_changed_since_is_named(workspace: Path) -> None:
    assert rcm(workspace, *PACKETS, "--client", "acme").returncode == 0
    time.sleep(1.1)
    plan = planned(workspace, "--client", "acme")
    ended = rcm(workspace, *PACKETS, "--collect", str(plan))
    assert ended.returncode == 0 and "3 asked for: 3 reused." in ended.stdout
    forced = planned(workspace, "--client", "acme", "--force")
    assert "3 asked for: 3 failed." in rcm(workspace, *PACKETS, "--collect", str(forced)).stdout
    (workspace / "runs" / "acme" / PERIOD / "review" / "report.html").write_text("changed by hand")
    ended = rcm(workspace, *PACKETS, "--collect", str(plan))
    assert ended.returncode == 1 and "2 failed" in ended.stdout
    for line in ("1", "3"):
        assert rcm(workspace, "run-one", str(plan), "--line", line).returncode == 0
    assert rcm(workspace, *PACKETS, "--collect", str(plan)).returncode == 0


@pytest.mark.slow
def test_collecting_says_whose_store_has_changed_since_the_plan(workspace: Path) -> None:
    plan = planned(workspace)
    assert "Changed since" not in rcm(workspace, *PACKETS, "--collect", str(plan)).stderr
    change_store(workspace, "bay")
    (workspace / "clients.toml").write_text((workspace / "clients.toml").read_text() + "\n# looked at\n")
    ended = rcm(workspace, *PACKETS, "--collect", str(plan))
    assert ended.returncode == 1, "nothing was made of the plan"
    said = " ".join(ended.stderr.split())
    assert "Changed since the plan was made (20" in said and "): bay, registry. A report made before" in said
    logs = [json.loads(line) for path in workspace.glob("runs/_batches/*/*.jsonl") for line in path.open()]
    assert [one["changed"] for one in logs if one["event"] == "moved"] == [["bay", "registry"]]


def change_store(workspace: Path, client: str) -> None:
    """One more claim of the client is known."""
    with open_workspace(workspace).store.change(client) as change:
        claims = change.before.read("claims")
        change.append(TABLES["claims"], claims[:1].with_columns(claim_id=pl.lit("one more")))


@pytest.mark.parametrize("template", ["review", "packet"])
def test_a_line_names_a_notebook_only_where_there_is_one(tmp_path: Path, template: str) -> None:
    request = RunRequest("review", "bay", PERIOD, tmp_path)
    job = PacketRequest("bay", PERIOD, tmp_path, ("review",)) if template == "packet" else request
    never = failed(job, "Not started: the batch was stopped.")
    assert "notebook" not in never.line() and ("No report was made." in never.line()) == (template == "review")
    stopped = replace(never, folder=tmp_path / "review.failed", cell=3)
    stopped.folder.mkdir()
    assert "notebook" not in stopped.line(), "it stopped before there was one"
    (stopped.folder / "notebook.ipynb").touch()
    assert f"The notebook as far as it got: {stopped.folder / 'notebook.ipynb'}." in stopped.line()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "The plan is empty", id="nothing"),
        pytest.param("{}", "Line 1 is not of a plan (KeyError)", id="no entry"),
        pytest.param("not json", "Line 1 is not of a plan", id="no JSON"),
        pytest.param('{"schema": 99, "job": "report"}', "another version", id="another version's"),
        pytest.param(
            '{"schema": 1, "job": "report", "planned_at": "", "printed_on": null, "runs": "/etc"}',
            "Line 1 is not of a plan (TypeError)",
            id="a folder of its own",
        ),
    ],
)
def test_what_is_no_plan_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RunError) as refused:
        entries_of(text, Places(tmp_path, tmp_path / "runs", None))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("client", "template"), [("../../etc", "review"), ("acme", "../review")], ids=["a client", "a template"]
)
def test_a_line_cannot_lead_out_of_the_runs_folder(workspace: Path, client: str, template: str) -> None:
    line = json.loads(planned(workspace).read_text().splitlines()[0])
    plan = workspace / "line.json"
    plan.write_text(json.dumps(line | {"client": client, "template": template}))
    ended = rcm(workspace, "run-one", str(plan))
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    assert not list((workspace / "runs").rglob("*.ipynb")) and not (workspace.parent / "etc").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param([], "has 10 lines; name one with --line N", id="which line"),
        pytest.param(["--line", "11"], "has 10 lines, and line 11", id="a line too many"),
    ],
)
def test_a_line_that_cannot_be_meant_runs_nothing(workspace: Path, words: list[str], says: str) -> None:
    ended = rcm(workspace, "run-one", str(planned(workspace)), *words)
    assert ended.returncode == 2 and says in ended.stderr and not (workspace / "runs").exists()


CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, *[worker.pid for worker in cluster.workers.values()], flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def cluster(tmp_path: Path):
    """A real cluster of two processes: its address."""
    pytest.importorskip("distributed")
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(tmp_path / "dask")},
    )  # fmt: skip
    address, *_ = process.stdout.readline().split()
    yield address
    process.stdin.close()
    process.wait(60)


@pytest.mark.slow
def test_a_cluster_gives_the_bytes_of_this_machine(workspace: Path, local: dict[str, bytes], cluster: str) -> None:
    ended = rcm(workspace, *PACKETS, "--cluster", cluster)
    assert ended.returncode == 0 and "10 asked for: 10 done." in ended.stdout, ended.stderr
    assert files_of(workspace / "runs") == local


@pytest.mark.slow
def test_a_job_whose_worker_is_killed_is_done_by_another(
    workspace: Path, local: dict[str, bytes], cluster: str
) -> None:
    from distributed import Client

    (workspace / "wait").touch()
    words = [sys.executable, "-m", "rcm_analysis", *PACKETS, "--workspace", str(workspace), "--cluster", cluster]
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list(workspace.glob("waiting-*")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    with Client(cluster, set_as_default=False) as client:
        pids = client.run(os.getpid)
        busy = next(address for address, tasks in client.processing().items() if tasks)
        os.kill(pids[busy], 9)
    (workspace / "wait").unlink()
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0 and "10 asked for: 10 done." in said
    assert files_of(workspace / "runs") == local


@pytest.mark.slow
def test_a_cluster_that_is_not_there_runs_nothing(workspace: Path) -> None:
    pytest.importorskip("distributed")
    ended = rcm(workspace, *PACKETS, "--cluster", "tcp://127.0.0.1:9")
    assert ended.returncode == 2 and "No cluster answers" in ended.stderr and not (workspace / "runs").exists()
