"""Rates that moved because the practice now does other work, and not because payers decide differently.

The overall denial rate can rise for two reasons that call for opposite answers. Either payers deny more than they used
to (`systemic_denials` looks for the cause), or the practice does more of the work that was always denied more often.
To tell them apart we ask which rate today's claims would have at the rates that were usual for their payer and code
(standardisation).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...tables.frames import kept
from .denial_cells import expected_lines

MONTHS, USUAL_MONTHS = 3, 6
LEAST_CHANGE = 0.15
"""A denial rate that moves by less than 15 % of itself counts as steady; a part of a move below that counts as none."""
LEAST_CHANGES = {"denials": LEAST_CHANGE, "collections": 0.05}
"""Collections move in smaller steps: a twentieth of the cash is a month's rent."""
PRIOR_LINES = 30.0
"""The rate of the next coarser kind (payer and family, then all) counts as so many lines of the kind's own."""
FEWEST_LINES = 30
VERDICTS = {
    "steady": "it hardly moved",
    "mix": "the work changed, not the payers: what is done more was always so",
    "rate": "the same work is treated otherwise",
    "both": "a part is a change of the work, a part is not",
}
FIGURES = {"denials": ("denied", "line"), "collections": ("allowed_cents", "charge_cents")}
"""Each figure as one column over another: lines denied of lines decided; dollars allowed of dollars charged."""
COLUMNS = (
    "client",
    "figure",
    "first_month",
    "last_month",
    "usual",
    "now",
    "expected",
    "change",
    "mix_change",
    "rest_change",
    "verdict",
    "payer",
    "family",
    "share_before",
    "share_now",
    "its_rate",
)


@kept
def mix_shifts(tables: Mapping[str, Any], *, as_of: dt.date, months: int = MONTHS) -> pd.DataFrame:
    """Whether the overall denial rate and the collection rate moved because of the mix of work or because of the
    payers' decisions: one row per client and figure.

    Formula
        usual = the figure over the 6 months before; now = over the last `months` months
        expected = today's lines (or charges) at the usual rate of their payer and code (`usual_rates_of_kinds`)
        mix_change = expected - usual; rest_change = now - expected; change = mix_change + rest_change
        verdict: steady when |change| < 15 % of usual (collections: 5 %); mix when |rest_change| < 15 % (5 %) of
        expected; rate when |mix_change| < 15 % (5 %) of usual; else both
        payer, family: of the kinds whose share grew, the one that moved the figure most in the direction of mix_change:
        (share_now - share_before) x (its_rate - usual); its_rate is its usual rate
    Counts
        First decisions of primary payers on lines (`denial_cells.first_lines`). denials: lines denied of lines decided;
        collections: allowed cents of charged cents. The month of `as_of` counts as far as it has gone.
    Date basis
        received_on of the remittance
    Unit
        rates and shares, 0 to 1; changes in points of them
    Empty
        Fewer than 30 lines in either time: no row.
    Source
        Kitagawa, Components of a difference between two rates, JASA 50, 1955; the 15 % are those of the public project
        stalcup-dev, the 5 % our own
    """
    lines = expected_lines(tables, as_of=as_of)
    lines = lines.assign(denied=lines["category"].notna().astype("int64"), line=1)
    last = pd.Period(as_of, "M")
    rows = []
    for client, own in lines.groupby("client", sort=True):
        now = own[(own["month"] > last - months) & (own["month"] <= last)]
        before = own[(own["month"] > last - months - USUAL_MONTHS) & (own["month"] <= last - months)]
        if min(len(now), len(before)) < FEWEST_LINES:
            continue
        span = {"client": client, "first_month": str(last - months + 1), "last_month": str(last)}
        rows += [
            span | {"figure": figure} | _shift(before, now, figure, *columns) for figure, columns in FIGURES.items()
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def usual_rates_of_kinds(before: pd.DataFrame, now: pd.DataFrame, top: str, bottom: str) -> pd.Series:
    """The usual rate of the payer and code of every row of `now`, from the rows of `before`; aligned with `now`.

    Formula
        rate of a payer and code = (top + m x rate of its payer and family) / (bottom + m), that one drawn likewise
        towards the rate of all; m = 30 lines' worth of `bottom`
    Empty
        A kind that was never seen has the rate of the next coarser one.
    """
    weight = PRIOR_LINES * before[bottom].mean()
    rate = pd.Series(before[top].sum() / before[bottom].sum(), index=now.index)
    for kind in (["payer", "family"], ["payer", "procedure"]):
        sums = before.groupby(kind, dropna=False)[[top, bottom]].sum().reset_index()
        found = now[kind].merge(sums, on=kind, how="left")[[top, bottom]].fillna(0).set_axis(now.index)
        rate = (found[top] + weight * rate) / (found[bottom] + weight)
    return rate


def _shift(before: pd.DataFrame, now: pd.DataFrame, figure: str, top: str, bottom: str) -> dict[str, Any]:
    usual, today = before[top].sum() / before[bottom].sum(), now[top].sum() / now[bottom].sum()
    # The rates of kinds are drawn to each other, so their own mean over the old mix is the fair start.
    start = (usual_rates_of_kinds(before, before, top, bottom) * before[bottom]).sum() / before[bottom].sum()
    at_usual = (usual_rates_of_kinds(before, now, top, bottom) * now[bottom]).sum() / now[bottom].sum()
    expected = usual + at_usual - start
    found = {
        "usual": usual,
        "now": today,
        "expected": expected,
        "change": today - usual,
        "mix_change": expected - usual,
        "rest_change": today - expected,
    }
    return (
        found
        | {"verdict": verdict_of(usual, today, expected, least=LEAST_CHANGES[figure])}
        | _most_moved(before, now, top, bottom, usual, expected - usual)
    )


def verdict_of(usual: float, now: float, expected: float, *, least: float = LEAST_CHANGE) -> str:
    """What moved a figure, one of `VERDICTS`.

    >>> (
    ...     verdict_of(0.10, 0.11, 0.10),
    ...     verdict_of(0.10, 0.20, 0.19),
    ...     verdict_of(0.10, 0.20, 0.11),
    ...     verdict_of(0.10, 0.30, 0.20),
    ... )
    ('steady', 'mix', 'rate', 'both')
    """
    if abs(now - usual) < least * usual:
        return "steady"
    if abs(now - expected) < least * expected:
        return "mix"
    return "rate" if abs(expected - usual) < least * usual else "both"


def _most_moved(
    before: pd.DataFrame, now: pd.DataFrame, top: str, bottom: str, usual: float, mix_change: float
) -> dict[str, Any]:
    """The payer and family whose share moved the figure most in the direction of the change of mix."""
    kind = ["payer", "family"]
    sums = (
        before.groupby(kind)[[top, bottom]]
        .sum()
        .join(now.groupby(kind)[[bottom]].sum().rename(columns={bottom: "today"}), how="outer")
    )
    sums = sums.fillna(0)
    share_before, share_now = sums[bottom] / sums[bottom].sum(), sums["today"] / sums["today"].sum()
    rate = (sums[top] / sums[bottom].where(sums[bottom] > 0)).fillna(usual)
    moved = ((share_now - share_before) * (rate - usual) * np.sign(mix_change)).where(share_now > share_before, -np.inf)
    payer, family = moved.idxmax()
    at = (payer, family)
    return {
        "payer": payer,
        "family": family,
        "share_before": share_before[at],
        "share_now": share_now[at],
        "its_rate": rate[at],
    }
