"""How fast an 835 of 50 MB is read, beside oxedi in the same run.

    python benchmarks/read_835.py [megabytes] [rounds]

Writes a balanced remittance of that size into a temporary folder. Each reading happens in a fresh
process, ours and theirs by turns, and is timed from the bytes in memory to the finished tables. What
the tables say is compared too: claims, charges, payments and adjustments must be the same.
The text is kept in `benchmarks/results/read_835.txt`.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "read_835.txt"
CLAIMS_PER_PAYMENT = 50

OURS = """
import json, resource, sys, time
from pathlib import Path
from rcm_analysis.sources.x12.remit835 import read_835
data = Path(sys.argv[1]).read_bytes()
start, start_cpu = time.perf_counter(), time.process_time()
read = read_835(data)
wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
print(json.dumps({"wall": wall, "cpu": cpu, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "claims": len(read.claims), "lines": len(read.lines), "charges": int(read.claims["charge_cents"].sum()),
    "paid": int(read.claims["paid_cents"].sum()), "adjusted": int(read.adjustments["amount_cents"].sum()),
    "findings": len(read.findings)}))
"""

THEIRS = """
import json, resource, sys, time
from pathlib import Path
import oxedi
data = Path(sys.argv[1]).read_bytes()
start, start_cpu = time.perf_counter(), time.process_time()
tables = oxedi.parse(data).tables.to_polars()
wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
def cents(table, column):
    return int(tables[table][column].sum() * 100)
print(json.dumps({"wall": wall, "cpu": cpu, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "claims": tables["claims"].height, "lines": tables["services"].height, "charges": cents("claims", "charge_amount"),
    "paid": cents("claims", "payment_amount"), "adjusted": cents("adjustments", "amount")}))
"""


def usd(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def claim(number: int, chance: random.Random) -> tuple[list[str], int]:
    """The segments of one balanced claim, and what it pays."""
    lines, charged, paid, owed = [], 0, 0, 0
    for place in range(1, chance.randint(1, 4) + 1):
        charge = chance.randrange(2_000, 40_000)
        payment = chance.randrange(0, charge)
        patient = chance.randrange(0, charge - payment + 1)
        lines += [
            f"SVC*HC:99213:25*{usd(charge)}*{usd(payment)}**1",
            "DTM*472*20260105",
            f"CAS*CO*45*{usd(charge - payment - patient)}",
            f"CAS*PR*1*{usd(patient)}",
            f"REF*6R*{place}",
            f"AMT*B6*{usd(payment + patient)}",
        ]
        charged, paid, owed = charged + charge, paid + payment, owed + patient
    head = [
        f"CLP*CLAIM{number:08d}*1*{usd(charged)}*{usd(paid)}*{usd(owed)}*12*ICN{number:09d}*11*1",
        "NM1*QC*1*DOE*JANE****MI*MEM12345",
        "NM1*82*1*ROE*RICHARD****XX*1234567893",
        "DTM*232*20260105",
        "DTM*233*20260105",
    ]
    return head + lines, paid


def payments(chance: random.Random) -> Iterator[str]:
    """The text of one transaction after another, without end."""
    number = 0
    while True:
        number += 1
        body, total = [], 0
        for place in range(CLAIMS_PER_PAYMENT):
            segments, paid = claim(number * CLAIMS_PER_PAYMENT + place, chance)
            body, total = body + segments, total + paid
        head = [
            f"ST*835*{number:05d}",
            f"BPR*I*{usd(total)}*C*ACH*CCP*01*1*DA*2*1999999999**01*3*DA*4*20260110",
            f"TRN*1*EFT{number}*1999999999",
            "DTM*405*20260109",
            "N1*PR*BIG PAYER*XV*12345",
            "N1*PE*CLINIC*XX*1234567893",
            "LX*1",
        ]
        yield "~\n".join([*head, *body, f"SE*{len(head) + len(body) + 1}*{number:05d}"]) + "~\n"


def write(path: Path, size: int) -> int:
    """An 835 of at least `size` bytes; the number of its segments."""
    text = [
        "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PROVIDER       *260101*1200*^*00501*000000001*0*P*:~\n",
        "GS*HP*PAYER*PROVIDER*20260101*1200*1*X*005010X221A1~\n",
    ]
    held = 0
    for transaction in payments(random.Random(835)):
        text.append(transaction)
        held += len(transaction)
        if held > size:
            break
    whole = "".join([*text, f"GE*{len(text) - 2}*1~\nIEA*1*000000001~\n"])
    path.write_text(whole, newline="\n")
    return whole.count("~")


def timed(program: str, path: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def report(segments: int, size: int, ours: list[dict], theirs: list[dict]) -> str:
    versions = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import oxedi, polars, pandas; print('polars', polars.__version__, 'pandas', pandas.__version__, "
                "'oxedi', oxedi.__version__)"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    lines = [
        (
            f"Reading one 835: {size / 1e6:.1f} MB, {segments:,} segments, {ours[0]['claims']:,} claims, "
            f"{ours[0]['lines']:,} lines"
        ),
        f"Machine: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {versions}",
        f"Rounds: {len(ours)}, a fresh process each, by turns. CPU counts all threads.",
        f"Load of the machine at the end (1 minute): {os.getloadavg()[0]:.1f}; above 1 other work shared the cores.",
        "",
        f"{'':28}{'wall best':>10}{'median':>9}{'CPU best':>10}{'segments/s':>12}{'per CPU s':>12}{'memory':>10}",
    ]
    for name, runs in (("rcm_analysis.read_835", ours), ("oxedi.parse().to_polars()", theirs)):
        walls, cpus = [run["wall"] for run in runs], [run["cpu"] for run in runs]
        lines.append(
            f"{name:28}{min(walls):>8.2f} s{statistics.median(walls):>7.2f} s{min(cpus):>8.2f} s"
            f"{segments / min(walls):>12,.0f}{segments / min(cpus):>12,.0f}{runs[0]['memory']:>7,.0f} MB"
        )
    ratio = min(run["wall"] for run in theirs) / min(run["wall"] for run in ours)
    cpu_ratio = min(run["cpu"] for run in theirs) / min(run["cpu"] for run in ours)
    lines += ["", f"Ours is {ratio:.2f} times as fast as oxedi by wall time, {cpu_ratio:.2f} times by CPU time."]
    lines += [
        "Same claims, lines, charges, payments and adjustments; ours balances to the cent with "
        f"{ours[0]['findings']} findings and adds pandas frames and balancing checks."
    ]
    return "\n".join(lines) + "\n"


def main(megabytes: float = 50, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.835"
        segments = write(path, int(megabytes * 1e6))
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(timed(OURS, path))
            theirs.append(timed(THEIRS, path))
        for name in ("claims", "lines", "charges", "paid", "adjusted"):
            assert ours[0][name] == theirs[0][name], name
        text = report(segments, path.stat().st_size, ours, theirs)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)
    print(text)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
