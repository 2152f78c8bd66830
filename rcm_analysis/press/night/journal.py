"""The log of a batch, a line of JSON per event as it happens, and what the logs of all nights tell together.

    runs/_batches/<YYYY-MM>/20261103T020000Z-4711.jsonl

Events are `started`, `report` and `packet` (one each, with status, seconds, pages, attempts, and the line of a
failure), `mail` and `finished`. A log without `finished` is of a batch that was killed or is under way. No line holds
a value from the data or a folder of this machine.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ...errors import RunError
from ...tables.disk import OWNER_FILE, make_folder
from ..runs.batch import SUMMARIES
from ..runs.manifest import DISTRIBUTION
from ..runs.packet import NAME
from ..runs.run import DONE, FAILED, REUSED, RunResult


def utc_now() -> str:
    """This moment, to the second, as manifests write it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


class Journal:
    """The log of one batch; every event is on the disk before the next begins."""

    def __init__(self, runs: Path, period: str) -> None:
        self._runs, self._began = Path(runs), time.perf_counter()
        folder = self._runs / SUMMARIES / period
        self.path = folder / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.jsonl"
        try:
            make_folder(folder)
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_FILE), "w")
        except OSError as error:
            raise RunError(f"{folder} cannot be written ({error.strerror}). Nothing was run.") from error

    def started(self, period: str, asked: int, **facts: Any) -> None:
        """The first line: what was asked for, by which process and version."""
        facts |= {"host": socket.gethostname(), "pid": os.getpid(), "version": importlib.metadata.version(DISTRIBUTION)}
        self.tell("started", period=period, asked=asked, **facts)

    def result(self, result: RunResult) -> None:
        """One report or packet: what became of it."""
        event = "packet" if result.template == NAME else "report"
        more = {"cell": result.cell, "kind": result.kind, "error": self._placeless(result.error)}
        facts: dict[str, Any] = {"client": result.client, "template": result.template, "status": result.status}
        facts |= {"seconds": result.seconds, "pages": result.pages, "attempts": result.attempts}
        self.tell(event, **facts, **(more if result.status == FAILED else {}))

    def finished(self, results: Sequence[RunResult], exit_code: int) -> None:
        """The last line: how many were made, kept and failed, in how many seconds, with which exit code."""
        counts = Counter(result.status for result in results)
        facts = {status: counts[status] for status in (DONE, REUSED, FAILED)}
        pages = sum(result.pages or 0 for result in results if result.template == NAME)
        self.tell(
            "finished", **facts, pages=pages, seconds=round(time.perf_counter() - self._began, 3), exit_code=exit_code
        )
        self._file.close()

    def tell(self, event: str, **facts: Any) -> None:
        """One more line, at once on its way to the disk."""
        self._file.write(json.dumps({"at": utc_now(), "event": event, **facts}, ensure_ascii=False) + "\n")
        self._file.flush()

    def _placeless(self, text: str) -> str:
        return text.replace(f"{self._runs.resolve().parent}{os.sep}", "").replace(f"{self._runs}{os.sep}", "runs/")


@dataclass(frozen=True)
class Night:
    """What one log tells: `exit_code` is None where the batch did not come to its end."""

    period: str
    began: str
    asked: int
    counts: Counter[str]
    seconds: float | None
    exit_code: int | None
    under_way: bool

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if self.exit_code is None:
            return "under way" if self.under_way else "killed before its end; run it again, what is made is kept"
        return f"exit code {self.exit_code}"


def history(runs: Path) -> list[Night]:
    """Every batch that left a log, the earliest first; a line that was cut short by a kill is passed over."""
    nights = [_night(path) for path in Path(runs).glob(f"{SUMMARIES}/*/*.jsonl")]
    return sorted((night for night in nights if night), key=lambda night: (night.began, night.period))


def _night(path: Path) -> Night | None:
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    if not events or events[0].get("event") != "started":
        return None
    first, last = events[0], events[-1] if events[-1]["event"] == "finished" else {}
    return Night(
        first["period"],
        first["at"],
        first["asked"],
        Counter(event["status"] for event in events if event["event"] in ("report", "packet")),
        last.get("seconds"),
        last.get("exit_code"),
        not last and first["host"] == socket.gethostname() and psutil.pid_exists(first["pid"]),
    )
