"""The actual months of a plan, counted from the stored tables of a care-coordination programme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..frames import source
from .assumptions import Assumptions
from .plan_actuals import Actuals, actuals

NEEDED = {
    "referrals": ("referral_id", "referred_on", "source", "screening"),
    "outreach": ("referral_id", "contacted_on", "is_reached"),
    "enrolments": ("enrolment_id", "enrolled_on"),
    "acuity_months": ("enrolment_id", "month", "level"),
    "care_contacts": ("enrolment_id", "contacted_on", "is_reached"),
    "billing_support": ("enrolment_id", "month", "coordinator", "uploaded_on"),
    "care_claims": ("month", "level", "billed_cents", "replaces", "payer_decided_on", "denial_reason", "agency_paid_on",
        "agency_paid_cents"),
}


def actuals_from_tables(tables: Mapping[str, Any], plan: Assumptions, *, through: str) -> Actuals:
    """The months from the plan's first to `through`, counted from what is stored.

    Counts
        referrals: by the month referred, eligible as screened. Outreach: referrals by the month first reached;
        enrolments by the month of consent. Caseload: one member per enrolment and month with an acuity level, under
        the coordinator in charge at the month's end; contacts that reached somebody; a unit where the month was
        uploaded for billing. Billing: first bills by month of service and level; denied where the payer's answer to
        the first bill names a reason. Payments: what reached the agency, by month of service and month of receipt.
    Unit
        as `Actuals`: thousandths and cents. Expense is not in the tables
    Empty
        A month without members breaks the row of months and is refused.

    Raises
        TableError for a missing table or column, or months that leave a gap.
    """
    read = {name: source(tables, name, columns).collect().to_pandas() for name, columns in NEEDED.items()}
    frames = {"referrals": _referrals(read["referrals"]), "outreach": _outreach(read), "caseload": _caseload(read),
        "billing": _billing(read["care_claims"]), "payments": _payments(read["care_claims"])}
    kept = {name: frame[frame["month"].between(plan.start, through)].reset_index(drop=True) for name, frame in frames.items()}
    kept["caseload"] = kept["caseload"][kept["caseload"]["month"].isin(plan.month_labels)]
    kept["payments"] = kept["payments"][kept["payments"]["service_month"] >= plan.start]
    return actuals(kept, plan)


def _month(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).dt.strftime("%Y-%m")


def _referrals(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(month=_month(frame["referred_on"]), eligible=(frame["screening"] == "eligible").astype(int)).groupby(
        ["month", "source"], as_index=False).agg(referrals=("referral_id", "nunique"), eligible=("eligible", "sum"))


def _outreach(read: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    tried, won = read["outreach"], read["enrolments"]
    first = tried[tried["is_reached"].astype(bool)].groupby("referral_id")["contacted_on"].min()
    both = pd.concat([_month(first).value_counts().rename("reached"), _month(won["enrolled_on"]).value_counts().rename("enrolled")], axis=1)
    return both.fillna(0).astype(int).rename_axis("month").reset_index().sort_values("month", ignore_index=True)


def _caseload(read: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    made, key = read["care_contacts"], ["enrolment_id", "month"]
    made = made[made["is_reached"].astype(bool)]
    contacts = made.assign(month=_month(made["contacted_on"])).groupby(key).size().rename("contacts").reset_index()
    support = read["billing_support"].assign(units=read["billing_support"]["uploaded_on"].notna().astype(int))
    months = read["acuity_months"].merge(support[[*key, "coordinator", "units"]], on=key, how="left").merge(contacts, on=key, how="left")
    months = months.assign(coordinator=months["coordinator"].fillna("(not assigned)"), units=months["units"].fillna(0).astype(int),
        contacts=months["contacts"].fillna(0).astype(int))
    return months.groupby(["month", "coordinator", "level"], as_index=False).agg(
        members=("enrolment_id", "nunique"), contacts=("contacts", "sum"), units=("units", "sum"))


def _billing(frame: pd.DataFrame) -> pd.DataFrame:
    first = frame[frame["replaces"].isna()]
    denied = first["billed_cents"].where(first["denial_reason"].notna(), 0)
    sums = first.assign(denied_cents=denied).groupby(["month", "level"], as_index=False)[["billed_cents", "denied_cents"]].sum()
    return sums.assign(billed=_dollars(sums["billed_cents"]), denied=_dollars(sums["denied_cents"]))


def _payments(frame: pd.DataFrame) -> pd.DataFrame:
    paid = frame[frame["agency_paid_on"].notna() & (frame["agency_paid_cents"].fillna(0) > 0)]
    paid = paid.rename(columns={"month": "service_month"})
    sums = paid.assign(month=_month(paid["agency_paid_on"])).groupby(["service_month", "month"], as_index=False)["agency_paid_cents"].sum()
    return sums.assign(paid=_dollars(sums["agency_paid_cents"]))


def _dollars(cents: pd.Series) -> pd.Series:
    return pd.Series([f"{int(value) // 100}.{int(value) % 100:02d}" for value in cents], index=cents.index, dtype=object)
