"""The analyst's bench: `open_report`, what an opened report can be asked, and answers that show and export themselves.

    from rcm_analysis.notebook import open_report
    report = open_report(workspace, client, period, template="client_review")
    report.show(report.review.numbers())
    report.claims("days_in_ar", payer="Summit Mutual")

A template imports this and nothing else. The tables are those known on the last day of the period, whenever the
report is made; a weekly report names its own day.
"""

from typing import TYPE_CHECKING

from ..names import public

if TYPE_CHECKING:
    from .opening import open_portfolio, open_report
    from .own import own_tables
    from .plans import open_plan

__all__ = ["open_plan", "open_portfolio", "open_report", "own_tables"]
_HOMES = {"open_plan": "plans", "open_portfolio": "opening", "open_report": "opening", "own_tables": "own"}
__getattr__, __dir__ = public(__name__, _HOMES)
