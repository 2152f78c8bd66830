"""Numbers that are published once and never in another form: two months' reports subtract to nothing.

Whoever lays this month's report beside last month's can take one number from the other. What is left is
nothing, or a number that could stand there anyway, because of three rules:
    * Counts belong to a calendar month or to a block of months (a quarter, a half-year). Blocks do not
      overlap and are shown when they are over; a window that slides by a month would give the month away.
    * A month is shown as it was recorded at its end. One month later it may be told again, where everything
      that has changed has changed by eleven or more; after that never again.
    * Sums over months that slide are shown only where every month in them is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import polars as pl

from ...ledger.suppression import LEAST
from ...measures.engagement.appointments import appointment_outcomes
from ...measures.engagement.care_risk import social_needs_asked
from ...periods import Period
from ...tables.schema import TABLES
from ...tables.store import known_by

LARGE = 10
"""Providers from which a practice has visits enough to be broken down by quarter; smaller ones are by half-year."""
RARE_MONTHS = 6
"""Complaints and hospital stays are few: their block is a half-year everywhere."""
ALWAYS = Period(dt.date(1900, 1, 1), dt.date(2200, 1, 1))


def block_months(providers: int) -> int:
    """Months in a block, by the size of the practice (not by its counts, which would say something about them).

    >>> block_months(28), block_months(5)
    (3, 6)
    """
    return 3 if providers >= LARGE else 6


def last_block(month: Period, months: int) -> Period:
    """The newest block of so many calendar months that was over before the month began.

    >>> last_block(Period.month("2026-10"), 3).first_day, last_block(Period.month("2026-10"), 6).last_day
    (datetime.date(2026, 7, 1), datetime.date(2026, 6, 30))
    >>> last_block(Period.month("2026-09"), 3).last_day
    datetime.date(2026, 6, 30)
    """
    into = (month.first_day.month - 1) % months
    end = month.shift(-into).first_day
    return Period(Period.of(end).shift(-months).first_day, end)


def title_of(block: Period) -> str:
    """The block in words.

    >>> title_of(last_block(Period.month("2026-10"), 6))
    'January to June 2026'
    """
    return f"{block.first_day:%B} to {block.last_day:%B %Y}"


def month_end_after(day: dt.date, months: int) -> dt.date:
    """The last day of the month so many months after the day's.

    >>> month_end_after(dt.date(2026, 6, 30), 2)
    datetime.date(2026, 8, 31)
    """
    return Period.of(day).shift(months).last_day


# -- tables as they are published ------------------------------------------------------------------


def as_published(tables: Mapping[str, Any], *, as_of: dt.date) -> dict[str, Any]:
    """The tables with appointments, intake forms and emergency visits as this report and those before it show them.

    Appointments and forms: as recorded at the end of their month, or of the next where that changes every
    count of the month by none or by eleven and more. Emergency visits: as recorded at the end of the next month.
    """
    out = dict(tables)
    if "appointments" in out:
        out["appointments"] = _settled(out["appointments"], "appointments", "scheduled_on", as_of)
    if "intakes" in out:
        out["intakes"] = _settled(out["intakes"], "intakes", "taken_on", as_of)
    if "hospital_encounters" in out:
        out["hospital_encounters"] = (
            out["hospital_encounters"].lazy().filter(pl.col("reported_on") <= _month_end("admitted_on", 1))
        )
    return out


def _month_end(day: str, later: int) -> pl.Expr:
    end = pl.col(day).dt.month_end()
    return end.dt.offset_by("1d").dt.month_end() if later else end


def _settled(frame: pl.LazyFrame, name: str, day: str, as_of: dt.date) -> pl.LazyFrame:
    """The rows, each month as known at its own end or, where that may be told, at the end of the next."""
    first, second = (_as_of_month(frame, name, day, pl.lit(bool(later))) for later in (0, 1))
    again = _told_again(_counts(name, first), _counts(name, second), as_of)
    return _as_of_month(frame, name, day, pl.col(day).dt.month_start().is_in(again))


def _as_of_month(frame: pl.LazyFrame, name: str, day: str, is_later: pl.Expr) -> pl.LazyFrame:
    """The rows known at the end of their month (or of the next); what was settled after it is open again."""
    limit = pl.when(is_later).then(_month_end(day, 1)).otherwise(_month_end(day, 0))
    return known_by(frame.lazy(), TABLES[name], limit)


def _counts(name: str, frame: pl.LazyFrame) -> pd.DataFrame:
    """The counts by month that the report shows of the table."""
    if name == "appointments":
        found = appointment_outcomes({name: frame}, period=ALWAYS, by=["month"])
        return found.set_index("month")[["slots", "kept", "no_shows", "late_cancels"]]
    return social_needs_asked({name: frame}, period=ALWAYS, by=["month"]).set_index("month")[["forms", "asked"]]


def _told_again(first: pd.DataFrame, second: pd.DataFrame, as_of: dt.date) -> list[dt.date]:
    """The months, over at least a month before the day, whose later counts differ by nothing small."""
    change = second.sub(first, fill_value=0).abs()
    may = ((change == 0) | (change >= LEAST)).all(axis=1) & (change > 0).any(axis=1)
    return [month.date() for month in change.index[may] if month_end_after(month.date(), 1) <= as_of]


def complaints_until(tables: Mapping[str, Any], block: Period) -> tuple[dict[str, Any], Period]:
    """Only the complaints of a block and those before it, and the days until when they are watched: a month longer."""
    feedback = tables["feedback"].lazy().filter(pl.col("received_on") < block.end)
    return {**tables, "feedback": feedback}, Period(
        block.first_day, month_end_after(block.last_day, 1) + dt.timedelta(days=1)
    )


def hospital_as_of(tables: Mapping[str, Any], day: dt.date) -> dict[str, Any]:
    """Hospital encounters as known on a day."""
    return {
        **tables,
        "hospital_encounters": known_by(tables["hospital_encounters"].lazy(), TABLES["hospital_encounters"], day),
    }


def marks_shown(returned_by: Sequence[int | None], patients: int) -> list[bool]:
    """Which of the growing counts of patients who came back may be shown: none adds 1 to 10 to the one before it.

    Those who are not back by then count too. A count that is not known yet is not shown.

    >>> marks_shown([40, 45, 70], patients=100), marks_shown([12, 30, None], patients=36)
    ([True, False, True], [True, False, False])
    """
    shown, last = [], 0
    for count in returned_by:
        is_shown = count is not None and all(part == 0 or part >= LEAST for part in (count - last, patients - count))
        shown.append(bool(is_shown))
        last = count if is_shown and count is not None else last
    return shown
