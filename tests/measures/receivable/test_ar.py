"""Open balances by age: clocks, credits, unapplied money, replay, and the tie with the roll-forward."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.ledger import balances as ledger
from rcm_analysis.measures.receivable import ar
from rcm_analysis.periods import Period

AS_OF = dt.date(2026, 3, 31)


def by_bucket(aged: pd.DataFrame) -> dict[str, int]:
    return {bucket: cents for bucket, cents in zip(aged["bucket"], aged["ar_cents"], strict=True) if cents}


@pytest.mark.parametrize(
    ("service", "bucket"),
    [
        pytest.param("2026-03-31", "0-30", id="served on the day itself"),
        pytest.param("2026-03-01", "0-30", id="thirty days old is the first bucket"),
        pytest.param("2026-02-28", "31-60", id="thirty-one days old is the second"),
        pytest.param("2026-01-30", "31-60", id="sixty days old is the second"),
        pytest.param("2026-01-29", "61-90", id="sixty-one days old is the third"),
        pytest.param("2025-12-31", "61-90", id="ninety days old is the third"),
        pytest.param("2025-12-30", "91-120", id="ninety-one days old is the fourth"),
        pytest.param("2025-12-01", "91-120", id="a hundred and twenty days old is the fourth"),
        pytest.param("2025-11-30", "over 120", id="a hundred and twenty-one days old is the last"),
        pytest.param("2026-04-02", "0-30", id="charged before the service is young, not lost"),
    ],
)
def test_age_counts_days_from_the_service(builders_ledger, service, bucket):
    book = builders_ledger.tables(
        builders_ledger.post("1", "charge", 700, "2026-03-30"), claims=[builders_ledger.claim("1", service=service)]
    )
    assert by_bucket(ar.aging(book, as_of=AS_OF)) == {bucket: 700}


def test_a_leap_day_is_a_day(builders_ledger):
    book = builders_ledger.tables(
        builders_ledger.post("1", "charge", 700, "2024-02-29"),
        claims=[builders_ledger.claim("1", service="2024-02-29")],
    )
    assert by_bucket(ar.aging(book, as_of=dt.date(2024, 3, 30))) == {"0-30": 700}
    assert by_bucket(ar.aging(book, as_of=dt.date(2024, 3, 31))) == {"31-60": 700}


CASES = [
    pytest.param(
        [("1", "charge", 1000, "2026-03-05"), ("2", "payment", -300, "2026-03-05")],
        1000,
        -300,
        id="credits do not lower the receivable",
    ),
    pytest.param([("1", "charge", 1000, "2026-04-01")], 0, 0, id="a charge posted after as_of does not count"),
    pytest.param(
        [("1", "charge", 1000, "2026-03-05"), ("1", "payment", -1000, "2026-04-01")],
        1000,
        0,
        id="a payment posted after as_of does not count",
    ),
    pytest.param([("1", "charge", 1000, "2026-03-31")], 1000, 0, id="a charge posted on as_of counts"),
    pytest.param(
        [("1", "charge", 1000, "2026-03-05"), (None, "payment", -400, "2026-03-05")],
        1000,
        0,
        id="unapplied money lowers nothing",
    ),
    pytest.param(
        [("1", "charge", 1000, "2026-03-05"), ("1", "payment", -1000, "2026-03-06")],
        0,
        0,
        id="a settled claim is not open",
    ),
    pytest.param(
        [("1", "payment", -500, "2026-03-05"), ("1", "takeback", 500, "2026-03-09")],
        0,
        0,
        id="a takeback undoes its payment",
    ),
    pytest.param([], 0, 0, id="nothing posted at all"),
]


@pytest.mark.parametrize(("rows", "owed", "credit"), CASES)
def test_open_balances(builders_ledger, rows, owed, credit):
    book = builders_ledger.tables(*[builders_ledger.post(*row) for row in rows])
    aged = ar.aging(book, as_of=AS_OF)
    assert (aged["ar_cents"].sum(), aged["credit_cents"].sum()) == (owed, credit)
    found = ar.open_balances(book, as_of=AS_OF)
    assert found[["ar_cents", "credit_cents"]].to_numpy().tolist() == [[owed, credit]]


def test_insurance_and_patient_stand_apart_and_do_not_net(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 1000, "2026-01-05"),
        b.post("1", "payment", -900, "2026-02-05"),
        b.post("1", "transfer", -300, "2026-03-10"),
        b.post("1", "transfer", 300, "2026-03-10", party="patient"),
    )
    found = ar.open_balances(book, as_of=AS_OF, by=["party"]).set_index("party")
    assert found.loc["primary", ["ar_cents", "credit_cents"]].tolist() == [0, -200]
    assert found.loc["patient", ["ar_cents", "credit_cents"]].tolist() == [300, 0]
    assert ar.aging(book, as_of=AS_OF, parties=["patient"])["ar_cents"].sum() == 300


def test_every_bucket_is_there_once_anything_is_open_and_none_otherwise(builders_ledger):
    b = builders_ledger
    book = b.tables(b.post("1", "charge", 700, "2026-03-05"))
    assert ar.aging(book, as_of=AS_OF)["bucket"].tolist() == list(ar.BUCKETS)
    assert ar.aging(b.tables(), as_of=AS_OF).empty
    assert ar.aging(book, as_of=AS_OF)["bucket"].cat.ordered


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        pytest.param("service", {"over 120": 1100}, id="service: all are old"),
        pytest.param(
            "first_bill",
            {"unbilled": 400, "91-120": 500, "0-30": 200},
            id="first bill: unbilled apart, patient from its transfer",
        ),
        pytest.param("last_bill", {"unbilled": 400, "0-30": 700}, id="last bill: rebilling makes it look young"),
        pytest.param("responsibility", {"over 120": 900, "0-30": 200}, id="responsibility: patient from its transfer"),
    ],
)
def test_clocks(builders_ledger, clock, expected):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 700, "2025-11-05"),
        b.post("1", "transfer", -200, "2026-03-10"),
        b.post("1", "transfer", 200, "2026-03-10", party="patient"),
        b.post("2", "charge", 400, "2025-11-05"),
        claims=[b.claim("1", service="2025-11-01"), b.claim("2", service="2025-11-01")],
        submissions=[
            b.sent("1", "2025-12-20"),
            b.sent("1", "2026-03-20"),
            b.sent("1", "2026-03-21", order="secondary"),
            b.sent("2", "2026-02-01", frequency="8"),
            b.sent("2", "2026-04-01"),
        ],
    )
    assert by_bucket(ar.aging(book, as_of=AS_OF, clock=clock)) == expected


def test_a_posting_on_a_claim_nobody_described_is_shown_without_a_date(builders_ledger):
    b = builders_ledger
    book = b.tables(b.post("1", "charge", 700, "2026-03-05"))
    book["claims"] = book["claims"].iloc[:0]
    assert by_bucket(ar.aging(book, as_of=AS_OF)) == {"no date": 700}
    assert ar.aging(book, as_of=AS_OF, by=["payer"])["payer"].unique().tolist() == ["(none)"]


def test_responsible_payer_is_the_payer_of_the_party_that_owes(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 700, "2026-03-05"),
        b.post("1", "transfer", 200, "2026-03-05", party="secondary"),
        b.post("1", "transfer", 90, "2026-03-05", party="patient"),
        claims=[b.claim("1", payer="aetna", secondary_payer="cigna")],
    )
    found = ar.open_balances(book, as_of=AS_OF, by=["responsible_payer"])
    assert dict(zip(found["responsible_payer"], found["ar_cents"], strict=True)) == {
        "aetna": 700,
        "cigna": 200,
        "patient": 90,
    }
    assert ar.open_balances(book, as_of=AS_OF, by=["payer"])["ar_cents"].tolist() == [990]


def test_days_in_ar_by_hand(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 9000, "2026-01-01"),
        b.post("2", "charge", 9000, "2025-12-31"),
        b.post("1", "payment", -3000, "2026-03-01"),
    )
    found = ar.days_in_ar(book, as_of=AS_OF).iloc[0]  # 90 days: 1 January to 31 March
    assert (found["ar_cents"], found["charge_cents"], found["days_in_ar"]) == (15000, 9000, 150.0)
    assert ar.days_in_ar(book, as_of=AS_OF, window_days=91).iloc[0]["charge_cents"] == 18000


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([("1", "charge", 9000, "2025-06-01")], id="no charges in the window"),
        pytest.param(
            [("1", "charge", 9000, "2025-06-01"), ("2", "charge", -100, "2026-03-01")],
            id="corrections above the charges of the window",
        ),
        pytest.param([], id="nothing at all"),
    ],
)
def test_days_in_ar_without_charges_are_empty_never_zero(builders_ledger, rows):
    book = builders_ledger.tables(*[builders_ledger.post(*row) for row in rows])
    assert pd.isna(ar.days_in_ar(book, as_of=AS_OF).iloc[0]["days_in_ar"])


def test_a_payer_with_one_claim_and_no_charges_in_the_window_has_a_row_with_an_empty_value(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 9000, "2025-06-01"),
        b.post("2", "charge", 9000, "2026-03-01"),
        claims=[b.claim("1", payer="cigna"), b.claim("2", payer="aetna")],
    )
    found = ar.days_in_ar(book, as_of=AS_OF, by=["payer"]).set_index("payer")
    assert found.loc["aetna", "days_in_ar"] == 90.0 and pd.isna(found.loc["cigna", "days_in_ar"])


def test_aged_share_leaves_unbilled_out_of_a_bill_clock(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "charge", 300, "2025-10-05"),
        b.post("2", "charge", 700, "2025-10-05"),
        claims=[b.claim("1", service="2025-10-01"), b.claim("2", service="2025-10-01")],
        submissions=[b.sent("1", "2025-10-06")],
    )
    assert ar.aged_share(book, as_of=AS_OF, days=120)["aged_share"].tolist() == [1.0]
    billed = ar.aged_share(book, as_of=AS_OF, days=120, clock="first_bill").iloc[0]
    assert (billed["older_cents"], billed["ar_cents"]) == (300, 300)
    assert pd.isna(ar.aged_share(b.tables(), as_of=AS_OF).iloc[0]["aged_share"])


def test_credit_share_without_receivable_is_empty(builders_ledger):
    book = builders_ledger.tables(builders_ledger.post("1", "payment", -300, "2026-03-05"))
    found = ar.credit_balances(book, as_of=AS_OF).iloc[0]
    assert found["claims"] == 1 and found["credit_cents"] == -300 and pd.isna(found["credit_share"])


def test_unapplied_money_drops_out_once_it_is_applied(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post(None, "payment", -400, "2026-03-05", payer="cigna"),
        b.post(None, "payment", 400, "2026-04-02", payer="cigna"),
        b.post("1", "payment", -400, "2026-04-02", payer="cigna"),
    )
    found = ar.unapplied_money(book, as_of=AS_OF, by=["payer"])
    assert found.to_dict("records") == [{"payer": "cigna", "postings": 1, "unapplied_cents": 400}]
    assert ar.unapplied_money(book, as_of=dt.date(2026, 4, 30))["unapplied_cents"].tolist() == [0]


# -- laws ------------------------------------------------------------------------------------------

MEASURES = [
    pytest.param(lambda t, **k: ar.aging(t, as_of=AS_OF, **k), id="aging"),
    pytest.param(lambda t, **k: ar.aging(t, as_of=AS_OF, clock="first_bill", **k), id="aging by first bill"),
    pytest.param(lambda t, **k: ar.aging(t, as_of=AS_OF, clock="responsibility", **k), id="aging by responsibility"),
    pytest.param(lambda t, **k: ar.open_balances(t, as_of=AS_OF, **k), id="open balances"),
    pytest.param(lambda t, **k: ar.credit_balances(t, as_of=AS_OF, **k), id="credit balances"),
    pytest.param(lambda t, **k: ar.unapplied_money(t, as_of=AS_OF, **k), id="unapplied money"),
    pytest.param(lambda t, **k: ar.aged_share(t, as_of=AS_OF, **k), id="aged share"),
    pytest.param(lambda t, **k: ar.days_in_ar(t, as_of=AS_OF, **k), id="days in AR"),
]


@pytest.fixture(scope="module")
def book(builders_ledger):
    return builders_ledger.random_book()


@pytest.mark.parametrize("month", Period.month("2026-03").trailing(12).months(), ids=lambda month: month.label)
def test_ages_credits_and_unapplied_money_tie_to_the_roll_forward(book, month):
    closing = ledger.roll_forward(book, period=month, by=["client"])["closing_cents"].sum()
    for clock in ar.CLOCKS:
        aged = ar.aging(book, as_of=month.last_day, clock=clock)
        unapplied = ar.unapplied_money(book, as_of=month.last_day)["unapplied_cents"].sum()
        assert aged["ar_cents"].sum() + aged["credit_cents"].sum() - unapplied == closing


@pytest.mark.parametrize("measured", MEASURES)
def test_split_by_payer_and_added_the_totals_stay(book, measured):
    whole, split = measured(book), measured(book, by=["payer"])
    for name in whole.select_dtypes("int64"):
        assert split[name].sum() == whole[name].sum(), name


@pytest.mark.parametrize("measured", MEASURES)
def test_with_every_dollar_doubled_dollars_double_and_rates_and_days_stay(book, measured):
    rows = book["transactions"]
    doubled = measured({**book, "transactions": rows.assign(amount_cents=rows["amount_cents"] * 2)}, by=["payer"])
    for name, values in measured(book, by=["payer"]).items():
        factor = 2 if name.endswith("_cents") else 1
        if name not in ("payer", "bucket"):
            assert (values.fillna(-1) * factor).tolist() == pytest.approx(doubled[name].fillna(-1).tolist()), name


@pytest.mark.parametrize("measured", MEASURES)
def test_order_does_not_matter_and_the_input_comes_back_unchanged(book, measured):
    before = {name: frame.copy(deep=True) for name, frame in book.items()}
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in book.items()}
    assert_frame_equal(measured(book, by=["provider"]), measured(shuffled, by=["provider"]))
    for name, frame in book.items():
        assert_frame_equal(frame, before[name])


@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same_to_the_cent(book, as_engine, engine, measured):
    theirs = as_engine(book, engine)
    assert_frame_equal(measured(theirs, by=["payer"]), measured(book, by=["payer"]))
    assert_frame_equal(measured(theirs), measured(book))


def test_later_postings_do_not_change_an_earlier_day(book):
    known = {**book, "transactions": book["transactions"][book["transactions"]["posted_on"] <= "2025-12-31"]}
    day = dt.date(2025, 12, 31)
    assert_frame_equal(
        ar.aging(book, as_of=day, by=["payer", "party"]), ar.aging(known, as_of=day, by=["payer", "party"])
    )


def test_an_unknown_clock_or_age_or_column_or_table_is_refused(book):
    with pytest.raises(ParameterError, match="service, first_bill, last_bill, responsibility"):
        ar.aging(book, as_of=AS_OF, clock="statement")
    with pytest.raises(ParameterError, match="30, 60, 90 or 120"):
        ar.aged_share(book, as_of=AS_OF, days=45)
    with pytest.raises(TableError, match="favourite_colour"):
        ar.aging(book, as_of=AS_OF, by=["favourite_colour"])
    with pytest.raises(TableError, match="submissions"):
        ar.aging({name: book[name] for name in ("claims", "transactions")}, as_of=AS_OF, clock="first_bill")
