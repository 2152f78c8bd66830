"""The menu of what patients may be billed, and how the approved self-pay policy is kept."""

from __future__ import annotations

from . import patient_billing
from .menu import CLAIM_MONEY, REMITS, Measure

MEASURES = (
    Measure(
        "eob_check", patient_billing.eob_check, "Patient balances that do not follow the EOB", "difference_cents", "usd", "down",
        (*CLAIM_MONEY, *REMITS),
    ),
)
