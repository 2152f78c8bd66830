"""The rows behind the numbers of a page: checked, packed, and the largest of them in words.

A page that may hold claims carries each list once, column by column, as JSON that no browser runs; a number leads to
its rows by a filter. A number whose rows do not add up to it, to the cent, leads nowhere, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...blocks.vocabulary import Behind, Column, Table
from ..document.document import Document, Grid, behinds, grid_of

MOST_ROWS = 40_000
"""So many rows of all lists together are carried by one page; lists beyond that are in the workbook alone."""
SHOWN = 5
"""Of each list so many rows, the largest, can be read without a script."""


@dataclass(frozen=True)
class Link:
    """A number that leads to its rows: its place among the links, what it is, how many rows, their sum, the largest."""

    number: int
    title: str
    rows: int
    amount: str
    largest: Grid

    @property
    def anchor(self) -> str:
        return f"behind-{self.number}"


@dataclass(frozen=True)
class Lists:
    """What a page carries: the lists as JSON, the link of each number, what the person at the desk should know."""

    packed: str = ""
    links: Mapping[Behind, Link] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    note: str = ""


def lists_of(document: Document) -> Lists:
    """The rows behind the document's numbers, ready for its page.

    >>> from rcm_analysis.blocks.vocabulary import Meta, Piece, Split
    >>> claims = Table(name="due", columns=(Column("claim", "Claim"), Column("cents", "Due", "usd")),
    ...                rows=(("A1", 150), ("A2", 0)), text=(("A1", "$1.50"), ("A2", "$0.00")), print=False)
    >>> bar = Split("Due", (Piece("late", "$2", 1.0, behind=Behind("due", "cents", 150, "Late")),))
    >>> found = lists_of(Document(Meta(), (bar,), lists=(claims,)))
    >>> [(link.title, link.rows, link.amount) for link in found.links.values()]
    [('Late', 1, '$1.50')]
    """
    tables, left_out = _within_room(document.lists)
    links: dict[Behind, Link] = {}
    wanted, warnings = [], []
    for behind in behinds(document.blocks):
        table = tables.get(behind.table)
        if table is None:
            continue
        rows, places = _rows(table, behind), [column.name for column in table.columns]
        if rows is None or sum(table.rows[row][places.index(behind.amount)] for row in rows) != behind.cents:
            warnings.append(f"The rows of {behind.table} do not add up to '{behind.title}': no link leads to them.")
            continue
        links[behind] = _link(len(links), table, behind, rows)
        wanted.append(_packed_link(list(tables), table, behind))
    note = f"Too long for this page, and in the workbook: {'; '.join(left_out)}." if left_out else ""
    if not links:
        return Lists("", {}, tuple(warnings), note)
    return Lists(
        _json({"tables": [_packed(table) for table in tables.values()], "links": wanted}), links, tuple(warnings), note
    )


def _within_room(lists: Sequence[Table]) -> tuple[dict[str, Table], list[str]]:
    tables: dict[str, Table] = {}
    room, left_out = MOST_ROWS, []
    for table in lists:
        if len(table.rows) > room:
            left_out.append(table.title or table.name)
        else:
            tables[table.name], room = table, room - len(table.rows)
    return tables, left_out


def _rows(table: Table, behind: Behind) -> list[int] | None:
    """The numbers of the rows behind, or None where the table has no such column of cents."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    conditions = [one.partition("=") for one in behind.where]
    if behind.amount not in places or any(name not in places for name, _, _ in conditions):
        return None
    amount = places[behind.amount]
    rows = [
        number
        for number, row in enumerate(table.rows)
        if row[amount] and all(_words(row[places[name]]) == value for name, _, value in conditions)
    ]
    return rows if all(isinstance(table.rows[row][amount], int) for row in rows) else None


def _words(value: Any) -> str:
    return "" if value is None else str(value)


def _link(number: int, table: Table, behind: Behind, rows: list[int]) -> Link:
    place = [column.name for column in table.columns].index(behind.amount)
    largest = sorted(rows, key=lambda row: -abs(table.rows[row][place]))[:SHOWN]
    part = replace(
        table,
        rows=tuple(table.rows[row] for row in largest),
        text=tuple(table.shown[row] for row in largest),
        emphasis=(),
        title=f"The largest of {len(rows):,}" if len(rows) > SHOWN else "All of them",
        definition="",
    )
    return Link(number, behind.title, len(rows), _dollars(behind.cents), grid_of(part))


def _dollars(cents: int) -> str:
    text = f"${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    return f"({text})" if cents < 0 else text


def _packed_link(names: list[str], table: Table, behind: Behind) -> dict[str, Any]:
    places = [column.name for column in table.columns]
    where = [[places.index(name), value] for name, _, value in (one.partition("=") for one in behind.where)]
    return {
        "title": behind.title,
        "table": names.index(table.name),
        "amount": places.index(behind.amount),
        "where": where,
    }


def _packed(table: Table) -> dict[str, Any]:
    columns = [_packed_column(column, [row[place] for row in table.rows]) for place, column in enumerate(table.columns)]
    return {"title": table.title, "about": table.definition, "columns": columns}


def _packed_column(column: Column, values: list[Any]) -> dict[str, Any]:
    """A column: its numbers, or its texts, or where these repeat the sorted words and the place of each among them."""
    head = {"title": column.heading, "unit": column.unit}
    if all(value is None or (isinstance(value, int) and not isinstance(value, bool)) for value in values):
        return head | {"values": values}
    texts = [_words(value) for value in values]
    words = sorted(set(texts))
    if 2 * len(words) > len(texts):
        return head | {"values": texts}
    places = {word: place for place, word in enumerate(words)}
    return head | {"words": words, "values": [places[text] for text in texts]}


def _json(content: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
