"""`rcm scoreboard`: every analysis scored where the truth is known."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import FINDINGS, WorkersOption, console, progress_bar

if TYPE_CHECKING:
    pass

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
"""Where a checkout keeps the history of the scoreboard; an installed package has no such folder."""


def scoreboard(
    seeds: Annotated[str, typer.Option("--seeds", metavar="A-B", help="simulated companies, e.g. 1-3")] = "1-3",
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="PATH", help="write the rows as JSON, too")
    ] = None,
    clients: Annotated[int, typer.Option(min=1, help="clients of each company")] = 12,
    months: Annotated[int, typer.Option(min=6, help="months of each company")] = 20,
    workers: WorkersOption = 2,
    world: Annotated[str, typer.Option("--world", help="by which laws the companies live")] = "usual",
) -> None:
    """Score every analysis where the truth is known.

    Everything that finds or projects something is held against simulated companies. An analysis that does not exist yet
    has an empty row. The worlds differ in kind: usual, slow and seasonal, batches and small print, young and unsettled;
    thresholds were chosen on the first two. Exit code 1 when an aim is missed.
    """
    from .. import scoreboard as board

    numbers = board.parse_seeds(seeds)
    with progress_bar() as progress:
        task = progress.add_task("Scoring clients", total=len(numbers) * clients)
        rows = board.run(
            numbers,
            clients=clients,
            months=months,
            workers=workers,
            progress=lambda *_: progress.advance(task),
            world=world,
        )
    console.print(board.table_text(rows), markup=False)
    if RESULTS.is_dir():
        made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        board.keep(
            RESULTS,
            rows,
            f"Scoreboard: world {world}, seeds {seeds}, {clients} clients, {months} months\n\n{board.table_text(rows)}",
            seeds=numbers,
            made_at=made_at,
            world=world,
        )
    if json_path:
        json_path.write_text(json.dumps(board.as_json(rows), indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(FINDINGS if any(row.holds is False for row in rows) else 0)
