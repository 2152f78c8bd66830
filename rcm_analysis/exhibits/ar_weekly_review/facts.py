"""What the weekly review is told from: each answer about the week computed once, shared by page one and the pages."""

from __future__ import annotations

import datetime as dt
import re
from functools import cached_property

import pandas as pd

from ...measures.receivable.delays import NEVER_SENT, holds, rejections_not_reworked
from ...measures.receivable.high_value import escalations
from ...measures.receivable.secondary import crossovers_not_received, unaddressed_secondary
from ...measures.receivable.time_limits import deadlines
from ...models.worklist.items import phantom_balances
from ...models.worklist.ranking import Person, worklist
from ...models.worklist.steps import open_steps
from ...periods import Period
from ..client_review.answers import HOLDS
from ..formats import as_text, words_of
from ..register.facts import who_worked
from ..subject import Subject

WEEK = dt.timedelta(days=7)
SOON_DAYS = 14
LEAST_CENTS = 100


class Facts:
    """One client's seven days."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @property
    def cover(self) -> dict[str, str]:
        """The report is about seven days, and has a page or two without a cover."""
        return {"period_title": f"Seven days to {self.subject.as_of_text}", "layout": "brief"}

    @property
    def week(self) -> Period:
        """The seven days that end on the as-of day."""
        return Period.days_ending(self.subject.as_of, 7)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The worklist of the as-of day, split among the people who work for the client."""
        people = people_at(self.subject, self.subject.as_of)
        return worklist(self.subject.tables, as_of=self.subject.as_of, people=people)

    @cached_property
    def phantoms(self) -> pd.DataFrame:
        """The balances that the list leaves out, because the records themselves make them."""
        return phantom_balances(self.subject.tables, as_of=self.subject.as_of)

    @cached_property
    def limits(self) -> pd.DataFrame:
        """Every time limit that runs."""
        return self._workable(deadlines(self.subject.tables, as_of=self.subject.as_of))

    @cached_property
    def raised(self) -> pd.DataFrame:
        """The high-value accounts to escalate."""
        return self._workable(
            escalations(
                self.subject.tables,
                as_of=self.subject.as_of,
                deadlines=self.limits,
                schedule=self.subject.client.follow_up,
            )
        )

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
        return self._workable(stuck_claims(self.subject, self.items))

    def _workable(self, found: pd.DataFrame) -> pd.DataFrame:
        """The rows without claims whose balance the records themselves make."""
        made = self.phantoms.loc[self.phantoms["why"] == "records", "claim_id"]
        return found[~found["claim_id"].isin(made)].reset_index(drop=True)

    @cached_property
    def overdue(self) -> pd.DataFrame:
        """Actions agreed and past their day, the oldest first."""
        actions, today = self.subject.pandas("actions"), pd.Timestamp(self.subject.as_of)
        late = actions[actions["closed_on"].isna() & (actions["due_on"] < today)]
        return late.sort_values(["due_on", "action_id"], ignore_index=True)


def people_at(subject: Subject, day: dt.date) -> list[Person]:
    """Who worked for the client in the four weeks to the day, with the minutes of an average working day."""
    return who_worked(subject.pandas("work_log"), day)


def stuck_claims(subject: Subject, items: pd.DataFrame) -> pd.DataFrame:
    """What waits for the practice, a payer or us: one row per claim and what it waits for, with its days.

    Secondary claims whose limit has passed are left out: nothing waits there any more.
    """
    today, tables = pd.Timestamp(subject.as_of), subject.tables
    held = holds(tables, as_of=subject.as_of)
    is_ours = held["hold_reason"] == NEVER_SENT
    unsaid = ", no note says why" if subject.holds("work_log") else ""
    in_time = ", limit not over" if subject.holds("payer_rules") else ""
    words = [
        f"Entered and never sent{unsaid}"
        if reason == NEVER_SENT
        else f"Waits for {HOLDS.get(reason, words_of(reason))}"
        for reason in held["hold_reason"]
    ]
    parts = [
        held.assign(what=words, who=is_ours.map({True: "our billers", False: "practice"}), days=held["waiting_days"])
    ]
    rejected = rejections_not_reworked(tables, as_of=subject.as_of)
    parts.append(
        rejected.assign(
            what="Rejected before a payer saw it, not sent again", who="our billers", days=rejected["waiting_days"]
        )
    )
    for what, who, found in (
        (f"Second insurer not billed{in_time}", "our billers", unaddressed_secondary(tables, as_of=subject.as_of)),
        ("Passed on to the second insurer, no answer", "payer", crossovers_not_received(tables, as_of=subject.as_of)),
    ):
        left = found[~found["is_missed"] & found["claim_id"].isin(items["claim_id"])]
        parts.append(left.assign(what=what, who=who, open_cents=left["patient_cents"], days=left["waiting_days"]))
    steps = next_steps(subject, items)
    stepped = steps.loc[steps["next_on"].notna(), "claim_id"]
    late = (
        items[(items["status"] == "processing") & (items["tier"] != "waiting") & ~items["claim_id"].isin(stepped)]
        if len(items)
        else items
    )
    parts.append(
        late.assign(
            what="No answer, longer than this payer usually takes",
            who="payer",
            days=(today - pd.to_datetime(late["since_on"])).dt.days,
        )
    )
    columns = ["claim_id", "payer", "what", "who", "days", "open_cents"]
    rows = [part[columns] for part in parts if len(part)]
    found = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
    steps = steps[steps["is_late"] & ~steps["claim_id"].isin(found["claim_id"])]
    missed = steps.assign(
        what="A next step was noted and its day is past", who="our billers", days=(today - steps["next_on"]).dt.days
    )
    return pd.concat([found, missed[columns]], ignore_index=True) if len(missed) else found


def next_steps(subject: Subject, items: pd.DataFrame) -> pd.DataFrame:
    """The step that the last note of an open claim names, as the worklist counts it: `is_late` once its day is past."""
    steps = open_steps(subject.tables, items, as_of=subject.as_of)
    owed = items.groupby("claim_id", as_index=False).agg(payer=("payer", "first"), open_cents=("open_cents", "sum"))
    found = steps.rename(
        columns={
            "step_action": "next_action",
            "step_on": "next_on",
            "step_noted_on": "worked_on",
            "step_noted_by": "worked_by",
        }
    )
    found = found.merge(owed, on="claim_id").sort_values(["next_on", "claim_id"], ignore_index=True)
    return found.assign(is_late=found["next_on"] < pd.Timestamp(subject.as_of))


def plain_days(text: str, as_of: dt.date) -> str:
    """The days of a sentence as the report writes them; the year is left out where it is the report's.

    >>> plain_days("Denied on 2026-10-28, worked on 2025-12-02.", dt.date(2026, 10, 31))
    'Denied on Oct 28, worked on Dec 2, 2025.'
    """
    return re.sub(
        r"\d{4}-\d\d-\d\d", lambda day: as_text(pd.Timestamp(day[0]), "date").removesuffix(f", {as_of.year}"), text
    )
