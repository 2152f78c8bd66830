"""How much fits on a page: the same limits for every writer, each said out loud where it bites."""

from __future__ import annotations

from dataclasses import replace

from ..document.blocks import Card, Table
from ..document.html_tables import rectangular

PDF_ROWS = 1_500
HTML_ROWS = 5_000
_SHORT_ANSWER = 16


def capped(table: Table, limit: int) -> Table:
    """The table with at most `limit` rows and all its totals, and a note that says where the rest is.

    >>> from rcm_analysis.press.document.blocks import Cell
    >>> long = Table(1, (), tuple((Cell(str(n)),) for n in range(5)), emphasis=frozenset({4}))
    >>> short = capped(long, 2)
    >>> [row[0].text for row in short.body], sorted(short.emphasis), short.notes
    (['0', '1', '4'], [2], ('Rows 1–2 of 4; all are in the workbook.',))
    """
    ordinary = [y for y in range(len(table.body)) if y not in table.emphasis]
    if len(ordinary) <= limit:
        return table
    kept = sorted([*ordinary[:limit], *table.emphasis])
    body = rectangular(tuple(table.body[y] for y in kept), table.columns)
    note = f"Rows 1–{limit:,} of {len(ordinary):,}; all are in the workbook."
    emphasis = frozenset(position for position, y in enumerate(kept) if y in table.emphasis)
    return replace(table, body=body, emphasis=emphasis, notes=(*table.notes, note))


def card_is_wide(card: Card) -> bool:
    """Whether the answer is a sentence, which needs the whole width, rather than a number."""
    return len(card.answer) > _SHORT_ANSWER or len(card.detail) > 140
