"""The working file: typed cells, drop-downs, nothing that could become a formula."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pandas as pd
import pytest

from rcm_analysis.blocks.vocabulary import Meta
from rcm_analysis.exhibits.ar_weekly_review.worklist_file import COLUMNS, worklist_table
from rcm_analysis.exhibits.tables import Shown, show
from rcm_analysis.models.worklist.ranking import COLUMNS as OF_MODEL
from rcm_analysis.press.writers.workbook import Section, write_workbook
from rcm_analysis.sources.worklist.notes import FILLED, KEYS, read_sheets
from rcm_analysis.tables.schema import WORK_LOG

DAY = dt.date(2026, 10, 31)
META = Meta(title="Worklist", client_name="Acme", as_of="2026-10-31")


def item(claim: str, **more) -> dict:
    row = dict.fromkeys(OF_MODEL)
    row |= {
        "client": "acme",
        "claim_id": claim,
        "party": "primary",
        "payer": "aetna",
        "status": "denied",
        "age_days": 60,
        "open_cents": 123_456,
        "expected_cents": 70_000,
        "chance_to_pay": 0.5,
        "uplift": 0.9,
        "minutes": 12.0,
        "recoverable_cents": 31_500,
        "score_cents_per_minute": 2_625.4,
        "tier": "list",
        "rank": 1,
        "deadline_on": pd.Timestamp("2026-12-01"),
        "deadline_kind": "appeal",
        "days_left": 31,
        "action": "corrected_claim",
        "reason": "Denied.",
        "assigned_to": "Ann",
        "queue_day": 0,
    }
    return row | more


def items(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(OF_MODEL))
    return frame.astype({"queue_day": "Int64"})


def opened(frame: pd.DataFrame, tmp_path, **more):
    path = tmp_path / "list.xlsx"
    write_workbook([Section("Worklist", (worklist_table(frame, as_of=DAY, **more),))], path, meta=META)
    return openpyxl.load_workbook(path), path


def headed(sheet) -> tuple[int, dict[str, int]]:
    for row in sheet.iter_rows():
        if row[0].value == KEYS["claim_id"]:
            return row[0].row, {cell.value: cell.column for cell in row}
    raise AssertionError("no header")


def test_every_cell_is_typed_and_formatted(tmp_path):
    book, _ = opened(items(item("0012")), tmp_path, payer_names={"aetna": "Aetna PPO"})
    sheet = book["Worklist"]
    head, at = headed(sheet)
    values = {title: sheet.cell(head + 1, column) for title, column in at.items()}
    assert values["Claim"].value == "0012" and values["Payer"].value == "Aetna PPO" and values["Day"].value == 1
    assert (values["Open"].value, values["Open"].number_format) == (1234.56, '"$"#,##0.00;-"$"#,##0.00')
    assert values["Adds per minute"].value == 26.25
    assert [values[title].value for title in ("Worth at most", "Expected if worked", "Comes anyway", "Work adds")] == [
        700,
        350,
        35,
        315,
    ], "700 x 0.5; of it 0.9 is work's"
    assert values["Deadline"].value == dt.datetime(2026, 12, 1) and values["List of"].value == dt.datetime(2026, 10, 31)
    assert values["Worked on"].value is None and values["Worked on"].number_format == "yyyy-mm-dd"
    assert values["Recommended"].value == "corrected claim"


def test_the_sheet_is_made_for_work(tmp_path):
    book, _ = opened(
        items(item("1"), item("2", tier="waiting"), item("3", tier="deadline"), item("4", tier="small")), tmp_path
    )
    sheet = book["Worklist"]
    head, at = headed(sheet)
    claims = [sheet.cell(row, 1).value for row in range(head + 1, sheet.max_row + 1)]
    assert claims == ["1", "3"], "what waits or is small is counted, not listed"
    assert "1 balance that still waits" in sheet.cell(3, 1).value and "1 too small" in sheet.cell(3, 1).value
    assert sheet.freeze_panes == f"B{head + 1}" and sheet.auto_filter.ref.startswith(f"A{head}:")
    assert all(sheet.column_dimensions[openpyxl.utils.get_column_letter(column)].width >= 10 for column in at.values())
    assert not sheet.protection.sheet
    assert (
        sheet.print_area
        == f"'Worklist'!$A$1:${openpyxl.utils.get_column_letter(at['Spoke with or reference'])}${head + 2}"
    )


def test_the_drop_downs_hold_the_words_of_the_work_log(tmp_path):
    book, _ = opened(items(item("1"), item("2")), tmp_path)
    sheet, lists = book["Worklist"], book["Lists"]
    head, at = headed(sheet)
    checks = {str(check.sqref): check for check in sheet.data_validations.dataValidation}
    letters = {name: openpyxl.utils.get_column_letter(at[title]) for name, title in FILLED.items()}
    for name in ("action", "outcome", "hold_reason", "next_action"):
        check = checks[f"{letters[name]}{head + 1}:{letters[name]}{head + 2}"]
        assert check.type == "list" and check.showErrorMessage and check.error
        where = check.formula1.removeprefix("Lists!").replace("$", "")
        listed = [cell.value for (cell,) in lists[where]]
        assert listed == [value.replace("_", " ") for value in WORK_LOG.column(name).values]
    assert checks[f"{letters['worked_on']}{head + 1}:{letters['worked_on']}{head + 2}"].type == "date"
    assert checks[f"{letters['next_on']}{head + 1}:{letters['next_on']}{head + 2}"].type == "date"
    assert checks[f"{letters['minutes']}{head + 1}:{letters['minutes']}{head + 2}"].type == "decimal"
    assert lists.sheet_state == "hidden"


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+1", "-1", '=HYPERLINK("http://x")', "'=1"])
def test_no_text_of_the_list_becomes_a_formula(tmp_path, text):
    book, path = opened(items(item(text, payer=text, reason=text, assigned_to=text)), tmp_path)
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert "f" not in kinds
    assert read_sheets(path.read_bytes())[0].rows[0]["claim_id"] == text, "and it comes back as it was"


def test_choices_are_words_and_never_a_formula(tmp_path):
    frame = pd.DataFrame({"a": [None]})
    hostile = ('"&WEBSERVICE("http://x")&"', "=1+1", "a,b")
    payload = show(frame, [Shown("a", "A", choices=hostile, editable=True)], name="t", title="T", definition="")
    path = tmp_path / "t.xlsx"
    write_workbook([Section("T", (payload,))], path, meta=META)
    book = openpyxl.load_workbook(path)
    assert [check.formula1 for check in book["T"].data_validations.dataValidation] == ["Lists!$A$1:$A$3"]
    assert [(cell.value, cell.data_type) for (cell,) in book["Lists"]["A1:A3"]] == [(word, "s") for word in hostile]


def test_two_tables_with_the_same_words_share_one_list(tmp_path):
    frame = pd.DataFrame({"a": [None], "b": [None]})
    columns = [Shown("a", "A", choices=("x", "y"), editable=True), Shown("b", "B", choices=("x", "y"), editable=True)]
    payloads = [show(frame, columns, name=name, title=name, definition="") for name in ("one", "two")]
    write_workbook([Section("T", tuple(payloads))], tmp_path / "t.xlsx", meta=META)
    assert openpyxl.load_workbook(tmp_path / "t.xlsx")["Lists"].dimensions == "A1:A2"


def test_a_plain_table_gets_neither_lists_nor_checks(tmp_path):
    payload = show(pd.DataFrame({"a": ["x"]}), [Shown("a", "A")], name="t", title="T", definition="")
    assert payload.payload["columns"] == [{"name": "a", "title": "A", "unit": "text"}]
    write_workbook([Section("T", (payload,))], tmp_path / "t.xlsx", meta=META)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["Contents", "T"] and not book["T"].data_validations.dataValidation


def test_choices_belong_to_cells_that_are_filled_in():
    with pytest.raises(ValueError, match="editable"):
        Shown("a", "A", choices=("x",))


def test_an_empty_list_is_a_sheet_with_its_headings(tmp_path):
    book, path = opened(items(), tmp_path)
    assert headed(book["Worklist"])[1].keys() == {column.title for column in COLUMNS}
    assert read_sheets(path.read_bytes())[0].rows == ()


def test_the_sheet_is_found_in_a_packet_beside_another_table_of_that_name(tmp_path):
    other = show(
        pd.DataFrame({"a": ["x"]}), [Shown("a", KEYS["claim_id"])], name="worklist", title="Top", definition=""
    )
    fillable = worklist_table(items(item("1")), as_of=DAY)
    path = tmp_path / "packet.xlsx"
    write_workbook([Section("Deep dive", (other,)), Section("Weekly", (fillable,))], path, meta=META)
    found = read_sheets(path.read_bytes())
    assert [(sheet.name, sheet.rows[0]["claim_id"]) for sheet in found] == [("Worklist 2", "1")]
