"""A rate by month beside the limits of its own past: what is usual is learnt from the months before the rate changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .control_charts import SIGMAS, change_point, laney_chart, sigma_z

FEWEST_BEFORE = 3
"""Months on each side of a change: fewer say nothing of what is usual."""


@dataclass(frozen=True)
class RateHistory:
    """The chart (rate, centre, lower, upper, is_signal by period) and the position of the first period of the new rate, if any."""

    chart: pd.DataFrame
    changed_at: int | None


def rate_history(counts: Sequence[int], totals: Sequence[int]) -> RateHistory:
    """The rate of each period with the limits that were usual before it changed, or over all periods if it did not.

    Formula
        centre = counts / totals of the periods before the change (`control_charts.change_point`)
        limits = centre -/+ 3 x sqrt(centre (1 - centre) / total) x max(1, sigma_z of these periods), within 0 and 1
    Unit
        rates, 0 to 1
    Empty
        A period without a total has an empty rate, and no signal.

    >>> found = rate_history([5, 4, 6, 5, 30, 28, 31], [100] * 7)
    >>> found.changed_at, found.chart["is_signal"].tolist()
    (4, [False, False, False, False, True, True, True])
    """
    changed = change_point(counts, totals, least=FEWEST_BEFORE)
    until = len(counts) if changed is None else changed.position
    before = laney_chart(counts[:until], totals[:until])
    number = np.asarray(totals, float)
    known = np.where(number > 0, number, np.nan)
    rate, centre = np.asarray(counts, float) / known, float(before["centre"].iloc[0])
    spread = SIGMAS * np.sqrt(centre * (1 - centre) / known) * max(1.0, sigma_z(before["z"].dropna()))
    lower, upper = np.clip(centre - spread, 0, 1), np.clip(centre + spread, 0, 1)
    chart = pd.DataFrame({"rate": rate, "centre": centre, "lower": lower, "upper": upper, "is_signal": (rate < lower) | (rate > upper)})
    return RateHistory(chart, None if changed is None else changed.position)
