"""Cells of a workbook: texts that stay texts, and cells that a person fills in, marked and checked as one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ...blocks.plain import clean, one_line
from ...blocks.vocabulary import Column

LISTS = "Lists"
LONGEST_TEXT = 32_767
FILLED_IN = PatternFill("solid", fgColor="FFFFF8E1")
MOST_WORDS = 1_000
FIRST_DAY, LAST_DAY = 36526, 73050
"""2000-01-01 and 2099-12-31 as the numbers that spreadsheets keep."""


def plain_text(text: Any) -> str:
    """A text as a cell can hold it: without what no sheet takes, and cut where it is too long for one."""
    plain = ILLEGAL_CHARACTERS_RE.sub("", clean(text))
    return plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1] + "…"


def put_text(cell: Cell, text: Any) -> Cell:
    """Store a text as a text, whatever it starts with."""
    plain = plain_text(text)
    cell._value, cell.data_type = plain, "s"  # as `cell.value` would, which looks for the same faults once more
    if is_quoted(plain):
        cell.quotePrefix = True
    return cell


def is_quoted(plain: str) -> bool:
    """Whether a text starts like a formula, and a sheet must keep it from becoming one where it is edited."""
    return plain[:1] in ("=", "+", "-", "@", "\t", "\n", "'", "|", "%")


class Lists:
    """The drop-down lists of one workbook, each written once."""

    def __init__(self) -> None:
        self._lists: list[tuple[str, ...]] = []

    def range_of(self, choices: Sequence[Any]) -> str:
        """Where the words of a drop-down will stand, as a formula names it."""
        words = tuple(dict.fromkeys(one_line(word)[:255] for word in choices))[:MOST_WORDS]
        if words not in self._lists:
            self._lists.append(words)
        letter = get_column_letter(self._lists.index(words) + 1)
        return f"{LISTS}!${letter}$1:${letter}${len(words)}"

    def write(self, book: Workbook) -> None:
        """The sheet with the words, out of sight; no sheet where nothing is chosen from a list."""
        if not self._lists:
            return
        sheet = book.create_sheet(LISTS)
        sheet.sheet_state = "hidden"
        for column, words in enumerate(self._lists, start=1):
            for row, word in enumerate(words, start=1):
                put_text(sheet.cell(row, column), word)


def mark_editable(
    sheet: Worksheet, columns: Sequence[Column], rows: range, lists: Lists, formats: Mapping[str, str]
) -> None:
    """Prepare the cells of the editable columns in these rows; nothing where there are no such columns or no rows.

    The first column stays in sight beside them, and print ends with the last of them.
    """
    places = [position for position, column in enumerate(columns, start=1) if column.editable]
    if not places or not rows:
        return
    sheet.freeze_panes = f"B{rows[0]}"
    sheet.print_area = f"A1:{get_column_letter(places[-1])}{rows[-1]}"
    for position in places:
        column = columns[position - 1]
        for row in rows:
            cell = sheet.cell(row, position)
            cell.fill = FILLED_IN
            cell.number_format = formats.get(column.unit, "General")
        letter = get_column_letter(position)
        check = _check(column, lists)
        if check is not None:
            check.add(f"{letter}{rows[0]}:{letter}{rows[-1]}")
            sheet.add_data_validation(check)


def _check(column: Column, lists: Lists) -> DataValidation | None:
    """What may be typed into the column: a word of its list, else a value of its unit; an empty cell always may be
    left."""
    unit, choices = column.unit, column.choices
    if choices:
        check = DataValidation(type="list", formula1=lists.range_of(choices))
        told = "Choose one of the list, or leave the cell empty."
    elif unit in ("date", "month"):
        check = DataValidation(type="date", operator="between", formula1=str(FIRST_DAY), formula2=str(LAST_DAY))
        told = "Enter a day, such as 2026-11-03."
    elif unit in ("count", "number", "days", "usd"):
        check = DataValidation(type="decimal", operator="greaterThanOrEqual", formula1="0")
        told = "Enter a number that is not below zero."
    else:
        return None
    check.allow_blank, check.showErrorMessage, check.showInputMessage = True, True, True
    check.errorStyle, check.errorTitle, check.error = "stop", "Not allowed here", told
    check.promptTitle, check.prompt = "Fill in", told
    return check
