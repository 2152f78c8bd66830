"""A change of mix in the deep dive: when it is a finding, what it says, and the sheet behind it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from rcm_analysis.exhibits.ar_deep_dive import answers as findings
from rcm_analysis.exhibits.ar_deep_dive import mixes
from rcm_analysis.exhibits.ar_deep_dive.facts import Facts
from rcm_analysis.exhibits.register import causes
from rcm_analysis.exhibits.register.action import settle
from rcm_analysis.models.detection.mixes import COLUMNS

MOVED = {
    "client": "acorn",
    "figure": "denials",
    "first_month": "2026-08",
    "last_month": "2026-10",
    "usual": 0.175,
    "now": 0.25,
    "expected": 0.25,
    "change": 0.075,
    "mix_change": 0.075,
    "rest_change": 0.0,
    "verdict": "mix",
    "payer": "harbor",
    "family": "visits",
    "share_before": 0.5,
    "share_now": 0.8,
    "its_rate": 0.3,
}


def facts_of(subject, **changed) -> Facts:
    """The deep facts of a client whose figure moved so; what is told from them is kept with no other test's tables."""
    facts = Facts(replace(subject, tables=dict(subject.tables)))
    facts.__dict__["mix_shifts"] = pd.DataFrame([MOVED | changed], columns=list(COLUMNS))
    return facts


CASES = [
    pytest.param(
        {}, "Share of lines denied rose with the mix", "there is nothing to appeal", id="more denials, all by the mix"
    ),
    pytest.param(
        {"verdict": "both", "now": 0.3, "change": 0.125},
        "Share of lines denied rose in part with the mix",
        "see the other findings",
        id="a part is not the mix",
    ),
    pytest.param(
        {"figure": "collections", "usual": 0.5, "now": 0.4, "expected": 0.4, "change": -0.1},
        "Share of charges allowed fell with the mix",
        "nothing to appeal",
        id="less is allowed",
    ),
    pytest.param({"verdict": "rate"}, None, None, id="no change of mix: the systemic denials say it"),
    pytest.param({"verdict": "steady"}, None, None, id="steady"),
    pytest.param({"change": -0.075}, None, None, id="fewer denials are no finding"),
]


@pytest.mark.parametrize(("changed", "title", "said"), CASES)
def test_a_change_of_mix_is_named_and_told_from_a_cause(acorn, changed, title, said):
    items = [one.as_finding() for one in settle(causes.mixes(facts_of(acorn, **changed)))]
    assert [item.title.startswith(title) for item in items] == ([True] if title else [])
    if title:
        detail = items[0].detail
        assert (
            said in detail
            and "from 50.0% to 80.0% of the work" in detail
            and "30.0%" in detail
            and detail.endswith("Sheet: Mix.")
        )
        assert items[0].severity == "low" and items[0].amount_cents is None


def test_the_finding_stands_among_the_findings_and_its_sheet_in_the_workbook(acorn):
    facts = facts_of(acorn)
    assert any("mix of payers" in item.title for item in findings.found(facts))
    table = mixes.table(facts)[0].payload
    assert table["name"] == "mix" and not table["print"] and table["rows"][0][1:4] == [0.175, 0.25, 0.25]
    facts.__dict__["mix_shifts"] = pd.DataFrame(columns=list(COLUMNS))
    assert mixes.table(facts) == []
