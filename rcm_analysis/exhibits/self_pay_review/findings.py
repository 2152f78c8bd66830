"""What a self-pay program has to put right or asks of the practice, as actions of the client's register."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from ..formats import as_text, comma_list, counted, day_text, sentence, span
from ..register.action import BILLERS, HELD, Action, Found, due, finds, ours
from ..subject import Subject
from . import SERVICE
from .controls import BREACH_WORDS, RULE_WORDS, SCOPE_WORDS
from .credits import OWED_TO, return_by
from .facts import Facts
from .quality import TARGET_WORDS

NEVER_WORDS = "no retry after a hard decline"
"""Such retries break the policy too, and are found there."""
SCOPE = "self_pay_scope"
"""Stands first on its page, whatever its dollars."""
SOON, FORTNIGHT, MONTH = 7, 14, 30
LEAD, PRACTICE = "self-pay team lead", "practice manager"
DECIDED = "what the decision is about"
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


@finds(SERVICE)
def found(facts: Facts) -> list[Found]:
    """Every finding; an account that two of them name is the first one's."""
    return [one for look in LOOKS for one in look(facts)] if facts.is_running else []


def _found(
    kind: str, rows: pd.DataFrame, cents: str | pd.Series, tell: Callable[[pd.DataFrame], Action], key: str = ""
) -> list[Found]:
    """One finding on accounts with their dollars; without dollars no account is taken from another finding."""
    if rows.empty:
        return []
    dollars = pd.to_numeric(rows[cents] if isinstance(cents, str) else cents).fillna(0).astype("int64")
    rows = rows.assign(cents=dollars)
    if dollars.sum() > 0:
        return [Found(f"self_pay_{kind}", tell, rows, key)]
    return [Found(f"self_pay_{kind}", lambda _: tell(rows), key=key)]


def _told(
    facts: Facts, title: str, why: str, owner: str, days: int, severity: str, *, more: str = "", **others: Any
) -> Action:
    """An action of the program; `more` is told to those who work the accounts alone."""
    detail = f"{why}. {more}".strip() if more else ""
    return Action(title, why, owner, due(facts.subject, days), detail, severity, service=SERVICE, **others)


def _scope(facts: Facts) -> list[Found]:
    def told(rows: pd.DataFrame) -> Action:
        kinds = comma_list(
            f"{SCOPE_WORDS[kind].lower()} {count}" for kind, count in rows["kind"].value_counts().sort_index().items()
        )
        why = f"Recorded in {span(facts.year)}: {kinds}. Neither is part of the program"
        more = "Take each back, and find out who asked for it."
        title = "Stop what is out of scope"
        return _told(facts, title, why, ours(facts.subject), SOON, "high", more=more, basis="balances sent out")

    return _found("scope", facts.out_of_scope, "amount_cents", told)


def _eob(facts: Facts) -> list[Found]:
    out = []
    for rule, rows in facts.eob_wrong.groupby("rule", sort=False):
        told = partial(_eob_told, facts, str(rule))
        out += _found("eob", rows, rows["difference_cents"].abs(), told, str(rule))
    return out


def _eob_told(facts: Facts, rule: str, rows: pd.DataFrame) -> Action:
    asked = int(rows["open_cents"].sum())
    today = f". {as_text(asked, 'usd')} of it stands on bills today" if asked else ""
    why = f"{sentence(counted(len(rows), 'account'))}, since {as_text(rows['since_on'].min(), 'date')}{today}"
    severity = "high" if (rows["difference_cents"] > 0).any() else "medium"
    fix = rows["fix"].iloc[0]
    basis = "billed otherwise than the payers decided"
    return _told(facts, RULE_WORDS[rule], why, BILLERS, FORTNIGHT, severity, more=fix, basis=basis)


def _breaches(facts: Facts) -> list[Found]:
    rows = facts.checks[facts.checks["breached"] > 0].to_dict("records")
    return [Found("self_pay_policy", partial(_breach_told, facts, row), key=row["rule"]) for row in rows]


def _breach_told(facts: Facts, row: dict[Any, Any], _: pd.DataFrame) -> Action:
    people = facts.breaches[(facts.breaches["rule"] == row["rule"]) & (facts.breaches["who"] != "(none)")][
        "who"
    ].value_counts()
    who = f"Most by {people.index[0]}. " if len(people) and people.iloc[0] > 1 else ""
    why = (
        f"{as_text(row['breached'], 'count')} of {counted(row['checked'], 'record')} checked in {facts.subject.month} "
        f"broke the rule; {as_text(row['breached_quarter'], 'count')} in three months"
    )
    title = f"Policy: {_lower(BREACH_WORDS.get(row['rule'], row['title']))}"
    severity = "high" if row["rule"] in GRAVE else "medium"
    return _told(
        facts, title, why, LEAD, FORTNIGHT, severity, more=f"{who}Go through them with the partners concerned."
    )


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _estimates(facts: Facts) -> list[Found]:
    rows = facts.estimates
    rows = rows[rows["dispute_until"] >= pd.Timestamp(facts.subject.as_of)] if len(rows) else rows

    def told(rows: pd.DataFrame) -> Action:
        why = (
            f"{sentence(counted(len(rows), 'bill'))} well above the good-faith estimate can still be disputed, "
            f"the first until {as_text(rows['dispute_until'].min(), 'date')}"
        )
        title = "Look again at bills above their estimates"
        return _told(facts, title, why, ours(facts.subject), FORTNIGHT, "high", basis="billed above the estimate")

    return _found("estimates", rows, "difference_cents", told)


def _refunds(facts: Facts) -> list[Found]:
    """Overpayments whose days to return them are over; without such days those older than 60 days."""
    found = facts.credits[facts.credits["kind"] == "overpayment"]
    until = return_by(facts.subject, found)
    late = found[(until < pd.Timestamp(facts.subject.as_of)) | (until.isna() & (found["age"] == "over 60"))]
    late = late.assign(is_dated=until[late.index].notna())
    out = []
    for owed, rows in late.groupby("owed_to", sort=True):
        out += _found("refunds", rows, "credit_cents", partial(_refund_told, facts, str(owed)), str(owed))
    return out


def _refund_told(facts: Facts, owed: str, rows: pd.DataFrame) -> Action:
    days = "the days to return it over" if rows["is_dated"].all() else "for more than 60 days"
    why = (
        f"{sentence(counted(len(rows), 'account'))} overpaid, {days}; the oldest for "
        f"{as_text(int(rows['age_days'].max()), 'count')} days"
    )
    title, severity = f"Refund what is overpaid: {OWED_TO[owed].lower()}", "high" if owed == "government" else "medium"
    return _told(facts, title, why, BILLERS, FORTNIGHT, severity, basis=HELD, sheet="refunds_due")


def _plans_at_risk(facts: Facts) -> list[Found]:
    def told(rows: pd.DataFrame) -> Action:
        why = (
            f"{sentence(counted(len(rows), 'open plan'))} behind or broken, "
            f"{as_text(int(rows['overdue_cents'].sum()), 'usd')} overdue"
        )
        basis = "still to come on the plans"
        title = "Call about plans that fell behind"
        return _told(facts, title, why, LEAD, SOON, "medium", basis=basis, sheet="plans_at_risk")

    return _found("plans", facts.plans[facts.plans["at_risk_cents"] > 0], "at_risk_cents", told)


def _declines(facts: Facts) -> list[Found]:
    rows = facts.declined
    lost = int((rows["declined_cents"] - rows["recovered_cents"]).sum())
    count = int((rows["declined_payments"] - rows["recovered_payments"]).sum())
    if not count:
        return []
    why = f"{sentence(counted(count, 'declined payment'))} of the past year did not go through within 30 days"
    title = "Offer another way to pay after a decline"
    basis = "payments of a year, tried in vain"
    return [Found("self_pay_declines", lambda _: _told(facts, title, why, LEAD, MONTH, "low", basis=basis), cents=lost)]


def _disputes(facts: Facts) -> list[Found]:
    rows = facts.subject.pandas("disputes")
    rows = rows[rows["closed_on"].isna() & (rows["opened_on"] >= pd.Timestamp(facts.year.first_day))]

    def told(rows: pd.DataFrame) -> Action:
        good, over = facts.in_time["disputes"]
        late = (
            f". Of those whose days were up in the past year, {as_text(over - good, 'count')} of "
            f"{as_text(over, 'count')} were settled late or not yet"
            if over
            else ""
        )
        why = f"{sentence(counted(len(rows), 'dispute'))} of the past year open{late}"
        return _told(facts, "Settle the open disputes", why, LEAD, MONTH, "medium", basis="what patients dispute")

    return _found("disputes", rows, "amount_cents", told)


def _decisions(facts: Facts) -> list[Found]:
    """Decisions that the practice owes."""
    return [
        one
        for kind in waiting(facts.subject)
        for one in _found("decide", kind.rows, "amount_cents", partial(_decision_told, facts, kind), kind.words[0])
    ]


def _decision_told(facts: Facts, kind: Waiting, rows: pd.DataFrame) -> Action:
    title = kind._replace(rows=rows).title
    why = f"The oldest has waited since {day_text(rows['since'].min())}"
    return _told(facts, title, why, PRACTICE, FORTNIGHT, "medium", basis=DECIDED, is_asked=True)


def _policy(facts: Facts) -> list[Found]:
    """A policy, where none is on file."""
    if len(facts.subject.pandas("self_pay_policies")):
        return []
    title, why = "Approve a self-pay policy", "Without one no limit on calls, card retries and write-offs is checked"
    return [Found("self_pay_no_policy", lambda _: _told(facts, title, why, PRACTICE, MONTH, "low", is_asked=True))]


def _networks(facts: Facts) -> list[Found]:
    rows = facts.retries_beyond
    rows = rows[(rows["attempted_on"] >= pd.Timestamp(facts.quarter.first_day)) & (rows["allowed"] != NEVER_WORDS)]
    if rows.empty:
        return []
    why = (
        f"{sentence(counted(int(rows['attempt_id'].nunique()), 'retry', 'retries'))} on "
        f"{counted(int(rows['claim_id'].nunique()), 'account')} in three months; the networks charge for each"
    )
    title = "Stop card retries beyond the networks' limits"
    return [Found("self_pay_networks", lambda _: _told(facts, title, why, LEAD, SOON, "high", sheet="retries_beyond"))]


def _targets(facts: Facts) -> list[Found]:
    rows = facts.targets
    rows = rows[rows["is_met"].eq(False).fillna(False)]
    if rows.empty:
        return []
    words = comma_list(
        f"{_lower(TARGET_WORDS[row.measure])} {as_text(row.value, 'rate')} (target {as_text(row.target, 'rate')})"
        for row in rows.itertuples()
    )
    title, why = f"Reach {counted(len(rows), 'target')} of the policy", f"{sentence(words)}, over three months"
    return [Found("self_pay_targets", lambda _: _told(facts, title, why, LEAD, MONTH, "medium"))]


def _posting(facts: Facts) -> list[Found]:
    faults = facts.posting_faults

    def told(rows: pd.DataFrame) -> Action:
        why = (
            f"{sentence(counted(len(rows), 'payment'))} taken from patients {'is' if len(rows) == 1 else 'are'} not on "
            "the account paid after 30 days"
        )
        title = "Find payments that are not on their account"
        return _told(facts, title, why, BILLERS, SOON, "high", basis="payments taken", sheet="posting_faults")

    return _found("posting", faults[faults["fault"] == "missing"], "amount_cents", told)


LOOKS: tuple[Callable[[Facts], list[Found]], ...] = (
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
    _policy,
    _targets,
)
"""Every kind of finding, looked for in this order: an account is the first one's that names it."""
