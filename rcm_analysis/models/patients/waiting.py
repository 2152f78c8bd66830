"""Waiting counted as waiting: how soon patients come back, and how soon complaints are answered.

Who has not come back yet may still do so: the newest patients are censored, not lost. Kaplan and Meier's
estimator uses every day that they were watched, and stops where nobody was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...measures.engagement.experience import answer_waits
from ...periods import Period
from ...tables.frames import collect, source
from ..statistics.estimators import OPEN, day_by_which, kaplan_meier

YEAR = 365
MARKS = (90, 180, 365)
CAME = "paid"
"""The estimators call every end by a claim's word; here it means: came back, or was answered."""


def retention(tables: Mapping[str, Any], *, as_of: dt.date, quarters: int = 8) -> pd.DataFrame:
    """The share of patients who come back within a year of a visit, by the quarter of that visit.

    Formula
        back(t) = 1 - Kaplan-Meier share that has not returned by day t; low, high: its 95 % interval
    Counts
        A patient belongs to each quarter in which they kept an appointment, from the last one kept in it;
        the return is their next kept appointment. Not yet returned on `as_of`: watched until then.
        back_90, back_180, back_365 are empty where no patient of the quarter was watched so long;
        is_whole: the whole quarter was watched for a year. Everybody counts, also who moved away or died:
        the tables do not say.
    Unit
        shares, 0 to 1; patients and returned are counts
    Empty
        No kept appointment: no row.
    Source
        Kaplan and Meier (1958); retention over twelve months is our own reading of the usual definition

    >>> from rcm_analysis.examples.office import example_office
    >>> retention(example_office(), as_of=dt.date(2026, 10, 31))[["quarter", "patients", "returned", "is_whole"]]
       quarter  patients  returned  is_whole
    0  2026-Q4         3         0     False
    """
    visits = _kept(tables, as_of)
    rows = []
    first = pd.Period(as_of, "Q") - (quarters - 1)
    for quarter in pd.period_range(first, pd.Period(as_of, "Q")):
        inside = visits[(visits["scheduled_on"] >= quarter.start_time) & (visits["scheduled_on"] <= quarter.end_time)]
        if inside.empty:
            continue
        last = inside.groupby("patient")["place"].max()
        index = visits.loc[last.to_numpy()]
        returned = index["next_on"].notna()
        until = index["next_on"].fillna(pd.Timestamp(as_of))
        days = (until - index["scheduled_on"]).dt.days.to_numpy()
        rows.append(
            (
                str(quarter).replace("Q", "-Q"),
                len(index),
                int(returned.sum()),
                *_back(days, returned.to_numpy()),
                quarter.end_time + pd.Timedelta(days=YEAR) <= pd.Timestamp(as_of) + pd.Timedelta(days=1),
            )
        )
    shares = [f"back_{day}" for day in MARKS]
    return pd.DataFrame(rows, columns=["quarter", "patients", "returned", *shares, "low", "high", "is_whole"])


def _kept(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Days on which each patient kept an appointment, with the next such day; one row a day."""
    rows = (
        source(tables, "appointments", ["patient", "scheduled_on", "status"])
        .filter(nw.col("status") == "kept", nw.col("scheduled_on") <= as_of)
        .select("patient", "scheduled_on")
        .unique()
    )
    visits = collect(rows, ["patient"], dates=["scheduled_on"]).sort_values(
        ["patient", "scheduled_on"], ignore_index=True
    )
    following = visits["scheduled_on"].shift(-1).where(visits["patient"] == visits["patient"].shift(-1))
    return visits.assign(next_on=following, place=np.arange(len(visits)))


def _back(days: np.ndarray, returned: np.ndarray) -> tuple[float, ...]:
    """The share back by each of MARKS, and the interval of the last; empty beyond the longest watch."""
    table = kaplan_meier(list(days), list(np.where(returned, CAME, OPEN)))
    longest = int(days.max())
    values = []
    for mark in MARKS:
        row = table[table["day"] <= mark].iloc[-1]
        values.append(
            (1 - row[OPEN], 1 - row["high"], 1 - row["low"]) if longest >= mark or returned.all() else (np.nan,) * 3
        )
    return (*(value[0] for value in values), values[-1][1], values[-1][2])


def answer_time(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """How many days half of the complaints, and nine in ten, waited for an answer; open ones counted as open.

    Formula
        median_days, p90_days = first day by which the Kaplan-Meier share still waiting is 50 % or 10 % at most
    Counts
        Complaints received in the period, watched to its last day.
    Unit
        days; complaints and open are counts
    Empty
        None received, or fewer than half (nine in ten) answered so far: empty.
    Source
        Kaplan and Meier (1958)

    >>> from rcm_analysis.examples.office import example_office
    >>> answer_time(example_office(), period=Period.month("2026-10"))
       complaints  open  median_days  p90_days
    0           3     1         12.0       NaN
    """
    waits = answer_waits(tables, period=period)
    table = kaplan_meier(waits["days"], list(np.where(waits["is_open"], OPEN, CAME)), weight=waits["entries"])
    median, p90 = (day_by_which(table, share, OPEN) for share in (0.5, 0.9)) if len(table) else (np.nan, np.nan)
    complaints, still = int(waits["entries"].sum()), int(waits.loc[waits["is_open"], "entries"].sum())
    return pd.DataFrame({"complaints": [complaints], "open": [still], "median_days": [median], "p90_days": [p90]})
