"""A store on an object store: read whole or not at all, changed by one machine at a time, copied once."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import polars as pl
import pytest

from builders.object_store import SERVERS, make_bucket
from rcm_analysis.errors import RcmError, StoreError
from rcm_analysis.tables.remote import Remote, Taken, file_system
from rcm_analysis.tables.schema import TRANSACTIONS
from rcm_analysis.tables.store import Store
from rcm_analysis.tables.workspace import open_workspace

pytest.importorskip("fsspec")
BASE = dict.fromkeys(TRANSACTIONS.names) | {
    "client": "a", "claim_id": "1", "kind": "charge", "party": "primary", "amount_cents": 100,
    "happened_on": dt.date(2026, 1, 1),
}  # fmt: skip


def rows(number: str, month: int) -> pl.DataFrame:
    row = BASE | {"transaction_id": number, "posted_on": dt.date(2026, month, 5)}
    return pl.DataFrame([row], schema=TRANSACTIONS.polars)


def take(store: Store, number: str, month: int) -> None:
    with store.change("a") as change:
        change.replace(TRANSACTIONS, rows(number, month))


def ids(store: Store) -> list[str]:
    return sorted(store.tables(["a"])["transactions"].collect()["transaction_id"])


@pytest.fixture(scope="module", params=["file", *SERVERS])
def server(request):
    """A kind of store and the environment by which it is reached."""
    if request.param == "file":
        yield "file", {}
        return
    with SERVERS[request.param]() as environment:
        yield request.param, environment


@pytest.fixture
def url(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    kind, environment = server
    if kind == "file":
        return f"file://{tmp_path}/bucket/store"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{abs(hash(tmp_path))}"
    make_bucket(kind, bucket)
    return f"{kind}://{bucket}/store"


@pytest.fixture
def here(url: str, tmp_path: Path) -> Store:
    return Store(tmp_path / "here", Remote(url, tmp_path / "here"))


@pytest.fixture
def there(url: str, tmp_path: Path) -> Store:
    """The same store as another machine sees it."""
    return Store(tmp_path / "there", Remote(url, tmp_path / "there"))


def test_what_one_machine_stores_another_reads(here: Store, there: Store) -> None:
    assert there.clients() == [] and there.open("a").rows("transactions") == 0
    take(here, "t1", 1)
    take(here, "t2", 2)
    assert there.clients() == ["a"] and ids(there) == ["t1", "t2"]
    assert there.open("a").fingerprints() == here.open("a").fingerprints()
    take(there, "t3", 2)
    assert ids(here) == ["t1", "t3"] and there.open("a").broken() == []


def test_only_what_changed_is_copied(here: Store, there: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take(here, "t1", 1)
    assert ids(there) == ["t1"]
    take(here, "t2", 2)
    copied: list[str] = []
    fetch = Remote.fetch
    monkeypatch.setattr(Remote, "fetch", lambda self, names: copied.extend(names := list(names)) or fetch(self, names))
    for _ in range(2):
        assert ids(there) == ["t1", "t2"]
        there.open("a").check()
    assert [name[:20] for name in copied] == ["transactions/2026-02"]


def test_fingerprints_alone_copy_nothing(here: Store, there: Store) -> None:
    take(here, "t1", 1)
    assert there.open("a").fingerprints() and there.open("a").posted_months() == ["2026-01"]
    assert not there.folder.exists()


def test_of_two_machines_that_change_a_client_the_second_is_refused(here: Store, there: Store) -> None:
    take(here, "t1", 1)
    with pytest.raises(StoreError, match="Another machine changed the store of a meanwhile"), there.change("a") as late:
        late.replace(TRANSACTIONS, rows("late", 2))
        take(here, "first", 2)
    assert ids(here) == ids(there) == ["first", "t1"]
    take(there, "late", 3)
    assert ids(here) == ["first", "late", "t1"]


def test_of_two_machines_that_store_a_client_first_one_wins(here: Store, there: Store) -> None:
    with pytest.raises(StoreError, match="Another machine"), there.change("a") as late:
        late.replace(TRANSACTIONS, rows("late", 1))
        take(here, "first", 1)
    assert ids(there) == ["first"]


@pytest.mark.parametrize("breaks", ["put", "replace"])
def test_a_change_that_breaks_off_leaves_the_old_state_whole(
    here: Store, there: Store, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    take(here, "t1", 1)
    put = Remote.put

    def broken(self: Remote, names, *more) -> None:
        if breaks == "put":
            put(self, list(names)[:1])
        raise StoreError("The line is cut.")

    with monkeypatch.context() as cut:
        cut.setattr(Remote, breaks, broken)
        with pytest.raises(StoreError, match="cut"), here.change("a") as change:
            change.replace(TRANSACTIONS, pl.concat([rows("t2", 2), rows("t3", 3)]))
    assert ids(there) == ids(here) == ["t1"], "the manifest was not put, so nothing of the change is there"
    assert there.open("a").broken() == []
    take(here, "t2", 2)
    assert ids(there) == ["t1", "t2"] and there.open("a").broken() == []


def test_an_answer_that_was_lost_is_no_conflict(here: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object was put and the line was cut before the answer: the change stands."""
    files = file_system(url.partition(":")[0])
    pipe = type(files).pipe_file

    def cut_off(self, *given, **more):
        pipe(self, *given, **more)
        raise OSError("the line was cut")

    remote = here.remote
    assert remote
    remote.replace("one", b"1", None)
    with monkeypatch.context() as cut:
        cut.setattr(type(files), "pipe_file", cut_off)
        remote.replace("one", b"2", b"1")
    assert remote.read("one") == b"2"
    with pytest.raises(Taken):
        remote.replace("one", b"3", b"1")


def test_a_damaged_copy_is_fetched_again(here: Store, there: Store) -> None:
    take(here, "t1", 1)
    assert ids(there) == ["t1"]
    (copy,) = there.folder.rglob("*.parquet")
    copy.write_bytes(copy.read_bytes()[:-7])
    assert ids(there) == ["t1"]
    copy.unlink()
    assert ids(there) == ["t1"]


def test_a_damaged_object_is_named(here: Store, there: Store) -> None:
    take(here, "t1", 1)
    remote = here.open("a").remote
    (name,) = (name for name in remote.names() if name.endswith(".parquet"))
    (remote.folder / name).write_bytes(b"another file")
    remote.put([name])
    with pytest.raises(StoreError, match="rcm repair a"):
        ids(there)
    (problem,) = there.open("a").broken()
    assert name in problem
    remote.remove([name])
    assert [one.endswith("is missing") for one in there.open("a").broken()] == [True]


def test_a_client_is_deleted_for_good(here: Store, there: Store) -> None:
    take(here, "t1", 1)
    there.delete("a")
    assert here.open("a").rows("transactions") == 0 and not here.remote.below("a").names()


def test_what_went_out_of_use_stays_for_a_day(tmp_path: Path) -> None:
    remote = Remote(f"file://{tmp_path}/bucket", tmp_path / "here")
    store, bucket = Store(tmp_path / "here", remote), tmp_path / "bucket" / "a"
    for number in ("t1", "t2", "t3"):
        take(store, number, 1)
    files = lambda: sorted(path.name for path in bucket.rglob("*.parquet"))  # noqa: E731
    assert len(files()) == 3, "a reader that began before the change can finish"
    (bucket / "derived").mkdir()
    for name in ("answers-1.arrow", "backtest-1.arrow"):
        (bucket / "derived" / name).touch()
    for path in bucket.rglob("*"):
        os.utime(path, (path.stat().st_mtime - 2 * 86400,) * 2)
    take(store, "t4", 1)
    assert len(files()) == 2 and ids(store) == ["t4"], "the manifest of today and of two days ago are whole"
    assert [path.name for path in (bucket / "derived").iterdir()] == ["backtest-1.arrow"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("nowhere://bucket", "is not an address that fsspec knows", id="unknown kind"),
        pytest.param("gs://bucket", "pip install gcsfs", id="without its package"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(tmp_path: Path, url: str, says: str) -> None:
    if url.startswith("gs"):
        try:
            import gcsfs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("gcsfs is installed")
    with pytest.raises(StoreError) as refused:
        Store(tmp_path, Remote(url, tmp_path)).open("a")
    assert says in str(refused.value)


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3fs = pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StoreError, match=r"s3://bucket/a cannot be reached"):
        Store(tmp_path, Remote("s3://bucket", tmp_path)).open("a")


def test_settings_say_what_is_on_an_object_store(tmp_path: Path) -> None:
    (tmp_path / "rcm.toml").write_text('[paths]\nstore = "s3://b/store/"\nscratch = "copies"\n')
    workspace = open_workspace(tmp_path)
    assert workspace.store == Store(
        tmp_path / "copies" / "store", Remote("s3://b/store", tmp_path / "copies" / "store")
    )
    assert workspace.runs == tmp_path / "runs" and set(workspace.remotes) == {"store"}
    assert workspace.place("store") == "s3://b/store" and workspace.place("runs") == str(tmp_path / "runs")
    (tmp_path / "rcm.toml").write_text('[paths]\nraw = "s3://b/raw"\n')
    with pytest.raises(RcmError, match="raw must be a folder"):
        open_workspace(tmp_path)


def test_a_local_store_knows_no_object_store(tmp_path: Path) -> None:
    """It reads and writes as ever: nothing asks fsspec for anything."""
    import subprocess
    import sys

    script = (
        "import sys, json; from pathlib import Path; from rcm_analysis.tables.store import Store\n"
        "store = Store(Path(sys.argv[1])); store.open('a'); store.clients()\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(('fsspec', 's3fs'))]))"
    )
    told = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == []


def test_the_doctor_says_whether_it_is_reached(tmp_path: Path) -> None:
    from rcm_analysis.cli.unwatched import examine

    (tmp_path / "rcm.toml").write_text(f'[paths]\nstore = "nowhere://bucket"\nruns = "file://{tmp_path}/bucket/runs"\n')
    told = {what: (state, good) for what, state, good, _ in examine(tmp_path)}
    assert told["Store on nowhere://bucket"] == ("cannot be reached", False)
    assert told[f"Runs on file://{tmp_path}/bucket/runs"] == ("can be reached", True)
