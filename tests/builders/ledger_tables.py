"""Builders of ledger tables: every row says only what matters to its case; the rest is plain.

    tables(post("1", "charge", 10000, "2026-03-05"), claims=[claim("1", service="2026-03-01")])

Amounts are cents, signed as in the ledger. Days are ISO text.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl

from rcm_analysis.tables import schema

CLIENT = "acme"
SERVICE = "2026-03-01"


def post(claim_id, kind, amount, on, party="primary", **other) -> dict:
    """One posting."""
    return {"claim_id": claim_id, "kind": kind, "amount_cents": amount, "posted_on": on, "party": party, **other}


def claim(claim_id, service=SERVICE, **other) -> dict:
    """One claim."""
    return {"claim_id": claim_id, "service_on": service, **other}


def sent(claim_id, on, order="primary", **other) -> dict:
    """One submission."""
    return {"claim_id": claim_id, "submitted_on": on, "payer_order": order, **other}


def answer(claim_id, on, order="primary", **other) -> dict:
    """One remittance claim."""
    return {"claim_id": claim_id, "received_on": on, "payer_order": order, **other}


def line(claim_id, number, procedure, charge, **other) -> dict:
    """One service line."""
    return {"claim_id": claim_id, "line_number": number, "procedure": procedure, "charge_cents": charge, **other}


def fee(procedure, allowed, start, end=None, **other) -> dict:
    """One price of the fee schedule."""
    return {"procedure": procedure, "allowed_cents": allowed, "effective_from": start, "effective_to": end, **other}


DEFAULTS = {
    "transactions": {"payer": "aetna", "happened_on": None},
    "claims": {
        "payer": "aetna",
        "provider": "lee",
        "location": "main",
        "claim_type": "professional",
        "charge_cents": 10000,
    },
    "submissions": {"payer": "aetna", "frequency": "1", "charge_cents": 10000},
    "remit_claims": {
        "payer": "aetna",
        "status": "1",
        "remit_id": "R",
        "sequence": 1,
        "charge_cents": 10000,
        "paid_cents": 0,
    },
    "claim_lines": {"modifiers": None, "units": 1.0, "service_on": SERVICE, "entered_on": SERVICE},
    "fee_schedules": {"payer": "aetna", "modifiers": ""},
}
IDS = {"transactions": "transaction_id", "submissions": "submission_id", "remit_claims": "remit_claim_id"}


def tables(*postings, claims=(), submissions=(), answers=(), lines=(), fees=()) -> dict[str, pd.DataFrame]:
    """The tables as pandas frames with every column of the schema; claims not described are plain."""
    named = {row["claim_id"] for row in claims}
    others = {row["claim_id"] for row in [*postings, *submissions, *answers] if row["claim_id"] is not None}
    claims = [*claims, *(claim(name) for name in sorted(others - named))]
    claims = [{"entered_on": row["service_on"], **row} for row in claims]
    given = {
        "transactions": list(postings),
        "claims": claims,
        "submissions": list(submissions),
        "remit_claims": list(answers),
        "claim_lines": list(lines),
        "fee_schedules": list(fees),
    }
    return {name: _frame(name, rows) for name, rows in given.items()}


def _frame(name: str, rows: list[dict]) -> pd.DataFrame:
    table = schema.TABLES[name]
    key = {IDS[name]: None} if name in IDS else {}
    filled = [
        {"client": CLIENT, **DEFAULTS[name], **{column: str(number) for column in key}, **row}
        for number, row in enumerate(rows)
    ]
    typed = [{column: _value(row.get(column), table.column(column).kind) for column in table.names} for row in filled]
    return pl.DataFrame(typed, schema=table.polars).to_pandas()


def _value(value, kind):
    return dt.date.fromisoformat(value) if kind == "date" and isinstance(value, str) else value


def random_book(claims: int = 250, seed: int = 7) -> dict[str, pd.DataFrame]:
    """A year of one client with credits, unapplied money, takebacks, denials and empty values."""
    rng = np.random.default_rng(seed)
    start = dt.date(2025, 4, 1)
    rows, described, bills, answers, lines = [], [], [], [], []
    for number in range(claims):
        name = f"C{number}"
        day = start + dt.timedelta(days=int(rng.integers(0, 360)))
        later = iter(sorted(day + dt.timedelta(days=int(step)) for step in rng.integers(3, 200, 6)))
        cents = int(rng.integers(20, 900)) * 100 + int(rng.integers(0, 2)) * 37
        payer = ["aetna", "cigna", "medicare"][rng.integers(0, 3)]
        described.append(
            claim(
                name,
                service=str(day),
                entered_on=str(day + dt.timedelta(days=int(rng.integers(0, 9)))),
                payer=payer,
                provider=[None, "lee", "cruz"][rng.integers(0, 3)],
                secondary_payer="cigna",
                charge_cents=cents,
            )
        )
        rows.append(post(name, "charge", cents, str(day), payer=payer))
        procedure = ["99213", "99214", "36415"][rng.integers(0, 3)]
        lines.append(line(name, 1, procedure, cents, service_on=str(day), units=float(rng.integers(1, 4)) / 2))
        if rng.random() < 0.9:
            bills.append(sent(name, str(next(later)), payer=payer))
        if rng.random() < 0.8:
            on = str(next(later))
            answers.append(answer(name, on, payer=payer))
            rows.append(
                post(name, "contractual", -cents // 3, on, carc=["45", "45", "197"][rng.integers(0, 3)], payer=payer)
            )
            rows.append(post(name, "payment", -cents // 2, on, payer=payer))
            rows.append(post(name, "transfer", -cents // 8, on))
            rows.append(post(name, "transfer", cents // 8, on, party="patient"))
        if rng.random() < 0.3:
            rows.append(post(name, "payment", -cents // 6, str(next(later)), party="patient", payer=None))
        if rng.random() < 0.1:
            rows.append(post(name, "takeback", cents // 4, str(next(later))))
        if rng.random() < 0.2:
            reason = ["small balance", "timely filing", None][rng.integers(0, 3)]
            rows.append(
                post(
                    name, "write_off", -int(rng.integers(1, 30)) * 100, str(next(later)), reason=reason, posted_by="jd"
                )
            )
        if rng.random() < 0.05:
            rows.append(post(None, "payment", -int(rng.integers(1, 9000)), str(next(later)), payer=payer))
    fees = [
        fee("99213", 5000, "2025-01-01", payer="aetna"),
        fee("99213", 5500, "2025-12-01", payer="aetna"),
        fee("99214", 9000, "2025-01-01", "2025-12-31", payer="cigna"),
    ]
    return tables(*rows, claims=described, submissions=bills, answers=answers, lines=lines, fees=fees)
