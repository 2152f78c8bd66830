"""Small clients with a column map for CSV and XLSX and the 835s of one payer: what the tests of faults take in."""

from __future__ import annotations

import random
from pathlib import Path

import openpyxl

from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.sources.notes import IntakeReport
from rcm_analysis.tables.workspace import Workspace, open_workspace

CLIENT = """
[clients.{client}]
name = "{name}"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = ["{npi}"]
column_maps = ["pm"]
"""
PAYERS = """
[firm]
name = "Lantern"

[payers.medicare]
name = "Medicare"
payer_class = "medicare"
identifiers = ["00512"]
"""
MAP = """
name = "pm"

[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"

[transactions.columns]
transaction_id = ["Txn"]
claim_id = ["Claim"]
kind = ["Type"]
party = ["Party"]
happened_on = ["Date"]
posted_on = ["Posted"]
amount_cents = ["Amount"]

[claims]
delivery = "append"
date_formats = ["%m/%d/%Y"]

[claims.columns]
claim_id = ["Claim No"]
patient = ["Patient ID"]
payer = ["Insurance"]
service_on = ["DOS"]
entered_on = ["Entered"]
charge_cents = ["Billed"]

[claims.constants]
claim_type = "professional"
"""
POSTINGS = ("Txn", "Claim", "Type", "Party", "Date", "Posted", "Amount")
CLAIMS = ("Claim No", "Patient ID", "Insurance", "DOS", "Entered", "Billed")
NPIS = {
    "acme": "1234567893", "bay": "1999999984", "cove": "1003000126",
    "dale": "1300000100", "elm": "1300000118", "fern": "1300000126",
    "glen": "1300000134", "hill": "1300000142", "iris": "1300000159",
    "jade": "1300000167", "kelp": "1300000175", "lark": "1300000183",
}  # fmt: skip


def workspace_of(folder: Path, clients: tuple[str, ...] = ("acme",)) -> Workspace:
    """A workspace with these clients in its registry, and nothing taken in."""
    (folder / "rcm.toml").write_text("")
    entries = [CLIENT.format(client=client, name=client.title(), npi=NPIS[client]) for client in clients]
    (folder / "clients.toml").write_text(PAYERS + "".join(entries))
    (folder / "maps").mkdir()
    (folder / "maps" / "pm.toml").write_text(MAP)
    (folder / "raw").mkdir()
    return open_workspace(folder)


def put(workspace: Workspace, client: str, name: str, content: str | bytes) -> Path:
    path = workspace.paths["raw"] / client / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def put_all(workspace: Workspace, client: str, *, months: int = 3, claims: int = 6) -> None:
    """Postings by month, claims, and an 835: something in several tables and partitions."""
    for month in range(1, months + 1):
        rows = [posting(client, month, number) for number in range(claims)]
        put(workspace, client, f"postings-{month:02d}.csv", csv(POSTINGS, rows))
    rows = [claim(client, month, number) for month in range(1, months + 1) for number in range(claims)]
    put(workspace, client, "claims.csv", csv(CLAIMS, rows))
    put(workspace, client, "remit.835", remit(client, f"{client}-1-0"))


def csv(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(",".join(row) for row in (header, *rows)) + "\n"


def posting(client: str, month: int, number: int, amount: str = "100.00") -> tuple[str, ...]:
    day = f"{month:02d}/{number % 27 + 1:02d}/2026"
    return f"{client}-{month}-{number}", f"{client}-{month}-{number}", "charge", "primary", day, day, amount


def claim(client: str, month: int, number: int) -> tuple[str, ...]:
    day = f"{month:02d}/{number % 27 + 1:02d}/2026"
    return f"{client}-{month}-{number}", f"P{number}", "Medicare", day, day, "100.00"


def remit(client: str, claim_id: str, *, trace: str = "77", paid: str = "80.00") -> bytes:
    """One balanced 835 for a claim of 100.00."""
    body = [
        "ST*835*0001",
        f"BPR*I*{paid}*C*ACH************20260410",
        f"TRN*1*{trace}*1512345678",
        "N1*PR*MEDICARE*XV*00512",
        f"N1*PE*{client.upper()}*XX*{NPIS[client]}",
        "LX*1",
        f"CLP*{claim_id}*1*100.00*{paid}**MB*ICN1",
        f"SVC*HC:99213*100.00*{paid}",
        f"CAS*CO*45*{100 - float(paid):.2f}",
    ]
    segments = [
        "ISA*00*          *00*          *ZZ*S              *ZZ*R              *260410*1200*^*00501*000000001*0*P*:",
        "GS*HP*S*R*20260410*1200*1*X*005010X221A1",
        *body,
        f"SE*{len(body) + 1}*0001",
        "GE*1*1",
        "IEA*1*000000001",
    ]
    return ("~".join(segments) + "~").encode()


def workbook(path: Path, rows: list[tuple[str, ...]], *, cell: tuple[str, str] | None = None) -> Path:
    """A sheet of postings, and one more cell anywhere."""
    book = openpyxl.Workbook()
    for row in (POSTINGS, *rows):
        book.active.append(row)
    if cell:
        book.active[cell[0]] = cell[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def take(workspace: Workspace, client: str) -> IntakeReport:
    return ingest_client(workspace, client, find_files(workspace, client=client)[client])


def flip(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one of them changed."""
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 + chance.randrange(255))]) + data[place + 1 :]
