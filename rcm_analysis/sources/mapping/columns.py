"""What the columns of one unknown file hold: its header row, and for each column what its values can be read as."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ...errors import SourceError
from ..exports.column_maps import DELIMITERS
from ..exports.strangers import refuse_strangers
from ..exports.text_tables import TOTAL, Opening, below_header, is_workbook, openings, read_csv
from ..exports.values import SERIAL, cents, cleaned, day, is_residue
from ..exports.workbooks import workbook_openings
from ..processes import limited
from .headings import ages_of, words_of

DATE_FORMATS = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
)
SERIAL_YEARS = (dt.date(2000, 1, 1), dt.date(2049, 12, 31))
"""Between these days a number under a heading of dates is a day as a spreadsheet counts it."""
NEARLY_ALL = 0.98
"""So much of a column's filled cells must read as a kind."""
MOST_ROWS = 200_000
EMPTY = ("n/a", "na", "null", "none", "-", "--")


@dataclass(frozen=True)
class Held:
    """What one column holds: its heading, how full it is, and what its cells can be read as."""

    place: int
    heading: str
    filled: int
    distinct: int
    is_money: bool
    has_decimals: bool
    formats: tuple[str, ...]
    is_iso: bool
    words: tuple[str, ...]
    """Its different values in lower case, where they are few: codes, never names."""

    @property
    def is_date(self) -> bool:
        return bool(self.formats) or self.is_iso


@dataclass(frozen=True)
class Unknown:
    """One file without a map: where its header row is, its cells as text, and what each column holds."""

    path: Path
    sheet: str | None
    delimiter: str | None
    header_row: int
    header: tuple[str, ...]
    rows: pl.DataFrame
    columns: tuple[Held, ...]
    decimal: str
    empty: tuple[str, ...]
    above: frozenset[str] = frozenset()
    """The order of day and month in the dates above the header (a report's title), where they show it."""


def look_at(path: Path) -> Unknown:
    """The columns of a file whose layout nobody has described.

    Raises
        SourceError where the file is no table, or no row of its first ones looks like a header.
    """
    refuse_strangers(path)
    tops = limited(workbook_openings, path) if is_workbook(path) else openings(path, DELIMITERS)
    score, top, record = max(
        ((_header_score(cells), top, number) for top in tops for number, cells in enumerate(top.records)),
        key=lambda found: found[0],
        default=(0, None, 0),
    )
    if top is None or score < 3:
        raise SourceError(
            f"{path.name}: no header row stands in its first rows: a row of at least three headings, such as Claim, "
            "Date and Amount. Ask for the export with its headings, or write the map by hand (docs/your_data.md)."
        )
    header = tuple(cell.strip() for cell in top.records[record])
    if _continues(top.records, record):
        record += 1
        below = (*top.records[record], *[""] * len(header))
        header = tuple(" ".join(filter(None, (cell, more.strip()))) for cell, more in zip(header, below, strict=False))
    rows = _rows(path, top, record, len(header))
    decimal = _decimal(rows)
    empty = tuple(word for word in EMPTY if _holds(rows, word))
    columns = tuple(_held(rows, place, heading, decimal, empty, top) for place, heading in enumerate(header) if heading)
    above = _orders_above(top.records[:record])
    return Unknown(
        path,
        top.title if len(tops) > 1 and top.title else None,
        top.delimiter,
        record + 1,
        header,
        rows,
        columns,
        decimal,
        empty,
        above,
    )


def _orders_above(records: Sequence[tuple[str, ...]]) -> frozenset[str]:
    found = re.findall(r"\b(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d\d)\b", " ".join(map(" ".join, records)))
    orders = {"day-first" for first, second in found if int(first) > 12 >= int(second)}
    return frozenset(orders | {"month-first" for first, second in found if int(second) > 12 >= int(first)})


def _header_score(cells: tuple[str, ...]) -> float:
    """How much a record looks like headings: different short texts without digits at their start, known words first."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    if len(texts) < 3 or len(set(texts)) < len(texts):
        return 0
    ages = ages_of(texts)
    named = [
        text for text in texts if text in ages or (not text[0].isdigit() and text[0] not in "$-(" and len(text) < 60)
    ]
    if len(named) < len(texts):
        return 0
    known = sum(text in ages or bool(words_of(text) & KNOWN) for text in texts)
    return known + len(texts) / 1000


_KNOWN = """account adjustment allowed amount balance category charge check claim code control copay credit date debit
deposit deposits due group kind location modifier number outstanding party patient payer payment posting procedure
provider reason reference responsibility service status transaction type units visit withdrawals cr dr details"""
KNOWN = frozenset(_KNOWN.split())


def _continues(records: Sequence[tuple[str, ...]], record: int) -> bool:
    """True where the record below the header goes on with it: words of headings, and nothing else."""
    below = [cell.strip() for cell in records[record + 1]] if record + 1 < len(records) else []
    filled = [cell for cell in below if cell]
    return bool(filled) and all(words_of(cell) <= KNOWN and cell[0].isalpha() for cell in filled)


def _rows(path: Path, top: Opening, record: int, width: int) -> pl.DataFrame:
    if top.sheet is not None:
        found = below_header(top.sheet, record + 1, width)
    else:
        found = read_csv(path, top.delimiter or ",", ("utf-8", "cp1252"), record + 1, width)
    rows = found.rows.head(MOST_ROWS)
    names = [name for name in rows.columns if name != "row"]
    opens = pl.any_horizontal(pl.col(name).str.contains(f"{TOTAL}|{_NO_ROW}") for name in names)
    heads = [cell.strip().lower() for cell in top.records[record][:width]]
    again = [
        pl.col(str(place)).str.strip_chars().str.to_lowercase() == head for place, head in enumerate(heads) if head
    ]
    return rows.filter(~opens.fill_null(False), ~pl.all_horizontal(again).fill_null(False))


_NO_ROW = r"^\W*(?i:(?:beginning|opening|ending|closing|previous) balance|balance (?:brought )?forward|% of|percent)"
"""A cell that opens a line which is no row of data, beside totals."""


def _cells(rows: pl.DataFrame) -> pl.Series:
    return pl.concat([rows[name].cast(pl.String) for name in rows.columns if name != "row"])


def _decimal(rows: pl.DataFrame) -> str:
    cells = _cells(rows.head(2000)).drop_nulls()
    comma = int(cells.str.contains(r"^\s*-?[\d.]+,\d\d\s*$").sum())
    point = int(cells.str.contains(r"^\s*[-$(]*\s*[\d,]+\.\d\d\)?\s*$").sum())
    return "," if comma > point else "."


def _holds(rows: pl.DataFrame, word: str) -> bool:
    return bool((_cells(rows.head(2000)).drop_nulls().str.strip_chars().str.to_lowercase() == word).any())


def _held(rows: pl.DataFrame, place: int, heading: str, decimal: str, empty: tuple[str, ...], top: Opening) -> Held:
    cell = cleaned(pl.col(str(place)), empty)
    filled = rows.select(cell.alias("cell")).drop_nulls().to_series()
    least = NEARLY_ALL * filled.len()
    own = pl.col("cell")
    amounts = filled.to_frame("cell").select(cents(own, decimal).alias("c"), is_residue(own, decimal).alias("r"))
    days = filled.to_frame("cell").select(
        day(own).alias("iso"), *(day(own, [pattern]).alias(pattern) for pattern in DATE_FORMATS)
    )
    iso = days["iso"].count() >= least and filled.len() > 0
    formats = [] if iso else [pattern for pattern in DATE_FORMATS if filled.len() and days[pattern].count() >= least]
    if not iso and not formats and "date" in words_of(heading):
        serial = filled.to_frame("cell").select(day(own, [SERIAL])).to_series()
        serial = serial.filter(serial.is_between(*SERIAL_YEARS))
        formats = [SERIAL] if filled.len() and serial.count() >= least else []
    words = filled.str.to_lowercase().unique()
    return Held(
        place,
        heading,
        filled.len(),
        words.len(),
        bool(filled.len()) and amounts["c"].count() >= least,
        2 * int(filled.str.contains(r"\d[.,]\d\d\)?$").sum()) > filled.len(),
        tuple(formats),
        iso,
        tuple(sorted(words)) if words.len() <= 40 else (),
    )
