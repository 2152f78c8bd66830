"""Balances as of any day, rebuilt from postings, and the roll-forward that must hold.

A transaction's amount is its signed effect on the receivable, so a balance is the sum of what had
been posted by the day asked for. Nothing here looks at a "current status".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..periods import Period
from ..tables.frames import collect, kept, month_of, source
from ..tables.schema import PARTIES, TRANSACTION_KINDS

FLOWS = {
    "charge": ("charges_cents", 1),
    "payment": ("payments_cents", -1),
    "contractual": ("contractual_cents", -1),
    "write_off": ("write_offs_cents", -1),
    "refund": ("refunds_cents", 1),
    "takeback": ("takebacks_cents", 1),
    "transfer": ("transfers_cents", 1),
}
"""Kind of posting -> (column of the roll-forward, its sign in `opening + ... = closing`)."""

OPENING = "opening"
"""Balances taken over: part of the opening of their month, and no flow."""

assert {*FLOWS, OPENING} == set(TRANSACTION_KINDS)


def posted(tables: Mapping[str, Any], *, as_of: dt.date, columns: Sequence[str] = ()) -> nw.LazyFrame:
    """The transactions that were known at the end of `as_of`."""
    need = ["client", "claim_id", "kind", "party", "amount_cents", "posted_on", *columns]
    return source(tables, "transactions", need).filter(nw.col("posted_on") <= as_of)


@kept
def claim_balances(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """One row per claim and responsible party with an open balance on `as_of`.

    Formula
        balance_cents = sum of amount_cents posted on or before `as_of`
    Counts
        Postings that name a claim; unapplied money is `unapplied_balances`. A negative balance is
        a credit. Balances of zero are left out: they are integers, so zero is exact.
    Shape
        client, claim_id, party, balance_cents (lazy)
    """
    applied = posted(tables, as_of=as_of).filter(~nw.col("claim_id").is_null())
    return (
        applied.group_by("client", "claim_id", "party")
        .agg(nw.col("amount_cents").sum().alias("balance_cents"))
        .filter(nw.col("balance_cents") != 0)
    )


def unapplied_balances(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Money received and not yet applied to a claim, by client and party; negative in the ledger.

    Shape
        client, party, unapplied_cents (lazy); `unapplied_cents` is below zero while money waits
    """
    waiting = posted(tables, as_of=as_of).filter(nw.col("claim_id").is_null())
    return waiting.group_by("client", "party").agg(nw.col("amount_cents").sum().alias("unapplied_cents"))


@kept
def responsible_since(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The first day on which a party was made responsible for part of a claim.

    Counts
        Charges and transfers that raise the party's balance, by posting day; a balance taken over
        (`opening_balances`) by the day from which it ages.
    Shape
        client, claim_id, party, since_on (lazy)
    """
    raised = posted(tables, as_of=as_of).filter(
        ~nw.col("claim_id").is_null(), nw.col("amount_cents") > 0, nw.col("kind").is_in(["charge", "transfer"])
    )
    since = raised.select("client", "claim_id", "party", since_on=nw.col("posted_on"))
    if (taken_over := opened(tables, as_of=as_of)) is not None:
        since = nw.concat([since, taken_over.rename({"aged_from": "since_on"})], how="vertical")
    return since.group_by("client", "claim_id", "party").agg(nw.col("since_on").min())


def opened(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame | None:
    """client, claim_id, party and `aged_from` of the balances taken over by `as_of`; nothing without the table."""
    if "opening_balances" not in tables:
        return None
    names = ["client", "claim_id", "party", "aged_from", "taken_over_on"]
    rows = source(tables, "opening_balances", names).filter(nw.col("taken_over_on") <= as_of)
    return rows.select(*names[:-1])


def balances(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """What is owed on `as_of`, by client: insurance by payer order, patient, credits, unapplied.

    Formula
        receivable_cents = primary + secondary + tertiary + patient + credit + unapplied
    Counts
        Each claim and party on its own: debit balances under the party, credit balances under
        `credit_cents` (below zero). Nothing is netted between claims or parties.
    Unit
        cents
    Empty
        No row for a client without a posting by `as_of`.

    >>> day = dt.date(2026, 3, 31)
    >>> rows = pd.DataFrame({
    ...     "client": ["a"] * 3, "claim_id": ["1", "1", "2"], "kind": ["charge", "payment", "payment"],
    ...     "party": ["primary"] * 3, "amount_cents": [10000, -4000, -500], "posted_on": [day] * 3})
    >>> print(balances({"transactions": rows}, as_of=day)[["primary_cents", "credit_cents", "receivable_cents"]])
       primary_cents  credit_cents  receivable_cents
    0           6000          -500              5500
    """
    open_items = claim_balances(tables, as_of=as_of).with_columns(
        debit_cents=nw.when(nw.col("balance_cents") > 0).then(nw.col("balance_cents")).otherwise(0),
        credit_cents=nw.when(nw.col("balance_cents") < 0).then(nw.col("balance_cents")).otherwise(0),
    )
    by_party = collect(
        open_items.group_by("client", "party").agg(nw.col("debit_cents").sum(), nw.col("credit_cents").sum()),
        ["client", "party"],
    )
    unapplied = collect(unapplied_balances(tables, as_of=as_of), ["client", "party"])
    known = collect(posted(tables, as_of=as_of).group_by("client").agg(nw.len().alias("postings")), ["client"])
    out = known[["client"]].copy()
    debits = by_party.pivot(index="client", columns="party", values="debit_cents")
    for party in PARTIES:
        column = debits[party] if party in debits else pd.Series(dtype="float64")
        out[f"{party}_cents"] = out["client"].map(column).fillna(0).astype("int64")
    out["credit_cents"] = _summed(out["client"], by_party, "credit_cents")
    out["unapplied_cents"] = _summed(out["client"], unapplied, "unapplied_cents")
    parts = [*(f"{party}_cents" for party in PARTIES), "credit_cents", "unapplied_cents"]
    out["receivable_cents"] = out[parts].sum(axis=1).astype("int64")
    return out


def _summed(clients: pd.Series, frame: pd.DataFrame, column: str) -> pd.Series:
    return clients.map(frame.groupby("client")[column].sum()).fillna(0).astype("int64")


def roll_forward(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("client",)) -> pd.DataFrame:
    """How the receivable moved, month by month; no month is missing.

    Formula
        opening + charges - payments - contractual - write_offs + refunds + takebacks + transfers
        = closing
    Counts
        Postings by posting date, unapplied money included. `opening` holds everything posted
        before the month, and balances taken over in it. Transfers between parties are zero unless `by` holds `party`.
    Date basis
        posting date
    Unit
        cents; payments, contractual adjustments and write-offs are positive when they lower the
        receivable
    Empty
        No row for a group without a posting before the end of the period.
    Source
        our own: opening and movements make closing, to the cent. By posting date, because only then does a
        closed month stay as it was (athenahealth help, Activity Wizard).

    >>> day = dt.date(2026, 3, 5)
    >>> rows = pd.DataFrame({
    ...     "client": ["a"] * 2, "claim_id": ["1"] * 2, "kind": ["charge", "payment"],
    ...     "party": ["primary"] * 2, "amount_cents": [10000, -4000], "posted_on": [day] * 2})
    >>> moved = roll_forward({"transactions": rows}, period=Period.month("2026-03"))
    >>> moved[["opening_cents", "charges_cents", "payments_cents", "closing_cents"]].iloc[0].tolist()
    [0, 10000, 4000, 6000]
    """
    by = list(by)
    need = [*by, "kind", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", need, by=by).filter(nw.col("posted_on") < period.end)
    sums = collect(
        rows.with_columns(month_of(nw.col("posted_on")))
        .group_by(*by, "month", "kind")
        .agg(nw.col("amount_cents").sum()),
        [*by, "month", "kind"],
    )
    return _rolled(sums, period, by)


def _rolled(sums: pd.DataFrame, period: Period, by: list[str]) -> pd.DataFrame:
    names = [name for name, _ in FLOWS.values()]
    if sums.empty:
        return pd.DataFrame(columns=[*by, "month", "opening_cents", *names, "closing_cents"])
    months = pd.to_datetime([month.first_day for month in period.months()]).astype("datetime64[us]")
    moved = sums.pivot_table(index=[*by, "month"], columns="kind", values="amount_cents", aggfunc="sum", fill_value=0)
    net = moved.sum(axis=1)
    groups = sums[by].drop_duplicates() if by else pd.DataFrame(index=[0])
    spine = groups.merge(pd.DataFrame({"month": months}), how="cross")
    first = pd.Timestamp(period.first_day)
    before = net[net.index.get_level_values("month") < first]
    flows = spine.merge(moved.reset_index(), on=[*by, "month"], how="left")
    out = spine.copy()
    for kind, (name, sign) in FLOWS.items():
        values = flows[kind] if kind in flows else pd.Series(0, index=flows.index)
        out[name] = (values.fillna(0) * sign).astype("int64")
    change = sum(out[name] * sign for name, sign in FLOWS.values())
    taken_over = flows[OPENING].fillna(0).astype("int64") if OPENING in flows else pd.Series(0, index=flows.index)
    moved_by = change + taken_over
    if by:
        opened = before.groupby(level=by).sum().rename("opened").reset_index()
        start = out.merge(opened, on=by, how="left")["opened"].fillna(0).astype("int64")
        out["closing_cents"] = start.to_numpy() + moved_by.groupby([out[name] for name in by]).cumsum()
    else:
        out["closing_cents"] = int(before.sum()) + moved_by.cumsum()
    out.insert(len(by) + 1, "opening_cents", out["closing_cents"] - change)
    return out
