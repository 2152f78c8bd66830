"""Results against plan: nothing where all went as planned, one driver where one changed, and sums that hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from builders.as_planned import BASE, MONTHS, PLAN, as_planned
from rcm_analysis.errors import TableError
from rcm_analysis.models.plan.actuals import actuals, read_actuals
from rcm_analysis.models.plan.assumptions import Scenario
from rcm_analysis.models.plan.engine import run
from rcm_analysis.models.plan.programme import programme_plan
from rcm_analysis.models.plan.results import (
    DRIVERS,
    acuity,
    coordinators,
    funnel,
    incentives,
    variance,
    variance_totals,
)


def totals(frames: dict[str, pd.DataFrame]) -> dict[str, tuple[int, int]]:
    table = variance_totals(variance(PLAN, actuals(frames, PLAN)))
    return {row.driver: (row.revenue_cents, row.cash_cents) for row in table.itertuples()}


class TestVariance:
    def test_nothing_where_all_went_as_planned(self):
        split = variance(PLAN, actuals(as_planned(), PLAN))
        assert len(split) == MONTHS * len(DRIVERS)
        assert not split[["revenue_cents", "cash_cents"]].any().any()

    @pytest.mark.parametrize(
        ("levers", "drivers"),
        [
            pytest.param({"engagement": 7_000}, {"volume"}, id="fewer enrol"),
            pytest.param({"acuity_shift": 2_500}, {"acuity mix"}, id="members less ill"),
            pytest.param({"rate": 9_500}, {"rate"}, id="rates cut"),
            pytest.param({"failed_months": 18_000}, {"billable share"}, id="more months fail"),
            pytest.param({"denials": 1_000}, {"denials"}, id="more denied"),
            pytest.param({"lag_days": 60}, {"lag"}, id="paid later"),
            pytest.param({"salary": 11_000}, {"expense"}, id="higher salaries"),
        ],
    )
    def test_the_driver_that_changed_is_named(self, levers, drivers):
        found = totals(as_planned(Scenario("x", "X", levers)))
        size = {name: abs(found[name][1]) for name in DRIVERS}
        moved = {name for name, cents in size.items() if cents > 12 * 10 and name != "expense"}
        assert moved | ({"expense"} if "salary" in levers else set()) == drivers, "a cent here and there is rounding"
        assert all(found[name][1] < 0 for name in drivers)

    def test_members_who_live_elsewhere_show_under_rate(self):
        planned, happened = (
            dataclasses.replace(
                PLAN,
                regions={"downstate": ((PLAN.start, share),), "upstate": ((PLAN.start, 10_000 - share),)},
                rates={
                    level: by_region | {"upstate": ((PLAN.start, 20_000),)} for level, by_region in PLAN.rates.items()
                },
            )
            for share in (9_000, 5_000)
        )
        assert (
            not variance(planned, actuals(as_planned(plan=planned), planned))[["revenue_cents", "cash_cents"]]
            .any()
            .any()
        )
        found = variance(planned, actuals(as_planned(plan=happened), planned)).groupby("driver")["revenue_cents"].sum()
        assert found["rate"] < -100_000 and found.drop("rate").abs().max() < 120

    def test_fees_that_the_source_cannot_hold_are_left_out_of_the_plan(self):
        plan = PLAN.with_values(assessment__paid=1)
        billed = run(plan, [BASE])["billed.assessment"][0, :MONTHS].sum()
        assert billed > 0, "the plan expects fees"
        frames = as_planned(plan=PLAN.with_values(assessment__paid=0))
        asked, silent = (
            variance(plan, actuals(frames, plan, without=without)) for without in ((), ("outreach", "assessment"))
        )
        assert not silent["cash_cents"].any() and not silent["revenue_cents"].any()
        missed = asked.groupby("driver")["revenue_cents"].sum()
        assert missed["volume"] < -0.7 * billed and missed.drop("volume").abs().max() < 120, (
            "fees not billed are a shortfall of volume"
        )

    def test_the_lag_has_no_effect_on_revenue(self):
        assert totals(as_planned(Scenario("x", "X", {"lag_days": 60})))["lag"][0] == 0

    def test_the_parts_sum_to_the_whole_in_every_month(self):
        everything = Scenario(
            "x",
            "X",
            {
                "engagement": 8_000,
                "acuity_shift": 1_500,
                "rate": 9_700,
                "failed_months": 15_000,
                "denials": 700,
                "lag_days": 40,
                "salary": 10_500,
            },
        )
        happened = run(PLAN, [everything])
        split = variance(PLAN, actuals(as_planned(everything), PLAN))
        by_month = split.groupby("month")[["revenue_cents", "cash_cents"]].sum()
        plan = programme_plan(PLAN).months.iloc[:MONTHS]
        cash = (happened["receipts"] - happened["expense"])[0, :MONTHS] - (
            plan["receipts"] - plan["expense"]
        ).to_numpy()
        assert by_month["cash_cents"].tolist() == cash.tolist()
        revenue = (happened["revenue"] - happened["expense"])[0, :MONTHS] - (
            plan["revenue"] - plan["expense"]
        ).to_numpy()
        assert np.abs(by_month["revenue_cents"].to_numpy() - revenue).max() <= 2, (
            "recoveries are the plan's share of what was denied"
        )

    def test_without_expense_that_driver_is_silent(self):
        frames = as_planned()
        del frames["expense"]
        assert totals(frames)["expense"] == (0, 0)

    def test_nothing_paid_yet_is_all_lag(self):
        frames = as_planned()
        frames["payments"] = frames["payments"].iloc[:0]
        found = totals(frames)
        assert found["lag"][1] == -int(programme_plan(PLAN).months["receipts"].iloc[:MONTHS].sum())
        assert found["total"] == (0, found["lag"][1])


class TestMeasures:
    def test_the_funnel_stands_beside_the_plan(self):
        table = funnel(PLAN, actuals(as_planned(), PLAN))
        for name in (
            "referrals",
            "quality_rate",
            "reached_rate",
            "enrolled_rate",
            "members",
            "billable_rate",
            "denial_rate",
        ):
            assert table[name].astype(float).equals(table[f"plan_{name}"].astype(float)), name
        assert pd.isna(table["billable_rate"].iloc[0]), "no members in the first month, so no rate"

    def test_acuity_beside_the_plan(self):
        table = acuity(PLAN, actuals(as_planned(), PLAN)).dropna()
        assert np.allclose(table["share"], table["plan_share"], atol=0.001)

    def test_a_coordinator_with_ill_members_is_compared_with_ill_members(self):
        """Ann's members are all high and take six contacts each; Ben's are all low and take two. Cy does better on
        Ann's kind."""
        rows = [
            ("Ann", "high", 10, 60, 8),
            ("Ben", "low", 40, 80, 36),
            ("Cy", "high", 10, 80, 9),
            ("Cy", "low", 10, 20, 9),
        ]
        frames = as_planned(months=1)
        frames["caseload"] = pd.DataFrame(
            [
                {
                    "month": "2027-01",
                    "coordinator": who,
                    "level": level,
                    "members": members,
                    "contacts": contacts,
                    "units": units,
                }
                for who, level, members, contacts, units in rows
            ]
        )
        table = coordinators(PLAN, actuals(frames, PLAN)).set_index("coordinator")
        assert table.loc["Ann", "expected_contacts"] == pytest.approx(70_000)
        assert table.loc["Ann", "contact_index"] == pytest.approx(60 / 70)
        assert table.loc["Ben", "contact_index"] == pytest.approx(1.0)
        assert table.loc["Cy", "contact_index"] == pytest.approx(100 / 90)
        assert table.loc["Ben", "load"] == pytest.approx(40 / 55) and table.loc["Ann", "load"] == pytest.approx(10 / 16)
        assert table.loc["Ann", "unit_index"] == pytest.approx(8 / 8.5) and table.loc["Ben", "high_share"] == 0
        paid = incentives(table.reset_index())
        assert paid["coordinator"].tolist() == ["Cy"] and paid["incentive_cents"].tolist() == [10 * 600]

    def test_nobody_above_expectation(self):
        frames = as_planned(months=3)
        assert incentives(coordinators(PLAN, actuals(frames, PLAN))).empty


class TestReading:
    def write(self, folder, frames):
        for name, frame in frames.items():
            frame.to_csv(folder / f"{name}.csv", index=False)

    def test_a_folder_of_files(self, tmp_path):
        self.write(tmp_path, as_planned())
        read = read_actuals(tmp_path, PLAN)
        assert read.months == tuple(PLAN.month_labels[:MONTHS])
        assert not variance(PLAN, read)["cash_cents"].any()

    def test_expense_may_be_left_out_but_nothing_else(self, tmp_path):
        frames = as_planned()
        self.write(tmp_path, {name: frame for name, frame in frames.items() if name != "expense"})
        assert read_actuals(tmp_path, PLAN).expense.empty
        (tmp_path / "payments.csv").unlink()
        with pytest.raises(TableError, match="payments.csv is missing .* service_month, month, paid"):
            read_actuals(tmp_path, PLAN)

    @pytest.mark.parametrize(
        ("table", "change", "message"),
        [
            pytest.param(
                "billing",
                {"billed": "12.345"},
                r"billing.billed: expected dollars to the cent, 0 or more; 60 of 60 rows are not, first at row 2",
                id="half a cent",
            ),
            pytest.param(
                "caseload", {"members": -1}, r"caseload.members: expected numbers of 0 or more", id="fewer than none"
            ),
            pytest.param(
                "caseload",
                {"level": "severe"},
                r"caseload.level: expected one of high, low, medium; 36 rows",
                id="unknown level",
            ),
            pytest.param(
                "payments", {"month": "May"}, r"payments.month: expected months written YYYY-MM", id="a month in words"
            ),
            pytest.param(
                "caseload",
                {"month": "2027-03"},
                r"caseload.month: expected the months from 2027-01 on without a gap",
                id="months missing",
            ),
        ],
    )
    def test_what_cannot_be_used_is_named(self, table, change, message):
        frames = as_planned()
        frames[table] = frames[table].assign(**change)
        with pytest.raises(TableError, match=message):
            actuals(frames, PLAN)

    def test_a_missing_column(self):
        frames = as_planned()
        frames["caseload"] = frames["caseload"].drop(columns="contacts")
        with pytest.raises(TableError, match="caseload lacks the columns contacts"):
            actuals(frames, PLAN)
