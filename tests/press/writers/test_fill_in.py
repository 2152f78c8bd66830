"""Cells to fill in: prepared beside the column that says what the row is about, in print up to the last of them."""

from __future__ import annotations

import openpyxl
import pandas as pd

from rcm_analysis.blocks.vocabulary import Meta
from rcm_analysis.exhibits.tables import Shown, show
from rcm_analysis.press.writers.workbook import LINE_HEIGHT, Section, write_workbook

COLUMNS = [Shown("a", "Claim"), Shown("b", "Done", choices=("x", "y"), editable=True), Shown("c", "Note")]


def sheet_of(rows: list[dict], tmp_path, columns=COLUMNS):
    table = show(pd.DataFrame(rows, columns=["a", "b", "c"]), columns, name="t", title="T", definition="d")
    write_workbook([Section("T", (table,))], tmp_path / "t.xlsx", meta=Meta(title="T"))
    return openpyxl.load_workbook(tmp_path / "t.xlsx")["T"]


def test_the_first_column_stays_in_sight_and_print_ends_with_the_cells_to_fill_in(tmp_path):
    sheet = sheet_of([{"a": "1"}, {"a": "2"}], tmp_path)
    assert sheet.freeze_panes == "B5" and sheet.print_area == "'T'!$A$1:$B$6"
    assert sheet.auto_filter.ref == "A4:C6"


def test_the_heading_of_a_cell_to_fill_in_has_room_for_all_its_lines(tmp_path):
    assert LINE_HEIGHT <= sheet_of([{"a": "1"}], tmp_path).row_dimensions[4].height < 2 * LINE_HEIGHT
    columns = [COLUMNS[0], Shown("b", "Done by the day that was agreed", choices=("x", "y"), editable=True)]
    sheet = sheet_of([{"a": "1"}], tmp_path, columns)
    width, heading = sheet.column_dimensions["B"].width, sheet["B4"]
    assert len(heading.value) > width and heading.alignment.wrap_text
    assert sheet.row_dimensions[4].height >= LINE_HEIGHT * len(heading.value) / width > LINE_HEIGHT


def test_a_table_without_rows_or_without_such_cells_is_as_any_other(tmp_path):
    assert sheet_of([], tmp_path).freeze_panes == "A5" and not sheet_of([], tmp_path).print_area
    plain = sheet_of([{"a": "1"}], tmp_path, [Shown("a", "Claim"), Shown("c", "Note")])
    assert plain.freeze_panes == "A5" and not plain.print_area


def test_a_link_column_leads_to_the_sheet_it_names_and_to_no_other(tmp_path):
    rows = pd.DataFrame({"a": ["t", "nowhere", "=1+1", None]})
    links = show(rows, [Shown("a", "Sheet", link=True)], name="links", title="L", definition="d")
    other = show(pd.DataFrame({"a": ["x"]}), [Shown("a", "A")], name="t", title="T", definition="d")
    write_workbook([Section("T", (links, other))], tmp_path / "t.xlsx", meta=Meta(title="T"))
    cells = [openpyxl.load_workbook(tmp_path / "t.xlsx")["Links"].cell(row, 1) for row in range(5, 9)]
    assert [cell.hyperlink.location if cell.hyperlink else None for cell in cells] == ["'T'!A1", None, None, None]
    assert cells[2].data_type == "s" and cells[3].value is None
