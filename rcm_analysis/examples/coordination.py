"""One member of a care-coordination programme, small enough to check by hand: example of the contacts that were not
billed."""

from __future__ import annotations

import pandas as pd

from ..tables.schema_coordination import COORDINATION_TABLES
from .patients import filled


def example_coordination() -> dict[str, pd.DataFrame]:
    """A member of medium level, upstate: the contacts of August were billed, those of September never were.

    >>> len(example_coordination()["care_contacts"])
    3
    """
    support = {"enrolment_id": "EN1", "coordinator": "CC01", "is_core_service_given": True}
    contacts = {"T1": "2026-08-04", "T2": "2026-09-07", "T3": "2026-09-21"}
    given: dict[str, list[dict]] = {
        **_referred(),
        "enrolments": [
            {
                "enrolment_id": "EN1",
                "referral_id": "R1",
                "payer": "harbor",
                "region": "upstate",
                "enrolled_on": "2026-08-03",
                "recorded_on": "2026-08-03",
            }
        ],
        "billing_support": [
            support | {"month": "2026-08", "opened_on": "2026-09-01", "uploaded_on": "2026-09-14"},
            support
            | {"month": "2026-09", "opened_on": "2026-10-01", "missed": "no_questionnaire", "missed_on": "2026-10-30"},
        ],
        "acuity_months": [
            {"enrolment_id": "EN1", "month": month, "level": "medium", "recorded_on": f"{month}-04"}
            for month in ("2026-08", "2026-09")
        ],
        "care_contacts": [
            {
                "contact_id": name,
                "enrolment_id": "EN1",
                "contacted_on": day,
                "entered_on": day,
                "is_reached": True,
                "coordinator": "CC01",
            }
            for name, day in contacts.items()
        ],
        "care_claims": [
            {
                "care_claim_id": "HC1",
                "enrolment_id": "EN1",
                "month": "2026-08",
                "level": "medium",
                "billed_cents": 48500,
                "uploaded_on": "2026-09-14",
            }
        ],
    }
    return {table.name: filled(table, given.get(table.name, [])) for table in COORDINATION_TABLES}


def _referred() -> dict[str, list[dict]]:
    """Two referrals of a school: the first one was reached at the second attempt, the other does not fit."""
    return {
        "referrals": [
            {
                "referral_id": name,
                "source": "school",
                "referred_on": "2026-07-06",
                "received_on": "2026-07-07",
                "is_contact_valid": True,
                "has_documents": True,
                "screened_on": "2026-07-10",
                "screening": finding,
            }
            for name, finding in (("R1", "eligible"), ("R2", "ineligible"))
        ],
        "outreach": [
            {
                "outreach_id": name,
                "referral_id": "R1",
                "contacted_on": day,
                "entered_on": day,
                "is_reached": result == "consented",
                "result": result,
            }
            for name, day, result in (("O1", "2026-07-14", "no_answer"), ("O2", "2026-08-03", "consented"))
        ],
    }
