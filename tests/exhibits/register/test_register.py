"""The register: every claim in one action, the same in every view, carried over, and changed by people."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.self_pay_programme import programme
from rcm_analysis.exhibits.ar_deep_dive import findings
from rcm_analysis.exhibits.ar_deep_dive.facts import Facts as DeepFacts
from rcm_analysis.exhibits.ar_weekly_review import decisions
from rcm_analysis.exhibits.ar_weekly_review.facts import Facts as WeekFacts
from rcm_analysis.exhibits.client_review import asks
from rcm_analysis.exhibits.register import causes, months, sheet
from rcm_analysis.exhibits.register.action import MOST_HIGH, Action, Found, graded, settle, spread
from rcm_analysis.exhibits.self_pay_review.facts import Facts as SelfPay
from rcm_analysis.tables.derived import Shelf
from rcm_analysis.tables.schema import ACTION_CHANGES
from rcm_analysis.tables.store import Tables

DAY = dt.date(2026, 11, 14)
CLAIM = st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9_999))


def told(rows: pd.DataFrame) -> Action:
    return Action(f"Work {len(rows)}", "why", "us", DAY, severity="high")


def look(number: int, claims: list[tuple[str, int]]) -> Found:
    return Found(f"k{number}", told, pd.DataFrame(claims, columns=["claim_id", "cents"]))


@given(st.lists(st.lists(CLAIM, max_size=6), max_size=6))
def test_a_claim_is_in_one_action_with_all_its_dollars(looks):
    found = [look(number, claims) for number, claims in enumerate(looks)]
    actions = settle(found)
    every = [claim for one in actions for claim in one.claims]
    assert len(every) == len(set(every))
    for one in actions:
        assert one.amount_cents == sum(one.claims.values()) > 0
    first = {}
    for number, claims in enumerate(looks):
        fresh = [claim for claim, _ in claims if claim not in first]
        if sum(cents for claim, cents in claims if claim not in first) > 0:
            first |= dict.fromkeys(fresh, f"k{number}")
    assert {claim: one.kind for one in actions for claim in one.claims} == first


@given(st.lists(st.sampled_from(["high", "medium", "low"]), max_size=9))
def test_at_most_three_are_high_and_a_cause_stands_first(severities):
    actions = [
        replace(told(pd.DataFrame()), kind="denials" if number == 4 else "k", key=str(number), severity=severity)
        for number, severity in enumerate(severities)
    ]
    out = graded(actions)
    assert sum(one.severity == "high" for one in out) == min(MOST_HIGH, severities.count("high"))
    assert {one.action_id for one in out} == {one.action_id for one in actions}
    assert len(severities) < 5 or out[0].kind == "denials"


def test_two_of_one_name_keep_apart():
    twice = [replace(look(1, [(claim, 5)]), kind="same", key="x") for claim in "ab"]
    assert [one.action_id for one in settle(twice)] == ["same:x", "same:x-2"]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=9), st.integers(0, 10**7))
def test_dollars_spread_over_claims_add_up(weights, cents):
    parts = spread(pd.Series(weights), cents)
    assert parts.sum() == cents and (parts >= 0).all()


@pytest.fixture(scope="module")
def actions(acorn) -> dict[str, Action]:
    return {one.action_id: one for one in months.register(acorn)}


def test_the_claims_of_the_register_are_disjoint(actions):
    every = [claim for one in actions.values() for claim in one.claims]
    assert len(every) == len(set(every)) > 0
    assert all(sum(one.claims.values()) == one.amount_cents for one in actions.values() if one.claims)
    assert sum(one.severity == "high" for one in actions.values()) <= MOST_HIGH


def test_every_view_shows_the_register(acorn, actions):
    def same(title: str, cents: int | None, owner: str, due: str) -> bool:
        return any(
            (one.title, one.amount_cents, one.owner.casefold(), one.due.isoformat())
            == (title, cents, owner.casefold(), due)
            for one in actions.values()
        )

    cards = [one.as_finding() for one in findings.found(DeepFacts(acorn))]
    assert cards and all(same(one.title, one.amount_cents, one.owner, one.due) for one in cards)
    asked, printed = asks.asks(acorn), asks.asks_table(acorn)[0]
    assert 0 < len(printed.rows) <= asks.MOST
    for row, one in zip(printed.rows, asked, strict=False):
        assert row[1] == one.text and same(one.title, row[2], row[3], row[4])
    week = WeekFacts(acorn)
    rows = decisions.decisions(week)[0].rows[: len(decisions.needed(week))]
    assert len(rows) >= len(asked) and all(same(row[0], row[2], row[3], row[4]) for row in rows)
    assert [row[0] for row in rows[: len(asked)]] == [one.title for one in asked], "decisions are the packet's asks"


def test_the_list_behind_each_ask_adds_up_to_it(acorn):
    table, listed = asks.asks_table(acorn)
    cents = [column.name for column in listed.columns].index("cents")
    for behind in table.behind:
        number = behind.where[0].removeprefix("ask=")
        assert sum(row[cents] for row in listed.rows if row[0] == number) == behind.cents == table.rows[behind.row][2]


def test_within_a_month_the_register_is_that_of_the_close_before(acorn):
    september = months.close_before(acorn)
    midst = september.at_close(acorn.period.shift(-1))
    later = replace(acorn, as_of=dt.date(2026, 10, 16), tables=acorn.at_close(acorn.period).tables, _frames={})
    assert [one.action_id for one in months.register(later)] == [one.action_id for one in months.found_at(midst)]


def test_what_came_of_the_month_before_ties(acorn):
    came = months.came_of(acorn)
    assert came
    for one in came:
        if one.moves:
            moves = one.moves
            left = moves["opening_cents"] + moves["charged_cents"] - moves["collected_cents"] - moves["adjusted_cents"]
            left += moves["credit_cents"] - moves["written_off_cents"] - moves["transferred_cents"]
            assert left == moves["open_cents"]
        assert one.state in sheet.STATES


def changed(acorn, **cells):
    """The client with one change of the questions action."""
    row = dict.fromkeys(ACTION_CHANGES.names) | {
        "client": acorn.client.client,
        "change_id": "1",
        "action_id": "questions",
        "changed_on": dt.date(2026, 10, 20),
        "changed_by": "kim",
    }
    rows = pl.DataFrame([row | cells], schema=ACTION_CHANGES.polars)
    return replace(acorn, tables={**acorn.tables, "action_changes": rows.lazy()}, _frames={})


def test_what_people_change_holds_from_its_day_on(acorn, actions):
    given = {"owner": "Dana", "due_on": dt.date(2026, 12, 1), "remark": "called"}
    found = {one.action_id: one for one in months.register(changed(acorn, **given))}["questions"]
    assert (found.owner, found.due, found.remark) == ("Dana", dt.date(2026, 12, 1), "called")
    assert found.amount_cents == actions["questions"].amount_cents
    later = changed(acorn, changed_on=dt.date(2026, 11, 3), **given)
    assert {one.action_id: one for one in months.register(later)}["questions"].owner == actions["questions"].owner


@pytest.mark.parametrize(
    ("status", "day", "stands"),
    [
        pytest.param("done", dt.date(2026, 10, 20), False, id="done this month"),
        pytest.param("done", dt.date(2026, 9, 20), True, id="done over a month ago and still found"),
        pytest.param("dropped", dt.date(2026, 9, 20), False, id="dropped for good"),
    ],
)
def test_what_is_done_or_dropped_leaves_the_pages(acorn, status, day, stands):
    subject = changed(acorn, status=status, changed_on=day, outcome="sent by fax")
    assert ("questions" in {one.action_id for one in months.register(subject)}) == stands
    rows = sheet.action_register(subject)
    assert any(row[0] == "questions" for row in rows.rows), "the sheet keeps it"
    if not stands:
        assert "sent by fax" in json.dumps(rows.payload)


def test_a_services_review_shows_its_part_of_the_one_register(acorn):
    """Bought or not yet, the review's actions are those of the register, and no account is in two of them."""
    own = programme(acorn)
    bought = replace(own, client=replace(own.client, services=("claims", "self_pay")), _frames={})
    whole, page = months.whole_register(bought), months.actions_of(SelfPay(own), "self_pay")
    mine = [one for one in whole if one.service == "self_pay"]
    assert len(mine) > 3 and [one.action_id for one in mine] == [one.action_id for one in page]
    assert [(one.amount_cents, one.owner, one.due) for one in mine] == [
        (one.amount_cents, one.owner, one.due) for one in page
    ]
    claims = [claim for one in whole for claim in one.claims]
    assert len(claims) == len(set(claims)) and all(
        one.amount_cents == sum(one.claims.values()) for one in whole if one.claims
    )
    assert {one.service for one in months.register(bought, "claims")} == {"claims"}
    assert not any(one.service == "self_pay" for one in asks.asks(bought))


@pytest.mark.parametrize(
    ("kind", "brought", "said"),
    [
        ("appeal_limit", {}, ""),
        ("appeal_limit", {"worked": 0}, ""),
        ("appeal_limit", {"worked": 9, "brought_cents": pd.NA}, "work on 9 claims: too few to say what that brought"),
        (
            "appeal_limit",
            {"worked": 20, "brought_cents": 70_000, "low_cents": 21_900, "high_cents": 118_100},
            "work on 20 claims brought about $700 ($219 to $1,181, nine times out of ten)",
        ),
        (
            "appeal_limit",
            {"worked": 20, "brought_cents": 70_000, "low_cents": -100, "high_cents": 118_100},
            "work on 20 claims: no gain that stands out from chance (($1) to $1,181)",
        ),
        (
            "appeal_limit",
            {"worked": 20, "brought_cents": -70_000, "low_cents": -90_000, "high_cents": -100},
            "work on 20 claims: others like them brought more by themselves, so that nothing is shown (($900) to ($1))",
        ),
        (
            "denials",
            {"worked": 100},
            "fewer such denials since it was first asked, beside the others: too few to say what that brought",
        ),
    ],
)
def test_what_an_action_brought_is_said_no_surer_than_it_is(actions, kind, brought, said):
    action = replace(next(iter(actions.values())), kind=kind)
    assert months.CameOf(action, None, {}, brought, DAY).verdict == said


def test_every_action_of_the_month_before_has_its_estimate(acorn):
    found = [one for one in months.came_of(acorn) if one.action.claims]
    assert found and all({"worked", "compared", "untouched"} <= set(one.brought) for one in found)
    assert "What it brought" in [column.title for column in sheet.action_register(acorn).columns]


def test_a_register_is_worked_out_once_for_all_that_it_is_told_from(acorn, actions, tmp_path, monkeypatch):
    """A later report reads it as it was; other settings, or other rows set aside, are another register."""

    def asked(**changed):
        tables = Tables(dict(acorn.tables), acorn.as_of, Shelf(tmp_path / "derived", "state")).in_memory()
        found = months.found_at(replace(acorn, tables=tables, _frames={}, **changed))
        tables.save()
        return found

    monkeypatch.setattr(months, "_stand", lambda close, last: pytest.fail("asked again"), raising=True)
    with pytest.raises(pytest.fail.Exception):
        asked()
    monkeypatch.undo()
    first = asked()
    assert first == months.found_at(acorn)
    monkeypatch.setattr(months, "_stand", lambda close, last: pytest.fail("asked again"))
    assert asked() == first
    aside = pd.DataFrame({"file": ["a.csv"], "rule": ["missing"]})
    for changed in ({"client": replace(acorn.client, revenue_cents=1)}, {"quarantine": aside}):
        with pytest.raises(pytest.fail.Exception):
            asked(**changed)


@pytest.mark.parametrize(
    ("day", "is_open", "found"),
    [
        pytest.param("2026-12-01", True, 1, id="in time"),
        pytest.param("2026-01-01", False, 0, id="over"),
        pytest.param(None, False, 1, id="no limit is on file"),
    ],
)
def test_what_was_taken_back_or_recoded_is_asked_for_unless_its_limit_is_known_to_be_over(day, is_open, found):
    until = pd.Timestamp(day) if day else pd.NaT
    taken = {"claim_id": "1", "payer": "p", "amount_cents": 500, "repaid_cents": 100}
    taken |= {"is_disputable": is_open, "dispute_by": until}
    coded = {"claim_id": "2", "payer": "p", "lost_cents": 300, "is_appealable": is_open, "appeal_by": until}
    facts = SimpleNamespace(takebacks=pd.DataFrame([taken]), recoded_lines=pd.DataFrame([coded]))
    assert [len(causes.takebacks(facts)), len(causes.recodes(facts))] == [found, found]
