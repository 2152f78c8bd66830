"""Raw files of simulated clients with a client's own word in every text cell, and another in every name of a person.

The cells of an export that a column map reads as free text, ids among them, get the client's word in front; so do the
ids and names of 835 and 837 files that must meet them. Cells that no map reads get the word of persons.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import openpyxl

from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.sources.exports.column_maps import map_files
from rcm_analysis.sources.exports.headers import Recognised
from rcm_analysis.sources.exports.text_tables import TOTAL
from rcm_analysis.tables.workspace import Workspace

CODES = {
    "procedure",
    "modifiers",
    "revenue_code",
    "rate_code",
    "place_of_service",
    "group_code",
    "carc",
    "remark_codes",
    "local_time",
    "value",
}
"""Columns of public code lists, a time, and values of policies: a measure reads them, and they are nobody's."""
OURS = {"client", "payer", "secondary_payer", "tertiary_payer", "month", "patient"}
"""Columns that the registry or the intake fills in our words, the client's id among them, or with pseudonyms."""

WORDS = {
    "tx-docs": ("quagtexaz", "zephtexaq"),
    "dr-suess": ("quagsuesz", "zephsuesq"),
    "abc-obgyn": ("quagabcoz", "zephabcoq"),
}
"""Client -> the word in its texts, and the word in names of persons, which nothing stored or printed may hold."""


def mark_all(workspace: Workspace, client: str) -> None:
    """Put the client's words into all of its raw files."""
    word, person = WORDS[client]
    maps = [exports.read_map(path) for path in map_files(workspace, client)]
    for path in sorted(path for path in (workspace.paths["raw"] / client).rglob("*") if path.is_file()):
        if path.suffix in (".835", ".837") or path.parent.name in ("835", "837"):
            path.write_bytes(_x12(path.read_bytes(), word, person))
        elif path.suffix == ".xlsx":
            _workbook(path, exports.recognise(path, maps), word, person)
        else:
            _csv(path, exports.recognise(path, maps), word, person)


def texts_of(found: list[Recognised]) -> set[int]:
    """The places of the columns that are free text of the client in every table that reads them."""
    text, other = set(), set()
    for part in found:
        for name, places in part.positions.items():
            column = part.table.column(name) if name in part.table.names else None
            free = column is not None and column.kind == "text" and not column.values and name not in CODES | OURS
            (text if free else other).update(places)
    return text - other


def _marked(row: list[str], texts: set[int], known: set[int], word: str, person: str) -> list[str]:
    out: list[str] = []
    if any(re.match(TOTAL, str(cell or "")) for cell in row):
        return row
    for place, cell in enumerate(row):
        if not str(cell or "").strip():
            out.append(cell)
        elif place in texts:
            out.append(f"{word}{cell}")
        else:
            out.append(cell if place in known else f"{person}{cell}")
    return out


def _places(found: list[Recognised]) -> set[int]:
    return {place for part in found for places in part.positions.values() for place in places}


def _csv(path: Path, found: list[Recognised], word: str, person: str) -> None:
    texts, known = texts_of(found), _places(found)
    patients = {place for part in found for place in part.positions.get("patient", ())}
    delimiter = found[0].delimiter or ","
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig")), delimiter=delimiter))
    head = found[0].header_row
    for number in range(head, len(rows)):
        rows[number] = _marked(rows[number], texts, known - patients, word, person)
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    path.write_text(out.getvalue(), "utf-8")


def _workbook(path: Path, found: list[Recognised], word: str, person: str) -> None:
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        parts = [part for part in found if part.sheet == sheet.title]
        if not parts:
            continue
        texts, known = texts_of(parts), _places(parts)
        patients = {place for part in parts for place in part.positions.get("patient", ())}
        for cells in sheet.iter_rows(min_row=parts[0].header_row + 1):
            values = _marked([cell.value for cell in cells], texts, known - patients, word, person)
            for cell, value in zip(cells, values, strict=True):
                cell.value = value
    book.save(path)


def _x12(data: bytes, word: str, person: str) -> bytes:
    """Claim ids, traces, control numbers and payers' claim numbers with the client's word; persons with theirs."""
    own, their = word.encode(), person.encode()
    for segment, place in ((b"CLP", 1), (b"CLP", 7), (b"CLM", 1), (b"TRN", 2)):
        data = re.sub(rb"(^|[~\n])(%b(?:\*[^*~]*){%d}\*)([^*~]+)" % (segment, place - 1), rb"\1\2" + own + rb"\3", data)
    for before in (rb"REF\*6R\*", rb"REF\*F8\*", rb"N1\*PE\*", rb"PLB\*[^*~]*\*[^*~]*\*[A-Z0-9]{2}:"):
        data = re.sub(rb"([~\n]%b)([^*~]+)" % before, rb"\1" + own + rb"\2", data)
    return re.sub(rb"([~\n]NM1\*(?:QC|IL|74)\*1\*)([^~]+)", lambda match: _named(match, their), data)


def _named(match: re.Match[bytes], their: bytes) -> bytes:
    parts = match[2].split(b"*")
    return match[1] + b"*".join(their + part if part and part != b"MI" else part for part in parts)


def words_in(data: bytes, name: str, read_pdf) -> str:
    """All text of an output file, in small letters."""
    if name.endswith(".pdf"):
        return read_pdf(data).lower()
    if name.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            return " ".join(parts.read(part).decode("utf-8", "replace") for part in parts.namelist()).lower()
    return data.decode("utf-8", "replace").lower()
