"""Page one of a client review: the finding of the month, and figures that add up, in sixty seconds."""

from __future__ import annotations

import pandas as pd
import polars as pl

from ...ledger.postings import is_approved_contractual, with_disguise
from ...ledger.ratios import quotient
from ...measures.collections import rates as collections
from ...periods import Period
from ..blocks import Block, cards, headline, note
from ..formats import as_text, counted, sentence, span
from ..incomplete import NOT_PAID_ON_FILE, incomplete_note, patients_untold
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show
from .asks import asks_table, followed_up, questions_list
from .behind import traced
from .beside_past import beside_past
from .effort import did, missed
from .fell_due import due_bar, fell_due
from .moved import cash_sentence, finding_sentence, what_moved, why_with_chart
from .work import held

COMPLETE_SHARE = 70
"""A month with fewer claims entered than this percentage of its usual number is marked as possibly incomplete."""

MATURE_MONTHS_BACK = 4
"""The newest month of service that is at least 120 days old on a month's last day, in months before it."""

HOLDS = {
    "documents": "documents",
    "authorization": "authorizations",
    "referral": "referrals",
    "eligibility": "insurance details of patients",
    "credentialing": "enrollment papers",
    "coding": "answers on coding",
    "other": "an answer",
}


def settled_services(period: Period) -> Period:
    """The three newest months of service that are old enough to be judged.

    >>> settled_services(Period.month("2026-10"))
    Period(first_day=datetime.date(2026, 4, 1), end=datetime.date(2026, 7, 1))
    """
    return period.shift(-MATURE_MONTHS_BACK).trailing(3)


def gap_of(subject: Subject) -> dict[str, int]:
    """What the settled services should have brought, what they brought, and where the rest is.

    `due_cents - cash_cents = insurance_cents + patient_cents + written_off_cents + denied_cents +
    moved_cents`: still open with insurance or patients (credits netted), written off, taken off as if agreed
    although it was denied, by its code or in disguise, or settled with unapplied money or that of other claims.
    """
    services = settled_services(subject.period)
    rate = collections.net_collection_rate_matured(subject.tables, period=services, as_of=subject.as_of).iloc[0]
    inside = subject.tables["claims"].lazy().filter(services.holds(pl.col("service_on"))).select("claim_id")
    posted = with_disguise(subject.tables, ["claim_id", "party", "kind", "carc", "amount_cents"])
    posted = posted.with_columns(is_agreed=is_approved_contractual())
    rows = posted.to_native().join(inside, on="claim_id", how="semi")
    cents, patient, kind = pl.col("amount_cents"), pl.col("party") == "patient", pl.col("kind")
    denied = (kind == "contractual") & ~pl.col("is_agreed")
    conditions = {"insurance": ~patient, "patient": patient, "written_off": kind == "write_off", "denied": denied}
    conditions["moved"] = kind == "transfer"
    sums = (
        rows.select(**{name: cents.filter(which).sum() for name, which in conditions.items()})
        .collect()
        .row(0, named=True)
    )
    return {
        "claims": int(rate["claims"]),
        "due_cents": int(rate["collectable_cents"]),
        "cash_cents": int(rate["cash_cents"]),
        "insurance_cents": sums["insurance"],
        "patient_cents": sums["patient"],
        "written_off_cents": -sums["written_off"],
        "denied_cents": -sums["denied"],
        "moved_cents": -sums["moved"],
    }


def settled(subject: Subject) -> list[Block]:
    """What became of each dollar that was due for the settled services."""
    services, gap = settled_services(subject.period), gap_of(subject)
    if gap["due_cents"] <= 0:
        return [note(f"No service of {span(services)} is old enough (120 days) to say what became of it.")]
    places = [
        ("Due after agreed discounts", gap["due_cents"]),
        ("Received", gap["cash_cents"]),
        ("Still open with insurance, less credits", gap["insurance_cents"]),
        (_with_patients(subject), gap["patient_cents"]),
        ("Written off", gap["written_off_cents"]),
        ("Denied, and taken off as if agreed", gap["denied_cents"]),
        ("Settled with unapplied money, or of other claims", gap["moved_cents"]),
    ]
    places = [place for place in places if place[1] or not place[0].startswith("Settled")]
    rows = pd.DataFrame(places, columns=["what", "amount_cents"])
    rows["share"] = quotient(rows["amount_cents"], pd.Series([gap["due_cents"]] * len(rows)))
    return [
        show(
            rows,
            [
                Shown("what", f"Services of {span(services)}"),
                Shown("amount_cents", "Amount", "usd"),
                Shown("share", "Share of what was due", "rate"),
            ],
            name="settled_services",
            title="What became of each dollar that was due",
            emphasis=[0],
            definition=f"{sentence(counted(gap['claims'], 'claim'))} by day of service, at least 120 days old; "
            f"postings to {subject.as_of_text}; US dollars. "
            "The lines below the first add up to it; the share received is the net collection rate.",
        )
    ]


def _with_patients(subject: Subject) -> str:
    return (
        f"Left to patients; {NOT_PAID_ON_FILE}"
        if patients_untold(subject)
        else "Still open with patients, less credits"
    )


@page
def answers(subject: Subject) -> list[Block]:
    """Page one: the finding of the month, what fell due and what became of it, why, what was done, what is needed."""
    due = fell_due(subject)
    moved, numbers = what_moved(subject), beside_past(subject)
    page_one = [
        *due_bar(subject, due),
        *why_with_chart(subject, moved),
        cards([did(subject), missed(subject)]),
        *asks_table(subject),
        *questions_list(subject),
        *followed_up(subject),
        *numbers,
    ]
    return [
        *incomplete_note(subject),
        *completeness_note(subject),
        headline(f"{cash_sentence(subject)} {finding_sentence(subject, moved, due, numbers)}"),
        *page_one,
        *traced(page_one, "page_one", whole="fell_due", asks="asked_claims"),
    ]


def completeness(subject: Subject) -> tuple[bool, str]:
    """Whether the month looks complete, and why: claims entered beside the usual number, last day posted."""
    claims, rows = subject.pandas("claims"), subject.pandas("transactions")
    entered = int(held(subject.period, claims["entered_on"]).sum())
    before = [int(held(month, claims["entered_on"]).sum()) for month in subject.period.shift(-1).trailing(12).months()]
    before = [count for count in before if count]
    last = rows["posted_on"].max()
    usual = int(pd.Series(before).median()) if before else 0
    text = (
        f"{counted(entered, 'claim')} entered, {as_text(usual, 'count')} in a usual month; last posting on "
        f"{as_text(last, 'date')}"
    )
    if not before:
        return True, f"{counted(entered, 'claim')} entered; there is no earlier month to compare with"
    return entered * 100 >= usual * COMPLETE_SHARE, text


def completeness_note(subject: Subject) -> list[Block]:
    """A warning when the month looks incomplete; nothing otherwise."""
    is_complete, text = completeness(subject)
    if is_complete:
        return []
    return [note(f"This month may be incomplete: {text}. Read its numbers as a first look.", tone="warning")]
