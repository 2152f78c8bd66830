"""Retries of declined cards against the card networks' own published limits, whatever the client's policy says.

The data name the kind of card and not its number: retries are counted by payment and kind of card, as if it
were one card. Limits are dated, with the page they were read from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..frames import NO_VALUE
from ..periods import Period
from .ratios import quotient
from .self_pay_rules import Review, numbered_within

RETRIES, ATTEMPTS, NEVER = "retries", "attempts", "after a hard decline"
KEYS = ["client", "first", "method"]


@dataclass(frozen=True)
class NetworkLimit:
    """How many retries, or attempts in all, of one declined payment a network allows in so many days."""

    network: str
    counts: str
    days: int
    most: int
    since: dt.date
    until: dt.date
    source: str

    @property
    def words(self) -> str:
        """The limit as a reader would say it.

        >>> LIMITS[1].words, LIMITS[-1].words
        ('20 retries in 30 days', 'no retry after a hard decline')
        """
        if self.counts == NEVER:
            return "no retry after a hard decline"
        return f"{self.most} {self.counts} in {'one day' if self.days == 1 else f'{self.days} days'}"


FIRST, LAST = dt.date(2022, 4, 1), dt.date(2199, 12, 31)
CHANGED = dt.date(2025, 5, 19)
CHECKOUT = "support.checkout.com, article 25482040901394"
LIMITS = (
    NetworkLimit("visa", RETRIES, 30, 15, FIRST, CHANGED - dt.timedelta(days=1), "payway.com/visa-excessive-reattempts-rule-fees"),
    NetworkLimit("visa", RETRIES, 30, 20, CHANGED, LAST, CHECKOUT),
    NetworkLimit("visa", NEVER, 0, 0, FIRST, LAST, "payway.com/visa-excessive-reattempts-rule-fees"),
    NetworkLimit("mastercard", ATTEMPTS, 1, 10, FIRST, LAST, "developers.tabapay.com/docs/excessive-retry-rules (by calendar day)"),
    NetworkLimit("mastercard", ATTEMPTS, 30, 35, FIRST, LAST, CHECKOUT),
    NetworkLimit("mastercard", NEVER, 0, 0, FIRST, LAST, CHECKOUT),
)
"""The networks' limits by day. Other networks publish none that we have seen."""


def retries_beyond_limits(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Every retry of a declined card that its network's limits do not allow.

    Formula
        found > most, or a retry after a hard decline of the same kind of card
    Counts
        Retries of the period by Visa and Mastercard, against the limits in force on their day: Visa counts
        retries, 20 in 30 days (15 before May 19, 2025); Mastercard counts attempts with the first one, 10 in
        one day and 35 in 30 days; neither allows any after a hard decline. Days look back before the
        period. By payment and kind of card: the data hold no card numbers.
    Date basis
        day of the attempt
    Unit
        found is a count; one row per retry and limit
    Empty
        None, as it should be: no row.
    Source
        the limits' pages, in the column source

    >>> from rcm_analysis.measures.examples.self_pay import example_self_pay
    >>> len(retries_beyond_limits(example_self_pay(), period=Period.month("2026-01")))
    0
    """
    checked = _checked(tables, period)
    found = checked[checked["is_beyond"]].drop(columns=["is_beyond", "place", "counts"])
    return found.sort_values(["attempted_on", "attempt_id", "network"], ignore_index=True)


def network_retries(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Retries of declined cards against each limit of the card networks: how many, the most found, and those beyond.

    Formula
        beyond = retries for which the limit was exceeded
        beyond_share = beyond / retries
    Counts
        As `retries_beyond_limits`. Every limit in force in the period has its row. most_found: the most
        retries or attempts counted at one retry.
    Date basis
        day of the attempt
    Unit
        counts; share, 0 to 1
    Empty
        No retry on such a card: an empty share.
    Source
        the limits' pages, in the column source

    >>> from rcm_analysis.measures.examples.self_pay import example_self_pay
    >>> network_retries(example_self_pay(), period=Period.month("2026-01"))[["network", "allowed", "retries", "most_found", "beyond"]].head(2)
      network                        allowed  retries  most_found  beyond
    0    visa          20 retries in 30 days        1           1       0
    1    visa  no retry after a hard decline        1           0       0
    """
    checked = _checked(tables, period)
    rows = []
    for place, limit in enumerate(LIMITS):
        if limit.since > period.last_day or limit.until < period.first_day:
            continue
        mine = checked[checked["place"] == place]
        rows.append((limit.network, limit.words, limit.since, len(mine), int(mine["found"].max()) if len(mine) else 0,
                     int(mine["is_beyond"].sum()), limit.source))
    out = pd.DataFrame(rows, columns=["network", "allowed", "since", "retries", "most_found", "beyond", "source"])
    out["since"] = pd.to_datetime(out["since"]).astype("datetime64[us]")
    return out.assign(beyond_share=quotient(out["beyond"], out["retries"]))


def _checked(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """Every retry of the period beside every limit of its network in force on its day."""
    review = Review(tables, period)
    tried = review.attempts
    hard = (tried["decline_kind"] == "hard").astype("int64")
    tried = tried.assign(after_hard=hard.groupby([tried[name] for name in KEYS]).cumsum() - hard)
    parts = [_against(tried, limit, place) for place, limit in enumerate(LIMITS)]
    whole = pd.concat(parts, ignore_index=True)
    return whole[period.holds(whole["attempted_on"].dt.date)].reset_index(drop=True)


def _against(tried: pd.DataFrame, limit: NetworkLimit, place: int) -> pd.DataFrame:
    mine = tried[tried["method"] == limit.network]
    if limit.counts == RETRIES:
        mine = mine[mine["retry_of"] != NO_VALUE]
    mine = mine.assign(within=mine["after_hard"]) if limit.counts == NEVER else numbered_within(mine, KEYS, "attempted_on", limit.days)
    mine = mine[(mine["retry_of"] != NO_VALUE) & mine["attempted_on"].between(str(limit.since), str(limit.until))]
    out = mine[["client", "attempt_id", "claim_id", "attempted_on"]]
    return out.assign(
        network=limit.network, counts=limit.counts, allowed=limit.words, found=mine["within"].astype("int64"),
        is_beyond=mine["within"] > limit.most, source=limit.source, place=place)
