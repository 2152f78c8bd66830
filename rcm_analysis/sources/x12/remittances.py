"""Read 835 and 837 files, turned into the tables of the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
import polars as pl

from ...tables.clients import Registry
from ...tables.schema import (
    DEPOSITS,
    PROVIDER_ADJUSTMENTS,
    REMIT_ADJUSTMENTS,
    REMIT_CLAIMS,
    REMIT_LINES,
    SUBMISSIONS,
    Table,
)

ORDER_OF_STATUS = {
    "1": "primary",
    "19": "primary",
    "2": "secondary",
    "20": "secondary",
    "3": "tertiary",
    "21": "tertiary",
}
UNMAPPED = "unmapped:"
"""What stands before the name of a payer that the registry does not know."""
REMITTANCE_TABLES = (DEPOSITS, REMIT_CLAIMS, REMIT_LINES, REMIT_ADJUSTMENTS, PROVIDER_ADJUSTMENTS)


@dataclass(frozen=True)
class Gathered:
    """The frames of many 835 files as one, row numbers and transactions renumbered."""

    payments: pd.DataFrame
    claims: pd.DataFrame
    lines: pd.DataFrame
    adjustments: pd.DataFrame
    provider_adjustments: pd.DataFrame


def gathered(remittances: Sequence[Any]) -> Gathered:
    """Many read files as one: turning them into tables costs once, not once a file.

    `payments` gets the column `file_number`, the position in `remittances`.
    """
    parts: dict[str, list[pd.DataFrame]] = {item.name: [] for item in fields(Gathered)}
    claims = lines = 0
    for number, read in enumerate(remittances):
        for name, frames in parts.items():
            frame = getattr(read, name)
            frame = frame.assign(transaction=f"{number}:" + frame["transaction"].astype(str))
            if "claim_index" in frame:
                frame["claim_index"] = frame["claim_index"] + claims
            if "line_index" in frame:
                frame["line_index"] = frame["line_index"].astype("Int64") + lines
            frames.append(frame.assign(file_number=number) if name == "payments" else frame)
        claims, lines = claims + len(read.claims), lines + len(read.lines)
    return Gathered(**{name: _stacked(frames) for name, frames in parts.items()})


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Stacked without the empty frames, whose columns have no dtype worth keeping."""
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def remittance_tables(remittance: Any, *, client: str, registry: Registry) -> dict[str, pl.DataFrame]:
    """The five remittance tables, each row under the content hash of its transaction.

    The hash covers payer, trace, amount, date and every claim payment, but neither envelope nor
    line ends: the same remittance in another wrapping gets the same `remit_id`. Every frame carries
    the extra columns `remit_id`, `file_number` and `segment`; `received_on` is empty where the
    transaction names no day at all.
    """
    payments = _frame(remittance.payments)
    claims = _frame(remittance.claims).with_row_index("claim_index")
    lines = _frame(remittance.lines).with_row_index("line_index")
    payments = payments.with_columns(
        _content_hashes(payments.with_columns(_day("paid_on")), claims),
        pl.struct("payer", "payer_id")
        .map_elements(lambda row: _payer(registry, row["payer_id"], row["payer"]), return_dtype=pl.String)
        .alias("payer"),
        _day("paid_on"),
        _day("created_on"),
    ).with_columns(
        pl.coalesce("created_on", "paid_on").alias("received_on"),
        payee_tax_id_end=pl.col("payee_tax_id").str.replace_all(r"\D", "").str.tail(4),
    )
    of_payment = payments.select(
        "transaction", "file_number", "remit_id", "received_on", "paid_on", pl.col("payer").alias("_payer")
    )
    claims = claims.join(of_payment, on="transaction", how="left").with_columns(
        pl.format("{}-{}", "remit_id", "position").alias("remit_claim_id"),
        pl.col("_payer").alias("payer"),
        pl.col("position").alias("sequence"),
        pl.col("status").replace_strict(ORDER_OF_STATUS, default=None, return_dtype=pl.String).alias("payer_order"),
    )
    of_claim = claims.select(
        "claim_index",
        "file_number",
        "remit_id",
        "remit_claim_id",
        "received_on",
        "claim_id",
        claim_remarks="remark_codes",
    )
    lines = lines.join(of_claim, on="claim_index", how="left").with_columns(
        pl.format("{}-{}", "remit_claim_id", "position").alias("remit_line_id"), _day("service_on")
    )
    adjustments = (
        _frame(remittance.adjustments)
        .join(of_claim, on="claim_index", how="left")
        .join(lines.select("line_index", "remit_line_id", line_remarks="remark_codes"), on="line_index", how="left")
        .with_columns(
            pl.int_range(pl.len()).over("remit_claim_id").alias("_nth"),
            pl.when(pl.col("remit_line_id").is_null())
            .then(pl.col("claim_remarks"))
            .otherwise(pl.col("line_remarks"))
            .alias("remark_codes"),
            pl.col("group").alias("group_code"),
        )
        .with_columns(pl.format("{}-a{}", "remit_claim_id", pl.col("_nth") + 1).alias("remit_adjustment_id"))
    )
    provider = (
        _frame(remittance.provider_adjustments)
        .join(of_payment, on="transaction", how="left")
        .with_columns(pl.int_range(pl.len()).over("remit_id").alias("_nth"))
        .with_columns(pl.format("{}-p{}", "remit_id", pl.col("_nth") + 1).alias("provider_adjustment_id"))
    )
    found = {
        "deposits": payments,
        "remit_claims": claims,
        "remit_lines": lines,
        "remit_adjustments": adjustments,
        "provider_adjustments": provider,
    }
    return {
        table.name: shaped(found[table.name], table, client).with_columns(
            found[table.name].select("remit_id", "file_number", pl.col("segment").cast(pl.Int64))
        )
        for table in REMITTANCE_TABLES
    }


def submission_table(submissions: Sequence[pd.DataFrame], *, client: str, registry: Registry) -> pl.DataFrame:
    """The submissions of many 837 files, with `file_number` and `segment`.

    The same claim sent twice in one file is told apart by count; the same claim in two files gets
    the same `submission_id` twice.
    """
    numbered = [frame.assign(file_number=number) for number, frame in enumerate(submissions)]
    frame = _frame(_stacked(numbered)).with_columns(
        pl.struct("payer", "payer_id")
        .map_elements(lambda row: _payer(registry, row["payer_id"], row["payer"]), return_dtype=pl.String)
        .alias("payer"),
        _day("submitted_on"),
    )
    same = ["claim_id", "submitted_on", "payer", "payer_order", "frequency", "charge_cents"]
    frame = frame.with_columns(pl.int_range(pl.len()).over("file_number", *same).alias("_nth"))
    ids = [
        hashlib.sha256(json.dumps(row, default=str).encode()).hexdigest()[:24]
        for row in frame.select(*same, "_nth").rows()
    ]
    frame = frame.with_columns(pl.Series("submission_id", ids, dtype=pl.String))
    return shaped(frame, SUBMISSIONS, client).with_columns(
        frame.select("file_number", pl.col("segment").cast(pl.Int64))
    )


def shaped(frame: pl.DataFrame, table: Table, client: str) -> pl.DataFrame:
    """The frame with the table's columns and kinds, `client` filled; absent columns are empty."""
    frame = frame.with_columns(pl.lit(client).alias("client"))
    absent = [pl.lit(None).alias(name) for name in table.names if name not in frame.columns]
    return frame.with_columns(*absent).select(pl.col(name).cast(kind) for name, kind in table.polars.items())


def ordered(claims: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Remittance claims with every `payer_order` filled.

    A reversal (22) and the other statuses without an order of their own take that of the latest
    claim payment by the same payer on the same claim, stored or in this delivery; else primary.
    """
    columns = ["claim_id", "payer", "received_on", "sequence", "payer_order"]
    both = pl.concat([known.select(columns), claims.select(columns)]).drop_nulls("payer_order")
    latest = (
        both.sort("received_on", "sequence")
        .group_by("claim_id", "payer")
        .agg(pl.col("payer_order").last().alias("_order"))
    )
    return (
        claims.join(latest, on=["claim_id", "payer"], how="left")
        .with_columns(pl.coalesce("payer_order", "_order", pl.lit("primary")).alias("payer_order"))
        .drop("_order")
    )


def _content_hashes(payments: pl.DataFrame, claims: pl.DataFrame) -> pl.Series:
    """One hash per transaction over what it says of the payment and of every claim, in order."""

    def text(names: Sequence[str]) -> pl.Expr:
        return pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in names], separator="\x1f")

    of_claims = claims.group_by("transaction", maintain_order=True).agg(
        text(["claim_id", "status", "charge_cents", "paid_cents", "payer_claim_id"]).str.join("\x1e").alias("_claims")
    )
    head = ["payer_id", "payer", "trace", "paid_cents", "paid_on", "_claims"]
    content = (
        payments.join(of_claims, on="transaction", how="left", maintain_order="left").select(text(head)).to_series()
    )
    return pl.Series("remit_id", [hashlib.sha256(row.encode()).hexdigest()[:24] for row in content], dtype=pl.String)


def _payer(registry: Registry, identifier: str | None, name: str | None) -> str:
    """The registry's payer id; a payer that it does not know keeps its own name, marked."""
    return registry.payer_of(identifier, name) or unmapped(name or identifier)


def unmapped(name: str | None) -> str:
    """The id under which a payer that the registry does not know is stored.

    >>> unmapped("Some Health Plan, Inc.")
    'unmapped:some health plan, inc.'
    """
    return UNMAPPED + (name or "unknown").strip().lower()


def _frame(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.from_pandas(frame.reset_index(drop=True))


def _day(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Date).alias(name)
