"""External targets: dated figures with their source, as an annotation beside the client's own past.

The list is targets.csv. Published benchmarks contradict each other and most cannot be traced to their
survey, so none of them is a default: a report compares a client with its own trailing twelve months
(`measures.comparisons`) and its contract, and may add a line from here with its source printed.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

ANY = "any"
UNVERIFIED = "recalled and not seen"


@functools.cache
def _read() -> pd.DataFrame:
    frame = pd.read_csv(Path(__file__).with_name("targets.csv"), dtype=str, keep_default_na=False)
    for edge in ("low", "high"):
        frame[edge] = pd.to_numeric(frame[edge].where(frame[edge] != ""))
    return frame


def targets(
    measure: str | None = None, *, population: str | None = None, with_unverified: bool = False
) -> pd.DataFrame:
    """The targets of one measure, or all of them.

    Counts
        Rows for `population` (a specialty or kind of practice) and for "any"; without `population` every row.
        Figures that were only recalled are left out unless `with_unverified`: they are not for print.
    Unit
        that of the measure: rates 0 to 1, days. Between `low` and `high`; an empty edge is open
    Shape
        measure, population, low, high, direction (which way is good), unit, source, source_date, note;
        source_date is "undated" where the source shows none
    Empty
        No row for a measure without a published figure.

    >>> targets("aged_share_120")[["high", "source"]].values[0].tolist()
    [0.12, 'speromd.com/key-performance-indicators']
    """
    rows = _read()
    keep = pd.Series(True, index=rows.index)
    if measure is not None:
        keep &= rows["measure"] == measure
    if population is not None:
        keep &= rows["population"].isin([ANY, population.strip().lower()])
    if not with_unverified:
        keep &= ~rows["note"].str.startswith(UNVERIFIED)
    return rows[keep].reset_index(drop=True)


def in_words(low: float, high: float, unit: str) -> str:
    """A target as a reader would say it.

    >>> in_words(0.95, float("nan"), "rate"), in_words(30, 40, "days")
    ('95 % or more', '30 to 40 days')
    """

    def shown(edge: float) -> str:
        return f"{edge * 100:g}" if unit == "rate" else f"{edge:g}"

    ending = " %" if unit == "rate" else f" {unit}"
    if pd.isna(low) and pd.isna(high):
        return ""
    if pd.isna(high):
        return f"{shown(low)}{ending} or more"
    if pd.isna(low):
        return f"{shown(high)}{ending} or less"
    return f"{shown(high)}{ending}" if low == high else f"{shown(low)} to {shown(high)}{ending}"
