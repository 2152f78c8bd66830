"""What became of denials: appeals and their outcome, overturn rates, and denied dollars that were paid after all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import (
    CLAIM,
    DENIED,
    PAYMENT,
    claim_adjudications,
    first_adjudications,
    is_first,
    primary_reasons,
)
from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...periods import Period
from ...tables.frames import day_number, source
from ..menu import measure

col = nw.col
COUNTS = ["appealed_claims", "resolved_claims", "overturned_claims", "upheld_claims", "open_claims"]
DOLLARS = ["appealed_cents", "resolved_cents", "overturned_cents", "recovered_cents"]


@measure("Appeals and what came of them", value="appealed_claims", unit="count")
def appeals(tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Claims appealed in the period and what had come of them by `as_of`, in claims and denied dollars.

    `by` may also name `category` and `carc`: those of the denial's primary reason. So may it in the
    other measures here.

    Formula
        overturned = the payer paid more after the appeal than it took back, or a note says "overturned"
        upheld     = not overturned, and a note says "upheld" or the payer denied the claim again
        open       = the rest;  resolved = overturned + upheld
        appealed, resolved and overturned cents are the denied dollars of those claims;
        recovered_cents = what was paid after the appeal, at most the denied dollars
    Counts
        Claims by the first note with action "appeal" after their denial; later appeals of the same
        claim (a second level) change the outcome, not the count. Claims whose first decision denied
        nothing are left out: there is nothing to overturn.
    Date basis
        worked_on of the appeal; notes by entered_on and remittances by received_on up to `as_of`
    Unit
        claims, cents
    Empty
        Nothing appealed: zeros; no rows when grouped.
    Source
        HFMA Claim Integrity Task Force 2021 (initial denials overturned, by volume and dollars).

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> found = appeals(example_tables(), period=Period.month("2026-10"), as_of=dt.date(2026, 11, 30))
    >>> print(
    ...     found[["appealed_claims", "overturned_claims", "appealed_cents", "recovered_cents"]].to_string(index=False)
    ... )
     appealed_claims  overturned_claims  appealed_cents  recovered_cents
                   1                  1           20000            15000
    """
    rows = _with_reason(appealed_claims(tables, as_of=as_of, period=period), tables, as_of, by)
    grouped = with_groups(rows, tables, by, month_on="worked_on")
    return sums(grouped, by, [*COUNTS, *DOLLARS])


@measure("Appeals overturned: claims", unit="rate", good="up")
def overturn_rate_claims(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Appealed claims whose denial was overturned, of the appeals resolved.

    Formula
        overturned_claims / resolved_claims
    Counts
        Appeals of the period as `appeals` counts them; open ones are left out above and below.
    Date basis
        worked_on of the appeal; outcome known by `as_of`
    Unit
        share, 0 to 1
    Empty
        No appeal resolved: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021, percentage of initial denials overturned, by volume.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     overturn_rate_claims(
    ...         example_tables(), period=Period.month("2026-10"), as_of=dt.date(2026, 11, 30)
    ...     ).to_string(index=False)
    ... )
     overturned_claims  resolved_claims  overturn_rate_claims
                     1                1                   1.0
    """
    found = appeals(tables, period=period, as_of=as_of, by=by)[[*by, "overturned_claims", "resolved_claims"]]
    return with_rate(found, "overturn_rate_claims", "overturned_claims", "resolved_claims")


@measure("Appeals overturned: dollars", unit="rate", good="up")
def overturn_rate_dollars(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Denied dollars of overturned claims, of the denied dollars of the appeals resolved.

    Formula
        overturned_cents / resolved_cents
    Counts
        As `overturn_rate_claims`; the whole denied amount of a claim goes with its outcome.
    Date basis
        worked_on of the appeal; outcome known by `as_of`
    Unit
        share, 0 to 1
    Empty
        No appeal resolved: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021, percentage of initial denials overturned, by dollars.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     overturn_rate_dollars(
    ...         example_tables(), period=Period.month("2026-10"), as_of=dt.date(2026, 11, 30)
    ...     ).to_string(index=False)
    ... )
     overturned_cents  resolved_cents  overturn_rate_dollars
                20000           20000                    1.0
    """
    found = appeals(tables, period=period, as_of=as_of, by=by)[[*by, "overturned_cents", "resolved_cents"]]
    return with_rate(found, "overturn_rate_dollars", "overturned_cents", "resolved_cents")


@measure("Denied dollars paid later", unit="rate", good="up")
def denial_recovery(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Denied dollars of the period that were paid later, by whatever means: appeal, correction, the payer's own second
    thought.

    Formula
        recovered_cents / denied_cents
        recovered of a claim = paid after its denial less taken back after it, at least 0 and at most what was denied
    Counts
        Claims denied, in whole or part, by a first decision of the period; payments to the same
        payer order up to `as_of`. Denied dollars are charges, payments are at the payer's rates: 1 is
        out of reach where contracts discount. `recovered_claims` got any of it back.
    Date basis
        received_on of the remittances
    Unit
        share, 0 to 1
    Empty
        Nothing denied: an empty value.
    Source
        our own

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     denial_recovery(example_tables(), period=Period.month("2026-10"), as_of=dt.date(2026, 11, 30)).to_string(
    ...         index=False
    ...     )
    ... )
     denied_claims  recovered_claims  recovered_cents  denied_cents  denial_recovery
                 2                 1            15000         25000              0.6
    """
    denied = _denied(tables, as_of).filter(period.holds(col("received_on")))
    later = (
        _events(tables, as_of)
        .join(
            denied.select(
                *CLAIM, denied_on=col("received_on"), first_sequence=col("sequence"), first_id=col("remit_claim_id")
            ),
            on=list(CLAIM),
            how="inner",
        )
        .filter(_came_after(col("denied_on"), col("first_sequence"), col("first_id")))
    )
    paid = later.group_by(*CLAIM).agg(paid_after_cents=col("paid_cents").sum())
    rows = denied.drop("paid_cents").join(paid, on=list(CLAIM), how="left").with_columns(recovered_cents=_recovered())
    rows = _with_reason(rows, tables, as_of, by)
    counted = with_groups(rows, tables, by, month_on="received_on").with_columns(
        denied_claims=nw.lit(1), recovered_claims=one_if(col("recovered_cents") > 0)
    )
    found = sums(counted, by, ["denied_claims", "recovered_claims", "recovered_cents", "denied_cents"])
    return with_rate(found, "denial_recovery", "recovered_cents", "denied_cents")


@measure("Days from denial to appeal", unit="days", good="down")
def denial_response_days(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Average days from the denial to the first appeal, of the claims appealed in the period.

    Formula
        days / appealed_claims
    Counts
        As `appeals`. An average over appeals made: denials never appealed are not in it.
    Date basis
        received_on of the denial to worked_on of the appeal
    Unit
        days
    Empty
        Nothing appealed: an empty value.
    Source
        HFMA Claim Integrity Task Force 2021, time from initial denial to appeal.

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(
    ...     denial_response_days(
    ...         example_tables(), period=Period.month("2026-10"), as_of=dt.date(2026, 11, 30)
    ...     ).to_string(index=False)
    ... )
     days  appealed_claims  denial_response_days
        7                1                   7.0
    """
    rows = _with_reason(appealed_claims(tables, as_of=as_of, period=period), tables, as_of, by)
    grouped = with_groups(rows, tables, by, month_on="worked_on")
    found = sums(grouped, by, ["days", "appealed_claims"])
    return with_rate(found, "denial_response_days", "days", "appealed_claims")


@measure("Corrected claims that were paid", unit="rate", good="up")
def corrected_claim_success(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Denied claims that were corrected and sent again, and not appealed: how many of those decided were paid.

    Formula
        paid_claims / decided_claims;  decided = paid + denied again;  open = corrected - decided
        paid = the payer paid more after the correction than it took back, or a note says "overturned"
        recovered_cents = what was paid after it, at most the denied dollars
    Counts
        Claims by their first correction after a denial: a note with action "corrected_claim", or an 837 that
        replaces (frequency 7). Claims that were appealed after that denial, before or after the correction, are
        the appeals' and not in here: each success counts once.
    Date basis
        day of the note or of the 837; outcome known by `as_of`
    Unit
        share, 0 to 1; claims; cents
    Empty
        None decided: an empty value.
    Source
        our own; outcomes as HFMA's Claim Integrity Task Force (2021) counts them for appeals

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> found = corrected_claim_success(
    ...     example_tables(), period=Period.month("2026-10"), as_of=dt.date(2026, 11, 30))
    >>> found[["corrected_claims", "decided_claims", "corrected_claim_success"]]
       corrected_claims  decided_claims  corrected_claim_success
    0                 0               0                      NaN
    """
    notes, denied = _all_notes(tables, as_of), _first_denial(tables, as_of)
    bills = source(tables, "submissions", ["client", "submission_id", "claim_id", "submitted_on", "frequency"])
    replaced = bills.filter(col("submitted_on") <= as_of, col("frequency") == "7")
    tries = nw.concat(
        [
            notes.filter(col("action") == "corrected_claim").select(*_TRY),
            replaced.select("client", "claim_id", worked_on=col("submitted_on"), note_id=col("submission_id")),
        ],
        how="vertical",
    )
    appealed = _after(notes.filter(col("action") == "appeal").select(*_TRY), denied).select("client", "claim_id")
    first = _after(tries, denied).join(appealed.unique(), on=["client", "claim_id"], how="anti")
    rows = _with_reason(_tried(tables, notes, first, as_of, period), tables, as_of, by)
    names = {"appealed": "corrected", "resolved": "decided", "overturned": "paid", "upheld": "denied_again"}
    found = sums(
        with_groups(rows, tables, by, month_on="worked_on"), by, [*COUNTS, "appealed_cents", "recovered_cents"]
    )
    found = found.rename(
        columns={f"{old}_{unit}": f"{new}_{unit}" for old, new in names.items() for unit in ("claims", "cents")}
    )
    return with_rate(found, "corrected_claim_success", "paid_claims", "decided_claims")


_TRY = ("client", "claim_id", "worked_on", "note_id")


def _all_notes(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    columns = ["client", "note_id", "claim_id", "worked_on", "entered_on", "action", "outcome"]
    return source(tables, "work_log", columns).filter(col("entered_on") <= as_of)


def _after(tries: nw.LazyFrame, denied: nw.LazyFrame) -> nw.LazyFrame:
    """The tries that were made on a denial, with it."""
    return tries.join(denied, on=["client", "claim_id"], how="inner").filter(col("worked_on") >= col("received_on"))


def appealed_claims(tables: Mapping[str, Any], *, as_of: dt.date, period: Period) -> nw.LazyFrame:
    """One row per claim first appealed in the period: its denial, its outcome as 0/1 columns, its dollars. Lazy."""
    notes = _all_notes(tables, as_of)
    tried = _after(notes.filter(col("action") == "appeal").select(*_TRY), _first_denial(tables, as_of))
    return _tried(tables, notes, tried, as_of, period)


def _tried(
    tables: Mapping[str, Any], notes: nw.LazyFrame, tried: nw.LazyFrame, as_of: dt.date, period: Period
) -> nw.LazyFrame:
    """Of tries on denials the first of each claim, where it falls into the period, with its outcome."""
    first = tried.filter(is_first(("client", "claim_id"), ("worked_on", "note_id"))).filter(
        period.holds(col("worked_on"))
    )
    outcomes = first.join(_answers(notes, first), on=["client", "claim_id"], how="left").join(
        _later_decisions(tables, as_of, first), on=["client", "claim_id"], how="left"
    )
    return _with_outcome(outcomes)


def _with_reason(rows: nw.LazyFrame, tables: Mapping[str, Any], as_of: dt.date, by: Sequence[str]) -> nw.LazyFrame:
    wanted = [name for name in ("category", "carc") if name in by]
    if not wanted:
        return rows
    reasons = primary_reasons(tables, as_of=as_of).select(*PAYMENT, *wanted)
    return rows.join(reasons, on=list(PAYMENT), how="left")


def _denied(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    return first_adjudications(tables, as_of=as_of).filter(col("outcome").is_in(list(DENIED)))


def _first_denial(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    # A note names a claim, not a payer order: the denial that came first is the one appealed.
    denied = _denied(tables, as_of).filter(
        is_first(("client", "claim_id"), ("received_on", "sequence", "remit_claim_id"))
    )
    return denied.select("client", "claim_id", "remit_claim_id", "payer", "payer_order", "received_on", "denied_cents")


def _events(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    return claim_adjudications(tables, as_of=as_of).select(
        *CLAIM, "remit_claim_id", "sequence", "received_on", "paid_cents", "outcome"
    )


def _came_after(day: nw.Expr, sequence: nw.Expr, remit_claim_id: nw.Expr) -> nw.Expr:
    same_day = col("received_on") == day
    later_in_file = (col("sequence") > sequence) | (
        (col("sequence") == sequence) & (col("remit_claim_id") > remit_claim_id)
    )
    return (col("received_on") > day) | (same_day & later_in_file)


def _answers(notes: nw.LazyFrame, first: nw.LazyFrame) -> nw.LazyFrame:
    since = first.select("client", "claim_id", appealed_on=col("worked_on"))
    later = notes.join(since, on=["client", "claim_id"], how="inner").filter(col("worked_on") >= col("appealed_on"))
    said = later.with_columns(
        said_overturned=one_if(col("outcome").fill_null("none") == "overturned"),
        said_upheld=one_if(col("outcome").fill_null("none") == "upheld"),
    )
    return said.group_by("client", "claim_id").agg(col("said_overturned").max(), col("said_upheld").max())


def _later_decisions(tables: Mapping[str, Any], as_of: dt.date, first: nw.LazyFrame) -> nw.LazyFrame:
    since = first.select(
        "client", "claim_id", "payer_order", appealed_on=col("worked_on"), denied_on=col("received_on")
    )
    later = (
        _events(tables, as_of)
        .join(since, on=list(CLAIM), how="inner")
        .filter(col("received_on") > col("denied_on"), col("received_on") >= col("appealed_on"))
    )
    return (
        later.with_columns(denied_again=one_if(col("outcome").is_in(list(DENIED))))
        .group_by("client", "claim_id")
        .agg(paid_after_cents=col("paid_cents").sum(), denied_again=col("denied_again").max())
    )


def _recovered() -> nw.Expr:
    paid = col("paid_after_cents").fill_null(0)
    return nw.when(paid < 0).then(0).when(paid > col("denied_cents")).then(col("denied_cents")).otherwise(paid)


def _with_outcome(rows: nw.LazyFrame) -> nw.LazyFrame:
    overturned = (col("paid_after_cents").fill_null(0) > 0) | (col("said_overturned").fill_null(0) == 1)
    upheld = ~overturned & ((col("said_upheld").fill_null(0) == 1) | (col("denied_again").fill_null(0) == 1))
    known = rows.with_columns(
        appealed_claims=nw.lit(1),
        overturned_claims=one_if(overturned),
        upheld_claims=one_if(upheld),
        open_claims=one_if(~overturned & ~upheld),
        recovered_cents=_recovered(),
        appealed_cents=col("denied_cents"),
        days=day_number(col("worked_on")) - day_number(col("received_on")),
    )
    known = known.with_columns(resolved_claims=nw.lit(1) - col("open_claims"))
    return known.with_columns(
        resolved_cents=col("denied_cents") * col("resolved_claims"),
        overturned_cents=col("denied_cents") * col("overturned_claims"),
    )
