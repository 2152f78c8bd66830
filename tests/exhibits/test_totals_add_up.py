"""Every printed total is the sum of what is printed above it, in all reports of a client; page one's bar is whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

from builders.acorn import acorn_page
from rcm_analysis import simulate
from rcm_analysis.blocks.vocabulary import Block, Figure, Split, Table
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.notebook.opening import subject_of
from rcm_analysis.periods import Period
from rcm_analysis.sources.intake import ingest_client
from rcm_analysis.sources.raw_files import find_files
from rcm_analysis.tables.workspace import open_workspace

REPORTS = (
    "client_review",
    "ar_deep_dive",
    "ar_weekly_review",
    "self_pay_review",
    "self_pay_accounts",
    "patient_engagement_review",
)
ADDED = ("usd", "count")
STATEMENTS = {"reconciliation", "what_moved"}
"""Statements: from a first line by what comes and goes to a last; other tests hold their signs and their sums."""

NO_SUMS = {
    ("outlook_months", "low_cents"): "a band of all months is narrower than those of the months together",
    ("outlook_months", "high_cents"): "the same",
    ("work_by_person", "hour_cents"): "dollars an hour",
    ("emergency_visits", "emergency_per_1000"): "a rate",
}
HIDDEN = {"disputes", "no_shows_by_lead", "no_shows_by_type", "repeat_visits", "navigation", "complaints"}
"""Small numbers are hidden in these, so that the total is more than what is shown."""


def printed(blocks: list[Block]) -> Iterator[Table]:
    for block in blocks:
        table = block.table if isinstance(block, Figure) else block
        if isinstance(table, Table) and (table.print or isinstance(block, Figure)):
            yield table


def faults(table: Table) -> list[str]:
    """The totals of a table that are not the sum of the lines above them, since the total before or since the top."""
    out = []
    if table.name == "settled_services":
        for parts in ([row[1] for row in table.rows], [in_cents(row[1]) for row in table.shown]):
            if parts[0] != sum(parts[1:]):
                out.append(f"{table.name}: {sum(parts[1:])} is printed below {parts[0]}")
        return out
    for row in table.emphasis:
        for place, column in enumerate(table.columns):
            total = table.rows[row][place]
            if column.unit not in ADDED or total is None or (table.name, column.name) in NO_SUMS:
                continue
            lines = [line for line in range(row) if line not in table.emphasis]
            above = sum(table.rows[line][place] or 0 for line in lines)
            if above != total:
                out.append(f"{table.name}.{column.name}: {above} is printed above {total}")
            seen = sum(in_cents(table.shown[line][place]) for line in lines)
            if row == max(table.emphasis) and seen != in_cents(table.shown[row][place]):
                out.append(f"{table.name}.{column.name}: a reader adds up {seen} above {table.shown[row][place]}")
    return out


def in_cents(text: str) -> int:
    """What a reader takes a printed cell for: dollars, or cents where there are two digits behind a point."""
    digits = re.sub(r"[^\d.]", "", text) or "0"
    cents = int(digits.replace(".", "")) * (1 if "." in digits else 100)
    return -cents if text.startswith("(") else cents


def faults_of(pages: Iterable[list[Block]]) -> list[str]:
    out = []
    for blocks in pages:
        for table in printed(blocks):
            out += [] if table.name in STATEMENTS | HIDDEN else faults(table)
        for block in blocks:
            if isinstance(block, Split):
                out += bar_faults(block)
    return out


def bar_faults(bar: Split) -> list[str]:
    def dollars(text: str) -> int:
        size = int("".join(sign for sign in text if sign.isdigit()))
        return -size if text.startswith("(") else size

    whole = next(word for word in bar.title.split() if any(sign.isdigit() for sign in word))
    pieces = sum(dollars(piece.value) for piece in bar.pieces)
    return [] if pieces == dollars(whole) else [f"{bar.title}: its pieces are {pieces}"]


@pytest.mark.parametrize("report", REPORTS[:3])
def test_totals_of_the_invented_client_add_up(acorn, report):
    assert faults_of(acorn_page(report, name) for name in dir(pages_of(report, acorn))) == []


def test_a_total_that_is_not_the_sum_is_found():
    table = next(one for one in printed(acorn_page("client_review", "aging")) if one.emphasis)
    rows = [list(row) for row in table.rows]
    place = next(place for place, column in enumerate(table.columns) if column.unit == "usd")
    rows[table.emphasis[-1]][place] += 1
    assert len(faults(type(table)(**{**_fields(table), "rows": tuple(map(tuple, rows))}))) == 1


def _fields(table: Table) -> dict:
    return {name: getattr(table, name) for name in table.__dataclass_fields__}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, *(pytest.param(seed, marks=pytest.mark.long) for seed in (12, 13))])
def test_totals_of_simulated_clients_add_up(tmp_path, seed):
    simulate.write_clients(tmp_path, seed=seed, months=14, clients=2, scale=0.15, workers=1)
    workspace = open_workspace(tmp_path)
    workspace.pseudonym_key()
    found = []
    for client in workspace.clients():
        ingest_client(workspace, client, find_files(workspace, [], client=client)[client])
        view = workspace.client(client)
        month = Period.month(view.stored.posted_months()[-1])
        bought = view.settings(as_of=month.last_day).services
        for report in REPORTS:
            service = {"self": "self_pay", "pati": "patient_engagement"}.get(report[:4], "claims")
            if service in bought or service == "claims":
                pages = pages_of(report, subject_of(workspace, view, month, month.last_day))
                found += faults_of(getattr(pages, name)() for name in dir(pages))
    assert found == []
