"""What the plants of one client did while its life was simulated, as the truth tells it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from ..practice_book import ChargeBook
from .kinds import NO_LINE, PLANT_KINDS, Plant


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
