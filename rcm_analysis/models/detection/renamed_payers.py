"""Payers that go on under another name or id: one stops, another begins, and the patients are the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...tables.frames import collect, source

col = nw.col
FEWEST_ANSWERS = 10
"""A payer with fewer answers shows no beginning and no end."""
SETTLED_DAYS = 60
"""Days from the first record on in which every payer seems to begin; and days of silence until one seems to have
ended, or between an end and the beginning that belongs to it."""
SAME_PATIENTS = 0.6
COLUMNS = ["client", "old_payer", "new_payer", "last_on", "first_on", "patients", "shared_patients", "shared_share"]


def renamed_payers(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Pairs of a payer that answered no more and one that answers since then, for mostly the same patients.

    Formula
        shared_share = patients of the new payer whose last answer before came from the old one / patients of the new
        payer with any answer before it began
    Counts
        Answers of primary payers known by `as_of`. old_payer: silent for 60 days; new_payer: began at least 60 days
        after the records do, and within 60 days of the old one's last answer, either way. Ten answers or more each.
        A pair is returned from a share of 60 % on.
    Date basis
        received_on of the remittance
    Unit
        patients are counts; shared_share is 0 to 1
    Empty
        No such pair: no row.
    Source
        our own
    """
    answers = source(tables, "remit_claims", ["client", "claim_id", "payer", "payer_order", "received_on"]).filter(
        col("received_on") <= as_of, col("payer_order") == "primary"
    )
    patients = source(tables, "claims", ["client", "claim_id", "patient"])
    joined = answers.drop("payer_order").join(patients, on=["client", "claim_id"], how="inner")
    rows = collect(joined.drop("claim_id"), ["client", "patient", "payer"], dates=["received_on"])
    found = [pair for _, part in rows.groupby("client") for pair in _pairs(part.sort_values("received_on"), as_of)]
    return pd.DataFrame(found, columns=COLUMNS).sort_values("first_on", ignore_index=True)


def _pairs(rows: pd.DataFrame, as_of: dt.date) -> list[dict[str, Any]]:
    days = pd.Timedelta(days=SETTLED_DAYS)
    spans = rows.groupby("payer")["received_on"].agg(["min", "max", "size"])
    spans = spans[spans["size"] >= FEWEST_ANSWERS]
    ended = spans[spans["max"] < pd.Timestamp(as_of) - days]
    began = spans[spans["min"] >= rows["received_on"].min() + days]
    found = []
    for new, span in began.iterrows():
        before = rows[(rows["received_on"] < span["min"] + days) & (rows["payer"] != new)].groupby("patient")["payer"]
        theirs = before.last().reindex(rows.loc[rows["payer"] == new, "patient"].unique()).dropna()
        for old in theirs.value_counts().index[:1]:
            shared = int((theirs == old).sum())
            near = old in ended.index and abs(ended.loc[old, "max"] - span["min"]) <= days
            if near and shared >= SAME_PATIENTS * len(theirs):
                found.append(
                    {
                        "client": rows["client"].iloc[0],
                        "old_payer": old,
                        "new_payer": new,
                        "last_on": ended.loc[old, "max"],
                        "first_on": span["min"],
                        "patients": len(theirs),
                        "shared_patients": shared,
                        "shared_share": shared / len(theirs),
                    }
                )
    return found
