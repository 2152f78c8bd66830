"""What share of claims is paid, denied or written off by each age in days (Aalen–Johansen, Kaplan–Meier).

A claim that is still open has not ended yet; the estimators use it up to its present age (it is censored on the right).
A denied or written-off claim has ended, and cannot be paid any more (denial competes with payment). To treat it as open
would promise money that never comes: in the reference simulation 86 of 100 claims are paid in the end; Aalen–Johansen
says 86, and one minus Kaplan–Meier with the denials left open says 98.

Ages are whole days. A claim that is 30 days old and open on the last day of the records counts among those that could
have ended on day 30. When claims end in several ways on one day, all of them are taken from the claims open at the
start of that day; no order among them is assumed, and nothing is drawn at random.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ParameterError, closest, listed

OPEN = "open"
ENDS = ("paid", "denied", "written_off")
"""The ends that every result has a column for."""

OTHER_ENDS = ("patient",)
"""The end that has a column only where it occurs: the claim was wholly passed on to the patient."""

LONGEST_DAYS = 36_525
"""A claim older than a hundred years is a wrong date."""


def cumulative_incidence(
    days: Sequence[int],
    end: Sequence[str],
    *,
    weight: Sequence[float] | None = None,
    entry: Sequence[int] | None = None,
) -> pd.DataFrame:
    """The share of claims that ended in each way by each day (Aalen–Johansen, exact for whole days).

    Formula
        open(t) = open(t-1) x (1 - ends(t) / at_risk(t))
        paid(t) = paid(t-1) + open(t-1) x paid ends on day t / at_risk(t), and so for every end
        paid + denied + written_off (+ patient) + open = 1 on every day
    Counts
        One entry per claim, by position, in lists, tuples, arrays or columns; an index does not matter. `end` is
        open, paid, denied, written_off or patient (which has a column where it occurs). `days` is the claim's age at
        that end or, for an open claim, on the last day of the records. `at_risk(t)` counts the claims that had not
        ended before day t and were under observation on it. With `weight` (dollars, say) weights are added up instead
        of claims. `entry` is the age at which observation of a claim began (0 unless given), for claims that are older
        than the records and for windows that begin later.
    Unit
        shares, 0 to 1; at_risk in claims, or in the unit of `weight`; a row for every day from 0 to
        the largest of `days`, whether anything ended on it or not
    Empty
        No claim gives no row. Days on which nobody is at risk keep the share of the day before.
    Source
        Aalen and Johansen (1978), in discrete time

    >>> cumulative_incidence([0, 1, 1, 2], ["paid", "paid", "denied", "open"])[
    ...     ["day", "at_risk", "paid", "denied", "open"]
    ... ]
       day  at_risk  paid  denied  open
    0    0      4.0  0.25    0.00  0.75
    1    1      3.0  0.50    0.25  0.25
    2    2      1.0  0.50    0.25  0.25
    """
    age, share, since = checked(days, weight, entry)
    names, code = end_numbers(end, len(age))
    if not len(age):
        return _no_rows(["day", "at_risk", *names, OPEN])
    size = int(age.max()) + 1
    ended = np.stack([np.bincount(age[code == k], share[code == k], size) for k in range(len(names))])
    at_risk = _at_risk(age, share, since, size)
    return incidence_table(at_risk, dict(zip(names, ended, strict=True)))


def incidence_table(at_risk: np.ndarray, ended: dict[str, np.ndarray]) -> pd.DataFrame:
    """The table of `cumulative_incidence` from what was at risk on each day and what ended on it.

    Formula
        as in `cumulative_incidence`; position t of each array is day t
    Unit
        shares, 0 to 1

    >>> incidence_table(np.array([4.0, 2.0]), {"paid": np.array([2.0, 1.0])})["paid"].tolist()
    [0.5, 0.75]
    """
    hazards = {name: _hazard(counts, at_risk) for name, counts in ended.items()}
    stay = np.clip(1.0 - sum(hazards.values()), 0.0, 1.0)
    still_open = np.cumprod(stay)
    before = np.concatenate([[1.0], still_open[:-1]])
    out = {"day": np.arange(len(at_risk)), "at_risk": at_risk}
    out |= {name: np.cumsum(before * hazard) for name, hazard in hazards.items()}
    return pd.DataFrame({**out, OPEN: still_open})


def kaplan_meier(
    days: Sequence[int],
    end: Sequence[str],
    *,
    weight: Sequence[float] | None = None,
    entry: Sequence[int] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The share of claims that have not ended by each day, whatever the end (Kaplan–Meier).

    Formula
        open(t) = open(t-1) x (1 - ended(t) / at_risk(t))
        low, high: log(-log open) plus and minus z x its Greenwood standard error
    Counts
        as `cumulative_incidence`, without telling the ends apart. Use it for "when is there an answer", never for
        "how much will be paid".
    Unit
        shares, 0 to 1
    Empty
        No claim gives no row. The interval is empty on days on which no claim has ended yet, or all have.
    Source
        Kaplan and Meier (1958); interval as in Kalbfleisch and Prentice (1980)

    >>> kaplan_meier([1, 2, 2, 3], ["paid", "paid", "open", "denied"])["open"].tolist()
    [1.0, 0.75, 0.5, 0.0]
    """
    age, share, since = checked(days, weight, entry)
    _, code = end_numbers(end, len(age))
    columns = ["day", "at_risk", "ended", OPEN, "low", "high"]
    if not len(age):
        return _no_rows(columns)
    size = int(age.max()) + 1
    ended = np.bincount(age[code >= 0], share[code >= 0], size)
    at_risk = _at_risk(age, share, since, size)
    hazard = _hazard(ended, at_risk)
    still_open = np.cumprod(1.0 - hazard)
    low, high = _log_log(ended, at_risk, still_open, level)
    return pd.DataFrame(dict(zip(columns, (np.arange(size), at_risk, ended, still_open, low, high), strict=True)))


def day_by_which(table: pd.DataFrame, share: float, column: str = "paid") -> float:
    """The first day by which the given share of the claims had ended in this way; empty when so many never did.

    Formula
        the smallest day with column >= share; for "open", with open <= 1 - share
    Unit
        days

    >>> day_by_which(cumulative_incidence([3, 9, 20], ["paid", "paid", "open"]), 0.5)
    9.0
    """
    reached = table[column] <= 1 - share + 1e-12 if column == OPEN else table[column] >= share - 1e-12
    return float(table["day"][reached].iloc[0]) if reached.any() else float("nan")


def share_by(table: pd.DataFrame, day: int, column: str = "paid") -> float:
    """The share in a column on a day: that of the last row on or before the day; before the first row 0 (open: 1).

    Unit
        share, 0 to 1

    >>> share_by(cumulative_incidence([3, 9], ["paid", "paid"]), 5)
    0.5
    """
    known = table[table["day"] <= day]
    if known.empty:
        return 1.0 if column == OPEN else 0.0
    return float(known[column].iloc[-1])


def _no_rows(columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="int64" if name == "day" else "float64") for name in columns})


def _hazard(ended: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    return np.divide(ended, at_risk, out=np.zeros(len(ended)), where=(at_risk > 0) & (ended > 0))


def _at_risk(age: np.ndarray, share: np.ndarray, since: np.ndarray, size: int) -> np.ndarray:
    entered = np.bincount(since, share, size).cumsum()
    left = np.bincount(age, share, size).cumsum()
    at_risk = entered - np.concatenate([[0.0], left[:-1]])
    # Subtracting sums of weights leaves rounding errors; where every claim has left, the weight at risk is zero.
    people = np.bincount(since, share > 0, size).cumsum() - np.concatenate(
        [[0], np.bincount(age, share > 0, size).cumsum()[:-1]]
    )
    return np.where(people > 0.5, at_risk, 0.0)


def _log_log(
    ended: np.ndarray, at_risk: np.ndarray, still_open: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.stats import norm

    left = at_risk * (at_risk - ended)
    terms = np.divide(ended, left, out=np.zeros(len(ended)), where=left > 0)
    inside = (still_open > 0) & (still_open < 1)
    log_open = np.log(np.where(inside, still_open, 0.5))
    spread = norm.ppf(0.5 + level / 2) * np.sqrt(np.cumsum(terms)) / log_open
    centre = np.log(-log_open)
    low, high = np.exp(-np.exp(centre - spread)), np.exp(-np.exp(centre + spread))
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def checked(days: Any, weight: Any, entry: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, weights and entry ages as arrays with one number per claim; refused where one is missing or not
    possible."""
    age = _whole(days, "days")
    share = np.ones(len(age)) if weight is None else _numbers(weight, "weight")
    since = np.zeros(len(age), np.int64) if entry is None else _whole(entry, "entry")
    for name, values in (("weight", share), ("entry", since)):
        if len(values) != len(age):
            raise ParameterError(f"`{name}` should hold one number per claim: {len(age)} claims, found {len(values)}.")
    bad = ~(np.isfinite(share) & (share >= 0))
    if bad.any():
        raise ParameterError(
            f"`weight` should be zero or more; found {bad.sum()} of {len(age)} otherwise "
            f"({_faults(share, math.inf)}), first at position "
            f"{np.flatnonzero(bad)[0]}. Leave these claims out, or give them their charge."
        )
    if (since > age).any():
        late = np.flatnonzero(since > age)
        raise ParameterError(
            f"`entry` should not be after `days`; found {len(late)} of {len(age)} claims that ended before they were "
            f"watched, first at position {late[0]}. Leave these claims out."
        )
    return age, share, since


def _whole(values: Any, name: str) -> np.ndarray:
    numbers = _numbers(values, name)
    bad = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers <= LONGEST_DAYS) & (numbers == np.floor(numbers)))
    if bad.any():
        raise ParameterError(
            f"`{name}` should be whole days from 0 to {LONGEST_DAYS}; found {bad.sum()} of {len(numbers)} "
            f"otherwise ({_faults(numbers, LONGEST_DAYS)}), "
            f"first at position {np.flatnonzero(bad)[0]}. A negative number means that two dates are out of order; "
            "a claim whose age is not known should be left out."
        )
    return numbers.astype(np.int64)


def _numbers(values: Any, name: str) -> np.ndarray:
    """One float per claim, from any list, tuple, array or series; empty places are NaN."""
    given = np.asarray(list(values) if isinstance(values, Iterator) else values)
    if given.ndim == 0:
        raise ParameterError(
            f"`{name}` should hold one number per claim, such as a list or a column; found a single value."
        )
    if given.dtype.kind in "mM":
        raise ParameterError(
            f"`{name}` should hold numbers; found {'durations' if given.dtype.kind == 'm' else 'dates'}. Give "
            "whole days, such as (end - start).dt.days."
        )
    try:
        return pd.to_numeric(pd.Series(given.reshape(-1)), errors="raise").to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        pass
    raise ParameterError(
        f"`{name}` should hold numbers; found text or objects that are none. Turn the column into numbers first."
    )


def _faults(numbers: np.ndarray, most: float) -> str:
    """What is wrong with numbers that should lie between zero and `most`: words and counts, never the values."""
    counts = {
        "missing": np.isnan(numbers),
        "below zero": numbers < 0,
        "too large": (numbers > most) | (numbers == math.inf),
    }
    if math.isfinite(most):
        counts["not whole"] = np.isfinite(numbers) & (numbers != np.floor(numbers))
    return listed([f"{found.sum()} {words}" for words, found in counts.items() if found.any()])


def end_numbers(end: Any, claims: int) -> tuple[list[str], np.ndarray]:
    """The names of the result's columns, and for each claim its column: -1 where it is open."""
    if isinstance(end, str):
        raise ParameterError("`end` should hold one word per claim, such as a list or a column; found a single word.")
    words = list(end) if isinstance(end, Iterator) else end
    if isinstance(words, pd.Series):
        given = words.reset_index(drop=True)
    else:
        given = pd.Series(np.asarray(words, dtype=object).reshape(-1))
    if len(given) != claims:
        raise ParameterError(f"`end` should hold one word per claim: {claims} claims, found {len(given)}.")
    place = {OPEN: -1, **{name: number for number, name in enumerate((*ENDS, *OTHER_ENDS))}}
    numbers = _looked_up(given, place)
    unknown = given[numbers < -1]
    if len(unknown):
        known = (OPEN, *ENDS, *OTHER_ENDS)
        raise ParameterError(
            f"`end` is one of {listed(known)}; found {len(unknown)} of {claims} otherwise, first at position "
            f"{unknown.index[0]}." + closest(str(unknown.iloc[0]), known)
        )
    return [*ENDS, *OTHER_ENDS] if (numbers >= len(ENDS)).any() else list(ENDS), numbers


def _looked_up(words: pd.Series, place: dict[str, int]) -> np.ndarray:
    """The place of every word, -2 where it has none: a word that is no text (nothing, a number, a list) has none."""
    try:
        code, different = pd.factorize(words)
    except TypeError:  # a list among them
        code, different = np.arange(len(words)), words
    places = [place.get(word, -2) if isinstance(word, str) else -2 for word in different]
    return np.array([*places, -2], dtype=np.int64)[code]


def later_by_chance(days: np.ndarray, than: np.ndarray) -> float:
    """The chance of so large a lead of `days` over `than`, were they alike (Mann-Whitney, one-sided, asymptotic).

    Formula
        z = (U - n m / 2 - 1/2) / s; U = sum of ranks of `days` - n (n + 1) / 2, ties at their mean rank;
        s^2 = n m / 12 x (N + 1 - sum(t^3 - t) / (N (N - 1)))
    Counts
        Whole days from 0 on: they are counted, not sorted.
    Empty
        All days alike, or none: not a number.
    Source
        Mann and Whitney 1947; the same figures as `scipy.stats.mannwhitneyu`

    >>> f"{later_by_chance(np.array([3, 4, 5]), np.array([0, 1, 2])):.4f}"
    '0.0404'
    """
    from scipy import special

    size = int(max(days.max(initial=0), than.max(initial=0))) + 1
    ours, theirs = np.bincount(days, minlength=size).astype(float), np.bincount(than, minlength=size).astype(float)
    tied = ours + theirs
    rank = np.cumsum(tied) - (tied - 1) / 2
    first, second = float(len(days)), float(len(than))
    both = first + second
    lead = (rank * ours).sum() - first * (first + 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(first * second / 12 * ((both + 1) - (tied**3 - tied).sum() / (both * (both - 1))))
        return float(special.ndtr(-((lead - first * second / 2 - 0.5) / spread)))
