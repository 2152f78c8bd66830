"""Next steps: the last note on a claim may say what is to happen next, and on which day.

The step is our own (we ask again on the 12th), the payer's (it promised to pay or answer by the 12th) or the client's
(it promised the documents by the 12th). Before that day the worklist leaves the item out of the queues. From that day
on it lists the item, with the step as the action to take.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...tables.frames import source
from .items import ITEM, KEY, PATIENT, read

STEP = ["step_action", "step_on", "step_outcome", "step_noted_on", "step_noted_by"]
PARTIES = ("primary", "secondary", "tertiary", PATIENT)
AFTER_LIMIT = ("appeal", "corrected_claim", "resubmit", "bill_secondary")
"""Steps that are of no use once the filing or appeal limit is over."""

PROMISED = {
    ("waiting_on_payer", "follow_up"): "the payer's answer",
    ("waiting_on_client", "follow_up"): "the practice's answer",
    ("waiting_on_client", "request_documents"): "the practice's answer",
}
"""The steps that somebody else promised us, by the outcome and the next action of the note: in words, whose answer is
due. Every other step is our own."""

STEP_WORDS = {
    "follow_up": "ask again",
    "corrected_claim": "send the corrected claim",
    "appeal": "appeal",
    "resubmit": "send it again",
    "bill_secondary": "bill the next payer",
    "request_documents": "ask for the documents",
    "transfer_to_patient": "move it to the patient",
    "write_off_request": "propose the write-off",
    "statement": "send a statement",
    "other": "do what was noted",
}


def open_steps(tables: Mapping[str, Any], items: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """The steps that are still open: what the last note on a claim says is to be done next, and nobody has done yet.

    Counts
        `items` has client, claim_id and party. Each claim has one open step at most. It is given to one item of the
        claim: a statement to the patient's; "bill the next payer" to that payer's; any other step to the item of the
        first payer that still owes or, where no payer owes, to the patient's.
        A step is no longer open once one of these came after the note: another note, a remittance for the claim, or a
        posting to that party. A note that merely says a statement was sent ends a step only if the step was that
        statement, or if the note names a new step.
    Shape
        client, claim_id, party, step_action, step_on (empty where the note names no day), step_outcome, step_noted_on,
        step_noted_by
    """
    last = _last_steps(tables, as_of)
    mine = _of_party(items[ITEM].drop_duplicates().merge(last, on=KEY))
    answers = source(tables, "remit_claims", [*KEY, "received_on"]).filter(nw.col("received_on") <= as_of)
    posted = source(tables, "transactions", [*ITEM, "posted_on"]).filter(nw.col("posted_on") <= as_of)
    known = mine.merge(read(answers.group_by(*KEY).agg(nw.col("received_on").max())), on=KEY, how="left")
    known = known.merge(read(posted.group_by(*ITEM).agg(nw.col("posted_on").max())), on=ITEM, how="left")
    is_taken_up = (known["received_on"] > known["step_noted_on"]) | (known["posted_on"] > known["step_noted_on"])
    return known.loc[~is_taken_up, [*ITEM, *STEP]].reset_index(drop=True)


def _last_steps(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The last note of each claim, where it names a next step; notes of statements without a next step are passed
    over."""
    columns = ["note_id", "worked_on", "entered_on", "worked_by", "action", "outcome", "next_action", "next_on"]
    notes = read(source(tables, "work_log", [*KEY, *columns]).filter(nw.col("entered_on") <= as_of))
    notes = notes.sort_values(["worked_on", "entered_on", "note_id"], ignore_index=True)
    names_none = notes["next_action"].isna()
    last = notes[~((notes["action"] == "statement") & names_none)].drop_duplicates(KEY, keep="last")
    last = last[last["next_action"].notna()]
    stated = notes[notes["action"] == "statement"].groupby(KEY)["worked_on"].max().rename("stated_on").reset_index()
    last = last.merge(stated, on=KEY, how="left")
    last = last[~((last["next_action"] == "statement") & (last["stated_on"] > last["worked_on"]))]
    names = dict(zip(["next_action", "next_on", "outcome", "worked_on", "worked_by"], STEP, strict=True))
    return last.rename(columns=names)[[*KEY, *STEP]]


def _of_party(rows: pd.DataFrame) -> pd.DataFrame:
    place = rows["party"].map({name: number for number, name in enumerate(PARTIES)}).fillna(len(PARTIES))
    is_next = rows["step_action"].eq("bill_secondary") & rows["party"].isin(("secondary", "tertiary"))
    fits = ~rows["step_action"].eq("statement") | rows["party"].eq(PATIENT)
    rows = rows.assign(place=place.where(~is_next, -1))[fits].sort_values([*KEY, "place"])
    return rows.drop_duplicates(KEY).drop(columns="place")


def with_steps(items: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The items in the order given, each with its open step where that has a day.

    `is_promised` says that the day is still to come, `is_due` that it has come. Both are false where the item has no
    such step, or where its limit is over and the step would be of no use any more.
    """
    steps = open_steps(tables, items, as_of=as_of)
    found = items.merge(steps[steps["step_on"].notna()], on=ITEM, how="left").set_axis(items.index)
    is_open = found["step_on"].notna() & ~(found["is_late"] & found["step_action"].isin(AFTER_LIMIT))
    found["step_on"] = found["step_on"].where(is_open)
    has_come = found["step_on"] <= pd.Timestamp(as_of)
    return found.assign(is_due=is_open & has_come, is_promised=is_open & ~has_come)


def due_words(row: Any) -> str:
    """The words put before the reason of an item whose step is due.

    >>> from types import SimpleNamespace
    >>> due_words(
    ...     SimpleNamespace(
    ...         step_on=pd.Timestamp("2026-11-12"), step_outcome="waiting_on_payer", step_action="follow_up"
    ...     )
    ... )
    "Due since 2026-11-12 (the payer's answer was promised): ask again. "
    """
    promised = PROMISED.get((row.step_outcome, row.step_action))
    whose = f"{promised} was promised" if promised else "our next step"
    return f"Due since {row.step_on:%Y-%m-%d} ({whose}): {STEP_WORDS[row.step_action]}. "


def promised_words(row: Any) -> str:
    """The words put after the reason of an item whose step is still to come.

    >>> from types import SimpleNamespace
    >>> promised_words(
    ...     SimpleNamespace(
    ...         step_on=pd.Timestamp("2026-11-12"), step_outcome="none", step_action="appeal", suppressed_until=pd.NaT
    ...     )
    ... )
    ' Our next step (appeal) is promised for 2026-11-12; the limit does not wait for it.'
    """
    promised = PROMISED.get((row.step_outcome, row.step_action)) or f"our next step ({STEP_WORDS[row.step_action]})"
    words = f" {promised[0].upper()}{promised[1:]} is promised for {row.step_on:%Y-%m-%d}"
    return words + (
        "; the limit does not wait for it."
        if pd.isna(row.suppressed_until)
        else f": nothing to do before {row.suppressed_until:%Y-%m-%d}."
    )
