"""A plan as `rcm plan --json` writes it: the figures of the summary and of each month, with a word on signs and
units."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .fields import MILLI
from .programme import Plan, working_capital
from .scenarios import LONGEST_LAG, break_even_lag, break_even_rate

ABOUT = {
    "money": (
        "whole cents, US dollars; costs are above zero in expense_cents, what flows out is below zero in cash_cents"
    ),
    "months": "YYYY-MM; a month_number is 1 in the plan's first month; null: does not come within the plan",
    "peak_deficit_cents": "zero or below: the most negative running cash flow, opening cash left out",
    "payback_month": "first month after the peak at whose end the running cash flow is zero or above",
    "break_even_members_per_coordinator": (
        "members per full-time coordinator, not rounded, in the plan's last month; null: no coordinator then"
    ),
    "break_even_rate_cents": "an average member-month at which the last month's accrual result is zero, not "
    "rounded; null: three times the rates "
    "would not do; blended_rate_cents is today's",
    "longest_lag_survived_days": "days, every payment alike, that opening cash survives; null: not even without a lag; "
    f"{LONGEST_LAG}: that long or longer",
    "cash_cents": "by month: receipts less recoupments less expense; below zero: more went out than came in",
    "accrual_cents": "by month: net revenue of the month of service less reserve less expense",
    "working_capital_need_cents": (
        "by days of lag, zero or above: the depth of the trough were every payment to take so many days"
    ),
}
"""Signs, units and forms of what `plan_json` gives; the file carries them itself."""


def plan_json(plan: Plan) -> dict[str, Any]:
    """Plain numbers, money in cents, months as YYYY-MM; signs as in `ABOUT`.

    Shape
        single figures under their names; `…_cents`, members and billable_units by month: {"2027-01": …}
    """
    months, summary = plan.months, plan.summary

    def by_month(column: str) -> dict[str, int]:
        return dict(zip(months["month"], (int(value) for value in months[column]), strict=True))

    need, rate = working_capital(plan.assumptions, plan.scenario), break_even_rate(plan.assumptions, plan.scenario)
    return {
        "about": ABOUT,
        "name": plan.assumptions.name,
        "scenario": plan.scenario.name,
        "start": plan.assumptions.start,
        "months": plan.assumptions.months,
        "break_even_members_per_coordinator": summary.break_even_members_per_coordinator,
        "peak_deficit_cents": summary.peak_deficit_cents,
        "peak_deficit_month": summary.peak_deficit_month,
        "payback_month": summary.payback_month,
        "peak_deficit_month_number": _number(months, summary.peak_deficit_month),
        "payback_month_number": _number(months, summary.payback_month),
        "opening_cash_cents": plan.assumptions.value("opening_cash"),
        "lowest_balance_cents": summary.lowest_balance_cents,
        "lowest_balance_month": summary.lowest_balance_month,
        "accrual_trough_cents": summary.accrual_trough_cents,
        "cost_per_coordinator_cents": summary.cost_per_coordinator_cents,
        "net_revenue_per_member_cents": summary.net_revenue_per_member_cents,
        "break_even_rate_cents": rate["rate_cents"],
        "blended_rate_cents": rate["blended_rate_cents"],
        "longest_lag_survived_days": break_even_lag(plan.assumptions, plan.scenario),
        "working_capital_need_cents": {
            str(days): int(cents) for days, cents in zip(need["lag_days"], need["need_cents"], strict=True)
        },
        "cash_cents": by_month("cash"),
        "accrual_cents": by_month("accrual"),
        "cumulative_cash_cents": by_month("cumulative_cash"),
        "receipts_cents": by_month("receipts"),
        "revenue_cents": by_month("revenue"),
        "assessment_billed_cents": by_month("billed.assessment"),
        "outreach_billed_cents": by_month("billed.outreach"),
        "expense_cents": by_month("expense"),
        "ar_cents": by_month("ar"),
        "write_offs_cents": by_month("written_off"),
        "members": {month: value / MILLI for month, value in by_month("members").items()},
        "billable_units": {month: value / MILLI for month, value in by_month("units").items()},
    }


def _number(months: pd.DataFrame, month: str | None) -> int | None:
    return None if month is None else int(months.index[months["month"] == month][0]) + 1
