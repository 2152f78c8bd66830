"""The team of a care-coordination programme: who works there from when to when, and whom they look after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ...tables.schema_base import Table
from ..company import day_number
from ..laws import LEAD_STOPS, ONE_DAY
from ..practice import Practice
from ..submission import NEVER
from .rows import Luck, table_rows

HIRED_IN_MONTH = (0, 0, 3, 6, 10)
LEAVES_IN_MONTH = {1: 10}
UNBILLED_MONTHS, KNOWN_MONTHS = 6, 4
"""A planted coordinator's last months that are not billed, and how long such a coordinator has worked before."""
LEAD_STOPS_DAYS = 75
"""Days before the end from which the lead Health Home passes nothing on, where that is planted."""


@dataclass
class Team:
    """The programme of one client: its coordinators, its members and who looks after whom."""

    practice: Practice
    plants: bool = True
    referrals: dict[str, np.ndarray] = field(default_factory=dict)
    members: dict[str, np.ndarray] = field(default_factory=dict)
    turns: list[tuple[int, str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        book = self.practice.book
        self.client, self.last, self.months = book.client.id, book.calendar.last, book.calendar.months
        self.first_days = np.array([day_number(month.first_day) for month in self.months])
        self.last_days = np.array([day_number(month.last_day) for month in self.months])
        ids = [payer.id for payer in book.company.payers]
        self.payers = {name: book.company.payers[ids.index(name)].aliases[0] for name in ("harbor", "medicaid")}
        self.region = "downstate" if book.client.number % 2 else "upstate"
        begin = min(2, len(self.months) - 1)
        self.coordinators = {
            f"CC{number + 1:02d}": (int(self.first_days[begin + wait]), self._leaves(begin, number))
            for number, wait in enumerate(HIRED_IN_MONTH)
            if begin + wait < len(self.months)
        }
        self.unbilled_from = len(self.months) - UNBILLED_MONTHS
        self.unbilled_coordinator = (
            self._unbilled_coordinator() if self.plants and len(self.months) > 2 * UNBILLED_MONTHS else ""
        )

        faults = book.company.laws.care_faults if self.unbilled_coordinator else ()
        self.lead_stops_from = self.last - LEAD_STOPS_DAYS if LEAD_STOPS in faults else NEVER
        others = [who for who in self._stayed() if who != self.unbilled_coordinator] if faults else []
        self.one_day_coordinator = others[-1] if ONE_DAY in faults and others else ""

    def _stayed(self) -> list[str]:
        """The coordinators who were there some months before the faults begin and stay to the end."""
        known = self.first_days[self.unbilled_from - KNOWN_MONTHS]
        return [
            who for who, (hired, gone) in self.coordinators.items() if hired <= known and gone >= self.last_days[-1]
        ]

    def _unbilled_coordinator(self) -> str:
        """The coordinator whose months stop being billed: drawn among those who were there before and stay to the
        end."""
        there = self._stayed()
        return str(self.luck("plant").word("coordinator", there, np.array([0]))[0]) if there else ""

    def _leaves(self, begin: int, number: int) -> int:
        at = begin + LEAVES_IN_MONTH.get(number, len(self.months))
        return int(self.last_days[at]) if at < len(self.months) else NEVER

    @property
    def ids(self) -> np.ndarray:
        """The id of every enrolment."""
        return np.array([f"EN{number + 1:05d}" for number in self.members["number"].tolist()], dtype=str)

    def luck(self, stage: str) -> Luck:
        return Luck(self.practice.seed, self.client, f"coordination {stage}")

    def rows(self, table: Table, columns: dict[str, Any]) -> pl.DataFrame:
        return table_rows(table, columns, self.last)
