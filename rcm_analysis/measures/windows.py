"""A measure of this month beside its own past: last month, trailing three months, a year ago, trailing twelve months.

A client is compared with its own past first; external targets are only noted beside the figure.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..errors import ParameterError
from ..ledger.ratios import quotient
from ..periods import Period
from ..tables.frames import collect, days_before, source
from .menu import Measure, named, record_of

WINDOWS = ("this_month", "last_month", "trailing_3", "same_month_last_year", "trailing_12")
SETTLING_DAYS = 7
_MATURITY = ("cohort_days", "mature_days")


def comparisons(
    asked: str | Callable[..., pd.DataFrame],
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = (),
    value: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """One measure, computed for the month and for each window that the month is compared with.

    Formula
        flows (measures that take `period`): the measure is computed once, with the whole window as its period
        balances (measures that take `as_of`): this month, last month and the same month last year take the value on
        the month's last day; trailing_3 and trailing_12 take the mean of the month-end values
        matured measures (`cohort_days` or `mature_days`): the window is moved back by whole months until its last
        service is that many days old; what is known on the last day of the window before it was moved counts
    Counts
        `asked` is the name of a measure of the menu, or its function; `options` are passed on to it. `value` names the
        column to compare, by default the one the menu names. monthly_value divides the value of an additive
        measure by the months of the window, so that dollars of a trailing window can stand beside those of one month;
        for other measures it is the value itself. is_complete is False when the ledger's first posting is more
        than seven days after the window's first day: the window then lacks part of its data.
    Date basis
        that of the measure
    Unit
        that of the measure; first_day and last_day are the days of the window measured
    Empty
        A window that ends before the ledger's first posting is empty, never 0. With `by`, a group without a row in
        a window is empty in it; 0 where the measure is additive.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = comparisons("cash", example_ledger(), period=Period.month("2026-03"))
    >>> found[["window", "value", "monthly_value", "is_complete"]]
                     window    value  monthly_value  is_complete
    0            this_month  13500.0        13500.0         True
    1            last_month      0.0            0.0         True
    2            trailing_3  13500.0         4500.0         True
    3  same_month_last_year      NaN            NaN        False
    4           trailing_12  13500.0         1125.0        False
    """
    record = named(asked) if isinstance(asked, str) else record_of(asked)
    function: Callable[..., Any] = record.function if record else asked  # type: ignore[assignment]
    value = value or (record.value if record else function.__name__)
    given = {**(record.options if record else {}), **options}
    began = _first_posting(tables)
    parts, spans = [], []
    for name, window in _windows(period).items():
        measured = _stock if "period" not in inspect.signature(function).parameters else _flow
        found, first, last = measured(function, tables, window, by, value, given)
        is_known = began is not None and began <= last
        parts.append(found.assign(window=name, value=found["value"] if is_known else float("nan")))
        is_complete = began is not None and is_known and days_before(began, SETTLING_DAYS) <= first
        spans.append((name, first, last, len(window.months()), is_known, is_complete))
    windows = pd.DataFrame(spans, columns=["window", "first_day", "last_day", "months", "is_known", "is_complete"])
    return _finished(_every_group(pd.concat(parts, ignore_index=True), windows, list(by)), list(by), record)


def _windows(period: Period) -> dict[str, Period]:
    month = Period.of(period.last_day)
    windows = (month, month.shift(-1), month.trailing(3), month.shift(-12), month.trailing(12))
    return dict(zip(WINDOWS, windows, strict=True))


def matured_window(window: Period, days: int) -> Period:
    """The window moved back: as many months, the last of which ended at least `days` days before the window's last day.

    >>> matured_window(Period.month("2026-10"), 120).label
    '2026-06'
    """
    limit = days_before(window.last_day, days)
    last = Period.of(limit)
    if last.last_day > limit:
        last = last.shift(-1)
    return last.trailing(len(window.months()))


def _flow(
    function: Callable[..., pd.DataFrame],
    tables: Mapping[str, Any],
    window: Period,
    by: Sequence[str],
    value: str,
    options: Mapping[str, Any],
) -> tuple[pd.DataFrame, dt.date, dt.date]:
    parameters = inspect.signature(function).parameters
    measured = window
    extra: dict[str, Any] = {}
    if "as_of" in parameters:
        extra["as_of"] = window.last_day
        for name in _MATURITY:
            if name in parameters:
                measured = matured_window(window, options.get(name, parameters[name].default))
    if "by" in parameters:
        extra["by"] = list(by)
    found = function(tables, period=measured, **extra, **options)
    return _one_per_group(found, by, value), measured.first_day, measured.last_day


def _stock(
    function: Callable[..., pd.DataFrame],
    tables: Mapping[str, Any],
    window: Period,
    by: Sequence[str],
    value: str,
    options: Mapping[str, Any],
) -> tuple[pd.DataFrame, dt.date, dt.date]:
    days = [month.last_day for month in window.months()]
    ends = [_one_per_group(function(tables, as_of=day, by=list(by), **options), by, value) for day in days]
    found = pd.concat(ends, ignore_index=True)
    if len(days) > 1:
        found = found.groupby(list(by), as_index=False)["value"].mean() if by else found[["value"]].mean().to_frame().T
    return found, days[0], days[-1]


def _one_per_group(found: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    out = found[[*by, value]].rename(columns={value: "value"})
    if len(out) > 1 if not by else out.duplicated(list(by)).any():
        raise ParameterError(
            f"{value} came back with several rows per group of by={list(by)}: compare a measure with one row "
            "per group, or name in `by` what tells its rows apart."
        )
    return out


def _every_group(out: pd.DataFrame, windows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Every group in every window, whether it had rows there or not."""
    if not by:
        return windows.merge(out, on="window", how="left")
    return out[by].drop_duplicates().merge(windows, how="cross").merge(out, on=[*by, "window"], how="left")


def _finished(out: pd.DataFrame, by: list[str], record: Measure | None) -> pd.DataFrame:
    out["value"] = pd.to_numeric(out["value"]).astype("float64")
    is_additive = record is not None and record.is_additive
    if is_additive:
        out["value"] = out["value"].mask(out["value"].isna() & out["is_known"], 0.0)
    out["monthly_value"] = quotient(out["value"], out["months"]) if is_additive else out["value"]
    out["window"] = pd.Categorical(out["window"], categories=WINDOWS, ordered=True)
    columns = [*by, "window", "first_day", "last_day", "value", "monthly_value", "is_complete"]
    out = out[columns].sort_values([*by, "window"], ignore_index=True)
    return out.assign(window=out["window"].astype("object"))


def _first_posting(tables: Mapping[str, Any]) -> dt.date | None:
    """The day on which the ledger begins."""
    rows = source(tables, "transactions", ["posted_on"])
    found = collect(rows.select(nw.col("posted_on").min()), [], dates=["posted_on"])
    day = found["posted_on"].iloc[0] if len(found) else pd.NaT
    return None if pd.isna(day) else day.date()


def monthly(asked: Measure, tables: Mapping[str, Any], *, months: Sequence[Period], **options: Any) -> pd.DataFrame:
    """A measure month by month, with all its columns: `month` first.

    Formula
        flows: the measure of each month; balances: the measure on each month's last day; matured measures: the
        services of the latest month that was old enough on that day, as in `comparisons`
    Counts
        `options` are passed on to the measure; a last month that is cut off stands on its last day.
    Date basis
        that of the measure; month is the first day of the month
    Unit
        that of the measure
    Empty
        No row for a month without any.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> months = Period.month("2026-03").trailing(2).months()
    >>> monthly(named("cash"), example_ledger(), months=months)[["month", "cash_cents"]]
           month  cash_cents
    0 2026-02-01           0
    1 2026-03-01       13500
    """
    takes = asked.parameters
    given = {**asked.options, **options}
    parts = []
    for month in months:
        when: dict[str, Any] = {"as_of": month.last_day} if "as_of" in takes else {}
        if "period" in takes:
            days = [given.get(name, _default(asked, name)) for name in _MATURITY if name in takes]
            when["period"] = matured_window(month, days[0]) if days else month
        found = asked.function(tables, **when, **given)
        found = found.drop(columns="month", errors="ignore")
        found.insert(0, "month", pd.Timestamp(month.first_day))
        parts.append(found)
    there = [part for part in parts if len(part)]
    return pd.concat(there, ignore_index=True) if there else parts[-1]


def _default(asked: Measure, name: str) -> Any:
    return inspect.signature(asked.function).parameters[name].default
