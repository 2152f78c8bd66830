"""What shows only when a file is seen as a whole: the order of day and month, signs, hidden and merged cells.

A file is refused where most of what decides speaks against its map: reading it row by row would store
wrong days or signs and set the rest aside.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import polars as pl

from ...errors import SourceError
from ...tables.ids import SPREADSHEET_DIGITS
from ...tables.schema import Table
from .cells import RAISES, TIMES, Once, text, word
from .headers import Recognised
from .text_tables import FILE, MARKS, Sheet, TextTable
from .values import SERIAL, day, is_monthly, is_residue
from .visits import VISITS, refuse_contrary

FAULT: dict[Any, Any] = {"row": pl.Int64, "name": pl.String, "rule": pl.String, "message": pl.String}
NEEDS_CLAIM = ("charge", "contractual", "write_off")
"""Postings that mean nothing without a claim; money without one is unapplied, and a transfer may apply it."""
ENOUGH = 3
"""So many rows with the wrong sign, or against the map's order of day and month, are no slip of one hand."""
CONTRARY_SHARE = 0.9
LAST_DAY = dt.date(2049, 12, 31)
FAR = 9 * 366
"""A gap of so many days in a column of days is no history: a wrong year stands behind it."""
REMARKS = {
    "formula": "a formula whose result was never saved: open the workbook in Excel, save it, and deliver it again",
    "error": "an error of the spreadsheet in place of a value: correct the cell's formula",
    "digits": "a number of 16 digits or more, of which a spreadsheet keeps 15: format the column as text",
}


# --- sheets as they are seen -----------------------------------------------------------------------


def as_shown(texts: TextTable, sheet: Sheet, recognised: Recognised) -> TextTable:
    """The records of a sheet with ids as their number format shows them, and merged cells filled downward.

    Amounts and numbers stay as they are: a merged amount belongs to its rows together, not to each.
    """
    table = recognised.table
    texts_at = {place for name, places in recognised.positions.items() if _is_text(name, table) for place in places}
    whole_at = texts_at | {
        place
        for name, places in recognised.positions.items()
        if name in table.names and table.column(name).kind == "date"
        for place in places
    }
    rows = texts.rows
    for place in sorted(texts_at):
        own = sheet.marks.filter(pl.col("mark") == "shown", pl.col("place") == place)
        if own.height:
            rows = rows.with_columns(_replaced(place, dict(own.select("row", "text").rows())))
    for place, first, last in sheet.merged:
        if place in whole_at:
            inside = pl.col("row").is_between(first, last)
            value = rows.filter(inside)[str(place)].head(1)
            rows = rows.with_columns(
                pl.when(inside & pl.col(str(place)).is_null())
                .then(pl.lit(value[0] if value.len() else None))
                .otherwise(str(place))
                .alias(str(place))
            )
    return TextTable(rows, texts.ragged)


def _is_text(name: str, table: Table) -> bool:
    return name not in table.names or table.column(name).kind == "text"


def _replaced(place: int, texts: dict[int, str]) -> pl.Expr:
    return pl.col("row").replace_strict(texts, default=pl.col(str(place)), return_dtype=pl.String).alias(str(place))


def marked(rows: pl.DataFrame, recognised: Recognised) -> pl.DataFrame:
    """Faults of cells without a usable value: formulas never calculated, errors, ids of too many digits."""
    marks = recognised.book.marks if recognised.book else pl.DataFrame(schema=MARKS)
    marks = marks.filter(pl.col("mark") != "shown")
    if marks.is_empty():
        return pl.DataFrame(schema=FAULT)
    marks = marks.join(rows.select("row"), on="row", how="semi")
    found = [pl.DataFrame(schema={**MARKS, "name": pl.String})]
    for name, places in recognised.positions.items():
        ours = recognised.table.money[0] if name.startswith("amount_by") else name
        empty = text(name, recognised).is_null()
        if ours != name:
            empty = empty & word(ours).is_null()
        source = recognised.section.sources.get(name)
        lost = rows.select("row") if source and source.join is not None else rows.filter(empty).select("row")
        here = marks.filter(pl.col("place").is_in(places))
        failed = here.filter(pl.col("mark") != "digits").join(lost, on="row", how="semi")
        cut = here.filter(pl.col("mark") == "digits", pl.lit(is_id(name, recognised.table)))
        found += [part.with_columns(name=pl.lit(ours)) for part in (failed, cut)]
    rule = pl.col("mark").replace("digits", "lost_digits")
    return pl.concat(found).select("row", "name", rule.alias("rule"), pl.col("mark").replace(REMARKS).alias("message"))


def remarks(stored: pl.DataFrame, recognised: Recognised, once: Once) -> tuple[tuple[str, int, int | None, str], ...]:
    """Findings about stored rows: hidden ones, ids that a spreadsheet may have rounded, and amounts that a float had
    left beside the cent."""
    table, section = recognised.table, recognised.section
    out = []
    sheet = recognised.book or Sheet("", pl.DataFrame())
    hidden = stored.filter(pl.col("row").is_in(list(sheet.hidden_rows)))
    if hidden.height:
        message = (
            "row(s) are hidden in the sheet and were read like the others; whoever looks at the sheet does not see them"
        )
        out.append(("hidden_rows", hidden.height, _dollars(hidden, table), message))
    for name in (name for name in recognised.positions if is_id(name, table)):
        ids = _rounded_ids(stored[name])
        rounded = stored.filter(pl.col(name).is_in(ids.implode())) if ids.len() else stored.clear()
        if rounded.height:
            message = (
                f"row(s) hold ids of 16 or 17 digits in {recognised.title(name)!r}, and all of these end in zeros "
                "after 15 digits, as a spreadsheet leaves them: different ones may have become one. Format the column "
                "as text and export it again; if the ids are so by nature, nothing is wrong"
            )
            out.append(("rounded_ids", rounded.height, _dollars(rounded, table), message))
    if table.money:
        residue = is_residue(word(table.money[0]), section.decimal).fill_null(False)
        near = stored.filter(once.each(stored, table.money[0], residue))
        if near.height and not recognised.book:
            message = (
                "amount(s) lay within a thousandth of a cent of whole cents and were rounded: the residue of a float"
            )
            out.append(("float_residue", near.height, _dollars(near, table), message))
    return tuple(out)


def _dollars(rows: pl.DataFrame, table: Table) -> int | None:
    return int(rows[table.money[0]].sum()) if table.money else None


# --- ids and days ----------------------------------------------------------------------------------


def is_id(name: str, table: Table) -> bool:
    """True for a column that tells records apart: part of the key, an id, a trace number or a patient."""
    named = name.endswith("_id") or name in ("trace", "patient")
    return name in table.names and table.column(name).kind == "text" and (named or name in table.key)


def has_lost_digits(said: pl.Expr) -> pl.Expr:
    """Scientific notation as a spreadsheet writes it, or long ids that all end in zeros after 15 digits."""
    said = pl.when(said.str.contains(r"^[+-]?\d+(?:[.,]\d+)?[eE]|^\d{18}")).then(said)
    scientific = said.str.contains(r"^[+-]?\d+(?:[.,]\d+)?[eE]\+\d+$|^[+-]?\d+[.,]\d+[eE][+-]?\d+$")
    is_long = said.str.contains(r"^\d{18,}$").fill_null(False)
    is_cut = said.str.contains(r"^\d{15}0{3,}$").fill_null(False)
    return scientific.fill_null(False) | (is_cut & (is_cut.sum() == is_long.sum()))


def _rounded_ids(ids: pl.Series) -> pl.Series:
    """The ids of 16 and 17 digits, where all of them end in zeros after 15 digits and chance does not explain it.

    >>> _rounded_ids(pl.Series(["1234567890123450", "1234567890123460", "1234567890123470", "A7"])).len()
    3
    >>> _rounded_ids(pl.Series(["1234567890123450", "1234567890123460", "1234567890123471"])).len()
    0
    """
    long = ids.filter(ids.str.len_bytes().is_between(16, 17).fill_null(False))
    long = long.filter(long.str.contains(r"^\d{16,17}$")).unique()
    zeros = long.str.len_chars().cast(pl.Int64) - SPREADSHEET_DIGITS
    are_cut = long.str.contains(r"^\d{15}0{1,2}$").all() and int(zeros.sum() or 0) >= ENOUGH
    return long if are_cut else long.clear()


def is_far(value: pl.Expr, times: pl.Expr) -> pl.Expr:
    """Days behind a gap of nine years in their column, where at most half of the days lie behind it; each stands there
    so many `times`."""
    days = value.sort()
    behind = days.filter((days - days.shift(1)).dt.total_days() > FAR).max()
    is_behind = (value >= behind).fill_null(False)
    return is_behind & (2 * times.filter(is_behind).sum() <= times.filter(value.is_not_null()).sum())


# --- files whose map does not fit ------------------------------------------------------------------


def refuse_whole(path: Path, rows: pl.DataFrame, recognised: Recognised, once: Once) -> None:
    """Nothing for a file that its map reads.

    Raises
        SourceError where days are written in the other order of day and month than the map says, or
        where a kind of posting has the opposite sign throughout.
    """
    _refuse_swapped_days(path, rows, recognised, once)
    if recognised.table is VISITS:
        refuse_contrary(rows, recognised.section.negate, path.name)
    if recognised.table.name == "transactions":
        _refuse_contrary_signs(path, rows)


def _refuse_swapped_days(path: Path, rows: pl.DataFrame, recognised: Recognised, once: Once) -> None:
    patterns, turned = _orders(recognised)
    if turned == patterns:
        return
    for column in recognised.table.columns:
        if column.kind != "date" or not recognised.positions.get(column.name):
            continue
        said = word(column.name).alias("text")
        if column.name in once.read:
            texts = once.counted(rows, column.name).select(said, TIMES)
        else:
            texts = rows.group_by(said).agg(pl.len().alias(TIMES))
        ours, theirs = (day(pl.col("text"), order).is_not_null() for order in (patterns, turned))
        rows_read = [pl.col(TIMES).filter(ours & ~theirs).sum(), pl.col(TIMES).filter(theirs & ~ours).sum()]
        mine, other = texts.select(rows_read[0].alias("mine"), rows_read[1].alias("other")).row(0)
        if other > mine or (other >= ENOUGH and 4 * other >= mine):
            raise SourceError(
                f"{path.name}: the map reads {recognised.title(column.name)!r} as {patterns[0]}, but {other:,} row(s) "
                f"are days only as {turned[0]}, and {mine:,} only as the map says. Day and month stand in the "
                "other order, or are mixed, so days that fit both would be stored wrong. None of its "
                f"{rows.height:,} rows was stored; correct date_formats in the map, or ask for the file again."
            )


def _orders(recognised: Recognised) -> tuple[list[str], list[str]]:
    """How the map says that days are written, and the same with day and month in the other order."""
    patterns = [pattern for pattern in recognised.section.date_formats if pattern != SERIAL and not is_monthly(pattern)]
    return patterns, [
        re.sub("%-?[dm]", lambda part: part[0].translate({100: "m", 109: "d"}), pattern) for pattern in patterns
    ]


def _contrary_signs(rows: pl.DataFrame) -> pl.DataFrame:
    """The kinds of posting whose sign is the opposite in nearly every row, by file: contractual adjustments and
    write-offs are one."""
    sums = (
        rows.group_by(FILE, "kind", sign=pl.col("amount_cents").sign(), maintain_order=True)
        .agg(pl.len(), cents=pl.col("amount_cents").sum())
        .filter(pl.col("kind").is_in(["charge", "payment", "contractual", "write_off"]), pl.col("sign") != 0)
    )
    kind = pl.col("kind").replace("write_off", "contractual")
    return (
        sums.with_columns(kind=kind, raises=kind.replace_strict(RAISES, default=1, return_dtype=pl.Int64))
        .group_by("file", "kind", maintain_order=True)
        .agg(
            pl.col("len").sum(),
            contrary=pl.col("len").filter(pl.col("sign") != pl.col("raises")).sum(),
            cents=pl.col("cents").sum(),
        )
        .filter(pl.col("contrary") >= ENOUGH, pl.col("contrary") >= CONTRARY_SHARE * pl.col("len"))
    )


def _refuse_contrary_signs(path: Path, rows: pl.DataFrame) -> None:
    for _, name, count, contrary, cents in _contrary_signs(rows).head(1).iter_rows():
        effect = "raise" if name != "charge" else "lower"
        raise SourceError(
            f"{path.name}: {contrary:,} of {count:,} {name} row(s) would {effect} the receivable, by "
            f"{abs(cents) / 100:,.2f}: the signs are not what the map says of them, as if a sign were set twice "
            f"or not at all. None of its {rows.height:,} rows was stored. Correct sign.by in the map: kind for "
            "amounts without signs, file for amounts that are signed already, negate for those signed "
            "the other way around."
        )


def unclear(rows: pl.DataFrame, recognised: Recognised, once: Once, faulty: set[int]) -> set[int]:
    """Of files read together, those that may be refused or remarked upon as a whole, or in which one row is judged by
    the others: each of them is to be read by itself. `faulty` are those with rows set aside."""
    table, section = recognised.table, recognised.section
    patterns, turned = _orders(recognised)
    masks, checks = [], [pl.lit(False)]
    for column in table.columns[1:]:
        name = column.name
        if column.kind == "date":
            possible = pl.col(name).filter(pl.col(name).is_between(section.earliest, LAST_DAY))
            checks.append((possible.max() - possible.min()).dt.total_days() > FAR)
            if turned != patterns and recognised.positions.get(name):
                theirs = day(word(name), turned).is_not_null() & day(word(name), patterns).is_null()
                masks.append(once.each(rows, name, theirs))
        elif is_id(name, table):
            masks.append(once.each(rows, name, word(name).str.contains(r"^\d{15}0{3,}$")))
            long, cut = (pl.col(name).str.contains(digits) for digits in (r"^\d{16,17}$", r"^\d{15}0{1,2}$"))
            checks.append((cut.sum() >= 2) & ((cut.sum() == long.sum()) | FILE.first().is_in(list(faulty))))
    if table.money:
        masks.append(once.each(rows, table.money[0], is_residue(word(table.money[0]), section.decimal)))
    files = rows.select(FILE).to_series()
    found = set(rows.group_by(FILE).agg(pl.any_horizontal(*checks).alias("is")).filter("is")["file"])
    found |= {file for mask in masks if mask.any() for file in files.filter(mask.fill_null(False)).unique()}
    return found | (set(_contrary_signs(rows)["file"]) if table.name == "transactions" else set())
