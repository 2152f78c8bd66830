"""A simulated workspace on disk: registry, column maps, raw files of every client, and the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from ...errors import ParameterError
from ...periods import Period
from ..company import Client, Company, day_number, grown_company, registry_toml, seed_company, stream, workspace_toml
from ..fees import Calendar
from ..laws import laws_of
from ..plants.draw import drawn, fixed, services_planted, standing
from ..plants.kinds import Plant, PlantLog
from ..practice import KEEPS, Practice, control_totals, exported
from ..practice_book import open_book
from ..services.exports import add_services
from ..submission import NEVER
from ..truth import told
from ..workable import workable
from .exports import map_text, write_exports
from .x12 import Words, write_835, write_837


def write_company(
    folder: Path,
    *,
    seed: int = 7,
    months: int = 20,
    last_month: str = "2026-10",
    clients: Sequence[str] | None = None,
    scale: float = 1.0,
    plants: bool = True,
    workers: int = 1,
) -> None:
    """Write the twelve clients of the overview, or the named ones, as a workspace of raw files.

    Counts
        `months` months that end with `last_month`. `scale` multiplies claims and collections.
        `plants` plants the fixed list of seed_company.toml; `workers` processes write clients side by side.
        The same arguments write the same bytes, whatever the number of workers.

    Raises
        ClientError for an unknown client, ParameterError for a month that is none.
    """
    company, calendar = seed_company(clients), Calendar.ending(last_month, months)
    jobs = [
        Job(
            client,
            company,
            calendar,
            seed,
            scale,
            fixed(client, calendar) if plants else (),
            services_planted(client) if plants else (),
        )
        for client in company.clients
    ]
    _write(Path(folder), jobs, workers)


def write_clients(
    folder: Path,
    *,
    clients: int,
    months: int,
    seed: int,
    last_month: str = "2026-10",
    scale: float = 1.0,
    plants: bool = True,
    workers: int = 1,
    world: str = "usual",
) -> None:
    """Write `clients` clients: the twelve of the overview first, then invented ones.

    `world` names the laws by which they live (`simulate.laws`). `plants` draws problems for every client from the
    seed and leaves about a third of the clients quiet; in the files of the other services about two thirds of those
    who have them are planted.
    """
    company = grown_company(clients, seed, laws_of(world))
    jobs = []
    for client in company.clients:
        calendar = Calendar.ending(last_month, _months_of(client, company, months, seed))
        problems = drawn(client, company, calendar, seed, scale) if plants else ()
        services = services_planted(client, seed) if plants else ()
        jobs.append(Job(client, company, calendar, seed, scale, problems, services))
    _write(Path(folder), jobs, workers)


def _months_of(client: Client, company: Company, months: int, seed: int) -> int:
    """Months that exist of a client: all, or four to six of a new one."""
    rng = stream(seed, client.id, "new client")
    return int(rng.integers(4, 7)) if rng.random() < company.laws.new_client_share else months


@dataclass(frozen=True)
class Job:
    """Everything that decides one client's files."""

    client: Client
    company: Company
    calendar: Calendar
    seed: int
    scale: float
    plants: tuple[Plant, ...] = ()
    service_plants: tuple[str, ...] = ()


def _write(folder: Path, jobs: Sequence[Job], workers: int) -> None:
    first = jobs[0]
    if first.scale <= 0 or workers < 1:
        raise ParameterError(f"scale should be above zero and workers at least 1, found {first.scale} and {workers}.")
    (folder / "maps").mkdir(parents=True, exist_ok=True)
    (folder / "truth").mkdir(exist_ok=True)
    _text(folder / "rcm.toml", workspace_toml())
    _text(folder / "clients.toml", registry_toml(first.company, first.calendar.months[-1]))
    for layout in ("layout_a", "layout_b"):
        _text(folder / "maps" / f"{layout}.toml", map_text(layout))
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            write_client(folder, job)
        return
    largest_first = sorted(jobs, key=lambda job: -job.client.revenue_cents)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(write_client, folder, job) for job in largest_first]):
            done.result()


def write_client(folder: Path, job: Job) -> None:
    """One client's raw files and truth; independent of every other client."""
    practice = live(job)
    add_services(folder, practice, plants=job.service_plants)
    write_files(folder, practice)


def write_files(folder: Path, practice: Practice) -> None:
    """The raw files and the truth of a life that was worked out."""
    book = practice.book
    raw = folder / "raw" / book.client.id
    words = Words(book)
    write_835(raw / "835", book, words, practice.remits)
    write_837(raw / "837", book, words, practice.submissions)
    write_exports(raw / "exports", exported(practice), book.company, book.client.layout, book.calendar.months)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    content = truth(practice) | {"plants": told(book, words.claim_id)}
    _text(folder / "truth" / f"{book.client.id}.json", json.dumps(content, indent=1) + "\n")
    days = workable(practice, KEEPS)
    named = [
        day | {part: [[words.claim_id[claim], *rest] for claim, *rest in day[part]] for part in ("items", "underpaid")}
        for day in days
    ]
    _text(
        folder / "truth" / f"{book.client.id}.worklist.json",
        json.dumps({"client": book.client.id, "workable": named}) + "\n",
    )


def live(job: Job, factor: float | None = None) -> Practice:
    """One client's life with its plants, at fees that meet its revenue without them.

    Plants do not move the fees: what they cost is missing from the revenue, as in life.
    """
    factor = fee_factor(job) if factor is None else factor
    return _practice(job, factor, standing(job.client, job.calendar) + job.plants)


def fee_factor(job: Job) -> float:
    """By how much every fee moves so that the client collects its revenue; found by simulating twice."""
    factor = 1.0
    always = standing(job.client, job.calendar)
    window = _steady_months(job.calendar)
    for _ in range(2):
        collected = _practice(job, factor, always).collected(
            day_number(window[0].first_day), day_number(window[-1].end)
        )
        factor *= job.client.revenue_cents * job.scale * len(window) / 12 / max(collected, 1)
    return factor


def _practice(job: Job, factor: float, plants: tuple[Plant, ...]) -> Practice:
    book = open_book(
        job.client,
        job.company,
        job.calendar,
        seed=job.seed,
        scale=job.scale,
        fee_factor=factor,
        plant_log=PlantLog(plants),
    )
    return Practice(book)


def _steady_months(calendar: Calendar) -> tuple[Period, ...]:
    """The last twelve months, or fewer where the first ones have not filled the pipeline yet."""
    return calendar.months[-max(1, min(12, len(calendar.months) - 4)) :]


def truth(practice: Practice) -> dict:
    """Sums that no analysis may read: months of the ledger, deposits, and counts."""
    remits, ledger = practice.remits, practice.ledger
    kinds = ledger.group_by(
        pl.col("posted").cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m").alias("month"), "kind"
    ).agg(pl.col("amount").sum())
    by_kind = {(month, kind): amount for month, kind, amount in kinds.iter_rows()}
    months = []
    for row in control_totals(practice).iter_rows(named=True):
        takebacks = by_kind.get((row["month"], "takeback"), 0)
        months.append(
            {
                "month": row["month"],
                "charges_cents": row["charges_cents"],
                "payments_cents": row["payments_cents"],
                "adjustments_cents": row["adjustments_cents"],
                "contractual_cents": -by_kind.get((row["month"], "contractual"), 0),
                "refunds_cents": row["refunds_cents"] - takebacks,
                "takebacks_cents": takebacks,
                "closing_cents": row["closing_cents"],
            }
        )
    denied = remits.lines.filter(pl.col("denied") > 0).join(
        remits.decisions.filter(pl.col("kind") == "first").select("decision", "claim"), on="decision"
    )
    book = practice.book
    return {
        "client": book.client.id,
        "months": months,
        "claims": int((book.claims["entered"] <= book.calendar.last).sum()),
        "transactions": len(ledger),
        "submissions": len(practice.submissions),
        "replaced": int((practice.sent.wrong_units != 0).sum()),
        "voided": int((practice.sent.voided < NEVER).sum()),
        "split": int((remits.decisions["part"] == "A").sum()),
        "misposted": int(practice.misposted.sum()),
        "remittances": len(remits.payments),
        "claim_payments": len(remits.decisions),
        "claims_denied_first": denied["claim"].n_unique(),
        "deposits_cents": int(remits.payments["paid"].sum()),
        "provider_adjustments_cents": int(remits.adjustments["amount"].sum()),
    }


def _text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")
