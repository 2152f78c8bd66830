"""The rate table of a plan: what each level is paid in each region since when.

Rates come from the shipped table, from a CSV file beside the assumptions, or from rows in the file itself.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticCustomError

from ...errors import listed
from ...tables.checking import KNOWN_KEYS, expected, refuse
from ...tables.reference.health_home import SHIPPED, health_home_rates
from .fields import ASKED, ASSESSMENT, Dated, Money, Month, exact, month

NO_REGION = ("rate_code", "level", "description", "effective", "source", "source_date")
"""Columns of a rate table that are not a region."""
Rate = tuple[str, str, str, int]
"""Level, region, first month in force, cents."""


def _level(level: Any, info: Any) -> Any:
    known = (*info.context.get("levels", ()), ASSESSMENT)
    if "levels" in info.context and level not in known:
        raise expected(f"one of {listed(known)}")
    return level


def _region(region: Any, info: Any) -> Any:
    known = info.context.get("regions", (region,))
    if region is not None and region not in known:
        raise expected(f"one of the plan's regions: {listed(known)}")
    return region


def _first_seven(effective: Any) -> Any:
    """A day written YYYY-MM-DD as its month."""
    return effective[:7] if isinstance(effective, str) and len(effective) == 10 else effective


class OwnRate(BaseModel):
    """One of [[rates.rows]]; without a region it holds in all of them."""

    model_config = KNOWN_KEYS
    level: Annotated[str, BeforeValidator(_level), ASKED]
    region: Annotated[str | None, BeforeValidator(_region)] = None
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
        raise expected("one of table, file and [[rates.rows]]", found=listed(sorted(table.model_fields_set)))
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
        return (), [expected("one rate for each level and month", at=at, found=twice)]
    steps = tuple(step for number, step in enumerate(stated) if not number or step[1] != stated[number - 1][1])
    if steps and steps[0][0] <= labels[0]:
        return steps, []
    faults = []
    if level != ASSESSMENT or context.get("assessment"):
        known = sorted({rate[0] for rate in rates if rate[1] == region})
        found = f"rates from {steps[0][0]} on" if steps else f"rates for {listed(known)}" if known else None
        missing = [label for label in labels if not steps or label < steps[0][0]]
        text = f"a rate for every month of the plan; {len(missing)} are missing, first {missing[0]}"
        faults = [expected(text, at=at, found=found)]
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
    if table.table not in (None, SHIPPED):
        raise expected(f'"{SHIPPED}", or rates.file = "your.csv"', below=("table",), found=table.table)
    frame = health_home_rates()
    rates = _table_rates(frame.to_dict("records"), "health_home_rates.csv", context)
    return rates, "; ".join(sorted(set(frame["source"])))


def _rate_file(name: str, folder: Path | None) -> list[dict[str, Any]]:
    try:
        with Path(folder or ".", name).open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError):
        raise expected("a CSV file (UTF-8) beside the assumptions file", below=("file",), found=name) from None
    if not rows or not {"level", "effective"} <= set(rows[0]):
        text = "a CSV with the columns level, effective, source and one per region"
        raise expected(text, below=("file",), found=name)
    return rows


def _table_rates(rows: Sequence[Mapping[str, Any]], name: str, context: Mapping[str, Any]) -> list[Rate]:
    """The rates of a table with one column per region; an empty cell states no rate."""
    columns = [column for column in rows[0] if column and column not in NO_REGION]
    lacking = [region for region in context["regions"] if region not in columns]
    text, several = f"a column of the rate table: {listed(columns)}", len(context["regions"]) > 1
    refuse(expected(text, at=f"regions.{region}" if several else "region", found=region) for region in lacking)
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
