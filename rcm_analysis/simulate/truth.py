"""The truth behind a simulated workspace: what was planted and what it did. Tests and the scoreboard read it, no
analysis does."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import ClientError, SourceError, closest
from .plants.kinds import NO_LINE, PLANT_KINDS, Plant
from .practice_book import ChargeBook

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


def told(book: ChargeBook, claim_ids: list[str]) -> list[dict[str, Any]]:
    """Every plant of the book with what it did, in the form that `plants` describes."""
    return [_told(book, plant, claim_ids) for plant in book.plant_log.plants]


def _told(book: ChargeBook, plant: Plant, claim_ids: list[str]) -> dict[str, Any]:
    kind, scope = PLANT_KINDS[plant.kind], plant.scope
    seen = book.plant_log.rows(plant, book.calendar.last)
    rows = [
        [claim_ids[claim], None if line == NO_LINE else int(book.lines["number"][line]), _iso(known), amount]
        for claim, line, known, amount in seen.select("claim", "line", "known", "amount").iter_rows()
    ]
    cents: Counter = Counter()
    claims: dict = {}
    for claim, _, known, amount in rows:
        cents[known[:7]] += amount
        claims.setdefault(known[:7], set()).add(claim)
    return {
        "id": plant.id,
        "kind": plant.kind,
        "client": plant.client,
        "is_problem": kind.is_problem,
        "start": _iso(plant.start),
        "end": None if plant.end is None else _iso(plant.end),
        "start_basis": kind.basis,
        "size": plant.size,
        "size_unit": kind.size_unit,
        "scope": {
            "payer": scope.payer,
            "procedures": list(scope.procedures) or None,
            "location": None if scope.location is None else book.location_names[scope.location],
            "provider": None if scope.provider is None else book.provider_names[scope.provider],
            "category": kind.category,
        },
        "amount_means": kind.amount_means,
        "claims_count": seen["claim"].n_unique(),
        "amount_cents": int(seen["amount"].sum()),
        "first_seen": rows[0][2] if rows else None,
        "months": [
            {"month": month, "claims_count": len(claims[month]), "amount_cents": cents[month]}
            for month in sorted(claims)
        ],
        "rows": rows,
        "files": book.plant_log.files[plant.id],
    }


def _iso(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=int(day))).isoformat()
