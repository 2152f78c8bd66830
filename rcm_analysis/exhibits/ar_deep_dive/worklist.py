"""The top of the worklist, and as much of it as people work off for the workbook."""

from __future__ import annotations

import re

import pandas as pd

from ...models.worklist.ranking import to_do
from ..ar_weekly_review.worklist_file import FIRST_ITEMS, WORTH, more_than, with_worth, worklist_table
from ..blocks import Block, note
from ..formats import as_text, counted
from ..pages import page
from ..tables import Shown, show
from .facts import Facts

PRINTED = 20
TO_DO = {
    "follow_up": "Ask the payer",
    "corrected_claim": "Correct and resend",
    "appeal": "Appeal",
    "resubmit": "Send again",
    "bill_secondary": "Bill the second insurer",
    "request_documents": "Ask for documents",
    "transfer_to_patient": "Move to the patient",
    "write_off_request": "Propose the write-off",
    "statement": "Send a statement",
    "other": "Other",
}

DEFINITION = (
    "Deadlines within 14 days first, then by the dollars that a minute of work adds. Adds: what the item is expected "
    "to bring if it is worked now, less what would come anyway; US dollars."
)
BRIEF = [
    Shown("rank", "No.", "count"),
    Shown("claim_id", "Claim"),
    Shown("brief", "What to do, with whom, and why"),
    Shown("open_cents", "Open", "usd"),
    Shown("adds_cents", "Adds", "usd"),
    Shown("minutes", "Minutes", "count"),
]
OPEN_ITEMS = [
    Shown("rank", "No.", "count"),
    Shown("claim_id", "Claim"),
    Shown("payer", "Payer"),
    Shown("open_cents", "Open", "usd"),
    Shown("adds_cents", "Work adds", "usd"),
    Shown("minutes", "Minutes", "count"),
    Shown("what", "What to do"),
    Shown("reason", "Why"),
    Shown("party", "Owed by"),
    Shown("tier", "Tier"),
    Shown("status", "Stands"),
    Shown("age_days", "Age (days)", "count"),
    *WORTH[:2],
    Shown("deadline_on", "Limit", "date"),
    Shown("suppressed_until", "Not before", "date"),
]


@page
def worklist(facts: Facts) -> list[Block]:
    """The twenty items with the most dollars a minute, deadlines first."""
    items = facts.worklist
    ready = to_do(items)
    if ready.empty:
        return [note(f"No open item could be worked on {facts.subject.as_of_text}.")]
    top, first = _worded(facts, ready.head(PRINTED)), items.head(FIRST_ITEMS)
    which = "Every open item" if len(first) == len(items) else "Open items"
    return [
        note(_sentence(items, ready)),
        show(
            _brief(top),
            BRIEF,
            name="worklist_top",
            title=f"The first {len(top)} items, as of {facts.subject.as_of_text}",
            definition=DEFINITION,
        ),
        show(
            _worded(facts, first),
            OPEN_ITEMS,
            name="open_items",
            title=f"{which}, as of {facts.subject.as_of_text}",
            definition=DEFINITION,
            notes=[more_than(len(first), len(items))],
            print_it=False,
        ),
        worklist_table(
            items,
            as_of=facts.as_of,
            payer_names=dict(facts.subject.payers[["payer", "name"]].to_numpy().tolist()),
            title="The worklist, to be filled in",
            days=0,
        ),
    ]


def _worded(facts: Facts, items: pd.DataFrame) -> pd.DataFrame:
    rows = facts.names(with_worth(items), "payer")
    return rows.assign(
        what=[TO_DO.get(action, action) for action in rows["action"]],
        status=rows["status"].astype(str).str.replace("_", " "),
        adds_cents=rows["recoverable_cents"].astype("float64").round().astype("Int64"),
    )


def _brief(rows: pd.DataFrame) -> pd.DataFrame:
    """What to do with whom on one line, why on the next; a limit is named where it is near."""
    texts = []
    for row in rows.to_dict("records"):
        why = (
            row["reason"]
            if row["tier"] == "deadline"
            else re.sub(r"[^.;]*\bby \d{4}-\d\d-\d\d \([^)]*\)\.$", "", row["reason"]).strip()
        )
        why = re.sub(r"\d{4}-\d\d-\d\d", lambda day: as_text(day[0], "date"), why)
        texts.append(f"{row['what']}: {row['payer']}\n{why}")
    return rows.assign(brief=texts)


def _sentence(items: pd.DataFrame, ready: pd.DataFrame) -> str:
    waiting, small = items[items["tier"] == "waiting"], items[items["tier"] == "small"]
    hours = max(int(ready["minutes"].sum()) // 60, 1)
    listed = "The whole list is" if len(ready) <= FIRST_ITEMS else f"The first {FIRST_ITEMS} are"
    return (
        f"{counted(len(ready), 'item')} can be worked now, for about {counted(hours, 'hour')}; together that "
        "should add about "
        f"{as_text(int(ready['recoverable_cents'].sum()), 'usd')} in cash. {listed} in the workbook as "
        f"a sheet to fill in (Worklist). {counted(len(waiting), 'item waits', 'items wait')} for a payer or a "
        f"promised day and {counted(len(small), 'balance is', 'balances are')} too small to be called."
    )
