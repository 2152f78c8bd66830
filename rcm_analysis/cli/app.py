"""The command line: words into requests, errors into one line and an exit code.

The only place where "today" may become a period. Exit codes: 0 done, 1 done with something that
needs a person, 2 nothing could be done (the message says what to do).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .. import __version__
from ..errors import ParameterError, RcmError, StoreError
from ..periods import Period
from . import alerts as cli_alerts
from . import bench as cli_bench
from . import checks as cli_checks
from . import data as cli_data
from . import findings as cli_findings
from . import packets as cli_packets
from .mapping import map_files
from .plan import plan
from .printing import REFERENCE, make_reference, print_notebook, reference
from .scoreboard import scoreboard
from .terminal import (
    FAILED,
    FINDINGS,
    HERE,
    ClientsOption,
    PeriodOption,
    WorkersOption,
    WorkspaceOption,
    console,
    errors,
    step,
    table_of,
)
from .worklist import worklist

if TYPE_CHECKING:
    from ..press.runs.run import RunRequest
    from ..tables.workspace import Workspace

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Raw billing files in; each client's monthly packet out, tied to the cent.",
    epilog="A workspace is a folder with rcm.toml; rcm demo makes one to look at. Exit codes: 0 done, "
    "1 done with something that needs a person, 2 nothing could be done.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what the user can put right ends as one message, never as a traceback.

    Whatever a command writes is its owner's alone.
    """
    before = os.umask(0o077)
    try:
        code = app(args=arguments, prog_name="rcm", standalone_mode=False)
    except RcmError as error:
        errors.print(escape(f"rcm: {error}"))
        code = FAILED
    except typer.Exit as stop:
        code = stop.exit_code
    except OSError as error:
        errors.print(
            escape(
                f"rcm: {error.filename or 'A file'} cannot be read or written ({error.strerror or error}). "
                "Check the path, who may write there, and the space left on the disk."
            )
        )
        code = FAILED
    except (typer.Abort, KeyboardInterrupt):
        errors.print("rcm: stopped. What was finished is kept; nothing is half-written.")
        code = 130
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        errors.print(escape(_usage(error)))
        code = FAILED
    finally:
        os.umask(before)
    sys.exit(code or 0)


def _usage(error: Any) -> str:
    """What the parser of the command line found, and whose help says more; a command without words is its help."""
    said, context = error.format_message().strip(), getattr(error, "ctx", None)
    if said.startswith("Usage:"):
        return said
    return f"rcm: {said.rstrip('.')}. Try: {context.command_path if context else 'rcm'} --help"


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"rcm_analysis {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Raw billing files in; each client's monthly packet out, tied to the cent."""


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="where to build it")] = Path("runs/demo"),
    client: ClientsOption = None,
    months: Annotated[int, typer.Option(min=18, metavar="M", help="months of history")] = 20,
    seed: Annotated[int, typer.Option(metavar="S", help="same seed, same bytes")] = 7,
    workers: WorkersOption = 2,
) -> None:
    """Simulate twelve clients and make their latest packets.

    Writes their raw files, ingests them, checks every sum, and makes the latest month's packets and the portfolio
    overview.
    """
    from .. import simulate
    from ..press.runs.packet import file_name
    from ..tables.workspace import open_workspace

    cli_data.refuse_foreign_folder(folder)
    with step(f"Writing raw files of {cli_data.simulated(len(client) if client else 12)} into {folder}"):
        simulate.write_company(folder, seed=seed, months=months, clients=client or None, workers=workers)
    workspace = open_workspace(folder)
    os.environ.setdefault("RCM_WORK_AHEAD", "no")  # the packets follow at once
    reports = cli_data.take_in(workspace, cli_data.files_to_read(workspace, [], None), workers)
    cli_data.print_intake(reports, brief=True)
    last = max(
        Period.month(month) for name in workspace.clients() for month in workspace.store.open(name).posted_months()
    )
    bad_sums, _ = cli_checks.print_checks(
        workspace, workspace.clients(), Period(last.shift(1 - months).first_day, last.end)
    )
    code = cli_packets.make_packets(
        workspace, last.label, workspace.clients(), force=False, night=cli_packets.Night(workers)
    )
    console.print(f"\nThe packets of {last.title}: {workspace.runs}/<client>/{last.label}/packet/")
    first = workspace.clients()[0]
    page = f"{file_name(first, last.label)}.html"
    console.print(f"Open first: {workspace.runs / first / last.label / 'packet' / page}")
    raise typer.Exit(FINDINGS if code or bad_sums else 0)


app.command()(cli_data.simulate)
app.command("map")(map_files)
app.command()(cli_data.ingest)
app.command()(cli_data.repair)
app.command()(cli_findings.findings)
app.command()(cli_alerts.alerts)
app.command()(cli_checks.check)


# ---------------------------------------------------------------- reports
@app.command("run")
def run_command(
    template: Annotated[
        str,
        typer.Argument(metavar="TEMPLATE", help="e.g. client_review, or a notebook, FILE.ipynb; rcm doctor lists them"),
    ],
    client: Annotated[str | None, typer.Option("--client", "-c", metavar="ID", help="the client to report on")] = None,
    period: PeriodOption = "",
    workspace: WorkspaceOption = HERE,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="a parameter of the template; may be repeated"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="make it again even if nothing changed")] = False,
) -> None:
    """Make one report: notebook, HTML, PDF, XLSX, manifest.

    A notebook of your own is run as a template would be, for the client and month that it names if none are given.
    """
    from ..tables.disk import temporary_folder
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    if not template.endswith(".ipynb"):
        raise typer.Exit(_make(opened, template, client, period, parameter or (), force=force))
    with temporary_folder("run") as folder:
        name, own, changes = cli_bench.as_template(Path(template), opened, folder)
        for change in changes:
            console.print(escape(f"  {change}"))
        given = (client or own.get("client") or None, period or own.get("period", ""))
        raise typer.Exit(_make(opened, name, *given, parameter or (), force=True, folder=folder))


def _make(
    opened: Workspace,
    name: str,
    client: str | None,
    period: str,
    pairs: Sequence[str],
    *,
    force: bool,
    folder: Path | None = None,
) -> int:
    """Make one report of a template, of those of the workspace or of one folder; the exit code."""
    from ..notebook import asked
    from ..press.runs.parameters import from_text
    from ..press.runs.run import run
    from ..press.runs.settings import Settings
    from ..press.runs.shared import Shared
    from ..press.runs.templates import find_template

    found = find_template(name, folder or opened.paths.get("templates"))
    given = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator:
            raise ParameterError("A parameter is written NAME=VALUE, such as -p weeks=4.")
        given[key] = from_text(found.parameter(key), text)
    if client:
        client = asked.client(opened.registry, client)
    period = Period.month(period or cli_packets.last_month()).label
    if found.packet:
        if client:
            opened.registry.client(client, as_of=Period.month(period).last_day).refuse_unbought(found.service)
        cli_packets.refuse_empty(opened, [client] if client else [], period, found.service)
    with step(f"Making {found.title}, {client if client and found.scope == 'client' else 'all clients'}, {period}"):
        request = cli_packets.request_for(
            opened, found.name, client if found.scope == "client" else None, period, force=force, parameters=given
        )
        own = {key: value for key, value in given.items() if value != found.parameter(key).default}
        variant = "-".join(filter(None, ["notebook" if folder else "", _variant(own)]))
        request = replace(request, variant=variant, templates=folder or request.templates)
        with Shared.of(opened.remotes).around(request):
            result = run(request, settings=Settings(**opened.limits, alone=True))
    if result.good and not (opened.runs / REFERENCE).exists():
        make_reference(opened)
    console.print(escape(result.line()))
    return 0 if result.good else FINDINGS


def _variant(given: dict[str, Any]) -> str:
    """A report with parameters of its own does not take the place of the usual one.

    >>> _variant({"manager": "Jane Smith"}), _variant({"week_ending": "2026-10-16"}), _variant({})
    ('manager-jane-smith', 'week-ending-2026-10-16', '')
    """
    from ..blocks.plain import slug

    words = "-".join(f"{name}-{value}" for name, value in sorted(given.items()))
    return slug(words, "")[:40]


app.command()(cli_packets.packets)
app.command("run-one")(cli_packets.run_one)
app.command()(reference)
app.command("print")(print_notebook)
app.command()(plan)
app.add_typer(cli_bench.new, name="new")
app.command()(cli_bench.lab)
app.command()(cli_bench.promote)
app.add_typer(worklist, name="worklist")
app.command()(scoreboard)


# ---------------------------------------------------------------- what is there
@app.command()
def status(
    workspace: WorkspaceOption = HERE,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="YYYY-MM", help="the reports of this month; by default the latest made"),
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="every batch so far, the earliest first")] = False,
) -> None:
    """Say what is stored, and which reports are up to date.

    A report that is not is stale, failed, changed by hand, or was not made.
    """
    from ..press.runs.shared import Shared
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    shared = Shared.of(opened.remotes)
    shared.fetch_all()
    if history:
        _print_history(opened.runs)
        return
    month = Period.month(period).label if period else _latest_made(opened)
    table = table_of("Client", "Months stored", "Latest", "Postings", "Claims", "Set aside", "Findings")
    for client in opened.clients():
        try:
            table.add_row(client, *_stored(opened, client))
        except StoreError as error:
            errors.print(escape(str(error)))
            table.add_row(client, *["damaged"] * 6)
    console.print(table)
    if month is None:
        console.print("No report has been made yet. Make the packets with: rcm packets")
        return
    console.print(f"\nReports of {month}")
    table = table_of("Client", "Report", "State")
    requests = cli_packets.wanted(opened, month, opened.clients(), force=False)
    shared.fetch(requests)
    for request in requests:
        table.add_row(request.client or "portfolio", request.template, escape(_state(request)))
    console.print(table)


def _stored(workspace: Workspace, client: str) -> list[str]:
    """What is stored of a client, in the columns of `rcm status`."""
    view = workspace.client(client)
    months = view.stored.active_months(view.settings().services)
    needed = view.findings()
    return [
        str(len(months)),
        months[-1] if months else "-",
        f"{view.stored.rows('transactions'):,}",
        f"{view.stored.rows('claims'):,}",
        f"{view.quarantine().height:,}",
        f"{needed['needs_person'].sum() if needed.height else 0:,}",
    ]


def _print_history(runs: Path) -> None:
    from ..press.night.journal import history

    nights = history(runs)
    if not nights:
        console.print("No batch has run yet. Make the packets with: rcm packets")
        return
    table = table_of("Month", "Began (UTC)", "Asked for", "Made", "Unchanged", "Failed", "Seconds", "What became of it")
    for night in nights:
        counts = [night.asked, *(night.counts[kind] for kind in ("done", "reused", "failed"))]
        seconds = "" if night.seconds is None else f"{night.seconds:.0f}"
        table.add_row(night.period, night.began[:16].replace("T", " "), *map(str, counts), seconds, night.end)
    console.print(table)


def _latest_made(workspace: Workspace) -> str | None:
    from ..press.runs.folders import signed_folders

    months = [folder.parent.name for folder in signed_folders(workspace.runs)]
    return max((month for month in months if month[:4].isdigit()), default=None)


def _state(request: RunRequest) -> str:
    """One report in words: up to date, stale, failed, changed by hand, or not made."""
    from ..press.runs.packet import why_not
    from ..press.runs.run import prepared, reusable

    reason = why_not(request.folder)
    if reason:
        return reason
    template, parameters = prepared(request)
    return (
        "up to date" if reusable(request, template, parameters) else "stale: data, template or software changed since"
    )


@app.command()
def verify(workspace: WorkspaceOption = HERE) -> None:
    """Check store and outputs against their manifests.

    Exit code 1 when a stored file, a report or a packet is not as it was made.
    """
    from ..press.runs import folders, manifest
    from ..press.runs.shared import Shared
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    Shared.of(opened.remotes).fetch_all(afresh=True)
    signed = folders.signed_folders(opened.runs)
    bad = 0
    for folder in signed:
        for problem in manifest.verify(folder):
            bad += 1
            errors.print(escape(f"{folder.relative_to(opened.runs)}: {problem}"))
    clients = opened.store.clients()
    for client in clients:
        problems = _broken(opened, client)
        bad += len(problems)
        for problem in problems:
            errors.print(escape(problem))
    console.print(f"{len(signed)} report and packet folders, {len(clients)} clients stored, {bad} problem(s).")
    raise typer.Exit(FINDINGS if bad else 0)


def _broken(workspace: Workspace, client: str) -> list[str]:
    """What is wrong with a client's store, each with the repair."""
    try:
        found = workspace.store.open(client).broken()
    except RcmError as error:
        return [str(error)]
    return [f"{client}: the stored file {problem}. Rebuild the store: rcm repair {client}" for problem in found]


@app.command()
def doctor(
    workspace: WorkspaceOption = HERE,
    clean: Annotated[bool, typer.Option("--clean", help="remove what processes that were killed left behind")] = False,
) -> None:
    """Say what is installed, what is missing, what to do."""
    from .doctor import clean as clean_up
    from .doctor import examine

    if clean:
        console.print(f"{clean_up(workspace)} left-over file(s) and folder(s) removed.")

    table = table_of("What", "State", "What to do")
    missing = 0
    for item in examine(workspace):
        missing += not item.good and item.needed
        table.add_row(item.name, item.state, item.advice)
    console.print(table)
    raise typer.Exit(FINDINGS if missing else 0)
