"""A report is opened: its client, period and tables, its pages, and the ways to show a result."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ..errors import ParameterError, closest, listed
from ..exhibits import blocks, figures
from ..exhibits.pages import Pages, cover_of, modules_of, pages_of, service_of
from ..exhibits.subject import Book, Subject
from ..exhibits.tables import Shown, show
from ..periods import Period
from ..tables.clients import Client
from ..tables.schema import CLAIMS, TABLES, TRANSACTIONS
from ..tables.store import ClientStore, Tables, is_active, tables_of, tables_of_stores
from ..tables.workspace import ClientView, Workspace, open_workspace
from . import asked
from .desk import Desk

VERSIONED = ("rcm_analysis", "pandas", "polars", "narwhals", "matplotlib", "seaborn")
UNDER_THE_PRESS = "RCM_REPORT"
"""The variable that the press sets in the environment of the notebooks that it runs."""
EVERYONE, MONTH_END = "everyone", "month end"
RECENT_DAYS = 35
"""A report on a day within the month needs postings in the five weeks before it."""


class Report(Desk):
    """One opened report: what it is about, its pages (`review`), what it can be asked, and the ways to show a result.

    At the bench nothing is printed that was not asked for: title and inputs go into the notebook with the first thing
    that is shown. A run of the press has them at once.
    """

    def __init__(self, subject: Subject | Book, review: Pages, opening: Sequence[blocks.Block] = ()) -> None:
        super().__init__()
        self.subject, self.review, self._opening = subject, review, list(opening)
        pd.set_option("display.html.use_mathjax", False)
        if os.environ.get(UNDER_THE_PRESS):
            self.say_what_it_is()

    @property
    def findings(self) -> pd.DataFrame | Mapping[str, int]:
        """What intake noticed in the raw files."""
        return self.subject.findings

    def __repr__(self) -> str:
        about = f"{self.period.title}, as of {self.as_of}"
        return f"Report {about}; .measure(name), .claims(name), .trend(name), .compare(name, since=...), .why(name)"

    def show(self, exhibit: Any) -> None:
        """Show one block, several in order, or an answer; what was derived for them stays beside the store."""
        self.say_what_it_is()
        if hasattr(exhibit, "_ipython_display_"):
            exhibit._ipython_display_()
        else:
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
    """Open one client and month: checks both and reads the tables; prints nothing.

    The client by its id or its name, the month as YYYY-MM.
    `as_of` is a day of the month, YYYY-MM-DD, by which everything in the report is known; "month end" is
    its last day. `template` is the template's name: under it the report's pages are found (`exhibits.pages`).
    `tables` are read in the place of the store's, where a warehouse holds them: frames by table name (Ibis, Spark,
    DuckDB, Polars, pandas), or an Ibis connection; of each, the client's rows.

    Raises
        ClientError for an unknown client or a service that it has not bought, ParameterError for a period that is no
        month or without data, or a day outside the month.
    """
    month = Period.month(period) if isinstance(period, str) else Period.of(asked.day(period))
    day = day_of(str(as_of), month)
    place = open_workspace(workspace)
    client = asked.client(place.registry, client)
    view = place.client(client, held=tables)
    exhibits = modules_of(template, place.paths.get("templates"))
    view.settings(as_of=day).refuse_unbought(service_of(exhibits))
    subject = subject_of(place, view, month, day, template=template)
    _refuse_empty(subject, view, service_of(exhibits))
    review = pages_of(template, subject, exhibits)
    return ClientReport(
        subject,
        review,
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
                **{"period_title": month.title, **cover_of(exhibits), **getattr(review.about, "cover", {})},
            ),
            blocks.inputs(
                [
                    {"table": name, "rows": subject.rows.get(name, 1), "fingerprint": subject.fingerprints[name]}
                    for name in (*TABLES, *getattr(review.about, "reads", ()))
                ],
                len(subject.findings),
                client,
            ),
        ],
    )


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
    return PortfolioReport(
        book,
        pages_of(template, book, modules_of(template, place.paths.get("templates"))),
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
        ],
    )


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
        from .. import __version__

        return __version__ if package == "rcm_analysis" else "not installed"


def subject_of(place: Workspace, view: ClientView, month: Period, day: dt.date, *, template: str = "") -> Subject:
    """One client on a day of a month: what reports and working files are told from."""
    stored = view.stored
    stored.check()
    tables = view.tables(as_of=day).in_memory()
    return Subject(
        client=view.settings(as_of=day),
        period=month,
        as_of=day,
        firm=place.registry.look(view.client).name or "",
        tables=tables,
        payers=place.registry.payers_frame(view.client).to_pandas(),
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


def _refuse_empty(subject: Subject, view: ClientView, service: str) -> None:
    """Refuses a report of a month into which nothing of its service falls, or of the client's services."""
    month, day, stored = subject.period, subject.as_of, view.stored
    services = {"claims", *([service] if service else subject.client.services)}
    if not any(stored.rows(table.name) for table in (CLAIMS, *tables_of(services))):
        raise ParameterError(f"Nothing is stored for {view.client} yet. Take its files in first: rcm ingest")
    if day == month.last_day and isinstance(stored, ClientStore) and month.label in stored.posted_months():
        return
    if is_active(subject.tables, services, month if day == month.last_day else Period.days_ending(day, RECENT_DAYS)):
        return
    months, what = stored.active_months(services), "postings" if set(services) == {"claims"} else "records"
    there = f"its {what} run from {months[0]} to {months[-1]}" if months else f"it has no {what} at all"
    raise ParameterError(f"{view.client} has no {what} in {month.label}; {there}. Nothing was reported.")


def _book(place: Workspace, month: Period, manager: str, template: str) -> Book:
    now = place.registry.clients_frame(as_of=month.last_day).to_pandas()
    before, earliest = (place.registry.clients_frame(as_of=month.shift(-back).last_day).to_pandas() for back in (1, 2))
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
        clients_earliest=earliest,
        service_levels={
            client: place.registry.client(client, as_of=month.last_day).service_levels for client in stored
        },
        meeting_days={client: place.registry.client(client, as_of=month.last_day).meeting_day for client in stored},
        rows={client: {name: store.rows(name) for name in TABLES} for client, store in stored.items()},
        fingerprints={client: store.fingerprints() for client, store in stored.items()},
        findings={client: store.rows_aside("findings") for client, store in stored.items()},
        versions={name: version(name) for name in VERSIONED},
    )
