"""Document → one self-contained HTML page: no script, no network, nothing that a text could make run.

The page is the template `pages/report.html`, which escapes every text; pictures are `data:` images, in which
scripts do not run; the content security policy forbids everything else.
"""

from __future__ import annotations

import base64
import functools
from importlib import resources
from typing import Any, Literal

import jinja2

from ...blocks.vocabulary import BRIEF, Kpi, Meta, Table
from ..document.document import Cell, Document, Grid, Heading, grid_of, paired, placed, plain_text
from . import style

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"
)
_COMFORTABLE_COLUMNS = 8
_SHORT = 14
_WEB_FONTS = (("SourceSans3-Regular.ttf.woff2", 400), ("SourceSans3-Semibold.ttf.woff2", 600))


def render(document: Document, *, fonts: Literal["embed", "system"] = "embed") -> str:
    """The page as text; the same document always gives the same bytes.

    >>> page = render(Document(Meta(title="Cash <script>"), ()), fonts="system")
    >>> "<script" in page, "Cash &lt;script&gt;" in page
    (False, True)
    """
    meta = document.meta
    headings = [block for block in document.blocks if isinstance(block, Heading) and block.level <= 2]
    return _page().render(
        meta=meta,
        title=" – ".join(part for part in (meta.client_name, meta.title, meta.period_title) if part),
        policy=POLICY,
        css=(_font_faces() if fonts == "embed" else "") + style.css_variables() + _style_sheet(),
        contents=headings if len(headings) >= 2 and meta.layout != BRIEF else [],
        footer=_footer(meta),
        blocks=paired(document.blocks),
    )


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
        "status": _status,
        "grid": _grid,
        "points": _points,
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
def _style_sheet() -> str:
    return resources.files(__package__).joinpath("pages/report.css").read_text(encoding="utf-8")


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


def _grid(table: Grid | Table) -> dict[str, Any]:
    """A table as the template reads it: each cell with its class and its other attributes."""
    shown = style.capped(grid_of(table) if isinstance(table, Table) else table, style.HTML_ROWS)
    short = _short_columns(shown)
    return {
        "of": shown,
        "dense": shown.columns > _COMFORTABLE_COLUMNS,
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
    look = (f"background:{cell.fill};" if cell.fill else "") + (f"color:{cell.color};" if cell.color else "")
    look += ("font-weight:600;" if cell.bold else "") + ("font-style:italic;" if cell.italic else "")
    spans = {"colspan": cell.colspan, "rowspan": cell.rowspan}
    more = {name: span for name, span in spans.items() if span > 1} | ({"style": look} if look else {})
    return {"class": f"{align} short" if short else align, **more}
