"""What patients pay: cohorts at one age, the pay rate, promises with their grace, balances moved."""

from __future__ import annotations

import datetime as dt
import random

import pandas as pd
import pytest

from rcm_analysis.measures.self_pay import collections as measures
from rcm_analysis.periods import Period

JANUARY = Period.month("2026-01")
LATE = dt.date(2026, 12, 31)


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


def statement(claim="C1", day="2026-01-10", cents=10_000, sequence=1):
    return {"claim_id": claim, "statement_on": day, "sequence": sequence, "balance_cents": cents}


def collected(b, postings, *, day=30, as_of=LATE, statements=None):
    tables = b.tables(statements=statements or [statement()], transactions=postings)
    return measures.liquidation(tables, period=JANUARY, as_of=as_of, days=[day])


@pytest.mark.parametrize(
    ("postings", "expected"),
    [
        pytest.param([("2026-01-10", 4000, "payment")], 4000, id="a payment on the day of the statement counts"),
        pytest.param([("2026-02-09", 4000, "payment")], 4000, id="day 30 counts"),
        pytest.param([("2026-02-10", 4000, "payment")], 0, id="day 31 does not"),
        pytest.param([("2026-01-09", 4000, "payment")], 0, id="a copay before the statement does not"),
        pytest.param([("2026-01-20", 15_000, "payment")], 10_000, id="no more than what was billed"),
        pytest.param([("2026-01-20", 4000, "payment"), ("2026-01-25", 1000, "refund")], 3000, id="refunds lower it"),
        pytest.param([("2026-01-25", 1000, "refund")], 0, id="never below nothing"),
        pytest.param([("2026-01-20", 4000, "write_off")], 0, id="a write-off is no collection"),
        pytest.param([], 0, id="nothing paid"),
    ],
)
def test_what_a_cohort_collected(b, postings, expected):
    found = collected(b, [b.pay("C1", day, cents, kind=kind) for day, cents, kind in postings])
    assert found["collected_cents"].tolist() == [expected]
    assert found["liquidation"].tolist() == [expected / 10_000]


def test_insurers_money_and_other_claims_are_not_the_patients(b):
    found = collected(b, [b.pay("C1", "2026-01-20", 4000, party="primary"), b.pay("C2", "2026-01-20", 4000)])
    assert found["collected_cents"].tolist() == [0]


@pytest.mark.parametrize(
    ("as_of", "is_mature"),
    [
        pytest.param(dt.date(2026, 3, 2), True, id="the month's last day has been watched 30 days"),
        pytest.param(dt.date(2026, 3, 1), False, id="one day short"),
    ],
)
def test_a_young_cohort_is_empty_and_marked(b, as_of, is_mature):
    found = collected(b, [b.pay("C1", "2026-01-20", 4000)], as_of=as_of).iloc[0]
    assert found["is_mature"] == is_mature and found["collected_cents"] == 4000
    assert pd.isna(found["liquidation"]) != is_mature


@pytest.mark.parametrize(
    ("statements", "billed"),
    [
        pytest.param(
            [statement(), statement(day="2026-02-10", cents=7000, sequence=2)],
            [10_000],
            id="later statements bill nothing new",
        ),
        pytest.param(
            [statement(day="2026-01-10", sequence=2)],
            [],
            id="an account whose first statement is not in the records is left out",
        ),
        pytest.param(
            [statement(), statement("C2", "2026-01-31", 5000)], [15_000], id="the last day of the month is in"
        ),
        pytest.param([statement(), statement("C2", "2026-02-01", 5000)], [10_000], id="the next month is not"),
    ],
)
def test_what_a_cohort_was_billed(b, statements, billed):
    assert collected(b, [], statements=statements)["billed_cents"].tolist() == billed


def test_two_cohorts_stand_at_the_same_age_and_are_never_one_months_cash(b):
    """Golden, by hand: January bills 10,000 and 5,000 and collects 6,000 of it in 60 days; February 8,000 and 2,000."""
    tables = b.tables(
        statements=[statement(), statement("C2", "2026-01-20", 5000), statement("C3", "2026-02-02", 8000)],
        transactions=[
            b.pay("C1", "2026-02-01", 4000),
            b.pay("C2", "2026-03-10", 2000),
            b.pay("C3", "2026-03-10", 2000),
        ],
    )
    found = measures.liquidation(tables, period=JANUARY.shift(1).trailing(2), as_of=LATE, days=[30, 60])
    assert found[["day", "billed_cents", "collected_cents"]].values.tolist() == [
        [30, 15_000, 4000],
        [60, 15_000, 6000],
        [30, 8000, 0],
        [60, 8000, 2000],
    ]
    assert found["liquidation"].tolist() == [4000 / 15_000, 0.4, 0.0, 0.25]


def test_law_a_curve_is_what_counting_each_account_by_itself_gives(b):
    luck, first, days = random.Random(5), dt.date(2026, 1, 10), [10, 40, 90, 180]
    postings = [
        (
            f"C{luck.randrange(40)}",
            luck.randrange(-20, 220),
            luck.randrange(1, 9000),
            luck.choice(["payment", "payment", "refund"]),
        )
        for _ in range(150)
    ]
    tables = b.tables(
        statements=[statement(f"C{number}") for number in range(40)],
        transactions=[
            b.pay(claim, str(first + dt.timedelta(days=number)), cents, kind=kind)
            for claim, number, cents, kind in postings
        ],
    )
    expected = []
    for day in days:
        paid = dict.fromkeys((f"C{number}" for number in range(40)), 0)
        for claim, number, cents, kind in postings:
            paid[claim] += (cents if kind == "payment" else -cents) if 0 <= number <= day else 0
        expected.append(sum(min(10_000, max(0, cents)) for cents in paid.values()))
    found = measures.liquidation(tables, period=JANUARY, as_of=LATE, days=days)
    assert found["collected_cents"].tolist() == expected and found["billed_cents"].unique().tolist() == [400_000]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(dt.date(2026, 5, 9), (0, 1, None), id="119 days: too young to judge"),
        pytest.param(dt.date(2026, 5, 10), (1, 0, 0.4), id="120 days"),
    ],
)
def test_the_pay_rate_leaves_out_young_accounts(b, as_of, expected):
    tables = b.tables(statements=[statement()], transactions=[b.pay("C1", "2026-05-09", 4000)])
    found = measures.pay_rate(tables, period=JANUARY, as_of=as_of).iloc[0]
    assert (found["accounts"], found["young_accounts"]) == expected[:2]
    assert (None if pd.isna(found["pay_rate"]) else found["pay_rate"]) == expected[2]


# -- what became of it -----------------------------------------------------------------------------


def became(b, postings, *, billed=10_000, as_of=LATE):
    """in time, later, written off, owed, otherwise; the account was moved to its patient with `billed`."""
    tables = b.tables(statements=[statement()], transactions=[b.owe("C1", "2026-01-02", billed), *postings])
    found = measures.billed_outcome(tables, period=JANUARY, as_of=as_of).iloc[0]
    assert found["billed_cents"] == sum(found[name] for name in measures.OUTCOMES) == 10_000 and found["accounts"] == 1
    return [int(found[name]) for name in measures.OUTCOMES]


@pytest.mark.parametrize(
    ("postings", "expected"),
    [
        pytest.param([], [0, 0, 0, 10_000, 0], id="nothing came: all of it is owed"),
        pytest.param([("2026-05-10", 4000, "payment")], [4000, 0, 0, 6000, 0], id="day 120 is in time"),
        pytest.param([("2026-05-11", 4000, "payment")], [0, 4000, 0, 6000, 0], id="day 121 is later"),
        pytest.param([("2026-03-01", 10_000, "write_off")], [0, 0, 10_000, 0, 0], id="written off"),
        pytest.param(
            [("2026-02-01", 3000, "payment"), ("2026-03-01", 7000, "write_off"), ("2026-06-01", 2000, "payment")],
            [3000, 2000, 5000, 0, 0],
            id="paid although it was written off: no more is written off than was left",
        ),
        pytest.param([("2026-02-01", 25_000, "payment")], [10_000, 0, 0, 0, 0], id="no more than was billed"),
        pytest.param(
            [("2026-02-01", 4000, "payment"), ("2026-07-01", 4000, "refund")],
            [4000, 0, 0, 6000, 0],
            id="given back after the days: what counted in time stands",
        ),
    ],
)
def test_what_became_of_what_was_billed_adds_up(b, postings, expected):
    assert became(b, [b.pay("C1", day, cents, kind=kind) for day, cents, kind in postings]) == expected


def test_what_went_back_to_an_insurer_is_neither_owed_nor_written_off(b):
    assert became(b, [b.owe("C1", "2026-03-01", -6000)]) == [0, 0, 0, 4000, 6000]


def test_a_new_balance_on_the_account_is_no_part_of_what_was_first_billed(b):
    assert became(b, [b.owe("C1", "2026-03-01", 5000)]) == [0, 0, 0, 10_000, 0]


def test_what_was_billed_too_recently_is_left_out_as_in_the_pay_rate(b):
    tables = b.tables(statements=[statement()], transactions=[b.owe("C1", "2026-01-02", 10_000)])
    for as_of, accounts in ((dt.date(2026, 5, 9), 0), (dt.date(2026, 5, 10), 1)):
        found = measures.billed_outcome(tables, period=JANUARY, as_of=as_of).iloc[0]
        rate = measures.pay_rate(tables, period=JANUARY, as_of=as_of).iloc[0]
        assert found["accounts"] == rate["accounts"] == accounts
        assert found["in_time_cents"] == rate["collected_cents"] and found["billed_cents"] == rate["billed_cents"]


def test_the_parts_add_up_whatever_was_posted(b):
    rng = random.Random(20)
    for _ in range(30):
        kinds = ["payment", "payment", "refund", "write_off", "contractual"]
        postings = [
            b.pay("C1", f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}", rng.randint(1, 9000), kind=kind)
            for kind in rng.choices(kinds, k=rng.randint(0, 6))
        ]
        assert all(part >= 0 for part in became(b, postings, billed=rng.randint(-5000, 15_000)))


# -- promises --------------------------------------------------------------------------------------

PROMISE = {"claim_id": "C1", "promised_on": "2026-01-05", "due_on": "2026-01-20", "amount_cents": 10_000}


def kept(b, payments, *, as_of=LATE, policies=()):
    tables = b.tables(
        promises=[PROMISE],
        transactions=[b.pay("C1", day, cents) for day, cents in payments],
        self_pay_policies=list(policies),
    )
    found = measures.promises_kept(tables, period=JANUARY, as_of=as_of).iloc[0]
    return int(found["kept_promises"]), int(found["due_promises"]), int(found["open_promises"])


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        pytest.param([("2026-01-20", 10_000)], 1, id="in full on the day"),
        pytest.param([("2026-01-10", 9500)], 1, id="95 percent is kept"),
        pytest.param([("2026-01-10", 9499)], 0, id="a cent less is not"),
        pytest.param(
            [("2026-01-10", 5000), ("2026-01-23", 5000)], 1, id="in two parts, the last on the last day of grace"
        ),
        pytest.param([("2026-01-24", 10_000)], 0, id="a day after the grace"),
        pytest.param([("2026-01-04", 10_000)], 0, id="money from before the promise"),
        pytest.param([("2026-01-05", 10_000)], 1, id="on the day of the promise"),
        pytest.param([], 0, id="nothing came"),
    ],
)
def test_a_promise_is_kept_by_its_day_and_grace(b, payments, expected):
    assert kept(b, payments) == (expected, 1, 0)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(dt.date(2026, 1, 22), (0, 0, 1), id="open while the grace runs, even when paid"),
        pytest.param(dt.date(2026, 1, 23), (1, 1, 0), id="due when the grace is over"),
    ],
)
def test_open_promises_are_in_no_rate(b, as_of, expected):
    assert kept(b, [("2026-01-10", 10_000)], as_of=as_of) == expected


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param([("promise_grace_days", 10)], 1, id="ten days of grace by policy"),
        pytest.param([("promise_grace_days", 0)], 0, id="none"),
        pytest.param([], 0, id="three where the policy is silent"),
    ],
)
def test_the_grace_is_the_policys(b, policies, expected):
    assert kept(b, [("2026-01-28", 10_000)], policies=[b.policy(*rule) for rule in policies])[0] == expected


def test_a_policy_of_later_days_changes_no_earlier_month(b):
    rules = [b.policy("promise_grace_days", 3, to="2026-06-30"), b.policy("promise_grace_days", 30, since="2026-07-01")]
    assert kept(b, [("2026-01-28", 10_000)], policies=rules)[0] == 0


def test_no_promise_is_an_empty_rate_and_not_zero(b):
    found = measures.promises_kept(b.tables(), period=JANUARY, as_of=LATE)
    assert found["due_promises"].tolist() == [0] and found["promises_kept"].isna().all()


def test_balances_moved_to_patients_and_back(b):
    tables = b.tables(
        transactions=[
            b.owe("C1", "2026-01-05", 9000),
            b.owe("C2", "2026-01-31", 1000),
            b.owe("C3", "2026-02-01", 7000),
            {**b.owe("C1", "2026-01-20", 0), "amount_cents": -2000},
            {**b.owe("C1", "2026-01-05", 0), "amount_cents": -9000, "party": "primary"},
        ]
    )
    assert measures.balance_transfers(tables, period=JANUARY).values.tolist() == [[2, 10_000, 2000]]
