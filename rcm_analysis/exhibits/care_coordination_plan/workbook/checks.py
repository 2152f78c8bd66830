"""The sheet Checks: the proofs of the arithmetic, and every rule of the inputs with the first cell that breaks it."""

from __future__ import annotations

from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.engine import EXACT, LAG_PARTS
from ....models.plan.fields import FAILURES
from ....models.plan.rules import SHARE
from .entries import ENTRIES, PLACE, WORDS, Entries, write_entries, write_validations
from .inputs import ASSUMPTIONS, CHECKS, STAFF, STRONG, SUMMARY, Inputs, head_row, heading
from .rows import MONTHS, Months

GOOD, BAD = PatternFill("solid", bgColor="D5EBD8"), PatternFill("solid", bgColor="F6D5D0")
PROOFS = (
    ("proof.receivable", "The receivable rolled forward is what is open by month of service"),
    ("proof.ar", "Receivable = accrual to date - cash to date - write-offs"),
    ("proof.members", "Members by acuity sum to the members"),
    ("proof.capacity", "No more members than the coordinators can carry"),
    ("proof.rates", "Every level has a rate above 0 in every month"),
    ("proof.ways", "The ways through the stages of payment hold every dollar"),
    ("proof.lag", "No lag is negative"),
)


def write_checks(sheet: Worksheet, made: Months, inputs: Inputs) -> None:
    """The sheets Checks and Entries, and the validation of every input cell."""
    heading(
        sheet,
        "Checks",
        "The proofs must hold in every month, the rules in every cell. LOOK means that an input needs a second look; "
        "rcm plan --from refuses what breaks a rule.",
    )
    head_row(sheet, 4, ["Check", "Result", "Months or cells at fault", "First cell"])
    _hold_together(made, inputs)
    where = write_entries(sheet.parent, inputs.entries)
    _entries_heads(sheet.parent[ENTRIES])
    write_validations(sheet.parent, inputs.entries)
    rows = [(title, f"SUMPRODUCT(--({MONTHS}!{made.line(name)}<>0))", "") for name, title in PROOFS]
    for rule, (first, last) in where.items():
        faults = f"{ENTRIES}!$E${first}:$E${last}"
        title = inputs.entries.by_rule[rule][0].words
        found = f'IF(SUM({faults})=0,"",INDEX({ENTRIES}!$A${first}:$A${last},MATCH(1,{faults},0)))'
        rows.append((f"Expected {title}", f"SUM({faults})", found))
    for row, (title, formula, found) in enumerate(rows, 5):
        sheet.cell(row, 1, title)
        sheet.cell(row, 3, f"={formula}")
        sheet.cell(row, 2, f'=IF(ISERROR(C{row}),"LOOK",IF(C{row}=0,"OK","LOOK"))')
        if found:
            sheet.cell(row, 4, f"={found}")
    end = 4 + len(rows)
    sheet.cell(end + 2, 1, "All checks").font = STRONG
    sheet.cell(end + 2, 2, f'=IF(COUNTIF(B5:B{end},"OK")={len(rows)},"OK","LOOK")').font = STRONG
    traffic_light(sheet, f"B5:B{end + 2}")
    names = sheet.parent.defined_names
    names["AllChecks"] = DefinedName("AllChecks", attr_text=f"{CHECKS}!$B${end + 2}")
    names["FirstFault"] = DefinedName("FirstFault", attr_text=f"{CHECKS}!$B${end + 3}")
    sheet.cell(end + 3, 1, "First of them").font = STRONG
    sheet.cell(end + 3, 2, f"={_first_fault(where, end)}")
    for column, width in zip("ABCD", (96, 12, 24, 26), strict=True):
        sheet.column_dimensions[column].width = width


def _first_fault(where: dict[str, tuple[int, int]], end: int) -> str:
    """The first cell at fault with what was expected there, and how many more; else the first proof that fails."""
    first, last = min(row for row, _ in where.values()), max(row for _, row in where.values())
    faults = f"{ENTRIES}!$E${first}:$E${last}"

    def told(column: int) -> str:
        letter = "ABCDE"[column - 1]
        return f"INDEX({ENTRIES}!${letter}${first}:${letter}${last},MATCH(1,{faults},0))"

    more = f'IF(SUM({faults})>1," ("&SUM({faults})-1&" more on the sheet {CHECKS})","")'
    return (
        f'IF(SUM({faults})>0,{told(PLACE)}&": expected "&{told(WORDS)}&{more},'
        f'IF(COUNTIF(B5:B{end},"LOOK")>0,INDEX(A5:A{end},MATCH("LOOK",B5:B{end},0)),""))'
    )


def _hold_together(made: Months, inputs: Inputs) -> None:
    """The rules of cells that must agree, judged on the monthly rows."""
    hold: Entries = inputs.entries

    def zero(name: str) -> str:
        return f"SUMPRODUCT(--({MONTHS}!{made.line(name)}<>0))=0"

    def cells(*keys: str) -> str:
        return f"C{inputs.rows[keys[0]]}:C{inputs.rows[keys[-1]]}"

    for block in ("mix", *(f"mix_in.{region}" for region in made.plan.mix_in)):
        mix = cells(*(f"acuity.{block}.{level}" for level in made.plan.levels))
        hold.hold(ASSUMPTIONS, mix, "sum_of_mix", zero(f"proof.{block}"), f"acuity.{block}")
    regions = cells(*(f"regions.{region}" for region in made.plan.regions))
    hold.hold(ASSUMPTIONS, regions, "sum_of_regions", zero("proof.regions"), "regions")
    hold.hold(ASSUMPTIONS, cells(*FAILURES), "fails", zero("proof.fails"), "billable")
    first, last = inputs.staff
    hold.hold(STAFF, f"A{first}:E{last}", "capacity", zero("proof.transferred"), "coordinators")
    hold.hold(ASSUMPTIONS, cells(*inputs.rows), "exact", _kept_to_the_cent(made), "")
    hold.hold(SUMMARY, "B4", "scenario", f"ISNUMBER(MATCH(@,{inputs.scenario_names},0))", "Scenario")


def _kept_to_the_cent(made: Months) -> str:
    """No product of the plan passes what a number keeps exactly: the largest are pay, billing and receipts."""

    def most(*names: str) -> str:
        return f"SUMPRODUCT(MAX({'*'.join(f'{MONTHS}!{made.line(name)}' for name in names)}))"

    pairs = [(f"units.{part}", f"rate.{part}") for level in made.plan.rated for part in _places(made, level)]
    products = [most(*pair) for pair in pairs]
    products += [f"{LAG_PARTS}*{most(f'collectable.{name}')}" for name in ("first", "late")]
    products += [f"{SHARE}*{most(name)}" for name in ("billed", "revenue", "salaries", "supervision_pay")]
    products += [most("in.staffing.supervisor_salary", "salary_index")]
    first, last = made.inputs.staff
    pay = f"MAX({STAFF}!$E${first}:$E${last})"
    products += [f"100*{pay}*{most('salary_index')}", f"100*{pay}*{most('salary_index', 'fte')}/{SHARE}"]
    return f"MAX({','.join(products)})<{EXACT}"


def _places(made: Months, level: str) -> list[str]:
    return [f"{level}.{region}" for region in made.plan.regions]


def _entries_heads(sheet: Worksheet) -> None:
    heading(sheet, "Entries", "Every rule of every shaded cell. Formulas only: 1 where the rule is broken.")
    head_row(sheet, 4, ["Cell", "Key", "Expected", "Rule", "At fault"])
    sheet.freeze_panes = "A5"


def traffic_light(sheet: Worksheet, where: str) -> None:
    """Green where a cell says OK, red where it says LOOK."""
    sheet.conditional_formatting.add(where, CellIsRule(operator="equal", formula=['"OK"'], fill=GOOD))
    sheet.conditional_formatting.add(where, CellIsRule(operator="equal", formula=['"LOOK"'], fill=BAD))
