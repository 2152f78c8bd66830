"""What waits for the practice, a payer or us, and the documents asked for with their ages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...measures.receivable.client_flags import FIRST_TOUCH_DAYS, UPDATE_DAYS, flagged_claims
from ...measures.receivable.delays import document_requests
from ..blocks import Block, note
from ..client_review.answers import HOLDS
from ..client_review.appendix import ACTION_WORDS
from ..formats import as_text, comma_list, counted, sentence, words_of
from ..incomplete import sending_note, untold
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show
from .facts import Facts, next_steps
from .lists import DO

MOST_DOCUMENTS = 5


@page
def blockers(facts: Facts) -> list[Block]:
    """What the practice flagged, what is stuck, the documents asked for, and the next steps that somebody noted."""
    return [
        *_flagged(facts.subject),
        *_stuck(facts),
        *sending_note(facts.subject),
        *_documents(facts.subject),
        *_next_steps(facts),
    ]


def _stuck(facts: Facts) -> list[Block]:
    subject, stuck = facts.subject, facts.stuck
    if stuck.empty:
        none = f"Nothing was stuck on {subject.as_of_text}: no claim waited for the practice, a payer or us."
        return [note(untold(subject, "What waits for the practice", "work_log") or none)]
    table = stuck.groupby(["what", "who"], as_index=False).agg(
        claims=("claim_id", "nunique"), open_cents=("open_cents", "sum"), oldest=("days", "max")
    )
    table = table.sort_values(["open_cents", "what"], ascending=[False, True], ignore_index=True)
    several = len(stuck) - stuck["claim_id"].nunique()
    return [
        show(
            table,
            [
                Shown("what", "What is stuck"),
                Shown("who", "Waits for"),
                Shown("claims", "Claims", "count"),
                Shown("open_cents", "Open balance", "usd"),
                Shown("oldest", "Oldest, days", "count"),
            ],
            name="blockers",
            title="What is stuck",
            definition=f"Open claims as of {subject.as_of_text}"
            + (f"; {counted(several, 'claim stands', 'claims stand')} in two rows" if several else "")
            + "; US dollars.",
        ),
        show(
            subject.with_payer_names(
                stuck.sort_values(["what", "open_cents"], ascending=[True, False], ignore_index=True)
            ),
            [
                Shown("claim_id", "Claim"),
                Shown("payer", "Payer"),
                Shown("what", "What is stuck"),
                Shown("who", "Waits for"),
                Shown("days", "Days", "count"),
                Shown("open_cents", "Open", "usd", exact=True),
            ],
            name="stuck",
            title="What is stuck, claim by claim",
            print_it=False,
            definition=f"One row per claim and what it waits for, as of {subject.as_of_text}; US dollars.",
        ),
    ]


def _flagged(subject: Subject) -> list[Block]:
    """The progress report on the claims that the practice asked us to look after; nothing where it asked for none."""
    found = flagged_claims(subject.tables, as_of=subject.as_of)
    if found.empty:
        return []
    is_open = found["closed_on"].isna()
    rows = subject.with_payer_names(found).assign(
        stands=[_stands(row) for row in found.to_dict("records")],
        last=[ACTION_WORDS.get(action, "") if isinstance(action, str) else "" for action in found["last_action"]],
    )
    columns = [
        Shown("claim_id", "Claim"),
        Shown("payer", "Payer"),
        Shown("flagged_on", "Flagged", "date"),
        Shown("last_touch_on", "Last worked", "date"),
        Shown("last", "What was done"),
        Shown("stands", "With"),
        Shown("collected_cents", "Collected since", "usd"),
        Shown("open_cents", "Still open", "usd"),
    ]
    late, taken = int(found["is_late"].sum()), int((found["days_to_first_touch"] <= FIRST_TOUCH_DAYS).sum())
    definition = (
        f"Claims that the practice asked us to look after: {len(found)}, of which {int(is_open.sum())} are open and "
        f"{late} late; {taken} were taken up by the next "
        f"business day. With: the analyst for 5 business days, the manager up to 10, then the principal; late is not "
        f"taken up by the next business day, silent for more than {UPDATE_DAYS}, or past the day wanted. US dollars."
    )
    more = int(is_open.sum()) - MOST_DOCUMENTS
    return [
        show(
            rows[is_open.to_numpy()].head(MOST_DOCUMENTS) if is_open.any() else rows.head(MOST_DOCUMENTS),
            columns,
            name="flagged_shown",
            title="Claims that the practice flagged",
            definition=definition,
            notes=[f"{counted(more, 'more')} in the workbook, sheet flagged."] if more > 0 else [],
        ),
        show(
            rows,
            [
                *columns[:3],
                Shown("flagged_by", "By"),
                Shown("wanted_on", "Wanted by", "date"),
                Shown("first_touch_on", "Taken up", "date"),
                Shown("days_to_first_touch", "Business days to it", "count"),
                *columns[3:6],
                Shown("days_silent", "Silent, business days", "count"),
                Shown("is_late", "Late", "flag"),
                Shown("closed_on", "Answered", "date"),
                Shown("opening_cents", "Open then", "usd", exact=True),
                *(Shown(one.column, one.title, "usd", exact=True) for one in columns[6:]),
            ],
            name="flagged",
            title="Claims that the practice flagged, all of them",
            definition=definition,
            print_it=False,
        ),
    ]


def _stands(row: Mapping[str, Any]) -> str:
    """Who has a flagged claim now, or what came of it."""
    if pd.notna(row["closed_on"]):
        return f"answered: {words_of(row['outcome'])}" if isinstance(row["outcome"], str) else "answered"
    return f"{row['level']}, late" if row["is_late"] else str(row["level"])


def _documents(subject: Subject) -> list[Block]:
    asked = document_requests(subject.tables, as_of=subject.as_of)
    asked = asked[asked["is_open"]].sort_values(["open_cents", "claim_id"], ascending=[False, True], ignore_index=True)
    if asked.empty:
        return [note("No question to the practice is open.")] if subject.holds("work_log") else []
    asked["what"] = [sentence(HOLDS.get(reason, words_of(reason))) for reason in asked["hold_reason"]]
    recent, later = (asked["days_open"] <= 30).sum(), ((asked["days_open"] > 30) & (asked["days_open"] <= 90)).sum()
    ages = ((recent, "for up to 30 days"), (later, "for 31 to 90"), (len(asked) - recent - later, "for longer"))
    words = comma_list(f"{age}: {count}" for count, age in ages if count)
    columns = [
        Shown("claim_id", "Claim"),
        Shown("provider", "Provider"),
        Shown("what", "What we need"),
        Shown("asked_on", "Asked", "date"),
        Shown("days_open", "Days", "count"),
        Shown("reminders", "Reminders", "count"),
        Shown("open_cents", "Open", "usd"),
    ]
    return [
        show(
            asked.head(MOST_DOCUMENTS),
            columns,
            name="documents_shown",
            title="Documents and answers we asked the practice for",
            definition=(
                f"{counted(len(asked), 'request')}, {as_text(int(asked['open_cents'].sum()), 'usd')} of "
                f"open balances; open {words}. "
            )
            + (
                f"The {MOST_DOCUMENTS} largest; all are in the workbook (documents)."
                if len(asked) > MOST_DOCUMENTS
                else "All of them:"
            ),
        ),
        show(
            asked,
            columns,
            name="documents",
            title="Documents and answers we asked the practice for, all of them",
            print_it=False,
            definition=f"Every request not answered on {subject.as_of_text}; by the day of the first note; US dollars.",
        ),
    ]


def _next_steps(facts: Facts) -> list[Block]:
    """Next steps that somebody noted, for the workbook."""
    steps = next_steps(facts.subject, facts.items)
    if steps.empty:
        return []
    return [
        show(
            steps,
            [
                Shown("claim_id", "Claim"),
                Shown("next_action", "Next action", texts=DO),
                Shown("next_on", "Next on", "date"),
                Shown("is_late", "Day is past", "flag"),
                Shown("worked_by", "Noted by"),
                Shown("worked_on", "Noted on", "date"),
                Shown("open_cents", "Open", "usd", exact=True),
            ],
            name="next_steps",
            title="Next steps noted on open claims",
            print_it=False,
            definition=(
                "The last note of each open claim, where it names a next step; as of "
                f"{facts.subject.as_of_text}; US dollars."
            ),
        )
    ]
