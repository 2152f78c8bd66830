"""Worklist: dollars that a week of work adds when it follows the list, of what it adds oldest first and largest first.

The truth (`simulate.workable`) says for every item open at a month's end what a touch adds over doing nothing
and how long it takes, from the luck the claim was dealt; no score enters it. Each policy orders the same open
items and works from the top until the same minutes are used up:

    list      `worklist` in its order, deadline tier first; what it suppresses is not worked. It finds claims paid
              short by itself; the other two know balances only, as such lists do
    oldest    insurance balances, the oldest day of service first
    largest   insurance balances, the largest open amount first

What a policy worked at one month's end it does not work again at a later one: otherwise oldest first would spend
every week on the same lost balances, which is no rival. For the same reason the rivals leave patients alone.
Capacity is the client's own: the minutes of its notes, statements aside, of the eight weeks before, a week. Every
policy does with an item what it needs, so that only the choice of items is scored. Small balances are worked by none.

A third figure scores the dollars, which an order cannot: what the list says that working all of it adds, over what it
adds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd
import polars as pl

from ...models.worklist.items import PATIENT
from ...models.worklist.ranking import to_do, worklist
from ...models.worklist.settings import WorklistSettings
from ..case import Case
from ..record import Tally

WEEKS = 8
OLDEST, LARGEST = "dollars recovered, of oldest first", "dollars recovered, of largest first"
SAID = "dollars said to be added, of those added"


def worklists(case: Case) -> list[Tally]:
    """One tally a month end and rival: the list's added dollars over the rival's."""
    tallies: list[Tally] = []
    done: dict[str, set] = {}
    for day in case.sums.get("workable", []):
        as_of = dt.date.fromisoformat(day["as_of"])
        tables = case.known_on(as_of)
        minutes = minutes_a_week(tables, as_of)
        truth = pd.DataFrame(
            [*day["items"], *day["underpaid"]], columns=["claim_id", "party", "gain_cents", "true_minutes"]
        )
        items = worklist(tables, as_of=as_of)
        added = added_by_policy(items, truth, minutes, done)
        tallies += [
            Tally("worklist", name, added["list"], added[rival])
            for name, rival in ((OLDEST, "oldest"), (LARGEST, "largest"))
        ]
        tallies.append(Tally("worklist", SAID, *said_and_added(items, truth)))
    return tallies


def said_and_added(items: pd.DataFrame, truth: pd.DataFrame) -> tuple[int, int]:
    """What the list says that working everything on it adds, and what it would add, in cents."""
    listed = to_do(items).merge(truth, on=["claim_id", "party"], how="left")
    return int(listed["recoverable_cents"].sum()), int(listed["gain_cents"].sum())


def minutes_a_week(tables: Mapping[str, Any], as_of: dt.date) -> float:
    """The minutes that the client's notes of the last weeks stand for, statements aside."""
    since = as_of - dt.timedelta(weeks=WEEKS)
    notes = tables["work_log"].filter(pl.col("worked_on") > since, pl.col("action") != "statement")
    return float(notes.select(pl.col("minutes").sum()).collect().item() or 0) / WEEKS


def added_by_policy(items: pd.DataFrame, truth: pd.DataFrame, minutes: float, done: dict[str, set]) -> dict[str, int]:
    """The cents that each policy adds within the minutes: list, oldest, largest. `done` keeps what each has worked so
    far."""
    known = items.merge(truth, on=["claim_id", "party"], how="left")
    known = known.fillna({"gain_cents": 0, "true_minutes": truth["true_minutes"].median() if len(truth) else 0})
    balances = known[(known["open_cents"] >= WorklistSettings().smallest_cents) & (known["party"] != PATIENT)]
    orders = {
        "list": to_do(known),
        "oldest": balances.sort_values(["age_days", "claim_id", "party"], ascending=[False, True, True]),
        "largest": balances.sort_values(["open_cents", "claim_id", "party"], ascending=[False, True, True]),
    }
    added = {}
    for name, rows in orders.items():
        before = done.setdefault(name, set())
        is_new = [key not in before for key in zip(rows["claim_id"], rows["party"], strict=True)]
        rows = rows[pd.Series(is_new, index=rows.index, dtype=bool)]
        worked = rows[rows["true_minutes"].cumsum() <= minutes]
        before.update(zip(worked["claim_id"], worked["party"], strict=True))
        added[name] = int(worked["gain_cents"].sum())
    return added


SCORERS = (worklists,)
