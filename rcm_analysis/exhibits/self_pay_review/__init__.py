"""The self-pay review: statements, plans, promises, credits, and every patient balance against its EOB."""

SERVICE = "self_pay"
"""Its month must hold records of this service, or postings."""
