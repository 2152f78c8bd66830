"""Every shipped map of a practice-management system on a file in the layout that public documentation shows.

The headings are those of the documentation that each map names; the values are ours.
"""

from __future__ import annotations

import pytest

from rcm_analysis.sources.exports.column_maps import read_map
from rcm_analysis.sources.mapping.trial import tried
from rcm_analysis.sources.mapping.written import shipped_maps

MAPS = {path.stem: path for path in shipped_maps()}

ATHENA = (
    "transaction_id,claim_id,charge_id,parent_charge_id,patient_id,transaction_type,transaction_transfer_type,"
    "transaction_reason,transaction_method,amount,expected_allowed_amount,procedure_code,other_modifier,units,"
    "charge_from_date,charge_to_date,post_date,closed_post_date,voided_date,reversal_flag,payment_batch_id\n"
    "1,C1,11,,P1,CHARGE,Primary,,,150.00,120.00,99213,,1,03/01/2026,03/01/2026,03/02/2026,,,,\n"
    "2,C1,11,11,P1,PAYMENT,Primary,,CHECK,-90.00,,99213,,,03/01/2026,03/01/2026,03/20/2026,,,,B7\n"
    "3,C1,11,11,P1,ADJUSTMENT,Primary,CONTRACTUAL,,-40.00,,99213,,,03/01/2026,03/01/2026,03/20/2026,,,,B7\n"
    "4,C1,11,11,P1,TRANSFEROUT,Primary,,,-20.00,,99213,,,03/01/2026,03/01/2026,03/20/2026,,,,B7\n"
    "5,C1,12,11,P1,TRANSFERIN,Patient,,,20.00,,99213,,,03/01/2026,03/01/2026,03/20/2026,,,,B7\n"
)
DRCHRONO = (
    "id,appointment,doctor,patient,code,procedure_type,billed,price,allowed,expected_reimbursement,adjustment,ins1_paid,"
    "ins2_paid,ins3_paid,ins_total,pt_paid,paid_total,balance_ins,balance_pt,balance_total,billing_status,posted_date,"
    "service_date\n"
    "1,A1,7,P1,99213,CPT,200.00,200.00,120.00,120.00,80.00,100.00,0.00,0.00,100.00,20.00,120.00,0.00,0.00,0.00,Settled,"
    "2026-03-02,2026-03-01\n"
    "2,A1,7,P1,81002,CPT,30.00,30.00,,,,,,,0.00,,0.00,30.00,0.00,30.00,Balance Due,2026-03-02,2026-03-01\n"
)
ELATION = (
    "claim_local_id,claim_id,claimmd_charge_id,charge_service_date,charge_cpt,charge_mod1,charge_mod2,charge_amount,"
    "charge_allowed,charge_paid,adjustment_group,adjustment_code,adjustment_amount,is_denied,claim_status_code,"
    "posting_status,claimmd_payer_id,claim_payer_icn,check_number,claim_latest_payment_date,charge_balance,provider_npi\n"
    "L1,C1,501,03/01/2026,99213,25,,150.00,110.00,90.00,CO,45,40.00,false,1,posted,60054,ICN1,K9,03/20/2026,0,1234567893\n"
    "L1,C1,501,03/01/2026,99213,25,,150.00,110.00,90.00,PR,2,20.00,false,1,posted,60054,ICN1,K9,03/20/2026,0,1234567893\n"
)
EPIC = (
    "TX_ID,TX_TYPE_C_NAME,AMOUNT,OUTSTANDING_AMT,PAYOR_ID,SERVICE_DATE,POST_DATE,VISIT_NUMBER\n"
    "1,Charge,150.00,20.00,301,3/1/2026 12:00:00 AM,3/2/2026 12:00:00 AM,V1\n"
    "2,Payment,-90.00,0.00,301,3/20/2026 12:00:00 AM,3/20/2026 12:00:00 AM,V1\n"
    "3,Adjustment,-40.00,0.00,301,3/20/2026 12:00:00 AM,3/20/2026 12:00:00 AM,V1\n"
)
MEDISOFT = (
    "Entry Number,Case Number,Transaction Type,Date From,Date Created,Amount,User Code\n"
    "1,C1,A,20260301,20260302,150.00,KIM\n2,C1,I,20260320,20260320,-90.00,KIM\n3,C1,S,20260320,20260320,-40.00,KIM\n"
    "4,C1,K,20260325,20260325,-15.00,KIM\n5,C1,V,20260401,20260401,90.00,KIM\n6,C1,Z,20260401,20260401,0.00,KIM\n"
)
OPENDENTAL = (
    "ClaimProcNum,ClaimNum,PatNum,ProvNum,Status,FeeBilled,InsPayAmt,InsPayEst,WriteOff,DedApplied,ProcDate,DateCP,"
    "ProcCode,CarrierName,CheckNum,CheckAmt\n"
    "1,C1,P1,7,Received,150.00,90.00,95.00,40.00,20.00,2026-03-01,2026-03-20,D0120,Delta,K9,90.00\n"
    "2,C2,P1,7,NotReceived,80.00,0.00,60.00,0.00,0.00,2026-03-02,0001-01-01,D0140,Delta,,\n"
)
OPENEMR = (
    "Insurance,Name,Invoice,Svc Date,Provider,Charge,Adjust,Paid,Balance,Inactive Days\n"
    'Medicare,"Doe, Ann",4.17,2026-03-01,Roe,150.00,-40.00,90.00,20.00,12\n'
    'Medicare,"Doe, Bo",5.18,2026-03-02,Roe,80.00,0.00,0.00,80.00,40\n'
    ',"Poe, Cy",6.19,2026-03-02,Roe,50.00,-10.00,0.00,40.00,40\n'
)
LEDGER = {"charges": 15000, "payments": 9000, "contractual adjustments": 4000, "balance": 2000}


@pytest.mark.parametrize(
    ("system", "name", "text", "sums", "elsewhere"),
    [
        pytest.param("athena_transactions", "t.csv", ATHENA, LEDGER, 0),
        pytest.param(
            "drchrono_line_items",
            "line_items_2026-04-01.csv",
            DRCHRONO,
            {
                "charges": 23000,
                "payments": 10000,
                "patient payments": 2000,
                "contractual adjustments": 8000,
                "balance": 3000,
            },
            0,
        ),
        pytest.param(
            "elation_era",
            "e.csv",
            ELATION,
            {"checks": 9000, "charges": 15000, "payments": 9000, "adjustments": 6000},
            0,
        ),
        pytest.param("epic_professional", "arpb.csv", EPIC, LEDGER, 0),
        pytest.param(
            "medisoft_transactions",
            "m.csv",
            MEDISOFT,
            LEDGER | {"patient payments": 1500, "takebacks": 9000, "balance": 15000 - 9000 - 4000 - 1500 + 9000},
            1,
        ),
        pytest.param(
            "opendental_claimprocs",
            "o.csv",
            OPENDENTAL,
            {"checks": 9000, "charges": 15000, "payments": 9000, "adjustments": 6000},
            1,
        ),
        pytest.param(
            "openemr_collections",
            "collections_20260401.csv",
            OPENEMR,
            {"charges": 28000, "payments": 9000, "contractual adjustments": 5000, "balance": 14000},
            0,
        ),
    ],
)
def test_a_shipped_map_reads_the_layout_of_its_system(tmp_path, system, name, text, sums, elsewhere):
    (tmp_path / name).write_text(text)
    (trial,) = tried(tmp_path / name, [read_map(MAPS[system])])
    assert trial.set_aside == ()
    assert trial.rows_in == text.count("\n") - 1 - elsewhere
    assert trial.sums == sums
    assert not [remark for remark in trial.remarks if "balance" in remark], "what the file says does not tie"
