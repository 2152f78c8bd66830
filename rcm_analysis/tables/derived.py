"""Derived tables kept beside a client's store: worked out once, read by every report after that.

    store/<client>/derived/<name>-<key>.arrow

A file is its checksum and then Arrow. It is written beside and renamed into place, so that readers and writers at the
same time find a whole one or none; what is missing, damaged or cannot be written is worked out, and nothing else
happens. Of each name only the files used last are kept. They hold nothing that the store does not, and go with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from pyarrow import feather

FOLDER = "derived"
MOST_SUMMARIES = 6
_CHECKSUM = 32
_ROOMS = ("tables", "ledger", "measures", "models")


@dataclass(frozen=True)
class Shelf:
    """The derived tables of one client, as of one state of its store (`fingerprint`)."""

    folder: Path
    fingerprint: str

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

    def answer(self, question: str, compute: Callable[[], pd.DataFrame], *, of: str) -> pd.DataFrame:
        """A small answer about this state of the store, from the summary `of` a day (say), which holds all of them.

        An answer that is not there is worked out and added.
        """
        path = self._path("summary", f"{self.fingerprint} {of}")
        known = _read(path)
        stored = None if known is None else known.filter(pl.col("question") == question)["answer"]
        if stored is not None and len(stored):
            return feather.read_table(pa.BufferReader(stored[0])).to_pandas()
        found, data = compute(), pa.BufferOutputStream()
        feather.write_feather(pa.Table.from_pandas(found), data, compression="uncompressed")
        one = pl.DataFrame({"question": [question], "answer": [data.getvalue().to_pybytes()]})
        self._keep(path, "summary", one if known is None else pl.concat([known, one]), MOST_SUMMARIES)
        return found

    def _path(self, name: str, key: str) -> Path:
        digest = hashlib.sha256(f"{_code()} {name} {key}".encode()).hexdigest()
        return self.folder / f"{name}-{digest[:24]}.arrow"

    def _keep(self, path: Path, name: str, rows: pl.DataFrame, keep: int) -> None:
        with contextlib.suppress(OSError):
            _write(path, rows)
            _prune(self.folder, name, keep)


@cache
def _code() -> str:
    """What derives: other code, or another engine, derives anew."""
    package = Path(__file__).parents[1]
    found = hashlib.sha256(f"{pl.__version__} {np.__version__}".encode())
    for room in _ROOMS:
        for path in sorted((package / room).rglob("*.py")):
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
