"""How a notebook is run: where, with which environment, and what it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...tables.remote import Remote


@dataclass(frozen=True)
class Settings:
    """How a kernel is started: its working folder, its threads (None: as many as it likes), its limits.

    `cell_seconds` and `notebook_seconds` are seconds, `memory_mb` what its process and their children hold at a time,
    `output_mb` all that it shows and prints. `imports` are packages that templates import, for the fork server.
    `remotes` say what of store and runs is on an object store.
    Where it is the only notebook to come (`alone`), nothing is imported that others would need.
    """

    folder: Path | None = None
    threads: int | None = None
    cell_seconds: int = 1800
    notebook_seconds: int = 3600
    start_timeout: int = 120
    memory_mb: int = 8192
    output_mb: int = 64
    environment: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    remotes: Mapping[str, Remote] = field(default_factory=dict)
    alone: bool = False
