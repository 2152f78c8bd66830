"""Many small X12 files read in one pass.

A reader by column costs the same for ten segments as for ten thousand, and a clearinghouse sends
hundreds of small files. Files with a whole envelope are laid end to end and read as one; when nothing
was found amiss, the result is cut again into files. When anything was, the pile is halved until
the file that causes it stands alone, so that every finding names its own file and place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import pandas as pd

from ...errors import SourceError, stopped
from .segments import transaction_count

PILE_BYTES = 16_000_000


def read_together(files: Sequence[bytes], read: Callable[[bytes], Any], kind: str) -> list[Any]:
    """What `read` gives for each file, or the SourceError that it ends in, in the order of the files.

    `read` is `read_835` or `read_837` and `kind` "835" or "837". Its result is a frozen dataclass of
    frames, each with a `transaction` counted from 1, and `findings`. In a pile, `segment` numbers
    count from the start of the pile.
    """
    results: list[Any] = []
    pile: list[bytes] = []
    size = 0
    for data in files:
        whole = data.lstrip()[:3] == b"ISA" and b"IEA" in data[-200:]
        if pile and (not whole or size + len(data) > PILE_BYTES):
            results += _read_pile(pile, read, kind)
            pile, size = [], 0
        if whole:
            pile, size = [*pile, data], size + len(data)
        else:
            results.append(_read_one(data, read))
    return results + (_read_pile(pile, read, kind) if pile else [])


def _read_pile(pile: list[bytes], read: Callable[[bytes], Any], kind: str) -> list[Any]:
    if len(pile) == 1:
        return [_read_one(pile[0], read)]
    whole_pile = _read_one(b"\n".join(pile), read)
    if not isinstance(whole_pile, SourceError) and whole_pile.findings.empty:
        counts = [transaction_count(data, kind) for data in pile]
        if min(counts) > 0:
            return _cut(whole_pile, counts)
    middle = len(pile) // 2
    return _read_pile(pile[:middle], read, kind) + _read_pile(pile[middle:], read, kind)


def _read_one(data: bytes, read: Callable[[bytes], Any]) -> Any:
    try:
        return read(data)
    except Exception as error:
        return stopped(error)


def _cut(whole_pile: Any, counts: Sequence[int]) -> list[Any]:
    """The frames of a pile, file by file: transactions and row numbers start anew in each."""
    frames = {item.name: getattr(whole_pile, item.name) for item in fields(whole_pile)}
    parents = {"claim_index": frames.get("claims", frames.get("submissions")), "line_index": frames.get("lines")}
    results, first = [], 0
    for count in counts:
        last = first + count
        parts = {name: _between(frame, first, last) for name, frame in frames.items()}
        for frame in parts.values():
            frame["transaction"] = frame["transaction"] - first
            for name, parent in parents.items():
                if name in frame:
                    frame[name] = frame[name] - int(parent["transaction"].to_numpy().searchsorted(first, side="right"))  # type: ignore[index]
        results.append(replace(whole_pile, **parts))
        first = last
    return results


def _between(frame: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """The rows of transactions `first` + 1 to `last`; the readers keep them in order."""
    start, end = frame["transaction"].to_numpy().searchsorted([first, last], side="right")
    return frame.iloc[start:end].reset_index(drop=True)
