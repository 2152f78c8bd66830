"""Run folders: where a report lands, and how it gets there whole or not at all.

    runs/<client or "portfolio">/<YYYY-MM>/<template>/          a finished report
    runs/<client or "portfolio">/<YYYY-MM>/<template>.failed/   the last attempt, if it failed

A report is made in a hidden folder beside its place and renamed into it. What was there before is moved
aside first and comes back if the machine stops between the two renames. Only its owner can read it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ...errors import ParameterError, RunError
from ...periods import Period
from ...tables.disk import make_folder, only_owner

MANIFEST = "manifest.json"
PORTFOLIO, PACKET = "portfolio", "packet"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.(?P<what>making|old)-(?P<host>.+)-(?P<pid>\d+)")


def period_folder(runs: Path, client: str | None, period: str) -> Path:
    """The folder of one client's month; ids and months that could leave `runs` are refused.

    >>> period_folder(Path("runs"), "chicago-med", "2026-10").as_posix()
    'runs/chicago-med/2026-10'
    """
    if client is not None and (not _SLUG.fullmatch(client) or client == PORTFOLIO):
        raise ParameterError(
            f"A client id is made of small letters, digits and hyphens, such as chicago-med, and is not {PORTFOLIO!r}."
        )
    return Path(runs) / (client or PORTFOLIO) / Period.month(period).label


def run_folder(runs: Path, client: str | None, period: str, name: str) -> Path:
    """The folder of one report.

    >>> run_folder(Path("runs"), None, "2026-10", "portfolio_overview").as_posix()
    'runs/portfolio/2026-10/portfolio_overview'
    """
    if not _NAME.fullmatch(name) or name == PACKET:
        raise ParameterError("A template's file name is made of letters, digits, _ and -, and is not 'packet'.")
    return period_folder(runs, client, period) / name


def failed_folder(target: Path) -> Path:
    """Where the evidence of a failed attempt at `target` is kept."""
    return target.with_name(f"{target.name}.failed")


def signed_folders(runs: Path) -> list[Path]:
    """Every folder of ours in `runs`, finished or failed, in order of client, month and report."""
    return sorted(path.parent for path in Path(runs).glob(f"*/*/*/{MANIFEST}") if not path.parent.name.startswith("."))


def check_ours(target: Path) -> None:
    """Refuse a place that holds something we did not make."""
    recover(target)
    if target.is_symlink() or (target.exists() and not (target / MANIFEST).is_file()):
        raise RunError(
            f"{target} exists and has no {MANIFEST}, so it was not made by us and will not be overwritten. "
            "Move it away, or choose another runs folder."
        )


@contextmanager
def making(target: Path) -> Iterator[Path]:
    """An empty hidden folder beside `target`; what is still in it at the end is removed."""
    folder = _beside(target, "making")
    try:
        make_folder(target.parent)
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder)
        yield folder
    except OSError as error:
        why = f"{type(error).__name__}: {os.strerror(error.errno)}" if error.errno else type(error).__name__
        raise RunError(
            f"{target.parent} cannot be written ({why}). What was there before is unchanged."
            " Make room or give the right to write, or choose another runs folder."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(folder: Path, target: Path) -> None:
    """Move a finished folder to its place; an earlier one there is replaced as a whole."""
    check_ours(target)
    if not (folder / MANIFEST).is_file():
        raise RunError(f"{target.name} is not finished: it has no {MANIFEST}. Nothing was replaced.")
    old = _beside(target, "old")
    try:
        only_owner(folder)
        if target.exists():
            os.replace(target, old)
        os.replace(folder, target)
    except OSError as error:
        recover(target, mine=True)
        raise RunError(
            f"{target} cannot be written ({type(error).__name__}). What was there before is unchanged."
        ) from error
    shutil.rmtree(old, ignore_errors=True)


def remove(target: Path) -> None:
    """Remove a run folder of ours, if there is one."""
    if target.exists():
        check_ours(target)
        shutil.rmtree(target, ignore_errors=True)


def recover_all(runs: Path) -> None:
    """Undo what stopped processes left anywhere in `runs`."""
    for path in leftovers(runs):
        match = _LEFTOVER.fullmatch(path.name)
        recover(path.with_name(match["name"] if match else path.name))


def recover(target: Path, *, mine: bool = False) -> None:
    """Undo what a stopped process left beside `target`: its old folder comes back, half-made ones go."""
    for leftover in _leftovers(target, mine):
        match = _LEFTOVER.fullmatch(leftover.name)
        if match and match["what"] == "old" and not target.exists() and (leftover / MANIFEST).is_file():
            os.replace(leftover, target)
        elif match and not (mine and match["what"] == "making"):
            shutil.rmtree(leftover, ignore_errors=True)


def leftovers(runs: Path) -> list[Path]:
    """Every hidden folder in `runs` whose maker runs no more."""
    return [path for path in sorted(Path(runs).glob("*/*/.*-*")) if _is_left(path)]


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}.{what}-{_host()}-{os.getpid()}")


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname())[:40] or "host"


def _leftovers(target: Path, mine: bool) -> list[Path]:
    """Hidden folders of `target` whose maker runs no more (or, with `mine`, is this process)."""
    if not target.parent.is_dir():
        return []
    found = sorted(target.parent.glob(f".{target.name}.*-*"))
    return [path for path in found if _is_left(path, target.name, mine=mine)]


def _is_left(path: Path, name: str | None = None, *, mine: bool = False) -> bool:
    match = _LEFTOVER.fullmatch(path.name)
    if not match or match["host"] != _host() or match["name"] != (name or match["name"]):
        return False
    own = int(match["pid"]) == os.getpid()
    return mine if own else not psutil.pid_exists(int(match["pid"]))
