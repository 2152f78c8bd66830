"""A workspace of one client whose appointments come through one column map: what the tests of real exports share."""

from __future__ import annotations

from pathlib import Path

from rcm_analysis import open_workspace
from rcm_analysis.tables.workspace import Workspace

REGISTRY = """
[firm]
name = "Lantern"
[clients.acme]
name = "Acme"
services = ["claims", "patient_engagement"]
providers = 1
revenue = "100000.00"
commission_rate = "0.05"
meeting_cadence = "monthly"
column_maps = ["{name}"]
"""


def workspace_with(folder: Path, name: str, text: str) -> Workspace:
    """A new workspace in the folder, with client `acme` and the map `name`; its key of pseudonyms is made."""
    (folder / "rcm.toml").write_text("[paths]\n")
    (folder / "clients.toml").write_text(REGISTRY.format(name=name))
    (folder / "maps").mkdir()
    (folder / "maps" / f"{name}.toml").write_text(text, "utf-8")
    workspace = open_workspace(folder)
    workspace.pseudonym_key()
    return workspace
