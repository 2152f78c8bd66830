"""The list split into queues: who works what on which day, within the minutes each person has."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ParameterError, closest, listed
from ...tables.schema import WORK_ACTIONS

MOST_DAYS = 60
"""Queues are filled so many days ahead; what would come later is left without a name, for the next list."""


@dataclass(frozen=True)
class Person:
    """Somebody who works the list: minutes a day, and what they work when not everything.

    An item is for a person whose `payers` hold its payer (empty: all) and whose `actions` hold its action (empty: all).
    """

    name: str
    minutes: float
    payers: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip() or not 0 < self.minutes <= 24 * 60:
            raise ParameterError("A person of the worklist has a name and minutes a day above 0 and at most 1,440.")
        unknown = [name for name in self.actions if name not in WORK_ACTIONS]
        if unknown:
            raise ParameterError(f"{listed(unknown)} is no action of the worklist." + closest(unknown[0], WORK_ACTIONS))


def read_people(text: str) -> list[Person]:
    """The people of "Ann:240,Bob:360": a name and the minutes of a day each.

    >>> [(person.name, person.minutes) for person in read_people("Ann:240, Bob:360")]
    [('Ann', 240.0), ('Bob', 360.0)]

    Raises
        ParameterError for anything else, and for a name given twice.
    """
    people = []
    for part in filter(str.strip, text.split(",")):
        match = re.fullmatch(r"\s*([^:]+?)\s*:\s*(\d{1,4}(?:\.\d+)?)\s*", part)
        if match is None:
            raise ParameterError('People are written NAME:MINUTES and separated by commas, such as "Ann:240,Bob:360".')
        people.append(Person(match[1], float(match[2])))
    return people_of(people)


def people_of(people: Sequence[Person] | Mapping[str, float] | None) -> list[Person]:
    """The people as a list, each name once."""
    if people is None:
        return []
    found = [Person(name, minutes) for name, minutes in people.items()] if isinstance(people, Mapping) else list(people)
    names = [person.name for person in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"Each person is named once; {listed(twice)} is there twice.")
    return found


def queued(items: pd.DataFrame, people: Sequence[Person], *, tiers: Collection[str]) -> pd.DataFrame:
    """The items, in order, with `assigned_to` and `queue_day`.

    Formula
        item by item in the order given; it goes to the earliest day on which somebody who works such items has
        the minutes left; of those, to whom the fewest recoverable dollars a minute of capacity were given so
        far, then by place in `people`. An item longer than anybody's day gets a day of its own.
    Counts
        Only the tiers named; at most `MOST_DAYS` days. The others have no name and no day.
    Unit
        queue_day: whole days, 0 is the first
    """
    out = items.assign(assigned_to="", queue_day=pd.array([pd.NA] * len(items), dtype="Int64"))
    if not people:
        return out
    left = np.repeat([[person.minutes] for person in people], MOST_DAYS, axis=1).astype(float)
    given = np.zeros(len(people))
    names, days = [""] * len(items), [pd.NA] * len(items)
    listed_ones = np.flatnonzero(items["tier"].isin(list(tiers)))
    asked = items.iloc[listed_ones][["payer", "action", "minutes", "recoverable_cents"]]
    for number, item in zip(listed_ones, asked.itertuples(index=False), strict=True):
        able = [place for place, person in enumerate(people) if _fits(person, item)]
        choice = _first_place(able, left, given, item.minutes, people)
        if choice is None:
            continue
        place, day = choice
        left[place, day] -= item.minutes
        given[place] += item.recoverable_cents / people[place].minutes
        names[number], days[number] = people[place].name, day
    return out.assign(assigned_to=names, queue_day=pd.array(days, dtype="Int64"))


def _fits(person: Person, item: Any) -> bool:
    return (not person.payers or item.payer in person.payers) and (not person.actions or item.action in person.actions)


def _first_place(
    able: list[int], left: np.ndarray, given: np.ndarray, minutes: float, people: Sequence[Person]
) -> tuple[int, int] | None:
    found = []
    for place in able:
        room = np.flatnonzero(left[place] >= min(minutes, people[place].minutes) - 1e-9)
        if len(room):
            found.append((int(room[0]), float(given[place]), place))
    if not found:
        return None
    day, _, place = min(found)
    return place, day
