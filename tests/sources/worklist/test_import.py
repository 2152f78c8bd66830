"""The worklist's round trip: written, filled in, taken back row by row; what does not fit is refused and nothing is
lost."""

from __future__ import annotations

import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from rcm_analysis import simulate
from rcm_analysis.cli import app as cli
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.sources.worklist.notes import FILLED, KEYS, NOTE_PREFIX, Sheet, notes_of, read_sheets, row_check
from rcm_analysis.tables.schema import CLAIMS, WORK_LOG
from rcm_analysis.tables.workspace import open_workspace

CLIENT, OTHER = "dr-suess", "dr-quinn"
TITLES = {**KEYS, **FILLED}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    simulate.write_company(folder, clients=[CLIENT, OTHER], months=6, scale=0.3)
    opened = open_workspace(folder)
    opened.pseudonym_key()
    ingest_client(opened, CLIENT, find_files(opened, client=CLIENT)[CLIENT])
    assert (
        rcm(folder, "worklist", "export", "--client", CLIENT, "--people", "Ann:480", "--to", folder / "list.xlsx") == 0
    )
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


def rcm(workspace: Path, *words: object, received: str = "2026-12-05") -> int:
    came_in = ["--received", received] if words[:2] == ("worklist", "import") else []
    with pytest.raises(SystemExit) as stop:
        cli.main([*(str(word) for word in words), *came_in, "--workspace", str(workspace)])
    return stop.value.code


GOOD = {
    "action": "appeal",
    "outcome": "in process",
    "worked_on": dt.date(2026, 11, 3),
    "minutes": 25,
    "worked_by": "Kim",
}


def fill(path: Path, *rows: dict, to: Path | None = None, at: int = 0) -> list[str]:
    """Fill in the first rows of the sheet; the claims filled in."""
    book = openpyxl.load_workbook(path)
    found = book["Worklist"]
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
    assert "2 rows filled in, 2 taken into the work log (2 new, 0 there before), 0 refused" in " ".join(
        capsys.readouterr().out.split()
    )
    found = {row["claim_id"]: row for row in imported(workspace).iter_rows(named=True)}
    assert set(found) == {claims[0], claims[2]}
    assert {
        name: found[claims[0]][name]
        for name in ("action", "outcome", "hold_reason", "worked_on", "entered_on", "minutes", "worked_by")
    } == {
        "action": "appeal",
        "outcome": "in_process",
        "hold_reason": None,
        "worked_on": dt.date(2026, 11, 3),
        "entered_on": dt.date(2026, 11, 3),
        "minutes": 25.0,
        "worked_by": "Kim",
    }
    assert (found[claims[2]]["action"], found[claims[2]]["worked_by"], found[claims[2]]["hold_reason"]) == (
        "bill_secondary",
        "Ann",
        "documents",
    )
    assert open_workspace(workspace).store.open(CLIENT).rows("work_log") == before + 2


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        pytest.param({"claim_id": "no-such"}, "unknown_claim", "Claim", id="a claim the client does not have"),
        pytest.param({"client": OTHER}, "other_client", "Client", id="a row of another client"),
        pytest.param({"party": "uncle"}, "not_listed", "Owed by", id="a party there is none of"),
        pytest.param({"action": "pray"}, "not_listed", "Action taken", id="an action that is not listed"),
        pytest.param({"outcome": "hopeful"}, "not_listed", "Status", id="a status that is not listed"),
        pytest.param({"hold_reason": "rain"}, "not_listed", "Waits for", id="a hold reason that is not listed"),
        pytest.param({"action": None}, "missing", "Action taken", id="no action"),
        pytest.param({"worked_on": None}, "missing", "Worked on", id="no day"),
        pytest.param({"worked_by": None, "assigned_to": None}, "missing", "Worked by", id="nobody"),
        pytest.param({"worked_on": "soon"}, "unreadable", "Worked on", id="a day that is none"),
        pytest.param({"worked_on": dt.date(2027, 1, 2)}, "after_list", "Worked on", id="long after the list was made"),
        pytest.param(
            {"worked_on": dt.date(2026, 10, 30)}, "before_list", "Worked on", id="the day before the list was made"
        ),
        pytest.param({"worked_on": dt.date(2019, 1, 1)}, "before_claim", "Worked on", id="before the service"),
        pytest.param({"minutes": -1}, "minutes", "Minutes spent", id="minutes below zero"),
        pytest.param({"minutes": 1441}, "minutes", "Minutes spent", id="more minutes than a day has"),
        pytest.param({"minutes": "ten"}, "unreadable", "Minutes spent", id="minutes in words"),
        pytest.param({"worked_by": "x" * 61}, "unreadable", "Worked by", id="a text instead of a name"),
        pytest.param({"outcome": "in procss"}, "not_listed", "Status", id="a status with a slip of the keyboard"),
        pytest.param({"next_action": "hope"}, "not_listed", "Next action", id="a next action that is not listed"),
        pytest.param(
            {"next_on": dt.date(2026, 11, 20)}, "missing", "Next action", id="a next day without what is to be done"
        ),
        pytest.param(
            {"next_action": "appeal", "next_on": dt.date(2026, 11, 2)},
            "next_step",
            "Next on",
            id="a next step before the work",
        ),
        pytest.param(
            {"next_action": "appeal", "next_on": dt.date(2028, 11, 2)},
            "next_step",
            "Next on",
            id="a next step in two years",
        ),
        pytest.param(
            {"next_action": "appeal", "next_on": "next week"}, "unreadable", "Next on", id="a next day that is none"
        ),
        pytest.param({"client": None}, "missing", "Client", id="the client was emptied"),
        pytest.param({"claim_id": " "}, "missing", "Claim", id="the claim was emptied"),
        pytest.param({"as_of": None}, "missing", "List of", id="the day of the list was emptied"),
        pytest.param({"as_of": "October"}, "unreadable", "List of", id="the day of the list is no day"),
        pytest.param({"as_of": dt.date(2026, 9, 30)}, "row_changed", "Row check", id="the day of the list was changed"),
        pytest.param({"party": "secondary"}, "row_changed", "Row check", id="the party was changed to another"),
        pytest.param(
            {"worked_on": dt.date(2026, 12, 6)}, "in_future", "Worked on", id="the day after the file came in"
        ),
        pytest.param({"worked_on": dt.time(9, 30)}, "unreadable", "Worked on", id="a time of day where a day belongs"),
        pytest.param({"worked_on": "13/11/2026"}, "unreadable", "Worked on", id="the day before the month"),
        pytest.param({"worked_on": "2026-11-03 or so"}, "unreadable", "Worked on", id="a day with more behind it"),
        pytest.param(
            {"worked_on": 20261103}, "unreadable", "Worked on", id="a day as a number that is none of the calendar"
        ),
        pytest.param({"worked_on": True}, "unreadable", "Worked on", id="a tick where a day belongs"),
        pytest.param({"minutes": dt.time(0, 25)}, "unreadable", "Minutes spent", id="minutes as a time of day"),
        pytest.param(
            {"minutes": dt.datetime(1900, 1, 25)},
            "unreadable",
            "Minutes spent",
            id="minutes that a date format swallowed",
        ),
        pytest.param({"minutes": "25 min"}, "unreadable", "Minutes spent", id="minutes with their unit"),
        pytest.param({"minutes": float("nan")}, "unreadable", "Minutes spent", id="minutes that are no number"),
        pytest.param({"minutes": False}, "unreadable", "Minutes spent", id="a tick where minutes belong"),
    ],
)
def test_what_does_not_fit_is_refused_with_row_column_and_rule(exported, change, rule, column):
    sheet, claims = exported
    bad, good = ({**row, **GOOD} for row in sheet.rows[:2])
    found = notes_of(
        [replace(sheet, rows=(bad | change, good, sheet.rows[2]))],
        client=CLIENT,
        claims=claims,
        received=dt.date(2026, 12, 5),
    )
    assert (found.rows_in, found.rows["claim_id"].to_list()) == (2, [good["claim_id"]]), (
        "the good row is stored, the empty one left alone"
    )
    aside = found.quarantine.row(0, named=True)
    assert (aside["row"], aside["column"], aside["rule"]) == (bad["row"], column, rule)
    strange = [value for value in change.values() if isinstance(value, str) and value.strip()]
    assert not any(word in aside["message"] for word in strange)


def test_all_that_is_wrong_with_a_row_is_said_at_once(exported):
    sheet, claims = exported
    bad = (
        sheet.rows[0]
        | GOOD
        | {"action": "pray", "minutes": -1, "worked_on": dt.date(2027, 5, 1), "worked_by": "x" * 61}
    )
    (message,) = notes_of([replace(sheet, rows=(bad,))], client=CLIENT, claims=claims).quarantine["message"]
    assert [part.split(":")[0] for part in message.split("; ")] == [
        "Action taken",
        "Worked by",
        "Minutes spent",
        "Worked on",
    ]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        pytest.param({"worked_on": "2026-11-03"}, {}, id="the day as text"),
        pytest.param({"worked_on": "11/3/26"}, {}, id="the day as Americans write it, with a short year"),
        pytest.param({"worked_on": "Nov 3, 2026"}, {}, id="the day in words"),
        pytest.param({"worked_on": 46329}, {}, id="the day as the number that spreadsheets keep"),
        pytest.param({"worked_on": dt.datetime(2026, 11, 3, 16, 30)}, {}, id="the day with a time"),
        pytest.param({"minutes": " 25 "}, {}, id="the minutes as text"),
        pytest.param({"action": "  APPEAL "}, {}, id="the action in capitals, with spaces"),
        pytest.param({"outcome": "In-Process"}, {}, id="the status with a hyphen"),
        pytest.param(
            {"next_action": "Bill Secondary", "next_on": dt.date(2026, 11, 20)},
            {"next_action": "bill_secondary", "next_on": dt.date(2026, 11, 20)},
            id="a next action with its day",
        ),
        pytest.param({"next_action": "follow up"}, {"next_action": "follow_up"}, id="a next action without a day"),
        pytest.param({"minutes": None}, {"minutes": None}, id="no minutes"),
        pytest.param({"worked_by": None, "assigned_to": "Kim"}, {}, id="whoever it was given to stands in"),
        pytest.param({"check": None}, {}, id="a row added by hand has no check"),
    ],
)
def test_what_can_be_understood_is_taken_in(exported, change, note):
    sheet, claims = exported
    found = notes_of(
        [replace(sheet, rows=(sheet.rows[0] | GOOD | change,))],
        client=CLIENT,
        claims=claims,
        received=dt.date(2026, 11, 3),
    )
    assert found.quarantine.is_empty()
    expected = {
        "action": "appeal",
        "outcome": "in_process",
        "worked_on": dt.date(2026, 11, 3),
        "minutes": 25.0,
        "worked_by": "Kim",
        "next_action": None,
        "next_on": None,
    }
    row = found.rows.row(0, named=True)
    assert {name: row[name] for name in expected} == expected | note


def test_a_claim_whose_zeros_a_spreadsheet_took_away_is_found_by_the_rows_check():
    claims = pl.DataFrame({"claim_id": ["0012", "12", "7"], "service_on": [dt.date(2026, 9, 1)] * 3})
    day, empty = dt.date(2026, 10, 31), dict.fromkeys([*KEYS, *FILLED])
    row = (
        empty
        | {
            "row": 5,
            "client": "a",
            "claim_id": 7,
            "party": "primary",
            "as_of": day,
            "check": row_check("a", "007", "primary", day),
        }
        | GOOD
    )
    found = notes_of([Sheet("worklist", (row,))], client="a", claims=claims)
    assert found.quarantine["rule"].to_list() == ["row_changed"], "7 is a claim, and not the one of the row"
    known = claims.with_columns(claim_id=pl.Series(["0012", "99", "007"]))
    found = notes_of([Sheet("worklist", (row, row | {"claim_id": 12, "check": None}))], client="a", claims=known)
    assert found.rows["claim_id"].to_list() == ["007"] and found.quarantine["rule"].to_list() == ["unknown_claim"], (
        "without a check nothing is guessed"
    )


def test_the_claim_of_another_row_is_not_taken_for_this_one(exported):
    sheet, claims = exported
    one, two = sheet.rows[:2]
    found = notes_of(
        [replace(sheet, rows=(one | GOOD | {"claim_id": two["claim_id"], "party": two["party"]}, two | GOOD))],
        client=CLIENT,
        claims=claims,
    )
    assert found.rows["claim_id"].to_list() == [two["claim_id"]] and found.quarantine["rule"].to_list() == [
        "row_changed"
    ]


def test_the_same_work_on_two_lists_is_one_note(exported):
    sheet, claims = exported
    first = notes_of([replace(sheet, rows=(sheet.rows[0] | GOOD,))], client=CLIENT, claims=claims)
    earlier = dt.date(2026, 9, 30)
    other = (
        sheet.rows[0]
        | GOOD
        | {"as_of": earlier, "check": row_check(CLIENT, sheet.rows[0]["claim_id"], sheet.rows[0]["party"], earlier)}
    )
    again = notes_of([replace(sheet, rows=(other,))], client=CLIENT, claims=claims, known=first.rows)
    assert again.rows.is_empty() and again.quarantine["rule"].to_list() == ["noted_before"]
    differs = notes_of(
        [replace(sheet, rows=(other | {"action": "follow up"},))], client=CLIENT, claims=claims, known=first.rows
    )
    assert differs.rows.height == 1, "another thing done on that day is another note"
    corrected = notes_of(
        [replace(sheet, rows=(sheet.rows[0] | GOOD | {"minutes": 30},))], client=CLIENT, claims=claims, known=first.rows
    )
    assert corrected.rows["note_id"].to_list() == first.rows["note_id"].to_list(), "the same list corrects what it said"


def table_of(path: Path) -> tuple[openpyxl.Workbook, object, int, dict[str, int]]:
    book = openpyxl.load_workbook(path)
    found = book["Worklist"]
    head = next(cell.row for row in found.iter_rows() for cell in row if cell.value == KEYS["claim_id"])
    return book, found, head, {cell.value: cell.column for cell in found[head]}


def sort_whole_rows(path: Path) -> None:
    book, sheet, head, at = table_of(path)
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=head + 1)]
    rows.sort(key=lambda row: str(row[at["Claim"] - 1]), reverse=True)
    for number, row in enumerate(rows, start=head + 1):
        for column, value in enumerate(row, start=1):
            sheet.cell(number, column).value = value
    book.save(path)


def filter_and_hide(path: Path) -> None:
    book, sheet, head, at = table_of(path)
    sheet.auto_filter.add_filter_column(at["Owed by"] - 1, ["nobody"])
    for number in range(head + 1, sheet.max_row + 1):
        sheet.row_dimensions[number].hidden = True
    sheet.column_dimensions[openpyxl.utils.get_column_letter(at["Row check"])].hidden = True
    book.save(path)


def move_sheets_and_columns(path: Path) -> None:
    book, sheet, head, at = table_of(path)
    book.move_sheet("Worklist", -5)
    book.create_sheet("Notes of mine", 0)["A1"] = "Claim"
    sheet.move_range(sheet.dimensions, rows=3, cols=2)
    for column, title in ((1, "Comment"), (2, None)):
        sheet.cell(head + 3, column).value = title
        sheet.cell(head + 4, column).value = "called twice"
    book.save(path)


def shared_strings(path: Path) -> None:
    """As Excel saves: one pool of texts, no dimension, another first sheet, the sheet's name in single quotes."""
    book = openpyxl.load_workbook(path)
    book.move_sheet("Worklist", len(book.sheetnames))
    book.save(path)
    with zipfile.ZipFile(path) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    pool: dict[bytes, int] = {}
    sheets = [name for name in content if name.startswith("xl/worksheets/sheet")]
    for name in sheets:
        content[name] = re.sub(rb"<dimension[^>]*/>", b"", content[name])
        content[name] = re.sub(
            rb't="inlineStr"([^>]*)><is>(.*?)</is>',
            lambda cell: b't="s"%s><v>%d</v>' % (cell[1], pool.setdefault(cell[2], len(pool))),
            content[name],
        )
    if pool:
        texts = b"".join(b"<si>%s</si>" % text for text in pool)
        space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        content["xl/sharedStrings.xml"] = b'<sst xmlns="%s" uniqueCount="%d">%s</sst>' % (space, len(pool), texts)
        kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        content["[Content_Types].xml"] = content["[Content_Types].xml"].replace(
            b"</Types>", b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind
        )
        link = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
        content["xl/_rels/workbook.xml.rels"] = content["xl/_rels/workbook.xml.rels"].replace(
            b"</Relationships>",
            b'<Relationship Id="rId999" Type="%s" Target="/xl/sharedStrings.xml"/></Relationships>' % link,
        )
    assert b"<si>" in content["xl/sharedStrings.xml"] and not any(b"inlineStr" in content[name] for name in sheets)
    content["xl/workbook.xml"] = content["xl/workbook.xml"].replace(b'name="Worklist"', b"name='Worklist'")
    assert b"name='Worklist'" in content["xl/workbook.xml"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as parts:
        for name in reversed(content):
            parts.writestr(name, content[name])


def name_the_sheet_as_before(path: Path) -> None:
    """As lists exported before sheets were named for people."""
    book = openpyxl.load_workbook(path)
    sheet = book["Worklist"]
    for name in ("aside", "worklist"):
        sheet.title = name
    book.save(path)
    assert "worklist" in openpyxl.load_workbook(path).sheetnames


def number_the_claims(path: Path) -> None:
    book, sheet, head, at = table_of(path)
    for number in range(head + 1, sheet.max_row + 1):
        cell = sheet.cell(number, at["Claim"])
        if str(cell.value).isdigit():
            cell.value, cell.number_format = int(cell.value), "General"
    book.save(path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(sort_whole_rows, id="sorted by claim, backwards"),
        pytest.param(filter_and_hide, id="filtered, with hidden rows and columns"),
        pytest.param(
            move_sheets_and_columns, id="sheets in another order, moved down and right, with a column of one's own"
        ),
        pytest.param(shared_strings, id="saved as Excel does"),
        pytest.param(name_the_sheet_as_before, id="the sheet named as in lists of before"),
        pytest.param(number_the_claims, id="the claims turned into numbers"),
    ],
)
def test_however_the_file_was_handled_the_same_is_taken_in(workspace, sheet, capsys, change):
    before = open_workspace(workspace).store.open(CLIENT).rows("work_log")
    claims = fill(sheet, GOOD, {}, GOOD | {"next_action": "appeal", "next_on": dt.date(2026, 11, 30)})
    change(sheet)
    assert rcm(workspace, "worklist", "import", sheet) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "2 rows filled in, 2 taken into the work log (2 new, 0 there before), 0 refused" in out
    assert sorted(imported(workspace)["claim_id"]) == sorted([claims[0], claims[2]])
    assert open_workspace(workspace).store.open(CLIENT).rows("work_log") == before + 2
    assert ("the columns A and B are none of the list's" in out or "columns A, B are none" in out) == (
        change is move_sheets_and_columns
    )


def test_rows_sorted_in_part_are_refused_every_one(workspace, sheet):
    fill(sheet, *[GOOD] * 6)
    book, found, head, at = table_of(sheet)
    claims = [found.cell(head + number, at["Claim"]).value for number in range(1, 7)]
    for number, claim in enumerate(sorted(claims, reverse=claims == sorted(claims)), start=1):
        found.cell(head + number, at["Claim"]).value = claim
    book.save(sheet)
    assert rcm(workspace, "worklist", "import", sheet) == 1
    moved = sum(one != two for one, two in zip(claims, sorted(claims, reverse=claims == sorted(claims)), strict=True))
    rules = open_workspace(workspace).client(CLIENT).quarantine()["rule"].to_list()
    assert moved >= 4 and rules.count("row_changed") == moved and imported(workspace).height == 6 - moved


def test_merged_cells_formulas_and_errors_are_refused_and_not_passed_over(workspace, sheet, capsys):
    fill(sheet, GOOD, {}, {}, GOOD, GOOD, GOOD, GOOD)
    book, found, head, at = table_of(sheet)
    letter = openpyxl.utils.get_column_letter
    found.merge_cells(f"{letter(at['Action taken'])}{head + 1}:{letter(at['Action taken'])}{head + 3}")
    found.cell(head + 4, at["Minutes spent"]).value = "=10+15"
    found.cell(head + 5, at["Worked on"]).value = '=HYPERLINK("http://x","y")'
    cell = found.cell(head + 6, at["Worked by"])
    cell.value, cell.data_type = "#REF!", "e"
    book.save(sheet)
    assert rcm(workspace, "worklist", "import", sheet) == 1
    assert "7 rows filled in, 1 taken into the work log (1 new, 0 there before), 6 refused" in " ".join(
        capsys.readouterr().out.split()
    )
    aside = (
        open_workspace(workspace)
        .client(CLIENT)
        .quarantine()
        .filter(pl.col("rule").is_in(["merged", "formula", "error"]))
        .sort("row")
    )
    assert aside.select("row", "column", "rule").rows() == [
        *[(head + number, "Action taken", "merged") for number in (1, 2, 3)],
        (head + 4, "Minutes spent", "formula"),
        (head + 5, "Worked on", "formula"),
        (head + 6, "Worked by", "error"),
    ]
    refused = openpyxl.load_workbook(sheet.with_name("list.refused.xlsx"))
    kinds = {cell.data_type for one in refused for row in one.iter_rows() for cell in row if cell.value is not None}
    assert "f" not in kinds and "=10+15" in [cell.value for row in refused["Worklist"].iter_rows() for cell in row], (
        "as typed, and no formula any more"
    )


def test_a_formula_with_a_result_is_its_result(sheet):
    fill(sheet, GOOD)
    book, found, head, at = table_of(sheet)
    found.cell(head + 1, at["Minutes spent"]).value = "=10+15"
    book.save(sheet)
    with zipfile.ZipFile(sheet) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    for name in content:
        content[name] = re.sub(rb"<f>10\+15</f><v\s*/>|<f>10\+15</f><v></v>", b"<f>10+15</f><v>25</v>", content[name])
    with zipfile.ZipFile(sheet, "w") as parts:
        for name, data in content.items():
            parts.writestr(name, data)
    (read,) = read_sheets(sheet.read_bytes())
    assert read.filled[0]["minutes"] == 25


def test_rows_added_below_are_read_as_any_other(workspace, sheet):
    claims = fill(sheet, {}, {})
    book, found, head, at = table_of(sheet)
    last = found.max_row
    for offset, claim in ((3, claims[0]), (4, "nobody's")):
        for title, value in (
            ("Claim", claim),
            ("Owed by", found.cell(head + 1, at["Owed by"]).value),
            ("Client", CLIENT),
            ("List of", dt.date(2026, 10, 31)),
            *((TITLES[name], value) for name, value in GOOD.items()),
        ):
            found.cell(last + offset, at[title]).value = value
    book.save(sheet)
    assert rcm(workspace, "worklist", "import", sheet) == 1
    assert imported(workspace)["claim_id"].to_list() == claims[:1]
    aside = open_workspace(workspace).client(CLIENT).quarantine().filter(pl.col("rule") == "unknown_claim")
    assert aside["row"].to_list() == [last + 4]


def test_last_months_list_adds_what_it_brings_and_wipes_nothing(workspace, sheet, tmp_path):
    claims = fill(sheet, GOOD, GOOD)
    assert rcm(workspace, "worklist", "import", sheet) == 0
    earlier = tmp_path / "september.xlsx"
    assert rcm(workspace, "worklist", "export", "--client", CLIENT, "--as-of", "2026-09-30", "--to", earlier) == 0
    old = fill(earlier, GOOD | {"worked_on": dt.date(2026, 10, 5)})
    assert rcm(workspace, "worklist", "import", earlier) == 0
    assert sorted(imported(workspace).select("claim_id", "worked_on").rows()) == sorted(
        [*((claim, dt.date(2026, 11, 3)) for claim in claims), (old[0], dt.date(2026, 10, 5))]
    )


def test_a_file_of_refused_rows_that_was_put_right_is_never_written_over(workspace, sheet):
    fill(sheet, GOOD | {"minutes": -1})
    rcm(workspace, "worklist", "import", sheet)
    fill(sheet.with_name("list.refused.xlsx"), {"minutes": 7})
    put_right = sheet.with_name("list.refused.xlsx").read_bytes()
    fill(sheet, GOOD | {"minutes": -2})
    assert rcm(workspace, "worklist", "import", sheet) == 1
    assert (
        sheet.with_name("list.refused.xlsx").read_bytes() == put_right
        and sheet.with_name("list.2.refused.xlsx").exists()
    )


def test_what_was_done_tomorrow_waits_for_tomorrow(workspace, sheet, capsys):
    fill(sheet, GOOD, GOOD | {"worked_on": dt.date(2026, 11, 4)})
    assert rcm(workspace, "worklist", "import", sheet, received="2026-11-03") == 1
    assert "after the day on which the file came in (in_future)" in " ".join(capsys.readouterr().out.split())
    before = open_workspace(workspace).store.open(CLIENT).fingerprints()
    shutil.rmtree(workspace / "store")
    assert rcm(workspace, "ingest", "--client", CLIENT) in (0, 1)
    assert open_workspace(workspace).store.open(CLIENT).fingerprints() == before, (
        "read again later, it is refused as it was"
    )


def test_a_bad_day_of_receipt_is_said(workspace, sheet, capsys):
    fill(sheet, GOOD)
    assert rcm(workspace, "worklist", "import", sheet, received="soon") == 2
    assert "--received is a day" in capsys.readouterr().err


def test_five_thousand_rows(exported):
    sheet, claims = exported
    day, names = dt.date(2026, 10, 31), [f"{number:06d}" for number in range(5000)]
    book = openpyxl.Workbook(write_only=True)
    found = book.create_sheet("worklist")
    found.append(list(TITLES.values()))
    for number, name in enumerate(names):
        row = {
            "client": "a",
            "claim_id": name,
            "party": "primary",
            "as_of": day,
            "assigned_to": "Ann",
            "check": row_check("a", name, "primary", day),
        }
        row |= GOOD | ({"minutes": "many"} if number % 10 == 9 else {})
        found.append([row.get(column) for column in TITLES])
    data = io.BytesIO()
    book.save(data)
    many = pl.DataFrame({"claim_id": names, "service_on": [dt.date(2026, 9, 1)] * len(names)})
    read = notes_of(read_sheets(data.getvalue()), client="a", claims=many)
    assert (read.rows_in, read.rows.height, read.quarantine.height) == (5000, 4500, 500)
    assert read.quarantine["row"].to_list() == list(range(11, 5002, 10)) and read.rows["minutes"].sum() == 4500 * 25


def test_the_refused_rows_can_be_put_right_and_imported(workspace, sheet, capsys):
    fill(sheet, GOOD, GOOD | {"minutes": -1, "action": "resubmit"})
    assert rcm(workspace, "worklist", "import", sheet) == 1
    out = capsys.readouterr().out
    assert (
        "2 rows filled in, 1 taken into the work log (1 new, 0 there before), 1 refused" in " ".join(out.split())
        and "Minutes spent: expected 0 to 1440 (minutes)" in out
    )
    aside = open_workspace(workspace).client(CLIENT).quarantine().filter(pl.col("rule") == "minutes")
    assert aside.select("column", "table").rows() == [("Minutes spent", "work_log")] and aside["row"][0] > 1
    beside = sheet.with_name("list.refused.xlsx")
    found = openpyxl.load_workbook(beside)["Worklist"]
    assert found.cell(found.max_row, found.max_column - 1).value == "minutes"
    fill(beside, {"minutes": 7})
    assert rcm(workspace, "worklist", "import", beside) == 0
    assert imported(workspace).select("action", "minutes").sort("action").rows() == [
        ("appeal", 25.0),
        ("resubmit", 7.0),
    ]


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
    copied = book["Worklist"]
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
    assert open_workspace(workspace).store.open(CLIENT).read("work_log").equals(stored), (
        "the month was replaced, and the note is still there"
    )
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
        pytest.param(lambda path: as_csv(path), "It looks like text or CSV", id="saved as CSV"),
        pytest.param(
            lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600)),
            "old workbook (XLS) or one with a password",
            id="an old workbook, or one with a password",
        ),
        pytest.param(
            lambda path: path.write_bytes(path.read_bytes()[:-500]),
            "holds no worklist",
            id="a workbook that was cut off on its way",
        ),
        pytest.param(
            lambda path: relabel(path, "Action taken", "Action"),
            "lacks the columns Action taken",
            id="a heading was changed",
        ),
        pytest.param(
            lambda path: relabel(path, "Claim", "Acct"),
            "lacks the columns Claim",
            id="the heading of the claim was changed",
        ),
        pytest.param(
            lambda path: relabel(path, "Waits for", "Action taken"),
            "lacks the columns Waits for",
            id="one heading was written over another",
        ),
        pytest.param(
            lambda path: relabel(path, "Payer", "Action taken"),
            "has the columns Action taken twice",
            id="a column was copied",
        ),
        pytest.param(
            lambda path: drop(path, "Row check"), "lacks the columns Row check", id="the row check was cut off"
        ),
        pytest.param(lambda path: drop(path, "Claim"), "lacks the columns Claim", id="the claims were cut off"),
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


def relabel(path: Path, title: str, words: str) -> None:
    book = openpyxl.load_workbook(path)
    next(cell for row in book["Worklist"].iter_rows() for cell in row if cell.value == title).value = words
    book.save(path)


def as_csv(path: Path) -> None:
    rows = list(openpyxl.load_workbook(path)["Worklist"].values)
    path.write_text(
        "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows), encoding="utf-8"
    )


def rename(path: Path, name: str) -> None:
    book = openpyxl.load_workbook(path)
    book["Worklist"].title = name
    book.save(path)


def drop(path: Path, title: str) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book["Worklist"]
    place = next(cell.column for row in sheet.iter_rows() for cell in row if cell.value == title)
    sheet.delete_cols(place)
    book.save(path)


def every(path: Path, name: str, value: str) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book["Worklist"]
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


def test_without_names_the_list_is_split_among_who_worked_lately(workspace, tmp_path, capsys):
    assert rcm(workspace, "worklist", "export", "--client", CLIENT, "--to", tmp_path / "ours.xlsx") == 0
    (read,) = read_sheets((tmp_path / "ours.xlsx").read_bytes())
    worked = set(
        open_workspace(workspace)
        .store.open(CLIENT)
        .read("work_log")
        .filter(pl.col("worked_on") > dt.date(2026, 10, 3))["worked_by"]
    )
    given = {row["assigned_to"] for row in read.rows} - {None}
    assert given and given <= worked and f"split among {len(worked)}" in " ".join(capsys.readouterr().out.split())


def test_an_untouched_sheet_adds_nothing(workspace, sheet, capsys):
    assert rcm(workspace, "worklist", "import", sheet) == 0
    assert "no row is filled in" in capsys.readouterr().out and not (workspace / "raw" / CLIENT / "worklists").exists()


def test_a_sheet_that_is_there_is_not_written_over(workspace, sheet, capsys):
    fill(sheet, GOOD)
    assert rcm(workspace, "worklist", "export", "--client", CLIENT, "--to", sheet) == 2
    assert "may be filled in" in capsys.readouterr().err
    assert rcm(workspace, "worklist", "export", "--client", CLIENT, "--to", sheet, "--force") == 0


def test_a_work_log_without_sheets_is_as_before():
    assert (
        WORK_LOG.key == ("client", "note_id")
        and not set(FILLED) - set(WORK_LOG.names)
        and {"client", "claim_id"} <= set(CLAIMS.names)
    )


@pytest.mark.slow
def test_a_sheet_saved_by_libreoffice_says_the_same(workspace, sheet, tmp_path):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    fill(
        sheet,
        GOOD,
        {},
        GOOD | {"action": "bill secondary", "hold_reason": "documents", "minutes": 7.5},
        GOOD | {"minutes": -1},
    )
    (tmp_path / "out").mkdir()
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    subprocess.run(
        [office, home, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(sheet)],
        check=True,
        capture_output=True,
        timeout=180,
    )
    converted = tmp_path / "out" / sheet.name
    found = openpyxl.load_workbook(converted)["Worklist"]
    assert found.auto_filter.ref and len(found.data_validations.dataValidation) >= 5
    other = shutil.copytree(workspace, tmp_path / "other")
    assert rcm(workspace, "worklist", "import", sheet) == rcm(other, "worklist", "import", converted) == 1
    assert imported(workspace).equals(imported(other)) and imported(other).height == 2
