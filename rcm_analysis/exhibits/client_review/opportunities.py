"""What to do next: each opportunity with its dollars, its owner and its date, computed from the tables.

Every function looks for one kind of loss and returns no finding, one, or a few. Dollars are what is at
stake, not a promise; where an amount is a charge and not an expected payment, the sentence says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl

from ...measures.collections import lags
from ...measures.collections.written_off import whole_dollar_sweeps
from ...measures.denials.reasons import denial_reasons, disguised_denials
from ...measures.receivable import ar
from ...models.cash.collectable import collectable_value
from ...tables.frames import days_before
from ...tables.reference.carc import carc_categories
from ...tables.schema import PARTIES
from ..blocks import Block, Finding, finding, findings, note
from ..formats import as_text, comma_list, counted, words_of
from ..incomplete import ANSWERED, BILLED, PAID, SENT, advises
from ..pages import page
from ..subject import Subject
from .work import due_soon, held

MOST = 10
LATE_ENTRY_DAYS = 5
OLD_CREDIT_DAYS = 60
FOLLOW_UP_DAYS = 14
PROCESS_DAYS = 30

PREVENTION = {
    "registration": ("Check insurance before the visit", "front desk"),
    "authorization": ("Ask for authorization before the visit", "front desk"),
    "clinical": ("Record in the notes why the service was needed", "physicians"),
    "documentation": ("Send complete notes with the claim", "physicians"),
    "coding": ("Review the codes before the claim goes out", "our coders"),
    "billing": ("Send claims in time, and once", "our billers"),
    "credentialing": ("Bring the payer enrolments up to date", "practice manager"),
    "contracting": ("Raise the contract terms with the payer", "practice manager"),
}
"""Stage at which a denial is prevented -> (what to do, who does it)."""


@page
def opportunities(subject: Subject) -> list[Block]:
    """The list, most urgent first, at most ten."""
    found = [item for look in LOOKS if advises(subject, RESTS_ON.get(look, ())) for item in look(subject)]
    if not found:
        return [note(f"No process improvement with dollars behind it was found in {subject.period.title}.")]
    rank = {"high": 0, "medium": 1, "low": 2}
    found.sort(key=lambda item: (rank[item.severity], -(item.amount_cents or 0), item.title))
    blocks = [findings("Process-improvement opportunities", found[:MOST])]
    if len(found) > MOST:
        blocks.append(note(f"{counted(len(found) - MOST, 'smaller opportunity', 'smaller opportunities')} left out."))
    return blocks


def due(subject: Subject, days: int) -> dt.date:
    """A promise made at the end of the month, `days` days ahead."""
    return subject.as_of + dt.timedelta(days=days)


def ours(subject: Subject) -> str:
    """Who answers for our side."""
    return subject.client.assigned_to or "client manager"


def severity_of(cents: int, subject: Subject) -> str:
    """High from one percent of the client's annual collections, low below a tenth of that."""
    yearly = subject.client.revenue_cents
    if yearly <= 0:
        return "medium"
    return "high" if cents * 100 >= yearly else "low" if cents * 1000 < yearly else "medium"


def deadlines(subject: Subject) -> list[Finding]:
    """Filing and appeal limits that end within thirty days."""
    found = []
    soon = due_soon(subject)
    unsent, late = (soon[soon["kind"] == kind] for kind in ("filing", "appeal"))
    if len(unsent):
        first = unsent["deadline_on"].min()
        found.append(
            finding(
                f"Send {counted(len(unsent), 'claim')} before the filing limit",
                f"Never accepted by the payer, whose filing limit ends within 30 days, the "
                f"first on {as_text(first, 'date')}. Charges are at stake; after the limit they cannot be "
                f"collected.",
                amount_cents=int(unsent["open_cents"].sum()),
                owner="our billers",
                due=first,
                severity="high",
            )
        )
    if len(late):
        first = late["deadline_on"].min()
        payers = comma_list(sorted({subject.payer_name(payer) for payer in late["payer"]})[:3])
        found.append(
            finding(
                f"Appeal {counted(len(late), 'denied claim')} before the limit",
                f"Denied by {payers}, still open and not appealed; the limit of the first "
                f"one ends on {as_text(first, 'date')}. Open charges are shown.",
                amount_cents=int(late["open_cents"].sum()),
                owner=ours(subject),
                due=first,
                severity="high",
            )
        )
    return found


def rejected_claims(subject: Subject) -> list[Finding]:
    """Claims stopped by an edit or rejected before a payer judged them."""
    edits, claims = subject.pandas("claim_edits"), subject.pandas("claims")
    failed = edits[held(subject.period, edits["checked_on"]) & (edits["result"] == "failed")]
    if failed.empty:
        return []
    stopped = failed.drop_duplicates("claim_id").merge(claims[["claim_id", "charge_cents"]], on="claim_id")
    reasons = (
        failed.groupby(failed["reason"].fillna("no reason given"))["claim_id"]
        .nunique()
        .sort_values(ascending=False)
        .head(3)
    )
    words = comma_list(f"{words_of(reason)} ({count})" for reason, count in reasons.items())
    return [
        finding(
            "Send claims right the first time",
            f"{counted(len(stopped), 'claim')} failed a check before any payer judged them; most often: {words}. "
            "Their charges were delayed, not lost.",
            amount_cents=int(stopped["charge_cents"].sum()),
            owner="our coders",
            due=due(subject, PROCESS_DAYS),
            severity="low",
        )
    ]


def late_charges(subject: Subject) -> list[Finding]:
    """Charges entered more than five days after the service."""
    claims = subject.pandas("claims")
    month = claims[held(subject.period, claims["entered_on"])]
    late = month[(month["entered_on"] - month["service_on"]).dt.days > LATE_ENTRY_DAYS]
    if late.empty:
        return []
    lag = lags.charge_lag(subject.tables, period=subject.period).iloc[0]
    return [
        finding(
            "Enter charges within five days of the service",
            f"{counted(len(late), 'claim')} of {as_text(len(month), 'count')} entered in {subject.month} came "
            f"later; "
            f"half of all took up to {counted(int(lag['median_days']), 'day')}, one in ten "
            f"{counted(int(lag['p90_days']), 'day')} or more. Charges are shown: each day of delay is a day "
            f"without cash.",
            amount_cents=int(late["charge_cents"].sum()),
            owner="practice manager",
            due=due(subject, PROCESS_DAYS),
            severity="medium",
        )
    ]


def aged_insurance(subject: Subject) -> list[Finding]:
    """Insurance balances over 120 days, with the payer that owes most of them."""
    aged = ar.aging(subject.tables, as_of=subject.as_of, parties=PARTIES[:3], by=["payer"])
    old = aged[(aged["bucket"] == ar.BUCKETS[-1]) & (aged["ar_cents"] > 0)].sort_values("ar_cents", ascending=False)
    if old.empty:
        return []
    total, most = int(old["ar_cents"].sum()), old.iloc[0]
    cash = _expected_cash(subject, total)
    worth = (
        f"Expected cash is shown, of {as_text(total, 'usd')} of charges."
        if cash
        else "Charges are shown: what such balances bring is not known yet."
        if cash is None
        else "Charges are shown: such balances have brought next to nothing so far."
    )
    return [
        finding(
            "Work the insurance balances over 120 days",
            f"{counted(int(old['claims'].sum()), 'balance')} from services more than 120 days before "
            f"{subject.as_of_text}; "
            f"{subject.payer_name(most['payer'])} holds {as_text(int(most['ar_cents']), 'usd')} of it. {worth}",
            amount_cents=cash or total,
            owner=ours(subject),
            due=due(subject, FOLLOW_UP_DAYS),
            severity=severity_of(cash, subject) if cash else "low",
        )
    ]


def _expected_cash(subject: Subject, charges: int) -> int | None:
    """What old balances of insurers are expected to bring: by the cash per dollar at which the packet values what
    insurers have owed for more than 120 days; None where nothing is known of it."""
    value = collectable_value(subject.tables, as_of=subject.as_of, by=["party", "bucket"])
    old = value[(value["bucket"] == ar.BUCKETS[-1]) & value["party"].isin(PARTIES[:3])]
    known = old["open_cents"] - old["unknown_cents"]
    if known.isna().any() or known.sum() <= 0:
        return None
    return int(charges * int(old["collectable_cents"].sum()) // int(known.sum()))


def old_credits(subject: Subject) -> list[Finding]:
    """Credit balances without a posting for more than sixty days: money of others that we hold.

    Payments on a claim without a charge are no credit: the charge is missing.
    """
    claim, limit = pl.col("claim_id"), days_before(subject.as_of, OLD_CREDIT_DAYS)
    rows = subject.tables["transactions"].lazy().filter(claim.is_not_null(), ~claim.is_in(list(subject.never_billed)))
    sums = rows.group_by("claim_id", "party").agg(
        balance_cents=pl.col("amount_cents").sum(), last_on=pl.col("posted_on").max()
    )
    old = sums.filter(pl.col("balance_cents") < 0, pl.col("last_on") < limit).collect()
    if old.is_empty():
        return []
    total = -int(old["balance_cents"].sum())
    return [
        finding(
            "Return or apply the credit balances over 60 days",
            f"{counted(len(old), 'credit balance')} without a posting for more than 60 days. "
            "It is money of patients and payers; Medicare's must be returned within 60 days of being identified.",
            amount_cents=total,
            owner=ours(subject),
            due=due(subject, FOLLOW_UP_DAYS),
            severity="medium",
        )
    ]


def unapplied(subject: Subject) -> list[Finding]:
    """Money received that no claim has been given."""
    waiting = ar.unapplied_money(subject.tables, as_of=subject.as_of).iloc[0]
    if waiting["unapplied_cents"] <= 0:
        return []
    return [
        finding(
            "Apply the money that waits",
            "Received and not yet applied to a claim; until then the claims it belongs to look unpaid.",
            amount_cents=int(waiting["unapplied_cents"]),
            owner="our payment posters",
            due=due(subject, FOLLOW_UP_DAYS),
            severity="medium",
        )
    ]


def preventable_denials(subject: Subject) -> list[Finding]:
    """Where denials of the last three months can be prevented: the three stages with the most dollars."""
    found = denial_reasons(subject.tables, period=subject.period.trailing(3), by=["category"])
    found = (
        found.assign(stage=found["category"].map(stages()))
        .dropna(subset=["stage"])
        .sort_values(["denied_cents", "category"], ascending=[False, True])
    )
    items = []
    for stage, rows in found.groupby("stage"):
        what, owner = PREVENTION[stage]
        cents = int(rows["denied_cents"].sum())
        parts = [
            f"{words_of(row['category'])} {as_text(int(row['denied_cents']), 'usd')} "
            f"({counted(int(row['claims']), 'claim')})"
            for row in rows.head(3).to_dict("records")
        ]
        items.append(
            finding(
                what,
                f"Denied in the three months to {subject.as_of_text}, "
                f"{as_text(rows['denied_share'].sum(), 'rate')} of all dollars denied: {comma_list(parts)}. "
                "Charges are shown, not what the payers would have paid.",
                amount_cents=cents,
                owner=owner,
                due=due(subject, PROCESS_DAYS),
                severity=severity_of(cents, subject),
            )
        )
    return sorted(items, key=lambda item: -(item.amount_cents or 0))[:3]


def disguised(subject: Subject) -> list[Finding]:
    """Denials taken off as if they were contract discounts."""
    found = disguised_denials(subject.tables, period=subject.period.trailing(3))
    if found.empty:
        return []
    cents = int(found["amount_cents"].sum())
    return [
        finding(
            "Reopen denials that were taken off as discounts",
            f"{counted(int(found['claims'].sum()), 'claim')} in three months where a denial was posted as a "
            f"contract "
            "discount, or the whole charge was discounted. Nobody works such claims unless they are reopened.",
            amount_cents=cents,
            owner="our payment posters",
            due=due(subject, FOLLOW_UP_DAYS),
            severity=severity_of(cents, subject),
        )
    ]


def sweeps(subject: Subject) -> list[Finding]:
    """Old balances written off in whole dollars, in batches."""
    year = whole_dollar_sweeps(subject.tables, period=subject.period.trailing(12))
    found = year[held(subject.period, year["posted_on"])]
    if found.empty:
        return []
    months = year["posted_on"].dt.to_period("M").nunique()
    whole = (
        f" The same was found in {months} of the last twelve months, "
        f"{as_text(int(year['swept_cents'].sum()), 'usd')} together."
        if months > 1
        else ""
    )
    return [
        finding(
            "Review the batch write-offs of old balances",
            f"{counted(int(found['swept'].sum()), 'write-off')} in whole dollars on services over 120 days old, "
            f"posted on {counted(len(found), 'day')} of {subject.month}, many more than is usual.{whole} Ask for the "
            "reason and the approval of each.",
            amount_cents=int(found["swept_cents"].sum()),
            owner=ours(subject),
            due=due(subject, FOLLOW_UP_DAYS),
            severity="high",
        )
    ]


def stages() -> dict[str, str]:
    """Denial category -> the stage at which most of its codes can be prevented."""
    rows = carc_categories().to_pandas()
    rows = rows[rows["preventable_stage"] != "none"]
    return rows.groupby("category")["preventable_stage"].agg(lambda found: found.mode().iloc[0]).to_dict()


LOOKS: list[Callable[[Subject], list[Finding]]] = [
    deadlines,
    preventable_denials,
    disguised,
    sweeps,
    rejected_claims,
    late_charges,
    aged_insurance,
    old_credits,
    unapplied,
]
RESTS_ON: dict[Callable[[Subject], list[Finding]], tuple[str, ...]] = {
    deadlines: SENT,
    disguised: PAID,
    aged_insurance: ANSWERED,
    old_credits: (*BILLED, *PAID),
    unapplied: ("claimless",),
}
"""The relations between records without which a look would advise on dollars that are not there."""
