"""What was sent and answered about one claim makes one state: its charge, its balance, its decision.

Every expected figure is worked out by hand from the case; the arithmetic stands beside it.
"""

import datetime as dt

import pytest

from .desk import blank, ingested, opened
from .files import BLUE, answer, claim_837, remit_835

JANUARY, FEBRUARY = dt.date(2026, 1, 31), dt.date(2026, 2, 28)


# ------------------------------------------------------------ replacements and voids
def test_a_replacement_supersedes_the_original_r01(tmp_path):
    desk = ingested("r01-corrected-claim-freq7", tmp_path)
    assert [row["charge_cents"] for row in desk.stored("claims")] == [15000]  # frequency 7 says 150.00
    assert desk.parts() == {}  # 150 - 120 - 30
    assert desk.cash_by_month() == {"2026-02": 12000}
    assert desk.holds()


def test_a_replacement_counts_from_the_day_on_which_it_was_sent_r01(tmp_path):
    desk = ingested("r01-corrected-claim-freq7", tmp_path)
    assert desk.receivable(dt.date(2026, 1, 10)) == 10000
    assert desk.receivable(JANUARY) == 15000


def test_replaced_only_replaced_and_voided_claims_stand_as_last_sent_d06(tmp_path):
    desk = ingested("d06-replacement-claim", tmp_path)
    assert desk.balance_of("A1") == 0  # replaced: 150 - 120 - 30
    assert desk.balance_of("B1") == 20000  # known by its replacement alone
    assert desk.balance_of("C1") == 0  # 300 - 300
    assert desk.receivable() == 20000


def test_a_voided_claim_is_neither_open_nor_written_off_d06(tmp_path):
    desk = ingested("d06-replacement-claim", tmp_path)
    assert desk.balance_of("C1", dt.date(2026, 9, 10)) == 30000  # voided on September 20
    assert "C1" not in desk.ends(dt.date(2026, 12, 31))
    assert "C1" not in desk.worklist(dt.date(2026, 12, 31))


def test_an_original_sent_again_with_another_charge_counts_as_sent_last(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.837", claim_837("A1", "150", day="20260120", control=2))
    desk.put("c.835", remit_835("120", answer("A1", "150", "120", "CO*45*30")))
    desk.ingest()
    assert desk.parts() == {}  # 150 - 120 - 30
    assert desk.cash_by_month() == {"2026-02": 12000}


def test_an_original_sent_again_unchanged_is_charged_once(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.837", claim_837("A1", "100", day="20260120", control=2))
    desk.ingest()
    assert desk.receivable() == 10000


def test_a_claim_replaced_after_it_was_paid_ends_as_corrected(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*45*20"), day="20260125"))
    desk.put("c.837", claim_837("A1", "150", day="20260210", frequency="7", control=2))
    taken_back = answer("A1", "-100", "-80", "CO*45*-20", status="22")
    corrected = answer("A1", "150", "120", "CO*45*30", icn="PCN2")
    desk.put("d.835", remit_835("40", [*taken_back, *corrected], trace="T2", day="20260310", control=2))
    desk.ingest()
    assert desk.receivable(JANUARY) == 0  # 100 - 80 - 20
    assert desk.receivable(FEBRUARY) == 5000  # 150 - 80 - 20
    assert desk.parts() == {}  # 150 - 80 - 20 + 80 + 20 - 120 - 30
    assert desk.cash_by_month() == {"2026-01": 8000, "2026-03": 4000}


def test_a_void_after_payment_and_its_reversal_leave_nothing(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "300"))
    desk.put("b.835", remit_835("240", answer("A1", "300", "240", "CO*45*60"), day="20260125"))
    desk.put("c.837", claim_837("A1", "300", day="20260210", frequency="8", control=2))
    reversal = answer("A1", "-300", "-240", "CO*45*-60", status="22")
    desk.put(
        "d.835",
        remit_835(
            "0",
            reversal,
            trace="T2",
            day="20260310",
            method="NON",
            provider=["PLB*1234567893*20261231*FB:T2*-240"],
            control=2,
        ),
    )
    desk.ingest()
    assert desk.parts() == {}  # 300 - 240 - 60 - 300 + 240 + 60


def test_a_number_billed_anew_after_its_void_has_the_new_charge(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "300"))
    desk.put("b.837", claim_837("A1", "300", day="20260110", frequency="8", control=2))
    desk.put("c.837", claim_837("A1", "250", day="20260112", control=3))
    desk.ingest()
    assert desk.receivable() == 25000  # 300 - 300 + 250


def test_a_replacement_read_before_its_original_still_supersedes_it(tmp_path):
    desk = opened("r01-corrected-claim-freq7", tmp_path)
    original = desk.without("a.837")
    desk.ingest()
    desk.put("a.837", original["a.837"])
    desk.ingest()
    assert desk.parts() == {}  # 150 - 120 - 30, in whatever order the files came
    assert [row["charge_cents"] for row in desk.stored("claims")] == [15000]


# ------------------------------------------------------------ one claim, several answers
def test_a_claim_split_by_the_payer_keeps_its_balance_r04(tmp_path):
    desk = ingested("r04-payer-split-claim", tmp_path)
    assert desk.balance_of("A400") == 10000  # 300 - 120 - 80; the denied 100 stays open
    assert desk.cash_by_month() == {"2026-01": 12000}


def test_a_claim_split_by_the_payer_is_one_claim_denied_in_part_r04(tmp_path):
    desk = ingested("r04-payer-split-claim", tmp_path)
    assert desk.denied_claims("2026-01") == (1, 1)
    assert desk.denied_lines("2026-01") == (1, 2)  # 20610 denied, 99213 paid
    assert desk.denied_dollars("2026-01") == (10000, 30000)  # 100 of 200 + 100
    assert desk.denial_codes("2026-01") == {"50"}


def test_a_claim_answered_over_two_months_is_one_claim_denied_in_part(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "300", lines=[("99213", "200"), ("20610", "100")]))
    desk.put("b.835", remit_835("120", answer("A1", "200", "120", "CO*45*80"), day="20260120"))
    denied = answer("A1", "100", "0", "CO*50*100", status="4", procedure="20610", icn="PCN2")
    desk.put("c.835", remit_835("0", denied, trace="T2", day="20260210", method="NON", control=2))
    desk.ingest()
    assert desk.balance_of("A1") == 10000
    assert desk.denied_claims("2026-01", "2026-02") == (1, 1)
    assert desk.denied_dollars("2026-01", "2026-02") == (10000, 30000)


def test_a_second_decision_on_the_same_lines_is_no_first_denial(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "200"))
    desk.put("b.835", remit_835("120", answer("A1", "200", "120", "CO*45*80"), day="20260120"))
    taken_back = answer("A1", "-200", "-120", "CO*45*-80", status="22")
    denied = answer("A1", "200", "0", "CO*50*200", status="4", icn="PCN2")
    desk.put(
        "c.835",
        remit_835(
            "0",
            [*taken_back, *denied],
            trace="T2",
            day="20260210",
            method="NON",
            provider=["PLB*1234567893*20261231*FB:T2*-120"],
            control=2,
        ),
    )
    desk.ingest()
    assert desk.balance_of("A1") == 20000  # 200 - 120 - 80 + 120 + 80
    assert desk.denied_claims("2026-01", "2026-02") == (0, 1)


# ------------------------------------------------------------ a number used twice
def test_a_claim_number_used_again_a_year_later_is_open_or_told_r06(tmp_path):
    desk = ingested("r06-claim-number-reused", tmp_path)
    assert desk.receivable(dt.date(2025, 12, 31)) == 0  # 100 - 80 - 20
    assert desk.receivable() == 90000 or desk.tells(90000)


def test_a_claim_number_used_for_another_patient_is_open_or_told(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("1001", "100", member="M1"))
    desk.put(
        "b.837",
        claim_837("1001", "900", member="M2", day="20260107", served="20260103", control=2, lines=[("20610", "900")]),
    )
    desk.put("c.835", remit_835("80", answer("1001", "100", "80", "CO*45*20")))
    desk.ingest()
    assert desk.receivable() == 90000 or desk.tells(90000)  # 100 - 80 - 20 + 900


# ------------------------------------------------------------ primary and secondary
def test_a_secondary_that_repeats_the_discount_takes_it_off_once_d07(tmp_path):
    desk = ingested("d07-secondary-co45", tmp_path)
    # 100 - 64 - 20 leaves the 16 of PR 2, which the secondary pays: nothing is owed by anybody.
    assert desk.parts() == {}
    assert desk.cash_by_month() == {"2026-10": 8000}  # 64 + 16


def _primary_and_secondary(desk, *, billed: bool):
    desk.put("a.837", claim_837("A1", "100"))
    if billed:
        desk.put("b.837", claim_837("A1", "100", order="S", payer=BLUE, day="20260208", control=2))
    desk.put("c.835", remit_835("64", answer("A1", "100", "64", "CO*45*20", "PR*2*16")))
    second = answer("A1", "100", "10", "CO*45*20", "OA*23*64", "PR*2*6", status="2", icn="PCN2")
    desk.put("d.835", remit_835("10", second, trace="T2", day="20260215", payer=BLUE, control=2))
    return desk.ingest()


@pytest.mark.parametrize("billed", [True, False], ids=["with its 837", "without its 837"])
def test_what_a_secondary_leaves_to_the_patient_is_all_that_is_owed(tmp_path, billed):
    desk = _primary_and_secondary(blank(tmp_path), billed=billed)
    assert desk.parts() == {("A1", "patient"): 600}  # 100 - 64 - 20 - 10


def test_a_denial_by_the_payer_billed_as_secondary_is_a_secondary_denial_r03(tmp_path):
    desk = ingested("r03-secondary-denied-status4", tmp_path)
    assert desk.payer_orders("A300") == [("medicare", "primary"), ("bluex", "secondary")]
    assert desk.primary_denials(FEBRUARY) == (0, 0)
    assert desk.denied_claims("2026-02") == (1, 1)  # CO 29 takes 40 of 200; OA 23 holds the rest
    assert desk.parts() == {("A300", "secondary"): 4000}  # 200 - 80 - 80 leaves 40, sent on


def test_the_order_of_a_payer_is_known_even_when_its_837_is_read_later(tmp_path):
    desk = opened("r03-secondary-denied-status4", tmp_path)
    later = desk.without("a2.837")
    desk.ingest()
    desk.put("a2.837", later["a2.837"])
    desk.ingest()
    assert desk.payer_orders("A300") == [("medicare", "primary"), ("bluex", "secondary")]
    assert desk.primary_denials(FEBRUARY) == (0, 0)


def test_a_denial_by_the_payer_billed_as_primary_is_a_primary_denial(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "200"))
    desk.put("b.835", remit_835("0", answer("A1", "200", "0", "CO*29*200", status="4"), day="20260220", method="NON"))
    desk.ingest()
    assert desk.payer_orders("A1") == [("medicare", "primary")]
    assert desk.primary_denials(FEBRUARY) == (1, 1)


# ------------------------------------------------------------ money taken back
def test_a_takeback_of_a_claim_from_before_our_time_moves_cash_and_balance_d16(tmp_path):
    desk = ingested("d16-takeback-of-claim-before-our-time", tmp_path)
    assert desk.cash("2026-10") == 2000  # 80 - 60, as BPR02 says
    assert desk.balance_of("A1") == 0  # 100 - 80 - 20
    assert desk.balance_of("Z9") == 9000  # 90 - 60 - 30 before our time, + 60 + 30 now


def test_a_takeback_of_a_claim_never_billed_is_told_d16(tmp_path):
    desk = ingested("d16-takeback-of-claim-before-our-time", tmp_path)
    assert desk.tells(6000, 9000)  # 60 of cash on it, 90 of balance


def test_a_takeback_of_a_claim_from_before_our_time_leaves_the_worklist_whole_d16(tmp_path):
    desk = ingested("d16-takeback-of-claim-before-our-time", tmp_path)
    assert desk.worklist(dt.date(2026, 10, 31)) == ["Z9"]


@pytest.mark.slow
def test_a_takeback_of_a_claim_from_before_our_time_stops_no_report_d16(tmp_path):
    desk = ingested("d16-takeback-of-claim-before-our-time", tmp_path)
    code, text = desk.rcm("packets", "--period", "2026-10", "--client", "acme", "--workers", "1")
    assert code == 0, text


def test_a_reversal_and_its_correction_before_our_time_move_cash_only(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    taken_back = answer("Z9", "-90", "-60", "CO*45*-30", status="22")
    corrected = answer("Z9", "90", "70", "CO*45*20", icn="PCN2")
    desk.put("b.835", remit_835("10", [*taken_back, *corrected]))
    desk.ingest()
    assert desk.balance_of("Z9") == 0  # + 60 + 30 - 70 - 20
    assert desk.cash("2026-02") == 1000  # 70 - 60


def test_a_denial_from_before_our_time_that_is_paid_now_leaves_what_the_payer_names(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    taken_back = answer("Z9", "-175", "0", "CO*50*-175", status="22")
    corrected = answer("Z9", "175", "95", "CO*45*60", "PR*3*20", icn="PCN2")
    desk.put("b.835", remit_835("95", [*taken_back, *corrected]))
    desk.ingest()
    assert desk.parts() == {("A1", "primary"): 10000, ("Z9", "patient"): 2000}  # the denial left 175 - 95 - 60 - 20
    assert desk.cash("2026-02") == 9500


def test_a_payment_from_before_our_time_that_is_raised_now_moves_the_patients_share_too(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    taken_back = answer("Z9", "-175", "-40", "CO*45*-125", "PR*2*-10", status="22")
    corrected = answer("Z9", "175", "95", "CO*45*60", "PR*2*20", icn="PCN2")
    desk.put("b.835", remit_835("55", [*taken_back, *corrected]))
    desk.ingest()
    assert desk.parts() == {("A1", "primary"): 10000, ("Z9", "patient"): 2000}  # before: 10 with the patient; now 20
    assert desk.cash("2026-02") == 5500  # 95 - 40


def test_a_duplicate_refusal_that_is_reversed_and_paid_leaves_nothing_without_an_837(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.835", remit_835("0", answer("A1", "175", "0", "OA*18*175"), day="20260120", method="NON"))
    taken_back = answer("A1", "-175", "0", "OA*18*-175", status="22")
    corrected = answer("A1", "175", "95", "CO*45*60", "PR*3*20", icn="PCN2")
    desk.put("b.835", remit_835("95", [*taken_back, *corrected], trace="T2", control=2))
    desk.ingest()
    assert desk.parts() == {("A1", "patient"): 2000}  # 175 - 95 - 60 - 20


def test_a_reversal_without_signs_in_a_remittance_of_nothing_is_no_mere_notification(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("B1", "400"))
    desk.put("b.835", remit_835("300", answer("B1", "400", "300", "CO*45*100"), day="20260120"))
    taken_back = answer("B1", "400", "300", "CO*45*100", status="22")
    carried = ["PLB*1234567893*20261231*FB:T2*-300"]
    desk.put("c.835", remit_835("0", taken_back, trace="T2", bpr="H", method="NON", provider=carried, control=2))
    desk.ingest()
    assert desk.balance_of("B1") == 40000  # 400 - 300 - 100 + 300 + 100


def test_a_reversal_without_signs_takes_back_what_was_paid_r11(tmp_path):
    desk = ingested("r11-reversal-positive-signs", tmp_path)
    assert desk.balance_of("B200") == 40000  # 400 - 300 - 100 + 300 + 100; CO 29 posts nothing
    assert desk.cash_by_month()["2026-01"] == 30000
    assert sum(desk.stored_kind("takeback")) == 30000
    assert sum(desk.stored_kind("payment")) == -30000


def test_a_reversal_with_signs_on_the_claim_only_takes_the_discount_back_or_tells_it(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("B1", "400"))
    desk.put("b.835", remit_835("300", answer("B1", "400", "300", "CO*45*100"), day="20260120"))
    taken_back = answer("B1", "-400", "-300", "CO*45*100", status="22")
    desk.put(
        "c.835",
        remit_835(
            "0", taken_back, trace="T2", method="NON", provider=["PLB*1234567893*20261231*FB:T2*-300"], control=2
        ),
    )
    desk.ingest()
    # 400 - 300 - 100 + 300 + 100; with the discount as sent 200 less would be open.
    assert desk.balance_of("B1") == 40000 or desk.tells(20000)


# ------------------------------------------------------------ what was known on an earlier day
def charges_on(desk, *days: dt.date) -> list[int]:
    return [desk.tables(day)["claims"].collect()["charge_cents"].item() for day in days]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one intake", "in two"])
@pytest.mark.parametrize(
    ("frequency", "charge", "later"),
    [
        pytest.param("7", "150", 15000, id="replaced"),
        pytest.param("1", "150", 15000, id="sent again with another charge"),
        pytest.param("5", "50", 15000, id="a late charge added"),
        pytest.param("8", "100", 10000, id="voided: what it took back"),
    ],
)
def test_the_charge_of_a_claim_is_the_one_known_by_then(tmp_path, at_once, frequency, charge, later):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100", day="20260105"))
    if not at_once:
        desk.ingest()
    desk.put("b.837", claim_837("A1", charge, day="20260310", frequency=frequency, control=2))
    desk.ingest()
    before, since = dt.date(2026, 3, 9), dt.date(2026, 3, 10)
    assert charges_on(desk, before, since) == [10000, later]
    assert [row["charge_cents"] for row in desk.stored("claims")] == [later]


# ------------------------------------------------------------ corrected under a new number
REFUSED = remit_835("0", answer("A1", "100", "0", "CO*16*100", status="4"), day="20260120", trace="T0", method="NON")
PAID_ANEW = remit_835("120", answer("A2", "150", "120", "CO*45*30", icn="PCN2"), day="20260220", trace="T2", control=2)


def corrected_as(replaces: str, *, served: str = "20260101", member: str = "M1") -> dict[str, str]:
    """A1 billed and refused, corrected as A2 and paid."""
    a2 = claim_837(
        "A2", "150", day="20260201", frequency="7", control=2, replaces=replaces, served=served, member=member
    )
    return {"a.837": claim_837("A1", "100"), "b.835": REFUSED, "c.837": a2, "d.835": PAID_ANEW}


@pytest.mark.parametrize("order", ["abcd", "cdab", "dcba"])
@pytest.mark.parametrize("at_once", [True, False], ids=["in one intake", "one by one"])
def test_a_claim_corrected_under_a_new_number_is_the_claim_that_it_was(tmp_path, order, at_once):
    desk = blank(tmp_path)
    files = corrected_as("PCN1")
    for name in sorted(files, key=lambda name: order.index(name[0])):
        desk.put(name, files[name])
        if not at_once:
            desk.ingest()
    desk.ingest()
    assert desk.parts() == {}  # 150 - 120 - 30
    assert [(row["claim_id"], row["charge_cents"]) for row in desk.stored("claims")] == [("A1", 15000)]
    assert desk.denied_claims("2026-01", "2026-02") == (1, 1)
    assert desk.receivable(JANUARY) == 10000 and desk.holds()


@pytest.mark.parametrize("replaces", ["", "PCN9"], ids=["no reference", "a reference that no answer has"])
def test_a_correction_whose_original_is_not_known_is_told_with_what_may_stand_twice(tmp_path, replaces):
    desk = blank(tmp_path)
    for name, content in corrected_as(replaces).items():
        desk.put(name, content)
    desk.ingest()
    (told,) = desk.findings("perhaps_charged_twice")
    assert told["amount_cents"] == 10000 and desk.exit_code == 1


@pytest.mark.parametrize("other", [{"served": "20260115"}, {"member": "M2"}], ids=["another day", "another patient"])
def test_a_correction_of_another_service_or_patient_is_no_doubt_about_this_claim(tmp_path, other):
    desk = blank(tmp_path)
    for name, content in corrected_as("", **other).items():
        desk.put(name, content)
    assert desk.ingest().findings("perhaps_charged_twice") == []


def test_a_void_under_a_new_number_takes_the_claim_back(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", REFUSED)
    desk.put("c.837", claim_837("V1", "100", day="20260201", frequency="8", control=2, replaces="PCN1"))
    assert desk.ingest().parts() == {} and desk.receivable(JANUARY) == 10000


def test_interim_bills_add_up_and_break_no_sum(tmp_path):
    desk = blank(tmp_path)
    for place, (frequency, charge) in enumerate((("2", "100"), ("3", "50"), ("4", "25")), start=1):
        desk.put(f"{place}.837", claim_837("A1", charge, day=f"2026010{place + 4}", frequency=frequency, control=place))
    paid = [
        segment
        for place, (charge, cash, rest) in enumerate((("100", "80", "20"), ("50", "40", "10"), ("25", "20", "5")))
        for segment in answer("A1", charge, cash, f"CO*45*{rest}", icn=f"P{place}")
    ]
    desk.put("b.835", remit_835("140", paid))
    assert desk.ingest().parts() == {} and desk.holds()  # 175 - 140 - 35
