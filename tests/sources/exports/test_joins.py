"""Columns from a second file of the delivery, headers of several rows, constants, and values of the file's name."""

import os
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.sources.exports.reader import read_export, recognise
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

SHARED = Path(os.environ.get("RCM_SHARED", "/nowhere"))
SYNTHEA = SHARED / "samples" / "tables" / "synthea"
JOINED = """
name = "joined"
[transactions]
delivery = "full"
earliest = 1900-01-01
sign.by = "file"
constants = { party = "primary", kind = "charge" }
take = { header = "TYPE", rows = ["CHARGE"], leave = ["PAYMENT", "TRANSFERIN", "TRANSFEROUT"] }
[transactions.columns]
transaction_id = "ID"
claim_id = "CLAIMID"
happened_on = "FROMDATE"
posted_on = { first = ["TODATE", "FROMDATE"] }
amount_cents = "AMOUNT"
[[transactions.join]]
key = "CLAIMID"
other = "Id"
columns = { payer = "PRIMARYPATIENTINSURANCEID", posted_by = "PROVIDERID" }
"""
REGISTRY = """
[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
column_maps = ["joined"]
"""


def office(folder: Path, text: str):
    (folder / "rcm.toml").write_text("")
    (folder / "clients.toml").write_text(REGISTRY)
    (folder / "maps").mkdir()
    (folder / "maps" / "joined.toml").write_text(text)
    (folder / "raw" / "acme").mkdir(parents=True)
    return open_workspace(folder)


def take(workspace, **files: str):
    for name, text in files.items():
        (workspace.paths["raw"] / "acme" / name.replace("__", ".")).write_text(text)
    return ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"])


@pytest.mark.skipif(not SYNTHEA.is_dir(), reason="needs the public samples")
def test_synthea_charges_with_the_payer_of_the_claims_file_to_the_cent():
    path, claims = SYNTHEA / "claims_transactions.csv", SYNTHEA / "claims.csv"
    (part,) = recognise(path, [parse_map(JOINED, "x")], [path, claims])
    export = read_export(path, part, client="a")
    theirs = pd.read_csv(path, dtype=str)
    theirs = theirs[theirs["TYPE"] == "CHARGE"].merge(
        pd.read_csv(claims, dtype=str)[["Id", "PRIMARYPATIENTINSURANCEID"]],
        left_on="CLAIMID",
        right_on="Id",
        how="left",
    )
    theirs["AMOUNT"] = pd.to_numeric(theirs["AMOUNT"])
    wanted = theirs.groupby("PRIMARYPATIENTINSURANCEID", dropna=False)["AMOUNT"].sum().mul(100).round().astype(int)
    found = export.rows.group_by("payer").agg(pl.col("amount_cents").sum())
    assert {str(k): v for k, v in found.rows()} == {"None" if pd.isna(k) else str(k): v for k, v in wanted.items()}
    assert export.rows.height == len(theirs) and export.quarantine.is_empty()


SMALL = JOINED.replace("earliest = 1900-01-01\n", "").replace('take = { header = "TYPE"', 'empty = [""]\n#')
ROWS = "ID,CLAIMID,FROMDATE,TODATE,AMOUNT\n1,7,2026-10-01,2026-10-02,5.00\n2,8,2026-10-01,2026-10-02,6.00\n"
CLAIMS = "Id,PRIMARYPATIENTINSURANCEID,PROVIDERID\n7,Aetna,dr\n8,Cigna,dr\n"


def test_the_other_file_is_no_stranger_and_a_corrected_one_is_read_again(tmp_path):
    workspace = office(tmp_path, SMALL)
    report = take(workspace, t__csv=ROWS, claims__csv=CLAIMS)
    assert "refused" not in report.findings["rule"].to_list()

    def payers():
        return sorted(workspace.client("acme").tables()["transactions"].collect()["payer"])

    assert payers() == ["unmapped:aetna", "unmapped:cigna"]
    take(workspace, claims__csv=CLAIMS.replace("Cigna", "Humana"))
    assert payers() == ["unmapped:aetna", "unmapped:humana"]


def test_without_the_other_file_nothing_is_read_and_its_headers_are_named(tmp_path):
    found = take(office(tmp_path, SMALL), t__csv=ROWS).findings.filter(rule="refused")["message"].to_list()
    assert len(found) == 1 and "'Id'" in found[0] and "'PRIMARYPATIENTINSURANCEID'" in found[0]


LEDGER = """
name = "pm"
[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"
constants = { party = "primary" }
from_name = { posted_by = "^([A-Z]+)_" }
[transactions.columns]
transaction_id = "Txn"
claim_id = "Claim"
kind = ["Transaction Type"]
happened_on = ["Deposit Date"]
posted_on = ["Post Date"]
amount_cents = "Amount"
[transactions.values.kind]
CHG = "charge"
"""


def two_rows(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in (
        ["Acme Orthopedics - Transactions"],
        [None, None, "Transaction", "Dates", None, "Amount"],
        ["Txn", "Claim", "Type", "Deposit Date", "Post Date", None],
        ["1", "A", "CHG", "10/01/2026", "10/02/2026", 100.5],
    ):
        book.active.append(row)
    book.save(path)
    return path


def test_headers_of_two_rows_and_a_value_of_the_files_name(tmp_path):
    path = two_rows(tmp_path / "NORTH_oct.xlsx")
    (part,) = recognise(path, [parse_map(LEDGER, "x")])
    rows = read_export(path, part, client="a").rows
    assert rows.select("transaction_id", "kind", "amount_cents", "party", "posted_by").rows() == [
        ("1", "charge", 10050, "primary", "NORTH")
    ]
    with pytest.raises(SourceError, match="takes posted_by from the file's name"):
        recognise(two_rows(tmp_path / "oct.xlsx"), [parse_map(LEDGER, "x")])


def test_a_header_of_one_row_is_never_stretched_over_the_first_row_of_data(tmp_path):
    path = tmp_path / "A_t.csv"
    path.write_text(
        "Txn,Claim,Transaction Type,Deposit Date,Post Date,Amount\n1,A,CHG,10/01/2026,10/02/2026,1.00\n"
        "2,A,CHG,10/01/2026,10/02/2026,2.00\n"
    )
    (part,) = recognise(path, [parse_map(LEDGER, "x")])
    assert part.header_row == 1 and read_export(path, part, client="a").rows.height == 2
