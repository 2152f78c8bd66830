"""The 835 and 837 files of one intake: read together, freed of what is stored already, and queued.

A reader by column costs the same for ten segments as for ten thousand, and a clearinghouse sends hundreds of small
files. So files with a whole envelope are laid end to end and read as one pile; when nothing was found amiss, the
result is cut again into files. When anything was, the pile is halved until the file that causes it stands alone, so
that every finding names its own file and place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from ...errors import SourceError, listed, stopped
from ...ledger.adjudications import REVERSAL
from ...ledger.settle import Told
from ...tables.clients import FOREIGN, payee_words
from ...tables.ids import plain
from ...tables.schema import ACKNOWLEDGMENTS, CLAIM_EDITS, DEPOSITS, REMIT_CLAIMS, SUBMISSIONS, TRANSMISSIONS, Table
from ...tables.store import Change
from ..notes import Delivery, FileReport, Notes
from . import claim837, remit835
from .acknowledged import TABLES as ANSWERED_BY
from .acknowledged import acknowledged, acknowledgment_rows, fit_answers, transmission_rows
from .acknowledgments import READERS
from .billed import claim_contents, submission_table
from .odd_rows import bill_nothing, fit_claims, fit_remittances, misread, odd_files, without
from .remittances import HISTORY_DAYS, REMITTANCE_TABLES, gathered, remittance_tables, whose
from .segments import transaction_count

KINDS = ("835", "837", *READERS)
OTHERS = {
    "ISA": "envelope without any transaction",
    "276": "claim status request",
    "270": "eligibility inquiry",
    "271": "eligibility response",
    "278": "authorization",
    "820": "premium payment",
    "834": "enrollment",
}


class X12Intake:
    """The X12 files of one client's intake: `add` each, then `deliver` once.

    `contents` then holds the claims and lines that the 837s describe, for a client without an export of claims.
    """

    def __init__(self, change: Change, notes: Notes, *, key: bytes) -> None:
        self.change = change
        self.notes = notes
        self.client = notes.client
        self.registry = notes.registry
        self.key = key
        self.files: dict[str, list[tuple[str, str, str, bytes]]] = {kind: [] for kind in KINDS}
        self.remittances: list[tuple[FileReport, Any]] = []
        self.submissions: list[tuple[FileReport, Any]] = []
        self.answers: list[tuple[FileReport, Any]] = []
        self.deliveries: list[Delivery] = []
        self.contents: tuple[pl.DataFrame, pl.DataFrame] | None = None

    def add(self, kind: str, name: str, stamp: str, data: bytes, where: str) -> None:
        """One file that holds transactions of this kind; `stamp` is its entry in the change."""
        self.files[kind].append((name, stamp, where, data))

    def add_answers(self, report: FileReport, answers: Any) -> None:
        """The remittances of a file that is no 835 but says the same: frames as `read_835` gives them."""
        report.cents_in = int(answers.payments["paid_cents"].sum())
        self.notes.report.files.append(report)
        self.remittances.append((report, answers))

    def take_out_other_practices(self) -> None:
        """Stored remittances of payees that the registry now knows as others; a file of nothing else is read anew."""
        deposits = self.change.before.read(DEPOSITS.name)
        foreign = whose(deposits, "payee_tax_id_end", client=self.client, registry=self.registry) == FOREIGN
        gone = deposits.filter(foreign)
        if gone.is_empty():
            return
        for table in REMITTANCE_TABLES:
            rows = self.change.current(table)
            parent = "remit_id" if "remit_id" in table.names else "remit_claim_id"
            lost = gone.select("remit_id") if parent == "remit_id" else self._claims_of(gone)
            self.change.replace_all(table, rows.join(lost, on=parent, how="anti"))
        ids = set(gone["remit_id"])
        for stamp, entry in self.change.before.manifest["files"].items():
            if entry.get("remits") and ids.issuperset(entry["remits"]):
                self.change.forgotten.add(stamp)
        self.notes.find(
            self.registry.path.name,
            "other_practice_taken_out",
            int(gone["paid_cents"].abs().sum()),
            f"{gone.height} stored remittance(s) are for payees that {self.registry.path.name} by now knows as another "
            "practice's; they were taken out, with what had been posted by them alone.",
            rows=gone.height,
            needs_person=False,
        )

    def _claims_of(self, deposits: pl.DataFrame) -> pl.DataFrame:
        claims = self.change.before.read(REMIT_CLAIMS.name)
        return claims.join(deposits, on="remit_id", how="semi").select("remit_claim_id")

    def deliver(self) -> list[Delivery]:
        """Read all files and queue what is new."""
        self._read()
        if self.remittances:
            self._deliver_remittances()
        if self.submissions:
            self._deliver_submissions()
        if self.answers:
            self._deliver_answers()
        return self.deliveries

    def _read(self) -> None:
        """The files of this run, small ones together."""
        for kind, read in READERS.items():
            self._read_answers(kind, read)
        for kind, read, taken in (
            ("835", remit835.read_835, self.remittances),
            ("837", claim837.read_837, self.submissions),
        ):
            files = self.files[kind]
            results = read_together([data for *_, data in files], read, kind)
            odd = odd_files(results) if kind == "837" else set()
            for number, ((name, stamp, where, _), result) in enumerate(zip(files, results, strict=True)):
                try:
                    if isinstance(result, SourceError):
                        raise result
                    if kind == "835":
                        self.notes.check_payees(name, result.payments)
                    else:
                        self.notes.refuse_foreign(name, npis_of(result))
                except SourceError as error:
                    self.notes.refuse(name, error, where)
                    self.change.files.pop(stamp, None)
                    continue
                self.notes.reader_findings(name, result.findings)
                rows, amounts = (
                    (result.claims, result.payments["paid_cents"])
                    if kind == "835"
                    else (result.submissions, result.submissions["charge_cents"])
                )
                report = FileReport(name, kind, rows_in=len(rows), cents_in=int(amounts.sum()))
                self.notes.report.files.append(report)
                kept = result
                if kind == "837":
                    kept = self._claims_only(name, result) if number in odd else (result.submissions, result.lines)
                report.rows_quarantined = 0 if kind == "835" else len(rows) - len(kept[0])
                taken.append((report, kept))

    def _read_answers(self, kind: str, read: Callable[[bytes], Any]) -> None:
        """The acknowledgments of one transaction set."""
        results = read_together([data for *_, data in self.files[kind]], read, kind)
        for (name, stamp, where, _), result in zip(self.files[kind], results, strict=True):
            if isinstance(result, SourceError):
                self.notes.refuse(name, result, where)
                self.change.files.pop(stamp, None)
                continue
            self.notes.reader_findings(name, result.findings)
            told = sorted(result.answers["kind"].unique())
            report = FileReport(name, listed(told or [kind]), rows_in=len(result.answers))
            claims = result.answers.loc[result.answers["level"] == "claim", "charge_cents"]
            report.cents_in = int(claims.fillna(0).sum())
            self.notes.report.files.append(report)
            self.answers.append((report, result.answers))

    def _claims_only(self, name: str, claims: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Submissions and lines without odd rows and what bills nothing: predeterminations, reported encounters."""
        submissions, lines, aside = fit_claims(claims)
        for table, rows in aside.items():
            self.notes.quarantine(name, table, rows, unit="segments")
        asked = bill_nothing(submissions)
        if not asked.any():
            return submissions, lines
        cents = int(submissions.loc[asked, "charge_cents"].sum())
        self.notes.find(
            name,
            "bills_nothing",
            cents,
            f"{name}: {int(asked.sum())} predetermination(s) or reported encounter(s) bill nothing; left out.",
            rows=int(asked.sum()),
            needs_person=False,
        )
        return without(submissions, lines, submissions.index[asked].tolist())

    def _deliver_remittances(self) -> None:
        """All 835 transactions of this run, less those that are stored, came twice, or name no day."""
        reports = [report for report, _ in self.remittances]
        tables = remittance_tables(
            gathered([read for _, read in self.remittances]), client=self.client, registry=self.registry
        )
        deposits = self._without_notifications(tables, reports)
        deposits = self._without_other_practices(deposits, reports)
        known = self.change.before.read(DEPOSITS.name)
        again = deposits["remit_id"].is_in(known["remit_id"].implode()) | ~deposits["remit_id"].is_first_distinct()
        same_check = _again(deposits, known, ["payer", "check", "paid_cents"]) | _again(
            deposits, known, ["check", "paid_cents", "day"]
        )
        undated = deposits["received_on"].is_null()
        folders = {name: where for name, _, where, _ in self.files["835"]}
        for bad, rule, why in (
            (again, "duplicate_remittance", "already taken in; the cash is not counted twice"),
            (
                same_check & ~again,
                "same_check_again",
                "with the trace number (but for zeros, case and punctuation), the amount, and the payer or day of "
                "one already taken in; left out until somebody has compared the two. If it is the same, take the file "
                "away",
            ),
            (undated & ~again & ~same_check, "undated_remittance", "without a payment day or a file day; left out"),
        ):
            for (number,), part in deposits.filter(bad).group_by(["file_number"], maintain_order=True):
                name = reports[number].file
                self.notes.find(
                    name,
                    rule,
                    int(part["paid_cents"].sum()),
                    f"{name}: {part.height} remittance(s) {why}.",
                    where=folders.get(name, ""),
                    rows=part.height,
                )
        bad = again | same_check | undated
        keep = deposits.filter(~bad).select("remit_id", "file_number")
        for table in REMITTANCE_TABLES:
            rows = tables[table.name].join(keep, on=["remit_id", "file_number"], how="semi")
            tables[table.name] = rows.unique(table.key, keep="first", maintain_order=True)  # twice in one file
        tables, aside = fit_remittances(tables, misread([read.findings for _, read in self.remittances]))
        for name, rows in aside.items():
            for (number,), part in rows.group_by(["file_number"], maintain_order=True):
                self.notes.quarantine(reports[number].file, name, part, unit="segments")
        for table in REMITTANCE_TABLES:
            self._deliver(table, tables[table.name], reports, counted={"remit_claims": None, "deposits": "paid_cents"})
        self.notes.unmapped_payers(
            reports[0].file if len(reports) == 1 else f"{len(reports)} remittance files",
            deposits.filter(~bad),
            "paid_cents",
        )
        self._tell_history(deposits.filter(~bad))
        entries = {entry["name"]: entry for entry in self.change.files.values()}
        for (number,), part in keep.group_by(["file_number"], maintain_order=True):
            if reports[number].file in entries:  # else its 837s were refused, and it is read again
                entries[reports[number].file]["remits"] = part["remit_id"].to_list()

    def _without_other_practices(self, deposits: pl.DataFrame, reports: list[FileReport]) -> pl.DataFrame:
        """The remittances but those of other practices; a file of which nothing is ours is read again every time."""
        foreign = deposits["whose"] == FOREIGN
        ours = set(deposits.filter(~foreign)["file_number"])
        for (number,), part in deposits.filter(foreign).group_by(["file_number"], maintain_order=True):
            name = reports[number].file
            who = part.select("payee", "payee_npi", "payee_tax_id_end").unique(maintain_order=True).rows()
            decided = all(
                self.registry.is_not_ours(self.client, npi=npi, tax_id=end, name=payee) for payee, npi, end in who
            )
            self.notes.find(
                name,
                "other_practice",
                int(part["paid_cents"].abs().sum()),
                f"{name}: {part.height} remittance(s) for {listed(payee_words(*row) for row in who)}, "
                "another practice; left out.",
                rows=part.height,
                needs_person=not decided,
            )
            if number not in ours:
                self.change.files = {
                    stamp: entry for stamp, entry in self.change.files.items() if entry["name"] != name
                }
        return deposits.filter(~foreign)

    def _without_notifications(self, tables: dict[str, pl.DataFrame], reports: list[FileReport]) -> pl.DataFrame:
        """The remittances but those of BPR01 H that speak of money.

        One of 0.00 whose claims and provider adjustments add up, reversals taken as what they take back, is a real one.
        """
        paid = pl.when(pl.col("status") == REVERSAL).then(-pl.col("paid_cents").abs()).otherwise("paid_cents")
        moved = (
            tables["remit_claims"]
            .unique(["remit_claim_id", "file_number"])
            .group_by("remit_id", "file_number")
            .agg(_moved=paid.sum())
        )
        deposits = tables["deposits"].join(moved, on=["remit_id", "file_number"], how="left", maintain_order="left")
        moves = [
            pl.col(name).fill_null(0) != pl.col("provider_adjustment_cents") for name in ("claims_paid_cents", "_moved")
        ]
        speaks = (pl.col("paid_cents") != 0) | pl.all_horizontal(moves)
        is_told = (pl.col("handling") == "H").fill_null(False) & speaks
        for (number,), part in deposits.filter(is_told).group_by(["file_number"], maintain_order=True):
            name = reports[number].file
            self.notes.find(
                name,
                "notification_only",
                int(part["claims_paid_cents"].sum()),
                f"{name}: {part.height} remittance(s) only notify (BPR01 H) of money that does not move with them; "
                "left out, they are no cash. The remittance of the payment itself must follow.",
                rows=part.height,
            )
        return deposits.filter(~is_told).drop("_moved")

    def _tell_history(self, deposits: pl.DataFrame) -> None:
        old = deposits.filter(pl.col("created_on") > pl.col("paid_on") + pl.duration(days=HISTORY_DAYS))
        if old.height:
            self.notes.find(
                f"{old['file_number'].n_unique()} remittance file(s)",
                "history_in_one_go",
                int(old["paid_cents"].sum()),
                f"{old.height} remittance(s) were made more than {HISTORY_DAYS} days after their payment: history "
                "read in one go. They count as known on the day of the payment.",
                rows=old.height,
                needs_person=False,
            )

    def _deliver_submissions(self) -> None:
        reports = [report for report, _ in self.submissions]
        read = [frames for _, frames in self.submissions]
        rows = submission_table(read, client=self.client, registry=self.registry, key=self.key)
        self.contents = claim_contents(read, rows, client=self.client)
        known = self.change.before.read(SUBMISSIONS.name)["submission_id"]
        again = rows["submission_id"].is_in(known.implode()) | ~rows["submission_id"].is_first_distinct()
        for (number,), part in rows.filter(again).group_by(["file_number"], maintain_order=True):
            name = reports[number].file
            self.notes.find(
                name,
                "duplicate_submission",
                int(part["charge_cents"].sum()),
                f"{name}: {part.height} claim(s) were already taken in from another 837; left out.",
                rows=part.height,
            )
        turn = int(self.change.before.read(SUBMISSIONS.name)["sequence"].max() or 0) + 1  # type: ignore[arg-type]
        rows = rows.with_columns(sequence=pl.int_range(turn, turn + pl.len()))
        self._deliver(SUBMISSIONS, rows.filter(~again), reports, counted={"submissions": "charge_cents"})
        carried = transmission_rows([frame for frame, _ in read], rows, self.client)
        self.deliveries.append(Delivery(TRANSMISSIONS, "append", carried, reports[0]))
        self.notes.unmapped_payers(f"{len(reports)} claim file(s)", rows.filter(~again), "charge_cents")

    def _deliver_answers(self) -> None:
        """All acknowledgments of this run, less those that are stored, came twice, or name nothing."""
        reports = [report for report, _ in self.answers]
        rows, aside = fit_answers(acknowledgment_rows([answers for _, answers in self.answers], self.client))
        for (number,), part in aside.group_by(["file_number"], maintain_order=True):
            self.notes.quarantine(reports[number].file, ACKNOWLEDGMENTS.name, part, unit="segments")
        known = self.change.before.read(ACKNOWLEDGMENTS.name)["acknowledgment_id"]
        again = rows["acknowledgment_id"].is_in(known.implode()) | ~rows["acknowledgment_id"].is_first_distinct()
        for (number,), part in rows.filter(again).group_by(["file_number"], maintain_order=True):
            name = reports[number].file
            self.notes.find(
                name,
                "duplicate_acknowledgment",
                int(part["charge_cents"].sum()),
                f"{name}: {part.height} answer(s) were already taken in from another file; left out.",
                rows=part.height,
                needs_person=False,
            )
        new = rows.filter(~again)
        told = new.with_columns(pl.when(pl.col("level") == "claim").then("charge_cents"))
        for (number,), part in told.group_by(["file_number"]):
            reports[number].rows_stored, reports[number].cents_stored = part.height, int(part["charge_cents"].sum())
        for report in reports:
            report.rows_quarantined = report.rows_in - report.rows_stored
        self.deliveries.append(Delivery(ACKNOWLEDGMENTS, "append", new.select(ACKNOWLEDGMENTS.names), reports[0]))

    def acknowledge(self) -> list[Told]:
        """Put what front ends answered to the claims, as they now stand; what somebody should know of it."""
        if self.change.current(ACKNOWLEDGMENTS).is_empty():
            return []
        now = acknowledged({table.name: self.change.current(table) for table in ANSWERED_BY}, self.client)
        for table, rows in ((ACKNOWLEDGMENTS, now.acknowledgments), (CLAIM_EDITS, now.claim_edits)):
            if not rows.sort(table.key).equals(self.change.current(table).sort(table.key)):
                self.change.replace_all(table, rows)
        return now.told

    def _deliver(
        self, table: Table, rows: pl.DataFrame, reports: list[FileReport], *, counted: dict[str, str | None]
    ) -> None:
        """Queue the rows, and count them towards the files that they came from.

        `counted` names the table whose rows count as the file's rows, and the money that counts as
        its dollars (an 835 counts claim payments and deposited dollars).
        """
        if table.name in counted:
            money = counted[table.name]
            by_file = rows.group_by("file_number").agg(
                pl.len(), *([pl.col(money).sum().alias("cents")] if money else [])
            )
            stored = {row["file_number"]: row for row in by_file.iter_rows(named=True)}
            for number, report in enumerate(reports):
                row = stored.get(number, {})
                asked = report.rows_in > report.rows_quarantined
                report.cents_stored = row.get("cents", 0) if money else report.cents_stored
                if table.name != "deposits":
                    report.rows_stored = row.get("len", 0)
                    report.rows_quarantined = report.rows_in - report.rows_stored
                if asked and not row and table.name != "remit_claims":
                    report.status = "refused"
        self.deliveries.append(Delivery(table, "append", rows.select(table.names), reports[0]))


def answers_stamp(kinds: set[str]) -> str:
    """What marks files of acknowledgments: stores of a time when these were skipped take them in."""
    return "+answers" if kinds & set(READERS) and kinds.isdisjoint(("835", "837")) else ""


def skip_others(notes: Notes, name: str, data: bytes, kinds: set[str]) -> None:
    """Name and count what an X12 file holds besides what is read; `kinds` is all that it holds."""
    counts = {f"X12 {kind}": transaction_count(data, kind) for kind in sorted(kinds - set(KINDS))}
    if not counts:
        return
    if kinds.isdisjoint(KINDS):
        notes.report.files.append(FileReport(name, listed(counts), status="skipped"))
    told = listed(f"{count:,} {word} ({OTHERS.get(word[4:], 'another transaction')})" for word, count in counts.items())
    message = f"{name}: {told} skipped; of X12, only {listed(KINDS)} are taken in."
    notes.find(name, "other_transaction", None, message, rows=sum(counts.values()), needs_person=False)


def _again(deposits: pl.DataFrame, known: pl.DataFrame, names: list[str]) -> pl.Series:
    """True for payments of money under a trace number that a stored or earlier one equals in these columns."""
    ours, theirs = (
        frame.with_columns(check=plain(pl.col("trace")), day=pl.coalesce("paid_on", "received_on"))
        .select(pl.when(pl.col("check") != "", pl.col("paid_cents") != 0).then(pl.concat_str(names, separator="\x1f")))
        .to_series()
        for frame in (deposits, known)
    )
    return ours.is_not_null() & (ours.is_in(theirs.implode()) | ~ours.is_first_distinct())


def npis_of(read: Any) -> set[str]:
    frame, column = (read.payments, "payee_npi") if hasattr(read, "payments") else (read.submissions, "billing_npi")
    return {str(npi) for npi in frame[column].dropna().unique() if str(npi)}


PILE_BYTES = 16_000_000


def read_together(files: Sequence[bytes], read: Callable[[bytes], Any], kind: str) -> list[Any]:
    """What `read` gives for each file, or the SourceError that it ends in, in the order of the files.

    `read` is `read_835` or `read_837` and `kind` "835" or "837". Its result is a frozen dataclass of
    frames, each with a `transaction` counted from 1, and `findings`. In a pile, `segment` numbers
    count from the start of the pile.
    """
    results: list[Any] = []
    pile: list[bytes] = []
    size = 0
    for data in files:
        whole = data.lstrip()[:3] == b"ISA" and b"IEA" in data[-200:]
        if pile and (not whole or size + len(data) > PILE_BYTES):
            results += _read_pile(pile, read, kind)
            pile, size = [], 0
        if whole:
            pile, size = [*pile, data], size + len(data)
        else:
            results.append(_read_one(data, read))
    return results + (_read_pile(pile, read, kind) if pile else [])


def _read_pile(pile: list[bytes], read: Callable[[bytes], Any], kind: str) -> list[Any]:
    if len(pile) == 1:
        return [_read_one(pile[0], read)]
    whole_pile = _read_one(b"\n".join(pile), read)
    if not isinstance(whole_pile, SourceError) and whole_pile.findings.empty:
        counts = [transaction_count(data, kind) for data in pile]
        if min(counts) > 0:
            return _cut(whole_pile, counts)
    middle = len(pile) // 2
    return _read_pile(pile[:middle], read, kind) + _read_pile(pile[middle:], read, kind)


def _read_one(data: bytes, read: Callable[[bytes], Any]) -> Any:
    try:
        return read(data)
    except Exception as error:
        return stopped(error)


def _cut(whole_pile: Any, counts: Sequence[int]) -> list[Any]:
    """The frames of a pile, file by file: transactions and row numbers start anew in each.

    Everything is computed for the pile as a whole; a file is a slice of it.
    """
    frames = {item.name: getattr(whole_pile, item.name) for item in fields(whole_pile)}
    parents = {"claim_index": frames.get("claims", frames.get("submissions")), "line_index": frames.get("lines")}
    first = np.concatenate([[0], np.cumsum(counts)])
    starts = {name: _starts(frame, first) for name, frame in frames.items()}
    numbered = {}
    for name, frame in frames.items():
        rows = np.diff(starts[name])
        new = {"transaction": frame["transaction"] - np.repeat(first[:-1], rows)}
        for index, parent in parents.items():
            if index in frame:
                new[index] = frame[index] - np.repeat(_starts(parent, first)[:-1], rows)
        numbered[name] = frame.assign(**new)
    return [
        replace(whole_pile, **{name: _slice(frame, *starts[name][at : at + 2]) for name, frame in numbered.items()})
        for at in range(len(counts))
    ]


def _starts(frame: Any, transactions: np.ndarray) -> np.ndarray:
    """The row behind the last one of each transaction; the readers keep them in order."""
    return frame["transaction"].to_numpy().searchsorted(transactions, side="right")


def _slice(frame: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    part = frame.iloc[start:end]
    part.index = pd.RangeIndex(end - start)
    return part
