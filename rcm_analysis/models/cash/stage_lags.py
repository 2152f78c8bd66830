"""Lags in stages: uploaded, billed by the lead Health Home, paid to it by plan or State, paid on to the agency.

Each stage has its own waiting time, and money that has not come may wait in any of them. The stages are
estimated one by one from dated units, units still waiting counted as waiting, and laid end to end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import ParameterError, TableError, listed
from ..statistics.estimators import OPEN, cumulative_incidence

HEALTH_HOME_STAGES = ("uploaded_on", "lead_billed_on", "lead_paid_on", "agency_paid_on")
"""Dates of a billable unit, in order; each but the first ends a stage."""


def convolved(*stages: Sequence[float]) -> np.ndarray:
    """The shares that arrive on each day when one stage follows the other and they are independent.

    Formula
        total(d) = sum over k of first(k) x second(d - k), and so on
    Counts
        Position d of each stage is the share that takes d days. A stage may sum to less than one:
        the rest never passes, and the total sums to the product of the sums.
    Unit
        shares

    >>> convolved([0.0, 1.0], [0.5, 0.0, 0.4]).tolist()
    [0.0, 0.5, 0.0, 0.4]
    """
    total = np.ones(1)
    for number, stage in enumerate(stages):
        shares = np.asarray(stage, dtype=float)
        if not len(shares) or not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() > 1 + 1e-9:
            raise ParameterError(
                f"Stage {number + 1} should hold shares of zero or more that sum to at most 1; "
                f"found {len(shares)} of them with sum {shares.sum():.6g}."
            )
        total = np.convolve(total, shares)
    return total


def stage_lags(
    units: pd.DataFrame, *, as_of: dt.date, stages: Sequence[str] = HEALTH_HOME_STAGES, weight: str | None = None
) -> pd.DataFrame:
    """The incidence of every stage, from dated units, as known on `as_of`.

    Formula
        `cumulative_incidence` of the days from one date to the next; a unit that entered a stage and
        has not left it by `as_of` is open in it
    Counts
        Units by the day on which they entered the stage, `as_of` included; dates after `as_of` are
        not known yet. `weight` names a column of cents or units. Dates must be in order.
    Unit
        shares, 0 to 1
    Empty
        A stage that no unit has entered has no row.

    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01"])
    >>> units = pd.DataFrame({"a_on": days, "b_on": [days[0] + pd.Timedelta(days=9), pd.NaT]})
    >>> found = stage_lags(units, as_of=dt.date(2026, 2, 1), stages=["a_on", "b_on"])
    >>> found.query("day == 9")[["stage", "at_risk", "paid"]].to_string(index=False, header=False)
    'b_on 2.0 0.5'
    """
    missing = [name for name in (*stages, *([weight] if weight else [])) if name not in units]
    if missing or len(stages) < 2:
        raise TableError(f"Stages need at least two columns of dates; {listed(missing) or 'one of them'} is missing.")
    dates = {name: pd.to_datetime(units[name]) for name in stages}
    cut = pd.Timestamp(as_of)
    found = []
    for start, end in zip(stages[:-1], stages[1:], strict=True):
        backwards = (dates[end] < dates[start]) | (dates[end].notna() & dates[start].isna())
        if backwards.any():
            raise TableError(
                f"{end} should not be before {start}, nor filled where {start} is empty; found {int(backwards.sum())} of "
                f"{len(units)} units otherwise, first at row {int(np.flatnonzero(backwards)[0]) + 1}."
            )
        entered = (dates[start] <= cut).to_numpy()
        passed = (dates[end] <= cut)[entered]
        until = dates[end][entered].where(passed, cut)
        days = (until - dates[start][entered]).dt.days
        cents = units.loc[entered, weight] if weight else None
        table = cumulative_incidence(days, np.where(passed, "paid", OPEN), weight=cents)
        found.append(table[["day", "at_risk", "paid", OPEN]].assign(stage=end))
    return pd.concat(found, ignore_index=True)[["stage", "day", "at_risk", "paid", OPEN]]


def total_lag(stages: pd.DataFrame) -> pd.DataFrame:
    """From the first date to the last: the stages of `stage_lags` laid end to end.

    Formula
        convolution of the daily shares of the stages; open = 1 - paid: late, or never
    Counts
        Stages are taken as independent. Where the longest waits are still open, a stage's
        share passed stays below one, and so does the total: nothing is assumed about them.
    Unit
        shares, 0 to 1
    Empty
        a stage without rows: no row

    >>> stages = pd.DataFrame({"stage": ["b", "b", "c", "c"], "day": [0, 1, 0, 1], "paid": [0.0, 1.0, 0.5, 1.0]})
    >>> total_lag(stages)["paid"].tolist()
    [0.0, 0.5, 1.0]
    """
    shares = [np.diff(part["paid"].to_numpy(), prepend=0.0) for _, part in stages.groupby("stage", sort=False)]
    if not shares:
        return pd.DataFrame({"day": pd.Series(dtype="int64"), "paid": [], OPEN: []})
    paid = np.cumsum(convolved(*[np.clip(share, 0, None) for share in shares]))
    return pd.DataFrame({"day": np.arange(len(paid)), "paid": paid, OPEN: 1.0 - paid})
