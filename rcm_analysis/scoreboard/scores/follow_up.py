"""Follow-up: steps that stopped being done, found month by month from what was known then.

A finding is stated again every month while it lasts; that is one alarm, raised on the day of its first
statement, with the dollars of its last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from ...models.detection.stalled_steps import holds_risen, secondaries_stopped
from ..case import Case
from ..record import Tally
from ..scoring import Alarm, alarms_of, sought

TABLES = ("claims", "submissions", "remit_claims", "remit_adjustments", "work_log")


def unaddressed_secondaries(case: Case) -> list[Tally]:
    """`stalled_steps.secondaries_stopped`: claims are no longer sent to the secondary payer."""
    alarms = _alarms(case, secondaries_stopped)
    return sought("unaddressed secondary claims", case.problems("secondary_not_billed"), alarms, case.watch)


def document_holds(case: Case) -> list[Tally]:
    """`stalled_steps.holds_risen`: many more new claims than usual wait for documents of the client."""
    alarms = _alarms(case, holds_risen)
    return sought("holds for client documents", case.problems("document_holds"), alarms, case.watch)


def _alarms(case: Case, found_in: Callable[..., pd.DataFrame]) -> list[Alarm]:
    """One alarm for each run of months in which something was found."""
    said: list[tuple[Any, list]] = []
    for month in case.period.months():
        known: Mapping[str, Any] = case.known_on(month.last_day)
        found = found_in({name: known[name] for name in TABLES}, as_of=month.last_day)
        said.append((month.last_day, [({}, round(found["excess_cents"].sum()))] if len(found) else []))
    return alarms_of(case.client, said, within=1)


SCORERS = (unaddressed_secondaries, document_holds)
