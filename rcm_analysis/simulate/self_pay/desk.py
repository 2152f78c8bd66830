"""A self-pay programme and its desk: what it knows of the ledger, and how the rows of its tables are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ...tables.schema_base import Table
from ..files.x12 import claim_ids
from ..practice import Practice
from ..services.rows import Luck, patients, table_rows


@dataclass
class Programme:
    """One client's self-pay programme: its plans, prepayments and applications, as columns of day numbers."""

    practice: Practice
    plans: dict[str, np.ndarray] = field(default_factory=dict)
    instalments: dict[str, np.ndarray] = field(default_factory=dict)
    applications: dict[str, np.ndarray] = field(default_factory=dict)
    plant_items: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.practice.book.calendar.last

    @property
    def own(self) -> pl.DataFrame:
        """The patients' side of the ledger, without unapplied money."""
        return self.practice.ledger.filter((pl.col("party") == "patient") & pl.col("claim").is_not_null())

    def luck(self, stage: str) -> Luck:
        return Luck(self.practice.seed, self.practice.book.client.id, f"self-pay {stage}")

    def balances(self, claims: np.ndarray, days: np.ndarray) -> np.ndarray:
        """What the patient owed on each claim at the end of each day, in cents."""
        sums = self.own.sort("claim", "posted").select(
            "claim", "posted", pl.col("amount").cum_sum().over("claim").alias("balance")
        )
        asked = pl.DataFrame(
            {"claim": claims, "posted": days}, schema={"claim": pl.Int64, "posted": pl.Int64}
        ).with_row_index("row")
        found = asked.sort("posted").join_asof(
            sums.sort("posted", maintain_order=True),
            on="posted",
            by="claim",
            strategy="backward",
            check_sortedness=False,
        )
        return found.sort("row")["balance"].fill_null(0).to_numpy()


class Desk:
    """Makes the rows of each table; `accounts` turns claim numbers into the ids that files carry."""

    def __init__(self, programme: Programme) -> None:
        self.programme, self.practice = programme, programme.practice
        self.book, self.last = programme.practice.book, programme.last
        self.ids = np.array(claim_ids(self.book))

    def account(self, claims: np.ndarray) -> dict[str, object]:
        return {"patient": patients(self.book.claims["patient"][claims]), "claim_id": self.ids[claims]}

    def rows(self, table: Table, columns: dict) -> pl.DataFrame:
        return table_rows(table, columns, self.last)
