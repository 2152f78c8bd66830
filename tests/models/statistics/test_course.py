"""The course of a weekly sum: what the past says of growth and season, and what it leaves open."""

from __future__ import annotations

import numpy as np
import pytest

from rcm_analysis.models.statistics.course import USUAL_GROWTH, YEAR_WEEKS, course

CHANCE = np.random.default_rng(1)


def season(first: int, weeks: int, high: float) -> np.ndarray:
    return 100 * (1 + high * np.sin(2 * np.pi * (first + np.arange(weeks)) / YEAR_WEEKS))


def foreseen(weeks: np.ndarray, ahead: int = 13) -> np.ndarray:
    return (1 + course(weeks, ahead).ahead) * weeks.mean()


@pytest.mark.parametrize("high", [0.05, 0.2, 0.3])
@pytest.mark.parametrize("start", [0, 13, 26, 39])
def test_a_season_seen_for_a_year_and_a_half_is_foreseen(high, start):
    known = season(start, 78, high) + np.random.default_rng(2).normal(0, 5, 78)
    came = season(start + 78, 13, high)
    off, flat = np.abs(foreseen(known) - came).mean(), np.abs(known[-26:].mean() - came).mean()
    assert off < max(0.4 * flat, 4)


@pytest.mark.parametrize("weeks", [13, 30, 52, 104, 156])
def test_where_there_is_none_little_is_foreseen(weeks):
    off = [np.abs(foreseen(CHANCE.normal(100, 10, weeks)) / 100 - 1).mean() for _ in range(20)]
    assert np.mean(off) < (0.09 if weeks < 52 else 0.06)


def test_growth_of_years_goes_on_and_a_noisy_quarter_grows_as_is_usual():
    grows = 100 * (1 + 0.002 * np.arange(156)) + CHANCE.normal(0, 3, 156)
    assert foreseen(grows, 26).mean() == pytest.approx(100 * (1 + 0.002 * 168.5), rel=0.04)
    rises = [np.polyfit(range(52), course(CHANCE.normal(100, 30, 13), 52).ahead, 1)[0] for _ in range(30)]
    assert np.mean(rises) == pytest.approx(USUAL_GROWTH, abs=0.0015)


@pytest.mark.parametrize("weeks", [np.zeros(0), np.zeros(104), np.arange(3.0)], ids=["none", "nothing", "three"])
def test_nothing_to_go_by_is_as_it_was_and_without_a_spread(weeks):
    found = course(weeks, 5)
    assert found.ahead.tolist() == [0.0] * 5 and len(found.past) == len(weeks)
    assert not found.deviations(3, CHANCE).any()


def test_four_weeks_out_of_five_fall_into_four_fifths_of_what_may_come():
    """Practices drawn by the laws that the regression takes for usual, from a quarter to two years."""
    inside = []
    for number in range(120):
        rng = np.random.default_rng(number)
        weeks, high = int(rng.integers(13, 105)), rng.normal(0, 0.085)
        whole = season(int(rng.integers(52)), weeks + 13, high) * (
            1 + rng.normal(1, 1) * USUAL_GROWTH * np.arange(weeks + 13)
        )
        known = whole[:weeks] + rng.normal(0, 6, weeks)
        found = course(known, 13)
        drawn = (1 + found.ahead + found.deviations(400, rng)).mean(axis=1) * known.mean()
        low, high = np.quantile(drawn, [0.1, 0.9])
        inside.append(low <= whole[weeks:].mean() <= high)
    assert 0.72 <= np.mean(inside) <= 0.93


def test_dollars_and_cents_are_foreseen_alike():
    weeks = CHANCE.normal(100, 10, 60)
    assert np.allclose(course(weeks, 8).ahead, course(weeks * 100, 8).ahead)
