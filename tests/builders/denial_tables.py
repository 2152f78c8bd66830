"""Builders of remittance tables: every row says only what matters to its case; the rest is plain.

    tables(clp("C1", paid=8000, svc=[line(10000, 8000, cas("CO", "45", 2000))]), claims=[...], ...)

Amounts are cents. Days are ISO text. `tables` gives every table of the schema that a denial measure
may ask for, as pandas frames with the columns and kinds of the schema.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd
import polars as pl

from rcm_analysis.tables import schema

CLIENT = "acme"
DAY = "2026-10-05"


@dataclass
class Cas:
    group: str
    carc: str
    amount: int
    remarks: str | None = None


@dataclass
class Line:
    charge: int
    paid: int
    adjustments: tuple[Cas, ...] = ()
    allowed: int | None = None
    procedure: str = "99213"


@dataclass
class Clp:
    claim_id: str
    charge: int
    paid: int
    status: str = "1"
    on: str = DAY
    lines: list[Line] = field(default_factory=list)
    adjustments: tuple[Cas, ...] = ()
    payer: str = "aetna"
    payer_order: str | None = None
    sequence: int | None = None
    client: str = CLIENT
    payer_claim_id: str | None = None


def cas(group: str, carc: str, amount: int, remarks: str | None = None) -> Cas:
    """One CAS triplet."""
    return Cas(group, carc, amount, remarks)


def line(charge: int, paid: int, *adjustments: Cas, **other) -> Line:
    """One SVC with its adjustments."""
    return Line(charge, paid, adjustments, **other)


def clp(claim_id: str, *lines: Line, **other) -> Clp:
    """One claim payment with service lines; charge and paid are those of the lines unless given."""
    given = {"charge": sum(one.charge for one in lines), "paid": sum(one.paid for one in lines)}
    return Clp(claim_id, lines=list(lines), **{**given, **other})


def bare(claim_id: str, charge: int, paid: int, *adjustments: Cas, **other) -> Clp:
    """One claim payment without service lines: its adjustments stand at the claim."""
    return Clp(claim_id, charge, paid, adjustments=adjustments, **other)


def reversal(original: Clp, on: str, **other) -> Clp:
    """The reversal of a claim payment: status 22, every amount negated."""
    negated = [
        Line(-one.charge, -one.paid, tuple(Cas(a.group, a.carc, -a.amount, a.remarks) for a in one.adjustments))
        for one in original.lines
    ]
    levels = tuple(Cas(a.group, a.carc, -a.amount, a.remarks) for a in original.adjustments)
    return Clp(
        original.claim_id,
        -original.charge,
        -original.paid,
        **{
            "status": "22",
            "on": on,
            "lines": negated,
            "adjustments": levels,
            "payer": original.payer,
            "payer_order": order_of(original),
            "client": original.client,
            **other,
        },
    )


def order_of(one: Clp) -> str:
    """The payer's order, from CLP02 unless given."""
    by_status = {"2": "secondary", "20": "secondary", "3": "tertiary", "21": "tertiary"}
    return one.payer_order or by_status.get(one.status, "primary")


def paid(claim_id: str, **other) -> Clp:
    """100.00 charged, 80.00 paid, 20.00 contractual."""
    return clp(claim_id, line(10000, 8000, cas("CO", "45", 2000)), **other)


def denied(claim_id: str, carc: str = "197", **other) -> Clp:
    """100.00 charged and denied."""
    return clp(claim_id, line(10000, 0, cas("CO", carc, 10000)), **other)


def tables(*claim_payments: Clp, **rows: list[dict]) -> dict[str, pd.DataFrame]:
    """Every table, empty unless given. Other tables take rows as dicts, filled with defaults."""
    remit_claims, remit_lines, remit_adjustments = [], [], []
    for number, one in enumerate(claim_payments, start=1):
        name = f"R{number:04d}"
        remit_claims.append(_claim_row(one, name, number))
        for position, each in enumerate(one.lines, start=1):
            remit_lines.append(_line_row(one, name, position, each))
            remit_adjustments += _cas_rows(one, name, f"{name}-{position}", each.adjustments)
        remit_adjustments += _cas_rows(one, name, None, one.adjustments)
    filled = {
        "remit_claims": remit_claims,
        "remit_lines": remit_lines,
        "remit_adjustments": remit_adjustments,
        **{
            table: [_filled(table, number, row) for number, row in enumerate(given, start=1)]
            for table, given in rows.items()
        },
    }
    return {name: _frame(name, filled.get(name, [])) for name in NAMES}


NAMES = (
    "claims",
    "submissions",
    "claim_edits",
    "acknowledgments",
    "transactions",
    "work_log",
    "remit_claims",
    "remit_lines",
    "remit_adjustments",
    "payer_rules",
)
DEFAULTS = {
    "claims": {
        "claim_type": "professional",
        "payer": "aetna",
        "service_on": "2026-09-01",
        "entered_on": "2026-09-02",
        "charge_cents": 10000,
    },
    "submissions": {"payer": "aetna", "payer_order": "primary", "frequency": "1", "charge_cents": 10000},
    "claim_edits": {"stage": "scrubber", "result": "passed"},
    "acknowledgments": {"kind": "277CA", "level": "claim", "said_by": "payer", "result": "pending"},
    "transactions": {"kind": "contractual", "party": "primary", "payer": "aetna", "happened_on": DAY, "posted_on": DAY},
    "work_log": {"worked_by": "jane", "action": "follow_up"},
    "payer_rules": {
        "payer": "aetna",
        "effective_from": "2020-01-01",
        "filing_limit_days": 90,
        "appeal_limit_days": 60,
        "secondary_filing_limit_days": 90,
    },
}


def _filled(table: str, number: int, row: dict) -> dict:
    whole = {"client": CLIENT, **DEFAULTS[table], **row}
    for key in schema.TABLES[table].key:
        whole.setdefault(key, f"{table}-{number}")
    if table == "work_log":
        whole.setdefault("entered_on", whole["worked_on"])
    return whole


def _claim_row(one: Clp, name: str, number: int) -> dict:
    return {
        "client": one.client,
        "remit_claim_id": name,
        "remit_id": f"file of {one.on}",
        "claim_id": one.claim_id,
        "sequence": number if one.sequence is None else one.sequence,
        "status": one.status,
        "payer": one.payer,
        "payer_order": order_of(one),
        "charge_cents": one.charge,
        "paid_cents": one.paid,
        "payer_claim_id": one.payer_claim_id,
        "paid_on": one.on,
        "received_on": one.on,
    }


def _line_row(one: Clp, name: str, position: int, each: Line) -> dict:
    return {
        "client": one.client,
        "remit_line_id": f"{name}-{position}",
        "remit_claim_id": name,
        "claim_id": one.claim_id,
        "line_number": position,
        "procedure": each.procedure,
        "charge_cents": each.charge,
        "paid_cents": each.paid,
        "allowed_cents": each.allowed,
        "received_on": one.on,
    }


def _cas_rows(one: Clp, name: str, line_id: str | None, adjustments: tuple[Cas, ...]) -> list[dict]:
    return [
        {
            "client": one.client,
            "remit_adjustment_id": f"{line_id or name}/{position}",
            "remit_claim_id": name,
            "remit_line_id": line_id,
            "claim_id": one.claim_id,
            "group_code": each.group,
            "carc": each.carc,
            "amount_cents": each.amount,
            "remark_codes": each.remarks,
            "received_on": one.on,
        }
        for position, each in enumerate(adjustments, start=1)
    ]


def _frame(name: str, rows: list[dict]) -> pd.DataFrame:
    """The rows as a pandas frame with the schema's kinds, by way of Polars so that empty stays empty."""
    kinds = schema.TABLES[name].polars
    columns = {
        column: pl.Series(column, [_value(row.get(column), kind) for row in rows], dtype=kind)
        for column, kind in kinds.items()
    }
    return pl.DataFrame(columns).to_pandas()


def _value(value, kind):
    return dt.date.fromisoformat(value) if kind == pl.Date and isinstance(value, str) else value
