"""Assumptions for the tests: the published example, and anything drawn at random that is still valid."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from hypothesis import strategies as st

from rcm_analysis.models.plan.assumptions import Assumptions, parse

GOLDEN: dict[str, Any] = {
    "name": "One coordinator, downstate, 2024 rates",
    "start": "2025-01",
    "months": 36,
    "region": "downstate",
    "acuity": {
        "levels": ["low", "medium", "high"],
        "caseload": {"low": 25, "medium": 25, "high": 25},
        "mix": [{"from": "2025-01", "low": 0.40, "medium": 0.40, "high": 0.20}],
    },
    "referrals": [{"source": "all", "monthly": 4}],
    "enrolment": {"reached": 1, "enrolled": 1},
    "coordinators": [{"name": "one", "hired": "2025-01", "salary": "62000.00"}],
    "staffing": {"ramp": [1.0], "fringe": 0.28},
    "billable": {"no_core_service": 0.12},
    "denials": {"rate": 0.06},
    "fees": {"lead_health_home": 0.05},
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


def _two_regions(parts: tuple[int, int]) -> list[dict[str, Any]]:
    """Shares of two regions, at first and from the sixth month on."""
    return [
        {"from": month, "upstate": part / 10_000, "downstate": (10_000 - part) / 10_000}
        for month, part in zip(("2025-01", "2025-06"), parts, strict=True)
    ]


def _steps(values: st.SearchStrategy) -> st.SearchStrategy:
    later = st.lists(st.sampled_from(MONTHS[1:]), unique=True, max_size=2).map(sorted)
    return st.one_of(
        values,
        later.flatmap(
            lambda months: st.tuples(*[values] * (len(months) + 1)).map(
                lambda found: [
                    {"from": month, "value": value} for month, value in zip(["2025-01", *months], found, strict=True)
                ]
            )
        ),
    )


def _stage() -> st.SearchStrategy:
    return st.fixed_dictionaries(
        {"days": _steps(st.integers(0, 120)), "slow_share": _steps(small), "slow_days": st.integers(0, 200)}
    )


def drawn(months: int = 18) -> st.SearchStrategy:
    """Raw assumptions drawn at random: every input at work at once."""
    money = st.integers(0, 9_000_000).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")
    mix = st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)).map(_mix)
    return st.fixed_dictionaries(
        {
            "start": st.just("2025-01"),
            "months": st.just(months),
            "opening_cash": money,
            "regions": st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)).map(_two_regions),
            "assessment": st.fixed_dictionaries({"paid": st.booleans(), "share": shares, "again": shares}),
            "acuity": st.fixed_dictionaries(
                {
                    "levels": st.just(["low", "medium", "high"]),
                    "caseload": st.fixed_dictionaries(
                        {
                            level: st.integers(7_000, 60_000).map(lambda k: k / 1000)
                            for level in ("low", "medium", "high")
                        }
                    ),
                    "mix": st.tuples(mix, mix, st.none() | mix).map(
                        lambda two: [
                            {"from": "2025-01"} | two[0],
                            {"from": "2025-08"} | two[1],
                            *([{"region": "upstate", "from": "2025-01"} | two[2]] if two[2] else []),
                        ]
                    ),
                }
            ),
            "referrals": st.lists(
                st.fixed_dictionaries(
                    {
                        "source": st.just("s"),
                        "monthly": _steps(st.integers(0, 40_000).map(lambda k: k / 1000)),
                        "quality": _steps(shares),
                    }
                ),
                min_size=1,
                max_size=2,
            ),
            "enrolment": st.fixed_dictionaries(
                {
                    "reached": _steps(shares),
                    "enrolled": _steps(shares),
                    "delay_months": st.integers(0, 3),
                    "waiting_list_drop": shares,
                    "disenrolment": _steps(small),
                }
            ),
            "coordinators": st.lists(
                st.fixed_dictionaries(
                    {
                        "hired": st.sampled_from(["2024-11", *MONTHS[:9]]),
                        "salary": money,
                        "fte": st.integers(0, 1_500).map(lambda k: k / 1000),
                    }
                ),
                min_size=1,
                max_size=3,
            ),
            "staffing": st.fixed_dictionaries(
                {
                    "ramp": st.lists(shares, min_size=1, max_size=3).map(sorted),
                    "vacancy": shares.map(lambda share: share / 2).map(lambda share: int(share * 10_000) / 10_000),
                    "fringe": shares,
                    "supervisor_salary": money,
                    "contacts_per_member": st.integers(0, 6),
                    "contacts_expected": st.integers(0, 90),
                    "incentive_per_contact": st.just("6.35"),
                    "salary_index": _steps(st.integers(9_000, 12_000).map(lambda part: part / 10_000)),
                }
            ),
            "billable": st.fixed_dictionaries(
                {
                    "no_core_service": _steps(small),
                    "support_late": small.map(lambda s: s / 2).map(lambda share: int(share * 10_000) / 10_000),
                    "retro_disenrolled": small,
                }
            ),
            "denials": st.fixed_dictionaries(
                {"rate": _steps(shares), "recovered": shares, "recovery_months": st.integers(0, 5)}
            ),
            "fees": st.fixed_dictionaries({"mco": small, "lead_health_home": small}),
            "outreach": st.fixed_dictionaries(
                {"paid": st.booleans(), "rate": st.just("135.55"), "months_limit": st.integers(0, 4)}
            ),
            "lag": st.fixed_dictionaries(
                {
                    "uploaded_to_billed": _stage(),
                    "billed_to_paid": _stage(),
                    "paid_to_agency": _stage(),
                    "never_paid": small,
                    "write_off_months": st.integers(0, 14),
                }
            ),
            "recoupment": st.fixed_dictionaries({"rate": small, "delay_months": st.integers(0, 9)}),
            "costs": st.fixed_dictionaries({"overhead_share": shares, "overhead_monthly": money.map(lambda m: m)}),
            "scenarios": st.fixed_dictionaries(
                {
                    "name": st.just("drawn"),
                    "referrals": shares,
                    "engagement": _factors(),
                    "disenrolment": _factors(),
                    "acuity_shift": st.integers(-10_000, 10_000).map(lambda part: part / 10_000),
                    "failed_months": _factors(),
                    "denials": st.integers(-3_000, 3_000).map(lambda part: part / 10_000),
                    "rate": _factors(),
                    "lag_days": st.integers(-90, 180),
                    "caseload": _factors(),
                    "salary": _factors(),
                    "hiring": st.integers(-4, 6),
                    "from": st.sampled_from(MONTHS[:6]),
                }
            ).map(lambda one: [one]),
        }
    )


def _factors() -> st.SearchStrategy:
    return st.integers(5_000, 18_000).map(lambda part: part / 10_000)


def rich(seed: int, months: int = 18) -> dict[str, Any]:
    """Raw assumptions of a busy programme, every number odd on purpose: what hypothesis, fond of zeros, seldom
    draws."""
    rng = np.random.default_rng(seed)

    def between(low: float, high: float, places: int = 4) -> float:
        return float(np.round(rng.uniform(low, high), places))

    def money(low: float, high: float) -> str:
        return f"{rng.uniform(low, high):.2f}"

    def steps(low: float, high: float, places: int = 4) -> Any:
        later = sorted(rng.choice(MONTHS[1:months], size=rng.integers(0, 3), replace=False).tolist())
        found = [{"from": month, "value": between(low, high, places)} for month in ["2025-01", *later]]
        return found if len(found) > 1 else found[0]["value"]

    def days(high: int) -> Any:
        return [
            {"from": "2025-01", "value": int(rng.integers(0, high))},
            {"from": "2025-07", "value": int(rng.integers(0, high))},
        ]

    def mix() -> dict[str, float]:
        return _mix((int(rng.integers(0, 10_001)), int(rng.integers(0, 10_001))))

    places = np.random.default_rng(seed + 1_000)
    regions = (
        {"region": "upstate"}
        if seed % 3 == 0
        else {"regions": _two_regions(tuple(places.integers(0, 10_001, 2).tolist()))}
    )
    own = _mix(tuple(places.integers(0, 10_001, 2).tolist()))
    own_mix = [{"region": "upstate", "from": "2025-01"} | own] if "regions" in regions and seed % 2 else []
    stages = {
        name: {"days": days(80), "slow_share": steps(0.01, 0.5), "slow_days": int(rng.integers(30, 160))}
        for name in ("uploaded_to_billed", "billed_to_paid", "paid_to_agency")
    }
    return {
        "start": "2025-01",
        "months": months,
        **regions,
        "opening_cash": money(0, 300_000),
        "assessment": {"paid": seed % 4 != 0, "share": float(np.round(places.uniform(0.3, 1), 4)), "again": 0.1667},
        "acuity": {
            "levels": ["low", "medium", "high"],
            "caseload": {"low": between(30, 60, 3), "medium": between(18, 35, 3), "high": between(9, 18, 3)},
            "mix": [{"from": "2025-01"} | mix(), {"from": "2025-09"} | mix(), *own_mix],
        },
        "referrals": [
            {"source": f"s{place}", "monthly": steps(5, 40, 3), "quality": steps(0.4, 1)}
            for place in range(rng.integers(1, 4))
        ],
        "enrolment": {
            "reached": steps(0.4, 1),
            "enrolled": steps(0.3, 1),
            "delay_months": int(rng.integers(0, 4)),
            "waiting_list_drop": steps(0, 0.5),
            "disenrolment": steps(0.005, 0.08),
            "opening_members": 0,
        },
        "coordinators": [
            {"hired": MONTHS[int(rng.integers(0, 8))], "salary": money(40_000, 90_000), "fte": between(0.3, 1.2, 3)}
            for _ in range(rng.integers(2, 6))
        ],
        "staffing": {
            "ramp": sorted(between(0.1, 1) for _ in range(rng.integers(1, 5))),
            "vacancy": between(0, 0.15),
            "salary_index": steps(0.98, 1.08),
            "fringe": between(0.15, 0.4),
            "supervisor_salary": money(60_000, 99_000),
            "coordinators_per_supervisor": between(3, 9, 3),
            "contacts_per_member": between(1, 5, 3),
            "contacts_expected": between(20, 60, 3),
            "incentive_per_contact": money(1, 9),
        },
        "billable": {
            "no_core_service": steps(0.02, 0.2),
            "support_late": steps(0.01, 0.1),
            "retro_disenrolled": steps(0, 0.05),
        },
        "denials": {
            "rate": steps(0.02, 0.25),
            "recovered": steps(0.1, 0.8),
            "recovery_months": int(rng.integers(0, 6)),
        },
        "fees": {"mco": steps(0, 0.04), "lead_health_home": steps(0.02, 0.09)},
        "outreach": {"paid": bool(rng.integers(0, 2)), "rate": money(90, 180), "months_limit": int(rng.integers(1, 4))},
        "lag": {**stages, "never_paid": steps(0, 0.04), "write_off_months": int(rng.integers(3, 14))},
        "recoupment": {"rate": steps(0, 0.06), "delay_months": int(rng.integers(2, 12))},
        "costs": {
            "overhead_share": steps(0.05, 0.25),
            "overhead_monthly": money(500, 6_000),
            "startup": [{"what": "start", "month": "2025-02", "amount": money(1_000, 30_000)}],
        },
        "scenarios": [
            {
                "name": "drawn",
                "referrals": between(0.6, 1.4),
                "engagement": between(0.6, 1.3),
                "disenrolment": between(0.5, 2),
                "acuity_shift": between(-0.4, 0.4),
                "failed_months": between(0.5, 2),
                "denials": between(-0.05, 0.15),
                "rate": between(0.8, 1.2),
                "lag_days": int(rng.integers(-40, 120)),
                "caseload": between(0.7, 1.3),
                "salary": between(0.9, 1.2),
                "hiring": int(places.integers(-2, 4)),
                "from": MONTHS[int(rng.integers(0, 6))],
                "until": MONTHS[int(rng.integers(8, 20))],
            }
        ],
    }
