"""What the words of a self-pay review mean, and where its numbers come from."""

from __future__ import annotations

from ..blocks import Block
from ..client_review import appendix as client_review
from ..client_review.definitions import glossary_of
from ..pages import page
from .facts import Facts

MEASURES = (
    "liquidation",
    "pay_rate",
    "billed_outcome",
    "balance_transfers",
    "promises_kept",
    "plan_utilisation",
    "instalments_on_schedule",
    "plan_standing",
    "plan_completion",
    "plan_cures",
    "decline_rate",
    "decline_recovery",
    "reprocess_success",
    "network_retries",
    "disputes",
    "disputes_in_time",
    "assistance",
    "assistance_in_time",
    "itemised_in_time",
    "account_rework",
    "triage",
    "self_pay_targets",
    "contact_rate",
    "engagement_rate",
    "resolution_rate",
    "documentation",
    "script_adherence",
    "eob_interpretation",
    "quality_scores",
    "correct_posting",
    "manual_write_offs",
    "credit_ages",
    "eob_check",
    "policy_checks",
    "scope_guard",
    "estimate_differences",
    "estimate_difference_share",
)
"""The measures that stand in a self-pay review, in the order of its appendix."""

TERMS = (
    {
        "name": "time_to_default",
        "title": "How long plans hold",
        "unit": "share",
        "source": "Kaplan and Meier (1958)",
        "formula": "Share of the plans that broke for the first time within so many days of the agreement. A "
        "plan that has not broken is watched to the "
        "as-of day, or to the day on which it was paid to the end or canceled, and counts as open until then. "
        "Date basis: day agreed.",
    },
    {
        "name": "turnaround",
        "title": "How long patients wait",
        "unit": "days",
        "source": "Kaplan and Meier (1958)",
        "formula": "First day by which half of the cases had ended, open ones counted as open for as long as "
        "they have run: leaving them out would make "
        "the median too short. Empty while less than half have ended. Date basis: day on which the case came in.",
    },
)
"""Definitions of figures that are no measures of the menu, for the appendix."""


@page
def definitions(facts: Facts) -> list[Block]:
    """What each measure counts."""
    return [glossary_of(MEASURES, more=TERMS)]


@page
def provenance(facts: Facts) -> list[Block]:
    """As-of, data through, fingerprints, versions."""
    return client_review.provenance(facts.subject)
