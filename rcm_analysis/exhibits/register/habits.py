"""How work is done, as actions: what to prevent, to reopen, to review, to return and to enter sooner."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pandas as pd
import polars as pl

from ...ledger.derived import ANSWERED
from ...measures.collections.lags import charge_lag
from ...measures.collections.written_off import whole_dollar_sweeps
from ...measures.denials.reasons import denial_reasons, disguised_denials
from ...measures.receivable import ar
from ...tables.frames import days_before
from ..formats import as_text, comma_list, counted, day_text, words_of
from .action import (
    CODERS,
    DELAYED,
    DENIED,
    FOLLOW_UP_DAYS,
    HELD,
    NOT_CHARGED,
    POSTERS,
    PROCESS_DAYS,
    WRITTEN_OFF,
    Action,
    Found,
    added,
    due,
    ours,
    severity_of,
)
from .causes import PREVENTION, stages
from .facts import MonthFacts

LATE_ENTRY_DAYS = 5
OLD_CREDIT_DAYS = 60
OLD_DAYS = 120
MOST_STAGES = 3


def disguised(facts: MonthFacts) -> list[Found]:
    """Denials of the last three months that were taken off as if they were contract discounts."""
    found = disguised_denials(facts.tables, period=facts.subject.period.trailing(3), by=["claim_id"])
    rows = found.groupby("claim_id", as_index=False).agg(cents=("amount_cents", "max"))
    return [Found("disguised", partial(_disguised_told, facts), rows)] if len(rows) else []


def _disguised_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    return Action(
        "Reopen denials that were taken off as discounts",
        f"{counted(len(rows), 'claim')} in three months where a denial was posted as a contract discount, or the whole "
        "charge was discounted; nobody works such claims unless they are reopened",
        POSTERS,
        due(facts.subject, FOLLOW_UP_DAYS),
        severity=severity_of(added(rows), facts.subject),
        basis="taken off as discounts",
    )


def sweeps(facts: MonthFacts) -> list[Found]:
    """Old balances written off in whole dollars, in batches: all of twelve months, where the month has one."""
    found = whole_dollar_sweeps(facts.tables, period=facts.subject.period.trailing(12))
    if not (found["posted_on"] >= pd.Timestamp(facts.subject.period.first_day)).any():
        return []
    rows = facts.subject.pandas("transactions")
    rows = rows[(rows["kind"] == "write_off") & (rows["amount_cents"] < 0) & (rows["amount_cents"] % 100 == 0)]
    rows = rows.merge(facts.subject.pandas("claims")[["claim_id", "service_on"]], on="claim_id")
    rows = rows[(rows["posted_on"] - rows["service_on"]).dt.days > OLD_DAYS]
    batches = found[["posted_on", "reason"]].rename(columns={"reason": "batch"})
    rows = rows.merge(batches.assign(posted_on=pd.to_datetime(batches["posted_on"])), on="posted_on")
    rows = rows[(rows["batch"] == "") | (rows["batch"] == rows["reason"].fillna(""))]
    claims = (-rows.groupby("claim_id")["amount_cents"].sum()).rename("cents").reset_index()
    return [Found("sweeps", partial(_sweeps_told, facts, found, int(claims["cents"].sum())), claims)]


def sweeps_words(found: pd.DataFrame, first_day: dt.date) -> str:
    """The batches of twelve months in words, and the dollars of the last month."""
    now = found[found["posted_on"] >= pd.Timestamp(first_day)]
    words = (
        f"{counted(int(found['swept'].sum()), 'write-off')} in whole dollars on services over {OLD_DAYS} days old, "
        f"posted on {counted(len(found), 'day')}"
    )
    if len(now) < len(found):
        words += f" since {as_text(found['posted_on'].min(), 'date')}"
        words += f" ({as_text(int(now['swept_cents'].sum()), 'usd')} in the last month)"
    return words


def _sweeps_told(facts: MonthFacts, found: pd.DataFrame, swept: int, rows: pd.DataFrame) -> Action:
    elsewhere = swept - int(rows["cents"].sum())
    other = (
        f"; {as_text(elsewhere, 'usd')} of them stand in other actions and are not counted here" if elsewhere else ""
    )
    return Action(
        "Review the batch write-offs of old balances",
        f"{sweeps_words(found, facts.subject.period.first_day)}, many more than is usual; ask for the reason and the "
        f"approval of each{other}",
        ours(facts.subject),
        due(facts.subject, FOLLOW_UP_DAYS),
        severity="high",
        basis=WRITTEN_OFF,
    )


def old_credits(facts: MonthFacts) -> list[Found]:
    """Credit balances without a posting for more than sixty days: money of others that we hold.

    Payments on a claim without a charge are no credit: the charge is missing.
    """
    subject = facts.subject
    claim, limit = pl.col("claim_id"), days_before(subject.as_of, OLD_CREDIT_DAYS)
    rows = subject.tables["transactions"].lazy().filter(claim.is_not_null(), ~claim.is_in(list(subject.never_billed)))
    held, last_on = -pl.col("amount_cents").sum(), pl.col("posted_on").max()
    sums = rows.group_by("claim_id", "party").agg(cents=held, last_on=last_on)
    old = sums.filter(pl.col("cents") > 0, pl.col("last_on") < limit).sort("claim_id", "party").collect()
    if old.is_empty():
        return []
    return [Found("credits", partial(_credits_told, facts), old.select("claim_id", "cents").to_pandas())]


def _credits_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    return Action(
        "Return or apply the credit balances over 60 days",
        f"{counted(len(rows), 'credit balance')} without a posting for more than {OLD_CREDIT_DAYS} days; it is money "
        "of patients and payers, and Medicare's must be returned within 60 days of being identified",
        ours(facts.subject),
        due(facts.subject, FOLLOW_UP_DAYS),
        basis=HELD,
    )


def unapplied(facts: MonthFacts) -> list[Found]:
    """Money received that no claim has been given."""
    waiting = int(ar.unapplied_money(facts.tables, as_of=facts.as_of).iloc[0]["unapplied_cents"])
    return [Found("unapplied", partial(_unapplied_told, facts), cents=waiting)] if waiting > 0 else []


def _unapplied_told(facts: MonthFacts, _: pd.DataFrame) -> Action:
    return Action(
        "Apply the money that waits",
        "Received and not yet applied to a claim; until then the claims it belongs to look unpaid",
        POSTERS,
        due(facts.subject, FOLLOW_UP_DAYS),
        basis="money received",
    )


def preventable_denials(facts: MonthFacts) -> list[Found]:
    """Where denials of the last three months can be prevented: the three stages with the most dollars.

    A claim denied for two reasons stands under the one with more dollars.
    """
    period = facts.subject.period.trailing(3)
    found = denial_reasons(facts.tables, period=period, by=["category", "claim_id"])
    found = found.assign(stage=found["category"].map(stages())).dropna(subset=["stage"])
    ordered = found.sort_values(["denied_cents", "category", "claim_id"], ascending=[False, True, True])
    rows = ordered.rename(columns={"denied_cents": "cents"}).drop_duplicates("claim_id")
    most = rows.groupby("stage")["cents"].sum().sort_values(ascending=False, kind="stable").index[:MOST_STAGES]
    return [
        Found("prevent", partial(_preventable_told, facts, str(stage)), rows[rows["stage"] == stage], str(stage))
        for stage in most
    ]


def _preventable_told(facts: MonthFacts, stage: str, rows: pd.DataFrame) -> Action:
    what, owner = PREVENTION[stage]
    kinds = rows.groupby("category").agg(cents=("cents", "sum"), claims=("claim_id", "nunique"))
    kinds = kinds.sort_values("cents", ascending=False, kind="stable").head(3)
    parts = comma_list(
        f"{words_of(name)} {as_text(int(row['cents']), 'usd')} ({counted(int(row['claims']), 'claim')})"
        for name, row in kinds.iterrows()
    )
    return Action(
        what,
        f"Denied in the three months to {facts.subject.as_of_text}, besides the claims of other actions: {parts}",
        owner,
        due(facts.subject, PROCESS_DAYS),
        severity="low" if severity_of(added(rows), facts.subject) == "low" else "medium",
        basis=DENIED,
    )


def right_first_time(facts: MonthFacts) -> list[Found]:
    """Claims of the month stopped by an edit or rejected before a payer judged them."""
    edits, claims = facts.subject.pandas("claim_edits"), facts.subject.pandas("claims")
    day = pd.Timestamp(facts.subject.period.first_day)
    failed = edits[(edits["checked_on"] >= day) & (edits["result"] == "failed")]
    if failed.empty:
        return []
    stopped = failed[["claim_id"]].drop_duplicates().merge(claims[["claim_id", "charge_cents"]], on="claim_id")
    rows = stopped.rename(columns={"charge_cents": "cents"})
    return [Found("right_first_time", partial(_first_time_told, facts, failed), rows)] if len(rows) else []


def _first_time_told(facts: MonthFacts, failed: pd.DataFrame, rows: pd.DataFrame) -> Action:
    own = failed[failed["claim_id"].isin(rows["claim_id"])]
    reasons = own.groupby(own["reason"].fillna("no reason given"))["claim_id"].nunique()
    reasons = reasons.sort_values(ascending=False, kind="stable").head(3)
    words = comma_list(f"{words_of(reason)} ({count})" for reason, count in reasons.items())
    return Action(
        "Send claims right the first time",
        f"{counted(len(rows), 'claim')} of no other action failed a check before any payer judged them; most often: "
        f"{words}",
        CODERS,
        due(facts.subject, PROCESS_DAYS),
        severity="low",
        basis=DELAYED,
    )


def unbilled_visits(facts: MonthFacts) -> list[Found]:
    """Kept visits without a claim: no claim stands behind them, so their dollars are nobody else's."""
    rows = facts.visits_not_billed
    if rows.empty:
        return []
    cents = int(rows["charge_cents"].fillna(0).sum())
    return [Found("unbilled_visits", partial(_unbilled_told, facts), cents=cents or None)]


def _unbilled_told(facts: MonthFacts, _: pd.DataFrame) -> Action:
    rows = facts.visits_not_billed
    first, which = day_text(rows["scheduled_on"].min()), "it" if len(rows) == 1 else "the oldest"
    cents = int(rows["charge_cents"].fillna(0).sum())
    return Action(
        f"Enter the charges of {counted(len(rows), 'kept visit')}, or say why there is none",
        f"No claim yet, though 95% of visits are charged sooner; {which} was on {first}",
        "practice manager",
        due(facts.subject, FOLLOW_UP_DAYS),
        severity=severity_of(cents, facts.subject),
        basis=NOT_CHARGED,
        sheet="unbilled_visits",
        is_asked=True,
    )


def late_charges(facts: MonthFacts) -> list[Found]:
    """Charges of the month entered more than five days after the service, where the day of their entry is on file."""
    claims = facts.subject.pandas("claims")
    claims = claims[claims["submission_id"] != ANSWERED]
    month = claims[claims["entered_on"] >= pd.Timestamp(facts.subject.period.first_day)]
    late = month[(month["entered_on"] - month["service_on"]).dt.days > LATE_ENTRY_DAYS]
    if late.empty:
        return []
    rows = late.rename(columns={"charge_cents": "cents"})
    return [Found("late_charges", partial(_late_told, facts, len(month)), rows)]


def _late_told(facts: MonthFacts, entered: int, rows: pd.DataFrame) -> Action:
    subject = facts.subject
    lag = charge_lag(subject.tables, period=subject.period).iloc[0]
    return Action(
        "Enter charges within five days of the service",
        f"{counted(len(rows), 'claim')} of no other action came later, of {as_text(entered, 'count')} entered in "
        f"{subject.month}; half of all took up to {counted(int(lag['median_days']), 'day')}, one in ten "
        f"{counted(int(lag['p90_days']), 'day')} or more",
        "practice manager",
        due(subject, PROCESS_DAYS),
        severity="low" if severity_of(added(rows), subject) == "low" else "medium",
        basis=DELAYED,
    )
