"""Control charts against a textbook, a sum by hand, and what they are for: chance that looks like a signal."""

from __future__ import annotations

import numpy as np
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.statistics.control_charts import change_point, laney_chart, sigma_z

CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
"""Nonconforming cans of frozen orange juice in samples of 50 (Montgomery, Introduction to Statistical Quality
Control)."""


def test_the_p_chart_of_the_textbook():
    """Laney's chart before its limits are widened by sigma_z."""
    chart = laney_chart(CANS, [50] * 30)
    centre, sigma = chart["centre"][0], chart["sigma"][0]
    assert centre == pytest.approx(0.2313, abs=5e-5)
    assert centre + 3 * sigma == pytest.approx(0.4102, abs=5e-5)
    assert centre - 3 * sigma == pytest.approx(0.0524, abs=5e-5)
    assert [place + 1 for place in np.flatnonzero(chart["z"].abs() > 3)] == [15, 23]


def test_laney_limits_by_hand():
    """Rates .1 .2 .1 .2 of 100: centre .15, sigma sqrt(.15 x .85 / 100), z of -/+ 1.400, ranges of 2.801."""
    chart = laney_chart([10, 20, 10, 20], [100] * 4)
    sigma = (0.15 * 0.85 / 100) ** 0.5
    wider = 2 * 0.05 / sigma / 1.128
    assert chart["sigma_z"][0] == pytest.approx(wider)
    assert chart["sigma_z"][0] == pytest.approx(2.4828, abs=1e-4)
    assert chart["upper"][0] == pytest.approx(0.15 + 3 * sigma * wider)
    assert chart["lower"][0] == 0


def overdispersed(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Twenty-four stable months of about 4,500 lines whose rate wobbles about 8 % by more than chance."""
    rng = np.random.default_rng(seed)
    totals = rng.integers(4200, 4800, 24)
    return rng.binomial(totals, np.clip(rng.normal(0.08, 0.008, 24), 0, 1)), totals


def test_a_p_chart_signals_in_stable_months_and_laney_does_not():
    plain = [(laney_chart(*overdispersed(seed))["z"].abs() > 3).sum() for seed in range(40)]
    laney = [laney_chart(*overdispersed(seed))["is_signal"].sum() for seed in range(40)]
    assert np.mean(plain) > 3
    assert np.mean(laney) < 0.25
    assert 1.7 < np.mean([laney_chart(*overdispersed(seed))["sigma_z"][0] for seed in range(40)]) < 2.8


def test_without_overdispersion_both_charts_are_the_same():
    rng = np.random.default_rng(1)
    totals = np.full(400, 900)
    counts = rng.binomial(totals, 0.1)
    assert laney_chart(counts, totals)["sigma_z"][0] == pytest.approx(1, abs=0.08)


def test_a_lasting_shift_does_not_widen_the_limits_much():
    assert sigma_z([0] * 10 + [8] * 10) == pytest.approx(8 / 19 / 1.128)


def test_periods_without_a_total_are_empty_and_no_signal():
    found = laney_chart([1, 0, 2], [10, 0, 10])
    assert np.isnan(found["rate"][1]) and not found["is_signal"][1]
    assert not laney_chart([0, 0], [0, 0])["is_signal"].any()
    assert not laney_chart([0, 0], [9, 9])["is_signal"].any()


@pytest.mark.parametrize(
    ("counts", "totals"),
    [
        pytest.param([1, 2], [3], id="not as many"),
        pytest.param([4], [3], id="more than the total"),
        pytest.param([-1], [3], id="below zero"),
    ],
)
def test_counts_that_cannot_be(counts, totals):
    with pytest.raises(ParameterError, match="Counts should be"):
        laney_chart(counts, totals)


# -- the day of a change ---------------------------------------------------------------------------


def test_the_gain_of_a_change_by_hand():
    found = change_point([1, 1, 9, 9], [10] * 4)

    def likelihood(count: int, total: int) -> float:
        return count * np.log(count / total) + (total - count) * np.log(1 - count / total)

    assert found.position == 2
    assert found.gain == pytest.approx(likelihood(2, 20) + likelihood(18, 20) - likelihood(20, 40))


@pytest.mark.parametrize(
    ("counts", "totals", "position"),
    [
        pytest.param([5, 5, 5, 5, 40, 40], [100] * 6, 4, id="a rise"),
        pytest.param([40, 40, 5, 5, 5], [100] * 5, 2, id="a fall"),
        pytest.param([0, 0, 0, 30], [100] * 4, 3, id="from nothing, in the last period"),
        pytest.param([5, 0, 5, 40, 0, 40], [100, 0, 100, 100, 0, 100], 3, id="periods without a total move nothing"),
        pytest.param([5, 6, 4, 5, 6, 5], [100] * 6, None, id="no change"),
        pytest.param([5], [100], None, id="a single period"),
        pytest.param([], [], None, id="nothing at all"),
        pytest.param([0, 0, 0], [9, 9, 9], None, id="never anything"),
        pytest.param([1, 0, 2], [3, 3, 3], None, id="too little to say"),
    ],
)
def test_when_a_rate_changed(counts, totals, position):
    found = change_point(counts, totals)
    assert (found.position if found else None) == position


def test_a_stable_rate_has_no_change_point_more_often_than_stated():
    rng = np.random.default_rng(7)
    found = [change_point(rng.binomial(200, 0.08, 18), [200] * 18) is not None for _ in range(400)]
    assert np.mean(found) <= 0.05


def test_a_change_is_dated_to_the_week_and_mostly_exactly():
    rng = np.random.default_rng(3)
    misses = [
        abs(change_point(np.r_[rng.binomial(40, 0.05, 30), rng.binomial(40, 0.5, 10)], [40] * 40).position - 30)
        for _ in range(100)
    ]
    assert np.mean(np.array(misses) == 0) > 0.9 and max(misses) <= 2
