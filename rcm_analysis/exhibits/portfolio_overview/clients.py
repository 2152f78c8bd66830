"""The clients of a book: overview and ratings, managers and their load, next month's meetings."""

from __future__ import annotations

import pandas as pd

from ...measures.portfolio import book as book_of
from .. import figures
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, words_of
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts

ESTIMATE = "*Estimate based on provider specialty."


CADENCES = {"weekly": "Weekly", "biweekly": "Bi-weekly", "monthly": "Monthly"}


CONTACT = {"high": "High", "low": "Low"}


RATING_WORDS = (
    "A: high revenue, little contact; B: high revenue, much contact; C: low revenue, little contact; "
    "D: low revenue, much contact."
)


@page
def clients(facts: Facts) -> list[Block]:
    """The client overview, as the department prints it."""
    rows = facts.rated.assign(
        cadence=facts.rated["meeting_cadence"].map(CADENCES),
        contact=facts.rated["complexity_class"].map(CONTACT),
        is_estimate=facts.rated["is_estimate"].fillna(False).astype(bool),
    )
    total, emphasis = with_total(rows, "name", ["providers", "revenue_cents"], values={"is_estimate": False})
    return [
        show(
            total,
            [
                Shown("name", "Client"),
                Shown("providers", "Number of providers", "count"),
                Shown("revenue_cents", "Revenue", "usd", marked="is_estimate"),
                Shown("revenue_per_provider_cents", "Revenue by provider", "usd", marked="is_estimate"),
                Shown("commission_rate", "Com rate", "rate", exact=True),
                Shown("contact", "Communication"),
                Shown("rating", "Client rating"),
                Shown("cadence", "Meeting cadence"),
                Shown("assigned_to", "Assigned to"),
            ],
            name="client_overview",
            title="Client overview",
            emphasis=emphasis,
            definition=f"Registry as it stood on {facts.book.as_of_text}. Revenue: the client's annual "
            f"collections, US dollars. Com rate: our fee as a share of collections. "
            "Communication: High when we meet weekly or bi-weekly, or exchange ten or more "
            "e-mails, or spend four or more hours a week.",
            notes=[
                _estimates(rows[rows["is_estimate"]]),
                f"{RATING_WORDS} High revenue is $125,000 a provider or more.",
            ],
        )
    ]


def _estimates(rows: pd.DataFrame) -> str:
    """What the revenue marked with an asterisk is estimated from, client by client where somebody says it."""
    if rows.empty:
        return ""
    said = rows.get("revenue_source", pd.Series(index=rows.index, dtype="object")).dropna()
    sources = [f"{rows.loc[place, 'name']}: {source}" for place, source in said.items()]
    return f"{ESTIMATE.removesuffix('.')} ({'; '.join(sources)})." if sources else ESTIMATE


@page
def matrix(facts: Facts) -> list[Block]:
    """Ratings A to D as a square."""
    counts = book_of.rating_matrix(facts.book.clients)
    names = facts.rated.dropna(subset=["rating"]).groupby("rating")["name"].agg(", ".join)
    counts["names"] = counts["rating"].map(names).fillna("")
    largest = counts.sort_values("revenue_cents", ascending=False).iloc[0]
    finding = (
        f"{largest['rating']} clients bring most: {as_text(largest['revenue_share'], 'rate')} of "
        f"collections from {counted(int(largest['clients']), 'client')}."
    )
    if not counts["clients"].sum():
        return [figures.nothing_to_draw("No client in this book could be rated.")]
    table, emphasis = with_total(
        counts, "rating", ["clients", "revenue_cents"], values={"client_share": 1.0, "revenue_share": 1.0}
    )
    axes = figures.plot_matrix(counts, figures.new_axes(2.5))
    return [
        figures.figure_block(
            axes,
            name="rating_matrix_chart",
            title=f"Clients by rating, as of {facts.book.as_of_text}",
            alt=f"Four squares: ratings A to D by revenue per provider and contact needed. {finding}",
            finding=finding,
            table=show(
                table,
                [
                    Shown("rating", "Rating"),
                    Shown("clients", "Clients", "count"),
                    Shown("client_share", "Share of clients", "rate"),
                    Shown("revenue_cents", "Annual collections", "usd"),
                    Shown("revenue_share", "Share of collections", "rate"),
                    Shown("names", "Names"),
                ],
                name="rating_matrix",
                title="Clients and collections by rating",
                emphasis=emphasis,
                definition=f"Registry as of {facts.book.as_of_text}; US dollars a year.",
            ),
        )
    ]


@page
def workload(facts: Facts) -> list[Block]:
    """Managers' load, and accounts that sit with another level than they ask for."""
    load = book_of.manager_workload(facts.book.clients)
    load["assigned_to"] = [words_of(name) for name in load["assigned_to"]]
    table, emphasis = with_total(load, "assigned_to", [name for name in load.columns if name != "assigned_to"])
    fit = book_of.level_fit(facts.book.clients)
    wrong = fit[fit["fit"].isin(["too junior", "too senior"])]
    wrong = wrong.assign(
        name=[facts.book.name_of(client) for client in wrong["client"]],
        assigned_level=[words_of(level) for level in wrong["assigned_level"]],
        expected_level=[words_of(level) for level in wrong["expected_level"]],
    )
    blocks: list[Block] = [
        show(
            table,
            [
                Shown("assigned_to", "Client manager"),
                Shown("clients", "Clients", "count"),
                Shown("high_complexity_clients", "with much contact", "count"),
                Shown("providers", "Providers", "count"),
                Shown("hours_per_week", "Hours a week", "number"),
                Shown("emails_per_week", "E-mails a week", "count"),
                Shown("revenue_cents", "Annual collections", "usd"),
                Shown("misplaced", "At another level", "count"),
            ],
            name="workload",
            title="Workload of the client managers",
            emphasis=emphasis,
            definition=f"Registry as of {facts.book.as_of_text}; hours and e-mails as stated there, not "
            f"timed; US dollars a year.",
            notes=[
                f"Hours are not stated in the registry for {counted(int(load['hours_not_stated'].sum()), 'client')}."
                if load["hours_not_stated"].sum()
                else ""
            ],
        )
    ]
    unknown = levels_unknown(fit)
    if wrong.empty:
        fits = "Every account sits with a manager of the level that its collections and contact ask for."
        return [*blocks, note(unknown or fits)]
    return [
        *blocks,
        *([note(unknown)] if unknown else []),
        show(
            wrong,
            [
                Shown("name", "Client"),
                Shown("assigned_to", "Assigned to"),
                Shown("assigned_level", "Level now"),
                Shown("expected_level", "Level asked for"),
                Shown("fit", "Fit"),
                Shown("revenue_cents", "Annual collections", "usd"),
            ],
            name="level_fit",
            title="Accounts that ask for another level",
            definition="Level asked for: by annual collections (manager from $150,000, senior manager from "
            "$1,000,000, director from $3,000,000), "
            "one level more where much contact is needed; the dollar limits are our own.",
        ),
    ]


def levels_unknown(fit: pd.DataFrame) -> str:
    """Of how many clients nobody can say whether their manager's level fits; empty where all are known."""
    unknown = int(fit["fit"].isna().sum())
    if not unknown:
        return ""
    return (
        f"Whether the manager's level fits cannot be told for {counted(unknown, 'client')} of {len(fit)}: the registry "
        "does not state the level (assigned_level) or the revenue."
    )


@page
def calendar(facts: Facts) -> list[Block]:
    """The meetings of next month."""
    month = facts.book.period.shift(1)
    meetings = book_of.meeting_calendar(facts.with_days, period=month)
    dated, undated = meetings.dropna(subset=["meets_on"]), meetings[meetings["meets_on"].isna()]
    if dated.empty:
        return [note(f"No meeting day is known for {month.title}.")]
    dated = dated.assign(
        weekday=[f"{day:%A}" for day in dated["meets_on"]], cadence=dated["meeting_cadence"].map(CADENCES)
    )
    return [
        show(
            dated,
            [
                Shown("meets_on", "Date", "date"),
                Shown("weekday", "Day"),
                Shown("name", "Client"),
                Shown("cadence", "Cadence"),
                Shown("assigned_to", "Client manager"),
            ],
            name="meetings",
            title=f"Meetings in {month.title}",
            definition="From each client's cadence and meeting day in the registry; holidays are not known.",
            notes=[
                f"No day is known for {comma_list(facts.book.name_of(client) for client in undated['client'])}."
                if len(undated)
                else ""
            ],
        )
    ]
