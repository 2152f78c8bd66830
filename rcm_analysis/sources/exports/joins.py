"""Columns that stand in another file of one delivery: found by its headers, joined by a key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import polars as pl

from ...errors import SourceError
from ..processes import limited
from .column_maps import DELIMITERS, ColumnMap, Join, Section, plain
from .text_tables import below_header, is_workbook, openings, read_csv
from .values import cleaned
from .workbooks import workbook_openings

KEY = "key"


def partners(path: Path, maps: Sequence[ColumnMap]) -> bool:
    """True for a file in which a section of the maps looks columns up."""
    joins = [join for column_map in maps for section in column_map.sections for join in section.join]
    return any(_found(path, join) is not None for join in joins)


def looked_up(join: Join, section: Section, path: Path, others: Sequence[Path], first: int) -> pl.DataFrame:
    """One row per key of the other file: `key` and its columns as text, named from `first` on.

    A key of several files, or of several rows, is as the last one says.

    Raises
        SourceError where no other file of the delivery has the headers.
    """
    found = [frame for other in others if other != path and (frame := _found(other, join)) is not None]
    if not found:
        headers = ", ".join(source.title for source in (join.other, *join.columns.values()))
        raise SourceError(
            f"{path.name}: {section.title} looks columns up in another file of the delivery, with the headers "
            f"{headers}; none of the {len(others)} file(s) has them. Nothing was read; put that file beside it."
        )
    rows = pl.concat(found).drop_nulls(KEY).unique(KEY, keep="last", maintain_order=True)
    return rows.rename({str(place): str(first + place) for place in range(len(join.columns))})


def _found(path: Path, join: Join) -> pl.DataFrame | None:
    """The key and the columns of a file that has all their headers."""
    wanted = tuple(
        frozenset(plain(header) for part in source.parts for header in part)
        for source in (join.other, *join.columns.values())
    )
    return _read(path, path.stat().st_mtime_ns, wanted)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int, wanted: tuple[frozenset[str], ...]) -> pl.DataFrame | None:
    try:
        tops = limited(workbook_openings, path) if is_workbook(path) else openings(path, DELIMITERS)
    except (SourceError, OSError):
        return None
    for top in tops:
        for number, record in enumerate(top.records):
            heads = [plain(cell) for cell in record]
            places = [next((place for place, head in enumerate(heads) if head in names), None) for names in wanted]
            if None in places:
                continue
            if top.sheet is not None:
                rows = below_header(top.sheet, number + 1, len(record)).rows
            else:
                rows = read_csv(path, top.delimiter or ",", ("utf-8", "cp1252"), number + 1, len(record)).rows
            names = [KEY, *map(str, range(len(wanted) - 1))]
            cells = [cleaned(pl.col(str(place)).cast(pl.String)) for place in places]
            return rows.select(cell.alias(name) for cell, name in zip(cells, names, strict=True))
    return None
