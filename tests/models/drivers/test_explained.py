"""Why a printed figure moved: its account ties to the measure, and its sentences read well at the edges."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.errors import ParameterError
from rcm_analysis.examples.remittances import example_tables
from rcm_analysis.exhibits.register.why import why_sentences
from rcm_analysis.measures.denials.rates import initial_denial_rate_dollars_remitted
from rcm_analysis.models.drivers.explained import Seed, Why, why
from rcm_analysis.models.drivers.search import Account, Driver
from rcm_analysis.periods import Period

OLD = dt.date(2026, 1, 5)
OCTOBER = Period.month("2026-10")
QUARTER = OCTOBER.trailing(3)
BEFORE, NOW = "in May through July 2026", "in August through October 2026"


@pytest.mark.parametrize("period", [OCTOBER, Period.month("2026-11"), QUARTER], ids=lambda period: period.label)
def test_the_account_ties_to_the_printed_measure(period):
    found = why(example_tables(), "denied_charges", period=period)
    for span, cents in ((found.period, found.account.new_cents), (found.against, found.account.old_cents)):
        measured = initial_denial_rate_dollars_remitted(example_tables(), period=span)
        assert int(measured["denied_cents"].sum()) == cents


def test_a_period_is_held_against_the_same_months_before():
    assert why(example_tables(), "denied_charges", period=QUARTER).against == Period.month("2026-07").trailing(3)
    assert why(example_tables(), "denied_charges", period=OCTOBER).against == Period.month("2026-09")


def test_a_proved_cell_that_began_before_both_periods_is_still_there():
    """Authorization was denied for $200 in October: no driver, but proved in spring."""
    seeds = (Seed((("reason", "authorization"),), dt.date(2026, 3, 2)), Seed((("reason", "no such"),), OLD))
    plain = why(example_tables(), "denied_charges", period=OCTOBER, seeds=seeds)
    assert plain.standing == (), "too few dollars for a name"
    many = {**example_tables()}
    many["remit_adjustments"] = many["remit_adjustments"].assign(
        amount_cents=many["remit_adjustments"]["amount_cents"] * 10
    )
    found = why(many, "denied_charges", period=OCTOBER, seeds=seeds)
    (still,) = found.standing
    assert (dict(still.where), still.since) == ({"reason": "authorization"}, dt.date(2026, 3, 2))
    assert still.new_cents == 200_000
    assert "Still there: authorization denials, $2,000 in October 2026, since about March 2." in why_sentences(
        found, str
    )


def test_a_proved_cell_of_this_period_is_no_older_problem():
    seeds = (Seed((("reason", "authorization"),), OCTOBER.first_day),)
    assert why(example_tables(), "denied_charges", period=OCTOBER, seeds=seeds).standing == ()


def test_an_unknown_figure_names_the_closest():
    with pytest.raises(ParameterError, match="denied_charges"):
        why(example_tables(), "denied_charge", period=OCTOBER)


def told(old: float, new: float, drivers=(), *, usual: float | None = 500_00, rest_z: float = 0.5, standing=(), **rest):
    """The sentences of a made-up account; `rest` is of everything else: claims, volume_cents, largest_claim_cents."""
    moved = sum(driver.change_cents for driver in drivers)
    volume = rest.get("volume_cents", 0.0)
    change = new - old - moved
    other = Driver({}, old, old + change, old, rest_z, rest.get("claims", 40), volume, 0.0, change - volume)
    account = Account(old, new, tuple(drivers), other, rest.get("largest_claim_cents", 0.0))
    found = Why("denied_charges", QUARTER, Period.month("2026-07").trailing(3), account, usual, tuple(standing))
    return why_sentences(found, {"summit": "Summit Mutual"}.get)


def driver(old: float, new: float, *, work: float = 0.0, **more) -> Driver:
    where = more.pop("where", {"location": "Site 03", "reason": "documentation"})
    return Driver(where, old, new, old, 8.0, 30, work, 0.0, new - old - work, **more)


CASES = {
    "quiet": (
        told(100_000, 130_000),
        [
            f"Denied charges were $1,300 {NOW}, $300 more than in May "
            "through July 2026: no more than usual (it commonly moves by up to $500)."
        ],
    ),
    "the same": (told(100_000, 100_040), [f"Denied charges were $1,000 {NOW}, the same as {BEFORE}."]),
    "a driver and its day": (
        told(100_000, 300_000, [driver(20_000, 200_000, since=dt.date(2026, 7, 28))]),
        [
            f"Denied charges rose $2,000, from $1,000 {BEFORE} to $3,000 {NOW}.",
            "Documentation denials at Site 03 rose $1,800, from $200 to $2,000 (90% of the change), since about "
            "July 28.",
            "Everything else moved no more than usual (+$200 together).",
        ],
    ),
    "new, and all of it": (
        told(0, 200_000, [driver(0, 200_000)]),
        [
            f"Denied charges rose $2,000, from $0 {BEFORE} to $2,000 {NOW}.",
            "Documentation denials at Site 03 are new: $2,000.",
            "Everything else moved no more than usual (+$0 together).",
        ],
    ),
    "against the total": (
        told(300_000, 200_000, [driver(10_000, 90_000)], rest_z=-4.0),
        [
            f"Denied charges fell $1,000, from $3,000 {BEFORE} to $2,000 {NOW}.",
            "Documentation denials at Site 03 rose $800, from $100 to $900 (while the total fell).",
            "Everything else together fell $1,800, spread over many places: no single cause stands out.",
        ],
    ),
    "more work": (
        told(
            100_000,
            300_000,
            [driver(50_000, 250_000, work=120_000.0, where={"payer": "summit", "family": "radiology"})],
        ),
        [
            f"Denied charges rose $2,000, from $1,000 {BEFORE} to $3,000 {NOW}.",
            "Denials by Summit Mutual on imaging rose $2,000, from $500 to $2,500 (all of the change); $1,200 of that "
            "is because more of this work was done.",
            "Everything else moved no more than usual (+$0 together).",
        ],
    ),
    "every year": (
        told(100_000, 300_000, [driver(50_000, 250_000, year_ago_cents=150_000.0)]),
        [
            f"Denied charges rose $2,000, from $1,000 {BEFORE} to $3,000 {NOW}.",
            "Documentation denials at Site 03 rose $2,000, from $500 to $2,500 (all of the change); the same happened "
            "a year ago.",
            "Everything else moved no more than usual (+$0 together).",
        ],
    ),
    "one claim": (
        told(100_000, 300_000, largest_claim_cents=150_000.0),
        [
            f"Denied charges rose $2,000, from $1,000 {BEFORE} to $3,000 {NOW}.",
            "One claim of $1,500 is most of it; without it nothing is unusual.",
        ],
    ),
    "one claim alone": (
        told(0, 200_000, claims=1),
        [
            f"Denied charges rose $2,000, from $0 {BEFORE} to $2,000 {NOW}.",
            "Only 1 claim lies behind it: too few to tell a cause from chance.",
        ],
    ),
    "volume": (
        told(100_000, 300_000, volume_cents=150_000.0),
        [
            f"Denied charges rose $2,000, from $1,000 {BEFORE} to $3,000 {NOW}.",
            "That is mostly volume: $1,500 of it comes from more work, at the usual rate.",
        ],
    ),
    "none left": (
        told(200_000, 0),
        [f"Denied charges fell $2,000, from $2,000 {BEFORE} to $0 {NOW}.", f"No denials arrived {NOW}."],
    ),
    "still there": (
        told(100_000, 110_000, standing=[driver(1_000, 40_000, since=dt.date(2026, 5, 26))]),
        [
            f"Denied charges were $1,100 {NOW}, $100 more than {BEFORE}: no more than "
            "usual (it commonly moves by up to $500).",
            f"Still there: documentation denials at Site 03, $400 {NOW}, since about May 26.",
        ],
    ),
    "too young to say what is usual": (
        told(100_000, 300_000, usual=None),
        [f"Denied charges rose $2,000, from $1,000 {BEFORE} to $3,000 {NOW}."],
    ),
}


@pytest.mark.parametrize(("said", "expected"), CASES.values(), ids=CASES)
def test_each_kind_of_change_in_words(said, expected):
    assert said == expected


@given(st.integers(100_000, 10**8), st.integers(100_000, 10**8))
def test_before_and_change_add_up_to_now_as_they_are_printed(old, new):
    for line in told(old, new, [driver(old - 50_000, new - 50_000)])[:2]:
        if "from" not in line:
            continue
        change, before, now = (int(text.replace(",", "")) for text in re.findall(r"\$([\d,]+)", line)[:3])
        assert before + (change if "rose" in line else -change) == now
