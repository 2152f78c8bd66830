"""The menu of measures: each joins it where it is defined, and reports, definitions and tests read it here.

    @measure("Days in AR", unit="days", good="down")
    def days_in_ar(tables, *, as_of, by=()):
        ...

What the number *is* stands in one place only, the docstring of its function: `Measure.formula`, `.date_basis` and
`.source` read it there. The menu is ordered by subject, module and place in the module.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

import pandas as pd

from ..errors import ParameterError, closest
from ..tables.frames import kept

SUBJECTS = ("receivable", "collections", "denials", "payers", "self_pay", "engagement", "coordination", "portfolio")
"""The folders of measures, in the order of the menu."""

_ROOM = __name__.rpartition(".")[0]
_RECORDS: dict[str, Measure] = {}
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Measure:
    """What a reader needs of a measure beside its number.

    value        the column that holds the headline number ("usd" columns hold cents)
    unit         "usd", "rate", "days", "count", "words" or "date"
    good         which direction is good: "up", "down" or "none"
    options      arguments that belong to the name ("aged_share_90" is `aged_share` with days=90)
    is_additive  the value of a longer period is a sum, so windows compare per month
    """

    name: str
    function: Callable[..., pd.DataFrame]
    title: str
    value: str
    unit: str
    good: str
    options: Mapping[str, Any]
    is_additive: bool = False

    @property
    def subject(self) -> str:
        """The folder in which the measure stands; empty for one that an analyst defined in a notebook."""
        room, _, inner = self.function.__module__.partition(f"{_ROOM}.")
        return "" if room else inner.partition(".")[0]

    @property
    def summary(self) -> str:
        """The first sentence of the definition."""
        return " ".join((inspect.getdoc(self.function) or "").split("\n\n")[0].split())

    @property
    def formula(self) -> str:
        return section(self.function, "Formula")

    @property
    def date_basis(self) -> str:
        return section(self.function, "Date basis")

    @property
    def source(self) -> str:
        return section(self.function, "Source")

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)


def measure(
    title: str, *, value: str = "", unit: str = "", good: str = "none", is_additive: bool = False, **options: Any
) -> Callable[[Function], Function]:
    """Puts the function beneath on the menu; the fields are those of `Measure`.

    `value` is by default the function's name, `unit` "usd" where the value ends in `_cents`. A measure with `options`
    bears their values in its name, so that one function may stand on the menu several times. A measure is worked out
    once per client's opened tables and question (`frames.kept`).

    Raises
        ValueError when another function already bears the name.
    """

    def registered(function: Function) -> Function:
        name = "_".join([function.__name__, *map(str, options.values())])
        column = value or function.__name__
        kind = unit or ("usd" if column.endswith("_cents") else "")
        known = _RECORDS.get(name)
        if known and _home(known.function) != _home(function):
            raise ValueError(f"Two measures are called {name}: {_home(known.function)} and {_home(function)}.")
        answer = kept(function, by_client=True)
        _RECORDS[name] = Measure(name, answer, title, column, kind, good, options, is_additive)
        return answer

    return registered


def menu() -> dict[str, Measure]:
    """Every measure by name, in the order of the menu."""
    _load_all()
    return {record.name: record for record in sorted(_RECORDS.values(), key=_place)}


def named(name: str) -> Measure:
    """The measure of this name.

    Raises
        ParameterError for an unknown name: it names the closest.

    >>> named("days_in_ar").title, named("days_in_ar").good
    ('Days in AR', 'down')
    """
    _load_all()
    if name not in _RECORDS:
        raise ParameterError(f"No measure {name!r} on the menu." + closest(name, menu()))
    return _RECORDS[name]


def record_of(function: Callable[..., Any]) -> Measure | None:
    """The first record of this function, or None."""
    _load_all()
    return min((one for one in _RECORDS.values() if _home(one.function) == _home(function)), key=_place, default=None)


def glossary(names: Iterable[str] | None = None) -> pd.DataFrame:
    """The definitions as a table, for an appendix or a sheet: one row per measure, in the order asked for.

    Columns: name, title, definition, formula, date_basis, unit, good, source.

    >>> glossary(["cash"]).loc[0, "formula"]
    'cash_cents = insurance_cents + patient_cents - takebacks_cents - refunds_cents + provider_level_cents'
    """
    wanted = [named(name) for name in (menu() if names is None else names)]
    columns = ["name", "title", "definition", "formula", "date_basis", "unit", "good", "source"]
    rows = [
        (one.name, one.title, one.summary, one.formula, one.date_basis, one.unit, one.good, one.source)
        for one in wanted
    ]
    return pd.DataFrame(rows, columns=columns)


def section(function: Callable[..., Any], title: str) -> str:
    """One section of a measure's docstring as one line; empty when the docstring lacks it."""
    text = inspect.getdoc(function) or ""
    found = re.search(rf"^{title}\n((?:    .*\n?)+)", text, flags=re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def functions(subject: str = "") -> dict[str, str]:
    """The measures of one subject, or of all, by function name: each with its module below the subject's folder."""
    room = f"{_ROOM}.{subject}." if subject else f"{_ROOM}."
    if subject:
        _load(room.removesuffix("."))
    found = _RECORDS.values() if subject else menu().values()
    homes = {one.function.__name__: f"{one.function.__module__}." for one in found}
    return {name: home.removeprefix(room).removesuffix(".") for name, home in homes.items() if home.startswith(room)}


def _load_all() -> None:
    for subject in SUBJECTS:
        _load(f"{_ROOM}.{subject}")


@cache
def _load(module: str) -> None:
    """Imports a subject with all its modules: what they define is then on the menu."""
    for one in pkgutil.iter_modules(getattr(import_module(module), "__path__", [])):
        import_module(f"{module}.{one.name}")


def _home(function: Callable[..., Any]) -> tuple[str, str]:
    """What stays the same of a function when its module is loaded a second time."""
    return function.__module__, function.__qualname__


def _place(record: Measure) -> tuple[int, str]:
    subject = record.subject
    return SUBJECTS.index(subject) if subject in SUBJECTS else len(SUBJECTS), record.function.__module__
