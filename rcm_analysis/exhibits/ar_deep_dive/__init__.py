"""The AR deep dive: what goes wrong again and again, in dollars, and the working list behind it."""

SERVICE = "claims"
"""Its month must hold records of this service, or postings."""
