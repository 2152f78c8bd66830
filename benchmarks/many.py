"""Many clients on one machine: made, taken in, their packets of one month; each stage's cost, and that of 10,000.

    python benchmarks/many.py --folder /big/disk/many --clients 200 --months 18 --workers 2

Clients are the simulator's own (the twelve of the demo, then its default mix of sizes and services), and every stage is
the command that users type: `rcm simulate`, `rcm ingest`, `rcm packets`, and `rcm packets` again with nothing changed.
While a stage runs, its whole tree of processes is looked at every few seconds:
    CPU      seconds, user + system, of every process of the tree and of those that have ended (they hold under load)
    memory   shared pages counted once (PSS), so that forked notebooks are not counted twice
    done     what stands finished on the disk: clients stored, reports and packets made
CPU over what is done is fitted by a straight line; its slope carries to 10,000 clients, and the worst distance of a
point from the line is printed beside it. Stages that stand finished in the folder already are not run again.
Writes results/many.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

RESULTS = Path(__file__).parent / "results" / "many.txt"
MANY = 10_000
LOOK_SECONDS = 5.0
MADE = ("simulate", "ingest")
"""Stages whose cost is that of the clients they came to, also where one was stopped."""
FINDINGS = 1
"""What `rcm ingest` ends with where something needs a person; the clients are stored all the same."""


@dataclass(frozen=True)
class Look:
    """The tree of one stage at a moment of it."""

    wall: float
    cpu: float
    memory_mb: float
    processes: int
    done: int


def look(root: psutil.Process, began: float, done: int) -> Look:
    """CPU and memory of a process and all below it, ended ones with those that waited for them."""
    cpu, memory, count = 0.0, 0.0, 0
    for process in [root, *root.children(recursive=True)]:
        try:
            used, held = process.cpu_times(), process.memory_full_info().pss
        except psutil.Error:
            continue
        cpu += used.user + used.system + used.children_user + used.children_system
        memory, count = memory + held / (1 << 20), count + 1
    return Look(time.monotonic() - began, cpu, memory, count, done)


def stage(name: str, words: list[str], done: Callable[[], int], folder: Path) -> dict[str, Any]:
    """Run a command and look at its tree until it ends; what it said is kept beside the workspace."""
    stored = folder / f"{name}.json"
    if stored.exists():
        return json.loads(stored.read_text())
    began, before, looks = time.monotonic(), done(), []
    print(f"{name}: {' '.join(words)}", flush=True)
    with (folder / f"{name}.log").open("w") as said:
        process = subprocess.Popen([sys.executable, "-m", "rcm_analysis", *words], stdout=said, stderr=said)
        root = psutil.Process(process.pid)
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            looks.append(vars(look(root, began, done() - before)))
            print(f"  {looks[-1]}", flush=True)
            time.sleep(LOOK_SECONDS)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, FINDINGS):
        raise SystemExit(f"{name} ended with {process.returncode}; see {folder / name}.log")
    cpu, wall = usage.ru_utime + usage.ru_stime, time.monotonic() - began
    found = {"cpu": cpu, "wall": wall, "code": process.returncode, "done": done() - before, "looks": looks}
    found["load"] = os.getloadavg()[0]
    stored.write_text(json.dumps(found))
    return found


def bytes_below(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def signed(workspace: Path, period: str, name: str = "*") -> int:
    """How many reports and packets of the month are finished."""
    return sum(not path.parent.name.startswith(".") for path in workspace.glob(f"runs/*/{period}/{name}/manifest.json"))


def last_month(workspace: Path) -> str:
    """The month that most clients end with."""
    ends = [
        max(path.name for path in folder.glob("*-*.parquet"))[:7] for folder in workspace.glob("store/*/transactions")
    ]
    return max(set(ends), key=ends.count)


def run(given: Any) -> dict[str, Any]:
    """Every stage in its turn, each with what it made."""
    folder, workspace = given.folder, given.folder / "workspace"
    folder.mkdir(parents=True, exist_ok=True)
    place, hands = ["--workspace", str(workspace)], ["--workers", str(given.workers)]
    asked = ["--clients", str(given.clients), "--months", str(given.months)]
    made = lambda: len(list(workspace.glob("raw/*")))  # noqa: E731
    kept = lambda: len(list(workspace.glob("store/*/manifest.json")))  # noqa: E731
    found: dict[str, Any] = {
        "simulate": stage("simulate", ["simulate", "--out", str(workspace), *asked, *hands], made, folder),
        "ingest": stage("ingest", ["ingest", *place, *hands], kept, folder),
    }
    period = last_month(workspace)
    month = ["packets", *place, *hands, "--period", period]
    found["packets"] = stage("packets", month, lambda: signed(workspace, period), folder)
    found["again"] = stage("again", month, lambda: 0, folder)
    found["bytes"] = {
        "raw": bytes_below(workspace / "raw"),
        "store": bytes_below(workspace / "store", "*.parquet"),
        "derived": bytes_below(workspace / "store", "*.arrow"),
        "packets": sum(bytes_below(path) for path in workspace.glob(f"runs/*/{period}/packet")),
    }
    found["bytes"]["reports"] = bytes_below(workspace / "runs") - found["bytes"]["packets"]
    found["counts"] = counts(workspace, period)
    return found


def counts(workspace: Path, period: str) -> dict[str, Any]:
    """What was made, and what the overview of all clients took, which is one job of many clients."""
    overview = workspace / "runs" / "portfolio" / period / "portfolio_overview" / "manifest.json"
    usage = json.loads(overview.read_text())["usage"] if overview.exists() else {}
    events = [json.loads(line) for path in workspace.glob("runs/_batches/*/*.jsonl") for line in path.open()]
    failed = sum(event.get("status") == "failed" for event in events)
    rows = 0
    for path in workspace.glob("store/*/manifest.json"):
        parts = json.loads(path.read_text())["tables"].values()
        rows += sum(part["rows"] for months in parts for part in months.values())
    clients = len(list(workspace.glob("store/*/manifest.json")))
    return {
        "clients": clients, "rows": rows, "jobs": signed(workspace, period), "failed": failed, "overview": usage,
        "packets": signed(workspace, period, "packet"),
    }  # fmt: skip


def fitted(found: dict[str, Any]) -> tuple[float, float, float]:
    """CPU seconds before the first and for each more, and the worst distance from that line as a share of the whole."""
    looks = [one for one in found["looks"] if one["done"]] + [{"done": found["done"], "cpu": found["cpu"]}]
    first = {}
    for one in looks:
        first.setdefault(one["done"], one["cpu"])
    done, cpu = np.array(list(first), float), np.array(list(first.values()), float)
    if len(done) < 3:
        return 0.0, found["cpu"] / max(1, found["done"]), float("nan")
    slope, start = np.polyfit(done, cpu, 1)
    return float(start), float(slope), float(np.abs(cpu - start - slope * done).max() / cpu.max())


def memory(looks: list[dict[str, Any]]) -> list[float]:
    """The highest memory of each quarter of a stage, in MB: flat, if the last is no higher than the first."""
    return [max((one["memory_mb"] for one in part), default=0.0) for part in map(list, np.array_split(looks, 4))]


def told(found: dict[str, Any], given: Any) -> str:
    """The result as text."""
    counted, size = found["counts"], found["bytes"]
    clients = counted["clients"]
    lines = [
        *([given.note, ""] if given.note else []),
        f"{clients} simulated clients x {given.months} months, {counted['rows']:,} rows stored, {counted['jobs']:,} "
        f"reports and packets ({counted['packets']:,} packets), {counted['failed']} failed.",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}; {given.workers} workers, niceness {os.nice(0)}.",
        "CPU seconds are user + system of all processes and hold on a busy machine; wall seconds do not: load is the",
        "machine's at the end of a stage, so anything above the number of workers was somebody else's work.",
        "",
        f"{'stage':<10}{'CPU s':>9}{'wall s':>9}{'load':>6}{'CPU s a client':>16}   highest MB of the tree, by quarter",
    ]
    for name in ("simulate", "ingest", "packets", "again"):
        one = found[name]
        quarters = "".join(f"{value:>8.0f}" for value in memory(one["looks"]))
        lines.append(
            f"{name:<10}{one['cpu']:>9.1f}{one['wall']:>9.0f}{one['load']:>6.1f}"
            f"{one['cpu'] / (one['done'] if name in MADE else clients):>16.2f}{quarters}"
        )
    lines += ["", f"{'bytes':<10}{'MB':>9}{'MB a client':>13}"]
    lines += [f"{name:<10}{value / 1e6:>9.0f}{value / 1e6 / clients:>13.2f}" for name, value in size.items()]
    return "\n".join([*lines, "", *projected(found, clients)]) + "\n"


def projected(found: dict[str, Any], clients: int) -> list[str]:
    """What 10,000 such clients take, by the line through what was measured."""
    lines, total = [f"{MANY:,} clients of this mix, by straight lines through what was measured:"], 0.0
    share = found["counts"]["jobs"] / clients
    for name, each, what in (("ingest", 1.0, "client"), ("packets", share, "report or packet")):
        start, slope, off = fitted(found[name])
        hours = (start + slope * each * MANY) / 3600
        total += hours
        lines.append(
            f"  {name:<8} {start:.1f} CPU s + {slope:.3f} for each {what} (no point is further than {off:.1%} of "
            f"the whole from the line): {hours:.1f} CPU hours"
        )
    again = found["again"]["cpu"] / clients * MANY / 3600
    lines.append(f"  nothing changed: {found['again']['cpu'] / clients:.3f} CPU s a client: {again:.2f} CPU hours")
    overview = found["counts"]["overview"]
    if overview:
        lines.append(
            f"  the overview of all {clients} is one job in one process; it took "
            f"{overview['cpu_seconds']:.1f} CPU s and {overview['peak_kb'] / 1024:.0f} MB"
        )
    lines += [
        f"  together {total:.1f} CPU hours: one machine of 16 cores {total / 16:.1f} hours, ten such machines "
        f"{total / 160 * 60:.0f} minutes, if their disks and network keep up (not measured).",
        "  disk: " + ", ".join(
            f"{name} {value / clients * MANY / 1e9:.0f} GB" for name, value in found["bytes"].items()
        ),
    ]  # fmt: skip
    return lines


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the workspace is made; nothing is deleted")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--note", default="", help="what a reader of the result should know first")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    text = told(run(given), given)
    given.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
