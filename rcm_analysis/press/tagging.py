"""The pass over the finished PDF: row headers tagged as such, and the tags packed.

Typst tags column headers but not row headers; a screen reader needs both. Packing the structure tree into
object streams makes the file less than half as large. The file's id depends on its content only.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name


def row_headers_in(blocks: list[dict[str, Any]]) -> list[list[set[int]]]:
    """For every table in reading order, for every body row, which of its cells are row headers."""
    return [
        [{x for x, cell in enumerate(row) if cell.get("rowhead")} for row in table["body"]] for table in _tables_in(blocks)
    ]


def _tables_in(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["k"] == "t":
            yield block
        elif block["k"] == "facts":
            yield block["table"]
        elif block["k"] in ("q", "wide"):
            yield from _tables_in(block["x"])
        elif block["k"] in ("ul", "ol"):
            for item in block["items"]:
                yield from _tables_in(item)


def finish(data: bytes, row_headers: list[list[set[int]]]) -> tuple[bytes, bool]:
    """The PDF with its row headers tagged, and whether every table was found where it was expected."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        found = list(_elements(pdf.Root.StructTreeRoot, Name.Table)) if "/StructTreeRoot" in pdf.Root else []
        complete = len(found) == len(row_headers)
        if complete:
            for table, headers in zip(found, row_headers, strict=True):
                complete &= _tag_rows(table, headers)
        packed = io.BytesIO()
        pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return packed.getvalue(), complete


def _kids(element: Any) -> list[Any]:
    kids = element.get("/K")
    every = list(kids) if isinstance(kids, Array) else [] if kids is None else [kids]
    return [kid for kid in every if isinstance(kid, Dictionary)]


def _elements(root: Any, kind: Any) -> Iterator[Any]:
    """Structure elements of a kind in reading order, not looking inside them."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.get("/S") == kind:
            yield element
        else:
            waiting.extend(reversed(_kids(element)))


def _tag_rows(table: Any, headers: list[set[int]]) -> bool:
    rows = [row for group in _kids(table) if group.get("/S") == Name.TBody for row in _kids(group)]
    if not rows:
        rows = [row for row in _kids(table) if row.get("/S") == Name.TR]
    if len(rows) != len(headers):
        return False
    for row, positions in zip(rows, headers, strict=True):
        cells = _kids(row)
        for position in positions:
            if position < len(cells):
                _make_row_header(cells[position])
    return True


def _make_row_header(cell: Any) -> None:
    attributes = cell.get("/A")
    every = list(attributes) if isinstance(attributes, Array) else [] if attributes is None else [attributes]
    scope = Dictionary(O=Name.Table, Scope=Name.Row)
    for entry in every:
        if entry.get("/O") == Name.Table:
            for key, value in entry.items():
                if key not in ("/O", "/Scope", "/Headers"):
                    scope[key] = value
    cell.S = Name.TH
    cell.A = Array([*(entry for entry in every if entry.get("/O") != Name.Table), scope])
