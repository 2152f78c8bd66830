"""CPU of reports: all processes of each way added up, beside plain papermill + nbconvert on the same notebooks.

    python benchmarks/packets.py --workspace runs/demo --large tx-docs --small dr-suess --period 2026-10

Seconds are user + system of every process that a way starts (the kernel's own account of ended children), so that
they hold on a busy machine too; the ways take turns within a round. Each report is made
    plain      papermill, then nbconvert to HTML, as one types them
    alone      ours as one command, with what is derived from the tables there already
    new        the same right after new files: of what was derived only the tests of month ends that are over are there
    in batch   one more report of a batch: a batch of two less a batch of one, all derived
and the book once with each client's summary and once without. The workspace is copied first.
Writes results/packets.txt.
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
from pathlib import Path
from typing import Any

from rcm_analysis.press.runs.run import RunRequest

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
        found["alone"] = self.batch(template, client)
        two, memory = self.batch(template, client, copies=2)
        return found | {"in batch": (two - found["alone"][0], memory)}


def table(rows: dict[str, list[dict[str, tuple[float, float]]]]) -> str:
    names = ("plain", "new", "alone", "in batch")
    lines = [f"{'report':<34}" + "".join(f"{name:>10}" for name in names) + f"{'MB, alone':>11}"]
    for label, rounds in rows.items():
        seconds = [statistics.median(one[name][0] for one in rounds) for name in names]
        memory = statistics.median(one["alone"][1] for one in rounds)
        lines.append(f"{label:<34}" + "".join(f"{value:>10.2f}" for value in seconds) + f"{memory:>11.0f}")
    return "\n".join(lines) + "\n"


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=Path("runs/demo"))
    parser.add_argument("--large", default="tx-docs")
    parser.add_argument("--small", default="dr-suess")
    parser.add_argument("--period", default="2026-10")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    clients = (("largest client", given.large), ("small client", given.small))
    asked = [(f"{name}, {size}", name, client) for size, client in clients for name in REPORTS]
    asked.append(("portfolio_overview, whole book", BOOK, None))
    rows: dict[str, list[dict[str, tuple[float, float]]]] = {label: [] for label, *_ in asked}
    try:
        bench = Bench(given.workspace, folder, given.period)
        for _ in range(given.rounds):
            for label, template, client in asked:
                rows[label].append(bench.ways(template, client))
                print(label, {name: round(found[0], 2) for name, found in rows[label][-1].items()}, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    head = (
        f"CPU seconds of all processes, user + system; medians of {given.rounds} rounds, turn about.\n"
        "Ours makes notebook, HTML, PDF, workbook and manifest; plain a notebook and an HTML page.\n"
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end.\n\n"
    )
    RESULTS.write_text(head + table(rows), encoding="utf-8")
    print(head + table(rows))


if __name__ == "__main__":
    main()
