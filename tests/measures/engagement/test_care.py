"""Risk, intake, hospital use, voices and worth, by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.examples.office import example_office
from rcm_analysis.measures.engagement import care_risk, hospital_use
from rcm_analysis.measures.engagement import experience as patient_experience
from rcm_analysis.measures.engagement import worth as engagement_money
from rcm_analysis.periods import Period

OCTOBER, AS_OF = Period.month("2026-10"), dt.date(2026, 10, 31)


def frame(columns: str, rows: list[tuple]) -> pd.DataFrame:
    out = pd.DataFrame(rows, columns=columns.split())
    days = {name: pd.to_datetime(out[name]) for name in out.columns if name.endswith(("_on", "_from", "_to"))}
    return out.assign(client="acme", **days)


def stays(*rows: tuple) -> dict[str, pd.DataFrame]:
    """Stays as (first day, last day, kind, planned, ended) of one patient."""
    full = [
        (
            f"H{number}",
            "P1",
            row[2] if len(row) > 2 else "inpatient",
            row[0],
            row[1],
            row[3] if len(row) > 3 else False,
            row[4] if len(row) > 4 else "home",
        )
        for number, row in enumerate(rows)
    ]
    return {"hospital_encounters": frame("encounter_id patient kind admitted_on discharged_on is_planned ended", full)}


FIRST = ("2026-08-01", "2026-08-05")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([FIRST], (1, 0), id="one stay"),
        pytest.param([FIRST, ("2026-09-04", "2026-09-06")], (1, 1), id="back on the thirtieth day"),
        pytest.param([FIRST, ("2026-09-05", "2026-09-06")], (1, 0), id="back on the thirty-first"),
        pytest.param(
            [FIRST, ("2026-08-05", "2026-08-09")], (1, 0), id="a stay that begins on the last day continues it"
        ),
        pytest.param(
            [FIRST, ("2026-08-20", "2026-08-22", "inpatient", True)],
            (2, 0),
            id="a planned stay is no readmission, but may be readmitted itself",
        ),
        pytest.param(
            [FIRST, ("2026-08-10", "2026-08-11", "inpatient", True), ("2026-08-25", "2026-08-27")],
            (3, 2),
            id="behind a planned one an unplanned one still counts",
        ),
        pytest.param(
            [FIRST, ("2026-08-20", "2026-08-22", "observation")],
            (2, 1),
            id="a stay under observation is a stay, as in HEDIS PCR",
        ),
        pytest.param([FIRST, ("2026-08-06", "2026-08-09")], (1, 0), id="back on the day after: the same stay"),
        pytest.param([FIRST, ("2026-08-07", "2026-08-09")], (2, 1), id="a day at home: two stays"),
        pytest.param([("2026-08-01", "2026-08-05", "inpatient", False, "died")], (0, 0), id="who died is no index"),
        pytest.param(
            [("2026-08-01", "2026-08-05", "inpatient", False, "transfer"), ("2026-08-06", "2026-08-09")],
            (1, 0),
            id="a transfer is no index",
        ),
        pytest.param(
            [("2026-08-01", "2026-08-01"), ("2026-08-10", "2026-08-12")], (1, 0), id="a same-day stay is no index"
        ),
        pytest.param(
            [("2026-07-01", "2026-07-31"), ("2026-08-10", "2026-08-12")], (1, 0), id="discharged before the period"
        ),
    ],
)
def test_readmissions(rows, expected):
    found = hospital_use.readmissions(stays(*rows), period=Period.month("2026-08"), as_of=AS_OF).iloc[0]
    assert (found["index_stays"], found["readmitted"]) == expected


def test_a_stay_is_judged_when_its_thirty_days_are_over():
    book = stays(("2026-10-01", "2026-10-02"))
    early, late = (
        hospital_use.readmissions(book, period=OCTOBER, as_of=dt.date(2026, 10, day)).iloc[0] for day in (31, 31)
    )
    assert (early["index_stays"], early["too_recent"]) == (0, 1) and pd.isna(early["readmission_rate"])
    late = hospital_use.readmissions(book, period=OCTOBER, as_of=dt.date(2026, 11, 1)).iloc[0]
    assert (late["index_stays"], late["too_recent"]) == (1, 0)


def test_two_patients_are_not_one():
    book = stays(FIRST, ("2026-08-20", "2026-08-22"))
    book["hospital_encounters"].loc[1, "patient"] = "P2"
    assert hospital_use.readmissions(book, period=Period.month("2026-08"), as_of=AS_OF).iloc[0]["readmitted"] == 0


def test_emergency_visits_count_only_months_with_a_panel():
    tables = {
        "hospital_encounters": frame(
            "encounter_id patient kind admitted_on",
            [
                ("1", "P1", "emergency", "2026-09-05"),
                ("2", "P1", "emergency", "2026-10-05"),
                ("3", "P2", "inpatient", "2026-10-05"),
            ],
        ),
        "panel_months": frame("month location members", [("2026-10", "East", 60), ("2026-10", "West", 60)]),
    }
    found = hospital_use.emergency_visits(tables, period=OCTOBER.trailing(2)).iloc[0]
    assert (found["visits"], found["member_months"], found["emergency_per_1000"]) == (1, 120, 100.0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (True, True), id="in charge and reached"),
        pytest.param({"navigator_to": "2026-10-30"}, (False, True), id="the navigator left the day before"),
        pytest.param({"navigator_to": "2026-10-31"}, (True, True), id="the navigator's last day"),
        pytest.param({"navigator_from": "2026-11-01"}, (False, True), id="the navigator begins tomorrow"),
        pytest.param({"contacted_on": "2026-10-02"}, (True, True), id="reached thirty days ago, today included"),
        pytest.param({"contacted_on": "2026-10-01"}, (True, False), id="reached before that"),
        pytest.param({"is_reached": False}, (True, False), id="tried and not reached"),
    ],
)
def test_navigation(changes, expected):
    given = {
        "navigator_from": "2026-01-01",
        "navigator_to": None,
        "contacted_on": "2026-10-20",
        "is_reached": True,
    } | changes
    tables = {
        "risk_assessments": frame(
            "patient assessed_on risk_level location navigator_from navigator_to",
            [("P1", "2026-01-01", "high", "East", given["navigator_from"], given["navigator_to"])],
        ),
        "navigator_contacts": frame(
            "patient contacted_on is_reached", [("P1", given["contacted_on"], given["is_reached"])]
        ),
    }
    found = care_risk.high_risk_patients(tables, as_of=AS_OF).iloc[0]
    assert (found["has_navigator"], found["is_reached"]) == expected
    assert care_risk.navigation_coverage(tables, as_of=AS_OF).iloc[0]["coverage"] == float(all(expected))


def test_the_latest_assessment_decides_and_the_dead_are_not_looked_for():
    tables = {
        "risk_assessments": frame(
            "patient assessed_on risk_level location navigator_from navigator_to",
            [
                ("P1", "2026-01-01", "high", "East", None, None),
                ("P1", "2026-05-01", "low", "East", None, None),
                ("P2", "2026-01-01", "high", "East", None, None),
                ("P3", "2026-01-01", "high", "East", None, None),
                ("P4", "2026-11-05", "high", "East", None, None),
            ],
        ),
        "navigator_contacts": frame("patient contacted_on is_reached", [("P2", "2026-10-20", True)]),
        "hospital_encounters": frame("patient admitted_on ended", [("P3", "2026-08-01", "died")]),
    }
    assert care_risk.high_risk_patients(tables, as_of=AS_OF)["patient"].tolist() == ["P2"]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([("rating", 9), ("rating", 8), ("rating", 10)], (3, 2), id="nine and ten of ten"),
        pytest.param([("staff_helpful", 4), ("staff_helpful", 3)], (2, 1), id="four of four"),
        pytest.param([("rating", None), ("rating", 10)], (1, 1), id="a skipped item is no answer"),
    ],
)
def test_top_box(scores, expected):
    answers = frame("item score", scores).assign(survey_id="S1", answered_on=pd.Timestamp("2026-10-05"))
    found = patient_experience.satisfaction(
        {"survey_answers": answers.assign(score=answers["score"].astype("Int64"))}, period=OCTOBER
    ).iloc[0]
    assert (found["answers"], found["top_box"]) == expected
    assert found["low"] <= found["top_box_share"] <= found["high"]


def test_wilson_and_net_promoter_against_published_numbers():
    """Wilson: Newcombe 1998, table I, 81 of 263; the other by its formula."""
    low, high = patient_experience.wilson(pd.Series([81]), pd.Series([263]))
    assert (round(low[0], 4), round(high[0], 4)) == (0.2553, 0.3662)
    answers = frame("item score", [("would_recommend", score) for score in [10] * 50 + [8] * 30 + [3] * 20]).assign(
        survey_id="S1", answered_on=pd.Timestamp("2026-10-05")
    )
    found = patient_experience.net_promoter({"survey_answers": answers}, period=OCTOBER).iloc[0]
    assert found["net_promoter"] == pytest.approx(0.30)
    assert found["low"] == pytest.approx(0.30 - 1.959964 * (0.61 / 100) ** 0.5) and found["high"] == pytest.approx(
        0.30 + 1.959964 * (0.61 / 100) ** 0.5
    )


@pytest.mark.parametrize(
    ("score", "promoters", "detractors"), [(10, 1, 0), (9, 1, 0), (8, 0, 0), (7, 0, 0), (6, 0, 1), (0, 0, 1)]
)
def test_who_promotes_and_who_does_not(score, promoters, detractors):
    answers = frame("item score", [("would_recommend", score)]).assign(
        survey_id="S1", answered_on=pd.Timestamp("2026-10-05")
    )
    found = patient_experience.net_promoter({"survey_answers": answers}, period=OCTOBER).iloc[0]
    assert (found["promoters"], found["detractors"], found["net_promoter"]) == (
        promoters,
        detractors,
        promoters - detractors,
    )


@pytest.mark.parametrize("missing", [None, *care_risk.INTAKE_PARTS])
def test_a_form_is_complete_with_all_six_parts(missing):
    rows = frame("intake_id taken_on", [("I1", "2026-10-05")]).assign(
        location="East",
        social_needs=pd.array([0], dtype="Int64"),
        **{f"is_{part}_complete": part != missing for part in care_risk.INTAKE_PARTS},
    )
    found = care_risk.intake_completeness({"intakes": rows}, period=OCTOBER).iloc[0]
    assert (found["forms"], found["complete"]) == (1, int(missing is None))
    parts = care_risk.intake_completeness({"intakes": rows}, period=OCTOBER, by=["part"])
    assert parts.loc[parts["complete"] == 0, "part"].tolist() == ([missing] if missing else [])


@pytest.mark.parametrize(
    ("missed", "needs", "met", "with_navigation", "signals"),
    [
        pytest.param(0, None, [], True, 2, id="no navigator and not reached: two signals"),
        pytest.param(1, None, [], True, 2, id="one missed slot is no signal"),
        pytest.param(2, None, [], True, 3, id="two are one signal"),
        pytest.param(0, 1, [("emergency", "2026-10-01")], True, 4, id="a need found and an emergency visit"),
        pytest.param(0, 0, [("emergency", "2026-08-02")], True, 2, id="no need found, and a visit 91 days ago"),
        pytest.param(
            0,
            0,
            [("emergency", "2026-08-03"), ("emergency", "2026-09-03")],
            True,
            3,
            id="90 days ago, and two visits are one signal",
        ),
        pytest.param(0, 1, [], False, None, id="without the navigators one signal is not enough"),
        pytest.param(2, 1, [("inpatient", "2026-10-01")], False, 3, id="without the navigators three others count"),
    ],
)
def test_signals_of_the_huddle_list(missed, needs, met, with_navigation, signals):
    tables = {
        "risk_assessments": frame(
            "patient assessed_on risk_level location navigator_from navigator_to",
            [("P1", "2026-01-01", "high", "East", None, None)],
        ),
        "navigator_contacts": frame("patient contacted_on is_reached", [("P2", "2026-10-20", True)]),
        "hospital_encounters": frame(
            "patient kind admitted_on ended",
            [("P1", kind, day, "home") for kind, day in met] or [("P9", "emergency", "2026-10-01", "home")],
        ),
        "appointments": frame(
            "patient status scheduled_on", [("P1", "no_show", "2026-10-05")] * missed + [("P1", "kept", "2026-10-06")]
        ),
        "intakes": frame("patient taken_on", [("P1", "2026-05-05")]).assign(
            social_needs=pd.array([needs], dtype="Int64")
        ),
    }
    found = care_risk.complex_cases(tables, as_of=AS_OF, with_navigation=with_navigation)
    assert found["signals"].tolist() == ([] if signals is None else [signals])
    assert with_navigation or found["has_navigator"].isna().all()


@pytest.mark.parametrize(
    ("received", "responded", "expected"),
    [
        pytest.param("2026-10-01", "2026-10-08", (1, 1, 0), id="answered on the seventh day"),
        pytest.param("2026-10-01", "2026-10-09", (1, 0, 0), id="answered on the eighth"),
        pytest.param("2026-10-01", None, (1, 0, 1), id="never answered"),
        pytest.param("2026-10-01", "2026-11-03", (1, 0, 1), id="answered after the period is open at its end"),
        pytest.param("2026-10-24", None, (1, 0, 1), id="its week is just over"),
        pytest.param("2026-10-25", None, (0, 0, 1), id="its week is not over: not due yet"),
    ],
)
def test_complaints_in_time(received, responded, expected):
    rows = frame(
        "received_on responded_on kind", [(received, responded, "complaint"), ("2026-10-02", None, "compliment")]
    )
    found = patient_experience.feedback_answered_in_time({"feedback": rows}, period=OCTOBER).iloc[0]
    assert (found["due"], found["in_time"], found["open"]) == expected and found["received"] == 1


def test_money_is_count_times_assumption():
    book = stays(FIRST, ("2026-08-20", "2026-08-22"))
    visits = stays(*[("2026-08-09", "2026-08-09", "emergency")] * 10)["hospital_encounters"]
    book["hospital_encounters"] = pd.concat([book["hospital_encounters"], visits], ignore_index=True)
    found = engagement_money.avoidable_hospital_cost(
        book,
        period=Period.month("2026-08"),
        as_of=AS_OF,
        emergency_cents=100_00,
        emergency_shares=(0.1, 0.2, 0.3),
        readmission_cents=1000_00,
        readmission_shares=(0.5, 0.6, 1.0),
    )
    assert found["events"].tolist() == [10, 1]
    assert found[["low_cents", "mid_cents", "high_cents"]].to_numpy().tolist() == [
        [100_00, 200_00, 300_00],
        [500_00, 600_00, 1000_00],
    ]


def test_no_visit_is_recovered_below_the_target_and_none_without_a_value():
    paid = pd.DataFrame(
        {
            "client": "acme",
            "claim_id": ["C1"],
            "kind": "payment",
            "amount_cents": [-8000],
            "posted_on": pd.to_datetime(["2026-11-02"]),
        }
    )
    office = {**example_office(), "transactions": paid}
    later = dt.date(2027, 3, 31)
    assert (
        engagement_money.visits_recovered(office, period=OCTOBER, as_of=later, target_rate=0.5).iloc[0]["mid_cents"]
        == 0
    )
    assert pd.isna(
        engagement_money.visits_recovered(office, period=OCTOBER, as_of=AS_OF, target_rate=0.0).iloc[0]["mid_cents"]
    )


def test_refunds_lower_what_a_visit_brought():
    paid = pd.DataFrame(
        {
            "client": "acme",
            "claim_id": ["C1", "C1", "C9"],
            "kind": ["payment", "refund", "payment"],
            "amount_cents": [-8000, 2000, -5000],
            "posted_on": pd.to_datetime(["2026-11-02"] * 3),
        }
    )
    found = engagement_money.visit_value({**example_office(), "transactions": paid}, as_of=dt.date(2027, 3, 31)).iloc[0]
    assert (found["visits"], found["cash_cents"], found["visit_cents"]) == (4, 6000, 1500)


def test_every_engine_gives_the_same(as_engine, engine):
    office = example_office()
    tables, plain = as_engine({name: value for name, value in office.items() if name != "appointments"}, engine), office
    for measure, options in (
        (care_risk.intake_completeness, {"period": OCTOBER, "by": ["part"]}),
        (care_risk.social_needs_asked, {"period": OCTOBER, "by": ["month", "location"]}),
        (care_risk.navigation_coverage, {"as_of": AS_OF}),
        (hospital_use.readmissions, {"period": Period.month("2026-08"), "as_of": AS_OF}),
        (hospital_use.emergency_visits, {"period": OCTOBER, "by": ["month"]}),
        (patient_experience.satisfaction, {"period": OCTOBER, "by": ["item", "location"]}),
        (patient_experience.net_promoter, {"period": OCTOBER}),
        (patient_experience.feedback_themes, {"period": OCTOBER}),
        (patient_experience.feedback_answered_in_time, {"period": OCTOBER}),
        (patient_experience.answer_waits, {"period": OCTOBER}),
        (patient_experience.survey_response_rate, {"period": OCTOBER}),
    ):
        assert_frame_equal(measure(tables, **options), measure(plain, **options))
