"""The blocks that our own notebooks emit (`application/vnd.rcm.block+json`), checked and turned into `Block`s.

A payload is data from a notebook file: whatever it holds, the strings leave here as plain text. What is
missing is said with the kind and the name of the key, never with a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...errors import RunError
from .blocks import (
    Block,
    Card,
    Cards,
    Cell,
    Comparison,
    Facts,
    Figure,
    Finding,
    Findings,
    Glossary,
    Kpi,
    Kpis,
    Meta,
    Note,
    PageBreak,
    Table,
    Term,
)
from .html_tables import finished
from .pictures import Picture
from .plain import clean, one_line

MIME = "application/vnd.rcm.block+json"
_RIGHT = {"usd", "count", "rate", "days", "number"}
_META = (
    "title",
    "client",
    "client_name",
    "period",
    "period_title",
    "as_of",
    "firm",
    "template",
    "template_version",
    "layout",
)


def _need(payload: Mapping[str, Any], key: str) -> Any:
    if key not in payload:
        raise RunError(
            f"A block of kind '{one_line(payload.get('kind'))[:20]}' must hold '{key}'; it is missing. "
            f"Emit it through the notebook's report helper."
        )
    return payload[key]


def _items(payload: Mapping[str, Any], key: str = "items") -> list[Mapping[str, Any]]:
    value = _need(payload, key)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise RunError(f"'{key}' of a block of kind '{one_line(payload.get('kind'))[:20]}' must be a list of objects.")
    return value


def _one_of(value: Any, allowed: Iterable[str], default: str) -> str:
    return value if isinstance(value, str) and value in allowed else default


def meta_of(payload: Mapping[str, Any]) -> Meta:
    """The cover of a report."""
    given = {name: one_line(payload.get(name)) for name in _META}
    return Meta(**{name: value for name, value in given.items() if value})


def block_of(payload: Mapping[str, Any], picture: Picture | None = None) -> Block | None:
    """The block of one payload, or nothing for a table or a glossary meant for the workbook only.

    >>> block_of({"kind": "note", "tone": "info", "text": "No denials were posted in October."})
    Note(tone='info', text='No denials were posted in October.')
    """
    kind = payload.get("kind")
    if kind in ("table", "glossary") and payload.get("print") is False:
        return None
    if kind == "figure":
        return _figure(payload, picture)
    return _READERS[str(kind)](payload)


def known(kind: Any) -> bool:
    """Whether this version of the press can print the kind."""
    return isinstance(kind, str) and (kind in _READERS or kind == "figure")


def _kpis(payload: Mapping[str, Any]) -> Kpis:
    return Kpis(tuple(_kpi(item) for item in _items(payload)))


def _kpi(item: Mapping[str, Any]) -> Kpi:
    comparisons = tuple(
        Comparison(
            one_line(other.get("label")),
            one_line(other.get("value")),
            _one_of(other.get("direction"), ("up", "down", "flat"), ""),
            other.get("good") if isinstance(other.get("good"), bool) else None,
        )
        for other in item.get("comparisons") or []
        if isinstance(other, Mapping)
    )
    return Kpi(
        label=one_line(item.get("label")),
        value=one_line(item.get("value")),
        note=one_line(item.get("note")),
        target=one_line(item.get("target")),
        status=_one_of(item.get("status"), ("good", "bad", "neutral", "empty"), "neutral"),
        comparisons=comparisons,
    )


def _cards(payload: Mapping[str, Any]) -> Cards:
    return Cards(
        tuple(
            Card(one_line(item.get("title")), one_line(item.get("answer")), one_line(item.get("detail")))
            for item in _items(payload)
        )
    )


def table_of(payload: Mapping[str, Any]) -> Table:
    """The printed side of a table payload: its formatted texts, never its raw values."""
    columns = _items(payload, "columns")
    texts = payload.get("text")
    if texts is None:
        texts = _need(payload, "rows")
    if not isinstance(texts, list) or any(not isinstance(row, list) or len(row) != len(columns) for row in texts):
        raise RunError(
            f"A table must have one text per column ({len(columns)}) in every row; a row of "
            f"'{one_line(payload.get('name'))[:40]}' has not."
        )
    row_header = payload.get("row_header")
    head = tuple(Cell(one_line(column.get("title") or column.get("name")), head=True) for column in columns)
    body = tuple(
        tuple(Cell(clean(text).strip(), head=position == row_header) for position, text in enumerate(row))
        for row in texts
    )
    emphasis = frozenset(row for row in payload.get("emphasis") or [] if isinstance(row, int) and 0 <= row < len(body))
    return finished(
        Table(
            columns=max(1, len(columns)),
            head=(head,) if head else (),
            body=body,
            caption=one_line(payload.get("title")),
            definition=one_line(payload.get("definition")),
            notes=tuple(one_line(note) for note in payload.get("notes") or []),
            aligns=tuple(_align(column.get("unit")) for column in columns),
            emphasis=emphasis,
            name=one_line(payload.get("name")),
        )
    )


def _align(unit: Any) -> Any:
    return "right" if unit in _RIGHT else "center" if unit == "flag" else "left"


def _figure(payload: Mapping[str, Any], picture: Picture | None) -> Figure:
    numbers = payload.get("table")
    return Figure(
        data=picture.data if picture else b"",
        mime=picture.mime if picture else "image/svg+xml",
        alt=one_line(payload.get("alt")),
        title=one_line(payload.get("title")),
        finding=one_line(payload.get("finding")),
        name=one_line(payload.get("name")),
        table=table_of(numbers) if isinstance(numbers, Mapping) else None,
    )


def _findings(payload: Mapping[str, Any]) -> Findings:
    items = tuple(
        Finding(
            title=one_line(item.get("title")),
            detail=one_line(item.get("detail")),
            amount=one_line(item.get("amount")),
            owner=one_line(item.get("owner")),
            due=one_line(item.get("due")),
            severity=_one_of(item.get("severity"), ("high", "medium", "low"), ""),
        )
        for item in _items(payload)
    )
    return Findings(one_line(payload.get("title")), items)


def _note(payload: Mapping[str, Any]) -> Note:
    return Note(_one_of(payload.get("tone"), ("info", "warning"), "info"), clean(_need(payload, "text")).strip())


def _facts(payload: Mapping[str, Any]) -> Facts:
    items = tuple((one_line(item.get("label")), one_line(item.get("value"))) for item in _items(payload))
    return Facts(one_line(payload.get("title")), items)


def _glossary(payload: Mapping[str, Any]) -> Glossary:
    keys = ("name", "title", "formula", "unit", "source")
    return Glossary(tuple(Term(*(one_line(item.get(key)) for key in keys)) for item in _items(payload)))


_READERS: dict[str, Callable[[Mapping[str, Any]], Block]] = {
    "kpis": _kpis,
    "cards": _cards,
    "table": table_of,
    "findings": _findings,
    "note": _note,
    "facts": _facts,
    "glossary": _glossary,
    "pagebreak": lambda payload: PageBreak(),
}
