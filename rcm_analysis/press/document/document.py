"""The neutral document: the only thing the HTML and PDF writers see.

Its blocks are those that our notebooks emit, and what an analyst's own notebook holds besides: text, lists, grids.
Every leaf is plain text plus a few checked facts (an alignment, a colour, a link with a safe scheme), so
neither writer can be made to run anything by what a raw file holds, and both print the same document.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...blocks.plain import clean
from ...blocks.vocabulary import Align, Cards, Facts, Figure, Findings, Glossary, Kpis, Meta, Note, PageBreak, Table


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    href: str | None = None
    line_break: bool = False


Inline = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6; `part` marks the title of one report inside a packet."""

    level: int
    text: Inline
    anchor: str
    part: bool = False
    subtitle: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Inline


@dataclass(frozen=True, slots=True)
class ListBlock:
    ordered: bool
    start: int
    items: tuple[tuple[Printed, ...], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Printed, ...]


@dataclass(frozen=True, slots=True)
class Preformatted:
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    pass


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell; colours are #rrggbb or absent."""

    text: str
    colspan: int = 1
    rowspan: int = 1
    head: bool = False
    align: Align | None = None
    bold: bool = False
    italic: bool = False
    color: str | None = None
    fill: str | None = None


Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A printed table, rectangular: spans never overlap and never leave it.

    `emphasis` holds the numbers of the total rows; `number` is its place among the document's tables.
    """

    columns: int
    head: Rows
    body: Rows
    caption: str = ""
    definition: str = ""
    notes: tuple[str, ...] = ()
    aligns: tuple[Align, ...] = ()
    emphasis: frozenset[int] = frozenset()
    name: str = ""
    number: int | None = None


Printed = (
    Heading
    | Paragraph
    | ListBlock
    | Quote
    | Preformatted
    | Rule
    | PageBreak
    | Grid
    | Figure
    | Kpis
    | Cards
    | Findings
    | Note
    | Facts
    | Glossary
)


@dataclass(frozen=True)
class Document:
    """A report, or a packet of reports, ready to be written; `warnings` are what the person at the desk should know."""

    meta: Meta
    blocks: tuple[Printed, ...]
    warnings: tuple[str, ...] = ()


def grid_of(table: Table) -> Grid:
    """The printed side of a table: its texts, never its values.

    >>> from rcm_analysis.blocks.vocabulary import Column
    >>> grid = grid_of(Table(columns=(Column("open", "Open", "usd"),), rows=((123,),), text=(("$1",),)))
    >>> grid.head[0][0].text, grid.body[0][0].text, grid.aligns
    ('Open', '$1', ('right',))
    """
    return Grid(
        columns=len(table.columns),
        head=(tuple(Cell(column.heading, head=True) for column in table.columns),),
        body=tuple(
            tuple(Cell(clean(text).strip(), head=place == table.row_header) for place, text in enumerate(row))
            for row in table.shown
        ),
        caption=table.title,
        definition=table.definition,
        notes=table.notes,
        aligns=tuple(column.align for column in table.columns),
        emphasis=frozenset(table.emphasis),
        name=table.name,
    )


def placed(row: tuple[Cell, ...]) -> list[tuple[int, Cell]]:
    """Cells with the column they start in; exact for rows without a span from above."""
    starts, x = [], 0
    for cell in row:
        starts.append((x, cell))
        x += cell.colspan
    return starts


def plain_text(text: Inline) -> str:
    """The words of a line without their style."""
    return "".join(run.text for run in text)


def numbered(blocks: tuple[Printed, ...]) -> tuple[Printed, ...]:
    """The blocks with their captioned tables and figures counted from one, in reading order."""
    tables = figures = 0
    counted: list[Printed] = []
    for block in blocks:
        if isinstance(block, Grid) and block.caption:
            tables += 1
            block = replace(block, number=tables)
        elif isinstance(block, Figure):
            figures += 1
            block = replace(block, number=figures)
        counted.append(block)
    return tuple(counted)
