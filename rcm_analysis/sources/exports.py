"""Practice-management exports (CSV, XLSX) through a column map into checked rows and a quarantine.

No row is lost: every record of the file is stored, or quarantined with file, row, column and rule,
or (with `take`) belongs to another table of the same file. Rows and dollars are counted on the way
in and again on the way out, and a difference is an error of ours. Messages hold no cell value.

| rule | the row is quarantined because |
|---|---|
| `fields` | it does not have the header's number of fields |
| `total_line` | it is a total or subtotal line (its amount is not counted in) |
| `stray_quote` | one quoted cell holds line breaks and as many separators as a whole row |
| `missing` | a required value is empty |
| `unreadable` | a date, amount, number or flag cannot be read |
| `part_of_a_cent` | an amount has more than two decimals |
| `not_listed` | the value is none that the map or the table knows |
| `impossible_date` | the day lies before `earliest` of the map, or after 2099 |
| `before_service` | entered before the day of service |
| `negative_charge` | the charge of a claim or claim line is below zero |
| `duplicate_key` | an earlier good row has the same key |
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path

import polars as pl

from ..errors import SourceError, listed
from ..schema import KINDS, Column, Table
from .column_maps import (
    DELIMITERS,
    ColumnMap,
    Section,
    Source,
    find_map,
    plain,
    read_map,
    shipped_maps,
)
from .text_tables import TOTAL, Opening, TextTable, openings, read_csv, read_sheet
from .values import SERIAL, cleaned, month, read_as, splits_a_cent

__all__ = ["Export", "Recognised", "find_map", "read_export", "read_map", "recognise", "shipped_maps"]

QUARANTINE = {
    "file": pl.String, "row": pl.Int64, "column": pl.String, "rule": pl.String, "message": pl.String,
    "amount_cents": pl.Int64, "text": pl.String,
}
RAISES = {"charge": 1, "refund": 1, "takeback": 1, "transfer": 1, "payment": -1, "contractual": -1, "write_off": -1}
"""Effect on the receivable of a magnitude, by kind of transaction. A transfer keeps the file's sign."""

_FAULT = {"row": pl.Int64, "name": pl.String, "rule": pl.String, "message": pl.String}
_LAST_DAY = dt.date(2099, 12, 31)


@dataclass(frozen=True)
class Recognised:
    """One table found in a file: the section of the map that fits, and where everything stands."""

    map: ColumnMap
    section: Section
    header_row: int
    header: tuple[str, ...]
    positions: dict[str, tuple[int, ...]]
    sheet: str | None = None
    delimiter: str | None = None
    other_sheets: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        return self.section.table

    def title(self, name: str) -> str:
        """The header of our column as the file spells it, else our name."""
        headers = [self.header[position].strip() for position in self.positions.get(name, ())]
        return " + ".join(dict.fromkeys(headers)) or name


@dataclass(frozen=True)
class Export:
    """The rows of one table that a file holds, and those that were set aside.

    `cents_in` is the sum of the table's first money column over all rows, as effect on the
    receivable for transactions; `cents_unreadable` counts the rows whose amount is not in it.
    `rows_elsewhere` counts rows that the map gives to another table.
    """

    table: Table
    delivery: str
    rows: pl.DataFrame
    quarantine: pl.DataFrame
    rows_in: int
    cents_in: int
    cents_unreadable: int = 0
    rows_elsewhere: int = 0
    fill: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        money = self.table.money[:1]
        cents_out = sum(int(self.rows[name].sum()) for name in money) + int(self.quarantine["amount_cents"].sum())
        rows_out = self.rows.height + self.quarantine.height
        if (rows_out, cents_out) != (self.rows_in, self.cents_in):
            raise AssertionError(
                f"{self.table.name}: {self.rows_in} rows and {self.cents_in} cents in, {rows_out} rows and {cents_out} cents out"
            )


# ------------------------------------------------------------------ which export is it
def recognise(path: Path, maps: Sequence[ColumnMap]) -> list[Recognised]:
    """Which tables of which map a CSV or XLSX file holds, by its headers.

    Counts
        A section fits when one of the first 20 records holds all its headers. A file (or sheet)
        belongs to the section that uses most of its headers; sections of the same map that `take`
        some of its rows come with it.

    Raises
        SourceError when no section fits, or two fit equally well. Headers of the file are named
        only when the row is clearly a header row: otherwise they may be a patient's data.
    """
    path = Path(path)
    if not maps:
        raise SourceError(f"{path.name} cannot be read: no column map is given. Name one under column_maps in clients.toml.")
    tops = openings(path, DELIMITERS)
    fits = [fit for top in tops for fit in _fits(top, maps)]
    whole = [fit for fit in fits if not fit.missing]
    if not whole:
        raise SourceError(_unknown(path, fits, maps))
    sheets = dict.fromkeys(fit.top.sheet for fit in whole)
    others = tuple(top.sheet for top in tops if top.sheet is not None and top.sheet not in sheets)
    return [
        Recognised(fit.map, fit.section, fit.record + 1, fit.header, fit.positions(path), sheet, fit.top.delimiter, others)
        for sheet in sheets
        for fit in _chosen(path, [fit for fit in whole if fit.top.sheet == sheet])
    ]


@dataclass(frozen=True)
class _Fit:
    """How well one record of a file serves as the header of one section."""

    map: ColumnMap
    section: Section
    top: Opening
    record: int
    found: dict[str, tuple[tuple[int, ...], ...]]
    missing: tuple[str, ...]

    @property
    def header(self) -> tuple[str, ...]:
        return self.top.records[self.record]

    @property
    def used(self) -> set[int]:
        return {position for parts in self.found.values() for part in parts for position in part}

    def positions(self, path: Path) -> dict[str, tuple[int, ...]]:
        """One position for each part of each column; two headers for one column are an error."""
        for name, parts in self.found.items():
            if any(len(part) > 1 for part in parts):
                raise SourceError(
                    f"{path.name}: {self.section.title} finds {name} in two columns; its headers are "
                    f"{self.section.sources[name].title}. Name only one of them in the map, or rename a column of the file."
                )
        return {name: tuple(part[0] for part in parts) for name, parts in self.found.items()}


def _fits(top: Opening, maps: Sequence[ColumnMap]) -> list[_Fit]:
    """The best record for every section that may read this opening, if any of its headers is there."""
    plains = [[plain(cell) for cell in record] for record in top.records]
    out = []
    for column_map in maps:
        for section in column_map.sections:
            if top.delimiter not in (None, section.delimiter or top.delimiter) or (top.sheet and section.sheet not in (None, top.sheet)):
                continue
            tries = [_fit(column_map, section, top, number, cells) for number, cells in enumerate(plains)]
            out += sorted(tries, key=lambda fit: (bool(fit.missing), -len(fit.used)))[:1]
    return [fit for fit in out if fit.used]


def _fit(column_map: ColumnMap, section: Section, top: Opening, record: int, cells: list[str]) -> _Fit:
    found, missing = {}, []
    for name, source in section.sources.items():
        parts = tuple(_places(part, cells) for part in source.parts)
        if all(parts):
            found[name] = parts
        elif name not in section.optional:
            missing.append(name)
    return _Fit(column_map, section, top, record, found, tuple(missing))


def _places(part: Iterable[str], cells: list[str]) -> tuple[int, ...]:
    wanted = {plain(header) for header in part}
    return tuple(position for position, cell in enumerate(cells) if cell in wanted)


def _chosen(path: Path, fits: list[_Fit]) -> list[_Fit]:
    most = max(len(fit.used) for fit in fits)
    best = [fit for fit in fits if len(fit.used) == most]
    exclusive = [fit for fit in best if not fit.section.take] or best[:1]
    if len(exclusive) > 1:
        raise SourceError(
            f"{path.name} fits {listed([fit.section.title for fit in exclusive])} equally well. Tell them apart by one more "
            "header in the maps, or give the client only one of the maps."
        )
    chosen = exclusive[0]
    with_it = [fit for fit in fits if fit is not chosen and fit.map is chosen.map and fit.section.take]
    return [chosen, *with_it]


def _unknown(path: Path, fits: list[_Fit], maps: Sequence[ColumnMap]) -> str:
    sections = [section for column_map in maps for section in column_map.sections]
    if not fits:
        expected = "; ".join(
            f"{section.title}: {listed([source.parts[0][0] for source in section.sources.values()], 30)}" for section in sections
        )
        return (
            f"{path.name} is no export that the column maps know: none of their headers stands in its first rows. "
            f"Expected one of these sets of headers: {expected}. Check that the file has its header row and belongs to this client."
        )
    near = max(fits, key=lambda fit: (len(fit.found) / len(fit.section.sources), len(fit.used)))
    sources = near.section.sources
    lacks = [f"{name.split()[0]} ({sources[name].title})" for name in near.missing]
    message = (
        f"{path.name} is not the export that {near.section.title} describes, the closest of {len(sections)} known: {len(lacks)} of "
        f"{len(sources)} columns are missing: {listed(lacks, 30)}."
    )
    unused = [cell.strip() for position, cell in enumerate(near.header) if cell.strip() and position not in near.used]
    if 2 * len(near.found) >= len(sources) and unused:
        message += f" Headers of the file not used so far: {listed(map(repr, unused), 30)}."
    return f"{message} Nothing was read. Ask for the whole export, or add the header under columns in {near.map.path or near.map.name}."


# ------------------------------------------------------------------ reading it
def read_export(path: Path, recognised: Recognised, *, client: str) -> Export:
    """The rows of one table, checked and typed; whatever cannot be stored goes to quarantine.

    Returns
        Export; `rows` has the columns of the table in order, `client` filled in and `patient` as it
        stands in the file. `quarantine` has one row per record set aside; `text` holds its mapped
        cells as JSON without the patient, and is empty for ragged records.
    """
    path, section = Path(path), recognised.section
    texts = _read_texts(path, recognised)
    rows, faults, elsewhere = _taken(texts, recognised)
    rows = _typed(_worded(rows, recognised, texts.ragged["row"]), recognised)
    faults = pl.concat([*faults, _faults(rows, recognised), _swallowed(rows, recognised)])
    rows, faults = _totals_apart(rows, faults, recognised)
    good = rows.join(faults.select("row").unique(), on="row", how="anti", maintain_order="left")
    doubled = _doubled(good, section.table, client)
    faults = pl.concat([faults, doubled])
    good = good.join(doubled, on="row", how="anti", maintain_order="left")
    quarantine = pl.concat([_set_aside(path, rows, faults, recognised), _ragged(path, texts.ragged)]).sort("row")
    return Export(
        table=section.table, delivery=section.delivery,
        rows=good.with_columns(pl.lit(client).alias("client")).select(section.table.names), quarantine=quarantine,
        rows_in=rows.height + texts.ragged.height, cents_in=int(rows["amount"].sum()),
        cents_unreadable=_unreadable(rows, texts.ragged, section),
        rows_elsewhere=elsewhere, fill=section.fill,
    )


def _unreadable(rows: pl.DataFrame, ragged: pl.DataFrame, section: Section) -> int:
    if not section.table.money or section.table.money[0] in section.fill:
        return 0
    return rows["amount"].null_count() + ragged.height


def _read_texts(path: Path, recognised: Recognised) -> TextTable:
    width = len(recognised.header)
    try:
        if recognised.sheet is not None:
            return read_sheet(path, recognised.sheet, recognised.header_row, width)
        return read_csv(path, recognised.delimiter, recognised.section.encodings, recognised.header_row, width)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}.") from error


def _cell(position: int, section: Section) -> pl.Expr:
    return cleaned(pl.col(str(position)), section.empty)


def _text(name: str) -> pl.Expr:
    """What the file says for our column, kept apart from what was read."""
    return pl.col(f"text {name}")


def _word(name: str) -> pl.Expr:
    """What is read: the file's text after values, constants, defaults and carrying down."""
    return pl.col(f"word {name}")


def _taken(texts: TextTable, recognised: Recognised) -> tuple[pl.DataFrame, list[pl.DataFrame], int]:
    """The rows that belong to this table, and faults where the file does not say whose they are."""
    take = recognised.section.take
    if take is None:
        return texts.rows, [], 0
    cell = _cell(recognised.positions["take"][0], recognised.section).str.to_lowercase().fill_null("")
    elsewhere = texts.rows.select(cell.is_in(take.leave)).to_series()
    rows = texts.rows.filter(~elsewhere)
    odd = rows.filter(~cell.is_in(take.rows)).select(
        "row", name=pl.lit("take"), rule=pl.lit("not_listed"), message=pl.lit("none of the row types that the map lists"),
    )
    return rows, [odd], int(elsewhere.sum())


def _worded(rows: pl.DataFrame, recognised: Recognised, ragged: pl.Series) -> pl.DataFrame:
    """The file's columns under our names, as text."""
    section, positions = recognised.section, recognised.positions
    texts = [
        _combined(section.sources[name], places, section).alias(f"text {name}")
        for name, places in positions.items() if name != "take"
    ]
    keep = [pl.col(str(place)) for place in range(len(recognised.header))]
    rows = rows.select("row", *keep, *texts)
    names = [name for name in section.table.names if name != "client"]
    rows = rows.with_columns(_translated(name, recognised).alias(f"word {name}") for name in names)
    for name, within in section.carry.items():
        rows = _carried(rows, name, within, ragged)
    if section.number:
        rows = rows.with_columns(
            pl.int_range(1, pl.len() + 1).over(_word(within)).cast(pl.String).alias(f"word {name}")
            for name, within in section.number.items()
        )
    defaults = {**section.defaults, **section.constants}
    return rows.with_columns(_word(name).fill_null(value) for name, value in defaults.items())


def _combined(source: Source, places: tuple[int, ...], section: Section) -> pl.Expr:
    cells = [_cell(place, section) for place in places]
    if len(cells) == 1:
        return cells[0]
    if source.join is None:
        return pl.coalesce(cells)
    joined = pl.concat_str(cells, separator=source.join, ignore_nulls=True)
    return pl.when(pl.any_horizontal(cell.is_not_null() for cell in cells)).then(joined)


def _translated(name: str, recognised: Recognised) -> pl.Expr:
    section = recognised.section
    column = section.table.column(name)
    if section.amount_by and name == section.table.money[0]:
        return _amount_text(section)
    if name not in recognised.positions:
        return pl.lit(None, pl.String)
    text, words = _text(name), section.values.get(name, {})
    lower = text.str.to_lowercase()
    if column.values:
        return cleaned(lower.replace(words)) if words else lower
    if not words:
        return text
    return cleaned(pl.when(lower.is_in(list(words))).then(lower.replace(words)).otherwise(text))


def _amount_text(section: Section) -> pl.Expr:
    kind = _text("kind").str.to_lowercase()
    chain = pl.lit(None, pl.String)
    for position, rule in enumerate(section.amount_by):
        chain = pl.when(kind.is_in(rule.when)).then(_text(f"amount_by {position}")).otherwise(chain)
    return chain


def _carried(rows: pl.DataFrame, name: str, within: str, ragged: pl.Series) -> pl.DataFrame:
    """The last value above, within equal values of another column and not across a ragged row."""
    own = pl.when(_word(name).is_not_null()).then(pl.col("row"))
    source = own.forward_fill().over(_word(within))
    rows = rows.with_columns(_word(name).forward_fill().over(_word(within)), source.alias("source"))
    if ragged.len():
        before = [pl.Series(ragged.sort()).search_sorted(rows[column].fill_null(0)) for column in ("row", "source")]
        rows = rows.with_columns(pl.when(before[0] == before[1]).then(_word(name)).alias(f"word {name}"))
    return rows.drop("source")


def _typed(rows: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """Every column of the table in its kind, null where unreadable, and `amount`: the row's dollars."""
    section, table = recognised.section, recognised.table
    serial = recognised.sheet is not None
    typed = []
    for column in table.columns[1:]:
        if column.name == "month" and column.kind == "text":
            typed.append(month(_word(column.name), section.date_formats, serial=serial).alias(column.name))
            continue
        read = read_as(
            column.kind, _word(column.name), formats=section.date_formats, serial=serial, decimal=section.decimal,
        )
        typed.append(read.cast(KINDS[column.kind]).alias(column.name))
    rows = rows.with_columns(typed)
    if not table.money:
        return rows.with_columns(pl.lit(None, pl.Int64).alias("amount"))
    main = table.money[0]
    return rows.with_columns((pl.col(main) * _effect(section)).alias(main)).with_columns(pl.col(main).alias("amount"))


def _effect(section: Section) -> pl.Expr:
    """+1 or -1: what a positive amount of the file does to the receivable."""
    effect = pl.lit(-1 if section.sign == "negate" else 1, pl.Int64)
    if section.sign == "kind":
        effect = _word("kind").replace_strict(RAISES, default=1, return_dtype=pl.Int64)
    for rule in section.amount_by:
        if rule.sign:
            here = _text("kind").str.to_lowercase().is_in(rule.when).fill_null(False)
            effect = pl.when(here).then(1 if rule.sign == "+" else -1).otherwise(effect)
    return effect.cast(pl.Int64)


# ------------------------------------------------------------------ what is wrong with it
def _faults(rows: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """Every broken rule of every row; all masks in one pass, rows only where something is wrong."""
    rules = [rule for column in recognised.table.columns[1:] for rule in _column_rules(column, recognised)]
    rules += _table_rules(recognised)
    masks = rows.select(broken.fill_null(False).alias(str(number)) for number, (*_, broken) in enumerate(rules))
    found = [pl.DataFrame(schema=_FAULT)]
    for number, (name, rule, message, _) in enumerate(rules):
        if masks[str(number)].any():
            bad = rows.select("row").filter(masks[str(number)])
            found.append(bad.with_columns(name=pl.lit(name), rule=pl.lit(rule), message=pl.lit(message)))
    return pl.concat(found)


def _column_rules(column: Column, recognised: Recognised) -> list[tuple[str, str, str, pl.Expr]]:
    section, name = recognised.section, column.name
    word, value = _word(name), pl.col(name)
    out = []
    if not column.empty and name not in section.fill:
        out.append((name, "missing", "empty, and a value is required", word.is_null()))
    unreadable = word.is_not_null() & value.is_null()
    if column.kind == "cents":
        split = splits_a_cent(word, section.decimal)
        out.append((name, "part_of_a_cent", "an amount with more than two decimals", split))
        example = "1,234.50 or (12.00)" if section.decimal == "." else "1.234,50 or (12,00)"
        out.append((name, "unreadable", f"not an amount such as {example}", unreadable & ~split))
    elif column.kind == "date":
        out.append((name, "unreadable", f"not a date such as {_example(section.date_formats)}", unreadable))
        if not name.startswith("effective_"):
            out.append((name, "impossible_date", f"earlier than {section.earliest} or later than {_LAST_DAY}",
                        ~value.is_between(section.earliest, _LAST_DAY)))
    elif name == "month" or column.kind != "text":
        what = {"count": "a whole number", "number": "a number", "flag": "yes or no"}.get(column.kind, "a month such as 2026-10")
        out.append((name, "unreadable", f"not {what}", unreadable))
    if column.values:
        out.append((name, "not_listed", f"not one of {listed(column.values)}, nor listed under values in the map",
                    ~value.is_in(list(column.values))))
    return out


def _example(formats: Sequence[str]) -> str:
    pattern = next((pattern for pattern in formats if pattern != SERIAL), "%Y-%m-%d")
    return dt.date(2026, 3, 31).strftime(pattern)


def _table_rules(recognised: Recognised) -> list[tuple[str, str, str, pl.Expr]]:
    table = recognised.table
    out = []
    if {"entered_on", "service_on"} <= set(table.names):
        out.append(("entered_on", "before_service", "entered before the day of service", pl.col("entered_on") < pl.col("service_on")))
    if table.name in ("claims", "claim_lines"):
        out.append(("charge_cents", "negative_charge", "a charge below zero", pl.col("charge_cents") < 0))
    return out


def _swallowed(rows: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """Rows of which one cell holds line breaks and as many separators as a whole row."""
    separators = len(recognised.header) - 1
    if recognised.delimiter is None or separators < 2:
        return pl.DataFrame(schema=_FAULT)
    cells = [pl.col(str(place)) for place in range(separators + 1)]
    broken = reduce(or_, (cell.str.contains("\n", literal=True) for cell in cells))
    suspects = rows.filter(broken)
    full = pl.any_horizontal(cell.str.count_matches(recognised.delimiter, literal=True) >= separators for cell in cells)
    message = "one quoted cell holds line breaks and a whole row's separators; a stray quote probably swallowed rows"
    return suspects.filter(full).select(
        "row", name=pl.lit(None, pl.String), rule=pl.lit("stray_quote"), message=pl.lit(message),
    )


def _totals_apart(rows: pl.DataFrame, faults: pl.DataFrame, recognised: Recognised) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Broken rows that open with "Total": one fault in place of many, and no dollars."""
    table = recognised.table
    broken = rows.filter(pl.col("row").is_in(faults["row"].unique().implode()))
    opens = pl.any_horizontal(pl.col(str(place)).str.contains(TOTAL) for place in range(len(recognised.header)))
    dates = [column.name for column in table.columns if column.kind == "date" and not column.empty]
    undated = pl.any_horizontal([pl.col(name).is_null() for name in dates]) if dates else pl.lit(True)
    totals = broken.filter(opens.fill_null(False) & undated)["row"]
    if totals.is_empty():
        return rows, faults
    here = pl.col("row").is_in(totals.implode())
    lines = pl.DataFrame({"row": totals}).with_columns(
        name=pl.lit(None, pl.String), rule=pl.lit("total_line"), message=pl.lit("a total line, not a row of data"),
    )
    rows = rows.with_columns(pl.when(~here).then(pl.col("amount")).alias("amount"))
    return rows, pl.concat([faults.filter(~here), lines])


def _doubled(good: pl.DataFrame, table: Table, client: str) -> pl.DataFrame:
    key = [name for name in table.key if name != "client"]
    repeated = good.filter(~pl.struct(key).is_first_distinct())
    return repeated.select(
        "row", name=pl.lit(" + ".join(key)), rule=pl.lit("duplicate_key"), message=pl.lit("an earlier row has the same key"),
    )


# ------------------------------------------------------------------ the quarantine
def _set_aside(path: Path, rows: pl.DataFrame, faults: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """One row per record set aside: its first fault, and the others in the message."""
    section = recognised.section
    names = {name: recognised.title(name) for name in {*section.table.names, "take"}}
    columns = pl.col("name").replace(names)
    said = pl.when(pl.col("name").is_null()).then(pl.col("message")).otherwise(
        pl.concat_str([columns, pl.lit(": "), pl.col("message")])
    )
    told = faults.group_by("row", maintain_order=True).agg(
        columns.first().alias("column"), pl.col("rule").first(), said.unique(maintain_order=True).str.join("; ").alias("message"),
    )
    shown = [name for name in recognised.positions if name not in ("take", "patient")]
    cells = pl.struct([_text(name).alias(_shown(name)) for name in shown]).struct.json_encode()
    aside = rows.join(told, on="row", how="inner")
    return aside.select(
        pl.lit(path.name).alias("file"), "row", "column", "rule", "message", pl.col("amount").alias("amount_cents"),
        cells.alias("text"),
    ).cast(QUARANTINE)


def _shown(name: str) -> str:
    return name.replace("amount_by ", "amount ")


def _ragged(path: Path, ragged: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None)
    return ragged.select(
        pl.lit(path.name).alias("file"), "row", nothing.alias("column"), "rule", "message", nothing.alias("amount_cents"),
        nothing.alias("text"),
    ).cast(QUARANTINE)
