"""The rows of the sheet Months that count people: staff, acuity, referrals, members, billable member-months."""

from __future__ import annotations

from ....models.plan.fields import FAILURES, MICRO, MILLI, SHARE
from .inputs import STAFF
from .rows import CENTS, END_ROW, INDEX_ROW, MEMBERS, MONTH_ROW, PARTS, Months, whole


def write_members(made: Months) -> None:
    """Staff to billable units, in the order of `models.plan.engine`."""
    _staff(made)
    _mix(made)
    _rates(made)
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
    """One row of the sheet Staff: months served, time filled, time at work, pay."""
    at, title = made.at, f"Position {number + 1}"
    hired, left, fte, salary = (f"{STAFF}!${column}${row}" for column in "BCDE")
    ramp = f"{STAFF}!$B${made.inputs.ramp[0]}:$B${made.inputs.ramp[1]}"
    served = f"served.{number}"
    made.add(
        served,
        lambda c, _: (
            f"IF(ISNUMBER({hired}),IF(OR({c}${END_ROW}<{hired},AND(ISNUMBER({left}),{c}${MONTH_ROW}>{left})),0,"
            f"(YEAR({c}${MONTH_ROW})-YEAR({hired}))*12+MONTH({c}${MONTH_ROW})-MONTH({hired})+1),0)"
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
    """The acuity mix after the scenario's shift; a level's members cannot move below the lowest or above the
    highest."""
    made.section("Acuity and rates")
    at, levels = made.at, made.plan.levels
    for place, level in enumerate(levels):
        for way, may, sign in (("down", place > 0, ""), ("up", place + 1 < len(levels), "-")):
            made.add(
                f"move_{way}.{level}",
                lambda c, _, level=level, may=may, sign=sign: (
                    whole(f"{at(f'in.mix.{level}', c)}*MAX({sign}{at('lever.acuity_shift', c)},0)", SHARE)
                    if may
                    else "0"
                ),
                f"Share that moves {way}, {level}",
                PARTS,
            )
    for place, level in enumerate(levels):
        come = [f"move_down.{other}" for other in levels[place + 1 : place + 2]] + [
            f"move_up.{other}" for other in levels[max(place - 1, 0) : place]
        ]
        made.add(
            f"mix.{level}",
            lambda c, _, level=level, come=come: (
                f"{at(f'in.mix.{level}', c)}-{at(f'move_down.{level}', c)}-{at(f'move_up.{level}', c)}"
                + "".join(f"+{at(name, c)}" for name in come)
            ),
            f"Share of members, {level}",
            PARTS,
        )
        made.total(f"mix_to.{level}", [f"mix.{item}" for item in levels[: place + 1]], f"Share up to {level}", PARTS)
    made.add(
        "load",
        lambda c, _: whole(
            "+".join(f"{at(f'mix.{level}', c)}*{at(f'in.one_member.{level}', c)}" for level in levels), SHARE
        ),
        "Coordinator time of an average member",
        "millionths",
    )


def _rates(made: Months) -> None:
    """Where the members live, and what each level (and an assessment) is paid there."""
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
    made.section("Referrals to enrolment")
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
        "Disenrolment",
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
        "left", lambda c, b: whole(f"{members(b)}*{at('disenrolment_share', c)}", SHARE), "Left the programme", MEMBERS
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
    """The members by level and region, each sum to the whole."""
    at = made.at
    made.split("members", made.plan.levels, lambda level, c: at(f"mix_to.{level}", c), "Members")
    for level in made.plan.levels:
        made.split_by_region(f"members.{level}", f"Members, {level}")
    for region in made.plan.regions:
        made.total(
            f"members_in.{region}",
            [f"members.{level}.{region}" for level in made.plan.levels],
            f"Members, {region}",
            MEMBERS,
        )


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
        """The failing shares up to a reason; by default all."""
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
