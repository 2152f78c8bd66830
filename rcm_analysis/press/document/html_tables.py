"""HTML tables of an analyst's own notebook (pandas, Styler, great_tables, any other) to `Table`, through lxml.

Only text and a handful of checked style facts survive. Spans are clamped to a grid, because a table that
overlaps itself cannot be set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ...blocks.plain import clean, one_line
from .document import Cell, Grid, Rows

_NUMBER = re.compile(r"^[\s$€£¥+\-−–(]*\d[\d,.\s\u202f\u00a0]*\s*[%)KMBkx]?\)?$|^(nan|NaN|NaT|None|<NA>|—|-|–|)$")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_NAMED = {
    "white": "#ffffff", "black": "#000000", "red": "#ff0000", "yellow": "#ffff00", "green": "#008000",
    "lightgreen": "#90ee90", "pink": "#ffc0cb", "orange": "#ffa500", "gray": "#808080", "grey": "#808080",
    "lightgrey": "#d3d3d3", "lightgray": "#d3d3d3", "blue": "#0000ff", "salmon": "#fa8072",
}  # fmt: skip
_BOLD = {"bold", "bolder", "600", "700", "800", "900"}
_ALIGN_CLASSES = {"gt_right": "right", "gt_center": "center", "gt_left": "left"}
WIDEST_SPAN = 1000
MOST_COLUMNS = 60


def colour(value: str) -> str | None:
    """A CSS colour as #rrggbb, or nothing.

    >>> colour("#abc"), colour("rgb(255, 0, 10)"), colour("url(x)")
    ('#aabbcc', '#ff000a', None)
    """
    value = value.strip().lower()
    if value.startswith("#"):
        digits = value[1:]
        if len(digits) in (3, 4):
            digits = "".join(digit * 2 for digit in digits[:3])
        return "#" + digits[:6] if re.fullmatch(r"[0-9a-f]{6}", digits[:6]) else None
    match = re.match(r"rgba?\(\s*(\d{1,3})\D+(\d{1,3})\D+(\d{1,3})", value)
    if match:
        return "#" + "".join(f"{min(255, int(part)):02x}" for part in match.groups())
    return _NAMED.get(value)


def tables_of(source: str) -> list[Grid]:
    """The outermost tables of a piece of HTML, in order."""
    if not source.strip():
        return []
    try:
        root = lxml_html.fragment_fromstring(clean(source), create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return []
    styles = _styles_by_id("".join(style.text or "" for style in root.iter("style")))
    outermost = (table for table in root.iter("table") if not any(up.tag == "table" for up in table.iterancestors()))
    return [table for table in (_table(element, styles) for element in outermost) if table]


def _declarations(css: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in css.split(";") if ":" in part)
    return {name.strip().lower(): value.replace("!important", "").strip() for name, value in pairs}


def _styles_by_id(css: str) -> dict[str, dict[str, str]]:
    """What a pandas Styler says about single cells: `#T_x_row0_col1, #T_x_row2_col1 {…}`."""
    styles: dict[str, dict[str, str]] = {}
    for selectors, body in _RULE.findall(css):
        if "#" not in selectors:
            continue
        declared = _declarations(body)
        for selector in selectors.split(","):
            selector = selector.strip()
            if re.fullmatch(r"#[\w-]+", selector):
                styles.setdefault(selector[1:], {}).update(declared)
    return styles


def _text_of(element: lxml_html.HtmlElement) -> str:
    for line_break in element.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    for hidden in list(element.iter("script", "style")):
        hidden.text = None
    lines = clean("".join(element.itertext())).split("\n")
    return "\n".join(line for line in map(one_line, lines) if line)


def _span(element: lxml_html.HtmlElement, name: str) -> int:
    try:
        return max(1, min(WIDEST_SPAN, int(element.get(name) or 1)))
    except ValueError:
        return 1


def _cell(element: lxml_html.HtmlElement, styles: dict[str, dict[str, str]]) -> Cell | None:
    style = {**styles.get(element.get("id") or "", {}), **_declarations(element.get("style") or "")}
    if style.get("display") == "none":
        return None
    classes = (element.get("class") or "").split()
    align = style.get("text-align")
    if align not in ("left", "right", "center"):
        align = next((_ALIGN_CLASSES[name] for name in classes if name in _ALIGN_CLASSES), None)
    return Cell(
        text=_text_of(element),
        colspan=_span(element, "colspan"),
        rowspan=_span(element, "rowspan"),
        head=element.tag == "th",
        align=align,  # type: ignore[arg-type]
        bold=style.get("font-weight", "") in _BOLD,
        italic=style.get("font-style") == "italic",
        color=colour(style.get("color", "")),
        fill=colour(style.get("background-color", "")),
    )


def _rows(
    elements: Iterable[lxml_html.HtmlElement], styles: dict[str, dict[str, str]]
) -> list[tuple[str, tuple[Cell, ...]]]:
    """Rows with what they are: "", "title" (great_tables puts its title in the head) or "note"."""
    rows = []
    for element in elements:
        if element.tag != "tr":
            continue
        kind = "title" if "gt_heading" in (element.get("class") or "") else ""
        cells = []
        for child in element:
            if child.tag not in ("td", "th"):
                continue
            classes = child.get("class") or ""
            if "gt_title" in classes or "gt_subtitle" in classes:
                kind = "title"
            elif "gt_sourcenote" in classes or "gt_footnote" in classes:
                kind = "note"
            cell = _cell(child, styles)
            if cell:
                cells.append(cell)
        if cells:
            rows.append((kind, tuple(cells[:MOST_COLUMNS])))
    return rows


def _table(element: lxml_html.HtmlElement, styles: dict[str, dict[str, str]]) -> Grid | None:
    head: list[tuple[Cell, ...]] = []
    body: list[tuple[Cell, ...]] = []
    captions: list[str] = []
    notes: list[str] = []
    for child in element:
        if child.tag == "caption":
            captions.append(one_line(_text_of(child)))
            continue
        section = child if child.tag in ("thead", "tbody", "tfoot") else [child]
        for kind, row in _rows(section, styles):
            if kind == "title":
                captions.append(one_line(row[0].text))
            elif kind == "note" or (child.tag == "tfoot" and len(row) == 1):
                notes.append(row[0].text)
            else:
                (head if child.tag == "thead" else body).append(row)
    if not head and body and all(cell.head for cell in body[0]):
        head.append(body.pop(0))
    if not head and not body:
        return None
    head = _without_name_row(head)
    head, body = _without_counting_index(head, body)
    columns = min(MOST_COLUMNS, max((sum(cell.colspan for cell in row) for row in head + body), default=1))
    caption = " – ".join(part for part in captions if part)
    return finished(Grid(columns, tuple(head), tuple(body), caption=caption, notes=tuple(notes)))


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
    """An unnamed 0, 1, 2 … index says nothing to a client: leave the column out."""
    plain = len(head) == 1 and len(head[0]) > 1 and not head[0][0].text and bool(body)
    if plain and all(row[0].head and row[0].rowspan == 1 and row[0].text == str(n) for n, row in enumerate(body)):
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
            numbers[x] += bool(_NUMBER.match(cell.text))
            if cell.align:
                votes[x][cell.align] += 1
    return [
        votes[x].most_common(1)[0][0] if votes[x] else "right" if rows and numbers[x] > 0.8 * rows else "left"
        for x in range(columns)
    ]
