"""The course of a weekly sum: its level, growth, season and slow drift told apart by what its past says of each.

Gaussian process regression with kernels that are added up (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, chapters 2 and 5): where the past says little, what is usual of practices is foreseen, and the spread
says how little.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

YEAR_WEEKS = 365.2425 / 7
FEWEST_WEEKS = 4
USUAL_GROWTH, GROWTH_SPREAD = 0.05 / YEAR_WEEKS, 0.05 / YEAR_WEEKS
"""How practices grow before anything is known of one, by week, and how far they differ: spending on physician and
clinical services grows 5.6 % a year (CMS, National Health Expenditure Projections 2021-2030)."""

SEASONS = {0.03: 0.3, 0.06: 0.4, 0.12: 0.2, 0.24: 0.1}
"""How strong a season may be (standard deviation of its weeks), and how likely so: of seventeen practices over three
years the highest month lay 20 % above the lowest (Waller and Hodgkin, General Practice: Demanding Work, 2000), which
is 0.06; children's and skin doctors have twice that and more."""

WAVES = (0.6, 0.3, 0.1)
"""How much of a season's variance is one wave a year, two, and three."""

DRIFTS, DRIFT_WEEKS = (0.02, 0.08), 13.0
"""How far the level wanders beside growth and season (standard deviation), both as likely; forgotten in a quarter."""

LEVEL_SPREAD, LEAST_NOISE = 1.0, 0.005


@dataclass(frozen=True)
class Course:
    """A weekly sum beside its mean: `past[week]` as it runs without the chance of single weeks, `ahead[week]` as it is
    expected to go on; `likely[kind]`, `mean[kind, week]` and `root[kind, week, week]` (of the covariance) say how each
    kind of season and drift would have it go on."""

    past: np.ndarray
    ahead: np.ndarray
    likely: np.ndarray
    mean: np.ndarray
    root: np.ndarray

    def deviations(self, paths: int, rng: np.random.Generator) -> np.ndarray:
        """What may come instead of `ahead`, less it, by path and week; the chance of single weeks is not in it."""
        kind = rng.choice(len(self.likely), size=paths, p=self.likely)
        drawn = np.einsum("pij,pj->pi", self.root[kind], rng.normal(size=(paths, len(self.ahead))))
        return self.mean[kind] + drawn - self.ahead


def course(weeks: np.ndarray, ahead: int) -> Course:
    """How a weekly sum has run, and how it is expected to go on.

    Formula
        week / mean - 1 = level + growth x week + season + drift + noise; each kind of season (`SEASONS`) and drift is
        regressed, and counts by its prior and its marginal likelihood
    Counts
        Whole weeks, the oldest first. Noise is what neighbouring weeks differ by.
    Unit
        ratios to the mean of all weeks, less 1
    Empty
        Less than 4 weeks, or nothing in them: zeros, and no spread.

    >>> wave = 100 + 20 * np.sin(2 * np.pi * np.arange(100) / YEAR_WEEKS)
    >>> found = course(wave[:80], 20)
    >>> bool(np.abs((1 + found.ahead) * wave[:80].mean() / wave[80:] - 1).max() < 0.06)
    True
    """
    mean = float(weeks.mean()) if len(weeks) else 0.0
    if len(weeks) < FEWEST_WEEKS or mean <= 0:
        return Course(
            np.zeros(len(weeks)), np.zeros(ahead), np.ones(1), np.zeros((1, ahead)), np.zeros((1, ahead, ahead))
        )
    place = np.arange(len(weeks) + ahead, dtype=float) - len(weeks)
    usual = USUAL_GROWTH * (place - place[: len(weeks)].mean())
    found = weeks / mean - 1 - usual[: len(weeks)]
    noise = max(float(np.std(np.diff(found))) / np.sqrt(2), LEAST_NOISE)
    kinds = [
        (np.log(SEASONS[season]), *_regressed(found, _covariance(place, season, drift), noise))
        for season, drift in product(SEASONS, DRIFTS)
    ]
    score = np.array([prior + likelihood for prior, likelihood, *_ in kinds])
    likely = np.exp(score - score.max())
    likely /= likely.sum()
    means = np.array([one[2] for one in kinds]) + usual
    spread = np.array([one[3] for one in kinds])
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]
    whole = likely @ means
    return Course(whole[: len(weeks)], whole[len(weeks) :], likely, means[:, len(weeks) :], root)


def _covariance(place: np.ndarray, season: float, drift: float) -> np.ndarray:
    apart = place[:, None] - place[None, :]
    waves = sum(part * np.cos(2 * np.pi * (number + 1) * apart / YEAR_WEEKS) for number, part in enumerate(WAVES))
    growth = GROWTH_SPREAD**2 * place[:, None] * place[None, :]
    out: np.ndarray = LEVEL_SPREAD**2 + growth + season**2 * waves + drift**2 * np.exp(-np.abs(apart) / DRIFT_WEEKS)
    return out


def _regressed(found: np.ndarray, covariance: np.ndarray, noise: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Log marginal likelihood, mean of all weeks, and covariance of the weeks ahead, given the weeks found."""
    known = len(found)
    root = np.linalg.cholesky(covariance[:known, :known] + noise**2 * np.eye(known))
    scaled = np.linalg.solve(root, np.column_stack([found, covariance[:known]]))
    likelihood = -0.5 * float(scaled[:, 0] @ scaled[:, 0]) - float(np.log(np.diag(root)).sum())
    mean = scaled[:, 1:].T @ scaled[:, 0]
    ahead = scaled[:, 1 + known :]
    return likelihood, mean, covariance[known:, known:] - ahead.T @ ahead
