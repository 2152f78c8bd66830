"""What a batch needs that a scheduler starts: a place to write, room, fonts, encoding, time zone, a good last run."""

from __future__ import annotations

import datetime as dt
import locale
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import RcmError
from ..press.night.journal import history
from ..press.writers.glyphs import typst_fonts
from ..tables.remote import Remote
from ..tables.workspace import open_workspace

LEAST_FREE_GB = 2.0
Line = tuple[str, str, bool, str]
"""What was looked at, its state, whether that is good, and what to do if not."""


def examine(folder: Path) -> Iterator[Line]:
    """The lines of `rcm doctor` about a scheduler."""
    yield _fonts()
    yield _encoding()
    yield _time_zone()
    try:
        workspace = open_workspace(folder)
    except RcmError:
        return
    runs = workspace.runs
    for name, remote in workspace.remotes.items():
        yield _reached(name, remote)
    yield _writable(runs)
    yield _room(runs)
    yield _last_batch(runs)


def _fonts() -> Line:
    try:
        families = typst_fonts().families()
    except RcmError as error:
        return "Fonts of the PDF", str(error), False, "reinstall"
    return "Fonts of the PDF", f"{len(families)} families, none of the machine's", True, ""


def _encoding() -> Line:
    encoding = locale.getpreferredencoding(False)
    good = encoding.lower().replace("-", "") == "utf8"
    return ("Text encoding", encoding, good, "" if good else "set LANG=C.UTF-8 or PYTHONUTF8=1 where it is scheduled")


def _time_zone() -> Line:
    now = dt.datetime.now().astimezone()
    return "Time zone", f"{now.tzname()} (UTC{now:%z}); today is {now:%Y-%m-%d}, which chooses the month", True, ""


def _writable(runs: Path) -> Line:
    there = next(place for place in (runs, *runs.parents) if place.exists())
    good = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    advice = "" if good else f"give this user the right to write {runs}, or set runs under [paths] in rcm.toml"
    return "Runs folder", f"{'can' if good else 'cannot'} be written by this user", good, advice


def _reached(name: str, remote: Remote) -> Line:
    what = f"{name.capitalize()} on {remote.url}"
    try:
        remote.read("index.html")
    except RcmError as error:
        return what, "cannot be reached", False, str(error)
    return what, "can be reached", True, ""


def _room(runs: Path) -> Line:
    there = next(place for place in (runs, *runs.parents) if place.exists())
    free = shutil.disk_usage(there).free / 1e9
    good = free >= LEAST_FREE_GB
    return "Free disk", f"{free:,.1f} GB", good, "" if good else f"make room: less than {LEAST_FREE_GB:.0f} GB is left"


def _last_batch(runs: Path) -> Line:
    nights = history(runs)
    if not nights:
        return "Last batch", "none yet", True, ""
    last = nights[-1]
    state = f"{last.period}, began {last.began[:16].replace('T', ' ')} UTC: {last.end}"
    good = last.exit_code == 0 or last.under_way
    return "Last batch", state, good, "" if good else f"rcm packets --period {last.period} makes what is missing"
