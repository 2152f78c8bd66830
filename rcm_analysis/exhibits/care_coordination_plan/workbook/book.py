"""Write the plan as a live workbook: whoever changes an assumption in Excel or LibreOffice sees every figure follow.

    write_plan_workbook(assumptions, path)
    read_workbook(path)            # the edited inputs back as Assumptions

Sheets: Summary (scenario selector, figures, charts), Board (one page to print: scenarios side by side), Years and Plan
(dollars), the inputs (Assumptions, Staff, Rates, Scenarios), Lags, Checks, and the arithmetic (Months, Paid share,
Receipts; hidden, the plan under each scenario). Every cell of a monthly sheet is a
formula; none holds a number that Python computed.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter as letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.assumptions import BASE, Assumptions
from ....models.plan.engine import MONTH_DAYS
from ....models.plan.fields import MILLI
from ....models.plan.programme import LAGS, refuse_overload
from .board import BOARD, DOLLARS, HEADS, figures_of, write_board
from .checks import traffic_light, write_checks
from .entries import ENTRIES
from .inputs import (
    ASSUMPTIONS,
    CHECKS,
    FACE,
    INPUT_FILL,
    INPUT_FONT,
    LAG_SHEET,
    MUTED,
    PLAN,
    RATES,
    SCENARIOS,
    STAFF,
    STRONG,
    SUMMARY,
    Inputs,
    head_row,
    heading,
    write_inputs,
)
from .months import write_months
from .reading import read_scenario, read_workbook
from .rows import FIRST, INDEX_ROW, MONTH_ROW, MONTHS, RECEIPTS, SHARES, TOP, Months
from .years import YEARS, write_years

USD = "$#,##0.00;[Red]-$#,##0.00"
MONTHS_A_PAGE = 12
MADE_ON = dt.datetime(2000, 1, 1)
"""The date in the file's properties: the same assumptions give the same workbook."""

PLAN_ROWS: tuple[tuple[str, str, int], ...] = (
    ("", "Members", 0),
    ("referrals", "Referrals", MILLI),
    ("enrolled", "Enrolled", MILLI),
    ("left", "Left", MILLI),
    ("waiting", "Waiting for a place", MILLI),
    ("members", "Members", MILLI),
    ("members.*", "Members, {}", MILLI),
    ("members_in.*", "Members, {}", MILLI),
    ("capacity", "Members that can be carried", MILLI),
    ("fte", "Coordinators, full-time", MILLI),
    ("units", "Billable units", MILLI),
    ("lost", "Member-months that could not be billed", MILLI),
    ("", "Accrual result", 0),
    ("billed", "Billed", 100),
    ("billed.outreach", "… of which outreach", 100),
    ("billed.assessment", "… of which assessments", 100),
    ("denied", "Denied at first", -100),
    ("recovered", "Recovered of denied", 100),
    ("fees", "MCO and lead Health Home fees", -100),
    ("revenue", "Net revenue", 100),
    ("reserve", "Recoupment reserve", -100),
    ("salaries", "Salaries", -100),
    ("fringe", "Fringe", -100),
    ("supervision", "Supervision", -100),
    ("incentive", "Incentive", -100),
    ("overhead_on_staff", "Overhead on staff", -100),
    ("overhead_fixed", "Fixed overhead", -100),
    ("startup", "Start-up", -100),
    ("accrual", "Accrual result", 100),
    ("cumulative_accrual", "Running result", 100),
    ("", "Cash", 0),
    ("receipts", "Receipts", 100),
    ("recouped", "Recouped", -100),
    ("expense", "Paid out", -100),
    ("cash", "Net cash flow", 100),
    ("cumulative_cash", "Running cash flow", 100),
    ("balance", "Cash at hand", 100),
    ("", "Balances", 0),
    ("receivable", "Receivable", 100),
    ("reserve_balance", "Recoupment reserve", -100),
    ("ar", "Receivable less reserve", 100),
    ("written_off", "Written off in the month", 100),
)
TOTALS = {"members", "units", "revenue", "accrual", "cash", "balance", "ar"}


def write_plan_workbook(assumptions: Assumptions, path: str | Path, *, scenario: str = BASE, remark: str = "") -> Path:
    """The workbook of a plan; `scenario` is the one chosen when it opens, `remark` is printed on the board's page.

    Raises
        ParameterError where the base plan holds more members than its coordinators can carry.
    """
    refuse_overload(assumptions)
    assumptions.scenario(scenario)
    book = Workbook()
    summary = book.active
    summary.title = SUMMARY
    plan_sheet = book.create_sheet(PLAN)
    inputs = write_inputs(book, assumptions)
    book.defined_names["Scenario"] = DefinedName("Scenario", attr_text=f"{SUMMARY}!$B$4")
    months = write_months(book, assumptions, inputs)
    rows = _write_plan(plan_sheet, months)
    write_years(book.create_sheet(YEARS), months, rows, plan_sheet)
    needs = _write_lags(book.create_sheet(LAG_SHEET), months)
    write_checks(book.create_sheet(CHECKS), months, inputs)
    board, cases = write_board(book, months, rows, remark)
    _write_summary(summary, assumptions, months, inputs, needs, scenario)
    _charts(summary, plan_sheet, rows, assumptions)
    order = [
        SUMMARY,
        board,
        YEARS,
        PLAN,
        ASSUMPTIONS,
        STAFF,
        RATES,
        SCENARIOS,
        LAG_SHEET,
        CHECKS,
        ENTRIES,
        MONTHS,
        SHARES,
        RECEIPTS,
        *cases,
    ]
    book._sheets = [book[name] for name in order]
    for sheet in book:
        sheet.sheet_view.showGridLines = False
        _set_page(sheet, assumptions.months)
    for name, color in (
        (SUMMARY, "14425F"),
        (BOARD, "14425F"),
        (PLAN, "14425F"),
        (YEARS, "14425F"),
        (ASSUMPTIONS, "E0B400"),
        (STAFF, "E0B400"),
        (RATES, "E0B400"),
        (SCENARIOS, "E0B400"),
        (CHECKS, "3A7CA5"),
        (LAG_SHEET, "3A7CA5"),
    ):
        book[name].sheet_properties.tabColor = color
    book.calculation.fullCalcOnLoad = True
    book.properties.creator, book.properties.title = "rcm_analysis", assumptions.name
    book.properties.created = book.properties.modified = MADE_ON
    path = Path(path)
    book.save(path)
    return path


def _set_page(sheet: Worksheet, months: int) -> None:
    """Landscape, as wide as can be read: monthly sheets take a page for each year, with their titles on every page."""
    is_monthly = sheet.title in (PLAN, LAG_SHEET, MONTHS, SHARES, RECEIPTS)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_LETTER
    sheet.page_setup.fitToWidth = -(-months // MONTHS_A_PAGE) if is_monthly else 1
    sheet.page_setup.fitToHeight = 0 if is_monthly or sheet.title == ASSUMPTIONS else 1
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.oddFooter.left.text, sheet.oddFooter.right.text = "&A", "Page &P of &N"
    if is_monthly:
        sheet.print_title_cols, sheet.print_title_rows = "A:C", f"{MONTH_ROW}:{MONTH_ROW}"
        for column in range(FIRST + MONTHS_A_PAGE - 1, FIRST + months - 1, MONTHS_A_PAGE):
            sheet.col_breaks.append(Break(id=column))
    elif sheet.title == YEARS:
        sheet.page_setup.fitToWidth, sheet.print_title_cols = 2, "A:C"
    elif sheet.title in (ASSUMPTIONS, SCENARIOS):
        sheet.print_title_rows = "4:4"


def _write_plan(sheet: Worksheet, made: Months) -> dict[str, int]:
    """The monthly plan in dollars and members."""
    heading(
        sheet,
        "Plan by month",
        "US dollars and members; costs and deductions below zero. Formulas over the sheet Months.",
    )
    sheet["B3"], sheet["A3"] = "=Scenario", "Scenario"
    sheet.cell(MONTH_ROW, 1, "Month").font = STRONG
    for column in made.columns:
        cell = sheet[f"{column}{MONTH_ROW}"]
        cell.value, cell.number_format, cell.font = f"={MONTHS}!{column}{MONTH_ROW}", "mmm yyyy", STRONG
        cell.alignment = Alignment(horizontal="right")
        sheet.column_dimensions[column].width = 13
    rows, row = {}, TOP
    for name, title, divisor in PLAN_ROWS:
        if not name:
            row += 1
            sheet.cell(row, 1, title).font = STRONG
            row += 1
            continue
        for part in _parts(made.plan, name):
            rows[name.replace("*", part)] = row
            sheet.cell(row, 1, title.format(part.replace("_", " ")))
            _plan_row(sheet, made, row, name.replace("*", part), divisor)
            row += 1
    sheet.freeze_panes = sheet.cell(MONTH_ROW + 1, FIRST)
    sheet.column_dimensions["A"].width = 38
    sheet.column_dimensions["B"].width, sheet.column_dimensions["C"].width = 14, 3
    return rows


def _parts(plan: Assumptions, name: str) -> tuple[str, ...]:
    """The parts for which a row is repeated: a row with a star once for every level, or for every region if the plan
    has several; any other row once."""
    if not name.endswith("*"):
        return ("",)
    return plan.levels if name == "members.*" else tuple(plan.regions) if len(plan.regions) > 1 else ()


def _plan_row(sheet: Worksheet, made: Months, row: int, name: str, divisor: int) -> None:
    """One row of the sheet Plan: a row of the sheet Months divided into dollars or members. The divisor of costs and
    deductions is negative, so that they show below zero."""
    for column in made.columns:
        cell = sheet[f"{column}{row}"]
        cell.value = f"={MONTHS}!{made.at(name, column)}/{divisor}"
        cell.number_format = HEADS if divisor == MILLI else USD
        if name in TOTALS:
            cell.font = sheet.cell(row, 1).font = STRONG


def _write_lags(sheet: Worksheet, made: Months) -> dict[int, str]:
    """The sheet Lags: the running cash flow if every payment took 30, 60, ... days. Returns, for each number of days,
    the cell with the need for working capital."""
    heading(
        sheet,
        "Lags",
        "Running cash flow in US dollars were every payment to take so many days, whatever the stages say.",
    )
    head_row(sheet, 4, ["Days of lag", "Need for working capital, US dollars", "", *[None] * len(made.columns)])
    for column in made.columns:
        sheet[f"{column}4"] = f"={MONTHS}!{column}{MONTH_ROW}"
        sheet[f"{column}4"].number_format = "mmm yyyy"
        sheet.column_dimensions[column].width = 13
    late = f"{MONTHS}!${made.first}${made.rows['in.denials.recovery_months']}"
    needs = {}
    for row, days in enumerate(LAGS, 5):
        sheet.cell(row, 1, days)
        needs[days] = f"{LAG_SHEET}!$B${row}"
        sheet.cell(row, 2, f"=-MIN(0,MIN({made.first}{row}:{made.last}{row}))").number_format = USD
        for number, c in enumerate(made.columns):
            age = f"{MONTHS}!{c}${INDEX_ROW}-{days // MONTH_DAYS}"
            parts = [
                f"IF({age}{wait}<1,0,INDEX({MONTHS}!{made.line(f'collectable.{name}')},{age}{wait}))"
                for name, wait in (("first", ""), ("late", f"-{late}"))
            ]
            before = f"{made.columns[number - 1]}{row}" if number else "0"
            out = f"{MONTHS}!{c}{made.rows['recouped']}-{MONTHS}!{c}{made.rows['expense']}"
            sheet[f"{c}{row}"] = f"=ROUND(100*{before}+{parts[0]}+{parts[1]}-{out},0)/100"
            sheet[f"{c}{row}"].number_format = USD
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 14, 24
    sheet.freeze_panes = sheet.cell(5, FIRST)
    return needs


def _write_summary(
    sheet: Worksheet, plan: Assumptions, made: Months, inputs: Inputs, needs: dict[int, str], scenario: str
) -> None:
    heading(
        sheet, plan.name, "Choose a scenario; change assumptions on the shaded cells of the yellow sheets. US dollars."
    )
    sheet["A4"], sheet["B4"] = "Scenario", scenario
    sheet["A4"].font = STRONG
    sheet["B4"].fill, sheet["B4"].font = INPUT_FILL, INPUT_FONT
    choice = DataValidation(type="list", allow_blank=False, formula1=inputs.scenario_names)
    choice.error, choice.showErrorMessage = "Expected one of the scenarios of the sheet Scenarios.", True
    sheet.add_data_validation(choice)
    choice.add("B4")
    sheet["A5"], sheet["B5"] = "Checks", "=AllChecks"
    sheet["A6"] = "=FirstFault"
    sheet["A6"].font = Font(name=FACE, color="A61B1B", bold=True)
    traffic_light(sheet, "B5")
    row = 7
    for title, formula, shown in figures_of(made):
        sheet.cell(row, 1, title)
        cell = sheet.cell(row, 2, f"={formula}")
        cell.number_format, cell.alignment = shown, Alignment(horizontal="right")
        row += 1
    row += 1
    sheet.cell(row, 1, "Need for working capital").font = STRONG
    for days, cell in needs.items():
        row += 1
        sheet.cell(row, 1, f"… were every payment to take {days} days")
        sheet.cell(row, 2, f"={cell}").number_format = DOLLARS
    row += 2
    sheet.cell(
        row,
        1,
        "Peak deficit and running cash flow leave opening cash out; cash at hand holds it. Every amount is "
        "whole cents: "
        "a product is rounded once, halves away from zero.",
    ).font = MUTED
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=2)
    sheet.cell(row, 1).alignment, sheet.row_dimensions[row].height = Alignment(wrap_text=True, vertical="top"), 40
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 52, 18


def _charts(summary: Worksheet, plan: Worksheet, rows: dict[str, int], assumptions: Assumptions) -> None:
    """Running cash beside the running result; members by level; what is earned, received and spent."""
    last = FIRST + assumptions.months - 1
    months = Reference(plan, min_col=FIRST, max_col=last, min_row=MONTH_ROW)

    def series(chart: LineChart | BarChart, names: list[str]) -> None:
        for name in names:
            chart.add_data(
                Reference(plan, min_col=1, max_col=1, min_row=rows[name]), from_rows=True, titles_from_data=True
            )
            chart.series[-1].val.numRef.f = f"'{PLAN}'!${letter(FIRST)}${rows[name]}:${letter(last)}${rows[name]}"
        chart.set_categories(months)
        chart.height, chart.width = 8.5, 22
        chart.x_axis.number_format, chart.x_axis.delete, chart.y_axis.delete = "mmm yy", False, False
        chart.x_axis.tickLblPos = "low"
        chart.legend.position = "b"

    cash, members, flows = LineChart(), BarChart(), LineChart()
    cash.title, members.title, flows.title = (
        "Running cash flow and running accrual result (US dollars)",
        "Members by acuity",
        "Net revenue, receipts and net cash flow by month (US dollars)",
    )
    series(cash, ["cumulative_cash", "cumulative_accrual", "balance"])
    members.type, members.grouping, members.overlap = "col", "stacked", 100
    series(members, [f"members.{level}" for level in assumptions.levels])
    series(flows, ["revenue", "receipts", "cash"])
    cash.y_axis.number_format = flows.y_axis.number_format = "$#,##0"
    members.y_axis.number_format = "0"
    for chart, place in ((cash, "D4"), (members, "D22"), (flows, "D40")):
        for one in chart.series:
            if isinstance(chart, LineChart):
                one.smooth = False
        summary.add_chart(chart, place)


__all__ = ["read_scenario", "read_workbook", "write_plan_workbook"]
