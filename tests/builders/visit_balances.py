"""The export of docs/first_packet.md: 6,000 visits of a practice whose billing system no shipped map knows."""

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path

HEADINGS = (
    "Visit #", "Chart #", "Patient Name", "Primary Ins", "Provider", "DOS", "Entry Date", "Total Chgs", "Ins Pmts",
    "Last Ins Pmt Date", "Ins Adj", "Pt Pmts", "Last Pt Pmt Date", "Ins Bal", "Pt Bal", "Balance",
)  # fmt: skip
SUMMED = ("Total Chgs", "Ins Pmts", "Ins Adj", "Pt Pmts", "Ins Bal", "Pt Bal", "Balance")
LAST = dt.date(2026, 10, 31)


def write_visit_balances(file: Path) -> None:
    """Two title lines, the headings, a row per visit, a grand total at the bottom."""
    draw = random.Random(11)
    rows = [_visit(draw, 100_000 + number) for number in range(6000)]
    sums = {name: _money(sum(round(float(row[name] or 0) * 100) for row in rows)) for name in SUMMED}
    with file.open("w", newline="") as written:
        written.write("Prairie Family Medicine\nVisit balances, printed 10/31/2026\n\n")
        table = csv.DictWriter(written, HEADINGS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows([*rows, {"Visit #": "Grand Total", **sums}])


def _visit(draw: random.Random, number: int) -> dict[str, object]:
    service = dt.date(2025, 1, 2) + dt.timedelta(days=draw.randint(0, 630))
    entered = service + dt.timedelta(days=draw.randint(0, 6))
    payer = draw.choice(["Medicare", "Aetna", "BCBS of Iowa", "United Healthcare", "Self Pay", ""])
    billed = draw.choice([12500, 18000, 24000, 31050, 9900, 45000])
    is_insured = payer not in ("Self Pay", "")
    paid_on = entered + dt.timedelta(days=draw.randint(14, 70))
    allowed = int(billed * draw.uniform(0.4, 0.7)) if is_insured else billed
    is_answered = is_insured and paid_on <= LAST and draw.random() < 0.9
    share = draw.choice([0, 0, 2000, 3500]) if is_answered else 0
    paid, adjusted = (allowed - share, billed - allowed) if is_answered else (0, 0)
    patient_on, patient_paid = paid_on + dt.timedelta(days=draw.randint(5, 60)), 0
    if is_answered and share and patient_on <= LAST and draw.random() < 0.7:
        patient_paid = share
    if not is_insured and draw.random() < 0.6:
        patient_on, patient_paid = entered + dt.timedelta(days=3), billed
    balance = billed - paid - adjusted - patient_paid
    of_patient = share - patient_paid if is_answered else 0 if is_insured else balance
    cells = (
        number, f"CH{draw.randint(1, 1500):05d}", "Doe, Jane", payer, draw.choice(["Lee", "Ortiz"]), _day(service),
        _day(entered), _money(billed), _money(paid), _day(paid_on) if paid else "", _money(adjusted),
        _money(patient_paid), _day(patient_on) if patient_paid else "", _money(balance - of_patient),
        _money(of_patient), _money(balance),
    )  # fmt: skip
    return dict(zip(HEADINGS, cells, strict=True))


def _day(day: dt.date) -> str:
    return f"{day:%m/%d/%Y}"


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}" if cents else ""
