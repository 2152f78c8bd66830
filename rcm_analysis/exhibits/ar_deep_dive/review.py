"""One client's receivable, looked at closely: findings in dollars first, then the evidence behind them.

What the monthly review shows (denials posted as discounts, sweeps, write-offs, cash) is referred to and
not repeated. Every finding names the sheet of the workbook on which its claims stand.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ...blocks.vocabulary import Table
from ...models.worklist.ranking import to_do
from ..blocks import Block, cards
from ..client_review import appendix as rest
from ..client_review.review import glossary_of
from ..formats import as_text, counted, sentence
from ..incomplete import incomplete_note
from ..subject import Subject
from . import accounts, denials, payers, receivable, waits, worklist
from . import answers as findings
from .facts import DeepFacts
from .terms import TERMS

MEASURES = ("aging",)
"""The measures whose definition stands in a deep dive as the catalogue has it; the others are in `terms`, in plain
words."""


class ArDeepDive:
    """The exhibits of one client's deep dive; each gives its blocks."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.facts = DeepFacts(subject)

    def answers(self) -> list[Block]:
        """Page one: what is owed and worth, what was found, what can still be lost, what we need."""
        return [
            *incomplete_note(self.subject),
            *rest.completeness_note(self.subject),
            cards([self._owed(), self._found(), self._limits(), self._needed()]),
        ]

    def findings(self) -> list[Block]:
        return findings.all_findings(self.facts)

    def limits(self) -> list[Block]:
        return waits.limits(self.facts)

    def waiting(self) -> list[Block]:
        return waits.waits(self.facts)

    def aging(self) -> list[Block]:
        return receivable.aging(self.facts)

    def movement(self) -> list[Block]:
        return receivable.movement(self.facts)

    def worth(self) -> list[Block]:
        return receivable.worth(self.facts)

    def denials(self) -> list[Block]:
        return denials.denials(self.facts)

    def payers(self) -> list[Block]:
        return payers.underpayments(self.facts)

    def scorecard(self) -> list[Block]:
        return payers.scorecard(self.facts)

    def key_accounts(self) -> list[Block]:
        return accounts.key_accounts(self.facts)

    def trail(self) -> list[Block]:
        return accounts.trail(self.facts)

    def worklist(self) -> list[Block]:
        return worklist.worklist(self.facts)

    def definitions(self) -> list[Block]:
        return [glossary_of(MEASURES, more=TERMS)]

    def provenance(self) -> list[Block]:
        """Where the numbers come from; the input tables in the workbook."""
        blocks = rest.provenance(self.subject)
        return [
            replace(block, print=False) if isinstance(block, Table) and block.name == "inputs" else block
            for block in blocks
        ]

    def _owed(self) -> tuple[str, str, str]:
        whole = self.facts.collectable
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
            f"{as_text(int(to_do(self.facts.worklist)['recoverable_cents'].sum()), 'usd')} in cash.",
        )

    def _found(self) -> tuple[str, str, str]:
        items = findings.found(self.facts)
        if not items:
            return "What was found?", "nothing", "No finding with dollars behind it this month."
        first, grave = items[0], sum(item.severity == "high" for item in items)
        weight = (
            f"{sentence(counted(grave, 'is', 'are').replace('no ', 'none '))} of high priority. "
            if len(items) > 1
            else ""
        )
        return (
            "What was found?",
            counted(len(items), "finding"),
            f"{weight}First: {first.title}, {first.amount}, by {as_text(first.due, 'date')}.",
        )

    def _limits(self) -> tuple[str, str, str]:
        found = self.facts.deadlines
        near = found[found["is_alert"] & found["is_recoverable"]]
        question = "What can still be lost to a time limit?"
        if near.empty:
            return question, "nothing soon", "No open claim has used four fifths of the time it is allowed."
        return (
            question,
            as_text(int(near["open_cents"].sum()), "usd"),
            f"{counted(len(near), 'claim')} with four fifths of the time used; the first limit ends on "
            f"{as_text(near['deadline_on'].min(), 'date')}.",
        )

    def _needed(self) -> tuple[str, str, str]:
        asked = self.facts.requests[self.facts.requests["is_open"]]
        question = "What do we need from you?"
        if asked.empty:
            return question, "nothing", f"No question of ours was open on {self.subject.as_of_text}."
        return (
            question,
            f"{counted(len(asked), 'answer')}",
            f"{as_text(int(asked['open_cents'].sum()), 'usd')} of charges wait for them, the oldest since "
            f"{as_text(asked['asked_on'].min(), 'date')}.",
        )
