"""How long payers take, and how much they never pay: every billed claim counted, open ones as open.

`claim_ends` reads from the tables how each claim stands on a day; `cumulative_incidence` (by day) and
`incidence_by` (by payer or any group, small ones drawn towards the client) say what share was paid,
denied, written off and open by each day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...errors import ParameterError, closest, listed
from ...ledger.adjudications import net_positions
from ...ledger.postings import (
    INSURANCE,
    corrected_payments,
    is_approved_contractual,
    is_denial_code,
    split_by_kind,
    with_disguise,
)
from ...measures.collections.lags import first_bills
from ...tables.frames import collect, kept, source
from ...tables.schema import CLAIMS
from ..statistics.estimators import OPEN, cumulative_incidence
from ..statistics.shrinkage import shrunk_by_group

CLOCKS = ("first_bill", "entered", "service")
SIZE_EDGES = (10_000, 25_000, 100_000, 500_000)
SIZES = ("under $100", "$100 to $249", "$250 to $999", "$1,000 to $4,999", "$5,000 and over")
"""Charge of the claim; `size` in `by` groups by it."""

MADE = ("size", "month", "quarter")
KEY = list(CLAIMS.key)
SUMS = ("cash_cents", "contractual_cents", "denial_cents", "passed_cents", "net_charge_cents", "raised_cents")
DATES = ("start_on", "first_paid_on", "last_on")


@kept
def claim_ends(
    tables: Mapping[str, Any], *, as_of: dt.date, clock: str = "first_bill", by: Sequence[str] = ("payer",)
) -> pd.DataFrame:
    """One row per insured claim: how it stands with its payers on `as_of`, and after how many days.

    Formula
        days = day of the end - day of the clock; for an open claim, as_of - day of the clock
        clock "first_bill": first submission to any payer; "entered": charge entry; "service": service
    Counts
        Claims with an insurer whose clock has started by `as_of`, with what was posted by then.
        paid         on the first payment of an insurer, whatever was taken back later; a payment that was
                     misposted and reversed (`corrected_payments`) is none
        denied       nothing paid and no insurance balance left on `as_of`, where the payer's
                     standing decision is a full denial, or the posted adjustment is a denial code
        written_off  the same without a denial, where a write-off or a discount closed the balance
        patient      the same, where at least half of what no contract took off was passed on to the patient
                     (deductible)
        open         everything else: a denied claim too, as long as its balance is open and it
                     may be reworked; censored on `as_of`
        A claim whose charges were taken back whole by then (voided) was never owed: it is left out, and
        `attrs["voided"]` counts it. The last three end on the day of the last posting to the insurers'
        balance. A claim paid or closed before its clock started is left out; `attrs["out_of_order"]`
        counts them. `by`: columns of claims, `size` (band of the charge), `month` (of the start) and
        `quarter` ("Q1" to "Q4" of the year in which it lies: deductibles begin anew in January, and with
        them claims that are wholly passed on to the patient). Remittances are used where the table is there.
    Date basis
        posting date for the ends; the clock's date for the start
    Unit
        days; cents. allowed_cents = charges less approved contractual adjustments, empty while open
    Empty
        no claim: no row
    Source
        our own: age from the first bill, nothing that was not yet posted

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> tables = {name: table for name, table in example_ledger().items() if name != "remit_claims"}
    >>> claim_ends(tables, as_of=dt.date(2026, 3, 31))[
    ...     ["claim_id", "payer", "days", "end", "charge_cents", "paid_cents"]
    ... ]
      claim_id  payer  days   end  charge_cents  paid_cents
    0        1  aetna    15  paid         10000        4500
    1        2  cigna   131  open         20000           0
    2        4  cigna   100  paid          5000        6000
    """
    if clock not in CLOCKS:
        raise ParameterError(f"A claim's clock is one of {listed(CLOCKS)}; found {clock!r}." + closest(clock, CLOCKS))
    columns = [name for name in by if name not in ("client", *MADE)]
    started = _started(tables, as_of, clock, columns)
    rows = started.join(_insurance_postings(tables, as_of), on=KEY, how="left")
    if "remit_claims" in tables and "remit_adjustments" in tables:
        rows = rows.join(_standing_denials(tables, as_of), on=KEY, how="left")
    else:
        rows = rows.with_columns(denied_standing=nw.lit(0))
    found = _without_undone(collect(rows, [*KEY, *columns], dates=DATES), tables, as_of)
    return _with_ends(found, as_of, [*KEY, *columns, *[name for name in MADE if name in by]])


def incidence_by(
    ends: pd.DataFrame, *, by: Sequence[str] = ("payer",), weight: str | None = None, shrink: bool = True
) -> pd.DataFrame:
    """The share of claims, or dollars, paid, denied, written off and open by each day, per group.

    Formula
        `cumulative_incidence` per group; with `shrink`, drawn towards all claims together by
        `shrunk_by_group`, so that a payer with a handful of claims does not stand alone
    Counts
        Rows of `claim_ends`, with any index. `weight`: None counts claims, "charge_cents" weighs them by dollars
        (large claims are often slower).
    Unit
        shares, 0 to 1; claims is a count
    Empty
        no claim: no row

    >>> ends = pd.DataFrame({"payer": ["a", "a", "b"], "days": [1, 2, 2], "end": ["paid", "open", "denied"]})
    >>> incidence_by(ends, shrink=False).query("day == 2")[["payer", "paid", "denied", "open"]]
      payer  paid  denied  open
    2     a   0.5     0.0   0.5
    5     b   0.0     1.0   0.0
    """
    by = list(by)
    if not by:
        return cumulative_incidence(ends["days"], ends["end"], weight=ends[weight] if weight else None).assign(
            claims=len(ends)
        )
    group = ends.groupby(by, sort=True, dropna=False, observed=True).ngroup().to_numpy()
    keys = ends[by].iloc[np.unique(group, return_index=True)[1]].reset_index(drop=True)
    if shrink:
        out = shrunk_by_group(ends["days"], ends["end"], group, weight=ends[weight] if weight else None)
    else:
        parts = [(number, ends[group == number]) for number in range(len(keys))]
        tables = [
            cumulative_incidence(part["days"], part["end"], weight=part[weight] if weight else None).assign(
                group=number, claims=len(part)
            )
            for number, part in parts
        ]
        out = (
            pd.concat(tables, ignore_index=True) if tables else cumulative_incidence([], []).assign(group=[], claims=[])
        )
    named = keys.loc[out["group"].astype("int64")].reset_index(drop=True)
    return pd.concat([named, out.drop(columns="group")], axis=1)


def _started(tables: Mapping[str, Any], as_of: dt.date, clock: str, columns: list[str]) -> nw.LazyFrame:
    """Insured claims whose clock has started, with `start_on`, `charge_cents` and the columns asked for."""
    day = {"first_bill": "entered_on", "entered": "entered_on", "service": "service_on"}[clock]
    need = list(dict.fromkeys([*KEY, "payer", "charge_cents", "entered_on", day, *columns]))
    claims = source(tables, "claims", need, by=columns).filter(nw.col("payer") != "self_pay")
    if clock == "first_bill":
        claims = claims.join(first_bills(tables), on=KEY, how="inner")
        day = "billed_on"
    else:
        claims = claims.filter(nw.col("entered_on") <= as_of)
    started = claims.filter(nw.col(day) <= as_of)
    return started.select(*KEY, *columns, "charge_cents", nw.col(day).alias("start_on"))


def _insurance_postings(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """Per claim: insurance balance, its parts, the first payment and the last posting, as posted by `as_of`."""
    need = ["client", "claim_id", "kind", "party", "amount_cents", "posted_on", "carc"]
    rows = with_disguise(tables, need).filter(
        nw.col("posted_on") <= as_of, ~nw.col("claim_id").is_null(), nw.col("party").is_in(list(INSURANCE))
    )
    kind = nw.col("kind")
    rows = split_by_kind(
        rows,
        {
            "cash_cents": kind.is_in(["payment", "refund", "takeback"]),
            "contractual_cents": is_approved_contractual(),
            "denial_cents": (kind != "charge") & is_denial_code(),
            "passed_cents": kind == "transfer",
            "net_charge_cents": kind == "charge",
            "raised_cents": (kind == "charge") & (nw.col("amount_cents") > 0),
        },
    ).with_columns(
        paid_on=nw.when((kind == "payment") & (nw.col("amount_cents") < 0)).then(nw.col("posted_on")).otherwise(None)
    )
    return rows.group_by(*KEY).agg(
        nw.col("amount_cents").sum().alias("balance_cents"),
        *[nw.col(name).sum() for name in SUMS],
        nw.col("paid_on").min().alias("first_paid_on"),
        nw.col("posted_on").max().alias("last_on"),
        nw.len().alias("postings"),
    )


def _without_undone(rows: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The rows with the first payment that stayed, where an insurer's payment was reversed."""
    payments = corrected_payments(tables, as_of=as_of)
    payments = payments[payments["party"].isin(INSURANCE)]
    if payments.empty:
        return rows
    lasting = payments[~payments["is_undone"] & (payments["amount_cents"] < 0)]
    first = lasting.groupby(KEY)["posted_on"].min()
    place = pd.MultiIndex.from_frame(rows[KEY])
    is_touched = place.isin(pd.MultiIndex.from_frame(payments[KEY]))
    days = pd.Series(first.reindex(place).to_numpy(), index=rows.index)
    return rows.assign(first_paid_on=rows["first_paid_on"].where(~is_touched, days))


def _standing_denials(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    standing = net_positions(tables, as_of=as_of).filter(nw.col("outcome") == "fully_denied")
    return standing.group_by(*KEY).agg(nw.len().alias("denied_standing"))


def _with_ends(rows: pd.DataFrame, as_of: dt.date, keys: list[str]) -> pd.DataFrame:
    is_void = (rows["raised_cents"] > 0) & (rows["net_charge_cents"] <= 0)
    rows = rows[~is_void].reset_index(drop=True)
    is_paid = rows["first_paid_on"].notna()
    is_closed = ~is_paid & (rows["balance_cents"] <= 0) & (rows["postings"] > 0)
    is_denied = (rows["denied_standing"] > 0) | (rows["denial_cents"] < 0)
    rest = rows["charge_cents"] + rows["contractual_cents"] + rows["passed_cents"]
    is_passed = (rows["passed_cents"] < 0) & (-rows["passed_cents"] >= rest)
    closed = np.select([is_denied, is_passed], ["denied", "patient"], "written_off")
    rows["end"] = np.where(is_paid, "paid", np.where(is_closed, closed, OPEN))
    ended_on = rows["first_paid_on"].where(is_paid, rows["last_on"].where(is_closed, pd.Timestamp(as_of)))
    rows["days"] = (ended_on - rows["start_on"]).dt.days
    rows["paid_cents"] = -rows["cash_cents"]
    allowed = rows["charge_cents"] + rows["contractual_cents"]
    rows["allowed_cents"] = allowed.astype("Int64").where(rows["end"] != OPEN)
    if "size" in keys:
        rows["size"] = np.array(SIZES)[np.searchsorted(SIZE_EDGES, rows["charge_cents"], side="right")]
    if "month" in keys:
        rows["month"] = rows["start_on"].dt.to_period("M").dt.start_time.astype("datetime64[us]")
    if "quarter" in keys:
        rows["quarter"] = "Q" + rows["start_on"].dt.quarter.astype("str")
    in_order = rows["days"] >= 0
    out = rows.loc[
        in_order, [*keys, "start_on", "days", "end", "charge_cents", "allowed_cents", "paid_cents"]
    ].reset_index(drop=True)
    out.attrs |= {"out_of_order": int((~in_order).sum()), "voided": int(is_void.sum())}
    return out
