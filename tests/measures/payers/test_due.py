"""What fell due, told apart by how each claim stands with its payer: waiting, late, refused, short, otherwise."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.ledger.ratios import adding_up, half_up
from rcm_analysis.measures.payers import due as module
from rcm_analysis.measures.payers.due import CENTS, GAPS, cash_due, claims_due
from rcm_analysis.periods import Period

JUNE = Period.month("2026-06")


def history(b, count: int = 12, days: int = 30):
    """Claims of last year, each answered after so many days and allowed at 60 %."""
    rows, claims, bills, answers = [], [], [], []
    for number in range(count):
        day = dt.date(2025, 4, 1) + dt.timedelta(days=20 * number)
        name, paid = f"H{number}", str(day + dt.timedelta(days=days))
        claims.append(b.claim(name, service=str(day)))
        bills.append(b.sent(name, str(day)))
        answers.append(b.answer(name, paid))
        rows += [b.post(name, "charge", 10000, str(day)), b.post(name, "payment", -6000, paid)]
        rows += [b.post(name, "contractual", -4000, paid, carc="45")]
    return rows, claims, bills, answers


def due_of(b, *rows, billed="2026-05-10", answered=None, outcome=None, monkeypatch=None, **other):
    """What fell due in June on claim 1, which its payer answered on `answered` with `outcome`."""
    past, claims, bills, answers = history(b)
    answers = [*answers, *([b.answer("1", answered)] if answered else [])]
    rows = [b.post("1", "charge", 10000, "2026-05-01"), *rows]
    book = dict(
        b.tables(*past, *rows, claims=claims, submissions=[*bills, b.sent("1", billed)], answers=answers, **other)
    )
    if outcome:
        book["remit_adjustments"] = None
        key = {name: [value] for name, value in zip(("client", "claim_id"), (claim_client(book), "1"), strict=True)}
        standing = pl.DataFrame({**key, "payer_order": ["primary"], "outcome": [outcome]}).lazy()
        monkeypatch.setattr(module, "net_positions", lambda tables, as_of: nw.from_native(standing))
    return cash_due(book, period=JUNE).iloc[0]


def claim_client(book) -> str:
    frame = book["transactions"]
    frame = frame.collect().to_pandas() if hasattr(frame, "collect") else frame
    return str(frame["client"].iloc[0])


@pytest.mark.parametrize(
    ("billed", "late"),
    [
        pytest.param("2026-05-31", 0, id="as old as nine of ten answers take: ordinary waiting"),
        pytest.param("2026-05-30", 6000, id="a day older: late"),
    ],
)
def test_a_claim_without_an_answer_is_late_beyond_its_payers_usual_range(builders_ledger, billed, late):
    found = due_of(builders_ledger, billed=billed)
    assert (found["waiting_cents"], found["late_cents"], found["gap_cents"]) == (6000, late, 6000)


@pytest.mark.parametrize(
    ("outcome", "paid", "priced", "column"),
    [
        pytest.param("fully_denied", 0, False, "refused_cents", id="denied"),
        pytest.param("partially_denied", 1000, False, "refused_cents", id="denied in part"),
        pytest.param("paid", 5000, True, "short_cents", id="paid less than the contract"),
        pytest.param("paid", 7000, True, "otherwise_cents", id="paid as the contract says"),
        pytest.param(
            "paid", 5000, False, "otherwise_cents", id="paid less than an estimate: no proof of a short payment"
        ),
        pytest.param("zero_pay_non_denial", 0, True, "otherwise_cents", id="neither paid nor refused"),
        pytest.param("undecided", 0, False, "otherwise_cents", id="answered, held open"),
    ],
)
def test_an_answered_claim_is_refused_short_or_otherwise(builders_ledger, monkeypatch, outcome, paid, priced, column):
    b = builders_ledger
    more = {"lines": [b.line("1", 1, "99213", 10000)], "fees": [b.fee("99213", 7000, "2026-01-01")]} if priced else {}
    rows = [b.post("1", "payment", -paid, "2026-06-10")] if paid else []
    found = due_of(b, *rows, answered="2026-06-10", outcome=outcome, monkeypatch=monkeypatch, **more)
    gap = (7000 if priced else 6000) - paid
    assert found["gap_cents"] == gap
    assert {name: found[name] for name in GAPS} == dict.fromkeys(GAPS, 0) | {column: gap}


def test_more_than_was_reckoned_is_negative_and_stands_apart(builders_ledger, monkeypatch):
    b = builders_ledger
    found = due_of(
        b, b.post("1", "payment", -7500, "2026-06-10"), answered="2026-06-10", outcome="paid", monkeypatch=monkeypatch
    )
    assert (found["otherwise_cents"], found["short_cents"], found["refused_cents"]) == (-1500, 0, 0)


def test_claims_behind_add_up_to_the_cent_where_each_alone_would_not(builders_ledger):
    """Three charges of $33.33 at 60 %: $19.998 each, $59.994 together, so $59.99, one claim a cent short."""
    b = builders_ledger
    past, claims, bills, answers = history(b)
    names = ["1", "2", "3"]
    rows = [b.post(name, "charge", 3333, "2026-05-01") for name in names]
    claims = [*claims, *(b.claim(name, charge_cents=3333) for name in names)]
    bills = [*bills, *(b.sent(name, "2026-05-10") for name in names)]
    book = b.tables(*past, *rows, claims=claims, submissions=bills, answers=answers)
    each, whole = claims_due(book, period=JUNE), cash_due(book, period=JUNE).iloc[0]
    assert whole["estimated_cents"] == 5999
    assert each["estimated_cents"].tolist() == [2000, 2000, 1999]
    assert (each["cash_due_cents"] - each["collected_cents"] - each["patient_cents"] == each["gap_cents"]).all()
    for column in CENTS:
        assert each[column].sum() == whole[column], column


@given(st.lists(st.tuples(st.floats(-1e7, 1e7), st.integers(0, 3)), min_size=1, max_size=30))
def test_parts_add_up_to_the_rounded_sum_of_their_group_and_none_is_off_by_a_cent(parts):
    frame = pd.DataFrame(parts, columns=["cents", "group"])
    sums = half_up(frame.groupby("group")["cents"].transform("sum"))
    found = adding_up(frame["cents"], frame["group"], sums)
    assert found.groupby(frame["group"]).sum().tolist() == sums.groupby(frame["group"]).first().tolist()
    assert ((found - frame["cents"]).abs() <= 1).all()
