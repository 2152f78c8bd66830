"""Blocks → the JSON that the Typst template reads: texts, widths and sizes, never markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...blocks.plain import visible
from ...blocks.vocabulary import (
    Cards,
    Facts,
    Figure,
    Finding,
    Findings,
    Glossary,
    Headline,
    Kpi,
    Kpis,
    Note,
    PageBreak,
    Split,
    Term,
)
from ..document.document import (
    Cell,
    Grid,
    Heading,
    Inline,
    ListBlock,
    Pair,
    Paragraph,
    Preformatted,
    Printed,
    Quote,
    Rule,
    Run,
    paired,
    placed,
)
from ..document.html_tables import rectangular
from ..document.pictures import EXTENSIONS, size_in_points
from .style import (
    DIRECTION_MARKS,
    PDF_ROWS,
    SEVERITY_COLOURS,
    SEVERITY_WORDS,
    STATUS_MARKS,
    STATUS_WORDS,
    TONES,
    capped,
    card_is_wide,
    change_word,
    day_in_words,
    note_word,
    numbered_title,
)

TEXT_WIDTH = 510.0
TALLEST_FIGURE = 300.0
HALF_WIDTH = 248.0
MOST_COLUMNS = 24
DRAWN = {"bar": 14, "trend": 17}
"""Characters that a drawing takes in its column."""
KEPT_TOGETHER = 1_800
_LONG_TOKEN = 28
_EXHIBITS = {"t", "f", "kpis", "cards", "findings", "facts", "split", "pair"}
_BREAK_AFTER = re.compile(r"([/&?=_.\-,;:)])")
_CELL_GAP = 2.4
# Characters of table text that fit across a portrait page at each size, widest first.
_SIZES = ((8.8, 112.0), (8.0, 124.0), (7.2, 138.0), (6.4, 155.0))
_LANDSCAPE = 1.36


def soft(text: str, width: int = _LONG_TOKEN) -> str:
    """`text` with places to break inside tokens longer than `width`.

    >>> soft("short words stay"), soft("a/" * 20).count(chr(0x200B))
    ('short words stay', 19)
    """
    width = max(4, width)
    return re.sub(rf"\S{{{width + 1},}}", lambda match: _with_breaks(match[0], width), text)


def _with_breaks(token: str, width: int) -> str:
    pieces = [piece for piece in _BREAK_AFTER.sub("\\1\u200b", token).split("\u200b") if piece]
    short = (piece[start : start + width] for piece in pieces for start in range(0, len(piece), width))
    return "\u200b".join(short)


class Setter:
    """Turns blocks into JSON; remembers the pictures to write beside it and where tables have row headers."""

    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {}
        self.warnings: list[str] = []
        self.undescribed: list[str] = []

    def blocks(self, blocks: tuple[Printed, ...]) -> list[dict[str, Any]]:
        """All blocks, wide tables on landscape pages together with the headings just above them."""
        data: list[dict[str, Any]] = []
        for block in paired(blocks):
            item = self.block(block)
            if item.get("k") == "t" and item["wide"]:
                self._to_landscape(data, item)
            else:
                data.append(item)
        for item in data[:1]:
            if item["k"] == "h":
                item["first"] = True
        _lead_in(data)
        return data

    def _to_landscape(self, data: list[dict[str, Any]], item: dict[str, Any]) -> None:
        above: list[dict[str, Any]] = []
        while data and data[-1]["k"] == "h":
            above.insert(0, data.pop())
        if data and data[-1]["k"] == "wide":
            data[-1]["x"].extend([*above, item])
        else:
            data.append({"k": "wide", "x": [*above, item]})

    def block(self, block: Printed) -> dict[str, Any]:
        return _SETTERS[type(block)](self, block)

    def heading(self, block: Heading) -> dict[str, Any]:
        return {
            "k": "h",
            "level": block.level,
            "x": _runs(block.text),
            "id": block.anchor,
            "part": block.part,
            "first": False,
            "subtitle": block.subtitle,
        }

    def list(self, block: ListBlock) -> dict[str, Any]:
        items = [[self.block(inner) for inner in item] or [{"k": "p", "x": []}] for item in block.items]
        return {"k": "ol" if block.ordered else "ul", "start": block.start, "items": items}

    def quote(self, block: Quote) -> dict[str, Any]:
        return {"k": "q", "x": [self.block(inner) for inner in block.blocks] or [{"k": "p", "x": []}]}

    def figure(self, block: Figure) -> dict[str, Any]:
        name = numbered_title("Figure", block.number, "")
        if not visible(block.alt):
            self.undescribed.append(name or "A figure")
        words = (text for text in (block.alt, block.finding, block.title) if visible(text))
        alt = next(words, f"{name or 'Figure'} without a description")
        data: dict[str, Any] = {
            "k": "f",
            "number": name,
            "title": soft(block.title),
            "alt": alt,
            "finding": soft(block.finding),
        }
        if block.data:
            path = f"figure-{len(self.pictures) + 1:03d}.{EXTENSIONS[block.mime]}"
            self.pictures[path] = block.data
            data |= {"path": path} | _room(block)
        return data

    def pair(self, block: Pair) -> dict[str, Any]:
        """Two blocks side by side, each as wide as half a page."""
        return {"k": "pair", "x": [_halved(self.block(block.left)), _halved(self.block(block.right))]}


def _halved(item: dict[str, Any]) -> dict[str, Any]:
    """The block for half a page: a picture shrinks, and in a table the first column of words takes what is left."""
    if "path" in item:
        scale = min(1.0, HALF_WIDTH / item["w"])
        return item | {"w": round(item["w"] * scale, 2), "ht": round(item["ht"] * scale, 2)}
    if item["k"] == "t":
        words = max(range(len(item["aligns"])), key=lambda x: (item["aligns"][x] == "left", -x))
        return item | {"wide": False, "widths": [float(x == words) for x in range(len(item["aligns"]))]}
    return item


def _lead_in(data: list[dict[str, Any]]) -> None:
    """A short paragraph that leads from a heading to an exhibit stays on the exhibit's page."""
    for above, item, below in zip(data, data[1:], data[2:], strict=False):
        if item["k"] == "p" and above["k"] in ("h", "p") and below["k"] in _EXHIBITS:
            item["sticky"] = _characters(item["x"]) < 400


def _room(block: Figure) -> dict[str, Any]:
    """Width and height in points: as large as it wants to be, within the page; 0 means as it comes."""
    size = size_in_points(block.data, block.mime)
    if not size:
        return {"w": TEXT_WIDTH, "ht": TALLEST_FIGURE}
    scale = min(1.0, TEXT_WIDTH / size[0], TALLEST_FIGURE / size[1])
    if size[0] > 0.8 * TEXT_WIDTH:
        scale = min(TEXT_WIDTH / size[0], TALLEST_FIGURE / size[1])
    return {"w": round(max(1.0, size[0] * scale), 2), "ht": round(max(1.0, size[1] * scale), 2)}


def _runs(text: Inline) -> list[dict[str, Any]]:
    return [_run(run) for run in text]


def _run(run: Run) -> dict[str, Any]:
    data: dict[str, Any] = {"t": soft(run.text)}
    for key, wanted in (
        ("b", run.bold),
        ("i", run.italic),
        ("s", run.strike),
        ("code", run.code),
        ("br", run.line_break),
    ):
        if wanted:
            data[key] = True
    if run.href:
        data["h"] = run.href
    return data


def _balanced(items: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Tiles of one width in rows: four become two and two, five become three and two."""
    if not items:
        return []
    length = -(-len(items) // -(-len(items) // most))
    return [{"columns": length, "items": items[start : start + length]} for start in range(0, len(items), length)]


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_characters, inner))


def _cards(setter: Setter, block: Cards) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    short: list[dict[str, Any]] = []
    is_pair = len(block.items) == 2
    for card in block.items:
        item = {
            "title": soft(card.title),
            "answer": soft(card.answer),
            "detail": soft(card.detail),
            "wide": card_is_wide(card) and not is_pair,
            "small": is_pair,
        }
        if item["wide"]:
            rows += _balanced(short, 3)
            rows.append({"columns": 1, "items": [item]})
            short = []
        else:
            short.append(item)
    rows += _balanced(short, 3)
    return {"k": "cards", "rows": rows, "keep": max(map(_characters, rows), default=0) < KEPT_TOGETHER}


def _kpis(setter: Setter, block: Kpis) -> dict[str, Any]:
    most = 3 if any(item.comparisons for item in block.items) else 4
    rows = _balanced([_kpi(item) for item in block.items], most)
    return {"k": "kpis", "rows": rows, "keep": max(map(_characters, rows), default=0) < KEPT_TOGETHER}


def _kpi(item: Kpi) -> dict[str, Any]:
    words = STATUS_WORDS[item.status]
    return {
        "label": soft(item.label, 24),
        "value": soft(item.value or "–", 14),
        "note": soft(item.note),
        "target": soft(item.target),
        "status": item.status,
        "words": f"{STATUS_MARKS[item.status]} {words}" if words else "",
        "comparisons": [
            {
                "label": soft(other.label, 18),
                "value": soft(other.value, 14),
                "mark": DIRECTION_MARKS.get(other.direction, ""),
                "word": change_word(other),
            }
            for other in item.comparisons
        ],
    }


def _findings(setter: Setter, block: Findings) -> dict[str, Any]:
    return {"k": "findings", "title": block.title, "items": [_finding(item) for item in block.items]}


def _finding(item: Finding) -> dict[str, Any]:
    lines = [f"Owner: {item.owner}" if item.owner else "", f"Due: {day_in_words(item.due)}" if item.due else ""]
    data = {
        "title": soft(item.title),
        "detail": soft(item.detail),
        "amount": soft(item.amount, 14),
        "lines": [soft(line) for line in lines if line],
        "severity": f"{SEVERITY_WORDS[item.severity]} priority" if item.severity else "",
        "colour": SEVERITY_COLOURS.get(item.severity, "mute"),
    }
    return data | {"keep": _characters(data) < KEPT_TOGETHER}


def _note(setter: Setter, block: Note) -> dict[str, Any]:
    return {
        "k": "note",
        "tone": block.tone,
        "word": note_word(block),
        "t": soft(block.text),
        "keep": len(block.text) < KEPT_TOGETHER,
    }


def _split(setter: Setter, block: Split) -> dict[str, Any]:
    pieces = [
        {
            "value": soft(piece.value, 14),
            "label": soft(piece.label, 18),
            "share": piece.share,
            "colour": TONES[piece.tone],
        }
        for piece in block.pieces
    ]
    return {"k": "split", "title": soft(block.title), "pieces": pieces, "definition": soft(block.definition)}


def _facts(setter: Setter, block: Facts) -> dict[str, Any]:
    body = tuple((Cell(fact.label, head=True), Cell(fact.value)) for fact in block.items)
    table = Grid(2, (), body, aligns=("left", "left"))
    return {"k": "facts", "title": block.title, "table": table_data(table) | {"widths": [3, 7], "size": 8.8}}


def _glossary(setter: Setter, block: Glossary) -> dict[str, Any]:
    return {"k": "glossary", "items": [_term(term) for term in block.items]}


def _term(term: Term) -> dict[str, Any]:
    about = [f"Unit: {term.unit}" if term.unit else "", f"Source: {term.source}" if term.source else ""]
    data = {
        "title": soft(term.title or term.name),
        "formula": soft(term.formula),
        "about": soft(" · ".join(filter(None, about))),
    }
    return data | {"keep": _characters(data) < KEPT_TOGETHER}


def table_data(table: Grid) -> dict[str, Any]:
    """A table with its text size, its column widths, and whether it needs a landscape page.

    A small table keeps its natural width; a middling one gives the slack to its text columns; a tight one
    shares the page in proportion, in a smaller size, and turns the page when even that is not enough.
    """
    table = _narrowed(capped(table, PDF_ROWS))
    wanted = _natural_widths(table)
    total = sum(wanted) + _CELL_GAP * table.columns
    wide = total > _SIZES[2][1]
    room = total / (_LANDSCAPE if wide else 1)
    size, fits = next(((size, fits) for size, fits in _SIZES if room <= fits), _SIZES[-1])
    widths = _widths(table, wanted, room, fits)
    usable = fits * (_LANDSCAPE if wide else 1) - _CELL_GAP * table.columns
    share = [int(usable * width / sum(wanted)) if room > 0.9 * fits else 200 for width in wanted]
    lines = sum(_lines(row, wanted) for row in table.body)
    return {
        "k": "t",
        "head": [[_cell(cell, table, share, x, head=True) for x, cell in placed(row)] for row in table.head],
        "body": [
            [_cell(cell, table, share, x, total=y in table.emphasis) for x, cell in placed(row)]
            for y, row in enumerate(table.body)
        ],
        "number": numbered_title("Table", table.number, ""),
        "title": soft(table.caption),
        "definition": soft(table.definition),
        "notes": [soft(note) for note in table.notes],
        "aligns": list(table.aligns),
        "widths": widths,
        "size": size,
        "wide": wide,
        "keep": lines + 3 * len(table.head) <= (18 if wide else 26),
    }


def _narrowed(table: Grid) -> Grid:
    """No more columns than a landscape page can hold."""
    if table.columns <= MOST_COLUMNS:
        return table
    note = f"Columns 1–{MOST_COLUMNS} of {table.columns}; all are in the workbook."
    return replace(
        table,
        columns=MOST_COLUMNS,
        head=rectangular(table.head, MOST_COLUMNS),
        body=rectangular(table.body, MOST_COLUMNS),
        aligns=table.aligns[:MOST_COLUMNS],
        notes=(*table.notes, note),
    )


def _natural_widths(table: Grid) -> list[int]:
    """Characters each column wants: its widest line, up to 34, or its longest header word."""
    widths = [2] * table.columns
    for rows, head in ((table.head, True), (table.body, False)):
        for row in rows:
            if sum(cell.colspan for cell in row) != table.columns:
                continue
            for x, cell in placed(row):
                if cell.drawing:
                    widths[x] = max(widths[x], DRAWN[cell.drawing.kind] + len(cell.text) * (cell.drawing.kind == "bar"))
                elif cell.colspan == 1 and cell.text.strip():
                    pieces = cell.text.split() if head else cell.text.split("\n")
                    widths[x] = max(widths[x], min(34, max(map(len, pieces)) + (1 if head or cell.bold else 0)))
    return widths


def _widths(table: Grid, wanted: list[int], room: float, fits: float) -> list[float]:
    if room < 0.6 * fits:
        return [0] * table.columns
    text_columns: list[float] = [
        width if align == "left" and width > 12 else 0 for align, width in zip(table.aligns, wanted, strict=True)
    ]
    if room <= 0.9 * fits and any(text_columns):
        return text_columns
    return [width + _CELL_GAP for width in wanted]


def _lines(row: tuple[Cell, ...], wanted: list[int]) -> int:
    """Lines the row will take, generously."""
    return max(
        (
            sum(1 + len(line) // max(8, wanted[min(x, len(wanted) - 1)]) for line in cell.text.split("\n"))
            for x, cell in placed(row)
        ),
        default=1,
    )


def _cell(
    cell: Cell, table: Grid, share: list[int], x: int, *, head: bool = False, total: bool = False
) -> dict[str, Any]:
    width = share[x] if x < len(share) and cell.colspan == 1 else 200
    data: dict[str, Any] = {"t": soft(cell.text, min(_LONG_TOKEN, max(4, width)))}
    facts = (
        ("cs", cell.colspan if cell.colspan > 1 else None),
        ("rs", cell.rowspan if cell.rowspan > 1 else None),
        ("a", cell.align),
        ("b", cell.bold),
        ("i", cell.italic),
        ("c", cell.color),
        ("f", cell.fill),
        ("e", total),
        ("rowhead", cell.head and not head),
    )
    data |= {key: value for key, value in facts if value}
    if cell.drawing:
        data |= {cell.drawing.kind: list(cell.drawing.values), "band": list(cell.drawing.band)}
    if head:
        data["side"] = table.aligns[x] if x < len(table.aligns) else "left"
    return data


_SETTERS: dict[type, Callable[[Setter, Any], dict[str, Any]]] = {
    Heading: Setter.heading,
    Paragraph: lambda setter, block: {"k": "p", "x": _runs(block.text)},
    ListBlock: Setter.list,
    Quote: Setter.quote,
    Preformatted: lambda setter, block: {"k": "code", "t": soft(block.text, 90)},
    Rule: lambda setter, block: {"k": "hr"},
    PageBreak: lambda setter, block: {"k": "break"},
    Grid: lambda setter, block: table_data(block),
    Figure: Setter.figure,
    Kpis: _kpis,
    Cards: _cards,
    Findings: _findings,
    Note: _note,
    Headline: lambda setter, block: {"k": "headline", "t": soft(block.text)},
    Split: _split,
    Pair: Setter.pair,
    Facts: _facts,
    Glossary: _glossary,
}
