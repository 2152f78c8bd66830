"""Lines for which a payer allowed less than it should have, one by one, with what is missing and until when to appeal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..frames import collect, source
from .contract import expected_allowed
from .grouping import optional, with_groups
from .rate_changes import inferred_steps

col = nw.col

FLOOR_CENTS = 5_00
TOLERANCE_PERCENT = 3
"""A line is short when more than both of these is missing: less is rounding, or not worth a letter."""

LINES = (
    "client", "claim_id", "line_number", "payer", "procedure", "modifiers", "place_of_service", "service_on", "received_on",
    "units", "charge_cents", "allowed_cents", "expected_cents", "unit_cents", "basis", "method",
)
DATES = ("service_on", "received_on")


def underpaid_lines(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Every line that a primary payer allowed too little for, with what is missing and until when to appeal.

    Formula
        short_cents = expected_cents - allowed_cents
        short when short_cents > $5 and short_cents > 3 % of expected_cents
        appeal_by = received_on + the payer's appeal limit in force on that day
    Counts
        The latest decision on each line, comparable lines only (`contract.expected_allowed`); with `since`, decisions
        received on that day or later. Where the expectation is inferred, a line paid at the payer's new usual price
        is no underpayment (`rate_changes`), and one below it is measured against it.
        confidence: high = contract, medium = inferred from the mode, low = from the median. Inferred is not contract.
    Date basis
        received_on of the latest decision, up to `as_of`; price of the day of service
    Unit
        cents
    Empty
        Nothing short: no rows. Without a rule of the payer appeal_by is empty.
    Source
        medibilling.app, underpayment detection guide (tolerance); $5 and 3 % are our own

    >>> from rcm_analysis.measures.examples.contract import example_contract
    >>> found = underpaid_lines(example_contract(), as_of=dt.date(2026, 6, 30))
    >>> found[["claim_id", "expected_cents", "allowed_cents", "short_cents", "appeal_by"]].head(1)
      claim_id  expected_cents  allowed_cents  short_cents  appeal_by
    0       10           10000           9000         1000 2026-12-01
    """
    low = low_lines(tables, as_of=as_of, since=since)
    found = low[low["is_flagged"]].drop(columns=["is_low", "is_flagged", "given_cents"]).reset_index(drop=True)
    return with_deadlines(found, tables, as_of=as_of)


def with_deadlines(lines: pd.DataFrame, tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The lines with appeal_by (received_on + the appeal limit in force then) and is_appealable on `as_of`."""
    out = lines.assign(appeal_by=pd.Series(pd.NaT, index=lines.index, dtype="datetime64[us]"))
    if optional(tables, "payer_rules") is not None and len(lines):
        names = ["client", "payer", "effective_from", "effective_to", "appeal_limit_days"]
        rules = collect(source(tables, "payer_rules", names), ["client", "payer"], dates=["effective_from", "effective_to"])
        offers = lines[["client", "payer", "received_on"]].reset_index().merge(rules, on=["client", "payer"])
        held = (offers["effective_from"] <= offers["received_on"]) & ~(offers["effective_to"] < offers["received_on"])
        best = offers[held].sort_values("effective_from").drop_duplicates("index", keep="last").set_index("index")
        out["appeal_by"] = (best["received_on"] + pd.to_timedelta(best["appeal_limit_days"], unit="D")).reindex(out.index)
    return out.assign(is_appealable=out["appeal_by"] >= pd.Timestamp(as_of))


def compared_lines(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The lines of `contract.expected_allowed` that can be compared with an expectation."""
    return expected_allowed(tables, as_of=as_of).filter(col("excluded") == "", col("basis") != "")


def low_lines(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Comparable lines short by more than the percentage; is_flagged where by more than $5 too."""
    short = col("expected_cents") - col("allowed_cents")
    rows = compared_lines(tables, as_of=as_of).filter(short > 0, short * 100 > col("expected_cents") * TOLERANCE_PERCENT)
    if since is not None:
        rows = rows.filter(col("received_on") >= since)
    groups = [name for name in by if name not in LINES]
    rows = with_groups(rows, tables, groups, month_on="received_on").select(*LINES, *groups).with_columns(
        units=col("units").cast(nw.Int64)
    )
    words = ["client", "claim_id", "payer", "procedure", "modifiers", "place_of_service", "basis", "method"]
    words += [name for name in groups if name != "month"]
    out = collect(rows, words, dates=DATES).sort_values([*words, "line_number"], ignore_index=True)
    return _without_new_prices(out, tables, as_of)


def _without_new_prices(low: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Inferred lines after a change of the usual price: measured against the new price, or no longer low."""
    out = low.assign(given_cents=low["expected_cents"])
    if (out["basis"] == "inferred").any():
        steps = inferred_steps(tables, as_of=as_of)
        key = ["client", "payer", "procedure", "modifiers", "place_of_service"]
        after = out[out["basis"] == "inferred"].reset_index().merge(steps[[*key, "changed_on", "new_cents"]], on=key)
        after = after[after["changed_on"] <= after["service_on"]].sort_values("changed_on").drop_duplicates("index", keep="last")
        price = (after["new_cents"] * after["units"]).clip(upper=after["charge_cents"])
        price.index = after["index"]
        lower = price[price < out.loc[price.index, "expected_cents"]]
        out.loc[lower.index, "expected_cents"] = lower
    out["short_cents"] = out["expected_cents"] - out["allowed_cents"]
    out["is_low"] = (out["short_cents"] > 0) & (out["short_cents"] * 100 > out["expected_cents"] * TOLERANCE_PERCENT)
    out["is_flagged"] = out["is_low"] & (out["short_cents"] > FLOOR_CENTS)
    confidence = {"contract": "high", "mode": "medium", "median": "low"}
    return out.assign(confidence=out["method"].map(confidence).astype("str"))
