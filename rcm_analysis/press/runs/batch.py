"""Many reports: one failure stops nothing, every result is in the summary, and Ctrl-C stops in order."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ...errors import RcmError, RunError
from ...tables.disk import make_folder, temporary_folder, write_text
from . import kernels
from .packet import PacketRequest
from .run import RunRequest, RunResult
from .worker import DEAD, Job, Worker, failed, settled

SUMMARIES = "_batches"
COLUMNS = ("client", "template", "period", "status", "seconds", "cell", "pages", "error", "folder")
INTERRUPTED = 130
MAY_PASS = (DEAD, "DeadKernelError", "StartError", "CellTimeoutError", "NotebookTimeoutError")
"""Failures that another attempt may not meet: a process that died, and time that ran out."""
OnProgress = Callable[[RunResult, int, int], None]


@dataclass(frozen=True)
class BatchResult:
    """The results in the order of the requests, and whether somebody stopped the batch."""

    results: tuple[RunResult, ...]
    interrupted: bool = False
    summaries: tuple[Path, ...] = ()

    @property
    def failures(self) -> tuple[RunResult, ...]:
        return tuple(result for result in self.results if not result.good)

    @property
    def exit_code(self) -> int:
        """0: every report is there; 1: some are not; 130: stopped by hand."""
        return INTERRUPTED if self.interrupted else int(bool(self.failures))

    def line(self) -> str:
        """The batch in one line, for a terminal."""
        counts = Counter(result.status for result in self.results)
        said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        where = f" Summary: {self.summaries[0]}" if self.summaries else ""
        return f"{len(self.results)} asked for: {said or 'nothing to do'}.{where}"


def run_batch(
    requests: Sequence[RunRequest],
    *,
    packets: Sequence[PacketRequest] = (),
    workers: int | Sequence[Worker] = 1,
    on_progress: OnProgress | None = None,
    settings: kernels.Settings | None = None,
    retry: int = 0,
) -> BatchResult:
    """Make every report, each client's packet once its reports are through, and write the summary.

    `on_progress(result, done, total)` is called in this thread after each. Results never raise: a report
    that cannot be made is a failed result. What failed in a way that may pass is tried again, up to `retry` times.
    `workers` are so many processes of this machine, or hands on others.
    """
    if isinstance(workers, int) and workers < 1:
        raise RunError(f"A batch needs at least one worker; {workers} were asked for.")
    jobs: list[Job] = [*requests, *packets]
    _check_distinct(jobs)
    with _shared_font_cache(settings or kernels.Settings()) as prepared:
        if isinstance(workers, int):
            if workers > 1 and prepared.threads is None:
                prepared = replace(prepared, threads=max(1, (os.cpu_count() or 1) // workers))
            workers = [Worker(prepared) for _ in range(min(workers, max(1, len(jobs))))]
        shared = bool(prepared.remotes)  # what is in place there, a worker sees; it is not copied here for that
        done, interrupted = _Batch(jobs, workers, retry, settle=not shared).run(on_progress)
    results = tuple(
        done.get(number) or failed(job, "Not started: the batch was stopped.") for number, job in enumerate(jobs)
    )
    return BatchResult(results, interrupted, write_summaries(jobs, results))


def _check_distinct(jobs: Sequence[Job]) -> None:
    places = Counter(_place(job) for job in jobs)
    twice = [place for place, number in places.items() if place and number > 1]
    if twice:
        raise RunError(
            f"{len(twice)} of the reports asked for would land in the same folder (first: {twice[0]}). Ask for "
            "each once."
        )


def _place(job: Job) -> Path | None:
    """Where a job lands; nothing for one that will be refused, which is its own failure and nobody else's."""
    try:
        return job.folder
    except RcmError:
        return None


class _Batch:
    """Jobs under way: a thread per worker process, packets waiting for their client's reports, then next in turn."""

    def __init__(self, jobs: Sequence[Job], workers: Sequence[Worker], retry: int, *, settle: bool = True) -> None:
        self._jobs, self._all, self._retry, self._settle = jobs, workers, retry, settle
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._all:
            self._free.put(worker)
        self._pool = ThreadPoolExecutor(len(workers), thread_name_prefix="press")
        self._futures: dict[Future[RunResult], int] = {}
        self._done: dict[int, RunResult] = {}
        self._turn: deque[int] = deque()
        self._reports = Counter(map(_month_of, (job for job in jobs if isinstance(job, RunRequest))))
        self._packets: defaultdict[tuple[str | None, str, Path], list[int]] = defaultdict(list)
        self._on_progress: OnProgress | None = None

    def run(self, on_progress: OnProgress | None) -> tuple[dict[int, RunResult], bool]:
        self._on_progress = on_progress
        interrupted = False
        try:
            for number in self._ready():
                self._start(number)
            while self._hand_out():
                # A time limit lets Ctrl-C through on every system.
                finished, _ = wait(self._futures, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in finished:
                    self._take(self._futures.pop(future), future.result())
        except KeyboardInterrupt:
            interrupted = True
            self._stop()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            for worker in self._all:
                worker.close()
        return self._done, interrupted

    def _ready(self) -> Iterator[int]:
        """The jobs that wait for nothing: all reports, and packets whose client has none."""
        numbered = list(enumerate(self._jobs))
        for number, job in numbered:
            if isinstance(job, PacketRequest) and self._reports[_month_of(job)]:
                self._packets[_month_of(job)].append(number)
        waiting = {number for numbers in self._packets.values() for number in numbers}
        yield from (number for number, _ in numbered if number not in waiting)

    def _start(self, number: int) -> None:
        """Settle a job here if it needs no worker; else its turn comes, a packet's first."""
        result = settled(self._jobs[number]) if self._settle else None
        if result:
            self._take(number, result)
        elif isinstance(self._jobs[number], PacketRequest):
            self._turn.appendleft(number)
        else:
            self._turn.append(number)

    def _hand_out(self) -> bool:
        """A job for every worker that is free; whether any are under way."""
        while self._turn and len(self._futures) < len(self._all):
            number = self._turn.popleft()
            self._futures[self._pool.submit(self._perform, self._jobs[number])] = number
        return bool(self._futures)

    def _perform(self, job: Job) -> RunResult:
        worker = self._free.get()
        try:
            result = worker.perform(job)
            for attempt in range(2, 2 + self._retry):
                if result.kind not in MAY_PASS:
                    break
                result = replace(worker.perform(job), attempts=attempt)
            return result
        finally:
            self._free.put(worker)

    def _take(self, number: int, result: RunResult) -> None:
        self._done[number] = result
        if self._on_progress:
            self._on_progress(result, len(self._done), len(self._jobs))
        job = self._jobs[number]
        if isinstance(job, RunRequest):
            month = _month_of(job)
            self._reports[month] -= 1
            for packet in self._packets.pop(month, []) if not self._reports[month] else []:
                self._start(packet)

    def _stop(self) -> None:
        for future in self._futures:
            future.cancel()
        for worker in self._all:
            worker.stop()
        for worker in self._all:
            worker.end()
        wait(self._futures)
        for future, number in self._futures.items():
            if not future.cancelled():
                self._done[number] = future.result()


def _month_of(job: Job) -> tuple[str | None, str, Path]:
    return job.client, job.period, Path(job.runs)


@contextmanager
def _shared_font_cache(settings: kernels.Settings) -> Iterator[kernels.Settings]:
    """One matplotlib folder for all kernels: without a home to write to, each would build its own."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if "MPLCONFIGDIR" in os.environ or "MPLCONFIGDIR" in settings.environment or os.access(home, os.W_OK):
        yield settings
        return
    with temporary_folder("fonts") as folder:
        yield replace(settings, environment={**settings.environment, "MPLCONFIGDIR": str(folder)})


def write_summaries(jobs: Sequence[Job], results: Sequence[RunResult]) -> tuple[Path, ...]:
    """`_batches/<month>/summary.csv` in the runs folder: one row per report asked for, and its place there."""
    rows: dict[Path, list[list[object]]] = {}
    for job, result in zip(jobs, results, strict=True):
        place, runs = _place(job), Path(job.runs)
        row = [getattr(result, name) for name in COLUMNS[:-1]]
        row.append(result.folder.relative_to(runs).as_posix() if result.folder.is_relative_to(runs) else "")
        month = place.parent.name if place else "refused"
        rows.setdefault(Path(job.runs) / SUMMARIES / month / "summary.csv", []).append(row)
    for path, lines in rows.items():
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *lines])
        try:
            make_folder(path.parent)
            write_text(path, text.getvalue())
        except OSError as error:
            raise RunError(
                f"{path.parent} cannot be written ({type(error).__name__}). Choose another runs folder."
            ) from error
    return tuple(rows)


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[OnProgress]:
    """A bar for `run_batch(on_progress=…)` that also prints each failure as it happens."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console or Console(stderr=True)) as progress:
        task = progress.add_task("Reports", total=None)

        def report(result: RunResult, done: int, total: int) -> None:
            progress.update(
                task, completed=done, total=total, description=f"{result.client or 'portfolio'} · {result.template}"
            )
            if not result.good:
                progress.console.print(result.line(), style="red", markup=False, highlight=False)

        yield report
