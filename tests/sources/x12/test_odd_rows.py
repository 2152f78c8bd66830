"""One odd X12 row is set aside with its segment, rule and dollars; what hangs on it goes along; the rest is stored."""

from __future__ import annotations

import polars as pl
import pytest

from rcm_analysis.sources import intake as intake_module
from rcm_analysis.sources.intake import ingest_client
from rcm_analysis.sources.x12 import remit835
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[payers.medicare]
name = "Medicare"
payer_class = "medicare"
identifiers = ["00512"]

[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
"""
HEAD = "ISA*00*          *00*          *ZZ*S              *ZZ*R              *260310*1200*^*00501*000000001*0*P*:~"
TWO_CLAIMS = [
    "ST*835*0001",  # segment 3
    "BPR*I*120.00*C*ACH************20260310",
    "TRN*1*77*1512345678",
    "N1*PR*MEDICARE*XV*00512",
    "N1*PE*ACME*XX*1234567893",
    "LX*1",
    "CLP*A1*1*100.00*80.00**MB*ICN1",  # segment 9
    "SVC*HC:99213*60.00*50.00",
    "CAS*CO*45*10.00",
    "SVC*HC:99214*40.00*30.00",
    "CAS*CO*45*10.00",
    "CLP*A2*1*50.00*40.00**MB*ICN2",  # segment 14
    "SVC*HC:99213*50.00*40.00",
    "CAS*CO*45*10.00",
]
ONE_BILL = [
    "ST*837*0001*005010X222A1",
    "BHT*0019*00*1*20260301*1200*CH",
    "HL*1**20*1",
    "NM1*85*2*ACME*****XX*1234567893",
    "HL*2*1*22*0",
    "SBR*P*18*******MB",
    "NM1*IL*1*DOE*JO****MI*M1",
    "NM1*PR*2*MEDICARE*****PI*00512",
    "CLM*A1*100***11:B:1*Y*A*Y*Y",  # segment 11
    "LX*1",
    "SV1*HC:99213*60*UN*1***1",
    "DTP*472*D8*20260301",
    "LX*2",
    "SV1*HC:99214*40*UN*1***1",
    "CLM*A2*50***11:B:1*Y*A*Y*Y",  # segment 17
    "LX*1",
    "SV1*HC:99213*50*UN*1***1",
]


def file(segments: list[str], before: str = "", after: str = "") -> bytes:
    kind, version = ("HP", "005010X221A1") if "835" in segments[0] else ("HC", "005010X222A1")
    body = [*segments, f"SE*{len(segments) + 1}*0001"]
    text = HEAD + f"GS*{kind}*S*R*20260310*1200*1*X*{version}~" + "".join(f"{one}~" for one in body)
    text += "GE*1*1~IEA*1*000000001~"
    assert before in text
    return text.replace(before, after, 1).encode() if before else text.encode()


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def taken(workspace, **files: bytes):
    folder = workspace.paths["raw"] / "acme"
    for name, data in files.items():
        (folder / f"{name}.edi").write_bytes(data)
    return ingest_client(workspace, "acme", sorted(folder.iterdir()))


def stored(workspace, table: str) -> pl.DataFrame:
    return workspace.store.open("acme").read(table)


def counts(workspace) -> dict[str, int]:
    tables = ("deposits", "remit_claims", "remit_lines", "remit_adjustments")
    return {table: stored(workspace, table).height for table in tables}


def aside(report) -> list[tuple]:
    rows = report.quarantine.filter(pl.col("rule") != "parent_set_aside")
    return rows.select("table", "row", "rule", "amount_cents").rows()


@pytest.mark.parametrize(
    ("before", "after", "row", "left"),
    [
        pytest.param("CLP*A1*1*", "CLP**1*", ("remit_claims", 9, "missing", 8000), (1, 1, 1, 1), id="no claim id"),
        pytest.param("CLP*A1*1*", "CLP*A1**", ("remit_claims", 9, "missing", 8000), (1, 1, 1, 1), id="no status"),
        pytest.param(
            "CLP*A1*1*100.00*80.00*", "CLP*A1**100.00*0*", ("remit_claims", 9, "missing", 10000), (1, 1, 1, 1),
            id="nothing paid: its charge is told",
        ),
        pytest.param(
            "100.00*80.00", "100.00*8O.00", ("remit_claims", 9, "unreadable_amount", 10000), (1, 1, 1, 1),
            id="a payment with a letter in it",
        ),
        pytest.param(
            "SVC*HC:99213*60.00*", "SVC**60.00*", ("remit_lines", 10, "missing", 5000), (1, 2, 2, 3),
            id="no procedure: the line alone",
        ),
        pytest.param(
            "CAS*CO*45*10.00", "CAS*CO**10.00", ("remit_adjustments", 11, "missing", 1000), (1, 2, 3, 2),
            id="no reason: the adjustment alone",
        ),
        pytest.param(
            "CAS*CO*45*10.00", "CAS**45*10.00", ("remit_adjustments", 11, "missing", 1000), (1, 2, 3, 2), id="no group"
        ),
        pytest.param(
            "CAS*CO*45*10.00", "CAS*CO*45*1O.00**253*2.00", ("remit_adjustments", 11, "unreadable_amount", None),
            (1, 2, 3, 3), id="of two amounts the one that cannot be read",
        ),
        pytest.param(
            "BPR*I*120.00", "BPR*I*12O.00", ("deposits", 4, "unreadable_amount", 12000), (0, 0, 0, 0),
            id="no readable payment: the whole remittance, with what its claims say",
        ),
        pytest.param(
            "BPR*I*120.00", "BPR*I*", ("deposits", 4, "missing_amount", 12000), (0, 0, 0, 0), id="an empty payment"
        ),
    ],
)  # fmt: skip
def test_an_odd_row_of_a_remittance_is_set_aside_alone(workspace, before, after, row, left):
    report = taken(workspace, odd=file(TWO_CLAIMS, before, after))
    assert aside(report) == [row]
    assert tuple(counts(workspace).values()) == left
    told = report.findings.filter(pl.col("rule") == row[2], pl.col("where") == f"segments {row[1]}")
    assert told["amount_cents"].to_list() == [row[3]] and told["needs_person"].all()


def test_what_hangs_on_a_claim_payment_goes_with_it_and_is_counted_once(workspace):
    report = taken(workspace, odd=file(TWO_CLAIMS, "CLP*A1*1*", "CLP*A1**"))
    with_it = report.quarantine.filter(pl.col("rule") == "parent_set_aside")
    assert with_it.select("table", "row", "amount_cents").rows() == [
        ("remit_lines", 10, None),
        ("remit_lines", 12, None),
        ("remit_adjustments", 11, None),
        ("remit_adjustments", 13, None),
    ]
    assert not report.findings.filter(pl.col("rule") == "parent_set_aside")["needs_person"].any()


def test_adjustments_of_a_line_that_was_set_aside_become_the_claims(workspace):
    taken(workspace, odd=file(TWO_CLAIMS, "SVC*HC:99213*60.00*", "SVC**60.00*"))
    rows = stored(workspace, "remit_adjustments").sort("remit_adjustment_id")
    assert rows["amount_cents"].to_list() == [1000, 1000, 1000]
    assert sorted(rows["remit_line_id"].is_null()) == [False, False, True]


@pytest.mark.parametrize(
    ("before", "after", "rows", "claims"),
    [
        pytest.param("CLM*A1*", "CLM**", [("submissions", 11, "missing", 10000)], ["A2"], id="no claim id"),
        pytest.param(
            "LX*1~SV1*HC:99213*50*UN*1***1~", "", [("submissions", 17, "claim_without_lines", 5000)], ["A1"],
            id="no service line",
        ),
        pytest.param(
            "CLM*A1*100*", "CLM*A1*1OO*", [("submissions", 11, "unreadable_amount", None)], ["A2"],
            id="a charge with letters in it",
        ),
        pytest.param(
            "SV1*HC:99214*40*", "SV1*HC:99214*4O*", [("claim_lines", 16, "unreadable_amount", None)], ["A1", "A2"],
            id="a line's charge with a letter in it: the line alone",
        ),
    ],
)  # fmt: skip
def test_an_odd_claim_of_an_837_is_set_aside_alone(workspace, before, after, rows, claims):
    report = taken(workspace, odd=file(ONE_BILL, before, after))
    assert aside(report) == rows
    assert sorted(stored(workspace, "claims")["claim_id"]) == claims
    assert sorted(stored(workspace, "submissions")["claim_id"]) == claims
    assert set(stored(workspace, "claim_lines")["claim_id"]) == set(claims)


def test_lines_stay_with_their_claims_when_an_earlier_claim_is_set_aside(workspace):
    taken(workspace, odd=file(ONE_BILL, "CLM*A1*", "CLM**"))
    assert stored(workspace, "claim_lines").select("claim_id", "procedure", "charge_cents").rows() == [
        ("A2", "99213", 5000)
    ]


def test_a_reader_that_stops_on_one_file_refuses_that_file_only(workspace, monkeypatch):
    def stop(segments, real=remit835.read_835):
        if b"POISON" in segments:
            raise KeyError("a value of a patient")
        return real(segments)

    monkeypatch.setattr(remit835, "read_835", stop)
    report = taken(workspace, good=file(TWO_CLAIMS), odd=file(TWO_CLAIMS, "TRN*1*77", "TRN*1*POISON"))
    assert {item.file: item.status for item in report.files} == {"good.edi": "read", "odd.edi": "refused"}
    [message] = report.findings.filter(pl.col("rule") == "refused")["message"]
    assert "KeyError" in message and "a value of a patient" not in message
    assert counts(workspace)["remit_claims"] == 2


def test_a_file_that_stops_intake_itself_refuses_that_file_only(workspace, monkeypatch):
    real = intake_module.x12.kind_of
    monkeypatch.setattr(intake_module.x12, "kind_of", lambda data: 1 / 0 if b"POISON" in data else real(data))
    report = taken(workspace, good=file(TWO_CLAIMS), odd=file(TWO_CLAIMS, "TRN*1*77", "TRN*1*POISON"))
    assert {item.file: item.status for item in report.files} == {"good.edi": "read", "odd.edi": "refused"}


@pytest.mark.parametrize(
    ("segments", "says"),
    [
        (["ST*270*0001", "BHT*0022*13*1*20260301*1200"], "1 X12 270 (eligibility inquiry)"),
        (["ST*271*0001", "BHT*0022*11*1*20260301*1200"], "1 X12 271 (eligibility response)"),
        (["ST*276*0001", "BHT*0010*13*1*20260301*1200"], "1 X12 276 (claim status request)"),
        (["ST*278*0001", "BHT*0007*13*1*20260301*1200"], "1 X12 278 (authorization)"),
        (["ST*820*0001", "BPR*I*5*C*ACH", "TRN*3*9", "ENT*1", "RMR*IK*1**5"], "1 X12 820 (premium payment)"),
        (["ST*834*0001", "BGN*00*1*20260301"], "1 X12 834 (enrollment)"),
        (["ST*850*0001", "BEG*00*NE*1"], "1 X12 850 (another transaction)"),
        (["ST*835*0001", *TWO_CLAIMS[1:], "SE*15*0001", "ST*271*0002", "BHT*0022*11*1"], "1 X12 271"),
    ],
    ids=["270", "271", "276", "278", "820", "834", "unknown", "beside an 835"],
)
def test_other_x12_is_named_with_its_count(workspace, segments, says):
    report = taken(workspace, other=file(segments))
    found = report.findings.filter(pl.col("rule") == "other_transaction")
    assert says in found["message"][0] and found["rows"].to_list() == [1]
    assert [item.status for item in report.files] in (["skipped"], ["read"])
