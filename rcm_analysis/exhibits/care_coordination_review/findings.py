"""What to decide and do in care coordination, as actions of the client's register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd

from ..formats import as_text, counted, day_text, words_of
from ..register.action import FOLLOW_UP_DAYS, PROCESS_DAYS, Action, Found, due, finds, ours
from . import SERVICE
from .facts import Facts

SUPERVISOR, OUTREACH = "program supervisor", "outreach lead"
THEIRS = (SUPERVISOR, OUTREACH)
"""Owners on the side of the program; the rest is ours."""
STEP_WORDS = {
    "given": "the questionnaire is not completed",
    "documented": "not uploaded",
    "uploaded": "not billed by the lead Health Home",
    "lead_billed": "not answered by the payer",
    "paid_to_lead": "paid to the lead Health Home, not passed on",
}


@finds(SERVICE)
def found(facts: Facts) -> list[Found]:
    """What to decide or do: the stopped, the unbilled, the late, the denied, the families to win."""
    return [one for look in LOOKS for one in look(facts)] if is_told(facts) else []


def is_told(facts: Facts) -> bool:
    """Whether any care-coordination record was delivered."""
    return any(facts.subject.rows.get(name, 0) for name in ("referrals", "acuity_months", "care_claims"))


def who_of(facts: Facts, row: dict) -> str:
    return facts.subject.payer_name(row["who"]) if row["stage"] == "lead_billed" else row["who"]


def _ask(kind: str, key: str, what: str, why: str, cents: int, basis: str, owner: str, day: dt.date) -> Found:
    action = Action(what, why, owner, day, basis=basis, is_asked=owner in THEIRS, service=SERVICE)
    return Found(f"care_{kind}", lambda _: action, key=key, cents=cents)


def _ask_unbilled(facts: Facts) -> list[Found]:
    return [
        _ask(
            "unbilled",
            str(row["coordinator"]),
            f"Bill the months of {row['coordinator']}, and find out why they stopped",
            f"{row['not_billed']} of {row['months']} member-months since {as_text(row['onset_month'], 'month')}, where "
            f"{row['expected']:.0f} would be usual",
            int(row["not_billed_cents"]),
            "the published rate",
            SUPERVISOR,
            due(facts.subject, FOLLOW_UP_DAYS),
        )
        for row in facts.unbilled.to_dict("records")
    ]


def _ask_one_day(facts: Facts) -> list[Found]:
    return [
        _ask(
            "one_day",
            str(row["coordinator"]),
            f"Check the months of {row['coordinator']} before an audit does: services on two days, or void the bill",
            f"{row['not_billed']} of {row['months']} billed since {as_text(row['onset_month'], 'month')} have contacts "
            f"on one day alone, where {row['expected']:.0f} would be usual",
            int(row["not_billed_cents"]),
            "the published rate",
            SUPERVISOR,
            due(facts.subject, FOLLOW_UP_DAYS),
        )
        for row in facts.one_day.to_dict("records")
    ]


def _ask_stopped(facts: Facts) -> list[Found]:
    return [
        _ask(
            "stopped",
            f"{row['stage']} {row['who']}",
            f"Call {who_of(facts, row)}: {counted(row['waiting'], 'member-month is', 'member-months are')} "
            f"{STEP_WORDS[row['stage']]}",
            f"Nothing has moved for {counted(row['quiet_days'], 'day')}, since {day_text(row['last_on'].date())}",
            int(row["amount_cents"]),
            "what was billed",
            ours(facts.subject),
            due(facts.subject, FOLLOW_UP_DAYS),
        )
        for row in facts.stopped.to_dict("records")
    ]


def _ask_late(facts: Facts) -> list[Found]:
    stopped = set(zip(facts.stopped["stage"], facts.stopped["who"], strict=True))
    late = facts.on_their_way[facts.on_their_way["is_late"]]
    known = [
        (row.stage, row.payer) in stopped or (row.stage, row.lead_health_home) in stopped for row in late.itertuples()
    ]
    late = late[~pd.Series(known, index=late.index, dtype=bool)]
    return [
        _ask(
            "late",
            str(stage),
            f"Ask for {counted(len(rows), 'member-month', 'member-months')} {STEP_WORDS[str(stage)]}",
            f"The oldest has waited {counted(int(rows['days'].max()), 'day')}",
            int(rows["amount_cents"].sum()),
            "what was billed",
            ours(facts.subject) if stage in ("uploaded", "lead_billed", "paid_to_lead") else SUPERVISOR,
            due(facts.subject, FOLLOW_UP_DAYS),
        )
        for stage, rows in late.groupby("stage")
    ]


def _ask_denied(facts: Facts) -> list[Found]:
    rows = facts.denials(("denial_reason",))
    rows = rows[rows["open_cents"] > 0]
    if rows.empty:
        return []
    worst = rows.sort_values("open_cents").iloc[-1]
    count = int((rows["denied"] - rows["billed_again"]).sum())
    return [
        _ask(
            "denied",
            "",
            f"Correct and bill again what was denied: {counted(count, 'member-month')}",
            f"Most of it {words_of(str(worst['denial_reason']))} ({as_text(int(worst['open_cents']), 'usd')})",
            int(rows["open_cents"].sum()),
            "what was billed",
            SUPERVISOR,
            due(facts.subject, PROCESS_DAYS),
        )
    ]


def _ask_families(facts: Facts) -> list[Found]:
    rows = facts.not_engaged
    if rows.empty:
        return []
    monthly = rows["rate_cents"].sum()
    first = str(rows["source"].iloc[0])
    return [
        _ask(
            "families",
            "",
            f"Win {counted(len(rows), 'eligible family', 'eligible families')} not enrolled yet, those from "
            f"{words_of(first)} first",
            f"Its members begin at the highest rates, {as_text(float(rows['rate_cents'].iloc[0]), 'usd')} a month on "
            "average",
            int(monthly),
            "a month of their senders' usual rates",
            OUTREACH,
            due(facts.subject, PROCESS_DAYS),
        )
    ]


LOOKS: tuple[Callable[[Facts], list[Found]], ...] = (
    _ask_unbilled,
    _ask_one_day,
    _ask_stopped,
    _ask_late,
    _ask_denied,
    _ask_families,
)
