"""What to do with an open item, how long that takes, and why it is on the list, in plain words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ...tables.schema import WORK_ACTIONS
from .settings import WorklistSettings
from .steps import due_words, promised_words

APPEALED = (
    "authorization",
    "referral",
    "medical_necessity",
    "bundling",
    "non_covered",
    "benefit_limit",
    "network_contract",
    "timely_filing",
)
"""Denials of judgement or of rules go to appeal; the others are mended and sent again as a corrected claim."""

GIVE_UP = 0.05
"""An item whose limit is over, or whose chance is below this, is proposed for write-off; a person with authority
decides."""

BY_STATUS = {
    "held": "request_documents",
    "rejected": "resubmit",
    "unbilled": "resubmit",
    "processing": "follow_up",
    "pended": "follow_up",
    "reworked": "follow_up",
    "unpaid_rest": "follow_up",
    "secondary_unbilled": "bill_secondary",
    "denied_again": "appeal",
    "underpaid": "appeal",
    "left_to_patient": "transfer_to_patient",
}
CATEGORY_WORDS = {
    "other_payer": "coordination of benefits",
    "provider_enrolment": "enrollment of the provider",
    "network_contract": "network or contract",
}
assert set(BY_STATUS.values()) <= set(WORK_ACTIONS)


def actions_of(items: pd.DataFrame) -> np.ndarray:
    """The recommended action of every item, one of `schema.WORK_ACTIONS`.

    Formula
        by status; a denial by its category: appeal, or corrected claim. A patient gets the next
        statement while some are left, then a call. What is too late, or has next to no chance, is proposed for
        write-off.
    """
    by_category = np.where(items["category"].isin(APPEALED), "appeal", "corrected_claim")
    is_patient = items["status"] == "patient"
    no_statement = items["statements"].fillna(0) == 0
    action = items["status"].map(BY_STATUS)
    action = action.where(items["status"] != "denied", by_category)
    action = action.where(~is_patient, np.where(no_statement, "statement", "follow_up"))
    hopeless = items["is_late"] | (
        items["status"].isin(("denied", "denied_again")) & (items["chance_to_pay"] < GIVE_UP)
    )
    return action.where(~hopeless, "write_off_request").to_numpy(dtype=object)


def minutes_of(actions: pd.Series, notes: pd.DataFrame, *, as_of: dt.date, settings: WorklistSettings) -> pd.Series:
    """The minutes an action takes: the client's own median of the last year, else the stated ones.

    Unit
        minutes
    """
    since = pd.Timestamp(as_of) - pd.Timedelta(days=365)
    own = (
        notes[(notes["worked_on"] > since) & (notes["minutes"] > 0)]
        .groupby("action")["minutes"]
        .agg(["median", "size"])
    )
    known = own.loc[own["size"] >= settings.fewest_notes, "median"].to_dict()
    return actions.map(dict(settings.minutes) | known).fillna(settings.minutes.get("other", 10.0)).astype(float)


def reasons_of(items: pd.DataFrame) -> list[str]:
    """One sentence an item: what is known, and what follows from it."""
    return [_reason(row) for row in items[list(TOLD)].itertuples(index=False)]


TOLD = (
    *("status", "action", "party", "rate", "category", "carc", "waited", "usual_days", "statements"),
    *("is_due", "is_late", "is_stale", "is_promised", "step_action", "step_on", "step_outcome", "suppressed_until"),
    *("deadline_kind", "deadline_on", "days_left", "short_cents", "short_basis", "rework_action", "hold_reason"),
    *("failed_stage", "failed_reason", "failed_on", "note_on", "entered_on", "since_on", "last_sent_on"),
    *("decided_on", "pended_on", "primary_on", "statement_on", "crosses_over"),
)
"""All that a reason may name."""


def _reason(row: Any) -> str:
    words = (due_words(row) if row.is_due else "") + _WORDS[row.status](row)
    if row.is_late:
        words += f" The limit ended on {_day(row.deadline_on)}"
        words += (
            ": only proof of an earlier filing helps; propose the write-off."
            if row.action == "write_off_request"
            else "."
        )
    elif not pd.isna(row.deadline_on):
        words += f" {_UNTIL[row.deadline_kind]} by {_day(row.deadline_on)} ({row.days_left} days left)."
    elif row.is_stale:
        words += " No limit of this payer is on file, and every usual one is over: ask whether it still counts."
    if row.is_promised:
        words += promised_words(row)
    elif not pd.isna(row.suppressed_until):
        words += f" Nothing to do before {_day(row.suppressed_until)}."
    return words


_UNTIL = {"filing": "File", "appeal": "Appeal or correct it", "secondary_filing": "Send it"}


def _day(day: pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d}"


def _held(row: Any) -> str:
    return (
        f"Held for {row.hold_reason} since {_day(row.note_on)} and never sent: press the client for it, or "
        "ask whether it will ever come."
    )


def _rejected(row: Any) -> str:
    why = f": {row.failed_reason}" if isinstance(row.failed_reason, str) else ""
    return (
        f"Rejected by the {row.failed_stage} on {_day(row.failed_on)}{why}; the payer does not have it. Mend "
        "and send it."
    )


def _unbilled(row: Any) -> str:
    return f"Entered on {_day(row.entered_on)} and never sent, with no hold noted: find out why, and send it."


def _processing(row: Any) -> str:
    if pd.isna(row.last_sent_on):
        sent = "Passed on by the primary" if row.crosses_over is True else "Left to this payer"
        sent = "Entered, with no bill on file," if row.party == "primary" else sent
    else:
        sent = "Sent"
    late = "longer than this payer usually takes" if row.waited > row.usual_days else "within this payer's usual time"
    return (
        f"{sent} {_count(row.waited, 'day')} ago without an answer, {late} "
        f"({_count(row.usual_days, 'day')}): ask whether it is on file."
    )


def _pended(row: Any) -> str:
    return f"The payer keeps it open since {_day(row.pended_on)}: ask what it waits for."


def _reworked(row: Any) -> str:
    what = {"appeal": "Appealed", "corrected_claim": "Sent corrected"}.get(row.rework_action, "Sent again")
    return (
        f"{what} {_count(row.waited, 'day')} ago after the denial{_for(row)}, not answered yet: ask for the decision."
    )


def _denied(row: Any) -> str:
    return (
        f"Denied{_for(row)} on {_day(row.decided_on)} and not worked since; {_share(row.rate)} such denials "
        "are paid when worked."
    )


def _denied_again(row: Any) -> str:
    return (
        f"Denied{_for(row)} again after it was worked (last answer {_day(row.decided_on)}): a second-level "
        "appeal, or propose the write-off."
    )


def _unpaid_rest(row: Any) -> str:
    return (
        f"Answered on {_day(row.decided_on)} without a denial, and a rest is still open with the payer: "
        "check the posting, then ask."
    )


def _left_to_patient(row: Any) -> str:
    return (
        f"Left to the patient by the answer of {_day(row.decided_on)}, and still open with the payer: move "
        "it to the patient."
    )


def _underpaid(row: Any) -> str:
    known = (
        "the contract"
        if row.short_basis == "contract"
        else "what this payer usually allows (inferred, no contract at hand)"
    )
    return f"Paid on {_day(row.decided_on)}, ${int(row.short_cents) // 100:,} short of {known}: ask for the difference."


def _secondary(row: Any) -> str:
    since = "" if pd.isna(row.primary_on) else f" since the primary's answer on {_day(row.primary_on)}"
    return f"Not sent to the {row.party} payer{since}: send it with the primary's remittance."


def _patient(row: Any) -> str:
    if not row.statements:
        return f"Owed by the patient since {_day(row.since_on)} and no statement sent: send one."
    return f"{_count(row.statements, 'statement')} sent, the last on {_day(row.statement_on)}, and not paid: call."


def _for(row: Any) -> str:
    if not isinstance(row.category, str):
        return ""
    words = CATEGORY_WORDS.get(row.category, row.category.replace("_", " "))
    return f" for {words} (code {row.carc})"


def _share(rate: float) -> str:
    return f"{int(rate * 100 + 0.5)} of 100"


def _count(number: float, word: str) -> str:
    return f"{int(number)} {word}{'' if int(number) == 1 else 's'}"


_WORDS: dict[str, Callable[[object], str]] = {
    "patient": _patient,
    "held": _held,
    "rejected": _rejected,
    "unbilled": _unbilled,
    "processing": _processing,
    "reworked": _reworked,
    "denied": _denied,
    "denied_again": _denied_again,
    "pended": _pended,
    "unpaid_rest": _unpaid_rest,
    "underpaid": _underpaid,
    "left_to_patient": _left_to_patient,
    "secondary_unbilled": _secondary,
}
