"""Page one of the overview: the book in sixty seconds."""

from __future__ import annotations

from ...measures.portfolio import book as book_of
from ..blocks import Block, cards
from ..formats import as_text, comma_list, counted, sentence
from ..pages import page
from .clients import RATING_WORDS, levels_unknown
from .facts import Facts


@page
def answers(facts: Facts) -> list[Block]:
    """The book in sixty seconds."""
    fees = book_of.fee_revenue(facts.book.tables, clients=facts.book.clients, period=facts.book.period)
    cash, fee = int(fees["cash_cents"].sum()), int(fees["fee_cents"].sum())
    before = book_of.fee_revenue(
        facts.book.tables, clients=facts.book.clients_before, period=facts.book.period.shift(-1)
    )
    fit = book_of.level_fit(facts.book.clients)
    misplaced, moved = int(fit["fit"].isin(["too junior", "too senior"]).sum()), facts.movements
    seated = (
        f"{sentence(counted(misplaced, 'account sits', 'accounts sit'))} with a manager of another level than its size "
        "and contact ask for"
    )
    seated = levels_unknown(fit).rstrip(".") if fit["fit"].isna().all() else seated
    meetings = book_of.meeting_calendar(facts.with_days, period=facts.book.period.shift(1)).dropna(subset=["meets_on"])
    counts = facts.rated["rating"].value_counts()
    return [
        cards(
            [
                (
                    "What is in the book?",
                    counted(len(facts.rated), "client"),
                    f"{as_text(int(facts.rated['revenue_cents'].sum()), 'usd')} of collections a year, "
                    f"{counted(int(facts.rated['providers'].sum()), 'provider')}.",
                ),
                (
                    "What did our clients collect?",
                    as_text(cash, "usd"),
                    f"Posted in {facts.book.period.title}; {as_text(int(before['cash_cents'].sum()), 'usd')} the "
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
                    comma_list(f"{int(counts.get(rating, 0))} {rating}" for rating in "ABCD"),
                    RATING_WORDS,
                ),
                (
                    "What needs a decision?",
                    counted(misplaced, "account"),
                    f"{seated}; {counted(len(moved), 'client has', 'clients have')} changed since last month; "
                    f"{counted(len(meetings), 'meeting')} next month.",
                ),
            ]
        )
    ]
