"""Rows of the services' tables: from columns of day numbers to tables as the system knew them on the last day."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from ...tables.schema_base import KINDS, Table
from ..submission import NEVER


def patients(numbers: np.ndarray) -> pl.Series:
    """The patients' account numbers, as the billing system prints them.

    >>> patients(np.array([0, 41])).to_list()
    ['C000001', 'C000042']
    """
    return pl.Series([f"C{number + 1:06d}" for number in np.asarray(numbers).tolist()], dtype=pl.String)


def numbered(prefix: str, count: int) -> np.ndarray:
    """Ids from 1.

    >>> numbered("S", 2).tolist()
    ['S000001', 'S000002']
    """
    return np.array([f"{prefix}{number:06d}" for number in range(1, count + 1)], dtype=str)


class Luck:
    """Random numbers that belong to things, not to an order: the same seed, name and keys, the same number.

    Keys are whole numbers (a claim, a day, a position). What happens to one claim leaves the luck of every
    other alone, however many rows there are before it.

    >>> luck = Luck(7, "a-client", "calls")
    >>> bool(luck.uniform("answered", np.array([3, 4]))[1] == luck.uniform("answered", np.array([4]))[0])
    True
    """

    def __init__(self, seed: int, client: str, domain: str) -> None:
        self._stem = f"{seed}|{client}|{domain}"

    def uniform(self, name: str, *keys: np.ndarray) -> np.ndarray:
        """Between 0 and 1, without both."""
        mixed = np.full(len(keys[0]), zlib.crc32(f"{self._stem}|{name}".encode()), np.uint64)
        for key in keys:
            mixed = _mixed(mixed ^ (np.asarray(key).astype(np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)))
        return ((mixed >> np.uint64(12)).astype(float) + 0.5) / 2**52

    def between(self, name: str, low: int, high: int, *keys: np.ndarray) -> np.ndarray:
        """Whole numbers from `low` up to, and without, `high`."""
        return low + (self.uniform(name, *keys) * (high - low)).astype(np.int64)

    def word(self, name: str, words: Mapping[str, float] | Sequence[str], *keys: np.ndarray) -> np.ndarray:
        """Words: each as likely as the others, or by weight."""
        weights = np.array(list(words.values()) if isinstance(words, Mapping) else [1.0] * len(words))
        place = np.searchsorted(np.cumsum(weights / weights.sum()), self.uniform(name, *keys), side="right")
        return np.array(list(words))[np.minimum(place, len(weights) - 1)]

    def normal(self, name: str, *keys: np.ndarray) -> np.ndarray:
        """Standard normal numbers."""
        return ndtri(self.uniform(name, *keys))

    def tries(self, name: str, share: np.ndarray | float, *keys: np.ndarray) -> np.ndarray:
        """Tries until the first success, from 1."""
        return np.floor(np.log1p(-self.uniform(name, *keys)) / np.log1p(-np.asarray(share))).astype(np.int64) + 1


def _mixed(value: np.ndarray) -> np.ndarray:
    """The last step of SplitMix64: every bit of the key moves every bit of the number."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def only_where(mask: np.ndarray, values: Any) -> pl.Series:
    """The values where the mask holds, and nothing elsewhere."""
    series = pl.Series(values)
    return pl.select(pl.when(pl.Series(np.asarray(mask, bool))).then(series)).to_series()


def day_or_never(mask: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The days where the mask holds, a day that never comes elsewhere."""
    return np.where(mask, days, NEVER)


def table_rows(table: Table, columns: Mapping[str, Any], last: int) -> pl.DataFrame:
    """The columns as rows of `table`, as the system knew them on day `last`.

    Counts
        Rows known later are left out; what was learned later of a known row is empty. Columns not
        given are empty. Days are day numbers; `NEVER` and anything beyond 2099 is empty.
    """
    frame = pl.DataFrame(dict(columns))
    absent = [pl.lit(None).alias(column.name) for column in table.columns[1:] if column.name not in frame.columns]
    frame = frame.with_columns(absent)
    days = [column.name for column in table.columns if column.kind == "date"]
    if table.known_on:
        frame = frame.filter(pl.col(table.known_on) <= last)
    for day, names in table.later:
        known = pl.col(day).cast(pl.Int64) <= last
        frame = frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name in (*names, day))
    frame = frame.with_columns(
        pl.when(pl.col(name).cast(pl.Int64) < 47_482)
        .then(pl.col(name).cast(pl.Int64))
        .cast(pl.Int32)
        .cast(pl.Date)
        .alias(name)
        for name in days
    )
    typed = frame.select(pl.col(column.name).cast(KINDS[column.kind]) for column in table.columns[1:])
    order = [table.known_on] if table.known_on else []
    return typed.sort([*order, *table.key[1:]])


def planted_item(number: int, client: str, kind: str, **told: Any) -> dict[str, Any]:
    """One planted item in the words of `plants`: `rows` are [id of the record, null, day known, cents]."""
    rows = told.pop("rows")
    by_month: dict[str, list[int]] = {}
    for _, _, day, cents in rows:
        by_month.setdefault(day[:7], []).append(cents or 0)
    scope = dict.fromkeys(("payer", "procedures", "location", "provider", "category")) | told.pop("scope", {})
    days = [row[2] for row in rows]
    return {
        "id": f"{client}/{kind}/{number}",
        "kind": kind,
        "client": client,
        "is_problem": True,
        "start": told.pop("start", min(days, default=None)),
        "end": told.pop("end", None),
        **told,
        "scope": scope,
        "claims_count": len(rows),
        "amount_cents": sum(row[3] or 0 for row in rows),
        "first_seen": min(days, default=None),
        "months": [
            {"month": month, "claims_count": len(cents), "amount_cents": sum(cents)}
            for month, cents in sorted(by_month.items())
        ],
        "rows": rows,
        "files": [],
    }
