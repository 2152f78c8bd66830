"""When a rate of patient engagement changed, where, and how sure that is.

Each rate is followed day by day, over all places together and at each place. The day at which two rates
explain the counts best is a change when so large a gain would hardly ever come by chance; the search goes
on before and after it. Counts of a practice vary more than coins do (a patient misses twice, a flu week):
the gain is divided by how much more, measured from week to week.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import one_if, optional
from ...measures.engagement.appointments import appointment_rows
from ...periods import Period
from ...tables.frames import collect, day_number, kept, source
from ..statistics.control_charts import laney_chart

LEAST_DAYS = 28
"""A rate holds for four weeks at least on both sides: less is a wave, not a shift."""
LEAST_CHANGE = 0.02
"""Two points: a smaller change is not worth a meeting, however sure it is."""
SIGNIFICANCE = 0.05
"""For all series of one client together."""
TOGETHER_DAYS = 45
"""Changes of one rate at several places within so many days, or with possible days in common, are one change."""
ALMOST_SURE = 1.92
"""Half the 95 % point of chi-squared with one degree of freedom: dates with a gain this near the best are possible."""

COLUMNS = (
    "measure",
    "location",
    "direction",
    "is_worse",
    "onset_on",
    "earliest_on",
    "latest_on",
    "rate_before",
    "rate_after",
    "count_before",
    "of_before",
    "count_after",
    "of_after",
    "p_value",
)


@dataclass(frozen=True)
class Followed:
    """One rate that is followed: which way is worse, and its daily counts by place (location, day, count, of)."""

    worse: str
    daily: Callable[[Mapping[str, Any], Period], pd.DataFrame]


def _slots(part: str) -> Callable[[Mapping[str, Any], Period], pd.DataFrame]:
    def daily(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
        rows = appointment_rows(tables, period=period, by=["location"])
        return _by_day(rows, day="scheduled_on", count=part, of="slots")

    return daily


def _forms(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    rows = source(tables, "intakes", ["taken_on", "is_social_needs_complete"], by=["location"]).filter(
        period.holds(nw.col("taken_on"))
    )
    return _by_day(
        rows.with_columns(asked=one_if(nw.col("is_social_needs_complete")), forms=nw.lit(1)),
        day="taken_on",
        count="asked",
        of="forms",
    )


def _complaints(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """Complaints answered within a week; those whose week is not over are left out."""
    whole = Period(period.first_day, period.end - dt.timedelta(days=7))
    rows = source(tables, "feedback", ["received_on", "responded_on", "kind"], by=["location"])
    rows = rows.filter(nw.col("kind") == "complaint", whole.holds(nw.col("received_on")))
    took = day_number(nw.col("responded_on")) - day_number(nw.col("received_on"))
    return _by_day(
        rows.with_columns(quick=one_if((took <= 7).fill_null(False)), all=nw.lit(1)),
        day="received_on",
        count="quick",
        of="all",
    )


def _by_day(rows: nw.LazyFrame, *, day: str, count: str, of: str) -> pd.DataFrame:
    sums = rows.group_by("location", day).agg(nw.col(count).sum(), nw.col(of).sum())
    found = collect(sums, ["location"], dates=[day])
    return found.rename(columns={day: "day", count: "count", of: "of"})[["location", "day", "count", "of"]]


FOLLOWED: dict[str, Followed] = {
    "no_show": Followed("rise", _slots("no_shows")),
    "late_cancel": Followed("rise", _slots("late_cancels")),
    "social_needs": Followed("fall", _forms),
    "response_time": Followed("fall", _complaints),
}
"""The rates that are followed, by the names of `programme_changes.measure`."""
NEEDS = {
    "no_show": "appointments",
    "late_cancel": "appointments",
    "social_needs": "intakes",
    "response_time": "feedback",
}


@kept
def engagement_shifts(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    months: int = 20,
    significance: float = SIGNIFICANCE,
    least_change: float = LEAST_CHANGE,
) -> pd.DataFrame:
    """Every change of the followed rates in the months up to `as_of`: when, where, from which rate to which.

    Formula
        onset = the day that splits the counts into two rates with the largest gain in log likelihood
        p = `chance_of_best` of 2 x gain / dispersion; then the same before and after it
        dispersion = Laney's sigma_z squared of the weeks, at least 1
        earliest, latest = the days whose gain is within 1.92 x dispersion of the best
    Counts
        Daily counts of `FOLLOWED`, at least four weeks on both sides, changes of at least `least_change`.
        A change that disappears when one place is left out is that place's; else it is everybody's
        (location is empty). A client with one place: the place is named.
    Unit
        rates 0 to 1; is_worse: the change is for the worse
    Empty
        No change beyond chance: no row.
    Source
        D. V. Hinkley 1970 (change point of binomial counts); Miller and Siegmund 1982 (chance); D. B. Laney 2002
        (dispersion); thresholds are our own
    """
    period = Period(Period.of(as_of).shift(1 - months).first_day, as_of + dt.timedelta(days=1))
    present = {name: one for name, one in FOLLOWED.items() if optional(tables, NEEDS[name]) is not None}
    daily = {name: one.daily(tables, period) for name, one in present.items()}
    series = sum(frame["location"].nunique() + 1 for frame in daily.values() if len(frame))
    rows = []
    for name, frame in daily.items():
        for location, change in _of_measure(frame, Settings(significance / max(series, 1), least_change)):
            is_worse = change.direction == FOLLOWED[name].worse
            rows.append((name, location, change.direction, is_worse, *change.told))
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.sort_values(["onset_on", "measure", "location"], ignore_index=True)


@dataclass(frozen=True)
class Settings:
    """What counts as a change."""

    significance: float
    least_change: float


@dataclass(frozen=True)
class Change:
    """One change of one series; days are positions in it."""

    days: pd.DatetimeIndex
    at: int
    span: tuple[int, int]
    before: tuple[float, float]
    after: tuple[float, float]
    p_value: float

    @property
    def rates(self) -> tuple[float, float]:
        return self.before[0] / self.before[1], self.after[0] / self.after[1]

    @property
    def direction(self) -> str:
        return "rise" if self.rates[1] > self.rates[0] else "fall"

    @property
    def onset(self) -> pd.Timestamp:
        return self.days[self.at]

    def is_with(self, other: Change) -> bool:
        """Could both be one change: the same direction, and days that are near or possible for both?"""
        overlap = self.span[0] <= other.span[1] and other.span[0] <= self.span[1]
        return self.direction == other.direction and (overlap or abs(self.at - other.at) <= TOGETHER_DAYS)

    @property
    def told(self) -> tuple[Any, ...]:
        """The values of `COLUMNS` from onset_on on."""
        counts = (int(value) for value in (*self.before, *self.after))
        return (self.onset, self.days[self.span[0]], self.days[self.span[1]], *self.rates, *counts, self.p_value)


class Series:
    """Daily counts of one rate without gaps, their running sums, and how much more they vary than chance."""

    def __init__(self, frame: pd.DataFrame, days: pd.DatetimeIndex) -> None:
        self.days = days
        places = (frame["day"] - days[0]).dt.days.to_numpy()
        by_day = [np.bincount(places, frame[name], minlength=len(days)) for name in ("count", "of")]
        self.count, self.of = (np.concatenate([[0.0], counts.cumsum()]) for counts in by_day)
        count, of = (np.add.reduceat(counts, np.arange(0, len(days), 7)) for counts in by_day)
        filled = of > 0
        spread = laney_chart(count[filled], of[filled])["sigma_z"].iloc[0] if filled.sum() > 1 else 1.0
        self.dispersion = max(1.0, float(spread) ** 2)

    def gains(self, low: int, high: int, places: np.ndarray) -> np.ndarray:
        """Log likelihood of two rates, split before each place, less that of one, over the days low to high."""
        count, of = self.count[high] - self.count[low], self.of[high] - self.of[low]
        before, of_before = self.count[places] - self.count[low], self.of[places] - self.of[low]
        return _likelihood(before, of_before) + _likelihood(count - before, of - of_before) - _likelihood(count, of)

    def best(self, low: int, high: int, settings: Settings) -> Change | None:
        """The surest change between two days, if there is one."""
        places = np.arange(low + LEAST_DAYS, high - LEAST_DAYS + 1)
        if not len(places):
            return None
        gain = self.gains(low, high, places) / self.dispersion
        top = int(np.argmax(gain))
        at = int(places[top])
        shares = (self.of[places[[0, -1]]] - self.of[low]) / max(self.of[high] - self.of[low], 1.0)
        p_value = chance_of_best(2 * float(gain[top]), *shares)
        before = self.count[at] - self.count[low], self.of[at] - self.of[low]
        after = self.count[high] - self.count[at], self.of[high] - self.of[at]
        if p_value > settings.significance or not before[1] or not after[1]:
            return None
        near = places[gain >= gain[top] - ALMOST_SURE]
        return Change(self.days, at, (int(near[0]), int(near[-1])), before, after, p_value)

    def changes(self, settings: Settings) -> list[Change]:
        """All changes, in order: the surest first splits the time, then each part is searched; dates are set again
        between neighbours."""
        found: list[int] = []
        parts = [(0, len(self.days))]
        while parts:
            low, high = parts.pop()
            change = self.best(low, high, settings)
            if change:
                found.append(change.at)
                parts += [(low, change.at), (change.at, high)]
        edges = [0, *sorted(found), len(self.days)]
        again = [self.best(edges[place - 1], edges[place + 1], settings) for place in range(1, len(edges) - 1)]
        return [
            change for change in again if change and abs(change.rates[1] - change.rates[0]) >= settings.least_change
        ]

    def at_split(self, low: int, at: int, high: int) -> tuple[float, float]:
        """The p-value of a change at one given day, and its size."""
        from scipy import stats

        gain = float(self.gains(low, high, np.array([at]))[0]) / self.dispersion
        of = self.of[at] - self.of[low], self.of[high] - self.of[at]
        if not min(of):
            return 1.0, 0.0
        size = (self.count[high] - self.count[at]) / of[1] - (self.count[at] - self.count[low]) / of[0]
        return float(stats.chi2.sf(2 * max(gain, 0.0), 1)), float(size)


def chance_of_best(statistic: float, first: float, last: float) -> float:
    """How often the best of all splits reaches this much where nothing changed.

    Formula
        b = root of the statistic (twice the gain); phi the normal density
        p = phi(b) (b - 1/b) ln(last (1 - first) / (first (1 - last))) + 4 phi(b) / b
    Counts
        `first` and `last`: the shares of all observations before the first and the last split tried.
    Unit
        probability; 1 where the formula does not hold (b below 1.5)
    Source
        R. Miller and D. Siegmund, Maximally selected chi square statistics, Biometrics 38, 1982

    >>> f"{chance_of_best(12.96, 0.05, 0.95):.4f}"
    '0.0127'
    """
    from scipy import stats

    b = np.sqrt(max(statistic, 0.0))
    if b < 1.5 or not 0 < first <= last < 1:
        return 1.0
    tried = np.log(last * (1 - first) / (first * (1 - last)))
    return float(min(1.0, stats.norm.pdf(b) * ((b - 1 / b) * tried + 4 / b)))


def _likelihood(count: np.ndarray, of: np.ndarray) -> np.ndarray:
    from scipy.special import xlog1py, xlogy

    rate = np.divide(count, of, out=np.zeros_like(np.asarray(count, float)), where=np.asarray(of) > 0)
    return xlogy(count, rate) + xlog1py(of - count, -rate)


def _of_measure(frame: pd.DataFrame, settings: Settings) -> Iterator[tuple[str, Change]]:
    """Changes of one rate with their place; an empty place is all of them."""
    if frame.empty:
        return
    days = pd.date_range(frame["day"].min(), frame["day"].max())
    places = {str(name): Series(part, days) for name, part in frame.groupby("location")}
    if len(places) == 1:
        ((name, series),) = places.items()
        yield from ((name, change) for change in series.changes(settings))
        return
    own = {name: series.changes(settings) for name, series in places.items()}
    told: list[tuple[str, Change]] = []
    for change in Series(frame, days).changes(settings):
        told.append(_placed(frame, change, places, own))
    left = [
        (name, change)
        for name, changes in own.items()
        for change in changes
        if not any(_is_same(change, name, *other) for other in told)
    ]
    yield from [*told, *_together(left, len(places))]


def _together(left: list[tuple[str, Change]], places: int) -> Iterator[tuple[str, Change]]:
    """Changes that every place had by itself are one of all places, dated by the surest; the others stay as they
    are."""
    while left:
        name, first = min(left, key=lambda item: (item[1].p_value, item[0]))
        group = {other: change for other, change in left if change.is_with(first)}
        if len(group) < places:
            yield name, first
            left = [item for item in left if item[1] is not first]
            continue
        before, after = (
            tuple(sum(getattr(change, side)[place] for change in group.values()) for place in (0, 1))
            for side in ("before", "after")
        )
        yield "", Change(first.days, first.at, first.span, before, after, first.p_value)
        left = [item for item in left if not any(item[1] is change for change in group.values())]


def _placed(
    frame: pd.DataFrame, change: Change, places: Mapping[str, Series], own: Mapping[str, list[Change]]
) -> tuple[str, Change]:
    """The change with the one place that it disappears without; with none, if it does not."""
    candidates = [(one.p_value, name, one) for name, changes in own.items() for one in changes if one.is_with(change)]
    for _, name, one in sorted(candidates, key=lambda item: item[:2]):
        rest = Series(frame[frame["location"] != name], change.days)
        p_value, size = rest.at_split(max(0, one.at - 180), one.at, min(len(change.days), one.at + 180))
        own_size = one.rates[1] - one.rates[0]
        if p_value > 0.01 or size * own_size <= 0 or abs(size) < abs(own_size) * 0.3:
            return name, one
    return "", change


def _is_same(change: Change, name: str, other_name: str, other: Change) -> bool:
    return change.is_with(other) and other_name in ("", name)
