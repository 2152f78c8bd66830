"""What a programme's own records say about the assumptions of its plan, drawn towards those that stood there before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ParameterError
from ...ledger.ratios import half_up, quotient, ratio
from ...measures.coordination.referrals import followed
from ...measures.coordination.stages import care_claims, member_months, register
from ...periods import Period
from ..plan.assumptions import Assumptions
from ..plan.fields import FIELDS, MILLI, SHARE
from ..plan.sections import Source
from ..statistics.estimators import OPEN, day_by_which, kaplan_meier
from .waits import steps_begun

WORTH = 20
"""How many member-months, bills or referrals the earlier assumption counts for."""
YEAR_DAYS, RIPE_DAYS = 365, 90
RAMP, FULL_MONTHS = "staffing.ramp", range(7, 13)
"""Months after hire, the first being 1, in which a coordinator carries what it came to carry."""
SLOW_SHARE = 0.1
LEVEL = 0.9
LAGS = {"uploaded": "uploaded_to_billed", "lead_billed": "billed_to_paid", "paid_to_lead": "paid_to_agency"}
COLUMNS = ["key", "title", "prior", "measured", "count", "low", "high", "used"]
TITLES = {item.key: item.title for item in FIELDS}
KINDS = {item.key: item.kind for item in FIELDS}


def measured_assumptions(tables: Mapping[str, Any], prior: Assumptions, *, as_of: dt.date) -> pd.DataFrame:
    """Each assumption that the records can speak of: what stood there, what was measured on how many, and what to use.

    Formula
        a share: measured = happened / count; used = (happened + 20 x prior) / (count + 20); low, high: the middle 90 %
        of the beta distribution with happened + 20 x prior and the rest
        a lag: measured days = the middle (Kaplan-Meier, open ones as open); one in ten takes slow_days, so that the
        mean is that of the curve; used is drawn towards the prior with 20 steps; low, high: the days by which 5 % and
        95 % were over
        the ramp: members of coordinators in the nth month after their hire / what they came to carry, their usual month
        from the seventh to the twelfth; at most 1, and never less than the month before
    Counts
        The 365 days before `as_of`. Reached, enrolled: eligible referrals, 90 days old or older, so that those still
        worked do not look lost. Leaving: members at risk, by month. Months without a core service and months whose
        support was late: months opened for billing and settled. Denied: first bills decided. Recovered: first bills
        denied 90 days ago or earlier, paid since. The lead's fee: cents kept of cents paid; recoupment: cents taken
        back of cents paid to us; both without an interval. Ramp: coordinators hired twelve months ago or earlier whose
        first member came after their hire, those who leave within the year left out; count: the members they came to
        carry. Acuity: members of the last month, by level.
    Unit
        shares, or days; count: referrals, member-months, bills or steps
    Empty
        What nothing was counted for is not in the table: the plan keeps its own.
    Source
        our own; conjugate beta prior (Gelman and others, Bayesian Data Analysis, ch. 2)

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> from rcm_analysis.models.plan.assumptions import example_assumptions
    >>> found = measured_assumptions(example_coordination(), example_assumptions(), as_of=dt.date(2026, 11, 30))
    >>> found.loc[found["key"] == "billable.support_late", ["measured", "count"]].values.tolist()
    [[0.5, 2.0]]
    """
    shares = [
        *_referral_shares(tables, as_of), *_month_shares(tables, as_of), *_bill_shares(tables, as_of),
        *_mix_shares(tables, prior, as_of),
    ]  # fmt: skip
    rows = [_share_row(prior, *share) for share in shares if share[2] > 0]
    return pd.DataFrame([*rows, *_lag_rows(tables, prior, as_of), *_ramp_rows(tables, prior, as_of)], columns=COLUMNS)


def _share_row(
    prior: Assumptions, key: str, happened: float, count: float, trials: float | None = None
) -> dict[str, Any]:
    """A share; `trials` is how many it was counted on, where `count` is in cents."""
    from scipy.stats import beta

    trials = count if trials is None else trials
    stood = _prior_share(prior, key)
    share = ratio(happened, count)
    yes, no = share * trials + WORTH * stood, (1 - share) * trials + WORTH * (1 - stood)
    used = ratio(yes, yes + no)
    of_bills = trials == count and min(yes, no) > 0
    low, high = beta.interval(LEVEL, yes, no) if of_bills else (float("nan"), float("nan"))
    found = (key, TITLES.get(key, key), stood, share, trials, float(low), float(high), used)
    return dict(zip(COLUMNS, found, strict=True))


def _prior_share(prior: Assumptions, key: str) -> float:
    """The share that the plan has in its last month: what it had come to."""
    steps = prior.mix[key.removeprefix("acuity.")] if key.startswith("acuity.") else prior.values[key]
    return steps[-1][1] / SHARE


Counted = list[tuple[str, float, float] | tuple[str, float, float, float]]


def _referral_shares(tables: Mapping[str, Any], as_of: dt.date) -> Counted:
    rows = followed(tables, as_of=as_of)
    age = (pd.Timestamp(as_of) - rows["referred_on"]).dt.days
    ripe = rows[(age >= RIPE_DAYS) & (age < YEAR_DAYS + RIPE_DAYS) & (rows["eligible"] == 1)]
    reached = ripe[(ripe["reached"] == 1) | (ripe["enrolled"] == 1)]
    return [
        ("enrolment.reached", len(reached), len(ripe)),
        ("enrolment.enrolled", int(reached["enrolled"].sum()), len(reached)),
    ]


def _month_shares(tables: Mapping[str, Any], as_of: dt.date) -> Counted:
    rows = member_months(tables, as_of=as_of)
    span = Period.of(as_of).trailing(12)
    rows = rows[rows["month"].between(span.months()[0].label, span.months()[-1].label)]
    settled = rows[~rows["stage"].isin(["not_opened", "given", "documented"])]
    members = register(tables, "enrolments", ["enrolment_id"], ["ended_on"], as_of)
    left = members["ended_on"].between(pd.Timestamp(span.first_day), pd.Timestamp(as_of))
    return [
        ("enrolment.disenrolment", int(left.sum()), len(rows)),
        ("billable.no_core_service", int((settled["stage"] == "not_given").sum()), len(settled)),
        ("billable.support_late", int((settled["stage"] == "not_billed").sum()), len(settled)),
    ]


def _bill_shares(tables: Mapping[str, Any], as_of: dt.date) -> Counted:
    bills = care_claims(tables, as_of=as_of)
    age = (pd.Timestamp(as_of) - bills["payer_decided_on"]).dt.days
    recent = bills[age < YEAR_DAYS]
    first = recent[recent["replaces"].isna()]
    denied = bills[bills["replaces"].isna() & (bills["stage"] == "denied") & (age >= RIPE_DAYS) & (age < 2 * YEAR_DAYS)]
    again = bills[(bills["stage"] == "paid") & bills["replaces"].notna()]
    recovered = denied["care_claim_id"].isin(again["replaces"])
    paid = recent[recent["stage"] == "paid"]
    back = register(tables, "care_recoupments", ["care_claim_id"], ["taken_on"], as_of, numbers=["amount_cents"])
    taken = back[(pd.Timestamp(as_of) - back["taken_on"]).dt.days < YEAR_DAYS]
    ours, whole = int(paid["agency_paid_cents"].sum()), int(paid["payer_paid_cents"].sum())
    return [
        ("denials.rate", int((first["stage"] == "denied").sum()), len(first)),
        ("denials.recovered", int(recovered.sum()), len(denied)),
        ("fees.lead_health_home", int(paid["lead_fee_cents"].sum()), whole, len(paid)),
        ("recoupment.rate", int(taken["amount_cents"].sum()), ours, len(paid)),
    ]


def _mix_shares(tables: Mapping[str, Any], prior: Assumptions, as_of: dt.date) -> Counted:
    rows = member_months(tables, as_of=as_of)
    if rows.empty:
        return []
    last = rows[rows["month"] == rows["month"].max()]
    unknown = sorted(set(last["level"]) - set(prior.levels))
    if unknown:
        raise ParameterError(
            f"acuity: expected a plan with every level that members are at; {len(unknown)} of them are not in it: "
            f"{', '.join(unknown)}. Nothing was written. Give each a share of the mix, a caseload and a rate."
        )
    return [(f"acuity.{level}", int((last["level"] == level).sum()), len(last)) for level in prior.levels]


def _lag_rows(tables: Mapping[str, Any], prior: Assumptions, as_of: dt.date) -> list[dict[str, Any]]:
    """The usual and the slow days of each step."""
    begun, out = steps_begun(tables, as_of=as_of), []
    for stage, name in LAGS.items():
        part = begun[begun["stage"] == stage]
        curve = kaplan_meier(part["days"].astype("int64"), part["end"]) if len(part) else pd.DataFrame()
        usual = day_by_which(curve, 0.5, OPEN) if len(part) else float("nan")
        if np.isnan(usual):
            continue
        ended, mean = int((part["end"] != OPEN).sum()), float(curve[OPEN].sum())
        slow = max(usual, (mean - (1 - SLOW_SHARE) * usual) / SLOW_SHARE)
        edges = [day_by_which(curve, share, OPEN) for share in (0.05, 0.95)]
        for key, days, count in (
            (f"lag.{name}.days", usual, ended),
            (f"lag.{name}.slow_days", slow, ended * SLOW_SHARE),
        ):
            stood = prior.values[key][-1][1]
            used = ratio(days * count + stood * WORTH, count + WORTH)
            out.append(dict(zip(COLUMNS, (key, TITLES[key], stood, days, ended, *edges, used), strict=True)))
        stood = prior.values[f"lag.{name}.slow_share"][-1][1] / SHARE
        row = (f"lag.{name}.slow_share", TITLES[f"lag.{name}.slow_share"], stood, SLOW_SHARE, ended)
        out.append(dict(zip(COLUMNS, (*row, SLOW_SHARE, SLOW_SHARE, SLOW_SHARE), strict=True)))
    return out


def _ramp_rows(tables: Mapping[str, Any], prior: Assumptions, as_of: dt.date) -> list[dict[str, Any]]:
    """The share of what a coordinator came to carry, in each of the first months after hire."""
    hired = _hired(tables, as_of)
    held = register(
        tables, "care_assignments", ["enrolment_id", "coordinator"], ["assigned_from", "assigned_to"], as_of
    )
    carried = np.zeros((len(hired), FULL_MONTHS[-1]), dtype="int64")
    for person, (who, month) in enumerate(zip(hired["staff"], hired["month"], strict=True)):
        own = held[held["coordinator"] == who]
        for nth in range(FULL_MONTHS[-1]):
            last = pd.Timestamp(Period.month(month).shift(nth).last_day)
            carried[person, nth] = int(((own["assigned_from"] <= last) & ~(own["assigned_to"] < last)).sum())
    full = np.median(carried[:, FULL_MONTHS[0] - 1 :], axis=1) if len(hired) else np.zeros(0)
    base, out, least = float(full.sum()), [], 0.0
    for nth in range(FULL_MONTHS[0] - 1) if base else ():
        share = ratio(float(np.minimum(carried[:, nth], full).sum()), base)
        stood = prior.ramp[min(nth, len(prior.ramp) - 1)] / SHARE
        least = max(least, ratio(share * base + stood * WORTH, base + WORTH))
        found = (f"{RAMP}[{nth}]", f"Ramp, month {nth + 1}", stood, share, base, float("nan"), float("nan"), least)
        out.append(dict(zip(COLUMNS, found, strict=True)))
    return out


def _hired(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Coordinators with a year behind them: who, and the month of hire."""
    staff = register(tables, "staff", ["staff", "role"], ["hired_on", "left_on"], as_of)
    staff = staff[staff["role"] == "coordinator"].drop_duplicates("staff")
    month = staff["hired_on"].dt.strftime("%Y-%m")
    latest = Period.of(as_of).shift(-FULL_MONTHS[-1]).label
    year = pd.Timedelta(days=YEAR_DAYS)
    stays = staff["left_on"].isna() | (staff["left_on"] - staff["hired_on"] >= year)
    return staff.assign(month=month)[(month <= latest) & stays]


def with_measured(prior: Assumptions, found: pd.DataFrame) -> Assumptions:
    """The plan on what was measured: each key of `measured_assumptions` at one value throughout; the rest as it was.

    Unit
        as `Assumptions`; the shares of the acuity mix add up to one, what is over or short of it by rounding going to
        the largest

    >>> from rcm_analysis.models.plan.assumptions import example_assumptions
    >>> plan = example_assumptions()
    >>> found = pd.DataFrame({"key": ["denials.rate"], "used": [0.0812]})
    >>> with_measured(plan, found).value("denials.rate")
    812
    """
    used = dict(zip(found["key"], found["used"], strict=True))
    values = {
        key: int(half_up(pd.Series([value * (SHARE if KINDS[key] == "share" else 1)])).iloc[0])
        for key, value in used.items()
        if key in KINDS
    }
    not_given, late = (values.get(f"billable.{name}", 0) for name in ("no_core_service", "support_late"))
    if not_given + late > SHARE:
        values["billable.support_late"] = SHARE - not_given
    out = prior.with_values(**{key.replace(".", "__"): value for key, value in values.items()})
    mix = {key.removeprefix("acuity."): value for key, value in used.items() if key.startswith("acuity.")}
    ramp = [int(half_up(pd.Series([value * SHARE])).iloc[0]) for key, value in used.items() if key.startswith(RAMP)]
    out = replace(out, ramp=(*(min(SHARE, share) for share in ramp), SHARE)) if ramp else out
    return replace(out, mix=_whole_mix(prior, mix), mix_in={}) if mix else out


def _whole_mix(prior: Assumptions, mix: Mapping[str, float]) -> dict[str, tuple[tuple[str, int], ...]]:
    shares = {level: int(half_up(pd.Series([share * SHARE])).iloc[0]) for level, share in mix.items()}
    largest = max(shares, key=lambda level: shares[level])
    shares[largest] += SHARE - sum(shares.values())
    return {level: ((prior.start, share),) for level, share in shares.items()}


def measured_sources(tables: Mapping[str, Any], prior: Assumptions, *, as_of: dt.date) -> tuple[Source, ...]:
    """The programme's own sources of referrals: how many a month and how many of those screened were eligible, over the
    twelve months before; the plan's where none is recorded.

    Unit
        as `Source`: thousandths a month, ten-thousandths of a share
    """
    rows = followed(tables, as_of=as_of)
    rows = rows[(pd.Timestamp(as_of) - rows["referred_on"]).dt.days < YEAR_DAYS]
    if rows.empty:
        return prior.sources
    sums = rows.assign(referrals=1).groupby("source")[["referrals", "eligible", "screened"]].sum()
    sums = sums.assign(
        monthly=half_up(sums["referrals"] * MILLI / 12),
        quality=half_up(quotient(sums["eligible"], sums["screened"]).fillna(0) * SHARE),
    )
    return tuple(
        Source(
            name=str(row.Index), monthly=((prior.start, int(row.monthly)),), quality=((prior.start, int(row.quality)),)
        )
        for row in sums.itertuples()
    )
