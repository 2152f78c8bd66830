"""Small invented patients to check by hand: examples for the EOB check, estimates, and the self-pay policy.

The claims and remittances are those of `example`. The denial of C2 was billed to its patient, the share of
C4 was never transferred, and a statement about C3 went out before its EOB. C1 is in order.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl

from ..tables.schema import CLAIMS, TRANSACTIONS
from ..tables.schema_base import Table
from ..tables.schema_services import TABLES_OF_SERVICE
from .remittances import example_tables


def example_patients() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name; the day to look at it is October 31, 2026.

    >>> len(example_patients()["transactions"])
    3
    """
    tables = example_tables()
    postings = [
        ("C1", "contractual", "primary", -2000, "CO", "45"),
        ("C2", "transfer", "primary", -20000, "CO", "197"),
        ("C2", "transfer", "patient", 20000, "CO", "197"),
    ]
    transactions = pd.DataFrame(postings, columns=["claim_id", "kind", "party", "amount_cents", "group_code", "carc"])
    statements = pd.DataFrame(
        {"claim_id": ["C3"], "statement_on": pd.to_datetime(["2026-09-28"]), "balance_cents": [15000]}
    )
    none = pd.array([None] * 4, dtype="str")
    claims = tables["claims"].assign(
        patient=["p1", "p2", "p3", "p4"],
        secondary_payer=none,
        tertiary_payer=none,
        entered_on=pd.Timestamp("2026-09-02"),
    )
    return tables | {
        "claims": claims,
        "transactions": transactions.assign(client="acme", posted_on=pd.Timestamp("2026-10-07")),
        "statements": statements.assign(client="acme"),
    }


def example_estimates() -> dict[str, pd.DataFrame]:
    """Two patients without insurance, their estimates and their bills of March 2026.

    >>> example_estimates()["estimates"]["amount_cents"].tolist()
    [20000, 50000]
    """
    charges = [
        ("G1", "charge", 22000, None),
        ("G2", "charge", 100000, None),
        ("G2", "write_off", -10000, "self-pay discount"),
    ]
    transactions = pd.DataFrame(charges, columns=["claim_id", "kind", "amount_cents", "reason"])
    estimates = pd.DataFrame(
        {
            "estimate_id": ["E1", "E2"],
            "claim_id": ["G1", "G2"],
            "patient": ["p1", "p2"],
            "amount_cents": [20000, 50000],
            "given_on": pd.Timestamp("2026-02-20"),
            "planned_on": pd.Timestamp("2026-03-02"),
        }
    )
    statements = pd.DataFrame({"claim_id": ["G1", "G2"], "statement_on": pd.to_datetime(["2026-03-09", "2026-03-20"])})
    policy = pd.DataFrame(
        {
            "rule": ["estimate_difference_cents"],
            "value": ["40000"],
            "effective_from": pd.to_datetime(["2025-01-01"]),
            "effective_to": pd.to_datetime([None]),
        }
    )
    named = {
        "transactions": transactions.assign(party="patient", posted_on=pd.Timestamp("2026-03-04")),
        "estimates": estimates,
        "statements": statements,
        "self_pay_policies": policy,
    }
    return {name: frame.assign(client="acme") for name, frame in named.items()}


def example_policy() -> dict[str, pd.DataFrame]:
    """Three calls and one request of March 2026, and the policy that they are held against.

    The second call came at twenty to ten in the evening, the third two days after the patient had talked with
    somebody, and the itemised statement took twelve days.

    >>> example_policy()["interactions"]["local_time"].tolist()
    ['10:00', '21:40', '11:00', '12:00']
    """
    calls = [
        ("I1", "2026-03-02", "10:00", "out", "no_answer"),
        ("I2", "2026-03-04", "21:40", "out", "voicemail"),
        ("I3", "2026-03-09", "11:00", "in", "conversation"),
        ("I4", "2026-03-11", "12:00", "out", "no_answer"),
    ]
    spoken = {"channel": "phone", "reason": "balance", "handled_by": "cp01", "patient": "p1", "claim_id": "C1"}
    names = ("interaction_id", "happened_on", "local_time", "direction", "result")
    values = {
        "call_window_from": "08:00",
        "call_window_to": "21:00",
        "calls_in_seven_days": "7",
        "days_after_conversation": "7",
        "itemised_days": "10",
    }
    given = {
        "interactions": [dict(zip(names, row, strict=True), entered_on=row[1]) | spoken for row in calls],
        "itemised_requests": [
            {
                "request_id": "R1",
                "patient": "p1",
                "claim_id": "C1",
                "requested_on": "2026-03-02",
                "sent_on": "2026-03-14",
            }
        ],
        "self_pay_policies": [
            {"rule": rule, "value": value, "effective_from": "2025-01-01"} for rule, value in values.items()
        ],
    }
    tables = (*TABLES_OF_SERVICE["self_pay"], CLAIMS, TRANSACTIONS)
    return {table.name: filled(table, given.get(table.name, [])) for table in tables}


def filled(table: Table, rows: list[dict]) -> pd.DataFrame:
    """Rows with every column of the table, of the schema's kinds."""
    days = {column.name for column in table.columns if column.kind == "date"}
    read = [
        {"client": "acme"}
        | {name: dt.date.fromisoformat(value) if name in days else value for name, value in row.items()}
        for row in rows
    ]
    return pl.DataFrame(
        [{name: row.get(name) for name in table.names} for row in read], schema=table.polars
    ).to_pandas()
