"""Small payers borrow from the client, a new programme from a stated prior: claims of one's own count first.

A group's curve becomes that of its own claims and `prior_claims` more that behave as the prior
does. A group with thousands of claims keeps its own curve; one with none has the prior's. How many
claims the client's curve is worth is estimated from how much the payers differ among themselves
(empirical Bayes), or stated, for a programme that has no history yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

from ...errors import ParameterError
from .estimators import ENDS, OPEN, OTHER_ENDS, cumulative_incidence, incidence_table

MOST_PRIOR_CLAIMS = 10_000.0
FEWEST_PRIOR_CLAIMS = 1.0
BINS = 12
"""Ages are put into this many bins, with equally many ends, to see how much payers differ."""


def counts_of(table: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """At risk and ended on each day: what the table of `cumulative_incidence` was made of.

    Formula
        ended(t) = (share(t) - share(t-1)) / open(t-1) x at_risk(t)
    Unit
        that of at_risk

    >>> at_risk, ended = counts_of(cumulative_incidence([1, 1, 2], ["paid", "denied", "open"]))
    >>> at_risk.tolist(), [float(number) for number in ended["paid"]]
    ([3.0, 3.0, 1.0], [0.0, 1.0, 0.0])
    """
    names = [name for name in (*ENDS, *OTHER_ENDS) if name in table]
    at_risk = table["at_risk"].to_numpy(dtype=float)
    before = np.concatenate([[1.0], table[OPEN].to_numpy(dtype=float)])[: len(table)]
    hazards = {
        name: np.divide(np.diff(table[name], prepend=0.0), before, out=np.zeros(len(before)), where=before > 0)
        for name in names
    }
    return at_risk, {name: hazard * at_risk for name, hazard in hazards.items()}


def shrunk(own: pd.DataFrame, prior: pd.DataFrame, *, prior_claims: float) -> pd.DataFrame:
    """A group's incidence, drawn towards a prior that is worth `prior_claims` claims.

    Formula
        hazard(t) = (own ends(t) + m x prior open(t-1) x prior hazard(t)) / (own at_risk(t) + m x prior open(t-1))
        m = prior_claims: m claims that live by the prior curve are added to the group's own
    Counts
        `own` and `prior` are tables of `cumulative_incidence`; `own` may have no rows. `at_risk` of
        the result counts the added claims too. Weighted tables: give m in the unit of the weights.
    Unit
        shares, 0 to 1
    Empty
        Without own claims, the prior itself. Beyond the prior's last day only own claims count.
    Source
        Dirichlet prior on the hazards; our own

    >>> own, prior = cumulative_incidence([1], ["denied"]), cumulative_incidence([1], ["paid"])
    >>> shrunk(own, prior, prior_claims=3)[["paid", "denied"]].iloc[-1].tolist()
    [0.75, 0.25]
    """
    if not prior_claims >= 0:
        raise ParameterError(f"`prior_claims` should be zero or more; found {prior_claims}.")
    names = [name for name in (*ENDS, *OTHER_ENDS) if name in own or name in prior]
    size = max(len(own), len(prior))
    own_risk, own_ends = counts_of(own)
    prior_risk, prior_ends = counts_of(prior)
    alive = prior_claims * np.concatenate([[1.0], prior[OPEN].to_numpy(dtype=float)[:-1]])[: len(prior)]
    hazard = {
        name: np.divide(counts, prior_risk, out=np.zeros(len(counts)), where=prior_risk > 0)
        for name, counts in prior_ends.items()
    }
    alive = np.where(prior_risk > 0, alive, 0.0)
    none = np.zeros(0)
    at_risk = _padded(own_risk, size) + _padded(alive, size)
    ended = {
        name: _padded(own_ends.get(name, none), size) + _padded(alive * hazard.get(name, 0.0), size) for name in names
    }
    return incidence_table(at_risk, ended)


def prior_claims_between(tables: Mapping[Hashable, pd.DataFrame], prior: pd.DataFrame) -> float:
    """How many claims the common curve is worth, judged by how much the groups differ around it.

    Formula
        the m from 1 to 10,000 that makes the groups' ends most likely when each group's hazards, in
        12 bins of age, are drawn from a Dirichlet distribution around the common ones with weight
        m x common open share (Dirichlet-multinomial likelihood)
    Counts
        `tables`: one incidence table in claims per group. Groups that behave alike give a large m
        (all is pooled), groups that differ give a small one (each keeps its own).
    Unit
        claims
    Empty
        With fewer than two groups that have ends: 10,000, the common curve.
    Source
        empirical Bayes, type II maximum likelihood

    >>> fast = cumulative_incidence([5] * 200, ["paid"] * 200)
    >>> slow = cumulative_incidence([50] * 200, ["paid"] * 200)
    >>> both = cumulative_incidence([5] * 200 + [50] * 200, ["paid"] * 400)
    >>> prior_claims_between({"a": fast, "b": slow}, both) < 20 < prior_claims_between({"a": both, "b": both}, both)
    True
    """
    from scipy import optimize

    names = [name for name in (*ENDS, *OTHER_ENDS) if name in prior]
    edges = _edges(prior, names)
    common = _binned(prior, names, edges)
    groups = [_binned(table, names, edges) for table in tables.values() if len(table)]
    groups = [group for group in groups if group[1].sum() > 0]
    if len(groups) < 2:
        return MOST_PRIOR_CLAIMS
    alive = np.array([1.0, *(np.interp(edge - 1, prior["day"], prior[OPEN]) for edge in edges[1:-1])])
    rate = np.divide(common[1], common[0], out=np.zeros_like(common[1]), where=common[0] > 0)
    shares = np.vstack([rate, 1 - rate.sum(axis=0)])

    def loss(log_m: float) -> float:
        alpha = np.clip(np.exp(log_m) * alive * shares, 1e-9, None)
        return -sum(_dirichlet_multinomial(group, alpha) for group in groups)

    bounds = (np.log(FEWEST_PRIOR_CLAIMS), np.log(MOST_PRIOR_CLAIMS))
    return float(np.exp(optimize.minimize_scalar(loss, bounds=bounds, method="bounded").x))


def shrunk_by_group(
    days: Sequence[int], end: Sequence[str], group: Sequence[Hashable], *, weight: Sequence[float] | None = None
) -> pd.DataFrame:
    """The incidence of every group (payer, say), each drawn towards that of all claims together.

    Formula
        `shrunk` with the weight of `prior_claims_between`, estimated from counts of claims; for
        weighted tables that number of claims times the mean weight
    Counts
        as `cumulative_incidence`
    Unit
        shares, 0 to 1; claims and prior_claims are counts
    Empty
        no claims: no row

    >>> out = shrunk_by_group([3, 3, 9], ["paid", "paid", "paid"], ["a", "a", "b"])
    >>> out.groupby("group")["paid"].last().tolist()
    [1.0, 1.0]
    """
    # By position: columns of one table or of several may carry any index.
    given = {"days": days, "end": end, "group": group, "weight": np.ones(len(days)) if weight is None else weight}
    rows = pd.DataFrame({name: np.asarray(values) for name, values in given.items()})
    if rows.empty:
        return cumulative_incidence([], []).assign(group=[], claims=[], prior_claims=[])
    with contextlib.suppress(TypeError):  # a list among the words, which is refused below
        rows["end"] = rows["end"].astype("category")
    parts = dict(iter(rows.groupby("group", sort=True)))
    counted = {name: cumulative_incidence(part["days"], part["end"]) for name, part in parts.items()}
    prior = cumulative_incidence(rows["days"], rows["end"])
    worth = prior_claims_between(counted, prior)
    own = counted
    if weight is not None:
        prior = cumulative_incidence(rows["days"], rows["end"], weight=rows["weight"])
        own = {
            name: cumulative_incidence(part["days"], part["end"], weight=part["weight"]) for name, part in parts.items()
        }
    found = []
    for name, part in parts.items():
        table = shrunk(own[name], prior, prior_claims=worth * float(rows["weight"].mean()))
        found.append(table.assign(group=name, claims=len(part), prior_claims=worth))
    out = pd.concat(found, ignore_index=True).fillna(0.0)
    return out[["group", "day", *[name for name in out if name not in ("group", "day")]]]


def _edges(prior: pd.DataFrame, names: list[str]) -> np.ndarray:
    """First days of the bins, and one past the last day; equally many ends in each, as far as days allow."""
    _, ended = counts_of(prior)
    ends = np.sum([ended[name] for name in names], axis=0).cumsum()
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, BINS) / BINS, side="left") + 1
    inner = [cut for cut in np.unique(cuts) if 0 < cut < len(prior)]
    return np.array([0, *inner, len(prior)])


def _binned(table: pd.DataFrame, names: list[str], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At risk at the start of each bin, and ends in it by name: those who leave unseen leave at its start."""
    at_risk, ended = counts_of(table)
    inside = [slice(first, last) for first, last in zip(edges[:-1], edges[1:], strict=True)]
    ends = np.array([[ended[name][part].sum() if name in ended else 0.0 for part in inside] for name in names])
    after = np.array([at_risk[last] if last < len(at_risk) else 0.0 for last in edges[1:]])
    risk = np.array([at_risk[first] if first < len(at_risk) else 0.0 for first in edges[:-1]])
    censored = np.clip(risk - ends.sum(axis=0) - after, 0, None)
    censored[-1] = 0.0
    return np.maximum(risk - censored, ends.sum(axis=0)), ends


def _dirichlet_multinomial(group: tuple[np.ndarray, np.ndarray], alpha: np.ndarray) -> float:
    from scipy import special

    risk, ends = group
    counts = np.vstack([ends, np.clip(risk - ends.sum(axis=0), 0, None)])
    total, weight = counts.sum(axis=0), alpha.sum(axis=0)
    return float(
        (special.gammaln(weight) - special.gammaln(weight + total)).sum()
        + (special.gammaln(alpha + counts) - special.gammaln(alpha)).sum()
    )


def _padded(values: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([values, np.zeros(size - len(values))])
