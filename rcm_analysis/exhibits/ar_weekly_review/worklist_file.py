"""The worklist as a working file: what to work, why, and the cells that are filled in while it is worked.

The sheet stands in the workbook of a report or in a file of its own; `sources.worklist.notes` reads it back. Its
headings are defined there, so that what is written is what is understood.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import polars as pl

from ...blocks.vocabulary import Column, Table
from ...ledger.ratios import half_up
from ...models.worklist.items import STATUSES
from ...models.worklist.ranking import to_do
from ...sources.worklist.notes import choices, row_check, words
from ...sources.worklist.sheets import FILLED, KEYS, LISTED, SHEET, Sheet, Unusable
from ..formats import counted
from ..register.facts import with_worth
from ..register.sheet import COLUMNS_TO_CHANGE
from ..tables import Shown, show

TIER_WORDS = {"deadline": "deadline", "list": "", "waiting": "waiting", "small": "small"}
KIND_WORDS = {"filing": "filing", "appeal": "appeal", "secondary_filing": "secondary filing", "": ""}
FIRST_ITEMS = 200
"""Items of a list in a report's workbook: more than the people of a client work off in a week."""
DEFINITION = (
    "Open balances that can be worked now: limits within 14 days first, then by the dollars a minute of work "
    "should add. "
    "Worth at most: the allowed amount of the balance; expected if worked = what comes anyway + what work adds. "
    "US dollars. "
    "The marked columns are filled in and taken back with rcm worklist import."
)


def worklist_table(
    items: pd.DataFrame,
    *,
    as_of: dt.date,
    payer_names: Mapping[str, str] | None = None,
    title: str = "Worklist",
    days: int | None = None,
) -> Table:
    """The rows of `models.worklist.worklist` that can be worked, as a table block with cells to fill in.

    Counts
        For the workbook only, as the sheet `Worklist`. The tiers deadline and list, in order; what waits or is small is
        counted in the notes. The claim is named by its control number; no patient is. With `days` only the first
        FIRST_ITEMS items, and whatever stands on the lists of so many working days: as long as people work.
    Empty
        The headings without a row.
    """
    every = to_do(items)
    rows = every if days is None else every[(every.index < FIRST_ITEMS) | (every["queue_day"] < days)]
    rows = with_worth(rows.reset_index(drop=True))
    rows = rows.assign(
        as_of=pd.Timestamp(as_of),
        payer=rows["payer"].replace({"patient": "Patient"} | dict(payer_names or {})),
        per_minute_cents=half_up(rows["score_cents_per_minute"]),
        queue_day=rows["queue_day"] + 1,
        tier=rows["tier"].map(TIER_WORDS),
        action_words=rows["action"].map(words),
        status=rows["status"].map(STATUSES),
        deadline_kind=rows["deadline_kind"].map(KIND_WORDS),
        check=[row_check(row.client, row.claim_id, row.party, as_of) for row in rows.itertuples()],
        **{f"filled_{column}": None for column in FILLED},
    )
    notes = [more_than(len(rows), len(every)), *_notes(items, as_of)]
    return show(rows, COLUMNS, name=SHEET, title=title, definition=DEFINITION, notes=notes, print_it=False)


def more_than(shown: int, every: int) -> str:
    """What a list lacks and where it is; empty where it lacks nothing.

    >>> more_than(200, 200), more_than(200, 4321).split(";")[0]
    ('', 'The first 200 of 4,321 items')
    """
    if shown >= every:
        return ""
    return (
        f"The first {shown:,} of {every:,} items; rcm worklist export writes a file of all that can be worked, with "
        "the same cells to fill in."
    )


def _notes(items: pd.DataFrame, as_of: dt.date) -> list[str]:
    counts = items["tier"].value_counts() if len(items) else {}
    waiting, small = int(counts.get("waiting", 0)), int(counts.get("small", 0))
    return [
        f"As of {as_of:%Y-%m-%d}. Not listed: "
        f"{counted(waiting, 'balance that still waits', 'balances that still wait')} for an answer or a "
        f"payment, and {small:,} too small to work.",
        "Fill in a row when it was worked: action taken, worked on, and who where nobody is assigned; then "
        "status, next action and its day "
        "where there is one. Rows left empty are left alone. Sort whole rows and filter as you like; leave "
        "Claim, Owed by, List of, Client and Row check as they are.",
    ]


def _filled(column: str, unit: str = "text") -> Shown:
    listed = choices(column) if column in LISTED else ()
    return Shown(f"filled_{column}", FILLED[column], unit, choices=listed, editable=True)


WORTH = (
    Shown("worked_cents", "Expected if worked", "usd", exact=True),
    Shown("anyway_cents", "Comes anyway", "usd", exact=True),
    Shown("recoverable_cents", "Work adds", "usd", exact=True),
)
"""What an item brings: expected if worked = comes anyway + work adds."""


# Why stands before a column that is never empty: a long text would otherwise run across the cells to fill in.
COLUMNS = (
    Shown("claim_id", KEYS["claim_id"]),
    Shown("party", KEYS["party"]),
    Shown("payer", "Payer"),
    Shown("assigned_to", KEYS["assigned_to"]),
    Shown("queue_day", "Day", "count"),
    Shown("open_cents", "Open", "usd", exact=True),
    Shown("deadline_on", "Deadline", "date"),
    Shown("reason", "Why"),
    Shown("action_words", "Recommended"),
    _filled("action"),
    _filled("outcome"),
    _filled("hold_reason"),
    _filled("worked_on", "date"),
    _filled("minutes", "number"),
    _filled("worked_by"),
    _filled("next_action"),
    _filled("next_on", "date"),
    _filled("channel"),
    _filled("spoke_with"),
    Shown("status", "Stands"),
    Shown("tier", "Tier"),
    Shown("deadline_kind", "Deadline of"),
    Shown("age_days", "Age in days", "count"),
    Shown("expected_cents", "Worth at most", "usd", exact=True),
    *WORTH,
    Shown("minutes", "Minutes planned", "number"),
    Shown("per_minute_cents", "Adds per minute", "usd", exact=True),
    Shown("as_of", KEYS["as_of"], "date"),
    Shown("client", KEYS["client"]),
    Shown("check", KEYS["check"]),
)


def refused_table(sheets: Sequence[Sheet], refused: pl.DataFrame) -> Table:
    """The rows of filled-in sheets of one form that were refused, as they were typed, with the rule; itself a sheet to
    correct and import."""
    form = sheets[0].form
    why = {(row["sheet"], row["row"]): (row["rule"], row["message"]) for row in refused.iter_rows(named=True)}
    by_title = {item.title: item for item in (COLUMNS if form.sheet == SHEET else COLUMNS_TO_CHANGE)}
    names = list(form.titles)
    columns = [by_title[form.titles[name]].as_column() for name in names]
    reasons = [Column("rule", "Refused for"), Column("message", "What is wrong")]
    rows = [
        (*(_as_typed(row[name]) for name in names), *why[sheet.name, row["row"]])
        for sheet in sheets
        for row in sheet.rows
        if (sheet.name, row["row"]) in why
    ]
    return Table(
        name=form.sheet,
        title=f"Refused rows of the sheet {form.sheet}",
        columns=(*columns, *reasons),
        rows=tuple(rows),
        definition="Rows that could not be taken in, as they were filled in. Put them right and import this file.",
    )


def _as_typed(value: Any) -> Any:
    if isinstance(value, (dt.datetime, dt.date)):
        return f"{value:%Y-%m-%d}"
    return value.text if isinstance(value, Unusable) else value
