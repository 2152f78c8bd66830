"""Care coordination that was given and never billed: member-months with their published rate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.registers import known, rows_of
from ...tables.frames import days_before, source
from ...tables.reference.health_home import health_home_rates
from ..menu import measure

col = nw.col
MONTH = ["client", "enrolment_id", "month"]
WINDOW_DAYS = 30
"""Days in which a month is completed and uploaded after it was opened for billing."""
SERVICE_DAYS = {"medium": 2, "high": 2, "high_fidelity_wraparound": 2}
"""Days with a core service that a month needs by level; one where nothing is said."""
COLUMNS = [
    "client",
    "enrolment_id",
    "month",
    "coordinator",
    "level",
    "region",
    "contacts",
    "opened_on",
    "is_billed",
    "reason",
    "rate_cents",
]


@measure("Contacts made and never billed", value="rate_cents", good="down")
def contacts_not_billed(tables: Mapping[str, Any], *, as_of: dt.date, days: int = WINDOW_DAYS) -> pd.DataFrame:
    """Member-months whose contacts met the rule and that were never uploaded for billing, by coordinator, at the
    published rate.

    Formula
        rate_cents = published monthly rate of the member's level and region, in force on the month's first day
    Counts
        One row per enrolled member and month whose core service was given, with no upload and no claim by
        `as_of`: the month's window was closed without one, or `days` days have passed since it was
        opened. A month of a member above the level low needs core services on two different days: with
        contacts on fewer it is left out, whatever the record of the month says; without any contact in
        the data the record stands. contacts: those of the month in which the member or family was
        reached. reason: why, as recorded; "open" where nothing is. Months still within their window are
        left out.
    Date basis
        month of service; opened_on, uploaded_on and missed_on as known by `as_of`
    Unit
        cents; contacts is a count
    Empty
        Every month given was billed: no row. A level or region without a published rate: 0 cents.
    Source
        New York State Department of Health, Health Homes Serving Children rates (`reference.health_home`)
        and its rule of two core services a month above the level low, counted by day (as we were told it:
        the lead agency's contract stands)

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> found = contacts_not_billed(example_coordination(), as_of=dt.date(2026, 10, 31))
    >>> found[["enrolment_id", "month", "coordinator", "contacts", "reason", "rate_cents"]]
      enrolment_id    month coordinator  contacts            reason  rate_cents
    0          EN1  2026-09        CC01         2  no_questionnaire       48500
    """
    months = months_given(tables, as_of=as_of, days=days)
    return months[~months["is_billed"]].drop(columns="is_billed").reset_index(drop=True)


@measure("Member-months given, billed or not", value="rate_cents", good="up")
def months_given(tables: Mapping[str, Any], *, as_of: dt.date, days: int = WINDOW_DAYS) -> pd.DataFrame:
    """Every member-month whose core service was given and whose window is over, billed or not (`is_billed`).

    Formula
        is_billed = the month was uploaded, or a claim for it exists
    Counts
        As `contacts_not_billed`.
    Date basis
        month of service
    Unit
        cents at the published rate
    Empty
        No such month: no row.
    Source
        as `contacts_not_billed`

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> months_given(example_coordination(), as_of=dt.date(2026, 10, 31))["is_billed"].tolist()
    [True, False]
    """
    found = _opened(tables, as_of, days)
    found = found[found["is_billed"] | ~found["is_short"]]
    return found.sort_values(["month", "coordinator", "enrolment_id"], ignore_index=True)[COLUMNS]


@measure("Member-months billed on fewer days than the rule asks", value="rate_cents", good="down")
def months_billed(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every billed member-month with contacts on record, and whether they fall on fewer days than its level needs.

    Formula
        is_short = days with a contact of the month that reached somebody < 2 above the level low, < 1 at it
    Counts
        Months uploaded or claimed with at least one such contact recorded; without any the record stands. What is
        short can be taken back in an audit.
    Date basis
        month of service
    Unit
        cents at the published rate
    Empty
        No billed month: no row.
    Source
        as `contacts_not_billed`

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> months_billed(example_coordination(), as_of=dt.date(2026, 10, 31))["is_short"].tolist()
    [True]
    """
    found = _opened(tables, as_of, WINDOW_DAYS)
    found = found[found["is_billed"] & (found["contacts"] > 0)]
    found = found.sort_values(["month", "coordinator", "enrolment_id"], ignore_index=True)
    return found[[*COLUMNS, "is_short"]]


def _opened(tables: Mapping[str, Any], as_of: dt.date, days: int) -> pd.DataFrame:
    """Member-months recorded as given whose window is over, with their contacts, rate, and whether those were on too
    few days."""
    names = ["coordinator", "opened_on", "is_core_service_given", "uploaded_on", "missed", "missed_on"]
    support = known(tables, "billing_support", [*MONTH[1:], *names], as_of=as_of).filter(col("is_core_service_given"))
    claims = (
        known(tables, "care_claims", MONTH[1:], as_of=as_of).select(*MONTH).unique().with_columns(claimed=nw.lit(1))
    )
    rows = support.join(claims, on=MONTH, how="left").with_columns(
        is_billed=nw.when(~col("uploaded_on").is_null() | ~col("claimed").is_null()).then(1).otherwise(0)
    )
    is_over = ~col("missed_on").is_null() | (col("opened_on") <= days_before(as_of, days)) | (col("is_billed") == 1)
    levels = source(tables, "acuity_months", [*MONTH, "level", "recorded_on"]).filter(col("recorded_on") <= as_of)
    regions = source(tables, "enrolments", ["client", "enrolment_id", "region"])
    rows = (
        rows.filter(is_over)
        .join(levels.drop("recorded_on"), on=MONTH, how="left")
        .join(regions, on=MONTH[:2], how="left")
    )
    rows = rows.with_columns(
        reason=col("missed").fill_null("open"), level=col("level").fill_null(""), region=col("region").fill_null("")
    )
    # `month` is text here; `frames.collect` would make days of a column of that name.
    texts = ["client", "enrolment_id", "label", "coordinator", "level", "region", "reason"]
    found = rows_of(rows.rename({"month": "label"}).select(*texts, "opened_on", "is_billed"), texts, ["opened_on"])
    found = found.rename(columns={"label": "month"})
    made = _contacts(tables, found, as_of)
    needed = found["level"].map(SERVICE_DAYS).astype("float64").fillna(1)
    return found.assign(
        is_billed=found["is_billed"].astype(bool),
        contacts=made["contacts"],
        rate_cents=published_rates(found),
        is_short=(made["contacts"] > 0) & (made["days"] < needed),
    )


def _contacts(tables: Mapping[str, Any], months: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """How many contacts of the month reached somebody, and on how many days."""
    rows = known(
        tables, "care_contacts", ["contact_id", "enrolment_id", "contacted_on", "is_reached"], as_of=as_of
    ).filter(col("is_reached"))
    found = rows_of(
        rows.select("client", "contact_id", "enrolment_id", "contacted_on"),
        ["client", "contact_id", "enrolment_id"],
        ["contacted_on"],
    )
    counts = found.groupby(["client", "enrolment_id", found["contacted_on"].dt.strftime("%Y-%m").rename("month")]).agg(
        contacts=("contact_id", "size"), days=("contacted_on", "nunique")
    )
    asked = pd.MultiIndex.from_frame(months[MONTH])
    return counts.reindex(asked).fillna(0).astype("int64").set_axis(months.index)


def published_rates(months: pd.DataFrame) -> pd.Series:
    """The published rate of each month by its level and region, in force on the month's first day.

    Unit
        cents
    Empty
        0 where none is published.

    >>> months = pd.DataFrame({"month": ["2026-08"], "level": ["medium"], "region": ["upstate"]})
    >>> published_rates(months).tolist()
    [48500]
    """
    rates = health_home_rates().melt(["level", "effective"], ["upstate", "downstate"], "region", "dollars")
    rates = rates.assign(
        effective=pd.to_datetime(rates["effective"]), cents=rates["dollars"].str.replace(".", "").astype("int64")
    )
    first = pd.to_datetime(months["month"] + "-01")
    asked = (
        months[["level", "region"]]
        .assign(first=first.astype("datetime64[ns]"))
        .reset_index(names="row")
        .sort_values("first")
    )
    rates = rates.assign(effective=rates["effective"].astype("datetime64[ns]")).sort_values("effective")
    found = pd.merge_asof(asked, rates, left_on="first", right_on="effective", by=["level", "region"]).sort_values(
        "row"
    )
    return pd.Series(found["cents"].fillna(0).astype("int64").to_numpy(), index=months.index)
