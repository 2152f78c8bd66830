"""Sums that must hold: two opposite errors never cancel."""

import datetime as dt

import polars as pl
import pytest

from builders.ledger_tables import claim, line, post, sent, tables
from rcm_analysis.ledger.balances import balances
from rcm_analysis.ledger.reconciliation import charges_check, check_client, deposits_check, roll_forward_check
from rcm_analysis.periods import Period
from rcm_analysis.tables import schema

MARCH = Period.month("2026-03")
ON = "2026-03-05"


def deposits(*rows):
    """Deposits of one payer, (remit, trace, deposit, claims paid)."""
    filled = [
        {
            "client": "acme",
            "payer": "aetna",
            "provider_adjustment_cents": 0,
            "received_on": dt.date(2026, 3, 5),
            **dict(zip(("remit_id", "trace", "paid_cents", "claims_paid_cents"), row, strict=True)),
        }
        for row in rows
    ]
    typed = [{name: row.get(name) for name in schema.DEPOSITS.names} for row in filled]
    return pl.DataFrame(typed, schema=schema.DEPOSITS.polars)


def billed(*pairs, **other):
    """Claims of 100.00 whose charge stands in the ledger with an error of so many cents."""
    return tables(
        *(post(name, "charge", 10000 + error, ON) for name, error in pairs),
        claims=[claim(name) for name, _ in pairs],
        **other,
    )


@pytest.mark.parametrize(
    ("errors", "expected"),
    [((0, 0), (0, 0)), ((5000, 0), (1, 5000)), ((5000, -5000), (2, 10000))],
    ids=["none", "one", "two opposite"],
)
def test_differences_of_charges_are_added_up_without_their_signs(errors, expected):
    pairs = [("A", errors[0]), ("B", errors[1])]
    given = billed(
        *pairs,
        lines=[line(name, 1, "99213", 10000 + error) for name, error in pairs],
        submissions=[sent(name, ON, charge_cents=10000 + error) for name, error in pairs],
    )
    row = charges_check(given).iloc[0]
    for place in ("lines", "ledger", "submitted"):
        assert (row[f"{place}_differ"], row[f"{place}_difference_cents"]) == expected


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([("A", -40), ("A", 40)], 0),
        ([("A", -40), (None, 40)], 0),
        ([("A", 40), (None, -40)], 0),
        ([("A", -40)], 40),
        ([("A", 50), ("B", -50)], 100),
        ([("A", -40), (None, 40), ("B", 7)], 7),
    ],
    ids=[
        "party to party",
        "unapplied money applied",
        "taken off a claim",
        "half",
        "two opposite",
        "one beside a good one",
    ],
)
def test_transfers_come_out_even_on_each_claim_or_with_unapplied_money(amounts, expected):
    given = tables(post("A", "charge", 100, ON), *(post(name, "transfer", cents, ON) for name, cents in amounts))
    given |= {"deposits": deposits(), "control_totals": schema.CONTROL_TOTALS.empty()}
    assert roll_forward_check(given, period=MARCH)["transfers_left_cents"].tolist() == [expected]
    checks = check_client(given, client="acme", period=MARCH)
    assert [item.residual_cents for item in checks if item.name == "transfers"] == [expected]


def test_what_is_rebuilt_at_every_month_end_is_what_balances_say_on_that_day():
    """Credits on one party, money that waits unapplied and is applied later, a party that nobody knows, a late client:
    each month end of one pass is that day's own sum, also where the period begins after the first postings."""
    rows = [
        post("A", "charge", 10000, "2026-01-05"),
        post("A", "payment", -12000, "2026-02-10"),
        post("A", "refund", 2000, "2026-04-02"),
        post(None, "payment", -700, "2026-02-11"),
        post(None, "transfer", 700, "2026-03-11"),
        post("B", "transfer", -700, "2026-03-11", party="patient"),
        post("B", "charge", 500, "2026-04-20", party="patient"),
        post("C", "charge", 300, "2026-02-20", party="nobody"),
        post("C", "payment", -900, "2026-04-21", party="nobody"),
        post("D", "charge", 4000, "2026-04-30") | {"client": "late"},
    ]
    given = tables(*rows) | {"control_totals": schema.CONTROL_TOTALS.empty()}
    for period in (Period.month("2026-04").trailing(4), MARCH.trailing(2)):
        found = roll_forward_check(given, period=period).set_index(["client", "month"])["rebuilt_cents"].to_dict()
        by_day = [balances(given, as_of=month.last_day).assign(month=month.first_day) for month in period.months()]
        expected = {
            (row["client"], row["month"]): row["receivable_cents"] for part in by_day for _, row in part.iterrows()
        }
        assert {(client, day.date()): cents for (client, day), cents in found.items() if cents} == {
            key: cents for key, cents in expected.items() if cents
        }


def test_two_remittances_of_one_trace_that_miss_their_deposits_in_opposite_ways():
    given = tables(post("A", "payment", -300, ON, trace="T1"), post("B", "payment", -300, ON, trace="T1"))
    given["deposits"] = deposits(("R1", "T1", 350, 300), ("R2", "T1", 250, 300))
    found = deposits_check(given, as_of=MARCH.last_day).iloc[0]
    assert (found["file_difference_cents"], found["posting_difference_cents"]) == (100, 0)
