"""837 claims: worked answers for the loops, the three kinds of claim, and damaged files."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.x12.claim837 import Claims837, read_837

HEAD = (
    "ISA*00*          *00*          *ZZ*CLINIC         *ZZ*PAYER          "
    "*260105*1200*^*00501*000000001*0*P*:~GS*HC*CLINIC*PAYER*20260104*1200*1*X*005010X222A1~"
)
TAIL = "GE*1*1~IEA*1*000000001~"

GOLDEN = (
    HEAD
    + """ST*837*0001*005010X222A1~
BHT*0019*00*B1*20260105*1200*CH~
NM1*41*2*BILLING HOUSE*****46*1~
NM1*40*2*CLEARING HOUSE*****46*2~
HL*1**20*1~
NM1*85*2*CHICAGO MED*****XX*1234567893~
HL*2*1*22*0~
SBR*P*18*******MB~
NM1*IL*1*SECRETNAME*JANE****MI*MEMBER1~
DMG*D8*19430501*F~
NM1*PR*2*MEDICARE*****PI*00431~
CLM*A-001*350.5***11:B:1*Y*A*Y*Y~
DTP*431*D8*20251130~
REF*G1*AUTH~
HI*ABK:J0190~
NM1*82*1*ROE*RICHARD****XX*1987654328~
SBR*S*18*******CI~
CAS*PR*1*10~
NM1*IL*1*SECRETNAME*JANE****MI*OTHER9~
NM1*PR*2*OTHER PAYER*****PI*999~
LX*1~
SV1*HC:99213:25:59*200*UN*1***1~
DTP*472*D8*20251202~
NM1*82*1*LINE*DOCTOR****XX*1111111112~
LX*2~
SV1*HC:J3301*150.50*UN*3*22**1~
DTP*472*RD8*20251201-20251203~
CLM*A-002*80***12:B:7*Y*A*Y*Y~
DTP*435*D8*20251205~
LX*1~
SV1*HC:00142*80*MJ*61***1~
HL*3*1*22*1~
SBR*S********CI~
NM1*IL*1*PARENT*JOHN****MI*MEMBER2~
NM1*PR*2*GOOD HEALTH*****PI*54321~
HL*4*3*23*0~
PAT*19~
NM1*QC*1*CHILD*TIM~
CLM*A-003*60***11:B:8*Y*A*Y*Y~
LX*1~
SV1*HC:99212*60*UN*1***1~
DTP*472*D8*20251206~
HL*5**20*1~
NM1*85*2*SECOND SITE*****XX*1222222220~
HL*6*5*22*0~
SBR*T*18~
NM1*IL*1*LAST*ONE****MI*MEMBER3~
NM1*PR*2*THIRD*****PI*333~
CLM*A-004*10***11:B:1~
LX*1~
SV1*HC:99211*10*UN*1***1~
SE*52*0001~
"""
    + TAIL
)


@pytest.fixture(scope="module")
def golden() -> Claims837:
    return read_837(GOLDEN.encode())


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    taken = frame[list(columns)].astype(object)
    return [tuple(row) for row in taken.where(taken.notna(), None).itertuples(index=False)]


def days(values: pd.Series) -> list[dt.date | None]:
    return [None if pd.isna(value) else value.date() for value in values]


def test_every_claim_stands_under_its_provider_payer_and_patient(golden):
    assert rows(
        golden.submissions,
        "position",
        "claim_id",
        "payer",
        "payer_id",
        "payer_order",
        "patient",
        "relationship",
        "billing_npi",
    ) == [
        (1, "A-001", "MEDICARE", "00431", "primary", "MEMBER1", "18", "1234567893"),
        (2, "A-002", "MEDICARE", "00431", "primary", "MEMBER1", "18", "1234567893"),
        (3, "A-003", "GOOD HEALTH", "54321", "secondary", "MEMBER2", "19", "1234567893"),
        (4, "A-004", "THIRD", "333", "tertiary", "MEMBER3", "18", "1222222220"),
    ]


def test_claims_say_what_was_billed_where_and_when(golden):
    assert rows(
        golden.submissions, "frequency", "charge_cents", "claim_type", "rendering_npi", "place_of_service", "purpose"
    ) == [
        ("1", 35050, "professional", "1987654328", "11", "CH"),
        ("7", 8000, "professional", None, "12", "CH"),
        ("8", 6000, "professional", None, "11", "CH"),
        ("1", 1000, "professional", None, "11", "CH"),
    ]
    assert set(days(golden.submissions["submitted_on"])) == {dt.date(2026, 1, 5)}
    assert days(golden.submissions["service_on"]) == [
        dt.date(2025, 12, 1),
        dt.date(2025, 12, 5),
        dt.date(2025, 12, 6),
        None,
    ]


def test_lines_keep_number_procedure_units_and_their_own_day(golden):
    assert rows(
        golden.lines,
        "claim_index",
        "line_number",
        "procedure",
        "modifiers",
        "units",
        "unit",
        "charge_cents",
        "place_of_service",
    ) == [
        (0, 1, "99213", "25:59", 1.0, "UN", 20000, None),
        (0, 2, "J3301", None, 3.0, "UN", 15050, "22"),
        (1, 1, "00142", None, 61.0, "MJ", 8000, None),
        (2, 1, "99212", None, 1.0, "UN", 6000, None),
        (3, 1, "99211", None, 1.0, "UN", 1000, None),
    ]
    assert days(golden.lines["service_on"]) == [
        dt.date(2025, 12, 2),
        dt.date(2025, 12, 1),
        dt.date(2025, 12, 5),
        dt.date(2025, 12, 6),
        None,
    ]


def test_a_sound_file_has_no_findings_no_names_no_diagnoses_and_no_birth_dates(golden):
    assert golden.findings.empty
    for frame in (golden.submissions, golden.lines, golden.findings):
        text = frame.to_csv()
        assert not any(
            word in text for word in ("SECRETNAME", "JANE", "CHILD", "TIM", "PARENT", "ROE", "J0190", "1943", "OTHER9")
        )


def test_institutional_and_dental_lines_stand_in_other_elements():
    institutional = (
        HEAD.replace("X222A1", "X223A2")
        + (
            "ST*837*1*005010X223A2~HL*1**20*1~NM1*85*2*HOSPITAL*****XX*1234567893~HL*2*1*22*0~SBR*P*18~CLM*I1*90***13:A:1~"
            "DTP*434*RD8*20260101-20260103~LX*1~SV2*0305*HC:85025:91*14*UN*1~LX*2~SV2*0120**76*DA*2~SE*11*1~"
        )
        + TAIL
    )
    read = read_837(institutional.encode())
    assert rows(read.submissions, "claim_type", "place_of_service", "charge_cents") == [("institutional", "13", 9000)]
    assert days(read.submissions["submitted_on"]) == [dt.date(2026, 1, 4)]
    assert days(read.lines["service_on"]) == [dt.date(2026, 1, 1)] * 2
    assert rows(read.lines, "revenue_code", "procedure", "modifiers", "units", "unit", "charge_cents") == [
        ("0305", "85025", "91", 1.0, "UN", 1400),
        ("0120", None, None, 2.0, "DA", 7600),
    ]
    dental = (
        "ST*837*1~BHT*0019*00*1*20260105*1200*CH~HL*1**22*0~SBR*P*18~CLM*D1*44***11:B:1**************PB~"
        "LX*1~SV3*AD:D7140*44*12***2~SE*8*1~"
    )
    read = read_837(dental.encode())
    assert rows(read.submissions, "claim_type", "is_predetermination") == [("dental", True)]
    assert rows(read.lines, "procedure", "units", "place_of_service") == [("D7140", 2.0, "12")]


def test_transactions_do_not_inherit_from_each_other():
    second = "ST*837*2*005010X222A1~BHT*0019*00*2*20260106*1200*RP~CLM*B-1*5***11:B:1~LX*1~SV1*HC:1*5*UN*1~SE*6*2~"
    read = read_837((GOLDEN.removesuffix(TAIL) + second + TAIL.replace("GE*1", "GE*2")).encode())
    last = read.submissions.iloc[-1]
    assert (last["transaction"], last["position"], last["claim_id"], last["purpose"]) == (2, 1, "B-1", "RP")
    assert last[["payer", "payer_id", "patient", "billing_npi"]].isna().all()
    assert read.findings["rule"].tolist() == ["unknown_payer_order"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "CLM*A-001*350.5*", "CLM*A-001*350.4*", [("claim_balance", 10)], id="a claim ten cents below its lines"
        ),
        pytest.param(
            "CLM*A-001*350.5*",
            "CLM*A-001*3S0.5*",
            [("unreadable_amount", None), ("claim_balance", 35050)],
            id="a letter in the charge",
        ),
        pytest.param(
            "CLM*A-004*10*",
            "CLM*A-004**",
            [("missing_amount", None), ("claim_balance", 1000)],
            id="a charge that was not sent",
        ),
        pytest.param(
            "SV1*HC:99211*10*",
            "SV1*HC:99211*l0*",
            [("unreadable_amount", None), ("claim_balance", -1000)],
            id="a letter in a line",
        ),
        pytest.param("CLM*A-004*10***11:B:1~", "CLM*A-004*10***11~", [("missing_frequency", None)], id="no frequency"),
        pytest.param("CLM*A-004*10", "CLM**10", [("missing_claim_id", None)], id="no claim id"),
        pytest.param("SBR*T*18~", "SBR*U*18~", [("unknown_payer_order", None)], id="a payer of unknown order"),
        pytest.param(
            "LX*1~\nSV1*HC:99211*10*UN*1***1~",
            "LX*1~\nREF*1*1~",
            [("claim_without_lines", None)],
            id="a claim without lines",
        ),
        pytest.param("HL*6*5*22*0~", "SV1*HC:1*5*UN*1~", [("orphan_segment", None)], id="a line in front of any claim"),
        pytest.param("SE*52", "SE*53", [("segment_count", None)], id="SE counts one too many"),
    ],
)
def test_what_does_not_add_up_is_found_with_its_dollars(old, new, expected):
    assert old in GOLDEN
    found = read_837(GOLDEN.replace(old, new, 1).encode()).findings
    assert sorted(rows(found, "rule", "amount_cents"), key=str) == sorted(expected, key=str)
    assert found["where"].str.contains("segment").all()


def test_other_delimiters_line_ends_and_indents_change_nothing(golden):
    plain = GOLDEN.replace("\n", "")
    marks = str.maketrans({"*": "|", ":": ">", "~": "'"})
    for text in (plain, plain.replace("~", "~\r\n   "), plain.replace("~", "\n"), plain.translate(marks)):
        read = read_837(text.encode())
        pd.testing.assert_frame_equal(read.submissions, golden.submissions)
        pd.testing.assert_frame_equal(read.lines, golden.lines)


def test_a_cut_file_gives_the_first_claims_and_never_another_charge(golden):
    data = GOLDEN.encode()
    whole = (
        rows(golden.submissions, "claim_id", "charge_cents", "payer_order"),
        rows(golden.lines, "claim_index", "procedure", "charge_cents"),
    )
    for end in range(0, len(data), 53):
        try:
            read = read_837(data[:end])
        except SourceError:
            assert end < data.index(b"BHT"), end
            continue
        assert rows(read.submissions, "claim_id", "charge_cents", "payer_order") == whole[0][: len(read.submissions)], (
            end
        )
        assert rows(read.lines, "claim_index", "procedure", "charge_cents") == whole[1][: len(read.lines)], end


def test_an_835_is_refused_as_claims():
    with pytest.raises(SourceError, match="the X12 data holds no 837: found transactions of kind 835 in 3 segments"):
        read_837(b"ST*835*1~BPR*I*0*C*NON~SE*3*1~")
