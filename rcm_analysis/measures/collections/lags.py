"""How long each step takes: service to charge entry, entry to first bill, bill to the payer's answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.derived import ANSWERED
from ...ledger.postings import filled, with_claim_columns
from ...ledger.ratios import ratio
from ...periods import Period
from ...tables.frames import collect, day_number, days_before, month_of, source
from ...tables.schema import CLAIMS
from ..menu import measure

COHORT_DAYS = 90
"""Bills this old are mature: most payers have answered by then, the others count as still waiting."""

SHAPE = ("claims", "answered", "out_of_order", "days_total", "mean_days", "median_days", "p90_days")


@measure("Days from service to charge entry", value="median_days", unit="days", good="down")
def charge_lag(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Days from the service to the entry of its charges.

    Formula
        days = entered_on - service_on; mean_days = days_total / answered
        median_days, p90_days = the first day by which 50 % or 90 % of the claims were entered
    Counts
        Claims entered in the period. Claims entered before the service are counted in
        `out_of_order` and left out of the days. Claims known from answers alone are not counted: the day of their
        entry is not on file. `by` may hold columns of claims and `month` (of entry).
    Date basis
        charge entry date
    Unit
        days; claims, answered (claims with both days in order) and out_of_order are counts
    Empty
        No claim entered: without `by` one row with empty days, with `by` no row.
    Source
        "total charge lag days", HFMA MAP practice keys (2012)

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = charge_lag(example_ledger(), period=Period.month("2026-03"))
    >>> found[["claims", "days_total", "mean_days", "median_days"]]
       claims  days_total  mean_days  median_days
    0       2           2        1.0          1.0
    """
    looked_up = [name for name in by if name != "month"]
    names = ["client", "claim_id", "service_on", "entered_on"]
    rows = source(tables, "claims", names, by=looked_up, may_lack=["submission_id"])
    rows = rows.filter(period.holds(nw.col("entered_on")), nw.col("submission_id").fill_null("") != ANSWERED)
    return _lags(rows, start="service_on", end="entered_on", month="entered_on", by=by)


@measure("Days from charge entry to first bill", value="median_days", unit="days", good="down")
def submission_lag(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Days from charge entry to the first bill.

    Formula
        days = first submitted_on - entered_on; mean_days = days_total / answered
        median_days, p90_days = the first day by which 50 % or 90 % of the claims were billed
    Counts
        Claims whose first submission, to any payer, lies in the period. Claims entered and not yet
        billed are not in it (`ar.aging` on a bill clock shows them as unbilled). Claims billed
        before their entry are in `out_of_order`. `by` may hold columns of claims and `month` (of the bill).
    Date basis
        first submission date
    Unit
        days; claims, answered (claims with both days in order) and out_of_order are counts
    Empty
        No first bill: without `by` one row with empty days, with `by` no row.
    Source
        our own; named by physicianspractice.com "avoiding the report quagmire"

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = submission_lag(example_ledger(), period=Period.month("2026-03"))
    >>> found[["claims", "days_total", "mean_days", "median_days"]]
       claims  days_total  mean_days  median_days
    0       1           2        2.0          2.0
    """
    looked_up = [name for name in by if name not in ("month", "client")]
    first = first_bills(tables).filter(period.holds(nw.col("billed_on")))
    rows = with_claim_columns(first, tables, ["entered_on", *looked_up])
    return _lags(filled(rows, by), start="entered_on", end="billed_on", month="billed_on", by=by)


@measure("Days from first bill to the payer's answer", value="median_days", unit="days", good="down")
def days_to_pay(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, cohort_days: int = COHORT_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Days from the first bill to the primary payer's first remittance, paid or denied.

    Formula
        days = first received_on - first submitted_on; mean_days = days_total / answered
        median_days, p90_days = the first day by which 50 % or 90 % of all billed claims were
        answered; a claim without an answer counts as still waiting
    Counts
        Claims first billed to the primary payer in the period and at least `cohort_days` before
        `as_of`, with what was known on `as_of`; reversals (status 22) are not answers. Younger
        claims are left out, because the slow ones among them have not answered yet (censored).
        The mean is of answered claims only and so too short; the median is not.
        `by` may hold columns of claims and `month` (of the bill).
    Date basis
        first submission date; answers by the day the remittance was received
    Unit
        days; claims, answered and out_of_order are counts
    Empty
        Half (or 90 %) never answered: the median (or p90) is empty. No mature claim: all are empty.
    Source
        our own; the cohort keeps out the bias of unanswered claims

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> billed = Period.month("2026-03").trailing(5)
    >>> found = days_to_pay(example_ledger(), period=billed, as_of=dt.date(2026, 6, 30))
    >>> found[["claims", "answered", "median_days", "p90_days"]]
       claims  answered  median_days  p90_days
    0       3         3         30.0     100.0
    """
    looked_up = [name for name in by if name not in ("month", "client")]
    mature = nw.col("billed_on") <= days_before(as_of, cohort_days)
    billed = first_bills(tables, primary=True).filter(period.holds(nw.col("billed_on")), mature)
    rows = with_claim_columns(billed, tables, looked_up)
    rows = rows.join(first_answers(tables, as_of=as_of), on=list(CLAIMS.key), how="left")
    return _lags(filled(rows, by), start="billed_on", end="answered_on", month="billed_on", by=by)


def first_bills(tables: Mapping[str, Any], *, primary: bool = False) -> nw.LazyFrame:
    """client, claim_id, billed_on: the first day on which each claim was sent (to its primary payer)."""
    sent = source(tables, "submissions", ["client", "claim_id", "payer_order", "submitted_on", "frequency"])
    sent = sent.filter(nw.col("frequency").fill_null("1") != "8")
    if primary:
        sent = sent.filter(nw.col("payer_order") == "primary")
    return sent.group_by("client", "claim_id").agg(nw.col("submitted_on").min().alias("billed_on"))


def first_answers(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """client, claim_id, answered_on: the primary payer's first remittance known on `as_of`."""
    answers = source(tables, "remit_claims", ["client", "claim_id", "payer_order", "status", "received_on"]).filter(
        nw.col("received_on") <= as_of, nw.col("payer_order") == "primary", nw.col("status") != "22"
    )
    return answers.group_by("client", "claim_id").agg(nw.col("received_on").min().alias("answered_on"))


def _lags(rows: nw.LazyFrame, *, start: str, end: str, month: str, by: Sequence[str]) -> pd.DataFrame:
    """Counts per group and day from the engine; means, medians and percentiles from those counts."""
    by = list(by)
    if "month" in by:
        rows = rows.with_columns(month_of(nw.col(month)))
    rows = rows.with_columns(lag=day_number(nw.col(end)) - day_number(nw.col(start)))
    rows = rows.with_columns(
        is_open=nw.when(nw.col("lag").is_null()).then(1).otherwise(0), lag=nw.col("lag").fill_null(0)
    )
    counts = collect(rows.group_by(*by, "is_open", "lag").agg(nw.len().alias("claims")), [*by])
    if not by:
        return pd.DataFrame([_of_counts(counts)], columns=list(SHAPE))
    found = [{**dict(zip(by, key, strict=True)), **_of_counts(part)} for key, part in counts.groupby(by)]
    out = pd.DataFrame(found, columns=[*by, *SHAPE])
    if not found:
        return out.astype({name: counts[name].dtype for name in by})
    return out


def _of_counts(counts: pd.DataFrame) -> dict[str, float]:
    claims = int(counts["claims"].sum())
    known = counts[counts["is_open"] == 0]
    in_order = known[known["lag"] >= 0].groupby("lag")["claims"].sum()
    answered = int(in_order.sum())
    out_of_order = int(known["claims"].sum()) - answered
    days_total = int((in_order.index.to_numpy() * in_order.to_numpy()).sum())
    mean = ratio(days_total, answered)
    waiting = claims - out_of_order
    return {
        "claims": claims,
        "answered": answered,
        "out_of_order": out_of_order,
        "days_total": days_total,
        "mean_days": mean,
        "median_days": _day_by_which(in_order, waiting, 50),
        "p90_days": _day_by_which(in_order, waiting, 90),
    }


def _day_by_which(in_order: pd.Series, claims: int, percent: int) -> float:
    """The first lag by which `percent` of `claims` had arrived; empty when it never came to that."""
    reached = in_order.cumsum() * 100 >= claims * percent
    return float(reached.idxmax()) if len(reached) and reached.any() else float("nan")
