"""Time limits that run: claims not filed, denials not appealed, secondary claims not sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import (
    CLAIM,
    DENIED,
    ORDER,
    UNDECIDED,
    claim_adjudications,
    is_first,
    net_positions,
    primary_reasons,
)
from ...tables.frames import collect, source
from ..menu import measure
from .delays import KEY, claims_with_balance, rejections
from .limits import with_limit
from .secondary import CROSSED_OVER, CROSSOVER_DAYS, PROCESSED, secondary_trail, trail_frame
from .sending import FRONT_ENDS, never_sent

col = nw.col
KINDS = {
    "filing": "filing_limit_days",
    "appeal": "appeal_limit_days",
    "secondary_filing": "secondary_filing_limit_days",
}
"""Kind of deadline -> the rule of the payer that sets it."""

TOO_LATE = "29"
COLUMNS = [
    "client",
    "claim_id",
    "payer",
    "kind",
    "window_days",
    "starts_on",
    "deadline_on",
    "days_left",
    "used_share",
    "is_alert",
    "is_missed",
    "is_recoverable",
    "open_cents",
]


@measure("Time limits that run", value="open_cents")
def deadlines(tables: Mapping[str, Any], *, as_of: dt.date, alert: float = 0.8) -> pd.DataFrame:
    """Every time limit that runs or ran out on open claims: to file, to appeal, to file with the secondary payer.

    Formula
        deadline_on = starts_on + the payer's limit in force on starts_on
        is_alert = at least `alert` of the window is used and the deadline is not past
        is_missed = deadline_on before as_of
    Counts
        filing: claims with an insurer and an open insurance balance that were never sent (`sending.never_sent`), or
        were rejected and not sent again (a rejection is no filing); the clock starts with the service.
        appeal: claims whose standing decision is a denial, with an open insurance balance and no
        appeal since; the clock starts with that decision.
        secondary_filing: claims that the primary settled, not sent to the secondary payer; those it
        forwarded itself count once 45 days passed without an answer. open_cents is what it left.
        is_recoverable is false for a denial as filed too late (29), unless the clearinghouse or payer accepted
        the claim within the filing limit, or the payer gave it a number of its own by then (REF*1K of an answer
        that does not reject): without that proof no appeal succeeds. It is false for a missed deadline as well.
        Claims of a payer without a rule are not listed.
    Date basis
        service_on (filing); received_on of the decision (appeal, secondary filing)
    Unit
        cents; days; used_share from 0 to 1, above 1 when missed
    Empty
        No clock runs: no row.
    Source
        payer contracts and manuals as kept in payer_rules; Medicare: one calendar year to file (42 CFR
        424.44), 120 days to appeal from receipt, presumed five days after the decision (42 CFR 405.942);
        alert at 80 % of the window

    >>> from rcm_analysis.examples.follow_up import example_follow_up
    >>> found = deadlines(example_follow_up(), as_of=dt.date(2026, 11, 25))
    >>> found[["claim_id", "kind", "deadline_on", "days_left", "is_alert", "is_missed"]]
      claim_id    kind deadline_on  days_left  is_alert  is_missed
    0       H1  filing  2026-11-30          5      True      False
    1       R1  filing  2026-11-30          5      True      False
    2       U1  filing  2026-11-30          5      True      False
    3       D1  appeal  2026-12-04          9      True      False
    """
    parts = [
        with_limit(rows, tables, KINDS[kind], as_of=as_of).assign(kind=kind)
        for kind, rows in (
            ("filing", _unfiled(tables, as_of)),
            ("appeal", _unappealed(tables, as_of)),
            ("secondary_filing", _unsent(tables, as_of)),
        )
    ]
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["deadline_on"])
    rows["is_missed"] = (rows["days_left"] < 0).astype(bool)
    rows["is_alert"] = (rows["used_share"] >= alert) & ~rows["is_missed"]
    rows["is_recoverable"] = rows["is_recoverable"].astype(bool) & ~rows["is_missed"]
    for name in ("window_days", "days_left", "open_cents"):
        rows[name] = rows[name].astype("int64")
    return rows.sort_values(["client", "deadline_on", "kind", "claim_id"], ignore_index=True)[COLUMNS]


def _unfiled(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Claims with an insurer that no payer has got: never sent, or rejected since."""
    open_ = claims_with_balance(tables, as_of=as_of).filter(col("insurance_cents") > 0, ~(col("payer") == "self_pay"))
    answered = (
        source(tables, "remit_claims", [*KEY, "received_on"]).filter(col("received_on") <= as_of).select(*KEY).unique()
    )
    never = never_sent(open_, tables, as_of=as_of)
    back = open_.join(rejections(tables, as_of=as_of).select(*KEY), on=list(KEY), how="semi").join(
        answered, on=list(KEY), how="anti"
    )
    both = nw.concat(
        [_slim(never, "service_on", "insurance_cents"), _slim(back, "service_on", "insurance_cents")], how="vertical"
    )
    return _rows(both).drop_duplicates(list(KEY)).assign(is_recoverable=True)


def _unappealed(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Standing denials with an open insurance balance and no appeal since."""
    open_ = (
        claims_with_balance(tables, as_of=as_of)
        .filter(col("insurance_cents") > 0)
        .select(*KEY, "insurance_cents", "service_on")
    )
    denied = standing_denials(tables, as_of=as_of).join(open_, on=list(KEY), how="inner")
    appeals = (
        source(tables, "work_log", [*KEY, "worked_on", "entered_on", "action"])
        .filter(col("entered_on") <= as_of, col("action") == "appeal")
        .group_by(*KEY)
        .agg(appealed_on=col("worked_on").max())
    )
    left = denied.join(appeals, on=list(KEY), how="left").filter(
        col("appealed_on").is_null() | (col("appealed_on") < col("denied_on"))
    )
    reasons = primary_reasons(tables, as_of=as_of).select("client", "remit_claim_id", "carc")
    rows = collect(
        left.join(reasons, on=["client", "remit_claim_id"], how="left").select(
            *KEY, "payer", "service_on", "carc", starts_on=col("denied_on"), open_cents=col("insurance_cents")
        ),
        [*KEY, "payer", "carc"],
        dates=["service_on", "starts_on"],
    ).drop_duplicates(list(KEY), keep="last")
    has_proof = _filed_in_time(rows, tables, as_of)
    return rows.assign(is_recoverable=(rows["carc"] != TOO_LATE) | has_proof).drop(columns=["carc", "service_on"])


def standing_denials(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Claims whose standing decision is a denial, with the day of that decision. Lazy.

    Shape
        client, claim_id, payer_order, payer, remit_claim_id, denied_on, denied_cents
    """
    standing = (
        net_positions(tables, as_of=as_of)
        .filter(col("outcome").is_in(list(DENIED)))
        .select(*CLAIM, denied_cents=col("standing_denied_cents"))
    )
    decided = claim_adjudications(tables, as_of=as_of).filter(~col("outcome").is_in(list(UNDECIDED)))
    last = decided.filter(is_first(CLAIM, ORDER, reverse=True)).select(
        *CLAIM, "payer", "remit_claim_id", denied_on=col("received_on")
    )
    return last.join(standing, on=list(CLAIM), how="inner")


def _filed_in_time(rows: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.Series:
    """True where a front end accepted the claim, or the payer numbered it, within the payer's filing limit."""
    accepted = source(tables, "claim_edits", [*KEY, "checked_on", "stage", "result"]).filter(
        col("checked_on") <= as_of, col("stage").is_in(list(FRONT_ENDS)), col("result") == "passed"
    )
    proofs = [accepted.select(*KEY, "checked_on")]
    if "acknowledgments" in tables:
        names = [*KEY, "payer_claim_id", "result", "received_on"]
        numbered = source(tables, "acknowledgments", names).filter(
            col("received_on") <= as_of, ~col("payer_claim_id").is_null(), ~(col("result") == "failed")
        )
        proofs.append(numbered.filter(~col("claim_id").is_null()).select(*KEY, checked_on=col("received_on")))
    proven = nw.concat(proofs, how="vertical")
    first = collect(proven.group_by(*KEY).agg(col("checked_on").min()), KEY, dates=["checked_on"])
    due = with_limit(rows.assign(starts_on=rows["service_on"]), tables, KINDS["filing"], as_of=as_of)
    both = due.merge(first, on=list(KEY), how="left")
    return pd.Series((both["checked_on"] <= both["deadline_on"]).to_numpy(), index=rows.index)


def _unsent(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """What the primary payer left and nobody sent on."""
    trail = trail_frame(
        secondary_trail(tables, as_of=as_of).filter(col("sent_on").is_null(), col("answered_on").is_null())
    )
    waited = (pd.Timestamp(as_of) - trail["decided_on"]).dt.days
    ours = (trail["status"] == PROCESSED) | ((trail["status"] == CROSSED_OVER) & (waited >= CROSSOVER_DAYS))
    rows = trail[ours]
    return pd.DataFrame(
        {
            "client": rows["client"],
            "claim_id": rows["claim_id"],
            "payer": rows["secondary_payer"],
            "starts_on": rows["decided_on"],
            "open_cents": rows["patient_cents"],
            "is_recoverable": True,
        }
    )


def _slim(rows: nw.LazyFrame, start: str, cents: str) -> nw.LazyFrame:
    return rows.select(*KEY, "payer", starts_on=col(start), open_cents=col(cents))


def _rows(rows: nw.LazyFrame) -> pd.DataFrame:
    return collect(rows, [*KEY, "payer"], dates=["starts_on"])
