"""Balances as of a day, and the roll-forward that must hold."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcm_analysis.ledger.balances import balances, claim_balances, responsible_since, roll_forward
from rcm_analysis.ledger.reconciliation import roll_forward_check
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import CONTROL_TOTALS, PARTIES, TRANSACTION_KINDS

MARCH = Period.month("2026-03")


def postings(*rows):
    """Transactions from (day of March, claim, kind, party, cents)."""
    return {
        "transactions": pd.DataFrame(
            [("a", claim, kind, party, cents, pd.Timestamp(2026, 3, day)) for day, claim, kind, party, cents in rows],
            columns=["client", "claim_id", "kind", "party", "amount_cents", "posted_on"],
        ),
        "control_totals": CONTROL_TOTALS.empty().to_pandas(),
    }


@pytest.mark.parametrize(
    ("rows", "as_of", "expected"),
    [
        pytest.param([(5, "1", "charge", "primary", 100)], 4, None, id="nothing is owed before the first posting"),
        pytest.param(
            [(5, "1", "charge", "primary", 100)], 5, {"primary": 100}, id="a charge counts from its posting day"
        ),
        pytest.param(
            [
                (5, "1", "charge", "primary", 100),
                (6, "1", "payment", "primary", -60),
                (6, "1", "contractual", "primary", -40),
            ],
            6,
            {},
            id="a claim paid in full owes exactly nothing",
        ),
        pytest.param(
            [
                (5, "1", "charge", "primary", 100),
                (6, "1", "transfer", "primary", -30),
                (6, "1", "transfer", "patient", 30),
            ],
            6,
            {"primary": 70, "patient": 30},
            id="a transfer moves the balance to the patient",
        ),
        pytest.param(
            [(5, "1", "charge", "primary", 100), (6, "2", "payment", "patient", -20)],
            6,
            {"primary": 100, "credit": -20},
            id="a credit on one claim does not lower another's balance",
        ),
        pytest.param(
            [(5, "1", "charge", "primary", 100), (6, None, "payment", "patient", -20)],
            6,
            {"primary": 100, "unapplied": -20},
            id="money without a claim is unapplied",
        ),
        pytest.param(
            [
                (5, "1", "charge", "primary", 100),
                (6, "1", "payment", "primary", -100),
                (7, "1", "takeback", "primary", 100),
            ],
            7,
            {"primary": 100},
            id="a takeback opens the claim again",
        ),
        pytest.param(
            [
                (5, "1", "charge", "primary", 100),
                (6, "1", "payment", "primary", -120),
                (8, "1", "refund", "primary", 20),
            ],
            7,
            {"credit": -20},
            id="a refund after the day asked for does not count",
        ),
    ],
)
def test_balances(rows, as_of, expected):
    out = balances(postings(*rows), as_of=dt.date(2026, 3, as_of))
    if expected is None:
        assert out.empty
        return
    found = {name: int(out[f"{name}_cents"].iloc[0]) for name in (*PARTIES, "credit", "unapplied")}
    assert {name: cents for name, cents in found.items() if cents} == expected
    assert out["receivable_cents"].iloc[0] == sum(expected.values())


def test_responsibility_starts_with_the_transfer_not_with_the_service():
    tables = postings(
        (5, "1", "charge", "primary", 100), (20, "1", "transfer", "primary", -30), (20, "1", "transfer", "patient", 30)
    )
    rows = responsible_since(tables, as_of=MARCH.last_day).collect().to_pandas().set_index("party")["since_on"]
    assert rows.astype(str).to_dict() == {"primary": "2026-03-05", "patient": "2026-03-20"}


def test_the_month_after_the_last_posting_carries_the_balance():
    tables = postings((5, "1", "charge", "primary", 100))
    out = roll_forward(tables, period=Period.month("2026-05"))
    assert out[["opening_cents", "closing_cents"]].values.tolist() == [[100, 100]]


def test_without_postings_there_is_no_row():
    assert roll_forward(postings(), period=MARCH).empty


ROW = st.tuples(
    st.integers(1, 31),
    st.sampled_from(["1", "2", None]),
    st.sampled_from(TRANSACTION_KINDS),
    st.sampled_from(PARTIES),
    st.integers(-(10**9), 10**9),
)


@settings(max_examples=40)
@given(st.lists(ROW, min_size=1, max_size=20))
def test_movements_and_rebuilt_balances_meet_to_the_cent(rows):
    """Whatever is posted, opening plus movements by kind equals balances rebuilt by claim and party."""
    tables = postings(*rows)
    checked = roll_forward_check(tables, period=Period.month("2026-04").trailing(2))
    assert (checked["residual_cents"] == 0).all()
    assert checked["opening_cents"].iloc[1] == checked["closing_cents"].iloc[0] == sum(row[4] for row in rows)


def test_the_check_can_fail():
    """A month-end report that says otherwise leaves its difference."""
    tables = postings((5, "1", "charge", "primary", 10000))
    tables["control_totals"] = pd.DataFrame(
        {
            "client": ["a"],
            "month": ["2026-03"],
            "charges_cents": [9999],
            "payments_cents": [0],
            "adjustments_cents": [0],
            "refunds_cents": [0],
            "closing_cents": [9999],
        }
    )
    row = roll_forward_check(tables, period=MARCH).iloc[0]
    assert row["close_difference_charges_cents"] == 1 and row["close_difference_closing_cents"] == 1
    assert row["close_difference_payments_cents"] == 0


def test_inputs_come_back_unchanged():
    tables = postings((5, "1", "charge", "primary", 100), (6, None, "payment", "patient", -20))
    before = tables["transactions"].copy(deep=True)
    balances(tables, as_of=MARCH.last_day)
    roll_forward(tables, period=MARCH)
    pd.testing.assert_frame_equal(tables["transactions"], before)


def test_claim_balances_leave_out_exact_zeros():
    tables = postings(
        (5, "1", "charge", "primary", 100), (6, "1", "payment", "primary", -100), (5, "2", "charge", "primary", 1)
    )
    assert claim_balances(tables, as_of=MARCH.last_day).collect().to_pandas()["claim_id"].tolist() == ["2"]
