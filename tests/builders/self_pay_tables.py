"""Rows of the self-pay tables with plain defaults: say what matters, the rest is empty."""

from __future__ import annotations

import pandas as pd

from rcm_analysis.tables import schema

NAMES = ("claims", "transactions", *(table.name for table in schema.SERVICE_TABLES.values()))
TYPES = {"cents": "Int64", "count": "Int64", "flag": "boolean"}


def table(name: str, rows: list[dict]) -> pd.DataFrame:
    """The rows as a table of the store; ids are numbered, columns not given are empty, days are text YYYY-MM-DD."""
    kind = schema.TABLES[name]
    ids = {column for column in kind.key if column not in ("client", "claim_id", "rule", "effective_from")}
    columns = {}
    for column in kind.columns:
        default = (
            (lambda number: str(number)) if column.name in ids and column.kind == "text" else (lambda number: None)
        )
        values = [
            row.get(column.name, "acme" if column.name == "client" else default(number))
            for number, row in enumerate(rows)
        ]
        series = pd.Series(values, dtype="object")
        columns[column.name] = (
            pd.to_datetime(series) if column.kind == "date" else series.astype(TYPES.get(column.kind, "object"))
        )
    unknown = {key for row in rows for key in row} - set(kind.names)
    assert not unknown, unknown
    return pd.DataFrame(columns)


def tables(**rows: list[dict]) -> dict[str, pd.DataFrame]:
    """Every table a self-pay measure may read; those not given are empty."""
    return {
        name: table(name, rows[name]) if rows.get(name) else schema.TABLES[name].empty().to_pandas() for name in NAMES
    }


def pay(claim: str, day: str, cents: int, *, kind: str = "payment", party: str = "patient", **more) -> dict:
    """A posting; payments and write-offs lower the balance."""
    sign = -1 if kind in ("payment", "write_off", "contractual") else 1
    return {"claim_id": claim, "kind": kind, "party": party, "amount_cents": sign * cents, "posted_on": day, **more}


def owe(claim: str, day: str, cents: int, *, party: str = "patient") -> dict:
    """A balance that a party is made responsible for."""
    return {
        "claim_id": claim,
        "kind": "transfer" if party == "patient" else "charge",
        "party": party,
        "amount_cents": cents,
        "posted_on": day,
    }


def policy(rule: str, value: object, *, since: str = "2020-01-01", to: str | None = None) -> dict:
    return {"rule": rule, "effective_from": since, "effective_to": to, "value": str(value)}
