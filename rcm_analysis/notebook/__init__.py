"""The analyst's bench: `open_report`, what an opened report can be asked, and answers that show and export themselves.

    from rcm_analysis.notebook import open_report
    report = open_report(workspace, client, period, template="client_review")
    report.show(report.review.numbers())
    report.claims("days_in_ar", payer="Summit Mutual")

A template imports this and nothing else. The tables are those known on the last day of the period, whenever the
report is made; a weekly report names its own day.
"""

from typing import TYPE_CHECKING, Any

from .opening import open_portfolio, open_report
from .own import own_tables

if TYPE_CHECKING:
    from .plans import open_plan as open_plan

__all__ = ["open_plan", "open_portfolio", "open_report", "own_tables"]


def __getattr__(name: str) -> Any:
    """`open_plan`, loaded when it is asked for: the types of its assumptions take as long as all the rest."""
    if name != "open_plan":
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    from .plans import open_plan

    return open_plan
