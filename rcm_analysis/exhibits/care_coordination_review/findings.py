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
    return _of_coordinators(
        facts,
        facts.unbilled,
        "unbilled",
        "Bill the months of {coordinator}, and find out why they stopped",
        "{not_billed} of {months} member-months since {since}, where {expected:.0f} would be usual",
    )


def _ask_one_day(facts: Facts) -> list[Found]:
    return _of_coordinators(
        facts,
        facts.one_day,
        "one_day",
        "Check the months of {coordinator} before an audit does: services on two days, or void the bill",
        "{not_billed} of {months} billed since {since} have contacts on one day alone, where {expected:.0f} would be "
        "usual",
    )


def _of_coordinators(facts: Facts, rows: pd.DataFrame, kind: str, what: str, why: str) -> list[Found]:
    """An ask for each coordinator whose months came to stand otherwise than usual."""
    told = [row | {"since": as_text(row["onset_month"], "month")} for row in rows.to_dict("records")]
    return [
        _ask(
            kind,
            str(row["coordinator"]),
            what.format_map(row),
            why.format_map(row),
            int(row["not_billed_cents"]),
            "the published rate",
            SUPERVISOR,
            due(facts.subject, FOLLOW_UP_DAYS),
        )
        for row in told
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
