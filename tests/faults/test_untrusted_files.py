"""Workbooks that were damaged or made to do harm: each is set aside in one line, and the others are stored."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from builders.greedy import die, grow, grow_slowly, sleep, spin, unlimited
from builders.small_clients import CLAIMS, POSTINGS, claim, csv, flip, posting, put, take, workbook, workspace_of
from rcm_analysis.errors import SourceError
from rcm_analysis.sources import processes
from rcm_analysis.sources.processes import Limits, Process, ProcessDied, limited
from rcm_analysis.sources.raw_files import unpacked
from rcm_analysis.tables.disk import left_over

TESTS = Path(__file__).parents[1]
SMALL = Limits(megabytes=300, seconds=5)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A client with claims that can be read, and small limits."""
    processes.close_reader()
    monkeypatch.setattr(processes, "LIMITS", SMALL)
    made = workspace_of(tmp_path)
    put(made, "acme", "claims.csv", csv(CLAIMS, [claim("acme", 1, number) for number in range(6)]))
    yield made
    processes.close_reader()


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    rows = [posting("acme", 1, number) for number in range(6)]
    return workbook(tmp_path_factory.mktemp("good") / "good.xlsx", rows).read_bytes()


def repacked(data: bytes, folder: Path, name: str, change, **packing) -> bytes:
    """The workbook with one part changed."""
    source, target = folder / "in.xlsx", folder / "out.xlsx"
    source.write_bytes(data)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **packing) as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(part.filename, change(content) if part.filename == name else content, zipfile.ZIP_DEFLATED)
    return target.read_bytes()


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">]>
<styleSheet>&g;</styleSheet>"""


def bad_deflate(data: bytes, folder: Path) -> bytes:
    """The packed bytes of the sheet are not what a packer writes."""
    with zipfile.ZipFile(_file(folder, data)) as archive:
        part = archive.getinfo(SHEET)
    start = part.header_offset + 30 + len(part.filename)
    return data[:start] + b"\xff" * 20 + data[start + 20 :]


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "as.zip"
    path.write_bytes(data)
    return path


def strange_packing(data: bytes, folder: Path) -> bytes:
    """Every part claims a way of packing that does not exist."""
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.find(mark)
        while at >= 0:
            data = data[: at + place] + b"\x63\x00" + data[at + place + 2 :]
            at = data.find(mark, at + 1)
    return data


def bomb(data: bytes, folder: Path) -> bytes:
    """A sheet of 700 MB of rows in a file of under 3 MB."""
    target = folder / "bomb.xlsx"
    with zipfile.ZipFile(_file(folder, data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename != SHEET:
                new.writestr(part, old.read(part))
        with new.open(SHEET, "w") as sheet:
            sheet.write(b"<worksheet><sheetData>")
            for number in range(700):
                row = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>' % (number + 1, number + 1)
                sheet.write(row + b"x" * 10**6 + b"</t></is></c></row>")
            sheet.write(b"</sheetData></worksheet>")
    return target.read_bytes()


ODD = {
    "a value in the last row and column": lambda data, folder: workbook(
        folder / "far.xlsx", [posting("acme", 1, 1)], cell=("XFD1048576", "x")
    ).read_bytes(),
    "bad deflate": bad_deflate,
    "a way of packing nobody knows": strange_packing,
    "a bomb": bomb,
    "cut off": lambda data, folder: data[: len(data) // 2],
    "a zip without anything": lambda data, folder: b"PK\x05\x06" + b"\0" * 18,
    "a zip of something else": lambda data, folder: b"PK\x03\x04" + os.urandom(3000),
    "entities of entities": lambda data, folder: repacked(data, folder, "xl/styles.xml", lambda old: LAUGHS),
    "no XML": lambda data, folder: repacked(data, folder, "xl/workbook.xml", lambda old: b"\0" * 1000),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_workbook_is_one_line_and_the_others_are_stored(workspace, good, tmp_path, kind):
    put(workspace, "acme", "a-odd.xlsx", ODD[kind](good, tmp_path))
    put(workspace, "acme", "good.xlsx", good)
    report = take(workspace, "acme")
    refused = report.findings.filter(report.findings["rule"] == "refused")
    assert refused["file"].to_list() == ["a-odd.xlsx"], report.findings
    assert "\n" not in refused["message"][0] and "a-odd.xlsx" in refused["message"][0]
    assert "fault of ours" not in refused["message"][0]
    stored = workspace.store.open("acme")
    assert (stored.rows("claims"), stored.rows("transactions")) == (6, 6)


@pytest.mark.parametrize("seed", range(8))
def test_a_workbook_damaged_anywhere_is_read_whole_or_refused(workspace, good, seed):
    chance = random.Random(seed)
    for number in range(5):
        put(
            workspace,
            "acme",
            f"damaged-{number}.xlsx",
            flip(good, chance) if number % 2 else good[: chance.randrange(30, len(good))],
        )
    report = take(workspace, "acme")
    stored = workspace.store.open("acme")
    assert stored.rows("claims") == 6
    for file in report.files:
        if file.file.endswith(".xlsx") and file.status == "read":
            assert file.rows_in == 6, "of a damaged workbook all rows are read, or none"


def test_a_reader_over_its_limits_is_one_sentence(workspace, monkeypatch):
    monkeypatch.setattr(processes, "LIMITS", Limits(megabytes=200, seconds=1))
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    for reader, says in ((spin, "1 seconds"), (sleep, "1 seconds"), (grow, "200 MB"), (die, "exit code 3")):
        with pytest.raises(SourceError, match=says):
            limited(reader)
    assert limited(len, b"1234") == 4, "and the next file is read"


def test_where_the_system_does_not_hold_to_its_limits_the_parent_does(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    for function, seconds, why in ((spin, 1, "time"), (grow_slowly, 60, "memory")):
        reader = Process(Limits(megabytes=200, seconds=seconds))
        with pytest.raises(ProcessDied) as died:
            reader.call(unlimited, function)
        assert died.value.why == why
        reader.kill()


def test_a_file_of_x12_or_csv_starts_no_process(workspace):
    take(workspace, "acme")
    assert not processes._READER


# ---------------------------------------------------------------- killed
INGEST = (
    "from rcm_analysis.cli import app; import sys; app.main(['ingest', '--workspace', sys.argv[1], '--workers', '2'])"
)


MOMENTS = [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]


def three_clients(folder: Path):
    made = workspace_of(folder, ("acme", "bay", "cove"))
    for client in ("acme", "bay", "cove"):
        for month in range(1, 13):
            rows = [posting(client, month, number) for number in range(200)]
            put(made, client, f"postings-{month:02d}.csv", csv(POSTINGS, rows))
        workbook(folder / "raw" / client / "more.xlsx", [posting(client, 1, number) for number in range(500, 520)])
    return made


def children_of(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def is_worker(process: psutil.Process) -> bool:
    """A worker has no limits among its words; a reader of workbooks has."""
    try:
        return process.cmdline()[-1].endswith("processes")
    except (psutil.Error, IndexError):
        return False


def gone(found: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(found, timeout=15)[1]


@pytest.mark.parametrize("seed", MOMENTS)
def test_a_killed_worker_is_the_line_of_its_client_and_the_others_are_stored(tmp_path, seed):
    made = three_clients(tmp_path)
    run = subprocess.Popen(
        [sys.executable, "-c", INGEST, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    workers: list[psutil.Process] = []
    while run.poll() is None and not workers:
        workers = [child for child in children_of(run) if is_worker(child)]
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 1))
    everybody = children_of(run)
    workers[0].kill()
    out, err = run.communicate(timeout=120)
    told = [line for line in err.splitlines() if "its process was ended" in line]
    stored = [client for client in ("acme", "bay", "cove") if made.store.open(client).rows("transactions") == 2420]
    assert "Traceback" not in out + err and gone(everybody)
    assert len(told) + len(stored) == 3 and len(stored) >= 2, err
    assert run.returncode == (1 if told else 0) and all("rcm ingest --client" in line for line in told)


@pytest.mark.parametrize("seed", MOMENTS)
def test_a_killed_parent_leaves_no_process_and_no_half_store(tmp_path, seed):
    made = three_clients(tmp_path)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "TMPDIR": str(temporary)}
    run = subprocess.Popen([sys.executable, "-c", INGEST, tmp_path], env=environment, **silent)
    while run.poll() is None and not children_of(run):
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 4))
    everybody = children_of(run)
    run.kill()
    run.wait()
    assert gone(everybody)
    assert not list(temporary.iterdir())
    for client in ("acme", "bay", "cove"):
        stored = made.store.open(client)
        assert stored.rows("transactions") in (0, 2420) and stored.broken() == []
        take(made, client)
        assert made.store.open(client).rows("transactions") == 2420
    assert not list(made.paths["store"].rglob("*.new"))


OPEN_ARCHIVE = """
import sys
from pathlib import Path
from rcm_analysis.sources.raw_files import unpacked
with unpacked([Path(sys.argv[1])]) as files:
    print(files[0].path, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_intake_unpacked_goes_with_the_next_archive(tmp_path, monkeypatch):
    archive = tmp_path / "march.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("march.csv", "claim_id\n1\n")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    words = [sys.executable, "-c", OPEN_ARCHIVE, archive]
    run = subprocess.Popen(
        words, env={**os.environ, "TMPDIR": str(tmp_path)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    left = Path(run.stdout.readline().strip())
    with unpacked([archive]) as files:
        assert left.exists(), "a running intake keeps its files"
    run.kill()
    run.communicate()
    assert left.exists() and left.parents[1] in left_over(tmp_path, "rcm-*"), "rcm doctor --clean knows it"
    with unpacked([archive]) as files:
        assert files[0].path.read_text() and not left.exists()
    assert not list(tmp_path.glob("rcm-*"))


def test_every_temporary_folder_can_be_told_as_ours():
    """One place makes them, under a name that says whose process it was."""
    others = [path for path in (TESTS.parent / "rcm_analysis").rglob("*.py") if path.name != "disk.py"]
    assert not [path.name for path in others if "TemporaryDirectory" in path.read_text()]


def test_ctrl_c_ends_the_intake_and_its_processes_at_once(tmp_path):
    made = three_clients(tmp_path)
    run = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(2, signal.default_int_handler)\n" + INGEST, tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while run.poll() is None and len(children_of(run)) < 2:
        time.sleep(0.01)
    everybody = children_of(run)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=15)
    assert "Traceback" not in out + err and gone(everybody) and run.returncode == 130
    assert all(made.store.open(client).rows("transactions") in (0, 2420) for client in ("acme", "bay", "cove"))
