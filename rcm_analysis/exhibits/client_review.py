"""One client's month, exhibit by exhibit, in the order in which it is read.

Page one answers five questions; then the balance ties; then seven numbers, what to do next and what came
of the last promises; then the evidence; then what the words mean and where the numbers come from.
"""

from __future__ import annotations

import pandas as pd

from ..measures.catalogue import glossary as definitions_of
from ..measures.catalogue import measure
from ..reference.targets import in_words, targets
from . import review_answers, review_denials, review_money, review_numbers, review_payers, review_rest
from .blocks import Block, glossary
from .opportunities import opportunities
from .subject import Subject
from .tables import Shown, show

MEASURES = (
    "cash", "charges", "cash_due", "net_collection_rate_matured", "days_in_ar", "aging", "open_balances", "aged_share_90",
    "credit_balances", "unapplied_money", "initial_denial_rate_claims_remitted", "denial_reasons", "denial_recovery",
    "disguised_denials", "first_pass_resolution_rate", "charge_lag", "write_offs", "denial_write_off_share", "whole_dollar_sweeps",
)
"""The measures that stand in a client review, in the order of its appendix."""


class ClientReview:
    """The exhibits of one client's month; each gives its blocks."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def answers(self) -> list[Block]:
        """Page one, with a warning when the month looks incomplete."""
        return [*review_rest.completeness_note(self.subject), *review_answers.answers(self.subject)]

    def reconciliation(self) -> list[Block]:
        return review_money.reconciliation(self.subject)

    def numbers(self) -> list[Block]:
        return review_numbers.numbers(self.subject)

    def opportunities(self) -> list[Block]:
        return opportunities(self.subject)

    def last_actions(self) -> list[Block]:
        return review_rest.last_actions(self.subject)

    def work(self) -> list[Block]:
        return review_rest.follow_up(self.subject)

    def cash(self) -> list[Block]:
        """Charges and payments by month, and what became of settled services."""
        return [*review_money.cash_and_charges(self.subject), *review_answers.settled(self.subject)]

    def aging(self) -> list[Block]:
        return review_money.aging(self.subject)

    def denials(self) -> list[Block]:
        return review_denials.denials(self.subject)

    def payers(self) -> list[Block]:
        return review_payers.payers(self.subject)

    def write_offs(self) -> list[Block]:
        return review_payers.written_off(self.subject)

    def limits(self) -> list[Block]:
        return review_rest.limits(self.subject)

    def definitions(self) -> list[Block]:
        """What each measure counts, and published figures with their sources."""
        return [glossary_of(MEASURES), published(self.subject.client.specialty)]

    def provenance(self) -> list[Block]:
        return review_rest.provenance(self.subject)


def glossary_of(names: tuple[str, ...]) -> Block:
    """The definitions of these measures, from the catalogue."""
    return glossary([
        {
            "name": row["name"], "title": row["title"], "formula": f"{row['definition']} {row['formula']} (date basis: {row['date_basis']})",
            "unit": row["unit"], "source": row["source"],
        }
        for row in definitions_of(names).to_dict("records")
    ])


def published(specialty: str | None) -> Block:
    """Figures others have published, each with its source: an annotation, not a target."""
    known = targets(population=specialty or "")
    known = known[known["measure"].isin(MEASURES)].copy()
    known["indicator"] = [measure(name).title for name in known["measure"]]
    known["figure"] = [in_words(*edges).replace(" %", "%") for edges in zip(known["low"], known["high"], known["unit"], strict=True)]
    order = {name: place for place, name in enumerate(MEASURES)}
    known = known.assign(place=known["measure"].map(order)).sort_values("place", kind="stable").reset_index(drop=True)
    return show(
        pd.DataFrame(known), [
            Shown("indicator", "Indicator"), Shown("figure", "Published figure"), Shown("note", "What the source says of it"),
            Shown("source", "Source"), Shown("source_date", "Dated"),
        ],
        name="published_figures", title="Published figures, for orientation",
        definition="None of them is used as a target here: published figures contradict each other and few can be traced to a survey.",
    )
