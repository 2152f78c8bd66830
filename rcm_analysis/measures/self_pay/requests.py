"""What patients ask for and how it is handled: disputes, financial assistance, itemised statements, rework of
accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...ledger.registers import CLAIM, known
from ...periods import Period
from ...tables.frames import day_number
from ..menu import measure
from .policy import day_within, days_in_policy

col = nw.col
DISPUTE_DAYS, ASSISTANCE_DAYS, ITEMISED_DAYS = 30, 30, 10
APPROVED = ("approved", "partly_approved")


@measure("Disputes raised", unit="count", good="down")
def disputes(tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Disputes raised in the period: how many are open, how many were settled, the amounts, and repeats.

    Formula
        disputes = open_disputes + settled_disputes
    Counts
        Disputes opened in the period, settled or open on `as_of`. repeats: the same account had been
        disputed before. adjusted_cents: taken off the balance by those settled. `by`: columns of the
        dispute (`reason`, `outcome`; an open dispute has none) or of its claim.
    Date basis
        day on which it was raised; its end as known on `as_of`
    Unit
        counts; cents
    Empty
        Without `by` one row of zeros; with `by` no row for a group without disputes.
    Source
        the programme's scope of work: disputes through established resolution processes

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = disputes(example_self_pay(), period=Period.month("2026-03").trailing(2), as_of=dt.date(2026, 4, 30))
    >>> found[["disputes", "open_disputes", "repeats", "amount_cents", "open_cents"]]
       disputes  open_disputes  repeats  amount_cents  open_cents
    0         2              1        1         16000        8000
    """
    columns = ["dispute_id", "claim_id", "amount_cents", "closed_on", "adjusted_cents"]
    rows = known(tables, "disputes", columns, as_of=as_of, by=by)
    first = rows.group_by(*CLAIM).agg(col("opened_on").min().alias("first_on"))
    rows = rows.join(first, on=CLAIM, how="left").filter(period.holds(col("opened_on")))
    is_open = col("closed_on").is_null()
    rows = with_groups(rows, tables, by, month_on="opened_on").with_columns(
        disputes=nw.lit(1),
        open_disputes=one_if(is_open),
        settled_disputes=one_if(~is_open),
        repeats=one_if(col("opened_on") > col("first_on")),
        adjusted_cents=col("adjusted_cents").fill_null(0),
        open_cents=nw.when(is_open).then(col("amount_cents")).otherwise(0),
    )
    return sums(
        rows,
        by,
        ["disputes", "open_disputes", "settled_disputes", "repeats", "amount_cents", "open_cents", "adjusted_cents"],
    )


@measure("Disputes settled within the policy's days", unit="rate", good="up")
def disputes_in_time(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Disputes settled within the days of the client's policy, of those whose days are up.

    Formula
        disputes_in_time = in_time_disputes / due_disputes
    Counts
        Disputes raised in the period whose days (30 where the policy is silent) were up by `as_of`, settled
        or not. Younger ones count in neither, settled or not. `by` as in `disputes`.
    Date basis
        day on which it was raised; its end as known on `as_of`; the policy in force at the end of the period
    Unit
        share, 0 to 1; counts
    Empty
        No such dispute: an empty value.
    Source
        the client's policy (dispute_days)

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> disputes_in_time(example_self_pay(), period=Period.month("2026-03").trailing(2), as_of=dt.date(2026, 4, 30))
       in_time_disputes  due_disputes  disputes_in_time
    0                 1             2               0.5
    """
    return _in_time(tables, "disputes", ("opened_on", "closed_on"), ("dispute_days", DISPUTE_DAYS), period, as_of, by)


@measure("Applications for financial assistance approved", value="approval_share", unit="rate")
def assistance(tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Applications for financial assistance: how many are complete and decided, what share was approved, and dollars.

    Formula
        approval_share = approved_applications / decided_applications
        complete_share = complete_applications / applications
    Counts
        Applications that came in in the period, as they stood on `as_of`. complete: all documents there.
        Approved: wholly or in part; a withdrawn application counts as decided. asked_cents: balance to
        relieve. `by`: columns of the application (`decision`) or of its claim.
    Date basis
        day on which it came in; the rest as known on `as_of`
    Unit
        shares, 0 to 1; counts; cents
    Empty
        No decision: an empty share.
    Source
        the programme's scope of work: financial assistance applications; 26 CFR 1.501(r)-6 for hospitals

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = assistance(example_self_pay(), period=Period.month("2026-04").trailing(2), as_of=dt.date(2026, 4, 30))
    >>> found[["applications", "complete_share", "asked_cents", "approved_cents", "approval_share"]]
       applications  complete_share  asked_cents  approved_cents  approval_share
    0             2             0.5        13000            4000             1.0
    """
    columns = ["claim_id", "amount_cents", "completed_on", "decided_on", "decision", "approved_cents"]
    rows = known(tables, "assistance_applications", columns, as_of=as_of, by=by).filter(period.holds(col("applied_on")))
    rows = rows.with_columns(
        applications=nw.lit(1),
        complete_applications=one_if(~col("completed_on").is_null()),
        open_applications=one_if(col("decided_on").is_null()),
        decided_applications=one_if(~col("decided_on").is_null()),
        approved_applications=one_if(col("decision").is_in(list(APPROVED)).fill_null(False)),
        asked_cents=col("amount_cents"),
        approved_cents=col("approved_cents").fill_null(0),
    )
    counts = ["applications", "complete_applications", "open_applications", "asked_cents", "approved_cents"]
    found = sums(
        with_groups(rows, tables, by, month_on="applied_on"),
        by,
        [*counts, "approved_applications", "decided_applications"],
    )
    found.insert(len(by) + 2, "complete_share", quotient(found["complete_applications"], found["applications"]))
    return with_rate(found, "approval_share", "approved_applications", "decided_applications")


@measure("Applications decided within the policy's days", unit="rate", good="up")
def assistance_in_time(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Complete applications decided within the days of the client's policy.

    Formula
        assistance_in_time = in_time_applications / due_applications
    Counts
        Applications completed in the period whose days (30 where the policy is silent, from the day on
        which all documents were there) were up by `as_of`, decided or not. Incomplete applications
        have no clock yet. `by` as in `assistance`.
    Date basis
        day on which the application was complete; the decision as known on `as_of`
    Unit
        share, 0 to 1; counts
    Empty
        No such application: an empty value.
    Source
        the client's policy (assistance_days)

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> assistance_in_time(example_self_pay(), period=Period.month("2026-03"), as_of=dt.date(2026, 4, 30))
       in_time_applications  due_applications  assistance_in_time
    0                     1                 1                 1.0
    """
    rule = ("assistance_days", ASSISTANCE_DAYS)
    found = _in_time(tables, "assistance_applications", ("completed_on", "decided_on"), rule, period, as_of, by)
    return found.rename(
        columns=lambda name: name.replace("assistance_applications", "applications").replace(
            "applications_in_time", "assistance_in_time"
        )
    )


@measure("Itemized statements sent within the policy's days", unit="rate", good="up")
def itemised_in_time(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Itemised statements sent within the days of the client's policy, of those asked for.

    Formula
        itemised_in_time = in_time_requests / due_requests
    Counts
        Requests made in the period whose days (10 where the policy is silent) were up by `as_of`, answered
        or not. Younger ones count in neither. `by`: columns of the claim.
    Date basis
        day of the request; the answer as known on `as_of`; the policy in force at the end of the period
    Unit
        share, 0 to 1; counts
    Empty
        No such request: an empty value.
    Source
        the client's policy (itemised_days); the programme's scope of work: requests for itemised statements

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> itemised_in_time(example_self_pay(), period=Period.month("2026-04").trailing(3), as_of=dt.date(2026, 4, 30))
       in_time_requests  due_requests  itemised_in_time
    0                 1             2               0.5
    """
    found = _in_time(
        tables, "itemised_requests", ("requested_on", "sent_on"), ("itemised_days", ITEMISED_DAYS), period, as_of, by
    )
    return found.rename(
        columns=lambda name: name.replace("itemised_requests_in_time", "itemised_in_time").replace(
            "itemised_requests", "requests"
        )
    )


@measure("Rework of patient accounts", value="changes", unit="count", is_additive=True)
def account_rework(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("kind",)) -> pd.DataFrame:
    """Rework of patient accounts by kind: how much, in how many days, and the amounts moved or corrected.

    Formula
        days_to_do = days / changes: mean days from the request to the change
    Counts
        Changes done in the period: payment plans adjusted, insurance and addresses updated, ledger
        corrections, balances moved by hand. Kinds that are out of scope are counted by the scope guard
        and stand here too when there are any. `by`: columns of the change (`kind`, `reason`, `done_by`)
        or of its claim.
    Date basis
        day on which the change was done
    Unit
        changes is a count; cents; mean days
    Empty
        No such change: no row; without `by` one row of zeros with empty days.
    Source
        the programme's scope of work: manage and rework patient accounts

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> account_rework(example_self_pay(), period=Period.month("2026-03"))
                    kind  changes  amount_cents  days  days_to_do
    0  ledger_correction        1          2500     1         1.0
    1    plan_adjustment        1             0     2         2.0
    """
    columns = ["claim_id", "requested_on", "amount_cents"]
    rows = known(tables, "account_changes", columns, as_of=period.last_day, by=by).filter(period.holds(col("done_on")))
    rows = with_groups(rows, tables, by, month_on="done_on").with_columns(
        changes=nw.lit(1),
        amount_cents=col("amount_cents").fill_null(0),
        days=day_number(col("done_on")) - day_number(col("requested_on")),
    )
    return with_rate(sums(rows, by, ["changes", "amount_cents", "days"]), "days_to_do", "days", "changes")


def _in_time(
    tables: Mapping[str, Any],
    name: str,
    clock: tuple[str, str],
    rule: tuple[str, int],
    period: Period,
    as_of: dt.date,
    by: Sequence[str],
) -> pd.DataFrame:
    """Rows whose clock starts in the period and whose days are up: ended within the policy's days, of all of them."""
    start, end = clock
    days = days_in_policy(tables, *rule, as_of=day_within(period, as_of))
    rows = known(tables, name, ["claim_id", start, end], as_of=as_of, by=by).filter(period.holds(col(start)))
    rows = rows.filter(day_number(col(start)) + days <= as_of.toordinal())
    in_time = (day_number(col(end)) <= day_number(col(start)) + days).fill_null(False)
    due, good = f"due_{name}", f"in_time_{name}"
    rows = rows.with_columns(**{good: one_if(in_time), due: nw.lit(1)})
    return with_rate(sums(with_groups(rows, tables, by, month_on=start), by, [good, due]), f"{name}_in_time", good, due)
