"""From seeds to rows: simulate, take in, analyse, compare with the truth, in a folder that is then gone.

One seed is one task: a company is written as raw files, every client enters through the intake as
anybody's would, and only then is the truth opened. Tallies come back; nothing else is kept.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from .. import simulate
from ..errors import ParameterError
from ..periods import Period
from ..sources.intake import find_files, ingest_client, stored_months
from ..workspace import open_workspace
from . import scores_cash, scores_claims
from .case import Case
from .record import Row, Tally, rows_of

SCORERS = (*scores_claims.SCORERS, *scores_cash.SCORERS)
SIZES = (0.3, 1.0, 0.6)
"""How large the clients are, seed by seed: small practices have few claims and noisy rates."""
CLIENTS, MONTHS = 12, 20


def main_rows(seeds: str, *, workers: int = 2) -> list[Row]:
    """The scoreboard for the seeds written as "A-B" (both included) or "A".

    Raises
        ParameterError for anything else.
    """
    return run(parse_seeds(seeds), workers=workers)


def parse_seeds(text: str) -> list[int]:
    """The seeds of "A-B", both included, or of "A".

    >>> parse_seeds("1-3"), parse_seeds("7")
    ([1, 2, 3], [7])
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", str(text))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if last < first:
        raise ParameterError(f"Seeds are written A-B with A not above B, such as 1-3, or as one number; found {text!r}.")
    return list(range(first, last + 1))


def run(
    seeds: Sequence[int], *, clients: int = CLIENTS, months: int = MONTHS, workers: int = 2,
    sizes: Sequence[float] = SIZES,
) -> list[Row]:
    """The scoreboard over these seeds: every figure over all clients of all seeds together.

    Counts
        `clients` simulated clients of `months` months each, of which about a third are quiet; seed n
        is simulated at the size `sizes[n % len(sizes)]`.

    Raises
        ParameterError without a seed.
    """
    if not seeds:
        raise ParameterError("The scoreboard needs at least one seed, such as 1-3.")
    task = partial(tallies_of_seed, clients=clients, months=months, sizes=tuple(sizes))
    if workers == 1 or len(seeds) == 1:
        found = [task(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(min(workers, len(seeds)), mp_context=get_context("spawn")) as pool:
            found = list(pool.map(task, seeds))
    return rows_of(tally for tallies in found for tally in tallies)


def tallies_of_seed(seed: int, *, clients: int, months: int, sizes: Sequence[float]) -> list[Tally]:
    """The tallies of one simulated company, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="rcm-scoreboard-") as folder:
        simulate.write_clients(Path(folder), seed=seed, months=months, clients=clients, scale=sizes[seed % len(sizes)])
        return [tally for case in cases(Path(folder)) for tally in tallies_of(case)]


def tallies_of(case: Case) -> list[Tally]:
    """What one client adds to every figure."""
    return [tally for scorer in SCORERS for tally in scorer(case)]


def cases(folder: Path) -> Iterator[Case]:
    """Every client of a simulated workspace, taken in and with its truth."""
    workspace = open_workspace(folder)
    workspace.pseudonym_key()
    truth = simulate.read_truth(folder)
    for client, paths in find_files(workspace).items():
        intake = ingest_client(workspace, client, paths)
        months = stored_months(workspace.store.open(client))
        period = Period(Period.month(months[0]).first_day, Period.month(months[-1]).end)
        yield Case(client, period, workspace.client(client), intake, truth)
