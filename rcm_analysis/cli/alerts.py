"""`rcm alerts`: what has come up between reports, each thing said once."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError, StoreError
from ..periods import Period
from .checks import chosen_clients
from .terminal import FINDINGS, HERE, ClientsOption, WorkspaceOption, console, dollars, errors

if TYPE_CHECKING:
    import pandas as pd

    from ..exhibits.subject import Subject
    from ..tables.workspace import ClientView, Workspace

SOMETHING = 3
"""Exit code: there is something new to tell."""
FORGOTTEN_DAYS = 90
"""What has not stood for so many days is new when it comes back."""
X12_FEEDS = {"deposits": ("received_on", "remittances (835)"), "submissions": ("submitted_on", "claim files (837)")}
TO_DO = {
    "filing": "to file",
    "appeal": "to appeal or correct",
    "secondary_filing": "to send to the second insurer",
    "refund": "overpaid, to be returned",
    "dispute": "disputed, to be settled",
}


@dataclass(frozen=True)
class Standing:
    """One thing that stands on the day, and its name, by which it is known again."""

    name: str
    kind: str
    text: str = ""
    cents: int = 0
    until: dt.date | None = None


def alerts(
    workspace: WorkspaceOption = HERE,
    client: ClientsOption = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DAY", help="the day to stand on; by default today")] = "",
    days: Annotated[int, typer.Option("--days", min=1, metavar="N", help="how far ahead a deadline is told")] = 14,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="also write what is new as FILE.html and FILE.txt")
    ] = None,
    mail: Annotated[bool, typer.Option("--mail", help="mail what is new as [mail] in rcm.toml says")] = False,
) -> None:
    """Say what has come up since the last time.

    Days that come due (filing, appeal, second insurer, refund, dispute), new findings of the register and of intake,
    kinds of files that stopped coming, a fallen rating. What was told is kept beside the store once it is printed,
    written and mailed, and not told again. Exit code 0: nothing new; 3: something new; 1: a client could not be read,
    or the mail was not sent; 2: nothing was asked.
    """
    from ..press.night.mail import Letter, send, write_letter
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    if mail and not opened.mail:
        raise RcmError(f"--mail needs host, sender and to under [mail] in {opened.folder / 'rcm.toml'}.")
    try:
        day = dt.date.fromisoformat(as_of) if as_of else dt.date.today()
    except ValueError:
        raise ParameterError("--as-of is a day written YYYY-MM-DD, such as 2026-10-31.") from None
    told, failures, lines = {}, [], []
    for name in chosen_clients(opened, client):
        try:
            standing, before = list(all_standing(opened.client(name), day, days)), _told_before(opened, name)
        except RcmError as error:
            failures.append((name, str(error)))
            continue
        is_new = [one for one in standing if before.get(one.name, "") < _forgotten(day)]
        lines += [(name, text) for text in in_words(is_new)]
        told[name] = {**_kept(before, day), **dict.fromkeys((one.name for one in standing), day.isoformat())}
    for name, text in lines:
        console.print(escape(f"{name}: {text}"))
    for name, text in failures:
        errors.print(escape(f"{name}: {text}"))
    if not lines:
        console.print(f"Nothing new as of {day}.")
    subject = f"As of {day}: {len(lines) or 'nothing'} new, {len({name for name, _ in lines})} client(s)"
    made, base = tuple((name, text, ()) for name, text in lines), opened.mail.get("links", "")
    letter = Letter(subject, tuple(failures), made, base and f"{base.rstrip('/')}/", headings=("Not read", "New"))
    if to:
        write_letter(letter, to)
    try:
        if mail and (lines or failures):
            send(letter, opened.mail)
    except RcmError as error:
        errors.print(escape(str(error)))
        raise typer.Exit(FINDINGS) from None
    for name, names in told.items():
        opened.store.remember(name, json.dumps(names, indent=1, sort_keys=True))
    raise typer.Exit(FINDINGS if failures else SOMETHING if lines else 0)


def _forgotten(day: dt.date) -> str:
    return (day - dt.timedelta(days=FORGOTTEN_DAYS)).isoformat()


def _kept(before: Mapping[str, str], day: dt.date) -> dict[str, str]:
    return {name: last for name, last in before.items() if last >= _forgotten(day)}


def _told_before(workspace: Workspace, client: str) -> dict[str, str]:
    """Name of what was told -> the last day on which it stood."""
    from ..tables.store import TOLD

    data = workspace.store.remembered(client)
    try:
        found = json.loads(data) if data else {}
        if not all(isinstance(value, str) for value in found.values()):
            raise ValueError
    except (ValueError, AttributeError):
        raise StoreError(
            f"{client}{TOLD} in the store is damaged, so nobody knows what was told. Take the file away; all that "
            "stands is then told once more."
        ) from None
    return dict(found)


# ---------------------------------------------------------------- what stands
def all_standing(view: ClientView, day: dt.date, days: int) -> Iterator[Standing]:
    """All that is to be told of a client on a day, in the order in which it is told."""
    from ..notebook.opening import subject_of

    stored = view.stored
    if not any(stored.rows(table) for table in ("transactions", "deposits", "submissions")):
        yield from _intake(view)
        return
    subject = subject_of(view.workspace, view, Period.of(day), day)
    yield from _due(subject, days)
    yield from _found(subject)
    yield from _intake(view)
    yield from _feeds(view, subject)
    yield from _rating(view, day)
    subject.tables.save()  # type: ignore[attr-defined]


def _due(subject: Subject, days: int) -> Iterator[Standing]:
    """Days that come due within the days ahead, one by one."""
    for row in _due_rows(subject).itertuples():
        until = row.deadline_on.date()
        if 0 <= (until - subject.as_of).days <= days:
            name = _name(row.kind, row.claim_id, until.isoformat())
            yield Standing(name, row.kind, cents=int(row.open_cents), until=until)


def _due_rows(subject: Subject) -> pd.DataFrame:
    """Every clock that runs: kind, claim_id, deadline_on, open_cents."""
    import pandas as pd

    from ..exhibits.self_pay_review.credits import return_by
    from ..measures.receivable.time_limits import deadlines
    from ..measures.self_pay.credits_and_write_offs import OVERPAID, credits
    from ..measures.self_pay.policy import days_in_policy
    from ..measures.self_pay.requests import DISPUTE_DAYS

    tables, day = subject.tables, subject.as_of
    limits = deadlines(tables, as_of=day)
    held = credits(tables, as_of=day, government=subject.public_payers)
    held = held[held["kind"] == OVERPAID]
    refunds = held.assign(kind="refund", deadline_on=return_by(subject, held), open_cents=held["credit_cents"])
    disputed = subject.pandas("disputes")
    disputed = disputed[disputed["closed_on"].isna()]
    allowed = pd.Timedelta(days=days_in_policy(tables, "dispute_days", DISPUTE_DAYS, as_of=day))
    raised = disputed.assign(
        kind="dispute", deadline_on=disputed["opened_on"] + allowed, open_cents=disputed["amount_cents"]
    )
    columns = ["kind", "claim_id", "deadline_on", "open_cents"]
    parts = [limits[limits["is_recoverable"]][columns], refunds[columns], raised[columns]]
    return pd.concat([part for part in parts if len(part)] or parts[:1]).dropna(subset=["deadline_on"])


def _found(subject: Subject) -> Iterator[Standing]:
    """The open actions of the register."""
    from ..exhibits.register.months import register

    for one in register(subject):
        amount = f" [{dollars(one.amount_cents)}]" if one.amount_cents else ""
        yield Standing(_name("action", one.action_id), "action", f"{one.title}{amount}; {one.owner}, by {one.due}.")


def _intake(view: ClientView) -> Iterator[Standing]:
    """What intake noticed and a person must see to."""
    rows = view.findings()
    for row in rows.filter("needs_person").iter_rows(named=True) if rows.height else ():
        name = _name("intake", row["file"], row["rule"], row["where"], row["message"])
        yield Standing(name, f"intake:{row['rule']}", row["message"], abs(row["amount_cents"] or 0))


def _feeds(view: ClientView, subject: Subject) -> Iterator[Standing]:
    """Kinds of files that stopped coming."""
    from ..models.detection.stopped_feeds import stopped_feeds

    days: dict[str, list[dt.date]] = {}
    for entry in view.workspace.store.open(view.client).manifest["files"].values():
        for table, day in entry.get("ends", {}).items():
            days.setdefault(f"exports of {table}", []).append(dt.date.fromisoformat(day))
    for table, (known_on, feed) in X12_FEEDS.items():
        days[feed] = subject.pandas(table)[known_on].dropna().dt.date.tolist()
    for row in stopped_feeds(days, as_of=subject.as_of).itertuples():
        text = (
            f"No {row.feed} since {row.last_on:%Y-%m-%d}, for {row.silent_days} days; they usually come within "
            f"{row.usual_days}."
        )
        yield Standing(_name("feed", row.feed, str(row.last_on)), "feed", text)


def _rating(view: ClientView, day: dt.date) -> Iterator[Standing]:
    """A rating that has fallen by the registry's settings, at the close of the last month, and what follows."""
    from ..measures.portfolio.ratings import rating_falls

    close = Period.of(day + dt.timedelta(days=1)).shift(-1)
    months = [
        view.workspace.registry.clients_frame(as_of=close.shift(-back).last_day).to_pandas() for back in (2, 1, 0)
    ]
    fallen = rating_falls(*months, as_of=close.last_day)
    for row in fallen[fallen["client"] == view.client].to_dict("records"):
        text = f"The rating fell from {row['rating_before']} to {row['rating_after']}."
        if row["is_triggered"]:
            text += (
                f" A note on the cause is due by {row['cause_by']:%Y-%m-%d}, a plan by {row['plan_by']:%Y-%m-%d}; "
                f"meetings {row['cadence']}; staffing and fee are reviewed by {row['review_by']:%Y-%m-%d}."
            )
        fall = _name("rating", row["rating_before"], row["rating_after"], str(row["is_triggered"]))
        yield Standing(fall, "rating", text)


def _name(*words: str) -> str:
    """The name of something that stands, from which nothing can be read."""
    return hashlib.sha256("\0".join(map(str, words)).encode()).hexdigest()[:16]


# ---------------------------------------------------------------- in words
def in_words(found: Sequence[Standing]) -> list[str]:
    """What is new as lines: days due added up by kind, findings of intake by rule, all else as it is.

    >>> due = [Standing("a", "appeal", cents=500, until=dt.date(2026, 11, day)) for day in (3, 9)]
    >>> in_words(due)
    ['2 accounts to appeal or correct [10.00], the first by 2026-11-03.']
    """
    lines = []
    for kind in dict.fromkeys(one.kind for one in found):
        same = [one for one in found if one.kind == kind]
        if kind in TO_DO:
            first = min(one.until for one in same if one.until)
            what = f"{len(same):,} account{'s' if len(same) > 1 else ''} {TO_DO[kind]}"
            lines.append(f"{what} [{dollars(sum(one.cents for one in same))}], the first by {first}.")
        elif kind.startswith("intake:") and len(same) > 1:
            amount = sum(one.cents for one in same)
            told = f" [{dollars(amount)}]" if amount else ""
            lines.append(f"{len(same):,} findings of {kind.removeprefix('intake:')}{told}; see rcm findings.")
        else:
            lines += [one.text for one in same]
    return lines
