"""What can be wrong with a row of an export: every rule, as a mask over all rows at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import or_

import polars as pl

from ..errors import listed
from ..schema import Column, Table
from .cells import word
from .headers import Recognised
from .text_tables import TOTAL
from .values import SERIAL, splits_a_cent

FAULT = {"row": pl.Int64, "name": pl.String, "rule": pl.String, "message": pl.String}
LAST_DAY = dt.date(2099, 12, 31)


def faults(rows: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """Every broken rule of every row; all masks in one pass, rows only where something is wrong."""
    rules = [rule for column in recognised.table.columns[1:] for rule in _column_rules(column, recognised)]
    rules += _table_rules(recognised)
    masks = rows.select(broken.fill_null(False).alias(str(number)) for number, (*_, broken) in enumerate(rules))
    found = [pl.DataFrame(schema=FAULT)]
    for number, (name, rule, message, _) in enumerate(rules):
        if masks[str(number)].any():
            bad = rows.select("row").filter(masks[str(number)])
            found.append(bad.with_columns(name=pl.lit(name), rule=pl.lit(rule), message=pl.lit(message)))
    return pl.concat(found)


def _column_rules(column: Column, recognised: Recognised) -> list[tuple[str, str, str, pl.Expr]]:
    section, name = recognised.section, column.name
    said, value = word(name), pl.col(name)
    out = []
    if not column.empty and name not in section.fill:
        out.append((name, "missing", "empty, and a value is required", said.is_null()))
    unreadable = said.is_not_null() & value.is_null()
    if column.kind == "cents":
        split = splits_a_cent(said, section.decimal)
        out.append((name, "part_of_a_cent", "an amount with more than two decimals", split))
        example = "1,234.50 or (12.00)" if section.decimal == "." else "1.234,50 or (12,00)"
        out.append((name, "unreadable", f"not an amount such as {example}", unreadable & ~split))
    elif column.kind == "date":
        out.append((name, "unreadable", f"not a date such as {_example(section.date_formats)}", unreadable))
        if not name.startswith("effective_"):
            out.append((name, "impossible_date", f"earlier than {section.earliest} or later than {LAST_DAY}",
                        ~value.is_between(section.earliest, LAST_DAY)))
    elif name == "month" or column.kind != "text":
        what = {"count": "a whole number", "number": "a number", "flag": "yes or no"}.get(column.kind, "a month such as 2026-10")
        out.append((name, "unreadable", f"not {what}", unreadable))
    if column.values:
        out.append((name, "not_listed", f"not one of {listed(column.values)}, nor listed under values in the map",
                    ~value.is_in(list(column.values))))
    return out


def _example(formats: Sequence[str]) -> str:
    pattern = next((pattern for pattern in formats if pattern != SERIAL), "%Y-%m-%d")
    return dt.date(2026, 3, 31).strftime(pattern)


def _table_rules(recognised: Recognised) -> list[tuple[str, str, str, pl.Expr]]:
    table = recognised.table
    out = []
    if {"entered_on", "service_on"} <= set(table.names):
        out.append(("entered_on", "before_service", "entered before the day of service", pl.col("entered_on") < pl.col("service_on")))
    if table.name in ("claims", "claim_lines"):
        out.append(("charge_cents", "negative_charge", "a charge below zero", pl.col("charge_cents") < 0))
    return out


def swallowed(rows: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """Rows of which one cell holds line breaks and as many separators as a whole row."""
    separators = len(recognised.header) - 1
    if recognised.delimiter is None or separators < 2:
        return pl.DataFrame(schema=FAULT)
    cells = [pl.col(str(place)) for place in range(separators + 1)]
    broken = reduce(or_, (cell.str.contains("\n", literal=True) for cell in cells))
    suspects = rows.filter(broken)
    full = pl.any_horizontal(cell.str.count_matches(recognised.delimiter, literal=True) >= separators for cell in cells)
    message = "one quoted cell holds line breaks and a whole row's separators; a stray quote probably swallowed rows"
    return suspects.filter(full).select(
        "row", name=pl.lit(None, pl.String), rule=pl.lit("stray_quote"), message=pl.lit(message),
    )


def totals_apart(rows: pl.DataFrame, found: pl.DataFrame, recognised: Recognised) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Broken rows that open with "Total": one fault in place of many, and no dollars."""
    table = recognised.table
    broken = rows.filter(rows["row"].is_in(found["row"].unique().implode()))
    opens = pl.any_horizontal(pl.col(str(place)).str.contains(TOTAL) for place in range(len(recognised.header)))
    needed = [name for name in table.key if name != "client"]
    needed += [column.name for column in table.columns if column.kind == "date" and not column.empty]
    lacking = pl.any_horizontal(pl.col(name).is_null() | word(name).str.contains(TOTAL) for name in needed)
    totals = broken.filter(opens.fill_null(False) & lacking.fill_null(True))["row"]
    if totals.is_empty():
        return rows, found
    here = pl.col("row").is_in(totals.implode())
    lines = pl.DataFrame({"row": totals}).with_columns(
        name=pl.lit(None, pl.String), rule=pl.lit("total_line"), message=pl.lit("a total line, not a row of data"),
    )
    rows = rows.with_columns(pl.when(~here).then(pl.col("amount")).alias("amount"))
    return rows, pl.concat([found.filter(~here), lines])


def doubled(stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows whose key an earlier row holds, among rows that are otherwise good."""
    key = [name for name in table.key if name != "client"]
    first = pl.col(key[0]).is_first_distinct() if len(key) == 1 else pl.struct(key).is_first_distinct()
    return stored.filter(~first).select(
        "row", name=pl.lit(" + ".join(key)), rule=pl.lit("duplicate_key"), message=pl.lit("an earlier row has the same key"),
    )
