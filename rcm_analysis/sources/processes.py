"""Work in a process of its own: one call after another, and whatever ends the process is one answer.

Readers of untrusted workbooks run in such a process with a limit on memory and time (`limited`): a tiny file can ask
for 550 GB. A process is started at the first call and serves those that follow; it ends when its parent does, however
that happened. The limits are the system's (RLIMIT_AS, RLIMIT_CPU); where a system has none, or does not hold to them
(Windows, macOS), the parent looks at memory and time four times a second and ends the process.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psutil

from ..errors import RcmError, SourceError, stopped

LOOK_SECONDS = 0.25
GRACE_SECONDS = 5


@dataclass(frozen=True)
class Limits:
    """What one call may use: memory beyond what the process has when it starts, and seconds of computing."""

    megabytes: int = 4096
    seconds: int = 300


LIMITS = Limits(megabytes=min(Limits.megabytes, psutil.virtual_memory().total >> 21))
"""For workbooks: 4 GB, or half of a smaller machine's memory."""
_CODE = Path(__file__).parents[2]


class ProcessDied(Exception):
    """The process ended under a call: `code` is its exit code, below zero the signal; `why` what the parent saw."""

    def __init__(self, code: int | None, why: str = "") -> None:
        super().__init__(code, why)
        self.code, self.why = code, why


class Process:
    """The parent's end of a process; it is started when it is first needed, and again after it died."""

    def __init__(self, limits: Limits | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._limits, self._environment = limits, dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function gives, or raises, over there.

        Raises
            ProcessDied when the process ended meanwhile; the next call starts another.
        """
        message = pickle.dumps((function, arguments))
        with self._turn:
            good, answer = self._ask(len(message).to_bytes(8, "big") + message)
        if good:
            return answer
        raise answer

    def _ask(self, message: bytes) -> tuple[bool, Any]:
        process, why, ended = self._running(), list[str](), threading.Event()
        if self._limits:
            threading.Thread(target=_watch, args=(process, self._limits, ended, why), daemon=True).start()
        try:
            process.stdin.write(message)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return pickle.load(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
            self.kill()
            raise ProcessDied(process.wait(), "".join(why)) from None
        finally:
            ended.set()

    def kill(self) -> None:
        """End the process now; a call under way raises ProcessDied."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.kill()
            paths = [str(_CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
            limits = [str(self._limits.megabytes), str(self._limits.seconds)] if self._limits else []
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if self._limits else None,  # compiled code says there what it asked for
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **self._environment},
                start_new_session=True,  # Ctrl-C reaches the parent alone, which ends this process
            )
        return self._process


def _watch(process: subprocess.Popen[bytes], limits: Limits, ended: threading.Event, why: list[str]) -> None:
    """End a process that uses more than it may, where the system itself does not."""
    last, most = time.monotonic() + 2 * limits.seconds, 1.2 * limits.megabytes * 2**20
    with contextlib.suppress(psutil.Error):
        seen = psutil.Process(process.pid)
        while not ended.wait(LOOK_SECONDS):
            if time.monotonic() > last or seen.memory_info().rss > most:
                why.append("time" if time.monotonic() > last else "memory")
                process.kill()
                return


# ---------------------------------------------------------------- untrusted files
_READER: list[Process] = []


def limited(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a reader of an untrusted file gives, computed in a process with limits on memory and time.

    Raises
        SourceError where the file breaks a limit, or the reader.
    """
    if not _READER:
        one_thread = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        _READER.append(Process(LIMITS, one_thread))
    try:
        return _READER[0].call(function, *arguments)
    except ProcessDied as died:
        raise SourceError(_why(died)) from None


def _why(died: ProcessDied) -> str:
    again = "Open it, delete what is not needed, save it as CSV or XLSX, and deliver it again."
    if died.why == "time" or died.code == -getattr(signal, "SIGXCPU", 0):
        return (
            f"The file was given up after {LIMITS.seconds} seconds of reading: it is damaged or far too large. {again}"
        )
    if died.why == "memory" or died.code in (-signal.SIGABRT, -getattr(signal, "SIGKILL", 9)):
        return (
            f"The file needs more than {LIMITS.megabytes:,} MB of memory to be read: it is damaged, unpacks to "
            f"far more than it is, or one cell stands far from the others. {again}"
        )
    return f"The file ended our reader (exit code {died.code}): it is damaged. {again}"


@atexit.register
def close_reader() -> None:
    """End the process that reads untrusted files; the next file starts another."""
    while _READER:
        _READER.pop().kill()


# ---------------------------------------------------------------- the other end
def main() -> None:
    """Calls from stdin, answers to the original stdout; anything printed goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limits = Limits(*map(int, sys.argv[1:3])) if len(sys.argv) > 2 else None
    calls: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(calls,), daemon=True).start()
    try:
        while True:
            function, arguments = pickle.loads(calls.get())
            if limits:
                _limit(limits)
            pickle.dump(_answer(function, arguments), answers)
            answers.flush()
    finally:
        os._exit(1)  # the thread that waits for calls would not let the interpreter end in order


def _receive(calls: SimpleQueue[Any]) -> None:
    """Pass calls on as they come, and end the process with its parent, whatever it is doing."""
    while length := sys.stdin.buffer.read(8):
        calls.put(sys.stdin.buffer.read(int.from_bytes(length, "big")))
    os._exit(0)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except RcmError as error:
        return False, error
    except MemoryError:
        os.abort()
    except BaseException as error:  # a panic in compiled code is no Exception
        return False, stopped(error)


def _limit(limits: Limits) -> None:
    """Set what the call that follows may use; nothing where the system has no such limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + limits.seconds, hard))
        memory = psutil.Process().memory_info().vms + limits.megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    main()
