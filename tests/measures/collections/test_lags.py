"""Days between the steps of a claim: order, months, and claims that still wait."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.collections import lags
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
LATER = dt.date(2026, 9, 30)


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        pytest.param([("2026-03-01", "2026-03-01")], (1, 0, 0.0, 0.0), id="entered on the day of service"),
        pytest.param([("2026-02-20", "2026-03-01")], (1, 0, 9.0, 9.0), id="the month is that of the entry"),
        pytest.param([("2026-03-20", "2026-04-01")], (0, 0, None, None), id="entered after the period"),
        pytest.param(
            [("2026-03-10", "2026-03-05")], (1, 1, None, None), id="entered before the service: counted apart"
        ),
        pytest.param(
            [("2026-03-01", "2026-03-02"), ("2026-03-01", "2026-03-04"), ("2026-03-01", "2026-03-11")],
            (3, 0, 14 / 3, 3.0),
            id="mean and median",
        ),
        pytest.param(
            [("2026-03-01", "2026-03-02"), ("2026-03-10", "2026-03-05")],
            (2, 1, 1.0, 1.0),
            id="what is out of order moves no mean",
        ),
        pytest.param([("2024-02-28", "2026-03-01")], (1, 0, 732.0, 732.0), id="a leap day is a day"),
        pytest.param([], (0, 0, None, None), id="nothing entered"),
    ],
)
def test_charge_lag(builders_ledger, dates, expected):
    b = builders_ledger
    book = b.tables(
        claims=[
            b.claim(str(number), service=service, entered_on=entered) for number, (service, entered) in enumerate(dates)
        ]
    )
    found = lags.charge_lag(book, period=MARCH).iloc[0]
    claims, out_of_order, mean, median = expected
    assert (found["claims"], found["out_of_order"]) == (claims, out_of_order)
    assert pd.isna(found["mean_days"]) if mean is None else found["mean_days"] == pytest.approx(mean)
    assert pd.isna(found["median_days"]) if median is None else found["median_days"] == median


def test_of_claims_known_from_answers_alone_no_day_of_entry_is_on_file(builders_ledger):
    book = builders_ledger.tables(claims=[builders_ledger.claim("1", service="2026-02-01", entered_on="2026-03-05")])
    answered = {**book, "claims": book["claims"].assign(submission_id="x12:answer")}
    assert lags.charge_lag(book, period=MARCH)["claims"].tolist() == [1]
    assert lags.charge_lag(answered, period=MARCH)["claims"].tolist() == [0]


def test_submission_lag_takes_the_first_bill_and_no_void(builders_ledger):
    b = builders_ledger
    book = b.tables(
        claims=[
            b.claim("1", entered_on="2026-03-02"),
            b.claim("2", entered_on="2026-03-02"),
            b.claim("3", entered_on="2026-02-02"),
        ],
        submissions=[
            b.sent("1", "2026-03-03", frequency="8"),
            b.sent("1", "2026-03-05"),
            b.sent("1", "2026-03-30", frequency="7"),
            b.sent("3", "2026-02-05"),
            b.sent("3", "2026-03-05"),
        ],
    )
    found = lags.submission_lag(book, period=MARCH).iloc[0]
    assert (found["claims"], found["mean_days"]) == (1, 3.0)


@pytest.mark.parametrize(
    ("answers", "answered", "median", "p90"),
    [
        pytest.param(["2026-03-11", "2026-03-21", "2026-03-31", "2026-04-10"], 4, 20.0, 40.0, id="all answered"),
        pytest.param(
            ["2026-03-11", "2026-03-21", None, None], 2, 20.0, None, id="half answered: the median is the last of them"
        ),
        pytest.param(["2026-03-11", None, None, None], 1, None, None, id="less than half answered: no median"),
        pytest.param([None, None, None, None], 0, None, None, id="nobody answered"),
        pytest.param(
            ["2026-03-11", "2026-03-21", "2026-03-31", "2026-10-01"],
            3,
            20.0,
            None,
            id="an answer after as_of is not known yet",
        ),
    ],
)
def test_days_to_pay_counts_those_who_still_wait(builders_ledger, answers, answered, median, p90):
    b = builders_ledger
    names = [str(number) for number in range(4)]
    book = b.tables(
        submissions=[b.sent(name, "2026-03-01") for name in names],
        answers=[b.answer(name, on) for name, on in zip(names, answers, strict=True) if on],
    )
    found = lags.days_to_pay(book, period=MARCH, as_of=LATER).iloc[0]
    assert (found["claims"], found["answered"]) == (4, answered)
    assert found["median_days"] == median or (median is None and pd.isna(found["median_days"]))
    assert found["p90_days"] == p90 or (p90 is None and pd.isna(found["p90_days"]))


@pytest.mark.parametrize(
    ("billed", "answer", "claims", "answered"),
    [
        pytest.param({}, {"status": "22"}, 1, 0, id="a reversal is no answer"),
        pytest.param({}, {"status": "4"}, 1, 1, id="a denial is an answer"),
        pytest.param({}, {"order": "secondary"}, 1, 0, id="the secondary payer's answer is another one"),
        pytest.param({"order": "secondary"}, {}, 0, 0, id="not billed to a primary payer"),
        pytest.param({"on": "2026-07-03"}, {}, 0, 0, id="billed after the period"),
    ],
)
def test_days_to_pay_is_about_the_primary_payers_first_answer(builders_ledger, billed, answer, claims, answered):
    b = builders_ledger
    book = b.tables(
        submissions=[b.sent("1", billed.pop("on", "2026-03-01"), **billed)],
        answers=[b.answer("1", "2026-03-20", **answer)],
    )
    found = lags.days_to_pay(book, period=MARCH, as_of=LATER).iloc[0]
    assert (found["claims"], found["answered"]) == (claims, answered)


def test_young_bills_are_left_out(builders_ledger):
    b = builders_ledger
    book = b.tables(submissions=[b.sent("1", "2026-03-02"), b.sent("2", "2026-03-03")])
    assert (
        lags.days_to_pay(book, period=MARCH, as_of=dt.date(2026, 5, 31)).iloc[0]["claims"] == 1
    )  # 90 days after 2 March


YEAR = Period.month("2026-03").trailing(12)
MEASURES = [
    pytest.param(lambda t, **k: lags.charge_lag(t, period=YEAR, **k), id="charge lag"),
    pytest.param(lambda t, **k: lags.submission_lag(t, period=YEAR, **k), id="submission lag"),
    pytest.param(lambda t, **k: lags.days_to_pay(t, period=YEAR, as_of=LATER, **k), id="days to pay"),
]


@pytest.fixture(scope="module")
def book(builders_ledger):
    return builders_ledger.random_book()


@pytest.mark.parametrize("measured", MEASURES)
def test_groups_add_up_and_the_input_comes_back_unchanged(book, measured):
    before = {name: frame.copy(deep=True) for name, frame in book.items()}
    whole, split, months = measured(book).iloc[0], measured(book, by=["payer"]), measured(book, by=["month", "client"])
    for name in ("claims", "answered", "out_of_order", "days_total"):
        assert split[name].sum() == months[name].sum() == whole[name]
    assert whole["answered"] > 50
    for name, frame in book.items():
        assert_frame_equal(frame, before[name])


def test_the_median_is_pandas_own_where_everybody_answered(book):
    claims = book["claims"]
    days = (claims["entered_on"] - claims["service_on"]).dt.days
    found = lags.charge_lag(book, period=Period.month("2026-04").trailing(14)).iloc[0]
    assert found["median_days"] == days.quantile(0.5, interpolation="lower")
    assert found["mean_days"] == pytest.approx(days.mean())


@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same(book, as_engine, engine, measured):
    theirs = as_engine(book, engine)
    assert_frame_equal(measured(theirs, by=["payer", "month"]), measured(book, by=["payer", "month"]))
    assert_frame_equal(measured(theirs), measured(book))
