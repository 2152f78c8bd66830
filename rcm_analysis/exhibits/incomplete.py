"""Records without their counterpart on a client's pages: the strip, the warning on page one, and advice held back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..measures.receivable.sending import cannot_tell
from .blocks import Block, note
from .formats import as_text, comma_list, counted, sentence
from .subject import Subject
from .tables import Shown, show

BILLED = ("paid_never_billed", "posted_without_claim", "id_forms")
PAID = ("same_money_twice", "same_answer_twice", "other_practice", "posted_otherwise")
SENT = ("not_in_837", "id_forms")
ANSWERED = ("id_forms", "answered_never_billed", "unposted", "other_practice")
"""The relations on which advice rests: on credits (BILLED and PAID), on claims to send, on claims to ask about."""


def advises(subject: Subject, rests_on: Sequence[str]) -> bool:
    """True where none of these relations is broken so far that advice would be about phantom dollars."""
    found = subject.relations
    return not found.loc[found["relation"].isin(rests_on), "is_doubtful"].any()


def incomplete_note(subject: Subject) -> list[Block]:
    """Page one: what is missing between the records, and that nothing is advised on it; nothing where all is there."""
    found = subject.relations[subject.relations["is_doubtful"]]
    if found.empty:
        return []
    return [
        note(
            f"The records are not complete: {comma_list(_words(row) for row in found.to_dict('records'))}. "
            "Balances, credits and rates are wrong by as much, so nothing is advised here on these dollars "
            "until the records are complete.",
            tone="warning",
        )
    ]


COMPARED = {"claims": "claims", "submissions": "claim files", "remit_claims": "remittances", "transactions": "postings"}
NOT_PAID_ON_FILE = "nothing is on file of what patients paid"


def patients_untold(subject: Subject) -> bool:
    """Whether what is left to patients stands open because nothing is on file of what they paid."""
    found = subject.relations.set_index("relation")["is_broken"]
    return bool(found.get("left_to_patients", False))


ABSENT = {
    "work_log": "no work log is on file",
    "remit_claims": "no remittance is on file",
    "submissions": "none of the office's bills is on file",
    "payer_rules": "no payer's limits are on file",
}


def untold(subject: Subject, what: str, *tables: str) -> str:
    """Why nothing can be said of something that only these kinds of records tell; empty where each is on file.

    To be asked before "nothing was found" is said: what nobody has recorded cannot be seen.
    """
    missing = [ABSENT[table] for table in tables if not subject.holds(table)]
    return f"{what} cannot be told: {comma_list(missing)}." if missing else ""


def limits_untold(subject: Subject) -> str:
    """Which time limits nobody can tell, for want of the payers' rules, of the office's bills or of remittances."""
    unknown = untold(subject, "Limits to file and to appeal", "payer_rules")
    if unknown:
        return unknown
    filing = cannot_tell(subject.tables, as_of=subject.as_of)
    of_bills = "Limits to file cannot be told: the office's bills are not on file." if filing else ""
    return " ".join(filter(None, [of_bills, untold(subject, "Limits to appeal", "remit_claims")]))


def sending_note(subject: Subject) -> list[Block]:
    """Beside what waits: that nobody can say what never left, where the office's bills are not on file."""
    if not cannot_tell(subject.tables, as_of=subject.as_of):
        return []
    return [
        note(
            "Which claims were never sent cannot be told here: the office's bills are not on file, or too few of them. "
            "Its claim files (837) would tell."
        )
    ]


def _words(row: dict[str, Any]) -> str:
    """One broken relation: to date, and in the month where its share is larger there."""
    is_of_month = pd.notna(row["month_share"]) and not row["month_share"] <= row["share"]
    part, where = ("month_", " in the month") if is_of_month else ("", "")
    cents = row["month_cents"] if is_of_month else row["amount_cents"]
    what = f"{counted(row[f'{part}count'], row['unit'])} {row['what']}{where}"
    share = row[f"{part}share"]
    of_all = f", {as_text(share, 'rate')} of {row['whole']}" if pd.notna(share) else ""
    return f"{what} ({as_text(cents, 'usd')}{of_all})"


def strip(subject: Subject) -> list[Block]:
    """Each broken relation with count and dollars; one line where all of them hold."""
    found = subject.relations
    broken, asked = found[found["is_broken"]].reset_index(drop=True), int(found["is_asked"].sum())
    if broken.empty:
        compared = [words for table, words in COMPARED.items() if subject.holds(table)]
        return [
            note(
                f"{sentence(comma_list(compared))} were compared in {counted(asked, 'way')}: no record lacks its "
                "counterpart beyond what is usual."
            )
        ]
    rows = broken.assign(
        words=[f"{sentence(row.unit)}s {row.what} (share of {row.whole})" for row in broken.itertuples()]
    )
    return [
        show(
            rows,
            [
                Shown("words", "Records without their counterpart"),
                Shown("count", "Number", "count"),
                Shown("amount_cents", "Amount", "usd", exact=True),
                Shown("share", "Share", "rate"),
                Shown("month_cents", f"Of it in {subject.month}", "usd", exact=True),
            ],
            name="incomplete",
            title=f"Records without their counterpart, as of {subject.as_of_text}",
            definition="Sizes of the amounts, to date. Two lines may be about the same dollars, so they are not added "
            "up. We keep the list of the records behind each line. US dollars and cents.",
        )
    ]
