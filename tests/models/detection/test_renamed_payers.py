"""Payers that go on under another name: found by their patients, and nothing else taken for one."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.models.detection.renamed_payers import renamed_payers

AS_OF = dt.date(2026, 10, 31)


def answers(*spans):
    """One answer a week in each span, on the day of service: (payer, first day, last day, patients from, to)."""
    rows = [
        (f"{payer}{day:%m%d}", payer, day, f"p{low + number % (high - low)}")
        for payer, first, last, low, high in spans
        for number, day in enumerate(pd.date_range(first, last, freq="7D"))
    ]
    frame = pd.DataFrame(rows, columns=["claim_id", "payer", "received_on", "patient"]).assign(client="acme")
    frame["service_on"] = frame["received_on"] = frame["received_on"].astype("datetime64[us]")
    return {
        "remit_claims": frame.drop(columns=["patient", "service_on"]).assign(payer_order="primary"),
        "claims": frame[["client", "claim_id", "patient", "service_on"]],
    }


STEADY = ("medicare", "2026-01-02", "2026-10-30", 100, 120)
OLD = ("summit", "2026-01-02", "2026-05-29", 0, 10)
NEW = ("summit plus", "2026-06-05", "2026-10-30", 0, 10)


@pytest.mark.parametrize(
    ("spans", "pairs"),
    [
        pytest.param([STEADY, OLD, NEW], [("summit", "summit plus")], id="one stops, one begins, the same patients"),
        pytest.param([STEADY, OLD, (*NEW[:3], 50, 60)], [], id="other patients"),
        pytest.param([STEADY, (*OLD[:2], "2026-10-30", 0, 10), NEW], [], id="the old one goes on"),
        pytest.param([STEADY, OLD, ("late", "2026-08-28", "2026-10-30", 0, 10)], [], id="three months between them"),
        pytest.param([STEADY, OLD], [], id="one that stops"),
        pytest.param(
            [STEADY, OLD, ("medicare", "2026-06-03", "2026-10-30", 0, 10)],
            [("summit", "medicare")],
            id="merged into one that was there before",
        ),
        pytest.param(
            [STEADY, OLD, ("medicare", "2026-06-03", "2026-10-30", 0, 7), ("aid", "2026-06-03", "2026-10-30", 7, 10)],
            [],
            id="some went there, some elsewhere",
        ),
        pytest.param(
            [STEADY, ("rare", "2025-01-02", "2026-01-02", 0, 53), ("medicare", "2026-01-20", "2026-10-30", 0, 10)],
            [("rare", "medicare")],
            id="silent for much longer than it ever was",
        ),
        pytest.param([], [], id="no answer at all"),
    ],
)
def test_pairs(spans, pairs):
    found = renamed_payers(answers(*spans), as_of=AS_OF)
    assert list(zip(found["old_payer"], found["new_payer"], strict=True)) == pairs
    if pairs:
        assert found["shared_share"].tolist() == [1.0] and found["patients"].tolist() == [10]
