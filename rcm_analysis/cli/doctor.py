"""What an installation has and lacks, for `rcm doctor`."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from ..errors import RcmError, listed
from ..press.runs.templates import read_templates
from ..tables.workspace import open_workspace


@dataclass(frozen=True)
class Item:
    """One thing looked at: its state, whether that is good, and what to do if not."""

    name: str
    state: str
    good: bool
    needed: bool = True
    advice: str = ""


def examine(folder: Path) -> Iterator[Item]:
    """Python, the packages, fonts, templates, optional tools, and the workspace."""
    yield Item(
        "Python",
        sys.version.split()[0],
        sys.version_info >= (3, 11),
        advice="" if sys.version_info >= (3, 11) else "install Python 3.11 or later",
    )
    yield from _packages()
    yield _kernel()
    yield _templates()
    yield _java()
    yield from _workspace(folder)


def _packages() -> Iterator[Item]:
    """Every run-time requirement of ours, against what is installed."""
    missing, wrong, count = [], [], 0
    for text in importlib.metadata.requires("rcm_analysis") or ():
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(requirement.name)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} (needs {requirement.specifier})")
    good = not missing and not wrong
    state = (
        f"{count} packages in range"
        if good
        else "; ".join(
            text
            for text in (
                f"missing {listed(missing)}" if missing else "",
                f"out of range: {listed(wrong)}" if wrong else "",
            )
            if text
        )
    )
    yield Item("Python packages", state, good, advice="" if good else "pip install -e . in the checkout")


def _kernel() -> Item:
    """Reports run in a kernel of this interpreter, which needs a writable temporary folder."""
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
    except OSError as error:
        return Item("Temporary folder", str(error.strerror), False, advice="set TMPDIR to a folder that can be written")
    return Item("Temporary folder", tempfile.gettempdir(), True)


def _templates() -> Item:
    try:
        names = [template.name for template in read_templates()]
    except RcmError as error:
        return Item("Templates", str(error), False, advice="reinstall, or set templates under [paths] in rcm.toml")
    return Item("Templates", listed(names), bool(names), advice="" if names else "reinstall")


def _java() -> Item:
    java = shutil.which("java")
    return Item(
        "Java for Spark",
        java or "none",
        bool(java),
        needed=False,
        advice="" if java else "only for measures on Spark frames: install Java 17",
    )


def _workspace(folder: Path) -> Iterator[Item]:
    try:
        workspace = open_workspace(folder)
        clients = workspace.clients()
    except RcmError as error:
        yield Item("Workspace", str(error), False, needed=False, advice="rcm demo DIR makes one to look at")
        return
    yield Item("Workspace", f"{workspace.folder}: {len(clients)} clients in the registry", True)
    stored = workspace.store.clients()
    empty = [client for client in clients if client not in stored]
    yield Item(
        "Store",
        f"{len(stored)} clients stored",
        not empty,
        needed=False,
        advice=f"rcm ingest for {listed(empty)}" if empty else "",
    )
    strange = [client for client in stored if client not in clients]
    if strange:
        yield Item(
            "Store",
            f"{listed(strange)}: stored, but not in the registry",
            False,
            advice="add them to clients.toml or delete their folders",
        )
