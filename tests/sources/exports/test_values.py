"""What the text of a cell means: one named case for each way in which exports write it."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.sources.exports import values


def read(reader, text, *args, **kwargs):
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    return frame.select(reader(values.cleaned(pl.col("text")), *args, **kwargs)).item()


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        pytest.param("1234.50", 123450, id="plain"),
        pytest.param("1234.5", 123450, id="one decimal is tenths, not cents"),
        pytest.param("1234", 123400, id="no decimals are whole dollars"),
        pytest.param("1234.", 123400, id="a point without decimals"),
        pytest.param(".50", 50, id="no whole dollars"),
        pytest.param("$1,234.50", 123450, id="dollar sign and thousands"),
        pytest.param("$ 1,234,567.89", 123456789, id="blank after the dollar sign"),
        pytest.param("(12.00)", -1200, id="parentheses are negative"),
        pytest.param("($1,234.50)", -123450, id="dollar sign inside parentheses"),
        pytest.param("$(12.00)", -1200, id="dollar sign before parentheses"),
        pytest.param("12.00-", -1200, id="minus behind, as mainframes write it"),
        pytest.param("-12.00", -1200, id="minus before"),
        pytest.param("-$12.00", -1200, id="minus before the dollar sign"),
        pytest.param("$-12.00", -1200, id="minus after the dollar sign"),
        pytest.param("−12.00", -1200, id="the typographic minus"),
        pytest.param("  85.55\u00a0", 8555, id="blanks around, no-break ones too"),
        pytest.param("USD 12.00", 1200, id="the currency's code before"),
        pytest.param("US$1,234.50", 123450, id="the currency's code and sign"),
        pytest.param("12.00 USD", 1200, id="the currency's code behind"),
        pytest.param("12.00 CR", None, id="a credit: of which sign is the column's to say"),
        pytest.param("€12.00", None, id="another currency"),
        pytest.param("EUR 12.00", None, id="another currency's code"),
        pytest.param("0.00", 0, id="zero is an amount"),
        pytest.param("-0.00", 0, id="minus zero is zero"),
        pytest.param("85.5500", 8555, id="zeros after the second decimal change nothing"),
        pytest.param("0.29", 29, id="a value that floats make 28.999"),
        pytest.param("1.15", 115, id="a value that floats make 114.99999999999999"),
        pytest.param("90071992547409.93", 9007199254740993, id="more cents than a float can hold"),
        pytest.param("", None, id="nothing"),
        pytest.param("   ", None, id="blanks"),
        pytest.param("1.005", None, id="half a cent"),
        pytest.param("n/a", None, id="words"),
        pytest.param("$", None, id="a dollar sign alone"),
        pytest.param("-", None, id="a dash alone"),
        pytest.param(".", None, id="a point alone"),
        pytest.param("1,23.45", None, id="thousands in the wrong place"),
        pytest.param("12,50", None, id="a decimal comma where the map says point"),
        pytest.param("1 234.50", None, id="blanks between digits"),
        pytest.param("--12.00", None, id="two signs"),
        pytest.param("(-12.00)", None, id="negative twice"),
        pytest.param("-12.00-", None, id="a sign on both sides"),
        pytest.param("(12.00", None, id="an open parenthesis"),
        pytest.param("1e3", None, id="an exponent"),
        pytest.param("€12.00", None, id="another currency"),
        pytest.param("12.00 USD 3", None, id="something behind the amount"),
        pytest.param("99999999999999999999.00", None, id="more than the store can hold"),
    ],
)
def test_money_is_exact_cents_or_nothing(text, cents):
    assert read(values.cents, text) == cents


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        pytest.param("1.234,50", 123450, id="point for thousands, comma for decimals"),
        pytest.param("12,5", 1250, id="one decimal"),
        pytest.param("(1.234,50)", -123450, id="parentheses"),
        pytest.param("1,234.50", None, id="the other way round is refused"),
        pytest.param("12.50", None, id="a decimal point is refused, never read as 1250"),
    ],
)
def test_money_with_a_decimal_comma_only_where_the_map_says_so(text, cents):
    assert read(values.cents, text, ",") == cents


@given(
    cents=st.integers(-(10**15), 10**15),
    style=st.sampled_from(["{}", "${}", "({})", "{}-", "-{}", "$ ({})"]),
    grouped=st.booleans(),
)
def test_every_amount_reads_back_to_the_cent(cents, style, grouped):
    whole, part = divmod(abs(cents), 100)
    text = style.format(f"{whole:,}.{part:02d}" if grouped else f"{whole}.{part:02d}")
    sign = -1 if set(style) & set("(-") else 1
    assert read(values.cents, text) == sign * abs(cents)


@pytest.mark.parametrize(
    ("text", "splits"),
    [
        pytest.param("1.005", True, id="half a cent"),
        pytest.param("(1.005)", True, id="negative"),
        pytest.param("1.5000", False, id="zeros only"),
        pytest.param("1.50", False, id="cents"),
        pytest.param("n/a", False, id="no amount at all"),
    ],
)
def test_a_part_of_a_cent_is_told_apart_from_an_unreadable_amount(text, splits):
    assert read(values.splits_a_cent, text) is splits


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [
        pytest.param("03/31/2026", ["%m/%d/%Y"], "2026-03-31", id="American"),
        pytest.param("3/1/2026", ["%m/%d/%Y"], "2026-03-01", id="without leading zeros"),
        pytest.param("31.03.2026", ["%d.%m.%Y"], "2026-03-31", id="day first, because the map says so"),
        pytest.param("03/04/2026", ["%d/%m/%Y"], "2026-04-03", id="an ambiguous text follows the map"),
        pytest.param("20260331", ["%Y%m%d"], "2026-03-31", id="eight digits"),
        pytest.param("31-Mar-2026", ["%d-%b-%Y"], "2026-03-31", id="month by name"),
        pytest.param("03/31/2026 14:05", ["%m/%d/%Y %H:%M"], "2026-03-31", id="with a time"),
        pytest.param("03/31/26", ["%m/%d/%Y", "%m/%d/%y"], "2026-03-31", id="two-digit year falls to its own format"),
        pytest.param("03/31/26", ["%m/%d/%Y"], None, id="two-digit year is not the year 26"),
        pytest.param("2026-03-31", [], "2026-03-31", id="ISO needs no format"),
        pytest.param("2014-05-06T08:34:30Z", [], "2014-05-06", id="ISO timestamp: the day written"),
        pytest.param("2014-05-06T23:59:59-05:00", [], "2014-05-06", id="zones do not move the day"),
        pytest.param("2026-03-31 00:00:00", [], "2026-03-31", id="a date cell of a workbook"),
        pytest.param("2024-02-29", [], "2024-02-29", id="a leap day"),
        pytest.param("02/29/2025", ["%m/%d/%Y"], None, id="a day that does not exist"),
        pytest.param("13/45/2026", ["%m/%d/%Y"], None, id="a month that does not exist"),
        pytest.param("2026-03-31x", [], None, id="something behind the date"),
        pytest.param("46112", ["excel"], "2026-03-31", id="Excel day number where the map names it"),
        pytest.param("46112.604", ["excel"], "2026-03-31", id="Excel day number with a time"),
        pytest.param("46112", ["%m/%d/%Y"], None, id="a day number is not guessed"),
        pytest.param("0", ["excel"], None, id="Excel's day zero is no day"),
        pytest.param("", ["%m/%d/%Y"], None, id="nothing"),
    ],
)
def test_dates(text, formats, day):
    found = read(values.day, text, formats)
    assert found == (dt.date.fromisoformat(day) if day else None)


@pytest.mark.parametrize(
    ("text", "formats", "month"),
    [
        pytest.param("2026-10", [], "2026-10", id="as the store writes it"),
        pytest.param("10/2026", ["%m/%Y"], "2026-10", id="a format without a day"),
        pytest.param("Oct 2026", ["%b %Y"], "2026-10", id="by name"),
        pytest.param("10/31/2026", ["%m/%d/%Y"], "2026-10", id="any day of the month"),
        pytest.param("2026-13", [], None, id="no such month"),
    ],
)
def test_months(text, formats, month):
    assert read(values.month, text, formats) == month


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("3", 3, id="digits"),
        pytest.param("3.0", 3, id="as spreadsheets write it"),
        pytest.param("1,200", 1200, id="thousands"),
        pytest.param("007", 7, id="leading zeros of a count"),
        pytest.param("2.5", None, id="a fraction is no count"),
        pytest.param("3 of 4", None, id="words"),
    ],
)
def test_counts(text, number):
    assert read(values.whole, text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("1.5", 1.5, id="plain"),
        pytest.param("-2", -2.0, id="negative"),
        pytest.param("1,000.25", 1000.25, id="thousands"),
        pytest.param("1.2.3", None, id="two points"),
        pytest.param("nan", None, id="not a number is no number"),
        pytest.param("1e5", None, id="an exponent"),
    ],
)
def test_numbers(text, number):
    assert read(values.number, text) == number


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        pytest.param("Y", True, id="letter"),
        pytest.param("true", True, id="as spreadsheets write it"),
        pytest.param("No", False, id="word"),
        pytest.param("0", False, id="digit"),
        pytest.param("maybe", None, id="neither"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_flags(text, flag):
    assert read(values.flag, text) is flag


def test_words_that_mean_nothing_are_empty():
    frame = pl.DataFrame({"text": ["N/A", " n/a ", "-", "NA", "007"]})
    assert frame.select(values.cleaned(pl.col("text"), ["n/a", "-"])).to_series().to_list() == [
        None,
        None,
        None,
        "NA",
        "007",
    ]
