"""Completion factors: published triangles, other people's code, and the same question asked claim by claim."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.cash.payment_lag import (
    completion_factors,
    cumulative_incidence,
    paid_triangle,
    reverse_hazards,
    ultimates,
)

RAA = [
    [5012, 8269, 10907, 11805, 13539, 16181, 18009, 18608, 18662, 18834],
    [106, 4285, 5396, 10666, 13782, 15599, 15496, 16169, 16704],
    [3410, 8992, 13873, 16141, 18735, 22214, 22863, 23466],
    [5655, 11555, 15766, 21266, 23425, 26083, 27067],
    [1092, 9565, 15836, 22169, 25955, 26180],
    [1513, 6445, 11702, 12935, 15852],
    [557, 4020, 10946, 12314],
    [1351, 6947, 13112],
    [3133, 5395],
    [2063],
]
TAYLOR_ASHE = [
    [357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
    [352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
    [290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
    [310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
    [443160, 1136350, 2128333, 2897821, 3402672, 3873311],
    [396132, 1333217, 2180715, 2985752, 3691712],
    [440832, 1288463, 2419861, 3483130],
    [359480, 1421128, 2864498],
    [376686, 1363294],
    [344014],
]


def triangle(rows: list[list[float]]) -> pd.DataFrame:
    return pd.DataFrame([row + [np.nan] * (len(rows[0]) - len(row)) for row in rows], dtype=float)


def test_the_triangle_of_mack_1994():
    found = ultimates(triangle(RAA))
    assert found["to_come"].sum() == pytest.approx(52_135, abs=1)
    assert completion_factors(triangle(RAA))["link_ratio"].iloc[0] == pytest.approx(2.999, abs=5e-4)


def test_the_triangle_of_mack_1993_with_its_standard_errors():
    found = ultimates(triangle(TAYLOR_ASHE))
    assert found["to_come"].sum() == pytest.approx(18_680_856, abs=1)
    published = [75_535, 121_699, 133_549, 261_406, 411_010, 558_317, 875_328, 971_258, 1_363_155]
    assert found["std_error"].iloc[1:].tolist() == pytest.approx(published, abs=1)


@pytest.mark.parametrize(("name", "rows"), [("raa", RAA), ("genins", TAYLOR_ASHE)])
def test_chainladder_agrees(name, rows):
    chainladder = pytest.importorskip("chainladder")
    theirs = chainladder.load_sample(name)
    np.testing.assert_allclose(theirs.values[0, 0], triangle(rows).to_numpy())
    factors = chainladder.Development(average="volume").fit(theirs).ldf_.values.ravel()
    np.testing.assert_allclose(completion_factors(triangle(rows))["link_ratio"].iloc[:-1], factors, rtol=1e-10)
    ibnr = chainladder.MackChainladder().fit(theirs).ibnr_
    assert ultimates(triangle(rows))["to_come"].sum() == pytest.approx(float(ibnr.sum()), rel=1e-9)


def test_claim_by_claim_it_is_the_same_question():
    """With months as days, reverse-time hazards and link ratios give one completion, exactly."""
    rng = np.random.default_rng(1)
    origin, lag = rng.integers(0, 18, 5000), rng.geometric(0.35, 5000) - 1
    seen = origin + lag <= 17
    origin, lag = origin[seen], lag[seen]
    cells = paid_triangle(origin, lag, np.ones(len(lag)), last_lag=17)
    factors = completion_factors(cells)["completion"]
    hazards = reverse_hazards(lag, 17 - origin)["completion"]
    np.testing.assert_allclose(factors.iloc[: len(hazards)], hazards, rtol=1e-10)


def test_completion_is_of_what_is_paid_in_the_end():
    rng = np.random.default_rng(4)
    origin, lag, never = rng.integers(0, 24, 40_000), rng.geometric(0.3, 40_000) - 1, rng.random(40_000) < 0.14
    paid = ~never & (origin + lag <= 23)
    factors = completion_factors(paid_triangle(origin[paid], lag[paid], np.ones(paid.sum()), last_lag=23))["completion"]
    end = np.select([paid, never], ["paid", "denied"], "open")
    day = np.where(paid, lag, np.where(never, np.minimum(6, 23 - origin), 23 - origin))
    end = np.where(never & (23 - origin < 6), "open", end)
    table = cumulative_incidence(day, end)
    share = table["paid"].iloc[-1]
    assert share == pytest.approx(0.86, abs=0.01)
    np.testing.assert_allclose(factors.iloc[:8], (table["paid"] / share).iloc[:8], atol=0.01)


def test_payments_after_the_cut_are_not_in_the_triangle():
    cells = paid_triangle([0, 1], [0, 1], [10, 20], last_lag=1)
    assert cells.iloc[1].tolist()[0] == 0
    assert np.isnan(cells.iloc[1, 1])


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: paid_triangle([0], [-1], [5], last_lag=2), id="paid before billed"),
        pytest.param(lambda: completion_factors(pd.DataFrame([[1.0, np.nan, 3.0]])), id="a hole in the triangle"),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ParameterError, match="found 1 of 1"):
        call()


def test_a_lag_without_any_amount_has_no_ratio():
    found = completion_factors(pd.DataFrame([[0.0, 10.0], [0.0, np.nan]]))
    assert np.isnan(found["link_ratio"].iloc[0])
    assert np.isnan(found["completion"].iloc[0])
