"""The menu of what patients may be billed, and how the approved self-pay policy is kept."""

from __future__ import annotations

from .. import coordination as contacts_not_billed
from ..self_pay import eob_check as patient_billing
from ..self_pay import policy as self_pay_policy
from .record import CLAIM_MONEY, REMITS, Measure

POLICY = (
    "self_pay_policies",
    "interactions",
    "payment_attempts",
    "disputes",
    "assistance_applications",
    "write_off_approvals",
)
ESTIMATES = ("estimates", "statements", "transactions", "self_pay_policies")
MONTHS = ("billing_support", "care_claims", "acuity_months", "enrolments", "care_contacts")

MEASURES = (
    Measure(
        "eob_check",
        patient_billing.eob_check,
        "Patient balances that do not follow the EOB",
        "difference_cents",
        "usd",
        "down",
        (*CLAIM_MONEY, *REMITS),
    ),
    Measure(
        "policy_breaches",
        self_pay_policy.policy_breaches,
        "Breaches of the self-pay policy",
        "rule",
        "words",
        "down",
        POLICY,
    ),
    Measure(
        "policy_checks",
        self_pay_policy.policy_checks,
        "Self-pay policy kept, rule by rule",
        "breach_share",
        "rate",
        "down",
        POLICY,
    ),
    Measure(
        "scope_guard",
        self_pay_policy.scope_guard,
        "Credit reporting and third-party collection found",
        "amount_cents",
        "usd",
        "down",
        ("account_changes",),
    ),
    Measure(
        "estimate_differences",
        self_pay_policy.estimate_differences,
        "Bills far above their good-faith estimate",
        "difference_cents",
        "usd",
        "down",
        ESTIMATES,
    ),
    Measure(
        "estimate_difference_share",
        self_pay_policy.estimate_difference_share,
        "Share of bills far above their good-faith estimate",
        "difference_share",
        "rate",
        "down",
        ESTIMATES,
    ),
    # Care coordination
    Measure(
        "contacts_not_billed",
        contacts_not_billed.contacts_not_billed,
        "Contacts made and never billed",
        "rate_cents",
        "usd",
        "down",
        MONTHS,
    ),
    Measure(
        "months_given",
        contacts_not_billed.months_given,
        "Member-months given, billed or not",
        "rate_cents",
        "usd",
        "up",
        MONTHS,
    ),
)
