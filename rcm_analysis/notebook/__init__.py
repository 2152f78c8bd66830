"""The analyst's bench: `open_report`, what an opened report can be asked, and answers that show and export themselves.

    from rcm_analysis.notebook import open_report
    report = open_report(workspace, client, period, template="client_review")
    report.show(report.review.numbers())
    report.claims("days_in_ar", payer="Summit Mutual")

A template imports this and nothing else. The tables are those known on the last day of the period, whenever the
report is made; a weekly report names its own day.
"""

from .opening import open_plan, open_portfolio, open_report
from .own import own_tables

__all__ = ["open_plan", "open_portfolio", "open_report", "own_tables"]
