"""What was given up: write-offs by reason, denials among them, and balances swept away in whole dollars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from scipy.stats import binom

from ..frames import collect, day_number
from ..periods import Period
from .postings import (
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
from .ratios import quotient

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
"""Least and most that is believed of the usual share of swept write-offs: a young store and a habit mislead."""


def is_denial_write_off(reasons: Sequence[str] = DENIAL_REASONS) -> nw.Expr:
    """Write-offs with a denial code or reason, and denials posted as contractual: by code or in disguise.

    Needs the column `is_disguised` of `postings.with_disguise`.
    """
    reason = nw.col("reason").fill_null("").str.to_lowercase().str.replace_all("_", " ")
    given_up = (nw.col("kind") == "write_off") & (is_denial_code() | reason.is_in(list(reasons)))
    return given_up | ((nw.col("kind") == "contractual") & (is_denial_code() | nw.col(IS_DISGUISED)))


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
        contractual_cents: approved contractual, which nobody could have collected and which is not a
        write-off. denial_cents: write-offs with a denial code or one of `denial_reasons`, and denials
        posted as contractual, under a denial code or (where remittances are given) in the amount that
        the payer denied. other_cents: all other write-offs (small balance, bad debt, ...).
        `by` may hold columns of the posting (`reason`, `carc`, `approved_by`, ...) and of its claim.
    Date basis
        posting date
    Unit
        cents, positive when given up; postings is a count
    Empty
        Without `by` one row of zeros; with `by` no row for a group without such postings.
    Source
        claimnbilling.com: contractual, administrative and true write-offs kept apart

    >>> from rcm_analysis.measures.examples.ledger import example_ledger
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


def denial_write_off_share(
    tables: Mapping[str, Any],
    *,
    period: Period,
    by: Sequence[str] = (),
    denial_reasons: Sequence[str] = DENIAL_REASONS,
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

    >>> from rcm_analysis.measures.examples.ledger import example_ledger
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
    return out.assign(
        denial_write_off_share=quotient(out["denial_cents"], out["collectable_cents"].clip(lower=0))
    )


def small_balance_write_offs(
    tables: Mapping[str, Any],
    *,
    period: Period,
    limit_cents: int = SMALL_BALANCE_CENTS,
    by: Sequence[str] = (),
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

    >>> from rcm_analysis.measures.examples.ledger import example_ledger
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


def whole_dollar_sweeps(
    tables: Mapping[str, Any], *, period: Period, fewest: int = 4, chance: float = 0.01
) -> pd.DataFrame:
    """Days on which old balances look swept away in whole dollars, to make the aging look young.

    Formula
        swept = write-offs of whole dollars on claims served more than 120 days before the posting
        swept_share = swept / write_offs of the batch
        usual_share = the same share over the twelve months before the period
        chance = how likely an ordinary batch of that size holds so many swept ones: the binomial tail
        at the usual share, with one swept among three write-offs added to it for want of history, and
        never below a quarter nor above one half
    Counts
        A batch is one client's write-offs of one day, whoever posted them; posters counts the people
        (no name is one). It is returned when it holds at least `fewest` swept write-offs and its
        chance is at most `chance`: a client whose charges are round has many ordinary ones, and
        whose store is young has few old claims yet, hence the quarter; a habit of sweeping would
        become its own yardstick, hence the half. A sweep is a question to ask, not a proof.
    Date basis
        posting date; age from the service date
    Unit
        rate; swept, write_offs and posters are counts; swept_cents in cents, positive
    Empty
        No suspicious batch: no row. Without earlier write-offs usual_share is empty.
    Source
        chnbilling.com "identifying your AR" (whole-dollar write-offs in the 120+ column)

    >>> from rcm_analysis.measures.examples.ledger import example_ledger
    >>> found = whole_dollar_sweeps(example_ledger(), period=Period.month("2026-03"), fewest=2, chance=0.2)
    >>> found[["posted_on", "posters", "swept", "swept_cents", "write_offs", "swept_share"]]
       posted_on  posters  swept  swept_cents  write_offs  swept_share
    0 2026-03-30        1      2         1000           2          1.0
    """
    before = Period(Period.of(period.first_day).shift(-12).first_day, period.first_day)
    batch, parts = ["client", "posted_on"], ["swept", "swept_cents", "write_offs"]
    marked = _marked(tables)
    by_poster = (
        marked.filter(period.holds(nw.col("posted_on")))
        .group_by(*batch, "posted_by")
        .agg(*[nw.col(name).sum() for name in parts])
        .with_columns(posters=nw.lit(1))
    )
    batches = by_poster.group_by(*batch).agg(*[nw.col(name).sum() for name in ["posters", *parts]])
    out = collect(batches, batch, dates=["posted_on"])
    usual = sums(marked.filter(before.holds(nw.col("posted_on"))), ["client"], ["swept", "write_offs"])
    usual = usual.rename(columns={"swept": "swept_before", "write_offs": "write_offs_before"})
    out = out.merge(usual, on="client", how="left").fillna({"swept_before": 0, "write_offs_before": 0})
    out["swept_share"] = quotient(out["swept"], out["write_offs"])
    out["usual_share"] = quotient(out["swept_before"], out["write_offs_before"])
    yardstick = quotient(out["swept_before"] + 1, out["write_offs_before"] + 3).clip(*USUAL_SHARES)
    out["chance"] = binom.sf(out["swept"] - 1, out["write_offs"], yardstick)
    found = out[(out["swept"] >= fewest) & (out["chance"] <= chance)]
    return found[[*batch, "posters", *parts, "swept_share", "usual_share", "chance"]].reset_index(drop=True)


def _marked(tables: Mapping[str, Any]) -> nw.LazyFrame:
    """Write-offs with `swept` (0 or 1), `swept_cents` (positive) and `write_offs` (always 1)."""
    columns = ["client", "claim_id", "kind", "posted_by", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", columns).filter(
        nw.col("kind") == "write_off", nw.col("amount_cents") < 0
    )
    rows = with_claim_columns(filled(rows, ["posted_by"]), tables, ["service_on"])
    age = day_number(nw.col("posted_on")) - day_number(nw.col("service_on"))
    is_swept = (nw.col("amount_cents") % 100 == 0) & (age > OLD_DAYS).fill_null(False)
    return rows.with_columns(
        swept=nw.when(is_swept).then(1).otherwise(0),
        write_offs=nw.lit(1),
        swept_cents=nw.when(is_swept).then(nw.col("amount_cents") * -1).otherwise(0),
    )
