"""The scores of self-pay: what counts as found, what as a false alarm, and a small company scored from its raw
files."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

from rcm_analysis import open_workspace, simulate
from rcm_analysis.periods import Period
from rcm_analysis.scoreboard.run import case_of
from rcm_analysis.scoreboard.scores import self_pay as scores

LAST = dt.date(2026, 10, 31)


def case(**planted):
    """A client in which records were planted: kind = records; contact I1 is about claim C1, and so on."""
    rows = [(kind, record, LAST) for kind, records in planted.items() for record in records]
    frame = pl.DataFrame(rows, schema={"plant": pl.String, "claim_id": pl.String, "known_on": pl.Date}, orient="row")
    contacts = pl.DataFrame({"interaction_id": ["I1", "I2", "I3"], "claim_id": ["C1", "C2", "C3"]})
    known = {
        "interactions": contacts.lazy(),
        **{
            name: pl.LazyFrame(schema={key: pl.String, "claim_id": pl.String})
            for name, key in (("statements", "statement_id"), ("payment_attempts", "attempt_id"))
        },
    }
    return SimpleNamespace(
        client="acme",
        known=known,
        period=Period.month("2026-10"),
        truth=SimpleNamespace(rows=frame),
        plant_rows=lambda *kinds: pl.DataFrame(
            {"plant": [kind for kind in planted if kind in kinds]}, schema={"plant": pl.String}
        ),
    )


def told(tallies):
    return {tally.figure: (tally.numerator, tally.denominator) for tally in tallies}


@pytest.mark.parametrize(
    ("planted", "found", "expected"),
    [
        pytest.param(
            {"calls_outside_window": ["I1"]},
            [("call_window", "I1", "C1")],
            {"recall": (1, 1), "precision": (1, 1)},
            id="found",
        ),
        pytest.param({"calls_outside_window": ["I1"]}, [], {"recall": (0, 1)}, id="missed"),
        pytest.param(
            {"calls_outside_window": ["I1"]},
            [("call_window", "I2", "C2")],
            {"recall": (0, 1), "precision": (0, 1)},
            id="another record is a false alarm",
        ),
        pytest.param(
            {"calls_outside_window": ["I1"]},
            [("disclosure_given", "I1", "C1")],
            {"recall": (0, 1), "precision": (1, 1)},
            id="another rule on the same record finds nothing, and is none",
        ),
        pytest.param(
            {"too_many_calls": ["I1"]},
            [("calls_in_seven_days", "I9", "C1")],
            {"recall": (1, 1), "precision": (1, 1)},
            id="found on the account",
        ),
        pytest.param(
            {"unapproved_write_offs": ["C1", "C2"]},
            [("write_off_approval", "T1", "C1")],
            {"recall": (1, 2), "precision": (1, 1)},
            id="one of two accounts",
        ),
        pytest.param({}, [("call_window", "I1", "C1")], {"precision": (0, 1)}, id="nothing was planted"),
    ],
)
def test_breaches_are_judged_record_by_record(planted, found, expected):
    assert told(scores._judged(case(**planted), found)) == expected


@pytest.mark.slow
def test_a_small_company_is_scored_without_a_miss_or_a_false_alarm(tmp_path):
    simulate.write_company(tmp_path, clients=["chicago-med", "st-elsewhere"], months=14, scale=0.2)
    open_workspace(tmp_path).pseudonym_key()
    for client in ("chicago-med", "st-elsewhere"):
        one = case_of(tmp_path, client)
        found = [tally for scorer in scores.SCORERS for tally in scorer(one)]
        exact = [tally for tally in found if tally.figure in ("recall", "precision")]
        assert len(exact) >= 2 and all(tally.numerator == tally.denominator for tally in exact)
        # One coordinator's ordinary lapses are few and vary; over many clients the error is far smaller.
        assert all(tally.numerator <= 0.1 * tally.denominator for tally in found if tally.figure == "dollar error")
