"""The filled-in worklists and action registers of one client's intake, as they gather."""

from __future__ import annotations

from ...errors import SourceError
from ...tables.schema import ACTION_CHANGES, CLAIMS, WORK_LOG
from ...tables.store import Change
from ..notes import FileReport
from ..notes import Notes as IntakeNotes
from .changes import REGISTER, changes_of
from .notes import notes_of, received_on
from .sheets import Sheet, read_sheets


class WorklistIntake:
    """Holds the filled-in sheets until the claims of the run are known, and then adds what they say."""

    def __init__(self, change: Change, notes: IntakeNotes) -> None:
        self.change, self.notes = change, notes
        self.read: list[tuple[list[Sheet], list[Sheet], FileReport]] = []

    def add(self, name: str, data: bytes) -> bool:
        """Keep a file's sheets; whether it is a worklist at all.

        Raises
            SourceError for a worklist of other clients only.
        """
        sheets, registers = read_sheets(data), read_sheets(data, REGISTER)
        if not sheets and not registers:
            return False
        if self.notes.client not in set().union(*(sheet.clients for sheet in (*sheets, *registers))):
            raise SourceError(
                f"{name} is a worklist, but not of {self.notes.client}. Nothing of it was stored; name its client."
            )
        report = FileReport(name, "worklist")
        self.notes.report.files.append(report)
        self.read.append((sheets, registers, report))
        return True

    def store(self) -> None:
        """Filled-in rows join the work log by key, and changed actions their table; files in the order of their names,
        so that a replay ends the same."""
        claims = self.change.current(CLAIMS) if self.read else CLAIMS.empty()
        for sheets, registers, report in self.read:
            found = notes_of(
                sheets,
                client=self.notes.client,
                claims=claims,
                known=self.change.current(WORK_LOG),
                received=received_on(report.file),
            )
            if found.rows.height:
                self.change.append(WORK_LOG, found.rows)
            changed = changes_of(registers, client=self.notes.client, received=received_on(report.file))
            if changed.rows.height:
                self.change.append(ACTION_CHANGES, changed.rows)
            report.rows_in = found.rows_in + changed.rows_in
            report.rows_stored = found.rows.height + changed.rows.height
            report.rows_quarantined = found.quarantine.height + changed.quarantine.height
            self.notes.quarantine(report.file, WORK_LOG.name, found.quarantine)
            self.notes.quarantine(report.file, ACTION_CHANGES.name, changed.quarantine)
