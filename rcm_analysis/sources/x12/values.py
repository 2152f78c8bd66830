"""What X12 elements say: money, dates and numbers as text, and findings about what they should say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

FINDINGS = {
    "rule": pl.String,
    "where": pl.String,
    "amount_cents": pl.Int64,
    "message": pl.String,
    "transaction": pl.Int64,
    "position": pl.Int64,
    "segment": pl.Int64,
}
"""Columns of every findings frame: `position` is the claim within the transaction."""

_MONEY = r"^[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,2}0{0,9})?|\.[0-9]{1,2}0{0,9})$"


def cents(text: pl.Expr) -> pl.Expr:
    """Money as text to whole cents, exactly; empty where it is empty or no amount of cents.

    >>> frame = pl.DataFrame({"text": ["12.5", "-.05", "1.234", "1,000", None]})
    >>> frame.select(cents(pl.col("text"))).to_series().to_list()
    [1250, -5, None, None, None]
    """
    amount = pl.when(text.str.contains(_MONEY)).then(text).cast(pl.Decimal(38, 2), strict=False)
    return amount.to_physical().cast(pl.Int64)


def money(column: str, name: str) -> list[pl.Expr]:
    """`<name>_cents`, 0 where nothing usable was sent, and `<name>_fault` that says why it is 0.

    >>> pl.DataFrame({"e1": ["2.50", None, "two"]}).select(money("e1", "paid")).rows()
    [(250, None), (0, 'missing'), (0, 'unreadable')]
    """
    text = pl.col(column)
    unreadable = ~text.str.contains(_MONEY)
    fault = pl.when(text.is_null()).then(pl.lit("missing")).when(unreadable).then(pl.lit("unreadable"))
    return [cents(text).fill_null(0).alias(f"{name}_cents"), fault.alias(f"{name}_fault")]


def day(text: pl.Expr) -> pl.Expr:
    """CCYYMMDD, or the first day of CCYYMMDD-CCYYMMDD, or YYMMDD; empty where it is no date.

    >>> frame = pl.DataFrame({"text": ["20261031", "20261001-20261031", "261031", "20261301", None]})
    >>> [str(value) for value in frame.select(day(pl.col("text"))).to_series()]
    ['2026-10-31', '2026-10-01', '2026-10-31', 'None', 'None']
    """
    first = text.str.split_exact("-", 1).struct.field("field_0").str.strip_chars()
    digits = pl.when(first.str.len_bytes() == 6).then(pl.lit("20") + first).otherwise(first.str.head(8))
    return digits.str.to_date("%Y%m%d", strict=False)


def number(text: pl.Expr) -> pl.Expr:
    """A count of units or a quantity; empty where it is no finite number."""
    value = text.cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def findings(rule: str, rows: pl.DataFrame, message: pl.Expr | str, *, amount: pl.Expr | None = None) -> pl.DataFrame:
    """One finding per row: where it is (as far as the row knows) and what is wrong.

    `rows` may hold `transaction`, `position` (claim in the transaction), `line_position` (line in the
    claim) and `segment`. Messages carry rules and differences, never what an element held.
    """
    if not rows.height:
        return pl.DataFrame(schema=FINDINGS)
    places = {"transaction": "transaction", "position": "claim", "line_position": "line", "segment": "segment"}
    known = [pl.format(f"{word} {{}}", pl.col(name)) for name, word in places.items() if name in rows.columns]
    where = pl.concat_str(known, separator=", ", ignore_nulls=True) if known else pl.lit("file")

    def place(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Int64) if name in rows.columns else pl.lit(None, pl.Int64)

    return rows.select(
        rule=pl.lit(rule),
        where=where,
        amount_cents=pl.lit(None, pl.Int64) if amount is None else amount,
        message=pl.lit(message) if isinstance(message, str) else message,
        transaction=place("transaction"),
        position=place("position"),
        segment=place("segment"),
    )


def dollars(amount: pl.Expr) -> pl.Expr:
    """Cents as text such as -1,234.50 without the comma, for messages."""
    sign = pl.when(amount < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, part = amount.abs() // 100, (amount.abs() % 100).cast(pl.String).str.pad_start(2, "0")
    return pl.format("{}{}.{}", sign, whole, part)


def gathered(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """All findings in the order of the file: by segment where known, whole-file ones last."""
    parts = [part for part in parts if part.height]
    if not parts:
        return pl.DataFrame(schema=FINDINGS)
    return pl.concat(parts).sort("segment", nulls_last=True, maintain_order=True)


def to_pandas(frame: pl.DataFrame, may_be_empty: tuple[str, ...] = ()) -> pd.DataFrame:
    """The frame as pandas, with types that do not depend on the rows.

    Whole numbers are int64, or Int64 for the columns that `may_be_empty`; dates datetime64[us]; text
    is text, with an empty value (NA) where nothing was said.
    """
    columns = {}
    for series in frame.iter_columns():
        if series.dtype == pl.Date:
            columns[series.name] = pd.Series(series.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]"))
        elif series.dtype.is_integer() and series.name in may_be_empty:
            values, missing = series.fill_null(0).to_numpy().astype(np.int64), series.is_null().to_numpy()
            columns[series.name] = pd.Series(pd.arrays.IntegerArray(values, missing.copy()))
        elif series.dtype.is_integer():
            columns[series.name] = pd.Series(series.cast(pl.Int64).to_numpy(), dtype="int64")
        else:
            columns[series.name] = series.to_pandas()
    return pd.DataFrame(columns, columns=frame.columns)
