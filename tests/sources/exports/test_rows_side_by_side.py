"""Exports with one row per claim, visit or line: layouts of real systems, sums as pandas makes them."""

import os
import random
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

SHARED = Path(os.environ.get("RCM_SHARED", "/nowhere"))
REGISTRY = """
[payers.medicare]
name = "Medicare"
payer_class = "medicare"

[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
column_maps = ["{column_map}"]
"""
WIDE = """
name = "pm"
[visits]
one_row_per = "claim"
date_formats = ["%m/%d/%Y"]
optional = ["balance_cents", "patient_paid_cents", "patient_paid_on"]
[visits.columns]
claim_id = "Claim"
patient = "Patient"
payer = "Payer"
service_on = "DOS"
entered_on = "Entered"
charge_cents = "Charge"
paid_cents = "Paid"
paid_on = "Paid Date"
adjusted_cents = "Adjustment"
balance_cents = "Balance"
patient_paid_cents = "Pt Paid"
patient_paid_on = "Pt Date"
"""


def workspace_with(folder, column_map="pm", text=WIDE):
    (folder / "rcm.toml").write_text("")
    (folder / "clients.toml").write_text(REGISTRY.format(column_map=column_map))
    (folder / "maps").mkdir()
    if text:
        (folder / "maps" / f"{column_map}.toml").write_text(text)
    (folder / "raw" / "acme").mkdir(parents=True)
    return open_workspace(folder)


def put(workspace, name, text):
    path = workspace.paths["raw"] / "acme" / name
    path.write_text(text)
    return path


def take(workspace):
    return ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"])


def stored(workspace, table):
    return workspace.client("acme").tables()[table].collect()


def cents(column: pd.Series) -> int:
    return round(pd.to_numeric(column.str.replace("[$,]", "", regex=True)).fillna(0).sum() * 100)


def posted(transactions: pl.DataFrame, kind: str, party: str | None = None) -> int:
    rows = transactions.filter(kind=kind) if party is None else transactions.filter(kind=kind, party=party)
    return int(rows["amount_cents"].sum())


HEAD = "Claim,Patient,Payer,DOS,Entered,Charge,Paid,Paid Date,Adjustment,Balance,Pt Paid,Pt Date\n"


def test_a_row_becomes_a_claim_and_postings_and_an_empty_or_zero_cell_none(tmp_path):
    workspace = workspace_with(tmp_path)
    put(
        workspace,
        "wide.csv",
        HEAD
        + "1001,P1,Medicare,10/01/2026,10/02/2026,200.00,120.00,10/20/2026,50.00,10.00,20.00,10/01/2026\n"
        + "1002,P2,Medicare,10/03/2026,10/04/2026,100.00,0.00,,0.00,100.00,,\n"
        + '1003,P3,Medicare,10/05/2026,10/06/2026,"$1,300.00",210.50,10/25/2026,1089.50,0.00,0,\n',
    )
    report = take(workspace)
    found = report.findings.select("rule", "rows", "amount_cents").rows()
    assert found == [("rest_without_owner", 1, 1000)], "of 1001 $10 are left, and no column says whose they are"
    ledger = stored(workspace, "transactions")
    assert sorted(ledger.select("claim_id", "kind", "party", "amount_cents").rows()) == [
        ("1001", "charge", "primary", 20000),
        ("1001", "contractual", "primary", -5000),
        ("1001", "payment", "patient", -2000),
        ("1001", "payment", "primary", -12000),
        ("1001", "transfer", "patient", 2000),
        ("1001", "transfer", "primary", -2000),
        ("1002", "charge", "primary", 10000),
        ("1003", "charge", "primary", 130000),
        ("1003", "contractual", "primary", -108950),
        ("1003", "payment", "primary", -21050),
    ]
    assert stored(workspace, "claims")["charge_cents"].sum() == 160000
    days = dict(ledger.filter(kind="payment").select("party", pl.col("posted_on").dt.day()).rows())
    assert days["patient"] == 1


def test_two_equal_payments_of_one_claim_both_count_and_the_same_file_again_adds_nothing(tmp_path):
    workspace = workspace_with(tmp_path)
    row = "1001,P1,Medicare,10/01/2026,10/02/2026,50.00,20.00,10/20/2026,30.00,0.00,,\n"
    put(workspace, "october.csv", HEAD + row + row)
    report = take(workspace)
    assert report.findings["rule"].to_list() == ["rows_of_one_claim"]
    assert posted(stored(workspace, "transactions"), "payment") == -4000
    put(workspace, "october_later.csv", HEAD + row + row + row.replace("1001", "1002"))
    take(workspace)
    assert posted(stored(workspace, "transactions"), "payment") == -6000


def test_a_later_export_says_how_a_claim_stands_now(tmp_path):
    workspace = workspace_with(tmp_path)
    open_ = "1001,P1,Medicare,10/01/2026,10/02/2026,200.00,,,,200.00,,\n"
    paid = "1001,P1,Medicare,10/01/2026,10/02/2026,200.00,150.00,11/03/2026,50.00,0.00,,\n"
    other = "1002,P2,Medicare,10/01/2026,10/02/2026,70.00,,,,70.00,,\n"
    put(workspace, "a_october.csv", HEAD + open_ + other)
    take(workspace)
    put(workspace, "b_november.csv", HEAD + paid)
    take(workspace)
    ledger = stored(workspace, "transactions")
    assert ledger["amount_cents"].sum() == 7000
    assert posted(ledger, "charge") == 27000
    (tmp_path / "again").mkdir()
    together = workspace_with(tmp_path / "again")
    put(together, "a_october.csv", HEAD + open_ + other)
    put(together, "b_november.csv", HEAD + paid)
    report = take(together)
    assert report.findings.filter(rule="row_again", needs_person=False)["rows"].to_list() == [1]
    assert stored(together, "transactions").sort("transaction_id").equals(ledger.sort("transaction_id"))


RUNNING = [(200, 120, 50, 30), (100, 60, 20, 50), (80, 0, 0, 130), (60, 60, 0, 130)]
"""Charge, paid and adjusted of a patient's visits, and the balance of the account after each."""


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("missing", [None, 1])
def test_a_balance_that_runs_on_from_visit_to_visit_is_checked_as_it_runs(tmp_path, newest_first, missing):
    """Two patients of four visits each; without the second visit the third does not follow from the first."""
    rows = [
        f"{who}{place},{who},Medicare,10/0{place + 1}/2026,10/0{place + 1}/2026,{charge},{paid or ''},"
        f"{'10/20/2026' if paid else ''},{adjusted or ''},{balance},,\n"
        for who in "PQ"
        for place, (charge, paid, adjusted, balance) in enumerate(RUNNING)
        if (who, place) != ("P", missing)
    ]
    workspace = workspace_with(tmp_path)
    put(workspace, "w.csv", HEAD + "".join(rows[::-1] if newest_first else rows))
    found = take(workspace).findings.filter(rule="balance_differs")
    assert found.select("rows", "amount_cents").rows() == ([] if missing is None else [(1, 2_000)])


def test_a_balance_that_is_not_what_the_parts_leave_is_told_with_its_dollars(tmp_path):
    workspace = workspace_with(tmp_path)
    put(workspace, "w.csv", HEAD + "1,P,Medicare,10/01/2026,10/02/2026,200.00,120.00,10/20/2026,50.00,25.00,,\n")
    found = take(workspace).findings.filter(rule="balance_differs")
    assert found["amount_cents"].to_list() == [-500] and "25.00 in all, its parts leave 30.00" in found["message"][0]


def test_a_payment_without_any_day_sets_the_row_aside_and_a_sign_the_other_way_refuses_the_file(tmp_path):
    workspace = workspace_with(tmp_path)
    put(workspace, "w.csv", HEAD + "1,P,Medicare,10/01/2026,10/02/2026,200.00,120.00,,50.00,,,\n")
    report = take(workspace)
    assert report.quarantine.select("rule", "amount_cents").rows() == [("missing", 20000)]
    rows = "".join(f"{n},P,Medicare,10/01/2026,10/02/2026,9.00,-4.00,10/09/2026,-5.00,0.00,,\n" for n in range(5))
    put(workspace, "x.csv", HEAD + rows)
    report = take(workspace)
    assert "add it to negate" in report.findings.filter(rule="refused")["message"][0]
    path = tmp_path / "maps" / "pm.toml"
    path.write_text(WIDE.replace("[visits.columns]", 'negate = ["paid_cents", "adjusted_cents"]\n[visits.columns]', 1))
    (workspace.paths["raw"] / "acme" / "w.csv").unlink()
    take(open_workspace(tmp_path))
    assert posted(stored(workspace, "transactions"), "payment") == -2000
    assert stored(workspace, "transactions")["amount_cents"].sum() == 0


SECTIONS = """
name = "pm"
[claims]
delivery = "append"
date_formats = ["%m/%d/%Y"]
constants = {{ claim_type = "professional" }}
[claims.columns]
claim_id = "Claim"
patient = "Patient"
payer = "Payer"
service_on = "DOS"
entered_on = "Entered"
charge_cents = "Charge"
[charges]
table = "transactions"
delivery = "month"
{beside}
date_formats = ["%m/%d/%Y"]
sign.by = "kind"
constants = {{ kind = "charge", party = "primary" }}
[charges.columns]
transaction_id = "Claim"
claim_id = "Claim"
happened_on = "DOS"
posted_on = "Entered"
amount_cents = "Charge"
"""


def test_a_section_that_fits_and_is_not_asked_is_said_and_one_beside_it_is_read(tmp_path):
    workspace = workspace_with(tmp_path, text=SECTIONS.format(beside=""))
    put(workspace, "w.csv", HEAD + "1,P,Medicare,10/01/2026,10/02/2026,200.00,,,,,,\n")
    found = take(workspace).findings
    assert found.filter(rule="section_unread", needs_person=True).height == 1
    (tmp_path / "maps" / "pm.toml").write_text(SECTIONS.format(beside='beside = "claims"'))
    report = take(open_workspace(tmp_path))
    assert report.findings.is_empty()
    assert posted(stored(workspace, "transactions"), "charge") == 20000


TEBRA = (  # noqa: SIM905
    "ID EncounterID PatientID PatientName ServiceStartDate PostingDate ProcedureCode ProcedureModifier1 "
    "ProcedureModifier2 ProcedureModifier3 ProcedureModifier4 Units TotalCharges AllowedAmount Receipts PatientBalance "
    "InsuranceBalance TotalBalance RenderingProviderName ServiceLocationName PrimaryInsuranceCompanyName "
    "PrimaryInsurancePaymentPostingDate PrimaryInsurancePaymentRef PrimaryInsuranceInsuranceAllowed "
    "PrimaryInsuranceInsurancePayment PrimaryInsuranceInsuranceContractAdjustment SecondaryInsuranceCompanyName "
    "SecondaryInsurancePaymentPostingDate SecondaryInsuranceInsurancePayment "
    "SecondaryInsuranceInsuranceContractAdjustment PatientPaymentAmount PatientPaymentPostingDate"
).split()


def tebra_rows(count: int) -> pd.DataFrame:
    """Charges as Tebra's public service description names and writes them: text, four decimals, empty for nothing."""
    draw = random.Random(5)
    out = []
    for number in range(count):
        charge = draw.randrange(5000, 40000)
        paid = draw.choice([0, draw.randrange(0, charge // 2)])
        adjusted = draw.choice([0, draw.randrange(0, charge // 4)]) if paid else 0
        second = draw.choice([0, 0, 1500]) if paid else 0
        patient = draw.choice([0, 2000])
        left = charge - paid - adjusted - second - patient
        share = left // 3 if paid else 0
        money = {
            "TotalCharges": charge,
            "PrimaryInsuranceInsurancePayment": paid,
            "PrimaryInsuranceInsuranceContractAdjustment": adjusted,
            "SecondaryInsuranceInsurancePayment": second,
            "PatientPaymentAmount": patient,
            "TotalBalance": left,
            "PatientBalance": share,
            "InsuranceBalance": left - share,
        }
        texts = {
            "ID": 9000 + number,
            "EncounterID": 700 + number // 2,
            "PatientID": number // 4,
            "PatientName": "Doe, Jane",
            "ServiceStartDate": f"{1 + number % 9}/{1 + number % 28}/2026",
            "PostingDate": f"{1 + number % 9}/{1 + number % 28}/2026",
            "ProcedureCode": draw.choice(["99213", "99214", "J1100"]),
            "ProcedureModifier1": draw.choice(["", "25"]),
            "Units": "1.0000",
            "PrimaryInsuranceCompanyName": "Medicare",
            "PrimaryInsurancePaymentPostingDate": "10/2/2026" if paid else "",
            "SecondaryInsuranceCompanyName": "Medicare" if second else "",
            "SecondaryInsurancePaymentPostingDate": "10/20/2026" if second else "",
            "PatientPaymentPostingDate": "9/30/2026" if patient else "",
        }
        out.append({**texts, **{name: f"{value / 100:.4f}" for name, value in money.items()}})
    return pd.DataFrame(out, columns=TEBRA, dtype=object).fillna("").astype(str)


def test_tebra_charges_to_the_cent(tmp_path):
    workspace = workspace_with(tmp_path, "tebra_charges", None)
    frame = tebra_rows(300)
    path = workspace.paths["raw"] / "acme" / "charges.csv"
    frame.to_csv(path, index=False)
    report = take(workspace)
    assert report.findings["message"].to_list() == [] and report.quarantine.is_empty()
    ledger, claims = stored(workspace, "transactions"), stored(workspace, "claims")
    assert posted(ledger, "charge") == cents(frame["TotalCharges"]) == claims["charge_cents"].sum()
    assert posted(ledger, "payment", "primary") == -cents(frame["PrimaryInsuranceInsurancePayment"])
    assert posted(ledger, "payment", "secondary") == -cents(frame["SecondaryInsuranceInsurancePayment"])
    assert posted(ledger, "payment", "patient") == -cents(frame["PatientPaymentAmount"])
    assert posted(ledger, "contractual") == -cents(frame["PrimaryInsuranceInsuranceContractAdjustment"])
    assert ledger["amount_cents"].sum() == cents(frame["TotalBalance"])
    by_party = dict(ledger.group_by("party").agg(pl.col("amount_cents").sum()).rows())
    assert by_party["patient"] == cents(frame["PatientBalance"])
    assert by_party["primary"] + by_party["secondary"] == cents(frame["InsuranceBalance"])
    assert posted(ledger, "transfer") == 0
    assert claims.height == frame["EncounterID"].nunique()
    lines = stored(workspace, "claim_lines")
    assert lines.height == 300 and lines["charge_cents"].sum() == cents(frame["TotalCharges"])


@pytest.mark.skipif(not (SHARED / "samples").is_dir(), reason="needs the public samples")
def test_encounters_of_synthea_to_the_cent(tmp_path):
    workspace = workspace_with(tmp_path, "synthea_encounters", None)
    source = SHARED / "samples" / "tables" / "synthea" / "encounters.csv"
    put(workspace, "encounters.csv", source.read_text())
    report = take(workspace)
    frame = pd.read_csv(source, dtype=str)
    ledger = stored(workspace, "transactions")
    assert (
        report.findings["rule"].to_list() == ["unmapped_payer", "rest_without_owner"] and report.quarantine.is_empty()
    )
    assert posted(ledger, "charge") == cents(frame["TOTAL_CLAIM_COST"])
    assert posted(ledger, "payment") == -cents(frame["PAYER_COVERAGE"])
    assert stored(workspace, "claims").height == len(frame)
