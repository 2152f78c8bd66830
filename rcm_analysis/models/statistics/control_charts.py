"""Control charts of a rate, and the day on which it changed: what is chance, and what is not.

A p chart takes every month for a draw of a binomial distribution. Counts of a real practice vary more
than that (patients come in groups, payers work in batches), and with thousands of lines a month such
limits are so narrow that a stable rate "signals" every third month. Laney's p' chart measures how much
more the months vary, and widens the limits by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import ParameterError

MEAN_RANGE_OF_TWO = 1.128
"""d2: the mean range of two draws of a standard normal distribution."""
SIGMAS = 3.0


def sigma_z(z: Sequence[float]) -> float:
    """How much more the standardised rates vary than chance alone would have it.

    Formula
        mean |z(i) - z(i-1)| / 1.128
    Counts
        Only neighbours in time: a lasting shift counts once, not in every month after it.
    Unit
        ratio of standard deviations; 1 is binomial
    Empty
        Fewer than two values: 1.
    Source
        D. B. Laney, Improved control charts for attributes, Quality Engineering 14(4), 2002

    >>> sigma_z([0.0, 1.128, 0.0])
    1.0
    """
    ranges = np.abs(np.diff(np.asarray(z, float)))
    return float(ranges.mean() / MEAN_RANGE_OF_TWO) if len(ranges) else 1.0


def laney_chart(
    counts: Sequence[int] | np.ndarray, totals: Sequence[int] | np.ndarray, *, sigmas: float = SIGMAS
) -> pd.DataFrame:
    """The rate of each period with the limits of Laney's p' chart.

    Formula
        centre = sum of counts / sum of totals; sigma = sqrt(centre (1 - centre) / total), as of a p chart
        z = (rate - centre) / sigma; sigma_z = `sigma_z` of the z of all periods
        lower, upper = centre -/+ sigmas x sigma x sigma_z, kept within 0 and 1
    Unit
        rates, 0 to 1; z in standard deviations, before it is divided by sigma_z; `is_signal` where the
        rate lies outside its limits
    Empty
        A period without a total has an empty rate, and no signal; fewer than two periods with a total:
        sigma_z is 1.
    Source
        D. C. Montgomery, Introduction to Statistical Quality Control, chapter 7 (p chart); D. B. Laney,
        Improved control charts for attributes, Quality Engineering 14(4), 2002

    >>> laney_chart([50, 70, 50, 70], [1000] * 4)["is_signal"].any()
    np.False_
    """
    count, total = _checked(counts, totals)
    seen = total > 0
    centre = count.sum() / total.sum() if seen.any() else np.nan
    rate = np.divide(count, total, out=np.full(len(count), np.nan), where=seen)
    sigma = np.sqrt(np.divide(centre * (1 - centre), total, out=np.full(len(count), np.nan), where=seen))
    varies = seen & (np.nan_to_num(sigma) > 0)
    z = np.divide(rate - centre, sigma, out=np.where(seen, 0.0, np.nan), where=varies)
    wider = sigma_z(z[seen])
    width = sigmas * sigma * wider
    lower, upper = np.clip(centre - width, 0, 1), np.clip(centre + width, 0, 1)
    signal = varies & ((rate < centre - width) | (rate > centre + width))
    return pd.DataFrame(
        {
            "rate": rate,
            "centre": centre,
            "sigma": sigma,
            "sigma_z": wider,
            "lower": lower,
            "upper": upper,
            "z": z,
            "is_signal": signal,
        }
    )


@dataclass(frozen=True)
class ChangePoint:
    """One change of a rate: the first period of the new rate, both rates, and how sure it is.

    `gain` is the log likelihood of two rates less that of one; `p_value` the chance of such a gain
    somewhere in the series if the rate never changed (Bonferroni over the places tried).
    """

    position: int
    rate_before: float
    rate_after: float
    gain: float
    p_value: float


def change_point(
    counts: Sequence[int], totals: Sequence[int], *, significance: float = 0.05, least: int = 1
) -> ChangePoint | None:
    """When a rate changed, if it did: the split of the periods that makes their counts most likely.

    Formula
        gain(k) = logL(before k) + logL(from k on) - logL(all), binomial, each part at its own rate
        position = the k of the largest gain; p = chi-squared tail (1 df) of 2 x gain, times the places tried
    Counts
        At least `least` periods on each side; periods without a total move nothing.
    Unit
        periods, from 0
    Empty
        None when p is above `significance`, or there are too few periods.
    Source
        D. V. Hinkley, Inference about the change-point in a sequence of binomial variables, Biometrika 57, 1970

    >>> found = change_point([5, 4, 6, 5, 30, 28], [100] * 6)
    >>> found.position, found.rate_before, found.rate_after
    (4, 0.05, 0.29)
    >>> change_point([5, 4, 6, 5, 6, 4], [100] * 6) is None
    True
    """
    from scipy import stats

    count, total = _checked(counts, totals)
    places = np.arange(least, len(count) - least + 1)
    if not len(places):
        return None
    before, of_before = count.cumsum()[places - 1], total.cumsum()[places - 1]
    after, of_after = count.sum() - before, total.sum() - of_before
    gain = _likelihood(before, of_before) + _likelihood(after, of_after) - _likelihood(count.sum(), total.sum())
    best = int(np.argmax(gain))
    p_value = min(1.0, float(stats.chi2.sf(2 * max(0.0, gain[best]), 1)) * len(places))
    if p_value > significance or not of_before[best] or not of_after[best]:
        return None
    rates = before[best] / of_before[best], after[best] / of_after[best]
    return ChangePoint(int(places[best]), float(rates[0]), float(rates[1]), float(gain[best]), p_value)


def _likelihood(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The largest binomial log likelihood; zero where nothing, or all, was counted."""
    count, total = np.asarray(count, float), np.asarray(total, float)
    rate = np.divide(count, total, out=np.zeros_like(total), where=total > 0)
    inside = (rate > 0) & (rate < 1)
    safe = np.where(inside, rate, 0.5)
    return np.where(inside, count * np.log(safe) + (total - count) * np.log(1 - safe), 0.0)


def _checked(counts: Sequence[int] | np.ndarray, totals: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count, total = np.asarray(counts, float), np.asarray(totals, float)
    if count.shape != total.shape or (count < 0).any() or (count > total).any():
        raise ParameterError(
            f"Counts should be as many as totals, and lie between 0 and them; found {count.size} counts and "
            f"{total.size} totals."
        )
    return count, total


FEWEST_BEFORE = 3
"""Months on each side of a change: fewer say nothing of what is usual."""


@dataclass(frozen=True)
class RateHistory:
    """The chart (rate, centre, lower, upper, is_signal by period) and the position of the first period of the new rate,
    if any."""

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
    chart = pd.DataFrame(
        {"rate": rate, "centre": centre, "lower": lower, "upper": upper, "is_signal": (rate < lower) | (rate > upper)}
    )
    return RateHistory(chart, None if changed is None else changed.position)
