"""Every rule that the reader keeps, as a condition on the cells of the workbook: checked as typed, and on a sheet.

A writer of inputs says which rule of `models.plan.rules` a cell keeps, and the condition under which it does; in a
condition, @ stands for the cell itself. From the same line come the validation that refuses a wrong entry where it is
typed, the row of the sheet Entries that is 1 where it was pasted all the same, and the line of the sheet Checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.rules import FILE_ONLY, KINDS, RULES

ENTRIES = "Entries"
ENTRY_ROW = 5
PLACE, KEY_OF, WORDS, RULE, FAULT = 1, 2, 3, 4, 5
FILLED = 'TRIM(@)=""'
FIRST_DAY, AFTER_LAST_DAY = 36526, 73051
"""2000-01-01 and 2100-01-01, as a workbook counts days."""
MOST_WORDS = 225
"""Letters of a validation's message that every program shows."""


def is_number(kind: str) -> str:
    """The condition that a cell holds a number of this kind.

    >>> is_number("share")
    'AND(ISNUMBER(@),NOT(ISLOGICAL(@)),@>=0,@<=1,ROUND(@,4)=@)'
    """
    if kind == "flag":
        return "ISLOGICAL(@)"
    rule = KINDS[kind]
    low, high = (f"{edge / rule.scale:.0f}" for edge in (rule.low, rule.high))
    return f"AND(ISNUMBER(@),NOT(ISLOGICAL(@)),@>={low},@<={high},ROUND(@,{rule.decimals})=@)"


def is_date() -> str:
    """The condition that a cell holds a date, not text that looks like one."""
    return f"AND(ISNUMBER(@),NOT(ISLOGICAL(@)),@>={FIRST_DAY},@<{AFTER_LAST_DAY})"


def is_words() -> str:
    """The condition that a cell holds a text."""
    return 'AND(ISTEXT(@),TRIM(@)<>"")'


def if_filled(condition: str, empty: str = "TRUE") -> str:
    """The condition of a cell that may be left out: `empty` must hold then."""
    return f"IF({FILLED},{empty},{condition})"


def is_empty(*cells: str) -> str:
    """The condition that all of these cells are empty.

    >>> is_empty("A5", "B5")
    'TRIM(A5&B5)=""'
    """
    return f'TRIM({"&".join(cells)})=""'


@dataclass(frozen=True)
class Entry:
    """One rule on one cell, or on several that must agree: `cells` in their sheet, and the condition that it holds."""

    sheet: str
    cells: str
    rule: str
    holds: str
    key: str

    @property
    def is_alone(self) -> bool:
        """Whether the rule can be judged on one cell as it is typed."""
        return ":" not in self.cells

    @property
    def words(self) -> str:
        return RULES[self.rule].format(first="its first month", last="its last", beside="the month it begins")


@dataclass
class Entries:
    """The rules of a workbook, in the order in which its inputs are written."""

    rows: list[Entry] = field(default_factory=list)

    def hold(self, sheet: str, cells: str, rule: str, holds: str, key: str = "") -> None:
        """One rule on one cell, or on several."""
        self.rows.append(Entry(sheet, cells, rule, holds, key))

    def number(self, sheet: str, cell: str, kind: str, key: str = "", *, empty: str | None = None) -> None:
        """A number of a kind; where it may be left out, `empty` must hold then."""
        condition = is_number(kind)
        self.hold(sheet, cell, kind, condition if empty is None else if_filled(condition, empty), key)

    def date(self, sheet: str, cell: str, key: str = "", *, empty: str | None = None) -> None:
        """A date; where it may be left out, `empty` must hold then."""
        self.hold(sheet, cell, "date", is_date() if empty is None else if_filled(is_date(), empty), key)

    def nothing(self, sheet: str, cells: str) -> None:
        """Cells below or beside the shaded ones, which no formula reads."""
        self.hold(sheet, cells, "outside", f"COUNTA({sheet}!{cells})=0")

    @property
    def by_rule(self) -> dict[str, list[Entry]]:
        """The entries of each rule, rules in the order of their table."""
        found = {rule: [row for row in self.rows if row.rule == rule] for rule in RULES if rule not in FILE_ONLY}
        return {rule: rows for rule, rows in found.items() if rows}


def write_validations(book: Workbook, entries: Entries) -> None:
    """One validation for each cell, from every rule it keeps; rules of several cells are said when one is entered."""
    alone: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries.rows:
        if entry.is_alone and entry.rule != "scenario":
            alone.setdefault((entry.sheet, entry.cells), []).append(entry)
    together = {
        (entry.sheet, cell.coordinate): entry
        for entry in entries.rows
        if not entry.is_alone and entry.sheet in book.sheetnames and entry.rule != "outside"
        for line in book[entry.sheet][entry.cells]
        for cell in line
    }
    made: dict[tuple[str, ...], DataValidation] = {}
    for (sheet, cell), rules in alone.items():
        rule = _validation(cell, rules, together.get((sheet, cell)))
        key = (sheet, rule.formula1, rule.error, rule.prompt or "")
        if key not in made:
            made[key] = rule
            book[sheet].add_data_validation(rule)
        made[key].add(cell)


def _validation(cell: str, rules: Sequence[Entry], together: Entry | None) -> DataValidation:
    holds = [entry.holds.replace("@", cell).replace(f"{entry.sheet}!", "") for entry in rules]
    if rules[0].rule == "flag":
        rule = DataValidation(type="list", formula1='"TRUE,FALSE"', allow_blank=False)
    else:
        formula = holds[0] if len(holds) == 1 else f"AND({','.join(holds)})"
        rule = DataValidation(type="custom", formula1=formula, allow_blank=False)
    rule.error = f"Expected {'; '.join(entry.words for entry in rules)}."[:MOST_WORDS]
    rule.errorTitle, rule.showErrorMessage = "Not a possible value", True
    if together:
        rule.promptTitle, rule.prompt, rule.showInputMessage = together.cells, f"Expected {together.words}.", True
    return rule


def write_entries(book: Workbook, entries: Entries) -> dict[str, tuple[int, int]]:
    """The sheet Entries: a row for every rule of every cell, 1 where it is broken. Returns the rows of each rule."""
    sheet: Worksheet = book.create_sheet(ENTRIES)
    where: dict[str, tuple[int, int]] = {}
    row = ENTRY_ROW
    for rule, rows in entries.by_rule.items():
        where[rule] = row, row + len(rows) - 1
        for entry in rows:
            first = entry.cells.partition(":")[0]
            place = f"{entry.sheet}!{first}"
            for column, text in (
                (PLACE, f"{entry.sheet}!{entry.cells}"),
                (KEY_OF, entry.key),
                (WORDS, entry.words),
                (RULE, rule),
                (FAULT, f"=IFERROR(IF({entry.holds.replace('@', place)},0,1),1)"),
            ):
                sheet.cell(row, column, text)
            row += 1
    for column, width in zip("ABCDE", (26, 38, 80, 20, 10), strict=True):
        sheet.column_dimensions[column].width = width
    return where
