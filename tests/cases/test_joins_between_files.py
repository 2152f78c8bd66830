"""One file must meet another: the same claim, line, check and practice, or a finding in dollars."""

import datetime as dt

import pytest

from .desk import REGISTRY, blank, ingested, opened
from .files import BLUE, MAP, MEDICARE, answer, claim_837, export, posting, remit_835

PAID = ("CO*45*20",)
OTHER_CLINIC = "N1*PE*OTHER CLINIC*FI*998877665"


# ------------------------------------------------------------ remittances without claims
def test_a_remittance_without_its_837_makes_no_phantom_credit_d03(tmp_path):
    desk = ingested("d03-835-only", tmp_path)
    assert desk.cash_by_month() == {"2026-10": 8000}
    # With the charge of CLP03: 100 - 80 - 20 = 0. Without: 80 of cash and 100 of balance never billed.
    assert desk.parts() == {} or desk.tells(8000, 10000)


def test_a_history_that_starts_in_its_middle_makes_no_phantom_credit(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A2", "200"))
    before, ours = answer("A1", "100", "80", *PAID), answer("A2", "200", "150", "CO*45*50", icn="PCN2")
    desk.put("b.835", remit_835("230", [*before, *ours]))
    desk.ingest()
    assert desk.balance_of("A2") == 0  # 200 - 150 - 50
    assert desk.parts() == {} or desk.tells(8000, 10000)


def test_what_a_patient_owes_on_a_claim_without_its_837_is_all_that_is_owed(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.835", remit_835("64", answer("A1", "100", "64", *PAID, "PR*2*16")))
    desk.ingest()
    # With the charge of CLP03: 100 - 64 - 20 = 16, the patient's.
    assert desk.parts() == {("A1", "patient"): 1600} or desk.tells(6400, 10000)


def test_the_837_that_comes_after_its_remittance_charges_the_claim_once(tmp_path):
    desk = blank(tmp_path)
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", *PAID)))
    desk.ingest()
    desk.put("a.837", claim_837("A1", "100"))
    desk.ingest()
    assert desk.parts() == {}  # 100 - 80 - 20
    assert desk.stored_kind("charge") == [10000]


def test_parts_that_cancel_between_claims_are_told(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835("80", answer("Z9", "100", "80", *PAID)))
    desk.ingest()
    # A1 open with 100 and Z9 a credit of 100 add up to 0; the claim never billed has 80 of cash on it.
    assert desk.parts() == {("A1", "primary"): 10000} or desk.tells(8000, 10000)


# ------------------------------------------------------------ claim ids
def test_claim_ids_that_lost_their_zeros_or_their_case_meet_or_are_told_r07(tmp_path):
    desk = ingested("r07-claim-id-leading-zeros", tmp_path)
    # Joined: 100 - 80 - 20 and 50 - 40 - 10. Apart: 120 paid on claims never billed, 150 open and 150 credit.
    assert desk.parts() == {} or desk.tells(12000, 15000)


@pytest.mark.parametrize(
    ("billed", "answered"),
    [
        pytest.param("AB-12-3", "AB123", id="punctuation left out"),
        pytest.param("AB 123", "AB123", id="a blank left out"),
        pytest.param("0042-A", "42a", id="zeros, punctuation and case at once"),
        pytest.param("2026010500017", "2.02601E+12", id="scientific notation"),
        pytest.param("2026010500017", "2026010500017.0", id="a decimal of a spreadsheet"),
        pytest.param("1234567890123456789", "1234567890123456800", id="the digits that a spreadsheet keeps"),
    ],
)
def test_claim_ids_in_another_dress_meet_or_are_told(tmp_path, billed, answered):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837(billed, "100"))
    desk.put("b.835", remit_835("80", answer(answered, "100", "80", *PAID)))
    desk.ingest()
    assert desk.parts() == {} or desk.tells(8000, 10000)


def test_two_billed_claims_whose_ids_differ_by_zeros_stay_two(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("777", "100"))
    desk.put("b.837", claim_837("000777", "50", control=2, member="M2"))
    desk.put("c.835", remit_835("80", answer("777", "100", "80", *PAID)))
    desk.ingest()
    assert desk.parts() == {("000777", "primary"): 5000}  # 777: 100 - 80 - 20


# ------------------------------------------------------------ service lines
def line_pairs(desk, claim: str) -> dict[str, str]:
    """Procedure answered -> procedure billed, where both stand under one line number."""
    billed = {row["line_number"]: row["procedure"] for row in desk.stored("claim_lines") if row["claim_id"] == claim}
    rows = [row for row in desk.stored("remit_lines") if row["claim_id"] == claim]
    return {row["procedure"]: billed.get(row["line_number"]) for row in rows}


def test_line_control_numbers_are_the_billers_own_r05(tmp_path):
    desk = ingested("r05-line-control-number", tmp_path)
    assert line_pairs(desk, "A500") == {"99213": "99213", "20610": "20610"}
    assert desk.parts() == {}  # 300 - 120 - 80 - 60 - 40


LINES = [("99213", "200", "A7"), ("20610", "100", "0008")]


@pytest.mark.parametrize(
    ("billed", "order", "controls"),
    [
        pytest.param(LINES, (1, 0), True, id="letters and zeros, answered in another order"),
        pytest.param([line[:2] for line in LINES], (1, 0), False, id="no control numbers, answered in another order"),
        pytest.param([line[:2] for line in LINES], (0, 1), False, id="no control numbers, answered in order"),
    ],
)
def test_answered_lines_meet_the_billed_lines(tmp_path, billed, order, controls):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "300", lines=billed))
    services = []
    for place in order:
        procedure, charge, control = LINES[place]
        paid = {"200": "120", "100": "60"}[charge]
        services += [f"SVC*HC:{procedure}*{charge}*{paid}", f"CAS*CO*45*{int(charge) - int(paid)}"]
        services += [f"REF*6R*{control}"] if controls else []
    desk.put("b.835", remit_835("180", ["CLP*A1*1*300*180**MB*PCN1*11*1", *services]))
    desk.ingest()
    assert line_pairs(desk, "A1") == {"99213": "99213", "20610": "20610"}


# ------------------------------------------------------------ the same money twice
def once_or_told(desk, month: str) -> bool:
    """The check of 300 counted once and told, or counted twice and the difference told."""
    told = any(abs(row["amount_cents"] or 0) == 30000 for row in desk.findings())
    return (desk.cash(month) == 30000 and desk.parts() == {} and told) or desk.tells(30000)


def test_a_check_from_two_clearinghouses_is_counted_once_or_told_r60(tmp_path):
    desk = ingested("r60-same-check-two-clearinghouses", tmp_path)
    assert once_or_told(desk, "2026-01")  # 400 - 300 - 100 = 0


@pytest.mark.parametrize(
    ("payer", "trace"),
    [
        pytest.param(MEDICARE, "00888123", id="other zeros"),
        pytest.param(("MEDICARE PT B NATIONAL", "99999"), "000888123", id="the payer under another spelling"),
        pytest.param(MEDICARE, "888-123", id="punctuation in the trace"),
        pytest.param(MEDICARE, "000888123", id="another file day alone"),
    ],
)
def test_a_check_in_another_dress_is_counted_once_or_told(tmp_path, payer, trace):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    claims = answer("G1", "400", "300", "CO*45*100")
    desk.put("b.835", remit_835("300", claims, trace="000888123", day="20260120"))
    desk.put("c.835", remit_835("300", claims, trace=trace, day="20260120", made="20260121", payer=payer, control=2))
    desk.ingest()
    assert once_or_told(desk, "2026-01")


def test_a_check_that_comes_again_in_a_later_delivery_is_counted_once_or_told_r60(tmp_path):
    desk = opened("r60-same-check-two-clearinghouses", tmp_path)
    later = desk.without("c.835")
    desk.ingest()
    desk.put("c.835", later["c.835"])
    desk.ingest()
    assert once_or_told(desk, "2026-01")


@pytest.mark.parametrize("second", [MEDICARE, BLUE], ids=["of one payer", "of two payers"])
def test_two_checks_of_one_amount_and_day_are_both_cash(tmp_path, second):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("b.837", claim_837("G2", "400", member="M2", payer=second, control=2))
    desk.put("c.835", remit_835("300", answer("G1", "400", "300", "CO*45*100"), trace="888123", day="20260120"))
    desk.put(
        "d.835",
        remit_835(
            "300",
            answer("G2", "400", "300", "CO*45*100", icn="PCN2"),
            trace="888124",
            day="20260120",
            payer=second,
            control=2,
        ),
    )
    desk.ingest()
    assert desk.cash("2026-01") == 60000 and desk.parts() == {}


# ------------------------------------------------------------ another practice's money
def refused_or_told(desk, file: str) -> bool:
    """Nothing of the remittance is stored and its file is named, or its 300.00 is told."""
    refused = not desk.stored("deposits") and bool(desk.findings(file=file))
    return (refused and desk.parts() == {("G1", "primary"): 40000}) or desk.tells(30000)


def test_a_remittance_to_another_practice_by_tax_id_is_refused_or_told_r61(tmp_path):
    desk = ingested("r61-other-practice-payee-by-tax-id", tmp_path)
    assert refused_or_told(desk, "b.835")


@pytest.mark.parametrize(
    "payee",
    [
        pytest.param("N1*PE*OTHER CLINIC", id="by name alone"),
        pytest.param("N1*PE*OTHER CLINIC*XX*1999999984", id="by NPI"),
    ],
)
def test_a_remittance_to_another_practice_is_refused_or_told(tmp_path, payee):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("b.835", remit_835("300", answer("OTHER77", "400", "300", "CO*45*100"), day="20260120", payee=payee))
    desk.ingest()
    assert refused_or_told(desk, "b.835")


def test_a_remittance_under_the_name_of_another_client_is_refused(tmp_path):
    plain = 'providers = 1\nrevenue = "1.00"\ncommission_rate = "0.05"\nmeeting_cadence = "monthly"\n'
    other = f'\n[clients.zeta]\nname = "Zeta Clinic"\naliases = ["Z Care"]\n{plain}'
    desk = blank(tmp_path, registry=REGISTRY + other)
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("b.835", remit_835("300", answer("Q1", "400", "300", "CO*45*100"), payee="N1*PE*Z CARE, LLC"))
    desk.ingest()
    assert refused_or_told(desk, "b.835") and not desk.stored("deposits")


@pytest.mark.parametrize(
    "payee",
    [
        pytest.param("N1*PE*ACME ORTHO*FI*112233445", id="by tax id, under its name"),
        pytest.param("N1*PE*Acme Ortho, LLC*FI*112233445", id="by tax id, under its name with another ending"),
        pytest.param(
            OTHER_CLINIC.replace("OTHER CLINIC*FI*998877665", "DOE JO MD*XX*1234567893"),
            id="by NPI, under another name",
        ),
    ],
)
def test_a_remittance_to_the_practice_itself_is_taken(tmp_path, payee):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("b.835", remit_835("300", answer("G1", "400", "300", "CO*45*100"), day="20260120", payee=payee))
    desk.ingest()
    assert desk.cash("2026-01") == 30000 and desk.parts() == {}


def with_setting(desk, line: str) -> None:
    """Add a line to the client's section of the registry, or take the last such line out."""
    text = (desk.folder / "clients.toml").read_text()
    kept = "".join(row + "\n" for row in text.splitlines() if not row.startswith(line.split(" =")[0]))
    desk.configure("clients.toml", kept + (f"{line}\n" if " = " in line else ""))


@pytest.mark.parametrize(
    ("payee", "word"),
    [
        pytest.param("N1*PE*OTHER CLINIC", "Other Clinic, LLC", id="by name"),
        pytest.param("N1*PE*OTHER CLINIC*FI*998877665", "99-8877665", id="by tax id"),
        pytest.param("N1*PE*ACME BILLING*FI*998877665", "998877665", id="by tax id under another name"),
    ],
)
def test_what_was_stored_for_another_practice_is_taken_out_once_somebody_says_so(tmp_path, payee, word):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("b.835", remit_835("100", answer("G1", "400", "100", "CO*45*300"), trace="T1", day="20260118"))
    theirs = answer("OTHER77", "400", "300", "CO*45*100", icn="PCN2")
    desk.put("c.835", remit_835("300", theirs, trace="T2", day="20260120", payee=payee, control=2))
    desk.ingest()
    assert desk.cash("2026-01") == 40000 and desk.tells(30000)
    with_setting(desk, f'not_ours = ["{word}"]')
    desk.ingest()
    assert desk.cash("2026-01") == 10000 and desk.parts() == {} and len(desk.stored("deposits")) == 1
    assert "another practice's; they were taken out" in desk.all_messages()
    assert {row["remit_id"] for row in desk.stored("remit_claims")} == {desk.stored("deposits")[0]["remit_id"]}
    assert desk.exit_code == 0 and desk.holds()
    assert desk.ingest().exit_code == 0 and desk.cash("2026-01") == 10000
    with_setting(desk, "not_ours")
    desk.ingest()
    assert desk.cash("2026-01") == 40000 and desk.tells(30000)


def test_another_practices_remittance_beside_ours_in_one_file_is_left_out_alone(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    ours = remit_835("300", answer("G1", "400", "300", "CO*45*100"), trace="T1", day="20260120")
    theirs = remit_835("50", answer("X9", "80", "50", "CO*45*30"), trace="T2", day="20260121", control=2)
    desk.put("both.835", ours + theirs.replace("XX*1234567893", "XX*1999999984"))
    desk.ingest()
    assert desk.cash("2026-01") == 30000 and desk.parts() == {}
    (told,) = desk.findings("other_practice")
    assert told["amount_cents"] == 5000 and "NPI 1999999984" in told["message"]
    assert desk.ingest().cash("2026-01") == 30000


def test_a_name_under_not_ours_does_not_take_money_of_our_own_npi(tmp_path):
    desk = blank(tmp_path)
    with_setting(desk, 'not_ours = ["Acme Ortho"]')
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("b.835", remit_835("300", answer("G1", "400", "300", "CO*45*100"), day="20260120"))
    assert desk.ingest().cash("2026-01") == 30000


# ------------------------------------------------------------ no work on phantom dollars
def test_a_claim_under_two_numbers_is_on_no_worklist_and_told_r07(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("2026010500017", "100") + claim_837("B7", "60", member="M2", control=2))
    desk.put("b.835", remit_835("80", answer("2.02601E+12", "100", "80", *PAID)))
    desk.ingest()
    # What is open on the billed number was paid under the other: only B7 is work.
    assert desk.worklist(dt.date(2026, 3, 31)) == ["B7"]
    assert desk.tells(8000, 10000)
    weekly = desk.weekly("2026-02")
    assert "1 balance ($100) of claims that nobody billed" in weekly and "2026010500017" not in weekly
    said = desk.rcm("worklist", "export", "-c", "acme", "--as-of", "2026-02-28", "--to", str(tmp_path / "list.xlsx"))[1]
    assert "1 balance(s) [100.00] of claims that nobody billed, or that stand under two numbers, are not on it" in said


def test_a_balance_that_nobody_billed_is_on_no_worklist_and_told(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    rows = [posting(1, "A1", "CHG", "01/05/2026", "100.00"), posting(2, "Z9", "PMT", "01/20/2026", "-80.00")]
    desk.put("jan.csv", export(*rows))
    desk.ingest()
    # A payment of -80.00 raises the balance of a claim that has no charge.
    assert desk.parts()["Z9", "primary"] == 8000
    assert desk.worklist(dt.date(2026, 3, 31)) == ["A1"]
    assert "1 claim owing and never billed [80.00, 44.44 % of balances owed] (owed_never_billed)" in desk.check()[1]


# ------------------------------------------------------------ a check sent anew
def reissued(desk, *, again: list[str], billed: str = "400"):
    """G1 paid by a check, and whatever a second check holds a week later."""
    desk.put("a.837", claim_837("G1", billed))
    desk.put("b.835", remit_835("300", answer("G1", "400", "300", "CO*45*100"), trace="T1", day="20260120"))
    desk.ingest()
    desk.put("c.835", remit_835("300", again, trace="T2", day="20260127", control=2))
    return desk.ingest()


def test_an_answer_that_comes_again_under_another_check_is_told(tmp_path):
    desk = reissued(blank(tmp_path), again=answer("G1", "400", "300", "CO*45*100"))
    code, text = desk.check()
    assert code == 1 and "1 claim paid again by the answer that had paid it [300.00, 50.00 %" in text


@pytest.mark.parametrize(
    ("billed", "again"),
    [
        pytest.param("400", answer("G1", "400", "300", "CO*45*100", icn="PCN2"), id="decided anew"),
        pytest.param("800", answer("G1", "400", "300", "CO*45*100"), id="the other half of the claim"),
    ],
)
def test_a_second_payment_of_its_own_is_no_answer_twice(tmp_path, billed, again):
    assert "(same_answer_twice)" not in reissued(blank(tmp_path), again=again, billed=billed).check()[1]


# ------------------------------------------------------------ one trace number, several payments
def test_a_payment_left_out_because_another_has_its_trace_is_told_until_it_is_taken_away(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("G1", "400"))
    desk.put("c.835", remit_835("300", answer("G1", "400", "300", "CO*45*100"), trace="5000", day="20260120"))
    again = answer("G2", "400", "300", "CO*45*100", icn="PCN2")
    path = desk.put("d.835", remit_835("300", again, trace="5000", day="20260120", control=2))
    assert desk.ingest().exit_code == 1 and desk.cash("2026-01") == 30000
    assert [row["amount_cents"] for row in desk.findings("same_check_again")] == [30000]
    path.unlink()
    assert desk.ingest().findings("same_check_again") == []
