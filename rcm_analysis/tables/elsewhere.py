"""Tables that another engine holds (a warehouse through Ibis, Spark, DuckDB), read for one client as a store is.

The tables have the names and columns of the store, each row with its client. A client's rows of a table are read when
the table is first asked for, and held against the table's contract as at intake.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from ..errors import TableError, listed
from .frames import OnDemand, lazy
from .schema import TABLES, Table, check
from .store import ALWAYS, tables_of

WHOLE = ("cents", "count")


@dataclass(frozen=True)
class TablesElsewhere:
    """One client's part of tables that another engine holds; answers what a `ClientStore` answers."""

    client: str
    given: Any
    """Frames by table name, or an Ibis connection."""

    @cached_property
    def _sources(self) -> dict[str, Any]:
        if isinstance(self.given, Mapping):
            found = dict(self.given)
        elif hasattr(self.given, "list_tables"):
            found = {name: self.given.table(name) for name in self.given.list_tables()}
        else:
            raise TableError(
                f"Tables are given as frames by name or as an Ibis connection; found {type(self.given).__name__}."
            )
        known = {name.lower(): frame for name, frame in found.items() if name.lower() in TABLES}
        if not known:
            raise TableError(f"None of the tables given is one of ours: {listed(found)}. Ours: {listed(TABLES, 30)}.")
        return known

    @cached_property
    def _frames(self) -> OnDemand[pl.DataFrame]:
        return OnDemand(TABLES, self._read)

    def _read(self, name: str) -> pl.DataFrame:
        table = TABLES[name]
        if name not in self._sources:
            return table.empty()
        what = f"{name} of {self.client}"
        native = self._sources[name]
        there = _names(native)
        held = lazy(native, [there[column] for column in table.names if column in there], what)
        held = held.rename({old: new for new, old in there.items() if old != new and new in table.names})
        if "client" not in there:
            raise TableError(f"{what} lacks the column client, by which its rows are told from other clients'.")
        rows = held.filter(nw.col("client") == self.client).collect("polars").to_native()
        return check(_in_our_kinds(rows, table, what), table, what).sort(table.key)

    def scan(self, table: Table) -> pl.LazyFrame:
        """The client's rows of a table, whenever they became known."""
        return self._frames[table.name].lazy()

    def rows(self, table: str) -> int:
        return self._frames[table].height

    def months(self, table: str) -> list[str]:
        """The months in which rows became known; none for a table without rows."""
        frame, day = self._frames[table], TABLES[table].known_on
        if frame.is_empty() or not day:
            return [] if frame.is_empty() else [ALWAYS]
        return frame[day].dt.strftime("%Y-%m").unique().sort().to_list()

    def active_months(self, services: Collection[str]) -> list[str]:
        """The months for which rows of these services became known, oldest first."""
        return sorted({month for table in tables_of(services) for month in self.months(table.name)} - {ALWAYS})

    def check(self) -> None:
        """Nothing to hold against a manifest; each table is held against its contract when it is read."""

    def fingerprints(self) -> dict[str, str]:
        """One SHA-256 per table over the client's rows; equal data, equal fingerprint."""
        return {name: _print_of(self._frames[name]) for name in TABLES}

    def shelf(self, as_of: dt.date | None = None) -> None:
        """Nothing derived is kept beside a warehouse."""

    def side_table(self, name: str) -> pl.DataFrame:
        """Findings and quarantine are intake's: whoever filled the warehouse has them."""
        return pl.DataFrame()

    def rows_aside(self, name: str) -> int:
        """None: see `side_table`."""
        return 0


def _names(native: Any) -> dict[str, str]:
    """The columns by our names: some warehouses write them in capitals."""
    frame = nw.from_native(native) if not isinstance(native, (nw.DataFrame, nw.LazyFrame)) else native
    return {name.lower(): name for name in frame.lazy().collect_schema().names()}


def _in_our_kinds(rows: pl.DataFrame, table: Table, what: str) -> pl.DataFrame:
    """Engines have kinds of their own for whole numbers and days; columns that may be empty and are not there are."""
    casts: list[pl.Expr] = []
    for column in table.columns:
        if column.name not in rows.columns:
            casts += [pl.lit(None, dtype=table.polars[column.name]).alias(column.name)] if column.empty else []
            continue
        kind = rows.schema[column.name]
        if column.kind in WHOLE and (kind.is_decimal() or kind.is_float()):
            broken = rows.select((pl.col(column.name) != pl.col(column.name).floor()).sum()).item()
            if broken:
                raise TableError(
                    f"{what}: {column.name} has fractions in {broken:,} rows; it counts whole {column.kind}."
                )
        casts.append(pl.col(column.name).cast(table.polars[column.name]))
    return rows.select(casts)


def _print_of(frame: pl.DataFrame) -> str:
    held = io.BytesIO()
    frame.rechunk().write_ipc(held, compression="uncompressed")
    return hashlib.sha256(held.getvalue()).hexdigest()
