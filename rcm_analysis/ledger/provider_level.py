"""Money that payers pay or withhold without a claim: the PLB segments of remittances, as cash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from ..tables.frames import source

col = nw.col
CHECK = ["client", "payer", "trace"]


def provider_level_money(tables: Mapping[str, Any]) -> nw.LazyFrame:
    """One row per PLB pair whose money is in no posting: capitation, interest, recoupments, money carried forward.

    Formula
        amount_cents = -1 x the PLB amount, so that money which came in is positive
    Counts
        The pairs of every remittance but those whose billing system posted the whole deposit: when the
        payments and takebacks under a payer's trace number add up to the deposit (BPR02) and not to its
        claims, the PLB money is in the postings already and is not counted twice.
    Date basis
        paid_on, the day of payment (BPR16), else the day of the file
    Unit
        cents
    Shape
        client, payer, reason, paid_on, amount_cents (lazy); no row where the tables hold no remittances
    Source
        X12 005010X221 1.10.2: deposit = claim payments - PLB; X12 RFI 1756 (signs)
    """
    deposits = source(tables, "deposits", [*CHECK, "remit_id", "paid_cents", "claims_paid_cents", "paid_on"])
    posted = source(tables, "transactions", [*CHECK, "kind", "amount_cents"]).filter(
        col("kind").is_in(["payment", "takeback"]), ~col("trace").is_null()
    )
    posted = posted.group_by(*CHECK).agg(col("amount_cents").sum().alias("posted_cents"))
    checks = deposits.group_by(*CHECK).agg(col("paid_cents").sum(), col("claims_paid_cents").sum())
    whole = checks.join(posted, on=CHECK, how="inner").filter(
        col("posted_cents") * -1 == col("paid_cents"), col("paid_cents") != col("claims_paid_cents")
    )
    open_deposits = deposits.join(whole.select(CHECK), on=CHECK, how="anti").select(
        "client", "remit_id", "payer", "paid_on"
    )
    pairs = source(tables, "provider_adjustments", ["client", "remit_id", "reason", "amount_cents", "received_on"])
    rows = pairs.join(open_deposits, on=["client", "remit_id"], how="inner")
    return rows.select(
        "client",
        "payer",
        "reason",
        paid_on=nw.coalesce(col("paid_on"), col("received_on")),
        amount_cents=col("amount_cents") * -1,
    )
