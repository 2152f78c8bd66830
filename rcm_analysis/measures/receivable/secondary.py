"""Secondary claims nobody sent, and crossovers that never arrived: what the primary payer left to the next one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import ORDER, claim_adjudications, is_first
from ...tables.frames import collect, source
from ..menu import measure
from .limits import with_limit
from .sending import paid_by_insurers, sending_recorded

col = nw.col
KEY = ("client", "claim_id")
PROCESSED, CROSSED_OVER = "1", "19"
UNADDRESSED_DAYS, CROSSOVER_DAYS = 30, 45
COLUMNS = [
    "client",
    "claim_id",
    "payer",
    "secondary_payer",
    "provider",
    "location",
    "service_on",
    "decided_on",
    "waiting_days",
    "patient_cents",
    "deadline_on",
    "days_left",
    "is_missed",
]


@measure("Secondary claims not sent", value="patient_cents", good="down")
def unaddressed_secondary(tables: Mapping[str, Any], *, as_of: dt.date, days: int = UNADDRESSED_DAYS) -> pd.DataFrame:
    """Claims that the primary payer settled and that were not sent to the secondary payer within `days` days.

    Formula
        patient_cents = what the primary's standing decision leaves to the patient or the next payer
        listed = status 1, patient_cents > 0, a secondary payer, no 837 to it, no answer from it, and
        as_of - decided_on >= days
        deadline_on = decided_on + the secondary payer's limit in force that day
    Counts
        One row per claim. The primary's decisions are added up: a reversal takes away what it takes
        back, a claim taken back in full is not listed, and a claim decided twice without a reversal
        counts its last decision only. Denied amounts are no patient responsibility, whatever their
        group: they are worked as denials. Claims that the primary forwarded itself (status 19) are
        `crossovers_not_received`. A voided 837 (frequency 8) is no claim sent.
    Date basis
        received_on of the primary's last decision
    Unit
        cents; days
    Empty
        No such claim: no row. Without a rule for the secondary payer no deadline.
    Source
        our own; the clock of the secondary limit starts with the primary's remittance

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> tables = example_tables() | {"payer_rules": pd.DataFrame(
    ...     columns=["client", "payer", "effective_from", "effective_to", "secondary_filing_limit_days"])}
    >>> tables["claims"]["secondary_payer"] = "cigna"
    >>> found = unaddressed_secondary(tables, as_of=dt.date(2026, 11, 30))
    >>> found[["claim_id", "secondary_payer", "waiting_days", "patient_cents"]]
      claim_id secondary_payer  waiting_days  patient_cents
    0       C4           cigna            56          12000
    """
    return _waiting(tables, as_of, PROCESSED, days)


@measure("Crossovers that never arrived", value="patient_cents", good="down")
def crossovers_not_received(tables: Mapping[str, Any], *, as_of: dt.date, days: int = CROSSOVER_DAYS) -> pd.DataFrame:
    """Claims that the primary payer says it forwarded, and of which the secondary payer has not been heard in `days`
    days.

    Formula
        as `unaddressed_secondary`, with status 19 instead of 1
    Counts
        As `unaddressed_secondary`: an 837 that the office sent after all takes the claim off the list.
    Date basis
        received_on of the primary's last decision
    Unit
        cents; days
    Empty
        No such claim: no row.
    Source
        our own

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> tables = example_tables() | {"payer_rules": pd.DataFrame(
    ...     columns=["client", "payer", "effective_from", "effective_to", "secondary_filing_limit_days"])}
    >>> tables["claims"]["secondary_payer"] = "cigna"
    >>> tables["remit_claims"]["status"] = "19"
    >>> crossovers_not_received(tables, as_of=dt.date(2026, 11, 30))["claim_id"].tolist()
    ['C4']
    """
    return _waiting(tables, as_of, CROSSED_OVER, days)


def secondary_trail(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Every claim that the primary payer left to a secondary one: when it was decided, sent on and answered. Lazy.

    Counts
        answered: a remittance of the secondary payer, or a payment of it that was posted. A claim that shows neither a
        bill nor an answer counts only where the office's bills were on file when the primary decided
        (`sending.sending_recorded`), or where the primary forwarded it itself.

    Shape
        client, claim_id, payer, secondary_payer, provider, location, service_on, status (of the
        primary's last decision), decided_on, patient_cents, sent_on, answered_on (empty while not)
    """
    claims = source(
        tables, "claims", [*KEY, "secondary_payer", "provider", "location", "service_on", "charge_cents"]
    ).filter(~col("secondary_payer").is_null(), ~(col("secondary_payer") == "self_pay"))
    owed = _left_by_primary(_remits_of(tables, claims), as_of)
    sent = source(tables, "submissions", [*KEY, "submitted_on", "payer_order", "frequency"]).filter(
        col("submitted_on") <= as_of, col("payer_order") == "secondary", ~(col("frequency") == "8")
    )
    answered = source(tables, "remit_claims", [*KEY, "received_on", "payer_order"]).filter(
        col("received_on") <= as_of, col("payer_order") == "secondary"
    )
    answered, paid = answered.select(*KEY, "received_on"), paid_by_insurers(tables, as_of=as_of)
    if paid is not None:
        theirs = paid.filter(col("party") == "secondary").select(*KEY, received_on=col("posted_on"))
        answered = nw.concat([answered, theirs], how="vertical")
    recorded = sending_recorded(tables, as_of=as_of)
    with_answers = (
        claims.join(owed, on=list(KEY), how="inner")
        .join(sent.group_by(*KEY).agg(sent_on=col("submitted_on").min()), on=list(KEY), how="left")
        .join(answered.group_by(*KEY).agg(answered_on=col("received_on").min()), on=list(KEY), how="left")
        .join(recorded, on="client", how="left")
        .filter(
            (col("status") == CROSSED_OVER)
            | ~col("sent_on").is_null()
            | ~col("answered_on").is_null()
            | (col("decided_on") >= col("recorded_from"))
        )
    )
    # Decided twice without a reversal between: more was decided than was ever charged.
    is_doubled = col("decided_cents") > col("charge_cents")
    left = nw.when(is_doubled).then(col("last_patient_cents")).otherwise(col("patient_cents"))
    return (
        with_answers.with_columns(patient_cents=left)
        .filter(col("patient_cents") > 0)
        .select(
            *KEY,
            "payer",
            "secondary_payer",
            "provider",
            "location",
            "service_on",
            "status",
            "decided_on",
            "patient_cents",
            "sent_on",
            "answered_on",
        )
    )


def trail_frame(trail: nw.LazyFrame) -> pd.DataFrame:
    """The trail as a pandas frame."""
    words = [*KEY, "payer", "secondary_payer", "provider", "location", "status"]
    return collect(trail, words, dates=["service_on", "decided_on", "sent_on", "answered_on"])


def _remits_of(tables: Mapping[str, Any], claims: nw.LazyFrame) -> dict[str, nw.LazyFrame]:
    """The remittances of these claims only: few claims have a second payer."""
    wanted = claims.select(*KEY)
    columns = {
        "remit_claims": [
            "remit_claim_id",
            "sequence",
            "status",
            "payer",
            "payer_order",
            "charge_cents",
            "paid_cents",
            "received_on",
        ],
        "remit_adjustments": [
            "remit_claim_id",
            "remit_line_id",
            "group_code",
            "carc",
            "amount_cents",
            "remark_codes",
            "received_on",
        ],
    }
    return {
        name: source(tables, name, [*KEY, *those]).join(wanted, on=list(KEY), how="semi")
        for name, those in columns.items()
    }


def _left_by_primary(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """What the primary's decisions leave: added up, and of the last one, with its day and status."""
    known = claim_adjudications(tables, as_of=as_of, patient_denials=True).filter(
        col("payer_order") == "primary", ~col("outcome").is_in(["duplicate", "pended"])
    )
    sums = known.group_by(*KEY).agg(col("patient_cents").sum(), decided_cents=col("charge_cents").sum())
    last = (
        known.filter(~(col("outcome") == "reversal"))
        .filter(is_first(KEY, ORDER, reverse=True))
        .select(*KEY, "payer", "status", decided_on=col("received_on"), last_patient_cents=col("patient_cents"))
    )
    return sums.join(last, on=list(KEY), how="inner")


def _waiting(tables: Mapping[str, Any], as_of: dt.date, status: str, days: int) -> pd.DataFrame:
    trail = secondary_trail(tables, as_of=as_of).filter(
        col("status") == status, col("sent_on").is_null(), col("answered_on").is_null()
    )
    rows = trail_frame(trail)
    waited = (pd.Timestamp(as_of) - rows["decided_on"]).dt.days
    rows = rows.assign(waiting_days=waited, starts_on=rows["decided_on"])[waited >= days]
    dated = with_limit(rows, tables, "secondary_filing_limit_days", as_of=as_of, payer="secondary_payer")
    dated["is_missed"] = (dated["days_left"] < 0).fillna(False).astype(bool)
    return dated.sort_values(["client", "patient_cents", "claim_id"], ascending=[True, False, True], ignore_index=True)[
        COLUMNS
    ]
