"""Result frames as printed tables: which columns, in which words, in which unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from ..blocks.plain import sheet_title
from ..blocks.vocabulary import Column, Table
from ..errors import TableError, listed
from .formats import UNITS, as_text, is_empty, plain, whole_dollars

MIXED = "mixed"
"""The unit of a column whose values are pairs: the value and its own unit."""


@dataclass(frozen=True)
class Shown:
    """One printed column: where it comes from, its heading, its unit.

    `texts` replaces chosen values by words (a flag, an id); `exact` prints money with cents; `marked`
    names a flag column that adds an asterisk. `editable` columns are filled in by hand in the workbook: their
    cells are marked and checked by unit, or against `choices`, a drop-down list. The texts of a `link` column
    name sheets of the workbook, and lead to them there. A `drawn` column is also drawn: a number as a "bar", a list
    of numbers (or a mapping with `line` and `band`) as a "trend".
    """

    column: str
    title: str
    unit: str = "text"
    texts: Mapping[Any, str] = field(default_factory=dict)
    exact: bool = False
    marked: str = ""
    choices: tuple[str, ...] = ()
    editable: bool = False
    link: bool = False
    drawn: str = ""

    def __post_init__(self) -> None:
        if self.unit not in (*UNITS, MIXED):
            raise ValueError(f"unit should be one of {', '.join((*UNITS, MIXED))}; found {self.unit!r}")
        if self.choices and not self.editable:
            raise ValueError(f"choices are for columns that are filled in: make {self.column!r} editable")

    def as_column(self) -> Column:
        """The column as the table block holds it."""
        return Column(self.column, self.title, self.unit, self.drawn, self.editable, self.link, self.choices)


def show(
    result: pd.DataFrame,
    columns: Sequence[Shown],
    *,
    name: str,
    title: str,
    definition: str,
    notes: Sequence[str] = (),
    emphasis: Sequence[int] = (),
    print_it: bool = True,
    beside: bool = False,
) -> Table:
    """A result frame as a table block.

    `name` is a slug and becomes the sheet name of the workbook; `definition` says in one line what the
    rows are, on which date basis, in which unit. `emphasis` holds the row numbers of totals.
    `print_it=False` keeps the table for the workbook only; a table `beside` stands at the right of the block before it.

    >>> frame = pd.DataFrame({"payer": ["Acme"], "open_cents": [12345]})
    >>> table = show(frame, [Shown("payer", "Payer"), Shown("open_cents", "Open", "usd")],
    ...              name="open", title="Open balance", definition="Open balance in US dollars.")
    >>> table.rows, table.text
    ((('Acme', 12345),), (('Acme', '$123'),))
    """
    missing = [item.column for item in columns if item.column not in result.columns]
    if missing:
        raise TableError(f"the table '{name}' should show {listed(missing)}; the result has {listed(result.columns)}.")
    cells = [_adding_up(*_cells(result, item, set(emphasis)), item, emphasis) for item in columns]
    return Table(
        name=name,
        title=title,
        columns=tuple(item.as_column() for item in columns),
        rows=_by_row([raw for raw, _ in cells], len(result)),
        text=_by_row([text for _, text in cells], len(result)),
        emphasis=tuple(int(number) for number in emphasis),
        notes=tuple(line for line in notes if line),
        row_header=0 if columns and columns[0].unit in ("text", "month", "date") else None,
        definition=definition,
        print=print_it,
        beside=beside,
    )


def narrowed(
    table: Table, columns: Sequence[str], *, definition: str, title: str = "", drawn: str = "", most: int = 0
) -> Table:
    """A table with some of its columns, for a page beside others; the whole one stands in the workbook.

    The column `drawn` is also drawn as a bar. `most` keeps that many of its rows, and its totals; a note says how many
    more there are.

    >>> frame = pd.DataFrame({"payer": ["a", "b"], "claims": [1, 2], "cents": [100, 200]})
    >>> shown = [Shown("payer", "Payer"), Shown("claims", "Claims", "count"), Shown("cents", "Open", "usd")]
    >>> table = show(frame, shown, name="open", title="Open", definition="Open balance in US dollars.")
    >>> short = narrowed(table, ["payer", "cents"], definition="US dollars.", most=1)
    >>> short.rows, short.notes
    ((('a', 100),), ('1 more in the workbook.',))
    """
    names = [column.name for column in table.columns]
    places = [names.index(column) for column in columns]
    rows = range(len(table.rows))
    left_out = [row for row in rows if row not in table.emphasis][most:] if most else []
    kept = [row for row in rows if row not in left_out]
    more = f"{len(left_out)} more in the workbook." if left_out else ""
    return replace(
        table,
        title=title or table.title,
        columns=tuple(
            replace(table.columns[place], drawn="bar" if names[place] == drawn else table.columns[place].drawn)
            for place in places
        ),
        rows=tuple(tuple(table.rows[row][place] for place in places) for row in kept),
        text=tuple(tuple(table.shown[row][place] for place in places) for row in kept),
        emphasis=tuple(kept.index(row) for row in table.emphasis),
        notes=tuple(filter(None, (more,))),
        definition=definition,
        print=True,
        behind=(),
    )


def _by_row(columns: Sequence[Sequence[Any]], rows: int) -> tuple[tuple[Any, ...], ...]:
    return tuple(zip(*columns, strict=True)) if columns else ((),) * rows


def _cells(result: pd.DataFrame, item: Shown, totals: Collection[int]) -> tuple[list[Any], list[str]]:
    """The values of one column as the payload holds them, and as printed; equal values are worked out once."""
    marks = result[item.marked].tolist() if item.marked and item.marked in result.columns else [False] * len(result)
    known: dict[Any, tuple[Any, str]] = {}
    found = []
    for number, (value, mark) in enumerate(zip(result[item.column].tolist(), marks, strict=True)):
        if isinstance(value, _SCALARS):
            key = (type(value), value, bool(mark), number in totals)
            if key not in known:
                known[key] = _raw(value, item), _cell(value, item, blank=number in totals, mark=bool(mark))
            found.append(known[key])
        else:
            found.append((_raw(value, item), _cell(value, item, blank=number in totals, mark=bool(mark))))
    return [raw for raw, _ in found], [text for _, text in found]


_SCALARS = (str, int, float, dt.date)


def _adding_up(raw: list[Any], text: list[str], item: Shown, totals: Sequence[int]) -> tuple[list[Any], list[str]]:
    """Whole dollars above their total (below it, where it stands first) as they add up to it in print."""
    if item.unit != "usd" or item.exact or not totals:
        return raw, text
    total = max(totals)
    lines = [row for row in (range(total) if total else range(1, len(raw))) if row not in totals]
    parts = [raw[row] or 0 for row in lines]
    if raw[total] is None or sum(parts) != raw[total]:
        return raw, text
    printed = list(text)
    for row, dollars in zip(lines, whole_dollars(parts), strict=True):
        if raw[row] is not None:
            printed[row] = printed[row].replace(as_text(raw[row], "usd"), as_text(dollars, "usd"), 1)
    return raw, printed


def _raw(value: Any, item: Shown) -> Any:
    if item.drawn == "trend":
        return value
    if item.unit == MIXED:
        return (plain(*value), value[1])
    if item.unit in ("text", "flag") and not is_empty(value) and value in item.texts:
        return item.texts[value] if item.unit == "text" else plain(value, "flag")
    return plain(value, item.unit)


def _cell(value: Any, item: Shown, *, blank: bool, mark: bool) -> str:
    """The printed cell; in a total row, what cannot be totalled stays blank."""
    if item.unit == MIXED:
        return as_text(*value, reason="too few months" if is_empty(value[0]) else "")
    if item.drawn == "trend":
        known = [number for number in value["line"] if number is not None]
        return f"a line of {len(value['line'])} months" if len(known) > 1 else "too few months"
    if blank and is_empty(value):
        return ""
    if not is_empty(value) and value in item.texts:
        return item.texts[value]
    if item.link and isinstance(value, str):
        return sheet_title(value)
    text = as_text(value, item.unit, exact=item.exact)
    return f"{text}*" if mark else text


def with_total(
    result: pd.DataFrame,
    label: str,
    sums: Sequence[str],
    *,
    words: str = "Total",
    values: Mapping[str, Any] | None = None,
) -> tuple[pd.DataFrame, list[int]]:
    """The frame with a total row, and the emphasis that marks it.

    `sums` are added up; `values` gives what may not be added up (rates, days), from the measure itself.
    Everything else in the total row is empty. A frame without rows gets no total.

    >>> frame = pd.DataFrame({"payer": ["a", "b"], "cents": [1, 2]})
    >>> with_total(frame, "payer", ["cents"])[0]["cents"].tolist()
    [1, 2, 3]
    """
    if result.empty:
        return result, []
    total: dict[str, Any] = dict.fromkeys(result.columns)
    total |= {column: result[column].sum() for column in sums}
    total |= dict(values or {}) | {label: words}
    frame = result.reset_index(drop=True).astype(object)
    frame.loc[len(frame)] = total
    return frame, [len(frame) - 1]
