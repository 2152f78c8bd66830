"""What was done, what waits, what is due: the work log, the action register and the payers' deadlines."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from ..periods import Period
from .subject import Subject

FOLLOWED_UP_DAYS = 60
"""A payment counts as following our work when the claim was worked in the days before it was posted."""

HORIZON_DAYS = 30
"""How far ahead a deadline is announced."""


def held(period: Period, dates: pd.Series) -> pd.Series:
    """True where a column of days lies in the period (pandas compares days with days only)."""
    return (dates >= pd.Timestamp(period.first_day)) & (dates < pd.Timestamp(period.end))


def open_by_claim(subject: Subject) -> pd.DataFrame:
    """Open debit balance of each claim: `claim_id`, `insurance_cents`, `patient_cents`, `open_cents`."""
    rows = subject.pandas("transactions").dropna(subset=["claim_id"])
    rows = rows.assign(part=rows["party"].eq("patient").map({True: "patient_cents", False: "insurance_cents"}))
    sums = rows.pivot_table(index="claim_id", columns="part", values="amount_cents", aggfunc="sum",
        fill_value=0)
    sums = sums.reindex(columns=["insurance_cents", "patient_cents"], fill_value=0).clip(lower=0)
    sums["open_cents"] = sums["insurance_cents"] + sums["patient_cents"]
    return sums[sums["open_cents"] > 0].reset_index().rename_axis(columns=None)


def work_done(subject: Subject) -> dict[str, int]:
    """The month's follow-up in counts, and the dollars that came in behind it.

    `claims` are distinct claims; `recovered_cents` are payments posted in the period on claims that
    had been worked in the 60 days before the posting (the day itself included).
    """
    log = subject.pandas("work_log")
    month = log[held(subject.period, log["worked_on"])]
    counts = {action: int((month["action"] == action).sum())
        for action in ("appeal", "corrected_claim", "resubmit", "bill_secondary")}
    return {
        "notes": len(month), "claims": int(month["claim_id"].nunique()),
        "overturned": int(month.loc[month["outcome"] == "overturned", "claim_id"].nunique()),
        "recovered_cents": _recovered(subject, log), **counts,
    }


def _recovered(subject: Subject, log: pd.DataFrame) -> int:
    paid = subject.pandas("transactions").query("kind == 'payment'").dropna(subset=["claim_id"])
    paid = paid[held(subject.period, paid["posted_on"])]
    both = paid.merge(log[["claim_id", "worked_on"]], on="claim_id")
    waited = (both["posted_on"] - both["worked_on"]).dt.days
    hit = both.loc[waited.between(0, FOLLOWED_UP_DAYS), "transaction_id"].unique()
    return -int(paid.loc[paid["transaction_id"].isin(hit), "amount_cents"].sum())


def work_by_action(subject: Subject) -> pd.DataFrame:
    """The month's notes by what was done: notes, distinct claims, minutes."""
    log = subject.pandas("work_log")
    month = log[held(subject.period, log["worked_on"])]
    out = month.groupby("action").agg(notes=("note_id", "size"), claims=("claim_id", "nunique"),
        minutes=("minutes", "sum"))
    return out.sort_values("notes", ascending=False).reset_index()


def waiting_on_client(subject: Subject) -> pd.DataFrame:
    """Claims whose last note waits for the client, by what they wait for: claims, open dollars, oldest day."""
    log = subject.pandas("work_log").sort_values(["worked_on", "note_id"])
    last = log.groupby("claim_id", as_index=False).tail(1)
    last = last[last["outcome"] == "waiting_on_client"].merge(open_by_claim(subject), on="claim_id")
    last["hold_reason"] = last["hold_reason"].fillna("other")
    out = last.groupby("hold_reason").agg(
        claims=("claim_id", "nunique"), open_cents=("open_cents", "sum"), oldest_on=("worked_on", "min")
    )
    return out.sort_values("open_cents", ascending=False).reset_index()


def agreed_actions(subject: Subject) -> pd.DataFrame:
    """The actions agreed before this month, open in it or closed during it, with their state.

    `state` is done, open or overdue, as of the last day of the period.
    """
    actions = subject.pandas("actions")
    first, last = pd.Timestamp(subject.period.first_day), pd.Timestamp(subject.as_of)
    shown = actions[(actions["opened_on"] < first) & (
        actions["closed_on"].isna() | (actions["closed_on"] >= first))].copy()
    done, late = shown["closed_on"].notna(), shown["due_on"] < last
    shown["state"] = ["done" if is_done else "overdue" if is_late else "open"
        for is_done, is_late in zip(done, late, strict=True)]
    order = shown["state"].map({"overdue": 0, "open": 1, "done": 2})
    return shown.assign(order=order).sort_values(["order", "due_on", "action_id"]).drop(
        columns="order").reset_index(drop=True)


def new_actions(subject: Subject) -> pd.DataFrame:
    """The actions agreed during this month."""
    actions = subject.pandas("actions")
    shown = actions[held(subject.period, actions["opened_on"])]
    return shown.sort_values(["due_on", "action_id"]).reset_index(drop=True)


def rules_in_force(subject: Subject) -> pd.DataFrame:
    """Each payer's filing and appeal limits as in force on the as-of day."""
    rules, day = subject.pandas("payer_rules"), pd.Timestamp(subject.as_of)
    held = rules[(rules["effective_from"] <= day) & (
        rules["effective_to"].isna() | (rules["effective_to"] >= day))]
    return held.sort_values("effective_from").groupby("payer", as_index=False).tail(1)


def filing_deadlines(subject: Subject) -> pd.DataFrame:
    """Insurance claims never sent, whose filing limit ends within 30 days.

    One row per claim: `claim_id`, `payer`, `open_cents`, `deadline_on`.
    """
    claims, sent = subject.pandas("claims"), subject.pandas("submissions")
    unsent = claims[~claims["claim_id"].isin(sent["claim_id"])]
    unsent = unsent.merge(open_by_claim(subject), on="claim_id").merge(
        rules_in_force(subject)[["payer", "filing_limit_days"]], on="payer"
    )
    unsent["deadline_on"] = unsent["service_on"] + pd.to_timedelta(unsent["filing_limit_days"], unit="D")
    return _soon(unsent, subject.as_of)[["claim_id", "payer", "open_cents", "deadline_on"]]


def appeal_deadlines(subject: Subject, denied: pd.DataFrame) -> pd.DataFrame:
    """Denied claims still open and not appealed, whose appeal limit ends within 30 days.

    `denied` has `claim_id`, `payer` and `denied_on`, one row per claim denied at first.
    """
    log = subject.pandas("work_log")
    appealed = log.loc[log["action"] == "appeal", "claim_id"]
    open_ = open_by_claim(subject)
    left = denied[~denied["claim_id"].isin(appealed)].merge(open_[open_["insurance_cents"] > 0], on="claim_id")
    left = left.merge(rules_in_force(subject)[["payer", "appeal_limit_days"]], on="payer")
    left["deadline_on"] = pd.to_datetime(left["denied_on"]) + pd.to_timedelta(left["appeal_limit_days"],
        unit="D")
    return _soon(left, subject.as_of)[["claim_id", "payer", "insurance_cents", "deadline_on"]]


def _soon(rows: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    today = pd.Timestamp(as_of)
    ahead = rows["deadline_on"].between(today, today + pd.Timedelta(days=HORIZON_DAYS))
    return rows[ahead].sort_values(["deadline_on", "claim_id"]).reset_index(drop=True)


def cash_posted(subject: Subject, period: Period) -> dict[str, Any]:
    """Payments posted in the period: `total_cents`, `insurance_cents`, `patient_cents`, `postings`."""
    paid = subject.pandas("transactions").query("kind == 'payment'")
    paid = paid[held(period, paid["posted_on"])]
    by_patient = paid["party"] == "patient"
    return {
        "total_cents": -int(paid["amount_cents"].sum()), "postings": len(paid),
        "insurance_cents": -int(paid.loc[~by_patient, "amount_cents"].sum()),
        "patient_cents": -int(paid.loc[by_patient, "amount_cents"].sum()),
    }
