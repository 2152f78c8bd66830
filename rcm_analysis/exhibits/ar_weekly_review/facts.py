"""What the weekly review is told from: each answer about the week computed once, shared by page one and the pages."""

from __future__ import annotations

import datetime as dt
from functools import cached_property

import pandas as pd

from ...measures.receivable.high_value import escalations
from ...measures.receivable.time_limits import deadlines
from ...models.worklist.ranking import worklist
from ...periods import Period
from ..subject import Subject
from . import lists as weekly_lists

WEEK = dt.timedelta(days=7)
SOON_DAYS = 14
LEAST_CENTS = 100


class WeekFacts:
    """One client's seven days."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @property
    def week(self) -> Period:
        """The seven days that end on the as-of day."""
        return Period.days_ending(self.subject.as_of, 7)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The worklist of the as-of day, split among the people who work for the client."""
        people = weekly_lists.people_at(self.subject, self.subject.as_of)
        return worklist(self.subject.tables, as_of=self.subject.as_of, people=people)

    @cached_property
    def limits(self) -> pd.DataFrame:
        """Every time limit that runs."""
        return deadlines(self.subject.tables, as_of=self.subject.as_of)

    @cached_property
    def raised(self) -> pd.DataFrame:
        """The high-value accounts to escalate."""
        return escalations(self.subject.tables, as_of=self.subject.as_of, deadlines=self.limits)

    @property
    def due_soon(self) -> pd.DataFrame:
        """The time limits that end within fourteen days, can still be kept and have a dollar or more behind them."""
        found = self.limits
        is_worth_it = found["open_cents"] >= LEAST_CENTS
        return found[found["is_recoverable"] & found["days_left"].between(0, SOON_DAYS) & is_worth_it].reset_index(
            drop=True
        )

    @cached_property
    def stuck(self) -> pd.DataFrame:
        """What waits: one row per claim and what it waits for."""
        return weekly_lists.stuck_claims(self.subject, self.items)

    @cached_property
    def given_up(self) -> pd.DataFrame:
        """The items to be written off if approved."""
        return weekly_lists.write_offs(self.items)

    @property
    def escalated(self) -> pd.DataFrame:
        """The high-value accounts to escalate that are not to be written off."""
        return self.raised[~self.raised["claim_id"].isin(self.given_up["claim_id"])]

    @cached_property
    def overdue(self) -> pd.DataFrame:
        """Actions agreed and past their day, the oldest first."""
        actions, today = self.subject.pandas("actions"), pd.Timestamp(self.subject.as_of)
        late = actions[actions["closed_on"].isna() & (actions["due_on"] < today)]
        return late.sort_values(["due_on", "action_id"], ignore_index=True)
