"""The rows of the sheet Months that count money, and the sheets Paid share and Receipts that say when it arrives."""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from ....models.plan.engine import LAG_PARTS, MONTH_DAYS, WAYS
from ....models.plan.fields import ASSESSMENT, MILLI, SHARE, STAGES
from .inputs import STAFF, head_row, heading
from .rows import (
    CENTS,
    END_ROW,
    FIRST,
    INDEX_ROW,
    MEMBERS,
    MONTH_ROW,
    MONTHS,
    PARTS,
    RECEIPTS,
    SHARES,
    TOP,
    Months,
    whole,
)


def write_money(book: Workbook, made: Months) -> None:
    """The rows that count money, from billed dollars to cash and balances, in the order of `models.plan.engine`."""
    _billed(made)
    _revenue(made)
    _expense(made)
    _ways(made)
    if made.base is None:
        _write_triangles(book, made)
    _cash(made)
    _unit_economics(made)


def _billed(made: Months) -> None:
    made.section("Revenue of the month of service")
    at = made.at
    made.product("billed.outreach", "outreach_units", "in.outreach.rate", "Billed, outreach", CENTS, divisor=MILLI)
    paid = made.fixed("in.assessment.paid")
    made.add(
        f"units.{ASSESSMENT}",
        lambda c, _: (
            f"({whole(at('enrolled', c) + '*' + at('in.assessment.share', c), SHARE)}"
            f"+{whole(at('members', c) + '*' + at('in.assessment.again', c), SHARE)})*{paid}"
        ),
        "Assessments billed",
        MEMBERS,
    )
    made.split_by_region(f"units.{ASSESSMENT}", "Assessments billed")
    for level in made.plan.rated:
        names = [f"{level}.{region}" for region in made.plan.regions]
        for name in names:
            made.product(
                f"billed.{name}",
                f"units.{name}",
                f"rate.{name}",
                f"Billed, {name.replace('.', ', ')}",
                CENTS,
                divisor=MILLI,
            )
        made.total(f"billed.{level}", [f"billed.{name}" for name in names], f"Billed, {level}", CENTS)
    made.total("billed", [f"billed.{part}" for part in ("outreach", *made.plan.rated)], "Billed", CENTS)


def _revenue(made: Months) -> None:
    """From billed dollars to the dollars that will be collected, in two streams: paid at the first answer, and
    recovered later from denials."""
    at = made.at
    made.add(
        "denial_share",
        lambda c, _: f"MIN({SHARE},MAX(0,{at('in.denials.rate', c)}+{at('lever.denials', c)}))",
        "Denied at first",
        PARTS,
    )
    made.product("denied", "billed", "denial_share", "Denied at first", CENTS)
    made.add("accepted", lambda c, _: f"{at('billed', c)}-{at('denied', c)}", "Accepted", CENTS)
    made.product("recovered", "denied", "in.denials.recovered", "Recovered of denied", CENTS)
    for stream, name, words in (("accepted", "first", "first answers"), ("recovered", "late", "recoveries")):
        _less(
            made,
            stream,
            "in.fees.mco",
            (f"mco_fee.{name}", f"MCO retention, {words}"),
            (f"after_mco.{name}", f"After MCO, {words}"),
        )
        _less(
            made,
            f"after_mco.{name}",
            "in.fees.lead_health_home",
            (f"lead_fee.{name}", f"Lead Health Home fee, {words}"),
            (f"net.{name}", f"Net revenue, {words}"),
        )
        _less(
            made,
            f"net.{name}",
            "in.lag.never_paid",
            (f"never_paid.{name}", f"Never paid, {words}"),
            (f"collectable.{name}", f"Collectable, {words}"),
        )
    made.total(
        "fees", [f"{fee}.{name}" for fee in ("mco_fee", "lead_fee") for name in ("first", "late")], "Fees", CENTS
    )
    made.total("revenue", ["net.first", "net.late"], "Net revenue", CENTS)
    made.total("never_paid", ["never_paid.first", "never_paid.late"], "Never paid", CENTS)
    made.product("reserve", "revenue", "in.recoupment.rate", "Recoupment reserve", CENTS)


def _less(made: Months, source: str, share: str, taken: tuple[str, str], left: tuple[str, str]) -> None:
    """Two rows: the share of `source` that is taken off, and what is left; `taken` and `left` hold name and title."""
    made.product(taken[0], source, share, taken[1], CENTS)
    made.add(left[0], lambda c, _: f"{made.at(source, c)}-{made.at(taken[0], c)}", left[1], CENTS)


def _expense(made: Months) -> None:
    made.section("Expense and result")
    at = made.at
    made.product("fringe", "salaries", "in.staffing.fringe", "Fringe", CENTS)
    made.add(
        "supervision_pay",
        lambda c, _: whole(
            at("fte", c) + "*" + whole(f"{at('in.staffing.supervisor_salary', c)}*{at('salary_index', c)}", SHARE),
            f"(12*{at('in.staffing.coordinators_per_supervisor', c)})",
        ),
        "Supervision, salaries",
        CENTS,
    )
    made.add(
        "supervision",
        lambda c, _: whole(f"{at('supervision_pay', c)}*({SHARE}+{at('in.staffing.fringe', c)})", SHARE),
        "Supervision",
        CENTS,
    )
    made.product("contacts", "members", "in.staffing.contacts_per_member", "Contacts", MEMBERS, divisor=MILLI)
    made.product(
        "contacts_expected", "fte", "in.staffing.contacts_expected", "Contacts expected", MEMBERS, divisor=MILLI
    )
    made.add(
        "incentive",
        lambda c, _: whole(
            f"MAX(0,{at('contacts', c)}-{at('contacts_expected', c)})*{at('in.staffing.incentive_per_contact', c)}",
            MILLI,
        ),
        "Incentive",
        CENTS,
    )
    made.add(
        "overhead_on_staff",
        lambda c, _: whole(
            f"({made.sum(('salaries', 'fringe', 'supervision'), c)})*{at('in.costs.overhead_share', c)}", SHARE
        ),
        "Overhead on staff",
        CENTS,
    )
    made.total("overhead_fixed", ["in.costs.overhead_monthly"], "Fixed overhead", CENTS)
    first, last = made.inputs.startup
    paid, amount = f"{STAFF}!$B${first}:$B${last}", f"{STAFF}!$C${first}:$C${last}"
    made.add(
        "startup",
        lambda c, _: f"SUMPRODUCT(({paid}>={c}${MONTH_ROW})*({paid}<={c}${END_ROW})*ROUND(100*{amount},0))",
        "Start-up",
        CENTS,
    )
    parts = ("salaries", "fringe", "supervision", "incentive", "overhead_on_staff", "overhead_fixed", "startup")
    made.total("expense", parts, "Expense", CENTS)
    made.add(
        "accrual", lambda c, _: f"{at('revenue', c)}-{at('reserve', c)}-{at('expense', c)}", "Accrual result", CENTS
    )


def _ways(made: Months) -> None:
    made.section("The eight ways through the three stages of payment, by month of service")
    at = made.at

    def days(stage: int, slow: int, c: str) -> str:
        out = at(f"in.{STAGES[stage]}.{'slow_days' if slow else 'days'}", c)
        return f"MAX(0,{out}+{at('lever.lag_days', c)})" if stage == 1 else out

    def share(stage: int, slow: int, c: str) -> str:
        out = at(f"in.{STAGES[stage]}.slow_share", c)
        return out if slow else f"({SHARE}-{out})"

    def part(way: tuple[int, ...], c: str) -> str:
        return whole(whole(f"{share(0, way[0], c)}*{share(1, way[1], c)}", SHARE) + f"*{share(2, way[2], c)}", SHARE)

    words = [", ".join("slow" if slow else "usual" for slow in way) for way in WAYS]
    for number, way in enumerate(WAYS):
        made.add(
            f"way_days.{number}",
            lambda c, _, way=way: "+".join(days(stage, slow, c) for stage, slow in enumerate(way)),
            f"Days: {words[number]}",
            "days",
        )
    # Rounding: the other ways are rounded, and the first way takes what is left, so that no dollar is lost.
    first, last = made.row + 1, made.row + len(WAYS) - 1
    made.add("way_share.0", lambda c, _: f"{SHARE}-SUM({c}{first}:{c}{last})", f"Share of dollars: {words[0]}", PARTS)
    for number, way in enumerate(WAYS[1:], 1):
        made.add(f"way_share.{number}", lambda c, _, way=way: part(way, c), f"Share of dollars: {words[number]}", PARTS)


def _write_triangles(book: Workbook, made: Months) -> None:
    """The sheets Paid share and Receipts: which part of each month of service has been paid by the end of each month,
    and how many dollars that is."""
    shares = _triangle(
        book,
        made,
        SHARES,
        "Paid share",
        f"Of a month of service (across), parts of {LAG_PARTS:,} that have arrived by the end of a month (down).",
    )
    receipts = _triangle(
        book,
        made,
        RECEIPTS,
        "Receipts to date",
        "Cents of a month of service (across) that have arrived by the end of a month (down).",
    )
    wait = f"{MONTHS}!{made.fixed('in.denials.recovery_months')}"
    bottom = TOP + made.plan.months - 1
    for served, c in enumerate(made.columns):
        days, share = (f"{MONTHS}!{made.by_way(name, c)}" for name in ("way_days", "way_share"))
        first, late = (f"{MONTHS}!{c}${made.rows[f'collectable.{name}']}" for name in ("first", "late"))
        for row in range(TOP + served, bottom + 1):
            left = f"({MONTH_DAYS}*($A{row}-{c}${INDEX_ROW}+1)-{days})"
            recovered = f"IF($A{row}-{wait}<{c}${INDEX_ROW},0,INDEX('{SHARES}'!{c}${TOP}:{c}${bottom},$A{row}-{wait}))"
            shares[f"{c}{row}"] = (
                f"=SUMPRODUCT({share}*(({left}>0)*({left}<{MONTH_DAYS})*{left}+({left}>={MONTH_DAYS})*{MONTH_DAYS}))"
            )
            receipts[f"{c}{row}"] = (
                "=" + whole(f"{first}*'{SHARES}'!{c}{row}", LAG_PARTS) + "+" + whole(f"{late}*{recovered}", LAG_PARTS)
            )
            shares[f"{c}{row}"].number_format = receipts[f"{c}{row}"].number_format = "#,##0"


def _triangle(book: Workbook, made: Months, name: str, title: str, words: str) -> Worksheet:
    """A sheet with its headings and no figures yet: a column for each month of service, a row for each month's end."""
    sheet = book.create_sheet(name)
    heading(sheet, title, words)
    head_row(sheet, TOP - 2, ["Month", "", ""])
    sheet.freeze_panes = sheet.cell(TOP, FIRST)
    for number, column in enumerate(made.columns):
        sheet[f"{column}{INDEX_ROW}"] = sheet.cell(TOP + number, 1).value = number + 1
        for cell in (sheet[f"{column}{MONTH_ROW}"], sheet.cell(TOP + number, 2)):
            cell.value, cell.number_format = f"={MONTHS}!{column}{MONTH_ROW}", "mmm yyyy"
        sheet.column_dimensions[column].width = 12
    return sheet


def _cash(made: Months) -> None:
    made.section("Cash and balances")
    at, before = made.at, made.before
    made.add("received_to_date", lambda c, _: made.arrived(c), "Received to date", CENTS)
    made.add("receipts", lambda c, b: f"{at('received_to_date', c)}-{before('received_to_date', b)}", "Receipts", CENTS)
    made.add("written_off", made.later("never_paid", "lag.write_off_months"), "Written off", CENTS)
    made.add("recouped", made.later("reserve", "recoupment.delay_months"), "Recouped", CENTS)
    made.add("cash", lambda c, _: f"{at('receipts', c)}-{at('recouped', c)}-{at('expense', c)}", "Net cash flow", CENTS)
    made.expect("cumulative_cash", "cumulative_accrual")
    made.add(
        "cumulative_cash", lambda c, b: f"{before('cumulative_cash', b)}+{at('cash', c)}", "Running cash flow", CENTS
    )
    made.add(
        "cumulative_accrual",
        lambda c, b: f"{before('cumulative_accrual', b)}+{at('accrual', c)}",
        "Running result",
        CENTS,
    )
    made.add(
        "balance", lambda c, _: f"{made.fixed('in.opening_cash')}+{at('cumulative_cash', c)}", "Cash at hand", CENTS
    )
    made.expect("receivable", "reserve_balance")
    made.add(
        "receivable",
        lambda c, b: f"{before('receivable', b)}+{at('revenue', c)}-{at('receipts', c)}-{at('written_off', c)}",
        "Receivable",
        CENTS,
    )
    made.add(
        "reserve_balance",
        lambda c, b: f"{before('reserve_balance', b)}+{at('reserve', c)}-{at('recouped', c)}",
        "Recoupment reserve, balance",
        CENTS,
    )
    made.add("ar", lambda c, _: f"{at('receivable', c)}-{at('reserve_balance', c)}", "Receivable less reserve", CENTS)
    running = made.line("cumulative_cash")
    made.add(
        "back_above_zero",
        lambda c, _: f"IF(AND({c}${INDEX_ROW}>=MATCH(MIN({running}),{running},0),{at('cumulative_cash', c)}>=0),1,0)",
        "Past the peak and back at zero",
        "1 or 0",
    )


def _unit_economics(made: Months) -> None:
    made.section("Break-even of a coordinator (not rounded)")
    at, plan = made.at, made.plan
    made.add(
        "blend",
        lambda c, _: (
            "("
            + "+".join(
                f"{at(f'mix.{level}.{region}', c)}*{at(f'region.{region}', c)}*{at(f'rate.{level}.{region}', c)}"
                for level in plan.levels
                for region in plan.regions
            )
            + f")/{SHARE**2}"
        ),
        "Rate of an average member",
        CENTS,
    )
    kept = ("in.fees.mco", "in.fees.lead_health_home", "in.lag.never_paid", "in.recoupment.rate")
    made.add(
        "net_per_member",
        lambda c, _: (
            f"{at('blend', c)}*{at('billable_share', c)}/{SHARE}"
            f"*(1-{at('denial_share', c)}/{SHARE}+{at('denial_share', c)}/{SHARE}"
            f"*{at('in.denials.recovered', c)}/{SHARE})" + "".join(f"*(1-{at(item, c)}/{SHARE})" for item in kept)
        ),
        "Net revenue of a member-month",
        CENTS,
    )
    staff = ("salaries", "fringe", "supervision", "overhead_on_staff", "incentive")
    made.add(
        "cost_per_position",
        lambda c, _: f'IF({at("fte", c)}>0,({made.sum(staff, c)})*{MILLI}/{at("fte", c)},"")',
        "Cost of a full-time coordinator",
        CENTS,
    )
    made.add(
        "break_even",
        lambda c, _: (
            f"IF(AND(ISNUMBER({at('cost_per_position', c)}),{at('net_per_member', c)}>0),"
            f'{at("cost_per_position", c)}/{at("net_per_member", c)},"")'
        ),
        "Members that pay for one coordinator",
        "members",
    )
    for column in made.columns:
        made.sheet[at("break_even", column)].number_format = "0.0"
