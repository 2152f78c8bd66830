"""The assumptions of a care-coordination plan: one typed file (TOML), every value dated, checked before anything runs.

`care_coordination_example.toml`, shipped beside this file, documents every key. A dated value is written
as one number, or as steps: `[{from = "2027-01", value = 0.80}, {from = "2027-07", value = 0.88}]`; it
changes only in the months named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import ParameterError
from ...periods import Period
from .fields import ASSESSMENT, BY_KEY, FAILURES, LEVERS, NEUTRAL, SHARE

Dated = tuple[tuple[str, int], ...]
"""Steps of (month from which it holds, value in small units), in order."""

EXAMPLE = Path(__file__).with_name("care_coordination_example.toml")
PUBLISHED = Path(__file__).with_name("care_coordination_published.toml")
SHIPPED = {"example": EXAMPLE, "published": PUBLISHED}
"""Shipped files by the name that stands for them: the documented example, and a worked example with known answers."""
BASE = "base"


@dataclass(frozen=True)
class Source:
    """Who refers: referrals a month (thousandths) and the share of them that is eligible and fits."""

    name: str
    monthly: Dated
    quality: Dated


@dataclass(frozen=True)
class Coordinator:
    """One position: first month, last month (None: stays), full-time share in thousandths, salary a year in cents."""

    name: str
    hired: str
    last_month: str | None
    fte: int
    salary: int


@dataclass(frozen=True)
class StartUp:
    """One cost before or while the programme starts: the month it is paid in, and cents."""

    what: str
    month: str
    amount: int


@dataclass(frozen=True)
class Scenario:
    """Levers that hold from one month to another (empty: the whole plan)."""

    name: str
    title: str
    levers: Mapping[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None

    def lever(self, key: str) -> int:
        return self.levers.get(key, NEUTRAL[key])


@dataclass(frozen=True)
class Assumptions:
    """Everything a plan is computed from. Numbers are whole small units: see `plan_fields`."""

    name: str
    start: str
    months: int
    regions: Mapping[str, Dated]
    """Share of the members in each rate region; the acuity mix is the same in all of them."""
    levels: tuple[str, ...]
    rates: Mapping[str, Mapping[str, Dated]]
    """Cents by level (and `ASSESSMENT`: the fee of one assessment), then by region."""
    rate_source: str
    mix: Mapping[str, Dated]
    caseload: Mapping[str, int]
    sources: tuple[Source, ...]
    coordinators: tuple[Coordinator, ...]
    ramp: tuple[int, ...]
    values: Mapping[str, Dated]
    startup: tuple[StartUp, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    uncertainty: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    seed: int = 1
    draws: int = 1000

    @property
    def rated(self) -> tuple[str, ...]:
        """What the rate table is asked for: the levels, and the fee of an assessment."""
        return (*self.levels, ASSESSMENT)

    @property
    def region(self) -> str:
        """The regions in words."""
        return ", ".join(self.regions)

    @cached_property
    def month_labels(self) -> list[str]:
        """The months of the plan, YYYY-MM."""
        first = Period.month(self.start)
        return [first.shift(number).label for number in range(self.months)]

    def value(self, key: str) -> int:
        """The value of one input in the first month."""
        return at(self.values[key], self.start)

    def path(self, key: str) -> list[int]:
        """The value of one input in every month."""
        return path(self.values[key], self.month_labels)

    def scenario(self, name: str | Scenario) -> Scenario:
        """The scenario called `name`; "base", where the assumptions do not name it, changes nothing. A scenario stands for itself."""
        if isinstance(name, Scenario):
            return name
        for scenario in self.scenarios:
            if scenario.name == name:
                return scenario
        if name == BASE:
            return Scenario(BASE, "Base")
        known = ", ".join(item.name for item in self.scenarios)
        raise ParameterError(f"There is no scenario {name!r} in the assumptions. Known: {known}. Nothing was run.")

    def with_values(self, **changes: Any) -> Assumptions:
        """The same with some inputs at one value throughout, keys written with __ for the dot.

        `assumptions.with_values(denials__rate=800)` sets the denial rate to 8 %.
        """
        values = dict(self.values) | {key.replace("__", "."): ((self.start, value),) for key, value in changes.items()}
        return replace(self, values=values)


def at(dated: Dated, month: str) -> int:
    """The value that holds in `month`.

    >>> at((("2027-01", 5), ("2027-04", 6)), "2027-03")
    5
    """
    return [value for start, value in dated if start <= month][-1]


def path(dated: Dated, months: Sequence[str]) -> list[int]:
    """The value that holds in each of `months`."""
    return [at(dated, month) for month in months]


def read_assumptions(file: str | Path) -> Assumptions:
    """The assumptions in a TOML file; "example" and "published" stand for the shipped ones.

    Raises
        ParameterError that names every key at fault, what was expected and what stands there.
    """
    from .reader import parse

    file = shipped(file) or Path(file)
    try:
        if file.suffix.lower() == ".xlsx":
            raise ParameterError(
                f"{file.name} is a workbook, not a TOML file: rcm plan --from {file.name} reads it. Nothing was run."
            )
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError:
        raise ParameterError(
            f"There is no assumptions file {file} that can be read. Shipped: {', '.join(SHIPPED)}; rcm plan without "
            "--assumptions writes the first of them, with its notes, to be changed. Nothing was run."
        ) from None
    except UnicodeDecodeError:
        raise ParameterError(f"{file.name} is not a TOML file: expected text in UTF-8. Nothing was run.") from None
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{file.name} is not a TOML file: {error}. Nothing was run.") from None
    return parse(raw, file.name, folder=file.parent)


def shipped(file: str | Path) -> Path | None:
    """The shipped file that a name stands for, where there is no file of that name."""
    return None if Path(file).exists() else SHIPPED.get(str(file))


def example_assumptions() -> Assumptions:
    """The shipped example: an invented agency, New York's published children's rates."""
    return read_assumptions(EXAMPLE)


def as_toml(assumptions: Assumptions) -> str:
    """The assumptions as a file that `read_assumptions` reads back to the same."""
    from .writer import written

    return written(assumptions)


__all__ = [
    "BASE",
    "BY_KEY",
    "EXAMPLE",
    "FAILURES",
    "LEVERS",
    "PUBLISHED",
    "SHARE",
    "SHIPPED",
    "Assumptions",
    "Coordinator",
    "Dated",
    "Scenario",
    "Source",
    "StartUp",
    "as_toml",
    "at",
    "example_assumptions",
    "path",
    "read_assumptions",
    "shipped",
]
