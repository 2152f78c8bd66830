"""Tables → the JSON that the Typst template reads: text size, column widths, and parts where a page is too narrow.

A small table keeps its natural width; a middling one gives the slack to its text columns; a tight one shares the page,
in a smaller size, and turns the page when even that is not enough. No number is ever broken: columns that do not fit
beside one another follow in parts, each with the columns that name its rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..document.css import LEAST_CONTRAST, contrast
from ..document.document import Cell, Grid, Rows, placed
from ..document.html_tables import NUMBER, finished
from ..document.pictures import size_in_points
from .style import PALETTE, PDF_ROWS, capped, is_turned, numbered_title

DRAWN = {"bar": 14, "trend": 17}
"""Characters that a drawing takes in its column."""

MOST_CELLS = 36_000

LONG_TOKEN = 28
_SHORT_TOKEN = 18
_BREAK_AFTER = re.compile(r"([/&?=_.\-,;:)])")
_CELL_GAP = 2.4
# Characters of table text that fit across a portrait page at each size, widest first.
_SIZES = ((8.8, 112.0), (8.0, 124.0), (7.2, 138.0), (6.4, 155.0))
_LANDSCAPE = 1.36
_MOST_LINES = 9
_MOST_KEYS = 3
_LARGEST_IN_CELL = (110.0, 60.0)
_FEWEST_WORDS = 14
_BROKEN = 34
"""Characters from which a text is broken into lines: what room is left goes to such columns."""
_NARROW, _BROAD = set("iljtfrI.,:;'|!()[] -1"), set("mwMW@%ABCDEGHKNOQRSUVX&")


def soft(text: str, width: int = LONG_TOKEN) -> str:
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


PictureKeeper = Callable[[bytes, str], str]


def tables_data(table: Grid, *, workbook: bool = True, picture: PictureKeeper | None = None) -> list[dict[str, Any]]:
    """A table for the page, or its parts; with more rows than a PDF should hold it says where they are."""
    rows = min(PDF_ROWS, max(50, MOST_CELLS // max(1, table.columns)))
    return [table_data(part, picture) for part in _parts(capped(table, rows, workbook=workbook))]


def table_data(table: Grid, picture: PictureKeeper | None = None) -> dict[str, Any]:
    """A table with its text size, its column widths, and whether it needs a landscape page."""
    wanted = _natural_widths(table)
    total = sum(wanted) + _CELL_GAP * table.columns
    wide = total > _SIZES[2][1]
    room = total / (_LANDSCAPE if wide else 1)
    size, fits = next(((size, fits) for size, fits in _SIZES if room <= fits), _SIZES[-1])
    widths = _widths(table, wanted, room, fits)
    usable = fits * (_LANDSCAPE if wide else 1) - _CELL_GAP * table.columns
    share = [int(usable * width / sum(wanted)) if room > 0.9 * fits else 200 for width in wanted]
    needed = _needed(table)
    if room > 0.9 * fits and any(had < need for had, need in zip(share, needed, strict=True)):
        filled = _filled(needed, wanted, usable)
        widths, share = [width + _CELL_GAP for width in filled], [int(width) for width in filled]
    lines = sum(_lines(row, wanted) for row in table.body)
    look = _Look(table, share, picture)
    return {
        "k": "t",
        "head": [[_cell(cell, look, x, head=True) for x, cell in placed(row)] for row in table.head],
        "body": [
            [_cell(cell, look, x, total=y in table.emphasis) for x, cell in placed(row)]
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


def _parts(table: Grid) -> list[Grid]:
    """The table, or as many as are needed for its columns to stand on landscape pages without breaking a number."""
    needed, across = _needed(table), _SIZES[-1][1] * _LANDSCAPE
    if sum(needed) + _CELL_GAP * table.columns <= across:
        return [table]
    keys = _key_columns(table, needed, across)
    across -= sum(needed[:keys]) + _CELL_GAP * keys
    groups = _grouped(needed, keys, across)
    if len(groups) > 1:
        even = sum(needed[keys:]) + _CELL_GAP * (table.columns - keys)
        groups = min(_grouped(needed, keys, 1.04 * even / len(groups)), groups, key=len)
    parts = []
    for number, group in enumerate(groups):
        words = f"columns {group[0] + 1 if number else 1:,}–{group[-1] + 1:,} of {table.columns:,}"
        title = f"{table.caption} ({words})" if table.caption else f"{words[:1].upper()}{words[1:]}"
        part = with_columns(table, [*range(keys), *group])
        is_last = number == len(groups) - 1
        parts.append(
            replace(
                part,
                caption=title,
                definition=table.definition if number == 0 else "",
                notes=table.notes if is_last else (),
            )
        )
    return parts


def _key_columns(table: Grid, needed: list[float], across: float) -> int:
    """How many columns name the rows, and are repeated: those of row headers, else a first column of words."""
    full = [row for row in table.body if len(row) == table.columns]
    keys = 0
    while keys < min(_MOST_KEYS, table.columns - 1) and full and all(row[keys].head for row in full):
        keys += 1
    if not keys and full and not all(NUMBER.match(row[0].text) for row in full):
        keys = 1
    while keys and sum(needed[:keys]) > across / 2:
        keys -= 1
    return keys


def _grouped(needed: list[float], keys: int, across: float) -> list[list[int]]:
    groups: list[list[int]] = []
    room = 0.0
    for column in range(keys, len(needed)):
        width = needed[column] + _CELL_GAP
        if not groups or width > room:
            groups.append([])
            room = across
        groups[-1].append(column)
        room -= width
    return groups


def with_columns(table: Grid, kept: list[int]) -> Grid:
    """The table with some of its columns; a span keeps what of it stays.

    >>> wide = finished(Grid(3, ((Cell("a", head=True), Cell("b", colspan=2, head=True)),), ((Cell("1"),) * 3,)))
    >>> [[(cell.text, cell.colspan) for cell in row] for row in with_columns(wide, [0, 2]).head]
    [[('a', 1), ('b', 1)]]
    """
    aligns = tuple(table.aligns[x] if x < len(table.aligns) else "left" for x in kept)
    made = replace(table, columns=len(kept), head=_chosen(table.head, table.columns, kept), aligns=aligns)
    return finished(replace(made, body=_chosen(table.body, table.columns, kept)))


def _chosen(rows: Rows, columns: int, kept: list[int]) -> Rows:
    places: list[list[tuple[int, Cell] | None]] = [[None] * columns for _ in rows]
    for y, row in enumerate(rows):
        x = 0
        for cell in row:
            while x < columns and places[y][x] is not None:
                x += 1
            for down in range(min(cell.rowspan, len(rows) - y)):
                for right in range(min(cell.colspan, columns - x)):
                    places[y + down][x + right] = (y, cell)
            x += cell.colspan
    out = []
    for y, line in enumerate(places):
        made: list[Cell] = []
        before: Cell | None = None
        for x in kept:
            found = line[x]
            if found is None or found[0] != y:
                before = None
            elif found[1] is before:
                made[-1] = replace(made[-1], colspan=made[-1].colspan + 1)
            else:
                before = found[1]
                made.append(replace(before, colspan=1))
        out.append(tuple(made))
    return tuple(out)


def _needed(table: Grid) -> list[float]:
    """Characters that each column needs so that no number and no short word in it is broken."""
    widths = [2.0] * table.columns
    for rows, head in ((table.head, True), (table.body, False)):
        for row in rows:
            if sum(cell.colspan for cell in row) != table.columns:
                continue
            for x, cell in placed(row):
                if cell.colspan == 1 and cell.text and len(cell.text) * 1.3 > widths[x]:
                    widths[x] = max(widths[x], _least(cell, is_head=head, is_ours=bool(table.name)))
                elif cell.drawing:
                    widths[x] = max(widths[x], DRAWN[cell.drawing.kind])
    return widths


def _least(cell: Cell, *, is_head: bool, is_ours: bool) -> float:
    """What one cell needs: its whole line where that is a number, else its longest word, up to a length.

    Our own tables are made for their page: only their numbers are looked at.
    """
    if is_ours:
        return len(cell.text) if not is_head and NUMBER.match(cell.text) else 2.0
    if not is_head and NUMBER.match(cell.text):
        least = max(map(measured, cell.text.split("\n")))
    else:
        words = _BREAK_AFTER.sub("\\1 ", cell.text).split()
        least = min(_SHORT_TOKEN, max(map(measured, words), default=0.0))
        least = max(least, min(34.0, len(cell.text) / _MOST_LINES))
    drawn = DRAWN[cell.drawing.kind] if cell.drawing else 0
    return min(48.0, least + 0.4 + drawn + (0.6 if is_head or cell.bold else 0))


def measured(text: str) -> float:
    """About how many ordinary characters wide a text is.

    >>> measured("1,200"), measured("WW"), measured("\u5f20")
    (4.2, 2.5, 2.0)
    """
    return round(sum(map(_breadth, text)), 2)


def _breadth(character: str) -> float:
    if character in _NARROW:
        return 0.6
    if character in _BROAD:
        return 1.25
    return 2.0 if ord(character) > 0x1100 and unicodedata.east_asian_width(character) in "WF" else 1.0


def _filled(needed: list[float], wanted: list[int], usable: float) -> list[float]:
    """Every column with what it needs, and what is left given to those that want more."""
    more = [max(0.0, want - need) for want, need in zip(wanted, needed, strict=True)]
    spare = usable - sum(needed)
    if spare <= 0 or not sum(more):
        return [need + max(0.0, spare) / len(needed) for need in needed]
    return [need + spare * extra / sum(more) for need, extra in zip(needed, more, strict=True)]


def _natural_widths(table: Grid) -> list[int]:
    """Characters each column wants: its widest line, up to `_BROKEN`, or its longest header word."""
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
                    widths[x] = max(
                        widths[x], min(_BROKEN, max(map(_length, pieces)) + (1 if head or cell.bold else 0))
                    )
    return widths


def _length(text: str) -> int:
    return (
        len(text) if text.isascii() else round(sum(max(1.0, _breadth(one)) if ord(one) > 0x1100 else 1 for one in text))
    )


def half_page_size(table: Grid) -> float:
    """The text size at which the table stands on half a page, its column of words broken into lines; 0.0 for none."""
    wanted, words = _natural_widths(table), words_column(table.aligns)
    needed = sum(wanted) - wanted[words] + min(wanted[words], _FEWEST_WORDS) + _CELL_GAP * table.columns
    return next((size for size, fits in _SIZES[:3] if needed <= fits / 2), 0.0)


def words_column(aligns: Sequence[str]) -> int:
    """The first column of words, else the first of all: on half a page it takes what the others leave."""
    return max(range(len(aligns)), key=lambda x: (aligns[x] == "left", -x))


def _widths(table: Grid, wanted: list[int], room: float, fits: float) -> list[float]:
    if room < 0.6 * fits:
        return [0] * table.columns
    left: list[float] = [width if align == "left" else 0 for align, width in zip(table.aligns, wanted, strict=True)]
    broken = [width if width >= _BROKEN else 0 for width in left]
    text_columns = broken if any(broken) else [width if width > 12 else 0 for width in left]
    if any(text_columns) and room <= (fits if any(broken) else 0.9 * fits):
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


@dataclass(frozen=True)
class _Look:
    """What a cell needs to know of its table: its sides, the characters of each column, and who keeps pictures."""

    table: Grid
    share: list[int]
    picture: PictureKeeper | None


def _cell(cell: Cell, look: _Look, x: int, *, head: bool = False, total: bool = False) -> dict[str, Any]:
    width = look.share[x] if x < len(look.share) and cell.colspan == 1 else 200
    is_number = not head and len(cell.text) <= LONG_TOKEN and NUMBER.match(cell.text)
    data: dict[str, Any] = {"t": cell.text if is_number else soft(cell.text, min(LONG_TOKEN, max(4, width)))}
    facts = (
        ("cs", cell.colspan if cell.colspan > 1 else None),
        ("rs", cell.rowspan if cell.rowspan > 1 else None),
        ("a", cell.align),
        ("b", cell.bold),
        ("i", cell.italic),
        ("c", cell.color or (_readable_on(cell.fill) if cell.fill else None)),
        ("f", cell.fill),
        ("e", total),
        ("rowhead", cell.head and not head),
        ("rtl", is_turned(cell.text)),
    )
    data |= {key: value for key, value in facts if value}
    if cell.drawing:
        data |= {cell.drawing.kind: list(cell.drawing.values), "band": list(cell.drawing.band)}
    if cell.picture and look.picture:
        size = size_in_points(cell.picture.data, cell.picture.mime) or (60.0, 24.0)
        scale = min(1.0, _LARGEST_IN_CELL[0] / size[0], _LARGEST_IN_CELL[1] / size[1])
        data |= {
            "path": look.picture(cell.picture.data, cell.picture.mime),
            "w": size[0] * scale,
            "ht": size[1] * scale,
        }
    if head:
        data["side"] = look.table.aligns[x] if x < len(look.table.aligns) else "left"
    return data


def _readable_on(fill: str) -> str | None:
    """Black or white letters for a ground on which the page's own ink could not be read."""
    if contrast(PALETTE["ink"], fill) >= LEAST_CONTRAST:
        return None
    return max(("#000000", "#ffffff"), key=lambda colour: contrast(colour, fill))
