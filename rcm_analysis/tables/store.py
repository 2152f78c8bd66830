"""The store: Parquet, one folder per client, changed by one rename.

    store/<client>/manifest.json             what is current: every file with rows and SHA-256
    store/<client>/<table>/<month>-<hash>.parquet
    store/<client>/derived/                  what was worked out from them, for whoever asks next (`derived`)
    store/<client>.told.json                 what was told between reports, so that nothing is told twice

A Parquet file is never changed once written. A change writes new files beside the old ones and then
replaces `manifest.json`; until that rename the old store is whole, after it the new one is. A file that
the manifest names no more stays for a day, so that a reader that started before the change can finish.

A `ClientStore` is what one manifest says: tables, fingerprints and findings of one are of one moment. Every
file is held against its manifest before it is read, and the manifest against itself.

A store on an object store (`remote`) has the same names there. Its manifest is read there, files are copied here when
they are asked for, and as their names hold their hashes, each only once. A change puts its files first and the
manifest last, on the condition that nobody else changed the client meanwhile.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from filelock import FileLock, Timeout

from ..errors import NotThere, StoreError, closest, listed
from ..periods import Period
from .derived import FOLDER, Shelf
from .disk import OWNER_FILE, PARTIAL, make_folder, what_is_wrong, write_part, write_text
from .frames import OnDemand, as_known, charged_by_then, known_by, scanned
from .remote import Remote, Taken
from .schema import CLAIMS, PAYERS, SUBMISSIONS, TABLES, TRANSACTIONS, Table, check
from .schema_services import TABLES_OF_SERVICE

VERSION = 3
"""Raised whenever what an earlier version stored would read wrong: columns that settling fills, signs, meanings."""
MANIFEST = "manifest.json"
TOLD = ".told.json"
KEPT_SECONDS = 24 * 3600
"""How long a file stays that the manifest names no more: longer than any reader needs it."""
LASTING = f"{FOLDER}/backtest"
"""Derived tables that are of use after the next change, too."""
ALWAYS = "all"
"""The partition of a table without a known-on day (fee schedules, payer rules)."""


class Tables(Mapping[str, pl.LazyFrame]):
    """The tables of one or more clients as they were known on a day: lazy Polars frames by name.

    A table that nobody delivered is there, with its columns and no rows. Tables `in_memory` also keep what was
    derived from them (`frames.kept`), so that a report, which asks dozens of times, computes it once. Tables of
    several stores have each of them `apart`, so that what is asked by client is read from each client's summary.
    """

    payers: pl.DataFrame | None = None

    def __init__(
        self,
        frames: Mapping[str, pl.LazyFrame],
        as_of: dt.date | None,
        shelf: Shelf | None = None,
        apart: Mapping[str, Tables] | None = None,
        again: Callable[..., Tables] | None = None,
    ) -> None:
        self._frames, self.as_of, self.shelf, self.apart = frames, as_of, shelf, apart or {}
        self._again, self._earlier = again, dict[dt.date, Tables]()
        self._answers: dict[Hashable, Any] | None = None
        self.stored = shelf.answers(str(as_of)) if shelf else None

    @property
    def keeps_answers(self) -> bool:
        return self._answers is not None

    def in_memory(self) -> Tables:
        """The same tables, each read once, with a memory of their own for what is derived from them."""
        read = OnDemand(self, self._read)
        out = Tables(read, self.as_of, self.shelf, self.apart, self._again)
        out._answers, out.payers = {}, self.payers
        return out

    def with_payers(self, payers: pl.DataFrame | None) -> Tables:
        """The same tables with a registry's payers: what is derived rests on these, too."""
        shelf = self.shelf and self.shelf.beside("" if payers is None else payers.write_json())
        out = Tables(self._frames, self.as_of, shelf, self.apart, self._again)
        out.payers = payers
        return out

    def as_known_on(self, day: dt.date) -> Tables:
        """The same tables as they were known on an earlier day, read once and with a memory of their own."""
        if day == self.as_of:
            return self
        if day not in self._earlier:
            earlier = self._again(as_of=day) if self._again else Tables(as_known(self, day), day)
            self._earlier[day] = earlier.with_payers(self.payers).in_memory()
        return self._earlier[day]

    def _read(self, name: str) -> pl.LazyFrame:
        try:
            return self[name].collect(engine="streaming").lazy()
        except (OSError, pl.exceptions.ComputeError) as error:
            raise StoreError(
                f"The stored table {name} cannot be read ({type(error).__name__}): a file of it is damaged. Nothing of "
                "it was used. rcm verify names the file, and rcm repair CLIENT rebuilds the store from the raw files."
            ) from error

    def once(self, key: Hashable, compute: Callable[[], Any], question: str | None = None) -> Any:
        """What `compute` gave when this was first asked for; tables that keep no answers compute it each time.

        An answer to a `question` in words is sought beside the store first, and stored there by `save`.
        """
        if self._answers is None:
            return compute()
        if key not in self._answers:
            found = self.stored.get(question) if question and self.stored else None
            if found is None:
                found = compute()
                if question and self.stored:
                    self.stored.add(question, found)
            self._answers[key] = found
        return self._answers[key]

    def save(self) -> None:
        """Keep what was derived beside the store, for whoever asks next."""
        if self.stored:
            self.stored.save()
        for earlier in self._earlier.values():
            earlier.save()

    def __getitem__(self, name: str) -> pl.LazyFrame:
        if name == PAYERS.name and self.payers is not None:
            return self.payers.lazy()
        if name not in TABLES:
            raise NotThere(f"no table {name!r}; the store has {listed(TABLES, 30)}.{closest(name, TABLES)}")
        return self._frames[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        """The rows of one table: `tables.claims`; `tables["claims"]` is the lazy frame that measures read."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in TABLES:
            raise NotThere(f"no table {name!r}; the store has {listed(TABLES, 30)}.{closest(name, TABLES)}")
        return self.pandas(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._frames})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._frames)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __repr__(self) -> str:
        return f"Tables{f' as known on {self.as_of}' if self.as_of else ''}: {listed(self, len(TABLES))}"

    def __len__(self) -> int:
        return len(self._frames)

    def pandas(self, name: str) -> pd.DataFrame:
        """One table as a pandas frame, for a look at the rows."""
        return self[name].collect(engine="streaming").to_pandas()


@dataclass(frozen=True)
class ClientStore:
    """What the store holds of one client, as of one manifest."""

    folder: Path
    manifest: Mapping[str, Any]
    remote: Remote | None = None
    """Where the files are, if `folder` holds copies."""

    @property
    def client(self) -> str:
        return self.folder.name

    def months(self, table: str) -> dict[str, dict[str, Any]]:
        """Partition -> {file, rows, sha256} of one table."""
        return dict(self.manifest["tables"].get(table, {}))

    def posted_months(self) -> list[str]:
        """The months for which the ledger holds postings, oldest first."""
        return sorted(self.months("transactions"))

    def active_months(self, services: Collection[str]) -> list[str]:
        """The months for which rows of these services became known, oldest first."""
        found = {month for table in tables_of(services) for month in self.months(table.name)}
        return sorted(found - {ALWAYS})

    def rows(self, table: str) -> int:
        return sum(part["rows"] for part in self.months(table).values())

    def read(self, table: str) -> pl.DataFrame:
        """All rows of one table, whenever they became known."""
        return self.scan(TABLES[table]).collect()

    def scan(self, table: Table, *, without: Collection[str] = ()) -> pl.LazyFrame:
        """The table, but for some partitions.

        Raises
            StoreError where a file is not the one that was written.
        """
        parts = [part for month, part in sorted(self.months(table.name).items()) if month not in without]
        self._fetch(parts)
        return scanned([self._checked(part) for part in parts], table)

    def check(self) -> None:
        """Hold size and end of every stored file against the manifest, also of those that will not be asked for.

        Raises
            StoreError for the first file that is not the one that was written.
        """
        self._fetch(_entries(self.manifest))
        for entry in _entries(self.manifest):
            self._checked(entry)

    def broken(self) -> list[str]:
        """Every stored file that is not byte for byte what was written, with what is wrong with it."""
        if self.remote:
            for entry in _entries(self.manifest):
                (self.folder / entry["file"]).unlink(missing_ok=True)
            self._fetch(_entries(self.manifest))
        found = {entry["file"]: what_is_wrong(self.folder, entry, whole=True) for entry in _entries(self.manifest)}
        return [f"{name} {wrong}" for name, wrong in found.items() if wrong]

    def _fetch(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Copy those files from the object store that are not here, or not as they were written."""
        if self.remote:
            self.remote.fetch([entry["file"] for entry in entries if what_is_wrong(self.folder, entry)])

    def _checked(self, entry: Mapping[str, Any]) -> Path:
        wrong = what_is_wrong(self.folder, entry)
        if wrong:
            raise StoreError(f"{self.client}: the stored file {entry['file']} {wrong}. {_repair(self.client)}")
        return self.folder / entry["file"]

    def fingerprints(self, *, as_of: dt.date | None = None) -> dict[str, str]:
        """One SHA-256 per table over the content of its partitions; equal data, equal fingerprint. With `as_of` only of
        the months up to that of the day."""
        prints = {}
        last = f"{as_of:%Y-%m}" if as_of else ""
        for table in TABLES:
            months = self.months(table).items()
            parts = sorted(
                (month, part["sha256"]) for month, part in months if not last or month == ALWAYS or month <= last
            )
            prints[table] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return prints

    def shelf(self, as_of: dt.date | None = None) -> Shelf:
        """Where what is derived from this state of the client's tables, and from what of it was known by a day, is
        kept."""
        whole, known = (
            hashlib.sha256(json.dumps(self.fingerprints(as_of=day), sort_keys=True).encode()).hexdigest()
            for day in (None, as_of)
        )
        return Shelf(self.folder / FOLDER, whole, known)

    def side_table(self, name: str) -> pl.DataFrame:
        """The findings or the quarantine of the client; empty when there are none."""
        entry = self.manifest.get(name)
        self._fetch([entry] if entry else [])
        return pl.read_parquet(self._checked(entry)) if entry else pl.DataFrame()

    def rows_aside(self, name: str) -> int:
        """How many findings, or rows in quarantine, the client has."""
        return (self.manifest.get(name) or {"rows": 0})["rows"]


def tables_of(services: Collection[str]) -> list[Table]:
    """The tables that hold what happens under these services, each row with its day.

    >>> [table.name for table in tables_of(["claims"])]
    ['transactions']
    """
    posting = [TRANSACTIONS] if {"claims", "self_pay"} & set(services) else []
    own = [table for service in services for table in TABLES_OF_SERVICE.get(service, ())]
    return [table for table in (*posting, *own) if table.known_on]


def is_active(tables: Mapping[str, pl.LazyFrame], services: Collection[str], period: Period) -> bool:
    """Whether a posting, or any other day of these services, falls into the period."""
    for table in tables_of(services):
        days = [column.name for column in table.columns if column.kind == "date"]
        names = [table.known_on] if table is TRANSACTIONS else days
        falls = pl.any_horizontal(period.holds(pl.col(name)) for name in names if name)
        if tables[table.name].select(falls.any()).collect().item():
            return True
    return False


def tables_of_stores(stores: Sequence[Any], *, as_of: dt.date | None = None) -> Tables:
    """The tables of these stores, each as its own manifest says, as known on `as_of` (all that is known when None)."""
    if len(stores) != 1:
        apart = {store.client: tables_of_stores([store], as_of=as_of) for store in stores if store.manifest["tables"]}
        return Tables(OnDemand(TABLES, partial(_known, stores, as_of)), as_of, apart=apart)
    frames = OnDemand(TABLES, partial(_known, stores, as_of))
    return Tables(frames, as_of, stores[0].shelf(as_of), again=partial(tables_of_stores, stores))


def _known(stores: Sequence[Any], as_of: dt.date | None, name: str) -> pl.LazyFrame:
    parts = [store.scan(TABLES[name]) for store in stores if store.months(name)]
    known = known_by(pl.concat(parts) if parts else TABLES[name].empty().lazy(), TABLES[name], as_of)
    is_plain = name != CLAIMS.name or as_of is None
    return known if is_plain else charged_by_then(known, _known(stores, as_of, SUBMISSIONS.name))


@dataclass(frozen=True)
class Store:
    """The folder of all clients, or the copies here of what an object store holds."""

    folder: Path
    remote: Remote | None = None

    def clients(self) -> list[str]:
        if self.remote:
            return self.remote.folders()
        if not self.folder.is_dir():
            return []
        return sorted(path.parent.name for path in self.folder.glob(f"*/{MANIFEST}"))

    def open(self, client: str) -> ClientStore:
        """The client's current state; an unknown client opens empty.

        Raises
            StoreError where the manifest is damaged, another version's or another client's.
        """
        manifest = _read_manifest(self._manifest_bytes, client)
        return ClientStore(self.folder / client, manifest or _no_manifest(client), self._place(client))

    def _place(self, client: str) -> Remote | None:
        return self.remote.below(client) if self.remote else None

    def _manifest_bytes(self, client: str) -> bytes | None:
        """The client's manifest as it stands, where there is one."""
        if self.remote:
            return self.remote.below(client).read(MANIFEST)
        try:
            return (self.folder / client / MANIFEST).read_bytes()
        except FileNotFoundError:
            return None

    def tables(self, clients: list[str], *, as_of: dt.date | None = None) -> Tables:
        """The tables of these clients as known on `as_of` (all that is known when None)."""
        return tables_of_stores([self.open(client) for client in clients], as_of=as_of)

    def half_written(self) -> list[Path]:
        """Files that an intake did not write to their end, of clients that are not taken in right now."""
        found: list[Path] = []
        for folder in sorted(path.parent for path in self.folder.glob("*/.lock")):
            with contextlib.suppress(Timeout), FileLock(folder / ".lock", timeout=0, mode=OWNER_FILE):
                found += sorted(folder.rglob(f"*{PARTIAL}"))
        return found

    def taken_files(self, client: str) -> dict[str, Any]:
        """What a client's store was made from, stamp -> entry, whatever version made it; none where nobody can tell."""
        try:
            manifest = json.loads(self._manifest_bytes(client) or b"")
        except (OSError, ValueError):
            return {}
        whole = isinstance(manifest, dict) and manifest.get("check", "") in ("", _own_check(manifest))
        files = manifest.get("files") if whole else None
        return files if isinstance(files, dict) else {}

    def delete(self, client: str) -> None:
        """Remove everything that is stored of one client, for good."""
        folder = self.folder / client
        if self._manifest_bytes(client) is None:
            raise StoreError(f"{folder} holds no store of ours (no {MANIFEST}), so nothing was deleted.")
        if place := self._place(client):
            place.remove([MANIFEST, *place.names()])
        shutil.rmtree(folder, ignore_errors=place is not None)
        self.remember(client, None)

    def remembered(self, client: str) -> bytes | None:
        """What was told about the client between its reports (`rcm alerts`), beside its store."""
        if self.remote:
            return self.remote.read(f"{client}{TOLD}")
        path = self.folder / f"{client}{TOLD}"
        return path.read_bytes() if path.exists() else None

    def remember(self, client: str, text: str | None) -> None:
        """Keep what was told about the client; None forgets it."""
        name = f"{client}{TOLD}"
        if text is not None:
            write_text(self.folder / name, text)
        else:
            (self.folder / name).unlink(missing_ok=True)
        if self.remote:
            self.remote.put([name]) if text is not None else self.remote.remove([name])

    @contextlib.contextmanager
    def change(self, client: str, *, afresh: bool = False) -> Iterator[Change]:
        """Collect a change to one client; it takes effect when the block ends without an error.

        `afresh` starts from nothing: what is stored, be it damaged, gives way as a whole.
        """
        folder = self.folder / client
        try:
            make_folder(folder)
            lock = FileLock(folder / ".lock", timeout=0, mode=OWNER_FILE).acquire()
        except Timeout:
            raise StoreError(
                f"Another ingest of {client} is running. Nothing was stored; try again when it has ended."
            ) from None
        except OSError as error:
            raise StoreError(f"{folder} cannot be written ({error.strerror}). Nothing was stored.") from None
        with lock:
            stood = self._manifest_bytes(client) if self.remote else None
            afresh_store = ClientStore(folder, _no_manifest(client), self._place(client))
            change = Change(afresh_store if afresh else self.open(client), stood=stood)
            yield change
            try:
                change._commit()
            except (OSError, pl.exceptions.PolarsError) as error:
                why = getattr(error, "strerror", None) or type(error).__name__
                raise StoreError(
                    f"The store of {client} could not be written ({why}). What was stored before is unchanged; make "
                    "room, and take the files in again."
                ) from error


@dataclass
class Change:
    """New partitions of one client's tables, not yet in force."""

    before: ClientStore
    tables: dict[str, dict[str, pl.DataFrame]] = field(default_factory=dict)
    sides: dict[str, pl.DataFrame] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    key_check: str | None = None
    stood: bytes | None = None
    """The manifest on the object store when the change began."""

    def under_key(self, key: bytes) -> None:
        """Store under this key for pseudonyms, and remember a keyed hash by which it is known again.

        Raises
            StoreError when what is stored was stored under another one: each patient would become two.
        """
        client = self.before.client
        self.key_check = hmac.new(key, f"check\x1f{client}".encode(), hashlib.sha256).hexdigest()[:32]
        if self.before.manifest.get("key_check", self.key_check) != self.key_check:
            raise StoreError(
                f"{client} was stored under another pseudonym.key than the one in the workspace, so every patient "
                "would become another one. Nothing was stored. Put the key of that time back; if it is lost, "
                f"rebuild the client under the new one: rcm repair {client}"
            )

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """The rows replace whatever is stored in the months that they touch."""
        for month, part in self._split(table, rows):
            self.tables.setdefault(table.name, {})[month] = part

    def replace_all(self, table: Table, rows: pl.DataFrame) -> None:
        """The rows replace the whole table."""
        parts = dict(self._split(table, rows))
        for month in self.before.months(table.name):
            parts.setdefault(month, table.empty())
        self.tables[table.name] = parts

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """The rows are added; a row with a stored key takes its place."""
        stored = self.current(table)
        kept = stored.join(rows.select(table.key), on=list(table.key), how="anti")
        touched = dict(self._split(table, rows)) | dict(
            self._split(table, stored.join(rows, on=list(table.key), how="semi"))
        )
        together = dict(self._split(table, pl.concat([kept, rows.select(table.names)])))
        for month in touched:
            self.tables.setdefault(table.name, {})[month] = together.get(month, table.empty())

    def current(self, table: Table) -> pl.DataFrame:
        """The table as it will stand if the change is committed now."""
        staged = self.tables.get(table.name, {})
        return pl.concat([self.before.scan(table, without=staged).collect(), *staged.values()])

    def _split(self, table: Table, rows: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
        rows = check(rows, table, f"{self.before.client}: {table.name}").sort(table.key)
        if not table.known_on:
            return [(ALWAYS, rows)]
        parts = rows.with_columns(pl.col(table.known_on).dt.strftime("%Y-%m").alias("_month"))
        return [
            (key[0], part.drop("_month")) for key, part in sorted(parts.partition_by("_month", as_dict=True).items())
        ]

    def _commit(self) -> None:
        folder = self.before.folder
        manifest = json.loads(json.dumps(self.before.manifest))
        for name, parts in self.tables.items():
            entry = manifest["tables"].setdefault(name, {})
            for month, rows in parts.items():
                if rows.is_empty():
                    entry.pop(month, None)
                else:
                    sort = [TABLES[name].known_on] if TABLES[name].known_on else []
                    entry[month] = write_part(folder, f"{name}/{month}", rows.sort([*sort, *TABLES[name].key]))
        for name, rows in self.sides.items():
            manifest[name] = write_part(folder, name, rows) if not rows.is_empty() else None
        for stamp in self.forgotten:
            manifest["files"].pop(stamp, None)
        manifest["files"] |= self.files
        if self.key_check:
            manifest["key_check"] = self.key_check
        manifest["check"] = _own_check(manifest)
        text, named = json.dumps(manifest, indent=1, sort_keys=True), {entry["file"] for entry in _entries(manifest)}
        if self.before.remote:
            self._put(self.before.remote, text, named)
        write_text(folder / MANIFEST, text)
        _clear(folder, named=named, before=self.before)

    def _put(self, remote: Remote, text: str, named: set[str]) -> None:
        """Files first; then the manifest, if nobody changed the client meanwhile; then what went out of use goes."""
        there = {entry["file"] for entry in _entries(self.before.manifest)}
        listed_before = remote.names()
        remote.put(sorted(named - there))
        try:
            remote.replace(MANIFEST, text.encode(), self.stood)
        except Taken:
            raise StoreError(
                f"Another machine changed the store of {self.before.client} meanwhile. What it stored stands, and "
                "nothing of this intake was stored; take the files in again."
            ) from None
        if there:
            remote.clear(listed_before, MANIFEST, keep={*named, *there}, lasting=LASTING, seconds=KEPT_SECONDS)


def _clear(folder: Path, *, named: Collection[str], before: ClientStore) -> None:
    """Remove what was left half-written, and files that no manifest has named for a day."""
    present = (folder / MANIFEST).stat().st_mtime
    just_now = {entry["file"] for entry in _entries(before.manifest)} - set(named)
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        with contextlib.suppress(OSError):
            if name in just_now:
                os.utime(path)
            elif name.endswith(PARTIAL) or (
                path.suffix == ".parquet" and name not in named and present - path.stat().st_mtime > KEPT_SECONDS
            ):
                path.unlink()


# ---------------------------------------------------------------- manifests
def _no_manifest(client: str) -> dict[str, Any]:
    return {"version": VERSION, "client": client, "tables": {}, "files": {}}


def _read_manifest(read: Callable[[str], bytes | None], client: str) -> dict[str, Any] | None:
    try:
        data = read(client)
        if data is None:
            return None
        manifest = json.loads(data)
    except OSError as error:
        raise StoreError(
            f"{MANIFEST} of {client} cannot be read ({error.strerror}). Give the right to read it."
        ) from None
    except ValueError:
        manifest = None
    if isinstance(manifest, dict) and manifest.get("version", VERSION) != VERSION:
        raise StoreError(
            f"The store of {client} was made by another version of rcm_analysis (its stores have the number "
            f"{manifest['version']}, this version's {VERSION}). {_repair(client)}"
        )
    if not isinstance(manifest, dict) or manifest.get("check", "") not in ("", _own_check(manifest)):
        raise StoreError(f"{MANIFEST} of {client} is damaged: it is not what was written. {_repair(client)}")
    if manifest.get("client") != client or not isinstance(manifest.get("tables"), dict):
        raise StoreError(f"{MANIFEST} in the folder of {client} is not of {client}. {_repair(client)}")
    return manifest


def _own_check(manifest: Mapping[str, Any]) -> str:
    """The hash of all that a manifest says, by which damage to it shows."""
    said = {name: value for name, value in manifest.items() if name != "check"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _repair(client: str) -> str:
    return f"Nothing of it was used. Rebuild the store of the client from its raw files: rcm repair {client}"


def _entries(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every stored file that the manifest names."""
    for parts in manifest["tables"].values():
        yield from parts.values()
    yield from (entry for entry in manifest.values() if isinstance(entry, dict) and "sha256" in entry)
