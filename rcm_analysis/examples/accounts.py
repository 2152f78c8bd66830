"""The small ledger of the money measures with one note on its old claim: the examples of the follow-up compute on
it."""

from __future__ import annotations

import pandas as pd

from .ledger import example_ledger


def example_accounts() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name.

    >>> sorted(example_accounts())
    ['claims', 'remit_claims', 'submissions', 'transactions', 'work_log']
    """
    tables, day = example_ledger(), pd.Timestamp("2026-03-15")
    note = {
        "client": "acme",
        "note_id": "N1",
        "claim_id": "2",
        "worked_on": day,
        "entered_on": day,
        "worked_by": "jd",
        "action": "follow_up",
        "outcome": "waiting_on_payer",
        "minutes": 12.0,
    }
    rows = tables["transactions"]
    return {
        **tables,
        "claims": tables["claims"].assign(provider="lee", location="main"),
        "transactions": rows.assign(transaction_id=[str(number) for number in range(len(rows))]),
        "work_log": pd.DataFrame([note]),
    }
