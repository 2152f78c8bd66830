"""`open_report`: the one helper through which a template opens its client, period and tables.

    from rcm_analysis.notebook import open_report
    report = open_report(workspace, client, period, template="client_review")
    report.show(report.review.numbers())

A report says first what it is and what went in; then it shows one exhibit per call. The tables are
those known on the last day of the period, whenever the report is made; a weekly report names its own day.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from matplotlib.axes import Axes

from .errors import ParameterError, closest, listed
from .exhibits import blocks, figures, formats
from .exhibits.care_coordination_plan.review import open_plan as open_plan
from .exhibits.pages import Pages, cover_of, modules_of, pages_of, service_of
from .exhibits.subject import Book, Subject
from .exhibits.tables import Shown, show
from .measures.menu import menu, named
from .periods import Period
from .tables.clients import Client
from .tables.schema import CLAIMS, TABLES, TRANSACTIONS
from .tables.store import Tables, is_active, tables_of, tables_of_stores
from .tables.workspace import ClientView, Workspace, open_workspace

VERSIONED = ("rcm_analysis", "pandas", "polars", "narwhals", "matplotlib", "seaborn")
EVERYONE, MONTH_END = "everyone", "month end"
RECENT_DAYS = 35
"""A report on a day within the month needs postings in the five weeks before it."""


class Report:
    """One opened report: what it is about, its pages (`review`), and the ways to show a result."""

    def __init__(self, subject: Subject | Book, review: Pages) -> None:
        self.subject, self.review = subject, review

    @property
    def period(self) -> Period:
        return self.subject.period

    @property
    def as_of(self) -> dt.date:
        return self.subject.as_of

    @property
    def tables(self) -> Mapping[str, Any]:
        """The tables as known on `as_of`; pass them to any measure."""
        return self.subject.tables

    @property
    def findings(self) -> pd.DataFrame | Mapping[str, int]:
        """What intake noticed in the raw files."""
        return self.subject.findings

    def measure(self, name: str, **options: Any) -> pd.DataFrame:
        """Any measure of the menu on this report's tables, month and day: `report.measure("days_in_ar", by=["payer"])`.

        Raises
            ParameterError for an unknown name or option, or when the measure needs more than tables, month and day.
        """
        record = named(name)
        takes = inspect.signature(record.function).parameters
        unknown = [option for option in options if option not in takes]
        if unknown:
            raise ParameterError(
                f"{name} takes no {listed(unknown)}. It takes: {listed(takes)}.{closest(unknown[0], takes)}"
            )
        ready = {"tables": self.tables, "period": self.period, "as_of": self.as_of}
        given = {key: value for key, value in ready.items() if key in takes} | dict(record.options) | options
        lacking = [key for key, parameter in takes.items() if parameter.default is parameter.empty and key not in given]
        if lacking:
            raise ParameterError(f"{name} also needs {listed(lacking)}: give it by name.")
        return record.function(**given)

    def readable(self, result: pd.DataFrame) -> pd.DataFrame:
        """A result for the eye: dollars, percent, days and dates as text."""
        return formats.readable(result, {one.value: one.unit for one in menu().values() if one.unit in formats.UNITS})

    def show(self, exhibit: blocks.Block | Iterable[blocks.Block]) -> None:
        """Show one block, or several in order; what was derived for them stays beside the store."""
        blocks.emit(exhibit)
        if isinstance(self.tables, Tables):
            self.tables.save()

    def show_table(self, result: pd.DataFrame, columns: Sequence[Shown], **words: Any) -> None:
        """Show a result as a table: see `exhibits.tables.show`."""
        self.show(show(result, columns, **words))

    def show_figure(self, axes: Axes, **words: Any) -> None:
        """Show a chart with its title, finding and description: see `exhibits.figures.figure_block`."""
        self.show(figures.figure_block(axes, **words))

    def show_note(self, text: str, *, tone: str = "info") -> None:
        """Show one paragraph in a box."""
        self.show(blocks.note(text, tone=tone))


class ClientReport(Report):
    """The report of one client."""

    subject: Subject

    @property
    def client(self) -> Client:
        """The client's settings as they stood on the as-of day."""
        return self.subject.client


class PortfolioReport(Report):
    """The report of a client manager's book."""

    subject: Book


def open_report(
    workspace: str | Path, client: str, period: str, *, template: str = "", as_of: str = MONTH_END, tables: Any = None
) -> ClientReport:
    """Open one client and month: checks both, reads the tables, and says what the report is.

    `as_of` is a day of the month, YYYY-MM-DD, by which everything in the report is known; "month end" is
    its last day. `template` is the template's name: under it the report's pages are found (`exhibits.pages`).
    `tables` are read in the place of the store's, where a warehouse holds them: frames by table name (Ibis, Spark,
    DuckDB, Polars, pandas), or an Ibis connection; of each, the client's rows.

    Raises
        ClientError for an unknown client or a service that it has not bought, ParameterError for a period that is no
        month or without data, or a day outside the month.
    """
    month = Period.month(period)
    day = day_of(as_of, month)
    place = open_workspace(workspace)
    view = place.client(client, held=tables)
    exhibits = modules_of(template, place.paths.get("templates"))
    view.settings(as_of=day).refuse_unbought(service_of(exhibits))
    subject = _subject(place, view, month, day, template, service_of(exhibits))
    report = ClientReport(subject, pages_of(template, subject, exhibits))
    report.show(
        [
            blocks.meta(
                client=client,
                client_name=subject.client.name,
                period=month.label,
                as_of=day.isoformat(),
                firm=subject.firm,
                brand=place.registry.brand(client),
                template=template,
                template_version=version("rcm_analysis"),
                **{"period_title": month.title, **cover_of(exhibits), **getattr(report.review.about, "cover", {})},
            ),
            blocks.inputs(
                [
                    {"table": name, "rows": subject.rows.get(name, 1), "fingerprint": subject.fingerprints[name]}
                    for name in (*TABLES, *getattr(report.review.about, "reads", ()))
                ],
                len(subject.findings),
                client,
            ),
        ]
    )
    return report


def open_portfolio(
    workspace: str | Path, period: str, *, manager: str = EVERYONE, template: str = "portfolio_overview"
) -> PortfolioReport:
    """Open the firm's clients and one month; `manager` keeps one manager's clients, "everyone" all.

    Raises
        ParameterError for a period that is no month or without data, or a manager nobody is assigned to.
    """
    month = Period.month(period)
    place = open_workspace(workspace)
    book = _book(place, month, "" if manager in ("", EVERYONE) else manager, template)
    report = PortfolioReport(book, pages_of(template, book, modules_of(template, place.paths.get("templates"))))
    report.show(
        [
            blocks.meta(
                client="portfolio",
                client_name=book.manager or "All clients",
                period=month.label,
                period_title=month.title,
                as_of=month.last_day.isoformat(),
                firm=book.firm,
                brand=place.registry.brand(),
                template=template,
                template_version=version("rcm_analysis"),
            ),
            *(
                blocks.inputs(
                    [
                        {"table": name, "rows": rows[name], "fingerprint": book.fingerprints[client][name]}
                        for name in TABLES
                    ],
                    book.findings[client],
                    client,
                )
                for client, rows in book.rows.items()
            ),
        ]
    )
    return report


def day_of(text: str, month: Period) -> dt.date:
    """The day on which a report of the month stands: the one given, else the month's last.

    >>> day_of("2026-10-16", Period.month("2026-10")), day_of(MONTH_END, Period.month("2026-10"))
    (datetime.date(2026, 10, 16), datetime.date(2026, 10, 31))
    """
    if text in ("", MONTH_END):
        return month.last_day
    try:
        day = dt.date.fromisoformat(str(text))
    except ValueError:
        raise ParameterError(
            "The day of a report is written YYYY-MM-DD, such as 2026-10-16; the text given is not one."
        ) from None
    if not month.holds(day):
        raise ParameterError(
            f"The day of a report lies in its month, {month.first_day} to {month.last_day}; found {day}. "
            f"Give the period {day:%Y-%m}, or another day."
        )
    return day


def version(package: str) -> str:
    """The installed version, or the package's own when it runs from a checkout that is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        from . import __version__

        return __version__ if package == "rcm_analysis" else "not installed"


def _subject(place: Workspace, view: ClientView, month: Period, day: dt.date, template: str, service: str) -> Subject:
    stored = view.stored
    stored.check()
    services = {"claims", *([service] if service else view.settings(as_of=day).services)}
    if not any(stored.rows(table.name) for table in (CLAIMS, *tables_of(services))):
        raise ParameterError(f"Nothing is stored for {view.client} yet. Take its files in first: rcm ingest")
    tables = view.tables(as_of=day).in_memory()
    _refuse_empty(tables, month if day == month.last_day else Period.days_ending(day, RECENT_DAYS), view, services)
    return Subject(
        client=view.settings(as_of=day),
        period=month,
        as_of=day,
        firm=place.registry.look(view.client).name or "",
        tables=tables,
        payers=place.registry.payers_frame().to_pandas(),
        findings=view.findings().to_pandas(),
        quarantine=view.quarantine().to_pandas(),
        fingerprints=view.fingerprints(),
        rows={name: stored.rows(name) for name in TABLES},
        versions={name: version(name) for name in VERSIONED},
        template=template,
        registry=place.registry,
        plan=view.plan,
        parameters={
            "client": view.client,
            "period": month.label,
            **({} if day == month.last_day else {"as_of": day.isoformat()}),
        },
    )


def _refuse_empty(
    tables: Mapping[str, pl.LazyFrame], month: Period, view: ClientView, services: Collection[str]
) -> None:
    if is_active(tables, services, month):
        return
    months, what = view.stored.active_months(services), "postings" if set(services) == {"claims"} else "records"
    there = f"its {what} run from {months[0]} to {months[-1]}" if months else f"it has no {what} at all"
    raise ParameterError(f"{view.client} has no {what} in {month.label}; {there}. Nothing was reported.")


def _book(place: Workspace, month: Period, manager: str, template: str) -> Book:
    now = place.registry.clients_frame(as_of=month.last_day).to_pandas()
    before = place.registry.clients_frame(as_of=month.shift(-1).last_day).to_pandas()
    known = sorted({name for name in now["assigned_to"] if isinstance(name, str)})
    if manager and manager not in known:
        raise ParameterError(
            f"No client is assigned to {manager!r} in {month.label}. Known: {listed(known)}.{closest(manager, known)}"
        )
    if manager:
        now, before = now[now["assigned_to"] == manager], before[before["assigned_to"] == manager]
    stored = {client: place.client(client).stored for client in now["client"]}
    tables = tables_of_stores(list(stored.values()), as_of=month.last_day)
    if not any(month.label in store.months(TRANSACTIONS.name) for store in stored.values()):
        raise ParameterError(f"No client of this book has postings in {month.label}. Nothing was reported.")
    return Book(
        firm=place.registry.look().name or "",
        period=month,
        as_of=month.last_day,
        manager=manager,
        clients=now.reset_index(drop=True),
        clients_before=before.reset_index(drop=True),
        tables=tables,
        template=template,
        meeting_days={client: place.registry.client(client, as_of=month.last_day).meeting_day for client in stored},
        rows={client: {name: store.rows(name) for name in TABLES} for client, store in stored.items()},
        fingerprints={client: store.fingerprints() for client, store in stored.items()},
        findings={client: store.rows_aside("findings") for client, store in stored.items()},
        versions={name: version(name) for name in VERSIONED},
    )
