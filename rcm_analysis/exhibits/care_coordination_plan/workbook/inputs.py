"""The input sheets of the plan's workbook: assumptions, staff, rates, scenarios. Named, explained, checked as typed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter as letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.assumptions import Assumptions, Dated, Scenario, at
from ....models.plan.fields import ASSESSMENT, FIELDS, LEVERS, Lever, natural
from ....models.plan.rules import KINDS
from ....models.plan.sections import limit_of
from .entries import Entries, if_filled, is_date, is_empty, is_number, is_words

SUMMARY, PLAN, LAG_SHEET, CHECKS = "Summary", "Plan", "Lags", "Checks"
ASSUMPTIONS, STAFF, RATES, SCENARIOS = "Assumptions", "Staff", "Rates", "Scenarios"
"""Names of the sheets that show results, and of those that are filled in; the names of the computing sheets stand in
`rows`."""
KEY, TITLE, VALUE, UNIT, NOTE, CHANGES = 1, 2, 3, 4, 5, 6
NOTE_LETTERS = 70
"""Letters of a note on one line of its column: a row is as high as its note needs."""
REGION_ROW = 3
"""Row of the sheet Rates that names each column's region, above its level."""
FIRST_ROW, SPARE_STAFF, SPARE_STARTUP, SPARE_RATES, RAMP_SLOTS = 5, 5, 4, 6, 12
FORMATS = {
    "share": "0.00%",
    "factor": "0.0000",
    "move": "0.00%",
    "money": "$#,##0.00",
    "count": "#,##0.0##",
    "days": "0",
    "added_days": "0",
    "added_months": "0",
    "seed": "0",
    "draws": "0",
    "months": "0",
    "flag": "General",
    "date": "mmm yyyy",
    "text": "@",
}
UNITS = {
    "share": "share",
    "factor": "factor",
    "move": "added share",
    "money": "US dollars",
    "count": "number",
    "days": "days",
    "added_days": "days",
    "added_months": "months",
    "months": "months",
    "flag": "TRUE or FALSE",
    "date": "month",
    "text": "words",
}

INPUT_FILL = PatternFill("solid", fgColor="FFF8DC")
HEAD_FILL = PatternFill("solid", fgColor="14425F")
FACE = "Calibri"
INPUT_FONT, HEAD_FONT = Font(name=FACE, color="0B3D91"), Font(name=FACE, color="FFFFFF", bold=True)
MUTED, STRONG = Font(name=FACE, color="606B75", size=9), Font(name=FACE, bold=True)
TITLE_FONT = Font(name=FACE, bold=True, size=14, color="14425F")


@dataclass
class Inputs:
    """Where each input stands: rows of the assumptions sheet by key, and the other sheets' blocks."""

    rows: dict[str, int] = field(default_factory=dict)
    changes: int = 3
    staff: tuple[int, int] = (0, 0)
    startup: tuple[int, int] = (0, 0)
    ramp: tuple[int, int] = (0, 0)
    rates: tuple[int, int] = (0, 0)
    rate_columns: dict[tuple[str, str], str] = field(default_factory=dict)
    levers: dict[str, int] = field(default_factory=dict)
    window: tuple[int, int] = (0, 0)
    scenario_names: str = ""
    """The names of the scenarios, as an absolute reference."""
    end: str = ""
    """Cell of the sheet Months with the plan's last day."""
    chosen: str = ""
    """Column of the scenario at work."""
    entries: Entries = field(default_factory=Entries)
    """The rules that the cells keep."""

    def cell(self, key: str) -> str:
        """The value of an input, as an absolute reference."""
        return f"{ASSUMPTIONS}!${letter(VALUE)}${self.rows[key]}"

    def dated(self, key: str, month_end: str) -> str:
        """The value that holds in the month that ends on `month_end`: the last change not after it."""
        row, out = self.rows[key], self.cell(key)
        for place in range(self.changes):
            since, then = (f"{ASSUMPTIONS}!${letter(CHANGES + 2 * place + more)}${row}" for more in (0, 1))
            out = f"IF(AND(ISNUMBER({since}),{month_end}>={since}),{then},{out})"
        return out


def day(month: str) -> dt.date:
    """The first day of a month written YYYY-MM."""
    return dt.date(int(month[:4]), int(month[5:]), 1)


def cell_name(key: str) -> str:
    """The defined name of an input.

    >>> cell_name("lag.billed_to_paid.days"), cell_name("referrals[0].monthly")
    ('lag_billed_to_paid_days', 'referrals_0_monthly')
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_")


def write_inputs(book: Workbook, plan: Assumptions) -> Inputs:
    """The four input sheets; returns where everything stands."""
    inputs = Inputs()
    dated = [
        *plan.values.values(),
        *plan.mix.values(),
        *(steps for mix in plan.mix_in.values() for steps in mix.values()),
        *plan.regions.values(),
        *(s.monthly for s in plan.sources),
        *(s.quality for s in plan.sources),
    ]
    inputs.changes = max(3, *(len([1 for month, _ in steps if month > plan.start]) for steps in dated))
    inputs.end = f"${letter(3 + plan.months)}$5"
    _write_assumptions(book.create_sheet(ASSUMPTIONS), plan, inputs)
    _write_staff(book.create_sheet(STAFF), plan, inputs)
    _write_rates(book.create_sheet(RATES), plan, inputs)
    _write_scenarios(book.create_sheet(SCENARIOS), plan, inputs)
    for key in inputs.rows:
        name = cell_name(key)
        book.defined_names[name] = DefinedName(name, attr_text=inputs.cell(key))
    return inputs


def heading(sheet: Worksheet, title: str, words: str) -> None:
    """Title and one line of explanation."""
    sheet["A1"], sheet["A2"] = title, words
    sheet["A1"].font, sheet["A2"].font = TITLE_FONT, MUTED


def head_row(sheet: Worksheet, row: int, words: Sequence[str | None]) -> None:
    """A dark row of column heads."""
    for column, word in enumerate(words, 1):
        cell = sheet.cell(row, column, word)
        cell.font, cell.fill = HEAD_FONT, HEAD_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="center")
    sheet.row_dimensions[row].height = 32


def put(sheet: Worksheet, row: int, column: int, value: Any, kind: str) -> None:
    """One input cell: its value, its look, its number format."""
    cell = sheet.cell(row, column, value)
    cell.fill, cell.font, cell.number_format, cell.alignment = (
        INPUT_FILL,
        INPUT_FONT,
        FORMATS[kind],
        Alignment(vertical="center"),
    )


LIMITS = {"above_zero": "@>0", "slow_share": "@<=0.9", "caseload": "@>0"}
"""What a few inputs may not be beyond their kind, as conditions."""
BEYOND, BESIDE = 500, 40
"""Rows below a block, and columns beside it, in which nothing may stand."""


def _write_assumptions(sheet: Worksheet, plan: Assumptions, inputs: Inputs) -> None:
    heading(
        sheet,
        "Assumptions",
        "Change the shaded cells; everything else follows. A value holds from the first month until a "
        "change beside it begins. Each value is a named cell (its key with _ for the dots).",
    )
    pairs = [word for place in range(inputs.changes) for word in (f"Change {place + 1} from", f"Value {place + 1}")]
    head_row(sheet, FIRST_ROW - 1, ["Key", "Input", "Value", "Unit", "What it means", *pairs])
    row, beside = FIRST_ROW, letter(CHANGES + 2 * inputs.changes)
    for key, title, kind, value, note in _plain(plan):
        inputs.rows[key] = row
        _label(sheet, row, key, title, kind, note)
        put(sheet, row, VALUE, value, kind)
        if key == "months":
            sheet.cell(row, VALUE).fill = PatternFill()
        _hold_plain(inputs.entries, f"C{row}", key, kind, plan.months)
        _hold_no_steps(inputs, row, key)
        row += 1
    for key, title, kind, dated, note, may_change in _dated(plan):
        inputs.rows[key] = row
        _label(sheet, row, key, title, kind, note)
        _steps(sheet, dated, kind, plan.start, inputs, key, inputs.changes if may_change else 0)
        row += 1
    inputs.entries.nothing(ASSUMPTIONS, f"A{row}:{letter(CHANGES + 2 * inputs.changes + BESIDE)}{row + BEYOND}")
    inputs.entries.nothing(ASSUMPTIONS, f"{beside}{FIRST_ROW}:{letter(CHANGES + 2 * inputs.changes + BESIDE)}{row}")
    sheet.freeze_panes = sheet.cell(FIRST_ROW, VALUE)
    for column, width in zip("ABCDE", (30, 44, 30, 15, 64), strict=True):
        sheet.column_dimensions[column].width = width
    for place in range(CHANGES, CHANGES + 2 * inputs.changes):
        sheet.column_dimensions[letter(place)].width = 13


def _label(sheet: Worksheet, row: int, key: str, title: str, kind: str, note: str) -> None:
    for column, words in ((KEY, key), (TITLE, title), (UNIT, UNITS[kind]), (NOTE, note)):
        sheet.cell(row, column, words)
    sheet.cell(row, KEY).font = MUTED
    for column in (KEY, TITLE, UNIT, NOTE):
        sheet.cell(row, column).alignment = Alignment(
            wrap_text=column == NOTE, vertical="center", indent=int(column == UNIT)
        )
    sheet.row_dimensions[row].height = 15 * (1 + len(note) // NOTE_LETTERS)


def _hold_plain(entries: Entries, cell: str, key: str, kind: str, months: int) -> None:
    """The rules of an input that has no dated changes and is not among `FIELDS`."""
    if kind == "text":
        entries.hold(ASSUMPTIONS, cell, "words", is_words(), key)
    elif kind == "date":
        entries.date(ASSUMPTIONS, cell, key)
    elif key == "months":
        entries.hold(ASSUMPTIONS, cell, "as_written", f"@={months}", key)
    else:
        entries.number(ASSUMPTIONS, cell, kind, key)
        entries.hold(ASSUMPTIONS, cell, "caseload", LIMITS["caseload"], key)


def _hold_no_steps(inputs: Inputs, row: int, key: str) -> None:
    """Nothing stands in the columns of changes beside an input that cannot change."""
    cells = f"{letter(CHANGES)}{row}:{letter(CHANGES + 2 * inputs.changes - 1)}{row}"
    inputs.entries.hold(ASSUMPTIONS, cells, "no_steps", f"COUNTA({ASSUMPTIONS}!{cells})=0", key)


def _steps(sheet: Worksheet, dated: Dated, kind: str, start: str, inputs: Inputs, key: str, changes: int) -> None:
    row, hold, limit = inputs.rows[key], inputs.entries, limit_of(key)
    put(sheet, row, VALUE, natural(at(dated, start), kind), kind)
    hold.number(ASSUMPTIONS, f"C{row}", kind, key)
    values = [f"C{row}"]
    later = [(month, value) for month, value in dated if month > start]
    before = [inputs.cell("start")]
    for place in range(changes):
        since, then = (f"{letter(CHANGES + 2 * place + more)}{row}" for more in (0, 1))
        month, value = later[place] if place < len(later) else (None, None)
        put(sheet, row, CHANGES + 2 * place, day(month) if month else None, "date")
        put(sheet, row, CHANGES + 2 * place + 1, None if value is None else natural(value, kind), kind)
        hold.date(ASSUMPTIONS, since, key, empty=is_empty(f"{ASSUMPTIONS}!{then}"))
        hold.hold(ASSUMPTIONS, since, "in_order", if_filled(f"@>EOMONTH(MAX({','.join(before)}),0)"), key)
        hold.number(ASSUMPTIONS, then, kind, key, empty=is_empty(f"{ASSUMPTIONS}!{since}"))
        before.append(f"{ASSUMPTIONS}!${since[: -len(str(row))]}${row}")
        values.append(then)
    for cell in values if limit else ():
        hold.hold(ASSUMPTIONS, cell, limit, if_filled(LIMITS[limit]), key)
    if not changes:
        _hold_no_steps(inputs, row, key)


def _plain(plan: Assumptions) -> list[tuple[str, str, str, Any, str]]:
    """Key, title, kind, value and note of the inputs that have no dated changes and are not among `FIELDS`."""
    rows: list[tuple[str, str, str, Any, str]] = [
        ("name", "Name of the plan", "text", plan.name, "Appears on the report."),
        ("start", "First month", "date", day(plan.start), "First month of the plan."),
        ("months", "Months", "months", plan.months, "Fixed when the workbook was made; another length needs rcm plan."),
    ]
    rows += [
        (
            f"acuity.caseload.{level}",
            f"Caseload, {level.replace('_', ' ')}",
            "count",
            natural(plan.caseload[level], "count"),
            "Members one full-time coordinator can carry, were all of that level.",
        )
        for level in plan.levels
    ]
    rows += [
        (f"referrals[{place}].source", f"Source {place + 1}", "text", source.name, "Who refers.")
        for place, source in enumerate(plan.sources)
    ]
    return rows


def _dated(plan: Assumptions) -> list[tuple[str, str, str, Dated, str, bool]]:
    blocks = [("acuity.mix", plan.mix, ""), *((f"acuity.mix_in.{one}", mix, one) for one, mix in plan.mix_in.items())]
    rows: list[tuple[str, str, str, Dated, str, bool]] = [
        (
            f"{key}.{level}",
            f"Share of members{f' in {region}' if region else ''}, {level.replace('_', ' ')}",
            "share",
            mix[level],
            "The shares of all levels sum to 1 in every month. "
            + ("Of the members of this region." if region else "In every region without a mix of its own."),
            True,
        )
        for key, mix, region in blocks
        for level in plan.levels
    ]
    rows += [
        (
            f"regions.{region}",
            f"Share of members, {region}",
            "share",
            shares,
            "Each region is paid its rate of the sheet Rates. The shares of all regions sum to 1 in every month.",
            True,
        )
        for region, shares in plan.regions.items()
    ]
    for place, source in enumerate(plan.sources):
        rows += [
            (
                f"referrals[{place}].monthly",
                f"Referrals a month, source {place + 1}",
                "count",
                source.monthly,
                f"From {source.name}.",
                True,
            ),
            (
                f"referrals[{place}].quality",
                f"Quality, source {place + 1}",
                "share",
                source.quality,
                "Share that is eligible and fits.",
                True,
            ),
        ]
    return rows + [(item.key, item.title, item.kind, plan.values[item.key], item.note, item.dated) for item in FIELDS]


def _write_staff(sheet: Worksheet, plan: Assumptions, inputs: Inputs) -> None:
    heading(
        sheet,
        "Staff",
        "One row per coordinator; free rows are for more. A position without a first month is not filled.",
    )
    head_row(
        sheet,
        4,
        ["Coordinator", "First month", "Last month (empty: stays)", "Full-time share", "Salary a year, US dollars"],
    )
    people = [
        (
            person.name,
            day(person.hired),
            day(person.last_month) if person.last_month else None,
            natural(person.fte, "count"),
            natural(person.salary, "money"),
        )
        for person in plan.coordinators
    ]
    inputs.staff = _block(sheet, 5, people, ("text", "date", "date", "count", "money"), SPARE_STAFF)
    top = inputs.staff[1] + 3
    sheet.cell(top - 1, 1, "Share of a full caseload in the months after hire (the last holds on)").font = STRONG
    inputs.ramp = (top, top + RAMP_SLOTS - 1)
    for place in range(RAMP_SLOTS):
        sheet.cell(top + place, 1, f"Month {place + 1}")
        put(sheet, top + place, 2, natural(plan.ramp[place], "share") if place < len(plan.ramp) else None, "share")
    top += RAMP_SLOTS + 2
    head_row(sheet, top - 1, ["Start-up cost", "Month paid", "US dollars"])
    costs = [(item.what, day(item.month), natural(item.amount, "money")) for item in plan.startup]
    inputs.startup = _block(sheet, top, costs, ("text", "date", "money"), SPARE_STARTUP)
    _hold_staff(inputs)
    _hold_startup(inputs)
    for column, width in zip("ABCDE", (38, 14, 18, 16, 18), strict=True):
        sheet.column_dimensions[column].width = width


def _hold_staff(inputs: Inputs) -> None:
    """A position is filled when it has a first month; the ramp has no gap."""
    hold, (first, last) = inputs.entries, inputs.staff
    for row in range(first, last + 1):
        hired, unfilled = f"{STAFF}!$B${row}", is_empty(f"{STAFF}!$B${row}")
        key = f"coordinators[{row - first}]"
        hold.date(STAFF, f"B{row}", f"{key}.hired", empty="TRUE")
        hold.hold(STAFF, f"C{row}", "date", f"IF({unfilled},TRUE,{if_filled(is_date())})", f"{key}.last_month")
        since = f"IF({unfilled},TRUE,{if_filled(f'@>EOMONTH({hired},-1)')})"
        hold.hold(STAFF, f"C{row}", "not_before", since, f"{key}.last_month")
        for column, kind, name in (("D", "count", "fte"), ("E", "money", "salary")):
            hold.hold(STAFF, f"{column}{row}", kind, f"IF({unfilled},TRUE,{is_number(kind)})", f"{key}.{name}")
    hold.hold(STAFF, f"B{first}:B{last}", "one_coordinator", f"COUNT({STAFF}!$B${first}:$B${last})>0", "coordinators")
    hold.nothing(STAFF, f"A{last + 1}:E{last + 1}")
    first, last = inputs.ramp
    for row in range(first, last + 1):
        empty = f"COUNTA({STAFF}!$B${row + 1}:$B${last})=0" if row < last else "TRUE"
        hold.number(STAFF, f"B{row}", "share", "staffing.ramp", empty=empty)
    hold.hold(STAFF, f"B{first}:B{last}", "ramp", f"COUNT({STAFF}!$B${first}:$B${last})>0", "staffing.ramp")
    hold.nothing(STAFF, f"A{last + 1}:C{last + 1}")


def _hold_startup(inputs: Inputs) -> None:
    """A start-up cost has all three of its cells, and is paid in a month of the plan."""
    hold, (first, last) = inputs.entries, inputs.startup
    for row in range(first, last + 1):
        key, nothing = f"costs.startup[{row - first}]", is_empty(*(f"{STAFF}!${column}{row}" for column in "ABC"))

        def one(cell: str, rule: str, holds: str, nothing: str = nothing, key: str = key) -> None:
            hold.hold(STAFF, cell, rule, f"IF({nothing},TRUE,{holds})", key)

        one(f"A{row}", "words", is_words())
        one(f"B{row}", "date", is_date())
        one(f"B{row}", "month_of_plan", f"AND(@>EOMONTH({inputs.cell('start')},-1),@<=Months!{inputs.end})")
        one(f"C{row}", "money", is_number("money"))
    hold.nothing(STAFF, f"A{last + 1}:E{last + BEYOND}")


def _block(
    sheet: Worksheet, top: int, rows: Sequence[Sequence[Any]], kinds: Sequence[str], spare: int
) -> tuple[int, int]:
    """Write input rows from `top` on, with some free rows below; returns the first row and the last."""
    for row, values in enumerate([*rows, *[[None] * len(kinds)] * spare], top):
        for column, (value, kind) in enumerate(zip(values, kinds, strict=True), 1):
            put(sheet, row, column, value, kind)
    return top, top + len(rows) + spare - 1


def _write_rates(sheet: Worksheet, plan: Assumptions, inputs: Inputs) -> None:
    heading(
        sheet,
        "Rates",
        "US dollars per member-month (assessment: per assessment), from the month in column A on, oldest first; "
        f"a rate holds until the next row. Source: {plan.rate_source}.",
    )
    places = [(region, level) for region in plan.regions for level in plan.rated]
    sheet.cell(REGION_ROW, 1, "Region").font = STRONG
    for column, (region, level) in enumerate(places, 2):
        sheet.cell(REGION_ROW, column, region).font = STRONG
        sheet.cell(REGION_ROW, column).alignment = Alignment(horizontal="right")
        inputs.rate_columns[level, region] = letter(column)
    head_row(sheet, 4, ["In force from", *(level for _, level in places)])
    for column in range(2, len(places) + 2):
        sheet.cell(4, column).alignment = Alignment(horizontal="right", vertical="center")
    stated = {place: plan.rates[place[1]][place[0]] for place in places}
    stated = {place: steps if any(cents for _, cents in steps) else () for place, steps in stated.items()}
    months = sorted({month for steps in stated.values() for month, _ in steps})
    inputs.rates = (5, 4 + len(months) + SPARE_RATES)
    for row in range(5, inputs.rates[1] + 1):
        month = months[row - 5] if row - 5 < len(months) else None
        put(sheet, row, 1, day(month) if month else None, "date")
        for column, place in enumerate(places, 2):
            known = [cents for since, cents in stated[place] if month and since <= month]
            put(sheet, row, column, natural(known[-1], "money") if known else None, "money")
    _hold_rates(inputs)
    for column in range(1, 2 + len(places)):
        sheet.column_dimensions[letter(column)].width = 16


def _hold_rates(inputs: Inputs) -> None:
    """A row has a month, rows stand in the order of their months, and a rate once stated is stated in each later row;
    the first holds in the plan's first month (an assessment's only where it is paid)."""
    hold, (first, last) = inputs.entries, inputs.rates
    ends = letter(1 + len(inputs.rate_columns))
    for row in range(first, last + 1):
        nothing = f"COUNTA({RATES}!$A{row}:${ends}{row})=0"
        hold.date(RATES, f"A{row}", "rates", empty=nothing)
        if row > first:
            earlier = f"{RATES}!$A${first}:$A${row - 1}"
            hold.hold(RATES, f"A{row}", "rates_in_order", if_filled(f"@>EOMONTH(MAX({earlier}),-1)"), "rates")
            hold.hold(RATES, f"A{row}", "rate_once", if_filled(f"OR(@<MAX({earlier}),@>EOMONTH(MAX({earlier}),0))"))
        for (level, region), column in inputs.rate_columns.items():
            above = f"COUNTA({RATES}!{column}${first}:{column}${row})=0"
            empty = f"OR({nothing},{above})"
            hold.number(RATES, f"{column}{row}", "money", f"rates ({level}, {region})", empty=empty)
    for (level, region), column in inputs.rate_columns.items():
        months, cents = (f"{RATES}!${one}${first}:${one}${last}" for one in ("A", column))
        by_then = f"SUMPRODUCT(ISNUMBER({months})*({months}<=EOMONTH({inputs.cell('start')},0))*ISNUMBER({cents}))>0"
        holds = f"OR(NOT({inputs.cell('assessment.paid')}),{by_then})" if level == ASSESSMENT else by_then
        hold.hold(RATES, f"{column}{first}:{column}{last}", "rate_in_every_month", holds, f"rates ({level}, {region})")
    hold.nothing(RATES, f"A{last + 1}:{ends}{last + BEYOND}")


def _write_scenarios(sheet: Worksheet, plan: Assumptions, inputs: Inputs) -> None:
    heading(
        sheet,
        "Scenarios",
        "What each scenario changes. An empty cell leaves things as they are. The one that is at work is "
        "chosen on the sheet Summary.",
    )
    head_row(
        sheet,
        4,
        [
            "Key",
            "Lever",
            "Unit",
            *(item.name for item in plan.scenarios),
            "At work (small units)",
            "Uncertain from",
            "Uncertain to",
            "What it does",
        ],
    )
    first, last = 4, 3 + len(plan.scenarios)
    chosen, words = last + 1, last + 4
    inputs.scenario_names, inputs.chosen = f"{SCENARIOS}!${letter(first)}$4:${letter(last)}$4", letter(chosen)
    inputs.window = (6, 7)
    names = f"{SCENARIOS}!${letter(first)}$4:${letter(last)}$4"
    for column in (letter(place) for place in range(first, last + 1)):
        inputs.entries.hold(SCENARIOS, f"{column}4", "words", 'TRIM(@)<>""', "scenarios")
        inputs.entries.hold(
            SCENARIOS, f"{column}4", "own_name", f"SUMPRODUCT(--EXACT(TRIM({names}),TRIM(@)))=1", "scenarios"
        )
    _scenario_titles(sheet, plan, chosen, inputs.entries)
    for row, lever in enumerate(LEVERS, 8):
        inputs.levers[lever.key] = row
        _lever_row(sheet, row, plan, lever, inputs.entries)
        sheet.cell(row, words, lever.note).alignment = Alignment(indent=1, wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 15 * (1 + len(lever.note) // NOTE_LETTERS)
    for row, (key, value, title) in enumerate(
        (
            ("simulation.seed", plan.seed, "Seed of the random draws: the same seed gives the same draws"),
            ("simulation.draws", plan.draws, "Random draws"),
        ),
        9 + len(LEVERS),
    ):
        _key_and_title(sheet, row, key, title)
        put(sheet, row, first, value, key.partition(".")[2])
        inputs.entries.number(SCENARIOS, f"{letter(first)}{row}", key.partition(".")[2], key)
    sheet.freeze_panes = sheet.cell(5, first)
    for column, width in ((1, 16), (2, 34), (3, 12), (words, 60), *((column, 15) for column in range(first, words))):
        sheet.column_dimensions[letter(column)].width = width


def _scenario_titles(sheet: Worksheet, plan: Assumptions, chosen: int, hold: Entries) -> None:
    """Each scenario's title and the months in which it holds."""

    def cell(item: Scenario, key: str) -> Any:
        month = {"from": item.first, "until": item.last}.get(key)
        return item.title if key == "title" else day(month) if month else None

    for row, (key, title, kind) in enumerate(
        (
            ("title", "Title", "text"),
            ("from", "Holds from (empty: the first month)", "date"),
            ("until", "Holds until (empty: the last month)", "date"),
        ),
        5,
    ):
        _key_and_title(sheet, row, key, title)
        for column, item in enumerate(plan.scenarios, 4):
            put(sheet, row, column, cell(item, key), kind)
            if kind == "date":
                hold.date(SCENARIOS, f"{letter(column)}{row}", f"scenarios.{key}", empty="TRUE")
            if key == "until":
                since = f"{SCENARIOS}!{letter(column)}${row - 1}"
                later = f"IF({is_empty(since)},TRUE,@>EOMONTH({since},-1))"
                hold.hold(SCENARIOS, f"{letter(column)}{row}", "not_before", if_filled(later), "scenarios.until")
        place = _at_work(row, chosen)
        sheet.cell(row, chosen, f'=IF({place}="","",{place})').number_format = FORMATS[kind]


def _lever_row(sheet: Worksheet, row: int, plan: Assumptions, lever: Lever, hold: Entries) -> None:
    """The row of one lever: its value in each scenario, the value of the chosen scenario, and its range of
    uncertainty."""
    chosen = 4 + len(plan.scenarios)
    _key_and_title(sheet, row, lever.key, lever.title)
    sheet.cell(row, 3, UNITS[lever.kind])
    place = _at_work(row, chosen)
    sheet.cell(row, chosen, f"={lever_units(lever, place)}")
    columns = [*range(4, chosen), chosen + 1, chosen + 2]
    values = [*(item.levers.get(lever.key) for item in plan.scenarios), *plan.uncertainty.get(lever.key, (None, None))]
    for column, value in zip(columns, values, strict=True):
        put(sheet, row, column, None if value is None else natural(value, lever.kind), lever.kind)
        other = {chosen + 1: chosen + 2, chosen + 2: chosen + 1}.get(column)
        empty = is_empty(f"{SCENARIOS}!${letter(other)}{row}") if other else "TRUE"
        hold.number(SCENARIOS, f"{letter(column)}{row}", lever.kind, lever.key, empty=empty)
        if other:
            edge = "<=" if column < other else ">="
            neutral = natural(lever.neutral, lever.kind)
            hold.hold(SCENARIOS, f"{letter(column)}{row}", "range", if_filled(f"@{edge}{neutral}"), lever.key)


def lever_units(lever: Lever, place: str, otherwise: str = "") -> str:
    """The formula for a lever's value in small units; an empty cell leaves things as they are, or `otherwise`."""
    return f'IF({place}="",{otherwise or lever.neutral},ROUND({KINDS[lever.kind].scale}*{place},0))'


def _at_work(row: int, chosen: int) -> str:
    """The formula for the chosen scenario's value in a row of the sheet Scenarios."""
    first, last = letter(4), letter(chosen - 1)
    return f"INDEX({first}{row}:{last}{row},MATCH(Scenario,${first}$4:${last}$4,0))"


def _key_and_title(sheet: Worksheet, row: int, key: str, title: str) -> None:
    sheet.cell(row, 1, key).font = MUTED
    sheet.cell(row, 2, title)
