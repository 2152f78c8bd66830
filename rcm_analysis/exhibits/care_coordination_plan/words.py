"""The plan in words: what its figures mean, and how a lever, a month and an unrounded amount are said."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...models.plan.fields import LEVER_BY_KEY, SHARE
from ..formats import as_text

FIGURES = (
    {
        "name": "peak_deficit",
        "title": "Peak deficit",
        "unit": "US dollars",
        "source": "our own",
        "formula": (
            "Most negative running cash flow: receipts less recoupments less expense, summed from the "
            "first month on; opening cash left out."
        ),
    },
    {
        "name": "payback",
        "title": "Paid back",
        "unit": "month",
        "source": "our own",
        "formula": "First month after the peak deficit at whose end the running cash flow is zero or more.",
    },
    {
        "name": "break_even",
        "title": "Break-even caseload",
        "unit": "members per full-time coordinator",
        "source": "our own",
        "formula": "A full-time coordinator's monthly cost (salary, fringe, supervision, overhead on them, "
        "incentive) / net revenue of an average "
        "member-month (rate × billable share × share paid after follow-up of denials × what fees, dollars never "
        "paid and the recoupment "
        "reserve leave).",
    },
    {
        "name": "receivable",
        "title": "Receivable less reserve",
        "unit": "US dollars",
        "source": "our own",
        "formula": "Accrual result to date less cash flow to date less write-offs.",
    },
    {
        "name": "rounding",
        "title": "Rounding",
        "unit": "cents",
        "source": "our own",
        "formula": (
            "Every amount is whole cents; each product is rounded once, halves away from zero, in the workbook as here."
        ),
    },
)


def lever_text(key: str, value: int) -> str:
    """A lever's value as a reader says it.

    >>> (
    ...     lever_text("rate", 9500),
    ...     lever_text("lag_days", 60),
    ...     lever_text("denials", 1500),
    ...     lever_text("acuity_shift", -1000),
    ... )
    ('× 0.95', '+60 days', '+15.0 points', '10.0% one level up')
    """
    kind = LEVER_BY_KEY[key].kind
    if kind == "factor":
        return f"× {value / SHARE:.4g}"
    if kind == "days":
        return f"{value:+d} days"
    share = as_text(abs(value) / SHARE, "rate")
    if key == "acuity_shift":
        return f"{share} one level {'up' if value < 0 else 'down'}"
    return f"{'-' if value < 0 else '+'}{share.rstrip('%')} points"


def exit_text(lever: str, value: Any) -> str:
    """Where a lever stands, or would have to stand, in the table of ways out; a dash where no value is enough.

    >>> (
    ...     exit_text("rate", 10_000),
    ...     exit_text("rate", 10_500),
    ...     exit_text("opening_cash", 250_000),
    ...     exit_text("rate", None),
    ... )
    ('as planned', '× 1.05', '$2,500', '–')
    """
    if pd.isna(value):
        return "–"
    if lever == "opening_cash":
        return as_text(int(value), "usd")
    return "as planned" if int(value) == LEVER_BY_KEY[lever].neutral else lever_text(lever, int(value))


def whole_cents(value: float | None) -> int | None:
    """An unrounded amount (never below zero) to the cent; nothing stays nothing.

    >>> whole_cents(793_612.5), whole_cents(None)
    (793613, None)
    """
    return None if value is None else int(value + 0.5)


def when(month: str | None, otherwise: str = "never below zero") -> str:
    """A month as a reader says it; `otherwise` where there is none.

    >>> when("2027-04"), when(None)
    ('Apr 2027', 'never below zero')
    """
    return as_text(month, "month") if isinstance(month, str) else otherwise
