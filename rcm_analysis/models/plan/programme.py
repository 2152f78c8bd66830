"""The care-coordination plan: members, billable units, accrual result, cash, and how deep the hole gets.

    plan = programme_plan(read_assumptions("assumptions.toml"))
    plan.summary.peak_deficit_cents, plan.summary.peak_deficit_month, plan.summary.payback_month

A plan that shows only the accrual result hides the whole problem: payers answer months later, salaries
do not wait. Every figure of `Plan.months` is whole cents (or thousandths of a member) and equals the
recalculated workbook to the cent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import ParameterError
from .assumptions import BASE, Assumptions, Scenario, example_assumptions, read_assumptions
from .engine import LaggedScenario, Rows, run
from .fields import MILLI, SHARE

LAGS = (60, 90, 120, 150, 180)
"""Days of lag at which the need for working capital is shown."""


@dataclass(frozen=True)
class Summary:
    """The plan in a few figures. A month that does not come within the plan is None."""

    peak_deficit_cents: int
    """Most negative running cash flow, opening cash left out; 0 where it never goes below zero."""
    peak_deficit_month: str | None
    payback_month: str | None
    """First month after the peak at whose end the running cash flow is back at zero or above."""
    lowest_balance_cents: int
    lowest_balance_month: str
    accrual_trough_cents: int
    closing_cash_cents: int
    """Running cash flow at the end of the plan, opening cash left out."""
    result_last_month_cents: int
    break_even_members_per_coordinator: float | None
    cost_per_coordinator_cents: float | None
    net_revenue_per_member_cents: float | None


@dataclass(frozen=True)
class Plan:
    """One computed plan: the assumptions, the scenario, its months, its summary."""

    assumptions: Assumptions
    scenario: Scenario
    months: pd.DataFrame
    """One row per month; columns are the rows of the engine, `month` first."""
    summary: Summary


def programme_plan(assumptions: Assumptions, scenario: str | Scenario = BASE, *, lag_days: int | None = None) -> Plan:
    """The plan under one scenario, month by month.

    Formula
        cash = receipts - recoupments - expense; accrual = net revenue - reserve - expense;
        receivable = net revenue to date - receipts to date - write-offs to date
    Counts
        Members up to what the coordinators at work can carry; others wait. `lag_days` puts every dollar
        on one fixed lag instead of the stages'.
    Unit
        cents, thousandths of a member or position, ten-thousandths of a share
    Source
        our own, after the published advice on launching a care-coordination programme

    Raises
        ParameterError where the base plan holds more members than its coordinators can carry.
    """
    found = assumptions.scenario(scenario)
    if found.name == BASE and not found.levers:
        refuse_overload(assumptions)
    rows = run(assumptions, [LaggedScenario(found, lag_days)])
    months = pd.DataFrame({"month": assumptions.month_labels} | {name: row[0] for name, row in rows.items()})
    return Plan(assumptions, found, months, summaries(assumptions, rows)[0])


def refuse_overload(assumptions: Assumptions, where: Callable[[str], str] = str) -> None:
    """More cases than capacity is a mistake in the inputs: the base plan would send members away.

    `where` turns a key into what the message calls it, such as the cell of a workbook.

    Raises
        ParameterError with the keys to look at, the first month at fault and how many there are.
    """
    rows = run(assumptions, [Scenario(BASE, "Base")])
    over = np.flatnonzero(rows["transferred"][0])
    if not len(over):
        return
    month = int(over[0])
    capacity = rows["capacity"][0, month]
    members = capacity + rows["transferred"][0, month]
    keys = ("enrolment.opening_members",) if month == 0 else ("coordinators", "acuity.caseload", "acuity.mix")
    raise ParameterError(
        f"{', '.join(where(key) for key in keys)}: expected no more members than the coordinators can carry; "
        f"found {members / MILLI:,.1f} "
        f"members and room for {capacity / MILLI:,.1f} in {assumptions.month_labels[month]} ({len(over)} "
        f"month{'s' if len(over) > 1 else ''} in all). "
        "Hire earlier, keep a coordinator longer, or begin with fewer members. Nothing was run."
    )


def summaries(assumptions: Assumptions, rows: Rows) -> list[Summary]:
    """The summary of every case of a run."""
    unit = unit_economics(assumptions, rows)
    return [_summary(assumptions.month_labels, rows, unit, case) for case in range(len(rows["cash"]))]


def _summary(labels: Sequence[str], rows: Rows, unit: Mapping[str, np.ndarray], case: int) -> Summary:
    running, balance = rows["cumulative_cash"][case], rows["balance"][case]
    trough, lowest = int(running.argmin()), int(balance.argmin())
    deep = int(running[trough])
    back = [place for place in range(trough, len(labels)) if running[place] >= 0] if deep < 0 else [0]
    return Summary(
        peak_deficit_cents=min(0, deep),
        peak_deficit_month=labels[trough] if deep < 0 else None,
        payback_month=labels[back[0]] if back else None,
        lowest_balance_cents=int(balance[lowest]),
        lowest_balance_month=labels[lowest],
        accrual_trough_cents=min(0, int(rows["cumulative_accrual"][case].min())),
        closing_cash_cents=int(running[-1]),
        result_last_month_cents=int(rows["accrual"][case, -1]),
        break_even_members_per_coordinator=_known(unit["break_even"][case, -1]),
        cost_per_coordinator_cents=_known(unit["cost"][case, -1]),
        net_revenue_per_member_cents=_known(unit["net"][case, -1]),
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def unit_economics(assumptions: Assumptions, rows: Rows) -> dict[str, np.ndarray]:
    """Each month: what a full-time coordinator costs, what a member brings, and how many pay for one.

    Formula
        net = Σ mix × share of region × rate × billable share × (1 - denied + denied × recovered) × (1 - MCO) × (1 -
        lead Health
        Home) × (1 - never paid) × (1 - reserve); cost = salaries, fringe, supervision, their overhead and the
        incentive, per filled full-time position; break-even = cost / net
    Counts
        What a member brings every month: the one-off fee of an assessment and paid outreach are left out
    Unit
        cents a month, not rounded; members per full-time coordinator
    Empty
        No filled position, or nothing earned per member: not a number.
    """

    def share(key: str) -> np.ndarray:
        return np.array(assumptions.path(key), dtype=float) / SHARE

    blend = (
        sum(
            rows[f"mix.{level}.{region}"] * rows[f"region.{region}"] * rows[f"rate.{level}.{region}"]
            for level in assumptions.levels
            for region in assumptions.regions
        )
        / SHARE**2
    )
    denied = rows["denial_share"] / SHARE
    net = blend * (rows["billable_share"] / SHARE) * (1 - denied + denied * share("denials.recovered"))
    for key in ("fees.mco", "fees.lead_health_home", "lag.never_paid", "recoupment.rate"):
        net = net * (1 - share(key))
    staff = rows["salaries"] + rows["fringe"] + rows["supervision"] + rows["overhead_on_staff"] + rows["incentive"]
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = np.where(rows["fte"] > 0, staff * MILLI / rows["fte"], np.nan)
        return {"blend": blend, "net": net, "cost": cost, "break_even": np.where(net > 0, cost / net, np.nan)}


def working_capital(
    assumptions: Assumptions, scenario: str | Scenario = BASE, *, lags: Sequence[int] = LAGS
) -> pd.DataFrame:
    """The cash needed to get through the trough, were every payment to take so many days.

    Shape
        lag_days, need_cents (positive), peak_month, payback_month, closing_cash_cents
    """
    found = assumptions.scenario(scenario)
    made = summaries(assumptions, run(assumptions, [LaggedScenario(found, days) for days in lags]))
    return pd.DataFrame(
        {
            "lag_days": list(lags),
            "need_cents": [-item.peak_deficit_cents for item in made],
            "peak_month": [item.peak_deficit_month for item in made],
            "payback_month": [item.payback_month for item in made],
            "closing_cash_cents": [item.closing_cash_cents for item in made],
        }
    )


__all__ = [
    "Assumptions",
    "Plan",
    "Summary",
    "example_assumptions",
    "programme_plan",
    "read_assumptions",
    "working_capital",
]
