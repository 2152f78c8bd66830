"""Shrinkage: small groups and new programmes drawn towards the whole by as much as they need."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.statistics.estimators import cumulative_incidence
from rcm_analysis.models.statistics.shrinkage import prior_claims_between, shrunk, shrunk_by_group


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
