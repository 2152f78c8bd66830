"""Days that every chart of denials marks: a cause began, a payer changed its prices, claims stopped leaving."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from ..formats import comma_list, person, words_of
from ..subject import Subject
from .months import facts_of


class Event(NamedTuple):
    """A day, and what is known to have happened on it."""

    day: dt.date
    what: str

    @property
    def words(self) -> str:
        """The event as the sentence under a chart names it.

        >>> Event(dt.date(2026, 7, 28), "documentation denials began (Site 03)").words
        'Jul 28, documentation denials began (Site 03)'
        """
        return f"{self.day:%b} {self.day.day}, {self.what}"


def denial_events(subject: Subject, *, since: pd.Timestamp) -> list[Event]:
    """The known days from `since` on, in their order, each once."""
    facts = facts_of(subject)
    found = [
        Event(
            row["onset_on"].date(),
            f"{words_of(row['category'])} denials began"
            + (f" ({place})" if (place := row["location"] or person(row["provider"])) else "")
            + (f" by {subject.payer_name(row['payer'])}" if row["payer"] else ""),
        )
        for row in facts.systemic.to_dict("records")
    ]
    for payer, rows in facts.new_prices.groupby("payer"):
        found.append(Event(rows["changed_on"].min().date(), f"new prices of {subject.payer_name(str(payer))}"))
    found += [Event(row["onset_on"].date(), "no claim left") for row in facts.outages.to_dict("records")]
    return [one for one in sorted(dict.fromkeys(found)) if one.day >= since.date()]


def marked(events: list[Event]) -> str:
    """The sentence that says what the lines of a chart mark; empty without one.

    >>> marked([Event(dt.date(2026, 7, 28), "no claim left")]), marked([])
    (' Marked: Jul 28, no claim left.', '')
    """
    return f" Marked: {comma_list(one.words for one in events)}." if events else ""
