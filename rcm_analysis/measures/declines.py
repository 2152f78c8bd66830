"""Declined payments: how often the first try is declined, and what came of trying again.

An attempt and those that repeat it are one payment. Cash and checks cannot be declined at the desk and are
in no rate here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..frames import day_number
from ..periods import Period
from .grouping import one_if, sums, with_groups, with_rate
from .ratios import quotient
from .self_pay_rows import known

col = nw.col
ELECTRONIC = ("visa", "mastercard", "other_card", "bank")
RECOVERY_DAYS = 30
COLUMNS = ["attempt_id", "claim_id", "amount_cents", "method", "result", "decline_kind", "retry_of"]


def decline_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Payments by card or bank that were declined at the first try.

    Formula
        decline_rate = declined_payments / payments
    Counts
        First attempts (those that repeat no other) by card or bank in the period, approved or declined.
        `by`: columns of the attempt (`method`, `channel`, `decline_kind`) or of its claim.
    Date basis
        day of the attempt
    Unit
        share of payments, 0 to 1; counts; cents
    Empty
        No such payment: an empty value.
    Source
        our own

    >>> from rcm_analysis.measures.examples.self_pay import example_self_pay
    >>> decline_rate(example_self_pay(), period=Period.month("2026-03").trailing(3))
       declined_cents  attempted_cents  declined_payments  payments  decline_rate
    0            7000             9500                  2         3      0.666667
    """
    rows = _first_attempts(tables, period, period.last_day, by)
    is_declined = col("result") == "declined"
    rows = rows.with_columns(
        declined_cents=nw.when(is_declined).then(col("amount_cents")).otherwise(0), attempted_cents=col("amount_cents"),
        declined_payments=one_if(is_declined), payments=nw.lit(1),
    )
    found = sums(rows, by, ["declined_cents", "attempted_cents", "declined_payments", "payments"])
    return with_rate(found, "decline_rate", "declined_payments", "payments")


def decline_recovery(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: int = RECOVERY_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Declined dollars that were recovered by trying again within 30 days.

    Formula
        decline_recovery = recovered_cents / declined_cents
        attempts_per_decline = attempts / declined_payments
    Counts
        Payments declined at the first try in the period, `days` days or longer before `as_of`;
        young_payments are too recent and left out. Recovered: a repeat of the payment was approved
        within `days` days of the first try. attempts: the first try and its repeats within those days.
        `by` as in `decline_rate`; `decline_kind` (hard or soft) is that of the first try.
    Date basis
        day of the first attempt; repeats as known on `as_of`
    Unit
        share of dollars, 0 to 1; counts; cents
    Empty
        Nothing declined long enough ago: an empty value.
    Source
        our own: recovered within 30 days / declined dollars

    >>> from rcm_analysis.measures.examples.self_pay import example_self_pay
    >>> found = decline_recovery(example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30))
    >>> found[["declined_payments", "recovered_cents", "declined_cents", "decline_recovery"]]
       declined_payments  recovered_cents  declined_cents  decline_recovery
    0                  2             4000            7000          0.571429
    """
    rows = _declined(tables, period, as_of, days, by)
    is_old = day_number(col("attempted_on")) <= as_of.toordinal() - days
    got = is_old & (col("approvals").fill_null(0) > 0)
    rows = rows.with_columns(
        young_payments=one_if(~is_old), declined_payments=one_if(is_old), recovered_payments=one_if(got),
        attempts=nw.when(is_old).then(col("repeats").fill_null(0) + 1).otherwise(0),
        recovered_cents=nw.when(got).then(col("amount_cents")).otherwise(0),
        declined_cents=nw.when(is_old).then(col("amount_cents")).otherwise(0),
    )
    found = sums(rows, by, ["young_payments", "declined_payments", "recovered_payments", "attempts", "recovered_cents", "declined_cents"])
    found["attempts_per_decline"] = quotient(found["attempts"], found["declined_payments"])
    return with_rate(found, "decline_recovery", "recovered_cents", "declined_cents")


def reprocess_success(tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Declined payments that went through when they were tried again, of those tried again.

    Formula
        reprocess_success = approved_payments / retried_payments
    Counts
        Payments declined at the first try in the period with at least one repeat by `as_of`; approved
        when a repeat went through by then. untried_payments were never tried again. `by` as in
        `decline_rate`.
    Date basis
        day of the first attempt; repeats as known on `as_of`
    Unit
        share of payments, 0 to 1; counts
    Empty
        Nothing was tried again: an empty value.
    Source
        the programme's scope of work: reprocess declined payments

    >>> from rcm_analysis.measures.examples.self_pay import example_self_pay
    >>> reprocess_success(example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30))
       untried_payments  approved_payments  retried_payments  reprocess_success
    0                 1                  1                 1                1.0
    """
    rows = _declined(tables, period, as_of, None, by)
    tried = col("repeats").fill_null(0) > 0
    rows = rows.with_columns(
        untried_payments=one_if(~tried), approved_payments=one_if(tried & (col("approvals").fill_null(0) > 0)), retried_payments=one_if(tried))
    found = sums(rows, by, ["untried_payments", "approved_payments", "retried_payments"])
    return with_rate(found, "reprocess_success", "approved_payments", "retried_payments")


def _first_attempts(tables: Mapping[str, Any], period: Period, as_of: dt.date, by: Sequence[str]) -> nw.LazyFrame:
    rows = known(tables, "payment_attempts", COLUMNS, as_of=as_of, by=by)
    rows = rows.filter(period.holds(col("attempted_on")), col("retry_of").is_null(), col("method").is_in(list(ELECTRONIC)))
    return with_groups(rows, tables, by, month_on="attempted_on")


def _declined(tables: Mapping[str, Any], period: Period, as_of: dt.date, days: int | None, by: Sequence[str]) -> nw.LazyFrame:
    """Payments declined at the first try, with `repeats` and `approvals` (within `days` days, where given)."""
    first = _first_attempts(tables, period, as_of, by).filter(col("result") == "declined")
    again = known(tables, "payment_attempts", ["retry_of", "result"], as_of=as_of).filter(~col("retry_of").is_null())
    again = again.select("client", col("retry_of").alias("attempt_id"), col("attempted_on").alias("again_on"), "result")
    start = first.select("client", "attempt_id", col("attempted_on").alias("first_on"))
    again = start.join(again, on=["client", "attempt_id"], how="inner")
    if days is not None:
        again = again.filter(day_number(col("again_on")) - day_number(col("first_on")) <= days)
    again = again.with_columns(repeats=nw.lit(1), approvals=one_if(col("result") == "approved"))
    told = again.group_by("client", "attempt_id").agg(col("repeats").sum(), col("approvals").sum())
    return first.join(told, on=["client", "attempt_id"], how="left")
