"""Small care-coordination programmes, row by row, for tests of stages, waits and cash."""

from __future__ import annotations

import pandas as pd

from rcm_analysis.examples.patients import filled
from rcm_analysis.tables.schema_coordination import COORDINATION_TABLES

RATE = 48_500
"""Medium, upstate, 2026."""
SUPPORT = ("opened_on", "completed_on", "uploaded_on", "missed", "missed_on", "is_core_service_given")


def programme(*months: dict, **more: list[dict]) -> dict[str, pd.DataFrame]:
    """A programme of member-months; each is one member's month with `bills`, or the days of `SUPPORT`, in one dict.

    `more` holds rows of other tables by name.
    """
    rows: dict[str, list[dict]] = {table.name: list(more.get(table.name, [])) for table in COORDINATION_TABLES}
    for place, given in enumerate(months):
        member, month = given.get("member", f"E{place}"), given.get("month", "2026-08")
        key = {"enrolment_id": member, "month": month}
        level = {"level": given.get("level", "medium"), "recorded_on": f"{month}-01"}
        rows["acuity_months"].append(key | level | {"assessed_on": f"{month}-01"})
        if not any(row["enrolment_id"] == member for row in rows["enrolments"]):
            rows["enrolments"].append(
                {
                    "enrolment_id": member,
                    "patient": member,
                    "payer": given.get("payer", "harbor"),
                    "region": "upstate",
                    "enrolled_on": f"{month}-01",
                    "recorded_on": f"{month}-01",
                }
            )
        support = {name: given[name] for name in SUPPORT if name in given}
        if "opened_on" in support:
            coordinator = {"coordinator": given.get("coordinator", "CC01"), "is_core_service_given": True}
            rows["billing_support"].append(key | coordinator | support)
        for number, bill in enumerate(given.get("bills", ())):
            usual = {
                "care_claim_id": f"{member}-{month}-{number}",
                "payer": given.get("payer", "harbor"),
                "lead_health_home": "Bridge",
                "rate_code": "1865",
                "level": "medium",
                "billed_cents": RATE,
            }
            rows["care_claims"].append(key | usual | bill)
    return {table.name: filled(table, rows[table.name]) for table in COORDINATION_TABLES}


def paid_bill(uploaded: str, *days: int, fee: float = 0.05) -> dict:
    """A bill with the days from its upload to the lead's bill, the payer's decision and the payment to us."""
    lead, decided, agency = (str((pd.Timestamp(uploaded) + pd.Timedelta(days=wait)).date()) for wait in days)
    return {
        "uploaded_on": uploaded,
        "lead_billed_on": lead,
        "payer_decided_on": decided,
        "payer_paid_cents": RATE,
        "agency_paid_on": agency,
        "lead_fee_cents": round(RATE * fee),
        "agency_paid_cents": RATE - round(RATE * fee),
    }
