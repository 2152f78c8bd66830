"""The neutral document: the only thing the HTML and PDF writers see.

Its blocks are those that our notebooks emit, and what an analyst's own notebook holds besides: text, lists, grids.
Every leaf is plain text plus a few checked facts (an alignment, a colour, a link with a safe scheme), so
neither writer can be made to run anything by what a raw file holds, and both print the same document. `join` makes one
document of several: the packet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ...blocks.plain import clean, slug
from ...blocks.vocabulary import (
    Align,
    Behind,
    Cards,
    Column,
    Facts,
    Figure,
    Findings,
    Glossary,
    Headline,
    Kpis,
    Meta,
    Note,
    PageBreak,
    Split,
    Table,
    Term,
)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style; `script` is sub or super, and a run of `math` is TeX."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    href: str | None = None
    line_break: bool = False
    script: str = ""
    color: str | None = None
    math: bool = False


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
    """Text whose lines stay as they are; `lines` hold their style, where they have one.

    `kind` says who wrote it: a program's print-outs are "printed", its messages on the error stream "messages".
    """

    text: str
    lines: tuple[Inline, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    """A displayed formula, in TeX."""

    tex: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What stands in the notebook and cannot stand on a page, said where it stood."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    pass


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a cell draws: one number from -1 to 1 as a bar, or several from 0 to 1 as a line (None: a gap).

    `band` is the span between which a line is as usual, from low to high.
    """

    kind: str
    values: tuple[float | None, ...]
    band: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture, of a kind that both writers can show."""

    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One table cell; colours are #rrggbb or absent. With a drawing that is a line the text is only heard."""

    text: str
    colspan: int = 1
    rowspan: int = 1
    head: bool = False
    align: Align | None = None
    bold: bool = False
    italic: bool = False
    color: str | None = None
    fill: str | None = None
    drawing: Drawing | None = None
    behind: Behind | None = None
    picture: Picture | None = None


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
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two blocks side by side, where the page is wide enough."""

    left: Printed
    right: Printed


Printed = (
    Heading
    | Paragraph
    | ListBlock
    | Quote
    | Preformatted
    | Formula
    | LeftOut
    | Rule
    | PageBreak
    | Grid
    | Figure
    | Kpis
    | Cards
    | Findings
    | Note
    | Headline
    | Split
    | Pair
    | Facts
    | Glossary
)


@dataclass(frozen=True)
class Document:
    """A report, or a packet of reports, ready to be written; `warnings` are what the person at the desk should know.

    `lists` are the tables that are not printed, whose rows are behind numbers that are. Where a `workbook` is made
    beside it, a table that is too long for a page leads there.
    """

    meta: Meta
    blocks: tuple[Printed, ...]
    warnings: tuple[str, ...] = ()
    lists: tuple[Table, ...] = ()
    workbook: bool = True


def grid_of(table: Table) -> Grid:
    """The printed side of a table: its texts, never its values.

    >>> from rcm_analysis.blocks.vocabulary import Column
    >>> grid = grid_of(Table(columns=(Column("open", "Open", "usd"),), rows=((123,),), text=(("$1",),)))
    >>> grid.head[0][0].text, grid.body[0][0].text, grid.aligns
    ('Open', '$1', ('right',))
    """
    behind = {(one.row, one.column): one for one in table.behind}
    drawn = {place: _drawings(table, place, column) for place, column in enumerate(table.columns) if column.drawn}
    return Grid(
        columns=len(table.columns),
        head=(tuple(Cell(column.heading, head=True) for column in table.columns),),
        body=tuple(
            tuple(
                Cell(
                    clean(text).strip(),
                    head=place == table.row_header,
                    drawing=drawn[place][number] if place in drawn else None,
                    behind=behind.get((number, table.columns[place].name)),
                )
                for place, text in enumerate(row)
            )
            for number, row in enumerate(table.shown)
        ),
        caption=table.title,
        definition=table.definition,
        notes=table.notes,
        aligns=tuple(column.align for column in table.columns),
        emphasis=frozenset(table.emphasis),
        name=table.name,
        beside=table.beside,
    )


def _drawings(table: Table, place: int, column: Column) -> list[Drawing | None]:
    """What the column draws in each row that the page prints: bars by the longest of them, each line by itself."""
    values = [row[place] for row in table.rows] + [None] * len(table.shown)
    if column.drawn == "trend":
        return [_line(value) for value in values]
    bars = [None if number in table.emphasis else _number(value) for number, value in enumerate(values)]
    longest = max((abs(bar) for bar in bars if bar is not None), default=0) or 1
    return [None if bar is None else Drawing("bar", (bar / longest,)) for bar in bars]


def _line(value: object) -> Drawing | None:
    given = value if isinstance(value, Mapping) else {"line": value}
    numbers, band = (_numbers(given.get(name)) for name in ("line", "band"))
    known = [number for number in (*numbers, *band) if number is not None]
    if len([number for number in numbers if number is not None]) < 2:
        return None
    low, span = min(known), max(known) - min(known)

    def scaled(number: float) -> float:
        return (number - low) / span if span else 0.5

    line = tuple(None if number is None else scaled(number) for number in numbers)
    return Drawing("trend", line, tuple(scaled(number) for number in band[:2] if number is not None))


def _numbers(value: object) -> list[float | None]:
    return [_number(one) for one in value] if isinstance(value, (list, tuple)) else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def paired(blocks: tuple[Printed, ...]) -> tuple[Printed, ...]:
    """The blocks with each figure or table that stands beside another block joined to it."""
    out: list[Printed] = []
    for block in blocks:
        if (
            isinstance(block, (Figure, Grid))
            and block.beside
            and out
            and not isinstance(out[-1], (Heading, Pair, PageBreak))
        ):
            block = Pair(out.pop(), block)
        out.append(block)
    return tuple(out)


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


def every(blocks: Iterable[Printed]) -> Iterator[Printed]:
    """The blocks and those inside them, in reading order."""
    for block in blocks:
        yield block
        if isinstance(block, Quote):
            yield from every(block.blocks)
        elif isinstance(block, ListBlock):
            for item in block.items:
                yield from every(item)
        elif isinstance(block, Pair):
            yield from every((block.left, block.right))


def runs_of(block: Printed) -> Inline:
    """The runs of a block's own text."""
    if isinstance(block, (Heading, Paragraph)):
        return block.text
    return tuple(run for line in block.lines for run in line) if isinstance(block, Preformatted) else ()


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


LARGE_ROWS = 10
"""A table of so many rows is printed once in a packet; a small one may be wanted where it is read."""


ELSEWHERE = "What every number counts stands in the workbook, sheet Definitions; where it comes from, in its manifest."


def join(documents: list[Document], meta: Meta, *, appendix: bool = True) -> Document:
    """One document with a part per report; what all its numbers mean and where they come from stands once, at the end.

    Without an `appendix` the packet begins with the first page of its first report; only the terms of a reader are
    printed, those that are no measure's definition, behind the report that gives them; a line at the end says that the
    workbook holds the rest.

    Every anchor, number and large table is there once.

    >>> from rcm_analysis.blocks.vocabulary import Note
    >>> one = Document(Meta(title="Aging"), (Note("x"),))
    >>> [type(block).__name__ for block in join([one, one], Meta(title="Packet")).blocks]
    ['Heading', 'Note', 'Heading', 'Note']
    """
    blocks: list[Printed] = []
    terms: dict[tuple[str, str], Term] = {}
    remarks: list[Printed] = []
    origins: dict[tuple[Printed, ...], list[tuple[str, str]]] = {}
    shown: dict[Grid, str] = {}
    printed: set[tuple[str, str]] = set()
    for position, document in enumerate(documents, start=1):
        prefix = f"part-{position}"
        kept, said = _without_glossaries(list(document.blocks), terms)
        kept, origin = _without_origin(kept)
        remarks += [block for block in (_moved(block, prefix) for block in said) if block not in remarks]
        if origin:
            origins.setdefault(origin, []).append((document.meta.title, prefix))
        if position == 1 and not appendix:
            blocks.extend(_once(block, shown, document.meta.title) for block in kept)
        else:
            subtitle = document.meta.period_title if document.meta.period_title != meta.period_title else ""
            blocks.append(_part(document.meta.title, prefix, subtitle))
            blocks.extend(_moved(_once(block, shown, document.meta.title), prefix) for block in kept)
        plain = () if appendix else tuple(term for key, term in terms.items() if not term.name and key not in printed)
        printed |= {key for key, term in terms.items() if not term.name}
        if plain:
            blocks += [Heading(1 if position == 1 else 2, (Run("Terms"),), f"{prefix}-terms"), Glossary(plain), *said]
    if not appendix:
        blocks += [Note(ELSEWHERE)] if origins or len(printed) < len(terms) else []
        terms, remarks, origins = {}, [], {}
    if terms:
        blocks.append(_part("Definitions", "definitions-of-the-packet"))
        blocks.extend(remarks)
        blocks.append(Glossary(tuple(terms.values())))
    if origins:
        blocks.append(_part("Where the numbers come from", "origin-of-the-packet"))
    for origin, reports in origins.items():
        title, prefix = ", ".join(name for name, _ in reports), reports[0][1]
        blocks.append(Heading(2, (Run(title),), f"{prefix}-origin"))
        blocks.extend(_moved(_once(block, shown, title), prefix) for block in origin)
    warnings = tuple(f"{document.meta.title}: {warning}" for document in documents for warning in document.warnings)
    lists = {table.name: table for document in reversed(documents) for table in document.lists}
    workbook = all(document.workbook for document in documents)
    return Document(meta, numbered(tuple(blocks)), warnings, tuple(lists.values()), workbook)


def behinds(blocks: Iterable[Printed]) -> list[Behind]:
    """Every number of the blocks that has rows behind it, in reading order, each once."""
    found: list[Behind | None] = []
    for block in blocks:
        if isinstance(block, Split):
            found += [block.behind, *(piece.behind for piece in block.pieces)]
        elif isinstance(block, Grid):
            found += [cell.behind for row in block.body for cell in row]
    return list(dict.fromkeys(one for one in found if one))


def _part(title: str, anchor: str, subtitle: str = "") -> Heading:
    return Heading(1, (Run(title),), slug(anchor), part=True, subtitle=subtitle)


def _without_glossaries(
    blocks: list[Printed], terms: dict[tuple[str, str], Term]
) -> tuple[list[Printed], list[Printed]]:
    """The blocks without their glossaries, whose terms are gathered; and what is said of the definitions.

    A section that begins with its glossary goes whole: what stands after the glossary is about it.
    """
    kept: list[Printed] = []
    remarks: list[Printed] = []
    closing: Heading | None = None
    for block in blocks:
        if closing is not None and (not isinstance(block, Heading) or block.level > closing.level):
            remarks.append(block)
            continue
        closing = None
        if not isinstance(block, Glossary):
            kept.append(block)
            continue
        for term in block.items:
            terms.setdefault((term.name or term.title, term.formula), term)
        if kept and isinstance(kept[-1], Heading):
            closing = kept[-1]
            kept.pop()
    return kept, remarks


def _without_origin(blocks: list[Printed]) -> tuple[list[Printed], tuple[Printed, ...]]:
    """The blocks without their last section where that begins with facts, and what stands in it.

    A report that is nothing but that section keeps it: the part would be empty.
    """
    last = max((place for place, block in enumerate(blocks) if isinstance(block, Heading)), default=0)
    if not last or last + 1 == len(blocks) or not isinstance(blocks[last + 1], Facts):
        return blocks, ()
    more = blocks[last + 2 :]
    return blocks[:last], (
        replace(blocks[last + 1], title=""),  # type: ignore[arg-type]
        *(replace(block, number=None) if isinstance(block, Grid) else block for block in more),
    )


def _once(block: Printed, shown: dict[Grid, str], part: str) -> Printed:
    """The block, or a note that says in which part the same table stands."""
    if not isinstance(block, Grid) or len(block.body) < LARGE_ROWS or not block.caption:
        return block
    first = shown.setdefault(replace(block, number=None), part)
    return block if first == part else Note(f"{block.caption}: as in the part \u201c{first}\u201d.")


def _moved(block: Printed, prefix: str) -> Printed:
    """The block one level down, its anchors and links inside its own part."""
    if isinstance(block, Heading):
        return replace(
            block, level=min(6, block.level + 1), anchor=f"{prefix}-{block.anchor}", text=_linked(block.text, prefix)
        )
    if isinstance(block, Paragraph):
        return replace(block, text=_linked(block.text, prefix))
    if isinstance(block, Quote):
        return replace(block, blocks=tuple(_moved(inner, prefix) for inner in block.blocks))
    if isinstance(block, ListBlock):
        return replace(block, items=tuple(tuple(_moved(inner, prefix) for inner in item) for item in block.items))
    return block


def _linked(text: tuple[Run, ...], prefix: str) -> tuple[Run, ...]:
    return tuple(
        replace(run, href=f"#{prefix}-{run.href[1:]}") if run.href and run.href.startswith("#") else run for run in text
    )
