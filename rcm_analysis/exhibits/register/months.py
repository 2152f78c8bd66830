"""The register of a client at the close of a month: settled, graded, carried over, and as people changed it.

Nothing is written when a report is made. The register of a close is worked out from what was known on that day, and
so is that of the close before it; people's changes are rows of `action_changes`, known from their day on. So a report
made again years later, or before another one, says the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, NamedTuple

import pandas as pd

from ...measures.receivable.account_movements import account_postings, moved_since
from ...models.worklist.brought import prevention_brought, work_brought
from ...periods import Period
from ...tables.derived import code
from ...tables.frames import keeps_answers
from ..formats import as_text, counted
from ..incomplete import ANSWERED, BILLED, PAID, SENT, advises
from ..subject import Subject
from . import causes, claims, habits
from .action import CAUSES, DONE, DROPPED, OF_SERVICES, OPEN, Action, Found, graded, settle
from .facts import MonthFacts

Look = Callable[[MonthFacts], list[Found]]
REVIEWS = {
    "self_pay": "self_pay_review",
    "patient_engagement": "patient_engagement_review",
    "care_coordination": "care_coordination_review",
}
"""Each service beside claims, and the review whose `findings` are its looks."""


def of_services(facts: MonthFacts) -> list[Found]:
    """What the services find that the client has bought, or whose review is being made."""
    subject, out = facts.subject, []
    for service, review in REVIEWS.items():
        name = f"{service} facts"
        if service in subject.client.services or name in subject.memory:
            told_from = import_module(f"..{review}.findings", __package__).Facts
            out += OF_SERVICES[service](subject.memory.get(name) or subject.memory.setdefault(name, told_from(subject)))
    return out


LOOKS: tuple[tuple[Look, tuple[str, ...]], ...] = (
    (causes.denials, ()),
    (causes.underpayments, ()),
    (causes.recodes, ()),
    (of_services, ()),
    (claims.secondaries, SENT),
    (claims.limits, SENT),
    (claims.write_offs, ANSWERED),
    (claims.unsent, SENT),
    (claims.questions, ANSWERED),
    (claims.crossovers, SENT),
    (causes.takebacks, ()),
    (habits.disguised, PAID),
    (habits.old_credits, (*BILLED, *PAID)),
    (habits.unapplied, ("claimless",)),
    (habits.sweeps, ()),
    (habits.unbilled_visits, (*BILLED,)),
    (claims.escalated, ()),
    (causes.late_entry, ()),
    (causes.silent_days, ()),
    (causes.interest, (*SENT,)),
    (claims.untouched, ANSWERED),
    (claims.aged, ANSWERED),
    (habits.preventable_denials, ()),
    (habits.right_first_time, ()),
    (habits.late_charges, ()),
    (causes.standing, ()),
    (causes.ended, ()),
    (causes.mixes, ()),
    (causes.prices, ()),
)
"""What is looked for, in the order in which claims are given away: a cause before a step, a step before a habit.

With each stand the relations between records without which it would advise on dollars that are not there."""

AGAIN_DAYS = 31
"""What was reported as done and is still found so many days later is open again."""


def facts_of(subject: Subject, facts: MonthFacts | None = None) -> MonthFacts:
    """The facts of a client's month, the same for all of a report; `facts` are those that a report has made."""
    kept: MonthFacts = subject.memory.setdefault("facts", facts or MonthFacts(subject))
    return kept


def register(subject: Subject, service: str = "") -> list[Action]:
    """The actions that stand on a day, the gravest and largest first; with `service` those of that service.

    Counts
        What was found at the close of the month (within a month: at the close before it), every claim in one action;
        without what people reported as done or dropped by the day.
    """
    return [one for one in whole_register(subject) if one.status == OPEN and service in ("", one.service)]


def actions_of(facts: Any, service: str) -> list[Action]:
    """The actions of a service that stand on a day, for its review, told from the review's own facts.

    They are those of `register`: what is looked for after the services changes none of them, so it is left out.
    """
    subject = facts.subject
    subject.memory.setdefault(f"{service} facts", facts)
    found = _changed(found_at(closed_month(subject), last=of_services), subject)
    return [one for one in found if one.status == OPEN and one.service == service]


def whole_register(subject: Subject) -> list[Action]:
    """The register with what was reported as done or dropped, too."""
    kept: list[Action] | None = subject.memory.get("register")
    if kept is None:
        close = closed_month(subject)
        earlier = close_before(close)
        before = {one.action_id: one for one in stood_at(earlier)}
        actions = [
            replace(one, since=earlier.as_of, was_due=before[one.action_id].due) if one.action_id in before else one
            for one in found_at(close)
        ]
        kept = subject.memory["register"] = _changed(actions, subject)
    return kept


def close_before(close: Subject) -> Subject:
    """The client at the close of the month before this close."""
    kept: Subject = close.memory.setdefault("close before", close.at_close(close.period.shift(-1)))
    return kept


def stood_at(close: Subject) -> list[Action]:
    """What stood open at the close of a month, as people had changed it by then."""
    return [one for one in _changed(found_at(close), close) if one.status == OPEN]


def closed_month(subject: Subject) -> Subject:
    """The client at the last close of a month: the day itself, or the end of the month before."""
    return subject if subject.as_of == subject.period.last_day else close_before(subject)


def found_at(close: Subject, last: Look | None = None) -> list[Action]:
    """What stands at the close of a month, settled and graded, up to the `last` look where one is named; before the
    first posting nothing but what services find."""
    name = f"found to {last.__name__}" if last else "found"
    kept: list[Action] | None = close.memory.get(name)
    if kept is None:
        kept = close.memory[name] = list(_stored(close, name, lambda: _stand(close, last)).actions)
    return kept


def _stored(subject: Subject, name: str, work: Callable[[], Any]) -> Any:
    """What `work` gives, kept beside the store of tables that keep answers."""
    if not keeps_answers(subject.tables):
        return work()
    question = f"{name} {_told_from(subject)}"
    return subject.tables.once(question, work, question)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Stand:
    """What stands at a close, as it is kept beside the store."""

    actions: tuple[Action, ...]


def _stand(close: Subject, last: Look | None) -> Stand:
    looks = LOOKS if not close.pandas("transactions").empty else ((of_services, ()),)
    looks = looks[: 1 + [look for look, _ in looks].index(last)] if last else looks
    found = [one for look, rests_on in looks if advises(close, rests_on) for one in look(facts_of(close))]
    return Stand(tuple(graded(settle(found))))


def _told_from(close: Subject) -> str:
    """A hash of what the register is told from beside the tables as known at the close.

    Services that the client has are looked at whether or not their facts are made yet: only others change the key.
    """
    bought = close.client.services
    services = [service for service in REVIEWS if service not in bought and f"{service} facts" in close.memory]
    there = sorted(name for name, rows in close.rows.items() if rows)
    registry = close.registry.fingerprint if close.registry else ""
    said = repr((code(("exhibits",)), registry, close.client, close.period, services, there)).encode()
    plan = close.plan.read_bytes() if close.plan else b""
    frames = [one.to_json(orient="split", date_format="iso").encode() for one in (close.payers, close.quarantine)]
    return hashlib.sha256(b"\0".join([said, plan, *frames])).hexdigest()


def _changed(actions: Sequence[Action], subject: Subject) -> list[Action]:
    """The actions as people changed them by the day, the latest change of each cell in force."""
    if "action_changes" not in subject.tables:
        return list(actions)
    changes = subject.pandas("action_changes")
    changes = changes[changes["changed_on"] <= pd.Timestamp(subject.as_of)]
    by_action = dict(list(changes.sort_values(["changed_on", "change_id"]).groupby("action_id")))
    return [_with_changes(one, by_action.get(one.action_id), subject.as_of) for one in actions]


def _with_changes(action: Action, changes: pd.DataFrame | None, day: dt.date) -> Action:
    if changes is None:
        return action
    last = {name: rows.iloc[-1] for name in changes if len(rows := changes[name].dropna())}
    status, reported = str(last.get("status", OPEN)), changes["changed_on"].iloc[-1].date()
    if status == DONE:
        told = changes.loc[changes["status"] == DONE, "changed_on"].iloc[-1].date()
        status = OPEN if day - told > dt.timedelta(days=AGAIN_DAYS) else DONE
    promised = last["due_on"].date() if "due_on" in last else action.due
    return replace(
        action,
        owner=str(last.get("owner", action.owner)),
        due=promised,
        status=status,
        outcome=str(last.get("outcome", "")),
        remark=str(last.get("remark", "")),
        reported_on=reported,
    )


class CameOf(NamedTuple):
    """What became of an action of the close before: where it stands now, and what happened to its claims since.

    opening_cents + charged_cents - collected_cents - adjusted_cents - written_off_cents + credit_cents = open_cents;
    all of them empty where no claim stands behind the action. `brought` is the estimate of `models.worklist.brought`.
    """

    action: Action
    now: Action | None
    moves: dict[str, int]
    brought: Mapping[str, Any]
    day: dt.date

    @property
    def state(self) -> str:
        """done, dropped, gone (no longer found), overdue or open."""
        if self.now is None:
            return "gone"
        if self.now.status in (DONE, DROPPED):
            return self.now.status
        return "overdue" if self.action.due < self.day else "open"

    @property
    def verdict(self) -> str:
        """What the work on its claims brought, or fewer denials of its cause, as far as can be told; without an end."""
        worked = int(self.brought.get("worked") or 0)
        if not worked:
            return ""
        what = f"work on {counted(worked, 'claim')}"
        if self.action.kind == CAUSES[0]:
            what = "fewer such denials since it was first asked, beside the others"
        cents = self.brought.get("brought_cents")
        if cents is None or pd.isna(cents):
            return f"{what}: too few to say what that brought"
        low, high = (as_text(int(self.brought[name]), "usd") for name in ("low_cents", "high_cents"))
        if self.brought["high_cents"] < 0:
            return f"{what}: others like them brought more by themselves, so that nothing is shown ({low} to {high})"
        if self.brought["low_cents"] <= 0:
            return f"{what}: no gain that stands out from chance ({low} to {high})"
        return f"{what} brought about {as_text(int(cents), 'usd')} ({low} to {high}, nine times out of ten)"


def came_of(subject: Subject) -> list[CameOf]:
    """The actions of the close before, as they were printed then, with what came of each by the day."""
    kept: list[CameOf] | None = subject.memory.get("came of")
    if kept is None:
        earlier = close_before(closed_month(subject))
        before = stood_at(earlier)
        now = {one.action_id: one for one in whole_register(subject)}
        name = f"since {[one.action_id for one in before]} {_told_from(earlier)}"
        since = _stored(subject, name, lambda: _since(before, subject, earlier))
        kept = subject.memory["came of"] = [
            CameOf(one, now.get(one.action_id), moves, brought, subject.as_of)
            for one, moves, brought in zip(before, since.moves, since.brought, strict=True)
        ]
    return kept


@dataclass(frozen=True)
class Since:
    """What happened to the claims of each action of the close before, and what work on them brought."""

    moves: tuple[dict[str, int], ...]
    brought: tuple[dict[str, Any], ...]


def _since(before: Sequence[Action], subject: Subject, earlier: Subject) -> Since:
    moves, brought = _moves(before, subject, earlier.as_of), _brought(before, subject, earlier)
    places = range(len(before))
    told = ({key: None if pd.isna(each) else each for key, each in brought.get(n, {}).items()} for n in places)
    return Since(tuple(moves.get(n, {}) for n in places), tuple(told))


def _moves(actions: Sequence[Action], subject: Subject, listed: dt.date) -> dict[int, dict[str, int]]:
    """What happened to the claims of each action that has some, by its place: every claim stands in one action."""
    places = {claim: number for number, one in enumerate(actions) for claim in one.claims}
    accounts = pd.DataFrame({"client": subject.client.client, "claim_id": sorted(places)}, dtype="str")
    postings = account_postings(subject.tables, accounts["claim_id"], as_of=subject.as_of)
    moved = moved_since(postings, accounts.assign(listed_on=pd.Timestamp(listed)), as_of=subject.as_of)
    cents = moved[[name for name in moved if name.endswith("_cents")]].groupby(moved["claim_id"].map(places)).sum()
    return {int(number): {str(name): int(each) for name, each in row.items()} for number, row in cents.iterrows()}


def _brought(actions: Sequence[Action], subject: Subject, earlier: Subject) -> dict[int, Mapping[str, Any]]:
    """What the work on each action's claims brought, or of a cause of denials what fewer of them did, by its place."""
    claims = {str(number): list(one.claims) for number, one in enumerate(actions) if one.claims}
    if not claims:
        return {}
    found = work_brought(subject.tables, facts_of(earlier).worklist, claims, listed=earlier.as_of, as_of=subject.as_of)
    out: dict[int, Mapping[str, Any]] = {int(row["action"]): row for row in found.to_dict("records")}
    causes_then = {", ".join(causes.scope(row)): row for row in facts_of(earlier).systemic.to_dict("records")}
    for number, one in enumerate(actions):
        if one.kind == CAUSES[0] and one.key in causes_then:
            row = causes_then[one.key]
            told = Period.month(str(pd.Period(row["first_told"], "M"))).last_day
            out[number] = prevention_brought(subject.tables, row, told=told, as_of=subject.as_of)
    return out
