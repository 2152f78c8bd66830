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

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..errors import SourceError
from ..schema import Table
from .cells import taken, text, typed, worded
from .column_maps import Section, find_map, read_map, shipped_maps
from .headers import Recognised, recognise
from .rules import FAULT, doubled, faults, swallowed, totals_apart
from .text_tables import TextTable, below_header, read_csv

__all__ = ["Export", "Recognised", "find_map", "read_export", "read_map", "recognise", "shipped_maps"]

QUARANTINE = {
    "file": pl.String, "row": pl.Int64, "column": pl.String, "rule": pl.String, "message": pl.String,
    "amount_cents": pl.Int64, "text": pl.String,
}


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
    fill: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        money = self.table.money[:1]
        cents_out = sum(int(self.rows[name].sum()) for name in money) + int(self.quarantine["amount_cents"].sum())
        rows_out = self.rows.height + self.quarantine.height
        if (rows_out, cents_out) != (self.rows_in, self.cents_in):
            raise AssertionError(
                f"{self.table.name}: {self.rows_in} rows and {self.cents_in} cents in, {rows_out} rows and {cents_out} cents out"
            )


def read_export(path: Path, recognised: Recognised, *, client: str) -> Export:
    """The rows of one table, checked and typed; whatever cannot be stored goes to quarantine.

    Returns
        Export; `rows` has the columns of the table in order, `client` filled in and `patient` as it
        stands in the file. `quarantine` has one row per record set aside; `text` holds its mapped
        cells as JSON without the patient, and is empty for ragged records.
    """
    path, section, table = Path(path), recognised.section, recognised.table
    texts = _texts(path, recognised)
    rows, unclaimed, elsewhere = taken(texts, recognised)
    rows = typed(worded(rows, recognised, texts.ragged["row"]), recognised)
    found = pl.concat([_unclaimed(unclaimed), faults(rows, recognised), swallowed(rows, recognised)])
    rows, found = totals_apart(rows, found, recognised)
    stored = rows.select("row", *table.names[1:]).filter(~rows["row"].is_in(found["row"].unique().implode()))
    again = doubled(stored, table)
    stored = stored.filter(~pl.col("row").is_in(again["row"].implode()))
    aside = _set_aside(path, rows, pl.concat([found, again]), recognised)
    return Export(
        table=table, delivery=section.delivery,
        rows=stored.with_columns(pl.lit(client).alias("client")).select(table.names),
        quarantine=pl.concat([aside, _ragged(path, texts.ragged)]).sort("row"),
        rows_in=rows.height + texts.ragged.height, cents_in=int(rows["amount"].sum()),
        cents_unreadable=_unreadable(rows, texts.ragged, section), rows_elsewhere=elsewhere, fill=section.fill,
    )


def _texts(path: Path, recognised: Recognised) -> TextTable:
    width = len(recognised.header)
    if recognised.cells is not None:
        return below_header(recognised.cells, recognised.header_row, width)
    try:
        return read_csv(path, recognised.delimiter, recognised.section.encodings, recognised.header_row, width)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}.") from error


def _unclaimed(rows: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"row": rows}).select(
        "row", name=pl.lit("take"), rule=pl.lit("not_listed"), message=pl.lit("none of the row types that the map lists"),
    ).cast(FAULT)


def _unreadable(rows: pl.DataFrame, ragged: pl.DataFrame, section: Section) -> int:
    if not section.table.money or section.table.money[0] in section.fill:
        return 0
    return rows["amount"].null_count() + ragged.height


def _set_aside(path: Path, rows: pl.DataFrame, found: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """One row per record set aside: its first fault, and the others in the message."""
    titles = {name: recognised.title(name) for name in (*recognised.table.names, "take")}
    key = recognised.table.key[1:]
    titles[" + ".join(key)] = " + ".join(titles[name] for name in key)
    column = pl.col("name").replace(titles)
    said = pl.concat_str([column + ": ", pl.col("message")], ignore_nulls=True)
    told = found.group_by("row", maintain_order=True).agg(
        column.first().alias("column"), pl.col("rule").first(),
        said.unique(maintain_order=True).str.join("; ").alias("message"),
    )
    shown = [name for name in recognised.positions if name not in ("take", "patient")]
    cells = pl.struct([text(name, recognised).alias(name.replace("amount_by", "amount")) for name in shown])
    aside = rows.filter(rows["row"].is_in(told["row"].implode())).join(told, on="row", how="inner")
    return aside.select(
        pl.lit(path.name).alias("file"), "row", "column", "rule", "message", pl.col("amount").alias("amount_cents"),
        cells.struct.json_encode().alias("text"),
    ).cast(QUARANTINE)


def _ragged(path: Path, ragged: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None)
    return ragged.select(
        pl.lit(path.name).alias("file"), "row", nothing.alias("column"), "rule", "message", nothing.alias("amount_cents"),
        nothing.alias("text"),
    ).cast(QUARANTINE)
