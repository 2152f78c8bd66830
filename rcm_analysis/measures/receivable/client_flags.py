"""Claims that the practice asked us to look after: how soon each was taken up, who has it now, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...tables.frames import collect, source
from ..menu import measure
from .account_movements import ACCOUNT, DEBITS, account_notes, account_postings, moved_since
from .delays import ABOUT

FIRST_TOUCH_DAYS, UPDATE_DAYS = 1, 5
"""A claim that the practice flagged is taken up by the next business day, and heard of every week."""
LEVELS = ((5, "analyst"), (10, "manager"), (None, "principal"))
"""Business days up to which an open flag is with each level."""
FLAG = ["flag_id", "flagged_on", "flagged_by", "wanted_on", "closed_on", "outcome"]


@measure("Claims that the practice flagged", value="open_cents")
def flagged_claims(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every claim that the practice asked us to look after, with its first and last touch, its level, and the money.

    Formula
        days_to_first_touch = business days from flagged_on to the first note since then
        days_silent = business days since the last note (since flagged_on where there is none), while open
        level of an open flag: analyst for 5 business days, manager up to 10, then principal; past wanted_on
        at least manager
        is_late: open, and not taken up by the next business day, or silent for more than 5, or past wanted_on
        opening_cents + charged_cents - collected_cents - adjusted_cents - written_off_cents
        - transferred_cents + credit_cents = open_cents, since flagged_on
    Counts
        Requests known by `as_of`, each once, the open ones first. Notes other than statements, worked from
        flagged_on on (until it was closed). Holidays are not known.
    Date basis
        flagged_on; worked_on of notes entered by `as_of`; posting date after flagged_on
    Unit
        cents; business days; touches is a count
    Empty
        Nothing flagged: no row. Not touched: an empty first touch.
    Source
        our own; the firm's guide to receivable management: white-glove escalation support for client-flagged claims

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> flag = {"client": "acme", "flag_id": "F1", "claim_id": "2", "flagged_on": dt.date(2026, 3, 9),
    ...     "flagged_by": "Dr. Lee", "wanted_on": None, "closed_on": None, "outcome": None}
    >>> found = flagged_claims({**example_accounts(), "client_flags": pd.DataFrame([flag])}, as_of=dt.date(2026, 3, 20))
    >>> found[["claim_id", "days_to_first_touch", "days_silent", "level", "open_cents"]]
      claim_id  days_to_first_touch  days_silent    level  open_cents
    0        2                  5.0            4  manager       18000
    """
    keys = [*ACCOUNT, *FLAG]
    days = ["flagged_on", "wanted_on", "closed_on"]
    rows = source(tables, "client_flags", keys).filter(nw.col("flagged_on") <= as_of)
    about = source(tables, "claims", [*ACCOUNT, *ABOUT])
    found = collect(rows.join(about, on=ACCOUNT, how="left"), [*keys, *ABOUT], dates=days)
    found["closed_on"] = found["closed_on"].where(found["closed_on"] <= pd.Timestamp(as_of))
    found["outcome"] = found["outcome"].where(found["closed_on"].notna(), None)
    notes = account_notes(tables, found["claim_id"], as_of=as_of)
    found = found.merge(_touched(found, notes), on="flag_id", how="left")
    found["touches"] = found["touches"].fillna(0).astype("int64")
    found = _timed(found, as_of)
    found["listed_on"] = found["flagged_on"]
    moved = moved_since(account_postings(tables, found["claim_id"], as_of=as_of), found, as_of=as_of)
    moved[DEBITS] = moved[DEBITS].fillna(0).astype("int64")
    moved = moved.assign(is_closed=moved["closed_on"].notna()).sort_values(
        ["is_closed", "is_late", "flagged_on", "flag_id"], ascending=[True, False, True, True], ignore_index=True
    )
    return moved.drop(columns=["is_closed", "listed_on"])


def _touched(flags: pd.DataFrame, notes: pd.DataFrame) -> pd.DataFrame:
    """By request the notes since it: touches, first_touch_on, last_touch_on, and what was done last."""
    both = flags[[*ACCOUNT, "flag_id", "flagged_on", "closed_on"]].merge(
        notes[notes["action"] != "statement"], on=ACCOUNT
    )
    in_time = (both["worked_on"] >= both["flagged_on"]) & ~(both["worked_on"] > both["closed_on"])
    return (
        both[in_time]
        .groupby("flag_id", as_index=False)
        .agg(
            touches=("note_id", "nunique"),
            first_touch_on=("worked_on", "min"),
            last_touch_on=("worked_on", "max"),
            last_action=("action", "last"),
            last_outcome=("outcome", "last"),
        )
    )


def _timed(rows: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    today = pd.Series(pd.Timestamp(as_of), index=rows.index)
    is_open = rows["closed_on"].isna()
    first = _business_days(rows["flagged_on"], rows["first_touch_on"])
    silent = _business_days(rows["last_touch_on"].fillna(rows["flagged_on"]), today).where(is_open)
    age = _business_days(rows["flagged_on"], today)
    is_past = is_open & (rows["wanted_on"] < today)
    level = pd.Series(LEVELS[-1][1], index=rows.index, dtype="object")
    for most, name in reversed(LEVELS[:-1]):
        level = level.where(~(age <= most), name)
    level = level.where(~(is_past & (level == LEVELS[0][1])), LEVELS[1][1]).where(is_open, None)
    untaken = first.fillna(age) > FIRST_TOUCH_DAYS
    is_late = is_open & ((rows["first_touch_on"].isna() & untaken) | (silent > UPDATE_DAYS) | is_past)
    return rows.assign(
        days_to_first_touch=first, days_silent=silent.astype("Int64"), level=level, is_late=is_late.astype(bool)
    )


def _business_days(start: pd.Series, end: pd.Series) -> pd.Series:
    """Business days from one day to the other; empty where either is."""
    both = start.notna() & end.notna()
    out = pd.Series(np.nan, index=start.index)
    days = (one[both].to_numpy().astype("datetime64[D]") for one in (start, end))
    out[both] = np.busday_count(*days)
    return out
