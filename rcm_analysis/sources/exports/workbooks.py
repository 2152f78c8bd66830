"""Excel workbooks: the text of every cell, and what a sheet shows or hides beside it.

The values come from calamine. What it leaves out is read from the XML of an .xlsx file: the calendar
of 1904, number formats that show 777 as 000777, formulas whose results were never saved, errors in
place of values, numbers too long for a spreadsheet, merged cells and hidden rows. Older formats
(.xls, .xlsb) give values and hidden sheets only.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import fastexcel
import polars as pl

from ...errors import SourceError, listed
from .text_tables import DAY_ZERO, MARKS, OPENING, Opening, Sheet

LONGEST = 10**15
"""A spreadsheet keeps 15 digits of a number; an id from here on has lost its last ones."""

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,  # a way of packing that nobody uses
    RuntimeError,  # a part with a password
    UnicodeDecodeError,
    ElementTree.ParseError,
)
"""What reading the parts of a damaged or odd workbook ends in."""
MOST_UNPACKED = 4_000_000_000

_CELL = re.compile(rb"<(?:\w+:)?c(?=[\s>/])([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]+)(\d+):[A-Z]+(\d+)"')
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]+)<")
_IS_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def workbook_openings(path: Path) -> list[Opening]:
    """The first records of every sheet that holds a row.

    Raises
        SourceError when the file is no workbook that can be opened, or has no row.
    """
    book = _workbook(path)
    found = []
    try:
        inside = _Inside.of(path)
        for name in book.sheet_names:
            sheet = _sheet(book, path, name, inside)
            records = tuple(tuple(cell or "" for cell in row) for row in sheet.cells.head(OPENING).rows())
            if any(any(record) for record in records):
                found.append(Opening(records, sheet=sheet))
    except BROKEN_ZIP as error:
        raise SourceError(
            f"{path.name} is damaged inside ({type(error).__name__}). Open it and save it again, or ask for it again."
        ) from error
    if not found:
        raise SourceError(f"{path.name} is empty: none of its sheets ({listed(book.sheet_names)}) holds a row.")
    return found


def _workbook(path: Path) -> fastexcel.ExcelReader:
    with contextlib.suppress(*BROKEN_ZIP), zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > MOST_UNPACKED:
            raise SourceError(
                f"{path.name} unpacks to {size // 10**6:,} MB, more than the {MOST_UNPACKED // 10**6:,} that are read: "
                "it is damaged or made to do harm. Deliver the table as CSV, or in smaller workbooks."
            )
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise SourceError(
            f"{path.name} is no Excel workbook that can be opened: damaged, cut off, protected by a password, or "
            "another kind of file. Open it, save it as CSV or XLSX without a password, and deliver it again."
        ) from error


def _sheet(book: fastexcel.ExcelReader, path: Path, name: str, inside: _Inside | None) -> Sheet:
    try:
        loaded = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
        cells = pl.DataFrame(loaded)
    except fastexcel.FastExcelError as error:
        raise SourceError(
            f"{path.name}: sheet {name!r} cannot be read; the workbook is damaged. Ask for it again."
        ) from error
    cells = cells.rename({name: str(position) for position, name in enumerate(cells.columns)})
    is_hidden = loaded.visible != "visible"
    return inside.described(Sheet(name, cells, is_hidden)) if inside else Sheet(name, cells, is_hidden)


# --- inside an .xlsx file --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Inside:
    """The parts of an .xlsx file that say how its cells are shown."""

    path: Path
    parts: dict[str, str]
    formats: dict[bytes, str]
    day_zero: dt.date

    @classmethod
    def of(cls, path: Path) -> _Inside | None:
        """Nothing where the file is another kind of workbook, or its parts cannot be followed."""
        try:
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
                if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
                    return None
                book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
                links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
                styles = archive.read("xl/styles.xml") if "xl/styles.xml" in names else b"<styleSheet/>"
        except (*BROKEN_ZIP, OSError):
            return None
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        sheets = {one.get("name", ""): targets.get(one.get(_RELATION), "") for one in _named(book, "sheet")}
        parts = {
            name: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for name, target in sheets.items()
        }
        is_1904 = any(one.get("date1904") in ("1", "true") for one in _named(book, "workbookPr"))
        return cls(path, parts, _formats(styles), dt.date(1904, 1, 1) if is_1904 else DAY_ZERO)

    def described(self, sheet: Sheet) -> Sheet:
        """The sheet with its marks, merged cells and hidden rows."""
        plain = Sheet(sheet.name, sheet.cells, sheet.is_hidden, day_zero=self.day_zero)
        with zipfile.ZipFile(self.path) as archive:
            part = self.parts.get(sheet.name, "")
            if part not in archive.namelist() or not (_is_long(sheet.cells) or self._tells(archive, part)):
                return plain
            xml = archive.read(part)
        hidden = (dict(_ATTRIBUTE.findall(row)) for row in _ROW.findall(xml) if b'hidden="' in row)
        rows = tuple(int(row[b"r"]) for row in hidden if row[b"hidden"] in (b"1", b"true") and b"r" in row)
        merges = [(_place(column), int(first), int(last)) for column, first, last in _MERGE.findall(xml)]
        merges = [merge for merge in merges if merge[2] > merge[1]]
        marks, first = self._marks(xml)
        frame = pl.DataFrame(marks, schema=MARKS, orient="row").with_columns(pl.col("place") - first)
        merged = tuple((place - first, top, bottom) for place, top, bottom in merges)
        return Sheet(sheet.name, sheet.cells, sheet.is_hidden, frame, merged, rows, self.day_zero)

    def _tells(self, archive: zipfile.ZipFile, part: str) -> bool:
        """True where the XML may hold more than values: looked through as it is unpacked, most sheets hold nothing."""
        telling = (b'hidden="', b"mergeCell", b't="e"', b"<f", b":f", *(b's="%b"' % style for style in self.formats))
        with archive.open(part) as xml:
            before = b""
            while chunk := xml.read(1 << 20):
                if any(mark in chunk or mark in before + chunk[:32] for mark in telling):
                    return True
                before = chunk[-32:]
        return False

    def _marks(self, xml: bytes) -> tuple[list[tuple[int, int, str, str | None]], int]:
        """Every remarkable cell, and the first column that holds a value: the values start there."""
        marks, first = [], None
        for words, content in _CELL.findall(xml):
            cell = dict(_ATTRIBUTE.findall(words))
            place, row = _address(cell.get(b"r", b""))
            value = _VALUE.search(content)
            if place is None:
                continue
            if value or b"<is" in content:
                first = place if first is None else min(first, place)
            for mark, text in self._remarks(cell, content, value[1] if value else None):
                marks.append((row, place, mark, text))
        return marks, first or 0

    def _remarks(
        self, cell: dict[bytes, bytes], content: bytes, value: bytes | None
    ) -> Iterator[tuple[str, str | None]]:
        kind = cell.get(b"t", b"n")
        if kind == b"e":
            yield "error", None
        elif value is None and _IS_FORMULA.search(content):
            yield "formula", None
        elif value is not None and kind == b"n":
            number = float(value)
            if abs(number) >= LONGEST:
                yield "digits", None
            text = shown(number, self.formats.get(cell.get(b"s", b""), ""))
            if text is not None:
                yield "shown", text


def _is_long(cells: pl.DataFrame) -> bool:
    """True where a cell may be a number of so many digits that a spreadsheet has lost some."""
    return any(text.filter(text.str.len_bytes() > 15).str.contains(r"^-?\d{16}").any() for text in cells)


def _named(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in tree.iter() if one.tag.rpartition("}")[2] == name]


def _formats(styles: bytes) -> dict[bytes, str]:
    """Number formats by the number of the cell style, only those that show an id otherwise than plain."""
    tree = ElementTree.fromstring(styles)
    own = {one.get("numFmtId", ""): one.get("formatCode", "") for one in _named(tree, "numFmt")}
    cell_styles: list[ElementTree.Element] = list(next(iter(_named(tree, "cellXfs")), []))
    codes = {str(number).encode(): own.get(style.get("numFmtId", ""), "") for number, style in enumerate(cell_styles)}
    return {number: code for number, code in codes.items() if shown(7, code) not in (None, "7")}


def shown(number: float, code: str) -> str | None:
    """A whole number as its format shows it; nothing where the format shows no id: days, amounts, shares.

    >>> shown(777, "000000"), shown(777, '"AB-"0000'), shown(1234, "00-0000"), shown(777, "#,##0.00")
    ('000777', 'AB-0777', '00-1234', None)
    """
    section = re.sub(r"\[.*?\]|_.|\*.", "", code.split(";")[0])
    parts = re.findall(r'"([^"]*)"|\\(.)|([0#?])|(.)', section)
    slots = [place for place, (*_, slot, _) in enumerate(parts) if slot]
    strange = any(other and other not in "-/():#+ " for *_, other in parts)
    if not slots or strange or number < 0 or number != int(number):
        return None
    zeros = [place for place in slots if parts[place][2] == "0"]
    digits, out = str(int(number)), ""
    for place in reversed(range(len(parts))):
        quoted, escaped, slot, other = parts[place]
        if not slot:
            out = quoted + escaped + other + out
        elif place == slots[0]:
            out = (digits or ("0" if place in zeros else "")) + out
        else:
            digits, last = digits[:-1], digits[-1:] or ("0" if zeros and place >= zeros[0] else "")
            out = last + out
    return out


def _address(reference: bytes) -> tuple[int | None, int]:
    match = re.fullmatch(rb"([A-Z]+)(\d+)", reference)
    return (_place(match[1]), int(match[2])) if match else (None, 0)


def _place(column: bytes) -> int:
    """A column's letters as its position from 0."""
    place = 0
    for letter in column:
        place = 26 * place + letter - 64
    return place - 1
