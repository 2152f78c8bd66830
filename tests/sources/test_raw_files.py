"""A directory of real life: archives, folders by month, copies, what programs leave behind; read once, or named."""

import gzip
import io
import zipfile

import pytest

from builders.small_clients import MAP
from rcm_analysis.sources.intake import find_files, ingest_client, missing_files
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
column_maps = ["pm"]
"""
HEADER = "Txn,Claim,Type,Party,Date,Posted,Amount"


def export(*numbers: int, month: int = 3, end: str = "\n") -> bytes:
    rows = [f"{n},00017,charge,primary,{month:02d}/05/2026,{month:02d}/06/2026,100.00" for n in numbers]
    return (end.join([HEADER, *rows]) + end).encode()


@pytest.fixture
def office(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "pm.toml").write_text(MAP)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def put(office, name: str, content: bytes):
    path = office.paths["raw"] / "acme" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def take(office):
    return ingest_client(office, "acme", find_files(office, client="acme")["acme"])


def ids(office) -> list[str]:
    return sorted(office.client("acme").tables()["transactions"].collect()["transaction_id"])


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_archives_are_read_under_the_name_of_what_they_hold_and_once(office):
    inner = zipped({"march.csv": export(1, 2), "../up.csv": export(4, month=5)})
    put(office, "2026/both.zip", zipped({"a/inner.zip": inner, "__MACOSX/a/._march.csv": b"\0\0"}))
    put(office, "april.csv.gz", gzip.compress(export(3, month=4)))
    report = take(office)
    read = {item.file: item.status for item in report.files}
    assert read == {
        "2026/both.zip/__MACOSX/a/._march.csv": "skipped",
        "2026/both.zip/a/inner.zip/march.csv": "read",
        "2026/both.zip/a/inner.zip/up.csv": "read",
        "april.csv.gz/april.csv": "read",
    }
    assert ids(office) == ["1", "2", "3", "4"] and report.findings.is_empty()
    assert {item.status for item in take(office).files} == {"unchanged", "skipped"}
    assert missing_files(office, "acme", find_files(office, client="acme")["acme"]) == []


def test_the_same_export_again_counts_once_whatever_its_name_its_line_ends_or_its_rows(office):
    put(office, "march.csv", export(1, 2))
    put(office, "march (1).csv", export(1, 2, end="\r\n"))
    put(office, "march again.csv", b"\xef\xbb\xbf" + export(2, 1, 3))
    report = take(office)
    assert ids(office) == ["1", "2", "3"]
    aside = report.quarantine.group_by("rule").len().rows()
    assert aside == [("row_again", 2)] and not report.findings.filter(rule="row_again")["needs_person"].any()
    told = report.findings.filter(rule="duplicate_file")["message"].to_list()
    assert len(told) == 1 and "same content" in told[0]


def test_a_refused_file_of_an_archive_stays_told_while_the_archive_is_there(office):
    put(office, "good.csv", export(1))
    path = put(office, "a.zip", zipped({"odd.csv": b"x,y\n1,2\n"}))
    assert take(office).findings["file"].to_list() == ["a.zip/odd.csv"]
    assert take(office).findings["rule"].to_list() == ["refused"]
    path.unlink()
    take(office)
    assert office.client("acme").findings().is_empty()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("scan.pdf", b"%PDF-1.3\n%", ["this is a PDF: ask the payer for its 835"]),
        ("x.csv.gpg", b"\x85\x01\x0c\x03", ["encrypted", "decrypt it"]),
        ("x.asc", b"-----BEGIN PGP MESSAGE-----\n", ["encrypted", "decrypt it"]),
        ("x.7z", b"7z\xbc\xaf\x27\x1c\0\0", ["7z", "unpack it"]),
        ("x.rar", b"Rar!\x1a\x07\x00", ["RAR", "unpack it"]),
        ("x.tar", b"\0" * 257 + b"ustar\0" + b"\0" * 100, ["tar", "unpack it"]),
        ("x.csv.crdownload", b"Txn,Cl", ["never ended", "again"]),
        ("letter.docx", zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), ["a Word document"]),
        ("none.csv", b"", ["is empty"]),
        ("blank.csv", b"\r\n \n", ["is empty"]),
        ("broken.zip", zipped({"x.csv": export(1)})[:60], ["broken.zip"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_named_with_what_to_do(office, name, content, words):
    put(office, name, content)
    report = take(office)
    told = " ".join(report.findings["message"])
    assert report.unreadable and all(word in told for word in words), told
    assert name in told


def test_a_locked_archive_is_named(office):
    data = bytearray(zipped({"x.csv": export(1)}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    put(office, "locked.zip", bytes(data))
    assert "locked.zip is an archive with a password" in take(office).findings["message"][0]


def test_what_programs_leave_behind_is_counted_and_needs_nobody(office):
    put(office, "march.csv", export(1))
    for name in ("~$charges.xlsx", ".~lock.charges.xlsx#", ".DS_Store", "Thumbs.db", "desktop.ini", "._march.csv"):
        put(office, name, b"\0\1")
    report = take(office)
    assert report.findings.is_empty() and not report.unreadable
    skipped = [item.kind for item in report.files if item.status == "skipped"]
    assert len(skipped) == 6 and sum("lock file" in kind for kind in skipped) == 2


def test_folders_by_month_with_equal_names_are_different_files(office):
    put(office, "2026-03/transactions.csv", export(1, month=3))
    put(office, "2026-04/transactions.csv", export(2, month=4))
    report = take(office)
    assert [item.file for item in report.files] == ["2026-03/transactions.csv", "2026-04/transactions.csv"]
    assert ids(office) == ["1", "2"]
