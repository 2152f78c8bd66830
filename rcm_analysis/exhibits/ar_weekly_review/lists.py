"""Page two of the weekly review: who works what in the coming week, and what came of the last list."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pandas as pd

from ...measures.receivable.audit_trail import list_results, work_results
from ...models.worklist.items import LEFT_OUT
from ...models.worklist.ranking import to_do, worklist
from ..blocks import Block, note, pagebreak
from ..client_review.appendix import ACTION_WORDS
from ..formats import as_text, comma_list, counted, words_of
from ..incomplete import untold
from ..pages import page
from ..register.action import workday
from ..register.sheet import actions_to_change
from ..subject import Subject
from ..tables import Shown, show, with_total
from .facts import Facts, people_at, plain_days
from .worklist_file import worklist_table

WORKING_DAYS = 5

LINES, MOST_EACH = 27, 12
"""Lines of page two that the people share: each needs one in two other tables."""

DO = {
    "follow_up": "Ask the payer",
    "corrected_claim": "Correct and resend",
    "appeal": "Appeal",
    "resubmit": "Send again",
    "bill_secondary": "Bill second insurer",
    "request_documents": "Ask the practice",
    "transfer_to_patient": "Bill the patient",
    "write_off_request": "Propose write-off",
    "statement": "Send statement",
    "other": "Other",
}


@page
def coming_week(facts: Facts) -> list[Block]:
    """The first items of each person, the week of each in one line, and all of it in the workbook."""
    subject, items = facts.subject, facts.items
    week = _of_first_days(items)
    left_out = _left_out(facts)
    if to_do(items).empty:
        return [pagebreak(), *left_out, note(f"Nothing was to be worked on {subject.as_of_text}.")]
    if week.empty:
        return [
            pagebreak(),
            *left_out,
            note(
                "Nobody noted work for this client in the past four weeks, so the list is not split among "
                "people. It is in the workbook (Worklist)."
            ),
        ]
    week = subject.with_payer_names(week).replace({"payer": {"patient": "Patient"}})
    week = week.assign(
        on=[pd.Timestamp(workday(subject.as_of, int(day))) for day in week["queue_day"]],
        do=[_to_do(row) for row in week.itertuples()],
    )
    people = week["assigned_to"].nunique()
    each = min(max((LINES - 2 * people) // people, 1), MOST_EACH)
    shown = week.groupby("assigned_to", sort=True).head(each).sort_values(["assigned_to", "rank"], ignore_index=True)
    columns = [
        Shown("assigned_to", "Who"),
        Shown("on", "Day", "date"),
        Shown("claim_id", "Claim"),
        Shown("payer", "Payer"),
        Shown("do", "What to do"),
        Shown("reason", "Why"),
        Shown("recoverable_cents", "Work adds", "usd"),
    ]
    return [
        pagebreak(),
        *left_out,
        *_per_person(subject, week, items),
        show(
            shown.assign(
                reason=[plain_days(short_reason(why), subject.as_of) for why in shown["reason"]],
                on=[f"{day:%a %b} {day.day}" for day in shown["on"]],
            ),
            [Shown(item.column, item.title) if item.column == "on" else item for item in columns],
            name="list_shown",
            title="First on each list",
            definition=(
                f"Up to {counted(each, 'item')} of each person, in order; 'work adds' is the cash "
                "expected beyond what would come by itself; US dollars."
            ),
        ),
        show(
            week.sort_values(["assigned_to", "rank"], ignore_index=True),
            [*columns, Shown("minutes", "Minutes", "number"), Shown("open_cents", "Open", "usd", exact=True)],
            name="coming_week",
            title="The lists of the coming week",
            print_it=False,
            definition=f"Items given to each person for the five working days after {subject.as_of_text}; US dollars.",
        ),
    ]


def _left_out(facts: Facts) -> list[Block]:
    """The balances that are no work: what is wrong with their records, and where they are listed."""
    notes: list[Block] = []
    for name, rows in facts.phantoms.groupby("why"):
        which, why, lists = LEFT_OUT[str(name)]
        cents = as_text(int(rows["balance_cents"].sum()), "usd")
        words = f"{counted(len(rows), 'balance')} ({cents}) {which} are on no list: {why} (rcm check --list {lists})."
        notes.append(note(words, tone="warning"))
    return notes


def _per_person(subject: Subject, week: pd.DataFrame, items: pd.DataFrame) -> list[Block]:
    rows = week.assign(items=1, limits=(week["tier"] == "deadline").astype(int), first=week["do"])
    table = rows.groupby("assigned_to", as_index=False).agg(
        items=("items", "sum"),
        limits=("limits", "sum"),
        minutes=("minutes", "sum"),
        recoverable_cents=("recoverable_cents", "sum"),
        open_cents=("open_cents", "sum"),
    )
    total, emphasis = with_total(
        table, "assigned_to", ["items", "limits", "minutes", "recoverable_cents", "open_cents"]
    )
    left = len(to_do(items)) - len(week)
    return [
        show(
            total,
            [
                Shown("assigned_to", "Who"),
                Shown("items", "Items", "count"),
                Shown("limits", "Near a limit", "count"),
                Shown("minutes", "Minutes", "count"),
                Shown("recoverable_cents", "Work adds", "usd"),
                Shown("open_cents", "Open", "usd"),
            ],
            name="people",
            title=f"The week from {as_text(workday(subject.as_of, 0), 'date')}, by person",
            emphasis=emphasis,
            definition="Split by the minutes each noted on an average working day of the past four weeks.",
            notes=[f"{counted(left, 'item waits', 'items wait')} for a later week."] if left > 0 else [],
        )
    ]


def _to_do(row: Any) -> str:
    is_call = row.party == "patient" and row.action == "follow_up"
    return "Call the patient" if is_call else DO.get(row.action, "Other")


def short_reason(text: str) -> str:
    """What is known of an item, without what follows from it: that stands in its own column.

    >>> short_reason(
    ...     "Sent 20 days ago without an answer, longer than this payer usually takes (9 days): ask whether it is on file."
    ... )
    'Sent 20 days ago without an answer'
    >>> short_reason(
    ...     "Rejected by the payer on 2026-10-09: subscriber not found; the payer does not have it. Mend and send it."
    ... )
    'Rejected by the payer on 2026-10-09: subscriber not found'
    """  # noqa: E501
    return re.split(r"\. |; |, longer than |: (?=ask|press|send|find|call|check|a second)", text)[0].rstrip(".")


def _of_first_days(items: pd.DataFrame) -> pd.DataFrame:
    if items.empty:
        return items
    return items[items["queue_day"].notna() & (items["queue_day"].fillna(WORKING_DAYS) < WORKING_DAYS)].reset_index(
        drop=True
    )


@page
def last_week(facts: Facts) -> list[Block]:
    """The list as it stood a week ago, by person: worked or not, and the money since."""
    subject, week = facts.subject, facts.week
    unknown = untold(subject, "What came of the last list", "work_log")
    if unknown:
        return [note(unknown)]
    listed_on = week.first_day - dt.timedelta(days=1)
    items = _of_first_days(worklist(subject.tables, as_of=listed_on, people=people_at(subject, listed_on)))
    done = work_results(subject.tables, period=week, by=[]).iloc[0]
    words = (
        f"In the week {counted(int(done['notes']), 'note')} on {counted(int(done['claims']), 'claim')} were written; "
        f"{as_text(int(done['recovered_cents']), 'usd')} came in on claims worked within the 60 days before."
    )
    if items.empty:
        return [note(f"There was no list for {as_text(week.first_day, 'date')}. {words}")]
    columns = ["client", "claim_id", "party", "payer", "action", "assigned_to", "open_cents"]
    found = list_results(
        subject.tables, last_list=items[columns].assign(listed_on=pd.Timestamp(listed_on)), as_of=subject.as_of
    )
    found = found.assign(
        items=1,
        worked=found["is_worked"].astype(int),
        other_cents=found["opening_cents"] - found["collected_cents"] - found["open_cents"],
    )
    sums = ["items", "worked", "opening_cents", "collected_cents", "other_cents", "open_cents"]
    table, emphasis = with_total(found.groupby("assigned_to", as_index=False)[sums].sum(), "assigned_to", sums)
    table["share"] = [
        worked / many if many else None for worked, many in zip(table["worked"], table["items"], strict=True)
    ]
    outcomes = found.loc[found["is_worked"], "outcome"].replace("", "none").value_counts()
    noted = comma_list(f"{count} {words_of(name)}" for name, count in outcomes.items() if name != "none")
    return [
        show(
            table,
            [
                Shown("assigned_to", "Who"),
                Shown("items", "On the list", "count"),
                Shown("worked", "Worked", "count"),
                Shown("share", "Share", "rate"),
                Shown("opening_cents", "Open then", "usd"),
                Shown("collected_cents", "Collected", "usd"),
                Shown("other_cents", "Otherwise settled", "usd"),
                Shown("open_cents", "Still open", "usd"),
            ],
            name="last_list",
            title=f"What came of the list of {as_text(listed_on, 'date')}",
            emphasis=emphasis,
            definition="The list as it stood then, made from what was known then; worked: a note since. Money "
            "by posting date; open then = collected + otherwise settled "
            "(adjusted, written off, passed on, less new charges) + still open; US dollars.",
            notes=[f"Outcomes noted: {noted}. {words}" if noted else words],
        ),
        _last_items(subject, found),
    ]


def _last_items(subject: Subject, found: pd.DataFrame) -> Block:
    return show(
        subject.with_payer_names(found),
        [
            Shown("assigned_to", "Given to"),
            Shown("claim_id", "Claim"),
            Shown("payer", "Payer"),
            Shown("action_listed", "What was to do", texts=DO),
            Shown("is_worked", "Worked", "flag"),
            Shown("worked_on", "On", "date"),
            Shown("worked_by", "By"),
            Shown("action", "What was done", texts=ACTION_WORDS),
            Shown("outcome", "Outcome"),
            Shown("opening_cents", "Open then", "usd", exact=True),
            Shown("collected_cents", "Collected", "usd", exact=True),
            Shown("other_cents", "Otherwise settled", "usd", exact=True),
            Shown("open_cents", "Still open", "usd", exact=True),
        ],
        name="last_list_items",
        title="The last list, item by item",
        print_it=False,
        definition="As 'What came of the list'; the last note since then; US dollars.",
    )


@page
def working_file(facts: Facts) -> list[Block]:
    """The items that can be worked in the coming week, best first, with cells to fill in; in the workbook only."""
    subject, items = facts.subject, facts.items
    names = dict(zip(subject.payers["payer"], subject.payers["name"], strict=True))
    worklist = worklist_table(items, as_of=subject.as_of, payer_names=names, title="The worklist", days=WORKING_DAYS)
    return [worklist, actions_to_change(subject)]
