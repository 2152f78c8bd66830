"""Claims that wait: held for somebody, never sent, rejected and left, or touched by nobody for weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import is_first
from ...ledger.balances import claim_balances
from ...tables.frames import collect, day_number, source
from ..menu import measure
from .account_movements import log_began
from .sending import FRONT_ENDS, never_sent, paid_by_insurers

col = nw.col
KEY = ("client", "claim_id")
ABOUT = ("payer", "provider", "location")
WAITING = "waiting_on_client"
USUAL_QUANTILE, FEWEST_SENT, USUAL_AT_LEAST, USUAL_UNKNOWN = 0.95, 20, 5, 14
"""A claim is late to leave beyond the 95th percentile of what is usual, and beyond 5 days in any case; 14 where
unknown."""

NEVER_SENT = "not sent"
"""The reason of a claim that was entered and never sent, and of which no note says why."""


def claims_with_balance(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Claims with something owed on `as_of`, with what they are about. Lazy.

    Formula
        open_cents = insurance_cents + patient_cents: debit balances only, credits of other parties not netted
    Shape
        client, claim_id, payer, provider, location, service_on, entered_on, insurance_cents, patient_cents, open_cents
    """
    amount = col("balance_cents")
    debits = (
        claim_balances(tables, as_of=as_of)
        .filter(amount > 0)
        .with_columns(
            insurance_cents=nw.when(col("party") == "patient").then(0).otherwise(amount),
            patient_cents=nw.when(col("party") == "patient").then(amount).otherwise(0),
        )
    )
    sums = debits.group_by(*KEY).agg(col("insurance_cents").sum(), col("patient_cents").sum(), open_cents=amount.sum())
    claims = source(tables, "claims", [*KEY, *ABOUT, "service_on", "entered_on"])
    return sums.join(claims, on=list(KEY), how="inner").select(
        *KEY, *ABOUT, "service_on", "entered_on", "insurance_cents", "patient_cents", "open_cents"
    )


@measure("Claims on hold", value="open_cents", good="down")
def holds(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Open claims that stand still because somebody must give something first, and claims that never left.

    Formula
        held = the last note gives a hold reason or waits for the client, and nothing was sent and no
        answer came after it
        not sent = entered longer ago than is usual before a first 837, never sent (`sending.never_sent`: not where the
        office's bills are not on file), and no note says why
        usual = 95th percentile of the days from entry to the first 837 of the twelve months before,
        at least 5; 14 where fewer than 20 claims were sent
    Counts
        One row per claim with an open balance. since_on is the first note of the wait (reminders do
        not start it anew), or the day of entry; reminders counts the notes after the first. Claims
        without an insurer are not waiting to be sent.
    Date basis
        worked_on of the notes known by as_of; entered_on of the claim
    Unit
        cents; days
    Empty
        Nothing waits: no row.
    Source
        our own

    >>> from rcm_analysis.examples.follow_up import example_follow_up
    >>> found = holds(example_follow_up(), as_of=dt.date(2026, 11, 30))
    >>> found[["claim_id", "hold_reason", "waiting_days", "reminders", "open_cents"]]
      claim_id hold_reason  waiting_days  reminders  open_cents
    0       U1    not sent            88          0       10000
    1       H1   documents            56          1       10000
    """
    open_ = _open_frame(tables, as_of)
    waits = _waits(tables, as_of, any_reason=True)
    held = waits[waits["answered_on"].isna()].drop_duplicates(list(KEY), keep="last")
    held = open_.merge(held[[*KEY, "hold_reason", "asked_on", "reminders"]], on=list(KEY)).rename(
        columns={"asked_on": "since_on"}
    )
    unsent = _unsent(tables, as_of)
    unsent = unsent[~_is_in(unsent, held)]
    unsent = unsent.assign(hold_reason=NEVER_SENT, since_on=unsent["entered_on"], reminders=0)
    both = pd.concat([part for part in (held, unsent) if len(part)] or [held], ignore_index=True)
    both["waiting_days"] = (pd.Timestamp(as_of) - both["since_on"]).dt.days.astype("int64")
    both["is_sent"] = _is_in(both, _sent_frame(tables, as_of))
    columns = [
        *KEY,
        *ABOUT,
        "service_on",
        "hold_reason",
        "since_on",
        "waiting_days",
        "reminders",
        "is_sent",
        "open_cents",
    ]
    return both.sort_values(["client", "since_on", "claim_id"], ignore_index=True)[columns]


@measure("Requests to the client", value="days_open", unit="days", good="down")
def document_requests(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """What was asked of the client, claim by claim: since when, how often, and how long until the answer.

    Formula
        a request = the notes of one claim that ask for documents or wait for the client, one after the other
        answered_on = the first other note, 837 or remittance after the last of them
        days_open = answered_on - asked_on, or as_of - asked_on while it is open
    Counts
        One row per request, answered ones too; a claim asked about again later is two requests.
        open_cents is what the claim still owes, charge_cents what was billed or is to be.
    Date basis
        worked_on of the first note, of notes known by as_of
    Unit
        days; cents
    Empty
        Nothing was asked: no row.
    Source
        our own

    >>> from rcm_analysis.examples.follow_up import example_follow_up
    >>> found = document_requests(example_follow_up(), as_of=dt.date(2026, 11, 30))
    >>> found[["claim_id", "hold_reason", "asked_on", "reminders", "days_open", "is_open", "charge_cents"]]
      claim_id hold_reason   asked_on  reminders  days_open  is_open  charge_cents
    0       H1   documents 2026-10-05          1         56     True         10000
    """
    asked = _waits(tables, as_of, any_reason=False)
    claims = collect(
        source(tables, "claims", [*KEY, *ABOUT, "service_on", "charge_cents"]), [*KEY, *ABOUT], dates=["service_on"]
    )
    asked = asked.merge(claims, on=list(KEY), how="inner").merge(
        _open_frame(tables, as_of)[[*KEY, "open_cents"]], on=list(KEY), how="left"
    )
    asked["is_open"] = asked["answered_on"].isna() & asked["open_cents"].notna()
    asked["open_cents"] = asked["open_cents"].fillna(0).astype("int64")
    until = asked["answered_on"].fillna(pd.Timestamp(as_of))
    asked["days_open"] = (until - asked["asked_on"]).dt.days.astype("int64")
    columns = [
        *KEY,
        *ABOUT,
        "service_on",
        "hold_reason",
        "asked_on",
        "reminders",
        "answered_on",
        "days_open",
        "is_open",
        "charge_cents",
        "open_cents",
    ]
    return asked.sort_values(["client", "asked_on", "claim_id"], ignore_index=True)[columns]


@measure("Rejected claims not sent again", value="open_cents", good="down")
def rejections_not_reworked(tables: Mapping[str, Any], *, as_of: dt.date, days: int = 7) -> pd.DataFrame:
    """Claims that the clearinghouse or the payer's front end sent back, and that were not sent again within `days`
    days.

    Formula
        listed = the last check failed, as_of - rejected_on >= days, and neither an 837 nor an answer
        came on a later day
    Counts
        One row per claim with an open insurance balance. A rejection is no denial: no payer has seen
        the claim, and its filing limit runs on. Edits of our own scrubber are not rejections.
    Date basis
        checked_on
    Unit
        cents; days
    Empty
        Nothing was left lying: no row.
    Source
        our own

    >>> from rcm_analysis.examples.follow_up import example_follow_up
    >>> found = rejections_not_reworked(example_follow_up(), as_of=dt.date(2026, 11, 30))
    >>> found[["claim_id", "stage", "reason", "waiting_days", "open_cents"]]
      claim_id          stage                reason  waiting_days  open_cents
    0       R1  clearinghouse  subscriber id format            49       10000
    """
    rejected = collect(rejections(tables, as_of=as_of), [*KEY, "stage", "reason"], dates=["rejected_on"])
    rows = _open_frame(tables, as_of).merge(rejected, on=list(KEY))
    rows["waiting_days"] = (pd.Timestamp(as_of) - rows["rejected_on"]).dt.days.astype("int64")
    rows = rows[(rows["waiting_days"] >= days) & (rows["insurance_cents"] > 0)]
    columns = [*KEY, *ABOUT, "service_on", "stage", "reason", "rejected_on", "waiting_days", "open_cents"]
    return rows.sort_values(["client", "rejected_on", "claim_id"], ignore_index=True)[columns]


@measure("Open claims that nobody touched", value="open_cents", good="down")
def untouched_claims(tables: Mapping[str, Any], *, as_of: dt.date, days: int = 30) -> pd.DataFrame:
    """Open insurance claims on which nothing has happened for `days` days: no note, no 837, no answer.

    Formula
        last_on = the last of charge entry, note, 837, remittance, and posted payment of an insurer
        listed = as_of - last_on >= days, and the client's first note is as old
    Counts
        One row per claim with an open insurance balance; last_event says what happened last, and
        last_note_on when somebody last wrote about it (empty: never). Claims of patients without an
        insurer are not here, nor those of clients without a work log: nobody can say which of theirs were worked.
    Date basis
        entered_on, worked_on, submitted_on, received_on
    Unit
        cents; days
    Empty
        Every claim was touched, or no note of any claim is on file: no row.
    Source
        our own

    >>> from rcm_analysis.examples.follow_up import example_follow_up
    >>> found = untouched_claims(example_follow_up(), as_of=dt.date(2026, 11, 30), days=50)
    >>> found[["claim_id", "last_event", "last_on", "quiet_days", "open_cents"]]
      claim_id last_event    last_on  quiet_days  open_cents
    0       U1    entered 2026-09-03          88       10000
    1       R1       sent 2026-09-08          83       10000
    2       D1   answered 2026-10-05          56       10000
    """
    rows = _open_frame(tables, as_of)
    notes = source(tables, "work_log", [*KEY, "worked_on", "entered_on"]).filter(col("entered_on") <= as_of)
    worked = _last(notes, "worked_on", "last_note_on")
    rows = rows[(rows["insurance_cents"] > 0) & rows["client"].isin(worked["client"])]
    answers = source(tables, "remit_claims", [*KEY, "received_on"]).filter(col("received_on") <= as_of)
    paid = paid_by_insurers(tables, as_of=as_of)
    if paid is not None:
        answers = nw.concat([answers, paid.select(*KEY, received_on=col("posted_on"))], how="vertical")
    sent = _sent_frame(tables, as_of)[[*KEY, "last_sent_on"]]
    answered = _last(answers, "received_on", "answered_on")
    for part in (worked, sent, answered):
        rows = rows.merge(part, on=list(KEY), how="left")
    events = rows[["entered_on", "last_sent_on", "answered_on", "last_note_on"]].set_axis(
        ["entered", "sent", "answered", "note"], axis=1
    )
    rows["last_on"] = events.max(axis=1)
    # Of one day, what comes last in the life of a claim.
    rows["last_event"] = events[events.columns[::-1]].idxmax(axis=1) if len(rows) else pd.Series(dtype="str")
    rows["quiet_days"] = (pd.Timestamp(as_of) - rows["last_on"]).dt.days.astype("int64")
    columns = [*KEY, *ABOUT, "service_on", "last_event", "last_on", "last_note_on", "quiet_days", "open_cents"]
    began = rows[["client"]].merge(log_began(tables, as_of=as_of), on="client", how="left")["log_began_on"]
    is_watched = (pd.Timestamp(as_of) - began).dt.days >= days
    found = rows[(rows["quiet_days"] >= days) & is_watched.to_numpy()]
    return found.sort_values(["client", "last_on", "claim_id"], ignore_index=True)[columns]


def rejections(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Claims whose last front-end check failed and that were neither sent again nor answered since. Lazy.

    Since is after the 837 that was checked where the check names it, else after the day of the check.

    Shape
        client, claim_id, stage, reason, rejected_on
    """
    last = failed_checks(tables, as_of=as_of, stages=FRONT_ENDS)
    sent = source(tables, "submissions", [*KEY, "submitted_on"]).filter(col("submitted_on") <= as_of)
    answers = source(tables, "remit_claims", [*KEY, "received_on"]).filter(col("received_on") <= as_of)
    events = nw.concat(
        [sent.rename({"submitted_on": "later_on"}), answers.rename({"received_on": "later_on"})], how="vertical"
    )
    with_events = last.join(events.group_by(*KEY).agg(col("later_on").max()), on=list(KEY), how="left")
    return with_events.filter(col("later_on").is_null() | (col("later_on") <= col("sent_on"))).select(
        *KEY, "stage", "reason", "rejected_on"
    )


def failed_checks(tables: Mapping[str, Any], *, as_of: dt.date, stages: Collection[str]) -> nw.LazyFrame:
    """Claims whose last check at any of these stages failed. Lazy.

    Counts
        What was only received (pending) says nothing yet. Of one day the payer's word counts before the
        clearinghouse's, and this before the scrubber's; at one stage the pass, because a batch may be checked again
        on the day on which it failed. `sent_on` is the day of the 837 that was checked, else that of the check.
    Shape
        client, claim_id, stage, reason, rejected_on, sent_on
    """
    edits = source(
        tables, "claim_edits", [*KEY, "edit_id", "checked_on", "stage", "result", "reason", "sent_on"]
    ).filter(col("checked_on") <= as_of, col("stage").is_in(list(stages)), col("result") != "pending")
    ranked = edits.with_columns(
        passes=nw.when(col("result") == "passed").then(1).otherwise(0),
        place=nw.when(col("stage") == "payer")
        .then(2)
        .otherwise(nw.when(col("stage") == "clearinghouse").then(1).otherwise(0)),
    )
    last = ranked.filter(is_first(KEY, ("checked_on", "place", "passes", "edit_id"), reverse=True))
    return last.filter(col("result") == "failed").select(
        *KEY, "stage", "reason", rejected_on=col("checked_on"), sent_on=nw.coalesce(col("sent_on"), col("checked_on"))
    )


def _last(rows: nw.LazyFrame, day: str, name: str) -> pd.DataFrame:
    return collect(rows.group_by(*KEY).agg(col(day).max().alias(name)), KEY, dates=[name])


def _open_frame(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    return collect(claims_with_balance(tables, as_of=as_of), [*KEY, *ABOUT], dates=["service_on", "entered_on"])


def _sent_frame(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    sent = source(tables, "submissions", [*KEY, "submitted_on"]).filter(col("submitted_on") <= as_of)
    found = sent.group_by(*KEY).agg(first_sent_on=col("submitted_on").min(), last_sent_on=col("submitted_on").max())
    return collect(found, KEY, dates=["first_sent_on", "last_sent_on"])


def _is_in(rows: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    known = pd.MultiIndex.from_frame(others[list(KEY)])
    return pd.Series(pd.MultiIndex.from_frame(rows[list(KEY)]).isin(known), index=rows.index)


def _unsent(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Open claims with an insurer that were entered longer ago than is usual and never sent."""
    open_ = claims_with_balance(tables, as_of=as_of).filter(~(col("payer") == "self_pay"), col("insurance_cents") > 0)
    waiting = collect(never_sent(open_, tables, as_of=as_of), [*KEY, *ABOUT], dates=["service_on", "entered_on"])
    usual = waiting["client"].map(_usual_days(tables, as_of)).astype("float64").fillna(USUAL_UNKNOWN)
    return waiting[(pd.Timestamp(as_of) - waiting["entered_on"]).dt.days > usual]


def _usual_days(tables: Mapping[str, Any], as_of: dt.date) -> pd.Series:
    """Of each client, the days within which nineteen of twenty claims have left."""
    entered = source(tables, "claims", [*KEY, "entered_on"]).filter(
        col("entered_on") > as_of - dt.timedelta(days=365), col("entered_on") <= as_of
    )
    sent = source(tables, "submissions", [*KEY, "submitted_on"]).filter(col("submitted_on") <= as_of)
    first = sent.group_by(*KEY).agg(col("submitted_on").min())
    lag = entered.join(first, on=list(KEY), how="inner").with_columns(
        days=day_number(col("submitted_on")) - day_number(col("entered_on")), claims=nw.lit(1)
    )
    counts = collect(lag.group_by("client", "days").agg(col("claims").sum()), ["client"])
    usual = {}
    for client, rows in counts.sort_values(["client", "days"]).groupby("client"):
        upto, needed = rows["claims"].cumsum(), rows["claims"].sum() * USUAL_QUANTILE
        if rows["claims"].sum() >= FEWEST_SENT:
            usual[client] = max(USUAL_AT_LEAST, int(rows.loc[upto >= needed, "days"].iloc[0]))
    return pd.Series(usual, dtype="float64")


def _waits(tables: Mapping[str, Any], as_of: dt.date, *, any_reason: bool) -> pd.DataFrame:
    """Runs of notes that wait: client, claim_id, hold_reason, asked_on, reminders, answered_on (empty while open)."""
    notes = source(tables, "work_log", [*KEY, "note_id", "worked_on", "entered_on", "action", "outcome", "hold_reason"])
    notes = notes.filter(col("entered_on") <= as_of).drop("entered_on")
    waits = (col("outcome").fill_null("none") == WAITING) | (col("action") == "request_documents")
    if any_reason:
        waits = waits | ~col("hold_reason").is_null()
    notes = notes.with_columns(waits=nw.when(waits).then(1).otherwise(0))
    concerned = notes.filter(col("waits") == 1).select(*KEY).unique()
    said = notes.join(concerned, on=list(KEY), how="semi").select(*KEY, "worked_on", "waits", "note_id", "hold_reason")
    rows = collect(said, [*KEY, "note_id", "hold_reason"], dates=["worked_on"])
    return _runs(pd.concat([rows, _other_events(tables, concerned, as_of)], ignore_index=True))


def _other_events(tables: Mapping[str, Any], concerned: nw.LazyFrame, as_of: dt.date) -> pd.DataFrame:
    """What ends a wait besides a note: an 837, or an answer of a payer."""
    parts = []
    for table, day in (("submissions", "submitted_on"), ("remit_claims", "received_on")):
        events = source(tables, table, [*KEY, day]).filter(col(day) <= as_of).join(concerned, on=list(KEY), how="semi")
        parts.append(collect(events.rename({day: "worked_on"}), KEY, dates=["worked_on"]))
    return pd.concat(parts, ignore_index=True).assign(waits=0, note_id="", hold_reason="(none)")


def _runs(events: pd.DataFrame) -> pd.DataFrame:
    """Waiting notes one after the other, up to the event that ends them.

    Of one day, what was sent or answered comes before the notes: whoever asks on the day of a
    submission asks because of it.
    """
    rows = events.sort_values([*KEY, "worked_on", "note_id"], ignore_index=True)
    is_new_claim = (rows[list(KEY)] != rows[list(KEY)].shift()).any(axis=1)
    starts = is_new_claim | (rows["waits"] != rows["waits"].shift())
    rows["run"] = starts.cumsum()
    runs = rows.groupby("run").agg(
        client=("client", "first"),
        claim_id=("claim_id", "first"),
        waits=("waits", "first"),
        asked_on=("worked_on", "min"),
        notes=("waits", "size"),
        hold_reason=("hold_reason", "first"),
    )
    follows = runs["claim_id"].eq(runs["claim_id"].shift(-1)) & runs["client"].eq(runs["client"].shift(-1))
    runs["answered_on"] = runs["asked_on"].shift(-1).where(follows)
    found = runs[runs["waits"] == 1].assign(reminders=lambda frame: frame["notes"] - 1)
    found["hold_reason"] = found["hold_reason"].replace({"(none)": "other"})
    return found[[*KEY, "hold_reason", "asked_on", "reminders", "answered_on"]].reset_index(drop=True)
