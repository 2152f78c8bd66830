"""Read 835 and 837 files, turned into the tables of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from ...ledger.claim_state import STATED_ORDERS
from ...tables.clients import Registry
from ...tables.ids import plain
from ...tables.schema import DEPOSITS, PROVIDER_ADJUSTMENTS, REMIT_ADJUSTMENTS, REMIT_CLAIMS, REMIT_LINES, Table

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
    claims, lines = _offsets(remittances, "claims"), _offsets(remittances, "lines")
    out = {}
    for item in fields(Gathered):
        frame = stacked([getattr(read, item.name) for read in remittances])
        number = frame["file_number"].to_numpy()
        new = {"transaction": frame["file_number"].astype(str) + ":" + frame["transaction"].astype(str)}
        if "claim_index" in frame:
            new["claim_index"] = frame["claim_index"] + claims[number]
        if "line_index" in frame:
            new["line_index"] = frame["line_index"].astype("Int64") + lines[number]
        frame = frame.assign(**new)
        out[item.name] = frame if item.name == "payments" else frame.drop(columns="file_number")
    return Gathered(**out)


def _offsets(remittances: Sequence[Any], name: str) -> np.ndarray:
    """The number of rows of all files before each one."""
    return np.concatenate([[0], np.cumsum([len(getattr(read, name)) for read in remittances])])[:-1]


def stacked(frames: Sequence[pd.DataFrame], numbers: Sequence[int] | None = None) -> pd.DataFrame:
    """The frames of many files as one with the column `file_number`, the position of each, else its number.

    Empty frames, whose columns have no dtype worth keeping, are left out.
    """
    which = [place for place, frame in enumerate(frames) if len(frame)]
    whole = pd.concat([frames[place] for place in which] or frames[:1], ignore_index=True)
    names = np.array(range(len(frames)) if numbers is None else numbers, dtype="int64")[which]
    return whole.assign(file_number=np.repeat(names, [len(frames[place]) for place in which]))


def remittance_tables(remittance: Any, *, client: str, registry: Registry) -> dict[str, pl.DataFrame]:
    """The five remittance tables, each row under the content hash of its transaction.

    The hash covers trace (else payer), amount, date and every claim payment, but neither envelope nor
    line ends: the same remittance in another wrapping gets the same `remit_id`. Every frame carries
    the extra columns `remit_id`, `file_number` and `segment`, `deposits` also `handling`, `created_on` and `whose`;
    `received_on` is empty where the transaction names no day at all.
    """
    payments = _payments(remittance, registry, client)
    of_payment = payments.select(
        "transaction", "file_number", "remit_id", "received_on", "paid_on", pl.col("payer").alias("_payer")
    )
    claims = _claims(remittance, of_payment)
    of_claim = claims.select(
        "claim_index",
        "file_number",
        "remit_id",
        "remit_claim_id",
        "received_on",
        "claim_id",
        "service_from",
        claim_remarks="remark_codes",
    )
    lines = _lines(remittance, of_claim)
    found = {
        "deposits": payments,
        "remit_claims": claims,
        "remit_lines": lines,
        "remit_adjustments": _adjustments(remittance, of_claim, lines),
        "provider_adjustments": _provider_adjustments(remittance, of_payment),
    }
    extra = {"deposits": ("handling", "created_on", "whose")}
    return {
        table.name: shaped(found[table.name], table, client).with_columns(
            found[table.name].select(
                "remit_id", "file_number", pl.col("segment").cast(pl.Int64), *extra.get(table.name, ())
            )
        )
        for table in REMITTANCE_TABLES
    }


def whose(payments: pl.DataFrame, tax_id: str, *, client: str, registry: Registry) -> pl.Series:
    """Whose money each payment is, by its payee (see `Registry.payee`); `tax_id` names the column of the tax id."""
    who = payments.select(pl.col("payee_npi", tax_id, "payee").cast(pl.String))
    known = {
        (npi, tax, name): registry.payee(client, npi=npi, tax_id=tax, name=name)
        for npi, tax, name in who.unique().iter_rows()
    }
    return pl.Series("whose", [known[row] for row in who.iter_rows()], dtype=pl.String)


def _payments(remittance: Any, registry: Registry, client: str) -> pl.DataFrame:
    payments, claims = _frame(remittance.payments), _frame(remittance.claims).with_row_index("claim_index")
    return payments.with_columns(
        whose(payments, "payee_tax_id", client=client, registry=registry),
        _content_hashes(payments.with_columns(_day("paid_on")), claims),
        payer_ids(registry),
        _day("paid_on"),
        _day("created_on"),
    ).with_columns(
        known_on().alias("received_on"), payee_tax_id_end=pl.col("payee_tax_id").str.replace_all(r"\D", "").str.tail(4)
    )


def _claims(remittance: Any, of_payment: pl.DataFrame) -> pl.DataFrame:
    claims = _frame(remittance.claims).with_row_index("claim_index")
    return claims.join(of_payment, on="transaction", how="left").with_columns(
        pl.format("{}-{}", "remit_id", "position").alias("remit_claim_id"),
        pl.col("_payer").alias("payer"),
        pl.col("position").alias("sequence"),
        pl.col("claim_id").alias("claim_number"),
        pl.col("status").replace_strict(STATED_ORDERS, default="primary", return_dtype=pl.String).alias("payer_order"),
        _day("service_from"),
    )


def _lines(remittance: Any, of_claim: pl.DataFrame) -> pl.DataFrame:
    lines = _frame(remittance.lines).with_row_index("line_index")
    return lines.join(of_claim, on="claim_index", how="left").with_columns(
        pl.format("{}-{}", "remit_claim_id", "position").alias("remit_line_id"),
        pl.coalesce(_day("service_on"), "service_from").alias("service_on"),
    )


def _adjustments(remittance: Any, of_claim: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The adjustments of claims and of lines, numbered within their claim."""
    of_line = lines.select("line_index", "remit_line_id", line_remarks="remark_codes")
    return (
        _frame(remittance.adjustments)
        .join(of_claim, on="claim_index", how="left")
        .join(of_line, on="line_index", how="left")
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


def _provider_adjustments(remittance: Any, of_payment: pl.DataFrame) -> pl.DataFrame:
    return (
        _frame(remittance.provider_adjustments)
        .join(of_payment, on="transaction", how="left")
        .with_columns(pl.int_range(pl.len()).over("remit_id").alias("_nth"))
        .with_columns(pl.format("{}-p{}", "remit_id", pl.col("_nth") + 1).alias("provider_adjustment_id"))
    )


def shaped(frame: pl.DataFrame, table: Table, client: str) -> pl.DataFrame:
    """The frame with the table's columns and kinds, `client` filled; absent columns are empty."""
    frame = frame.with_columns(pl.lit(client).alias("client"))
    absent = [pl.lit(None).alias(name) for name in table.names if name not in frame.columns]
    return frame.with_columns(*absent).select(pl.col(name).cast(kind) for name, kind in table.polars.items())


def _content_hashes(payments: pl.DataFrame, claims: pl.DataFrame) -> pl.Series:
    """One hash per transaction over what it says of the payment and of every claim, in order.

    The same remittance from two clearinghouses has one hash: its trace number counts but for zeros, case and
    punctuation, and the payer, whom the two may call differently, only where there is no trace number.
    """

    def text(names: Sequence[str]) -> pl.Expr:
        return pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in names], separator="\x1f")

    of_claims = claims.group_by("transaction", maintain_order=True).agg(
        text(["claim_id", "status", "charge_cents", "paid_cents", "payer_claim_id"]).str.join("\x1e").alias("_claims")
    )
    check = plain(pl.col("trace").fill_null(""))
    payer = text(["payer_id", "payer"])
    payments = payments.with_columns(_paid_under=pl.when(check == "").then(payer).otherwise(check))
    head = text(["_paid_under", "paid_cents", "paid_on", "_claims"])
    content = payments.join(of_claims, on="transaction", how="left", maintain_order="left").select(head).to_series()
    return pl.Series("remit_id", [hashlib.sha256(row.encode()).hexdigest()[:24] for row in content], dtype=pl.String)


HISTORY_DAYS = 14
"""A file made later than this after its payment is history read in one go."""


def known_on() -> pl.Expr:
    """The day on which a remittance was known: that of its file, else of its payment.

    A practice that starts with us downloads its history in one go: a file made more than 14 days
    after the payment is a copy, and what it says was known on the day of the payment.
    """
    is_history = pl.col("created_on") > pl.col("paid_on") + pl.duration(days=HISTORY_DAYS)
    return pl.when(is_history).then("paid_on").otherwise(pl.coalesce("created_on", "paid_on"))


def payer_ids(registry: Registry) -> pl.Expr:
    """Our id of the payer that `payer` and `payer_id` name."""
    named = pl.struct("payer", "payer_id").map_elements(
        lambda row: _payer(registry, row["payer_id"], row["payer"]), return_dtype=pl.String
    )
    return named.alias("payer")


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
