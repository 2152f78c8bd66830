"""Cash, charges and collection rates: what counts, when, and over what."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.ledger import balances as ledger
from rcm_analysis.measures.collections import rates as collections
from rcm_analysis.measures.payers.due import cash_due
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
LATER = dt.date(2026, 9, 30)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([("1", "payment", -900, "2026-03-01")], 900, id="posted on the first day"),
        pytest.param([("1", "payment", -900, "2026-02-28")], 0, id="posted the day before"),
        pytest.param([("1", "payment", -900, "2026-03-31")], 900, id="posted on the last day"),
        pytest.param([("1", "payment", -900, "2026-04-01")], 0, id="posted the day after"),
        pytest.param([(None, "payment", -900, "2026-03-05")], 900, id="unapplied money is cash"),
        pytest.param(
            [
                (None, "payment", -900, "2026-03-05"),
                (None, "payment", 900, "2026-03-09"),
                ("1", "payment", -900, "2026-03-09"),
            ],
            900,
            id="applying it later counts it once",
        ),
        pytest.param(
            [("1", "payment", -900, "2026-03-05"), ("1", "takeback", 400, "2026-03-09")], 500, id="a takeback comes off"
        ),
        pytest.param(
            [("1", "payment", -900, "2026-03-05"), ("1", "refund", 1000, "2026-03-09", "patient")],
            -100,
            id="refunds above payments give negative cash",
        ),
        pytest.param(
            [("1", "contractual", -900, "2026-03-05"), ("1", "write_off", -50, "2026-03-05")],
            0,
            id="adjustments are no cash",
        ),
        pytest.param([], 0, id="nothing posted"),
    ],
)
def test_cash(builders_ledger, rows, expected):
    book = builders_ledger.tables(*[builders_ledger.post(*row) for row in rows])
    assert collections.cash(book, period=MARCH)["cash_cents"].tolist() == [expected]


def test_cash_by_payer_takes_the_payer_of_the_claim_and_for_unapplied_money_that_of_the_posting(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "payment", -900, "2026-03-05", payer="cigna"),
        b.post("1", "payment", -50, "2026-03-05", party="patient", payer=None),
        b.post(None, "payment", -7, "2026-03-05", payer="cigna"),
        b.post(None, "payment", -3, "2026-03-05", payer=None),
        claims=[b.claim("1", payer="aetna")],
    )
    found = collections.cash(book, period=MARCH, by=["payer"])
    assert dict(zip(found["payer"], found["cash_cents"], strict=True)) == {"(none)": 3, "aetna": 950, "cigna": 7}
    found = collections.cash(book, period=MARCH, by=["posting_payer"])
    assert dict(zip(found["posting_payer"], found["cash_cents"], strict=True)) == {"(none)": 53, "cigna": 907}


def test_only_approved_contractual_leaves_the_denominator(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 10000, "2026-03-05"),
        b.post("1", "payment", -5000, "2026-03-05"),
        b.post("1", "contractual", -2000, "2026-03-05", carc="45"),
        b.post("1", "contractual", -500, "2026-03-05"),
        b.post("1", "contractual", -1000, "2026-03-05", carc="197"),
        b.post("1", "write_off", -700, "2026-03-05", reason="bad debt"),
    )
    found = collections.net_collection_rate_posted(book, period=MARCH).iloc[0]
    assert (found["contractual_cents"], found["collectable_cents"]) == (2500, 7500)
    assert found["net_collection_rate_posted"] == pytest.approx(2 / 3)
    assert collections.gross_collection_rate_posted(book, period=MARCH).iloc[0]["gross_collection_rate_posted"] == 0.5


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([("1", "payment", -900, "2026-03-05")], id="a month with zero charges"),
        pytest.param(
            [("1", "payment", -900, "2026-03-05"), ("1", "charge", -500, "2026-03-05")],
            id="corrections above the charges",
        ),
        pytest.param([], id="a month with nothing at all"),
    ],
)
@pytest.mark.parametrize(
    "rate",
    [collections.gross_collection_rate_posted, collections.net_collection_rate_posted],
    ids=lambda rate: rate.__name__,
)
def test_without_charges_a_rate_is_empty_never_zero_never_infinite(builders_ledger, rows, rate):
    book = builders_ledger.tables(*[builders_ledger.post(*row) for row in rows])
    assert pd.isna(rate(book, period=MARCH).iloc[0][rate.__name__])


def test_a_posting_month_rate_may_exceed_one_hundred_percent(builders_ledger):
    b = builders_ledger
    book = b.tables(b.post("1", "charge", 1000, "2026-03-05"), b.post("2", "payment", -5000, "2026-03-05"))
    assert collections.net_collection_rate_posted(book, period=MARCH).iloc[0]["net_collection_rate_posted"] == 5.0


@pytest.mark.parametrize(
    ("service", "posted", "claims", "cash"),
    [
        pytest.param("2026-03-31", "2026-09-30", 1, 600, id="old enough, paid on the as-of day"),
        pytest.param("2026-03-31", "2026-10-01", 1, 0, id="paid after as_of: not yet known"),
        pytest.param("2026-04-01", "2026-05-01", 0, 0, id="served after the period"),
        pytest.param("2026-02-28", "2026-05-01", 0, 0, id="served before the period"),
    ],
)
def test_a_matured_rate_follows_the_services(builders_ledger, service, posted, claims, cash):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 1000, service),
        b.post("1", "payment", -600, posted),
        claims=[b.claim("1", service=service)],
    )
    found = collections.net_collection_rate_matured(book, period=MARCH, as_of=LATER).iloc[0]
    assert (found["claims"], found["cash_cents"]) == (claims, cash)


def test_claims_younger_than_the_cohort_are_in_neither_side(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 1000, "2026-03-02"),
        b.post("1", "payment", -1000, "2026-03-20"),
        b.post("2", "charge", 1000, "2026-03-03"),
        claims=[b.claim("1", service="2026-03-02"), b.claim("2", service="2026-03-03")],
    )
    day = dt.date(2026, 6, 30)  # 120 days after 2 March
    found = collections.net_collection_rate_matured(book, period=MARCH, as_of=day).iloc[0]
    assert (found["claims"], found["net_collection_rate_matured"]) == (1, 1.0)
    assert (
        collections.net_collection_rate_matured(book, period=MARCH, as_of=day, cohort_days=119).iloc[0]["claims"] == 2
    )
    assert pd.isna(
        collections.net_collection_rate_matured(book, period=MARCH, as_of=dt.date(2026, 3, 31)).iloc[0][
            "net_collection_rate_matured"
        ]
    )


# -- cash due ----------------------------------------------------------------------------------------


def history(b, count: int = 12, days: int = 30, share: float = 0.6):
    """`count` claims billed and answered through 2025, of which `share` of the charge was allowed."""
    rows, claims, bills, answers = [], [], [], []
    for number in range(count):
        day = dt.date(2025, 4, 1) + dt.timedelta(days=20 * number)
        name, paid = f"H{number}", str(day + dt.timedelta(days=days))
        claims.append(b.claim(name, service=str(day)))
        bills.append(b.sent(name, str(day)))
        answers.append(b.answer(name, paid))
        rows += [
            b.post(name, "charge", 10000, str(day)),
            b.post(name, "payment", -round(10000 * share), paid),
            b.post(name, "contractual", -round(10000 * (1 - share)), paid, carc="45"),
        ]
    return rows, claims, bills, answers


def due(b, *rows, bills=(), claims=(), history_of=None, **other):
    past = history(b) if history_of is None else history_of
    book = b.tables(
        *past[0], *rows, claims=[*past[1], *claims], submissions=[*past[2], *bills], answers=past[3], **other
    )
    return cash_due(book, period=Period.month("2026-06")).iloc[0]


@pytest.mark.parametrize(
    ("billed", "claims"),
    [
        pytest.param("2026-05-02", 1, id="due on the first of June after 30 days"),
        pytest.param("2026-05-01", 0, id="due on the last of May"),
        pytest.param("2026-05-31", 1, id="due on the last of June"),
        pytest.param("2026-06-01", 0, id="due on the first of July"),
    ],
)
def test_a_claim_falls_due_after_the_payers_usual_days(builders_ledger, billed, claims):
    b = builders_ledger
    found = due(b, b.post("1", "charge", 10000, "2026-05-01"), bills=[b.sent("1", billed)])
    assert (found["claims"], found["cash_due_cents"]) == (claims, 6000 * claims)


def test_what_came_and_what_is_with_the_patient_leave_the_gap(builders_ledger):
    b = builders_ledger
    found = due(
        b,
        b.post("1", "charge", 10000, "2026-05-01"),
        b.post("1", "payment", -2500, "2026-06-30"),
        b.post("1", "payment", -900, "2026-07-01"),
        b.post("1", "transfer", -1000, "2026-06-20"),
        b.post("1", "transfer", 1000, "2026-06-20", party="patient"),
        bills=[b.sent("1", "2026-05-05")],
    )
    assert found[["cash_due_cents", "collected_cents", "patient_cents", "gap_cents"]].tolist() == [
        6000,
        2500,
        1000,
        2500,
    ]


@pytest.mark.parametrize(
    ("answers", "waiting"),
    [
        pytest.param([], 6000, id="not answered: it waits"),
        pytest.param([{"on": "2026-06-30"}], 0, id="answered on the last day and not paid: denied or short"),
        pytest.param([{"on": "2026-07-01"}], 6000, id="answered after the period: it waited then"),
        pytest.param([{"on": "2026-06-10", "status": "22"}], 6000, id="a reversal is no answer"),
    ],
)
def test_the_gap_says_what_is_still_waiting_for_an_answer(builders_ledger, answers, waiting):
    b = builders_ledger
    rows, claims, bills, known = history(b)
    found = due(
        b,
        b.post("1", "charge", 10000, "2026-05-01"),
        bills=[b.sent("1", "2026-05-05")],
        history_of=(rows, claims, bills, [*known, *(b.answer("1", **one) for one in answers)]),
    )
    assert (found["gap_cents"], found["waiting_cents"]) == (6000, waiting)


@pytest.mark.parametrize(
    ("lines", "fees", "contract", "estimated"),
    [
        pytest.param([("99213", 10000, {})], [("99213", 7000, "2026-01-01")], 7000, 0, id="a price for every line"),
        pytest.param(
            [("99213", 10000, {})], [("99213", 12000, "2026-01-01")], 10000, 0, id="never more than the charge"
        ),
        pytest.param(
            [("99213", 10000, {"units": 2.0})], [("99213", 3000, "2026-01-01")], 6000, 0, id="a price per unit"
        ),
        pytest.param(
            [("99213", 10000, {"units": 1.5})], [("99213", 3000, "2026-01-01")], 0, 6000, id="part units have no price"
        ),
        pytest.param(
            [("99213", 6000, {}), ("36415", 4000, {})],
            [("99213", 3000, "2026-01-01")],
            0,
            6000,
            id="one line without a price: the claim is estimated",
        ),
        pytest.param(
            [("99213", 10000, {})],
            [("99213", 7000, "2026-01-01"), ("99213", 8000, "2026-02-01")],
            8000,
            0,
            id="the newest price in force",
        ),
        pytest.param(
            [("99213", 10000, {})], [("99213", 7000, "2026-01-01", "2026-02-28")], 0, 6000, id="a price that has ended"
        ),
        pytest.param(
            [("99213", 10000, {})],
            [("99213", 7000, "2026-03-02")],
            0,
            6000,
            id="a price that begins the day after the service",
        ),
        pytest.param(
            [("99213", 10000, {"modifiers": "25"})],
            [("99213", 7000, "2026-01-01")],
            0,
            6000,
            id="another modifier is another price",
        ),
    ],
)
def test_fee_schedule_first_history_else(builders_ledger, lines, fees, contract, estimated):
    b = builders_ledger
    found = due(
        b,
        b.post("1", "charge", 10000, "2026-05-01"),
        bills=[b.sent("1", "2026-05-05")],
        lines=[
            b.line("1", number, procedure, charge, **other)
            for number, (procedure, charge, other) in enumerate(lines, 1)
        ],
        fees=[b.fee(*row) for row in fees],
    )
    assert (found["contract_cents"], found["estimated_cents"]) == (contract, estimated)


def test_a_new_payer_is_given_the_clients_usual_figures(builders_ledger):
    b = builders_ledger
    found = due(
        b,
        b.post("1", "charge", 10000, "2026-05-01"),
        bills=[b.sent("1", "2026-05-05")],
        claims=[b.claim("1", payer="new")],
    )
    assert found["cash_due_cents"] == 6000


def test_a_claim_whose_payment_was_taken_back_whole_says_nothing_of_what_is_allowed(builders_ledger):
    b = builders_ledger
    rows, claims, bills, answers = history(b)
    taken_back = [
        b.post("T", "charge", 10000, "2025-06-01"),
        b.post("T", "payment", -6000, "2025-07-01"),
        b.post("T", "takeback", 6000, "2025-08-01"),
    ]
    claims, bills = [*claims, b.claim("T", service="2025-06-01")], [*bills, b.sent("T", "2025-06-01")]
    found = due(
        b,
        b.post("1", "charge", 10000, "2026-05-01"),
        bills=[b.sent("1", "2026-05-05")],
        history_of=([*rows, *taken_back], claims, bills, answers),
    )
    assert found["cash_due_cents"] == 6000


def test_without_history_nothing_is_due_and_nothing_is_invented(builders_ledger):
    b = builders_ledger
    found = due(
        b, b.post("1", "charge", 10000, "2026-05-01"), bills=[b.sent("1", "2026-05-05")], history_of=([], [], [], [])
    )
    assert found[["claims", "cash_due_cents", "gap_cents"]].tolist() == [0, 0, 0]


def test_answers_that_came_later_do_not_change_what_was_due(builders_ledger):
    b = builders_ledger
    rows, claims, bills, answers = history(b)
    late = [b.answer(f"H{number}", "2026-06-15") for number in range(12)]
    book = b.tables(
        *rows,
        b.post("1", "charge", 10000, "2026-05-01"),
        claims=claims,
        submissions=[*bills, b.sent("1", "2026-05-05")],
        answers=[*answers, *late],
    )
    assert cash_due(book, period=Period.month("2026-06")).iloc[0]["claims"] == 1


# -- laws ------------------------------------------------------------------------------------------

QUARTER = Period.month("2026-02").trailing(3)
MEASURES = [
    pytest.param(lambda t, **k: collections.cash(t, period=QUARTER, **k), id="cash"),
    pytest.param(lambda t, **k: collections.charges(t, period=QUARTER, **k), id="charges"),
    pytest.param(
        lambda t, **k: collections.gross_collection_rate_posted(t, period=QUARTER, **k), id="gross rate posted"
    ),
    pytest.param(lambda t, **k: collections.net_collection_rate_posted(t, period=QUARTER, **k), id="net rate posted"),
    pytest.param(
        lambda t, **k: collections.gross_collection_rate_matured(t, period=QUARTER, as_of=LATER, **k),
        id="gross rate matured",
    ),
    pytest.param(
        lambda t, **k: collections.net_collection_rate_matured(t, period=QUARTER, as_of=LATER, **k),
        id="net rate matured",
    ),
    pytest.param(lambda t, **k: cash_due(t, period=Period.month("2026-02"), **k), id="cash due"),
]


@pytest.fixture(scope="module")
def book(builders_ledger):
    return builders_ledger.random_book()


def test_cash_and_charges_tie_to_the_roll_forward(book):
    moved = ledger.roll_forward(book, period=QUARTER).set_index("month")
    came = collections.cash(book, period=QUARTER, by=["month"]).set_index("month")
    charged = collections.charges(book, period=QUARTER, by=["month"]).set_index("month")
    assert (came["insurance_cents"] + came["patient_cents"]).tolist() == moved["payments_cents"].tolist()
    assert came["takebacks_cents"].tolist() == moved["takebacks_cents"].tolist()
    assert charged["charge_cents"].tolist() == moved["charges_cents"].tolist()


@pytest.mark.parametrize("measured", MEASURES)
def test_split_by_payer_and_added_the_totals_stay(book, measured):
    whole, split = measured(book), measured(book, by=["payer"])
    assert whole.select_dtypes("int64").to_numpy().any(), "the book must have something to measure"
    for name in whole.select_dtypes("int64"):
        assert split[name].sum() == whole[name].sum(), name


@pytest.mark.parametrize("measured", MEASURES)
def test_order_does_not_matter_and_the_input_comes_back_unchanged(book, measured):
    before = {name: frame.copy(deep=True) for name, frame in book.items()}
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in book.items()}
    assert_frame_equal(measured(book, by=["provider"]), measured(shuffled, by=["provider"]))
    for name, frame in book.items():
        assert_frame_equal(frame, before[name])


@pytest.mark.parametrize("measured", MEASURES)
def test_with_every_dollar_doubled_the_rates_stay(book, measured):
    twice = {
        name: book[name].assign(**{c: book[name][c] * 2 for c in book[name] if c.endswith("_cents")}) for name in book
    }
    ours, theirs = measured(book, by=["payer"]), measured(twice, by=["payer"])
    for name in ours.columns.drop("payer"):
        if name.endswith("_cents"):
            assert (theirs[name] - ours[name] * 2).abs().max() <= 2, name  # an estimate is rounded twice per payer
        else:
            assert theirs[name].fillna(-1).tolist() == pytest.approx(ours[name].fillna(-1).tolist()), name


@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same_to_the_cent(book, as_engine, engine, measured):
    theirs = as_engine(book, engine)
    assert_frame_equal(measured(theirs, by=["payer"]), measured(book, by=["payer"]))
    assert_frame_equal(measured(theirs), measured(book))
