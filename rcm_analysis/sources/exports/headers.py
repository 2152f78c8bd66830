"""Which table of which column map a CSV or XLSX file holds, by the headers in its first records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import polars as pl

from ...errors import SourceError, listed
from ...tables.schema import Table
from ..processes import limited
from .column_maps import DELIMITERS, ColumnMap, Section, plain
from .joins import looked_up
from .strangers import refuse_strangers
from .text_tables import Opening, Sheet, is_workbook, openings
from .workbooks import workbook_openings

MOST_HEADER_ROWS = 3


@dataclass(frozen=True)
class Recognised:
    """One table found in a file: the section of the map that fits, and where everything stands.

    `book` is the sheet of a workbook, which can only be read as a whole. `other_sheets` are sheets
    with rows that fit no section, `hidden_sheets` those with rows that nobody sees; neither is read.
    `unread` are sections that fit the file too and are not asked to read it; `of_name` are our columns whose value
    stands in the file's name, `joined` one table for each join of the section; their columns follow the file's own.
    """

    map: ColumnMap
    section: Section
    header_row: int
    header: tuple[str, ...]
    positions: dict[str, tuple[int, ...]]
    book: Sheet | None = field(default=None, repr=False, compare=False)
    delimiter: str | None = None
    other_sheets: tuple[str, ...] = ()
    hidden_sheets: tuple[str, ...] = ()
    unread: tuple[Section, ...] = ()
    of_name: Mapping[str, str] = field(default_factory=dict)
    joined: tuple[pl.DataFrame, ...] = field(default=(), repr=False, compare=False)

    @property
    def table(self) -> Table:
        return self.section.table

    @property
    def width(self) -> int:
        """The number of columns of the file itself."""
        return len(self.header) - sum(frame.width - 1 for frame in self.joined)

    @property
    def sheet(self) -> str | None:
        """The name of the sheet; nothing for a text file."""
        return self.book.name if self.book else None

    def title(self, name: str) -> str:
        """The header of our column as the file spells it, else our name."""
        headers = [self.header[position].strip() for position in self.positions.get(name, ())]
        return " + ".join(dict.fromkeys(headers)) or name


def recognise(path: Path, maps: Sequence[ColumnMap], others: Sequence[Path] = ()) -> list[Recognised]:
    """Which tables of which map a CSV or XLSX file holds, by its headers; `others` are the files of the delivery.

    Counts
        A section fits when one of the first 20 records holds all its headers. A file (or sheet)
        belongs to the section that uses most of its headers; sections of the same map that `take`
        some of its rows, or stand `beside` it, come with it.

    Raises
        SourceError when no section fits, or two fit equally well. Headers of the file are named
        only when the row is clearly a header row: otherwise they may be a patient's data.
    """
    path = Path(path)
    if not maps:
        raise SourceError(
            f"{path.name} cannot be read: no column map is given. Name one under column_maps in clients.toml."
        )
    refuse_strangers(path)
    tops = limited(workbook_openings, path) if is_workbook(path) else openings(path, DELIMITERS)
    named = {section.sheet for column_map in maps for section in column_map.sections}
    hidden = tuple(top.title for top in tops if top.sheet and top.sheet.is_hidden and top.title not in named)
    seen = [top for top in tops if top.title not in hidden]
    whole = [fit for top in seen for fit in _fits(top, maps) if not fit.missing]
    if not whole:
        fits = [fit for top in seen for fit in _fits(top, maps, nearest=True)]
        raise SourceError(_unknown(path, fits, maps) + _lacking_sheets(tops, maps) + _hidden(hidden))
    sheets = dict.fromkeys(fit.top.title for fit in whole)
    other_sheets = tuple(top.title for top in seen if top.title and top.title not in sheets)
    chosen = [fit for title in sheets for fit in _chosen(path, [fit for fit in whole if fit.top.title == title])]
    read = [fit.section for fit in chosen]
    unread = [fit.section for fit in whole if fit.section not in read]
    parts = [
        Recognised(
            fit.map,
            fit.section,
            fit.record + 1,
            fit.header,
            fit.positions(path),
            fit.top.sheet,
            fit.top.delimiter,
            other_sheets,
            hidden,
            tuple(unread),
            _of_name(path, fit.section),
        )
        for fit in chosen
    ]
    return [_with_joined(path, part, others) if part.section.join else part for part in parts]


def _with_joined(path: Path, part: Recognised, others: Sequence[Path]) -> Recognised:
    """The file with the columns that its section looks up in other files of the delivery, behind its own."""
    header, positions, frames = part.header, dict(part.positions), []
    for join in part.section.join:
        frames.append(looked_up(join, part.section, path, others, len(header)))
        for name, source in join.columns.items():
            positions[name] = (len(header),)
            header = (*header, source.parts[0][0])
    return replace(part, header=header, positions=positions, joined=tuple(frames))


def _of_name(path: Path, section: Section) -> dict[str, str]:
    """The values that the file's name, or its folder and name, holds.

    Raises
        SourceError where the name does not fit the pattern of the map.
    """
    found = {}
    for name, pattern in section.from_name.items():
        match = re.search(pattern, path.name) or re.search(pattern, f"{path.parent.name}/{path.name}")
        if not match:
            raise SourceError(
                f"{path.name}: {section.title} takes {name} from the file's name by the pattern {pattern!r}, and the "
                "name does not hold it. Nothing was read; rename the file, or correct from_name in the map."
            )
        found[name] = match[1]
    return found


def said_by_name(path: Path, maps: Sequence[ColumnMap]) -> str:
    """All that the maps read out of a file's name: two files with one content and other such values are two."""
    patterns = sorted({pattern for each in maps for one in each.sections for pattern in one.from_name.values()})
    found = (re.search(pattern, f"{path.parent.name}/{path.name}") for pattern in patterns)
    return "|".join(match[1] for match in found if match)


def _hidden(titles: Sequence[str]) -> str:
    return (
        f" {len(titles)} hidden sheet(s) with rows were not read; unhide them, or name one under sheet in the map."
        if titles
        else ""
    )


@dataclass(frozen=True)
class _Fit:
    """How well one record of a file serves as the header of one section."""

    map: ColumnMap
    section: Section
    top: Opening
    record: int
    header: tuple[str, ...]
    found: dict[str, tuple[tuple[int, ...], ...]]
    missing: tuple[str, ...]

    @property
    def used(self) -> set[int]:
        return {position for parts in self.found.values() for part in parts for position in part}

    def positions(self, path: Path) -> dict[str, tuple[int, ...]]:
        """One position for each part of each column; two headers for one column are an error."""
        for name, parts in self.found.items():
            if any(len(part) > 1 for part in parts):
                raise SourceError(
                    f"{path.name}: {self.section.title} finds {name} in two columns; its headers are "
                    f"{self.section.sources[name].title}. Name only one of them in the map, or rename a column "
                    "of the file."
                )
        return {name: tuple(part[0] for part in parts) for name, parts in self.found.items()}


def _fits(top: Opening, maps: Sequence[ColumnMap], *, nearest: bool = False) -> list[_Fit]:
    """The best record for every section that may read this opening, if any of its headers is there; up to three records
    one below the other are one header where no single one holds all headings. Only `nearest` tells surely of headers
    that are not all there."""
    heads = cache(lambda rows: _heads(top.records, rows))
    where = cache(lambda rows: _where(heads(rows)))
    out = []
    for column_map in maps:
        for section in column_map.sections:
            if top.delimiter not in (None, section.delimiter or top.delimiter) or (
                top.title and section.sheet not in (None, top.title)
            ):
                continue
            best: list[_Fit] = []
            if not nearest and any(beginnings.isdisjoint(where(1)) for beginnings in section.beginnings):
                continue
            for rows in range(1, MOST_HEADER_ROWS + 1):
                there = where(rows)
                named = sorted({place for header in section.headings & there.keys() for place in there[header]})
                tries = [_fit(column_map, section, top, heads(rows)[place]) for place in named]
                tries = sorted(tries, key=lambda fit: (bool(fit.missing), -len(fit.used)))[:1]
                best = best or tries
                if tries and not tries[0].missing:
                    best = tries
                    break
            out += best
    return [fit for fit in out if fit.used]


def _where(heads: Sequence[_Head]) -> dict[str, list[int]]:
    """Each name with the heads that hold it."""
    found: dict[str, list[int]] = {}
    for number, head in enumerate(heads):
        for name in head.places:
            found.setdefault(name, []).append(number)
    return found


@dataclass(frozen=True)
class _Head:
    """Records that may be a header: the number of the last one, its texts, and the places that each name may mean."""

    record: int
    texts: tuple[str, ...]
    places: Mapping[str, list[int]]


def _head(record: int, texts: Iterable[str], names: Iterable[Iterable[str]]) -> _Head:
    places: dict[str, list[int]] = {}
    for place, each in enumerate(names):
        for name in set(map(plain, each)):
            places.setdefault(name, []).append(place)
    return _Head(record, tuple(texts), places)


def _heads(records: Sequence[tuple[str, ...]], rows: int) -> list[_Head]:
    """So many records one below the other as one header. A heading of the upper rows stands over the empty cells to its
    right, too, as in a merged cell."""
    out = []
    if rows == 1:
        return [_head(number, record, ((cell,) for cell in record)) for number, record in enumerate(records)]
    for last in range(rows - 1, len(records)):
        span = records[last - rows + 1 : last + 1]
        width = max(map(len, span))
        lines = [[*(cell.strip() for cell in line), *[""] * (width - len(line))] for line in span]
        spread = [_spread(line) for line in lines[:-1]] + [lines[-1]]
        texts = [" ".join(filter(None, column)) for column in zip(*lines, strict=True)]
        over = [" ".join(filter(None, column)) for column in zip(*spread, strict=True)]
        alone = zip(*lines, strict=True)
        names = [{*cells, text, wide} - {""} for cells, text, wide in zip(alone, texts, over, strict=True)]
        out.append(_head(last, texts, names))
    return out


def _spread(line: Sequence[str]) -> list[str]:
    out: list[str] = []
    for cell in line:
        out.append(cell or (out[-1] if out else ""))
    return out


def _fit(column_map: ColumnMap, section: Section, top: Opening, head: _Head) -> _Fit:
    found, missing, sources = {}, [], section.sources
    for name, wanted in section.wanted:
        parts = tuple(_places(part, head.places) for part in wanted)
        parts = tuple(filter(None, parts)) if sources[name].adds and not sources[name].less else parts
        if parts and all(parts):
            found[name] = parts
        elif name not in section.optional:
            missing.append(name)
    return _Fit(column_map, section, top, head.record, head.texts, found, tuple(missing))


def _places(wanted: Iterable[str], places: Mapping[str, list[int]]) -> tuple[int, ...]:
    return tuple(sorted({place for name in wanted for place in places.get(name, ())}))


def _chosen(path: Path, fits: list[_Fit]) -> list[_Fit]:
    most = max(len(fit.used) for fit in fits)
    best = [fit for fit in fits if len(fit.used) == most]
    best = [fit for fit in best if not _stands_beside(fit, best)] or best
    exclusive = list({fit.section.title: fit for fit in best if not fit.section.take}.values()) or best[:1]
    if len(exclusive) > 1:
        raise SourceError(
            f"{path.name} fits {listed([fit.section.title for fit in exclusive])} equally well. Tell them apart "
            "by one more "
            "header in the maps, or give the client only one of the maps."
        )
    chosen = exclusive[0]
    same = [fit for fit in fits if fit is not chosen and fit.map is chosen.map]
    group = {chosen.section.beside or chosen.section.name, chosen.section.name}
    return [chosen, *(fit for fit in same if fit.section.take or {fit.section.name, fit.section.beside} & group)]


def _stands_beside(fit: _Fit, others: Iterable[_Fit]) -> bool:
    return any(fit.map is other.map and fit.section.beside == other.section.name for other in others)


def _lacking_sheets(tops: Sequence[Opening], maps: Sequence[ColumnMap]) -> str:
    """ " There is no sheet ..." where a map names a sheet that the workbook does not have."""
    there = [top.title for top in tops if top.title]
    named = [section.sheet for column_map in maps for section in column_map.sections if section.sheet]
    absent = [sheet for sheet in dict.fromkeys(named) if sheet not in there]
    if not there or not absent:
        return ""
    return f" There is no sheet {listed(map(repr, absent))} as the map wants; the workbook has {listed(there)}."


def _unknown(path: Path, fits: list[_Fit], maps: Sequence[ColumnMap]) -> str:
    sections = [section for column_map in maps for section in column_map.sections]
    if not fits:
        expected = "; ".join(
            f"{section.title}: {listed([source.parts[0][0] for source in section.sources.values()], 30)}"
            for section in sections
        )
        return (
            f"{path.name} is no export that the column maps know: none of their headers stands in its first rows. "
            f"Expected one of these sets of headers: {expected}. Check that the file has its header row and "
            "belongs to this client."
        )
    near = max(fits, key=lambda fit: (len(fit.found) / len(fit.section.sources), len(fit.used)))
    sources = near.section.sources
    lacks = [f"{name.split()[0]} ({sources[name].title})" for name in near.missing]
    message = (
        f"{path.name} is not the export that {near.section.title} describes, the closest of {len(sections)} "
        f"known: {len(lacks)} of "
        f"{len(sources)} columns are missing: {listed(lacks, 30)}."
    )
    unused = [cell.strip() for position, cell in enumerate(near.header) if cell.strip() and position not in near.used]
    if 2 * len(near.found) >= len(sources) and unused:
        message += f" Headers of the file not used so far: {listed(map(repr, unused), 30)}."
    return (
        f"{message} Nothing was read. Ask for the whole export, or add the header under columns in "
        f"{near.map.path or near.map.name}."
    )
