"""The patient engagement review; small cells are hidden, also from subtraction."""

SERVICE = "patient_engagement"
"""Its month must hold records of this service, or postings."""
