"""Derived tables kept beside a client's store: worked out once, read by every report after that.

    store/<client>/derived/<name>-<key>.arrow

A file is its checksum and then Arrow. It is written beside and renamed into place, so that readers and writers at the
same time find a whole one or none; what is missing, damaged or cannot be written is worked out, and nothing else
happens. Of each name only the files used last are kept. They hold nothing that the store does not, and go with it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib
import io
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from pyarrow import feather

FOLDER = "derived"
LARGE_BYTES = 1 << 18
MOST_DAYS, MOST_LARGE = 8, 24
"""How many files of answers stay: one for each day asked for, and one for each large answer."""
_CHECKSUM = 32
_PACKAGE = __name__.partition(".")[0]
_ROOMS = ("tables", "ledger", "measures", "models")
_FILES = ("periods", "errors")
_REGISTER = "exhibits.register."
"""Records of the register are stored, too: its questions name the code of its room (`code`)."""


@dataclass(frozen=True)
class Shelf:
    """The derived tables of one client, as of one state of its store (`fingerprint`).

    `known` tells the state of the months up to a day: answers as of that day stay good while later months come in.
    """

    folder: Path
    fingerprint: str
    known: str = ""

    def table(
        self, name: str, compute: Callable[[], pl.DataFrame], *, key: str | None = None, keep: int = 1
    ) -> pl.DataFrame:
        """The derived table of this name and key (by default the state of the store), from its file or else computed.

        `keep` files of the name stay, those used last; older states of the store leave with the next write.
        """
        path = self._path(name, key or self.fingerprint)
        found = _read(path)
        if found is None:
            found = compute()
            self._keep(path, name, found, keep)
        return found

    def fact(self, question: str, compute: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """A large table that answers a question about this state of the store."""
        return self.table("fact", compute, key=f"{self.fingerprint} {question}", keep=MOST_LARGE)

    def answers(self, of: str) -> Answers:
        """The answers known about this state of the store, `of` a day (say)."""
        return Answers(self, f"{self.known or self.fingerprint} {of}")

    def beside(self, said: str) -> Shelf:
        """The same shelf for what is derived from something else, too: other words there, other answers."""
        if not said:
            return self
        other = hashlib.sha256(said.encode()).hexdigest()
        known = f"{self.known} {other}" if self.known else ""
        return replace(self, fingerprint=f"{self.fingerprint} {other}", known=known)

    def _path(self, name: str, key: str) -> Path:
        digest = hashlib.sha256(f"{code()} {name} {key}".encode()).hexdigest()
        return self.folder / f"{name}-{digest[:24]}.arrow"

    def _keep(self, path: Path, name: str, rows: pl.DataFrame, keep: int) -> None:
        with contextlib.suppress(OSError):
            _write(path, rows)
            _prune(self.folder, name, keep)


class Answers:
    """Answers by question, the small ones in one file, large ones in a file each; those added are on disk after `save`.

    Only what comes back as it was is stored: frames of plain columns and counted rows, and frozen records of ours.
    """

    def __init__(self, shelf: Shelf, key: str) -> None:
        self._shelf, self._key = shelf, key
        self._known: dict[str, bytes] | None = None
        self._added: dict[str, bytes] = {}

    def get(self, question: str) -> Any:
        """The answer to the question, None where none is stored."""
        if self._known is None:
            self._known = self._stored()
        data = self._known.get(question)
        if data is None:
            own = _read(self._own(question))
            data = None if own is None else own["answer"][0]
        return None if data is None else _understood(data)

    def add(self, question: str, answer: Any) -> None:
        """Keep the answer, if it is one that comes back as it was."""
        data = _written(answer)
        if data is None:
            return
        if len(data) > LARGE_BYTES:
            self._shelf._keep(self._own(question), "answer", pl.DataFrame({"answer": [data]}), MOST_LARGE)
        else:
            self._added[question] = data

    def save(self) -> None:
        """Write what was added, beside what others added meanwhile."""
        if not self._added:
            return
        every = self._stored() | self._added
        rows = pl.DataFrame({"question": list(every), "answer": list(every.values())})
        self._shelf._keep(self._shelf._path("answers", self._key), "answers", rows, MOST_DAYS)
        self._known, self._added = every, {}

    def _stored(self) -> dict[str, bytes]:
        found = _read(self._shelf._path("answers", self._key))
        return {} if found is None else dict(zip(found["question"], found["answer"], strict=True))

    def _own(self, question: str) -> Path:
        return self._shelf._path("answer", f"{self._key} {question}")


_RECORD = b"record "


def _written(answer: Any) -> bytes | None:
    """The answer as bytes; None for what would not come back as it was."""
    if isinstance(answer, pd.DataFrame):
        if not _comes_back(answer):
            return None
        out = pa.BufferOutputStream()
        feather.write_feather(pa.Table.from_pandas(answer), out, compression="uncompressed")
        return out.getvalue().to_pybytes()
    try:
        return _RECORD + json.dumps(_told(answer)).encode() if is_dataclass(answer) else None
    except TypeError:
        return None


def _understood(data: bytes) -> Any:
    return _retold(json.loads(data[len(_RECORD) :])) if data.startswith(_RECORD) else _frame(data)


def _told(value: Any) -> Any:
    """A frozen record of the rooms that derive as JSON: of records, days, tuples, mappings by text and plain values."""
    if is_dataclass(value) and not isinstance(value, type) and _is_ours(type(value).__module__):
        held = {field.name: _told(getattr(value, field.name)) for field in fields(value)}
        return {"of": type(value).__module__, "record": type(value).__qualname__, "holds": held}
    if type(value) is dt.date:
        return {"day": value.isoformat()}
    if isinstance(value, tuple):
        return {"tuple": [_told(one) for one in value]}
    if isinstance(value, dict) and all(type(name) is str for name in value):
        return {"mapping": {name: _told(one) for name, one in value.items()}}
    if value is None or isinstance(value, (str, bool, int, float)):
        return float(value) if isinstance(value, float) else value
    raise TypeError(f"no value of the kind {type(value).__name__} is stored in a record")


def _retold(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    if "record" in told:
        kind = getattr(importlib.import_module(told["of"]), told["record"])
        return kind(**{name: _retold(value) for name, value in told["holds"].items()})
    if "day" in told:
        return dt.date.fromisoformat(told["day"])
    if "tuple" in told:
        return tuple(map(_retold, told["tuple"]))
    return {name: _retold(value) for name, value in told["mapping"].items()}


def _is_ours(module: str) -> bool:
    package, _, rest = module.partition(".")
    return package == _PACKAGE and (rest in _FILES or rest.partition(".")[0] in _ROOMS or rest.startswith(_REGISTER))


_DAYS = {f"datetime64[{unit}]" for unit in ("s", "ms", "us", "ns")}
_PLAIN = {"int32", "int64", "float64", "bool", "Int64", "Float64", "str", "category", "object"} | _DAYS


def _comes_back(answer: pd.DataFrame) -> bool:
    is_counted = isinstance(answer.index, pd.RangeIndex) and (answer.index.start, answer.index.step) == (0, 1)
    named = answer.index.name is None and answer.columns.name is None and answer.columns.is_unique
    plain = all(str(column.dtype) in _PLAIN and _is_text(column) for _, column in answer.items())
    return is_counted and named and plain and all(type(value) in (str, int) for value in answer.attrs.values())


def _is_text(column: pd.Series) -> bool:
    """Whether the categories of a column, or its objects, are texts: or each a tuple of texts, or nothing at all."""
    if column.dtype == "object":
        kinds = set(map(type, column))
        each = {type(text) for value in column for text in value} if kinds == {tuple} else kinds - {type(None)}
        return kinds <= {str, type(None), tuple} and each <= {str}
    return column.dtype != "category" or (len(column) > 0 and str(column.cat.categories.dtype) == "str")


def _frame(data: bytes) -> pd.DataFrame:
    table = feather.read_table(pa.BufferReader(data))
    out, told = table.to_pandas(), table.schema.pandas_metadata
    for name in (one["name"] for one in told["columns"] if one["numpy_type"] == "object"):
        if pa.types.is_list(table.schema.field(name).type):
            out[name] = pd.Series(map(tuple, out[name]), index=out.index, dtype=object)
        else:
            out[name] = out[name].astype(object).where(out[name].notna(), None)
    out.attrs = dict(told.get("attributes") or {})
    return out


@cache
def code(rooms: tuple[str, ...] = _ROOMS) -> str:
    """A hash of what derives: other code in these rooms, another list of reference, or another engine derives anew."""
    package = Path(__file__).parents[1]
    found = hashlib.sha256(f"{pl.__version__} {np.__version__} {pd.__version__} {pa.__version__}".encode())
    alone = [package / f"{name}.py" for name in _FILES]
    for path in [*alone, *(path for room in rooms for path in sorted((package / room).rglob("*")))]:
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(path.read_bytes())
    return found.hexdigest()


def _read(path: Path) -> pl.DataFrame | None:
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    if hashlib.sha256(data[_CHECKSUM:]).digest() != data[:_CHECKSUM]:
        return None
    return pl.read_ipc(io.BytesIO(data[_CHECKSUM:]))


def _write(path: Path, rows: pl.DataFrame) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    held = io.BytesIO()
    rows.write_ipc(held, compression="zstd")
    data = held.getvalue()
    beside = path.with_suffix(f".{secrets.token_hex(8)}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _prune(folder: Path, name: str, keep: int) -> None:
    used = []
    for path in folder.glob(f"{name}-*"):
        with contextlib.suppress(FileNotFoundError):
            used.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(used, reverse=True)[keep:]:
        path.unlink(missing_ok=True)
