"""Denial rates that are no rise because they were always high: a place, doctor or payer beside its peers at the same
work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...tables.frames import kept
from .denial_cells import expected_lines

MONTHS = 12
FEWEST_CLAIMS, FEWEST_EXPECTED = 60, 1.0
LEAST_RATIO = 2.0
"""Twice as often as the others: less may be patients or work that the mix does not show."""
SURELY = 0.01
MONTH_ENDS = 12
"""The question is asked at every month's end: each may spend a twelfth of the false findings allowed in a year."""
SAME_WORK = {"location": ["payer", "family"], "provider": ["payer", "family"], "payer": ["family"]}
"""What the work of each is made alike by: places and doctors by payer and code family, payers by code family."""
COLUMNS = [
    *("client", "level", "name", "category", "claims", "denied_claims", "expected", "ratio", "rate", "peers_rate"),
    *("denied_cents", "excess_cents", "q_value"),
]


@kept
def standing_rates(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Places, doctors and payers at which more is denied than at their peers with the same work, the whole year long.

    Formula
        expected = sum over the unit's claims of the rate at which the others' claims of the same payer and code family
        (payers: code family) are denied for the category; ratio = denied_claims / expected
        q = negative binomial tail of so many denied claims, Benjamini-Hochberg over all units and categories; its
        variance is expected + that of the others' rates, which few denials show badly: for each kind of work
        (own claims / others' claims)^2 x (others' denied claims + 1/2)
        told where ratio >= 2 in each half of the year, q <= 0.01 / 12 (twelve month ends of a year ask), 60 claims or
        more and one or more expected
    Counts
        First decisions of primary payers received in the twelve months to `as_of` (`denial_cells.expected_lines`); a
        claim counts once, with the first of its lines. Claims of a kind that no other unit has are left out.
        excess_cents = denied_cents x (1 - expected / denied_claims).
    Date basis
        received_on of the remittance
    Unit
        counts of claims; expected need not be whole; cents; rates 0 to 1
    Empty
        No unit with peers, or none above them: no row.
    Source
        indirect standardisation, leaving the unit itself out; Benjamini and Hochberg 1995
    """
    lines = expected_lines(tables, as_of=as_of)
    lines = lines[lines["month"] > pd.Period(as_of, "M") - MONTHS]
    rows = [row for level in SAME_WORK for row in _of_level(lines, level, pd.Period(as_of, "M"))]
    found = pd.DataFrame(rows, columns=[*COLUMNS, "is_steady", "variance"])
    if found.empty:
        return found[COLUMNS]
    from scipy import stats

    size = found["expected"] ** 2 / found["variance"]
    tail = stats.nbinom.sf(found["denied_claims"] - 1, size, size / (size + found["expected"]))
    found["q_value"] = stats.false_discovery_control(tail)
    told = (found["q_value"] <= SURELY / MONTH_ENDS) & (found["ratio"] >= LEAST_RATIO) & found["is_steady"].astype(bool)
    return found[told].sort_values("excess_cents", ascending=False, ignore_index=True)[COLUMNS]


def _of_level(lines: pd.DataFrame, level: str, last: pd.Period) -> list[dict[str, Any]]:
    """Every unit of a level with enough claims, beside the others, for each category of denial."""
    work = SAME_WORK[level]
    named = lines.dropna(subset=[level, *work])
    claims = named.sort_values("line_number").drop_duplicates("claim_id").sort_values("claim_id", ignore_index=True)
    if claims[level].nunique() < 2:
        return []
    number = pd.Index(claims["claim_id"]).get_indexer(named["claim_id"])
    kinds, owns = (claims.groupby(names).ngroup().to_numpy() for names in (work, [level, *work]))
    late, units = (claims["month"] > last - MONTHS // 2).to_numpy(), claims.groupby(level).indices
    found = []
    for category in sorted(named["category"].dropna().unique()):
        is_lost = (named["category"] == category).to_numpy()
        lost, is_denied = named[is_lost], np.zeros(len(claims))
        is_denied[number[is_lost]] = 1.0
        peers, variance = _rate_of_others(is_denied, kinds, owns)
        for name, places in sorted(units.items()):
            own = places[~np.isnan(peers[places])]
            denied, expected = is_denied[own].sum(), peers[own].sum()
            if len(own) < FEWEST_CLAIMS or expected < FEWEST_EXPECTED:
                continue
            halves = [own[late[own] == half] for half in (False, True)]
            steady = all(len(half) and is_denied[half].sum() >= LEAST_RATIO * peers[half].sum() for half in halves)
            cents = float(lost.loc[(lost[level] == name), "expected_cents"].sum())
            found.append(
                {
                    "client": claims["client"].iloc[own[0]],
                    "level": level,
                    "name": name,
                    "category": category,
                    "claims": len(own),
                    "denied_claims": int(denied),
                    "expected": expected,
                    "ratio": denied / expected,
                    "rate": denied / len(own),
                    "peers_rate": expected / len(own),
                    "denied_cents": int(cents),
                    "excess_cents": int(cents * max(0.0, 1 - expected / denied)) if denied else 0,
                    "q_value": np.nan,
                    "is_steady": steady,
                    "variance": variance[own].sum(),
                }
            )
    return found


def _rate_of_others(is_denied: np.ndarray, kinds: np.ndarray, owns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each claim the denied share of the others' claims of its kind, nan where no other has any; and what the claim
    adds to the variance of the sum of these shares."""
    own = np.bincount(owns)[owns]
    claims, denied = (
        np.bincount(kinds, weights)[kinds] - np.bincount(owns, weights)[owns]
        for weights in (np.ones(len(kinds)), is_denied)
    )
    rate = np.divide(denied, claims, out=np.full(len(kinds), np.nan), where=claims > 0)
    return rate, own * (denied + 0.5) / np.maximum(claims, 1) ** 2
