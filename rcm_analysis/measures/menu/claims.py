"""The menu of claims: what is owed, what came in, how long it takes, what is given up, what is denied."""

from __future__ import annotations

from ..collections import lags, write_offs
from ..collections import rates as collections
from ..denials import appeals, first_pass
from ..denials import rates as denials
from ..denials import reasons as denial_reasons
from ..payers import cash_due
from ..receivable import ar
from .record import CLAIM_MONEY, MONEY, REMITS, Measure

MEASURES = (
    # What is owed
    Measure("aging", ar.aging, "Receivable by age", "ar_cents", "usd", "down", CLAIM_MONEY),
    Measure("open_balances", ar.open_balances, "Open receivable", "ar_cents", "usd", "down", MONEY),
    Measure(
        "credit_balances", ar.credit_balances, "Credit balances as a share of the receivable", "credit_share",
        "rate", "down", MONEY,
    ),
    Measure(
        "unapplied_money", ar.unapplied_money, "Unapplied money", "unapplied_cents", "usd", "down", MONEY,
    ),
    Measure(
        "aged_share_90", ar.aged_share, "Receivable older than 90 days", "aged_share", "rate", "down",
        CLAIM_MONEY, {"days": 90},
    ),
    Measure(
        "aged_share_120", ar.aged_share, "Receivable older than 120 days", "aged_share", "rate", "down",
        CLAIM_MONEY, {"days": 120},
    ),
    Measure("days_in_ar", ar.days_in_ar, "Days in AR", "days_in_ar", "days", "down", MONEY),
    # What came in
    Measure("cash", collections.cash, "Cash collected", "cash_cents", "usd", "up", MONEY, is_additive=True),
    Measure(
        "charges", collections.charges, "Charges posted", "charge_cents", "usd", "none", MONEY,
        is_additive=True,
    ),
    Measure(
        "cash_due", cash_due.cash_due, "Cash due on claims that fell due", "cash_due_cents", "usd", "none",
        ("claims", "submissions", "remit_claims", "transactions"), is_additive=True,
    ),
    Measure(
        "gross_collection_rate_posted", collections.gross_collection_rate_posted,
        "Gross collection rate, posting month", "gross_collection_rate_posted", "rate", "up", MONEY,
    ),
    Measure(
        "net_collection_rate_posted", collections.net_collection_rate_posted,
        "Net collection rate, posting month", "net_collection_rate_posted", "rate", "up", MONEY,
    ),
    Measure(
        "gross_collection_rate_matured", collections.gross_collection_rate_matured,
        "Gross collection rate, matured services", "gross_collection_rate_matured", "rate", "up",
        CLAIM_MONEY,
    ),
    Measure(
        "net_collection_rate_matured", collections.net_collection_rate_matured,
        "Net collection rate, matured services", "net_collection_rate_matured", "rate", "up", CLAIM_MONEY,
    ),
    # How long it takes
    Measure(
        "charge_lag", lags.charge_lag, "Days from service to charge entry", "median_days", "days", "down",
        ("claims",),
    ),
    Measure(
        "submission_lag", lags.submission_lag, "Days from charge entry to first bill", "median_days", "days",
        "down", ("claims", "submissions"),
    ),
    Measure(
        "days_to_pay", lags.days_to_pay, "Days from first bill to the payer's answer", "median_days", "days",
        "down", ("submissions", "remit_claims"),
    ),
    # What was given up
    Measure(
        "write_offs", write_offs.write_offs, "Write-offs", "write_off_cents", "usd", "down", MONEY,
        is_additive=True,
    ),
    Measure(
        "denial_write_off_share", write_offs.denial_write_off_share,
        "Denial write-offs as a share of collectable charges", "denial_write_off_share", "rate", "down",
        MONEY,
    ),
    Measure(
        "small_balance_write_offs", write_offs.small_balance_write_offs,
        "Small-balance write-offs as a share of write-offs", "small_share", "rate", "none", MONEY,
    ),
    Measure(
        "whole_dollar_sweeps", write_offs.whole_dollar_sweeps,
        "Whole-dollar write-offs of old balances, by batch", "swept_cents", "usd", "down", CLAIM_MONEY,
    ),
    # What is denied
    Measure(
        "initial_denial_rate_claims_remitted", denials.initial_denial_rate_claims_remitted,
        "Initial denial rate: claims, of claims remitted", "initial_denial_rate_claims_remitted", "rate",
        "down", REMITS,
    ),
    Measure(
        "initial_denial_rate_lines_remitted", denials.initial_denial_rate_lines_remitted,
        "Initial denial rate: lines, of lines remitted", "initial_denial_rate_lines_remitted", "rate", "down",
        REMITS,
    ),
    Measure(
        "initial_denial_rate_dollars_remitted", denials.initial_denial_rate_dollars_remitted,
        "Initial denial rate: dollars, of dollars remitted", "initial_denial_rate_dollars_remitted", "rate",
        "down", REMITS,
    ),
    Measure(
        "initial_denial_rate_claims_submitted", denials.initial_denial_rate_claims_submitted,
        "Initial denial rate: claims, of claims submitted", "initial_denial_rate_claims_submitted", "rate",
        "down", ("submissions", *REMITS),
    ),
    Measure(
        "initial_denial_rate_dollars_submitted", denials.initial_denial_rate_dollars_submitted,
        "Initial denial rate: dollars, of dollars submitted", "initial_denial_rate_dollars_submitted", "rate",
        "down", ("submissions", *REMITS),
    ),
    Measure(
        "primary_denial_rate", denials.primary_denial_rate,
        "Zero-pay remittances of primary payers, past four weeks", "primary_denial_rate", "rate", "down",
        REMITS,
    ),
    Measure(
        "denial_reasons", denial_reasons.denial_reasons, "Denied dollars by reason", "denied_cents", "usd",
        "down", REMITS,
    ),
    Measure(
        "primary_denial_reasons", denial_reasons.primary_denial_reasons, "Denied claims by their main reason",
        "claims", "count", "down", REMITS,
    ),
    Measure(
        "denial_trend", denial_reasons.denial_trend, "Initial denial rate by month", "denial_rate", "rate",
        "down", REMITS,
    ),
    Measure(
        "disguised_denials", denial_reasons.disguised_denials, "Denials that look like contract discounts",
        "amount_cents", "usd", "down", (*REMITS, "transactions"),
    ),
    Measure(
        "unmapped_codes", denial_reasons.unmapped_codes, "Adjustment codes not on our list", "amount_cents",
        "usd", "down", REMITS,
    ),
    Measure(
        "missing_remarks", denial_reasons.missing_remarks, "Adjustments that need a remark code and lack it",
        "missing_remark_rate", "rate", "down", REMITS,
    ),
    Measure(
        "appeals", appeals.appeals, "Appeals and what came of them", "appealed_claims", "count", "none",
        ("work_log", *REMITS),
    ),
    Measure(
        "overturn_rate_claims", appeals.overturn_rate_claims, "Appeals overturned: claims",
        "overturn_rate_claims", "rate", "up", ("work_log", *REMITS),
    ),
    Measure(
        "overturn_rate_dollars", appeals.overturn_rate_dollars, "Appeals overturned: dollars",
        "overturn_rate_dollars", "rate", "up", ("work_log", *REMITS),
    ),
    Measure(
        "denial_recovery", appeals.denial_recovery, "Denied dollars paid later", "denial_recovery", "rate",
        "up", REMITS,
    ),
    Measure(
        "denial_response_days", appeals.denial_response_days, "Days from denial to appeal",
        "denial_response_days", "days", "down", ("work_log", *REMITS),
    ),
    # Right the first time: before submission, and at the payer
    Measure(
        "clean_claim_rate", first_pass.clean_claim_rate, "Clean claim rate, before submission",
        "clean_claim_rate", "rate", "up", ("claim_edits",),
    ),
    Measure(
        "first_pass_resolution_rate", first_pass.first_pass_resolution_rate,
        "First-pass resolution rate, at the payer", "first_pass_resolution_rate", "rate", "up",
        ("submissions", *REMITS),
    ),
)
