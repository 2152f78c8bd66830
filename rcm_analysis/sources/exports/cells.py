"""The cells of an export under our column names: as the file says them, as they are read, and in their kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ...tables.schema import KINDS, Column
from .column_maps import Section, Source
from .headers import Recognised
from .text_tables import FILE, TextTable, code
from .values import cents, cleaned, is_residue, month, nearest_cents, read_as, splits_a_cent

TIMES = "times"
"""How often a text stands in its column, where each is looked at once."""
RAISES = {
    "charge": 1,
    "refund": 1,
    "takeback": 1,
    "transfer": 1,
    "opening": 1,
    "payment": -1,
    "contractual": -1,
    "write_off": -1,
}
"""Effect on the receivable of a magnitude, by kind of transaction. A transfer keeps the file's sign."""


def text(name: str, recognised: Recognised) -> pl.Expr:
    """What the file says for our column, stripped; null where it is empty or not in the file."""
    section, places = recognised.section, recognised.positions.get(name, ())
    if not places:
        return pl.lit(None, pl.String)
    return _combined(section.sources.get(name) or section.joined[name], places, section)


def word(name: str) -> pl.Expr:
    """What is read: the file's text after values, constants, defaults and carrying down."""
    return pl.col(f"word {name}")


@dataclass(frozen=True)
class Once:
    """The columns whose different texts are read once: by our name, the place in the file and what each text says."""

    texts: TextTable
    places: dict[str, str]
    read: dict[str, pl.DataFrame] = field(default_factory=dict)

    def each(self, rows: pl.DataFrame, name: str, value: pl.Expr) -> pl.Series:
        """An expression of one of our columns and its word, for every row."""
        if name not in self.read:
            return rows.select(value).to_series()
        return self.read[name].select(value).to_series().gather(rows[code(self.places[name])])

    def counted(self, rows: pl.DataFrame, name: str) -> pl.DataFrame:
        """What each text of a column is read as, and how many rows (`times`) say it."""
        found = self.read[name]
        times = np.bincount(rows[code(self.places[name])].to_numpy(), minlength=found.height)
        return found.with_columns(pl.Series(TIMES, times, dtype=pl.Int64))

    def spelled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with all their texts and words."""
        lacking = [name for name in self.read if f"word {name}" not in rows.columns]
        return self.texts.spelled(rows).with_columns(self.each(rows, name, word(name)) for name in lacking)


def places_once(recognised: Recognised) -> dict[str, int]:
    """Our columns whose value follows from one column of the file alone; but for an id, of which no two are alike."""
    section, table = recognised.section, recognised.table
    tied = {*section.carry, *section.carry.values(), *section.number, *section.number.values()}
    tied |= {*section.constants, *recognised.of_name, *(table.key[1:] if len(table.key) == 2 else ())}
    tied |= {"kind"} if section.amount_by else set()
    if section.content_id or table.name == "remittance_rows":
        return {}
    named = {name: places[0] for name, places in recognised.positions.items() if len(places) == 1}
    return {name: place for name, place in named.items() if name in table.names and name not in tied}


def taken(texts: TextTable, recognised: Recognised) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """The rows that are not another table's, and the numbers of those nobody claims and of those that are left."""
    take = recognised.section.take
    if take is None:
        return texts.rows, pl.Series("row", [], pl.Int64), pl.Series("row", [], pl.Int64)
    cell = text("take", recognised).str.to_lowercase().fill_null("")
    elsewhere = texts.rows.select(cell.is_in(take.leave)).to_series()
    rows = texts.rows.filter(~elsewhere)
    return rows, rows.filter(~cell.is_in(take.rows))["row"], texts.rows["row"].filter(elsewhere)


def worded(rows: pl.DataFrame, recognised: Recognised, ragged: pl.Series, once: Once) -> pl.DataFrame:
    """The rows with a `word` column for every column of the table, but for what is read `once` and is no text."""
    section = recognised.section
    for name, place in once.places.items():
        said = _translated(name, recognised).fill_null(pl.lit(section.defaults.get(name))).alias(f"word {name}")
        found = once.texts.once[place].to_frame().select(said)
        is_main = name in section.table.money[:1]
        once.read[name] = found.with_columns(_reads(section.table.column(name), recognised, is_main=is_main))
    names = [name for name in section.table.names if name != "client"]
    rows = rows.with_columns(
        once.each(rows, name, word(name)) if name in once.read else _translated(name, recognised).alias(f"word {name}")
        for name in names
        if name not in once.read or is_text(section.table.column(name))
    )
    for name, within in section.carry.items():
        rows = _carried(rows, name, within, ragged)
    if section.number:
        rows = rows.with_columns(
            pl.int_range(1, pl.len() + 1).over(FILE, word(within)).cast(pl.String).alias(f"word {name}")
            for name, within in section.number.items()
        )
    defaults = {**section.defaults, **section.constants, **recognised.of_name}
    rows = rows.with_columns(word(name).fill_null(value) for name, value in defaults.items() if name not in once.read)
    return rows.with_columns(_content_id(section).alias(f"word {section.content_id}")) if section.content_id else rows


def _content_id(section: Section) -> pl.Expr:
    """An id of what the row says, and of its place among rows that say the same."""
    says = [word(name) for name in sorted({*section.columns, *section.constants})]
    text = pl.concat_str([cell.fill_null("") for cell in says], separator=":")
    return pl.format("row:{}:{}", text, pl.int_range(1, pl.len() + 1).over(FILE, *says))


def _combined(source: Source, places: tuple[int, ...], section: Section) -> pl.Expr:
    cells = [cleaned(pl.col(str(place)), section.empty) for place in places]
    if len(cells) == 1:
        return cells[0]
    if source.adds:
        return _added(cells, section.decimal, source.less)
    if source.join is None:
        return pl.coalesce(cells)
    text = pl.concat_str(cells, separator=source.join, ignore_nulls=True)
    return pl.when(pl.any_horizontal(cell.is_not_null() for cell in cells)).then(text)


def _added(cells: list[pl.Expr], decimal: str, less: int) -> pl.Expr:
    """The sum of the amounts, the last ones taken away, as text; a cell that is no amount stands in its place, to be
    set aside as unreadable."""
    amounts = [cents(cell, decimal) for cell in cells]
    odd = [
        pl.when(cell.is_not_null() & amount.is_null()).then(cell) for cell, amount in zip(cells, amounts, strict=True)
    ]
    taken_away = len(amounts) - less
    total = pl.sum_horizontal(-each if place >= taken_away else each for place, each in enumerate(amounts))
    sign = pl.when(total < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    part = (total.abs() % 100).cast(pl.String).str.pad_start(2, "0")
    some = pl.any_horizontal(cell.is_not_null() for cell in cells)
    return pl.coalesce(*odd, pl.when(some).then(pl.format("{}{}{}{}", sign, total.abs() // 100, pl.lit(decimal), part)))


def _translated(name: str, recognised: Recognised) -> pl.Expr:
    section = recognised.section
    column = section.table.column(name)
    if section.amount_by and name == section.table.money[0]:
        return _amount(recognised)
    cell, words = text(name, recognised), section.values.get(name, {})
    lower = cell.str.to_lowercase()
    if column.values:
        return cleaned(lower.replace(words)) if words else lower
    if not words:
        return cell
    return cleaned(pl.when(lower.is_in(list(words))).then(lower.replace(words)).otherwise(cell))


def _amount(recognised: Recognised) -> pl.Expr:
    """The amount's text from the column that holds it for rows of this kind."""
    kind = text("kind", recognised).str.to_lowercase()
    chain = pl.lit(None, pl.String)
    for position, rule in enumerate(recognised.section.amount_by):
        chain = pl.when(kind.is_in(rule.when)).then(text(f"amount_by {position}", recognised)).otherwise(chain)
    return chain


def _carried(rows: pl.DataFrame, name: str, within: str, ragged: pl.Series) -> pl.DataFrame:
    """The last value above, within equal values of another column and not across a ragged row."""
    own = pl.when(word(name).is_not_null()).then(pl.col("row"))
    source = own.forward_fill().over(FILE, word(within))
    rows = rows.with_columns(word(name).forward_fill().over(FILE, word(within)), source.alias("source"))
    if ragged.len():
        before = [pl.Series(ragged.sort()).search_sorted(rows[column].fill_null(0)) for column in ("row", "source")]
        rows = rows.with_columns(pl.when(before[0] == before[1]).then(word(name)).alias(f"word {name}"))
    return rows.drop("source")


def typed(rows: pl.DataFrame, recognised: Recognised, once: Once) -> pl.DataFrame:
    """Every column of the table in its kind, null where unreadable, and `amount`: the row's dollars, or about.

    Money also gets a column `split`: amounts that are no whole cents.
    """
    section, table = recognised.section, recognised.table
    main = table.money[0] if table.money else ""
    read = [_read(rows, column, recognised, once, is_main=column.name == main) for column in table.columns[1:]]
    rows = pl.concat([rows, *read], how="horizontal").with_columns(-pl.col(name) for name in section.negate)
    if not main:
        return rows.with_columns(pl.lit(None, pl.Int64).alias("amount"))
    about, effect = pl.col("about"), _effect(recognised)
    if section.sign and section.sign.by == "kind" and not section.amount_by:
        rows = rows.with_columns(once.each(rows, "kind", effect.alias("effect")))
        effect = pl.col("effect")
    if main in section.negate:
        return rows.with_columns(pl.coalesce(main, -about).alias("amount")).drop("about")
    main_effect, amount = pl.col(main) * effect, pl.coalesce(main, about) * effect
    return rows.with_columns(main_effect.alias(main), amount.alias("amount")).drop("about")


def is_text(column: Column) -> bool:
    """True for a column that is stored as it is said."""
    return column.kind == "text" and column.name != "month"


def _read(rows: pl.DataFrame, column: Column, recognised: Recognised, once: Once, *, is_main: bool) -> pl.DataFrame:
    """One column as it is read, each different text once: a month has few days, and a fee schedule few amounts."""
    reads, name = _reads(column, recognised, is_main=is_main), column.name
    if is_text(column):
        return rows.select(reads)
    if name in once.read:
        wanted = [name, *(["about"] if is_main else [])]
        return pl.DataFrame([once.each(rows, name, pl.col(each)) for each in wanted])
    texts = rows.select(word(name))
    different = texts.unique(maintain_order=True)
    if 2 * different.height > texts.height:
        return texts.select(reads)
    found = texts.join(
        different.with_columns(reads), on=texts.columns, how="left", maintain_order="left", nulls_equal=True
    )
    return found.drop(texts.columns)


def _reads(column: Column, recognised: Recognised, *, is_main: bool) -> list[pl.Expr]:
    """A column by its word: its value, and of money whether it splits a cent."""
    section, said = recognised.section, word(column.name)
    zero = recognised.book.day_zero if recognised.book else None
    formats, decimal = section.date_formats, section.decimal
    if is_text(column):
        return [said.alias(column.name)]
    if column.kind == "text":
        reads = [month(said, formats, zero=zero).alias(column.name)]
    else:
        read = read_as(column.kind, said, formats=formats, zero=zero, decimal=decimal)
        reads = [read.cast(KINDS[column.kind]).alias(column.name)]
    if column.kind == "cents":
        reads.append((splits_a_cent(said, decimal) & ~is_residue(said, decimal)).alias(f"split {column.name}"))
        reads += [nearest_cents(said, decimal).alias("about")] if is_main else []
    return reads


def broken(rows: pl.DataFrame, name: str, rules: Sequence[pl.Expr], once: Once) -> list[pl.Series | None]:
    """For each rule of a column the rows that break it, or nothing; rules may weigh by `TIMES`."""
    texts = rows.with_columns(pl.lit(1).alias(TIMES))
    if name in once.read:
        texts = once.counted(rows, name)
        texts = texts.with_columns(pl.when(pl.col(TIMES) > 0).then(pl.exclude(TIMES)))
    masks = texts.select(rule.fill_null(False).alias(str(number)) for number, rule in enumerate(rules))
    if name in once.read:
        codes = rows[code(once.places[name])]
        masks = masks.select(pl.all() & (texts[TIMES] > 0))
        return [mask.gather(codes) if mask.any() else None for mask in masks]
    return [mask if mask.any() else None for mask in masks]


def _effect(recognised: Recognised) -> pl.Expr:
    """+1 or -1: what a positive amount of the file does to the receivable."""
    section = recognised.section
    by = section.sign.by if section.sign else "file"
    effect = pl.lit(-1 if by == "negate" else 1, pl.Int64)
    if by == "kind":
        effect = word("kind").replace_strict(RAISES, default=1, return_dtype=pl.Int64)
    for rule in section.amount_by:
        if rule.sign:
            here = text("kind", recognised).str.to_lowercase().is_in(rule.when).fill_null(False)
            effect = pl.when(here).then(1 if rule.sign == "+" else -1).otherwise(effect)
    return effect.cast(pl.Int64)
