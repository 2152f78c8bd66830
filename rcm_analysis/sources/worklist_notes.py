"""The filled-in worklist: each row of the sheet that somebody worked becomes a note of the work log, or is set aside.

A row whose cells to fill in are all empty is left alone. Every other row is a note, or is refused with its
row, column and rule; messages hold no cell value. Free text is never kept.

| rule | the row is refused because |
|---|---|
| `other_client` | it names another client |
| `unknown_claim` | the client has no such claim |
| `missing` | a cell that a note needs is empty: action, day, who |
| `not_listed` | the action, outcome or hold reason is none of the list |
| `unreadable` | the day is no day, or the minutes are no number |
| `minutes` | the minutes are below zero or more than a day has |
| `before_claim` | worked before the service |
| `before_list` | worked before the day the list was made for |
| `after_list` | worked more than `LIFE_DAYS` days after the day the list was made for |
| `duplicate_key` | an earlier row of the sheet says the same of this claim, party and day |
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

from ..errors import SourceError, listed
from ..schema import PARTIES, WORK_LOG
from .column_maps import plain

SHEET = "worklist"
KEYS = {
    "client": "Client",
    "claim_id": "Claim",
    "party": "Owed by",
    "as_of": "List of",
    "assigned_to": "Assigned to",
}
"""What a row is about: our column and its heading. `Assigned to` stands in where nobody is named in `Worked by`."""

FILLED = {
    "action": "Action taken",
    "outcome": "Outcome",
    "hold_reason": "Waits for",
    "worked_on": "Worked on",
    "minutes": "Minutes spent",
    "worked_by": "Worked by",
}
"""What is filled in by hand: our column of the work log and its heading."""

LISTED = ("action", "outcome", "hold_reason")
LIFE_DAYS = 62
"""A list is worked within two months of its day; what is dated later is a slip of the keyboard."""

MOST_MINUTES = 24 * 60
LONGEST_NAME = 60
NOTE_PREFIX = "worklist:"
"""Ids of notes that came from a sheet begin so: a month's export of the billing system does not take their place."""

REFUSED_SUFFIX = ".refused.xlsx"
TOP_ROWS = 60


@dataclass(frozen=True)
class Sheet:
    """The rows of one worklist sheet, as typed: `row` is the sheet's own row number, the rest our column names."""

    name: str
    titles: Mapping[str, str]
    rows: tuple[dict[str, Any], ...]

    @property
    def filled(self) -> list[dict[str, Any]]:
        """The rows in which something was filled in."""
        return [row for row in self.rows if any(not _is_blank(row[name]) for name in FILLED)]

    @property
    def clients(self) -> set[str]:
        return {str(row["client"]).strip() for row in self.rows if not _is_blank(row["client"])}


@dataclass
class Notes:
    """What a filled-in worklist gives: notes of the work log, and the rows set aside with their rule."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    rows_in: int


def words(value: str) -> str:
    """A word of the schema as the sheet shows it.

    >>> words("corrected_claim")
    'corrected claim'
    """
    return value.replace("_", " ")


def choices(name: str) -> tuple[str, ...]:
    """The words that a column to fill in may hold."""
    return tuple(words(value) for value in WORK_LOG.column(name).values)


def read_sheets(data: bytes) -> list[Sheet]:
    """Every worklist sheet of a workbook; none where no sheet has the headings.

    Raises
        SourceError when a sheet lacks some of the headings only: it was cut, and rows would be lost.
    """
    names = _sheet_names(data)
    if not names:
        return []
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise SourceError(
            f"The workbook cannot be read ({type(error).__name__}). Save it again as XLSX."
        ) from error
    found = [_read_sheet(book[name]) for name in names if name in book.sheetnames]
    return [sheet for sheet in found if sheet is not None]


def _sheet_names(data: bytes) -> list[str]:
    """The names of sheets that are called a worklist, from the workbook's list of them alone."""
    if data[:2] != b"PK":
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            listing = parts.read("xl/workbook.xml").decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError):
        return []
    if f'"{SHEET}' not in listing.lower():
        return []
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        return [name for name in book.sheetnames if name.lower().startswith(SHEET)]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        return []


def _read_sheet(sheet: Any) -> Sheet | None:
    wanted = {plain(title): name for name, title in {**KEYS, **FILLED}.items()}
    table = list(sheet.iter_rows(values_only=True))
    for number, cells in enumerate(table[:TOP_ROWS]):
        places = {
            wanted[plain(str(cell))]: place
            for place, cell in enumerate(cells)
            if cell is not None and plain(str(cell)) in wanted
        }
        if not {"claim_id", "action"} <= set(places):
            continue
        lacking = [title for name, title in {**KEYS, **FILLED}.items() if name not in places]
        if lacking:
            raise SourceError(
                f"The sheet {SHEET!r} lacks the columns {listed(lacking)}. Nothing of it was read; fill in the sheet as it was exported."
            )
        rows = [
            {"row": number + 2 + offset, **{name: values[place] for name, place in places.items()}}
            for offset, values in enumerate(table[number + 1 :])
        ]
        kept = [row for row in rows if not all(_is_blank(row[name]) for name in (*KEYS, *FILLED))]
        return Sheet(sheet.title, {**KEYS, **FILLED}, tuple(kept))
    return None


def notes_of(sheets: Sequence[Sheet], *, client: str, claims: pl.DataFrame) -> Notes:
    """The filled-in rows as rows of the work log, and those refused.

    Counts
        One note per filled-in row. `note_id` is made of claim, party, list and day: the same sheet again says nothing
        new, and a corrected row takes the place of what it corrects. A note is known on the day of the work.
    """
    service = dict(claims.select("claim_id", "service_on").iter_rows())
    good: dict[str, dict[str, Any]] = {}
    aside: list[dict[str, Any]] = []
    rows = [(sheet, row) for sheet in sheets for row in sheet.filled]
    for sheet, row in rows:
        note, fault = _note(row, client, service)
        if note is not None and note["note_id"] in good:
            fault = ("claim_id", "duplicate_key", "the same claim, party and day stand in an earlier row")
        if fault is None and note is not None:
            good[note["note_id"]] = note
        else:
            aside.append(_set_aside(sheet, row, *fault))
    kept = pl.DataFrame(list(good.values()), schema=WORK_LOG.polars).select(WORK_LOG.names)
    return Notes(kept, pl.DataFrame(aside, schema=_QUARANTINE), len(rows))


_QUARANTINE = {
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "message": pl.String,
    "amount_cents": pl.Int64,
    "text": pl.String,
    "sheet": pl.String,
}
Fault = tuple[str, str, str]


def _set_aside(sheet: Sheet, row: Mapping[str, Any], column: str, rule: str, message: str) -> dict[str, Any]:
    title = {**KEYS, **FILLED}[column]
    text = (
        None
        if rule == "other_client"
        else json.dumps({name: _text(row[name]) for name in ("claim_id", "party")})
    )
    return {
        "row": row["row"],
        "column": title,
        "rule": rule,
        "message": f"{title}: {message}",
        "amount_cents": None,
        "text": text,
        "sheet": sheet.name,
    }


def _note(
    row: Mapping[str, Any], client: str, service: Mapping[str, dt.date]
) -> tuple[dict[str, Any] | None, Fault | None]:
    """The note of one row, or why it is none: the first rule that it breaks."""
    claim, party, made_for = _text(row["claim_id"]), _text(row["party"]).lower(), _day(row["as_of"])
    if _text(row["client"]) != client:
        return None, ("client", "other_client", "the row belongs to another client")
    if claim not in service:
        return None, ("claim_id", "unknown_claim", "the client has no such claim")
    if party not in PARTIES:
        return None, ("party", "not_listed", f"expected one of {listed(PARTIES)}")
    if made_for is None:
        return None, ("as_of", "unreadable", "expected the day the list was made for")
    values, fault = _filled(row)
    fault = fault or _day_fault(values.get("worked_on"), made_for, service[claim])
    if fault:
        return None, fault
    key = "\x1f".join((client, claim, party, made_for.isoformat(), values["worked_on"].isoformat()))
    note_id = NOTE_PREFIX + hashlib.sha256(key.encode()).hexdigest()[:20]
    return {
        "client": client,
        "note_id": note_id,
        "claim_id": claim,
        "entered_on": values["worked_on"],
        **values,
    }, None


def _filled(row: Mapping[str, Any]) -> tuple[dict[str, Any], Fault | None]:
    """The cells filled in, typed."""
    values: dict[str, Any] = {}
    for name in LISTED:
        text = _text(row[name]).casefold().replace("-", " ")
        value = "_".join(text.split()) or None
        if value is not None and value not in WORK_LOG.column(name).values:
            return values, (name, "not_listed", f"expected one of {listed(choices(name), 12)}")
        values[name] = value
    values["worked_by"] = _text(row["worked_by"]) or _text(row["assigned_to"]) or None
    if len(values["worked_by"] or "") > LONGEST_NAME:
        return values, ("worked_by", "unreadable", f"expected a name of at most {LONGEST_NAME} letters")
    values["worked_on"] = _day(row["worked_on"])
    for name, what in (
        ("action", "what was done"),
        ("worked_on", "the day of the work"),
        ("worked_by", "who did it"),
    ):
        if _is_blank(row[name]) and values[name] is None:
            return values, (name, "missing", f"{what} is not filled in")
    if values["worked_on"] is None:
        return values, ("worked_on", "unreadable", "expected a day, such as 2026-11-03")
    minutes = _number(row["minutes"])
    if minutes is None and not _is_blank(row["minutes"]):
        return values, ("minutes", "unreadable", "expected a number")
    if minutes is not None and not 0 <= minutes <= MOST_MINUTES:
        return values, ("minutes", "minutes", f"expected 0 to {MOST_MINUTES}")
    return values | {"minutes": minutes}, None


def _day_fault(worked_on: dt.date | None, made_for: dt.date, service_on: dt.date) -> Fault | None:
    if worked_on is None:
        return None
    if worked_on < service_on:
        return ("worked_on", "before_claim", "the day lies before the service")
    if worked_on < made_for:
        return ("worked_on", "before_list", "the day lies before the day the list was made for")
    if worked_on > made_for + dt.timedelta(days=LIFE_DAYS):
        return (
            "worked_on",
            "after_list",
            f"the day lies more than {LIFE_DAYS} days after the day the list was made for",
        )
    return None


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(value: Any) -> str:
    """A cell as text; a whole number typed as one keeps no decimals.

    >>> _text(12.0), _text(" a "), _text(None)
    ('12', 'a', '')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _day(value: Any) -> dt.date | None:
    """A cell as a day: a date cell, the number that spreadsheets keep, ISO or US text.

    >>> _day("2026-11-03"), _day("11/3/2026"), _day(46329), _day("soon")
    (datetime.date(2026, 11, 3), datetime.date(2026, 11, 3), datetime.date(2026, 11, 3), None)
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    number = _number(value)
    if number is not None:
        return dt.date(1899, 12, 30) + dt.timedelta(days=int(number)) if 36526 <= number <= 73050 else None
    for pattern in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return dt.datetime.strptime(_text(value)[:10], pattern).date()
        except ValueError:
            continue
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or _is_blank(value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) != float("inf") else None


def with_imported(rows: pl.DataFrame, stored: pl.DataFrame, *, whole: bool) -> pl.DataFrame:
    """A delivery of the billing system's notes, with the notes from worklists that it would wipe out.

    `whole`: the delivery replaces the whole table; otherwise the months that it touches.
    """
    month = pl.col("entered_on").dt.strftime("%Y-%m")
    kept = stored.filter(pl.col("note_id").str.starts_with(NOTE_PREFIX))
    if not whole:
        kept = kept.filter(month.is_in(rows.select(month.unique()).to_series().to_list()))
    return pl.concat(
        [rows.join(kept.select(WORK_LOG.key), on=list(WORK_LOG.key), how="anti"), kept.select(rows.columns)]
    )


def imported_by_month(stored: pl.DataFrame) -> dict[str, int]:
    """How many notes of each month came from worklists."""
    kept = stored.filter(pl.col("note_id").str.starts_with(NOTE_PREFIX))
    return dict(kept.group_by(pl.col("entered_on").dt.strftime("%Y-%m")).len().iter_rows())


def keep_file(data: bytes, folder: Path) -> Path:
    """The file's place under the client's raw files; the same content keeps the place it has.

    Files are numbered in the order in which they come, so that reading them all again ends as it did.
    """
    digest = hashlib.sha256(data).hexdigest()[:12]
    there = sorted(folder.glob(f"*-{digest}.xlsx"))
    if there:
        return there[0]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.glob('*.xlsx'))) + 1:04d}-{digest}.xlsx"
    path.write_bytes(data)
    return path
