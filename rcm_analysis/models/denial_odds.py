"""How unlikely the denials of every cell are, given its own past: exact tails, over-dispersion, false discoveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from .control_charts import MEAN_RANGE_OF_TWO
from .denial_cells import Cells

PRIOR_CLAIMS = (30.0, 3000.0)
"""The coarser cell's rate counts as so many claims of the cell's own, at least and at most."""
FEWEST_BEFORE = 6
"""Months that must lie before the first month tested: the first months of a record are not like the others,
because quick answers come first, and less than half a year is no usual rate."""
WORTH_A_LOOK = 0.01
MOST_MONTHS = 12
"""A change of more than a year ago is how it is now."""
FEWEST_DENIED = 3
TAIL = 400
"""Terms of an upper tail that are added up: beyond them nothing is left, for the tail starts above the mean."""


@dataclass
class Verdict:
    """For each category (first axis) and cell: the first month of the likeliest change, the usual rate before it,
    the evidence (-ln p), and p with the number of first months tried."""

    start: np.ndarray
    usual: np.ndarray
    evidence: np.ndarray
    p_value: np.ndarray

    def replace(self, kind: int, other: Verdict) -> None:
        """Take over the verdict on one category."""
        for name in ("start", "usual", "evidence", "p_value"):
            getattr(self, name)[kind] = getattr(other, name)[0]


def judged(cells: Cells, last: int, kinds: Sequence[int]) -> Verdict:
    """The verdict on every cell, for some categories, with `last` as the last month."""
    kinds = list(kinds)
    shape = (len(kinds), len(cells.table))
    start, usual, best = np.full(shape, last), np.zeros(shape), np.zeros(shape)
    starts = range(max(FEWEST_BEFORE, last - MOST_MONTHS + 1), last + 1)
    for first in starts:
        rates, found = _evidence(cells, kinds, first, last)
        better = found > best
        start, usual, best = np.where(better, first, start), np.where(better, rates, usual), np.where(better, found, best)
    p_value = np.where(best > 0, np.minimum(1.0, np.exp(-best) * len(starts)), 1.0)
    return Verdict(start, usual, best, p_value)


def false_discoveries(cells: Cells, verdict: Verdict, last: int) -> np.ndarray:
    """q of every category and cell: weighted Benjamini-Hochberg over all cells that decided anything in the months tested.

    Formula
        p x levels x cells of the level / all cells, then Benjamini-Hochberg
    Counts
        Every level has the same share of the errors allowed: the one question about the whole client is not
        drowned by the hundreds about codes of payers, most of which could never be answered.
    Source
        Genovese, Roeder and Wasserman, False discovery control with p-value weighting, Biometrika 93(3), 2006
    """
    asked = cells.claims[:, max(0, last - MOST_MONTHS + 1):last + 1].sum(1) > 0
    q_value = np.ones(verdict.p_value.shape)
    if q_value[:, asked].size:
        level = cells.table["level"][asked]
        price = level.map(level.value_counts()).to_numpy(float) * level.nunique() / len(level)
        weighted = np.minimum(1.0, verdict.p_value[:, asked] * price)
        q_value[:, asked] = stats.false_discovery_control(weighted.ravel()).reshape(len(q_value), -1)
    return q_value


def usual_line_rate(cells: Cells, kind: int, cell: int, start: int) -> float:
    """The usual rate of a cell before `start`, of lines instead of claims."""
    rates, _ = usual_rates(cells, cells.denied_lines[[kind], :, :start].sum(2), cells.lines[:, :start].sum(1))
    return float(rates[0, cell])


def usual_rates(cells: Cells, denied: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The usual rate of every cell by kind, and the earlier claims it is known from: its own and borrowed ones, but
    never more than its coarser cells are known from.

    Formula
        rate = (denied + m x prior) / (total + m); prior = the largest usual rate of the next coarser cells, so that
        a payer's or a code's known habit is no news in a cell that has hardly been seen
        m = 1 / correlation - 1, from 30 to 3,000: how little the cells of a level differ from their priors;
        correlation = (sum of (denied - total x prior)^2 / sum of total x prior (1 - prior) - 1) / (mean total - 1)
    Source
        empirical Bayes by moments of the beta-binomial distribution
    """
    rates, strength = np.zeros(denied.shape), np.zeros(denied.shape)
    rates[:, 0] = (denied[:, 0] + 0.5) / (total[0] + 1)
    strength[:, 0] = total[0] + 1
    for rows, above in cells.steps:
        prior, most = rates[:, above].max(axis=2), strength[:, above].min(axis=2)
        chance = total[rows] * prior * (1 - prior)
        excess = ((denied[:, rows] - total[rows] * prior) ** 2).sum(1) / np.maximum(chance.sum(1), 1e-9) - 1
        size = (total[rows] * chance).sum(1) / np.maximum(chance.sum(1), 1e-9)
        correlation = np.clip(excess / np.maximum(size - 1, 1), 1e-9, 1)
        borrowed = np.clip(1 / correlation - 1, *PRIOR_CLAIMS)[:, None]
        rates[:, rows] = (denied[:, rows] + borrowed * prior) / (total[rows] + borrowed)
        strength[:, rows] = np.minimum(total[rows] + borrowed, most)
    return rates, strength


def _evidence(cells: Cells, kinds: list[int], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Usual rates, and -ln of the chance of what was denied from `first` to `last`; 0 where nothing speaks for a rise."""
    before, since = slice(0, first), slice(first, last + 1)
    total, past = cells.claims[:, before].sum(1), cells.denied_claims[kinds][:, :, before]
    rates, strength = usual_rates(cells, past.sum(2), total)
    asked, denied = cells.claims[:, since].sum(1), cells.denied_claims[kinds][:, :, since].sum(2)
    found = np.zeros(rates.shape)
    # The binomial tail is quick, and never above the exact one by more than it matters here.
    likely = special.bdtrc(np.maximum(denied - 1, 0), asked[None].astype(np.int64), rates) > WORTH_A_LOOK
    kind, cell = np.nonzero((denied >= FEWEST_DENIED) & ~likely & (denied > rates * asked))
    if len(kind):
        spread = overdispersion(past[:, 0], cells.claims[0, before])[kind] / (last + 1 - first)
        known = 1 / (1 / (strength[kind, cell] + 1) + spread) - 1
        found[kind, cell] = np.maximum(0, -log_tail(denied[kind, cell], asked[cell], rates[kind, cell], known))
    return rates, found


def overdispersion(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """How far monthly rates vary beyond chance, as the correlation of two claims of one month; one value a row.

    Formula
        (sigma_z^2 - 1) / (mean total - 1), not below 0; sigma_z = mean |z(i) - z(i-1)| / 1.128, as Laney
    """
    seen = totals > 0
    counts, totals = counts[:, seen], totals[seen]
    if len(totals) < 2:
        return np.zeros(len(counts))
    rate = counts.sum(1) / totals.sum()
    deviation = np.sqrt(np.clip(rate * (1 - rate), 1e-12, None)[:, None] / totals)
    sigma = np.abs(np.diff((counts / totals - rate[:, None]) / deviation, axis=1)).mean(1) / MEAN_RANGE_OF_TWO
    return np.maximum(0.0, (sigma**2 - 1) / max(1.0, totals.mean() - 1))


def log_tail(count: np.ndarray, total: np.ndarray, rate: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """The log of the chance of `count` or more of `total`, at a rate known as if from `strength` earlier claims.

    Formula
        beta-binomial upper tail, a = rate x strength + 1/2, b = (1 - rate) x strength + 1/2, added up term by term;
        the halves (Jeffreys) keep a rate that was never above 0 from being known for certain

    >>> f"{np.exp(log_tail(np.array([2.0]), np.array([2.0]), np.array([0.5]), np.array([1e9])))[0]:.4f}"
    '0.2500'
    """
    steps = np.arange(int(min(TAIL, (total - count).max() + 1)))
    reached = count[:, None] + steps
    inside = reached <= total[:, None]
    a, b = (rate * strength + 0.5)[:, None], ((1 - rate) * strength + 0.5)[:, None]
    terms = stats.betabinom.logpmf(np.where(inside, reached, 0), total[:, None], a, b)
    return special.logsumexp(np.where(inside, terms, -np.inf), axis=1)
