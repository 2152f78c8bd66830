"""What is to be decided: the asks of the client's packet, our actions that press, limits within fourteen days."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ...measures.receivable.high_value import high_value_accounts, recovery_progress, touch_compliance
from ..blocks import Block, note
from ..client_review.asks import MOST, asked_of
from ..formats import as_text, counted, sentence
from ..pages import page
from ..register.action import CLAIMS, Action, ours
from ..register.facts import write_offs
from ..register.months import closed_month, register
from ..tables import Shown, show
from .facts import Facts

MOST_DEADLINES, MOST_ACTIONS = 5, 2
OF_RECEIVABLES = (CLAIMS, "self_pay")
"""Services whose asks a meeting about receivables decides on; what the front office is asked stands in the packet."""

PRESSING = ("secondary", "filing_limit", "appeal_limit", "escalations", "silent_days")
"""Actions of ours that the meeting decides on."""

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


@page
def decisions(facts: Facts) -> list[Block]:
    """The decisions on the page, the limits of the coming days, and in the workbook what they rest on."""
    return [*_needed(facts), *_claims_due(facts), *(block for evidence in EVIDENCE for block in evidence(facts))]


def needed(facts: Facts) -> list[Action]:
    """What is to be decided: the asks of the client's packet about claims and balances, then our own that press."""
    actions = register(facts.subject)
    mine = [[one for one in actions if one.service == service] for service in OF_RECEIVABLES]
    asked = [ask for of_service in mine for ask in asked_of(of_service)[:MOST]]
    return [*asked, *(one for one in actions if one.kind in PRESSING)]


def _needed(facts: Facts) -> list[Block]:
    subject, late = facts.subject, facts.overdue
    rows = [(one.title, f"{one.why}.", one.amount_cents, sentence(one.owner), one.due) for one in needed(facts)]
    rows += [
        (row.title, f"Agreed {as_text(row.opened_on, 'date')}, overdue.", row.amount_cents, row.owner, row.due_on)
        for row in late.head(MOST_ACTIONS).itertuples()
    ]
    if not rows:
        nothing = "nothing is asked of the practice, no limit is near, no action overdue"
        return [note(f"Nothing is to be decided: {nothing}.")]
    table = pd.DataFrame(rows, columns=["what", "why", "cents", "owner", "due"])
    table["due"] = pd.to_datetime(table["due"])
    rest = len(late) - MOST_ACTIONS
    more = [f"{counted(rest, 'more agreed action')} in the workbook, sheet overdue_actions."] if rest > 0 else []
    close = closed_month(subject)
    return [
        show(
            table,
            [
                Shown("what", "Decision"),
                Shown("why", "Why"),
                Shown("cents", "Dollars", "usd"),
                Shown("owner", "Owner"),
                Shown("due", "By", "date"),
            ],
            name="decisions",
            title="Decisions needed",
            definition=f"The client's action register at the close of {close.period.title}: asks of the packet first, "
            "with the same dollars, owner and day; each claim in one of them. US dollars.",
            notes=more,
        )
    ]


def _claims_due(facts: Facts) -> list[Block]:
    """The claims whose limit ends within fourteen days, the largest, by who works them; all are in the workbook."""
    subject, items = facts.subject, facts.items
    soon = facts.due_soon.sort_values(["open_cents", "claim_id"], ascending=[False, True]).head(MOST_DEADLINES)
    if soon.empty:
        return []
    owner = {} if items.empty else items.drop_duplicates("claim_id").set_index("claim_id")["assigned_to"].to_dict()
    rows = subject.with_payer_names(soon).assign(
        what=[f"{DEADLINE_WORDS[row.kind]} claim {row.claim_id}" for row in soon.itertuples()],
        owner=[owner.get(claim) or ours(subject) for claim in soon["claim_id"]],
    )
    rest = len(facts.due_soon) - len(soon)
    return [
        show(
            rows,
            [
                Shown("what", "Claim"),
                Shown("payer", "Payer"),
                Shown("open_cents", "Open", "usd"),
                Shown("owner", "Owner"),
                Shown("deadline_on", "Limit", "date"),
            ],
            name="claims_due",
            title="Limits that end within fourteen days",
            definition="Parts of the actions above, claim by claim, the largest first; US dollars.",
            notes=[f"{counted(rest, 'more claim')} in the workbook, sheet limits."] if rest else [],
        )
    ]


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
    schedule = subject.client.follow_up
    touches = touch_compliance(subject.tables, as_of=subject.as_of, schedule=schedule).iloc[0]
    kept = as_text(touches["touch_compliance"], "rate", reason="none due")
    return [
        show(
            subject.with_payer_names(high_value_accounts(subject.tables, as_of=subject.as_of, schedule=schedule)),
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
