"""Days that every chart of denials marks: a cause began, a payer changed its prices, claims stopped leaving."""

from __future__ import annotations

import pandas as pd

from ..figures import Event
from ..formats import person, words_of
from ..subject import Subject
from .months import facts_of


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
