"""What we need from the practice, at most three things, and what came of those agreed before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from ...blocks.vocabulary import Behind, Table
from ...measures.receivable.delays import document_requests
from ...measures.receivable.time_limits import deadlines
from ...models.detection.denial_shifts import systemic_denials
from ...models.detection.process_shifts import charge_lag_creep
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, day_text, sentence, words_of
from ..incomplete import ANSWERED, advises
from ..subject import Subject
from ..tables import Shown, show
from .opportunities import FOLLOW_UP_DAYS, PREVENTION, PROCESS_DAYS, due, stages
from .work import agreed_actions, unfiled_too_late

MOST = 3
QUESTIONS = "open_questions"
CONTRACT, CHARGES = "what the contracts would have allowed, over the usual", "billed charges"
OURS = ("our coders", "our billers")
KINDS = {
    "documents": ("document", "documents"),
    "authorization": ("authorization", "authorizations"),
    "eligibility": ("insurance detail", "insurance details"),
    "credentialing": ("enrollment paper", "enrollment papers"),
    "coding": ("coding question", "coding questions"),
    "other": ("other question", "other questions"),
}
SHOWN = [
    Shown("place", "No.", "count"),
    Shown("what", "What we need from you"),
    Shown("cents", "At stake", "usd"),
    Shown("owner", "Who"),
    Shown("due", "By", "date"),
]


class Ask(NamedTuple):
    """One thing that the practice is asked for."""

    what: str
    why: str
    cents: int | None
    basis: str
    owner: str
    due: dt.date
    behind: str = ""
    """The list whose `open_cents` add up to the dollars."""


def asks(subject: Subject) -> list[Ask]:
    """What the practice is asked for, the findings first, then by dollars."""
    found = [ask for look in LOOKS for ask in look(subject)]
    return sorted(found, key=lambda ask: (ask.basis != CONTRACT, -(ask.cents or 0), ask.what))


def systemic(subject: Subject) -> list[Ask]:
    """Denials beyond the usual that the practice can prevent, each said to those it concerns."""
    out = []
    for row in systemic_denials(subject.tables, as_of=subject.as_of).to_dict("records"):
        what, owner = PREVENTION.get(stages().get(row["category"], ""), ("", ""))
        if not what or owner in OURS:
            continue
        place = row["location"] or row["provider"]
        head = f"{place}: {what[:1].lower()}{what[1:]}" if place else what
        payer = f" by {subject.payer_name(row['payer'])}" if row["payer"] else ""
        out.append(
            Ask(
                head,
                f"{sentence(words_of(row['category']))} denials{payer} went from {as_text(row['usual_rate'], 'rate')} "
                f"to {as_text(row['rate_since_onset'], 'rate')} of the lines{' there' if place else ''} since "
                f"{day_text(row['onset_on'])}",
                int(round(row["excess_cents"])),
                CONTRACT,
                f"{place} lead" if row["location"] else place or owner,
                due(subject, FOLLOW_UP_DAYS),
            )
        )
    return out


def questions(subject: Subject) -> list[Ask]:
    """What the practice was asked and has not answered, as one request."""
    if not advises(subject, ANSWERED):
        return []
    asked = _open_questions(subject)
    if asked.empty:
        return []
    kinds = asked.groupby("hold_reason").size().sort_values(ascending=False, kind="stable")
    parts = comma_list(counted(int(count), *KINDS.get(str(kind), KINDS["other"])) for kind, count in kinds.items())
    return [
        Ask(
            f"Send what {counted(asked['claim_id'].nunique(), 'claim waits', 'claims wait')} for",
            f"{sentence(parts)}; the oldest was asked for on {day_text(asked['asked_on'].min())}",
            int(asked["open_cents"].sum()),
            CHARGES,
            "practice manager",
            due(subject, FOLLOW_UP_DAYS),
            QUESTIONS,
        )
    ]


def _open_questions(subject: Subject) -> pd.DataFrame:
    asked = document_requests(subject.tables, as_of=subject.as_of)
    late = unfiled_too_late(deadlines(subject.tables, as_of=subject.as_of))
    return asked[asked["is_open"] & ~asked["claim_id"].isin(late["claim_id"])]


def late_entry(subject: Subject) -> list[Ask]:
    """Charges that are entered later than they used to be: their cash comes later."""
    return [
        Ask(
            f"{row['provider'] or row['location'] or 'The whole practice'}: enter charges sooner",
            f"From {day_text(row['onset_on'])} on it takes {as_text(row['days'], 'days')} working days, before that "
            f"{as_text(row['usual_days'], 'days')}",
            int(round(row["late_cents"])),
            CHARGES,
            "practice manager",
            due(subject, PROCESS_DAYS),
        )
        for row in charge_lag_creep(subject.tables, as_of=subject.as_of).to_dict("records")
    ]


LOOKS: tuple[Callable[[Subject], list[Ask]], ...] = (systemic, questions, late_entry)


def asks_table(subject: Subject) -> list[Block]:
    """At most three asks, with dollars, who and by when; what the dollars are stands beneath."""
    found = asks(subject)[:MOST]
    if not found:
        return [note(f"We need nothing from you: no claim was waiting for you on {subject.as_of_text}.")]
    marks = dict.fromkeys(ask.basis for ask in found)
    lines = "; ".join(
        f"{comma_list(str(place) for place, ask in enumerate(found, start=1) if ask.basis == basis)}: {basis}"
        for basis in marks
    )
    return [table_of(found, f"The findings first, then by dollars. Dollars of {lines}.")]


def table_of(
    found: Sequence[Ask], definition: str, *, name: str = "asks", title: str = "What we need from you"
) -> Table:
    """The asks as a table, numbered in their order."""
    rows = pd.DataFrame(
        [
            {
                "place": place,
                "what": f"{ask.what}. {ask.why}.",
                "cents": ask.cents,
                "owner": sentence(ask.owner),
                "due": pd.Timestamp(ask.due),
            }
            for place, ask in enumerate(found, start=1)
        ]
    )
    table = show(rows, SHOWN, name=name, title=title, definition=definition)
    linked = tuple(
        Behind(ask.behind, "open_cents", ask.cents, ask.what, (), row, "cents")
        for row, ask in enumerate(found)
        if ask.behind and ask.cents is not None
    )
    return replace(table, behind=linked)


def questions_list(subject: Subject) -> list[Block]:
    """The claims behind the questions to the practice: its own working list."""
    asked = _open_questions(subject).sort_values(["asked_on", "claim_id"], ignore_index=True)
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
    """What came of the actions agreed before this month, in one line each."""
    agreed = agreed_actions(subject)
    if agreed.empty:
        return []
    lines = [_came_of(row) for row in agreed.head(MOST).to_dict("records")]
    more = len(agreed) - len(lines)
    rest = f" {counted(more, 'more', 'more')} in the workbook, sheet Last actions." if more > 0 else ""
    return [note(f"What came of earlier asks. {' '.join(lines)}{rest}")]


def _came_of(row: dict[str, object]) -> str:
    recovered, amount = row["recovered_cents"], row["amount_cents"]
    state = {"done": "done", "overdue": "overdue", "open": "still open"}[str(row["state"])]
    came = row["outcome"] if isinstance(row["outcome"], str) and row["outcome"] else state
    back = ""
    if pd.notna(recovered) and pd.notna(amount) and recovered:
        back = f", {as_text(recovered, 'usd')} of {as_text(amount, 'usd')} back"
    return f"{row['title']}: {came}{back}."
