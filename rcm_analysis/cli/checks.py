"""What must hold before any report: `rcm check` says whether the arithmetic does, and whether the records are
complete."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError, StoreError, listed
from ..periods import Period
from .terminal import FINDINGS, HERE, ClientsOption, WorkspaceOption, console, dollars, errors, table_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from ..ledger.reconciliation import Check
    from ..tables.workspace import ClientView, Workspace

DATED = ("transactions", "claims", "submissions", "deposits")
"""The tables whose latest month says up to which day relations are asked."""
UNREAD_FILES = ("refused", "missing_trailer")
"""Rules of findings about files that were not read, or not to their end."""
SHOWN = 40
"""Rows of a list that are printed; all of them go into a file."""


def check(
    workspace: WorkspaceOption = HERE,
    client: ClientsOption = None,
    period: Annotated[
        str | None, typer.Option("--period", metavar="YYYY-MM", help="only this month; by default all stored months")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="print every check, not only each client's summary")
    ] = False,
    relation: Annotated[
        str, typer.Option("--list", metavar="RELATION", help="the records behind one relation, largest first")
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="write the list into this workbook (.xlsx)")
    ] = None,
) -> None:
    """Check that sums hold and that no record lacks its counterpart.

    Arithmetic: the roll-forward, the month-end close, deposits against postings, and charges, each with its residual.
    Complete: payments never billed, claims never answered, remittances never posted and the like, each with its count
    and dollars. A kind of record that was never delivered is said, too.
    Exit code 1 when one of the two does not hold.
    """
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    names, month = chosen_clients(opened, client), Period.month(period) if period else None
    if relation:
        raise typer.Exit(_print_list(opened, names, relation, month, to))
    if to:
        raise ParameterError("--to writes the list of one relation: name it with --list. Nothing was written.")
    raise typer.Exit(FINDINGS if any(print_checks(opened, names, month, everything=everything)) else 0)


def chosen_clients(workspace: Workspace, clients: Sequence[str] | None) -> list[str]:
    """The clients named, each once and known to the registry; all where none is named."""
    for client in clients or ():
        workspace.registry.client(client)
    return list(dict.fromkeys(clients)) if clients else workspace.clients()


# ---------------------------------------------------------------- the two answers
def print_checks(
    workspace: Workspace, clients: Sequence[str], period: Period | None, *, everything: bool = False
) -> tuple[int, int]:
    """Print each client's sums and its broken relations: how many sums do not hold, and how many relations."""
    readable = _readable(workspace, clients)
    failed, empty = _print_sums(workspace, readable, period, everything=everything)
    broken = print_relations(workspace, readable, period, everything=everything)
    damaged = len(clients) - len(readable)
    if len(empty) == len(readable):
        errors.print("No sum could be checked.")
        return len(empty) + damaged, broken
    sums = f"{len(failed)} sum(s) do not hold" if failed else "residual 0.00 everywhere"
    console.print(f"Arithmetic {'does not hold' if failed else 'holds'}: {sums}.")
    if not broken:
        console.print("Complete: no record lacks its counterpart beyond what is usual.")
    if damaged:
        errors.print(f"The stores of {damaged} of {len(clients)} clients are damaged; the others were checked.")
    elif not failed and not broken:
        console.print("Every sum holds, and every record has its counterpart.")
    return len(failed) + damaged, broken


def _readable(workspace: Workspace, clients: Sequence[str]) -> list[str]:
    """The clients whose stored files are all as they were written; of each other one the repair is said.

    Raises
        StoreError with the repair of each, where no client is left.
    """
    wrong = {client: said for client in clients if (said := _what_is_wrong(workspace, client))}
    if wrong and len(wrong) == len(set(clients)):
        raise StoreError("\n".join(wrong.values()))
    for said in wrong.values():
        errors.print(escape(said))
    return [client for client in clients if client not in wrong]


def _what_is_wrong(workspace: Workspace, client: str) -> str:
    """What is wrong with a client's store, and its repair; empty where nothing is."""
    try:
        broken = workspace.store.open(client).broken()
    except StoreError as error:
        return str(error)
    if not broken:
        return ""
    more = f" ({len(broken) - 1} more: rcm verify)" if len(broken) > 1 else ""
    return f"{client}: the stored file {broken[0]}{more}. Rebuild the store: rcm repair {client}"


def _print_sums(
    workspace: Workspace, clients: Sequence[str], period: Period | None, *, everything: bool
) -> tuple[list[Check], list[str]]:
    """The sums that do not hold, and the clients without postings."""
    from ..ledger.reconciliation import check_client

    table = table_of("Client", "Months", "Checks", "Closing receivable", "Residual")
    failed, empty = [], []
    for client in clients:
        months = workspace.store.open(client).posted_months()
        if not months and _posts_nothing(workspace, client, period):
            console.print(f"  {client}: has bought no service that posts money, so there are no sums to hold.")
            continue
        if not months or (period and not {month.label for month in period.months()} & set(months)):
            empty.append(client)
            continue
        last = _day(workspace, client, None) or Period.month(months[-1]).last_day
        span = period or Period(Period.month(months[0]).first_day, Period.of(last).end)
        tables = _in_memory(workspace.client(client).tables(), "transactions")
        checks = check_client(tables, client=client, period=span)
        failed += [item for item in checks if not item.holds]
        residual = sum(abs(item.residual_cents) for item in checks)
        table.add_row(client, str(len(span.months())), f"{len(checks):,}", _closing(tables, span), dollars(residual))
        for item in checks if everything else ():
            text = f"  {client} {item.where} {item.name}: {dollars(item.residual_cents)} ({item.detail})"
            console.print(escape(text))
    console.print(table)
    for item in failed:
        text = f"  {item.client} {item.where} {item.name}: {dollars(item.residual_cents)} left over; {item.detail}."
        errors.print(escape(text))
    if empty:
        when = f" of {period.label}" if period else ""
        errors.print(f"No postings{when} are stored for {listed(empty)}. Read their files with: rcm ingest")
    return failed, empty


def print_relations(
    workspace: Workspace, clients: Sequence[str], period: Period | None = None, *, everything: bool = False
) -> int:
    """Print the broken relations of each client with count and dollars (all of them where asked), and what they mean;
    how many are broken."""
    import pandas as pd

    from ..ledger.completeness import relations

    frames = []
    for client in clients:
        day = _day(workspace, client, period)
        if day is None:
            continue
        tables = workspace.client(client).tables()
        aside = _aside(workspace.client(client))
        found = relations(tables, as_of=day, period=period, registry=workspace.registry, aside=aside)
        frames.append(found)
        shown = found if everything else found[found["is_broken"]]
        for row in shown.to_dict("records"):
            console.print(escape(f"  {client}: {relation_words(row)}"))
    if not frames:
        return 0
    asked = pd.concat(frames, ignore_index=True)
    found, broken = asked[asked["is_broken"]], asked[asked["is_broken"] & ~asked["is_gap"]]
    if len(found):
        for name, means in found.drop_duplicates("relation")[["relation", "means"]].itertuples(index=False):
            console.print(escape(f"  {name}: {means}."))
    if len(broken):
        console.print(f"{_incomplete_words(broken, int(asked['is_asked'].sum()))} The records: rcm check --list NAME")
    return len(broken)


def _incomplete_words(broken: pd.DataFrame, asked: int) -> str:
    """How much of the records lacks its counterpart, and what reports make of it."""
    from ..ledger.completeness import PHANTOM_SHARE

    verb = "leaves" if len(broken) == 1 else "leave"
    words = f"Not complete: {len(broken)} of {asked} comparisons between records {verb} something over"
    large = int(broken["is_large"].sum())
    if large:
        return (
            f"{words}, {large} of them {100 * PHANTOM_SHARE:.0f} % of its dollars or more. "
            "Reports say so on page one, and advise nothing that rests on these dollars."
        )
    most = f", {100 * broken['share'].max():.2f} % of its dollars at most" if broken["share"].notna().any() else ""
    return f"{words}{most}. Reports list it with what was checked; it is too little to change what they advise."


def relation_words(row: Mapping[str, Any]) -> str:
    """One relation in words.

    >>> relation_words({"unit": "claim", "what": "paid but never billed", "count": 2, "amount_cents": 8000, "unread": 0,
    ...                 "share": 0.5, "whole": "payments", "relation": "paid_never_billed", "is_asked": True})
    '2 claims paid but never billed [80.00, 50.00 % of payments] (paid_never_billed)'
    """
    unit = row["unit"] if row["count"] == 1 else f"{row['unit']}s"
    if not row["is_asked"]:
        return f"{unit} {row['what']}: not asked, as one side was never delivered ({row['relation']})"
    share = "" if row["share"] != row["share"] else f", {100 * row['share']:.2f} % of {row['whole']}"
    unread = f" and {row['unread']:,} of an unreadable amount" if row["unread"] else ""
    return f"{row['count']:,} {unit} {row['what']} [{dollars(row['amount_cents'])}{unread}{share}] ({row['relation']})"


def _posts_nothing(workspace: Workspace, client: str, period: Period | None) -> bool:
    """True for a client whose services keep no ledger, and of which something is stored."""
    services = workspace.registry.client(client, as_of=period.last_day if period else None).services
    return not {"claims", "self_pay"} & set(services) and bool(workspace.store.open(client).active_months(services))


def _day(workspace: Workspace, client: str, period: Period | None) -> dt.date | None:
    """The last day of the period, else of the latest month of which anything is stored; None where nothing came in."""
    if period:
        return period.last_day
    stored = workspace.store.open(client)
    months = [month for table in DATED for month in stored.months(table)]
    if months:
        return Period.month(max(months)).last_day
    return dt.date.max if _aside(workspace.client(client)).height else None


def _aside(view: ClientView) -> pl.DataFrame:
    """The rows that intake set aside, and the files of which something was not read."""
    import polars as pl

    rows, findings = view.quarantine(), view.findings()
    if findings.is_empty():
        return rows
    files = findings.filter(pl.col("rule").is_in(UNREAD_FILES)).unique("file", maintain_order=True)
    files = files.select("file", "rule", "amount_cents", table=pl.lit("file"), client=pl.lit(view.client))
    return pl.concat([rows, files], how="diagonal")


def _in_memory(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The tables with one of them read once: a check asks for it month by month."""
    return {**tables, name: tables[name].collect().lazy()}


def _closing(tables: Any, period: Period) -> str:
    from ..ledger.balances import balances

    return dollars(int(balances(tables, as_of=period.last_day)["receivable_cents"].sum()))


# ---------------------------------------------------------------- the list behind one relation
def _print_list(
    workspace: Workspace, clients: Sequence[str], relation: str, period: Period | None, to: Path | None
) -> int:
    """Print or write the records behind one relation; the exit code."""
    import pandas as pd

    from ..ledger.completeness import rows_behind

    readable = _readable(workspace, clients)
    frames = [
        rows_behind(view.tables(), relation, as_of=day, period=period, registry=workspace.registry, aside=_aside(view))
        for view in map(workspace.client, readable)
        if (day := _day(workspace, view.client, period))
    ]
    if not frames:
        raise RcmError(f"Nothing is stored for {listed(readable)}. Read their files with: rcm ingest")
    rows = pd.concat(frames, ignore_index=True)
    rows[["record", "other"]] = rows[["record", "other"]].fillna("")
    total = f"{len(rows):,} record(s) of {relation}, {dollars(int(rows['amount_cents'].sum()))}"
    if to:
        write_rows(to, rows, name=relation, title=f"Records of {relation}", firm=workspace.registry.firm)
        console.print(escape(f"{to}: {total}."))
    else:
        table = table_of("Client", "Record", "Beside it", "Known on", "Amount", "Other side")
        for row in rows.head(SHOWN).to_dict("records"):
            amount, other = (
                "" if pd.isna(row[name]) else dollars(row[name]) for name in ("amount_cents", "other_cents")
            )
            day = "" if pd.isna(row["known_on"]) else f"{row['known_on']:%Y-%m-%d}"
            table.add_row(row["client"], escape(row["record"]), escape(row["other"]), day, amount, other)
        console.print(table)
        console.print(f"{total}{f'; {SHOWN} are shown, --to FILE.xlsx holds all' if len(rows) > SHOWN else ''}.")
    damaged = len(clients) - len(readable)
    if damaged:
        errors.print(f"The stores of {damaged} of {len(clients)} clients are damaged; the others were listed.")
    return FINDINGS if len(rows) or damaged else 0


UNITS = {"known_on": "date", "amount_cents": "usd", "other_cents": "usd", "rows": "count", "needs_person": "flag"}
HEADINGS = {
    "amount_cents": "Amount",
    "other_cents": "Other side",
    "other": "Beside it",
    "needs_person": "Needs a person",
}


def write_rows(to: Path, rows: pd.DataFrame, *, name: str, title: str, firm: str) -> None:
    """One sheet of a workbook with these rows, texts as texts; a file that is there is written over."""
    from ..blocks.vocabulary import Meta
    from ..exhibits.tables import Shown, show
    from ..press.writers.workbook import Section, write_workbook

    if to.suffix.lower() != ".xlsx":
        raise ParameterError(
            f"--to names a workbook (.xlsx); found the ending {to.suffix or 'none'!r}. Nothing was written."
        )
    columns = [
        Shown(
            column, HEADINGS.get(column, column.replace("_", " ").capitalize()), UNITS.get(column, "text"), exact=True
        )
        for column in rows.columns
    ]
    table = show(rows, columns, name=name, title=title, definition="US dollars and cents.")
    meta = Meta(title=title, firm=firm)
    try:
        write_workbook([Section(title, (table,))], to, meta=meta)
    except OSError as error:
        raise RcmError(f"{to} cannot be written ({error.strerror}). Name another place with --to.") from None
