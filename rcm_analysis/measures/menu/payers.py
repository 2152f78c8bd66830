"""The menu of payers: what they allow against what they should, again and again, and how they compare."""

from __future__ import annotations

from ..payers import payer_scorecard, rate_changes, underpayments
from ..payers import underpayments as underpaid
from .record import REMITS, Measure

PRICED = ("claims", "claim_lines", *REMITS)

MEASURES = (
    Measure(
        "underpaid_lines",
        underpaid.underpaid_lines,
        "Underpaid lines, one by one",
        "short_cents",
        "usd",
        "down",
        PRICED,
    ),
    Measure(
        "underpayments",
        underpayments.underpayments,
        "Underpayments by payer and procedure",
        "short_cents",
        "usd",
        "down",
        PRICED,
        is_additive=True,
    ),
    Measure(
        "underpayment_share",
        underpayments.underpayment_share,
        "Underpayments as a share of what was due",
        "underpayment_share",
        "rate",
        "down",
        PRICED,
    ),
    Measure(
        "repeated_underpayments",
        underpayments.repeated_underpayments,
        "Repeated underpayments",
        "short_cents",
        "usd",
        "down",
        PRICED,
    ),
    Measure("rate_changes", rate_changes.rate_changes, "Changed prices", "effect_cents", "usd", "none", PRICED),
    Measure("payer_scorecard", payer_scorecard.payer_scorecard, "Payer scorecard", "net_yield", "rate", "up", PRICED),
    Measure(
        "contract_evaluation",
        payer_scorecard.contract_evaluation,
        "Contracts side by side",
        "raise_cents",
        "usd",
        "none",
        PRICED,
    ),
)
