"""High-value accounts: who they are, their schedule, touches in time, escalations and recovery, by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from builders import account_rows as rows
from rcm_analysis.errors import ParameterError
from rcm_analysis.measures.receivable import ar, high_value

AS_OF = dt.date(2026, 3, 31)


def one_large(b, *notes, cents=90_000, service="2026-01-05", postings=(), promises=(), **claim):
    """One account of 900 dollars, entered on its day of service."""
    book = b.tables(
        b.post("1", "charge", cents, service),
        *postings,
        claims=[b.claim("1", service=service, entered_on=service, **claim)],
    )
    return rows.with_work(book, *notes, promises=promises)


def balances(b, *cents):
    return rows.with_work(
        b.tables(*[b.post(str(number), "charge", each, "2026-01-05") for number, each in enumerate(cents, start=1)])
    )


@pytest.mark.parametrize(
    ("cents", "rule", "chosen"),
    [
        pytest.param([50_000] * 19 + [90_000], "p95", ["20"], id="the one in twenty"),
        pytest.param([50_000] * 18 + [90_000] * 2, "p95", ["19", "20"], id="a tie at the threshold takes both"),
        pytest.param([1_000] * 19 + [24_999], "p95", [], id="a cent below the floor"),
        pytest.param([1_000] * 19 + [25_000], "p95", ["20"], id="at the floor"),
        pytest.param(
            [40_000, 40_000, 80_000, 40_000],
            "cumulative_80",
            ["3", "1", "2"],
            id="the claim that reaches 80 per cent is in",
        ),
        pytest.param([60_000, 100_000], "cumulative_80", ["2", "1"], id="until 80 per cent are reached"),
        pytest.param([26_000, 174_000], "cumulative_80", ["2"], id="one claim holds more than 80 per cent"),
        pytest.param([], "p95", [], id="nothing open"),
    ],
)
def test_the_rules_by_hand(builders_ledger, cents, rule, chosen):
    found = high_value.high_value_accounts(balances(builders_ledger, *cents), as_of=AS_OF, rule=rule)
    assert found["claim_id"].tolist() == chosen


def test_an_account_is_the_whole_claim_and_credits_lower_nothing(builders_ledger):
    b = builders_ledger
    book = one_large(
        b,
        postings=[
            b.post("1", "transfer", -95_000, "2026-02-01"),
            b.post("1", "transfer", 95_000, "2026-02-01", party="patient"),
        ],
    )
    found = high_value.high_value_accounts(book, as_of=AS_OF).iloc[0]
    assert found[["insurance_cents", "patient_cents", "open_cents"]].tolist() == [0, 95_000, 95_000]


def test_a_claim_that_was_paid_to_the_cent_is_not_open(builders_ledger):
    b = builders_ledger
    book = one_large(b, postings=[b.post("1", "payment", -90_000, "2026-02-01")])
    assert high_value.open_claims(book, as_of=AS_OF).empty
    assert len(high_value.open_claims(book, as_of=dt.date(2026, 1, 31))) == 1


def test_tiers_and_schedule(builders_ledger):
    """Thresholds are multiples of the smallest balance that qualifies: 300, 600, 1200 dollars."""
    book = balances(builders_ledger, 30_000, 59_999, 60_000, 119_999, 120_000)
    found = high_value.high_value_accounts(book, as_of=AS_OF, rule="cumulative_80", floor_cents=0)
    assert found["threshold_cents"].unique().tolist() == [59_999]
    ruled = high_value.high_value_accounts(
        balances(builders_ledger, 30_000, 60_000, 120_000),
        as_of=AS_OF,
        rule="cumulative_80",
        schedule={"3": 3, "aetna": 10},
    )
    assert ruled.set_index("claim_id")["every_days"].to_dict() == {"3": 3, "2": 10}
    plain = high_value.high_value_accounts(
        balances(builders_ledger, 30_000, 60_000, 120_000, 30_000), as_of=AS_OF, rule="cumulative_80"
    )
    assert plain.set_index("claim_id")[["tier", "every_days"]].to_numpy().tolist() == [[1, 7], [2, 14], [3, 30]]
    with pytest.raises(ParameterError, match="whole days above zero"):
        high_value.high_value_accounts(book, as_of=AS_OF, schedule={"1": 0})
    with pytest.raises(ParameterError, match="cumulative_80"):
        high_value.high_value_accounts(book, as_of=AS_OF, rule="p90")


TOUCHES = [
    pytest.param([("2026-03-20", "follow_up")], "2026-03-20", id="a note is a touch"),
    pytest.param(
        [("2026-03-20", "follow_up"), ("2026-03-25", "statement")],
        "2026-03-20",
        id="a statement is none while an insurer owes",
    ),
    pytest.param([("2026-04-02", "follow_up")], None, id="work after the day is not known"),
    pytest.param([], None, id="never touched"),
]


@pytest.mark.parametrize(("notes", "last"), TOUCHES)
def test_last_touch_and_the_next(builders_ledger, notes, last):
    found = high_value.high_value_accounts(
        one_large(builders_ledger, *[rows.note("1", *each) for each in notes]), as_of=AS_OF
    ).iloc[0]
    assert found["last_touch_on"] == pd.Timestamp(last) if last else pd.isna(found["last_touch_on"])
    assert found["next_touch_on"] == pd.Timestamp(last or "2026-01-05") + pd.Timedelta(days=30)


def test_a_note_entered_later_is_not_known_yet(builders_ledger):
    book = one_large(builders_ledger, rows.note("1", "2026-03-20", entered_on="2026-04-01"))
    assert pd.isna(high_value.high_value_accounts(book, as_of=AS_OF).iloc[0]["last_touch_on"])


def test_a_statement_is_the_touch_where_the_patient_alone_owes(builders_ledger):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 90_000, "2026-01-05", party="patient")),
        rows.note("1", "2026-03-25", "statement"),
    )
    assert high_value.high_value_accounts(book, as_of=AS_OF).iloc[0]["last_touch_on"] == pd.Timestamp("2026-03-25")


# 28 days to 31 March begin on 4 March; the schedule is every seven days.
COMPLIANCE = [
    pytest.param(
        ["2026-03-01", "2026-03-08", "2026-03-15", "2026-03-22", "2026-03-29"], (4, 4), id="touched every week"
    ),
    pytest.param(["2026-03-01", "2026-03-05"], (4, 1), id="early counts when it falls due; then three are missed"),
    pytest.param([], (4, 0), id="neglected: due on the first day, and every week after"),
    pytest.param(
        ["2026-03-01", "2026-03-09"],
        (5, 1),
        id="a day late: one missed, the work counts for the next, then three are missed",
    ),
    pytest.param(["2026-03-04", "2026-03-04"], (4, 1), id="two notes of one day are one touch"),
    pytest.param(
        ["2026-03-03", "2026-03-10", "2026-03-17", "2026-03-24"], (4, 3), id="what is due on the last day counts"
    ),
]


@pytest.mark.parametrize(("days", "expected"), COMPLIANCE)
def test_touch_compliance_by_hand(builders_ledger, days, expected):
    book = one_large(builders_ledger, *[rows.note("1", day) for day in days])
    found = high_value.touch_compliance(book, as_of=AS_OF, schedule={"1": 7}).iloc[0]
    assert (found["touches_due"], found["touches_in_time"]) == expected
    assert found["touch_compliance"] == expected[1] / expected[0]


def test_work_of_before_the_window_that_was_entered_within_it_is_no_touch_of_the_window(builders_ledger):
    book = one_large(builders_ledger, rows.note("1", "2026-03-03", entered_on="2026-03-05"))
    found = high_value.touch_compliance(book, as_of=AS_OF, schedule={"1": 7}).iloc[0]
    assert (found["touches_due"], found["touches_in_time"]) == (4, 0)


def test_a_settled_account_is_not_neglected(builders_ledger):
    b = builders_ledger
    paid = [
        b.post("1", "payment", -90_000, "2026-03-10"),
        b.post("1", "refund", 100, "2026-03-20"),
        b.post("1", "charge", -100, "2026-03-20"),
    ]
    book = one_large(b, rows.note("1", "2026-03-01"), postings=paid)
    found = high_value.touch_compliance(book, as_of=AS_OF, schedule={"1": 7}).iloc[0]
    assert (found["accounts"], found["touches_due"]) == (1, 1)  # the one of 8 March
    none = high_value.touch_compliance(rows.with_work(b.tables()), as_of=AS_OF)
    assert none["touches_due"].tolist() == [0] and none["touch_compliance"].isna().all()


ESCALATED = [
    pytest.param(
        {"service": "2026-01-29"}, "never touched in 61 days, due every 30", id="overdue twice, never touched"
    ),
    pytest.param({"service": "2026-01-30"}, None, id="twice the interval exactly is not yet"),
    pytest.param(
        {"notes": ["2026-01-29"]}, "no touch for 61 days, due every 30", id="overdue twice since the last touch"
    ),
    pytest.param(
        {"notes": ["2026-03-20"], "promises": [("2026-03-01", "2026-03-30", 500)]},
        "promised for 2026-03-30 and not paid",
        id="a promise passed",
    ),
    pytest.param(
        {"notes": ["2026-03-20"], "promises": [("2026-03-01", "2026-03-31", 500)]},
        None,
        id="a promise for today has not passed",
    ),
    pytest.param({"notes": ["2026-03-20"], "promises": [("2026-03-01", "2026-03-30", 300)]}, None, id="a promise kept"),
    pytest.param(
        {"notes": ["2026-03-20"], "promises": [("2026-03-25", "2026-03-30", 300)]},
        None,
        id="paid on the day of the promise",
    ),
    pytest.param(
        {"notes": ["2026-03-20"], "promises": [("2026-03-26", "2026-03-30", 300)]},
        "promised for 2026-03-30 and not paid",
        id="what was paid the day before belongs to something else",
    ),
    pytest.param(
        {"notes": ["2026-03-20"], "deadline": "2026-04-14"},
        "appeal deadline on 2026-04-14",
        id="a deadline in fourteen days",
    ),
    pytest.param({"notes": ["2026-03-20"], "deadline": "2026-04-15"}, None, id="a deadline in fifteen days"),
    pytest.param({"notes": ["2026-03-20"], "deadline": "2026-03-30"}, None, id="a deadline that is past saves nothing"),
]


@pytest.mark.parametrize(("case", "reason"), ESCALATED)
def test_escalations(builders_ledger, case, reason):
    b = builders_ledger
    postings = [
        b.post("1", "transfer", -900, "2026-02-01"),
        b.post("1", "transfer", 900, "2026-02-01", party="patient"),
        b.post("1", "payment", -300, "2026-03-25", party="patient"),
    ]
    book = one_large(
        b,
        *[rows.note("1", day) for day in case.get("notes", [])],
        postings=postings,
        service=case.get("service", "2026-01-05"),
        promises=[rows.promise("1", *each) for each in case.get("promises", [])],
    )
    given = pd.DataFrame(
        {"claim_id": ["1"], "kind": ["appeal"], "deadline_on": [pd.Timestamp(case.get("deadline", "2027-01-01"))]}
    )
    found = high_value.escalations(book, as_of=AS_OF, deadlines=given)
    assert found["reason"].tolist() == ([reason] if reason else [])


def test_recovery_by_week_ties_and_by_hand(builders_ledger):
    b = builders_ledger
    postings = [
        b.post("1", "payment", -60_000, "2026-03-10"),
        b.post("1", "contractual", -20_000, "2026-03-10"),
        b.post("1", "payment", -15_000, "2026-03-24"),
    ]
    found = high_value.recovery_progress(one_large(b, postings=postings), as_of=AS_OF, weeks=4)
    assert found["collected_cents"].tolist() == [0, 60_000, 60_000, 75_000, 75_000]
    assert found["open_cents"].tolist() == [90_000, 10_000, 10_000, 0, 0] and found["credit_cents"].tolist() == [
        0,
        0,
        0,
        5_000,
        5_000,
    ]
    assert found["open_accounts"].tolist() == [1, 1, 1, 0, 0]
    assert found["collected_share"].iloc[-1] == pytest.approx(75 / 90)


# -- laws ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(builders_ledger):
    return rows.random_work(builders_ledger.random_book())


MEASURES = [
    pytest.param(lambda t, floor=20_000: high_value.open_claims(t, as_of=AS_OF), id="open claims"),
    pytest.param(
        lambda t, floor=20_000: high_value.high_value_accounts(t, as_of=AS_OF, rule="cumulative_80", floor_cents=floor),
        id="accounts",
    ),
    pytest.param(
        lambda t, floor=20_000: high_value.touch_compliance(
            t, as_of=AS_OF, rule="cumulative_80", floor_cents=floor, by=("tier",)
        ),
        id="compliance",
    ),
    pytest.param(
        lambda t, floor=20_000: high_value.escalations(t, as_of=AS_OF, rule="cumulative_80", floor_cents=floor),
        id="escalations",
    ),
    pytest.param(
        lambda t, floor=20_000: high_value.recovery_progress(t, as_of=AS_OF, rule="cumulative_80", floor_cents=floor),
        id="recovery",
    ),
]


@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same_to_the_cent(book, as_engine, engine, measured):
    ours = measured(book)
    assert len(ours)
    assert_frame_equal(measured(as_engine(book, engine)), ours)


@pytest.mark.parametrize("measured", MEASURES)
def test_with_every_dollar_doubled_dollars_double_and_the_rest_stays(book, measured):
    paid, promised = book["transactions"], book["promises"]
    twice = {
        **book,
        "transactions": paid.assign(amount_cents=paid["amount_cents"] * 2),
        "promises": promised.assign(amount_cents=promised["amount_cents"] * 2),
    }
    ours = measured(book)
    cents = [name for name in ours if name.endswith("_cents")]
    assert_frame_equal(measured(twice, 40_000), ours.assign(**{name: ours[name] * 2 for name in cents}))


def test_open_claims_tie_to_the_receivable(book):
    assert (
        high_value.open_claims(book, as_of=AS_OF)["open_cents"].sum()
        == ar.open_balances(book, as_of=AS_OF)["ar_cents"].sum()
    )


def test_recovery_ties_every_week(book):
    found = high_value.recovery_progress(book, as_of=AS_OF, rule="cumulative_80", floor_cents=0, weeks=12)
    lost = found["collected_cents"] + found["adjusted_cents"] + found["written_off_cents"] + found["transferred_cents"]
    assert (found["opening_cents"] + found["charged_cents"] - lost + found["credit_cents"] == found["open_cents"]).all()
    assert found["open_cents"].iloc[0] == found["opening_cents"].iloc[0]
