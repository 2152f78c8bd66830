"""Many small exports of several clients from their folders to the store, beside plain readers of the same files.

    python benchmarks/small_files.py [files] [clients]      # default 2000 and 6; writes results/small_files.txt

The files hold the rows of `ingest.py` (13 columns, one row in 400 broken), 277 to a file, as in the 20,905 files of 60
clients that are the aim; what those cost is carried on from here by the file, and said to be carried on. Ours is
`ingest_client`: found, recognised, checked, quarantined and stored. Polars and DuckDB read every cell as text, file by
file, and check and store nothing. Each reading runs in a fresh process, by turns; CPU counts all threads and processes.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from ingest import MAP, _cpu, rows

RESULTS = Path(__file__).parent / "results" / "small_files.txt"
ROWS, ALL_FILES, AIM = 277, 20_905, 100
CLIENT = """
[clients.c{number}]
name = "Client {number}"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = []
column_maps = ["bench"]
"""


def write(folder: Path, files: int, clients: int) -> None:
    """A workspace of so many clients, the files dealt out among them."""
    (folder / "maps").mkdir()
    (folder / "rcm.toml").write_text("")
    (folder / "clients.toml").write_text("".join(CLIENT.format(number=number) for number in range(clients)))
    (folder / "maps" / "bench.toml").write_text(MAP.replace('delivery = "month"', 'delivery = "append"'))
    for number, part in enumerate(rows(files * ROWS).iter_slices(ROWS)):
        path = folder / "raw" / f"c{number % clients}" / f"ledger_{number:05d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_csv(path)


def read(reader: str, folder: Path) -> None:
    """One reading of all files, measured: printed as JSON by a process of its own."""
    files = sorted((folder / "raw").rglob("*.csv"))
    if reader == "ours":
        from rcm_analysis.sources.intake import find_files, ingest_client
        from rcm_analysis.tables.workspace import open_workspace

        workspace = open_workspace(folder)
        began, height = _cpu(), 0
        for client, paths in find_files(workspace).items():
            report = ingest_client(workspace, client, paths)
            height += sum(file.rows_stored + file.rows_quarantined for file in report.files)
    elif reader == "polars":
        began = _cpu()
        height = sum(pl.read_csv(path, infer_schema=False).height for path in files)
    else:
        import duckdb

        began = _cpu()
        tables = (
            duckdb.sql(f"select * from read_csv('{path}', all_varchar = true)").to_arrow_table() for path in files
        )
        height = sum(table.num_rows for table in tables)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": _cpu() - began, "peak_mb": peak, "rows": height}))


def main(files: int = 2000, clients: int = 6, times: int = 3) -> None:
    runs: dict[str, list[dict]] = {"ours": [], "polars": [], "duckdb": []}
    for _ in range(times):
        with tempfile.TemporaryDirectory() as name:
            write(Path(name), files, clients)
            size = sum(path.stat().st_size for path in (Path(name) / "raw").rglob("*.csv"))
            for reader, measured in runs.items():
                command = [sys.executable, __file__, "--read", reader, name]
                measured.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert {run["rows"] for measured in runs.values() for run in measured} == {files * ROWS}
    lines = [
        f"{files:,} CSV files of {clients} clients, {files * ROWS:,} rows, {size / 1e6:.0f} MB; ours to the store",
        f"{platform.system()}, Python {platform.python_version()}, Polars {pl.__version__}; {times} runs each, fresh "
        f"processes by turns; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: above 1 other work ran "
        "beside, so ratios are side by side and CPU seconds upper bounds",
        "",
        f"{'reader':<10}{'CPU s':>8}{'ms a file':>11}{'peak MB':>9}{f'carried to {ALL_FILES:,} files':>28}",
    ]
    for reader, measured in runs.items():
        cpu, peak = (statistics.median(run[key] for run in measured) for key in ("cpu", "peak_mb"))
        lines.append(
            f"{reader:<10}{cpu:>8.2f}{1000 * cpu / files:>11.2f}{peak:>9.0f}{cpu / files * ALL_FILES:>26.0f} s"
        )
    lines += ["", f"The aim is {AIM} CPU seconds for the {ALL_FILES:,} files."]
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
