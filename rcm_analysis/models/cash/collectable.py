"""What the open receivable is worth: the cash that it will bring, what contracts will take off, what is probably
lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ParameterError, TableError, listed
from ...ledger.ratios import half_up, quotient
from ...measures.receivable.ar import BUCKET_DAYS, BUCKETS
from ...tables.frames import kept
from .curves import LONGEST_AGE, Curves, fit_curves, value_of_dollar
from .flows import EXITS, PATIENT, Flows, day_of, read_flows
from .paths import FEWEST_DAYS

GROUPS = ("client", "party", "payer", "bucket")
PARTS = ("collectable", "adjusted", "lost", "unknown")
COLUMNS = ["open_cents", "collectable_cents", "adjusted_cents", "lost_cents", "unknown_cents", "collectable_share"]


@kept
def collectable_value(tables: Mapping[str, Any], *, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """What the balances owed on a day will bring in cash in the end, by payer, party or age.

    Formula
        open_cents = collectable_cents + adjusted_cents + lost_cents + unknown_cents
        collectable: for every age the dollars owed x the cash that a dollar of that age brings in the end,
        wherever it is passed on to (`curves.value_of_dollar`); adjusted: x what contracts take off in
        the end; lost: the rest, which is written off or never moves again; unknown: owed by a party none
        of whose dollars ever ended (a patient's dollars that only went back to an insurer did not)
        collectable_share = collectable_cents / (open_cents - unknown_cents)
    Counts
        Balances above zero at gross charges, one per claim and party; curves from the 365 days up to
        `as_of`, small payers drawn towards their party. A denial posted as a contract discount counts
        as adjusted. `by`: client, party ("self-pay": patients without insurance), payer, bucket.
    Date basis
        posting date; a bucket is the age since the party came to owe (clock "responsibility")
    Unit
        cents; collectable_share is 0 to 1
    Empty
        Less than 91 days of postings: only open_cents, the rest empty. Nothing owed: a row of zeros
        without `by`, no row with it.
    Source
        our own: cash by age, conditional on what is still owed, as with an Aalen-Johansen curve

    >>> from rcm_analysis.examples.cash import example_daily_charges
    >>> found = collectable_value(example_daily_charges(), as_of=dt.date(2026, 6, 30), by=["payer"])
    >>> print(
    ...     found[["payer", "open_cents", "collectable_cents", "adjusted_cents", "lost_cents"]].to_string(index=False)
    ... )
    payer  open_cents  collectable_cents  adjusted_cents  lost_cents
    aetna      200000             120000           80000           0
    """
    by = list(by)
    wrong = [name for name in by if name not in GROUPS]
    if wrong:
        raise ParameterError(f"The collectable value groups by {listed(GROUPS)}; found {listed(wrong)}.")
    rows, is_known = _rows(tables, as_of=as_of)
    return _summed(rows, by, is_known=is_known)


@kept
def _rows(tables: Mapping[str, Any], *, as_of: dt.date) -> tuple[pd.DataFrame, bool]:
    """One row per stream and bucket: open dollars, and where they will end; and whether enough is known to say."""
    try:
        flows = read_flows(tables, as_of=as_of)
    except TableError:
        return _nothing(), True
    curves = fit_curves(flows, as_of=day_of(as_of))
    return _by_stream(flows, curves), day_of(as_of) - flows.first_day >= FEWEST_DAYS


def _by_stream(flows: Flows, curves: Curves) -> pd.DataFrame:
    older = np.minimum(np.arange(LONGEST_AGE) + 1, LONGEST_AGE - 1)  # a balance meets its next day's hazard first
    owed = curves.open_by_age
    passed_on = EXITS.index("passed_on")
    is_last = (flows.streams["party"] == PATIENT).to_numpy()
    ends = curves.hazard.sum(axis=(1, 2)) - np.where(is_last, curves.hazard[:, :, passed_on].sum(axis=1), 0)
    known = (ends > 0)[:, None] * owed
    # The value of a dollar asks for the first exit: to ask for the second, the two change places.
    of_contracts = replace(curves, hazard=curves.hazard[:, :, [1, 0, 2, 3]])
    values = {
        "open": owed,
        "unknown": owed - known,
        "collectable": known * value_of_dollar(curves)[:, older],
        "adjusted": known * value_of_dollar(of_contracts)[:, older],
    }
    values["lost"] = known - values["collectable"] - values["adjusted"]
    edges = [0, *(days + 1 for days in BUCKET_DAYS)]
    parts = []
    for place, bucket in enumerate(BUCKETS):
        ages = slice(edges[place], edges[place + 1] if place + 1 < len(edges) else None)
        sums = {name: value[:, ages].sum(axis=1) for name, value in values.items()}
        parts.append(flows.streams.assign(bucket=bucket, **sums))
    return pd.concat(parts, ignore_index=True)


def _summed(rows: pd.DataFrame, by: list[str], *, is_known: bool = True) -> pd.DataFrame:
    parts = ["open", *PARTS]
    if by:
        sums = rows.groupby(by, as_index=False, sort=True)[parts].sum()
        sums = sums[sums["open"] > 0].reset_index(drop=True)
    else:
        sums = rows[parts].sum().to_frame().T
    if "bucket" in by:
        sums["bucket"] = pd.Categorical(sums["bucket"], categories=BUCKETS, ordered=True)
        sums = sums.sort_values(by, ignore_index=True)
    cents = {f"{name}_cents": half_up(sums[name]) for name in parts if name != "lost"}
    out = sums[by].assign(**cents)
    # The rest, so that the row adds up to the cent.
    out["lost_cents"] = out["open_cents"] - out["collectable_cents"] - out["adjusted_cents"] - out["unknown_cents"]
    out = out.astype({f"{name}_cents": "int64" for name in parts})
    if not is_known:
        hidden = [f"{name}_cents" for name in PARTS]
        out = out.astype(dict.fromkeys(hidden, "Int64"))
        out[hidden] = pd.NA
    share = quotient(
        out["collectable_cents"].astype("Float64"), (out["open_cents"] - out["unknown_cents"]).astype("Float64")
    )
    return out.assign(collectable_share=share)[[*by, *COLUMNS]]


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{name: pd.array([], dtype="str") for name in GROUPS},
            **dict.fromkeys(["open", *PARTS], pd.array([], dtype="float64")),
        }
    )
