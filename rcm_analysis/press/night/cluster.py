"""A batch whose jobs are done by the workers of a dask.distributed cluster that runs already.

Every worker keeps one process of ours warm per thread. All of them see the workspace under the same path, on a shared
disk. A job whose worker dies is given to another one by the cluster.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ...errors import RunError
from ..runs.run import RunResult
from ..runs.settings import Settings
from ..runs.worker import DEAD, Job, Worker, failed

_mine = threading.local()


def perform_there(job: Job, settings: Settings) -> RunResult:
    """Do a job on a machine of the cluster, in this thread's own process."""
    if getattr(_mine, "settings", None) != settings:
        if hasattr(_mine, "worker"):
            _mine.worker.close()
        _mine.worker, _mine.settings = Worker(settings), settings
    return _mine.worker.perform(job)


class Hand(Worker):
    """A place on the cluster, for a batch: it hands a job over and waits for its result."""

    def __init__(self, client: Any, settings: Settings) -> None:
        super().__init__(settings)
        self._client = client
        self._future: Any = None

    def perform(self, job: Job) -> RunResult:
        """The job's result; a failed one where the cluster gave it up."""
        if self._stopped:
            return failed(job, "The report was not finished: it was stopped.")
        self._future = self._client.submit(perform_there, job, self._settings, pure=False)
        try:
            return self._future.result()
        except Exception as error:
            why = "it was stopped" if self._stopped else f"the cluster gave it up ({type(error).__name__})"
            return failed(job, f"The report was not finished: {why}.", kind="" if self._stopped else DEAD)

    def stop(self) -> None:
        """Take the job back from the cluster; one that has begun runs to its end there."""
        self._stopped = True
        if self._future:
            self._future.cancel()


@contextmanager
def hands(address: str, settings: Settings) -> Iterator[list[Worker]]:
    """As many hands as the cluster has threads now; a notebook takes one thread, if nothing else is set.

    Raises
        RunError when dask is not installed, nobody answers at the address, or the cluster has no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise RunError("--cluster needs dask: pip install 'rcm_analysis[cluster]'. Nothing was run.") from None
    try:
        client = Client(address, timeout=30, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            f"No cluster answers at {address} ({type(error).__name__}). Start one with: dask scheduler. "
            "Nothing was run."
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise RunError(f"The cluster at {address} has no worker. Start some with: dask worker. Nothing was run.")
        settings = settings if settings.threads else replace(settings, threads=1)
        yield [Hand(client, settings) for _ in range(threads)]
