"""The desks beside the reports: `rcm plan`, `rcm worklist` and `rcm scoreboard`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError, listed
from ..periods import Period
from .terminal import (
    FAILED,
    FINDINGS,
    HERE,
    WorkersOption,
    WorkspaceOption,
    console,
    dollars,
    errors,
    progress_bar,
    step,
    table_of,
)

if TYPE_CHECKING:
    import polars as pl

    from ..sources.intake import IntakeReport
    from ..sources.worklist.notes import Sheet
    from ..tables.workspace import Workspace

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
"""Where a checkout keeps the history of the scoreboard; an installed package has no such folder."""


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
    from ..blocks.plain import slug
    from ..exhibits.care_coordination_plan.workbook.book import write_plan_workbook
    from ..exhibits.care_coordination_plan.workbook.reading import read_scenario, read_workbook
    from ..models.plan.assumptions import EXAMPLE, as_toml, read_assumptions, shipped
    from ..models.plan.programme import programme_plan
    from ..models.plan.summary import plan_json
    from ..press.runs.run import RunRequest, run

    if assumptions and workbook:
        raise ParameterError("Name the assumptions once: --assumptions FILE or --from WORKBOOK.")
    asked = assumptions or EXAMPLE
    read = read_workbook(workbook) if workbook else read_assumptions(asked)
    scenario = scenario or (read_scenario(workbook) if workbook else "base")
    figures = plan_json(programme_plan(read, scenario))
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = write_plan_workbook(read, out / "plan.xlsx", scenario=scenario)
        ours = None if workbook else EXAMPLE if asked == EXAMPLE else shipped(asked)
        (out / "assumptions.toml").write_text(
            ours.read_text(encoding="utf-8") if ours else as_toml(read), encoding="utf-8"
        )
        if json_path:
            json_path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise RcmError(
            f"{error.filename or out} cannot be written ({error.strerror}). Name another place with --out or --json."
        ) from None
    _print_plan(figures)
    with step("Making the report"):
        result = run(
            RunRequest(
                "care_coordination_plan",
                client=slug(figures["name"], "plan"),
                period=figures["start"],
                runs=out.resolve(),
                workspace=out.resolve(),
                parameters={"assumptions": str((out / "assumptions.toml").resolve()), "scenario": scenario},
                printed_on=dt.date.today(),
            )
        )
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


def scoreboard(
    seeds: Annotated[str, typer.Option("--seeds", metavar="A-B", help="simulated companies, e.g. 1-3")] = "1-3",
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="PATH", help="write the rows as JSON, too")
    ] = None,
    clients: Annotated[int, typer.Option(min=1, help="clients of each company")] = 12,
    months: Annotated[int, typer.Option(min=6, help="months of each company")] = 20,
    workers: WorkersOption = 2,
) -> None:
    """Score every analysis where the truth is known.

    Everything that finds or projects something is held against simulated companies. An analysis that does not exist yet
    has an empty row. Exit code 1 when an aim is missed.
    """
    from .. import scoreboard as board

    numbers = board.parse_seeds(seeds)
    with progress_bar() as progress:
        task = progress.add_task("Scoring clients", total=len(numbers) * clients)
        rows = board.run(
            numbers, clients=clients, months=months, workers=workers, progress=lambda *_: progress.advance(task)
        )
    console.print(board.table_text(rows), markup=False)
    if RESULTS.is_dir():
        made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        board.keep(
            RESULTS,
            rows,
            f"Scoreboard: seeds {seeds}, {clients} clients, {months} months\n\n{board.table_text(rows)}",
            seeds=numbers,
            made_at=made_at,
        )
    if json_path:
        json_path.write_text(json.dumps(board.as_json(rows), indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(FINDINGS if any(row.holds is False for row in rows) else 0)


# ---------------------------------------------------------------- the worklist
worklist = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Write the worklist as a file; take it back filled in."
)
MOST_TOLD = 40
"""Refused rows named on the screen; all of them are in the file that is written."""


@worklist.command("export")
def worklist_export(
    client: Annotated[
        str, typer.Option("--client", "-c", metavar="ID", help="the client whose open balances are listed")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="the workbook to write")],
    period: Annotated[
        str | None,
        typer.Option(
            "--period", metavar="YYYY-MM", help="as of the end of this month; by default the latest stored one"
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help="as of the end of this day instead, e.g. 2026-10-31")
    ] = None,
    people: Annotated[
        str,
        typer.Option(
            "--people",
            metavar="NAME:MINUTES,...",
            help=(
                'who works and how many minutes a day, e.g. "Ann:240,Bob:360"; by default who worked in the '
                "past four weeks"
            ),
        ),
    ] = "",
    workspace: WorkspaceOption = HERE,
    force: Annotated[bool, typer.Option("--force", help="write over a file that is there")] = False,
) -> None:
    """Write a client's worklist as a workbook.

    It is scored, split into queues, and has cells to fill in. A file that is there is left alone, as somebody may have
    filled it in; --force writes over it.
    """
    from ..exhibits.ar_weekly_review.worklist_file import who_worked
    from ..models.worklist.queues import read_people
    from ..models.worklist.ranking import to_do
    from ..models.worklist.ranking import worklist as items_of
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    opened.registry.client(client)
    day = _list_day(opened, client, period, as_of)
    if to.suffix.lower() != ".xlsx":
        raise ParameterError(
            f"--to names a workbook, such as worklist.xlsx; found the ending {to.suffix or 'none'!r}. Nothing "
            "was written."
        )
    if to.exists() and not force:
        raise RcmError(
            f"{to} is there already and may be filled in; nothing was written. Name another file, or add --force."
        )
    tables = opened.client(client).tables(as_of=day)
    workers = read_people(people) or who_worked(tables["work_log"].collect().to_pandas(), day)
    items = items_of(tables, as_of=day, people=workers)
    try:
        _write_list(opened, client, day, items, to)
    except OSError as error:
        raise RcmError(f"{to} cannot be written ({error.strerror}). Name another place with --to.") from None
    rows = to_do(items)
    given = (
        f"split among {len(workers)}"
        if workers
        else "given to nobody: nobody noted work in the past four weeks (see --people)"
    )
    console.print(
        escape(
            f"{to}: {len(rows):,} balances of {client} as of {day}, "
            f"{dollars(int(rows['recoverable_cents'].sum()))} that work should add; {given}."
        )
    )


def _list_day(workspace: Workspace, client: str, period: str | None, as_of: str | None) -> dt.date:
    """The day that the list is made for: in a month with postings, or in the month after the last one."""
    months = workspace.store.open(client).posted_months()
    if not months:
        raise RcmError(f"No postings are stored for {client}. Read its files with: rcm ingest --client {client}")
    day = _day("--as-of", as_of) if as_of else Period.month(period or months[-1]).last_day
    if not months[0] <= Period.of(day).label <= Period.month(months[-1]).shift(1).label:
        raise ParameterError(
            f"{client} has no postings near {day}; they run from {months[0]} to {months[-1]}. Nothing was written."
        )
    return day


def _write_list(workspace: Workspace, client: str, day: dt.date, items: Any, to: Path) -> None:
    from ..exhibits.ar_weekly_review.worklist_file import worklist_table
    from ..press.writers.workbook import Section, write_workbook

    names = {payer: entry.name for payer, entry in workspace.registry.payers.items()}
    meta = {
        "title": "Worklist",
        "client_name": workspace.registry.client(client, as_of=day).name,
        "period_title": Period.of(day).title,
        "as_of": day.isoformat(),
        "firm": workspace.registry.firm,
    }
    write_workbook([Section("Worklist", (worklist_table(items, as_of=day, payer_names=names),))], to, meta=meta)


@worklist.command("import")
def worklist_import(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="the filled-in workbook: of rcm worklist export, or of a report or packet"),
    ],
    client: Annotated[
        str | None, typer.Option("--client", "-c", metavar="ID", help="the client; by default the one the sheet names")
    ] = None,
    received: Annotated[
        str | None,
        typer.Option(
            "--received",
            metavar="DAY",
            help="the day on which the file came in, by default today; work of later days is refused",
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Take a filled-in worklist into the work log.

    Rows not filled in are left alone. What does not fit is refused with row, column and rule, and written to
    FILE.refused.xlsx to be put right and imported again. The file is kept under raw/CLIENT/worklists/; the same file
    twice adds nothing.
    Exit code 0: clean; 1: something was refused; 2: nothing could be read.
    """
    from ..sources.intake import ingest_client
    from ..sources.worklist.notes import keep_file, read_sheets
    from ..tables.workspace import open_workspace

    opened, day = open_workspace(workspace), _day("--received", received) if received else dt.date.today()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RcmError(f"{file} cannot be read ({error.strerror}).") from None
    sheets = read_sheets(data)
    owner = _owner_of(opened, file, data, sheets, client)
    for sheet in sheets:
        _tell_others(sheet)
    if not any(sheet.filled for sheet in sheets):
        console.print(escape(f"{file.name}: no row is filled in; nothing was taken in."))
        raise typer.Exit(0)
    raw = opened.paths["raw"] / owner
    kept = file if file.resolve().is_relative_to(raw.resolve()) else keep_file(data, raw / "worklists", day)
    opened.pseudonym_key()
    before = opened.store.open(owner).rows("work_log")
    report = ingest_client(opened, owner, [kept])
    added = opened.store.open(owner).rows("work_log") - before
    refused = _refused_rows(opened, owner, sheets, kept) if report.files[-1].rows_quarantined else None
    raise typer.Exit(_tell_import(file, owner, report, added, sheets, refused))


def _day(option: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{option} is a day written YYYY-MM-DD, such as 2026-10-31.") from None


def _owner_of(workspace: Workspace, file: Path, data: bytes, sheets: list[Sheet], client: str | None) -> str:
    from ..sources.worklist.sheets import what_instead

    if not sheets:
        raise RcmError(
            f"{file.name} holds no worklist: expected a workbook with the sheet 'worklist' as rcm worklist "
            "export writes it. "
            f"{what_instead(data)}. Nothing was taken in."
        )
    named = set().union(*(sheet.clients for sheet in sheets)) & set(workspace.clients())
    if client is not None:
        workspace.registry.client(client)
        if client not in named:
            raise RcmError(f"{file.name} is a worklist, but not of {client}. Nothing was taken in.")
        return client
    if len(named) != 1:
        raise RcmError(
            f"{file.name} names {len(named)} clients of the registry where one was expected "
            f"({listed(sorted(named)) or 'none'}). Name it with --client."
        )
    return named.pop()


def _tell_others(sheet: Sheet) -> None:
    """Columns that somebody added: they are not taken in, and that is said."""
    from ..exhibits.ar_weekly_review.worklist_file import COLUMNS

    known = {column.title for column in COLUMNS}
    strange = [
        letter
        for letter, heading in sheet.others.items()
        if heading not in known and heading not in ("Refused for", "What is wrong")
    ]
    if strange:
        console.print(
            escape(
                f"{sheet.name}: the columns {listed(strange, 12)} are none of the list's and were not taken in; "
                "they stay in the file."
            )
        )


def _refused_rows(workspace: Workspace, client: str, sheets: list[Sheet], kept: Path) -> pl.DataFrame:
    from ..sources.worklist.notes import notes_of, received_on

    tables = workspace.client(client).tables()
    return notes_of(
        sheets,
        client=client,
        claims=tables["claims"].collect(),
        known=tables["work_log"].collect(),
        received=received_on(kept.name),
    ).quarantine


def _tell_import(
    file: Path, client: str, report: IntakeReport, added: int, sheets: list[Sheet], refused: pl.DataFrame | None
) -> int:
    """Print what became of the file; the exit code."""
    taken = report.files[-1]
    if taken.status == "unchanged":
        console.print(escape(f"{file.name} was taken in before; nothing was added."))
        return 0
    if report.unreadable:
        for message in report.findings["message"]:
            errors.print(escape(f"rcm: {message}"))
        return FAILED
    console.print(
        escape(
            f"{client}: {taken.rows_in:,} rows filled in, {taken.rows_stored:,} taken into the work log "
            f"({added:,} new, {taken.rows_stored - added:,} there before), {taken.rows_quarantined:,} refused."
        )
    )
    if refused is None or refused.is_empty():
        return 0
    for row in refused.head(MOST_TOLD).iter_rows(named=True):
        console.print(escape(f"  {row['sheet']}, row {row['row']}, {row['message']} ({row['rule']})"))
    if refused.height > MOST_TOLD:
        console.print(escape(f"  and {refused.height - MOST_TOLD:,} more"))
    beside = _write_refused(file, sheets, refused)
    console.print(escape(f"The refused rows are in {beside}; put them right there and import that file."))
    return FINDINGS


def _write_refused(file: Path, sheets: list[Sheet], refused: pl.DataFrame) -> Path:
    from ..exhibits.ar_weekly_review.worklist_file import refused_table
    from ..press.writers.workbook import Section, write_workbook
    from ..sources.worklist.notes import free_name

    beside = free_name(file)
    try:
        write_workbook(
            [Section("Worklist", (refused_table(sheets, refused),))],
            beside,
            meta={"title": "Refused rows of a worklist"},
        )
    except OSError as error:
        raise RcmError(
            f"The rows refused could not be written to {beside} ({error.strerror}); they stand in {file.name} "
            "as they were."
        ) from None
    return beside
