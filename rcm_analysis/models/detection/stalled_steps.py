"""Steps of the follow-up that stopped being done: secondary claims no longer sent, claims held for the client.

A few claims are always forgotten, and a few always wait. What matters is the day from which it became
many. Both looks here are the same: of every claim it is known whether the step was missed; the days
before a candidate day give the usual share, the days from it on the present one; the day that sets the
two furthest apart (log-likelihood ratio of two binomial shares against one) is the onset.

A finding needs all of these, so that chance and small practices do not raise one
    LEAST_EVIDENCE   log-likelihood ratio of 10: about one chance in 100,000 on a single look; a year of
                     monthly reports looks at some hundreds of days, of which neighbours share most claims
    FEWEST           5 claims over expectation
    LEAST_RATIO, LEAST_POINTS   at least twice the usual share and 5 percentage points above it
    SETTLED_MONTHS   three months before the onset from which to know what is usual

Dollars are over expectation: each claim since the onset adds its cents if the step was missed, and takes
away its cents times the chance that it would have been missed by now anyhow. A claim decided yesterday
thus adds nothing, and nothing is lost of one that should have gone out last week.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...measures.receivable.secondary import PROCESSED, secondary_trail, trail_frame
from ...tables.frames import collect, kept, source

col = nw.col
LEAST_EVIDENCE, FEWEST, LEAST_RATIO, LEAST_POINTS, SETTLED_MONTHS = 10.0, 5.0, 2.0, 0.05, 3
USUALLY_SENT = 0.95
"""The share of secondary claims ever sent that is out after the usual wait."""
COLUMNS = [
    "client",
    "step",
    "onset_on",
    "claims",
    "missed",
    "expected",
    "excess",
    "usual_rate",
    "rate",
    "missed_cents",
    "excess_cents",
    "evidence",
]


@kept
def secondaries_stopped(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Clients whose claims are no longer sent to the secondary payer, since when, and the dollars over expectation.

    Formula
        missed = settled by the primary (status 1) with patient responsibility left, a secondary payer
        known, and neither sent to it nor answered by it by `as_of`
        chance of being missed by age a = 1 - share ever sent x share of those sent within a days,
        from the claims decided before the onset
        excess_cents = sum of patient responsibility x (missed - chance) over the claims since the onset
    Unit
        claims, cents (not rounded: expectations are fractions)
    Empty
        No client whose share rose: no row.
    """
    trail = trail_frame(secondary_trail(tables, as_of=as_of).filter(col("status") == PROCESSED))
    done = trail[["sent_on", "answered_on"]].min(axis=1)
    rows = pd.DataFrame(
        {
            "client": trail["client"],
            "day": trail["decided_on"],
            "cents": trail["patient_cents"],
            "is_missed": done.isna(),
            "wait": (done - trail["decided_on"]).dt.days.clip(lower=0),
            "age": (pd.Timestamp(as_of) - trail["decided_on"]).dt.days,
        }
    )
    found = [_secondary_finding(client, own) for client, own in rows.groupby("client")]
    return pd.DataFrame([one for one in found if one], columns=COLUMNS)


@kept
def holds_risen(
    tables: Mapping[str, Any], *, as_of: dt.date, reasons: tuple[str, ...] = ("documents",)
) -> pd.DataFrame:
    """Clients of whose new claims many more than usual wait for these reasons, since when, and the charges over
    expectation.

    Formula
        missed = a note with the hold reason (or a wait for the client without one) was written about
        the claim before it was first sent, or while it has not been sent
        excess_cents = sum of charge x (missed - usual share) over the claims entered since the onset
    Counts
        Claims with an insurer, by the day of entry; those that were released since count as well: the
        delay was theirs.
    Unit
        claims, cents (not rounded)
    Empty
        No client whose share rose: no row.
    """
    rows = _held_rows(tables, as_of, reasons)
    found = [_hold_finding(client, own) for client, own in rows.groupby("client")]
    return pd.DataFrame([one for one in found if one], columns=COLUMNS)


def _held_rows(tables: Mapping[str, Any], as_of: dt.date, reasons: tuple[str, ...]) -> pd.DataFrame:
    key = ["client", "claim_id"]
    notes = source(tables, "work_log", [*key, "worked_on", "entered_on", "hold_reason"]).filter(
        col("entered_on") <= as_of, col("hold_reason").is_in(list(reasons))
    )
    sent = source(tables, "submissions", [*key, "submitted_on"]).filter(col("submitted_on") <= as_of)
    claims = source(tables, "claims", [*key, "payer", "entered_on", "charge_cents"]).filter(
        col("entered_on") <= as_of, ~(col("payer") == "self_pay")
    )
    with_days = (
        claims.drop("payer")
        .join(notes.group_by(*key).agg(held_on=col("worked_on").min()), on=key, how="left")
        .join(sent.group_by(*key).agg(sent_on=col("submitted_on").min()), on=key, how="left")
    )
    rows = collect(with_days, key, dates=["entered_on", "held_on", "sent_on"])
    before = rows["sent_on"].isna() | (rows["held_on"] <= rows["sent_on"])
    return rows.assign(day=rows["entered_on"], cents=rows["charge_cents"], is_missed=rows["held_on"].notna() & before)


def _secondary_finding(client: str, rows: pd.DataFrame) -> dict[str, Any] | None:
    waits = rows.loc[~rows["is_missed"], "wait"]
    if waits.empty:
        return None
    usual_wait = int(np.ceil(waits.quantile(USUALLY_SENT)))
    onset = _onset(rows[rows["age"] > usual_wait])
    if onset is None:
        return None
    day, usual, evidence = onset
    before, after = rows[(rows["day"] < day) & (rows["age"] > usual_wait)], rows[rows["day"] >= day]
    waited = np.sort(before.loc[~before["is_missed"], "wait"].to_numpy())
    gone = np.searchsorted(waited, after["age"].to_numpy(), side="right")
    share_gone = gone / len(waited) if len(waited) else np.ones(len(after))
    return _finding(
        client, "secondary_billing", after.assign(chance=1 - (1 - usual) * share_gone), day, usual, evidence
    )


def _hold_finding(client: str, rows: pd.DataFrame) -> dict[str, Any] | None:
    onset = _onset(rows)
    if onset is None:
        return None
    day, usual, evidence = onset
    return _finding(client, "hold", rows[rows["day"] >= day].assign(chance=usual), day, usual, evidence)


def _finding(client: str, step: str, after: pd.DataFrame, day: Any, usual: float, evidence: float) -> dict[str, Any]:
    expected = float(after["chance"].sum())
    missed = int(after["is_missed"].sum())
    return {
        "client": client,
        "step": step,
        "onset_on": day,
        "claims": len(after),
        "missed": missed,
        "expected": expected,
        "excess": missed - expected,
        "usual_rate": usual,
        "rate": missed / len(after),
        "evidence": evidence,
        "missed_cents": int(after.loc[after["is_missed"], "cents"].sum()),
        "excess_cents": float((after["cents"] * (after["is_missed"] - after["chance"])).sum()),
    }


def _onset(rows: pd.DataFrame) -> tuple[pd.Timestamp, float, float] | None:
    """The day that sets the shares before and since furthest apart, the usual share, and the evidence; None without."""
    daily = rows.groupby("day")["is_missed"].agg(["size", "sum"]).sort_index()
    if daily.empty:
        return None
    count, hits = daily["size"].to_numpy(float), daily["sum"].to_numpy(float)
    n_before, k_before = np.cumsum(count) - count, np.cumsum(hits) - hits
    n_since, k_since = count.sum() - n_before, hits.sum() - k_before
    first = daily.index[0] + pd.DateOffset(months=SETTLED_MONTHS)
    usual = (k_before + 0.5) / (n_before + 1)
    now = k_since / n_since
    evidence = (
        _log_likelihood(k_before, n_before)
        + _log_likelihood(k_since, n_since)
        - _log_likelihood(hits.sum(), count.sum())
    )
    sound = (
        (daily.index >= first)
        & (k_since - n_since * usual >= FEWEST)
        & (now >= LEAST_RATIO * usual)
        & (now >= usual + LEAST_POINTS)
        & (evidence >= LEAST_EVIDENCE)
    )
    if not sound.any():
        return None
    best = int(np.argmax(np.where(sound, evidence, -np.inf)))
    return daily.index[best], float(usual[best]), float(evidence[best])


def _log_likelihood(hits: Any, count: Any) -> Any:
    """Of a binomial at its own share; nothing seen is worth nothing."""
    from scipy.special import xlogy

    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(np.asarray(count) > 0, hits / np.maximum(count, 1), 0.0)
    return xlogy(hits, share) + xlogy(count - hits, 1 - share)
