"""The measures beside hand-written Polars and pandas, on the same Parquet files and to the same cent.

    python benchmarks/measures.py [--claims 10000000] [--rounds 3] [--without-pandas] [--keep FOLDER]

Writes an invented ledger of that many claims and two and a half times as many postings into a temporary
folder, one file per client and table as the store keeps them, 25 clients. "ours by client" opens one client
after another, as the packets do; the other ways open all at once. Every measurement is a fresh process that goes from
the files to the finished pandas frame; the ways take turns. All ways must agree to the cent, or the run fails.
The text is kept in `benchmarks/results/measures.txt`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import polars as pl

RESULTS = Path(__file__).parent / "results" / "measures.txt"
CLIENTS = 25
PAYERS = np.array(["aetna", "cigna", "medicare", "medicaid", "blue", "united", "humana", "other"])
FIRST, LAST = dt.date(2024, 10, 1), dt.date(2026, 9, 30)

SETUP = """
import datetime as dt, json, sys, time
from pathlib import Path
folder, as_of = Path(sys.argv[1]), dt.date(2026, 9, 30)
first_day, window_start = dt.date(2026, 9, 1), as_of - dt.timedelta(days=89)
claims, postings = str(folder / "claims" / "*.parquet"), str(folder / "transactions" / "*.parquet")
"""
FINISH = """
# Not getrusage: its peak is inherited from the parent that wrote the ledger.
peak = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
memory = int(peak[0].split()[1]) / 1024
print(json.dumps({"wall": time.perf_counter() - start, "cpu": time.process_time() - start_cpu, "memory": memory, "sums":
sums}))
"""
START = "start, start_cpu = time.perf_counter(), time.process_time()\n"
BY_CLIENT = """
import polars as pl, pandas
from rcm_analysis import ledger
from rcm_analysis.measures.collections import rates as collections
from rcm_analysis.measures.receivable import ar
from rcm_analysis.periods import Period
start, start_cpu = time.perf_counter(), time.process_time()
month, total = Period.month("2026-09"), None
for file in sorted((folder / "claims").iterdir()):
    tables = {"claims": pl.scan_parquet(file), "transactions": pl.scan_parquet(folder / "transactions" / file.name)}
%s
    total = sums if total is None else [a + b for a, b in zip(total, sums)]
sums = total
"""
WAYS = {
    "ours": "import polars as pl, pandas\nfrom rcm_analysis import ledger\nfrom rcm_analysis.measures.collections "
    "import rates as collections\nfrom rcm_analysis.measures.receivable import ar\n"
    "from rcm_analysis.periods import Period\n"
    + START
    + (
        "tables = {'claims': pl.scan_parquet(claims), 'transactions': pl.scan_parquet(postings)}\nmonth = "
        "Period.month('2026-09')\n"
    ),
    "polars": "import polars as pl, pandas\n" + START + "c, t = pl.scan_parquet(claims), pl.scan_parquet(postings)\n",
    "pandas": "import pandas as pd\n"
    + START
    + "def read(table, columns):\n    return pd.read_parquet(folder / table, columns=columns)\n",
}

BODIES = {
    ("aging", "ours"): """
found = ar.aging(tables, as_of=as_of, by=["payer"])
sums = [int(found["claims"].sum()), int(found["ar_cents"].sum()), int(found["credit_cents"].sum()),
int((found["ar_cents"] * (found["bucket"] == "over 120")).sum())]
""",
    ("aging", "polars"): """
open_items = (t.filter(pl.col("posted_on") <= as_of, pl.col("claim_id").is_not_null()).group_by("client", "claim_id",
"party")
    .agg(pl.col("amount_cents").sum().alias("balance")).filter(pl.col("balance") != 0))
days = pl.lit(as_of) - pl.col("service_on")
bucket = (pl.when(days <= dt.timedelta(30)).then(pl.lit("0-30")).when(days <= dt.timedelta(60)).then(pl.lit("31-60"))
    .when(days <= dt.timedelta(90)).then(pl.lit("61-90")).when(days <=
    dt.timedelta(120)).then(pl.lit("91-120")).otherwise(pl.lit("over 120")))
found = (open_items.join(c.select("client", "claim_id", "payer", "service_on"), on=["client", "claim_id"], how="left")
    .with_columns(bucket=bucket).group_by("payer", "bucket")
    .agg(pl.len().alias("claims"), pl.col("balance").filter(pl.col("balance") > 0).sum().alias("ar"),
         pl.col("balance").filter(pl.col("balance") < 0).sum().alias("credit")).collect(engine="streaming").to_pandas())
sums = [int(found["claims"].sum()), int(found["ar"].sum()), int(found["credit"].sum()), int((found["ar"] *
(found["bucket"] == "over 120")).sum())]
""",
    ("aging", "pandas"): """
t = read("transactions", ["client", "claim_id", "party", "amount_cents", "posted_on"])
t = t[(t["posted_on"] <= as_of) & t["claim_id"].notna()]
balance = t.groupby(["client", "claim_id", "party"], as_index=False)["amount_cents"].sum()
balance = balance[balance["amount_cents"] != 0]
m = balance.merge(read("claims", ["client", "claim_id", "payer", "service_on"]), on=["client", "claim_id"], how="left")
days = (pd.Timestamp(as_of) - pd.to_datetime(m["service_on"])).dt.days
m["bucket"] = pd.cut(days, [-10**6, 30, 60, 90, 120, 10**6], labels=["0-30", "31-60", "61-90", "91-120", "over 120"])
m["ar"], m["credit"] = m["amount_cents"].clip(lower=0), m["amount_cents"].clip(upper=0)
found = m.groupby(["payer", "bucket"], observed=True).agg(claims=("ar", "size"), ar=("ar", "sum"), credit=("credit",
"sum")).reset_index()
sums = [int(found["claims"].sum()), int(found["ar"].sum()), int(found["credit"].sum()), int(found.loc[found["bucket"] ==
"over 120", "ar"].sum())]
""",
    ("roll_forward", "ours"): """
found = ledger.roll_forward(tables, period=month.trailing(12), by=["client"])
last = found[found["month"] == found["month"].max()]
sums = [len(found), int(found["charges_cents"].sum()), int(found["payments_cents"].sum()),
int(last["closing_cents"].sum())]
""",
    ("roll_forward", "polars"): """
moved = (t.filter(pl.col("posted_on") <= as_of).with_columns(month=pl.col("posted_on").dt.truncate("1mo"))
    .group_by("client", "month", "kind").agg(pl.col("amount_cents").sum()).collect(engine="streaming").to_pandas())
wide = moved.pivot_table(index=["client", "month"], columns="kind", values="amount_cents", aggfunc="sum",
fill_value=0).sort_index() wide["closing"] = wide.sum(axis=1).groupby(level="client").cumsum()
year = wide[wide.index.get_level_values("month") >= "2025-10-01"]
last = year.groupby(level="client")["closing"].last()
sums = [len(year), int(year["charge"].sum()), -int(year["payment"].sum()), int(last.sum())]
""",
    ("roll_forward", "pandas"): """
t = read("transactions", ["client", "kind", "amount_cents", "posted_on"])
t = t[t["posted_on"] <= as_of]
month = pd.to_datetime(t["posted_on"]).dt.to_period("M")
wide = t.groupby(["client", month, "kind"])["amount_cents"].sum().unstack("kind", fill_value=0).sort_index()
wide["closing"] = wide.sum(axis=1).groupby(level="client").cumsum()
year = wide[wide.index.get_level_values("posted_on") >= pd.Period("2025-10")]
last = year.groupby(level="client")["closing"].last()
sums = [len(year), int(year["charge"].sum()), -int(year["payment"].sum()), int(last.sum())]
""",
    ("days_in_ar", "ours"): """
found = ar.days_in_ar(tables, as_of=as_of, by=["client"])
sums = [int(found["ar_cents"].sum()), int(found["charge_cents"].sum())]
""",
    ("days_in_ar", "polars"): """
balance = (t.filter(pl.col("posted_on") <= as_of, pl.col("claim_id").is_not_null()).group_by("client", "claim_id",
"party")
    .agg(pl.col("amount_cents").sum().alias("balance")).filter(pl.col("balance") >
    0).group_by("client").agg(pl.col("balance").sum()))
charges = (t.filter(pl.col("kind") == "charge", pl.col("posted_on").is_between(window_start, as_of))
    .group_by("client").agg(pl.col("amount_cents").sum().alias("charges")))
owed, charged = (frame.collect(engine="streaming").to_pandas() for frame in (balance, charges))
found = owed.merge(charged, on="client", how="outer").fillna(0)
found["days"] = found["balance"] * 90 / found["charges"]
sums = [int(found["balance"].sum()), int(found["charges"].sum())]
""",
    ("days_in_ar", "pandas"): """
t = read("transactions", ["client", "claim_id", "party", "kind", "amount_cents", "posted_on"])
t = t[t["posted_on"] <= as_of]
charges = t[(t["kind"] == "charge") & (t["posted_on"] >= window_start)].groupby("client")["amount_cents"].sum()
balance = t[t["claim_id"].notna()].groupby(["client", "claim_id", "party"])["amount_cents"].sum()
owed = balance[balance > 0].groupby(level="client").sum()
days = owed * 90 / charges
sums = [int(owed.sum()), int(charges.sum())]
""",
    ("cash", "ours"): """
found = collections.cash(tables, period=month, by=["client"])
sums = [int(found[name].sum()) for name in ("insurance_cents", "patient_cents", "takebacks_cents", "cash_cents")]
""",
    ("cash", "polars"): """
kinds = (t.filter(pl.col("kind").is_in(["payment", "refund", "takeback"]), pl.col("posted_on").is_between(first_day,
as_of))
    .group_by("client", "kind", is_patient=pl.col("party") ==
    "patient").agg(pl.col("amount_cents").sum()).collect(engine="streaming").to_pandas())
paid = kinds[kinds["kind"] == "payment"]
sums = [-int(paid.loc[~paid["is_patient"], "amount_cents"].sum()), -int(paid.loc[paid["is_patient"],
"amount_cents"].sum()),
        int(kinds.loc[kinds["kind"] == "takeback", "amount_cents"].sum()), -int(kinds["amount_cents"].sum())]
""",
    ("cash", "pandas"): """
t = read("transactions", ["client", "kind", "party", "amount_cents", "posted_on"])
t = t[t["kind"].isin(["payment", "refund", "takeback"]) & (t["posted_on"] >= first_day) & (t["posted_on"] <= as_of)]
kinds = t.assign(is_patient=t["party"] == "patient").groupby(["client", "kind",
"is_patient"])["amount_cents"].sum().reset_index()
paid = kinds[kinds["kind"] == "payment"]
sums = [-int(paid.loc[~paid["is_patient"], "amount_cents"].sum()), -int(paid.loc[paid["is_patient"],
"amount_cents"].sum()),
        int(kinds.loc[kinds["kind"] == "takeback", "amount_cents"].sum()), -int(kinds["amount_cents"].sum())]
""",
}
MEASURES = list(dict.fromkeys(measure for measure, _ in BODIES))


def write_ledger(folder: Path, claims: int) -> int:
    """The claims and their postings, one file per client; how many postings."""
    rng = np.random.default_rng(20261001)
    for name in ("claims", "transactions"):
        (folder / name).mkdir(parents=True)
    written, size = 0, -(-claims // CLIENTS)
    for part in range(CLIENTS):
        frame, rows = _client(rng, part, min(size, claims - part * size))
        frame.write_parquet(folder / "claims" / f"{part:04d}.parquet", compression="zstd")
        rows.sort("posted_on").write_parquet(folder / "transactions" / f"{part:04d}.parquet", compression="zstd")
        written += rows.height
    return written


def _client(rng: np.random.Generator, number: int, size: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    days = (LAST - FIRST).days
    service = rng.integers(0, days + 1, size)
    cents = rng.integers(4_000, 90_000, size)
    epoch = (FIRST - dt.date(1970, 1, 1)).days
    base = pl.DataFrame(
        {
            "client": np.full(size, f"client-{number:02d}"),
            "claim_id": pl.Series(np.arange(size)).cast(pl.String).str.zfill(10),
            "payer": PAYERS[rng.integers(0, len(PAYERS), size)],
            "service_on": pl.Series(service + epoch).cast(pl.Int32).cast(pl.Date),
            "charge_cents": cents,
        }
    )
    answered, patient, odd = rng.random(size) < 0.7, rng.random(size) < 0.06, rng.random(size)
    answer = service + rng.integers(15, 90, size)
    allowed = (cents * rng.uniform(0.4, 0.8, size)).astype(np.int64)
    owed = np.where(patient, allowed // 5, 0)
    paid = np.where(odd < 0.01, allowed + 500, allowed) - owed
    parts = [
        (np.ones(size, bool), "charge", "primary", cents, service + rng.integers(0, 5, size)),
        (answered, "contractual", "primary", allowed - cents, answer),
        (answered, "payment", "primary", -paid, answer),
        (answered & patient, "transfer", "primary", -owed, answer),
        (answered & patient, "transfer", "patient", owed, answer),
        (answered & patient & (odd < 0.6), "payment", "patient", -owed, answer + 30),
        (answered & (odd > 0.99), "takeback", "primary", paid // 2, answer + 60),
    ]
    rows = pl.concat(
        [
            base.filter(pl.Series(mask)).select(
                "client",
                "claim_id",
                kind=pl.lit(kind),
                party=pl.lit(party),
                amount_cents=pl.Series(amount[mask].astype(np.int64)),
                posted_on=pl.Series(on[mask] + epoch).cast(pl.Int32).cast(pl.Date),
                payer="payer",
                carc=pl.lit("45" if kind == "contractual" else None, dtype=pl.String),
            )
            for mask, kind, party, amount, on in parts
        ]
    )
    return base, rows


def measure(folder: Path, name: str, way: str) -> dict:
    """One measurement in a fresh process."""
    code = (
        SETUP
        + (
            BY_CLIENT % textwrap.indent(BODIES[name, "ours"], "    ")
            if way == "ours by client"
            else WAYS[way] + BODIES[name, way]
        )
        + FINISH
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}, {way} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def compare(folder: Path, ways: list[str], rounds: int) -> list[str]:
    """The lines of the table; stops when two ways disagree by a cent."""
    lines = [f"{'':14}{'':16}{'wall best':>10}{'median':>9}{'CPU best':>10}{'memory':>10}{'CPU ours / this':>17}"]
    for name in MEASURES:
        runs = {way: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                runs[way].append(measure(folder, name, way))
        found = {way: some[0]["sums"] for way, some in runs.items()}
        if len({str(sums) for sums in found.values()}) != 1:
            raise SystemExit(f"{name}: the ways disagree: {found}")
        best = min(run["cpu"] for run in runs["ours"])
        for way, some in runs.items():
            cpu, wall = min(run["cpu"] for run in some), [run["wall"] for run in some]
            lines.append(
                f"{name if way == ways[0] else '':14}{way:16}{min(wall):>8.2f} s{statistics.median(wall):>7.2f} "
                f"s{cpu:>8.2f} s"
                f"{max(run['memory'] for run in some):>7.0f} MB{best / cpu:>17.2f}"
            )
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--claims", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--without-pandas", action="store_true", help="leave pandas out: it needs several times the memory"
    )
    options.add_argument(
        "--keep", type=Path, help="write the ledger here and keep it; use it as it is when it is there"
    )
    given = options.parse_args()
    ways = ["ours", "ours by client", "polars", *([] if given.without_pandas else ["pandas"])]
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch) / "ledger"
        if not (folder / "transactions").exists():
            write_ledger(folder, given.claims)
        rows = pl.scan_parquet(folder / "transactions" / "*.parquet").select(pl.len()).collect().item()
        claims = pl.scan_parquet(folder / "claims" / "*.parquet").select(pl.len()).collect().item()
        lines = compare(folder, ways, given.rounds)
    head = [
        (
            f"Measures on {claims:,} claims and {rows:,} postings of {CLIENTS} clients, from Parquet to the "
            "finished pandas frame"
        ),
        (
            f"Machine: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, polars "
            f"{pl.__version__}."
        ),
        f"Rounds: {given.rounds}, a fresh process each, by turns. CPU counts all threads. All ways agree to the cent.",
        f"Load of the machine at the end (1 minute): {os.getloadavg()[0]:.1f}; above 1 other work shared the cores.",
        "",
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    print("\n".join(head))


if __name__ == "__main__":
    main()
