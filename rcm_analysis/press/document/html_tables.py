"""HTML tables of an analyst's own notebook (pandas, Styler, great_tables, any other) to `Grid`.

Only text, pictures and a handful of checked style facts survive. What the author hid stays hidden. Spans are clamped to
a grid, because a table that overlaps itself cannot be set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import html as lxml_html

from ...blocks.plain import clean, one_line
from .css import LEAST_CONTRAST, Ground, Sheet, colour, contrast, ground_of, is_hidden
from .document import Cell, Drawing, Grid, Picture, Rows

NUMBER = re.compile(
    r"^[\s$€£¥+\-−–(]*\d[\d,.\s\u202f\u00a0]*(?:[eE][+\-−]?\d+)?\s*[%)KMBkx€$£¥]?\)?$|^(nan|NaN|NaT|None|<NA>|—|-|–|)$"
)
_BOLD = {"bold", "bolder", "600", "700", "800", "900"}
_ALIGN_CLASSES = {"gt_right": "right", "gt_center": "center", "gt_left": "left"}
_SECTIONS = ("thead", "tbody", "tfoot")
_ROW_ENDS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre"}
_SILENT = {"script", "style", "template", "title", "head"}
_FAINTEST = 1.5
"""Letters that stand out less than that from their ground are hardly meant to be seen so."""

WIDEST_SPAN = 1000
MOST_COLUMNS = 2_000


@dataclass(frozen=True)
class Markup:
    """What the elements of one piece of HTML are read with."""

    sheet: Sheet
    picture: Callable[[lxml_html.HtmlElement], Picture | None]
    hidden: dict[lxml_html.HtmlElement, bool] = field(default_factory=dict)

    def shown(self, element: Any) -> bool:
        """Whether it is an element, and not one that the author hid."""
        return isinstance(element.tag, str) and not is_hidden(element, self.sheet.of(element))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row as it stands in the HTML: a title, a note, a header or a row of the body."""

    kind: str
    cells: tuple[Cell, ...]
    section: str = ""


def table_of(element: lxml_html.HtmlElement, markup: Markup) -> Grid | None:
    """The printed side of a table element, or nothing where nothing of it is shown."""
    captions: list[str] = [one_line(" ".join(_between_cells(element, markup)))]
    notes: list[str] = []
    rows: list[_Row] = []
    for child in element:
        if not markup.shown(child):
            continue
        if child.tag == "caption":
            captions.append(one_line(text_of(child, markup)))
            continue
        for row in _rows(child, markup):
            if row.kind == "title":
                captions.append(one_line(row.cells[0].text))
            elif row.kind == "note" or (row.section == "tfoot" and len(row.cells) == 1):
                notes.append(row.cells[0].text)
            else:
                rows.append(row)
    head, body = _parted(rows)
    if not any(cell.text or cell.picture for row in (*head, *body) for cell in row):
        return None
    head = _without_name_row(head)
    head, body = _without_counting_index(head, body)
    columns = max((sum(cell.colspan for cell in row) for row in head + body), default=1)
    if columns > MOST_COLUMNS:
        notes.append(f"Columns 1–{MOST_COLUMNS:,} of {columns:,}; the notebook holds them all.")
    caption = " – ".join(part for part in captions if part)
    columns = min(columns, MOST_COLUMNS)
    return finished(Grid(columns, tuple(head), tuple(body), caption=caption, notes=tuple(filter(None, notes))))


def _between_cells(element: lxml_html.HtmlElement, markup: Markup) -> Iterator[str]:
    """Words of a table that stand in no cell: a browser shows them above it."""
    yield element.text or ""
    for child in element:
        if child.tag in (*_SECTIONS, "tr"):
            yield from _between_cells(child, markup) if markup.shown(child) else ()
        elif child.tag not in ("td", "th", "caption", *_SILENT) and markup.shown(child):
            yield text_of(child, markup)
        yield child.tail or ""


def _parted(rows: list[_Row]) -> tuple[list[tuple[Cell, ...]], list[tuple[Cell, ...]]]:
    """The header rows and the others. Header rows may stand outside `thead`, above the first row of the body."""
    head = [row.cells for row in rows if row.section == "thead"]
    others = [row for row in rows if row.section != "thead"]
    while len(others) > 1 and (others[0].kind == "header" or (not head and _is_header(others[0]))):
        head.append(others.pop(0).cells)
        if others[0].kind != "header" and _spans_down(head) and _is_header(others[0]):
            head.append(others.pop(0).cells)
    return head, [row.cells for row in others]


def _is_header(row: _Row) -> bool:
    return all(cell.head for cell in row.cells)


def _spans_down(head: list[tuple[Cell, ...]]) -> bool:
    """Whether a header has groups over columns, so that a row of names must follow."""
    return any(cell.colspan > 1 for cell in head[-1])


def _rows(section: lxml_html.HtmlElement, markup: Markup) -> Iterator[_Row]:
    name = section.tag if section.tag in _SECTIONS else ""
    outer = [section.getparent(), *([section] if name else [])]
    for tr in section if name else [section]:
        if tr.tag != "tr" or not markup.shown(tr):
            continue
        classes = f"{section.get('class') or ''} {tr.get('class') or ''}"
        kind = "title" if "gt_heading" in classes else "header" if "gt_col_headings" in classes else ""
        cells = []
        for child in tr:
            if child.tag not in ("td", "th") or not markup.shown(child):
                continue
            kind = _kind_of(child.get("class") or "", kind)
            cells.append(_cell(child, markup, [*outer, tr]))
        if cells:
            yield _Row(kind, tuple(cells), name)


def _kind_of(classes: str, kind: str) -> str:
    if "gt_title" in classes or "gt_subtitle" in classes or "gt_heading" in classes:
        return "title"
    return "note" if "gt_sourcenote" in classes or "gt_footnote" in classes.split() else kind


def text_of(element: lxml_html.HtmlElement, markup: Markup) -> str:
    """What an element says, in its lines, without what is hidden, comments and scripts."""
    pieces: list[str] = []
    _gather(element, markup, pieces)
    lines = clean("".join(pieces)).split("\n")
    return "\n".join(line for line in map(one_line, lines) if line)


def _gather(element: Any, markup: Markup, pieces: list[str]) -> None:
    pieces.append(_flowing(element.text))
    for child in element:
        if markup.shown(child) and child.tag not in _SILENT:
            ends = child.tag in _ROW_ENDS
            pieces.append("\n" if ends else "")
            said = instead_of(child, markup)
            if said is not None:
                pieces.append(said)
            elif is_tex(child):
                pieces.append(f"${child.text_content()}$")
            elif child.tag not in ("svg", "math"):
                _gather(child, markup, pieces)
            else:
                pieces.append(child.text_content() if child.tag == "math" else "")
            pieces.append("\n" if ends else " | " if child.tag in ("td", "th") and child.getnext() is not None else "")
        pieces.append(_flowing(child.tail))


ELSEWHERE = {
    "iframe": "a page of another site", "embed": "an embedded file", "object": "an embedded file", "video": "a film",
    "audio": "a sound", "canvas": "a drawing made by a script", "applet": "a program",
    "frame": "a page of another site",
}  # fmt: skip


def instead_of(element: Any, markup: Markup) -> str | None:
    """What stands in the line for an element that does not show its own words; None for all that do.

    A picture that is not at hand, what no page can hold, the value of a field, whether a box that cannot be ticked is.
    """
    tag, kind = element.tag, (element.get("type") or "text").lower()
    if tag in ("img", "image"):
        return None if element.get("data-drawing") or markup.picture(element) else f"[image: {_name_of(element)}]"
    if tag in ELSEWHERE:
        return f"[{ELSEWHERE[tag]} is not printed]"
    if tag == "select":
        chosen = element.xpath(".//option[@selected]") or element.xpath(".//option")[:1]
        return " ".join(text_of(one, markup) for one in chosen)
    if tag in ("progress", "meter"):
        return f" {text_of(element, markup) or _share_of(element)} "
    if tag != "input" or kind in ("hidden", "password", "file"):
        return None
    if kind not in ("checkbox", "radio"):
        return element.get("value") or ""
    if element.get("disabled") is None:
        return None
    return "\u2611 " if element.get("checked") is not None else "\u2610 "


def _name_of(image: Any) -> str:
    source = image.get("src") or ""
    file = "" if source.startswith("data:") else source.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    return one_line(image.get("alt") or image.get("title")) or one_line(file) or "without a description"


def _share_of(bar: Any) -> str:
    """How full a bar is, as its attributes say."""
    value, most = bar.get("value"), bar.get("max") or "1"
    return "" if value is None else one_line(value if most == "1" else f"{value} of {most}")


def _flowing(text: str | None) -> str:
    return text.replace("\n", " ") if text else ""


def is_tex(element: Any) -> bool:
    """Whether an element holds TeX, as Markdown and pandoc write it."""
    return element.tag in ("span", "div") and "math" in (element.get("class") or "").split()


def _span(element: lxml_html.HtmlElement, name: str) -> int:
    try:
        return max(1, min(WIDEST_SPAN, int(element.get(name) or 1)))
    except ValueError:
        return 1


def _cell(element: lxml_html.HtmlElement, markup: Markup, outer: list[lxml_html.HtmlElement]) -> Cell:
    style = _legacy(element) | dict(markup.sheet.of(element))
    classes = (element.get("class") or "").split()
    align = style.get("text-align") or element.get("align")
    if align not in ("left", "right", "center"):
        align = next((_ALIGN_CLASSES[name] for name in classes if name in _ALIGN_CLASSES), None)
    text, ground = text_of(element, markup), _ground(style, outer, markup)
    pictures = [found for inside in element.iter("img", "svg") if (found := markup.picture(inside))]
    if len(pictures) > 1:
        text = f"{text}\n[and {len(pictures) - 1} more in the notebook]".strip()
    inner = [child for child in element.iter("b", "strong") if one_line(child.text_content()) == one_line(text) != ""]
    return Cell(
        text=text,
        colspan=_span(element, "colspan"),
        rowspan=_span(element, "rowspan"),
        head=element.tag == "th",
        align=align,  # type: ignore[arg-type]
        bold=style.get("font-weight", "") in _BOLD or bool(inner),
        italic=style.get("font-style") == "italic",
        color=_letters(element, style, ground, markup),
        fill=ground.fill,
        drawing=None
        if ground.bar is None
        else Drawing("bar", (-ground.bar if text[:1] in "-−(" and text else ground.bar,)),
        picture=pictures[0] if pictures else None,
    )


def _legacy(element: lxml_html.HtmlElement) -> dict[str, str]:
    """What old attributes say: bgcolor."""
    return {"background-color": element.get("bgcolor") or ""} if element.get("bgcolor") else {}


def _ground(style: Mapping[str, str], outer: list[lxml_html.HtmlElement], markup: Markup) -> Ground:
    """What a cell stands on: its own ground, else that of its row, its section, its table."""
    ground = ground_of(style)
    if ground != Ground():
        return ground
    for around in reversed(outer):
        ground = ground_of(_legacy(around) | dict(markup.sheet.of(around)))
        if ground != Ground():
            return ground if ground.bar is None else Ground()
    return Ground()


def _letters(element: lxml_html.HtmlElement, style: Mapping[str, str], ground: Ground, markup: Markup) -> str | None:
    """The colour of a cell's letters, only where its ground was understood and they can be read on it."""
    said = style.get("color", "")
    if not said and len(element) == 1 and not (element.text or "").strip() and isinstance(element[0].tag, str):
        inner = markup.sheet.of(element[0])
        said = "" if ground_of(inner) != Ground() else inner.get("color", "") or element[0].get("color") or ""
    found = colour(said) if said and ground.understood else None
    if found is None:
        return None
    return found if contrast(found, ground.fill or "#ffffff") >= (_FAINTEST if ground.fill else LEAST_FREE) else None


LEAST_FREE = min(3.0, LEAST_CONTRAST)
"""Coloured letters on the page's own paper stand out at least so much."""


def is_layout(element: lxml_html.HtmlElement) -> bool:
    """Whether a table only places other things beside one another: it holds tables, and no words between them."""
    inner = [table for table in element.iter("table") if table is not element]
    if not inner:
        return False
    own = "".join(text for text in element.itertext() if isinstance(text, str))
    held = "".join("".join(table.itertext()) for table in inner if not _inside(table, inner))
    return len("".join(own.split())) == len("".join(held.split()))


def _inside(table: lxml_html.HtmlElement, others: list[lxml_html.HtmlElement]) -> bool:
    return any(up in others for up in table.iterancestors("table"))


def _without_name_row(head: list[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """pandas writes index names as a second, otherwise blank, header row: fold them into the first."""
    if (
        len(head) < 2
        or any(cell.text for cell in head[-1][1:])
        or any(cell.rowspan > 1 for row in head for cell in row)
    ):
        return head
    above, names = head[-2], head[-1]
    if above[0].colspan != 1:
        return head
    title = " / ".join(part for part in (names[0].text, above[0].text) if part)
    return [*head[:-2], (replace(above[0], text=title), *above[1:])]


def _without_counting_index(
    head: list[tuple[Cell, ...]], body: list[tuple[Cell, ...]]
) -> tuple[list[tuple[Cell, ...]], list[tuple[Cell, ...]]]:
    """An unnamed 0, 1, 2 … index says nothing beside rows that begin with their own words: it is left out there.

    Where all that follows is numbers it may be the only name that a row has (a month, an age): it stays.
    """
    plain = len(head) == 1 and len(head[0]) > 1 and not head[0][0].text and bool(body)
    counts = plain and all(row[0].head and row[0].rowspan == 1 and row[0].text == str(n) for n, row in enumerate(body))
    if counts and not all(len(row) > 1 and NUMBER.match(row[1].text) for row in body):
        return [head[0][1:]], [row[1:] for row in body]
    return head, body


def finished(table: Grid) -> Grid:
    """The table made rectangular, with an alignment for every column that has none given."""
    head, body = rectangular(table.head, table.columns), rectangular(table.body, table.columns)
    aligns = table.aligns if len(table.aligns) == table.columns else _aligns(body, table.columns)
    return replace(table, head=head, body=body, aligns=tuple(aligns))


def rectangular(rows: Rows, columns: int) -> Rows:
    """Spans clamped, short rows padded, cells that do not fit left out."""
    taken = [[False] * columns for _ in rows]
    grid = []
    for y, row in enumerate(rows):
        x, placed = 0, []
        for cell in row:
            while x < columns and taken[y][x]:
                x += 1
            if x >= columns:
                break
            cell = _clamped(cell, taken, y, x)
            for down in range(cell.rowspan):
                for right in range(cell.colspan):
                    taken[y + down][x + right] = True
            placed.append(cell)
            x += cell.colspan
        placed.extend(Cell("") for free in taken[y] if not free)
        taken[y] = [True] * columns
        grid.append(tuple(placed))
    return tuple(grid)


def _clamped(cell: Cell, taken: list[list[bool]], y: int, x: int) -> Cell:
    if cell.colspan == cell.rowspan == 1:
        return cell
    width = 1
    while width < cell.colspan and x + width < len(taken[y]) and not taken[y][x + width]:
        width += 1
    height = min(cell.rowspan, len(taken) - y)
    while height > 1 and any(taken[y + down][x + right] for down in range(1, height) for right in range(width)):
        height -= 1
    return replace(cell, colspan=width, rowspan=height)


def _aligns(body: Rows, columns: int) -> list[Any]:
    """Right for a column that is mostly numbers, else what most cells ask for, else left."""
    votes: list[Counter[str]] = [Counter() for _ in range(columns)]
    numbers, rows = [0] * columns, 0
    for row in body:
        if len(row) != columns:
            continue
        rows += 1
        for x, cell in enumerate(row):
            numbers[x] += bool(NUMBER.match(cell.text))
            if cell.align:
                votes[x][cell.align] += 1
    return [
        votes[x].most_common(1)[0][0] if votes[x] else "right" if rows and numbers[x] > 0.8 * rows else "left"
        for x in range(columns)
    ]
