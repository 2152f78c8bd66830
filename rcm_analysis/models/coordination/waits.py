"""How long a member-month takes from step to step, by the client's own records, and which months are late."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from ...measures.coordination.stages import SUPPORT, care_claims, member_months, register
from ...tables.frames import NO_VALUE, kept
from ..statistics.estimators import OPEN, day_by_which, kaplan_meier

WINDOW_DAYS = 365
FEWEST = 20
"""Steps ended, below which a payer's or lead's own wait is not told from everybody's."""
LATE_SHARE = 0.9
CHANCE = 0.001


class Step(NamedTuple):
    """A stage in which a month waits: the register, the day that brings it there, the one that ends it, and by whom
    waits differ."""

    register: str
    start: str
    stop: str
    who: str = ""


STEPS = {
    "given": Step("billing_support", "opened_on", "completed_on"),
    "documented": Step("billing_support", "completed_on", "uploaded_on"),
    "uploaded": Step("care_claims", "uploaded_on", "lead_billed_on", "lead_health_home"),
    "lead_billed": Step("care_claims", "lead_billed_on", "payer_decided_on", "payer"),
    "paid_to_lead": Step("care_claims", "payer_decided_on", "agency_paid_on", "lead_health_home"),
}
WAITS = ["stage", "who", "ended", "open", "usual_days", "late_days", "last_on"]


def step_waits(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """How many days each step takes: the middle, and the day by which nine of ten are over.

    Formula
        usual_days = first day by which half of the months had left the stage, late_days nine tenths (Kaplan-Meier)
    Counts
        Months that came to the stage in the 365 days before `as_of`; those still in it count as open, so that a payer
        who stopped answering does not look fast. given and documented end with the upload's steps or with a closed
        window; lead_billed with the payer's answer, paid or denied. `who` is the lead Health Home or the payer, and
        "(all)" for everybody together; one with fewer than 20 ended steps has only the days of "(all)".
    Unit
        days; ended and open are counts; last_on: the last day on which the step ended for anybody
    Empty
        A stage to which no month came has no row. Where fewer than the share ever ended, the days are empty.
    Source
        our own; Kaplan and Meier (1958)

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> waits = step_waits(example_coordination(), as_of=dt.date(2026, 10, 31))
    >>> waits.loc[waits["stage"] == "uploaded", ["who", "ended", "open"]].values.tolist()
    [['(all)', 0, 1]]
    """
    rows = steps_begun(tables, as_of=as_of)
    groups = [
        (stage, who, part)
        for stage, steps in rows.groupby("stage", sort=False)
        for who, part in [("(all)", steps), *steps[steps["who"] != NO_VALUE].groupby("who")]
        if who == "(all)" or (part["end"] != OPEN).sum() >= FEWEST
    ]
    return pd.DataFrame([_wait(*group) for group in groups], columns=WAITS)


@kept
def steps_begun(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every step begun in the 365 days before `as_of`: stage, who, days so far, end ("paid" or "open"), ended_on."""
    support = register(tables, "billing_support", ["enrolment_id", "month"], SUPPORT, as_of)
    bills = care_claims(tables, as_of=as_of)
    today, found = pd.Timestamp(as_of), []
    for stage, step in STEPS.items():
        rows = support if step.register == "billing_support" else bills
        if stage == "paid_to_lead":
            rows = rows[rows["stage"] != "denied"]
        rows = rows[rows[step.start] > today - pd.Timedelta(days=WINDOW_DAYS)]
        ended = rows[step.stop].fillna(rows["missed_on"]) if "missed_on" in rows else rows[step.stop]
        found.append(
            pd.DataFrame(
                {
                    "stage": stage,
                    "who": rows[step.who].fillna(NO_VALUE) if step.who else NO_VALUE,
                    "days": (ended.fillna(today) - rows[step.start]).dt.days.clip(lower=0),
                    "end": ended.notna().map({True: "paid", False: OPEN}),
                    "ended_on": ended,
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _wait(stage: str, who: str, part: pd.DataFrame) -> dict[str, Any]:
    table = kaplan_meier(part["days"].astype("int64"), part["end"])
    usual, late = (day_by_which(table, share, OPEN) for share in (0.5, LATE_SHARE))
    ended = part["end"] != OPEN
    return dict(
        zip(
            WAITS, (stage, who, int(ended.sum()), int((~ended).sum()), usual, late, part["ended_on"].max()), strict=True
        )
    )


@kept
def months_on_their_way(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Member-months given and not paid yet, with the day on which the next step was to be expected, and which are late.

    Formula
        expected_on = since + usual_days; is_late where `as_of` lies beyond since + late_days
    Counts
        Member-months at given, documented, uploaded, lead_billed and paid_to_lead (`stages.member_months`), each held
        against its own payer's or lead Health Home's days (`step_waits`), or everybody's where it has too few.
    Unit
        cents; days
    Empty
        Nothing on its way: no row. Without a measured wait the day is empty and nothing is called late.
    Source
        our own

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> rows = months_on_their_way(example_coordination(), as_of=dt.date(2026, 10, 31))
    >>> rows[["month", "stage", "days", "is_late"]].values.tolist()
    [['2026-08', 'uploaded', 47, False]]
    """
    rows = member_months(tables, as_of=as_of)
    rows = rows[rows["stage"].isin(list(STEPS))].reset_index(drop=True)
    waits = step_waits(tables, as_of=as_of).set_index(["stage", "who"])[["usual_days", "late_days"]]
    who = [rows.at[place, STEPS[stage].who] if STEPS[stage].who else "(all)" for place, stage in rows["stage"].items()]
    own = waits.reindex(pd.MultiIndex.from_arrays([rows["stage"], who])).reset_index(drop=True)
    everybody = waits.reindex(pd.MultiIndex.from_arrays([rows["stage"], ["(all)"] * len(rows)])).reset_index(drop=True)
    days = own.fillna(everybody)
    waited = (pd.Timestamp(as_of) - rows["since"]).dt.days
    return rows.assign(
        days=waited.astype("int64"),
        expected_on=rows["since"] + pd.to_timedelta(days["usual_days"], unit="D"),
        is_late=(waited > days["late_days"]).to_numpy(dtype=bool),
    )


def stopped_steps(tables: Mapping[str, Any], *, as_of: dt.date, chance: float = CHANCE) -> pd.DataFrame:
    """Payers and lead Health Homes for whom a step has stopped: nothing has moved for longer than chance explains.

    Formula
        rate = days on which the step ended for anybody / days from the first to the last of them
        chance = exp(-rate x days since the last one); reported below `chance` where months wait
    Counts
        Steps of `step_waits`, ended in the 365 days before `as_of`, of a payer or lead with 20 ended steps or more.
        waiting: member-months in the stage now.
    Date basis
        the day on which the step ended
    Unit
        days; cents
    Empty
        Everything moves: no row.
    Source
        our own; the days between batches taken as a Poisson process

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> len(stopped_steps(example_coordination(), as_of=dt.date(2026, 10, 31)))
    0
    """
    steps, rows = steps_begun(tables, as_of=as_of), months_on_their_way(tables, as_of=as_of)
    found = []
    for (stage, who), part in steps[steps["who"] != NO_VALUE].groupby(["stage", "who"]):
        ends = part["ended_on"].dropna()
        waiting = rows[(rows["stage"] == stage) & (rows[STEPS[str(stage)].who] == who)]
        if len(ends) < FEWEST or waiting.empty:
            continue
        span = (ends.max() - ends.min()).days
        quiet = (pd.Timestamp(as_of) - ends.max()).days
        odds = math.exp(-ends.nunique() / max(span, 1) * quiet)
        if odds < chance:
            found.append((stage, who, ends.max(), quiet, len(waiting), int(waiting["amount_cents"].sum()), odds))
    columns = ["stage", "who", "last_on", "quiet_days", "waiting", "amount_cents", "chance"]
    return pd.DataFrame(found, columns=columns).sort_values("amount_cents", ascending=False, ignore_index=True)
