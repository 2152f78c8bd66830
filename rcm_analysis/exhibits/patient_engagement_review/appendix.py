"""What the words of a patient engagement review mean, and where its numbers come from."""

from __future__ import annotations

import pandas as pd

from ...ledger.suppression import LEAST
from ...tables.schema_services import TABLES_OF_SERVICE
from .. import blocks
from ..blocks import Block, note
from ..client_review.definitions import glossary_of
from ..formats import as_text, counted, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts

MEASURES = (
    "no_show_rate",
    "late_cancel_rate",
    "appointment_adherence",
    "repeat_visits",
    "third_next_available",
    "intake_completeness",
    "social_needs_asked",
    "navigation_coverage",
    "emergency_visits",
    "readmissions",
    "satisfaction",
    "net_promoter",
    "survey_response_rate",
    "feedback_themes",
    "feedback_answered_in_time",
    "visits_recovered",
    "avoidable_hospital_cost",
)
"""The measures that stand in the review, in the order of its appendix."""

TERMS = (
    {
        "name": "suppression",
        "title": "Hidden numbers",
        "unit": "count",
        "source": "CMS cell size policy; Hundepool and others, Statistical Disclosure Control (2012)",
        "formula": f"Counts from 1 to {LEAST - 1}, and as many others as it takes that no hidden one can be "
        "worked out from totals, from the other side of a share, or from a table "
        "printed beside. Zeros are shown. What is computed from a hidden count is hidden. Two months' reports "
        "give no more than one: each month and each block of "
        "months (quarter or half-year) is published once and never in another form, a total of months only "
        "where all of them are shown, rates of changes in whole percent. "
        "What is recorded too late for its month is left out, unless it changes every count of the month by "
        "eleven or more.",
    },
    {
        "name": "retention",
        "title": "Patients who come back",
        "unit": "share",
        "source": "Kaplan and Meier (1958)",
        "formula": (
            "One less the Kaplan-Meier share that has not kept another appointment by the day; who is "
            "not back yet is watched on, not lost. Shown once the whole quarter was watched so long."
        ),
    },
    {
        "name": "shifts",
        "title": "When a rate changed",
        "unit": "date",
        "source": "D. V. Hinkley 1970; Miller and Siegmund 1982; D. B. Laney 2002",
        "formula": "The day that splits the daily counts into two rates with the largest gain in likelihood, "
        "where chance would reach it in less than one client of twenty; counts that vary "
        "more than chance lower the gain.",
    },
)


@page
def definitions(facts: Facts) -> list[Block]:
    """What each measure counts."""
    return [
        glossary_of(MEASURES, more=TERMS),
        note(f"Every count of patients, visits or forms from 1 to {LEAST - 1} is hidden, here and in the workbook."),
    ]


@page
def provenance(facts: Facts) -> list[Block]:
    """As-of, data through, fingerprints, versions."""
    subject = facts.subject
    through = {
        name: subject.pandas(name)[column].max()
        for name, column in (
            ("appointments", "booked_on"),
            ("intakes", "entered_on"),
            ("hospital_encounters", "reported_on"),
        )
    }
    items = [
        ("Client", f"{subject.client.name} ({subject.client.client})"),
        ("Period", subject.period.title),
        ("As of", f"{subject.as_of_text}: nothing that became known later is in this report"),
        (
            "Data through",
            "; ".join(f"{words_of(name)} {as_text(day, 'date', reason='none')}" for name, day in through.items()),
        ),
        (
            "Findings at intake",
            (
                f"{counted(len(subject.findings), 'finding')}, {counted(len(subject.quarantine), 'row')} refused "
                "and kept aside"
            ),
        ),
        ("Parameters", ", ".join(f"{name}={value}" for name, value in subject.parameters.items())),
        ("Versions", ", ".join(f"{name} {number}" for name, number in subject.versions.items())),
    ]
    used = [table.name for table in TABLES_OF_SERVICE["patient_engagement"]]
    tables = pd.DataFrame(
        [
            {
                "table": words_of(name),
                "rows": _about(subject.rows[name]),
                "fingerprint": subject.fingerprints[name][:12],
            }
            for name in used
        ],
        columns=["table", "rows", "fingerprint"],
    )
    return [
        blocks.facts("Where these numbers come from", items),
        show(
            tables,
            [Shown("table", "Table"), Shown("rows", "Rows stored"), Shown("fingerprint", "Fingerprint")],
            name="inputs",
            title="Input tables",
            definition=(
                "All rows stored for the client, whenever they became known, to the hundred; first "
                "twelve characters of the SHA-256 fingerprint."
            ),
        ),
    ]


def _about(rows: int) -> str:
    """How many rows, so that two months' numbers do not tell what came in between.

    >>> _about(0), _about(58), _about(6293)
    ('none', 'fewer than 100', 'about 6,300')
    """
    return "none" if not rows else "fewer than 100" if rows < 100 else f"about {as_text(round(rows, -2), 'count')}"
