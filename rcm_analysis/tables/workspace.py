"""A workspace: the folder with `rcm.toml`, and what it leads to.

rcm.toml        [paths] clients, raw, maps, store, runs, templates, scratch (each optional); store and runs may be
                addresses of an object store, such as s3://bucket/store, of which scratch holds this machine's copies
                [limits] of one report: cell_seconds, notebook_seconds, memory_mb, output_mb (each optional)
                [mail] host, sender, to, and port, user, starttls, links (these optional): who gets the night's summary
clients.toml    the registry
maps/           column maps of practice-management exports
raw/<client>/   raw files, any name
store/          Parquet by client
runs/           reports and packets
pseudonym.key   the key behind patient pseudonyms; never leaves the workspace
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ClientError, RcmError, StoreError, closest, listed
from .clients import Client, Registry, read_registry
from .disk import write_text_once
from .elsewhere import TablesElsewhere
from .remote import Remote
from .store import ClientStore, Store, Tables, tables_of_stores

PATHS = {
    "clients": "clients.toml",
    "raw": "raw",
    "maps": "maps",
    "store": "store",
    "runs": "runs",
    "templates": "",
    "plans": "plans",
    "scratch": "scratch",
}
MAY_BE_REMOTE = ("store", "runs")
LIMITS = ("cell_seconds", "notebook_seconds", "memory_mb", "output_mb")
MAIL: dict[str, type] = {
    "host": str, "port": int, "sender": str, "to": list, "user": str, "starttls": bool, "links": str
}  # fmt: skip
KEY_BYTES = 32
PLAN, NO_PLAN, PLANS = "plan", "none", (".toml", ".xlsx")


@dataclass(frozen=True)
class ClientView:
    """One client: settings and stored tables, as the store stood when it was first asked.

    Tables, fingerprints and findings are of one moment; `workspace.client(id)` gives a new view of what came since.
    """

    workspace: Workspace
    client: str
    held: Any = None
    """Tables that another engine holds (frames by name, or an Ibis connection), in the place of the store's."""

    def __repr__(self) -> str:
        return (
            f"ClientView {self.client} of {self.workspace.folder}; .tables(as_of=...), .settings(), "
            ".findings(), .quarantine()"
        )

    def settings(self, *, as_of: dt.date | None = None) -> Client:
        return self.workspace.registry.client(self.client, as_of=as_of)

    @cached_property
    def stored(self) -> ClientStore | TablesElsewhere:
        """What one reading of the client's manifest says, or what another engine holds."""
        if self.held is not None:
            return TablesElsewhere(self.client, self.held)
        return self.workspace.store.open(self.client)

    def tables(self, *, as_of: dt.date | None = None) -> Tables:
        """The client's tables as known on `as_of`, with the registry's payers: lazy Polars frames by name."""
        return tables_of_stores([self.stored], as_of=as_of).with_payers(
            self.workspace.registry.payers_frame(self.client)
        )

    def pandas(self, name: str, *, as_of: dt.date | None = None) -> pd.DataFrame:
        """One table as a pandas frame."""
        return self.tables(as_of=as_of).pandas(name)

    @property
    def plan(self) -> Path | None:
        """The client's care-coordination plan: the file that `assumptions` names in the registry, or CLIENT.toml or
        CLIENT.xlsx in the folder of plans; none without.

        Raises
            ClientError where the registry names one that is not there.
        """
        folder = self.workspace.paths["plans"]
        client = self.workspace.registry.clients.get(self.client)
        named = client.assumptions if client else None
        files = [folder / f"{named or self.client}{kind}" for kind in ("", *PLANS)]
        found = next((path for path in files if path.suffix.lower() in PLANS and path.is_file()), None)
        if named and not found:
            raise ClientError(
                f"{self.client}: assumptions = {named!r}: expected a file of {folder} (TOML or XLSX), or the id of a "
                "client whose plan lies there; found none. Nothing was run."
            )
        return found

    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of every table, and of the plan."""
        plan = hashlib.sha256(self.plan.read_bytes()).hexdigest() if self.plan else NO_PLAN
        return {**self.stored.fingerprints(), PLAN: plan}

    def findings(self) -> pl.DataFrame:
        """What intake noticed: file, rule, where, amount_cents, message, needs_person."""
        return self.stored.side_table("findings")

    def quarantine(self) -> pl.DataFrame:
        """Rows that were refused: file, row, column, rule, message, amount_cents, text, table, known_on; and client."""
        return self.stored.side_table("quarantine").with_columns(client=pl.lit(self.client))


@dataclass(frozen=True)
class Workspace:
    """Paths, registry and store of one workspace."""

    folder: Path
    paths: Mapping[str, Path]
    limits: Mapping[str, Any] = field(default_factory=dict)
    """What one report may use, where rcm.toml says so."""

    mail: Mapping[str, Any] = field(default_factory=dict)
    """By which server, from and to whom the summary of a batch is mailed; `links` is where the runs folder opens."""

    remotes: Mapping[str, Remote] = field(default_factory=dict)
    """What of store and runs is on an object store; `paths` lead to this machine's copies of it."""

    def __repr__(self) -> str:
        return f"Workspace {self.folder}; .clients(), .client(id)"

    @cached_property
    def registry(self) -> Registry:
        return read_registry(self.paths["clients"])

    @property
    def store(self) -> Store:
        return Store(self.paths["store"], self.remotes.get("store"))

    @property
    def runs(self) -> Path:
        return self.paths["runs"]

    def __getitem__(self, client: str) -> ClientView:
        """`workspace["cali-care"]` is `workspace.client("cali-care")`."""
        return self.client(client)

    def _ipython_key_completions_(self) -> list[str]:
        return self.clients()

    def place(self, name: str) -> str:
        """Where readers find the store or the runs: a folder, or the address of an object store."""
        return self.remotes[name].url if name in self.remotes else str(self.paths[name])

    def client(self, client: str, *, held: Any = None) -> ClientView:
        """One client of the registry; its tables are the store's, or those that another engine holds.

        Raises
            ClientError for an unknown id.
        """
        self.registry.client(client)
        return ClientView(self, client, held)

    def registry_fingerprint(self) -> str:
        """SHA-256 of registry file and logos as first asked for: reports depend on them as they do on the tables."""
        return self._registry_print

    @cached_property
    def _registry_print(self) -> str:
        return hashlib.sha256(b"".join([self.paths["clients"].read_bytes(), *self.registry.logos()])).hexdigest()

    def clients(self) -> list[str]:
        """The ids of the registry, in its order."""
        return list(self.registry.clients)

    def tables(self, *, clients: list[str] | None = None, as_of: dt.date | None = None) -> Tables:
        """The tables of several clients at once (all of the registry by default)."""
        return self.store.tables(clients or self.clients(), as_of=as_of)

    def pseudonym_key(self) -> bytes:
        """The workspace's secret; made at the first intake, readable by its owner only.

        Raises
            StoreError when it is not whole, or gone while clients are stored under it.
        """
        path = self.folder / "pseudonym.key"
        if not path.exists():
            stored = self.store.clients()
            if stored:
                raise StoreError(
                    f"{path.name} is missing, and {len(stored)} client(s) are stored under it: without it every "
                    "patient would become another one. Nothing was stored. Put the key back; if it is lost, move the "
                    f"folder {self.paths['store'].name} away and take all raw files in again."
                )
            write_text_once(path, secrets.token_hex(KEY_BYTES) + "\n")
        text = path.read_bytes().strip()
        if not re.fullmatch(rb"[0-9a-f]{%d}" % (2 * KEY_BYTES), text):
            raise StoreError(
                f"{path.name} is damaged: expected {2 * KEY_BYTES} hexadecimal digits, found {len(text)} characters. "
                "Nothing was stored. Put the whole key back from your copy; where nothing was ever stored, delete it."
            )
        return bytes.fromhex(text.decode())


def open_workspace(path: str | Path = ".") -> Workspace:
    """The workspace in this folder, or the one that the folder is in.

    Raises
        RcmError when there is no readable rcm.toml, or it holds an unknown setting.
    """
    folder = Path(path).expanduser().resolve()
    around = [folder, *folder.parents] if folder.is_dir() else [folder]
    folder = next((one for one in around if (one / "rcm.toml").is_file()), folder)
    file = folder / "rcm.toml"
    try:
        settings: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RcmError(
            f"{folder} is not a workspace: it has no rcm.toml. Name one with --workspace DIR, "
            "or make a demonstration with: rcm demo DIR"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RcmError(f"{file} is not a TOML file: {error}.") from None
    tables = {"paths": PATHS, "limits": LIMITS, "mail": MAIL}
    given, limits, mail = (settings.get(name, {}) for name in tables)
    unknown = [key for key in settings if key not in tables]
    unknown += [key for name, known in tables.items() for key in settings.get(name, {}) if key not in known]
    if unknown:
        takes = "; ".join(f"under [{name}] {listed(known)}" for name, known in tables.items())
        known = [name for table in tables.values() for name in table]
        raise RcmError(f"{file}: unknown setting {listed(unknown)}. It takes {takes}." + closest(unknown[0], known))
    wrong = [name for name, value in limits.items() if type(value) is not int or value < 1]
    if wrong:
        raise RcmError(f"{file}: under [limits] {listed(wrong)} must be a whole number above 0, such as 1800.")
    wrong = [name for name, value in mail.items() if type(value) is not MAIL[name]]
    wrong += [name for name in ("host", "sender", "to") if mail and not mail.get(name)]
    if wrong:
        raise RcmError(
            f"{file}: under [mail] {listed(wrong)} is missing or not of its kind. host and sender are texts, to a list "
            'of addresses, such as to = ["desk@example.com"], port a whole number, starttls true or false.'
        )
    paths = {name: folder / given.get(name, default) for name, default in PATHS.items() if name in given or default}
    remotes = {name: value.rstrip("/") for name, value in given.items() if "://" in str(value)}
    wrong = [name for name in remotes if name not in MAY_BE_REMOTE]
    if wrong:
        raise RcmError(f"{file}: under [paths] {listed(wrong)} must be a folder; store and runs may be addresses.")
    paths |= {name: paths["scratch"] / name for name in remotes}
    return Workspace(folder, paths, limits, mail, {name: Remote(url, paths[name]) for name, url in remotes.items()})
