"""The weekly meeting on two pages: what moved, what is stuck, what is to be decided; then who works what, and what the
last list brought.

Everything is as known on the last day of the week, the review's as-of day. What does not fit on the pages
stands in the workbook, with the whole worklist as a file to work in.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..blocks import Block, note
from ..client_review.review import glossary_of
from ..formats import as_text, counted, words_of
from ..incomplete import incomplete_note
from ..subject import Subject
from ..tables import Shown, show
from . import answers, blockers, decisions, movement
from . import lists as weekly_lists
from .facts import WeekFacts

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
)


class ArWeeklyReview(WeekFacts):
    """The exhibits of one client's week; each gives its blocks."""

    def answers(self) -> list[Block]:
        """Three answers on top: what moved, what is stuck, what is to be decided."""
        return [*incomplete_note(self.subject), *answers.answers(self)]

    def moved(self) -> list[Block]:
        """From the opening to the close of the week, beside the average of the four weeks before."""
        return movement.moved(self)

    def blockers(self) -> list[Block]:
        """What waits for the practice, a payer or us, and the documents asked for with their ages."""
        return blockers.blockers(self)

    def decisions(self) -> list[Block]:
        """Write-offs to approve, escalations, limits within fourteen days, actions overdue."""
        return decisions.decisions(self)

    def lists(self) -> list[Block]:
        """The list of each person for the coming week."""
        return weekly_lists.coming_week(self.subject, self.items)

    def last_list(self) -> list[Block]:
        """What was on the list a week ago, what was done, what it brought."""
        return weekly_lists.last_week(self.subject, self.week)

    def working_file(self) -> list[Block]:
        """The whole worklist, in the workbook only."""
        return weekly_lists.working_file(self.subject, self.items)

    def definitions(self) -> list[Block]:
        """What each measure counts: in the workbook."""
        terms = glossary_of(MEASURES)
        return [replace(terms, print=False)]

    def provenance(self) -> list[Block]:
        """In one line where the numbers come from; the input tables in the workbook."""
        return _provenance(self.subject)


def _provenance(subject: Subject) -> list[Block]:
    last = subject.pandas("transactions")["posted_on"].max()
    rows = [(words_of(name), count, subject.fingerprints[name][:12]) for name, count in subject.rows.items() if count]
    tables = pd.DataFrame(rows, columns=["table", "rows", "fingerprint"])
    return [
        note(
            f"As known on {subject.as_of_text}; the last posting is of {as_text(last, 'date', reason='none')}; "
            f"when the files were read, {counted(len(subject.findings), 'doubt')} about them "
            f"{'was' if len(subject.findings) == 1 else 'were'} noted. The workbook holds the worklist to fill "
            "in, every list and the definitions."
        ),
        show(
            tables,
            [Shown("table", "Table"), Shown("rows", "Rows stored", "count"), Shown("fingerprint", "Fingerprint")],
            name="inputs",
            title="Input tables",
            print_it=False,
            definition="All rows stored for the client, whenever they became known; first twelve characters of "
            "the SHA-256 fingerprint.",
        ),
    ]
