"""Opening balances: what was open on the day on which a receivable was taken over, by claim or by age bucket.

They enter the ledger as postings of kind `opening` on that day: part of every balance from then on,
never a charge, and in the roll-forward part of the month's opening. A balance ages from its own
day (`aged_from`), else from the youngest day of its bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ..tables.schema import CLAIMS, OPENING_BALANCES, TRANSACTIONS
from .derived import DERIVED, UNBILLED, Opened

OPENING = f"{DERIVED}opening"
"""`claims.submission_id` of a claim that only an opening balance names; what ids of opening postings begin with."""

YOUNGEST_DAY = {"0-30": 0, "31-60": 31, "61-90": 61, "91-120": 91, "over 120": 121}
"""Bucket -> the fewest days that a balance in it is old."""


def completed(balances: pl.DataFrame) -> pl.DataFrame:
    """The opening balances, each with a claim and a day: a balance without a claim is an account of its own.

    >>> import datetime as dt
    >>> row = ("a", "7", dt.date(2026, 4, 1), None, "primary", "aetna", None, "31-60", 500)
    >>> listed = pl.DataFrame([row], schema=OPENING_BALANCES.polars, orient="row")
    >>> completed(listed)[["claim_id", "aged_from"]].row(0)
    ('opening 7', datetime.date(2026, 3, 1))
    """
    days = pl.col("bucket").replace_strict(YOUNGEST_DAY, default=None, return_dtype=pl.Int64)
    youngest = pl.col("taken_over_on") - pl.duration(days=days.fill_null(0))
    return balances.with_columns(
        claim_id=pl.coalesce("claim_id", pl.format("opening {}", "balance_id")),
        aged_from=pl.coalesce("aged_from", youngest),
    )


def opening_postings(balances: pl.DataFrame, postings: pl.DataFrame) -> pl.DataFrame:
    """The completed opening balances as postings beside those that are known.

    Formula
        of a claim and party: what was open by the list, less what the ledger holds of it at the end of that
        day. A list by bucket holds claims that we know too: their balances of that day, and what answers
        make known later of services before it, leave the bucket of their party, the oldest first.
    """
    account = ["client", "claim_id", "party"]
    listed = balances.group_by(*account, "taken_over_on", maintain_order=True).agg(
        pl.col("balance_cents").sum(), pl.col("payer", "aged_from", "balance_id").first()
    )
    known = postings.join(listed.select(*account, "taken_over_on"), on=account, how="inner")
    known = known.filter(pl.col("posted_on") <= pl.col("taken_over_on"))
    known = known.group_by(account).agg(_known=pl.col("amount_cents").sum())
    rows = listed.join(known, on=account, how="left").with_columns(
        transaction_id=pl.format(f"{OPENING}:{{}}", "balance_id"),
        amount_cents=pl.col("balance_cents") - pl.col("_known").fill_null(0),
        kind=pl.lit("opening"),
        happened_on="aged_from",
        posted_on="taken_over_on",
    )
    return _shaped(rows.filter(pl.col("amount_cents") != 0), TRANSACTIONS.polars)


def out_of_buckets(balances: pl.DataFrame, postings: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """All postings, those of claims that a list by bucket holds taken out of its buckets (see `opening_postings`)."""
    accounts = balances.filter(pl.col("claim_id") == pl.format("opening {}", "balance_id")).sort(
        "aged_from", "balance_id"
    )
    if accounts.is_empty():
        return postings
    day = accounts["taken_over_on"].min()
    others = postings.join(balances, on="claim_id", how="anti").drop_nulls("claim_id")
    held = others.filter(pl.col("posted_on") <= day).group_by("claim_id", "party").agg(pl.col("amount_cents").sum())
    held = held.filter(pl.col("amount_cents") > 0).with_columns(
        posted_on=pl.lit(day), transaction_id=pl.lit(None, pl.String)
    )
    before = claims.filter(pl.col("service_on") <= day).select("claim_id")
    late = others.filter(pl.col("reason").is_in(UNBILLED) & (pl.col("posted_on") > day) & (pl.col("amount_cents") > 0))
    late = late.join(before, on="claim_id", how="semi")
    wanted = pl.concat([held, late.select(held.columns)]).sort("posted_on", "claim_id", "party", "transaction_id")
    left = {row["balance_id"]: row["balance_cents"] for row in accounts.iter_rows(named=True)}
    moves, whole = [], []
    for turn, want in enumerate(wanted.iter_rows(named=True)):
        mine = [row for row in accounts.iter_rows(named=True) if row["party"] == want["party"]]
        if want["transaction_id"] and sum(max(left[row["balance_id"]], 0) for row in mine) < want["amount_cents"]:
            continue
        rest = want["amount_cents"]
        for row in mine:
            taken = max(min(rest, left[row["balance_id"]]), 0)
            if taken:
                left[row["balance_id"]] -= taken
                rest -= taken
                moves.append(_move(row, want, -taken, turn))
        whole += [want["transaction_id"]] if want["transaction_id"] else []
    kind = pl.when(pl.col("transaction_id").is_in(whole)).then(pl.lit("opening")).otherwise("kind")
    return pl.concat(
        [postings.with_columns(kind=kind), _shaped(pl.DataFrame(moves, schema=_MOVED), TRANSACTIONS.polars)]
    )


_MOVED = {
    name: TRANSACTIONS.polars[name]
    for name in (
        "client",
        "transaction_id",
        "claim_id",
        "kind",
        "party",
        "amount_cents",
        "happened_on",
        "posted_on",
        "payer",
    )
}


def _move(account: dict[str, Any], want: dict[str, Any], cents: int, turn: int) -> dict[str, Any]:
    return {
        "client": account["client"],
        "transaction_id": f"{OPENING}:{account['balance_id']}:{turn}",
        "claim_id": account["claim_id"],
        "kind": "opening",
        "party": account["party"],
        "amount_cents": cents,
        "happened_on": account["aged_from"],
        "posted_on": want["posted_on"],
        "payer": account["payer"],
    }


def opening_claims(balances: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Claims that only an opening balance names: its payer and day, and a charge of 0, because ours is not known."""
    unknown = balances.join(claims.select("claim_id"), on="claim_id", how="anti")
    own = unknown.with_columns(pl.when(pl.col("party") != "patient").then("payer").alias("payer"))
    rows = own.group_by("client", "claim_id", maintain_order=True).agg(
        pl.col("payer").drop_nulls().first(),
        service_on=pl.col("aged_from").min(),
        entered_on=pl.col("taken_over_on").min(),
    )
    return _shaped(
        rows.with_columns(
            pl.col("payer").fill_null("self_pay"),
            claim_type=pl.lit("professional"),
            charge_cents=pl.lit(0),
            submission_id=pl.lit(OPENING),
        ),
        CLAIMS.polars,
    )


def _shaped(rows: pl.DataFrame, kinds: Mapping[str, Any]) -> pl.DataFrame:
    absent = [pl.lit(None).alias(name) for name in kinds if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in kinds.items())


def taken_over(balances: pl.DataFrame) -> dict[str, Opened]:
    """What was open of each claim that was taken over, for `derived_postings`."""
    found: dict[str, Opened] = {}
    for claim_id, day, party, cents in balances.select(
        "claim_id", "taken_over_on", "party", "balance_cents"
    ).iter_rows():
        before = found.get(claim_id, Opened(day, {}))
        found[claim_id] = Opened(day, {**before.cents, party: before.cents.get(party, 0) + cents})
    return found


def without_opening(claims: pl.DataFrame, postings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables as they are without opening balances."""
    is_own = pl.col("submission_id").ne_missing(OPENING)
    return claims.filter(is_own), postings.filter(pl.col("kind") != "opening")


assert set(OPENING_BALANCES.column("bucket").values) == set(YOUNGEST_DAY)
