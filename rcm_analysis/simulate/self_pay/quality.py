"""Quality of a self-pay programme's work: sampled reviews by skill, and payments that were not posted right at once."""

from __future__ import annotations

import numpy as np
import polars as pl

from ...tables import schema_services as services
from ..practice_book import working_day
from .desk import Desk, Programme

SAMPLED = 0.06
"""Share of the conversations that quality review looks at."""
POSSIBLE = 5
WEAK = {"eob_interpretation": 0.12, "account_explanation": 0.08, "professional_conduct": 0.04}
"""Chance that a point of a skill is lost; one partner of five loses twice as many on EOBs."""
LEARNING = "cp04"
REVIEWERS = ("qa01", "qa02")
LATE, MISKEYED = 0.006, 0.006
"""Shares of statement payments that are posted days late, and posted with a wrong amount first."""
LATEST = 10
MISKEYED_CENTS = 900
"""Two digits exchanged: the wrong amount differs by a multiple of nine."""


def quality_reviews(desk: Desk, interactions: pl.DataFrame) -> pl.DataFrame:
    """Reviews of sampled conversations, one row a skill, some days after the contact."""
    luck = desk.programme.luck("quality")
    talks = interactions.filter(pl.col("result") == "conversation")
    number = talks["interaction_id"].str.slice(2).cast(pl.Int64).to_numpy()
    talks = talks.filter(pl.Series(luck.uniform("reviewed", number) < SAMPLED))
    number = talks["interaction_id"].str.slice(2).cast(pl.Int64).to_numpy()
    entered = talks["entered_on"].to_physical().cast(pl.Int64).to_numpy()
    day, reviewer = (
        working_day(entered + luck.between("review day", 3, 15, number)),
        luck.word("reviewer", REVIEWERS, number),
    )
    learning = (talks["handled_by"] == LEARNING).to_numpy()
    parts = []
    for skill, weak in WEAK.items():
        share = np.where(learning & (skill == "eob_interpretation"), 2 * weak, weak)
        lost = sum((luck.uniform(f"{skill} {point}", number) < share).astype(np.int64) for point in range(POSSIBLE))
        parts.append(
            pl.DataFrame(
                {
                    "review_id": "QR" + talks["interaction_id"].str.slice(2),
                    "interaction_id": talks["interaction_id"],
                    "reviewed_on": day,
                    "handled_by": talks["handled_by"],
                    "reviewed_by": reviewer,
                    "skill": np.full(len(talks), skill),
                    "points": POSSIBLE - lost,
                    "points_possible": np.full(len(talks), POSSIBLE),
                }
            )
        )
    return desk.rows(services.QUALITY_REVIEWS, {column.name: column for column in pl.concat(parts)})


def misposted(programme: Programme) -> None:
    """Some payments reach the ledger late, or first with a wrong amount that is taken back when it is put right.

    Only payments of statements after which nothing was asked again, and none of the last days: whatever was
    posted wrong is right in the end, so that nothing else of the programme is told by it.
    """
    practice, luck = programme.practice, programme.luck("posting")
    asked = (
        practice.notes.filter(pl.col("action") == "statement").group_by("claim").agg(pl.col("day").max().alias("asked"))
    )
    is_payment = (
        (pl.col("party") == "patient") & (pl.col("kind") == "payment") & (pl.col("reason") == "statement payment")
    )
    once = (
        practice.ledger.filter(is_payment)
        .group_by("claim")
        .agg(pl.len(), pl.col("posted").max().alias("paid"))
        .join(asked, on="claim")
    )
    can = once.filter(
        (pl.col("len") == 1) & (pl.col("asked") < pl.col("paid")) & (pl.col("paid") <= programme.last - LATEST)
    ).sort("claim")
    claims = can["claim"].to_numpy()
    draw, right = (
        luck.uniform("fault", claims),
        working_day(can["paid"].to_numpy() + luck.between("days", 4, 9, claims)),
    )
    faults = pl.DataFrame(
        {
            "claim": claims,
            "right": right,
            "fault": np.select([draw < LATE, draw < LATE + MISKEYED], ["late", "miskeyed"], ""),
        }
    )
    faults = faults.filter(pl.col("fault") != "")
    ledger = practice.ledger.join(faults, on="claim", how="left", maintain_order="left")
    moved = is_payment & pl.col("right").is_not_null()
    wrong = ledger.filter(moved & (pl.col("fault") == "miskeyed")).with_columns(pl.col("amount") - MISKEYED_CENTS)
    back = wrong.with_columns(
        -pl.col("amount"), posted=pl.col("right"), happened=pl.col("right"), reason=pl.lit("posting correction")
    )
    ledger = ledger.with_columns(pl.when(moved).then("right").otherwise("posted").alias("posted"))
    practice.ledger = pl.concat([ledger, wrong, back]).drop("right", "fault").sort("posted", maintain_order=True)
