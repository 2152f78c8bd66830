"""Store and runs on an object store: any machine makes the bytes of this one, and no reader ever sees half a report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builders.night_workspace import PERIOD, ROOT, files_of, night_workspace, rcm
from builders.object_store import SERVERS, machine, make_bucket
from rcm_analysis.errors import RunError, StoreError
from rcm_analysis.press.runs import manifest
from rcm_analysis.press.runs.packet import PacketRequest
from rcm_analysis.press.runs.run import RunRequest
from rcm_analysis.press.runs.shared import Shared
from rcm_analysis.tables.disk import make_folder
from rcm_analysis.tables.remote import Remote

pytest.importorskip("fsspec")
PACKETS = ("packets", "--period", PERIOD)


# ---------------------------------------------------------------- one run folder
def made(runs: Path, text: str = "one", client: str = "acme", name: str = "review") -> Path:
    """A finished report of two files, as a machine makes it."""
    folder = runs / client / PERIOD / name
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder / "parts")
    (folder / "report.html").write_text(text)
    (folder / "parts" / "more.txt").write_text(text * 2)
    manifest.write(folder, {"kind": "run", "status": "done", "said": text})
    return folder


@pytest.fixture
def shares(tmp_path: Path) -> list[Shared]:
    """What two machines see of one bucket."""
    places = [tmp_path / name / "runs" for name in ("here", "there")]
    return [Shared(runs=Remote(f"file://{tmp_path}/bucket/runs", place)) for place in places]


def asked(share: Shared, client: str = "acme") -> RunRequest:
    assert share.runs
    return RunRequest("review", client, PERIOD, share.runs.folder)


def do(share: Shared, text: str) -> None:
    with share.around(asked(share)):
        made(share.runs.folder, text)


def seen(share: Shared) -> str:
    share.fetch([asked(share)])
    folder = asked(share).folder
    if not folder.exists():
        return "nothing"
    assert manifest.verify(folder) == []
    return (folder / "report.html").read_text()


def test_what_one_machine_makes_another_finds_whole(shares: list[Shared]) -> None:
    here, there = shares
    assert seen(there) == "nothing"
    do(here, "one")
    assert seen(there) == "one"
    do(there, "two")
    assert seen(here) == "two"
    assert (asked(here).folder / "parts" / "more.txt").read_text() == "twotwo"


@pytest.mark.parametrize("files", [0, 1, 2])
def test_a_machine_that_stops_while_it_puts_leaves_no_half(
    shares: list[Shared], monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    here, there = shares
    do(here, "one")
    left = [files]

    def put(self: Remote, names) -> None:
        for name in names:
            left[0] -= 1
            if left[0] < 0:
                raise StoreError("The machine was switched off.")
            real(self, [name])

    real = Remote.put
    with monkeypatch.context() as cut, pytest.raises(StoreError):
        cut.setattr(Remote, "put", put)
        do(here, "two")
    assert seen(there) == "nothing", "the manifest comes last"
    do(there, "three")
    assert seen(here) == "three"


def test_a_reader_in_the_middle_of_a_change_gets_one_or_the_other(
    shares: list[Shared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is replaced between the reading of its manifest and the copying of its files."""
    here, there = shares
    do(here, "one")
    fetch, turns = Remote.fetch, [2]

    def late(self: Remote, names, into=None) -> None:
        if turns[0]:
            turns[0] -= 1
            do(here, f"{turns[0]} more")
        fetch(self, names, into)

    monkeypatch.setattr(Remote, "fetch", late)
    assert seen(there) == "0 more"


def test_a_file_that_was_changed_there_by_hand_is_no_sound_report(shares: list[Shared], tmp_path: Path) -> None:
    here, there = shares
    do(here, "one")
    (tmp_path / "bucket" / "runs" / "acme" / PERIOD / "review" / "report.html").write_text("two")
    there.fetch([asked(there)])
    assert any("report.html has changed" in problem for problem in manifest.verify(asked(there).folder))


def test_what_is_gone_there_is_gone_here(shares: list[Shared], tmp_path: Path) -> None:
    here, there = shares
    do(here, "one")
    assert seen(there) == "one"
    with here.around(asked(here)):
        shutil.rmtree(asked(here).folder)
    assert not list((tmp_path / "bucket").rglob("*.*")) and seen(there) == "nothing"


def test_the_evidence_of_a_failure_takes_no_place_of_a_good_report(shares: list[Shared]) -> None:
    here, there = shares
    do(here, "one")
    with here.around(asked(here)):
        made(here.runs.folder, "why", name="review.failed")
    assert seen(there) == "one" and (asked(there).folder.parent / "review.failed" / "report.html").exists()
    with there.around(asked(there)):
        shutil.rmtree(asked(there).folder.parent / "review.failed")
    here.fetch([asked(here)])
    assert not (asked(here).folder.parent / "review.failed").exists()


def test_a_packet_brings_the_reports_that_it_is_bound_of(shares: list[Shared]) -> None:
    here, there = shares
    do(here, "one")
    packet = PacketRequest("acme", PERIOD, there.runs.folder, ("review", "notes"))
    with there.around(packet):
        assert manifest.verify(asked(there).folder) == []


def test_a_manifest_that_leads_out_of_its_folder_is_refused(shares: list[Shared], tmp_path: Path) -> None:
    here, there = shares
    do(here, "one")
    path = tmp_path / "bucket" / "runs" / "acme" / PERIOD / "review" / "manifest.json"
    said = json.loads(path.read_text())
    said["outputs"][0]["name"] = "../../../../stolen"
    path.write_text(json.dumps(said))
    with pytest.raises(RunError, match="outside its folder"):
        there.fetch([asked(there)])


def test_manifests_alone_are_enough_for_the_index(shares: list[Shared]) -> None:
    here, there = shares
    do(here, "one")
    there.fetch_all()
    folder = asked(there).folder
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    assert seen(there) == "one", "the files come when they are asked for"


def test_a_local_workspace_asks_nobody() -> None:
    share = Shared.of({})
    assert not share
    share.fetch([])
    share.fetch_all()
    share.put_files([])


# ---------------------------------------------------------------- a night on an object store
@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return night_workspace(tmp_path_factory.mktemp("night") / "workspace").folder


@pytest.fixture(scope="module")
def local(workspace: Path) -> dict[str, bytes]:
    """What `rcm packets` makes of a store and runs on a disk."""
    assert rcm(workspace, *PACKETS).returncode == 0
    return files_of(workspace / "runs")


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, str]]]:
    """A kind of object store and the environment by which it is reached."""
    with SERVERS[request.param]() as environment:
        yield request.param, environment


@pytest.fixture
def machines(
    workspace: Path, server: tuple[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Machines that share one bucket and nothing else, by name; the files were taken in on one that is gone."""
    kind, environment = server
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{abs(hash(tmp_path))}"
    make_bucket(kind, bucket)
    first = machine(workspace, tmp_path / "first", f"{kind}://{bucket}/rcm")
    ended = rcm(first, "ingest")
    assert ended.returncode == 0, ended.stderr
    shutil.rmtree(first)
    return lambda name: machine(workspace, tmp_path / name, f"{kind}://{bucket}/rcm")


CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def cluster(machines: Callable[[str], Path], tmp_path: Path) -> Iterator[str]:
    """A real cluster of two processes, which reach the bucket: its address."""
    pytest.importorskip("distributed")
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(tmp_path / "dask")},
    )  # fmt: skip
    yield process.stdout.readline().split()[0]
    process.stdin.close()
    process.wait(60)


def there_now(folder: Path) -> dict[str, bytes]:
    """What the bucket holds of the runs, fetched by a machine that has nothing."""
    from rcm_analysis.tables.workspace import open_workspace

    opened = open_workspace(folder)
    assert not opened.runs.exists()
    Shared.of(opened.remotes).fetch_all(afresh=True)
    return files_of(opened.runs)


@pytest.mark.slow
def test_a_night_on_an_object_store_gives_the_bytes_of_a_disk(machines, local: dict[str, bytes]) -> None:
    ended = rcm(machines("second"), *PACKETS)
    assert ended.returncode == 0 and "10 asked for: 10 done." in ended.stdout, ended.stderr
    third = machines("third")
    assert there_now(third) == local
    assert "10 asked for: 10 reused." in rcm(machines("fourth"), *PACKETS).stdout
    told = rcm(third, "verify")
    assert told.returncode == 0 and "10 report and packet folders, 3 clients stored, 0 problem(s)." in told.stdout
    history = rcm(third, "status", "--history").stdout
    assert history.count("exit code 0") == 2, "the logs of both machines"


@pytest.mark.slow
def test_plan_run_and_collect_on_machines_of_their_own(machines, local: dict[str, bytes], tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    assert rcm(machines("planner"), *PACKETS, "--plan", str(plan)).returncode == 0
    for line in ("10", "8", "9", "7"):
        ended = rcm(machines(f"worker{line}"), "run-one", str(plan), "--line", line)
        assert ended.returncode == 0, ended.stderr
    ended = rcm(machines("collector"), *PACKETS, "--collect", str(plan), "--mail-summary", str(tmp_path / "mail"))
    assert ended.returncode == 0 and "10 asked for: 10 done." in ended.stdout, ended.stdout + ended.stderr
    assert there_now(machines("reader")) == local
    assert "3 in place" in (tmp_path / "mail.txt").read_text()


@pytest.mark.slow
def test_a_cluster_on_an_object_store_gives_the_bytes_of_a_disk(
    machines, local: dict[str, bytes], cluster: str
) -> None:
    ended = rcm(machines("planner"), *PACKETS, "--cluster", cluster)
    assert ended.returncode == 0 and "10 asked for: 10 done." in ended.stdout, ended.stderr
    assert there_now(machines("reader")) == local


@pytest.mark.slow
def test_a_worker_that_is_killed_there_is_replaced_and_a_kernel_that_dies_is_tried_again(
    machines, local: dict[str, bytes], cluster: str
) -> None:
    from distributed import Client

    planner = machines("planner")
    for name in ("wait", "die-once-bay"):
        (planner / name).touch()
    words = [sys.executable, "-m", "rcm_analysis", *PACKETS, "--workspace", str(planner), "--cluster", cluster]
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 240
    while not list(planner.glob("waiting-*")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.1)
    with Client(cluster, set_as_default=False) as client:
        pids = client.run(os.getpid)
        busy = next(address for address, tasks in client.processing().items() if tasks)
        os.kill(pids[busy], 9)
    (planner / "wait").unlink()
    said, _ = process.communicate(timeout=480)
    assert process.returncode == 0 and "10 asked for: 10 done." in said
    assert not (planner / "die-once-bay").exists()
    assert there_now(machines("reader")) == local
