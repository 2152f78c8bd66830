"""The menu of follow-up: how the receivable moves, high-value accounts, and what the work brought."""

from __future__ import annotations

from ..receivable import audit_trail, high_value, roll_rates
from .record import CLAIM_MONEY, MONEY, Measure

WORKED = (*CLAIM_MONEY, "work_log")

MEASURES = (
    # How the receivable moved
    Measure(
        "roll_rates", roll_rates.roll_rates, "From age bucket to age bucket", "moved_cents", "usd", "none", CLAIM_MONEY
    ),
    Measure(
        "roll_forward_rates",
        roll_rates.roll_forward_rates,
        "Share of the receivable that rolled forward",
        "roll_rate",
        "rate",
        "down",
        CLAIM_MONEY,
    ),
    Measure(
        "ar_movement", roll_rates.movement, "What moved the receivable", "closing_cents", "usd", "down", CLAIM_MONEY
    ),
    Measure(
        "credits_and_unapplied",
        roll_rates.apart,
        "Credits and unapplied money at both ends",
        "closing_cents",
        "usd",
        "down",
        MONEY,
    ),
    # High-value accounts
    Measure("open_claims", high_value.open_claims, "Open claims", "open_cents", "usd", "down", CLAIM_MONEY),
    Measure(
        "high_value_accounts",
        high_value.high_value_accounts,
        "High-value accounts",
        "open_cents",
        "usd",
        "down",
        WORKED,
    ),
    Measure(
        "touch_compliance",
        high_value.touch_compliance,
        "Touches of high-value accounts made in time",
        "touch_compliance",
        "rate",
        "up",
        WORKED,
    ),
    Measure(
        "escalations", high_value.escalations, "High-value accounts to escalate", "open_cents", "usd", "down", WORKED
    ),
    Measure(
        "recovery_progress",
        high_value.recovery_progress,
        "Recovery of high-value accounts by week",
        "collected_share",
        "rate",
        "up",
        CLAIM_MONEY,
    ),
    # The trail of the work
    Measure(
        "note_coverage",
        audit_trail.note_coverage,
        "High-value accounts with a recent note",
        "note_coverage",
        "rate",
        "up",
        WORKED,
    ),
    Measure(
        "days_since_touch",
        audit_trail.days_since_touch,
        "Open claims by days since the last touch",
        "claims",
        "count",
        "none",
        WORKED,
    ),
    Measure(
        "work_results",
        audit_trail.work_results,
        "Work done and what came in behind it",
        "recovered_cents",
        "usd",
        "up",
        ("transactions", "work_log"),
    ),
    Measure(
        "list_results",
        audit_trail.list_results,
        "What came of the last work list",
        "collected_cents",
        "usd",
        "up",
        WORKED,
    ),
)
