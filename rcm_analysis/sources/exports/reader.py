"""Practice-management exports (CSV, XLSX) through a column map into checked rows and a quarantine.

No row is lost: every record of the file is stored, or quarantined with file, row, column and rule,
or (with `take`) belongs to another table of the same file. Rows and dollars are counted on the way
in and again on the way out, and a difference is an error of ours. Messages hold no cell value.

| rule | the row is quarantined because |
|---|---|
| `fields` | it does not have the header's number of fields |
| `total_line` | it is a total or subtotal line (its amount is not counted in) |
| `header_again` | it repeats the headings, as reports of several pages do |
| `stray_quote` | one quoted cell holds line breaks and as many separators as a whole row |
| `missing` | a required value is empty |
| `unreadable` | a date, amount, number, flag or the value of a policy's rule cannot be read |
| `part_of_a_cent` | an amount has more than two decimals, and not by the residue of a float |
| `formula`, `error` | a cell of the workbook holds a formula whose result was never saved, or an error |
| `lost_digits` | an id as a spreadsheet shortens it: 1.23457E+15, or a number of 16 digits and more |
| `no_claim` | a charge or adjustment names no claim (money without one is unapplied) |
| `not_listed` | the value is none that the map or the table knows |
| `impossible_date` | the day lies before `earliest` of the map, or after 2049 |
| `far_day` | the day lies decades after all others of its column |
| `before_service` | entered before the day of service |
| `negative_charge` | the charge of a claim or claim line is below zero |
| `duplicate_key` | an earlier good row has the same key |

What is wrong with a file as a whole refuses it (`whole_file`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from ...errors import SourceError, listed
from ...tables.schema import Column, Table
from ...tables.schema_services import POLICY_FORMS, TIME
from .aging import AGING_REPORT, total_lines
from .cells import TIMES, Once, broken, places_once, taken, text, typed, word, worded
from .column_maps import Section, read_map
from .headers import Recognised, recognise
from .joins import KEY
from .remittance_rows import REMITTANCE_ROWS
from .strangers import refuse_strangers
from .text_tables import FILE, MOST_ROWS, TOTAL, TextTable, below_header, code, read_csv
from .values import SERIAL, cents
from .visits import VISITS, without_day
from .whole_file import (
    FAULT,
    LAST_DAY,
    NEEDS_CLAIM,
    as_shown,
    has_lost_digits,
    is_far,
    is_id,
    marked,
    refuse_whole,
    remarks,
)

__all__ = ["Export", "Recognised", "read_export", "read_map", "recognise", "refuse_strangers"]

QUARANTINE: dict[Any, Any] = {
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "message": pl.String,
    "amount_cents": pl.Int64,
    "text": pl.String,
    "known_on": pl.Date,
}


@dataclass(frozen=True)
class Export:
    """The rows of one table that a file holds, and those that were set aside.

    `cents_in` is the sum of the table's first money column over all rows, as effect on the
    receivable for transactions; `cents_unreadable` counts the rows whose amount is not in it.
    `rows_elsewhere` counts rows that the map gives to another table. `remarks` are findings about
    rows that were stored: rule, how many, dollars, message.
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
    remarks: tuple[tuple[str, int, int | None, str], ...] = ()

    def __post_init__(self) -> None:
        money = self.table.money[:1]
        cents_out = sum(int(self.rows[name].sum()) for name in money) + int(self.quarantine["amount_cents"].sum())
        rows_out = self.rows.height + self.quarantine.height
        if (rows_out, cents_out) != (self.rows_in, self.cents_in):
            raise AssertionError(
                f"{self.table.name}: {self.rows_in} rows and {self.cents_in} cents in, {rows_out} rows and "
                f"{cents_out} cents out"
            )


def read_export(path: Path, recognised: Recognised, *, client: str) -> Export:
    """The rows of one table, checked and typed; whatever cannot be stored goes to quarantine.

    Returns
        Export; `rows` has the columns of the table in order, `client` filled in and `patient` as it
        stands in the file. `quarantine` has one row per record set aside; `text` holds its mapped
        cells as JSON without the patient, and is empty for ragged records.
    """
    read = read_rows(_joined(_texts(Path(path), recognised), recognised), recognised)
    refuse_whole(Path(path), read.rows, recognised, read.once)
    return finished(Path(path), read, all_faults(read, recognised), recognised, client=client)


@dataclass(frozen=True)
class Read:
    """Rows in their kinds, the numbers of those that nobody claims and of those of other tables, and ragged records."""

    rows: pl.DataFrame
    once: Once
    unclaimed: pl.Series
    elsewhere: pl.Series

    @property
    def ragged(self) -> pl.DataFrame:
        return self.once.texts.ragged


def read_rows(texts: TextTable, recognised: Recognised) -> Read:
    """The rows of the table, every cell in its kind."""
    rows, unclaimed, elsewhere = taken(texts, recognised)
    once = Once(
        texts, {name: place for name, at in places_once(recognised).items() if (place := str(at)) in texts.once}
    )
    rows = typed(worded(rows, recognised, texts.ragged["row"], once), recognised, once)
    return Read(rows, once, unclaimed, elsewhere)


def all_faults(read: Read, recognised: Recognised) -> pl.DataFrame:
    """Every fault of every row, but for keys that stand twice."""
    unsaved = marked(read.rows, recognised)
    other = faults(read.rows, recognised, read.once)
    other = other.join(unsaved, on=["row", "name"], how="anti", maintain_order="left") if unsaved.height else other
    return pl.concat([_unclaimed(read.unclaimed), unsaved, other, swallowed(read.rows, recognised, read.once.texts)])


def parted(read: Read, found: pl.DataFrame, recognised: Recognised) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """All rows with their dollars, those to be stored, and those set aside."""
    table, once = recognised.table, read.once
    rows, found = totals_apart(read.rows, found, recognised, once)
    kept = [code(once.places[name]) if name in once.read else f"word {name}" for name in table.money[:1]]
    stored = rows.select("row", *table.names[1:], *kept)
    stored = stored.filter(~rows["row"].is_in(found["row"].unique().implode())) if found.height else stored
    again = doubled(stored, table)
    stored = stored.filter(~pl.col("row").is_in(again["row"].implode())) if again.height else stored
    found = pl.concat([found, again])
    aside = rows.filter(rows["row"].is_in(found["row"].unique().implode())) if found.height else rows.clear()
    return rows, stored, _set_aside(once.spelled(aside), found, recognised)


def finished(path: Path, read: Read, found: pl.DataFrame, recognised: Recognised, *, client: str) -> Export:
    """The rows without fault, and the others set aside."""
    section, table, ragged_rows = recognised.section, recognised.table, read.ragged
    rows, stored, aside = parted(read, found, recognised)
    ragged = _ragged(ragged_rows, section)
    aside = dated(path, pl.concat([aside, ragged]), stored, table)
    return Export(
        table=table,
        delivery=section.delivery,
        rows=stored.with_columns(pl.lit(client).alias("client")).select(table.names),
        quarantine=aside.sort("row"),
        rows_in=rows.height + ragged_rows.height,
        cents_in=int(rows["amount"].sum()) + int(ragged["amount_cents"].sum()),
        cents_unreadable=_unreadable(rows, ragged_rows, section),
        rows_elsewhere=read.elsewhere.len(),
        fill=section.fill,
        remarks=remarks(stored, recognised, read.once),
    )


def _texts(path: Path, recognised: Recognised) -> TextTable:
    width = recognised.width
    book = recognised.book
    if book is not None:
        return as_shown(below_header(book, recognised.header_row, width), book, recognised)
    encodings = recognised.section.encodings
    once = columns_once(recognised)
    try:
        return read_csv(path, recognised.delimiter or ",", encodings, recognised.header_row, width, once)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}.") from error


def columns_once(recognised: Recognised) -> set[int]:
    """The columns of the file of which each different text may be read once."""
    simple = places_once(recognised)
    used = [place for name, places in recognised.positions.items() if name not in simple for place in places]
    return set(range(recognised.width)).difference(used)


def _joined(texts: TextTable, recognised: Recognised) -> TextTable:
    """The rows with what other files of the delivery say under their keys."""
    rows = texts.rows
    for number, frame in enumerate(recognised.joined):
        rows = rows.with_columns(text(f"join {number}", recognised).alias(JOINED))
        rows = rows.join(frame, left_on=JOINED, right_on=KEY, how="left", maintain_order="left").drop(JOINED)
    return replace(texts, rows=rows)


def _unclaimed(rows: pl.Series) -> pl.DataFrame:
    return (
        pl.DataFrame({"row": rows})
        .select(
            "row",
            name=pl.lit("take"),
            rule=pl.lit("not_listed"),
            message=pl.lit("none of the row types that the map lists"),
        )
        .cast(FAULT)
    )


def _unreadable(rows: pl.DataFrame, ragged: pl.DataFrame, section: Section) -> int:
    if not section.table.money or section.table.money[0] in section.fill:
        return 0
    return rows["amount"].null_count() + ragged.height


def _set_aside(rows: pl.DataFrame, found: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """One row per record set aside: its first fault, and the others in the message."""
    titles = {name: recognised.title(name) for name in (*recognised.table.names, "take")}
    key = recognised.table.key[1:]
    titles[" + ".join(key)] = " + ".join(titles[name] for name in key)
    column = pl.col("name").replace(titles)
    said = pl.concat_str([column + ": ", pl.col("message")], ignore_nulls=True)
    told = found.group_by("row", maintain_order=True).agg(
        column.first().alias("told column"),
        pl.col("rule").first().alias("told rule"),
        said.unique(maintain_order=True).str.join("; ").alias("told message"),
    )
    shown = [name for name in recognised.positions if name not in ("take", "patient")]
    cells = pl.struct([text(name, recognised).alias(name.replace("amount_by", "amount")) for name in shown])
    aside = rows.join(told, on="row", how="inner")
    return aside.select(
        pl.lit("").alias("file"),
        "row",
        *[pl.col(f"told {name}").alias(name) for name in ("column", "rule", "message")],
        pl.col("amount").alias("amount_cents"),
        cells.struct.json_encode().alias("text"),
        (pl.col(recognised.table.known_on) if recognised.table.known_on else pl.lit(None)).alias("known_on"),
    ).cast(QUARANTINE)


def dated(path: Path, aside: pl.DataFrame, stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows set aside with the name of their file, and the day on which they became known: their own within the days of
    the file, else its last."""
    aside = aside.with_columns(file=pl.lit(path.name))
    if not table.known_on or stored.is_empty():
        return aside.with_columns(known_on=pl.lit(None, pl.Date))
    first, last = stored[table.known_on].min(), stored[table.known_on].max()
    own = pl.when(pl.col("known_on").is_between(first, last)).then("known_on")
    return aside.with_columns(known_on=own.fill_null(last))


def _ragged(ragged: pl.DataFrame, section: Section) -> pl.DataFrame:
    nothing = pl.lit(None)
    has_money = bool(section.table.money) and section.table.money[0] not in section.fill
    return ragged.select(
        pl.lit("").alias("file"),
        "row",
        nothing.alias("column"),
        "rule",
        "message",
        (cents(pl.col("amount"), section.decimal) if has_money else nothing).alias("amount_cents"),
        nothing.alias("text"),
        nothing.alias("known_on"),
    ).cast(QUARANTINE)


JOINED = "joined by"
SUMMED = dict.fromkeys(
    ("deposits", "remit_claims"), "; a section [remittance_rows] adds the rows of one check or claim"
)


def faults(rows: pl.DataFrame, recognised: Recognised, once: Once) -> pl.DataFrame:
    """Every broken rule of every row; all masks in one pass, rows only where something is wrong."""
    rules: list[tuple[str, str, str, pl.Expr]] = []
    masks: list[pl.Series | None] = []
    for column in recognised.table.columns[1:]:
        rules += (of_column := _column_rules(column, recognised))
        masks += broken(rows, column.name, [mask for *_, mask in of_column], once)
    rules += (of_table := _table_rules(recognised))
    masks += broken(rows, "", [mask for *_, mask in of_table], once)
    found = [pl.DataFrame(schema=FAULT)]
    for (name, rule, message, _), mask in zip(rules, masks, strict=True):
        if mask is not None:
            bad = rows.select("row").filter(mask)
            found.append(bad.with_columns(name=pl.lit(name), rule=pl.lit(rule), message=pl.lit(message)))
    return pl.concat(found)


def _column_rules(column: Column, recognised: Recognised) -> list[tuple[str, str, str, pl.Expr]]:
    section, name = recognised.section, column.name
    said, value = word(name), pl.col(name)
    out = []
    if not column.empty and name not in section.fill:
        out.append((name, "missing", "empty, and a value is required", said.is_null()))
    unreadable = said.is_not_null() & value.is_null()
    if column.kind == "cents":
        split = pl.col(f"split {name}")
        out.append((name, "part_of_a_cent", "an amount with more than two decimals", split))
        example = "1,234.50 or (12.00)" if section.decimal == "." else "1.234,50 or (12,00)"
        out.append((name, "unreadable", f"not an amount such as {example}", unreadable & ~split))
    elif column.kind == "date":
        out.append((name, "unreadable", f"not a date such as {_example(section.date_formats)}", unreadable))
        if not name.startswith("effective_"):
            possible = value.is_between(section.earliest, LAST_DAY)
            out.append(
                (name, "impossible_date", f"earlier than {section.earliest} or later than {LAST_DAY}", ~possible)
            )
            out.append(
                (
                    name,
                    "far_day",
                    "decades after all other days of the column",
                    is_far(pl.when(possible).then(value), pl.col(TIMES)),
                )
            )
    elif name == "month" or column.kind != "text":
        what = {"count": "a whole number", "number": "a number", "flag": "yes or no"}.get(
            column.kind, "a month such as 2026-10"
        )
        out.append((name, "unreadable", f"not {what}", unreadable))
    if name == "local_time":
        out.append((name, "unreadable", f"not {TIME[1]}", ~value.str.contains(f"^(?:{TIME[0]})$")))
    if is_id(name, recognised.table):
        message = "an id as a spreadsheet shortens it; format the column as text and export it again"
        out.append((name, "lost_digits", message, has_lost_digits(said)))
    if column.values:
        out.append(
            (
                name,
                "not_listed",
                f"not one of {listed(column.values)}, nor listed under values in the map",
                ~value.is_in(list(column.values)),
            )
        )
    return out


def _example(formats: Sequence[str]) -> str:
    pattern = next((pattern for pattern in formats if pattern != SERIAL), "%Y-%m-%d")
    return dt.date(2026, 3, 31).strftime(pattern)


def _table_rules(recognised: Recognised) -> list[tuple[str, str, str, pl.Expr]]:
    table = recognised.table
    out = []
    if {"entered_on", "service_on"} <= set(table.names):
        out.append(
            (
                "entered_on",
                "before_service",
                "entered before the day of service",
                pl.col("entered_on") < pl.col("service_on"),
            )
        )
    if table.name == "transactions":
        needs = pl.col("kind").is_in(NEEDS_CLAIM) & pl.col("claim_id").is_null()
        out.append(("claim_id", "no_claim", "a charge or adjustment must name its claim", needs))
    if table is VISITS:
        is_named = "patient" if recognised.section.one_row_per == "visit" else "claim_id"
        nobody = pl.col("claim_id").is_null() & pl.col(is_named).is_null()
        out.append(("claim_id", "missing", f"no claim number{' and no patient' * (is_named == 'patient')}", nobody))
        out.append(("paid_on", "missing", "a payment without any day", without_day()))
    if table is REMITTANCE_ROWS:
        for name in ("charge_cents", "paid_cents"):
            none = pl.all_horizontal(word(name).is_null(), word(f"claim_{name}").is_null())
            out.append((name, "missing", "empty, and a value is required", none))
        out.append(
            (
                "paid_on",
                "missing",
                "a payment without any day",
                pl.all_horizontal(word("paid_on").is_null(), word("received_on").is_null()),
            )
        )
    named = [word(name) for name in ("payer", "patient") if name in recognised.positions]
    if table is AGING_REPORT and named:
        out.append(("payer", "total_line", "a total line, not a row of data", total_lines(named)))
        out.append(("payer", "missing", "neither payer nor patient", pl.all_horizontal(e.is_null() for e in named)))
    if table.name in ("claims", "claim_lines", "visits") and "charge_cents" not in recognised.section.negate:
        out.append(("charge_cents", "negative_charge", "a charge below zero", pl.col("charge_cents") < 0))
    if table.name == "self_pay_policies":
        out += [_policy_rule(rule, *form) for rule, form in POLICY_FORMS.items()]
    return out


def _policy_rule(rule: str, pattern: str, meaning: str) -> tuple[str, str, str, pl.Expr]:
    unlike = (pl.col("rule") == rule) & ~pl.col("value").str.contains(f"^(?:{pattern})$")
    return "value", "unreadable", f"not {meaning}, as the rule {rule} needs", unlike


def swallowed(rows: pl.DataFrame, recognised: Recognised, texts: TextTable) -> pl.DataFrame:
    """Rows of which one cell holds line breaks and as many separators as a whole row."""
    separators = len(recognised.header) - 1
    if recognised.delimiter is None or separators < 2:
        return pl.DataFrame(schema=FAULT)
    suspects = pl.Series([False])
    for place in map(str, range(separators + 1)):
        found = (rows[place] if place in rows.columns else texts.once[place]).str.contains("\n", literal=True)
        if found.any():
            suspects = suspects | (found if place in rows.columns else found.gather(rows[code(place)]))
    if not suspects.any():
        return pl.DataFrame(schema=FAULT)
    rows = texts.spelled(rows.filter(suspects))
    cells = [pl.col(str(place)) for place in range(separators + 1)]
    full = pl.any_horizontal(cell.str.count_matches(recognised.delimiter, literal=True) >= separators for cell in cells)
    message = "one quoted cell holds line breaks and a whole row's separators; a stray quote probably swallowed rows"
    return rows.filter(full).select(
        "row", name=pl.lit(None, pl.String), rule=pl.lit("stray_quote"), message=pl.lit(message)
    )


def totals_apart(
    rows: pl.DataFrame, found: pl.DataFrame, recognised: Recognised, once: Once
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Broken rows that open with "Total", or repeat the headings: one fault in place of many, and no dollars."""
    if found.is_empty():
        return rows, found
    table = recognised.table
    faulty = once.spelled(rows.filter(rows["row"].is_in(found["row"].unique().implode())))
    opens = pl.any_horizontal(pl.col(str(place)).str.contains(TOTAL) for place in range(len(recognised.header)))
    needed = [name for name in table.key if name != "client"]
    needed += [column.name for column in table.columns if column.kind == "date" and not column.empty]
    if not needed:
        needed = [column.name for column in table.columns[1:] if column.kind == "text" and not column.empty]
    lacking = pl.any_horizontal(pl.col(name).is_null() | word(name).str.contains(TOTAL) for name in needed)
    totals = faulty.filter(opens.fill_null(False) & lacking.fill_null(True))["row"]
    heads = [(str(place), head.strip()) for place, head in enumerate(recognised.header) if head.strip()]
    heading = pl.all_horizontal(pl.col(place).str.strip_chars() == head for place, head in heads)
    for there, rule, message in (
        (totals, "total_line", "a total line, not a row of data"),
        (faulty.filter(heading.fill_null(False))["row"], "header_again", "the headings again, not a row of data"),
    ):
        if there.len():
            here = pl.col("row").is_in(there.implode())
            lines = pl.DataFrame({"row": there}).select(
                "row", name=pl.lit(None, pl.String), rule=pl.lit(rule), message=pl.lit(message)
            )
            rows = rows.with_columns(pl.when(~here).then(pl.col("amount")).alias("amount"))
            found = pl.concat([found.filter(~here), lines])
    return rows, found


def doubled(stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows whose key an earlier row holds, among rows that are otherwise good."""
    key = [name for name in table.key if name != "client"]
    within = [FILE, *map(pl.col, key)] if key and (stored["row"] >= MOST_ROWS).any() else [*map(pl.col, key)]
    if not key or stored.select(pl.struct(within).hash().n_unique()).item() == stored.height:
        return pl.DataFrame(schema=FAULT)
    first = within[0].is_first_distinct() if len(within) == 1 else pl.struct(within).is_first_distinct()
    return stored.filter(~first).select(
        "row",
        name=pl.lit(" + ".join(key)),
        rule=pl.lit("duplicate_key"),
        message=pl.lit("an earlier row has the same key" + SUMMED.get(table.name, "")),
    )
