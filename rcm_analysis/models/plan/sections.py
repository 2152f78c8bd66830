"""The sections of an assumptions file, each with its type; what contradicts itself is refused where it stands.

The context of a check holds `start`, `labels` (the months of the plan) and `folder`; levels, regions and whether
assessments are paid join it as soon as they are known to be right. Rates come from the shipped table, from a CSV
file beside the assumptions, or from rows in the file itself.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WrapValidator, create_model
from pydantic_core import PydanticCustomError

from ...errors import closest, listed
from ...tables.checking import BESIDE, KNOWN_KEYS, expected, refuse, says, unknown
from ...tables.reference.health_home import RATE_TABLES, SHIPPED, health_home_rates
from .fields import (
    ASKED,
    ASSESSMENT,
    BY_KEY,
    FAILURES,
    FIELDS,
    LEVERS,
    NEUTRAL,
    OUTREACH,
    SHARE,
    Dated,
    Lever,
    Money,
    Month,
    Text,
    at,
    exact,
    month,
    natural,
    out_of_order,
    read_month,
    read_words,
    steps,
    unit,
)
from .rules import LONGEST, MOST_DRAWS, MOST_SEED, RULES, SLOW_AT_MOST, refused

NO_REGION = ("rate_code", "level", "description", "effective", "source", "source_date")
"""Columns of a rate table that are not a region."""
Rate = tuple[str, str, str, int]
"""Level, region, first month in force, cents."""


def _level(level: Any, info: Any) -> Any:
    known = (*info.context.get("levels", ()), ASSESSMENT)
    if "levels" in info.context and level not in known:
        raise refused("level", words={"known": listed(known)})
    return level


def _rate_region(region: Any, info: Any) -> Any:
    known = info.context.get("regions", (region,))
    if region is not None and region not in known:
        raise refused("region_of_plan", words={"known": listed(known)})
    return region


def _first_seven(effective: Any) -> Any:
    """A day written YYYY-MM-DD as its month."""
    return effective[:7] if isinstance(effective, str) and len(effective) == 10 else effective


class OwnRate(BaseModel):
    """One of [[rates.rows]]; without a region it holds in all of them."""

    model_config = KNOWN_KEYS
    level: Annotated[str, BeforeValidator(_level), ASKED]
    region: Annotated[str | None, BeforeValidator(_rate_region)] = None
    effective: Annotated[Month, BeforeValidator(_first_seven)]
    rate: Money
    source: str = ""


class RateTable(BaseModel):
    """The section [rates]."""

    model_config = KNOWN_KEYS
    table: str | None = None
    file: str | None = None
    rows: tuple[OwnRate, ...] | None = None


def read_rates(given: Any, check: Callable[[Any], RateTable], info: Any) -> Any:
    """Cents by level and region, and where they come from; a rate must hold in every month of the plan.

    The fee of an assessment is asked for only where assessments are paid.
    """
    table, context = check(given), info.context
    if len(table.model_fields_set) > 1:
        raise refused("source_of_rates", found=listed(sorted(table.model_fields_set)))
    if not {"levels", "regions"} <= set(context):
        return {}, ""  # without levels and regions, which are refused, there is nothing to hold the rates against
    rates, source = _rates(table, context)
    out: dict[str, dict[str, Dated]] = {}
    faults: list[PydanticCustomError] = []
    for level in (*context["levels"], ASSESSMENT):
        for region in context["regions"]:
            steps, wrong = _held(rates, level, region, context)
            out.setdefault(level, {})[region] = steps
            faults += wrong
    refuse(faults)
    return out, source


def _held(
    rates: Sequence[Rate], level: str, region: str, context: Mapping[str, Any]
) -> tuple[Dated, list[PydanticCustomError]]:
    """The steps of one level in one region, from a month not after the plan's first on."""
    stated = sorted(rate[2:] for rate in rates if rate[:2] == (level, region))
    at, labels = f"rates ({level}, {region})", context["labels"]
    if len({since for since, _ in stated}) != len(stated):
        twice = f"two that begin in the same month ({len(stated)} rows)"
        return (), [refused("rate_once", at=at, found=twice)]
    steps = tuple(step for number, step in enumerate(stated) if not number or step[1] != stated[number - 1][1])
    if steps and steps[0][0] <= labels[0]:
        return steps, []
    faults = []
    if level != ASSESSMENT or context.get("assessment"):
        known = sorted({rate[0] for rate in rates if rate[1] == region})
        found = f"rates from {steps[0][0]} on" if steps else f"rates for {listed(known)}" if known else None
        missing = [label for label in labels if not steps or label < steps[0][0]]
        more = f"; {len(missing)} are missing, first {missing[0]}"
        faults = [refused("rate_in_every_month", more, at=at, found=found)]
    return ((labels[0], 0), *steps), faults


def _rates(table: RateTable, context: Mapping[str, Any]) -> tuple[list[Rate], str]:
    """Every rate of the shipped table, of a CSV file, or of the rows in the file itself."""
    if table.rows is not None:
        rates = [
            (row.level, region, row.effective, row.rate)
            for row in table.rows
            for region in (context["regions"] if row.region is None else [row.region])
        ]
        sources = {row.source.strip() for row in table.rows} - {""}
        return rates, "; ".join(sorted(sources)) or "the assumptions file"
    if table.file is not None:
        given = _rate_file(table.file, context["folder"])
        return _table_rates(given, Path(table.file).name, context), table.file
    name = table.table or SHIPPED
    if name not in RATE_TABLES:
        known = listed([*(f'"{one}"' for one in RATE_TABLES), 'or rates.file = "your.csv"'])
        raise refused("rate_table", words={"known": known}, below=("table",), found=name)
    frame = health_home_rates(name)
    rates = _table_rates(frame.to_dict("records"), RATE_TABLES[name], context)
    used = frame[frame["level"].isin([*context["levels"], ASSESSMENT])]
    return rates, "; ".join(sorted(set(used["source"])))


def _rate_file(name: str, folder: Path | None) -> list[dict[str, Any]]:
    try:
        with Path(folder or ".", name).open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError):
        raise refused("rate_file", words={"lacking": ""}, below=("file",), found=name) from None
    if not rows or not {"level", "effective"} <= set(rows[0]):
        lacking = " with the columns level, effective, source and one per region"
        raise refused("rate_file", words={"lacking": lacking}, below=("file",), found=name)
    return rows


def _table_rates(rows: Sequence[Mapping[str, Any]], name: str, context: Mapping[str, Any]) -> list[Rate]:
    """The rates of a table with one column per region; an empty cell states no rate."""
    columns = [column for column in rows[0] if column and column not in NO_REGION]
    lacking = [region for region in context["regions"] if region not in columns]
    known, several = {"known": listed(columns)}, len(context["regions"]) > 1
    refuse(
        refused("rate_column", words=known, at=f"regions.{region}" if several else "region", found=region)
        for region in lacking
    )
    out: list[Rate] = []
    faults: list[PydanticCustomError] = []
    for number, row in enumerate(rows, 2):
        for region in context["regions"]:
            if row[region] in (None, ""):
                continue
            try:
                place, value = "effective", row["effective"]
                since = month(_first_seven(value))
                place, value = region, row[region]
                out.append((str(row["level"] or "").strip(), region, since, exact(value, "money")))
            except ValueError as error:
                faults.append(expected(str(error), at=f"{name} row {number}.{place}", found=value))
    refuse(faults)
    return out


BASE = "base"


def later(earlier: str) -> BeforeValidator:
    """A month that may be left out, and is not before the one under the key `earlier`."""

    def read(value: Any, info: Any) -> str | None:
        if value in (None, ""):
            return None
        month, since = read_month(value, info), info.data.get(earlier)
        if since and month < since:
            raise refused("not_before", f" ({since})", words={"beside": BESIDE}, beside=earlier)
        return month

    return BeforeValidator(read)


def _of_the_plan(month: str, info: Any) -> str:
    labels = info.context["labels"]
    if not labels[0] <= month <= labels[-1]:
        raise refused("month_of_plan", words={"first": labels[0], "last": labels[-1]})
    return month


@dataclass(frozen=True)
class Source:
    """Who refers: referrals a month (thousandths) and the share of them that is eligible and fits."""

    __pydantic_config__ = KNOWN_KEYS
    name: Annotated[Text, Field(alias="source")]
    monthly: Annotated[Dated, steps("count"), ASKED]
    quality: Annotated[Dated, steps("share"), Field(default=1, validate_default=True)]


@dataclass(frozen=True)
class Coordinator:
    """One position: first month, last month (None: stays), full-time share in thousandths, salary a year in cents."""

    __pydantic_config__ = KNOWN_KEYS
    name: str
    hired: Month
    last_month: Annotated[str | None, later("hired"), Field(default=None)]
    fte: Annotated[int, unit("count"), Field(default=1, validate_default=True)]
    salary: Money


@dataclass(frozen=True)
class StartUp:
    """One cost before or while the programme starts: the month it is paid in, and cents."""

    __pydantic_config__ = KNOWN_KEYS
    what: Text
    month: Annotated[Month, AfterValidator(_of_the_plan)]
    amount: Money


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


def _by_lever(of: Any) -> dict[str, Any]:
    return {lever.key: (of(lever), None) for lever in LEVERS}


def _lever(lever: Lever) -> Any:
    return Annotated[int, unit(lever.kind)]


def _range(lever: Lever) -> Any:
    """Low and high of one lever, around what leaves the plan as it is."""
    edge: Any = Annotated[_lever(lever), ASKED]

    def pair(row: Any) -> tuple[int, int]:
        if not row.low <= lever.neutral <= row.high:
            found = {name: natural(value, lever.kind) for name, value in row}
            raise refused("range", found=found)
        return row.low, row.high

    model = create_model("Range", __config__=KNOWN_KEYS, low=(edge, ...), high=(edge, ...))
    return Annotated[model, AfterValidator(pair)]


SCENARIO: dict[str, Any] = {
    "name": (Text, ...),
    "title": (str | None, None),
    "from": (Annotated[str | None, later("")], None),
    "until": (Annotated[str | None, later("from")], None),
}
ScenarioRow: Any = create_model("ScenarioRow", __config__=KNOWN_KEYS, **SCENARIO, **_by_lever(_lever))
Uncertainty = create_model("Uncertainty", __config__=KNOWN_KEYS, **_by_lever(_range))


def _cases(rows: Sequence[Any]) -> tuple[Scenario, ...]:
    out: dict[str, Scenario] = {}
    for number, row in enumerate(rows):
        if row.name in out:
            raise refused("own_name", below=(number, "name"), found=row.name)
        title = row.title or row.name.replace("_", " ").capitalize()
        given = row.model_dump(exclude_unset=True, exclude={"name", "title", "from", "until"})
        levers = {key: value for key, value in given.items() if value != NEUTRAL[key]}
        out[row.name] = Scenario(row.name, title, levers, getattr(row, "from"), row.until)
    return (*([] if BASE in out else [Scenario(BASE, "Base")]), *out.values())


def _numbered(rows: Any) -> Any:
    """Positions without a name are called by their number."""
    named = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return [{"name": str(number), **row} for number, row in enumerate(rows, 1)] if named else rows


def _levels(levels: Any, info: Any) -> tuple[str, ...]:
    if not isinstance(levels, list) or not levels or not all(isinstance(level, str) and level for level in levels):
        raise refused("levels")
    if len(set(levels)) != len(levels):
        raise refused("level_once")
    if beside := sorted(set(levels) & {ASSESSMENT, OUTREACH}):
        raise refused("level_beside", words={"beside": f"{ASSESSMENT} and {OUTREACH}"}, found=beside[0])
    info.context["levels"] = tuple(levels)
    return tuple(levels)


def _caseload(given: Any, info: Any) -> dict[str, int]:
    levels = info.context.get("levels", ())
    if not isinstance(given, Mapping):
        raise refused("caseload_by_level")
    faults = [unknown(name, levels) for name in given if levels and name not in levels]
    out = {}
    for level in levels:
        try:
            out[level] = exact(given.get(level), "count")
        except ValueError as error:
            faults.append(expected(str(error), below=(level,), found=given.get(level)))
        if out.get(level) == 0:
            faults.append(refused("caseload", below=(level,), found=0))
    refuse(faults)
    return out


class Shares(BaseModel):
    """The shares of the parts of a whole, from a month on."""

    model_config = ConfigDict(extra="allow")
    since: Annotated[Month, Field(alias="from")]


class MixShares(Shares):
    """The shares of the levels, in one region where it is named."""

    region: str | None = None


def _shares(
    rows: Sequence[tuple[int, Shares]], names: Sequence[str], key: str, info: Any, *, where: str = ""
) -> dict[str, Dated]:
    """The share of each part, in steps; in every month the shares must sum to one. Rows come with their place under
    `key`; `where` names the whole of them in messages."""
    dated: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    what, faults = "regions" if key == "regions" else "levels", []
    where = where or key
    for number, row in rows:
        given = row.model_extra or {}
        for name in [*names, *(name for name in given if name not in names)]:
            place: dict[str, Any] = {"at": f"{key}[{number}].{name}", "found": given.get(name)}
            if name not in names:
                known = {"what": what, "known": listed(names)}
                faults.append(refused("part", closest(name, names), words=known, **place | {"found": name}))
                continue
            try:
                dated[name].append((row.since, exact(given.get(name, 0), "share")))
            except ValueError as error:
                faults.append(expected(str(error), **place))
    labels = info.context["labels"]
    out = {name: tuple(steps) for name, steps in dated.items()}
    faults = faults or [f for name in names for f in out_of_order(out[name], labels[0], at=f"{where}.{name}")]
    refuse(faults)
    for label in labels:
        total = sum(at(out[name], label) for name in names)
        if total != SHARE:
            raise refused(
                "sum_of_regions" if key == "regions" else "sum_of_mix", at=f"{where} ({label})", found=total / SHARE
            )
    return out


def _mix(rows: Sequence[MixShares], info: Any) -> tuple[dict[str, Dated], dict[str, dict[str, Dated]]]:
    """The mix of the regions that have none of their own, and that of each region that has."""
    if "levels" not in info.context:
        return {}, {}
    levels, regions = info.context["levels"], info.context.get("regions")
    blocks: dict[str | None, list[tuple[int, Shares]]] = {}
    for number, row in enumerate(rows):
        if row.region is not None and regions and row.region not in regions:
            known = {"known": listed(regions)}
            raise refused("region_of_plan", words=known, at=f"acuity.mix[{number}].region", found=row.region)
        blocks.setdefault(row.region, []).append((number, row))
    own = {
        region: _shares(block, levels, "acuity.mix", info, where=f"acuity.mix_in.{region}")
        for region, block in blocks.items()
        if region is not None
    }
    if None in blocks or not own or set(own) < set(regions or ()):
        return _shares(blocks.get(None, []), levels, "acuity.mix", info), own
    return next(iter(own.values())), own


def _regions(rows: Sequence[Shares] | None, info: Any) -> dict[str, Dated] | None:
    if rows is None:
        return None
    names = tuple(dict.fromkeys(name for row in rows for name in row.model_extra or {}))
    if not names:
        raise refused("regions")
    regions = _shares(list(enumerate(rows)), names, "regions", info)
    info.context["regions"] = names
    return regions


def _region(region: Any, info: Any) -> str:
    """The one region of a plan that names no shares of several."""
    several = info.data.get("regions", {})
    if several is not None and region is not None:
        raise refused("one_region")
    name = "downstate" if region is None else read_words(region)
    if several is None:
        info.context["regions"] = (name,)
    return name


class Acuity(BaseModel):
    """[acuity]: levels, the members of each whom one coordinator can carry, and the share of members at each."""

    model_config = KNOWN_KEYS
    levels: Annotated[tuple[str, ...], BeforeValidator(_levels), ASKED]
    caseload: Annotated[dict[str, int], BeforeValidator(_caseload), Field(default={}, validate_default=True)]
    mix: Annotated[list[MixShares], AfterValidator(_mix), Field(default=[], validate_default=True)]


class Simulation(BaseModel):
    """[simulation]: the seed of the draws, and how many."""

    model_config = KNOWN_KEYS
    seed: Annotated[int, Field(strict=True, ge=0, le=MOST_SEED), says(RULES["seed"])] = 1
    draws: Annotated[int, Field(strict=True, ge=1, le=MOST_DRAWS), says(RULES["draws"])] = 1000


def limit_of(key: str) -> str:
    """The rule that an input keeps beyond its kind, if there is one.

    >>> limit_of("lag.paid_to_agency.slow_share"), limit_of("fees.mco")
    ('slow_share', '')
    """
    named = {"staffing.coordinators_per_supervisor": "above_zero"}
    return "slow_share" if key.endswith(".slow_share") else named.get(key, "")


def _limits(key: str) -> AfterValidator:
    """What a few inputs may not be, beyond their kind."""
    limit = limit_of(key)

    def check(dated: Dated) -> Dated:
        values = [value for _, value in dated]
        if limit == "above_zero" and 0 in values:
            raise refused(limit, found=0)
        if limit == "slow_share" and max(values) > SLOW_AT_MOST:
            raise refused(limit)
        return dated

    return AfterValidator(check)


def _at_most_all(group: Any, info: Any) -> Any:
    """Months that fail for one reason or another are at most all of them."""
    dated = [getattr(group, key.rpartition(".")[2]) for key in FAILURES]
    for label in info.context["labels"]:
        total = sum(at(steps, label) for steps in dated)
        if total > SHARE:
            raise refused("fails", at=f"billable ({label})", found=total / SHARE)
    return group


def _paid(group: Any, info: Any) -> Any:
    info.context["assessment"] = group.paid[0][1] == 1
    return group


def _least_one(what: str, key: str, rule: str = "at_least_one") -> BeforeValidator:
    def check(rows: Any) -> Any:
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
            raise refused(rule, words={"what": what, "key": key}, found=rows or None)
        return rows

    return BeforeValidator(check)


def _ramp(ramp: Any) -> Any:
    if not isinstance(ramp, list) or not ramp:
        raise refused("ramp")
    return ramp


EMPTY: Any = Field(default={}, validate_default=True)
NOTHING: Any = Field(default=[], validate_default=True)
MORE: Mapping[str, Mapping[str, Any]] = {
    "": {
        "name": (Text, "Care coordination"),
        "start": (Month, ...),
        "months": (Annotated[int, Field(strict=True, ge=1, le=LONGEST), says(RULES["whole_months"])], 36),
        "regions": (Annotated[list[Shares] | None, AfterValidator(_regions)], None),
        "region": (Annotated[Any, AfterValidator(_region)], Field(default=None, validate_default=True)),
        "acuity": (Acuity, EMPTY),
        "referrals": (Annotated[tuple[Source, ...], _least_one("source of referrals", "referrals")], NOTHING),
        "coordinators": (
            Annotated[
                tuple[Coordinator, ...],
                BeforeValidator(_numbered),
                _least_one("coordinator", "coordinators", "one_coordinator"),
            ],
            NOTHING,
        ),
        "scenarios": (Annotated[list[ScenarioRow], AfterValidator(_cases)], NOTHING),
        "uncertainty": (Uncertainty, EMPTY),
        "simulation": (Simulation, EMPTY),
    },
    "staffing": {
        "ramp": (
            Annotated[list[Annotated[int, unit("share")]], BeforeValidator(_ramp)],
            Field(default=[1], validate_default=True),
        )
    },
    "costs": {"startup": (tuple[StartUp, ...], ())},
}
"""What stands in a table of the file beside the inputs of `FIELDS`."""
AFTER = {"billable": AfterValidator(_at_most_all), "assessment": AfterValidator(_paid)}


def _table(name: str) -> Any:
    """The type of one table of the file: its inputs, the tables below it, and what else stands there."""
    members = dict(MORE.get(name, {}))
    start = f"{name}." if name else ""
    for key in [item.key for item in FIELDS if item.key.startswith(start)]:
        head = key.removeprefix(start).partition(".")[0]
        input = BY_KEY.get(start + head)
        if input is None:
            members.setdefault(head, (_table(start + head), EMPTY))
            continue
        note = f": {input.note[0].lower()}{input.note[1:].rstrip('.')}" if input.default is None else ""
        kind = Annotated[Dated, steps(input.kind, note=note, dated=input.dated), _limits(key)]
        default = None if input.default is None else natural(input.default, input.kind)
        members[head] = (kind, Field(default=default, validate_default=True))
    model = create_model(name or "Plan", __config__=KNOWN_KEYS, **members)
    return Annotated[model, AFTER[name]] if name in AFTER else model


PLAN = create_model("Plan", __base__=_table(""), rates=(Annotated[RateTable, WrapValidator(read_rates)], EMPTY))
"""The whole file; the rates come last, when levels and regions are known."""
