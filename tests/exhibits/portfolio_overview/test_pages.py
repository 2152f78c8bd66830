"""The portfolio overview: the seed's twelve clients as the department prints them, and a small book with data."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import polars as pl
import pytest

from builders.page_checks import assert_prints
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.subject import Book
from rcm_analysis.periods import Period
from rcm_analysis.tables.derived import Shelf
from rcm_analysis.tables.frames import OnDemand
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import Tables

SEED = [
    # client, providers, revenue, estimate, commission, cadence, e-mails, manager, printed row
    ("Chicago Med", 5, 82799000, False, 0.055, "monthly", 4, "Jane Smith", ("$827,990", "$165,598", "5.5%", "A")),
    ("20/20 Vision", 2, 6416600, False, 0.055, "monthly", 4, "Jane Smith", ("$64,166", "$32,083", "5.5%", "C")),
    ("Ortho Group", 20, 262026200, False, 0.0575, "weekly", 4, "Jane Smith", ("$2,620,262", "$131,013", "5.75%", "B")),
    ("Dr. Quinn", 5, 30110800, False, 0.0575, "monthly", 4, "Jane Smith", ("$301,108", "$60,222", "5.75%", "C")),
    ("St. Elsewhere", 5, 15305900, False, 0.09, "monthly", 4, "Jane Smith", ("$153,059", "$30,612", "9.0%", "C")),
    ("Cali Care", 4, 50000000, True, 0.05, "weekly", 4, "John Doe", ("$500,000*", "$125,000*", "5.0%", "B")),
    ("Grey’s Anatomy", 1, 13543400, False, 0.06, "monthly", 4, "John Doe", ("$135,434", "$135,434", "6.0%", "A")),
    ("Dr. Suess", 1, 15032200, False, 0.0713, "monthly", 4, "John Doe", ("$150,322", "$150,322", "7.13%", "A")),
    ("Dr. Doogie Howser", 2, 6405800, False, 0.065, "monthly", 12, "John Doe", ("$64,058", "$32,029", "6.5%", "D")),
    ("TX DOCS", 28, 367483400, False, 0.035, "weekly", 4, "Joe Schmo", ("$3,674,834", "$131,244", "3.5%", "B")),
    ("Dr. Foot Loose", 1, 8293300, False, 0.041, "weekly", 4, "Joe Schmo", ("$82,933", "$82,933", "4.1%", "D")),
    ("ABC OBGYN", 3, 20969100, False, 0.035, "weekly", 4, "Joe Schmo", ("$209,691", "$69,897", "3.5%", "D")),
]


def registry() -> pd.DataFrame:
    rows = [
        {
            "client": name,
            "name": name,
            "providers": providers,
            "revenue_cents": cents,
            "is_estimate": estimate,
            "commission_rate": rate,
            "meeting_cadence": cadence,
            "emails_per_week": emails,
            "hours_per_week": 2.0,
            "high_complexity": None,
            "assigned_to": manager,
            "assigned_level": "manager",
        }
        for name, providers, cents, estimate, rate, cadence, emails, manager, _ in SEED
    ]
    return pd.DataFrame(rows)


def book_of(clients: pd.DataFrame, tables=None, before: pd.DataFrame | None = None) -> Book:
    period = Period.month("2026-10")
    tables = tables or {name: table.empty().lazy() for name, table in TABLES.items()}
    return Book(
        firm="Lantern",
        period=period,
        as_of=period.last_day,
        manager="",
        clients=clients,
        clients_before=clients if before is None else before,
        meeting_days={"Chicago Med": "second tuesday", "Cali Care": "monday"},
        tables=tables,
        rows={name: {"claims": 1} for name in clients["client"]},
        fingerprints={name: {"transactions": "0" * 64} for name in clients["client"]},
        findings=dict.fromkeys(clients["client"], 0),
        versions={"rcm_analysis": "0.1.0"},
        template="portfolio_overview",
    )


@pytest.fixture(scope="module")
def seed_table() -> dict:
    return pages_of("portfolio_overview", book_of(registry())).clients()[0].payload


@pytest.mark.parametrize("row", range(12), ids=[client[0] for client in SEED])
def test_each_client_is_printed_as_in_the_seed(seed_table, row):
    printed = dict(zip([column["name"] for column in seed_table["columns"]], seed_table["text"][row], strict=True))
    name, providers, *_, cadence, _, manager, (revenue, per_provider, rate, rating) = SEED[row]
    assert printed == {
        "name": name,
        "providers": str(providers),
        "revenue_cents": revenue,
        "revenue_per_provider_cents": per_provider,
        "commission_rate": rate,
        "contact": "High" if rating in "BD" else "Low",
        "rating": rating,
        "cadence": cadence.capitalize(),
        "assigned_to": manager,
    }


def test_the_estimate_keeps_its_asterisk_and_its_note(seed_table):
    assert "*Estimate based on provider specialty." in seed_table["notes"]
    marked = [row for row in seed_table["text"] if "*" in " ".join(row)]
    assert [row[0] for row in marked] == ["Cali Care"]


def test_without_an_estimate_there_is_no_note():
    table = pages_of("portfolio_overview", book_of(registry().assign(is_estimate=False))).clients()[0].payload
    assert not any("Estimate" in line for line in table["notes"])


PAGES = (
    "answers",
    "clients",
    "matrix",
    "movements",
    "league",
    "workload",
    "fees",
    "calendar",
    "definitions",
    "provenance",
)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_even_when_nothing_was_posted(name):
    assert_prints(getattr(pages_of("portfolio_overview", book_of(registry())), name)())


@pytest.mark.parametrize("name", PAGES)
def test_every_page_with_data(acorn, name):
    tables = {table: frame.with_columns(client=pl.lit("Chicago Med")) for table, frame in acorn.tables.items()}
    assert_prints(getattr(pages_of("portfolio_overview", book_of(registry(), tables)), name)())


def test_once_each_client_has_its_summary_no_page_reads_a_ledger_again(acorn, tmp_path):
    known = {table: frame.with_columns(client=pl.lit("Chicago Med")) for table, frame in acorn.tables.items()}
    few = ("meetings", "client_contacts", "payers")

    def refused(name):
        assert name in few, f"the table {name} was read again"
        return known[name]

    made = []
    for frames in (known, OnDemand(TABLES, refused)):
        one = Tables(frames, acorn.as_of, Shelf(tmp_path, "state"))
        book = replace(book_of(registry(), Tables(frames, acorn.as_of, apart={"Chicago Med": one})), service_levels={})
        pages = pages_of("portfolio_overview", book)
        made.append([block.payload for name in (*PAGES, "service", "benchmark") for block in getattr(pages, name)()])
    assert made[0] == made[1]


def test_fees_are_the_rate_of_what_was_collected(acorn):
    tables = {table: frame.with_columns(client=pl.lit("Chicago Med")) for table, frame in acorn.tables.items()}
    table = pages_of("portfolio_overview", book_of(registry(), tables)).fees()[0].payload
    first = dict(zip([column["name"] for column in table["columns"]], table["rows"][0], strict=True))
    assert (first["name"], first["cash_cents"], first["fee_cents"]) == ("Chicago Med", 100500, 5528)
    assert table["rows"][-1][1] == sum(row[1] for row in table["rows"][:-1])


def test_what_moved_is_named_in_words():
    before = registry()
    before.loc[0, "meeting_cadence"] = "weekly"
    table = pages_of("portfolio_overview", book_of(registry(), before=before)).movements()[0].payload
    assert table["text"] == [["Chicago Med", "rating changed", "rating, meeting cadence", "B", "A"]]


def test_meetings_of_next_month_and_days_nobody_knows():
    table = pages_of("portfolio_overview", book_of(registry())).calendar()[0].payload
    assert ["Nov 10, 2026", "Tuesday", "Chicago Med", "Monthly", "Jane Smith"] in table["text"]
    assert sum(row[2] == "Cali Care" for row in table["text"]) == 5
    assert "Dr. Quinn" in table["notes"][0]
