"""What the deep dive is told from: the facts of the month that its register of actions is told from, too."""

from __future__ import annotations

from ..register.facts import INSURANCE, MonthFacts
from ..register.months import facts_of
from ..subject import Subject

__all__ = ["INSURANCE", "Facts"]


class Facts(MonthFacts):
    """One client's month, looked at closely."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        facts_of(subject, self)
