"""The filled-in action register: each row that somebody changed becomes a row of `action_changes`, or is set aside.

A row whose cells to fill in are all empty is left alone. A change is known on its day, so that a report of an earlier
day says what it said. Outcome and note are kept as they were typed: they are about an action, and name no patient.

| rule | the row is refused because |
|---|---|
| `other_client` | it names another client |
| `row_changed` | action, day of the register and client no longer belong together: edited, or sorted in part |
| `missing` | a cell that a change needs is empty: client, action, day of the register, day, who, or what was changed |
| `not_listed` | the status is none of the list |
| `unreadable` | a day is no day, or a text is longer than it may be |
| `formula`, `error`, `merged` | a cell holds no value of its own |
| `before_list` | changed before the day the register was made for |
| `in_future` | changed after the day the file came in |
| `next_step` | the new day lies before the change or more than `FAR_DAYS` after it |
| `duplicate_key` | an earlier row of the sheet changes the same action on the same day |
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ...errors import listed
from ...tables.schema import ACTION_CHANGES, ACTION_STATES
from .notes import ASIDE, FAR_DAYS, LONGEST_NAME, Fault, Notes, day_of, row_check, set_aside, text_of
from .sheets import Form, Sheet, Unusable, is_blank

SHEET = "actions"
NAMES = {"action_id": "Action", "as_of": "Register of", "client": "Client", "check": "Row check"}
"""What a row is about: our column and its heading."""

CHANGED = {
    "owner": "New owner",
    "due_on": "New day",
    "status": "New status",
    "outcome": "Outcome",
    "remark": "Note",
    "changed_by": "Changed by",
    "changed_on": "Changed on",
}
"""What is filled in by hand: our column of `action_changes` and its heading."""

REGISTER = Form(SHEET, NAMES, CHANGED)
LONGEST = {"owner": LONGEST_NAME, "changed_by": LONGEST_NAME, "outcome": 120, "remark": 300}
WHAT = ("owner", "due_on", "status", "outcome", "remark")
_NAME = re.compile(r"[a-z][a-z0-9_]*(:[\w-]+)?")


def action_check(client: str, action_id: str, as_of: dt.date) -> str:
    """A short mark of what a row of the register is about."""
    return row_check(client, action_id, SHEET, as_of)


def changes_of(sheets: Sequence[Sheet], *, client: str, received: dt.date | None = None) -> Notes:
    """The filled-in rows as rows of `action_changes`, and those refused; `received` is the day the file came in.

    Counts
        One change per filled-in row. `change_id` is made of client, action and day: the same sheet again says nothing
        new, and a corrected row takes the place of what it corrects.
    """
    good: dict[str, dict[str, Any]] = {}
    aside: list[dict[str, Any]] = []
    rows = [(sheet, row) for sheet in sheets for row in sheet.filled]
    for sheet, row in rows:
        change, faults = _change(row, client, received)
        if change is not None and change["change_id"] in good:
            faults = [("action_id", "duplicate_key", "an earlier row changes the same action on the same day")]
        if change is None or faults:
            aside.append(set_aside(sheet, row, faults, about=("action_id",)))
        else:
            good[change["change_id"]] = change
    kept = pl.DataFrame(list(good.values()), schema=ACTION_CHANGES.polars).select(ACTION_CHANGES.names)
    return Notes(kept, pl.DataFrame(aside, schema=ASIDE), len(rows))


def _change(row: Mapping[str, Any], client: str, received: dt.date | None) -> tuple[dict[str, Any] | None, list[Fault]]:
    unusable = [(name, one.rule, one.message) for name in REGISTER.titles if isinstance(one := row[name], Unusable)]
    fault = next(iter(unusable), None) or _key_fault(row, client)
    if fault:
        return None, [fault, *unusable[1:]]
    values, faults = _filled(row)
    made_for, changed_on = day_of(row["as_of"]), values["changed_on"]
    if changed_on and made_for:
        faults += _day_faults(changed_on, values["due_on"], made_for, received)
    if faults:
        return None, faults
    action_id = text_of(row["action_id"])
    key = "\x1f".join((client, action_id, changed_on.isoformat()))
    change_id = hashlib.sha256(key.encode()).hexdigest()[:20]
    return {"client": client, "change_id": change_id, "action_id": action_id, **values}, []


def _key_fault(row: Mapping[str, Any], client: str) -> Fault | None:
    made_for, action_id, check = day_of(row["as_of"]), text_of(row["action_id"]), text_of(row["check"])
    for name, what in (("client", "the client"), ("action_id", "the action"), ("as_of", "the day of the register")):
        if is_blank(row[name]):
            return (name, "missing", f"{what} is not there; copy it from the register")
    if text_of(row["client"]) != client:
        return ("client", "other_client", "the row belongs to another client")
    if made_for is None:
        return ("as_of", "unreadable", "expected the day the register was made for")
    if check and check != action_check(client, action_id, made_for):
        return ("check", "row_changed", "action, register of and client are not those of this row; put them back")
    if not _NAME.fullmatch(action_id):
        return ("action_id", "unreadable", "expected the name of an action as the register has it")
    return None


def _filled(row: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {name: text_of(row[name]) or None for name in LONGEST}
    faults: list[Fault] = [
        (name, "unreadable", f"expected at most {most} letters")
        for name, most in LONGEST.items()
        if len(values[name] or "") > most
    ]
    status = text_of(row["status"]).casefold() or None
    values["status"] = status if status in ACTION_STATES else None
    if status and not values["status"]:
        faults.append(("status", "not_listed", f"expected one of {listed(ACTION_STATES)}"))
    for name in ("due_on", "changed_on"):
        values[name] = day_of(row[name])
        if values[name] is None and not is_blank(row[name]):
            faults.append((name, "unreadable", "expected a day, such as 2026-11-03"))
    for name, what in (("changed_on", "the day of the change"), ("changed_by", "who changed it")):
        if is_blank(row[name]):
            faults.append((name, "missing", f"{what} is not filled in"))
    if all(is_blank(row[name]) for name in WHAT):
        faults.append(("status", "missing", "nothing is filled in that changes the action"))
    return values, faults


def _day_faults(
    changed_on: dt.date, due_on: dt.date | None, made_for: dt.date, received: dt.date | None
) -> list[Fault]:
    faults: list[Fault] = []
    if changed_on < made_for:
        faults.append(("changed_on", "before_list", "the day lies before the day the register was made for"))
    elif received is not None and changed_on > max(received, made_for):
        faults.append(("changed_on", "in_future", "the day lies after the day on which the file came in"))
    if due_on is not None and not changed_on <= due_on <= changed_on + dt.timedelta(days=FAR_DAYS):
        faults.append(("due_on", "next_step", f"expected a day from the change to {FAR_DAYS} days after it"))
    return faults
