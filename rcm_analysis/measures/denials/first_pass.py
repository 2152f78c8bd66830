"""Right the first time: clean before submission, accepted by the front ends, resolved by the payer: three different
things."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import first_adjudications, is_first
from ...ledger.postings import one_if, optional, sums, with_groups, with_rate
from ...periods import Period
from ...tables.frames import days_before, source
from ..menu import measure

col = nw.col
CLAIM = ("client", "claim_id")
BEFORE_SUBMISSION = ("scrubber", "clearinghouse")
REJECTING = ("clearinghouse", "payer")
MATURE_DAYS = 90


@measure("Clean claim rate, before submission", unit="rate", good="up")
def clean_claim_rate(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = (), stages: Sequence[str] = BEFORE_SUBMISSION
) -> pd.DataFrame:
    """Claims that passed their first edits untouched, of the claims first checked in the period.

    Formula
        clean_claims / checked_claims
    Counts
        Claims by the day of their first check at any of `stages`. Clean: the first check at each
        stage passed; what a claim passes after it was mended does not count. A claim that was only received
        (pending) is not checked yet. Nothing of the payer's decision enters: that is `first_pass_resolution_rate`.
    Date basis
        checked_on
    Unit
        share, 0 to 1
    Empty
        No claim checked: an empty value.
    Source
        HFMA MAP Key CL-1, clean claim rate (pre-submission, no manual touch).

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(clean_claim_rate(example_tables(), period=Period.month("2026-09")).to_string(index=False))
     clean_claims  checked_claims  clean_claim_rate
                3               4              0.75
    """
    claims = _first_checks(tables, period.end, stages)
    grouped = with_groups(claims.filter(period.holds(col("checked_on"))), tables, by, month_on="checked_on")
    counted = grouped.with_columns(clean_claims=one_if(col("failures") == 0), checked_claims=nw.lit(1))
    found = sums(counted, by, ["clean_claims", "checked_claims"])
    return with_rate(found, "clean_claim_rate", "clean_claims", "checked_claims")


def _first_checks(tables: Mapping[str, Any], end: dt.date, stages: Sequence[str]) -> nw.LazyFrame:
    """One row per claim checked before `end`: the day of its first, and at how many stages that failed."""
    columns = [*CLAIM, "edit_id", "checked_on", "stage", "result"]
    checks = source(tables, "claim_edits", columns).filter(
        col("stage").is_in(list(stages)), col("checked_on") < end, col("result") != "pending"
    )
    first = checks.filter(is_first((*CLAIM, "stage"), ("checked_on", "edit_id")))
    failed = first.with_columns(failures=one_if(col("result") == "failed"))
    return failed.group_by(*CLAIM).agg(col("failures").sum(), col("checked_on").min())


@measure("First-pass acceptance rate, at the front ends", unit="rate", good="up")
def first_pass_acceptance_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Claims that clearinghouse and payer took the first time, of the claims that they first took or rejected.

    Formula
        accepted_claims / judged_claims; in dollars accepted_cents / judged_cents
    Counts
        Claims by the day on which a front end first took or rejected them, in acknowledgments (277CA, 999) or the
        checks of an export. Accepted: the first word at each front end was no rejection; a claim that was
        rejected, mended and taken counts as one claim and one rejection. `pending_claims` were received in the
        period, and nobody has said more by its end; they are in neither. Dollars are the charges of the claims.
    Date basis
        checked_on
    Unit
        share, 0 to 1; cents
    Empty
        No claim taken or rejected: an empty value.
    Source
        our own; the codes that reject are those of X12 RFI 2203

    >>> from rcm_analysis.examples.follow_up import example_follow_up
    >>> found = first_pass_acceptance_rate(example_follow_up(), period=Period.days_ending(dt.date(2026, 10, 31), 61))
    >>> found[["accepted_claims", "judged_claims", "first_pass_acceptance_rate", "judged_cents"]]
       accepted_claims  judged_claims  first_pass_acceptance_rate  judged_cents
    0                1              2                         0.5         20000
    """
    checks = source(tables, "claim_edits", [*CLAIM, "checked_on", "stage"])
    heard = checks.filter(col("stage").is_in(list(REJECTING)), col("checked_on") < period.end)
    heard = heard.group_by(*CLAIM).agg(heard_on=col("checked_on").min())
    rows = heard.join(_first_checks(tables, period.end, REJECTING), on=list(CLAIM), how="left")
    rows = rows.with_columns(checked_on=nw.coalesce(col("checked_on"), col("heard_on")))
    charges = source(tables, "claims", [*CLAIM, "charge_cents"])
    rows = rows.filter(period.holds(col("checked_on"))).join(charges, on=list(CLAIM), how="left")
    is_judged, is_taken = ~col("failures").is_null(), (col("failures") == 0).fill_null(False)
    charge = col("charge_cents").fill_null(0)
    counted = with_groups(rows, tables, by, month_on="checked_on").with_columns(
        accepted_claims=one_if(is_taken),
        judged_claims=one_if(is_judged),
        pending_claims=one_if(~is_judged),
        accepted_cents=nw.when(is_taken).then(charge).otherwise(0),
        judged_cents=nw.when(is_judged).then(charge).otherwise(0),
    )
    names = ["accepted_claims", "judged_claims", "pending_claims", "accepted_cents", "judged_cents"]
    found = with_rate(sums(counted, by, names), "first_pass_acceptance_rate", "accepted_claims", "judged_claims")
    return with_rate(found, "first_pass_acceptance_rate_dollars", "accepted_cents", "judged_cents")


@measure("First-pass resolution rate, at the payer", unit="rate", good="up")
def first_pass_resolution_rate(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = (), mature_days: int = MATURE_DAYS
) -> pd.DataFrame:
    """Claims settled by their first submission, of the claims first sent in the period and old enough to tell.

    Formula
        resolved_claims / mature_claims
        mature = first sent at least `mature_days` days before `as_of`
    Counts
        Claims first sent to a primary payer in the period. Resolved: the first decision paid it, or
        left it to the patient or a prior payer; nothing denied, no refusal as a duplicate, no whole
        charge discounted, no second submission to the same payer order, no rejection by clearinghouse
        or payer (none known where there is no table `claim_edits`). A claim without a decision after `mature_days` is
        not resolved. `immature_claims` are counted apart and judged later, decided or not: judging only those decided
        flatters.
    Date basis
        submitted_on of the first submission; known by `as_of`
    Unit
        share, 0 to 1
    Empty
        No mature claim: an empty value.
    Source
        pollenix RCM analytics (paid on first submission, no denial, resubmission or correction); the
        cohort is our own.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(first_pass_resolution_rate(
    ...     example_tables(), period=Period.month("2026-09"), as_of=dt.date(2026, 12, 31)).to_string(index=False))
     resolved_claims  mature_claims  immature_claims  first_pass_resolution_rate
                   2              4                0                         0.5
    """
    cohort = _first_submissions(tables, as_of).filter(period.holds(col("submitted_on")))
    judged = cohort.join(_settled(tables, as_of), on=list(CLAIM), how="left")
    if optional(tables, "claim_edits") is None:
        judged = judged.with_columns(rejections=nw.lit(0))
    else:
        judged = judged.join(_rejected(tables, as_of), on=list(CLAIM), how="left")
    judged = with_groups(judged, tables, by, month_on="submitted_on")
    old_enough = col("submitted_on") <= days_before(as_of, mature_days)
    resolved = (col("settled").fill_null(0) == 1) & (col("rejections").fill_null(0) == 0) & (col("submissions") == 1)
    counted = judged.with_columns(
        resolved_claims=one_if(old_enough & resolved),
        mature_claims=one_if(old_enough),
        immature_claims=one_if(~old_enough),
    )
    found = sums(counted, by, ["resolved_claims", "mature_claims", "immature_claims"])
    return with_rate(found, "first_pass_resolution_rate", "resolved_claims", "mature_claims")


def _first_submissions(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    columns = ["client", "submission_id", "claim_id", "submitted_on", "payer", "payer_order"]
    sent = source(tables, "submissions", columns).filter(col("submitted_on") <= as_of, col("payer_order") == "primary")
    counted = sent.with_columns(one=nw.lit(1)).group_by(*CLAIM).agg(submissions=col("one").sum())
    return sent.filter(is_first(CLAIM, ("submitted_on", "submission_id"))).join(counted, on=list(CLAIM), how="inner")


def _settled(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    first = first_adjudications(tables, as_of=as_of).filter(col("payer_order") == "primary")
    left_to_others = (col("patient_cents") > 0) | (col("prior_payer_cents") > 0)
    clean = (col("outcome") == "paid") | ((col("outcome") == "zero_pay_non_denial") & left_to_others)
    return first.select(*CLAIM, settled=one_if(clean & (col("duplicate_cents") == 0)))


def _rejected(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    checks = source(tables, "claim_edits", [*CLAIM, "checked_on", "stage", "result"])
    failed = checks.filter(col("checked_on") <= as_of, col("stage").is_in(list(REJECTING)), col("result") == "failed")
    return failed.with_columns(rejections=nw.lit(1)).group_by(*CLAIM).agg(col("rejections").sum())
