"""Rates that were always high, beside peers at the same work."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from rcm_analysis.models.detection import standing_rates as standing

AS_OF = dt.date(2026, 12, 31)


def lines(rate, *, each=20, seed=1, payers=("summit", "lakeshore")):
    """One-line claims of a year at two sites and two payers; `rate(site, payer, month)` is denied for documentation."""
    rng = np.random.default_rng(seed)
    rows = [
        (site, payer, month, rng.random() < rate(site, payer, month))
        for month in pd.period_range("2026-01", "2026-12", freq="M")
        for site in ("North", "South")
        for payer in payers
        for _ in range(each)
    ]
    frame = pd.DataFrame(rows, columns=["location", "payer", "month", "denied"])
    return frame.assign(
        client="acme",
        claim_id=[f"C{number}" for number in range(len(frame))],
        line_number=1,
        family="visits",
        provider="Lee",
        category=np.where(frame["denied"], "documentation", None),
        expected_cents=10_000.0,
    )


@pytest.fixture
def found(monkeypatch):
    def of(rate, **how):
        monkeypatch.setattr(standing, "expected_lines", lambda tables, *, as_of: lines(rate, **how))
        return standing.standing_rates({}, as_of=AS_OF)

    return of


def test_a_site_that_always_denies_more_is_told_with_its_peers_rate(found):
    rows = found(lambda site, payer, month: 0.15 if site == "South" else 0.03)
    assert rows[["level", "name", "category"]].values.tolist() == [["location", "South", "documentation"]]
    row = rows.iloc[0]
    assert row["claims"] == 480 and row["peers_rate"] == pytest.approx(0.03, abs=0.015)
    assert row["ratio"] == pytest.approx(row["denied_claims"] / row["expected"])
    assert row["excess_cents"] == pytest.approx((row["denied_claims"] - row["expected"]) * 10_000, abs=1)


@pytest.mark.parametrize(
    "rate",
    [
        pytest.param(lambda site, payer, month: 0.05, id="all alike"),
        pytest.param(lambda site, payer, month: 0.15 if payer == "summit" else 0.15, id="both payers are high"),
        pytest.param(
            lambda site, payer, month: 0.3 if site == "South" and month.month > 6 else 0.03,
            id="only since July: a rise",
        ),
    ],
)
def test_what_is_no_standing_rate(found, rate):
    assert found(rate).empty


def test_a_site_is_compared_at_the_same_work(monkeypatch):
    """South sees Summit alone, which denies much everywhere: its own rate is high, and its peers' is as well."""
    whole = lines(lambda site, payer, month: 0.2 if payer == "summit" else 0.02, each=30)
    south = whole[(whole["location"] == "North") | (whole["payer"] == "summit")]
    monkeypatch.setattr(standing, "expected_lines", lambda tables, *, as_of: south)
    assert "location" not in set(standing.standing_rates({}, as_of=AS_OF)["level"])
