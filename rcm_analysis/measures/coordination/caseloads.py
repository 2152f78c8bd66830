"""What each coordinator carries and brings: members, contacts and billed months, fair to the mix of acuity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, kept
from ..menu import measure
from .stages import MONTH, care_claims, member_months, register, within

OWN = ["client", "coordinator"]


@measure("Billed months by coordinator", value="unit_index", unit="rate", good="up")
def coordinator_results(tables: Mapping[str, Any], *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """Each coordinator's members, contacts and billed months, beside what such members take in the whole programme.

    Formula
        contacts_per_month = contacts / member_months; unit_rate = units / member_months
        expected units (contacts) = sum over levels of the coordinator's member-months x the programme's units
        (contacts) per member-month of that level
        unit_index = units / expected_units; contact_index = contacts / expected_contacts
        contacts_above = contacts - expected_contacts
    Counts
        Member-months of the period, as `member_months_with_contacts`. units: those uploaded for billing.
        given_not_billed: given, window over, never uploaded, with the published rate as not_billed_cents. members:
        those in charge of in the last month of the period. A coordinator with harder members is held against
        what such members take elsewhere in the programme.
    Date basis
        month of service
    Unit
        counts; indices: 1 is what was to be expected; cents
    Empty
        No member: no row. Nothing expected: no index.
    Source
        our own: caseloads and billable units of each coordinator, monthly, so that high performers can be rewarded

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> found = coordinator_results(
    ...     example_coordination(), period=Period.month("2026-09").trailing(2), as_of=dt.date(2026, 10, 31)
    ... )
    >>> found[["coordinator", "member_months", "contacts", "units", "given_not_billed"]]
      coordinator  member_months  contacts  units  given_not_billed
    0        CC01              2         3      1                 1
    """
    rows = member_months_with_contacts(tables, as_of=as_of)
    rows = rows[rows["month"].between(period.months()[0].label, period.months()[-1].label)]
    rows = with_expected(rows, ("contacts", "units"))
    lost = rows["stage"] == "not_billed"
    rows = rows.assign(
        members=(rows["month"] == period.months()[-1].label).astype("int64"),
        given_not_billed=lost.astype("int64"),
        not_billed_cents=rows["amount_cents"].where(lost, 0),
    )
    counts = ["members", "member_months", "contacts", "expected_contacts", "units", "expected_units"]
    out = rows.groupby(OWN, as_index=False, sort=True)[[*counts, "given_not_billed", "not_billed_cents"]].sum()
    return out.assign(
        contacts_per_month=quotient(out["contacts"], out["member_months"]),
        unit_rate=quotient(out["units"], out["member_months"]),
        contact_index=quotient(out["contacts"], out["expected_contacts"]),
        unit_index=quotient(out["units"], out["expected_units"]),
        contacts_above=out["contacts"] - out["expected_contacts"],
    )


def with_expected(rows: pd.DataFrame, counts: Sequence[str], *, months: str = "member_months") -> pd.DataFrame:
    """The rows with `expected_` counts: what their member-months take where the level is the same, in all rows.

    >>> rows = pd.DataFrame({"level": ["low", "low"], "member_months": [1, 3], "units": [0, 2]})
    >>> with_expected(rows, ["units"])["expected_units"].tolist()
    [0.5, 1.5]
    """
    pooled = rows.groupby("level")[[months, *counts]].sum()
    usual = {name: rows["level"].map(quotient(pooled[name], pooled[months])).astype("float64") for name in counts}
    return rows.assign(**{f"expected_{name}": rows[months] * share for name, share in usual.items()})


@kept
def member_months_with_contacts(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """`stages.member_months` with the coordinator in charge at the month's end, the contacts that reached somebody, and
    units: 1 where the month was uploaded for billing.

    Counts
        Months not opened for billing yet are there, with the coordinator to whom the member is assigned.

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> rows = member_months_with_contacts(example_coordination(), as_of=dt.date(2026, 10, 31))
    >>> rows[["month", "coordinator", "contacts", "units"]]
         month coordinator  contacts  units
    0  2026-08        CC01         1      1
    1  2026-09        CC01         2      0
    """
    rows = member_months(tables, as_of=as_of)
    made = register(
        tables, "care_contacts", ["enrolment_id", "contact_id"], ["contacted_on"], as_of, flags=["is_reached"]
    )
    made = made[made["is_reached"] == 1]
    made = made.assign(month=made["contacted_on"].dt.strftime("%Y-%m"))
    counts = made.groupby(MONTH).size().rename("contacts").reset_index()
    rows = rows.merge(counts, on=MONTH, how="left").merge(_in_charge(tables, rows, as_of), on=MONTH, how="left")
    billed = ~rows["stage"].isin(["not_given", "not_billed", "not_opened", "given", "documented"])
    assigned = rows.pop("assigned").fillna(NO_VALUE)
    return rows.assign(
        coordinator=rows["coordinator"].where(rows["coordinator"] != NO_VALUE, assigned),
        contacts=rows["contacts"].fillna(0).astype("int64"),
        units=billed.astype("int64"),
        member_months=1,
    )


def _in_charge(tables: Mapping[str, Any], months: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Whom each member was assigned to at the month's end, or last within it."""
    held = register(
        tables, "care_assignments", ["enrolment_id", "coordinator"], ["assigned_from", "assigned_to"], as_of
    ).rename(columns={"coordinator": "assigned"})
    both = months[MONTH].merge(held, on=MONTH[:2])
    first = pd.to_datetime(both["month"] + "-01")
    last = first + pd.offsets.MonthEnd(0)
    inside = (both["assigned_from"] <= last) & ~(both["assigned_to"] < first)
    latest = both[inside].sort_values("assigned_from", kind="stable").drop_duplicates(MONTH, keep="last")
    return latest[[*MONTH, "assigned"]]


@measure("Care-coordination bills denied", value="denial_rate", unit="rate", good="down")
def care_denials(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: tuple[str, ...] = ("payer",)
) -> pd.DataFrame:
    """Bills of member-months that payers denied, and what was billed again.

    Formula
        denial_rate = denied / decided
    Counts
        Bills decided in the period: first ones and those billed again. billed_again: denied, and a later bill names
        it. `by` holds any of payer, lead_health_home, level, denial_reason (which leaves only the denied).
    Date basis
        payer_decided_on
    Unit
        counts and cents; the rate 0 to 1
    Empty
        Nothing decided: no row.
    Source
        our own

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> len(care_denials(example_coordination(), period=Period.month("2026-10"), as_of=dt.date(2026, 10, 31)))
    0
    """
    bills = care_claims(tables, as_of=as_of)
    decided = bills[within(bills["payer_decided_on"], period)]
    denied = decided["stage"] == "denied"
    again = denied & decided["care_claim_id"].isin(bills["replaces"].dropna())
    rows = decided.assign(
        decided=1,
        denied=denied.astype("int64"),
        billed_again=again.astype("int64"),
        denied_cents=decided["billed_cents"].where(denied, 0),
        open_cents=decided["billed_cents"].where(denied & ~again, 0),
    )
    counts = ["decided", "denied", "billed_again", "billed_cents", "denied_cents", "open_cents"]
    out = rows.groupby(list(by), as_index=False, sort=True)[counts].sum()
    return out.assign(denial_rate=quotient(out["denied"], out["decided"]))
