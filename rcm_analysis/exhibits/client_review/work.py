"""What was done, what waits, what is due: the work log, the action register and the payers' deadlines."""

from __future__ import annotations

import pandas as pd

from ...measures.receivable.delays import document_requests
from ...periods import Period
from ..subject import Subject


def held(period: Period, dates: pd.Series) -> pd.Series:
    """True where a column of days lies in the period (pandas compares days with days only)."""
    return (dates >= pd.Timestamp(period.first_day)) & (dates < pd.Timestamp(period.end))


def work_by_action(subject: Subject) -> pd.DataFrame:
    """The month's notes by what was done: notes, distinct claims, minutes."""
    log = subject.pandas("work_log")
    month = log[held(subject.period, log["worked_on"])]
    out = month.groupby("action").agg(
        notes=("note_id", "size"), claims=("claim_id", "nunique"), minutes=("minutes", "sum")
    )
    return out.sort_values("notes", ascending=False).reset_index()


def waiting_on_client(subject: Subject) -> pd.DataFrame:
    """Claims that wait for an answer of the client, by what they wait for: claims, open dollars, oldest day."""
    asked = document_requests(subject.tables, as_of=subject.as_of)
    out = (
        asked[asked["is_open"]]
        .groupby("hold_reason")
        .agg(claims=("claim_id", "nunique"), open_cents=("open_cents", "sum"), oldest_on=("asked_on", "min"))
    )
    return out.sort_values("open_cents", ascending=False).reset_index()


def agreed_actions(subject: Subject) -> pd.DataFrame:
    """The actions agreed before this month, open in it or closed during it, with their state.

    `state` is done, open or overdue, as of the last day of the period.
    """
    actions = subject.pandas("actions")
    first, last = pd.Timestamp(subject.period.first_day), pd.Timestamp(subject.as_of)
    shown = actions[
        (actions["opened_on"] < first) & (actions["closed_on"].isna() | (actions["closed_on"] >= first))
    ].copy()
    done, late = shown["closed_on"].notna(), shown["due_on"] < last
    shown["state"] = [
        "done" if is_done else "overdue" if is_late else "open" for is_done, is_late in zip(done, late, strict=True)
    ]
    order = shown["state"].map({"overdue": 0, "open": 1, "done": 2})
    return (
        shown.assign(order=order)
        .sort_values(["order", "due_on", "action_id"])
        .drop(columns="order")
        .reset_index(drop=True)
    )


def new_actions(subject: Subject) -> pd.DataFrame:
    """The actions agreed during this month."""
    actions = subject.pandas("actions")
    shown = actions[held(subject.period, actions["opened_on"])]
    return shown.sort_values(["due_on", "action_id"]).reset_index(drop=True)
