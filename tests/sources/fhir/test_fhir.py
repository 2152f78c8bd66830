"""FHIR files as CMS, Synthea and the CARIN guide write them, trimmed to what is read; sums by plain Python."""

import json
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from rcm_analysis.sources.fhir.claims import read_fhir
from rcm_analysis.sources.fhir.resources import is_fhir
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

BB = "https://bluebutton.cms.gov/resources/variables/"
HL7 = "http://terminology.hl7.org/CodeSystem/adjudication"
C4BB = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication"
REGISTRY = """
[payers.medicare]
name = "Medicare"
payer_class = "medicare"
[payers.upmc]
name = "UPMC Health Plan"
payer_class = "commercial"
[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
"""


def said(code, dollars, system=HL7, **more):
    return {
        "category": {"coding": [{"system": system, "code": code}]},
        "amount": {"value": dollars, "currency": "USD"},
        **more,
    }


def item(number, procedure, *adjudications, **more):
    concept = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": procedure}]}
    return {"sequence": number, "productOrService": concept, "adjudication": list(adjudications), **more}


def synthea_line(number, procedure, net):
    shares = {"line_coinsrnc_amt": 0.2 * net, "line_prvdr_pmt_amt": 0.8 * net, "line_sbmtd_chrg_amt": net}
    rows = [
        said(BB + name, value, f"{BB}adjudication") for name, value in {**shares, "line_alowd_chrg_amt": net}.items()
    ]
    return item(number, procedure, *rows, net={"value": net, "currency": "USD"})


SYNTHEA_EOB = {
    "resourceType": "ExplanationOfBenefit",
    "id": "b0ea08e2",
    "identifier": [{"system": BB + "clm_id", "value": "324d4f70-d72e"}],
    "status": "active",
    "use": "claim",
    "type": {"coding": [{"code": "professional"}]},
    "patient": {"reference": "urn:uuid:324d4f70-81a0"},
    "billablePeriod": {"start": "2024-04-18T01:16:00-05:00", "end": "2025-04-18T01:16:00-05:00"},
    "created": "2024-04-18T01:16:00-05:00",
    "insurer": {"display": "Medicare"},
    "provider": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999968495"},
    "claim": {"reference": "urn:uuid:324d4f70-d72e"},
    "item": [{"sequence": 1, "productOrService": {"coding": [{"code": "310061009"}]}},
             synthea_line(2, "35025007", 181.23), synthea_line(3, "90226004", 1959.16)],
    "total": [said("submitted", 2247.2)],
    "payment": {"amount": {"value": 1712.3120000000001, "currency": "USD"}},
}  # fmt: skip
SYNTHEA_CLAIM = {
    "resourceType": "Claim",
    "id": "324d4f70-d72e",
    "status": "active",
    "use": "claim",
    "type": {"coding": [{"code": "professional"}]},
    "patient": {"reference": "urn:uuid:324d4f70-81a0", "display": "Mrs. Jane Roe"},
    "billablePeriod": {"start": "2024-04-18T00:43:48-05:00", "end": "2024-04-18T01:16:00-05:00"},
    "created": "2024-04-18T01:16:00-05:00",
    "provider": {"reference": "Organization?identifier=https://github.com/synthetichealth/synthea|dd406540"},
    "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "Medicare"}}],
    "item": [{"sequence": 1, "productOrService": {"coding": [{"code": "310061009"}]}},
             *({"sequence": place, "productOrService": {"coding": [{"code": code}]}, "net": {"value": net}}
               for place, code, net in ((2, "35025007", 181.23), (3, "90226004", 1959.16)))],
    "total": {"value": 2247.2, "currency": "USD"},
}  # fmt: skip
BUNDLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in (SYNTHEA_CLAIM, SYNTHEA_EOB)]
    + [{"fullUrl": "urn:uuid:p", "resource": {"resourceType": "Patient", "id": "p", "name": [{"family": "Roe"}]}}],
}


def stu3(name, dollars):
    """An amount as the first Blue Button writes it: the currency is a code."""
    money = {"value": dollars, "system": "urn:iso:std:iso:4217", "code": "USD"}
    return {"category": {"coding": [{"system": BB + "adjudication", "code": BB + name}]}, "amount": money}


CARRIER = {
    "resourceType": "ExplanationOfBenefit",
    "id": "carrier-10335267275",
    "identifier": [{"system": BB + "clm_id", "value": "10335267275"}],
    "status": "active",
    "type": {"coding": [{"code": "71"}, {"code": "professional"}]},
    "patient": {"reference": "Patient/19990000000136"},
    "billablePeriod": {"start": "2000-10-01", "end": "2000-10-01"},
    "insurance": {"coverage": {"reference": "Coverage/part-b-19990000000136"}},
    "payment": {"amount": {"value": 20, "system": "urn:iso:std:iso:4217", "code": "USD"}},
    "item": [{
        "sequence": 1,
        "service": {"coding": [{"system": "https://bluebutton.cms.gov/resources/codesystem/hcpcs", "code": "99213"}]},
        "servicedPeriod": {"start": "2000-10-01", "end": "2000-10-01"},
        "quantity": {"value": 1},
        "adjudication": [
            {"category": {"coding": [{"code": BB + "line_prcsg_ind_cd"}]}, "reason": {"coding": [{"code": "A"}]}},
            stu3("line_nch_pmt_amt", 20), stu3("line_bene_pmt_amt", 0), stu3("line_prvdr_pmt_amt", 20),
            stu3("line_bene_ptb_ddctbl_amt", 10), stu3("line_bene_prmry_pyr_pd_amt", 0),
            stu3("line_coinsrnc_amt", 10), stu3("line_sbmtd_chrg_amt", 40), stu3("line_alowd_chrg_amt", 40),
        ],
    }],
}  # fmt: skip
CARIN = {
    "resourceType": "ExplanationOfBenefit",
    "id": "ProfessionalEOBExample1",
    "identifier": [{"type": {"coding": [{"code": "uc"}]}, "value": "ProfessionalEOBExample1"}],
    "status": "active",
    "use": "claim",
    "patient": {"reference": "Patient/ExamplePatient1"},
    "billablePeriod": {"start": "2020-08-04", "end": "2020-08-04"},
    "created": "2020-08-24T00:00:00-04:00",
    "insurer": {"reference": "Organization/PayerOrganizationExample1", "display": "UPMC Health Plan"},
    "supportingInfo": [
        {"sequence": 1, "category": {"coding": [{"code": "patientaccountnumber"}]}, "valueString": "PCN5001"}
    ],
    "item": [
        item(number, "75710", said("submitted", sign * 68.8), said("copay", 0.0), said("eligible", sign * 34.8),
             said("benefit", sign * 34.8), said("noncovered", 0.0, C4BB), servicedDate="2020-08-04")
        for number, sign in ((1, 1), (2, -1), (3, 1))
    ] + [item(4, "99213", said("submitted", 100.0), said("eligible", 0.0), said("benefit", 0.0),
              said("noncovered", 100.0, C4BB, reason={"coding": [
                  {"system": "https://x12.org/codes/claim-adjustment-reason-codes", "code": "204"}]}))],
    "total": [said("submitted", 168.8), said("benefit", 34.8)],
}  # fmt: skip
BCDA_CLAIM = {
    "resourceType": "Claim",
    "id": "f-LTEwMDE5NTYxNA",
    "status": "active",
    "use": "claim",
    "created": "2024-04-19T11:37:21-04:00",
    "billablePeriod": {"start": "2016-10-30", "end": "2016-10-30"},
    "contained": [
        {"resourceType": "Patient", "id": "patient", "name": [{"family": "Quitzon246", "given": ["Rodolfo763"]}]},
        {"resourceType": "Organization", "id": "provider-org",
         "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "8884381863"}]},
    ],
    "insurance": [{"coverage": {"identifier": {"value": "MEDICARE"}}, "focal": True, "sequence": 0}],
    "patient": {"reference": "#patient"},
    "provider": {"reference": "#provider-org"},
    "supportingInfo": [{"category": {"coding": [{"code": "typeofbill"}]}, "code": {"coding": [{"code": "1"}]}}],
    "total": {"currency": "USD", "value": 639.66},
    "type": {"coding": [{"code": "institutional"}]},
}  # fmt: skip


def ndjson(*resources) -> str:
    return "".join(json.dumps(one) + "\n" for one in resources)


def plain_cents(*dollars) -> int:
    return sum(int((Decimal(str(one)) * 100).to_integral_value(ROUND_HALF_UP)) for one in dollars)


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def take(workspace, **files):
    for name, text in files.items():
        (workspace.paths["raw"] / "acme" / name).write_text(text)
    return ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"])


def stored(workspace, table) -> pl.DataFrame:
    return workspace.client("acme").tables()[table].collect()


def test_a_bundle_of_synthea_is_a_bill_and_its_answer_to_the_cent(workspace):
    report = take(workspace, bundle=json.dumps(BUNDLE, indent=1))
    claims, lines, answers = (stored(workspace, name) for name in ("claims", "claim_lines", "remit_claims"))
    assert claims["charge_cents"].sum() == lines["charge_cents"].sum() == plain_cents(2247.2)
    assert lines["charge_cents"].to_list() == [plain_cents(2247.2 - 181.23 - 1959.16), 18123, 195916]
    assert answers["paid_cents"].sum() == plain_cents(1712.312) == stored(workspace, "deposits")["paid_cents"].sum()
    owed = stored(workspace, "remit_adjustments").filter(carc="2")
    assert owed["amount_cents"].to_list() == [plain_cents(181.23 * 0.2), plain_cents(1959.16 * 0.2)]
    assert answers["claim_id"].to_list() == claims["claim_id"].to_list() == ["324d4f70-d72e"]
    told = dict(report.findings.select("rule", "rows").rows())
    assert told["fhir_others"] == 1 and told["part_of_a_cent"] == 2
    assert report.findings.filter(rule="claim_balance")["amount_cents"].abs().to_list() == [10681]


def test_the_ledger_follows_from_them_as_from_835s(workspace):
    take(workspace, bundle=json.dumps(BUNDLE))
    sums = dict(stored(workspace, "transactions").group_by("kind").agg(pl.col("amount_cents").sum()).rows())
    assert sums["charge"] == plain_cents(2247.2) and sums["payment"] == -plain_cents(1712.312)


def test_blue_button_stu3_and_carin_as_bulk_ndjson(workspace):
    take(workspace, eobs=ndjson(CARRIER, CARIN))
    deposits = stored(workspace, "deposits").sort("paid_cents")
    assert deposits["paid_cents"].to_list() == [plain_cents(20), plain_cents(34.8)]
    lines = stored(workspace, "remit_lines").sort("claim_id", "line_number")
    assert lines["charge_cents"].sum() == plain_cents(40, 68.8, -68.8, 68.8, 100)
    assert lines["paid_cents"].sum() == plain_cents(20, 34.8)
    reasons = stored(workspace, "remit_adjustments").group_by("group_code", "carc").agg(pl.col("amount_cents").sum())
    assert sorted(reasons.rows()) == [("CO", "204", 10000), ("CO", "45", 3400), ("PR", "1", 1000), ("PR", "2", 1000)]
    assert set(stored(workspace, "remit_claims")["claim_id"]) == {"10335267275", "PCN5001"}


def test_an_answer_that_comes_again_counts_once_and_a_corrected_one_takes_its_place(workspace):
    take(workspace, a=ndjson(CARRIER, CARIN))
    more = json.loads(json.dumps(CARRIER))
    more["payment"]["amount"]["value"] = 25
    more["item"][0]["adjudication"][3]["amount"]["value"] = 25
    more["item"][0]["adjudication"][6]["amount"]["value"] = 5
    take(workspace, b=ndjson(more, CARIN))
    assert sorted(stored(workspace, "deposits")["paid_cents"]) == [2500, 3480]
    assert stored(workspace, "remit_lines")["paid_cents"].sum() == 2500 + 3480
    take(workspace, c=ndjson(CARIN))
    assert sorted(stored(workspace, "deposits")["paid_cents"]) == [2500, 3480]


@pytest.mark.parametrize("apart", [True, False])
def test_the_later_version_of_an_answer_stays_whichever_file_comes_first(workspace, apart):
    earlier, later = (json.loads(json.dumps(CARIN)) for _ in range(2))
    earlier["meta"], later["meta"] = ({"lastUpdated": f"2026-0{month}-01T00:00:00Z"} for month in (3, 5))
    later["item"][0]["adjudication"][0]["amount"]["value"] += 1
    later["total"] = []
    if apart:
        take(workspace, a=ndjson(later))
        before = stored(workspace, "deposits"), stored(workspace, "remit_claims")
        report = take(workspace, b=ndjson(earlier))
        assert report.findings.filter(rule="fhir_older")["rows"].to_list() == [1]
        assert all(
            stored(workspace, name).equals(rows)
            for name, rows in zip(("deposits", "remit_claims"), before, strict=True)
        )
        assert (
            take(workspace, c=ndjson(later | {"id": "other"})).findings.filter(file="c", rule="fhir_older").is_empty()
        )
    else:
        take(workspace, a=ndjson(later), b=ndjson(earlier))
    first = stored(workspace, "remit_claims")["charge_cents"].to_list()[0]
    assert first == read_fhir(ndjson(later).encode()).answers["charge_cents"].sum()


def test_a_claim_without_lines_and_of_somebody_with_a_name_is_known_by_its_number(workspace):
    report = take(workspace, claims=ndjson(BCDA_CLAIM))
    bill = read_fhir(ndjson(BCDA_CLAIM).encode()).bills.iloc[0]
    assert (bill["charge_cents"], bill["payer"], bill["billing_npi"], bill["claim_type"], bill["frequency"]) == (
        *(plain_cents(639.66), "MEDICARE", "8884381863", "institutional", "1"),
    )
    assert "claim_balance" in report.findings["rule"].to_list()
    assert "Quitzon246" not in stored(workspace, "submissions").write_csv()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "cancelled"}, "status cancelled"),
        ({"use": "preauthorization"}, "for preauthorization"),
        ({"payment": {"amount": {"value": 1, "currency": "PHP"}}}, "in PHP"),
    ],
)
def test_what_bills_and_answers_nothing_is_left_out_and_told(workspace, changes, why):
    report = take(workspace, eobs=ndjson({**CARIN, **changes}))
    told = report.findings.filter(rule="fhir_left_out")["message"].to_list()
    assert len(told) == 1 and why in told[0]
    assert stored(workspace, "deposits").is_empty()


def test_a_list_of_resources_and_a_lone_one_are_read_too():
    for text in (json.dumps([CARIN, CARRIER]), ndjson(CARIN, CARRIER), json.dumps(CARIN, indent=2)):
        assert is_fhir(text.encode())
        assert "PCN5001" in read_fhir(text.encode()).answers["claim_id"].to_list()


def test_broken_lines_and_files_of_other_types_are_told(workspace):
    report = take(
        workspace,
        eobs=ndjson(CARIN) + '{"resourceType": "Expl\n',
        people=ndjson({"resourceType": "Patient", "id": "1"}),
    )
    assert report.findings.filter(rule="fhir_unread")["rows"].to_list() == [1]
    assert {item.status for item in report.files if item.file == "people"} == {"skipped"}
    assert stored(workspace, "deposits").height == 1


def test_an_answer_that_only_says_what_was_paid_in_all(workspace):
    bare = {**CARRIER, "item": [item(1, "99213", said("submitted", 100))], "payment": {"amount": {"value": 80.1}}}
    report = take(workspace, eobs=ndjson(bare))
    assert stored(workspace, "remit_lines").select("charge_cents", "paid_cents").rows() == [(10000, 8010)]
    assert report.findings.filter(pl.col("rule").str.ends_with("_balance"))["amount_cents"].abs().to_list()[0] == 1990
    several = {**bare, "item": [item(n, "99213", said("submitted", 50)) for n in (1, 2)]}
    found = read_fhir(ndjson(several).encode()).answers
    assert found.select("charge_cents", "paid_cents", "procedure").rows() == [(10000, 8010, None)]
