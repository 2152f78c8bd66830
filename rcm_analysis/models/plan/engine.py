"""The arithmetic of a care-coordination plan, month by month, for one scenario or thousands at once.

Everything is whole numbers (int64): cents, thousandths of a member, ten-thousandths of a share. The one
rounding rule: a product is divided once, and the quotient becomes a whole number, halves away from zero
(`whole`); in the workbook the same place holds `ROUND(product/divisor, 0)`. As long as the product stays
below 2^52 both give the same number, always. Only the capacity is cut off instead (`INT`), so that it is
never exceeded. What is split into parts (members into levels) is split by running totals, so that the
parts always sum to the whole.

Every row that `run` returns is a row of the workbook under the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ParameterError
from .assumptions import Assumptions, Scenario, at, path
from .fields import ASSESSMENT, FAILURES, LEVERS, MICRO, MILLI, SHARE, STAGES

Rows = dict[str, np.ndarray]
"""One array per row of the plan: a line per scenario or draw, a column per month."""

MONTH_DAYS = 30
LAG_PARTS = SHARE * MONTH_DAYS
EXACT = 2**52
WAYS = tuple((one, two, three) for one in (0, 1) for two in (0, 1) for three in (0, 1))
"""The usual (0) or the slow way (1) through each of the three stages of payment."""


def whole(product: np.ndarray | np.int64, divisor: np.ndarray | int) -> np.ndarray:
    """product / divisor as a whole number, halves away from zero.

    >>> whole(np.array([5, -5, 14]), 10).tolist()
    [1, -1, 1]
    """
    product, divisor = np.asarray(product, dtype=np.int64), np.asarray(divisor, dtype=np.int64)
    if product.size and max(product.max(), -product.min()) >= EXACT:
        raise ParameterError(
            "The plan's amounts are too large to be kept to the cent (a product passes 2^52). Look for an "
            "amount with too many zeros in the assumptions. Nothing was run."
        )
    return np.sign(product) * ((2 * np.abs(product) + divisor) // (2 * divisor))


def added(parts: Iterable[np.ndarray]) -> np.ndarray:
    """The arrays added up; of none, 0.

    >>> added([np.array([1, 2]), np.array([3, 4])]).tolist()
    [4, 6]
    """
    return np.asarray(np.sum(list(parts), axis=0, dtype=np.int64))


@dataclass(frozen=True)
class LaggedScenario:
    """What a plan is run under: a scenario, and where asked for one fixed lag instead of the stages'."""

    scenario: Scenario
    lag_days: int | None = None


def run(assumptions: Assumptions, cases: Iterable[LaggedScenario | Scenario]) -> Rows:
    """Every monthly row of the plan for each case.

    Unit
        by the row's name: `members…`, `units…`, `referrals…` thousandths of a member; `…_share`, `mix.…`,
        ten-thousandths; `fte…` thousandths of a position; everything else cents
    """
    full = [case if isinstance(case, LaggedScenario) else LaggedScenario(case) for case in cases]
    rows = levers_by_month(assumptions, [case.scenario for case in full])
    given = {key: np.array(assumptions.path(key), dtype=np.int64) for key in assumptions.values}
    _staff(assumptions, rows, given)
    _rates_and_mix(assumptions, rows)
    _demand(assumptions, rows, given)
    _membership(assumptions, rows, given)
    _units(assumptions, rows, given)
    _revenue(assumptions, rows, given)
    _expense(assumptions, rows, given)
    _cash(assumptions, rows, given, [case.lag_days for case in full])
    return rows


def levers_by_month(assumptions: Assumptions, scenarios: Sequence[Scenario]) -> Rows:
    """Each lever in each month: its value while the scenario holds, neutral outside."""
    months = np.array(assumptions.month_labels)
    holds = np.array([(months >= (item.first or "")) & (months <= (item.last or "9999-12")) for item in scenarios])
    return {
        f"lever.{lever.key}": np.where(
            holds, np.array([[item.lever(lever.key)] for item in scenarios], dtype=np.int64), lever.neutral
        )
        for lever in LEVERS
    }


def _staff(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray]) -> None:
    """Positions filled, positions at work after their training, and what they earn."""
    index, ramp = whole(given["staffing.salary_index"] * rows["lever.salary"], SHARE), np.array([0, *plan.ramp])
    rows["salary_index"] = index
    for name in ("fte", "productive", "salaries"):
        rows[name] = np.zeros_like(index)
    for number, person in enumerate(plan.coordinators):
        later = rows["lever.hiring"] if person.hired >= plan.start else np.zeros_like(index)
        served = _months_served(person.hired, person.last_month, plan.month_labels, later)
        rows[f"fte.{number}"] = np.where(served > 0, whole(person.fte * (SHARE - given["staffing.vacancy"]), SHARE), 0)
        at_work = ramp[np.minimum(served, len(plan.ramp))]
        rows[f"productive.{number}"] = whole(rows[f"fte.{number}"] * at_work, SHARE)
        rows[f"salary.{number}"] = whole(whole(person.salary * index, SHARE) * rows[f"fte.{number}"], 12 * MILLI)
        rows["fte"] = rows["fte"] + rows[f"fte.{number}"]
        rows["productive"] = rows["productive"] + rows[f"productive.{number}"]
        rows["salaries"] = rows["salaries"] + rows[f"salary.{number}"]


def _months_served(hired: str, last: str | None, months: Sequence[str], later: np.ndarray) -> np.ndarray:
    """Months in the position, the present one included, were it filled so many months later; 0 before and after it."""

    def count(month: str) -> int:
        return int(month[:4]) * 12 + int(month[5:])

    since = np.array([count(month) - count(hired) + 1 for month in months], dtype=np.int64)
    gone = np.array([last is not None and month > last for month in months])
    return np.where(gone, 0, np.maximum(0, since - later))


def _rates_and_mix(plan: Assumptions, rows: Rows) -> None:
    """Rates in force, and the acuity mix after the scenario's shift; the load of an average member."""
    _regions(plan, rows)
    for region in plan.regions:
        _mix(plan, rows, region)
    load = np.zeros_like(rows["lever.acuity_shift"])
    before = np.zeros_like(load)
    for level in plan.levels:
        upto = added(rows[f"region.{region}"] * rows[f"mix_to.{level}.{region}"] for region in plan.regions)
        rows[f"mix_to.{level}"] = whole(upto, SHARE)
        rows[f"mix.{level}"], before = rows[f"mix_to.{level}"] - before, rows[f"mix_to.{level}"]
        here = added(rows[f"region.{region}"] * rows[f"mix.{level}.{region}"] for region in plan.regions)
        load = load + here * one_member(plan.caseload[level])
    rows["load"] = whole(load, SHARE**2)


def _mix(plan: Assumptions, rows: Rows, region: str) -> None:
    """The shares of the levels in one region after the scenario's shift; nobody moves below the lowest level or above
    the highest."""
    shift, given = rows["lever.acuity_shift"], plan.mix_of(region)
    base = [np.array(path(given[level], plan.month_labels), dtype=np.int64) for level in plan.levels]
    down = [whole(share * np.maximum(shift, 0), SHARE) for share in base]
    up = [whole(share * np.maximum(-shift, 0), SHARE) for share in base]
    down[0] = np.zeros_like(shift)
    up[-1] = np.zeros_like(shift)
    running = np.zeros_like(shift)
    for number, level in enumerate(plan.levels):
        mix = base[number] - down[number] - up[number]
        mix = mix + (down[number + 1] if number + 1 < len(base) else 0) + (up[number - 1] if number else 0)
        running = running + mix
        rows[f"mix.{level}.{region}"], rows[f"mix_to.{level}.{region}"] = mix, running


def _regions(plan: Assumptions, rows: Rows) -> None:
    """Where the members live, and what each level (and an assessment) is paid there."""
    months, running = plan.month_labels, np.zeros_like(rows["lever.rate"])
    for region, shares in plan.regions.items():
        rows[f"region.{region}"] = np.array(path(shares, months), dtype=np.int64) + np.zeros_like(running)
        rows[f"region_to.{region}"] = running = running + rows[f"region.{region}"]
        for level in plan.rated:
            rate = np.array(path(plan.rates[level][region], months), dtype=np.int64)
            rows[f"rate.{level}.{region}"] = whole(rate * rows["lever.rate"], SHARE)


def one_member(caseload: int) -> int:
    """The millionths of a full-time coordinator that one member needs, from the caseload in thousandths.

    >>> one_member(25_000)
    40000
    """
    return int(whole(np.int64(MICRO * MILLI), caseload))


def _demand(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray]) -> None:
    """Referrals to people who would enrol, and the outreach that may be billed for."""
    months = plan.month_labels
    rows["referrals"] = rows["eligible"] = np.zeros_like(rows["load"])
    for number, source in enumerate(plan.sources):
        monthly = np.array([at(source.monthly, month) for month in months], dtype=np.int64)
        quality = np.array([at(source.quality, month) for month in months], dtype=np.int64)
        rows[f"referrals.{number}"] = whole(monthly * rows["lever.referrals"], SHARE)
        rows[f"eligible.{number}"] = whole(rows[f"referrals.{number}"] * quality, SHARE)
        rows["referrals"] = rows["referrals"] + rows[f"referrals.{number}"]
        rows["eligible"] = rows["eligible"] + rows[f"eligible.{number}"]
    share = np.minimum(SHARE, whole(given["enrolment.enrolled"] * rows["lever.engagement"], SHARE))
    delay = int(given["enrolment.delay_months"][0])
    rows["enrolled_share"] = share
    rows["reached"] = whole(rows["eligible"] * given["enrolment.reached"], SHARE)
    rows["agreed"] = whole(rows["reached"] * share, SHARE)
    rows["arrivals"] = _later(rows["agreed"], delay)
    paid_months = min(delay, int(given["outreach.months_limit"][0])) * int(given["outreach.paid"][0])
    rows["outreach_units"] = sum(
        (_later(rows["eligible"], back) for back in range(paid_months)), np.zeros_like(rows["load"])
    )


def _later(values: np.ndarray, months: int) -> np.ndarray:
    """The same values that many months later; nothing before."""
    return np.concatenate(
        [np.zeros_like(values[:, : min(months, values.shape[1])]), values[:, : max(values.shape[1] - months, 0)]],
        axis=1,
    )


def _membership(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray]) -> None:
    """Month after month: who leaves, who waits, who is enrolled, never more than the staff can carry."""
    at_work = whole(rows["productive"] * rows["lever.caseload"], SHARE)
    rows["capacity"] = at_work * MICRO // rows["load"]
    leave = np.minimum(SHARE, whole(given["enrolment.disenrolment"] * rows["lever.disenrolment"], SHARE))
    rows["disenrolment_share"] = leave
    drop = given["enrolment.waiting_list_drop"]
    names = ("left", "transferred", "gave_up", "enrolled", "waiting", "members")
    out = {name: np.zeros_like(rows["load"]) for name in names}
    members = np.zeros(len(rows["load"]), dtype=np.int64) + int(given["enrolment.opening_members"][0])
    waiting = np.zeros_like(members)
    for month in range(plan.months):
        left = whole(members * leave[:, month], SHARE)
        transferred = np.maximum(0, members - left - rows["capacity"][:, month])
        staying = members - left - transferred
        gave_up = whole(waiting * drop[month], SHARE)
        asking = waiting - gave_up + rows["arrivals"][:, month]
        enrolled = np.minimum(asking, rows["capacity"][:, month] - staying)
        waiting, members = asking - enrolled, staying + enrolled
        for name, value in zip(names, (left, transferred, gave_up, enrolled, waiting, members), strict=True):
            out[name][:, month] = value
    rows.update(out)
    for region, living in split(rows["members"], {part: rows[f"region_to.{part}"] for part in plan.regions}).items():
        rows[f"members_in.{region}"] = living
        running = {level: rows[f"mix_to.{level}.{region}"] for level in plan.levels}
        rows.update({f"members.{level}.{region}": count for level, count in split(living, running).items()})
    for level in plan.levels:
        rows[f"members.{level}"] = added(rows[f"members.{level}.{region}"] for region in plan.regions)


def split_by_region(plan: Assumptions, rows: Rows, name: str) -> None:
    """A row into one per region, by the shares of the regions."""
    _add_parts(rows, name, split(rows[name], {region: rows[f"region_to.{region}"] for region in plan.regions}))


def split(
    amount: np.ndarray, running: Mapping[str, np.ndarray], total: np.ndarray | int = SHARE
) -> dict[str, np.ndarray]:
    """An amount in parts, by each part's running total of the shares: rounded each, they still sum to the whole.

    >>> split(np.array([10]), {"a": np.array([3_333]), "b": np.array([6_666]), "c": np.array([10_000])})
    {'a': array([3]), 'b': array([4]), 'c': array([3])}
    """
    parts, before = {}, np.zeros_like(amount)
    for part, share in running.items():
        upto = whole(amount * share, total)
        parts[part], before = upto - before, upto
    return parts


def _add_parts(rows: Rows, name: str, parts: Mapping[str, np.ndarray]) -> None:
    rows.update({f"{name}.{part}": amount for part, amount in parts.items()})


def _units(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray]) -> None:
    """Member-months that can be billed, and why the others cannot."""
    running, fails = {}, np.zeros_like(rows["load"])
    for key in FAILURES:
        rows[f"fail_share.{key.split('.')[1]}"] = share = whole(given[key] * rows["lever.failed_months"], SHARE)
        fails = fails + share
        running[key.split(".")[1]] = fails
    rows["billable_share"] = np.maximum(0, SHARE - fails)
    rows["units"] = np.zeros_like(rows["load"])
    for level in plan.levels:
        for region in plan.regions:
            rows[f"units.{level}.{region}"] = whole(rows[f"members.{level}.{region}"] * rows["billable_share"], SHARE)
        rows[f"units.{level}"] = added(rows[f"units.{level}.{region}"] for region in plan.regions)
        rows["units"] = rows["units"] + rows[f"units.{level}"]
    rows["lost"] = rows["members"] - rows["units"]
    _add_parts(rows, "lost", split(rows["lost"], running, np.maximum(fails, 1)))


def _revenue(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray]) -> None:
    """Billed dollars down to the net revenue of the month of service."""
    rows["billed"] = rows["billed.outreach"] = whole(rows["outreach_units"] * given["outreach.rate"], MILLI)
    first = whole(rows["enrolled"] * given["assessment.share"], SHARE)
    again = whole(rows["members"] * given["assessment.again"], SHARE)
    rows[f"units.{ASSESSMENT}"] = (first + again) * int(given["assessment.paid"][0])
    split_by_region(plan, rows, f"units.{ASSESSMENT}")
    for level in plan.rated:
        for region in plan.regions:
            rows[f"billed.{level}.{region}"] = whole(
                rows[f"units.{level}.{region}"] * rows[f"rate.{level}.{region}"], MILLI
            )
        rows[f"billed.{level}"] = added(rows[f"billed.{level}.{region}"] for region in plan.regions)
        rows["billed"] = rows["billed"] + rows[f"billed.{level}"]
    rows["denial_share"] = np.clip(given["denials.rate"] + rows["lever.denials"], 0, SHARE)
    rows["denied"] = whole(rows["billed"] * rows["denial_share"], SHARE)
    rows["accepted"] = rows["billed"] - rows["denied"]
    rows["recovered"] = whole(rows["denied"] * given["denials.recovered"], SHARE)
    for stream, name in (("accepted", "first"), ("recovered", "late")):
        rows[f"mco_fee.{name}"] = whole(rows[stream] * given["fees.mco"], SHARE)
        left = rows[stream] - rows[f"mco_fee.{name}"]
        rows[f"lead_fee.{name}"] = whole(left * given["fees.lead_health_home"], SHARE)
        rows[f"net.{name}"] = left - rows[f"lead_fee.{name}"]
        rows[f"never_paid.{name}"] = whole(rows[f"net.{name}"] * given["lag.never_paid"], SHARE)
        rows[f"collectable.{name}"] = rows[f"net.{name}"] - rows[f"never_paid.{name}"]
    rows["fees"] = added(rows[f"{fee}.{name}"] for fee in ("mco_fee", "lead_fee") for name in ("first", "late"))
    rows["revenue"] = rows["net.first"] + rows["net.late"]
    rows["never_paid"] = rows["never_paid.first"] + rows["never_paid.late"]
    rows["reserve"] = whole(rows["revenue"] * given["recoupment.rate"], SHARE)


def _expense(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray]) -> None:
    """What the month costs, and the accrual result."""
    rows["fringe"] = whole(rows["salaries"] * given["staffing.fringe"], SHARE)
    leader = whole(given["staffing.supervisor_salary"] * rows["salary_index"], SHARE)
    rows["supervision_pay"] = whole(rows["fte"] * leader, 12 * given["staffing.coordinators_per_supervisor"])
    rows["supervision"] = whole(rows["supervision_pay"] * (SHARE + given["staffing.fringe"]), SHARE)
    rows["contacts"] = whole(rows["members"] * given["staffing.contacts_per_member"], MILLI)
    rows["contacts_expected"] = whole(rows["fte"] * given["staffing.contacts_expected"], MILLI)
    above = np.maximum(0, rows["contacts"] - rows["contacts_expected"])
    rows["incentive"] = whole(above * given["staffing.incentive_per_contact"], MILLI)
    staff = rows["salaries"] + rows["fringe"] + rows["supervision"]
    rows["overhead_on_staff"] = whole(staff * given["costs.overhead_share"], SHARE)
    rows["overhead_fixed"] = given["costs.overhead_monthly"] + np.zeros_like(staff)
    rows["startup"] = np.array(
        [sum(item.amount for item in plan.startup if item.month == month) for month in plan.month_labels],
        dtype=np.int64,
    ) + np.zeros_like(staff)
    rows["expense"] = staff + rows["incentive"] + rows["overhead_on_staff"] + rows["overhead_fixed"] + rows["startup"]
    rows["accrual"] = rows["revenue"] - rows["reserve"] - rows["expense"]


def _cash(plan: Assumptions, rows: Rows, given: Mapping[str, np.ndarray], fixed: Sequence[int | None]) -> None:
    """Cash in its month, receivable and reserve, and the running balance."""
    late = int(given["denials.recovery_months"][0])
    received = np.zeros_like(rows["revenue"])
    days, weights = ways(rows, given, fixed)
    months = np.arange(plan.months)
    age = months[None, :] - months[:, None]
    for name, wait in (("first", 0), ("late", late)):
        paid = paid_parts(days, weights, age - wait)
        received = received + whole(rows[f"collectable.{name}"][:, :, None] * paid, LAG_PARTS).sum(axis=1)
    rows["received_to_date"] = received
    rows["receipts"] = np.diff(received, axis=1, prepend=0)
    rows["written_off"] = _later(rows["never_paid"], int(given["lag.write_off_months"][0]))
    rows["recouped"] = _later(rows["reserve"], int(given["recoupment.delay_months"][0]))
    rows["cash"] = rows["receipts"] - rows["recouped"] - rows["expense"]
    rows["cumulative_cash"] = rows["cash"].cumsum(axis=1)
    rows["cumulative_accrual"] = rows["accrual"].cumsum(axis=1)
    rows["balance"] = rows["cumulative_cash"] + int(given["opening_cash"][0])
    rows["receivable"] = (rows["revenue"] - rows["receipts"] - rows["written_off"]).cumsum(axis=1)
    rows["reserve_balance"] = (rows["reserve"] - rows["recouped"]).cumsum(axis=1)
    rows["ar"] = rows["receivable"] - rows["reserve_balance"]


def ways(
    rows: Rows, given: Mapping[str, np.ndarray], fixed: Sequence[int | None] = ()
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Total days of each of the eight ways through the three stages, and the share of dollars on it.

    A fixed lag puts every dollar of that case on one way of so many days.
    """
    like = rows["lever.lag_days"]
    usual = [given[f"{stage}.days"] + np.zeros_like(like) for stage in STAGES]
    slow = [given[f"{stage}.slow_days"] + np.zeros_like(like) for stage in STAGES]
    usual[1], slow[1] = (np.maximum(0, days + like) for days in (usual[1], slow[1]))
    share = [given[f"{stage}.slow_share"] + np.zeros_like(like) for stage in STAGES]
    days, weights = [], []
    for way in WAYS:
        days.append(added((slow if taken else usual)[stage] for stage, taken in enumerate(way)))
        parts = [share[stage] if taken else SHARE - share[stage] for stage, taken in enumerate(way)]
        weights.append(whole(whole(parts[0] * parts[1], SHARE) * parts[2], SHARE))
    weights[0] = SHARE - added(weights[1:])
    for place, lag in enumerate(fixed):
        if lag is not None:
            for number in range(len(WAYS)):
                days[number][place], weights[number][place] = lag, SHARE if number == 0 else 0
    return days, weights


def paid_parts(days: Sequence[np.ndarray], weights: Sequence[np.ndarray], age: np.ndarray) -> np.ndarray:
    """Of each month's collectable dollars (rows), the parts of 300,000 received by the end of each month.

    A lag of d days after a month of service arrives d/30 months later; what falls between two months is
    shared between them by days.
    """
    open_days = MONTH_DAYS * (age + 1)
    return sum(
        weight[:, :, None] * np.clip(open_days[None] - day[:, :, None], 0, MONTH_DAYS)
        for day, weight in zip(days, weights, strict=True)
    )
