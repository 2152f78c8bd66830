"""What the text of an export cell means: money to cents, dates, numbers and flags, as Polars expressions.

Every reader takes a text expression whose cells are stripped and whose empty cells are null, and
gives null where the text cannot be read. No amount ever passes through a float.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import polars as pl

from .text_tables import DAY_ZERO

FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "x"), "true"),
    **dict.fromkeys(("false", "no", "n", "f", "0"), "false"),
}
SERIAL = "excel"
"""The date format that stands for Excel's day numbers (46112 is 2026-03-31)."""

RESIDUE = r"\d*[.,]\d\d(?:000|999)\d*$"
"""An amount within a thousandth of a cent of whole cents: what a float leaves of 1,769.00 or 988.37."""

_ISO = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"


def cleaned(text: pl.Expr, empty: Iterable[str] = ()) -> pl.Expr:
    """The text without blanks around it; nothing, or one of the `empty` words, is null."""
    text = text.str.strip_chars()
    nothing = text == ""
    words = [word.strip().lower() for word in empty]
    if words:
        nothing = nothing | text.str.to_lowercase().is_in(words)
    return pl.when(~nothing).then(text)


def _money(decimal: str, places: str) -> str:
    point, thousands = ("\\.", ",") if decimal == "." else (",", "\\.")
    number = rf"(?:(?:\d{{1,3}}(?:{thousands}\d{{3}})+|\d+)(?:{point}{places})?|{point}{places})"
    usd = r"(?:US\$|USD|\$)"
    return (
        rf"^(?:(?:-\s*{usd}?\s*|{usd}\s*-?\s*)?{number}|{usd}?\s*{number}\s*-|-?{number}\s*USD"
        rf"|\(\s*{usd}?\s*{number}\s*\)|{usd}\s*\(\s*{number}\s*\))$"
    )


def cents(text: pl.Expr, decimal: str = ".") -> pl.Expr:
    """The amount in cents, exactly; null where it is not an amount of whole cents.

    Counts
        `1234.5`, `$1,234.50`, `-12`, `12.00-`, `$-12.00`, `(12.00)`, `($12.00)`, `$ (12.00)`, `.50`, `USD 12.00`,
        `US$12.00`, `12.00 USD`. No other currency, and no CR or DR, which mean one or the other by the column.
        Zeros after the second decimal are read (`85.5500`). So is an amount within a thousandth of a
        cent of whole cents (`1769.0000000000002`, `988.3699951171875`): the residue of a float. Any
        other third decimal is not.
        With `decimal=","` the same with point and comma exchanged: `1.234,50`.

    Unit
        int64 cents

    Empty
        Null text gives null.

    >>> frame = pl.DataFrame({"text": ["$1,234.50", "(12.00)", "12.00-", "1.005", "1,23.45", None]})
    >>> frame.select(cents(pl.col("text"))).to_series().to_list()
    [123450, -1200, -1200, None, None, None]
    """
    text = text.str.replace_all("−", "-", literal=True)
    readable = text.str.contains(_money(decimal, r"\d{0,2}0*")) & text.str.contains(r"\d")
    return pl.when(readable | is_residue(text, decimal)).then(_nearest_cents(text, decimal))


def is_residue(text: pl.Expr, decimal: str = ".") -> pl.Expr:
    """True where the text is an amount that a float left within a thousandth of a cent of whole cents.

    >>> frame = pl.DataFrame({"text": ["988.3699951171875", "85.5500", "12.345", "9.999"]})
    >>> frame.select(is_residue(pl.col("text"))).to_series().to_list()
    [True, False, False, False]
    """
    return splits_a_cent(text, decimal) & text.str.contains(RESIDUE)


def nearest_cents(text: pl.Expr, decimal: str = ".") -> pl.Expr:
    """The cents that the one number in a text is about, for telling what a row is worth; null where it has none.

    >>> frame = pl.DataFrame({"text": ["12.345", "USD 1,000.999 CR", "1e3", "2026-01-05"]})
    >>> frame.select(nearest_cents(pl.col("text"))).to_series().to_list()
    [1235, 100100, None, None]
    """
    text = text.str.replace_all("−", "-", literal=True)
    return pl.when(text.str.contains(r"^\D*\d[\d.,]*\D*$")).then(_nearest_cents(text, decimal))


def _nearest_cents(text: pl.Expr, decimal: str) -> pl.Expr:
    """The cents nearest to the number of the text, half a cent up; below zero with a minus or in brackets."""
    bare = text.str.replace_all(r"[^\d.,]", "")
    bare = bare.str.replace_all("," if decimal == "." else ".", "", literal=True)
    bare = bare.str.replace(",", ".", literal=True) if decimal == "," else bare
    parts = bare.str.splitn(".", 2).struct
    units = parts.field("field_0").replace("", "0").cast(pl.Int64, strict=False)
    digits = (parts.field("field_1").fill_null("").str.strip_chars_end(".") + "000").str.slice(0, 3)
    amount = units * 100 + (digits.cast(pl.Int64, strict=False) + 5) // 10
    return pl.when(text.str.contains(r"[-(]")).then(-amount).otherwise(amount)


def splits_a_cent(text: pl.Expr, decimal: str = ".") -> pl.Expr:
    """True where the text is an amount, but not of whole cents: it has a third decimal.

    >>> pl.DataFrame({"text": ["1.005", "1.50", "n/a"]}).select(splits_a_cent(pl.col("text"))).to_series().to_list()
    [True, False, False]
    """
    text = text.str.replace_all("−", "-", literal=True)
    return text.str.contains(_money(decimal, r"\d{3,}")) & ~text.str.contains(_money(decimal, r"\d{0,2}0*"))


def day(text: pl.Expr, formats: Sequence[str] = (), *, zero: dt.date | None = None) -> pl.Expr:
    """The day, by the first format that fits; ISO dates and timestamps are always read.

    Counts
        A timestamp counts for the calendar day written in it; its time and zone are not used.
        With `zero`, the day from which a workbook counts, or `"excel"` among the formats, day
        numbers 1 to 2958465 too.

    Empty
        Null where no format fits, or where the day does not exist.

    >>> frame = pl.DataFrame({"text": ["03/31/2026", "2014-05-06T08:34:30Z", "02/30/2026"]})
    >>> [str(day) for day in frame.select(day(pl.col("text"), ["%m/%d/%Y"])).to_series()]
    ['2026-03-31', '2014-05-06', 'None']
    """
    reads = [_by_format(text, pattern) for pattern in formats if pattern != SERIAL]
    iso = pl.when(text.str.contains(_ISO)).then(text.str.slice(0, 10))
    reads.append(iso.str.to_date("%Y-%m-%d", strict=False))
    if zero or SERIAL in formats:
        reads.append(_by_serial(text, zero or DAY_ZERO))
    return pl.coalesce(reads)


def _by_format(text: pl.Expr, pattern: str) -> pl.Expr:
    read = text.str.to_date(pattern, strict=False)
    # %Y takes "26" as the year 26; such a text is for a %y format, or for quarantine.
    return pl.when(read.dt.year() >= 1000).then(read)


def _by_serial(text: pl.Expr, zero: dt.date) -> pl.Expr:
    days = pl.when(text.str.contains(r"^\d{1,7}(?:\.\d+)?$")).then(
        text.str.extract(r"^(\d+)").cast(pl.Int64, strict=False)
    )
    days = pl.when(days.is_between(1, 2_958_465)).then(days)
    return (pl.lit(zero) + pl.duration(days=days)).cast(pl.Date)


def month(text: pl.Expr, formats: Sequence[str] = (), *, zero: dt.date | None = None) -> pl.Expr:
    """The month as YYYY-MM, from `2026-10`, from a format without a day, or from any day in it.

    >>> frame = pl.DataFrame({"text": ["2026-10", "10/2026", "10/31/2026", "October"]})
    >>> frame.select(month(pl.col("text"), ["%m/%d/%Y", "%m/%Y"])).to_series().to_list()
    ['2026-10', '2026-10', '2026-10', None]
    """
    monthly = [pattern for pattern in formats if is_monthly(pattern)]
    daily = [pattern for pattern in formats if not is_monthly(pattern)]
    first = [_by_format(pl.lit("01 ") + text, f"%d {pattern}") for pattern in (*monthly, "%Y-%m")]
    return pl.coalesce(*first, day(text, daily, zero=zero)).dt.strftime("%Y-%m")


def is_monthly(pattern: str) -> bool:
    """True for a date format that names a month and no day: `%m/%Y`."""
    return pattern != SERIAL and not any(day in pattern for day in ("%d", "%e", "%-d", "%j", "%x", "%D", "%F"))


def whole(text: pl.Expr) -> pl.Expr:
    """The whole number; `3.0` and `1,200` are read, `2.5` is not."""
    readable = text.str.contains(r"^-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.0*)?$")
    digits = text.str.extract(r"^(-?[\d,]+)").str.replace_all(",", "", literal=True)
    return pl.when(readable).then(digits.cast(pl.Int64, strict=False))


def number(text: pl.Expr, decimal: str = ".") -> pl.Expr:
    """The number as a float: units and minutes, never money."""
    point, thousands = ("\\.", ",") if decimal == "." else (",", "\\.")
    readable = text.str.contains(rf"^-?(?:(?:\d{{1,3}}(?:{thousands}\d{{3}})+|\d+)(?:{point}\d*)?|{point}\d+)$")
    plain = text.str.replace_all("," if decimal == "." else ".", "", literal=True)
    plain = plain.str.replace(",", ".", literal=True) if decimal == "," else plain
    return pl.when(readable).then(plain.cast(pl.Float64, strict=False))


def flag(text: pl.Expr) -> pl.Expr:
    """True or false from the words of `FLAGS`, in any case."""
    word = text.str.to_lowercase().replace_strict(FLAGS, default=None, return_dtype=pl.String)
    return pl.when(word.is_not_null()).then(word == "true")


def read_as(
    kind: str, text: pl.Expr, *, formats: Sequence[str] = (), zero: dt.date | None = None, decimal: str = "."
) -> pl.Expr:
    """The text read as a column kind of `schema.KINDS`."""
    readers = {
        "text": lambda: text,
        "date": lambda: day(text, [pattern for pattern in formats if not is_monthly(pattern)], zero=zero),
        "cents": lambda: cents(text, decimal),
        "count": lambda: whole(text),
        "number": lambda: number(text, decimal),
        "flag": lambda: flag(text),
    }
    return readers[kind]()
