"""Document → one self-contained HTML page: no network, nothing that a text could make run.

The page is the template `pages/report.html`, which escapes every text; pictures are `data:` images, in which
scripts do not run; the content security policy allows the page's own style by its hash and forbids everything else. A
page that carries the claims behind its numbers has one script, allowed by its hash.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import Any, Literal

import jinja2
from markupsafe import Markup

from ...blocks.vocabulary import Figure, Kpi, Meta, Piece, Split, Table
from ..document.document import (
    Cell,
    Document,
    Formula,
    Grid,
    Heading,
    Inline,
    Preformatted,
    Run,
    every,
    grid_of,
    paired,
    placed,
    plain_text,
    runs_of,
)
from ..document.html_tables import NUMBER
from ..document.mathematics import mathml
from ..document.printouts import shortened
from . import style
from .claims import Lists

POLICY = "default-src 'none'; img-src data:; style-src {style}; font-src data:; base-uri 'none'; form-action 'none'"
SCRIPT_POLICY = "; script-src {script}; require-trusted-types-for 'script'; trusted-types 'none'"
"""What a page with claims may do besides: run the one script whose bytes are these, which never makes markup."""

_COMFORTABLE_COLUMNS = 8
_SHORT = 14
_LINES_IN_SIGHT = 20, 30
"""So many lines of a print-out are in sight before the rest is folded; one that is hardly longer is shown whole."""

_ROWS_OF_A_PAGE = 30
"""A table of so many rows is not parted in print."""
_BAR, _GAP = 1000.0, 4.0
_WEB_FONTS = (("SourceSans3-Regular.ttf.woff2", 400), ("SourceSans3-Semibold.ttf.woff2", 600))


def render(document: Document, *, fonts: Literal["embed", "system"] = "embed", lists: Lists | None = None) -> str:
    """The page as text; the same document always gives the same bytes.

    With `lists` (`claims.lists_of`) the page carries the rows behind its numbers, and the script that shows them: only
    for a reader who may see each claim.

    >>> page = render(Document(Meta(title="Cash <script>"), ()), fonts="system")
    >>> "<script" in page, "Cash &lt;script&gt;" in page
    (False, True)
    """
    meta = document.meta
    css = (
        (_font_faces() if fonts == "embed" else "")
        + style.css_variables(meta.brand.color)
        + _file("report.css")
        + _painted(document)
    )
    contents, lists = _contents(document), lists or Lists()
    script = SCRIPT_POLICY.format(script=_hash(_file("claims.js"))) if lists.links else ""
    return _page().render(
        meta=meta,
        title=" – ".join(part for part in (meta.client_name, meta.title, meta.period_title) if part),
        policy=POLICY.format(style=_hash(css)) + script,
        lists=lists,
        script=_file("claims.js"),
        css=css,
        contents=contents if len(contents) >= 2 else [],
        titles_lead=not any(isinstance(block, Heading) for block in document.blocks),
        footer=_footer(meta),
        blocks=paired(document.blocks),
        workbook=document.workbook,
    )


def _contents(document: Document) -> list[tuple[int, str, str]]:
    """Level, anchor and words of what the contents lead to: the headings, or without any the titles of the tables."""
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    if headings:
        return [(one.level, one.anchor, plain_text(one.text)) for one in headings if one.level <= 2]
    titled = [block for block in document.blocks if isinstance(block, (Grid, Figure)) and block.number]
    return [
        (1, _anchor(one), title) for one in titled if (title := one.caption if isinstance(one, Grid) else one.title)
    ]


def _anchor(block: Grid | Figure) -> str:
    return f"{'table' if isinstance(block, Grid) else 'figure'}-{block.number}"


def _hash(text: str) -> str:
    """A text as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _painted(document: Document) -> str:
    """The colours that an analyst's own tables and texts bring, each with one that can be read beside it."""
    letters, fills = set[str](), set[str]()
    for block in every(document.blocks):
        if isinstance(block, Grid):
            cells = [cell for row in (*block.head, *block.body) for cell in row]
            letters |= {cell.color for cell in cells if cell.color}
            fills |= {cell.fill for cell in cells if cell.fill}
        letters |= {run.color for run in runs_of(block) if run.color}
    rules = []
    for colour in sorted(letters):
        name, ground = _paint("k", colour), f"{{background:{_ground(colour)}!important}}"
        rules.append(f".{name}{{color:{colour}!important}}")
        rules.append(f"@media screen and (prefers-color-scheme:dark){{.{name}{ground}}}")
    for fill in sorted(fills):
        name = _paint("f", fill)
        rules.append(f".{name}{{background:{fill}!important}}.{name}:not(.painted){{color:{_ground(fill)}!important}}")
    return "".join(rules)


def _paint(kind: str, colour: str) -> str:
    return f"{kind}-{colour[1:]}"


def _ground(colour: str) -> str:
    """Black or white, whichever stands out more against a colour."""
    return max(("#000000", "#ffffff"), key=lambda other: style.contrast(colour, other))


@functools.cache
def _page() -> jinja2.Template:
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("rcm_analysis.press.writers", "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "kind": lambda block: type(block).__name__,
        "words": plain_text,
        "base64": lambda data: base64.b64encode(data).decode(),
        "in_words": style.day_in_words,
        "change": style.change_word,
        "note_word": style.note_word,
        "wide": style.card_is_wide,
        "abreast": style.cards_abreast,
        "status": _status,
        "grid": _grid,
        "folded": _folded,
        "mathematics": _mathematics,
        "painted": lambda colour: _paint("k", colour),
        "turned": _turned,
        "size": _size,
        "points": _points,
        "stretches": _stretches,
        "anchor": _anchor,
    }
    pages.globals |= {
        "cover_lines": style.cover_lines,
        "numbered_title": style.numbered_title,
        "marks": style.DIRECTION_MARKS,
        "spoken": style.DIRECTION_WORDS,
        "severities": style.SEVERITY_WORDS,
        "tones": style.TONES,
    }
    return pages.get_template("report.html")


@functools.cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(f"pages/{name}").read_text(encoding="utf-8")


@functools.cache
def _font_faces() -> str:
    faces = []
    for name, weight in _WEB_FONTS:
        data = base64.b64encode(resources.files(__package__).joinpath(f"fonts/{name}").read_bytes()).decode()
        faces.append(
            f'@font-face{{font-family:"Source Sans 3";font-weight:{weight};font-display:swap;'
            f'src:url(data:font/woff2;base64,{data}) format("woff2")}}\n'
        )
    return "".join(faces)


def _footer(meta: Meta) -> str:
    template = f"Template {meta.template} {meta.template_version}".strip() if meta.template else ""
    confidential = f"Confidential: prepared for {meta.client_name}" if meta.client_name else "Confidential"
    return " · ".join(part for part in (meta.firm, confidential, template) if part)


def _status(item: Kpi) -> str:
    words = style.STATUS_WORDS[item.status]
    return f"{style.STATUS_MARKS[item.status]} {words}" if words else ""


def _folded(block: Preformatted) -> dict[str, Any]:
    """A text as the template reads it: the lines in sight, and those that are folded."""
    head, words, last = shortened(block, style.HTML_LINES)
    if len(head) <= _LINES_IN_SIGHT[1]:
        return {"first": head, "more": (), "count": 0, "words": "", "last": ()}
    first, more = head[: _LINES_IN_SIGHT[0]], head[_LINES_IN_SIGHT[0] :]
    return {"first": first, "more": more, "count": len(more) + len(last), "words": words, "last": last}


def _mathematics(formula: Formula | Run) -> Markup:
    """A formula as MathML, which holds no text but escaped; TeX that is not understood as the code it is."""
    is_block = isinstance(formula, Formula)
    tex = formula.tex if isinstance(formula, Formula) else formula.text
    found = mathml(tex, is_block)
    return Markup(found) if found else Markup("<code>{}</code>").format(tex)


def _turned(text: Inline | str) -> Markup:
    """The attribute that lets a text with letters from right to left find its own direction."""
    words = text if isinstance(text, str) else plain_text(text)
    return Markup(' dir="auto"' if style.has_turned(words) else "")


def _size(figure: Figure) -> Markup:
    """The size that the author asked for."""
    asked = (("width", figure.width), ("height", figure.height))
    return Markup("".join(f' {name}="{length:.0f}"' for name, length in asked if length >= 1))


@jinja2.pass_context
def _grid(context: jinja2.runtime.Context, table: Grid | Table) -> dict[str, Any]:
    """A table as the template reads it: each cell with its class and its other attributes."""
    grid = grid_of(table) if isinstance(table, Table) else table
    shown = style.capped(grid, style.HTML_ROWS, workbook=context["workbook"])
    short = _short_columns(shown)
    return {
        "of": shown,
        "dense": shown.columns > _COMFORTABLE_COLUMNS,
        "whole": len(shown.body) <= _ROWS_OF_A_PAGE,
        "anchor": _anchor(shown) if shown.number else "",
        "label": style.numbered_title("Table", shown.number, shown.caption) or "Table",
        "head": [[(cell, _facts(cell, shown, x)) for x, cell in placed(row)] for row in shown.head],
        "body": [
            (number in shown.emphasis, [(cell, _facts(cell, shown, x, x in short)) for x, cell in placed(row)])
            for number, row in enumerate(shown.body)
        ],
    }


def _points(cell: Cell) -> list[str]:
    """The lines of a trend as the points of an SVG, 100 wide and 20 high; a gap begins a new one."""
    values = cell.drawing.values if cell.drawing else ()
    step = 96 / max(1, len(values) - 1)
    lines: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{2 + step * place:.1f},{18 - 16 * value:.1f}")
    return [" ".join(line) for line in lines if line]


def _stretches(split: Split) -> list[tuple[Piece, str, str]]:
    """The piece, start and width of each piece of a bar 1,000 wide; the smallest can still be seen."""
    there = [piece for piece in split.pieces if piece.share > 0]
    room, start, out = _BAR - _GAP * max(0, len(there) - 1), 0.0, []
    for piece in there:
        width = max(_GAP, piece.share * room)
        out.append((piece, f"{start:.1f}", f"{width:.1f}"))
        start += width + _GAP
    return out


def _short_columns(table: Grid) -> set[int]:
    """Columns of short values, which should not be broken: dates, claim numbers, dollars."""
    longest = [0] * table.columns
    for row in table.body:
        for x, cell in placed(row):
            if x < table.columns:
                longest[x] = max(longest[x], len(cell.text))
    return {x for x, length in enumerate(longest) if length <= _SHORT}


def _facts(cell: Cell, table: Grid, x: int, short: bool = False) -> dict[str, Any]:
    align = cell.align or (table.aligns[x] if x < len(table.aligns) else "left")
    short = short or bool(cell.text and len(cell.text) < 2 * _SHORT and NUMBER.match(cell.text))
    looks = [align, "short" if short else "", "bold" if cell.bold else "", "italic" if cell.italic else ""]
    looks += [_paint("f", cell.fill) if cell.fill else "", f"painted {_paint('k', cell.color)}" if cell.color else ""]
    spans = {"colspan": cell.colspan, "rowspan": cell.rowspan}
    turned = {"dir": "auto"} if style.has_turned(cell.text) else {}
    classes = " ".join(filter(None, looks))
    return {"class": classes} | {name: span for name, span in spans.items() if span > 1} | turned
