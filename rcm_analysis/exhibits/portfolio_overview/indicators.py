"""What moved in the book, the indicators of its clients side by side, and what we earn."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient, ratio
from ...measures.collections import rates as collections
from ...measures.denials.rates import initial_denial_rate_claims_remitted
from ...measures.portfolio import book as book_of
from ...measures.receivable import ar
from .. import figures
from ..blocks import Block, note
from ..client_review.answers import settled_services
from ..formats import as_text, comma_list, counted, span, words_of
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts, doubts

FEW = 30


@page
def movements(facts: Facts) -> list[Block]:
    """What changed in the registry, and how collections moved."""
    moved = facts.movements
    blocks: list[Block] = []
    if moved.empty:
        blocks.append(
            note(
                f"No client joined, left or changed its rating, manager or terms since "
                f"{facts.book.period.shift(-1).title}."
            )
        )
    else:
        moved = moved.assign(
            name=[facts.book.name_of(client) for client in moved["client"]],
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
                title=f"Changes since {facts.book.period.shift(-1).title}",
                definition="Registry on the last days of the two months.",
            )
        )
    return [*blocks, _cash_moves(facts)]


def _details(text: str) -> str:
    return ", ".join(words_of(name.removesuffix("_cents")) for name in str(text).split(", ") if name)


def _cash_moves(facts: Facts) -> Block:
    period, tables = facts.book.period, facts.book.tables
    now = collections.cash(tables, period=period, by=["client"])[["client", "cash_cents"]]
    before = collections.cash(tables, period=period.shift(-1), by=["client"])[["client", "cash_cents"]]
    rows = now.merge(before, on="client", how="outer", suffixes=("", "_before")).fillna(0)
    rows["change_cents"] = rows["cash_cents"] - rows["cash_cents_before"]
    rows["change"] = quotient(rows["change_cents"], rows["cash_cents_before"])
    rows["name"] = [facts.book.name_of(client) for client in rows["client"]]
    rows = rows.sort_values(["change_cents", "name"], ignore_index=True)
    change = ratio(rows["change_cents"].sum(), rows["cash_cents_before"].sum())
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


@page
def league(facts: Facts) -> list[Block]:
    """The main indicators of every client, side by side."""
    numbers = _league(facts)
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
    few, missing = numbers["is_few"].any(), doubts(facts.book.tables, as_of=facts.book.as_of, period=facts.book.period)
    unsure = numbers["client"].isin(missing["client"])
    numbers["name"] = numbers["name"].where(~unsure, numbers["name"] + " †")
    blocks: list[Block] = [
        show(
            numbers,
            columns,
            name="league",
            title=f"Indicators by client, {facts.book.period.title}",
            definition=f"Collected: posted in the month. Days in AR and open over 90 days: as of "
            f"{facts.book.as_of_text}, age from the day of service. Net collection: services of "
            f"{span(settled_services(facts.book.period))}. Denial rate: first decisions of three "
            f"months, by day of remittance. Longest days in AR first.",
            notes=[
                f"* Fewer than {FEW} claims decided: one claim more or less moves the rate visibly." if few else "",
                _silent(facts, numbers),
                *_incomplete(facts, missing),
            ],
        )
    ]
    if len(worst) > 1:
        blocks.insert(0, _league_chart(facts, worst))
    return blocks


def _incomplete(facts: Facts, missing: pd.DataFrame) -> list[str]:
    """The clients between whose records something is missing, and by how much their numbers may be wrong."""
    return [
        f"† {facts.book.name_of(str(client))}: numbers may be wrong by as much as is missing between the records: "
        + comma_list(
            f"{counted(int(row.number), row.unit)} {row.what} ({as_text(int(row.amount_cents), 'usd')})"
            for row in rows.itertuples(index=False, name="Row")
        )
        + "."
        for client, rows in missing.rename(columns={"count": "number"}).groupby("client")
    ]


def _league(facts: Facts) -> pd.DataFrame:
    tables, day, period = facts.book.tables, facts.book.as_of, facts.book.period
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
    out["name"] = [facts.book.name_of(client) for client in out["client"]]
    return out.sort_values(["days_in_ar", "name"], ascending=[False, True], ignore_index=True)


def _league_chart(facts: Facts, rows: pd.DataFrame) -> Block:
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
        title=f"Days in AR by client, as of {facts.book.as_of_text} (open balance in days of charges, last 90 days)",
        alt=f"Bars of days in AR by client, longest first. {finding}",
        finding=finding,
    )


def _silent(facts: Facts, numbers: pd.DataFrame) -> str:
    silent = [
        facts.book.name_of(client) for client in facts.book.clients["client"] if client not in set(numbers["client"])
    ]
    return f"Nothing was posted in the month for {comma_list(silent)}." if silent else ""


@page
def fees(facts: Facts) -> list[Block]:
    """Fee revenue and fee per hour, by client."""
    fees = book_of.fee_revenue(facts.book.tables, clients=facts.book.clients, period=facts.book.period)
    hours = book_of.fee_per_hour(facts.book.tables, clients=facts.book.clients, period=facts.book.period)
    rows = fees.merge(hours[["client", "hours", "fee_per_hour_cents"]], on="client")
    rows["name"] = [facts.book.name_of(client) for client in rows["client"]]
    rows = rows.sort_values(["fee_cents", "name"], ascending=[False, True], ignore_index=True)
    stated = rows.dropna(subset=["hours"])
    per_hour = ratio(stated["fee_cents"].sum(), stated["hours"].sum())
    table, emphasis = with_total(
        rows,
        "name",
        ["cash_cents", "fee_cents", "hours"],
        values={"fee_per_hour_cents": None if pd.isna(per_hour) else round(per_hour)},
    )
    table["fee_per_hour_cents"] = [None if pd.isna(cents) else round(cents) for cents in table["fee_per_hour_cents"]]
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
            title=f"Fee revenue, {facts.book.period.title}",
            emphasis=emphasis,
            definition="Collections posted in the month, less refunds and money taken back, times the "
            "commission rate; hours of client management as stated in the registry; US dollars.",
        )
    ]
