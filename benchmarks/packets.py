"""CPU of reports: all processes of each way added up, beside plain papermill + nbconvert on the same notebooks.

    python benchmarks/packets.py --workspace runs/demo --large tx-docs --small dr-suess --period 2026-10

Seconds are user + system of every process that a way starts (the kernel's own account of ended children), so that
they hold on a busy machine too; the ways take turns within a round. Each report is made
    plain      papermill, then nbconvert to HTML, as one types them
    alone      ours as one command, `rcm run`, with what is derived from the tables there already
    new        one report of a batch right after new files, where no intake had worked it out ahead: of what was
               derived only the tests of month ends that are over are there
    in batch   one more report of a batch: a batch of two less a batch of one, all derived
beside what importing pandas, Polars, Matplotlib, seaborn and the package takes; and the book once with each client's
summary and once without. Then, once each:
    packets    of every client that is stored, nothing derived: what an intake works out ahead, and the packets after it
    portfolio  of so many clients (the stored ones again and again under other ids): every summary made, then read,
               both with the start of the process, and as one more report of a batch
The workspace is copied first. Writes results/packets.txt; with --before FILE, an earlier version of it, the change.
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import polars as pl

from rcm_analysis.press.runs.run import RunRequest
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import Store
from rcm_analysis.tables.workspace import open_workspace

RESULTS = Path(__file__).parent / "results" / "packets.txt"
TEMPLATES = Path(__file__).parents[1] / "templates"
REPORTS = ("client_review", "ar_deep_dive", "ar_weekly_review")
BOOK = "portfolio_overview"
BATCH = """
import pickle, sys
from rcm_analysis.press.runs.batch import run_batch
batch = run_batch(pickle.load(open(sys.argv[1], "rb")))
sys.exit("; ".join(result.line() for result in batch.failures) or 0)
"""
STACK = "import pandas, polars, narwhals, matplotlib.figure, seaborn, rcm_analysis.notebook.opening"
AHEAD = """
import sys
from rcm_analysis.cli.ahead import work_out_ahead
from rcm_analysis.tables.workspace import open_workspace
for client in sys.argv[2:]:
    work_out_ahead(open_workspace(sys.argv[1]), client)
"""


def cost(*commands: list[str], cwd: Path) -> tuple[float, float]:
    """CPU seconds of the commands and of all that they start, and the memory of the largest process in MB."""
    seconds, memory = 0.0, 0.0
    for command in commands:
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, cwd=cwd, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise SystemExit(f"{' '.join(command[:3])} ended with {process.returncode}: {said.read()[-800:]!r}")
        seconds += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss / 1024)
    return seconds, memory


class Bench:
    """One copied workspace, and the ways to make a report of it."""

    def __init__(self, workspace: Path, folder: Path, period: str) -> None:
        self.folder, self.period, self.turn = folder, period, 0
        self.seen: set[tuple[str, str | None]] = set()
        self.workspace = folder / "workspace"
        ours = shutil.ignore_patterns("runs", "raw", "truth", "derived")
        shutil.copytree(workspace, self.workspace, ignore=ours)

    def plain(self, template: str, client: str | None) -> tuple[float, float]:
        scripts, out = Path(sysconfig.get_path("scripts")), self.folder / "out.ipynb"
        given = {"workspace": ".", "period": self.period} | ({"client": client} if client else {})
        words = [word for name, value in given.items() for word in ("-p", name, value)]
        source = str(TEMPLATES / f"{template}.ipynb")
        return cost(
            [str(scripts / "papermill"), "--no-progress-bar", source, str(out), *words],
            [str(scripts / "jupyter"), "nbconvert", "--to", "html", str(out)],
            cwd=self.workspace,
        )

    def batch(self, template: str, client: str | None, copies: int = 1) -> tuple[float, float]:
        """The report made so many times in one batch."""
        self.turn += 1
        runs, given = self.folder / f"runs{self.turn}", {"templates": TEMPLATES, "workspace": self.workspace}
        requests = [
            RunRequest(template, client, self.period, runs, variant=f"copy{number}" if number else "", **given)
            for number in range(copies)
        ]
        path = self.folder / "requests"
        path.write_bytes(pickle.dumps(requests))
        try:
            return cost([sys.executable, "-c", BATCH, str(path)], cwd=self.workspace)
        finally:
            shutil.rmtree(runs, ignore_errors=True)

    def forget(self) -> None:
        for path in self.workspace.glob("store/*/derived/*"):
            if not path.name.startswith("backtest"):
                path.unlink()

    def ways(self, template: str, client: str | None) -> dict[str, tuple[float, float]]:
        """Every way once."""
        if (template, client) not in self.seen:
            self.seen.add((template, client))
            self.batch(template, client)
        self.forget()
        found = {"new": self.batch(template, client)}
        found["plain"] = self.plain(template, client)
        found["alone"] = self.alone(template, client)
        one, _ = self.batch(template, client)
        two, memory = self.batch(template, client, copies=2)
        return found | {"in batch": (two - one, memory)}

    def alone(self, template: str, client: str | None) -> tuple[float, float]:
        """The command that a person types."""
        words = ["run", template, "--period", self.period, "--force", *(["--client", client] if client else [])]
        return cost([sys.executable, "-m", "rcm_analysis", *words], cwd=self.workspace)

    def packets(self) -> dict[str, tuple[float, float]]:
        """The packets of every stored client from a store beside which nothing is derived."""
        clients = open_workspace(self.workspace).store.clients()
        shutil.rmtree(self.workspace / "runs", ignore_errors=True)
        for folder in self.workspace.glob("store/*/derived"):
            shutil.rmtree(folder)
        ahead = cost([sys.executable, "-c", AHEAD, str(self.workspace), *clients], cwd=self.workspace)
        words = ["packets", "--period", self.period, *(word for client in clients for word in ("--client", client))]
        made = cost([sys.executable, "-m", "rcm_analysis", *words], cwd=self.workspace)
        return {f"worked out ahead, {len(clients)} clients": ahead, f"packets of {len(clients)} clients after it": made}

    def portfolio(self, count: int) -> dict[str, tuple[float, float]]:
        """The book of `count` clients, without and with their summaries; nothing else is derived."""
        larger = Bench.__new__(Bench)
        larger.folder, larger.period, larger.turn, larger.seen = self.folder, self.period, 0, set()
        larger.workspace = self.folder / "larger"
        shutil.copytree(self.workspace, larger.workspace, ignore=shutil.ignore_patterns("runs", "derived", "store"))
        _multiply(self.workspace, larger.workspace, count)
        made, there = larger.batch(BOOK, None), larger.batch(BOOK, None)
        two, memory = larger.batch(BOOK, None, copies=2)
        told = {"summaries made": made, "summaries there": there, "in batch": (two - there[0], memory)}
        return {f"portfolio of {count} clients, {words}": found for words, found in told.items()}


def _multiply(workspace: Path, larger: Path, count: int) -> None:
    """The stored clients again and again under other ids, in registry and store; without what only one may bear."""
    opened = open_workspace(workspace)
    registry, stored = workspace / "clients.toml", opened.store.clients()
    text = registry.read_text(encoding="utf-8")
    owner = ""
    head, sections = text[: text.index("[clients.")], {client: [] for client in stored}
    for line in text[len(head) :].splitlines(keepends=True):
        if line.startswith("[") and "clients." in line:
            owner = line.strip("[]\n").removeprefix("clients.").partition(".")[0]
        if owner in sections and not line.startswith(("npis", "tax_ids", "aliases")):
            sections[owner].append(line)
    written = [head]
    for number in range(count):
        client, new = stored[number % len(stored)], f"client{number:04d}"
        written += [line.replace(f"clients.{client}", f"clients.{new}") for line in sections[client]]
        _rename(opened.store, client, Store(larger / opened.store.folder.name), new)
    (larger / "clients.toml").write_text("".join(written), encoding="utf-8")
    tomllib.loads("".join(written))


def _rename(store: Store, client: str, larger: Store, new: str) -> None:
    """One stored client under another id."""
    held = store.open(client)
    with larger.change(new) as change:
        for table in (table for name, table in TABLES.items() if held.months(name)):
            change.replace_all(table, held.read(table.name).with_columns(client=pl.lit(new)))
        change.sides = {side: held.side_table(side) for side in ("findings", "quarantine")}


def table(rows: dict[str, list[dict[str, tuple[float, float]]]]) -> str:
    names = ("plain", "new", "alone", "in batch")
    lines = [f"{'report':<34}" + "".join(f"{name:>10}" for name in names) + f"{'MB, alone':>11}"]
    for label, rounds in rows.items():
        seconds = [statistics.median(one[name][0] for one in rounds) for name in names]
        memory = statistics.median(one["alone"][1] for one in rounds)
        lines.append(f"{label:<34}" + "".join(f"{value:>10.2f}" for value in seconds) + f"{memory:>11.0f}")
    return "\n".join(lines) + "\n"


def once(rows: dict[str, tuple[float, float]]) -> str:
    lines = [f"{'once':<50}{'CPU s':>9}{'MB':>8}"]
    lines += [f"{label:<50}{seconds:>9.2f}{memory:>8.0f}" for label, (seconds, memory) in rows.items()]
    return "\n".join(lines) + "\n"


def change(before: str, after: str) -> str:
    """The figures of an earlier version of this file beside these, line by line where both have them."""
    old = {line[:34].strip(): line[34:].split() for line in before.splitlines() if line[34:].strip()}
    lines = ["before -> after"]
    for line in after.splitlines():
        was, now = old.get(line[:34].strip(), []), line[34:].split()
        if was and len(was) == len(now) and now[0].replace(".", "").isdigit():
            lines.append(
                f"{line[:34]}" + "".join(f"{f'{one} -> {two}':>17}" for one, two in zip(was, now, strict=True))
            )
    return "\n".join(lines) + "\n"


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=Path("runs/demo"))
    parser.add_argument("--large", default="tx-docs")
    parser.add_argument("--small", default="dr-suess")
    parser.add_argument("--period", default="2026-10")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--book", type=int, default=60, help="clients of the multiplied book")
    parser.add_argument("--before", type=Path, help="results of an earlier version, to show the change")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    clients = (("largest client", given.large), ("small client", given.small))
    asked = [(f"{name}, {size}", name, client) for size, client in clients for name in REPORTS]
    asked.append(("portfolio_overview, whole book", BOOK, None))
    rows: dict[str, list[dict[str, tuple[float, float]]]] = {label: [] for label, *_ in asked}
    before = given.before.read_text(encoding="utf-8") if given.before else ""
    try:
        bench = Bench(given.workspace, folder, given.period)
        single = {"importing the stack": cost([sys.executable, "-c", STACK], cwd=folder)}
        for _ in range(given.rounds):
            for label, template, client in asked:
                rows[label].append(bench.ways(template, client))
                print(label, {name: round(found[0], 2) for name, found in rows[label][-1].items()}, flush=True)
        single |= bench.packets() | bench.portfolio(given.book)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    head = (
        f"CPU seconds of all processes, user + system; medians of {given.rounds} rounds, turn about.\n"
        "Ours makes notebook, HTML, PDF, workbook and manifest; plain a notebook and an HTML page.\n"
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end.\n\n"
    )
    told = f"{head}{table(rows)}\n{once(single)}"
    told += f"\n{change(before, told)}" if before else ""
    RESULTS.write_text(told, encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
