"""Page one of a deep dive: what is owed and worth, what was found, what can still be lost, what we need."""

from __future__ import annotations

import pandas as pd

from ...models.worklist.ranking import to_do
from ..blocks import Block, cards
from ..client_review.answers import completeness_note
from ..client_review.asks import MOST, asked_of
from ..formats import as_text, comma_list, counted, sentence
from ..incomplete import incomplete_note, limits_untold, untold
from ..pages import page
from .facts import Facts
from .findings import found
from .indicators import indicators
from .receivable import cannot_be_told


@page
def answers(facts: Facts) -> list[Block]:
    """Four cards, with a warning when the month looks incomplete."""
    notes = [*incomplete_note(facts.subject), *completeness_note(facts.subject)]
    return [*notes, cards([_owed(facts), _found(facts), _limits(facts), _needed(facts)]), indicators(facts)]


def _owed(facts: Facts) -> tuple[str, str, str]:
    whole = facts.collectable
    owed = as_text(int(whole["open_cents"]), "usd")
    if pd.isna(whole["collectable_cents"]):
        return (
            "What is owed, and what is it worth?",
            owed,
            "There are too few months of postings to say what it is worth.",
        )
    return (
        "What is owed, and what is it worth?",
        f"{owed} owed, about {as_text(int(whole['collectable_cents']), 'usd')} in cash",
        f"Contracts will take off {as_text(int(whole['adjusted_cents']), 'usd')}; "
        f"{as_text(int(whole['lost_cents']), 'usd')} is "
        f"probably lost as things stand. Working the list should add about "
        f"{as_text(int(to_do(facts.worklist)['recoverable_cents'].sum()), 'usd')} in cash.{cannot_be_told(facts)}",
    )


def _found(facts: Facts) -> tuple[str, str, str]:
    items = found(facts)
    if not items:
        return "What was found?", "nothing", "No finding with dollars behind it this month."
    first, grave = items[0], sum(item.severity == "high" for item in items)
    weight = (
        f"{sentence(counted(grave, 'is', 'are').replace('no ', 'none '))} of high priority. " if len(items) > 1 else ""
    )
    return (
        "What was found?",
        counted(len(items), "finding"),
        f"{weight}First on the list: {first.title}, {as_text(first.amount_cents, 'usd')}, by "
        f"{as_text(first.due, 'date')}.",
    )


def _limits(facts: Facts) -> tuple[str, str, str]:
    limits = facts.deadlines
    near = limits[limits["is_alert"] & limits["is_recoverable"]]
    question = "What can still be lost to a time limit?"
    if near.empty:
        unknown = limits_untold(facts.subject)
        none = "No open claim has used four fifths of the time it is allowed."
        return question, "nothing known of" if unknown else "nothing soon", unknown or none
    return (
        question,
        as_text(int(near["open_cents"].sum()), "usd"),
        f"{counted(len(near), 'claim')} with four fifths of the time used; the first limit ends on "
        f"{as_text(near['deadline_on'].min(), 'date')}.",
    )


def _needed(facts: Facts) -> tuple[str, str, str]:
    asked = asked_of(found(facts))[:MOST]
    question = "What do we need from you?"
    if not asked:
        unknown = untold(facts.subject, "Whether a question to you is open", "work_log")
        return question, "nothing", unknown or f"No question of ours was open on {facts.subject.as_of_text}."
    said = [f"{one.title} ({as_text(one.amount_cents, 'usd')})" for one in asked]
    return question, counted(len(asked), "ask"), f"{comma_list(said)}."
