"""What 837s say of their claims: bills, and the claims and lines that each one describes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pandas as pd
import polars as pl

from ...tables.clients import Registry
from ...tables.schema import CLAIM_LINES, CLAIMS, SUBMISSIONS
from ..privacy import pseudonyms
from .remittances import payer_ids, shaped, stacked

Read = tuple[pd.DataFrame, pd.DataFrame]
"""The frames `submissions` and `lines` of one 837 file."""


def submission_table(read: Sequence[Read], *, client: str, registry: Registry, key: bytes) -> pl.DataFrame:
    """The bills of many 837 files, one row per CLM, with `file_number` and `claim_index` (row in its file).

    The same claim sent twice in one file is told apart by count; the same claim in two files gets
    the same `submission_id` twice. Patients are pseudonyms, a dependent another one than the subscriber.
    """
    frame = _heads([frame for frame, _ in read])
    frame = frame.with_columns(
        payer_ids(registry),
        pseudonyms(frame["patient"], client=client, key=key),
        pl.col("submitted_on").cast(pl.Date),
        pl.col("claim_id").alias("claim_number"),
    )
    same = ["claim_id", "submitted_on", "payer", "payer_order", "frequency", "charge_cents", "patient", "service_on"]
    frame = frame.with_columns(pl.int_range(pl.len()).over("file_number", *same).alias("_nth"))
    ids = [
        hashlib.sha256(json.dumps(row, default=str).encode()).hexdigest()[:24]
        for row in frame.select(*same, "_nth").rows()
    ]
    frame = frame.with_columns(pl.Series("submission_id", ids, dtype=pl.String))
    return shaped(frame, SUBMISSIONS, client).with_columns(frame["file_number"], frame["claim_index"])


def claim_contents(
    read: Sequence[Read], submissions: pl.DataFrame, *, client: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The claim and the service lines that each bill describes, as rows of `claims` and of lines with `submission_id`.

    `submissions` is the table made of the same files, in the same order.
    """
    heads = _heads([frame for frame, _ in read])
    ours = submissions.select("submission_id", "payer", "patient", entered_on="submitted_on")
    heads = heads.drop("payer", "patient").hstack(ours)
    heads = heads.with_columns(
        pl.coalesce("rendering_npi", "billing_npi").alias("provider"),
        pl.col("place_of_service").alias("location"),
        pl.coalesce("service_on", "entered_on").alias("service_on"),
    )
    lines = _lines([frame for _, frame in read])
    lines = lines.join(
        heads.select(
            "file_number", "claim_index", "claim_id", "entered_on", "submission_id", claim_service_on="service_on"
        ),
        on=["file_number", "claim_index"],
        how="inner",
        maintain_order="left",
    ).with_columns(
        pl.coalesce("service_on", "claim_service_on").alias("service_on"),
        pl.coalesce("procedure", "revenue_code", pl.lit("not stated")).alias("procedure"),
        pl.int_range(1, pl.len() + 1).over("file_number", "claim_index").alias("line_number"),
    )
    rows = shaped(lines, CLAIM_LINES, client).with_columns(lines["submission_id"])
    return shaped(heads, CLAIMS, client).unique("submission_id"), rows.unique(["submission_id", "line_number"])


def contents_of_none() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The claims and lines of no file."""
    return CLAIMS.empty(), CLAIM_LINES.empty().with_columns(submission_id=pl.lit(None, pl.String))


def _heads(frames: Sequence[pd.DataFrame]) -> pl.DataFrame:
    heads = pl.from_pandas(stacked(frames))
    # A family shares the subscriber's member id; the relationship tells spouse from child.
    is_self = pl.col("relationship").fill_null("18") == "18"
    return heads.with_columns(
        pl.when(is_self).then("patient").otherwise(pl.format("{}/{}", "patient", "relationship")).alias("patient"),
        pl.int_range(pl.len()).over("file_number").alias("claim_index"),
        pl.col("service_on").cast(pl.Date),
    )


def _lines(frames: Sequence[pd.DataFrame]) -> pl.DataFrame:
    lines = pl.from_pandas(stacked(frames))
    return lines.with_columns(pl.col("claim_index").cast(pl.Int64), pl.col("service_on").cast(pl.Date))
