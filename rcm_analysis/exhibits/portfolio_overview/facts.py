"""What the overview of a book is told from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import pandas as pd

from ...ledger.completeness import doubtful
from ...measures.collections import rates
from ...measures.denials.rates import initial_denial_rate_claims_remitted
from ...measures.portfolio import book as book_of
from ...measures.portfolio.client_service import service_levels
from ...measures.portfolio.ratings import client_ratings
from ...measures.receivable import ar
from ...periods import Period
from ...tables.frames import one_by_one
from ...tables.store import Tables
from ..client_review.answers import settled_services
from ..subject import Book


class Facts:
    """A book of clients: its ratings and its changes, computed once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.rated = client_ratings(book.clients)
        self.levels = _asked(book)

    @cached_property
    def movements(self) -> pd.DataFrame:
        """Who joined, left or changed since last month."""
        return book_of.movements(self.book.clients_before, self.book.clients)

    @property
    def with_days(self) -> pd.DataFrame:
        """The clients with their meeting day."""
        return self.book.clients.assign(
            meeting_day=[self.book.meeting_days.get(client) for client in self.book.clients["client"]]
        )


def asked_of_each(book: Book) -> list[Callable[..., pd.DataFrame]]:
    """What the overview asks by client, each a measure with its month or day."""
    period, day, by = book.period, book.as_of, ["client"]
    before = period.shift(-1)
    return [
        partial(rates.cash, period=period, by=by),
        partial(rates.cash, period=before, by=by),
        partial(ar.days_in_ar, as_of=day, by=by),
        partial(ar.days_in_ar, as_of=before.last_day, by=by),
        partial(ar.aged_share, as_of=day, by=by),
        partial(rates.net_collection_rate_matured, period=settled_services(period), as_of=day, by=by),
        partial(initial_denial_rate_claims_remitted, period=period.trailing(3), by=by),
        partial(doubts, as_of=day, period=period),
    ]


def doubts(tables: Mapping[str, Any], *, as_of: dt.date, period: Period) -> pd.DataFrame:
    """What is so far missing between the records of each client that its numbers are wrong by as much."""
    return one_by_one(doubtful, tables, as_of=as_of, period=period)


def _asked(book: Book) -> pd.DataFrame:
    """The service levels of all clients, by client and step. Client by client, so that one ledger at a time is open;
    what else the overview asks is kept in each client's summary, too."""
    levels = []
    for client, stored in (getattr(book.tables, "apart", None) or {}).items():
        tables = stored.in_memory()
        one = Tables({}, tables.as_of, apart={client: tables})
        for ask in asked_of_each(book):
            ask(one)
        levels.append(_levels(book, tables, client))
        tables.save()
    return pd.concat(levels, ignore_index=True) if levels else _levels(book, book.tables)


def _levels(book: Book, tables: Mapping[str, Any], client: str = "") -> pd.DataFrame:
    days = dict(book.service_levels.get(client, {}))
    return service_levels(tables, period=book.period, as_of=book.as_of, days=days)
