"""An analyst's own frames as tables of ours: what is missing is said, what may be missing is filled with nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ParameterError, TableError, closest, listed
from ..tables.schema import TABLES, check
from ..tables.schema_base import Table
from ..tables.store import Tables


def own_tables(frames: Mapping[str, Any], *, as_of: dt.date | None = None) -> Tables:
    """An analyst's own frames (pandas or Polars), by the name of the table that each is, as tables for every measure.

    Counts
        Columns that may be empty are filled with nothing where they are missing; days may be texts (YYYY-MM-DD).
        Tables that are not given have no rows.
    Unit
        cents: amounts are whole cents, and never guessed to be dollars
    Raises
        TableError for a table that is none of ours, and for columns that are missing, of another kind or empty where
        no value may be: all of them at once. ParameterError without any frame.

    >>> posted = pd.DataFrame({"client": ["a"], "transaction_id": ["1"], "claim_id": ["9"], "kind": ["charge"],
    ...     "party": ["primary"], "amount_cents": [500], "happened_on": ["2026-03-01"], "posted_on": ["2026-03-01"]})
    >>> own_tables({"transactions": posted}).transactions["amount_cents"].tolist()
    [500]
    """
    if not frames:
        raise ParameterError(f"Give at least one frame by the name of its table: {listed(TABLES, 40)}.")
    unknown = [name for name in frames if name not in TABLES]
    if unknown:
        raise TableError(
            f"No table is called {listed(unknown)}.{closest(unknown[0], TABLES)} The tables are: {listed(TABLES, 40)}."
        )
    read = {name: _rows(frame, TABLES[name]).lazy() for name, frame in frames.items()}
    return Tables({name: table.empty().lazy() for name, table in TABLES.items()} | read, as_of).in_memory()


def _rows(frame: Any, table: Table) -> pl.DataFrame:
    rows = pl.from_pandas(frame) if isinstance(frame, pd.DataFrame) else frame.lazy().collect()
    _refuse_dollars(rows, table)
    missing = [column for column in table.columns if column.empty and column.name not in rows.columns]
    rows = rows.with_columns(pl.lit(None).alias(column.name) for column in missing)
    extra = [name for name in rows.columns if name not in table.names]
    casts = [_as_kind(rows[name], kind) for name, kind in table.polars.items() if name in rows.columns]
    return check(rows.drop(extra).with_columns(casts), table, f"Your frame {table.name!r}")


def _refuse_dollars(rows: pl.DataFrame, table: Table) -> None:
    for name in table.money:
        if name in rows.columns and rows[name].dtype.is_float() and bool((rows[name] != rows[name].round()).any()):
            raise TableError(
                f"Your frame {table.name!r}: {name} holds fractions; amounts are whole cents. For dollars, give "
                f'(dollars * 100).round().astype("int64").'
            )


def _as_kind(column: pl.Series, kind: Any) -> pl.Series:
    """The column as its kind, where that loses nothing; else as it is, so that `check` names it."""
    if kind == pl.Date and column.dtype == pl.String:
        found = column.str.to_date("%Y-%m-%d", strict=False)
        return found if found.null_count() == column.null_count() else column
    is_safe = column.dtype in (pl.Null, kind) or column.dtype.is_numeric() or column.dtype.is_temporal()
    try:
        return column.cast(kind) if is_safe else column
    except pl.exceptions.PolarsError:
        return column
