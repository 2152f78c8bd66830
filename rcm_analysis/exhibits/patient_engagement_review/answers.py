"""Page one of a patient engagement review: who came, what has changed, what to do, with owner and day."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ...ledger.suppression import LEAST
from ...periods import Period
from ..blocks import Block, cards, findings, for_the_workbook, headline, note, split
from ..client_review.asks import MOST, table_of, what_dollars_are
from ..client_review.behind import traced
from ..client_review.beside_past import Number, Series, numbers_beside
from ..formats import as_text, counted, sentence
from ..pages import page
from ..register.action import Action
from ..register.months import actions_of
from ..subject import Subject
from ..tables import Shown, show
from .facts import MONTHS, Facts
from .findings import SERVICE, is_told, sentence_of, worsened
from .published import title_of
from .small import known, parts_of, said, total_of

PIECES = (("kept", "kept", "strong"), ("no_shows", "missed", "alert"), ("late_cancels", "canceled late", "light"))
WHOLE_BLOCKS = "Told by whole quarters or half-years, so that two months' reports give no small number away."


@page
def answers(facts: Facts) -> list[Block]:
    """The finding in a sentence, the slots as one bar, three answers, asks, numbers by month; an honest sentence where
    the client has no such data at all."""
    if not is_told(facts):
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


def _risk(facts: Facts) -> tuple[str, str, str]:
    question = "Are patients at risk looked after?"
    if facts.navigation.empty:
        return question, "not known", "No assessment of a patient as high risk is on file."
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
        return question, "not known", f"No answered survey is on file from {title_of(facts.quarter)}."
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
        else "; how soon complaints were answered is hidden: a small number would show"
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
        f"Emergency visits a year, over twelve months; {again}. Observed, not adjusted for risk.",
    )


def _asks(facts: Facts) -> list[Block]:
    """At most three of them, the others in the workbook."""
    found = to_do(facts)
    if not found:
        return [note("We need nothing from you: no finding needs a decision.")]
    definition = f"The gravest first. {what_dollars_are(found[:MOST])}".strip()
    return [
        table_of(found[:MOST], definition, name="engagement_asks"),
        *for_the_workbook([findings("What to do, all of it", [one.as_finding() for one in found])]),
    ]


def to_do(facts: Facts) -> list[Action]:
    """The actions of the client's register that are of this service, the gravest first."""
    return actions_of(facts, SERVICE)


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
