"""835 remittances: worked answers, the three balances, damaged files, and laws on generated ones."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.x12.remit835 import Remittance, read_835
from rcm_analysis.sources.x12.segments import kind_of

FRAMES = ("payments", "claims", "lines", "adjustments", "provider_adjustments", "findings")

GOLDEN = """ISA*00*          *00*          *ZZ*PAYER          *ZZ*PROVIDER       *260105*1200*^*00501*000000001*0*P*:~
GS*HP*PAYER*PROVIDER*20260106*1200*1*X*005010X221A1~
ST*835*0001~
BPR*I*161.10*C*ACH*CCP*01*1*DA*2*1999999999**01*3*DA*4*20260107~
TRN*1*EFT-77*1999999999~
DTM*405*20260104~
N1*PR*GOOD HEALTH*XV*54321~
REF*2U*00431~
N1*PE*CHICAGO MED*XX*1234567893~
REF*TJ*998877665~
LX*1~
CLP*A-001*1*300*150.10*49.9*12*ICN1*11*1~
NM1*QC*1*SECRETNAME*JANE****MI*MEMBER1~
NM1*82*1*ROE*RICHARD****XX*1987654328~
NM1*TT*2*NEXT PAYER*****PI*777~
MOA***MA01*MA07~
DTM*232*20251201~
DTM*233*20251202~
SVC*HC:99213:25:59*200*150.10**1~
DTM*472*20251201~
CAS*CO*45*20.00**253*5*0*24*.00~
CAS*PR*2*24.90~
REF*6R*7~
AMT*B6*175~
LQ*HE*N130~
LQ*HE*M15~
SVC*HC:97110*100*0*0420*2*HC:97112~
DTM*150*20251202~
DTM*151*20251203~
CAS*CO*97*75~
CAS*PR*1*25~
CLP*A-002*22*-80*-20**12*ICN2~
CAS*CO*45*-60~
CLP*A-003*4*90*0*0*12*ICN3~
CAS*CO*16*90~
PLB*1234567893*20261231*WO:ICN0*-41*L6*10~
SE*35*0001~
GE*1*1~
IEA*1*000000001~
"""


@pytest.fixture(scope="module")
def golden() -> Remittance:
    return read_835(GOLDEN.encode())


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    taken = frame[list(columns)].astype(object)
    return [tuple(row) for row in taken.where(taken.notna(), None).itertuples(index=False)]


def test_the_payment_says_who_paid_how_much_to_whom_and_when(golden):
    payment = golden.payments.iloc[0]
    assert (
        payment["transaction"],
        payment["paid_cents"],
        payment["trace"],
        payment["method"],
        payment["direction"],
    ) == (1, 16110, "EFT-77", "ACH", "C")
    assert (payment["payer"], payment["payer_id"], payment["payee_npi"]) == ("GOOD HEALTH", "54321", "1234567893")
    assert (payment["paid_on"].date(), payment["created_on"].date()) == (dt.date(2026, 1, 7), dt.date(2026, 1, 6))
    assert (payment["claims_paid_cents"], payment["provider_adjustment_cents"]) == (13010, -3100)
    assert (payment["control_number"], payment["first_segment"], payment["segments"]) == ("0001", 3, 35)


def test_claims_and_lines_carry_their_ids_money_and_days(golden):
    assert rows(
        golden.claims,
        "position",
        "claim_id",
        "status",
        "charge_cents",
        "paid_cents",
        "patient_responsibility_cents",
        "payer_claim_id",
    ) == [
        (1, "A-001", "1", 30000, 15010, 4990, "ICN1"),
        (2, "A-002", "22", -8000, -2000, None, "ICN2"),
        (3, "A-003", "4", 9000, 0, 0, "ICN3"),
    ]
    claim = golden.claims.iloc[0]
    assert (claim["rendering_npi"], claim["crossover_payer"], claim["remark_codes"]) == (
        "1987654328",
        "NEXT PAYER",
        "MA01 MA07",
    )
    assert (claim["service_from"].date(), claim["service_to"].date()) == (dt.date(2025, 12, 1), dt.date(2025, 12, 2))
    assert rows(
        golden.lines,
        "claim_index",
        "position",
        "line_number",
        "procedure",
        "modifiers",
        "charge_cents",
        "paid_cents",
        "allowed_cents",
        "units",
        "remark_codes",
    ) == [
        (0, 1, 7, "99213", "25:59", 20000, 15010, 17500, 1.0, "N130 M15"),
        (0, 2, 2, "97110", None, 10000, 0, None, 2.0, None),
    ]
    assert rows(golden.lines, "revenue_code", "submitted_procedure") == [(None, None), ("0420", "97112")]
    assert [day.date() for day in golden.lines["service_on"]] == [dt.date(2025, 12, 1), dt.date(2025, 12, 2)]


def test_every_triplet_and_every_pair_is_a_row(golden):
    assert rows(
        golden.adjustments, "claim_index", "line_index", "position", "group", "carc", "amount_cents", "quantity"
    ) == [
        (0, 0, 1, "CO", "45", 2000, None),
        (0, 0, 2, "CO", "253", 500, 0.0),
        (0, 0, 3, "CO", "24", 0, None),
        (0, 0, 4, "PR", "2", 2490, None),
        (0, 1, 5, "CO", "97", 7500, None),
        (0, 1, 6, "PR", "1", 2500, None),
        (1, None, 1, "CO", "45", -6000, None),
        (2, None, 1, "CO", "16", 9000, None),
    ]
    assert rows(
        golden.provider_adjustments, "transaction", "position", "provider_id", "reason", "reference", "amount_cents"
    ) == [(1, 1, "1234567893", "WO", "ICN0", -4100), (1, 2, "1234567893", "L6", None, 1000)]


def test_a_sound_remittance_has_no_findings_and_no_name_of_a_patient(golden):
    assert golden.findings.empty
    for name in FRAMES:
        text = getattr(golden, name).to_csv()
        assert not any(word in text for word in ("SECRETNAME", "JANE", "MEMBER1", "ROE", "RICHARD")), name


def broken(old: str, new: str) -> pd.DataFrame:
    assert old in GOLDEN
    found = read_835(GOLDEN.replace(old, new, 1).encode()).findings
    return found[found["rule"] != "segment_count"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "*200*150.10*",
            "*210*150.10*",
            [("line_balance", 1000)],
            id="a line whose adjustments do not explain its payment",
        ),
        pytest.param(
            "CLP*A-003*4*90*",
            "CLP*A-003*4*95.5*",
            [("claim_balance", 550)],
            id="a claim whose adjustments do not explain its payment",
        ),
        pytest.param(
            "BPR*I*161.10", "BPR*I*161.09", [("payment_balance", 1)], id="a payment one cent short of its claims"
        ),
        pytest.param(
            "BPR*I*161.10", "BPR*I*-161.10", [("payment_balance", 32220)], id="a negative payment is read as it stands"
        ),
        pytest.param(
            "L6*10~", "L6*~", [("payment_balance", 1000), ("missing_amount", None)], id="a PLB pair without amount"
        ),
        pytest.param("BPR*I*161.10*C", "BPR*I*161.10*D", [("debit_payment", 16110)], id="a debit"),
        pytest.param(
            "*150.10*49.9*",
            "*150,10*49.9*",
            [("unreadable_amount", None), ("claim_balance", 15010), ("payment_balance", -15010)],
            id="a decimal comma",
        ),
        pytest.param(
            "CAS*CO*97*75~",
            "CAS*CO*97*7S~",
            [("unreadable_amount", None), ("line_balance", 7500), ("claim_balance", 7500)],
            id="a letter in an adjustment",
        ),
        pytest.param(
            "*150.10*49.9*",
            "*150.10*x*",
            [("unreadable_amount", None)],
            id="an unreadable patient responsibility is missing",
        ),
        pytest.param(
            "CLP*A-003*4*90*0*",
            "CLP*A-003*4*90**",
            [("missing_amount", None)],
            id="an amount that was not sent is zero",
        ),
        pytest.param(
            "CLP*A-002*22*", "CLP*A-002*1*", [("negative_claim", -8000)], id="a negative claim without status 22"
        ),
        pytest.param("CLP*A-003*4*", "CLP*A-003*22*", [("reversal_sign", 0)], id="a reversal that does not take back"),
        pytest.param("CLP*A-003*4*", "CLP*A-003*5*", [("unknown_status", 0)], id="a status of an older standard"),
        pytest.param("CLP*A-003*", "CLP**", [("missing_claim_id", None)], id="a claim without id"),
        pytest.param("CAS*CO*16*90", "CAS*XX*16*90", [("unknown_group", 9000)], id="a group that does not exist"),
        pytest.param("CAS*CO*16*90", "CAS*CO**90", [("missing_reason", 9000)], id="an adjustment without reason"),
        pytest.param("DTM*472*20251201", "DTM*472*20251301", [("unreadable_date", None)], id="a thirteenth month"),
        pytest.param("*20260107~", "*TODAY~", [("unreadable_date", None)], id="a day of payment in words"),
        pytest.param(
            "LX*1~\nCLP*",
            "LX*1~\nSVC*HC:1*5*5~\nCLP*",
            [("orphan_segment", 500)],
            id="a line in front of any claim is left out",
        ),
        pytest.param(
            "BPR*I*161.10*C*ACH*CCP*01*1*DA*2*1999999999**01*3*DA*4*20260107~\n",
            "",
            [("missing_payment", None), ("payment_balance", 16110)],
            id="no BPR",
        ),
    ],
)
def test_what_does_not_add_up_is_found_with_its_dollars(old, new, expected):
    found = broken(old, new)
    assert sorted(rows(found, "rule", "amount_cents"), key=str) == sorted(expected, key=str)
    assert found["where"].str.contains("segment").all()
    assert not found["message"].str.contains("A-00|ICN|TODAY|7S").any()


def test_a_finding_says_where_it_is():
    found = broken("*200*150.10*", "*210*150.10*").iloc[0]
    assert found["where"] == "transaction 1, claim 1, line 1, segment 19"
    assert (
        found["message"]
        == "Charge less adjustments of the line differ from its payment (SVC02 - CAS = SVC03) by 10.00 USD."
    )


def test_claim_level_and_line_level_adjustments_both_count_for_the_claim():
    text = "ST*835*1~BPR*I*50~CLP*A*1*100*50~CAS*CO*45*20~SVC*HC:1*100*70~CAS*PR*2*30~SE*7*1~"
    read = read_835(text.encode())
    assert read.findings["rule"].tolist() == ["missing_header"]
    assert rows(read.adjustments, "line_index", "amount_cents") == [(None, 2000), (0, 3000)]


def test_segments_of_the_next_transaction_do_not_fall_to_the_last_claim():
    one = "ST*835*{n}~BPR*I*80*C*CHK~TRN*1*T{n}~N1*PR*P{n}~CLP*C{n}*1*100*80~CAS*CO*45*20~SE*7*{n}~"
    read = read_835((one.format(n=1) + one.format(n=2).replace("CLP", "CAS*CO*45*1~CLP")).encode())
    assert rows(read.payments, "transaction", "trace", "payer") == [(1, "T1", "P1"), (2, "T2", "P2")]
    assert rows(read.adjustments, "claim_index", "amount_cents") == [(0, 2000), (1, 2000)]
    assert "orphan_segment" in set(read.findings["rule"])


def test_the_same_payment_in_another_wrapping_has_the_same_fingerprint():
    other = (
        GOLDEN.replace("\n", "\r\n")
        .replace("~", "'")
        .replace("*", "|")
        .replace("000000001", "000000999")
        .replace("0001'", "0042'")
    )
    assert (
        read_835(other.encode()).payments["fingerprint"].tolist()
        == read_835(GOLDEN.encode()).payments["fingerprint"].tolist()
    )
    assert broken("SE*35", "SE*35").empty
    twice = GOLDEN.replace("GE*1", GOLDEN[GOLDEN.index("ST*835") : GOLDEN.index("GE*1")] + "GE*2")
    found = read_835(twice.encode()).findings
    assert rows(found, "rule", "transaction", "amount_cents") == [("repeated_payment", 2, 16110)]


def test_more_than_six_triplets_are_read_and_a_long_plb_too():
    triplets = "*".join(f"{code}*1*" for code in range(1, 9))
    read = read_835(
        f"ST*835*1~BPR*I*-10~CLP*A*1*8*0~CAS*CO*{triplets}~PLB*1*20261231*{'*'.join(['WO:R*2'] * 5)}~".encode()
    )
    assert len(read.adjustments) == 8 and read.adjustments["amount_cents"].sum() == 800
    assert rows(read.provider_adjustments, "position", "amount_cents") == [(place, 200) for place in range(1, 6)]
    assert not read.findings["rule"].str.endswith("balance").any()


def test_a_payment_without_claims_gives_empty_frames_of_the_same_types(golden):
    read = read_835(b"ST*835*1~BPR*H*0*C*NON~TRN*1*9~SE*4*1~")
    for name in FRAMES:
        ours, full = getattr(read, name), getattr(golden, name)
        assert ours.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict(), name
    assert len(read.payments) == 1 and read.claims.empty and read.lines.empty


def test_an_837_is_refused_as_a_remittance():
    with pytest.raises(SourceError, match="the X12 data holds no 835: found transactions of kind 837 in 3 segments"):
        read_835(b"ST*837*1~BHT*0019*00*1~SE*3*1~")


# --- laws on generated remittances -------------------------------------------------------------------

cents = st.integers(-5_000_000, 5_000_000)
codes = st.sampled_from(["1", "2", "45", "97", "253", "A1"])
triplets = st.lists(st.tuples(codes, cents, st.sampled_from(["", "0", "2"])), min_size=1, max_size=6)
adjusted = st.lists(st.tuples(st.sampled_from(["CO", "PR", "OA", "PI"]), triplets), max_size=3)
service = st.tuples(cents, adjusted)
claim = st.tuples(st.sampled_from(["1", "2", "3", "4", "19", "25"]), adjusted, st.lists(service, max_size=3), cents)
payment = st.tuples(
    st.lists(claim, max_size=4), st.lists(st.tuples(st.sampled_from(["WO", "FB", "L6"]), cents), max_size=5)
)
marks = st.sampled_from(["*:~\n", "*:~", "|^~\r\n", "*>'", "\x1d\x1f\x1c", "*:\n", "*:\r", "|<\r\n", "!;#\n  "])


def usd(amount: int) -> str:
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def cas(groups) -> list[str]:
    return [
        "CAS*" + group + "".join(f"*{code}*{usd(amount)}*{count}" for code, amount, count in entries)
        for group, entries in groups
    ]


def total(groups) -> int:
    return sum(amount for _, entries in groups for _, amount, _ in entries)


def written(payments, wrapping: str) -> tuple[str, dict]:
    """A balanced 835, and what a reader must find in it."""
    truth: dict = {"payments": [], "claims": [], "lines": [], "adjustments": [], "pairs": []}
    segments = [
        "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PROVIDER       *260105*1200*U*00501*000000001*0*P*:",
        "GS*HP*PAYER*PROVIDER*20260105*1200*1*X*005010X221A1",
    ]
    for number, (claims, pairs) in enumerate(payments, start=1):
        body, paid = ["TRN*1*T", "LX*1"], 0
        for status, groups, services, charge in claims:
            index = len(truth["claims"])
            lines = [(line_charge, of_line, line_charge - total(of_line)) for line_charge, of_line in services]
            claim_charge = sum(entry[0] for entry in lines) if lines else charge
            claim_paid = claim_charge - total(groups) - sum(total(entry[1]) for entry in lines)
            body += [f"CLP*C{index}*{status}*{usd(claim_charge)}*{usd(claim_paid)}", *cas(groups)]
            truth["claims"].append((f"C{index}", status, claim_charge, claim_paid))
            truth["adjustments"] += [(index, None, group, *entry[:2]) for group, entries in groups for entry in entries]
            for line_charge, of_line, line_paid in lines:
                body += [f"SVC*HC:99213*{usd(line_charge)}*{usd(line_paid)}", *cas(of_line)]
                line = len(truth["lines"])
                truth["lines"].append((index, line_charge, line_paid))
                truth["adjustments"] += [
                    (index, line, group, *entry[:2]) for group, entries in of_line for entry in entries
                ]
            paid += claim_paid
        if pairs:
            body.append("PLB*1*20261231" + "".join(f"*{reason}:R*{usd(amount)}" for reason, amount in pairs))
            truth["pairs"] += pairs
            paid -= sum(amount for _, amount in pairs)
        truth["payments"].append(paid)
        segments += [f"ST*835*{number}", f"BPR*I*{usd(paid)}*C*ACH", *body, f"SE*{len(body) + 3}*{number}"]
    segments += [f"GE*{len(payments)}*1", "IEA*1*000000001"]
    element, component, terminator = wrapping[0], wrapping[1], wrapping[2:]
    text = "".join(segment + "~" for segment in segments)
    return text.translate(str.maketrans({"*": element, ":": component, "~": terminator})), truth


def found(read: Remittance) -> dict:
    return {
        "payments": read.payments["paid_cents"].tolist(),
        "claims": rows(read.claims, "claim_id", "status", "charge_cents", "paid_cents"),
        "lines": rows(read.lines, "claim_index", "charge_cents", "paid_cents"),
        "adjustments": rows(read.adjustments, "claim_index", "line_index", "group", "carc", "amount_cents"),
        "pairs": rows(read.provider_adjustments, "reason", "amount_cents"),
    }


@settings(max_examples=25)
@given(st.lists(payment, min_size=1, max_size=3), marks)
def test_what_was_written_is_read_back_and_balances(payments, wrapping):
    text, truth = written(payments, wrapping)
    read = read_835(text.encode())
    assert found(read) == truth
    unexpected = set(read.findings["rule"]) - {"negative_claim", "repeated_payment"}
    assert not unexpected


@settings(max_examples=25)
@given(st.lists(payment, min_size=1, max_size=2), marks, st.floats(0, 1))
def test_a_cut_file_gives_the_first_rows_of_the_whole_and_never_other_money(payments, wrapping, share):
    text, _ = written(payments, wrapping)
    whole, data = found(read_835(text.encode())), text.encode()
    cut = data[: int(len(data) * share)]
    try:
        part = found(read_835(cut))
    except SourceError:
        assert b"BPR" not in cut or not kind_of(cut)
        return
    for name, expected in whole.items():
        if name == "payments" and part[name] != expected[: len(part[name])]:
            assert part[name][-1] == 0 and part[name][:-1] == expected[: len(part[name]) - 1]
        else:
            assert part[name] == expected[: len(part[name])], name


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(GOLDEN)), st.sampled_from(["", "~", "*", "\n", "x", "CLP*", "ST*835*", "\x00", "É"])
        ),
        max_size=6,
    )
)
def test_no_damage_ever_raises_anything_but_a_source_error(damage):
    text = GOLDEN
    for place, junk in damage:
        text = text[:place] + junk + text[place + 1 :]
    try:
        read = read_835(text.encode("latin-1"))
    except SourceError:
        return
    assert read.lines["claim_index"].between(0, len(read.claims) - 1).all()
    assert read.adjustments["line_index"].dropna().between(0, len(read.lines) - 1).all()


def test_cutting_anywhere_keeps_the_rows_before_the_cut(golden):
    whole, data = found(golden), GOLDEN.encode()
    for end in range(0, len(data), 31):
        try:
            part = found(read_835(data[:end]))
        except SourceError:
            assert end < data.index(b"BPR"), end
            continue
        assert part["claims"] == whole["claims"][: len(part["claims"])], end
        assert part["adjustments"] == whole["adjustments"][: len(part["adjustments"])], end
        assert part["lines"] == whole["lines"][: len(part["lines"])], end
