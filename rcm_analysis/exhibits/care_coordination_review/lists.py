"""The lists behind a care-coordination review, member by member: for the manager and the team, never for a board."""

from __future__ import annotations

import pandas as pd

from ...measures.coordination.billed import contacts_not_billed
from ..blocks import Block, note
from ..formats import counted, sentence, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts
from .findings import STEP_WORDS

MOST = 200
MONTH = (Shown("enrolment_id", "Enrollment"), Shown("month", "Month", "month"))


@page
def work_lists(facts: Facts) -> list[Block]:
    """Late months, months given and not billed, denials not billed again, and families to win."""
    found = [late(facts), not_billed(facts), denied(facts), families(facts)]
    shown = [block for block in found if block is not None]
    return shown or [note("There is nothing to work: nothing is late, unbilled, denied or waiting to be engaged.")]


def late(facts: Facts) -> Block | None:
    """Months beyond the usual days of their step, the longest first."""
    rows = facts.on_their_way[facts.on_their_way["is_late"]].sort_values("days", ascending=False)
    if rows.empty:
        return None
    rows = facts.subject.with_payer_names(rows)
    rows = rows.assign(stage=[sentence(STEP_WORDS[stage]) for stage in rows["stage"]])
    return _list(
        rows,
        [
            *MONTH,
            Shown("coordinator", "Coordinator"),
            Shown("payer", "Payer"),
            Shown("stage", "Waits because it is"),
            Shown("since", "Since", "date"),
            Shown("expected_on", "Was to move by", "date"),
            Shown("amount_cents", "Dollars", "usd"),
        ],
        "late_months",
        "Late member-months",
        "Longer at their step than nine in ten months of the last year, by the payer's or lead's own days.",
    )


def not_billed(facts: Facts) -> Block | None:
    """Months given whose window is over."""
    rows = contacts_not_billed(facts.tables, as_of=facts.as_of)
    if rows.empty:
        return None
    rows = rows.sort_values("month", ascending=False, kind="stable")
    return _list(
        rows.assign(reason=[sentence(words_of(reason)) for reason in rows["reason"]]),
        [
            *MONTH,
            Shown("coordinator", "Coordinator"),
            Shown("contacts", "Contacts", "count"),
            Shown("reason", "Reason recorded"),
            Shown("rate_cents", "Published rate", "usd"),
        ],
        "not_billed",
        "Given and never billed",
        "Core service given, window over, never uploaded; the newest first: the payer may still take them.",
    )


def denied(facts: Facts) -> Block | None:
    """Denied bills that no later bill names."""
    bills = facts.bills
    rows = bills[(bills["stage"] == "denied") & ~bills["care_claim_id"].isin(bills["replaces"].dropna())]
    if rows.empty:
        return None
    rows = facts.subject.with_payer_names(rows.sort_values("payer_decided_on", ascending=False))
    return _list(
        rows.assign(denial_reason=[sentence(words_of(str(reason))) for reason in rows["denial_reason"]]),
        [
            Shown("care_claim_id", "Bill"),
            *MONTH,
            Shown("payer", "Payer"),
            Shown("denial_reason", "Denied because"),
            Shown("payer_decided_on", "Denied on", "date"),
            Shown("billed_cents", "Billed", "usd"),
        ],
        "denied_bills",
        "Denied and not billed again",
        "The latest first.",
    )


def families(facts: Facts) -> Block | None:
    """Eligible referrals not enrolled, the highest rates first."""
    rows = facts.not_engaged
    if rows.empty:
        return None
    return _list(
        rows.assign(
            source=[sentence(words_of(source)) for source in rows["source"]],
            last_result=rows["last_result"].map(lambda word: sentence(words_of(word)) if isinstance(word, str) else ""),
            valid_contact=rows["valid_contact"].map({1: "valid", 0: "not valid"}),
        ),
        [
            Shown("referral_id", "Referral"),
            Shown("source", "Referred by"),
            Shown("referred_on", "On", "date"),
            Shown("attempts", "Attempts", "count"),
            Shown("last_result", "Last result"),
            Shown("valid_contact", "Contact"),
            Shown("high_share", "Senders' members at high", "rate"),
            Shown("rate_cents", "Their rate a month", "usd"),
        ],
        "families_to_win",
        "Eligible and not enrolled yet",
        "Referred in the last half-year, not declined; acuity is known after the consent only, so it is told from the "
        "members of the same sender.",
    )


def _list(rows: pd.DataFrame, shown: list[Shown], name: str, title: str, definition: str) -> Block:
    left = len(rows) - MOST
    more = [f"{counted(left, 'more row', 'more rows')} left out."] if left > 0 else []
    return show(rows.head(MOST), shown, name=name, title=f"{title}: {len(rows):,}", definition=definition, notes=more)
