"""What came in, and when: the payer's day, and the money that stands in no claim."""

import datetime as dt

from .desk import blank, ingested
from .files import answer, claim_837, remit_835


# ------------------------------------------------------------ the month of cash
def test_a_history_downloaded_in_june_is_cash_of_the_months_in_which_it_was_paid_r66(tmp_path):
    desk = ingested("r66-history-downloaded-again-in-june", tmp_path)
    assert desk.cash_by_month() == {"2026-01": 8000, "2026-02": 8000, "2026-03": 8000}  # BPR16 of each check


def test_a_history_downloaded_in_june_closes_its_claims_when_they_were_paid_r66(tmp_path):
    desk = ingested("r66-history-downloaded-again-in-june", tmp_path)
    assert desk.receivable(dt.date(2026, 3, 31)) == 0  # 3 x (100 - 80 - 20)
    assert desk.receivable(dt.date(2026, 2, 28)) == 10000  # L2 is paid on March 10
    ends = desk.ends(dt.date(2026, 6, 30))
    # Billed January 2: paid January 20, February 15 and March 10.
    assert ends == {"L0": ("paid", 18), "L1": ("paid", 44), "L2": ("paid", 67)}


def test_a_check_of_the_last_of_a_month_is_cash_of_that_month(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*45*20"), day="20260131", made="20260203"))
    desk.ingest()
    assert desk.cash_by_month() == {"2026-01": 8000}


def test_a_payment_without_a_payment_day_is_cash_of_the_month_of_its_file(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    paid = remit_835("80", answer("A1", "100", "80", "CO*45*20"), day="20260310", made="20260310")
    desk.put("b.835", paid.replace("CHK************20260310", "CHK").replace("DTM*405*20260310~\n", ""))
    desk.ingest()
    assert desk.cash_by_month() == {"2026-03": 8000}


def test_a_notification_is_no_cash(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    told = answer("A1", "100", "80", "CO*45*20")
    desk.put("b.835", remit_835("80", told, trace="N1", bpr="H", method="NON", day="20260205"))
    desk.ingest()
    assert desk.cash("2026-02") == 0


def test_a_notification_and_its_check_are_cash_once(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    told = answer("A1", "100", "80", "CO*45*20")
    desk.put("b.835", remit_835("80", told, trace="N1", bpr="H", method="NON", day="20260205"))
    desk.put("c.835", remit_835("80", told, trace="T1", day="20260210", control=2))
    desk.ingest()
    assert desk.cash("2026-02") == 8000
    assert desk.parts() == {}  # 100 - 80 - 20


# ------------------------------------------------------------ money without a claim (PLB)
def test_money_without_a_claim_leaves_the_balances_alone_r09(tmp_path):
    desk = ingested("r09-plb-capitation-interest-wo", tmp_path)
    assert desk.parts() == {}  # A900 and A901: 400 - 300 - 100
    assert desk.cash("2026-01") == 30000


def test_capitation_interest_and_recoupments_are_part_of_what_came_in_r09(tmp_path):
    desk = ingested("r09-plb-capitation-interest-wo", tmp_path)
    assert desk.received("2026-02") == 501234  # 5,000.00 capitation + 12.34 interest
    assert desk.received("2026-03") == 15000  # 300 paid, 150 withheld: the bank saw 150


def test_page_one_names_what_came_in_without_a_claim_r09(tmp_path):
    desk = ingested("r09-plb-capitation-interest-wo", tmp_path)
    assert "$5,012 came in" in desk.headline("2026-02")


def test_our_fee_is_of_all_that_came_in_r09(tmp_path):
    desk = ingested("r09-plb-capitation-interest-wo", tmp_path)
    assert desk.fee("2026-02") == 27568  # 5,012.34 x 0.055 = 275.6787
    assert desk.fee("2026-03") == 825  # 150.00 x 0.055 = 8.25


def test_money_carried_forward_comes_in_only_when_it_leaves_the_next_payment(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("B1", "400"))
    desk.put("b.835", remit_835("300", answer("B1", "400", "300", "CO*45*100"), day="20260120"))
    taken_back = answer("B1", "-400", "-300", "CO*45*-100", status="22")
    desk.put(
        "c.835",
        remit_835(
            "0",
            taken_back,
            trace="T2",
            day="20260210",
            method="NON",
            provider=["PLB*1234567893*20261231*FB:T2*-300"],
            control=2,
        ),
    )
    desk.put("d.837", claim_837("B2", "500", day="20260212", control=2))
    desk.put(
        "e.835",
        remit_835(
            "150",
            answer("B2", "500", "450", "CO*45*50", icn="PCN3"),
            trace="T3",
            day="20260310",
            provider=["PLB*1234567893*20261231*FB:T2*300"],
            control=3,
        ),
    )
    desk.ingest()
    # What the bank saw: 300, nothing (-300 + 300 carried forward), 450 - 300.
    assert [desk.received(month) for month in ("2026-01", "2026-02", "2026-03")] == [30000, 0, 15000]
    assert desk.parts() == {("B1", "primary"): 40000}  # B2: 500 - 450 - 50


def test_a_payment_of_the_last_days_whose_file_comes_next_month_breaks_no_sum(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100", day="20260120"))
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*45*20"), day="20260130", made="20260203"))
    desk.ingest()
    assert desk.cash_by_month() == {"2026-01": 8000}
    assert desk.holds()
