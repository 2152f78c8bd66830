"""The payer scorecard by hand: yield, rank, trend, cost to work, small payers; and contracts side by side."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.payers.scorecard import contract_evaluation, latest_quarter, payer_scorecard
from rcm_analysis.tables import schema

AS_OF = dt.date(2026, 7, 15)


def note(claim, minutes, on="2026-05-10"):
    return {
        "note_id": f"{claim}{on}",
        "claim_id": claim,
        "worked_on": on,
        "entered_on": on,
        "worked_by": "jane",
        "action": "follow_up",
        "minutes": minutes,
    }


def cash(claim, cents, on="2026-05-12", kind="payment", payer="aetna"):
    return {
        "transaction_id": f"{claim}{kind}",
        "claim_id": claim,
        "kind": kind,
        "party": "primary",
        "amount_cents": cents,
        "happened_on": on,
        "posted_on": on,
        "payer": payer,
    }


@pytest.fixture(scope="module")
def book(builders_contract):
    """Second quarter: aetna allows $90 and $100 of $100 and denies one, cigna all of three; first quarter: aetna all of
    two."""
    b = builders_contract
    spring = [
        b.paid("A1", 9000, on="2026-05-05"),
        b.paid("A2", 10000, on="2026-06-30"),
        b.paid("A3", 0, on="2026-04-01", service="2026-03-15", cas=(("CO", "197", 20000),)),
        *[b.paid(f"B{number}", 5000, payer="cigna", on="2026-05-05") for number in range(3)],
        b.paid("A4", 5000, on="2026-05-05", cas=(("CO", "24", 100),)),
        b.paid("D1", 9000, on="2026-05-05", payer="humana"),
    ]
    winter = [b.paid(f"W{number}", 10000, on="2026-03-31", service="2026-02-20") for number in range(2)]
    return b.tables(
        *spring,
        *winter,
        b.paid("J1", 1000, on="2026-07-02"),
        fees=[b.fee(10000), b.fee(5000, payer="cigna")],
        work_log=[
            note("A1", 12.5),
            note("A3", 30.0),
            note("B0", 6.0),
            note("A2", None),
            note("A1", 99.0, "2026-07-01"),
        ],
        transactions=[
            cash("A1", -9000),
            cash("A2", -12000),
            cash("A2", 1000, kind="takeback"),
            cash("B0", -15000, payer="cigna"),
        ],
    )


def card(book, **other):
    return payer_scorecard(book, as_of=AS_OF, fewest=other.pop("fewest", 3), **other).set_index("payer")


@pytest.fixture(scope="module")
def found(book):
    return card(book)


def test_the_quarter_by_hand(found):
    assert found.loc["aetna", ["claims", "expected_cents", "allowed_cents"]].tolist() == [4, 30000, 19000]
    assert found.loc["aetna", "net_yield"] == 19 / 30 and found.loc["cigna", "net_yield"] == 1
    assert found.loc[["cigna", "aetna"], "rank"].tolist() == [1, 2] and set(found["quarter"]) == {"2026-04"}
    assert found.loc["aetna", "denial_rate"] == 1 / 4 and found.loc["aetna", "underpaid_cents"] == 1000
    assert found.loc["aetna", "underpaid_share"] == 1000 / 20000


def test_the_trend_is_against_the_quarter_before_as_it_was_known_then(found):
    assert found.loc["aetna", "net_yield_before"] == 1
    assert found.loc["aetna", "net_yield_change"] == pytest.approx(19 / 30 - 1)
    assert pd.isna(found.loc["aetna", "rank_before"]), "two claims were too few to rank"
    assert pd.isna(found.loc["cigna", "net_yield_before"])


def test_cost_to_work_by_hand(book):
    """42.5 minutes at $48 an hour are $34.00; $200.00 collected."""
    found = card(book, cost_per_hour_cents=48_00).loc["aetna"]
    assert (found["minutes"], found["collected_cents"], found["cost_cents"], found["cost_per_1000_cents"]) == (
        42.5,
        20000,
        3400,
        17000,
    )


@pytest.mark.parametrize(
    ("appealed", "resolved", "rate"),
    [
        pytest.param("2025-07-01", 1, 1.0, id="the first day of the four quarters"),
        pytest.param("2025-06-30", None, None, id="the day before"),
        pytest.param("2026-06-30", 1, 1.0, id="the last day of the quarter"),
    ],
)
def test_appeals_are_those_of_four_quarters(builders_contract, appealed, resolved, rate):
    b = builders_contract
    denied = b.paid("X", 0, on="2025-06-01", service="2025-05-01", cas=(("CO", "197", 20000),))
    appeal = note("X", 5.0, appealed) | {"action": "appeal", "outcome": "overturned"}
    found = card(b.tables(denied, b.paid("A", 9000, on="2026-05-05"), fees=[b.fee(10000)], work_log=[appeal])).loc[
        "aetna"
    ]
    assert [None if pd.isna(found[name]) else found[name] for name in ("resolved_appeals", "overturn_rate")] == [
        resolved,
        rate,
    ]


def test_small_payers_are_flagged_and_not_ranked(found):
    assert found["is_small"].to_dict() == {"cigna": False, "aetna": False, "humana": True}
    assert pd.isna(found.loc["humana", "rank"]) and pd.isna(found.loc["humana", "net_yield"]), "no price, no yield"


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        ("2026-06-30", "2026-04-01", "2026-06-30"),
        ("2026-06-29", "2026-01-01", "2026-03-31"),
        ("2026-01-15", "2025-10-01", "2025-12-31"),
        ("2026-12-31", "2026-10-01", "2026-12-31"),
    ],
)
def test_the_latest_complete_quarter(as_of, first, last):
    found = latest_quarter(dt.date.fromisoformat(as_of))
    assert (str(found.first_day), str(found.last_day)) == (first, last)


def test_a_client_without_a_row_has_no_payers():
    nothing = {name: table.empty().to_pandas() for name, table in schema.TABLES.items()}
    assert payer_scorecard(nothing, as_of=AS_OF).empty and contract_evaluation(nothing, as_of=AS_OF).empty


def test_without_notes_and_cash_the_cost_is_empty_and_the_yield_stands(book):
    part = {name: frame for name, frame in book.items() if name not in ("work_log", "transactions", "submissions")}
    found = card(part)
    assert found.loc["aetna", "net_yield"] == 19 / 30
    assert (
        found[["minutes", "cost_cents", "cost_per_1000_cents", "overturn_rate", "median_days_to_pay"]]
        .isna()
        .all(axis=None)
    )


# -- contracts side by side ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contracts(builders_contract):
    """99213: aetna $100 (until May $90), cigna $80, humana $120; 97110: aetna alone."""
    b = builders_contract
    payments = [
        b.paid("A0", 9000, on="2026-04-05", service="2026-03-05"),
        *[b.paid(f"A{number}", 10000) for number in range(1, 4)],
        *[b.paid(f"B{number}", 8000, payer="cigna", units=2.0, charge=40000) for number in range(2)],
        b.paid("B9", 0, payer="cigna", cas=(("CO", "197", 20000),)),
        b.paid("D1", 12000, payer="humana"),
        b.paid("E1", 3000, procedure="97110"),
        b.paid("F1", 5000, modifiers="50", charge=30000),
        b.paid("OLD", 8000, payer="cigna", on="2025-06-30", service="2025-06-01"),
    ]
    fees = [
        b.fee(9000, end="2026-04-30"),
        b.fee(10000, "2026-05-01"),
        b.fee(8000, "2025-01-01", payer="cigna"),
        b.fee(12000, payer="humana"),
        b.fee(3000, procedure="97110"),
        b.fee(15000, modifiers="50"),
    ]
    return b.tables(*payments, fees=fees)


def test_contracts_by_hand(contracts):
    found = contract_evaluation(contracts, as_of=dt.date(2026, 6, 30)).set_index(["procedure", "payer"])
    assert found.loc["99213", "unit_cents"].to_dict() == {"cigna": 8000, "humana": 12000, "aetna": 10000}
    assert found.loc["99213", "others_cents"].to_dict() == {"cigna": 11000, "humana": 9000, "aetna": 10000}
    assert found.loc["99213", "units"].to_dict() == {"cigna": 5, "humana": 1, "aetna": 4}
    assert found.loc["99213", "raise_cents"].to_dict() == {"cigna": 5 * 2000, "humana": 0, "aetna": 0}
    alone = found.loc[("97110", "aetna")]
    assert pd.isna(alone["others_cents"]) and pd.isna(alone["ratio"]) and alone["raise_cents"] == 0


def test_only_the_main_procedures_are_shown(contracts):
    assert set(contract_evaluation(contracts, as_of=dt.date(2026, 6, 30), top=1)["procedure"]) == {"99213"}


def test_every_engine_gives_the_same_contracts(contracts, as_engine, engine):
    ours = contract_evaluation(contracts, as_of=dt.date(2026, 6, 30))
    assert_frame_equal(contract_evaluation(as_engine(contracts, engine), as_of=dt.date(2026, 6, 30)), ours)


@pytest.mark.slow
def test_every_engine_gives_the_same_scorecard(book, as_engine, engine):
    assert_frame_equal(card(as_engine(book, engine)), card(book))
