"""What was given up: reasons, denials among them, small balances, and whole-dollar sweeps."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.ledger import balances as ledger
from rcm_analysis.measures.collections import written_off as measures
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")


@pytest.mark.parametrize(
    ("posting", "expected"),
    [
        pytest.param({"kind": "contractual", "carc": "45"}, (900, 0, 0), id="a contract discount is no write-off"),
        pytest.param(
            {"kind": "contractual"}, (900, 0, 0), id="a contractual posting without a code is a contract discount"
        ),
        pytest.param(
            {"kind": "contractual", "carc": "197"}, (0, 900, 0), id="a denial posted as contractual is a lost denial"
        ),
        pytest.param({"kind": "write_off", "carc": "29"}, (0, 900, 0), id="a write-off with a denial code"),
        pytest.param(
            {"kind": "write_off", "reason": "Timely_Filing"}, (0, 900, 0), id="a denial reason in any spelling"
        ),
        pytest.param({"kind": "write_off", "reason": "small balance"}, (0, 0, 900), id="another reason"),
        pytest.param({"kind": "write_off"}, (0, 0, 900), id="no reason at all"),
        pytest.param({"kind": "payment"}, (0, 0, 0), id="a payment is nothing of this"),
        pytest.param({"kind": "write_off", "on": "2026-04-01"}, (0, 0, 0), id="posted after the period"),
        pytest.param({"kind": "write_off", "amount": 900}, (0, 0, -900), id="a reversed write-off lowers the sum"),
    ],
)
def test_each_posting_stands_in_one_column(builders_ledger, posting, expected):
    b = builders_ledger
    given = {"kind": "write_off", "amount": -900, "on": "2026-03-05"} | posting
    book = b.tables(b.post("1", given.pop("kind"), given.pop("amount"), given.pop("on"), **given))
    found = measures.write_offs(book, period=MARCH, by=[]).iloc[0]
    assert tuple(found[["contractual_cents", "denial_cents", "other_cents"]]) == expected
    assert found["write_off_cents"] == expected[1] + expected[2]


def test_denial_write_off_share_by_hand_and_empty(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 10000, "2026-03-05"),
        b.post("1", "contractual", -4000, "2026-03-05", carc="45"),
        b.post("1", "contractual", -300, "2026-03-05", carc="197"),
        b.post("1", "write_off", -300, "2026-03-05", reason="eligibility"),
    )
    assert measures.denial_write_off_share(book, period=MARCH).iloc[0]["denial_write_off_share"] == 0.1
    assert pd.isna(measures.denial_write_off_share(book, period=MARCH.shift(1)).iloc[0]["denial_write_off_share"])


@pytest.mark.parametrize(
    ("cents", "small"),
    [
        pytest.param(-999, 1, id="just under ten dollars"),
        pytest.param(-1000, 1, id="exactly ten dollars"),
        pytest.param(-1001, 0, id="a cent above"),
    ],
)
def test_small_balances(builders_ledger, cents, small):
    b = builders_ledger
    book = b.tables(b.post("1", "write_off", cents, "2026-03-05"), b.post("1", "write_off", 500, "2026-03-06"))
    found = measures.small_balance_write_offs(book, period=MARCH).iloc[0]
    assert (found["small"], found["write_offs"]) == (small, 1)
    assert pd.isna(measures.small_balance_write_offs(b.tables(), period=MARCH).iloc[0]["small_share"])


def batch(b, count, cents=-12000, on="2026-03-31", service="2025-10-01", by="jd", start=0):
    names = [f"{on}{by}{number}" for number in range(start, start + count)]
    return [b.post(name, "write_off", cents, on, posted_by=by) for name in names], [
        b.claim(name, service=service) for name in names
    ]


EARLIER = {"count": 40, "cents": -1234, "on": "2026-01-15"}
SWEEPS = [
    pytest.param([{"count": 5}], 5, id="five whole-dollar write-offs of old balances on one day"),
    pytest.param([{"count": 4}], None, id="four of four, and nothing known of the months before"),
    pytest.param([{"count": 4}, EARLIER], 4, id="four of four, where they were never seen before"),
    pytest.param([{"count": 3}, EARLIER], None, id="three are too few"),
    pytest.param([{"count": 5, "cents": -12001}], None, id="cents in the amounts"),
    pytest.param([{"count": 5, "service": "2025-12-01"}], None, id="a hundred and twenty days old is not old"),
    pytest.param([{"count": 5, "service": "2025-11-30"}], 5, id="a hundred and twenty-one days old is"),
    pytest.param([{"count": 3}, {"count": 3, "by": "other"}], 6, id="shared out among posters it is one batch"),
    pytest.param([{"count": 3}, {"count": 3, "on": "2026-03-30"}], None, id="two days are two batches"),
    pytest.param([{"count": 5, "on": "2026-04-01"}], None, id="outside the period"),
    pytest.param(
        [{"count": 5}, {"count": 6, "cents": -1234, "start": 90}, EARLIER],
        None,
        id="not quite half of an ordinary batch",
    ),
    pytest.param(
        [{"count": 12}, {"count": 12, "cents": -1234, "start": 90}, EARLIER],
        12,
        id="half of a large batch, far above what is usual",
    ),
    pytest.param(
        [
            {"count": 6},
            *[{"count": 2, "on": f"2026-01-{day}", "service": "2025-06-01"} for day in range(10, 20)],
            {"count": 20, "cents": -1234, "on": "2026-01-20"},
        ],
        None,
        id="six of six where half of all write-offs are whole dollars",
    ),
    pytest.param(
        [{"count": 5, "on": "2026-03-11"}, *[{"count": 1, "cents": -1234, "on": f"2026-03-{day}"} for day in (10, 12)]],
        None,
        id="five on a day in the middle of the month, which is one of three",
    ),
    pytest.param(
        [{"count": 8, "on": "2026-03-11"}, *[{"count": 1, "cents": -1234, "on": f"2026-03-{day}"} for day in (10, 12)]],
        8,
        id="eight are too many for any of three days",
    ),
    pytest.param(
        [{"count": 7}, {"count": 60, "on": "2026-01-15", "service": "2025-06-01"}],
        7,
        id="a habit of sweeping does not become its own yardstick",
    ),
]


@pytest.mark.parametrize(("batches", "swept"), SWEEPS)
def test_whole_dollar_sweeps(builders_ledger, batches, swept):
    made = [batch(builders_ledger, **one) for one in batches]
    book = builders_ledger.tables(
        *[row for rows, _ in made for row in rows], claims=[row for _, rows in made for row in rows]
    )
    found = measures.whole_dollar_sweeps(book, period=MARCH)
    assert found["swept"].tolist() == ([] if swept is None else [swept])
    assert found["swept_cents"].tolist() == ([] if swept is None else [swept * 12000])


def test_the_chance_of_a_sweep_by_hand(builders_ledger):
    """One in three for want of history, six times over; two people posted, one of them without a name."""
    made = [batch(builders_ledger, 4), batch(builders_ledger, 2, by=None)]
    book = builders_ledger.tables(
        *[row for rows, _ in made for row in rows], claims=[row for _, rows in made for row in rows]
    )
    found = measures.whole_dollar_sweeps(book, period=MARCH).iloc[0]
    assert (found["posters"], found["swept_share"]) == (2, 1) and pd.isna(found["usual_share"])
    assert found["chance"] == pytest.approx((1 / 3) ** 6)


def test_the_usual_share_is_of_the_twelve_months_before(builders_ledger):
    """Of the client six of twenty, one of three added; of the only reason the same six, and three write-offs at that
    share."""
    made = [
        batch(builders_ledger, 6),
        *[batch(builders_ledger, 2, on=f"2025-03-0{day}", service="2024-01-01") for day in (1, 2, 3)],
        batch(builders_ledger, 14, cents=-1234, on="2026-02-28"),
        batch(builders_ledger, 90, on="2025-02-28", service="2024-01-01"),
    ]
    book = builders_ledger.tables(
        *[row for rows, _ in made for row in rows], claims=[row for _, rows in made for row in rows]
    )
    found = measures.whole_dollar_sweeps(book, period=MARCH).iloc[0]
    yardstick = (6 + 3 * 7 / 23) / 23
    assert found["usual_share"] == 0.3 and found["chance"] == pytest.approx(yardstick**6)


ORDINARY = [
    {"count": 3, "cents": -1234, "on": f"2026-03-{day:02}", "service": "2025-06-01", "reason": "bad debt"}
    for day in range(2, 12)
]
FOUND_BEFORE = {"count": 8, "on": "2026-02-28", "service": "2025-06-01"}
MISSED = [
    pytest.param(
        [{"count": 8}, {"count": 7, "cents": -1234, "reason": "bad debt", "start": 90}],
        ("administrative", 8, 8),
        3 / 3**8,
        id="eight whole among seven ordinary write-offs of the day: three looks at one in three",
    ),
    pytest.param(
        [FOUND_BEFORE, *ORDINARY, {"count": 3}, {"count": 1, "cents": -1234, "reason": "bad debt", "start": 90}],
        ("administrative", 3, 3),
        (1 / 3) ** 3,
        id="three of four after a month that was found: one look, the limit of eleven days",
    ),
    pytest.param(
        [*ORDINARY, {"count": 3}, {"count": 1, "cents": -1234, "reason": "bad debt", "start": 90}],
        None,
        None,
        id="three of four of a client without the habit",
    ),
    pytest.param(
        [FOUND_BEFORE, *ORDINARY, {"count": 3, "on": "2026-03-30"}],
        None,
        None,
        id="three where the habit is another day's",
    ),
    pytest.param(
        [FOUND_BEFORE, *ORDINARY, {"count": 3, "reason": "denial"}],
        None,
        None,
        id="three where the habit is another reason's",
    ),
    pytest.param(
        [FOUND_BEFORE, {"count": 3}],
        None,
        None,
        id="three on the only day of the month: nothing to spend but one day's limit",
    ),
    pytest.param(
        [{"count": 7}, {"count": 2, "cents": -1234, "reason": "bad debt", "start": 90}],
        ("administrative", 7, 7),
        3 / 3**7,
        id="seven of nine",
    ),
]


@pytest.mark.parametrize(("batches", "named", "chance"), MISSED)
def test_a_sweep_diluted_small_or_late_is_judged_by_day_and_reason(builders_ledger, batches, named, chance):
    rows, claims = [], []
    for number, one in enumerate(batches):
        reason = one.get("reason", "administrative")
        made, of = batch(
            builders_ledger,
            **{"start": 100 * (number + 1), **{name: value for name, value in one.items() if name != "reason"}},
        )
        rows += [row | {"reason": reason} for row in made]
        claims += of
    found = measures.whole_dollar_sweeps(builders_ledger.tables(*rows, claims=claims), period=MARCH)
    if named is None:
        assert found.empty
    else:
        assert found[["reason", "swept", "write_offs"]].to_numpy().tolist() == [list(named)]
        assert found["chance"].iloc[0] == pytest.approx(chance)


YEAR = Period.month("2026-03").trailing(12)
MEASURES = [
    pytest.param(lambda t, by=("payer",): measures.write_offs(t, period=YEAR, by=by), id="write-offs"),
    pytest.param(lambda t, by=("reason",): measures.write_offs(t, period=YEAR, by=by), id="write-offs by reason"),
    pytest.param(lambda t, by=("payer",): measures.denial_write_off_share(t, period=YEAR, by=by), id="denial share"),
    pytest.param(
        lambda t, by=("payer",): measures.small_balance_write_offs(t, period=YEAR, by=by), id="small balances"
    ),
]


@pytest.fixture(scope="module")
def book(builders_ledger):
    return builders_ledger.random_book()


def test_write_offs_tie_to_the_roll_forward(book):
    moved = ledger.roll_forward(book, period=YEAR)
    found = measures.write_offs(book, period=YEAR, by=[]).iloc[0]
    assert (
        found["contractual_cents"] + found["write_off_cents"]
        == moved["contractual_cents"].sum() + moved["write_offs_cents"].sum()
    )


@pytest.mark.parametrize("measured", MEASURES)
def test_groups_add_up(book, measured):
    whole, split = measured(book, by=()), measured(book)
    for name in whole.select_dtypes("int64"):
        assert split[name].sum() == whole[name].sum(), name


@pytest.mark.parametrize(
    "measured",
    [
        *MEASURES,
        pytest.param(lambda t, by=(): measures.whole_dollar_sweeps(t, period=YEAR, fewest=1, chance=1), id="sweeps"),
    ],
)
def test_every_engine_gives_the_same_to_the_cent(book, as_engine, engine, measured):
    ours = measured(book)
    assert len(ours)
    assert_frame_equal(measured(as_engine(book, engine)), ours)
