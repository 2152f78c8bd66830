"""Page one of a patient engagement review: who came, what has changed, what to do, with owner and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd

from ...ledger.suppression import LEAST
from ...measures.engagement.care_risk import INTAKE_PARTS
from ...periods import Period
from ..blocks import Block, Finding, cards, finding, findings, for_the_workbook, headline, note, split
from ..client_review.asks import MOST, table_of
from ..client_review.behind import traced
from ..client_review.beside_past import Number, Series, numbers_beside
from ..formats import as_text, counted, is_empty, sentence
from ..pages import page
from ..register.action import FOLLOW_UP_DAYS, PROCESS_DAYS, Action, due
from ..subject import Subject
from ..tables import Shown, show
from .facts import MONTHS, Facts
from .published import title_of
from .small import known, parts_of, said, total_of

RATES = {
    "no_show": "No-shows",
    "late_cancel": "Late cancellations",
    "social_needs": "Social needs asked",
    "response_time": "Complaints answered in a week",
    "intake": "Complete intake forms",
}
OWNERS = {
    "no_show": "practice manager",
    "late_cancel": "front desk",
    "social_needs": "intake lead",
    "response_time": "patient relations",
}
REMEDIES = {
    "no_show": "Find out what changed with appointments",
    "late_cancel": "Find out what changed with cancellations",
    "social_needs": "Put the social needs back on the form",
    "response_time": "Answer complaints within a week again",
}
PIECES = (("kept", "kept", "strong"), ("no_shows", "missed", "alert"), ("late_cancels", "canceled late", "light"))
WHOLE_BLOCKS = "Told by whole quarters or half-years, so that two months' reports give no small number away."
ROUND_CENTS = 100_00
"""Dollars of a change are told in hundreds: to the dollar they would tell how many slots a place had."""
RECENT_DAYS = 240
"""A change for the worse stays on page one for eight months."""


def place(location: str) -> str:
    """Where a change was seen, in a sentence.

    >>> place(""), place("Site 01")
    ('at all places', 'at Site 01')
    """
    return f"at {location}" if location else "at all places"


@page
def answers(facts: Facts) -> list[Block]:
    """The finding in a sentence, the slots as one bar, three answers, asks, numbers by month; an honest sentence where
    the client has no such data at all."""
    if not any(
        facts.subject.rows.get(name, 0)
        for name in ("appointments", "intakes", "risk_assessments", "surveys", "feedback", "hospital_encounters")
    ):
        return [
            note(
                "No patient engagement data has been delivered for this client: no appointments, forms, surveys "
                "or hospital reports.",
                tone="warning",
            )
        ]
    answered = cards([_risk(facts), _said(facts), _hospital(facts)])
    page_one = [*_slots(facts), answered, *_asks(facts), *_beside(facts)]
    return [
        headline(f"{_came(facts)} {_changed(facts)}"),
        *page_one,
        *traced(page_one, "engagement_page_one", whole="appointments_kept"),
    ]


def _came(facts: Facts) -> str:
    """How many slots were missed: in the month, else in what may be told."""
    month, year, block = facts.month, facts.twelve_months, facts.slots
    if not len(year):
        return "No appointment was scheduled in the twelve months."
    if known(month, "no_show_rate"):
        beside = f", {said(year, 'no_show_rate', 'rate')} in twelve months" if known(year, "no_show_rate") else ""
        share = said(month, "no_show_rate", "rate")
        return f"{share} of the appointments of {facts.subject.month} were missed{beside}."
    for row, when in ((year, "of twelve months"), (block, f"from {title_of(facts.block)}")):
        if known(row, "no_show_rate"):
            return f"{said(row, 'no_show_rate', 'rate')} of the appointments {when} were missed."
    return f"How many appointments were missed is not shown: a month with one to {LEAST - 1} no-shows is hidden."


def _changed(facts: Facts) -> str:
    """The newest change for the worse; else that there is none."""
    worse = worsened(facts)
    if worse.empty:
        return "No rate has become worse in eight months, beyond what chance explains."
    more = f" {sentence(counted(len(worse) - 1, 'more rate'))} became worse." if len(worse) > 1 else ""
    return f"{sentence_of(worse.iloc[0])}.{more}"


def _slots(facts: Facts) -> list[Block]:
    """The block's slots by what became of them, where all of it may be shown."""
    row = facts.slots
    pieces = [(name, words, tone) for name, words, tone in PIECES if known(row, name) and row[name]]
    if not known(row, "slots", *(name for name, _, _ in PIECES)) or not pieces:
        return [note(f"The appointments from {title_of(facts.block)} are too few to be shown by what became of them.")]
    return [
        split(
            f"Of {said(row, 'slots')} appointments from {title_of(facts.block)}",
            [(words, int(row[name]), tone) for name, words, tone in pieces],
            definition="Those that nobody else could use any more: cancellations more than 24 hours ahead are left "
            f"out. {WHOLE_BLOCKS}",
            unit="count",
        ),
        show(
            pd.DataFrame([{"when": title_of(facts.block)} | {name: int(row[name]) for name, _, _ in pieces}]),
            [Shown("when", "Appointments of"), *(Shown(name, sentence(words), "count") for name, words, _ in pieces)],
            name="appointments_kept",
            title="What became of the appointments",
            print_it=False,
            definition=f"Slots; cancellations more than 24 hours ahead are left out. {WHOLE_BLOCKS}",
        ),
    ]


def worsened(facts: Facts) -> pd.DataFrame:
    """Changes for the worse of the last eight months, newest first."""
    recent = pd.Timestamp(facts.subject.as_of) - pd.Timedelta(days=RECENT_DAYS)
    found = facts.shifts
    return found[found["is_worse"].astype(bool) & (pd.to_datetime(found["onset_on"]) >= recent)].reset_index(drop=True)


def sentence_of(shift: Any) -> str:
    """One change in words."""
    return (
        f"{RATES[shift['measure']]} {place(shift['location'])} "
        f"{'rose' if shift['direction'] == 'rise' else 'fell'} from "
        f"{as_text(shift['rate_before'], 'rate')} to {as_text(shift['rate_after'], 'rate')} around "
        f"{as_text(shift['onset_on'], 'date')}"
    )


def _risk(facts: Facts) -> tuple[str, str, str]:
    question = "Are patients at risk looked after?"
    if facts.navigation.empty:
        return question, "not known", "No patient has been assessed as high risk."
    row = total_of(facts.navigation, "location")
    return (
        question,
        f"{said(row, 'coverage', 'rate')} covered",
        (
            f"Of {said(row, 'high_risk')} patients at high risk, {said(row, 'covered')} have a navigator who "
            "reached them in thirty days; "
            f"{said(row, 'without')} have no navigator."
        ),
    )


def _said(facts: Facts) -> tuple[str, str, str]:
    question, items = "What do patients say?", facts.items
    rating = items[items["item"] == "rating"]
    if rating.empty:
        return question, "not known", f"No survey was answered from {title_of(facts.quarter)}."
    row = rating.iloc[0]
    share = (
        f"{said(row, 'top_box_share', 'rate')} gave 9 or 10" if not row["is_suppressed"] else "too few answers to show"
    )
    span = f" ({as_text(row['low'], 'rate')} to {as_text(row['high'], 'rate')})" if known(row, "low") else ""
    answered = facts.answered
    told = (
        (
            f"; of complaints from {title_of(facts.half_year)} {said(answered, 'in_time_share', 'rate')} were "
            "answered in a week"
        )
        if known(answered, "in_time_share")
        else ""
        if known(answered, "due") and not answered["due"]
        else "; complaints are too few to show"
    )
    return question, share, f"{said(row, 'answers')} answers from {title_of(facts.quarter)}{span}{told}."


def _hospital(facts: Facts) -> tuple[str, str, str]:
    question = "Who ends up in hospital?"
    if facts.emergency.empty:
        return question, "not known", "No count of patients looked after, so no rate."
    row = total_of(facts.emergency, "month")
    stays = facts.stays
    again = (
        (
            f"{said(stays, 'readmission_rate', 'rate')} of {said(stays, 'index_stays')} stays from "
            f"{title_of(facts.stay_block)} led to another in thirty days"
        )
        if known(stays, "readmission_rate")
        else "readmissions in thirty days are too few to show"
    )
    if not known(row, "emergency_per_1000"):
        return question, "too few to show", f"Months with one to {LEAST - 1} emergency visits are hidden; {again}."
    return (
        question,
        f"{said(row, 'emergency_per_1000')} per 1,000",
        f"Emergency visits a year; {again}. Observed, not adjusted for risk.",
    )


def _asks(facts: Facts) -> list[Block]:
    """At most three of them, the others in the workbook."""
    found = to_do(facts)
    if not found:
        return [note("We need nothing from you: no finding needs a decision.")]
    shown = [
        Action(
            one.title,
            one.detail.removesuffix("."),
            one.owner,
            dt.date.fromisoformat(one.due),
            amount_cents=one.amount_cents,
        )
        for one in found[:MOST]
    ]
    basis = "The gravest first."
    if any(ask.amount_cents for ask in shown):
        basis += (
            " Dollars: what that many more kept visits would have brought since, at this practice's own cash a visit, "
            "to the nearest $100."
        )
    return [
        table_of(shown, basis, name="engagement_asks"),
        *for_the_workbook([findings("What to do, all of it", found)]),
    ]


# -- what to do ------------------------------------------------------------------------------------


def to_do(facts: Facts) -> list[Finding]:
    """Findings, most urgent first."""
    found = [
        *_shift_findings(facts),
        *_navigation_finding(facts),
        *_lead_finding(facts),
        *_intake_finding(facts),
        *_complaint_finding(facts),
        *_access_finding(facts),
    ]
    rank = {"high": 0, "medium": 1, "low": 2}
    return sorted(found, key=lambda item: (rank[item.severity], -(item.amount_cents or 0), item.title))


def _shift_findings(facts: Facts) -> list[Finding]:
    out = []
    for row in worsened(facts).to_dict("records"):
        cents = None
        worth = facts.recovered["visit_cents"]
        if row["measure"] == "no_show" and not is_empty(worth):
            cents = (
                round((row["rate_after"] - row["rate_before"]) * row["of_after"] * int(worth) / ROUND_CENTS)
                * ROUND_CENTS
            )
        out.append(
            finding(
                REMEDIES[row["measure"]],
                f"{sentence_of(row)}{_between(row)}. Ask what was done differently from then on.",
                amount_cents=cents,
                owner=OWNERS[row["measure"]],
                due=due(facts.subject, FOLLOW_UP_DAYS),
                severity="high",
            )
        )
    return out


def _between(row: dict[str, Any]) -> str:
    """The days that are possible too, where there are others."""
    if row["earliest_on"] == row["latest_on"]:
        return ""
    return f" (between {as_text(row['earliest_on'], 'date')} and {as_text(row['latest_on'], 'date')})"


def _navigation_finding(facts: Facts) -> list[Finding]:
    row = total_of(facts.navigation, "location")
    if not len(row) or not known(row, "without") or not row["without"]:
        return []
    return [
        finding(
            "Give every patient at high risk a navigator",
            f"{said(row, 'without')} of {said(row, 'high_risk')} patients at high risk have none in charge.",
            owner="care team lead",
            due=due(facts.subject, PROCESS_DAYS),
            severity="medium",
        )
    ]


def _lead_finding(facts: Facts) -> list[Finding]:
    rows = parts_of(facts.leads, "lead") if len(facts.leads) and not facts.is_withheld else facts.leads.iloc[:0]
    far = rows[rows["lead"] == "4 over 28 days"] if len(rows) else rows
    if far.empty or not known(far.iloc[0], "no_show_rate") or not known(facts.slots, "no_show_rate"):
        return []
    row, usual = far.iloc[0], facts.slots
    if row["no_show_rate"] < 1.5 * usual["no_show_rate"]:
        return []
    return [
        finding(
            "Remind patients who booked over four weeks ahead",
            f"They miss {as_text(row['no_show_rate'], 'rate')} of their slots, all patients "
            f"{as_text(usual['no_show_rate'], 'rate')}: "
            f"{said(row, 'no_shows')} of {said(usual, 'no_shows')} no-shows from {title_of(facts.block)}. "
            "Confirm a week ahead, and refill what is given back.",
            owner="front desk",
            due=due(facts.subject, PROCESS_DAYS),
            severity="medium",
        )
    ]


def _intake_finding(facts: Facts) -> list[Finding]:
    rows = facts.intake_parts
    rows = rows[rows["complete_share"].notna() & (rows["part"] != "social_needs")] if len(rows) else rows
    if rows.empty or rows["complete_share"].min() >= 0.9:
        return []
    worst = rows.sort_values("complete_share").iloc[0]
    return [
        finding(
            f"Complete the {worst['part']} part of the intake form",
            f"Complete on {as_text(worst['complete_share'], 'rate')} of {said(worst, 'forms')} forms from "
            f"{title_of(facts.block)}; the least complete of the "
            f"{len(INTAKE_PARTS) - 1} parts beside social needs.",
            owner="intake lead",
            due=due(facts.subject, PROCESS_DAYS),
            severity="low",
        )
    ]


def _complaint_finding(facts: Facts) -> list[Finding]:
    row = facts.answered
    if not known(row, "in_time_share") or row["in_time_share"] >= 0.8:
        return []
    return [
        finding(
            "Answer every complaint within a week",
            f"{said(row, 'in_time')} of {said(row, 'due')} complaints from {title_of(facts.half_year)} were "
            f"({as_text(row['in_time_share'], 'rate')}).",
            owner="patient relations",
            due=due(facts.subject, PROCESS_DAYS),
            severity="medium",
        )
    ]


def _access_finding(facts: Facts) -> list[Finding]:
    rows = facts.access
    rows = rows[rows["median_days"] - rows["before_days"].astype("float64") >= 5] if len(rows) else rows
    if rows.empty:
        return []
    worst = rows.sort_values("median_days", ascending=False).iloc[0]
    return [
        finding(
            f"Open slots for {'new patients' if worst['visit_type'] == 'new' else 'follow-ups'} at {worst['location']}",
            (
                f"The third next open slot is {as_text(worst['median_days'], 'days')} days away; three months ago "
                f"it was {as_text(worst['before_days'], 'days')}."
            ),
            owner="practice manager",
            due=due(facts.subject, PROCESS_DAYS),
            severity="medium",
        )
    ]


# -- beside the past --------------------------------------------------------------------------------


def _shares(frame: pd.DataFrame, value: str, *, back: int = 0) -> Callable[[Subject, list[Period]], Series]:
    """The months of a protected table, each from `back` months before; a hidden one is empty."""

    def series(subject: Subject, months: list[Period]) -> Series:
        rows = parts_of(frame, "month") if len(frame) else frame
        found = {pd.Timestamp(row["month"]): row[value] for row in rows.to_dict("records")}
        return {month: found.get(pd.Timestamp(month.shift(-back).first_day)) for month in months}

    return series


def _beside(facts: Facts) -> list[Block]:
    """The rates that are told by month, as their own tables show them."""
    known_months = [
        (Number("Appointments missed", "rate", "down", _shares(facts.months, "no_show_rate")), facts.months),
        (Number("Forms that ask the social needs", "rate", "up", _shares(facts.needs, "asked_share")), facts.needs),
        (
            Number(
                "Emergency visits per 1,000 patients a year, one month earlier",
                "count",
                "down",
                _shares(facts.emergency, "emergency_per_1000", back=1),
            ),
            facts.emergency,
        ),
    ]
    numbers = [number for number, frame in known_months if len(frame)]
    if not numbers:
        return []
    return numbers_beside(
        facts.subject,
        numbers,
        facts.year.months()[0],
        name="engagement_numbers",
        basis="Appointments by their day, forms by the day of the intake, emergency visits by the day of the visit, "
        "which are told when the next month is over. An empty month is hidden or not told yet.",
        months=MONTHS,
    )
