"""The action register as somebody filled it in: written, changed, read back, and refused where it says nothing."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest

from builders.acorn import invented, subject_of
from rcm_analysis.blocks.vocabulary import Meta
from rcm_analysis.exhibits.register.sheet import actions_to_change
from rcm_analysis.press.writers.workbook import Section, write_workbook
from rcm_analysis.sources.worklist.changes import CHANGED, NAMES, REGISTER, changes_of
from rcm_analysis.sources.worklist.sheets import read_sheets

CLIENT = "acorn-clinic"
DAY = dt.date(2026, 11, 4)
WHO = {"changed_by": "kim", "changed_on": dt.date(2026, 11, 3)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("register") / "worklist.xlsx"
    write_workbook([Section("Worklist", (actions_to_change(subject_of(invented())),))], path, meta=Meta(title="W"))
    return path


@pytest.fixture
def filled(written, tmp_path):
    """The sheets of the written file with these cells of the questions row filled in."""

    def fill(**cells):
        book = openpyxl.load_workbook(written)
        sheet = book["Actions"]
        head = next(row for row in range(1, 20) if sheet.cell(row, 1).value == NAMES["action_id"])
        places = {sheet.cell(head, column).value: column for column in range(1, sheet.max_column + 1)}
        rows = range(head + 1, sheet.max_row + 1)
        row = next(row for row in rows if sheet.cell(row, 1).value == "questions")
        titles = REGISTER.titles
        for name, value in cells.items():
            sheet.cell(row, places[titles[name]]).value = value
        path = tmp_path / "filled.xlsx"
        book.save(path)
        return read_sheets(path.read_bytes(), REGISTER)

    return fill


def test_what_is_written_is_understood(filled):
    given = {"owner": "Dana", "due_on": dt.date(2026, 12, 1), "status": "Done", "outcome": "all sent", "remark": "x"}
    sheets = filled(**WHO, **given)
    found = changes_of(sheets, client=CLIENT, received=DAY)
    (row,) = found.rows.to_dicts()
    assert found.quarantine.is_empty() and found.rows_in == 1
    assert row | given | {"status": "done"} == row and row["action_id"] == "questions"
    assert changes_of(sheets, client=CLIENT, received=DAY).rows.equals(found.rows), "the same again says nothing new"


def test_an_untouched_register_says_nothing(filled):
    assert changes_of(filled(), client=CLIENT).rows_in == 0


CASES = {
    "missing": {"status": "done"},
    "not_listed": {**WHO, "status": "perhaps"},
    "unreadable": {**WHO, "due_on": "soon"},
    "in_future": {"changed_by": "kim", "changed_on": dt.date(2026, 11, 9), "status": "done"},
    "before_list": {"changed_by": "kim", "changed_on": dt.date(2026, 10, 30), "status": "done"},
    "next_step": {**WHO, "due_on": dt.date(2026, 11, 1)},
    "row_changed": {**WHO, "status": "done", "action_id": "write_offs"},
    "other_client": {**WHO, "status": "done", "client": "somebody"},
}


@pytest.mark.parametrize("rule", CASES)
def test_what_does_not_fit_is_refused_with_its_rule(filled, rule):
    found = changes_of(filled(**CASES[rule]), client=CLIENT, received=DAY)
    assert found.rows.is_empty()
    assert found.quarantine["rule"].to_list() == [rule]
    assert not any(str(value) in found.quarantine["message"][0] for value in ("perhaps", "soon", "somebody"))


def test_nothing_changed_beside_a_name_and_a_day_is_missing_something(filled):
    assert changes_of(filled(**WHO), client=CLIENT, received=DAY).quarantine["rule"].to_list() == ["missing"]


def test_every_cell_to_fill_in_has_its_heading():
    assert len({*NAMES.values(), *CHANGED.values()}) == len(NAMES) + len(CHANGED)
