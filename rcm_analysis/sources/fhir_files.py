"""The FHIR files of one client's intake: answers and bills into the tables of 835s and 837s."""

from __future__ import annotations

from typing import Any

import polars as pl

from ..tables.schema import DEPOSITS, REMIT_CLAIMS
from ..tables.store import Change
from .fhir.claims import METHOD, Fhir, read_fhir
from .notes import FileReport, Notes
from .x12.answers import read_answers
from .x12.intake import X12Intake
from .x12.remittances import REMITTANCE_TABLES


class FhirFiles:
    """The FHIR files of one client's intake: `add` each, then `deliver` once."""

    def __init__(self, change: Change, notes: Notes, x12: X12Intake) -> None:
        self.change = change
        self.notes = notes
        self.x12 = x12
        self.taken: list[tuple[str, Fhir]] = []

    def add(self, name: str, data: bytes) -> None:
        """One file, whatever resources it holds."""
        found = read_fhir(data)
        self._tell(name, found)
        if found.answers.is_empty() and found.bills.empty:
            told = ", ".join(f"{count:,} {kind}" for kind, count in found.others.items())
            self.notes.report.files.append(FileReport(name, f"FHIR without claims ({told})", status="skipped"))
        self.taken.append((name, found))

    def _tell(self, name: str, found: Fhir) -> None:
        why = ", ".join(f"{count:,} {words}" for words, count in found.left_out.items())
        for count, rule, message in (
            (found.broken, "fhir_unread", "line(s) or resource(s) are no FHIR and were not read"),
            (sum(found.left_out.values()), "fhir_left_out", f"resource(s) were left out: {why}"),
            (sum(found.others.values()), "fhir_others", "resource(s) of other types were passed over"),
            (found.rounded, "part_of_a_cent", "row(s) have amounts with parts of a cent, and were rounded"),
        ):
            if count:
                is_needed = rule == "fhir_unread"
                self.notes.find(name, rule, None, f"{name}: {count:,} {message}.", rows=count, needs_person=is_needed)
        if found.unexplained:
            message = f"{name}: {found.unexplained / 100:,.2f} of what claims bill in all stands on no line of theirs."
            self.notes.find(name, "claim_balance", found.unexplained, message, rows=None)

    def deliver(self) -> None:
        """Hand the answers and bills on to what takes in 835s and 837s; of a claim's versions the last one counts."""
        later = set[str]()
        for name, found in sorted(self.taken, key=lambda item: (item[1].made_on, item[0]), reverse=True):
            rows = found.answers.filter(~pl.col("trace").is_in(list(later)))
            later |= set(rows["trace"].drop_nulls())
            rows = self._changed(self._of_no_later_file(name, found.made_on, rows))
            self._entry(name)["made_on"] = found.made_on
            if rows.height:
                answers = read_answers(rows, "line")
                self.notes.reader_findings(name, answers.findings)
                self.x12.add_answers(
                    FileReport(name, "FHIR ExplanationOfBenefit", rows_in=len(answers.claims)), answers
                )
            elif found.answers.height:
                self.notes.report.files.append(FileReport(name, "FHIR ExplanationOfBenefit", status="unchanged"))
            if len(found.bills):
                cents = int(found.bills["charge_cents"].sum())
                report = FileReport(name, "FHIR Claim", rows_in=len(found.bills), cents_in=cents)
                self.notes.report.files.append(report)
                self.x12.submissions.append((report, (found.bills, found.lines)))

    def _entry(self, name: str) -> dict[str, Any]:
        return next((entry for entry in self.change.files.values() if entry["name"] == name), {})

    def _of_no_later_file(self, name: str, made_on: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The answers but those of which a later version, as its file says, is stored already."""
        entries = self.change.before.manifest["files"].values()
        later = {remit for entry in entries if entry.get("made_on", "") > made_on for remit in entry.get("remits", ())}
        stored = self.change.current(DEPOSITS).filter(pl.col("remit_id").is_in(list(later)), method=METHOD)["trace"]
        older = rows.filter(pl.col("trace").is_in(stored.implode()))
        if older.height:
            count = older["trace"].n_unique()
            message = f"{name}: {count:,} answer(s) are older than the version already stored, and were left out."
            self.notes.find(name, "fhir_older", None, message, rows=count, needs_person=False)
        return rows.join(older, on="trace", how="anti", maintain_order="left")

    def _changed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The answers that are not stored as they are; what was stored of them otherwise gives way."""
        is_ours = pl.col("trace").is_in(rows["trace"].implode()) & (pl.col("method") == METHOD)
        stored = self.change.current(DEPOSITS).filter(is_ours)
        if stored.is_empty():
            return rows
        claims = self.change.current(REMIT_CLAIMS).join(stored, on="remit_id", how="semi")
        charges = claims.group_by("remit_id").agg(charged=pl.col("charge_cents").sum())
        known = stored.join(charges, on="remit_id").select("trace", "paid_on", "charged", paid="paid_cents")
        sums = rows.group_by("trace").agg(
            pl.col("paid_on").first(),
            paid=pl.coalesce(pl.col("claim_paid_cents").drop_nulls().first(), pl.col("paid_cents").sum()),
            charged=pl.coalesce(pl.col("claim_charge_cents").drop_nulls().first(), pl.col("charge_cents").sum()),
        )
        same = sums.join(known, on=["trace", "paid_on", "paid", "charged"], how="semi")
        gone = stored.join(same, on="trace", how="anti")
        lost = claims.join(gone, on="remit_id", how="semi")
        for table in REMITTANCE_TABLES if gone.height else ():
            key, left = ("remit_id", gone) if "remit_id" in table.names else ("remit_claim_id", lost)
            self.change.replace_all(table, self.change.current(table).join(left, on=key, how="anti"))
        return rows.join(same, on="trace", how="anti")
