"""Blocks → the JSON that the Typst template reads: texts, widths and sizes, never markup."""

from __future__ import annotations

from collections.abc import Callable
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
    Formula,
    Grid,
    Heading,
    Inline,
    LeftOut,
    ListBlock,
    Pair,
    Paragraph,
    Preformatted,
    Printed,
    Quote,
    Rule,
    Run,
    paired,
)
from ..document.mathematics import tree
from ..document.pictures import EXTENSIONS, for_paper, size_in_points
from ..document.printouts import shortened
from .style import (
    DIRECTION_MARKS,
    PDF_LINES,
    SEVERITY_COLOURS,
    SEVERITY_WORDS,
    STATUS_MARKS,
    STATUS_WORDS,
    TONES,
    card_is_wide,
    cards_abreast,
    change_word,
    day_in_words,
    is_turned,
    note_word,
    numbered_title,
)
from .typeset_tables import half_page_size, soft, table_data, tables_data, words_column

TEXT_WIDTH = 510.0
TALLEST_FIGURE = 300.0
TALLEST_UPRIGHT = 580.0
"""A picture that is higher than wide may take a page."""

HALF_WIDTH = 248.0
LINES_OF_A_PIECE = 40
"""Print-outs are set in pieces of so many lines: setting one long text takes time by the square of its lines."""

POINTS_OF_A_PIXEL = 0.75
KEPT_TOGETHER = 1_800
_EXHIBITS = {"t", "f", "kpis", "cards", "findings", "facts", "split", "pair"}


class Setter:
    """Turns blocks into JSON; remembers the pictures to write beside it and where tables have row headers."""

    def __init__(self, *, workbook: bool = True) -> None:
        self.workbook = workbook
        self.pictures: dict[str, bytes] = {}
        self.warnings: list[str] = []
        self.undescribed: list[str] = []

    def blocks(self, blocks: tuple[Printed, ...]) -> list[dict[str, Any]]:
        """All blocks, wide tables on landscape pages together with the headings just above them."""
        data: list[dict[str, Any]] = []
        for block in paired(blocks):
            item = self.block(block)
            for part in item["x"] if item["k"] == "parts" else [item]:
                if part["k"] == "t" and part["wide"]:
                    self._to_landscape(data, part)
                else:
                    data.append(part)
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
            drawn, words = for_paper(block.data, block.mime)
            data |= {"path": self.picture(drawn, block.mime)} | _room(block)
            if words:
                data["finding"] = soft(f"{block.finding} In the drawing, where paper cannot place it: {words}".strip())
        return data

    def picture(self, data: bytes, mime: str) -> str:
        """The name of a picture's file, which will stand beside the page."""
        path = f"figure-{len(self.pictures) + 1:03d}.{EXTENSIONS[mime]}"
        self.pictures[path] = data
        return path

    def table(self, block: Grid) -> dict[str, Any]:
        """A table, in parts where its columns do not fit across one page."""
        parts = tables_data(block, workbook=self.workbook, picture=self.picture)
        return parts[0] if len(parts) == 1 else {"k": "parts", "x": parts}

    def preformatted(self, block: Preformatted) -> dict[str, Any]:
        head, words, last = shortened(block, PDF_LINES)
        data = {
            "k": "code",
            "kind": block.kind,
            "x": _pieces(head),
            "left": words,
            "last": _pieces(last) if last else [],
        }
        return data | {"rtl": is_turned(block.text)}

    def pair(self, block: Pair) -> dict[str, Any]:
        """Two blocks side by side, each as wide as half a page; one above the other where a table needs more."""
        both = (block.left, block.right)
        sizes = [half_page_size(one) if isinstance(one, Grid) else 1.0 for one in both]
        if not all(sizes):
            return {"k": "parts", "x": [self.block(one) for one in both]}
        halves = [_halved(self.block(one), size) for one, size in zip(both, sizes, strict=True)]
        return {"k": "pair", "x": halves}


def _pieces(lines: tuple[Inline, ...]) -> list[dict[str, Any]]:
    """Lines of text in pieces: as one text, or as runs where they have a style."""
    pieces = [lines[start : start + LINES_OF_A_PIECE] for start in range(0, len(lines), LINES_OF_A_PIECE)]
    return [
        {"lines": [_runs(line) for line in piece]}
        if any(run.bold or run.italic or run.strike or run.color for line in piece for run in line)
        else {"t": soft("\n".join("".join(run.text for run in line) for line in piece), 90)}
        for piece in pieces
    ]


def _halved(item: dict[str, Any], size: float) -> dict[str, Any]:
    """The block for half a page: a picture shrinks, and in a table the first column of words takes what is left."""
    if "path" in item:
        scale = min(1.0, HALF_WIDTH / item["w"])
        return item | {"w": round(item["w"] * scale, 2), "ht": round(item["ht"] * scale, 2)}
    if item["k"] == "t":
        words = words_column(item["aligns"])
        widths = [float(x == words) for x in range(len(item["aligns"]))]
        return item | {"wide": False, "widths": widths, "size": min(size, item["size"])}
    return item


def _lead_in(data: list[dict[str, Any]]) -> None:
    """A short paragraph that leads from a heading to an exhibit stays on the exhibit's page."""
    for above, item, below in zip(data, data[1:], data[2:], strict=False):
        if item["k"] == "p" and above["k"] in ("h", "p") and below["k"] in _EXHIBITS:
            item["sticky"] = _characters(item["x"]) < 400


def _room(block: Figure) -> dict[str, Any]:
    """Width and height in points: as large as it wants or was asked to be, within the page; 0 means as it comes."""
    size = _asked(block, size_in_points(block.data, block.mime))
    if not size:
        return {"w": TEXT_WIDTH, "ht": TALLEST_FIGURE}
    tallest = TALLEST_UPRIGHT if size[1] > 1.2 * size[0] else TALLEST_FIGURE
    scale = min(1.0, TEXT_WIDTH / size[0], tallest / size[1])
    if size[0] > 0.8 * TEXT_WIDTH and not (block.width or block.height):
        scale = min(TEXT_WIDTH / size[0], tallest / size[1])
    return {"w": round(max(1.0, size[0] * scale), 2), "ht": round(max(1.0, size[1] * scale), 2)}


def _asked(block: Figure, size: tuple[float, float] | None) -> tuple[float, float] | None:
    """The size that the author asked for; one length brings the other with it."""
    width, height = block.width * POINTS_OF_A_PIXEL, block.height * POINTS_OF_A_PIXEL
    if width and height:
        return width, height
    if size is None or not (width or height):
        return size
    return (width, size[1] * width / size[0]) if width else (size[0] * height / size[1], height)


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
        ("sub", run.script == "sub"),
        ("super", run.script == "super"),
    ):
        if wanted:
            data[key] = True
    if run.color:
        data["c"] = run.color
    if run.math:
        data |= _formula(run.text)
    if run.href:
        data["h"] = run.href
    return data


def _formula(tex: str) -> dict[str, Any]:
    """A formula for Typst's own mathematics; without a tree it stays the code it is."""
    found = tree(tex)
    return {"t": tex, "tree": found} if found else {"t": tex, "code": True}


def _paragraph(setter: Setter, block: Paragraph) -> dict[str, Any]:
    turned = {"rtl": True} if is_turned("".join(run.text for run in block.text)) else {}
    return {"k": "p", "x": _runs(block.text)} | turned


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
    is_small = cards_abreast(block.items) > 0
    for card in block.items:
        item = {
            "title": soft(card.title),
            "answer": soft(card.answer),
            "detail": soft(card.detail),
            "wide": card_is_wide(card) and not is_small,
            "small": is_small,
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


_SETTERS: dict[type, Callable[[Setter, Any], dict[str, Any]]] = {
    Heading: Setter.heading,
    Paragraph: _paragraph,
    ListBlock: Setter.list,
    Quote: Setter.quote,
    Preformatted: Setter.preformatted,
    Formula: lambda setter, block: {"k": "math"} | _formula(block.tex),
    LeftOut: lambda setter, block: {"k": "left", "t": soft(block.text)},
    Rule: lambda setter, block: {"k": "hr"},
    PageBreak: lambda setter, block: {"k": "break"},
    Grid: Setter.table,
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
