"""Write-offs: by reason, those that were lost to denials, small balances, and old balances written off in batches of
whole dollars."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import (
    IS_DISGUISED,
    filled,
    is_approved_contractual,
    is_denial_code,
    net_of_contractual,
    net_parts,
    postings,
    source,
    split_by_kind,
    sums,
    with_claim_columns,
)
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, day_number
from ..menu import measure

DENIAL_REASONS = (
    "denial",
    "denied",
    "timely filing",
    "no authorization",
    "authorization",
    "eligibility",
    "not eligible",
    "no referral",
    "medical necessity",
    "non-covered",
    "credentialing",
    "coding denial",
)
"""Write-off reasons of billing systems that mean a lost denial; compared in lower case, `_` as a blank."""

OLD_DAYS = 120
SMALL_BALANCE_CENTS = 10_00

USUAL_SHARES = (0.25, 0.5)
"""The usual share of swept write-offs is never taken lower or higher than this: a young store shows too little of it, a
client with the habit too much."""

MONTHS_BEFORE = 12
DAY = ["client", "posted_on"]
SWEPT = ["swept", "swept_cents", "write_offs"]
SWEEP_COLUMNS = [*DAY, "reason", "posters", *SWEPT, "swept_share", "usual_share", "chance"]
SWEEP_EXTRAS = ["is_whole"]
SWEEP_TYPES = {
    "posted_on": "datetime64[ns]",
    "posters": "int64",
    **dict.fromkeys(SWEPT, "int64"),
    **dict.fromkeys(["swept_share", "usual_share", "chance"], "float64"),
}


def is_denial_write_off(reasons: Sequence[str] = DENIAL_REASONS) -> nw.Expr:
    """Which postings are denial write-offs: write-offs with a denial code or reason, and contractual adjustments that
    in truth post a denial (under a denial code, or marked `is_disguised`).

    Needs the column `is_disguised`, which `postings.with_disguise` adds.
    """
    reason = nw.col("reason").fill_null("").str.to_lowercase().str.replace_all("_", " ")
    given_up = (nw.col("kind") == "write_off") & (is_denial_code() | reason.is_in(list(reasons)))
    return given_up | ((nw.col("kind") == "contractual") & (is_denial_code() | nw.col(IS_DISGUISED)))


@measure("Write-offs", value="write_off_cents", good="down", is_additive=True)
def write_offs(
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = ("reason",),
    denial_reasons: Sequence[str] = DENIAL_REASONS,
) -> pd.DataFrame:
    """What was written off in the period, by reason; approved contractual adjustments apart.

    Formula
        write_off_cents = denial_cents + other_cents
    Counts
        Postings of kind "write_off" and "contractual" in the period; reversals lower the sums.
        contractual_cents: approved contractual adjustments, which nobody could have collected and which are not
        write-offs. denial_cents: write-offs with a denial code or one of `denial_reasons`, and denials
        that somebody posted as contractual: under a denial code or, where remittances are given, in the very
        amount that the payer denied. other_cents: all other write-offs (small balance, bad debt, ...).
        `by` may name columns of the posting (`reason`, `carc`, `approved_by`, ...) and of its claim.
    Date basis
        posting date
    Unit
        cents, positive when given up; postings is a count
    Empty
        Without `by` one row of zeros; with `by` no row for a group without such postings.
    Source
        claimnbilling.com: contractual, administrative and true write-offs kept apart

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = write_offs(example_ledger(), period=Period.month("2026-03"))
    >>> found[["reason", "contractual_cents", "denial_cents", "other_cents"]]
              reason  contractual_cents  denial_cents  other_cents
    0         (none)               4000          2000            0
    1  small balance                  0             0          400
    2  timely filing                  0           600            0
    """
    rows = postings(tables, ["kind", "carc", "reason", "amount_cents", "posted_on"], by=by, disguise=True)
    rows = rows.filter(nw.col("kind").is_in(["write_off", "contractual"]), period.holds(nw.col("posted_on")))
    is_denial = is_denial_write_off(denial_reasons)
    parts = {
        "contractual_cents": is_approved_contractual(),
        "denial_cents": is_denial,
        "other_cents": (nw.col("kind") == "write_off") & ~is_denial,
    }
    out = sums(split_by_kind(rows, parts), by, list(parts), count="postings")
    out[list(parts)] *= -1
    return out.assign(write_off_cents=out["denial_cents"] + out["other_cents"])


@measure("Denial write-offs as a share of collectable charges", unit="rate", good="down")
def denial_write_off_share(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = (), denial_reasons: Sequence[str] = DENIAL_REASONS
) -> pd.DataFrame:
    """Money lost to denials as a share of what could be collected.

    Formula
        denial_write_off_share = denial_cents / collectable_cents
        collectable_cents = charges - approved contractual adjustments
    Counts
        Denial write-offs as in `write_offs`, net of their reversals; charges and approved contractual
        posted in the same period stand in for net patient service revenue.
    Date basis
        posting date, for both
    Unit
        rate
    Empty
        Nothing collectable posted in the period: empty, never 0.
    Source
        HFMA MAP Key AR-6 (denial write-offs as a percentage of net patient service revenue)

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> denial_write_off_share(example_ledger(), period=Period.month("2026-03"))
       denial_cents  collectable_cents  denial_write_off_share
    0          2600              14000                0.185714
    """
    rows = postings(tables, ["kind", "carc", "reason", "amount_cents", "posted_on"], by=by, disguise=True)
    parts = net_parts() | {"denial_cents": is_denial_write_off(denial_reasons)}
    rows = split_by_kind(rows.filter(period.holds(nw.col("posted_on"))), parts)
    out = net_of_contractual(sums(rows, by, list(parts)))
    out["denial_cents"] *= -1
    out = out[[*by, "denial_cents", "collectable_cents"]]
    return out.assign(denial_write_off_share=quotient(out["denial_cents"], out["collectable_cents"].clip(lower=0)))


@measure("Small-balance write-offs as a share of write-offs", value="small_share", unit="rate")
def small_balance_write_offs(
    tables: Mapping[str, Any], *, period: Period, limit_cents: int = SMALL_BALANCE_CENTS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Write-offs of ten dollars or less: how many, how much, and their share of all write-offs.

    Formula
        small_share = small / write_offs
    Counts
        Postings of kind "write_off" in the period that lower a balance; small when they are
        `limit_cents` or less. Reversals are in neither. `by` as in `write_offs`.
    Date basis
        posting date
    Unit
        rate of counts; small and write_offs are counts; cents
    Empty
        No write-off: empty, never 0.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> small_balance_write_offs(example_ledger(), period=Period.month("2026-03"))
       small  small_cents  write_offs  write_off_cents  small_share
    0      2         1000           2             1000          1.0
    """
    rows = postings(tables, ["kind", "amount_cents", "posted_on"], by=by)
    amount = nw.col("amount_cents")
    rows = rows.filter(nw.col("kind") == "write_off", amount < 0, period.holds(nw.col("posted_on")))
    is_small = amount >= -limit_cents
    rows = rows.with_columns(
        small=nw.when(is_small).then(1).otherwise(0),
        small_cents=nw.when(is_small).then(amount).otherwise(0),
        write_offs=nw.lit(1),
        write_off_cents=amount,
    )
    out = sums(rows, by, ["small", "small_cents", "write_offs", "write_off_cents"])
    out[["small_cents", "write_off_cents"]] *= -1
    return out.assign(small_share=quotient(out["small"], out["write_offs"]))


@measure("Whole-dollar write-offs of old balances, by batch", value="swept_cents", good="down")
def whole_dollar_sweeps(
    tables: Mapping[str, Any], *, period: Period, fewest: int = 4, chance: float = 0.01
) -> pd.DataFrame:
    """Days on which many old balances were written off in whole dollars, as if to make the aging look young.

    Formula
        swept = write-offs of whole dollars on claims served more than 120 days before the posting
        swept_share = swept / write_offs of the batch
        usual_share = swept / write_offs of the client in the twelve months before the period, without the
        batches that were found in those months
        chance = number of batches looked at on that day, times the probability that an ordinary batch of
        this size holds so many swept write-offs or more (binomial tail)
    Counts
        A batch is what one client wrote off on one day under one reason, whoever posted it; all that it
        wrote off on the day is a batch, too. With two reasons, three batches are looked at. The least likely
        batch stands for the day; `reason` is empty where that is the whole day and it has several reasons.
        A batch is returned when it holds at least `fewest` swept write-offs and its chance is at most `chance`, on
        the last working day of a month or after it; the other days of the month, of which each could be the one,
        share that `chance`.

        The share of an ordinary batch, for the binomial tail, is the past share of its reason. A reason with
        few write-offs is drawn towards the client's share, and a client with few towards one in three, each
        as if three more write-offs were known. It is never taken below a quarter (a young store has few old
        claims yet) and never above a half (a habit would become its own yardstick).

        A client that was found to sweep under some reason on the last day of a month is expected to do it
        again. On the last days of the next twelve months two swept write-offs are enough for a batch, and
        that one batch may use up the `chance` of all the days on which the client wrote something off.

        posters: the people who posted the batch; postings without a name count as one. A sweep is a
        question to ask, not a proof.
    Date basis
        posting date; age from the service date
    Unit
        rate; swept, write_offs and posters are counts; swept_cents in cents, positive
    Empty
        No suspicious batch: no row. Without earlier write-offs usual_share is empty.
    Source
        chnbilling.com "identifying your AR" (whole-dollar write-offs in the 120+ column)

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = whole_dollar_sweeps(example_ledger(), period=Period.month("2026-03"), fewest=2, chance=0.4)
    >>> found[["posted_on", "reason", "posters", "swept", "swept_cents", "write_offs", "swept_share"]]
       posted_on reason  posters  swept  swept_cents  write_offs  swept_share
    0 2026-03-30              1      2         1000           2          1.0
    """
    first = Period.of(period.first_day)
    known = Period(first.shift(-2 * MONTHS_BEFORE).first_day, period.end)
    marked = _marked(tables).filter(known.holds(nw.col("posted_on")))
    postings_of = [*DAY, "reason", "posted_by"]
    rows = collect(
        marked.group_by(*postings_of).agg(*[nw.col(name).sum() for name in SWEPT]), postings_of, dates=["posted_on"]
    )
    batches = _batches(rows)
    earlier: list[Any] = []
    for back in range(MONTHS_BEFORE, 0, -1):
        month = first.shift(-back)
        earlier += _judged(batches, earlier, month, fewest, chance)
    found: list[Any] = []
    for month in period.months():
        found += _judged(batches, earlier + found, month, fewest, chance)
    return pd.DataFrame(found, columns=[*SWEEP_COLUMNS, *SWEEP_EXTRAS])[SWEEP_COLUMNS].astype(SWEEP_TYPES)


def _batches(rows: pd.DataFrame) -> list[Any]:
    """The write-offs of each day, one batch per reason, and one for the whole day where it has several reasons; `looks`
    says how many batches the day has."""
    counted = rows.assign(reason=rows["reason"].fillna(""))
    sums = {"posters": ("posted_by", "nunique"), **{name: (name, "sum") for name in SWEPT}}
    by_reason = counted.groupby([*DAY, "reason"], as_index=False).agg(**sums)
    reasons = by_reason.groupby(DAY)["reason"].transform("size")
    by_reason["looks"] = reasons + (reasons > 1)
    whole = counted.groupby(DAY, as_index=False).agg(reasons=("reason", "nunique"), **sums)
    whole = whole[whole["reasons"] > 1].assign(looks=lambda found: found["reasons"] + 1, reason="", is_whole=True)
    out = pd.concat([by_reason.assign(is_whole=False), whole.drop(columns="reasons")], ignore_index=True)
    out = out.assign(swept_share=quotient(out["swept"], out["write_offs"]))
    return list(out.sort_values([*DAY, "reason"]).itertuples(index=False, name="Batch"))


def _judged(batches: list[Any], earlier: list[Any], period: Period, fewest: int, chance: float) -> list[Any]:
    """The batches of the period that chance does not explain, at most one a day; `earlier` are the batches of the
    months before."""
    from scipy.stats import binom

    first, last = pd.Timestamp(period.first_day), pd.Timestamp(period.last_day)
    since = pd.Timestamp(Period.of(period.first_day).shift(-MONTHS_BEFORE).first_day)
    now = [one for one in batches if first <= one.posted_on <= last]
    earlier = [one for one in earlier if since <= one.posted_on]
    tried = [one for one in now if one.swept >= min(fewest, 2)]
    if not tried:
        return []
    before = [one for one in batches if since <= one.posted_on < first]
    found = _with_yardstick(pd.DataFrame(tried), _ordinary(before, earlier))
    habits = {_kind(one) for one in earlier if one.posted_on.is_month_end}
    is_habit = pd.Series([one.posted_on.is_month_end and _kind(one) in habits for one in tried])
    of_month = {(one.client, one.posted_on.year, one.posted_on.month, one.posted_on.day) for one in now}
    days = Counter(day[:3] for day in of_month)
    found["days"] = [days[one.client, one.posted_on.year, one.posted_on.month] for one in tried]
    tail = binom.sf(found["swept"] - 1, found["write_offs"], found["yardstick"])
    found["chance"] = (tail * found["looks"].mask(is_habit, 1)).clip(upper=1)
    month_end = (found["posted_on"] + pd.offsets.MonthEnd(0)).to_numpy("datetime64[D]")
    is_end = found["posted_on"] >= np.busday_offset(month_end, 0, roll="backward")
    limit = (found["days"] * chance).where(is_habit, chance)
    could_be = found["days"].mask(is_end, 1)
    found = found[(is_habit | (found["swept"] >= fewest)) & (found["chance"] * could_be <= limit)]
    found = found.sort_values([*DAY, "chance", "is_whole"]).drop_duplicates(DAY)
    return list(found[[*SWEEP_COLUMNS, *SWEEP_EXTRAS]].itertuples(index=False, name="Batch"))


def _kind(batch: Any) -> tuple[Any, ...]:
    return batch.client, batch.reason, batch.is_whole


def _ordinary(before: list[Any], earlier: list[Any]) -> dict[tuple[Any, ...], list[int]]:
    """Swept and all write-offs of each client, and of each of its reasons, without the batches found earlier."""
    gone = {(one.client, one.posted_on, None if one.is_whole else one.reason) for one in earlier}
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for one in before:
        day = one.client, one.posted_on
        if one.is_whole or (*day, None) in gone or (*day, one.reason) in gone:
            continue
        for key in ((one.client,), (one.client, one.reason)):
            sums[key][0] += one.swept
            sums[key][1] += one.write_offs
    return sums


def _with_yardstick(found: pd.DataFrame, ordinary: Mapping[tuple[Any, ...], list[int]]) -> pd.DataFrame:
    """`usual_share` of the client, and the share that an ordinary batch would have (`yardstick`)."""
    of_client = [ordinary.get((one.client,), [0, 0]) for one in found.itertuples()]
    of_reason = [ordinary.get((one.client, one.reason), [0, 0]) for one in found.itertuples()]
    swept, written = (pd.Series([sums[part] for sums in of_client], dtype=float) for part in (0, 1))
    swept_of, written_of = (pd.Series([sums[part] for sums in of_reason], dtype=float) for part in (0, 1))
    least, most = USUAL_SHARES
    whole = quotient(swept + 1, written + 3).clip(least, most)
    one = quotient(swept_of + 3 * whole, written_of + 3).clip(least, most)
    return found.assign(usual_share=quotient(swept, written), yardstick=one.mask(found["is_whole"], whole))


def _marked(tables: Mapping[str, Any]) -> nw.LazyFrame:
    """Write-offs with `swept` (0 or 1), `swept_cents` (positive) and `write_offs` (always 1)."""
    columns = ["client", "claim_id", "kind", "posted_by", "reason", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", columns).filter(nw.col("kind") == "write_off", nw.col("amount_cents") < 0)
    rows = with_claim_columns(filled(rows, ["posted_by", "reason"]), tables, ["service_on"])
    age = day_number(nw.col("posted_on")) - day_number(nw.col("service_on"))
    is_swept = (nw.col("amount_cents") % 100 == 0) & (age > OLD_DAYS).fill_null(False)
    return rows.with_columns(
        swept=nw.when(is_swept).then(1).otherwise(0),
        write_offs=nw.lit(1),
        swept_cents=nw.when(is_swept).then(nw.col("amount_cents") * -1).otherwise(0),
    )
