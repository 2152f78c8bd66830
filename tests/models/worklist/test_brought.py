"""What work brought: by hand on forty claims, no effect where there is none, and nothing said of a few."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from rcm_analysis.models.worklist import brought
from rcm_analysis.models.worklist.brought import prevention_brought, work_brought

LISTED, AS_OF = dt.date(2026, 6, 30), dt.date(2026, 7, 31)
DAY = pd.Timestamp


def book(worked: list[int | None], came: list[tuple[int, int] | None], *, payer="p", cents=10000):
    """Claims of $100.00 denied in May; `worked` on these days of July, and (day, cents) that came then."""
    ids = [f"{payer}{number:04}" for number in range(len(worked))]
    posted = [(one, "charge", cents, DAY(2026, 5, 20)) for one in ids]
    posted += [(one, "payment", -paid[1], DAY(2026, 7, paid[0])) for one, paid in zip(ids, came, strict=True) if paid]
    rows = {
        "transactions": pd.DataFrame(posted, columns=["claim_id", "kind", "amount_cents", "posted_on"]).assign(
            party="primary"
        ),
        "work_log": pd.DataFrame(
            [(one, DAY(2026, 7, day)) for one, day in zip(ids, worked, strict=True) if day],
            columns=["claim_id", "worked_on"],
        ).astype({"claim_id": "str", "worked_on": "datetime64[us]"}),
    }
    rows["work_log"]["entered_on"] = rows["work_log"]["worked_on"]
    items = {"party": "primary", "payer": payer, "status": "denied", "category": "authorization", "age_days": 41}
    rows["items"] = pd.DataFrame({"claim_id": ids, **items})
    return {name: frame.assign(client="acme") for name, frame in rows.items()}, ids


def told(tables, ids, **more):
    return work_brought(tables, tables["items"], {"appeals": ids}, listed=LISTED, as_of=AS_OF, **more).iloc[0]


def test_by_hand():
    """Of twenty worked on July 6, twelve pay $100; of twenty untouched five do: 1,200 - 20 x 25."""
    worked = [6] * 20 + [None] * 20
    came = [(20, 10000)] * 12 + [None] * 8 + [(15, 10000)] * 5 + [None] * 15
    tables, ids = book(worked, came)
    row = told(tables, ids[:20])
    assert row[["worked", "compared", "untouched"]].tolist() == [20, 20, 20]
    assert row[["came_cents", "usual_cents", "brought_cents"]].tolist() == [120000, 50000, 70000]
    # two rates of 0.60 and 0.25 of twenty: standard error 0.146 of 2,000 dollars, by 1.645
    assert 15000 < row["low_cents"] < 35000 and 105000 < row["high_cents"] < 125000
    doubled, _ = book(worked, [one and (one[0], 20000) for one in came], cents=20000)
    twice = told(doubled, ids[:20])[["brought_cents", "low_cents"]].tolist()
    assert twice == pytest.approx([140000, 2 * row["low_cents"]], abs=2)


def test_cash_before_the_work_is_no_result_of_it_and_paid_claims_are_no_comparison():
    worked = [20] * 12 + [None] * 24
    came = [(10, 4000)] * 12 + [(10, 10000)] * 12 + [(25, 5000)] * 12
    tables, ids = book(worked, came)
    row = told(tables, ids[:12])
    assert row[["came_cents", "untouched", "brought_cents"]].tolist() == [0, 12, -36000]


@pytest.mark.parametrize(("worked", "untouched"), [(9, 30), (30, 9)])
def test_of_a_few_nothing_is_said(worked, untouched):
    tables, ids = book([6] * worked + [None] * untouched, [(20, 10000)] * (worked + untouched))
    row = told(tables, ids[:worked])
    assert row["worked"] == worked and row[["brought_cents", "low_cents", "high_cents"]].isna().all()


@pytest.mark.parametrize(
    ("other", "compared"),
    [({}, 15), ({"payer": "q"}, 0), ({"status": "held"}, 0), ({"category": None}, 0), ({"age_days": 61}, 0)],
)
def test_only_claims_alike_are_a_comparison(other, compared):
    tables, ids = book([6] * 15 + [None] * 15, [(20, 10000)] * 30)
    for name, value in other.items():
        tables["items"].loc[15:, name] = value
    assert told(tables, ids[:15])["compared"] == compared


def test_where_work_changes_nothing_the_interval_says_so():
    """Sixty draws of forty worked and sixty untouched claims that pay alike: nine of ten intervals hold zero."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(60):
        came = [(20, 10000) if paid else None for paid in rng.random(100) < 0.4]
        tables, ids = book([6] * 40 + [None] * 60, came)
        row = told(tables, ids[:40])
        held += row["low_cents"] <= 0 <= row["high_cents"]
    assert 47 <= held <= 60


FINDING = {"category": "authorization", "level": "location", "location": "East", "onset_on": DAY(2026, 5, 1)}
FINDING |= {"payer": "", "provider": "", "procedures": ""}


def lines(before, since, others_before, others_since):
    """Decided lines: (denied, all) at East and elsewhere, before June 30 and of services after it; $50.00 each."""
    parts = []
    spans = [(before, "East", 5), (since, "East", 7), (others_before, "West", 5), (others_since, "West", 7)]
    for (denied, size), place, month in spans:
        day = DAY(2026, month, 10)
        part = pd.DataFrame({"location": place, "category": ["authorization"] * denied + [None] * (size - denied)})
        parts.append(part.assign(service_on=day, received_on=day, expected_cents=5000))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param(((40, 100), (10, 100), (20, 200), (20, 200)), 150000, id="30 of 100 lines fewer, at $50"),
        pytest.param(((40, 100), (10, 100), (20, 200), (5, 200)), 0, id="it fell everywhere alike"),
        pytest.param(((40, 100), (40, 100), (20, 200), (20, 200)), 0, id="nothing changed"),
        pytest.param(((40, 100), (1, 9), (20, 200), (20, 200)), None, id="too few since"),
        pytest.param(((40, 100), (10, 100), (0, 200), (0, 200)), None, id="nobody else is denied for it"),
    ],
)
def test_fewer_denials_beside_the_others(monkeypatch, counts, expected):
    monkeypatch.setattr(brought, "expected_lines", lambda tables, as_of: lines(*counts))
    found = prevention_brought({}, FINDING, told=LISTED, as_of=AS_OF)
    assert found.get("brought_cents") == expected
    if expected is not None:
        assert found["low_cents"] < found["brought_cents"] < found["high_cents"]
        assert (found["low_cents"] > 0) == (expected > 0)
