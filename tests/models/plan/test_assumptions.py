"""The assumptions file: what it takes, and what it says to every mistake."""

from __future__ import annotations

import csv
import datetime as dt
import tomllib

import pytest

from builders.plan_cases import assumed, raw
from rcm_analysis.errors import ParameterError
from rcm_analysis.models.plan.assumptions import (
    EXAMPLE,
    SHIPPED,
    as_toml,
    at,
    example_assumptions,
    parse,
    read_assumptions,
)
from rcm_analysis.models.plan.fields import FIELDS
from rcm_analysis.models.plan.programme import programme_plan
from rcm_analysis.tables.reference.health_home import health_home_rates


def said(**changes) -> str:
    with pytest.raises(ParameterError) as error:
        parse(raw(**changes), "plan.toml")
    return str(error.value)


MIX = {"from": "2025-01", "low": 0.4, "medium": 0.4, "high": 0.2}
STAFF = {"hired": "2025-01", "salary": "62000.00"}


class TestMistakes:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param(
                {"acuity__mix": [MIX | {"low": 0.5}]},
                "acuity.mix (2025-01): expected shares of the levels that sum to 1; found 1.1",
                id="mix above one",
            ),
            pytest.param(
                {"acuity__mix": [MIX, MIX | {"from": "2025-06", "low": 0.3}]},
                "acuity.mix (2025-06): expected shares of the levels that sum to 1; found 0.9",
                id="mix below one later on",
            ),
            pytest.param(
                {"acuity__mix": [MIX | {"from": "2025-02"}]},
                "acuity.mix.low: expected a value for the plan's first month, 2025-01; found 'from 2025-02'",
                id="mix that begins too late",
            ),
            pytest.param(
                {"acuity__mix": [MIX | {"region": "upstate"}]},
                "acuity.mix[0].region: expected one of the plan's regions: downstate; found 'upstate'",
                id="a mix of a region that the plan has not",
            ),
            pytest.param(
                {"acuity__mix": [MIX, {"region": "downstate", "from": "2025-01", "low": 0.5, "medium": 0.6}]},
                "acuity.mix_in.downstate (2025-01): expected shares of the levels that sum to 1; found 1.1",
                id="a region's own mix that does not sum to 1",
            ),
            pytest.param(
                {"lag": {"billed_to_paid": {"days": -5}}},
                "lag.billed_to_paid.days: expected whole days, 0 or more; found -5",
                id="negative lag",
            ),
            pytest.param(
                {"lag": {"billed_to_paid": {"days": 7.5}}},
                "lag.billed_to_paid.days: expected whole days",
                id="half a day of lag",
            ),
            pytest.param(
                {"coordinators": [STAFF, STAFF | {"hired": "2025-06", "last_month": "2025-05"}]},
                (
                    "coordinators[1].last_month: expected a month not before coordinators[1].hired (2025-06); found "
                    "'2025-05'"
                ),
                id="leaves before hired",
            ),
            pytest.param(
                {
                    "rates": {
                        "rows": [
                            {"level": level, "effective": "2025-04", "rate": 100} for level in ("low", "medium", "high")
                        ]
                    }
                },
                "rates (low, downstate): expected a rate for every month of the plan; 3 are missing, first 2025-01; "
                "found 'rates from 2025-04 on'",
                id="rates missing for the first months",
            ),
            pytest.param(
                {
                    "acuity__levels": ["low", "medium", "intense"],
                    "acuity__caseload": {"low": 9, "medium": 9, "intense": 9},
                    "acuity__mix": [{"from": "2025-01", "low": 1}],
                },
                "rates (intense, downstate): expected a rate for every month",
                id="a level without a rate",
            ),
            pytest.param(
                {"region": "midstate"},
                "region: expected a column of the rate table: upstate, downstate; found 'midstate'",
                id="unknown region",
            ),
            pytest.param({"denials__rate": 1.2}, "denials.rate: expected a share from 0 to 1", id="a share above one"),
            pytest.param(
                {"denials__rate": 0.12345}, "with at most four decimals", id="a share finer than the plan counts"
            ),
            pytest.param({"denials__rate": "many"}, "denials.rate: expected a share", id="words for a number"),
            pytest.param({"denials__rate": True}, "denials.rate: expected a share", id="true for a number"),
            pytest.param(
                {"denials__rate": [{"from": "2025-03", "value": 0.1}]},
                "denials.rate: expected a value for the plan's first month, 2025-01",
                id="steps that begin too late",
            ),
            pytest.param(
                {"denials__rate": [{"from": "2025-01", "value": 0.1}, {"from": "2024-12", "value": 0.2}]},
                "denials.rate: expected steps in the order of their months",
                id="steps out of order",
            ),
            pytest.param(
                {"denials__rate": [{"month": "2025-01", "value": 0.1}]},
                "denials.rate[0]: expected a step",
                id="a step misspelled",
            ),
            pytest.param(
                {"opening_cash": [{"from": "2025-01", "value": 1}]},
                "opening_cash: expected one number for the whole plan",
                id="steps where none can be",
            ),
            pytest.param(
                {"denials__rat": 0.1},
                "denials.rat: no input of the plan is called so. Closest: rate.",
                id="a key misspelled",
            ),
            pytest.param(
                {"lag": {"billed_to_paid": {"dayz": 30}}},
                "lag.billed_to_paid.dayz: no input of the plan is called so. Closest: days.",
                id="a key misspelled two tables down",
            ),
            pytest.param(
                {"acuity__caseload": {"low": 25, "medium": 25, "high": 25, "hihg": 9}},
                "acuity.caseload.hihg: no input of the plan is called so. Closest: high.",
                id="a caseload for no level",
            ),
            pytest.param(
                {"costs": {"startup": [{"what": "x", "month": "2025-01", "amount": 1, "paid": 2}]}},
                "costs.startup[0].paid: no input",
                id="a key too many in a row",
            ),
            pytest.param(
                {"regions": [{"from": "2025-01", "upstate": 1}]},
                "region: expected one region, or shares of several under [[regions]], not both",
                id="one region and shares of several",
            ),
            pytest.param(
                {"region": None, "regions": [{"from": "2025-01", "upstate": 0.5, "downstate": 0.4}]},
                "regions (2025-01): expected shares of the regions that sum to 1; found 0.9",
                id="regions below one",
            ),
            pytest.param(
                {"region": None, "regions": [{"from": "2025-01", "upstate": 0.5, "midstate": 0.5}]},
                "regions.midstate: expected a column of the rate table: upstate, downstate",
                id="shares of a region without rates",
            ),
            pytest.param(
                {"rates": {"rows": [{"level": "hihg", "effective": "2024-01", "rate": 1}]}},
                "rates.rows[0].level: expected one of low, medium, high, assessment; found 'hihg'",
                id="a rate for no level",
            ),
            pytest.param(
                {
                    "assessment": {"paid": True},
                    "rates": {
                        "rows": [
                            {"level": level, "effective": "2024-01", "rate": 1} for level in ("low", "medium", "high")
                        ]
                    },
                },
                "rates (assessment, downstate): expected a rate for every month",
                id="assessments paid without a fee",
            ),
            pytest.param(
                {"acuity__levels": ["low", "medium", "outreach"]},
                "acuity.levels: expected levels of members; assessment and outreach",
                id="a level that is none",
            ),
            pytest.param(
                {"enrolment": {"enrolled": 1}},
                "enrolment.reached: expected a share from 0 to 1 with at most four decimals: of eligible "
                "referrals, the share that outreach reaches; found nothing",
                id="an input that must be given",
            ),
            pytest.param(
                {"opening_cash": "99999999999"},
                "opening_cash: expected dollars of 0 or more, to the cent, at most 1,000,000,000",
                id="an amount with too many zeros",
            ),
            pytest.param(
                {"denial": {"rate": 0.1}},
                "denial: no input of the plan is called so. Closest: denials.",
                id="a group misspelled",
            ),
            pytest.param(
                {"billable__support_late": 0.95},
                "billable (2025-01): expected failing shares that sum to at most 1; found 1.07",
                id="more months fail than there are",
            ),
            pytest.param({"coordinators": []}, "coordinators: expected at least one coordinator", id="nobody hired"),
            pytest.param({"referrals": []}, "referrals: expected at least one source", id="nobody refers"),
            pytest.param(
                {"start": "2025-13"},
                "start: expected a month written YYYY-MM, from 2000-01 to 2099-12; found '2025-13'",
                id="a thirteenth month",
            ),
            pytest.param({"months": 0}, "months: expected a whole number from 1 to 120; found 0", id="no months"),
            pytest.param(
                {"acuity__caseload": {"low": 25, "medium": 25, "high": 0}},
                "acuity.caseload.high: expected members above 0",
                id="a caseload of nobody",
            ),
            pytest.param(
                {"staffing__coordinators_per_supervisor": 0},
                "staffing.coordinators_per_supervisor: expected a number above 0",
                id="a supervisor of nobody",
            ),
            pytest.param(
                {"scenarios": [{"name": "x", "denial": 0.1}]},
                "scenarios[0].denial: no input of the plan is called so. Closest: denials.",
                id="a lever misspelled",
            ),
            pytest.param(
                {"scenarios": [{"name": "x"}, {"name": "x"}]},
                "scenarios[1].name: expected a name that no other scenario has",
                id="a scenario twice",
            ),
            pytest.param(
                {"uncertainty": {"rate": {"low": 1.1, "high": 1.2}}},
                "uncertainty.rate: expected low at most",
                id="a range without the present value",
            ),
            pytest.param(
                {"costs": {"startup": [{"what": "x", "month": "2030-01", "amount": 1}]}},
                "costs.startup[0].month: expected a month of the plan, 2025-01 to 2027-12",
                id="start-up after the end",
            ),
            pytest.param(
                {"lag": {"billed_to_paid": {"slow_share": 0.95}}},
                "lag.billed_to_paid.slow_share: expected a share of at most 0.9",
                id="nearly everything slow",
            ),
        ],
    )
    def test_names_the_key_what_was_expected_and_runs_nothing(self, changes, message):
        text = said(**changes)
        assert message in text
        assert "Nothing was run." in text

    def test_every_mistake_is_named_at_once(self):
        text = said(denials__rate=2, fees__mco=3, months=0)
        assert text.startswith("plan.toml: 3 of the plan's inputs cannot be used.")
        assert all(key in text for key in ("denials.rate", "fees.mco", "months"))

    def test_what_contradicts_itself_is_named_with_what_is_wrong_in_itself(self):
        text = said(
            denials__rate=2,
            acuity__mix=[MIX | {"low": 0.5}],
            coordinators=[{"hired": "2025-06", "last_month": "2025-05", "salary": "much"}],
            billable={"support_late": 0.7, "no_core_service": 0.7},
            rates={"rows": [{"level": "hihg", "effective": "2024-01", "rate": -1, "rat": 1}]},
            scenarios=[{"name": "a", "from": "2025-03", "until": "2025-02"}],
        )
        for told in (
            "denials.rate: expected a share",
            "acuity.mix (2025-01): expected shares of the levels that sum to 1",
            "coordinators[0].last_month: expected a month not before coordinators[0].hired (2025-06)",
            "coordinators[0].salary: expected dollars",
            "billable (2025-01): expected failing shares that sum to at most 1; found 1.4",
            "rates.rows[0].level: expected one of low",
            "rates.rows[0].rate: expected dollars",
            "rates.rows[0].rat: no input of the plan is called so. Closest: rate.",
            "scenarios[0].until: expected a month not before scenarios[0].from (2025-03)",
        ):
            assert told in text
        assert "and 1 more" not in text

    @pytest.mark.parametrize(
        "key",
        [
            *("name", "start", "months", "regions", "acuity", "acuity__levels", "acuity__mix", "acuity__caseload"),
            *("rates", "rates__rows", "rates__table", "referrals", "coordinators", "staffing", "staffing__ramp"),
            *("costs", "costs__startup", "lag", "lag__billed_to_paid", "denials__rate", "opening_cash"),
            *("scenarios", "uncertainty", "uncertainty__rate", "simulation", "simulation__seed"),
        ],
    )
    @pytest.mark.parametrize("value", [-1.5, True, [[1]], [{"a": 1}], {"a": 1}, float("nan")], ids=str)
    def test_whatever_stands_there_is_refused_in_our_words(self, key, value):
        text = said(**{key: value})
        assert key.replace("__", ".") in text and "expected" in text or "is called so" in text
        for foreign in ("Input should", "valid", "pydantic", "Unexpected", "another kind of value"):
            assert foreign not in text

    def test_no_such_file(self, tmp_path):
        with pytest.raises(ParameterError, match="no assumptions file"):
            read_assumptions(tmp_path / "none.toml")

    def test_nothing_in_the_file(self, tmp_path):
        (tmp_path / "plan.toml").write_text("")
        with pytest.raises(ParameterError, match="start: expected a month written YYYY-MM, .*found nothing"):
            read_assumptions(tmp_path / "plan.toml")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            pytest.param(
                "plan.toml", "plan.toml is not a TOML file: expected text in UTF-8", id="bytes that are no text"
            ),
            pytest.param(
                "plan.xlsx", "plan.xlsx is a workbook, not a TOML file: rcm plan --from plan.xlsx", id="a workbook"
            ),
        ],
    )
    def test_no_text(self, tmp_path, name, message):
        (tmp_path / name).write_bytes(b"PK\xff\xfe")
        with pytest.raises(ParameterError, match=message):
            read_assumptions(tmp_path / name)

    def test_a_folder(self, tmp_path):
        with pytest.raises(ParameterError, match="no assumptions file"):
            read_assumptions(tmp_path)

    def test_not_toml(self, tmp_path):
        (tmp_path / "plan.toml").write_text("start = \n")
        with pytest.raises(ParameterError, match="plan.toml is not a TOML file"):
            read_assumptions(tmp_path / "plan.toml")


class TestFile:
    def test_the_example_names_every_input(self):
        text = EXAMPLE.read_text()
        missing = [field.key for field in FIELDS if field.key.rpartition(".")[2] not in text]
        assert missing == []

    def test_a_file_written_reads_back_the_same(self, tmp_path):
        (tmp_path / "copy.toml").write_text(as_toml(example_assumptions()), encoding="utf-8")
        again = read_assumptions(tmp_path / "copy.toml")
        assert again == example_assumptions()

    def test_several_regions_read_back_the_same(self, tmp_path):
        plan = assumed(
            region=None,
            regions=[
                {"from": "2025-01", "upstate": 0.2, "downstate": 0.8},
                {"from": "2025-05", "upstate": 0.5, "downstate": 0.5},
            ],
            assessment={"paid": True, "share": 0.9},
        )
        (tmp_path / "copy.toml").write_text(as_toml(plan), encoding="utf-8")
        assert read_assumptions(tmp_path / "copy.toml") == plan
        assert plan.regions["upstate"] == (("2025-01", 2_000), ("2025-05", 5_000))
        assert at(plan.rates["assessment"]["upstate"], "2025-01") == 18_685

    def test_a_rate_row_without_a_region_holds_in_all(self):
        rows = [{"level": level, "effective": "2024-01", "rate": 100} for level in ("low", "medium", "high")]
        rows += [{"level": "high", "region": "upstate", "effective": "2025-06", "rate": 90}]
        plan = assumed(
            region=None, regions=[{"from": "2025-01", "upstate": 0.5, "downstate": 0.5}], rates={"rows": rows}
        )
        assert plan.rates["high"] == {
            "upstate": (("2024-01", 10_000), ("2025-06", 9_000)),
            "downstate": (("2024-01", 10_000),),
        }

    @pytest.mark.parametrize("name", ["example", "published"])
    def test_shipped_files_have_a_name(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert read_assumptions(name) == read_assumptions(SHIPPED[name])

    def test_rates_from_a_file_beside_it(self, tmp_path):
        (tmp_path / "ours.csv").write_text("level,effective,county,source\nlow,2024-01-01,100.25,contract\n")
        (tmp_path / "plan.toml").write_text(
            'start = "2025-01"\nregion = "county"\n[rates]\nfile = "ours.csv"\n[acuity]\nlevels = '
            '["low"]\ncaseload = {low = 20}\n'
            '[[acuity.mix]]\nfrom = "2025-01"\nlow = 1\n[[referrals]]\nsource = "a"\nmonthly = 3\n'
            '[enrolment]\nreached = 1\nenrolled = 1\n[[coordinators]]\nhired = "2025-01"\nsalary = 50000\n'
        )
        plan = read_assumptions(tmp_path / "plan.toml")
        assert plan.rates["low"] == {"county": (("2024-01", 10_025),)}
        assert plan.rate_source == "ours.csv"

    def test_dates_may_be_dates(self):
        assert assumed(start=dt.date(2025, 1, 1)).start == "2025-01"


class TestPublishedRates:
    def test_golden_rates_of_january_2024(self):
        plan = assumed()
        assert [at(plan.rates[level]["downstate"], "2025-01") for level in plan.levels] == [27_600, 55_300, 92_100]
        upstate = assumed(region="upstate")
        assert [at(upstate.rates[level]["upstate"], "2025-01") for level in plan.levels] == [24_300, 48_500, 80_900]

    def test_every_row_has_its_source_and_date(self):
        rates = health_home_rates()
        assert (rates["source"] != "").all() and (rates["source_date"] != "").all()

    def test_against_the_published_table(self, samples):
        with (samples / "tables" / "ny_health_home_rates" / "hh_rates.csv").open() as lines:
            published = {
                (row["rate_code"], row["effective"]): (row["upstate"], row["downstate"])
                for row in csv.DictReader(lines)
            }
        for row in health_home_rates().to_dict("records"):
            assert published[row["rate_code"], row["effective"]] == (row["upstate"], row["downstate"])


@pytest.mark.parametrize(
    ("name", "level", "cents"),
    [("apcm", "apcm_level_2", 4_884), ("ccm", "ccm_40_minutes", 11_657), ("tcm", "tcm_high", 27_268),
     ("chi", "chi_60_minutes", 9_009)],
)  # fmt: skip
def test_each_programme_of_medicare_runs_on_its_national_rates(name, level, cents):
    plan = read_assumptions(name)
    assert plan.rates[level]["national"][-1][1] == cents and "health.ny.gov" not in plan.rate_source
    rows = programme_plan(plan).months
    assert (rows[f"units.{level}"] > 0).iloc[-1] and rows["receipts"].iloc[-1] > 0
    assert parse(tomllib.loads(as_toml(plan)), "again") == plan


def test_who_is_seen_after_a_discharge_stays_a_month():
    rows = programme_plan(read_assumptions("tcm")).months
    assert (rows["members"] == rows["enrolled"]).all() and rows["members"].iloc[-1] > 0
