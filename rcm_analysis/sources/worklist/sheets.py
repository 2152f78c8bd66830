"""Sheets of ours as somebody filled them in: found by their headings, each row with its number, nothing guessed.

A sheet whose headings were changed, doubled or cut off is refused whole, as its rows could be read wrongly or lost.
A cell that cannot be read as one value (merged with others, a formula without a result, an error of the
spreadsheet) stays in its row as `Unusable`, so that the row is refused and told, not passed over.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

from ...errors import SourceError, listed
from ..exports.column_maps import plain
from ..exports.workbooks import BROKEN_ZIP
from ..processes import limited

SHEET = "worklist"
KEYS = {
    "client": "Client",
    "claim_id": "Claim",
    "party": "Owed by",
    "as_of": "List of",
    "assigned_to": "Assigned to",
    "check": "Row check",
}
"""What a row is about: our column and its heading. `Assigned to` stands in where nobody is named in `Worked by`;
`Row check` tells whether the others still belong together."""

FILLED = {
    "action": "Action taken",
    "outcome": "Status",
    "hold_reason": "Waits for",
    "worked_on": "Worked on",
    "minutes": "Minutes spent",
    "worked_by": "Worked by",
    "next_action": "Next action",
    "next_on": "Next on",
    "channel": "Channel",
    "spoke_with": "Spoke with or reference",
}
"""What is filled in by hand: our column of the work log and its heading."""

TITLES = {**KEYS, **FILLED}


@dataclass(frozen=True)
class Form:
    """A sheet to fill in: how it is called, what its rows are about, and what is filled in (our column: heading)."""

    sheet: str
    keys: Mapping[str, str]
    filled: Mapping[str, str]

    @property
    def titles(self) -> dict[str, str]:
        return {**self.keys, **self.filled}


WORKLIST = Form(SHEET, KEYS, FILLED)
LISTED = ("action", "outcome", "hold_reason", "next_action", "channel")
"""The columns to fill in with a word of a list."""

SINCE = ("channel", "spoke_with")
"""Columns that a list of an earlier version lacks: nothing is filled in there."""

TOP_ROWS = 60
FEWEST_HEADINGS = 4
"""A row with so many of our headings, one of them to fill in, is the head of a worklist, however it was changed."""

MOST_BYTES = 400_000_000
"""A workbook that would unpack to more was not made from a worklist."""

_LIST_BYTES = 1_000_000
"""The list of sheets is within so many bytes."""

_WORKBOOK = re.compile(r"xl/workbook\w*\.xml")


@dataclass(frozen=True)
class Unusable:
    """A cell that holds no value of its own: `text` is what stands there, `rule` and `message` say what is wrong."""

    text: str
    rule: str
    message: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Sheet:
    """The rows of one worklist sheet, as typed: `row` is the sheet's own row number, the rest our column names.

    `others` are the headings that are none of ours, by their column's letter, of columns that hold anything.
    """

    name: str
    rows: tuple[dict[str, Any], ...]
    others: Mapping[str, str] = field(default_factory=dict)
    form: Form = WORKLIST

    @property
    def filled(self) -> list[dict[str, Any]]:
        """The rows in which something was filled in."""
        return [row for row in self.rows if any(not is_blank(row[name]) for name in self.form.filled)]

    @property
    def clients(self) -> set[str]:
        return {str(row["client"]).strip() for row in self.rows if not is_blank(row["client"])}


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def read_sheets(data: bytes, form: Form = WORKLIST) -> list[Sheet]:
    """Every sheet of a workbook that is this form; none where no sheet has the headings.

    Raises
        SourceError when a sheet lacks some of the headings only, or has one twice: rows would be lost or misread.
    """
    return limited(_sheets, data, form) if _names_one(data, form.sheet) else []


def _sheets(data: bytes, form: Form) -> list[Sheet]:
    try:
        if not _has_headings(data, form):
            return []
        book = openpyxl.load_workbook(io.BytesIO(data))
        ours = _called(book, form)
        found = [sheet for name in ours if (sheet := _found(book[name], form))]
        results = _results(data) if any(formulas for _, _, formulas in found) else {}
    except (*BROKEN_ZIP, KeyError, ValueError, TypeError, OSError, AttributeError) as error:
        raise SourceError(f"The workbook cannot be read ({type(error).__name__}). Save it again as XLSX.") from error
    return [_read(sheet, places, head, results, form) for sheet, (places, head), _ in found]


def _called(book: Any, form: Form) -> list[str]:
    return [name for name in book.sheetnames if name.lower().startswith(form.sheet)]


def _has_headings(data: bytes, form: Form) -> bool:
    """Whether the top of a sheet has headings of the form: looked up before the whole workbook is built in memory."""
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    for sheet in (book[name] for name in _called(book, form)):
        if not hasattr(sheet, "reset_dimensions"):
            continue
        sheet.reset_dimensions()
        if any(_is_head(_ours(row, form), form) for row in sheet.iter_rows(max_row=TOP_ROWS)):
            return True
    return False


def _ours(cells: Any, form: Form) -> list[tuple[str, int]]:
    """Our columns that the cells of a row are headings of, and where."""
    wanted = {plain(title): name for name, title in form.titles.items()}
    said = [(plain(str(cell.value)), cell.column) for cell in cells if cell.value is not None]
    return [(wanted[title], column) for title, column in said if title in wanted]


def _is_head(names: list[tuple[str, int]], form: Form) -> bool:
    return len(names) >= FEWEST_HEADINGS and bool({name for name, _ in names} & set(form.filled))


def _names_one(data: bytes, sheet: str) -> bool:
    """Whether a workbook has a sheet that is called so, from its list of sheets alone."""
    called = re.compile(rf"""name\s*=\s*["']{sheet}""", re.IGNORECASE)
    if data[:2] != b"PK":
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_BYTES:
                return False
            names = [name for name in parts.namelist() if _WORKBOOK.fullmatch(name)]
            return any(called.search(_top(parts, name).decode("utf-8", "replace")) for name in names)
    except (*BROKEN_ZIP, KeyError, OSError):
        return False


def _top(parts: zipfile.ZipFile, name: str) -> bytes:
    with parts.open(name) as part:
        return part.read(_LIST_BYTES)


def _found(sheet: Any, form: Form) -> tuple[Any, tuple[dict[str, int], int], bool] | None:
    """The sheet with the places of our headings and their row, and whether a cell below holds a formula."""
    if not hasattr(sheet, "iter_rows"):
        return None
    for cells in sheet.iter_rows(max_row=TOP_ROWS):
        names = _ours(cells, form)
        if not _is_head(names, form):
            continue
        places, head = dict(names), cells[0].row
        _check_headings([name for name, _ in names], form, sheet.title)
        below = sheet.iter_rows(min_row=head + 1)
        return sheet, (places, head), any(cell.data_type == "f" for row in below for cell in row)
    return None


def _check_headings(names: list[str], form: Form, called: str) -> None:
    lacking = [title for name, title in form.titles.items() if name not in (*names, *SINCE)]
    twice = [title for name, title in form.titles.items() if names.count(name) > 1]
    if lacking:
        raise SourceError(
            f"The sheet {called!r} lacks the columns {listed(lacking)}. Nothing of it was read; fill in the "
            "sheet as it was exported."
        )
    if twice:
        raise SourceError(
            f"The sheet {called!r} has the columns {listed(twice)} twice. Nothing of it was read; remove the copies."
        )


def _results(data: bytes) -> dict[str, Any]:
    """The same sheets with what their formulas came to when the workbook was last saved."""
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    return {name: book[name] for name in book.sheetnames}


def _read(sheet: Any, places: Mapping[str, int], head: int, results: Mapping[str, Any], form: Form) -> Sheet:
    merged = _merged(sheet, places, head)
    rows = []
    for number in range(head + 1, sheet.max_row + 1):
        values = {
            name: merged.get((number, place)) or _value(sheet.cell(number, place), results.get(sheet.title))
            for name, place in places.items()
        }
        values = dict.fromkeys(set(SINCE) & set(form.titles)) | values
        if not all(is_blank(values[name]) for name in form.titles):
            rows.append({"row": number, **values})
    return Sheet(sheet.title, tuple(rows), _others(sheet, places, head), form)


def _value(cell: Any, results: Any) -> Any:
    if cell.data_type == "e":
        return Unusable(str(cell.value), "error", "the spreadsheet shows an error there; type the value")
    if cell.data_type != "f":
        return cell.value
    result = results[cell.coordinate] if results is not None else None
    if result is None or result.value is None or result.data_type == "e":
        text = cell.value if isinstance(cell.value, str) else "a formula"
        return Unusable(text, "formula", "it holds a formula without a result; type the value")
    return result.value


def _merged(sheet: Any, places: Mapping[str, int], head: int) -> dict[tuple[int, int], Unusable]:
    """The cells of our columns that were merged with others and show something."""
    ours, found = set(places.values()), {}
    for area in sheet.merged_cells.ranges:
        shown = sheet.cell(area.min_row, area.min_col).value
        if area.max_row <= head or is_blank(shown):
            continue
        for row in range(max(area.min_row, head + 1), area.max_row + 1):
            for column in ours & set(range(area.min_col, area.max_col + 1)):
                found[row, column] = Unusable(
                    str(shown), "merged", "the cell is merged with others; unmerge it and fill in each row"
                )
    return found


def _others(sheet: Any, places: Mapping[str, int], head: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for cells in sheet.iter_cols(min_row=head):
        if cells[0].column not in places.values() and any(not is_blank(cell.value) for cell in cells[1:]):
            found[get_column_letter(cells[0].column)] = "" if cells[0].value is None else str(cells[0].value).strip()
    return found


def what_instead(data: bytes) -> str:
    """What a file that holds no worklist looks like, and what to do.

    >>> what_instead(b"Claim,Action taken")
    'It looks like text or CSV: fill in the workbook itself and save it as XLSX'
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return "It is an old workbook (XLS) or one with a password: save it as XLSX without a password"
    if data[:2] != b"PK":
        return "It looks like text or CSV: fill in the workbook itself and save it as XLSX"
    kinds = {part for part in ("mimetype", "xl/workbook.xml") if _has(data, part)}
    if kinds == {"mimetype"}:
        return "It is an OpenDocument file: save it as XLSX"
    return (
        f"No sheet of it is called {SHEET.capitalize()!r} and has the headings: give the sheet its name again, or "
        "export the list anew"
    )


def _has(data: bytes, part: str) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            return part in parts.namelist()
    except (*BROKEN_ZIP, OSError):
        return False
