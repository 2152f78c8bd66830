"""The history of the scoreboard: one JSON line per run, so that a figure can be followed over versions."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import __version__
from .record import Row, as_json


def machine() -> str:
    """The kind of machine, without its name.

    >>> "threads" in machine()
    True
    """
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} threads, Python {platform.python_version()}"


def history_line(rows: Iterable[Row], *, seeds: Sequence[int], made_at: str) -> str:
    """One run as one line of JSON: made_at, version, machine, seeds, rows.

    `made_at` is the caller's time stamp (ISO text): nothing here reads the clock.
    """
    record = {
        "made_at": made_at,
        "version": __version__,
        "machine": machine(),
        "seeds": list(seeds),
        "rows": as_json(rows),
    }
    return json.dumps(record, ensure_ascii=False)


def keep(folder: Path, rows: Sequence[Row], text: str, *, seeds: Sequence[int], made_at: str) -> None:
    """Add the run to `scoreboard.jsonl` in `folder`, and make `scoreboard.txt` say `text`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scoreboard.jsonl").open("a", encoding="utf-8", newline="\n") as file:
        file.write(history_line(rows, seeds=seeds, made_at=made_at) + "\n")
    (folder / "scoreboard.txt").write_text(text.rstrip("\n") + "\n", "utf-8", newline="\n")
