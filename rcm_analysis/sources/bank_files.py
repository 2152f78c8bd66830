"""The bank statements of one client's intake, as they gather."""

from __future__ import annotations

import polars as pl

from ..tables.schema import BANK_DEPOSITS
from .bank.bai2 import read_bai2
from .bank.statements import banked
from .exports.reader import Export
from .notes import Delivery, FileReport, Notes


class BankIntake:
    """The bank files of one client: `add_...` each, then `deliver` once."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.deliveries: list[Delivery] = []

    def add_statement(self, name: str, map_name: str, export: Export) -> None:
        """A statement or lockbox file that a column map describes."""
        report = FileReport(name, f"{export.table.name} ({map_name})", rows_in=export.rows_in)
        report.rows_quarantined, report.cents_in = export.quarantine.height, export.cents_in
        self.notes.quarantine(name, export.table.name, export.quarantine)
        self._deliver(export.rows, report)

    def add_bai2(self, name: str, data: bytes) -> None:
        """A cash report: what does not add up is found, what can be read is stored."""
        found = read_bai2(data)
        for rule, where, cents, message in found.findings:
            said = f"{name}{where and f', {where}'}: {message}."
            self.notes.find(name, rule, cents, said, where=where, needs_person=rule != "bank_left_out")
        report = FileReport(name, "bank statement (BAI2)", rows_in=found.rows.height)
        report.cents_in = int(found.rows["amount_cents"].sum())
        self._deliver(found.rows, report)

    def _deliver(self, rows: pl.DataFrame, report: FileReport) -> None:
        found = banked(rows, self.notes.client)
        report.rows_stored, report.cents_stored = found.rows.height, int(found.rows["amount_cents"].sum())
        self.notes.report.files.append(report)
        for rule, count, cents, message in found.remarks:
            said = f"{report.file}: {count:,} {message}."
            self.notes.find(report.file, rule, cents, said, rows=count, needs_person=False)
        self.deliveries.append(Delivery(BANK_DEPOSITS, "append", found.rows, report))

    def deliver(self) -> list[Delivery]:
        """The deposits of every file."""
        return self.deliveries
