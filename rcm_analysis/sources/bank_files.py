"""The bank statements of one client's intake, as they gather."""

from __future__ import annotations

import polars as pl

from ..tables.schema import BANK_DEPOSITS
from ..tables.store import Change
from .bank.bai2 import read_bai2
from .bank.statements import banked
from .notes import Delivery, FileReport, Notes

TWICE_SHARE = 0.5
"""From this share on, deposits that statements with and without an account share are no chance."""


class BankIntake:
    """The bank files of one client: `add_...` each, then `deliver` once."""

    def __init__(self, change: Change, notes: Notes) -> None:
        self.change = change
        self.notes = notes
        self.deliveries: list[Delivery] = []

    def add(self, rows: pl.DataFrame, report: FileReport) -> None:
        """The rows of a statement or lockbox file that a column map describes, or of a cash report."""
        found = banked(rows, self.notes.client)
        report.rows_stored, report.cents_stored = found.rows.height, int(found.rows["amount_cents"].sum())
        for rule, count, cents, message in found.remarks:
            said = f"{report.file}: {count:,} {message}."
            self.notes.find(report.file, rule, cents, said, rows=count, needs_person=False)
        self.deliveries.append(Delivery(BANK_DEPOSITS, "append", found.rows, report))

    def add_bai2(self, name: str, data: bytes) -> None:
        """A cash report: what does not add up is found, what can be read is stored."""
        found = read_bai2(data)
        for rule, where, cents, message in found.findings:
            said = f"{name}{where and f', {where}'}: {message}."
            self.notes.find(name, rule, cents, said, where=where, needs_person=rule != "bank_left_out")
        report = FileReport(name, "bank statement (BAI2)", rows_in=found.rows.height)
        report.cents_in = int(found.rows["amount_cents"].sum())
        self.notes.report.files.append(report)
        self.add(found.rows, report)

    def deliver(self) -> list[Delivery]:
        """The deposits of every file; those of an account without a name that a named one has too are told."""
        if self.deliveries:
            rows = pl.concat([self.change.current(BANK_DEPOSITS), *(delivery.rows for delivery in self.deliveries)])
            self._tell_twice(rows.unique("deposit_id"))
        return self.deliveries

    def _tell_twice(self, rows: pl.DataFrame) -> None:
        is_unnamed = pl.col("account_end").is_null()
        unnamed, named = rows.filter(is_unnamed), rows.filter(~is_unnamed)
        near = [named.select("amount_cents", pl.col("posted_on") + pl.duration(days=late)) for late in (-1, 0, 1)]
        again = unnamed.join(pl.concat(near), on=["amount_cents", "posted_on"], how="semi")
        if again.height and again.height >= TWICE_SHARE * unnamed.height:
            message = (
                f"{again.height:,} deposit(s) of statements without an account are, by amount and day, in statements "
                "of an account as well: if it is the same account, they count twice. Name the account under columns "
                "or constants in the map, or take one of the statements out; then rebuild the client (rcm repair)."
            )
            name = self.deliveries[-1].report.file
            self.notes.find(name, "bank_twice", int(again["amount_cents"].sum()), message, rows=again.height)
