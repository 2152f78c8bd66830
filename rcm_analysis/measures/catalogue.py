"""The menu of measures: one record each, read by reports, workbook, glossary and tests.

The records stand in the modules of `menu`, one per part of the work; `menu.record.Measure` says what one holds.
A new measure gets its record in the menu of its part, and nothing else is needed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..errors import ParameterError, closest
from .menu import accounts, claims, engagement, follow_up, patient_billing, payers, portfolio, self_pay
from .menu.record import DIRECTIONS, SECTIONS, UNITS, Measure, section

MENUS = (claims, accounts, portfolio, follow_up, engagement, self_pay, patient_billing, payers)
"""Every part of the menu, in the order in which it is printed."""

_RECORDS = tuple(record for menu in MENUS for record in menu.MEASURES)

CATALOGUE: Mapping[str, Measure] = MappingProxyType({record.name: record for record in _RECORDS})
"""Every measure by name."""


def measure(name: str) -> Measure:
    """The measure of this name.

    Raises
        ParameterError for an unknown name: it names the closest.

    >>> measure("days_in_ar").title, measure("days_in_ar").good
    ('Days in AR', 'down')
    """
    if name not in CATALOGUE:
        raise ParameterError(f"No measure {name!r} in the catalogue." + closest(name, CATALOGUE))
    return CATALOGUE[name]


def record_of(function: Callable[..., Any]) -> Measure | None:
    """The first record of this function, or None."""
    return next((record for record in _RECORDS if record.function is function), None)


def glossary(names: Iterable[str] | None = None) -> pd.DataFrame:
    """The definitions as a table, for an appendix or a sheet: one row per measure, in the catalogue's order.

    Columns: name, title, definition, formula, date_basis, unit, good, source.

    >>> glossary(["cash"]).loc[0, "formula"]
    'cash_cents = insurance_cents + patient_cents - takebacks_cents - refunds_cents'
    """
    wanted = [measure(name) for name in (CATALOGUE if names is None else names)]
    columns = ["name", "title", "definition", "formula", "date_basis", "unit", "good", "source"]
    rows = [
        (one.name, one.title, one.summary, one.formula, one.date_basis, one.unit, one.good, one.source)
        for one in wanted
    ]
    return pd.DataFrame(rows, columns=columns)


def check_record(record: Measure) -> list[str]:
    """What is wrong with a record; nothing when it is sound."""
    faults = []
    if record.unit not in UNITS:
        faults.append(f"{record.name}: unit {record.unit!r}")
    if record.good not in DIRECTIONS:
        faults.append(f"{record.name}: good {record.good!r}")
    lacking = [title for title in SECTIONS if not section(record.function, title)]
    unknown = [name for name in record.options if name not in record.parameters]
    faults += [f"{record.name}: docstring lacks {title}" for title in lacking]
    faults += [f"{record.name}: no parameter {name!r}" for name in unknown]
    if ">>>" not in (record.function.__doc__ or ""):
        faults.append(f"{record.name}: docstring lacks an example")
    return faults
