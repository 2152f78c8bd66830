"""The finance desk and the proof: `rcm plan` and `rcm scoreboard`."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from .errors import ParameterError, RcmError
from .terminal import FINDINGS, WorkersOption, console, dollars, progress_bar, step, table_of

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
"""Where a checkout keeps the history of the scoreboard; an installed package has no such folder."""


def plan(
    assumptions: Annotated[Path | None, typer.Option("--assumptions", "-a", metavar="FILE", help="assumptions as TOML; without any, the shipped example")] = None,
    workbook: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="an edited plan workbook instead")] = None,
    scenario: Annotated[str, typer.Option(help="which scenario of the assumptions; by default base, or the one chosen in the workbook")] = "",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="where to write")] = Path("runs/plan"),
    json_path: Annotated[Path | None, typer.Option("--json", metavar="PATH", help="write the figures as JSON, too")] = None,
) -> None:
    """Plan a care-coordination programme: the live workbook, the report (notebook, HTML, PDF), and the figures that matter."""
    from .exhibits.plan_workbook import write_plan_workbook
    from .exhibits.plan_workbook_reading import read_scenario, read_workbook
    from .models.assumptions import as_toml, example_assumptions, read_assumptions
    from .models.programme_plan import plan_json, programme_plan
    from .press.run import RunRequest, run

    if assumptions and workbook:
        raise ParameterError("Name the assumptions once: --assumptions FILE or --from WORKBOOK.")
    read = read_workbook(workbook) if workbook else read_assumptions(assumptions) if assumptions else example_assumptions()
    scenario = scenario or (read_scenario(workbook) if workbook else "base")
    figures = plan_json(programme_plan(read, scenario))
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = write_plan_workbook(read, out / "plan.xlsx", scenario=scenario)
        (out / "assumptions.toml").write_text(as_toml(read), encoding="utf-8")
        if json_path:
            json_path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise RcmError(f"{error.filename or out} cannot be written ({error.strerror}). Name another place with --out or --json.") from None
    _print_plan(figures)
    with step("Making the report"):
        result = run(RunRequest(
            "care_coordination_plan", client=_slug(figures["name"]), period=figures["start"], runs=out.resolve(), workspace=out.resolve(),
            parameters={"assumptions": str((out / "assumptions.toml").resolve()), "scenario": scenario}, printed_on=dt.date.today(),
        ))
    console.print(escape(result.line()), f"Workbook: {written}", f"Assumptions: {out / 'assumptions.toml'}", sep="\n")
    raise typer.Exit(0 if result.good else FINDINGS)


def _slug(name: str) -> str:
    """A plan's name as a folder.

    >>> _slug("Harbor Kids: year one")
    'harbor-kids-year-one'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "plan"


def _print_plan(figures: dict[str, Any]) -> None:
    table = table_of("What", "Figure")
    members = figures["break_even_members_per_coordinator"]
    table.add_row("Break-even members per coordinator", "none" if members is None else f"{members:.1f}")
    month = figures["peak_deficit_month"]
    table.add_row("Peak deficit", f"{dollars(figures['peak_deficit_cents'])} in {month}" if month else "none")
    table.add_row("Payback", figures["payback_month"] or "not within the plan")
    for days, cents in figures["working_capital_need_cents"].items():
        table.add_row(f"Working capital needed at {days} days of lag", dollars(cents))
    console.print(table)


def scoreboard(
    seeds: Annotated[str, typer.Option("--seeds", metavar="A-B", help="simulated companies, e.g. 1-3")] = "1-3",
    json_path: Annotated[Path | None, typer.Option("--json", metavar="PATH", help="write the rows as JSON, too")] = None,
    clients: Annotated[int, typer.Option(min=1, help="clients of each company")] = 12,
    months: Annotated[int, typer.Option(min=6, help="months of each company")] = 20,
    workers: WorkersOption = 2,
) -> None:
    """Score every analysis that finds or projects something against simulated companies whose truth is known.

    An analysis that does not exist yet has an empty row. Exit code 1 when an aim is missed.
    """
    from . import scoreboard as board

    numbers = board.parse_seeds(seeds)
    with progress_bar() as progress:
        task = progress.add_task("Scoring clients", total=len(numbers) * clients)
        rows = board.run(numbers, clients=clients, months=months, workers=workers, progress=lambda *_: progress.advance(task))
    console.print(board.table_text(rows), markup=False)
    if RESULTS.is_dir():
        made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        board.keep(RESULTS, rows, f"Scoreboard: seeds {seeds}, {clients} clients, {months} months\n\n{board.table_text(rows)}", seeds=numbers, made_at=made_at)
    if json_path:
        json_path.write_text(json.dumps(board.as_json(rows), indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(FINDINGS if any(row.holds is False for row in rows) else 0)
