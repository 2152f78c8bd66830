"""The worklist's round trip: written, filled in, taken back row by row; what does not fit is refused and nothing is lost."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from rcm_analysis import cli, simulate
from rcm_analysis.schema import CLAIMS, WORK_LOG
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.sources.worklist_notes import FILLED, KEYS, NOTE_PREFIX, Sheet, notes_of, read_sheets
from rcm_analysis.workspace import open_workspace

CLIENT, OTHER = "dr-suess", "dr-quinn"
TITLES = {**KEYS, **FILLED}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    simulate.write_company(folder, clients=[CLIENT, OTHER], months=6, scale=0.2)
    opened = open_workspace(folder)
    opened.pseudonym_key()
    ingest_client(opened, CLIENT, find_files(opened, client=CLIENT)[CLIENT])
    assert rcm(folder, "worklist", "export", "--client", CLIENT, "--people", "Ann:480", "--to", folder / "list.xlsx") == 0
    return folder


@pytest.fixture(scope="module")
def exported(made: Path) -> tuple[Sheet, pl.DataFrame]:
    (sheet,) = read_sheets((made / "list.xlsx").read_bytes())
    return sheet, open_workspace(made).store.open(CLIENT).read("claims")


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "workspace")


@pytest.fixture
def sheet(workspace: Path, tmp_path: Path) -> Path:
    return Path(shutil.move(workspace / "list.xlsx", tmp_path / "list.xlsx"))


def rcm(workspace: Path, *words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main([*(str(word) for word in words), "--workspace", str(workspace)])
    return stop.value.code


GOOD = {"action": "appeal", "outcome": "in process", "worked_on": dt.date(2026, 11, 3), "minutes": 25, "worked_by": "Kim"}


def fill(path: Path, *rows: dict, to: Path | None = None, at: int = 0) -> list[str]:
    """Fill in the first rows of the sheet; the claims filled in."""
    book = openpyxl.load_workbook(path)
    found = book["worklist"]
    head = next(cell.row for row in found.iter_rows() for cell in row if cell.value == KEYS["claim_id"])
    places = {cell.value: cell.column for cell in found[head]}
    claims = []
    for offset, values in enumerate(rows, start=head + 1 + at):
        claims.append(found.cell(offset, places[KEYS["claim_id"]]).value)
        for name, value in values.items():
            found.cell(offset, places[TITLES[name]]).value = value
    book.save(to or path)
    return claims


def imported(workspace: Path, client: str = CLIENT) -> pl.DataFrame:
    log = open_workspace(workspace).store.open(client).read("work_log")
    return log.filter(pl.col("note_id").str.starts_with(NOTE_PREFIX)).sort("claim_id", "worked_on")


def test_what_is_filled_in_becomes_notes_and_the_rest_is_left_alone(workspace, sheet, capsys):
    before = open_workspace(workspace).store.open(CLIENT).rows("work_log")
    claims = fill(sheet, GOOD, {}, {"action": "Bill Secondary", "worked_on": "11/4/2026", "hold_reason": "Documents"})
    assert rcm(workspace, "worklist", "import", sheet) == 0
    assert "2 rows filled in, 2 taken into the work log, 0 refused" in capsys.readouterr().out
    found = {row["claim_id"]: row for row in imported(workspace).iter_rows(named=True)}
    assert set(found) == {claims[0], claims[2]}
    assert {name: found[claims[0]][name] for name in ("action", "outcome", "hold_reason", "worked_on", "entered_on", "minutes", "worked_by")} == {
        "action": "appeal", "outcome": "in_process", "hold_reason": None, "worked_on": dt.date(2026, 11, 3), "entered_on": dt.date(2026, 11, 3),
        "minutes": 25.0, "worked_by": "Kim"}
    assert (found[claims[2]]["action"], found[claims[2]]["worked_by"], found[claims[2]]["hold_reason"]) == ("bill_secondary", "Ann", "documents")
    assert open_workspace(workspace).store.open(CLIENT).rows("work_log") == before + 2


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        pytest.param({"claim_id": "no-such"}, "unknown_claim", "Claim", id="a claim the client does not have"),
        pytest.param({"client": OTHER}, "other_client", "Client", id="a row of another client"),
        pytest.param({"party": "uncle"}, "not_listed", "Owed by", id="a party there is none of"),
        pytest.param({"action": "pray"}, "not_listed", "Action taken", id="an action that is not listed"),
        pytest.param({"outcome": "hopeful"}, "not_listed", "Outcome", id="an outcome that is not listed"),
        pytest.param({"hold_reason": "rain"}, "not_listed", "Waits for", id="a hold reason that is not listed"),
        pytest.param({"action": None}, "missing", "Action taken", id="no action"),
        pytest.param({"worked_on": None}, "missing", "Worked on", id="no day"),
        pytest.param({"worked_by": None, "assigned_to": None}, "missing", "Worked by", id="nobody"),
        pytest.param({"worked_on": "soon"}, "unreadable", "Worked on", id="a day that is none"),
        pytest.param({"worked_on": dt.date(2027, 1, 2)}, "after_list", "Worked on", id="long after the list was made"),
        pytest.param({"worked_on": dt.date(2026, 10, 30)}, "before_list", "Worked on", id="the day before the list was made"),
        pytest.param({"worked_on": dt.date(2019, 1, 1)}, "before_claim", "Worked on", id="before the service"),
        pytest.param({"minutes": -1}, "minutes", "Minutes spent", id="minutes below zero"),
        pytest.param({"minutes": 1441}, "minutes", "Minutes spent", id="more minutes than a day has"),
        pytest.param({"minutes": "ten"}, "unreadable", "Minutes spent", id="minutes in words"),
        pytest.param({"worked_by": "x" * 61}, "unreadable", "Worked by", id="a text instead of a name"),
    ],
)
def test_what_does_not_fit_is_refused_with_row_column_and_rule(exported, change, rule, column):
    sheet, claims = exported
    bad, good = ({**row, **GOOD} for row in sheet.rows[:2])
    found = notes_of([replace(sheet, rows=(bad | change, good, sheet.rows[2]))], client=CLIENT, claims=claims)
    assert (found.rows_in, found.rows["claim_id"].to_list()) == (2, [good["claim_id"]]), "the good row is stored, the empty one left alone"
    aside = found.quarantine.row(0, named=True)
    assert (aside["row"], aside["column"], aside["rule"]) == (bad["row"], column, rule)
    strange = [value for value in change.values() if isinstance(value, str)]
    assert not any(word in aside["message"] for word in strange)


def test_the_refused_rows_can_be_put_right_and_imported(workspace, sheet, capsys):
    fill(sheet, GOOD, GOOD | {"minutes": -1, "action": "resubmit"})
    assert rcm(workspace, "worklist", "import", sheet) == 1
    out = capsys.readouterr().out
    assert "2 rows filled in, 1 taken into the work log, 1 refused" in out and "Minutes spent: expected 0 to 1440 (minutes)" in out
    aside = open_workspace(workspace).client(CLIENT).quarantine().filter(pl.col("rule") == "minutes")
    assert aside.select("column", "table").rows() == [("Minutes spent", "work_log")] and aside["row"][0] > 1
    beside = sheet.with_name("list.refused.xlsx")
    found = openpyxl.load_workbook(beside)["worklist"]
    assert found.cell(found.max_row, found.max_column - 1).value == "minutes"
    fill(beside, {"minutes": 7})
    assert rcm(workspace, "worklist", "import", beside) == 0
    assert imported(workspace).select("action", "minutes").sort("action").rows() == [("appeal", 25.0), ("resubmit", 7.0)]


def test_the_same_file_twice_adds_nothing(workspace, sheet, capsys):
    fill(sheet, GOOD)
    assert [rcm(workspace, "worklist", "import", sheet) for _ in range(2)] == [0, 0]
    assert "was taken in before; nothing was added" in capsys.readouterr().out
    assert imported(workspace).height == 1 and len(list((workspace / "raw" / CLIENT / "worklists").iterdir())) == 1


def test_a_sheet_filled_in_further_adds_what_is_new_and_corrects_what_changed(workspace, sheet):
    claims = fill(sheet, GOOD)
    rcm(workspace, "worklist", "import", sheet)
    fill(sheet, GOOD | {"outcome": "upheld", "minutes": 30}, GOOD)
    assert rcm(workspace, "worklist", "import", sheet) == 0
    found = imported(workspace)
    assert sorted(found["claim_id"]) == sorted(claims + fill(sheet, {}, at=1))
    assert found.filter(pl.col("claim_id") == claims[0]).select("outcome", "minutes").rows() == [("upheld", 30.0)]


def test_a_row_that_stands_twice_is_stored_once(workspace, sheet):
    claims = fill(sheet, GOOD, GOOD)
    book = openpyxl.load_workbook(sheet)
    copied = book["worklist"]
    head = next(cell.row for row in copied.iter_rows() for cell in row if cell.value == KEYS["claim_id"])
    for cell in copied[head + 1]:
        copied.cell(head + 2, cell.column).value = cell.value
    book.save(sheet)
    assert rcm(workspace, "worklist", "import", sheet) == 1
    assert imported(workspace)["claim_id"].to_list() == claims[:1]
    assert "duplicate_key" in open_workspace(workspace).client(CLIENT).quarantine()["rule"].to_list()


def test_a_later_export_of_the_work_log_leaves_imported_notes(workspace, sheet):
    fill(sheet, GOOD | {"worked_on": dt.date(2026, 10, 31)})
    rcm(workspace, "worklist", "import", sheet)
    export = workspace / "raw" / CLIENT / "exports" / "export_2026-10.xlsx"
    again = export.with_name("export_2026-10 again.xlsx")
    openpyxl.load_workbook(export).save(again)
    stored = open_workspace(workspace).store.open(CLIENT).read("work_log")
    assert rcm(workspace, "ingest", again, "--client", CLIENT) == 0
    assert open_workspace(workspace).store.open(CLIENT).read("work_log").equals(stored), "the month was replaced, and the note is still there"
    assert imported(workspace).height == 1


def test_everything_read_again_from_raw_ends_the_same(workspace, sheet):
    fill(sheet, GOOD, GOOD)
    rcm(workspace, "worklist", "import", sheet)
    fill(sheet, GOOD | {"outcome": "upheld"})
    rcm(workspace, "worklist", "import", sheet)
    before = open_workspace(workspace).store.open(CLIENT).fingerprints()
    shutil.rmtree(workspace / "store")
    assert rcm(workspace, "ingest", "--client", CLIENT) == 0
    assert open_workspace(workspace).store.open(CLIENT).fingerprints() == before
    assert imported(workspace).height == 2


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda path: path.write_bytes(b"not a workbook"), "holds no worklist", id="no workbook"),
        pytest.param(lambda path: rename(path, "aging"), "holds no worklist", id="a workbook without the sheet"),
        pytest.param(lambda path: path.unlink(), "cannot be read", id="no file"),
        pytest.param(lambda path: drop(path, "Worked on"), "lacks the columns Worked on", id="a column was cut off"),
        pytest.param(lambda path: every(path, "client", "somebody"), "names 0 clients", id="no client of ours"),
    ],
)
def test_a_file_that_is_no_worklist_is_not_taken_in(workspace, sheet, capsys, spoil: Callable[[Path], object], says):
    fill(sheet, GOOD)
    spoil(sheet)
    assert rcm(workspace, "worklist", "import", sheet) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert imported(workspace).is_empty() and not (workspace / "raw" / CLIENT / "worklists").exists()


def rename(path: Path, name: str) -> None:
    book = openpyxl.load_workbook(path)
    book["worklist"].title = name
    book.save(path)


def drop(path: Path, title: str) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book["worklist"]
    place = next(cell.column for row in sheet.iter_rows() for cell in row if cell.value == title)
    sheet.delete_cols(place)
    book.save(path)


def every(path: Path, name: str, value: str) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book["worklist"]
    head = next(cell for row in sheet.iter_rows() for cell in row if cell.value == TITLES[name])
    for row in range(head.row + 1, sheet.max_row + 1):
        sheet.cell(row, head.column).value = value
    book.save(path)


def test_another_clients_file_is_refused(workspace, sheet, capsys):
    fill(sheet, GOOD)
    assert rcm(workspace, "worklist", "import", sheet, "--client", OTHER) == 2
    assert f"not of {OTHER}" in capsys.readouterr().err
    raw = workspace / "raw" / OTHER / "worklists" / "x.xlsx"
    raw.parent.mkdir(parents=True)
    shutil.copy(sheet, raw)
    assert rcm(workspace, "ingest", raw) == 2
    assert imported(workspace, OTHER).is_empty()


def test_an_untouched_sheet_adds_nothing(workspace, sheet, capsys):
    assert rcm(workspace, "worklist", "import", sheet) == 0
    assert "no row is filled in" in capsys.readouterr().out and not (workspace / "raw" / CLIENT / "worklists").exists()


def test_a_sheet_that_is_there_is_not_written_over(workspace, sheet, capsys):
    fill(sheet, GOOD)
    assert rcm(workspace, "worklist", "export", "--client", CLIENT, "--to", sheet) == 2
    assert "may be filled in" in capsys.readouterr().err
    assert rcm(workspace, "worklist", "export", "--client", CLIENT, "--to", sheet, "--force") == 0


def test_a_work_log_without_sheets_is_as_before():
    assert WORK_LOG.key == ("client", "note_id") and not set(FILLED) - set(WORK_LOG.names) and {"client", "claim_id"} <= set(CLAIMS.names)


@pytest.mark.slow
def test_a_sheet_saved_by_libreoffice_says_the_same(workspace, sheet, tmp_path):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    fill(sheet, GOOD, {}, GOOD | {"action": "bill secondary", "hold_reason": "documents", "minutes": 7.5}, GOOD | {"minutes": -1})
    (tmp_path / "out").mkdir()
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    subprocess.run([office, home, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(sheet)], check=True, capture_output=True, timeout=180)
    converted = tmp_path / "out" / sheet.name
    found = openpyxl.load_workbook(converted)["worklist"]
    assert found.auto_filter.ref and len(found.data_validations.dataValidation) >= 5
    other = shutil.copytree(workspace, tmp_path / "other")
    assert rcm(workspace, "worklist", "import", sheet) == rcm(other, "worklist", "import", converted) == 1
    assert imported(workspace).equals(imported(other)) and imported(other).height == 2
