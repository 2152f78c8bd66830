"""A million-row export from file to checked rows and quarantine, as CSV and as XLSX, beside plain readers.

    python benchmarks/ingest.py [rows]        # default 1000000; writes benchmarks/results/ingest.txt

Beside ours stand Polars' and DuckDB's own readers of the same CSV, and fastexcel, which reads the XLSX for us, alone:
every cell as text, nothing checked. CPU seconds are those of the process and of the processes that it starts.

Both files hold the same rows: 13 columns, one row in 400 broken in one of five ways. Every reading
runs in a fresh process; time and peak memory are of that process (time without starting Python).
The XLSX holds text cells, number cells and date cells, its text inline.
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
import time
import zipfile
from pathlib import Path

import polars as pl
import psutil

RESULTS = Path(__file__).parent / "results" / "ingest.txt"
MAP = """
name = "bench"
[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"
[transactions.columns]
transaction_id = ["Txn ID"]
claim_id = ["Claim"]
line_number = ["Line"]
kind = ["Type"]
party = ["Responsible"]
amount_cents = ["Amount"]
happened_on = ["Service Date"]
posted_on = ["Posting Date"]
payer = ["Payer"]
carc = ["Reason Code"]
trace = ["Check No"]
posted_by = ["User"]
[transactions.values.kind]
CHG = "charge"
PMT = "payment"
ADJ = "contractual"
"""
HEADERS = (
    "Txn ID",
    "Claim",
    "Line",
    "Patient Name",
    "Type",
    "Responsible",
    "Amount",
    "Service Date",
    "Posting Date",
    "Payer",
    "Reason Code",
    "Check No",
    "User",
)


def rows(count: int) -> pl.DataFrame:
    """The text of the export: deterministic, with planted faults."""
    number = pl.int_range(count)
    plain = pl.concat_str(
        number * 7919 % 90000 // 100 + 10, pl.lit("."), (number * 31 % 100).cast(pl.String).str.zfill(2)
    )
    day = pl.date(2025, 1, 2) + pl.duration(days=number % 540)
    texts = [
        pl.concat_str(pl.lit("T"), number.cast(pl.String).str.zfill(9)),
        pl.concat_str(pl.lit("0"), (number // 4).cast(pl.String).str.zfill(8)),
        (number % 4 + 1).cast(pl.String),
        pl.concat_str(pl.lit("Doe, Patient "), number // 40),
        pl.when(number % 4 == 0).then(pl.lit("CHG")).when(number % 4 == 3).then(pl.lit("ADJ")).otherwise(pl.lit("PMT")),
        pl.when(number % 4 == 2).then(pl.lit("patient")).otherwise(pl.lit("primary")),
        pl.when(number % 5 == 0).then(pl.concat_str(pl.lit("$"), plain)).otherwise(plain),
        day.dt.strftime("%m/%d/%Y"),
        (day + pl.duration(days=number % 45)).dt.strftime("%m/%d/%Y"),
        pl.concat_str(pl.lit("Payer "), number % 23),
        pl.when(number % 4 == 3).then(pl.lit("045")).otherwise(pl.lit("")),
        pl.when(number % 4 == 1).then(pl.concat_str(pl.lit("00"), number // 90)).otherwise(pl.lit("")),
        pl.concat_str(pl.lit("user"), number % 12),
    ]
    frame = pl.select(text.alias(header) for header, text in zip(HEADERS, texts, strict=True))
    number, spoiled = pl.int_range(pl.len()), []
    for shift, (header, text) in enumerate(
        [("Amount", "n/a"), ("Posting Date", "13/45/2026"), ("Type", "ZZZ"), ("Txn ID", ""), ("Amount", "1.005")]
    ):
        spoiled.append((header, text, number % 2000 == 17 + 400 * shift))
    for header, text, where in spoiled:
        frame = frame.with_columns(pl.when(where).then(pl.lit(text)).otherwise(pl.col(header)).alias(header))
    return frame


def write_xlsx(frame: pl.DataFrame, path: Path) -> None:
    """A workbook with one sheet: `Line` as number cells, plain amounts as number cells, the rest inline text."""

    def cell(name: str) -> pl.Expr:
        text = pl.concat_str(pl.lit('<c t="inlineStr"><is><t>'), pl.col(name), pl.lit("</t></is></c>"))
        if name not in ("Line", "Amount"):
            return text
        number = pl.concat_str(pl.lit("<c><v>"), pl.col(name), pl.lit("</v></c>"))
        return pl.when(pl.col(name).str.contains(r"^\d+(\.\d\d)?$")).then(number).otherwise(text)

    head = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in HEADERS)
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    office, package = (f"http://schemas.openxmlformats.org/{part}/2006" for part in ("officeDocument", "package"))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}/relationships"><sheets>'
            '<sheet name="Transactions" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<worksheet xmlns="{main}"><sheetData><row>{head}</row>'.encode())
            for part in frame.iter_slices(100_000):
                lines = part.select(pl.concat_str(pl.lit("<row>"), *map(cell, HEADERS), pl.lit("</row>"))).to_series()
                sheet.write("".join(lines).encode())
            sheet.write(b"</sheetData></worksheet>")


def read(path: Path, folder: Path) -> None:
    """One reading, measured: printed as JSON by a process of its own."""
    from rcm_analysis.sources.exports import reader as exports

    maps = [exports.read_map(folder / "bench.toml")]
    started, cpu = time.perf_counter(), _cpu()
    found = exports.recognise(path, maps)
    recognised = time.perf_counter() - started
    export = exports.read_export(path, found[0], client="bench")
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "recognise": recognised,
                "cpu": _cpu() - cpu,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "stored": export.rows.height,
                "quarantined": export.quarantine.height,
                "rows_in": export.rows_in,
                "cents_in": export.cents_in,
            }
        )
    )


PLAIN = {"polars": "export.csv", "duckdb": "export.csv", "fastexcel": "export.xlsx"}
"""Readers beside ours, and the file that each reads."""


def read_plainly(reader: str, path: Path) -> None:
    """One reading by a plain reader, measured in the same way."""
    started, cpu = time.perf_counter(), _cpu()
    if reader == "polars":
        height = pl.read_csv(path, infer_schema=False).height
    elif reader == "duckdb":
        import duckdb

        height = duckdb.sql(f"select * from read_csv('{path}', all_varchar = true)").to_arrow_table().num_rows
    else:
        import fastexcel

        height = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars().height
    seconds, cpu = time.perf_counter() - started, _cpu() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak, "rows": height}))


def _cpu() -> float:
    """CPU seconds of this process and of those that it started: workbooks are read in one of their own."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    living = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    used = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    return used + sum(times.user + times.system for times in living)


def _one(values: set[int]) -> int:
    (value,) = values
    return value


def _run(*words: str) -> dict:
    command = [sys.executable, __file__, *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(count: int, times: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.toml").write_text(MAP)
        frame = rows(count)
        frame.write_csv(folder / "export.csv")
        write_xlsx(frame, folder / "export.xlsx")
        lines = [
            f"Ingest of a {count:,}-row export, 13 columns: recognise, read, check, type, quarantine",
            f"{platform.platform()}, {platform.machine()}, Python {platform.python_version()}, Polars "
            f"{pl.__version__}, "
            f"{pl.thread_pool_size()} threads; {times} runs each, fresh processes, interleaved",
            (
                f"load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores (wall times of a "
                "busy machine are upper bounds; where other work ran beside, read the ratios)"
            ),
            "",
            (
                f"{'file':<12}{'MB':>6}{'median s':>10}{'min s':>8}{'CPU s':>8}{'recognise s':>13}{'peak MB':>9}"
                f"{'stored':>11}{'set aside':>11}"
            ),
        ]
        runs: dict[str, list[dict]] = {"export.csv": [], "export.xlsx": []}
        plain: dict[str, list[dict]] = {reader: [] for reader in PLAIN}
        for _ in range(times):
            for file, measured in runs.items():
                measured.append(_run("--read", str(folder / file), str(folder)))
            for reader, file in PLAIN.items():
                plain[reader].append(_run("--plain", reader, str(folder / file)))
        for file, measured in runs.items():
            seconds = [run["seconds"] for run in measured]
            median = {key: statistics.median(run[key] for run in measured) for key in measured[0]}
            lines.append(
                f"{file:<12}{(folder / file).stat().st_size / 1e6:>6.0f}{statistics.median(seconds):>10.2f}"
                f"{min(seconds):>8.2f}"
                f"{median['cpu']:>8.2f}{median['recognise']:>13.2f}{median['peak_mb']:>9.0f}{int(median['stored']):>11,}"
                f"{int(median['quarantined']):>11,}"
            )
            assert median["stored"] + median["quarantined"] == median["rows_in"] == count
        lines += ["", f"{'beside it':<12}{'file':<13}{'CPU s':>8}{'peak MB':>9}{'ours / theirs, CPU':>20}"]
        for reader, file in PLAIN.items():
            theirs = {key: statistics.median(run[key] for run in plain[reader]) for key in ("cpu", "peak_mb")}
            ours = statistics.median(run["cpu"] for run in runs[file])
            lines.append(
                f"{reader:<12}{file:<13}{theirs['cpu']:>8.2f}{theirs['peak_mb']:>9.0f}{ours / theirs['cpu']:>19.1f}x"
            )
        same = {run["cents_in"] for measured in runs.values() for run in measured}
        lines += [
            "",
            f"Sum of effects on the receivable, the same in every run of both files: {_one(same) / 100:,.2f} USD.",
        ]
        text = "\n".join(lines) + "\n"
        print(text)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--plain"]:
        read_plainly(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
