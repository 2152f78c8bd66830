"""Intake and social needs, navigation, hospital use, and the huddle list, on paper."""

from __future__ import annotations

import pandas as pd

from .. import figures
from ..blocks import Block, note
from ..formats import sentence, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts
from .findings import changes
from .published import title_of
from .small import known, parts_of, said, show_guarded, total_of

UNADJUSTED = (
    "Observed, not adjusted for risk: who is sicker is seen in hospital more, and no practice can be judged by it."
)


SILENT = (
    " Missing navigators are no signal here: the list would give away how many patients have none, which "
    "is hidden above."
)


@page
def intake(facts: Facts) -> list[Block]:
    """Forms by part, and the social needs by month."""
    if facts.intake_parts.empty:
        return [note(f"No intake form was taken from {title_of(facts.block)}."), *_needs(facts)]
    parts = facts.intake_parts.assign(part=[sentence(words_of(part)) for part in facts.intake_parts["part"]])
    table = show_guarded(
        parts,
        [
            Shown("part", "Part"),
            Shown("forms", "Forms", "count"),
            Shown("complete", "Complete", "count"),
            Shown("complete_share", "Share", "rate"),
        ],
        name="intake_parts",
        title=f"Intake forms by part, {title_of(facts.block)}",
        definition="Forms by day of the intake.",
    )
    return [table, *_needs(facts)]


def _needs(facts: Facts) -> list[Block]:
    rows, total = parts_of(facts.needs, "month"), total_of(facts.needs, "month")
    if rows.empty or rows["asked_share"].isna().all():
        return [note("There are too few forms to show the social needs by month.")]
    columns = [
        Shown("month", "Month", "month"),
        Shown("forms", "Forms", "count"),
        Shown("asked", "Needs asked", "count"),
        Shown("asked_share", "Share", "rate"),
    ]
    words = {
        "name": "social_needs",
        "title": "Social needs asked, by month",
        "definition": "Forms by day of the intake; asked: housing, food, transport and safety, all four.",
    }
    finding = (
        (
            f"Needs were asked on {said(total, 'asked')} of {said(total, 'forms')} forms in the months shown "
            f"({said(total, 'asked_share', 'rate')})."
        )
        if known(total, "asked", "forms")
        else "Some months have too few forms to be shown, and so there is no total."
    )
    if known(facts.found_needs, "with_need_share"):
        finding += (
            f" Of those asked from {title_of(facts.block)}, "
            f"{said(facts.found_needs, 'with_need_share', 'rate')} had at least one need."
        )
    if rows["asked_share"].notna().sum() < 3:
        return [show_guarded(facts.needs, columns, notes=[finding], **words)]
    events = changes(facts, "social_needs", rows["month"].iloc[0])
    finding, days = finding + figures.marked(events), [one.day for one in events]
    axes = figures.plot_months(rows, figures.new_axes(1.9), series={"asked_share": "Asked"}, unit="rate", events=days)
    return [
        figures.figure_block(
            axes,
            name="social_needs_chart",
            title="Forms on which the social needs were asked, by month (share of forms)",
            alt=f"Line chart of the share of forms with social needs asked. {finding}",
            finding=finding,
            table=show_guarded(facts.needs, columns, **words),
        )
    ]


@page
def risk(facts: Facts) -> list[Block]:
    """High-risk patients by place."""
    if facts.navigation.empty:
        return [note("No assessment of a patient as high risk is on file.")]
    return [
        show_guarded(
            facts.navigation,
            [
                Shown("location", "Home place"),
                Shown("high_risk", "High risk", "count"),
                Shown("covered", "Reached in 30 days", "count"),
                Shown("not_reached", "Navigator, not reached", "count"),
                Shown("without", "No navigator", "count"),
                Shown("coverage", "Covered", "rate"),
            ],
            name="navigation",
            title="Patients at high risk and their navigators",
            definition=f"Patients whose latest assessment says high, as of {facts.subject.as_of_text}, without "
            "those who died in hospital; covered: a navigator is in charge and reached "
            "the patient within thirty days.",
        )
    ]


@page
def hospital(facts: Facts) -> list[Block]:
    """Emergency visits by month and readmissions, labelled for what they are."""
    blocks = [*_emergency(facts)]
    row = facts.stays
    if known(row, "index_stays") and not row["index_stays"]:
        blocks.append(
            note(f"No hospital stay is on file that ended from {title_of(facts.stay_block)}: no rate of readmissions.")
        )
        return blocks
    table = pd.DataFrame([row])
    blocks.append(
        show_guarded(
            table.assign(what="Stays"),
            [
                Shown("what", "Thirty-day readmissions, observed"),
                Shown("index_stays", "Stays", "count"),
                Shown("readmitted", "Readmitted", "count"),
                Shown("readmission_rate", "Rate", "rate"),
            ],
            name="readmissions",
            title=f"Readmissions within thirty days, {title_of(facts.stay_block)}",
            notes=[UNADJUSTED],
            definition=(
                "Inpatient stays by day of discharge, as reported two months later; without deaths, "
                "transfers and same-day stays. Readmitted: an unplanned stay began 1 to 30 days later."
            ),
        )
    )
    return blocks


def _emergency(facts: Facts) -> list[Block]:
    if facts.emergency.empty:
        return [note("The patients looked after were not counted, so there is no rate of emergency visits.")]
    total = total_of(facts.emergency, "month")
    columns = [
        Shown("month", "Month", "month"),
        Shown("visits", "Visits", "count"),
        Shown("member_months", "Patients looked after", "count"),
        Shown("emergency_per_1000", "Per 1,000 and year", "count"),
    ]
    return [
        show_guarded(
            facts.emergency,
            columns,
            name="emergency_visits",
            title="Emergency visits, observed",
            notes=[
                UNADJUSTED,
                (
                    "Reports arrive late, so a month is shown when the next one is over; what is reported after "
                    "that is left out."
                ),
                "The total of patients is in months of one patient (member-months).",
            ],
            definition="Emergency visits that led to no stay, by day of the visit"
            + (
                f"; {said(total, 'emergency_per_1000')} per 1,000 patients and year over the months shown."
                if known(total, "emergency_per_1000")
                else "."
            ),
        )
    ]


@page
def huddle(facts: Facts) -> list[Block]:
    """The list for the care team: pseudonyms and reasons."""
    found = facts.cases
    if found.empty:
        return [
            note(
                "No patient at high risk has two signals or more: nobody is on the huddle "
                f"list.{'' if facts.is_navigation_open else SILENT}"
            )
        ]
    shown = pd.DataFrame(
        {
            "patient": found["patient"],
            "signals": found["signals"],
            "reasons": [_reasons(row) for row in found.to_dict("records")],
        }
    )
    return [
        show(
            shown,
            [Shown("patient", "Patient (pseudonym)"), Shown("signals", "Signals", "count"), Shown("reasons", "Why")],
            name="huddle",
            title="Complex cases for the next huddle",
            notes=[
                (
                    "For the care team only. The practice's own system turns a pseudonym back into a patient; this "
                    f"report cannot.{'' if facts.is_navigation_open else SILENT}"
                )
            ],
            definition=(
                "High-risk patients with two or more signals in the 90 days to "
                f"{facts.subject.as_of_text}, most signals first, at most twenty; a list for care, not a statistic."
            ),
        )
    ]


def _reasons(row: dict) -> str:
    signs = [
        ("emergency visit", row["emergency_visits"] > 0),
        ("hospital stay", row["stays"] > 0),
        ("missed appointments", row["missed"] > 1),
        ("social need found", row["has_need"]),
        ("no navigator", row["has_navigator"] is False),
        ("not reached for 30 days", row["is_reached"] is False),
    ]
    return "; ".join(words for words, holds in signs if holds)
