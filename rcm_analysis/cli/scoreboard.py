"""`rcm scoreboard`: every analysis scored where the truth is known."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from .terminal import FINDINGS, WorkersOption, console, progress_bar

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
    world: Annotated[str, typer.Option("--world", help="by which laws the companies live, or: all")] = "usual",
) -> None:
    """Score every analysis where the truth is known.

    Everything that finds or projects something is held against simulated companies. An analysis that does not exist yet
    has an empty row. The worlds differ in kind: usual, batches and small print (thresholds may be chosen on these two),
    slow and seasonal, young and unsettled, mergers and late books (these are only reported). Exit code 1 when an aim is
    missed.
    """
    from .. import scoreboard as board
    from ..simulate.laws import CHOOSING, WORLDS, laws_of

    numbers, boards = board.parse_seeds(seeds), {}
    worlds = [laws.name for laws in WORLDS] if world == "all" else [laws_of(world).name]
    with progress_bar() as progress:
        task = progress.add_task("Scoring clients", total=len(worlds) * len(numbers) * clients)
        for name in worlds:
            boards[name] = board.run(
                numbers,
                clients=clients,
                months=months,
                workers=workers,
                progress=lambda *_: progress.advance(task),
                world=name,
            )
    text = board.worlds_text(boards) if len(worlds) > 1 else board.table_text(boards[worlds[0]])
    console.print(text, markup=False)
    if RESULTS.is_dir():
        about = (
            f"Scoreboard: world {world}, seeds {seeds}, {clients} clients, {months} months; * misses its aim; "
            f"thresholds may be chosen on: {', '.join(CHOOSING)}\n{board.machine()}"
        )
        made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        board.keep(RESULTS, boards, f"{about}\n\n{text}", seeds=numbers, made_at=made_at)
    rows = [row for found in boards.values() for row in found]
    if json_path:
        content = {name: board.as_json(found) for name, found in boards.items()}
        told = content if len(worlds) > 1 else content[worlds[0]]
        json_path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(FINDINGS if any(row.holds is False for row in rows) else 0)
