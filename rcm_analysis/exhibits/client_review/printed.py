"""Pages two to four of a client review: how the month adds up, denials and payers, what is to come and what is owed.

What else the review knows stands in its workbook.
"""

from __future__ import annotations

from ...blocks.vocabulary import Figure, Glossary, Table, Term
from ..blocks import Block, for_the_workbook
from ..pages import page
from ..register.sheet import action_register
from ..subject import Subject
from . import appendix, denials, money, numbers, outlook, payers
from .work import waiting_on_client

COVER = {"layout": "brief"}
"""A review of four pages has a band on its first page instead of a cover."""

TERMS = (
    ("Fell due", "A claim falls due when half of its payer's answers usually have come."),
    ("Patients owe", "The part of these claims that the payers left to the patients and that is still open."),
    ("Refused or short", "Answered: denied in whole or in part, or paid less than the contract."),
    ("Denied at first", "The payer's first decision refuses the claim or a part of it, for a reason that is neither "
     "the patient's share nor the agreed discount."),
    ("Days of charges still owed", "What is owed on the last day, in days of charges of the past 90 days."),
    ("Owed for over 90 days", "The share of what is owed whose service was more than 90 days ago."),
    ("Charges", "What was billed. Payers pay less: the agreed discount comes off first."),
    ("Posted", "Entered in the billing system: every amount here is by the day of posting unless it says otherwise."),
    ("Usual", "The middle of the twelve months before. No outside figure is used as a target."),
    ("Known by", "Only what was known on the last day of the month is in this report; it can be made again as it is."),
)  # fmt: skip
"""The words that a reader of the four pages needs, at most ten."""

PRINTED = {
    "reconciliation",
    "deposits",
    "cash_three_ways",
    "incomplete",
    "settled_services",
    "waiting_on_client",
    "denial_chart",
    "denial_reasons",
    "payers",
    "outlook_chart",
    "outlook_months",
    "aging_chart",
    "aging",
    "credits",
}
"""The tables and figures that the four pages print besides page one; all others are in the workbook."""


def in_print(blocks: list[Block]) -> list[Block]:
    """The blocks with what is not printed kept for the workbook, where it stood."""
    out: list[Block] = []
    for block in blocks:
        is_kept = isinstance(block, (Table, Figure)) and block.name not in PRINTED
        out += for_the_workbook([block]) if is_kept else [block]
    return out


@page
def month_adds_up(subject: Subject) -> list[Block]:
    """Page two: what waits for the practice, opening to closing, deposits, and what became of each dollar due."""
    waiting = [] if waiting_on_client(subject).empty else appendix.waiting(subject)
    return in_print([*money.reconciliation(subject), *money.settled(subject), *waiting])


@page
def denials_and_payers(subject: Subject) -> list[Block]:
    """Page three: denials by month and by reason, and the payers side by side."""
    return in_print([*denials.denials(subject), *payers.payers(subject)])


@page
def ahead_and_owed(subject: Subject) -> list[Block]:
    """Page four: cash expected, and what is owed by age."""
    return in_print([*outlook.whats_to_come(subject), *money.aging(subject)])


@page
def terms(subject: Subject) -> list[Block]:
    """The ten terms, and where the definitions of every number stand."""
    items = tuple(Term(title=name, formula=text) for name, text in TERMS)
    return [Glossary(items)]


@page
def in_the_workbook(subject: Subject) -> list[Block]:
    """Everything else that the review knows, in the workbook alone."""
    return for_the_workbook(
        [
            *numbers.numbers(subject),
            action_register(subject),
            *appendix.follow_up(subject),
            *appendix.last_actions(subject),
            *money.cash(subject),
            *payers.written_off(subject),
            *appendix.definitions(subject),
            *appendix.provenance(subject),
        ]
    )
