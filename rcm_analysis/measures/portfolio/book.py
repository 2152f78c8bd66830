"""The client manager's book: fees, workload, levels, the A to D matrix, movements and meetings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...ledger.ratios import half_up, quotient
from ...periods import Period
from ..collections.rates import cash
from ..menu import measure
from .ratings import RATINGS, client_ratings, registry_frame

LEVELS = ("coordinator", "manager", "senior_manager", "director")
LEVEL_REVENUE_CENTS = {"manager": 150_000_00, "senior_manager": 1_000_000_00, "director": 3_000_000_00}
"""Annual collections from which an account asks for this level; below all of them, a coordinator."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
BIWEEKLY_ANCHOR = dt.date(2024, 1, 1)
"""A Monday: biweekly meetings fall in the weeks an even number of weeks after this one."""


@measure("Fee revenue", value="fee_cents", good="up", is_additive=True)
def fee_revenue(tables: Mapping[str, Any], *, clients: Any, period: Period) -> pd.DataFrame:
    """Our fee for the period, by client.

    Formula
        fee_cents = cash_cents x commission_rate, rounded half up to the cent
    Counts
        Cash as in `collections.cash` (takebacks and refunds off, unapplied money and money without a claim
        in). Every client of the registry frame has a row; a client without postings has a fee of 0.
    Date basis
        posting date; the commission rate as it stands in the frame
    Unit
        cents; commission_rate 0 to 1
    Empty
        No commission rate: the fee is empty.
    Source
        the firm's client-management guide (revenue, commission rate); that revenue is what the client
        collects is our own reading

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> clients = pd.DataFrame({"client": ["acme"], "commission_rate": [0.055]})
    >>> fee_revenue(example_ledger(), clients=clients, period=Period.month("2026-03"))
      client  cash_cents  commission_rate  fee_cents
    0   acme       13500            0.055        743
    """
    registry = registry_frame(clients, ("client", "commission_rate"))[["client", "commission_rate"]]
    came = cash(tables, period=period, by=["client"])[["client", "cash_cents"]]
    out = registry.merge(came, on="client", how="left")
    out["cash_cents"] = out["cash_cents"].fillna(0).astype("int64")
    out["fee_cents"] = half_up(out["cash_cents"] * pd.to_numeric(out["commission_rate"]))
    return out[["client", "cash_cents", "commission_rate", "fee_cents"]]


@measure("Fee per hour", value="fee_per_hour_cents", good="up")
def fee_per_hour(tables: Mapping[str, Any], *, clients: Any, period: Period) -> pd.DataFrame:
    """Our fee for each hour the account took.

    Formula
        fee_per_hour_cents = fee_cents / hours; hours = hours_per_week x days of the period / 7
    Counts
        Fee as in `fee_revenue`; hours of client management as stated in the registry, not timed.
    Date basis
        posting date
    Unit
        cents per hour
    Empty
        Hours not stated, or 0: empty.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> clients = pd.DataFrame({"client": ["acme"], "commission_rate": [0.055], "hours_per_week": [3.5]})
    >>> fee_per_hour(example_ledger(), clients=clients, period=Period.month("2026-03"))
      client  fee_cents  hours  fee_per_hour_cents
    0   acme        743   15.5           47.935484
    """
    fees = fee_revenue(tables, clients=clients, period=period)
    weekly = pd.to_numeric(registry_frame(clients, ("client", "hours_per_week"))["hours_per_week"])
    hours = quotient(weekly * period.days, pd.Series(7, index=weekly.index))
    return fees[["client", "fee_cents"]].assign(hours=hours, fee_per_hour_cents=quotient(fees["fee_cents"], hours))


@measure("Level of the account against the level assigned", value="fit", unit="words")
def level_fit(clients: Any) -> pd.DataFrame:
    """Whether each account sits with a manager of the right level.

    Formula
        by annual collections: below $150,000 coordinator, from $150,000 manager, from $1,000,000
        senior manager, from $3,000,000 director; a high-complexity account asks for one level more,
        up to director. fit = "fits", "too junior" or "too senior" (the level assigned, against it)
    Counts
        Every client of the frame; complexity and revenue as in `client_ratings`.
    Date basis
        the registry as it stands in the frame
    Unit
        words
    Empty
        Revenue or complexity not known: expected_level and fit are empty. No level assigned: fit is empty.
    Source
        the firm's client-management guide: levels "depending on the book of business and complexity of
        the account"; the dollar thresholds are our own

    >>> clients = pd.DataFrame({
    ...     "client": ["a", "b"], "providers": [5, 28], "revenue_cents": [82_799_000, 367_483_400],
    ...     "meeting_cadence": ["monthly", "weekly"], "assigned_level": ["manager", "manager"]})
    >>> level_fit(clients)[["client", "assigned_level", "expected_level", "fit"]]
      client assigned_level expected_level         fit
    0      a        manager        manager        fits
    1      b        manager       director  too junior
    """
    rated = client_ratings(registry_frame(clients, (), ("assigned_level", "assigned_to")))
    expected = [
        _expected_level(cents, complexity)
        for cents, complexity in zip(pd.to_numeric(rated["revenue_cents"]), rated["complexity_class"], strict=True)
    ]
    fit = [_fit(level, wanted) for level, wanted in zip(rated["assigned_level"], expected, strict=True)]
    columns = ["client", "assigned_to", "assigned_level", "revenue_cents", "complexity_class"]
    return rated[columns].assign(expected_level=pd.Series(expected, dtype="object"), fit=pd.Series(fit, dtype="object"))


def _expected_level(revenue_cents: float, complexity: str | None) -> str | None:
    if pd.isna(revenue_cents) or complexity is None:
        return None
    place = sum(revenue_cents >= least for least in LEVEL_REVENUE_CENTS.values())
    return LEVELS[min(place + (complexity == "high"), len(LEVELS) - 1)]


def _fit(level: Any, expected: str | None) -> str | None:
    if expected is None or level not in LEVELS:
        return None
    step = LEVELS.index(level) - LEVELS.index(expected)
    return "fits" if step == 0 else "too senior" if step > 0 else "too junior"


@measure("Workload of each client manager", value="hours_per_week", unit="count")
def manager_workload(clients: Any) -> pd.DataFrame:
    """How much each client manager carries.

    Formula
        sums over the clients assigned to the manager
    Counts
        Every client of the frame, once; unassigned ones under "(none)". A client whose hours or
        e-mails are not stated adds nothing to the sum and is counted in hours_not_stated.
        misplaced counts accounts that do not fit the manager's level (`level_fit`).
    Date basis
        the registry as it stands in the frame; revenue is annual collections
    Unit
        counts; hours and e-mails a week; cents
    Empty
        No clients: no row.
    Source
        the firm's client-management guide (client overview); sums our own

    >>> clients = pd.DataFrame({
    ...     "client": ["a", "b"], "assigned_to": "Jane", "providers": [5, 2], "hours_per_week": [2.0, 5.0],
    ...     "emails_per_week": [4, 12], "revenue_cents": [82_799_000, 6_416_600],
    ...     "meeting_cadence": "monthly"})
    >>> manager_workload(clients)[["assigned_to", "clients", "providers", "hours_per_week", "revenue_cents"]]
      assigned_to  clients  providers  hours_per_week  revenue_cents
    0        Jane        2          7             7.0       89215600
    """
    optional = ("assigned_to", "assigned_level", "hours_per_week", "emails_per_week")
    rated = client_ratings(registry_frame(clients, ("client", "providers", "revenue_cents"), optional))
    fit = level_fit(rated)["fit"]
    numbers = {
        name: pd.to_numeric(rated[name]) for name in ("providers", "hours_per_week", "emails_per_week", "revenue_cents")
    }
    rated = rated.assign(
        **numbers,
        clients=1,
        assigned_to=rated["assigned_to"].fillna("(none)").astype(str),
        hours_not_stated=numbers["hours_per_week"].isna().astype("int64"),
        high_complexity_clients=(rated["complexity_class"] == "high").astype("int64"),
        misplaced=fit.isin(["too senior", "too junior"]).astype("int64"),
    )
    wanted = ["clients", "high_complexity_clients", *numbers, "hours_not_stated", "misplaced"]
    return (
        rated.groupby("assigned_to", as_index=False)[wanted]
        .sum()
        .astype({"providers": "int64", "revenue_cents": "int64"})
    )


@measure("Clients and dollars by rating", value="clients", unit="count")
def rating_matrix(clients: Any) -> pd.DataFrame:
    """How many clients, and how many dollars, stand in each of A, B, C and D.

    Formula
        counts and sums by rating; client_share and revenue_share of all rated clients
    Counts
        Clients with a rating (`client_ratings`). All four ratings always have a row.
    Date basis
        the registry as it stands in the frame; revenue is annual collections
    Unit
        counts, cents, rates
    Empty
        No rated client: zeros, and empty shares.
    Source
        the firm's client-management guide (rating criteria)

    >>> clients = pd.DataFrame({
    ...     "client": ["a"], "providers": [5], "revenue_cents": [82_799_000], "meeting_cadence": ["monthly"]})
    >>> rating_matrix(clients)[["rating", "clients", "revenue_cents", "client_share"]]
      rating  clients  revenue_cents  client_share
    0      A        1       82799000           1.0
    1      B        0              0           0.0
    2      C        0              0           0.0
    3      D        0              0           0.0
    """
    rated = client_ratings(clients)
    order = sorted((rating, revenue, complexity) for (revenue, complexity), rating in RATINGS.items())
    out = pd.DataFrame(order, columns=["rating", "revenue_class", "complexity_class"])
    mine = rated.dropna(subset=["rating"]).groupby("rating")["revenue_cents"]
    out["clients"] = out["rating"].map(mine.size()).fillna(0).astype("int64")
    out["revenue_cents"] = out["rating"].map(mine.sum()).fillna(0).astype("int64")
    for share, number in (("client_share", "clients"), ("revenue_share", "revenue_cents")):
        out[share] = quotient(out[number], pd.Series(out[number].sum(), index=out.index))
    return out


@measure("What moved since last month", value="change", unit="words")
def movements(before: Any, after: Any) -> pd.DataFrame:
    """What moved between two months of the registry.

    Formula
        change = "new", "left", "rating changed", "reassigned", or "settings changed"; the first that holds
    Counts
        Clients that are in one frame only, or whose rating, manager, cadence, level, providers,
        revenue or commission rate differs. Unchanged clients have no row.
    Date basis
        the registry on two days, e.g. the last days of two months
    Unit
        words; cents
    Empty
        Nothing moved: no row.
    Source
        our own

    >>> before = pd.DataFrame({
    ...     "client": ["a"], "providers": [1], "revenue_cents": [13_000_000], "meeting_cadence": ["weekly"]})
    >>> found = movements(before, before.assign(meeting_cadence="monthly"))
    >>> found[["client", "change", "rating_before", "rating_after"]]
      client          change rating_before rating_after
    0      a  rating changed             B            A
    """
    watched = [
        "rating",
        "assigned_to",
        "assigned_level",
        "meeting_cadence",
        "providers",
        "revenue_cents",
        "commission_rate",
    ]
    optional = ("assigned_to", "assigned_level", "commission_rate")
    sides = {
        when: client_ratings(registry_frame(frame, (), optional)).set_index("client")[watched].astype("object")
        for when, frame in {"before": before, "after": after}.items()
    }
    names = sorted(set(sides["before"].index) | set(sides["after"].index))
    rows = [_movement(client, sides, watched) for client in names]
    columns = [
        "client",
        "change",
        "details",
        *(f"{name}_{when}" for name in ("rating", "assigned_to", "revenue_cents") for when in sides),
    ]
    return pd.DataFrame([row for row in rows if row], columns=columns)


def _movement(client: str, sides: Mapping[str, pd.DataFrame], watched: list[str]) -> dict[str, Any] | None:
    nothing = pd.Series(None, index=watched, dtype="object")
    old, new = (side.loc[client] if client in side.index else nothing for side in sides.values())
    differs = [name for name in watched if not (old[name] == new[name] or (pd.isna(old[name]) and pd.isna(new[name])))]
    if client not in sides["before"].index:
        change = "new"
    elif client not in sides["after"].index:
        change = "left"
    elif not differs:
        return None
    else:
        change = {"rating": "rating changed", "assigned_to": "reassigned"}.get(differs[0], "settings changed")
    shown = {
        f"{name}_{when}": row[name]
        for name in ("rating", "assigned_to", "revenue_cents")
        for when, row in (("before", old), ("after", new))
    }
    return {
        "client": client,
        "change": change,
        "details": ", ".join(differs) if change not in ("new", "left") else "",
        **shown,
    }


@measure("Meetings of the period", value="meets_on", unit="date")
def meeting_calendar(clients: Any, *, period: Period) -> pd.DataFrame:
    """The meetings that fall in the period, by date.

    Formula
        weekly: every such weekday; biweekly: every second week, counted from Monday 1 January 2024;
        monthly: the first, second, third, fourth or last such weekday, or a day of the month
    Counts
        Every client of the frame. `meeting_day` is free words that name a weekday ("tuesday", "second
        tuesday", "last friday") or a day of the month ("15th"); a monthly weekday without a number
        is the first one; a day the month lacks is its last day. A client whose day is missing or
        not understood has one row with an empty date.
    Date basis
        calendar; holidays are not known
    Unit
        dates
    Empty
        No clients: no row.
    Source
        our own; cadence as in the firm's client-management guide

    >>> clients = pd.DataFrame({
    ...     "client": ["a"], "meeting_cadence": ["monthly"], "meeting_day": ["second tuesday"]})
    >>> meeting_calendar(clients, period=Period.month("2026-10"))[["client", "meets_on"]]
      client   meets_on
    0      a 2026-10-13
    """
    frame = registry_frame(clients, ("client", "meeting_cadence"), ("meeting_day", "name", "assigned_to"))
    rows = [
        {
            **{name: row[name] for name in ("client", "name", "assigned_to", "meeting_cadence", "meeting_day")},
            "meets_on": day,
        }
        for row in frame.to_dict("records")
        for day in _meetings(row["meeting_cadence"], row["meeting_day"], period) or (None,)
    ]
    columns = ["meets_on", "client", "name", "assigned_to", "meeting_cadence", "meeting_day"]
    out = pd.DataFrame(rows, columns=columns)
    out["meets_on"] = pd.to_datetime(out["meets_on"]).astype("datetime64[us]")
    return out.sort_values(["meets_on", "client"], ignore_index=True)


def _meetings(cadence: str, words: Any, period: Period) -> list[dt.date]:
    text = "" if words is None or words != words else str(words).lower()
    days = [period.first_day + dt.timedelta(days=offset) for offset in range(period.days)]
    weekday = next((number for number, name in enumerate(WEEKDAYS) if name in text), None)
    if weekday is None:
        number = re.search(r"\b(\d{1,2})(st|nd|rd|th)?\b", text)
        if cadence != "monthly" or not number or not 1 <= int(number[1]) <= 31:
            return []
        wanted = (min(int(number[1]), month.last_day.day) for month in period.months())
        found = [month.first_day.replace(day=day) for month, day in zip(period.months(), wanted, strict=True)]
        return [day for day in found if period.holds(day)]
    same = [day for day in days if day.weekday() == weekday]
    if cadence == "weekly":
        return same
    if cadence == "biweekly":
        return [day for day in same if (day - BIWEEKLY_ANCHOR).days // 7 % 2 == 0]
    return [day for day in same if _is_wanted(day, text)]


def _is_wanted(day: dt.date, text: str) -> bool:
    place = next((number for word, number in ORDINALS.items() if word in text), 1)
    if place < 0:
        return (day + dt.timedelta(days=7)).month != day.month
    return (day.day - 1) // 7 + 1 == place
