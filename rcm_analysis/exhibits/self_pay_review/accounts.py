"""The accounts behind a self-pay review, for those who work them: never in what a client is sent."""

from __future__ import annotations

import pandas as pd

from ..blocks import Block, note
from ..blocks import findings as cards
from ..formats import counted
from ..pages import page
from ..register.months import actions_of
from ..tables import Shown, show
from . import findings
from .facts import Facts
from .printed import everything, is_list

MOST = 14


@page
def to_put_right(facts: Facts) -> list[Block]:
    """What to put right, the gravest first: actions of the client's register."""
    actions = sorted(actions_of(facts, findings.SERVICE), key=lambda one: one.kind != findings.SCOPE)
    if not actions:
        return [note(f"Nothing was found in {facts.subject.period.title} that someone has to put right.")]
    blocks: list[Block] = [cards("The gravest first", [one.as_finding() for one in actions[:MOST]])]
    if len(actions) > MOST:
        blocks.append(note(f"{counted(len(actions) - MOST, 'smaller finding')} left out; the lists below show them."))
    return blocks


@page
def accounts(facts: Facts) -> list[Block]:
    """The accounts, records and partners behind the review, and the requests that wait for the client."""
    found = [*_decisions(facts), *(block for block in everything(facts) if is_list(block))]
    return found or [note("No account, record or request waits to be put right.")]


def _decisions(facts: Facts) -> list[Block]:
    """What the client has to decide, request by request."""
    kinds = findings.waiting(facts.subject)
    if not kinds:
        return []
    rows = pd.concat([kind.rows.assign(words=kind.words[0]) for kind in kinds], ignore_index=True)
    rows = rows.assign(claim_id=rows.get("claim_id", ""))
    return [
        show(
            rows.sort_values(["since", "words"], ignore_index=True),
            [
                Shown("words", "What"),
                Shown("since", "Waits since", "date"),
                Shown("claim_id", "Account"),
                Shown("amount_cents", "Amount", "usd", exact=True),
            ],
            name="decisions",
            title="Decisions of the client that are open",
            definition="Requests without a decision, the oldest first; applications from the day on which all "
            "documents were there; US dollars.",
        )
    ]
