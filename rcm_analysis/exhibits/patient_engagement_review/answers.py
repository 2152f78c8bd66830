"""Page one of a patient engagement review: six answers, and what to do, with owner and day."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...ledger.suppression import LEAST
from ...measures.engagement.care_risk import INTAKE_PARTS
from ..blocks import Block, Finding, cards, finding, findings, note
from ..client_review.opportunities import FOLLOW_UP_DAYS, PROCESS_DAYS, due
from ..formats import as_text, counted, is_empty
from ..pages import page
from .facts import Facts
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
    """The six cards; an honest sentence where the client has no such data at all."""
    if not any(
        facts.subject.rows.get(name, 0)
        for name in ("appointments", "intakes", "risk_assessments", "surveys", "feedback", "hospital_encounters")
    ):
        return [
            note(
                "No patient engagement data has been delivered for this client: no appointments, forms, surveys "
                "or hospital reports. "
                "Everything below says so in its place.",
                tone="warning",
            )
        ]
    return [cards([_came(facts), _changed(facts), _risk(facts), _said(facts), _hospital(facts), _need(facts)])]


def _came(facts: Facts) -> tuple[str, str, str]:
    question, month, year, block = "Do patients come?", facts.month, facts.twelve_months, facts.slots
    if not len(year):
        return question, "not known", "No appointment was scheduled in the twelve months."
    parts = []
    if known(month, "no_show_rate"):
        parts.append(f"{said(month, 'no_shows')} of {said(month, 'slots')} slots in {facts.subject.month}")
    if known(year, "no_show_rate"):
        parts.append(f"{said(year, 'no_show_rate', 'rate')} over the last twelve months")
    if known(block, "late_cancel_rate", "appointment_adherence"):
        parts.append(
            f"from {title_of(facts.block)} {said(block, 'appointment_adherence', 'rate')} were kept and "
            f"{said(block, 'late_cancel_rate', 'rate')} cancelled late"
        )
    for row, when in ((month, ""), (year, " in twelve months"), (block, f" from {title_of(facts.block)}")):
        if known(row, "no_show_rate"):
            return question, f"{said(row, 'no_show_rate', 'rate')} missed{when}", f"{'; '.join(parts)}."
    return question, "too few to show", f"A month with one to {LEAST - 1} no-shows is hidden."


def _changed(facts: Facts) -> tuple[str, str, str]:
    question, worse = "What has changed?", worsened(facts)
    if worse.empty:
        better = facts.shifts[~facts.shifts["is_worse"].astype(bool)]
        more = f" Last change for the better: {sentence_of(better.iloc[0])}." if len(better) else ""
        return question, "nothing for the worse", f"No rate has worsened beyond chance in eight months.{more}"
    first = worse.iloc[0]
    more = f" {counted(len(worse) - 1, 'more change')} below." if len(worse) > 1 else ""
    return (
        question,
        f"{RATES[first['measure']]} {'up' if first['direction'] == 'rise' else 'down'}",
        f"{sentence_of(first)}.{more}",
    )


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
    span = f" (between {as_text(row['low'], 'rate')} and {as_text(row['high'], 'rate')})" if known(row, "low") else ""
    answered = facts.answered
    told = (
        (
            f"; {said(answered, 'in_time_share', 'rate')} of complaints from {title_of(facts.half_year)} were "
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
            f"{title_of(facts.stay_block)} were followed by another within thirty days"
        )
        if known(stays, "readmission_rate")
        else "readmissions within thirty days are too few to show, or none could be judged"
    )
    if not known(row, "emergency_per_1000"):
        return question, "too few to show", f"Months with one to {LEAST - 1} emergency visits are hidden; {again}."
    return (
        question,
        f"{said(row, 'emergency_per_1000')} emergency visits",
        f"per 1,000 patients and year; {again}. Observed, not adjusted for risk.",
    )


def _need(facts: Facts) -> tuple[str, str, str]:
    found = to_do(facts)
    if not found:
        return "What do we need from you?", "nothing this month", "No finding needs a decision."
    first = found[0]
    return (
        "What do we need from you?",
        counted(len(found), "decision"),
        f"First: {first.title[0].lower()}{first.title[1:]} ({first.owner}, by {as_text(first.due, 'date')}).",
    )


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


@page
def all_findings(facts: Facts) -> list[Block]:
    found = to_do(facts)
    return [findings("Decisions", found)] if found else [note("Nothing was found that needs a decision.")]


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
        more = (
            (
                " The dollars are what that many more kept visits would have brought since, at this practice's own "
                "cash a visit, to the nearest $100."
            )
            if cents
            else ""
        )
        out.append(
            finding(
                REMEDIES[row["measure"]],
                f"{sentence_of(row)}{_between(row)}. Ask what was done differently from then on.{more}",
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
