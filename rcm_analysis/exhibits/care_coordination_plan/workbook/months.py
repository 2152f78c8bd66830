"""The monthly sheets of the plan's workbook: the same rows, in the same order, as `models.plan.engine`, as formulas.

The sheet Plan shows the same in dollars and members.
"""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.styles import Alignment

from ....models.plan.assumptions import Assumptions
from ....models.plan.fields import FAILURES, FIELDS, LEVERS, MICRO, MILLI, SCALES, SHARE
from .inputs import RATES, SCENARIOS, STRONG, Inputs, heading
from .members import write_members
from .money import write_money
from .rows import CENTS, END_ROW, FIRST, INDEX_ROW, MEMBERS, MONTH_ROW, MONTHS, PARTS, TOP, Months


def write_months(book: Workbook, plan: Assumptions, inputs: Inputs) -> Months:
    """The sheets Months, Paid share and Receipts."""
    sheet = book.create_sheet(MONTHS)
    heading(
        sheet,
        "Months",
        "The plan's arithmetic in whole small units: cents, thousandths of members, staff and contacts, "
        "ten-thousandths of shares. Formulas only; nothing to type here.",
    )
    made = Months(sheet, plan, inputs)
    _calendar(made)
    _inputs(made)
    _levers(made)
    write_members(made)
    write_money(book, made)
    _proofs(made)
    sheet.freeze_panes = sheet.cell(TOP, FIRST)
    for column, width in (("A", 26), ("B", 40), ("C", 16), *((column, 13) for column in made.columns)):
        sheet.column_dimensions[column].width = width
    return made


def _calendar(made: Months) -> None:
    sheet = made.sheet
    for row, words in ((INDEX_ROW, "Month of the plan"), (MONTH_ROW, "Month"), (END_ROW, "Last day")):
        sheet.cell(row, 2, words).font = STRONG
    start = made.inputs.cell("start")
    for number, column in enumerate(made.columns):
        sheet[f"{column}{INDEX_ROW}"] = number + 1
        for row, formula, shown in (
            (MONTH_ROW, f"=DATE(YEAR({start}),MONTH({start})+{number},1)", "mmm yyyy"),
            (END_ROW, f"=DATE(YEAR({start}),MONTH({start})+{number + 1},0)", "d mmm yyyy"),
        ):
            cell = sheet[f"{column}{row}"]
            cell.value, cell.number_format = formula, shown
            cell.font, cell.alignment = STRONG, Alignment(horizontal="right")


def _inputs(made: Months) -> None:
    made.section("Inputs of the month")
    for item in FIELDS:
        scale = SCALES[item.kind]
        made.add(
            f"in.{item.key}",
            lambda c, _, key=item.key, scale=scale: f"ROUND({scale}*{made.inputs.dated(key, f'{c}${END_ROW}')},0)",
            item.title,
            f"1/{scale}",
        )
    for name, key, parts in (
        ("in.mix", "acuity.mix", made.plan.levels),
        ("region", "regions", tuple(made.plan.regions)),
    ):
        for part in parts:
            made.add(
                f"{name}.{part}",
                lambda c, _, key=f"{key}.{part}": f"ROUND({SHARE}*{made.inputs.dated(key, f'{c}${END_ROW}')},0)",
                f"Share, {part}",
                PARTS,
            )
    low, high = made.inputs.rates
    for (level, region), column in made.inputs.rate_columns.items():
        made.add(
            f"in.rate.{level}.{region}",
            lambda c, _, column=column: (
                f"ROUND(100*INDEX({RATES}!${column}${low}:${column}${high},"
                f"MATCH({c}${END_ROW},{RATES}!$A${low}:$A${high},1)),0)"
            ),
            f"Rate in force, {level}, {region}",
            CENTS,
        )
    for level in made.plan.levels:
        made.add(
            f"in.one_member.{level}",
            lambda c, _, level=level: (
                f"ROUND({MICRO * MILLI}/ROUND({MILLI}*{made.inputs.cell(f'acuity.caseload.{level}')},0),0)"
            ),
            f"Coordinator time of one member, {level}",
            "millionths",
        )


def _levers(made: Months) -> None:
    made.section("Scenario")
    chosen = made.inputs.chosen
    since, until = (f"{SCENARIOS}!${chosen}${row}" for row in made.inputs.window)
    made.add(
        "scenario_holds",
        lambda c, _: (
            f"IF(AND(IF(ISNUMBER({since}),{c}${END_ROW}>={since},TRUE),IF(ISNUMBER({until}),{c}${MONTH_ROW}<={until},TRUE)),1,0)"
        ),
        "The scenario holds",
        "1 or 0",
    )
    for lever in LEVERS:
        place = f"{SCENARIOS}!${chosen}${made.inputs.levers[lever.key]}"
        made.add(
            f"lever.{lever.key}",
            lambda c, _, place=place, lever=lever: f"IF({made.at('scenario_holds', c)}=1,{place},{lever.neutral})",
            lever.title,
            "days" if lever.kind == "days" else PARTS,
        )


def _proofs(made: Months) -> None:
    """Rows that must be zero in every month; the sheet Checks reads them."""
    made.section("Must be zero in every month")
    at, levels = made.at, made.plan.levels

    def to_date(name: str, c: str, less: str = "0") -> str:
        """A row summed up to a month, less so many months."""
        return f"SUMPRODUCT(({made.calendar}<={c}${INDEX_ROW}-{less})*{made.line(name)})"

    made.add(
        "proof.receivable",
        lambda c, _: (
            f"{at('receivable', c)}-({to_date('revenue', c)}-{made.arrived(c)}"
            f"-{to_date('never_paid', c, made.fixed('in.lag.write_off_months'))})"
        ),
        "Receivable, rolled forward less by month of service",
        CENTS,
    )
    made.add(
        "proof.ar",
        lambda c, _: f"{at('ar', c)}-({to_date('accrual', c)}-{to_date('cash', c)}-{to_date('written_off', c)})",
        "Receivable less (accrual - cash - write-offs)",
        CENTS,
    )
    made.add(
        "proof.members",
        lambda c, _: f"{at('members', c)}-({made.sum([f'members.{item}' for item in levels], c)})",
        "Members less members by level",
        MEMBERS,
    )
    _proofs_of_inputs(made)


def _proofs_of_inputs(made: Months) -> None:
    """Rows that are zero where shares sum to one, places and rates suffice, and no lag runs backwards."""
    at, levels = made.at, made.plan.levels
    made.add(
        "proof.mix",
        lambda c, _: f"{SHARE}-({made.sum([f'mix.{item}' for item in levels], c)})",
        "Shares of levels less 1",
        PARTS,
    )
    made.add(
        "proof.regions",
        lambda c, _: f"{SHARE}-({made.sum([f'region.{item}' for item in made.plan.regions], c)})",
        "Shares of regions less 1",
        PARTS,
    )
    made.add("proof.ways", lambda c, _: f"{SHARE}-SUM({made.by_way('way_share', c)})", "Shares of ways less 1", PARTS)
    made.add(
        "proof.capacity",
        lambda c, _: f"MAX(0,{at('members', c)}-{at('capacity', c)})",
        "Members above capacity",
        MEMBERS,
    )
    made.add("proof.transferred", lambda c, _: at("transferred", c), "Members sent on for want of capacity", MEMBERS)
    made.add(
        "proof.rates",
        lambda c, _: "+".join(
            f"IF(AND({at(f'mix.{item}', c) if item in levels else at('in.assessment.paid', c)}>0,"
            f"{at(f'region.{region}', c)}>0,"
            f"N({at(f'rate.{item}.{region}', c)})<=0),1,0)"
            for item in made.plan.rated
            for region in made.plan.regions
        ),
        "Levels without a rate",
        "levels",
    )
    made.add(
        "proof.fails",
        lambda c, _: f"MAX(0,{made.sum([f'in.{key}' for key in FAILURES], c)}-{SHARE})",
        "Failing shares above 1",
        PARTS,
    )
    made.add("proof.lag", lambda c, _: f"IF(MIN({made.by_way('way_days', c)})<0,1,0)", "Negative lags", "1 or 0")
