"""How long things take in a self-pay programme, with what is still open counted as open and not left out.

An open dispute is no short dispute: its days so far are a lower bound (censored on the right). Medians
here are Kaplan–Meier's, and are empty while half of the cases have not come to an end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...errors import ParameterError, closest, listed
from ...ledger.registers import known, rows_of
from ...measures.self_pay.payment_plans import plans
from ...periods import Period
from ..statistics.estimators import OPEN, day_by_which, kaplan_meier, share_by

CLOCKS = {
    "disputes": ("disputes", "dispute_id", "opened_on", "closed_on"),
    "assistance": ("assistance_applications", "application_id", "applied_on", "decided_on"),
    "itemised": ("itemised_requests", "request_id", "requested_on", "sent_on"),
}
"""What is timed: its table and id, the day on which its clock starts, and the day on which it stops."""


def time_to_default(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The share of payment plans that have not broken, by days since they were agreed.

    Formula
        Kaplan–Meier over all plans: `open` is the share not yet broken; low and high its 95 % interval
    Counts
        Plans agreed by `as_of`, from the day agreed to the first day on which the plan was broken (as
        `measures.self_pay.payment_plans.plans` defines it, cured or not). A plan that did not break is watched to
        `as_of`, or to the day on which it was completed or cancelled: after that it cannot break.
    Date basis
        day agreed; instalments as known on `as_of`
    Unit
        shares, 0 to 1; a row for every day
    Empty
        No plan: no row.
    Source
        Kaplan and Meier (1958)

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = time_to_default(example_self_pay(), as_of=dt.date(2026, 4, 30))
    >>> found[["day", "at_risk", "ended", "open"]].iloc[-1].tolist()
    [87.0, 1.0, 1.0, 0.0]
    """
    rows = plans(tables, as_of=as_of)
    broke = rows["broke_on"].notna()
    ended = rows["broke_on"].where(broke, rows["closed_on"]).fillna(pd.Timestamp(as_of))
    return _survival(rows["opened_on"], ended, broke)


def default_shares(
    tables: Mapping[str, Any], *, as_of: dt.date, days: tuple[int, ...] = (90, 180, 365)
) -> pd.DataFrame:
    """The share of payment plans that broke within so many days, with its interval; empty beyond the longest plan
    watched.

    Formula
        broken = 1 - open of `time_to_default` on that day; low and high likewise
    Counts
        as `time_to_default`; plans: all of them; at_risk: plans watched to that day and not broken before
    Unit
        shares, 0 to 1; counts
    Empty
        No plan was watched so long: empty.

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> default_shares(example_self_pay(), as_of=dt.date(2026, 4, 30), days=(60, 180))[["day", "at_risk", "broken"]]
       day  at_risk  broken
    0   60      1.0     0.0
    1  180      0.0     NaN
    """
    table = time_to_default(tables, as_of=as_of)
    longest = table["day"].max() if len(table) else -1
    rows = []
    for day in days:
        seen = day <= longest
        values = {
            name: 1 - share_by(table, day, column) if seen else float("nan")
            for name, column in (("broken", OPEN), ("low", "high"), ("high", "low"))
        }
        at_risk = float(table.loc[table["day"] == day, "at_risk"].iloc[0]) if seen else 0.0
        rows.append(
            {"day": day, "plans": float(table["at_risk"].max()) if len(table) else 0.0, "at_risk": at_risk, **values}
        )
    return pd.DataFrame(rows, columns=["day", "plans", "at_risk", "broken", "low", "high"])


def turnaround(tables: Mapping[str, Any], what: str, *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """Median days to settle disputes, decide applications or send itemised statements, open ones counted as open.

    Formula
        median_days: first day by which half had ended (Kaplan–Meier), p90_days nine tenths
    Counts
        Cases that started in the period: "disputes", "assistance" or "itemised". ended and open on
        `as_of`; median_of_ended is the plain median of those that ended, beside it to show what
        leaving the open ones out would have said.
    Date basis
        day on which it was raised, applied for or asked for; ends as known on `as_of`
    Unit
        days; counts; one row
    Empty
        No case, or less than half ended: an empty median.
    Source
        Kaplan and Meier (1958)

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> turnaround(
    ...     example_self_pay(), "disputes", period=Period.month("2026-03").trailing(2), as_of=dt.date(2026, 4, 30)
    ... )
       cases  ended  open  median_days  p90_days  median_of_ended
    0      2      1     1         10.0       NaN             10.0
    """
    if what not in CLOCKS:
        raise ParameterError(f"Turnaround is known of {listed(CLOCKS)}; found {what!r}." + closest(what, CLOCKS))
    name, key, start, end = CLOCKS[what]
    rows = rows_of(known(tables, name, [key, start, end], as_of=as_of), ["client", key], [start, end])
    rows = rows[period.holds(rows[start].dt.date)] if len(rows) else rows
    is_over = rows[end].notna()
    table = _survival(rows[start], rows[end].fillna(pd.Timestamp(as_of)), is_over)
    over = (rows[end] - rows[start]).dt.days[is_over]
    return pd.DataFrame(
        {
            "cases": [len(rows)],
            "ended": [int(is_over.sum())],
            "open": [int((~is_over).sum())],
            "median_days": [day_by_which(table, 0.5, OPEN)],
            "p90_days": [day_by_which(table, 0.9, OPEN)],
            "median_of_ended": [float(over.median()) if len(over) else float("nan")],
        }
    )


def _survival(start: pd.Series, ended: pd.Series, happened: pd.Series) -> pd.DataFrame:
    """Kaplan–Meier from the first day to the last; anything that happened is an end."""
    days = (ended - start).dt.days.clip(lower=0)
    return kaplan_meier(days, ["paid" if done else OPEN for done in happened])
