"""The review of a client that sends aging reports and nothing else: what is owed, how it moved, what is not known."""

SERVICE = "aging_reports"
"""Its month must hold a report of this service, or postings."""
