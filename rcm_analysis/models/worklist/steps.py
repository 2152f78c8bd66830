"""The next step that the last note of a claim names for a day: until when it holds the item back, and what is due then.

A step is ours (ask again on the 12th), the payer's (it will pay or answer by then) or the client's (the
documents come by then). Until its day the item waits; from that day on it stands on the list with that step.
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
"""Steps that come too late once the limit is over."""

PROMISED = {
    ("waiting_on_payer", "follow_up"): "the payer's answer",
    ("waiting_on_client", "follow_up"): "the practice's answer",
    ("waiting_on_client", "request_documents"): "the practice's answer",
}
"""Whose promise a step is, by what came of the work and what is to be done; every other step is our own."""

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
    """The step of each item whose claim's last note names one, and which nothing has taken up since.

    Counts
        `items` has client, claim_id and party. One row per claim at most: a step belongs to the patient's balance where
        it is a statement, to the next payer's where it is to bill it, else to the first payer that owes, else to the
        patient.
        Taken up: a later note (a statement only where the step is one, or where it names a step itself), a remittance
        after the day of the note, or a posting to that party after it.
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
    """The last note of each claim that counts, where it names a next step."""
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
    """The items, in their order, with their dated step: is_promised before its day, is_due from it on.

    A step that comes too late for the limit is neither.
    """
    steps = open_steps(tables, items, as_of=as_of)
    found = items.merge(steps[steps["step_on"].notna()], on=ITEM, how="left").set_axis(items.index)
    is_open = found["step_on"].notna() & ~(found["is_late"] & found["step_action"].isin(AFTER_LIMIT))
    found["step_on"] = found["step_on"].where(is_open)
    has_come = found["step_on"] <= pd.Timestamp(as_of)
    return found.assign(is_due=is_open & has_come, is_promised=is_open & ~has_come)


def due_words(row: Any) -> str:
    """What stands before the reason of an item whose step is due.

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
    """What stands after the reason of an item whose step is still to come.

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
