"""The numbers of a care-coordination review, worked out once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from ...errors import RcmError
from ...measures.coordination import caseloads, referrals, stages
from ...models.coordination import programme_cash, unbilled, waits
from ...models.plan.actuals import actuals_from_tables
from ...models.plan.assumptions import read_assumptions
from ...periods import Period
from ...tables.workspace import PLAN
from ..care_coordination_plan.results import PlanResults
from ..care_coordination_plan.workbook.reading import read_workbook
from ..subject import Subject

MONTHS = 12
TEAM_MONTHS = 3
AHEAD = 6
BACK = 3
"""Months ago whose outlook is held against what came since."""


class Facts:
    """One programme's months, team, referrals, lags, cash to come and plan."""

    reads = (PLAN,)
    """What it reads beside the tables."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.tables: Mapping[str, Any] = subject.tables
        self.as_of: dt.date = subject.as_of
        self.year = subject.period.trailing(MONTHS)

    @cached_property
    def every_month(self) -> pd.DataFrame:
        """Every member-month with its stage, coordinator, contacts and units."""
        return caseloads.member_months_with_contacts(self.tables, as_of=self.as_of)

    @cached_property
    def months(self) -> pd.DataFrame:
        """Those of the twelve months."""
        labels = [month.label for month in self.year.months()]
        return self.every_month[self.every_month["month"].isin(labels)]

    @property
    def members(self) -> int:
        """Members with a level in the month reported."""
        return int((self.every_month["month"] == self.subject.period.label).sum())

    @cached_property
    def on_their_way(self) -> pd.DataFrame:
        return waits.months_on_their_way(self.tables, as_of=self.as_of)

    @cached_property
    def step_waits(self) -> pd.DataFrame:
        return waits.step_waits(self.tables, as_of=self.as_of)

    @cached_property
    def stopped(self) -> pd.DataFrame:
        return waits.stopped_steps(self.tables, as_of=self.as_of)

    @cached_property
    def unbilled(self) -> pd.DataFrame:
        """Coordinators whose months are no longer billed."""
        return unbilled.unbilled_contacts(self.tables, as_of=self.as_of)

    @cached_property
    def one_day(self) -> pd.DataFrame:
        """Coordinators whose months are billed on contacts of too few days."""
        return unbilled.one_day_contacts(self.tables, as_of=self.as_of)

    @cached_property
    def team_span(self) -> Period:
        """The last three months opened for billing."""
        opened = self.every_month.loc[self.every_month["stage"] != "not_opened", "month"]
        last = Period.month(str(opened.max())) if len(opened) else self.subject.period
        return last.trailing(TEAM_MONTHS)

    @cached_property
    def team(self) -> pd.DataFrame:
        return caseloads.coordinator_results(self.tables, period=self.team_span, as_of=self.as_of)

    @cached_property
    def sources(self) -> pd.DataFrame:
        return referrals.referral_quality(self.tables, period=self.year, as_of=self.as_of)

    @cached_property
    def not_engaged(self) -> pd.DataFrame:
        return referrals.not_engaged(self.tables, as_of=self.as_of)

    @cached_property
    def bills(self) -> pd.DataFrame:
        return stages.care_claims(self.tables, as_of=self.as_of)

    def denials(self, by: tuple[str, ...]) -> pd.DataFrame:
        """Bills decided in the twelve months."""
        return caseloads.care_denials(self.tables, period=self.year, as_of=self.as_of, by=by)

    @cached_property
    def cash_by_month(self) -> pd.Series:
        """What reached us by month of its payment, before anything was taken back."""
        paid = self.bills[self.bills["stage"] == "paid"]
        return paid.groupby(paid["agency_paid_on"].dt.strftime("%Y-%m"))["agency_paid_cents"].sum()

    @cached_property
    def outlook(self) -> pd.DataFrame:
        return programme_cash.programme_outlook(self.tables, as_of=self.as_of, months=AHEAD)

    @cached_property
    def foreseen(self) -> tuple[int, int] | None:
        """What was foreseen three months ago for the months since, and what came; none where nothing was to measure."""
        span = self.subject.period.trailing(BACK)
        then = programme_cash.programme_outlook(self.tables, as_of=span.first_day - dt.timedelta(days=1), months=BACK)
        if then.empty:
            return None
        came = self.cash_by_month.reindex([month.label for month in span.months()]).fillna(0).sum()
        return int(then["cash_cents"].sum() - then["taken_back_cents"].sum()), int(came)

    @cached_property
    def plan(self) -> PlanResults | None:
        """Results beside the client's own plan; none where none is on file, or it cannot be used."""
        return self._planned[0]

    @property
    def plan_refused(self) -> str:
        """Why the plan on file cannot be used; empty where it can, or where there is none."""
        return self._planned[1]

    @cached_property
    def _planned(self) -> tuple[PlanResults | None, str]:
        file = self.subject.plan
        if file is None:
            return None, ""
        try:
            plan = read_workbook(file) if file.suffix.lower() == ".xlsx" else read_assumptions(file)
            actual = actuals_from_tables(self.tables, plan, through=self.subject.period.label)
        except RcmError as error:
            return None, str(error)
        return PlanResults(plan, actual), ""
