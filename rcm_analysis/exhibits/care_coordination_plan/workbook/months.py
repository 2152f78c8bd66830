"""The sheet Months of the plan's workbook: the rows of `models.plan.engine`, in the same order, written as formulas.

The sheet Plan shows these rows in dollars and members.
"""

from __future__ import annotations

from collections.abc import Callable

from openpyxl import Workbook
from openpyxl.styles import Alignment

from ....models.plan.assumptions import Assumptions
from ....models.plan.fields import FAILURES, FIELDS, LEVERS, MICRO, MILLI, SHARE, Lever
from ....models.plan.rules import KINDS
from .inputs import RATES, SCENARIOS, STAFF, STRONG, UNITS, Inputs, heading
from .money import write_money
from .rows import CENTS, END_ROW, FIRST, INDEX_ROW, MEMBERS, MONTH_ROW, MONTHS, PARTS, TOP, Months, whole


def write_members(made: Months) -> None:
    """The rows that count people, from staff through members to billable units, in the order of
    `models.plan.engine`."""
    _staff(made)
    _rates(made)
    _mix(made)
    _demand(made)
    _capacity(made)
    _membership(made)
    _members_by_place(made)
    _units(made)


def _staff(made: Months) -> None:
    made.section("Staff")
    first, last = made.inputs.staff
    made.product("salary_index", "in.staffing.salary_index", "lever.salary", "Salary index", PARTS)
    numbers = range(last - first + 1)
    for number in numbers:
        _position(made, number, first + number)
    for name, part, title, unit in (
        ("fte", "fte", "Positions filled", MEMBERS),
        ("productive", "productive", "Positions at work, after training", MEMBERS),
        ("salaries", "salary", "Salaries", CENTS),
    ):
        made.total(name, [f"{part}.{number}" for number in numbers], title, unit)


def _position(made: Months, number: int, row: int) -> None:
    """The rows of Months for one position of the sheet Staff: months served, share of time filled, share of a full
    caseload carried, pay."""
    at, title = made.at, f"Position {number + 1}"
    hired, left, fte, salary = (f"{STAFF}!${column}${row}" for column in "BCDE")
    ramp = f"{STAFF}!$B${made.inputs.ramp[0]}:$B${made.inputs.ramp[1]}"
    served = f"served.{number}"
    made.add(
        served,
        lambda c, _: (
            f"IF(ISNUMBER({hired}),IF(AND(ISNUMBER({left}),{c}${MONTH_ROW}>{left}),0,"
            f"MAX(0,(YEAR({c}${MONTH_ROW})-YEAR({hired}))*12+MONTH({c}${MONTH_ROW})-MONTH({hired})+1"
            f"-IF({hired}>EOMONTH({made.inputs.cell('start')},-1),{at('lever.hiring', c)},0))),0)"
        ),
        f"{title}: months served",
        "months",
    )
    made.add(
        f"fte.{number}",
        lambda c, _: (
            f"IF({at(served, c)}>0,"
            + whole(f"ROUND({MILLI}*{fte},0)*({SHARE}-{at('in.staffing.vacancy', c)})", SHARE)
            + ",0)"
        ),
        f"{title}: filled",
        MEMBERS,
    )
    made.add(
        f"productive.{number}",
        lambda c, _: (
            f"IF({at(served, c)}>0,"
            + whole(
                f"{at(f'fte.{number}', c)}*ROUND({SHARE}*INDEX({ramp},MIN({at(served, c)},COUNT({ramp}))),0)", SHARE
            )
            + ",0)"
        ),
        f"{title}: at work",
        MEMBERS,
    )
    made.add(
        f"salary.{number}",
        lambda c, _: whole(
            whole(f"ROUND(100*{salary},0)*{at('salary_index', c)}", SHARE) + f"*{at(f'fte.{number}', c)}", 12 * MILLI
        ),
        f"{title}: salary",
        CENTS,
    )


def _mix(made: Months) -> None:
    """The acuity mix of each region and of all members, and the load of an average member."""
    made.section("Acuity")
    at, levels, regions = made.at, made.plan.levels, tuple(made.plan.regions)
    for region in regions:
        _mix_in(made, region)
    before = ""
    for level in levels:
        made.add(
            f"mix_to.{level}",
            lambda c, _, level=level: whole(
                "+".join(f"{at(f'region.{one}', c)}*{at(f'mix_to.{level}.{one}', c)}" for one in regions), SHARE
            ),
            f"Share of all members up to {level}",
            PARTS,
        )
        made.add(
            f"mix.{level}",
            lambda c, _, level=level, before=before: (
                at(f"mix_to.{level}", c) + (f"-{at(f'mix_to.{before}', c)}" if before else "")
            ),
            f"Share of all members, {level}",
            PARTS,
        )
        before = level
    made.add(
        "load",
        lambda c, _: whole(
            "+".join(
                f"{at(f'region.{one}', c)}*{at(f'mix.{level}.{one}', c)}*{at(f'in.one_member.{level}', c)}"
                for level in levels
                for one in regions
            ),
            SHARE**2,
        ),
        "Coordinator time of an average member",
        "millionths",
    )


def _mix_in(made: Months, region: str) -> None:
    """The acuity mix of a region after the scenario moved members up or down a level; nobody moves below the lowest
    level or above the highest."""
    at, levels = made.at, made.plan.levels
    given = f"in.mix_in.{region}" if region in made.plan.mix_in else "in.mix"
    for place, level in enumerate(levels):
        for way, may, sign in (("down", place > 0, ""), ("up", place + 1 < len(levels), "-")):
            made.add(
                f"move_{way}.{level}.{region}",
                lambda c, _, level=level, may=may, sign=sign: (
                    whole(f"{at(f'{given}.{level}', c)}*MAX({sign}{at('lever.acuity_shift', c)},0)", SHARE)
                    if may
                    else "0"
                ),
                f"Share that moves {way}, {level}, {region}",
                PARTS,
            )
    for place, level in enumerate(levels):
        come = [f"move_down.{other}.{region}" for other in levels[place + 1 : place + 2]] + [
            f"move_up.{other}.{region}" for other in levels[max(place - 1, 0) : place]
        ]
        made.add(
            f"mix.{level}.{region}",
            lambda c, _, level=level, come=come: (
                f"{at(f'{given}.{level}', c)}-{at(f'move_down.{level}.{region}', c)}"
                f"-{at(f'move_up.{level}.{region}', c)}" + "".join(f"+{at(name, c)}" for name in come)
            ),
            f"Share of members, {level}, {region}",
            PARTS,
        )
        upto = [f"mix.{item}.{region}" for item in levels[: place + 1]]
        made.total(f"mix_to.{level}.{region}", upto, f"Share up to {level}, {region}", PARTS)


def _rates(made: Months) -> None:
    """The share of members in each region, and the rate paid there for each level and for an assessment."""
    made.section("Regions and rates")
    regions = tuple(made.plan.regions)
    for place, region in enumerate(regions):
        made.total(
            f"region_to.{region}", [f"region.{item}" for item in regions[: place + 1]], f"Share up to {region}", PARTS
        )
        for level in made.plan.rated:
            made.product(
                f"rate.{level}.{region}", f"in.rate.{level}.{region}", "lever.rate", f"Rate, {level}, {region}", CENTS
            )


def _demand(made: Months) -> None:
    made.section("Referrals to enrollment")
    at, numbers = made.at, range(len(made.plan.sources))
    for number in numbers:
        monthly, quality = (
            lambda c, key=f"referrals[{number}].{name}": made.inputs.dated(key, f"{c}${END_ROW}")
            for name in ("monthly", "quality")
        )
        made.add(
            f"referrals.{number}",
            lambda c, _, monthly=monthly: whole(f"ROUND({MILLI}*{monthly(c)},0)*{at('lever.referrals', c)}", SHARE),
            f"Referrals, source {number + 1}",
            MEMBERS,
        )
        made.add(
            f"eligible.{number}",
            lambda c, _, number=number, quality=quality: whole(
                f"{at(f'referrals.{number}', c)}*ROUND({SHARE}*{quality(c)},0)", SHARE
            ),
            f"Eligible, source {number + 1}",
            MEMBERS,
        )
    for name, title in (("referrals", "Referrals"), ("eligible", "Eligible referrals")):
        made.total(name, [f"{name}.{number}" for number in numbers], title, MEMBERS)
    made.add(
        "enrolled_share",
        lambda c, _: f"MIN({SHARE},{whole(at('in.enrolment.enrolled', c) + '*' + at('lever.engagement', c), SHARE)})",
        "Enrolled of those reached",
        PARTS,
    )
    made.product("reached", "eligible", "in.enrolment.reached", "Reached by outreach", MEMBERS)
    made.product("agreed", "reached", "enrolled_share", "Would enrol", MEMBERS)
    made.add("arrivals", made.later("agreed", "enrolment.delay_months"), "Ready to enrol", MEMBERS)
    limit = (
        f"MIN({made.fixed('in.enrolment.delay_months')},{made.fixed('in.outreach.months_limit')})"
        f"*{made.fixed('in.outreach.paid')}"
    )
    made.add(
        "outreach_units",
        lambda c, _: (
            f"SUMPRODUCT(({made.calendar}>{c}${INDEX_ROW}-{limit})*({made.calendar}<={c}${INDEX_ROW})*{made.line('eligible')})"
        ),
        "Outreach months billed",
        MEMBERS,
    )


def _capacity(made: Months) -> None:
    made.section("Members")
    at = made.at
    made.product("at_work", "productive", "lever.caseload", "Carrying power", MEMBERS)
    made.add(
        "capacity",
        lambda c, _: f"INT({at('at_work', c)}*{MICRO}/{at('load', c)})",
        "Members that can be carried",
        MEMBERS,
    )
    made.add(
        "disenrolment_share",
        lambda c, _: (
            f"MIN({SHARE},{whole(at('in.enrolment.disenrolment', c) + '*' + at('lever.disenrolment', c), SHARE)})"
        ),
        "Disenrollment",
        PARTS,
    )


def _membership(made: Months) -> None:
    at, opening = made.at, made.fixed("in.enrolment.opening_members")
    made.expect("left", "transferred", "gave_up", "enrolled", "waiting", "members")

    def members(before: str) -> str:
        return made.before("members", before, opening)

    def waiting(before: str) -> str:
        return made.before("waiting", before)

    made.add(
        "left", lambda c, b: whole(f"{members(b)}*{at('disenrolment_share', c)}", SHARE), "Left the program", MEMBERS
    )
    made.add(
        "transferred",
        lambda c, b: f"MAX(0,{members(b)}-{at('left', c)}-{at('capacity', c)})",
        "Sent on for want of capacity",
        MEMBERS,
    )
    made.add(
        "gave_up",
        lambda c, b: whole(f"{waiting(b)}*{at('in.enrolment.waiting_list_drop', c)}", SHARE),
        "Gave up waiting",
        MEMBERS,
    )
    made.add(
        "enrolled",
        lambda c, b: (
            f"MIN({waiting(b)}-{at('gave_up', c)}+{at('arrivals', c)},"
            f"{at('capacity', c)}-({members(b)}-{at('left', c)}-{at('transferred', c)}))"
        ),
        "Enrolled",
        MEMBERS,
    )
    made.add(
        "waiting",
        lambda c, b: f"{waiting(b)}-{at('gave_up', c)}+{at('arrivals', c)}-{at('enrolled', c)}",
        "Waiting for a place",
        MEMBERS,
    )
    made.add(
        "members",
        lambda c, b: f"{members(b)}-{at('left', c)}-{at('transferred', c)}+{at('enrolled', c)}",
        "Members",
        MEMBERS,
    )


def _members_by_place(made: Months) -> None:
    """The members split by region, and those of each region by level; each split sums to all members."""
    at, plan = made.at, made.plan
    made.split_by_region("members", "Members", called=lambda region: f"members_in.{region}")
    for region in plan.regions:

        def upto(level: str, c: str, region: str = region) -> str:
            return at(f"mix_to.{level}.{region}", c)

        def called(level: str, region: str = region) -> str:
            return f"members.{level}.{region}"

        made.split(f"members_in.{region}", plan.levels, upto, f"Members, {region}", called=called)
    for level in plan.levels:
        parts = [f"members.{level}.{region}" for region in plan.regions]
        made.total(f"members.{level}", parts, f"Members, {level}", MEMBERS)


def _units(made: Months) -> None:
    made.section("Billable member-months")
    reasons = [key.split(".")[1] for key in FAILURES]
    for reason in reasons:
        made.product(
            f"fail_share.{reason}",
            f"in.billable.{reason}",
            "lever.failed_months",
            f"Fails: {reason.replace('_', ' ')}",
            PARTS,
        )

    def fails(c: str, last: str = reasons[-1]) -> str:
        """The shares of member-months that fail, added up to and with the reason `last`; by default all reasons."""
        return made.sum([f"fail_share.{reason}" for reason in reasons[: reasons.index(last) + 1]], c)

    made.add("billable_share", lambda c, _: f"MAX(0,{SHARE}-({fails(c)}))", "Billable share", PARTS)
    for level in made.plan.levels:
        names = [f"{level}.{region}" for region in made.plan.regions]
        for name in names:
            made.product(
                f"units.{name}",
                f"members.{name}",
                "billable_share",
                f"Billable units, {name.replace('.', ', ')}",
                MEMBERS,
            )
        made.total(f"units.{level}", [f"units.{name}" for name in names], f"Billable units, {level}", MEMBERS)
    made.total("units", [f"units.{level}" for level in made.plan.levels], "Billable units", MEMBERS)
    made.add("lost", lambda c, _: f"{made.at('members', c)}-{made.at('units', c)}", "Units lost", MEMBERS)
    made.split(
        "lost",
        reasons,
        lambda reason, c: f"({fails(c, reason)})",
        "Units lost",
        divisor=lambda c, _: f"MAX(1,{fails(c)})",
    )


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
    chosen = inputs.chosen
    since, until = (f"{SCENARIOS}!${chosen}${row}" for row in inputs.window)
    _levers(made, since, until, lambda lever: f"{SCENARIOS}!${chosen}${inputs.levers[lever.key]}")
    write_members(made)
    write_money(book, made)
    _proofs(made)
    _widths(made)
    return made


def write_case(
    book: Workbook, base: Months, name: str, title: str, window: tuple[str, str], value: Callable[[Lever], str]
) -> Months:
    """The plan under other levers, on a hidden sheet: `window` holds the cells of the first and the last month in which
    they hold, `value` gives the formula of a lever in small units."""
    sheet = book.create_sheet(name)
    sheet.sheet_state = "hidden"
    heading(sheet, title, f"As the sheet {MONTHS}, under other levers. Formulas only; nothing to type here.")
    made = Months(sheet, base.plan, base.inputs, base)
    _calendar(made)
    _levers(made, *window, value)
    write_members(made)
    write_money(book, made)
    _widths(made)
    return made


def _widths(made: Months) -> None:
    sheet = made.sheet
    sheet.freeze_panes = sheet.cell(TOP, FIRST)
    for column, width in (("A", 26), ("B", 40), ("C", 16), *((column, 13) for column in made.columns)):
        sheet.column_dimensions[column].width = width


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
        scale = KINDS[item.kind].scale
        made.add(
            f"in.{item.key}",
            lambda c, _, key=item.key, scale=scale: f"ROUND({scale}*{made.inputs.dated(key, f'{c}${END_ROW}')},0)",
            item.title,
            f"1/{scale}",
        )
    for name, key, parts in (
        ("in.mix", "acuity.mix", made.plan.levels),
        *((f"in.mix_in.{region}", f"acuity.mix_in.{region}", made.plan.levels) for region in made.plan.mix_in),
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


def _levers(made: Months, since: str, until: str, value: Callable[[Lever], str]) -> None:
    made.section("Scenario")
    made.add(
        "scenario_holds",
        lambda c, _: (
            f"IF(AND(IF(ISNUMBER({since}),{c}${END_ROW}>={since},TRUE),IF(ISNUMBER({until}),{c}${MONTH_ROW}<={until},TRUE)),1,0)"
        ),
        "The scenario holds",
        "1 or 0",
    )
    for lever in LEVERS:
        place = value(lever)
        made.add(
            f"lever.{lever.key}",
            lambda c, _, place=place, lever=lever: f"IF({made.at('scenario_holds', c)}=1,{place},{lever.neutral})",
            lever.title,
            UNITS[lever.kind] if lever.kind.startswith("added") else PARTS,
        )


def _proofs(made: Months) -> None:
    """The proofs: rows that must be zero in every month. The sheet Checks counts the months in which they are not."""
    made.section("Must be zero in every month")
    at, levels = made.at, made.plan.levels

    def to_date(name: str, c: str, less: str = "0") -> str:
        """A row added up from the first month to a month, or to a month earlier by `less`."""
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
    """The proofs of the inputs: shares sum to one, there are enough places and a rate for each month, no lag is
    negative."""
    at, levels = made.at, made.plan.levels
    for block in ("mix", *(f"mix_in.{region}" for region in made.plan.mix_in)):
        made.add(
            f"proof.{block}",
            lambda c, _, block=block: f"{SHARE}-({made.sum([f'in.{block}.{item}' for item in levels], c)})",
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
