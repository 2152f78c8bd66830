"""What open items bring although nobody works them, from the client's own history.

The worklist credits work only with the money that would not have come anyway. So for each thing that an item can be
waiting for (to be sent, to be released, to be posted, to be answered) we look at the client's earlier items that had
waited as many days: how many of them were settled later without anybody's work, and how many never were. Unanswered
claims are counted in two groups, because they behave differently: those that somebody has already asked the payer
about, and those of the same age that nobody has asked about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.adjudications import DENIED
from ...tables.frames import source
from .chances import IncidenceCurves, answer_group, answer_rows
from .items import ITEM, KEY, LOST, PATIENT, REWORK, WON, Decisions, read
from .settings import WorklistSettings

HELD, UNHELD, ANY = "held", "not held", ""
FOLLOWED_UP = "written_off"
"""Curves have three ends (paid, denied, written off). The curves below use the third for a claim that leaves its group:
it was followed up, or put on hold."""


class Answers:
    """How payers answer claims that nobody has asked about yet, and claims that somebody has followed up.

    Two curves are read from the client's history. The first follows a claim from the day it was sent until the payer
    answers, or until somebody asks about it: asking ends the first curve. The second starts on the day of that first
    follow-up and ends with the answer. A claim that nobody has asked about may be paid on the first curve. Or it is
    asked about later, as often as this client usually does, and is then paid on the second.

    Formula
        not asked about, open for `age` days:
        paid later = (paid by the end - paid by age + asked about after age x paid on the second curve) / open at age
        never answered: the same, with unanswered in place of paid
        asked about: the shares of the second curve, from the day of the first follow-up since the claim was sent
    Counts
        Claims of `answer_curves`. A follow-up is a note "follow_up" after the claim was sent and before its answer.
    """

    def __init__(
        self, tables: Mapping[str, Any], history: Decisions, *, as_of: dt.date, settings: WorklistSettings
    ) -> None:
        rows = answer_rows(tables, history, as_of=as_of, settings=settings)
        asked = history.notes.loc[history.notes["action"] == "follow_up", [*KEY, "worked_on"]]
        rows = _first_after(rows, asked, "start_on", "asked_on")
        rows = rows.assign(
            asked_on=rows["asked_on"].where((rows["party"] == "primary") & ~(rows["asked_on"] >= rows["received_on"]))
        )
        gone = rows["asked_on"].notna()
        alone = rows.assign(
            end=rows["end"].where(~gone, FOLLOWED_UP),
            days=_days(rows["start_on"], rows["asked_on"]).fillna(rows["days"]),
        )
        waited = rows["days"] - _days(rows["start_on"], rows["asked_on"])
        after = rows.assign(days=waited, stream=ANY)[gone]
        self.alone, self.asked = IncidenceCurves(alone), IncidenceCurves(after)
        self._notes = asked

    def given_open(self, items: pd.DataFrame, today: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
        """Two shares for each item: of the client's earlier items that had been open for as many days, and asked about
        or not as this one is, how many were paid later without work, and how many were never answered."""
        found = _first_after(items[[*ITEM, "waits_since"]], self._notes, "waits_since", "asked_on")[
            "asked_on"
        ].set_axis(items.index)
        was_asked = (found.notna() & (items["party"] == "primary")).to_numpy()
        group, none = answer_group(items), pd.Series(ANY, index=items.index)
        paid, never, later = self.alone.given_open_and_left(group, items["waited"])
        new_paid, new_never = self.asked.given_open(none, pd.Series(0, index=items.index))
        old_paid, old_never = self.asked.given_open(none, _days(found, today).fillna(0).clip(lower=0))
        return np.where(was_asked, old_paid, paid + later * new_paid), np.where(
            was_asked, old_never, never + later * new_never
        )


def sending_curves(
    tables: Mapping[str, Any], history: Decisions, *, as_of: dt.date, settings: WorklistSettings
) -> IncidenceCurves:
    """How long claims wait until they are first sent: counted from charge entry (stream `UNHELD`) and, for claims put
    on hold, from the first hold (stream `HELD`).

    Counts
        Claims of insured patients entered within `history_days`. A claim that was never sent counts as still open at
        its age. A claim that is put on hold leaves the first stream on that day and enters the second.
    """
    claims = source(tables, "claims", [*KEY, "payer", "entered_on"]).filter(
        nw.col("entered_on") <= as_of,
        nw.col("entered_on") > as_of - dt.timedelta(days=settings.history_days),
        nw.col("payer") != "self_pay",
    )
    sent = source(tables, "submissions", [*KEY, "submitted_on"]).filter(nw.col("submitted_on") <= as_of)
    first = sent.group_by(*KEY).agg(nw.col("submitted_on").min().alias("sent_on"))
    rows = read(claims.join(first, on=KEY, how="left")).merge(first_holds(history), on=KEY, how="left")
    today = pd.Timestamp(as_of)
    rows["held_on"] = rows["held_on"].where(~(rows["held_on"] >= rows["sent_on"]))
    end = np.where(rows["sent_on"].notna(), "paid", "open")
    until = rows["sent_on"].fillna(today)
    free = rows.assign(
        end=np.where(rows["held_on"].notna(), FOLLOWED_UP, end),
        days=_days(rows["entered_on"], rows["held_on"].fillna(until)),
        stream=UNHELD,
    )
    held = rows.assign(end=end, days=_days(rows["held_on"], until), stream=HELD)[rows["held_on"].notna()]
    return IncidenceCurves(_in_order(pd.concat([free, held], ignore_index=True)))


def first_holds(history: Decisions) -> pd.DataFrame:
    """The day on which each claim was first noted as waiting for the client: client, claim_id, held_on."""
    notes = history.notes
    holds = notes[(notes["outcome"] == "waiting_on_client") & notes["hold_reason"].notna()]
    return holds.groupby(KEY)["worked_on"].min().rename("held_on").reset_index()


def posting_curve(
    tables: Mapping[str, Any], history: Decisions, *, as_of: dt.date, settings: WorklistSettings
) -> IncidenceCurves:
    """How many days pass from a decision that denies nothing until the balance is posted down to zero; one curve for
    all payers."""
    last = history.last[~history.last["outcome"].isin(DENIED) & history.last["decided_on"].notna()]
    posted = source(tables, "transactions", [*ITEM, "amount_cents", "posted_on"]).filter(
        nw.col("posted_on") <= as_of, nw.col("party") != PATIENT
    )
    sums = read(
        posted.group_by(*ITEM).agg(
            nw.col("amount_cents").sum().alias("left_cents"), nw.col("posted_on").max().alias("last_on")
        )
    )
    rows = last[[*ITEM, "decided_on"]].merge(sums, on=ITEM)
    today = pd.Timestamp(as_of)
    rows = rows[rows["decided_on"] > today - pd.Timedelta(days=settings.history_days)]
    gone = (rows["left_cents"] <= 0) & (rows["last_on"] >= rows["decided_on"])
    ended = rows["last_on"].where(gone, today)
    return IncidenceCurves(
        _in_order(rows.assign(end=np.where(gone, "paid", "open"), days=_days(rows["decided_on"], ended), stream=ANY))
    )


def rework_curve(history: Decisions, *, as_of: dt.date, settings: WorklistSettings) -> IncidenceCurves:
    """How many days pass from a rework (corrected claim, appeal, resubmission) until its answer: the payer's next
    decision, or a note that says won or lost."""
    today = pd.Timestamp(as_of)
    notes = history.notes[history.notes["action"].isin(REWORK)]
    is_answer = notes["outcome"].isin((*WON, *LOST))
    begun = notes.loc[
        ~is_answer & (notes["worked_on"] > today - pd.Timedelta(days=settings.history_days)), [*KEY, "worked_on"]
    ]
    begun = begun.drop_duplicates(KEY).rename(columns={"worked_on": "begun_on"})
    said = notes.loc[is_answer, [*KEY, "worked_on"]]
    decided = history.all.loc[history.all["turn"] > 1, [*KEY, "received_on"]].rename(
        columns={"received_on": "worked_on"}
    )
    rows = _first_after(begun, pd.concat([said, decided], ignore_index=True), "begun_on", "answered_on")
    ended = rows["answered_on"].fillna(today)
    return IncidenceCurves(
        _in_order(
            rows.assign(
                end=np.where(rows["answered_on"].notna(), "paid", "open"),
                days=_days(rows["begun_on"], ended),
                stream=ANY,
            )
        )
    )


def payers_parts(history: Decisions, *, as_of: dt.date, settings: WorklistSettings) -> tuple[pd.Series, float]:
    """How much of each dollar a payer allows it pays itself, by `answer_group`; the remainder is left to the patient
    or the next payer.

    Formula
        primary payers: paid / allowed; later payers: paid / what the primary left open. Counted over first decisions
        that deny nothing, within `history_days`. A payer with few claims is drawn towards all payers (primary or
        later ones), as if it had `default_claims` more claims that were paid like theirs
    Empty
        No decision yet: 1.
    """
    since = pd.Timestamp(as_of) - pd.Timedelta(days=settings.history_days)
    first = history.first[~history.first["outcome"].isin(DENIED) & (history.first["received_on"] > since)]
    left = first.loc[first["party"] == "primary", [*KEY, "patient_cents"]].rename(
        columns={"patient_cents": "left_cents"}
    )
    rows = first.merge(left, on=KEY, how="left")
    is_later = rows["party"] != "primary"
    rows = rows.assign(
        of_cents=rows["allowed_cents"].where(~is_later, rows["left_cents"]), is_later=is_later, group=answer_group(rows)
    )
    rows = rows[rows["of_cents"] > 0]
    parts = []
    for _, some in rows.groupby("is_later"):
        overall, weight = (
            some["paid_cents"].sum() / some["of_cents"].sum(),
            settings.default_claims * some["of_cents"].mean(),
        )
        sums = some.groupby("group")[["paid_cents", "of_cents"]].sum()
        parts.append(((sums["paid_cents"] + weight * overall) / (sums["of_cents"] + weight)).clip(0, 1))
    whole = rows.loc[~rows["is_later"], ["paid_cents", "of_cents"]].sum()
    return pd.concat(parts) if parts else pd.Series(dtype=float), float(
        whole["paid_cents"] / whole["of_cents"]
    ) if whole["of_cents"] else 1.0


def _first_after(rows: pd.DataFrame, notes: pd.DataFrame, since: str, name: str) -> pd.DataFrame:
    """The rows in the order given, each with the first `worked_on` of its claim's notes on or after the day `since`."""
    numbered = rows.reset_index(drop=True)
    both = numbered[[*KEY, since]].reset_index().merge(notes, on=KEY)
    first = both[both["worked_on"] >= both[since]].groupby("index")["worked_on"].min()
    return numbered.assign(**{name: first.reindex(numbered.index).astype("datetime64[us]")})


def _days(start: Any, end: Any) -> pd.Series:
    return (end - start).dt.days


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["days"] >= 0].reset_index(drop=True)
