"""Where every member-month stands on its way from the service given to the money that reached us."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...ledger.registers import known, rows_of, three_way
from ...periods import Period
from ...tables.frames import NO_VALUE, kept
from ..menu import measure
from .billed import MONTH, published_rates

STAGES = (
    "not_given",
    "not_billed",
    "not_opened",
    "given",
    "documented",
    "uploaded",
    "lead_billed",
    "paid_to_lead",
    "denied",
    "paid",
    "taken_back",
)
"""Every member-month is in exactly one of them. On their way: not_opened to paid_to_lead."""
ON_ITS_WAY = STAGES[2:8]
ROWS = [
    "client",
    "enrolment_id",
    "month",
    "coordinator",
    "level",
    "region",
    "payer",
    "lead_health_home",
    "stage",
    "since",
    "uploaded_on",
    "reason",
    "gross_cents",
    "amount_cents",
]
SUPPORT = ["opened_on", "completed_on", "uploaded_on", "missed_on"]
CLAIM_DAYS = ["uploaded_on", "lead_billed_on", "payer_decided_on", "agency_paid_on"]


@measure("Member-months by stage", value="amount_cents")
def months_by_stage(tables: Mapping[str, Any], *, as_of: dt.date, by: Sequence[str] = ("stage",)) -> pd.DataFrame:
    """How many member-months stand at each stage, and their dollars.

    Formula
        member_months = rows of `member_months`; amount_cents = sum of theirs
    Counts
        As `member_months`: each enrolled member and month once, so the stages add up to all member-months.
        `by` holds any of month, coordinator, level, region, payer, lead_health_home, stage, reason.
    Date basis
        month of service; stages as known by `as_of`
    Unit
        cents
    Empty
        No member: no row.
    Source
        our own; the chain questionnaire, lead Health Home, payer, agency is that of the New York Health Homes

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> months_by_stage(example_coordination(), as_of=dt.date(2026, 10, 31))
            stage  member_months  amount_cents
    0  not_billed              1         48500
    1    uploaded              1         48500
    """
    rows = member_months(tables, as_of=as_of)
    keys = list(by)
    sums = rows.groupby(keys, as_index=False, sort=True).agg(
        member_months=("stage", "size"), amount_cents=("amount_cents", "sum")
    )
    if "stage" in keys:
        order = {name: place for place, name in enumerate(STAGES)}
        sums = sums.sort_values(keys, key=lambda values: values.map(order) if values.name == "stage" else values)
    return sums.reset_index(drop=True)


@kept
def member_months(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every enrolled member and month with the stage that it has reached.

    Formula
        not_given     opened for billing, and the contacts did not meet the rule of the level
        not_billed    given, and its window was closed without an upload
        not_opened    a month that was not opened for billing yet
        given         opened, the questionnaire not completed
        documented    completed, not uploaded
        uploaded      uploaded, not billed by the lead Health Home
        lead_billed   billed to the payer, which has not answered
        paid_to_lead  paid by the payer, not passed on to us
        denied        the last bill was denied, and no other bill of the month is on its way or paid
        paid          paid to us
        taken_back    paid to us, and at least as much taken back since
    Counts
        One row per enrolment and month with an acuity level recorded by `as_of`. A month billed more than once stands
        where its most advanced bill does. since: the day on which it came to the stage; uploaded_on: that
        of the bill it stands at. reason: why it was not
        uploaded or was denied, "(none)" elsewhere. amount_cents: the published rate until it is uploaded, then what
        was billed, then what reached us, less what was taken back; gross_cents: the rate, then what was billed.
    Unit
        cents
    Empty
        No member: no row. A month without a published rate: 0 cents.

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> member_months(example_coordination(), as_of=dt.date(2026, 10, 31))[["month", "stage", "reason"]]
         month       stage            reason
    0  2026-08    uploaded            (none)
    1  2026-09  not_billed  no_questionnaire
    """
    rows = _enrolled(tables, as_of).merge(_support(tables, as_of), on=MONTH, how="left")
    rows = rows.merge(_bills(tables, as_of), on=MONTH, how="left")
    rows["coordinator"] = rows["coordinator"].fillna(NO_VALUE)
    billed = rows["bill"].notna()
    rows["stage"] = rows["bill"].where(billed, _before_billing(rows))
    rows["since"] = rows["bill_since"].where(billed, _since(rows))
    rows["reason"] = rows["bill_reason"].where(billed, rows["missed"]).fillna(NO_VALUE)
    rate = published_rates(rows)
    rows["gross_cents"] = rows["billed_cents"].where(billed, rate).astype("int64")
    rows["amount_cents"] = rows["bill_cents"].where(billed, rate).astype("int64")
    rows["uploaded_on"] = rows["billed_on"].fillna(rows["uploaded_on"])
    rows["lead_health_home"] = rows["lead_health_home"].fillna(NO_VALUE)
    return rows.sort_values(["month", "enrolment_id"], ignore_index=True)[ROWS]


def _enrolled(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    levels = register(tables, "acuity_months", ["enrolment_id", "month", "level"], [], as_of)
    members = register(tables, "enrolments", ["enrolment_id", "region", "payer"], [], as_of)
    return levels.merge(members, on=["client", "enrolment_id"], how="left").fillna(
        {"region": NO_VALUE, "payer": NO_VALUE}
    )


def _support(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    names = ["enrolment_id", "month", "coordinator", "missed"]
    return register(tables, "billing_support", names, SUPPORT, as_of, flags=["is_core_service_given"])


def _before_billing(rows: pd.DataFrame) -> pd.Series:
    opened = rows["opened_on"].notna()
    conditions = [
        ~opened,
        rows["is_core_service_given"] == 0,
        rows["missed_on"].notna(),
        rows["uploaded_on"].notna(),
        rows["completed_on"].notna(),
    ]
    stages = ["not_opened", "not_given", "not_billed", "uploaded", "documented"]
    return pd.Series(np.select(conditions, stages, "given"), index=rows.index)


def _since(rows: pd.DataFrame) -> pd.Series:
    """The last day on which something is known to have happened to the month; the first of an unopened one."""
    last = rows[SUPPORT].max(axis=1)
    return last.fillna(pd.to_datetime(rows["month"] + "-01").astype("datetime64[us]"))


def _bills(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The most advanced bill of each month."""
    claims = care_claims(tables, as_of=as_of)
    back = register(tables, "care_recoupments", ["care_claim_id"], ["taken_on"], as_of, numbers=["amount_cents"])
    taken = back.groupby("care_claim_id").agg(back_cents=("amount_cents", "sum"), back_on=("taken_on", "max"))
    claims = claims.merge(taken, on="care_claim_id", how="left").fillna({"back_cents": 0})
    gone = (claims["stage"] == "paid") & (claims["back_cents"] >= claims["agency_paid_cents"])
    claims = claims.assign(
        bill=claims["stage"].mask(gone, "taken_back"),
        bill_since=claims["since"].mask(gone, claims["back_on"]),
        bill_reason=claims["denial_reason"].where(claims["stage"] == "denied"),
        bill_cents=(claims["agency_paid_cents"] - claims["back_cents"])
        .clip(lower=0)
        .where(claims["stage"] == "paid", claims["billed_cents"])
        .astype("int64"),
    )
    claims["bill_cents"] = claims["bill_cents"].where(claims["bill"] != "taken_back", claims["billed_cents"])
    rank = {name: place for place, name in enumerate(("denied", "taken_back", *ON_ITS_WAY, "paid"))}
    claims = claims.assign(rank=claims["bill"].map(rank))
    latest = claims.sort_values([*MONTH, "rank", "uploaded_on", "care_claim_id"]).drop_duplicates(MONTH, keep="last")
    latest = latest.rename(columns={"uploaded_on": "billed_on"})
    return latest[
        [*MONTH, "lead_health_home", "bill", "bill_since", "bill_reason", "bill_cents", "billed_cents", "billed_on"]
    ]


@kept
def care_claims(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every bill of a member-month with its days, its dollars and its stage, as known by `as_of`.

    Formula
        stage: uploaded, lead_billed, paid_to_lead, paid, or denied (the payer decided, and paid nothing)
    Unit
        cents

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> care_claims(example_coordination(), as_of=dt.date(2026, 10, 31))[["care_claim_id", "stage"]]
      care_claim_id     stage
    0           HC1  uploaded
    """
    names = [
        "care_claim_id",
        "enrolment_id",
        "month",
        "payer",
        "lead_health_home",
        "level",
        "replaces",
        "denial_reason",
    ]
    cents = ["billed_cents", "payer_paid_cents", "lead_fee_cents", "agency_paid_cents"]
    rows = register(tables, "care_claims", names, CLAIM_DAYS, as_of, numbers=cents)
    decided = rows["payer_decided_on"].notna()
    conditions = [
        rows["agency_paid_on"].notna() & (rows["agency_paid_cents"] > 0),
        decided & (rows["payer_paid_cents"] <= 0),
        decided,
        rows["lead_billed_on"].notna(),
    ]
    stages = np.select(conditions, ["paid", "denied", "paid_to_lead", "lead_billed"], "uploaded")
    days = np.select(
        conditions,
        [rows["agency_paid_on"], rows["payer_decided_on"], rows["payer_decided_on"], rows["lead_billed_on"]],
        rows["uploaded_on"],
    )
    return rows.assign(stage=stages, since=pd.to_datetime(pd.Series(days, index=rows.index)).astype("datetime64[us]"))


def register(
    tables: Mapping[str, Any],
    name: str,
    texts: Sequence[str],
    days: Sequence[str],
    as_of: dt.date,
    *,
    numbers: Sequence[str] = (),
    flags: Sequence[str] = (),
) -> pd.DataFrame:
    """A register of the programme in pandas, as known by a day: flags as 1, 0 or -1 (empty), empty text as missing."""
    found = known(tables, name, [*texts, *days, *numbers, *flags], as_of=as_of)
    keys = ["client", *("label" if text == "month" else text for text in texts)]
    rows = found.with_columns(**{flag: three_way(flag) for flag in flags}) if flags else found
    # `month` is text here; `frames.collect` would make days of a column of that name.
    rows = rows.rename({"month": "label"}) if "month" in texts else rows
    out = rows_of(rows.select(*keys, *days, *numbers, *flags), keys, days).rename(columns={"label": "month"})
    optional = [text for text in texts if text not in ("enrolment_id", "month")]
    return out.assign(**{text: out[text].mask(out[text] == NO_VALUE) for text in optional})


def within(days: pd.Series, period: Period) -> pd.Series:
    """Is each day in the period? An empty one is not."""
    return days.between(pd.Timestamp(period.first_day), pd.Timestamp(period.last_day))
