"""What an installation has and lacks, for `rcm doctor`."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from ..errors import RcmError, listed
from ..press.runs.folders import leftovers, recover_all
from ..press.runs.templates import read_templates
from ..press.warm import client
from ..tables.disk import PARTIAL, left_over
from ..tables.workspace import open_workspace
from . import unwatched


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
    yield _warm_start()
    yield _templates()
    yield _java()
    yield from _workspace(folder)
    yield _left_behind(folder)
    for name, state, good, advice in unwatched.examine(folder):
        yield Item(name, state, good, needed=name != "Last batch", advice=advice)


def left_behind(folder: Path) -> list[Path]:
    """What killed processes left: half-made reports, half-written files, temporary folders."""
    found = left_over(Path(tempfile.gettempdir()), "rcm-*")
    try:
        workspace = open_workspace(folder)
    except RcmError:
        return found
    found += left_over(workspace.folder, f"*{PARTIAL}") + left_over(workspace.runs, f"_batches/*/*{PARTIAL}")
    return found + leftovers(workspace.runs) + workspace.store.half_written()


def clean(folder: Path) -> int:
    """Remove what was left behind; a report that was moved aside and not replaced comes back. How much it was."""
    found = left_behind(folder)
    with contextlib.suppress(RcmError):
        recover_all(open_workspace(folder).runs)
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def _left_behind(folder: Path) -> Item:
    found = len(left_behind(folder))
    state = f"{found} file(s) and folder(s) of processes that were killed" if found else "nothing"
    return Item("Left behind", state, not found, needed=False, advice="rcm doctor --clean" if found else "")


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


def _warm_start() -> Item:
    """Whether reports are forked from a process that has imported everything, or each import it anew."""
    if client.possible():
        return Item("Start of reports", "forked, imports done once", True)
    return Item("Start of reports", "a kernel each, slower by the imports", True, advice="forked on Linux, ipykernel 7")


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
