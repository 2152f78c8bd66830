"""Corrections in a billing system's own ledger: a void is no write-off, a reversed payment is no payment."""

import datetime as dt

import pytest

from .desk import blank, ingested
from .files import MAP, claim_837, export, posting

JANUARY, MARCH = dt.date(2026, 1, 31), dt.date(2026, 3, 31)
CLAIMS_MAP = (
    MAP
    + """
[claims]
delivery = "full"
date_formats = ["%m/%d/%Y"]
[claims.columns]
claim_id = ["Claim #"]
patient = ["Patient"]
payer = ["Insurance"]
service_on = ["DOS"]
entered_on = ["Entered"]
charge_cents = ["Charge"]
[claims.constants]
claim_type = "professional"
"""
)
CLAIMS = "Claim #,Patient,Insurance,DOS,Entered,Charge\nV1,P1,MEDICARE PART B,01/02/2026,01/03/2026,100.00\n"


def test_voids_and_misposted_payments_leave_balance_and_cash_right_r50(tmp_path):
    desk = ingested("r50-voided-charges-misposted-payments", tmp_path)
    assert desk.receivable() == 70000  # 10 x 100 - 2 voids x 100 - 1 payment of 100
    assert desk.cash_by_month() == {"2026-03": 10000}  # January: + 100 + 100 - 100 - 100
    assert desk.owed()["credit"] == 0


def test_voided_charges_are_out_and_reversed_payments_are_no_payments_r50(tmp_path):
    desk = ingested("r50-voided-charges-misposted-payments", tmp_path)
    ends = desk.ends(MARCH)
    assert set(ends) == {f"V{number}" for number in range(2, 10)}  # V0 and V1 were voided
    assert ends["V2"] == ("paid", 64)  # billed January 5, paid for good on March 10
    assert {claim for claim, (end, _) in ends.items() if end == "paid"} == {"V2"}  # 1 of 8
    assert ends["V3"] == ("open", 85)  # January 5 to March 31


def test_a_payment_reversed_by_the_day_is_open_on_that_day_r50(tmp_path):
    desk = ingested("r50-voided-charges-misposted-payments", tmp_path)
    ends = desk.ends(JANUARY)
    assert ends["V2"][0] == ends["V3"][0] == "open"


def test_a_legitimate_void_is_no_broken_sum_r50(tmp_path):
    desk = ingested("r50-voided-charges-misposted-payments", tmp_path)
    assert desk.holds()


@pytest.mark.parametrize(
    ("rows", "end"),
    [
        pytest.param(
            [posting("p1", "V1", "PMT", "01/10/2026", "100.00"), posting("p2", "V1", "PMT", "01/11/2026", "-60.00")],
            ("paid", 5),
            id="a payment corrected downwards stays a payment of the first day",
        ),
        pytest.param(
            [
                posting("p1", "V1", "PMT", "01/10/2026", "80.00"),
                posting("p2", "V1", "PMT", "01/11/2026", "-80.00"),
                posting("p3", "V1", "PMT", "01/20/2026", "80.00"),
            ],
            ("paid", 15),
            id="a payment reversed and posted anew counts from the second",
        ),
    ],
)
def test_a_claim_ends_on_the_day_of_the_payment_that_stays(tmp_path, rows, end):
    desk = blank(tmp_path, column_map=CLAIMS_MAP)
    desk.put("claims.csv", CLAIMS)
    desk.put("s.837", claim_837("V1", "100.00", served="20260102"))
    desk.put("t.csv", export(posting("c1", "V1", "CHG", "01/03/2026", "100.00"), *rows))
    desk.ingest()
    assert desk.ends(MARCH)["V1"] == end  # billed January 5


def test_a_charge_voided_in_a_later_month_is_out_from_then_on(tmp_path):
    desk = blank(tmp_path, column_map=CLAIMS_MAP)
    desk.put("claims.csv", CLAIMS)
    desk.put("s.837", claim_837("V1", "100.00", served="20260102"))
    desk.put(
        "t.csv",
        export(posting("c1", "V1", "CHG", "01/03/2026", "100.00"), posting("v1", "V1", "CHG", "03/03/2026", "-100.00")),
    )
    desk.ingest()
    assert desk.ends(JANUARY)["V1"] == ("open", 26)  # January 5 to January 31
    assert "V1" not in desk.ends(MARCH)
    assert desk.receivable(JANUARY) == 10000 and desk.receivable(MARCH) == 0
