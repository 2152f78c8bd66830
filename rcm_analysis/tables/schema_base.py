"""What a table is: columns with kinds and units, a key, and the days on which rows and values became known."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

KINDS = {
    "text": pl.String,
    "date": pl.Date,
    "cents": pl.Int64,
    "count": pl.Int64,
    "number": pl.Float64,
    "flag": pl.Boolean,
}
CHANNELS = ("phone", "text", "email", "mail", "portal", "in_person")
"""How patients and members are reached."""
EDIT_STAGES = ("scrubber", "clearinghouse", "payer")
EDIT_RESULTS = ("passed", "failed", "pending")
"""Who checks a claim before adjudication, and what came of it."""


@dataclass(frozen=True)
class Column:
    """One column: `kind` is a key of `KINDS`; `empty` says whether a value may be missing."""

    name: str
    kind: str
    note: str
    empty: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: what a row is, what makes it unique, and the day on which a row became known.

    `later` names what became known after the row itself: pairs of a date column and the columns that
    nobody knew before that date. A row replayed as of an earlier day shows all of them empty.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    known_on: str = ""
    later: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        assert set(self.key) <= set(self.names), self.name
        hidden = {name for day, names in self.later for name in (day, *names)}
        assert all(self.column(name).empty for name in hidden), self.name

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def polars(self) -> dict[str, type[pl.DataType]]:
        return {column.name: KINDS[column.kind] for column in self.columns}

    @property
    def money(self) -> list[str]:
        return [column.name for column in self.columns if column.kind == "cents"]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def empty(self) -> pl.DataFrame:
        """The table with its columns and no rows."""
        return pl.DataFrame(schema=self.polars)


def columns(*specs: tuple) -> tuple[Column, ...]:
    """The columns of a client's table: `client`, then the ones given as (name, kind, note, empty, values)."""
    client = Column("client", "text", "client id, as in the registry")
    return (client, *(Column(*spec) for spec in specs))
