"""Filled-in worklists among a client's files: kept until the claims of the run are known, then joined to the work
log."""

from __future__ import annotations

from ...errors import SourceError
from ...tables.schema import CLAIMS, WORK_LOG
from ...tables.store import Change
from ..notes import FileReport, Notes
from .notes import notes_of, received_on
from .sheets import Sheet, read_sheets


class WorklistIntake:
    """The filled-in worklists of one client's intake, as they gather."""

    def __init__(self, change: Change, notes: Notes) -> None:
        self.change, self.notes = change, notes
        self.read: list[tuple[list[Sheet], FileReport]] = []

    def add(self, name: str, data: bytes) -> bool:
        """Keep a file's sheets; whether it is a worklist at all.

        Raises
            SourceError for a worklist of other clients only.
        """
        sheets = read_sheets(data)
        if not sheets:
            return False
        if self.notes.client not in set().union(*(sheet.clients for sheet in sheets)):
            raise SourceError(
                f"{name} is a worklist, but not of {self.notes.client}. Nothing of it was stored; name its client."
            )
        report = FileReport(name, "worklist")
        self.notes.report.files.append(report)
        self.read.append((sheets, report))
        return True

    def store(self) -> None:
        """Filled-in rows join the work log by key; files in the order of their names, so that a replay ends the
        same."""
        claims = self.change.current(CLAIMS) if self.read else CLAIMS.empty()
        for sheets, report in self.read:
            found = notes_of(
                sheets,
                client=self.notes.client,
                claims=claims,
                known=self.change.current(WORK_LOG),
                received=received_on(report.file),
            )
            if found.rows.height:
                self.change.append(WORK_LOG, found.rows)
            report.rows_in, report.rows_stored, report.rows_quarantined = (
                found.rows_in,
                found.rows.height,
                found.quarantine.height,
            )
            self.notes.quarantine(report.file, WORK_LOG.name, found.quarantine)
