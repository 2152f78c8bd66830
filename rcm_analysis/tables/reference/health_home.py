"""Published monthly rates of care-coordination programmes: dated facts with their source."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

SHIPPED = "new_york_children"
RATE_TABLES = {SHIPPED: "health_home_rates.csv", "medicare_national": "medicare_care_management.csv"}
"""The shipped rate tables by name: New York's children's Health Homes, and Medicare's care management."""


@functools.cache
def _read(table: str) -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name(RATE_TABLES[table]), dtype=str, keep_default_na=False)


def health_home_rates(table: str = SHIPPED) -> pd.DataFrame:
    """A rate table as text: level, first day in force, dollars in each region, source.

    Counts
        Health Homes: dollars per member-month upstate and downstate; "assessment" is per assessment. Medicare: national
        amounts for chronic care and advanced primary care management and community health integration per month, for
        transitional care management per discharge. They are not adjusted to a locality, and were read from the pages
        named, not from the fee schedule itself: check them against it before a plan is decided upon.
    Unit
        dollars, as text
    Source
        New York State Department of Health, Health Home rate pages; for Medicare those of each row; source and
        source_date of each row

    >>> rates = health_home_rates()
    >>> rates.loc[(rates["level"] == "high") & (rates["effective"] == "2024-01-01"), "downstate"].item()
    '921.00'
    >>> medicare = health_home_rates("medicare_national").set_index("level")
    >>> medicare.loc["apcm_level_2", ["national", "effective"]].tolist()
    ['48.84', '2025-01-01']
    """
    return _read(table).copy()
