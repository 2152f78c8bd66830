"""Hospital use as reported to the practice: readmissions and emergency visits. Observed, not adjusted for risk.

An observed rate says what happened to these patients. It says nothing about how good a practice is:
who is sicker is readmitted more. And whoever is picked because of last year's many visits will have fewer
this year without anybody's help (regression to the mean): before and after of such patients proves nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import sums
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, source
from ..menu import measure

READMISSION_DAYS = 30
PER = 12_000
"""Visits per member-month times this: per 1,000 members and year."""


@measure("30-day readmissions, observed (PCR-like)", value="readmission_rate", unit="rate", good="down")
def readmissions(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: int = READMISSION_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Stays followed by an unplanned stay within thirty days, of all stays that could be (observed, unadjusted).

    Formula
        readmission_rate = readmitted / index_stays
    Counts
        A stay is one in hospital or under observation. index_stays: stays whose last day lies in the
        period and at least `days` days before `as_of`. Left out: the patient died, was transferred, or
        left on the day of arrival. readmitted: those followed by a stay that was not planned and began 2
        to `days` days after. A stay that begins on the last day of another or on the day after continues
        it. too_recent: stays whose thirty days are not over. `by` may hold `month` (of the discharge).
        Not as in the measure that it follows: stays of the whole year and of all ages and stays for a
        birth count, nobody need be enrolled for a year, and nothing is divided by what was expected.
    Date basis
        day of the discharge; what was reported by the as-of day
    Unit
        rate; all else are counts of stays
    Empty
        No index stay: empty, never 0.
    Source
        after NCQA HEDIS, Plan All-Cause Readmissions (PCR): its observed rate, without its conditions of
        age and enrolment and its risk adjustment. PCR-like, not PCR

    >>> from rcm_analysis.examples.office import example_office
    >>> readmissions(example_office(), period=Period.month("2026-08"), as_of=dt.date(2026, 10, 31))
       index_stays  readmitted  too_recent  readmission_rate
    0            2           1           0               0.5
    """
    stays = _stays(tables)
    inside = (stays["discharged_on"] >= pd.Timestamp(period.first_day)) & (
        stays["discharged_on"] < pd.Timestamp(period.end)
    )
    index = stays[inside & ~stays["is_left_out"] & (stays["discharged_on"] <= pd.Timestamp(as_of))]
    over = index["discharged_on"] <= pd.Timestamp(as_of) - pd.Timedelta(days=days)
    marks = pd.DataFrame(
        {
            "month": index["discharged_on"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]"),
            "index_stays": over.astype("int64"),
            "readmitted": (over & (index["gap"] <= days)).astype("int64"),
            "too_recent": (~over).astype("int64"),
        }
    )
    names = ["index_stays", "readmitted", "too_recent"]
    found = (
        marks.groupby(list(by), as_index=False)[names].sum() if by else marks[names].sum().to_frame().T.astype("int64")
    )
    return found.assign(readmission_rate=quotient(found["readmitted"], found["index_stays"]))


def _stays(tables: Mapping[str, Any]) -> pd.DataFrame:
    """Stays with the days to the patient's next unplanned one; stays with no full day between them are one.

    Few rows a client, so that the chain of stays of a patient is followed in pandas.
    """
    columns = ["client", "patient", "encounter_id", "kind", "admitted_on", "discharged_on", "is_planned", "ended"]
    rows = (
        source(tables, "hospital_encounters", columns)
        .filter(nw.col("kind").is_in(["inpatient", "observation"]))
        .select(
            "client",
            "patient",
            "encounter_id",
            "admitted_on",
            "discharged_on",
            "ended",
            planned=nw.when(nw.col("is_planned")).then(1).otherwise(0),
        )
    )
    dates = ["admitted_on", "discharged_on"]
    stays = collect(rows, ["client", "patient", "encounter_id", "ended"], dates=dates)
    stays = stays.sort_values(["client", "patient", "admitted_on", "discharged_on", "encounter_id"], ignore_index=True)
    person = [stays["client"], stays["patient"]]
    same = (stays["client"] == stays["client"].shift(-1)) & (stays["patient"] == stays["patient"].shift(-1))
    following = stays["admitted_on"].shift(-1).where(same)
    is_continued = following <= stays["discharged_on"] + pd.Timedelta(days=1)
    unplanned = stays["admitted_on"].where(stays["planned"] == 0)
    later = unplanned.groupby(person).bfill().shift(-1).where(same)
    gap = (later - stays["discharged_on"]).dt.days
    left_out = (
        is_continued | stays["ended"].isin(["died", "transfer"]) | (stays["discharged_on"] == stays["admitted_on"])
    )
    return stays.assign(gap=gap, is_left_out=left_out)


@measure("Emergency visits per 1,000 and year, observed", value="emergency_per_1000", unit="count", good="down")
def emergency_visits(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Emergency visits per 1,000 members and year (observed, unadjusted).

    Formula
        emergency_per_1000 = visits x 12,000 / member_months
    Counts
        Visits of the period that did not lead to a stay; member_months: the patients looked after, month by
        month, over all locations. Months without a count of patients are in neither. `by` may
        hold `month`.
    Date basis
        day of the visit; what was reported by the as-of day of the tables
    Unit
        count: visits per 1,000 members and year
    Empty
        No member-month: empty, never 0.
    Source
        visits over member-months x 12,000, as health plans report it; treat-and-release only

    >>> from rcm_analysis.examples.office import example_office
    >>> emergency_visits(example_office(), period=Period.month("2026-10"))
       visits  member_months  emergency_per_1000
    0       1            120               100.0
    """
    labels = [month.label for month in period.months()]
    panel = source(tables, "panel_months", ["month", "members"]).filter(nw.col("month").is_in(labels))
    members = collect(
        panel.select("members", label=nw.col("month")).group_by("label").agg(nw.col("members").sum()), ["label"]
    )
    rows = source(tables, "hospital_encounters", ["kind", "admitted_on"]).filter(
        nw.col("kind") == "emergency", period.holds(nw.col("admitted_on"))
    )
    rows = rows.with_columns(visits=nw.lit(1), month=nw.col("admitted_on").dt.truncate("1mo"))
    visits = sums(rows, ["month"], ["visits"])
    months = pd.DataFrame(
        {
            "month": pd.to_datetime(members["label"] + "-01").astype("datetime64[us]"),
            "member_months": members["members"],
        }
    )
    both = months.merge(visits, on="month", how="left").fillna({"visits": 0}).astype({"visits": "int64"})
    names = ["visits", "member_months"]
    found = both[["month", *names]] if "month" in by else both[names].sum().to_frame().T.astype("int64")
    return found.assign(emergency_per_1000=quotient(found["visits"] * PER, found["member_months"])).reset_index(
        drop=True
    )
