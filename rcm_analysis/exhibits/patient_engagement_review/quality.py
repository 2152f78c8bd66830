"""Care that goes on, on paper: one row for each thing that is recorded, small numbers hidden; and who may not come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...measures.engagement import care_quality as quality
from ...models.patients.no_show_risk import no_show_risk
from ...periods import Period
from ..blocks import Block, note
from ..formats import as_text, words_of
from ..pages import page
from ..tables import Shown, show
from . import published
from .facts import Facts
from .small import guarded, known, show_guarded
from .visits import BASIS, OUTCOMES

LATER_MONTHS = 3
"""So long after the end of its half-year everything that it tells of is over: 90 days of a referral, 14 of a stay."""
MOST_LISTED = 20
MEETING_IN_PERSON = {"True": "Video or telephone", "False": "In person", "(none)": "Not recorded"}
STAFF = {
    "can_follow_patients": "I can follow patients over time",
    "workload_is_fair": "My workload is fair",
    "tools_help": "Our tools help me",
    "would_recommend": "I would recommend working here",
}


@page
def going_on(facts: Facts) -> list[Block]:
    """Reminders, follow-up, loops, plans, indicators, language, continuity, telehealth, staff: each where recorded."""
    return [*_shares(facts), *_continuity(facts), *_telehealth(facts), *_staff(facts)]


@page
def likely_missed(facts: Facts) -> list[Block]:
    """Appointments of the coming days that are most likely to be missed, or why no risk is told."""
    found = no_show_risk(facts.subject.tables, as_of=facts.subject.as_of)
    if not found.is_better:
        return [note(f"No risk of single appointments is told: {found.reason}. The rates by lead time and kind stand.")]
    if found.risks.empty:
        return [note("No appointment of the coming fourteen days is booked.")]
    return [
        show(
            found.risks.head(MOST_LISTED).assign(
                kind=[words_of(one) for one in found.risks.head(MOST_LISTED)["visit_type"]]
            ),
            [
                Shown("appointment_id", "Appointment"),
                Shown("patient", "Patient"),
                Shown("scheduled_on", "Day", "date"),
                Shown("kind", "Kind"),
                Shown("risk", "Risk of not coming", "rate"),
            ],
            name="likely_missed",
            title="Appointments of the coming fourteen days most likely to be missed",
            definition="From lead time, kind of visit and the patient's own past. On the last three months, not "
            "seen, it was better than the table of rates, and what it foresaw was within a fifth of what came.",
        )
    ]


def _shares(facts: Facts) -> list[Block]:
    """One row for each share, protected by itself; what nobody records has no row."""
    rows = [row for row in (*_of_slots(facts), *_of_care(facts)) if row["of"]]
    if not rows:
        return []
    parts = []
    for row in rows:
        one = guarded(pd.DataFrame([row]), counts=["met"], of="of", rates={"share": ("met", "of")})
        if row.get("is_narrow"):
            one = one.assign(of=pd.NA, met=pd.NA, share=float("nan"), is_suppressed=True)
        parts.append(one.assign(what=row["what"], span=row["span"]))
    return [
        show_guarded(
            pd.concat(parts, ignore_index=True),
            [
                Shown("what", "What"),
                Shown("span", "Of"),
                Shown("of", "Number", "count"),
                Shown("met", "Yes", "count"),
                Shown("share", "Share", "rate"),
            ],
            name="going_on",
            title="Care that goes on",
            definition="Each row by itself. Seen after the hospital: a kept appointment 1 to 7 or 1 to 14 days after a "
            "stay that ended at home. A referral loop is closed when the report came back within 90 days. Blood sugar: "
            "latest HbA1c below 8 %; blood pressure: latest below 140/90; these are no HEDIS rates.",
        )
    ]


def _row(what: str, span: str, of: Any, met: Any, *, is_narrow: bool = False) -> dict[str, Any]:
    return {"what": what, "span": span, "of": int(of), "met": int(met), "is_narrow": is_narrow}


def _of_slots(facts: Facts) -> list[dict[str, Any]]:
    """Reminders and forms of the block whose slots and forms are shown; nothing where those are hidden."""
    span, rows = published.title_of(facts.block), []
    if not facts.is_withheld and len(facts.leads) and known(facts.slots, "slots"):
        sent = quality.reminders(facts.tables, period=facts.block).iloc[0]
        if sent["reminded"]:
            rows = [
                _row("Reminded before the day", f"slots, {span}", sent["slots"], sent["reminded"]),
                _row("Confirmed by the patient", f"slots reminded of, {span}", sent["reminded"], sent["confirmed"]),
            ]
    if len(facts.intake_parts) and not facts.intake_parts["forms"].isna().any():
        forms = quality.preferences_recorded(facts.tables, period=facts.block).iloc[0]
        for name, what in (("with_language", "Language recorded"), ("with_preferences", "Preferences recorded")):
            rows.append(_row(what, f"forms, {span}", forms["forms"], forms[name]))
    return rows


def _then(facts: Facts) -> tuple[Period, Any, Any]:
    """The newest half-year that has been over for three months, the day, and the tables as known then."""
    block = published.last_block(facts.subject.period.shift(1 - LATER_MONTHS), published.RARE_MONTHS)
    day = published.month_end_after(block.last_day, LATER_MONTHS)
    return block, day, facts.subject.at_close(Period.of(day)).tables


def _of_care(facts: Facts) -> list[dict[str, Any]]:
    block, day, tables = _then(facts)
    span = published.title_of(block)
    stays = quality.follow_up_after_stay(tables, period=block, as_of=day).iloc[0]
    between = stays["within_14"] - stays["within_7"]
    beside = abs(stays["stays"] - int(facts.stays["index_stays"])) if known(facts.stays, "index_stays") else 0
    is_narrow = 0 < between < published.LEAST or 0 < beside < published.LEAST
    loops = quality.referral_loops(tables, period=block, as_of=day).iloc[0]
    plan = quality.care_plan_adherence(tables, period=block, as_of=day).iloc[0]
    control = quality.clinical_control(tables, as_of=block.last_day, months=published.RARE_MONTHS)
    return [
        _row(
            "Seen within 7 days of the hospital",
            f"stays, {span}",
            stays["stays"],
            stays["within_7"],
            is_narrow=is_narrow,
        ),
        _row(
            "Seen within 14 days of the hospital",
            f"stays, {span}",
            stays["stays"],
            stays["within_14"],
            is_narrow=is_narrow,
        ),
        _row("Referral loop closed", f"referrals, {span}", loops["referrals"], loops["closed"]),
        _row("Care-plan step done by its day", f"steps, {span}", plan["due_steps"], plan["done_in_time"]),
        *(
            _row(
                f"{one['indicator'].capitalize()} under control",
                f"patients, {span}",
                one["patients"],
                one["controlled"],
            )
            for one in control.to_dict("records")
        ),
    ]


def _continuity(facts: Facts) -> list[Block]:
    """One sentence, where at least eleven patients came three times to a named provider."""
    block, _, tables = _then(facts)
    row: Mapping[str, Any] = quality.continuity(tables, as_of=block.last_day, months=published.RARE_MONTHS).iloc[0]
    if row["patients"] < published.LEAST:
        return []
    return [
        note(
            f"Continuity, {published.title_of(block)}: of patients with three visits or more the usual provider saw "
            f"{as_text(row['usual_provider'], 'rate')} of the visits; the Bice-Boxerman index (1 always the same, "
            f"0 never twice the same) is {row['continuity']:.2f}."
        )
    ]


def _telehealth(facts: Facts) -> list[Block]:
    found = facts.telehealth
    if found.empty or facts.is_withheld:
        return []
    words = found["is_telehealth"].replace(MEETING_IN_PERSON)
    return [
        show_guarded(
            found.assign(is_telehealth=words),
            [Shown("is_telehealth", "How"), *OUTCOMES],
            name="telehealth",
            title="Appointments by video or telephone, and in person",
            definition=f"{BASIS}, {published.title_of(facts.block)}.",
        )
    ]


def _staff(facts: Facts) -> list[Block]:
    found = quality.staff_feedback(facts.subject.tables, period=facts.quarter)
    if found.empty:
        return []
    parts = [
        guarded(found.iloc[[place]], counts=["favourable"], of="answers", rates={"share": ("favourable", "answers")})
        for place in range(len(found))
    ]
    rows = pd.concat(parts, ignore_index=True).assign(item=found["item"].map(STAFF))
    return [
        show_guarded(
            rows,
            [
                Shown("item", "Item"),
                Shown("answers", "Answers", "count"),
                Shown("favourable", "4 or 5 of 5", "count"),
                Shown("share", "Share", "rate"),
            ],
            name="staff_feedback",
            title=f"What staff say, {published.title_of(facts.quarter)}",
            definition="Each item by itself; nobody is named.",
        )
    ]
