"""Bills and answers of one claim as tables: every row says only what matters to its case."""

from __future__ import annotations

import datetime as dt

import polars as pl

from rcm_analysis.ledger import claim_state
from rcm_analysis.tables.schema import REMIT_ADJUSTMENTS, REMIT_CLAIMS, REMIT_LINES


def day(text: str) -> dt.date:
    """A day of 2026 as MM-DD, or of another year."""
    return dt.date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def rows(table, given: list[dict]) -> pl.DataFrame:
    plain = {"client": "acme"}
    columns = {
        name: pl.Series(name, [{**plain, **row}.get(name) for row in given], dtype=kind)
        for name, kind in table.polars.items()
    }
    return pl.DataFrame(columns)


def bill(on: str, charge: int = 300_00, frequency: str = "1", **other) -> dict:
    given = {"claim_id": "C", "payer": "aetna", "payer_order": "primary", "service_on": day("01-01"), "patient": "p1"}
    made = {"submission_id": f"{on}{frequency}{charge}", "submitted_on": day(on), "frequency": frequency}
    return {**given, **made, "charge_cents": charge, **other}


def clp(name: str, on: str, charge: int, paid: int, *cas: tuple, lines: list | None = None, **other) -> dict:
    """One claim payment; `cas` at the claim, `lines` as (procedure, charge, paid, *cas)."""
    given = {"remit_id": f"file of {on}", "claim_id": "C", "sequence": 1, "status": "1", "payer": "aetna"}
    row = {**given, "remit_claim_id": name, "charge_cents": charge, "paid_cents": paid, "received_on": day(on)}
    return {**row, "cas": cas, "lines": lines or [], **other}


def remits(*given: dict) -> dict[str, pl.DataFrame]:
    """The three tables, with their orders as CLP02 says them."""
    claims, lines, adjustments = [], [], []
    for one in given:
        common = {key: one[key] for key in ("remit_claim_id", "claim_id", "received_on")}
        claims.append({"payer_order": claim_state.STATED_ORDERS.get(one["status"], "primary"), **one})
        for place, (procedure, charge, paid, *cas) in enumerate(one["lines"], start=1):
            line_id = f"{one['remit_claim_id']}-{place}"
            procedure, _, control = procedure.partition("/")
            line = {"procedure": procedure, "control_number": control or None, "service_on": day("01-01")}
            lines.append({**common, **line, "remit_line_id": line_id, "charge_cents": charge, "paid_cents": paid})
            adjustments += [{**common, "remit_line_id": line_id, "cas": item} for item in cas]
        adjustments += [{**common, "cas": item} for item in one["cas"]]
    cas = [
        {
            **row,
            "remit_adjustment_id": str(n),
            **dict(zip(("group_code", "carc", "amount_cents"), row["cas"], strict=True)),
        }
        for n, row in enumerate(adjustments)
    ]
    return {
        "remit_claims": rows(REMIT_CLAIMS, claims),
        "remit_lines": rows(REMIT_LINES, lines),
        "remit_adjustments": rows(REMIT_ADJUSTMENTS, cas),
    }
