"""Four patient balances, small enough to check by hand: the example of the EOB check computes on them.

The claims and remittances are those of `example`. The denial of C2 was billed to its patient, the share of
C4 was never transferred, and a statement about C3 went out before its EOB. C1 is in order.
"""

from __future__ import annotations

import pandas as pd

from .example import example_tables


def example_patients() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name; the day to look at it is October 31, 2026.

    >>> len(example_patients()["transactions"])
    3
    """
    tables = example_tables()
    postings = [
        ("C1", "contractual", "primary", -2000, "CO", "45"),
        ("C2", "transfer", "primary", -20000, "CO", "197"), ("C2", "transfer", "patient", 20000, "CO", "197"),
    ]
    transactions = pd.DataFrame(postings, columns=["claim_id", "kind", "party", "amount_cents", "group_code", "carc"])
    statements = pd.DataFrame({"claim_id": ["C3"], "statement_on": pd.to_datetime(["2026-09-28"]), "balance_cents": [15000]})
    none = pd.array([None] * 4, dtype="str")
    claims = tables["claims"].assign(
        patient=["p1", "p2", "p3", "p4"], secondary_payer=none, tertiary_payer=none, entered_on=pd.Timestamp("2026-09-02"))
    return tables | {
        "claims": claims, "transactions": transactions.assign(client="acme", posted_on=pd.Timestamp("2026-10-07")),
        "statements": statements.assign(client="acme"),
    }
