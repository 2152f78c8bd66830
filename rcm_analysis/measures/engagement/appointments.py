"""Appointments: missed, cancelled late, kept; visits that repeat for the same problem; how far away the next slot is.

Every rate of this module has one denominator, fixed here: **slots** = appointments scheduled in the period
less those cancelled outside the notice window. A slot was kept, missed, or cancelled too late to be given
to anybody else. An appointment whose end nobody has recorded yet is no slot; it is counted as `unsettled`.

`by` may hold `month` (of the appointment), `lead` (days from booking, in bands), `visit_type`, `location`,
`provider` and `problem`. Compare places only within bands of lead time and visit types: both drive no-shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, collect, day_number, month_of, source
from ..menu import measure

NOTICE_HOURS = 24
"""A cancellation with less notice than this leaves an empty slot."""

LEADS = {
    "1 same day": (0, 0),
    "2 one to seven days": (1, 7),
    "3 eight to 28 days": (8, 28),
    "4 over 28 days": (29, None),
}
"""Bands of the days from booking to appointment; the digit keeps them in order."""

PARTS = ("kept", "no_shows", "late_cancels")
COLUMNS = ("scheduled", "cancelled", "unsettled", "slots", *PARTS)
REPEAT_DAYS = 14
NO_PROBLEM = ("other", "preventive")
"""Problem families that are no problem in common."""


def appointment_rows(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = (), notice_hours: float = NOTICE_HOURS
) -> nw.LazyFrame:
    """One row per appointment scheduled in the period: `by`, the patient, and 0 or 1 in each of `COLUMNS`.

    The hours of notice decide what a cancellation was, where they are given; else the word of the system.
    """
    words = [name for name in by if name not in ("month", "lead")]
    columns = ["client", "patient", "booked_on", "scheduled_on", "status", "notice_hours"]
    rows = source(tables, "appointments", columns, by=words).filter(period.holds(nw.col("scheduled_on")))
    status, hours = nw.col("status").fill_null(""), nw.col("notice_hours")
    is_off = status.is_in(["cancelled", "late_cancel"])
    is_late = is_off & ((hours < notice_hours) | (hours.is_null() & (status == "late_cancel"))).fill_null(False)
    is_missed, is_kept = status == "no_show", status == "kept"
    marks = {
        "cancelled": is_off & ~is_late,
        "unsettled": status == "",
        "kept": is_kept,
        "no_shows": is_missed,
        "late_cancels": is_late,
        "slots": is_kept | is_missed | is_late,
    }
    rows = rows.with_columns(scheduled=nw.lit(1), **{name: one_if(mark) for name, mark in marks.items()})
    if "month" in by:
        rows = rows.with_columns(month_of(nw.col("scheduled_on")))
    return rows.with_columns(lead=_lead()) if "lead" in by else rows


def _lead() -> nw.Expr:
    """The band of lead time; an appointment booked after its day (a walk-in entered late) is the same day's."""
    days = day_number(nw.col("scheduled_on")) - day_number(nw.col("booked_on"))
    band = nw.when(days.is_null()).then(nw.lit(NO_VALUE)).otherwise(nw.lit("4 over 28 days"))
    for name, (_, last) in reversed(LEADS.items()):
        if last is not None:
            band = nw.when(days <= last).then(nw.lit(name)).otherwise(band)
    return band


@measure("Appointments by outcome", value="slots", unit="count", is_additive=True)
def appointment_outcomes(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = (), notice_hours: float = NOTICE_HOURS
) -> pd.DataFrame:
    """What became of the appointments of the period: kept, missed, cancelled late, cancelled in time.

    Formula
        slots = scheduled - cancelled - unsettled = kept + no_shows + late_cancels
        no_show_rate = no_shows / slots
        late_cancel_rate = late_cancels / slots
        appointment_adherence = kept / slots
    Counts
        Appointments scheduled in the period; cancelled: with `notice_hours` of notice or more;
        unsettled: nobody has recorded an end yet. `by` as in the module.
    Date basis
        day of the appointment
    Unit
        rate; all else are counts of appointments
    Empty
        No slot: the rates are empty, never 0.
    Source
        after IHI, Percentage of No-Show Appointments (slots); the notice window is a choice, held fixed

    >>> from rcm_analysis.examples.office import example_office
    >>> found = appointment_outcomes(example_office(), period=Period.month("2026-10"))
    >>> found[["scheduled", "cancelled", "slots", "kept", "no_shows", "late_cancels"]]
       scheduled  cancelled  slots  kept  no_shows  late_cancels
    0          8          1      6     4         1             1
    """
    found = sums(appointment_rows(tables, period=period, by=by, notice_hours=notice_hours), by, list(COLUMNS))
    return found.assign(
        no_show_rate=quotient(found["no_shows"], found["slots"]),
        late_cancel_rate=quotient(found["late_cancels"], found["slots"]),
        appointment_adherence=quotient(found["kept"], found["slots"]),
    )


@measure("No-show rate", unit="rate", good="down")
def no_show_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Slots that the patient missed without a word, as a share of all slots.

    Formula
        no_show_rate = no_shows / slots
        slots = scheduled - cancelled 24 hours ahead or more - not yet settled
    Counts
        As `appointment_outcomes`. A late cancellation is a slot, and no no-show.
    Date basis
        day of the appointment
    Unit
        rate
    Empty
        No slot: empty, never 0.
    Source
        after IHI, Percentage of No-Show Appointments (slots); our notice window is part of the slots

    >>> from rcm_analysis.examples.office import example_office
    >>> no_show_rate(example_office(), period=Period.month("2026-10"), by=["location"])
      location  no_shows  slots  no_show_rate
    0     East         1      4          0.25
    1     West         0      2          0.00
    """
    return appointment_outcomes(tables, period=period, by=by)[[*by, "no_shows", "slots", "no_show_rate"]]


@measure("Late-cancel rate", unit="rate", good="down")
def late_cancel_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Slots cancelled too late to be given to anybody else, as a share of all slots.

    Formula
        late_cancel_rate = late_cancels / slots
    Counts
        As `appointment_outcomes`: cancelled with less than 24 hours of notice.
    Date basis
        day of the appointment
    Unit
        rate
    Empty
        No slot: empty, never 0.
    Source
        our own; the denominator is that of the no-show rate

    >>> from rcm_analysis.examples.office import example_office
    >>> late_cancel_rate(example_office(), period=Period.month("2026-10"))["late_cancels"].tolist()
    [1]
    """
    return appointment_outcomes(tables, period=period, by=by)[[*by, "late_cancels", "slots", "late_cancel_rate"]]


@measure("Appointment adherence", unit="rate", good="up")
def appointment_adherence(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Slots that were kept, as a share of all slots.

    Formula
        appointment_adherence = kept / (kept + no_shows + late_cancels)
    Counts
        As `appointment_outcomes`; with no-shows and late cancellations it adds up to one.
    Date basis
        day of the appointment
    Unit
        rate
    Empty
        No slot: empty, never 0.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> appointment_adherence(example_office(), period=Period.month("2026-10"))["kept"].tolist()
    [4]
    """
    return appointment_outcomes(tables, period=period, by=by)[[*by, "kept", "slots", "appointment_adherence"]]


@measure("Repeat visits within 14 days", value="repeat_rate", unit="rate", good="down")
def repeat_visits(
    tables: Mapping[str, Any], *, period: Period, days: int = REPEAT_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Visits for a problem that was treated within the 14 days before, where no follow-up was planned.

    Formula
        repeat_rate = repeats / visits
    Counts
        visits: kept appointments of the period with a problem family, planned follow-ups left out, and
        without the families "other" and "preventive", which are no problem in common. repeats: those whose
        patient had a kept appointment of the same family 1 to `days` days before (planned or not).
    Date basis
        day of the appointment
    Unit
        rate; visits and repeats are counts
    Empty
        No visit: empty, never 0.
    Source
        our own: same family within 14 days stands in for an avoidable repeat; each needs a look

    >>> from rcm_analysis.examples.office import example_office
    >>> repeat_visits(example_office(), period=Period.month("2026-10"))
       visits  repeats  repeat_rate
    0       3        1     0.333333
    """
    columns = ["client", "appointment_id", "patient", "scheduled_on", "status", "is_planned_follow_up", "problem"]
    words = [name for name in by if name != "month"]
    kept = source(tables, "appointments", [*columns, *words]).filter(
        nw.col("status") == "kept", ~nw.col("problem").is_in(list(NO_PROBLEM)), ~nw.col("problem").is_null()
    )
    kept = kept.with_columns(on_day=day_number(nw.col("scheduled_on")))
    visits = kept.filter(period.holds(nw.col("scheduled_on")), ~nw.col("is_planned_follow_up"))
    keys = ["client", "patient", "problem"]
    pairs = visits.select(*keys, "appointment_id", "on_day").join(
        kept.select(*keys, before=nw.col("on_day")), on=keys, how="inner"
    )
    gap = nw.col("on_day") - nw.col("before")
    again = (
        pairs.filter(gap >= 1, gap <= days).select("client", "appointment_id").unique().with_columns(repeats=nw.lit(1))
    )
    rows = visits.join(again, on=["client", "appointment_id"], how="left").with_columns(
        *[nw.col(name).fill_null(NO_VALUE) for name in words], visits=nw.lit(1), repeats=nw.col("repeats").fill_null(0)
    )
    if "month" in by:
        rows = rows.with_columns(month_of(nw.col("scheduled_on")))
    found = sums(rows, by, ["visits", "repeats"])
    return found.assign(repeat_rate=quotient(found["repeats"], found["visits"]))


@measure("Third next available appointment", value="median_days", unit="days", good="down")
def third_next_available(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Days from a check to the third next open slot: the middle check of the period.

    Formula
        days = day of the third next open slot - day of the check
        median_days = the smallest number of days that at least half of the checks do not exceed
    Counts
        Checks made in the period; the third next slot, because the next may be a chance cancellation.
        `by` may hold `month`, `location`, `visit_type`.
    Date basis
        day of the check
    Unit
        days; checks is a count
    Empty
        No check: empty.
    Source
        after IHI, Third Next Available Appointment; the middle check of the period is our own

    >>> from rcm_analysis.examples.office import example_office
    >>> third_next_available(example_office(), period=Period.month("2026-10"), by=["visit_type"])
      visit_type  checks  median_days  longest_days
    0  follow_up       1          4.0           4.0
    1        new       2         12.0          15.0
    """
    words = [name for name in by if name != "month"]
    rows = source(tables, "access_checks", ["client", "checked_on", "third_next_on"], by=words)
    rows = rows.filter(period.holds(nw.col("checked_on"))).with_columns(
        days=day_number(nw.col("third_next_on")) - day_number(nw.col("checked_on")), checks=nw.lit(1)
    )
    if "month" in by:
        rows = rows.with_columns(month_of(nw.col("checked_on")))
    keys = [*by, "days"]
    counts = collect(rows.group_by(keys).agg(nw.col("checks").sum()), keys, dates=[])
    counts["days"] = counts["days"].astype("int64") if len(counts) else pd.Series(dtype="int64")
    groups = counts.groupby(list(by)) if by else [((), counts)]
    found = [(*(key if isinstance(key, tuple) else (key,)), *_middle(part)) for key, part in groups]
    return pd.DataFrame(found, columns=[*by, "checks", "median_days", "longest_days"])


def _middle(counts: pd.DataFrame) -> tuple[int, float, float]:
    """How many checks, the first number of days that at least half do not exceed, and the longest."""
    if counts.empty:
        return 0, float("nan"), float("nan")
    in_order = counts.sort_values("days")
    checks = int(in_order["checks"].sum())
    reached = in_order["checks"].cumsum() * 2 >= checks
    return checks, float(in_order["days"][reached].iloc[0]), float(in_order["days"].iloc[-1])
