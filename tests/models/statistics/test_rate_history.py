"""A rate beside the limits of its own past."""

from __future__ import annotations

import numpy as np
import pytest

from rcm_analysis.models.statistics.control_charts import laney_chart, rate_history


def test_without_a_change_the_limits_are_laneys():
    """Widened, never narrowed: these months vary more than chance alone."""
    counts, totals = [52, 41, 66, 47, 71, 39, 58], [1000] * 7
    found = rate_history(counts, totals)
    assert found.changed_at is None
    np.testing.assert_allclose(
        found.chart[["centre", "lower", "upper"]], laney_chart(counts, totals)[["centre", "lower", "upper"]]
    )


def test_after_a_change_the_limits_are_those_of_before():
    """5 % of 400 before: 3 x sqrt(0.05 x 0.95 / 100) = 0.0654 on either side; the months before do not vary at all."""
    found = rate_history([5, 5, 5, 5, 40, 41, 39], [100] * 7)
    assert found.changed_at == 4 and found.chart["centre"].eq(0.05).all()
    np.testing.assert_allclose(found.chart["upper"], 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100))
    assert found.chart["is_signal"].tolist() == [False] * 4 + [True] * 3


@pytest.mark.parametrize(
    ("counts", "totals"),
    [
        pytest.param([5, 5, 5, 5, 40], [100] * 5, id="one odd month at the end is no change yet"),
        pytest.param([0, 0, 0, 0], [10, 10, 10, 10], id="nothing counted"),
        pytest.param([1, 2, 0, 1], [10, 12, 0, 11], id="a month without claims"),
    ],
)
def test_no_change(counts, totals):
    found = rate_history(counts, totals)
    assert found.changed_at is None and len(found.chart) == len(counts)
    assert found.chart["rate"].isna().tolist() == [total == 0 for total in totals]
