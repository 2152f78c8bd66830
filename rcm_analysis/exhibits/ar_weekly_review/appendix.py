"""What the words of a weekly review mean, and where its numbers come from."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..blocks import Block, note
from ..client_review.definitions import glossary_of
from ..formats import as_text, counted, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts

MEASURES = (
    "ar_movement",
    "cash",
    "initial_denial_rate_claims_remitted",
    "credits_and_unapplied",
    "roll_rates",
    "deadlines",
    "holds",
    "document_requests",
    "high_value_accounts",
    "touch_compliance",
    "escalations",
    "recovery_progress",
    "work_results",
    "list_results",
    "flagged_claims",
)


@page
def definitions(facts: Facts) -> list[Block]:
    """What each measure counts: in the workbook."""
    return [replace(glossary_of(MEASURES), print=False)]


@page
def provenance(facts: Facts) -> list[Block]:
    """In one line where the numbers come from; the input tables in the workbook."""
    subject = facts.subject
    last = subject.pandas("transactions")["posted_on"].max()
    tables = pd.DataFrame(
        [
            {"table": words_of(name), "rows": rows, "fingerprint": subject.fingerprints[name][:12]}
            for name, rows in subject.rows.items()
            if rows
        ],
        columns=["table", "rows", "fingerprint"],
    )
    return [
        note(
            f"As known on {subject.as_of_text}; the last posting is of {as_text(last, 'date', reason='none')}; "
            "when the files were "
            f"read, {counted(len(subject.findings), 'doubt')} about them "
            f"{'was' if len(subject.findings) == 1 else 'were'} noted. The workbook holds the worklist to fill "
            "in, every list and the definitions."
        ),
        show(
            tables,
            [Shown("table", "Table"), Shown("rows", "Rows stored", "count"), Shown("fingerprint", "Fingerprint")],
            name="inputs",
            title="Input tables",
            print_it=False,
            definition=(
                "All rows stored for the client, whenever they became known; first twelve characters of "
                "the SHA-256 fingerprint."
            ),
        ),
    ]
