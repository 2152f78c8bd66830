"""What the envelopes of an X12 file promise, against what the file holds.

Senders get these counts wrong often and without harm; a truncated file gets them wrong too. So each
broken promise is a finding, and none stops the reading.
"""

from __future__ import annotations

import polars as pl

from .segments import Segments, elements
from .values import FINDINGS, findings, gathered

_LEVELS = (
    ("ISA", "IEA", "GS", "interchange", "functional groups (GS)"),
    ("GS", "GE", "ST", "functional group", "transactions (ST)"),
)


def check_envelopes(segments: Segments, amounts: pl.DataFrame | None = None) -> pl.DataFrame:
    """Findings about missing headers and trailers, counts, and segments that could not be used.

    `amounts` has the dollars of each transaction (`amount`) by the number of its header (`segment`).

    Rules
        `incomplete_segment`, `unrecognised_segment`, `missing_header`, `missing_trailer`,
        `segment_count` (SE01), `group_count` (GE01, IEA01), `control_number` (SE02)
    """
    parts = [
        findings(
            "incomplete_segment",
            _at(segments.incomplete),
            "The file ends inside this segment, which was left out. Ask the sender for the whole file.",
        ),
        findings(
            "unrecognised_segment",
            _at(segments.strange),
            "This text does not start with a segment id and was left out.",
        ),
        _check_headers(segments.headed, amounts),
        _check_transactions(segments.frame, segments.headed),
    ]
    parts += [_check_level(segments.frame, *level) for level in _LEVELS]
    if not (segments.frame["id"] == "ISA").any():
        parts.append(findings("missing_header", pl.DataFrame({"x": [0]}), "The file has no interchange header (ISA)."))
    return gathered(parts)


def _at(numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"segment": pl.Series(numbers, dtype=pl.Int64)})


def _check_headers(headed: list[int], amounts: pl.DataFrame | None) -> pl.DataFrame:
    rows = _at(headed).with_columns(amount=pl.lit(None, pl.Int64))
    if amounts is not None:
        rows = _at(headed).join(amounts, on="segment", how="inner", maintain_order="left")
    message = (
        "The header (ST) of a transaction is missing or damaged; it was read as what it holds. Ask the sender whether "
        "the file is whole."
    )
    return findings("missing_header", rows, message, amount=pl.col("amount"))


def _check_transactions(frame: pl.DataFrame, headed: list[int]) -> pl.DataFrame:
    """Each ST against its SE: there, with the right count of segments and the same control number."""
    bounds = frame.filter(pl.col("id").is_in(["ST", "SE"]))
    bounds = elements(bounds, 2).with_columns(transaction=(pl.col("id") == "ST").cum_sum().cast(pl.Int64))
    starts = bounds.filter(id="ST").select("transaction", segment="number", control="e2")
    ends = bounds.filter(id="SE").unique("transaction", keep="first", maintain_order=True)
    ends = ends.select("transaction", end="number", stated=pl.col("e1").cast(pl.Int64, strict=False), closing="e2")
    both = starts.join(ends, on="transaction", how="left", maintain_order="left")
    counted = pl.col("end") - pl.col("segment") + 1
    closed = both.filter(pl.col("end").is_not_null())
    return gathered(
        [
            findings(
                "missing_header",
                ends.filter(pl.col("transaction") == 0).select(segment="end"),
                "A transaction trailer (SE) has no header (ST).",
            ),
            findings(
                "missing_trailer",
                both.filter(pl.col("end").is_null()),
                "The transaction has no trailer (SE): it may be cut off.",
            ),
            findings(
                "segment_count",
                closed.filter(pl.col("stated").ne_missing(counted)),
                pl.format("SE01 does not state the {} segments that the transaction has.", counted),
            ),
            findings(
                "control_number",
                closed.filter(pl.col("control").ne_missing(pl.col("closing")), ~pl.col("segment").is_in(headed)),
                "ST02 and SE02 are not the same control number.",
            ),
        ]
    )


def _check_level(frame: pl.DataFrame, head: str, tail: str, child: str, name: str, children: str) -> pl.DataFrame:
    """Each header against its trailer and the count of what it holds."""
    if not (frame["id"] == head).any():
        return pl.DataFrame(schema=FINDINGS)
    bounds = elements(frame.filter(pl.col("id").is_in([head, tail, child])), 1)
    bounds = bounds.with_columns(group=(pl.col("id") == head).cum_sum().cast(pl.Int64))
    held = (
        bounds.filter(pl.col("group") > 0)
        .group_by("group", maintain_order=True)
        .agg(
            segment=pl.col("number").filter(pl.col("id") == head).first(),
            stated=pl.col("e1").filter(pl.col("id") == tail).first().cast(pl.Int64, strict=False),
            closed=(pl.col("id") == tail).any(),
            counted=(pl.col("id") == child).sum(),
        )
    )
    return gathered(
        [
            findings(
                "missing_trailer",
                held.filter(~pl.col("closed")),
                f"The {name} ({head}) has no trailer ({tail}): the file may be cut off.",
            ),
            findings(
                "group_count",
                held.filter(pl.col("closed") & pl.col("stated").ne_missing(pl.col("counted").cast(pl.Int64))),
                pl.format(f"{tail}01 does not state the {{}} {children} that the {name} has.", pl.col("counted")),
            ),
        ]
    )
