"""How much is denied: the denial rates, each named for what it counts and what it divides by.

A denial is what `adjudications` says: a denial code outside group PR on the first decision about a
claim. It counts once, whatever is resubmitted later; status 4, sequestration, deductibles and what a
prior payer adjusted are no denials, refusals as a duplicate are left out (`denial_reasons` shows them).
Claims are counted per payer order: a claim sent on to a secondary payer is decided there once more.

    ..._remitted    divides by what was decided in the period: mature on its last day
    ..._submitted   divides by what was sent in the three months before: the HFMA task force's form
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...errors import ParameterError
from ...ledger.adjudications import (
    CLAIM,
    DENIED,
    PAYMENT,
    claim_adjudications,
    first_adjudications,
    is_first,
    line_adjudications,
)
from ...ledger.postings import one_if, side_by_side, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import source
from ..menu import measure

col = nw.col


@measure("Initial denial rate: claims, of claims remitted (after HFMA AR-5)", unit="rate", good="down")
def initial_denial_rate_claims_remitted(
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = (),
    fully: bool = False,
    patient_denials: bool = False,
) -> pd.DataFrame:
    """Claims denied by their first decision, of the claims first decided in the period.

    Formula
        denied_claims / remitted_claims
    Counts
        Claims whose first decision became known in the period. Denied: at least one line denied in
        whole or part; `fully=True` counts only claims of which nothing is allowed.
        `patient_denials=True` counts denial codes in group PR too.
    Date basis
        received_on of the remittance
    Unit
        share, 0 to 1
    Empty
        No claim decided: an empty value.
    Source
        HFMA MAP Key AR-5 (remittance denial rate: claims denied, of claims remitted), by the first decision as
        in the initial denial rate of the HFMA Claim Integrity Task Force 2021. AR-5 counts actionable
        denials; here every denial code counts, also those that nobody can correct.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     initial_denial_rate_claims_remitted(
    ...         example_tables(), period=Period.month("2026-10"), by=["payer"]
    ...     ).to_string(index=False)
    ... )
    payer  denied_claims  remitted_claims  initial_denial_rate_claims_remitted
    aetna              1                2                                  0.5
    cigna              1                2                                  0.5
    """
    first = with_groups(_first_decided(tables, period, patient_denials), tables, by, month_on="received_on")
    counted = first.with_columns(denied_claims=one_if(_denied(fully)), remitted_claims=nw.lit(1))
    found = sums(counted, by, ["denied_claims", "remitted_claims"])
    return with_rate(found, "initial_denial_rate_claims_remitted", "denied_claims", "remitted_claims")


@measure("Initial denial rate: lines, of lines remitted", unit="rate", good="down")
def initial_denial_rate_lines_remitted(
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = (),
    fully: bool = False,
    patient_denials: bool = False,
) -> pd.DataFrame:
    """Service lines denied by the first decision on their claim, of the lines first decided in the period.

    Formula
        denied_lines / remitted_lines
    Counts
        The lines of first decisions that became known in the period; a claim payment without lines
        counts as one. Lines refused only as a duplicate are left out above and below. `fully` and
        `patient_denials` as in `initial_denial_rate_claims_remitted`.
    Date basis
        received_on of the remittance
    Unit
        share, 0 to 1
    Empty
        No line decided: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021 calls the line level the better practice.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     initial_denial_rate_lines_remitted(example_tables(), period=Period.month("2026-10")).to_string(index=False)
    ... )
     denied_lines  remitted_lines  initial_denial_rate_lines_remitted
                2               5                                 0.4
    """
    first = _first_decided(tables, period, patient_denials).select(*PAYMENT)
    lines = line_adjudications(tables, as_of=period.last_day, since=period.first_day, patient_denials=patient_denials)
    decided = lines.join(first, on=list(PAYMENT), how="semi").filter(col("outcome") != "duplicate")
    grouped = with_groups(decided, tables, by, month_on="received_on")
    counted = grouped.with_columns(denied_lines=one_if(_denied(fully)), remitted_lines=nw.lit(1))
    found = sums(counted, by, ["denied_lines", "remitted_lines"])
    return with_rate(found, "initial_denial_rate_lines_remitted", "denied_lines", "remitted_lines")


@measure("Initial denial rate: dollars, of dollars remitted", unit="rate", good="down")
def initial_denial_rate_dollars_remitted(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = (), patient_denials: bool = False
) -> pd.DataFrame:
    """Dollars denied by first decisions, of the charges first decided in the period.

    Formula
        denied_cents / charge_cents
    Counts
        First decisions that became known in the period; only the denied amounts of a claim that is
        denied in part.
    Date basis
        received_on of the remittance
    Unit
        share, 0 to 1
    Empty
        No charge decided: an empty value.
    Source
        AAFP practice finances (dollars denied / dollars submitted), on claims remitted.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> found = initial_denial_rate_dollars_remitted(example_tables(), period=Period.month("2026-10"))
    >>> print(found.round(3).to_string(index=False))
     denied_cents  charge_cents  initial_denial_rate_dollars_remitted
            25000         57000                                 0.439
    """
    first = with_groups(_first_decided(tables, period, patient_denials), tables, by, month_on="received_on")
    found = sums(first, by, ["denied_cents", "charge_cents"])
    return with_rate(found, "initial_denial_rate_dollars_remitted", "denied_cents", "charge_cents")


@measure("Initial denial rate: claims, of claims submitted", unit="rate", good="down")
def initial_denial_rate_claims_submitted(
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = (),
    fully: bool = False,
    patient_denials: bool = False,
) -> pd.DataFrame:
    """Claims denied by first decisions of the month, against the claims sent in an average month before.

    Formula
        denied_claims / (submitted_claims / 3)
        submitted_claims = claims first sent in the three months before the period's month
    Counts
        Above: as `initial_denial_rate_claims_remitted`. Below: claims by the day they were first
        sent to a payer of that order; corrected and repeated submissions do not count again.
    Date basis
        received_on above, submitted_on below. Not the same claims, so it can exceed 1.
    Unit
        share of an average month
    Empty
        Nothing sent in the three months: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021, initial denial rate (volume).

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     initial_denial_rate_claims_submitted(example_tables(), period=Period.month("2026-10")).to_string(
    ...         index=False
    ...     )
    ... )
     denied_claims  submitted_claims  initial_denial_rate_claims_submitted
                 2                 4                                   1.5
    """
    first = with_groups(_first_decided(tables, period, patient_denials), tables, by)
    denied = sums(first.with_columns(denied_claims=one_if(_denied(fully))), by, ["denied_claims"])
    sent = _submitted(tables, period, by).with_columns(submitted_claims=nw.lit(1))
    found = side_by_side(denied, sums(sent, by, ["submitted_claims"]), by)
    rate = quotient(found["denied_claims"] * MONTHS_BEFORE, found["submitted_claims"])
    return found.assign(initial_denial_rate_claims_submitted=rate)


@measure("Initial denial rate: dollars, of dollars submitted", unit="rate", good="down")
def initial_denial_rate_dollars_submitted(
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = (),
    fully: bool = False,
    patient_denials: bool = False,
) -> pd.DataFrame:
    """Charges of claims denied by first decisions of the month, against the charges sent in an average month before.

    Formula
        denied_charge_cents / (submitted_charge_cents / 3)
        denied_charge_cents = the whole charge of each denied claim, also of one denied in part
    Counts
        As `initial_denial_rate_claims_submitted`.
    Date basis
        received_on above, submitted_on below. Not the same claims, so it can exceed 1.
    Unit
        share of an average month
    Empty
        Nothing sent in the three months: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021, initial denial rate (gross charges).

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> found = initial_denial_rate_dollars_submitted(example_tables(), period=Period.month("2026-10"))
    >>> print(found.round(3).to_string(index=False))
     denied_charge_cents  submitted_charge_cents  initial_denial_rate_dollars_submitted
                   35000                   57000                                  1.842
    """
    first = with_groups(_first_decided(tables, period, patient_denials), tables, by)
    denied = sums(
        first.with_columns(denied_charge_cents=nw.when(_denied(fully)).then(col("charge_cents")).otherwise(0)),
        by,
        ["denied_charge_cents"],
    )
    sent = _submitted(tables, period, by).with_columns(submitted_charge_cents=col("charge_cents"))
    found = side_by_side(denied, sums(sent, by, ["submitted_charge_cents"]), by)
    rate = quotient(found["denied_charge_cents"] * MONTHS_BEFORE, found["submitted_charge_cents"])
    return found.assign(initial_denial_rate_dollars_submitted=rate)


@measure("Zero-pay remittances of primary payers, past four weeks", unit="rate", good="down")
def primary_denial_rate(
    tables: Mapping[str, Any], *, as_of: dt.date, weeks: int = 4, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Primary remittances that paid nothing, of all primary remittances of the past four weeks.

    Formula
        zero_pay_remits / remits
    Counts
        Claim payments of primary payers in the `weeks` weeks that end on `as_of`, each one, not only
        first decisions. Whatever the reason: a deductible pays nothing too. Reversals and refusals
        as a duplicate are left out.
    Date basis
        received_on of the remittance
    Unit
        share, 0 to 1
    Empty
        No remittance in the window: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021, primary denial rate.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(primary_denial_rate(example_tables(), as_of=dt.date(2026, 10, 31)).to_string(index=False))
     zero_pay_remits  remits  primary_denial_rate
                   2       4                  0.5
    """
    window = Period.days_ending(as_of, 7 * weeks)
    remits = claim_adjudications(tables, as_of=as_of, since=window.first_day).filter(
        window.holds(col("received_on")),
        col("payer_order") == "primary",
        ~col("outcome").is_in(["reversal", "duplicate"]),
    )
    grouped = with_groups(remits, tables, by, month_on="received_on")
    counted = grouped.with_columns(zero_pay_remits=one_if(col("paid_cents") == 0), remits=nw.lit(1))
    found = sums(counted, by, ["zero_pay_remits", "remits"])
    return with_rate(found, "primary_denial_rate", "zero_pay_remits", "remits")


MONTHS_BEFORE = 3
"""How many months before the reporting month make the average of what was submitted (HFMA)."""


def _first_decided(tables: Mapping[str, Any], period: Period, patient_denials: bool) -> nw.LazyFrame:
    # First of all that is known, then of the period: a second decision in the period is no first one.
    return first_adjudications(tables, as_of=period.last_day, since=period.first_day, patient_denials=patient_denials)


def _denied(fully: bool) -> nw.Expr:
    return col("outcome") == "fully_denied" if fully else col("outcome").is_in(list(DENIED))


def _submitted(tables: Mapping[str, Any], period: Period, by: Sequence[str]) -> nw.LazyFrame:
    if "month" in by:
        raise ParameterError("A rate on claims submitted looks back over three months: ask for one period at a time.")
    month = Period.of(period.first_day)
    before = Period(month.shift(-MONTHS_BEFORE).first_day, month.first_day)
    columns = ["client", "submission_id", "claim_id", "submitted_on", "payer", "payer_order", "charge_cents"]
    sent = source(tables, "submissions", columns).filter(col("submitted_on") < before.end)
    first = sent.filter(is_first(CLAIM, ("submitted_on", "submission_id"))).filter(before.holds(col("submitted_on")))
    return with_groups(first, tables, by)
