"""What should have come together and did not: one anti-join per relation between records, in dollars.

A sum over what came in proves nothing about what did not. `relations` asks every relation and returns
one row each with its count, its dollars and its share; `rows_behind` gives the list behind one of them.

    dollars are sums of absolute values: two errors of +50 and -50 are 100, never 0
    dollars of two relations may be the same dollars, and are never added up

The tables may come from any engine; the columns that are needed are collected once and joined in Polars,
because the forms of ids and traces are text work that engines do differently.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ParameterError, closest, listed
from ..periods import Period
from ..tables.clients import Registry
from ..tables.frames import kept, pandas_of
from ..tables.schema import PARTIES
from .ratios import quotient
from .records import KEY, Records, col
from .relations import NAMES, RELATIONS, Relation, id_forms, left_to_patients, owed_never_billed, uncharged

PHANTOM_SHARE = 0.02
"""From this share of its whole on, a broken relation is said on page one and nothing is advised on its dollars.
It is the smallest share that shows in a month's cash or charges, which differ from month to month by a few percent."""

ROW = ("client", "record", "other", "known_on", "amount_cents", "other_cents")


def relations(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    period: Period | None = None,
    registry: Registry | None = None,
    aside: pl.DataFrame | None = None,
) -> pd.DataFrame:
    """Every relation between the records of each client: how often it is broken, for how much, of how much.

    Formula
        share = amount_cents / whole_cents
        is_broken where count > 0 and share is above the tolerance of the relation (0 for most of them,
        5 % where waiting is usual)
        is_large where it is broken by a share that shows on page one (2 %), and records are missing
    Counts
        Records known at the end of `as_of`; with `period` those that became known in it, against the
        whole of the period (balances, unapplied money and unanswered claims stand as of the day). A relation
        that lacks one side altogether is not asked: `is_asked` is false, and it is not broken. Payees are
        judged by the `registry`, and not asked without it. `aside` are the rows that intake set aside, each with its
        client; one of an amount that nobody can read (`unread`) breaks its relation whatever the share.
    Unit
        cents, absolute values added up; count is of claims, else of rows of `rows_behind`
    Empty
        No row for a client without any record. A whole of nothing gives an empty share; with rows
        beside it the relation is broken.
    Shape
        client, relation, unit and what (in words: so many claims paid but never billed), means, count, amount_cents,
        unread, whole, whole_cents, tolerance, is_work, is_gap, is_asked, share, is_broken, is_large; one row per
        client and relation
    Source
        our own: complete before correct

    >>> day = dt.date(2026, 3, 31)
    >>> rows = pd.DataFrame({
    ...     "client": ["a"] * 2, "claim_id": ["1", "2"], "kind": ["charge", "payment"], "party": ["primary"] * 2,
    ...     "amount_cents": [10000, -8000], "trace": None, "reason": None, "posted_on": [day] * 2})
    >>> found = relations({"transactions": rows}, as_of=day)
    >>> found.loc[found["is_broken"], ["relation", "count", "amount_cents", "whole_cents", "share"]]
                relation  count  amount_cents  whole_cents  share
    0  paid_never_billed      1          8000         8000    1.0
    """
    return relations_of(tables, as_of=as_of, periods=[period], registry=registry, aside=aside)[0]


def relations_of(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    periods: Sequence[Period | None],
    registry: Registry | None = None,
    aside: pl.DataFrame | None = None,
) -> list[pd.DataFrame]:
    """`relations` for each of these periods (None: all that is known), the records read and compared once."""
    records = Records(tables, as_of, registry, aside)
    clients = _clients(records)
    found = [_rows(relation, records) for relation in RELATIONS]
    wholes = [relation.of(records) for relation in RELATIONS]
    asked = {relation.name: _asked(relation, records, clients) for relation in RELATIONS}
    return [_judged(_summed(found, wholes, clients, period), asked) for period in periods]


@kept
def relations_to_date(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    period: Period,
    registry: Registry | None = None,
    aside: pl.DataFrame | None = None,
) -> pd.DataFrame:
    """`relations` to date, and beside each one what it is in the period.

    Shape
        that of `relations`, with month_count, month_cents and month_share; is_broken in either; is_doubtful where one
        is broken by so large a share, of all or of the period, that advice would be about dollars that are not there
    """
    ever, month = relations_of(tables, as_of=as_of, periods=[None, period], registry=registry, aside=aside)
    return ever.assign(
        month_count=month["count"],
        month_cents=month["amount_cents"],
        month_share=month["share"],
        is_broken=ever["is_broken"] | month["is_broken"],
        is_doubtful=ever["is_large"] | month["is_large"],
    )


def doubtful(tables: Mapping[str, Any], *, as_of: dt.date, period: Period) -> pd.DataFrame:
    """The relations broken so far that advice would be about dollars that are not there.

    Shape
        client, relation, count, unit, what, amount_cents
    """
    found = relations_to_date(tables, as_of=as_of, period=period)
    columns = ["client", "relation", "count", "unit", "what", "amount_cents"]
    return found.loc[found["is_doubtful"], columns].reset_index(drop=True)


def _judged(found: pd.DataFrame, asked: Mapping[str, set[str]]) -> pd.DataFrame:
    found["is_asked"] = [client in asked[name] for client, name in zip(found["client"], found["relation"], strict=True)]
    found.loc[~found["is_asked"], ["count", "amount_cents", "unread"]] = 0
    found["share"] = quotient(found["amount_cents"], found["whole_cents"])
    above = found["share"].isna() | (found["share"] > found["tolerance"]) | (found["unread"] > 0)
    found["is_broken"] = found["is_asked"] & (found["count"] > 0) & above
    found["is_large"] = found["is_broken"] & ~(found["share"] < PHANTOM_SHARE) & ~found["is_work"]
    return found


def _clients(records: Records) -> list[str]:
    frames = (
        records.postings,
        records.claims,
        records.sent,
        records.answered,
        records.deposits,
        records.aside,
        records.bank,
    )
    return pl.concat([frame.select("client") for frame in frames])["client"].unique().sort().to_list()


def _asked(relation: Relation, records: Records, clients: list[str]) -> set[str]:
    """The clients that have all that the relation needs."""
    return set(clients).intersection(*(getattr(records, need)["client"].unique() for need in relation.needs))


def _summed(
    found: Sequence[pl.DataFrame], wholes: Sequence[pl.DataFrame], clients: list[str], period: Period | None
) -> pd.DataFrame:
    """One row per client and relation: what is known of the relation, and the sums of its rows and of its whole."""
    told = pl.DataFrame([{name: getattr(one, name) for name in _TOLD} for one in RELATIONS], orient="row")
    places = pl.Series("place", range(len(RELATIONS)), dtype=pl.Int32)
    every = pl.DataFrame({"client": clients}, schema={"client": pl.String}).join(
        told.insert_column(0, places), how="cross"
    )
    counted = pl.when(pl.col("unit") == "claim").then("claims").otherwise("rows").alias("count")
    sums = _by_relation(
        found, period, rows=pl.len(), claims=col("record").n_unique(), unread=_UNREAD, amount_cents=_SIZE
    )
    of_whole = _by_relation(wholes, period, whole_cents=_SIZE)
    for part in (sums, of_whole):
        every = every.join(part, on=["place", "client"], how="left", maintain_order="left")
    numbers = ["count", "amount_cents", "unread", "whole_cents"]
    out = every.with_columns(counted).with_columns(col(numbers).fill_null(0).cast(pl.Int64))
    return pandas_of(
        out.select(
            "client", col("name").alias("relation"), *_TOLD[1:4], *numbers[:3], "whole", "whole_cents", *_TOLD[5:]
        )
    )


_TOLD = ("name", "unit", "what", "means", "whole", "tolerance", "is_work", "is_gap")
_UNREAD, _SIZE = col("amount_cents").null_count(), col("amount_cents").abs().sum()


def _by_relation(frames: Sequence[pl.DataFrame], period: Period | None, **sums: pl.Expr) -> pl.DataFrame:
    names = ["client", "known_on", "amount_cents", *(["record"] if "claims" in sums else [])]
    rows = pl.concat(
        [
            frame.lazy().select(names).with_columns(col("amount_cents").cast(pl.Int64), place=pl.lit(place, pl.Int32))
            for place, frame in enumerate(frames)
        ]
    )
    known = rows.filter(period.holds(col("known_on"))) if period else rows
    return known.group_by("place", "client").agg(**sums).collect()


def _rows(relation: Relation, records: Records) -> pl.DataFrame:
    """The rows of one relation with the columns of every list."""
    rows = relation.find(records)
    if "record" not in rows.columns:
        rows = rows.rename({"claim_id": "record"})
    kinds = {"other": pl.String, "other_cents": pl.Int64}
    rows = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in kinds.items() if name not in rows.columns)
    rows = rows.select(col("amount_cents", "other_cents").cast(pl.Int64), *[n for n in ROW if not n.endswith("cents")])
    return rows.select(ROW).sort(["client", "amount_cents", "record"], descending=[False, True, False], nulls_last=True)


def never_charged(tables: Mapping[str, Any], *, as_of: dt.date) -> set[str]:
    """The claims of one client with postings and no charge: whatever looks like a credit on them is none.

    Counts
        Payments, adjustments and transfers of every kind known at the end of `as_of`; what a patient paid in
        the last 30 days waits for its charge, and is not counted.
    """
    return set(_never_charged(tables, as_of=as_of)["claim_id"])


@kept
def _never_charged(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    records = Records(tables, as_of)
    return pandas_of(uncharged(records, records.applied).select(col("claim_id").unique().sort()))


@kept
def phantoms(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The balances that are a problem of the records: of claims that nobody billed, or that stand under two numbers,
    and of patients of whose payments nothing is on file.

    Shape
        client, claim_id, party, why ("records", "patients"); one row per claim and party
    """
    records = Records(tables, as_of)
    pairs = id_forms(records)
    claims = [owed_never_billed(records).select(KEY)]
    claims += [pairs.select("client", claim_id=name) for name in ("record", "other")]
    whole = pl.concat(claims).unique().join(pl.DataFrame({"party": PARTIES}), how="cross")
    found = [whole.with_columns(why=pl.lit("records"))]
    found.append(left_to_patients(records).select(*KEY, "party", why=pl.lit("patients")))
    return pl.concat(found).unique([*KEY, "party"], keep="first").sort(*KEY, "party").to_pandas()


def rows_behind(
    tables: Mapping[str, Any],
    relation: str,
    *,
    as_of: dt.date,
    period: Period | None = None,
    registry: Registry | None = None,
    aside: pl.DataFrame | None = None,
) -> pd.DataFrame:
    """The list behind one relation, the largest first.

    Shape
        client, record (the claim id, trace, party or file), other (the id, trace, payer or row beside it), known_on,
        amount_cents (empty where nobody can read it), other_cents (the dollars of the other side, where there is one)

    Raises
        ParameterError for an unknown relation: it names the known ones.
    """
    found = next((one for one in RELATIONS if one.name == relation), None)
    if found is None:
        raise ParameterError(f"No relation {relation!r}. Known: {listed(NAMES, 30)}.{closest(relation, NAMES)}")
    rows = _rows(found, Records(tables, as_of, registry, aside))
    return (rows.filter(period.holds(col("known_on"))) if period else rows).to_pandas()
