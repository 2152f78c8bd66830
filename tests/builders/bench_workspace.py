"""A workspace of two small simulated clients for the tests of the bench: made once, copied by whoever changes it."""

from __future__ import annotations

from pathlib import Path

from rcm_analysis import simulate
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import Workspace, open_workspace

CLIENTS = ("tx-docs", "abc-obgyn")
MONTHS = 18


def bench_workspace(folder: Path) -> Workspace:
    """The workspace, with both clients taken in."""
    simulate.write_company(folder, clients=list(CLIENTS), months=MONTHS, scale=0.12)
    workspace = open_workspace(folder)
    for client in CLIENTS:
        ingest_client(workspace, client, find_files(workspace, client=client)[client])
    return open_workspace(folder)


def last_month(workspace: Workspace) -> str:
    """The latest month with postings."""
    return max(workspace.store.open(CLIENTS[0]).posted_months())
