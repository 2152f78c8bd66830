"""Files whose rows say how claims stand, on their way into the store: the latest file of each claim, as postings."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ..tables.schema import CLAIM_LINES, CLAIMS, TRANSACTIONS, Table
from ..tables.store import Change
from .exports.column_maps import Section
from .exports.reader import Export
from .exports.visits import OF_ROW, posted
from .notes import Delivery, FileReport, Notes


@dataclass(frozen=True)
class _Taken:
    rows: pl.DataFrame
    section: Section
    report: FileReport

    @property
    def made_on(self) -> tuple[str, str]:
        """When the file was made, as far as it says so, then its name: a later one says how a claim stands now."""
        days = self.rows.select(pl.col("exported_on", "paid_on", "entered_on", "service_on").max()).row(0)
        return str(days[0] or max((day for day in days[1:] if day), default="")), self.report.file


class RowsSideBySide:
    """The files of one client's intake with amounts side by side: `add` each, then `deliver` once."""

    def __init__(self, change: Change, notes: Notes) -> None:
        self.change = change
        self.notes = notes
        self.taken: list[_Taken] = []

    def add(self, export: Export, rows: pl.DataFrame, section: Section, report: FileReport) -> None:
        """The rows of one file, patients and payers under our ids."""
        self.taken.append(_Taken(rows, section, report))

    def deliver(self) -> list[Delivery]:
        """Claims, lines and postings of every file; a claim of several files is as the latest one says."""
        out: list[Delivery] = []
        later: list[pl.DataFrame] = []
        for item in sorted(self.taken, key=lambda item: item.made_on, reverse=True):
            rows = self._latest(item, pl.concat(later)) if later else item.rows
            later.append(item.rows.select("claim_id"))
            found = posted(rows, self.notes.client)
            for rule, count, cents, message in found.remarks:
                self.notes.find(item.report.file, rule, cents, f"{item.report.file}: {count:,} {message}.", rows=count)
            if item.section.delivery == "append":
                self._give_way(found.claims)
            for table, part in ((CLAIMS, found.claims), (CLAIM_LINES, found.lines), (TRANSACTIONS, found.transactions)):
                if table in item.section.fills:
                    out.append(Delivery(table, item.section.delivery, part, item.report))
        return out

    def _latest(self, item: _Taken, later: pl.DataFrame) -> pl.DataFrame:
        """The rows but those of claims that a later file has; visits without a number are told apart by their rows."""
        again = item.rows.join(later.drop_nulls(), on="claim_id", how="semi")
        if again.is_empty():
            return item.rows
        item.report.rows_stored -= again.height
        item.report.rows_quarantined += again.height
        item.report.cents_stored -= int(again["charge_cents"].sum())
        aside = again.select(
            row=pl.lit(None, pl.Int64),
            column=pl.lit("claim_id"),
            rule=pl.lit("row_again"),
            message=pl.lit("a later file says how the claim stands"),
            amount_cents="charge_cents",
            text=pl.lit(None, pl.String),
        )
        self.notes.quarantine(item.report.file, "visits", aside)
        return item.rows.join(again.select("claim_id"), on="claim_id", how="anti")

    def _give_way(self, claims: pl.DataFrame) -> None:
        """What was stored of these claims by an earlier file of this kind gives way."""
        for table, is_ours in (
            (TRANSACTIONS, pl.col("transaction_id").str.starts_with(OF_ROW)),
            (CLAIM_LINES, pl.lit(True)),
        ):
            stored = self.change.current(table)
            gone = stored.join(claims.select("claim_id"), on="claim_id", how="semi").filter(is_ours)
            if gone.height:
                self.change.replace_all(table, stored.join(gone.select(table.key), on=list(table.key), how="anti"))


def unread_sections(notes: Notes, unread: dict[str, list[Section]], read: set[str], stored: set[Table]) -> None:
    """Find sections that fit a file of this run which another section read, and that no file was read by."""
    for name, sections in unread.items():
        left = [section for section in sections if section.title not in read and not stored.intersection(section.fills)]
        if left:
            titles = ", ".join(section.title for section in left)
            message = (
                f"{name}: {titles} of the column map would read it too, and did not: a file is read by the section "
                'that uses most of its headers. Add beside = "<that section>" to each, or describe the row with '
                "one_row_per."
            )
            notes.find(name, "section_unread", None, message, rows=len(left))
