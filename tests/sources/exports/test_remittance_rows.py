"""EOBs and payments of payers and clearinghouses as tables: layouts of real systems, sums as pandas makes them."""

import pandas as pd
import polars as pl
import pytest

from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[payers.aetna]
name = "Aetna"
payer_class = "commercial"
aliases = ["ANY PLAN USA"]

[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
column_maps = ["{column_map}"]
"""
AVAILITY = """
name = "eob"
[remittance_rows]
one_row_per = "adjustment"
date_formats = ["%m/%d/%Y"]
[remittance_rows.columns]
payer = "Payer"
trace = "Check Number"
paid_on = "Check Date"
claim_id = "Patient Control #"
status = "Claim Status"
charge_cents = "Billed"
allowed_cents = "Allowed"
paid_cents = "Paid"
patient_responsibility_cents = "Patient Resp"
group_code = "Group"
carc = "Reason"
adjustment_cents = "Adj Amount"
remark_codes = "Remark"
"""
HEAD = (
    "Payer,Check Number,Check Date,Patient Control #,Claim Status,Billed,Allowed,Paid,Patient Resp,Group,Reason,"
    "Adj Amount,Remark\n"
)
ROWS = [
    "AETNA,CHK9,10/05/2026,A1,Processed as Primary,100.00,80.00,64.00,16.00,CO,45,20.00,N620\n",
    "AETNA,CHK9,10/05/2026,A1,Processed as Primary,100.00,80.00,64.00,16.00,PR,2,16.00,\n",
    "AETNA,CHK9,10/05/2026,A2,Processed as Primary,200.00,150.00,150.00,0.00,CO,45,50.00,\n",
]


def workspace_with(folder, text, column_map="eob"):
    (folder / "rcm.toml").write_text("")
    (folder / "clients.toml").write_text(REGISTRY.format(column_map=column_map))
    (folder / "maps").mkdir()
    if text:
        (folder / "maps" / f"{column_map}.toml").write_text(text)
    (folder / "raw" / "acme").mkdir(parents=True)
    return open_workspace(folder)


def take(workspace, **files):
    for name, text in files.items():
        (workspace.paths["raw"] / "acme" / name.replace("__", ".")).write_text(text)
    return ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"])


def stored(workspace, table):
    return workspace.client("acme").tables()[table].collect()


def rules(report):
    return report.findings["rule"].to_list()


def test_rows_of_one_check_are_one_remittance_and_make_a_ledger(tmp_path):
    workspace = workspace_with(tmp_path, AVAILITY)
    report = take(workspace, eob__csv=HEAD + "".join(ROWS))
    assert stored(workspace, "deposits").select("trace", "paid_cents", "payer").rows() == [("CHK9", 21400, "aetna")]
    claims = stored(workspace, "remit_claims").sort("claim_id")
    assert claims.select("claim_id", "status", "charge_cents", "paid_cents").rows() == [
        ("A1", "1", 10000, 6400),
        ("A2", "1", 20000, 15000),
    ]
    reasons = stored(workspace, "remit_adjustments").select("claim_id", "group_code", "carc", "amount_cents").rows()
    assert sorted(reasons) == [("A1", "CO", "45", 2000), ("A1", "PR", "2", 1600), ("A2", "CO", "45", 5000)]
    ledger = stored(workspace, "transactions")
    assert ledger.filter(kind="payment")["amount_cents"].sum() == -21400
    assert ledger.filter(kind="charge")["amount_cents"].sum() == 30000
    assert "claim_balance" not in rules(report) and "refused" not in rules(report)
    assert set(take(workspace).files[0].__dict__.values()) >= {"unchanged"}


def test_a_check_that_is_not_the_sum_of_its_rows_and_a_row_that_does_not_balance_are_told(tmp_path):
    text = AVAILITY + 'check_cents = "Check Amount"\n'
    workspace = workspace_with(tmp_path, text)
    head, rows = HEAD.replace("Remark", "Remark,Check Amount"), [row.strip() + ",224.00\n" for row in ROWS]
    report = take(workspace, eob__csv=head + "".join(rows))
    assert report.findings.filter(rule="payment_balance")["amount_cents"].to_list() == [-1000]
    assert stored(workspace, "deposits")["paid_cents"].to_list() == [22400]
    (tmp_path / "two").mkdir()
    other = workspace_with(tmp_path / "two", AVAILITY)
    report = take(other, eob__csv=HEAD + "".join(ROWS).replace("20.00,N620", "19.00,N620"))
    assert report.findings.filter(rule="claim_balance")["amount_cents"].to_list() == [100]


def test_the_same_check_as_835_and_as_csv_counts_once(tmp_path):
    workspace = workspace_with(tmp_path, AVAILITY)
    body = (
        "ST*835*0001~BPR*I*214*C*CHK************20261005~TRN*1*chk9*1512345678~N1*PR*AETNA*XV*60054~N1*PE*ACME*XX*1~LX*1~"
        "CLP*A1*1*100*64*16*12*ICN1~CAS*CO*45*20~CAS*PR*2*16~CLP*A2*1*200*150*0*12*ICN2~CAS*CO*45*50~SE*11*0001~"
    )
    head = "ISA*00*          *00*          *ZZ*S              *ZZ*R              *261005*1200*^*00501*000000001*0*P*:~"
    x12 = head + "GS*HP*S*R*20261005*1200*1*X*005010X221A1~" + body + "GE*1*1~IEA*1*000000001~"
    report = take(workspace, a__835=x12, eob__csv=HEAD + "".join(ROWS))
    assert stored(workspace, "deposits")["paid_cents"].to_list() == [21400]
    assert {"same_check_again", "duplicate_remittance"} & set(rules(report))


@pytest.mark.parametrize(
    ("cell", "group", "carc"), [("CO-45", "CO", "45"), ("pr 2", "PR", "2"), ("045", "CO", "45"), ("OA:B7", "OA", "B7")]
)
def test_group_and_reason_in_one_cell(tmp_path, cell, group, carc):
    text = AVAILITY.replace('group_code = "Group"\n', "").replace('"Reason"', '"Code"')
    workspace = workspace_with(tmp_path, text)
    row = f"AETNA,CHK9,10/05/2026,A1,Denied,100.00,80.00,80.00,0.00,,{cell},20.00,\n"
    take(workspace, eob__csv=HEAD.replace("Reason", "Code") + row)
    assert stored(workspace, "remit_adjustments").select("group_code", "carc").rows() == [(group, carc)]
    assert stored(workspace, "remit_claims")["status"].to_list() == ["4"]


def test_without_reasons_the_contractual_part_is_known_and_the_patients_is_unspecified(tmp_path):
    text = "\n".join(line for line in AVAILITY.splitlines() if line.split(" ")[0] not in ("group_code", "carc"))
    text = text.replace('adjustment_cents = "Adj Amount"\n', "").replace('"adjustment"', '"claim"')
    workspace = workspace_with(tmp_path, text)
    report = take(workspace, eob__csv=HEAD + ROWS[0] + ROWS[2])
    reasons = stored(workspace, "remit_adjustments").select("group_code", "carc", "amount_cents").rows()
    assert sorted(reasons) == [("CO", "45", 2000), ("CO", "45", 5000), ("PR", "unspecified", 1600)]
    assert report.findings.filter(rule="unspecified_reason")["amount_cents"].to_list() == [1600]
    assert not {"claim_balance", "payment_balance"} & set(rules(report))


CONVERTED = (  # noqa: SIM905
    "Id PatientControlNumber ClaimStatus ChargeAmount PaymentAmount PatientResponsibilityAmount PayerControlNumber "
    "TotalPaymentAmount PaymentMethodType PaymentDate CheckOrEftTraceNumber ProductionDate Adj1Group Adj1ReasonCode "
    "Adj1Amount Adj2Group Adj2ReasonCode Adj2Amount Adj3Group Adj3ReasonCode Adj3Amount Adj4Group Adj4ReasonCode "
    "Adj4Amount Adj5Group Adj5ReasonCode Adj5Amount PayerIdentifier PayerName PayeeLastNameOrOrgName ServiceDateFrom "
    "LineControlNumber LineProcedureCode LineProcedureModifier1Code LineProcedureModifier2Code "
    "LineProcedureModifier3Code LineRevenueCode LineChargeAmount LinePaidAmount LineUnitCount LineServiceDateFrom "
    "LineAdj1Group LineAdj1ReasonCode LineAdj1Amount LineAdj2Group LineAdj2ReasonCode LineAdj2Amount LineAdj3Group "
    "LineAdj3ReasonCode LineAdj3Amount LineAdj4Group LineAdj4ReasonCode LineAdj4Amount LineAdj5Group "
    "LineAdj5ReasonCode LineAdj5Amount LineAllowedAmount LineRemarkCode1 LineRemarkCode2 LineRemarkCode3 "
    "LineRemarkCode4 LineRemarkCode5"
).split()


def converted_rows() -> pd.DataFrame:
    """Claims on every one of their lines, reasons of claim and line, as Healthcare Data Insight's converter writes."""
    claim = {
        "PayerName": "ANY PLAN USA",
        "PaymentDate": "2026-10-16",
        "ProductionDate": "2026-10-17",
        "CheckOrEftTraceNumber": "CK 1",
        "TotalPaymentAmount": "8090.5",
        "PaymentMethodType": "CHECK",
        "ServiceDateFrom": "2026-09-01",
    }
    first = {**claim, "PatientControlNumber": "P1", "ClaimStatus": "PRIMARY", "ChargeAmount": "400"}
    first |= {"PaymentAmount": "90.5", "PayerControlNumber": "ICN1", "PatientResponsibilityAmount": "9.5"}
    lines = [
        {"LineControlNumber": "1", "LineProcedureCode": "99213", "LineChargeAmount": "250", "LinePaidAmount": "90.5"},
        {"LineControlNumber": "2", "LineProcedureCode": "85003", "LineChargeAmount": "150", "LinePaidAmount": "0"},
    ]
    lines[0] |= {"LineAdj1Group": "CONTRACTUAL", "LineAdj1ReasonCode": "45", "LineAdj1Amount": "150"}
    lines[0] |= {"LineAdj2Group": "PATIENT_RESPONSIBILITY", "LineAdj2ReasonCode": "2", "LineAdj2Amount": "9.5"}
    lines[1] |= {"LineAdj1Group": "OTHER", "LineAdj1ReasonCode": "B7", "LineAdj1Amount": "150", "LineRemarkCode1": "N1"}
    stay = {**claim, "PatientControlNumber": "P2", "ClaimStatus": "PRIMARY", "ChargeAmount": "40000"}
    stay |= {"PaymentAmount": "8000", "PayerControlNumber": "ICN2", "LineControlNumber": "1", "LinePaidAmount": "0"}
    stay |= {"Adj1Group": "CONTRACTUAL", "Adj1ReasonCode": "197", "Adj1Amount": "2000"}
    stay |= {"Adj2Group": "CONTRACTUAL", "Adj2ReasonCode": "45", "Adj2Amount": "30000"}
    rows = [{**first, **line} for line in lines] + [stay]
    return pd.DataFrame(rows, columns=CONVERTED, dtype=object).fillna("").astype(str)


def test_converted_835s_to_the_cent(tmp_path):
    workspace = workspace_with(tmp_path, None, "data_insight_835")
    frame = converted_rows()
    frame.to_csv(workspace.paths["raw"] / "acme" / "835.csv", index=False)
    report = take(workspace)
    assert not {"line_balance", "claim_balance", "payment_balance", "refused", "missing"} & set(rules(report))
    once = frame.drop_duplicates("PatientControlNumber")
    claims = stored(workspace, "remit_claims")
    for name, theirs in (("charge_cents", "ChargeAmount"), ("paid_cents", "PaymentAmount")):
        assert claims[name].sum() == round(pd.to_numeric(once[theirs]).sum() * 100)
    assert stored(workspace, "deposits").select("paid_cents", "method").rows() == [(809050, "CHK")]
    lines = stored(workspace, "remit_lines")
    assert lines.height == 2 and lines["charge_cents"].sum() == 40000
    amounts = frame[[f"LineAdj{n}Amount" for n in range(1, 6)]].apply(pd.to_numeric).sum().sum()
    amounts += once[[f"Adj{n}Amount" for n in range(1, 6)]].apply(pd.to_numeric).sum().sum()
    reasons = stored(workspace, "remit_adjustments")
    assert reasons["amount_cents"].sum() == round(amounts * 100)
    assert reasons.filter(pl.col("remit_line_id").is_null())["claim_id"].unique().to_list() == ["P2"]
    assert reasons.filter(carc="B7").select("group_code", "remark_codes").rows() == [("OA", "N1")]


def test_the_day_of_the_check_from_the_name_of_the_file(tmp_path):
    workspace = workspace_with(tmp_path, None, "nextgen_era")
    head = (
        "Chk Nbr,Clm Nbr,Svc Date,CPT4,M1,M2,Clm Sts Cod,Bill Amt,Pd Amt,Adj Amt,Ded Amt,Allwd Amt,CoIns Amt,Pyr Nam\n"
    )
    row = "5,C1,09/01/2026,99213,25,,Processed as Primary,100.00,60.00,20.00,5.00,80.00,15.00,Aetna\n"
    (workspace.paths["raw"] / "acme" / "era 2026-10-05.csv").write_text(head + row)
    report = take(workspace, undated__csv=head + row.replace("5,C1", "6,C2"))
    assert stored(workspace, "deposits").select("trace", pl.col("paid_on").cast(pl.String)).rows() == [
        ("5", "2026-10-05")
    ]
    told = report.findings.filter(rule="refused")["message"].to_list()
    assert len(told) == 1 and "undated.csv" in told[0] and "file's name" in told[0]
    assert "claim_balance" not in rules(report)
    reasons = stored(workspace, "remit_adjustments").select("group_code", "carc", "amount_cents").rows()
    assert sorted(reasons) == [("CO", "45", 2000), ("PR", "1", 500), ("PR", "2", 1500)]
