"""The rate table of a plan: regions and their shares of the members, and what each level is paid there since when.

Rates come from the shipped table, from a CSV file beside the assumptions, or from rows in the file itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import closest, listed
from ...tables.reference.health_home import SHIPPED, health_home_rates
from .assumptions import Dated, at
from .fields import ASSESSMENT, SHARE

if TYPE_CHECKING:
    from .reader import Reader

NO_REGION = ("rate_code", "level", "description", "effective", "source", "source_date")
"""Columns of a rate table that are not a region."""
ROW_KEYS = ("level", "region", "effective", "rate", "source")


@dataclass(frozen=True)
class RateRow:
    """One rate: the key that a message names, the level, the first month in force, cents."""

    level: str
    region: str
    month: str
    cents: int


def read_regions(reader: Reader, labels: Sequence[str]) -> dict[str, Dated]:
    """Each region's share of the members: all of them in one region, or [[regions]] that sum to one in every month."""
    given = reader.get("regions", None)
    if given is None:
        return {reader.text("region", reader.get("region", "downstate")): ((labels[0], SHARE),)}
    if reader.get("region", None) is not None:
        reader.fault("region", "one region, or shares of several under [[regions]], not both", reader.get("region"))
    names = [name for row in reader.rows("regions") for name in row if name != "from"]
    if not names:
        reader.fault(
            "regions", 'the share of each region, such as [[regions]] from = "2027-01", upstate = 0.4, downstate = 0.6'
        )
    return read_shares(reader, "regions", tuple(dict.fromkeys(names)), labels, "regions")


def read_shares(reader: Reader, key: str, names: Sequence[str], labels: Sequence[str], what: str) -> dict[str, Dated]:
    """The share of each part, in steps; in every month the shares must sum to one."""
    steps: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for number, row in enumerate(reader.rows(key)):
        place = f"{key}[{number}]"
        for name in set(row) - {"from", *names}:
            why = " (one acuity mix serves all regions)" if key == "acuity.mix" and name == "region" else ""
            reader.fault(f"{place}.{name}", f"one of the {what} {listed(names)}{why}{closest(name, names)}", name)
        month = reader.month(f"{place}.from", row.get("from"))
        for name in names:
            given = row.get(name, 0)
            if month:
                steps[name].append((month, reader.unit(f"{place}.{name}", given, "share")))
    dated = {name: reader.in_order(f"{key}.{name}", steps[name], labels[0]) for name in names}
    for month in labels:
        total = sum(at(dated[name], month) for name in names)
        if total != SHARE and names:
            reader.fault(f"{key} ({month})", f"shares of the {what} that sum to 1", total / SHARE)
            break
    return dated


def read_rates(
    reader: Reader, regions: Sequence[str], levels: Sequence[str], labels: Sequence[str], folder: Path | None
) -> tuple[dict[str, dict[str, Dated]], str]:
    """Cents by level and region, and where they come from; a rate must hold in every month of the plan.

    The fee of an assessment is asked for only where assessments are paid.
    """
    rows, source = _rate_rows(reader, regions, levels, folder)
    out: dict[str, dict[str, Dated]] = {}
    for level in (*levels, ASSESSMENT):
        needed = level != ASSESSMENT or reader.get("assessment.paid", False) is True
        out[level] = {region: _held(reader, rows, (level, region), labels, needed) for region in regions}
    return out, source


def _held(
    reader: Reader, rows: Sequence[RateRow], place: tuple[str, str], labels: Sequence[str], needed: bool
) -> Dated:
    """The steps of one level in one region, from a month not after the plan's first on."""
    stated = sorted((row.month, row.cents) for row in rows if (row.level, row.region) == place)
    key = f"rates ({', '.join(place)})"
    if len({month for month, _ in stated}) != len(stated):
        reader.fault(key, "one rate for each level and month", f"two that begin in the same month ({len(stated)} rows)")
    steps = [step for number, step in enumerate(stated) if not number or step[1] != stated[number - 1][1]]
    if steps and steps[0][0] <= labels[0]:
        return tuple(steps)
    if needed:
        known = sorted({row.level for row in rows if row.region == place[1]})
        if not known and any("rates" in fault or "region" in fault for fault in reader.faults):
            return ((labels[0], 0),)  # why there are none has been said
        found = f"rates from {steps[0][0]} on" if steps else f"rates for {listed(known)}" if known else None
        missing = [month for month in labels if not steps or month < steps[0][0]]
        reader.fault(key, f"a rate for every month of the plan; {len(missing)} are missing, first {missing[0]}", found)
    return ((labels[0], 0), *steps)


def _rate_rows(
    reader: Reader, regions: Sequence[str], levels: Sequence[str], folder: Path | None
) -> tuple[list[RateRow], str]:
    """Every rate of the shipped table, of a CSV file, or of the rows in the file itself."""
    given = reader.get("rates", {})
    if not isinstance(given, Mapping):
        return [], ""  # the unknown keys have said so
    if len(set(given) & {"table", "file", "rows"}) > 1:
        reader.fault("rates", "one of table, file and [[rates.rows]]", listed(sorted(given)))
    if "rows" in given:
        return _own_rows(reader, regions, levels)
    if "file" in given:
        records, source = _rate_file(reader, Path(folder or ".") / str(given["file"])), str(given["file"])
    else:
        if given.get("table", SHIPPED) != SHIPPED:
            reader.fault("rates.table", f'"{SHIPPED}", or rates.file = "your.csv"', given["table"])
            return [], ""
        frame = health_home_rates()
        records = [
            (f"health_home_rates.csv row {place + 2}", row) for place, row in enumerate(frame.to_dict("records"))
        ]
        source = "; ".join(sorted(set(frame["source"])))
    return _table_rows(reader, records, regions), source


def _own_rows(reader: Reader, regions: Sequence[str], levels: Sequence[str]) -> tuple[list[RateRow], str]:
    """[[rates.rows]]: a row without a region holds in all of them."""
    out, rows = [], reader.rows("rates.rows")
    for place, row in enumerate(rows):
        key, level, region = f"rates.rows[{place}]", row.get("level"), row.get("region")
        reader.known(key, row, ROW_KEYS)
        if level not in (*levels, ASSESSMENT):
            reader.fault(f"{key}.level", f"one of {listed([*levels, ASSESSMENT])}", level)
        if region is not None and region not in regions:
            reader.fault(f"{key}.region", f"one of the plan's regions: {listed(regions)}", region)
        month = reader.month(f"{key}.effective", _first_seven(row.get("effective")))
        cents = reader.unit(f"{key}.rate", row.get("rate"), "money")
        if month:
            out += [RateRow(str(level), name, month, cents) for name in ([region] if region is not None else regions)]
    sources = {str(row.get("source", "")).strip() for row in rows} - {""}
    return out, "; ".join(sorted(sources)) or "the assumptions file"


def _rate_file(reader: Reader, file: Path) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError):
        reader.fault("rates.file", "a CSV file (UTF-8) beside the assumptions file", file.name)
        return []
    if not rows or not {"level", "effective"} <= set(rows[0]):
        reader.fault("rates.file", "a CSV with the columns level, effective, source and one per region", file.name)
        return []
    return [(f"{file.name} row {place + 2}", row) for place, row in enumerate(rows)]


def _table_rows(
    reader: Reader, records: Sequence[tuple[str, Mapping[str, Any]]], regions: Sequence[str]
) -> list[RateRow]:
    """A table with one column per region; an empty cell states no rate."""
    columns = [name for name in records[0][1] if name and name not in NO_REGION] if records else []
    out = []
    for region in regions:
        if records and region not in columns:
            reader.fault(
                "region" if len(regions) == 1 else f"regions.{region}",
                f"a column of the rate table: {listed(columns)}",
                region,
            )
            continue
        for key, row in records:
            month = reader.month(f"{key}.effective", _first_seven(row.get("effective")))
            value = row.get(region)
            if month and value not in (None, ""):
                out.append(
                    RateRow(
                        str(row.get("level", "")).strip(), region, month, reader.unit(f"{key}.{region}", value, "money")
                    )
                )
    return out


def _first_seven(effective: Any) -> Any:
    """A day written YYYY-MM-DD as its month."""
    return effective[:7] if isinstance(effective, str) and len(effective) == 10 else effective
