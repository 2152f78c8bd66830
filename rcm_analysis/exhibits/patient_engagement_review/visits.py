"""Appointments on paper: no-shows by month, lead time, visit type and place; repeats, access, and who comes back."""

from __future__ import annotations

import pandas as pd

from .. import figures
from ..blocks import Block, note
from ..formats import as_text, sentence, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts
from .findings import RATES, changes, place
from .published import title_of
from .small import known, parts_of, said, show_guarded, total_of

BASIS = "By day of the appointment; slots are appointments less those canceled 24 hours ahead or more"
OUTCOMES = [
    Shown("slots", "Slots", "count"),
    Shown("kept", "Kept", "count"),
    Shown("no_shows", "No-shows", "count"),
    Shown("no_show_rate", "No-show rate", "rate"),
    Shown("late_cancels", "Late cancels", "count"),
    Shown("late_cancel_rate", "Late rate", "rate"),
    Shown("appointment_adherence", "Kept share", "rate"),
]


@page
def appointments(facts: Facts) -> list[Block]:
    """The twelve months, then the strata."""
    if facts.months.empty:
        return [
            figures.nothing_to_draw(
                f"No appointment was scheduled in the twelve months to {facts.subject.period.title}."
            )
        ]
    span = title_of(facts.block)
    if facts.leads.empty:
        return [
            *_months(facts),
            note(
                f"No appointment was scheduled from {span}, so there is nothing yet by lead time, kind of visit "
                "or place."
            ),
        ]
    if facts.is_withheld:
        return [
            *_months(facts),
            note(
                f"There are too few slots from {span} to show them by lead time, kind of visit or place: their "
                "totals would give away a month that is hidden."
            ),
        ]
    return [
        *_months(facts),
        *_leads(facts),
        *_table(
            facts, facts.visit_types, "visit_type", "Visit type", "no_shows_by_type", "Appointments by kind of visit"
        ),
        *_table(facts, facts.locations, "location", "Place", "no_shows_by_place", "Appointments by place"),
        note("Compare places only at like lead times and kinds of visit: both drive no-shows more than a place does."),
        *_repeats(facts),
    ]


def _months(facts: Facts) -> list[Block]:
    rows, total = parts_of(facts.months, "month"), total_of(facts.months, "month")
    columns = [
        Shown("month", "Month", "month"),
        Shown("slots", "Slots", "count"),
        Shown("no_shows", "No-shows", "count"),
        Shown("no_show_rate", "Rate", "rate"),
    ]
    words = {
        "name": "no_shows_by_month",
        "title": "No-shows by month",
        "definition": f"{BASIS}; a late cancellation is a slot and no no-show.",
    }
    finding = (
        (
            f"{said(total, 'no_shows')} of {said(total, 'slots')} slots were missed in the months shown "
            f"({said(total, 'no_show_rate', 'rate')})"
        )
        if known(total, "no_shows", "slots")
        else "Some months have too few no-shows to be shown, and so there is no total"
    )
    finding += (
        f"; in {facts.subject.month} {said(facts.month, 'no_show_rate', 'rate')}."
        if known(facts.month, "no_show_rate")
        else "."
    )
    if rows["no_show_rate"].notna().sum() < 3:
        return [show_guarded(facts.months, columns, **words)]
    events = changes(facts, "no_show", rows["month"].iloc[0])
    finding, days = finding + figures.marked(events), [one.day for one in events]
    axes = figures.plot_months(rows, figures.new_axes(2.0), series={"no_show_rate": "Missed"}, unit="rate", events=days)
    return [
        figures.figure_block(
            axes,
            name="no_show_chart",
            title=f"No-show rate by month, {facts.subject.client.name} (share of slots, day of the appointment)",
            alt=f"Line chart of the no-show rate for twelve months. {finding}",
            finding=finding,
            table=show_guarded(facts.months, columns, **words),
        )
    ]


def _leads(facts: Facts) -> list[Block]:
    shown = facts.leads.assign(
        lead=[str(lead).split(" ", 1)[-1] if str(lead)[:1].isdigit() else lead for lead in facts.leads["lead"]]
    )
    span = title_of(facts.block)
    table = {
        "name": "no_shows_by_lead",
        "title": f"Appointments by lead time, {span}",
        "definition": f"{BASIS}; lead time from the booking to the appointment.",
    }
    columns = [Shown("lead", "Booked ahead"), *OUTCOMES]
    rows = parts_of(shown, "lead")
    rows = rows[rows["no_show_rate"].notna()].reset_index(drop=True)
    if len(rows) < 2:
        return [show_guarded(shown, columns, **table)]
    low, high = rows.iloc[0], rows.loc[rows["no_show_rate"].astype(float).idxmax()]
    finding = (
        f"Of slots booked {high['lead']} ahead {as_text(high['no_show_rate'], 'rate')} were missed, of those "
        f"booked {low['lead']} ahead "
        f"{as_text(low['no_show_rate'], 'rate')}."
    ).replace("same day ahead", "on the same day")
    axes = figures.plot_bars(
        rows,
        figures.new_axes(0.5 + 0.3 * len(rows)),
        label="lead",
        value="no_show_rate",
        unit="rate",
        strong=[int(rows["no_show_rate"].astype(float).argmax())],
    )
    return [
        figures.figure_block(
            axes,
            name="no_show_lead_chart",
            title=f"No-show rate by lead time, {span} (share of slots)",
            alt=f"Bars of the no-show rate by lead time. {finding}",
            finding=finding,
            table=show_guarded(shown, columns, **table),
        )
    ]


def _table(facts: Facts, found: pd.DataFrame, by: str, heading: str, name: str, title: str) -> list[Block]:
    words = found.assign(
        **{by: [sentence(words_of(value)) if by == "visit_type" and value != "(all)" else value for value in found[by]]}
    )
    return [
        show_guarded(
            words,
            [Shown(by, heading), *OUTCOMES],
            name=name,
            title=f"{title}, {title_of(facts.block)}",
            definition=f"{BASIS}.",
        )
    ]


def _repeats(facts: Facts) -> list[Block]:
    found = facts.repeats
    if found.empty:
        return [note("No kept visit has a problem family, so repeats cannot be counted.")]
    total = total_of(found, "problem")
    shown = found.assign(
        problem=[sentence(words_of(value)) if value != "(all)" else value for value in found["problem"]]
    )
    return [
        show_guarded(
            shown,
            [
                Shown("problem", "Problem"),
                Shown("visits", "Visits", "count"),
                Shown("repeats", "Repeats", "count"),
                Shown("repeat_rate", "Rate", "rate"),
            ],
            name="repeat_visits",
            title=f"Visits that repeat within fourteen days for the same problem, {title_of(facts.block)}",
            definition=(
                "Kept visits by day of the visit, planned follow-ups left out; repeat: the same patient "
                "was seen for the same problem family 1 to 14 days before."
            ),
            notes=[
                (
                    f"{said(total, 'repeats')} of {said(total, 'visits')} visits. A repeat may be good care; each "
                    "needs a look before it is called avoidable."
                )
            ],
        )
    ]


@page
def access(facts: Facts) -> list[Block]:
    """The third next open slot, by place and kind of visit."""
    found = facts.access
    if found.empty:
        return [note(f"The third next open slot was not checked in {facts.subject.period.title}.")]
    shown = found.assign(
        visit_type=found["visit_type"].map({"new": "New patient", "follow_up": "Follow-up"}).fillna(found["visit_type"])
    )
    return [
        show(
            shown,
            [
                Shown("location", "Place"),
                Shown("visit_type", "For"),
                Shown("checks", "Checks", "count"),
                Shown("median_days", "Days, middle check", "days"),
                Shown("longest_days", "Longest", "days"),
                Shown("before_days", "Three months before", "days"),
            ],
            name="third_next_available",
            title="Days to the third next open slot",
            definition=(
                f"Checks made in {facts.subject.period.title}; days from the check to the slot. The "
                "third, because the next may be a chance cancellation. No patients are counted."
            ),
        )
    ]


@page
def retention(facts: Facts) -> list[Block]:
    """Who comes back, quarter by quarter."""
    found = facts.returning
    if found.empty:
        return [note("No appointment was kept, so nobody could come back.")]
    whole = found[found["back_365"].notna()]
    text = "No quarter that may be shown has been watched for a year yet."
    if len(whole):
        last = whole.iloc[-1]
        text = (
            f"Of patients seen in {last['quarter']}, {as_text(last['back_365'], 'rate')} were back within a "
            f"year (between {as_text(last['low'], 'rate')} and "
            f"{as_text(last['high'], 'rate')})."
        )
    return [
        show_guarded(
            found,
            [
                Shown("quarter", "Seen in"),
                Shown("patients", "Patients", "count"),
                Shown("back_90", "By 90 days", "rate"),
                Shown("back_180", "By 180 days", "rate"),
                Shown("back_365", "By a year", "rate"),
                Shown("low", "Low", "rate"),
                Shown("high", "High", "rate"),
            ],
            name="retention",
            title="Patients who come back",
            notes=[text],
            definition="Patients with a kept visit in the quarter, from the last one; return is the next kept "
            "visit. A share is given once everybody of the quarter has been "
            "watched so long: who may still come back is neither back nor lost, and a dash stands till then. "
            "Low and high: 95% interval of a year.",
        )
    ]


@page
def shifts(facts: Facts) -> list[Block]:
    """Every change beyond chance, with its days."""
    found = facts.shifts
    if found.empty:
        return [
            note(
                "No rate changed beyond chance: no-shows, late cancellations, social needs asked, complaints "
                "answered in time."
            )
        ]
    shown = found.assign(
        measure=found["measure"].map(RATES),
        where=[sentence(place(name)).removeprefix("At ") for name in found["location"]],
        verdict=["worse" if worse else "better" for worse in found["is_worse"]],
    )
    return [
        show(
            shown,
            [
                Shown("measure", "What"),
                Shown("where", "Where"),
                Shown("onset_on", "Since", "date"),
                Shown("earliest_on", "Earliest", "date"),
                Shown("latest_on", "Latest", "date"),
                Shown("rate_before", "Before", "rate"),
                Shown("rate_after", "After", "rate"),
                Shown("verdict", "Change"),
            ],
            name="shifts",
            title="When a rate changed",
            definition="The day that best splits the daily counts into two rates, where chance would hardly do "
            "as well; earliest and latest: the days that explain them almost as well. "
            "Twenty months; changes of two points or more, told in whole percent.",
        )
    ]
