"""Fitted curves, shrinkage and stages: known truths found again, and the same fits by other code."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.models.cash.lag_fits import FAMILIES
from rcm_analysis.models.cash.payment_lag import (
    best_fit,
    convolved,
    cumulative_incidence,
    fit_lag,
    prior_claims_between,
    shrunk,
    shrunk_by_group,
    stage_lags,
    total_lag,
)

TRUTHS = {"lognormal": (0.5, 28.0), "weibull": (1.6, 35.0), "gamma": (2.5, 12.0)}


def claims_of(family: str, seed: int, size: int = 4000, never: float = 0.14) -> tuple[np.ndarray, np.ndarray]:
    """Whole days of a family's times, a share never paid (half of it denied after 50 days), and cuts."""
    rng = np.random.default_rng(seed)
    shape, scale = TRUTHS[family]
    day = np.floor(FAMILIES[family].rvs(shape, scale=scale, size=size, random_state=rng)).astype(int)
    watched = rng.integers(5, 300, size)
    lost, denied = rng.random(size) < never, rng.random(size) < 0.5
    day = np.where(lost, np.where(denied, 50, 10_000), day)
    end = np.where(day > watched, "open", np.where(lost, "denied", "paid"))
    return np.minimum(day, watched), end


@pytest.mark.parametrize("family", list(TRUTHS))
def test_curve_and_never_paid_share_are_found_again(family):
    fit = fit_lag(*claims_of(family, 1), family=family)
    assert fit.never_share == pytest.approx(0.14, abs=0.02)
    truth = FAMILIES[family](TRUTHS[family][0], scale=TRUTHS[family][1])
    days = np.array([10, 20, 40, 80])
    np.testing.assert_allclose(fit.cdf(days), 0.86 * truth.cdf(days + 1), atol=0.02)


@pytest.mark.parametrize("family", list(TRUTHS))
def test_the_right_family_is_preferred(family):
    assert best_fit(*claims_of(family, 2)).family == family


@pytest.mark.parametrize(("family", "fitter"), [("lognormal", "LogNormalFitter"), ("weibull", "WeibullFitter")])
def test_lifelines_agrees(family, fitter):
    lifelines = pytest.importorskip("lifelines")
    days, end = claims_of(family, 3, never=0)
    fit = fit_lag(days, end, family=family, never_paid=False)
    theirs = getattr(lifelines, fitter)().fit(days + 0.5, end != "open")
    shape, scale = (theirs.sigma_, np.exp(theirs.mu_)) if family == "lognormal" else (theirs.rho_, theirs.lambda_)
    assert (fit.shape, fit.scale) == pytest.approx((shape, scale), rel=1e-3)


def test_without_never_paid_claims_the_mixture_is_the_plain_curve():
    days, end = claims_of("gamma", 4, never=0)
    plain, mixed = fit_lag(days, end, family="gamma", never_paid=False), fit_lag(days, end, family="gamma")
    assert mixed.never_share < 0.005
    assert mixed.median() == pytest.approx(plain.median(), rel=0.01)
    assert mixed.log_likelihood == pytest.approx(plain.log_likelihood, abs=0.5)


def test_payments_on_the_day_of_the_bill_can_be_fitted():
    days, end = np.repeat([0, 1, 2, 5], 10), np.repeat("paid", 40)
    fit = fit_lag(days, end, never_paid=False)
    expected = stats.lognorm.fit(days + 0.5, floc=0)
    assert (fit.shape, fit.scale) == pytest.approx((expected[0], expected[2]), rel=1e-3)
    assert fit.pmf(400).sum() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"days": [1] * 9, "end": ["paid"] * 9}, "at least 10", id="nine payments are too few"),
        pytest.param({"days": [1] * 20, "end": ["denied"] * 20}, "found 0", id="nothing was paid"),
        pytest.param(
            {"days": [1] * 20, "end": ["paid"] * 20, "family": "lognorm"},
            "Closest: lognormal",
            id="a family that is none",
        ),
    ],
)
def test_fits_that_are_refused(arguments, says):
    with pytest.raises(ParameterError, match=says):
        fit_lag(**arguments)


def test_a_new_programme_starts_from_the_stated_prior_and_leaves_it():
    prior = cumulative_incidence([60] * 90 + [80] * 10, ["paid"] * 90 + ["denied"] * 10)
    nothing = cumulative_incidence([], [])
    pd.testing.assert_frame_equal(
        shrunk(nothing, prior, prior_claims=50).drop(columns="at_risk"), prior.drop(columns="at_risk"), atol=1e-12
    )
    few = cumulative_incidence([120] * 10, ["denied"] * 10)
    many = cumulative_incidence([120] * 5000, ["denied"] * 5000)
    assert shrunk(few, prior, prior_claims=50)["paid"].iloc[-1] == pytest.approx(0.9 * 50 / 60, abs=0.02)
    assert shrunk(many, prior, prior_claims=50)["paid"].iloc[-1] < 0.02


def test_own_claims_only_when_the_prior_is_worth_nothing():
    own = cumulative_incidence([3, 9, 9], ["paid", "denied", "open"])
    prior = cumulative_incidence([30], ["paid"])
    pd.testing.assert_series_equal(shrunk(own, prior, prior_claims=0)["paid"].iloc[:10], own["paid"], check_index=False)
    with pytest.raises(ParameterError, match="zero or more"):
        shrunk(own, prior, prior_claims=-1)


def test_payers_that_differ_keep_more_of_their_own():
    rng = np.random.default_rng(6)

    def tables(spread: float) -> tuple[dict, pd.DataFrame]:
        means = 30 * np.exp(spread * rng.standard_normal(12))
        days = [np.minimum(rng.geometric(1 / mean, 300), 200) for mean in means]
        return {k: cumulative_incidence(d, ["paid"] * 300) for k, d in enumerate(days)}, cumulative_incidence(
            np.concatenate(days), ["paid"] * 3600
        )

    worth = [prior_claims_between(*tables(spread)) for spread in (0.0, 0.15, 0.5)]
    assert worth[0] > worth[1] > worth[2]


def test_shrinking_brings_small_payers_nearer_to_their_truth():
    rng = np.random.default_rng(7)
    plain, drawn = 0.0, 0.0
    for _ in range(8):
        rates = rng.beta(40, 8, 10)
        group = np.repeat(np.arange(10), 15)
        end = np.where(rng.random(150) < rates[group], "paid", "denied")
        days = rng.geometric(0.05, 150)
        table = shrunk_by_group(days, end, group)
        truth = pd.Series(rates)
        plain += ((pd.Series(end == "paid").groupby(group).mean() - truth) ** 2).sum()
        drawn += ((table.groupby("group")["paid"].last() - truth) ** 2).sum()
    assert drawn < 0.7 * plain


def test_groups_sum_to_one_in_dollars_too():
    rng = np.random.default_rng(8)
    end = rng.choice(["paid", "denied", "patient", "open"], 200)
    table = shrunk_by_group(rng.integers(0, 60, 200), end, rng.integers(0, 5, 200), weight=rng.integers(1, 90_000, 200))
    assert np.abs(table[["paid", "denied", "written_off", "patient", "open"]].sum(axis=1) - 1).max() < 1e-12
    assert table["prior_claims"].nunique() == 1


def test_stages_laid_end_to_end():
    assert convolved([0.5, 0.5], [0, 1]).tolist() == [0, 0.5, 0.5]
    assert convolved([0.2, 0.3], [0.9], [0.5, 0.5]).sum() == pytest.approx(0.5 * 0.9)
    with pytest.raises(ParameterError, match="Stage 2"):
        convolved([1.0], [0.7, 0.7])


def dated_units(as_of: dt.date, size: int = 30_000) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    uploaded = pd.Timestamp(as_of) - pd.to_timedelta(rng.integers(0, 500, size), unit="D")
    waits = [rng.geometric(1 / mean, size) for mean in (12, 35, 20)]
    lost = rng.random(size) < 0.1
    dates = [pd.Series(uploaded)]
    for number, wait in enumerate(waits):
        dates.append((dates[-1] + pd.to_timedelta(wait, unit="D")).where(~(lost & (number == 1))))
    names = ["uploaded_on", "lead_billed_on", "lead_paid_on", "agency_paid_on"]
    return pd.DataFrame(dict(zip(names, dates, strict=True)))


def test_three_stages_find_the_whole_lag_again():
    """Payments of the future are in the table; as of the day they are not known, and must not be used."""
    as_of = dt.date(2026, 6, 30)
    units = dated_units(as_of)
    total = total_lag(stage_lags(units, as_of=as_of))
    rng = np.random.default_rng(10)
    truth = sum(rng.geometric(1 / mean, 200_000) for mean in (12, 35, 20))
    for day in (40, 70, 120):
        assert total["paid"].iloc[day] == pytest.approx(0.9 * (truth <= day).mean(), abs=0.02)
    known = units.where(units <= pd.Timestamp(as_of))
    pd.testing.assert_frame_equal(total, total_lag(stage_lags(known, as_of=as_of)))


def test_dates_out_of_order_are_refused():
    units = pd.DataFrame({"a_on": pd.to_datetime(["2026-02-01"]), "b_on": pd.to_datetime(["2026-01-01"])})
    with pytest.raises(TableError, match="first at row 1"):
        stage_lags(units, as_of=dt.date(2026, 6, 30), stages=["a_on", "b_on"])
    with pytest.raises(TableError, match="c_on"):
        stage_lags(units, as_of=dt.date(2026, 6, 30), stages=["a_on", "c_on"])
