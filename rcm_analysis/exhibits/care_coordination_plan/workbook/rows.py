"""How a monthly sheet of the plan's workbook is written: one row for each name, with the same formula in every month.

Every cell holds whole small units (cents, thousandths of a member, ten-thousandths of a share), so that Excel,
LibreOffice and Python agree to the cent. `whole`, `Months.split` and `Months.later` say as formulas what
`models.plan.engine` says as arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from openpyxl.utils import get_column_letter as letter
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.assumptions import Assumptions
from ....models.plan.engine import LAG_PARTS, MONTH_DAYS, WAYS
from ....models.plan.fields import SHARE
from .inputs import MUTED, STRONG, Inputs

MONTHS, SHARES, RECEIPTS = "Months", "Paid share", "Receipts"
FIRST = 4
"""Column of the first month, on every monthly sheet."""
INDEX_ROW, MONTH_ROW, END_ROW, TOP = 3, 4, 5, 6

MEMBERS, PARTS, CENTS = "1/1000", "1/10000", "cents"
"""Units, as the third column of the sheet says them: of members, staff and contacts; of shares; of money."""

Formula = Callable[..., str]
"""Takes the column of a month and the column before it ("" in the first month); gives the formula without its equals
sign."""


def whole(product: str, divisor: str | int) -> str:
    """The one rounding rule, as a formula.

    >>> whole("D8*D9", 10_000)
    'ROUND((D8*D9)/10000,0)'
    """
    return f"ROUND(({product})/{divisor},0)"


class Months:
    """The sheet Months while it is being written: a row per name, referred to by name. A sheet of another case has a
    `base`, whose rows stand for those that do not differ."""

    def __init__(self, sheet: Worksheet, plan: Assumptions, inputs: Inputs, base: Months | None = None) -> None:
        self.sheet, self.plan, self.inputs, self.base = sheet, plan, inputs, base
        self.row = TOP
        self.rows: dict[str, int] = {}
        self.columns = [letter(FIRST + number) for number in range(plan.months)]
        self.first, self.last = self.columns[0], self.columns[-1]

    # ------------------------------------------------------------ writing
    def section(self, title: str) -> None:
        """A heading between groups of rows."""
        self.sheet.cell(self.row, 2, title).font = STRONG
        self.row += 1

    def expect(self, *names: str) -> None:
        """Reserve the places of the next rows before they are written, so that their formulas can refer to one
        another's value of the month before."""
        self.rows.update({name: self.row + place for place, name in enumerate(names)})

    def add(self, name: str, formula: Formula, title: str, unit: str) -> None:
        """One row: the same formula in every month."""
        self.rows[name] = self.row
        self.sheet.cell(self.row, 1, name).font = MUTED
        self.sheet.cell(self.row, 2, title)
        self.sheet.cell(self.row, 3, unit).font = MUTED
        for number, column in enumerate(self.columns):
            before = self.columns[number - 1] if number else ""
            cell = self.sheet.cell(self.row, FIRST + number, f"={formula(column, before)}")
            cell.number_format = "#,##0"
        self.row += 1

    def product(self, name: str, one: str, other: str, title: str, unit: str, *, divisor: int = SHARE) -> None:
        """A row that is one row times another, divided once and rounded."""
        self.add(name, lambda c, _: whole(f"{self.at(one, c)}*{self.at(other, c)}", divisor), title, unit)

    def total(self, name: str, parts: Iterable[str], title: str, unit: str) -> None:
        """A row that sums others."""
        self.add(name, lambda c, _: self.sum(parts, c), title, unit)

    def split(
        self,
        name: str,
        parts: Iterable[str],
        running: Callable[[str, str], str],
        title: str,
        *,
        divisor: Formula | int = SHARE,
        called: Callable[[str], str] | None = None,
    ) -> None:
        """Split a row of members or units into parts. Running totals are rounded, not the parts, so that the parts
        still sum to the whole. `called` gives the name of a part's row; else it is that of the row with the part.

        `running` takes a part and a month's column and gives the share of all parts up to it, out of `divisor`.
        """
        before = ""
        for part in parts:
            upto = f"{name}_to.{part}"
            self.add(
                upto,
                lambda c, b, part=part: whole(
                    f"{self.at(name, c)}*{running(part, c)}", divisor(c, b) if callable(divisor) else divisor
                ),
                f"{title}, up to {_words(part)}",
                MEMBERS,
            )
            self.add(
                called(part) if called else f"{name}.{part}",
                lambda c, _, upto=upto, before=before: self.at(upto, c) + (f"-{self.at(before, c)}" if before else ""),
                f"{title}, {_words(part)}",
                MEMBERS,
            )
            before = upto

    def split_by_region(self, name: str, title: str, *, called: Callable[[str], str] | None = None) -> None:
        """Split a row of members or units into one row per region."""
        self.split(name, self.plan.regions, lambda one, c: self.at(f"region_to.{one}", c), title, called=called)

    # ------------------------------------------------------------ referring
    def _row(self, name: str) -> tuple[str, int]:
        """The row of a name, and its sheet where that is another."""
        if self.base is not None and name not in self.rows:
            return f"{self.base.sheet.title}!", self.base.rows[name]
        return "", self.rows[name]

    def at(self, name: str, column: str) -> str:
        """The cell of a row in a month."""
        sheet, row = self._row(name)
        return f"{sheet}{column}{row}"

    def sum(self, names: Iterable[str], column: str) -> str:
        """The cells of several rows in a month, added up."""
        return "+".join(self.at(name, column) for name in names)

    def line(self, name: str) -> str:
        """The whole row of months."""
        sheet, row = self._row(name)
        return f"{sheet}${self.first}{row}:${self.last}{row}"

    def fixed(self, name: str) -> str:
        """The cell of a row in the first month: an input that does not change."""
        sheet, row = self._row(name)
        return f"{sheet}${self.first}${row}"

    @property
    def calendar(self) -> str:
        """The numbers of the months, 1 for the first."""
        return f"${self.first}${INDEX_ROW}:${self.last}${INDEX_ROW}"

    def before(self, name: str, column: str, otherwise: str = "0") -> str:
        """The same row one month earlier; `otherwise` in the first month. The row may be yet to come (`expect`)."""
        return self.at(name, column) if column else otherwise

    def later(self, name: str, key: str) -> Formula:
        """The row, as many months later as the input `key` says."""
        wait = self.fixed(f"in.{key}")
        return lambda c, _: f"IF({c}${INDEX_ROW}-{wait}<1,0,INDEX({self.line(name)},{c}${INDEX_ROW}-{wait}))"

    def arrived(self, column: str) -> str:
        """The formula for what has been paid by the end of a month for all months of service: it adds up a row of the
        sheet Receipts; another case works it out in one cell."""
        if self.base is None:
            row = TOP + self.columns.index(column)
            return f"SUM({RECEIPTS}!${self.first}{row}:{column}{row})"
        days, share = (f"${self.first}${row}:${self.last}${row + len(WAYS) - 1}" for row in self._way_rows)
        wait = self.fixed("in.denials.recovery_months")

        def part(collectable: str, later: str) -> str:
            left = f"({MONTH_DAYS}*({column}${INDEX_ROW}{later}-{self.calendar}+1)-{days})"
            part = f"{share}*(({left}>0)*({left}<{MONTH_DAYS})*{left}+({left}>={MONTH_DAYS})*{MONTH_DAYS})"
            one = f"{{{','.join('1' for _ in WAYS)}}}"
            return f"SUMPRODUCT(ROUND({self.line(collectable)}*MMULT({one},{part})/{LAG_PARTS},0))"

        return f"{part('collectable.first', '')}+{part('collectable.late', f'-{wait}')}"

    @property
    def _way_rows(self) -> tuple[int, int]:
        return self.rows["way_days.0"], self.rows["way_share.0"]

    def by_way(self, name: str, column: str) -> str:
        """The rows `name`.0 to `name`.7 of the eight ways of payment, in one month."""
        first = self.rows[f"{name}.0"]
        return f"{column}${first}:{column}${first + len(WAYS) - 1}"


def _words(part: str) -> str:
    return part.replace("_", " ")
