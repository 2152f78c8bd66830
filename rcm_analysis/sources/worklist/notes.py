"""The filled-in worklist: each row of the sheet that somebody worked becomes a note of the work log, or is set aside.

A row whose cells to fill in are all empty is left alone. Every other row is a note, or is refused with its
row, column and rule; messages hold no cell value. Free text is never kept.

| rule | the row is refused because |
|---|---|
| `other_client` | it names another client |
| `unknown_claim` | the client has no such claim |
| `row_changed` | its claim, party, client and list no longer belong together: edited, or sorted in part |
| `missing` | a cell that a note needs is empty: client, claim, party, day of the list, action, day, who, or what to do on the next day |
| `not_listed` | the action, status, hold reason or next action is none of the list |
| `unreadable` | a day is no day, the minutes are no number, or a name is longer than `LONGEST_NAME` |
| `formula`, `error`, `merged` | a cell holds no value of its own |
| `minutes` | the minutes are below zero or more than a day has |
| `before_claim` | worked before the service |
| `before_list` | worked before the day the list was made for |
| `after_list` | worked more than `LIFE_DAYS` days after the day the list was made for |
| `in_future` | worked after the day the file came in |
| `next_step` | the next step has a day before the work or more than `FAR_DAYS` after it |
| `duplicate_key` | an earlier row of the sheet says the same of this claim, party and day |
| `noted_before` | another list has brought the same work: claim, day, action and person |
"""  # noqa: E501

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...errors import listed
from ...tables.schema import PARTIES, WORK_LOG
from .sheets import FILLED, KEYS, LISTED, SHEET, TITLES, Sheet, Unusable, is_blank, read_sheets

__all__ = [
    "FILLED",
    "KEYS",
    "SHEET",
    "Notes",
    "Sheet",
    "choices",
    "keep_file",
    "notes_of",
    "read_sheets",
    "received_on",
    "row_check",
    "words",
]

LIFE_DAYS = 62
"""A list is worked within two months of its day; what is dated later is a slip of the keyboard."""

FAR_DAYS = 366
"""A next step lies within a year."""

MOST_MINUTES = 24 * 60
LONGEST_NAME = 60
FIRST_DAY, LAST_DAY = 36526, 73050
"""2000-01-01 and 2099-12-31 as the numbers that spreadsheets keep; another number is no day."""
NOTE_PREFIX = "worklist:"
"""Ids of notes that came from a sheet begin so: a month's export of the billing system does not take their place."""

REFUSED_SUFFIX = ".refused.xlsx"
DAY_PATTERNS = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y")
_KEPT = re.compile(r"\d{4,}-(\d{4}-\d\d-\d\d)-[0-9a-f]{12}\.xlsx")


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


def row_check(client: str, claim_id: str, party: str, as_of: dt.date) -> str:
    """A short mark of what a row is about: a row whose parts were edited or sorted away no longer agrees with it.

    >>> row_check("a", "1", "primary", dt.date(2026, 10, 31)) == row_check("a", "2", "primary", dt.date(2026, 10, 31))
    False
    """
    text = "\x1f".join((client, claim_id, party, as_of.isoformat()))
    return f"r{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def notes_of(
    sheets: Sequence[Sheet],
    *,
    client: str,
    claims: pl.DataFrame,
    known: pl.DataFrame | None = None,
    received: dt.date | None = None,
) -> Notes:
    """The filled-in rows as rows of the work log, and those refused.

    `known` is the work log as it stands, `received` the day on which the file came in; without them those rules are not
    tried.

    Counts
        One note per filled-in row. `note_id` is made of claim, party, list and day: the same sheet again says nothing
        new, and a corrected row takes the place of what it corrects. A note is known on the day of the work.
    """
    reader = _Reader(client, dict(claims.select("claim_id", "service_on").iter_rows()), received)
    noted = _noted(known)
    good: dict[str, dict[str, Any]] = {}
    aside: list[dict[str, Any]] = []
    rows = [(sheet, row) for sheet in sheets for row in sheet.filled]
    for sheet, row in rows:
        note, faults = reader.note(row)
        if note is not None and note["note_id"] in good:
            faults = [("claim_id", "duplicate_key", "the same claim, party and day stand in an earlier row")]
        elif note is not None and noted.setdefault(_work(note), note["note_id"]) != note["note_id"]:
            faults = [
                ("claim_id", "noted_before", "another list has brought the same work of that day; correct it there")
            ]
        if note is not None and not faults:
            good[note["note_id"]] = note
        else:
            aside.append(set_aside(sheet, row, faults))
    kept = pl.DataFrame(list(good.values()), schema=WORK_LOG.polars).select(WORK_LOG.names)
    return Notes(kept, pl.DataFrame(aside, schema=ASIDE), len(rows))


def _work(note: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two notes the same work."""
    return (note["claim_id"], note["worked_on"], note["action"], note["worked_by"])


def _noted(known: pl.DataFrame | None) -> dict[tuple[Any, ...], str]:
    """The work that lists have brought before, with the id of its note."""
    if known is None:
        return {}
    rows = known.filter(pl.col("note_id").str.starts_with(NOTE_PREFIX))
    return {_work(row): row["note_id"] for row in rows.iter_rows(named=True)}


ASIDE = {
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "message": pl.String,
    "amount_cents": pl.Int64,
    "text": pl.String,
    "sheet": pl.String,
}
Fault = tuple[str, str, str]
"""Our column, the rule, what was expected."""


def set_aside(
    sheet: Sheet, row: Mapping[str, Any], faults: Sequence[Fault], *, about: Sequence[str] = ("claim_id", "party")
) -> dict[str, Any]:
    """The row's place in the quarantine: by its first fault, with all of them in the message."""
    column, rule, _ = faults[0]
    text = None if rule == "other_client" else json.dumps({name: text_of(row[name]) for name in about})
    titles = sheet.form.titles
    return {
        "row": row["row"],
        "column": titles[column],
        "rule": rule,
        "message": "; ".join(f"{titles[name]}: {message}" for name, _, message in faults),
        "amount_cents": None,
        "text": text,
        "sheet": sheet.name,
    }


@dataclass(frozen=True)
class _Reader:
    """Reads the rows of one client's list."""

    client: str
    service: Mapping[str, dt.date]
    received: dt.date | None

    def note(self, row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[Fault]]:
        """The note of one row, or why it is none: what the row is about first, then all that was filled in."""
        unusable = [(name, row[name].rule, row[name].message) for name in TITLES if isinstance(row[name], Unusable)]
        claim = self.claim_of(row)
        fault = next(iter(unusable), None) or self._key_fault(row, claim)
        if fault:
            return None, [fault, *unusable[1:]]
        made_for: dt.date = day_of(row["as_of"])  # type: ignore[assignment]  # `_key_fault` has looked at it
        values, faults = _filled(row)
        faults += _day_faults(values, made_for, self.service[claim], self.received)
        if faults:
            return None, faults
        key = "\x1f".join(
            (self.client, claim, text_of(row["party"]).lower(), made_for.isoformat(), values["worked_on"].isoformat())
        )
        note_id = NOTE_PREFIX + hashlib.sha256(key.encode()).hexdigest()[:20]
        return {
            "client": self.client,
            "note_id": note_id,
            "claim_id": claim,
            "entered_on": values["worked_on"],
            **values,
        }, []

    def claim_of(self, row: Mapping[str, Any]) -> str:
        """The row's claim; one whose leading zeros a spreadsheet took away is found again by the row's check."""
        claim, made_for = text_of(row["claim_id"]), day_of(row["as_of"])
        if claim in self.service or made_for is None or not claim.isdigit():
            return claim
        party, check = text_of(row["party"]).lower(), text_of(row["check"])
        longer = [name for name in (claim.zfill(size) for size in range(len(claim) + 1, 21)) if name in self.service]
        return next((name for name in longer if row_check(self.client, name, party, made_for) == check), claim)

    def _key_fault(self, row: Mapping[str, Any], claim: str) -> Fault | None:
        party, made_for, check = text_of(row["party"]).lower(), day_of(row["as_of"]), text_of(row["check"])
        for name, what in (
            ("client", "the client"),
            ("claim_id", "the claim"),
            ("party", "who owes"),
            ("as_of", "the day of the list"),
        ):
            if is_blank(row[name]):
                return (name, "missing", f"{what} is not there; copy it from the list")
        if text_of(row["client"]) != self.client:
            return ("client", "other_client", "the row belongs to another client")
        if claim not in self.service:
            return ("claim_id", "unknown_claim", "the client has no such claim")
        if party not in PARTIES:
            return ("party", "not_listed", f"expected one of {listed(PARTIES)}")
        if made_for is None:
            return ("as_of", "unreadable", "expected the day the list was made for")
        if check and check != row_check(self.client, claim, party, made_for):
            return (
                "check",
                "row_changed",
                "claim, owed by, list of and client are not those of this row of the list; put them back, "
                "or empty the row check of a row added by hand",
            )
        return None


def _filled(row: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The cells filled in, typed, and all that is wrong with them."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name in LISTED:
        value = "_".join(text_of(row[name]).casefold().replace("-", " ").replace("_", " ").split()) or None
        values[name] = value if value in WORK_LOG.column(name).values else None
        if value is not None and values[name] is None:
            faults.append((name, "not_listed", f"expected one of {listed(choices(name), 12)}"))
    values["worked_by"] = text_of(row["worked_by"]) or text_of(row["assigned_to"]) or None
    if len(values["worked_by"] or "") > LONGEST_NAME:
        faults.append(("worked_by", "unreadable", f"expected a name of at most {LONGEST_NAME} letters"))
    values["spoke_with"] = text_of(row["spoke_with"])[:LONGEST_NAME] or None
    for name in ("worked_on", "next_on"):
        values[name] = day_of(row[name])
        if values[name] is None and not is_blank(row[name]):
            faults.append((name, "unreadable", "expected a day, such as 2026-11-03"))
    for name, what in (("action", "what was done"), ("worked_on", "the day of the work"), ("worked_by", "who did it")):
        if is_blank(row[name]) and values[name] is None:
            faults.append((name, "missing", f"{what} is not filled in"))
    if values["next_on"] is not None and is_blank(row["next_action"]):
        faults.append(("next_action", "missing", "what is to be done on that day is not filled in"))
    values["minutes"] = _number(row["minutes"])
    if values["minutes"] is None and not is_blank(row["minutes"]):
        faults.append(("minutes", "unreadable", "expected a number"))
    if values["minutes"] is not None and not 0 <= values["minutes"] <= MOST_MINUTES:
        faults.append(("minutes", "minutes", f"expected 0 to {MOST_MINUTES}"))
    return values, faults


def _day_faults(
    values: Mapping[str, Any], made_for: dt.date, service_on: dt.date, received: dt.date | None
) -> list[Fault]:
    worked_on, next_on = values["worked_on"], values["next_on"]
    if worked_on is None:
        return []
    faults: list[Fault] = []
    if worked_on < service_on:
        faults.append(("worked_on", "before_claim", "the day lies before the service"))
    elif worked_on < made_for:
        faults.append(("worked_on", "before_list", "the day lies before the day the list was made for"))
    elif worked_on > made_for + dt.timedelta(days=LIFE_DAYS):
        faults.append(
            ("worked_on", "after_list", f"the day lies more than {LIFE_DAYS} days after the day the list was made for")
        )
    elif received is not None and worked_on > max(received, made_for):
        faults.append(("worked_on", "in_future", "the day lies after the day on which the file came in"))
    if next_on is not None and not worked_on <= next_on <= worked_on + dt.timedelta(days=FAR_DAYS):
        faults.append(("next_on", "next_step", f"expected a day from the day of the work to {FAR_DAYS} days after it"))
    return faults


def text_of(value: Any) -> str:
    """A cell as text; a whole number typed as one keeps no decimals.

    >>> text_of(12.0), text_of(" a "), text_of(None)
    ('12', 'a', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def day_of(value: Any) -> dt.date | None:
    """A cell as a day: a date cell, the number that spreadsheets keep, ISO or US text.

    >>> {
    ...     day_of(one)
    ...     for one in ("2026-11-03", "11/3/2026", "11/3/26", "Nov 3, 2026", "3-Nov-2026", "2026-11-03 09:30:00", 46329)
    ... }
    {datetime.date(2026, 11, 3)}
    >>> day_of("soon"), day_of("2026-11-03 or so"), day_of("13/11/2026")
    (None, None, None)
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    number = _number(value)
    if number is not None:
        return dt.date(1899, 12, 30) + dt.timedelta(days=int(number)) if FIRST_DAY <= number <= LAST_DAY else None
    text = re.split(r"[T ](?=\d{1,2}:\d\d)", text_of(value))[0]
    for pattern in DAY_PATTERNS:
        try:
            return dt.datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or is_blank(value):
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


def keep_file(data: bytes, folder: Path, received: dt.date) -> Path:
    """The file's place under the client's raw files; the same content keeps the place it has.

    Files are numbered in the order in which they come and carry the day on which they came, so that reading them all
    again ends as it did.
    """
    digest = hashlib.sha256(data).hexdigest()[:12]
    there = sorted(folder.glob(f"*-{digest}.xlsx"))
    if there:
        return there[0]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.glob('*.xlsx'))) + 1:04d}-{received.isoformat()}-{digest}.xlsx"
    path.write_bytes(data)
    return path


def received_on(name: str) -> dt.date | None:
    """The day on which a file came in, as its kept name says; nothing for a file put there by hand.

    >>> received_on("worklists/0001-2026-11-04-0123456789ab.xlsx"), received_on("worklist.xlsx")
    (datetime.date(2026, 11, 4), None)
    """
    found = _KEPT.fullmatch(name.rsplit("/", 1)[-1])
    return dt.date.fromisoformat(found[1]) if found else None


def free_name(file: Path) -> Path:
    """Where the refused rows of a file go: beside it, and never over a file that is there and may have been put
    right."""
    base = file.name.removesuffix(REFUSED_SUFFIX).removesuffix(".xlsx")
    numbers = ["", *(f".{number}" for number in range(2, 1000))]
    return next(path for number in numbers if not (path := file.with_name(f"{base}{number}{REFUSED_SUFFIX}")).exists())
