"""CSV and XLSX files as tables of text: every record kept, with its number, nothing guessed.

Record numbers count from 1 at the top of the file, as a spreadsheet shows them. A record that does
not have the header's number of fields comes back apart; a record without any text is no record.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv

from ...errors import SourceError, listed

OPENING = 20
"""The header stands within the first records of a file, this many at most."""
TOTAL = r"(?i)^\W*(?:grand\s*|sub\W*|report\s*|page\s*|batch\s*|column\s*)?totals?\b"
"""A cell that opens a total line."""

CALENDAR = "BEGIN:VCALENDAR"
MARKS = {"row": pl.Int64, "place": pl.Int64, "mark": pl.String, "text": pl.String}
DAY_ZERO = dt.date(1899, 12, 30)
"""The day from which Excel counts, but for workbooks of 1904."""

_OPENING_BYTES = 1 << 18
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_RAGGED = {"row": pl.Int64, "rule": pl.String, "message": pl.String, "amount": pl.String}
_AMOUNT = re.compile(r"[-($ ]*[\d.,]*\d[.,]\d\d[-) ]*")


@dataclass(frozen=True)
class Sheet:
    """One sheet: its cells as text by place ("0", "1", ...), and what the values do not say.

    `marks` has one row per remarkable cell: `shown` (a number as its format shows it), `formula` (no
    saved result), `error` (such as #REF!) and `digits` (a number of 16 digits or more). `merged` are
    cells merged downward: place, first and last row.
    """

    name: str
    cells: pl.DataFrame
    is_hidden: bool = False
    marks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MARKS))
    merged: tuple[tuple[int, int, int], ...] = ()
    hidden_rows: tuple[int, ...] = ()
    day_zero: dt.date = DAY_ZERO


@dataclass(frozen=True)
class Opening:
    """The first records of a CSV file under one delimiter, or of one sheet of a workbook."""

    records: tuple[tuple[str, ...], ...]
    sheet: Sheet | None = None
    delimiter: str | None = None

    @property
    def title(self) -> str:
        """The name of the sheet; empty for a text file."""
        return self.sheet.name if self.sheet else ""


@dataclass(frozen=True)
class TextTable:
    """All records below the header: columns "0", "1", ... as text and `row`; ragged ones apart."""

    rows: pl.DataFrame
    ragged: pl.DataFrame


def is_workbook(path: Path) -> bool:
    """True for an Excel file, by its first bytes: a zip with a workbook in it, or the older format."""
    with path.open("rb") as file:
        start = file.read(8)
    return start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))


def openings(path: Path, delimiters: Sequence[str]) -> list[Opening]:
    """Every way in which the top of a text file can be read as records."""
    try:
        with path.open("rb") as file:
            start = file.read(_OPENING_BYTES)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}.") from error
    if not start.strip():
        raise SourceError(f"{path.name} is empty: expected a header row and rows of text. Ask for the file again.")
    if not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" in start:
        raise SourceError(
            f"{path.name} is neither a text file nor an Excel workbook: it holds binary data. Export it as CSV or XLSX."
        )
    text = _decoded(start)
    if text.lstrip().startswith(CALENDAR):
        return [_calendar(path)]
    return [
        Opening(
            tuple(tuple(cells) for cells, _ in itertools.islice(_records(text, delimiter), OPENING)),
            delimiter=delimiter,
        )
        for delimiter in delimiters
    ]


def _calendar(path: Path) -> Opening:
    """A calendar export as the sheet of a workbook."""
    from .calendars import calendar_rows

    rows = calendar_rows(path)
    cells = pl.DataFrame(rows, schema={str(place): pl.String for place in range(len(rows[0]))}, orient="row")
    return Opening(tuple(rows[:OPENING]), sheet=Sheet("calendar", cells))


def _decoded(start: bytes) -> str:
    """The top of a file for finding the header only; headers are ASCII in practice."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return start.decode("utf-16", "replace").lstrip("\ufeff")
    return start.decode("utf-8", "replace").lstrip("\ufeff")


def _records(text: str, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """Each record with the position in `text` at which it ends."""
    ends = list(itertools.accumulate(len(line) for line in _LINE.findall(text)))
    reader = csv.reader(iter(_LINE.findall(text)), delimiter=delimiter)
    try:
        for cells in reader:
            yield cells, ends[reader.line_num - 1]
    except csv.Error:  # a field longer than any header: what follows is no header
        return


def below_header(sheet: Sheet, header_row: int, width: int) -> TextTable:
    """The records of a sheet below its header row."""
    cells = sheet.cells.select(str(position) for position in range(width))
    cells = cells.with_row_index("row", 1).with_columns(pl.col("row").cast(pl.Int64)).slice(header_row)
    return TextTable(_without_blanks(cells), pl.DataFrame(schema=_RAGGED))


def read_csv(path: Path, delimiter: str, encodings: Sequence[str], header_row: int, width: int) -> TextTable:
    """The records of a CSV file below its header row.

    Counts
        A record with too many or too few fields is ragged; one with empty fields too many is not.
        A ragged record of several lines is read again line by line, so that a stray quote spoils
        its own line only.

    Raises
        SourceError when no encoding fits the whole file.
    """
    data = _utf8(path, encodings)
    start = data.slice(0, min(_OPENING_BYTES, data.size)).to_pybytes().decode("utf-8", "ignore")
    end = next(itertools.islice((end for _, end in _records(start, delimiter)), header_row - 1, None))
    body = data.slice(len(start[:end].encode()))
    if not body.size:
        return TextTable(_frame([], width), pl.DataFrame(schema=_RAGGED))
    table, wrong = _arrow(path, body, delimiter, width)
    return _numbered(table, wrong, delimiter, header_row, width)


def _utf8(path: Path, encodings: Sequence[str]) -> pa.Buffer:
    """The file's text in UTF-8 and without a byte order mark."""
    with pa.memory_map(str(path)) as file:
        data = file.read_buffer()
    start = data.slice(0, min(3, data.size)).to_pybytes()
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    elif start == codecs.BOM_UTF8:
        data, encodings = data.slice(3), ("utf-8",)
    for encoding in encodings:
        try:
            if codecs.lookup(encoding).name == "utf-8":
                decoder = codecs.getincrementaldecoder(encoding)()
                for offset in range(0, data.size, 1 << 24):
                    decoder.decode(data.slice(offset, min(1 << 24, data.size - offset)).to_pybytes())
                decoder.decode(b"", final=True)
                return data
            return pa.py_buffer(data.to_pybytes().decode(encoding).encode("utf-8"))
        except UnicodeDecodeError:
            continue
    raise SourceError(
        f"{path.name} is not written in any encoding of its column map ({listed(encodings)}). "
        "Save it as UTF-8, or name its encoding under encodings in the map."
    )


def _arrow(path: Path, body: pa.Buffer, delimiter: str, width: int) -> tuple[pl.DataFrame, list[tuple[int, str]]]:
    """The records as wide as the header, and number and text of the others."""
    # A quote that is never closed makes one record of the rest of the file: larger blocks hold it.
    for block in (1 << 22, 1 << 28, (1 << 31) - 1):
        wrong: list[tuple[int, str]] = []
        try:
            return pl.DataFrame(_parsed(body, delimiter, width, min(block, body.size + 1), wrong)), wrong
        except pa.ArrowInvalid:
            if block > body.size:
                break
    raise SourceError(
        f"{path.name} cannot be split into rows of {width} fields; it is damaged. Ask for the export again."
    )


def _parsed(body: pa.Buffer, delimiter: str, width: int, block: int, wrong: list[tuple[int, str]]) -> pa.Table:
    def keep(row: pa.csv.InvalidRow) -> str:
        wrong.append((row.number, row.text))
        return "skip"

    names = [str(position) for position in range(width)]
    return pa.csv.read_csv(
        pa.BufferReader(body),
        pa.csv.ReadOptions(use_threads=False, block_size=block, column_names=names),
        pa.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep
        ),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )


def _numbered(
    table: pl.DataFrame, wrong: list[tuple[int, str]], delimiter: str, header_row: int, width: int
) -> TextTable:
    """Give every record its number in the file, and mend what only a stray quote broke."""
    numbers = np.setdiff1d(
        np.arange(1, table.height + len(wrong) + 1), [number for number, _ in wrong], assume_unique=True
    )
    mended, ragged = [], []
    longer: list = []
    for number, text in wrong:
        lines = _lines(text, delimiter, width)
        for row, line in enumerate(lines, number + header_row + len(longer)):
            cells = _fields(line, delimiter, width)
            if len(cells) == width:
                mended.append([*cells, row])
            elif line.strip(delimiter + ' \t"'):
                ragged.append(_ragged(row, line, cells, width))
        longer += [number] * (len(lines) - 1)
    numbers = numbers + header_row + np.searchsorted(np.array(longer, dtype=np.int64), numbers)
    table = table.with_columns(pl.Series("row", numbers, dtype=pl.Int64))
    if mended:
        table = pl.concat([table, _frame(mended, width)]).sort("row")
    return TextTable(_without_blanks(table), pl.DataFrame(ragged, schema=_RAGGED, orient="row"))


def _lines(text: str, delimiter: str, width: int) -> list[str]:
    """The lines of a broken record where one of them is a whole row: a stray quote swallowed it."""
    lines = text.splitlines()
    whole = any(line.count('"') % 2 == 0 and len(_fields(line, delimiter, width)) == width for line in lines)
    return lines if len(lines) > 1 and whole else [text]


def _fields(line: str, delimiter: str, width: int) -> list[str]:
    """The fields of one line; empty ones beyond the header's width do not count."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    return cells


def _ragged(row: int, line: str, cells: list[str], width: int) -> tuple[int, str, str, str | None]:
    """What is said of a ragged record; its amount is the one field with two decimals."""
    if re.match(TOTAL, line):
        return row, "total_line", "a total line, not a row of data", None
    amounts = [cell.strip() for cell in cells if _AMOUNT.fullmatch(cell.strip())]
    amount = amounts[0] if len(amounts) == 1 else None
    return row, "fields", f"{len(cells)} fields where the header has {width}", amount


def _frame(records: list[list], width: int) -> pl.DataFrame:
    schema = {**{str(position): pl.String for position in range(width)}, "row": pl.Int64}
    return pl.DataFrame(records, schema=schema, orient="row")


def _without_blanks(table: pl.DataFrame) -> pl.DataFrame:
    """Records that hold some text. The first column decides for nearly all of them."""
    empty = [pl.col(name).fill_null("").str.strip_chars() == "" for name in table.columns if name != "row"]
    doubtful = table.filter(empty[0])
    blank = doubtful.filter(pl.all_horizontal(empty))["row"]
    return table.filter(~pl.col("row").is_in(blank.implode())) if blank.len() else table
