"""Small exports of one layout, read as one table: what a table costs is then paid once, not for every file.

What a file gives is what it gives by itself (`reader.read_export`), row by row and word by word. A file of which that
is not certain (it may be refused whole, or one of its rows is judged by the others) is left to be read by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl

from ...errors import SourceError
from ...tables.schema import TABLES
from ..raw_files import stamp_of
from .column_maps import ColumnMap
from .headers import Recognised, recognise, said_by_name
from .joins import partners
from .reader import Export, all_faults, columns_once, dated, parted, read_export, read_rows
from .text_tables import FILE, LARGE, MOST_ROWS, TextTable, below_header, read_csvs
from .whole_file import as_shown, unclear

MOST_BYTES = 8 * LARGE
"""Files of so many bytes are read ahead at most."""
_TOP = 512


class Exports:
    """The exports of one intake, each asked for once; those that begin like it are read with it."""

    def __init__(
        self, maps: Sequence[ColumnMap], map_files: Sequence[Path], files: Sequence[Path], client: str, stored: set[str]
    ) -> None:
        self.maps, self.files, self.client, self.stored = maps, files, client, stored
        self.map_bytes = [path.read_bytes() for path in map_files]
        self.alike: dict[bytes, list[Path]] = {}
        self.ahead: dict[Path, tuple[list[Recognised], dict[int, Export]]] = {}
        for path in files:
            self.alike.setdefault(_begins(path), []).append(path)

    def stamp(self, file: Path) -> str:
        """Exports are read again when maps, what maps read of the name, or files that they look into have changed."""
        read = [said_by_name(file, self.maps).encode(), *self.map_bytes]
        if any(section.join for each in self.maps for section in each.sections):
            read += [path.read_bytes() for path in self.files if partners(path, self.maps)]
        return "+" + hashlib.sha256(b"\0".join(read)).hexdigest()[:16]

    def _is_new(self, path: Path) -> bool:
        return not self.stored or stamp_of(path.read_bytes()) + self.stamp(path) not in self.stored

    def recognise(self, path: Path) -> list[Recognised]:
        """The tables that a file holds; those that begin like it are read, too."""
        if path not in self.ahead:
            self._read_ahead(path)
        return self.ahead[path][0] if path in self.ahead else recognise(path, self.maps, self.files)

    def read(self, path: Path, found: Sequence[Recognised]) -> list[tuple[Recognised, Export]]:
        """Each table of a file with its rows."""
        _, exports = self.ahead.pop(path, (None, {}))
        parts = enumerate(found)
        return [(part, exports.get(place) or read_export(path, part, client=self.client)) for place, part in parts]

    def _read_ahead(self, first: Path) -> None:
        layouts: dict[tuple, list[tuple[Path, int]]] = {}
        for path in self._pile(first):
            try:
                found = recognise(path, self.maps, self.files)
            except SourceError:
                continue
            self.ahead[path] = found, {}
            for place, part in enumerate(found):
                if TABLES.get(part.table.name) is part.table and not part.joined:
                    layouts.setdefault(_layout(part), []).append((path, place))
        for alike in layouts.values():
            parts = [(path, self.ahead[path][0][place]) for path, place in alike]
            for (path, place), export in zip(alike, read_together(parts, client=self.client), strict=True):
                if export:
                    self.ahead[path][1][place] = export

    def _pile(self, first: Path) -> list[Path]:
        """The file and those after it that begin like it, up to `MOST_BYTES`; none where there is no other."""
        begins = _begins(first)
        alike = self.alike.get(begins, []) if begins else []
        pile, size = [], 0
        for path in alike[alike.index(first) :] if first in alike else ():
            bytes_of = path.stat().st_size
            if bytes_of < LARGE and (path == first or self._is_new(path)):
                pile.append(path)
                size += bytes_of
            if size > MOST_BYTES:
                break
        return pile if len(pile) > 1 else []


def _begins(path: Path) -> bytes:
    """The first line of a text file, the first bytes of another."""
    try:
        with path.open("rb") as file:
            top = file.read(_TOP)
    except OSError:
        return b""
    return top[:4] if b"\0" in top else top.split(b"\n", 1)[0]


def _layout(part: Recognised) -> tuple:
    """Equal for tables that can be read as one."""
    zero = part.book.day_zero if part.book else None
    places = tuple(part.positions.items())
    return id(part.section), part.header_row, part.header, places, part.delimiter, zero, tuple(part.of_name.items())


def read_together(files: Sequence[tuple[Path, Recognised]], *, client: str) -> list[Export | None]:
    """What each file of one layout gives; nothing for those that have to be read by themselves."""
    if len(files) < 2:
        return [None] * len(files)
    texts = _texts(files)
    if texts is None:
        half = len(files) // 2
        return [*read_together(files[:half], client=client), *read_together(files[half:], client=client)]
    recognised = files[0][1]
    section, table = recognised.section, recognised.table
    read = read_rows(texts, recognised)
    found = all_faults(read, recognised).filter(pl.col("rule") != "far_day")
    rows, stored, aside = parted(read, found, recognised)
    alone = unclear(rows, recognised, read.once, set(aside.select(FILE)["file"]))
    sums = rows.group_by(FILE).agg(pl.len(), pl.col("amount").sum(), nulls=pl.col("amount").null_count())
    counted = {file: rest for file, *rest in sums.iter_rows()}
    elsewhere = dict(read.elsewhere.to_frame().group_by(FILE).len().iter_rows())
    has_money = bool(table.money) and table.money[0] not in section.fill
    kept, left = (
        _of_each(stored.with_columns(client=pl.lit(client)), len(files)),
        _of_each(aside.sort("row"), len(files)),
    )
    out: list[Export | None] = []
    for file, (path, _) in enumerate(files):
        height, cents, nulls = counted.get(file, (0, 0, 0))
        if file in alone or not height:
            out.append(None)
            continue
        mine = left[file]
        if mine.height:
            mine = dated(path, mine.with_columns(pl.col("row") - file * MOST_ROWS), kept[file], table)
        out.append(
            Export(
                table=table,
                delivery=section.delivery,
                rows=kept[file].select(table.names),
                quarantine=mine,
                rows_in=height,
                cents_in=int(cents),
                cents_unreadable=nulls if has_money else 0,
                rows_elsewhere=elsewhere.get(file, 0),
                fill=section.fill,
            )
        )
    return out


def _of_each(rows: pl.DataFrame, files: int) -> list[pl.DataFrame]:
    """The rows of each file."""
    ends = rows["row"].search_sorted(pl.Series(range(files + 1)) * MOST_ROWS).to_list()
    return [rows.slice(start, end - start) for start, end in pairwise(ends)]


def _texts(files: Sequence[tuple[Path, Recognised]]) -> TextTable | None:
    """The records of all files, each numbered from `MOST_ROWS` times its place; nothing where they must be parted."""
    part, tables = files[0][1], []
    if part.book is None:
        paths, encodings = [path for path, _ in files], part.section.encodings
        try:
            return read_csvs(paths, part.delimiter or ",", encodings, part.header_row, part.width, columns_once(part))
        except (SourceError, OSError):
            return None
    for place, (_, each) in enumerate(files):
        book = each.book
        if book is None or book.hidden_rows or (book.marks["mark"] != "shown").any():
            return None
        texts = as_shown(below_header(book, each.header_row, each.width), book, each)
        tables.append(texts.rows.with_columns(pl.col("row") + place * MOST_ROWS))
    return replace(texts, rows=pl.concat(tables, how="vertical_relaxed"))
