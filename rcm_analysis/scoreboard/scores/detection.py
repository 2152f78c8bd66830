"""What changed at a client: systemic denials, charges entered later and later, days on which no claim left.

Each is asked on the last day of every month, about what was known on that day. A finding that is raised
again while it goes on is one alarm: it counts on the day on which it was first raised, with the scope and
the dollars of its latest statement. The counting behind it is done once; that changes no answer, because
a first decision, an entry and a submission are what they were on the day they became known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import polars as pl

from ...models.detection.denial_cells import FEWEST_BEFORE
from ...models.detection.denial_shifts import decided_months, denial_history
from ...models.detection.finding_lives import OVER, RETURNED, lives
from ...models.detection.process_shifts import creeps, lag_rows, outages, submission_rows
from ...models.detection.renamed_payers import renamed_payers
from ...models.detection.standing_rates import standing_rates
from ...periods import Period
from ...simulate.plants.kinds import DENIALS
from ..case import Case
from ..record import ENDED, NAMED, PRECISION, RECALL, RECALL_IN_TIME, Tally
from ..scoring import Alarm, PlantedProblem, alarms_of, points_to, sought

IN_TIME = 2
FEWEST_MOVED = 20
"""Claims that moved to another payer: fewer cannot show that it is the same."""


Spells = dict[tuple[str, str], tuple[str, int, int]]
"""Of each life: its last state, the cents of the spells before, and those of the present one."""


def systemic(case: Case) -> list[Tally]:
    """`models.systemic_denials`: one alarm a cause, with the dollars of all its spells."""
    history = denial_history(case.known, as_of=case.period.last_day)
    said, over, named = [], [], []
    spells: Spells = {}
    for month in case.period.months():
        found = lives(history, as_of=month.last_day)
        found = found[~found["is_edit"].astype(bool)]
        said.append((month.last_day, [(_scope(row), _of_all_spells(spells, row)) for _, row in found.iterrows()]))
        over += [Alarm(case.client, month.last_day, _scope(row)) for _, row in found.iterrows() if row["state"] == OVER]
        named += found["told_as"].ne("").tolist()
    alarms = alarms_of(case.client, said, same=("category",))
    old = case.plant_rows(*DENIALS)["start"] < case.period.first_day
    planted = [one for one, is_old in zip(case.problems(*DENIALS), old, strict=True) if not is_old]
    last_seen = dict(case.truth.rows.group_by("plant").agg(pl.col("known_on").max()).iter_rows())
    names = case.plant_rows(*DENIALS).filter(~old)["plant"]
    ending = [
        replace(one, ends_on=last_seen.get(name)) if one.ends_on else one
        for one, name in zip(planted, names, strict=True)
    ]
    told = sought(
        "systemic denials",
        planted,
        alarms,
        case.watch,
        within_months=IN_TIME,
        recall=RECALL_IN_TIME,
        judged_from=_judged_from(case),
    )
    return [*told, *_said_to_be_over(case, ending, alarms, over), *_kept_names(named)]


def _of_all_spells(spells: Spells, row: Mapping[str, Any]) -> int:
    """The cents of a finding with those that it cost before it was over and returned."""
    life, cents = (row["first_told"], row["category"]), int(row["excess_cents"])
    state, earlier, latest = spells.get(life, ("", 0, 0))
    earlier += latest if row["state"] == RETURNED and state == OVER else 0
    spells[life] = (row["state"], earlier, cents)
    return earlier + cents


def _judged_from(case: Case) -> dt.date:
    """The first month end at which the report does not say that too few months are known (`decided_months`)."""
    months = [month.last_day for month in case.period.months()]
    known = (day for day in months if decided_months(case.known, as_of=day) > FEWEST_BEFORE)
    return next(known, case.period.end)


def standing(case: Case) -> list[Tally]:
    """`models.detection.standing_rates`: what was denied more than elsewhere from the first day of the record on. One
    alarm a place, doctor or payer and category; what a later problem, or a lawful edit, makes of it is no false one."""
    said = []
    for month in case.period.months():
        found = standing_rates(case.known_on(month.last_day), as_of=month.last_day)
        scopes = [
            {row.level: row.name_, "category": row.category}
            for row in found.rename(columns={"name": "name_"}).itertuples()
        ]
        said.append((month.last_day, [(scope, 0) for scope in scopes]))
    alarms = alarms_of(case.client, said, same=("category",))
    old = case.plant_rows(*DENIALS)["start"] < case.period.first_day
    planted = [one for one, is_old in zip(case.problems(*DENIALS), old, strict=True) if is_old]
    later = [one for one, is_old in zip(case.problems(*DENIALS), old, strict=True) if not is_old]
    later += case.problems("bundling_edit")
    alarms = [alarm for alarm in alarms if not any(points_to(alarm, one) for one in later)]
    return sought("standing denials", planted, alarms, case.watch, dollars=False)


def _said_to_be_over(
    case: Case, planted: Sequence[PlantedProblem], alarms: Sequence[Alarm], over: Sequence[Alarm]
) -> list[Tally]:
    """Of the problems that were found and whose last denial came two months before the data end: those told as over
    within two months of it."""
    due = [
        one
        for one in planted
        if one.ends_on
        and Period.of(one.ends_on).shift(IN_TIME).last_day <= case.period.last_day
        and any(points_to(alarm, one) for alarm in alarms)
    ]
    told = [
        any(
            points_to(alarm, one)
            and one.ends_on is not None
            and one.ends_on <= alarm.raised_on <= Period.of(one.ends_on).shift(IN_TIME).last_day
            for alarm in over
        )
        for one in due
    ]
    return [Tally("systemic denials", ENDED, sum(told), len(due))] if due else []


def _kept_names(renamed: Sequence[bool]) -> list[Tally]:
    return [Tally("systemic denials", NAMED, len(renamed) - sum(renamed), len(renamed))] if renamed else []


def _scope(row: pd.Series) -> dict[str, Any]:
    named = {name: row[name] for name in ("payer", "category", "provider", "location") if row[name]}
    return named | ({"procedures": tuple(row["codes"])} if row["codes"] else {})


def creep(case: Case) -> list[Tally]:
    """`models.detection.process_shifts.charge_lag_creep`: one alarm a cause."""
    claims = lag_rows(case.known)
    said = []
    for month in case.period.months():
        found = creeps(claims, as_of=month.last_day)
        scopes = [{name: row[name] for name in ("provider", "location") if row[name]} for _, row in found.iterrows()]
        said.append((month.last_day, [(scope, 0) for scope in scopes]))
    alarms = alarms_of(case.client, said)
    name = "charge-lag creep"
    return sought(
        name,
        case.problems("charge_lag_creep"),
        alarms,
        case.watch,
        within_months=IN_TIME,
        recall=RECALL_IN_TIME,
        dollars=False,
    )


def silence(case: Case) -> list[Tally]:
    """`models.detection.process_shifts.submission_outages`: one alarm a run of silent days, told by its first day.

    The silence can be seen while it lasts, before the first late claim leaves: it counts from its first day.
    """
    rows = submission_rows(case.known)
    first_raised: dict[tuple[dt.date, str], dt.date] = {}
    for month in case.period.months():
        for row in outages(*rows, as_of=month.last_day).itertuples():
            first_raised.setdefault((row.onset_on.date(), getattr(row, "payer", "")), month.last_day)
    alarms = [
        Alarm(case.client, raised, {"payer": payer} if payer else {}) for (_, payer), raised in first_raised.items()
    ]
    kind = "clearinghouse_outage"
    planted = [
        replace(one, starts_on=row["start"])
        for one, row in zip(case.problems(kind), case.plant_rows(kind).iter_rows(named=True), strict=True)
    ]
    return sought("clearinghouse outage", planted, alarms, case.watch, dollars=False)


def renamed(case: Case) -> list[Tally]:
    """`models.detection.renamed_payers` at the end: the successions of payers with enough claims of half a year."""
    name, found = "renamed payers", renamed_payers(case.known, as_of=case.period.last_day)
    rows = case.plant_rows("payer_succeeded").filter(pl.col("claims_count") >= FEWEST_MOVED)
    known = [row["payer"] for row in rows.iter_rows(named=True)]
    told = list(found["new_payer"])
    tallies = [Tally(name, RECALL, sum(one in told for one in known), len(known))] if known else []
    every = set(case.plant_rows("payer_succeeded")["payer"])
    return tallies + ([Tally(name, PRECISION, sum(one in every for one in told), len(told))] if told else [])


SCORERS = (systemic, standing, creep, silence, renamed)
