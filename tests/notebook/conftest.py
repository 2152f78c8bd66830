"""Two small simulated clients, opened for every test of the bench."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builders.bench_workspace import CLIENTS, bench_workspace, last_month
from rcm_analysis import open_report
from rcm_analysis.tables.workspace import Workspace, open_workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return bench_workspace(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def workspace(made: Workspace, tmp_path: Path) -> Workspace:
    """A copy, for tests that change it."""
    return open_workspace(shutil.copytree(made.folder, tmp_path / "workspace"))


@pytest.fixture(scope="session")
def month(made: Workspace) -> str:
    return last_month(made)


@pytest.fixture(scope="session")
def report(made: Workspace, month: str):
    return open_report(made.folder, CLIENTS[0], month)
