"""The two edges of every measure: any frame in, a small tidy pandas frame out.

Polars (streaming) is the default engine. pandas frames and Parquet paths become Polars lazy frames
first, because Narwhals on pandas gives wrong conditional sums; DuckDB relations and Spark frames
stay in their engine. Inside a measure, `.agg()` holds plain sums, counts, minima and maxima of
columns only, so that every engine gives the same answer to the cent.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import inspect
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from ..errors import TableError, listed
from .schema import KINDS, TABLES, Table

Derivation = TypeVar("Derivation", bound=Callable[..., Any])
Answer = TypeVar("Answer")

NO_VALUE = "(none)"
_KINDS_OF_FLAGS_AND_NUMBERS = {
    column.name: KINDS[column.kind]
    for table in TABLES.values()
    for column in table.columns
    if column.kind in ("flag", "count", "number")
}


def lazy(
    native: Any, columns: Sequence[str], what: str, *, by: Sequence[str] = (), may_lack: Sequence[str] = ()
) -> nw.LazyFrame:
    """The frame as a Narwhals lazy frame with just `columns`, empty `by` values filled with "(none)".

    Columns that it `may_lack` are there too, empty where the frame has none.

    Raises
        TableError when a column is missing: it names what is missing and what is there.
    """
    if isinstance(native, (str, Path)):
        native = pl.scan_parquet(native)
    elif isinstance(native, pd.DataFrame):
        native = _from_pandas(native)
    frame = native.lazy() if isinstance(native, nw.DataFrame) else native
    if not isinstance(frame, nw.LazyFrame):
        frame = nw.from_native(frame).lazy()
    wanted = list(dict.fromkeys([*columns, *by]))
    there = frame.collect_schema().names()
    missing = [name for name in wanted if name not in there]
    if missing:
        raise TableError(f"{what} lacks the columns {listed(missing)}; it has {listed(there, 30)}.")
    empty = [nw.lit(None, _NARWHALS[_kind_by_name(name)]).alias(name) for name in may_lack if name not in there]
    frame = (frame.with_columns(*empty) if empty else frame).select(*wanted, *may_lack)
    return frame.with_columns(*[nw.col(name).fill_null(NO_VALUE) for name in by]) if by else frame


def source(
    tables: Mapping[str, Any],
    name: str,
    columns: Sequence[str],
    *,
    by: Sequence[str] = (),
    may_lack: Sequence[str] = (),
) -> nw.LazyFrame:
    """One of the tables as a lazy frame with just `columns`, `by`, and `may_lack` (empty where it has none).

    Raises
        TableError when there is no such table, or the table has no such column.
    """
    try:
        native = tables[name]
    except KeyError:
        raise TableError(f"This needs the table '{name}'; the tables given are {listed(tables, 30)}.") from None
    return lazy(native, columns, name, by=by, may_lack=may_lack)


def kept(function: Derivation, *, by_client: bool = False, stored: bool = False) -> Derivation:
    """The function of `tables` and named arguments, worked out once per client's opened tables and arguments.

    Formula
        a lazy frame is collected and given out lazy again; a pandas frame is given out as a shallow copy, so that a
        caller may add columns; anything else as it is
    Counts
        Only tables that keep answers (`Tables.in_memory`) do: plain mappings, DuckDB and Spark frames, and tables
        restricted to some of their rows work it out as ever. A frame of Polars among the arguments, and settings with
        a `fingerprint`, are known again by what they hold. With `by_client` what is asked of several clients by
        client is worked out one by one, and kept in the summary beside each client's store. Small frames stay beside
        the store for later reports, frozen records too; large lazy ones where they are `stored`.
    """
    takes = inspect.signature(function).parameters
    if hasattr(function, "__wrapped__") or next(iter(takes), "") != "tables":
        return function
    defaults = {name: one.default for name, one in takes.items() if one.default is not one.empty}

    @wraps(function)
    def answer(tables: Mapping[str, Any], *places: Any, **named: Any) -> Any:
        named = {**dict(zip(list(takes)[1:], places, strict=False)), **named}
        given = {**defaults, **named}
        asked_for = tuple((name, _fixed(given[name])) for name in sorted(given))
        key = (function, asked_for)
        if not _is_fixed(key):
            return function(tables, **named)
        asked = _in_words(function, asked_for)
        if by_client and asked and getattr(tables, "apart", None) and given.get("by") in (["client"], ("client",)):
            return _one_by_one(partial(function, **named), asked, tables.apart)  # type: ignore[attr-defined]
        if not keeps_answers(tables):
            return function(tables, **named)
        work: Callable[[], Any] = partial(_worked_out, function, tables, named)
        if stored and asked and tables.shelf:  # type: ignore[attr-defined]
            work = partial(tables.shelf.fact, f"{tables.as_of} {asked}", work)  # type: ignore[attr-defined]
        return _given_out(tables.once(key, work, asked))  # type: ignore[attr-defined]

    return answer  # type: ignore[return-value]


def one_by_one(measured: Callable[..., pd.DataFrame], tables: Mapping[str, Any], **named: Any) -> pd.DataFrame:
    """What a measure says of each client of a book by itself, one below the other, kept in the summaries beside their
    stores; of tables that are no book, what it says of them."""
    apart = getattr(tables, "apart", None)
    asked = _in_words(measured, tuple((name, _fixed(named[name])) for name in sorted(named)))
    if not (apart and asked):
        return measured(tables, **named)
    return _one_by_one(partial(measured, **named), asked, apart)


def _one_by_one(function: Callable[..., Any], asked: str, apart: Mapping[str, Any]) -> pd.DataFrame:
    """The answers of clients each, one below the other: each from beside its store, or worked out from its tables."""
    parts = []
    for _, one in sorted(apart.items()):
        found = one.stored.get(asked)
        if found is None:
            found = function(one)
            one.stored.add(asked, found)
            one.save()
        parts.append(found)
    there = [part for part in parts if len(part)]
    return pd.concat(there, ignore_index=True) if there else parts[0]


def _in_words(function: Callable[..., Any], given: Sequence[tuple[str, Any]]) -> str | None:
    """The question in words that mean the same in another process; None where it has none."""
    if function.__module__.split(".")[0] != _PACKAGE or not all(_is_plain(value) for _, value in given):
        return None
    return f"{function.__module__}.{function.__qualname__} {given}"


def _is_plain(value: Any) -> bool:
    if is_dataclass(value) and not isinstance(value, type):
        return all(_is_plain(getattr(value, field.name)) for field in fields(value))
    return isinstance(value, (str, int, float, dt.date, type(None))) or (
        isinstance(value, tuple) and all(map(_is_plain, value))
    )


_PACKAGE = __name__.split(".")[0]


def keeps_answers(tables: Mapping[str, Any]) -> bool:
    """Whether the tables keep what is derived from them."""
    return getattr(tables, "keeps_answers", False)


def _fixed(value: Any) -> Any:
    """An argument by which a question is known again: a frame of Polars and settings by what they hold."""
    if isinstance(value, pl.DataFrame):
        held = io.BytesIO()
        value.write_ipc(held)
        return f"rows {hashlib.sha256(held.getvalue()).hexdigest()}"
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return getattr(value, "fingerprint", value)


def _is_fixed(key: Any) -> bool:
    """Whether a question can be known again: one that brings a frame along cannot."""
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _worked_out(function: Callable[..., Any], tables: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    found = function(tables, **named)
    return found.collect("polars").to_native() if isinstance(found, nw.LazyFrame) else found


def _given_out(held: Any) -> Any:
    if isinstance(held, pl.DataFrame):
        return nw.from_native(held.lazy())
    return held.copy(deep=False) if isinstance(held, (pd.DataFrame, pd.Series)) else held


def _from_pandas(frame: pd.DataFrame) -> pl.LazyFrame:
    """pandas keeps no kind for a column without values; our column names say which it is."""
    table = pl.from_pandas(frame)
    casts = []
    for name, kind in table.schema.items():
        if kind == pl.Null or table.is_empty():
            casts.append(pl.col(name).cast(_kind_by_name(name)))
        elif isinstance(kind, pl.Datetime):
            casts.append(pl.col(name).cast(pl.Date))
    return table.with_columns(casts).lazy()


_NARWHALS: dict[type[pl.DataType], Any] = {
    pl.String: nw.String,
    pl.Date: nw.Date,
    pl.Int64: nw.Int64,
    pl.Float64: nw.Float64,
    pl.Boolean: nw.Boolean,
}


def _kind_by_name(name: str) -> type[pl.DataType]:
    if name in _KINDS_OF_FLAGS_AND_NUMBERS:
        return _KINDS_OF_FLAGS_AND_NUMBERS[name]
    if name.endswith(("_on", "_from", "_to")):
        return pl.Date
    return pl.Int64 if name.endswith(("_cents", "_number")) or name == "sequence" else pl.String


def collect(frame: nw.LazyFrame, keys: Sequence[str], *, dates: Sequence[str] = ()) -> pd.DataFrame:
    """The small result in pandas, with one dtype per kind of column and sorted by `keys`.

    Keys become text (`month` and whatever `dates` names become datetime64), everything else int64;
    an empty sum becomes 0. The engines differ in all of this, and in how they order text.
    """
    native = frame.to_native()
    if isinstance(native, pl.LazyFrame):
        rows = native.collect(engine="streaming")
        if (plain := _of_few_kinds(rows, keys, dates)) is not None:
            return pandas_of(plain.sort(keys, nulls_last=True, maintain_order=True) if keys else plain)
        out = rows.to_pandas()
    elif hasattr(native, "toPandas"):
        out = native.toPandas()
    elif hasattr(native, "df"):
        out = native.df()
    elif hasattr(native, "to_polars"):  # Ibis, whose own pandas frames lack a kind where they lack rows
        out = native.to_polars().to_pandas()
    else:
        out = native.to_pandas()
    for name in out.columns:
        if name == "month" or name in dates:
            out[name] = pd.to_datetime(out[name]).astype("datetime64[us]")
        elif name in keys:
            out[name] = out[name].fillna(NO_VALUE).astype(str).astype("str")
        else:
            out[name] = whole(out[name], name)
    return out.sort_values(list(keys), ignore_index=True) if keys else out


def _of_few_kinds(rows: pl.DataFrame, keys: Sequence[str], dates: Sequence[str]) -> pl.DataFrame | None:
    """The rows in the kinds that `collect` promises, where that is a cast that cannot fail; else None."""
    casts = []
    for name, kind in rows.schema.items():
        is_day = name == "month" or name in dates
        if is_day and isinstance(kind, (pl.Date, pl.Datetime)):
            casts.append(pl.col(name).cast(pl.Datetime("us")))
        elif not is_day and name in keys and kind == pl.String:
            casts.append(pl.col(name).fill_null(NO_VALUE))
        elif not is_day and name not in keys and (kind.is_integer() or kind == pl.Boolean):
            casts.append(pl.col(name).cast(pl.Int64).fill_null(0))
        else:
            return None
    return rows.with_columns(casts)


_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
_OLD = pl.CompatLevel.oldest()


def pandas_of(rows: pl.DataFrame) -> pd.DataFrame:
    """The rows in pandas: the same as `rows.to_pandas()`, which takes three times as long for a small frame."""
    columns: dict[str, Any] = {}
    for column in rows.get_columns():
        kind = column.dtype
        if kind == pl.String:
            texts = pa.chunked_array([column.to_arrow(compat_level=_OLD)])
            columns[column.name] = pd.arrays.ArrowStringArray(texts, dtype=_TEXT)
        elif kind == pl.Date:
            columns[column.name] = column.cast(pl.Datetime("ms")).to_numpy()
        elif kind.is_numeric() or isinstance(kind, pl.Datetime):
            columns[column.name] = column.to_numpy()
        else:
            columns[column.name] = column.to_pandas().array
    return pd.DataFrame(columns, copy=True) if columns else rows.to_pandas()


def whole(values: pd.Series, name: str) -> pd.Series:
    """The values as int64, refusing fractions: engines may only add up counts and cents."""
    numbers = values.fillna(0)
    integers = numbers.astype("int64")
    if not (integers == numbers).all():
        raise TableError(f"{name}: fractions where whole cents or counts were due; pass amounts as int64 cents.")
    return integers


def day_number(date: nw.Expr) -> nw.Expr:
    """The proleptic day number of a date column, the same on every engine (`date.toordinal()`)."""
    before = date.dt.year().cast(nw.Int64) - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + date.dt.ordinal_day().cast(nw.Int64)


def month_of(date: nw.Expr) -> nw.Expr:
    """The first day of the month of a date column, named `month`."""
    return date.dt.truncate("1mo").alias("month")


def days_before(as_of: dt.date, days: int) -> dt.date:
    """The day `days` days before `as_of`: dates are compared, never subtracted, in an engine."""
    return as_of - dt.timedelta(days=days)


class OnDemand(Mapping[str, Answer]):
    """A value for each of some names, made when it is first asked for."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Answer]) -> None:
        self._names, self._make, self._made = dict.fromkeys(names), make, dict[str, Answer]()

    def __getitem__(self, name: str) -> Answer:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def charged_by_then(claims: pl.LazyFrame, submissions: pl.LazyFrame) -> pl.LazyFrame:
    """The claims with the charge that was in force by the bills known, where bills changed it."""
    changed = submissions.filter(pl.col("claim_charge_cents").is_not_null())
    charges = changed.group_by("client", "claim_id").agg(
        _charge=pl.col("claim_charge_cents").sort_by("submitted_on").last()
    )
    joined = claims.join(charges, on=["client", "claim_id"], how="left", maintain_order="left")
    return joined.with_columns(charge_cents=pl.coalesce("_charge", "charge_cents")).drop("_charge")


def scanned(files: list[Path], table: Table) -> pl.LazyFrame:
    """Stored partitions of a table, none of them too; what was written before a column was added to the contract holds
    it empty."""
    if not files:
        return table.empty().lazy()
    return pl.scan_parquet(files, schema=table.polars, missing_columns="insert")


def known_by(frame: pl.LazyFrame, table: Table, as_of: dt.date | pl.Expr | None) -> pl.LazyFrame:
    """Only what was known at the end of `as_of`; what was closed or decided later is open again."""
    if as_of is None or not table.known_on:
        return frame
    frame = frame.filter(pl.col(table.known_on) <= as_of)
    for day, names in table.later:
        known = pl.col(day) <= as_of
        frame = frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name in (*names, day))
    return frame


def as_known(tables: Mapping[str, Any], day: dt.date) -> dict[str, pl.LazyFrame]:
    """Tables of any mapping, each with only what was known at the end of the day.

    >>> row = {"client": "a", "action_id": "1", "opened_on": dt.date(2026, 10, 3), "due_on": dt.date(2026, 11, 3)}
    >>> tables = {"actions": pl.LazyFrame([row | {"closed_on": dt.date(2026, 11, 1), "outcome": "done",
    ...                                           "recovered_cents": 5}])}
    >>> as_known(tables, dt.date(2026, 10, 31))["actions"].collect()["outcome"].to_list()
    [None]
    """
    return {name: known_by(tables[name].lazy(), TABLES[name], day) for name in tables if name in TABLES}
