"""The payers' time limits: which one is in force on the day a clock starts, and when it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import optional
from ...ledger.ratios import quotient
from ...tables.frames import collect, source

MEDICARE = "medicare"
"""Class of the payers that the rules of Medicare bind."""
CALENDAR_YEAR = (365, 366)
PRESUMED_RECEIPT_DAYS = 5


def with_limit(
    rows: pd.DataFrame, tables: Mapping[str, Any], limit: str, *, as_of: dt.date, payer: str = "payer"
) -> pd.DataFrame:
    """The rows, which have `client`, `payer` and `starts_on`, with their deadline.

    Formula
        window_days = the limit that the payer's rules give on the day the clock starts
        deadline_on = starts_on + window_days;  days_left = deadline_on - as_of
        used_share = (as_of - starts_on) / window_days
    Counts
        A payer without a rule on that day has no deadline that could be known: all four are empty.
        The deadline is the last day on which the step still counts.
        Payers of the class "medicare" in the table `payers`, as Medicare's own rules say: to file, 365 or
        366 days are one calendar year, which ends on the same date of the next year (February 28 for
        February 29); to appeal, the decision counts as received five days after it was dated. Their
        window_days are the days that result. Without the table no payer is Medicare.
    Source
        42 CFR 424.44 (one calendar year) with the Medicare Claims Processing Manual, chapter 1, section 70
        (February 29); 42 CFR 405.942 (a request within 120 days of receipt, presumed five days after the notice)
    """
    rules = collect(
        source(tables, "payer_rules", ["client", "payer", "effective_from", "effective_to", limit])
        .filter(~nw.col(limit).is_null())
        .rename({limit: "window_days"}),
        ["client", "payer"],
        dates=["effective_from", "effective_to"],
    ).rename(columns={"payer": payer})
    numbered = rows.reset_index(drop=True).rename_axis("row").reset_index()
    both = numbered[["row", "client", payer, "starts_on"]].merge(rules, on=["client", payer])
    ends = both["effective_to"].isna() | (both["effective_to"] >= both["starts_on"])
    held = both[ends & (both["effective_from"] <= both["starts_on"])].sort_values(["row", "effective_from"])
    days = numbered["row"].map(held.drop_duplicates("row", keep="last").set_index("row")["window_days"]).astype("Int64")
    days = _medicare_days(numbered, days, tables, limit, payer)
    today = pd.Timestamp(as_of)
    deadline = numbered["starts_on"] + pd.to_timedelta(days.astype("float64"), unit="D")
    used = (today - numbered["starts_on"]).dt.days
    return numbered.drop(columns="row").assign(
        window_days=days,
        deadline_on=deadline.astype("datetime64[us]"),
        days_left=(deadline - today).dt.days.astype("Int64"),
        used_share=quotient(used, days.astype("float64")),
    )


def _medicare_days(rows: pd.DataFrame, days: pd.Series, tables: Mapping[str, Any], limit: str, payer: str) -> pd.Series:
    """The days of each window; those of Medicare by its own rules of filing and appeal."""
    if optional(tables, "payers") is None:
        return days
    classes = collect(source(tables, "payers", ["payer", "payer_class"]), ["payer", "payer_class"])
    is_theirs = rows[payer].isin(classes.loc[classes["payer_class"] == MEDICARE, "payer"])
    if limit == "appeal_limit_days":
        return days.where(~is_theirs, days + PRESUMED_RECEIPT_DAYS)
    year = ((rows["starts_on"] + pd.DateOffset(years=1)) - rows["starts_on"]).dt.days.astype("Int64")
    return days.where(~(is_theirs & days.isin(CALENDAR_YEAR).fillna(False)), year)
