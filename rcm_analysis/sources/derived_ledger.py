"""A client without practice-management exports: claims from its 837s, the ledger from its 835s.

    charge        the first original claim sent to the primary payer
    payment       what the payer paid; money taken back by a reversal is a takeback
    contractual   adjustments that are no denial (CO, PI and OA, other than OA 23): they will not be paid
    transfer      patient responsibility (PR), from the payer that named it to the next payer if the
                  claim was sent or forwarded to one, else to the patient

A denial posts nothing: the claim stays open until somebody is paid or writes it off. Patient payments,
write-offs and refunds are in no 835, so patient balances are what was billed to patients, not what they
still owe; give such a client an export when there is one.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import polars as pl

from ..tables.reference.carc import codes_of
from ..tables.schema import CLAIM_LINES, CLAIMS, TRANSACTIONS, Table
from .x12.remittances import shaped

NEXT = {"primary": "secondary", "secondary": "tertiary"}
FORWARDED = ("19", "20", "21")


def claim_tables(
    read: Sequence[tuple[pd.DataFrame, pd.DataFrame]], submissions: pl.DataFrame, *, client: str
) -> dict[Table, pl.DataFrame]:
    """Claims and service lines from 837 files: the first original of each claim sent to a primary payer.

    `read` holds the `submissions` and `lines` frames of each file; `submissions` is their table with
    `file_number`, whose payers are ours and whose rows stand in the same order. The patient is still
    the raw id.
    """
    heads = pl.concat([_heads(frame, number) for number, (frame, _) in enumerate(read)], how="diagonal_relaxed")
    heads = heads.with_columns(submissions["payer"], submissions["submitted_on"].alias("entered_on"))
    first = heads.filter((pl.col("payer_order") == "primary") & (pl.col("frequency") == "1"))
    first = first.sort("entered_on", maintain_order=True).unique("claim_id", keep="first", maintain_order=True)
    first = first.with_columns(
        pl.coalesce("rendering_npi", "billing_npi").alias("provider"),
        pl.col("place_of_service").alias("location"),
        pl.coalesce("service_on", "entered_on").alias("service_on"),
    )
    lines = pl.concat([_lines(frame, number) for number, (_, frame) in enumerate(read)], how="diagonal_relaxed")
    lines = lines.join(
        first.select("file_number", "claim_index", "claim_id", "entered_on", claim_service_on="service_on"),
        on=["file_number", "claim_index"],
        how="inner",
    ).with_columns(
        pl.coalesce("service_on", "claim_service_on").alias("service_on"),
        pl.coalesce("procedure", "revenue_code", pl.lit("not stated")).alias("procedure"),
        pl.int_range(1, pl.len() + 1).over("file_number", "claim_index").alias("line_number"),
    )
    return {CLAIMS: shaped(first, CLAIMS, client), CLAIM_LINES: shaped(lines, CLAIM_LINES, client)}


def _heads(frame: pd.DataFrame, number: int) -> pl.DataFrame:
    heads = pl.from_pandas(frame.reset_index(drop=True)).with_row_index("claim_index")
    # A family shares the subscriber's member id; the relationship tells spouse from child.
    is_self = pl.col("relationship").fill_null("18") == "18"
    return heads.with_columns(
        pl.when(is_self).then("patient").otherwise(pl.format("{}/{}", "patient", "relationship")).alias("patient"),
        pl.lit(number).alias("file_number"),
        pl.col("claim_index").cast(pl.Int64),
        pl.col("service_on").cast(pl.Date),
    )


def _lines(frame: pd.DataFrame, number: int) -> pl.DataFrame:
    lines = pl.from_pandas(frame.reset_index(drop=True))
    return lines.with_columns(
        pl.lit(number).alias("file_number"), pl.col("claim_index").cast(pl.Int64), pl.col("service_on").cast(pl.Date)
    )


def ledger_table(
    claims: pl.DataFrame,
    submissions: pl.DataFrame,
    remit_claims: pl.DataFrame,
    adjustments: pl.DataFrame,
    deposits: pl.DataFrame,
    *,
    client: str,
) -> pl.DataFrame:
    """The postings that the stored 837 and 835 tables imply; the same tables give the same ledger."""
    charges = claims.select(
        pl.format("{}-charge", "claim_id").alias("transaction_id"),
        "claim_id",
        "payer",
        kind=pl.lit("charge"),
        party=pl.lit("primary"),
        amount_cents="charge_cents",
        happened_on="service_on",
        posted_on="entered_on",
    )
    decided = remit_claims.join(deposits.select("remit_id", "trace"), on="remit_id", how="left").select(
        "remit_claim_id",
        "claim_id",
        "payer",
        "trace",
        "status",
        "paid_cents",
        party="payer_order",
        happened_on=pl.coalesce("paid_on", "received_on"),
        posted_on="received_on",
    )
    paid = decided.filter(pl.col("paid_cents") != 0).with_columns(
        pl.format("{}-payment", "remit_claim_id").alias("transaction_id"),
        amount_cents=-pl.col("paid_cents"),
        kind=pl.when(pl.col("paid_cents") < 0).then(pl.lit("takeback")).otherwise(pl.lit("payment")),
    )
    postings = [charges, paid, _discounts(decided, adjustments), *_transfers(decided, adjustments, submissions)]
    return shaped(pl.concat(postings, how="diagonal"), TRANSACTIONS, client)


def _discounts(decided: pl.DataFrame, adjustments: pl.DataFrame) -> pl.DataFrame:
    agreed = adjustments.filter(
        pl.col("group_code").is_in(["CO", "PI", "OA"]) & pl.col("carc").is_in(codes_of(family="non_denial"))
    )
    sums = (
        agreed.group_by("remit_claim_id", "group_code", "carc")
        .agg(pl.col("amount_cents").sum())
        .filter(pl.col("amount_cents") != 0)
    )
    return sums.join(decided.drop("paid_cents", "status", "trace"), on="remit_claim_id", how="inner").with_columns(
        pl.format("{}-{}{}", "remit_claim_id", "group_code", "carc").alias("transaction_id"),
        kind=pl.lit("contractual"),
        amount_cents=-pl.col("amount_cents"),
    )


def _transfers(decided: pl.DataFrame, adjustments: pl.DataFrame, submissions: pl.DataFrame) -> list[pl.DataFrame]:
    """Patient responsibility out of the payer's balance, into the next payer's or the patient's."""
    owed = adjustments.filter(pl.col("group_code") == "PR").group_by("remit_claim_id").agg(pl.col("amount_cents").sum())
    sent = (
        submissions.select("claim_id", pl.col("payer_order").alias("_next")).unique().with_columns(_sent=pl.lit(True))
    )
    rows = (
        owed.filter(pl.col("amount_cents") != 0)
        .join(decided, on="remit_claim_id", how="inner")
        .with_columns(pl.col("party").replace_strict(NEXT, default=None, return_dtype=pl.String).alias("_next"))
        .join(sent, on=["claim_id", "_next"], how="left")
    )
    goes_on = pl.col("_next").is_not_null() & (pl.col("_sent").fill_null(False) | pl.col("status").is_in(FORWARDED))
    rows = rows.with_columns(kind=pl.lit("transfer"), _to=pl.when(goes_on).then("_next").otherwise(pl.lit("patient")))
    out = rows.with_columns(
        pl.format("{}-out", "remit_claim_id").alias("transaction_id"), amount_cents=-pl.col("amount_cents")
    )
    into = rows.with_columns(pl.format("{}-in", "remit_claim_id").alias("transaction_id"), party="_to")
    return [frame.drop("_next", "_sent", "_to", "status", "trace", "paid_cents") for frame in (out, into)]
