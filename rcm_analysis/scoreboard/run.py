"""From seeds to rows: simulate, take in, analyse, compare with the truth, in a folder that is then gone.

Seed by seed a company is written as raw files; every client enters through the intake as anybody's
would, and only then is the truth opened. Tallies come back; nothing else is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from .. import simulate
from ..errors import ParameterError
from ..periods import Period
from ..sources.intake import find_files, ingest_client
from ..tables.disk import temporary_folder
from ..tables.workspace import open_workspace
from .case import Case
from .record import Row, Tally, figures_of, rows_of
from .scores import cash as scores_cash
from .scores import claims as scores_claims
from .scores import detection as scores_detection
from .scores import engagement as scores_engagement
from .scores import follow_up as scores_follow_up
from .scores import self_pay as scores_self_pay
from .scores import underpayments as scores_underpayments
from .scores import worklist as scores_worklist

SCORERS = (
    *scores_claims.SCORERS,
    *scores_cash.SCORERS,
    *scores_underpayments.SCORERS,
    *scores_follow_up.SCORERS,
    *scores_worklist.SCORERS,
    *scores_engagement.SCORERS,
    *scores_self_pay.SCORERS,
    *scores_detection.SCORERS,
)
SIZES = (0.3, 1.0, 0.6)
"""How large the clients are, seed by seed: small practices have few claims and noisy rates."""
CLIENTS, MONTHS = 12, 20


def parse_seeds(text: str) -> list[int]:
    """The seeds of "A-B", both included, or of "A".

    >>> parse_seeds("1-3"), parse_seeds("7")
    ([1, 2, 3], [7])
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", str(text))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if last < first:
        raise ParameterError(
            f"Seeds are written A-B with A not above B, such as 1-3, or as one number; found {text!r}."
        )
    return list(range(first, last + 1))


def run(
    seeds: Sequence[int],
    *,
    clients: int = CLIENTS,
    months: int = MONTHS,
    workers: int = 2,
    sizes: Sequence[float] = SIZES,
    progress: Callable[[int, str], None] | None = None,
    world: str = "usual",
) -> list[Row]:
    """The scoreboard over these seeds: every figure over all clients of all seeds together.

    Counts
        `clients` simulated clients of `months` months each, of which about a third are quiet; seed n
        is simulated at the size `sizes[n % len(sizes)]`. `world` names the laws by which they live
        (`simulate.laws`). Clients are scored `workers` at a time;
        `progress` is told the seed and the client of each one that is done.

    Raises
        ParameterError without a seed.
    """
    if not seeds:
        raise ParameterError("The scoreboard needs at least one seed, such as 1-3.")
    tallies: list[Tally] = []
    with _side_by_side(workers) as each:
        for seed in seeds:
            with temporary_folder("scoreboard") as folder:
                size = sizes[seed % len(sizes)]
                simulate.write_clients(
                    folder, seed=seed, months=months, clients=clients, scale=size, workers=workers, world=world
                )
                workspace = open_workspace(folder)
                workspace.pseudonym_key()
                names = workspace.clients()
                for name, found in zip(names, each(partial(tallies_of_client, folder), names), strict=True):
                    tallies += found
                    if progress:
                        progress(seed, name)
    return rows_of(tallies, figures_of(world, months))


@contextmanager
def _side_by_side(workers: int) -> Iterator[Callable[..., Iterable[list[Tally]]]]:
    """`map`, over as many processes as there are workers."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map


def tallies_of_client(folder: Path, client: str) -> list[Tally]:
    """What one client of a simulated workspace adds to every figure, from its raw files on."""
    case = case_of(folder, client)
    return [tally for scorer in SCORERS for tally in scorer(case)]


def case_of(folder: Path, client: str) -> Case:
    """One client of a simulated workspace, taken in and with its truth."""
    workspace = open_workspace(folder)
    intake = ingest_client(workspace, client, find_files(workspace, client=client)[client])
    months = workspace.store.open(client).posted_months()
    period = Period(Period.month(months[0]).first_day, Period.month(months[-1]).end)
    return Case(client, period, workspace.client(client), intake, simulate.read_truth(folder))
