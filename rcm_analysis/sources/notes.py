"""What an intake notices: findings, rows set aside, and what became of every file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import polars as pl

from ..errors import SourceError, listed
from ..ledger.records import HARMLESS_RULES
from ..tables.clients import FOREIGN, UNKNOWN, Registry, payee_words
from ..tables.schema import Table
from .x12.remittances import UNMAPPED

FINDING = {
    "file": pl.String,
    "rule": pl.String,
    "where": pl.String,
    "amount_cents": pl.Int64,
    "message": pl.String,
    "needs_person": pl.Boolean,
    "rows": pl.Int64,
}
QUARANTINE = {
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "message": pl.String,
    "amount_cents": pl.Int64,
    "text": pl.String,
    "table": pl.String,
    "known_on": pl.Date,
}


AGAIN_ROWS, AGAIN_SHARE = 5, 0.9
"""So many rows, and this share of a delivery, that came before under other ids are no chance."""


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


@dataclass
class IntakeReport:
    """What became of one client's files."""

    client: str
    files: list[FileReport] = field(default_factory=list)
    stopped: str = ""
    """Why nothing of the client was stored, where its intake did not come to its end."""
    findings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FINDING))
    quarantine: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE))

    @property
    def unreadable(self) -> bool:
        """True when there was something to read and none of it could be."""
        read = [report for report in self.files if report.status != "skipped"]
        return bool(self.stopped) or bool(read) and all(report.status == "refused" for report in read)

    @property
    def needs_person(self) -> bool:
        return bool(self.stopped) or bool(self.findings["needs_person"].any())


@dataclass(frozen=True)
class Delivery:
    """Rows for one table from one file."""

    table: Table
    mode: str
    rows: pl.DataFrame
    report: FileReport
    fill: tuple[str, ...] = ()


class Notes:
    """The findings, quarantined rows and file reports of one client's intake, as they gather."""

    def __init__(self, client: str, registry: Registry) -> None:
        self.client = client
        self.registry = registry
        self.report = IntakeReport(client)
        self.findings: list[dict[str, Any]] = []
        self.quarantined: list[pl.DataFrame] = []
        self.ends: dict[str, dict[str, dict[str, str]]] = {}

    def reaches(self, name: str, table: Table, rows: pl.DataFrame) -> None:
        """Keep the last day that an export holds of a table: the rhythm in which a system's files come."""
        if table.known_on in rows.columns and (last := rows[table.known_on].max()):
            self.ends.setdefault(name, {"ends": {}})["ends"][table.name] = str(last)

    def find(
        self,
        file: str,
        rule: str,
        cents: int | None,
        message: str,
        *,
        where: str = "",
        rows: int | None = 1,
        needs_person: bool = True,
    ) -> None:
        self.findings.append(
            {
                "file": file,
                "rule": rule,
                "where": where,
                "amount_cents": cents,
                "message": message,
                "needs_person": needs_person,
                "rows": rows,
            }
        )

    def reader_findings(self, name: str, findings: Any) -> None:
        for row in () if findings.empty else findings.itertuples():
            cents = None if pd.isna(row.amount_cents) else int(row.amount_cents)
            self.find(name, row.rule, cents, f"{name}: {row.message}", where=str(row.where))

    def refuse(self, name: str, error: SourceError, where: str = "") -> None:
        """One refused file; `where` is its folder when it lies elsewhere than with the client's raw files."""
        self.report.files.append(FileReport(name, "unreadable", status="refused"))
        short, message = name.rpartition("/")[2], str(error)
        said = message if short in message else f"{name}: {message}"
        self.find(name, "refused", None, said, where=where, rows=None)

    def refuse_foreign(self, name: str, npis: set[str]) -> None:
        own = set(self.registry.client(self.client).npis)
        foreign = {npi for npi in npis if npi not in own}
        if own and foreign:
            other = sorted(
                {self.registry.client_of_npi(npi) or "a provider that is not in the registry" for npi in foreign}
            )
            raise SourceError(
                f"{name} lies with the files of {self.client}, but {len(foreign)} of its billing NPIs belong to "
                f"{listed(other)}. Nothing of it was stored; move the file, or add the NPI to the client."
            )

    def check_payees(self, name: str, payments: Any) -> None:
        """Refuse an 835 all of which is surely another practice's; find one whose payee the registry does not know.

        `payments` holds payee_npi, payee_tax_id, payee and paid_cents of every payment of the file. Other practices'
        remittances beside our own, and those of payees under not_ours, are left out one by one (`X12Intake`).
        """
        columns = [payments[name].tolist() for name in ("payee_npi", "payee_tax_id", "payee")]
        named = [tuple(None if pd.isna(value) else value for value in row) for row in zip(*columns, strict=True)]
        verdicts = [self.registry.payee(self.client, npi=npi, tax_id=tax, name=payee) for npi, tax, payee in named]
        if not {FOREIGN, UNKNOWN} & set(verdicts):
            return
        paid = pd.DataFrame(named, columns=["payee_npi", "payee_tax_id", "payee"], dtype=object, index=payments.index)
        if verdicts and set(verdicts) == {FOREIGN} and not self._decided(paid).all():
            owners = {self.registry.client_of_npi(npi) for npi in paid["payee_npi"].dropna()}
            others = {owner for owner in owners if owner}
            whom = f"belong to {listed(sorted(others))}" if others else "are for another practice"
            who = {payee_words(payee, npi, tax_id) for npi, tax_id, payee in paid.itertuples(index=False)}
            raise SourceError(
                f"{name} lies with the files of {self.client}, but its {len(paid)} payment(s) {whom}: "
                f"{listed(sorted(who))}. Nothing of it was stored; move the file, or add the NPI or tax id to the "
                "client; if the file has to stay, name the payee under not_ours."
            )
        strange = [verdict == UNKNOWN for verdict in verdicts]
        if any(strange):
            rows = paid[strange]
            who = sorted({payee_words(payee, npi, tax_id) for npi, tax_id, payee in rows.itertuples(index=False)})
            self.find(
                name,
                "unknown_payee",
                int(payments["paid_cents"][strange].abs().sum()),
                f"{name}: {len(rows)} remittance(s) for {listed(who)}, which the registry does not know as "
                f"{self.client}. They are stored. If it is {self.client}, add npis, tax_ids or aliases under "
                f"[clients.{self.client}]; if not, name the payee there under not_ours, and read the client again: "
                "what is stored of it is then taken out.",
                rows=len(rows),
            )

    def _decided(self, paid: pd.DataFrame) -> pd.Series:
        """True for payments whose payee somebody has listed under not_ours."""
        return pd.Series(
            [
                self.registry.is_not_ours(self.client, npi=npi, tax_id=tax_id, name=payee)
                for npi, tax_id, payee in paid.itertuples(index=False)
            ],
            index=paid.index,
        )

    def unmapped_payers(self, name: str, rows: pl.DataFrame, money: str | None) -> None:
        strange = rows.filter(pl.col("payer").str.starts_with(UNMAPPED))
        if strange.height:
            cents = int(strange[money].sum()) if money else None
            count = strange["payer"].n_unique()
            self.find(
                name,
                "unmapped_payer",
                cents,
                f"{name}: {strange.height} row(s) of {count} payer(s) that the registry does not know. They are "
                "stored under "
                "their own names; add aliases or identifiers under [payers.*].",
                rows=strange.height,
            )

    def tell_again(self, deliveries: Sequence[Delivery], stored: pl.DataFrame) -> None:
        """Find deliveries nearly all of whose rows came before under other ids: of an export that numbers rows anew.

        `deliveries` are of one table; one that is added is compared with what is stored too.
        """
        if not deliveries:
            return
        table, at = deliveries[0].table, pl.col("at")
        key, names = list(table.key), [name for name in table.names if name not in table.key[1:]]
        known = [stored, *(delivery.rows for delivery in deliveries)]
        rows = pl.concat(frame.with_columns(at=pl.lit(place)) for place, frame in enumerate(known))
        added = [place for place, delivery in enumerate(deliveries, 1) if delivery.mode == "append"]
        come = pl.when(at > 0).then(at)
        first = {
            each: pl.when(at.is_in(added)).then(at.min().over(on)).otherwise(come.min().over(on))
            for each, on in (("key", key), ("says", names))
        }
        new = rows.with_columns(first["key"].alias("key"), first["says"].alias("says")).filter(
            at > 0, pl.col("key") == at
        )
        is_again = pl.col("says") < at
        counts = new.group_by("at").agg(
            pl.len(), is_again.sum().alias("again"), pl.col(table.money[0]).filter(is_again).abs().sum().alias("cents")
        )
        for place, of_new, again, cents in counts.sort("at").iter_rows():
            if again >= max(AGAIN_ROWS, AGAIN_SHARE * of_new):
                name = deliveries[place - 1].report.file
                self.find(
                    name,
                    "rows_again",
                    cents,
                    f"{name}: {again} of {of_new} row(s) of {table.name} are stored already in "
                    "every column but their id. If the export numbers its rows anew each time, they count twice: take "
                    "the file out and rebuild the client (rcm repair), and ask for ids that stay.",
                    rows=again,
                )

    def quarantine(
        self, name: str, table: str, rows: pl.DataFrame, *, is_told: bool = False, unit: str = "rows"
    ) -> None:
        """Keep the rows, and a finding for each rule unless the user was told already; X12 counts in segments."""
        if rows.is_empty():
            return
        rows = rows if "known_on" in rows.columns else rows.with_columns(known_on=pl.lit(None))
        self.quarantined.append(
            rows.with_columns(file=pl.lit(name), table=pl.lit(table)).select(
                pl.col(column).cast(kind) for column, kind in QUARANTINE.items()
            )
        )
        for (rule,), part in () if is_told else rows.group_by(["rule"], maintain_order=True):
            numbers = part["row"].drop_nulls()
            where = f"{unit} {listed(map(str, numbers), 3)}" if numbers.len() else ""
            self.find(
                name,
                str(rule),
                int(part["amount_cents"].sum()) if part["amount_cents"].count() else None,
                f"{name}{where and f', {where}'}: {part.height} row(s) of {table} set aside: {part['message'][0]}",
                where=where,
                rows=part.height,
                needs_person=rule not in HARMLESS_RULES,
            )

    def finish(self) -> IntakeReport:
        """The report, with everything noticed so far."""
        self.report.findings = pl.DataFrame(self.findings, schema=FINDING)
        self.report.quarantine = pl.concat([pl.DataFrame(schema=QUARANTINE), *self.quarantined])
        return self.report
