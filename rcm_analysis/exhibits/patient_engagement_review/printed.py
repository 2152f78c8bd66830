"""Page two of a patient engagement review, and what stands in its workbook; the huddle list is for the care team."""

from __future__ import annotations

import pandas as pd

from ...blocks.vocabulary import Figure, Table
from ..blocks import Block, for_the_workbook, note, two_by_two
from ..pages import page
from ..tables import Shown, narrowed, show
from . import appendix, care, quality, visits, voices, worth
from .facts import Facts
from .published import title_of

COVER = {"layout": "brief"}
MOST = 9
"""Rows of a table by place or kind that are printed."""


@page
def behind(facts: Facts) -> list[Block]:
    """Page two: who misses appointments, access, patients at risk, forms, what patients say."""
    came, block = visits.appointments(facts), title_of(facts.block)
    missed = ["slots", "no_shows", "no_show_rate"]
    what = "Slots: appointments kept, missed, or canceled with less than 24 hours of notice."
    said = [*voices.satisfaction(facts), *voices.feedback(facts)]
    changes = _short(
        visits.shifts(facts), "shifts", ["measure", "where", "onset_on", "rate_before", "rate_after", "verdict"],
        "Changes of two points or more, beyond what chance explains, the newest first.",
    )  # fmt: skip
    found = [
        *_short(came, "no_shows_by_lead", ["lead", *missed], what, title=f"Missed, by lead time, {block}"),
        *_short(came, "no_shows_by_type", ["visit_type", *missed], what, title=f"Missed, by kind of visit, {block}"),
        *_short(came, "no_shows_by_place", ["location", *missed], what, title=f"Missed, by place, {block}"),
        *_access(facts),
        *_short(
            care.risk(facts), "navigation", ["location", "high_risk", "covered", "without"],
            f"As of {facts.subject.as_of_text}; reached by a navigator in thirty days.",
        ),
        *_short(
            care.intake(facts), "intake_parts", ["part", "forms", "complete_share"], "Forms by the day of the intake.",
            drawn="complete_share",
        ),
        *_short(
            said, "satisfaction", ["item", "answers", "top_box_share"],
            "Best answer: 4 of 4, or 9 and 10 of 10.", drawn="top_box_share",
        ),
        *_short(said, "complaints", ["theme", "entries", "before"], "By the day they came in."),
    ]  # fmt: skip
    hidden = (
        [HIDDEN] if any("hidden" in row for table in found if isinstance(table, Table) for row in table.shown) else []
    )
    return [*changes, *two_by_two(dict.fromkeys(found)), *map(note, hidden)]


HIDDEN = "hidden: a number from 1 to 10, or one that would give such a number away."


def _short(
    blocks: list[Block], name: str, columns: list[str], definition: str, *, title: str = "", drawn: str = ""
) -> list[Block]:
    """The table of that name with these columns; where there is none, what is said instead of it."""
    for block in blocks:
        table = block.table if isinstance(block, Figure) else block
        if isinstance(table, Table) and table.name == name:
            return [narrowed(table, columns, definition=definition, title=title, drawn=drawn, most=MOST)]
    return [block for block in blocks if not isinstance(block, (Table, Figure))][:1]


def _access(facts: Facts) -> list[Block]:
    """Days to the third next open slot, a row for each place."""
    found = facts.access
    if found.empty:
        return visits.access(facts)
    wide = found.pivot(index="location", columns="visit_type", values=["median_days", "before_days"])
    kinds = [kind for kind in ("follow_up", "new") if kind in set(found["visit_type"])]
    rows = pd.DataFrame({"location": wide.index})
    shown = [Shown("location", "Place")]
    for kind in kinds:
        for value, words in (("median_days", KINDS[kind]), ("before_days", "Before")):
            rows[f"{kind}_{value}"] = wide[value, kind].astype("float64").to_numpy()
            shown.append(Shown(f"{kind}_{value}", words, "days"))
    table = show(
        rows,
        shown,
        name="open_slots",
        title="Days to the third next open slot",
        definition=f"The middle of the checks of {facts.subject.period.title}; before: three months earlier.",
    )
    return [narrowed(table, [item.column for item in shown], definition=table.definition, most=MOST)]


KINDS = {"follow_up": "Follow-up", "new": "New patient"}


@page
def in_the_workbook(facts: Facts) -> list[Block]:
    """Everything else that the review knows, in the workbook alone; no list of patients."""
    return for_the_workbook(
        [
            *visits.shifts(facts),
            *visits.appointments(facts),
            *visits.access(facts),
            *visits.retention(facts),
            *care.intake(facts),
            *care.risk(facts),
            *care.hospital(facts),
            *quality.going_on(facts),
            *voices.satisfaction(facts),
            *voices.feedback(facts),
            *worth.worth(facts),
            *worth.loop(facts),
            *appendix.definitions(facts),
            *appendix.provenance(facts),
        ]
    )
