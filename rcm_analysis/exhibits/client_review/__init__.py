"""The client's monthly review, part by part."""

SERVICE = "claims"
"""Its month must hold records of this service, or postings."""
