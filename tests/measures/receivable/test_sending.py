"""When a claim may be called never sent: bills on file since before it was entered, and nothing that proves it left."""

from __future__ import annotations

import datetime as dt

import pytest

from rcm_analysis.measures.receivable import delays, secondary, time_limits

NOVEMBER = dt.date(2026, 11, 30)
CHARGE = {"claim_id": "C1", "kind": "charge", "amount_cents": 10_000, "posted_on": "2026-09-02"}
BEFORE = {"claim_id": "B", "submitted_on": "2026-08-01"}
AFTER = {"claim_id": "A", "submitted_on": "2026-09-03"}
PAID = {**CHARGE, "kind": "payment", "party": "primary", "amount_cents": -6_000}
CHECKED = {"claim_id": "C1", "checked_on": "2026-09-05", "stage": "clearinghouse", "result": "passed"}


def others(billed: int) -> tuple[list[dict], list[dict], list[dict]]:
    """Ten claims that a payer paid since September, so many of them with a bill: claims, bills and postings."""
    names = [f"O{number}" for number in range(10)]
    claims = [{"claim_id": name, "entered_on": "2026-09-02"} for name in names]
    bills = [{"claim_id": name, "submitted_on": "2026-09-06"} for name in names[:billed]]
    money = [{**CHARGE, "claim_id": name} for name in names] + [{**PAID, "claim_id": name} for name in names]
    return claims, bills, [*money, *({**one, "amount_cents": -4_000, "kind": "adjustment"} for one in money[10:])]


@pytest.mark.parametrize(
    ("rows", "listed"),
    [
        pytest.param({"submissions": [BEFORE]}, True, id="bills on file, none of this claim"),
        pytest.param({"submissions": []}, False, id="an office whose bills nobody has"),
        pytest.param({"submissions": [AFTER]}, False, id="bills on file only since it was entered"),
        pytest.param({"submissions": [BEFORE], "transactions": [CHARGE, PAID]}, False, id="an insurer paid on it"),
        pytest.param({"submissions": [BEFORE], "claim_edits": [CHECKED]}, False, id="the clearinghouse had it"),
    ],
)
def test_one_claim(builders_remit, rows, listed):
    rows = {"transactions": [CHARGE], "payer_rules": [{"payer": "aetna", "filing_limit_days": 365}], **rows}
    tables = builders_remit.tables(claims=[{"claim_id": "C1", "entered_on": "2026-09-02"}], **rows)
    assert (delays.holds(tables, as_of=NOVEMBER)["claim_id"].tolist() == ["C1"]) == listed
    assert (time_limits.deadlines(tables, as_of=NOVEMBER)["claim_id"].tolist() == ["C1"]) == listed


@pytest.mark.parametrize(("billed", "listed"), [(9, True), (8, False)])
def test_where_answered_claims_lack_their_bills_nobody_can_tell(builders_remit, billed, listed):
    claims, bills, money = others(billed)
    tables = builders_remit.tables(
        claims=[*claims, {"claim_id": "C1", "entered_on": "2026-09-02"}],
        submissions=[BEFORE, *bills],
        transactions=[CHARGE, *money],
    )
    assert ("C1" in delays.holds(tables, as_of=NOVEMBER)["claim_id"].tolist()) == listed


def test_bills_that_stopped_to_come_in_tell_nothing_any_more(builders_remit):
    """A hundred claims of spring with their bills, and two of September that were paid and have none."""
    spring = [f"S{number}" for number in range(100)]
    claims = [{"claim_id": name, "entered_on": "2026-03-02"} for name in spring]
    claims += [{"claim_id": name, "entered_on": "2026-09-10"} for name in ("A1", "A2", "C1")]
    bills = [{"claim_id": name, "submitted_on": "2026-03-02"} for name in spring]
    money = [{**row, "claim_id": name} for name in (*spring, "A1", "A2") for row in (CHARGE, PAID)]
    tables = builders_remit.tables(claims=claims, submissions=bills, transactions=[CHARGE, *money])
    held = delays.holds(tables, as_of=NOVEMBER)
    assert held[held["hold_reason"] == delays.NEVER_SENT].empty


@pytest.mark.parametrize(
    ("rows", "listed"),
    [
        pytest.param({"submissions": [{"claim_id": "C1", "submitted_on": "2026-09-04"}]}, True, id="bills on file"),
        pytest.param({"submissions": []}, False, id="an office whose bills nobody has"),
        pytest.param(
            {
                "submissions": [{"claim_id": "C1", "submitted_on": "2026-09-04"}],
                "transactions": [CHARGE, {**PAID, "party": "secondary", "posted_on": "2026-11-02"}],
            },
            False,
            id="the second insurer's payment was posted",
        ),
    ],
)
def test_a_second_insurer(builders_remit, rows, listed):
    b = builders_remit
    left = b.clp("C1", b.line(10000, 6000, b.cas("CO", "45", 2000), b.cas("PR", "2", 2000)))
    tables = b.tables(
        left,
        claims=[{"claim_id": "C1", "secondary_payer": "medigap"}],
        **{"transactions": [CHARGE], "payer_rules": [{"payer": "medigap"}], **rows},
    )
    assert (secondary.unaddressed_secondary(tables, as_of=NOVEMBER)["claim_id"].tolist() == ["C1"]) == listed
