"""The meeting with a practice: its agenda, and its minutes with what is carried forward, from the action register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from ...measures.collections.rates import cash
from ...measures.portfolio.book import meeting_calendar
from .. import blocks
from ..blocks import Block, note
from ..client_review.asks import asks
from ..formats import as_text, counted, day_text, sentence, words_of
from ..pages import page
from ..register.action import OPEN, Action
from ..register.months import closed_month, register, whole_register
from ..subject import Subject
from ..tables import Shown, show
from .facts import Facts

MOST = 3
TO_DO = (
    Shown("what", "What"),
    Shown("cents", "At stake", "usd"),
    Shown("owner", "Who"),
    Shown("due", "By", "date"),
    Shown("stands", "Stands"),
)


@page
def agenda(facts: Facts) -> list[Block]:
    """The points of the meeting, the actions carried into it first, and the day of the next one."""
    subject = facts.subject
    close = closed_month(subject)
    carried = [one for one in register(subject) if one.since]
    late = sum(one.due < subject.as_of for one in carried)
    found, asked = [one for one in register(subject) if not one.is_asked][:MOST], asks(subject)[:MOST]
    doubtful = int(subject.relations["is_doubtful"].sum())
    now, before = (
        int(cash(close.tables, period=one)["cash_cents"].iloc[0]) for one in (close.period, close.period.shift(-1))
    )
    points = [
        (
            "Actions of the last meeting",
            f"{counted(len(carried), 'is', 'are')} still open, {late} past the day promised",
        ),
        ("State of the data", f"{doubtful} of the relations between records are broken" if doubtful else "complete"),
        ("Cash", f"{as_text(now, 'usd')} in {close.period.title}, {as_text(before, 'usd')} the month before"),
        *(("Finding", f"{one.title}, {_dollars(one)}") for one in found),
        *(("We need from you", f"{one.title}, {_dollars(one)}") for one in asked),
        ("Decisions", "noted in the minutes with owner and day"),
        ("Next meeting", _next_meeting(subject)),
    ]
    table = pd.DataFrame(
        [(place, *point) for place, point in enumerate(points, start=1)], columns=["no", "point", "what"]
    )
    return [
        show(
            table,
            [Shown("no", "No.", "count"), Shown("point", "Point"), Shown("what", "What stands")],
            name="agenda",
            title=f"Agenda, {day_text(subject.as_of)}",
            definition=f"From the action register at the close of {close.period.title}: the gravest findings, then "
            "what we need from the practice.",
        ),
        *_actions(carried, subject, "carried_into", "Actions carried into the meeting"),
    ]


@page
def minutes(facts: Facts) -> list[Block]:
    """What was decided since the meeting before, and every open action, carried forward with owner and day."""
    subject = facts.subject
    met, since = _meetings(subject)
    decided = _decided(subject, since)
    said = [
        ("Meeting of", day_text(met) if met else f"{day_text(subject.as_of)} (no meeting is recorded)"),
        ("Decisions since", day_text(since)),
        ("Next meeting", _next_meeting(subject)),
    ]
    table = (
        show(
            decided,
            [
                Shown("changed_on", "Noted on", "date"),
                Shown("what", "Action"),
                Shown("decision", "Decision"),
                Shown("owner", "Who"),
                Shown("due_on", "By", "date"),
                Shown("changed_by", "Noted by"),
            ],
            name="decisions_noted",
            title="Decisions",
            definition="Changes to the action register and actions agreed since the meeting before.",
        )
        if len(decided)
        else note(f"No decision was noted since {day_text(since)}.")
    )
    return [
        blocks.facts("Minutes", said),
        table,
        *_actions(register(subject), subject, "carried_forward", "Carried forward"),
    ]


def _meetings(subject: Subject) -> tuple[dt.date | None, dt.date]:
    """The last meeting by the day, and the day after which decisions are its minutes' (of the meeting before it)."""
    rows = subject.pandas("meetings")
    held = sorted({day.date() for day in rows.loc[rows["status"].isin(["held", "scheduled"]), "meets_on"]})
    start = subject.period.first_day - dt.timedelta(days=1)
    return (held[-1] if held else None), (held[-2] if len(held) > 1 else start)


def _decided(subject: Subject, since: dt.date) -> pd.DataFrame:
    """Changes to the register, and agreed actions, of the days after `since`."""
    titles = {one.action_id: one.title for one in whole_register(subject)}
    after = pd.Timestamp(since)
    changes = subject.pandas("action_changes")
    rows = [
        (
            row["changed_on"],
            titles.get(row["action_id"], words_of(row["action_id"].partition(":")[0])),
            "; ".join(str(row[name]) for name in ("status", "outcome", "remark") if isinstance(row[name], str)),
            row["owner"] if isinstance(row["owner"], str) else "",
            row["due_on"],
            row["changed_by"],
        )
        for row in changes[changes["changed_on"] > after].to_dict("records")
    ]
    agreed = subject.pandas("actions")
    rows += [
        (row["opened_on"], row["title"], "agreed", row["owner"], row["due_on"], "")
        for row in agreed[agreed["opened_on"] > after].to_dict("records")
    ]
    found = pd.DataFrame(rows, columns=["changed_on", "what", "decision", "owner", "due_on", "changed_by"])
    days = {name: pd.to_datetime(found[name]) for name in ("changed_on", "due_on")}
    return found.assign(**days).sort_values(["changed_on", "what"], ignore_index=True)


def _actions(actions: Sequence[Action], subject: Subject, name: str, title: str) -> list[Block]:
    rows = pd.DataFrame(
        [
            (one.title, one.amount_cents, sentence(one.owner), pd.Timestamp(one.due), _stands(one, subject))
            for one in actions
            if one.status == OPEN
        ],
        columns=["what", "cents", "owner", "due", "stands"],
    )
    if rows.empty:
        return [note(f"{title}: none.")]
    return [
        show(
            rows,
            TO_DO,
            name=name,
            title=title,
            definition="Open actions of the register, the gravest first; US dollars.",
        )
    ]


def _stands(action: Action, subject: Subject) -> str:
    words = f"open since {as_text(pd.Timestamp(action.since), 'date')}" if action.since else "new"
    return f"{words}, past its day" if action.due < subject.as_of else words


def _dollars(action: Action) -> str:
    return as_text(action.amount_cents, "usd", reason="no dollars known")


def _next_meeting(subject: Subject) -> str:
    """The first day of the cadence after the as-of day; the words of the registry where it names no day."""
    client = subject.client
    frame = pd.DataFrame(
        {"client": [client.client], "meeting_cadence": client.meeting_cadence, "meeting_day": client.meeting_day}
    )
    days = [
        day
        for month in (subject.period, subject.period.shift(1))
        for day in meeting_calendar(frame, period=month)["meets_on"].dropna()
        if day.date() > subject.as_of
    ]
    return day_text(min(days).date()) if days else f"{client.meeting_cadence}, the day is not in the registry"
