"""Patient engagement: are the shifts that were planted in a front office found, and dated to within a month?"""

from __future__ import annotations

import datetime as dt

from ...models.patients.rate_shifts import engagement_shifts
from ...periods import Period
from ..case import Case
from ..record import Tally

RATES = {"no_show_rise": "no_show", "late_cancel_rise": "late_cancel", "social_needs_dropped": "social_needs"}
"""Planted kind -> the rate that it moves for the worse."""


def shifts(case: Case) -> list[Tally]:
    """`engagement_shifts` on the last day: one finding of the rate, at the planted place, at most a month from its
    first day."""
    planted = case.plant_rows(*RATES)
    if planted.is_empty():
        return []
    day = case.period.last_day
    found = engagement_shifts(case.known, as_of=day, months=len(case.period.months()))
    tallies = []
    for plant in planted.iter_rows(named=True):
        fits = found[(found["measure"] == RATES[plant["kind"]]) & found["is_worse"].astype(bool)]
        if plant["location"] is not None:
            fits = fits[fits["location"] == plant["location"]]
        tallies.append(
            Tally(
                "engagement shifts",
                "dated within a month",
                any(_near(onset.date(), plant["start"]) for onset in fits["onset_on"]),
            )
        )
    return tallies


def _near(found: dt.date, planted: dt.date) -> bool:
    """No more than the days of the planted month apart.

    >>> _near(dt.date(2026, 4, 2), dt.date(2026, 3, 9)), _near(dt.date(2026, 4, 12), dt.date(2026, 3, 9))
    (True, False)
    """
    return abs((found - planted).days) <= Period.of(planted).days


SCORERS = (shifts,)
