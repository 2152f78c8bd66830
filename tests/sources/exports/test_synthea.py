"""Synthea's own export through the shipped map: charges and payments tie, and every claim ends at nought."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.tables import schema

SHIPPED = Path(exports.__file__).parent / "maps"
TOTAL = 121_986_722  # cents: sum of AMOUNT over CHARGE rows, and of PAYMENTS over PAYMENT rows, as delivered


@pytest.fixture(scope="module")
def tables(samples) -> dict[str, exports.Export]:
    maps = [exports.read_map(SHIPPED / "synthea.toml")]
    files = [samples / "tables" / "synthea" / name for name in ("claims.csv", "claims_transactions.csv")]
    found = [(file, part) for file in files for part in exports.recognise(file, maps)]
    return {part.table.name: exports.read_export(file, part, client="synthea") for file, part in found}


def test_two_files_fill_three_tables(tables):
    assert {name: export.rows.height for name, export in tables.items()} == {
        "claims": 561,
        "transactions": 5567,
        "claim_lines": 1579,
    }
    assert all(export.quarantine.is_empty() for export in tables.values())
    assert tables["claim_lines"].rows_elsewhere == 5567 - 1579


def test_rows_are_what_the_tables_want(tables):
    for name in ("transactions", "claim_lines"):
        schema.check(tables[name].rows, schema.TABLES[name], name)
    claims = tables["claims"]
    assert claims.fill == ("charge_cents",)
    assert claims.rows["charge_cents"].null_count() == 561
    schema.check(claims.rows.with_columns(charge_cents=pl.lit(0, pl.Int64)), schema.CLAIMS, "claims")


def test_charges_and_payments_tie_and_transfers_cancel(tables):
    sums = dict(tables["transactions"].rows.group_by("kind").agg(pl.col("amount_cents").sum()).rows())
    assert sums == {"charge": TOTAL, "payment": -TOTAL, "transfer": 0}
    assert tables["claim_lines"].rows["charge_cents"].sum() == TOTAL
    assert tables["claim_lines"].cents_in == TOTAL


def test_every_claim_ends_at_nought_with_every_party(tables):
    """Stricter than the claim alone: it holds only if every row was given to the right party."""
    ledger = tables["transactions"].rows
    by_party = ledger.group_by("claim_id", "party").agg(pl.col("amount_cents").sum())
    assert by_party.filter(pl.col("amount_cents") != 0).is_empty()
    transfers = ledger.filter(pl.col("kind") == "transfer").group_by("claim_id").agg(pl.col("amount_cents").sum())
    assert transfers.filter(pl.col("amount_cents") != 0).is_empty()


def test_the_running_balance_is_synthea_s_own(tables, samples):
    """OUTSTANDING of a payment row is the balance of its charge after it; CHARGEID orders the rows."""
    raw = pl.read_csv(samples / "tables" / "synthea" / "claims_transactions.csv", infer_schema=False)
    rows = raw.select(transaction_id="ID", kind_raw="TYPE", outstanding=pl.col("OUTSTANDING").cast(pl.Decimal(18, 2)))
    ledger = rows.join(tables["transactions"].rows, on="transaction_id", maintain_order="left").with_columns(
        charge=(pl.col("kind_raw") == "CHARGE").cum_sum().over("claim_id")
    )
    ledger = ledger.with_columns(
        party_balance=pl.col("amount_cents").cum_sum().over("claim_id", "charge", "party"),
        stated=(pl.col("outstanding") * 100).cast(pl.Int64),
    )
    payments = ledger.filter(pl.col("kind_raw") == "PAYMENT")
    assert payments.height == 2086
    assert (payments["party_balance"] == payments["stated"]).all()


def test_the_claims_of_the_uninsured_are_self_pay_and_start_with_the_patient(tables):
    claims, ledger = tables["claims"].rows, tables["transactions"].rows
    self_pay = claims.filter(pl.col("payer") == "self_pay")["claim_id"]
    assert self_pay.len() == 3
    assert ledger.filter(pl.col("claim_id").is_in(self_pay.implode()))["party"].unique().to_list() == ["patient"]


def test_claims_sum_to_their_charges(tables):
    charges = (
        tables["transactions"]
        .rows.filter(pl.col("kind") == "charge")
        .group_by("claim_id")
        .agg(pl.col("amount_cents").sum())
    )
    lines = tables["claim_lines"].rows.group_by("claim_id").agg(pl.col("charge_cents").sum())
    both = charges.join(lines, on="claim_id", how="full", coalesce=True)
    assert both.height == 561
    assert (both["amount_cents"] == both["charge_cents"]).all()
    assert set(both["claim_id"]) == set(tables["claims"].rows["claim_id"])


def test_codes_keep_their_leading_zeros_and_lines_are_numbered_within_the_claim(tables):
    lines = tables["claim_lines"].rows
    assert {"03", "08"} & set(lines["procedure"])
    last = lines.group_by("claim_id").agg(pl.col("line_number").max().alias("last"), pl.len().cast(pl.Int64))
    assert (last["last"] == last["len"]).all()
