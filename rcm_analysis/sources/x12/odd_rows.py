"""Rows of X12 files that no table can hold: set aside with segment, rule and dollars, and what hangs on them.

| rule | the row is set aside because |
|---|---|
| `missing` | an element that the table requires is empty: CLP01, CLP02, SVC01, CAS01, a CAS or PLB reason, CLM01 |
| `not_listed` | the value is none that the table knows |
| `unreadable_amount` | an amount of its segment is no amount of dollars and cents |
| `missing_payment`, `missing_amount` | a remittance without a payment (BPR, BPR02): its whole transaction |
| `claim_without_lines` | a claim that bills no service |
| `parent_set_aside` | its claim or remittance was set aside; the dollars are counted there |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import polars as pl

from ...tables.schema import CLAIM_LINES, DEPOSITS, SUBMISSIONS, Table, misfits
from .claim837 import Claims837
from .remittances import REMITTANCE_TABLES, stacked

MISREAD = ("unreadable_amount", "missing_amount", "missing_payment", "claim_without_lines")
"""Rules of the readers after which a row does not say what was sent."""
_PARENTS = {
    "remit_claims": ("remit_id", "deposits", "remittance"),
    "provider_adjustments": ("remit_id", "deposits", "remittance"),
    "remit_lines": ("remit_claim_id", "remit_claims", "claim payment"),
    "remit_adjustments": ("remit_claim_id", "remit_claims", "claim payment"),
}
_DOLLARS = ("paid_cents", "claims_paid_cents", "charge_cents", "amount_cents")
_ONLY_OF_PAYMENTS = ("missing_amount", "missing_payment")
_FILLED_LATER = {
    "remit_claims": ("payer_order",),
    "submissions": ("payer",),
    "claim_lines": ("procedure", "service_on", "line_number"),
}


def misread(findings: Sequence[pd.DataFrame]) -> pl.DataFrame:
    """`file_number`, `segment`, `rule` and `message` of what the readers could not read, one frame of findings per
    file."""
    parts = [
        pl.DataFrame(
            {
                "file_number": [number] * len(bad),
                "segment": bad["segment"].astype("int64").to_numpy(),
                "rule": bad["rule"].tolist(),
                "message": bad["message"].tolist(),
            }
        )
        for number, frame in enumerate(findings)
        if len(bad := frame[frame["rule"].isin(MISREAD) & frame["segment"].notna()])
    ]
    schema: dict[Any, Any] = {"file_number": pl.Int64, "segment": pl.Int64, "rule": pl.String, "message": pl.String}
    return pl.concat([pl.DataFrame(schema=schema), *(part.cast(schema) for part in parts)])


def fit_remittances(
    tables: dict[str, pl.DataFrame], unread: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """The remittance tables without the rows they cannot hold, and those rows as a quarantine for each table.

    Counts
        What hangs on a remittance or claim payment that was set aside goes with it. Adjustments of a
        service line that was set aside alone stay, as adjustments of the claim.

    Returns
        Frames of the tables; and by table `file_number`, `row` (the segment), `column`, `rule`,
        `message`, `amount_cents` (paid, else charged; empty for what goes with its parent).
    """
    fit: dict[str, pl.DataFrame] = {}
    aside: dict[str, pl.DataFrame] = {}
    for table in REMITTANCE_TABLES:
        rows = tables[table.name].with_row_index("index")
        faults = _faults(rows, table, unread)
        if table.name in _PARENTS:
            key, parent, name = _PARENTS[table.name]
            lost = (rows if parent in aside else rows.clear()).join(fit[parent], on=key, how="anti")
            faults = _first(lost.select("index", *_with_parent(name)), faults)
        fit[table.name] = rows.filter(~pl.col("index").is_in(faults["index"].implode())).drop("index")
        if faults.height:
            aside[table.name] = _quarantine(rows, faults, table)
    if "remit_lines" in aside:
        kept = pl.col("remit_line_id").is_in(fit["remit_lines"]["remit_line_id"].implode())
        fit["remit_adjustments"] = fit["remit_adjustments"].with_columns(
            pl.when(kept).then("remit_line_id").alias("remit_line_id")
        )
    return fit, aside


def fit_claims(claims: Claims837) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pl.DataFrame]]:
    """Submissions and lines of one 837 file without the rows that cannot be stored, and those rows by table.

    A claim takes its lines with it; a line whose charge cannot be read goes alone.
    """
    unread = misread([claims.findings])
    heads = pl.from_pandas(claims.submissions).with_row_index("index").with_columns(file_number=0)
    lines = pl.from_pandas(claims.lines).with_row_index("index").with_columns(file_number=0)
    sent = heads.select("submitted_on", claim_index=pl.col("index").cast(lines.schema["claim_index"]))
    lines = lines.join(sent, on="claim_index", how="left", maintain_order="left")
    odd = _faults(heads, SUBMISSIONS, unread)
    with_it = lines.filter(pl.col("claim_index").is_in(odd["index"].implode())).select("index", *_with_parent("claim"))
    lost = _first(with_it, _faults(lines, CLAIM_LINES, unread))
    aside = {
        table.name: _quarantine(rows, faults, table)
        for rows, faults, table in ((heads, odd, SUBMISSIONS), (lines, lost, CLAIM_LINES))
        if faults.height
    }
    return *without(claims.submissions, claims.lines.drop(index=lost["index"]), odd["index"].to_list()), aside


def odd_files(read: Sequence[Any]) -> set[int]:
    """The numbers of 837 files of which `fit_claims` sets something aside, or that hold claims that bill nothing."""
    whole = [(number, claims) for number, claims in enumerate(read) if isinstance(claims, Claims837)]
    if not whole:
        return set()
    numbers = [number for number, _ in whole]
    heads, lines = (
        stacked([getattr(claims, name) for _, claims in whole], numbers) for name in ("submissions", "lines")
    )
    asked = heads["file_number"][bill_nothing(heads)]
    unread = {number for number, claims in whole if claims.findings["rule"].isin(MISREAD).any()}
    nothing = misread([])
    out = unread | set(asked)
    for frame, table in ((heads, SUBMISSIONS), (lines, CLAIM_LINES)):
        rows = pl.from_pandas(frame).with_row_index("index")
        faults = _faults(rows, table, nothing)
        out |= set(rows.join(faults, on="index", how="semi")["file_number"])
    return out


def bill_nothing(submissions: pd.DataFrame) -> pd.Series:
    """True for predeterminations and reported encounters."""
    is_predetermination = submissions["is_predetermination"].fillna(False).astype(bool)
    return is_predetermination | submissions["purpose"].eq("RP").fillna(False)


def without(submissions: pd.DataFrame, lines: pd.DataFrame, claims: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Submissions and lines of one 837 file without these claims, numbered anew."""
    left_out = submissions.index.isin(list(claims))
    number = (~left_out).cumsum() - 1
    lines = lines[~lines["claim_index"].isin(list(claims))].reset_index(drop=True)
    return submissions[~left_out].reset_index(drop=True), lines.assign(claim_index=number[lines["claim_index"]])


def _with_parent(name: str) -> tuple[pl.Expr, ...]:
    message = pl.lit(f"their {name} was set aside, and its dollars are counted there").alias("message")
    return pl.lit(None, pl.String).alias("column"), pl.lit("parent_set_aside").alias("rule"), message


def _faults(rows: pl.DataFrame, table: Table, unread: pl.DataFrame) -> pl.DataFrame:
    """The first fault of every row: `index`, `column`, `rule`, `message`."""
    faults = misfits(rows, table, but=_FILLED_LATER.get(table.name, ()))
    if table is not DEPOSITS:
        unread = unread.filter(~pl.col("rule").is_in(_ONLY_OF_PAYMENTS))
    if unread.is_empty():
        return faults
    # A CAS or PLB holds several amounts, and one that could not be read was read as nothing.
    unsaid = pl.any_horizontal(pl.col(name).fill_null(0) == 0 for name in table.money if name in rows.columns)
    is_unread = unsaid | (pl.col("rule") == "claim_without_lines")
    bad = rows.join(unread, on=["file_number", "segment"], how="inner").filter(is_unread).unique("index")
    bad = bad.select("index", pl.lit(None, pl.String).alias("column"), "rule", "message")
    return _first(faults, bad)


def _first(*faults: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(faults).unique("index", keep="first", maintain_order=True)


def _quarantine(rows: pl.DataFrame, faults: pl.DataFrame, table: Table) -> pl.DataFrame:
    amounts = [pl.when(pl.col(name) != 0).then(name) for name in _DOLLARS if name in table.names]
    amount = pl.when(pl.col("rule") != "parent_set_aside").then(pl.coalesce(amounts))
    return (
        rows.join(faults, on="index", how="inner", maintain_order="left")
        .select(
            "file_number",
            "column",
            "rule",
            "message",
            row="segment",
            amount_cents=amount,
            text=pl.lit(None),
            known_on=next(
                (pl.col(name) for name in (table.known_on, "submitted_on") if name in rows.columns), pl.lit(None)
            ),
        )
        .with_columns(pl.concat_str([pl.col("column") + ": ", "message"], ignore_nulls=True).alias("message"))
    )
