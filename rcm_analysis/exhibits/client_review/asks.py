"""What we need from the practice, at most three things, and what came of those of the month before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Behind, Table
from ...measures.receivable.delays import document_requests
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, day_text, is_empty, sentence, words_of
from ..incomplete import untold
from ..register.action import CLAIMS, CONTRACT, RANK, Action
from ..register.months import CameOf, came_of, closed_month, register
from ..subject import Subject
from ..tables import Shown, show
from .work import agreed_actions

MOST = 3
QUESTIONS, ASKED = "open_questions", "asked_claims"


def asks(subject: Subject) -> list[Action]:
    """What the practice is asked for, the findings first, then the gravest and largest."""
    return asked_of(register(subject, CLAIMS))


def _nothing_else(subject: Subject) -> str:
    """What is said where no action is asked: what is missing between the records, or nothing."""
    unknown = untold(subject, "Whether a claim waits for you", "work_log")
    if subject.relations["is_doubtful"].any():
        return f"We need from you the records that are named above as missing. {unknown}".rstrip()
    if unknown:
        return f"We ask nothing of you this month. {unknown}"
    return f"We need nothing from you: no claim was waiting for you on {subject.as_of_text}."


def asked_of(actions: Sequence[Action]) -> list[Action]:
    """The actions that the practice is asked for, in the order in which a page names them."""
    asked = [one for one in actions if one.is_asked]
    return sorted(asked, key=lambda one: (one.basis != CONTRACT, RANK[one.severity], -(one.amount_cents or 0)))


def asks_table(subject: Subject) -> list[Block]:
    """At most three asks, with dollars, who and by when; what the dollars are stands beneath, the claims behind."""
    found = asks(subject)[:MOST]
    if not found:
        return [note(_nothing_else(subject))]
    before = closed_month(subject).period.shift(-1).last_day
    since = Shown("since", f"Paid since {before:%b} {before.day}"), _since_last_month(subject)
    known = {ask.action_id for ask in found} & since[1].keys()
    table = table_of(found, what_dollars_are(found) or "The most urgent first.", since=since if known else None)
    claims = _claims_asked_about(subject, found)
    linked = tuple(
        Behind(ASKED, "cents", ask.amount_cents or 0, ask.title, (f"ask={place + 1}",), place, "cents")
        for place, ask in enumerate(found)
        if ask.claims
    )
    return [replace(table, behind=linked), *claims]


def what_dollars_are(found: Sequence[Action]) -> str:
    """What the dollars of each ask are, by its number in the table; nothing without any dollars."""
    places: dict[str, list[str]] = {}
    for place, ask in enumerate(found, start=1):
        if ask.amount_cents is not None:
            places.setdefault(ask.basis, []).append(str(place))
    if not places:
        return ""
    return f"Dollars of {'; '.join(f'{comma_list(numbers)}: {basis}' for basis, numbers in places.items())}."


def _claims_asked_about(subject: Subject, found: Sequence[Action]) -> list[Block]:
    """The claims behind the asks, each with the dollars that it adds to its ask."""
    rows = pd.DataFrame(
        [(str(place), claim, cents) for place, ask in enumerate(found, start=1) for claim, cents in ask.claims.items()],
        columns=["ask", "claim_id", "cents"],
    )
    if rows.empty:
        return []
    claims = closed_month(subject).pandas("claims")[["claim_id", "service_on", "payer", "provider", "location"]]
    rows = subject.with_payer_names(rows.merge(claims, on="claim_id", how="left").fillna({"payer": ""}))
    return [
        show(
            rows.sort_values(["ask", "cents", "claim_id"], ascending=[True, False, True], ignore_index=True),
            [
                Shown("ask", "Ask no."),
                Shown("claim_id", "Claim"),
                Shown("service_on", "Service", "date"),
                Shown("payer", "Payer"),
                Shown("provider", "Provider"),
                Shown("location", "Location"),
                Shown("cents", "At stake", "usd", exact=True),
            ],
            name=ASKED,
            title="Claims behind what we need from you",
            print_it=False,
            definition="One row per claim and ask, by the number of the ask; each claim stands in one ask. US dollars "
            "and cents.",
        )
    ]


def _since_last_month(subject: Subject) -> dict[str, str]:
    """Of each ask of the month before what came in on its claims since, in a few words."""
    return {one.action.action_id: _moved(one) or "asked before" for one in came_of(subject)}


def _moved(one: CameOf) -> str:
    owed, came = one.moves.get("opening_cents", 0), one.moves.get("collected_cents", 0)
    return f"{as_text(came, 'usd')} of {as_text(owed, 'usd')}" if owed else ""


def table_of(
    found: Sequence[Action],
    definition: str,
    *,
    name: str = "asks",
    title: str = "What we need from you",
    since: tuple[Shown, Mapping[str, str]] | None = None,
) -> Table:
    """The asks as a table, numbered in their order; `since`: the column that says by name what came of those of the
    month before."""
    rows = pd.DataFrame(
        [
            {
                "place": place,
                "what": ask.text,
                "cents": ask.amount_cents,
                "owner": sentence(ask.owner),
                "due": pd.Timestamp(ask.due),
                "since": (since[1] if since else {}).get(ask.action_id, "new"),
            }
            for place, ask in enumerate(found, start=1)
        ]
    )
    has_dollars = any(ask.amount_cents is not None for ask in found)
    shown = [
        Shown("place", "No.", "count"),
        Shown("what", "What, and why"),
        *([Shown("cents", "At stake", "usd")] if has_dollars else []),
        Shown("owner", "Who"),
        Shown("due", "By", "date"),
        *([since[0]] if since else []),
    ]
    return show(rows, shown, name=name, title=title, definition=definition)


def questions_list(subject: Subject) -> list[Block]:
    """The claims behind the questions to the practice: its own working list."""
    asked = document_requests(subject.tables, as_of=subject.as_of)
    asked = asked[asked["is_open"]].sort_values(["asked_on", "claim_id"], ignore_index=True)
    if asked.empty:
        return []
    rows = subject.with_payer_names(asked)
    rows["hold_reason"] = [sentence(words_of(reason)) for reason in rows["hold_reason"]]
    return [
        show(
            pd.DataFrame(rows),
            [
                Shown("claim_id", "Claim"),
                Shown("service_on", "Service", "date"),
                Shown("payer", "Payer"),
                Shown("provider", "Provider"),
                Shown("location", "Location"),
                Shown("hold_reason", "We need"),
                Shown("asked_on", "Asked on", "date"),
                Shown("open_cents", "Open", "usd", exact=True),
            ],
            name=QUESTIONS,
            title="Claims that wait for an answer of yours",
            print_it=False,
            definition="One row per question that has no answer, the oldest first; what is owed on the claim; US "
            "dollars and cents.",
        )
    ]


def followed_up(subject: Subject) -> list[Block]:
    """What came of the asks of the month before that are asked no more, and how the agreed actions stand."""
    before = came_of(subject)
    again = {one.action_id for one in asks(subject)[:MOST]}
    mine = [one.action for one in before if one.action.service == CLAIMS]
    asked = [ask for ask in asked_of(mine)[:MOST] if ask.action_id not in again]
    lines = [_came_of(one) for ask in asked for one in before if one.action is ask]
    agreed = agreed_actions(subject)
    lines += [_agreed(row) for row in agreed.head(MOST).to_dict("records")]
    if len(agreed) > MOST:
        lines.append(f"{sentence(counted(len(agreed) - MOST, 'more agreed action'))} in the workbook.")
    return [note(f"What came of earlier asks. {' '.join(lines)}")] if lines else []


STATES = {"done": "done", "dropped": "dropped", "gone": "settled", "open": "still open"}


def _agreed(row: Mapping[str, Any]) -> str:
    """An action agreed with the practice: its outcome in the words in which it was reported, and what it brought."""
    by = day_text(row["due_on"])
    states = {"overdue": f"not done by {by}", "open": f"due on {by}", "done": "done"}
    state = states[row["state"]] if is_empty(row["outcome"]) else row["outcome"]
    brought = row["recovered_cents"]
    back = f", {as_text(brought, 'usd')} back" if not is_empty(brought) and brought > 0 else ""
    return f"{row['title'].rstrip('.')}: {state}{back}."


def _came_of(one: CameOf) -> str:
    """An ask of the month before: where it stands, and what happened to the dollars owed on its claims."""
    state = f"not done by {day_text(one.action.due)}" if one.state == "overdue" else STATES[one.state]
    if one.now and one.now.outcome:
        state = one.now.outcome
    moved = _moved(one)
    return f"{one.action.title}: {state}{moved and f', {moved} came in'}{one.verdict and f'; {one.verdict}'}."
