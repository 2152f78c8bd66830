"""The workbook of a report: every table it shows, also those behind its figures, with typed cells.

Texts come from raw files, so nothing here can become a formula: every text is stored as a text, marked
so that it stays one when a person edits the cell. Amounts are dollars made exactly from cents. Cells that a person
fills in are marked, formatted before they hold anything, and checked as they are typed.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.chart import LineChart, Reference
from openpyxl.compat import safe_string
from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from ...blocks.plain import clean, sheet_title
from ...blocks.vocabulary import Block, Column, Figure, Glossary, Meta, Table, Term
from ...errors import RunError
from .cells import LISTS, Lists, is_quoted, mark_editable, plain_text, put_text
from .pdf import as_png
from .style import palettes

FORMATS = {
    "usd": '"$"#,##0.00;-"$"#,##0.00',
    "count": "#,##0",
    "rate": "0.0%",
    "days": "#,##0.0",
    "number": "General",
    "date": "yyyy-mm-dd",
    "month": "mmm yyyy",
    "text": "@",
    "flag": '"Yes";"Yes";"No"',
}
FACE = "Calibri"
"""The font of every cell, by name: a reader's own default has other widths."""
SMALL = 40
"""A printed table of at most so many rows shares a sheet with the others of its heading."""
READ_ACROSS = 90
"""Characters of a line above a table, as far as its columns reach."""
WORDS = 1.12
"""Characters of running words in the width of a digit."""
LOGO_HEIGHT = 60
"""Pixels of the logo on the first sheet."""
LINE_HEIGHT = 15
"""Points of a line of text in a cell."""
BREAKS = {"\r": "&#13;"}
CHARTED = 3
"""A sheet by month is charted from so many months on, with at most so many lines."""
MOST_ROWS = 1_048_576
CONTENTS, DEFINITIONS = "Contents", "Definitions"
BODY, STRONG = Font(name=FACE, size=11), Font(name=FACE, size=11, bold=True)
SLANTED, TITLE = Font(name=FACE, size=11, italic=True), Font(name=FACE, bold=True, size=14)
_FIXED_DAY = dt.datetime(2000, 1, 1)
_FORBIDDEN_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_HEAD = PatternFill("solid", fgColor="FFE8EDF2")
_LINE = Border(bottom=Side(style="thin", color="FF6B7785"))
_TOTAL_LINE = Border(top=Side(style="thin", color="FF6B7785"))


@dataclass(frozen=True)
class Section:
    """The tables of one report, and the terms it defines."""

    title: str
    tables: tuple[Table, ...]
    terms: tuple[Term, ...] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    """The heading under which a table is printed, by its name: its small tables share a sheet of that name."""

    def heading_of(self, table: Table) -> str:
        """The heading whose sheet the table shares with others, up to a comma; nothing for one that stands alone."""
        heading = self._heading(table)
        together = sum(self._heading(other) == heading for other in self.tables) > 1
        return heading.partition(",")[0] if together else ""

    def _heading(self, table: Table) -> str:
        small = table.print and len(table.rows) <= SMALL and not any(column.editable for column in table.columns)
        return self.headings.get(table.name, "") if small else ""


def section_of(blocks: Iterable[Block], title: str, headings: Mapping[str, str] | None = None) -> Section:
    """The tables of a notebook's blocks in order, each once, also those behind figures and not printed."""
    tables: list[Table] = []
    terms: list[Term] = []
    for block in blocks:
        if isinstance(block, Glossary):
            terms += [term for term in block.items if term not in terms]
        table = block.table if isinstance(block, Figure) else block
        table = _without_trends(table) if isinstance(table, Table) else table
        if isinstance(table, Table) and not any(table.same_data(other) for other in tables):
            tables.append(table if table.title or not isinstance(block, Figure) else replace(table, title=block.title))
    return Section(title, tuple(tables), tuple(terms), headings or {})


def _without_trends(table: Table) -> Table:
    """A sheet holds the numbers of a trend in a table of its own, not as a line drawn in a cell."""
    kept = [place for place, column in enumerate(table.columns) if column.drawn != "trend"]
    if len(kept) == len(table.columns):
        return table
    columns = tuple(table.columns[place] for place in kept)
    rows, shown = (tuple(tuple(row[place] for place in kept) for row in rows) for rows in (table.rows, table.shown))
    return replace(table, columns=columns, rows=rows, text=shown)


def divided(section: Section) -> tuple[Section, Section]:
    """What a reader of the pages looks up, and the rest of the data.

    The first holds the tables that are printed or stand behind a printed figure, those that lead to others, and
    those that they lead to, in reading order; the terms go with it.
    """
    leading = [table for table in section.tables if any(column.link for column in table.columns)]
    named = {
        str(row[place])
        for table in leading
        for place, column in enumerate(table.columns)
        if column.link
        for row in table.rows
    }
    first = [table for table in leading if not table.print]
    first += [table for table in section.tables if table not in first and (table.print or table.name in named)]
    rest = tuple(table for table in section.tables if table not in first)
    return replace(section, tables=tuple(first)), Section(section.title, rest)


@dataclass(frozen=True)
class Place:
    """Where a table stands: the report it is of, its sheet, and its first row there."""

    report: str
    sheet: str
    row: int
    table: Table


@dataclass
class _Held:
    """What the sheets of one workbook share, and the long tables' rows as they are written: last row, those before."""

    lists: Lists = field(default_factory=Lists)
    bodies: dict[str, tuple[int, str]] = field(default_factory=dict)
    styles: dict[Hashable, StyleArray] = field(default_factory=dict)

    def style(self, cell: Cell, key: Hashable, **looks: Any) -> Cell:
        """Give the cell its looks, which are looked up by value once: that takes long."""
        known = self.styles.get(key)
        if known is None:
            for name, look in looks.items():
                setattr(cell, name, look)
            self.styles[key] = copy(cell._style)
        else:
            cell._style = copy(known)
        return cell

    def fit(self, cell: Cell, stored: Any, unit: str, *, indent: int | None, total: bool) -> Cell:
        """Give a cell of a table the looks of what it stores; with an indent it begins at the left."""
        shown = "@" if isinstance(stored, str) else FORMATS.get(unit, "General")
        looks = {"number_format": shown, "font": STRONG if total else BODY}
        looks |= {"border": _TOTAL_LINE} if total else {}
        looks |= {} if indent is None else {"alignment": Alignment(horizontal="left", indent=indent)}
        return self.style(cell, (shown, indent, total), **looks)


def write_workbook(sections: Sequence[Section], path: Path, *, meta: Meta) -> None:
    """Write one workbook: contents, a sheet per table or per heading, definitions. The same input gives the same bytes.

    A table that several reports share has one place, which the contents name under each of them. `meta` names the
    report on the first sheet, which bears the firm's logo.
    """
    book = Workbook()
    contents = book.active
    contents.title = CONTENTS
    held = _Held()
    places = _places(sections)
    written = {(place.sheet, place.row): place for place in reversed(places)}
    alone = {sheet for sheet, number in Counter(sheet for sheet, _ in written).items() if number == 1}
    for place in reversed(written.values()):
        sheet = book[place.sheet] if place.sheet in book.sheetnames else book.create_sheet(place.sheet)
        _write_table(sheet, place.table, held, top=place.row, alone=place.sheet in alone)
        _link(sheet, place, [one for one in places if one.report == place.report])
    for place in written.values():
        _set_heights(book[place.sheet], place)
    terms = _terms(sections)
    if terms:
        _write_table(book.create_sheet(DEFINITIONS), _table_of(terms), held)
    held.lists.write(book)
    _write_contents(contents, meta, places, terms)
    book.properties.creator = clean(meta.firm or "rcm_analysis")
    book.properties.title = clean(meta.title)
    buffer = io.BytesIO()
    _Writer(book, zipfile.ZipFile(buffer, "w"), held.bodies).save()  # stored as it is: without times it is packed once
    Path(path).write_bytes(_without_times(buffer.getvalue()))


def _places(sections: Sequence[Section]) -> list[Place]:
    """Every table of every report with its sheet and its first row there: below those that came before it."""
    taken = {CONTENTS.lower(), DEFINITIONS.lower(), LISTS.lower(), "history"}
    sheets: dict[tuple[str, str], str] = {}
    below: dict[str, int] = {}
    places: list[Place] = []
    for section in sections:
        for number, table in enumerate(section.tables):
            there = next((one for one in places if table.same_data(one.table)), None)
            if there:
                places.append(replace(there, report=section.title))
                continue
            heading = section.heading_of(table)
            key = (section.title, heading or str(number))
            if key not in sheets:
                sheets[key] = sheet_name(heading or sheet_title(table.name or table.title), taken)
            sheet = sheets[key]
            places.append(Place(section.title, sheet, below.get(sheet, 1), table))
            below[sheet] = places[-1].row + 5 + len(table.notes) + len(table.rows)
    return places


def sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel takes and no other sheet has; it is added to `taken`.

    >>> taken = set()
    >>> sheet_name("Aging: by payer/plan", taken), sheet_name("aging  by payer plan", taken)
    ('Aging by payer plan', 'aging by payer plan 2')
    """
    base = " ".join(_FORBIDDEN_IN_NAMES.sub(" ", clean(name)).split()).strip("'")[:31].strip("' ") or "Table"
    candidate, number = base, 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{base[: 30 - len(str(number))].rstrip()} {number}"
    taken.add(candidate.lower())
    return candidate


class _Writer(ExcelWriter):
    """openpyxl's writer, which takes the rows of long tables as they were written, and sheets without a file each."""

    def __init__(self, book: Workbook, archive: zipfile.ZipFile, bodies: Mapping[str, tuple[int, str]]) -> None:
        super().__init__(book, archive)
        self._bodies = bodies

    def write_worksheet(self, ws: Worksheet) -> None:
        ws._drawing = SpreadsheetDrawing()
        ws._drawing.charts, ws._drawing.images = ws._charts, ws._images
        out = io.BytesIO()
        writer = WorksheetWriter(ws, out)
        writer.write()
        ws._rels = writer._rels
        written = out.getvalue()
        if ws.title in self._bodies:
            last, rows = self._bodies[ws.title]
            before, row, after = written.partition(b'<row r="%d"' % last)
            written = b"".join((before, rows.encode("ascii", "xmlcharrefreplace"), row, after))
        self._archive.writestr(ws.path[1:], written)
        self.manifest.append(ws)


def typed(value: Any, unit: str) -> Any:
    """A raw value as what the sheet stores; None leaves the cell empty. A flag is a number that its format reads as
    Yes or No in every program.

    >>> typed(123456, "usd"), typed("2026-10", "month"), typed(float("nan"), "rate")
    (Decimal('1234.56'), datetime.date(2026, 10, 1), None)
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if unit == "usd" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return Decimal(str(value)) / 100
    if unit in ("date", "month") and isinstance(value, str):
        return _day(value)
    if unit == "flag" and value in (0, 1):
        return int(value)
    if unit in ("count", "rate", "days", "number") and isinstance(value, (int, float)):
        return value
    return str(value)


def _day(text: str) -> dt.date | str:
    try:
        return dt.date.fromisoformat(text[:10] if len(text) > 7 else f"{text}-01")
    except ValueError:
        return text


def _write_table(sheet: Worksheet, table: Table, held: _Held, *, top: int = 1, alone: bool = True) -> None:
    if len(table.rows) > MOST_ROWS - 100:
        raise RunError(
            f"The table {table.name!r} has {len(table.rows):,} rows; a sheet holds {MOST_ROWS:,}. Show fewer."
        )
    put_text(held.style(sheet.cell(top, 1), "title", font=TITLE), table.title or table.name)
    for number, said in enumerate((table.definition, *table.notes), start=top + 1):
        font = BODY if number > top + 1 else SLANTED
        put_text(held.style(sheet.cell(number, 1), ("above", font is BODY), font=font), said)
    head, indents = _head(table, top), [_indent(table.columns, n) for n in range(1, len(table.columns) + 1)]
    for position, column in enumerate(table.columns, start=1):
        side = "left" if column.unit in ("text", "date", "month") else "right"
        look = Alignment(wrap_text=True, vertical="bottom", horizontal=side, indent=indents[position - 1])
        cell, key = sheet.cell(head, position), ("head", side, indents[position - 1])
        put_text(held.style(cell, key, font=STRONG, fill=_HEAD, border=_LINE, alignment=look), column.heading)
    last = len(table.rows) - 1
    long = last >= SMALL and not any(column.editable or column.link for column in table.columns)
    if long:
        held.bodies[sheet.title] = head + 1 + last, _rows(sheet, table, head + 1, held)
    for offset, position, stored, unit, indent in _values(table, range(last if long else 0, last + 1)):
        total = offset in table.emphasis
        if stored is not None or total:
            cell = held.fit(sheet.cell(head + 1 + offset, position), stored, unit, indent=indent, total=total)
            _fill(cell, stored)
    _arrange(sheet, table, head, alone=alone)
    _chart(sheet, table, head)
    mark_editable(
        sheet, table.columns, range(head + 1, head + 2 + last - len(set(table.emphasis))), held.lists, FORMATS
    )


def _head(table: Table, top: int = 1) -> int:
    """The row of the headings: below title, definition, notes and an empty row."""
    return top + 3 + len(table.notes)


def _link(sheet: Worksheet, place: Place, places: Sequence[Place]) -> None:
    """Make the texts of link columns lead to the tables they name, by the sheets on which those stand."""
    table, found = place.table, {one.table.name: one for one in reversed(places)}
    for position, column in enumerate(table.columns, start=1):
        for offset, row in enumerate(table.rows if column.link else (), start=1):
            named = found.get(str(row[position - 1]))
            if named is not None:
                _lead(put_text(sheet.cell(_head(table, place.row) + offset, position), named.sheet), named)


def _lead(cell: Cell, place: Place) -> None:
    quoted = place.sheet.replace("'", "''")
    cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{quoted}'!A{place.row}")
    cell.font = Font(name=FACE, size=11, color="FF1F5A99", underline="single")


def _values(table: Table, offsets: range) -> Iterator[tuple[int, int, Any, str, int | None]]:
    """Every cell of these rows: its row from the first on, its column, what it stores, its unit, its indent."""
    indents = [_indent(table.columns, n) for n in range(1, len(table.columns) + 1)]
    lefts = [column.unit in ("date", "month") for column in table.columns]
    looks = [indent if indent or left else None for indent, left in zip(indents, lefts, strict=True)]
    for offset in offsets:
        for position, (value, column) in enumerate(zip(table.rows[offset], table.columns, strict=True), start=1):
            yield offset, position, *_stored(value, column), looks[position - 1]


def _rows(sheet: Worksheet, table: Table, top: int, held: _Held) -> str:
    """All rows but the last of a long table, from row `top` on, as a sheet has them: a cell object each takes long."""
    totals, letters = set(table.emphasis), [get_column_letter(n) for n in range(1, len(table.columns) + 1)]
    styles: dict[Hashable, int] = {}
    written: list[list[str]] = [[f'<row r="{top + offset}">'] for offset in range(len(table.rows) - 1)]
    for offset, position, stored, unit, indent in _values(table, range(len(written))):
        total = offset in totals
        if stored is None and not total:
            continue
        said = plain_text(stored) if isinstance(stored, str) else ""
        kind = (position, unit, isinstance(stored, str), is_quoted(said), total)
        if kind not in styles:
            cell = held.fit(Cell(sheet, row=top, column=position), stored, unit, indent=indent, total=total)
            _fill(cell, stored)
            styles[kind] = cell.style_id
        place = f"{letters[position - 1]}{top + offset}"
        written[offset].append(f'<c r="{place}" s="{styles[kind]}"{_content(stored, said)}</c>')
    return "".join("".join((*row, "</row>")) for row in written)


def _content(stored: Any, said: str) -> str:
    """Type and content of a cell, from the end of its other attributes on."""
    if isinstance(stored, str):
        space = ' xml:space="preserve"' if said != said.strip() else ""
        return f' t="inlineStr"><is><t{space}>{escape(said, BREAKS)}</t></is>' if said else ' t="inlineStr">'
    if stored is None:
        return ' t="n">'
    value = to_excel(stored) if isinstance(stored, dt.date) else stored
    return f' t="{"b" if isinstance(stored, bool) else "n"}"><v>{safe_string(value)}</v>'


def _stored(value: Any, column: Column) -> tuple[Any, str]:
    """What the sheet stores of a value, and its unit: that of the column, or the cell's own."""
    unit = column.unit
    if unit == "mixed":
        value, unit = value if isinstance(value, (list, tuple)) and len(value) == 2 else (value, "text")
    return typed(value, unit), unit


def _fill(cell: Cell, stored: Any) -> None:
    if isinstance(stored, str):
        put_text(cell, stored)
    else:
        cell.value = stored


def _arrange(sheet: Worksheet, table: Table, head: int, *, alone: bool) -> None:
    """Widths, frozen header, filter (totals at the end stay out of it) and how the sheet prints.

    Tables that share a sheet have the widest of their widths, and neither a frozen header nor a filter.
    """
    columns, rows, totals = table.columns, table.rows, set(table.emphasis)
    for position, column in enumerate(columns):
        shown = [len(str(row[position])) for row in rows[:500] if row[position] is not None]
        shown += [len(word) + 3 for word in column.choices]
        extra = 5 if column.unit in ("usd", "mixed") else 2
        longest_word = max((len(word) for word in column.title.split()), default=0)
        width = max([10, longest_word + 2, *(length + extra for length in shown)])
        dimension = sheet.column_dimensions[get_column_letter(position + 1)]
        dimension.width = max(min(48, width), dimension.width if dimension.customWidth else 0)
    last = len(rows)
    while last > 0 and last - 1 in totals:
        last -= 1
    if alone:
        sheet.freeze_panes = f"A{head + 1}"
        sheet.auto_filter.ref = f"A{head}:{get_column_letter(len(columns))}{head + last}"
        sheet.print_title_rows = f"{head}:{head}"
    wide = len(columns) > 6 or sheet.page_setup.orientation == "landscape"
    sheet.page_setup.orientation = "landscape" if wide else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _indent(columns: Sequence[Column], position: int) -> int:
    """A little room before words or a day beside numbers, which stand at the right of their cells."""
    left = ("text", "date", "month")
    return int(position > 1 and columns[position - 1].unit in left and columns[position - 2].unit not in left)


def _set_heights(sheet: Worksheet, place: Place) -> None:
    """Heights of what is broken into lines, once all widths are known: headings, and what is said above a table."""
    table, head = place.table, _head(place.table, place.row)
    if not table.columns:
        return
    widths = [sheet.column_dimensions[get_column_letter(n)].width for n in range(1, len(table.columns) + 1)]
    lines = [_wrapped(column.heading, int(width)) for column, width in zip(table.columns, widths, strict=True)]
    sheet.row_dimensions[head].height = LINE_HEIGHT * max(lines) + 3
    across = next((n for n in range(1, len(widths) + 1) if sum(widths[:n]) >= READ_ACROSS), len(widths))
    for row in range(place.row + 1, head - 1):
        cell = sheet.cell(row, 1)
        if across > 1:
            sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=across)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        room = int(sum(widths[:across]))
        sheet.row_dimensions[row].height = LINE_HEIGHT * _wrapped(str(cell.value or ""), max(10, int(WORDS * room))) + 1
    for row in range(head + 1, head + 1 + (len(table.rows) if len(table.rows) <= SMALL else 0)):
        cells = [sheet.cell(row, number) for number in range(1, len(widths) + 1)]
        lines = [
            _wrapped(cell.value, int(WORDS * width)) if isinstance(cell.value, str) else 1
            for cell, width in zip(cells, widths, strict=True)
        ]
        if max(lines) > 1:
            sheet.row_dimensions[row].height = LINE_HEIGHT * max(lines) + 1
            for cell in cells:
                cell.alignment = copy(cell.alignment) + Alignment(wrap_text=True, vertical="top")


def _wrapped(text: str, width: int) -> int:
    """The lines of a heading in a column of so many characters, broken between words.

    >>> _wrapped("Claims", 10), _wrapped("Not answered yet, ordinary waiting", 14)
    (1, 3)
    """
    lines, room = 1, width - 1
    for word in text.split():
        if len(word) > room and room < width - 1:
            lines, room = lines + 1, width - 1
        room -= len(word) + 1
    return lines


def _chart(sheet: Worksheet, table: Table, head: int) -> None:
    """A native chart of a table by month, at the right of its rows: the first lines of one unit, counts last.

    The lines are straight: readers that smooth them by themselves draw what no month was.
    """
    months = len(table.rows) - len(table.emphasis)
    labels = [row[0] for row in table.rows[:months]]
    if not table.columns or table.columns[0].unit != "month" or months < CHARTED or len(set(labels)) < months:
        return
    units = [column.unit for column in table.columns if column.unit in ("usd", "rate", "days", "count")]
    unit = next((one for one in units if one != "count" or set(units) == {"count"}), "")
    places = [place for place, column in enumerate(table.columns, start=1) if column.unit == unit][:CHARTED]
    if not places:
        return
    chart = LineChart()
    chart.height, chart.width, chart.style = 8, 18, 2
    chart.y_axis.number_format = {"usd": '"$"#,##0', "rate": "0%"}.get(unit, "#,##0")
    chart.x_axis.number_format = FORMATS["month"]
    chart.x_axis.delete = chart.y_axis.delete = False
    for place in places:
        chart.add_data(Reference(sheet, min_col=place, min_row=head, max_row=head + months), titles_from_data=True)
    for line in chart.series:
        line.smooth = False
    chart.set_categories(Reference(sheet, min_col=1, min_row=head + 1, max_row=head + months))
    sheet.add_chart(chart, f"{get_column_letter(len(table.columns) + 2)}{head}")


def _terms(sections: Sequence[Section]) -> list[Term]:
    terms: dict[str, Term] = {}
    for section in sections:
        for term in section.terms:
            terms.setdefault(term.name or term.title, term)
    return sorted(terms.values(), key=lambda term: term.title or term.name)


def _table_of(terms: Sequence[Term], title: str = DEFINITIONS) -> Table:
    keys = ("title", "formula", "unit", "source", "name")
    return Table(
        name=DEFINITIONS,
        title=title,
        columns=tuple(Column(key, "Measure" if key == "title" else key.capitalize()) for key in keys),
        rows=tuple(tuple(getattr(term, key) for key in keys) for term in terms),
        definition="What every number of this workbook means, its unit and where the definition comes from.",
    )


def _write_contents(sheet: Worksheet, meta: Meta, places: Sequence[Place], terms: Sequence[Term]) -> None:
    colour = palettes(meta.brand.color).light["brand"].replace("#", "FF")
    put_text(sheet.cell(1, 1), meta.title or "Report").font = Font(name=FACE, bold=True, size=16, color=colour)
    facts = [
        ("Client", meta.client_name), ("Period", meta.period_title), ("As of", meta.as_of), ("Prepared by", meta.firm)
    ]  # fmt: skip
    row = 2
    for label, said in facts:
        if said:
            put_text(sheet.cell(row, 1), label).font = STRONG
            put_text(sheet.cell(row, 2), said).font = BODY
            row += 1
    row += 1
    for position, title in enumerate(("Sheet", "Table", "Report"), start=1):
        cell = put_text(sheet.cell(row, position), title)
        cell.font, cell.fill = STRONG, _HEAD
    about = Place("", DEFINITIONS, 1, _table_of(terms, "What every number means"))
    for place in [*places, *([about] if terms else [])]:
        row += 1
        _lead(put_text(sheet.cell(row, 1), place.sheet), place)
        put_text(sheet.cell(row, 2), place.table.title or place.sheet).font = BODY
        put_text(sheet.cell(row, 3), place.report).font = BODY
    if meta.brand.disclaimer:
        said = put_text(sheet.cell(row + 2, 1), meta.brand.disclaimer)
        said.font, said.alignment = Font(name=FACE, size=11, italic=True), Alignment(wrap_text=True, vertical="top")
        sheet.merge_cells(start_row=row + 2, end_row=row + 2, start_column=1, end_column=3)
        sheet.row_dimensions[row + 2].height = LINE_HEIGHT * _wrapped(meta.brand.disclaimer, 120) + 3
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for letter, width in (("A", 34), ("B", 70), ("C", 34)):
        sheet.column_dimensions[letter].width = width
    logo = as_png(meta.brand.picture, meta.brand.mime) if meta.brand.picture else b""
    if logo:
        picture = Image(io.BytesIO(logo))
        picture.width, picture.height = round(picture.width * LOGO_HEIGHT / picture.height), LOGO_HEIGHT
        sheet.add_image(picture, "C1")


def _without_times(data: bytes) -> bytes:
    """The same workbook with no time of day in it: neither in its properties nor in the archive."""
    stamp = f"{_FIXED_DAY:%Y-%m-%dT%H:%M:%SZ}".encode()
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", lambda match: match[1] + stamp, content)
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 0, 0
            out.writestr(entry, content)
    return target.getvalue()
