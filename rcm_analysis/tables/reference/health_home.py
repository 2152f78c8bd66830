"""Published monthly Health Home rates, New York, children: dated facts with their source."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

SHIPPED = "new_york_children"


@functools.cache
def _read() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name("health_home_rates.csv"), dtype=str, keep_default_na=False)


def health_home_rates() -> pd.DataFrame:
    """The rate table as text: level, first day in force, dollars per member-month upstate and downstate, source.

    Unit
        dollars per member and month, as text; "assessment" is per assessment, not per month
    Source
        New York State Department of Health, Health Home rate pages; source and source_date of each row

    >>> rates = health_home_rates()
    >>> rates.loc[(rates["level"] == "high") & (rates["effective"] == "2024-01-01"), "downstate"].item()
    '921.00'
    """
    return _read().copy()
