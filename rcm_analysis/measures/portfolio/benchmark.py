"""A client beside the firm's other clients, who stay unnamed: a rate with the limits within which chance keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats

from ...ledger.ratios import quotient
from ...periods import Period
from ..denials.rates import initial_denial_rate_claims_remitted
from ..menu import measure

LEAST_OTHERS, MOST_SHARE, FEWEST_CLAIMS = 5, 0.25, 30
"""At least so many other clients, none of them with more of the others' claims, each with so many claims."""
LIMITS = {"lower": 0.001, "upper": 0.999}
"""The middle of what chance gives: outside of it one client in five hundred."""


@measure("Denial rate beside the firm's other clients", value="denial_rate", unit="rate", good="down")
def denials_beside_others(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Each client's denial rate beside that of the firm's other clients, who stay unnamed.

    Formula
        others_rate = denied claims / claims decided, of all other clients together
        lower, upper: the limits of a binomial share of the client's own number of claims at others_rate that
        hold 99.8 % of what chance gives (a funnel: the fewer claims, the wider)
        stands: "above", "below", or "as the others"
    Counts
        Rates as `initial_denial_rate_claims_remitted`. Only clients with at least 30 claims decided stand beside
        others or are one of them. others: how many; fewer than five, or one of them with more than a quarter of
        their claims: nothing is shown, as it could be told who it is, and others_rate, limits and stands are empty.
        Rates alone are compared, no fees and no prices.
    Date basis
        received_on of first decisions, within the period
    Unit
        rates, 0 to 1; counts
    Empty
        No row for a client with fewer than 30 claims decided.
    Source
        funnel limits: Spiegelhalter, Statistics in Medicine 2005, 24:1185; five contributors, none above 25 %:
        the floor of the former safety zone of the United States' antitrust agencies (withdrawn 2023)

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> denials_beside_others(example_tables(), period=Period.month("2026-10"))["client"].tolist()
    []
    """
    columns = ["client", "denied_claims", "remitted_claims"]
    rates = initial_denial_rate_claims_remitted(tables, period=period, by=["client"])[columns]
    rates = rates[rates["remitted_claims"] >= FEWEST_CLAIMS].reset_index(drop=True)
    decided, denied = rates["remitted_claims"], rates["denied_claims"]
    others = pd.Series(decided.sum(), index=rates.index) - decided
    largest = pd.Series(
        [decided.drop(place).max() if len(decided) > 1 else 0 for place in rates.index], dtype="float64"
    )
    is_hidden = (len(rates) - 1 < LEAST_OTHERS) | (largest > others * MOST_SHARE)
    rate = quotient(pd.Series(denied.sum(), index=rates.index) - denied, others).where(~is_hidden)
    out = rates.assign(
        denial_rate=quotient(denied, decided), others=max(len(rates) - 1, 0), others_rate=rate.astype("float64")
    )
    for name, at in LIMITS.items():
        out[name] = quotient(pd.Series(stats.binom.ppf(at, decided, out["others_rate"]), index=out.index), decided)
    stands = pd.Series("as the others", index=out.index, dtype="object")
    stands = stands.where(~(out["denial_rate"] > out["upper"]), "above")
    stands = stands.where(~(out["denial_rate"] < out["lower"]), "below")
    return out.assign(stands=stands.where(out["others_rate"].notna(), None))
