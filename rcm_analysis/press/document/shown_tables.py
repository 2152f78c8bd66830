"""Tables that an analyst showed as HTML (pandas, Styler), for the workbook: with the numbers that their texts hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ...blocks.vocabulary import Column, Table
from .document import Grid

EMPTY = frozenset(("", "NaN", "nan", "NaT", "None", "<NA>", "–", "-"))
WHOLE, FRACTION = re.compile(r"-?(0|[1-9][\d,]*)"), re.compile(r"-?[\d,]*\.\d+|-?(0|[1-9][\d,]*)")
DOLLARS, PERCENT = re.compile(r"\(?-?\$\s?[\d,]+(\.\d{1,2})?\)?"), re.compile(r"-?[\d,]*\.?\d+\s?%")


def workbook_table(grid: Grid, name: str) -> Table:
    """A shown table for the workbook: a column of nothing but numbers, dollars or percent holds them as such.

    >>> from .document import Cell
    >>> rows = ((Cell("Acme"), Cell("$1,200.50"), Cell("12.5%")), (Cell("Bay"), Cell("($3)"), Cell("")))
    >>> table = workbook_table(Grid(3, ((Cell("payer"), Cell("open"), Cell("share")),), rows), "table_1")
    >>> table.rows, [column.unit for column in table.columns]
    ((('Acme', 120050, 0.125), ('Bay', -300, None)), ['text', 'usd', 'rate'])
    """
    head = [_texts([(cell.text, cell.colspan) for cell in row], grid.columns) for row in grid.head]
    body = [_texts([(cell.text, cell.colspan) for cell in row], grid.columns) for row in grid.body]
    titles = [
        " ".join(dict.fromkeys(filter(None, (row[place] for row in head)))) or f"Column {place + 1}"
        for place in range(grid.columns)
    ]
    columns = [_values([row[place] for row in body]) for place in range(grid.columns)]
    return Table(
        name=name,
        title=grid.caption or name.replace("_", " ").capitalize(),
        columns=tuple(
            Column(f"column_{place}", title, unit)
            for place, (title, (unit, _)) in enumerate(zip(titles, columns, strict=True), start=1)
        ),
        rows=tuple(zip(*(values for _, values in columns), strict=True)),
        definition="As shown in the notebook.",
    )


def _texts(cells: Sequence[tuple[str, int]], columns: int) -> list[str]:
    """The texts of a row, one for each column; a cell that spans several gives its text to each."""
    texts = [text.strip() for text, span in cells for _ in range(span)]
    return (texts + [""] * columns)[:columns]


def _values(texts: list[str]) -> tuple[str, list[Any]]:
    """The unit of a column and its values, where every text that is not empty reads as one."""
    said = [text for text in texts if text not in EMPTY]
    kinds: tuple[tuple[str, re.Pattern[str], Callable[[str], Any]], ...] = (
        ("count", WHOLE, lambda text: int(text.replace(",", ""))),
        ("number", FRACTION, lambda text: float(text.replace(",", ""))),
        ("usd", DOLLARS, _cents),
        ("rate", PERCENT, lambda text: round(float(text.rstrip(" %").replace(",", "")) / 100, 12)),
    )
    for unit, form, read in kinds:
        if said and all(form.fullmatch(text) for text in said):
            return unit, [read(text) if text not in EMPTY else None for text in texts]
    return "text", list(texts)


def _cents(text: str) -> int:
    sign = -1 if "-" in text or text.startswith("(") else 1
    dollars, _, part = re.sub(r"[^\d.]", "", text).partition(".")
    return sign * (int(dollars or 0) * 100 + int(part.ljust(2, "0") or 0))
