"""What the actions of a month are told from: each answer computed once, shared by the register and the deep dive."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Any

import pandas as pd

from ...ledger.ratios import half_up
from ...measures.collections.visits import visits_not_billed
from ...measures.payers import contract, prices, prompt_pay, recoded, scorecard, shortfalls, taken_back
from ...measures.receivable import audit_trail, delays, high_value, secondary, time_limits
from ...measures.receivable.limits import with_limit
from ...models.cash.collectable import collectable_value
from ...models.detection import finding_lives, mixes, process_shifts, stalled_steps, standing_rates
from ...models.worklist.ranking import Person, worklist
from ...tables.schema import PARTIES
from ..formats import sentence, words_of
from ..subject import Subject

INSURANCE = PARTIES[:3]
RECENT_MONTHS = 3
"""Underpaid lines and new prices are shown of the last three months."""

RECENT_DAYS = 28
WORKING_DAYS_OF_RECENT = 20
MINUTES_UNKNOWN = 60.0
"""A person whose notes give no minutes is taken to have an hour a day for the client."""


class MonthFacts:
    """One client's month, looked at closely. Every property is computed when first asked for."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @property
    def tables(self) -> Any:
        return self.subject.tables

    @property
    def as_of(self) -> dt.date:
        return self.subject.as_of

    @property
    def since(self) -> dt.date:
        """The first day of the last three months."""
        return self.subject.period.trailing(RECENT_MONTHS).first_day

    @cached_property
    def denial_lives(self) -> pd.DataFrame:
        """What has come to be denied more than usual, as the reports of the last months told it; what is over too."""
        return finding_lives.finding_lives(self.tables, as_of=self.as_of)

    @cached_property
    def systemic(self) -> pd.DataFrame:
        """The denials beyond the usual that go on."""
        return finding_lives.going_on(self.tables, as_of=self.as_of)

    @cached_property
    def lapsed(self) -> frozenset[str]:
        """Claims that no payer has, and whose limit to file has passed: no answer of the client's brings them back."""
        limits = self.deadlines
        return frozenset(limits.loc[(limits["kind"] == "filing") & limits["is_missed"], "claim_id"])

    @cached_property
    def standing(self) -> pd.DataFrame:
        """What was always denied more than at peers, without what has only come to be."""
        rows, raised = standing_rates.standing_rates(self.tables, as_of=self.as_of), self.denial_lives
        known = [
            ((raised["category"] == row["category"]) & raised[row["level"]].isin(["", row["name"]])).any()
            for row in rows.to_dict("records")
        ]
        return rows[~pd.Series(known, index=rows.index, dtype=bool)].reset_index(drop=True)

    @cached_property
    def systemic_lines(self) -> pd.DataFrame:
        """The denied lines behind every systemic finding, with its number."""
        lines = finding_lives.lines_going_on(self.tables, as_of=self.as_of)
        if lines.empty:
            return lines
        return lines.assign(still_open_cents=lines["claim_id"].map(self.open_by_claim))

    @cached_property
    def mix_shifts(self) -> pd.DataFrame:
        return mixes.mix_shifts(self.tables, as_of=self.as_of)

    @cached_property
    def open_by_claim(self) -> pd.Series:
        """What insurers still owe on each open claim."""
        rows = self.worklist[self.worklist["party"].isin(INSURANCE)]
        return rows.groupby("claim_id")["open_cents"].sum()

    @cached_property
    def priced(self) -> Any:
        """The tables with every decision read and priced once, for the answers that compare it with a contract."""
        return contract.hold(self.tables, self.as_of)

    @cached_property
    def compared_lines(self) -> int:
        """How many lines of the last year could be compared with what should have been allowed."""
        year = self.subject.period.trailing(12)
        return int(shortfalls.underpayments(self.priced, period=year, by=())["lines"].iloc[0])

    @cached_property
    def underpayments(self) -> pd.DataFrame:
        return shortfalls.repeated_underpayments(self.priced, as_of=self.as_of)

    @cached_property
    def underpaid_lines(self) -> pd.DataFrame:
        return shortfalls.underpaid_lines(self.priced, as_of=self.as_of, since=self.since)

    @cached_property
    def recoded_lines(self) -> pd.DataFrame:
        """Lines of the last twelve months that a payer decided under another code or with fewer units."""
        year = self.subject.period.trailing(12)
        return recoded.recoded_lines(self.priced, as_of=self.as_of, since=year.first_day)

    @cached_property
    def takebacks(self) -> pd.DataFrame:
        """What payers took back in the last twelve months, one row each."""
        year = self.subject.period.trailing(12)
        return taken_back.takebacks(self.tables, as_of=self.as_of, since=year.first_day)

    @cached_property
    def late_payments(self) -> pd.DataFrame:
        """Clean claims that payers paid too late in the last twelve months, with what they owe for it by law."""
        year = self.subject.period.trailing(12)
        return prompt_pay.late_payments(self.tables, as_of=self.as_of, since=year.first_day)

    @cached_property
    def visits_not_billed(self) -> pd.DataFrame:
        """Kept visits of the last twelve months whose charges are due and that no claim belongs to."""
        return visits_not_billed(self.tables, as_of=self.as_of, since=self.subject.period.trailing(12).first_day)

    @cached_property
    def new_prices(self) -> pd.DataFrame:
        return prices.rate_changes(self.priced, as_of=self.as_of, since=self.since)

    @cached_property
    def secondaries(self) -> pd.DataFrame:
        return secondary.unaddressed_secondary(self.tables, as_of=self.as_of)

    @cached_property
    def crossovers(self) -> pd.DataFrame:
        return secondary.crossovers_not_received(self.tables, as_of=self.as_of)

    @cached_property
    def secondaries_stopped(self) -> pd.DataFrame:
        return stalled_steps.secondaries_stopped(self.tables, as_of=self.as_of)

    @cached_property
    def holds_risen(self) -> pd.DataFrame:
        return stalled_steps.holds_risen(self.tables, as_of=self.as_of)

    @cached_property
    def lag_creep(self) -> pd.DataFrame:
        return process_shifts.charge_lag_creep(self.tables, as_of=self.as_of)

    @cached_property
    def outages(self) -> pd.DataFrame:
        """Days on which no claim left, of the last three months."""
        found = process_shifts.submission_outages(self.tables, as_of=self.as_of)
        return found[found["last_on"] >= pd.Timestamp(self.since)].reset_index(drop=True)

    @cached_property
    def scorecard(self) -> pd.DataFrame:
        return scorecard.payer_scorecard(self.tables, as_of=self.as_of)

    @cached_property
    def contracts(self) -> pd.DataFrame:
        return scorecard.contract_evaluation(self.priced, as_of=self.as_of)

    @cached_property
    def requests(self) -> pd.DataFrame:
        return delays.document_requests(self.tables, as_of=self.as_of)

    @cached_property
    def holds(self) -> pd.DataFrame:
        return delays.holds(self.tables, as_of=self.as_of)

    @cached_property
    def rejected(self) -> pd.DataFrame:
        """Rejected claims not sent again, each with the last day on which it can still be filed."""
        rows = delays.rejections_not_reworked(self.tables, as_of=self.as_of)
        return with_limit(rows.assign(starts_on=rows["service_on"]), self.tables, "filing_limit_days", as_of=self.as_of)

    @cached_property
    def untouched(self) -> pd.DataFrame:
        return delays.untouched_claims(self.tables, as_of=self.as_of)

    @cached_property
    def deadlines(self) -> pd.DataFrame:
        return time_limits.deadlines(self.tables, as_of=self.as_of)

    @cached_property
    def collectable(self) -> pd.Series:
        return collectable_value(self.tables, as_of=self.as_of).iloc[0]

    @cached_property
    def key_accounts(self) -> pd.DataFrame:
        return high_value.high_value_accounts(self.tables, as_of=self.as_of, schedule=self.subject.client.follow_up)

    @cached_property
    def escalations(self) -> pd.DataFrame:
        schedule = self.subject.client.follow_up
        return high_value.escalations(self.tables, as_of=self.as_of, deadlines=self.deadlines, schedule=schedule)

    @cached_property
    def work(self) -> pd.DataFrame:
        return audit_trail.work_results(self.tables, period=self.subject.period)

    @cached_property
    def worklist(self) -> pd.DataFrame:
        """Every open item, split among the people who work for the client."""
        return worklist(self.tables, as_of=self.as_of, people=who_worked(self.subject.pandas("work_log"), self.as_of))

    @cached_property
    def given_up(self) -> pd.DataFrame:
        """The items to be written off if approved."""
        return write_offs(self.worklist)

    def names(self, frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        """The frame with payers in printed names, in these columns."""
        known = dict(zip(self.subject.payers["payer"], self.subject.payers["name"], strict=True))
        return frame.assign(
            **{
                column: [
                    known.get(payer, sentence(words_of(payer))) if isinstance(payer, str) else payer
                    for payer in frame[column]
                ]
                for column in columns
            }
        )


def who_worked(log: pd.DataFrame, day: dt.date) -> list[Person]:
    """Who worked for the client in the four weeks to the day, with the minutes of an average working day."""
    recent = log[
        (log["entered_on"] <= pd.Timestamp(day))
        & (log["worked_on"] > pd.Timestamp(day) - pd.Timedelta(days=RECENT_DAYS))
    ]
    minutes = recent.groupby("worked_by")["minutes"].sum() / WORKING_DAYS_OF_RECENT
    return [
        Person(name, float(min(each, 24 * 60)) if each > 0 else MINUTES_UNKNOWN)
        for name, each in minutes.sort_index().items()
    ]


def with_worth(items: pd.DataFrame) -> pd.DataFrame:
    """The items with `anyway_cents`, what would come though nobody works them, and `worked_cents`, that and what work
    adds."""
    alone = pd.to_numeric(items["expected_cents"] * items["chance_to_pay"] * (1 - items["uplift"])).astype(float)
    anyway = half_up(alone).astype("int64")
    return items.assign(
        anyway_cents=anyway, worked_cents=anyway + pd.to_numeric(items["recoverable_cents"]).astype("int64")
    )


def write_offs(items: pd.DataFrame) -> pd.DataFrame:
    """The items to be written off if approved, the largest first."""
    found = (
        items[(items["action"] == "write_off_request") & items["tier"].isin(("deadline", "list"))]
        if len(items)
        else items
    )
    return found.sort_values(["open_cents", "claim_id"], ascending=[False, True], ignore_index=True)
