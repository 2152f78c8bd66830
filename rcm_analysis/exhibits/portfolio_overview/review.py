"""The book of a client manager, or of the whole firm, exhibit by exhibit."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient
from ...measures.collections import rates as collections
from ...measures.denials.rates import initial_denial_rate_claims_remitted
from ...measures.portfolio import book as book_of
from ...measures.portfolio.ratings import client_ratings
from ...measures.receivable import ar
from .. import figures
from ..blocks import Block, cards, facts, note
from ..client_review.answers import settled_services, span
from ..client_review.review import glossary_of
from ..formats import as_text, counted, joined, sentence, words_of
from ..subject import Book
from ..tables import Shown, show, with_total

MEASURES = (
    "client_ratings",
    "rating_matrix",
    "level_fit",
    "manager_workload",
    "fee_revenue",
    "fee_per_hour",
    "movements",
    "meeting_calendar",
    "cash",
    "days_in_ar",
    "aged_share_90",
    "net_collection_rate_matured",
    "initial_denial_rate_claims_remitted",
)
ESTIMATE = "*Estimate based on provider specialty."
CADENCES = {"weekly": "Weekly", "biweekly": "Bi-weekly", "monthly": "Monthly"}
CONTACT = {"high": "High", "low": "Low"}
RATING_WORDS = (
    "A: high revenue, little contact; B: high revenue, much contact; C: low revenue, little contact; "
    "D: low revenue, much contact."
)
FEW = 30


class PortfolioOverview:
    """The exhibits of a book of clients; each gives its blocks."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.rated = client_ratings(book.clients)

    def answers(self) -> list[Block]:
        """The book in sixty seconds."""
        fees = book_of.fee_revenue(self.book.tables, clients=self.book.clients, period=self.book.period)
        cash, fee = int(fees["cash_cents"].sum()), int(fees["fee_cents"].sum())
        before = book_of.fee_revenue(
            self.book.tables, clients=self.book.clients_before, period=self.book.period.shift(-1)
        )
        fit = book_of.level_fit(self.book.clients)["fit"]
        misplaced, moved = int(fit.isin(["too junior", "too senior"]).sum()), self._movements()
        meetings = book_of.meeting_calendar(self._with_days(), period=self.book.period.shift(1)).dropna(
            subset=["meets_on"]
        )
        counts = self.rated["rating"].value_counts()
        return [
            cards(
                [
                    (
                        "What is in the book?",
                        counted(len(self.rated), "client"),
                        f"{as_text(int(self.rated['revenue_cents'].sum()), 'usd')} of collections a year, "
                        f"{counted(int(self.rated['providers'].sum()), 'provider')}.",
                    ),
                    (
                        "What did our clients collect?",
                        as_text(cash, "usd"),
                        f"Posted in {self.book.period.title}; {as_text(int(before['cash_cents'].sum()), 'usd')} the "
                        f"month before.",
                    ),
                    (
                        "What did we earn?",
                        as_text(fee, "usd"),
                        f"Each client's commission rate on its collections; "
                        f"{as_text(int(before['fee_cents'].sum()), 'usd')} the month before.",
                    ),
                    (
                        "Where do the clients stand?",
                        joined(f"{int(counts.get(rating, 0))} {rating}" for rating in "ABCD"),
                        RATING_WORDS,
                    ),
                    (
                        "What needs a decision?",
                        counted(misplaced, "account"),
                        f"{sentence(counted(misplaced, 'account sits', 'accounts sit'))} with a manager of another "
                        f"level than its size and contact ask for; "
                        f"{counted(len(moved), 'client has', 'clients have')} changed since last month; "
                        f"{counted(len(meetings), 'meeting')} next month.",
                    ),
                ]
            )
        ]

    def clients(self) -> list[Block]:
        """The client overview, as the department prints it."""
        rows = self.rated.assign(
            cadence=self.rated["meeting_cadence"].map(CADENCES),
            contact=self.rated["complexity_class"].map(CONTACT),
            is_estimate=self.rated["is_estimate"].fillna(False).astype(bool),
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
                definition=f"Registry as it stood on {self.book.as_of_text}. Revenue: the client's annual "
                f"collections, US dollars. Com rate: our fee as a share of collections. "
                "Communication: High when we meet weekly or bi-weekly, or exchange ten or more "
                "e-mails, or spend four or more hours a week.",
                notes=[
                    ESTIMATE if rows["is_estimate"].any() else "",
                    f"{RATING_WORDS} High revenue is $125,000 a provider or more.",
                ],
            )
        ]

    def matrix(self) -> list[Block]:
        """Ratings A to D as a square."""
        counts = book_of.rating_matrix(self.book.clients)
        names = self.rated.dropna(subset=["rating"]).groupby("rating")["name"].agg(", ".join)
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
                title=f"Clients by rating, as of {self.book.as_of_text}",
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
                    definition=f"Registry as of {self.book.as_of_text}; US dollars a year.",
                ),
            )
        ]

    def movements(self) -> list[Block]:
        """What changed in the registry, and how collections moved."""
        moved = self._movements()
        blocks: list[Block] = []
        if moved.empty:
            blocks.append(
                note(
                    f"No client joined, left or changed its rating, manager or terms since "
                    f"{self.book.period.shift(-1).title}."
                )
            )
        else:
            moved = moved.assign(
                name=[self._name(client) for client in moved["client"]],
                details=[_details(text) for text in moved["details"]],
            )
            blocks.append(
                show(
                    moved,
                    [
                        Shown("name", "Client"),
                        Shown("change", "What moved"),
                        Shown("details", "Changed"),
                        Shown("rating_before", "Rating before"),
                        Shown("rating_after", "Rating now"),
                    ],
                    name="movements",
                    title=f"Changes since {self.book.period.shift(-1).title}",
                    definition="Registry on the last days of the two months.",
                )
            )
        return [*blocks, self._cash_moves()]

    def league(self) -> list[Block]:
        """The main indicators of every client, side by side."""
        numbers = self._league()
        if numbers.empty:
            return [note("No client of this book has data in the period.")]
        columns = [
            Shown("name", "Client"),
            Shown("cash_cents", "Collected", "usd"),
            Shown("days_in_ar", "Days in AR", "days"),
            Shown("days_moved", "Change in a month", "days"),
            Shown("aged_share", "Open over 90 days", "rate"),
            Shown("net_collection_rate_matured", "Net collection", "rate"),
            Shown("initial_denial_rate_claims_remitted", "Denial rate", "rate", marked="is_few"),
            Shown("remitted_claims", "Claims decided", "count"),
        ]
        worst = numbers.dropna(subset=["days_in_ar"])
        few = numbers["is_few"].any()
        blocks: list[Block] = [
            show(
                numbers,
                columns,
                name="league",
                title=f"Indicators by client, {self.book.period.title}",
                definition=f"Collected: posted in the month. Days in AR and open over 90 days: as of "
                f"{self.book.as_of_text}, age from the day of service. Net collection: services of "
                f"{span(settled_services(self.book.period))}. Denial rate: first decisions of three "
                f"months, by day of remittance. Longest days in AR first.",
                notes=[
                    f"* Fewer than {FEW} claims decided: one claim more or less moves the rate visibly." if few else "",
                    self._silent(numbers),
                ],
            )
        ]
        if len(worst) > 1:
            blocks.insert(0, self._league_chart(worst))
        return blocks

    def workload(self) -> list[Block]:
        """Managers' load, and accounts that sit with another level than they ask for."""
        load = book_of.manager_workload(self.book.clients)
        load["assigned_to"] = [words_of(name) for name in load["assigned_to"]]
        table, emphasis = with_total(load, "assigned_to", [name for name in load.columns if name != "assigned_to"])
        fit = book_of.level_fit(self.book.clients)
        wrong = fit[fit["fit"].isin(["too junior", "too senior"])]
        wrong = wrong.assign(
            name=[self.book.name_of(client) for client in wrong["client"]],
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
                definition=f"Registry as of {self.book.as_of_text}; hours and e-mails as stated there, not "
                f"timed; US dollars a year.",
                notes=[
                    f"Hours are not stated in the registry for "
                    f"{counted(int(load['hours_not_stated'].sum()), 'client')}."
                    if load["hours_not_stated"].sum()
                    else ""
                ],
            )
        ]
        if wrong.empty:
            return [
                *blocks,
                note("Every account sits with a manager of the level that its collections and contact ask for."),
            ]
        return [
            *blocks,
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

    def fees(self) -> list[Block]:
        """Fee revenue and fee per hour, by client."""
        fees = book_of.fee_revenue(self.book.tables, clients=self.book.clients, period=self.book.period)
        hours = book_of.fee_per_hour(self.book.tables, clients=self.book.clients, period=self.book.period)
        rows = fees.merge(hours[["client", "hours", "fee_per_hour_cents"]], on="client")
        rows["name"] = [self.book.name_of(client) for client in rows["client"]]
        rows = rows.sort_values(["fee_cents", "name"], ascending=[False, True], ignore_index=True)
        stated = rows.dropna(subset=["hours"])
        per_hour = quotient(pd.Series([stated["fee_cents"].sum()]), pd.Series([stated["hours"].sum()])).iloc[0]
        table, emphasis = with_total(
            rows,
            "name",
            ["cash_cents", "fee_cents", "hours"],
            values={"fee_per_hour_cents": None if pd.isna(per_hour) else round(per_hour)},
        )
        table["fee_per_hour_cents"] = [
            None if pd.isna(cents) else round(cents) for cents in table["fee_per_hour_cents"]
        ]
        return [
            show(
                table,
                [
                    Shown("name", "Client"),
                    Shown("cash_cents", "Collected", "usd"),
                    Shown("commission_rate", "Com rate", "rate", exact=True),
                    Shown("fee_cents", "Our fee", "usd"),
                    Shown("hours", "Hours", "number"),
                    Shown("fee_per_hour_cents", "Fee per hour", "usd"),
                ],
                name="fees",
                title=f"Fee revenue, {self.book.period.title}",
                emphasis=emphasis,
                definition="Collections posted in the month, less refunds and money taken back, times the "
                "commission rate; hours of client management as stated in the registry; US dollars.",
            )
        ]

    def calendar(self) -> list[Block]:
        """The meetings of next month."""
        month = self.book.period.shift(1)
        meetings = book_of.meeting_calendar(self._with_days(), period=month)
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
                    f"No day is known for {joined(self.book.name_of(client) for client in undated['client'])}."
                    if len(undated)
                    else ""
                ],
            )
        ]

    def definitions(self) -> list[Block]:
        """What each measure counts."""
        return [glossary_of(MEASURES)]

    def provenance(self) -> list[Block]:
        """Where the numbers come from."""
        rows = pd.DataFrame(
            [
                {
                    "name": self.book.name_of(client),
                    "rows": sum(tables.values()),
                    "findings": self.book.findings[client],
                    "print": self.book.fingerprints[client]["transactions"][:12],
                }
                for client, tables in self.book.rows.items()
            ],
            columns=["name", "rows", "findings", "print"],
        )
        return [
            facts(
                "Where these numbers come from",
                [
                    ("Book", self.book.manager or "all clients"),
                    ("Period", self.book.period.title),
                    ("As of", f"{self.book.as_of_text}: nothing that became known later is in this report"),
                    ("Versions", ", ".join(f"{name} {number}" for name, number in self.book.versions.items())),
                ],
            ),
            show(
                rows,
                [
                    Shown("name", "Client"),
                    Shown("rows", "Rows stored", "count"),
                    Shown("findings", "Findings at intake", "count"),
                    Shown("print", "Fingerprint of the ledger"),
                ],
                name="inputs",
                title="Input tables",
                definition="All rows stored for the client; first twelve characters of the SHA-256 fingerprint "
                "of its ledger.",
            ),
        ]

    def _movements(self) -> pd.DataFrame:
        return book_of.movements(self.book.clients_before, self.book.clients)

    def _name(self, client: str) -> str:
        return self.book.name_of(client)

    def _with_days(self) -> pd.DataFrame:
        return self.book.clients.assign(
            meeting_day=[self.book.meeting_days.get(client) for client in self.book.clients["client"]]
        )

    def _cash_moves(self) -> Block:
        period, tables = self.book.period, self.book.tables
        now = collections.cash(tables, period=period, by=["client"])[["client", "cash_cents"]]
        before = collections.cash(tables, period=period.shift(-1), by=["client"])[["client", "cash_cents"]]
        rows = now.merge(before, on="client", how="outer", suffixes=("", "_before")).fillna(0)
        rows["change_cents"] = rows["cash_cents"] - rows["cash_cents_before"]
        rows["change"] = quotient(rows["change_cents"], rows["cash_cents_before"])
        rows["name"] = [self._name(client) for client in rows["client"]]
        rows = rows.sort_values(["change_cents", "name"], ignore_index=True)
        change = quotient(pd.Series([rows["change_cents"].sum()]), pd.Series([rows["cash_cents_before"].sum()])).iloc[0]
        table, emphasis = with_total(
            rows, "name", ["cash_cents", "cash_cents_before", "change_cents"], values={"change": change}
        )
        return show(
            table,
            [
                Shown("name", "Client"),
                Shown("cash_cents_before", period.shift(-1).title, "usd"),
                Shown("cash_cents", period.title, "usd"),
                Shown("change_cents", "Change", "usd"),
                Shown("change", "Change", "rate"),
            ],
            name="collections_moved",
            title="Collections since last month",
            emphasis=emphasis,
            definition="Cash posted in each month, less refunds and money taken back; US dollars; largest fall first.",
        )

    def _league(self) -> pd.DataFrame:
        tables, day, period = self.book.tables, self.book.as_of, self.book.period
        out = collections.cash(tables, period=period, by=["client"])[["client", "cash_cents"]]
        for part in (
            ar.days_in_ar(tables, as_of=day, by=["client"])[["client", "days_in_ar"]],
            ar.days_in_ar(tables, as_of=period.shift(-1).last_day, by=["client"]).rename(
                columns={"days_in_ar": "days_before"}
            )[["client", "days_before"]],
            ar.aged_share(tables, as_of=day, by=["client"])[["client", "aged_share"]],
            collections.net_collection_rate_matured(tables, period=settled_services(period), as_of=day, by=["client"])[
                ["client", "net_collection_rate_matured"]
            ],
            initial_denial_rate_claims_remitted(tables, period=period.trailing(3), by=["client"])[
                ["client", "remitted_claims", "initial_denial_rate_claims_remitted"]
            ],
        ):
            out = out.merge(part, on="client", how="left")
        out["remitted_claims"] = out["remitted_claims"].fillna(0).astype("int64")
        out["days_moved"] = out["days_in_ar"] - out["days_before"]
        out["is_few"] = out["remitted_claims"] < FEW
        out["name"] = [self._name(client) for client in out["client"]]
        return out.sort_values(["days_in_ar", "name"], ascending=[False, True], ignore_index=True)

    def _league_chart(self, rows: pd.DataFrame) -> Block:
        middle = rows["days_in_ar"].median()
        finding = (
            f"{rows.iloc[0]['name']} holds the longest receivable, "
            f"{as_text(rows.iloc[0]['days_in_ar'], 'days')} days of charges; "
            f"the middle of the book is {as_text(middle, 'days')} days."
        )
        axes = figures.plot_bars(
            rows, figures.new_axes(0.5 + 0.24 * len(rows)), label="name", value="days_in_ar", unit="days", strong=[0]
        )
        return figures.figure_block(
            axes,
            name="league_chart",
            title=f"Days in AR by client, as of {self.book.as_of_text} (open balance in days of charges, last 90 days)",
            alt=f"Bars of days in AR by client, longest first. {finding}",
            finding=finding,
        )

    def _silent(self, numbers: pd.DataFrame) -> str:
        silent = [self._name(client) for client in self.book.clients["client"] if client not in set(numbers["client"])]
        return f"Nothing was posted in the month for {joined(silent)}." if silent else ""


def _details(text: str) -> str:
    return ", ".join(words_of(name.removesuffix("_cents")) for name in str(text).split(", ") if name)
