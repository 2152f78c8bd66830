"""A client beside the firm's other clients, who stay unnamed: a rate with the limits within which chance keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats

from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import one_by_one
from ..denials.rates import initial_denial_rate_claims_remitted
from ..denials.reasons import primary_denial_reasons
from ..menu import measure

LEAST_OTHERS, MOST_SHARE, FEWEST_CLAIMS = 5, 0.25, 30
"""At least so many other clients, none of them with more of the others' claims, each with so many claims."""
LEAST_RATIO, SURELY, FEWEST_EXPECTED = 2.0, 0.01, 1.0
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


@measure(
    "Denied again and again more than at the firm's other clients", value="excess_claims", unit="count", good="down"
)
def standing_beside_others(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Reasons for which a client is denied twice as often as the firm's other clients with the same payers, all along.

    Formula
        expected = sum over the client's payers of its claims decided x the mean over the other clients of the share of
        their claims of the payer that is denied for the category
        ratio = denied_claims / expected; excess_claims = denied_claims - expected
        told where ratio >= 2 in both halves of the period and the Poisson tail of so many denied claims, after
        Benjamini-Hochberg over all clients and categories, is at most 0.01
    Counts
        Claims by their first decision, each under its one reason (`primary_denial_reasons`). Each other
        client with 30 claims of the payer counts alike, however large, and payers of fewer than five such are left out:
        so no other client can be told from a rate. At least one claim expected.
    Date basis
        received_on of first decisions, within the period
    Unit
        claims; expected need not be whole; rates 0 to 1
    Empty
        None stands so, or the others are too few: no row.
    Source
        indirect standardisation, leaving the client itself out; Benjamini and Hochberg 1995

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> standing_beside_others(example_tables(), period=Period.month("2026-10"))["client"].tolist()
    []
    """
    found = _beside_others(tables, period)
    if found.empty:
        return found
    found["q_value"] = stats.false_discovery_control(stats.poisson.sf(found["denied_claims"] - 1, found["expected"]))
    found = found[(found["q_value"] <= SURELY) & (found["ratio"] >= LEAST_RATIO)]
    middle = period.months()[len(period.months()) // 2].first_day
    for half in (Period(period.first_day, middle), Period(middle, period.end)):
        then = _beside_others(tables, half)
        steady = then[then["ratio"] >= LEAST_RATIO][["client", "category"]]
        found = found.merge(steady, on=["client", "category"])
    return found.sort_values(["excess_claims", "client"], ascending=[False, True], ignore_index=True)


def _beside_others(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """Each client and category with what the others' rates at the same payers lead to expect."""
    keys = ["client", "payer"]
    rates = one_by_one(initial_denial_rate_claims_remitted, tables, period=period, by=keys)
    decided = rates[[*keys, "remitted_claims"]]
    decided = decided[decided["remitted_claims"] >= FEWEST_CLAIMS]
    denied = one_by_one(primary_denial_reasons, tables, period=period, by=[*keys, "category"])
    cells = decided.merge(denied[["category"]].drop_duplicates(), how="cross").merge(
        denied.rename(columns={"claims": "denied_claims"})[[*keys, "category", "denied_claims"]],
        on=[*keys, "category"],
        how="left",
    )
    cells["denied_claims"] = cells["denied_claims"].fillna(0).astype("int64")
    cells["rate"] = quotient(cells["denied_claims"], cells["remitted_claims"])
    groups = cells.groupby(["payer", "category"])["rate"]
    others = groups.transform("size") - 1
    rate = quotient(groups.transform("sum") - cells["rate"], others)
    cells = cells.assign(expected=cells["remitted_claims"] * rate)[others >= LEAST_OTHERS]
    names = ["remitted_claims", "denied_claims", "expected"]
    out = cells.groupby(["client", "category"], as_index=False)[names].sum()
    out = out[out["expected"] >= FEWEST_EXPECTED].reset_index(drop=True)
    return out.assign(
        excess_claims=out["denied_claims"] - out["expected"],
        ratio=quotient(out["denied_claims"], out["expected"]),
        denial_rate=quotient(out["denied_claims"], out["remitted_claims"]),
        others_rate=quotient(out["expected"], out["remitted_claims"]),
    )
