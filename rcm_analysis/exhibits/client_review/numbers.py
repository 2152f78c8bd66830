"""The indicator tiles: six numbers, each beside its own past and its target."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...measures.menu import Measure, named
from ...measures.windows import comparisons, matured_window
from ...periods import Period
from ..blocks import Block, Kpi, comparison, kpi, kpis
from ..formats import as_text, is_empty, span
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show

LABELS = {
    "last_month": "Last month",
    "trailing_3": "Three months",
    "same_month_last_year": "A year ago",
    "trailing_12": "Twelve months",
}


@dataclass(frozen=True)
class Tile:
    """One tile: a measure of the menu, its label, and how its window is said in words; `on_tile=False` keeps it
    for the workbook.

    `window` is the window of the headline: three months for numbers that one month makes too restless.
    """

    name: str
    label: str
    basis: str
    window: str = "this_month"
    reason: str = "no data"
    on_tile: bool = True


TILES = (
    Tile("cash", "Cash received", "posted in {month}, less refunds and money taken back", reason="nothing posted"),
    Tile(
        "net_collection_rate_matured",
        "Net collection rate",
        "share of what was due that came in; services of {services}",
        "trailing_3",
        "no service old enough",
    ),
    Tile(
        "days_in_ar",
        "Days in AR",
        "open balance in days of charges, last 90 days; as of {as_of}",
        reason="no charges in 90 days",
    ),
    Tile(
        "aged_share_90",
        "Open over 90 days",
        "share of what is owed, from the day of service; as of {as_of}",
        reason="nothing open",
    ),
    Tile(
        "initial_denial_rate_claims_remitted",
        "Initial denial rate",
        "claims denied at first, of claims first decided in {month}",
        reason="no claim decided",
    ),
    Tile(
        "first_pass_resolution_rate",
        "First-pass resolution",
        "claims settled by their first submission; sent in {services}",
        "trailing_3",
        "no claim old enough",
    ),
    Tile(
        "charge_lag",
        "Charge lag",
        "days from service to entry, half of the claims; entered in {month}",
        reason="nothing entered",
        on_tile=False,
    ),
)


def looked_at(subject: Subject, tile: Tile) -> dict[str, Mapping[str, Any]]:
    """The tile's headline under "now" and its earlier values, by window."""
    if tile.window == "trailing_3":
        return _quarters(subject, named(tile.name))
    rows = {
        row["window"]: row for row in comparisons(tile.name, subject.tables, period=subject.period).to_dict("records")
    }
    return {"now": rows["this_month"], **{name: rows[name] for name in LABELS}}


def _quarters(subject: Subject, record: Measure) -> dict[str, Mapping[str, Any]]:
    """A matured measure over three months of services: now, as it stood last month and a year ago; and over twelve."""
    parameters = inspect.signature(record.function).parameters
    days = next(parameters[name].default for name in ("cohort_days", "mature_days") if name in parameters)
    began = subject.pandas("transactions")["posted_on"].min()
    windows = {
        "now": subject.period.trailing(3),
        "last_month": subject.period.shift(-1).trailing(3),
        "same_month_last_year": subject.period.shift(-12).trailing(3),
        "trailing_12": subject.period.trailing(12),
    }
    found: dict[str, Mapping[str, Any]] = {}
    for name, window in windows.items():
        services = matured_window(window, days)
        value = record.function(subject.tables, period=services, as_of=window.last_day)[record.value].iloc[0]
        found[name] = {
            "window": "this_month" if name == "now" else name,
            "value": value,
            "monthly_value": value,
            "first_day": services.first_day,
            "last_day": services.last_day,
            "is_complete": began < pd.Timestamp(services.first_day),
        }
    return found


@page
def numbers(subject: Subject) -> list[Block]:
    """The row of tiles, and the same numbers as a table for the workbook."""
    items, rows = [], []
    for tile in TILES:
        found, record = looked_at(subject, tile), named(tile.name)
        if tile.on_tile:
            items.append(_tile(subject, tile, found))
        rows.append(
            {
                "indicator": tile.label,
                "unit": record.unit,
                "good": {"up": "higher is better", "down": "lower is better"}.get(record.good, ""),
                **{name: _shown(found.get(name), record.unit) for name in ("now", *LABELS)},
                "basis": _basis(subject, tile, found["now"]),
            }
        )
    columns = [
        Shown("indicator", "Indicator"),
        Shown("now", "Now"),
        *(Shown(name, label) for name, label in LABELS.items()),
        Shown("good", "Direction"),
        Shown("basis", "Basis"),
    ]
    return [
        kpis(items),
        show(
            pd.DataFrame(rows),
            columns,
            name="indicators",
            title="Indicators and their own past",
            print_it=False,
            definition="Each with its date basis in the last column; dollars of several months are shown per month.",
        ),
    ]


def _tile(subject: Subject, tile: Tile, found: Mapping[str, Mapping[str, Any]]) -> Kpi:
    record = named(tile.name)
    now = _value(found["now"], record.unit)
    others = [
        comparison(
            _label(name, record.unit),
            _value(found[name], record.unit),
            record.unit,
            now=now,
            good=record.good if record.good != "none" else "",
        )
        for name in LABELS
        if name in found
    ]
    aim, status = _aim(now, _value(found["trailing_12"], record.unit), record)
    return kpi(
        tile.label,
        now,
        record.unit,
        note=_basis(subject, tile, found["now"]),
        target=aim,
        status=status,
        comparisons=others,
        reason=tile.reason,
    )


def _label(name: str, unit: str) -> str:
    per_month = unit == "usd" and name in ("trailing_3", "trailing_12")
    return f"{LABELS[name]}, a month" if per_month else LABELS[name]


def _value(row: Mapping[str, Any] | None, unit: str) -> Any:
    """The number to print: empty when the window reaches back before the data begin."""
    if row is None or not row["is_complete"] and row["window"] != "this_month":
        return None
    value = row["monthly_value"]
    return None if is_empty(value) else round(value) if unit == "usd" else value


def _shown(row: Mapping[str, Any] | None, unit: str) -> str:
    return as_text(_value(row, unit), unit)


def _aim(now: Any, usual: Any, record: Measure) -> tuple[str, str]:
    """The aim in words and whether it is met: the client's own twelve months, when they are complete."""
    if is_empty(usual) or is_empty(now) or record.good == "none":
        return "", "neutral"
    side = "at least" if record.good == "up" else "at most"
    met = now >= usual if record.good == "up" else now <= usual
    close = abs(now - usual) * 100 <= abs(usual)
    return f"{side} {as_text(usual, record.unit)} (own twelve months)", "good" if met else "neutral" if close else "bad"


def _basis(subject: Subject, tile: Tile, row: Mapping[str, Any]) -> str:
    services = span(Period(row["first_day"], row["last_day"] + pd.Timedelta(days=1).to_pytimedelta()))
    return tile.basis.format(month=subject.period.title, as_of=as_text(subject.as_of, "date"), services=services)
