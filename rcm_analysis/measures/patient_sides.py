"""The two sides of a patient balance: what the payers left to the patient, and what the ledger asks of them.

Both give a Narwhals lazy frame with one row per claim; `patient_billing` compares them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from ..adjudications import UNDECIDED, claim_adjudications
from ..frames import source
from ..schema import CLAIMS
from .postings import INSURANCE

col = nw.col
KEY = list(CLAIMS.key)
WAIVER_CODES = ("50", "96")
"""PR with these codes needs a waiver signed before the service (an ABN, for Medicare)."""


def payer_positions(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """What the last payer that has decided leaves to the patient, reversals netted.

    Formula
        share_cents = group PR, added up over the claim payments of the last payer in order of whom more
        decisions than reversals are known
    Counts
        Every claim that any payer has decided. `place` is that payer's place in the order of payers;
        decided_on and reversed_on the days of its last decision and reversal; oa209_cents, pr45_cents
        and waiver_cents its net amounts under OA-209, PR-45, and PR-50 or PR-96; co_cents those of all
        payers under CO. Refusals as a duplicate and answers that keep a claim open decide nothing, and so
        a reversal of one takes nothing back.
    Date basis
        received_on
    Unit
        cents
    """
    known = claim_adjudications(tables, as_of=as_of)
    undecided_cents = col("duplicate_cents") + col("pended_cents")
    is_reversal = (col("outcome") == "reversal") & ~((undecided_cents == col("charge_cents")) & (undecided_cents != 0))
    marked = known.with_columns(
        _place(), share_cents=col("patient_cents"),
        standing=nw.when(is_reversal).then(-1).when(col("outcome").is_in(list(UNDECIDED))).then(0).otherwise(1),
        reversed_on=nw.when(is_reversal).then(col("received_on")),
        decided_on=nw.when(col("outcome") != "reversal").then(col("received_on")),
    )
    by_place = marked.group_by(*KEY, "place").agg(
        col("share_cents").sum(), col("standing").sum(), col("reversed_on").max(), col("decided_on").max()
    ).filter(col("standing") > 0)
    last = by_place.group_by(*KEY).agg(col("place").max())
    codes = _by_code(tables, known, as_of)
    own = codes.group_by(*KEY, "place").agg(*[col(name).sum() for name in ("oa209_cents", "pr45_cents", "waiver_cents")])
    all_payers = codes.group_by(*KEY).agg(col("co_cents").sum())
    standing = by_place.join(last, on=[*KEY, "place"], how="semi").drop("standing")
    return standing.join(own, on=[*KEY, "place"], how="left").join(all_payers, on=KEY, how="left")


def first_answers(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The day of the first decision by each payer in order: claim, `place`, `answered_on`."""
    known = claim_adjudications(tables, as_of=as_of).filter(~col("outcome").is_in(list(UNDECIDED)))
    return known.with_columns(_place(), answered_on=col("received_on")).group_by(*KEY, "place").agg(col("answered_on").min())


def _place() -> nw.Expr:
    order = col("payer_order")
    return nw.when(order == "tertiary").then(3).when(order == "secondary").then(2).otherwise(1).alias("place")


def _by_code(tables: Mapping[str, Any], known: nw.LazyFrame, as_of: dt.date) -> nw.LazyFrame:
    payment = ["client", "remit_claim_id"]
    stated = source(tables, "remit_claims", [*payment, "charge_cents"]).rename({"charge_cents": "stated_cents"})
    payments = known.with_columns(_place()).select(*payment, "claim_id", "place", "charge_cents").join(stated, on=payment, how="inner")
    names = [*payment, "group_code", "carc", "amount_cents", "received_on"]
    adjusted = source(tables, "remit_adjustments", names).filter(col("received_on") <= as_of).drop("received_on")
    both = adjusted.join(payments, on=payment, how="inner")
    # An unsigned reversal was turned round by the adjudications, and so must its adjustments be.
    signed = nw.when(col("stated_cents") == col("charge_cents")).then(col("amount_cents")).otherwise(col("amount_cents") * -1)
    group, code = col("group_code"), col("carc")
    parts = {
        "co_cents": group == "CO", "oa209_cents": (group == "OA") & (code == "209"),
        "pr45_cents": (group == "PR") & (code == "45"), "waiver_cents": (group == "PR") & code.is_in(list(WAIVER_CODES)),
    }
    return both.with_columns(**{name: nw.when(holds).then(signed).otherwise(0) for name, holds in parts.items()})


def patient_accounts(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """What the ledger has put on the patient of each claim, and what became of it.

    Formula
        billed_cents = charges to the patient + responsibility moved to the patient, less moved back
        balance_cents = billed_cents - paid_cents - given_up_cents
    Counts
        Postings known by `as_of`; money not applied to a claim stays apart. A transfer without an
        adjustment code that lowers the patient's balance, and that no other party takes over on the
        same day, is money found and applied: it counts as paid, not as moved back.
        paid_cents is net of refunds. insured_postings counts payments and contractual adjustments of
        insurers: without a remittance they come from an EOB on paper. billed_on is the first day on
        which anything was put on the patient, co_on the first under group CO.
    Unit
        cents; discount_cents and insurer_given_up_cents (contractual, and write-offs, at the insurers) are positive
    """
    names = [*KEY, "kind", "party", "amount_cents", "posted_on", "group_code", "carc"]
    rows = source(tables, "transactions", names).filter(~col("claim_id").is_null(), col("posted_on") <= as_of)
    moved = _moved(rows.filter(col("kind") == "transfer"))
    other = _other(rows.filter(col("kind") != "transfer"))
    both = nw.concat([other, moved.select(*other.collect_schema().names())], how="vertical").group_by(*KEY).agg(
        *[col(name).sum() for name in AMOUNTS], col("billed_on").min(), col("co_on").min()
    )
    return both.with_columns(balance_cents=col("billed_cents") - col("paid_cents") - col("given_up_cents"))


AMOUNTS = ("billed_cents", "paid_cents", "given_up_cents", "discount_cents", "insurer_given_up_cents", "insured_postings", "co_billed_cents")


def _other(rows: nw.LazyFrame) -> nw.LazyFrame:
    """The postings that move nothing between parties, each amount in its column."""
    by_patient, insured = col("party") == "patient", col("party").is_in(list(INSURANCE))
    kind, amount = col("kind"), col("amount_cents")
    parts = {
        "billed_cents": (by_patient & (kind == "charge"), amount),
        "paid_cents": (by_patient & kind.is_in(["payment", "refund", "takeback"]), amount * -1),
        "given_up_cents": (by_patient & kind.is_in(["write_off", "contractual"]), amount * -1),
        "discount_cents": (insured & (kind == "contractual"), amount * -1),
        "insurer_given_up_cents": (insured & (kind == "write_off"), amount * -1),
        "insured_postings": (insured & kind.is_in(["payment", "contractual"]), nw.lit(1)),
    }
    billed = by_patient & (kind == "charge") & (amount > 0)
    return rows.select(
        *KEY, *[nw.when(holds).then(value).otherwise(0).cast(nw.Int64).alias(name) for name, (holds, value) in parts.items()],
        nw.lit(0).cast(nw.Int64).alias("co_billed_cents"), nw.when(billed).then(col("posted_on")).alias("billed_on"),
        nw.when(billed & (col("group_code") == "CO")).then(col("posted_on")).alias("co_on"),
    )


def _moved(transfers: nw.LazyFrame) -> nw.LazyFrame:
    """Responsibility put on the patient by transfers, and money that transfers applied."""
    by_patient, amount = col("party") == "patient", col("amount_cents")
    is_coded = ~col("group_code").is_null() | ~col("carc").is_null()
    sizes = transfers.with_columns(
        size=amount.abs(), coded=nw.when(by_patient & is_coded).then(amount).otherwise(0),
        bare=nw.when(by_patient & ~is_coded).then(amount).otherwise(0), others=nw.when(by_patient).then(0).otherwise(amount),
        co=nw.when(by_patient & (col("group_code") == "CO")).then(amount).otherwise(0),
    )
    days = sizes.group_by(*KEY, "posted_on", "size").agg(*[col(name).sum() for name in ("coded", "bare", "others", "co")])
    rest = col("bare") + col("coded") + col("others")
    applied = nw.when((col("bare") < 0) & (rest < 0)).then(nw.max_horizontal(rest, col("bare"))).otherwise(0)
    known = days.with_columns(applied=applied).with_columns(billed_cents=col("coded") + col("bare") - col("applied"))
    return known.with_columns(
        *[nw.lit(0).cast(nw.Int64).alias(name) for name in ("given_up_cents", "discount_cents", "insurer_given_up_cents", "insured_postings")],
        paid_cents=(col("applied") * -1).cast(nw.Int64), billed_cents=col("billed_cents").cast(nw.Int64),
        co_billed_cents=col("co").cast(nw.Int64), billed_on=nw.when(col("billed_cents") > 0).then(col("posted_on")),
        co_on=nw.when(col("co") > 0).then(col("posted_on")),
    )
