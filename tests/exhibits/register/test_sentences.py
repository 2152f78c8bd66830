"""Sentences that were once false or too sure, each right by its kind: told from rows, so that any client's are."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from rcm_analysis.exhibits.register import causes, claims
from rcm_analysis.exhibits.register.action import EXPECTED

DAY = pd.Timestamp


def step(basis, change, cents):
    return {
        **{"payer": "acme", "procedure": "99213", "basis": basis, "change_share": change, "effect_cents": cents},
        **{"changed_on": DAY("2026-07-28"), "lines": 12, "appealable_cents": max(0, -cents)},
        "appeal_by": DAY("2026-12-01"),
    }


@pytest.mark.parametrize(
    ("basis", "change", "kind", "said", "unsaid"),
    [
        ("inferred", -0.12, "price_or_short", "ask for the contract", "no underpayment"),
        ("inferred", 0.05, "new_prices", "ask for the new contract", "no underpayment"),
        ("contract", -0.12, "new_prices", "these prices are agreed", "can be appealed"),
    ],
)
def test_only_a_price_of_the_schedule_is_called_no_underpayment(acorn, basis, change, kind, said, unsaid):
    rows = pd.DataFrame([step(basis, change, round(change * 63_000))])
    facts = SimpleNamespace(subject=acorn, new_prices=rows)
    (found,) = causes.prices(facts)
    action = found.tell(pd.DataFrame())
    words = f"{action.title} {action.text} {action.detail}"
    assert found.kind == kind and said in words and unsaid not in words
    if kind == "price_or_short":
        assert found.cents == 7560 and "$76 can be appealed, the first of it until Dec 1, 2026" in words


def test_a_question_whose_claim_nobody_can_file_any_more_is_not_asked(acorn):
    rows = pd.DataFrame(
        {
            **{"claim_id": ["A", "B", "C"], "is_open": True, "hold_reason": "documents"},
            **{"asked_on": [DAY("2026-09-01")] * 3, "days_open": [60, 60, 60], "open_cents": [10000, 20000, 40000]},
        }
    )
    facts = SimpleNamespace(subject=acorn, requests=rows, lapsed={"C"}, holds_risen=pd.DataFrame())
    (found,) = claims.questions(facts)
    assert found.rows["cents"].sum() == 30000
    action = found.tell(found.rows)
    assert action.title == "Send what 2 claims wait for" and "3 " not in action.why
    assert "1 more question ($400) came too late" in action.detail
    assert not claims.questions(SimpleNamespace(requests=rows, lapsed={"A", "B", "C"}))


def test_old_balances_are_told_at_the_cash_expected_of_them(acorn):
    rows = pd.DataFrame({"claim_id": ["A"], "payer": ["acme"], "open_cents": [11_949_900], "cents": [920_100]})
    action = claims._aged_told(SimpleNamespace(subject=acorn), rows)
    assert action.basis == EXPECTED and "$119,499 is owed" in action.why
    assert action.severity == causes.severity_of(920_100, acorn)


def test_the_rate_of_a_cause_is_that_since_its_day_and_the_rate_before_is_the_one_seen():
    row = {"rate_since_onset": 0.271, "usual_rate": 0.031, "observed_rate": 0.022}
    assert causes.rate_words(row) == (
        "Since then 27.1% of the lines were denied, before it was 2.2% (3.1% is taken as usual, as in similar ones)"
    )
    life = {"onset_on": DAY("2026-07-28"), "state": "continuing", "told_as": "", "first_told": "2026-08"}
    words = causes.life_words({**life, "month_cents": 162_800, "since_told_cents": 660_900})
    assert words == (
        "Goes on: began around Jul 28, 2026, first told in August 2026; $1,628 of it in the last month, $6,609 since "
        "it was first told."
    )
