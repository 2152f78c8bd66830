"""`rcm packets` and `rcm run-one`: the month's reports asked for, made here or elsewhere, bound, and told."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import RcmError, RunError, StoreError, listed
from ..periods import Period
from . import checks as cli_checks
from .terminal import (
    FINDINGS,
    HERE,
    ClientsOption,
    PeriodOption,
    WorkersOption,
    WorkspaceOption,
    console,
    errors,
    table_of,
)  # fmt: skip

if TYPE_CHECKING:
    from ..press.night.journal import Journal
    from ..press.night.seam import Entry
    from ..press.runs.batch import BatchResult
    from ..press.runs.packet import PacketRequest
    from ..press.runs.run import RunRequest, RunResult
    from ..press.runs.settings import Settings
    from ..press.runs.worker import Worker
    from ..tables.workspace import Workspace


@dataclass(frozen=True)
class Night:
    """How a batch is made and told: attempts, where the summary goes, which cluster does the work."""

    workers: int = 2
    retry: int = 1
    summary: Path | None = None
    mail: bool = False
    cluster: str = ""
    claims: bool = True


def packets(
    period: PeriodOption = "",
    client: ClientsOption = None,
    workspace: WorkspaceOption = HERE,
    workers: WorkersOption = 2,
    force: Annotated[bool, typer.Option("--force", help="make every report again, even where nothing changed")] = False,
    retry: Annotated[
        int, typer.Option(min=0, metavar="N", help="tries more for a report whose process died or ran out of time")
    ] = 1,
    mail_summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the summary as FILE.html and FILE.txt")
    ] = None,
    mail: Annotated[bool, typer.Option("--mail", help="mail the summary as [mail] in rcm.toml says")] = False,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="only write what is to be made, a line each for rcm run-one")
    ] = None,
    collect: Annotated[
        Path | None, typer.Option(metavar="FILE", help="make nothing; say what became of a plan's lines")
    ] = None,
    cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="let the workers of a dask cluster do it")] = "",
    claims: Annotated[bool, typer.Option(help="let a packet's page open the claims behind its numbers")] = True,
) -> None:
    """Make every client's packet of a month.

    A packet is a PDF, an HTML page and a workbook; the portfolio overview is made with them. A report whose data,
    template and software are unchanged is kept. One failure stops nothing; the summary names it. Run again after a
    stop, it goes on where it was. Exit code 0: all is in place; 1: a report failed or the mail was not sent; 2:
    nothing was run; 130: stopped by hand.
    """
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    if mail and not opened.mail:
        raise RcmError(
            f"--mail needs host, sender and to under [mail] in {opened.folder / 'rcm.toml'}. Nothing was run."
        )
    night = Night(workers, retry, mail_summary, mail, cluster, claims)
    if collect:
        raise typer.Exit(_collect(opened, _entries(opened, _read(collect)), night))
    period, chosen = Period.month(period or last_month()).label, cli_checks.chosen_clients(opened, client)
    refuse_empty(opened, chosen, period)
    if plan:
        _plan(opened, period, chosen, plan, force=force, claims=claims)
        return
    code = make_packets(opened, period, chosen, force=force, night=night)
    place = opened.place("runs")
    console.print(f"\nPackets: {place}/<client>/{period}/packet/; all months: {place}/index.html")
    raise typer.Exit(code)


def run_one(
    request: Annotated[str, typer.Argument(metavar="FILE", help="a line of a plan, or the plan; - reads from stdin")],
    line: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="the line to do, where there are several")
    ] = None,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Make one report or packet that was planned.

    The lines come from `rcm packets --plan FILE`, in any order, on any machine that sees the workspace. A packet makes
    what is missing of its reports first. Exit code 1 when it failed.
    """
    from ..press.night.seam import run_one as do
    from ..press.runs.settings import Settings
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    entries = _entries(opened, sys.stdin.read() if request == "-" else _read(Path(request)))
    if line is None and len(entries) > 1:
        raise RcmError(f"{request} has {len(entries)} lines; name one with --line N. Nothing was run.")
    if line and line > len(entries):
        raise RcmError(f"{request} has {len(entries)} lines, and line {line} was asked for. Nothing was run.")
    result = do(entries[(line or 1) - 1], Settings(**opened.limits, remotes=opened.remotes))
    console.print(escape(result.line()))
    raise typer.Exit(0 if result.good else FINDINGS)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _entries(workspace: Workspace, text: str) -> list[Entry]:
    from ..press.night.seam import Places, entries_of

    return entries_of(text, Places(workspace.folder, workspace.runs, workspace.paths.get("templates")))


def _plan(workspace: Workspace, period: str, clients: Sequence[str], path: Path, *, force: bool, claims: bool) -> None:
    from ..press.night.journal import utc_now
    from ..press.night.seam import plan_text
    from ..tables.disk import write_text

    requests = wanted(workspace, period, clients, force=force)
    text = plan_text(requests, _packets_of(workspace, period, clients, requests, force=force, claims=claims), utc_now())
    write_text(path, text)
    console.print(
        f"{path}: {text.count(chr(10))} lines. Make each with: rcm run-one {path} --line N; "
        f"then: rcm packets --collect {path}"
    )


def _collect(workspace: Workspace, entries: Sequence[Entry], night: Night) -> int:
    from ..press.night.journal import Journal
    from ..press.night.seam import collected
    from ..press.runs.batch import BatchResult, write_summaries
    from ..press.runs.shared import Shared
    from .printing import make_reference

    jobs = [entry.job for entry in entries]
    make_reference(workspace)
    Shared.of(workspace.remotes).fetch(jobs)
    results, period = collected(entries), entries[0].job.period
    journal = Journal(workspace.runs, period)
    journal.started(period, len(jobs), planned_at=entries[0].planned_at)
    _tell_moved(workspace, entries, journal)
    for result in results:
        journal.result(result)
    return _told(workspace, journal, BatchResult(tuple(results), summaries=write_summaries(jobs, results)), night)


def _tell_moved(workspace: Workspace, entries: Sequence[Entry], journal: Journal) -> None:
    """Name the clients whose store has changed since the plan was made: a report of it holds the one or the other."""
    from ..press.night.seam import planned_prints

    planned = planned_prints(entries)
    there = {name.partition("/")[0] for name in planned if "/" in name}
    present = prints_of(workspace, [client for client in workspace.clients() if client in there])
    moved = sorted({name.partition("/")[0] for name, value in planned.items() if present.get(name) != value})
    if moved:
        journal.tell("moved", planned_at=entries[0].planned_at, changed=moved)
        errors.print(
            escape(
                f"Changed since the plan was made ({entries[0].planned_at}): {listed(moved)}. A report made before the "
                "change does not hold it; to have all of it in every packet, plan again."
            )
        )


def last_month() -> str:
    """The month before today's: the only period that comes from the clock."""
    return Period.of(dt.date.today()).shift(-1).label


def refuse_empty(workspace: Workspace, clients: Sequence[str], period: str, service: str = "") -> None:
    """Say before a kernel starts that nothing of the service, else of any service bought, falls into the month."""
    from ..tables.store import is_active

    month, months, bought = Period.month(period), set[str](), set[str]()
    for client in clients:
        services = {service, "claims"} if service else workspace.registry.client(client, as_of=month.last_day).services
        try:
            active = workspace.store.open(client).active_months(services)
            if period in active or (active and is_active(workspace.client(client).tables(), services, month)):
                return
        except StoreError:
            if len(clients) == 1:
                raise
            return
        months, bought = months | set(active), bought | ({service} if service else set(services))
    if not clients:
        return
    what = "postings" if "claims" in bought else "records"
    who = clients[0] if len(clients) == 1 else f"None of {len(clients)} clients"
    there = (
        f"{what} run from {min(months)} to {max(months)}"
        if months
        else "nothing is stored yet; take files in first with: rcm ingest"
    )
    raise RcmError(f"{who} has {'no ' if len(clients) == 1 else ''}{what} in {period}; {there}. Nothing was run.")


def request_for(
    workspace: Workspace,
    template: str,
    client: str | None,
    period: str,
    *,
    force: bool,
    parameters: dict[str, Any] | None = None,
) -> RunRequest:
    from ..press.runs.run import RunRequest

    prints = prints_of(workspace, [client] if client else workspace.clients())
    return RunRequest(
        template=template,
        client=client,
        period=period,
        runs=workspace.runs,
        templates=workspace.paths.get("templates"),
        parameters=parameters or {},
        workspace=workspace.folder,
        fingerprints=prints,
        force=force,
        printed_on=dt.date.today(),
    )


def prints_of(workspace: Workspace, clients: Sequence[str]) -> dict[str, str]:
    """The fingerprints of what reports on these clients read: the registry, and each client's tables."""
    prints = {"registry": workspace.registry_fingerprint()}
    for name in clients:
        with contextlib.suppress(StoreError):  # a damaged store is its own reports' failure
            prints |= {f"{name}/{table}": value for table, value in workspace.client(name).fingerprints().items()}
    return prints


def wanted(workspace: Workspace, period: str, clients: Sequence[str], *, force: bool) -> list[RunRequest]:
    """Every report of the month: the packet templates whose service a client has, and the portfolio's if all are asked
    for."""
    from ..press.runs.packet import packet_reports
    from ..press.runs.templates import offered

    templates, day = offered(workspace.paths.get("templates")), Period.month(period).last_day
    requests = []
    for client in clients:
        services = workspace.registry.client(client, as_of=day).services
        names = packet_reports(templates, services)
        first = [request_for(workspace, name, client, period, force=force) for name in names[:1]]
        requests += [replace(one, template=name) for one in first for name in names]
    if set(clients) == set(workspace.clients()):
        bought = {one for name in clients for one in workspace.registry.client(name, as_of=day).services}
        books = [
            template.name
            for template in templates
            if template.scope == "portfolio" and (not template.service or template.service in bought)
        ]
        requests += [request_for(workspace, name, None, period, force=force) for name in books]
    return requests


def make_packets(
    workspace: Workspace, period: str, clients: Sequence[str], *, force: bool, night: Night | None = None
) -> int:
    """Reports, then packets; logs and prints each as it happens, and tells of all at the end."""
    from ..press.night.journal import Journal
    from ..press.runs.batch import progress_bar as batch_progress
    from ..press.runs.batch import run_batch
    from ..press.runs.settings import Settings
    from .printing import make_reference

    night = night or Night()
    requests = wanted(workspace, period, clients, force=force)
    bound = _packets_of(workspace, period, clients, requests, force=force, claims=night.claims)
    settings = Settings(**workspace.limits, remotes=workspace.remotes)
    _look_well(bound, workspace, here=not night.cluster)
    with _hands(night, settings) as workers, batch_progress(errors) as on_progress:
        make_reference(workspace, force=force)
        journal = Journal(workspace.runs, period)
        journal.started(period, len(requests) + len(bound), workers=night.workers, cluster=bool(night.cluster))

        def told(result: RunResult, done: int, total: int) -> None:
            journal.result(result)
            on_progress(result, done, total)

        batch = run_batch(
            requests, packets=bound, workers=workers, on_progress=told, settings=settings, retry=night.retry
        )
    return _told(workspace, journal, batch, night)


def _packets_of(
    workspace: Workspace,
    period: str,
    clients: Sequence[str],
    requests: Sequence[RunRequest],
    *,
    force: bool,
    claims: bool,
) -> list[PacketRequest]:
    from ..press.runs.packet import PacketRequest

    return [
        PacketRequest(
            client,
            period,
            workspace.runs,
            tuple(item.template for item in requests if item.client == client),
            templates=workspace.paths.get("templates"),
            force=force,
            printed_on=dt.date.today(),
            claims=claims,
            leave_out=look.leave_out or (),
            encrypt=bool(look.encrypt),
        )
        for client, look in ((client, workspace.registry.look(client)) for client in clients)
    ]


def _look_well(bound: Sequence[PacketRequest], workspace: Workspace, *, here: bool) -> None:
    """Before anything runs: a color that has to give is told, and a password that packets made here need is there."""
    from ..press.writers.locked import password_of
    from ..press.writers.style import palettes

    for color in dict.fromkeys(workspace.registry.look(one.client).color or "" for one in bound):
        if said := palettes(color).said:
            console.print(escape(said))
    for one in bound:
        if one.encrypt and here:
            password_of(one.client)


@contextmanager
def _hands(night: Night, settings: Settings) -> Iterator[int | list[Worker]]:
    """So many processes of this machine, or the hands of a cluster."""
    if not night.cluster:
        yield night.workers
        return
    from ..press.night.cluster import hands

    with hands(night.cluster, settings) as workers:
        yield workers


def _told(workspace: Workspace, journal: Journal, batch: BatchResult, night: Night) -> int:
    """Index, table, failures, letter, the end of the log; the exit code."""
    from ..press.night.index import write_index
    from ..press.runs.shared import Shared

    shared = Shared.of(workspace.remotes)
    shared.fetch_all()

    table = table_of("Client", "Report", "Status", "Pages", "Seconds")
    for one in batch.results:
        table.add_row(one.client or "portfolio", one.template, one.status, str(one.pages or ""), f"{one.seconds:.1f}")
    console.print(table)
    for result in batch.failures:
        errors.print(escape(result.line()))
    console.print(escape(batch.line()))
    names = {name: workspace.registry.client(name).name for name in workspace.clients()}
    index = write_index(workspace.runs, names)
    code = max(batch.exit_code, _mailed(workspace, journal, batch, night))
    journal.finished(batch.results, code)
    shared.put_files([index, journal.path, *batch.summaries])
    return code


def _mailed(workspace: Workspace, journal: Journal, batch: BatchResult, night: Night) -> int:
    """Write and send the summary where that is asked for; a letter that does not go out undoes nothing."""
    from ..press.night.mail import letter_of, send, write_letter

    if not (night.summary or night.mail):
        return 0
    base = workspace.mail.get("links", "")
    if night.summary:
        here = base or Path(os.path.relpath(workspace.runs, night.summary.resolve().parent)).as_posix()
        write_letter(letter_of(batch.results, batch.results[0].period, workspace.runs, here), night.summary)
    if not night.mail:
        return 0
    try:
        send(letter_of(batch.results, batch.results[0].period, workspace.runs, base), workspace.mail)
    except RunError as error:
        errors.print(escape(f"rcm: {error}"))
        journal.tell("mail", sent=False, error=str(error))
        return FINDINGS
    journal.tell("mail", sent=True, readers=len(workspace.mail["to"]))
    return 0
