"""Answers at the bench: pandas frames that say what they are, and draw, export and query themselves.

The values stay numbers (cents, rates from 0 to 1), so that everything pandas can do goes on working; what is seen in a
notebook, and printed by the press, is a table in dollars and percent with title, day, unit and total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ..blocks.plain import slug
from ..blocks.vocabulary import Block, Glossary, Meta, Table
from ..errors import ParameterError, RcmError, closest, listed
from ..exhibits import blocks, figures, formats
from ..exhibits.tables import Shown, show, with_total
from .queries import DOLLARS, ask

ROWS_SEEN = 40
"""Rows of a long answer that are seen and printed; all of them are in the workbook."""
MOST_BARS, MOST_LINES = 15, 4
HEADINGS = {
    "ar_cents": "Receivable",
    "payer": "Payer",
    "claim_id": "Claim",
    "days_in_ar": "Days in AR",
    "npi": "NPI",
    "carc": "CARC",
}
WORDED = ("category", "reason", "kind", "state", "status", "party", "action", "fault", "owed_to", "age")
"""Columns whose values are names of ours, printed in words."""
UNIT_WORDS = {"usd": "US dollars", "rate": "percent", "days": "days", "count": "a count"}


class Words(str):
    """A text that a notebook shows as it reads, and not as Python writes it."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class About:
    """What an answer is about.

    value        the column that holds the headline number
    units        units of columns whose name does not tell them
    names        ids as printed, by column: {"payer": {"acme": "Acme Health"}}
    headings     headings of columns, and of their endings: {"_then": "July 2026"}
    total        the row of the whole, or None where the rows have none
    terms        the definition, on demand
    tables       what `.sql` may ask beside the answer itself
    meta         title, client, period, day and firm, for a workbook
    """

    title: str
    where: str = ""
    value: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)
    total: Callable[[], Mapping[str, Any] | None] = lambda: None
    terms: Glossary | None = None
    tables: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    opening: Callable[[], None] = lambda: None


class Result(pd.DataFrame):
    """An answer: a pandas frame that shows itself in words, and whose parts are plain pandas frames."""

    _metadata = ["about"]
    about: About

    def __init__(self, frame: pd.DataFrame, about: About) -> None:
        super().__init__(frame)
        self.about = about

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    @property
    def definition(self) -> Words:
        """What the number is: formula, what counts, date basis, source."""
        terms = self.about.terms.items if self.about.terms else ()
        return Words("\n\n".join(f"{one.title} ({one.unit}). {one.formula} Source: {one.source}" for one in terms))

    @property
    def total(self) -> Mapping[str, Any] | None:
        """The number of the whole, by column; None where the rows are not parts of one."""
        return self.about.total()

    def unit_of(self, column: str) -> str:
        """The unit of a column: usd (from cents), rate, days, count, date, month, flag, text or number."""
        if str(column).endswith(DOLLARS):
            return "usd"
        return formats.unit_of(str(column), self[column], self.about.units)

    def _in_cents(self) -> pd.DataFrame:
        """The values as tables take them: dollars that SQL gave as cents again, lists and records as text."""
        frame = pd.DataFrame(self)
        dollars = {str(name): (self[name] * 100).round() for name in self.columns if str(name).endswith(DOLLARS)}
        objects = {str(name): one.map(_one_value) for name, one in frame.items() if one.dtype == object}
        return frame.assign(**objects, **dollars)

    def first(self, column: str) -> Any:
        """The value of a column in the first row; nothing ("") where there are no rows."""
        return self[self._named(column)].iloc[0] if len(self) else ""

    def largest(self, column: str, amount: str) -> Any:
        """The value of a column in the row with the largest amount; nothing ("") where there are no rows."""
        known = self[self._named(amount)].dropna()
        return self.loc[known.idxmax(), self._named(column)] if len(known) else ""

    def _named(self, column: str) -> str:
        if column not in self.columns:
            there = list(map(str, self.columns))
            raise ParameterError(
                f"This answer has no column {column!r}. It has: {listed(there, 30)}.{closest(str(column), there)}"
            )
        return column

    # ------------------------------------------------------------ seen
    def block(self) -> Table:
        """The answer as a table of a report: all rows, with the total where there is one."""
        frame, total = self._in_cents(), self.total
        emphasis: list[int] = []
        keys = [name for name in frame.columns if self.unit_of(name) in ("text", "month", "date", "flag")]
        if total is not None and len(frame) > 1 and keys:
            frame, emphasis = with_total(frame, str(keys[0]), [], values=total)
        return show(
            frame.rename(columns=str),
            [
                Shown(str(name), heading(str(name), self.about.headings), self.unit_of(name), self._texts(str(name)))
                for name in self.columns
            ],
            name=slug(self.about.title, "answer")[:40],
            title=self.about.title,
            definition=self._said(),
            notes=self.about.notes,
            emphasis=emphasis,
        )

    def _texts(self, column: str) -> dict[str, str]:
        """The values of a column as printed, where they are names of ours."""
        known = self.about.names.get(column)
        if known is not None:
            return dict(known)
        return {code: formats.words_of(code) for code in self[column].dropna().unique()} if column in WORDED else {}

    def blocks(self) -> list[Block]:
        """What a notebook shows and the press prints: the table, or of a long one its first rows and the whole for the
        workbook."""
        table = self.block()
        if len(table.rows) <= ROWS_SEEN + len(table.emphasis):
            return [table]
        kept = [*range(ROWS_SEEN), *table.emphasis]
        text = table.text or table.rows
        seen = replace(
            table,
            rows=tuple(table.rows[row] for row in kept),
            text=tuple(text[row] for row in kept),
            emphasis=tuple(range(ROWS_SEEN, len(kept))),
            notes=(f"And {len(self) - ROWS_SEEN:,} rows more, in the workbook.", *table.notes),
            name=f"{table.name[:32]}_in_brief",
        )
        return [seen, replace(table, print=False)]

    def _said(self) -> str:
        unit = UNIT_WORDS.get(self.unit_of(self.about.value), "") if self.about.value in self.columns else ""
        return ". ".join(filter(None, [self.about.where, formats.sentence(unit)])) + "."

    def _ipython_display_(self) -> None:
        self.about.opening()
        seen, *whole = self.blocks()
        blocks.emit(seen)
        for table in whole:
            blocks.emit_unseen(table)

    def __repr__(self) -> str:
        frame = self._in_cents()
        known = {name: frame[name].replace(dict(ids)) for name, ids in self.about.names.items() if name in frame}
        text = formats.readable(frame.assign(**known), self._units()).to_string(max_rows=ROWS_SEEN, index=False)
        return "\n".join(filter(None, [self.about.title, self.about.where, text]))

    def _units(self) -> dict[str, str]:
        return {str(name): self.unit_of(name) for name in self.columns}

    # ------------------------------------------------------------ drawn, exported, asked
    @property
    def plot(self) -> Chart:
        """`result.plot()` draws it in the house style: months as lines, groups as bars. With `ax=` into your own axes;
        with pandas' own words (`kind=`, `x=`, `.bar()`) as pandas draws it."""
        return Chart(self)

    def to_excel(self, excel_writer: Any, *args: Any, **more: Any) -> None:
        """Write a workbook with typed cells (dollars, percent, days), the total and the definition.

        With pandas' own arguments, or a writer of pandas, it is pandas that writes.
        """
        if args or more or not isinstance(excel_writer, (str, Path)):
            super().to_excel(excel_writer, *args, **more)
            return
        from ..press.writers.workbook import Section, write_workbook

        terms = self.about.terms.items if self.about.terms else ()
        section = Section(self.about.title, (self.block(),), terms)
        path = Path(excel_writer)
        if path.suffix.lower() != ".xlsx":
            raise ParameterError(f"The name of a workbook ends in .xlsx; found {path.name!r}. Nothing was written.")
        try:
            write_workbook([section], path, meta=Meta(self.about.title, **self.about.meta))
        except OSError as error:
            raise RcmError(
                f"{path} cannot be written: {error.strerror}. Does its folder exist, and is it closed in Excel?"
            ) from None

    def sql(self, query: str) -> Result:
        """Ask the answer, called `result`, and all tables of its report with DuckDB.

        Every column of cents has a twin in dollars: `ar_cents`, `ar_dollars`.
        """
        found = ask(query, {**dict(self.about.tables), "result": pd.DataFrame(self)})
        return Result(found, replace(self.about, title=f"{self.about.title}, as asked", value="", total=lambda: None))


def _one_value(value: Any) -> Any:
    """A value of a cell; a list or a record, as SQL may give them, as its text."""
    return value if pd.api.types.is_scalar(value) else str(getattr(value, "tolist", lambda: value)())


def heading(column: str, known: Mapping[str, str] | None = None) -> str:
    """A column in words; `known` are its own, and those of its ending.

    >>> heading("ar_cents"), heading("denied_cents_now", {"_now": "October 2026"}), heading("short_share")
    ('Receivable', 'Denied, October 2026', 'Short share')
    """
    given = {**HEADINGS, **(known or {})}
    for end in ("_then", "_now"):
        if column.endswith(end):
            return f"{heading(column.removesuffix(end), known)}, {given.get(end, end[1:])}"
    bare = column.removesuffix("_cents").removesuffix("_dollars").replace("_", " ")
    return given.get(column) or formats.sentence(bare)


class Chart:
    """How an answer is drawn: called, in the house style; everything else is pandas' own plotting."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def __call__(self, *args: Any, ax: Axes | None = None, **more: Any) -> Any:
        if args or more:
            return pd.DataFrame(self._result).plot(*args, ax=ax, **more)
        return drawn(self._result, ax)

    def __getattr__(self, name: str) -> Any:
        return getattr(pd.DataFrame(self._result).plot, name)


def drawn(result: Result, ax: Axes | None = None) -> Any:
    """The chart of an answer: a block that shows itself, or the axes given."""
    value = result.about.value
    if value not in result.columns or result[value].isna().all() or not len(result):
        return figures.nothing_to_draw(f"{result.about.title}: nothing to draw.")
    draw = _months if "month" in result.columns else _bars
    axes, finding = draw(result, ax or figures.new_axes(2.6), value, result.unit_of(value))
    if ax is not None:
        return axes
    return figures.figure_block(
        axes,
        name=slug(result.about.title, "chart")[:40],
        title=result.about.title,
        alt=f"{'Lines by month' if 'month' in result.columns else 'Bars'}: {result.about.title}. {finding}",
        finding=finding,
        table=result.block() if len(result) <= ROWS_SEEN else None,
    )


def _months(result: Result, axes: Axes, value: str, unit: str) -> tuple[Axes, str]:
    keys = _keys(result, without=("month",))
    frame = pd.DataFrame(result)
    labels = pd.Series(" · ".join(words) for words in _labels(result, keys)) if keys else pd.Series("", index=[0])
    if not keys:
        wide, names = (
            frame[["month", value]].rename(columns={value: "line"}),
            {"line": heading(value, result.about.headings)},
        )
    else:
        table = frame.assign(line=labels.to_numpy()).pivot_table(index="month", columns="line", values=value)
        largest = table.iloc[-1].sort_values(ascending=False).index[:MOST_LINES]
        wide, names = table[list(largest)].reset_index(), {str(name): str(name) for name in largest}
    figures.plot_months(wide, axes, series=names, unit=unit)
    first, last = wide.iloc[0], wide.iloc[-1]
    strongest = next(iter(names))
    who = "" if not keys else f"{strongest}: "
    out = (
        f"{who}{formats.as_text(first[strongest], unit)} in {formats.as_text(first['month'], 'month')}, "
        f"{formats.as_text(last[strongest], unit)} in {formats.as_text(last['month'], 'month')}."
    )
    more = labels.nunique() - len(names) if keys else 0
    return axes, out + (f" The {len(names)} largest of {labels.nunique()} are drawn." if more > 0 else "")


def _bars(result: Result, axes: Axes, value: str, unit: str) -> tuple[Axes, str]:
    frame = pd.DataFrame(result).assign(label=[" · ".join(words) for words in _labels(result, _keys(result))])
    order = frame[value].abs().sort_values(ascending=False, kind="stable").index
    known = frame.loc[order].dropna(subset=[value])
    seen = known.head(MOST_BARS)
    figure: Any = axes.figure
    figure.set_size_inches(figure.get_figwidth(), 0.9 + 0.26 * len(seen))
    figures.plot_bars(seen, axes, label="label", value=value, unit=unit)
    axes.set_ylim(len(seen) - 0.5, -0.5)
    text = f"{seen.iloc[0]['label']}: {formats.as_text(seen.iloc[0][value], unit)}, the largest of {len(known)}."
    return axes, text + (f" The {MOST_BARS} largest are drawn." if len(known) > MOST_BARS else "")


def _keys(result: Result, without: Sequence[str] = ()) -> list[str]:
    return [str(name) for name in result.columns if result.unit_of(name) == "text" and name not in without]


def _labels(result: Result, keys: Sequence[str]) -> list[list[str]]:
    rows = pd.DataFrame(result)[list(keys)].itertuples(index=False) if keys else [()] * len(result)
    names = [result.about.names.get(key, {}) for key in keys]
    return [[str(known.get(text, text)) for known, text in zip(names, row, strict=True)] or ["All"] for row in rows]
