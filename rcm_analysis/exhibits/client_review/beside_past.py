"""The numbers of page one, each beside the client's own past: thirteen months as a line, and its usual band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from ...measures.collections.rates import cash
from ...measures.denials.reasons import denial_trend
from ...measures.receivable.ar import aged_share, days_in_ar
from ...periods import Period
from ...tables.schema import PARTIES
from ..blocks import Block
from ..formats import as_text, counted, gap, is_empty
from ..incomplete import patients_untold
from ..subject import Subject
from ..tables import Shown, show

MONTHS = 13
NEAR = 0.02
WORSE = "!"
Series = Mapping[Period, Any]


def monthly_cash(subject: Subject, months: list[Period]) -> Series:
    """What came in, by month of posting: nothing in a month in which something else was posted is zero."""
    found = cash(subject.tables, period=_whole(months), by=["month"]).set_index("month")["cash_cents"]
    days = subject.pandas("transactions")["posted_on"].drop_duplicates()
    posted = set(days.dt.to_period("M").dt.to_timestamp())
    starts = {month: pd.Timestamp(month.first_day) for month in months}
    return {month: found.get(day, 0 if day in posted else None) for month, day in starts.items()}


def monthly_denials(subject: Subject, months: list[Period]) -> Series:
    """The share of claims denied at first, by month of the decision."""
    found = denial_trend(subject.tables, period=_whole(months)).set_index("month")["denial_rate"]
    return {month: found.get(pd.Timestamp(month.first_day)) for month in months}


def at_month_ends(measure: Callable[..., pd.DataFrame], value: str) -> Callable[[Subject, list[Period]], Series]:
    """A measure of a day, on the last day of each month."""

    def series(subject: Subject, months: list[Period]) -> Series:
        days = {month: min(month.last_day, subject.as_of) for month in months}
        return {month: measure(subject.tables, as_of=day)[value].iloc[0] for month, day in days.items()}

    return series


@dataclass(frozen=True)
class Number:
    """One number: its words, its unit, which way is good, how it is computed, and after how many months it is whole."""

    label: str
    unit: str
    good: str
    series: Callable[[Subject, list[Period]], Series]
    whole_after: int = 0
    more: str = "{} more"
    less: str = "{} less"
    rests_on: str = "transactions"
    """The records without which it cannot be told: a client who has none of them gets no row."""


def numbers_of(subject: Subject) -> list[Number]:
    """The numbers of page one; those of what is owed count insurers alone where nobody knows what patients paid."""
    alone = patients_untold(subject)
    parties = PARTIES[:3] if alone else PARTIES
    days = at_month_ends(partial(days_in_ar, parties=parties), "days_in_ar")
    aged = at_month_ends(partial(aged_share, days=90, parties=parties), "aged_share")
    by = "by insurers " if alone else ""
    every = (
        Number("Cash received from insurers" if alone else "Cash received", "usd", "up", monthly_cash),
        Number(f"Days of charges still owed {by}".strip(), "days", "down", days, 3, "{} longer", "{} shorter"),
        Number(f"Owed {by}for over 90 days", "rate", "down", aged, 3),
        Number("Claims denied at first", "rate", "down", monthly_denials, 1, rests_on="remit_claims"),
    )
    return [number for number in every if subject.holds(number.rests_on)]


def beside_past(subject: Subject) -> list[Block]:
    """The table of page one, and the months behind its lines for the workbook."""
    began = Period.of(subject.pandas("transactions")["posted_on"].min().date())
    return numbers_beside(
        subject,
        numbers_of(subject),
        began,
        name="numbers",
        basis="Cash by posting date; days and shares on the last day of the month; denials by day of remittance. "
        "US dollars, days, rates.",
    )


def numbers_beside(
    subject: Subject, numbers: Sequence[Number], began: Period, *, name: str, basis: str, months: int = MONTHS
) -> list[Block]:
    """Numbers with their past months as lines, from the month in which the records began; `basis` says of which day
    each number is."""
    shown = [month for month in subject.period.trailing(months).months() if month.first_day >= began.first_day]
    found = {number.label: _from(number, number.series(subject, shown), began) for number in numbers}
    rows = [_row(number, found[number.label], shown) for number in numbers]
    past = pd.DataFrame({"month": [pd.Timestamp(month.first_day) for month in shown]})
    for number in numbers:
        past[number.label] = [found[number.label][month] for month in shown]
    return [
        show(
            pd.DataFrame(rows),
            [
                Shown("label", "Measure"),
                Shown("now", subject.month, "mixed"),
                Shown("line", f"{counted(len(shown), 'month')} to {subject.month}", drawn="trend"),
                Shown("usual", "Usual", "mixed"),
                Shown("verdict", "Against the usual"),
            ],
            name=name,
            title="Your numbers beside your own past",
            definition="Usual: the middle of the twelve months before; shaded, the half of them nearest to it.",
        ),
        show(
            past,
            [Shown("month", "Month", "month"), *(Shown(number.label, number.label, number.unit) for number in numbers)],
            name=f"{name}_by_month",
            title="The numbers of page one by month",
            print_it=False,
            definition=basis,
        ),
    ]


def _from(number: Number, series: Series, began: Period) -> dict[Period, Any]:
    """The months for which the number is whole: what looks back needs the months it looks back on."""
    first = began.shift(number.whole_after).first_day
    return {
        month: value if month.first_day >= first and not is_empty(value) else None for month, value in series.items()
    }


def _row(number: Number, series: Mapping[Period, Any], months: list[Period]) -> dict[str, Any]:
    now = series[months[-1]]
    before = pd.Series([series[month] for month in months[:-1]], dtype="float64").dropna()
    usual = float(before.median()) if len(before) >= 3 else None
    band = [float(before.quantile(0.25)), float(before.quantile(0.75))] if usual is not None else []
    line = [None if is_empty(series[month]) else float(series[month]) for month in months]
    return {
        "label": number.label,
        "now": (now, number.unit),
        "line": {"line": line, "band": band},
        "usual": (usual, number.unit),
        "verdict": _verdict(number, now, usual, band),
    }


def worse_than_usual(numbers: Sequence[Block]) -> str:
    """The first of the page's numbers after cash that is worse than usual, as a sentence; empty where none is."""
    for label, (now, unit), *_, verdict in numbers[0].rows[1:] if numbers else ():  # type: ignore[attr-defined]
        if verdict and verdict.startswith(WORSE):
            return f"{label}: {as_text(now, unit)}, {verdict.removeprefix(WORSE).strip()} than usual."
    return ""


def is_near(now: float, usual: float) -> bool:
    """Whether a number is within two percent of its usual: no reader should be told of less.

    >>> is_near(12_892, 12_767), is_near(0.12, 0.09)
    (True, False)
    """
    return abs(now - usual) <= NEAR * abs(usual)


def _verdict(number: Number, now: Any, usual: float | None, band: list[float]) -> str:
    """How far from the usual, and whether that is good."""
    if is_empty(now) or usual is None:
        return ""
    if band[0] <= now <= band[1] or is_near(now, usual) or as_text(now, number.unit) == as_text(usual, number.unit):
        return "as usual"
    apart = gap(now, usual, number.unit)
    apart = f"{apart[:-1]} points" if number.unit == "rate" else f"{apart} days" if number.unit == "days" else apart
    words = (number.more if now > usual else number.less).format(apart)
    return f"{'✓' if (now > usual) == (number.good == 'up') else WORSE} {words}"


def _whole(months: list[Period]) -> Period:
    return Period(months[0].first_day, months[-1].end)
