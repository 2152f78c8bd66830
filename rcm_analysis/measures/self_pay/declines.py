"""Declined payments: how often the first try is declined, and what came of trying again.

An attempt and those that repeat it are one payment. Cash and checks cannot be declined at the desk and are
in no rate here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...ledger.registers import known
from ...periods import Period
from ...tables.frames import NO_VALUE, day_number
from ..menu import measure
from .rules import Review, numbered_within

col = nw.col
ELECTRONIC = ("visa", "mastercard", "other_card", "bank")
RECOVERY_DAYS = 30
COLUMNS = ["attempt_id", "claim_id", "amount_cents", "method", "result", "decline_kind", "retry_of"]


@measure("Payments declined at the first try", unit="rate", good="down")
def decline_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Payments by card or bank that were declined at the first try.

    Formula
        decline_rate = declined_payments / payments
    Counts
        First attempts (those that repeat no other) by card or bank in the period, approved or declined.
        `by`: columns of the attempt (`method`, `channel`, `decline_kind`) or of its claim.
    Date basis
        day of the attempt
    Unit
        share of payments, 0 to 1; counts; cents
    Empty
        No such payment: an empty value.
    Source
        our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> decline_rate(example_self_pay(), period=Period.month("2026-03").trailing(3))
       declined_cents  attempted_cents  declined_payments  payments  decline_rate
    0            7000             9500                  2         3      0.666667
    """
    rows = _first_attempts(tables, period, period.last_day, by)
    is_declined = col("result") == "declined"
    rows = rows.with_columns(
        declined_cents=nw.when(is_declined).then(col("amount_cents")).otherwise(0),
        attempted_cents=col("amount_cents"),
        declined_payments=one_if(is_declined),
        payments=nw.lit(1),
    )
    found = sums(rows, by, ["declined_cents", "attempted_cents", "declined_payments", "payments"])
    return with_rate(found, "decline_rate", "declined_payments", "payments")


@measure("Declined dollars recovered within 30 days", unit="rate", good="up")
def decline_recovery(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, days: int = RECOVERY_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Declined dollars that were recovered by trying again within 30 days.

    Formula
        decline_recovery = recovered_cents / declined_cents
        attempts_per_decline = attempts / declined_payments
    Counts
        Payments declined at the first try in the period, `days` days or longer before `as_of`;
        young_payments are too recent and left out. Recovered: a repeat of the payment was approved
        within `days` days of the first try. attempts: the first try and its repeats within those days.
        `by` as in `decline_rate`; `decline_kind` (hard or soft) is that of the first try.
    Date basis
        day of the first attempt; repeats as known on `as_of`
    Unit
        share of dollars, 0 to 1; counts; cents
    Empty
        Nothing declined long enough ago: an empty value.
    Source
        our own: recovered within 30 days / declined dollars

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = decline_recovery(
    ...     example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30)
    ... )
    >>> found[["declined_payments", "recovered_cents", "declined_cents", "decline_recovery"]]
       declined_payments  recovered_cents  declined_cents  decline_recovery
    0                  2             4000            7000          0.571429
    """
    rows = _declined(tables, period, as_of, days, by)
    is_old = day_number(col("attempted_on")) <= as_of.toordinal() - days
    got = is_old & (col("approvals").fill_null(0) > 0)
    rows = rows.with_columns(
        young_payments=one_if(~is_old),
        declined_payments=one_if(is_old),
        recovered_payments=one_if(got),
        attempts=nw.when(is_old).then(col("repeats").fill_null(0) + 1).otherwise(0),
        recovered_cents=nw.when(got).then(col("amount_cents")).otherwise(0),
        declined_cents=nw.when(is_old).then(col("amount_cents")).otherwise(0),
    )
    found = sums(
        rows,
        by,
        ["young_payments", "declined_payments", "recovered_payments", "attempts", "recovered_cents", "declined_cents"],
    )
    found["attempts_per_decline"] = quotient(found["attempts"], found["declined_payments"])
    return with_rate(found, "decline_recovery", "recovered_cents", "declined_cents")


@measure("Declined payments that went through when tried again", unit="rate", good="up")
def reprocess_success(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Declined payments that went through when they were tried again, of those tried again.

    Formula
        reprocess_success = approved_payments / retried_payments
    Counts
        Payments declined at the first try in the period with at least one repeat by `as_of`; approved
        when a repeat went through by then. untried_payments were never tried again. `by` as in
        `decline_rate`.
    Date basis
        day of the first attempt; repeats as known on `as_of`
    Unit
        share of payments, 0 to 1; counts
    Empty
        Nothing was tried again: an empty value.
    Source
        the programme's scope of work: reprocess declined payments

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> reprocess_success(example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30))
       untried_payments  approved_payments  retried_payments  reprocess_success
    0                 1                  1                 1                1.0
    """
    rows = _declined(tables, period, as_of, None, by)
    tried = col("repeats").fill_null(0) > 0
    rows = rows.with_columns(
        untried_payments=one_if(~tried),
        approved_payments=one_if(tried & (col("approvals").fill_null(0) > 0)),
        retried_payments=one_if(tried),
    )
    found = sums(rows, by, ["untried_payments", "approved_payments", "retried_payments"])
    return with_rate(found, "reprocess_success", "approved_payments", "retried_payments")


def _first_attempts(tables: Mapping[str, Any], period: Period, as_of: dt.date, by: Sequence[str]) -> nw.LazyFrame:
    rows = known(tables, "payment_attempts", COLUMNS, as_of=as_of, by=by)
    rows = rows.filter(
        period.holds(col("attempted_on")), col("retry_of").is_null(), col("method").is_in(list(ELECTRONIC))
    )
    return with_groups(rows, tables, by, month_on="attempted_on")


def _declined(
    tables: Mapping[str, Any], period: Period, as_of: dt.date, days: int | None, by: Sequence[str]
) -> nw.LazyFrame:
    """Payments declined at the first try, with `repeats` and `approvals` (within `days` days, where given)."""
    first = _first_attempts(tables, period, as_of, by).filter(col("result") == "declined")
    again = known(tables, "payment_attempts", ["retry_of", "result"], as_of=as_of).filter(~col("retry_of").is_null())
    again = again.select("client", col("retry_of").alias("attempt_id"), col("attempted_on").alias("again_on"), "result")
    start = first.select("client", "attempt_id", col("attempted_on").alias("first_on"))
    again = start.join(again, on=["client", "attempt_id"], how="inner")
    if days is not None:
        again = again.filter(day_number(col("again_on")) - day_number(col("first_on")) <= days)
    again = again.with_columns(repeats=nw.lit(1), approvals=one_if(col("result") == "approved"))
    told = again.group_by("client", "attempt_id").agg(col("repeats").sum(), col("approvals").sum())
    return first.join(told, on=["client", "attempt_id"], how="left")


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
    NetworkLimit(
        "visa", RETRIES, 30, 15, FIRST, CHANGED - dt.timedelta(days=1), "payway.com/visa-excessive-reattempts-rule-fees"
    ),
    NetworkLimit("visa", RETRIES, 30, 20, CHANGED, LAST, CHECKOUT),
    NetworkLimit("visa", NEVER, 0, 0, FIRST, LAST, "payway.com/visa-excessive-reattempts-rule-fees"),
    NetworkLimit(
        "mastercard",
        ATTEMPTS,
        1,
        10,
        FIRST,
        LAST,
        "developers.tabapay.com/docs/excessive-retry-rules (by calendar day)",
    ),
    NetworkLimit("mastercard", ATTEMPTS, 30, 35, FIRST, LAST, CHECKOUT),
    NetworkLimit("mastercard", NEVER, 0, 0, FIRST, LAST, CHECKOUT),
)
"""The networks' limits by day. Other networks publish none that we have seen."""


@measure("Card retries beyond the networks' limits, one by one", value="found", unit="count", good="down")
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

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> len(retries_beyond_limits(example_self_pay(), period=Period.month("2026-01")))
    0
    """
    checked = _checked(tables, period)
    found = checked[checked["is_beyond"]].drop(columns=["is_beyond", "place", "counts"])
    return found.sort_values(["attempted_on", "attempt_id", "network"], ignore_index=True)


@measure("Card retries against the networks' limits", value="beyond", unit="count", good="down")
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

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> network_retries(example_self_pay(), period=Period.month("2026-01"))[
    ...     ["network", "allowed", "retries", "most_found", "beyond"]
    ... ].head(2)
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
        rows.append(
            (
                limit.network,
                limit.words,
                limit.since,
                len(mine),
                int(mine["found"].max()) if len(mine) else 0,
                int(mine["is_beyond"].sum()),
                limit.source,
            )
        )
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
    mine = (
        mine.assign(within=mine["after_hard"])
        if limit.counts == NEVER
        else numbered_within(mine, KEYS, "attempted_on", limit.days)
    )
    mine = mine[(mine["retry_of"] != NO_VALUE) & mine["attempted_on"].between(str(limit.since), str(limit.until))]
    out = mine[["client", "attempt_id", "claim_id", "attempted_on"]]
    return out.assign(
        network=limit.network,
        counts=limit.counts,
        allowed=limit.words,
        found=mine["within"].astype("int64"),
        is_beyond=mine["within"] > limit.most,
        source=limit.source,
        place=place,
    )
