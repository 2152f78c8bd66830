"""Payment plans: what broken, cured and at risk mean on any day, and declined payments."""

from __future__ import annotations

import datetime as dt
import random

import pandas as pd
import pytest

from rcm_analysis.measures.self_pay import declines, payment_plans
from rcm_analysis.periods import Period

FIRST = dt.date(2026, 1, 31)
LATE = dt.date(2026, 12, 31)
YEAR = Period(dt.date(2026, 1, 1), dt.date(2027, 1, 1))


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


def day(number):
    """The day `number` days after the first due day."""
    return None if number is None else str(FIRST + dt.timedelta(days=number))


def book(b, parts, *, closed=None, outcome=None, **more):
    """One plan: `parts` are (due, paid) in days after the first due day, of $30 each, or (due, paid, cents paid)."""
    instalments = [
        {
            "plan_id": "P",
            "number": number,
            "agreed_on": "2026-01-01",
            "due_on": day(part[0]),
            "amount_cents": 3000,
            "paid_on": day(part[1]),
            "paid_cents": None if part[1] is None else (part[2] if len(part) > 2 else 3000),
        }
        for number, part in enumerate(parts, 1)
    ]
    plan = {
        "plan_id": "P",
        "patient": "p1",
        "claim_id": "C1",
        "opened_on": "2026-01-01",
        "amount_cents": 3000 * len(parts),
        "instalments": len(parts),
        "is_autopay": True,
        "closed_on": day(closed),
        "outcome": outcome,
    }
    return b.tables(payment_plans=[plan], plan_instalments=instalments, **more)


@pytest.mark.parametrize(
    ("parts", "as_of", "status", "broke", "cured"),
    [
        pytest.param([(0, 0), (30, None)], 20, "on_schedule", None, False, id="paid on its day, the next not due"),
        pytest.param([(0, 0), (30, None)], 30, "on_schedule", None, False, id="due today is not overdue"),
        pytest.param([(0, 0), (30, None)], 31, "behind", None, False, id="overdue from the day after"),
        pytest.param([(0, None), (90, None)], 30, "behind", None, False, id="30 days late is late"),
        pytest.param([(0, None), (90, None)], 31, "broken", 31, False, id="31 days late breaks it"),
        pytest.param([(0, 30), (90, None)], 40, "on_schedule", None, False, id="paid 30 days late never broke it"),
        pytest.param([(0, 31), (90, None)], 40, "on_schedule", 31, True, id="paid 31 days late: broke, and was cured"),
        pytest.param([(0, None), (14, None)], 14, "behind", None, False, id="a second one due today is not missed yet"),
        pytest.param([(0, None), (14, None)], 15, "broken", 15, False, id="two missed at once break it"),
        pytest.param(
            [(0, 10), (14, None)], 20, "behind", None, False, id="the first was paid before the second was missed"
        ),
        pytest.param([(0, 20), (14, 20), (60, None)], 25, "on_schedule", 15, True, id="both caught up: cured"),
        pytest.param(
            [(0, None), (14, 14), (28, None)], 29, "broken", 29, False, id="two missed with a paid one between"
        ),
        pytest.param([(0, 5, 2999), (90, None)], 10, "behind", None, False, id="a part is not the instalment"),
        pytest.param(
            [(0, 0), (30, 30)], 30, "completed", None, False, id="all paid, though the desk has not closed it"
        ),
        pytest.param([(0, 40), (90, None)], 35, "broken", 31, False, id="a payment of next week is not known yet"),
    ],
)
def test_how_a_plan_stands(b, parts, as_of, status, broke, cured):
    found = payment_plans.plans(book(b, parts), as_of=FIRST + dt.timedelta(days=as_of)).iloc[0]
    assert found["status"] == status and found["is_cured"] == cured
    assert (None if pd.isna(found["broke_on"]) else str(found["broke_on"].date())) == day(broke)


@pytest.mark.parametrize(
    ("closed", "outcome", "as_of", "status", "at_risk", "lost"),
    [
        pytest.param(40, "broken", 50, "broken", 0, 6000, id="closed as broken: lost, no longer at risk"),
        pytest.param(40, "broken", 39, "broken", 6000, 0, id="the day before it is at risk"),
        pytest.param(10, "cancelled", 50, "cancelled", 0, 6000, id="cancelled before anything broke"),
        pytest.param(10, "cancelled", 9, "behind", 6000, 0, id="a cancellation of later days is not known"),
        pytest.param(5, "broken", 50, "broken", 0, 6000, id="the desk gave it up before the rule did"),
    ],
)
def test_what_the_desk_closes(b, closed, outcome, as_of, status, at_risk, lost):
    tables = book(b, [(0, None), (60, None)], closed=closed, outcome=outcome)
    today = FIRST + dt.timedelta(days=as_of)
    standing = payment_plans.plan_standing(tables, as_of=today).iloc[0]
    assert payment_plans.plans(tables, as_of=today)["status"].tolist() == [status] and standing[status] == 1
    assert (standing["at_risk_cents"], standing["lost_cents"]) == (at_risk, lost)


def test_the_desks_day_counts_when_it_gives_up_first(b):
    found = payment_plans.plans(book(b, [(0, None)], closed=5, outcome="broken"), as_of=LATE).iloc[0]
    assert str(found["broke_on"].date()) == day(5)


def test_completion_and_cures_by_hand(b):
    rows = [("A", "completed", 60), ("B", "broken", 70), ("C", "cancelled", 20), ("D", None, None)]
    plan = {
        "patient": "p",
        "claim_id": "C",
        "opened_on": "2026-01-01",
        "amount_cents": 3000,
        "instalments": 1,
        "is_autopay": False,
    }
    parts = {"A": 40, "B": None, "C": None, "D": None}
    tables = b.tables(
        payment_plans=[
            {**plan, "plan_id": name, "closed_on": day(closed), "outcome": outcome} for name, outcome, closed in rows
        ],
        plan_instalments=[
            {
                "plan_id": name,
                "number": 1,
                "agreed_on": "2026-01-01",
                "due_on": day(0),
                "amount_cents": 3000,
                "paid_on": day(paid),
                "paid_cents": paid and 3000,
            }
            for name, paid in parts.items()
        ],
    )
    done = payment_plans.plan_completion(tables, period=YEAR, as_of=LATE).iloc[0]
    assert (done["open_plans"], done["completed_plans"], done["ended_plans"]) == (1, 1, 3)
    cures = payment_plans.plan_cures(tables, as_of=LATE).iloc[0]
    assert (cures["cured_plans"], cures["ever_broken_plans"]) == (1, 3)


def test_law_the_past_of_a_plan_does_not_change(b):
    luck, plans, parts = random.Random(3), [], []
    for plan in range(120):
        name, end = f"P{plan:03d}", luck.choice([None, None, luck.randrange(150)])
        plans.append(
            {
                "plan_id": name,
                "patient": "p",
                "claim_id": "C",
                "opened_on": "2026-01-01",
                "amount_cents": 9000,
                "instalments": 3,
                "is_autopay": False,
                "closed_on": day(end),
                "outcome": end and luck.choice(["broken", "cancelled", "completed"]),
            }
        )
        for number in range(1, 4):
            paid = luck.choice([None, luck.randrange(-10, 150)])
            parts.append(
                {
                    "plan_id": name,
                    "number": number,
                    "agreed_on": "2026-01-01",
                    "due_on": day(luck.randrange(120)),
                    "amount_cents": 3000,
                    "paid_on": day(paid),
                    "paid_cents": None if paid is None else 3000,
                }
            )
    tables = b.tables(payment_plans=plans, plan_instalments=parts)
    seen = {
        number: payment_plans.plans(tables, as_of=FIRST + dt.timedelta(days=number)) for number in range(0, 180, 15)
    }
    for number, rows in seen.items():
        standing = payment_plans.plan_standing(tables, as_of=FIRST + dt.timedelta(days=number)).iloc[0]
        assert standing[["on_schedule", "behind", "broken", "completed", "cancelled"]].sum() == standing["plans"] == 120
        assert rows.loc[rows["status"] == "broken", "broke_on"].notna().all()
        known_then = seen[165]["broke_on"].where(
            seen[165]["broke_on"] <= pd.Timestamp(FIRST + dt.timedelta(days=number))
        )
        assert rows["broke_on"].equals(known_then)


@pytest.mark.parametrize(
    ("paid", "as_of", "expected"),
    [
        pytest.param((0, 3), 10, (1, 1), id="paid on the last day of grace"),
        pytest.param((0, 4), 10, (0, 1), id="a day later"),
        pytest.param((0, None), 3, (0, 1), id="unpaid when the grace is over"),
        pytest.param((0, 0), 2, (0, 0), id="not due while the grace runs"),
        pytest.param((0, 0, 2999), 10, (0, 1), id="a cent short"),
    ],
)
def test_instalments_on_schedule(b, paid, as_of, expected):
    found = payment_plans.instalments_on_schedule(
        book(b, [paid]), period=YEAR, as_of=FIRST + dt.timedelta(days=as_of)
    ).iloc[0]
    assert (found["paid_instalments"], found["due_instalments"]) == expected


def test_instalments_after_the_end_of_a_plan_were_not_due(b):
    found = payment_plans.instalments_on_schedule(
        book(b, [(0, 0), (30, None)], closed=20, outcome="cancelled"), period=YEAR, as_of=LATE
    )
    assert found["due_instalments"].tolist() == [1]


def test_utilisation_counts_patients_and_not_claims(b):
    claims = [
        {"claim_id": f"C{number}", "patient": who} for number, who in enumerate(["p1", "p1", "p2", None, "p3"], 1)
    ]
    postings = [b.owe(f"C{number}", "2026-01-01", 1000) for number in (1, 2, 3, 4)] + [b.pay("C5", "2026-01-01", 500)]
    found = payment_plans.plan_utilisation(book(b, [(0, None)], claims=claims, transactions=postings), as_of=LATE).iloc[
        0
    ]
    assert (found["patients_on_plan"], found["patients_with_balance"]) == (1, 3)


# -- declines --------------------------------------------------------------------------------------


def attempt(name, number, result, *, of=None, method="visa", kind=None, cents=1000):
    return {
        "attempt_id": name,
        "claim_id": "C1",
        "attempted_on": day(number),
        "amount_cents": cents,
        "method": method,
        "channel": "phone",
        "result": result,
        "retry_of": of,
        "decline_kind": kind,
    }


DECLINED = attempt("A", 0, "declined", kind="soft")


@pytest.mark.parametrize(
    ("rows", "as_of", "recovered", "declined"),
    [
        pytest.param([attempt("B", 30, "approved", of="A")], 60, 1000, 1000, id="on day 30"),
        pytest.param([attempt("B", 31, "approved", of="A")], 60, 0, 1000, id="a day late"),
        pytest.param(
            [attempt("B", 2, "declined", of="A"), attempt("C", 5, "approved", of="A")],
            60,
            1000,
            1000,
            id="at the second repeat",
        ),
        pytest.param([attempt("B", 5, "approved")], 60, 0, 1000, id="another payment is no repeat"),
        pytest.param([attempt("B", 5, "approved", of="A")], 29, 0, 0, id="too young to judge, though recovered"),
        pytest.param([], 60, 0, 1000, id="never tried again"),
    ],
)
def test_what_came_back_of_a_decline(b, rows, as_of, recovered, declined):
    tables = b.tables(payment_attempts=[DECLINED, *rows])
    found = declines.decline_recovery(tables, period=YEAR, as_of=FIRST + dt.timedelta(days=as_of)).iloc[0]
    assert (found["recovered_cents"], found["declined_cents"]) == (recovered, declined)


def test_declines_by_hand(b):
    rows = [
        DECLINED,
        attempt("B", 2, "declined", of="A", kind="soft"),
        attempt("C", 4, "approved", of="A"),
        attempt("D", 5, "declined", kind="hard", cents=3000),
        attempt("E", 6, "approved"),
        attempt("F", 6, "approved", method="check"),
    ]
    tables = b.tables(payment_attempts=rows)
    rate = declines.decline_rate(tables, period=YEAR).iloc[0]
    assert (rate["declined_payments"], rate["payments"]) == (2, 3), (
        "checks are in no rate, repeats are no payment of their own"
    )
    back = declines.decline_recovery(tables, period=YEAR, as_of=LATE, by=["decline_kind"]).set_index("decline_kind")
    assert back["decline_recovery"].to_dict() == {"hard": 0.0, "soft": 1.0}
    assert back["attempts_per_decline"].to_dict() == {"hard": 1.0, "soft": 3.0}
    again = declines.reprocess_success(tables, period=YEAR, as_of=LATE).iloc[0]
    assert (again["untried_payments"], again["approved_payments"], again["retried_payments"]) == (1, 1, 1)
