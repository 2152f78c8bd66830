"""The blocks of a report, each a frozen record: shown in the notebook, stored in it as a payload, printed by the press.

A block is data, never markup: every text in it is plain text. `payload` is what the notebook stores, under
one MIME type; `read_block` is the way back, for a notebook that anybody may have made. There texts are cleaned,
a word that is not known becomes the default, and what a block cannot do without is refused by the kind and the
name of its key, never with a value. Whoever looks at the notebook itself sees a block as quiet HTML (`as_html`).
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any, ClassVar, Literal, Self

import jinja2

from ..errors import RunError
from .palette import DARK, DARK_THEMES, PALETTE, variables
from .plain import clean, one_line


@functools.cache
def bench_template() -> jinja2.Template:
    """How a block looks in the notebook itself, read once."""
    loader = jinja2.PackageLoader("rcm_analysis.blocks", ".")
    pages = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["base64"] = lambda data: base64.b64encode(data).decode()
    pages.filters["longest"], pages.filters["line"] = _longest, _line
    pages.globals["css"] = _css()
    return pages.get_template("bench.html")


def _css() -> str:
    dark = ",".join(f"{theme} .rcm" for theme in DARK_THEMES)
    rules = resources.files(__package__).joinpath("bench.css").read_text(encoding="utf-8").replace("\n", "")
    return f".rcm{{{variables(PALETTE)}}}{dark}{{{variables(DARK)}}}{rules}"


def as_html(block: Any, right: Any = None) -> str:
    """The block, and one that stands at its right, as escaped HTML without a script, which MathJax leaves alone;
    nothing for what is not to be seen."""
    return "" if block.kind in ("inputs", "pagebreak") else bench_template().render(block=block, right=right)


def _longest(table: Table) -> list[float]:
    """The longest bar of each column of a table; 1 where it has none."""
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    numbers = [[abs(one) for one in column if isinstance(one, (int, float)) and one == one] for column in columns]
    return [max(column, default=0) or 1 for column in numbers]


def _line(value: Any) -> str:
    """A trend as the points of a line, 100 wide and 20 high; what is unknown is left out."""
    given = value.get("line") if isinstance(value, Mapping) else value
    line = list(given or ())
    known = [(place, one) for place, one in enumerate(line) if isinstance(one, (int, float)) and one == one]
    if len(known) < 2:
        return ""
    low, high, wide = min(one for _, one in known), max(one for _, one in known), len(line) - 1
    return " ".join(
        f"{2 + 96 * place / wide:.1f},{18 - 16 * (one - low) / ((high - low) or 1):.1f}" for place, one in known
    )


MIME = "application/vnd.rcm.block+json"
BRIEF = "brief"
"""The layout of a report of a page or two."""
NUMERIC = frozenset({"usd", "count", "rate", "days", "number", "mixed"})
"""The units whose columns stand at the right; each value of a "mixed" column is a pair: the value and its own unit."""

Align = Literal["left", "center", "right"]


class _Unfit(Exception):
    """What a value must be, where it is not."""


class Part:
    """A record of plain values. Fields that know how to be read are what its payload holds."""

    __slots__ = ()
    kind: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            known, value = item.metadata.get("words"), getattr(self, item.name)
            if known and value not in known:
                raise ValueError(f"{item.name} should be one of {', '.join(filter(None, known))}; found {value!r}")

    @property
    def payload(self) -> dict[str, Any]:
        """The record as JSON takes it."""
        named = {"kind": self.kind} if self.kind else {}
        stored = [item for item in fields(self) if "read" in item.metadata]  # type: ignore[arg-type]
        values = {item.name: getattr(self, item.name) for item in stored}
        left_out = {item.name for item in stored if "sparse" in item.metadata and values[item.name] == item.default}
        return named | {name: _plain(value) for name, value in values.items() if name not in left_out}

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Self:
        """The record of a payload; RunError where it does not hold what the kind needs."""
        given = {}
        for item in fields(cls):  # type: ignore[arg-type]
            if "read" not in item.metadata:
                continue
            if "needed" in item.metadata and item.name not in payload:
                raise RunError(
                    f"A block of kind '{cls.kind}' must hold '{item.name}'; it is missing. "
                    "Emit it through the notebook's report helper."
                )
            try:
                given[item.name] = item.metadata["read"](payload.get(item.name))
            except _Unfit as error:
                raise RunError(f"'{item.name}' of a block of kind '{cls.kind}' must be {error}.") from error
        return cls(**given)


class Block(Part):
    """One exhibit of a report."""

    __slots__ = ()

    def bundle(self) -> dict[str, Any]:
        """The MIME bundle of the block: itself, and a quiet copy for whoever looks at the notebook."""
        return {MIME: self.payload, "text/plain": f"[{self.kind}]", "text/html": as_html(self)}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.bundle()


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.payload
    if isinstance(value, (tuple, list)):
        return [item if type(item) in _ATOMS else _plain(item) for item in value]
    return value


_ATOMS = frozenset({str, int, float, bool, type(None)})


def _stored(default: Any, read: Callable[[Any], Any], **more: Any) -> Any:
    """A field that the payload holds: `needed` there, or `sparse`, left out where it is as usual."""
    return field(default=default, metadata={"read": read, **more})


def _text(default: str = "", **more: Any) -> Any:
    return _stored(default, lambda value: one_line(value) or default, **more)


def _word(default: str, *known: str, **more: Any) -> Any:
    words = (default, *known)
    return _stored(
        default, lambda value: value if isinstance(value, str) and value in words else default, words=words, **more
    )


def _texts(**more: Any) -> Any:
    return _stored((), lambda value: tuple(map(one_line, value)) if isinstance(value, list) else (), **more)


def _parts(kind: type[Part], **more: Any) -> Any:
    """The items of a block: with `needed` they must be right, else those that are none are left out."""

    def read(value: Any) -> tuple[Part, ...]:
        there = value if isinstance(value, list) else []
        items = [item for item in there if isinstance(item, Mapping)]
        if "needed" in more and (there is not value or len(items) < len(there)):
            raise _Unfit("a list of objects")
        return tuple(map(kind.read, items))

    return _stored((), read, **more)


def _share(value: Any) -> float:
    return min(1.0, max(0.0, float(value))) if isinstance(value, (int, float)) and value == value else 0.0


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


@dataclass(frozen=True, slots=True)
class Note(Block):
    """One paragraph in a box: what the reader must know beside the numbers.

    >>> Note("No denials were posted in October.").payload
    {'kind': 'note', 'text': 'No denials were posted in October.', 'tone': 'info'}
    """

    kind = "note"
    text: str = _stored("", lambda value: clean(value).strip(), needed=True)
    tone: str = _word("info", "warning")


@dataclass(frozen=True, slots=True)
class Headline(Block):
    """The finding of a page in a sentence or two, above everything else on it."""

    kind = "headline"
    text: str = _text(needed=True)


@dataclass(frozen=True, slots=True)
class Behind(Part):
    """Which rows are behind a number: those of `table` where its column `amount` is not 0 and `where` holds.

    `where` holds conditions as "column=value", all of which must hold; `cents` is what `amount` adds up to over these
    rows, to the cent. `row` and `column` say where the number stands, if in a table.
    """

    table: str = _text()
    amount: str = _text()
    cents: int = _stored(0, _whole)
    title: str = _text()
    where: tuple[str, ...] = _texts(sparse=True)
    row: int = _stored(0, _whole, sparse=True)
    column: str = _text(sparse=True)


def _behind() -> Any:
    return _stored(None, lambda value: Behind.read(value) if isinstance(value, Mapping) else None, sparse=True)


@dataclass(frozen=True, slots=True)
class Piece(Part):
    """One piece of a whole: what it is, its amount as text, its share of the whole (0 to 1)."""

    label: str = _text()
    value: str = _text()
    share: float = _stored(0.0, lambda value: _share(value))
    tone: str = _word("strong", "medium", "light", "pale", "neutral", "alert")
    behind: Behind | None = _behind()


@dataclass(frozen=True, slots=True)
class Split(Block):
    """A whole as one bar of its pieces, which add up to it; each piece is named beneath the bar."""

    kind = "split"
    title: str = _text()
    pieces: tuple[Piece, ...] = _parts(Piece, needed=True)
    definition: str = _text()
    behind: Behind | None = _behind()


@dataclass(frozen=True, slots=True)
class PageBreak(Block):
    """A new page in print."""

    kind = "pagebreak"


@dataclass(frozen=True, slots=True)
class Card(Part):
    """One question of the sixty-second page and its answer."""

    title: str = _text()
    answer: str = _text()
    detail: str = _text()


@dataclass(frozen=True, slots=True)
class Cards(Block):
    """Page one: question, answer, one sentence."""

    kind = "cards"
    items: tuple[Card, ...] = _parts(Card, needed=True)


@dataclass(frozen=True, slots=True)
class Comparison(Part):
    """An earlier value beside a tile, and whether the move since then is good; None where it is neither."""

    label: str = _text()
    value: str = _text()
    direction: str = _word("", "up", "down", "flat")
    good: bool | None = _stored(None, lambda value: value if isinstance(value, bool) else None)


@dataclass(frozen=True, slots=True)
class Kpi(Part):
    """One tile: a value with its basis, target and earlier values."""

    label: str = _text()
    value: str = _text()
    note: str = _text()
    target: str = _text()
    status: str = _word("neutral", "good", "bad", "empty")
    comparisons: tuple[Comparison, ...] = _parts(Comparison)


@dataclass(frozen=True, slots=True)
class Kpis(Block):
    """The row of tiles."""

    kind = "kpis"
    items: tuple[Kpi, ...] = _parts(Kpi, needed=True)


@dataclass(frozen=True, slots=True)
class Finding(Part):
    """One thing to do: what, why, dollars, owner, day (ISO)."""

    title: str = _text()
    detail: str = _text()
    amount_cents: int | None = _stored(None, lambda value: value if isinstance(value, int) else None)
    amount: str = _text()
    owner: str = _text()
    due: str = _text()
    severity: str = _word("", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Findings(Block):
    """A list of things to do."""

    kind = "findings"
    title: str = _text()
    items: tuple[Finding, ...] = _parts(Finding, needed=True)


@dataclass(frozen=True, slots=True)
class Fact(Part):
    """A label and a value: provenance, parameters."""

    label: str = _text()
    value: str = _text()


@dataclass(frozen=True, slots=True)
class Facts(Block):
    """Labels and values."""

    kind = "facts"
    title: str = _text()
    items: tuple[Fact, ...] = _parts(Fact, needed=True)


@dataclass(frozen=True, slots=True)
class Term(Part):
    """What one measure means."""

    name: str = _text()
    title: str = _text()
    formula: str = _text()
    unit: str = _text()
    source: str = _text()


@dataclass(frozen=True, slots=True)
class Glossary(Block):
    """The definitions of the measures that were used; in the workbook only where `print` is False."""

    kind = "glossary"
    items: tuple[Term, ...] = _parts(Term, needed=True)
    print: bool = _stored(True, lambda value: value is not False, sparse=True)


@dataclass(frozen=True, slots=True)
class Column(Part):
    """One column of a table: its name, heading and unit.

    `editable` columns are filled in by hand in the workbook, where their cells are checked by unit, or against
    `choices`, a drop-down list. The texts of a `link` column name sheets of the workbook, and lead to them there.
    A `drawn` column is also drawn on the page: its number as a "bar" beside the text, or the list of numbers that
    it holds as a "trend" line, whose text is only heard; a trend is left out of the workbook.
    """

    name: str = _text()
    title: str = _text()
    unit: str = _text("text")
    drawn: str = _word("", "bar", "trend", sparse=True)
    editable: bool = _stored(False, lambda value: value is True, sparse=True)
    link: bool = _stored(False, lambda value: value is True, sparse=True)
    choices: tuple[str, ...] = _texts(sparse=True)

    @property
    def heading(self) -> str:
        return self.title or self.name

    @property
    def align(self) -> Align:
        return "right" if self.unit in NUMERIC else "center" if self.unit == "flag" else "left"


Rows = tuple[tuple[Any, ...], ...]


def _rows(value: Any) -> Rows:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise _Unfit("a list of lists")
    return tuple(map(tuple, value))


@dataclass(frozen=True, slots=True)
class Table(Block):
    """A table twice: its values for the workbook, its texts for the page (None: the values as they are).

    `name` becomes the name of its sheet; `definition` says in a line what the rows are, on which date basis, in
    which unit; `emphasis` holds the row numbers of totals; `row_header` is the column that names the rows. With
    `print` False the table is for the workbook only; a table that is `beside` stands at the right of the block before
    it, where the page is wide enough. `behind` says which rows of other tables are behind numbers of this one.
    """

    kind = "table"
    name: str = _text()
    title: str = _text()
    columns: tuple[Column, ...] = _parts(Column, needed=True)
    rows: Rows = _stored((), lambda value: _rows(value) if value is not None else ())
    text: Rows | None = _stored(None, lambda value: _rows(value) if value is not None else None, sparse=True)
    emphasis: tuple[int, ...] = _stored((), lambda value: tuple(value) if isinstance(value, list) else ())
    notes: tuple[str, ...] = _texts()
    row_header: int | None = _stored(None, lambda value: value if isinstance(value, int) else None)
    definition: str = _text()
    print: bool = _stored(True, lambda value: value is not False)
    beside: bool = _stored(False, lambda value: value is True, sparse=True)
    behind: tuple[Behind, ...] = _parts(Behind, sparse=True)

    def __post_init__(self) -> None:
        wide = len(self.columns)
        for what, rows in (("value", self.rows), ("text", self.shown)):
            wrong = [number for number, row in enumerate(rows) if len(row) != wide]
            if wrong or not wide:
                raise RunError(
                    f"The table '{self.name[:40]}' must have one {what} per column ({wide}) in every row; "
                    f"{len(wrong)} of its {len(rows)} rows have not{f' (first: row {wrong[0]})' if wrong else ''}. "
                    "Build it with exhibits.tables."
                )
        rows = max(len(self.rows), len(self.shown))
        inside = tuple(row for row in self.emphasis if isinstance(row, int) and 0 <= row < rows)
        object.__setattr__(self, "emphasis", inside)

    @property
    def shown(self) -> Rows:
        """What the page prints."""
        return self.rows if self.text is None else self.text

    def same_data(self, other: Table) -> bool:
        return (self.name, self.columns, self.rows) == (other.name, other.columns, other.rows)


@dataclass(frozen=True, slots=True)
class Figure(Block):
    """A picture, its description for those who cannot see it, its finding in words, the numbers behind it.

    The picture travels beside the payload; `number` is its place among the figures of a document. A figure that is
    `beside` stands at the right of the block before it, where the page is wide enough. `width` and `height` are what
    its author asked for, in pixels; 0 where nothing was asked.
    """

    kind = "figure"
    name: str = _text()
    title: str = _text()
    alt: str = _text()
    finding: str = _text()
    table: Table | None = _stored(None, lambda value: Table.read(value) if isinstance(value, Mapping) else None)
    beside: bool = _stored(False, lambda value: value is True, sparse=True)
    data: bytes = b""
    mime: str = "image/svg+xml"
    number: int | None = None
    width: float = 0.0
    height: float = 0.0

    @property
    def svg(self) -> str:
        return self.data.decode() if self.mime == "image/svg+xml" else ""

    def bundle(self) -> dict[str, Any]:
        return Block.bundle(self) | ({"image/svg+xml": self.svg} if self.svg else {})


@dataclass(frozen=True, slots=True)
class Source(Part):
    """One table that a report read: its rows, and the fingerprint of its content."""

    table: str = _text()
    rows: int = _stored(0, _whole)
    fingerprint: str = _text()


@dataclass(frozen=True, slots=True)
class Inputs(Block):
    """What went in, for the manifest and not for print: the tables of one client, and what intake noticed in them."""

    kind = "inputs"
    tables: tuple[Source, ...] = _parts(Source)
    findings: int = _stored(0, _whole)
    client: str = _text()


@dataclass(frozen=True, slots=True)
class Brand(Part):
    """How the firm wants its documents to look: one color as #rrggbb, its logo, the words at the end of each document.

    `logo` is a PNG or SVG as base64.
    """

    color: str = _stored("", lambda value: value if re.fullmatch(r"#[0-9a-f]{6}", str(value)) else "", sparse=True)
    logo: str = _text(sparse=True)
    mime: str = _word("image/png", "image/svg+xml", sparse=True)
    disclaimer: str = _text(sparse=True)

    @property
    def picture(self) -> bytes:
        """The logo's bytes; nothing where there is none, or it is no base64."""
        try:
            return base64.b64decode(self.logo, validate=True)
        except ValueError:
            return b""


@dataclass(frozen=True, slots=True)
class Meta(Block):
    """What the cover and the running header say. With `layout` "brief" a band on page one is all the cover there is."""

    kind = "meta"
    title: str = _text("Report")
    client: str = _text()
    client_name: str = _text()
    period: str = _text()
    period_title: str = _text()
    as_of: str = _text()
    firm: str = _text()
    template: str = _text()
    template_version: str = _text()
    lang: str = "en"
    layout: str = _text(sparse=True)
    brand: Brand = _stored(
        Brand(), lambda value: Brand.read(value) if isinstance(value, Mapping) else Brand(), sparse=True
    )


KINDS: dict[str, type[Block]] = {
    kind.kind: kind
    for kind in (
        *(Note, Headline, Split, PageBreak, Cards, Kpis, Findings, Facts, Glossary),
        *(Table, Figure, Inputs, Meta),
    )
}


def read_block(payload: Any) -> Block | None:
    """The block of a payload; nothing for a kind that this version does not know.

    >>> read_block({"kind": "note", "tone": "loud", "text": "\\x00No denials"})
    Note(text='No denials', tone='info')
    >>> read_block({"kind": "hologram"}) is None
    True
    """
    kind = KINDS.get(str(payload.get("kind"))) if isinstance(payload, Mapping) else None
    return kind.read(payload) if kind else None
