"""Page one of a self-pay review: the programme in sixty seconds, and what to do, with dollars, owner and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd

from ...measures.collections.rates import cash
from ..blocks import Block, Finding, cards, finding, findings, note
from ..client_review.answers import span
from ..client_review.opportunities import ours
from ..formats import as_text, comma_list, counted, sentence
from ..pages import page
from ..subject import Subject
from .controls import BREACH_WORDS, RULE_WORDS, SCOPE_WORDS, asked_wrong
from .credits import OWED_TO, return_by
from .facts import Facts
from .money import rate_words
from .quality import TARGET_WORDS, targets_met

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


@page
def answers(facts: Facts) -> list[Block]:
    """Six cards."""
    if not facts.is_running:
        return [
            note(
                f"The records of {facts.subject.client.name} hold no statement, payment plan or contact of a "
                "self-pay programme up to "
                f"{facts.subject.as_of_text}. The pages below say so one by one.",
                tone="warning",
            )
        ]
    return [cards([_paid(facts), _plans(facts), _promises(facts), _right(facts), _policy(facts), _need(facts)])]


def _paid(facts: Facts) -> tuple[str, str, str]:
    subject, rate, question = facts.subject, facts.pay_rate, "How much of what is billed do patients pay?"
    now = as_text(int(cash(subject.tables, period=subject.period)["patient_cents"].iloc[0]), "usd")
    if not rate["billed_cents"]:
        return (
            question,
            "too early",
            f"No month of first statements is 120 days old yet. {now} came in from patients in {subject.month}.",
        )
    return (
        question,
        as_text(rate["pay_rate"], "rate"),
        (
            f"Within 120 days, of {as_text(int(rate['billed_cents']), 'usd')} first billed "
            f"{span(facts.mature)}. {now} came in in {subject.month}, "
            "from bills of many months."
        ),
    )


def _plans(facts: Facts) -> tuple[str, str, str]:
    standing, due, question = facts.plan_standing, facts.instalments, "Are payment plans paid on schedule?"
    is_open = int(standing["plans"] - standing["completed"] - standing["cancelled"] - _closed_broken(facts))
    if not standing["plans"]:
        return question, "no plans", "No payment plan has been agreed."
    risk = (
        f"{as_text(int(standing['at_risk_cents']), 'usd')} of {as_text(int(standing['open_cents']), 'usd')} "
        "still to come is at risk."
    )
    if not due["due_instalments"]:
        return question, "none due", f"No instalment fell due in three months. {counted(is_open, 'open plan')}; {risk}"
    return (
        question,
        as_text(due["instalments_on_schedule"], "rate"),
        (
            f"{as_text(int(due['paid_instalments']), 'count')} of "
            f"{counted(int(due['due_instalments']), 'instalment')} of three months. "
            f"{sentence(counted(is_open, 'plan is open', 'plans are open'))}; {risk}"
        ),
    )


def _closed_broken(facts: Facts) -> int:
    rows = facts.plans
    return int(((rows["status"] == "broken") & rows["closed_on"].notna()).sum())


def _promises(facts: Facts) -> tuple[str, str, str]:
    now, declined = facts.promises, facts.decline_rate
    tail = (
        (
            f" In a year, {rate_words(int(declined['declined_payments']), int(declined['payments']), 'payment')} "
            "were declined at the first try."
        )
        if declined["payments"]
        else ""
    )
    if not now["due_promises"]:
        return "Are promises to pay kept?", "none fell due", f"No promise to pay fell due in three months.{tail}"
    return (
        "Are promises to pay kept?",
        as_text(now["promises_kept"], "rate"),
        (
            f"{as_text(int(now['kept_promises']), 'count')} of {counted(int(now['due_promises']), 'promise')} "
            f"of three months.{tail}"
        ),
    )


def _right(facts: Facts) -> tuple[str, str, str]:
    wrong = facts.eob_wrong
    question = "Are patients asked the right amount?"
    if wrong.empty:
        return question, "yes", "Every patient balance with a payer's decision on file follows that decision."
    return (
        question,
        f"{as_text(len(wrong), 'count')} {'is' if len(wrong) == 1 else 'are'} not",
        f"{sentence(asked_wrong(wrong))}.",
    )


def _policy(facts: Facts) -> tuple[str, str, str]:
    rows, outside = facts.checks, len(facts.out_of_scope)
    broken = int(rows["breached"].sum())
    scope = (
        "Nothing out of scope."
        if not outside
        else (f"{sentence(counted(outside, 'record'))} out of scope in twelve months: see the scope guard.")
    )
    met = targets_met(facts)
    scope = f"{scope} {sentence(met)}." if met else scope
    question = "Did we keep your policy?"
    if not rows["checked"].sum():
        return (
            question,
            "nothing to check",
            f"No record of {facts.subject.month} falls under a rule of the policy. {scope}",
        )
    checked = counted(int(rows["checked"].sum()), "check")
    if not broken:
        return question, "yes", f"No breach in {checked} of {facts.subject.month}. {scope}"
    return question, counted(broken, "breach", "breaches"), f"In {checked} of {facts.subject.month}. {scope}"


def _need(facts: Facts) -> tuple[str, str, str]:
    asks = waiting(facts.subject)
    if not asks:
        return "What do we need from you?", "nothing", "No decision of yours is open."
    total = sum(count for _, count, _ in asks)
    words = comma_list(f"{counted(count, one, many)} ({as_text(cents, 'usd')})" for (one, many), count, cents in asks)
    return "What do we need from you?", counted(total, "decision"), f"On {words}."


def waiting(subject: Subject) -> list[tuple[tuple[str, str], int, int]]:
    """Decisions that the client owes: write-offs asked for, complete applications; words, count, cents."""
    asked = subject.pandas("write_off_approvals")
    asked = asked[asked["decided_on"].isna()]
    helped = subject.pandas("assistance_applications")
    helped = helped[helped["decided_on"].isna() & helped["completed_on"].notna()]
    found = [
        (("write-off request", "write-off requests"), asked),
        (("complete application for assistance", "complete applications for assistance"), helped),
    ]
    return [(words, len(rows), int(rows["amount_cents"].sum())) for words, rows in found if len(rows)]


# -- findings --------------------------------------------------------------------------------------


@page
def all_findings(facts: Facts) -> list[Block]:
    """The list, the gravest and largest first."""
    items = [item for look in LOOKS for item in look(facts)]
    if not items:
        return [note(f"Nothing was found in {facts.subject.period.title} that someone has to put right.")]
    items.sort(key=lambda item: (item.title != SCOPE, RANK[item.severity], -(item.amount_cents or 0), item.title))
    blocks = [findings("The gravest first", items[:MOST])]
    if len(items) > MOST:
        blocks.append(note(f"{counted(len(items) - MOST, 'smaller finding')} left out; the pages below show them."))
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
                f"Recorded in {span(facts.year)}: {kinds}. Neither is part of the programme: take each back, and "
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
    until = return_by(facts, found)
    late = found[(until < pd.Timestamp(facts.subject.as_of)) | (until.isna() & (found["age"] == "over 60"))]
    items = []
    for owed, rows in late.groupby("owed_to", sort=True):
        days = "the days to return it over" if until[rows.index].notna().all() else "for more than 60 days"
        items.append(
            finding(
                f"Refund what is overpaid: {OWED_TO[owed].lower()}",
                f"{sentence(counted(len(rows), 'account'))} overpaid, {days}; the oldest for "
                f"{as_text(int(rows['age_days'].max()), 'count')} days. "
                "Sheet: refunds_due.",
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
            f"{as_text(int(rows['overdue_cents'].sum()), 'usd')} overdue. Sheet: plans_at_risk.",
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
            f"Decide on {counted(count, *words)}",
            "Waiting for the client's decision.",
            amount_cents=cents,
            owner=facts.subject.client.name,
            due=_due(facts, 14),
            severity="medium",
        )
        for words, count, cents in waiting(facts.subject)
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
            "each. Sheet: retries_beyond.",
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
            f"{'is' if len(missing) == 1 else 'are'} not on the account paid after 30 days. Sheet: posting_faults.",
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
