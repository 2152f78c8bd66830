"""What the pages of a self-pay review have in common, computed once each."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Any

import pandas as pd

from ...measures.self_pay import collections as self_pay_collections
from ...measures.self_pay import contacts as patient_contacts
from ...measures.self_pay import credits_and_write_offs as patient_credits
from ...measures.self_pay import declines, payment_plans
from ...measures.self_pay import declines as card_networks
from ...measures.self_pay import quality as self_pay_quality
from ...measures.self_pay import requests as patient_requests
from ...measures.self_pay.eob import eob_check
from ...measures.self_pay.policy import (
    estimate_difference_share,
    estimate_differences,
    policy_breaches,
    policy_checks,
    scope_guard,
)
from ...models.patients import self_pay_survival
from ...periods import Period
from ..subject import Subject

CURVE_DAYS = (0, 15, 30, 45, 60, 75, 90, 105, 120, 150, 180)
TRACES = {"statements": "statement_on", "payment_plans": "opened_on", "interactions": "happened_on"}
MATURE_MONTHS = 6
"""Cohorts of these many months, the newest of them old enough to be judged at 120 days, make the pay rate."""


class Facts:
    """The facts of one client and month; each is computed when it is first asked for."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @property
    def year(self) -> Period:
        return self.subject.period.trailing(12)

    @property
    def quarter(self) -> Period:
        return self.subject.period.trailing(3)

    @property
    def mature(self) -> Period:
        """Six months of first statements, the newest of which is at least 120 days old."""
        return self.subject.period.shift(-4).trailing(MATURE_MONTHS)

    @property
    def government(self) -> list[str]:
        return self.subject.public_payers

    @cached_property
    def curves(self) -> pd.DataFrame:
        return self_pay_collections.liquidation(
            self.subject.tables, period=self.year, as_of=self.subject.as_of, days=CURVE_DAYS
        )

    @cached_property
    def pay_rate(self) -> pd.Series:
        return self_pay_collections.pay_rate(self.subject.tables, period=self.mature, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def billed_outcome(self) -> pd.DataFrame:
        """What became of what was first billed in the months of the pay rate, by month."""
        return self_pay_collections.billed_outcome(
            self.subject.tables, period=self.mature, as_of=self.subject.as_of, by=["month"]
        )

    @cached_property
    def promises(self) -> pd.Series:
        return self_pay_collections.promises_kept(
            self.subject.tables, period=self.quarter, as_of=self.subject.as_of
        ).iloc[0]

    @cached_property
    def plans(self) -> pd.DataFrame:
        return payment_plans.plans(self.subject.tables, as_of=self.subject.as_of)

    @cached_property
    def plan_standing(self) -> pd.Series:
        return payment_plans.plan_standing(self.subject.tables, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def utilisation(self) -> pd.Series:
        return payment_plans.plan_utilisation(self.subject.tables, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def instalments(self) -> pd.Series:
        return payment_plans.instalments_on_schedule(
            self.subject.tables, period=self.quarter, as_of=self.subject.as_of
        ).iloc[0]

    @cached_property
    def completion(self) -> pd.Series:
        return payment_plans.plan_completion(self.subject.tables, period=self.year, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def cures(self) -> pd.Series:
        return payment_plans.plan_cures(self.subject.tables, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def defaults(self) -> pd.DataFrame:
        return self_pay_survival.default_shares(self.subject.tables, as_of=self.subject.as_of)

    @cached_property
    def declined(self) -> pd.DataFrame:
        """By kind of decline: recovery of the year's declines."""
        return declines.decline_recovery(
            self.subject.tables, period=self.year, as_of=self.subject.as_of, by=["decline_kind"]
        )

    @cached_property
    def decline_rate(self) -> pd.Series:
        return declines.decline_rate(self.subject.tables, period=self.year).iloc[0]

    @cached_property
    def reprocessed(self) -> pd.Series:
        return declines.reprocess_success(self.subject.tables, period=self.year, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def disputes(self) -> pd.Series:
        return patient_requests.disputes(self.subject.tables, period=self.year, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def assistance(self) -> pd.Series:
        return patient_requests.assistance(self.subject.tables, period=self.year, as_of=self.subject.as_of).iloc[0]

    @cached_property
    def turnarounds(self) -> dict[str, pd.Series]:
        """Disputes, applications and itemised statements: how long they take, open ones counted as open."""
        words: dict[str, Any] = {"period": self.year, "as_of": self.subject.as_of}
        return {
            what: self_pay_survival.turnaround(self.subject.tables, what, **words).iloc[0]
            for what in self_pay_survival.CLOCKS
        }

    @cached_property
    def in_time(self) -> dict[str, tuple[int, int]]:
        """Cases within the policy's days, and cases whose days are up, by what is timed."""
        words: dict[str, Any] = {"period": self.year, "as_of": self.subject.as_of}
        found = {
            "disputes": patient_requests.disputes_in_time(self.subject.tables, **words),
            "assistance": patient_requests.assistance_in_time(self.subject.tables, **words),
            "itemised": patient_requests.itemised_in_time(self.subject.tables, **words),
        }
        return {what: (int(frame.iloc[0, 0]), int(frame.iloc[0, 1])) for what, frame in found.items()}

    @cached_property
    def documentation(self) -> pd.Series:
        return patient_contacts.documentation(self.subject.tables, period=self.quarter).iloc[0]

    @cached_property
    def targets(self) -> pd.DataFrame:
        """The client's targets beside what was reached in three months."""
        return self_pay_quality.self_pay_targets(self.subject.tables, period=self.quarter, as_of=self.subject.as_of)

    @cached_property
    def skills(self) -> pd.DataFrame:
        """Points of sampled quality reviews of three months, by partner and skill."""
        return self_pay_quality.quality_scores(self.subject.tables, period=self.quarter, by=["handled_by", "skill"])

    @cached_property
    def posting(self) -> pd.Series:
        return self_pay_quality.correct_posting(
            self.subject.tables, period=self.quarter, as_of=self.subject.as_of
        ).iloc[0]

    @cached_property
    def posting_faults(self) -> pd.DataFrame:
        return self_pay_quality.posting_faults(self.subject.tables, period=self.quarter, as_of=self.subject.as_of)

    @cached_property
    def network_retries(self) -> pd.DataFrame:
        """Retries of the year against the card networks' limits."""
        return card_networks.network_retries(self.subject.tables, period=self.year)

    @cached_property
    def retries_beyond(self) -> pd.DataFrame:
        return card_networks.retries_beyond_limits(self.subject.tables, period=self.year)

    @cached_property
    def credits(self) -> pd.DataFrame:
        """Every credit balance; payments on a claim without a charge are none, as the charge is missing."""
        found = patient_credits.credits(self.subject.tables, as_of=self.subject.as_of, government=self.government)
        return found[~found["claim_id"].isin(self.subject.never_billed)].reset_index(drop=True)

    @cached_property
    def write_offs(self) -> pd.DataFrame:
        return patient_credits.manual_write_offs(self.subject.tables, period=self.quarter, by=["approved_by", "reason"])

    @cached_property
    def write_off_list(self) -> pd.DataFrame:
        """The same postings one by one, the latest first."""
        found = patient_credits.write_off_list(self.subject.tables, period=self.quarter)
        return found.sort_values(["posted_on", "transaction_id"], ascending=[False, True], ignore_index=True)

    @cached_property
    def checks(self) -> pd.DataFrame:
        """Every rule of the policy, checked in the month, and how often it was broken in three months."""
        month = policy_checks(self.subject.tables, period=self.subject.period)
        found = self.breaches.groupby("rule").size()
        return month.assign(breached_quarter=month["rule"].map(found).fillna(0).astype("int64"))

    @cached_property
    def breaches(self) -> pd.DataFrame:
        """Every breach of the policy of the past three months, the latest first."""
        found = policy_breaches(self.subject.tables, period=self.quarter)
        return found.sort_values(["broken_on", "rule", "record_id"], ascending=[False, True, True], ignore_index=True)

    @cached_property
    def out_of_scope(self) -> pd.DataFrame:
        return scope_guard(self.subject.tables, period=self.year)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        return estimate_differences(self.subject.tables, period=self.year)

    @cached_property
    def estimate_share(self) -> pd.Series:
        return estimate_difference_share(self.subject.tables, period=self.year).iloc[0]

    @cached_property
    def eob(self) -> pd.DataFrame:
        """Claims whose patient balance does not follow the payers' decisions, largest difference first."""
        found = eob_check(self.subject.tables, as_of=self.subject.as_of)
        size = found["difference_cents"].abs()
        return found.assign(size_cents=size).sort_values(
            ["size_cents", "claim_id"], ascending=[False, True], ignore_index=True
        )

    @property
    def eob_wrong(self) -> pd.DataFrame:
        return self.eob[~self.eob["is_information"]].reset_index(drop=True)

    @property
    def is_running(self) -> bool:
        """Whether the program has left any trace: a statement, a plan or a contact."""
        return any(len(self.subject.pandas(name)) for name in TRACES)

    @property
    def began(self) -> dt.date:
        """The day of its first trace."""
        return min(day for name, column in TRACES.items() for day in self.subject.pandas(name)[column].dropna()).date()
