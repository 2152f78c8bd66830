"""Coordinators whose latest months are lost, or billed on too few days, against what is usual in the programme."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...ledger.ratios import half_up, quotient
from ...measures.coordination.billed import months_billed, months_given

CHANCE = 0.01
"""How likely a client without any problem is to be reported at all, at one look."""
FEWEST = 5
LEAST_SHARE = 0.25
"""Share of a coordinator's months that must be lost before it is called a habit: single lapses belong to every
month."""
COLUMNS = [
    "client",
    "coordinator",
    "onset_month",
    "last_month",
    "months",
    "not_billed",
    "expected",
    "usual_rate",
    "rate",
    "not_billed_cents",
    "excess_cents",
    "chance",
]


def unbilled_contacts(tables: Mapping[str, Any], *, as_of: dt.date, chance: float = CHANCE) -> pd.DataFrame:
    """Coordinators whose member-months are no longer billed, since when, and the dollars above what is usual.

    Formula
        rate = not_billed / months of the coordinator from the onset to the last month
        usual_rate = (not billed + 1) / (months + 3) of everybody else and of the coordinator's own months
        before the onset; excess_cents = not_billed_cents - usual_rate * dollars of those months
        The onset is the month from which the run to the last month is least likely at the usual rate
        (binomial tail); it is reported when that chance, times the number of coordinators and months
        looked at, is below `chance`, with 5 lost months or more, and a quarter of the months lost.
    Counts
        Member-months as `measures.coordination.months_given`: core service given, window over.
    Date basis
        month of service
    Unit
        member-months; cents at the published rate
    Empty
        No such coordinator: no row.
    Source
        our own; 1 and 3 are added for want of history

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> len(unbilled_contacts(example_coordination(), as_of=dt.date(2026, 10, 31)))
    0
    """
    months = months_given(tables, as_of=as_of)
    return _habits(months.assign(lost=~months["is_billed"]), chance)


def one_day_contacts(tables: Mapping[str, Any], *, as_of: dt.date, chance: float = CHANCE) -> pd.DataFrame:
    """Coordinators whose months are billed on contacts of too few days, since when, and the dollars that an audit may
    take back.

    Formula
        as `unbilled_contacts`: not_billed counts the billed months whose contacts fall on fewer days than the level
        needs, of all billed months
    Counts
        Member-months as `measures.coordination.months_billed`
    Date basis
        month of service
    Unit
        member-months; cents at the published rate
    Empty
        No such coordinator: no row.
    Source
        as `unbilled_contacts`

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> len(one_day_contacts(example_coordination(), as_of=dt.date(2026, 10, 31)))
    0
    """
    months = months_billed(tables, as_of=as_of)
    return _habits(months.assign(lost=months["is_short"]), chance)


def _habits(months: pd.DataFrame, chance: float) -> pd.DataFrame:
    """The coordinators whose `lost` months are more than chance explains."""
    months = months.assign(
        lost=months["lost"].astype("int64"), lost_cents=months["rate_cents"].where(months["lost"].astype(bool), 0)
    )
    cells = months.groupby(["client", "coordinator", "month"], as_index=False).agg(
        months=("lost", "size"), lost=("lost", "sum"), cents=("rate_cents", "sum"), lost_cents=("lost_cents", "sum")
    )
    found = [
        _latest_run(own, cells[cells["client"] == client], chance)
        for (client, _), own in cells.groupby(["client", "coordinator"])
    ]
    found = [one for one in found if one]
    return pd.DataFrame(found, columns=COLUMNS).sort_values("excess_cents", ascending=False, ignore_index=True)


def _latest_run(own: pd.DataFrame, everybody: pd.DataFrame, chance: float) -> dict[str, Any] | None:
    """The least likely run of the coordinator's months up to the last one, or nothing."""
    from scipy.stats import binom

    own = own.sort_values("month", ignore_index=True)
    run = own[["months", "lost", "cents", "lost_cents"]][::-1].cumsum()[::-1]
    rest = everybody[["months", "lost"]].sum() - run[["months", "lost"]]
    usual = quotient(rest["lost"] + 1, rest["months"] + 3)
    tail = pd.Series(binom.sf(run["lost"] - 1, run["months"], usual), index=own.index)
    at = int(np.argmin(tail))
    adjusted = min(1.0, float(tail[at]) * len(everybody))
    lost, size = int(run["lost"][at]), int(run["months"][at])
    rate = float(quotient(run["lost"], run["months"])[at])
    if adjusted > chance or lost < FEWEST or rate < LEAST_SHARE:
        return None
    usual_cents = int(half_up(usual * run["cents"])[at])
    return {
        "client": own["client"][at],
        "coordinator": own["coordinator"][at],
        "onset_month": own["month"][at],
        "last_month": own["month"].iloc[-1],
        "months": size,
        "not_billed": lost,
        "expected": float(usual[at] * size),
        "usual_rate": float(usual[at]),
        "rate": rate,
        "not_billed_cents": int(run["lost_cents"][at]),
        "excess_cents": int(run["lost_cents"][at]) - usual_cents,
        "chance": adjusted,
    }
