"""What a self-pay program has to put right, with dollars, owner and day: for those who work the accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from ..blocks import Block, Finding, finding, findings, note
from ..client_review.answers import span
from ..formats import as_text, comma_list, counted, sentence
from ..register.action import ours
from ..subject import Subject
from .controls import BREACH_WORDS, RULE_WORDS, SCOPE_WORDS
from .credits import OWED_TO, return_by
from .facts import Facts
from .quality import TARGET_WORDS

MOST = 14
NEVER_WORDS = "no retry after a hard decline"
"""Such retries break the policy too, and are found there."""
SCOPE = "Stop what is out of scope"
"""Stands first, whatever its dollars."""
SOON, MONTH = 7, 30
BILLERS, LEAD = "our billers", "self-pay team lead"
RANK = {"high": 0, "medium": 1, "low": 2}
GRAVE = (
    "call_window",
    "calls_in_seven_days",
    "days_after_conversation",
    "disclosure_given",
    "identity_verified",
    "retry_after_hard_decline",
    "worked_while_open",
    "write_off_approval",
    "own_approval",
)
"""Rules whose breach touches patients' rights or money control; the others are matters of pace."""


class Waiting(NamedTuple):
    """Requests of one kind that the client has not decided: their name (one, many), and the requests."""

    words: tuple[str, str]
    rows: pd.DataFrame

    @property
    def cents(self) -> int:
        return int(self.rows["amount_cents"].sum())

    @property
    def title(self) -> str:
        return f"Decide on {counted(len(self.rows), *self.words)}"


def waiting(subject: Subject) -> list[Waiting]:
    """Decisions that the client owes: write-offs asked for, complete applications; `since` is the day it has waited
    from."""
    asked = subject.pandas("write_off_approvals").assign(since=lambda rows: rows["requested_on"])
    helped = subject.pandas("assistance_applications").assign(since=lambda rows: rows["completed_on"])
    found = [
        Waiting(("write-off request", "write-off requests"), asked[asked["decided_on"].isna()]),
        Waiting(
            ("complete application for assistance", "complete applications for assistance"),
            helped[helped["decided_on"].isna() & helped["completed_on"].notna()],
        ),
    ]
    return [kind for kind in found if len(kind.rows)]


def findings_of(facts: Facts) -> list[Block]:
    """The list, the gravest and largest first."""
    items = [item for look in LOOKS for item in look(facts)]
    if not items:
        return [note(f"Nothing was found in {facts.subject.period.title} that someone has to put right.")]
    items.sort(key=lambda item: (item.title != SCOPE, RANK[item.severity], -(item.amount_cents or 0), item.title))
    blocks = [findings("The gravest first", items[:MOST])]
    if len(items) > MOST:
        blocks.append(note(f"{counted(len(items) - MOST, 'smaller finding')} left out; the lists below show them."))
    return blocks


def _due(facts: Facts, days: int) -> dt.date:
    return facts.subject.as_of + dt.timedelta(days=days)


def _scope(facts: Facts) -> list[Finding]:
    rows = facts.out_of_scope
    if rows.empty:
        return []
    kinds = comma_list(
        f"{SCOPE_WORDS[kind].lower()} {count}" for kind, count in rows["kind"].value_counts().sort_index().items()
    )
    return [
        finding(
            SCOPE,
            (
                f"Recorded in {span(facts.year)}: {kinds}. Neither is part of the program: take each back, and "
                "find out who asked for it."
            ),
            amount_cents=int(rows["amount_cents"].sum()),
            owner=ours(facts.subject),
            due=_due(facts, SOON),
            severity="high",
        )
    ]


def _eob(facts: Facts) -> list[Finding]:
    items = []
    for rule, rows in facts.eob_wrong.groupby("rule", sort=False):
        cents = int(rows["difference_cents"].abs().sum())
        asked = int(rows["open_cents"].sum())
        today = f" {as_text(asked, 'usd')} of it stands on bills today." if asked else ""
        items.append(
            finding(
                RULE_WORDS[rule],
                (
                    f"{sentence(counted(len(rows), 'account'))}, since "
                    f"{as_text(rows['since_on'].min(), 'date')}.{today} {rows['fix'].iloc[0]}"
                ),
                amount_cents=cents,
                owner=BILLERS,
                due=_due(facts, 14),
                severity="high" if (rows["difference_cents"] > 0).any() else "medium",
            )
        )
    return items


def _breaches(facts: Facts) -> list[Finding]:
    items = []
    for row in facts.checks[facts.checks["breached"] > 0].to_dict("records"):
        people = facts.breaches[(facts.breaches["rule"] == row["rule"]) & (facts.breaches["who"] != "(none)")][
            "who"
        ].value_counts()
        who = f" Most by {people.index[0]}." if len(people) and people.iloc[0] > 1 else ""
        items.append(
            finding(
                f"Policy: {_lower(BREACH_WORDS.get(row['rule'], row['title']))}",
                f"{as_text(row['breached'], 'count')} of {counted(row['checked'], 'record')} checked in "
                f"{facts.subject.month} broke the rule; "
                f"{as_text(row['breached_quarter'], 'count')} in three months.{who} Go through them with the "
                "partners concerned.",
                owner=LEAD,
                due=_due(facts, 14),
                severity="high" if row["rule"] in GRAVE else "medium",
            )
        )
    return items


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _estimates(facts: Facts) -> list[Finding]:
    rows = facts.estimates
    rows = rows[rows["dispute_until"] >= pd.Timestamp(facts.subject.as_of)] if len(rows) else rows
    if rows.empty:
        return []
    return [
        finding(
            "Look again at bills above their estimates",
            f"{sentence(counted(len(rows), 'bill'))} well above the good-faith estimate can still be disputed, "
            f"the first until {as_text(rows['dispute_until'].min(), 'date')}.",
            amount_cents=int(rows["difference_cents"].sum()),
            owner=ours(facts.subject),
            due=_due(facts, 14),
            severity="high",
        )
    ]


def _refunds(facts: Facts) -> list[Finding]:
    """Overpayments whose days to return them are over; without such days those older than 60 days."""
    found = facts.credits[facts.credits["kind"] == "overpayment"]
    until = return_by(facts.subject, found)
    late = found[(until < pd.Timestamp(facts.subject.as_of)) | (until.isna() & (found["age"] == "over 60"))]
    items = []
    for owed, rows in late.groupby("owed_to", sort=True):
        days = "the days to return it over" if until[rows.index].notna().all() else "for more than 60 days"
        items.append(
            finding(
                f"Refund what is overpaid: {OWED_TO[owed].lower()}",
                f"{sentence(counted(len(rows), 'account'))} overpaid, {days}; the oldest for "
                f"{as_text(int(rows['age_days'].max()), 'count')} days. "
                "In the workbook: refunds_due.",
                amount_cents=int(rows["credit_cents"].sum()),
                owner=BILLERS,
                due=_due(facts, 14),
                severity="high" if owed == "government" else "medium",
            )
        )
    return items


def _plans_at_risk(facts: Facts) -> list[Finding]:
    rows = facts.plans[facts.plans["at_risk_cents"] > 0]
    if rows.empty:
        return []
    return [
        finding(
            "Call about plans that fell behind",
            f"{sentence(counted(len(rows), 'open plan'))} behind or broken, "
            f"{as_text(int(rows['overdue_cents'].sum()), 'usd')} overdue. In the workbook: plans_at_risk.",
            amount_cents=int(rows["at_risk_cents"].sum()),
            owner=LEAD,
            due=_due(facts, SOON),
            severity="medium",
        )
    ]


def _declines(facts: Facts) -> list[Finding]:
    rows = facts.declined
    lost = int((rows["declined_cents"] - rows["recovered_cents"]).sum())
    count = int((rows["declined_payments"] - rows["recovered_payments"]).sum())
    if not count:
        return []
    return [
        finding(
            "Offer another way to pay after a decline",
            f"{sentence(counted(count, 'declined payment'))} of the past year did not go through within 30 days.",
            amount_cents=lost,
            owner=LEAD,
            due=_due(facts, MONTH),
            severity="low",
        )
    ]


def _disputes(facts: Facts) -> list[Finding]:
    whole = facts.disputes
    if not whole["open_disputes"]:
        return []
    good, due = facts.in_time["disputes"]
    late = (
        (
            f" Of those whose days were up in the past year, {as_text(due - good, 'count')} of "
            f"{as_text(due, 'count')} were settled late or not yet."
        )
        if due
        else ""
    )
    return [
        finding(
            "Settle the open disputes",
            f"{sentence(counted(int(whole['open_disputes']), 'dispute'))} of the past year open.{late}",
            amount_cents=int(whole["open_cents"]),
            owner=LEAD,
            due=_due(facts, MONTH),
            severity="medium",
        )
    ]


def _decisions(facts: Facts) -> list[Finding]:
    return [
        finding(
            kind.title,
            "Waiting for the client's decision.",
            amount_cents=kind.cents,
            owner=facts.subject.client.name,
            due=_due(facts, 14),
            severity="medium",
        )
        for kind in waiting(facts.subject)
    ]


def _networks(facts: Facts) -> list[Finding]:
    rows = facts.retries_beyond
    rows = rows[(rows["attempted_on"] >= pd.Timestamp(facts.quarter.first_day)) & (rows["allowed"] != NEVER_WORDS)]
    if rows.empty:
        return []
    return [
        finding(
            "Stop card retries beyond the networks' limits",
            f"{sentence(counted(int(rows['attempt_id'].nunique()), 'retry', 'retries'))} on "
            f"{counted(int(rows['claim_id'].nunique()), 'account')} in three months; the networks charge for "
            "each. In the workbook: retries_beyond.",
            owner=LEAD,
            due=_due(facts, SOON),
            severity="high",
        )
    ]


def _targets(facts: Facts) -> list[Finding]:
    rows = facts.targets
    rows = rows[rows["is_met"].eq(False).fillna(False)]
    if rows.empty:
        return []
    words = comma_list(
        f"{_lower(TARGET_WORDS[row.measure])} {as_text(row.value, 'rate')} (target {as_text(row.target, 'rate')})"
        for row in rows.itertuples()
    )
    return [
        finding(
            f"Reach {counted(len(rows), 'target')} that the client has set",
            f"{sentence(words)}, over three months.",
            owner=LEAD,
            due=_due(facts, MONTH),
            severity="medium",
        )
    ]


def _posting(facts: Facts) -> list[Finding]:
    faults = facts.posting_faults
    missing = faults[faults["fault"] == "missing"]
    if missing.empty:
        return []
    return [
        finding(
            "Find payments that are not on their account",
            f"{sentence(counted(len(missing), 'payment'))} taken from patients "
            f"{'is' if len(missing) == 1 else 'are'} not on the account paid after 30 days. "
            "In the workbook: posting_faults.",
            amount_cents=int(missing["amount_cents"].sum()),
            owner=BILLERS,
            due=_due(facts, SOON),
            severity="high",
        )
    ]


LOOKS: tuple[Callable[[Facts], list[Finding]], ...] = (
    _scope,
    _eob,
    _breaches,
    _networks,
    _estimates,
    _refunds,
    _posting,
    _plans_at_risk,
    _declines,
    _disputes,
    _decisions,
    _targets,
)
"""Every kind of finding, looked for in this order."""
