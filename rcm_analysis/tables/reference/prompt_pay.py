"""Prompt-pay laws: within how many days an insurer must pay a clean claim, and what it owes after that."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

WORDS = ("law", "payer_class", "note", "source", "source_date")
DATES = ("effective_from", "effective_to")


@functools.cache
def _read() -> pd.DataFrame:
    frame = pd.read_csv(Path(__file__).with_name("prompt_pay.csv"), dtype=str, keep_default_na=False)
    numbers = [name for name in frame if name not in (*WORDS, *DATES)]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    frame[list(DATES)] = frame[list(DATES)].apply(pd.to_datetime)
    return frame.astype({"days": "int64", "late_from": "int64"})


def prompt_pay_laws() -> pd.DataFrame:
    """The rules: one row per law, class of payer, days in force, and day from which the rate or penalty holds.

    Counts
        State laws on insured plans and Medicare's own rule, each as its source has it; electronic claims. A state on
        which sources contradict each other (AR, CT), whose rate moves with something we do not have (AZ, DE, ID, IN,
        UT), whose days are working days (GA), or whose rate and days we have not both seen (MD, ME, MI, MN, NC, OK and
        all not named) has no row: nothing is said of it. Medicare's rates are known to June 2025.
    Unit
        days from receipt to payment; `late_from` in days after that; rate a share per `per_days` days; penalty_share of
        charge less contracted rate; penalty_cap, least, unpaid_least in dollars
    Source
        that of each row; source_date is "undated" where the source shows none

    >>> laws = prompt_pay_laws()
    >>> laws.loc[laws["law"] == "NY", ["days", "rate", "least"]].values.tolist()
    [[30.0, 0.12, 2.0]]
    """
    return _read().copy()
