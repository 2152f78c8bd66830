"""The payers' time limits: which one is in force on the day a clock starts, and when it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.ratios import quotient
from ...tables.frames import collect, source


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
    today = pd.Timestamp(as_of)
    deadline = numbered["starts_on"] + pd.to_timedelta(days.astype("float64"), unit="D")
    used = (today - numbered["starts_on"]).dt.days
    return numbered.drop(columns="row").assign(
        window_days=days,
        deadline_on=deadline.astype("datetime64[us]"),
        days_left=(deadline - today).dt.days.astype("Int64"),
        used_share=quotient(used, days.astype("float64")),
    )
