"""Raw assumptions (a TOML file, or the input sheet of the workbook) to typed ones; every fault in one message.

`parse` takes the nested mapping that TOML gives. Where the values come from a workbook, `where` turns a
key into the cell that holds it, so that a message names what the reader can go to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ParameterError, closest, listed
from ...periods import Period
from .assumptions import Assumptions, Coordinator, Dated, Scenario, Source, StartUp, at
from .fields import (
    ASSESSMENT,
    BY_KEY,
    EXPECTED,
    FAILURES,
    FIELDS,
    LEVER_BY_KEY,
    LEVERS,
    MILLI,
    NEUTRAL,
    OUTREACH,
    SHARE,
    STAGES,
    exact,
)
from .rates import read_rates, read_regions, read_shares

MANY = 8
LONGEST = 120
TOP_KEYS = {
    "name",
    "start",
    "months",
    "region",
    "regions",
    "opening_cash",
    "rates",
    "acuity",
    "referrals",
    "enrolment",
    "coordinators",
    "staffing",
    "billable",
    "denials",
    "fees",
    "outreach",
    "assessment",
    "lag",
    "recoupment",
    "costs",
    "scenarios",
    "uncertainty",
    "simulation",
}
MISSING = object()


class Reader:
    """Reads values by key and keeps what was wrong, so that one message can name it all."""

    def __init__(self, raw: Mapping[str, Any], where: Callable[[str], str]) -> None:
        self.raw, self.where = raw, where
        self.faults: list[str] = []

    def fault(self, key: str, expected: str, found: Any = MISSING) -> None:
        shown = "nothing" if found is None or found is MISSING else repr(found)
        self.faults.append(f"{self.where(key)}: expected {expected}; found {shown}")

    def get(self, key: str, default: Any = MISSING) -> Any:
        """The raw value under a dotted key."""
        value: Any = self.raw
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return default
            value = value[part]
        return value

    def unit(self, key: str, value: Any, kind: str, *, signed: bool = False, default: int = 0) -> int:
        try:
            return exact(value, kind, signed=signed)
        except ValueError as error:
            self.fault(key, str(error), value)
            return default

    def month(self, key: str, value: Any) -> str | None:
        if isinstance(value, (dt.date, dt.datetime)):
            value = f"{value:%Y-%m}"
        try:
            return Period.month(value).label
        except ParameterError:
            self.fault(
                key,
                "a month written YYYY-MM" if self.where(key) == key else "a date (not text that looks like one)",
                value,
            )
            return None

    def text(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            self.fault(key, "words", value)
            return ""
        return value.strip()

    def rows(self, key: str) -> list[Mapping[str, Any]]:
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
            self.fault(key, f"a list of tables, written [[{key}]]", value)
            return []
        return value

    def dated(self, key: str, value: Any, kind: str, start: str, *, dated: bool = True) -> Dated:
        """One number, or steps of from and value; the first step must hold in the plan's first month."""
        if not isinstance(value, list):
            return ((start, self.unit(key, value, kind)),)
        if not dated:
            self.fault(key, "one number for the whole plan, no steps", value)
            return ((start, 0),)
        steps = []
        for number, step in enumerate(value):
            place = f"{key}[{number}]"
            if not isinstance(step, Mapping) or set(step) != {"from", "value"}:
                self.fault(place, 'a step {from = "YYYY-MM", value = …}', step)
                continue
            month = self.month(f"{place}.from", step["from"])
            units = self.unit(f"{place}.value", step["value"], kind)
            if month:
                steps.append((month, units))
        return self.in_order(key, steps, start)

    def in_order(self, key: str, steps: Sequence[tuple[str, int]], start: str) -> Dated:
        months = [month for month, _ in steps]
        if months != sorted(set(months)):
            self.fault(key, "steps in the order of their months, each month once", months)
        elif not months or months[0] > start:
            self.fault(key, f"a value for the plan's first month, {start}", f"from {months[0]}" if months else None)
        else:
            return tuple(steps)
        return ((start, 0),)

    def known(self, key: str, row: Mapping[str, Any], allowed: Sequence[str]) -> None:
        """A key nobody reads is a typing mistake, and would silently leave the default in place."""
        for name in sorted(set(row) - set(allowed), key=str):
            self.faults.append(
                f"{self.where(f'{key}.{name}' if key else name)}: no input of the plan is called so."
                f"{closest(str(name), allowed)} Known: {listed(sorted(allowed), 30)}"
            )

    def finish(self, source: str) -> None:
        self.faults = list(dict.fromkeys(self.faults))
        if self.faults:
            more = f"\n- and {len(self.faults) - MANY} more" if len(self.faults) > MANY else ""
            lines = "".join(f"\n- {fault}" for fault in self.faults[:MANY])
            raise ParameterError(
                f"{source}: {len(self.faults)} of the plan's inputs cannot be used. Nothing was run.{lines}{more}"
            )


def parse(
    raw: Mapping[str, Any],
    source: str,
    *,
    folder: Path | None = None,
    where: Callable[[str], str] = str,
    faults: Sequence[str] = (),
) -> Assumptions:
    """Checked assumptions from a nested mapping; `faults` are those already found where it was read.

    Raises
        ParameterError with every fault: the key (or cell), what was expected, what was found.
    """
    reader = Reader(raw, where)
    reader.faults += faults
    _unknown_keys(reader)
    start = reader.month("start", reader.get("start", None))
    if start is None:
        reader.finish(source)  # every other month would be judged by a first month that is not meant
        raise AssertionError("a month that could not be read is a fault")
    months = _whole(reader, "months", 36, 1, LONGEST)
    months = months if reader.get("months", months) == months else LONGEST  # so that no later month is refused for it
    labels = [Period.month(start).shift(number).label for number in range(months)]
    levels, regions = _levels(reader), read_regions(reader, labels)
    rates, rate_source = read_rates(reader, tuple(regions), levels, labels, folder)
    assumptions = Assumptions(
        name=reader.text("name", reader.get("name", "Care coordination")),
        start=start,
        months=months,
        regions=regions,
        levels=levels,
        rates=rates,
        rate_source=rate_source,
        mix=read_shares(reader, "acuity.mix", levels, labels, "levels"),
        caseload=_caseload(reader, levels),
        sources=_sources(reader, start),
        coordinators=_coordinators(reader, labels),
        ramp=_ramp(reader),
        values=_values(reader, start),
        startup=_startup(reader, labels),
        scenarios=_scenarios(reader),
        uncertainty=_uncertainty(reader),
        seed=_whole(reader, "simulation.seed", 1, 0, 2**31),
        draws=_whole(reader, "simulation.draws", 1000, 1, 20_000),
    )
    _failures_leave_something(reader, assumptions)
    reader.finish(source)
    return assumptions


def _unknown_keys(reader: Reader) -> None:
    """Every key of every table, against those that are read."""
    reader.known("", reader.raw, sorted(TOP_KEYS))
    more = {
        "rates": {"table", "file", "rows"},
        "acuity": {"levels", "mix", "caseload"},
        "simulation": {"seed", "draws"},
        "staffing": {"ramp"},
        "costs": {"startup"},
    }
    groups = {*more, "lag", *STAGES, *(field.key.rpartition(".")[0] for field in FIELDS)} - {""}
    for group in sorted(groups):
        allowed = more.get(group, set()) | {
            field.key.removeprefix(f"{group}.").split(".")[0] for field in FIELDS if field.key.startswith(f"{group}.")
        }
        found = reader.get(group, {})
        if isinstance(found, Mapping):
            reader.known(group, found, sorted(allowed))
        else:
            reader.fault(
                group,
                f"a table, written [{group}]"
                if group not in STAGES
                else "{days = 30, slow_share = 0.1, slow_days = 60}",
                found,
            )


def _levels(reader: Reader) -> tuple[str, ...]:
    levels = reader.get("acuity.levels", None)
    if not isinstance(levels, list) or not levels or not all(isinstance(level, str) and level for level in levels):
        reader.fault(
            "acuity.levels", 'the acuity levels from lowest to highest, such as ["low", "medium", "high"]', levels
        )
        return ()
    if len(set(levels)) != len(levels):
        reader.fault("acuity.levels", "each level once", levels)
    for name in set(levels) & {ASSESSMENT, OUTREACH}:
        reader.fault("acuity.levels", f"levels of members; {ASSESSMENT} and {OUTREACH} are billed beside them", name)
    return tuple(dict.fromkeys(levels))


def _caseload(reader: Reader, levels: tuple[str, ...]) -> dict[str, int]:
    out, given = {}, reader.get("acuity.caseload", {})
    if isinstance(given, Mapping):
        reader.known("acuity.caseload", given, levels)
    else:
        reader.fault("acuity.caseload", "members by level, such as {low = 55, medium = 30, high = 16}", given)
    for level in levels:
        key = f"acuity.caseload.{level}"
        units = reader.unit(key, reader.get(key, None), "count", default=MILLI)
        if units <= 0:
            reader.fault(key, "members above 0 whom one full-time coordinator can carry", units)
        out[level] = max(units, 1)
    return out


def _sources(reader: Reader, start: str) -> tuple[Source, ...]:
    out = []
    for number, row in enumerate(reader.rows("referrals")):
        key = f"referrals[{number}]"
        reader.known(key, row, ("source", "monthly", "quality"))
        out.append(
            Source(
                reader.text(f"{key}.source", row.get("source")),
                reader.dated(f"{key}.monthly", row.get("monthly"), "count", start),
                reader.dated(f"{key}.quality", row.get("quality", 1), "share", start),
            )
        )
    if not out:
        reader.fault("referrals", "at least one source of referrals, written [[referrals]]")
    return tuple(out)


def _coordinators(reader: Reader, labels: Sequence[str]) -> tuple[Coordinator, ...]:
    out = []
    for number, row in enumerate(reader.rows("coordinators")):
        key = f"coordinators[{number}]"
        reader.known(key, row, ("name", "hired", "last_month", "fte", "salary"))
        hired = reader.month(f"{key}.hired", row.get("hired")) or labels[0]
        left = row.get("last_month")
        last = reader.month(f"{key}.last_month", left) if left not in (None, "") else None
        if last and last < hired:
            reader.fault(f"{key}.last_month", f"a month not before {reader.where(f'{key}.hired')} ({hired})", last)
        out.append(
            Coordinator(
                str(row.get("name", number + 1)),
                hired,
                last,
                reader.unit(f"{key}.fte", row.get("fte", 1), "count"),
                reader.unit(f"{key}.salary", row.get("salary"), "money"),
            )
        )
    if not out:
        reader.fault("coordinators", "at least one coordinator, written [[coordinators]]")
    return tuple(out)


def _ramp(reader: Reader) -> tuple[int, ...]:
    ramp = reader.get("staffing.ramp", [1])
    if not isinstance(ramp, list) or not ramp:
        reader.fault(
            "staffing.ramp", "shares of a full caseload in the months after hire, such as [0.25, 0.6, 1.0]", ramp
        )
        return (SHARE,)
    return tuple(reader.unit(f"staffing.ramp[{place}]", share, "share") for place, share in enumerate(ramp))


def _values(reader: Reader, start: str) -> dict[str, Dated]:
    out: dict[str, Dated] = {}
    for field in FIELDS:
        given = reader.get(field.key)
        if given is MISSING:
            if field.default is None:
                reader.fault(field.key, f"{EXPECTED[field.kind]}: {field.note[0].lower()}{field.note[1:].rstrip('.')}")
            out[field.key] = ((start, field.default or 0),)
        else:
            out[field.key] = reader.dated(field.key, given, field.kind, start, dated=field.dated)
    if any(value == 0 for _, value in out["staffing.coordinators_per_supervisor"]):
        reader.fault("staffing.coordinators_per_supervisor", "a number above 0", 0)
    for key in STAGES:
        if any(share > SHARE * 9 // 10 for _, share in out[f"{key}.slow_share"]):
            reader.fault(f"{key}.slow_share", "a share of at most 0.9; if nearly all is slow, raise the usual days")
    return out


def _failures_leave_something(reader: Reader, assumptions: Assumptions) -> None:
    for month in assumptions.month_labels:
        total = sum(at(assumptions.values[key], month) for key in FAILURES)
        if total > SHARE:
            reader.fault(f"billable ({month})", "failing shares that sum to at most 1", total / SHARE)
            return


def _startup(reader: Reader, labels: Sequence[str]) -> tuple[StartUp, ...]:
    out = []
    for number, row in enumerate(reader.rows("costs.startup")):
        key = f"costs.startup[{number}]"
        reader.known(key, row, ("what", "month", "amount"))
        month = reader.month(f"{key}.month", row.get("month"))
        if month and not labels[0] <= month <= labels[-1]:
            reader.fault(f"{key}.month", f"a month of the plan, {labels[0]} to {labels[-1]}", month)
        out.append(
            StartUp(
                reader.text(f"{key}.what", row.get("what")),
                month or labels[0],
                reader.unit(f"{key}.amount", row.get("amount"), "money"),
            )
        )
    return tuple(out)


def _scenarios(reader: Reader) -> tuple[Scenario, ...]:
    out: list[Scenario] = []
    for number, row in enumerate(reader.rows("scenarios")):
        key = f"scenarios[{number}]"
        reader.known(key, row, ("name", "title", "from", "until", *LEVER_BY_KEY))
        levers = {
            name: reader.unit(
                f"{key}.{name}",
                value,
                LEVER_BY_KEY[name].kind,
                signed=LEVER_BY_KEY[name].kind == "days",
                default=LEVER_BY_KEY[name].neutral,
            )
            for name, value in row.items()
            if name in LEVER_BY_KEY
        }
        name = reader.text(f"{key}.name", row.get("name"))
        if name in {item.name for item in out}:
            reader.fault(f"{key}.name", "a name that no other scenario has", name)
        first, last = (
            reader.month(f"{key}.{edge}", row[edge]) if row.get(edge) not in (None, "") else None
            for edge in ("from", "until")
        )
        if first and last and last < first:
            reader.fault(f"{key}.until", f"a month not before {reader.where(f'{key}.from')} ({first})", last)
        out.append(
            Scenario(
                name,
                str(row.get("title") or name.replace("_", " ").capitalize()),
                {lever: value for lever, value in levers.items() if value != NEUTRAL[lever]},
                first,
                last,
            )
        )
    if not any(item.name == "base" for item in out):
        out.insert(0, Scenario("base", "Base"))
    return tuple(out)


def _uncertainty(reader: Reader) -> dict[str, tuple[int, int]]:
    out = {}
    for name, row in (reader.get("uncertainty", {}) or {}).items():
        key = f"uncertainty.{name}"
        if name not in LEVER_BY_KEY:
            reader.fault(key, f"a lever: {listed([lever.key for lever in LEVERS], 20)}", name)
            continue
        if not isinstance(row, Mapping) or set(row) != {"low", "high"}:
            reader.fault(key, "{low = …, high = …}", row)
            continue
        lever = LEVER_BY_KEY[name]
        low, high = (
            reader.unit(f"{key}.{edge}", row[edge], lever.kind, signed=lever.kind == "days", default=lever.neutral)
            for edge in ("low", "high")
        )
        if not low <= lever.neutral <= high:
            reader.fault(key, "low at most, and high at least, what leaves the plan as it is", row)
        out[name] = (low, high)
    return out


def _whole(reader: Reader, key: str, default: int, low: int, high: int) -> int:
    value = reader.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        reader.fault(key, f"a whole number from {low} to {high}", value)
        return default
    return value


__all__ = ["BY_KEY", "Reader", "parse"]
