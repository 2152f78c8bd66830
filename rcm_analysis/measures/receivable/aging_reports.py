"""What aging reports say, where they are all there is: what was open by age on their days, and how that moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.ratios import quotient
from ...tables.frames import collect, kept, source
from ...tables.schema_services import AGED
from ..menu import measure

MONTH_DAYS = (26, 35)
"""Two reports so many days apart are a month apart: then each bucket holds what was in the one before."""
OVER_90 = ("91-120", "over 120")


@kept
@measure("Open in the payers' and patients' aging reports", value="balance_cents", good="down")
def reported_aging(tables: Mapping[str, Any], *, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """What the aging reports up to `as_of` say is open, by the day of the report and by age.

    Formula
        balance_cents = sum of all ages and of what is not applied; over_90_share = what is over 90 days old / all ages
    Counts
        Every balance as it is reported, credits below zero. `by` may hold party, payer and location.
    Date basis
        day of the report
    Unit
        cents
    Empty
        No row without a report. A share of nothing is empty.
    Source
        the reports themselves; their ages are counted as the system that made them counts
    Shape
        client, *by, reported_on, one column for each age (0-30 to over 120, unapplied), balance_cents, over_90_share

    >>> row = {"client": "a", "party": "insurance", "location": "all", "account": "x", "payer": "x"}
    >>> rows = pd.DataFrame([row | {"reported_on": dt.date(2026, 9, 30), "bucket": bucket, "balance_cents": cents}
    ...                      for bucket, cents in (("0-30", 7500), ("over 120", 2500))])
    >>> found = reported_aging({"aging_balances": rows}, as_of=dt.date(2026, 10, 31))
    >>> found[["0-30", "over 120", "balance_cents", "over_90_share"]]
       0-30  over 120  balance_cents  over_90_share
    0  7500      2500          10000           0.25
    """
    groups = ["client", *by, "reported_on"]
    rows = source(tables, "aging_balances", [*groups, "bucket", "balance_cents"]).filter(nw.col("reported_on") <= as_of)
    sums = rows.group_by(*groups, "bucket").agg(nw.col("balance_cents").sum())
    found = collect(sums, [*groups[:-1], "bucket"], dates=["reported_on"])
    wide = found.pivot_table(index=groups, columns="bucket", values="balance_cents", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=list(AGED), fill_value=0).astype("int64")
    ages = wide.drop(columns="unapplied").sum(axis=1)
    wide["balance_cents"] = ages + wide["unapplied"]
    wide["over_90_share"] = quotient(wide[list(OVER_90)].sum(axis=1), ages)
    return wide.rename_axis(columns=None).reset_index()


def left_after_a_month(aging: pd.DataFrame) -> pd.DataFrame:
    """Of what was of each age in one report, the share that is still there a month later, one bucket older.

    Formula
        of 0-30 days: what is 31-60 days old in the next report / what was 0-30 days old; so on; of everything over 90
        days: what is over 120 days old then. The rest was paid, discounted, written off or corrected: a report does not
        say which.
    Counts
        `aging`: rows of `reported_aging` of one client, in order of their days; pairs that are 26 to 35 days apart.
    Empty
        No row for the first report, nor where the next one is not a month later; a share of nothing is empty.
    Shape
        reported_on (of the later report), age, before_cents, left_cents, left_share
    """
    out = []
    for before, now in zip(aging.to_dict("records"), aging.to_dict("records")[1:], strict=False):
        if not MONTH_DAYS[0] <= (now["reported_on"] - before["reported_on"]).days <= MONTH_DAYS[1]:
            continue
        steps = [((AGED[place],), AGED[place + 1]) for place in range(3)] + [(OVER_90, OVER_90[1])]
        for ages, older in steps:
            had = sum(int(before[age]) for age in ages)
            words = ages[0] if len(ages) == 1 else "over 90"
            out.append((now["reported_on"], words, had, int(now[older])))
    found = pd.DataFrame(out, columns=["reported_on", "age", "before_cents", "left_cents"])
    return found.assign(left_share=quotient(found["left_cents"], found["before_cents"]))
