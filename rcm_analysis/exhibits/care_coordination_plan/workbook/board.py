"""The sheet Board of the plan's workbook: one page to print, every scenario side by side, one lever at its ends.

Each scenario is worked out on a hidden sheet of its own, whatever is chosen on the sheet Summary; so is the chosen one
with the lever named here at the low and the high end of its range.
"""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter as letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.fields import LEVERS, MILLI, Lever
from .checks import traffic_light
from .inputs import FACE, INPUT_FILL, INPUT_FONT, MUTED, PLAN, SCENARIOS, STRONG, head_row, heading, lever_units
from .months import write_case
from .rows import FIRST, MONTH_ROW, Months
from .years import YEARS

BOARD, LOW, HIGH = "Board", "CaseLow", "CaseHigh"
HEADS, DOLLARS, LINE_DOLLARS = "#,##0.0", "$#,##0;[Red]-$#,##0", "$#,##0;-$#,##0"
LEVER_CELL = "B4"
"""The title of the lever whose ends stand beside the scenarios."""
SIDE_ROW = 7
SHOWN = (0, 1, 2, 3, 4, 6, 7, 8, 9)
"""Which of `figures_of` the board sees of each scenario."""
YEAR_ROWS = (
    ("revenue", "Net revenue"),
    ("reserve", "Recoupment reserve"),
    ("salaries", "Salaries"),
    ("fringe", "Fringe"),
    ("supervision", "Supervision"),
    ("incentive", "Incentive"),
    ("overhead_on_staff", "Overhead on staff"),
    ("overhead_fixed", "Fixed overhead"),
    ("startup", "Start-up"),
    ("accrual", "Accrual result"),
    ("receipts", "Receipts"),
    ("recouped", "Recouped"),
    ("expense", "Paid out"),
    ("cash", "Net cash flow"),
    ("balance", "Cash at hand, at the end"),
)
STRONG_ROWS, PLAIN = {"accrual", "cash", "balance"}, Font(name=FACE)


def write_board(book: Workbook, made: Months, rows: dict[str, int], remark: str) -> tuple[str, list[str]]:
    """The sheet Board and the hidden sheets behind it; returns their names. `rows` are those of the sheet Plan."""
    sheet = book.create_sheet(BOARD)
    heading(sheet, made.plan.name, "US dollars. Every figure follows the assumptions; choose the scenario on Summary.")
    cases = [*_scenarios(book, made), *_ends(book, made)]
    _choices(sheet)
    _side_by_side(sheet, made, cases)
    top = SIDE_ROW + len(SHOWN) + 2
    bottom = _years(sheet, made, rows, top)
    sheet.cell(bottom + 1, 1, remark or None).alignment = Alignment(wrap_text=True, vertical="top")
    if remark:
        sheet.merge_cells(start_row=bottom + 1, start_column=1, end_row=bottom + 1, end_column=1 + len(cases))
        sheet.row_dimensions[bottom + 1].height = 32
    _charts(sheet, book[PLAN], made, rows, len(cases) - 2, bottom + 3)
    sheet.column_dimensions["A"].width = 42
    for column in range(2, 2 + max(len(cases), 6)):
        sheet.column_dimensions[letter(column)].width = 18
    return BOARD, [case.sheet.title for case in cases]


def _scenarios(book: Workbook, made: Months) -> list[Months]:
    """The plan under each scenario."""
    out = []
    for number, item in enumerate(made.plan.scenarios, 1):
        column = f"{SCENARIOS}!${letter(3 + number)}$"
        since, until = (f"{column}{row}" for row in made.inputs.window)

        def value(lever: Lever, column: str = column) -> str:
            return lever_units(lever, f"{column}{made.inputs.levers[lever.key]}")

        out.append(write_case(book, made, f"Case{number}", item.title, (since, until), value))
    return out


def _ends(book: Workbook, made: Months) -> list[Months]:
    """The chosen scenario with one lever at the low and the high end of its range of uncertainty."""
    chosen = made.inputs.chosen
    since, until = (f"{SCENARIOS}!${chosen}${row}" for row in made.inputs.window)
    out = []
    for beside, (name, words) in enumerate(((LOW, "low"), (HIGH, "high")), len(made.plan.scenarios) + 5):
        column = letter(beside)

        def value(lever: Lever, column: str = column) -> str:
            row = made.inputs.levers[lever.key]
            held = f"{SCENARIOS}!${chosen}${row}"
            moved = lever_units(lever, f"{SCENARIOS}!${column}${row}", held)
            return f'IF({BOARD}!${LEVER_CELL[0]}${LEVER_CELL[1:]}="{lever.title}",{moved},{held})'

        out.append(write_case(book, made, name, f"One lever at its {words} end", (since, until), value))
    return out


def _choices(sheet: Worksheet) -> None:
    sheet["A3"], sheet["B3"] = "Scenario chosen on Summary", "=Scenario"
    sheet["A4"], sheet[LEVER_CELL] = "Lever at both ends of its range, right", "Payment lag"
    sheet[LEVER_CELL].fill, sheet[LEVER_CELL].font = INPUT_FILL, INPUT_FONT
    sheet["A5"], sheet["B5"], sheet["C5"] = "Checks", "=AllChecks", "=FirstFault"
    traffic_light(sheet, "B5")
    rule = DataValidation(type="list", allow_blank=False, formula1=f'"{",".join(lever.title for lever in LEVERS)}"')
    rule.error, rule.showErrorMessage = "Expected one of the levers of the sheet Scenarios.", True
    sheet.add_data_validation(rule)
    rule.add(LEVER_CELL)


def _side_by_side(sheet: Worksheet, made: Months, cases: list[Months]) -> None:
    """A column for each scenario, then the chosen one with the lever at its ends."""
    count = len(made.plan.scenarios)
    head_row(sheet, SIDE_ROW - 1, ["Side by side", *[None] * len(cases)])
    sheet.row_dimensions[SIDE_ROW - 1].height = 46
    for number, case in enumerate(cases, 1):
        column = letter(1 + number)
        title = f"{SCENARIOS}!{letter(3 + number)}5"
        name = f"{SCENARIOS}!{letter(3 + number)}4"
        end = "low" if case.sheet.title == LOW else "high"
        heads = f'=IF({title}="",{name},{title})' if number <= count else f'="Chosen; "&{LEVER_CELL}&" {end}"'
        sheet[f"{column}{SIDE_ROW - 1}"] = heads
        sheet[f"{column}{SIDE_ROW - 1}"].alignment = Alignment(horizontal="right", vertical="center", wrap_text=True)
        for row, place in enumerate(SHOWN, SIDE_ROW):
            words, formula, shown = figures_of(case)[place]
            sheet.cell(row, 1, words)
            cell = sheet[f"{column}{row}"]
            cell.value, cell.number_format = f"={formula}", shown
            cell.alignment = Alignment(horizontal="right", shrink_to_fit=True)
    for cell in sheet[SIDE_ROW]:
        cell.font = STRONG


def _years(sheet: Worksheet, made: Months, rows: dict[str, int], top: int) -> int:
    """The chosen scenario in all and by calendar year: the lines of each block add up to its last. Returns the last
    row."""
    years = len(made.columns) // 12 + 2
    first = FIRST + len(made.columns) // 3 + 2
    head_row(sheet, top, ["Scenario chosen", *[None] * (years + 1)])
    for number in range(years + 1):
        source, column = letter(first + number), letter(2 if number == years else 3 + number)
        head = sheet[f"{column}{top}"]
        used = f"{YEARS}!{source}{rows['cash']}"
        head.value = (
            f"={YEARS}!{source}{MONTH_ROW}" if number == years else f'=IF({used}="","",{YEARS}!{source}{MONTH_ROW})'
        )
        head.number_format, head.alignment = "yyyy", Alignment(horizontal="right", vertical="center")
        for row, (name, _) in enumerate(YEAR_ROWS, top + 1):
            cell = sheet[f"{column}{row}"]
            cell.value = f"={YEARS}!{source}{rows[name]}"
            cell.number_format = DOLLARS if name in STRONG_ROWS else LINE_DOLLARS
            cell.font = STRONG if name in STRONG_ROWS else PLAIN
    for row, (name, words) in enumerate(YEAR_ROWS, top + 1):
        sheet.cell(row, 1, words)
        sheet.cell(row, 1).font = STRONG if name in STRONG_ROWS else PLAIN
    note = "Cash at hand holds the opening cash; what flows is added up."
    sheet.cell(top + len(YEAR_ROWS) + 1, 1, note).font = MUTED
    return top + len(YEAR_ROWS) + 1


def _charts(sheet: Worksheet, plan: Worksheet, made: Months, rows: dict[str, int], count: int, top: int) -> None:
    """Cash of the chosen scenario month by month, and the peak deficit of every scenario."""
    last = FIRST + len(made.columns) - 1
    cash, peaks = LineChart(), BarChart()
    cash.title, peaks.title = "Running cash flow and cash at hand, scenario chosen", "Peak deficit by scenario"
    for name in ("cumulative_cash", "balance"):
        cash.add_data(Reference(plan, min_col=1, max_col=1, min_row=rows[name]), from_rows=True, titles_from_data=True)
        cash.series[-1].val.numRef.f = f"'{PLAN}'!${letter(FIRST)}${rows[name]}:${letter(last)}${rows[name]}"
        cash.series[-1].smooth = False
    cash.set_categories(Reference(plan, min_col=FIRST, max_col=last, min_row=MONTH_ROW))
    cash.x_axis.number_format, cash.x_axis.tickLblSkip = "mmm yy", 6
    peaks.type = "bar"
    peaks.add_data(Reference(sheet, min_col=2, max_col=1 + count, min_row=SIDE_ROW), from_rows=True)
    peaks.set_categories(Reference(sheet, min_col=2, max_col=1 + count, min_row=SIDE_ROW - 1))
    peaks.legend, cash.legend.position, peaks.x_axis.scaling.orientation = None, "b", "maxMin"
    for chart, place, width in ((cash, f"A{top}", 19), (peaks, f"F{top}", 15)):
        chart.height, chart.width = 8, width
        chart.y_axis.number_format, chart.x_axis.delete, chart.y_axis.delete = "$#,##0", False, False
        chart.x_axis.tickLblPos = "low"
        sheet.add_chart(chart, place)


def figures_of(made: Months) -> list[tuple[str, str, str]]:
    """The figures of `models.plan.programme.Summary`, each with its title, its formula and its number format."""
    sheet = made.sheet.title

    def line(name: str) -> str:
        return f"{sheet}!{made.line(name)}"

    calendar = f"{sheet}!${made.first}${MONTH_ROW}:${made.last}${MONTH_ROW}"
    running, balance, end = line("cumulative_cash"), line("balance"), made.last

    def cell(name: str) -> str:
        return f"{sheet}!{end}{made.rows[name]}"

    lowest = f"INDEX({calendar},MATCH(MIN({balance}),{balance},0))"
    return [
        ("Peak deficit", f"MIN(0,MIN({running}))/100", DOLLARS),
        ("… in", f'IF(MIN({running})<0,INDEX({calendar},MATCH(MIN({running}),{running},0)),"none")', "mmm yyyy"),
        (
            "Paid back in",
            f"IF(MIN({running})>=0,{sheet}!{made.first}{MONTH_ROW},IFERROR(INDEX({calendar},"
            f'MATCH(1,{line("back_above_zero")},0)),"not within the plan"))',
            "mmm yyyy",
        ),
        ("Lowest cash at hand", f"MIN({balance})/100", DOLLARS),
        ("… in", lowest, "mmm yyyy"),
        ("Deepest running accrual result", f"MIN(0,MIN({line('cumulative_accrual')}))/100", DOLLARS),
        ("Running cash flow at the end", f"{cell('cumulative_cash')}/100", DOLLARS),
        ("Accrual result of the last month", f"{cell('accrual')}/100", DOLLARS),
        ("Members at the end", f"{cell('members')}/{MILLI}", HEADS),
        ("Members that pay for one coordinator, last month", cell("break_even"), HEADS),
        (
            "Cost of a full-time coordinator, last month",
            f'IF(ISNUMBER({cell("cost_per_position")}),{cell("cost_per_position")}/100,"")',
            "$#,##0.00",
        ),
        ("Net revenue of a member-month, last month", f"{cell('net_per_member')}/100", "$#,##0.00"),
    ]
