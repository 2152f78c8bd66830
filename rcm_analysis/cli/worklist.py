"""`rcm worklist`: the open balances as a working file, and the filled-in file back into the work log."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError, listed
from ..periods import Period
from .terminal import FAILED, FINDINGS, HERE, WorkspaceOption, console, dollars, errors

if TYPE_CHECKING:
    import polars as pl

    from ..sources.intake import IntakeReport
    from ..sources.worklist.notes import Sheet
    from ..tables.workspace import Workspace

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
    from ..exhibits.register.facts import who_worked
    from ..models.worklist.queues import read_people
    from ..models.worklist.ranking import to_do
    from ..models.worklist.ranking import worklist as items_of
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    opened.registry.client(client)
    day = _list_day(opened, client, period, as_of)
    _expect_free(to, force)
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
    _tell_left_out(tables, client, day)


def _tell_left_out(tables: Any, client: str, day: dt.date) -> None:
    """Balances that are no work, because the records themselves make them."""
    from ..models.worklist.items import LEFT_OUT, phantom_balances

    for name, rows in phantom_balances(tables, as_of=day).groupby("why"):
        which, _, lists = LEFT_OUT[str(name)]
        cents = dollars(int(rows["balance_cents"].sum()))
        console.print(
            escape(
                f"{len(rows):,} balance(s) [{cents}] {which}, are not on it: see rcm check --list {lists}, "
                f"--client {client}."
            )
        )


def _expect_free(to: Path, force: bool) -> None:
    """The file to write is a workbook, and not one that somebody may have filled in."""
    if to.suffix.lower() != ".xlsx":
        raise ParameterError(
            f"--to names a workbook, such as worklist.xlsx; found the ending {to.suffix or 'none'!r}. Nothing "
            "was written."
        )
    if to.exists() and not force:
        raise RcmError(
            f"{to} is there already and may be filled in; nothing was written. Name another file, or add --force."
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
    from ..blocks.vocabulary import Meta
    from ..exhibits.ar_weekly_review.worklist_file import worklist_table
    from ..exhibits.register.sheet import actions_to_change
    from ..notebook.opening import subject_of
    from ..press.writers.workbook import Section, write_workbook

    names = {payer: entry.name for payer, entry in workspace.registry.payers.items()}
    subject = subject_of(workspace, workspace.client(client), Period.of(day), day)
    meta = Meta(
        title="Worklist",
        client_name=workspace.registry.client(client, as_of=day).name,
        period_title=Period.of(day).title,
        as_of=day.isoformat(),
        firm=workspace.registry.firm,
        brand=workspace.registry.brand(),
    )
    lists = worklist_table(items, as_of=day, payer_names=names), actions_to_change(subject)
    write_workbook([Section("Worklist", lists)], to, meta=meta)


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
    from ..sources.worklist.changes import REGISTER
    from ..sources.worklist.notes import keep_file, read_sheets
    from ..tables.workspace import open_workspace

    opened, day = open_workspace(workspace), _day("--received", received) if received else dt.date.today()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RcmError(f"{file} cannot be read ({error.strerror}).") from None
    sheets = [*read_sheets(data), *read_sheets(data, REGISTER)]
    owner = _owner_of(opened, file, data, sheets, client)
    for sheet in sheets:
        _tell_others(sheet)
    if not any(sheet.filled for sheet in sheets):
        console.print(escape(f"{file.name}: no row is filled in; nothing was taken in."))
        raise typer.Exit(0)
    raw = opened.paths["raw"] / owner
    kept = file if file.resolve().is_relative_to(raw.resolve()) else keep_file(data, raw / "worklists", day)
    opened.pseudonym_key()
    before = _rows_there(opened, owner)
    report = ingest_client(opened, owner, [kept])
    added = _rows_there(opened, owner) - before
    refused = _refused_rows(opened, owner, sheets, kept) if report.files[-1].rows_quarantined else None
    raise typer.Exit(_tell_import(file, owner, report, added, sheets, refused))


def _rows_there(workspace: Workspace, client: str) -> int:
    stored = workspace.store.open(client)
    return stored.rows("work_log") + stored.rows("action_changes")


def _day(option: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"{option} is a day written YYYY-MM-DD, such as 2026-10-31.") from None


def _owner_of(workspace: Workspace, file: Path, data: bytes, sheets: list[Sheet], client: str | None) -> str:
    from ..sources.worklist.sheets import WORKLIST, what_instead

    lists = [sheet for sheet in sheets if sheet.form == WORKLIST]
    if not lists and not any(sheet.filled for sheet in sheets):
        raise RcmError(
            f"{file.name} holds no worklist: expected a workbook with the sheet 'Worklist' or 'Actions' as rcm "
            "worklist export writes it. "
            f"{what_instead(data)}. Nothing was taken in."
        )
    named = set().union(*(sheet.clients for sheet in lists or sheets)) & set(workspace.clients())
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
    from ..exhibits.register.sheet import COLUMNS_TO_CHANGE

    known = {column.title for column in (*COLUMNS, *COLUMNS_TO_CHANGE)}
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
    import polars as pl

    from ..sources.worklist.changes import REGISTER, changes_of
    from ..sources.worklist.notes import notes_of, received_on

    tables, day = workspace.client(client).tables(), received_on(kept.name)
    lists = [sheet for sheet in sheets if sheet.form != REGISTER]
    claims, known = tables["claims"].collect(), tables["work_log"].collect()
    found = notes_of(lists, client=client, claims=claims, known=known, received=day)
    changes = changes_of([sheet for sheet in sheets if sheet.form == REGISTER], client=client, received=day)
    return pl.concat([found.quarantine, changes.quarantine])


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
    is_changed = any(sheet.filled for sheet in sheets if sheet.form.sheet == "actions")
    both = " and the action register" if is_changed else ""
    console.print(
        escape(
            f"{client}: {taken.rows_in:,} rows filled in, {taken.rows_stored:,} taken into the work log{both} "
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
    from ..blocks.vocabulary import Meta
    from ..exhibits.ar_weekly_review.worklist_file import refused_table
    from ..press.writers.workbook import Section, write_workbook
    from ..sources.worklist.notes import free_name

    beside = free_name(file)
    refused_in = set(refused["sheet"])
    forms = dict.fromkeys(sheet.form.sheet for sheet in sheets if sheet.name in refused_in)
    by_form = [[sheet for sheet in sheets if sheet.form.sheet == form] for form in forms]
    try:
        write_workbook(
            [Section("Worklist", tuple(refused_table(same, refused) for same in by_form))],
            beside,
            meta=Meta(title="Refused rows of a worklist"),
        )
    except OSError as error:
        raise RcmError(
            f"The rows refused could not be written to {beside} ({error.strerror}); they stand in {file.name} "
            "as they were."
        ) from None
    return beside
