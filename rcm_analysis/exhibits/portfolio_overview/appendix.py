"""What the words of the overview mean, and where its numbers come from."""

from __future__ import annotations

import pandas as pd

from .. import blocks
from ..blocks import Block, for_the_workbook
from ..client_review.definitions import glossary_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts

MEASURES = (
    "client_ratings",
    "rating_matrix",
    "level_fit",
    "manager_workload",
    "fee_revenue",
    "fee_per_hour",
    "movements",
    "meeting_calendar",
    "meetings_held",
    "account_effort",
    "service_levels",
    "denials_beside_others",
    "rating_falls",
    "cash",
    "days_in_ar",
    "aged_share_90",
    "net_collection_rate_matured",
    "initial_denial_rate_claims_remitted",
)


@page
def definitions(facts: Facts) -> list[Block]:
    """What each measure counts, in the workbook; on paper it stands in the firm's reference document."""
    return for_the_workbook([glossary_of(MEASURES)])


@page
def provenance(facts: Facts) -> list[Block]:
    """Where the numbers come from."""
    rows = pd.DataFrame(
        [
            {
                "name": facts.book.name_of(client),
                "rows": sum(tables.values()),
                "findings": facts.book.findings[client],
                "print": facts.book.fingerprints[client]["transactions"][:12],
            }
            for client, tables in facts.book.rows.items()
        ],
        columns=["name", "rows", "findings", "print"],
    )
    return [
        blocks.facts(
            "Where these numbers come from",
            [
                ("Book", facts.book.manager or "all clients"),
                ("Period", facts.book.period.title),
                ("As of", f"{facts.book.as_of_text}: nothing that became known later is in this report"),
                ("Versions", ", ".join(f"{name} {number}" for name, number in facts.book.versions.items())),
            ],
        ),
        show(
            rows,
            [
                Shown("name", "Client"),
                Shown("rows", "Rows stored", "count"),
                Shown("findings", "Findings at intake", "count"),
                Shown("print", "Fingerprint of the ledger"),
            ],
            name="inputs",
            title="Input tables",
            definition="All rows stored for the client; first twelve characters of the SHA-256 fingerprint "
            "of its ledger.",
        ),
    ]
