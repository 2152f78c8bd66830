"""Appointments by hand: what is a slot, which band, which repeat; and the same on every engine."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.examples.office import example_office
from rcm_analysis.measures.engagement import appointments as measures
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
NAMES = (
    "appointment_id",
    "patient",
    "booked_on",
    "scheduled_on",
    "provider",
    "location",
    "visit_type",
    "is_planned_follow_up",
    "settled_on",
    "status",
    "notice_hours",
    "problem",
    "claim_id",
)


def slot(number: int = 1, **given) -> dict:
    row = {
        "client": "acme",
        "appointment_id": f"A{number}",
        "patient": "P1",
        "booked_on": "2026-03-01",
        "scheduled_on": "2026-03-10",
        "provider": "lee",
        "location": "East",
        "visit_type": "follow_up",
        "is_planned_follow_up": False,
        "settled_on": "2026-03-10",
        "status": "kept",
        "notice_hours": None,
        "problem": "respiratory",
        "claim_id": f"C{number}",
    } | given
    return row | {
        name: pd.Timestamp(row[name]) if row[name] else pd.NaT for name in ("booked_on", "scheduled_on", "settled_on")
    }


def book(*rows: dict) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(list(rows), columns=["client", *NAMES])
    return {"appointments": frame.assign(notice_hours=pd.to_numeric(frame["notice_hours"]).astype("float64"))}


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        pytest.param({"status": "kept"}, "kept", id="kept"),
        pytest.param({"status": "no_show"}, "no_shows", id="missed"),
        pytest.param({"status": "late_cancel", "notice_hours": 3}, "late_cancels", id="cancelled three hours ahead"),
        pytest.param(
            {"status": "cancelled", "notice_hours": 48}, "cancelled", id="cancelled two days ahead is no slot"
        ),
        pytest.param({"status": "cancelled", "notice_hours": 24}, "cancelled", id="exactly a day ahead is in time"),
        pytest.param(
            {"status": "cancelled", "notice_hours": 23.5}, "late_cancels", id="the hours decide, not the word"
        ),
        pytest.param(
            {"status": "late_cancel", "notice_hours": 30}, "cancelled", id="the hours decide the other way too"
        ),
        pytest.param({"status": "late_cancel"}, "late_cancels", id="without hours the word decides"),
        pytest.param({"status": "cancelled"}, "cancelled", id="without hours and without the word late it was in time"),
        pytest.param({"status": None, "settled_on": None}, "unsettled", id="nobody has recorded an end"),
    ],
)
def test_each_appointment_is_one_thing(given, counted):
    found = measures.appointment_outcomes(book(slot(**given)), period=MARCH).iloc[0]
    assert found["scheduled"] == 1 and found[counted] == 1
    assert found["slots"] == (counted in measures.PARTS)
    assert found[["kept", "no_shows", "late_cancels", "cancelled", "unsettled"]].sum() == 1


@pytest.mark.parametrize(
    ("day", "slots"),
    [
        pytest.param("2026-02-28", 0, id="the day before the month"),
        pytest.param("2026-03-01", 1, id="its first day"),
        pytest.param("2026-03-31", 1, id="its last day"),
        pytest.param("2026-04-01", 0, id="the day after"),
    ],
)
def test_the_day_of_the_appointment_counts(day, slots):
    assert measures.no_show_rate(book(slot(scheduled_on=day)), period=MARCH).iloc[0]["slots"] == slots


@pytest.mark.parametrize(
    ("booked", "band"),
    [
        pytest.param("2026-03-10", "1 same day", id="booked that day"),
        pytest.param("2026-03-12", "1 same day", id="entered after a walk-in"),
        pytest.param("2026-03-09", "2 one to seven days", id="the day before"),
        pytest.param("2026-03-03", "2 one to seven days", id="seven days"),
        pytest.param("2026-03-02", "3 eight to 28 days", id="eight days"),
        pytest.param("2026-02-10", "3 eight to 28 days", id="28 days"),
        pytest.param("2026-02-09", "4 over 28 days", id="29 days"),
    ],
)
def test_lead_time_bands(booked, band):
    found = measures.no_show_rate(book(slot(booked_on=booked)), period=MARCH, by=["lead"])
    assert found["lead"].tolist() == [band]


def test_the_three_rates_add_up_to_one_and_strata_to_the_total():
    rows = book(
        *[
            slot(number, status=status, location=place)
            for number, (status, place) in enumerate(
                [
                    ("kept", "East"),
                    ("kept", "East"),
                    ("no_show", "East"),
                    ("late_cancel", "West"),
                    ("cancelled", "West"),
                    ("kept", None),
                ]
            )
        ]
    )
    total = measures.appointment_outcomes(rows, period=MARCH).iloc[0]
    assert total[["no_show_rate", "late_cancel_rate", "appointment_adherence"]].sum() == pytest.approx(1)
    assert (total["no_shows"], total["slots"]) == (1, 5)
    by = measures.appointment_outcomes(rows, period=MARCH, by=["location"])
    assert by["location"].tolist() == ["(none)", "East", "West"] and by["slots"].tolist() == [1, 3, 1]
    assert (by[["slots", "kept", "no_shows"]].sum() == total[["slots", "kept", "no_shows"]]).all()


@pytest.mark.parametrize(
    ("second", "repeats"),
    [
        pytest.param({}, 1, id="fourteen days later, the same problem"),
        pytest.param({"scheduled_on": "2026-03-25"}, 0, id="fifteen days later"),
        pytest.param({"scheduled_on": "2026-03-10"}, 0, id="the same day is one visit"),
        pytest.param({"problem": "skin"}, 0, id="another problem"),
        pytest.param({"patient": "P2"}, 0, id="another patient"),
        pytest.param({"is_planned_follow_up": True}, 0, id="a planned follow-up"),
        pytest.param({"status": "no_show"}, 0, id="one that was missed"),
    ],
)
def test_repeat_visits(second, repeats):
    rows = book(slot(1), slot(2, **({"scheduled_on": "2026-03-24"} | second)))
    assert measures.repeat_visits(rows, period=MARCH).iloc[0]["repeats"] == repeats


def test_a_repeat_looks_back_over_the_months_end_and_counts_once():
    rows = book(
        slot(1, scheduled_on="2026-02-27"), slot(2, scheduled_on="2026-02-28"), slot(3, scheduled_on="2026-03-02")
    )
    found = measures.repeat_visits(rows, period=MARCH).iloc[0]
    assert (found["visits"], found["repeats"]) == (1, 1)


@pytest.mark.parametrize("problem", [None, "other", "preventive"])
def test_what_is_no_problem_in_common_is_no_repeat(problem):
    rows = book(slot(1, problem=problem), slot(2, scheduled_on="2026-03-12", problem=problem))
    assert measures.repeat_visits(rows, period=MARCH).iloc[0]["visits"] == 0


@pytest.mark.parametrize(
    ("days", "median"),
    [
        pytest.param([5], 5, id="one check"),
        pytest.param([3, 9], 3, id="half of two do not exceed the smaller"),
        pytest.param([3, 9, 4], 4, id="the middle of three"),
    ],
)
def test_third_next_available(days, median):
    frame = pd.DataFrame(
        {
            "client": "acme",
            "checked_on": pd.Timestamp("2026-03-02"),
            "location": "East",
            "visit_type": "new",
            "third_next_on": [pd.Timestamp("2026-03-02") + pd.Timedelta(days=number) for number in days],
        }
    )
    found = measures.third_next_available({"access_checks": frame}, period=MARCH)
    assert found["median_days"].tolist() == [median] and found["checks"].tolist() == [len(days)]


def test_every_engine_gives_the_same(as_engine, engine):
    office = example_office()
    names = ("appointments", "access_checks")
    tables = as_engine({name: office[name] for name in names}, engine)
    plain = {name: office[name] for name in names}
    october = Period.month("2026-10")
    for measure, by in (
        (measures.appointment_outcomes, ["lead", "location", "month"]),
        (measures.repeat_visits, ["location"]),
        (measures.third_next_available, ["visit_type"]),
    ):
        assert_frame_equal(measure(tables, period=october, by=by), measure(plain, period=october, by=by))


def test_inputs_come_back_unchanged():
    office = example_office()
    before = {name: frame.copy() for name, frame in office.items()}
    measures.appointment_outcomes(office, period=Period.month("2026-10"), by=["lead"])
    measures.repeat_visits(office, period=Period.month("2026-10"))
    for name, frame in office.items():
        assert_frame_equal(frame, before[name])
