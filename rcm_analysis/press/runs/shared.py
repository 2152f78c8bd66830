"""Store and runs that all machines share on an object store: fetched before a job, put back after it.

A run folder lies there under the names that it has on a disk. Putting one removes the old manifest, puts the files, and
puts the new manifest last: a reader finds the old report whole, none, or the new one whole, and what a stopped machine
left half is none. Fetching compares manifests, copies what differs, and holds it against the manifest.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import RunError
from ...tables.derived import FOLDER
from ...tables.disk import make_folder, write_text
from ...tables.remote import Remote
from . import folders, manifest
from .folders import MANIFEST
from .packet import PacketRequest
from .run import RunRequest

TRIES = 3
"""How often a folder is fetched again that was replaced under our hands."""


@dataclass(frozen=True)
class Shared:
    """What of a workspace is on an object store; nothing, where store and runs are folders."""

    store: Remote | None = None
    runs: Remote | None = None

    def __bool__(self) -> bool:
        return bool(self.store or self.runs)

    @classmethod
    def of(cls, remotes: Mapping[str, Remote]) -> Shared:
        return cls(remotes.get("store"), remotes.get("runs"))

    @contextmanager
    def around(self, job: RunRequest | PacketRequest) -> Iterator[None]:
        """Fetch what a job reads and replaces; put back what came of it."""
        if not self:
            yield
            return
        self.fetch([job])
        self._fetch_derived(job)
        before = {target: _mark(target) for target in _targets(job)}
        yield
        if self.runs:
            for target, mark in before.items():
                if _mark(target) != mark:
                    self._put(target)
        self._put_derived(job)

    def fetch(self, jobs: Iterable[RunRequest | PacketRequest]) -> None:
        """The present run folders of these jobs, and those that their packets are bound of."""
        if self.runs:
            wanted = [target for job in jobs for target in (*_targets(job), *_bound_of(job))]
            self._fetch(dict.fromkeys(place.relative_to(self.runs.folder).as_posix() for place in wanted))

    def fetch_all(self, *, afresh: bool = False) -> None:
        """The manifests of all run folders, and the logs of all batches; `afresh` all files, whatever is here."""
        if not self.runs:
            return
        names = self.runs.names()
        signed = [name.removesuffix(f"/{MANIFEST}") for name in names if name.endswith(f"/{MANIFEST}")]
        here = [folder.relative_to(self.runs.folder).as_posix() for folder in folders.signed_folders(self.runs.folder)]
        self.runs.fetch(name for name in names if name.startswith("_") and name.endswith(".jsonl"))
        if afresh:
            for place in here:
                folders.remove(self.runs.folder / place)
            self._fetch(signed)
            return
        for gone in set(here) - set(signed):
            folders.remove(self.runs.folder / gone)
        for place, data in self.runs.read_many(f"{place}/{MANIFEST}" for place in signed).items():
            target = self.runs.folder / place
            if data and (not target.is_file() or target.read_bytes() != data):
                shutil.rmtree(target.parent, ignore_errors=True)
                make_folder(target.parent)
                write_text(target, data.decode())

    def put_files(self, paths: Iterable[Path]) -> None:
        """Files beside the run folders: logs, summaries, the index."""
        if self.runs:
            folder = self.runs.folder
            self.runs.put(path.relative_to(folder).as_posix() for path in paths if path.is_file())

    def _fetch(self, places: Iterable[str]) -> None:
        assert self.runs
        waiting = list(places)
        for attempt in range(1, 1 + TRIES):
            found = self.runs.read_many(f"{place}/{MANIFEST}" for place in waiting)
            waiting = [
                place for place in waiting if not self._copied(place, found[f"{place}/{MANIFEST}"], attempt == TRIES)
            ]

    def _copied(self, place: str, signed: bytes | None, last: bool) -> bool:
        """Whether the folder is here as it is there; on the `last` try also what was changed by hand."""
        assert self.runs
        target = self.runs.folder / place
        if signed is None:
            folders.remove(target)
            return True
        named = _outputs(signed)
        same = _mark(target) == signed
        if same and all((target / name).is_file() and (target / name).stat().st_size == size for name, size in named):
            return True
        with folders.making(target) as folder:
            self.runs.below(place).fetch([name for name, _ in named], into=folder)
            write_text(folder / MANIFEST, signed.decode())
            if not last and any("missing" in problem or "changed" in problem for problem in manifest.verify(folder)):
                return False
            folders.place(folder, target)
        return True

    def _put(self, target: Path) -> None:
        """The folder as it is here in the place of what is there; nothing, where it is gone here."""
        assert self.runs
        there = self.runs.below(target.relative_to(self.runs.folder).as_posix())
        before = set(there.names())
        there.remove([MANIFEST] if MANIFEST in before else [])
        files = [one["name"] for one in manifest.outputs(target)] if target.exists() else []
        there.put(files)
        there.remove(sorted(before - {*files, MANIFEST}))
        if files or target.exists():
            there.put([MANIFEST])

    def _fetch_derived(self, job: RunRequest | PacketRequest) -> None:
        """What was derived from the tables elsewhere: of every client for a report on all of them."""
        for place in self._shelves(job):
            names = [name for name in place.names() if not (place.folder / name).exists()]
            place.fetch(names if job.client else [name for name in names if name.startswith("answers-")])

    def _put_derived(self, job: RunRequest | PacketRequest) -> None:
        for place in self._shelves(job):
            there = place.names()
            here = {path.name: path.stat().st_size for path in place.folder.glob("*.arrow")}
            place.put(name for name, size in here.items() if there.get(name, {}).get("size") != size)

    def _shelves(self, job: RunRequest | PacketRequest) -> list[Remote]:
        if not self.store or isinstance(job, PacketRequest):
            return []
        clients = [job.client] if job.client else self.store.folders()
        return [self.store.below(f"{client}/{FOLDER}") for client in clients]


def _targets(job: RunRequest | PacketRequest) -> list[Path]:
    return [job.folder, folders.failed_folder(job.folder)]


def _bound_of(job: RunRequest | PacketRequest) -> list[Path]:
    """The run folders that a packet is made from."""
    if isinstance(job, RunRequest):
        return []
    made = [folders.run_folder(Path(job.runs), job.client, job.period, name) for name in job.reports]
    return [*made, *map(folders.failed_folder, made)]


def _mark(target: Path) -> bytes:
    with suppress(OSError):
        return (target / MANIFEST).read_bytes()
    return b""


def _outputs(signed: bytes) -> list[tuple[str, int]]:
    """Name and size of every file that a manifest names.

    Raises
        RunError for a manifest that names files elsewhere.
    """
    try:
        outputs: list[dict[str, Any]] = json.loads(signed).get("outputs", [])
        found = [(str(one["name"]), int(one["bytes"])) for one in outputs]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    if any(os.path.isabs(name) or ".." in Path(name).parts for name, _ in found):
        raise RunError(f"A {MANIFEST} on the object store names files outside its folder. Nothing of it was used.")
    return found
