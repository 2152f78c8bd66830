"""The receivable from bucket to bucket: by hand, and tied to the aging at both ends to the cent."""

from __future__ import annotations

import datetime as dt

import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.errors import ParameterError
from rcm_analysis.measures.receivable import ar, roll_forward
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
FEBRUARY_END = dt.date(2026, 2, 28)
OLD = [("1", "charge", 1000, "2026-02-10")]


def moves(found) -> dict:
    return {(row.from_bucket, row.to_bucket): (row.claims, row.moved_cents) for row in found.itertuples()}


CASES = [
    pytest.param([*OLD], {("0-30", "31-60"): (1, 1000)}, id="nothing happened: it grew a month older"),
    pytest.param([*OLD, ("1", "payment", -1000, "2026-03-09")], {("0-30", "paid"): (1, 1000)}, id="paid in full"),
    pytest.param(
        [*OLD, ("1", "payment", -400, "2026-03-09")],
        {("0-30", "31-60"): (1, 600), ("0-30", "paid"): (1, 400)},
        id="paid in part, the rest rolls",
    ),
    pytest.param(
        [
            *OLD,
            ("1", "payment", -600, "2026-03-09"),
            ("1", "contractual", -250, "2026-03-09"),
            ("1", "write_off", -100, "2026-03-10"),
            ("1", "charge", -50, "2026-03-11"),
        ],
        {
            ("0-30", "paid"): (1, 600),
            ("0-30", "adjusted"): (1, 250),
            ("0-30", "written off"): (1, 100),
            ("0-30", "corrected"): (1, 50),
        },
        id="every kind stands apart",
    ),
    pytest.param(
        [*OLD, ("1", "payment", -700, "2026-03-09"), ("1", "contractual", -400, "2026-03-09")],
        {("0-30", "paid"): (1, 600), ("0-30", "adjusted"): (1, 400)},
        id="received beyond the balance: the excess is a credit, not a resolution",
    ),
    pytest.param(
        [*OLD, ("1", "payment", -300, "2026-03-09"), ("1", "refund", 100, "2026-03-12")],
        {("0-30", "31-60"): (1, 800), ("0-30", "paid"): (1, 200)},
        id="a refund is taken off the payments",
    ),
    pytest.param(
        [*OLD, ("1", "charge", 500, "2026-03-09")],
        {("0-30", "31-60"): (1, 1000), ("grown", "31-60"): (1, 500)},
        id="a late charge makes it grow",
    ),
    pytest.param(
        [*OLD, ("1", "payment", -1000, "2026-02-20"), ("1", "takeback", 1000, "2026-03-09")],
        {("new", "31-60"): (1, 1000)},
        id="taken back after it was settled: new again, at its age",
    ),
    pytest.param([("2", "charge", 700, "2026-03-09")], {("new", "0-30"): (1, 700)}, id="charged in the period"),
    pytest.param(
        [("2", "charge", 700, "2026-03-09"), ("2", "payment", -700, "2026-03-20")],
        {},
        id="charged and paid within the period: owed at neither end",
    ),
    pytest.param(
        [("1", "payment", -300, "2026-02-10"), ("1", "charge", 1000, "2026-03-02")],
        {("new", "31-60"): (1, 700)},
        id="a credit at the opening is not owed then",
    ),
    pytest.param(
        [*OLD, ("1", "payment", -1000, "2026-04-01")],
        {("0-30", "31-60"): (1, 1000)},
        id="what is posted after the period is not known",
    ),
    pytest.param(
        [*OLD, (None, "payment", -1000, "2026-03-09")],
        {("0-30", "31-60"): (1, 1000)},
        id="unapplied money resolves nothing",
    ),
    pytest.param([], {}, id="nothing at all"),
]


@pytest.mark.parametrize(("rows", "expected"), CASES)
def test_each_dollar_has_one_place(builders_ledger, rows, expected):
    b = builders_ledger
    claims = [b.claim("1", service="2026-02-10"), b.claim("2", service="2026-03-05")]
    found = roll_forward.roll_rates(b.tables(*[b.post(*row) for row in rows], claims=claims), period=MARCH)
    assert moves(found) == expected


def test_a_transfer_leaves_one_party_and_is_new_at_the_other(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 1000, "2026-02-10"),
        b.post("1", "transfer", -300, "2026-03-09"),
        b.post("1", "transfer", 300, "2026-03-09", party="patient"),
        claims=[b.claim("1", service="2026-02-10")],
    )
    found = roll_forward.roll_rates(book, period=MARCH, by=["party"]).set_index(["party", "from_bucket", "to_bucket"])[
        "moved_cents"
    ]
    assert found.to_dict() == {
        ("patient", "new", "31-60"): 300,
        ("primary", "0-30", "31-60"): 700,
        ("primary", "0-30", "transferred"): 300,
    }


def test_roll_rates_by_hand(builders_ledger):
    """Of 1000 owed in the first bucket 600 roll on; of 500 in the last all stay, and staying there is rolling."""
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 1000, "2026-02-10"),
        b.post("1", "payment", -400, "2026-03-09"),
        b.post("2", "charge", 500, "2025-02-10"),
        claims=[b.claim("1", service="2026-02-10"), b.claim("2", service="2025-02-10")],
    )
    found = roll_forward.roll_forward_rates(book, period=MARCH).set_index("from_bucket")
    assert found["roll_rate"].to_dict() == {"0-30": 0.6, "over 120": 1.0}
    assert found.loc["0-30", ["opening_cents", "rolled_cents", "paid_cents"]].tolist() == [1000, 600, 400]


def test_rebilling_makes_a_balance_young_again_and_that_is_no_roll(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 1000, "2025-12-10"),
        claims=[b.claim("1", service="2025-12-10")],
        submissions=[b.sent("1", "2025-12-12"), b.sent("1", "2026-03-20")],
    )
    assert moves(roll_forward.roll_rates(book, period=MARCH, clock="last_bill")) == {("61-90", "0-30"): (1, 1000)}
    found = roll_forward.roll_forward_rates(book, period=MARCH, clock="last_bill").iloc[0]
    assert (found["rolled_cents"], found["stayed_cents"], found["roll_rate"]) == (0, 1000, 0.0)


def test_an_unknown_clock_is_refused(builders_ledger):
    with pytest.raises(ParameterError, match="first_bill"):
        roll_forward.roll_rates(builders_ledger.tables(), period=MARCH, clock="statement")


# -- laws ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(builders_ledger):
    return builders_ledger.random_book()


PERIODS = [
    Period.month("2026-03"),
    Period.month("2025-09"),
    Period.days_ending(dt.date(2026, 1, 16), 7),
    Period.month("2026-03").trailing(12),
]


@pytest.mark.parametrize("clock", ar.CLOCKS)
@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.label)
def test_it_ties_to_the_aging_at_both_ends_to_the_cent(book, period, clock):
    for by in ([], ["payer"]):
        found = roll_forward.roll_rates(book, period=period, clock=clock, by=by)
        for day, end in ((period.first_day - dt.timedelta(days=1), "from_bucket"), (period.last_day, "to_bucket")):
            aged = ar.aging(book, as_of=day, clock=clock, by=by).astype({"bucket": "str"})
            aged = aged[aged["ar_cents"] > 0].set_index([*by, "bucket"])["ar_cents"].to_dict()
            mine = found[found[end].isin(roll_forward.ORDER)].rename(columns={end: "bucket"})
            assert mine.groupby([*by, "bucket"])["moved_cents"].sum().to_dict() == aged


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.label)
def test_the_movement_ties(book, period):
    found = roll_forward.ar_movement(book, period=period, by=["party"])
    lost = sum(
        found[name]
        for name in ("paid_cents", "adjusted_cents", "written_off_cents", "transferred_cents", "corrected_cents")
    )
    assert (found["opening_cents"] + found["new_cents"] + found["grown_cents"] - lost == found["closing_cents"]).all()
    assert found["closing_cents"].sum() == ar.open_balances(book, as_of=period.last_day)["ar_cents"].sum()


def test_credits_and_unapplied_money_stand_apart(book):
    found = roll_forward.credits_and_unapplied(book, period=MARCH).set_index("kind")
    assert found.loc["credits", "opening_cents"] == -ar.open_balances(book, as_of=FEBRUARY_END)["credit_cents"].sum()
    assert (
        found.loc["unapplied", "closing_cents"]
        == ar.unapplied_money(book, as_of=MARCH.last_day)["unapplied_cents"].sum()
    )


MEASURES = [
    pytest.param(roll_forward.roll_rates, id="matrix"),
    pytest.param(roll_forward.roll_forward_rates, id="roll rates"),
    pytest.param(roll_forward.ar_movement, id="movement"),
    pytest.param(roll_forward.credits_and_unapplied, id="apart"),
]


@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same_to_the_cent(book, as_engine, engine, measured):
    ours = measured(book, period=MARCH, by=["payer"])
    assert len(ours)
    assert_frame_equal(measured(as_engine(book, engine), period=MARCH, by=["payer"]), ours)


@pytest.mark.parametrize("measured", MEASURES)
def test_with_every_dollar_doubled_dollars_double_and_rates_stay(book, measured):
    rows = book["transactions"]
    doubled = measured({**book, "transactions": rows.assign(amount_cents=rows["amount_cents"] * 2)}, period=MARCH)
    ours = measured(book, period=MARCH)
    cents = [name for name in ours if name.endswith("_cents")]
    assert_frame_equal(doubled, ours.assign(**{name: ours[name] * 2 for name in cents}))
