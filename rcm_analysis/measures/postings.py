"""How a measure reaches its rows: a named table, postings with the columns to group by, and the sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..frames import NO_VALUE, collect, days_before, month_of, source
from ..periods import Period
from ..reference.carc import codes_of
from ..schema import CLAIMS, TRANSACTIONS

POSTING_PAYER = "posting_payer"
"""Group by the payer named on the posting; `payer` means the primary payer of the claim."""

OWN = ({"client", "party", "kind", "month", POSTING_PAYER} | set(TRANSACTIONS.names)) - {"payer", "claim_id"}
"""What a posting knows by itself; any other `by` column is looked up on its claim."""

CASH_KINDS = ("payment", "refund", "takeback")
INSURANCE = ("primary", "secondary", "tertiary")


def postings(
    tables: Mapping[str, Any], columns: Sequence[str], *, by: Sequence[str] = (), month: str = "posted_on"
) -> nw.LazyFrame:
    """The transactions with `columns`, and with every column of `by` in place.

    `by` may name columns of the posting (`party`, `reason`, `carc`, `posted_by`, ...), `posting_payer`,
    `month` (of the date named), and columns of its claim (`payer`, `provider`, `location`, ...).
    Unapplied money has no claim: its `payer` is the one on the posting. Missing values are "(none)".
    """
    payer_asked = {"payer", POSTING_PAYER} & set(by)
    own = [name for name in by if name in OWN and name not in ("month", POSTING_PAYER)]
    looked_up = [name for name in by if name not in OWN]
    need = list(
        dict.fromkeys(
            [*columns, *own, *(["claim_id"] if looked_up else []), *(["payer"] if payer_asked else [])]
        )
    )
    rows = source(tables, "transactions", ["client", *[name for name in need if name != "client"]])
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


def sums(
    rows: nw.LazyFrame, by: Sequence[str], cents: Sequence[str], *, count: str | None = None
) -> pd.DataFrame:
    """The columns added up per group, collected; without `by` always exactly one row.

    `count` names a column that counts the rows of the group.
    """
    wanted = [nw.col(name).sum().alias(name) for name in cents]
    if count:
        wanted.insert(0, nw.len().alias(count))
    added = rows.group_by(*by).agg(*wanted) if by else rows.select(*wanted)
    return collect(added, list(by))


def split_by_kind(rows: nw.LazyFrame, columns: Mapping[str, nw.Expr]) -> nw.LazyFrame:
    """The rows with one cents column per condition: the amount where it holds, else 0."""
    return rows.with_columns(
        **{
            name: nw.when(condition).then(nw.col("amount_cents")).otherwise(0)
            for name, condition in columns.items()
        }
    )


def joined(left: pd.DataFrame, right: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Two results side by side on `by`; a group missing on one side has 0 there."""
    by = list(by)
    if not by:
        return pd.concat([left.reset_index(drop=True), right.reset_index(drop=True)], axis=1)
    both = left.merge(right, on=by, how="outer")
    numbers = [name for name in both if name not in by]
    both[numbers] = both[numbers].fillna(0).astype("int64")
    return both.sort_values(by, ignore_index=True)


def is_denial_code() -> nw.Expr:
    """Postings whose adjustment code is a denial (`reference.carc`)."""
    return nw.col("carc").fill_null("").is_in(codes_of(family="denial"))


def is_approved_contractual() -> nw.Expr:
    """Contractual adjustments whose code is not a denial: the only ones that lower what can be collected."""
    return (nw.col("kind") == "contractual") & ~is_denial_code()


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
    rows = source(tables, "transactions", ["client", "claim_id", "kind", "carc", "amount_cents", "posted_on"])
    rows = split_by_kind(
        rows.filter(nw.col("posted_on") <= as_of, ~nw.col("claim_id").is_null()), net_parts()
    )
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
