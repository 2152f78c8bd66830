"""What will be charged: the level of the past half-year by payer and working day, and how it goes on from there.

Offices are closed on federal holidays, as far as a client's own charges say so: a half-year with seven of
them is no measure for a quarter without one. Practices grow and have seasons as their own past tells, and where it
tells little, as practices do.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from pandas.tseries.holiday import USFederalHolidayCalendar

from ..statistics.course import Course, course
from .flows import Flows

BILLING_DAYS = 182
"""Future billing goes on at the level of the past half-year, by payer, with the client's weekdays."""

COURSE_WEEKS = 156
CLOSED_SPREAD = 0.5
"""How sure it is, before any charge is seen, that an office is closed on a federal holiday: 1, give or take this."""


@dataclass(frozen=True)
class Billing:
    """Charges expected `charges[day, stream]`, and for each client its streams and the course of its weeks."""

    charges: np.ndarray
    courses: list[tuple[np.ndarray, Course]]


def expected_charges(flows: Flows, *, as_of: int, days: int) -> Billing:
    """Charges by future day and stream, and the courses of the clients' billing that they rest on.

    Formula
        level of the stream per working week (charges of the past 182 days) x the client's share of the weekday,
        on a holiday less the share by which it is closed (`closed_share`), x the client's course in the week beside
        its mean over those days (`course.course`)
    Counts
        Charges posted by `as_of`. What is charged for a Monday that was a holiday is charged on no other day.
    Unit
        cents per day
    Empty
        A stream without charges in the 182 days: zeros.
    """
    streams = len(flows.streams)
    span = min(BILLING_DAYS, (as_of - flows.first_day) // 7 * 7)
    known = max((as_of - flows.first_day + 1) // 7 * 7, span)
    first = as_of - known + 1
    daily = by_day(flows.charge_day, flows.charge_stream, flows.charge_cents, first, known, streams)
    past, ahead = np.arange(first, as_of + 1), as_of + 1 + np.arange(days)
    is_holiday = holidays(first, as_of + days)
    out = np.zeros((days, streams))
    courses = []
    for members in flows.streams.groupby("client").indices.values():
        whole = daily[:, members].sum(axis=1)
        share = _weekday_shares(whole[-span:], past[-span:])
        closed = closed_share(whole, share[(past + 3) % 7], is_holiday[:known])
        working = share[(np.concatenate([past, ahead]) + 3) % 7] * (1 - closed * is_holiday)
        weeks = working[known - span : known].sum()
        level = daily[-span:, members].sum(axis=0) / weeks if weeks > 0 else np.zeros(len(members))
        weekly = _weekly(whole, working[:known])[-COURSE_WEEKS:]
        found = course(weekly, -(-days // 7))
        usual = weekly[-span // 7 :].mean() / weekly.mean() if level.any() else 1.0
        factor = np.clip((1 + found.ahead) / usual, 0.2, 5)
        out[:, members] = (working[known:] * np.repeat(factor, 7)[:days])[:, None] * level
        courses.append((members, found))
    return Billing(out, courses)


def holidays(first: int, last: int) -> np.ndarray:
    """Which of the days from `first` to `last` are federal holidays, as true and false.

    >>> np.flatnonzero(holidays(20_454, 20_484)).tolist()
    [0, 18]
    """
    days = np.arange(first, last + 1).astype("datetime64[D]")
    years = days[[0, -1]].astype("datetime64[Y]").astype(int) + 1970
    return np.isin(days, np.concatenate([_holidays_of(year) for year in range(years[0], years[1] + 1)]))


@functools.cache
def _holidays_of(year: int) -> np.ndarray:
    found = USFederalHolidayCalendar().holidays(f"{year}-01-01", f"{year}-12-31")
    return found.to_numpy().astype("datetime64[D]")


def closed_share(charges: np.ndarray, usual: np.ndarray, is_holiday: np.ndarray) -> float:
    """By how much less is charged in a week with a holiday, in holidays: 1 when the office is closed, 0 when it is
    open.

    Formula
        least squares of (week / usual week - 1) on the share of the week that falls on holidays, around the mean
        of both, drawn towards 1 by its standard error beside a spread of 0.5
    Counts
        Whole weeks. Charges are often entered a day or two later: weeks are compared and not days.
    Unit
        share, 0 to 1
    Empty
        No week with a holiday and no charge at all: 1

    >>> week = np.array([1.0, 1, 1, 1, 1, 0, 0])
    >>> usual, is_holiday = np.tile(week, 30), np.arange(210) % 70 == 0
    >>> (
    ...     closed_share(usual * ~is_holiday, usual / 5, is_holiday) > 0.99,
    ...     closed_share(usual, usual / 5, is_holiday) < 0.01,
    ... )
    (True, True)
    """
    weeks = charges.reshape(-1, 7).sum(axis=1)
    lost = np.where(is_holiday, usual, 0.0).reshape(-1, 7).sum(axis=1)
    if len(weeks) < 3 or weeks.mean() <= 0:
        return 1.0
    ratio, lost = weeks / weeks.mean() - 1, lost - lost.mean()
    squares = float(lost @ lost)
    if squares <= 0:
        return 1.0
    slope = -float(lost @ ratio) / squares
    rest = ratio + slope * lost
    variance = float(rest @ rest) / (len(weeks) - 2) / squares
    sure = CLOSED_SPREAD**2 / (CLOSED_SPREAD**2 + variance)
    return float(np.clip(1 + sure * (slope - 1), 0, 1))


def by_day(
    day: np.ndarray, stream: np.ndarray, cents: np.ndarray, first_day: int, days: int, streams: int
) -> np.ndarray:
    """Sums by day and stream of what lies in the days."""
    inside = (day >= first_day) & (day < first_day + days)
    return np.bincount((day[inside] - first_day) * streams + stream[inside], cents[inside], days * streams).reshape(
        days, streams
    )


def _weekday_shares(charges: np.ndarray, day: np.ndarray) -> np.ndarray:
    sums = np.bincount((day + 3) % 7, charges, 7)
    return sums / sums.sum() if sums.sum() > 0 else np.full(7, 1 / 7)


def _weekly(charges: np.ndarray, working: np.ndarray) -> np.ndarray:
    """Charges by week, each as if it had its usual working days."""
    weeks, worked = (values.reshape(-1, 7).sum(axis=1) for values in (charges, working))
    return weeks / np.where(worked > 0, worked, 1.0)
