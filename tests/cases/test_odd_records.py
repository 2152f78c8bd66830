"""One odd record is set aside with its file and its dollars; everything else of the client is stored."""

import pytest

from .desk import blank, ingested
from .files import answer, claim_837, interchange, remit_835, x12


def told(desk, file: str, *cents: int) -> bool:
    """A finding or a row set aside of this file names one of these amounts, in cents."""
    rows = [*desk.findings(file=file), *desk.aside(file)]
    return any(abs(row["amount_cents"] or 0) in cents and row["rule"] for row in rows)


# ------------------------------------------------------------ 837
def test_a_claim_of_an_unknown_version_is_set_aside_and_the_remittance_stored_d01(tmp_path):
    desk = ingested("d01-one-837-stops-client", tmp_path)
    assert desk.exit_code == 1
    assert told(desk, "837p-unknown-variant.edi", 10000)  # CLM02
    assert {row["claim_id"] for row in desk.stored("remit_claims")} == {"PT-A", "PT-B"}
    assert desk.cash("2026-06") == 24000  # 160 + 80


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("SV1*HC:99213*100*UN*1***1~\n", "", id="no service line"),
        pytest.param("CLM*X1*", "CLM**", id="no claim number"),
    ],
)
def test_an_odd_claim_is_set_aside_and_the_others_stored(tmp_path, before, after):
    desk = blank(tmp_path)
    odd = claim_837("X1", "100", control=2)
    assert before in odd
    desk.put("good.837", claim_837("G1", "400"))
    desk.put("odd.837", odd.replace(before, after))
    desk.put("good.835", remit_835("300", answer("G1", "400", "300", "CO*45*100")))
    desk.ingest()
    assert desk.exit_code == 1
    assert told(desk, "odd.837", 10000)
    assert {row["claim_id"] for row in desk.stored("claims")} == {"G1"}
    assert desk.parts() == {}  # 400 - 300 - 100


# ------------------------------------------------------------ 835
def test_a_claim_payment_without_status_is_set_aside_and_the_others_stored_d02(tmp_path):
    desk = ingested("d02-one-835-stops-client", tmp_path)
    assert desk.exit_code == 1
    assert told(desk, "bad.835", 8000, 10000)  # CLP04, CLP03
    assert {row["claim_id"] for row in desk.stored("remit_claims")} == {"PT-A", "PT-B"}
    assert desk.cash("2026-06") == 24000  # 160 + 80
    assert desk.cash("2026-10") == 0


def test_a_good_remittance_beside_nothing_odd_is_stored(tmp_path):
    desk = blank(tmp_path)
    desk.put("good.837", claim_837("G1", "400"))
    desk.put("good.835", remit_835("300", answer("G1", "400", "300", "CO*45*100")))
    desk.ingest()
    assert desk.exit_code == 0 and desk.parts() == {} and desk.holds()


@pytest.mark.parametrize(
    ("before", "after", "cents"),
    [
        pytest.param("CLP*X1*", "CLP**", (8000, 10000), id="no claim number"),
        pytest.param("SVC*HC:99213*", "SVC**", (8000, 10000), id="no procedure"),
        pytest.param("CAS*CO*45*20", "CAS*CO**20", (2000, 8000, 10000), id="no adjustment reason"),
        pytest.param("CAS*CO*45*20", "CAS**45*20", (2000, 8000, 10000), id="no adjustment group"),
    ],
)
def test_an_odd_claim_payment_is_set_aside_and_the_others_stored(tmp_path, before, after, cents):
    desk = blank(tmp_path)
    odd = remit_835("80", answer("X1", "100", "80", "CO*45*20"), trace="T9", control=2)
    assert before in odd
    desk.put("good.837", claim_837("G1", "400"))
    desk.put("good.835", remit_835("300", answer("G1", "400", "300", "CO*45*100")))
    desk.put("odd.835", odd.replace(before, after))
    desk.ingest()
    assert desk.exit_code == 1
    assert told(desk, "odd.835", *cents)
    assert desk.balance_of("G1") == 0  # 400 - 300 - 100
    assert "G1" in {row["claim_id"] for row in desk.stored("remit_claims")}


def test_a_provider_adjustment_without_reason_is_told_and_the_others_stored(tmp_path):
    desk = blank(tmp_path)
    desk.put("good.837", claim_837("G1", "400"))
    desk.put("good.835", remit_835("300", answer("G1", "400", "300", "CO*45*100")))
    desk.put("odd.835", remit_835("50", [], trace="T9", provider=["PLB*1234567893*20261231**-50"], control=2))
    desk.ingest()
    assert desk.exit_code == 1
    assert told(desk, "odd.835", 5000)
    assert desk.balance_of("G1") == 0


# ------------------------------------------------------------ other X12
def test_an_interchange_acknowledgment_is_told_by_its_name_d10(tmp_path):
    desk = ingested("d10-ta1-not-x12", tmp_path)
    assert desk.exit_code in (0, 1)
    assert desk.counts()["Refused"] == 0
    assert "TA1" in desk.all_messages()


def test_an_implementation_acknowledgment_is_told_by_its_name(tmp_path):
    desk = blank(tmp_path)
    ack = x12("835", "20260105", ["AK1*HC*1*005010X222A1", "AK9*A*1*1*1"]).replace("ST*835", "ST*999")
    desk.put("ack.edi", ack)
    desk.ingest()
    assert desk.exit_code in (0, 1)
    assert desk.counts()["Refused"] == 0
    assert "999" in desk.all_messages()


def test_an_interchange_without_any_transaction_is_told_for_what_it_is(tmp_path):
    desk = blank(tmp_path)
    desk.put("empty.edi", f"{interchange('20260105', 1)}~\nIEA*0*000000001~\n")
    desk.ingest()
    assert "neither X12" not in desk.all_messages()


def test_a_line_whose_charge_cannot_be_read_is_set_aside_and_its_claim_stored(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100", lines=[("99213", "60"), ("20610", "4O")]))
    desk.put("b.837", claim_837("A2", "50", member="M2", control=2))
    desk.ingest()
    assert desk.parts() == {("A1", "primary"): 10000, ("A2", "primary"): 5000}
    assert [row["rule"] for row in desk.aside()] == ["unreadable_amount"] and not desk.holds()
