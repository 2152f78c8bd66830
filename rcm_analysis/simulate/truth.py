"""The truth behind a simulated workspace: read by tests and by the scoreboard, never by an analysis."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import ClientError, SourceError, closest

_PLANTS = {
    "plant": pl.String,
    "kind": pl.String,
    "client": pl.String,
    "is_problem": pl.Boolean,
    "start": pl.Date,
    "end": pl.Date,
    "start_basis": pl.String,
    "size": pl.Float64,
    "size_unit": pl.String,
    "payer": pl.String,
    "procedures": pl.List(pl.String),
    "location": pl.String,
    "provider": pl.String,
    "category": pl.String,
    "first_seen": pl.Date,
    "claims_count": pl.Int64,
    "amount_cents": pl.Int64,
    "amount_means": pl.String,
    "files": pl.List(pl.String),
}
_SCOPE = ("payer", "procedures", "location", "provider", "category")
_ROWS = {
    "plant": pl.String,
    "client": pl.String,
    "claim_id": pl.String,
    "line_number": pl.Int64,
    "known_on": pl.Date,
    "amount_cents": pl.Int64,
}
_MONTHS = {
    "plant": pl.String,
    "client": pl.String,
    "month": pl.String,
    "claims_count": pl.Int64,
    "amount_cents": pl.Int64,
}


@dataclass(frozen=True)
class Truth:
    """What was planted where.

    plants: one row per planted item, scope spread over columns.
    rows: one row per claim (or line) that an item touched, with the day it can be seen and its dollars.
    months: one row per item and month in which rows of it can be seen.
    sums: per client the other sums of its file (ledger months, deposits, counts).
    """

    plants: pl.DataFrame
    rows: pl.DataFrame
    months: pl.DataFrame
    sums: dict[str, dict[str, Any]]

    @property
    def clients(self) -> list[str]:
        """Every client, in order of its id."""
        return sorted(self.sums)

    def __getitem__(self, client: str) -> Truth:
        """The same of one client.

        Raises
            ClientError for a client that has no truth here.
        """
        if client not in self.sums:
            raise ClientError(
                f"No truth about '{client}'. Known: {', '.join(self.clients)}.{closest(client, self.clients)}"
            )
        plants, rows, months = (
            frame.filter(pl.col("client") == client) for frame in (self.plants, self.rows, self.months)
        )
        return Truth(plants, rows, months, {client: self.sums[client]})


def read_truth(folder: str | Path) -> Truth:
    """The truth of the workspace in `folder`.

    Raises
        SourceError where there is no truth: the workspace was not simulated.
    """
    paths = sorted((Path(folder) / "truth").glob("*.json"))
    if not paths:
        raise SourceError(
            f"No truth in {folder}: expected truth/<client>.json, found none. Only a simulated workspace has it."
        )
    plants: list[dict[str, Any]] = []
    rows: list[tuple] = []
    months: list[tuple] = []
    sums: dict[str, dict[str, Any]] = {}
    for path in paths:
        content = json.loads(path.read_text("utf-8"))
        for plant in content.pop("plants", []):
            named = (plant["id"], plant["client"])
            rows += [(*named, *row) for row in plant.pop("rows", [])]
            months += [(*named, *month.values()) for month in plant.pop("months", [])]
            scope = plant.pop("scope", {})
            plants.append(plant | {"plant": plant["id"]} | {name: scope.get(name) for name in _SCOPE})
        sums.setdefault(content["client"], {}).update(content)
    return Truth(_frame(plants, _PLANTS), _frame(rows, _ROWS), _frame(months, _MONTHS), sums)


def _frame(rows: list, schema: dict[str, Any]) -> pl.DataFrame:
    """A frame from JSON values: dates arrive as text."""
    loose = {name: pl.String if kind == pl.Date else kind for name, kind in schema.items()}
    if rows and isinstance(rows[0], dict):
        rows = [tuple(row.get(name) for name in schema) for row in rows]
    frame = pl.DataFrame(rows, schema=loose, orient="row")
    return frame.with_columns(pl.col(name).str.to_date() for name, kind in schema.items() if kind == pl.Date)
