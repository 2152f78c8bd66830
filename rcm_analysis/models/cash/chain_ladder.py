"""Completion factors: of what a billing month brings in the end, how much is in by each lag (chain-ladder)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import ParameterError


def paid_triangle(
    origin: Sequence[int], lag: Sequence[int], amount: Sequence[float], *, last_lag: Sequence[int] | int
) -> pd.DataFrame:
    """Amounts cumulated by origin (row) and lag (column); empty where the lag lies after the cut.

    Formula
        cell = sum of the amounts of the origin with that lag or a shorter one
    Counts
        `origin` is the number of the billing month, `lag` the months from it to the payment.
        `last_lag` says how many lags each origin has been watched: one number per origin from the
        first to the last, or the lag of the first origin, each later one being watched one less.
    Unit
        that of `amount`
    Empty
        An origin without an amount is a row of zeros as far as it was watched.

    >>> paid_triangle([0, 0, 1], [0, 1, 0], [60, 40, 50], last_lag=1)
    lag       0      1
    origin
    0      60.0  100.0
    1      50.0    NaN
    """
    start, late, cents = np.asarray(origin, np.int64), np.asarray(lag, np.int64), np.asarray(amount, float)
    if (late < 0).any():
        raise ParameterError(
            f"`lag` should be zero or more; found {(late < 0).sum()} of {len(late)} below zero: paid before billed."
        )
    rows = (start.max() + 1 if len(start) else 0) if np.isscalar(last_lag) else len(last_lag)
    watched = np.arange(last_lag, last_lag - rows, -1) if np.isscalar(last_lag) else np.asarray(last_lag, np.int64)
    columns = int(watched.max()) + 1 if rows else 0
    inside = (late < columns) & (late <= watched[start]) if len(start) else np.zeros(0, bool)
    cells = np.zeros((rows, columns))
    np.add.at(cells, (start[inside], late[inside]), cents[inside])
    cells = np.where(np.arange(columns) <= watched[:, None], cells.cumsum(axis=1), np.nan)
    return pd.DataFrame(cells, index=pd.RangeIndex(rows, name="origin"), columns=pd.RangeIndex(columns, name="lag"))


def completion_factors(triangle: pd.DataFrame) -> pd.DataFrame:
    """Link ratios, weighted by volume, and the share of the final amount that is in by each lag.

    Formula
        link_ratio(k) = sum of lag k+1 / sum of lag k, over the origins that have both
        completion(k) = 1 / product of link_ratio(j) for j >= k; 1 at the last lag
    Counts
        A cumulative triangle: one row per origin, one column per lag, empty after the cut. It says
        nothing about what is never paid: completion is of the final amount, not of the billed one.
        Nothing is added for lags beyond the last column.
    Unit
        link_ratio and completion are ratios; `origins` counts the rows behind a link ratio
    Empty
        A lag without an amount in any origin has an empty ratio, and so have the earlier completions.
    Source
        volume-weighted chain-ladder; Mack (1993)

    >>> completion_factors(pd.DataFrame([[60.0, 90.0, 100.0], [50.0, 80.0, None], [40.0, None, None]]))
       lag  origins  link_ratio  completion
    0    0        2    1.545455    0.582353
    1    1        1    1.111111    0.900000
    2    2        0         NaN    1.000000
    """
    cells = _cells(triangle)
    both = ~np.isnan(cells[:, 1:]) & ~np.isnan(cells[:, :-1])
    top, bottom = np.where(both, cells[:, 1:], 0).sum(axis=0), np.where(both, cells[:, :-1], 0).sum(axis=0)
    links = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    ahead = np.concatenate([np.cumprod(links[::-1])[::-1], [1.0]])
    return pd.DataFrame(
        {
            "lag": triangle.columns.to_numpy(),
            "origins": np.append(both.sum(axis=0), 0),
            "link_ratio": np.append(links, np.nan),
            "completion": np.divide(1.0, ahead, out=np.full(len(ahead), np.nan), where=ahead > 0),
        }
    )


def ultimates(triangle: pd.DataFrame) -> pd.DataFrame:
    """What each origin comes to in the end, what of it is in, what is to come, and its standard error.

    Formula
        ultimate = amount in / completion at its last lag; to_come = ultimate - amount in
        std_error: Mack's, from the spread of the single link ratios around the weighted one
    Counts
        as `completion_factors`. Young origins rest on few dollars: with a completion under 40 % the
        figure is hardly worth having (`credibility` is 0 there, and 1 from 80 % on).
    Unit
        that of the triangle; completion and credibility are shares
    Empty
        An origin not watched at all has empty figures.
    Source
        Mack (1993); the credibility limits are a practitioners' rule

    >>> ultimates(pd.DataFrame([[60.0, 90.0], [50.0, None]]))[["ultimate", "to_come"]]
       ultimate  to_come
    0      90.0      0.0
    1      75.0     25.0
    """
    cells = _cells(triangle)
    factors = completion_factors(triangle)
    last = (~np.isnan(cells)).sum(axis=1) - 1
    amount = np.where(last >= 0, cells[np.arange(len(cells)), last], np.nan)
    completion = np.where(last >= 0, factors["completion"].to_numpy()[last], np.nan)
    ultimate = np.divide(amount, completion, out=np.full(len(amount), np.nan), where=completion > 0)
    return pd.DataFrame(
        {
            "origin": triangle.index.to_numpy(),
            "amount": amount,
            "completion": completion,
            "ultimate": ultimate,
            "to_come": ultimate - amount,
            "std_error": _mack(cells, factors["link_ratio"].to_numpy()[:-1], last, ultimate),
            "credibility": np.clip((completion - 0.4) / 0.4, 0, 1),
        }
    )


def _mack(cells: np.ndarray, links: np.ndarray, last: np.ndarray, ultimate: np.ndarray) -> np.ndarray:
    start, end = cells[:, :-1], cells[:, 1:]
    both = ~np.isnan(end)
    count = both.sum(axis=0)
    single = np.divide(end, start, out=np.zeros_like(end), where=both & (start > 0))
    spread = np.where(both, start * (single - links) ** 2, 0).sum(axis=0)
    variance = np.divide(spread, count - 1, out=np.full(len(links), np.nan), where=count > 1)
    if len(variance) > 2 and np.isnan(variance[-1]):
        before, earlier = variance[-2], variance[-3]
        variance[-1] = min(before**2 / earlier if earlier > 0 else 0.0, earlier, before)
    volume = np.where(both, start, 0).sum(axis=0)
    squares = np.zeros(len(cells))
    for row, known in enumerate(last):
        if known < 0:
            squares[row] = np.nan
            continue
        running = cells[row, known]
        for lag in range(known, len(links)):
            squares[row] += variance[lag] / links[lag] ** 2 * (1 / running + 1 / volume[lag])
            running *= links[lag]
    return ultimate * np.sqrt(squares)


def _cells(triangle: pd.DataFrame) -> np.ndarray:
    cells = triangle.to_numpy(dtype=float)
    seen = ~np.isnan(cells)
    holes = (seen[:, 1:] & ~seen[:, :-1]).any(axis=1)
    if holes.any():
        raise ParameterError(
            f"A triangle is empty only after the cut; found {holes.sum()} of {len(cells)} origins with an empty lag before a "
            f"filled one, first at row {np.flatnonzero(holes)[0]}. Use 0 where nothing was paid."
        )
    return cells
