"""Payment plans as of any day: who is on one, what is paid on schedule, what broke, what was cured, what is at risk.

A plan is broken while two of its instalments are unpaid after their due days, or one is more than 30 days
late, or once the desk has closed it as broken. It is cured when it broke and nothing is overdue any more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger import balances as ledger
from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...ledger.registers import CLAIM, known, rows_of
from ...periods import Period
from ...tables.frames import day_number, source
from ..menu import measure
from .policy import day_within, days_in_policy

col = nw.col
LATE_DAYS = 30
GRACE_DAYS = 3
PLAN = ["client", "plan_id"]
FAR = 10**7
"""A day number after every day: what is not paid."""


@measure("Patients on a payment plan", unit="rate", good="up")
def plan_utilisation(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Patients who owe money and are on an open payment plan, of all patients who owe money.

    Formula
        plan_utilisation = patients_on_plan / patients_with_balance
    Counts
        Patients with a claim whose patient balance is above zero on `as_of`; on a plan: one of their plans
        was opened and not closed by then. A claim without a patient counts as a patient of its own.
    Date basis
        balances by posting date, plans by the day agreed; both as of the day
    Unit
        share, 0 to 1; both parts are counts of patients
    Empty
        Nobody owes anything: an empty value.
    Source
        mdclarity.com: patients on a plan / patients with a balance

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> plan_utilisation(example_self_pay(), as_of=dt.date(2026, 4, 30))
       patients_on_plan  patients_with_balance  plan_utilisation
    0                 1                      3          0.333333
    """
    owed = ledger.claim_balances(tables, as_of=as_of).filter(col("party") == "patient", col("balance_cents") > 0)
    who = source(tables, "claims", [*CLAIM, "patient"])
    owing = owed.join(who, on=CLAIM, how="left").with_columns(patient=nw.coalesce("patient", "claim_id"))
    owing = owing.group_by("client", "patient").agg(nw.len().alias("owed_claims"))
    plans = known(tables, "payment_plans", ["patient", "closed_on"], as_of=as_of).filter(col("closed_on").is_null())
    plans = plans.group_by("client", "patient").agg(nw.len().alias("plans"))
    rows = owing.join(plans, on=["client", "patient"], how="left").with_columns(
        patients_on_plan=one_if(col("plans").fill_null(0) > 0), patients_with_balance=nw.lit(1)
    )
    found = sums(rows, (), ["patients_on_plan", "patients_with_balance"])
    return with_rate(found, "plan_utilisation", "patients_on_plan", "patients_with_balance")


@measure("Installments paid on schedule", unit="rate", good="up")
def instalments_on_schedule(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Instalments paid in full by their due day plus grace, of the instalments that fell due.

    Formula
        instalments_on_schedule = paid_instalments / due_instalments
    Counts
        Instalments by their due day in the period, once the days of grace that the policy gives a promise
        (3 where it is silent) have passed by `as_of`. Instalments that fell due after their plan was
        closed were not due any more and are left out. `by`: columns of the plan or of its claim.
    Date basis
        due day of the instalment; payments as known on `as_of`
    Unit
        share, 0 to 1; counts; cents
    Empty
        No instalment fell due: an empty value.
    Source
        our own: on-schedule instalments / due

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = instalments_on_schedule(
    ...     example_self_pay(), period=Period.month("2026-03").trailing(2), as_of=dt.date(2026, 4, 30)
    ... )
    >>> found[["paid_instalments", "due_instalments", "instalments_on_schedule"]]
       paid_instalments  due_instalments  instalments_on_schedule
    0                 1                2                      0.5
    """
    grace = days_in_policy(tables, "promise_grace_days", GRACE_DAYS, as_of=day_within(period, as_of))
    parts = _due_parts(tables, as_of, [*by]).filter(period.holds(col("due_on")))
    parts = parts.filter(day_number(col("due_on")) + grace <= as_of.toordinal())
    on_time = (day_number(col("paid_on")) <= day_number(col("due_on")) + grace) & (
        col("paid_cents") >= col("amount_cents")
    )
    is_paid = on_time.fill_null(False)
    rows = with_groups(parts, tables, by, month_on="due_on").with_columns(
        paid_instalments=one_if(is_paid),
        due_instalments=nw.lit(1),
        due_cents=col("amount_cents"),
        on_schedule_cents=nw.when(is_paid).then(col("amount_cents")).otherwise(0),
    )
    found = sums(rows, by, ["due_cents", "on_schedule_cents", "paid_instalments", "due_instalments"])
    return with_rate(found, "instalments_on_schedule", "paid_instalments", "due_instalments")


@measure("Payment plans, one by one", value="at_risk_cents", good="down")
def plans(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every payment plan as it stood on the day: its status, what is left, what is at risk, when it first broke.

    Formula
        left_cents = amount_cents - paid_cents
        at_risk_cents = left_cents of open plans that are behind or broken
        status: completed and cancelled as closed by the desk, or completed when all is paid; broken as defined
        above; behind when an instalment is overdue and the plan is not broken; else on_schedule
    Counts
        Plans agreed by `as_of`. An instalment is overdue from the day after its due day until it is paid
        in full. broke_on: first day on which the plan was broken, cured or not. is_cured: it broke, and on
        `as_of` it is completed, on schedule or behind. Instalments due after the plan was closed count
        for nothing, and what was overdue then breaks nothing later.
    Date basis
        due and payment days of the instalments, as known on `as_of`
    Unit
        cents; overdue_instalments is a count; one row per plan
    Empty
        No plan: no row. broke_on is empty for a plan that never broke.
    Source
        our own: broken at 2 missed instalments or more than 30 days

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = plans(example_self_pay(), as_of=dt.date(2026, 4, 30))
    >>> found[["plan_id", "status", "is_cured", "left_cents", "at_risk_cents", "broke_on"]]
      plan_id  status  is_cured  left_cents  at_risk_cents   broke_on
    0      P1  behind      True        3000           3000 2026-04-22
    """
    columns = ["plan_id", "patient", "claim_id", "amount_cents", "is_autopay", "closed_on", "outcome"]
    register = known(tables, "payment_plans", columns, as_of=as_of).with_columns(
        is_autopay=one_if(col("is_autopay")), outcome=col("outcome").fill_null("open")
    )
    words = [*PLAN, "patient", "claim_id", "outcome"]
    found = rows_of(register, words, ["opened_on", "closed_on"]).sort_values(PLAN, ignore_index=True)
    found["is_autopay"] = found["is_autopay"].astype(bool)
    parts = rows_of(
        _due_parts(tables, as_of, ()).select(*PLAN, "number", "due_on", "amount_cents", "paid_on", "paid_cents"),
        PLAN,
        ["due_on", "paid_on"],
    )
    out = found.merge(_by_plan(parts, pd.Timestamp(as_of)), on=PLAN, how="left")
    return _with_status(out)


@measure("Dollars at risk on plans behind or broken", value="at_risk_cents", good="down")
def plan_standing(tables: Mapping[str, Any], *, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """How many plans are on schedule, behind, broken, completed or cancelled, and the dollars at risk.

    Formula
        at_risk_cents = unpaid rest of the open plans that are behind or broken on the day
        plans = on_schedule + behind + broken + completed + cancelled
    Counts
        Plans agreed by `as_of`, by their status as `plans` gives it. open_cents: unpaid rest of all open
        plans; lost_cents: unpaid rest of the plans that were closed as broken or cancelled. `by`:
        columns of `plans` (is_autopay, status).
    Date basis
        as of the day
    Unit
        counts; cents
    Empty
        Without `by` one row of zeros; with `by` no row for a group without plans.
    Source
        our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = plan_standing(example_self_pay(), as_of=dt.date(2026, 4, 26))
    >>> found[["plans", "broken", "behind", "open_cents", "at_risk_cents"]]
       plans  broken  behind  open_cents  at_risk_cents
    0      1       1       0        6000           6000
    """
    rows = plans(tables, as_of=as_of)
    is_open = rows["closed_on"].isna() & rows["status"].isin(["on_schedule", "behind", "broken"])
    is_lost = rows["closed_on"].notna() & rows["status"].isin(["broken", "cancelled"])
    marked = rows.assign(
        plans=1, open_cents=rows["left_cents"].where(is_open, 0), lost_cents=rows["left_cents"].where(is_lost, 0)
    )
    names = ["on_schedule", "behind", "broken", "completed", "cancelled"]
    marked = marked.assign(**{name: (rows["status"] == name).astype("int64") for name in names})
    return _summed(marked, by, ["plans", *names, "open_cents", "lost_cents", "at_risk_cents"])


@measure("Payment plans paid to the end", unit="rate", good="up")
def plan_completion(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Payment plans that were paid to the end, of the plans that ended.

    Formula
        plan_completion = completed_plans / ended_plans
    Counts
        Plans agreed in the period that were closed by `as_of`: completed, broken or cancelled. open_plans
        go on and are left out above and below. `by`: columns of `plans`.
    Date basis
        day agreed; the end as known on `as_of`
    Unit
        share, 0 to 1; counts
    Empty
        No plan ended: an empty value.
    Source
        our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> plan_completion(example_self_pay(), period=Period.month("2026-01"), as_of=dt.date(2026, 4, 30))
       open_plans  completed_plans  ended_plans  plan_completion
    0           1                0            0              NaN
    """
    rows = plans(tables, as_of=as_of)
    rows = rows[period.holds(rows["opened_on"].dt.date)] if len(rows) else rows
    ended = rows["closed_on"].notna() | (rows["status"] == "completed")
    marked = rows.assign(
        open_plans=(~ended).astype("int64"),
        ended_plans=ended.astype("int64"),
        completed_plans=(rows["status"] == "completed").astype("int64"),
    )
    found = _summed(marked, by, ["open_plans", "completed_plans", "ended_plans"])
    return with_rate(found, "plan_completion", "completed_plans", "ended_plans")


@measure("Broken payment plans brought back", unit="rate", good="up")
def plan_cures(tables: Mapping[str, Any], *, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Payment plans that broke and were brought back, of the plans that ever broke.

    Formula
        plan_cures = cured_plans / ever_broken_plans
    Counts
        Plans agreed by `as_of` that were broken on some day, as `plans` says; cured: completed, on
        schedule or behind on `as_of`. `by`: columns of `plans`.
    Date basis
        as of the day
    Unit
        share, 0 to 1; counts
    Empty
        No plan ever broke: an empty value.
    Source
        our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> plan_cures(example_self_pay(), as_of=dt.date(2026, 4, 30))
       cured_plans  ever_broken_plans  plan_cures
    0            1                  1         1.0
    """
    rows = plans(tables, as_of=as_of)
    marked = rows.assign(
        cured_plans=rows["is_cured"].astype("int64"), ever_broken_plans=rows["broke_on"].notna().astype("int64")
    )
    return with_rate(
        _summed(marked, by, ["cured_plans", "ever_broken_plans"]), "plan_cures", "cured_plans", "ever_broken_plans"
    )


def _due_parts(tables: Mapping[str, Any], as_of: dt.date, by: Sequence[str]) -> nw.LazyFrame:
    """The instalments known on the day, without those that fell due after their plan was closed."""
    plan = known(
        tables,
        "payment_plans",
        ["plan_id", "claim_id", "closed_on"],
        as_of=as_of,
        by=[name for name in by if name != "amount_cents"],
    )
    columns = ["plan_id", "number", "due_on", "amount_cents", "paid_on", "paid_cents"]
    parts = known(tables, "plan_instalments", columns, as_of=as_of).join(plan, on=PLAN, how="inner")
    return parts.filter(col("closed_on").is_null() | (col("due_on") <= col("closed_on")) | ~col("paid_on").is_null())


def _by_plan(parts: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Per plan: paid_cents, overdue instalments and whether they break it, and the first day on which it was broken."""
    parts = parts.sort_values([*PLAN, "due_on", "number"], ignore_index=True)
    in_full = parts["paid_on"].notna() & (parts["paid_cents"] >= parts["amount_cents"])
    due, paid = _numbers(parts["due_on"]), np.where(in_full, _numbers(parts["paid_on"]), FAR)
    today = (day - pd.Timestamp(0)).days
    plan = parts.groupby(PLAN, sort=True).ngroup()
    before = pd.Series(paid).groupby(plan).cummax().groupby(plan).shift(fill_value=-FAR)
    late = np.where(paid > due + LATE_DAYS, due + LATE_DAYS + 1, FAR)
    missed = np.where((paid > due) & (before.to_numpy() > due), due + 1, FAR)
    broke = np.minimum(late, missed)
    overdue = (due < today) & (paid > today)
    marked = parts[PLAN].assign(
        paid_cents=parts["paid_cents"],
        overdue_instalments=overdue.astype("int64"),
        overdue_cents=parts["amount_cents"].where(overdue, 0),
        very_late=(overdue & (due + LATE_DAYS < today)).astype("int64"),
    )
    out = marked.groupby(PLAN, as_index=False).sum()
    first = pd.Series(broke).groupby(plan).min().reset_index(drop=True)
    out["broke_on"] = (pd.Timestamp(0) + pd.to_timedelta(first.where(first <= today), unit="D")).astype(
        "datetime64[us]"
    )
    out["breaks"] = (out["overdue_instalments"] >= 2) | (out.pop("very_late") > 0)
    return out


def _with_status(rows: pd.DataFrame) -> pd.DataFrame:
    sums_of = ["paid_cents", "overdue_instalments", "overdue_cents"]
    rows[sums_of] = rows[sums_of].fillna(0).astype("int64")
    rows["left_cents"] = rows["amount_cents"] - rows["paid_cents"]
    closed, outcome = rows["closed_on"].notna(), rows["outcome"]
    is_done = (closed & (outcome == "completed")) | (~closed & (rows["left_cents"] <= 0) & (rows["amount_cents"] > 0))
    breaks = rows.pop("breaks").eq(True) | (closed & (outcome == "broken"))
    rows["status"] = np.select(
        [is_done, closed & (outcome == "cancelled"), breaks, rows["overdue_instalments"] > 0],
        ["completed", "cancelled", "broken", "behind"],
        "on_schedule",
    )
    while_open = rows["broke_on"].where(~(rows["broke_on"] > rows["closed_on"]))
    rows["broke_on"] = while_open.fillna(rows["closed_on"].where(closed & (outcome == "broken")))
    rows["is_cured"] = rows["broke_on"].notna() & rows["status"].isin(["completed", "on_schedule", "behind"])
    rows["at_risk_cents"] = (
        rows["left_cents"].where(rows["status"].isin(["behind", "broken"]) & ~closed, 0).clip(lower=0)
    )
    return rows.drop(columns="outcome")


def _numbers(days: pd.Series) -> np.ndarray:
    return ((days - pd.Timestamp(0)) // pd.Timedelta(days=1)).fillna(FAR).astype("int64").to_numpy()


def _summed(rows: pd.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    if by:
        return rows.groupby(list(by), as_index=False)[list(columns)].sum()
    return pd.DataFrame({name: [int(rows[name].sum())] for name in columns})
