"""What the remittance measures share: the columns to group by, and sums by group as pandas frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..errors import ParameterError
from ..frames import NO_VALUE, collect, month_of, source
from .ratios import quotient

col = nw.col
_ALL = "all_rows"


def with_groups(rows: nw.LazyFrame, tables: Mapping[str, Any], by: Sequence[str], *, month_on: str | None = None) -> nw.LazyFrame:
    """The rows with every column of `by`: its own, `month` of `month_on`, else the claim's (table `claims`).

    Empty values become "(none)", and so do the columns of a claim that is not in `claims`.
    """
    if "month" in by:
        if month_on is None:
            raise ParameterError("This measure has no months to group by: ask for one period at a time.")
        rows = rows.with_columns(month_of(col(month_on)))
    there = rows.collect_schema().names()
    foreign = [name for name in by if name not in there]
    if foreign:
        claims = source(tables, "claims", ["client", "claim_id", *foreign])
        rows = rows.join(claims, on=["client", "claim_id"], how="left")
    words = [name for name in by if name != "month"]
    return rows.with_columns(*[col(name).fill_null(NO_VALUE) for name in words]) if words else rows


def sums(rows: nw.LazyFrame, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """The sums of `columns` by `by`; without `by` always exactly one row, of zeros when there is nothing.

    Which columns are counts is the caller's matter: a count is the sum of a column of ones.
    """
    keys = list(by) or [_ALL]
    known = rows if by else rows.with_columns(nw.lit("all").alias(_ALL))
    found = collect(known.group_by(keys).agg(*[col(name).sum() for name in columns]), keys)
    if by:
        return found[[*keys, *columns]]
    found = found.drop(columns=_ALL)
    return found if len(found) else pd.DataFrame({name: pd.array([0], dtype="int64") for name in columns})


def side_by_side(left: pd.DataFrame, right: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Both sums by the same groups, zero where a group has no rows on one side."""
    if not by:
        return pd.concat([left, right], axis=1)
    both = left.merge(right, on=list(by), how="outer", sort=True)
    amounts = [name for name in both.columns if name not in by]
    return both.assign(**{name: both[name].fillna(0).astype("int64") for name in amounts})


def with_rate(found: pd.DataFrame, name: str, numerator: str, denominator: str) -> pd.DataFrame:
    """The frame with numerator / denominator as its last column."""
    return found.assign(**{name: quotient(found[numerator], found[denominator])})


def one_if(condition: nw.Expr) -> nw.Expr:
    """1 where it holds and 0 elsewhere: a sum of it counts on every engine."""
    return nw.when(condition).then(1).otherwise(0)


def optional(tables: Mapping[str, Any], name: str) -> Any | None:
    """The table, or None where the client has none of it."""
    try:
        return tables[name]
    except KeyError:
        return None
