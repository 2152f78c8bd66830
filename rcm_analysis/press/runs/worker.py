"""A worker process: makes one report or packet after the other, for `batch`.

Jobs come in and results go out as pickles over the process's own pipes. A worker lives as long as the batch: it and
the fork server of its notebooks import everything once. One that dies takes only its present job with it; one that
has grown too large is replaced; one whose parent dies gives up its job and ends, with all it started.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any

import psutil

from ...errors import RcmError
from . import kernels
from . import packet as packets
from . import run as reports
from .packet import NAME, PacketRequest, build_packet
from .run import FAILED, RunRequest, RunResult, run
from .shared import Shared

MOST_MB = 1500
"""Memory of a worker at rest above which it is replaced: the PDF compiler keeps what it has set."""

RARELY = (100_000, 20, 20)
"""When Python looks for cycles: notebooks and tables are many objects and hold none."""

GRACE_SECONDS = 10
DEAD = "DeadWorker"
"""The kind of failure where a worker died under its job."""

Job = RunRequest | PacketRequest


def perform(job: Job, settings: kernels.Settings | None = None, engine: str = "fork") -> RunResult:
    """Do one job; whatever goes wrong comes back as a failed result, so that it stops nothing else."""
    started = time.perf_counter()
    try:
        with Shared.of(settings.remotes if settings else {}).around(job):
            return build_packet(job) if isinstance(job, PacketRequest) else run(job, settings=settings, engine=engine)
    except RcmError as error:
        return failed(job, " ".join(str(error).split()), time.perf_counter() - started)
    except Exception as error:
        line = f"{type(error).__name__} in the press itself; run this report alone to see where."
        return failed(job, line, time.perf_counter() - started)


def settled(job: Job) -> RunResult | None:
    """The result of a job that needs no worker: nothing changed since it was made, or it cannot be right; else None."""
    started = time.perf_counter()
    try:
        return packets.unchanged(job) if isinstance(job, PacketRequest) else reports.unchanged(job)
    except RcmError as error:
        return failed(job, " ".join(str(error).split()), time.perf_counter() - started)


def failed(job: Job, line: str, seconds: float = 0.0, kind: str = "") -> RunResult:
    """The result of a job that could not be done."""
    name = NAME if isinstance(job, PacketRequest) else job.template
    return RunResult(name, job.client, job.period, job.runs, FAILED, round(seconds, 3), error=line, kind=kind)


class Worker:
    """The parent's end of one worker process; started at the first job."""

    def __init__(self, settings: kernels.Settings, engine: str = "fork") -> None:
        self._settings, self._engine = settings, engine
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def perform(self, job: Job) -> RunResult:
        """Send the job, wait for its result; a worker that dies under it gives a failed result."""
        started = time.perf_counter()
        try:
            message = pickle.dumps((job, self._settings, self._engine))
        except Exception as error:
            return failed(job, f"A parameter cannot be handed to a worker ({type(error).__name__}); use plain values.")
        try:
            process = self._running()
            process.stdin.write(message)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            result = pickle.load(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError):
            code = self._process.wait() if self._process else None
            self._process = None
            how = "it was stopped" if self._stopped else f"its process died (exit code {code}; out of memory?)"
            kind = "" if self._stopped else DEAD
            return failed(job, f"The report was not finished: {how}.", time.perf_counter() - started, kind)
        if _memory_mb(process.pid) > MOST_MB:
            self.close()
        return result

    def close(self) -> None:
        """Let the process end by itself."""
        if self._process:
            with contextlib.suppress(OSError):
                self._process.stdin.close()  # type: ignore[union-attr]
            self._process.wait()
            self._process.stdout.close()  # type: ignore[union-attr]
            self._process = None

    def stop(self) -> None:
        """Ask the process to end now: it ends its kernel and removes what is half made."""
        self._stopped = True
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Wait for a stopped process, and end it by force if it does not."""
        process = self._process
        if process:
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._stopped:
            raise EOFError
        if self._process is None:
            # A session of its own: Ctrl-C reaches the parent only, which then stops the workers in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._process


def _memory_mb(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / (1 << 20)
    except psutil.Error:
        return 0.0


def _stop(signal_number: int, frame: Any) -> None:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the cell under way is given up on purpose
    raise KeyboardInterrupt


def main() -> None:
    """The worker's end: jobs from stdin, results to the original stdout; anything printed goes to stderr."""
    signal.signal(signal.SIGTERM, _stop)
    gc.set_threshold(*RARELY)
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: SimpleQueue[Any] = SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_read, args=(jobs, busy), daemon=True).start()
    try:
        while (asked := jobs.get()) is not None:
            result = perform(*asked)
            busy.clear()
            pickle.dump(result, results)
            results.flush()
    except KeyboardInterrupt:
        sys.exit(130)


def _read(jobs: SimpleQueue[Any], busy: threading.Event) -> None:
    """Take in jobs until the parent closes; when it is gone in the middle of one, give that up."""
    try:
        while True:
            asked = pickle.load(sys.stdin.buffer)
            busy.set()
            jobs.put(asked)
    except (EOFError, OSError):
        if busy.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
        jobs.put(None)


if __name__ == "__main__":
    main()
