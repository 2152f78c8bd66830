"""Remittances: a payer's decisions of one day, its provider adjustments, and the payment that results.

A payment is never negative. What the claims cannot bear is carried to a later remittance (FB), some
takebacks are held and recovered later (WO), and late payers owe interest (L6). Signs are those of
PLB: positive takes money away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ..adjudication import month_end
from ..company import Draws, stream
from ..practice_book import ChargeBook


@dataclass
class Remits:
    """One row per remittance, one row per provider adjustment, and decisions with their remittance."""

    payments: pl.DataFrame
    adjustments: pl.DataFrame
    decisions: pl.DataFrame
    lines: pl.DataFrame


def pay(book: ChargeBook, decisions: pl.DataFrame, lines: pl.DataFrame) -> Remits:
    """Put the decisions into remittances that balance."""
    paid = lines.group_by("decision").agg(pl.col("paid").sum())
    decisions = decisions.join(paid, on="decision", how="left").sort("day", "payer", "claim", "rank", "order", "part")
    remits = (
        decisions.group_by("day", "payer")
        .agg(pl.col("paid").sum().alias("claims_paid"))
        .sort("day", "payer")
        .with_row_index("remit")
        .with_columns(pl.col("remit").cast(pl.Int64))
    )
    decisions = decisions.join(remits.select("remit", "day", "payer"), on=["day", "payer"], how="left")
    decisions = decisions.sort("remit", "claim", "rank", "part").with_columns(
        (pl.int_range(pl.len()).over("remit") + 1).alias("position")
    )
    draws, spot = _by_day(book, remits)
    adjustments = _adjustments(book, remits, decisions)
    total = adjustments.group_by("remit").agg(pl.col("amount").sum().alias("adjusted"))
    last = book.calendar.last
    remits = (
        remits.join(total, on="remit", how="left")
        .with_columns(pl.col("adjusted").fill_null(0))
        .with_columns(
            (pl.col("claims_paid") - pl.col("adjusted")).alias("paid"),
            pl.Series("paid_day", np.minimum(remits["day"].to_numpy() + draws.integers("paid", 0, 2)[spot], last)),
            pl.Series("post_lag", draws.integers("posted", 0, 4)[spot]),
            pl.Series("is_check", draws.uniform("check")[spot] < 0.18),
            pl.Series("trace", _traces(book, remits)),
        )
    )
    # What arrives in the last days is posted after them, as at every month-end.
    posted = np.maximum((remits["day"] + remits["post_lag"]).to_numpy(), remits["paid_day"].to_numpy())
    late = book.company.laws.closes_late
    if late and stream(book.seed, book.client.id, "month-end close").random() < late[0]:
        posted = np.where(month_end(posted) - posted < 10, month_end(posted) + late[1], posted)
    return Remits(remits.with_columns(pl.Series("posted", posted)), adjustments, decisions, lines)


def _by_day(book: ChargeBook, remits: pl.DataFrame) -> tuple[Draws, np.ndarray]:
    """One draw for every day and payer, and the place of each remittance among them."""
    payers = len(book.company.payers)
    draws = Draws(book.seed, book.client.id, "remits", (book.calendar.last - book.calendar.first + 1) * payers)
    return draws, (remits["day"].to_numpy() - book.calendar.first) * payers + remits["payer"].to_numpy()


def _traces(book: ChargeBook, remits: pl.DataFrame) -> list[str]:
    days = remits["day"].to_numpy().astype("datetime64[D]").astype(str)
    return [
        f"{payer + 1:02d}{day[2:4]}{day[5:7]}{day[8:10]}{book.client.number:04d}"
        for payer, day in zip(remits["payer"].to_list(), days, strict=True)
    ]


def _adjustments(book: ChargeBook, remits: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Walk each payer's remittances in order, carrying what could not be recovered."""
    held = _held_takebacks(book, remits, decisions)
    draws, spot = _by_day(book, remits)
    interest, cents = draws.uniform("interest")[spot], draws.integers("interest cents", 37, 4_200)[spot]
    claim = decisions.group_by("remit").agg(pl.col("claim").first()).sort("remit")["claim"].to_list()
    carried: dict[int, int] = {}
    rows: list[tuple[int, str, int, int]] = []
    for remit, _, payer, net in remits.select("remit", "day", "payer", "claims_paid").iter_rows():
        for reference, amount in held.get(remit, ()):
            rows.append((remit, "WO", reference, amount))
            net -= amount
        if interest[remit] < 0.02 and net > 0:
            rows.append((remit, "L6", claim[remit], -int(cents[remit])))
            net += int(cents[remit])
        forward = carried.pop(payer, 0)
        if forward:
            rows.append((remit, "FB", -1, forward))
            net -= forward
        if net < 0:
            rows.append((remit, "FB", -1, net))
            carried[payer] = -net
    schema = {"remit": pl.Int64, "reason": pl.String, "claim": pl.Int64, "amount": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _held_takebacks(
    book: ChargeBook, remits: pl.DataFrame, decisions: pl.DataFrame
) -> dict[int, list[tuple[int, int]]]:
    """Takebacks whose money is left in place at first and recovered by a remittance two weeks on."""
    taken = (
        decisions.filter(pl.col("kind") == "takeback")
        .group_by("remit", "claim", "payer", "day")
        .agg(pl.col("paid").sum())
        .sort("remit", "claim")
    )
    by_payer = {key[0]: group for key, group in remits.group_by("payer", maintain_order=True)}
    held: dict[int, list[tuple[int, int]]] = {}
    withheld = book.draws("held takebacks").uniform("held")
    for remit, claim, payer, day, net in taken.iter_rows():
        later = by_payer[payer].filter(pl.col("day") >= day + 14)["remit"]
        if withheld[claim] < 0.45 and net < 0 and len(later):
            held.setdefault(remit, []).append((claim, net))
            held.setdefault(int(later[0]), []).append((claim, -net))
    return held
