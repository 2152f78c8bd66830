"""One client's month, exhibit by exhibit, in the order in which it is read.

Page one answers five questions; then the balance ties; then seven numbers, what to do next and what came
of the last promises; then the evidence; then what the words mean and where the numbers come from.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Glossary
from ...measures.menu import Measure, named
from ...tables.reference.targets import in_words, targets
from ..blocks import Block, glossary, note
from ..formats import sentence
from ..incomplete import incomplete_note
from ..subject import Subject
from ..tables import Shown, show
from . import answers, denials, money, numbers, outlook, payers
from . import appendix as rest
from .opportunities import opportunities

MEASURES = (
    "cash",
    "charges",
    "cash_due",
    "net_collection_rate_matured",
    "days_in_ar",
    "aging",
    "open_balances",
    "aged_share_90",
    "credit_balances",
    "unapplied_money",
    "initial_denial_rate_claims_remitted",
    "denial_reasons",
    "denial_recovery",
    "disguised_denials",
    "first_pass_resolution_rate",
    "charge_lag",
    "write_offs",
    "denial_write_off_share",
    "whole_dollar_sweeps",
)
"""The measures that stand in a client review, in the order of its appendix."""


CODE_WORDS = {
    "received_on": "day received",
    "submitted_on": "day sent",
    "entered_on": "day entered",
    "service_on": "day of service",
    "posted_on": "day posted",
    "ar_cents": "receivable",
    "days_in_ar": "days in AR",
    "p90_days": "ninth-tenth days",
    r"ledger\.roll_forward": "the roll-forward",
    r"reference/carc_categories\.csv": "the reason list of this package",
}
UNIT_WORDS = {"usd": "US dollars", "rate": "share", "count": "count", "days": "days"}


class ClientReview:
    """The exhibits of one client's month; each gives its blocks."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def answers(self) -> list[Block]:
        """Page one, with a warning when the month looks incomplete or records lack their counterpart."""
        return [*incomplete_note(self.subject), *rest.completeness_note(self.subject), *answers.answers(self.subject)]

    def reconciliation(self) -> list[Block]:
        return money.reconciliation(self.subject)

    def numbers(self) -> list[Block]:
        return numbers.numbers(self.subject)

    def opportunities(self) -> list[Block]:
        return opportunities(self.subject)

    def last_actions(self) -> list[Block]:
        return rest.last_actions(self.subject)

    def work(self) -> list[Block]:
        return rest.follow_up(self.subject)

    def cash(self) -> list[Block]:
        """Charges and payments by month, and what became of settled services."""
        return [*money.cash_and_charges(self.subject), *answers.settled(self.subject)]

    def outlook(self) -> list[Block]:
        """Cash expected in the next months, and how good such outlooks have been."""
        return outlook.whats_to_come(self.subject)

    def aging(self) -> list[Block]:
        return money.aging(self.subject)

    def denials(self) -> list[Block]:
        return denials.denials(self.subject)

    def payers(self) -> list[Block]:
        return payers.payers(self.subject)

    def write_offs(self) -> list[Block]:
        return payers.written_off(self.subject)

    def definitions(self) -> list[Block]:
        """What each measure counts, and published figures with their sources."""
        return [
            glossary_of(MEASURES, more=outlook.TERMS),
            published(self.subject.client.specialty),
            note(
                "Figures that others have published stand in the workbook (sheet published_figures), each "
                "with its source. None is used as a target here."
            ),
        ]

    def provenance(self) -> list[Block]:
        return rest.provenance(self.subject)


def glossary_of(names: tuple[str, ...], more: Sequence[Mapping[str, str]] = ()) -> Glossary:
    """The definitions of these measures, from the catalogue, in the reader's words; then `more`, as they are."""
    return glossary([*(_term(named(name)) for name in names), *more])


def _term(record: Measure) -> dict[str, str]:
    parameters = inspect.signature(record.function).parameters
    fixed = {name: item.default for name, item in parameters.items()} | dict(record.options)
    values = {name: str(value) for name, value in fixed.items() if type(value) is int}

    def words(text: str) -> str:
        return readable(text, values)

    return {
        "name": record.name,
        "title": record.title,
        "unit": UNIT_WORDS.get(record.unit, record.unit),
        "source": words(record.source),
        "formula": f"{words(record.summary)} {sentence(words(statements(record.function)))}. Date basis: "
        f"{words(record.date_basis)}.",
    }


def statements(function: Callable[..., Any]) -> str:
    """The formula of a measure with a semicolon between its statements; the catalogue's joins them with a blank."""
    found = re.search(r"^Formula\n((?:    .*\n?)+)", inspect.getdoc(function) or "", flags=re.MULTILINE)
    lines = [line.strip() for line in found[1].splitlines()] if found else []
    parts: list[str] = []
    for line in lines:
        starts = re.match(r'[\w" ,]{1,40}=', line) or re.match(r"clock ", line)
        if parts and not starts:
            parts[-1] += f" {line}"
        else:
            parts.append(line)
    return "; ".join(part.rstrip(";") for part in parts)


def readable(text: str, values: Mapping[str, str]) -> str:
    """A definition without the marks of the code it was written beside.

    >>> readable("cash_cents = insurance_cents - `takebacks_cents`, in `days` days to `as_of`", {"days": "90"})
    'cash = insurance - takebacks, in 90 days to the as-of day'
    """
    for name, value in values.items():
        bare = rf"\b{name}\b" if "_" in name else rf"\b{name}\b(?=\)| days)"
        text = re.sub(rf"`{name}`|{bare}", value, text)
    text = re.sub(r"\b(as_of|last_day)\b", "the as-of day", text.replace("`", ""))
    for code, words in CODE_WORDS.items():
        text = re.sub(rf"\b{code}\b", words, text)
    text = re.sub(r"(\w)_cents\b", r"\1", text)
    return re.sub(r"(?<=[a-z0-9])_(?=[a-z0-9])", " ", text)


def published(specialty: str | None) -> Block:
    """Figures others have published, each with its source: an annotation, not a target."""
    known = targets(population=specialty or "")
    known = known[known["measure"].isin(MEASURES)].copy()
    known["indicator"] = [named(name).title for name in known["measure"]]
    known["figure"] = [
        in_words(*edges).replace(" %", "%") for edges in zip(known["low"], known["high"], known["unit"], strict=True)
    ]
    order = {name: place for place, name in enumerate(MEASURES)}
    known["place"] = known["measure"].map(order)
    known = known.sort_values("place", kind="stable").reset_index(drop=True)
    return show(
        pd.DataFrame(known),
        [
            Shown("indicator", "Indicator"),
            Shown("figure", "Published figure"),
            Shown("note", "What the source says of it"),
            Shown("source", "Source"),
            Shown("source_date", "Dated"),
        ],
        name="published_figures",
        title="Published figures, for orientation",
        print_it=False,
        definition="None of them is used as a target here: published figures contradict each other and few "
        "can be traced to a survey.",
    )
