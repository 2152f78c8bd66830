"""Markdown cells to blocks, through markdown-it-py with HTML switched off.

Dollar signs are dollars: no TeX is read, so `$1.2M, of which $846k` stays what it says. Raw HTML is printed
as the text it is. A link survives only with a scheme that cannot run anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from ...blocks.plain import clean, one_line, slug, visible
from ...blocks.vocabulary import Figure
from .document import (
    Cell,
    Grid,
    Heading,
    Inline,
    ListBlock,
    Paragraph,
    Preformatted,
    Printed,
    Quote,
    Rule,
    Run,
    plain_text,
)
from .html_tables import finished
from .pictures import picture_of_uri

_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_SAFE_SCHEMES = {"http", "https", "mailto"}
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
DEEPEST = 6


def safe_href(href: str | None) -> str | None:
    """The link if it can only lead somewhere, else nothing.

    >>> safe_href("https://x12.org"), safe_href("javascript:alert(1)"), safe_href("#aging")
    ('https://x12.org', None, '#aging')
    """
    if not href:
        return None
    if href.startswith("#"):
        return "#" + slug(href[1:])
    try:
        scheme = urlsplit(href).scheme.lower()
    except ValueError:
        return None
    return clean(href) if scheme in _SAFE_SCHEMES else None


def markdown_blocks(source: str, attachments: Mapping[str, Any] | None = None) -> list[Printed]:
    """The blocks of one Markdown text.

    >>> [type(block).__name__ for block in markdown_blocks("# Cash\\n\\nUp **$3**.")]
    ['Heading', 'Paragraph']
    """
    root = SyntaxTreeNode(_PARSER.parse(clean(source)))
    return _blocks(root.children, attachments or {}, depth=0)


def _blocks(nodes: list[SyntaxTreeNode], attachments: Mapping[str, Any], depth: int) -> list[Printed]:
    found: list[Printed] = []
    for node in nodes:
        if depth > DEEPEST:
            found.append(Paragraph((Run(_words(node)),)))
            continue
        found.extend(_block(node, attachments, depth))
    return found


def _words(node: SyntaxTreeNode) -> str:
    return one_line(" ".join(inner.content for inner in node.walk() if inner.type in ("text", "code_inline", "fence")))


def _block(node: SyntaxTreeNode, attachments: Mapping[str, Any], depth: int) -> list[Printed]:
    match node.type:
        case "heading":
            text = _inline_of(node)
            words = plain_text(text)
            return [Heading(int(node.tag[1]), text, slug(words))] if visible(words) else []
        case "paragraph":
            return _paragraph(node, attachments)
        case "bullet_list" | "ordered_list":
            items = tuple(tuple(_blocks(item.children, attachments, depth + 1)) for item in node.children)
            return [ListBlock(node.type == "ordered_list", int(node.attrs.get("start", 1)), items)]
        case "blockquote":
            return [Quote(tuple(_blocks(node.children, attachments, depth + 1)))]
        case "fence" | "code_block":
            return [Preformatted(clean(node.content).rstrip("\n"))]
        case "hr":
            return [Rule()]
        case "table":
            return [_table(node)]
    return []


def _paragraph(node: SyntaxTreeNode, attachments: Mapping[str, Any]) -> list[Printed]:
    children = node.children[0].children if node.children else []
    if len(children) == 1 and children[0].type == "image":
        image = children[0]
        picture = picture_of_uri(str(image.attrs.get("src", "")), attachments)
        if picture:
            return [Figure(alt=one_line(image.content), data=picture.data, mime=picture.mime)]
    text = _inline_of(node)
    return [Paragraph(text)] if visible(plain_text(text)) else []


def _inline_of(node: SyntaxTreeNode) -> Inline:
    runs: list[Run] = []
    for child in node.children:
        if child.type == "inline":
            runs.extend(_runs(child.children, {}))
    return tuple(_merged(runs))


def _runs(nodes: list[SyntaxTreeNode], style: dict[str, Any]) -> list[Run]:
    runs: list[Run] = []
    for node in nodes:
        if node.type in _STYLES:
            runs.extend(_runs(node.children, {**style, _STYLES[node.type]: True}))
        elif node.type == "link":
            runs.extend(_runs(node.children, {**style, "href": safe_href(str(node.attrs.get("href", "")))}))
        elif node.type == "hardbreak":
            runs.append(Run("\n", line_break=True))
        elif node.type == "softbreak":
            runs.append(Run(" ", **style))
        elif node.type == "image":
            runs.append(Run(f"[image: {one_line(node.content)}]", **style))
        elif node.type == "code_inline":
            runs.append(Run(clean(node.content), **{**style, "code": True}))
        elif node.content:
            runs.append(Run(clean(node.content), **style))
    return runs


def _style_of(run: Run) -> tuple[Any, ...]:
    return (run.bold, run.italic, run.strike, run.code, run.href, run.line_break)


def _merged(runs: list[Run]) -> list[Run]:
    """Neighbours in one style become one run."""
    merged: list[Run] = []
    for run in runs:
        if merged and not run.line_break and _style_of(merged[-1]) == _style_of(run):
            run = Run(merged.pop().text + run.text, run.bold, run.italic, run.strike, run.code, run.href)
        merged.append(run)
    return merged


def _table(node: SyntaxTreeNode) -> Grid:
    sections = {child.type: [_row(row) for row in child.children] for child in node.children}
    head, body = sections.get("thead", []), sections.get("tbody", [])
    return finished(Grid(max((len(row) for row in head + body), default=1), tuple(head), tuple(body)))


def _row(row: SyntaxTreeNode) -> tuple[Cell, ...]:
    cells = []
    for cell in row.children:
        align = re.search(r"text-align:(left|right|center)", str(cell.attrs.get("style", "")))
        cells.append(
            Cell(plain_text(_inline_of(cell)), head=cell.type == "th", align=align[1] if align else None)  # type: ignore[arg-type]
        )
    return tuple(cells)


__all__ = ["markdown_blocks", "safe_href"]
