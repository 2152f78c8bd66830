"""A small invented ledger, small enough to check by hand: the examples of the money measures compute on it.

Claim 1 was paid in March and left a balance with its patient. Claim 2 is old: part of it was denied and
posted as contractual, part written off. Claim 3 is not yet billed. Claim 4 was paid too much. One check
has not been applied to any claim.
"""

from __future__ import annotations

import pandas as pd


def example_ledger() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name.

    >>> sorted(example_ledger())
    ['claims', 'remit_claims', 'submissions', 'transactions']
    """
    claims = [
        ("1", "aetna", "2026-03-02", "2026-03-03", 10000),
        ("2", "cigna", "2025-11-10", "2025-11-14", 20000),
        ("3", "aetna", "2026-03-12", "2026-03-13", 8000),
        ("4", "cigna", "2025-12-01", "2025-12-02", 5000),
    ]
    sent = [("1", "2026-03-05"), ("2", "2025-11-20"), ("4", "2025-12-05")]
    answered = [("1", "2026-03-20"), ("2", "2025-12-20"), ("4", "2026-03-15")]
    postings = [
        ("2", "charge", "primary", 20000, "2025-11-14", None, None),
        ("4", "charge", "primary", 5000, "2025-12-02", None, None),
        ("1", "charge", "primary", 10000, "2026-03-03", None, None),
        ("3", "charge", "primary", 8000, "2026-03-13", None, None),
        ("2", "contractual", "primary", -2000, "2026-03-10", "197", None),
        ("4", "payment", "primary", -6000, "2026-03-15", None, None),
        ("1", "contractual", "primary", -4000, "2026-03-20", "45", None),
        ("1", "payment", "primary", -4500, "2026-03-20", None, None),
        ("1", "transfer", "primary", -1500, "2026-03-20", None, None),
        ("1", "transfer", "patient", 1500, "2026-03-20", None, None),
        (None, "payment", "primary", -2500, "2026-03-25", None, None),
        ("1", "payment", "patient", -500, "2026-03-28", None, None),
        ("2", "write_off", "primary", -600, "2026-03-30", None, "timely filing"),
        ("2", "write_off", "primary", -400, "2026-03-30", None, "small balance"),
    ]
    return {
        "claims": _frame("claim_id payer service_on entered_on charge_cents", claims),
        "submissions": _frame("claim_id submitted_on", sent).assign(payer_order="primary", frequency="1"),
        "remit_claims": _frame("claim_id received_on", answered).assign(payer_order="primary", status="1"),
        "transactions": _frame("claim_id kind party amount_cents posted_on carc reason", postings).assign(
            payer="cigna", posted_by="jd"
        ),
    }


def _frame(columns: str, rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns.split())
    days = {name: pd.to_datetime(frame[name]) for name in frame.columns if name.endswith("_on")}
    return frame.assign(client="acme", **days)


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
        "next_action": "follow_up",
        "next_on": day + pd.Timedelta(days=14),
        "channel": "call",
        "spoke_with": "reference 881",
    }
    rows = tables["transactions"]
    return {
        **tables,
        "claims": tables["claims"].assign(provider="lee", location="main"),
        "transactions": rows.assign(transaction_id=[str(number) for number in range(len(rows))]),
        "work_log": pd.DataFrame([note]),
    }
