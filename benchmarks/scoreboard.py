"""The scoreboard over a range of seeds, with what it took; kept in `benchmarks/results/`.

    python benchmarks/scoreboard.py 1-3 [--clients 12] [--months 20] [--workers 2] [--dry]

Writes `results/scoreboard.txt` (the latest table) and adds a line to `results/scoreboard.jsonl` (the
history); --dry only prints. Seeds used while building an analysis do not count for it: keep some back.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from pathlib import Path

from rcm_analysis import scoreboard
from rcm_analysis.scoreboard.record import machine
from rcm_analysis.scoreboard.run import CLIENTS, MONTHS, SIZES

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="?", default="1-3", help="A-B, both included")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="print, keep nothing")
    asked = parser.parse_args()
    seeds, start = scoreboard.parse_seeds(asked.seeds), time.perf_counter()
    rows = scoreboard.run(seeds, clients=asked.clients, months=asked.months, workers=asked.workers)
    took = time.perf_counter() - start
    sizes = ", ".join(f"{SIZES[seed % len(SIZES)]:g}" for seed in seeds)
    text = (
        f"Scoreboard: seeds {asked.seeds}, {asked.clients} clients each, {asked.months} months, sizes {sizes}\n"
        f"{machine()}; {took:,.0f} s with {asked.workers} workers\n\n{scoreboard.table_text(rows)}\n"
    )
    print(text)
    if not asked.dry:
        scoreboard.keep(RESULTS, rows, text, seeds=seeds, made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))


if __name__ == "__main__":
    main()
