"""What is open on a day and what is known about it: balance, payer, last answer, denial, notes, and the status in one
word.

One item is a claim and the party responsible for a part of it. Everything here is fact, read from what
was known on the day. What an item is worth stands in `chances`, what to do about it in `actions`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl

from ...ledger.adjudications import DENIED, UNDECIDED, claim_adjudications, primary_reasons
from ...ledger.balances import claim_balances, responsible_since
from ...ledger.completeness import phantoms
from ...measures.payers.shortfalls import underpaid_lines
from ...measures.receivable.delays import failed_checks
from ...measures.receivable.sending import never_sent, paid_by_insurers, sending_recorded
from ...tables.frames import pandas_of, source
from ...tables.schema import EDIT_STAGES

KEY = ["client", "claim_id"]
ITEM = [*KEY, "party"]
PATIENT = "patient"
REWORK = ("corrected_claim", "appeal", "resubmit")
WON, LOST = ("overturned", "paid"), ("upheld", "denied")
SHORT_DAYS = 365
"""Claims paid short are sought among the decisions of a year: no appeal limit is longer."""

STATUSES = {
    "patient": "owed by the patient",
    "held": "not sent: waits for the client",
    "rejected": "rejected before it reached the payer",
    "unbilled": "never sent",
    "processing": "sent, not answered yet",
    "reworked": "worked again, not answered yet",
    "denied": "denied",
    "denied_again": "denied again after it was worked",
    "pended": "held open by the payer",
    "unpaid_rest": "answered, a rest is open",
    "left_to_patient": "left to the patient, not moved there",
    "underpaid": "paid, less than the contract says",
    "secondary_unbilled": "not sent to the next payer",
}
"""Every status with its words."""


def read(frame: nw.LazyFrame) -> pd.DataFrame:
    """The rows in pandas, days as datetime64; for small results and for tables of notes."""
    rows = frame.collect("polars").to_native()
    days = [name for name, kind in rows.schema.items() if name.endswith("_on") and kind != pl.String]
    return pandas_of(rows.with_columns(pl.col(days).cast(pl.Datetime("us"))))


def open_items(tables: Mapping[str, Any], *, as_of: dt.date, history: Decisions) -> pd.DataFrame:
    """One row per claim and party with a debit balance on `as_of`, with its facts and its status.

    Formula
        open_cents as `ledger.claim_balances`; age_days = as_of - day of service, else of responsibility (0 where
        neither is known: postings on a claim that nothing else names); entered_on: else the same day
        short_cents: what is missing on a claim that was paid less than its contract says
        since_on: first sent to the payer; for the patient, made responsible; else charge entry
    Counts
        Debit balances only: credits are refunds, not work. Nor are balances that the records themselves make
        (`phantom_balances`). A claim paid short whose appeal limit is not over, or not known, and which
        was not appealed in vain, is an item of its own with nothing open: its balance was posted away.
    """
    owed = _owed(tables, as_of)
    columns = ["payer", "secondary_payer", "tertiary_payer", "service_on", "entered_on", "charge_cents"]
    claims = source(tables, "claims", [*KEY, *columns])
    since = responsible_since(tables, as_of=as_of).rename({"since_on": "responsible_on"})
    items = read(owed.join(claims, on=KEY, how="left").join(since, on=ITEM, how="left"))
    items = _with_short(items, read(claims), tables, as_of, history)
    found = phantoms(tables, as_of=as_of)
    is_phantom = pd.MultiIndex.from_frame(items[ITEM]).isin(pd.MultiIndex.from_frame(found[ITEM]))
    items = items[~is_phantom].reset_index(drop=True)
    items = items.rename(columns={"balance_cents": "open_cents"})
    items["primary_payer"] = items["payer"]
    for party, column in (("secondary", "secondary_payer"), ("tertiary", "tertiary_payer")):
        items["payer"] = items["payer"].where(items["party"] != party, items[column])
    items["payer"] = items["payer"].where(items["party"] != PATIENT, PATIENT).fillna("")
    items["service_on"] = items["service_on"].fillna(items["responsible_on"]).fillna(pd.Timestamp(as_of))
    items["entered_on"] = items["entered_on"].fillna(items["service_on"])
    items["age_days"] = (pd.Timestamp(as_of) - items["service_on"]).dt.days.clip(lower=0).astype("int64")
    items = items.merge(_sent(tables, as_of), left_on=ITEM, right_on=ITEM, how="left").merge(
        history.last, on=ITEM, how="left"
    )
    items = items.merge(_primary_answers(history), on=KEY, how="left").merge(_failed(tables, as_of), on=KEY, how="left")
    items = items.merge(_noted(history.notes), on=KEY, how="left").merge(_reworked(history), on=ITEM, how="left")
    for name in ("statements", "touches"):
        items[name] = items[name].fillna(0).astype("int64")
    items = _known_unsent(items, tables, as_of)
    items["status"] = _status(items)
    start = items["first_sent_on"].where(items["party"] != PATIENT, items["responsible_on"])
    items["since_on"] = start.fillna(items["entered_on"]).fillna(items["service_on"])
    return items.sort_values(ITEM, ignore_index=True)


def _owed(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    return claim_balances(tables, as_of=as_of).filter(nw.col("balance_cents") > 0)


def phantom_balances(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Balances owed that no worklist holds: see `phantoms`.

    Shape
        client, claim_id, party, balance_cents, why (a key of `LEFT_OUT`)
    """
    return read(_owed(tables, as_of)).merge(phantoms(tables, as_of=as_of), on=ITEM)


LEFT_OUT = {
    "records": (
        "of claims that nobody billed, or that stand under two numbers",
        "their records have to be put right first",
        "owed_never_billed, and id_forms",
    ),
    "patients": ("left to patients", "nothing is on file of what patients paid", "left_to_patients"),
}
"""Which balances are no work, why, and the lists of `rcm check` that name them."""


class Decisions:
    """Every decision and note known on a day, in order: what the status and the chances are read from.

    all: one row per decision (reversals, pended answers and duplicates left out), `turn` counts them from 1
    last: the last decision of each claim and payer order with its reason
    first: the first one
    notes: the work log, oldest first
    """

    def __init__(self, tables: Mapping[str, Any], as_of: dt.date) -> None:
        columns = (
            "payer",
            "remit_claim_id",
            "sequence",
            "status",
            "outcome",
            "received_on",
            "denied_cents",
            "paid_cents",
            "patient_cents",
            "allowed_cents",
            "charge_cents",
        )
        known = read(claim_adjudications(tables, as_of=as_of).select(*KEY, "payer_order", *columns))
        known = known.rename(columns={"payer_order": "party", "status": "remit_status"})
        known = known.sort_values([*ITEM, "received_on", "sequence", "remit_claim_id"], ignore_index=True)
        self.pended = known.loc[known["outcome"] == "pended", [*ITEM, "received_on"]]
        decided = known[~known["outcome"].isin(UNDECIDED)]
        reasons = read(primary_reasons(tables, as_of=as_of)).drop(columns="denied_cents")
        decided = decided.merge(reasons, on=["client", "remit_claim_id"], how="left")
        decided["turn"] = decided.groupby(ITEM).cumcount() + 1
        self.all = decided
        self.first = decided[decided["turn"] == 1]
        last = decided.drop_duplicates(ITEM, keep="last").drop(
            columns=["sequence", "remit_claim_id", "payer", "charge_cents"]
        )
        pended = self.pended.drop_duplicates(ITEM, keep="last").rename(columns={"received_on": "pended_on"})
        self.last = last.rename(columns={"received_on": "decided_on"}).merge(pended, on=ITEM, how="outer")
        notes = source(
            tables,
            "work_log",
            [*KEY, "note_id", "worked_on", "entered_on", "action", "outcome", "hold_reason", "minutes"],
        )
        self.notes = read(notes.filter(nw.col("entered_on") <= as_of)).sort_values(
            ["worked_on", "entered_on", "note_id"], ignore_index=True
        )


def _with_short(
    items: pd.DataFrame, claims: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date, history: Decisions
) -> pd.DataFrame:
    """The items and the claims paid short, one row each; of a claim with an open primary balance that balance alone."""
    lines = underpaid_lines(tables, as_of=as_of, since=as_of - dt.timedelta(days=SHORT_DAYS))
    lines = lines[lines["is_appealable"] | lines["appeal_by"].isna()].assign(short_basis=lines["basis"])
    lost = (
        history.notes[history.notes["outcome"].isin(LOST)]
        .groupby(KEY)["worked_on"]
        .max()
        .rename("in_vain_on")
        .reset_index()
    )
    lines = lines.merge(lost, on=KEY, how="left")
    lines = lines[~(lines["in_vain_on"] >= lines["received_on"])]
    short = lines.groupby(KEY).agg(short_cents=("short_cents", "sum"), short_basis=("short_basis", "max")).reset_index()
    short = short.merge(items.loc[items["party"] == "primary", KEY].assign(has_balance=True), on=KEY, how="left")
    short = short[short["has_balance"].isna()].drop(columns="has_balance").merge(claims, on=KEY)
    if short.empty:
        return items.assign(short_cents=np.nan, short_basis=None)
    return pd.concat([items, short.assign(party="primary", balance_cents=0)], ignore_index=True)


def _sent(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    sent = source(tables, "submissions", [*KEY, "payer_order", "submitted_on", "frequency"])
    sent = sent.filter(nw.col("submitted_on") <= as_of, nw.col("frequency").fill_null("1") != "8")
    days = sent.group_by(*KEY, "payer_order").agg(
        nw.col("submitted_on").min().alias("first_sent_on"), nw.col("submitted_on").max().alias("last_sent_on")
    )
    return read(days).rename(columns={"payer_order": "party"})


def _known_unsent(items: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The items with `is_unsent`: nothing of them has left, as far as the records can tell; a secondary bill is known
    to be missing where bills were on file when the primary answered. A payment posted without a remittance is an
    answer, too."""
    claims = source(tables, "claims", [*KEY, "entered_on"]).filter(nw.col("entered_on") <= as_of)
    unsent = read(never_sent(claims, tables, as_of=as_of))[KEY].assign(is_unsent=True)
    items = items.merge(unsent, on=KEY, how="left")
    paid = paid_by_insurers(tables, as_of=as_of)
    if paid is not None:
        last = read(paid.group_by(*ITEM).agg(paid_on=nw.col("posted_on").max()))
        items["decided_on"] = items["decided_on"].fillna(items[ITEM].merge(last, on=ITEM, how="left")["paid_on"])
    since = items[["client"]].merge(read(sending_recorded(tables, as_of=as_of)), on="client", how="left")
    is_known = items["primary_on"].fillna(items["entered_on"]) >= pd.to_datetime(since["recorded_from"]).to_numpy()
    never = items["first_sent_on"].isna() & items["decided_on"].isna()
    is_primary = items["party"] == "primary"
    return items.assign(is_unsent=never & np.where(is_primary, items["is_unsent"].notna(), is_known))


def _primary_answers(history: Decisions) -> pd.DataFrame:
    """When the primary answered last, and whether it said that it passes the claim on (status 19)."""
    rows = history.last[history.last["party"] == "primary"]
    out = rows[KEY].assign(primary_on=rows["decided_on"], crosses_over=rows["remit_status"].eq("19"))
    return out


def _failed(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Claims whose last check failed: stage, reason and day, and the day of the 837 that was checked."""
    names = {
        "rejected_on": "failed_on",
        "stage": "failed_stage",
        "reason": "failed_reason",
        "sent_on": "failed_sent_on",
    }
    return read(failed_checks(tables, as_of=as_of, stages=EDIT_STAGES)).rename(columns=names)


def _noted(notes: pd.DataFrame) -> pd.DataFrame:
    """Of each claim: its last note, what it waits for, its statements, and how often it was followed up."""
    last = notes.drop_duplicates(KEY, keep="last")
    out = last[KEY].assign(
        note_on=last["worked_on"],
        note_action=last["action"],
        note_outcome=last["outcome"],
        hold_reason=last["hold_reason"],
    )
    is_statement = notes["action"] == "statement"
    statements = notes[is_statement].groupby(KEY)["worked_on"].agg(statements="size", statement_on="max").reset_index()
    touched = notes[~is_statement].groupby(KEY)["worked_on"].agg(touches="size", touched_on="max").reset_index()
    billed = (
        notes[notes["action"] == "bill_secondary"]
        .groupby(KEY)["worked_on"]
        .max()
        .rename("secondary_noted_on")
        .reset_index()
    )
    for part in (statements, touched, billed):
        out = out.merge(part, on=KEY, how="left")
    return out


def _reworked(history: Decisions) -> pd.DataFrame:
    """Of each denied claim: the last rework noted since its last decision, and whether a rework was lost before."""
    denied = history.last[history.last["outcome"].isin(DENIED)][[*ITEM, "decided_on", "turn"]]
    rework = history.notes[history.notes["action"].isin(REWORK)]
    rows = denied.merge(rework[[*KEY, "worked_on", "action", "outcome"]], on=KEY)
    rows["is_later"] = rows["worked_on"] >= rows["decided_on"]
    rows["is_lost"] = rows["outcome"].isin(LOST)
    later = (
        rows[rows["is_later"] & ~rows["is_lost"]]
        .groupby(ITEM)
        .agg(rework_on=("worked_on", "max"), rework_action=("action", "last"))
    )
    # Lost: a note since says so, or the claim was worked and denied a second time.
    rows["was_lost"] = (rows["is_later"] & rows["is_lost"]) | (~rows["is_later"] & (rows["turn"] > 1))
    rows["lost_on"] = rows["worked_on"].where(rows["was_lost"])
    lost = rows.groupby(ITEM).agg(was_lost=("was_lost", "any"), lost_on=("lost_on", "max"))
    return lost.join(later, how="left").reset_index()


def _status(items: pd.DataFrame) -> np.ndarray:
    """The first of these that holds names the status."""

    def before(one: str, other: str) -> pd.Series:
        return items[one].notna() & (items[other].isna() | (items[one] >= items[other]))

    is_primary = items["party"] == "primary"
    is_denied = items["outcome"].isin(DENIED)
    unsent = items["is_unsent"]
    lost = items["was_lost"].fillna(False).astype(bool) & ~before("rework_on", "lost_on")
    reworked = items["rework_on"].notna() | (
        before("last_sent_on", "decided_on") & (items["last_sent_on"] > items["decided_on"])
    )
    held = (items["note_outcome"] == "waiting_on_client") & items["hold_reason"].notna()
    is_back = before("failed_sent_on", "last_sent_on") & (is_primary | items["last_sent_on"].notna())
    rejected = items["decided_on"].isna() & is_back  # of another payer only where the bill to it was checked
    crossing = items["crosses_over"].fillna(False).astype(bool)
    cases = {
        "underpaid": items["short_cents"].notna(),
        "patient": items["party"] == PATIENT,
        "rejected": rejected,
        "held": is_primary & unsent & held,
        "unbilled": is_primary & unsent,
        "denied_again": is_denied & lost,
        "reworked": is_denied & reworked,
        "denied": is_denied,
        "pended": items["decided_on"].isna() & items["pended_on"].notna(),
        "left_to_patient": items["decided_on"].notna() & (items["patient_cents"] >= items["open_cents"]),
        "unpaid_rest": items["decided_on"].notna(),
        "processing": ~unsent | (~is_primary & crossing) | (~is_primary & items["secondary_noted_on"].notna()),
    }
    return np.select(list(cases.values()), list(cases), "secondary_unbilled")
