"""A month beside its own past: which windows, computed how, and empty before the history begins."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.measures.collections import lags, written_off
from rcm_analysis.measures.collections import rates as collections
from rcm_analysis.measures.receivable import ar
from rcm_analysis.measures.windows import WINDOWS, comparisons, matured_window
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")


@pytest.fixture(scope="module")
def book(builders_ledger):
    return builders_ledger.random_book()


def windows(found: pd.DataFrame) -> pd.DataFrame:
    return found.set_index("window")


def test_each_window_is_the_measure_on_that_window_and_not_a_mean_of_rates(book):
    found = windows(comparisons("net_collection_rate_posted", book, period=MARCH))
    assert found.index.tolist() == list(WINDOWS)
    for name, window in {
        "this_month": MARCH,
        "last_month": MARCH.shift(-1),
        "trailing_3": MARCH.trailing(3),
        "trailing_12": MARCH.trailing(12),
    }.items():
        expected = collections.net_collection_rate_posted(book, period=window).iloc[0]["net_collection_rate_posted"]
        assert found.loc[name, "value"] == expected
    months = [
        collections.net_collection_rate_posted(book, period=month).iloc[0]["net_collection_rate_posted"]
        for month in MARCH.trailing(3).months()
    ]
    assert found.loc["trailing_3", "value"] != pytest.approx(sum(months) / 3)


def test_dollars_of_a_longer_window_are_compared_per_month(book):
    found = windows(comparisons("cash", book, period=MARCH))
    assert found.loc["trailing_3", "value"] == collections.cash(book, period=MARCH.trailing(3))["cash_cents"].iloc[0]
    assert found.loc["trailing_3", "monthly_value"] == pytest.approx(found.loc["trailing_3", "value"] / 3)
    assert found.loc["this_month", "monthly_value"] == found.loc["this_month", "value"]


def test_balances_are_compared_at_month_ends(book):
    found = windows(comparisons(ar.days_in_ar, book, period=MARCH))
    ends = [ar.days_in_ar(book, as_of=month.last_day).iloc[0]["days_in_ar"] for month in MARCH.trailing(3).months()]
    assert found.loc["this_month", "value"] == ends[-1]
    assert found.loc["trailing_3", "value"] == pytest.approx(sum(ends) / 3)


def test_options_of_the_menu_entry_are_kept(book):
    found = windows(comparisons("aged_share_120", book, period=MARCH))
    assert found.loc["this_month", "value"] == ar.aged_share(book, as_of=MARCH.last_day, days=120).iloc[0]["aged_share"]


def test_a_matured_rate_looks_at_services_that_were_old_enough(book):
    found = windows(comparisons("net_collection_rate_matured", book, period=MARCH))
    assert found.loc["this_month", ["first_day", "last_day"]].tolist() == [dt.date(2025, 11, 1), dt.date(2025, 11, 30)]
    expected = collections.net_collection_rate_matured(book, period=Period.month("2025-11"), as_of=MARCH.last_day).iloc[
        0
    ]
    assert found.loc["this_month", "value"] == expected["net_collection_rate_matured"]


@pytest.mark.parametrize("month", Period.month("2024-12").trailing(24).months(), ids=lambda month: month.label)
@pytest.mark.parametrize("days", [0, 60, 90, 120])
def test_a_matured_window_is_the_youngest_that_is_old_enough(month, days):
    moved = matured_window(month, days)
    assert (month.last_day - moved.last_day).days >= days
    assert (month.last_day - moved.shift(1).last_day).days < days


@pytest.mark.parametrize(
    ("first", "complete"),
    [
        pytest.param("2026-03-01", [True, False, False, False, False], id="history begins this month"),
        pytest.param(
            "2026-03-09", [False, False, False, False, False], id="history begins in the middle of this month"
        ),
        pytest.param(
            "2026-01-05", [True, True, True, False, False], id="history begins in the first week of the trailing three"
        ),
        pytest.param("2025-03-01", [True, True, True, True, True], id="a full year and a month"),
    ],
)
def test_a_window_that_the_history_does_not_fill_is_marked(builders_ledger, first, complete):
    b = builders_ledger
    found = comparisons("cash", b.tables(b.post("1", "payment", -900, first)), period=MARCH)
    assert found["is_complete"].tolist() == complete


def test_before_the_history_begins_a_window_is_empty_never_zero(builders_ledger):
    b = builders_ledger
    found = windows(comparisons("cash", b.tables(b.post("1", "payment", -900, "2026-03-05")), period=MARCH))
    assert found.loc[["last_month", "same_month_last_year"], "value"].isna().all()
    assert comparisons("cash", b.tables(), period=MARCH)["value"].isna().all()


def test_a_group_missing_in_a_window_brought_nothing_and_has_no_rate(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "payment", -900, "2026-02-05"),
        b.post("2", "payment", -50, "2026-03-05"),
        claims=[b.claim("1", payer="aetna"), b.claim("2", payer="cigna")],
    )
    found = comparisons("cash", book, period=MARCH, by=["payer"]).set_index(["payer", "window"])
    assert len(found) == 10
    assert found.loc[("aetna", "this_month"), "value"] == 0 and found.loc[("cigna", "this_month"), "value"] == 50
    assert pd.isna(found.loc[("aetna", "same_month_last_year"), "value"])
    rates = comparisons("net_collection_rate_posted", book, period=MARCH, by=["payer"])
    assert len(rates) == 10 and rates["value"].isna().all()


def test_any_column_may_be_compared_and_options_reach_the_measure(book):
    found = windows(comparisons(lags.charge_lag, book, period=MARCH, value="mean_days"))
    assert found.loc["this_month", "value"] == lags.charge_lag(book, period=MARCH).iloc[0]["mean_days"]
    found = windows(comparisons(written_off.small_balance_write_offs, book, period=MARCH, limit_cents=100000))
    assert found.loc["trailing_12", "value"] == 1.0


def test_a_measure_with_several_rows_per_group_is_refused(book):
    with pytest.raises(ParameterError, match="several rows per group"):
        comparisons("aging", book, period=MARCH)
