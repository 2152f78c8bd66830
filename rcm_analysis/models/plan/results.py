"""Results against plan: which drivers made the difference, in dollars, and how each step of the programme did.

We start from the plan and replace its assumptions by what really happened, one driver after the other, always in this
order: volume, acuity mix, rate, billable share, denials, lag, expense. After each replacement the plan is computed
again. The change in dollars is that driver's variance. So the variances of a month sum to the whole difference
between the results and the plan, to the cent.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...ledger.ratios import quotient
from ...measures.coordination.caseloads import with_expected
from ...tables.schema_coordination import PLAN_LINES
from .actuals import BESIDE, IN_ALL, Actuals
from .assumptions import BASE, Assumptions
from .engine import LAG_PARTS, Rows, added, paid_parts, run, split, ways, whole
from .fields import MILLI, SHARE

DRIVERS = ("volume", "acuity mix", "rate", "billable share", "denials", "lag", "expense")


def variance(plan: Assumptions, actual: Actuals, *, scenario: str = BASE) -> pd.DataFrame:
    """The difference between what happened and the plan, month by month and driver by driver.

    Formula
        each driver = the plan computed with the actuals of this driver and of all before it, less the same computed
        with the actuals of those before it only:
        volume          the actual number of members, at the plan's acuity mix, rates, billable share, denials and lag
        acuity mix      the actual members of each level
        rate            the actual dollars per unit billed
        billable share  the actual units billed
        denials         the actual dollars denied; of these the plan's share is recovered
        lag             the actual receipts, less what would have arrived at the plan's lag
        expense         planned less actual expense
        Members of a level are spread over the regions as planned until the actual rates are put in: members who live
        elsewhere than planned show under rate. Outreach and assessments are the actual ones from the first driver on:
        they show under volume.
    Counts
        Every month of the actuals. Revenue that the actuals have no room for (`Actuals.without`) is left out of the
        plan, too. `revenue_cents` is the effect on the month's net revenue (the lag has none), `cash_cents` that on
        the month's receipts. Expense counts in both, as in `spending`; it is zero where the actuals give no expense.
    Unit
        cents; above zero is better than planned
    Shape
        month, driver, revenue_cents, cash_cents
    Source
        our own; successive substitution in the order listed
    """
    plan = comparable(plan, actual)
    rows = run(plan, [plan.scenario(scenario)])
    count = len(actual.months)
    steps = _steps(plan, rows, actual, count)
    before_revenue, before_cash = rows["revenue"][0, :count], rows["receipts"][0, :count]
    out = []
    for driver, (revenue, cash) in steps.items():
        out.append(_frame(actual, driver, revenue - before_revenue, cash - before_cash))
        before_revenue, before_cash = revenue, cash
    lines = spending(plan, actual, scenario=scenario)
    less = (lines["planned_cents"] - lines["spent_cents"]).groupby(lines["month"]).sum()
    saved = less.reindex(actual.months).to_numpy(dtype=np.int64)
    out.append(_frame(actual, "expense", saved, saved))
    return pd.concat(out, ignore_index=True).sort_values("month", kind="stable").reset_index(drop=True)


def spending(plan: Assumptions, actual: Actuals, *, scenario: str = BASE) -> pd.DataFrame:
    """What was spent beside the plan, by month and line of the plan.

    Counts
        A line that the actual months never hold, and a month of which they hold no expense at all, count as planned:
        is_told is False there. Overhead is that on staff and the fixed one; supervision holds its fringe.
    Unit
        cents
    Shape
        month, line, planned_cents, spent_cents, is_told; one line, `IN_ALL`, where the actuals tell one sum
    """
    count = len(actual.months)
    rows = {name: row[0, :count] for name, row in run(plan, [plan.scenario(scenario)]).items()}
    planned = {name: rows[name] for name in PLAN_LINES if name != "overhead"}
    planned["overhead"] = rows["overhead_on_staff"] + rows["overhead_fixed"]
    if not set(actual.expense["line"]) & set(PLAN_LINES):
        planned = {IN_ALL: rows["expense"]}
    told_months = np.isin(actual.months, actual.expense["month"].unique())
    out = []
    for line in (name for name in (*PLAN_LINES, IN_ALL) if name in planned):
        own = actual.expense[actual.expense["line"] == line]
        is_told = told_months & bool(len(own))
        spent = np.where(is_told, _by_month(own, "expense", actual), planned[line])
        out.append(
            pd.DataFrame(
                {"month": actual.months, "line": line, "planned_cents": planned[line], "spent_cents": spent}
            ).assign(is_told=is_told)
        )
    return pd.concat(out, ignore_index=True)


def comparable(plan: Assumptions, actual: Actuals) -> Assumptions:
    """The plan without the kinds of revenue that these actuals cannot show: actuals counted from stored tables hold no
    billed outreach, for example."""
    return plan.with_values(**{f"{name}__paid": 0 for name in actual.without})


def variance_totals(split: pd.DataFrame) -> pd.DataFrame:
    """One row per driver, in the order of the split, and the total.

    Shape
        driver, revenue_cents, cash_cents; the last row is "total"
    """
    totals = split.groupby("driver", sort=False)[["revenue_cents", "cash_cents"]].sum().reindex(DRIVERS).reset_index()
    total = pd.DataFrame([{"driver": "total"} | totals[["revenue_cents", "cash_cents"]].sum().to_dict()])
    return pd.concat([totals, total], ignore_index=True)


def _frame(actual: Actuals, driver: str, revenue: np.ndarray, cash: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"month": actual.months, "driver": driver, "revenue_cents": revenue, "cash_cents": cash})


def _steps(plan: Assumptions, rows: Rows, actual: Actuals, count: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Net revenue and receipts of the plan as computed after each driver was replaced by its actuals, in order."""
    levels = plan.levels
    members = {level: _by_month(actual.caseload, "members", actual, level) for level in levels}
    units = {level: _by_month(actual.caseload, "units", actual, level) for level in levels}
    billed = {level: _by_month(actual.billing, "billed", actual, level) for level in levels}
    beside = added(_by_month(actual.billing, "billed", actual, name) for name in BESIDE)
    planned = {name: rows[name][0, :count] for name in rows}
    total, share = added(members.values()), planned["billable_share"]
    at_plan_mix = _at_plan_mix(plan, planned, total)

    def dollars(people: Mapping[str, np.ndarray], rated: bool) -> np.ndarray:
        out = beside.copy()
        for level in levels:
            living = _as_planned(plan, planned, level, people[level])
            here = {region: whole(members * share, SHARE) for region, members in living.items()}
            at_plan = added(whole(amount * planned[f"rate.{level}.{region}"], MILLI) for region, amount in here.items())
            known = whole(added(here.values()) * billed[level], np.maximum(units[level], 1))
            out = out + (np.where(units[level] > 0, known, at_plan) if rated else at_plan)
        return out

    sent = beside + added(billed.values())
    stages = {
        "volume": dollars(at_plan_mix, False),
        "acuity mix": dollars(members, False),
        "rate": dollars(members, True),
        "billable share": sent,
    }
    denied = {name: whole(cents * planned["denial_share"], SHARE) for name, cents in stages.items()}
    stages["denials"], denied["denials"] = sent, _by_month(actual.billing, "denied", actual)
    out = {name: _net(plan, rows, stages[name], denied[name], count) for name in stages}
    out["lag"] = (out["denials"][0], _by_month(actual.payments, "paid", actual))
    return out


def _at_plan_mix(plan: Assumptions, planned: Mapping[str, np.ndarray], total: np.ndarray) -> dict[str, np.ndarray]:
    """So many members, in the planned shares of regions and of the levels there."""
    out = {level: np.zeros_like(total) for level in plan.levels}
    for region, living in split(total, {part: planned[f"region_to.{part}"] for part in plan.regions}).items():
        parts = split(living, {level: planned[f"mix_to.{level}.{region}"] for level in plan.levels})
        out = {level: out[level] + parts[level] for level in plan.levels}
    return out


def _as_planned(
    plan: Assumptions, planned: Mapping[str, np.ndarray], level: str, people: np.ndarray
) -> dict[str, np.ndarray]:
    """Members of a level over the regions, as those planned at this level live; where none are, as all members do."""
    whole_level, running = planned[f"members.{level}"], {}
    upto = np.zeros_like(people)
    for region in plan.regions:
        upto = upto + planned[f"members.{level}.{region}"]
        running[region] = np.where(whole_level > 0, upto, planned[f"region_to.{region}"])
    return split(people, running, np.where(whole_level > 0, whole_level, SHARE))


def _by_month(frame: pd.DataFrame, column: str, actual: Actuals, level: str | None = None) -> np.ndarray:
    rows = frame if level is None else frame[frame["level"] == level]
    return rows.groupby("month")[column].sum().reindex(actual.months, fill_value=0).to_numpy(dtype=np.int64)


def _net(
    plan: Assumptions, rows: Rows, billed: np.ndarray, denied: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """What these billed and denied dollars would bring under the plan's fees and lag: net revenue by month of service,
    and receipts by month of payment."""
    given = {key: np.array(plan.path(key), dtype=np.int64) for key in plan.values}
    days, weights = ways(rows, given)
    days, weights = ([part[:1, :count] for part in parts] for parts in (days, weights))
    age = np.arange(count)[None, :] - np.arange(count)[:, None]
    received, revenue = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    recovered = whole(denied * given["denials.recovered"][:count], SHARE)
    for stream, wait in ((billed - denied, 0), (recovered, int(given["denials.recovery_months"][0]))):
        after_mco = stream - whole(stream * given["fees.mco"][:count], SHARE)
        net = after_mco - whole(after_mco * given["fees.lead_health_home"][:count], SHARE)
        collectable = net - whole(net * given["lag.never_paid"][:count], SHARE)
        paid = paid_parts(days, weights, age - wait)[0]
        received = received + whole(collectable[:, None] * paid, LAG_PARTS).sum(axis=0)
        revenue = revenue + net
    return revenue, np.diff(received, prepend=0)


# ---------------------------------------------------------------- how each step did
def funnel(plan: Assumptions, actual: Actuals, *, scenario: str = BASE, all_months: bool = False) -> pd.DataFrame:
    """Each step from referral to billed unit, month by month, beside the plan.

    Counts
        Each event counts in the month in which it happened. Somebody referred in May may be reached in June, so a
        month's rate can exceed 1. `all_months` gives one row over all months; its members are those of the last month
    Unit
        thousandths of a person for counts; rates 0 to 1
    Shape
        month; then for each of referrals, quality_rate, reached_rate, enrolled_rate, members, billable_rate,
        denial_rate the actual and, with `plan_` before it, the planned
    Empty
        A rate with nothing to divide by is empty.
    """
    count = len(actual.months)
    rows = {name: row[0, :count] for name, row in run(plan, [plan.scenario(scenario)]).items()}
    last_members = rows["members"][-1:]
    if all_months:
        rows = {name: row.sum(keepdims=True) for name, row in rows.items()}

    def sums(frame: pd.DataFrame, column: str) -> pd.Series:
        found = _by_month(frame, column, actual)
        return pd.Series(found.sum(keepdims=True) if all_months else found)

    eligible, reached, members = (
        sums(actual.referrals, "eligible"),
        sums(actual.outreach, "reached"),
        sums(actual.caseload, "members"),
    )
    out = pd.DataFrame(
        {
            "month": actual.months[-1:] if all_months else actual.months,
            "referrals": sums(actual.referrals, "referrals"),
            "plan_referrals": rows["referrals"],
        }
    )
    pairs = {
        "quality_rate": (eligible, sums(actual.referrals, "referrals"), rows["eligible"], rows["referrals"]),
        "reached_rate": (reached, eligible, rows["reached"], rows["eligible"]),
        "enrolled_rate": (sums(actual.outreach, "enrolled"), reached, rows["agreed"], rows["reached"]),
        "billable_rate": (sums(actual.caseload, "units"), members, rows["units"], rows["members"]),
        "denial_rate": (sums(actual.billing, "denied"), sums(actual.billing, "billed"), rows["denied"], rows["billed"]),
    }
    for name, (top, bottom, plan_top, plan_bottom) in pairs.items():
        out[name] = quotient(top, bottom)
        out[f"plan_{name}"] = quotient(pd.Series(plan_top), pd.Series(plan_bottom))
    if all_months:
        return out.assign(members=_by_month(actual.caseload, "members", actual)[-1:], plan_members=last_members)
    return out.assign(members=members, plan_members=rows["members"])


def acuity(plan: Assumptions, actual: Actuals, *, scenario: str = BASE) -> pd.DataFrame:
    """Share of members at each level by month, beside the plan.

    Shape
        month, level, members (thousandths), share, plan_share
    Empty
        A month without members has no shares.
    """
    count = len(actual.months)
    rows = run(plan, [plan.scenario(scenario)])
    total = pd.Series(_by_month(actual.caseload, "members", actual))
    frames = []
    for level in plan.levels:
        members = pd.Series(_by_month(actual.caseload, "members", actual, level))
        frames.append(
            pd.DataFrame(
                {
                    "month": actual.months,
                    "level": level,
                    "members": members,
                    "share": quotient(members, total),
                    "plan_share": rows[f"mix.{level}"][0, :count] / SHARE,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def coordinators(plan: Assumptions, actual: Actuals) -> pd.DataFrame:
    """Each coordinator's caseload, contacts and billable units, compared with what members of the same acuity take in
    the whole programme.

    Formula
        load = Σ member-months / caseload of the level / months; expected units (contacts) = Σ over levels of the
        coordinator's member-months × the programme's units (contacts) per member-month at that level;
        index = units (contacts) / expected
    Counts
        Every month of the actuals. The yardstick is the programme's own average at each level, so a coordinator with
        many high-acuity members is compared with what such members take elsewhere in the programme.
    Unit
        member_months, units, contacts: thousandths; load: full caseloads; indices: 1 is what was to be expected
    Shape
        coordinator, months, member_months, load, high_share (top level's share of member-months), units,
        unit_rate, expected_units, unit_index, contacts, expected_contacts, contact_index, incentive_cents
    """
    frame = with_expected(actual.caseload, ("units", "contacts"), months="members")
    frame["load"] = frame["members"] / frame["level"].map(dict(plan.caseload))
    frame["top"] = frame["members"].where(frame["level"] == plan.levels[-1], 0)
    sums = (
        frame.groupby("coordinator", sort=True)
        .agg(
            months=("month", "nunique"),
            member_months=("members", "sum"),
            load=("load", "sum"),
            top=("top", "sum"),
            units=("units", "sum"),
            expected_units=("expected_units", "sum"),
            contacts=("contacts", "sum"),
            expected_contacts=("expected_contacts", "sum"),
        )
        .reset_index()
    )
    sums["load"] = quotient(sums["load"], sums["months"])
    sums["high_share"] = quotient(sums["top"], sums["member_months"])
    sums["unit_rate"] = quotient(sums["units"], sums["member_months"])
    for name in ("unit", "contact"):
        sums[f"{name}_index"] = quotient(sums[f"{name}s"], sums[f"expected_{name}s"])
    each = plan.value("staffing.incentive_per_contact")
    above = np.floor((sums["contacts"] - sums["expected_contacts"]).clip(lower=0) / MILLI)
    return sums.drop(columns="top").assign(incentive_cents=(above * each).astype("int64"))


def incentives(scores: pd.DataFrame) -> pd.DataFrame:
    """The coordinators who made more contacts than such a caseload takes elsewhere in the programme, the highest index
    first, and what the incentive would pay each of them.

    Formula
        whole contacts above those expected for the caseload's acuity × the incentive per contact
    Shape
        rank, coordinator, contacts, expected_contacts, contact_index, incentive_cents
    Empty
        Nobody above expectation: no rows.
    """
    found = (
        scores[scores["contacts"] > scores["expected_contacts"]]
        .sort_values(["contact_index", "coordinator"], ascending=[False, True], kind="stable")
        .reset_index(drop=True)
    )
    columns = ["coordinator", "contacts", "expected_contacts", "contact_index", "incentive_cents"]
    return found[columns].assign(rank=found.index + 1)[["rank", *columns]]


__all__ = ["DRIVERS", "acuity", "coordinators", "funnel", "incentives", "spending", "variance", "variance_totals"]
