"""What came in, and how much of what could have come in that is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import (
    CASH_KINDS,
    POSTING_PAYER,
    cohort_sums,
    filled,
    net_of_contractual,
    net_parts,
    postings,
    side_by_side,
    split_by_kind,
    sums,
)
from ...ledger.provider_level import provider_level_money
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, month_of
from ..menu import measure

COHORT_DAYS = 120
"""Services this old are mature: most of what they will ever bring has come."""


@measure("Cash collected", value="cash_cents", good="up", is_additive=True)
def cash(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Money that came in: insurers and patients, less what was taken back or refunded, and money without a claim.

    Formula
        cash_cents = insurance_cents + patient_cents - takebacks_cents - refunds_cents + provider_level_cents
    Counts
        Payments, takebacks and refunds posted in the period, unapplied money included; and what payers
        paid (+) or withheld (-) at practice level (`provider_level_cash`). `by` may hold columns of the
        posting (`party`, `posting_payer`, `month`, ...) and of its claim (`payer` is the primary payer;
        for unapplied money the payer on the posting). Money without a claim has only client, payer and
        month; by anything else it stands under "(none)".
    Date basis
        posting date; money without a claim: the day of payment
    Unit
        cents, each positive in its own direction
    Empty
        Without `by` one row of zeros; with `by` no row for a group without cash postings.
    Source
        our own; all but provider_level_cents ties to payments, takebacks and refunds of `ledger.roll_forward`

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> cash(example_ledger(), period=Period.month("2026-03"))[["insurance_cents", "patient_cents", "cash_cents"]]
       insurance_cents  patient_cents  cash_cents
    0            13000            500       13500
    """
    rows = postings(tables, ["kind", "party", "amount_cents", "posted_on"], by=by)
    rows = rows.filter(nw.col("kind").is_in(list(CASH_KINDS)), period.holds(nw.col("posted_on")))
    is_payment, is_patient = nw.col("kind") == "payment", nw.col("party") == "patient"
    parts = {
        "insurance_cents": is_payment & ~is_patient,
        "patient_cents": is_payment & is_patient,
        "takebacks_cents": nw.col("kind") == "takeback",
        "refunds_cents": nw.col("kind") == "refund",
    }
    out = sums(split_by_kind(rows, parts), by, list(parts))
    out[["insurance_cents", "patient_cents"]] *= -1
    provider_level = provider_level_cash(tables, period=period, by=by)
    out = side_by_side(out, provider_level, by)
    received = out["insurance_cents"] + out["patient_cents"] + out["provider_level_cents"]
    return out.assign(cash_cents=received - out["takebacks_cents"] - out["refunds_cents"])


@measure("Paid or withheld without a claim", value="provider_level_cents", is_additive=True)
def provider_level_cash(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Money that payers paid or withheld without naming a claim: capitation, interest, recoupments, forwarded balances.

    Formula
        provider_level_cents = -1 x the sum of the PLB amounts
    Counts
        The PLB pairs of remittances paid in the period, but those that the billing system posted itself
        (`ledger.provider_level_money`). `by` may hold client, payer, `posting_payer`, month and reason (the
        PLB code: CT, L6, WO, FB, ...); by anything else the money stands under "(none)".
    Date basis
        day of payment (BPR16), else the day of the file
    Unit
        cents; above zero came in, below zero was withheld
    Empty
        Without `by` one row, 0 where nothing was paid or withheld; with `by` no row.
    Source
        X12 005010X221 1.10.2: a deposit is the claim payments less the PLB amounts

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> provider_level_cash(example_ledger(), period=Period.month("2026-03"))
       provider_level_cents
    0                     0
    """
    if not {"deposits", "provider_adjustments"} <= set(tables):
        return (
            pd.DataFrame({**{name: pd.array([], dtype="str") for name in by}, "provider_level_cents": []})
            if by
            else (pd.DataFrame({"provider_level_cents": [0]}))
        )
    rows = provider_level_money(tables).filter(period.holds(nw.col("paid_on")))
    known = {"client": nw.col("client"), "payer": nw.col("payer"), POSTING_PAYER: nw.col("payer")}
    known |= {"reason": nw.col("reason"), "month": month_of(nw.col("paid_on"))}
    rows = rows.select(
        provider_level_cents=nw.col("amount_cents"), **{name: known.get(name, nw.lit(NO_VALUE)) for name in by}
    )
    return sums(filled(rows, by), by, ["provider_level_cents"])


@measure("Charges posted", value="charge_cents", is_additive=True)
def charges(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Charges posted, gross.

    Formula
        charge_cents = sum of charges; corrections lower it
    Counts
        Charges posted in the period. `by` as in `cash`.
    Date basis
        posting date
    Unit
        cents; postings is a count
    Empty
        Without `by` one row of zeros; with `by` no row for a group without charges.
    Source
        our own; ties to the charges of `ledger.roll_forward`

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> charges(example_ledger(), period=Period.month("2026-03"))
       postings  charge_cents
    0         2         18000
    """
    rows = postings(tables, ["kind", "amount_cents", "posted_on"], by=by)
    rows = rows.filter(nw.col("kind") == "charge", period.holds(nw.col("posted_on")))
    return sums(rows, by, ["amount_cents"], count="postings").rename(columns={"amount_cents": "charge_cents"})


@measure("Gross collection rate, posting month", unit="rate", good="up")
def gross_collection_rate_posted(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Cash posted in the period over charges posted in the period.

    Formula
        gross_collection_rate_posted = cash_cents / charge_cents
    Counts
        Cash as in `cash` (takebacks and refunds off), charges as in `charges`: the cash is mostly of
        earlier services, so the rate moves with volume.
    Date basis
        posting date, for both
    Unit
        rate; may exceed 1
    Empty
        No charges, or corrections above them: empty, never 0.
    Source
        MGMA gross fee-for-service collection percentage, mgma.com/cost-rev-formulas

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> gross_collection_rate_posted(example_ledger(), period=Period.month("2026-03"))
       cash_cents  charge_cents  gross_collection_rate_posted
    0       13500         18000                          0.75
    """
    out = _posted(tables, period=period, by=by)
    return _rate(out, by, "gross_collection_rate_posted", ["cash_cents", "charge_cents"])


@measure("Net collection rate, posting month", unit="rate", good="up")
def net_collection_rate_posted(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Cash posted in the period over collectable charges posted in the period.

    Formula
        net_collection_rate_posted = cash_cents / collectable_cents
        collectable_cents = charge_cents - contractual_cents
    Counts
        Only approved contractual adjustments leave the denominator: postings of kind "contractual"
        whose code is not a denial (`reference.carc`) and whose amount is not one that the payer denied
        (`postings.disguised_postings`, where remittances are given). Write-offs, and denials posted as
        contractual, stay in it. Cash as in `cash`. It is a cash ratio of one month's postings: volatile, and above
        100 % when charges fall. `net_collection_rate_matured` follows the same services instead.
    Date basis
        posting date, for all three
    Unit
        rate; may exceed 1
    Empty
        Nothing collectable posted: empty, never 0.
    Source
        MGMA adjusted fee-for-service collection percentage; AAFP adjusted collection rate

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = net_collection_rate_posted(example_ledger(), period=Period.month("2026-03"))
    >>> found[["cash_cents", "collectable_cents", "net_collection_rate_posted"]]
       cash_cents  collectable_cents  net_collection_rate_posted
    0       13500              14000                    0.964286
    """
    out = _posted(tables, period=period, by=by)
    return _rate(
        out, by, "net_collection_rate_posted", ["cash_cents", "charge_cents", "contractual_cents", "collectable_cents"]
    )


@measure("Gross collection rate, matured services", unit="rate", good="up")
def gross_collection_rate_matured(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, cohort_days: int = COHORT_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """What the services of a period have brought by now, over what was charged for them.

    Formula
        gross_collection_rate_matured = cash_cents / charge_cents
    Counts
        As `net_collection_rate_matured`, without taking contractual adjustments off.
    Date basis
        service date for the cohort; posting date up to `as_of` for the money
    Unit
        rate; claims is a count
    Empty
        No mature claim: without `by` one row with an empty value, with `by` no row.
    Source
        MGMA gross fee-for-service collection percentage, by cohort of service

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> winter = Period.month("2025-12").trailing(2)
    >>> gross_collection_rate_matured(example_ledger(), period=winter, as_of=dt.date(2026, 6, 30))
       claims  cash_cents  charge_cents  gross_collection_rate_matured
    0       2        6000         25000                           0.24
    """
    out = cohort_sums(tables, period=period, as_of=as_of, cohort_days=cohort_days, by=by)
    return _rate(out, by, "gross_collection_rate_matured", ["claims", "cash_cents", "charge_cents"])


@measure("Net collection rate, matured services", unit="rate", good="up")
def net_collection_rate_matured(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, cohort_days: int = COHORT_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """What the services of a period have brought by now, over what could be collected for them.

    Formula
        net_collection_rate_matured = cash_cents / collectable_cents
        collectable_cents = charge_cents - contractual_cents
    Counts
        Claims with service in the period and at least `cohort_days` before `as_of`, and their
        postings by `as_of`. Only approved contractual adjustments leave the denominator (see
        `net_collection_rate_posted`). Younger claims are left out of both. Unapplied money has no
        service and is not in it. `by` may hold columns of claims and `month` (of service).
    Date basis
        service date for the cohort; posting date up to `as_of` for the money
    Unit
        rate; claims is a count
    Empty
        No mature claim, or nothing collectable: empty, never 0.
    Source
        AAFP adjusted collection rate, by cohort of service

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> winter = Period.month("2025-12").trailing(2)
    >>> found = net_collection_rate_matured(example_ledger(), period=winter, as_of=dt.date(2026, 6, 30))
    >>> found[["claims", "cash_cents", "collectable_cents", "net_collection_rate_matured"]]
       claims  cash_cents  collectable_cents  net_collection_rate_matured
    0       2        6000              25000                         0.24
    """
    out = cohort_sums(tables, period=period, as_of=as_of, cohort_days=cohort_days, by=by)
    return _rate(
        out,
        by,
        "net_collection_rate_matured",
        ["claims", "cash_cents", "charge_cents", "contractual_cents", "collectable_cents"],
    )


def _posted(tables: Mapping[str, Any], *, period: Period, by: Sequence[str]) -> pd.DataFrame:
    rows = postings(tables, ["kind", "carc", "amount_cents", "posted_on"], by=by, disguise=True)
    rows = split_by_kind(rows.filter(period.holds(nw.col("posted_on"))), net_parts())
    return net_of_contractual(sums(rows, by, list(net_parts())))


def _rate(out: pd.DataFrame, by: Sequence[str], name: str, columns: list[str]) -> pd.DataFrame:
    """The columns asked for, and cash over the last of them; a base below zero is no base."""
    base = out[columns[-1]].clip(lower=0)
    return out[[*by, *columns]].assign(**{name: quotient(out["cash_cents"], base)})
