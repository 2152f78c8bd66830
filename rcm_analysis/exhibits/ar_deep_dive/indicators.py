"""Further indicators, for the workbook: those that no page of a report prints, each with its formula."""

from __future__ import annotations

import pandas as pd

from ...measures.menu import named
from ...measures.windows import monthly
from ..blocks import Block
from ..formats import is_empty
from ..tables import MIXED, Shown, show
from .facts import Facts

INDICATORS = (
    "clean_claim_rate",
    "first_pass_acceptance_rate",
    "initial_denial_rate_claims_submitted",
    "initial_denial_rate_dollars_submitted",
    "initial_denial_rate_lines_remitted",
    "primary_denial_rate",
    "missing_remarks",
    "overturn_rate_claims",
    "overturn_rate_dollars",
    "denial_response_days",
    "submission_lag",
    "days_to_pay",
    "underpayment_share",
    "gross_collection_rate_posted",
    "gross_collection_rate_matured",
    "net_collection_rate_posted",
    "provider_level_cash",
)


def indicators(facts: Facts) -> Block:
    """Each indicator over three and over twelve months."""
    period = facts.subject.period
    rows = []
    for name in INDICATORS:
        record = named(name)
        options = {"by": ()} if "by" in record.parameters else {}
        found = monthly(record, facts.tables, months=[period.trailing(3), period.trailing(12)], **options)
        values = [None if is_empty(value) else value for value in found[record.value]]
        if any(value is not None for value in values):
            quarter, year = [(value, record.unit) for value in values]
            rows.append([record.title, quarter, year, record.summary, record.formula, record.date_basis, record.source])
    columns = ["title", "quarter", "year", "summary", "formula", "date_basis", "source"]
    return show(
        pd.DataFrame(rows, columns=columns),
        [
            Shown("title", "Indicator"),
            Shown("quarter", "Three months", MIXED),
            Shown("year", "Twelve months", MIXED),
            Shown("summary", "What it is"),
            Shown("formula", "Formula"),
            Shown("date_basis", "By"),
            Shown("source", "Source"),
        ],
        name="further_indicators",
        title=f"Further indicators, to {facts.subject.as_of_text}",
        print_it=False,
        definition="Indicators of which no page speaks, those with data only. Three and twelve months end with the "
        "month; where bills need time to be answered, they are moved back by whole months until they had it.",
    )
