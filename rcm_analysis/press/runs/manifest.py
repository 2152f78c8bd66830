"""The birth certificate of every run folder: what went in, what came out, and whether it is still so.

`manifest.json` is the last file written and the only one with time stamps. A folder without one was not
made by us; a folder whose files differ from it is not what was made.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...blocks.vocabulary import Inputs, Source
from ...errors import RunError
from .folders import MANIFEST

SCHEMA = 1
DISTRIBUTION = "rcm_analysis"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """`value` as the one JSON text it has, for hashing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


@lru_cache(maxsize=1)
def packages() -> dict[str, str]:
    """Versions of Python, of this package (and a hash of its files) and of what it depends on directly."""
    root = Path(__file__).parents[2]
    source = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        source.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    versions = {"python": platform.python_version(), f"{DISTRIBUTION} files": source.hexdigest()}
    for name in (DISTRIBUTION, *_requirements()):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _requirements() -> list[str]:
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if "extra ==" not in line)
    return sorted({match[0].lower() for match in names if match})


def run_key(template_sha256: str, parameters: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """What decides a report: its template, parameters, the data it read, and the software."""
    return sha256(canonical([template_sha256, dict(parameters), dict(inputs), packages()]))


def fingerprints(inputs: Iterable[Inputs]) -> dict[str, str]:
    """The fingerprint of every table that the notebook says it read.

    >>> fingerprints([Inputs((Source("claims", 3, "ab"),), client="cali-care")])
    {'cali-care/claims': 'ab'}
    """
    return {name: table.fingerprint for name, table in _tables(inputs)}


def row_counts(inputs: Iterable[Inputs]) -> dict[str, int]:
    """Rows of every table read, under the same names as `fingerprints`."""
    return {name: table.rows for name, table in _tables(inputs)}


def _tables(inputs: Iterable[Inputs]) -> list[tuple[str, Source]]:
    return [
        (f"{read.client}/{table.table}" if read.client else table.table, table)
        for read in inputs
        for table in read.tables
    ]


def outputs(folder: Path) -> list[dict[str, Any]]:
    """Name, hash and size of every file in the folder but the manifest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        {"name": path.relative_to(folder).as_posix(), "sha256": sha256(path.read_bytes()), "bytes": path.stat().st_size}
        for path in files
        if path != folder / MANIFEST
    ]


def write(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest: the facts given, the software, the files in the folder, and the time."""
    manifest = {
        "schema": SCHEMA,
        **content,
        "packages": packages(),
        "outputs": outputs(folder),
        "finished_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder; RunError where there is none that we could have written."""
    try:
        manifest = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{folder} has no {MANIFEST}: it is not a finished run.") from error
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder}/{MANIFEST} cannot be read ({type(error).__name__}). Make the report again."
        ) from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise RunError(f"{folder}/{MANIFEST} is not of schema {SCHEMA}. Make the report again.")
    return manifest


def fingerprint(folder: Path) -> str:
    """The hash of the manifest itself, by which a packet names the runs it was made from."""
    return sha256((Path(folder) / MANIFEST).read_bytes())


def verify(folder: Path) -> list[str]:
    """What is wrong with a run folder: nothing, if it is a finished run whose files are as they were made."""
    folder = Path(folder)
    try:
        manifest = read(folder)
    except RunError as error:
        return [str(error)]
    problems = [] if manifest.get("status") == "done" else [f"the run is marked {manifest.get('status')!r}, not 'done'"]
    there = {entry["name"]: entry for entry in outputs(folder)}
    for entry in manifest.get("outputs", []):
        found = there.pop(entry["name"], None)
        if found is None:
            problems.append(f"{entry['name']} is missing")
        elif found["sha256"] != entry["sha256"]:
            problems.append(
                f"{entry['name']} has changed since it was made ({found['bytes']} bytes, made with {entry['bytes']})"
            )
    problems += [f"{name} was not made by this run" for name in there]
    return problems
