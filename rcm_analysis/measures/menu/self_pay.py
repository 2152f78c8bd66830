"""The menu of the self-pay programme: what patients pay, plans, declines, requests, contacts, credits and write-offs."""

from __future__ import annotations

from ..self_pay import (
    collections as self_pay_collections,
)
from ..self_pay import (
    contacts as patient_contacts,
)
from ..self_pay import (
    credits as patient_credits,
)
from ..self_pay import (
    declines,
    payment_plans,
)
from ..self_pay import (
    declines as card_networks,
)
from ..self_pay import (
    quality as self_pay_quality,
)
from ..self_pay import (
    requests as patient_requests,
)
from .record import CLAIM_MONEY, MONEY, Measure

PLANS = ("payment_plans", "plan_instalments")
POLICY = ("self_pay_policies",)

MEASURES = (
    # What patients pay
    Measure(
        "liquidation", self_pay_collections.liquidation, "Liquidation by statement cohort", "liquidation", "rate", "up",
        ("statements", *MONEY),
    ),
    Measure(
        "pay_rate", self_pay_collections.pay_rate, "Pay rate of patients, within 120 days", "pay_rate", "rate", "up",
        ("statements", *MONEY),
    ),
    Measure(
        "promises_kept", self_pay_collections.promises_kept, "Promises to pay kept", "promises_kept", "rate", "up",
        ("promises", *POLICY, *MONEY),
    ),
    Measure(
        "balance_transfers", self_pay_collections.balance_transfers, "Balances moved to patients", "transferred_cents", "usd",
        "none", MONEY, is_additive=True,
    ),
    # Payment plans
    Measure(
        "plan_utilisation", payment_plans.plan_utilisation, "Patients on a payment plan", "plan_utilisation", "rate", "up",
        ("payment_plans", *CLAIM_MONEY),
    ),
    Measure(
        "instalments_on_schedule", payment_plans.instalments_on_schedule, "Instalments paid on schedule",
        "instalments_on_schedule", "rate", "up", (*PLANS, *POLICY),
    ),
    Measure("plans", payment_plans.plans, "Payment plans, one by one", "at_risk_cents", "usd", "down", PLANS),
    Measure(
        "plan_standing", payment_plans.plan_standing, "Dollars at risk on plans behind or broken", "at_risk_cents", "usd", "down", PLANS,
    ),
    Measure(
        "plan_completion", payment_plans.plan_completion, "Payment plans paid to the end", "plan_completion", "rate", "up", PLANS,
    ),
    Measure("plan_cures", payment_plans.plan_cures, "Broken payment plans brought back", "plan_cures", "rate", "up", PLANS),
    # Declined payments
    Measure(
        "decline_rate", declines.decline_rate, "Payments declined at the first try", "decline_rate", "rate", "down",
        ("payment_attempts",),
    ),
    Measure(
        "decline_recovery", declines.decline_recovery, "Declined dollars recovered within 30 days", "decline_recovery", "rate",
        "up", ("payment_attempts",),
    ),
    Measure(
        "reprocess_success", declines.reprocess_success, "Declined payments that went through when tried again",
        "reprocess_success", "rate", "up", ("payment_attempts",),
    ),
    Measure(
        "network_retries", card_networks.network_retries, "Card retries against the networks' limits", "beyond", "count", "down",
        ("payment_attempts",),
    ),
    Measure(
        "retries_beyond_limits", card_networks.retries_beyond_limits, "Card retries beyond the networks' limits, one by one", "found",
        "count", "down", ("payment_attempts",),
    ),
    # What patients ask for
    Measure("disputes", patient_requests.disputes, "Disputes raised", "disputes", "count", "down", ("disputes",)),
    Measure(
        "disputes_in_time", patient_requests.disputes_in_time, "Disputes settled within the policy's days", "disputes_in_time",
        "rate", "up", ("disputes", *POLICY),
    ),
    Measure(
        "assistance", patient_requests.assistance, "Applications for financial assistance approved", "approval_share", "rate",
        "none", ("assistance_applications",),
    ),
    Measure(
        "assistance_in_time", patient_requests.assistance_in_time, "Applications decided within the policy's days",
        "assistance_in_time", "rate", "up", ("assistance_applications", *POLICY),
    ),
    Measure(
        "itemised_in_time", patient_requests.itemised_in_time, "Itemised statements sent within the policy's days",
        "itemised_in_time", "rate", "up", ("itemised_requests", *POLICY),
    ),
    Measure(
        "account_rework", patient_requests.account_rework, "Rework of patient accounts", "changes", "count", "none",
        ("account_changes",), is_additive=True,
    ),
    # Contacts
    Measure(
        "contact_rate", patient_contacts.contact_rate, "Calls that reached the right person", "contact_rate", "rate", "up",
        ("interactions",),
    ),
    Measure(
        "engagement_rate", patient_contacts.engagement_rate, "Patients spoken with, of those contacted", "engagement_rate", "rate",
        "up", ("interactions",),
    ),
    Measure(
        "resolution_rate", patient_contacts.resolution_rate, "Conversations that settled something", "resolution_rate", "rate",
        "up", ("interactions",),
    ),
    Measure("triage", patient_contacts.triage, "Inquiries by reason and department", "inquiries", "count", "none",
            ("interactions",), is_additive=True),
    Measure(
        "documentation", patient_contacts.documentation, "Records of contacts that are complete", "documentation", "rate", "up",
        ("interactions",),
    ),
    Measure(
        "script_adherence", patient_contacts.script_adherence, "Approved script followed, of sampled conversations",
        "script_adherence", "rate", "up", ("interactions",),
    ),
    Measure(
        "incomplete_records", patient_contacts.incomplete_records, "Records of contacts that lack a field, one by one", "missing_fields",
        "count", "down", ("interactions",),
    ),
    # Quality, and the client's targets
    Measure(
        "correct_posting", self_pay_quality.correct_posting, "Patients' payments posted right the first time", "correct_posting", "rate", "up",
        ("payment_attempts", *POLICY, *MONEY),
    ),
    Measure(
        "posting_faults", self_pay_quality.posting_faults, "Patients' payments not posted right at once, one by one", "amount_cents", "usd",
        "down", ("payment_attempts", *POLICY, *MONEY),
    ),
    Measure(
        "quality_scores", self_pay_quality.quality_scores, "Points of quality reviews, by skill", "quality_score", "rate", "up",
        ("quality_reviews",),
    ),
    Measure(
        "eob_interpretation", self_pay_quality.eob_interpretation, "EOBs explained rightly, of sampled reviews", "interpretation_score", "rate", "up",
        ("quality_reviews",),
    ),
    Measure(
        "self_pay_targets", self_pay_quality.self_pay_targets, "The client's targets, and what was reached", "value", "rate", "up",
        ("interactions", "payment_attempts", "quality_reviews", *POLICY, *MONEY),
    ),
    # Credits and write-offs
    Measure("credits", patient_credits.credits, "Credit balances, one by one", "credit_cents", "usd", "down", CLAIM_MONEY),
    Measure(
        "credit_ages", patient_credits.credit_ages, "Credit balances by age of the refund clock", "credit_cents", "usd", "down",
        CLAIM_MONEY,
    ),
    Measure(
        "manual_write_offs", patient_credits.manual_write_offs, "Patient balances written off, and approvals", "write_off_cents",
        "usd", "down", (*CLAIM_MONEY, "write_off_approvals", "assistance_applications", *POLICY), is_additive=True,
    ),
    Measure(
        "write_off_list", patient_credits.write_off_list, "Patient balances written off, one by one", "write_off_cents", "usd", "down",
        (*CLAIM_MONEY, "write_off_approvals", "assistance_applications", *POLICY),
    ),
)
