"""Raw files of a client into the store: find, recognise, read, check, quarantine, store.

Files are recognised by content. A client's files change its store in one step at the end, or not at
all. What is refused is named with its dollars, and stays where it was: raw files are never touched.

    rows in = rows stored + rows quarantined, for every export, and in dollars too
    a remittance already taken in is refused, whatever the file is called or wrapped in
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from ..errors import SourceError, listed, stopped
from ..ledger.derived import derived_rows, own_rows, replaced_by_export, stands_beside
from ..ledger.settle import SETTLED, settle
from ..tables.clients import FOREIGN, UNKNOWN
from ..tables.schema import CLAIM_EDITS, CLAIM_LINES, CLAIMS, DEPOSITS, TABLES, TRANSACTIONS, WORK_LOG, Table, misfits
from ..tables.store import Change
from ..tables.workspace import Workspace
from .aging_files import AgingFiles
from .bank.bai2 import is_bai2
from .bank.statements import BANK_STATEMENT
from .bank_files import BankIntake
from .exports import reader as exports
from .exports.aging import AGING_REPORT
from .exports.column_maps import Section, map_files
from .exports.joins import partners
from .exports.remittance_rows import REMITTANCE_ROWS
from .exports.together import Exports
from .fhir.resources import is_fhir
from .fhir_files import FhirFiles
from .notes import Delivery, FileReport, IntakeReport, Notes
from .privacy import pseudonyms
from .raw_files import RawFile, stamp_of, unpacked
from .raw_files import find_files as find_files
from .raw_files import missing_files as missing_files
from .rows_side_by_side import RowsSideBySide, unread_sections
from .worklist import notes as worklist_notes
from .worklist.intake import WorklistIntake
from .x12 import segments as x12
from .x12.answers import read_answers
from .x12.billed import contents_of_none
from .x12.intake import KINDS, X12Intake, answers_stamp, skip_others
from .x12.remittances import UNMAPPED, unmapped, whose

KEPT_SHARE = 0.8
"""A delivery that would leave less than this share of a month's stored rows is refused."""
LATE_SHARE = 0.25
"""A month with less than this share of the rows of a delivery's fullest month may be late postings."""
MODES = ("full", "month", "append")
STATE = "all files together"
"""Where findings stand that no single file makes; every settling says them anew."""
LEFT_OUT = ("refused", "same_check_again")
"""Rules of files of which nothing is stored: once such a file is taken away, there is nothing to find."""
PAYER_COLUMNS = ("payer", "secondary_payer", "tertiary_payer")


def ingest_client(workspace: Workspace, client: str, paths: Sequence[Path], *, afresh: bool = False) -> IntakeReport:
    """Read a client's files and change its store in one step; `afresh` puts them in place of all that is stored.

    A file whose content is already in the store is skipped ("unchanged") under its own path and
    refused ("duplicate") under another. A file that cannot be read is refused with one finding; the
    others go on.

    Raises
        StoreError when the store cannot be written; it is then as it was.
    """
    workspace.registry.client(client)
    with workspace.store.change(client, afresh=afresh) as change:
        return _Intake(workspace, client, change).run(paths)


def _month(known_on: str | None) -> pl.Expr:
    return pl.col(known_on or "").dt.strftime("%Y-%m").alias("month")


class _Intake:
    """The state of one client's intake: what was read so far, and what was noticed."""

    def __init__(self, workspace: Workspace, client: str, change: Change) -> None:
        self.workspace = workspace
        self.registry = workspace.registry
        self.client = client
        self.change = change
        self.notes = Notes(client, workspace.registry)
        self.deliveries: list[Delivery] = []
        self.gone: dict[str, pl.DataFrame] = {}
        self.is_settled = False
        self.worklists = WorklistIntake(change, self.notes)
        self.bank = BankIntake(change, self.notes)
        self.aging = AgingFiles(change, self.notes)
        self.key = workspace.pseudonym_key()
        change.under_key(self.key)
        self.map_files = map_files(workspace, client)
        self.maps = [exports.read_map(path) for path in self.map_files]
        self.x12 = X12Intake(change, self.notes, key=self.key)
        self.fhir = FhirFiles(change, self.notes, self.x12)
        self.side_by_side = RowsSideBySide(change, self.notes)
        self.unread: dict[str, list[Section]] = {}
        self.read: set[str] = set()
        self.exports: Exports

    def run(self, paths: Sequence[Path]) -> IntakeReport:
        self._map_known_payers()
        self.x12.take_out_other_practices()
        seen = {
            stamp: entry
            for stamp, entry in self.change.before.manifest["files"].items()
            if stamp not in self.change.forgotten
        }
        with unpacked(paths) as files:
            together = [file.path for file in files if not file.what and not file.why]
            self.exports = Exports(self.maps, self.map_files, together, self.client, {*seen})
            for file in files:
                self._take(file, seen)
        self.fhir.deliver()
        for part in (self.x12, self.side_by_side, self.bank, self.aging):
            self.deliveries += part.deliver()
        stored = {table for table in TABLES.values() if self.change.before.rows(table.name)}
        unread_sections(self.notes, self.unread, self.read, stored)
        self._convert()
        self._store()
        self.worklists.store()
        self._settle()
        self._keep_sides()
        return self.notes.report

    def _map_known_payers(self) -> None:
        """Payers that were stored under their own names and that the registry knows by now."""
        for table in TABLES.values():
            columns = [name for name in PAYER_COLUMNS if name in table.names]
            if not columns or not self.change.before.rows(table.name):
                continue
            words = pl.concat(
                self.change.before.scan(table).select(pl.col(name).unique()).collect().to_series() for name in columns
            )
            strange = [word for word in words.drop_nulls().unique() if word.startswith(UNMAPPED)]
            known = {word: self.registry.payer_of(word.removeprefix(UNMAPPED)) for word in strange}
            known = {word: payer for word, payer in known.items() if payer}
            if known:
                rows = self.change.current(table)
                self.change.replace_all(table, rows.with_columns(pl.col(name).replace(known) for name in columns))

    # ------------------------------------------------------------ one file
    def _take(self, file: RawFile, seen: dict[str, Any]) -> None:
        name = self._name(file)
        if file.what:
            self.notes.report.files.append(FileReport(name, file.what, status="skipped"))
            return
        try:
            if file.why:
                raise SourceError(f"{name} is {file.why}.")
            data = file.path.read_bytes()
            kinds = x12.kind_of(data)
            stamp = stamp_of(data) + (answers_stamp(kinds) if kinds else self.exports.stamp(file.path))
            if stamp in seen:
                self._already_taken(name, seen[stamp])
                return
            self._read(file, name, stamp, data, kinds)
        except Exception as error:
            self.notes.refuse(name, stopped(error), self._elsewhere(file.holder))
            return
        seen[stamp] = self.change.files[stamp] = {"name": name, **self.notes.ends.get(name, {})}

    def _already_taken(self, name: str, entry: dict[str, Any]) -> None:
        same = entry["name"] == name
        self.notes.report.files.append(
            FileReport(name, "unchanged" if same else "duplicate", status="unchanged" if same else "refused")
        )
        if not same:
            self.notes.find(
                name,
                "duplicate_file",
                None,
                f"{name} has the same content as {entry['name']}, which was already taken in. It was left out; "
                "nothing was counted twice.",
            )

    def _read(self, file: RawFile, name: str, stamp: str, data: bytes, kinds: set[str]) -> None:
        if not data.strip():
            raise SourceError(f"{name} is empty: expected an 835, an 837 or an export with rows. Ask for it again.")
        for kind in kinds & set(KINDS):
            self.x12.add(kind, name, stamp, data, self._elsewhere(file.holder))
        skip_others(self.notes, name, data, kinds)
        if is_bai2(data):
            self.bank.add_bai2(name, data)
        elif is_fhir(data):
            self.fhir.add(name, data)
        elif not kinds and not self.worklists.add(name, data):
            self._take_export(file.path, name)

    def _take_export(self, path: Path, name: str) -> None:
        if not self.maps:
            exports.refuse_strangers(path)
            raise SourceError(
                f"{name} is neither X12 nor can it be read as an export: [clients.{self.client}] names no column_maps."
            )
        try:
            found = self.exports.recognise(path)
        except SourceError:
            if not partners(path, self.maps):
                raise
            self.notes.report.files.append(FileReport(name, "columns that other files look up"))
            return
        parts = self.exports.read(path, found)
        for part, export in parts:
            if part.table is REMITTANCE_ROWS:
                self._take_answers(name, part, export)
                continue
            rows = self._own_ids(name, export.rows)
            self.notes.reaches(name, export.table, rows)
            money = export.table.money[0] if export.table.money else None
            report = FileReport(name, f"{export.table.name} ({part.map.name})", rows_in=export.rows_in)
            report.rows_quarantined, report.cents_in = export.quarantine.height, export.cents_in
            report.rows_stored, report.cents_stored = rows.height, int(rows[money].sum()) if money else 0
            self.notes.report.files.append(report)
            self.notes.quarantine(name, export.table.name, export.quarantine)
            for rule, count, cents, message in export.remarks:
                self.notes.find(name, rule, cents, f"{name}: {count:,} {message}.", rows=count)
            self._note_use(name, part)
            if part.table is BANK_STATEMENT:
                self.bank.add(rows, report)
            elif part.table is AGING_REPORT:
                self.aging.add(rows, report)
            elif part.section.one_row_per:
                self.side_by_side.add(export, rows, part.section, report)
            else:
                self.deliveries.append(Delivery(export.table, export.delivery, rows, report, tuple(export.fill)))

    def _take_answers(self, name: str, part: exports.Recognised, export: exports.Export) -> None:
        """Rows of payers' answers: remittances like those of 835s."""
        answers = read_answers(export.rows, part.section.one_row_per or "")
        kind = f"{export.table.name} ({part.map.name})"
        self.notes.check_payees(name, answers.payments)
        self.notes.quarantine(name, export.table.name, export.quarantine)
        self.notes.reader_findings(name, answers.findings)
        self._note_use(name, part)
        self.x12.add_answers(FileReport(name, kind, rows_in=len(answers.claims)), answers)

    def _note_use(self, name: str, part: exports.Recognised) -> None:
        self._note_other_sheets(name, part)
        self.read.add(part.section.title)
        self.unread[name] = list(part.unread)

    def _note_other_sheets(self, name: str, part: Any) -> None:
        for rule, sheets, why in (
            ("other_sheets", part.other_sheets, "fit no table of the column map and were not read."),
            (
                "hidden_sheets",
                part.hidden_sheets,
                "are hidden and were not read. Unhide them, or name one under sheet in the map.",
            ),
        ):
            told = any(row["rule"] == rule and row["file"] == name for row in self.notes.findings)
            if sheets and not told:
                message = f"{name}: {len(sheets)} sheet(s) with rows {why}"
                self.notes.find(name, rule, None, message, rows=len(sheets))

    def _own_ids(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Pseudonyms for patients, our ids for payers."""
        if "patient" in rows.columns:
            rows = rows.with_columns(pseudonyms(rows["patient"], client=self.client, key=self.key))
        for column in PAYER_COLUMNS:
            if column in rows.columns:
                words = rows[column].drop_nulls().unique().to_list()
                ids = {word: self.registry.payer_of(word) or unmapped(word) for word in words}
                rows = rows.with_columns(pl.col(column).replace_strict(ids, default=None, return_dtype=pl.String))
        if "payer" in rows.columns:
            self.notes.unmapped_payers(
                name, rows, next((column for column in rows.columns if column.endswith("_cents")), None)
            )
        return rows

    # ------------------------------------------------------------ into the store
    def _known(self, table: Table) -> pl.DataFrame:
        """What is stored of a table, and what this run has read so far."""
        read = [delivery.rows for delivery in self.deliveries if delivery.table is table]
        return pl.concat([self.change.current(table), *read]).unique(table.key, keep="last", maintain_order=True)

    def _store(self) -> None:
        posted = [item for item in self.deliveries if item.table is TRANSACTIONS]
        self.notes.tell_again(posted, self.change.before.read(TRANSACTIONS.name))
        for table in TABLES.values():
            of_mode = {
                mode: [item for item in self.deliveries if item.table is table and item.mode == mode] for mode in MODES
            }
            of_mode["month"], late = self._whole_months(of_mode["month"])
            of_mode["append"] = [*late, *of_mode["append"]]
            for mode, together in of_mode.items():
                if together:
                    self._store_table(table, mode, together)

    def _is_exported(self, table: Table) -> bool:
        """True where a column map of this client delivers the table."""
        return any(table in section.fills for each in self.maps for section in each.sections)

    def _is_derived(self, table: Table) -> bool:
        """True where the table is to come from 837s and 835s: no export holds more of it than patients' money."""
        rows, own = self.change.current(table), own_rows(self.change.current(table), table)
        return stands_beside(own, table) or (own.is_empty() and (rows.height > 0 or not self._is_exported(table)))

    def _convert(self) -> None:
        """What was derived from 837s and 835s gives way to the export that now delivers it."""
        if any(item.table is CLAIM_EDITS for item in self.deliveries):  # settling derives them anew
            self.gone[CLAIM_EDITS.name] = derived_rows(self.change.current(CLAIM_EDITS), CLAIM_EDITS)
        for table in (TRANSACTIONS, CLAIMS):
            come = [item for item in self.deliveries if item.table is table and item.rows.height]
            if not come:
                continue
            export, own = pl.concat([item.rows for item in come]), own_rows(self.change.current(table), table)
            if stands_beside(pl.concat([own.select(export.columns), export]), table):  # settling derives the rest anew
                self.gone[table.name] = derived_rows(self.change.current(table), table)
                self.change.replace_all(table, own)
                continue
            kept, dropped, left = replaced_by_export(self.change.current(table), export, table)
            if dropped.height:
                self.change.replace_all(table, kept)
                self.gone[table.name] = dropped
                if table is CLAIMS and self._is_exported(CLAIM_LINES):
                    lines = self.change.current(CLAIM_LINES)
                    self.change.replace_all(CLAIM_LINES, lines.join(dropped, on="claim_id", how="anti"))
                self.notes.find(
                    come[0].report.file,
                    f"derived_{table.name}_replaced",
                    int(dropped[table.money[0]].abs().sum()),
                    f"An export now delivers {table.name}: {dropped.height} row(s) that had been derived from 837s and "
                    f"835s were taken out; {left} of months before the export, of claims that it does not hold, stay.",
                    rows=dropped.height,
                )

    def _settle(self) -> None:
        """Turn what was sent and answered into what is so, when anything has changed."""
        if not self.change.tables and not self.x12.contents:
            return
        tables = {table.name: self.change.current(table) for table in SETTLED}
        read = (self.x12.contents or contents_of_none()) if self._is_derived(CLAIMS) else None
        found, told = settle(tables, read, client=self.client, derive_ledger=self._is_derived(TRANSACTIONS))
        for table in SETTLED:
            rows = found[table.name].sort(table.key)
            if not rows.equals(tables[table.name].sort(table.key)):
                self.change.replace_all(table, rows)
        for item in [*told, *self.x12.acknowledge()]:
            self.notes.find(STATE, item.rule, item.cents, item.message, rows=item.rows, needs_person=item.needs_person)
        self.is_settled = True

    def _store_table(self, table: Table, mode: str, deliveries: list[Delivery]) -> None:
        rows = (
            self._latest_of_each_key(table, deliveries)
            if mode == "append"
            else self._first_of_each_key(table, deliveries)
        )
        if rows is None:
            return
        if table is CLAIMS and any("charge_cents" in item.fill for item in deliveries):
            rows = self._charges_filled(rows)
        if table is WORK_LOG and mode != "append":
            rows = worklist_notes.with_imported(rows, self.change.current(WORK_LOG), whole=mode == "full")
        rows = self._fit(table, rows, deliveries)
        if mode == "full":
            self.change.replace_all(table, pl.concat([rows, derived_rows(self.change.current(table), table)]))
        elif mode == "month":
            self.change.replace(table, rows)
        else:
            self.change.append(table, rows)

    def _fit(self, table: Table, rows: pl.DataFrame, deliveries: list[Delivery]) -> pl.DataFrame:
        """The rows without those that the table cannot hold: one of them would keep out the whole client."""
        rows = rows.with_row_index("index")
        bad = rows.join(misfits(rows, table), on="index", how="inner")
        for delivery in deliveries if bad.height else ():
            mine = bad.join(delivery.rows, on=list(table.key), how="semi", nulls_equal=True)
            for (rule,), part in mine.group_by(["rule"]):
                self._set_aside(delivery, part, str(rule))
        return rows.join(bad, on="index", how="anti", maintain_order="left").drop("index")

    def _charges_filled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Claim charges that the export does not carry, from the charges posted to the ledger."""
        ledger = self._known(TABLES["transactions"]).filter(pl.col("kind") == "charge")
        posted = ledger.group_by("claim_id").agg(pl.col("amount_cents").sum().alias("_posted"))
        return (
            rows.join(posted, on="claim_id", how="left")
            .with_columns(pl.coalesce("charge_cents", "_posted", pl.lit(0)).alias("charge_cents"))
            .drop("_posted")
        )

    def _whole_months(self, deliveries: list[Delivery]) -> tuple[list[Delivery], list[Delivery]]:
        """The deliveries that replace their months, and their late postings, to be added to other months."""
        whole, late = [], []
        for delivery in deliveries:
            months = self._late_months(delivery)
            is_late = _month(delivery.table.known_on).is_in(months) if months else pl.lit(False)
            main = replace(delivery, rows=delivery.rows.filter(~is_late))
            if not self._is_whole_month(main, delivery):
                continue
            whole.append(main)
            if months:
                late.append(self._late_postings(delivery, delivery.rows.filter(is_late)))
        return whole, late

    def _late_months(self, delivery: Delivery) -> list[str]:
        """Months that a delivery only adds to: few of its rows, and few of what is stored for them."""
        known_on = delivery.table.known_on
        if known_on is None or delivery.rows.is_empty():
            return []
        months = delivery.rows.group_by(_month(known_on)).len()
        few = months.filter(pl.col("len") < LATE_SHARE * pl.col("len").max())["month"].to_list()
        return [month for month in few if self._keys_kept(delivery.table, month) < KEPT_SHARE]

    def _late_postings(self, delivery: Delivery, rows: pl.DataFrame) -> Delivery:
        table, name = delivery.table, delivery.report.file
        rows = self._without_stored_keys(delivery, rows, self.change.before.read(table.name))
        months = rows.select(_month(table.known_on))["month"].unique().sort()
        self.notes.find(
            name,
            "late_postings",
            int(rows[table.money[0]].sum()) if table.money else None,
            f"{name}: {rows.height} late row(s) of {table.name} for {listed(months)}, stored already. They were "
            "added to their own months, and nothing of those months was replaced.",
            rows=rows.height,
        )
        return replace(delivery, mode="append", rows=rows)

    def _keys_kept(self, table: Table, month: str) -> float:
        """The share of a month's stored keys that this run delivers again; 1 where none is stored."""
        stored = self.change.before.scan(table).filter(_month(table.known_on) == month).select(table.key).collect()
        stored = stored.join(self.gone.get(table.name, table.empty()), on=list(table.key), how="anti")
        delivered = [item.rows.select(table.key) for item in self.deliveries if item.table is table]
        kept = stored.join(pl.concat(delivered), on=list(table.key), how="semi")
        return kept.height / stored.height if stored.height else 1.0

    def _is_whole_month(self, delivery: Delivery, whole: Delivery) -> bool:
        """Refuse a delivery that would wipe out most of a stored month; `whole` has its late rows too."""
        table, known_on = delivery.table, delivery.table.known_on
        months = delivery.rows.group_by(_month(known_on)).len() if known_on else None
        stored = self.change.before.months(table.name)
        imported = worklist_notes.imported_by_month(self.change.before.read(table.name)) if table is WORK_LOG else {}
        if table.name in self.gone:
            gone = self.gone[table.name][known_on].dt.strftime("%Y-%m").value_counts()
            imported = dict(gone.iter_rows())
        for month, count in months.iter_rows() if months is not None else ():
            before = stored.get(month, {}).get("rows", 0) - imported.get(month, 0)
            others = [
                item.rows
                for item in self.deliveries
                if item.table is table and item.mode == "month" and item is not whole
            ]
            count += sum(rows.filter(_month(known_on) == month).height for rows in others if before)
            if count < KEPT_SHARE * before:
                self._refuse_cut_off(whole, month, count, before)
                return False
        return True

    def _refuse_cut_off(self, delivery: Delivery, month: str, count: int, before: int) -> None:
        report, table = delivery.report, delivery.table
        self.notes.find(
            report.file,
            "month_would_shrink",
            report.cents_stored,
            f"{report.file} holds {count} row(s) of {table.name} for {month}, where {before} are stored. It looks cut "
            'off, so nothing was replaced. Ask for the whole month, or set delivery = "append" in the column map.',
            rows=report.rows_stored,
        )
        self._set_aside(delivery, delivery.rows.select(table.names), "month_would_shrink")
        report.status = "refused"
        self._forget(report.file)

    def _forget(self, file: str) -> None:
        """A file that was refused after reading must be read again the next time."""
        self.change.files = {stamp: entry for stamp, entry in self.change.files.items() if entry["name"] != file}

    def _latest_of_each_key(self, table: Table, deliveries: list[Delivery]) -> pl.DataFrame:
        """Rows that are delivered again say how things stand now: the file with the latest day wins."""

        def latest(delivery: Delivery) -> tuple[str, str]:
            days = delivery.rows[table.known_on] if table.known_on else pl.Series([], dtype=pl.Date)
            return str(days.max() or ""), delivery.report.file

        rows = pl.concat([delivery.rows for delivery in sorted(deliveries, key=latest)])
        return rows.unique(table.key, keep="last", maintain_order=True)

    def _first_of_each_key(self, table: Table, deliveries: list[Delivery]) -> pl.DataFrame | None:
        """All rows, each key once: the first file that holds it wins, the rest is set aside."""
        taken: pl.DataFrame | None = None
        stored = self.change.current(table)
        for delivery in deliveries:
            rows = delivery.rows
            if taken is not None:
                doubled = rows.join(taken.select(table.key), on=list(table.key), how="semi")
                again = doubled.join(taken, on=table.names, how="semi", nulls_equal=True)
                other = doubled.join(again.select(table.key), on=list(table.key), how="anti")
                for part, rule in ((again, "row_again"), (other, "duplicate_key")):
                    if part.height:
                        self._set_aside(delivery, part, rule)
                rows = rows.join(doubled.select(table.key), on=list(table.key), how="anti")
            if delivery.mode == "month":
                rows = self._without_stored_keys(delivery, rows, stored)
            taken = rows if taken is None else pl.concat([taken, rows])
        return taken

    def _without_stored_keys(self, delivery: Delivery, rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
        """A month's delivery may not repeat a key that another month holds."""
        table = delivery.table
        months = set(rows[table.known_on].dt.strftime("%Y-%m").unique()) if table.known_on else set()
        if stored.is_empty() or not months:
            return rows
        elsewhere = stored.filter(~pl.col(table.known_on).dt.strftime("%Y-%m").is_in(list(months))).select(table.key)
        doubled = rows.join(elsewhere, on=list(table.key), how="semi")
        if doubled.height:
            self._set_aside(delivery, doubled, "stored_in_another_month")
            rows = rows.join(elsewhere, on=list(table.key), how="anti")
        return rows

    def _set_aside(self, delivery: Delivery, rows: pl.DataFrame, rule: str) -> None:
        messages = {
            "row_again": "the same row is in another file of this delivery, and counts once",
            "duplicate_key": "the same key is in another file of this delivery",
            "stored_in_another_month": "the same key is stored in another month",
            "month_would_shrink": "the file would have replaced a fuller month",
            "missing": "a value that the table requires is empty",
            "not_listed": "a value is none that the table knows",
        }
        money = next((name for name in delivery.table.money if name in rows.columns), None)
        cents = rows[money] if money else pl.Series([None] * rows.height, dtype=pl.Int64)
        delivery.report.rows_stored -= rows.height
        delivery.report.rows_quarantined += rows.height
        delivery.report.cents_stored -= int(cents.sum() or 0)
        self.notes.quarantine(
            delivery.report.file,
            delivery.table.name,
            pl.DataFrame(
                {
                    "row": [None] * rows.height,
                    "column": [" + ".join(delivery.table.key)] * rows.height,
                    "rule": [rule] * rows.height,
                    "message": [messages[rule]] * rows.height,
                    "amount_cents": cents,
                    "text": [None] * rows.height,
                    "known_on": rows[delivery.table.known_on] if delivery.table.known_on else None,
                }
            ),
            is_told=rule == "month_would_shrink",
        )

    def _keep_sides(self) -> None:
        """Findings and quarantine of the files read now join those of the files read before."""
        read = [report.file for report in self.notes.report.files if report.status != "unchanged"]
        read += [STATE] if self.is_settled else []
        report = self.notes.finish()
        for name, rows in (("findings", report.findings), ("quarantine", report.quarantine)):
            before = self.change.before.side_table(name)
            if not before.is_empty():
                gone = [name for name in before["file"].unique() if not self._is_there(name)]
                is_withdrawn = pl.col("rule").is_in(LEFT_OUT) & pl.col("file").is_in(gone) & (pl.col("where") == "")
                kept = before.filter(~is_withdrawn) if name == "findings" else before
                rows = pl.concat([kept.filter(~pl.col("file").is_in(read)), rows], how="diagonal")
            if name == "findings" and (rows["rule"] == "unmapped_payer").any() and not self._has_unmapped():
                rows = rows.filter(pl.col("rule") != "unmapped_payer")
            if name == "findings" and (rows["rule"] == "unknown_payee").any() and not self._has_strangers():
                rows = rows.filter(pl.col("rule") != "unknown_payee")
            self.change.sides[name] = rows

    def _has_strangers(self) -> bool:
        payees = whose(self.change.current(DEPOSITS), "payee_tax_id_end", client=self.client, registry=self.registry)
        return bool(payees.is_in([FOREIGN, UNKNOWN]).any())

    def _has_unmapped(self) -> bool:
        tables = [table for table in TABLES.values() if "payer" in table.names]
        return any(self.change.current(table)["payer"].drop_nulls().str.starts_with(UNMAPPED).any() for table in tables)

    def _is_there(self, name: str) -> bool:
        """True while the file is in the raw folder, itself or within an archive."""
        holders = (PurePosixPath(name), *PurePosixPath(name).parents[:-1])
        return any((self.raw / part).is_file() for part in holders)

    @cached_property
    def raw(self) -> Path:
        return (self.workspace.paths["raw"] / self.client).resolve()

    def _name(self, file: RawFile) -> str:
        path = file.holder
        name = path.name if self._elsewhere(path) else str(path.resolve().relative_to(self.raw))
        return f"{name}/{file.inside}" if file.inside else name

    def _elsewhere(self, path: Path) -> str:
        """The folder of a file that does not lie with the client's raw files."""
        return "" if path.resolve().is_relative_to(self.raw) else str(path.resolve().parent)
