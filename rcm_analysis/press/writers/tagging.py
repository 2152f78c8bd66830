"""The pass over the finished PDF: row headers tagged as such, and the tags packed.

Typst tags column headers but not row headers; a screen reader needs both. Packing the structure tree into
object streams makes the file less than half as large. The file's id depends on its content only.

A stream whose data end in CR is legal, but a reader that looks for the end of line before `endstream`
takes the CR for half of it and calls the length wrong (some PDF/A validators do). So such a stream gets a
CR LF there, which cannot be misread.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

_STREAM = re.compile(rb">>\nstream\n")
_LENGTH = re.compile(rb"/Length (\d+)(?! \d+ R)")


def row_headers_in(blocks: list[dict[str, Any]]) -> list[list[set[int]]]:
    """For every table in reading order, for every body row, which of its cells are row headers."""
    return [
        [{x for x, cell in enumerate(row) if cell.get("rowhead")} for row in table["body"]]
        for table in _tables_in(blocks)
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
    """The PDF with its row headers tagged and its tags packed, and whether every table was found where it was
    expected."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        found = list(_elements(pdf.Root.StructTreeRoot, Name.Table)) if "/StructTreeRoot" in pdf.Root else []
        complete = len(found) == len(row_headers)
        if complete:
            for table, headers in zip(found, row_headers, strict=True):
                complete &= _tag_rows(table, headers)
        # Typst writes /Suspects false, which is the default; some readers take a false they did not expect for a fault.
        if "/MarkInfo" in pdf.Root and pdf.Root.MarkInfo.get("/Suspects") is False:
            del pdf.Root.MarkInfo.Suspects
        return _saved(pdf), complete


def _saved(pdf: pikepdf.Pdf) -> bytes:
    packed = io.BytesIO()
    pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return _with_clear_ends(packed.getvalue())


def _with_clear_ends(data: bytes) -> bytes:
    """The file with CR LF, not LF, before `endstream` wherever the data themselves end in CR.

    The byte it takes is saved in the stream's own dictionary (`<< /` becomes `<</`), so that nothing moves.
    """
    parts, copied, place = [], 0, 0
    while match := _STREAM.search(data, place):
        head = data.rfind(b" obj\n<< /", 0, match.start()) + 5
        length = _LENGTH.search(data, head, match.start())
        place = end = match.end() + (int(length[1]) if length else 0)
        if head > 4 and data[end - 1 : end + 10] == b"\r\nendstream":
            parts += [data[copied:head], b"<<", data[head + 3 : end], b"\r"]
            copied = end
    return b"".join([*parts, data[copied:]])


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Array) else [] if value is None else [value]


def _kids(element: Any) -> list[Any]:
    return [kid for kid in _listed(element.get("/K")) if isinstance(kid, Dictionary)]


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
    every = _listed(cell.get("/A"))
    scope = Dictionary(O=Name.Table, Scope=Name.Row)
    for entry in every:
        if entry.get("/O") == Name.Table:
            for key, value in entry.items():
                if key not in ("/O", "/Scope", "/Headers"):
                    scope[key] = value
    cell.S = Name.TH
    cell.A = Array([*(entry for entry in every if entry.get("/O") != Name.Table), scope])
