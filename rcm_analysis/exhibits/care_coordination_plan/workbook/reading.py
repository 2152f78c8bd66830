"""Read an edited plan workbook back into assumptions; every mistake is reported with its cell."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter as letter
from openpyxl.utils import range_boundaries
from openpyxl.utils.datetime import from_excel, to_excel
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from ....errors import ParameterError, closest, listed
from ....models.plan.assumptions import BASE, Assumptions, parse
from ....models.plan.fields import BY_KEY, FIELDS, LEVER_BY_KEY
from ....models.plan.programme import refuse_overload
from ....models.plan.rules import RULES
from ....tables.checking import shown
from .board import BOARD
from .entries import AFTER_LAST_DAY, ENTRIES, ENTRY_ROW, FAULT, FIRST_DAY, RULE
from .inputs import (
    ASSUMPTIONS,
    CHANGES,
    CHECKS,
    FIRST_ROW,
    KEY,
    LAG_SHEET,
    PLAN,
    RATES,
    REGION_ROW,
    SCENARIOS,
    STAFF,
    SUMMARY,
    VALUE,
    cell_name,
)
from .rows import FIRST, INDEX_ROW, MONTHS, RECEIPTS, SHARES
from .years import YEARS

NEEDED = ("name", "start", "months", *(field.key for field in FIELDS))
"""Keys of the sheet Assumptions that every plan has; those of levels, regions and sources come on top."""
CAME_LATER = ("assessment.again",)
"""Keys that the workbooks of earlier versions lack; their formulas stand for the default."""
LISTS = ("acuity.caseload.", "acuity.mix.", "acuity.mix_in.", "regions.", "referrals[")
FEW = 3
"""Cells of one sheet that are named; of more only the number is told."""


def edited_structure(book: Workbook) -> list[str]:
    """A message for every key, defined name and formula that is not as `rcm plan` wrote it. `book` holds the formulas,
    not their values."""
    rows = key_rows(book[ASSUMPTIONS])
    return [*_keys(book[ASSUMPTIONS], rows), *_names(book, rows), *_formulas(book), *_outside(book), *_length(book)]


def key_rows(sheet: Worksheet) -> dict[str, list[int]]:
    """The rows of each key in column A."""
    rows: dict[str, list[int]] = {}
    for row in range(FIRST_ROW, sheet.max_row + 1):
        key = sheet.cell(row, KEY).value
        if isinstance(key, str) and key.strip():
            rows.setdefault(key.strip(), []).append(row)
    return rows


def _keys(sheet: Worksheet, rows: Mapping[str, Sequence[int]]) -> list[str]:
    """Keys that are missing, misspelled or there twice. Without them a default would be used instead of the input; of a
    key that is there twice only one value would count."""
    out = [
        f"{ASSUMPTIONS}!A: expected a row with the key {key}; found none"
        for key in NEEDED
        if key not in {*rows, *CAME_LATER}
    ]
    for key, places in rows.items():
        if key not in NEEDED and not key.startswith(LISTS):
            out.append(f"{ASSUMPTIONS}!A{places[0]}: no input of the plan is called {key}.{closest(key, NEEDED)}")
        if len(places) > 1:
            out.append(f"{ASSUMPTIONS}!A{places[1]}: expected each key once; found {key} in row {places[0]}, too")
    for row in range(FIRST_ROW, sheet.max_row + 1):
        if sheet.cell(row, KEY).value in (None, "") and sheet.cell(row, VALUE).value not in (None, ""):
            out.append(f"{ASSUMPTIONS}!A{row}: expected the key of the value beside it; found nothing")
    return out


def _names(book: Workbook, rows: Mapping[str, Sequence[int]]) -> list[str]:
    """Named cells that were renamed, deleted or moved off their value."""
    wanted = {cell_name(key): f"{ASSUMPTIONS}!${letter(VALUE)}${places[0]}" for key, places in rows.items()}
    wanted |= {"Scenario": f"{SUMMARY}!$B$4"}
    out, named = [], book.defined_names
    for name, place in wanted.items():
        found = named[name].attr_text.replace("'", "") if name in named else None
        if found != place:
            out.append(
                f"{place.replace('$', '')}: expected the cell to be named {name}; found "
                + ("no such name" if found is None else f"that name at {found.replace('$', '')}")
            )
    return out


def _outside(book: Workbook) -> list[str]:
    """Cells that no formula reads and that hold something: below and beside the shaded ones, and changes of what cannot
    change. The sheet Entries says which they are; the workbooks of earlier versions have none."""
    out = []
    for cells in book[ENTRIES].iter_rows(min_row=ENTRY_ROW) if ENTRIES in book.sheetnames else ():
        rule, place = (
            cells[RULE - 1].value,
            re.search(r"COUNTA\((\w+)!([A-Z]+\d+:[A-Z]+\d+)\)=0,0,1", str(cells[FAULT - 1].value)),
        )
        if rule not in ("outside", "no_steps") or not place:
            continue
        left, top, right, bottom = range_boundaries(place[2])
        sheet = book[place[1]]
        for line in sheet.iter_rows(top, min(bottom, sheet.max_row), left, min(right, sheet.max_column)):
            filled = [cell for cell in line if cell.value is not None]
            out += [
                f"{place[1]}!{cell.coordinate}: expected {RULES[rule]}; found {shown(cell.value)}" for cell in filled
            ]
    return list(dict.fromkeys(out))


def _length(book: Workbook) -> list[str]:
    """The number of months, where it is not that of the monthly sheets."""
    rows = key_rows(book[ASSUMPTIONS]).get("months", [])
    made = sum(isinstance(cell.value, int) for cell in book[MONTHS][INDEX_ROW]) if MONTHS in book.sheetnames else None
    cells = [book[ASSUMPTIONS].cell(row, VALUE) for row in rows if made is not None]
    return [
        f"{ASSUMPTIONS}!{cell.coordinate} (months): expected {RULES['as_written']} ({made}); found {shown(cell.value)}"
        for cell in cells
        if cell.value != made
    ]


def _formulas(book: Workbook) -> list[str]:
    """Cells of the computing sheets that hold something typed instead of their formula."""
    out = []
    later = [name for name in (YEARS, ENTRIES, BOARD) if name in book.sheetnames]  # earlier versions had none
    later += [name for name in book.sheetnames if name.startswith("Case")]
    for name in (MONTHS, SHARES, RECEIPTS, PLAN, LAG_SHEET, CHECKS, *later):
        if name not in book.sheetnames:
            out.append(f"{name}: expected the sheet of this name; found none")
            continue
        out += _told(book[name], list(_typed(book[name])))
    summary = book[SUMMARY]
    shown = [(row, 2) for row in range(5, summary.max_row + 1) if summary.cell(row, 1).value]
    out += _told(summary, [f"B{row}" for row, column in shown if _is_typed(summary.cell(row, column).value)])
    at_work = next((cell.column for cell in book[SCENARIOS][4] if str(cell.value).startswith("At work")), None)
    if at_work:
        column = [(row, book[SCENARIOS].cell(row, at_work).value) for row in range(5, book[SCENARIOS].max_row + 1)]
        out += _told(book[SCENARIOS], [f"{letter(at_work)}{row}" for row, value in column if _is_typed(value)])
    return out


def _typed(sheet: Worksheet) -> Iterable[str]:
    """The cells of a computing sheet that hold a typed value, or nothing, where a formula should be."""
    first = {LAG_SHEET: 2, CHECKS: 2, ENTRIES: FAULT, BOARD: 2}.get(sheet.title, FIRST)
    for row in sheet.iter_rows(min_row=5, min_col=first):
        is_row = sheet.title in (MONTHS, PLAN) and any(cell.value is not None for cell in row)
        for cell in row:
            if _is_typed(cell.value) or (is_row and cell.value is None):
                yield cell.coordinate


def _is_typed(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and value.startswith("=")) and not hasattr(value, "ref")


def _told(sheet: Worksheet, cells: Sequence[str]) -> list[str]:
    """A line per cell, with the words of its row; many in one sheet in one line."""

    def line(cell: str, more: str = "") -> str:
        words, found = sheet.cell(sheet[cell].row, 1).value, sheet[cell].value
        return (
            f"{sheet.title}!{cell}{more}{f' ({words})' if isinstance(words, str) else ''}: expected the formula "
            "that rcm plan wrote; "
            f"found {'nothing' if found is None else repr(found)}"
        )

    return (
        [line(cell) for cell in cells] if len(cells) <= FEW else [line(cells[0], f" and {len(cells) - 1} more cells")]
    )


SHARED = ("acuity.mix", "regions")
"""Keys whose parts sum to one in every month."""


def read_workbook(path: str | Path) -> Assumptions:
    """The assumptions in a workbook that `write_plan_workbook` made and somebody edited.

    Raises
        ParameterError that names every cell at fault, what was expected and what stands there; or the cells to look at
        where the base plan holds more members than its coordinators can carry.
    """
    book = _open(path)
    found = Found()
    found.faults += edited_structure(_open(path, formulas=True))
    _assumptions(book[ASSUMPTIONS], found)
    _staff(book[STAFF], found)
    _rates(book[RATES], found)
    _scenarios(book[SCENARIOS], found)
    read = parse(found.raw, Path(path).name, where=found.where, faults=found.faults)
    refuse_overload(read, found.where)
    return read


def read_scenario(path: str | Path) -> str:
    """The scenario chosen in the workbook."""
    return str(_open(path)[SUMMARY]["B4"].value or BASE)


def _open(path: str | Path, *, formulas: bool = False) -> Workbook:
    """The workbook with its values, or with its formulas."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # openpyxl warns of cell dates that it reads as errors; the message names the cell
            book = load_workbook(Path(path), data_only=not formulas)
    except OSError:
        raise ParameterError(
            f"There is no workbook {path} that can be read. rcm plan writes one. Nothing was run."
        ) from None
    except (InvalidFileException, BadZipFile, KeyError, ValueError):
        raise ParameterError(
            f"{Path(path).name} is not an XLSX workbook. Save it from Excel or LibreOffice as .xlsx; "
            "a TOML file is read with --assumptions. Nothing was run."
        ) from None
    missing = [name for name in (SUMMARY, ASSUMPTIONS, STAFF, RATES, SCENARIOS) if name not in book.sheetnames]
    if missing:
        raise ParameterError(
            f"{Path(path).name} is not a plan workbook: sheets missing: {listed(missing)}. "
            "rcm plan writes one with all of them. Nothing was run."
        )
    return book


class Found:
    """The nested values, and the cell that each key came from."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {}
        self.cells: dict[str, str] = {}
        self.faults: list[str] = []

    def where(self, key: str) -> str:
        """The cell of a key, with the key; a key without a cell stays as it is."""
        place = self.cells.get(key)
        return f"{place} ({key})" if place else key

    def put(self, key: str, value: Any, cell: str) -> None:
        """A value under a dotted key."""
        *path, last = key.split(".")
        place = self.raw
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
        self.cells[key] = cell

    def name_block(self, key: str, cells: Sequence[str]) -> None:
        """The cells of a list or a table, from the first to the last, for messages about all of it."""
        if cells:
            self.cells[key] = f"{cells[0]}:{cells[-1].partition('!')[2]}"


def plain(value: Any) -> Any:
    """The value of a cell as an assumptions file would write it: a date as YYYY-MM, 0.30000000000000004 as 0.3, text
    without blanks around it.

    >>> plain(dt.datetime(2027, 7, 1)), plain(0.1 + 0.2), plain("  x ")
    ('2027-07', 0.3, 'x')
    """
    if isinstance(value, (dt.datetime, dt.date)):
        return f"{value:%Y-%m}"
    if isinstance(value, float):
        short = float(f"{value:.12g}")
        return int(short) if short.is_integer() else short
    return value.strip() or None if isinstance(value, str) else value


def month(value: Any) -> Any:
    """The value of a cell that must hold a date, whatever its format. Text that looks like a date is refused later:
    the formulas do not read it as one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and FIRST_DAY <= value < AFTER_LAST_DAY:
        return plain(from_excel(value))
    return _as_text(value)


def number(value: Any) -> Any:
    """The value of a cell that must hold a number, whatever its format. Text that looks like a number is refused
    later: the formulas do not read it as one."""
    return to_excel(value) if isinstance(value, (dt.datetime, dt.date)) else _as_text(value)


def _as_text(value: Any) -> Any:
    return f"the text {value.strip()}" if isinstance(value, str) and value.strip() else plain(value)


def _assumptions(sheet: Worksheet, found: Found) -> None:
    shares: dict[str, dict[str, list]] = {name: {} for name in SHARED}
    sources: dict[int, dict[str, Any]] = {}
    for row in range(FIRST_ROW, sheet.max_row + 1):
        key = sheet.cell(row, KEY).value
        if not isinstance(key, str) or not key.strip():
            continue
        cell, given = f"{ASSUMPTIONS}!{letter(VALUE)}{row}", sheet.cell(row, VALUE).value
        is_words = key == "name" or key.endswith("].source")
        value = month(given) if key == "start" else plain(given) if is_words else number(given)
        steps = _steps(sheet, row, key, value, found)
        shared = next((name for name in SHARED if key.startswith(f"{name}.")), None)
        if key.startswith("acuity.mix_in."):
            shared = key.rpartition(".")[0]
        if shared:
            shares.setdefault(shared, {})[key.removeprefix(f"{shared}.")] = steps
        elif key.startswith("referrals["):
            nth, name = int(key[len("referrals[") : key.index("]")]), key.rpartition(".")[2]
            sources.setdefault(nth, {})[name] = steps if len(steps) > 1 else value
            found.cells[key] = cell
        elif key.startswith("acuity.caseload.") or key in BY_KEY or "." not in key:
            found.put(key, steps if len(steps) > 1 and key in BY_KEY else value, cell)
    found.raw["referrals"] = [sources[nth] for nth in sorted(sources)]
    found.put("acuity.levels", list(shares["acuity.mix"]), f"{ASSUMPTIONS}!A")
    found.name_block(
        "acuity.caseload",
        [found.cells[key] for key in found.cells if key.startswith("acuity.caseload.") and "[" not in key],
    )
    for name in shares:
        _shares(found, name, shares[name])


def _steps(sheet: Worksheet, row: int, key: str, value: Any, found: Found) -> list[dict[str, Any]]:
    """The value from the first month on, and the changes beside it."""
    start = found.raw.get("start")
    steps = [{"from": start, "value": value}]
    found.cells[f"{key}[0].value"] = f"{ASSUMPTIONS}!{letter(VALUE)}{row}"
    for column in range(CHANGES, sheet.max_column, 2):
        since, then = month(sheet.cell(row, column).value), number(sheet.cell(row, column + 1).value)
        if since is None and then is None:
            continue
        place = len(steps)
        found.cells[f"{key}[{place}].from"] = f"{ASSUMPTIONS}!{letter(column)}{row}"
        found.cells[f"{key}[{place}].value"] = f"{ASSUMPTIONS}!{letter(column + 1)}{row}"
        steps.append({"from": since, "value": then})
    return steps


def _shares(found: Found, name: str, shares: Mapping[str, list]) -> None:
    """Shares that sum to one (levels, regions), month by month in which any of them changes."""
    readable = {part: [step for step in steps if isinstance(step["from"], str)] for part, steps in shares.items()}
    for part, steps in readable.items():
        undated = [place for place, step in enumerate(shares[part]) if place and not isinstance(step["from"], str)]
        found.faults += [
            f"{found.cells[f'{name}.{part}[{place}].from']} ({name}.{part}): expected {RULES['date']}; found nothing"
            for place in undated
        ]
        months = [step["from"] for step in steps]
        if months != sorted(set(months)) and all(re.fullmatch(r"\d{4}-\d{2}", month) for month in months):
            cell = found.cells[f"{name}.{part}[1].from"]
            found.faults.append(f"{cell} ({name}.{part}): expected {RULES['in_order']}; found {months}")
    region = name.removeprefix("acuity.mix_in.") if name.startswith("acuity.mix_in.") else ""
    whole = "acuity.mix" if region else name
    rows = [*found.raw["acuity"]["mix"]] if region else []
    for nth, change in enumerate(sorted({step["from"] for steps in readable.values() for step in steps}), len(rows)):
        row: dict[str, Any] = {"from": change} | ({"region": region} if region else {})
        for part, steps in readable.items():
            place = max((place for place, step in enumerate(steps) if step["from"] <= change), default=0)
            row[part] = steps[place]["value"]
            found.cells[f"{whole}[{nth}].{part}"] = found.cells.get(f"{name}.{part}[{place}].value", "")
        rows.append(row)
        cells = [found.cells[f"{name}.{part}[0].value"] for part in shares]
        found.name_block(f"{name} ({change})", cells)
    if rows:
        found.put(whole, rows, found.cells[f"{name} ({rows[-1]['from']})"])


def _staff(sheet: Worksheet, found: Found) -> None:
    """The three blocks of the sheet Staff, each under its heading: coordinators, ramp, start-up costs."""
    people, startup = Records(found, "coordinators"), Records(found, "costs.startup")
    ramp: list[Any] = []
    block = "people"
    for row in range(5, sheet.max_row + 1):
        first, second, third, fourth, fifth = (sheet.cell(row, column).value for column in range(1, 6))
        if isinstance(first, str) and first.startswith("Share of a full caseload"):
            block = "ramp"
        elif first == "Start-up cost":
            block = "startup"
        elif block == "people" and plain(second) is not None:  # a position without a first month is not filled
            people.add(
                row,
                {
                    "name": plain(first),
                    "hired": month(second),
                    "last_month": month(third),
                    "fte": number(fourth),
                    "salary": number(fifth),
                },
            )
            # Without a name or a share of time there would be a default; the sheet asks for both.
            people.rows[-1] |= {
                "name": str(plain(first) or f"Coordinator {len(people.rows)}"),
                "fte": number(fourth),
                "salary": number(fifth),
            }
        elif block == "ramp" and str(first).startswith("Month "):
            found.cells[f"staffing.ramp[{len(ramp)}]"] = f"{STAFF}!B{row}"
            ramp.append(number(second))
        elif block == "startup" and any(plain(value) is not None for value in (first, second, third)):
            startup.add(row, {"what": plain(first), "month": month(second), "amount": number(third)})
    while ramp and ramp[-1] is None:  # what is left out after the last share holds on; a gap before it is a mistake
        ramp.pop()
    found.raw["coordinators"] = people.rows
    found.raw.setdefault("staffing", {})["ramp"] = ramp
    found.raw.setdefault("costs", {})["startup"] = startup.rows


class Records:
    """A list of the sheet Staff: a row per item, each value with its cell."""

    def __init__(self, found: Found, name: str) -> None:
        self.found, self.name = found, name
        self.rows: list[dict[str, Any]] = []
        self.cells: list[str] = []

    def add(self, row: int, values: Mapping[str, Any]) -> None:
        """One row, its values in the order of the columns; empty cells are left out."""
        cells = {key: f"{STAFF}!{letter(column)}{row}" for column, key in enumerate(values, 1)}
        self.found.cells |= {f"{self.name}[{len(self.rows)}].{key}": cell for key, cell in cells.items()}
        self.cells += cells.values()
        self.found.name_block(self.name, self.cells)
        self.rows.append({key: value for key, value in values.items() if value is not None})


def _rates(sheet: Worksheet, found: Found) -> None:
    """One row per rate; a level that has a rate keeps one in every later row, and rows stand in the order of their
    months."""
    columns = [
        (column, sheet.cell(REGION_ROW, column).value, sheet.cell(4, column).value)
        for column in range(2, sheet.max_column + 1)
    ]
    source = str(sheet["A2"].value or "").rpartition("Source: ")[2].removesuffix(".")
    rows: list[dict[str, Any]] = []
    stated: set[int] = set()
    before = ""
    for row in range(5, sheet.max_row + 1):
        since, values = (
            month(sheet.cell(row, 1).value),
            {column: number(sheet.cell(row, column).value) for column, _, level in columns if level},
        )
        if since is None and not any(value is not None for value in values.values()):
            continue
        if isinstance(since, str) and since < before:
            found.faults.append(f"{RATES}!A{row}: expected {RULES['rates_in_order']}; found {since} below {before}")
        before = since if isinstance(since, str) else before
        for column, region, level in columns:
            if level and (values[column] is not None or column in stated):
                stated.add(column)
                place = f"rates.rows[{len(rows)}]"
                found.cells[f"{place}.effective"], found.cells[f"{place}.rate"] = (
                    f"{RATES}!A{row}",
                    f"{RATES}!{letter(column)}{row}",
                )
                found.cells[f"{place}.level"], found.cells[f"{place}.region"] = (
                    f"{RATES}!{letter(column)}4",
                    f"{RATES}!{letter(column)}{REGION_ROW}",
                )
                rows.append(
                    {"level": level, "region": region, "effective": since, "rate": values[column], "source": source}
                )
    for column, region, level in columns:
        found.cells[f"rates ({level}, {region})"] = f"{RATES}!{letter(column)}5:{letter(column)}{sheet.max_row}"
    found.raw["rates"] = {"rows": rows}


READ_AS: Mapping[str, Callable[[Any], Any]] = {
    "title": str,
    "from": month,
    "until": month,
    **dict.fromkeys(LEVER_BY_KEY, number),
}
"""How each row of a scenario is read."""


def _scenarios(sheet: Worksheet, found: Found) -> None:
    heads = {str(sheet.cell(4, column).value): column for column in range(4, sheet.max_column + 1)}
    end = heads.get("At work (small units)", sheet.max_column)
    low, high = heads.get("Uncertain from"), heads.get("Uncertain to")
    rows: list[dict[str, Any]] = []
    uncertainty: dict[str, Any] = {}
    for column in range(4, end):
        name = plain(sheet.cell(4, column).value)
        item: dict[str, Any] = {"name": None if name is None else str(name)}
        place = f"scenarios[{len(rows)}]"
        found.cells[f"{place}.name"] = f"{SCENARIOS}!{letter(column)}4"
        for row in range(5, sheet.max_row + 1):
            key, value = sheet.cell(row, 1).value, sheet.cell(row, column).value
            if key in READ_AS and plain(value) is not None:
                item[key] = READ_AS[key](value)
                found.cells[f"{place}.{key}"] = f"{SCENARIOS}!{letter(column)}{row}"
        rows.append(item)
    for row in range(5, sheet.max_row + 1):
        key = sheet.cell(row, 1).value
        if key in LEVER_BY_KEY and low and high:
            bounds = {"low": number(sheet.cell(row, low).value), "high": number(sheet.cell(row, high).value)}
            if bounds["low"] is not None or bounds["high"] is not None:
                uncertainty[key] = bounds
                for edge, column in (("low", low), ("high", high)):
                    found.cells[f"uncertainty.{key}.{edge}"] = f"{SCENARIOS}!{letter(column)}{row}"
        elif key in ("simulation.seed", "simulation.draws"):
            found.put(key, number(sheet.cell(row, 4).value), f"{SCENARIOS}!D{row}")
    found.raw["scenarios"], found.raw["uncertainty"] = rows, uncertainty
