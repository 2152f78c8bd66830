"""The only rounding in the package: what each value looks like."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.exhibits.formats import UNITS, as_text, comma_list, counted, plain


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        pytest.param(0, "usd", "$0", id="nothing is zero dollars, not a dash"),
        pytest.param(49, "usd", "$0", id="under half a dollar rounds down"),
        pytest.param(50, "usd", "$1", id="half a dollar rounds up"),
        pytest.param(150, "usd", "$2", id="one and a half dollars rounds up, not to the even one"),
        pytest.param(-49, "usd", "$0", id="a few cents owed are no negative zero"),
        pytest.param(-123456, "usd", "($1,235)", id="negative money stands in parentheses"),
        pytest.param(np.int64(123456789012), "usd", "$1,234,567,890", id="a billion dollars keeps every digit"),
        pytest.param(0.0, "rate", "0.0%", id="a rate of nothing"),
        pytest.param(0.99949, "rate", "99.9%", id="almost all is not all"),
        pytest.param(0.0005, "rate", "0.1%", id="a rate at the half rounds up"),
        pytest.param(1.25, "rate", "125.0%", id="a rate above one"),
        pytest.param(-0.0001, "rate", "0.0%", id="a tiny fall is no negative zero"),
        pytest.param(34.25, "days", "34.3", id="days at the half round up as they print"),
        pytest.param(1234, "count", "1,234", id="counts have thousands"),
        pytest.param(12.0, "count", "12", id="a count that came back as a float"),
        pytest.param(dt.date(2026, 10, 5), "date", "Oct 5, 2026", id="a day without a leading zero"),
        pytest.param("2026-10-31", "date", "Oct 31, 2026", id="a day as ISO text"),
        pytest.param(pd.Timestamp("2026-10-01"), "month", "Oct 2026", id="a month"),
        pytest.param("2026-10", "month", "Oct 2026", id="a month as text"),
        pytest.param(True, "flag", "yes", id="a flag"),
        pytest.param("<b>", "text", "<b>", id="text is left as it is"),
    ],
)
def test_a_value_is_printed(value, unit, printed):
    assert as_text(value, unit) == printed


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("value", [None, float("nan"), pd.NaT, pd.NA, float("inf")])
def test_what_is_not_known_is_a_dash_with_its_reason(value, unit):
    assert as_text(value, unit) == "–"
    assert as_text(value, unit, reason="no charges") == "– (no charges)"
    assert plain(value, unit) is None


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="unit should be one of"):
        as_text(1, "percent")


@given(st.integers(min_value=-(10**14), max_value=10**14))
def test_exact_dollars_can_be_read_back_to_the_cent(cents):
    text = as_text(cents, "usd", exact=True)
    number = Decimal(text.strip("()").replace("$", "").replace(",", ""))
    assert int(number * 100) * (-1 if text.startswith("(") else 1) == cents


@given(st.integers(min_value=0, max_value=10**12))
def test_opposite_amounts_print_alike(cents):
    assert as_text(-cents, "usd").strip("()") == as_text(cents, "usd")


def test_counts_and_lists_read_as_english():
    assert counted(0, "claim") == "no claims"
    assert counted(1, "reply", "replies") == "1 reply"
    assert comma_list([]) == ""
