"""The care-coordination review: member-months from the referral to the money, the team, the lags, and the plan."""

SERVICE = "care_coordination"
"""Its month must hold records of this service, or postings."""
