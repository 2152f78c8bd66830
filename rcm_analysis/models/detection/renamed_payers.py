"""Payers that go on under another name or id, or as part of another payer: one stops, and its patients come back with
the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...tables.frames import collect, source

col = nw.col
FEWEST_ANSWERS, FEWEST_PATIENTS = 10, 5
SILENT_DAYS, SILENT_ANSWERS = 90, 3
"""A payer has ended when no service of so many days is answered, and when that silence would at its pace have held so
many answers."""
NEAR_DAYS = 60
"""Days between the last service of the old payer and the first one of the new."""
SAME_PATIENTS, SAME_PATIENTS_MERGED = 0.6, 0.8
"""Into a payer that was there before, patients also move one by one: more of them must do so together."""
COLUMNS = ["client", "old_payer", "new_payer", "last_on", "first_on", "patients", "shared_patients", "shared_share"]


def renamed_payers(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Pairs of a payer that ended and the one with which mostly the same patients came back.

    Formula
        shared_share = patients of the old payer whose next service after its last one was answered by the new payer /
        patients of the old payer whose next service after its last one was answered by anybody
    Counts
        Answers of primary payers known by `as_of`. old_payer: ten answers or more, none of a service of the last 90
        days, nor for as long as three of its answers usually took. The new payer's first service with these patients
        lies within 60 days of last_on. A pair is returned from five shared patients and a share of 60 % on; 80 %
        where the new payer was there before (a merger).
    Columns
        last_on: last service that the old payer answered; first_on: first one of its patients that the new one answered
    Date basis
        service_on; received_on for what is known
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
    services = source(tables, "claims", ["client", "claim_id", "patient", "service_on"])
    joined = answers.drop("payer_order", "received_on").join(services, on=["client", "claim_id"], how="inner")
    rows = collect(joined.drop("claim_id"), ["client", "patient", "payer"], dates=["service_on"])
    found = [pair for _, part in rows.groupby("client") for pair in _pairs(part.sort_values("service_on"), as_of)]
    return pd.DataFrame(found, columns=COLUMNS).sort_values("first_on", ignore_index=True)


def _pairs(rows: pd.DataFrame, as_of: dt.date) -> list[dict[str, Any]]:
    spans = rows.groupby("payer")["service_on"].agg(["min", "max", "size"])
    silent = (pd.Timestamp(as_of) - spans["max"]).dt.days
    pace = spans["size"] / ((spans["max"] - spans["min"]).dt.days + 1)
    ended = spans[(spans["size"] >= FEWEST_ANSWERS) & (silent >= SILENT_DAYS) & (silent * pace >= SILENT_ANSWERS)]
    found = []
    for old, span in ended.iterrows():
        theirs = rows["patient"].isin(rows.loc[rows["payer"] == old, "patient"])
        after = rows[theirs & (rows["service_on"] > span["max"])].groupby("patient")[["payer", "service_on"]].first()
        if after.empty:
            continue
        new = after["payer"].value_counts().index[0]
        moved = after[after["payer"] == new]
        first_on = moved["service_on"].min()
        was_there = spans.loc[new, "min"] < span["max"] - pd.Timedelta(days=NEAR_DAYS)
        least = SAME_PATIENTS_MERGED if was_there else SAME_PATIENTS
        is_near = (first_on - span["max"]).days <= NEAR_DAYS
        if is_near and len(moved) >= max(FEWEST_PATIENTS, least * len(after)):
            pair = (rows["client"].iloc[0], old, new, span["max"], first_on, len(after), len(moved))
            found.append(dict(zip(COLUMNS, (*pair, len(moved) / len(after)), strict=True)))
    return found
