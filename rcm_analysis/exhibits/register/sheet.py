"""The register as a sheet: every action with what came of it, and the cells in which people change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Table
from ...sources.worklist.changes import CHANGED, NAMES, SHEET, action_check
from ...tables.schema import ACTION_STATES
from ..formats import sentence
from ..subject import Subject
from ..tables import Shown, show
from .action import Action
from .months import CameOf, came_of, closed_month, whole_register

STATES = {
    "done": "done",
    "dropped": "dropped",
    "gone": "no longer found",
    "overdue": "open, past its day",
    "open": "open",
    "new": "new",
}
MOVES = {
    "opening_cents": "Owed on its claims then",
    "charged_cents": "Charged since",
    "collected_cents": "Came in since",
    "adjusted_cents": "Adjusted since",
    "written_off_cents": "Written off since",
    "credit_cents": "In credit since",
    "open_cents": "Still owed",
}
BROUGHT = {"brought_cents": "Brought, estimate", "low_cents": "Estimate from", "high_cents": "to"}
COLUMNS = (
    Shown("action_id", NAMES["action_id"]),
    Shown("service", "Service"),
    Shown("what", "What to do and why"),
    Shown("amount_cents", "Dollars", "usd", exact=True),
    Shown("basis", "Dollars are"),
    Shown("owner", "Owner"),
    Shown("due", "Due", "date"),
    Shown("severity", "Priority"),
    Shown("is_asked", "Asked of the practice", "flag"),
    Shown("state", "Stands"),
    Shown("was_cents", "Dollars a month before", "usd", exact=True),
    Shown("was_due", "Day promised then", "date"),
    *(Shown(name, title, "usd", exact=True) for name, title in MOVES.items()),
    Shown("verdict", "What it brought"),
    *(Shown(name, title, "usd", exact=True) for name, title in BROUGHT.items()),
    Shown("outcome", "Reported outcome"),
    Shown("remark", "Reported note"),
)
CLOSE = (Shown("as_of", NAMES["as_of"], "date"), Shown("client", NAMES["client"]), Shown("check", NAMES["check"]))
EDITABLE = tuple(
    Shown(
        f"filled_{name}",
        title,
        "date" if name.endswith("_on") else "text",
        editable=True,
        choices=ACTION_STATES if name == "status" else (),
    )
    for name, title in CHANGED.items()
)
COLUMNS_TO_CHANGE = (*COLUMNS[:8], *EDITABLE, *COLUMNS[8:], *CLOSE)


def action_register(subject: Subject) -> Table:
    """Every action that stands or stood a month before, to read."""
    return _table(subject, COLUMNS, "action_register", "Action register")


def actions_to_change(subject: Subject) -> Table:
    """The same with cells for what changed: owner, day, status, outcome, note; taken in by `rcm worklist import`."""
    return _table(subject, COLUMNS_TO_CHANGE, SHEET, "Actions")


def _table(subject: Subject, columns: Sequence[Shown], name: str, title: str) -> Table:
    before = {one.action.action_id: one for one in came_of(subject)}
    now = whole_register(subject)
    gone = [one for one in before.values() if one.now is None]
    rows = [_row(one, before.get(one.action_id)) for one in now] + [_row(one.action, one) for one in gone]
    client = subject.client.client
    fixed = {"as_of": pd.Timestamp(subject.as_of), "client": client}
    fixed |= {f"filled_{column}": None for column in CHANGED}
    every = [row | fixed | {"check": action_check(client, row["action_id"], subject.as_of)} for row in rows]
    frame = pd.DataFrame(every, columns=[column.column for column in columns])
    close = closed_month(subject)
    return show(
        frame,
        columns,
        name=name,
        title=title,
        print_it=False,
        definition=f"One row per action as found at the close of {close.period.title}, and those of the month before "
        "with what came of them. Every claim stands in one action, with all its dollars. What moved since is counted "
        "on the claims that stood behind the action then, by posting date. What it brought: cash on the claims worked "
        "since, after the work, less what as many dollars of claims like them (payer, denial, age) brought untouched "
        "over the same days; of a cause of denials what fewer of them are worth, beside the others; nine times out of "
        "ten within the range, and nothing where fewer than ten can be compared. US dollars and cents.",
    )


def _row(action: Action, before: CameOf | None) -> dict[str, Any]:
    moves: Mapping[str, int] = before.moves if before else {}
    brought: Mapping[str, Any] = before.brought if before else {}
    state = before.state if before else "new" if action.status == "open" else action.status
    return {
        "action_id": action.action_id,
        "service": sentence(action.service.replace("self_", "self-").replace("_", " ")),
        "what": action.text,
        "amount_cents": None if before and before.now is None else action.amount_cents,
        "basis": action.basis if action.amount_cents is not None else "",
        "owner": sentence(action.owner),
        "due": pd.Timestamp(action.due),
        "severity": action.severity,
        "is_asked": action.is_asked,
        "state": STATES[state],
        "was_cents": before.action.amount_cents if before else None,
        "was_due": pd.Timestamp(before.action.due) if before else None,
        **{name: moves.get(name) for name in MOVES},
        "verdict": sentence(before.verdict) if before and before.verdict else "",
        **{name: brought.get(name) for name in BROUGHT},
        "outcome": action.outcome,
        "remark": action.remark,
    }
