"""SQL over tables as they were known on a day: DuckDB, with every column of cents also in dollars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ParameterError, closest, listed

SUFFIX, DOLLARS = "_cents", "_dollars"


def ask(query: str, tables: Mapping[str, Any]) -> pd.DataFrame:
    """The answer of DuckDB to a query over these tables, of which those that it names are read.

    Formula
        x_dollars = x_cents / 100 as an exact decimal, beside every column x_cents
    Raises
        ParameterError where DuckDB is not installed, or cannot answer: with what it says, and the tables there are.

    >>> ask("select sum(open_dollars) as open_dollars from due", {"due": pd.DataFrame({"open_cents": [1250, 1]})})
       open_dollars
    0         12.51
    """
    try:
        import duckdb
    except ImportError:
        raise ParameterError('SQL needs DuckDB: pip install "rcm_analysis[lab]"') from None
    words = set(re.findall(r"\w+", query))
    with duckdb.connect() as database:
        for name in tables:
            if name in words:
                database.register(f"{name}__", _arrow(tables[name]))
                database.execute(f'create view "{name}" as select *{_in_dollars(tables[name])} from "{name}__"')
        try:
            asked = database.execute(query)
            if asked is None or asked.description is None:
                raise ParameterError("A question in SQL begins with select; DuckDB found none in the text.")
            found = asked.df()
        except duckdb.Error as error:
            said = str(error).split("\n")[0]
            unknown = re.search(r"Table with name (\w+) does not exist", said)
            near = closest(unknown[1], tables) if unknown else ""
            raise ParameterError(f"DuckDB cannot answer: {said}.{near} Tables: {listed(tables, 30)}.") from None
    return _exact(found)


def _arrow(table: Any) -> Any:
    if isinstance(table, pd.DataFrame):
        return pl.from_pandas(table).to_arrow()
    return (table.collect() if isinstance(table, pl.LazyFrame) else table).to_arrow()


def _in_dollars(table: Any) -> str:
    names = table.collect_schema().names() if isinstance(table, pl.LazyFrame) else list(table.columns)
    return "".join(
        f', cast("{name}" as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as "{name.removesuffix(SUFFIX)}{DOLLARS}"'
        for name in names
        if str(name).endswith(SUFFIX)
    )


def _exact(found: pd.DataFrame) -> pd.DataFrame:
    """Whole cents and counts as whole numbers: DuckDB adds them up as wide integers, which arrive as fractions."""
    out = found.copy()
    for name, column in found.items():
        is_whole = pd.api.types.is_float_dtype(column) and not str(name).endswith(DOLLARS)
        if is_whole and str(name).endswith((SUFFIX, "claims", "rows", "count")) and not column.isna().any():
            out[name] = column.astype("int64")
    return out
