"""A worker process: makes one report or packet after the other, for `batch`.

Jobs come in and results go out as pickles over the process's own pipes. A worker that dies takes only its
present job with it; one that has made `LIFETIME` jobs is replaced, because the PDF compiler keeps its cache.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from typing import Any

from ...errors import RcmError
from . import kernels
from .packet import NAME, PacketRequest, build_packet
from .run import FAILED, RunRequest, RunResult, run

LIFETIME = 8
GRACE_SECONDS = 10
Job = RunRequest | PacketRequest


def perform(job: Job, settings: kernels.Settings | None = None, engine: str = "fork") -> RunResult:
    """Do one job; whatever goes wrong comes back as a failed result, so that it stops nothing else."""
    started = time.perf_counter()
    try:
        return build_packet(job) if isinstance(job, PacketRequest) else run(job, settings=settings, engine=engine)
    except RcmError as error:
        return failed(job, " ".join(str(error).split()), time.perf_counter() - started)
    except Exception as error:
        line = f"{type(error).__name__} in the press itself; run this report alone to see where."
        return failed(job, line, time.perf_counter() - started)


def failed(job: Job, line: str, seconds: float = 0.0) -> RunResult:
    """The result of a job that could not be done."""
    name = NAME if isinstance(job, PacketRequest) else job.template
    return RunResult(name, job.client, job.period, job.runs, FAILED, round(seconds, 3), error=line)


class Worker:
    """The parent's end of one worker process; started at the first job."""

    def __init__(self, settings: kernels.Settings, engine: str = "fork") -> None:
        self._settings, self._engine = settings, engine
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs_left = 0
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
            return failed(job, f"The report was not finished: {how}.", time.perf_counter() - started)
        self._jobs_left -= 1
        if self._jobs_left <= 0:
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
            self._jobs_left = LIFETIME
        return self._process


def _stop(signal_number: int, frame: Any) -> None:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the cell under way is given up on purpose
    raise KeyboardInterrupt


def main() -> None:
    """The worker's end: jobs from stdin, results to the original stdout; anything printed goes to stderr."""
    signal.signal(signal.SIGTERM, _stop)
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        while True:
            job, settings, engine = pickle.load(sys.stdin.buffer)
            pickle.dump(perform(job, settings, engine), results)
            results.flush()
    except EOFError:
        pass
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
