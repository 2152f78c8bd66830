"""Smooth lag curves, fitted with open claims as censored: log-normal, Weibull, gamma, each with or without a never-paid share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ...errors import ParameterError, closest, listed
from ..statistics.estimators import checked, end_numbers

FAMILIES = {"lognormal": stats.lognorm, "weibull": stats.weibull_min, "gamma": stats.gamma}
"""Name -> scipy distribution; each has one shape and one scale, and starts at zero."""

DAY_OFFSET = 0.5
"""Day d stands for the time d + 0.5: the middle of the day, so that a payment on day 0 has a length."""

FEWEST_ENDS = 10
"""With fewer ends than this a curve of two parameters is guesswork; shrink towards the client instead."""


@dataclass(frozen=True)
class LagFit:
    """A fitted curve: `shape` and `scale` as scipy has them, and the share that never comes.

    `cdf(day)` is the share that came by the end of the day, at most `1 - never_share`; `pmf(days)`
    the share on each day from 0.
    """

    family: str
    shape: float
    scale: float
    never_share: float
    log_likelihood: float
    claims: int
    ends: int

    @property
    def aic(self) -> float:
        """Akaike's criterion: the lower, the better the curve for its number of parameters."""
        return 2 * (3 if self.never_share > 0 else 2) - 2 * self.log_likelihood

    def cdf(self, day: float | np.ndarray) -> np.ndarray:
        """Share that came by the end of `day`."""
        return (1 - self.never_share) * FAMILIES[self.family].cdf(np.asarray(day) + 1.0, self.shape, scale=self.scale)

    def pmf(self, days: int) -> np.ndarray:
        """Share that comes on each of the days 0 to `days`."""
        return np.diff(self.cdf(np.arange(-1, days + 1)))

    def median(self) -> float:
        """Median time of what comes at all, in days."""
        return float(FAMILIES[self.family].median(self.shape, scale=self.scale)) - DAY_OFFSET


def fit_lag(days: Sequence[int], end: Sequence[str], *, family: str = "lognormal", never_paid: bool = True) -> LagFit:
    """The curve of a family that makes the claims as they stand most likely.

    Formula
        never_paid=True: time to payment, where a share p is never paid;
        log-likelihood = sum over paid of log((1-p) f(t)) + over open of log(p + (1-p) S(t))
        + over denied and written off of log(p);  t = days + 0.5
        never_paid=False: time to any end, all claims end in the end; scipy's `fit` on `CensoredData`
    Counts
        as `cumulative_incidence`. Denied, written-off and passed-on claims are known never to be
        paid; open ones are one or the other.
    Unit
        days; shares 0 to 1
    Empty
        Fewer than 10 ends are refused: use `shrinkage.shrunk`.
    Source
        mixture cure model (Boag 1949); fits by maximum likelihood

    >>> fit = fit_lag([5, 8, 9, 12, 13, 15, 20, 22, 30, 41, 60], ["paid"] * 10 + ["open"], family="gamma", never_paid=False)
    >>> bool(0.4 < fit.cdf(15) < 0.6)
    True
    """
    if family not in FAMILIES:
        raise ParameterError(f"A lag curve is one of {listed(FAMILIES)}; found {family!r}." + closest(family, FAMILIES))
    age, _, _ = checked(days, None, None)
    names, code = end_numbers(end, len(age))
    came = code == names.index("paid") if never_paid else code >= 0
    if came.sum() < FEWEST_ENDS:
        raise ParameterError(
            f"A fitted curve needs at least {FEWEST_ENDS} {'paid claims' if never_paid else 'ends'}; found {int(came.sum())} "
            f"of {len(age)} claims. Shrink towards the client's curve instead (shrinkage.shrunk)."
        )
    time = age + DAY_OFFSET
    if never_paid:
        return _mixture(family, time, came, code == -1)
    shape, _, scale = FAMILIES[family].fit(stats.CensoredData.right_censored(time, ~came), floc=0)
    distribution = FAMILIES[family](shape, scale=scale)
    likelihood = distribution.logpdf(time[came]).sum() + distribution.logsf(time[~came]).sum()
    return LagFit(family, float(shape), float(scale), 0.0, float(likelihood), len(age), int(came.sum()))


def best_fit(days: Sequence[int], end: Sequence[str], *, never_paid: bool = True) -> LagFit:
    """Of the three families the curve with the lowest AIC.

    Formula
        AIC = 2 x parameters - 2 x log-likelihood
    Unit
        as `fit_lag`

    >>> best_fit(list(range(1, 40)), ["paid"] * 39, never_paid=False).family in FAMILIES
    True
    """
    return min(
        (fit_lag(days, end, family=family, never_paid=never_paid) for family in FAMILIES), key=lambda fit: fit.aic
    )


def fit_table(days: Sequence[int], end: Sequence[str], *, never_paid: bool = True) -> pd.DataFrame:
    """All three families side by side, the best first.

    Unit
        median_days in days; never_share 0 to 1; aic has no unit

    >>> fit_table(list(range(1, 40)), ["paid"] * 39, never_paid=False)["aic"].is_monotonic_increasing
    True
    """
    fits = [fit_lag(days, end, family=family, never_paid=never_paid) for family in FAMILIES]
    rows = [(fit.family, fit.median(), fit.never_share, fit.log_likelihood, fit.aic) for fit in fits]
    columns = ["family", "median_days", "never_share", "log_likelihood", "aic"]
    return pd.DataFrame(rows, columns=columns).sort_values("aic", ignore_index=True)


def _mixture(family: str, time: np.ndarray, came: np.ndarray, is_open: np.ndarray) -> LagFit:
    """Equal times are counted together, so that a large client costs no more than a small one."""
    distribution = FAMILIES[family]
    paid_at, paid_count = np.unique(time[came], return_counts=True)
    open_at, open_count = np.unique(time[is_open], return_counts=True)
    never = len(time) - int(came.sum()) - int(is_open.sum())

    def loss(parameters: np.ndarray) -> float:
        share = 1 / (1 + np.exp(-parameters[0]))
        curve = distribution(np.exp(parameters[1]), scale=np.exp(parameters[2]))
        paid = paid_count @ (np.log1p(-share) + curve.logpdf(paid_at))
        waiting = open_count @ np.log(share + (1 - share) * curve.sf(open_at)) if len(open_at) else 0.0
        value = -(paid + waiting + never * np.log(share))
        return value if np.isfinite(value) else 1e300

    shape, _, scale = distribution.fit(time[came], floc=0)
    closed = max(never + 0.5, 0.5) / (never + came.sum() + 1)
    start = np.array([np.log(closed / (1 - closed)), np.log(shape), np.log(scale)])
    bounds = [(-15.0, 15.0), (np.log(0.02), np.log(200.0)), (np.log(1e-3), np.log(1e5))]
    found = optimize.minimize(
        loss, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 4000}
    )
    share = float(1 / (1 + np.exp(-found.x[0])))
    return LagFit(
        family,
        float(np.exp(found.x[1])),
        float(np.exp(found.x[2])),
        share,
        -float(found.fun),
        len(time),
        int(came.sum()),
    )
