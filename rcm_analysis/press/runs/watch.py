"""What a notebook may use: time for a cell and for the whole, memory, output; and what happens when it takes more.

It is interrupted first, so that the notebook shows where it was; when it does not stop, it is killed. Either way
the run is a failed one, with one line that says which limit it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

TICK_SECONDS = 0.1
GRACE_SECONDS = 5.0
TICKS_TO_CHILDREN = 10
"""Every so many looks, the processes that the notebook started are counted too."""

FAR_OVER = 1.5
"""A notebook that is so many times over its memory, or over what its programs may write, is not asked first."""

NAMES = ("CellTimeoutError", "NotebookTimeoutError", "MemoryLimitError", "OutputLimitError")


@dataclass(frozen=True)
class Verdict:
    """The limit that was passed, and the line that says so."""

    error: str
    line: str


def _verdict(error: str, line: str, setting: str) -> Verdict:
    return Verdict(error, f"{line} Its limit is {setting} under [limits] in rcm.toml.")


class Watch:
    """Looks at one notebook's process ten times a second, from a thread of its own.

    `settings` are `kernels.Settings`; `pid` tells the process once there is one, `written` the bytes that wait unread.
    """

    def __init__(
        self,
        settings: Any,
        *,
        pid: Callable[[], int | None],
        interrupt: Callable[[], None],
        kill: Callable[[], None],
        written: Callable[[], int] = lambda: 0,
    ) -> None:
        self.verdict: Verdict | None = None
        self._settings, self._pid, self._interrupt, self._kill, self._written = settings, pid, interrupt, kill, written
        self._began = time.monotonic()
        self._cell_began: float | None = None
        self._kill_at = 0.0
        self._looks, self._said = 0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="press-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def cell(self) -> Iterator[None]:
        """While a cell runs."""
        self._cell_began = time.monotonic()
        try:
            yield
        finally:
            self._cell_began = None

    def said(self, count: int) -> bool:
        """Add to the output; whether it is still within the limit."""
        self._said += count
        if self._said > self._settings.output_mb << 20:
            self.passed_output()
        return self.verdict is None

    def passed_output(self, *, ask: bool = True) -> None:
        """The output is over its limit; `ask` when the notebook has not been interrupted yet."""
        line = f"The notebook wrote more than {self._settings.output_mb:,} MB of output."
        self._pass(_verdict("OutputLimitError", line, "output_mb"), ask=ask)

    def _look(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            if self.verdict is None:
                self._judge()
            elif time.monotonic() > self._kill_at or self._is_far_over():
                self._kill()
                return

    def _is_far_over(self) -> bool:
        settings = self._settings
        return self._memory_mb() > FAR_OVER * settings.memory_mb or self._written() > FAR_OVER * (
            settings.output_mb << 20
        )

    def _judge(self) -> None:
        settings, now = self._settings, time.monotonic()
        if self._cell_began is not None and now - self._cell_began > settings.cell_seconds:
            line = f"The cell did not finish within {settings.cell_seconds:,} seconds."
            self._pass(_verdict("CellTimeoutError", line, "cell_seconds"))
        elif now - self._began > settings.notebook_seconds:
            line = f"The notebook did not finish within {settings.notebook_seconds:,} seconds."
            self._pass(_verdict("NotebookTimeoutError", line, "notebook_seconds"))
        elif self._written() > settings.output_mb << 20:
            self.passed_output()
        else:
            if self._memory_mb() > settings.memory_mb:
                line = f"The notebook used more than {settings.memory_mb:,} MB of memory."
                self._pass(_verdict("MemoryLimitError", line, "memory_mb"))

    def _pass(self, verdict: Verdict, *, ask: bool = True) -> None:
        if self.verdict is None:
            self._kill_at = time.monotonic() + GRACE_SECONDS
            self.verdict = verdict
            if ask:
                self._interrupt()

    def _memory_mb(self) -> float:
        pid = self._pid()
        if pid is None:
            return 0.0
        self._looks += 1
        try:
            process = psutil.Process(pid)
            used = process.memory_info().rss
            if self._looks % TICKS_TO_CHILDREN == 0:
                used += sum(child.memory_info().rss for child in process.children(recursive=True))
        except psutil.Error:
            return 0.0
        return used / (1 << 20)
