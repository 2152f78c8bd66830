"""Builders of priced lines: every row says only what matters to its case; the rest is plain.

    tables(paid("C1", 9000), fees=[fee(10000)])     one line of 99213, charged $200.00, allowed $90.00 of a contract of
    $100.00

Amounts are cents, days are ISO text. A payment has one line unless `lines` are given; what it does not explain
otherwise is a contract discount (45), so that every line balances.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pandas as pd
import polars as pl

from rcm_analysis.tables import schema

CLIENT = "acme"
CHARGE = 20000


@dataclass(frozen=True)
class Line:
    """One line as billed and as decided; `cas` are the other adjustments as (group, code, amount).

    `sent` is what the bill says otherwise than the decision, `said` what the payer says of the bill (SVC06, SVC07).
    """

    allowed: int
    procedure: str = "99213"
    modifiers: str | None = None
    units: float | None = 1.0
    charge: int = CHARGE
    place: str = "11"
    cas: tuple[tuple[str, str, int], ...] = ()
    discount: int | None = None
    billed: bool = True
    sent: tuple[tuple[str, object], ...] = ()
    said: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Payment:
    """One claim payment."""

    claim_id: str
    lines: tuple[Line, ...]
    on: str = "2026-06-05"
    service: str = "2026-05-20"
    payer: str = "aetna"
    status: str = "1"
    order: str = "primary"
    claim_type: str = "professional"
    sign: int = 1


def paid(claim_id: str, allowed: int = 0, *, lines=None, **other) -> Payment:
    """A payment with one line (or `lines`); whatever is no attribute of the payment is one of the line."""
    own = {name: other.pop(name) for name in list(other) if name in Payment.__dataclass_fields__}
    return Payment(claim_id, tuple(lines) if lines else (Line(allowed, **other),), **own)


def taken_back(payment: Payment, on: str) -> Payment:
    """The reversal of a payment: status 22, every amount negated."""
    return replace(payment, on=on, status="22", sign=-1)


def fee(allowed: int, start: str = "2026-01-01", end: str | None = None, **other) -> dict:
    """One price of the fee schedule."""
    return {
        "procedure": "99213",
        "payer": "aetna",
        "modifiers": "",
        "allowed_cents": allowed,
        "effective_from": start,
        "effective_to": end,
        **other,
    }


def rule(days: int, start: str = "2020-01-01", end: str | None = None, payer: str = "aetna") -> dict:
    """One rule of a payer: its appeal limit."""
    return {
        "payer": payer,
        "appeal_limit_days": days,
        "filing_limit_days": 90,
        "effective_from": start,
        "effective_to": end,
    }


def tables(*payments: Payment, fees=(), rules=(), **more: list[dict]) -> dict[str, pd.DataFrame]:
    """Every table that a contract measure may ask for."""
    rows: dict[str, list[dict]] = {"fee_schedules": list(fees), "payer_rules": list(rules), **more}
    claims: dict[str, dict] = {}
    for number, payment in enumerate(payments, start=1):
        claims.setdefault(payment.claim_id, _claim(payment))
        _add(rows, f"R{number:05d}", number, payment)
    rows["claims"] = list(claims.values())
    seen: dict[tuple, dict] = {}
    for row in rows.get("claim_lines", []):
        seen.setdefault((row["claim_id"], row["line_number"]), row)
    rows["claim_lines"] = list(seen.values())
    return {name: _frame(name, rows.get(name, [])) for name in NAMES}


NAMES = (
    "claims",
    "claim_lines",
    "remit_claims",
    "remit_lines",
    "remit_adjustments",
    "fee_schedules",
    "payer_rules",
    "submissions",
    "transactions",
    "work_log",
)


def _claim(payment: Payment) -> dict:
    charge = sum(line.charge for line in payment.lines)
    return {
        "claim_id": payment.claim_id,
        "claim_type": payment.claim_type,
        "payer": payment.payer,
        "provider": "lee",
        "service_on": payment.service,
        "entered_on": payment.service,
        "charge_cents": charge,
    }


def _add(rows: dict[str, list[dict]], name: str, number: int, payment: Payment) -> None:
    sign, of = payment.sign, {"claim_id": payment.claim_id, "remit_claim_id": name, "received_on": payment.on}
    total = {"charge_cents": 0, "paid_cents": 0}
    for position, line in enumerate(payment.lines, start=1):
        extra = sum(
            amount
            for group, code, amount in line.cas
            if (group == "PR" and code in ("1", "2", "3")) or code in ("253", "104")
        )
        money = {"charge_cents": sign * line.charge, "paid_cents": sign * (line.allowed - extra)}
        rest = line.charge - line.allowed + extra - sum(amount for _, _, amount in line.cas)
        discount = rest if line.discount is None else line.discount
        code = {"line_number": position, "procedure": line.procedure, "modifiers": line.modifiers, "units": line.units}
        rows.setdefault("remit_lines", []).append(
            of | code | money | {"remit_line_id": f"{name}-{position}", "service_on": payment.service} | dict(line.said)
        )
        for at, (group, carc, amount) in enumerate([*line.cas, *([("CO", "45", discount)] if discount else [])]):
            rows.setdefault("remit_adjustments", []).append(
                of
                | {
                    "remit_adjustment_id": f"{name}-{position}/{at}",
                    "remit_line_id": f"{name}-{position}",
                    "group_code": group,
                    "carc": carc,
                    "amount_cents": sign * amount,
                }
            )
        if line.billed:
            rows.setdefault("claim_lines", []).append(
                code
                | {
                    "claim_id": payment.claim_id,
                    "place_of_service": line.place,
                    "service_on": payment.service,
                    "entered_on": payment.service,
                    "charge_cents": line.charge,
                }
                | dict(line.sent)
            )
        total = {key: total[key] + money[key] for key in total}
    rows.setdefault("remit_claims", []).append(
        of
        | total
        | {
            "remit_id": f"file of {payment.on}",
            "sequence": number,
            "status": payment.status,
            "payer": payment.payer,
            "payer_order": payment.order,
        }
    )


def _frame(name: str, rows: list[dict]) -> pd.DataFrame:
    table = schema.TABLES[name]
    filled = [{"client": CLIENT, **row} for row in rows]
    typed = [{column: _value(row.get(column), table.column(column).kind) for column in table.names} for row in filled]
    return pl.DataFrame(typed, schema=table.polars).to_pandas()


def _value(value, kind):
    return dt.date.fromisoformat(value) if kind == "date" and isinstance(value, str) else value
