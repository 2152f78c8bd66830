"""One simulated client as the scoreboard sees it: what came in, what is stored, and what is true."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from ..periods import Period
from ..simulate import PLANT_KINDS, Truth
from ..sources.intake import IntakeReport
from ..tables.schema import TABLES
from ..tables.store import known_by
from ..tables.workspace import ClientView
from .scoring import PlantedProblem, Watch

SCOPE = ("payer", "procedures", "location", "provider", "category")


@dataclass(frozen=True)
class Case:
    """One client of one seed: the months simulated, its stored tables, its intake, and the truth."""

    client: str
    period: Period
    view: ClientView
    intake: IntakeReport
    truth: Truth

    @cached_property
    def known(self) -> dict[str, Any]:
        """Everything that is known on the last day, read once."""
        return {name: frame.collect().lazy() for name, frame in self.view.tables().items()}

    def months_known(self) -> Iterator[tuple[Period, dict[str, Any]]]:
        """Each month with what was known on its last day: an analysis may not look ahead."""
        for month in self.period.months():
            yield month, self.known_on(month.last_day)

    def known_on(self, day: dt.date) -> dict[str, Any]:
        """The tables as they stood at the end of `day`."""
        return {name: known_by(frame, TABLES[name], day) for name, frame in self.known.items()}

    @property
    def sums(self) -> dict[str, Any]:
        return self.truth.sums[self.client]

    @property
    def watch(self) -> Watch:
        """The months watched; quiet where no problem was planted in the claims (other domains do not count)."""
        mine = self.truth.plants.filter(
            pl.col("client") == self.client, "is_problem", pl.col("kind").is_in(list(PLANT_KINDS))
        )
        return Watch(self.client, self.period.first_day, self.period.last_day, mine.is_empty())

    def plant_rows(self, *kinds: str) -> pl.DataFrame:
        """The planted items of these kinds that can be seen in the raw files."""
        mine = self.truth.plants.filter(pl.col("client") == self.client)
        return mine.filter(pl.col("kind").is_in(kinds), pl.col("first_seen").is_not_null())

    def problems(self, *kinds: str) -> list[PlantedProblem]:
        """The same as `scoring.PlantedProblem`; the onset is the first day on which anybody could have seen it."""
        return [
            PlantedProblem(
                row["client"],
                row["first_seen"],
                row["end"],
                {name: row[name] for name in SCOPE if row[name] is not None},
                row["amount_cents"],
            )
            for row in self.plant_rows(*kinds).iter_rows(named=True)
        ]

    def planted_cents(self, month: Period, *kinds: str) -> int:
        """What planted items of these kinds show in one month."""
        of = self.truth.months.join(self.plant_rows(*kinds).select("plant"), on="plant", how="semi")
        return int(of.filter(pl.col("month") == month.label)["amount_cents"].sum())
