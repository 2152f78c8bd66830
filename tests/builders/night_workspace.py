"""A workspace of three small clients whose three templates compute nothing, and do in a test what the test asks for.

A file in the workspace makes the report of a client fail (`fail-bay`), die once (`die-once-bay`) or wait (`wait`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from builders.small_clients import put_all, take, workspace_of
from rcm_analysis.press.runs.templates import templates_folder
from rcm_analysis.tables.workspace import Workspace, open_workspace

CLIENTS = ("acme", "bay", "cove")
PERIOD = "2026-03"
ROOT = Path(__file__).parents[2]

TRICKS = """
import os, pathlib, signal, time
if pathlib.Path(f"fail-{client}").exists():
    raise ValueError("a patient called Zebra")
if pathlib.Path(f"die-once-{client}").exists():
    pathlib.Path(f"die-once-{client}").unlink()
    os.kill(os.getpid(), signal.SIGKILL)
while pathlib.Path("wait").exists():
    pathlib.Path(f"waiting-{client}").touch()
    time.sleep(0.05)
"""
SHOW = """
from IPython.display import display
from rcm_analysis.tables.workspace import open_workspace

def say(payload):
    display({"application/vnd.rcm.block+json": payload, "text/plain": payload["kind"]}, raw=True)

workspace = open_workspace(".")
say({"kind": "meta", "title": TITLE, "client": CLIENT, "client_name": CLIENT.title(), "period": period,
     "period_title": "March 2026", "as_of": "2026-03-31", "firm": "Lantern"})
for name in [CLIENT] if CLIENT else workspace.clients():
    view = workspace.client(name)
    say({"kind": "inputs", "client": name, "findings": 0, "tables": [
        {"table": table, "rows": view.stored.rows(table), "fingerprint": mark}
        for table, mark in view.fingerprints().items()]})
claims = sum(workspace.store.open(name).rows("claims") for name in ([CLIENT] if CLIENT else workspace.clients()))
say({"kind": "table", "name": "numbers", "title": "Numbers", "definition": "Claims stored.", "columns": [
     {"name": "label", "title": "Measure", "unit": "text"}, {"name": "now", "title": "Now", "unit": "count"}],
     "rows": [["Claims billed", claims]], "text": [["Claims billed", f"{claims:,}"]]})
"""


def _template(title: str, **card: object) -> nbformat.NotebookNode:
    portfolio = card.get("scope") == "portfolio"
    declared = "" if portfolio else 'client: str = ""\n'
    card = {"title": title, "version": "1.0", "scope": "client", "packet": not portfolio, "service": "claims", **card}
    made = nbformat.v4.new_notebook(metadata={"rcm": card})
    ours = f'CLIENT, TITLE = {"str()" if portfolio else "client"}, "{title}"' + SHOW
    made.cells = [
        nbformat.v4.new_code_cell(f'{declared}period: str = ""', metadata={"tags": ["parameters"]}),
        *([] if portfolio else [nbformat.v4.new_code_cell(TRICKS)]),
        nbformat.v4.new_code_cell(ours),
    ]
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    return made


def night_workspace(folder: Path, settings: str = "") -> Workspace:
    """The workspace, all clients taken in; `settings` are more lines of its rcm.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    workspace = workspace_of(folder, CLIENTS)
    (folder / "rcm.toml").write_text(f'[paths]\ntemplates = "forms"\n{settings}')
    (folder / "forms").mkdir()
    nbformat.write(_template("Review", order=10), folder / "forms" / "review.ipynb")
    nbformat.write(_template("Our notes", order=20, reader="manager"), folder / "forms" / "notes.ipynb")
    nbformat.write(_template("Book", scope="portfolio"), folder / "forms" / "book.ipynb")
    for shipped in templates_folder().glob("*.ipynb"):
        stub = _template("Not for these nights", order=90)
        stub.metadata["rcm"]["packet"] = False
        nbformat.write(stub, folder / "forms" / shipped.name)
    for client in CLIENTS:
        put_all(workspace, client)
        take(workspace, client)
    return open_workspace(folder)


def rcm(workspace: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a scheduler starts it."""
    command = [sys.executable, "-m", "rcm_analysis", *words, "--workspace", str(workspace)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def files_of(runs: Path) -> dict[str, bytes]:
    """Every file that a batch makes for a reader, by its place; manifests hold moments and are left out."""
    found = [path for path in sorted(runs.glob("*/*/*/*")) if path.is_file() and path.name != "manifest.json"]
    return {path.relative_to(runs).as_posix(): path.read_bytes() for path in found if "_batches" not in path.parts}
