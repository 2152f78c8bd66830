"""External targets: every row has a source, a unit and a measure that exists."""

from __future__ import annotations

import pandas as pd
import pytest

from rcm_analysis.measures.menu import named
from rcm_analysis.tables.reference.targets import in_words, targets

ALL = targets(with_unverified=True)


def test_the_list_is_there():
    assert len(ALL) > 20 and ALL["measure"].nunique() > 8


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row.measure} {number}") for number, row in enumerate(ALL.itertuples())]
)
def test_every_row_says_where_it_comes_from_and_what_it_measures(row):
    assert row.source and row.source_date and row.note
    assert row.unit in ("rate", "days") and row.direction in ("up", "down", "none")
    assert not (pd.isna(row.low) and pd.isna(row.high))
    assert not row.low > row.high
    if row.unit == "rate":
        assert 0 <= (row.low if pd.notna(row.low) else row.high) <= 1
    record = named(row.measure)
    assert record.unit == row.unit and row.direction in (record.good, "none")


def test_a_population_gets_its_own_rows_and_the_general_ones():
    found = targets("net_collection_rate_matured", population="Surgical")
    assert set(found["population"]) == {"any", "surgical"}
    assert set(targets("net_collection_rate_matured")["population"]) > {"any", "surgical"}


def test_what_was_only_recalled_is_not_offered_for_print():
    assert not targets()["note"].str.startswith("recalled").any()
    assert ALL["note"].str.startswith("recalled").any()


def test_a_measure_without_a_figure_has_no_row_and_the_list_cannot_be_spoiled_by_a_caller():
    assert targets("charge_lag").empty
    spoiled = targets()
    spoiled["high"] = 0
    assert targets("aged_share_120")["high"].tolist() == [0.12, 0.2]


@pytest.mark.parametrize(
    ("low", "high", "unit", "words"),
    [
        (None, 50, "days", "50 days or less"),
        (30, 40, "days", "30 to 40 days"),
        (0.95, None, "rate", "95 % or more"),
        (0.08, 0.08, "rate", "8 %"),
        (None, None, "rate", ""),
    ],
)
def test_in_words(low, high, unit, words):
    assert in_words(float("nan") if low is None else low, float("nan") if high is None else high, unit) == words
