"""Document → one self-contained HTML page: no script, no network, nothing that a text could make run.

Every text goes through `html.escape`; pictures are `data:` images, in which scripts do not run; the content
security policy forbids everything else.
"""

from __future__ import annotations

import base64
import functools
import html
from collections.abc import Callable
from importlib import resources
from typing import Any, Literal

from ..document.blocks import (
    BRIEF,
    Block,
    Cards,
    Cell,
    Document,
    Facts,
    Figure,
    Findings,
    Glossary,
    Heading,
    Inline,
    Kpi,
    Kpis,
    ListBlock,
    Meta,
    Note,
    PageBreak,
    Paragraph,
    Preformatted,
    Quote,
    Rule,
    Table,
    plain_text,
)
from ..document.words import change_word, cover_lines, day_in_words, note_word, numbered_title
from .limits import HTML_ROWS, capped, card_is_wide
from .palette import DIRECTION_MARKS, DIRECTION_WORDS, SEVERITY_WORDS, STATUS_MARKS, STATUS_WORDS, css_variables

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"
)
_COMFORTABLE_COLUMNS = 8
_SHORT = 14
_TOTAL_ROW = '<tr class="total">'
_WEB_FONTS = (("SourceSans3-Regular.ttf.woff2", 400), ("SourceSans3-Semibold.ttf.woff2", 600))


def render(document: Document, *, fonts: Literal["embed", "system"] = "embed") -> str:
    """The page as text; the same document always gives the same bytes.

    >>> page = render(Document(Meta(title="Cash <script>"), ()), fonts="system")
    >>> "<script" in page, "Cash &lt;script&gt;" in page
    (False, True)
    """
    meta = document.meta
    style = (_font_faces() if fonts == "embed" else "") + css_variables() + _style_sheet()
    title = " – ".join(part for part in (meta.client_name, meta.title, meta.period_title) if part)
    body = "\n".join(_block(block) for block in document.blocks)
    return (
        f'<!doctype html>\n<html lang="{_escape(meta.lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">\n'
        f"<title>{_escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">Skip to the content</a>\n'
        f"{_cover(meta)}{_contents(document)}"
        f'<main id="content" class="page" tabindex="-1">\n{body}\n</main>\n{_footer(meta)}</body>\n</html>\n'
    )


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


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _tag(name: str, text: str, css_class: str = "") -> str:
    """An element around plain text, or nothing for no text."""
    if not text:
        return ""
    return f'<{name} class="{css_class}">{_escape(text)}</{name}>' if css_class else f"<{name}>{_escape(text)}</{name}>"


def _cover(meta: Meta) -> str:
    lines = cover_lines(meta)
    return (
        '<header class="cover"><div class="page">'
        + _tag("p", meta.firm, "firm")
        + _tag("p", meta.client_name, "client")
        + _tag("h1", meta.title)
        + "".join(_tag("p", line, "when") for line in lines)
        + "</div></header>\n"
    )


def _contents(document: Document) -> str:
    headings = [block for block in document.blocks if isinstance(block, Heading) and block.level <= 2]
    if len(headings) < 2 or document.meta.layout == BRIEF:
        return ""
    items = "".join(
        (
            f'<li class="level-{heading.level}"><a '
            f'href="#{_escape(heading.anchor)}">{_escape(plain_text(heading.text))}</a></li>'
        )
        for heading in headings
    )
    return (
        f'<nav class="contents" aria-label="Contents"><div class="page"><h2>Contents</h2><ol>{items}</ol></div></nav>\n'
    )


def _footer(meta: Meta) -> str:
    parts = [meta.firm, f"Confidential: prepared for {meta.client_name}" if meta.client_name else "Confidential"]
    if meta.template:
        parts.append(f"Template {meta.template} {meta.template_version}".strip())
    return f'<footer><div class="page">{_escape(" · ".join(part for part in parts if part))}</div></footer>\n'


def _inline(text: Inline) -> str:
    return "".join("<br>" if run.line_break else _run(run) for run in text)


def _run(run: Any) -> str:
    marked = _escape(run.text)
    for wanted, tag in ((run.code, "code"), (run.strike, "s"), (run.italic, "em"), (run.bold, "strong")):
        if wanted:
            marked = f"<{tag}>{marked}</{tag}>"
    if run.href:
        marked = f'<a href="{_escape(run.href)}" rel="noreferrer">{marked}</a>'
    return marked


def _block(block: Block) -> str:
    return _WRITERS[type(block)](block)


def _heading(block: Heading) -> str:
    level = min(block.level + 1, 6)
    part = ' class="part"' if block.part else ""
    title = f'<h{level} id="{_escape(block.anchor)}"{part}>{_inline(block.text)}</h{level}>'
    return title + _tag("p", block.subtitle, "part-subtitle")


def _list(block: ListBlock) -> str:
    tag = "ol" if block.ordered else "ul"
    start = f' start="{block.start}"' if block.ordered and block.start != 1 else ""
    items = "".join(f"<li>{''.join(_item_block(inner) for inner in item)}</li>" for item in block.items)
    return f"<{tag}{start}>{items}</{tag}>"


def _item_block(block: Block) -> str:
    return _inline(block.text) if isinstance(block, Paragraph) else _block(block)


def _cards(block: Cards) -> str:
    items = "".join(
        f'<li class="card{" wide" if card_is_wide(card) else ""}">{_tag("p", card.title, "question")}'
        f"{_tag('p', card.answer, 'answer')}{_tag('p', card.detail, 'detail')}</li>"
        for card in block.items
    )
    return f'<ul class="cards">{items}</ul>'


def _kpis(block: Kpis) -> str:
    return f'<ul class="kpis">{"".join(_kpi(item) for item in block.items)}</ul>'


def _kpi(item: Kpi) -> str:
    target = ""
    words = STATUS_WORDS[item.status]
    if item.target or words:
        chip = (
            f' <span class="status {item.status}">{_escape(f"{STATUS_MARKS[item.status]} {words}")}</span>'
            if words
            else ""
        )
        goal = f"Target {_escape(item.target)}" if item.target else ""
        target = f'<p class="target">{goal}{chip}</p>'
    others = "".join(_comparison(other) for other in item.comparisons)
    return (
        f'<li class="kpi {item.status}">{_tag("p", item.label, "label")}{_tag("p", item.value or "–", "value")}'
        f"{_tag('p', item.note, 'note')}{target}{f'<ul>{others}</ul>' if others else ''}</li>"
    )


def _comparison(other: Any) -> str:
    word = change_word(other)
    direction = ""
    if other.direction:
        mark, spoken = DIRECTION_MARKS[other.direction], DIRECTION_WORDS[other.direction]
        direction = (
            f' <span class="{word or "plain"}"><span aria-hidden="true">{mark}</span>'
            f'<span class="hidden-words">{spoken}</span>{" " + word if word else ""}</span>'
        )
    return (
        f'<li><span class="than">{_escape(other.label)}</span> <span '
        f'class="was">{_escape(other.value)}{direction}</span></li>'
    )


def _table(block: Table, *, limit: int = HTML_ROWS) -> str:
    block = capped(block, limit)
    caption = _caption(block)
    short = _short_columns(block)
    density = ' class="dense"' if block.columns > _COMFORTABLE_COLUMNS else ""
    label = (
        ' role="region" tabindex="0" '
        f'aria-label="{_escape(numbered_title("Table", block.number, block.caption) or "Table")}"'
    )
    head = "".join(
        f"<tr>{''.join(_cell(cell, block, x, head=True) for x, cell in _placed(row))}</tr>" for row in block.head
    )
    body = "\n".join(
        (_TOTAL_ROW if y in block.emphasis else "<tr>")
        + "".join(_cell(cell, block, x, short=x in short) for x, cell in _placed(row))
        + "</tr>"
        for y, row in enumerate(block.body)
    )
    notes = "".join(_tag("p", note, "table-note") for note in block.notes)
    return (
        f'<div class="table"{label}><table{density}>{caption}{f"<thead>{head}</thead>" if head else ""}<tbody>'
        f"{body}</tbody></table></div>"
        f'<div class="after-table">{notes}</div>'
    )


def _caption(block: Table) -> str:
    if not block.caption:
        return ""
    number = f'<span class="number">Table {block.number}</span> · ' if block.number else ""
    return (
        f"<caption><div>{number}{_escape(block.caption)} {_tag('span', block.definition, 'definition')}</div></caption>"
    )


def _placed(row: tuple[Cell, ...]) -> list[tuple[int, Cell]]:
    """Cells with the column they start in; exact for rows without a span from above."""
    placed, x = [], 0
    for cell in row:
        placed.append((x, cell))
        x += cell.colspan
    return placed


def _short_columns(table: Table) -> set[int]:
    """Columns of short values, which should not be broken: dates, claim numbers, dollars."""
    longest = [0] * table.columns
    for row in table.body:
        for x, cell in _placed(row):
            if x < table.columns:
                longest[x] = max(longest[x], len(cell.text))
    return {x for x, length in enumerate(longest) if length <= _SHORT}


def _cell(cell: Cell, table: Table, x: int, *, head: bool = False, short: bool = False) -> str:
    align = cell.align or (table.aligns[x] if x < len(table.aligns) else "left")
    facts = f' class="{align}{" short" if short else ""}"'
    if cell.colspan > 1:
        facts += f' colspan="{cell.colspan}"'
    if cell.rowspan > 1:
        facts += f' rowspan="{cell.rowspan}"'
    style = (f"background:{cell.fill};" if cell.fill else "") + (f"color:{cell.color};" if cell.color else "")
    style += ("font-weight:600;" if cell.bold else "") + ("font-style:italic;" if cell.italic else "")
    if style:
        facts += f' style="{style}"'
    if head:
        if not cell.text:
            return f"<td{facts}></td>"
        return f'<th scope="{"colgroup" if cell.colspan > 1 else "col"}"{facts}>{_escape(cell.text)}</th>'
    tag = "th" if cell.head else "td"
    scope = ' scope="row"' if cell.head else ""
    return f"<{tag}{scope}{facts}>{_escape(cell.text)}</{tag}>"


def _figure(block: Figure) -> str:
    title = _escape(block.title)
    number = f'<span class="number">Figure {block.number}</span>{" · " if title else ""}' if block.number else ""
    picture = f'<p class="no-picture">{_escape(block.alt or "This figure could not be drawn.")}</p>'
    if block.data:
        data = base64.b64encode(block.data).decode()
        picture = f'<img alt="{_escape(block.alt)}" src="data:{block.mime};base64,{data}">'
    numbers = ""
    if block.table and block.table.body:
        numbers = f"<details><summary>The numbers behind figure {block.number}</summary>{_table(block.table)}</details>"
    return (
        f"<figure><figcaption>{number}{title}</figcaption>{picture}{_tag('p', block.finding, 'finding')}"
        f"{numbers}</figure>"
    )


def _findings(block: Findings) -> str:
    items = []
    for item in block.items:
        severity = f"{SEVERITY_WORDS[item.severity]} priority" if item.severity else ""
        due = day_in_words(item.due)
        items.append(
            f'<li class="{item.severity}"><div>{_tag("p", severity, "severity")}{_tag("p", item.title, "title")}'
            f'{_tag("p", item.detail)}</div><div class="facts-of">{_tag("p", item.amount, "amount")}'
            f"{_tag('p', f'Owner: {item.owner}' if item.owner else '')}{_tag('p', f'Due: {due}' if due else '')}"
            "</div></li>"
        )
    return f'{_tag("p", block.title, "block-title")}<ol class="findings">{"".join(items)}</ol>'


def _note(block: Note) -> str:
    return (
        f'<div class="callout {block.tone}" role="note"><strong>{note_word(block)}:</strong> '
        f"{_escape(block.text)}</div>"
    )


def _facts(block: Facts) -> str:
    items = "".join(f"<dt>{_escape(label)}</dt><dd>{_escape(value)}</dd>" for label, value in block.items)
    return f'{_tag("p", block.title, "block-title")}<dl class="facts">{items}</dl>'


def _glossary(block: Glossary) -> str:
    items = []
    for term in block.items:
        about = " · ".join(
            part
            for part in (f"Unit: {term.unit}" if term.unit else "", f"Source: {term.source}" if term.source else "")
            if part
        )
        items.append(
            f"<dt>{_escape(term.title or term.name)}</dt>{_tag('dd', term.formula)}{_tag('dd', about, 'about')}"
        )
    return f'<dl class="glossary">{"".join(items)}</dl>'


_WRITERS: dict[type, Callable[[Any], str]] = {
    Heading: _heading,
    Paragraph: lambda block: f"<p>{_inline(block.text)}</p>",
    ListBlock: _list,
    Quote: lambda block: f"<blockquote>{''.join(_block(inner) for inner in block.blocks)}</blockquote>",
    Preformatted: lambda block: f"<pre><code>{_escape(block.text)}</code></pre>",
    Rule: lambda block: "<hr>",
    PageBreak: lambda block: '<div class="page-break"></div>',
    Table: _table,
    Figure: _figure,
    Kpis: _kpis,
    Cards: _cards,
    Findings: _findings,
    Note: _note,
    Facts: _facts,
    Glossary: _glossary,
}
