"""What the measures of the services share: registers as they stood on a day, and what patients had paid by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..tables.frames import collect, source
from ..tables.schema_services import SERVICE_TABLES

col = nw.col
CLAIM = ["client", "claim_id"]
CASH = ("payment", "refund", "takeback")
TYPES: dict[str, Any] = {"cents": nw.Int64, "count": nw.Int64, "flag": nw.Boolean}


def known(
    tables: Mapping[str, Any], name: str, columns: Sequence[str], *, as_of: dt.date, by: Sequence[str] = ()
) -> nw.LazyFrame:
    """The rows of a service's table that were known at the end of `as_of`, with what was learned later empty.

    `by` adds those of its names that are columns of the table.
    """
    table = SERVICE_TABLES[name]
    since = {hidden: day for day, names in table.later for hidden in (day, *names)}
    wanted = list(dict.fromkeys(["client", table.known_on, *columns, *(one for one in by if one in table.names)]))
    need = list(dict.fromkeys([*wanted, *(since[one] for one in wanted if one in since)]))
    rows = source(tables, name, need).filter(col(table.known_on) <= as_of)
    typed = [col(one).cast(TYPES[table.column(one).kind]) for one in need if table.column(one).kind in TYPES]
    rows = rows.with_columns(*typed) if typed else rows
    blanked = [
        nw.when(col(since[one]) <= as_of).then(col(one)).otherwise(None).alias(one) for one in need if one in since
    ]
    return (rows.with_columns(*blanked) if blanked else rows).select(wanted)


def patient_cash(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Payments of patients less refunds to them, posted by `as_of`: client, claim_id, paid_on, paid_cents
    (positive)."""
    rows = source(tables, "transactions", [*CLAIM, "kind", "party", "amount_cents", "posted_on"])
    rows = rows.filter(
        col("party") == "patient", col("kind").is_in(list(CASH)), col("posted_on") <= as_of, ~col("claim_id").is_null()
    )
    return rows.select(*CLAIM, col("posted_on").alias("paid_on"), paid_cents=col("amount_cents") * -1)


def rows_of(rows: nw.LazyFrame, keys: Sequence[str], dates: Sequence[str]) -> pd.DataFrame:
    """A small register row by row in pandas: keys as text, `dates` as datetime64, all else whole numbers."""
    return collect(rows, list(keys), dates=list(dates))


def three_way(name: str) -> nw.Expr:
    """A flag as 1, 0, or -1 where it is empty."""
    return nw.when(col(name).is_null()).then(-1).when(col(name)).then(1).otherwise(0)
