"""Scenarios, tornado, drawn futures, break-evens and the smallest way out."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from builders.plan_cases import assumed, with_lag
from rcm_analysis.models.plan.assumptions import Scenario, example_assumptions
from rcm_analysis.models.plan.engine import run
from rcm_analysis.models.plan.fields import SHARE
from rcm_analysis.models.plan.programme import programme_plan
from rcm_analysis.models.plan.scenarios import (
    blend_levers,
    break_even_lag,
    break_even_rate,
    futures,
    scenario_table,
    tornado,
    ways_out,
    with_lever,
)

EXAMPLE = example_assumptions()
BASE = Scenario("base", "Base")


def test_the_scenario_table_holds_what_each_plan_says():
    table = scenario_table(EXAMPLE).set_index("scenario")
    assert set(table.index) >= {"base", "slow_payer", "low_engagement", "acuity_shift", "denial_spike", "your_own"}
    for name in ("base", "slow_payer"):
        summary = programme_plan(EXAMPLE, name).summary
        assert table.loc[name, "peak_deficit_cents"] == summary.peak_deficit_cents
        assert table.loc[name, "closing_cash_cents"] == summary.closing_cash_cents
    assert table.loc["base", "change_cents"] == 0
    worse = table.loc[["slow_payer", "low_engagement", "acuity_shift", "denial_spike"], "change_cents"]
    assert (worse < 0).all()
    assert table.loc["slow_payer", "result_cents"] == table.loc["base", "result_cents"], (
        "a slow payer changes no result"
    )


def test_the_tornado_is_in_order_and_each_bar_is_a_plan():
    table = tornado(EXAMPLE)
    assert table["width_cents"].is_monotonic_decreasing and set(table["lever"]) == set(EXAMPLE.uncertainty)
    row = table.set_index("lever").loc["lag_days"]
    alone = run(EXAMPLE, [with_lever(BASE, "lag_days", int(row["high"]))])["cumulative_cash"].min()
    assert row["high_peak_cents"] == alone


class TestFutures:
    PLAN = dataclasses.replace(EXAMPLE, months=24)

    def test_the_same_seed_gives_the_same_futures(self):
        one, two = (futures(self.PLAN, draws=60, seed=5) for _ in (1, 2))
        assert one.fan.equals(two.fan) and one.peaks.equals(two.peaks) and one.out_of_cash == two.out_of_cash
        assert not one.fan.equals(futures(self.PLAN, draws=60, seed=6).fan)

    def test_the_batches_leave_no_trace(self, monkeypatch):
        whole = futures(self.PLAN, draws=40)
        monkeypatch.setattr("rcm_analysis.models.plan.scenarios.BATCH", 7)
        assert futures(self.PLAN, draws=40).fan.equals(whole.fan)

    def test_percentiles_are_in_order(self):
        drawn = futures(self.PLAN, draws=80)
        bands = drawn.fan[["p5", "p25", "p50", "p75", "p95"]].to_numpy()
        assert (np.diff(bands, axis=1) >= 0).all()
        assert (
            drawn.peaks["peak_deficit_cents"].is_monotonic_increasing and (drawn.peaks["peak_deficit_cents"] <= 0).all()
        )

    def test_without_uncertainty_every_future_is_the_plan(self):
        plan = dataclasses.replace(self.PLAN, uncertainty={})
        drawn = futures(plan, draws=3)
        path = programme_plan(plan).months["cumulative_cash"]
        assert drawn.fan["p5"].tolist() == drawn.fan["p95"].tolist() == path.tolist()
        assert drawn.out_of_cash in (0.0, 1.0)

    def test_a_draw_stays_within_its_range(self):
        plan = dataclasses.replace(self.PLAN, uncertainty={"lag_days": (0, 30)})
        low, high = (run(plan, [with_lever(BASE, "lag_days", days)])["cumulative_cash"][0] for days in (0, 30))
        drawn = futures(plan, draws=50).fan
        assert (drawn["p5"].to_numpy() >= high).all() and (drawn["p95"].to_numpy() <= low).all()

    @pytest.mark.parametrize(
        ("cash", "chance"), [pytest.param(0, 1.0, id="nothing at hand"), pytest.param(10**9, 0.0, id="plenty")]
    )
    def test_the_chance_to_run_out(self, cash, chance):
        assert futures(self.PLAN.with_values(opening_cash=cash), draws=20).out_of_cash == chance


class TestBreakEven:
    def test_of_the_published_example_by_hand(self):
        """25 members bring 25 × 405.336; the coordinator costs 7,936: rates may fall to 78.3 % of today's."""
        found = break_even_rate(assumed())
        assert found["factor"] == pytest.approx(7_936 / (25 * 405.336), abs=0.0002)
        assert found["rate_cents"] == pytest.approx(51_580 * found["factor"])

    def test_no_rate_helps_without_members(self):
        assert break_even_rate(assumed(referrals=[{"source": "all", "monthly": 0}]))["factor"] is None

    @pytest.mark.parametrize(
        ("cash", "days"),
        [
            pytest.param("47275.00", 120, id="what 120 days take, less a cent or two: rounded up it lasts 120"),
            pytest.param("15000.00", None, id="not enough even without a lag"),
            pytest.param("900000.00", 720, id="enough for any lag"),
        ],
    )
    def test_the_longest_lag_that_opening_cash_survives(self, cash, days):
        assert break_even_lag(assumed(opening_cash=cash)) == days


class TestWayOut:
    def test_the_cash_to_add_and_the_smallest_moves_are_the_smallest(self):
        plan = assumed(opening_cash="40000.00", lag={"billed_to_paid": {"days": 120}})
        table = ways_out(plan).set_index("lever")
        assert table.loc["opening_cash", "to"] == -programme_plan(plan).summary.peak_deficit_cents
        found = table[table["to"].notna()].drop(index="opening_cash")
        assert {"rate", "lag_days", "salary"} <= set(found.index)
        for key, row in found.iterrows():
            step = 1 if row["to"] > row["from"] else -1
            enough, short = (
                run(plan, [with_lever(BASE, key, int(row["to"]) - back)])["balance"].min() for back in (0, step)
            )
            assert enough >= 0 > short, key

    def test_no_gap_no_rows(self):
        assert ways_out(assumed(opening_cash="50000.00", lag={"billed_to_paid": {"days": 120}})).empty

    def test_what_cannot_close_it_says_so(self):
        table = ways_out(with_lag(120)).set_index("lever")
        assert table["to"].isna()["disenrolment"], "nobody leaves in this plan, so keeping members cannot help"


def test_the_sliders_redraw_in_time():
    """Under 100 ms, redrawing included; the sums may take half of it. The best of five, for a busy machine."""
    took = []
    for days in range(5):
        begun = time.perf_counter()
        blend_levers(EXAMPLE, {"lag_days": days, "rate": SHARE + days, "caseload": SHARE})
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.05
