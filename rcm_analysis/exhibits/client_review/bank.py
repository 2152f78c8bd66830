"""Cash as posted, as remitted and as banked, on the reconciliation page of a client that sends its bank statements."""

from __future__ import annotations

import pandas as pd

from ...blocks.vocabulary import Table
from ...errors import listed
from ...ledger.bank import EARLY_DAYS, LATE_DAYS, cash_three_ways, unmatched_by_age
from ..blocks import Block, for_the_workbook
from ..formats import as_text, counted
from ..subject import Subject
from ..tables import Shown, show, with_total

LINES = {
    "found": "Remittances found in the bank",
    "not_found": "Remittances not found in the bank",
    "not_covered": "Remittances of days that no statement covers yet",
    "zero": "Remittances of nothing: paid by offset",
    "plan_deposits": "Deposits of health plans without a remittance",
    "other_deposits": "Other deposits: patients, cards, transfers",
    "returned": "Deposits that the bank took back",
    "posted_alone": "Payers' payments posted without a remittance",
    "patients": "Payments of patients posted",
}
AMOUNTS = ("posted_cents", "remitted_cents", "banked_cents")
NO_BANK = (
    "Deposits are what the payers say they paid: no bank statement was delivered, so that nobody has checked here that "
    "the money arrived."
)
SIDES = {"remitted": "Paid by a remittance, not in the bank", "banked": "In the bank from a health plan, no remittance"}


def three_ways(subject: Subject, received: pd.DataFrame) -> list[Block]:
    """The three columns, and what was not matched by its age (in the workbook); nothing without bank statements.

    `received` are the rows of `deposits_check` of the remittances that arrived in the month.
    """
    found = cash_three_ways(subject.tables, as_of=subject.as_of, period=subject.period)
    if found.empty:
        return []
    rows, total = with_total(found.assign(step=found["line"].map(LINES)), "step", list(AMOUNTS))
    for name in AMOUNTS:
        rows[name] = rows[name].astype(object).where(rows[name] != 0, None)
    money = [Shown(name, name.removesuffix("_cents").capitalize(), "usd", exact=True) for name in AMOUNTS]
    whole = show(
        rows,
        [Shown("step", f"Cash of {subject.period.title}"), *money],
        name="cash_three_ways",
        title="Cash posted, remitted and banked",
        emphasis=total,
        notes=[_posted_and_remitted(received), *_explained(found)],
        definition="Remittances by the day they arrived, with what was posted and banked of them by "
        f"{subject.as_of_text}; deposits and other postings by their day. Matched by trace number, else by amount from "
        f"{EARLY_DAYS} days before to {LATE_DAYS} days after the payment, else as a day's sum; US dollars and cents.",
    )
    return [whole, *for_the_workbook(_unmatched(subject))]


def _posted_and_remitted(received: pd.DataFrame) -> str:
    """Why what was posted from remittances is not what they pay, in parts that add up to it."""
    sums = received[[name for name in received.columns if name.endswith("_cents")]].sum()
    parts = {
        "held back or added by payers at practice level": sums["provider_adjustment_cents"],
        "posted otherwise than the remittances pay": sums["posting_difference_cents"],
        "not yet posted": -sums["unposted_cents"],
        "remittances that do not add up": sums["posted_cents"] - sums["deposit_cents"],
    }
    parts["remittances that do not add up"] -= sum(list(parts.values())[:3])
    told = [f"{as_text(int(cents), 'usd', exact=True)} {words}" for words, cents in parts.items() if cents]
    whole = as_text(int(sums["posted_cents"] - sums["deposit_cents"]), "usd", exact=True)
    return f"Posted less remitted is {whole} for the month's remittances: {listed(told)}." if told else ""


def _explained(found: pd.DataFrame) -> list[str]:
    line = found.set_index("line")
    notes = []
    gap = int(line["banked_cents"].get("found", 0) - line["remitted_cents"].get("found", 0))
    if gap:
        more = "more" if gap > 0 else "less"
        notes.append(
            f"For the remittances found there, the bank credited {as_text(abs(gap), 'usd', exact=True)} {more} than "
            "they say: fees of cards and virtual cards, or a payment that was changed."
        )
    if line["count"].get("not_found", 0):
        notes.append(
            f"{counted(int(line['count']['not_found']), 'remittance payment')} of days that the statements cover "
            "cannot be found there: ask the bank, then the payer."
        )
    return notes


def _unmatched(subject: Subject) -> list[Table]:
    found = unmatched_by_age(subject.tables, as_of=subject.as_of)
    return [
        show(
            found.assign(side=found["side"].map(SIDES)),
            [
                Shown("side", "What was not matched"),
                Shown("age", "Days old"),
                Shown("count", "Payments", "count"),
                Shown("amount_cents", "US dollars", "usd", exact=True),
            ],
            name="bank_unmatched",
            title="Not matched with the bank, by age",
            definition=f"All months, age on {subject.as_of_text}; payments of days that statements cover; US dollars.",
        )
    ]
