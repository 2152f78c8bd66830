"""The command line: words into requests, errors into one line and an exit code.

The only place where "today" may become a period. Exit codes: 0 done, 1 done with something that
needs a person, 2 nothing could be done (the message says what to do).
"""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from . import __version__, cli_desk
from .errors import ParameterError, RcmError, listed
from .periods import Period
from .terminal import FAILED, FINDINGS, WorkersOption, console, dollars, errors, progress_bar, step, table_of

if TYPE_CHECKING:
    from .press.run import RunRequest
    from .sources.intake import IntakeReport
    from .workspace import Workspace

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Raw billing files in; each client's monthly packet out, tied to the cent.",
    epilog="A workspace is a folder with rcm.toml; rcm demo makes one to look at. Exit codes: 0 done, "
    "1 done with something that needs a person, 2 nothing could be done.",
)
WorkspaceOption = Annotated[Path, typer.Option("--workspace", "-w", metavar="DIR", help="folder with rcm.toml")]
ClientsOption = Annotated[list[str] | None, typer.Option("--client", "-c", metavar="ID", help="only this client; may be repeated")]
PeriodOption = Annotated[str, typer.Option("--period", metavar="YYYY-MM", help="month to report, e.g. 2026-10; by default the month before today's")]
HERE = Path(".")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; what the user can put right ends as one message, never as a traceback."""
    try:
        code = app(args=arguments, prog_name="rcm", standalone_mode=False)
    except RcmError as error:
        errors.print(escape(f"rcm: {error}"))
        code = FAILED
    except typer.Exit as stop:
        code = stop.exit_code
    except OSError as error:
        errors.print(escape(f"rcm: {error.filename or 'A file'} cannot be read or written ({error.strerror or error}). Check the path, who may write there, and the space left on the disk."))
        code = FAILED
    except (typer.Abort, KeyboardInterrupt):
        errors.print("rcm: stopped. What was finished is kept; nothing is half-written.")
        code = 130
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        errors.print(escape(_usage(error)))
        code = FAILED
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
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False,
) -> None:
    """Raw billing files in; each client's monthly packet out, tied to the cent."""


# ---------------------------------------------------------------- making data
@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="where to build it")] = Path("runs/demo"),
    client: ClientsOption = None,
    months: Annotated[int, typer.Option(min=18, metavar="M", help="months of history")] = 20,
    seed: Annotated[int, typer.Option(metavar="S", help="same seed, same bytes")] = 7,
    workers: WorkersOption = 2,
) -> None:
    """Simulate twelve clients and make their latest packets.

    Writes their raw files, ingests them, checks every sum, and makes the latest month's packets and the portfolio overview.
    """
    from . import simulate
    from .workspace import open_workspace

    _refuse_foreign_folder(folder)
    with step(f"Writing raw files of {_simulated(len(client) if client else 12)} into {folder}"):
        simulate.write_company(folder, seed=seed, months=months, clients=client or None, workers=workers)
    workspace = open_workspace(folder)
    reports = _ingest(workspace, _found(workspace, [], None), workers)
    _print_intake(reports, brief=True)
    last = max(Period.month(month) for name in workspace.clients() for month in workspace.store.open(name).posted_months())
    bad_sums = _print_checks(workspace, workspace.clients(), Period(last.shift(1 - months).first_day, last.end))
    code = _make_packets(workspace, last.label, workspace.clients(), workers=workers, force=False)
    console.print(f"\nThe packets of {last.title}: {workspace.runs}/<client>/{last.label}/packet/")
    console.print(f"Open first: {workspace.runs / workspace.clients()[0] / last.label / 'packet' / 'packet.html'}")
    raise typer.Exit(FINDINGS if code or bad_sums else 0)


def _simulated(count: int) -> str:
    return f"{count} simulated client{'' if count == 1 else 's'}"


def _refuse_foreign_folder(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "rcm.toml").is_file():
        raise RcmError(f"{folder} is not empty and is not a workspace of ours; nothing was written. Name another folder.")


@app.command("simulate")
def simulate_command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="where to write")],
    clients: Annotated[int, typer.Option(min=1, metavar="N", help="how many clients; the first twelve are those of the demo")] = 12,
    months: Annotated[int, typer.Option(min=1, metavar="M", help="months of history")] = 20,
    seed: Annotated[int, typer.Option(metavar="S", help="same seed, same bytes")] = 7,
    workers: WorkersOption = 2,
) -> None:
    """Write raw files of simulated clients, and nothing else.

    The truth behind them is written beside them, in the folder truth.
    """
    from . import simulate

    _refuse_foreign_folder(out)
    with step(f"Writing raw files of {_simulated(clients)} into {out}"):
        simulate.write_clients(out, clients=clients, months=months, seed=seed, workers=workers)
    console.print(f"Next: rcm ingest --workspace {out}")


# ---------------------------------------------------------------- taking data in
@app.command()
def ingest(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="files or folders; by default the workspace's raw folder")] = None,
    workspace: WorkspaceOption = HERE,
    client: Annotated[str | None, typer.Option("--client", "-c", metavar="ID", help="the client that the files belong to")] = None,
    workers: WorkersOption = 2,
) -> None:
    """Read raw files into the store.

    Takes 835, 837, and CSV and XLSX exports, under any name. Prints what was read, what was set aside and what does not balance. Exit code 0: clean; 1: something
    needs a person; 2: nothing could be read.
    """
    from .workspace import open_workspace

    opened = open_workspace(workspace)
    reports = _ingest(opened, _found(opened, paths or [], client), workers)
    _print_intake(reports)
    if all(report.unreadable for report in reports):
        raise typer.Exit(FAILED)
    raise typer.Exit(FINDINGS if any(report.needs_person for report in reports) else 0)


def _found(workspace: Workspace, paths: Sequence[Path], client: str | None) -> dict[str, list[Path]]:
    from .sources.intake import find_files

    found = find_files(workspace, paths, client=client)
    if not found:
        raise RcmError(f"There is nothing to read in {workspace.paths['raw']}. Put each client's files under raw/<client>/.")
    return found


def _ingest(workspace: Workspace, found: dict[str, list[Path]], workers: int) -> list[IntakeReport]:
    from .sources.intake import ingest_client

    workspace.pseudonym_key()
    with progress_bar() as progress:
        task = progress.add_task("Reading raw files", total=len(found))
        if workers == 1 or len(found) == 1:
            reports = []
            for client, paths in found.items():
                reports.append(ingest_client(workspace, client, paths))
                progress.advance(task)
            return reports
        os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))    # for the processes
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(ingest_client, workspace, client, paths) for client, paths in found.items()]
            for future in futures:
                future.add_done_callback(lambda _: progress.advance(task))
            return [future.result() for future in futures]


def _print_intake(reports: Sequence[IntakeReport], *, brief: bool = False) -> None:
    table = table_of("Client", "Files", "Unchanged", "Refused", "Rows in", "Stored", "Set aside", "Findings")
    for report in reports:
        files = report.files
        table.add_row(
            report.client, f"{len(files):,}", f"{sum(item.status == 'unchanged' for item in files):,}",
            f"{sum(item.status == 'refused' for item in files):,}", f"{sum(item.rows_in for item in files):,}",
            f"{sum(item.rows_stored for item in files):,}", f"{sum(item.rows_quarantined for item in files):,}",
            f"{report.findings['needs_person'].sum():,}",
        )
    console.print(table)
    shown = 3 if brief else 40
    for report in reports:
        needed = report.findings.filter(report.findings["needs_person"])
        for row in needed.head(shown).iter_rows(named=True):
            amount = f" [{dollars(row['amount_cents'])}]" if row["amount_cents"] is not None else ""
            console.print(escape(f"  {report.client}: {row['message']}{amount}"))
        if needed.height > shown:
            console.print(f"  {report.client}: and {needed.height - shown} more; all are in the store's findings.")


# ---------------------------------------------------------------- the sums that must hold
@app.command()
def check(
    workspace: WorkspaceOption = HERE,
    client: ClientsOption = None,
    period: Annotated[str | None, typer.Option("--period", metavar="YYYY-MM", help="only this month; by default all stored months")] = None,
    everything: Annotated[bool, typer.Option("--all", help="print every check, not only each client's summary")] = False,
) -> None:
    """Check the sums that must hold.

    The roll-forward, the month-end close, deposits against postings, and charges: prints the residual of each. Exit code 1 when one is not zero.
    """
    from .workspace import open_workspace

    opened = open_workspace(workspace)
    names = _chosen(opened, client)
    month = Period.month(period) if period else None
    bad = _print_checks(opened, names, month, everything=everything)
    raise typer.Exit(FINDINGS if bad else 0)


def _print_checks(workspace: Workspace, clients: Sequence[str], period: Period | None, *, everything: bool = False) -> int:
    """Print each client's sums; the number of checks that do not hold."""
    from .reconciliation import check_client

    table = table_of("Client", "Months", "Checks", "Closing receivable", "Residual")
    failed, empty = [], []
    for client in clients:
        months = workspace.store.open(client).posted_months()
        if not months or (period and not {month.label for month in period.months()} & set(months)):
            empty.append(client)
            continue
        span = period or Period(Period.month(months[0]).first_day, Period.month(months[-1]).end)
        tables = _in_memory(workspace.client(client).tables(), "transactions")
        checks = check_client(tables, client=client, period=span)
        failed += [item for item in checks if not item.holds]
        residual = sum(abs(item.residual_cents) for item in checks)
        table.add_row(client, str(len(span.months())), f"{len(checks):,}", _closing(tables, span), dollars(residual))
        if everything:
            for item in checks:
                console.print(escape(f"  {client} {item.where} {item.name}: {dollars(item.residual_cents)} ({item.detail})"))
    console.print(table)
    for item in failed:
        errors.print(escape(f"  {item.client} {item.where} {item.name}: {dollars(item.residual_cents)} left over; {item.detail}."))
    if empty:
        when = f" of {period.label}" if period else ""
        errors.print(f"No postings{when} are stored for {listed(empty)}. Read their files with: rcm ingest")
    if len(empty) == len(clients):
        errors.print("Nothing could be checked.")
        return len(empty)
    console.print(f"{len(failed)} sum(s) do not hold." if failed else "Every sum holds: residual 0.00 everywhere.")
    return len(failed)


def _in_memory(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The tables with one of them read once: a check asks for it month by month."""
    return {**tables, name: tables[name].collect().lazy()}


def _closing(tables: Any, period: Period) -> str:
    from .ledger import balances

    return dollars(int(balances(tables, as_of=period.last_day)["receivable_cents"].sum()))


def _chosen(workspace: Workspace, clients: Sequence[str] | None) -> list[str]:
    for client in clients or ():
        workspace.registry.client(client)
    return list(dict.fromkeys(clients)) if clients else workspace.clients()


# ---------------------------------------------------------------- reports
@app.command("run")
def run_command(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="e.g. client_review; rcm doctor lists them")],
    client: Annotated[str | None, typer.Option("--client", "-c", metavar="ID", help="the client to report on")] = None,
    period: PeriodOption = "",
    workspace: WorkspaceOption = HERE,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="a parameter of the template; may be repeated")] = None,
    force: Annotated[bool, typer.Option("--force", help="make it again even if nothing changed")] = False,
) -> None:
    """Make one report: notebook, HTML, PDF, XLSX, manifest."""
    from .press.parameters import from_text
    from .press.run import run
    from .press.templates import find_template
    from .workspace import open_workspace

    opened = open_workspace(workspace)
    found = find_template(template, opened.paths.get("templates"))
    given = {}
    for pair in parameter or ():
        name, separator, text = pair.partition("=")
        if not separator:
            raise ParameterError("A parameter is written NAME=VALUE, such as -p weeks=4.")
        given[name] = from_text(found.parameter(name), text)
    if client:
        opened.registry.client(client)
    period = Period.month(period or _last_month()).label
    if found.packet:
        _refuse_unposted(opened, [client] if client else [], period)
    with step(f"Making {found.title}, {client if client and found.scope == 'client' else 'all clients'}, {period}"):
        request = _request(opened, found.name, client if found.scope == "client" else None, period, force=force, parameters=given)
        own = {name: value for name, value in given.items() if value != found.parameter(name).default}
        result = run(replace(request, variant=_variant(own)))
    console.print(escape(result.line()))
    raise typer.Exit(0 if result.good else FINDINGS)


def _variant(given: dict[str, Any]) -> str:
    """A report with parameters of its own does not take the place of the usual one.

    >>> _variant({"manager": "Jane Smith"}), _variant({"week_ending": "2026-10-16"}), _variant({})
    ('manager-jane-smith', 'week-ending-2026-10-16', '')
    """
    words = "-".join(f"{name}-{value}" for name, value in sorted(given.items()))
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40]


@app.command()
def packets(
    period: PeriodOption = "",
    client: ClientsOption = None,
    workspace: WorkspaceOption = HERE,
    workers: WorkersOption = 2,
    force: Annotated[bool, typer.Option("--force", help="make every report again, even where nothing changed")] = False,
) -> None:
    """Make every client's packet of a month.

    A packet is a PDF, an HTML page and a workbook; the portfolio overview is made with them. A report whose data, template and software are unchanged is kept. One failure stops nothing; the summary
    names it. Exit code 1 when a report failed.
    """
    from .workspace import open_workspace

    opened = open_workspace(workspace)
    period, chosen = Period.month(period or _last_month()).label, _chosen(opened, client)
    _refuse_unposted(opened, chosen, period)
    code = _make_packets(opened, period, chosen, workers=workers, force=force)
    console.print(f"\nPackets: {opened.runs}/<client>/{period}/packet/")
    raise typer.Exit(code)


def _last_month() -> str:
    """The month before today's: the only period that comes from the clock."""
    return Period.of(dt.date.today()).shift(-1).label


def _refuse_unposted(workspace: Workspace, clients: Sequence[str], period: str) -> None:
    """Say before a kernel starts that none of the clients has postings in the month."""
    months = sorted({month for client in clients for month in workspace.store.open(client).posted_months()})
    if not clients or period in months:
        return
    who = clients[0] if len(clients) == 1 else f"None of {len(clients)} clients"
    there = f"postings run from {months[0]} to {months[-1]}" if months else "nothing is stored yet; take files in first with: rcm ingest"
    raise RcmError(f"{who} has {'no ' if len(clients) == 1 else ''}postings in {period}; {there}. Nothing was run.")


def _request(workspace: Workspace, template: str, client: str | None, period: str, *, force: bool, parameters: dict[str, Any] | None = None) -> RunRequest:
    from .press.run import RunRequest

    clients = [client] if client else workspace.clients()
    prints = {f"{name}/{table}": value for name in clients for table, value in workspace.client(name).fingerprints().items()}
    prints["registry"] = workspace.registry_fingerprint()
    return RunRequest(
        template=template, client=client, period=period, runs=workspace.runs, templates=workspace.paths.get("templates"),
        parameters=parameters or {}, workspace=workspace.folder, fingerprints=prints, force=force, printed_on=dt.date.today(),
    )


def _wanted(workspace: Workspace, period: str, clients: Sequence[str], *, force: bool) -> list[RunRequest]:
    """Every report of the month: the packet templates whose service a client has, and the portfolio's if all are asked for."""
    from .press.packet import packet_reports
    from .press.templates import read_templates

    templates, day = read_templates(workspace.paths.get("templates")), Period.month(period).last_day
    requests = []
    for client in clients:
        services = workspace.registry.client(client, as_of=day).services
        requests += [_request(workspace, name, client, period, force=force) for name in packet_reports(templates, services)]
    if set(clients) == set(workspace.clients()):
        books = [template.name for template in templates if template.scope == "portfolio"]
        requests += [_request(workspace, name, None, period, force=force) for name in books]
    return requests


def _make_packets(workspace: Workspace, period: str, clients: Sequence[str], *, workers: int, force: bool) -> int:
    """Reports, then packets; prints each failure as it happens and the summary at the end."""
    from .press.batch import progress_bar as batch_progress
    from .press.batch import run_batch
    from .press.packet import PacketRequest

    requests = _wanted(workspace, period, clients, force=force)
    bound = [
        PacketRequest(
            client, period, workspace.runs, tuple(item.template for item in requests if item.client == client),
            templates=workspace.paths.get("templates"), force=force, printed_on=dt.date.today(),
        )
        for client in clients
    ]
    with batch_progress(errors) as on_progress:
        batch = run_batch(requests, packets=bound, workers=workers, on_progress=on_progress)
    table = table_of("Client", "Report", "Status", "Pages", "Seconds")
    for result in batch.results:
        table.add_row(result.client or "portfolio", result.template, result.status, str(result.pages or ""), f"{result.seconds:.1f}")
    console.print(table)
    for result in batch.failures:
        errors.print(escape(result.line()))
    console.print(escape(batch.line()))
    return batch.exit_code


app.command("plan")(cli_desk.plan)
app.add_typer(cli_desk.worklist, name="worklist")
app.command("scoreboard")(cli_desk.scoreboard)


# ---------------------------------------------------------------- what is there
@app.command()
def status(
    workspace: WorkspaceOption = HERE,
    period: Annotated[str | None, typer.Option("--period", metavar="YYYY-MM", help="the reports of this month; by default the latest made")] = None,
) -> None:
    """Say what is stored, and which reports are up to date.

    A report that is not is stale, failed, changed by hand, or was not made.
    """
    from .workspace import open_workspace

    opened = open_workspace(workspace)
    month = Period.month(period).label if period else _latest_made(opened)
    table = table_of("Client", "Months stored", "Latest", "Postings", "Claims", "Set aside", "Findings")
    for client in opened.clients():
        stored = opened.store.open(client)
        months = stored.posted_months()
        needed = opened.client(client).findings()
        table.add_row(
            client, str(len(months)), months[-1] if months else "-", f"{stored.rows('transactions'):,}", f"{stored.rows('claims'):,}",
            f"{opened.client(client).quarantine().height:,}", f"{needed['needs_person'].sum() if needed.height else 0:,}",
        )
    console.print(table)
    if month is None:
        console.print("No report has been made yet. Make the packets with: rcm packets")
        return
    console.print(f"\nReports of {month}")
    table = table_of("Client", "Report", "State")
    for request in _wanted(opened, month, opened.clients(), force=False):
        table.add_row(request.client or "portfolio", request.template, escape(_state(request)))
    console.print(table)


def _latest_made(workspace: Workspace) -> str | None:
    months = [path.parts[-3] for path in workspace.runs.glob("*/*/*/manifest.json")]
    return max((month for month in months if month[:4].isdigit()), default=None)


def _state(request: RunRequest) -> str:
    """One report in words: up to date, stale, failed, changed by hand, or not made."""
    from .press.packet import why_not
    from .press.run import prepared, reusable

    reason = why_not(request.folder)
    if reason:
        return reason
    template, parameters = prepared(request)
    return "up to date" if reusable(request, template, parameters) else "stale: data, template or software changed since"


@app.command()
def verify(workspace: WorkspaceOption = HERE) -> None:
    """Check every output against its manifest, byte for byte.

    Exit code 1 when a report or a packet is not as it was made.
    """
    from .press import manifest
    from .workspace import open_workspace

    opened = open_workspace(workspace)
    folders = sorted(path.parent for path in opened.runs.glob("*/*/*/manifest.json"))
    bad = 0
    for folder in folders:
        for problem in manifest.verify(folder):
            bad += 1
            errors.print(escape(f"{folder.relative_to(opened.runs)}: {problem}"))
    console.print(f"{len(folders)} report and packet folders, {bad} problem(s).")
    raise typer.Exit(FINDINGS if bad else 0)


@app.command()
def doctor(workspace: WorkspaceOption = HERE) -> None:
    """Say what is installed, what is missing, what to do."""
    from .doctor import examine

    table = table_of("What", "State", "What to do")
    missing = 0
    for item in examine(workspace):
        missing += not item.good and item.needed
        table.add_row(item.name, item.state, item.advice)
    console.print(table)
    raise typer.Exit(FINDINGS if missing else 0)
