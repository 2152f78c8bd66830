"""Further indicators, for the workbook: those that no page of a report prints, each with its formula."""

from __future__ import annotations

import pandas as pd

from ...measures.menu import named
from ...measures.windows import monthly
from ...tables.reference.targets import in_words, targets
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
    "money_taken_back",
)
OF_A_MONTH = {
    "initial_denial_rate_claims_submitted": "the month",
    "initial_denial_rate_dollars_submitted": "the month",
    "primary_denial_rate": "four weeks",
}
"""Those that are defined for one month, or look back by themselves."""
WORDS = {"summary": "What it is", "formula": "Formula", "date_basis": "By", "source": "Source"}


def indicators(facts: Facts) -> Block:
    """Each indicator of the last three months (some of the month, as they are defined), and a year ago."""
    period, began = facts.subject.period, facts.subject.pandas("transactions")["posted_on"].min()
    rows = []
    for name in INDICATORS:
        record = named(name)
        window = period if name in OF_A_MONTH else period.trailing(3)
        options = {"by": ()} if "by" in record.parameters else {}
        found = monthly(record, facts.tables, months=[window.shift(-12), window], **options)[record.value]
        before, now = [None if is_empty(value) else value for value in found]
        if now is not None:
            is_known = began <= pd.Timestamp(window.shift(-12).first_day)
            rows.append(
                {
                    "title": record.title,
                    "now": (now, record.unit),
                    "year_ago": (before if is_known else None, record.unit),
                    "window": OF_A_MONTH.get(name, "three months"),
                    "aims": "; ".join(
                        f"{in_words(row['low'], row['high'], row['unit'])} ({row['source']})"
                        for row in targets(name, population=facts.subject.client.specialty or "").to_dict("records")
                    ),
                    **{part: getattr(record, part) for part in WORDS},
                }
            )
    return show(
        pd.DataFrame(rows, columns=["title", "now", "year_ago", "window", "aims", *WORDS]),
        [
            Shown("title", "Indicator"),
            Shown("now", "Now", MIXED),
            Shown("year_ago", "A year ago", MIXED),
            Shown("window", "Of"),
            Shown("aims", "Figures of others"),
            *(Shown(part, title) for part, title in WORDS.items()),
        ],
        name="further_indicators",
        title=f"Further indicators, to {facts.subject.as_of_text}",
        print_it=False,
        definition="Indicators of which no page speaks, those with data only, over the months that end with this one; "
        "where bills need time to be answered, moved back by whole months until they had it.",
    )
