"""The sheet Years of the plan's workbook: the rows of the sheet Plan by calendar quarter, by year, and in all."""

from __future__ import annotations

from copy import copy

from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter as letter
from openpyxl.worksheet.worksheet import Worksheet

from .inputs import PLAN, STRONG, heading
from .rows import FIRST, MONTH_ROW, Months

YEARS = "Years"
STANDS = ("waiting", "members", "capacity", "fte", "cumulative_", "balance", "receivable", "reserve_balance", "ar")
"""Rows that stand at the end of a month, by how their names begin; what flows is added up."""


def write_years(sheet: Worksheet, made: Months, rows: dict[str, int], plan: Worksheet) -> None:
    """Quarters, years and the total, so that each row adds up; what stands is that of the last month."""
    heading(
        sheet,
        "Plan by quarter and year",
        "US dollars and members; calendar quarters and years. Members, balances and running amounts: at the end.",
    )
    first, last = made.columns[0], made.columns[-1]
    calendar = f"{PLAN}!${first}${MONTH_ROW}:${last}${MONTH_ROW}"
    quarters, years = len(made.columns) // 3 + 2, len(made.columns) // 12 + 2
    spans = [3] * quarters + [12] * years
    _heads(sheet, spans, quarters, f"{PLAN}!${first}${MONTH_ROW}")
    total = letter(FIRST + len(spans))
    sheet[f"{total}{MONTH_ROW}"], sheet[f"{total}{MONTH_ROW}"].font = "In all", STRONG
    for row in range(MONTH_ROW + 1, plan.max_row + 1):
        title = sheet.cell(row, 1, plan.cell(row, 1).value)
        title.font = copy(plan.cell(row, 1).font)
    for name, row in rows.items():
        stands = name.startswith(STANDS)
        line = f"{PLAN}!${first}{row}:${last}{row}"
        for place, months in enumerate(spans):
            begin = f"{letter(FIRST + place)}${MONTH_ROW}"
            within = f'{calendar},">="&{begin},{calendar},"<"&EDATE({begin},{months})'
            found = (
                f"INDEX({line},MATCH(EDATE({begin},{months})-1,{calendar},1))" if stands else f"SUMIFS({line},{within})"
            )
            sheet[f"{letter(FIRST + place)}{row}"] = f'=IF(COUNTIFS({within})=0,"",{found})'
        sheet[f"{total}{row}"] = f"={PLAN}!{last}{row}" if stands else f"=SUM({line})"
        for column in range(FIRST, FIRST + len(spans) + 1):
            sheet.cell(row, column).number_format = plan[f"{first}{row}"].number_format
    sheet.freeze_panes = sheet.cell(MONTH_ROW + 1, FIRST)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 38, 3
    sheet.column_dimensions["C"].width = 3
    for column in range(FIRST, FIRST + len(spans) + 1):
        sheet.column_dimensions[letter(column)].width = 15


def _heads(sheet: Worksheet, spans: list[int], quarters: int, start: str) -> None:
    """The first day of every quarter and year, from the one that holds the plan's first month on."""
    sheet.cell(MONTH_ROW, 1, "Quarter from, then year from").font = STRONG
    for place, months in enumerate(spans):
        cell = sheet.cell(MONTH_ROW, FIRST + place)
        begin = f"DATE(YEAR({start}),3*INT((MONTH({start})-1)/3)+1,1)" if months == 3 else f"DATE(YEAR({start}),1,1)"
        is_first = place in (0, quarters)
        cell.value = f"={begin}" if is_first else f"=EDATE({letter(FIRST + place - 1)}{MONTH_ROW},{months})"
        cell.number_format, cell.font = "mmm yyyy" if months == 3 else "yyyy", STRONG
        cell.alignment = Alignment(horizontal="right")
