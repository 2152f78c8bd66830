"""The weekly AR review: two pages for the meeting, and the worklist as a file."""

SERVICE = "claims"
"""Its month must hold records of this service, or postings."""
