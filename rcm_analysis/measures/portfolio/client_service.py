"""How a client is served, as measured: meetings held and missed, e-mails, hours, answers, and steps done in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.adjudications import DENIED, first_adjudications
from ...ledger.postings import optional
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.clients import SERVICE_STEPS
from ...tables.frames import collect, source
from ..menu import measure
from ..receivable.delays import FRONT_ENDS
from .book import meeting_calendar
from .ratings import registry_frame

NEAR_DAYS = {"weekly": 3, "biweekly": 6, "monthly": 14}
"""A meeting so many days before or after its day is that meeting, moved."""
DAYS_OF_WEEK, MINUTES_OF_HOUR = 7, 60
SERVICE_LEVELS = dict(zip(SERVICE_STEPS, (2, 1, 5, 2, 1), strict=True))
"""Business days within which a step is done, where the registry says nothing else."""


@measure("Meetings held and missed", value="meetings_held_share", unit="rate", good="up")
def meetings_held(tables: Mapping[str, Any], *, clients: Any, period: Period) -> pd.DataFrame:
    """The meetings that a client's cadence asks for in a period, and how many of them were held.

    Formula
        meetings_held_share = held / expected; missed = expected - held
    Counts
        expected: the days of `meeting_calendar`. held: an expected day with a meeting that was held, or stands in the
        calendar and was not cancelled (by_calendar of them: nobody said that it was held), on it or within 3 days
        (weekly), 6 (biweekly) or 14 (monthly); each meeting stands for one day, the nearest first. extra: held beside
        them. Clients without any record of a meeting up to the end of the period have no row.
    Date basis
        meets_on within the period
    Unit
        rate, 0 to 1; meetings are counts
    Empty
        No meeting day known: expected is 0 and the share is empty.
    Source
        our own; cadence as in the firm's client-management guide

    >>> clients = pd.DataFrame({"client": ["a"], "meeting_cadence": ["monthly"], "meeting_day": ["second tuesday"]})
    >>> meetings = pd.DataFrame({"client": ["a"], "meets_on": pd.to_datetime(["2026-10-15"]), "status": ["held"]})
    >>> found = meetings_held({"meetings": meetings}, clients=clients, period=Period.month("2026-10"))
    >>> found[["client", "expected", "held", "missed", "meetings_held_share"]]
      client  expected  held  missed  meetings_held_share
    0      a         1     1       0                  1.0
    """
    rows = source(tables, "meetings", ["client", "meets_on", "status"]).filter(nw.col("meets_on") < period.end)
    known = collect(rows, ["client", "status"], dates=["meets_on"])
    due = meeting_calendar(clients, period=period)
    cadence = registry_frame(clients, ("client", "meeting_cadence")).set_index("client")["meeting_cadence"]
    out = []
    for client in [one for one in cadence.index if one in set(known["client"])]:
        mine = known[(known["client"] == client) & (known["meets_on"] >= pd.Timestamp(period.first_day))]
        took_place = mine[mine["status"].isin(["held", "scheduled"])]
        days = due.loc[(due["client"] == client) & due["meets_on"].notna(), "meets_on"].tolist()
        used = _matched(days, took_place["meets_on"].tolist(), NEAR_DAYS[cadence[client]])
        told = took_place["status"].tolist()
        out.append(
            {
                "client": client,
                "expected": len(days),
                "held": len(used),
                "missed": len(days) - len(used),
                "by_calendar": sum(told[place] == "scheduled" for place in used),
                "cancelled": int((mine["status"] == "cancelled").sum()),
                "extra": len(told) - len(used),
            }
        )
    columns = ["client", "expected", "held", "missed", "by_calendar", "cancelled", "extra"]
    found = pd.DataFrame(out, columns=columns).astype(dict.fromkeys(columns[1:], "int64"))
    return found.assign(meetings_held_share=quotient(found["held"], found["expected"]))


def _matched(days: list[pd.Timestamp], meetings: list[pd.Timestamp], most: int) -> set[int]:
    """The places of the meetings that stand for an expected day, the nearest pairs first."""
    pairs = sorted(
        (abs((meeting - day).days), place, number)
        for number, day in enumerate(days)
        for place, meeting in enumerate(meetings)
        if abs((meeting - day).days) <= most
    )
    used, taken = set[int](), set[int]()
    for _, place, number in pairs:
        if place not in used and number not in taken:
            used.add(place)
            taken.add(number)
    return used


@measure("E-mails and hours, as measured", value="hours_per_week", unit="count")
def account_effort(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """How many e-mails a week go to and fro with a client, and how many hours a week it takes, by the records.

    Formula
        weeks = days of the period / 7
        emails_per_week = e-mails in and out / weeks
        hours_per_week = minutes of contacts and of meetings held or scheduled / 60 / weeks
    Counts
        Rows of client_contacts and meetings in the period. Clients with no contact recorded in it have no row: where
        nobody keeps records, nothing was measured.
    Date basis
        day of the contact or meeting
    Unit
        e-mails and hours a week
    Empty
        No minutes noted: hours are empty.
    Source
        the firm's client-management guide (rating criteria), measured instead of stated

    >>> day = pd.to_datetime(["2026-10-05"] * 3)
    >>> contacts = pd.DataFrame({"client": "a", "happened_on": day, "channel": "email", "minutes": [30.0, 15.0, 75.0]})
    >>> meetings = pd.DataFrame({"client": ["a"], "meets_on": day[:1], "status": ["held"], "minutes": [60.0]})
    >>> week = Period.days_ending(dt.date(2026, 10, 9), 7)
    >>> account_effort({"client_contacts": contacts, "meetings": meetings}, period=week)
      client  emails_per_week  hours_per_week
    0      a              3.0             3.0
    """
    contacts = collect(
        source(tables, "client_contacts", ["client", "happened_on", "channel", "minutes"])
        .filter(period.holds(nw.col("happened_on")))
        .with_columns(nw.col("minutes").cast(nw.String)),
        ["client", "channel", "minutes"],
        dates=["happened_on"],
    )
    meetings = (
        source(tables, "meetings", ["client", "meets_on", "status", "minutes"])
        .filter(period.holds(nw.col("meets_on")), nw.col("status").is_in(["held", "scheduled"]))
        .with_columns(nw.col("minutes").cast(nw.String))
    )
    met = collect(meetings, ["client", "status", "minutes"], dates=["meets_on"])
    both = pd.concat([contacts[["client", "minutes"]], met[["client", "minutes"]]])
    minutes = (
        both.assign(minutes=pd.to_numeric(both["minutes"], errors="coerce"))
        .groupby("client")["minutes"]
        .sum(min_count=1)
    )
    emails = contacts.assign(emails=(contacts["channel"] == "email").astype("int64")).groupby("client")["emails"].sum()
    out = emails.reset_index().assign(minutes=lambda rows: rows["client"].map(minutes).astype("float64"))
    days = pd.Series(period.days, index=out.index)
    return out[["client"]].assign(
        emails_per_week=quotient(out["emails"] * DAYS_OF_WEEK, days),
        hours_per_week=quotient(out["minutes"] * DAYS_OF_WEEK, days * MINUTES_OF_HOUR),
    )


@measure("Steps done within the days agreed", value="in_time_share", unit="rate", good="up")
def service_levels(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Of the steps that began in a period and whose days are over, how many were done in time.

    Formula
        in_time_share = in_time / due
        due: business days since the step began are more than the days agreed, or it was done within them
        in time: done within the days agreed; open steps whose days are over count as late, younger ones not at all
    Counts
        claim_sent: charge entry to the first 837, of claims with an insurer. rejection_reworked: a failed check of
        clearinghouse or payer to the next 837. denial_worked: a first denial to the next note. payment_posted: a
        remittance received to the first payment posted under its trace number. message_answered: a message of the
        practice to our next one in the same conversation. Steps of which no record is kept have no row.
    Date basis
        the step begins within the period; what is known by `as_of`; holidays are not known
    Unit
        rate, 0 to 1; steps are counts; business days
    Empty
        Nothing due: an empty value.
    Source
        our own; `days` as agreed with the client, by default 2, 1, 5, 2 and 1 business days

    >>> day = pd.to_datetime(["2026-10-01", "2026-10-02", "2026-10-05"])
    >>> contacts = pd.DataFrame({"client": "a", "thread": ["t", "t", "u"], "direction": ["in", "out", "in"],
    ...     "happened_on": day})
    >>> service_levels({"client_contacts": contacts}, period=Period.month("2026-10"), as_of=dt.date(2026, 10, 31))
      client              step  days  due  in_time  in_time_share
    0      a  message_answered     1    2        1            0.5
    """
    agreed = {**SERVICE_LEVELS, **(days or {})}
    out = [pd.DataFrame(columns=["client", "step", "days", "due", "in_time"])]
    for step, (needed, looked_at) in STEPS.items():
        if any(optional(tables, name) is None for name in needed):
            continue
        began, ended = looked_at(tables, as_of)
        is_in = (began["day"] >= pd.Timestamp(period.first_day)) & (began["day"] < pd.Timestamp(period.end))
        rows = _first_after(began[is_in & began["client"].isin(ended["client"])], ended)
        took = _business_days(rows["day"], rows["done_on"].fillna(pd.Timestamp(as_of)))
        in_time = rows["done_on"].notna() & (took <= agreed[step])
        due = in_time | (took > agreed[step])
        counted = rows.assign(step=step, days=agreed[step], due=due.astype("int64"), in_time=in_time.astype("int64"))
        out.append(counted.groupby(["client", "step", "days"], as_index=False)[["due", "in_time"]].sum())
    found = pd.concat([one for one in out if len(one)] or out[:1], ignore_index=True)
    found = found.astype({"days": "int64", "due": "int64", "in_time": "int64"}).sort_values(
        ["client", "step"], kind="stable", ignore_index=True
    )
    return found.assign(in_time_share=quotient(found["in_time"], found["due"]))


def _first_after(began: pd.DataFrame, ended: pd.DataFrame) -> pd.DataFrame:
    """Each beginning with the first end of its key on or after its day, empty where there is none."""
    keyed = began.sort_values("day", kind="stable")
    ends = ended.rename(columns={"day": "done_on"}).sort_values("done_on", kind="stable")
    both: pd.DataFrame = pd.merge_asof(
        keyed, ends, left_on="day", right_on="done_on", by=["client", "key"], direction="forward"
    )
    return both


def _business_days(start: pd.Series, end: pd.Series) -> pd.Series:
    days = (one.to_numpy().astype("datetime64[D]") for one in (start, end))
    return pd.Series(np.busday_count(*days), index=start.index)


Days = tuple[pd.DataFrame, pd.DataFrame]
"""What began and what ended, each client, key and day."""


def _days(
    tables: Mapping[str, Any],
    name: str,
    columns: tuple[str, str],
    as_of: dt.date,
    also: Mapping[str, nw.Expr] | None = None,
) -> pd.DataFrame:
    """The rows of a table by key and day, known by `as_of`; `also` are conditions by the column that they read."""
    key, day = columns
    rows = source(tables, name, list(dict.fromkeys(["client", key, day, *(also or {})])))
    rows = rows.filter(nw.col(day) <= as_of, ~nw.col(key).is_null(), *(also or {}).values())
    found = collect(rows.select("client", key=nw.col(key), day=nw.col(day)), ["client", "key"], dates=["day"])
    return found


def _sent(tables: Mapping[str, Any], as_of: dt.date) -> Days:
    billed = {"payer": nw.col("payer") != "self_pay"}
    return (
        _days(tables, "claims", ("claim_id", "entered_on"), as_of, billed),
        _days(tables, "submissions", ("claim_id", "submitted_on"), as_of),
    )


def _reworked(tables: Mapping[str, Any], as_of: dt.date) -> Days:
    """A failed check to the bill of a later day, or to a check of the same day on that the claim passed."""
    at, front = ("claim_id", "checked_on"), {"stage": nw.col("stage").is_in(list(FRONT_ENDS))}
    failed = _days(tables, "claim_edits", at, as_of, {**front, "result": nw.col("result") == "failed"})
    passed = _days(tables, "claim_edits", at, as_of, {**front, "result": nw.col("result") == "passed"})
    sent = _days(tables, "submissions", ("claim_id", "submitted_on"), as_of)
    same_day = sent.merge(failed, on=["client", "key", "day"], how="left", indicator=True)
    return failed, pd.concat([passed, same_day.loc[same_day["_merge"] == "left_only", ["client", "key", "day"]]])


def _worked(tables: Mapping[str, Any], as_of: dt.date) -> Days:
    denied = first_adjudications(tables, as_of=as_of).filter(nw.col("outcome").is_in(list(DENIED)))
    began = collect(
        denied.select("client", key=nw.col("claim_id"), day=nw.col("received_on")), ["client", "key"], dates=["day"]
    )
    return began, _days(tables, "work_log", ("claim_id", "worked_on"), as_of)


def _posted(tables: Mapping[str, Any], as_of: dt.date) -> Days:
    return (
        _days(tables, "deposits", ("trace", "received_on"), as_of, {"paid_cents": nw.col("paid_cents") > 0}),
        _days(tables, "transactions", ("trace", "posted_on"), as_of, {"kind": nw.col("kind") == "payment"}),
    )


def _answered(tables: Mapping[str, Any], as_of: dt.date) -> Days:
    came, went = (
        _days(tables, "client_contacts", ("thread", "happened_on"), as_of, {"direction": nw.col("direction") == way})
        for way in ("in", "out")
    )
    return came, went


STEPS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any], dt.date], Days]]] = {
    "claim_sent": (("claims", "submissions"), _sent),
    "rejection_reworked": (("claim_edits", "submissions"), _reworked),
    "denial_worked": (("remit_claims", "remit_adjustments", "work_log"), _worked),
    "payment_posted": (("deposits", "transactions"), _posted),
    "message_answered": (("client_contacts",), _answered),
}
"""Step -> the tables that it is read from, and what began and ended by a day."""
