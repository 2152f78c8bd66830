"""One invented self-pay programme."""

from __future__ import annotations

import dataclasses
import datetime as dt

import polars as pl

from rcm_analysis.tables.schema import TABLES

POLICY = {
    "promise_grace_days": "3",
    "dispute_days": "30",
    "itemised_days": "10",
    "assistance_days": "30",
    "call_window_from": "08:00",
    "call_window_to": "21:00",
    "write_off_approval_over_cents": "1000",
    "estimate_difference_cents": "40000",
    "script_version": "2",
}


def day(text):
    return dt.date.fromisoformat(text)


def typed(name, rows):
    """Rows of one table with the client's name, empty columns and unique ids."""
    table = TABLES[name]
    key = next((column for column in table.key if column not in ("client", "claim_id", "rule", "effective_from")), None)
    full = [
        {
            "client": "acorn-clinic",
            **({key: f"{name[:2]}{number}"} if key and table.column(key).kind == "text" else {}),
            **row,
        }
        for number, row in enumerate(rows)
    ]
    dates = [column.name for column in table.columns if column.kind == "date"]
    full = [
        {column: day(value) if column in dates and isinstance(value, str) else value for column, value in row.items()}
        for row in full
    ]
    return pl.DataFrame(full, schema=table.polars)


def programme(subject, **more):
    """The invented client with a programme: twenty accounts billed to their patients, a plan, calls, disputes, a
    request out of scope."""
    owed = [f"2026-0{month}-{number}" for month in (1, 2, 9) for number in (2, 5)] + [
        f"2026-0{month}-8" for month in range(2, 10)
    ]
    sent = {claim: f"2026-{claim[5:7]}-28" for claim in owed}
    talk = {
        "happened_on": "2026-10-06",
        "entered_on": "2026-10-06",
        "local_time": "10:00",
        "direction": "in",
        "channel": "phone",
        "result": "conversation",
        "resolution": "resolved",
        "next_step": "none",
        "is_identity_verified": True,
        "is_disclosure_given": True,
        "script_version": "2",
        "handled_by": "cp01",
    }
    tables = {
        "statements": [
            {
                "patient": "p-secret",
                "claim_id": claim,
                "statement_on": on,
                "sequence": 1,
                "balance_cents": 10_000,
                "due_on": on,
                "channel": "mail",
            }
            for claim, on in sent.items()
        ],
        "payment_plans": [
            {
                "plan_id": "PL1",
                "patient": "p-secret",
                "claim_id": owed[0],
                "opened_on": "2026-02-01",
                "amount_cents": 9000,
                "instalments": 3,
                "is_autopay": True,
            }
        ],
        "plan_instalments": [
            {"plan_id": "PL1", "number": number, "agreed_on": "2026-02-01", "due_on": on, "amount_cents": 3000}
            for number, on in ((1, "2026-08-15"), (2, "2026-09-15"), (3, "2027-01-15"))
        ],
        "promises": [
            {
                "patient": "p-secret",
                "claim_id": owed[1],
                "promised_on": "2026-10-01",
                "due_on": on,
                "amount_cents": 5000,
            }
            for on in ("2026-10-10", "2026-10-30")
        ],
        "payment_attempts": [
            {
                "patient": "p-secret",
                "claim_id": owed[1],
                "attempted_on": "2026-08-10",
                "amount_cents": 5000,
                "method": "visa",
                "channel": "phone",
                "result": "declined",
                "decline_kind": "soft",
            }
        ],
        "interactions": [
            {**talk, "patient": "p-secret", "claim_id": owed[number % 5], "reason": reason, "department": route}
            for reason, route, count in (
                ("balance", "self_pay", 14),
                ("payment", "self_pay", 12),
                ("dispute", "billing", 12),
                ("estimate", "self_pay", 3),
            )
            for number in range(count)
        ]
        + [
            {
                **talk,
                "patient": "p-secret",
                "claim_id": owed[0],
                "reason": "balance",
                "direction": "out",
                "local_time": "22:15",
                "is_disclosure_given": False,
            }
        ],
        "disputes": [
            {
                "patient": "p-secret",
                "claim_id": owed[number % 6],
                "opened_on": "2026-07-01",
                "reason": reason,
                "amount_cents": 700,
                "closed_on": "2026-07-20",
                "outcome": "upheld",
                "adjusted_cents": 0,
            }
            for reason, count in (("amount", 15), ("duplicate", 13), ("identity", 2))
            for number in range(count)
        ],
        "assistance_applications": [
            {"patient": "p-secret", "applied_on": "2026-09-01", "completed_on": "2026-09-10", "amount_cents": 12_300}
        ],
        "account_changes": [
            {
                "patient": "p-secret",
                "claim_id": owed[0],
                "requested_on": "2026-10-01",
                "done_on": "2026-10-02",
                "kind": "credit_reporting",
                "amount_cents": 4400,
                "reason": "unpaid",
                "done_by": "cp03",
            }
        ],
        "self_pay_policies": [
            {"rule": rule, "effective_from": "2020-01-01", "value": value, "source": "policy"}
            for rule, value in POLICY.items()
        ],
    } | more
    ready = {name: typed(name, rows).lazy() for name, rows in tables.items()}
    return dataclasses.replace(subject, tables={**subject.tables, **ready}, template="self_pay_review", _frames={})
