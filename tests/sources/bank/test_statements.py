"""Bank statements and lockbox files through a column map, up to the store: overlaps count once, debits not at all."""

import pandas as pd
import pytest

from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.sources.mapping.proposal import propose
from rcm_analysis.sources.mapping.trial import tried
from rcm_analysis.sources.mapping.written import map_text
from rcm_analysis.tables.workspace import open_workspace

from .test_bai2 import file_of

REGISTRY = """
[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
column_maps = ["bank"]
"""
HEAD = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #\n"
STATEMENT = """
name = "bank"
[bank_statement]
date_formats = ["%m/%d/%Y"]
[bank_statement.columns]
posted_on = "Posting Date"
amount_cents = "Amount"
description = "Description"
trace = "Check or Slip #"
"""
"""Headings of a large bank's download of account activity."""
LOCKBOX = """
[checks]
table = "bank_statement"
delivery = "append"
date_formats = ["%m/%d/%y"]
constants = { kind = "check" }
[checks.columns]
posted_on = "Deposit Date"
batch = "Batch"
trace = "Check Number"
amount_cents = "Check Amount"
"""
ROWS = [
    "CREDIT,10/05/2026,ORIG CO NAME:ANY PLAN ENTRY DESCR:HCCLAIMPMT TRN*1*77*1512345678,80.10,ACH_CREDIT,1,\n",
    "CREDIT,10/05/2026,REMOTE ONLINE DEPOSIT,25.00,CHECK_DEPOSIT,2,4411\n",
    "CREDIT,10/05/2026,REMOTE ONLINE DEPOSIT,25.00,CHECK_DEPOSIT,2,4411\n",
    "DEBIT,10/06/2026,RENT,-900.00,ACH_DEBIT,3,\n",
    "DEBIT,10/07/2026,DEPOSITED ITEM RETURNED,-25.00,MISC_DEBIT,4,\n",
    'CREDIT,10/08/2026,"LOCKBOX DEPOSIT","1,130.00",DEPOSIT,5,\n',
]


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "bank.toml").write_text(STATEMENT + LOCKBOX)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def take(workspace, *, afresh=False, **files):
    for name, text in files.items():
        (workspace.paths["raw"] / "acme" / f"{name}.csv").write_text(text)
    return ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"], afresh=afresh)


def banked(workspace) -> pd.DataFrame:
    return workspace.client("acme").tables()["bank_deposits"].collect().to_pandas()


def test_a_statement_is_stored_to_the_cent_without_what_goes_out(workspace, tmp_path):
    report = take(workspace, october=HEAD + "".join(ROWS))
    plain = pd.read_csv(workspace.paths["raw"] / "acme" / "october.csv")
    amounts = plain["Amount"].astype(str).str.replace(",", "").astype(float).mul(100).round().astype(int)
    is_deposit = (amounts > 0) | plain["Description"].str.contains("RETURNED")
    found = banked(workspace)
    assert found["amount_cents"].sum() == amounts[is_deposit].sum() == 123510
    assert sorted(found["kind"]) == ["claim_payment", "other", "other", "other", "returned"]
    assert found.set_index("kind").loc["claim_payment", "trace"] == "77"
    told = report.findings.filter(rule="bank_debits")
    assert told.select("rows", "amount_cents", "needs_person").rows() == [(1, 90000, False)]


def test_statements_that_overlap_hold_each_deposit_once_and_equal_ones_of_a_day_both(workspace):
    take(workspace, a=HEAD + "".join(ROWS))
    before = banked(workspace)
    take(workspace, b=HEAD + "".join(ROWS[1:5]) + "CREDIT,10/09/2026,X,1.00,DEPOSIT,6,\n")
    assert banked(workspace)["amount_cents"].sum() == before["amount_cents"].sum() + 100


def test_a_lockbox_file_beside_it_is_told_apart_by_its_headings(workspace):
    lockbox = "Batch,Deposit Date,Check Number,Check Amount\n7,10/07/26,10001,1000.00\n7,10/07/26,10002,130.00\n"
    report = take(workspace, s=HEAD + "".join(ROWS), lockbox=lockbox)
    found = banked(workspace)
    assert found.loc[found["kind"] == "check", ["trace", "batch"]].to_numpy().tolist() == [
        ["10001", "7"],
        ["10002", "7"],
    ]
    assert not report.needs_person


def test_a_row_without_a_day_is_set_aside_with_its_dollars(workspace):
    report = take(workspace, a=HEAD + ROWS[0] + "CREDIT,soon,X,5.00,DEPOSIT,6,\n")
    assert report.quarantine.select("rule", "amount_cents").rows() == [("unreadable", 500)]
    assert banked(workspace)["amount_cents"].tolist() == [8010]


def test_what_is_remarked_of_a_statements_rows_is_told_with_their_dollars(workspace):
    """What a float leaves of 5.10 is rounded to the cent: stored, and said."""
    report = take(workspace, a=HEAD + ROWS[0] + "CREDIT,10/09/2026,X,5.1000000000000005,DEPOSIT,6,\n")
    told = report.findings.filter(rule="float_residue")
    assert told.select("file", "rows", "amount_cents").rows() == [("a.csv", 1, 510)]
    assert sorted(banked(workspace)["amount_cents"]) == [510, 8010]
    assert take(workspace).findings.is_empty(), "an unchanged statement is not told again"


def test_one_account_by_two_ways_is_told_until_the_map_names_it(workspace):
    bai2 = file_of("16,142,8010,,,,HCCLAIMPMT/", total=9010).replace(b"261102", b"261006").decode()
    report = take(workspace, s=HEAD + ROWS[0], lockbox=bai2)
    assert report.findings.filter(rule="bank_twice").select("rows", "amount_cents").rows() == [(1, 8010)]
    own = STATEMENT.replace("[bank_statement]\n", '[bank_statement]\nconstants = { account = "000123456" }\n')
    (workspace.paths["maps"] / "bank.toml").write_text(own)
    same_day = bai2.replace("261006", "261005")
    report = take(open_workspace(workspace.folder), afresh=True, s=HEAD + ROWS[0], lockbox=same_day)
    assert "bank_twice" not in report.findings["rule"].to_list()
    assert banked(workspace)["amount_cents"].tolist() == [8010]


@pytest.mark.parametrize(
    ("text", "amount", "cents"),
    [
        (HEAD + "".join(ROWS[:4]), '"Amount"', 13010),
        ("Date,Account Number,Description,Debit,Credit,Balance\n10/05/2026,0012,X,,350.00,1.00\n"
         "10/16/2026,0012,Y,900.00,,2.00\n",
         '{ sum = ["Credit"], less = ["Debit"] }', 35000),
        ("Date,Description,Withdrawals,Deposits,Balance\n10/15/2026,X,,12.50,1.00\n10/16/2026,Y,9.00,,2.00\n",
         '{ sum = ["Deposits"], less = ["Withdrawals"] }', 1250),
    ],
)  # fmt: skip
def test_rcm_map_knows_a_statement_by_its_headings(tmp_path, text, amount, cents):
    (tmp_path / "s.csv").write_text(text)
    answers = {"day_order": "month-first"} if "10/05" in text else {}
    proposed = propose(tmp_path / "s.csv", answers)
    written = map_text("bank", [proposed])
    assert proposed.table.name == "bank_statement" and f"amount_cents = {amount}" in written
    (trial,) = tried(tmp_path / "s.csv", [parse_map(written, "bank.toml")])
    assert trial.sums == {"deposits": cents}
