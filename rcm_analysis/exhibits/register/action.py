"""One action of the register, and the rule that gives every claim's dollars to one action only."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ...blocks.plain import sheet_title
from ...ledger.ratios import adding_up, quotient
from ..blocks import Finding, finding
from ..subject import Subject

FOLLOW_UP_DAYS, PROCESS_DAYS = 14, 30
"""Days to the day promised: for work on claims, and for a change of how work is done."""

CONTRACT = "what the contracts would have allowed, over the usual"
CHARGES = "open balances, as billed"
EXPECTED = "cash expected if the claims are worked"
LEFT_OPEN = "what the first insurer left to the second"
SHORT = "allowed less than the contract"
RECODED = "allowed less than for the codes and units billed"
INTEREST = "interest owed by law and not paid"
TAKEN_BACK = "what was taken back, not paid again"
DENIED = "charges denied"
DELAYED = "charges delayed, not lost"
NOT_CHARGED = "usual charges of visits, never billed"
HELD = "money of others that we hold"
WRITTEN_OFF = "what was written off"
MOST_HIGH = 3
CLAIMS = "claims"
"""The service that an action belongs to where nothing else is said; each service's review shows its own actions."""

CAUSES = ("denials", "underpaid")
"""Kinds of a proven cause."""

BILLERS, POSTERS, CODERS = "our billers", "our payment posters", "our coders"
OURS = (CODERS, BILLERS)
RANK = {"high": 0, "medium": 1, "low": 2}
OPEN, DONE, DROPPED = "open", "done", "dropped"


@dataclass(frozen=True)
class Action:
    """One thing to do, under one name from month to month.

    `why` is one sentence for a page of the client, without its full stop; `detail` says it at length. `basis` says
    what the dollars are; `claims` holds those of each claim. `sheet` names the table with its claims. `is_asked` of
    the practice. `since` is the close before where it stood in the register already, and `was_due` the day promised
    then. `status`, `outcome` and `remark` are what people reported in the worklist file.
    """

    title: str
    why: str
    owner: str
    due: dt.date
    detail: str = ""
    severity: str = "medium"
    basis: str = CHARGES
    sheet: str = ""
    is_asked: bool = False
    kind: str = ""
    key: str = ""
    amount_cents: int | None = None
    claims: Mapping[str, int] = field(default_factory=dict, repr=False)
    since: dt.date | None = None
    was_due: dt.date | None = None
    status: str = OPEN
    outcome: str = ""
    remark: str = ""
    reported_on: dt.date | None = None
    service: str = CLAIMS

    @property
    def action_id(self) -> str:
        """The name that it keeps from month to month: its kind, and the payer, place or code that it is about.

        >>> Action("t", "w", "o", dt.date(2026, 11, 14), kind="denials", key="documentation, Site 03").action_id
        'denials:documentation-site-03'
        """
        slug = re.sub(r"\W+", "-", self.key.casefold()).strip("-")
        return f"{self.kind}:{slug}" if slug else self.kind

    @property
    def text(self) -> str:
        """What to do and why, as sentences."""
        return f"{self.title}. {self.why}."

    def as_finding(self, *, leads: bool = True) -> Finding:
        """The action as a card; it `leads` to the sheet with its claims where the workbook holds it."""
        name, number, rest = self.sheet.partition(", no. ")
        leads_to = f" Sheet: {sheet_title(name)}{number}{rest}." if leads and self.sheet else ""
        return finding(
            self.title,
            f"{self.detail or f'{self.why}.'}{leads_to}",
            amount_cents=self.amount_cents,
            owner=self.owner,
            due=self.due,
            severity=self.severity,
        )


@dataclass(frozen=True)
class Found:
    """What one look found: the claims with their dollars (claim_id, cents, and what the words need), and the words.

    `tell` is given the claims that no action before it holds. Without `rows` no claim stands behind it, and `cents`,
    where there are any, are nobody else's.
    """

    kind: str
    tell: Callable[[pd.DataFrame], Action]
    rows: pd.DataFrame | None = None
    key: str = ""
    cents: int | None = None


OF_SERVICES: dict[str, Callable[[Any], list[Found]]] = {}
"""What each service beside claims finds, told from the facts of its review."""


def finds(service: str) -> Callable[[Callable[[Any], list[Found]]], Callable[[Any], list[Found]]]:
    """Marks the function that gives what a service finds."""

    def marked(look: Callable[[Any], list[Found]]) -> Callable[[Any], list[Found]]:
        OF_SERVICES[service] = look
        return look

    return marked


def settle(found: Iterable[Found]) -> list[Action]:
    """The actions of what was found, in its order: a claim belongs to the first that names it, with all its dollars.

    Counts
        An action whose claims all belong to others before it is none. Of two under one name the second is numbered.

    >>> def tell(rows):
    ...     return Action(f"Work {len(rows)} claims", "why", "us", dt.date(2026, 11, 14))
    >>> first = Found("a", tell, pd.DataFrame({"claim_id": ["1", "2"], "cents": [10, 20]}))
    >>> second = Found("b", tell, pd.DataFrame({"claim_id": ["2", "3"], "cents": [20, 5]}))
    >>> [(one.title, one.amount_cents) for one in settle([first, second])]
    [('Work 2 claims', 30), ('Work 1 claims', 5)]
    """
    taken: set[str] = set()
    out: list[Action] = []
    for one in found:
        if one.rows is None:
            out.append(replace(one.tell(pd.DataFrame()), kind=one.kind, key=one.key, amount_cents=one.cents))
            continue
        is_left = [claim not in taken for claim in one.rows["claim_id"].tolist()]
        left = one.rows[np.array(is_left, dtype=bool)].reset_index(drop=True)
        cents = int(left["cents"].sum())
        if cents <= 0:
            continue
        claims = {str(claim): int(each) for claim, each in left.groupby("claim_id")["cents"].sum().items()}
        taken |= claims.keys()
        out.append(replace(one.tell(left), kind=one.kind, key=one.key, amount_cents=cents, claims=claims))
    return _named_apart(out)


def _named_apart(actions: Sequence[Action]) -> list[Action]:
    """The actions, a second one of a name numbered."""
    seen: Counter[str] = Counter()
    out = []
    for one in actions:
        seen[one.action_id] += 1
        number = seen[one.action_id]
        out.append(one if number == 1 else replace(one, key=f"{one.key} {number}"))
    return out


def graded(actions: Sequence[Action]) -> list[Action]:
    """A proven cause before all others, then the gravest and largest first; at most three are high, those settled
    first."""
    high = [one.action_id for one in actions if one.severity == "high"][:MOST_HIGH]
    kept = [
        one if one.severity != "high" or one.action_id in high else replace(one, severity="medium") for one in actions
    ]
    order = [(one.kind not in CAUSES, RANK[one.severity], -(one.amount_cents or 0), one.action_id) for one in kept]
    return [one for _, one in sorted(zip(order, kept, strict=True), key=lambda pair: pair[0])]


def due(subject: Subject, days: int) -> dt.date:
    """A promise made at the end of the month, `days` days ahead."""
    return subject.as_of + dt.timedelta(days=days)


def earlier(subject: Subject, days: int, deadline: Any = None) -> dt.date:
    """The day promised: so many days ahead, or the deadline where that is earlier, but never before the next working
    day."""
    promised = due(subject, days)
    return (
        promised if pd.isna(deadline) else min(promised, max(pd.Timestamp(deadline).date(), workday(subject.as_of, 0)))
    )


def workday(day: dt.date, number: int) -> dt.date:
    """The working day `number` days after the first one that follows `day`.

    >>> workday(dt.date(2026, 10, 16), 0), workday(dt.date(2026, 10, 16), 4)
    (datetime.date(2026, 10, 19), datetime.date(2026, 10, 23))
    """
    days = pd.bdate_range(day + dt.timedelta(days=1), periods=number + 1)
    return days[-1].date()


def ours(subject: Subject) -> str:
    """Who answers for our side."""
    return subject.client.assigned_to or "client manager"


def severity_of(cents: int, subject: Subject) -> str:
    """High from one percent of the client's annual collections, low below a tenth of that."""
    yearly = subject.client.revenue_cents
    if yearly <= 0:
        return "medium"
    return "high" if cents * 100 >= yearly else "low" if cents * 1000 < yearly else "medium"


def added(rows: pd.DataFrame) -> int:
    """The dollars of the claims."""
    return int(rows["cents"].sum())


def spread(weights: pd.Series, cents: int) -> pd.Series:
    """Dollars known of all claims together, given to each by its weight; they add up to the cent.

    >>> spread(pd.Series([1, 1, 2]), 101).tolist()
    [25, 25, 51]
    """
    parts = cents * quotient(weights, pd.Series([weights.sum()] * len(weights), index=weights.index))
    one = pd.Series(0, index=weights.index)
    return adding_up(parts, one, one + cents)
