"""Money without a claim: counted on the day of payment, once, whoever posted it."""

from __future__ import annotations

import pandas as pd
import pytest

from rcm_analysis.measures.collections.rates import cash, provider_level_cash
from rcm_analysis.periods import Period

FEBRUARY = Period.month("2026-02")


def remittances(*, posted_cents: int | None, trace: str | None = "T1") -> dict[str, pd.DataFrame]:
    """One check of 150.00 on 28 February: claims 300.00, 150.00 recouped; its file was made in March."""
    day = pd.to_datetime(["2026-02-28"])
    file_day = pd.to_datetime(["2026-03-02"])
    head = {"client": ["acme"], "payer": ["aetna"], "trace": [trace]}
    deposits = pd.DataFrame(
        {**head, "remit_id": ["r"], "paid_cents": [15000], "claims_paid_cents": [30000], "paid_on": day}
    )
    pairs = {"client": ["acme"], "remit_id": ["r"], "reason": ["WO"], "amount_cents": [15000], "received_on": file_day}
    kind, cents = ("charge", 40000) if posted_cents is None else ("payment", -posted_cents)
    posting = {"claim_id": ["1"], "kind": [kind], "party": ["primary"], "amount_cents": [cents], "posted_on": day}
    postings = pd.DataFrame({**head, **posting})
    claims = pd.DataFrame({"client": ["acme"], "claim_id": ["1"], "payer": ["aetna"], "provider": ["dr a"]})
    return {
        "deposits": deposits,
        "provider_adjustments": pd.DataFrame(pairs),
        "transactions": postings,
        "claims": claims,
    }


@pytest.mark.parametrize(
    ("posted", "trace", "provider_level"),
    [
        pytest.param(30000, "T1", -15000, id="the claims were posted: the recoupment is in no posting"),
        pytest.param(15000, "T1", 0, id="the deposit was posted: the recoupment is in the postings"),
        pytest.param(14999, "T1", -15000, id="neither: what was withheld was withheld"),
        pytest.param(None, "T1", -15000, id="nothing is posted yet"),
        pytest.param(15000, None, -15000, id="a check without a number is never matched by chance"),
    ],
)
def test_a_recoupment_counts_once(posted, trace, provider_level, engine, as_engine):
    tables = as_engine(remittances(posted_cents=posted, trace=trace), engine)
    found = cash(tables, period=FEBRUARY).iloc[0]
    assert found["provider_level_cents"] == provider_level
    assert found["cash_cents"] == (posted or 0) + provider_level


def test_the_day_of_payment_counts_and_not_that_of_the_file():
    tables = remittances(posted_cents=30000)
    assert provider_level_cash(tables, period=Period.month("2026-03"))["provider_level_cents"].tolist() == [0]
    tables["deposits"]["paid_on"] = pd.NaT
    assert provider_level_cash(tables, period=Period.month("2026-03"))["provider_level_cents"].tolist() == [-15000]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (["payer"], {"aetna": 15000}),
        (["month"], {pd.Timestamp("2026-02-01"): 15000}),
        (["provider"], {"dr a": 30000, "(none)": -15000}),
    ],
)
def test_by_payer_and_month_it_stands_with_the_postings_and_else_alone(by, groups):
    found = cash(remittances(posted_cents=30000), period=FEBRUARY, by=by)
    assert dict(zip(found[by[0]], found["cash_cents"], strict=True)) == groups


def test_each_kind_is_told_apart():
    tables = remittances(posted_cents=30000)
    found = provider_level_cash(tables, period=FEBRUARY, by=["reason"])
    assert found.to_dict("records") == [{"reason": "WO", "provider_level_cents": -15000}]


def test_without_remittances_there_is_none():
    tables = {
        name: frame for name, frame in remittances(posted_cents=30000).items() if name in ("transactions", "claims")
    }
    assert cash(tables, period=FEBRUARY, by=["payer"])["cash_cents"].tolist() == [30000]
