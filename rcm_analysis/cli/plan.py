"""`rcm plan`: a care-coordination programme as live workbook, report and figures."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError
from .terminal import FINDINGS, HERE, WorkspaceOption, console, dollars, step, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..models.plan.assumptions import Assumptions
    from ..press.runs.run import RunResult
    from ..tables.workspace import ClientView


def plan(
    assumptions: Annotated[
        Path | None,
        typer.Option(
            "--assumptions",
            "-a",
            metavar="FILE",
            help=(
                "assumptions as TOML; without any, the shipped example. published: a worked example with known "
                "answers; apcm, ccm, tcm, chi: examples of Medicare's care management"
            ),
        ),
    ] = None,
    workbook: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="an edited plan workbook instead")
    ] = None,
    from_store: Annotated[
        str,
        typer.Option(
            "--from-store",
            metavar="CLIENT",
            help="measure lags, denials, billable share, acuity and conversion on this client's records: its own, or "
            "those of a sister programme; the assumptions are what stood there before (by default plans/CLIENT.toml)",
        ),
    ] = "",
    workspace: WorkspaceOption = HERE,
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
    from ..models.plan.programme import programme_plan
    from ..models.plan.summary import plan_json

    view = _view(workspace, from_store) if from_store else None
    read, scenario, given = _given(assumptions, workbook, view.plan if view else None, scenario)
    notes = ""
    if view:
        read, notes = _measured(view, read, scenario)
        given = None
    figures = plan_json(programme_plan(read, scenario))
    written = _write_plan(read, scenario, given, out, notes)
    if json_path:
        _write(json_path, json.dumps(figures, indent=1) + "\n")
    _print_plan(figures)
    result = _make_report(figures, scenario, out)
    console.print(escape(result.line()), f"Workbook: {written}", f"Assumptions: {out / 'assumptions.toml'}", sep="\n")
    raise typer.Exit(0 if result.good else FINDINGS)


def _given(
    assumptions: Path | None, workbook: Path | None, own: Path | None, scenario: str
) -> tuple[Assumptions, str, Path | None]:
    """The assumptions asked for, else the client's own plan, else the example; the scenario; and the TOML it was."""
    from ..exhibits.care_coordination_plan.workbook.reading import read_scenario, read_workbook
    from ..models.plan.assumptions import EXAMPLE, read_assumptions

    if assumptions and workbook:
        raise ParameterError("Name the assumptions once: --assumptions FILE or --from WORKBOOK.")
    if not assumptions and not workbook and own and own.suffix.lower() == ".xlsx":
        workbook = own
    if workbook:
        return read_workbook(workbook), scenario or read_scenario(workbook), None
    asked = assumptions or own or EXAMPLE
    return read_assumptions(asked), scenario or "base", asked


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


def _view(workspace: Path, client: str) -> ClientView:
    from ..tables.workspace import open_workspace

    return open_workspace(workspace).client(client)


def _measured(view: ClientView, prior: Assumptions, scenario: str) -> tuple[Assumptions, str]:
    """The assumptions on the client's own records, and each with what stood there before as lines of comment; what
    moved in the plan is printed."""
    from dataclasses import replace

    from ..models.coordination.measured import WORTH, measured_assumptions, measured_sources, with_measured
    from ..models.plan.programme import programme_plan
    from ..models.plan.summary import plan_json
    from ..periods import Period

    months = view.stored.active_months({"care_coordination"})
    if not months:
        raise ParameterError(
            f"--from-store: {view.client} has no care-coordination records stored. Take its files in first: rcm ingest"
        )
    as_of = Period.month(months[-1]).last_day
    tables = view.tables(as_of=as_of).in_memory()
    found = measured_assumptions(tables, prior, as_of=as_of)
    made = replace(with_measured(prior, found), sources=measured_sources(tables, prior, as_of=as_of))
    before, after = (plan_json(programme_plan(plan, scenario)) for plan in (prior, made))
    table = table_of("What", "Before", "Measured")
    for words, text in _moved():
        table.add_row(words, text(before), text(after))
    console.print(table)
    head = [
        f"Measured on the records of {view.client} through {as_of}; what stood there before counts as {WORTH} more.",
        "key: before -> used (measured on how many, 90 % interval)",
        *(_measured_line(row) for row in found.to_dict("records")),
        "referrals: the sources as recorded in the last 365 days",
        "staffing.ramp: what they carried; records do not tell want of referrals from want of training, so where",
        "referrals were short the ramp is slower than training alone makes it",
        "",
    ]
    return made, "".join(f"# {line}".rstrip() + "\n" for line in head)


def _measured_line(row: dict[str, Any]) -> str:
    places = 0 if row["key"].endswith("days") else 4
    prior, used, low, high = (f"{row[name]:.{places}f}" for name in ("prior", "used", "low", "high"))
    between = "" if row["low"] != row["low"] else f", {low} to {high}"
    return f"{row['key']}: {prior} -> {used} ({row['measured']:.{places}f} on {row['count']:,.0f}{between})"


def _moved() -> list[tuple[str, Callable[[dict[str, Any]], str]]]:
    def members(figures: dict[str, Any]) -> str:
        found = figures["break_even_members_per_coordinator"]
        return "none" if found is None else f"{found:.1f}"

    return [
        ("Break-even members per coordinator", members),
        ("Peak deficit", lambda figures: dollars(figures["peak_deficit_cents"])),
        ("Month of the peak", lambda figures: figures["peak_deficit_month"] or "none"),
        ("Payback", lambda figures: figures["payback_month"] or "not within the plan"),
    ]


def _write_plan(read: Assumptions, scenario: str, asked: Path | None, out: Path, notes: str = "") -> Path:
    """The live workbook, and beside it the assumptions: as they were given, or as they stand in the workbook or were
    measured, after `notes`."""
    from ..exhibits.care_coordination_plan.words import kind_words
    from ..exhibits.care_coordination_plan.workbook.book import write_plan_workbook
    from ..models.plan.assumptions import EXAMPLE, as_toml, shipped
    from ..models.plan.programme import programme_plan
    from ..models.plan.scenarios import futures

    ours = None if asked is None else EXAMPLE if asked == EXAMPLE else shipped(asked)
    try:
        out.mkdir(parents=True, exist_ok=True)
        peak = programme_plan(read, scenario).summary.peak_deficit_cents
        kind = kind_words(peak, futures(read, scenario)) if read.uncertainty else ""
        remark = f"As this workbook was made, scenario {scenario}: {kind}" if kind else ""
        written = write_plan_workbook(read, out / "plan.xlsx", scenario=scenario, remark=remark)
    except OSError as error:
        raise _cannot_write(error, out) from None
    _write(out / "assumptions.toml", ours.read_text(encoding="utf-8") if ours else notes + as_toml(read))
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
