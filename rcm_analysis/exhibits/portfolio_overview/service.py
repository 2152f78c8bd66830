"""How the clients of a book are served: meetings, e-mails and hours as measured, steps done within the days agreed."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient
from ...measures.portfolio.benchmark import denials_beside_others, standing_beside_others
from ...measures.portfolio.client_service import account_effort, meetings_held
from ...measures.portfolio.ratings import client_ratings, rating_falls
from ..blocks import Block, note
from ..formats import sentence, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts

STEPS = {
    "claim_sent": "Claim sent after charge entry",
    "rejection_reworked": "Rejected claim sent again",
    "denial_worked": "Denial first worked",
    "payment_posted": "Remittance posted",
    "message_answered": "Message of the practice answered",
}


@page
def service(facts: Facts) -> list[Block]:
    """The service-level card, meetings held and missed, and the effort that was measured; each where it is recorded."""
    return [*_levels(facts), *_meetings(facts), *_effort(facts)]


@page
def benchmark(facts: Facts) -> list[Block]:
    """Each client's denial rate beside the firm's others, with the limits of chance; nothing where they are too few."""
    found = denials_beside_others(facts.book.tables, period=facts.book.period.trailing(3))
    found = found[found["others_rate"].notna()]
    if found.empty:
        return [
            note(
                "No client is set beside the others: that takes at least five others with 30 claims decided each, none "
                "of them with more than a quarter of the claims."
            )
        ]
    return [
        show(
            _named(facts, found),
            [
                Shown("name", "Client"),
                Shown("remitted_claims", "Claims decided", "count"),
                Shown("denial_rate", "Denied", "rate"),
                Shown("others_rate", "Others together", "rate"),
                Shown("lower", "Chance from", "rate"),
                Shown("upper", "to", "rate"),
                Shown("stands", "Stands"),
            ],
            name="beside_others",
            title="Denial rates beside the firm's other clients",
            definition="First decisions of three months. Chance: what 998 of 1,000 samples of as many claims as the "
            "client's would show at the others' rate. A client may be shown its own row; no other is named in it.",
        ),
        *_standing(facts),
    ]


def _standing(facts: Facts) -> list[Block]:
    """What a client is denied for again and again more than the others are, of the same payers."""
    found = standing_beside_others(facts.book.tables, period=facts.book.period.trailing(12))
    if found.empty:
        return [note("No client was denied twice as often as the others for the same reason all year, payer by payer.")]
    return [
        show(
            _named(facts, found).assign(category=found["category"].map(lambda word: sentence(words_of(word)))),
            [
                Shown("name", "Client"),
                Shown("category", "Denied for"),
                Shown("remitted_claims", "Claims decided", "count"),
                Shown("denied_claims", "Denied", "count"),
                Shown("expected", "Expected", "number"),
                Shown("ratio", "Times as often", "number"),
                Shown("denial_rate", "Rate", "rate"),
                Shown("others_rate", "Others, same payers", "rate"),
            ],
            name="standing_beside_others",
            title="Denied all year more than at the firm's other clients",
            definition="First decisions of twelve months, of payers that five other clients have. Expected: at the "
            "mean of their rates with the same payers. Shown from twice as often in each half of the year, where "
            "chance hardly does it. A client may be shown its own row; no other is named in it.",
        )
    ]


@page
def rating_steps(facts: Facts) -> list[Block]:
    """Ratings that fell, and what follows from it by when; nothing where none fell."""
    if facts.book.clients_earliest is None:
        return []
    book = facts.book
    fallen = rating_falls(book.clients_earliest, book.clients_before, book.clients, as_of=book.as_of)
    if fallen.empty:
        return []
    return [
        show(
            _named(facts, fallen).assign(cadence=fallen["cadence"].fillna("")),
            [
                Shown("name", "Client"),
                Shown("rating_before", "Two months ago"),
                Shown("rating_after", "Now"),
                Shown("cause_by", "Cause noted by", "date"),
                Shown("plan_by", "Plan by", "date"),
                Shown("cadence", "Meetings from now"),
                Shown("review_by", "Staffing and fee reviewed by", "date"),
            ],
            name="rating_falls",
            title="Ratings that fell, and what follows",
            definition="What follows begins with a fall of two letters, or one that stands at two month ends running; "
            "until then the days are empty.",
        )
    ]


def _named(facts: Facts, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(name=[facts.book.name_of(client) for client in rows["client"]])


def _levels(facts: Facts) -> list[Block]:
    book = facts.book
    rows = facts.levels[facts.levels["due"] > 0]
    if rows.empty:
        return [note("No step of the work fell due in the month by its records.")]
    table = rows.groupby(["step", "days"], as_index=False)[["due", "in_time"]].sum()
    rows = _named(facts, rows).assign(words=rows["step"].map(STEPS))
    columns = [
        Shown("words", "Step"),
        Shown("days", "Within, business days", "count"),
        Shown("due", "Due", "count"),
        Shown("in_time", "In time", "count"),
        Shown("in_time_share", "Share", "rate"),
    ]
    definition = (
        f"Steps that began in {book.period.title} and whose business days were over or that were done within them by "
        f"{book.as_of_text}; days as agreed in the registry (service_levels), else our own."
    )
    return [
        show(
            table.assign(words=table["step"].map(STEPS), in_time_share=quotient(table["in_time"], table["due"])),
            columns,
            name="service_levels",
            title="Steps done within the days agreed",
            definition=definition,
        ),
        show(
            rows,
            [Shown("name", "Client"), *columns],
            name="service_levels_by_client",
            title="Steps done within the days agreed, by client",
            definition=definition,
            print_it=False,
        ),
    ]


def _meetings(facts: Facts) -> list[Block]:
    found = meetings_held(facts.book.tables, clients=facts.with_days, period=facts.book.period)
    if found.empty:
        return []
    return [
        show(
            _named(facts, found),
            [
                Shown("name", "Client"),
                Shown("expected", "By cadence", "count"),
                Shown("held", "Held", "count"),
                Shown("by_calendar", "of them by the calendar alone", "count"),
                Shown("missed", "Missed", "count"),
                Shown("cancelled", "Cancelled", "count"),
                Shown("extra", "Beside the cadence", "count"),
            ],
            name="meetings_held",
            title=f"Meetings held and missed in {facts.book.period.title}",
            definition="Days by cadence and meeting day of the registry; a meeting moved by a few days counts. By the "
            "calendar alone: it was not cancelled there, and no log says that it was held. Clients without a record of "
            "any meeting are left out.",
        )
    ]


def _effort(facts: Facts) -> list[Block]:
    found = account_effort(facts.book.tables, period=facts.book.period.trailing(3))
    if found.empty:
        return []
    stated = facts.rated[["client", "name", "emails_per_week", "hours_per_week", "rating"]]
    both = stated.merge(found, on="client", suffixes=("_stated", ""))
    measured = facts.book.clients.drop(columns=["emails_per_week", "hours_per_week"]).merge(found, on="client")
    both = both.merge(client_ratings(measured)[["client", "rating"]], on="client", suffixes=("_stated", ""))
    return [
        show(
            both,
            [
                Shown("name", "Client"),
                Shown("emails_per_week_stated", "E-mails a week, stated", "number"),
                Shown("emails_per_week", "measured", "number"),
                Shown("hours_per_week_stated", "Hours a week, stated", "number"),
                Shown("hours_per_week", "measured", "number"),
                Shown("rating_stated", "Rating as stated"),
                Shown("rating", "as measured"),
            ],
            name="effort_measured",
            title="E-mails and hours, stated and measured",
            definition="Measured: records of three months, e-mails both ways, minutes of contacts and meetings. The "
            "ratings of this report stand on what is stated.",
        )
    ]
