"""An intake that stores nothing: what a map reads of a file, what it sets aside, and the sums of what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..bank.statements import BANK_STATEMENT, banked
from ..exports.column_maps import ColumnMap
from ..exports.reader import Export, read_export, recognise
from ..exports.remittance_rows import REMITTANCE_ROWS
from ..exports.visits import VISITS, posted
from ..x12.answers import read_answers

KIND_TITLES = {
    "charge": "charges",
    "payment": "payments",
    "contractual": "contractual adjustments",
    "write_off": "write-offs",
    "refund": "refunds",
    "takeback": "takebacks",
    "transfer": "transfers",
    "opening": "openings",
}


@dataclass(frozen=True)
class Trial:
    """What one section of a map makes of one file: rows, sums in cents by name, and what is to be said of it."""

    file: str
    section: str
    rows_in: int
    rows_stored: int
    set_aside: tuple[tuple[str, int, int | None], ...]
    sums: dict[str, int]
    remarks: tuple[str, ...]


def tried(path: Path, maps: Sequence[ColumnMap], others: Sequence[Path] = ()) -> list[Trial]:
    """The file read through the maps, nothing of it stored; `others` are the files of its delivery.

    Raises
        SourceError where the file fits no section, or is refused as a whole.
    """
    out = []
    for part in recognise(path, maps, others):
        export = read_export(path, part, client="trial")
        rules = export.quarantine.group_by("rule", maintain_order=True).agg(pl.len(), pl.col("amount_cents").sum())
        sums, remarks = _sums(export, part.section)
        told = (*(f"{count:,} {message}" for _, count, _, message in export.remarks), *remarks)
        out.append(
            Trial(
                path.name, part.section.title, export.rows_in, export.rows.height, tuple(rules.iter_rows()), sums, told
            )
        )
    return out


def _sums(export: Export, section) -> tuple[dict[str, int], tuple[str, ...]]:
    rows = export.rows
    if export.table is REMITTANCE_ROWS:
        answers = read_answers(rows, section.one_row_per or "")
        sums = {
            "checks": int(answers.payments["paid_cents"].sum()),
            "charges": int(answers.claims["charge_cents"].sum()),
            "payments": int(answers.claims["paid_cents"].sum()),
            "adjustments": int(answers.adjustments["amount_cents"].sum()),
        }
        return sums, tuple(dict.fromkeys(answers.findings["message"].tolist()))
    if export.table is BANK_STATEMENT:
        found = banked(rows, "trial")
        sums = {"deposits": int(found.rows["amount_cents"].sum())}
        return sums, tuple(f"{count:,} {message}" for _, count, _, message in found.remarks)
    if export.table is VISITS:
        found = posted(rows, "trial")
        sums = _by_kind(found.transactions)
        remarks = tuple(f"{count:,} {message}" for _, count, _, message in found.remarks)
        return sums | {"balance": int(found.transactions["amount_cents"].sum())}, remarks
    if export.table.name == "transactions":
        return _by_kind(rows) | {"balance": int(rows["amount_cents"].sum())}, ()
    return {name.removesuffix("_cents").replace("_", " "): int(rows[name].sum()) for name in export.table.money}, ()


def _by_kind(postings: pl.DataFrame) -> dict[str, int]:
    """Sums of the kinds that are there, as magnitudes; patients' payments apart."""
    who = pl.when(pl.col("kind") == "payment", pl.col("party") == "patient").then(pl.lit("patient payments"))
    name = who.otherwise(pl.col("kind").replace(KIND_TITLES))
    rows = postings.group_by(name=name, kind="kind", maintain_order=True).agg(pl.col("amount_cents").sum())
    lowers = ("payment", "contractual", "write_off")
    return {name: -cents if kind in lowers else cents for name, kind, cents in rows.iter_rows() if name != "transfers"}
