"""Who is referred to the programme, how good the referrals are, and which of them nobody has engaged yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import kept
from ..menu import measure
from .billed import published_rates
from .stages import register, within

KEPT_DAYS = 90
"""Days after the consent on which a member is asked for again: enrolled still, or not."""
TOP_LEVELS = ("high", "high_fidelity_wraparound")
COUNTS = ["referrals", "valid_contact", "with_documents", "screened", "eligible", "reached", "enrolled"]


@measure("Quality of referrals", value="conversion", unit="rate", good="up")
def referral_quality(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ("source",)
) -> pd.DataFrame:
    """What became of the referrals of a period, by who sent them: how many fit, were reached, enrolled and stayed.

    Formula
        eligible_share = eligible / screened; reached_share = reached / eligible; enrolled_share = enrolled / eligible;
        conversion = enrolled / referrals; kept_share = kept / due; high_share = high / leveled
    Counts
        Referrals referred in the period and received by `as_of`. valid_contact: phone or address valid; with_documents:
        the papers came with it. eligible: screened so. reached: eligible, and an attempt reached somebody. enrolled:
        with a consent. due: enrolled at least 90 days before `as_of`; kept: of those, enrolled still on the 90th day.
        leveled: members with an acuity level; high: the first level was high or wraparound. rate_cents: mean published
        monthly rate of the first levels. Later months are less complete: their referrals are still worked.
    Date basis
        referred_on
    Unit
        counts; shares 0 to 1; cents
    Empty
        No referral: no row. A share of nothing is empty.
    Source
        our own: number and quality of referrals, outreach and engagement rates, acuity

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> found = referral_quality(
    ...     example_coordination(), period=Period.month("2026-07"), as_of=dt.date(2026, 10, 31)
    ... )
    >>> found[["source", "referrals", "eligible", "enrolled", "conversion"]]
       source  referrals  eligible  enrolled  conversion
    0  school          2         1         1         0.5
    """
    rows = followed(tables, as_of=as_of)
    rows = rows[within(rows["referred_on"], period)]
    flags = [*COUNTS[1:], "due", "kept", "leveled", "high"]
    sums = rows.assign(referrals=1).groupby(list(by), as_index=False, sort=True)[["referrals", *flags, "rate_cents"]]
    out = sums.sum()
    shares = {
        "eligible_share": ("eligible", "screened"),
        "reached_share": ("reached", "eligible"),
        "enrolled_share": ("enrolled", "eligible"),
        "conversion": ("enrolled", "referrals"),
        "kept_share": ("kept", "due"),
        "high_share": ("high", "leveled"),
    }
    out = out.assign(**{name: quotient(out[top], out[bottom]) for name, (top, bottom) in shares.items()})
    return out.assign(rate_cents=quotient(out["rate_cents"], out["leveled"]))


@kept
def followed(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every referral with what is known of it by `as_of`: flags as 0 and 1.

    Counts
        Columns as in `referral_quality`, and attempts, last_attempt_on, last_result, enrolment_id.

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> followed(example_coordination(), as_of=dt.date(2026, 10, 31))["attempts"].tolist()
    [2, 0]
    """
    referrals = register(
        tables,
        "referrals",
        ["referral_id", "patient", "source", "screening"],
        ["referred_on", "screened_on"],
        as_of,
        flags=["is_contact_valid", "has_documents"],
    )
    attempts = register(
        tables, "outreach", ["referral_id", "outreach_id", "result"], ["contacted_on"], as_of, flags=["is_reached"]
    ).sort_values(["contacted_on", "outreach_id"])
    tried = attempts.groupby("referral_id").agg(
        attempts=("contacted_on", "size"),
        reached=("is_reached", "max"),
        last_attempt_on=("contacted_on", "last"),
        last_result=("result", "last"),
    )
    rows = referrals.merge(tried, on="referral_id", how="left").merge(_members(tables, as_of), "left", "referral_id")
    eligible = rows["screening"] == "eligible"
    enrolled = rows["enrolled_on"].notna()
    day = rows["enrolled_on"] + pd.Timedelta(days=KEPT_DAYS)
    due = enrolled & (day <= pd.Timestamp(as_of))
    flags = {
        "valid_contact": rows["is_contact_valid"] == 1,
        "with_documents": rows["has_documents"] == 1,
        "screened": rows["screening"].notna(),
        "eligible": eligible,
        "reached": eligible & (rows["reached"] == 1),
        "enrolled": enrolled,
        "due": due,
        "kept": due & ~(rows["ended_on"] < day),
        "leveled": rows["level"].notna(),
        "high": rows["level"].isin(TOP_LEVELS),
    }
    return rows.assign(
        attempts=rows["attempts"].fillna(0).astype("int64"),
        rate_cents=rows["rate_cents"].fillna(0).astype("int64"),
        **{name: found.astype("int64") for name, found in flags.items()},
    )


def _members(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The first enrolment of each referral with its first level and that level's rate."""
    names = ["enrolment_id", "referral_id", "region"]
    members = register(tables, "enrolments", names, ["enrolled_on", "ended_on"], as_of).dropna(subset=["referral_id"])
    members = members.sort_values(["enrolled_on", "enrolment_id"]).drop_duplicates("referral_id")
    levels = register(tables, "acuity_months", ["enrolment_id", "month", "level"], [], as_of)
    first = levels.sort_values("month").drop_duplicates("enrolment_id")[["enrolment_id", "month", "level"]]
    both = members.merge(first, on="enrolment_id", how="left")
    known = both["level"].notna()
    rates = published_rates(both[known]).reindex(both.index)
    return both.assign(rate_cents=rates)[
        ["referral_id", "enrolment_id", "enrolled_on", "ended_on", "level", "rate_cents"]
    ]


@measure("Referrals not engaged yet", value="rate_cents")
def not_engaged(tables: Mapping[str, Any], *, as_of: dt.date, within_days: int = 180) -> pd.DataFrame:
    """Eligible referrals whom nobody has enrolled, those first whose senders' members are at the highest rates.

    Formula
        rate_cents = mean published monthly rate of the first levels of the members whom the same source referred
    Counts
        Referrals of the last `within_days` days, screened as eligible, without an enrolment, and whose last attempt
        did not end with a refusal. The acuity of a child is known after the consent only, so it is told from the
        source: high_share is the share of its members who began at high or wraparound.
    Date basis
        referred_on; attempts and consents as known by `as_of`
    Unit
        cents a month
    Empty
        Everybody eligible is enrolled or has declined: no row. A source without members yet: no rate.
    Source
        our own: efforts go first to those with the highest scores and rates

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> len(not_engaged(example_coordination(), as_of=dt.date(2026, 10, 31)))
    0
    """
    rows = followed(tables, as_of=as_of)
    by_source = rows.groupby("source")[["high", "leveled", "rate_cents"]].sum()
    since = pd.Timestamp(as_of) - pd.Timedelta(days=within_days)
    waiting = rows[
        (rows["eligible"] == 1)
        & (rows["enrolled"] == 0)
        & (rows["last_result"] != "declined")
        & (rows["referred_on"] >= since)
    ]
    rate = quotient(by_source["rate_cents"], by_source["leveled"])
    share = quotient(by_source["high"], by_source["leveled"])
    found = waiting.assign(
        rate_cents=waiting["source"].map(rate),
        high_share=waiting["source"].map(share),
        days=(pd.Timestamp(as_of) - waiting["referred_on"]).dt.days,
    )
    order = ["client", "referral_id", "patient", "source", "referred_on", "days", "attempts", "last_attempt_on"]
    order += ["last_result", "valid_contact", "with_documents", "high_share", "rate_cents"]
    return found.sort_values(["rate_cents", "referred_on", "referral_id"], ascending=[False, True, True])[
        order
    ].reset_index(drop=True)
