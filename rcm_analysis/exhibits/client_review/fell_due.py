"""What fell due in the month and what became of it: one bar whose pieces add up, and its table by payer."""

from __future__ import annotations

import pandas as pd

from ...blocks.vocabulary import Behind
from ...measures.payers.due import cash_due
from ..blocks import Block, note, split
from ..formats import as_text, counted, whole_dollars
from ..incomplete import patients_untold, untold
from ..subject import Subject
from ..tables import Shown, show, with_total
from .behind import DUE, claims_that_fell_due

PIECES = (
    ("collected_cents", "came in", "strong"),
    ("patient_cents", "patients owe", "medium"),
    ("ordinary_cents", "not answered yet, ordinary waiting", "pale"),
    ("late_cents", "not answered, later than usual", "light"),
    ("refused_or_short_cents", "refused or short", "alert"),
    ("otherwise_cents", "answered otherwise", "neutral"),
)
TOO_EARLY = (
    "Too early to say what should have come in: there is not yet enough history of the payers' answers to know what "
    "fell due this month."
)


def fell_due(subject: Subject) -> pd.DataFrame:
    """What fell due by payer, in pieces that add up to it: cash_due_cents = the columns of `PIECES`.

    Claims answered with neither payment nor refusal, and those that brought more than was reckoned, stand apart in
    `otherwise_cents`, which may be negative.
    """
    due = cash_due(subject.tables, period=subject.period, by=["payer"])
    return due.assign(
        ordinary_cents=due["waiting_cents"] - due["late_cents"],
        refused_or_short_cents=due["refused_cents"] + due["short_cents"],
    )


def pieces(due: pd.DataFrame) -> dict[str, int]:
    """The pieces of the whole in cents, none of them negative: what came beyond what was reckoned is no piece of it.

    A piece that is negative in sum is taken off what came in, so that the pieces still add up to the whole.
    """
    sums = {column: int(due[column].sum()) for column, _, _ in PIECES}
    over = sum(min(0, cents) for column, cents in sums.items() if column != "collected_cents")
    return {
        column: cents + over if column == "collected_cents" else max(0, cents) for column, cents in sums.items()
    } | {"over_cents": -over}


def in_dollars(found: dict[str, int]) -> dict[str, int]:
    """The pieces above zero as a page prints them: whole dollars that add up to the whole in dollars.

    >>> in_dollars({"collected_cents": 150, "late_cents": 150, "otherwise_cents": 0, "over_cents": 9})
    {'collected_cents': 200, 'late_cents': 100}
    """
    there = [column for column, _, _ in PIECES if found.get(column, 0) > 0]
    return dict(zip(there, whole_dollars([found[column] for column in there]), strict=True))


def due_bar(subject: Subject, due: pd.DataFrame) -> list[Block]:
    """The bar, one sentence on what to make of it, and the table by payer for the workbook."""
    if not due["claims"].sum() or due["cash_due_cents"].sum() <= 0:
        return [
            note(untold(subject, "What should have come in this month", "submissions", "remit_claims") or TOO_EARLY)
        ]
    found = pieces(due)
    dollars = in_dollars(found)
    owing = {"patient_cents": "left to patients"} if patients_untold(subject) else {}
    there = [(column, owing.get(column, words), tone) for column, words, tone in PIECES if column in dollars]
    month = subject.period.title
    total = sum(dollars.values())
    return [
        split(
            f"Of {as_text(total, 'usd')} that fell due on {counted(int(due['claims'].sum()), 'insurance claim')} in "
            f"{subject.month}",
            [(words, dollars[column], tone) for column, words, tone in there],
            definition=_sentence(subject, due, found),
            behind=[
                Behind(DUE, "cash_due_cents", sum(found[column] for column, _, _ in there), f"Fell due in {month}"),
                *(Behind(DUE, column, found[column], f"Fell due in {month}: {words}") for column, words, _ in there),
            ],
        ),
        _table(subject, due),
        claims_that_fell_due(subject, [(column, words) for column, words, _ in PIECES]),
    ]


def _sentence(subject: Subject, due: pd.DataFrame, found: dict[str, int]) -> str:
    """What the reader should make of the bar."""
    said = [
        "A claim falls due when half of its payer's answers usually have come. Paid this month or before, it came in; "
        "the rest of the month's cash is from other claims."
    ]
    fight = in_dollars(found).get("refused_or_short_cents", 0)
    if fight:
        worst = due.loc[due["refused_or_short_cents"].idxmax()]
        name, cents = subject.payer_name(worst["payer"]), int(worst["refused_or_short_cents"])
        if cents >= fight:
            most = f", all of it {name}"
        else:
            most = f", most with {name} ({as_text(cents, 'usd')})" if 0 < cents < fight else ""
        said.append(f"The piece to fight for is {as_text(fight, 'usd')}{most}.")
    if found["over_cents"]:
        said.append(f"Another {as_text(found['over_cents'], 'usd')} came in beyond what was reckoned.")
    return " ".join(said)


def _table(subject: Subject, due: pd.DataFrame) -> Block:
    columns = ["cash_due_cents", *(column for column, _, _ in PIECES)]
    rows = subject.with_payer_names(due[due["claims"] > 0]).sort_values("cash_due_cents", ascending=False)
    table, emphasis = with_total(rows[["payer", "claims", *columns]], "payer", ["claims", *columns])
    return show(
        table,
        [
            Shown("payer", "Payer"),
            Shown("claims", "Claims", "count"),
            Shown("cash_due_cents", "Fell due", "usd", exact=True),
            *(Shown(column, words.capitalize(), "usd", exact=True) for column, words, _ in PIECES),
        ],
        name="fell_due",
        title=f"What fell due in {subject.period.title}, by payer",
        emphasis=emphasis,
        print_it=False,
        definition="Each row adds up: fell due = the columns at its right. By contract, else by the payer's own "
        f"history; what came and stood by {subject.as_of_text}. Answered otherwise: neither paid nor refused, or paid "
        "more than was reckoned (then negative). US dollars.",
    )
