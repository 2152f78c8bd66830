"""The pages of the care-coordination plan: honest sentences, edges, sliders, and the template from end to end."""

from __future__ import annotations

import dataclasses
import re
import time
from types import SimpleNamespace

import pandas as pd
import pytest

from builders.as_planned import as_planned
from builders.plan_cases import assumed
from rcm_analysis.errors import ParameterError
from rcm_analysis.exhibits.care_coordination_plan import review
from rcm_analysis.exhibits.care_coordination_plan.answers import CarePlan, by_quarter
from rcm_analysis.exhibits.care_coordination_plan.figures import SLIDERS, PlanPicture, at_a_bench, panel, show_sliders
from rcm_analysis.exhibits.care_coordination_plan.review import TEMPLATE, open_plan
from rcm_analysis.exhibits.care_coordination_plan.workbook.book import write_plan_workbook
from rcm_analysis.exhibits.formats import as_text
from rcm_analysis.models.plan.actuals import actuals
from rcm_analysis.models.plan.assumptions import EXAMPLE, as_toml, example_assumptions
from rcm_analysis.models.plan.fields import FIELDS, LEVER_BY_KEY
from rcm_analysis.models.plan.programme import programme_plan
from rcm_analysis.simulate.files.workspace import write_company

SMALL = dataclasses.replace(example_assumptions(), months=24, draws=40)
EXHIBITS = (
    "answers",
    "numbers",
    "cash",
    "members",
    "scenarios",
    "working_capital",
    "tornado",
    "futures",
    "way_out",
    "actual",
    "definitions",
    "provenance",
)


def cards_of(plan: CarePlan) -> dict[str, tuple[str, str]]:
    return {item["title"]: (item["answer"], item["detail"]) for item in plan.answers()[-1].payload["items"]}


@pytest.mark.parametrize("name", EXHIBITS)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(SMALL, id="the example"),
        pytest.param(assumed(simulation={"draws": 5}, opening_cash="90000.00"), id="no uncertainty and no gap"),
        pytest.param(
            assumed(
                simulation={"draws": 5},
                referrals=[{"source": "all", "monthly": 0}],
                coordinators=[{"hired": "2030-01", "salary": "1.00"}],
            ),
            id="nobody hired, nobody enrolled",
        ),
        pytest.param(assumed(simulation={"draws": 5}, months=1), id="one month"),
    ],
)
def test_every_exhibit_stands_at_the_edges(plan, name):
    found = getattr(CarePlan(plan), name)()
    assert found
    for block in found:
        assert "nan" not in str(block.payload.get("text", "")).lower().split()
        assert block.bundle()["text/html"]


class TestSentences:
    def test_the_published_example_in_words(self):
        found = cards_of(
            CarePlan(assumed(simulation={"draws": 5}, lag={"billed_to_paid": {"days": 120}}, opening_cash="40000.00"))
        )
        assert found["How deep does the hole get?"] == (
            "$47,275",
            "The running cash flow is lowest in Aug 2025; the accrual result alone would show $15,531.",
        )
        assert found["When is it paid back?"][0] == "Jul 2027"
        assert found["What pays for a coordinator?"][0] == "19.6 members"
        assert found["Is there enough cash?"][0] == "No"
        assert found["What closes the gap?"][0] == "$7,275 more cash"

    def test_without_a_hole(self):
        found = cards_of(
            CarePlan(assumed(simulation={"draws": 5}, coordinators=[{"hired": "2030-01", "salary": "1.00"}]))
        )
        assert found["How deep does the hole get?"][0] == "No hole"
        assert found["What closes the gap?"] == ("No gap", "Cash at hand never falls below zero in this scenario.")

    def test_quarters_sum_to_the_plan(self):
        months = programme_plan(SMALL).months
        quarters = by_quarter(months)
        assert quarters["cash"].sum() == months["cash"].sum()
        assert quarters["balance"].iloc[-1] == months["balance"].iloc[-1]
        assert quarters["quarter"].iloc[0] == "Jan–Mar 2027"

    def test_every_printed_result_is_made_of_the_columns_beside_it(self):
        table = CarePlan(example_assumptions()).cash()[1]
        names = [column.name for column in table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in table.rows]
        assert rows and any(row["reserve"] for row in rows)
        for row in rows:
            assert row["revenue"] - row["reserve"] - row["expense"] == row["accrual"]
            assert row["receipts"] - row["recouped"] - row["expense"] == row["cash"]

    def test_a_scenario_without_levers_repeats_nothing_in_the_table(self):
        (table,) = CarePlan(example_assumptions()).scenarios()
        assert [row[0] for row in table.rows] == [
            "Base",
            "Slow payer",
            "Low engagement",
            "Acuity shift",
            "Denial spike",
            "Hiring three months late",
        ]
        assert any(line.startswith("Your own: nothing is changed yet") for line in table.notes)

    def test_a_plan_kinder_than_half_of_its_futures_says_so(self):
        plan = CarePlan(example_assumptions())
        finding = plan.futures()[0].payload["finding"]
        half = plan.drawn.peaks.set_index("percentile")["peak_deficit_cents"][50]
        assert half < plan.plan.summary.peak_deficit_cents
        assert "on the kind side: half of the futures are deeper than $265,528." in finding

    def test_page_one_says_how_much_of_the_plan_is_the_shipped_example(self):
        first = CarePlan(example_assumptions(), whose="Acme").answers()[0].payload
        assert (
            first["text"].startswith("This is the shipped example")
            and "none of its figures are Acme's" in first["text"]
        )
        some = example_assumptions().with_values(denials__rate=1_111, staffing__fringe=3_333)
        told = CarePlan(some, whose="Acme").answers()[0].payload["text"]
        same, every = map(int, re.match(r"(\d+) of (\d+) inputs stand as in the shipped example", told).groups())
        assert same == every - 2
        assert CarePlan(assumed()).answers()[0].payload["kind"] == "cards", "its own inputs need no warning"

    def test_results_name_the_largest_part_that_is_missing(self):
        slow = example_assumptions().scenario("slow_payer")
        plan = CarePlan(example_assumptions(), actual=actuals(as_planned(slow), example_assumptions()))
        found = plan.actual()
        assert "The largest part that is missing: lag" in found[0].payload["finding"]
        assert [block.payload["name"] for block in found if block.payload["kind"] in ("table", "figure")] == [
            "variance_chart",
            "variance_by_month",
            "programme_steps",
            "steps_by_month",
            "acuity",
            "coordinators",
            "coordinators_by_month",
        ]
        assert cards_of(plan)["Are we on plan?"][1] == found[0].payload["finding"]

    def test_what_the_actual_months_cannot_tell_is_said(self):
        frames = as_planned()
        del frames["expense"]
        example = example_assumptions().with_values(assessment__paid=1)
        plan = CarePlan(example, actual=actuals(frames, example, without=("outreach", "assessment")))
        chart, by_month, *_ = plan.actual()
        assert by_month.payload["notes"] == [
            "The actual months hold no expense: what was spent counts as planned.",
            "The stored tables hold no assessment fees: left out of the plan here, too.",
        ]
        assert "Expense" not in [row[0] for row in chart.payload["table"]["text"]]
        assert by_month.payload["text"][-1][0] == "All months" and cards_of(plan)["Are we on plan?"][0] == "On plan"

    def test_what_was_spent_stands_line_by_line_and_adds_up(self):
        """Salaries $100 above plan in the first month; of other lines, and of the last month, the ledger is silent."""
        frames, example = as_planned(), example_assumptions()
        planned = programme_plan(example).months["salaries"].head(len(frames["outreach"]))
        told = pd.DataFrame({"month": frames["outreach"]["month"], "line": "salaries", "expense": planned / 100})
        told.loc[0, "expense"] += 100
        plan = CarePlan(example, actual=actuals(frames | {"expense": told.iloc[:-1].astype(str)}, example))
        table = next(block for block in plan.actual() if getattr(block, "name", "") == "expense_by_line")
        rows = {row[0]: row[1:] for row in table.rows}
        *lines, total = rows.values()
        assert [sum(column) for column in zip(*lines, strict=True)] == list(total) and total[2] == 10_000
        assert rows["Salaries of coordinators"][2] == 10_000 and rows["Overhead"][2] == 0
        first, second = table.payload["notes"]
        assert "their fringe, supervision" in first and as_text(told["month"].iloc[-1], "month") in second

    def test_what_the_ledger_says_came_in_stands_beside_the_records_and_adds_up(self):
        frames, example = as_planned(), example_assumptions()
        first, second = frames["outreach"]["month"][:2]
        told = pd.DataFrame(
            {"month": [first, second], "booked_cents": [74_990, 5_000], "recorded_cents": [77_495, 5_000]}
        )
        plan = CarePlan(example, actual=dataclasses.replace(actuals(frames, example), receipts=told))
        table = next(block for block in plan.actual() if getattr(block, "name", "") == "receipts_by_month")
        assert [list(row[1:]) for row in table.rows] == [
            [77_495, 74_990, -2_505],
            [5_000, 5_000, 0],
            [82_495, 79_990, -2_505],
        ]

    def test_without_ranges_no_chance_is_claimed(self):
        plan = CarePlan(assumed(simulation={"draws": 5}))
        assert "drawn futures" not in cards_of(plan)["Is there enough cash?"][1]
        assert plan.futures()[0].payload["kind"] == "note"
        chance = next(
            item for item in plan.numbers()[0].payload["items"] if item["label"] == "Chance to run out of cash"
        )
        assert chance["value"] == "– (no ranges given)"

    def test_months_not_billed_are_worth_a_months_rate_without_fees(self):
        """12 % of the member-months at the blend of 515.80; the fee of assessments does not make a month dearer."""
        table = CarePlan(assumed(simulation={"draws": 5}, assessment={"paid": True})).members()[1].payload
        months, cents = table["rows"][0][1:]
        assert table["rows"][0][0] == "Months without a core service" and cents / months == pytest.approx(
            51_580, rel=0.001
        )

    def test_a_scenario_that_changes_nothing_yet_says_so(self):
        assert "Your own: nothing is changed yet" in " ".join(CarePlan(SMALL).scenarios()[0].payload["notes"])

    def test_every_assumption_is_printed_with_its_value_and_meaning(self):
        rows = {row[0]: row[1:] for row in CarePlan(SMALL).definitions()[1].payload["text"]}
        assert {field.title for field in FIELDS} <= set(rows)
        assert (
            rows["Rate, high, downstate"][0] == "$921.00" and rows["Denied at first"][0] == "14.0%; 9.0% from Jul 2027"
        )
        assert rows["Coordinator, Coordinator 2"][0] == "May 2027 on; 1 full-time; $62,000 a year"


class TestSliders:
    def test_every_slider_moves_a_lever(self):
        assert {slider[0] for slider in SLIDERS} <= set(LEVER_BY_KEY)

    def test_a_move_redraws_in_time_and_says_what_the_plan_says(self):
        picture = PlanPicture(example_assumptions())
        took = []
        for _ in range(6):
            begun = time.process_time()  # the machine's other work is no part of a redraw
            image, words = picture.redraw({"lag_days": 60})
            took.append(time.process_time() - begun)
        assert image.startswith(b"\x89PNG") and "($335,273)" in words
        assert min(took) < 0.1

    def test_a_report_run_shows_none(self, monkeypatch, capsys):
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        show_sliders(SMALL)
        assert capsys.readouterr().out == ""

    def test_vs_code_is_a_bench_too(self, monkeypatch):
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        assert not at_a_bench()
        monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(user_ns={"__vsc_ipynb_file__": "a.ipynb"}))
        assert at_a_bench()

    def test_in_the_lab_they_follow_each_other(self):
        widgets = pytest.importorskip("ipywidgets")
        box = panel(SMALL, widgets)
        before = box.children[-1].value
        box.children[1].value = 120
        assert box.children[-1].value != before


class TestOpening:
    def test_toml_and_workbook_open_to_the_same_plan(self, tmp_path, capsys):
        (tmp_path / "plan.toml").write_text(as_toml(SMALL))
        write_plan_workbook(SMALL, tmp_path / "plan.xlsx")
        opened = [open_plan(tmp_path, "plan", "2027-01", assumptions=name) for name in ("plan.toml", "plan.xlsx")]
        assert opened[0].review.plan.months.equals(opened[1].review.plan.months)

    @pytest.mark.parametrize("given", ["example", "published", "copy.toml"])
    def test_no_client_gets_a_plan_on_the_shipped_assumptions(self, tmp_path, given, capsys):
        write_company(tmp_path, months=1, clients=["dr-suess"], scale=0.05)
        (tmp_path / "copy.toml").write_bytes(EXAMPLE.read_bytes())
        with pytest.raises(ParameterError, match=r"^A plan of Dr\. Suess needs Dr\. Suess's own assumptions") as told:
            open_plan(tmp_path, "dr-suess", "2026-10", assumptions=given)
        assert "Nothing was run." in str(told.value) and capsys.readouterr().out == ""
        (tmp_path / "own.toml").write_text(as_toml(dataclasses.replace(SMALL, name="Dr. Suess's programme")))
        open_plan(tmp_path, "dr-suess", "2026-10", assumptions="own.toml")

    def test_without_a_client_the_example_is_called_by_its_own_name(self, tmp_path, monkeypatch):
        shown = []
        monkeypatch.setattr(review.blocks, "emit", shown.extend)
        open_plan(tmp_path, "plan", "2027-01")
        assert shown[0].payload["client_name"] == example_assumptions().name

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            pytest.param({"assumptions": "none.toml"}, "There is no none.toml", id="no such file"),
            pytest.param({"scenario": "sunny"}, "There is no scenario 'sunny'", id="no such scenario"),
            pytest.param({"actuals": "nowhere"}, "There is no nowhere", id="no such folder"),
        ],
    )
    def test_what_is_not_there_is_named(self, tmp_path, words, message):
        with pytest.raises(ParameterError, match=message):
            open_plan(tmp_path, "plan", "2027-01", **words)


@pytest.mark.slow
def test_the_template_runs_to_a_report(tmp_path):
    from rcm_analysis.press.runs.run import RunRequest, run

    for name, frame in as_planned(example_assumptions().scenario("slow_payer")).items():
        (tmp_path / "actuals").mkdir(exist_ok=True)
        frame.to_csv(tmp_path / "actuals" / f"{name}.csv", index=False)
    (tmp_path / "plan.toml").write_bytes(EXAMPLE.read_bytes())
    result = run(
        RunRequest(
            template=TEMPLATE,
            client="care-plan",
            period="2027-12",
            runs=tmp_path / "runs",
            workspace=tmp_path,
            parameters={"assumptions": "plan.toml", "actuals": "actuals"},
        )
    )
    assert result.good and not result.warnings
    assert (result.folder / "report.pdf").stat().st_size > 20_000
    sheets = pd.ExcelFile(result.folder / "workbook.xlsx").sheet_names
    assert any("plan_by_month" in name.lower().replace(" ", "_") for name in sheets)
