"""What is wrong with a remittance: what could not be read, what breaks the rules, what does not add up.

`amount_cents` of a balancing finding is what the parts give less what is stated. Rules

    line_balance, claim_balance, payment_balance    the three levels of balancing
    unreadable_amount, missing_amount               read as 0
    unreadable_date, missing_reason, missing_claim_id
    orphan_segment                                  SVC or CAS outside of a claim, left out
    missing_payment, debit_payment, repeated_payment
    unknown_status, unknown_group
    reversal_sign                                   status 22 that does not take back
    negative_claim                                  a negative claim that is not a reversal
"""

from __future__ import annotations

import polars as pl

from .segments import elements
from .values import cents, dollars, findings

STATUSES = ("1", "2", "3", "4", "19", "20", "21", "22", "23", "25")
GROUPS = ("CO", "PR", "OA", "PI", "CR")
REVERSAL = "22"


def check_balances(
    payments: pl.DataFrame, claims: pl.DataFrame, lines: pl.DataFrame, adjustments: pl.DataFrame
) -> list[pl.DataFrame]:
    """Findings at the three levels: service line, claim, payment."""
    adjusted = pl.col("amount_cents").sum().alias("adjusted")
    gap = pl.col("charge_cents") - pl.col("adjusted").fill_null(0) - pl.col("paid_cents")
    by_line = adjustments.filter(pl.col("line").is_not_null()).group_by("line").agg(adjusted)
    line_gaps = lines.join(by_line, on="line", how="left", maintain_order="left").with_columns(gap=gap).filter(_off())
    by_claim = adjustments.group_by("claim").agg(adjusted)
    claim_gaps = (
        claims.join(by_claim, on="claim", how="left", maintain_order="left").with_columns(gap=gap).filter(_off())
    )
    payment_gaps = payments.with_columns(
        gap=pl.col("claims_paid_cents") - pl.col("provider_adjustment_cents") - pl.col("paid_cents")
    ).filter(_off())
    return [
        _gaps(
            "line_balance",
            _of_line(line_gaps, claims),
            "Charge less adjustments of the line",
            "its payment (SVC02 - CAS = SVC03)",
        ),
        _gaps(
            "claim_balance", claim_gaps, "Charge less all adjustments of the claim", "its payment (CLP03 - CAS = CLP04)"
        ),
        _gaps(
            "payment_balance",
            payment_gaps,
            "Claim payments less provider adjustments",
            "the payment (CLP04 - PLB = BPR02)",
        ),
    ]


def _off() -> pl.Expr:
    return pl.col("gap") != 0


def _gaps(rule: str, rows: pl.DataFrame, parts: str, stated: str) -> pl.DataFrame:
    message = pl.format(f"{parts} differ from {stated} by {{}} USD.", dollars(pl.col("gap")))
    return findings(rule, rows, message, amount=pl.col("gap"))


def _of_line(lines: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Rows of a line with the position of its claim beside its own."""
    return _of_claim(lines.rename({"position": "line_position"}), claims)


def _of_claim(rows: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    rows = rows.drop("position", strict=False)
    return rows.join(claims.select("claim", "position"), on="claim", how="left", maintain_order="left")


def check_reading(
    rows: pl.DataFrame,
    payments: pl.DataFrame,
    claims: pl.DataFrame,
    lines: pl.DataFrame,
    adjustments: pl.DataFrame,
    provider: pl.DataFrame,
) -> list[pl.DataFrame]:
    """Findings about what could not be read, or says what the standard does not allow."""
    adjustments = adjustments.drop("position")
    return [
        *_faults(payments.filter(pl.col("payment_segment").is_not_null()), "paid", "BPR02"),
        *_faults(claims, "charge", "CLP03"),
        *_faults(claims, "paid", "CLP04"),
        *_faults(claims, "patient_responsibility", "CLP05", may_be_missing=True),
        *_faults(lines, "charge", "SVC02", claims),
        *_faults(lines, "paid", "SVC03", claims),
        *_faults(adjustments, "amount", "the amount of a CAS triplet", claims),
        *_faults(provider.drop("position"), "amount", "the amount of a PLB pair"),
        *_check_payments(payments),
        *_check_claims(claims),
        *_check_adjustments(adjustments, claims),
        findings(
            "unreadable_date",
            _of_line(lines.filter("is_date_unread"), claims),
            "The day of service (DTM02) is no date.",
        ),
        _orphans(rows),
    ]


def _faults(
    rows: pl.DataFrame, name: str, element: str, claims: pl.DataFrame | None = None, may_be_missing: bool = False
) -> list[pl.DataFrame]:
    """Amounts that were read as 0 because nothing usable was there."""
    rows = rows.filter(pl.col(f"{name}_fault").is_not_null())
    if claims is not None:
        rows = _of_line(rows, claims) if "position" in rows.columns else _of_claim(rows, claims)
    fault = pl.col(f"{name}_fault")
    unreadable = findings(
        "unreadable_amount", rows.filter(fault == "unreadable"), f"{element} is no amount of dollars and cents."
    )
    if may_be_missing:
        return [unreadable]
    return [
        unreadable,
        findings("missing_amount", rows.filter(fault == "missing"), f"{element} is empty and was read as 0.00."),
    ]


def _check_payments(payments: pl.DataFrame) -> list[pl.DataFrame]:
    repeated = payments.filter(~pl.col("fingerprint").is_first_distinct())
    return [
        findings(
            "missing_payment",
            payments.filter(pl.col("payment_segment").is_null()),
            "The transaction has no payment segment (BPR): the payment was read as 0.00.",
        ),
        findings("unreadable_date", payments.filter("is_date_unread"), "The day of payment (BPR16) is no date."),
        findings(
            "debit_payment",
            payments.filter(pl.col("direction") == "D"),
            "BPR03 says debit: money that goes from the provider to the payer.",
            amount=pl.col("paid_cents"),
        ),
        findings(
            "repeated_payment",
            repeated,
            "An earlier transaction of this file is the same, segment by segment.",
            amount=pl.col("paid_cents"),
        ),
    ]


def _check_claims(claims: pl.DataFrame) -> list[pl.DataFrame]:
    is_reversal = (pl.col("status") == REVERSAL).fill_null(False)
    charge, paid = pl.col("charge_cents"), pl.col("paid_cents")
    return [
        findings("missing_claim_id", claims.filter(pl.col("claim_id").is_null()), "The claim has no id (CLP01)."),
        findings(
            "unknown_status",
            claims.filter(~pl.col("status").is_in(STATUSES).fill_null(False)),
            "The claim status (CLP02) is not in the list of the standard.",
            amount=paid,
        ),
        findings(
            "reversal_sign",
            claims.filter(is_reversal & ((charge > 0) | (paid > 0))),
            "A reversal (status 22) must take back what was charged and paid; this one adds; it was turned round.",
            amount=paid,
        ),
        findings(
            "negative_claim",
            claims.filter(~is_reversal & (charge < 0)),
            "The charge is negative, and the claim is not a reversal (status 22).",
            amount=charge,
        ),
    ]


def _check_adjustments(adjustments: pl.DataFrame, claims: pl.DataFrame) -> list[pl.DataFrame]:
    amount = pl.col("amount_cents")
    unknown = adjustments.filter(~pl.col("group").is_in(GROUPS).fill_null(False))
    unnamed = adjustments.filter(pl.col("carc").is_null())
    return [
        findings(
            "unknown_group",
            _of_claim(unknown, claims),
            "The adjustment group (CAS01) is none of CO, PR, OA, PI, CR.",
            amount=amount,
        ),
        findings(
            "missing_reason",
            _of_claim(unnamed, claims),
            "An adjustment has an amount and no reason code.",
            amount=amount,
        ),
    ]


def _orphans(rows: pl.DataFrame) -> pl.DataFrame:
    """Service lines and adjustments in front of any claim of their transaction: nobody's money."""
    lost = rows.filter(pl.col("claim").is_null() & pl.col("id").is_in(["SVC", "CAS"]))
    lost = (
        elements(lost, 3)
        .rename({"number": "segment"})
        .with_columns(amount=pl.when(pl.col("id") == "SVC").then(cents(pl.col("e3"))))
    )
    return findings(
        "orphan_segment",
        lost,
        pl.format("{} stands outside of any claim (CLP) and was left out.", pl.col("id")),
        amount=pl.col("amount"),
    )
