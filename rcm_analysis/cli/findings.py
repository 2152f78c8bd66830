"""What intake noticed, so that it can be worked off: `rcm findings`, and the groups that `rcm ingest` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import typer
from rich.markup import escape

from ..errors import ParameterError, closest, listed
from .checks import chosen_clients, write_rows
from .terminal import FINDINGS, HERE, ClientsOption, WorkspaceOption, console, dollars, table_of

if TYPE_CHECKING:
    from ..tables.workspace import ClientView, Workspace

FILES_NAMED = 3
"""Files of one group that are named; for refused files, and with --rule, all are."""
MOST_WORDS = 30
"""More different words than this in a column of codes: the map names the wrong column, and they may be names."""
BY_FILE = {"refused", "duplicate_file", "month_would_shrink"}
"""Rules about whole files: each file is named with its reason."""
PAYER_COLUMNS = ("payer", "secondary_payer", "tertiary_payer")


def findings(
    workspace: WorkspaceOption = HERE,
    client: ClientsOption = None,
    rule: Annotated[str, typer.Option("--rule", metavar="RULE", help="only this rule, each finding on its line")] = "",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="write all of them into this workbook (.xlsx)")
    ] = None,
) -> None:
    """Say what intake noticed, by rule, the worst first.

    Each rule with its count, dollars and files; refused files with their reasons; payers and codes that nobody mapped,
    with the lines to paste into the registry or the column map. Exit code 1 when something needs a person.
    """
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    names = chosen_clients(opened, client)
    rows = _all_findings(opened, names)
    if rule:
        known = rows["rule"].unique().sort().to_list()
        rows = rows.filter(pl.col("rule") == rule)
        if rows.is_empty():
            raise ParameterError(f"No finding of the rule {rule!r}. There are: {listed(known)}.{closest(rule, known)}")
    if to:
        name, title = rule or "findings", f"Findings of {rule}" if rule else "Findings"
        write_rows(to, rows.to_pandas(), name=name, title=title, firm=opened.registry.firm)
        console.print(escape(f"{to}: {rows.height:,} finding(s)."))
    elif rule:
        for row in rows.iter_rows(named=True):
            console.print(escape(f"{row['client']}: {row['message']}{_amount(row['amount_cents'])}"))
    else:
        _print_groups(rows)
        _print_lines_to_paste(opened, names)
    raise typer.Exit(FINDINGS if rows["needs_person"].any() else 0)


def _all_findings(workspace: Workspace, clients: Sequence[str]) -> pl.DataFrame:
    from ..sources.notes import FINDING

    frames = [pl.DataFrame(schema={"client": pl.String, **FINDING})]
    for client in clients:
        found = workspace.client(client).findings()
        if found.height:
            frames.append(found.select(pl.lit(client).alias("client"), *FINDING))
    return pl.concat(frames)


# ---------------------------------------------------------------- groups
def groups(rows: pl.DataFrame) -> pl.DataFrame:
    """Findings by client and rule, the worst first: what needs a person before what does not, then by dollars.

    Formula
        cents = sum of the amounts without their signs; empty where no finding of the group has an amount
    Shape
        client, rule, needs_person, times, files (a list), rows, cents, message (of the largest)
    """
    amounts = pl.col("amount_cents").abs()
    found = rows.sort(amounts, descending=True, nulls_last=True, maintain_order=True)
    found = found.group_by("client", "rule", maintain_order=True).agg(
        pl.col("needs_person").any(),
        pl.len().alias("times"),
        pl.col("file").unique(maintain_order=True).alias("files"),
        pl.col("rows").sum(),
        pl.when(pl.col("amount_cents").count() > 0).then(amounts.sum()).alias("cents"),
        pl.col("message").first(),
    )
    return found.sort("needs_person", "cents", "times", descending=True, nulls_last=True, maintain_order=True)


def print_needed(client: str, rows: pl.DataFrame, shown: int) -> None:
    """The groups of a client's findings that need a person, one line each, the worst first."""
    needed = groups(rows.filter("needs_person").with_columns(client=pl.lit(client)))
    for group in needed.head(shown).iter_rows(named=True):
        console.print(escape(f"  {client}: {_group_words(group)}"))
    if needed.height > shown:
        left = needed["times"][shown:].sum()
        console.print(f"  {client}: and {left:,} more of {needed.height - shown} rule(s).")
    if needed["times"].sum() > min(needed.height, shown):
        console.print(f"  {client}: all of them by rule, with their files: rcm findings --client {client}")


def _group_words(group: dict[str, Any]) -> str:
    """One finding as it is; several as their number, files and dollars, with the largest.

    >>> _group_words({"times": 2, "rule": "line_balance", "files": ["a.835"], "cents": 500, "message": "a.835: off"})
    '2 findings of line_balance in 1 file(s) [5.00]; the largest: a.835: off'
    """
    amount = _amount(group["cents"])
    if group["times"] == 1:
        return f"{group['message']}{amount}"
    what = f"{group['times']:,} findings of {group['rule']} in {len(group['files']):,} file(s)"
    return f"{what}{amount}; the largest: {group['message']}"


def _amount(cents: int | None) -> str:
    return "" if cents is None else f" [{dollars(cents)}]"


def _print_groups(rows: pl.DataFrame) -> None:
    found = groups(rows)
    if found.is_empty():
        console.print("Nothing was noticed at intake.")
        return
    table = table_of("Client", "Rule", "For a person", "Times", "Files", "Rows", "Amount")
    for group in found.iter_rows(named=True):
        table.add_row(
            group["client"],
            group["rule"],
            "yes" if group["needs_person"] else "no",
            f"{group['times']:,}",
            f"{len(group['files']):,}",
            f"{group['rows']:,}",
            "" if group["cents"] is None else dollars(group["cents"]),
        )
    console.print(table)
    for group in found.iter_rows(named=True):
        own = rows.filter(pl.col("client") == group["client"], pl.col("rule") == group["rule"])
        if group["rule"] in BY_FILE:
            lines = own["message"].to_list()
        else:
            lines = [f"{_group_words(group)} Files: {listed(group['files'], FILES_NAMED)}."]
        for line in lines:
            console.print(escape(f"  {group['client']}: {line}"))


# ---------------------------------------------------------------- what is to be pasted
def _print_lines_to_paste(workspace: Workspace, clients: Sequence[str]) -> None:
    views = [workspace.client(client) for client in clients]
    payers = list(_unmapped_payers(views))
    if payers:
        console.print(f"\nPayers that the registry does not know. Paste into {workspace.paths['clients'].name}:")
        for lines in payers:
            console.print(escape(f"\n{lines}"))
    words = [line for view in views for line in _unmapped_words(view)]
    if words:
        console.print("\nWords that the column maps do not know. Paste, with one of our words, into the map:")
        for line in words:
            console.print(escape(line))
    codes = list(_unlisted_codes(views))
    if codes:
        console.print("\nAdjustment codes that are not in the public list; they count as no denial:")
        for line in codes:
            console.print(escape(f"  {line}"))


def _unmapped_payers(views: Sequence[ClientView]) -> Iterator[str]:
    """A section of the registry for each unknown payer, the one with the most dollars first."""
    from ..sources.x12.remittances import UNMAPPED
    from ..tables.schema import TABLES

    frames = [pl.DataFrame(schema={"payer": pl.String, "table": pl.String, "rows": pl.UInt32, "cents": pl.Int64})]
    for view in views:
        for table in TABLES.values():
            money = next(iter(table.money), None)
            for column in (name for name in PAYER_COLUMNS if name in table.names):
                rows = view.stored.scan(table).filter(pl.col(column).str.starts_with(UNMAPPED))
                cents = pl.col(money).abs().sum() if money else pl.lit(0, pl.Int64)
                sums = rows.group_by(payer=column).agg(pl.len().alias("rows"), cents.cast(pl.Int64).alias("cents"))
                frames.append(sums.with_columns(table=pl.lit(table.name)).collect().select(frames[0].columns))
    found = pl.concat(frames).group_by("payer").agg(pl.col("rows").sum(), pl.col("cents").max())
    known = [entry.name.lower() for view in views[:1] for entry in view.workspace.registry.payers.values()]
    for payer, rows, cents in found.sort("cents", "payer", descending=[True, False]).iter_rows():
        name = payer.removeprefix(UNMAPPED)
        near = closest(name, known).strip()
        yield "\n".join(
            [
                f"[payers.{re.sub(r'[^a-z0-9]+', '-', name).strip('-') or 'unknown'}]  # {rows:,} row(s), "
                f"{dollars(cents)}{f'. {near} If it is the same, add an alias there instead' if near else ''}",
                f"name = {json.dumps(name.title(), ensure_ascii=False)}",
                'payer_class = "other"  # medicare, medicaid, commercial, managed_care, government, ...',
                f"aliases = [{json.dumps(name, ensure_ascii=False)}]",
            ]
        )


def _unmapped_words(view: ClientView) -> Iterator[str]:
    """Words of the export where the table allows only ours, as lines of the map with their rows and dollars."""
    from ..tables.schema import TABLES

    aside = view.quarantine()
    aside = aside.filter(pl.col("rule") == "not_listed", pl.col("text").is_not_null()) if aside.height else aside
    listed_words = _listed_words(view) if aside.height else {}
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for row in aside.iter_rows(named=True):
        for column, word in json.loads(row["text"]).items():
            place = (row["table"], column)
            if word and place in listed_words and word.casefold() not in listed_words[place]:
                found.setdefault(place, {}).setdefault(word, []).append(abs(row["amount_cents"] or 0))
    for (table, name), words in found.items():
        yield f"\n[{table}.values.{name}]  # {view.client}; ours: {', '.join(TABLES[table].column(name).values)}"
        if len(words) > MOST_WORDS:
            yield f"# {len(words):,} different words: the map may name the wrong column for {name}"
            continue
        for word, cents in sorted(words.items(), key=lambda item: -sum(item[1])):
            yield f'{json.dumps(word, ensure_ascii=False)} = ""  # {len(cents):,} row(s), {dollars(sum(cents))}'


def _listed_words(view: ClientView) -> dict[tuple[str, str], set[str]]:
    """By table and column with a list of words: ours, and those that the client's maps turn into ours."""
    from ..sources.exports.column_maps import map_files, read_map
    from ..tables.schema import TABLES

    words = {
        (table.name, column.name): set(column.values)
        for table in TABLES.values()
        for column in table.columns
        if column.values
    }
    for path in map_files(view.workspace, view.client):
        for section in read_map(path).sections:
            for column, mapped in section.values.items():
                if (section.table.name, column) in words:
                    words[section.table.name, column] |= {word.casefold() for word in mapped}
    return words


def _unlisted_codes(views: Sequence[ClientView]) -> Iterator[str]:
    """Adjustment codes of the remittances that the public list lacks, with their rows and dollars."""
    from ..tables.reference.carc import carc_categories
    from ..tables.schema import REMIT_ADJUSTMENTS

    known = carc_categories()["code"].to_list()
    for view in views:
        rows = view.stored.scan(REMIT_ADJUSTMENTS).filter(~pl.col("carc").is_in(known))
        sums = rows.group_by("carc").agg(pl.len(), pl.col("amount_cents").abs().sum())
        for code, count, cents in sums.collect().sort("amount_cents", descending=True).iter_rows():
            yield f"{view.client}: {code}, {count:,} time(s), {dollars(cents)}"
