"""One client's self-pay programme, exhibit by exhibit, for the client and the programme manager."""

from __future__ import annotations

from ..blocks import Block
from ..client_review import appendix as rest
from ..client_review.review import glossary_of
from ..subject import Subject
from . import answers as findings
from . import controls, money, quality, requests
from .facts import SelfPayFacts

MEASURES = (
    "liquidation",
    "pay_rate",
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
        "as-of day, or to the day on which it was paid to the end or cancelled, and counts as open until then. "
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
"""What is no measure of the catalogue, for the appendix."""


class SelfPayReview:
    """The exhibits of one month of a self-pay programme; each gives its blocks."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._facts = SelfPayFacts(subject)

    def answers(self) -> list[Block]:
        """Page one: six questions."""
        return findings.answers(self._facts)

    def findings(self) -> list[Block]:
        """What to put right, with dollars, owner and day."""
        return findings.all_findings(self._facts)

    def liquidation(self) -> list[Block]:
        return money.liquidation(self._facts)

    def plans(self) -> list[Block]:
        return money.plans(self._facts)

    def payments(self) -> list[Block]:
        """Promises and declined payments."""
        return money.payments(self._facts)

    def eob_check(self) -> list[Block]:
        return controls.eob_check(self._facts)

    def compliance(self) -> list[Block]:
        return controls.compliance(self._facts)

    def scope_guard(self) -> list[Block]:
        return controls.scope_guard(self._facts)

    def estimates(self) -> list[Block]:
        return controls.estimates(self._facts)

    def requests(self) -> list[Block]:
        """Disputes, financial assistance, itemised statements."""
        return requests.requests(self._facts)

    def rework(self) -> list[Block]:
        """Changes of accounts, and triage."""
        return requests.rework(self._facts)

    def targets(self) -> list[Block]:
        """What the client expects, and what was reached."""
        return quality.targets(self._facts)

    def contacts(self) -> list[Block]:
        return quality.contacts(self._facts)

    def write_offs(self) -> list[Block]:
        return controls.write_offs(self._facts)

    def credits(self) -> list[Block]:
        return controls.credits(self._facts)

    def posting(self) -> list[Block]:
        """Payments posted right the first time."""
        return quality.posting(self._facts)

    def quality(self) -> list[Block]:
        """Records, scripts and sampled reviews, by client partner."""
        return quality.quality(self._facts)

    def definitions(self) -> list[Block]:
        """What each measure counts."""
        return [glossary_of(MEASURES, more=TERMS)]

    def provenance(self) -> list[Block]:
        return rest.provenance(self.subject)
