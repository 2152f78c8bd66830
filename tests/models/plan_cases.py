"""Assumptions for the tests: the published example, and anything drawn at random that is still valid."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from rcm_analysis.models.assumption_reader import parse
from rcm_analysis.models.assumptions import Assumptions

GOLDEN: dict[str, Any] = {
    "name": "One coordinator, downstate, 2024 rates", "start": "2025-01", "months": 36, "region": "downstate",
    "acuity": {
        "levels": ["low", "medium", "high"], "caseload": {"low": 25, "medium": 25, "high": 25},
        "mix": [{"from": "2025-01", "low": 0.40, "medium": 0.40, "high": 0.20}],
    },
    "referrals": [{"source": "all", "monthly": 4}],
    "enrolment": {"reached": 1, "enrolled": 1},
    "coordinators": [{"name": "one", "hired": "2025-01", "salary": "62000.00"}],
    "staffing": {"ramp": [1.0], "fringe": 0.28},
    "billable": {"no_core_service": 0.12}, "denials": {"rate": 0.06}, "fees": {"lead_health_home": 0.05},
    "costs": {"overhead_share": 0.20},
}


def assumed(**changes: Any) -> Assumptions:
    """The published example with some keys changed, dots written as __."""
    return parse(raw(**changes), "test")


def raw(**changes: Any) -> dict[str, Any]:
    """The published example as it stands in a file, with some keys changed."""
    given = copy.deepcopy(GOLDEN)
    for key, value in changes.items():
        *path, last = key.split("__")
        place = given
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return given


def with_lag(days: int) -> Assumptions:
    return assumed(lag={"billed_to_paid": {"days": days}})


shares = st.integers(0, 10_000).map(lambda part: part / 10_000)
small = st.integers(0, 4_000).map(lambda part: part / 10_000)
MONTHS = [f"{year}-{month:02d}" for year in (2025, 2026) for month in range(1, 13)]


def _mix(parts: tuple[int, int]) -> dict[str, float]:
    low, high = sorted(parts)
    return {"low": low / 10_000, "medium": (high - low) / 10_000, "high": (10_000 - high) / 10_000}


def _steps(values: st.SearchStrategy) -> st.SearchStrategy:
    later = st.lists(st.sampled_from(MONTHS[1:]), unique=True, max_size=2).map(sorted)
    return st.one_of(values, later.flatmap(lambda months: st.tuples(*[values] * (len(months) + 1)).map(
        lambda found: [{"from": month, "value": value}
            for month, value in zip(["2025-01", *months], found, strict=True)])))


def _stage() -> st.SearchStrategy:
    return st.fixed_dictionaries(
        {"days": _steps(st.integers(0, 120)), "slow_share": _steps(small), "slow_days": st.integers(0, 200)})


def drawn(months: int = 18) -> st.SearchStrategy:
    """Raw assumptions drawn at random: every input at work at once."""
    money = st.integers(0, 9_000_000).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")
    mix = st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)).map(_mix)
    return st.fixed_dictionaries({
        "start": st.just("2025-01"), "months": st.just(months), "region": st.sampled_from(["upstate", "downstate"]),
        "opening_cash": money,
        "acuity": st.fixed_dictionaries({
            "levels": st.just(["low", "medium", "high"]),
            "caseload": st.fixed_dictionaries({level: st.integers(7_000, 60_000).map(lambda k: k / 1000)
                for level in ("low", "medium", "high")}),
            "mix": st.tuples(mix, mix).map(lambda two: [{"from": "2025-01"} | two[0], {"from": "2025-08"} | two[1]]),
        }),
        "referrals": st.lists(st.fixed_dictionaries({"source": st.just("s"),
            "monthly": _steps(st.integers(0, 40_000).map(lambda k: k / 1000)), "quality": _steps(shares)}),
            min_size=1, max_size=2),
        "enrolment": st.fixed_dictionaries({"reached": _steps(shares), "enrolled": _steps(shares),
            "delay_months": st.integers(0, 3), "waiting_list_drop": shares, "disenrolment": _steps(small)}),
        "coordinators": st.lists(st.fixed_dictionaries({"hired": st.sampled_from(["2024-11", *MONTHS[:9]]),
            "salary": money, "fte": st.integers(0, 1_500).map(lambda k: k / 1000)}), min_size=1, max_size=3),
        "staffing": st.fixed_dictionaries({"ramp": st.lists(shares, min_size=1, max_size=3).map(sorted),
            "vacancy": shares.map(lambda share: share / 2).map(lambda share: int(share * 10_000) / 10_000),
            "fringe": shares, "supervisor_salary": money, "contacts_per_member": st.integers(0, 6),
            "contacts_expected": st.integers(0, 90), "incentive_per_contact": st.just("6.35"),
            "salary_index": _steps(st.integers(9_000, 12_000).map(lambda part: part / 10_000))}),
        "billable": st.fixed_dictionaries({"no_core_service": _steps(small), "support_late": small.map(lambda s: s / 2).map(
            lambda share: int(share * 10_000) / 10_000), "retro_disenrolled": small}),
        "denials": st.fixed_dictionaries({"rate": _steps(shares), "recovered": shares, "recovery_months": st.integers(0, 5)}),
        "fees": st.fixed_dictionaries({"mco": small, "lead_health_home": small}),
        "outreach": st.fixed_dictionaries({"paid": st.booleans(), "rate": st.just("135.55"), "months_limit": st.integers(0, 4)}),
        "lag": st.fixed_dictionaries({"uploaded_to_billed": _stage(), "billed_to_paid": _stage(), "paid_to_agency": _stage(),
            "never_paid": small, "write_off_months": st.integers(0, 14)}),
        "recoupment": st.fixed_dictionaries({"rate": small, "delay_months": st.integers(0, 9)}),
        "costs": st.fixed_dictionaries({"overhead_share": shares, "overhead_monthly": money.map(lambda m: m)}),
        "scenarios": st.fixed_dictionaries({"name": st.just("drawn"), "referrals": shares, "engagement": _factors(),
            "disenrolment": _factors(), "acuity_shift": st.integers(-10_000, 10_000).map(lambda part: part / 10_000),
            "failed_months": _factors(), "denials": st.integers(-3_000, 3_000).map(lambda part: part / 10_000),
            "rate": _factors(), "lag_days": st.integers(-90, 180), "caseload": _factors(), "salary": _factors(),
            "from": st.sampled_from(MONTHS[:6])}).map(lambda one: [one]),
    })


def _factors() -> st.SearchStrategy:
    return st.integers(5_000, 18_000).map(lambda part: part / 10_000)
