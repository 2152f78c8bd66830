"""What patient engagement has to put right, as actions of the client's register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from ...measures.engagement.care_risk import INTAKE_PARTS
from .. import figures
from ..formats import as_text, is_empty
from ..register.action import FOLLOW_UP_DAYS, PROCESS_DAYS, Action, Found, due, finds
from . import SERVICE
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
BASIS = (
    "what that many more kept visits would have brought since, at this practice's own cash a visit, to the nearest $100"
)
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


@finds(SERVICE)
def found(facts: Facts) -> list[Found]:
    """Every finding; nothing small is told, as the facts hide it."""
    return [one for look in LOOKS for one in look(facts)] if is_told(facts) else []


def is_told(facts: Facts) -> bool:
    """Whether anything of the front office was delivered."""
    names = ("appointments", "intakes", "risk_assessments", "surveys", "feedback", "hospital_encounters")
    return any(facts.subject.rows.get(name, 0) for name in names)


def _found(
    facts: Facts,
    title: str,
    detail: str,
    *,
    owner: str,
    days: int,
    severity: str,
    kind: str,
    key: str = "",
    cents: int | None = None,
) -> Found:
    """One finding; dollars, where there are any, are those of kept visits."""
    why = detail.removesuffix(".")
    promised = due(facts.subject, days)
    action = Action(title, why, owner, promised, severity=severity, basis=BASIS, is_asked=True, service=SERVICE)
    return Found(f"engagement_{kind}", lambda _: action, key=key, cents=cents or None)


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


def changes(facts: Facts, measure: str, since: Any) -> list[figures.Event]:
    """The days from `since` on that a chart of this rate marks: on each of them it changed somewhere, beyond chance."""
    rows = facts.shifts[facts.shifts["measure"] == measure].sort_values("onset_on")
    return [
        figures.Event(onset.date(), f"{RATES[measure].lower()} {'rose' if way == 'rise' else 'fell'} {place(where)}")
        for onset, way, where in zip(pd.to_datetime(rows["onset_on"]), rows["direction"], rows["location"], strict=True)
        if onset >= pd.Timestamp(since)
    ]


def _shift_findings(facts: Facts) -> list[Found]:
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
            _found(
                facts,
                REMEDIES[row["measure"]],
                f"{sentence_of(row)}{_between(row)}. Ask what was done differently from then on.",
                cents=cents,
                owner=OWNERS[row["measure"]],
                days=FOLLOW_UP_DAYS,
                severity="high",
                kind="change",
                key=f"{row['measure']} {row['location']}",
            )
        )
    return out


def _between(row: dict[str, Any]) -> str:
    """The days that are possible too, where there are others."""
    if row["earliest_on"] == row["latest_on"]:
        return ""
    return f" (between {as_text(row['earliest_on'], 'date')} and {as_text(row['latest_on'], 'date')})"


def _navigation_finding(facts: Facts) -> list[Found]:
    row = total_of(facts.navigation, "location")
    if not len(row) or not known(row, "without") or not row["without"]:
        return []
    return [
        _found(
            facts,
            "Give every patient at high risk a navigator",
            f"{said(row, 'without')} of {said(row, 'high_risk')} patients at high risk have none in charge.",
            owner="care team lead",
            days=PROCESS_DAYS,
            severity="medium",
            kind="navigators",
        )
    ]


def _lead_finding(facts: Facts) -> list[Found]:
    rows = parts_of(facts.leads, "lead") if len(facts.leads) and not facts.is_withheld else facts.leads.iloc[:0]
    far = rows[rows["lead"] == "4 over 28 days"] if len(rows) else rows
    if far.empty or not known(far.iloc[0], "no_show_rate") or not known(facts.slots, "no_show_rate"):
        return []
    row, usual = far.iloc[0], facts.slots
    if row["no_show_rate"] < 1.5 * usual["no_show_rate"]:
        return []
    return [
        _found(
            facts,
            "Remind patients who booked over four weeks ahead",
            f"They miss {as_text(row['no_show_rate'], 'rate')} of their slots, all patients "
            f"{as_text(usual['no_show_rate'], 'rate')}: "
            f"{said(row, 'no_shows')} of {said(usual, 'no_shows')} no-shows from {title_of(facts.block)}. "
            "Confirm a week ahead, and refill what is given back.",
            owner="front desk",
            days=PROCESS_DAYS,
            severity="medium",
            kind="reminders",
        )
    ]


def _intake_finding(facts: Facts) -> list[Found]:
    rows = facts.intake_parts
    rows = rows[rows["complete_share"].notna() & (rows["part"] != "social_needs")] if len(rows) else rows
    if rows.empty or rows["complete_share"].min() >= 0.9:
        return []
    worst = rows.sort_values("complete_share").iloc[0]
    return [
        _found(
            facts,
            f"Complete the {worst['part']} part of the intake form",
            f"Complete on {as_text(worst['complete_share'], 'rate')} of {said(worst, 'forms')} forms from "
            f"{title_of(facts.block)}; the least complete of the "
            f"{len(INTAKE_PARTS) - 1} parts beside social needs.",
            owner="intake lead",
            days=PROCESS_DAYS,
            severity="low",
            kind="intake",
            key=str(worst["part"]),
        )
    ]


def _complaint_finding(facts: Facts) -> list[Found]:
    row = facts.answered
    if not known(row, "in_time_share") or row["in_time_share"] >= 0.8:
        return []
    return [
        _found(
            facts,
            "Answer every complaint within a week",
            f"{said(row, 'in_time')} of {said(row, 'due')} complaints from {title_of(facts.half_year)} were "
            f"({as_text(row['in_time_share'], 'rate')}).",
            owner="patient relations",
            days=PROCESS_DAYS,
            severity="medium",
            kind="complaints",
        )
    ]


def _access_finding(facts: Facts) -> list[Found]:
    rows = facts.access
    rows = rows[rows["median_days"] - rows["before_days"].astype("float64") >= 5] if len(rows) else rows
    if rows.empty:
        return []
    worst = rows.sort_values("median_days", ascending=False).iloc[0]
    return [
        _found(
            facts,
            f"Open slots for {'new patients' if worst['visit_type'] == 'new' else 'follow-ups'} at {worst['location']}",
            (
                f"The third next open slot is {as_text(worst['median_days'], 'days')} days away; three months ago "
                f"it was {as_text(worst['before_days'], 'days')}."
            ),
            owner="practice manager",
            days=PROCESS_DAYS,
            severity="medium",
            kind="slots",
            key=f"{worst['visit_type']} {worst['location']}",
        )
    ]


LOOKS: tuple[Callable[[Facts], list[Found]], ...] = (
    _shift_findings,
    _navigation_finding,
    _lead_finding,
    _intake_finding,
    _complaint_finding,
    _access_finding,
)
