"""What was done, what waits and what is due, counted on a handful of rows."""

from __future__ import annotations

import dataclasses
import datetime as dt

import polars as pl
import pytest

from rcm_analysis.exhibits.client_review import effort, work
from rcm_analysis.exhibits.register import claims, habits
from rcm_analysis.exhibits.register.action import settle
from rcm_analysis.exhibits.register.facts import MonthFacts
from rcm_analysis.tables.schema import TABLES

CLIENT = "acorn-clinic"
DAY = dt.date(2026, 10, 20)


def posting(claim: str | None, cents: int, day: dt.date, kind: str = "charge", party: str = "primary") -> dict:
    return {
        "client": CLIENT,
        "transaction_id": f"{claim}-{kind}-{day}",
        "claim_id": claim,
        "kind": kind,
        "party": party,
        "amount_cents": cents,
        "happened_on": day,
        "posted_on": day,
        "payer": "acme",
    }


def claim(name: str, service: dt.date) -> dict:
    return {
        "client": CLIENT,
        "claim_id": name,
        "claim_type": "professional",
        "payer": "acme",
        "service_on": service,
        "entered_on": service,
        "charge_cents": 10000,
    }


def note(
    claim: str, day: dt.date, action: str = "follow_up", outcome: str | None = None, hold: str | None = None
) -> dict:
    return {
        "client": CLIENT,
        "note_id": f"{claim}-{day}",
        "claim_id": claim,
        "worked_on": day,
        "entered_on": day,
        "worked_by": "kim",
        "action": action,
        "outcome": outcome,
        "hold_reason": hold,
    }


@pytest.fixture
def of(acorn):
    """The invented client with chosen tables replaced by a few rows."""

    def subject(**tables: list[dict]):
        frames = {name: pl.DataFrame(rows, schema=TABLES[name].polars).lazy() for name, rows in tables.items()}
        return dataclasses.replace(acorn, tables={**acorn.tables, **frames}, _frames={})

    return subject


@pytest.mark.parametrize(
    ("worked", "counted"),
    [
        pytest.param(DAY, "$40", id="worked on the day of the payment"),
        pytest.param(DAY - dt.timedelta(days=60), "$40", id="worked sixty days before"),
        pytest.param(DAY - dt.timedelta(days=61), "", id="worked sixty-one days before"),
        pytest.param(DAY + dt.timedelta(days=1), "", id="worked only after the payment"),
    ],
)
def test_dollars_behind_our_work(of, worked, counted):
    subject = of(
        transactions=[posting("1", 10000, dt.date(2026, 8, 1)), posting("1", -4000, DAY, "payment")],
        work_log=[note("1", worked)],
    )
    said = effort.did(subject)[2]
    assert (f"{counted} came in on claims worked by hand" in said) if counted else ("came in" not in said)


def test_a_claim_worked_twice_is_one_claim_and_its_payment_counts_once(of):
    rows = [posting("1", 10000, dt.date(2026, 8, 1)), posting("1", -4000, DAY, "payment")]
    card = effort.did(of(transactions=rows, work_log=[note("1", DAY), note("1", DAY - dt.timedelta(days=3), "appeal")]))
    assert card[1] == "1 claim worked by hand"
    assert card[2].startswith("2 steps: 1 appeal and 1 question to a payer.") and "$40 came in" in card[2]


def test_only_the_last_note_of_a_claim_can_wait_for_the_client(of):
    names = ("waits", "answered", "paid")
    rows = [posting(name, 10000, dt.date(2026, 8, 1)) for name in names]
    rows.append(posting("paid", -10000, DAY, "payment"))
    asked = [
        note(name, dt.date(2026, 9, 1), "request_documents", "waiting_on_client", "documents")
        for name in ("waits", "answered", "paid")
    ]
    found = work.waiting_on_client(
        of(
            transactions=rows,
            claims=[claim(name, dt.date(2026, 8, 1)) for name in names],
            work_log=[*asked, note("answered", DAY, "resubmit", "in_process")],
        )
    )
    assert found[["hold_reason", "claims", "open_cents"]].values.tolist() == [["documents", 1, 10000]]


@pytest.mark.parametrize(
    ("service", "is_due"),
    [
        pytest.param(dt.date(2026, 10, 31) - dt.timedelta(days=180), True, id="the limit is today"),
        pytest.param(dt.date(2026, 10, 31) - dt.timedelta(days=150), True, id="the limit is in thirty days"),
        pytest.param(dt.date(2026, 10, 31) - dt.timedelta(days=144), True, id="four fifths of the limit are used"),
        pytest.param(dt.date(2026, 10, 31) - dt.timedelta(days=143), False, id="less of it is used"),
        pytest.param(dt.date(2026, 10, 31) - dt.timedelta(days=181), False, id="the limit passed yesterday"),
    ],
)
def test_claims_never_sent_are_announced_before_the_filing_limit(of, service, is_due):
    earlier = {"client": CLIENT, "submission_id": "e", "claim_id": "0", "submitted_on": dt.date(2026, 1, 2)}
    earlier |= {"payer": "acme", "payer_order": "primary", "frequency": "1", "charge_cents": 10000}
    subject = of(claims=[claim("1", service)], transactions=[posting("1", 10000, service)], submissions=[earlier])
    titles = [item.title for item in settle(claims.limits(MonthFacts(subject)))]
    assert ("Send 1 claim before the filing limit" in titles) == is_due


def test_a_claim_that_was_sent_has_no_filing_limit(of):
    service = dt.date(2026, 5, 10)
    sent = {
        "client": CLIENT,
        "submission_id": "s",
        "claim_id": "1",
        "submitted_on": service,
        "payer": "acme",
        "payer_order": "primary",
        "frequency": "1",
        "charge_cents": 10000,
    }
    subject = of(claims=[claim("1", service)], transactions=[posting("1", 10000, service)], submissions=[sent])
    assert claims.limits(MonthFacts(subject)) == []


def test_an_appeal_limit_is_announced_until_somebody_appeals(acorn):
    (late,) = [one for one in settle(claims.limits(MonthFacts(acorn))) if one.kind == "appeal_limit"]
    assert list(late.claims) == ["2026-07-6"] and late.due == dt.date(2026, 11, 2)


@pytest.mark.parametrize(
    ("last", "is_old"),
    [
        pytest.param(dt.date(2026, 9, 1), False, id="sixty days without a posting"),
        pytest.param(dt.date(2026, 8, 31), True, id="sixty-one days without a posting"),
    ],
)
def test_credits_are_old_after_sixty_days(of, last, is_old):
    subject = of(transactions=[posting("1", 10000, dt.date(2026, 6, 1)), posting("1", -12000, last, "payment")])
    found = settle(habits.old_credits(MonthFacts(subject)))
    assert [item.amount_cents for item in found] == ([2000] if is_old else [])


def test_an_action_closed_later_is_open_again_as_of_the_month(of):
    agreed = {
        "client": CLIENT,
        "action_id": "1",
        "opened_on": dt.date(2026, 9, 1),
        "title": "x",
        "owner": "y",
        "due_on": dt.date(2026, 11, 15),
    }
    assert work.agreed_actions(of(actions=[agreed]))["state"].tolist() == ["open"]
    done_before = {**agreed, "closed_on": dt.date(2026, 9, 30)}
    assert work.agreed_actions(of(actions=[done_before])).empty
