"""How long things take in a self-pay programme: what is still open, or ended otherwise, is censored; by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.examples.self_pay import example_self_pay
from rcm_analysis.models.patients.self_pay_survival import default_shares, time_to_default, turnaround
from rcm_analysis.periods import Period

DAY = dt.date(2026, 4, 30)
JANUARY = Period.month("2026-01")


def disputes(*ends):
    """Disputes raised on January 1, settled after so many days, or open."""
    start = pd.Timestamp("2026-01-01")
    frame = pd.DataFrame(
        {"client": "acme", "dispute_id": [f"D{number}" for number in range(len(ends))], "opened_on": start}
    )
    closed = pd.Series(
        [start + pd.Timedelta(days=days) if days is not None else pd.NaT for days in ends], dtype="datetime64[ns]"
    )
    return {"disputes": frame.assign(closed_on=closed)}


@pytest.mark.parametrize(
    ("ends", "median", "of_ended"),
    [
        pytest.param((4, 6, 10), 6, 6, id="all settled: the plain median"),
        pytest.param((4, 6, 10, None, None), 10, 6, id="open ones push it out: half of five is the third, on day 10"),
        pytest.param((4, 6, None, None, None), None, 5, id="less than half settled: no median yet"),
    ],
)
def test_open_cases_count_as_open(ends, median, of_ended):
    found = turnaround(disputes(*ends), "disputes", period=JANUARY, as_of=DAY).iloc[0]
    assert (None if pd.isna(found["median_days"]) else found["median_days"]) == median and found[
        "median_of_ended"
    ] == of_ended
    assert (found["cases"], found["open"]) == (len(ends), ends.count(None))


def plans(*ends):
    """Plans of one instalment of January 31, agreed on January 1: paid (and so completed) on a day, cancelled on a day,
    or never paid."""
    tables, opened, due = example_self_pay(), pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-31")
    rows = [
        {
            "client": "acme",
            "plan_id": f"P{number}",
            "patient": "p",
            "claim_id": "C2",
            "opened_on": opened,
            "amount_cents": 3000,
            "instalments": 1,
            "is_autopay": False,
            "closed_on": pd.Timestamp(on) if on else pd.NaT,
            "outcome": how if how != "open" else None,
        }
        for number, (how, on) in enumerate(ends)
    ]
    parts = [
        {
            "client": "acme",
            "plan_id": f"P{number}",
            "number": 1,
            "agreed_on": opened,
            "due_on": due,
            "amount_cents": 3000,
            "paid_on": pd.Timestamp(on) if how == "completed" else pd.NaT,
            "paid_cents": 3000 if how == "completed" else None,
        }
        for number, (how, on) in enumerate(ends)
    ]
    frame = pd.DataFrame(parts)
    return {
        **tables,
        "payment_plans": pd.DataFrame(rows),
        "plan_instalments": frame.assign(paid_cents=frame["paid_cents"].astype("Int64")),
    }


def test_a_plan_that_ended_otherwise_is_watched_to_its_end_and_no_longer():
    """Unpaid from January 31, a plan breaks on March 3 (day 61). One was cancelled on day 20 and one completed on day
    30: at risk no more."""
    table = time_to_default(
        plans(("open", None), ("open", None), ("cancelled", "2026-01-21"), ("completed", "2026-01-31")),
        as_of=dt.date(2026, 3, 2),
    )
    assert (table["open"] == 1).all(), "nobody has broken on day 60"
    table = time_to_default(
        plans(("open", None), ("completed", "2026-01-31"), ("cancelled", "2026-01-21")), as_of=DAY
    ).set_index("day")
    assert (table.loc[20, "at_risk"], table.loc[21, "at_risk"], table.loc[31, "at_risk"]) == (3, 2, 1)
    assert (table.loc[60, "open"], table.loc[61, "open"]) == (1, 0), (
        "the one still watched broke: the others do not soften it"
    )


def test_shares_are_empty_beyond_the_longest_plan_watched():
    found = default_shares(plans(("open", None), ("completed", "2026-01-31")), as_of=DAY, days=(30, 90, 365)).set_index(
        "day"
    )
    assert found.loc[30, "broken"] == 0 and pd.isna(found.loc[365, "broken"])
