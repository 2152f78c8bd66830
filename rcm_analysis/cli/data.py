"""Data in, before any report: `rcm simulate` and `rcm ingest`."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..errors import RcmError, listed
from .ahead import work_out_ahead
from .checks import print_relations
from .findings import print_needed
from .terminal import (
    FAILED,
    FINDINGS,
    HERE,
    WorkersOption,
    WorkspaceOption,
    console,
    errors,
    progress_bar,
    step,
    table_of,
)

if TYPE_CHECKING:
    from ..sources.intake import IntakeReport
    from ..tables.workspace import Workspace


# ---------------------------------------------------------------- making data
def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="where to write")],
    clients: Annotated[
        int, typer.Option(min=1, metavar="N", help="how many clients; the first twelve are those of the demo")
    ] = 12,
    months: Annotated[int, typer.Option(min=1, metavar="M", help="months of history")] = 20,
    seed: Annotated[int, typer.Option(metavar="S", help="same seed, same bytes")] = 7,
    workers: WorkersOption = 2,
) -> None:
    """Write raw files of simulated clients, and nothing else.

    The truth behind them is written beside them, in the folder truth.
    """
    from ..simulate import write_clients

    refuse_foreign_folder(out)
    with step(f"Writing raw files of {simulated(clients)} into {out}"):
        write_clients(out, clients=clients, months=months, seed=seed, workers=workers)
    console.print(f"Next: rcm ingest --workspace {out}")


def simulated(count: int) -> str:
    """So many simulated clients, in words."""
    return f"{count} simulated client{'' if count == 1 else 's'}"


def refuse_foreign_folder(folder: Path) -> None:
    """Nothing is written into a folder that holds something and is no workspace."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "rcm.toml").is_file():
        raise RcmError(
            f"{folder} is not empty and is not a workspace of ours; nothing was written. Name another folder."
        )


# ---------------------------------------------------------------- taking data in
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="files or folders; by default the workspace's raw folder"),
    ] = None,
    workspace: WorkspaceOption = HERE,
    client: Annotated[
        str | None, typer.Option("--client", "-c", metavar="ID", help="the client that the files belong to")
    ] = None,
    workers: WorkersOption = 2,
) -> None:
    """Read raw files into the store.

    Takes 835, 837, FHIR claims, BAI2, and CSV and XLSX exports, under any name. Prints what was read, what was set
    aside, what does not balance, and what has no counterpart. What the latest month's packet will ask is worked out at
    once.
    Exit code 0: clean; 1: something needs a person; 2: nothing could be read.
    """
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    reports = take_in(opened, files_to_read(opened, paths or [], client), workers)
    print_intake(reports)
    broken = print_relations(opened, [report.client for report in reports if not report.stopped])
    if all(report.unreadable for report in reports):
        raise typer.Exit(FAILED)
    raise typer.Exit(FINDINGS if broken or any(report.needs_person for report in reports) else 0)


def repair(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="the client to rebuild")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="files taken in from elsewhere than the client's raw folder"),
    ] = None,
    workspace: WorkspaceOption = HERE,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="also without files that were taken in and are not found")
    ] = False,
) -> None:
    """Rebuild a client's store from its raw files.

    For a store that is damaged, was made by another version, or under a pseudonym.key that is lost. What is stored
    gives way in one step at the end, or stays as it is. Refused while a file that was taken in is not among the raw
    files.
    """
    from ..sources.intake import ingest_client, missing_files
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    opened.registry.client(client)
    own = opened.paths["raw"] / client
    found = files_to_read(opened, [*([own] if own.is_dir() else []), *(paths or [])], client)[client]
    missing = missing_files(opened, client, found)
    if missing and not anyway:
        raise RcmError(
            f"{client}: {len(missing)} file(s) that were taken in are not among those to read: {listed(missing)}. "
            "Nothing was changed. Name them behind the client, or go on without them with --anyway."
        )
    report = ingest_client(opened, client, found, afresh=True)
    print_intake([report])
    console.print(f"The store of {client} was rebuilt from {len(found):,} file(s).")
    raise typer.Exit(FAILED if report.unreadable else FINDINGS if report.needs_person else 0)


def files_to_read(workspace: Workspace, paths: Sequence[Path], client: str | None) -> dict[str, list[Path]]:
    """The files of each client: those named, or all below the workspace's raw folder."""
    from ..sources.intake import find_files

    found = find_files(workspace, paths, client=client)
    if not found:
        raise RcmError(
            f"There is nothing to read in {workspace.paths['raw']}. Put each client's files under raw/<client>/."
        )
    return found


def take_in(workspace: Workspace, found: dict[str, list[Path]], workers: int) -> list[IntakeReport]:
    """Read each client's files into the store, clients side by side."""
    from ..sources.intake import ingest_client

    workspace.pseudonym_key()
    with progress_bar() as progress:
        task = progress.add_task("Reading raw files", total=len(found))

        def ended(report: IntakeReport) -> IntakeReport:
            progress.advance(task)
            return report

        if len(found) == 1:
            return [ended(_with_ahead(workspace, ingest_client(workspace, *one))) for one in found.items()]
        if workers == 1:
            return [ended(_with_ahead(workspace, _take_one(workspace, *one))) for one in found.items()]
        return _side_by_side(workspace, found, min(workers, len(found)), ended)


def _with_ahead(workspace: Workspace, report: IntakeReport) -> IntakeReport:
    """The report of an intake, after what its client's reports will ask is worked out, unless the environment says
    RCM_WORK_AHEAD=no: no failure there is one here."""
    if not report.stopped and os.environ.get("RCM_WORK_AHEAD") != "no":
        with contextlib.suppress(Exception):
            work_out_ahead(workspace, report.client)
    return report


def _take_one(workspace: Workspace, client: str, paths: Sequence[Path]) -> IntakeReport:
    """One client of several: whatever stops its intake is its own line, and stops no other client."""
    from ..sources.intake import ingest_client
    from ..sources.notes import IntakeReport

    try:
        return ingest_client(workspace, client, paths)
    except RcmError as error:
        return IntakeReport(client, stopped=str(error))
    except Exception as error:
        why = f"{type(error).__name__}, a fault of ours; take it in alone to see where: rcm ingest --client {client}"
        return IntakeReport(client, stopped=f"Nothing of it was stored ({why}).")


def _side_by_side(
    workspace: Workspace, found: dict[str, list[Path]], workers: int, ended: Callable[[IntakeReport], IntakeReport]
) -> list[IntakeReport]:
    """Each client in one of several processes; one that dies takes only its present client with it."""
    from ..sources.notes import IntakeReport
    from ..sources.processes import Process, ProcessDied

    threads = {"POLARS_MAX_THREADS": str(max(1, (os.cpu_count() or 1) // workers)), **os.environ}
    processes = [Process(environment=threads) for _ in range(workers)]
    free: SimpleQueue[Process] = SimpleQueue()
    for process in processes:
        free.put(process)

    def take(client: str) -> IntakeReport:
        process = free.get()
        try:
            report = process.call(_take_one, workspace, client, found[client])
            with contextlib.suppress(ProcessDied):  # what is stored is stored
                process.call(_with_ahead, workspace, report)
            return ended(report)
        except ProcessDied as died:
            why = f"its process was ended, exit code {died.code}; out of memory?"
            return ended(
                IntakeReport(
                    client, stopped=f"Nothing of it was stored ({why}). Take it in alone: rcm ingest --client {client}"
                )
            )
        finally:
            free.put(process)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(take, client) for client in found]
        try:
            while wait(futures, timeout=0.5).not_done:  # a time limit lets Ctrl-C through on every system
                pass
            return [future.result() for future in futures]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.kill()


def print_intake(reports: Sequence[IntakeReport], *, brief: bool = False) -> None:
    """What became of the files, and the findings that need a person by rule; fewer of them where `brief`."""
    table = table_of("Client", "Files", "Unchanged", "Refused", "Rows in", "Stored", "Set aside", "Findings")
    for report in reports:
        files = report.files
        table.add_row(
            report.client,
            f"{len(files):,}",
            f"{sum(item.status == 'unchanged' for item in files):,}",
            f"{sum(item.status == 'refused' for item in files):,}",
            f"{sum(item.rows_in for item in files):,}",
            f"{sum(item.rows_stored for item in files):,}",
            f"{sum(item.rows_quarantined for item in files):,}",
            f"{report.findings['needs_person'].sum():,}",
        )
    console.print(table)
    shown = 3 if brief else 40
    for report in reports:
        if report.stopped:
            errors.print(escape(f"{report.client}: {report.stopped}"))
        print_needed(report.client, report.findings, shown)
        skipped = Counter(item.kind for item in report.files if item.status == "skipped")
        if skipped:
            told = listed(f"{count:,} with {kind}" for kind, count in sorted(skipped.items()))
            console.print(escape(f"  {report.client}: files not read, by what they hold: {told}."))
