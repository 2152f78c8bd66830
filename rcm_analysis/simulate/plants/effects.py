"""The plants of one client while its life is simulated: whom they touch, and what they did."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .kinds import PLANT_KINDS, Plant

if TYPE_CHECKING:
    from ..practice_book import Book

NO_LINE = -1


class Planted:
    """The planted items of one client, and a record of the rows that each of them touched."""

    def __init__(self, plants: tuple[Plant, ...] = ()) -> None:
        self.plants = plants
        self._rows: dict[str, list[pl.DataFrame]] = {plant.id: [] for plant in plants}
        self.files: dict[str, list[str]] = {plant.id: [] for plant in plants}

    def of(self, kind: str) -> list[Plant]:
        """The plants of one kind."""
        return [plant for plant in self.plants if plant.kind == kind]

    def note(
        self, plant: Plant, claim: np.ndarray, known: np.ndarray, amount: np.ndarray, line: np.ndarray | None = None
    ) -> None:
        """Keep which claims (or lines, by row number) the plant touched, when it shows, and its dollars.

        What is told twice in one call adds up; what a later call tells again of the same claim or line does not.
        """
        touched = pl.DataFrame(
            {
                "claim": np.asarray(claim, np.int64),
                "line": np.full(len(claim), NO_LINE) if line is None else np.asarray(line, np.int64),
                "known": np.asarray(known, np.int64),
                "amount": np.asarray(amount, np.int64),
            }
        )
        self._rows[plant.id].append(
            touched.group_by("claim", "line").agg(pl.col("known").min(), pl.col("amount").sum())
        )

    def rows(self, plant: Plant, last: int) -> pl.DataFrame:
        """What the plant touched and can be seen by the last day: one row per claim or line, the first time."""
        parts = self._rows[plant.id]
        if not parts:
            return pl.DataFrame(schema=dict.fromkeys(("claim", "line", "known", "amount"), pl.Int64))
        frame = pl.concat(parts).filter(pl.col("known") <= last).sort("known", "claim", "line", "amount")
        return frame.unique(["claim", "line"], keep="first", maintain_order=True)


def claims_in_scope(book: Book, plant: Plant, claims: np.ndarray, payer: np.ndarray | None = None) -> np.ndarray:
    """Which of the claims the plant's scope covers; `payer` is their primary unless given."""
    scope, held = plant.scope, np.ones(len(claims), bool)
    if scope.payer is not None:
        held &= (book.claims["payer"][claims] if payer is None else payer) == book.payer_number(scope.payer)
    if scope.location is not None:
        held &= book.claims["location"][claims] == scope.location
    if scope.provider is not None:
        held &= book.claims["provider"][claims] == scope.provider
    if scope.procedures:
        line, owner = book.lines_of(claims)
        held &= np.bincount(owner, weights=codes_in_scope(book, plant, line), minlength=len(claims)) > 0
    return held


def codes_in_scope(book: Book, plant: Plant, line: np.ndarray) -> np.ndarray:
    """Which of the lines have a code of the plant; all where it names none."""
    wanted = np.array([not plant.scope.procedures or name in plant.scope.procedures for name in book.fees.procedures])
    return wanted[book.lines["code"][line]]


def struck(
    book: Book, plant: Plant, claims: np.ndarray, days: np.ndarray, payer: np.ndarray | None = None
) -> np.ndarray:
    """Which of the claims the plant strikes: in its time and scope, and drawn at the rate of its size."""
    draw = book.draws(f"plant {plant.id}").uniform("struck")[claims]
    return plant.holds(days) & claims_in_scope(book, plant, claims, payer) & (draw < plant.size)


def told(book: Book, claim_ids: list[str]) -> list[dict[str, Any]]:
    """Every plant of the book with what it did, in the form that `plants` describes."""
    return [_told(book, plant, claim_ids) for plant in book.planted.plants]


def _told(book: Book, plant: Plant, claim_ids: list[str]) -> dict[str, Any]:
    kind, scope = PLANT_KINDS[plant.kind], plant.scope
    seen = book.planted.rows(plant, book.calendar.last)
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
        "files": book.planted.files[plant.id],
    }


def _iso(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=int(day))).isoformat()
