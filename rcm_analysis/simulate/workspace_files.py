"""A simulated workspace on disk: registry, column maps, raw files of every client, and the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ..errors import ParameterError
from ..periods import Period
from .book import Calendar, open_book
from .company import (
    Client,
    Company,
    day_number,
    grown_company,
    registry_toml,
    seed_company,
    workspace_toml,
)
from .practice import Practice, control_totals, exported
from .write_exports import map_text, write_exports
from .write_x12 import Words, write_835, write_837


def write_company(folder: Path, *, seed: int = 7, months: int = 20, last_month: str = "2026-10",
                  clients: Sequence[str] | None = None, scale: float = 1.0) -> None:
    """Write the twelve clients of the overview, or the named ones, as a workspace of raw files.

    Counts
        `months` months that end with `last_month`. `scale` multiplies claims and collections.
        The same arguments write the same bytes.

    Raises
        ClientError for an unknown client, ParameterError for a month that is none.
    """
    _write(Path(folder), seed_company(clients), Calendar.ending(last_month, months), seed, scale)


def write_clients(folder: Path, *, clients: int, months: int, seed: int, last_month: str = "2026-10", scale: float = 1.0) -> None:
    """Write `clients` clients: the twelve of the overview first, then invented ones."""
    _write(Path(folder), grown_company(clients, seed), Calendar.ending(last_month, months), seed, scale)


def _write(folder: Path, company: Company, calendar: Calendar, seed: int, scale: float) -> None:
    if scale <= 0:
        raise ParameterError(f"scale should be above zero, found {scale}.")
    (folder / "maps").mkdir(parents=True, exist_ok=True)
    (folder / "truth").mkdir(exist_ok=True)
    _text(folder / "rcm.toml", workspace_toml())
    _text(folder / "clients.toml", registry_toml(company, calendar.months[-1]))
    for layout in ("layout_a", "layout_b"):
        _text(folder / "maps" / f"{layout}.toml", map_text(layout))
    for client in company.clients:
        write_client(folder, client, company, calendar, seed, scale)


def write_client(folder: Path, client: Client, company: Company, calendar: Calendar, seed: int, scale: float) -> None:
    """One client's raw files and truth; independent of every other client."""
    practice = live(client, company, calendar, seed, scale)
    raw = folder / "raw" / client.id
    words = Words(practice.book)
    write_835(raw / "835", practice.book, words, practice.remits)
    write_837(raw / "837", practice.book, words, practice.submissions)
    write_exports(raw / "exports", exported(practice), company, client.layout, calendar.months)
    _text(folder / "truth" / f"{client.id}.json", json.dumps(truth(practice), indent=1) + "\n")


def live(client: Client, company: Company, calendar: Calendar, seed: int, scale: float) -> Practice:
    """Simulate twice: once to see what the client collects, then with fees that meet its revenue."""
    factor = 1.0
    window = _steady_months(calendar)
    for _ in range(2):
        practice = Practice(open_book(client, company, calendar, seed=seed, scale=scale, fee_factor=factor), seed)
        collected = practice.collected(day_number(window[0].first_day), day_number(window[-1].end))
        aim = client.revenue_cents * scale * len(window) / 12
        factor *= aim / max(collected, 1)
    return Practice(open_book(client, company, calendar, seed=seed, scale=scale, fee_factor=factor), seed)


def _steady_months(calendar: Calendar) -> tuple[Period, ...]:
    """The last twelve months, or fewer where the first ones have not filled the pipeline yet."""
    return calendar.months[-max(1, min(12, len(calendar.months) - 4)):]


def truth(practice: Practice) -> dict:
    """Sums that no analysis may read: months of the ledger, deposits, and counts."""
    remits, ledger = practice.remits, practice.ledger
    kinds = ledger.group_by(pl.col("posted").cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m").alias("month"), "kind").agg(pl.col("amount").sum())
    by_kind = {(month, kind): amount for month, kind, amount in kinds.iter_rows()}
    months = []
    for row in control_totals(practice).iter_rows(named=True):
        takebacks = by_kind.get((row["month"], "takeback"), 0)
        months.append({
            "month": row["month"], "charges_cents": row["charges_cents"], "payments_cents": row["payments_cents"],
            "adjustments_cents": row["adjustments_cents"], "refunds_cents": row["refunds_cents"] - takebacks,
            "takebacks_cents": takebacks, "closing_cents": row["closing_cents"],
        })
    denied = remits.lines.filter(pl.col("denied") > 0).join(
        remits.decisions.filter(pl.col("kind") == "first").select("decision", "claim"), on="decision")
    book = practice.book
    return {
        "client": book.client.id, "months": months,
        "claims": int((book.claims["entered"] <= book.calendar.last).sum()), "transactions": len(ledger),
        "submissions": len(practice.submissions), "remittances": len(remits.payments), "claim_payments": len(remits.decisions),
        "claims_denied_first": denied["claim"].n_unique(), "deposits_cents": int(remits.payments["paid"].sum()),
        "provider_adjustments_cents": int(remits.adjustments["amount"].sum()),
    }


def _text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")
