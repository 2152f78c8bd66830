"""What must not be edited in a plan workbook: keys, named cells and formulas. Each change is told by its cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from openpyxl.utils import get_column_letter as letter
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from ....errors import closest
from ....models.plan.fields import FIELDS
from .inputs import ASSUMPTIONS, CHECKS, FIRST_ROW, KEY, LAG_SHEET, PLAN, SCENARIOS, SUMMARY, VALUE, cell_name
from .rows import FIRST, MONTHS, RECEIPTS, SHARES

NEEDED = ("name", "start", "months", *(field.key for field in FIELDS))
"""Keys of the sheet Assumptions that every plan has; those of levels, regions and sources come on top."""
LISTS = ("acuity.caseload.", "acuity.mix.", "regions.", "referrals[")
FEW = 3
"""Cells of one sheet that are named; of more only the number is told."""


def edited_structure(book: Workbook) -> list[str]:
    """Every key, name and formula that is not as `rcm plan` wrote it; `book` is opened with its formulas."""
    rows = key_rows(book[ASSUMPTIONS])
    return [*_keys(book[ASSUMPTIONS], rows), *_names(book, rows), *_formulas(book)]


def key_rows(sheet: Worksheet) -> dict[str, list[int]]:
    """The rows of each key in column A."""
    rows: dict[str, list[int]] = {}
    for row in range(FIRST_ROW, sheet.max_row + 1):
        key = sheet.cell(row, KEY).value
        if isinstance(key, str) and key.strip():
            rows.setdefault(key.strip(), []).append(row)
    return rows


def _keys(sheet: Worksheet, rows: Mapping[str, Sequence[int]]) -> list[str]:
    """A key that is gone or misspelled would leave a default in place; a key twice would hide one of its values."""
    out = [f"{ASSUMPTIONS}!A: expected a row with the key {key}; found none" for key in NEEDED if key not in rows]
    for key, places in rows.items():
        if key not in NEEDED and not key.startswith(LISTS):
            out.append(f"{ASSUMPTIONS}!A{places[0]}: no input of the plan is called {key}.{closest(key, NEEDED)}")
        if len(places) > 1:
            out.append(f"{ASSUMPTIONS}!A{places[1]}: expected each key once; found {key} in row {places[0]}, too")
    for row in range(FIRST_ROW, sheet.max_row + 1):
        if sheet.cell(row, KEY).value in (None, "") and sheet.cell(row, VALUE).value not in (None, ""):
            out.append(f"{ASSUMPTIONS}!A{row}: expected the key of the value beside it; found nothing")
    return out


def _names(book: Workbook, rows: Mapping[str, Sequence[int]]) -> list[str]:
    """Named cells that were renamed, deleted or moved off their value."""
    wanted = {cell_name(key): f"{ASSUMPTIONS}!${letter(VALUE)}${places[0]}" for key, places in rows.items()}
    wanted |= {"Scenario": f"{SUMMARY}!$B$4"}
    out, named = [], book.defined_names
    for name, place in wanted.items():
        found = named[name].attr_text.replace("'", "") if name in named else None
        if found != place:
            out.append(
                f"{place.replace('$', '')}: expected the cell to be named {name}; found "
                + ("no such name" if found is None else f"that name at {found.replace('$', '')}")
            )
    return out


def _formulas(book: Workbook) -> list[str]:
    """Cells of the computing sheets that hold something typed instead of their formula."""
    out = []
    for name in (MONTHS, SHARES, RECEIPTS, PLAN, LAG_SHEET, CHECKS):
        if name not in book.sheetnames:
            out.append(f"{name}: expected the sheet of this name; found none")
            continue
        out += _told(book[name], list(_typed(book[name])))
    summary = book[SUMMARY]
    shown = [(row, 2) for row in range(5, summary.max_row + 1) if summary.cell(row, 1).value]
    out += _told(summary, [f"B{row}" for row, column in shown if _is_typed(summary.cell(row, column).value)])
    at_work = next((cell.column for cell in book[SCENARIOS][4] if str(cell.value).startswith("At work")), None)
    if at_work:
        column = [(row, book[SCENARIOS].cell(row, at_work).value) for row in range(5, book[SCENARIOS].max_row + 1)]
        out += _told(book[SCENARIOS], [f"{letter(at_work)}{row}" for row, value in column if _is_typed(value)])
    return out


def _typed(sheet: Worksheet) -> Iterable[str]:
    """Coordinates with a value that is no formula, and gaps in a row of formulas, where only formulas stand."""
    first = {LAG_SHEET: 2, CHECKS: 2}.get(sheet.title, FIRST)
    for row in sheet.iter_rows(min_row=5, min_col=first):
        is_row = sheet.title in (MONTHS, PLAN) and any(cell.value is not None for cell in row)
        for cell in row:
            if _is_typed(cell.value) or (is_row and cell.value is None):
                yield cell.coordinate


def _is_typed(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and value.startswith("=")) and not hasattr(value, "ref")


def _told(sheet: Worksheet, cells: Sequence[str]) -> list[str]:
    """A line per cell, with the words of its row; many in one sheet in one line."""

    def line(cell: str, more: str = "") -> str:
        words, found = sheet.cell(sheet[cell].row, 1).value, sheet[cell].value
        return (
            f"{sheet.title}!{cell}{more}{f' ({words})' if isinstance(words, str) else ''}: expected the formula "
            "that rcm plan wrote; "
            f"found {'nothing' if found is None else repr(found)}"
        )

    return (
        [line(cell) for cell in cells] if len(cells) <= FEW else [line(cells[0], f" and {len(cells) - 1} more cells")]
    )
