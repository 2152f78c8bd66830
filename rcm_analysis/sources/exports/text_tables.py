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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

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

MOST_ROWS = 1 << 32
"""Of files read together, the rows of each are numbered from the next multiple of this."""
FILE = (pl.col("row") // MOST_ROWS).alias("file")
"""Which of the files read together a row is from."""
LARGE = 1 << 20
"""Of a file of so many bytes, columns hold each different text once: most work is then done once a text."""
_OPENING_BYTES = 1 << 18
_OURS = "\x1efile\x1e"
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
    """All records below the header: columns "0", "1", ... as text and `row`; ragged ones apart.

    Where `once` holds the different texts of a column, `rows` has "code 1" in place of "1": which of them a row says.
    """

    rows: pl.DataFrame
    ragged: pl.DataFrame
    once: Mapping[str, pl.Series] = field(default_factory=dict)

    def spelled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with all their texts."""
        return rows.with_columns(texts.gather(rows[code(place)]).alias(place) for place, texts in self.once.items())


def code(place: str) -> str:
    """The column that says which of the different texts of a place a row holds."""
    return f"code {place}"


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
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in _LINE.finditer(text):
            end = line.end()
            yield line[0]

    try:
        for cells in csv.reader(lines(), delimiter=delimiter):
            yield cells, end
    except csv.Error:  # a field longer than any header: what follows is no header
        return


def below_header(sheet: Sheet, header_row: int, width: int) -> TextTable:
    """The records of a sheet below its header row."""
    cells = sheet.cells.select(str(position) for position in range(width))
    cells = cells.with_row_index("row", 1).with_columns(pl.col("row").cast(pl.Int64)).slice(header_row)
    return _without_blanks(TextTable(cells, pl.DataFrame(schema=_RAGGED)))


def read_csv(
    path: Path, delimiter: str, encodings: Sequence[str], header_row: int, width: int, once: Collection[int] = ()
) -> TextTable:
    """The records of a CSV file below its header row; of a large one, the columns `once` with each text once.

    Counts
        A record with too many or too few fields is ragged; one with empty fields too many is not.
        A ragged record of several lines is read again line by line, so that a stray quote spoils
        its own line only.

    Raises
        SourceError when no encoding fits the whole file.
    """
    body = _body(path, delimiter, encodings, header_row)
    if not body.size:
        return TextTable(_frame([], width), pl.DataFrame(schema=_RAGGED))
    table, wrong = _arrow(path, body, delimiter, _types(body, width, once))
    return _numbered(_coded(table), wrong, delimiter, header_row, width)


def read_csvs(
    paths: Sequence[Path], delimiter: str, encodings: Sequence[str], header_row: int, width: int, once: Collection[int]
) -> TextTable | None:
    """The records of several CSV files in one go, those of each file numbered from `MOST_ROWS` times its place;
    nothing where a record is ragged, or one quote may reach from a file into the next.

    Before the records of each file stands one of our own: where a quote is open, it is not found again.
    """
    parts = []
    for path in paths:
        body = _body(path, delimiter, encodings, header_row).to_pybytes()
        parts += [_OURS, delimiter * (width - 1), "\n", body, b"" if body.endswith((b"\n", b"\r")) else b"\n"]
    whole = pa.py_buffer(b"".join(part.encode() if isinstance(part, str) else part for part in parts))
    table, wrong = _arrow(paths[0], whole, delimiter, _types(whole, width, once))
    texts = _coded(table)
    first = texts.once.get("0")
    is_ours = texts.rows["0"] == _OURS if first is None else (first == _OURS).gather(texts.rows[code("0")])
    starts = is_ours.arg_true().to_numpy().astype(np.int64)
    if wrong or len(starts) != len(paths):
        return None
    numbers = np.arange(texts.rows.height) + np.repeat(
        np.arange(len(paths)) * MOST_ROWS - starts + header_row, np.diff(starts, append=texts.rows.height)
    )
    rows = texts.rows.with_columns(pl.Series("row", numbers, dtype=pl.Int64)).filter(~is_ours)
    return _without_blanks(replace(texts, rows=rows))


def _body(path: Path, delimiter: str, encodings: Sequence[str], header_row: int) -> pa.Buffer:
    """What stands below the header, in UTF-8."""
    data = _utf8(path, encodings)
    start = data.slice(0, min(_OPENING_BYTES, data.size)).to_pybytes().decode("utf-8", "ignore")
    end = next(itertools.islice((end for _, end in _records(start, delimiter)), header_row - 1, None))
    return data.slice(len(start[:end].encode()))


def _types(body: pa.Buffer, width: int, once: Collection[int]) -> dict[str, pa.DataType]:
    names = [str(position) for position in range(width)]
    coded = [name for place, name in enumerate(names) if place in once and body.size >= LARGE]
    return {**dict.fromkeys(names, pa.string()), **dict.fromkeys(coded, pa.dictionary(pa.int32(), pa.string()))}


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
                if data.size and np.frombuffer(data, np.uint8).max() > 127:
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


def _arrow(
    path: Path, body: pa.Buffer, delimiter: str, types: dict[str, pa.DataType]
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The records as wide as the header, and number and text of the others."""
    # A quote that is never closed makes one record of the rest of the file: larger blocks hold it.
    for block in (1 << 22, 1 << 28, (1 << 31) - 1):
        wrong: list[tuple[int, str]] = []
        try:
            return _parsed(body, delimiter, types, min(block, body.size + 1), wrong), wrong
        except pa.ArrowInvalid:
            if block > body.size:
                break
    raise SourceError(
        f"{path.name} cannot be split into rows of {len(types)} fields; it is damaged. Ask for the export again."
    )


def _coded(table: pa.Table) -> TextTable:
    columns, once = [], {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            whole = column.unify_dictionaries().combine_chunks()
            whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
            once[name] = pl.Series(name, whole.dictionary)
            columns.append(pl.Series(code(name), whole.indices, dtype=pl.UInt32))
        else:
            columns.append(pl.Series(name, column))
    return TextTable(pl.DataFrame(columns), pl.DataFrame(schema=_RAGGED), once)


def _parsed(
    body: pa.Buffer, delimiter: str, types: dict[str, pa.DataType], block: int, wrong: list[tuple[int, str]]
) -> pa.Table:
    def keep(row: pa.csv.InvalidRow) -> str:
        wrong.append((row.number, row.text))
        return "skip"

    return pa.csv.read_csv(
        pa.BufferReader(body),
        pa.csv.ReadOptions(use_threads=False, block_size=block, column_names=list(types)),
        pa.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=keep
        ),
        pa.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        memory_pool=pa.system_memory_pool(),  # gives memory back to itself: half the page faults of the default
    )


def _numbered(texts: TextTable, wrong: list[tuple[int, str]], delimiter: str, header_row: int, width: int) -> TextTable:
    """Give every record its number in the file, and mend what only a stray quote broke."""
    numbers = np.arange(1, texts.rows.height + len(wrong) + 1)
    numbers = np.delete(numbers, [number - 1 for number, _ in wrong]) if wrong else numbers
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
    numbers = numbers + header_row + (np.searchsorted(np.array(longer), numbers) if longer else 0)
    texts = replace(
        texts,
        rows=texts.rows.with_columns(pl.Series("row", numbers, dtype=pl.Int64)),
        ragged=pl.DataFrame(ragged, schema=_RAGGED, orient="row"),
    )
    if mended:
        rows = texts.spelled(texts.rows).select(list(_schema(width)))
        texts = TextTable(pl.concat([rows, _frame(mended, width)]).sort("row"), texts.ragged)
    return _without_blanks(texts)


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
    return pl.DataFrame(records, schema=_schema(width), orient="row")


def _schema(width: int) -> dict[str, Any]:
    return {**{str(position): pl.String for position in range(width)}, "row": pl.Int64}


def _without_blanks(texts: TextTable) -> TextTable:
    """Records that hold some text. The first column decides for nearly all of them."""
    rows, first = texts.rows, texts.once.get("0")
    empty = (rows["0"] if first is None else first).fill_null("").str.strip_chars() == ""
    doubtful = texts.spelled(rows.filter(empty if first is None else empty.gather(rows[code("0")])))
    names = [name for name in doubtful.columns if name.isdecimal()]
    blank = doubtful.filter(pl.all_horizontal(pl.col(names).fill_null("").str.strip_chars() == ""))["row"]
    return replace(texts, rows=rows.filter(~pl.col("row").is_in(blank.implode()))) if blank.len() else texts
