"""The menu of follow-up: what waits, for whom, and until when it can still be collected."""

from __future__ import annotations

from ..receivable import deadlines, delays, secondary
from .record import Measure

REMITTED = ("claims", "submissions", "remit_claims", "remit_adjustments", "payer_rules")
WORKED = ("claims", "submissions", "remit_claims", "transactions", "work_log")
EDITED = ("claims", "claim_edits", "submissions", "remit_claims", "transactions")

MEASURES = (
    Measure(
        "unaddressed_secondary",
        secondary.unaddressed_secondary,
        "Secondary claims not sent",
        "patient_cents",
        "usd",
        "down",
        REMITTED,
    ),
    Measure(
        "crossovers_not_received",
        secondary.crossovers_not_received,
        "Crossovers that never arrived",
        "patient_cents",
        "usd",
        "down",
        REMITTED,
    ),
    Measure("holds", delays.holds, "Claims on hold", "open_cents", "usd", "down", WORKED),
    Measure(
        "document_requests", delays.document_requests, "Requests to the client", "days_open", "days", "down", WORKED
    ),
    Measure(
        "rejections_not_reworked",
        delays.rejections_not_reworked,
        "Rejected claims not sent again",
        "open_cents",
        "usd",
        "down",
        EDITED,
    ),
    Measure(
        "untouched_claims",
        delays.untouched_claims,
        "Open claims that nobody touched",
        "open_cents",
        "usd",
        "down",
        WORKED,
    ),
    Measure(
        "deadlines",
        deadlines.deadlines,
        "Time limits that run",
        "open_cents",
        "usd",
        "none",
        (
            "claims",
            "claim_edits",
            "submissions",
            "remit_claims",
            "remit_adjustments",
            "transactions",
            "work_log",
            "payer_rules",
        ),
    ),
)
