"""Aging reports of one client's intake: the last delivery of a day is what was open on it."""

from __future__ import annotations

import polars as pl

from ..tables.schema_services import AGING_BALANCES
from ..tables.store import Change
from .exports.aging import aged
from .notes import Delivery, FileReport, Notes

SAME = ("reported_on", "party", "location")
"""What makes two reports the same one: a later delivery takes the place of the earlier."""


class AgingFiles:
    """The aging reports of one client's intake: `add` each, then `deliver` once."""

    def __init__(self, change: Change, notes: Notes) -> None:
        self.change = change
        self.notes = notes
        self.taken: list[tuple[pl.DataFrame, FileReport]] = []

    def add(self, rows: pl.DataFrame, report: FileReport) -> None:
        """The rows of one file, patients and payers under our ids."""
        found, off, cents = aged(rows, self.notes.client)
        name, client = report.file, self.notes.client
        if off:
            message = (
                f"{name}: the total of {off:,} row(s) is not the sum of their ages; they are stored as the ages say. "
                "See whether the map lacks an age, or unapplied_cents."
            )
            self.notes.find(name, "aging_total_differs", cents, message, rows=off)
        if "aging_reports" not in self.notes.registry.client(client).services:
            message = (
                f'{name}: stored, and in no report: add "aging_reports" to services under [clients.{client}], or put '
                'it in place of "claims" where aging reports are all there is.'
            )
            self.notes.find(name, "aging_not_asked_for", int(found["balance_cents"].sum()), message)
        self.taken.append((found, report))

    def deliver(self) -> list[Delivery]:
        """The balances of every file; what was stored of the same report gives way, of two files the later name."""
        out: list[Delivery] = []
        stored = self.change.current(AGING_BALANCES)
        later = [stored.clear()]
        for found, report in sorted(self.taken, key=lambda item: item[1].file, reverse=True):
            again = found.join(pl.concat(later), on=SAME, how="semi")
            if again.height:
                self._twice(again, report)
                found = found.join(again, on=SAME, how="anti")
            later.append(found)
            out.append(Delivery(AGING_BALANCES, "append", found, report))
        kept = stored.join(pl.concat(later), on=SAME, how="anti")
        if kept.height < stored.height:
            self.change.replace_all(AGING_BALANCES, kept)
        return out

    def _twice(self, again: pl.DataFrame, report: FileReport) -> None:
        days = ", ".join(map(str, again["reported_on"].unique().sort()))
        message = (
            f"{report.file}: another file of this delivery is the report of {days} too; it counts, and this one does "
            "not. Where they are parts of one practice, name their location in the map."
        )
        self.notes.find(report.file, "aging_twice", int(again["balance_cents"].sum()), message, rows=again.height)
