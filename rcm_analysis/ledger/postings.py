"""How a measure reaches its rows: a named table, postings with the columns to group by, and the sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..errors import ParameterError
from ..periods import Period
from ..tables.frames import NO_VALUE, collect, days_before, keeps_answers, kept, month_of, source
from ..tables.reference.carc import codes_of
from ..tables.schema import CLAIMS, TRANSACTIONS
from .adjudications import line_adjudications
from .ratios import quotient

col = nw.col
_ALL = "all_rows"

POSTING_PAYER = "posting_payer"
"""Group by the payer named on the posting; `payer` means the primary payer of the claim."""

OWN = ({"client", "party", "kind", "month", POSTING_PAYER} | set(TRANSACTIONS.names)) - {"payer", "claim_id"}
"""What a posting knows by itself; any other `by` column is looked up on its claim."""

CASH_KINDS = ("payment", "refund", "takeback")
INSURANCE = ("primary", "secondary", "tertiary")

_PAYMENT = ("client", "claim_id", "remit_claim_id")
REMITS = {
    "remit_claims": (
        *_PAYMENT,
        "sequence",
        "status",
        "payer",
        "payer_order",
        "charge_cents",
        "paid_cents",
        "received_on",
    ),
    "remit_lines": (
        *_PAYMENT,
        "remit_line_id",
        "line_number",
        "procedure",
        "charge_cents",
        "paid_cents",
        "allowed_cents",
        "received_on",
    ),
    "remit_adjustments": (
        *_PAYMENT,
        "remit_line_id",
        "group_code",
        "carc",
        "amount_cents",
        "remark_codes",
        "received_on",
    ),
}
"""The tables of remittances with the columns that `adjudications` reads."""
IS_DISGUISED = "is_disguised"
WHOLE_CLAIM = 0
"""The line number under which the sum over a claim payment's lines stands: no line has it."""


def postings(
    tables: Mapping[str, Any],
    columns: Sequence[str],
    *,
    by: Sequence[str] = (),
    month: str = "posted_on",
    disguise: bool = False,
) -> nw.LazyFrame:
    """The transactions with `columns`, and with every column of `by` in place.

    With `disguise` the flag `is_disguised` too, as in `with_disguise`: `is_approved_contractual` needs it.

    `by` may name columns of the posting (`party`, `reason`, `carc`, `posted_by`, ...), `posting_payer`,
    `month` (of the date named), and columns of its claim (`payer`, `provider`, `location`, ...).
    Unapplied money has no claim: its `payer` is the one on the posting. Missing values are "(none)".
    """
    payer_asked = {"payer", POSTING_PAYER} & set(by)
    own = [name for name in by if name in OWN and name not in ("month", POSTING_PAYER)]
    looked_up = [name for name in by if name not in OWN]
    need = list(
        dict.fromkeys([*columns, *own, *(["claim_id"] if looked_up else []), *(["payer"] if payer_asked else [])])
    )
    names = ["client", *[name for name in need if name != "client"]]
    rows = with_disguise(tables, names) if disguise else source(tables, "transactions", names)
    if payer_asked:
        rows = rows.rename({"payer": POSTING_PAYER})
    if "month" in by:
        rows = rows.with_columns(month_of(nw.col(month)))
    rows = with_claim_columns(rows, tables, looked_up)
    if "payer" in by:
        rows = rows.with_columns(payer=nw.coalesce(nw.col("payer"), nw.col(POSTING_PAYER)))
    return filled(rows, by)


def with_claim_columns(rows: nw.LazyFrame, tables: Mapping[str, Any], names: Sequence[str]) -> nw.LazyFrame:
    """The rows (with `client` and `claim_id`) and these columns of their claim, empty where there is none."""
    wanted = [name for name in names if name not in CLAIMS.key]
    if not wanted:
        return rows
    return rows.join(source(tables, "claims", [*CLAIMS.key, *wanted]), on=list(CLAIMS.key), how="left")


def filled(rows: nw.LazyFrame, by: Sequence[str]) -> nw.LazyFrame:
    """The rows with "(none)" where a grouping column is empty, so that no engine drops them."""
    named = [nw.col(name).fill_null(NO_VALUE) for name in by if name != "month"]
    return rows.with_columns(*named) if named else rows


def split_by_kind(rows: nw.LazyFrame, columns: Mapping[str, nw.Expr]) -> nw.LazyFrame:
    """The rows with one cents column per condition: the amount where it holds, else 0."""
    return rows.with_columns(
        **{name: nw.when(condition).then(nw.col("amount_cents")).otherwise(0) for name, condition in columns.items()}
    )


def is_denial_code() -> nw.Expr:
    """Postings whose adjustment code is a denial (`reference.carc`)."""
    return nw.col("carc").fill_null("").is_in(codes_of(family="denial"))


def is_approved_contractual() -> nw.Expr:
    """Contractual adjustments that are no denial, by their code or in disguise (see `with_disguise`).

    They are the only postings that lower what can be collected. Needs the column `is_disguised`.
    """
    return (nw.col("kind") == "contractual") & ~is_denial_code() & ~nw.col(IS_DISGUISED)


def with_disguise(tables: Mapping[str, Any], columns: Sequence[str]) -> nw.LazyFrame:
    """The transactions with `columns` and `is_disguised`: contractual postings that take off a denied amount.

    Without the three tables of remittances, or without anything denied in them, nothing is in disguise.
    """
    if not all(name in tables for name in REMITS):
        return source(tables, "transactions", columns).with_columns(nw.lit(False).alias(IS_DISGUISED))
    key = list(TRANSACTIONS.key)
    if keeps_answers(tables):
        return _all_with_disguise(tables).select(*dict.fromkeys([*columns, *key]), IS_DISGUISED)
    return _marked(tables, list(dict.fromkeys([*columns, *key])))


@kept
def _all_with_disguise(tables: Mapping[str, Any]) -> nw.LazyFrame:
    return _marked(tables, TRANSACTIONS.names)


def _marked(tables: Mapping[str, Any], columns: Sequence[str]) -> nw.LazyFrame:
    key = list(TRANSACTIONS.key)
    flags = disguised_postings(tables).select(*key, nw.lit(True).alias(IS_DISGUISED))
    rows = source(tables, "transactions", columns).join(flags, on=key, how="left")
    return rows.with_columns(nw.col(IS_DISGUISED).fill_null(False))


@partial(kept, stored=True)
def disguised_postings(tables: Mapping[str, Any]) -> nw.LazyFrame:
    """Contractual postings under a code that is no denial, of an amount that the payer had denied.

    Formula
        the posted amount, without sign, = an amount denied on its line (group PR left out), as in
        `adjudications.line_adjudications`; and no contractual or program reduction, nor their sum, that
        was known there by then has the same amount
    Counts
        Remittances known by the day of the posting, so that a later one never changes the answer. A
        posting without a line, and a claim payment without lines, are compared with the lines and the
        whole of the claim. A reversal of such a posting is one too, so that the two net to nothing.
        Refusals as a duplicate are no denial here. Columns: client, transaction_id.
    Source
        our own
    """
    claim, key = list(CLAIMS.key), list(TRANSACTIONS.key)
    names = ["claim_id", "line_number", "kind", "group_code", "carc", "amount_cents", "posted_on"]
    posted = source(tables, "transactions", [*key, *names]).filter(
        nw.col("kind") == "contractual", ~is_denial_code(), nw.col("group_code").fill_null("CO") != "PR"
    )
    denied_claims = source(tables, "remit_adjustments", [*claim, "group_code", "carc"])
    denied_claims = denied_claims.filter(is_denial_code(), nw.col("group_code") != "PR").select(*claim).unique()
    stated = _stated_amounts(tables if keeps_answers(tables) else _of_claims(tables, denied_claims))
    pairs = posted.with_columns(stated_cents=nw.col("amount_cents").abs()).join(
        stated.rename({"line_number": "stated_line"}), on=[*claim, "stated_cents"], how="inner"
    )
    line, there = nw.col("line_number"), nw.col("stated_line")
    pairs = pairs.filter(
        nw.col("received_on") <= nw.col("posted_on"), line.is_null() | there.is_null() | (line == there)
    )
    found = pairs.group_by(*key).agg(nw.col("denied").sum(), nw.col("discounted").sum())
    return found.filter(nw.col("denied") > 0, nw.col("discounted") == 0).select(*key)


def _of_claims(tables: Mapping[str, Any], claims: nw.LazyFrame) -> dict[str, nw.LazyFrame]:
    """The remittance tables of just these claims: sharing amounts among lines is work."""
    return {
        name: source(tables, name, columns).join(claims, on=list(CLAIMS.key), how="semi")
        for name, columns in REMITS.items()
    }


def _stated_amounts(tables: Mapping[str, Any]) -> nw.LazyFrame:
    """What payers said, one row per amount: claim, line, received_on, stated_cents, denied or discounted (0 or 1)."""
    claim = list(CLAIMS.key)
    parts = ["denied_cents", "contractual_cents", "reduction_cents"]
    lines = line_adjudications(tables, as_of=dt.date.max)
    lines = lines.select(*claim, "remit_claim_id", "line_number", "received_on", *parts)
    whole = lines.group_by(*claim, "remit_claim_id", "received_on").agg(*[nw.col(name).sum() for name in parts])
    whole = whole.with_columns(line_number=nw.lit(WHOLE_CLAIM).cast(nw.Int64)).select(lines.collect_schema().names())
    both = nw.concat([lines, whole], how="vertical")
    amounts = {
        "denied": [nw.col("denied_cents")],
        "discounted": [
            nw.col("contractual_cents"),
            nw.col("reduction_cents"),
            nw.col("contractual_cents") + nw.col("reduction_cents"),
        ],
    }
    rows = [
        both.select(
            *claim,
            "line_number",
            "received_on",
            amount.alias("stated_cents"),
            *[nw.lit(1 if name == side else 0).alias(name) for name in amounts],
        )
        for side, each in amounts.items()
        for amount in each
    ]
    return nw.concat(rows, how="vertical").filter(nw.col("stated_cents") > 0)


@kept
def corrected_payments(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The payments posted by `as_of` on claims on which one was reversed, each with `is_undone`.

    Formula
        A payment is undone by a later posting of kind `payment` with the opposite amount on the same claim and
        party; the latest one before it, so that a payment posted, reversed and posted anew leaves the last.
        Both postings of such a pair are undone: together they are no payment.
    Counts
        Takebacks and refunds undo nothing: that money was paid. A reversal of a part undoes nothing either.
    Shape
        client, claim_id, party, amount_cents, posted_on, is_undone; no row for claims without a reversal

    >>> days = [dt.date(2026, 1, day) for day in (10, 11, 20)]
    >>> rows = pd.DataFrame({"client": "a", "claim_id": "1", "kind": "payment", "party": "primary",
    ...     "amount_cents": [-8000, 8000, -8000], "posted_on": days})
    >>> corrected_payments({"transactions": rows}, as_of=dt.date(2026, 1, 31))["is_undone"].tolist()
    [True, True, False]
    """
    names = ["client", "claim_id", "party", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", [*names, "kind"]).filter(
        nw.col("posted_on") <= as_of, nw.col("kind") == "payment", ~nw.col("claim_id").is_null()
    )
    reversed_ones = rows.filter(nw.col("amount_cents") > 0).select("client", "claim_id").unique()
    found = rows.join(reversed_ones, on=["client", "claim_id"], how="semi").select(names)
    out = collect(found, ["client", "claim_id", "party"], dates=["posted_on"])
    out = out.sort_values([*names[:3], "posted_on", "amount_cents"], ignore_index=True)
    open_ones: dict[tuple, list[int]] = {}
    undone = np.zeros(len(out), dtype=bool)
    for place, (*account, amount) in enumerate(out[names[:4]].itertuples(index=False)):
        stack = open_ones.setdefault((*account, abs(amount)), [])
        if amount < 0:
            stack.append(place)
        elif stack:
            undone[[stack.pop(), place]] = True
    return out.assign(is_undone=undone)


def net_parts() -> dict[str, nw.Expr]:
    """The columns of a collection rate and the postings that belong in each, for `split_by_kind`."""
    return {
        "cash_cents": nw.col("kind").is_in(list(CASH_KINDS)),
        "charge_cents": nw.col("kind") == "charge",
        "contractual_cents": is_approved_contractual(),
    }


def net_of_contractual(out: pd.DataFrame) -> pd.DataFrame:
    """The sums of `net_parts` turned positive, and `collectable_cents`: charges less approved contractual."""
    out[["cash_cents", "contractual_cents"]] *= -1
    return out.assign(collectable_cents=out["charge_cents"] - out["contractual_cents"])


def cohort_sums(
    tables: Mapping[str, Any],
    *,
    period: Period,
    as_of: dt.date,
    cohort_days: int,
    by: Sequence[str] = (),
    paid_only: bool = False,
) -> pd.DataFrame:
    """Claims, cash, charges, approved contractual and collectable cents of the services of a period.

    Counts claims served in the period and at least `cohort_days` before `as_of`, and their postings
    by `as_of`; with `paid_only` just the claims that brought cash.
    """
    rows = with_disguise(tables, ["client", "claim_id", "kind", "carc", "amount_cents", "posted_on"])
    rows = split_by_kind(rows.filter(nw.col("posted_on") <= as_of, ~nw.col("claim_id").is_null()), net_parts())
    per_claim = rows.group_by(*CLAIMS.key).agg(*[nw.col(name).sum() for name in net_parts()])
    if paid_only:
        per_claim = per_claim.filter(nw.col("cash_cents") < 0)
    looked_up = [name for name in by if name not in ("month", "client")]
    per_claim = with_claim_columns(per_claim, tables, ["service_on", *looked_up])
    is_mature = nw.col("service_on") <= days_before(as_of, cohort_days)
    per_claim = per_claim.filter(period.holds(nw.col("service_on")), is_mature)
    if "month" in by:
        per_claim = per_claim.with_columns(month_of(nw.col("service_on")))
    return net_of_contractual(sums(filled(per_claim, by), by, list(net_parts()), count="claims"))


def with_groups(
    rows: nw.LazyFrame, tables: Mapping[str, Any], by: Sequence[str], *, month_on: str | None = None
) -> nw.LazyFrame:
    """The rows with every column of `by`: its own, `month` of `month_on`, else the claim's (table `claims`).

    Empty values become "(none)", and so do the columns of a claim that is not in `claims`.
    """
    if "month" in by:
        if month_on is None:
            raise ParameterError("This measure has no months to group by: ask for one period at a time.")
        rows = rows.with_columns(month_of(col(month_on)))
    there = rows.collect_schema().names()
    foreign = [name for name in by if name not in there]
    if foreign:
        claims = source(tables, "claims", ["client", "claim_id", *foreign])
        rows = rows.join(claims, on=["client", "claim_id"], how="left")
    return filled(rows, by)


def sums(rows: nw.LazyFrame, by: Sequence[str], columns: Sequence[str], *, count: str | None = None) -> pd.DataFrame:
    """The sums of `columns` by `by`; without `by` always exactly one row, of zeros when there is nothing.

    `count` names a first column that counts the rows of the group; any other count is the sum of a column of ones.
    """
    keys = list(by) or [_ALL]
    known = rows if by else rows.with_columns(nw.lit("all").alias(_ALL))
    counted = [nw.len().alias(count)] if count else []
    names = [count, *columns] if count else list(columns)
    found = collect(known.group_by(keys).agg(*counted, *[col(name).sum() for name in columns]), keys)
    if by:
        return found[[*keys, *names]]
    found = found.drop(columns=_ALL)
    return found if len(found) else pd.DataFrame({name: pd.array([0], dtype="int64") for name in names})


def side_by_side(left: pd.DataFrame, right: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Both sums by the same groups, zero where a group has no rows on one side."""
    if not by:
        return pd.concat([left, right], axis=1)
    both = left.merge(right, on=list(by), how="outer", sort=True)
    amounts = [name for name in both.columns if name not in by]
    return both.assign(**{name: both[name].fillna(0).astype("int64") for name in amounts})


def with_rate(found: pd.DataFrame, name: str, numerator: str, denominator: str) -> pd.DataFrame:
    """The frame with numerator / denominator as its last column."""
    return found.assign(**{name: quotient(found[numerator], found[denominator])})


def one_if(condition: nw.Expr) -> nw.Expr:
    """1 where it holds and 0 elsewhere: a sum of it counts on every engine."""
    return nw.when(condition).then(1).otherwise(0)


def optional(tables: Mapping[str, Any], name: str) -> Any | None:
    """The table, or None where the client has none of it."""
    try:
        return tables[name]
    except KeyError:
        return None
