"""What is to be decided: write-offs to approve, escalations, limits within fourteen days, actions overdue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from ...measures.receivable.high_value import high_value_accounts, recovery_progress, touch_compliance
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, sentence
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show
from .facts import WEEK, Facts, plain_days, write_offs

MOST_ESCALATIONS, MOST_DEADLINES, MOST_ACTIONS = 4, 5, 2
DEADLINE_WORDS = {"filing": "File", "appeal": "Appeal or correct", "secondary_filing": "Bill the second insurer for"}
LIMIT_WORDS = {"filing": "filing", "appeal": "appeal", "secondary_filing": "filing with the second insurer"}
CLAIM = [Shown("claim_id", "Claim"), Shown("payer", "Payer"), Shown("open_cents", "Open", "usd", exact=True)]
PROGRESS = {
    "opening_cents": "Open then",
    "charged_cents": "Charged since",
    "collected_cents": "Collected",
    "adjusted_cents": "Adjusted",
    "written_off_cents": "Written off",
    "credit_cents": "In credit since",
    "open_cents": "Still open",
}


class Decision(NamedTuple):
    """One row of the table of decisions."""

    what: str
    why: str
    cents: float
    owner: str
    due: dt.date


class Asked(NamedTuple):
    """The decisions of one kind, and the dollars of those that did not fit: each a row of the sheet named."""

    rows: list[Decision]
    more: pd.Series
    word: str
    sheet: str


@page
def decisions(facts: Facts) -> list[Block]:
    """The decisions on the page, and in the workbook what they rest on."""
    return [*_needed(facts), *(block for evidence in EVIDENCE for block in evidence(facts))]


def _needed(facts: Facts) -> list[Block]:
    asked = [_given_up(facts), _escalations(facts), _limits(facts), _agreed(facts)]
    rows = [row for kind in asked for row in kind.rows]
    if not rows:
        nothing = "no write-off, no escalation, no limit within fourteen days, no action overdue"
        return [note(f"Nothing is to be decided: {nothing}.")]
    table = pd.DataFrame(rows, columns=Decision._fields)
    table["due"] = pd.to_datetime(table["due"])
    more = comma_list(
        f"{counted(len(kind.more), f'more {kind.word}')} "
        f"({as_text(int(kind.more.fillna(0).sum()), 'usd')}, sheet {kind.sheet})"
        for kind in asked
        if len(kind.more)
    )
    return [
        show(
            table.sort_values("due", kind="stable", ignore_index=True),
            [
                Shown("what", "Decision"),
                Shown("why", "Why"),
                Shown("cents", "Dollars", "usd"),
                Shown("owner", "Owner"),
                Shown("due", "By", "date"),
            ],
            name="decisions",
            title="Decisions needed",
            definition="Open balances (dollars at stake for agreed actions); US dollars; the earliest day first.",
            notes=[f"In the workbook {more}."] if more else [],
        )
    ]


def _manager(subject: Subject) -> str:
    return subject.client.assigned_to or "client manager"


def _given_up(facts: Facts) -> Asked:
    """All write-offs as one decision."""
    given_up = facts.given_up
    late = int((given_up["days_left"] < 0).fillna(False).sum())
    reasons = (("time limit over", late), ("next to no chance", len(given_up) - late))
    row = Decision(
        f"Approve or refuse {counted(len(given_up), 'write-off')}",
        sentence(comma_list(f"{reason}: {count}" for reason, count in reasons if count)),
        int(given_up["open_cents"].sum()),
        "practice",
        facts.subject.as_of + WEEK,
    )
    return Asked([row] if len(given_up) else [], given_up["open_cents"].iloc[:0], "", "")


def _escalations(facts: Facts) -> Asked:
    raised, subject = facts.escalated, facts.subject
    rows = [
        Decision(
            f"Escalate claim {row.claim_id}",
            sentence(plain_days(row.reason, subject.as_of)),
            row.open_cents,
            _manager(subject),
            subject.as_of + WEEK,
        )
        for row in raised.head(MOST_ESCALATIONS).itertuples()
    ]
    return Asked(rows, raised["open_cents"].iloc[MOST_ESCALATIONS:], "escalation", "escalations")


def _limits(facts: Facts) -> Asked:
    """The limits of the claims that are not escalated above, the largest first."""
    subject, items = facts.subject, facts.items
    escalated = facts.escalated["claim_id"].head(MOST_ESCALATIONS)
    soon = facts.due_soon[~facts.due_soon["claim_id"].isin(escalated)]
    soon = soon.sort_values(["open_cents", "claim_id"], ascending=[False, True])
    owner = {} if items.empty else items.drop_duplicates("claim_id").set_index("claim_id")["assigned_to"].to_dict()
    rows = [
        Decision(
            f"{DEADLINE_WORDS[row.kind]} claim {row.claim_id}",
            f"{subject.payer_name(row.payer)}, limit {in_days(int(row.days_left))}",
            row.open_cents,
            owner.get(row.claim_id) or _manager(subject),
            row.deadline_on,
        )
        for row in soon.head(MOST_DEADLINES).itertuples()
    ]
    return Asked(rows, soon["open_cents"].iloc[MOST_DEADLINES:], "time limit", "limits")


def _agreed(facts: Facts) -> Asked:
    rows = [
        Decision(
            row.title, f"Agreed {as_text(row.opened_on, 'date')}, overdue", row.amount_cents, row.owner, row.due_on
        )
        for row in facts.overdue.head(MOST_ACTIONS).itertuples()
    ]
    return Asked(rows, facts.overdue["amount_cents"].iloc[MOST_ACTIONS:], "agreed action", "overdue_actions")


def in_days(days: int) -> str:
    """How soon, in words.

    >>> in_days(0), in_days(1), in_days(9)
    ('today', 'tomorrow', 'in 9 days')
    """
    return "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"


def _overdue_actions(facts: Facts) -> list[Block]:
    if facts.overdue.empty:
        return []
    return [
        show(
            facts.overdue,
            [
                Shown("title", "What was agreed"),
                Shown("owner", "Owner"),
                Shown("opened_on", "Agreed", "date"),
                Shown("due_on", "Due", "date"),
                Shown("amount_cents", "At stake", "usd"),
            ],
            name="overdue_actions",
            title="Agreed actions overdue",
            print_it=False,
            definition=f"Open on {facts.subject.as_of_text} and due before; US dollars at stake.",
        )
    ]


def _to_approve(facts: Facts) -> list[Block]:
    subject = facts.subject
    return [
        show(
            write_offs(subject.with_payer_names(facts.items)),
            [*CLAIM, Shown("age_days", "Age, days", "count"), Shown("reason", "Why")],
            name="write_offs_to_approve",
            title="Write-offs for approval",
            print_it=False,
            definition="Items of the worklist whose limit is over or which have next to no chance, as of "
            f"{subject.as_of_text}; US dollars.",
        )
    ]


def _raised(facts: Facts) -> list[Block]:
    subject = facts.subject
    return [
        show(
            subject.with_payer_names(facts.raised),
            [
                *CLAIM,
                Shown("reason", "Why"),
                Shown("last_touch_on", "Last touch", "date"),
                Shown("deadline_on", "Limit", "date"),
            ],
            name="escalations",
            title="Escalations",
            print_it=False,
            definition="High-value accounts overdue twice, near a limit, or with a promise passed, as of "
            f"{subject.as_of_text}; US dollars.",
        )
    ]


def _due_soon(facts: Facts) -> list[Block]:
    return [
        show(
            facts.subject.with_payer_names(facts.due_soon),
            [
                *CLAIM,
                Shown("kind", "Limit for", texts=LIMIT_WORDS),
                Shown("deadline_on", "Ends", "date"),
                Shown("days_left", "Days left", "count"),
            ],
            name="limits",
            title="Limits within fourteen days",
            print_it=False,
            definition="Time limits of the payers that can still be kept; US dollars.",
        )
    ]


def _schedule(facts: Facts) -> list[Block]:
    subject = facts.subject
    touches = touch_compliance(subject.tables, as_of=subject.as_of).iloc[0]
    kept = as_text(touches["touch_compliance"], "rate", reason="none due")
    return [
        show(
            subject.with_payer_names(high_value_accounts(subject.tables, as_of=subject.as_of)),
            [
                *CLAIM,
                Shown("tier", "Tier", "count"),
                Shown("every_days", "Touch every, days", "count"),
                Shown("last_touch_on", "Last touch", "date"),
                Shown("next_touch_on", "Next touch", "date"),
                Shown("notes", "Notes", "count"),
                Shown("age_days", "Age, days", "count"),
            ],
            name="high_value",
            title="High-value accounts and their schedule",
            print_it=False,
            definition=f"Largest open claims as of {subject.as_of_text}. Touches due in the past 28 days that "
            f"were made in time: {kept}; US dollars.",
        )
    ]


def _recovery(facts: Facts) -> list[Block]:
    return [
        show(
            recovery_progress(facts.subject.tables, as_of=facts.subject.as_of),
            [
                Shown("week_end", "Week to", "date"),
                Shown("accounts", "Accounts", "count"),
                Shown("open_accounts", "Still open, accounts", "count"),
                *(Shown(name, title, "usd", exact=True) for name, title in PROGRESS.items()),
                Shown("collected_share", "Collected, share", "rate"),
            ],
            name="recovery",
            title="What came of the high-value accounts of eight weeks ago",
            print_it=False,
            definition="Sums since then, by posting date; US dollars.",
        )
    ]


EVIDENCE: list[Callable[[Facts], list[Block]]] = [
    _overdue_actions,
    _to_approve,
    _raised,
    _due_soon,
    _schedule,
    _recovery,
]
