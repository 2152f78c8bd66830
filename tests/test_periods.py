"""A period is half-open, and nothing else in the package tests a window."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.periods import Period

DAY = dt.date


@pytest.mark.parametrize(
    ("day", "inside"),
    [
        pytest.param(DAY(2026, 9, 30), False, id="the day before the first is outside"),
        pytest.param(DAY(2026, 10, 1), True, id="the first day is inside"),
        pytest.param(DAY(2026, 10, 31), True, id="the last day is inside"),
        pytest.param(DAY(2026, 11, 1), False, id="the first day of the next month is outside"),
    ],
)
def test_edges(day, inside):
    october = Period.month("2026-10")
    assert october.holds(day) is inside
    assert october.holds(pd.Series([pd.Timestamp(day)]).dt.date).tolist() == [inside]
    assert pl.DataFrame({"day": [day]}).select(october.holds(pl.col("day")))["day"].to_list() == [inside]


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-10", "2026-1", "October", "", None, "2026-10-01"])
def test_what_is_not_a_month_is_refused(text):
    with pytest.raises(ParameterError, match="YYYY-MM"):
        Period.month(text)


def test_months_meet_without_gap_or_overlap():
    months = Period.month("2024-11").trailing(14).months()
    assert [month.end for month in months[:-1]] == [month.first_day for month in months[1:]]
    assert sum(month.days for month in months) == (dt.date(2024, 12, 1) - dt.date(2023, 10, 1)).days


@pytest.mark.parametrize(
    ("month", "by", "other"),
    [("2026-01", -1, "2025-12"), ("2025-12", 1, "2026-01"), ("2024-02", 12, "2025-02"), ("2026-10", 0, "2026-10")],
)
def test_shift(month, by, other):
    assert Period.month(month).shift(by).label == other


def test_days_ending_includes_both_ends():
    window = Period.days_ending(DAY(2024, 2, 29), 90)
    assert window.days == 90 and window.last_day == DAY(2024, 2, 29)


def test_a_period_without_a_day_is_refused():
    with pytest.raises(ParameterError, match="at least one day"):
        Period(DAY(2026, 1, 1), DAY(2026, 1, 1))
