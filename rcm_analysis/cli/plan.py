"""`rcm plan`: a care-coordination programme as live workbook, report and figures."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError
from .terminal import FINDINGS, console, dollars, step, table_of

if TYPE_CHECKING:
    from ..models.plan.assumptions import Assumptions
    from ..press.runs.run import RunResult


def plan(
    assumptions: Annotated[
        Path | None,
        typer.Option(
            "--assumptions",
            "-a",
            metavar="FILE",
            help=(
                "assumptions as TOML; without any, the shipped example. published: a worked example with known answers"
            ),
        ),
    ] = None,
    workbook: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="an edited plan workbook instead")
    ] = None,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            metavar="NAME",
            help="which scenario of the assumptions; by default base, or the one chosen in the workbook",
        ),
    ] = "",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="where to write")] = Path("runs/plan"),
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="PATH", help="write the figures as JSON, too")
    ] = None,
) -> None:
    """Plan a care-coordination programme.

    Writes the live workbook and the report (notebook, HTML, PDF), and prints the figures that matter.

    The JSON holds money in whole cents and months as YYYY-MM; deficits and what flows out are below zero (its "about"
    says which is which).
    """
    from ..exhibits.care_coordination_plan.workbook.reading import read_scenario, read_workbook
    from ..models.plan.assumptions import EXAMPLE, read_assumptions
    from ..models.plan.programme import programme_plan
    from ..models.plan.summary import plan_json

    if assumptions and workbook:
        raise ParameterError("Name the assumptions once: --assumptions FILE or --from WORKBOOK.")
    asked = assumptions or EXAMPLE
    read = read_workbook(workbook) if workbook else read_assumptions(asked)
    scenario = scenario or (read_scenario(workbook) if workbook else "base")
    figures = plan_json(programme_plan(read, scenario))
    written = _write_plan(read, scenario, None if workbook else asked, out)
    if json_path:
        _write(json_path, json.dumps(figures, indent=1) + "\n")
    _print_plan(figures)
    result = _make_report(figures, scenario, out)
    console.print(escape(result.line()), f"Workbook: {written}", f"Assumptions: {out / 'assumptions.toml'}", sep="\n")
    raise typer.Exit(0 if result.good else FINDINGS)


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


def _write_plan(read: Assumptions, scenario: str, asked: Path | None, out: Path) -> Path:
    """The live workbook, and beside it the assumptions: as they were given, or as they stand in the workbook."""
    from ..exhibits.care_coordination_plan.workbook.book import write_plan_workbook
    from ..models.plan.assumptions import EXAMPLE, as_toml, shipped

    ours = None if asked is None else EXAMPLE if asked == EXAMPLE else shipped(asked)
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = write_plan_workbook(read, out / "plan.xlsx", scenario=scenario)
    except OSError as error:
        raise _cannot_write(error, out) from None
    _write(out / "assumptions.toml", ours.read_text(encoding="utf-8") if ours else as_toml(read))
    return written


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _cannot_write(error, path) from None


def _cannot_write(error: OSError, place: Path) -> RcmError:
    return RcmError(
        f"{error.filename or place} cannot be written ({error.strerror}). Name another place with --out or --json."
    )


def _make_report(figures: dict[str, Any], scenario: str, out: Path) -> RunResult:
    from ..blocks.plain import slug
    from ..press.runs.run import RunRequest, run

    with step("Making the report"):
        return run(
            RunRequest(
                "care_coordination_plan",
                client=slug(figures["name"], "plan"),
                period=figures["start"],
                runs=out.resolve(),
                workspace=out.resolve(),
                parameters={"assumptions": "assumptions.toml", "scenario": scenario},
                printed_on=dt.date.today(),
            )
        )
