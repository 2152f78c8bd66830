"""The care-coordination plan: the published example, the laws, and the edges."""

from __future__ import annotations

import dataclasses
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings

from builders.plan_cases import assumed, drawn, rich, with_lag
from rcm_analysis.errors import ParameterError
from rcm_analysis.models.plan.assumptions import (
    PUBLISHED,
    Assumptions,
    Scenario,
    as_toml,
    example_assumptions,
    parse,
    read_assumptions,
)
from rcm_analysis.models.plan.engine import LAG_PARTS, LaggedScenario, Rows, paid_parts, run, ways, whole
from rcm_analysis.models.plan.fields import LEVERS, MICRO, SHARE
from rcm_analysis.models.plan.programme import programme_plan, refuse_overload, working_capital
from rcm_analysis.models.plan.summary import plan_json

BASE = Scenario("base", "Base")


def dollars(cents: float) -> int:
    return int(np.floor(cents / 100 + 0.5))


def receivable_by_cohort(plan: Assumptions, rows: Rows, case: int) -> np.ndarray:
    """What is still open at each month's end, added up month of service by month of service.

    A second way to the receivable that never looks at the cash rows: what each month billed net, less
    what of it has arrived, less what of it was written off.
    """
    given = {key: np.array(plan.path(key), dtype=np.int64) for key in plan.values}
    days, weights = ways(rows, given)
    late, forgotten = (int(given[key][0]) for key in ("denials.recovery_months", "lag.write_off_months"))
    open_cents = np.zeros(plan.months, dtype=np.int64)
    for served in range(plan.months):
        for month in range(served, plan.months):
            age = np.array([[month - served]])
            arrived = 0
            for name, wait in (("first", 0), ("late", late)):
                paid = paid_parts(
                    [d[case : case + 1, served : served + 1] for d in days],
                    [w[case : case + 1, served : served + 1] for w in weights],
                    age - wait,
                )
                arrived += int(whole(rows[f"collectable.{name}"][case, served] * paid, LAG_PARTS).sum())
            lost = int(rows["never_paid"][case, served]) if month - served >= forgotten else 0
            open_cents[month] += int(rows["revenue"][case, served]) - arrived - lost
    return open_cents


class TestPublishedExample:
    """One coordinator, 62,000 a year, four new members a month up to 25."""

    def test_break_even_is_19_6_members(self):
        summary = programme_plan(assumed()).summary
        assert summary.net_revenue_per_member_cents == pytest.approx(40_533.6, abs=0.1)
        assert dollars(summary.cost_per_coordinator_cents) == 7_936
        assert summary.break_even_members_per_coordinator == pytest.approx(19.58, abs=0.005)
        assert dollars(summary.result_last_month_cents) == 2_197

    @pytest.mark.parametrize(
        ("lag", "deficit", "peak", "payback"),
        [
            pytest.param(0, -15_531, 4, 13, id="paid in the month of service"),
            pytest.param(30, -23_467, 5, 17, id="30 days"),
            pytest.param(60, -31_403, 6, 22, id="60 days"),
            pytest.param(90, -39_339, 7, 27, id="90 days"),
            pytest.param(120, -47_275, 8, 31, id="120 days"),
            pytest.param(150, -55_211, 9, 36, id="150 days"),
            pytest.param(180, -63_147, 10, None, id="180 days: not within 36 months"),
        ],
    )
    def test_peak_deficit_and_payback_by_lag(self, lag, deficit, peak, payback):
        found = plan_json(programme_plan(with_lag(lag)))
        assert dollars(found["peak_deficit_cents"]) == deficit
        assert found["peak_deficit_month_number"] == peak
        assert found["payback_month_number"] == payback
        assert dollars(found["accrual_trough_cents"]) == -15_531, "the accrual never shows the lag"

    @pytest.mark.parametrize(
        ("scenario", "deficit", "month", "payback"),
        [
            pytest.param("base", -15_531, "2025-04", "2026-01", id="paid at once"),
            pytest.param("lag_30", -23_467, "2025-05", "2026-05", id="30 days"),
            pytest.param("lag_60", -31_403, "2025-06", "2026-10", id="60 days"),
            pytest.param("lag_90", -39_339, "2025-07", "2027-03", id="90 days"),
            pytest.param("lag_120", -47_275, "2025-08", "2027-07", id="120 days"),
            pytest.param("lag_150", -55_211, "2025-09", "2027-12", id="150 days"),
            pytest.param("lag_180", -63_147, "2025-10", None, id="180 days: not within 36 months"),
        ],
    )
    def test_the_shipped_file_gives_the_same_figures(self, scenario, deficit, month, payback):
        found = plan_json(programme_plan(read_assumptions(PUBLISHED), scenario))
        assert (dollars(found["peak_deficit_cents"]), found["peak_deficit_month"], found["payback_month"]) == (
            deficit,
            month,
            payback,
        )
        assert found["break_even_members_per_coordinator"] == pytest.approx(19.58, abs=0.005)
        assert (
            sum(found["cash_cents"].values()) == found["cumulative_cash_cents"]["2027-12"]
            and len(found["accrual_cents"]) == 36
        )

    def test_the_file_says_what_rate_and_what_lag_the_plan_survives(self):
        found = plan_json(programme_plan(read_assumptions(PUBLISHED)))
        assert found["blended_rate_cents"] == 51_580
        assert found["break_even_rate_cents"] == pytest.approx(51_580 * 19.5788 / 25, abs=6), (
            "25 members where 19.6 would do; rates move in ten-thousandths"
        )
        assert found["longest_lag_survived_days"] is None, "it opens without cash"
        assert plan_json(programme_plan(assumed(opening_cash="47275.00")))["longest_lag_survived_days"] == 120
        assert {key for key in found["about"] if key not in ("money", "months")} <= set(found)

    def test_each_further_30_days_cost_one_month_of_expense(self):
        plan = assumed()
        peaks = [programme_plan(plan, lag_days=days).summary.peak_deficit_cents for days in range(0, 181, 30)]
        expense = int(programme_plan(plan).months["expense"].iloc[0])
        assert set(np.diff(peaks)) == {-expense}

    def test_a_fixed_lag_and_the_same_lag_by_stages_agree(self):
        staged = assumed(
            lag={"uploaded_to_billed": {"days": 15}, "billed_to_paid": {"days": 60}, "paid_to_agency": {"days": 45}}
        )
        assert programme_plan(staged).summary == programme_plan(assumed(), lag_days=120).summary

    def test_working_capital_by_lag(self):
        need = working_capital(assumed())
        assert [dollars(cents) for cents in need["need_cents"]] == [31_403, 39_339, 47_275, 55_211, 63_147]


class TestLaws:
    @settings(max_examples=25)
    @given(raw=drawn())
    def test_whatever_is_assumed(self, raw):
        self.holds(raw)

    @pytest.mark.parametrize("seed", range(8))
    def test_in_a_busy_programme(self, seed):
        self.holds(rich(seed, 24))

    def holds(self, raw):
        plan = parse(raw, "drawn")
        cases = [BASE, plan.scenario("drawn")]
        rows = run(plan, cases)
        for case in (0, 1):
            assert np.array_equal(rows["receivable"][case], receivable_by_cohort(plan, rows, case))
        to_date = {name: rows[name].cumsum(axis=1) for name in ("accrual", "cash", "written_off")}
        assert np.array_equal(rows["ar"], to_date["accrual"] - to_date["cash"] - to_date["written_off"])
        assert (
            rows["members"] * rows["load"] <= whole(rows["productive"] * rows["lever.caseload"], SHARE) * MICRO
        ).all()
        assert (rows["members"] <= rows["capacity"]).all() and (rows["waiting"] >= 0).all()
        assert np.array_equal(rows["members"], sum(rows[f"members.{level}"] for level in plan.levels))
        assert all((rows[f"members.{level}"] >= 0).all() for level in plan.levels)
        assert (sum(rows[f"mix.{level}"] for level in plan.levels) == 10_000).all()
        assert (rows["units"] <= rows["members"]).all() and (rows["units"] >= 0).all()
        lost = sum(rows[f"lost.{reason}"] for reason in ("no_core_service", "support_late", "retro_disenrolled"))
        assert np.array_equal(
            np.where(
                rows["fail_share.no_core_service"]
                + rows["fail_share.support_late"]
                + rows["fail_share.retro_disenrolled"]
                > 0,
                rows["lost"],
                0,
            ),
            lost,
        )
        assert (rows["receipts"] >= 0).all()

    @settings(max_examples=10)
    @given(raw=drawn(12))
    def test_a_case_is_the_same_alone_and_in_a_crowd(self, raw):
        plan = parse(raw, "drawn")
        crowd = run(plan, [BASE, LaggedScenario(BASE, 75), plan.scenario("drawn")])
        alone = run(plan, [plan.scenario("drawn")])
        assert all(np.array_equal(crowd[name][2], row[0]) for name, row in alone.items())

    def test_cash_comes_to_the_accrual_less_what_is_written_off(self):
        plan = assumed(
            months=60,
            lag={"billed_to_paid": {"days": 50, "slow_share": 0.3, "slow_days": 130}, "never_paid": 0.02},
            denials={"rate": 0.1, "recovered": 0.5, "recovery_months": 4},
            recoupment={"rate": 0.03, "delay_months": 6},
            coordinators=[{"hired": "2025-01", "last_month": "2026-12", "salary": "62000.00"}],
            enrolment={
                "reached": 1,
                "enrolled": 1,
                "disenrolment": [{"from": "2025-01", "value": 0}, {"from": "2027-01", "value": 1}],
            },
            referrals=[
                {"source": "all", "monthly": [{"from": "2025-01", "value": 4}, {"from": "2027-01", "value": 0}]}
            ],
        )
        rows = run(plan, [BASE])
        assert rows["members"][0, -1] == 0
        assert rows["cumulative_cash"][0, -1] == rows["cumulative_accrual"][0, -1] - rows["written_off"].sum()
        assert rows["ar"][0, -1] == 0

    def test_no_lag_means_cash_is_accrual(self):
        rows = run(assumed(), [BASE])
        assert np.array_equal(rows["cash"], rows["accrual"])

    def test_a_longer_lag_never_helps(self):
        plan = example_assumptions()
        peaks = [
            item["cumulative_cash"].min()
            for item in (run(plan, [LaggedScenario(BASE, days)]) for days in range(0, 200, 17))
        ]
        assert all(np.diff(peaks) <= 0)

    def test_without_members_the_deficit_is_the_cost(self):
        plan = assumed(referrals=[{"source": "all", "monthly": 0}])
        rows = run(plan, [BASE])
        assert rows["cumulative_cash"][0, -1] == -rows["expense"].sum()

    def test_a_coordinator_costs_from_the_month_of_hire_to_the_last_month(self):
        people = [
            {"hired": "2025-01", "salary": "62000.00"},
            {"hired": "2025-03", "last_month": "2025-05", "salary": "62000.00"},
        ]
        plan = assumed(coordinators=people)
        rows = run(plan, [BASE])
        at_work = [month in ("2025-03", "2025-04", "2025-05") for month in plan.month_labels]
        assert (rows["fte.1"][0] > 0).tolist() == (rows["salary.1"][0] > 0).tolist() == at_work
        assert (rows["fte.0"][0] > 0).all()

    def test_twice_the_coordinators_twice_the_money(self):
        one, two = (
            assumed(),
            assumed(
                coordinators=[{"hired": "2025-01", "salary": "62000.00", "fte": 2}],
                referrals=[{"source": "all", "monthly": 8}],
            ),
        )
        cash = [run(plan, [BASE])["cash"][0] for plan in (one, two)]
        assert np.abs(cash[1] - 2 * cash[0]).max() <= 6, "only roundings apart"

    def test_rates_change_only_in_their_month(self):
        rows = [
            {"level": level, "effective": month, "rate": rate}
            for level in ("low", "medium", "high")
            for month, rate in (("2025-01", "100.00"), ("2025-09", "110.00"))
        ]
        rate = run(assumed(rates={"rows": rows}), [BASE])["rate.low.downstate"][0]
        assert rate[:8].tolist() == [10_000] * 8 and rate[8:].tolist() == [11_000] * 28

    @pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.key)
    def test_every_lever_moves_cash_the_way_it_says(self, lever):
        plan = dataclasses.replace(example_assumptions(), months=60)
        step = {"factor": 2_000, "move": 500, "added_days": 20, "added_months": 2}[lever.kind]
        closing = [
            run(plan, [Scenario("x", "X", {lever.key: lever.neutral + move})])["cumulative_cash"][0, -1]
            for move in (-step, 0, step)
        ]
        assert all(np.sign(np.diff(closing)) == lever.better)

    def test_a_scenario_holds_only_in_its_months(self):
        rows = run(example_assumptions(), [BASE, example_assumptions().scenario("denial_spike")])
        differs = rows["denial_share"][0] != rows["denial_share"][1]
        months = np.array(example_assumptions().month_labels)
        assert months[differs].tolist() == [f"2027-{month:02d}" for month in range(6, 13)]

    def test_hiring_later_moves_the_positions_of_the_plan_and_no_other(self):
        """One position held already, one of May: with three months' delay it is filled, and trained, from August on."""
        people = [{"hired": "2024-10", "salary": "60000.00"}, {"hired": "2025-05", "salary": "60000.00"}]
        plan = assumed(coordinators=people, staffing={"ramp": [0.25, 0.6, 1.0]})
        rows = run(plan, [BASE, Scenario("late", "Late", {"hiring": 3}), Scenario("soon", "Soon", {"hiring": -2})])
        assert (rows["fte.0"] == 1_000).all() and (rows["productive.0"] == 1_000).all()
        assert rows["productive.1"][:, :11].tolist() == [
            [0, 0, 0, 0, 250, 600, 1_000, 1_000, 1_000, 1_000, 1_000],
            [0, 0, 0, 0, 0, 0, 0, 250, 600, 1_000, 1_000],
            [0, 0, 250, 600, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
        ]
        assert rows["salary.1"][1, 6:8].tolist() == [0, 500_000]

    def test_outreach_pays_nothing_unless_switched_on(self):
        off, on = (
            assumed(
                enrolment={"reached": 1, "enrolled": 1, "delay_months": 3},
                outreach={"paid": paid, "rate": "135.00", "months_limit": 2},
            )
            for paid in (False, True)
        )
        assert not run(off, [BASE])["billed.outreach"].any()
        assert run(on, [BASE])["billed.outreach"][0, :4].tolist() == [54_000, 108_000, 108_000, 108_000]


class TestRegions:
    """Members of each region get their region's rate; low, medium and high are 276, 553, 921 downstate and 243, 485,
    809 upstate."""

    TWO = [
        {"from": "2025-01", "upstate": 0.25, "downstate": 0.75},
        {"from": "2025-07", "upstate": 0.5, "downstate": 0.5},
    ]

    def test_by_hand(self):
        """20 members in May: 8 low, 8 medium, 4 high, a quarter of each upstate; 88 % billable."""
        rows = run(assumed(region=None, regions=self.TWO), [BASE])
        month = 4
        assert rows["members"][0, month] == 20_000
        assert [rows[f"members.{level}.upstate"][0, month] for level in ("low", "medium", "high")] == [
            2_000,
            2_000,
            1_000,
        ]
        assert rows["members_in.upstate"][0, month] == 5_000 and rows["members_in.downstate"][0, month] == 15_000
        upstate, downstate = (
            0.88 * (low * a + low * b + high * c)
            for low, high, (a, b, c) in ((2, 1, (243, 485, 809)), (6, 3, (276, 553, 921)))
        )
        assert rows["billed"][0, month] == pytest.approx((upstate + downstate) * 100, abs=1)

    def test_a_region_has_its_own_mix(self):
        """20 members in May, 5 upstate: there 1 low, 1 medium and 3 high, elsewhere 6, 6 and 3 as before."""
        own = {"region": "upstate", "from": "2025-01", "low": 0.2, "medium": 0.2, "high": 0.6}
        mix = [{"from": "2025-01", "low": 0.4, "medium": 0.4, "high": 0.2}, own]
        plan = assumed(region=None, regions=self.TWO, acuity__mix=mix)
        rows, month = run(plan, [BASE]), 4
        here, elsewhere = (
            [rows[f"members.{level}.{region}"][0, month] for level in plan.levels] for region in plan.regions
        )
        assert (here, elsewhere) == ([1_000, 1_000, 3_000], [6_000, 6_000, 3_000])
        assert [rows[f"mix.{level}"][0, month] for level in plan.levels] == [3_500, 3_500, 3_000]
        dollars = 0.88 * (243 + 485 + 3 * 809 + 6 * 276 + 6 * 553 + 3 * 921)
        assert rows["billed"][0, month] == pytest.approx(dollars * 100, abs=1)
        assert parse(tomllib.loads(as_toml(plan)), "again").mix_in == plan.mix_in

    def test_a_region_with_its_own_mix_needs_coordinators_for_its_own_load(self):
        """Half upstate, all high there and all low elsewhere: 16 and 55 members a coordinator make 24.79 on average."""
        mixes = [
            {"region": "upstate", "from": "2025-01", "high": 1},
            {"region": "downstate", "from": "2025-01", "low": 1},
        ]
        plan = assumed(
            region=None,
            regions=[{"from": "2025-01", "upstate": 0.5, "downstate": 0.5}],
            acuity__mix=mixes,
            acuity__caseload={"low": 55, "medium": 30, "high": 16},
        )
        assert run(plan, [BASE])["capacity"][0, 0] == pytest.approx(1_000 / (0.5 / 16 + 0.5 / 55), abs=1)

    def test_the_average_rate_weighs_the_regions(self):
        plan = assumed(region=None, regions=self.TWO)
        down, up, both = (
            programme_plan(case).summary.net_revenue_per_member_cents
            for case in (assumed(), assumed(region="upstate"), plan)
        )
        assert both == pytest.approx((down + up) / 2), "half of the members live in each region in the last month"

    def test_all_in_one_region_is_the_plan_of_that_region(self):
        alone, spread = (
            run(plan, [BASE])
            for plan in (assumed(), assumed(region=None, regions=[{"from": "2025-01", "upstate": 0, "downstate": 1}]))
        )
        assert all(np.array_equal(row, spread[name]) for name, row in alone.items() if name != "region_to.downstate")

    def test_the_parts_of_every_split_sum_to_the_whole(self):
        plan = assumed(region=None, regions=[{"from": "2025-01", "upstate": 0.3333, "downstate": 0.6667}])
        rows = run(plan, [BASE])
        for level in plan.levels:
            for name in ("members", "units", "billed"):
                assert np.array_equal(
                    rows[f"{name}.{level}"], rows[f"{name}.{level}.upstate"] + rows[f"{name}.{level}.downstate"]
                )


class TestAssessments:
    def test_nothing_unless_stated(self):
        assert not run(assumed(), [BASE])["billed.assessment"].any()

    def test_one_fee_for_each_new_member(self):
        """Four new members a month, three quarters of them billed at the 186.85 in force since April 2022."""
        rows = run(assumed(assessment={"paid": True, "share": 0.75}), [BASE])
        assert rows["billed.assessment"][0, :8].tolist() == [3 * 18_685] * 6 + [round(0.75 * 18_685), 0], (
            "the caseload is full at 25"
        )
        without = run(assumed(), [BASE])
        assert np.array_equal(rows["billed"] - without["billed"], rows["billed.assessment"])

    def test_members_taken_over_bring_none(self):
        plan = assumed(assessment={"paid": True}, enrolment={"reached": 1, "enrolled": 1, "opening_members": 10})
        assert run(plan, [BASE])["units.assessment"][0, 0] == 4_000
        again = assumed(
            assessment={"paid": True, "again": 0.1667}, enrolment={"reached": 1, "enrolled": 1, "opening_members": 10}
        )
        assert run(again, [BASE])["units.assessment"][0, 0] == 4_000 + round(0.1667 * 14_000), "of the month's members"

    def test_its_rate_is_dated(self):
        rows = [{"level": level, "effective": "2025-01", "rate": 300} for level in ("low", "medium", "high")]
        rows += [
            {"level": "assessment", "effective": month, "rate": rate}
            for month, rate in (("2025-01", "100.00"), ("2025-03", "200.00"))
        ]
        found = run(assumed(rates={"rows": rows}, assessment={"paid": True}), [BASE])["billed.assessment"][0, :4]
        assert found.tolist() == [40_000, 40_000, 80_000, 80_000]

    def test_the_break_even_caseload_leaves_it_out(self):
        assert programme_plan(
            assumed(assessment={"paid": True})
        ).summary.break_even_members_per_coordinator == pytest.approx(19.58, abs=0.005)


@pytest.mark.parametrize(
    ("product", "divisor", "expected"),
    [
        pytest.param(5, 10, 1, id="half goes up"),
        pytest.param(-5, 10, -1, id="half below zero goes away from zero"),
        pytest.param(4, 10, 0, id="less than half goes down"),
        pytest.param(7, 3, 2, id="an odd divisor"),
        pytest.param(0, 7, 0, id="nothing"),
    ],
)
def test_the_one_rounding_rule(product, divisor, expected):
    assert whole(np.array([product]), divisor).tolist() == [expected]


def test_amounts_that_cannot_be_exact_are_refused():
    with pytest.raises(ParameterError, match="too large"):
        whole(np.array([2**52]), 10)


class TestMoreCasesThanCapacity:
    def test_at_the_start(self):
        with pytest.raises(
            ParameterError,
            match=r"enrolment.opening_members: expected no more members .* 30.0 members and room for 25.0 in 2025-01",
        ):
            programme_plan(assumed(enrolment={"reached": 1, "enrolled": 1, "opening_members": 30}))

    def test_it_is_named_by_the_cell_where_there_is_one(self):
        plan = assumed(enrolment={"reached": 1, "enrolled": 1, "opening_members": 30})
        with pytest.raises(ParameterError, match=r"^the cell of enrolment.opening_members: expected"):
            refuse_overload(plan, lambda key: f"the cell of {key}")

    def test_when_a_coordinator_leaves(self):
        people = [
            {"hired": "2025-01", "salary": "62000.00"},
            {"hired": "2025-01", "last_month": "2026-06", "salary": "62000.00"},
        ]
        with pytest.raises(ParameterError, match=r"coordinators, .* 2026-07 \(1 month in all\)"):
            programme_plan(assumed(coordinators=people))

    def test_a_scenario_may_send_members_away_and_shows_it(self):
        plan = assumed(scenarios=[{"name": "tight", "caseload": 0.5, "from": "2026-01"}])
        assert programme_plan(plan, "tight").months["transferred"].sum() == 12_500


def test_fewer_contacts_than_expected_cost_nothing_and_take_nothing():
    """One contact a member, a thousand expected: the incentive stays at nought, it never becomes a fine."""
    plan = assumed(
        staffing__contacts_per_member=1, staffing__contacts_expected=1000, staffing__incentive_per_contact="6.35"
    )
    rows = run(plan, [BASE])
    assert (rows["contacts"] < rows["contacts_expected"]).any() and (rows["incentive"] == 0).all()
