"""What engagement is worth: visits recovered, emergency visits and readmissions avoided, each as a range.

Nothing here is a saving that anybody has made. Every amount is a count of this practice times an
assumption, and every assumption is an argument with a low, a middle and a high value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import sums
from ...ledger.ratios import half_up, quotient
from ...periods import Period
from ...tables.frames import days_before, source
from ..menu import measure
from .appointments import appointment_outcomes
from .hospital_use import readmissions

MATURE_DAYS = 120
YEAR_DAYS = 365
CASH = ("payment", "refund", "takeback")
TARGET_RATE = 0.07
"""No-shows that a well-run practice still has: flexbone.ai, 5 to 7 %, attributed there to MGMA; the milder end."""
FILLED = (0.4, 0.6, 0.8)
"""Our assumption: of the slots won back, those that become a paid visit that would not have come anyway."""
EMERGENCY_CENTS = 530_00
"""HCUP Statistical Brief 268: average cost of an emergency visit in 2017."""
EMERGENCY_SHARES = (0.137, 0.204, 0.271)
"""Weinick and others, Health Affairs 2010: 13.7 to 27.1 % could be treated elsewhere; the middle is ours."""
READMISSION_CENTS = 14_000_00
"""HCUP Statistical Brief 248 (2016): about $14,000 a readmission, in costs to the hospital."""
READMISSION_SHARES = (0.149, 0.271, 0.456)
"""Van Walraven and others, CMAJ 2011: quartiles of the share of readmissions that reviewers called avoidable."""

RANGE = ("low_cents", "mid_cents", "high_cents")


@measure("Cash of a kept visit", value="visit_cents")
def visit_value(tables: Mapping[str, Any], *, as_of: dt.date, days: int = MATURE_DAYS) -> pd.DataFrame:
    """What a kept visit has brought in cash, once its payers have had time to pay.

    Formula
        visit_cents = cash_cents / visits
    Counts
        Kept appointments with a claim, of the 365 days that end `days` days before `as_of`; all cash posted
        on their claims by `as_of`, refunds and takebacks taken off.
    Date basis
        day of the appointment; cash by day of posting
    Unit
        whole cents a visit; visits is a count
    Empty
        No such visit: empty.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> paid = pd.DataFrame(
    ...     {
    ...         "client": "acme",
    ...         "claim_id": ["C1", "C2"],
    ...         "kind": "payment",
    ...         "amount_cents": [-9000, -7000],
    ...         "posted_on": pd.to_datetime(["2026-11-02", "2026-11-20"]),
    ...     }
    ... )
    >>> visit_value({**example_office(), "transactions": paid}, as_of=dt.date(2027, 3, 31))
       visits  cash_cents  visit_cents
    0       4       16000             4000
    """
    window = Period.days_ending(days_before(as_of, days), YEAR_DAYS)
    kept = source(tables, "appointments", ["client", "claim_id", "status", "scheduled_on"]).filter(
        nw.col("status") == "kept", window.holds(nw.col("scheduled_on")), ~nw.col("claim_id").is_null()
    )
    claims = kept.select("client", "claim_id").unique()
    cash = (
        source(tables, "transactions", ["client", "claim_id", "kind", "amount_cents", "posted_on"])
        .filter(nw.col("kind").is_in(list(CASH)), nw.col("posted_on") <= as_of)
        .select("client", "claim_id", cash_cents=nw.col("amount_cents") * -1)
    )
    found = pd.concat(
        [
            sums(claims.with_columns(visits=nw.lit(1)), [], ["visits"]),
            sums(claims.join(cash, on=["client", "claim_id"], how="inner"), [], ["cash_cents"]),
        ],
        axis=1,
    )
    return found.assign(visit_cents=half_up(quotient(found["cash_cents"], found["visits"])))


@measure("Visits recovered if no-shows fell", value="mid_cents")
def visits_recovered(
    tables: Mapping[str, Any],
    *,
    period: Period,
    as_of: dt.date,
    target_rate: float = TARGET_RATE,
    filled: Sequence[float] = FILLED,
) -> pd.DataFrame:
    """What visits would come back if no-shows fell to a target, and what such visits bring, as a range.

    Formula
        over_target = no_shows - target_rate x slots, not below zero
        low, mid, high = over_target x share of such slots that are filled x visit_cents
    Counts
        Slots and no-shows of the period as in `no_show_rate`; visit_cents as in `visit_value`.
        `filled` holds the low, middle and high share.
    Date basis
        day of the appointment
    Unit
        cents; over_target is a number of visits
    Empty
        No slot, or no visit old enough to know its value: empty.
    Source
        our own; target rate and shares are assumptions, stated beside the result

    >>> from rcm_analysis.examples.office import example_office
    >>> paid = pd.DataFrame(
    ...     {
    ...         "client": "acme",
    ...         "claim_id": ["C1", "C2"],
    ...         "kind": "payment",
    ...         "amount_cents": [-9000, -7000],
    ...         "posted_on": pd.to_datetime(["2026-11-02", "2026-11-20"]),
    ...     }
    ... )
    >>> found = visits_recovered(
    ...     {**example_office(), "transactions": paid},
    ...     period=Period.month("2026-10"),
    ...     as_of=dt.date(2027, 3, 31),
    ...     target_rate=0.0,
    ...     filled=(0.25, 0.5, 1.0),
    ... )
    >>> found[["over_target", "low_cents", "mid_cents", "high_cents"]]
       over_target  low_cents  mid_cents  high_cents
    0          1.0       1000       2000        4000
    """
    slots = appointment_outcomes(tables, period=period)[["no_shows", "slots", "no_show_rate"]]
    worth = visit_value(tables, as_of=as_of)["visit_cents"]
    over = (slots["no_shows"] - target_rate * slots["slots"]).clip(lower=0).where(slots["slots"] > 0)
    found = slots.assign(target_rate=target_rate, over_target=over, visit_cents=worth)
    value = over * worth.astype("float64")
    return found.assign(**{name: half_up(value * share) for name, share in zip(RANGE, filled, strict=True)})


@measure("Hospital cost that may be avoidable", value="mid_cents")
def avoidable_hospital_cost(
    tables: Mapping[str, Any],
    *,
    period: Period,
    as_of: dt.date,
    emergency_cents: int = EMERGENCY_CENTS,
    emergency_shares: Sequence[float] = EMERGENCY_SHARES,
    readmission_cents: int = READMISSION_CENTS,
    readmission_shares: Sequence[float] = READMISSION_SHARES,
) -> pd.DataFrame:
    """What emergency visits and readmissions may have cost that could have been avoided, as a range.

    Formula
        low, mid, high = events x cost of one x share that may be avoided
    Counts
        Emergency visits of the period that led to no stay; stays of the period with an unplanned readmission
        within 30 days, as in `readmissions`. The cost is the hospital's and falls on the payer, not
        on the practice; the shares are others' findings, not this practice's.
    Date basis
        day of the visit; day of the discharge
    Unit
        cents; events is a count
    Empty
        No event: zero.
    Source
        HCUP Statistical Briefs 268 and 248 (cost); Weinick 2010 and van Walraven 2011 (shares): assumptions

    >>> from rcm_analysis.examples.office import example_office
    >>> found = avoidable_hospital_cost(example_office(), period=Period.month("2026-10"), as_of=dt.date(2026, 10, 31))
    >>> found[["item", "events", "low_cents", "high_cents"]]
                   item  events  low_cents  high_cents
    0  emergency_visits       1       7261       14363
    1      readmissions       0          0           0
    """
    rows = source(tables, "hospital_encounters", ["kind", "admitted_on"]).filter(
        nw.col("kind") == "emergency", period.holds(nw.col("admitted_on"))
    )
    visits = sums(rows.with_columns(visits=nw.lit(1)), [], ["visits"])["visits"].iloc[0]
    again = readmissions(tables, period=period, as_of=as_of)["readmitted"].iloc[0]
    return cost_of(
        events=[int(visits), int(again)],
        emergency_cents=emergency_cents,
        emergency_shares=emergency_shares,
        readmission_cents=readmission_cents,
        readmission_shares=readmission_shares,
    )


def cost_of(
    *,
    events: Sequence[int],
    emergency_cents: int = EMERGENCY_CENTS,
    emergency_shares: Sequence[float] = EMERGENCY_SHARES,
    readmission_cents: int = READMISSION_CENTS,
    readmission_shares: Sequence[float] = READMISSION_SHARES,
) -> pd.DataFrame:
    """The range of `avoidable_hospital_cost` for so many emergency visits and readmissions, however they were counted.

    >>> cost_of(events=[10, 1], emergency_shares=(0.1, 0.2, 0.3))["low_cents"].tolist()
    [53000, 208600]
    """
    found = pd.DataFrame(
        {
            "item": ["emergency_visits", "readmissions"],
            "events": list(events),
            "cost_cents": [emergency_cents, readmission_cents],
        }
    )
    shares = list(zip(emergency_shares, readmission_shares, strict=True))
    return found.assign(
        **{
            name: half_up(found["events"] * found["cost_cents"] * pd.Series(share)).astype("int64")
            for name, share in zip(RANGE, shares, strict=True)
        }
    )
