"""The life of a denial finding: told for the first time, going on, over, returned; under one name, with the dollars
of each month since it was first told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ...periods import Period
from ...tables.frames import kept
from .denial_shifts import COLUMNS, DenialHistory, denial_history, ended_on, evidence, findings, of_cell, only

NEW, CONTINUING, OVER, RETURNED = "new", "continuing", "over", "returned"
MONTHS_BACK = 12
TOLD_AS_OVER = 2
"""So many month ends say that a finding is over; then it is history."""
SAME_LINES = 0.5
"""Two findings of one category are one when half of the denied lines of the smaller one are in both."""
WIDER = 1.5
"""A finding takes a wider scope, and with it another name, when that explains half as many denied lines more."""
SCOPE = ("level", "payer", "procedures", "codes", "provider", "location")
LIFE = ("state", "first_told", "told_as", "over_since", "month_denied", "month_cents", "since_told_cents", "is_edit")
BUNDLED = 0.8
"""A rise of bundling denials is a new edit when so many of the lines were bundled into a paid line of their claim."""


@dataclass
class _Life:
    row: dict[str, Any]
    lines: set[Any]
    state: str
    first_told: Period
    told_as: str
    over_since: Period | None = None
    before: list[str] = field(default_factory=list)


@kept
def finding_lives(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """What has come to be denied more than usual, told month by month as somebody who read every month's report knows
    it: which findings are new, go on, are over, or came back.

    Formula
        `denial_shifts.findings` at the end of each of the last twelve months with what was known then, linked from
        month to month: of one category, and half of the denied lines of the smaller one in both; or the same scope
        state          new: first told on `as_of`; continuing: told before and not over; over: the rate fell back to
                       what is usual (`denial_shifts.ended_on`), told for two month ends; returned: told as over and
                       raised again
        name           the scope of the first statement, until a wider one explains 1.5 times the denied lines
        month_cents    expected amounts of the month's denied lines - usual rate x those of all its lines, in the
                       scope: what the finding cost since the month before; since_told_cents: the same since it was
                       first told
    Columns
        those of `denial_shifts.systemic_denials`, counted in the scope that gave the name; first_told: the month in
        which it was first told, as text; told_as: the first scope, where another was taken since; over_since;
        is_edit: bundling denials of which 80 % stand beside a paid line of the same claim: the payer follows an edit
        that is new to the client, which may be lawful, and is no systemic denial
    Date basis
        received_on of the remittance
    Unit
        claims, lines, cents; rates 0 to 1
    Empty
        Nothing raised in twelve months: no rows.
    """
    return lives(denial_history(tables, as_of=as_of), as_of=as_of)


def going_on(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The rows of `finding_lives` that are not over."""
    told = finding_lives(tables, as_of=as_of)
    return only(told, ~told["is_over"])


@kept
def lines_going_on(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The denied lines (`denial_shifts.evidence`) behind what goes on; `number` counts the rows of `going_on` from 1.

    Empty
        Nothing goes on: no rows, and no columns.
    """
    rows = going_on(tables, as_of=as_of).to_dict("records")
    parts = [evidence(tables, row, as_of=as_of).assign(number=number) for number, row in enumerate(rows, start=1)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def lives(history: DenialHistory, *, as_of: dt.date) -> pd.DataFrame:
    """`finding_lives` for a history that is already counted."""
    known: list[_Life] = []
    this = Period.of(as_of)
    left_out = ""
    for back in range(MONTHS_BACK - 1, -1, -1):
        month = this.shift(-back)
        found = findings(history, as_of=month.last_day)
        left_out = found.attrs["left_out"]
        _told(history, known, found, month)
    told = [
        life
        for life in known
        if life.state != OVER or (life.over_since is not None and life.over_since > this.shift(-TOLD_AS_OVER))
    ]
    rows = [_said(history, life, this) for life in told]
    out = pd.DataFrame(rows, columns=[*COLUMNS, *LIFE])
    out = out.astype({"onset_on": "datetime64[us]", "ended_on": "datetime64[us]", "is_over": bool})
    out = out.sort_values(["is_over", "excess_cents"], ascending=[True, False], ignore_index=True)
    out.attrs["left_out"] = left_out
    return out


def _told(history: DenialHistory, known: list[_Life], found: pd.DataFrame, month: Period) -> None:
    """One month end: link what was found to what is known, and follow what was not found again."""
    seen: set[int] = set()
    for row in found.to_dict("records"):
        lines = set(_denied(history, row, month).index)
        number = _same(known, row, lines, seen)
        if number is None:
            if row["is_over"] and pd.Period(row["ended_on"], "M").end_time.date() < month.shift(-1).first_day:
                continue
            known.append(_Life(row, lines, OVER if row["is_over"] else NEW, month, ""))
            known[-1].over_since = month if row["is_over"] else None
            seen.add(len(known) - 1)
            continue
        seen.add(number)
        _continued(history, known[number], row, lines, month)
    for number, life in enumerate(known):
        if number not in seen and life.state != OVER:
            _followed(history, life, month)


def _same(known: list[_Life], row: dict[str, Any], lines: set[Any], seen: set[int]) -> int | None:
    best, most = None, 0.0
    for number, life in enumerate(known):
        if number in seen or life.row["category"] != row["category"]:
            continue
        shared = len(lines & life.lines) / max(1, min(len(lines), len(life.lines)))
        is_named = all(life.row[name] == row[name] for name in SCOPE[1:] if name != "codes")
        weight = max(shared if shared >= SAME_LINES else 0.0, SAME_LINES if is_named else 0.0)
        if weight > most:
            best, most = number, weight
    return best


def _continued(history: DenialHistory, life: _Life, row: dict[str, Any], lines: set[Any], month: Period) -> None:
    was_over = life.state == OVER
    if was_over and row["is_over"] and row["ended_on"] <= life.row["ended_on"] + pd.Timedelta(days=31):
        return
    if was_over and row["onset_on"] <= life.row["ended_on"]:
        row = row | _came_back(history, life.row, month)
    if len(lines) >= WIDER * len(life.lines) and not was_over:
        first = life.told_as or scope_key(life.row)
        life.told_as = first if first != scope_key(row) else ""
        life.row = row
    elif was_over:
        life.row = life.row | {name: row[name] for name in ("onset_on", "first_month")}
    life.lines |= lines
    life.row = life.row | {"is_over": row["is_over"], "ended_on": row["ended_on"], "last_month": row["last_month"]}
    life.state = OVER if row["is_over"] else RETURNED if was_over or life.state == RETURNED else CONTINUING
    life.over_since = month if row["is_over"] else None


def _came_back(history: DenialHistory, row: dict[str, Any], month: Period) -> dict[str, Any]:
    """When a finding that had ended began again: the first denial of the first month at a rate like the one before."""
    rows = _scope_lines(history, row, month)
    rows = rows[rows["received_on"] > row["ended_on"]]
    by_month = rows.groupby("month")["denied"].mean()
    high = by_month[by_month >= (row["usual_rate"] + row["rate_since_onset"]) / 2]
    first = high.index[0] if len(high) else pd.Period(month.label, "M")
    days = rows.loc[(rows["denied"] == 1) & (rows["month"] >= first), "received_on"]
    return {"onset_on": days.min() if len(days) else first.start_time, "first_month": str(first)}


def _followed(history: DenialHistory, life: _Life, month: Period) -> None:
    """A finding that the month's search did not raise again: is it over, or only not certain any more?"""
    rows = _scope_lines(history, life.row, month)
    rows = rows[rows["received_on"] >= life.row["onset_on"]]
    ended = ended_on(rows, life.row["usual_rate"])
    if ended is None:
        now = rows[rows["month"] >= pd.Period(month.shift(-1).label, "M")]
        middle = (life.row["usual_rate"] + life.row["rate_since_onset"]) / 2
        if len(now) and now["denied"].mean() >= middle:
            life.state = RETURNED if life.state == RETURNED else CONTINUING
            life.row = life.row | {"last_month": month.label}
            return
        past = rows.loc[(rows["denied"] == 1) & (rows["month"] < pd.Period(month.label, "M")), "received_on"]
        ended = past.max() if len(past) else life.row["onset_on"]
    life.state, life.over_since = OVER, month
    life.row = life.row | {"is_over": True, "ended_on": ended, "last_month": str(pd.Period(ended, "M"))}


def scope_key(row: Mapping[str, Any]) -> str:
    """Where a finding lies, in its own terms.

    >>> scope_key({"payer": "p", "procedures": "99213", "provider": "", "location": "East"})
    'p, 99213, East'
    """
    return ", ".join(str(row[name]) for name in ("payer", "procedures", "provider", "location") if row[name])


def _scope_lines(history: DenialHistory, row: Mapping[str, Any], month: Period) -> pd.DataFrame:
    """Every line of the scope decided by the end of the month, with `denied` for the finding's category."""
    lines = history.lines
    rows = lines[of_cell(lines, row) & (lines["received_on"] < pd.Timestamp(month.end))]
    return rows.assign(denied=(rows["category"] == row["category"]).astype("int64"))


def _denied(history: DenialHistory, row: Mapping[str, Any], month: Period) -> pd.DataFrame:
    rows = _scope_lines(history, row, month)
    inside = (rows["received_on"] >= row["onset_on"]) & (rows["month"].astype(str) <= row["last_month"])
    return rows[inside & (rows["denied"] == 1)]


def _said(history: DenialHistory, life: _Life, this: Period) -> dict[str, Any]:
    """The row of a life on the last day: counts in its scope since the onset, and dollars of the month."""
    rows = _scope_lines(history, life.row, this)
    usual = life.row["usual_rate"]
    until = life.row["ended_on"] if life.row["is_over"] else rows["received_on"].max()
    since = rows[(rows["month"].astype(str) >= life.row["first_month"]) & (rows["received_on"] <= until)]
    denied, expected = since["denied"] == 1, usual * len(since)
    onset = since[since["received_on"] >= life.row["onset_on"]]
    by_contract = since.loc[denied & (since["basis"] == "contract"), "expected_cents"].sum()
    lost = since.loc[denied, "expected_cents"].sum()
    return life.row | {
        "claims": since["claim_id"].nunique(),
        "denied_claims": since.loc[denied, "claim_id"].nunique(),
        "lines": len(since),
        "denied": int(denied.sum()),
        "expected": expected,
        "excess": denied.sum() - expected,
        "rate": since["denied"].mean(),
        "rate_since_onset": onset["denied"].mean(),
        "denied_cents": int(lost),
        "excess_cents": int(lost - usual * since["expected_cents"].sum()),
        "contract_share": by_contract / lost if lost > 0 else float("nan"),
        "state": life.state,
        "first_told": life.first_told.label,
        "told_as": life.told_as,
        "over_since": life.over_since.label if life.over_since else "",
        "month_denied": int(rows.loc[rows["month"].astype(str) == this.label, "denied"].sum()),
        "month_cents": _excess_cents(rows[rows["month"].astype(str) == this.label], usual),
        "since_told_cents": _excess_cents(rows[rows["month"].astype(str) > life.first_told.label], usual),
        "is_edit": _is_edit(history, life.row["category"], since[denied]),
    }


def _is_edit(history: DenialHistory, category: str, denied: pd.DataFrame) -> bool:
    """Whether these bundling denials stand beside a paid line of their claim."""
    if category != "bundling" or denied.empty:
        return False
    paid = history.lines.loc[history.lines["allowed_cents"] > 0, "claim_id"]
    return bool(denied["claim_id"].isin(paid).mean() >= BUNDLED)


def _excess_cents(rows: pd.DataFrame, usual: float) -> int:
    lost = rows.loc[rows["denied"] == 1, "expected_cents"].sum()
    return int(lost - usual * rows["expected_cents"].sum())
