"""The assumptions of a care-coordination plan: one typed file (TOML), every value dated, checked before anything runs.

`care_coordination_example.toml`, shipped beside this file, documents every key. A dated value is written
as one number, or as steps: `[{from = "2027-01", value = 0.80}, {from = "2027-07", value = 0.88}]`; it
changes only in the months named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import create_model

from ...errors import ParameterError
from ...periods import Period
from ...tables.checking import Words, checked
from .fields import ASSESSMENT, FIELDS, LEVER_BY_KEY, SHARE, Dated, Month, at, natural, path
from .rules import LONGEST
from .sections import BASE, PLAN, Coordinator, Scenario, Source, StartUp

EXAMPLE = Path(__file__).with_name("care_coordination_example.toml")
PUBLISHED = Path(__file__).with_name("care_coordination_published.toml")
MEDICARE = {name: Path(__file__).with_name(f"medicare_{name}.toml") for name in ("apcm", "ccm", "tcm", "chi")}
SHIPPED = {"example": EXAMPLE, "published": PUBLISHED, **MEDICARE}
"""Shipped files by the name that stands for them: the documented example, a worked example with known answers, and
examples of Medicare's care management (advanced primary, chronic, transitional, community health integration)."""
MANY = 40
UNKNOWN = "{place}: no input of the plan is called so.{closest} Known: {known}"
START = create_model("Start", start=(Month, ...))


@dataclass(frozen=True)
class Assumptions:
    """Everything a plan is computed from. Numbers are whole small units: see `fields`."""

    name: str
    start: str
    months: int
    regions: Mapping[str, Dated]
    """Share of the members in each rate region."""
    levels: tuple[str, ...]
    rates: Mapping[str, Mapping[str, Dated]]
    """Cents by level (and `ASSESSMENT`: the fee of one assessment), then by region."""
    rate_source: str
    mix: Mapping[str, Dated]
    """Share of the members at each level, in the regions that have no mix of their own."""
    caseload: Mapping[str, int]
    sources: tuple[Source, ...]
    coordinators: tuple[Coordinator, ...]
    ramp: tuple[int, ...]
    values: Mapping[str, Dated]
    startup: tuple[StartUp, ...] = ()
    mix_in: Mapping[str, Mapping[str, Dated]] = field(default_factory=dict)
    """The mix of each region that has its own."""
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

    def mix_of(self, region: str) -> Mapping[str, Dated]:
        """Share of the members of a region at each level."""
        return self.mix_in.get(region, self.mix)

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
        """The scenario called `name`; "base", where the assumptions do not name it, changes nothing. A scenario stands
        for itself."""
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


def read_assumptions(file: str | Path) -> Assumptions:
    """The assumptions in a TOML file; "example" and "published" stand for the shipped ones.

    Raises
        ParameterError that names every key at fault, what was expected and what stands there.
    """
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


def parse(
    raw: Mapping[str, Any],
    source: str,
    *,
    folder: Path | None = None,
    where: Callable[[str], str] = str,
    faults: Sequence[str] = (),
) -> Assumptions:
    """Checked assumptions from a nested mapping; `faults` are those already found where it was read.

    Where the values come from a workbook, `where` turns a key into the cell that holds it.

    Raises
        ParameterError with every fault: the key (or cell), what was expected, what was found.
    """
    words = Words(unknown=UNKNOWN, where=where)
    context: dict[str, Any] = {"folder": folder}
    if where is not str:
        context["month"] = "date"
    first, wrong = checked(START, {"start": raw.get("start")}, words, **context)
    if wrong:
        _finish(source, [*faults, *wrong])  # every other month would be judged by a first month that is not meant
    months = raw.get("months", 36)
    months = months if type(months) is int and 0 < months <= LONGEST else LONGEST  # no later month is refused for it
    start = Period.month(first.start)
    context |= {"start": first.start, "labels": [start.shift(number).label for number in range(months)]}
    file, wrong = checked(PLAN, raw, words, **context)
    if faults or wrong:
        _finish(source, [*faults, *wrong])
    return _assumptions(file)


def _finish(source: str, faults: Sequence[str]) -> None:
    told = list(dict.fromkeys(faults))
    more = [f"and {len(told) - MANY} more"] if len(told) > MANY else []
    lines = "".join(f"\n- {fault}" for fault in [*told[:MANY], *more])
    raise ParameterError(f"{source}: {len(told)} of the plan's inputs cannot be used. Nothing was run.{lines}")


def _assumptions(file: Any) -> Assumptions:
    rates, rate_source = file.rates
    return Assumptions(
        name=file.name,
        start=file.start,
        months=file.months,
        regions=file.regions or {file.region: ((file.start, SHARE),)},
        levels=file.acuity.levels,
        rates=rates,
        rate_source=rate_source,
        mix=file.acuity.mix[0],
        mix_in=file.acuity.mix[1],
        caseload=file.acuity.caseload,
        sources=file.referrals,
        coordinators=file.coordinators,
        ramp=tuple(file.staffing.ramp),
        values={item.key: reduce(getattr, item.key.split("."), file) for item in FIELDS},
        startup=file.costs.startup,
        scenarios=file.scenarios,
        uncertainty={key: pair for key, pair in file.uncertainty if pair},
        seed=file.simulation.seed,
        draws=file.simulation.draws,
    )


def as_toml(plan: Assumptions) -> str:
    """The assumptions as a file that `read_assumptions` reads back to the same: how an edited workbook becomes one."""
    raw: dict[str, Any] = {"name": plan.name, "start": plan.start, "months": plan.months}
    raw |= {"region": plan.region} if len(plan.regions) == 1 else {"regions": _shares(plan, plan.regions)}
    for item in FIELDS:
        *tables, last = item.key.split(".")
        place = reduce(lambda table, name: table.setdefault(name, {}), tables, raw)
        place[last] = _dated(plan.values[item.key], item.kind)
    raw["rates"] = {"rows": [row for level in plan.rated for row in _rate_rows(plan, level)]}
    caseload = {level: _number(plan.caseload[level], "count") for level in plan.levels}
    own = [{"region": region} | row for region, mix in plan.mix_in.items() for row in _shares(plan, mix)]
    raw["acuity"] = {"levels": list(plan.levels), "caseload": caseload, "mix": [*_shares(plan, plan.mix), *own]}
    raw["referrals"] = [
        {"source": one.name, "monthly": _dated(one.monthly, "count"), "quality": _dated(one.quality, "share")}
        for one in plan.sources
    ]
    raw["coordinators"] = [
        {key: value for key, value in asdict(person).items() if value is not None}
        | {"fte": _number(person.fte, "count"), "salary": _number(person.salary, "money")}
        for person in plan.coordinators
    ]
    raw["staffing"]["ramp"] = [_number(share, "share") for share in plan.ramp]
    raw["costs"]["startup"] = [asdict(item) | {"amount": _number(item.amount, "money")} for item in plan.startup]
    raw["scenarios"] = [_scenario(scenario) for scenario in plan.scenarios]
    raw["uncertainty"] = {
        key: {"low": _number(low, LEVER_BY_KEY[key].kind), "high": _number(high, LEVER_BY_KEY[key].kind)}
        for key, (low, high) in plan.uncertainty.items()
    }
    return tomli_w.dumps(raw | {"simulation": {"seed": plan.seed, "draws": plan.draws}})


def _rate_rows(plan: Assumptions, level: str) -> list[dict[str, Any]]:
    return [
        {
            "level": level,
            "region": region,
            "effective": month,
            "rate": _number(cents, "money"),
            "source": plan.rate_source,
        }
        for region, steps in plan.rates[level].items()
        for month, cents in (steps if any(cents for _, cents in steps) else ())
    ]


def _shares(plan: Assumptions, shares: Mapping[str, Dated]) -> list[dict[str, Any]]:
    """Shares that sum to one, for each month in which any of them changes."""
    months = sorted({max(month, plan.start) for steps in shares.values() for month, _ in steps})
    return [
        {"from": month, **{part: _number(at(steps, month), "share") for part, steps in shares.items()}}
        for month in months
    ]


def _scenario(scenario: Scenario) -> dict[str, Any]:
    levers = {key: _number(value, LEVER_BY_KEY[key].kind) for key, value in scenario.levers.items()}
    edges = {"from": scenario.first, "until": scenario.last}
    return {
        "name": scenario.name,
        "title": scenario.title,
        **levers,
        **{key: edge for key, edge in edges.items() if edge},
    }


def _dated(dated: Dated, kind: str) -> Any:
    return (
        _number(dated[0][1], kind)
        if len(dated) == 1
        else [{"from": month, "value": _number(value, kind)} for month, value in dated]
    )


def _number(units: int, kind: str) -> Any:
    """Money as text to the cent, everything else as the number a person writes."""
    value = natural(units, kind)
    return f"{value:.2f}" if kind == "money" else value if isinstance(value, (bool, int)) else float(value)
