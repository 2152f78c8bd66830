"""The rules of the score: when an alarm points to a planted problem, and what that adds to the figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..periods import Period
from .record import DOLLAR_ERROR, FALSE_ALARMS, NOT_JUDGED, PRECISION, RECALL, Tally


@dataclass(frozen=True)
class PlantedProblem:
    """One problem that the simulation planted: where, from when to when, and how many cents.

    `scope` holds what it is confined to, such as {"payer": "summit", "carc": ("197",)}; a value may
    be one text or several. `ends_on` is empty for a problem that goes on.
    """

    client: str
    starts_on: dt.date
    ends_on: dt.date | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)
    cents: int = 0


@dataclass(frozen=True)
class Alarm:
    """One answer of an analysis: where, on which day it was (or would have been) raised, how many cents."""

    client: str
    raised_on: dt.date
    scope: Mapping[str, Any] = field(default_factory=dict)
    cents: int = 0


@dataclass(frozen=True)
class Watch:
    """What was watched: one client from `first_day` to `last_day`; quiet when no problem was planted."""

    client: str
    first_day: dt.date
    last_day: dt.date
    is_quiet: bool

    @property
    def years(self) -> float:
        return ((self.last_day - self.first_day).days + 1) / 365.25


Statement = tuple[dt.date, Sequence[tuple[Mapping[str, Any], int]]]
"""What an analysis said on one day: the scope and the cents of every finding."""


def alarms_of(client: str, said: Iterable[Statement], *, same: tuple[str, ...] = (), within: int = 2) -> list[Alarm]:
    """One alarm a finding, however often it is raised: on its first day, with the scope and the cents of its last
    statement.

    A finding continues an alarm when they share the values of `same`, nothing in their scopes disagrees, and the
    alarm was raised in one of the `within` statements before; of several alarms it continues the one that shares the
    most. A finding continues one alarm at most, and an alarm is continued by one finding of a day at most: whatever
    else is raised is an alarm of its own.

    >>> march, april, may, june = (dt.date(2026, month, 28) for month in (3, 4, 5, 6))
    >>> said = [
    ...     (march, [({"payer": "p"}, 5)]),
    ...     (april, [({"payer": "p"}, 7)]),
    ...     (may, []),
    ...     (june, [({"payer": "p"}, 9)]),
    ... ]
    >>> [(alarm.raised_on.month, alarm.cents) for alarm in alarms_of("a", said, within=1)]
    [(3, 7), (6, 9)]
    """
    alarms: list[Alarm] = []
    latest: list[int] = []
    for turn, (day, raised) in enumerate(said):
        taken: set[int] = set()
        for scope, cents in raised:
            fits = [
                number
                for number, alarm in enumerate(alarms)
                if number not in taken and turn - latest[number] <= within and _agree(alarm.scope, scope, same)
            ]
            if fits:
                best = max(fits, key=lambda number: len(set(alarms[number].scope.items()) & set(scope.items())))
                alarms[best] = replace(alarms[best], scope=scope, cents=cents)
            else:
                best = len(alarms)
                alarms.append(Alarm(client, day, scope, cents))
                latest.append(turn)
            latest[best] = turn
            taken.add(best)
    return alarms


def _agree(one: Mapping[str, Any], other: Mapping[str, Any], same: tuple[str, ...]) -> bool:
    if any(one.get(name) != other.get(name) for name in same):
        return False
    return all(_values(one[name]) & _values(other[name]) for name in set(one) & set(other))


def points_to(alarm: Alarm, planted: PlantedProblem) -> bool:
    """True when the alarm names the planted problem.

    The same client, a day not before the onset, and no contradiction in scope: what both name must
    agree (several values agree when one is shared), and a confined problem needs one thing named.
    An alarm may come after the problem has ended: it is late, not false.

    >>> onset, later = dt.date(2026, 3, 1), dt.date(2026, 4, 30)
    >>> points_to(Alarm("a", later, {"payer": "p"}), PlantedProblem("a", onset, scope={"payer": "p", "carc": ("197",)}))
    True
    >>> points_to(Alarm("a", later, {"payer": "q"}), PlantedProblem("a", onset, scope={"payer": "p"}))
    False
    """
    if alarm.client != planted.client or alarm.raised_on < planted.starts_on:
        return False
    shared = set(alarm.scope) & set(planted.scope)
    if planted.scope and not shared:
        return False
    return all(_values(alarm.scope[name]) & _values(planted.scope[name]) for name in shared)


def _values(value: Any) -> set[Any]:
    return set(value) if isinstance(value, Collection) and not isinstance(value, str) else {value}


def in_time(alarm: Alarm, planted: PlantedProblem, months: int) -> bool:
    """Raised by the end of the `months`-th month after the month of the onset.

    >>> in_time(Alarm("a", dt.date(2026, 5, 31)), PlantedProblem("a", dt.date(2026, 3, 9)), 2)
    True
    """
    return alarm.raised_on < Period.of(planted.starts_on).shift(months + 1).first_day


def sought(
    analysis: str,
    planted: Sequence[PlantedProblem],
    alarms: Sequence[Alarm],
    watch: Watch,
    *,
    within_months: int | None = None,
    recall: str = RECALL,
    dollars: bool = True,
    judged_from: dt.date | None = None,
) -> list[Tally]:
    """The tallies of an analysis that looks for something, for one client. `judged_from` is the first day of which it
    does not say itself that too little is known yet: a problem that had to be found before is counted apart, unless it
    was found.

    recall           planted problems to which an alarm points (in time, with `within_months`), of those
                     planted; one whose time was not over when the data end counts only when found
    precision        alarms that point to something planted, of all alarms
    false alarms     all alarms of a quiet client, by the years watched
    dollar error     for each planted problem, the cents of its alarms less its own, without sign
    """
    tallies = []
    found = [_is_found(one, alarms, within_months) for one in planted]
    due = [one for one, is_found in zip(planted, found, strict=True) if is_found or _is_over(one, watch, within_months)]
    if judged_from is not None:
        early = [one for one in due if _last_day(one, within_months) < judged_from]
        early = [one for one in early if not _is_found(one, alarms, within_months)]
        due = [one for one in due if one not in early]
        found = [True for one in due if _is_found(one, alarms, within_months)]
        tallies.append(Tally(analysis, NOT_JUDGED, len(early)))
    if due:
        tallies.append(Tally(analysis, recall, sum(found), len(due)))
    if alarms:
        true = sum(any(points_to(alarm, one) for one in planted) for alarm in alarms)
        tallies.append(Tally(analysis, PRECISION, true, len(alarms)))
    if watch.is_quiet:
        tallies.append(Tally(analysis, FALSE_ALARMS, len(alarms), watch.years))
    if dollars and due:
        tallies.append(Tally(analysis, DOLLAR_ERROR, *_dollar_error(due, alarms)))
    return tallies


def _is_found(planted: PlantedProblem, alarms: Sequence[Alarm], within_months: int | None) -> bool:
    return any(
        points_to(alarm, planted) and (within_months is None or in_time(alarm, planted, within_months))
        for alarm in alarms
    )


def _is_over(planted: PlantedProblem, watch: Watch, within_months: int | None) -> bool:
    return _last_day(planted, within_months) <= watch.last_day


def _last_day(planted: PlantedProblem, within_months: int | None) -> dt.date:
    """The day by which it has to be found."""
    if within_months is None:
        return planted.starts_on
    return Period.of(planted.starts_on).shift(within_months).last_day


def _dollar_error(planted: Sequence[PlantedProblem], alarms: Sequence[Alarm]) -> tuple[int, int]:
    """Cents wrong and cents planted; each alarm counts for the problem it names most closely."""
    named = dict.fromkeys(range(len(planted)), 0)
    for alarm in alarms:
        fits = [number for number, one in enumerate(planted) if points_to(alarm, one)]
        if fits:
            named[max(fits, key=lambda number: _closeness(alarm, planted[number]))] += alarm.cents
    wrong = sum(abs(named[number] - one.cents) for number, one in enumerate(planted))
    return wrong, sum(one.cents for one in planted)


def _closeness(alarm: Alarm, planted: PlantedProblem) -> tuple[int, dt.date]:
    return len(set(alarm.scope) & set(planted.scope)), planted.starts_on


def projected(
    analysis: str, pairs: Sequence[tuple[float, float]], *, error: str = "error", bias: str | None = "bias"
) -> list[Tally]:
    """Projections beside what came: the errors without sign, and with it, over what came.

    >>> [(tally.figure, tally.numerator, tally.denominator) for tally in projected("x", [(110, 100), (90, 100)])]
    [('error', 20, 200), ('bias', 0, 200)]
    """
    came = sum(actual for _, actual in pairs)
    tallies = [Tally(analysis, error, sum(abs(said - actual) for said, actual in pairs), came)]
    if bias:
        tallies.append(Tally(analysis, bias, sum(said - actual for said, actual in pairs), came))
    return tallies
