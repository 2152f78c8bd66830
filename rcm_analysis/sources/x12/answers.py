"""Payers' answers that come as rows of a table, in the frames in which an 835 is read: balanced by the same rules."""

from __future__ import annotations

import polars as pl

from ..exports.remittance_rows import UNSPECIFIED, remittance_frames
from .remit835 import FRAMES, Remittance, remittance
from .remit_checks import STATUSES, check_balances
from .values import findings, gathered


def read_answers(rows: pl.DataFrame, grain: str) -> Remittance:
    """The remittances that the rows of one file make, with findings where their sums do not hold.

    `grain` says what a row is: a claim, line or adjustment.

    Counts
        As `read_835`: line, claim and check each must balance. A reason that the file does not name, and a status in
        words that we do not know, are told with their dollars.
    """
    frames = remittance_frames(rows, grain)
    payments, claims, lines, adjustments = (frames[name] for name in ("payments", "claims", "lines", "adjustments"))
    strange = claims.filter(~pl.col("status").is_in(list(STATUSES)))
    untold = adjustments.filter(carc=UNSPECIFIED).join(claims.select("claim", position="position"), on="claim")
    told = [
        *check_balances(*(frame.drop("segment") for frame in (payments, claims, lines, adjustments))),
        findings("unknown_status", strange, "A claim status that no 835 has; list it under values.status in the map."),
    ]
    if untold.height:
        cents = int(untold["amount_cents"].sum())
        message = f"{untold.height} adjustment(s) come without a reason; they are stored as {UNSPECIFIED!r}."
        one = pl.DataFrame({"cents": [cents]})
        told.append(findings("unspecified_reason", one, message, amount=pl.col("cents")))
    lines = lines.rename({"claim": "claim_index"})
    adjustments = adjustments.rename({"claim": "claim_index", "line": "line_index"})
    parts = (payments, claims, lines, adjustments, pl.DataFrame(schema={"transaction": pl.Int64}))
    return remittance([_whole(part, columns) for part, columns in zip(parts, FRAMES, strict=True)], gathered(told))


def _whole(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The frame with empty columns for what only an 835 says."""
    kinds = {
        "amount_cents": pl.Int64,
        "interest_cents": pl.Int64,
        "submitted_units": pl.Float64,
        "position": pl.Int64,
        "segment": pl.Int64,
        "fiscal_year_end": pl.Date,
    }
    absent = [pl.lit(None, kinds.get(name, pl.String)).alias(name) for name in columns if name not in frame.columns]
    return frame.with_columns(absent)
