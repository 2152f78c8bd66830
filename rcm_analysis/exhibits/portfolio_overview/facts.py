"""What the overview of a book is told from."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from ...measures.portfolio import book as book_of
from ...measures.portfolio.ratings import client_ratings
from ..subject import Book


class Facts:
    """A book of clients: its ratings and its changes, computed once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.rated = client_ratings(book.clients)

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
