"""Raw files of a client into the store: find, recognise, read, check, quarantine, store.

Files are recognised by content. A client's files change its store in one step at the end, or not at
all. What is refused is named with its dollars, and stays where it was: raw files are never touched.

    rows in = rows stored + rows quarantined, for every export, and in dollars too
    a remittance already taken in is refused, whatever the file is called or wrapped in
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ..errors import SourceError, closest, listed
from ..schema import CLAIMS, DEPOSITS, REMIT_CLAIMS, SUBMISSIONS, TABLES, Table
from ..store import Change, ClientStore
from ..workspace import Workspace
from . import claim837, exports, remit835, x12
from .privacy import pseudonyms
from .remittances import REMITTANCE_TABLES, gathered, ordered, remittance_tables, submission_table, unmapped
from .together import read_together

FINDING = {
    "file": pl.String, "rule": pl.String, "where": pl.String, "amount_cents": pl.Int64,
    "message": pl.String, "needs_person": pl.Boolean, "rows": pl.Int64,
}
QUARANTINE = {
    "file": pl.String, "row": pl.Int64, "column": pl.String, "rule": pl.String, "message": pl.String,
    "amount_cents": pl.Int64, "text": pl.String, "table": pl.String,
}
HARMLESS_RULES = {"total_line"}
"""Quarantine rules that need nobody: lines that were never data."""
KEPT_SHARE = 0.8
"""A delivery that would leave less than this share of a month's stored rows is refused."""
PAYER_COLUMNS = ("payer", "secondary_payer", "tertiary_payer")


@dataclass
class FileReport:
    """What became of one file."""

    file: str
    kind: str
    rows_in: int = 0
    rows_stored: int = 0
    rows_quarantined: int = 0
    cents_in: int = 0
    cents_stored: int = 0
    status: str = "read"

    @property
    def balances(self) -> bool:
        return self.rows_in == self.rows_stored + self.rows_quarantined


@dataclass
class IntakeReport:
    """What became of one client's files."""

    client: str
    files: list[FileReport] = field(default_factory=list)
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDING))
    quarantine: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE))

    @property
    def unreadable(self) -> bool:
        """True when there was something to read and none of it could be."""
        return bool(self.files) and all(report.status == "refused" for report in self.files)

    @property
    def needs_person(self) -> bool:
        return bool(self.findings["needs_person"].any())


@dataclass(frozen=True)
class Delivery:
    """Rows for one table from one file."""

    table: Table
    mode: str
    rows: pl.DataFrame
    report: FileReport
    fill: tuple[str, ...] = ()


def find_files(workspace: Workspace, paths: Sequence[Path] = (), *, client: str | None = None) -> dict[str, list[Path]]:
    """The raw files by client: `raw/<client>/**`, or the files and folders named.

    A file belongs to `client` when one is named, else to the registry's client after whom a folder
    above it is called, else, for an 835 or 837, to the client whose NPI it carries.

    Raises
        SourceError: a path does not exist, or a file cannot be given to a client.
        ClientError: an unknown client.
    """
    known = workspace.clients()
    if client is not None:
        workspace.registry.client(client)
    raw = workspace.paths["raw"]
    roots = [Path(path) for path in paths] or ([raw / client] if client else [raw])
    absent = [str(path) for path in roots if not path.exists()]
    if absent:
        raise SourceError(f"Nothing to read at {listed(absent)}: no such file or folder.")
    found: dict[str, list[Path]] = {}
    for root in roots:
        files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        for path in files:
            if not path.name.startswith((".", "~$")):
                owner = client or _owner(workspace, path, known)
                found.setdefault(owner, []).append(path)
    return found


def _owner(workspace: Workspace, path: Path, known: Iterable[str]) -> str:
    for parent in path.resolve().parents:
        if parent.name in known:
            return parent.name
    data = path.read_bytes()
    for reader, kind in ((remit835.read_835, "835"), (claim837.read_837, "837")):
        if kind in x12.kind_of(data):
            owners = {workspace.registry.client_of_npi(npi) for npi in _npis(reader(data))}
            if len(owners) == 1 and None not in owners:
                return owners.pop()
    raw = workspace.paths["raw"]
    raise SourceError(
        f"{path.name}: no client can be told from its folder or its NPI. Put it under "
        f"{raw.name}/<client>/, or name the client with --client."
        + (closest(path.parent.name, known) if path.parent != raw else "")
    )


def ingest_client(workspace: Workspace, client: str, paths: Sequence[Path]) -> IntakeReport:
    """Read a client's files and change its store in one step.

    A file whose content is already in the store is skipped ("unchanged") under its own path and
    refused ("duplicate") under another. A file that cannot be read is refused with one finding; the
    others go on.

    Raises
        StoreError when the store cannot be written; it is then as it was.
    """
    workspace.registry.client(client)
    with workspace.store.change(client) as change:
        return _Intake(workspace, client, change).run(paths)


class _Intake:
    """The state of one client's intake: what was read so far, and what was noticed."""

    def __init__(self, workspace: Workspace, client: str, change: Change) -> None:
        self.workspace = workspace
        self.registry = workspace.registry
        self.client = client
        self.change = change
        self.report = IntakeReport(client)
        self.findings: list[dict[str, Any]] = []
        self.quarantined: list[pl.DataFrame] = []
        self.deliveries: list[Delivery] = []
        self.x12_files: dict[str, list[tuple[str, str, bytes]]] = {"835": [], "837": []}
        self.remittances: list[tuple[FileReport, Any]] = []
        self.submissions: list[tuple[FileReport, Any]] = []
        self.key = workspace.pseudonym_key()
        self.maps = self._maps()

    def _maps(self) -> list[Any]:
        folder = self.workspace.paths["maps"]
        shipped = Path(__file__).parent / "maps"
        found = []
        for name in self.registry.client(self.client).column_maps:
            options = [folder / f"{name}.toml", shipped / f"{name}.toml"]
            path = next((option for option in options if option.is_file()), None)
            if path is None:
                raise SourceError(
                    f"{self.client} uses the column map {name!r}, but there is no {name}.toml in {folder.name}/ "
                    f"and none is shipped under that name."
                )
            found.append(exports.read_map(path))
        return found

    def run(self, paths: Sequence[Path]) -> IntakeReport:
        seen = dict(self.change.before.manifest["files"])
        for path in sorted(paths):
            self._take(path, seen)
        self._read_x12()
        if self.remittances:
            self._deliver_remittances()
        if self.submissions:
            self._deliver_submissions()
        self._store()
        self._keep_sides()
        return self.report

    # ------------------------------------------------------------ one file
    def _take(self, path: Path, seen: dict[str, Any]) -> None:
        name = self._name(path)
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        kinds = x12.kind_of(data)
        stamp = digest + ("" if kinds else self._maps_stamp())
        if stamp in seen:
            self._already_taken(name, seen[stamp])
            return
        try:
            self._read(path, name, stamp, data, kinds)
        except SourceError as error:
            self._refuse(name, error)
            return
        seen[stamp] = entry = {"name": name}
        self.change.files[stamp] = entry

    def _refuse(self, name: str, error: SourceError) -> None:
        self.report.files.append(FileReport(name, "unreadable", status="refused"))
        message = str(error)
        self._find(name, "refused", None, message if name in message else f"{name}: {message}", rows=None)

    def _maps_stamp(self) -> str:
        """Exports are read again when the client's column maps changed."""
        return "+" + hashlib.sha256("".join(map(repr, self.maps)).encode()).hexdigest()[:16]

    def _already_taken(self, name: str, entry: dict[str, Any]) -> None:
        same = entry["name"] == name
        self.report.files.append(FileReport(name, "unchanged" if same else "duplicate", status="unchanged" if same else "refused"))
        if not same:
            self._find(
                name, "duplicate_file", None,
                f"{name} has the same content as {entry['name']}, which was already taken in. It was left out; "
                "nothing was counted twice.",
            )

    def _read(self, path: Path, name: str, stamp: str, data: bytes, kinds: set[str]) -> None:
        if not data.strip():
            raise SourceError(f"{name} is empty: expected an 835, an 837 or an export with rows. Ask for the file again.")
        for kind in kinds & set(self.x12_files):
            self.x12_files[kind].append((name, stamp, data))
        if kinds and not kinds & {"835", "837"}:
            self.report.files.append(FileReport(name, f"X12 {listed(sorted(kinds))}", status="skipped"))
            self._find(name, "other_transaction", None, f"{name} is an X12 {listed(sorted(kinds))}; only 835 and 837 are taken in.",
                       needs_person=False)
        if not kinds:
            self._take_export(path, name)

    def _read_x12(self) -> None:
        """The 835 and 837 files of this run, small ones together."""
        for kind, read, taken in (("835", remit835.read_835, self.remittances), ("837", claim837.read_837, self.submissions)):
            files = self.x12_files[kind]
            for (name, stamp, _), result in zip(files, read_together([data for *_, data in files], read, kind), strict=True):
                try:
                    if isinstance(result, SourceError):
                        raise result
                    self._refuse_foreign(name, _npis(result))
                except SourceError as error:
                    self._refuse(name, error)
                    self.change.files.pop(stamp, None)
                    continue
                self._reader_findings(name, result.findings)
                rows, amounts = (
                    (result.claims, result.payments["paid_cents"]) if kind == "835"
                    else (result.submissions, result.submissions["charge_cents"])
                )
                report = FileReport(name, kind, rows_in=len(rows), cents_in=int(amounts.sum()))
                self.report.files.append(report)
                taken.append((report, result if kind == "835" else self._claims_only(name, result.submissions)))

    def _claims_only(self, name: str, submissions: pd.DataFrame) -> pd.DataFrame:
        """Submissions without predeterminations, which ask for a price and bill nothing."""
        asked = submissions["is_predetermination"].fillna(False).astype(bool)
        if asked.any():
            cents = int(submissions.loc[asked, "charge_cents"].sum())
            self._find(name, "predetermination", cents, f"{name}: {int(asked.sum())} predetermination(s) bill nothing; left out.",
                       rows=int(asked.sum()), needs_person=False)
        return submissions[~asked]

    def _take_export(self, path: Path, name: str) -> None:
        if not self.maps:
            raise SourceError(
                f"{name} is neither X12 nor can it be read as an export: [clients.{self.client}] names no column_maps."
            )
        for part in exports.recognise(path, self.maps):
            export = exports.read_export(path, part, client=self.client)
            rows = self._own_ids(name, export.rows)
            money = export.table.money[0] if export.table.money else None
            report = FileReport(name, f"{export.table.name} ({part.map.name})", rows_in=export.rows_in)
            report.rows_quarantined, report.cents_in = export.quarantine.height, export.cents_in
            report.rows_stored = rows.height
            report.cents_stored = int(rows[money].sum()) if money else 0
            self.report.files.append(report)
            self._keep_quarantine(name, export.table.name, export.quarantine)
            self.deliveries.append(Delivery(export.table, export.delivery, rows, report, tuple(export.fill)))

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
            self._note_unmapped(name, rows, next((column for column in rows.columns if column.endswith("_cents")), None))
        return rows

    # ------------------------------------------------------------ all remittances, all submissions
    def _deliver_remittances(self) -> None:
        """All 835 transactions of this run, less those that are stored, came twice, or name no day."""
        reports = [report for report, _ in self.remittances]
        tables = remittance_tables(
            gathered([read for _, read in self.remittances]), client=self.client, registry=self.registry
        )
        deposits = tables["deposits"]
        known = self.change.before.read(DEPOSITS.name)
        check = ["payer", "trace", "paid_cents"]
        again = deposits["remit_id"].is_in(known["remit_id"].implode()) | ~deposits["remit_id"].is_first_distinct()
        same_check = deposits["trace"].is_not_null() & (deposits["paid_cents"] != 0) & (
            deposits.select(pl.struct(check).is_in(known.select(pl.struct(check)).to_series().implode())).to_series()
            | ~deposits.select(pl.struct(check).is_first_distinct()).to_series()
        )
        undated = deposits["received_on"].is_null()
        for bad, rule, why in (
            (again, "duplicate_remittance", "already taken in; the cash is not counted twice"),
            (same_check & ~again, "same_check_again", "with the payer, trace number and amount of one already taken in, but other "
             "claims; left out until somebody has compared the two"),
            (undated & ~again & ~same_check, "undated_remittance", "without a payment day or a file day; left out"),
        ):
            for (number,), part in deposits.filter(bad).group_by(["file_number"], maintain_order=True):
                name = reports[number].file
                self._find(name, rule, int(part["paid_cents"].sum()), f"{name}: {part.height} remittance(s) {why}.", rows=part.height)
        bad = again | same_check | undated
        keep = deposits.filter(~bad).select("remit_id", "file_number")
        for table in REMITTANCE_TABLES:
            rows = tables[table.name].join(keep, on=["remit_id", "file_number"], how="semi")
            rows = rows.unique(table.key, keep="first", maintain_order=True)    # twice in one file
            self._deliver(table, rows, reports, counted={"remit_claims": None, "deposits": "paid_cents"})
        self._note_unmapped(reports[0].file if len(reports) == 1 else f"{len(reports)} remittance files",
                            deposits.filter(~bad), "paid_cents")

    def _deliver_submissions(self) -> None:
        reports = [report for report, _ in self.submissions]
        rows = submission_table([read for _, read in self.submissions], client=self.client, registry=self.registry)
        known = self.change.before.read(SUBMISSIONS.name)["submission_id"]
        again = rows["submission_id"].is_in(known.implode()) | ~rows["submission_id"].is_first_distinct()
        for (number,), part in rows.filter(again).group_by(["file_number"], maintain_order=True):
            name = reports[number].file
            self._find(name, "duplicate_submission", int(part["charge_cents"].sum()),
                       f"{name}: {part.height} claim(s) were already taken in from another 837; left out.", rows=part.height)
        self._deliver(SUBMISSIONS, rows.filter(~again), reports, counted={"submissions": "charge_cents"})
        self._note_unmapped(f"{len(reports)} claim file(s)", rows.filter(~again), "charge_cents")

    def _deliver(self, table: Table, rows: pl.DataFrame, reports: list[FileReport], *, counted: dict[str, str | None]) -> None:
        """Queue the rows, and count them towards the files that they came from.

        `counted` names the table whose rows count as the file's rows, and the money that counts as
        its dollars (an 835 counts claim payments and deposited dollars).
        """
        if table.name in counted:
            money = counted[table.name]
            by_file = rows.group_by("file_number").agg(pl.len(), *([pl.col(money).sum().alias("cents")] if money else []))
            stored = {row["file_number"]: row for row in by_file.iter_rows(named=True)}
            for number, report in enumerate(reports):
                row = stored.get(number, {})
                report.cents_stored = row.get("cents", 0) if money else report.cents_stored
                if table.name != "deposits":
                    report.rows_stored = row.get("len", 0)
                    report.rows_quarantined = report.rows_in - report.rows_stored
                    if report.rows_in and not report.rows_stored:
                        report.status = "refused"
        self.deliveries.append(Delivery(table, "append", rows.select(table.names), reports[0]))

    # ------------------------------------------------------------ what was noticed
    def _find(self, file: str, rule: str, cents: int | None, message: str, *, where: str = "", rows: int | None = 1,
              needs_person: bool = True) -> None:
        self.findings.append({
            "file": file, "rule": rule, "where": where, "amount_cents": cents, "message": message,
            "needs_person": needs_person, "rows": rows,
        })

    def _reader_findings(self, name: str, findings: Any) -> None:
        for row in findings.itertuples():
            cents = None if pd.isna(row.amount_cents) else int(row.amount_cents)
            self._find(name, row.rule, cents, f"{name}: {row.message}", where=str(row.where))

    def _refuse_foreign(self, name: str, npis: set[str]) -> None:
        own = set(self.registry.client(self.client).npis)
        foreign = {npi for npi in npis if npi not in own}
        if own and foreign:
            other = sorted({self.registry.client_of_npi(npi) or "a provider that is not in the registry" for npi in foreign})
            raise SourceError(
                f"{name} lies with the files of {self.client}, but {len(foreign)} of its billing NPIs belong to "
                f"{listed(other)}. Nothing of it was stored; move the file, or add the NPI to the client."
            )

    def _note_unmapped(self, name: str, rows: pl.DataFrame, money: str | None) -> None:
        strange = rows.filter(pl.col("payer").str.starts_with("unmapped:"))
        if strange.height:
            cents = int(strange[money].sum()) if money else None
            count = strange["payer"].n_unique()
            self._find(
                name, "unmapped_payer", cents,
                f"{name}: {strange.height} row(s) of {count} payer(s) that the registry does not know. They are stored under "
                "their own names; add aliases or identifiers under [payers.*].", rows=strange.height,
            )

    def _keep_quarantine(self, name: str, table: str, rows: pl.DataFrame, *, is_told: bool = False) -> None:
        """Keep the rows, and a finding for each rule unless the user was told already."""
        if rows.is_empty():
            return
        self.quarantined.append(rows.with_columns(file=pl.lit(name), table=pl.lit(table)).select(
            pl.col(column).cast(kind) for column, kind in QUARANTINE.items()
        ))
        for (rule,), part in () if is_told else rows.group_by(["rule"], maintain_order=True):
            where = f"rows {listed(map(str, part['row'].head(3).to_list()))}"
            self._find(
                name, str(rule), int(part["amount_cents"].sum()),
                f"{name}: {part.height} row(s) of {table} set aside: {part['message'][0]}", where=where, rows=part.height,
                needs_person=rule not in HARMLESS_RULES,
            )

    # ------------------------------------------------------------ into the store
    def _known(self, table: Table) -> pl.DataFrame:
        """What is stored of a table, and what this run has read so far."""
        read = [delivery.rows for delivery in self.deliveries if delivery.table is table]
        return pl.concat([self.change.current(table), *read]).unique(table.key, keep="last", maintain_order=True)

    def _store(self) -> None:
        for table in TABLES.values():
            for mode in ("full", "month", "append"):
                together = [item for item in self.deliveries if item.table is table and item.mode == mode]
                if together:
                    self._store_table(table, mode, together)

    def _store_table(self, table: Table, mode: str, deliveries: list[Delivery]) -> None:
        deliveries = [item for item in deliveries if mode != "month" or self._is_whole_month(item)]
        rows = self._latest_of_each_key(table, deliveries) if mode == "append" else self._first_of_each_key(table, deliveries)
        if rows is None:
            return
        if table is REMIT_CLAIMS:
            rows = ordered(rows, self.change.current(REMIT_CLAIMS))
        if table is CLAIMS and any("charge_cents" in item.fill for item in deliveries):
            rows = self._charges_filled(rows)
        if mode == "full":
            self.change.replace_all(table, rows)
        elif mode == "month":
            self.change.replace(table, rows)
        else:
            self.change.append(table, rows)

    def _charges_filled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Claim charges that the export does not carry, from the charges posted to the ledger."""
        ledger = self._known(TABLES["transactions"]).filter(pl.col("kind") == "charge")
        posted = ledger.group_by("claim_id").agg(pl.col("amount_cents").sum().alias("_posted"))
        return rows.join(posted, on="claim_id", how="left").with_columns(
            pl.coalesce("charge_cents", "_posted", pl.lit(0)).alias("charge_cents")
        ).drop("_posted")

    def _is_whole_month(self, delivery: Delivery) -> bool:
        """Refuse a delivery that would wipe out most of a month that is already stored."""
        table, known_on = delivery.table, delivery.table.known_on
        months = delivery.rows.group_by(pl.col(known_on).dt.strftime("%Y-%m").alias("month")).len() if known_on else None
        stored = self.change.before.months(table.name)
        for month, count in (months.iter_rows() if months is not None else ()):
            before = stored.get(month, {}).get("rows", 0)
            others = [
                item.rows for item in self.deliveries
                if item.table is table and item.mode == "month" and item is not delivery
            ]
            count += sum(int((rows[known_on].dt.strftime("%Y-%m") == month).sum()) for rows in others)
            if count < KEPT_SHARE * before:
                report = delivery.report
                self._find(
                    report.file, "month_would_shrink", report.cents_stored,
                    f"{report.file} holds {count} row(s) of {table.name} for {month}, where {before} are stored. It looks cut off, "
                    "so nothing was replaced. Ask for the whole month, or set delivery = \"append\" in the column map.",
                    rows=report.rows_stored,
                )
                self._set_aside(delivery, delivery.rows.select(table.key), "month_would_shrink")
                report.status = "refused"
                self._forget(report.file)
                return False
        return True

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
        for delivery in deliveries:
            rows = delivery.rows
            if taken is not None:
                doubled = rows.join(taken.select(table.key), on=list(table.key), how="semi")
                if doubled.height:
                    self._set_aside(delivery, doubled, "duplicate_key")
                    rows = rows.join(taken.select(table.key), on=list(table.key), how="anti")
            if delivery.mode == "month":
                rows = self._without_stored_keys(delivery, rows)
            taken = rows if taken is None else pl.concat([taken, rows])
        return taken

    def _without_stored_keys(self, delivery: Delivery, rows: pl.DataFrame) -> pl.DataFrame:
        """A month's delivery may not repeat a key that another month holds."""
        table = delivery.table
        months = set(rows[table.known_on].dt.strftime("%Y-%m").unique()) if table.known_on else set()
        stored = self.change.before.read(table.name)
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
            "duplicate_key": "the same key is in another file of this delivery",
            "stored_in_another_month": "the same key is stored in another month",
            "month_would_shrink": "the file would have replaced a fuller month",
        }
        money = next((name for name in delivery.table.money if name in rows.columns), None)
        cents = rows[money] if money else pl.Series([None] * rows.height, dtype=pl.Int64)
        delivery.report.rows_stored -= rows.height
        delivery.report.rows_quarantined += rows.height
        delivery.report.cents_stored -= int(cents.sum() or 0)
        self._keep_quarantine(delivery.report.file, delivery.table.name, pl.DataFrame({
            "row": [None] * rows.height, "column": [" + ".join(delivery.table.key)] * rows.height, "rule": [rule] * rows.height,
            "message": [messages[rule]] * rows.height, "amount_cents": cents, "text": [None] * rows.height,
        }), is_told=rule == "month_would_shrink")

    def _keep_sides(self) -> None:
        """Findings and quarantine of the files read now join those of the files read before."""
        read = [report.file for report in self.report.files if report.status != "unchanged"]
        self.report.findings = pl.DataFrame(self.findings, schema=FINDING)
        self.report.quarantine = pl.concat([pl.DataFrame(schema=QUARANTINE), *self.quarantined])
        for name, rows in (("findings", self.report.findings), ("quarantine", self.report.quarantine)):
            before = self.change.before.side_table(name)
            if not before.is_empty():
                rows = pl.concat([before.filter(~pl.col("file").is_in(read)), rows])
            self.change.sides[name] = rows

    def _name(self, path: Path) -> str:
        raw = (self.workspace.paths["raw"] / self.client).resolve()
        path = path.resolve()
        return str(path.relative_to(raw)) if path.is_relative_to(raw) else path.name


def _npis(read: Any) -> set[str]:
    frame, column = (read.payments, "payee_npi") if hasattr(read, "payments") else (read.submissions, "billing_npi")
    return {str(npi) for npi in frame[column].dropna().unique() if str(npi)}


def stored_months(stored: ClientStore) -> list[str]:
    """The months for which the ledger holds postings, oldest first."""
    return sorted(stored.months("transactions"))
