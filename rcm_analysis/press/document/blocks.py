"""The neutral document: the only thing the HTML and PDF writers see.

Every leaf is plain text plus a few checked facts (an alignment, a colour, a link with a safe scheme), so
neither writer can be made to run anything by what a raw file holds, and both print the same document.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Align = Literal["left", "center", "right"]


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
    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Preformatted:
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    pass


@dataclass(frozen=True, slots=True)
class PageBreak:
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
class Table:
    """A rectangular table: spans never overlap and never leave the grid.

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


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, its description for those who cannot see it, and its finding in words."""

    data: bytes
    mime: str
    alt: str
    title: str = ""
    finding: str = ""
    name: str = ""
    table: Table | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    label: str
    value: str
    direction: str = ""
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Kpi:
    label: str
    value: str
    note: str = ""
    target: str = ""
    status: str = "neutral"
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Kpis:
    items: tuple[Kpi, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One question of the sixty-second page and its answer."""

    title: str
    answer: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cards:
    items: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    title: str
    detail: str = ""
    amount: str = ""
    owner: str = ""
    due: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    title: str
    items: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Note:
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    title: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Term:
    name: str
    title: str
    formula: str = ""
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Glossary:
    items: tuple[Term, ...]


Block = (
    Heading
    | Paragraph
    | ListBlock
    | Quote
    | Preformatted
    | Rule
    | PageBreak
    | Table
    | Figure
    | Kpis
    | Cards
    | Findings
    | Note
    | Facts
    | Glossary
)


BRIEF = "brief"
"""The layout of a report of a page or two."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What the cover and the running header say. With `layout` "brief" a band on page one is all the cover there is."""

    title: str = "Report"
    client: str = ""
    client_name: str = ""
    period: str = ""
    period_title: str = ""
    as_of: str = ""
    firm: str = ""
    template: str = ""
    template_version: str = ""
    lang: str = "en"
    layout: str = ""


@dataclass(frozen=True)
class Document:
    """A report, or a packet of reports, ready to be written.

    `warnings` are what the person at the desk should know; `inputs` are the payloads that name the tables
    read, for the manifest.
    """

    meta: Meta
    blocks: tuple[Block, ...]
    warnings: tuple[str, ...] = ()
    inputs: tuple[dict[str, Any], ...] = field(default=())


def plain_text(text: Inline) -> str:
    """The words of a line without their style."""
    return "".join(run.text for run in text)


def numbered(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks with their captioned tables and figures counted from one, in reading order."""
    tables = figures = 0
    counted: list[Block] = []
    for block in blocks:
        if isinstance(block, Table) and block.caption:
            tables += 1
            block = replace(block, number=tables)
        elif isinstance(block, Figure):
            figures += 1
            block = replace(block, number=figures)
        counted.append(block)
    return tuple(counted)
