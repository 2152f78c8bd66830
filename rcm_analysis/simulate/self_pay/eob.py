"""Patient balances that do not follow the EOB, planted in the ledger of a self-pay programme before it opens.

The remittances stay as they are; only postings change, so that the ledger says something else than the payers.
Chosen are claims of one payer whose patient has paid nothing yet: what a patient does would depend on the bill.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ..files.ledger_rows import shaped
from ..files.x12 import claim_ids
from ..services.rows import Luck, planted_item
from .desk import Programme

EOB_KINDS = {
    "share_not_transferred": "shares that the payer left to the patient and nobody moved off the insurance",
    "share_written_off": "shares that the payer left to the patient, posted away as contractual",
    "posting_swap": "CO and PR posted the wrong way round",
    "takeback_not_followed": "decisions taken back by the payer and not on the patient's side",
    "denial_billed": "denials at the provider's cost (CO) moved to the patient",
}
HOW_MANY = 5
SETTLED_DAYS = 30
"""Days before the end in which nothing is planted: it could still be a matter of days until it is posted."""
Touched = list[tuple[int, int, int]]
"""Claim, day and cents of what was planted."""


def plant_mismatches(programme: Programme) -> list[dict[str, Any]]:
    """Put every kind into the ledger, and say what was put in."""
    book, luck = programme.practice.book, programme.luck("eob plants")
    names = claim_ids(book)
    plain = _plain(programme, luck)
    swapped = plain.filter(
        (pl.col("transfers") == 1) & (pl.col("discounts") == 1) & (pl.col("discount") > pl.col("share"))
    )
    swapped = swapped.head(HOW_MANY)
    others = plain.filter(~pl.col("claim").is_in(swapped["claim"].implode()))
    made: dict[str, Touched] = {
        "share_not_transferred": _leave(programme, others[:HOW_MANY]),
        "share_written_off": _post_away(programme, others[HOW_MANY : 2 * HOW_MANY]),
        "posting_swap": _swap(programme, swapped),
        "takeback_not_followed": _keep_after_takeback(programme, luck),
        "denial_billed": _bill_denials(programme, luck),
    }
    return [
        planted_item(
            1,
            book.client.id,
            kind,
            start_basis="posted",
            size=float(len(touched)),
            size_unit="claims",
            amount_means="difference between the patient's bill and the EOB",
            means=EOB_KINDS[kind],
            rows=[[names[claim], None, str(np.datetime64(day, "D")), cents] for claim, day, cents in touched],
        )
        for kind, touched in made.items()
        if touched
    ]


def _chosen(luck: Luck, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in an order drawn by claim."""
    frame = frame.sort("claim")
    return frame[np.argsort(luck.uniform(name, frame["claim"].to_numpy()), kind="stable").tolist()]


def _plain(programme: Programme, luck: Luck) -> pl.DataFrame:
    """Claims whose patient side is shares transferred and nothing paid: claim, day, share, discount, and counts of
    both."""
    book, ledger = programme.practice.book, programme.practice.ledger.filter(pl.col("claim").is_not_null())
    own, kind = pl.col("party") == "patient", pl.col("kind")
    moved, discount = own & (kind == "transfer"), kind == "contractual"
    sums = ledger.group_by("claim").agg(
        pl.col("posted").filter(moved).min().alias("day"),
        pl.col("posted").filter(moved).max().alias("final"),
        pl.col("amount").filter(moved).sum().alias("share"),
        moved.sum().alias("transfers"),
        -pl.col("amount").filter(discount).sum().alias("discount"),
        discount.sum().alias("discounts"),
        (
            (own & ~kind.is_in(["transfer", "write_off"]))
            | (kind == "takeback")
            | (moved & (pl.col("amount") <= 0))
            | (moved & (pl.col("group_code") != "PR"))
            | ((pl.col("party") == "primary") & (kind == "write_off"))
        )
        .sum()
        .alias("others"),
    )
    months = book.calendar.months
    start = (months[max(0, len(months) - 8)].first_day - months[0].first_day).days + book.calendar.first
    alone = pl.Series(np.flatnonzero(book.claims["secondary"] < 0))
    found = sums.filter(
        (pl.col("others") == 0)
        & (pl.col("share") > 0)
        & (pl.col("day") >= start)
        & (pl.col("day") == pl.col("final"))
        & (pl.col("day") <= programme.last - SETTLED_DAYS)
        & pl.col("claim").is_in(alone.implode())
    )
    return _chosen(luck, "plain claims", found)


def _touched(frame: pl.DataFrame, cents: str = "share") -> Touched:
    return list(frame.select("claim", "day", cents).iter_rows())


def _quiet(programme: Programme, claims: pl.Series) -> pl.Expr:
    """Nobody sends statements about the claims; returns which postings are theirs."""
    practice, here = programme.practice, pl.col("claim").is_in(claims.implode()).fill_null(False)
    practice.notes = practice.notes.filter(~(here & (pl.col("action") == "statement")))
    return here


def _leave(programme: Programme, chosen: pl.DataFrame) -> Touched:
    """Without the transfer, and without what followed from it."""
    here = _quiet(programme, chosen["claim"])
    gone = here & ((pl.col("kind") == "transfer") | (pl.col("party") == "patient"))
    programme.practice.ledger = programme.practice.ledger.filter(~gone)
    return _touched(chosen)


def _post_away(programme: Programme, chosen: pl.DataFrame) -> Touched:
    """The insurer's half of the transfer becomes a contractual posting."""
    here = _quiet(programme, chosen["claim"])
    away = here & (pl.col("kind") == "transfer")
    words = {"kind": "contractual", "group_code": "CO", "carc": "45"}
    ledger = programme.practice.ledger.filter(~(here & (pl.col("party") == "patient")))
    programme.practice.ledger = ledger.with_columns(
        pl.when(away).then(pl.lit(word)).otherwise(name).alias(name) for name, word in words.items()
    )
    return _touched(chosen)


def _swap(programme: Programme, chosen: pl.DataFrame) -> Touched:
    """Share and discount change places, and whatever was given up at the patient follows."""
    ledger = programme.practice.ledger.join(
        chosen.select("claim", "share", "discount"), on="claim", how="left", maintain_order="left"
    )
    swapped = pl.when(pl.col("kind") == "contractual").then("share").otherwise("discount") * pl.col("amount").sign()
    ledger = ledger.with_columns(
        amount=pl.when(pl.col("share").is_null() | ~pl.col("kind").is_in(["contractual", "transfer", "write_off"]))
        .then("amount")
        .otherwise(swapped)
    )
    programme.practice.ledger = ledger.drop("share", "discount")
    return _touched(chosen.with_columns(pl.col("discount") - pl.col("share")), "discount")


def _keep_after_takeback(programme: Programme, luck: Luck) -> Touched:
    """The patient's side of a reversal is never posted, so nobody sees the credit."""
    ledger = programme.practice.ledger.with_row_index("row")
    taken = ledger.filter(pl.col("kind") == "takeback").group_by("claim").agg(pl.col("posted").max().alias("day"))
    back = ledger.filter(
        (pl.col("kind") == "transfer")
        & (pl.col("party") == "patient")
        & (pl.col("amount") < 0)
        & (pl.col("group_code") == "PR")
    )
    back = (
        back.join(taken, left_on=["claim", "posted"], right_on=["claim", "day"])
        .group_by("claim")
        .agg(-pl.col("amount").sum().alias("share"), pl.col("posted").max().alias("day"))
    )
    last = programme.last - SETTLED_DAYS
    chosen = _chosen(luck, "takebacks", back.filter(pl.col("day") <= last)).head(HOW_MANY)
    rows = ledger.join(chosen, on="claim", how="left", maintain_order="left")
    reversal = (pl.col("kind") == "transfer") & (pl.col("posted") == pl.col("day")) & (pl.col("group_code") == "PR")
    is_old = pl.when(pl.col("party") == "patient").then(pl.col("amount") < 0).otherwise(pl.col("amount") > 0)
    gone = pl.col("day").is_not_null() & (
        (reversal & is_old) | ((pl.col("kind") == "refund") & (pl.col("party") == "patient"))
    )
    programme.practice.ledger = rows.filter(~gone).drop("row", "share", "day")
    return _touched(chosen)


def _bill_denials(programme: Programme, luck: Luck) -> Touched:
    """What was given up of a denial is moved to the patient instead."""
    book, ledger = programme.practice.book, programme.practice.ledger.with_row_index("row")
    alone = pl.Series(np.flatnonzero(book.claims["secondary"] < 0))
    off = ledger.filter(
        (pl.col("kind") == "write_off")
        & (pl.col("party") == "primary")
        & ~pl.col("reason").is_in(["timely filing", "administrative"])
        & pl.col("claim").is_in(alone.implode())
        & (pl.col("posted") >= programme.last - 240)
    )
    chosen = _chosen(luck, "denials", off.unique("claim", keep="none")).head(HOW_MANY)
    here = pl.col("row").is_in(chosen["row"].implode())
    empty = [pl.lit(None, pl.String).alias(name) for name in ("reason", "approved_by")]
    moved = chosen.with_columns(empty).with_columns(kind=pl.lit("transfer"), group_code=pl.lit("CO"))
    other = moved.with_columns(party=pl.lit("patient"), amount=-pl.col("amount"))
    programme.practice.ledger = pl.concat([ledger.filter(~here).drop("row"), shaped(moved), shaped(other)]).sort(
        "posted", maintain_order=True
    )
    return _touched(chosen.select("claim", pl.col("posted").alias("day"), share=-pl.col("amount")))
