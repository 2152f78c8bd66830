"""Which clients bring much and which ask for much: the A to D rating of the client overview."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from ...errors import TableError, listed
from ...ledger.ratios import half_up, quotient
from ...tables.schema import MEETING_CADENCES
from ..menu import measure

HIGH_REVENUE_PER_PROVIDER_CENTS = 125_000_00
"""$125,000.00 a provider is High: the seed overview rates a client at exactly this figure as High."""

HIGH_CADENCES = ("weekly", "biweekly")
HIGH_EMAILS_PER_WEEK = 10
HIGH_HOURS_PER_WEEK = 4
RATINGS = {("high", "low"): "A", ("high", "high"): "B", ("low", "low"): "C", ("low", "high"): "D"}
"""(revenue class, complexity class) -> rating."""
CLOSER = {"monthly": "biweekly", "biweekly": "weekly", "weekly": "weekly"}
"""How often to meet once a rating fell: one step closer."""

NEEDED = ("client", "providers", "revenue_cents", "meeting_cadence")
OPTIONAL = ("emails_per_week", "hours_per_week", "high_complexity", "is_estimate")


@measure("Client rating A to D", value="rating", unit="words")
def client_ratings(clients: Any) -> pd.DataFrame:
    """Each client's revenue class, complexity class and rating from A to D.

    Formula
        revenue_per_provider_cents = revenue_cents / providers, rounded half up to the cent
        revenue_class = "high" when revenue / providers >= $125,000.00 (not rounded), else "low"
        complexity_class = "high" when meetings are weekly or biweekly, or emails_per_week >= 10,
        or hours_per_week >= 4; else "low". `high_complexity` overrides the rule both ways: True
        makes it "high", False makes it "low" whatever the inputs say; empty leaves the rule alone.
        rating = A high revenue, low complexity | B high, high | C low, low | D low, high
    Counts
        Every row of the frame, in its order, with all its columns. A missing e-mail or hour figure
        does not make a client complex. `is_estimate` rides along untouched.
    Date basis
        the registry as it stands in the frame; revenue is annual collections
    Unit
        cents per provider; classes and ratings are words
    Empty
        No revenue, or no providers: revenue_per_provider_cents, revenue_class and rating are empty.
        No cadence, e-mails, hours or override at all: complexity_class and rating are empty.
    Source
        the firm's client-management guide (rating criteria and client overview). Exactly $125,000 is high,
        as in its overview; that exactly 4 hours is high is our own choice.

    >>> clients = pd.DataFrame({
    ...     "client": ["chicago-med", "cali-care"], "providers": [5, 4],
    ...     "revenue_cents": [82_799_000, 50_000_000], "meeting_cadence": ["monthly", "weekly"]})
    >>> client_ratings(clients)[["client", "revenue_per_provider_cents", "rating"]]
            client  revenue_per_provider_cents rating
    0  chicago-med                    16559800      A
    1    cali-care                    12500000      B
    """
    out = registry_frame(clients, NEEDED, OPTIONAL)
    odd = ~out["meeting_cadence"].isin(MEETING_CADENCES) & out["meeting_cadence"].notna()
    if odd.any():
        raise TableError(
            f"clients: meeting_cadence is one of {listed(MEETING_CADENCES)}; "
            f"{int(odd.sum())} of {len(out)} rows hold something else."
        )
    providers = pd.to_numeric(out["providers"]).where(pd.to_numeric(out["providers"]) > 0)
    revenue = pd.to_numeric(out["revenue_cents"])
    out["revenue_per_provider_cents"] = half_up(quotient(revenue, providers))
    known = revenue.notna() & providers.notna()
    is_high = revenue >= HIGH_REVENUE_PER_PROVIDER_CENTS * providers
    out["revenue_class"] = _classes(is_high, known)
    out["complexity_class"] = _classes(*_complexity(out))
    pairs = zip(out["revenue_class"], out["complexity_class"], strict=True)
    out["rating"] = pd.Series([RATINGS.get(pair) for pair in pairs], index=out.index, dtype="object")
    return out


@measure("Ratings that fell, and what follows", value="steps", unit="count", good="down")
def rating_falls(earliest: Any, before: Any, after: Any, *, as_of: dt.date) -> pd.DataFrame:
    """Clients whose rating is lower than two months ago, and what follows from it by when.

    Formula
        steps = letters between the rating of `earliest` and that of `after`
        is_triggered = two letters or more, or lower in `before` and in `after`
        where triggered: cause_by = five business days after `as_of`, plan_by = 30 days, review_by = 90 days
    Counts
        Clients rated in both `earliest` and `after` (`client_ratings`), whose letter is a later one. The meetings
        that follow are one step closer: monthly, biweekly, weekly. Holidays are not known.
    Date basis
        the registry at three month ends, the last of which is `as_of`
    Unit
        steps is a count of letters; dates; words
    Empty
        No rating fell: no row. Not triggered: empty days.
    Source
        our own; the letters are those of the firm's client-management guide

    >>> one = pd.DataFrame({"client": ["a"], "providers": [1], "revenue_cents": [13_000_000],
    ...     "meeting_cadence": ["monthly"]})
    >>> low = one.assign(revenue_cents=9_000_000)
    >>> rating_falls(one, one, low, as_of=dt.date(2026, 10, 31)).loc[0, ["rating_before", "rating_after", "cause_by"]]
    rating_before                      A
    rating_after                       C
    cause_by         2026-11-06 00:00:00
    Name: 0, dtype: object
    """
    names = ("rating_before", "rating_between", "rating_after")
    sides = [
        client_ratings(frame).set_index("client")["rating"].rename(name)
        for name, frame in zip(names, (earliest, before, after), strict=True)
    ]
    out = sides[2].to_frame().join(sides[:2], how="left").dropna(subset=["rating_before", "rating_after"])
    place = {name: out[name].map({letter: number for number, letter in enumerate("ABCD")}) for name in names}
    steps = (place["rating_after"] - place["rating_before"]).astype("int64")
    out = out.assign(steps=steps, between=place["rating_between"] > place["rating_before"])[steps > 0]
    out["is_triggered"] = (out["steps"] >= 2) | out["between"]
    closer = registry_frame(after, NEEDED).set_index("client")["meeting_cadence"].map(CLOSER)
    out["cadence"] = closer.reindex(out.index).where(out["is_triggered"], None)
    for name, day in (
        ("cause_by", np.busday_offset(as_of, 5, roll="backward")),
        ("plan_by", as_of + dt.timedelta(days=30)),
        ("review_by", as_of + dt.timedelta(days=90)),
    ):
        out[name] = pd.Series(pd.Timestamp(day), index=out.index).where(out["is_triggered"])
    columns = ["client", *names[::2], "steps", "is_triggered", "cadence", "cause_by", "plan_by", "review_by"]
    return out.sort_index().reset_index()[columns]


def registry_frame(clients: Any, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> pd.DataFrame:
    """A pandas copy of a frame of clients, with the optional columns added empty where absent."""
    if isinstance(clients, pl.LazyFrame):
        clients = clients.collect()
    out = clients.copy() if isinstance(clients, pd.DataFrame) else clients.to_pandas()
    missing = [name for name in needed if name not in out]
    if missing:
        raise TableError(f"clients lacks the columns {listed(missing)}; it has {listed(out.columns, 30)}.")
    for name in optional:
        if name not in out:
            out[name] = None
    return out.reset_index(drop=True)


def _complexity(out: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    emails = pd.to_numeric(out["emails_per_week"])
    hours = pd.to_numeric(out["hours_per_week"])
    is_high = (
        out["meeting_cadence"].isin(HIGH_CADENCES)
        | (emails >= HIGH_EMAILS_PER_WEEK).fillna(False)
        | (hours >= HIGH_HOURS_PER_WEEK).fillna(False)
    )
    override = out["high_complexity"].astype("boolean")
    known = out["meeting_cadence"].notna() | emails.notna() | hours.notna() | override.notna()
    return override.fillna(is_high.astype("boolean")).astype(bool), known


def _classes(is_high: pd.Series, known: pd.Series) -> pd.Series:
    words = is_high.fillna(False).astype(bool).map({True: "high", False: "low"}).astype("object")
    return words.where(known.astype(bool), None)
