"""What a care-coordination plan is asked for: every input and every lever, with its unit and its meaning.

One list serves the assumptions file, the input sheet of the workbook, the glossary and the messages.
Inside the plan every number is a whole number of a small unit, so that nothing depends on how a program
stores fractions: a share or factor in ten-thousandths, money in cents, members, staff and contacts in
thousandths, lags in days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

SHARE, CENTS, MILLI, MICRO = 10_000, 100, 1_000, 1_000_000
SCALES = {
    "share": SHARE,
    "factor": SHARE,
    "move": SHARE,
    "money": CENTS,
    "count": MILLI,
    "days": 1,
    "months": 1,
    "flag": 1,
}
EXPECTED = {
    "share": "a share from 0 to 1 with at most four decimals",
    "factor": "a factor of 0 or more with at most four decimals (1 leaves things as they are)",
    "move": "a change from -1 to 1 with at most four decimals (0 leaves things as they are)",
    "money": "dollars of 0 or more, to the cent",
    "count": "a number of 0 or more with at most three decimals",
    "days": "whole days, 0 or more",
    "months": "whole months, 0 or more",
    "flag": "true or false",
}
LARGEST = {
    "share": SHARE,
    "move": SHARE,
    "factor": 100 * SHARE,
    "money": 10**11,
    "count": 10**8,
    "days": 1_800,
    "months": 120,
    "flag": 1,
}


@dataclass(frozen=True)
class Field:
    """One input: where it stands in the file, its unit, and what it means. `default` None: it must be given."""

    key: str
    kind: str
    title: str
    note: str
    default: int | None = None
    dated: bool = True


def _stage(key: str, title: str) -> tuple[Field, Field, Field]:
    """One stage of payment: its days the usual way, and what share of the dollars takes how many days the slow way."""
    return (
        Field(f"{key}.days", "days", title, "Days from one stage of payment to the next, the usual way.", 0),
        Field(f"{key}.slow_share", "share", f"{title}, slow share", "Share of the dollars that take the slow way.", 0),
        Field(f"{key}.slow_days", "days", f"{title}, slow days", "Days, the slow way.", 0),
    )


FIELDS: tuple[Field, ...] = (
    Field("opening_cash", "money", "Opening cash", "Cash at hand for the programme before its first month.", 0, False),
    Field(
        "enrolment.reached", "share", "Reached by outreach", "Of eligible referrals, the share that outreach reaches."
    ),
    Field(
        "enrolment.enrolled",
        "share",
        "Enrolled of those reached",
        "Of those reached, the share that consents and enrols.",
    ),
    Field(
        "enrolment.delay_months",
        "months",
        "Months of outreach before enrolment",
        "Months from referral to enrolment.",
        0,
        False,
    ),
    Field(
        "enrolment.waiting_list_drop",
        "share",
        "Waiting list lost each month",
        "Of those who wait for a free place, the share that gives up each month.",
        0,
    ),
    Field(
        "enrolment.disenrolment",
        "share",
        "Disenrolment each month",
        "Of last month's members, the share that leaves.",
        0,
    ),
    Field(
        "enrolment.opening_members", "count", "Members at the start", "Members taken over on the first day.", 0, False
    ),
    Field(
        "staffing.vacancy", "share", "Vacancy", "Share of coordinator time that is vacant: neither paid nor working.", 0
    ),
    Field(
        "staffing.salary_index", "factor", "Salary index", "1 at the salaries listed; 1.03 after a raise of 3 %.", SHARE
    ),
    Field("staffing.fringe", "share", "Fringe", "Payroll taxes and benefits, as a share of salary.", 0),
    Field("staffing.supervisor_salary", "money", "Supervisor's salary", "A year, for one full-time supervisor.", 0),
    Field(
        "staffing.coordinators_per_supervisor",
        "count",
        "Coordinators per supervisor",
        "Full-time coordinators whom one supervisor leads.",
        6 * MILLI,
    ),
    Field("staffing.contacts_per_member", "count", "Contacts per member", "Contacts made per member and month.", 0),
    Field(
        "staffing.contacts_expected",
        "count",
        "Contacts expected",
        "Contacts per full-time coordinator and month before the incentive begins.",
        0,
    ),
    Field(
        "staffing.incentive_per_contact",
        "money",
        "Incentive per contact",
        "Paid for each contact above those expected.",
        0,
    ),
    Field(
        "billable.no_core_service",
        "share",
        "Months without a core service",
        "Member-months that cannot be billed because no core service was delivered.",
        0,
    ),
    Field(
        "billable.support_late",
        "share",
        "Billing support not completed",
        "Member-months whose billing questionnaire was not completed and uploaded in time.",
        0,
    ),
    Field(
        "billable.retro_disenrolled",
        "share",
        "Disenrolled backwards",
        "Member-months lost because eligibility was ended after the fact.",
        0,
    ),
    Field("denials.rate", "share", "Denied at first", "Of billed dollars, the share denied at first.", 0),
    Field("denials.recovered", "share", "Recovered of denied", "Of denied dollars, the share paid after follow-up.", 0),
    Field(
        "denials.recovery_months",
        "months",
        "Months to recover",
        "Months that a recovered denial is paid later than a clean claim.",
        0,
        False,
    ),
    Field("fees.mco", "share", "MCO retention", "Share that the managed-care organization keeps.", 0),
    Field(
        "fees.lead_health_home",
        "share",
        "Lead Health Home fee",
        "Share of what is left that the lead Health Home keeps.",
        0,
    ),
    Field(
        "outreach.paid",
        "flag",
        "Outreach is paid",
        "Off by default: New York's published rate tables hold no outreach code from 2022 on.",
        0,
        False,
    ),
    Field("outreach.rate", "money", "Outreach rate", "Per referral and month of outreach, where it is paid.", 0),
    Field(
        "outreach.months_limit",
        "months",
        "Outreach months paid",
        "The most months of outreach paid per referral; never more than the months of outreach before enrolment.",
        0,
        False,
    ),
    Field(
        "assessment.paid",
        "flag",
        "Assessments are paid",
        "Whether the one-off fee of a CANS-NY assessment (rate code 1868) is revenue of the agency. Off unless stated.",
        0,
        False,
    ),
    Field(
        "assessment.share",
        "share",
        "Assessments billed",
        "Of newly enrolled members, the share whose assessment is billed, once, in the month of enrolment; re-assessments bring no fee.",
        SHARE,
    ),
    *_stage("lag.uploaded_to_billed", "Upload to lead Health Home's bill"),
    *_stage("lag.billed_to_paid", "Bill to MCO or State payment"),
    *_stage("lag.paid_to_agency", "Lead Health Home's payment to us"),
    Field(
        "lag.never_paid", "share", "Never paid", "Of net revenue, the share that never arrives and is written off.", 0
    ),
    Field(
        "lag.write_off_months",
        "months",
        "Months until written off",
        "Months from service until what never arrives is written off.",
        12,
        False,
    ),
    Field(
        "recoupment.rate",
        "share",
        "Recoupment reserve",
        "Of net revenue, the share set aside because audits will take it back.",
        0,
    ),
    Field(
        "recoupment.delay_months",
        "months",
        "Months until recouped",
        "Months from service until it is taken back.",
        18,
        False,
    ),
    Field(
        "costs.overhead_share", "share", "Overhead on staff cost", "As a share of salaries, fringe and supervision.", 0
    ),
    Field("costs.overhead_monthly", "money", "Fixed overhead", "Dollars a month, whatever the caseload.", 0),
)
ASSESSMENT, OUTREACH = "assessment", "outreach"
"""What is billed beside the member-months: the level of the rate table that holds the assessment fee, and outreach."""
BY_KEY: Mapping[str, Field] = {field.key: field for field in FIELDS}
FAILURES = ("billable.no_core_service", "billable.support_late", "billable.retro_disenrolled")
STAGES = ("lag.uploaded_to_billed", "lag.billed_to_paid", "lag.paid_to_agency")


@dataclass(frozen=True)
class Lever:
    """One thing a scenario may change: neutral leaves the plan as it is; `low` to `high` is what is searched."""

    key: str
    kind: str
    title: str
    note: str
    neutral: int
    low: int
    high: int
    better: int
    """+1: more is better for cash; -1: less is."""


LEVERS: tuple[Lever, ...] = (
    Lever("referrals", "factor", "Referrals", "Times the referrals of every source.", SHARE, 0, 3 * SHARE, 1),
    Lever("engagement", "factor", "Engagement", "Times the share that enrols.", SHARE, 0, 2 * SHARE, 1),
    Lever("disenrolment", "factor", "Disenrolment", "Times the share that leaves.", SHARE, 0, 4 * SHARE, -1),
    Lever(
        "acuity_shift",
        "move",
        "Acuity shift",
        "Share of each level's members who move one level down; below 0: up.",
        0,
        -SHARE,
        SHARE,
        -1,
    ),
    Lever(
        "failed_months",
        "factor",
        "Months that fail",
        "Times the member-months that cannot be billed.",
        SHARE,
        0,
        4 * SHARE,
        -1,
    ),
    Lever("denials", "move", "Denials", "Added to the share denied at first.", 0, -SHARE, SHARE, -1),
    Lever("rate", "factor", "Rates", "Times every rate of the rate table.", SHARE, 0, 3 * SHARE, 1),
    Lever("lag_days", "days", "Payment lag", "Days added between bill and MCO or State payment.", 0, -360, 360, -1),
    Lever("caseload", "factor", "Caseload", "Times the members that a coordinator carries.", SHARE, 0, 3 * SHARE, 1),
    Lever("salary", "factor", "Salaries", "Times every salary.", SHARE, 0, 3 * SHARE, -1),
)
LEVER_BY_KEY: Mapping[str, Lever] = {lever.key: lever for lever in LEVERS}
NEUTRAL: Mapping[str, int] = {lever.key: lever.neutral for lever in LEVERS}


def exact(value: Any, kind: str, *, signed: bool = False) -> int:
    """A number of the file as whole small units, or ValueError with what was expected.

    >>> exact(0.88, "share"), exact("62000.00", "money"), exact(12.5, "count"), exact(True, "flag")
    (8800, 6200000, 12500, 1)
    >>> exact(-3, "days")
    Traceback (most recent call last):
        ...
    ValueError: whole days, 0 or more
    """
    expected = EXPECTED[kind]
    if isinstance(value, bool) != (kind == "flag") or value is None:
        raise ValueError(expected)
    if kind == "flag":
        return int(value)
    try:
        number = Decimal(str(value).replace(",", "").removeprefix("$")) * SCALES[kind]
    except InvalidOperation:
        raise ValueError(expected) from None
    low = -SHARE if kind == "move" else -LARGEST[kind] if signed else 0
    if not number.is_finite() or number != number.to_integral_value() or not low <= number:
        raise ValueError(expected)
    if number > LARGEST[kind]:
        raise ValueError(
            expected if kind in ("share", "move") else f"{expected}, at most {LARGEST[kind] // SCALES[kind]:,}"
        )
    return int(number)


def natural(units: int, kind: str) -> bool | int | Decimal:
    """Small units back as the number a person writes.

    >>> natural(8800, "share"), natural(6200000, "money"), natural(45, "days")
    (Decimal('0.88'), Decimal('62000'), 45)
    """
    if kind == "flag":
        return bool(units)
    return int(units) if SCALES[kind] == 1 else Decimal(int(units)) / SCALES[kind]
