"""Credits, their clocks and whose they are; write-offs by hand; how long things take; and every engine alike."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.examples.self_pay import example_self_pay
from rcm_analysis.measures.menu import menu
from rcm_analysis.measures.self_pay import credits_and_write_offs as patient_credits
from rcm_analysis.models.patients import self_pay_survival as survival
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import TABLES

JANUARY = Period.month("2026-01")
LATE = dt.date(2026, 12, 31)
SELF_PAY = [
    record
    for record in menu().values()
    if record.subject == "self_pay" and not record.function.__module__.endswith((".eob", ".policy"))
]


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


CLAIM = {"claim_id": "C1", "patient": "p1", "payer": "medicare", "secondary_payer": "acme_health"}


def credit(b, postings, as_of, **words):
    return patient_credits.credits(b.tables(claims=[CLAIM], transactions=postings), as_of=as_of, **words)


def early(b):
    """$25 paid at the desk on January 5; the insurer answers on February 20 and leaves $10 to the patient."""
    return [
        b.owe("C1", "2026-01-05", 10_000, party="primary"),
        b.pay("C1", "2026-01-05", 2500),
        b.pay("C1", "2026-02-20", 9000, party="primary"),
        {**b.owe("C1", "2026-02-20", -1000), "party": "primary"},
        b.owe("C1", "2026-02-20", 1000),
    ]


@pytest.mark.parametrize(
    ("as_of", "kind", "cents", "clock"),
    [
        pytest.param(
            dt.date(2026, 1, 31),
            "early payment",
            2500,
            "2026-01-05",
            id="the insurer has not answered: nothing to refund yet",
        ),
        pytest.param(dt.date(2026, 2, 19), "early payment", 2500, "2026-01-05", id="the day before the answer"),
        pytest.param(
            dt.date(2026, 2, 20),
            "overpayment",
            1500,
            "2026-02-20",
            id="the answer leaves less: the refund clock starts",
        ),
        pytest.param(dt.date(2026, 12, 31), "overpayment", 1500, "2026-02-20", id="it runs on"),
    ],
)
def test_an_early_payment_is_told_apart_from_an_overpayment(b, as_of, kind, cents, clock):
    found = credit(b, early(b), as_of)
    assert found[["kind", "credit_cents", "owed_to"]].values.tolist() == [[kind, cents, "patient"]]
    assert str(found["clock_on"].iloc[0].date()) == clock


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        pytest.param([("2026-03-01", 1500, "refund")], [], id="refunded: no credit"),
        pytest.param(
            [("2026-03-01", 1000, "refund")], [(500, "2026-02-20")], id="a part refunded leaves the clock alone"
        ),
        pytest.param(
            [("2026-03-01", 1500, "refund"), ("2026-04-01", 700, "payment")],
            [(700, "2026-04-01")],
            id="a new credit, a new clock",
        ),
        pytest.param(
            [("2026-03-01", 900, "payment")], [(2400, "2026-02-20")], id="more paid on top leaves the clock alone"
        ),
    ],
)
def test_a_refund_clock_runs_while_the_credit_stands_without_a_break(b, more, rows):
    found = credit(b, [*early(b), *(b.pay("C1", day, cents, kind=kind) for day, cents, kind in more)], LATE)
    assert [(row["credit_cents"], str(row["clock_on"].date())) for row in found.to_dict("records")] == rows


@pytest.mark.parametrize(
    ("days", "age"),
    [
        pytest.param(0, "0-30", id="today"),
        pytest.param(30, "0-30", id="30 days"),
        pytest.param(31, "31-60", id="31 days"),
        pytest.param(60, "31-60", id="60 days"),
        pytest.param(61, "over 60", id="61 days"),
    ],
)
def test_ages_of_credits(b, days, age):
    found = credit(b, [b.pay("C1", "2026-01-05", 500)], dt.date(2026, 1, 5) + dt.timedelta(days=days))
    assert found["age"].tolist() == [age] and found["age_days"].tolist() == [days]


@pytest.mark.parametrize(
    ("party", "government", "expected"),
    [
        pytest.param("primary", ["medicare"], "government", id="an overpayment of Medicare"),
        pytest.param("primary", [], "insurer", id="of an insurer"),
        pytest.param("secondary", ["medicare"], "insurer", id="of the other payer of a Medicare claim"),
        pytest.param("patient", ["medicare"], "patient", id="the patient's own money on a Medicare claim"),
    ],
)
def test_whose_money_it_is(b, party, government, expected):
    found = credit(b, [b.pay("C1", "2026-01-05", 500, party=party)], LATE, government=government)
    assert found[["owed_to", "kind"]].values.tolist() == [[expected, "overpayment"]]


def test_law_credits_add_up_to_the_ledgers_credits(b):
    from rcm_analysis.ledger import balances as ledger

    tables = example_self_pay()
    for day in (dt.date(2026, 1, 31), dt.date(2026, 3, 10), dt.date(2026, 4, 30)):
        ages = patient_credits.credit_ages(tables, as_of=day, by=())
        assert ages["credit_cents"].iloc[0] == -ledger.balances(tables, as_of=day)["credit_cents"].sum()


# -- write-offs ------------------------------------------------------------------------------------


def off(b, cents=5000, day="2026-01-20", reason="bad debt", who="m.lopez"):
    return b.pay("C1", day, cents, kind="write_off", reason=reason, approved_by=who)


GRANTED = {
    "claim_id": "C1",
    "patient": "p1",
    "requested_on": "2026-01-10",
    "requested_by": "cp01",
    "amount_cents": 5000,
    "reason": "bad debt",
    "decided_on": "2026-01-15",
    "decision": "approved",
    "decided_by": "m.lopez",
}


@pytest.mark.parametrize(
    ("posting", "approval", "unapproved"),
    [
        pytest.param({}, {}, 0, id="approved before"),
        pytest.param({}, {"decided_on": "2026-01-20"}, 0, id="approved the same day"),
        pytest.param({}, {"decided_on": "2026-01-21"}, 1, id="approved afterwards is not approved"),
        pytest.param({}, {"decision": "refused"}, 1, id="refused"),
        pytest.param({}, {"amount_cents": 4999}, 1, id="approved for less"),
        pytest.param({}, {"claim_id": "C2"}, 1, id="approved for another account"),
        pytest.param({}, None, 1, id="nobody asked"),
        pytest.param({"cents": 1000}, None, 0, id="at the limit no approval is needed"),
        pytest.param({"cents": 1001}, None, 1, id="a cent above it is"),
        pytest.param({"reason": "financial assistance"}, None, 1, id="relief without an application"),
        pytest.param({"reason": "self-pay discount"}, None, 0, id="the fee policy has decided it"),
    ],
)
def test_write_offs_need_an_approval(b, posting, approval, unapproved):
    tables = b.tables(
        transactions=[off(b, **posting)],
        write_off_approvals=[] if approval is None else [{**GRANTED, **approval}],
        self_pay_policies=[b.policy("write_off_approval_over_cents", 1000)],
    )
    found = patient_credits.manual_write_offs(tables, period=JANUARY)
    assert found[["approved_by", "write_offs", "unapproved"]].values.tolist() == [["m.lopez", 1, unapproved]]


# -- how long things take --------------------------------------------------------------------------


def test_open_disputes_make_the_median_longer_than_the_settled_ones_say(b):
    """By hand: settled after 5 and 10 days, open for 20, 20 and 20. Half of five have ended by no day: no median
    yet."""
    row = {"patient": "p", "claim_id": "C", "reason": "amount", "amount_cents": 100, "opened_on": "2026-01-05"}
    rows = [
        {**row, "closed_on": "2026-01-10", "outcome": "upheld"},
        {**row, "closed_on": "2026-01-15", "outcome": "upheld"},
        row,
        row,
        row,
    ]
    found = survival.turnaround(b.tables(disputes=rows), "disputes", period=JANUARY, as_of=dt.date(2026, 1, 25)).iloc[0]
    assert (found["cases"], found["open"], found["median_of_ended"]) == (5, 3, 7.5) and pd.isna(found["median_days"])
    without = survival.turnaround(
        b.tables(disputes=rows[:3]), "disputes", period=JANUARY, as_of=dt.date(2026, 1, 25)
    ).iloc[0]
    assert without["median_days"] == 10.0, "of three, two have ended by day 10"


def test_time_to_default_watches_open_plans_to_the_day(b):
    """By hand: four plans agreed January 1. One breaks on day 61; one is completed on day 40; two are open on day
    100."""
    plan = {
        "patient": "p",
        "claim_id": "C",
        "opened_on": "2026-01-01",
        "amount_cents": 100,
        "instalments": 1,
        "is_autopay": False,
    }
    due = {"number": 1, "agreed_on": "2026-01-01", "amount_cents": 100}
    rows = [
        {**plan, "plan_id": "A"},
        {**plan, "plan_id": "B", "closed_on": "2026-02-10", "outcome": "completed"},
        {**plan, "plan_id": "C"},
        {**plan, "plan_id": "D"},
    ]
    parts = [
        {**due, "plan_id": "A", "due_on": "2026-01-31"},
        {**due, "plan_id": "B", "due_on": "2026-02-10", "paid_on": "2026-02-10", "paid_cents": 100},
        {**due, "plan_id": "C", "due_on": "2026-06-01"},
        {**due, "plan_id": "D", "due_on": "2026-06-01"},
    ]
    found = survival.default_shares(
        b.tables(payment_plans=rows, plan_instalments=parts), as_of=dt.date(2026, 4, 11), days=(60, 90, 180)
    )
    assert found["broken"].tolist()[:2] == [0.0, pytest.approx(1 / 3)], (
        "three were still watched when one of them broke"
    )
    assert pd.isna(found["broken"].iloc[2]) and found["at_risk"].tolist() == [3.0, 2.0, 0.0]


def test_what_has_no_clock_is_refused(b):
    from rcm_analysis.errors import ParameterError

    with pytest.raises(ParameterError, match="disputes"):
        survival.turnaround(b.tables(), "dispute", period=JANUARY, as_of=LATE)


# -- every engine alike ----------------------------------------------------------------------------


def results(tables):
    span, day = Period.month("2026-04").trailing(4), dt.date(2026, 4, 30)
    for record in SELF_PAY:
        given = {name: value for name, value in {"period": span, "as_of": day}.items() if name in record.parameters}
        yield record.name, record.function(tables, **given)


def test_every_engine_gives_the_same_answers(engine, as_engine):
    expected = dict(results(example_self_pay()))
    for name, found in results(as_engine(example_self_pay(), engine)):
        assert_frame_equal(found, expected[name], obj=name)


def test_a_day_replayed_is_the_day_as_it_was_stored():
    """What the tables knew on February 28 gives what the tables of April say of February 28."""
    day = dt.date(2026, 2, 28)
    now, then = example_self_pay(), {}
    for name, frame in now.items():
        known = {
            "transactions": "posted_on",
            "claims": "service_on",
            "self_pay_policies": "effective_from",
            "write_off_approvals": "requested_on",
            "statements": "statement_on",
            "payment_plans": "opened_on",
            "plan_instalments": "agreed_on",
            "payment_attempts": "attempted_on",
            "promises": "promised_on",
            "interactions": "entered_on",
            "disputes": "opened_on",
            "assistance_applications": "applied_on",
            "itemised_requests": "requested_on",
            "account_changes": "done_on",
            "quality_reviews": "reviewed_on",
        }[name]
        then[name] = frame[frame[known] <= pd.Timestamp(day)]
    span = Period.month("2026-02").trailing(2)
    for record in SELF_PAY:
        given = {name: value for name, value in {"period": span, "as_of": day}.items() if name in record.parameters}
        assert_frame_equal(record.function(now, **given), record.function(then, **given), obj=record.name)


@pytest.mark.parametrize(
    ("notes", "as_of", "clock"),
    [
        pytest.param([], LATE, "2026-01-31", id="nobody noted it: the review of the month's end lists it"),
        pytest.param([], dt.date(2026, 1, 20), "2026-01-20", id="within the month: this list itself"),
        pytest.param(["2026-01-12"], LATE, "2026-01-12", id="from the note on"),
        pytest.param(["2026-01-04"], LATE, "2026-01-31", id="a note from before the credit knew nothing of it"),
        pytest.param(["2026-02-03"], LATE, "2026-01-31", id="a note after the month's end comes too late"),
    ],
)
def test_the_clock_of_a_government_payer_runs_from_identification(b, notes, as_of, clock):
    work = [{"claim_id": "C1", "worked_on": day, "entered_on": day, "action": "note"} for day in notes]
    tables = b.tables(claims=[CLAIM], transactions=[b.pay("C1", "2026-01-05", 500, party="primary")])
    tables["work_log"] = b.table("work_log", work) if work else TABLES["work_log"].empty().to_pandas()
    found = patient_credits.credits(tables, as_of=as_of, government=["medicare"]).iloc[0]
    assert (str(found["clock_on"].date()), str(found["credit_since"].date())) == (clock, "2026-01-05")
    assert patient_credits.credits(tables, as_of=as_of).iloc[0]["clock_on"] == found["credit_since"]
