"""HTML of an analyst's own notebook to blocks: texts, lists, tables, pictures and formulas, in the order they stand.

Nothing is passed on as markup. What cannot stand on a page (a script, a film, a page of another site) is said where it
stood; what the author hid, and comments, stay hidden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from lxml import html as lxml_html

from ...blocks.plain import clean, one_line, slug, visible
from ...blocks.vocabulary import Figure
from .css import LEAST_CONTRAST, Ground, Sheet, colour, contrast, ground_of
from .document import (
    Formula,
    Heading,
    Inline,
    LeftOut,
    ListBlock,
    Paragraph,
    Picture,
    Preformatted,
    Printed,
    Quote,
    Rule,
    Run,
    plain_text,
)
from .html_tables import ELSEWHERE, Markup, instead_of, is_layout, is_tex, table_of
from .mathematics import bare
from .pictures import picture_of_uri

DEEPEST = 6
"""Lists and quotations inside one another; what is deeper stands at this depth."""

_SAFE_SCHEMES = {"http", "https", "mailto"}
_PAGE_NEARBY = re.compile(r"(?:\.\./){0,3}(?:[\w-]+/)*[\w-]+\.(?:html|pdf)")
"""A page that lies beside ours, or a few folders up: a path that names no host."""
_SVG = re.compile(r"<svg\b.*?</svg\s*>", re.S | re.I)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_STYLES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("b", "strong", "summary", "dt", "legend"), {"bold": True}),
    **dict.fromkeys(("i", "em", "cite", "var", "dfn", "address"), {"italic": True}),
    **dict.fromkeys(("s", "del", "strike"), {"strike": True}),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), {"code": True}),
    "sub": {"script": "sub"},
    "sup": {"script": "super"},
}
_LINES = {
    "p", "div", "section", "article", "header", "footer", "main", "center", "aside", "nav", "form", "fieldset",
    "legend", "address", "details", "summary", "dl", "dt", "dd", "figure", "figcaption", "hgroup", "body", "html",
    "optgroup",
}  # fmt: skip
_SILENT = {"style", "template", "head", "title", "meta", "link", "base", "param", "source", "track", "rp", "datalist"}
_SETS_UP = re.compile(r"PlotlyConfig|MathJax|require\.(config|undef)|BokehJS|_bokeh_onload")
"""Scripts that draw nothing themselves: they load what others draw with."""

_DRAWS = re.compile(
    r"plotly|bokeh|vega|echarts|\bd3\b|highcharts|google\.visualization|mpld3|leaflet|\bL\.map|three", re.I
)
_DATA_SCRIPTS = ("json", "text/template", "text/html", "x-handlebars")


def safe_href(href: str | None) -> str | None:
    """The link if it can only lead somewhere, else nothing.

    >>> safe_href("https://x12.org"), safe_href("javascript:alert(1)"), safe_href("#aging")
    ('https://x12.org', None, '#aging')
    >>> safe_href("../../../_reference/reference.html"), safe_href("//elsewhere/x.html"), safe_href("../run.exe")
    ('../../../_reference/reference.html', None, None)
    """
    if not href:
        return None
    if href.startswith("#"):
        return "#" + slug(href[1:])
    try:
        scheme = urlsplit(href).scheme.lower()
    except ValueError:
        return None
    return clean(href) if scheme in _SAFE_SCHEMES or _PAGE_NEARBY.fullmatch(href) else None


def html_blocks(
    source: str, attachments: Mapping[str, Any] = MappingProxyType({}), folder: Path | None = None
) -> list[Printed]:
    """The blocks of one piece of HTML; pictures come from `attachments`, from the HTML itself, or from `folder`.

    >>> [type(block).__name__ for block in html_blocks("<h3>Cash</h3>It <b>fell</b>.<hr>")]
    ['Heading', 'Paragraph', 'Rule']
    """
    drawings: list[str] = []

    def aside(match: re.Match[str]) -> str:
        """An SVG keeps its own letters, which HTML would change: it waits outside."""
        drawings.append(match[0])
        return f'<img data-drawing="{len(drawings) - 1}">'

    text = _SVG.sub(aside, clean(source))
    if not text.strip():
        return []
    try:
        root = lxml_html.fragment_fromstring(text, create_parent="div", parser=lxml_html.HTMLParser(huge_tree=True))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return []

    def picture(element: lxml_html.HtmlElement) -> Picture | None:
        if element.get("data-drawing") is not None:
            return (
                None
                if _is_a_store(drawings[int(element.get("data-drawing"))])
                else _drawn(drawings[int(element.get("data-drawing"))])
            )
        return picture_of_uri(element.get("src") or "", attachments, folder)

    walker = _Walker(Markup(Sheet(root), picture))
    walker.inside(root, {})
    return walker.finished()


def _is_a_store(source: str) -> bool:
    """Whether an SVG shows nothing itself: it holds what others use, uses what others hold, or takes no room."""
    begin = source[: source.find(">") + 1]
    inner = re.sub(r"<(defs|symbol|style|title)\b.*?</\1\s*>", "", source[len(begin) :], flags=re.S | re.I)
    if not re.search(r"<(defs|symbol)\b", source, re.I):
        inner = re.sub(r"<use\b[^>]*>", "", inner, flags=re.I)
    return bool(re.search(r"(width|height)\s*[:=]\s*[\"']?0(px)?\s*[;\"']", begin)) or not re.search(r"<\w", inner)


def _drawn(source: str) -> Picture | None:
    """An SVG that stood in HTML, as a picture of its own."""
    try:
        root = etree.fromstring(source.encode(), etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    if root is None:
        return None
    if not str(root.tag).startswith("{"):
        source = re.sub(r"^<svg\b", '<svg xmlns="http://www.w3.org/2000/svg"', source, flags=re.I)
        root = etree.fromstring(source.encode(), etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
    return Picture(etree.tostring(root), "image/svg+xml")


@dataclass
class _Walker:
    """Gathers blocks; what has been said since the last of them waits in `runs`."""

    markup: Markup
    depth: int = 0
    blocks: list[Printed] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    scripts: list[bool] = field(default_factory=list)

    def inside(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.say(element.text, style)
        for child in element:
            if self.markup.shown(child):
                self.element(child, style)
            self.say(child.tail, style)

    def say(self, text: str | None, style: dict[str, Any]) -> None:
        """Add text; what an entity wrote is cleaned like any other letter."""
        words = clean(text) if style.get("as_is") else _SPACE.sub(" ", clean(text))
        if words:
            self.runs.append(Run(words, **_without(style, "as_is")))

    def flush(self) -> None:
        """End the paragraph."""
        text, self.runs = trimmed(self.runs), []
        if visible(plain_text(text)):
            self.blocks.append(Paragraph(text))

    def finished(self) -> list[Printed]:
        """The blocks; a script that may draw is said where nothing else is shown, or it names what draws with it."""
        self.flush()
        if self.scripts and (any(self.scripts) or not self.blocks):
            self.blocks.append(LeftOut("Something that a script draws is not printed."))
        return self.blocks

    def add(self, block: Printed | None) -> None:
        self.flush()
        if block is not None:
            self.blocks.append(block)

    def element(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        tag = element.tag
        handler = _HANDLERS.get(tag)
        if is_tex(element):
            self.formula(element, style)
        elif tag in _SILENT:
            return
        elif handler is not None:
            handler(self, element, style)
        elif tag in _HEADINGS:
            self.heading(element)
        elif tag in ELSEWHERE:
            self.elsewhere(element)
        elif tag in _LINES or self.markup.sheet.of(element).get("display") in ("block", "flex", "grid"):
            self.flush()
            self.inside(element, self.styled(element, style))
            self.flush()
        else:
            self.inside(element, self.styled(element, style))

    def styled(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> dict[str, Any]:
        """The style inside an element; letters keep a colour only where they can be read on the page's paper."""
        said = self.markup.sheet.of(element)
        style = {**style, **_STYLES.get(element.tag, {})}
        if said.get("font-weight", "") in ("bold", "bolder", "600", "700", "800", "900"):
            style["bold"] = True
        if said.get("font-style") == "italic":
            style["italic"] = True
        if ground_of(said) != Ground():
            style["color"] = None
        elif "color" in said or (element.tag == "font" and element.get("color")):
            found = colour(said.get("color") or element.get("color") or "")
            style["color"] = found if found and contrast(found, "#ffffff") >= LEAST_CONTRAST else None
        return style

    def apart(self, element: lxml_html.HtmlElement, style: dict[str, Any], depth: int) -> list[Printed]:
        """The blocks inside an element, gathered by themselves."""
        walker = _Walker(self.markup, depth)
        walker.inside(element, style)
        return walker.finished()

    def heading(self, element: lxml_html.HtmlElement) -> None:
        self.flush()
        inner = _Walker(self.markup, self.depth)
        inner.inside(element, {})
        text = trimmed(inner.runs)
        self.blocks += [block for block in inner.blocks if not isinstance(block, Paragraph)]
        words = plain_text(text)
        if visible(words):
            self.blocks.append(Heading(_HEADINGS[element.tag], text, slug(words)))

    def formula(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        tex, display = bare(clean(element.text_content()))
        if element.tag == "div" or display:
            self.add(Formula(tex))
        elif tex:
            self.runs.append(Run(tex, **{**_without(style, "as_is"), "math": True}))

    def mathml(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        found = [one for one in element.iter("annotation") if "tex" in (one.get("encoding") or "")]
        for one in found:
            self.runs.append(Run(clean(one.text_content()).strip(), math=True))
        if not found:
            self.say(element.text_content(), {**style, "italic": True})

    def link(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.inside(element, self.styled(element, {**style, "href": safe_href(element.get("href"))}))

    def line_break(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.runs.append(Run("\n", line_break=True) if not style.get("as_is") else Run("\n"))

    def quotation(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        if self.depth >= DEEPEST:
            self.flush()
            self.inside(element, style)
            return self.flush()
        self.add(Quote(tuple(self.apart(element, style, self.depth + 1))))

    def quoted(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.say("\u201c", style)
        self.inside(element, style)
        self.say("\u201d", style)

    def items(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.flush()
        depth = self.depth + 1
        shown = [child for child in element if self.markup.shown(child)]
        if depth > DEEPEST:
            for child in shown:
                self.blocks += self.apart(child, style, self.depth)
            return
        items = [tuple(self.apart(child, style, depth)) for child in shown if child.tag == "li"]
        loose = [child for child in shown if child.tag != "li"]
        try:
            start = int(element.get("start") or 1)
        except ValueError:
            start = 1
        items += [tuple(inner) for child in loose if (inner := self._alone(child, style, depth))]
        if items:
            self.blocks.append(ListBlock(element.tag == "ol", start, tuple(items)))

    def _alone(self, element: lxml_html.HtmlElement, style: dict[str, Any], depth: int) -> list[Printed]:
        walker = _Walker(self.markup, depth)
        walker.element(element, style)
        return walker.finished()

    def preformatted(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.flush()
        inner = _Walker(self.markup, self.depth)
        inner.inside(element, _without(self.styled(element, {"as_is": True}), "code"))
        pieces = [*inner.blocks, Paragraph(tuple(inner.runs))]
        runs = [run for piece in pieces if isinstance(piece, Paragraph) for run in (*piece.text, Run("\n"))]
        self.blocks += [piece for piece in pieces if not isinstance(piece, Paragraph)]
        lines = as_lines(runs)
        text = "\n".join(map(plain_text, lines))
        if text.strip():
            styled = any(run.bold or run.italic or run.strike or run.color for line in lines for run in line)
            self.blocks.append(Preformatted(text, lines if styled else ()))

    def table(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        self.flush()
        if is_layout(element):
            for cell in element.iter("td", "th", "caption"):
                if next(cell.iterancestors("table")) is element and self._is_shown_in(cell, element):
                    self.blocks += self.apart(cell, {}, self.depth)
            return
        self.add(table_of(element, self.markup))

    def _is_shown_in(self, cell: lxml_html.HtmlElement, table: lxml_html.HtmlElement) -> bool:
        around = [cell]
        while around[-1] is not table:
            around.append(around[-1].getparent())
        return all(map(self.markup.shown, around))

    def image(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        found, alt = self.markup.picture(element), one_line(element.get("alt") or element.get("title"))
        if found is None:
            return self.say(instead_of(element, self.markup), style)
        width, height = (_pixels(element, name, self.markup) for name in ("width", "height"))
        self.add(Figure(alt=alt, data=found.data, mime=found.mime, width=width, height=height))

    def script(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        kind = (element.get("type") or "").lower()
        if kind.startswith("math/tex"):
            tex = clean(element.text_content()).strip()
            self.add(Formula(tex)) if "display" in kind else self.runs.append(Run(tex, math=True))
        elif not any(word in kind for word in _DATA_SCRIPTS):
            source = f"{element.get('src') or ''} {element.text_content()}"
            if not _SETS_UP.search(source[:2_000]):
                self.scripts.append(bool(_DRAWS.search(source)))

    def elsewhere(self, element: lxml_html.HtmlElement) -> None:
        source = clean(element.get("src") or element.get("data") or "")
        address = source if urlsplit_scheme(source) in ("http", "https") else ""
        kind = ELSEWHERE[element.tag] if not element.get("srcdoc") else "a page inside this one"
        self.once(f"{kind[:1].upper()}{kind[1:]} is not printed{f': {address}' if address else '.'}")

    def once(self, text: str) -> None:
        self.flush()
        if LeftOut(text) not in self.blocks:
            self.blocks.append(LeftOut(text))

    def control(self, element: lxml_html.HtmlElement, style: dict[str, Any]) -> None:
        """What a field of a form or a bar shows."""
        self.say(instead_of(element, self.markup), style)


def urlsplit_scheme(address: str) -> str:
    """The scheme of an address, or nothing."""
    try:
        return urlsplit(address).scheme.lower()
    except ValueError:
        return ""


def _pixels(element: lxml_html.HtmlElement, name: str, markup: Markup) -> float:
    """A length that HTML gives in pixels; 0 where it gives none."""
    said = markup.sheet.of(element).get(name) or element.get(name) or ""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(px)?\s*", said)
    return float(match[1]) if match else 0.0


def _without(style: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in style.items() if key != name}


def trimmed(runs: list[Run]) -> Inline:
    """Runs as one paragraph: neighbours in one style joined, spaces once, none at the ends of a line."""
    out: list[Run] = []
    for run in runs:
        text = run.text
        if not run.line_break and (not out or out[-1].line_break or out[-1].text.endswith(" ")) and not run.math:
            text = text.lstrip(" ")
        if run.line_break and out and not out[-1].line_break:
            out[-1] = replace(out[-1], text=out[-1].text.rstrip(" "))
        if not text:
            continue
        run = replace(run, text=text)
        if out and not run.line_break and not run.math and replace(out[-1], text="") == replace(run, text=""):
            run = replace(run, text=out.pop().text + text)
        out.append(run)
    while out and (out[-1].line_break or not out[-1].text.strip(" ")):
        out.pop()
    if out:
        out[-1] = replace(out[-1], text=out[-1].text.rstrip(" "))
    return tuple(out)


def as_lines(runs: list[Run]) -> tuple[Inline, ...]:
    """Runs parted at their line ends, without empty lines at the ends."""
    lines: list[list[Run]] = [[]]
    for run in runs:
        for number, piece in enumerate(run.text.split("\n")):
            if number:
                lines.append([])
            if piece:
                lines[-1].append(replace(run, text=piece, line_break=False))
    while lines and not plain_text(tuple(lines[-1])).strip():
        lines.pop()
    while lines and not plain_text(tuple(lines[0])).strip():
        lines.pop(0)
    return tuple(tuple(line) for line in lines)


_HANDLERS = {
    "a": _Walker.link,
    "br": _Walker.line_break,
    "hr": lambda walker, element, style: walker.add(Rule()),
    "wbr": lambda walker, element, style: walker.say("\u200b", style),
    "blockquote": _Walker.quotation,
    "ul": _Walker.items,
    "ol": _Walker.items,
    "menu": _Walker.items,
    "pre": _Walker.preformatted,
    "table": _Walker.table,
    "img": _Walker.image,
    "image": _Walker.image,
    "script": _Walker.script,
    "math": _Walker.mathml,
    "input": _Walker.control,
    **dict.fromkeys(("select", "progress", "meter"), _Walker.control),
    "q": _Walker.quoted,
}

__all__ = ["html_blocks", "safe_href"]
