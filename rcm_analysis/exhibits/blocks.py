"""How exhibits make blocks: values of measures in, formatted texts out; and `emit`, which shows them in the notebook.

The blocks themselves, their payloads and how the press reads them back: `rcm_analysis.blocks.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..blocks.vocabulary import (
    Behind,
    Block,
    Card,
    Cards,
    Column,
    Comparison,
    Fact,
    Facts,
    Figure,
    Finding,
    Findings,
    Glossary,
    Headline,
    Inputs,
    Kpi,
    Kpis,
    Meta,
    Note,
    PageBreak,
    Piece,
    Source,
    Split,
    Table,
    Term,
    as_html,
)
from .formats import as_text, is_empty, plain


def emit(blocks: Block | Iterable[Block]) -> None:
    """Display the blocks in the notebook, in order; what stands beside a block is seen beside it."""
    from IPython.display import display

    given = [blocks] if isinstance(blocks, Block) else list(blocks)
    pairs = _pairs(given)
    for place, block in enumerate(given):
        seen = {"text/html": as_html(block, given[place + 1])} if place in pairs else {}
        seen |= {"text/html": ""} if place - 1 in pairs else {}
        display(block.bundle() | seen, raw=True)


def emit_unseen(block: Block) -> None:
    """Put a block into the notebook for the press, with nothing to be seen."""
    from IPython.display import display

    display(block.bundle() | {"text/html": "", "text/plain": ""}, raw=True)


def _pairs(given: Sequence[Block]) -> set[int]:
    """The places of the blocks that have another one at their right."""
    found: set[int] = set()
    for place, block in enumerate(given[1:]):
        is_beside = isinstance(block, (Table, Figure)) and block.beside and getattr(block, "print", True)
        if is_beside and place - 1 not in found and isinstance(given[place], (Table, Figure, Split)):
            found.add(place)
    return found


def note(text: str, *, tone: str = "info") -> Block:
    """One paragraph in a box: what the reader must know beside the numbers."""
    return Note(text, tone)


def headline(text: str) -> Block:
    """The finding of a page in a sentence or two."""
    return Headline(text)


def split(
    title: str,
    pieces: Iterable[tuple[str, int, str]],
    *,
    definition: str,
    unit: str = "usd",
    behind: Sequence[Behind | None] = (),
) -> Block:
    """A whole as a bar of its pieces: words, cents (or a count), tone. The pieces printed add up to the whole.

    `behind` says which rows are behind the whole, and then behind each piece.
    """
    parts = [(words, amount, tone) for words, amount, tone in pieces]
    whole = sum(amount for _, amount, _ in parts) or 1
    of_whole, *of_parts = behind or [None] * (len(parts) + 1)
    return Split(
        title,
        tuple(
            Piece(words, as_text(amount, unit), amount / whole, tone, rows)
            for (words, amount, tone), rows in zip(parts, of_parts, strict=True)
        ),
        definition,
        of_whole,
    )


def pagebreak() -> Block:
    """A new page in print."""
    return PageBreak()


def cards(items: Iterable[tuple[str, str, str]]) -> Block:
    """Page one: question, answer, one sentence."""
    return Cards(tuple(Card(*item) for item in items))


def comparison(label: str, value: Any, unit: str, *, now: Any = None, good: str = "") -> Comparison:
    """One earlier value beside a tile, and whether the move since then is good.

    `good` is "up", "down" or "" (neither); an unknown value on either side has no direction.

    >>> comparison("Last month", 100, "usd", now=200, good="up")
    Comparison(label='Last month', value='$1', direction='up', good=True)
    """
    move = "flat"
    if is_empty(value) or is_empty(now):
        move = ""
    elif as_text(value, unit) != as_text(now, unit):
        move = "up" if now > value else "down"
    verdict = None if not good or move in ("", "flat") else move == good
    return Comparison(label, as_text(value, unit), move, verdict)


def kpi(
    label: str,
    value: Any,
    unit: str,
    *,
    note: str,
    target: str = "",
    status: str = "neutral",
    comparisons: Iterable[Comparison] = (),
    reason: str = "",
) -> Kpi:
    """One tile: a value with its basis, target and earlier values."""
    status = "empty" if is_empty(value) else status
    return Kpi(label, as_text(value, unit, reason=reason), note, target, status, tuple(comparisons))


def kpis(items: Iterable[Kpi]) -> Block:
    """The row of tiles."""
    return Kpis(tuple(items))


def finding(
    title: str,
    detail: str,
    *,
    amount_cents: int | None = None,
    owner: str = "",
    due: Any = None,
    severity: str = "medium",
) -> Finding:
    """One thing to do: what, why, dollars, owner, day."""
    cents: Any = plain(amount_cents, "usd")
    day = str(plain(due, "date") or "")
    return Finding(title, detail, cents, as_text(amount_cents, "usd"), owner, day, severity)


def findings(title: str, items: Iterable[Finding]) -> Block:
    """A list of things to do."""
    return Findings(title, tuple(items))


def facts(title: str, items: Iterable[tuple[str, str]]) -> Block:
    """Labels and values: provenance, parameters."""
    return Facts(title, tuple(Fact(*item) for item in items))


def two_by_two(blocks: Iterable[Block]) -> list[Block]:
    """Tables and figures in pairs side by side, in their order; what is neither stands below them."""
    given = list(blocks)
    shown = [block for block in given if isinstance(block, (Table, Figure))]
    pairs: list[Block] = [replace(block, beside=place % 2 == 1) for place, block in enumerate(shown)]
    return [*pairs, *(block for block in given if not isinstance(block, (Table, Figure)))]


def for_the_workbook(blocks: Iterable[Block]) -> list[Block]:
    """What of the blocks belongs in a workbook: their tables, terms, facts and findings, none of it printed."""
    out: list[Block] = []
    for block in blocks:
        table = block.table if isinstance(block, Figure) else block
        if isinstance(table, (Table, Glossary)):
            out.append(replace(table, print=False))
        elif isinstance(table, Facts):
            rows = tuple((fact.label, fact.value) for fact in table.items)
            out.append(_as_table("facts", table.title, ("What", "Value"), rows))
        elif isinstance(table, Findings):
            found = tuple((one.title, one.amount, one.owner, one.due, one.severity, one.detail) for one in table.items)
            out.append(_as_table("findings", table.title, ("What", "Dollars", "Owner", "By", "Priority", "Why"), found))
    return out


ONE_ROW = "{}: one row each, as the report knows them."


def _as_table(name: str, title: str, heads: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> Table:
    columns = tuple(Column(head.lower(), head) for head in heads)
    return Table(name=name, title=title, columns=columns, rows=rows, definition=ONE_ROW.format(title), print=False)


def glossary(items: Iterable[Mapping[str, str]]) -> Glossary:
    """The definitions of the measures that were used."""
    return Glossary(tuple(Term(**item) for item in items))


def inputs(tables: Sequence[Mapping[str, Any]], findings: int, client: str) -> Block:
    """What went in: for the manifest, not for print."""
    return Inputs(tuple(Source(**table) for table in tables), int(findings), client)


def meta(**items: Any) -> Block:
    """Title, client, period and as-of of the report: once, first."""
    return Meta(**items)
