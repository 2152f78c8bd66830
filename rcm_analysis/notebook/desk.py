"""What every opened report can be asked, in the words of an analyst: measures, claims, trends, comparisons, reasons.

report.measure("days_in_ar", by="payer")          report.claims("days_in_ar", payer="Summit Health")
report.trend("days_in_ar", months=13).plot()      report.compare("days_in_ar", since="2026-07", by="payer")
report.why("cash", since="2026-09")               report.sql("select payer, count(*) from claims group by all")
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..errors import ParameterError
from ..exhibits import blocks
from ..exhibits.client_review.definitions import glossary_of
from ..exhibits.formats import UNITS, words_of
from ..exhibits.pages import Pages
from ..exhibits.subject import Book, Subject
from ..measures.menu import Measure, glossary, menu, named
from ..periods import Period
from ..tables.frames import source
from ..tables.store import tables_of
from . import asked, moves, questions
from .queries import ask
from .results import About, Result, heading
from .taken_apart import Cell, cell_of

MONTHS, MONTH_BEFORE = 13, "month before"


class Desk:
    """What can be asked of a report: of its client or book, its month and day, and the tables as known then."""

    subject: Subject | Book
    review: Pages

    def __init__(self) -> None:
        self._opening: list[blocks.Block] = []

    @property
    def period(self) -> Period:
        return self.subject.period

    @property
    def as_of(self) -> dt.date:
        return self.subject.as_of

    @cached_property
    def tables(self) -> Mapping[str, Any]:
        """The tables as known on `as_of`; pass them to any measure. `tables.claims` gives the rows of one."""
        return self.subject.tables

    # ------------------------------------------------------------ asked
    def measure(self, name: str, **given: Any) -> Result:
        """Any measure of the menu on this report's tables, month and day.

        `by` is a column or several, `period` and `as_of` may be texts (2026-09, 2026-09-15), and any column of claims
        says what to keep: `report.measure("days_in_ar", by="location", payer="Summit Health")`.

        Raises
            ParameterError for an unknown name, option or value, or when the measure needs more than tables, month and
            day.
        """
        asking, period, as_of = self._on(self._asked(name, given))
        found = asking.answer(self.tables, period, as_of)

        def total() -> Mapping[str, Any] | None:
            if "by" not in asking.record.parameters:
                return _sum_of(found, asking.record.value)
            whole = asking.answer(self.tables, period, as_of, by=[])
            return whole.to_dict("records")[0] if len(whole) == 1 else _sum_of(found, asking.record.value)

        return self._result(asking, found, questions.title_of(asking, self._names), total, (period, as_of))

    def claims(self, name: str, **given: Any) -> Result:
        """The claims behind a measure, each with its part, adding up to the number to the cent.

        `report.claims("days_in_ar", payer="Summit Health")`: every option of the measure, and any column of claims
        as what to keep. The total row is the measure's own number.

        Raises
            ParameterError for a measure that counts something other than claims.
        """
        asking = self._asked(name, {key: value for key, value in given.items() if key != "by"})
        asking, period, as_of = self._on(asking)
        found, notes = questions.claims_behind(asking, self.tables, period, as_of)
        title = f"Claims behind: {questions.title_of(asking, self._names)}"

        def total() -> Mapping[str, Any] | None:
            if "by" not in asking.record.parameters:
                return _sum_of(found, asking.record.value)
            whole = asking.answer(self.tables, period, as_of, by=[])
            return whole.to_dict("records")[0] if len(whole) == 1 else None

        return self._result(asking, found, title, total, (period, as_of), notes=notes)

    def trend(self, name: str, *, months: int = MONTHS, by: Any = (), **given: Any) -> Result:
        """A measure month by month up to this report's: `report.trend("days_in_ar", months=13, by="payer").plot()`.

        Each month stands as its own report would ask for it, from what is known on this report's day; a measure of
        matured services shows, under each month, the latest month that was old enough by then.
        """
        asking = self._asked(name, {**given, "by": by})
        wanted, begins = self.period.trailing(asked.count("months", months)).months(), self._begins(asking.record)
        shown = [month for month in wanted if month.last_day >= begins] or wanted[-1:]
        found = asking.by_month(self.tables, shown, asking.by)
        title = f"{questions.title_of(asking, self._names)}, {len(shown)} months"
        notes = () if shown == wanted else (f"Nothing is known of months before {shown[0].title}.",)
        return self._result(asking, found, title, lambda: None, (self.period, self.as_of), notes=notes)

    def compare(self, name: str, *, since: Any = None, by: Any = (), **given: Any) -> Result:
        """A measure in the month `since`, by default the month before, and in this report's, the largest move first.

        `report.compare("days_in_ar", since="2026-07", by="payer")`: `of_the_change` is what each group adds to the
        change of the whole, so that the column adds up to it.
        """
        asking = self._asked(name, {**given, "by": by})
        then = self._since(since, asking.record)
        move = moves.compared(asking, self.tables, then, self.period)
        title = f"{questions.title_of(asking, self._names)}, {then.title} and {self.period.title}"
        value = "of_the_change" if move.adds_up else "change"
        total = move.whole if asking.by else None
        return self._moved(asking, move, move.rows, title, value, total, then)

    def why(self, name: str, *, since: Any = None, **given: Any) -> moves.Answer:
        """Why a measure moved between the month `since` (by default the month before) and this report's.

        Cash and denials are told apart to the cent, with what chance explains left out. Every other sum and quotient
        is told by payer, by provider and by location, each adding up to the change, a quotient by what its top and
        its bottom did; a median by its largest movers. It says where, and claims no cause.
        """
        figure = moves.figure_of(str(name)) if not given else ""
        then = self._since(since, None if figure else named(name))
        if figure:
            said, parts = moves.explained(figure, self.tables, then, self.period, self._payer_name)
            about = self._about(f"What moved {words_of(figure)}", "change_cents", (self.period, self.as_of))
            return moves.Answer(said, Result(parts, about))
        asking = self._asked(name, given)
        said, parts, move = moves.moved_where(asking, self.tables, then, self.period, self._names)
        title, value = f"What moved {asking.record.title}", str(parts.columns[-1])
        total = move.whole if move.adds_up else None
        return moves.Answer(said, self._moved(asking, move, parts, title, value, total, then))

    def _moved(
        self,
        asking: questions.Question,
        move: moves.Move,
        rows: pd.DataFrame,
        title: str,
        value: str,
        total: Mapping[str, Any] | None,
        then: Period,
    ) -> Result:
        record = asking.record
        units = dict.fromkeys(("change", *moves.EFFECTS), record.unit)
        units |= {f"{record.value}{end}": record.unit for end in moves.ENDS}
        headings = {
            "_then": then.title,
            "_now": self.period.title,
            "change": "Change",
            "of_the_change": "Its part of the whole's change",
            "by_top": f"By {heading(move.top).lower()}",
            "by_base": f"By {heading(move.base).lower()}",
        }
        when = (self.period, self.as_of)
        return self._result(asking, rows, title, lambda: total, when, units=units, value=value, headings=headings)

    def sql(self, query: str) -> Result:
        """Ask the tables of this report, as known on its day, with DuckDB: `report.sql("select ... from claims")`.

        Every column of cents has a twin in dollars: `amount_cents`, `amount_dollars`.
        """
        return Result(ask(query, self.tables), self._about("As asked in SQL", "", (self.period, self.as_of)))

    def readable(self, result: pd.DataFrame) -> Result:
        """A frame for the eye, in dollars, percent, days and dates; its values stay numbers, so that it still plots."""
        if isinstance(result, Result):
            return result
        return Result(result, self._about("", "", (self.period, self.as_of)))

    def apart(self, page: str | Callable[[], Any]) -> Cell:
        """The measure calls that made a page, as a cell to paste, which gives the same numbers.

        `report.apart("aging")`, or `report.apart(report.review.ar_deep_dive.denials)`; `.insert()` puts it into the
        next cell of the notebook.
        """
        return cell_of(self, page)

    def definition(self, name: str) -> pd.DataFrame:
        """What a measure is: formula, date basis, unit, source."""
        return glossary([named(name).name])

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]

    # ------------------------------------------------------------ parts
    def _since(self, since: Any, record: Measure | None) -> Period:
        """The month that is compared with: the one given, else the month before."""
        if since in (None, "", MONTH_BEFORE):
            return self.period.shift(-1)
        then = asked.span(since)
        self._refuse_unknown(record, then.last_day, self.period.shift(-1).last_day)
        return then

    def _on(self, asking: questions.Question) -> tuple[questions.Question, Period, dt.date]:
        """A question with the month and day that it is asked of: its own, else this report's."""
        options = dict(asking.options)
        period, as_of = options.pop("period", self.period), options.pop("as_of", self.as_of)
        for day, own in ((period.last_day, self.period.last_day), (as_of, self.as_of)):
            if day != own:
                self._refuse_unknown(asking.record, day, own)
        return replace(asking, options=options), period, as_of

    def _begins(self, record: Measure | None) -> dt.date:
        """The first day of which anything is known that a measure (claims, where none is given) may count."""
        service = questions.SERVICE_OF.get(record.subject if record else "", "claims")
        days: list[Any] = []
        for one in tables_of({service}):
            if one.name in self.tables:
                first = nw.col(one.known_on or "").min().alias("first")
                days += source(self.tables, one.name, [one.known_on or ""]).select(first).collect()["first"].to_list()
        return min((asked.day(day) for day in days if day is not None), default=self.period.first_day)

    def _refuse_unknown(self, record: Measure | None, day: dt.date, last: dt.date) -> None:
        """Refuses a day of which nothing is known: before the first record, or after what this report knows."""
        begins = self._begins(record)
        if not begins <= day <= last:
            raise ParameterError(
                f"What this report knows begins on {begins}, and what is asked for here ends on {last} at most; "
                f"found {day}. Name a month or day between, or open the report of a later month."
            )

    def _asked(self, name: str, given: Mapping[str, Any]) -> questions.Question:
        return questions.question(named(name), given, self.tables, self._payers)

    def _result(
        self,
        asking: questions.Question,
        found: pd.DataFrame,
        title: str,
        total: Callable[[], Mapping[str, Any] | None],
        when: tuple[Period, dt.date],
        **more: Any,
    ) -> Result:
        terms = glossary_of((asking.record.name,)) if asking.record.subject else None
        value, headings = more.pop("value", asking.record.value), more.pop("headings", {})
        if not asking.record.value.endswith("_cents"):
            headings = {asking.record.value: asking.record.title, **headings}
        about = self._about(title, value, when, total=total, terms=terms, headings=headings, **more)
        return Result(found, about)

    def _about(self, title: str, value: str, when: tuple[Period, dt.date], **more: Any) -> About:
        period, as_of = when
        day = f"{as_of:%B} {as_of.day}, {as_of.year}"
        who = self.subject.client.name if isinstance(self.subject, Subject) else self.subject.manager or "All clients"
        return About(
            title=title,
            where=f"{who}, {period.title}, as of {day}",
            value=value,
            units=_units() | more.pop("units", {}),
            names=self._names,
            tables=self.tables,
            meta={
                "client_name": who,
                "period_title": period.title,
                "as_of": as_of.isoformat(),
                "firm": self.subject.firm,
            },
            opening=self.say_what_it_is,
            **more,
        )

    def say_what_it_is(self) -> None:
        """Put title, client, period and inputs into the notebook: once, before the first thing that is shown."""
        opening, self._opening = self._opening, []
        if opening:
            meta, *inputs = opening
            blocks.emit(meta)
            for one in inputs:
                blocks.emit_unseen(one)

    @property
    def _payers(self) -> dict[str, str]:
        frame = self.subject.payers if isinstance(self.subject, Subject) else pd.DataFrame({"payer": [], "name": []})
        return dict(zip(frame["payer"], map(str, frame["name"]), strict=True))

    @property
    def _names(self) -> dict[str, Mapping[str, str]]:
        payers = self._payers
        return dict.fromkeys(("payer", "responsible_payer", "posting_payer", "secondary_payer"), payers)

    def _payer_name(self, payer: str) -> str:
        return self._payers.get(payer, words_of(payer))


def _units() -> dict[str, str]:
    return {one.value: one.unit for one in menu().values() if one.unit in UNITS}


def _sum_of(found: pd.DataFrame, value: str) -> Mapping[str, Any] | None:
    """The sum of a column of dollars, which is the only one that may be added up; None where there is none."""
    if len(found) < 2 or value not in found or not value.endswith("_cents") or "_per_" in value:
        return None
    return {value: int(found[value].sum())}
