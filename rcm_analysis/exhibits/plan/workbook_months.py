"""The monthly sheets of the plan's workbook: the same rows, in the same order, as `models.plan_engine`, as formulas.

Every cell holds whole small units (cents, thousandths of a member, ten-thousandths of a share), so that
Excel, LibreOffice and Python agree to the cent. The sheet Plan shows the same in dollars and members.
"""

from __future__ import annotations

from collections.abc import Callable

from openpyxl import Workbook
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter as letter
from openpyxl.worksheet.worksheet import Worksheet

from ...models.assumptions import Assumptions
from ...models.plan_engine import LAG_PARTS, MONTH_DAYS, WAYS
from ...models.plan_fields import ASSESSMENT, FAILURES, FIELDS, LEVERS, MICRO, MILLI, SCALES, SHARE, STAGES
from .workbook_inputs import MUTED, RATES, SCENARIOS, STAFF, STRONG, Inputs, head_row, heading

MONTHS, SHARES, RECEIPTS = "Months", "Paid share", "Receipts"
FIRST = 4
"""Column of the first month, on every monthly sheet."""
INDEX_ROW, MONTH_ROW, END_ROW, TOP = 3, 4, 5, 6

Formula = Callable[[str, str], str]
"""Takes the column of a month and the column before it; gives the formula without its equals sign."""


class Months:
    """The sheet Months while it is being written: a row per name, referred to by name."""

    def __init__(self, sheet: Worksheet, plan: Assumptions, inputs: Inputs) -> None:
        self.sheet, self.plan, self.inputs = sheet, plan, inputs
        self.row = TOP
        self.rows: dict[str, int] = {}
        self.columns = [letter(FIRST + number) for number in range(plan.months)]
        self.first, self.last = self.columns[0], self.columns[-1]

    def section(self, title: str) -> None:
        """A heading between groups of rows."""
        self.sheet.cell(self.row, 2, title).font = STRONG
        self.row += 1

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

    def at(self, name: str, column: str) -> str:
        """The cell of a row in a month."""
        return f"{column}{self.rows[name]}"

    def line(self, name: str) -> str:
        """The whole row of months."""
        return f"${self.first}{self.rows[name]}:${self.last}{self.rows[name]}"

    def before(self, name: str, column: str, otherwise: str = "0") -> str:
        """The same row one month earlier; `otherwise` in the first month. The row may be yet to come."""
        return f"{column}{self.rows[name]}" if column else otherwise

    def later(self, name: str, key: str) -> Formula:
        """The row, as many months later as the input `key` says."""
        wait = f"${self.first}{self.rows['in.' + key]}"
        return lambda c, _: f"IF({c}${INDEX_ROW}-{wait}<1,0,INDEX({self.line(name)},{c}${INDEX_ROW}-{wait}))"


def whole(product: str, divisor: str | int) -> str:
    """The one rounding rule, as a formula."""
    return f"ROUND(({product})/{divisor},0)"


def write_months(book: Workbook, plan: Assumptions, inputs: Inputs) -> Months:
    """The sheets Months, Paid share and Receipts."""
    sheet = book.create_sheet(MONTHS)
    heading(sheet, "Months", "The plan's arithmetic in whole small units: cents, thousandths of members, staff and contacts, "
        "ten-thousandths of shares. Formulas only; nothing to type here.")
    made = Months(sheet, plan, inputs)
    _calendar(made)
    _inputs(made)
    _levers(made)
    _staff(made)
    _mix_and_rates(made)
    _demand(made)
    _membership(made)
    _units(made)
    _revenue(made)
    _expense(made)
    _ways(made)
    _write_triangles(book, made)
    _cash(made)
    _unit_economics(made)
    _proofs(made)
    sheet.freeze_panes = sheet.cell(TOP, FIRST)
    for column, width in (("A", 26), ("B", 40), ("C", 16)):
        sheet.column_dimensions[column].width = width
    for column in made.columns:
        sheet.column_dimensions[column].width = 13
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
        made.add(f"in.{item.key}", lambda c, _, key=item.key, scale=scale:
            f"ROUND({scale}*{made.inputs.dated(key, f'{c}${END_ROW}')},0)", item.title, f"1/{scale}")
    for name, key, parts in (("in.mix", "acuity.mix", made.plan.levels), ("region", "regions", tuple(made.plan.regions))):
        for part in parts:
            made.add(f"{name}.{part}", lambda c, _, key=f"{key}.{part}":
                f"ROUND({SHARE}*{made.inputs.dated(key, f'{c}${END_ROW}')},0)", f"Share, {part}", "1/10000")
    low, high = made.inputs.rates
    for (level, region), column in made.inputs.rate_columns.items():
        made.add(f"in.rate.{level}.{region}", lambda c, _, column=column: (
            f"ROUND(100*INDEX({RATES}!${column}${low}:${column}${high},"
            f"MATCH({c}${END_ROW},{RATES}!$A${low}:$A${high},1)),0)"), f"Rate in force, {level}, {region}", "cents")
    for level in made.plan.levels:
        made.add(f"in.one_member.{level}", lambda c, _, level=level:
            f"ROUND({MICRO * MILLI}/ROUND({MILLI}*{made.inputs.cell(f'acuity.caseload.{level}')},0),0)",
            f"Coordinator time of one member, {level}", "millionths")


def _levers(made: Months) -> None:
    made.section("Scenario")
    chosen = made.inputs.chosen
    since, until = (f"{SCENARIOS}!${chosen}${row}" for row in made.inputs.window)
    made.add("scenario_holds", lambda c, _: (
        f"IF(AND(IF(ISNUMBER({since}),{c}${END_ROW}>={since},TRUE),IF(ISNUMBER({until}),{c}${MONTH_ROW}<={until},TRUE)),1,0)"),
        "The scenario holds", "1 or 0")
    for lever in LEVERS:
        place = f"{SCENARIOS}!${chosen}${made.inputs.levers[lever.key]}"
        made.add(f"lever.{lever.key}", lambda c, _, place=place, lever=lever:
            f"IF({made.at('scenario_holds', c)}=1,{place},{lever.neutral})", lever.title,
            "days" if lever.kind == "days" else "1/10000")


def _staff(made: Months) -> None:
    made.section("Staff")
    at, (first, last) = made.at, made.inputs.staff
    ramp = f"{STAFF}!$B${made.inputs.ramp[0]}:$B${made.inputs.ramp[1]}"
    made.add("salary_index", lambda c, _: whole(f"{at('in.staffing.salary_index', c)}*{at('lever.salary', c)}", SHARE),
        "Salary index", "1/10000")
    count = last - first + 1
    for number in range(count):
        hired, left, fte, salary = (f"{STAFF}!${column}${first + number}" for column in "BCDE")
        made.add(f"served.{number}", lambda c, _, hired=hired, left=left: (
            f"IF(ISNUMBER({hired}),IF(OR({c}${END_ROW}<{hired},AND(ISNUMBER({left}),{c}${MONTH_ROW}>{left})),0,"
            f"(YEAR({c}${MONTH_ROW})-YEAR({hired}))*12+MONTH({c}${MONTH_ROW})-MONTH({hired})+1),0)"),
            f"Position {number + 1}: months served", "months")
        made.add(f"fte.{number}", lambda c, _, n=number, fte=fte: (
            f"IF({at(f'served.{n}', c)}>0,"
            + whole(f"ROUND({MILLI}*{fte},0)*({SHARE}-{at('in.staffing.vacancy', c)})", SHARE) + ",0)"),
            f"Position {number + 1}: filled", "1/1000")
        made.add(f"productive.{number}", lambda c, _, n=number: (
            f"IF({at(f'served.{n}', c)}>0,"
            + whole(f"{at(f'fte.{n}', c)}*ROUND({SHARE}*INDEX({ramp},MIN({at(f'served.{n}', c)},COUNT({ramp}))),0)", SHARE) + ",0)"),
            f"Position {number + 1}: at work", "1/1000")
        made.add(f"salary.{number}", lambda c, _, n=number, salary=salary: whole(
            whole(f"ROUND(100*{salary},0)*{at('salary_index', c)}", SHARE) + f"*{at(f'fte.{n}', c)}", 12 * MILLI),
            f"Position {number + 1}: salary", "cents")
    for name, part, title, unit in (("fte", "fte", "Positions filled", "1/1000"),
        ("productive", "productive", "Positions at work, after training", "1/1000"), ("salaries", "salary", "Salaries", "cents")):
        made.add(name, lambda c, _, part=part: "+".join(at(f"{part}.{n}", c) for n in range(count)), title, unit)


def _mix_and_rates(made: Months) -> None:
    made.section("Acuity and rates")
    at, levels = made.at, made.plan.levels
    for place, level in enumerate(levels):
        moves = {"down": (place > 0, ""), "up": (place + 1 < len(levels), "-")}
        for way, (may, sign) in moves.items():
            made.add(f"move_{way}.{level}", lambda c, _, level=level, may=may, sign=sign: whole(
                f"{at(f'in.mix.{level}', c)}*MAX({sign}{at('lever.acuity_shift', c)},0)", SHARE) if may else "0",
                f"Share that moves {way}, {level}", "1/10000")
    for place, level in enumerate(levels):
        def mix(c: str, _: str, place: int = place, level: str = level) -> str:
            out = f"{at(f'in.mix.{level}', c)}-{at(f'move_down.{level}', c)}-{at(f'move_up.{level}', c)}"
            out += f"+{at(f'move_down.{levels[place + 1]}', c)}" if place + 1 < len(levels) else ""
            return out + (f"+{at(f'move_up.{levels[place - 1]}', c)}" if place else "")

        made.add(f"mix.{level}", mix, f"Share of members, {level}", "1/10000")
        made.add(f"mix_to.{level}", lambda c, _, place=place: "+".join(at(f"mix.{item}", c) for item in levels[: place + 1]),
            f"Share up to {level}", "1/10000")
    made.add("load", lambda c, _: whole(
        "+".join(f"{at(f'mix.{level}', c)}*{at(f'in.one_member.{level}', c)}" for level in levels), SHARE),
        "Coordinator time of an average member", "millionths")
    regions = tuple(made.plan.regions)
    for place, region in enumerate(regions):
        made.add(f"region_to.{region}", lambda c, _, place=place: "+".join(at(f"region.{item}", c) for item in regions[: place + 1]),
            f"Share up to {region}", "1/10000")
        for level in made.plan.rated:
            made.add(f"rate.{level}.{region}", lambda c, _, name=f"{level}.{region}": whole(
                f"{at(f'in.rate.{name}', c)}*{at('lever.rate', c)}", SHARE), f"Rate, {level}, {region}", "cents")


def _by_region(made: Months, name: str, title: str) -> None:
    """A row into one per region, by running totals of the shares."""
    before = ""
    for region in made.plan.regions:
        made.add(f"{name}_to.{region}", lambda c, _, region=region: whole(f"{made.at(name, c)}*{made.at(f'region_to.{region}', c)}", SHARE),
            f"{title}, up to {region}", "1/1000")
        made.add(f"{name}.{region}", lambda c, _, region=region, before=before: (
            made.at(f"{name}_to.{region}", c) + (f"-{made.at(before, c)}" if before else "")), f"{title}, {region}", "1/1000")
        before = f"{name}_to.{region}"


def _demand(made: Months) -> None:
    made.section("Referrals to enrolment")
    at, count = made.at, len(made.plan.sources)
    end = f"${END_ROW}"
    for n in range(count):
        made.add(f"referrals.{n}", lambda c, _, n=n: whole(
            f"ROUND({MILLI}*{made.inputs.dated(f'referrals[{n}].monthly', c + end)},0)*{at('lever.referrals', c)}", SHARE),
            f"Referrals, source {n + 1}", "1/1000")
        made.add(f"eligible.{n}", lambda c, _, n=n: whole(
            f"{at(f'referrals.{n}', c)}*ROUND({SHARE}*{made.inputs.dated(f'referrals[{n}].quality', c + end)},0)", SHARE),
            f"Eligible, source {n + 1}", "1/1000")
    for name, title in (("referrals", "Referrals"), ("eligible", "Eligible referrals")):
        made.add(name, lambda c, _, name=name: "+".join(at(f"{name}.{n}", c) for n in range(count)), title, "1/1000")
    made.add("enrolled_share", lambda c, _: f"MIN({SHARE},{whole(at('in.enrolment.enrolled', c) + '*' + at('lever.engagement', c), SHARE)})",
        "Enrolled of those reached", "1/10000")
    made.add("reached", lambda c, _: whole(f"{at('eligible', c)}*{at('in.enrolment.reached', c)}", SHARE), "Reached by outreach", "1/1000")
    made.add("agreed", lambda c, _: whole(f"{at('reached', c)}*{at('enrolled_share', c)}", SHARE), "Would enrol", "1/1000")
    made.add("arrivals", made.later("agreed", "enrolment.delay_months"), "Ready to enrol", "1/1000")
    limit = (f"MIN(${made.first}${made.rows['in.enrolment.delay_months']},${made.first}${made.rows['in.outreach.months_limit']})"
        f"*${made.first}${made.rows['in.outreach.paid']}")
    calendar = f"${made.first}${INDEX_ROW}:${made.last}${INDEX_ROW}"
    made.add("outreach_units", lambda c, _: (
        f"SUMPRODUCT(({calendar}>{c}${INDEX_ROW}-{limit})*({calendar}<={c}${INDEX_ROW})*{made.line('eligible')})"),
        "Outreach months billed", "1/1000")


def _membership(made: Months) -> None:
    made.section("Members")
    at = made.at
    made.add("at_work", lambda c, _: whole(f"{at('productive', c)}*{at('lever.caseload', c)}", SHARE), "Carrying power", "1/1000")
    made.add("capacity", lambda c, _: f"INT({at('at_work', c)}*{MICRO}/{at('load', c)})", "Members that can be carried", "1/1000")
    made.add("disenrolment_share", lambda c, _: f"MIN({SHARE},{whole(at('in.enrolment.disenrolment', c) + '*' + at('lever.disenrolment', c), SHARE)})",
        "Disenrolment", "1/10000")
    names = ("left", "transferred", "gave_up", "enrolled", "waiting", "members")
    made.rows.update({name: made.row + place for place, name in enumerate(names)})
    opening = f"${made.first}${made.rows['in.enrolment.opening_members']}"

    def members(before: str) -> str:
        return made.before("members", before, opening)

    def waiting(before: str) -> str:
        return made.before("waiting", before)

    made.add("left", lambda c, b: whole(f"{members(b)}*{at('disenrolment_share', c)}", SHARE), "Left the programme", "1/1000")
    made.add("transferred", lambda c, b: f"MAX(0,{members(b)}-{at('left', c)}-{at('capacity', c)})", "Sent on for want of capacity", "1/1000")
    made.add("gave_up", lambda c, b: whole(f"{waiting(b)}*{at('in.enrolment.waiting_list_drop', c)}", SHARE), "Gave up waiting", "1/1000")
    made.add("enrolled", lambda c, b: (
        f"MIN({waiting(b)}-{at('gave_up', c)}+{at('arrivals', c)},"
        f"{at('capacity', c)}-({members(b)}-{at('left', c)}-{at('transferred', c)}))"), "Enrolled", "1/1000")
    made.add("waiting", lambda c, b: f"{waiting(b)}-{at('gave_up', c)}+{at('arrivals', c)}-{at('enrolled', c)}", "Waiting for a place", "1/1000")
    made.add("members", lambda c, b: f"{members(b)}-{at('left', c)}-{at('transferred', c)}+{at('enrolled', c)}", "Members", "1/1000")
    before = "0"
    for level in made.plan.levels:
        made.add(f"members_to.{level}", lambda c, _, level=level: whole(f"{at('members', c)}*{at(f'mix_to.{level}', c)}", SHARE),
            f"Members up to {level}", "1/1000")
        made.add(f"members.{level}", lambda c, _, level=level, before=before: (
            f"{at(f'members_to.{level}', c)}-{before if before == '0' else at(before, c)}"), f"Members, {level}", "1/1000")
        before = f"members_to.{level}"
    for level in made.plan.levels:
        _by_region(made, f"members.{level}", f"Members, {level}")
    for region in made.plan.regions:
        made.add(f"members_in.{region}", lambda c, _, region=region: "+".join(
            at(f"members.{level}.{region}", c) for level in made.plan.levels), f"Members, {region}", "1/1000")


def _units(made: Months) -> None:
    made.section("Billable member-months")
    at, reasons = made.at, [key.split(".")[1] for key in FAILURES]
    for reason in reasons:
        made.add(f"fail_share.{reason}", lambda c, _, reason=reason: whole(
            f"{at(f'in.billable.{reason}', c)}*{at('lever.failed_months', c)}", SHARE), f"Fails: {reason.replace('_', ' ')}", "1/10000")

    def total(c: str, upto: int = len(reasons)) -> str:
        return "+".join(at(f"fail_share.{item}", c) for item in reasons[:upto])

    made.add("billable_share", lambda c, _: f"MAX(0,{SHARE}-({total(c)}))", "Billable share", "1/10000")
    for level in made.plan.levels:
        for region in made.plan.regions:
            made.add(f"units.{level}.{region}", lambda c, _, name=f"{level}.{region}": whole(
                f"{at(f'members.{name}', c)}*{at('billable_share', c)}", SHARE), f"Billable units, {level}, {region}", "1/1000")
        made.add(f"units.{level}", lambda c, _, level=level: "+".join(
            at(f"units.{level}.{region}", c) for region in made.plan.regions), f"Billable units, {level}", "1/1000")
    made.add("units", lambda c, _: "+".join(at(f"units.{level}", c) for level in made.plan.levels), "Billable units", "1/1000")
    made.add("lost", lambda c, _: f"{at('members', c)}-{at('units', c)}", "Units lost", "1/1000")
    before = ""
    for place, reason in enumerate(reasons, 1):
        made.add(f"lost_to.{reason}", lambda c, _, place=place: whole(f"{at('lost', c)}*({total(c, place)})", f"MAX(1,{total(c)})"),
            f"Units lost up to: {reason.replace('_', ' ')}", "1/1000")
        made.add(f"lost.{reason}", lambda c, _, reason=reason, before=before: (
            f"{at(f'lost_to.{reason}', c)}" + (f"-{at(before, c)}" if before else "")), f"Units lost: {reason.replace('_', ' ')}", "1/1000")
        before = f"lost_to.{reason}"


def _revenue(made: Months) -> None:
    made.section("Revenue of the month of service")
    at = made.at

    def times(name: str, source: str, share: str, title: str, divisor: int = SHARE) -> None:
        made.add(name, lambda c, _: whole(f"{at(source, c)}*{at(share, c)}", divisor), title, "cents")

    times("billed.outreach", "outreach_units", "in.outreach.rate", "Billed, outreach", MILLI)
    paid = f"${made.first}${made.rows['in.assessment.paid']}"
    made.add(f"units.{ASSESSMENT}", lambda c, _: whole(f"{at('enrolled', c)}*{at('in.assessment.share', c)}", SHARE) + f"*{paid}",
        "Assessments billed", "1/1000")
    _by_region(made, f"units.{ASSESSMENT}", "Assessments billed")
    for level in made.plan.rated:
        for region in made.plan.regions:
            times(f"billed.{level}.{region}", f"units.{level}.{region}", f"rate.{level}.{region}", f"Billed, {level}, {region}", MILLI)
        made.add(f"billed.{level}", lambda c, _, level=level: "+".join(
            at(f"billed.{level}.{region}", c) for region in made.plan.regions), f"Billed, {level}", "cents")
    made.add("billed", lambda c, _: "+".join(at(f"billed.{part}", c) for part in ("outreach", *made.plan.rated)), "Billed", "cents")
    made.add("denial_share", lambda c, _: f"MIN({SHARE},MAX(0,{at('in.denials.rate', c)}+{at('lever.denials', c)}))", "Denied at first", "1/10000")
    times("denied", "billed", "denial_share", "Denied at first")
    made.add("accepted", lambda c, _: f"{at('billed', c)}-{at('denied', c)}", "Accepted", "cents")
    times("recovered", "denied", "in.denials.recovered", "Recovered of denied")
    for stream, name, words in (("accepted", "first", "first answers"), ("recovered", "late", "recoveries")):
        times(f"mco_fee.{name}", stream, "in.fees.mco", f"MCO retention, {words}")
        made.add(f"after_mco.{name}", lambda c, _, stream=stream, name=name: f"{at(stream, c)}-{at(f'mco_fee.{name}', c)}",
            f"After MCO, {words}", "cents")
        times(f"lead_fee.{name}", f"after_mco.{name}", "in.fees.lead_health_home", f"Lead Health Home fee, {words}")
        made.add(f"net.{name}", lambda c, _, name=name: f"{at(f'after_mco.{name}', c)}-{at(f'lead_fee.{name}', c)}",
            f"Net revenue, {words}", "cents")
        times(f"never_paid.{name}", f"net.{name}", "in.lag.never_paid", f"Never paid, {words}")
        made.add(f"collectable.{name}", lambda c, _, name=name: f"{at(f'net.{name}', c)}-{at(f'never_paid.{name}', c)}",
            f"Collectable, {words}", "cents")
    made.add("fees", lambda c, _: "+".join(at(f"{fee}.{name}", c) for fee in ("mco_fee", "lead_fee") for name in ("first", "late")),
        "Fees", "cents")
    made.add("revenue", lambda c, _: f"{at('net.first', c)}+{at('net.late', c)}", "Net revenue", "cents")
    made.add("never_paid", lambda c, _: f"{at('never_paid.first', c)}+{at('never_paid.late', c)}", "Never paid", "cents")
    times("reserve", "revenue", "in.recoupment.rate", "Recoupment reserve")


def _expense(made: Months) -> None:
    made.section("Expense and result")
    at = made.at
    made.add("fringe", lambda c, _: whole(f"{at('salaries', c)}*{at('in.staffing.fringe', c)}", SHARE), "Fringe", "cents")
    made.add("supervision_pay", lambda c, _: whole(
        at("fte", c) + "*" + whole(f"{at('in.staffing.supervisor_salary', c)}*{at('salary_index', c)}", SHARE),
        f"(12*{at('in.staffing.coordinators_per_supervisor', c)})"), "Supervision, salaries", "cents")
    made.add("supervision", lambda c, _: whole(f"{at('supervision_pay', c)}*({SHARE}+{at('in.staffing.fringe', c)})", SHARE), "Supervision", "cents")
    made.add("contacts", lambda c, _: whole(f"{at('members', c)}*{at('in.staffing.contacts_per_member', c)}", MILLI), "Contacts", "1/1000")
    made.add("contacts_expected", lambda c, _: whole(f"{at('fte', c)}*{at('in.staffing.contacts_expected', c)}", MILLI), "Contacts expected", "1/1000")
    made.add("incentive", lambda c, _: whole(
        f"MAX(0,{at('contacts', c)}-{at('contacts_expected', c)})*{at('in.staffing.incentive_per_contact', c)}", MILLI), "Incentive", "cents")
    made.add("overhead_on_staff", lambda c, _: whole(
        f"({at('salaries', c)}+{at('fringe', c)}+{at('supervision', c)})*{at('in.costs.overhead_share', c)}", SHARE), "Overhead on staff", "cents")
    made.add("overhead_fixed", lambda c, _: at("in.costs.overhead_monthly", c), "Fixed overhead", "cents")
    first, last = made.inputs.startup
    paid, amount = f"{STAFF}!$B${first}:$B${last}", f"{STAFF}!$C${first}:$C${last}"
    made.add("startup", lambda c, _: f"SUMPRODUCT(({paid}>={c}${MONTH_ROW})*({paid}<={c}${END_ROW})*ROUND(100*{amount},0))", "Start-up", "cents")
    parts = ("salaries", "fringe", "supervision", "incentive", "overhead_on_staff", "overhead_fixed", "startup")
    made.add("expense", lambda c, _: "+".join(at(part, c) for part in parts), "Expense", "cents")
    made.add("accrual", lambda c, _: f"{at('revenue', c)}-{at('reserve', c)}-{at('expense', c)}", "Accrual result", "cents")


def _ways(made: Months) -> None:
    made.section("The eight ways through the three stages of payment, by month of service")
    at = made.at

    def days(stage: int, slow: int, c: str) -> str:
        out = at(f"in.{STAGES[stage]}.{'slow_days' if slow else 'days'}", c)
        return f"MAX(0,{out}+{at('lever.lag_days', c)})" if stage == 1 else out

    def share(stage: int, slow: int, c: str) -> str:
        out = at(f"in.{STAGES[stage]}.slow_share", c)
        return out if slow else f"({SHARE}-{out})"

    for number, way in enumerate(WAYS):
        words = ", ".join("slow" if slow else "usual" for slow in way)
        made.add(f"way_days.{number}", lambda c, _, way=way: "+".join(days(stage, slow, c) for stage, slow in enumerate(way)),
            f"Days: {words}", "days")
    first = made.row
    for number, way in enumerate(WAYS):
        words = ", ".join("slow" if slow else "usual" for slow in way)
        made.add(f"way_share.{number}", (lambda c, _, n=first: f"{SHARE}-SUM({c}{n + 1}:{c}{n + len(WAYS) - 1})") if number == 0 else
            (lambda c, _, way=way: whole(
                whole(f"{share(0, way[0], c)}*{share(1, way[1], c)}", SHARE) + f"*{share(2, way[2], c)}", SHARE)),
            f"Share of dollars: {words}", "1/10000")


def _write_triangles(book: Workbook, made: Months) -> None:
    """What part of each month of service has arrived by each month's end, and how much that is."""
    ends = len(WAYS) - 1
    sheets = {}
    for name, title, words in (
        (SHARES, "Paid share", f"Of a month of service (across), parts of {LAG_PARTS:,} that have arrived by the end of a month (down)."),
        (RECEIPTS, "Receipts to date", "Cents of a month of service (across) that have arrived by the end of a month (down)."),
    ):
        sheets[name] = sheet = book.create_sheet(name)
        heading(sheet, title, words)
        head_row(sheet, TOP - 2, ["Month", "", ""])
        sheet.freeze_panes = sheet.cell(TOP, FIRST)
        for number, column in enumerate(made.columns):
            sheet[f"{column}{INDEX_ROW}"] = number + 1
            sheet[f"{column}{MONTH_ROW}"] = f"={MONTHS}!{column}{MONTH_ROW}"
            sheet.cell(TOP + number, 1, number + 1)
            sheet.cell(TOP + number, 2, f"={MONTHS}!{column}{MONTH_ROW}")
            for cell in (sheet[f"{column}{MONTH_ROW}"], sheet.cell(TOP + number, 2)):
                cell.number_format = "mmm yyyy"
            sheet.column_dimensions[column].width = 12
    wait = f"{MONTHS}!${made.first}${made.rows['in.denials.recovery_months']}"
    bottom = TOP + made.plan.months - 1
    for served, c in enumerate(made.columns):
        days = f"{MONTHS}!{c}${made.rows['way_days.0']}:{c}${made.rows['way_days.0'] + ends}"
        share = f"{MONTHS}!{c}${made.rows['way_share.0']}:{c}${made.rows['way_share.0'] + ends}"
        first, late = (f"{MONTHS}!{c}${made.rows[f'collectable.{name}']}" for name in ("first", "late"))
        for month in range(served, made.plan.months):
            row = TOP + month
            left = f"({MONTH_DAYS}*($A{row}-{c}${INDEX_ROW}+1)-{days})"
            sheets[SHARES][f"{c}{row}"] = (
                f"=SUMPRODUCT({share}*(({left}>0)*({left}<{MONTH_DAYS})*{left}+({left}>={MONTH_DAYS})*{MONTH_DAYS}))")
            recovered = f"IF($A{row}-{wait}<{c}${INDEX_ROW},0,INDEX('{SHARES}'!{c}${TOP}:{c}${bottom},$A{row}-{wait}))"
            sheets[RECEIPTS][f"{c}{row}"] = (
                "=" + whole(f"{first}*'{SHARES}'!{c}{row}", LAG_PARTS) + "+" + whole(f"{late}*{recovered}", LAG_PARTS))
            for name in (SHARES, RECEIPTS):
                sheets[name][f"{c}{row}"].number_format = "#,##0"


def _cash(made: Months) -> None:
    made.section("Cash and balances")
    at = made.at
    place = {column: TOP + number for number, column in enumerate(made.columns)}
    made.add("received_to_date", lambda c, _: f"SUM({RECEIPTS}!${made.first}{place[c]}:{c}{place[c]})", "Received to date", "cents")
    made.add("receipts", lambda c, b: f"{at('received_to_date', c)}-{made.before('received_to_date', b)}", "Receipts", "cents")
    made.add("written_off", made.later("never_paid", "lag.write_off_months"), "Written off", "cents")
    made.add("recouped", made.later("reserve", "recoupment.delay_months"), "Recouped", "cents")
    made.add("cash", lambda c, _: f"{at('receipts', c)}-{at('recouped', c)}-{at('expense', c)}", "Net cash flow", "cents")
    for name, change, title in (("cumulative_cash", "cash", "Running cash flow"), ("cumulative_accrual", "accrual", "Running result")):
        made.rows[name] = made.row
        made.add(name, lambda c, b, name=name, change=change: f"{made.before(name, b)}+{at(change, c)}", title, "cents")
    opening = f"${made.first}${made.rows['in.opening_cash']}"
    made.add("balance", lambda c, _: f"{opening}+{at('cumulative_cash', c)}", "Cash at hand", "cents")
    made.rows["receivable"] = made.row
    made.add("receivable", lambda c, b: (
        f"{made.before('receivable', b)}+{at('revenue', c)}-{at('receipts', c)}-{at('written_off', c)}"), "Receivable", "cents")
    made.rows["reserve_balance"] = made.row
    made.add("reserve_balance", lambda c, b: f"{made.before('reserve_balance', b)}+{at('reserve', c)}-{at('recouped', c)}",
        "Recoupment reserve, balance", "cents")
    made.add("ar", lambda c, _: f"{at('receivable', c)}-{at('reserve_balance', c)}", "Receivable less reserve", "cents")
    made.add("back_above_zero", lambda c, _: (
        f"IF(AND({c}${INDEX_ROW}>=MATCH(MIN({made.line('cumulative_cash')}),{made.line('cumulative_cash')},0),"
        f"{at('cumulative_cash', c)}>=0),1,0)"), "Past the peak and back at zero", "1 or 0")


def _unit_economics(made: Months) -> None:
    made.section("Break-even of a coordinator (not rounded)")
    at, levels = made.at, made.plan.levels
    made.add("blend", lambda c, _: "(" + "+".join(
        f"{at(f'mix.{item}', c)}*{at(f'region.{region}', c)}*{at(f'rate.{item}.{region}', c)}" for item in levels for region in made.plan.regions)
        + f")/{SHARE**2}",
        "Rate of an average member", "cents")
    kept = ("in.fees.mco", "in.fees.lead_health_home", "in.lag.never_paid", "in.recoupment.rate")
    made.add("net_per_member", lambda c, _: (
        f"{at('blend', c)}*{at('billable_share', c)}/{SHARE}"
        f"*(1-{at('denial_share', c)}/{SHARE}+{at('denial_share', c)}/{SHARE}*{at('in.denials.recovered', c)}/{SHARE})"
        + "".join(f"*(1-{at(item, c)}/{SHARE})" for item in kept)), "Net revenue of a member-month", "cents")
    staff = ("salaries", "fringe", "supervision", "overhead_on_staff", "incentive")
    made.add("cost_per_position", lambda c, _: (
        f"IF({at('fte', c)}>0,({'+'.join(at(part, c) for part in staff)})*{MILLI}/{at('fte', c)},\"\")"),
        "Cost of a full-time coordinator", "cents")
    made.add("break_even", lambda c, _: (
        f"IF(AND(ISNUMBER({at('cost_per_position', c)}),{at('net_per_member', c)}>0),"
        f"{at('cost_per_position', c)}/{at('net_per_member', c)},\"\")"), "Members that pay for one coordinator", "members")
    for column in made.columns:
        made.sheet[f"{column}{made.rows['break_even']}"].number_format = "0.0"


def _proofs(made: Months) -> None:
    """Rows that must be zero in every month; the sheet Checks reads them."""
    made.section("Must be zero in every month")
    at, levels = made.at, made.plan.levels
    calendar = f"${made.first}${INDEX_ROW}:${made.last}${INDEX_ROW}"
    wait = f"${made.first}${made.rows['in.lag.write_off_months']}"
    place = {column: TOP + number for number, column in enumerate(made.columns)}

    def to_date(name: str, c: str, less: str = "0") -> str:
        return f"SUMPRODUCT(({calendar}<={c}${INDEX_ROW}-{less})*{made.line(name)})"

    made.add("proof.receivable", lambda c, _: (
        f"{at('receivable', c)}-({to_date('revenue', c)}-SUM({RECEIPTS}!${made.first}{place[c]}:{c}{place[c]})"
        f"-{to_date('never_paid', c, wait)})"), "Receivable, rolled forward less by month of service", "cents")
    made.add("proof.ar", lambda c, _: (
        f"{at('ar', c)}-({to_date('accrual', c)}-{to_date('cash', c)}-{to_date('written_off', c)})"),
        "Receivable less (accrual - cash - write-offs)", "cents")
    made.add("proof.members", lambda c, _: f"{at('members', c)}-({'+'.join(at(f'members.{item}', c) for item in levels)})",
        "Members less members by level", "1/1000")
    made.add("proof.mix", lambda c, _: f"{SHARE}-({'+'.join(at(f'mix.{item}', c) for item in levels)})", "Shares of levels less 1", "1/10000")
    made.add("proof.regions", lambda c, _: f"{SHARE}-({'+'.join(at(f'region.{item}', c) for item in made.plan.regions)})",
        "Shares of regions less 1", "1/10000")
    made.add("proof.ways", lambda c, _: f"{SHARE}-SUM({c}{made.rows['way_share.0']}:{c}{made.rows['way_share.0'] + len(WAYS) - 1})",
        "Shares of ways less 1", "1/10000")
    made.add("proof.capacity", lambda c, _: f"MAX(0,{at('members', c)}-{at('capacity', c)})", "Members above capacity", "1/1000")
    made.add("proof.transferred", lambda c, _: at("transferred", c), "Members sent on for want of capacity", "1/1000")
    made.add("proof.rates", lambda c, _: "+".join(
        f"IF(AND({at(f'mix.{item}', c) if item in levels else at('in.assessment.paid', c)}>0,{at(f'region.{region}', c)}>0,"
        f"N({at(f'rate.{item}.{region}', c)})<=0),1,0)" for item in made.plan.rated for region in made.plan.regions),
        "Levels without a rate", "levels")
    made.add("proof.fails", lambda c, _: "MAX(0," + "+".join(at(f"in.{key}", c) for key in FAILURES) + f"-{SHARE})",
        "Failing shares above 1", "1/10000")
    made.add("proof.lag", lambda c, _: f"IF(MIN({c}{made.rows['way_days.0']}:{c}{made.rows['way_days.0'] + len(WAYS) - 1})<0,1,0)",
        "Negative lags", "1 or 0")
