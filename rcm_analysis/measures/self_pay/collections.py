"""What patients pay: liquidation by statement cohort, pay rate, promises, and balances that insurers left to them.

A cohort is the accounts first billed to their patients in one month. Cohorts are compared at the same age,
never one month's cash with another's: a month's cash comes from many cohorts and moves with their sizes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...ledger.registers import CLAIM, known, patient_cash
from ...periods import Period
from ...tables.frames import day_number, source
from ..menu import measure
from .policy import day_within, days_in_policy

col = nw.col
DAYS = (30, 60, 90, 120, 180)
PAY_DAYS = 120
EVER = 100_000
"""Days within which everything that was ever paid came."""
GRACE_DAYS = 3
KEPT_SHARE = 95
"""A promise is kept at this many percent of its amount."""


@measure("Liquidation by statement cohort", unit="rate", good="up")
def liquidation(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: Sequence[int] = DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """What share of the dollars first billed to patients in a month was collected within so many days.

    Formula
        liquidation = collected_cents / billed_cents
    Counts
        Accounts by the month of their first statement in the period, with the balance that it asked for.
        collected: payments of the patient less refunds, posted from that day to `day` days later, per
        account at most what was first billed and at least nothing. A month is mature at `day` days when
        its last account has been watched so long; until then the share is empty and `is_mature` false,
        and collected_cents is what came so far. Accounts whose first statement is not in the records
        are left out. Never a comparison of one month's cash with another's. `by`: columns of claims.
    Date basis
        day of the first statement; payments by posting date
    Unit
        share, 0 to 1; accounts is a count; cents; one row per month and number of days
    Empty
        Not mature, or nothing billed: empty. No statement in the period: no row.
    Source
        RevSpring: pay rate by statement cohort, because month-on-month "lift" misleads

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = liquidation(
    ...     example_self_pay(), period=Period.month("2026-01"), as_of=dt.date(2026, 4, 30), days=[30, 60, 90]
    ... )
    >>> found[["day", "billed_cents", "collected_cents", "is_mature", "liquidation"]]
       day  billed_cents  collected_cents  is_mature  liquidation
    0   30         19000             4000       True     0.210526
    1   60         19000             7000       True     0.368421
    2   90         19000            13000      False          NaN
    """
    keys = [*by, "month"]
    rows = with_groups(_accounts(tables, as_of, days), tables, keys, month_on="first_on")
    rows = rows.filter(period.holds(col("first_on")))
    wide = sums(
        rows.with_columns(accounts=nw.lit(1)), keys, ["accounts", "billed_cents", *[f"day_{day}" for day in days]]
    )
    parts = [
        wide[[*keys, "accounts", "billed_cents"]].assign(day=day, collected_cents=wide[f"day_{day}"]) for day in days
    ]
    out = pd.concat(parts, ignore_index=True).sort_values([*keys, "day"], ignore_index=True)
    last = out["month"] + pd.offsets.MonthEnd(0) + pd.to_timedelta(out["day"], unit="D")
    out["is_mature"] = last <= pd.Timestamp(as_of)
    share = quotient(out["collected_cents"], out["billed_cents"]).where(out["is_mature"])
    return out.assign(liquidation=share)[
        [*keys, "day", "accounts", "billed_cents", "collected_cents", "is_mature", "liquidation"]
    ]


@measure("Pay rate of patients, within 120 days", unit="rate", good="up")
def pay_rate(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: int = PAY_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Of the dollars first billed to patients in the period, the share collected within 120 days.

    Formula
        pay_rate = collected_cents / billed_cents
    Counts
        As `liquidation`, account by account: those first billed in the period, `days` days or longer ago.
        young_accounts were billed too recently and are left out above and below.
    Date basis
        day of the first statement; payments by posting date
    Unit
        share, 0 to 1; accounts and young_accounts are counts; cents
    Empty
        No account old enough: an empty value.
    Source
        RevSpring: dollars collected / dollars billed to patients, by statement cohort

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> pay_rate(example_self_pay(), period=Period.month("2026-01"), as_of=dt.date(2026, 5, 12))
       accounts  young_accounts  collected_cents  billed_cents  pay_rate
    0         1               1            10000         10000       1.0
    """
    rows = with_groups(_accounts(tables, as_of, [days]), tables, by, month_on="first_on")
    is_old = day_number(col("first_on")) <= as_of.toordinal() - days
    rows = rows.filter(period.holds(col("first_on"))).with_columns(
        accounts=one_if(is_old),
        young_accounts=one_if(~is_old),
        collected_cents=nw.when(is_old).then(col(f"day_{days}")).otherwise(0),
        billed_cents=nw.when(is_old).then(col("billed_cents")).otherwise(0),
    )
    found = sums(rows, by, ["accounts", "young_accounts", "collected_cents", "billed_cents"])
    return with_rate(found, "pay_rate", "collected_cents", "billed_cents")


@measure("What became of what patients were first billed", value="billed_cents", is_additive=True)
def billed_outcome(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: int = PAY_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Where each dollar first billed to patients is now: five parts that add up to it, whatever was posted.

    Formula
        billed_cents = in_time_cents + later_cents + written_off_cents + owed_cents + otherwise_cents
    Counts
        The accounts of `pay_rate`: first billed in the period, `days` days or longer ago. in_time: collected
        within `days` days, as `pay_rate` counts it. later: collected after that. Of what is left, per
        account: written_off, what the practice gave up on the patient's side; owed, what the patient still
        owes; otherwise, the rest: it went back to an insurer or was corrected. No part is below nothing or
        above what is left for it. `by`: columns of claims, or "month" of the first statement.
    Date basis
        day of the first statement; postings known on `as_of`
    Unit
        cents; accounts is a count
    Empty
        Without `by` one row of zeros; with `by` no row for a group without an account.
    Source
        our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = billed_outcome(example_self_pay(), period=Period.month("2026-01"), as_of=dt.date(2026, 5, 12))
    >>> found[["accounts", "billed_cents", "in_time_cents", "owed_cents"]]
       accounts  billed_cents  in_time_cents  owed_cents
    0         1         10000          10000           0
    """
    rows = with_groups(_accounts(tables, as_of, [days, EVER]), tables, by, month_on="first_on")
    rows = rows.filter(period.holds(col("first_on")), day_number(col("first_on")) <= as_of.toordinal() - days)
    in_time, ever = col(f"day_{days}"), col(f"day_{EVER}")
    rows = rows.join(_stands(tables, as_of), on=CLAIM, how="left").with_columns(
        accounts=nw.lit(1),
        in_time_cents=in_time,
        later_cents=nw.when(ever > in_time).then(ever - in_time).otherwise(0),
        given_up_cents=col("given_up_cents").fill_null(0),
        balance_cents=col("balance_cents").fill_null(0),
    )
    rows = rows.with_columns(left_cents=col("billed_cents") - col("in_time_cents") - col("later_cents"))
    rows = rows.with_columns(written_off_cents=_between("given_up_cents", "left_cents"))
    rows = rows.with_columns(left_cents=col("left_cents") - col("written_off_cents"))
    rows = rows.with_columns(owed_cents=_between("balance_cents", "left_cents"))
    rows = rows.with_columns(otherwise_cents=col("left_cents") - col("owed_cents"))
    return sums(rows, by, ["accounts", "billed_cents", *OUTCOMES])


OUTCOMES = ("in_time_cents", "later_cents", "written_off_cents", "owed_cents", "otherwise_cents")
"""The parts of what was first billed, in the order in which they are taken from it."""


@measure("Promises to pay kept", unit="rate", good="up")
def promises_kept(tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Promises to pay that were kept, of those that fell due.

    Formula
        promises_kept = kept_promises / due_promises
    Counts
        Promises by the day promised, once the days of grace of the client's policy (3 where it is silent)
        have passed by `as_of`; before that a promise is open and counts in open_promises alone, even
        when it is paid already. Kept: payments less refunds on the account, from the day of the promise
        to the day promised plus grace, come to 95 % of the amount or more. A payment counts for every
        promise in whose days it falls.
    Date basis
        day promised; payments by posting date; the policy in force at the end of the period
    Unit
        share, 0 to 1; counts; cents (kept_cents: amounts of the promises kept)
    Empty
        No promise fell due: an empty value.
    Source
        Consumer collections practice: kept within date and grace, open ones out of the ratio

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> spring = Period.month("2026-05").trailing(5)
    >>> promises_kept(example_self_pay(), period=spring, as_of=dt.date(2026, 4, 30)).drop(
    ...     columns=["promised_cents", "kept_cents"]
    ... )
       open_promises  kept_promises  due_promises  promises_kept
    0              1              1             2            0.5
    """
    grace = days_in_policy(tables, "promise_grace_days", GRACE_DAYS, as_of=day_within(period, as_of))
    promises = known(tables, "promises", ["promise_id", "claim_id", "due_on", "amount_cents"], as_of=as_of, by=by)
    promises = promises.filter(period.holds(col("due_on")))
    cash = promises.select("client", "promise_id", "claim_id", "promised_on", "due_on").join(
        patient_cash(tables, as_of=as_of), on=CLAIM, how="inner"
    )
    cash = cash.filter(
        col("paid_on") >= col("promised_on"), day_number(col("paid_on")) <= day_number(col("due_on")) + grace
    )
    paid = cash.group_by("client", "promise_id").agg(col("paid_cents").sum())
    rows = with_groups(promises.join(paid, on=["client", "promise_id"], how="left"), tables, by, month_on="due_on")
    is_due = day_number(col("due_on")) + grace <= as_of.toordinal()
    is_kept = is_due & (col("paid_cents").fill_null(0) * 100 >= col("amount_cents") * KEPT_SHARE)
    rows = rows.with_columns(
        open_promises=one_if(~is_due),
        kept_promises=one_if(is_kept),
        due_promises=one_if(is_due),
        kept_cents=nw.when(is_kept).then(col("amount_cents")).otherwise(0),
        promised_cents=nw.when(is_due).then(col("amount_cents")).otherwise(0),
    )
    found = sums(rows, by, ["open_promises", "kept_cents", "promised_cents", "kept_promises", "due_promises"])
    return with_rate(found, "promises_kept", "kept_promises", "due_promises")


@measure("Balances moved to patients", value="transferred_cents", is_additive=True)
def balance_transfers(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Balances that were moved to patients in the period, and what was moved back to insurers.

    Formula
        transferred_cents = sum of the transfers that raise a patient's balance
        returned_cents = sum of those that lower it, as a positive amount
    Counts
        Postings of kind "transfer" to the patient; accounts: claims with such a transfer to the patient.
        `by`: columns of the posting's claim.
    Date basis
        posting date
    Unit
        cents; accounts is a count
    Empty
        Without `by` one row of zeros; with `by` no row for a group without transfers.
    Source
        our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> balance_transfers(example_self_pay(), period=Period.month("2026-01"))
       accounts  transferred_cents  returned_cents
    0         2              19000               0
    """
    rows = source(tables, "transactions", [*CLAIM, "kind", "party", "amount_cents", "posted_on"])
    rows = rows.filter(
        col("kind") == "transfer", col("party") == "patient", period.holds(col("posted_on")), ~col("claim_id").is_null()
    )
    rows = with_groups(rows, tables, by, month_on="posted_on").with_columns(
        transferred_cents=nw.when(col("amount_cents") > 0).then(col("amount_cents")).otherwise(0),
        returned_cents=nw.when(col("amount_cents") < 0).then(col("amount_cents") * -1).otherwise(0),
    )
    keys = list(dict.fromkeys([*CLAIM, *by]))
    claims = rows.group_by(keys).agg(col("transferred_cents").sum(), col("returned_cents").sum())
    claims = claims.with_columns(accounts=one_if(col("transferred_cents") > 0))
    return sums(claims, by, ["accounts", "transferred_cents", "returned_cents"])


def _accounts(tables: Mapping[str, Any], as_of: dt.date, days: Sequence[int]) -> nw.LazyFrame:
    """One row per account with its first statement in the records: first_on, billed_cents, and day_30, ...
    collected."""
    sent = known(tables, "statements", ["claim_id", "sequence", "balance_cents"], as_of=as_of)
    first = sent.group_by(*CLAIM).agg(
        col("statement_on").min().alias("first_on"), col("sequence").min().alias("first_sequence")
    )
    first = first.filter(col("first_sequence") == 1).select(*CLAIM, "first_on")
    asked = sent.join(first, on=CLAIM, how="inner").filter(col("statement_on") == col("first_on"))
    billed = asked.group_by(*CLAIM, "first_on").agg(col("balance_cents").max().alias("billed_cents"))
    cash = first.join(patient_cash(tables, as_of=as_of), on=CLAIM, how="inner").filter(
        col("paid_on") >= col("first_on")
    )
    age = day_number(col("paid_on")) - day_number(col("first_on"))
    cash = cash.with_columns(
        **{f"paid_{day}": nw.when(age <= day).then(col("paid_cents")).otherwise(0) for day in days}
    )
    paid = cash.group_by(*CLAIM).agg(*[col(f"paid_{day}").sum() for day in days])
    rows = billed.join(paid, on=CLAIM, how="left").with_columns(*[col(f"paid_{day}").fill_null(0) for day in days])
    return rows.with_columns(**{f"day_{day}": _between(f"paid_{day}", "billed_cents") for day in days})


def _stands(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """What the patient owes on each claim, and what was given up on the patient's side."""
    rows = source(tables, "transactions", [*CLAIM, "kind", "party", "amount_cents", "posted_on"])
    rows = rows.filter(col("party") == "patient", col("posted_on") <= as_of, ~col("claim_id").is_null())
    given_up = nw.when(col("kind").is_in(["write_off", "contractual"])).then(col("amount_cents") * -1).otherwise(0)
    return (
        rows.with_columns(given_up_cents=given_up)
        .group_by(*CLAIM)
        .agg(col("given_up_cents").sum(), col("amount_cents").sum().alias("balance_cents"))
    )


def _between(paid: str, most: str) -> nw.Expr:
    """The amount paid, at least nothing and at most what was billed."""
    return nw.when(col(paid) < 0).then(0).otherwise(nw.when(col(paid) > col(most)).then(col(most)).otherwise(col(paid)))
