"""Which claims are known to have left the office, and from when on a client's records would show that one has not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from ...ledger.postings import INSURANCE, optional
from ...tables.frames import collect, source

col = nw.col
KEY = ("client", "claim_id")
FRONT_ENDS = ("clearinghouse", "payer")
RECORDED_TENTHS = 9
"""Sending is on record where nine in ten of the claims that a payer answered have a bill on file."""
RECENT_DAYS = 90


def sending_recorded(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The clients whose bills are on file, and from which day on. Lazy.

    Formula
        recorded_from = the day of the first bill (837, or what an export says of sending) of the client
    Counts
        Clients of which, of the claims entered since that day and answered by a payer, at least nine in ten have a
        bill; and of those entered in the last 90 days, too: else its bills have stopped to come in. An office whose
        claims come from exports and remittances alone has none: of its claims nobody can say that they were never sent.
    Shape
        client, recorded_from
    Empty
        No bill of any client: no row.
    Source
        our own
    """
    sent = _bills(tables, as_of)
    first = sent.group_by("client").agg(recorded_from=col("submitted_on").min())
    claims = source(tables, "claims", [*KEY, "payer"], may_lack=["entered_on"]).filter(~(col("payer") == "self_pay"))
    ours = claims.join(first, on="client", how="inner").filter(
        col("entered_on") >= col("recorded_from"), col("entered_on") <= as_of
    )
    billed = sent.select(*KEY).unique().with_columns(billed=nw.lit(1))
    answered = ours.join(_answered(tables, as_of), on=list(KEY), how="semi").join(billed, on=list(KEY), how="left")
    # A claim with its bill counts 1, one without takes away the nine that would make up for it.
    score = nw.when(col("billed").is_null()).then(-RECORDED_TENTHS).otherwise(1)
    is_recent = col("entered_on") > as_of - dt.timedelta(days=RECENT_DAYS)
    scores = answered.with_columns(score=score, recent=nw.when(is_recent).then(score).otherwise(0))
    counts = scores.group_by("client").agg(col("score").sum(), col("recent").sum())
    seen = first.join(counts, on="client", how="left")
    is_whole = (col("score").fill_null(0) >= 0) & (col("recent").fill_null(0) >= 0)
    return seen.filter(is_whole).select("client", "recorded_from")


def cannot_tell(tables: Mapping[str, Any], *, as_of: dt.date) -> bool:
    """Whether the bills of some client of these tables are not on file, so that nobody can say what never left."""
    clients = source(tables, "claims", ["client"]).unique()
    unknown = clients.join(sending_recorded(tables, as_of=as_of), on="client", how="anti")
    return len(collect(unknown, ["client"])) > 0


def never_sent(claims: nw.LazyFrame, tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Those of the claims (with `entered_on`) that never left, as far as the records can tell. Lazy.

    Counts
        Claims entered since their client's bills are on file (`sending_recorded`) that have no bill, no answer and no
        payment of an insurer, and that no clearinghouse or payer has checked: each of these proves that it left.
    """
    known = sending_recorded(tables, as_of=as_of)
    since = claims.join(known, on="client", how="inner").filter(col("entered_on") >= col("recorded_from"))
    rows = since.drop("recorded_from")
    proofs = [_bills(tables, as_of).select(*KEY).unique(), _answered(tables, as_of)]
    if optional(tables, "claim_edits") is not None:
        checks = source(tables, "claim_edits", [*KEY, "checked_on", "stage"])
        proofs.append(
            checks.filter(col("checked_on") <= as_of, col("stage").is_in(list(FRONT_ENDS))).select(*KEY).unique()
        )
    for proof in proofs:
        rows = rows.join(proof, on=list(KEY), how="anti")
    return rows


def _bills(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    return source(tables, "submissions", [*KEY, "submitted_on"]).filter(col("submitted_on") <= as_of)


def _answered(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """Claims on which a payer was heard: a remittance, or a posted payment of an insurer."""
    remitted = source(tables, "remit_claims", [*KEY, "received_on"]).filter(col("received_on") <= as_of).select(*KEY)
    paid = paid_by_insurers(tables, as_of=as_of)
    return (remitted if paid is None else nw.concat([remitted, paid.select(*KEY)], how="vertical")).unique()


def paid_by_insurers(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame | None:
    """The posted payments of insurers: client, claim_id, party, posted_on. Lazy; None for tables without postings."""
    if optional(tables, "transactions") is None:
        return None
    rows = source(tables, "transactions", [*KEY, "kind", "party", "posted_on"]).filter(
        col("posted_on") <= as_of, col("kind") == "payment", col("party").is_in(list(INSURANCE))
    )
    return rows.select(*KEY, "party", "posted_on")
