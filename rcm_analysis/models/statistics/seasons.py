"""What comes back every year: weeks in which nothing is posted, deductibles in spring, holidays in summer.

A week's deviation is expected again a year later as far as deviations have come back before. Years
that have nothing to do with each other teach nothing, and then nothing is repeated.

When insurers close their books at the year's end, what they would have paid comes in January. Not all do: the gap is
expected where the client's own records show one, and before that it only widens the band.
"""

from __future__ import annotations

import numpy as np

YEAR_WEEKS = 52
FEWEST_PAIRS = 26
"""At least half a year of weeks must be known twice before any week is taken as typical."""

USUAL_PAUSE, PAUSE_SPREAD = 0.0, 0.5
"""Which part of insurers' money waits over the year's end before a client's own was seen: none, give or take half.
Some payers publish that they pay nothing then, others that a holiday costs them a day: nothing says which are a
client's."""


def repeated(ratio: np.ndarray, weeks_ahead: int) -> tuple[np.ndarray, np.ndarray]:
    """The deviation to expect in future weeks, and the one that was to be expected in past weeks.

    Formula
        share = slope of this year's deviations on last year's (through 0), from 0 to 1, times t^2 / (1 + t^2)
        with t its ratio to its standard error; expected = share x deviation 52 weeks before
    Counts
        `ratio`: actual / usual - 1 by week, the oldest first, without the weeks in which the records
        begin. A straight line is taken out of it first.
    Unit
        ratios
    Empty
        Fewer than 26 weeks known twice: zeros.

    >>> wave = np.sin(np.arange(120) / 52 * 2 * np.pi) / 10
    >>> ahead, _ = repeated(wave, 2)
    >>> bool(np.allclose(ahead, wave[68:70], atol=0.01))
    True
    """
    pairs = len(ratio) - YEAR_WEEKS
    past = np.zeros(len(ratio))
    if pairs < FEWEST_PAIRS:
        return np.zeros(weeks_ahead), past
    place = np.arange(len(ratio))
    level = ratio - np.polyval(np.polyfit(place, ratio, 1), place)
    before, after = level[:pairs], level[YEAR_WEEKS:]
    share = shrunk_slope(before, after)
    share = float(np.clip(share, 0, 1))
    past[YEAR_WEEKS:] = share * before
    year = level[-YEAR_WEEKS:]
    return share * year[np.arange(weeks_ahead) % YEAR_WEEKS], past


def shrunk_slope(given: np.ndarray, found: np.ndarray) -> float:
    """The slope of `found` on `given` through 0, drawn towards 0 by how uncertain it is.

    Formula
        slope x t^2 / (1 + t^2), t = slope / standard error
    Unit
        found per given

    >>> round(shrunk_slope(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.1, 5.9])), 1)
    2.0
    """
    squares = float(given @ given)
    if squares <= 0 or len(given) < 3:
        return 0.0
    slope = float(given @ found) / squares
    rest = found - slope * given
    variance = float(rest @ rest) / (len(given) - 1) / squares
    return slope**3 / (slope**2 + variance) if slope else 0.0


def is_year_end(first_day: int, days: int) -> np.ndarray:
    """Which of the days from `first_day` lie between 24 December and 1 January, both included.

    >>> np.flatnonzero(is_year_end(20_443, 14)).tolist()
    [3, 4, 5, 6, 7, 8, 9, 10, 11]
    """
    dates = (first_day + np.arange(days)).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day, month = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1, months.astype(np.int64) % 12 + 1
    return ((month == 12) & (day >= 24)) | ((month == 1) & (day == 1))


def postponed(cash: np.ndarray, pause: np.ndarray, *, first_day: int) -> np.ndarray:
    """The same cash with the share `pause`, by stream, of the year's end moved to the same weekday after it.

    Formula
        moved by 7 days, or by 14 where that is still the year's end: payers remit on their weekday
    Counts
        What would move beyond the last day is left out.
    Unit
        cents per day; the last two axes are day and stream
    Source
        payers' notices, such as that of the Children's Medical Services plan of Florida: no payment in the week of
        30 December 2018, for the year's closing and its tax forms (Provider News and Alerts, 2018)

    >>> postponed(np.ones((16, 1)), np.array([0.5]), first_day=20_446)[:, 0].tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5, 1.5, 2.0, 2.0]
    """
    days = cash.shape[-2]
    closed = is_year_end(first_day, days + 7)
    out = cash.copy()
    for day in np.flatnonzero(closed[:days]):
        moved = cash[..., day, :] * pause
        out[..., day, :] -= moved
        later = day + (14 if closed[day + 7] else 7)
        if later < days:
            out[..., later, :] += moved
    return out


def pause_share(actual: np.ndarray, expected: np.ndarray, *, first_day: int) -> float:
    """Which part of the cash of a year's end comes after it: as in the years seen; none where they say little.

    Formula
        1 - actual / expected of the days from 24 December to 1 January, and none give or take half, each weighed by
        1 / variance; the variance is that of the weeks (actual - expected), as many as those days make
    Counts
        `actual` and `expected` by day, whole weeks
    Unit
        share, 0 to 1
    Empty
        no year's end seen, or nothing expected in it: 0

    >>> expected = np.ones(364)
    >>> bool(
    ...     pause_share(postponed(expected[:, None], np.ones(1), first_day=20_300)[:, 0], expected, first_day=20_300)
    ...     > 0.9
    ... )
    True
    """
    closed = is_year_end(first_day, len(actual))
    usual = float(expected[closed].sum())
    if usual <= 0:
        return USUAL_PAUSE
    errors = (actual - expected).reshape(-1, 7).sum(axis=1)
    variance = float(errors.var()) * float(closed.sum()) / 7 / usual**2
    own = PAUSE_SPREAD**2 / (PAUSE_SPREAD**2 + variance)
    found = 1 - float(actual[closed].sum()) / usual
    return float(np.clip(own * found + (1 - own) * USUAL_PAUSE, 0, 1))
