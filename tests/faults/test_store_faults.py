"""What can go wrong with a store, at moments drawn by a seed: nothing half-made, nothing of two moments."""

import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

from builders.small_clients import flip, put_all, take, workspace_of
from rcm_analysis.cli import app as cli
from rcm_analysis.errors import StoreError
from rcm_analysis.notebook import open_report
from rcm_analysis.tables.disk import TAIL_BYTES, write_part
from rcm_analysis.tables.schema import CLAIMS, TABLES, TRANSACTIONS
from rcm_analysis.tables.store import VERSION, Store
from rcm_analysis.tables.workspace import open_workspace

SEEDS = range(6)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = workspace_of(tmp_path_factory.mktemp("made"), ("acme", "bay"))
    for client in ("acme", "bay"):
        put_all(made, client)
        take(made, client)
    return made


@pytest.fixture
def workspace(made, tmp_path):
    """A copy, for a test that spoils it."""
    return open_workspace(shutil.copytree(made.folder, tmp_path, dirs_exist_ok=True))


def rows_of(workspace, client="acme"):
    view = open_workspace(workspace.folder).client(client)
    return {name: frame.collect().rows() for name, frame in view.tables().items()}


def rcm(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


# ---------------------------------------------------------------- one moment
class Committing(threading.Thread):
    """Sets every amount and every charge to one new number, again and again; notes which fingerprints that gave."""

    def __init__(self, store: Store, seed: int) -> None:
        super().__init__(daemon=True)
        self.store, self.chance, self.ended = store, random.Random(seed), False
        self.states: dict[tuple[str, str], int] = {}

    def commit(self, number: int) -> None:
        with self.store.change("acme") as change:
            for table, column in ((TRANSACTIONS, "amount_cents"), (CLAIMS, "charge_cents")):
                rows = change.current(table)
                change.replace_all(table, rows.with_columns(rows[column] * 0 + number))
        prints = self.store.open("acme").fingerprints()
        self.states[prints["transactions"], prints["claims"]] = number

    def run(self) -> None:
        number = 100
        while not self.ended:
            number += 1
            self.commit(number)
            time.sleep(self.chance.random() / 300)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_report_opened_while_an_intake_commits_is_of_one_moment(workspace, seed, capsys):
    writer, chance = Committing(workspace.store, seed), random.Random(seed)
    writer.commit(100)
    writer.start()
    seen = []
    for _ in range(4):
        time.sleep(chance.random() / 100)
        report = open_report(workspace.folder, "acme", "2026-03")
        amounts = set(report.tables["transactions"].collect()["amount_cents"])
        charges = set(report.tables["claims"].collect()["charge_cents"])
        prints = report.subject.fingerprints
        seen.append((amounts, charges, (prints["transactions"], prints["claims"])))
    writer.ended = True
    writer.join()
    for amounts, charges, prints in seen:
        assert amounts == charges == {writer.states[prints]}


def test_a_view_is_of_one_moment_and_a_new_one_sees_what_came(workspace):
    view = workspace.client("acme")
    before = view.fingerprints()
    lazy = view.tables()["transactions"]
    Committing(workspace.store, 0).commit(7)
    Committing(workspace.store, 0).commit(8)
    assert view.fingerprints() == before and set(lazy.collect()["amount_cents"]) == {10000}
    assert set(workspace.client("acme").tables()["transactions"].collect()["amount_cents"]) == {8}


# ---------------------------------------------------------------- killed, or without room
COMMITS = """
import sys
from rcm_analysis.tables.schema import TRANSACTIONS
from rcm_analysis.tables.store import Store
from pathlib import Path
store, number = Store(Path(sys.argv[1])), 0
print("ready", flush=True)
while True:
    number += 1
    with store.change("acme") as change:
        rows = change.current(TRANSACTIONS)
        change.replace_all(TRANSACTIONS, rows.with_columns(rows["amount_cents"] * 0 + number))
"""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_commit_that_is_killed_leaves_one_whole_state(workspace, seed):
    process = subprocess.Popen(
        [sys.executable, "-c", COMMITS, str(workspace.paths["store"])], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0, 0.3))
    process.kill()
    process.communicate()
    assert len(set(workspace.client("acme").tables()["transactions"].collect()["amount_cents"])) == 1
    assert workspace.store.open("acme").broken() == []
    with workspace.store.change("acme"):
        pass
    assert not list(workspace.paths["store"].rglob("*.new"))


@contextlib.contextmanager
def room_for(size: int):
    """No file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 40, 64, 65, 500, 4000, 4500])
def test_a_disk_that_fills_up_leaves_no_half_key_and_no_half_store(tmp_path, room, capsys):
    """A limit on the size of files stops each write where it falls: in the key, a table, or the manifest."""
    made = workspace_of(tmp_path)
    put_all(made, "acme")
    with room_for(room):
        code, _, err = rcm(capsys, "ingest", "--workspace", tmp_path, "--workers", "1")
    assert code in (1, 2) and "Traceback" not in err and len([line for line in err.splitlines() if line]) <= 1, err
    key = tmp_path / "pseudonym.key"
    assert not key.exists() or len(key.read_text()) == 65
    assert not list(tmp_path.glob("*.new"))
    take(open_workspace(tmp_path), "acme")
    assert len(rows_of(made)["transactions"]) == 18 and made.store.open("acme").broken() == []


# ---------------------------------------------------------------- damaged files
def damage(path, other, how: str, chance: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(
        {
            "a changed byte": lambda: flip(data, chance),
            "cut off": lambda: data[: chance.randrange(len(data))],
            "longer": lambda: data + b"x" * (1 + chance.randrange(9)),
            "another client's": other.read_bytes,
        }[how]()
    )


DAMAGES = ("a changed byte", "cut off", "longer", "another client's")


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_file_is_one_sentence_and_never_a_report(workspace, seed, how):
    chance = random.Random(f"{seed}{how}")
    table = chance.choice([name for name in TABLES if workspace.store.open("acme").rows(name)])
    entries = {client: workspace.store.open(client).months(table) for client in ("acme", "bay")}
    month = chance.choice(sorted(entries["acme"]))
    name = entries["acme"][month]["file"]
    other = workspace.paths["store"] / "bay" / entries["bay"][month]["file"]
    damage(workspace.paths["store"] / "acme" / name, other, how, chance)
    with pytest.raises(StoreError, match="rcm repair acme") as stop:
        open_report(workspace.folder, "acme", "2026-03")
    assert name in str(stop.value) and str(workspace.folder) not in str(stop.value)
    with contextlib.suppress(StoreError):
        take(workspace, "acme")
    assert [line.split()[0] for line in workspace.store.open("acme").broken()] == [name]
    assert rows_of(workspace, "bay")


def test_another_client_of_the_same_size_is_told_by_the_end_of_the_file(workspace):
    """Only the footer differs: the least and the greatest value of the column `client`."""
    rows = workspace.store.open("acme").read("transactions")
    store = Store(workspace.folder / "twins")
    for client in ("aaaa", "bbbb"):
        with store.change(client) as change:
            change.replace(TRANSACTIONS, rows.with_columns(client=rows["client"].replace("acme", client)))
    one, two = (
        store.folder / name / store.open(name).months("transactions")["2026-01"]["file"] for name in ("aaaa", "bbbb")
    )
    assert one.stat().st_size == two.stat().st_size
    one.write_bytes(two.read_bytes())
    with pytest.raises(StoreError, match="content differs"):
        store.open("aaaa").read("transactions")


def test_a_byte_in_the_middle_of_a_large_file_is_found_by_verify(workspace, capsys):
    rows = workspace.store.open("acme").read("transactions")
    ids = pl.Series([f"{random.Random(number).random()}" for number in range(40_000)])
    big = rows.filter(rows["posted_on"].dt.month() == 1).sample(40_000, with_replacement=True, seed=1)
    big = big.with_columns(transaction_id=ids)
    with workspace.store.change("acme") as change:
        change.replace(TRANSACTIONS, big)
    entry = workspace.store.open("acme").months("transactions")["2026-01"]
    path = workspace.paths["store"] / "acme" / entry["file"]
    assert entry["bytes"] > 2 * TAIL_BYTES
    data = path.read_bytes()
    path.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    code, _, err = rcm(capsys, "verify", "--workspace", workspace.folder)
    assert code == 1 and entry["file"] in err and "rcm repair acme" in err
    path.write_bytes(data[:1000] + random.Random(0).randbytes(30_000) + data[31_000:])
    with pytest.raises(StoreError, match="rcm verify names the file"):
        workspace.client("acme").tables().in_memory()["transactions"]


# ---------------------------------------------------------------- repair
@pytest.mark.parametrize("seed", SEEDS)
def test_repair_gives_back_what_was_stored(workspace, seed, capsys):
    chance = random.Random(seed)
    before, prints = rows_of(workspace), workspace.client("acme").fingerprints()
    folder = workspace.paths["store"] / "acme"
    for path in chance.sample(sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".parquet")), 3):
        if chance.random() < 0.3 and path.suffix != ".json":
            path.unlink()
        else:
            damage(path, folder.parent / "bay" / "manifest.json", chance.choice(DAMAGES), chance)
    code, out, err = rcm(capsys, "repair", "acme", "--workspace", workspace.folder)
    assert code == 0 and "was rebuilt" in out and not err
    assert rows_of(workspace) == before and workspace.client("acme").fingerprints() == prints
    assert rcm(capsys, "verify", "--workspace", workspace.folder)[0] == 0


def test_repair_is_refused_while_a_file_that_was_taken_in_is_gone(workspace, capsys):
    (workspace.paths["raw"] / "acme" / "postings-02.csv").unlink()
    before = workspace.client("acme").fingerprints()
    code, _, err = rcm(capsys, "repair", "acme", "--workspace", workspace.folder)
    assert code == 2 and "postings-02.csv" in err and "--anyway" in err
    assert workspace.client("acme").fingerprints() == before
    assert rcm(capsys, "repair", "acme", "--anyway", "--workspace", workspace.folder)[0] == 0
    assert len(rows_of(workspace)["transactions"]) == 12


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_manifest_is_one_sentence(workspace, seed, capsys):
    path = workspace.paths["store"] / "acme" / "manifest.json"
    path.write_bytes(flip(path.read_bytes(), random.Random(seed)))
    code, _, err = rcm(capsys, "check", "--workspace", workspace.folder, "--client", "acme")
    assert code == 2 and "manifest.json" in err and "rcm repair acme" in err and err.count("\n") == 1


def test_a_store_of_before_the_checks_is_read(workspace):
    path = workspace.paths["store"] / "acme" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["check"], manifest["key_check"]
    for part in manifest["tables"]["transactions"].values():
        del part["bytes"], part["tail"]
    path.write_text(json.dumps(manifest))
    assert len(rows_of(workspace)["transactions"]) == 18
    take(workspace, "acme")
    assert workspace.store.open("acme").manifest["key_check"]


# ---------------------------------------------------------------- another version
def of_version(workspace, version) -> None:
    """The store of acme as another version would have left it."""
    path = workspace.paths["store"] / "acme" / "manifest.json"
    manifest = json.loads(path.read_text()) | {"version": version}
    del manifest["check"]
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("version", [1, VERSION + 1, "2b"])
def test_a_store_of_another_version_is_one_sentence(workspace, version, capsys):
    of_version(workspace, version)
    code, _, err = rcm(capsys, "check", "--client", "acme", "--workspace", workspace.folder)
    assert code == 2 and "made by another version" in err and "rcm repair acme" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "--list", "set_aside"),
        ("findings",),
        ("status",),
        ("verify",),
        ("ingest", "--workers", "1"),
        ("worklist", "export", "-c", "acme", "--to", "list.xlsx"),
        ("packets", "--period", "2026-01", "--client", "acme", "--workers", "1"),
    ],
    ids=" ".join,
)
def test_a_store_of_another_version_is_told_by_every_command(workspace, words, capsys):
    of_version(workspace, 1)
    code, out, err = rcm(capsys, *words, "--workspace", workspace.folder)
    said = " ".join((out + err).split())
    assert "rcm repair acme" in said and "Traceback" not in said
    assert code != 0 or words == ("status",)  # it says what there is


def test_repair_rebuilds_what_another_version_stored(workspace, capsys):
    before = rows_of(workspace)
    of_version(workspace, 1)
    kept = workspace.paths["raw"] / "acme" / "postings-02.csv"
    text = kept.read_bytes()
    kept.unlink()
    code, _, err = rcm(capsys, "repair", "acme", "--workspace", workspace.folder)
    assert code == 2 and "postings-02.csv" in err  # nothing is lost with the old store
    kept.write_bytes(text)
    assert rcm(capsys, "repair", "acme", "--workspace", workspace.folder)[0] == 0
    assert rows_of(workspace) == before


CONTRACT = {3: "bfd2549cdcd1ef1b"}
"""Version of the store -> what its tables are, as one hash.

Where this fails, the tables changed. If what is stored by now would read wrong under the new ones (a column that
settling fills, a sign, another meaning), raise `store.VERSION`. Then write the hash here, under the version.
"""


def test_the_tables_of_a_version_are_those_of_its_stores():
    said = [
        (
            table.name,
            table.key,
            table.known_on,
            table.later,
            [(c.name, c.kind, c.empty, c.values) for c in table.columns],
        )
        for table in TABLES.values()
    ]
    assert {VERSION: hashlib.sha256(repr(said).encode()).hexdigest()[:16]} == CONTRACT


# ---------------------------------------------------------------- the key
@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "found 0 characters", id="empty"),
        pytest.param(b"ab" * 16 + b"\n", "found 32 characters", id="half of it"),
        pytest.param(b"zz" * 32, "64 hexadecimal digits", id="no key at all"),
        pytest.param(b"\xff\xfe" * 32, "64 hexadecimal digits", id="binary"),
    ],
)
def test_a_key_that_is_not_whole_is_refused(workspace, content, says, capsys):
    (workspace.folder / "pseudonym.key").write_bytes(content)
    code, _, err = rcm(capsys, "ingest", "--workspace", workspace.folder)
    assert code == 2 and says in err and "Nothing was stored" in err and err.count("\n") == 1


def test_another_key_is_refused_before_anything_is_stored(workspace):
    (workspace.folder / "pseudonym.key").write_text("ab" * 32 + "\n")
    before = workspace.store.open("acme").manifest
    with pytest.raises(StoreError, match=r"another pseudonym\.key.*rcm repair acme"):
        take(workspace, "acme")
    assert workspace.store.open("acme").manifest == before


def test_repair_stores_a_client_under_a_new_key_where_the_old_one_is_lost(workspace, capsys):
    (workspace.folder / "pseudonym.key").write_text("ab" * 32 + "\n")
    before = rows_of(workspace)
    assert rcm(capsys, "repair", "acme", "--workspace", workspace.folder)[0] == 0
    after = rows_of(workspace)
    assert take(workspace, "acme") and after["transactions"] == before["transactions"]
    assert {row[2] for row in after["claims"]}.isdisjoint({row[2] for row in before["claims"]}), "new pseudonyms"
    with pytest.raises(StoreError, match="rcm repair bay"):
        take(workspace, "bay")


def test_a_key_that_is_gone_is_not_made_anew_under_stored_clients(workspace):
    (workspace.folder / "pseudonym.key").unlink()
    with pytest.raises(StoreError, match="missing, and 2 client"):
        take(workspace, "acme")
    assert not (workspace.folder / "pseudonym.key").exists()


def test_the_check_of_the_key_tells_nothing_of_it_and_differs_by_client(workspace):
    key = workspace.pseudonym_key().hex()
    checks = [workspace.store.open(client).manifest["key_check"] for client in ("acme", "bay")]
    assert checks[0] != checks[1] and not any(check in key for check in checks)


KEY = """
import sys
from rcm_analysis.tables.workspace import open_workspace
print(open_workspace(sys.argv[1]).pseudonym_key().hex())
"""


def test_keys_made_at_the_same_moment_are_one(tmp_path):
    workspace_of(tmp_path)
    made = [
        subprocess.Popen([sys.executable, "-c", KEY, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in made}) == 1
    assert not list(tmp_path.glob("*.new"))


def test_a_write_that_fails_leaves_the_old_text_and_nothing_beside(tmp_path):
    from rcm_analysis.tables.disk import write_text

    write_text(tmp_path / "a.json", "old")
    with room_for(3), pytest.raises(OSError):
        write_text(tmp_path / "a.json", "longer than three")
    assert (tmp_path / "a.json").read_text() == "old" and os.listdir(tmp_path) == ["a.json"]


def test_equal_rows_are_the_same_file(tmp_path, workspace):
    rows = workspace.store.open("acme").read("claims")
    assert write_part(tmp_path, "a/1", rows) == write_part(tmp_path, "a/1", rows)
