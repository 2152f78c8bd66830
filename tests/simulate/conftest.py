"""Raw files of a small simulated company, read here with csv, openpyxl and a split of our own."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import tomllib
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest

from rcm_analysis import open_workspace
from rcm_analysis.simulate import write_company
from rcm_analysis.simulate.company import registry_toml, seed_company, workspace_toml
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.exports import map_text, write_exports
from rcm_analysis.simulate.files.workspace import Job, live
from rcm_analysis.simulate.plants.draw import services_planted
from rcm_analysis.simulate.practice import exported
from rcm_analysis.simulate.services.exports import add_services
from rcm_analysis.sources.intake import ingest_client
from rcm_analysis.tables.schema_services import TABLES_OF_SERVICE

SCALE = 0.3
CLIENTS = ("dr-suess", "dr-foot-loose", "st-elsewhere")


def segments(path: Path) -> list[list[str]]:
    return [part.strip().split("*") for part in path.read_text("ascii").split("~") if part.strip()]


def triplets(segment: list[str]) -> list[tuple[str, str, Decimal]]:
    group, rest = segment[1], segment[2:]
    return [(group, rest[at], Decimal(rest[at + 1])) for at in range(0, len(rest), 3)]


def read_remittances(folder: Path) -> list[SimpleNamespace]:
    """One object for every ST of the 835 files, in the order of their dates."""
    found = []
    for path in sorted(folder.glob("*")):
        group_day = None
        for segment in segments(path):
            name = segment[0]
            if name == "GS":
                group_day = segment[4]
            elif name == "ST":
                remit = SimpleNamespace(path=path, claims=[], plb=[], group_day=group_day)
                found.append(remit)
            elif name == "BPR":
                remit.paid, remit.method, remit.paid_on = Decimal(segment[2]), segment[4], segment[16]
            elif name == "TRN":
                remit.trace = segment[2]
            elif name == "DTM" and segment[1] == "405":
                remit.created = segment[2]
            elif name == "N1" and segment[1] == "PR":
                remit.payer = segment[2]
            elif name == "N1" and segment[1] == "PE":
                remit.npi = segment[4]
            elif name == "CLP":
                remit.claims.append(
                    SimpleNamespace(
                        id=segment[1],
                        status=segment[2],
                        charge=Decimal(segment[3]),
                        paid=Decimal(segment[4]),
                        owed=Decimal(segment[5]),
                        icn=segment[7],
                        lines=[],
                    )
                )
            elif name == "SVC":
                remit.claims[-1].lines.append(
                    SimpleNamespace(
                        procedure=segment[1],
                        charge=Decimal(segment[2]),
                        paid=Decimal(segment[3]),
                        units=int(segment[5]),
                        cas=[],
                    )
                )
            elif name == "CAS":
                remit.claims[-1].lines[-1].cas += triplets(segment)
            elif name == "REF" and segment[1] == "6R":
                remit.claims[-1].lines[-1].number = int(segment[2])
            elif name == "PLB":
                remit.plb += [(*segment[at].split(":"), Decimal(segment[at + 1])) for at in range(3, len(segment), 2)]
    return sorted(found, key=lambda remit: (remit.created, remit.trace))


def read_claims(folder: Path) -> list[SimpleNamespace]:
    """One object for every CLM of the 837 files."""
    found, npi = [], None
    for path in sorted(folder.glob("*")):
        for segment in segments(path):
            name = segment[0]
            if name == "NM1" and segment[1] == "85":
                npi = segment[9]
            elif name == "BHT":
                day = segment[4]
            elif name == "HL":
                order = None
            elif name == "SBR" and order is None:
                order = segment[1]
            elif name == "CLM":
                found.append(
                    SimpleNamespace(
                        id=segment[1],
                        charge=Decimal(segment[2]),
                        frequency=segment[5].split(":")[2],
                        order=order,
                        day=day,
                        npi=npi,
                        lines=[],
                        path=path,
                    )
                )
            elif name in ("SV1", "SV2"):
                found[-1].lines.append(Decimal(segment[2 if name == "SV1" else 3]))
    return found


def amount(text: str) -> Decimal:
    value = Decimal(re.sub(r"[$,()]", "", text))
    return -value if text.startswith("(") else value


def us_date(text: str) -> dt.date | None:
    return dt.datetime.strptime(text, "%m/%d/%Y").date() if text else None


# Header of layout A, header of layout B.
HEADERS = {
    "transactions": {
        "claim": ("Claim #", "Control Number"),
        "line": ("Line", "Seq"),
        "kind": ("Type", "Entry Type"),
        "party": ("Resp", "Owed By"),
        "amount": ("Amount", "Effect"),
        "posted": ("Post Date", "Posting Date"),
        "carc": ("Adj Reason", "Reason Code"),
        "trace": ("Check/EFT #", "Trace"),
        "reason": ("Reason", "Remark"),
        "approved": ("Approved By", "Authorised By"),
        "payer": ("Ins", "Insurance"),
    },
    "claims": {
        "claim": ("Claim #", "Control Number"),
        "charge": ("Total Charge", "Billed"),
        "service": ("DOS", "Service Date"),
        "name": ("Patient Last", "Surname"),
        "birth": ("DOB", "Born"),
    },
    "charge_detail": {
        "claim": ("Claim #", "Control Number"),
        "charge": ("Line Charge", "Fee"),
        "line": ("Line", "Seq"),
    },
    "month_end": {
        "month": ("Period", "Month"),
        "charges": ("Charges", "Charges Posted"),
        "payments": ("Payments", "Payments Posted"),
        "adjustments": ("Adjustments", "Adjustments Posted"),
        "refunds": ("Refunds and Takebacks", "Refunds Posted"),
        "closing": ("Closing AR", "Receivable"),
    },
}
SHEETS = {"transactions": "Ledger", "claims": "Encounters", "charge_detail": "Services", "month_end": "Month End"}
CODES = {
    "CHG": "charge",
    "PMT": "payment",
    "CON": "contractual",
    "WO": "write_off",
    "XFR": "transfer",
    "REF": "refund",
    "TKB": "takeback",
    "Charge": "charge",
    "Payment": "payment",
    "Contract adjustment": "contractual",
    "Write-off": "write_off",
    "Responsibility transfer": "transfer",
    "Refund": "refund",
    "Recoupment": "takeback",
    "P": "primary",
    "S": "secondary",
    "G": "patient",
    "Insurance 1": "primary",
    "Insurance 2": "secondary",
    "Guarantor": "patient",
}
MONEY = ("amount", "charge", "charges", "payments", "adjustments", "refunds", "closing")


def read_table(folder: Path, table: str, workbooks: list[openpyxl.Workbook]) -> list[dict]:
    """The rows of one export over all months; amounts as effect on the receivable."""
    rows = []
    for path in sorted(folder.glob(f"{table}_*.csv")):
        with path.open(newline="") as file:
            for record in csv.DictReader(file):
                if record[next(iter(record))] != "TOTAL":
                    rows.append({name: record[headers[0]] for name, headers in HEADERS[table].items()})
    for workbook in workbooks:
        sheet = workbook[SHEETS[table]].iter_rows(values_only=True)
        next(sheet), next(sheet)
        header = next(sheet)
        place = {name: header.index(headers[1]) for name, headers in HEADERS[table].items()}
        rows += [{name: record[at] if at < len(record) else None for name, at in place.items()} for record in sheet]
    return [_typed(row) for row in rows]


def _typed(row: dict) -> dict:
    magnitudes = row.get("kind") in ("PMT", "CON", "WO")
    for name, value in row.items():
        if name in MONEY:
            value = amount(value) if isinstance(value, str) else Decimal(str(value))
            row[name] = -value if magnitudes else value
        elif name in ("posted", "service", "birth"):
            row[name] = us_date(value) if isinstance(value, str) else value.date()
        elif name in ("kind", "party"):
            row[name] = CODES[value]
        elif name == "line":
            row[name] = int(value) if value else None
    return row


@pytest.fixture(scope="session")
def company(tmp_path_factory) -> SimpleNamespace:
    """Three clients, both layouts and both claim types, each read back from its raw files."""
    root = tmp_path_factory.mktemp("company")
    write_company(root, clients=CLIENTS, months=18, scale=SCALE)
    read = {}
    for client in CLIENTS:
        raw = root / "raw" / client
        books = [openpyxl.load_workbook(path, read_only=True) for path in sorted((raw / "exports").glob("*.xlsx"))]
        read[client] = SimpleNamespace(
            remits=read_remittances(raw / "835"),
            sent=read_claims(raw / "837"),
            truth=json.loads((root / "truth" / f"{client}.json").read_text()),
            **{table: read_table(raw / "exports", table, books) for table in HEADERS},
        )
    return SimpleNamespace(
        root=root, scale=SCALE, registry=tomllib.loads((root / "clients.toml").read_text()), clients=read
    )


@pytest.fixture(params=CLIENTS)
def client(request, company) -> SimpleNamespace:
    """One client's raw files after the other."""
    return SimpleNamespace(
        id=request.param,
        root=company.root,
        scale=SCALE,
        entry=company.registry["clients"][request.param],
        **vars(company.clients[request.param]),
    )


@pytest.fixture
def summed():
    """Sums of `(key, amount)` pairs, without the zero ones."""

    def add(pairs) -> dict:
        sums = defaultdict(Decimal)
        for key, value in pairs:
            sums[key] += value
        return {key: value for key, value in sums.items() if value}

    return add


SERVICE_CLIENTS = {
    "chicago-med": 0.5,
    "tx-docs": 0.1,
    "dr-quinn": 1.0,
    "st-elsewhere": 0.2,
    "dr-suess": 0.2,
    "dr-foot-loose": 0.2,
}
"""Clients of the services' tests with their scale; tx-docs is written without plants, the last has no service."""


@pytest.fixture(scope="session")
def services(tmp_path_factory) -> SimpleNamespace:
    """The services' files of some clients, and the exports of the two with a self-pay programme, taken in."""
    root = tmp_path_factory.mktemp("services")
    company, calendar = seed_company(list(SERVICE_CLIENTS)), Calendar.ending("2026-10", 14)
    for folder in ("maps", "truth"):
        (root / folder).mkdir()
    (root / "rcm.toml").write_text(workspace_toml())
    (root / "clients.toml").write_text(registry_toml(company, calendar.months[-1]))
    for layout in ("layout_a", "layout_b"):
        (root / "maps" / f"{layout}.toml").write_text(map_text(layout))
    reports = {}
    for client in company.clients:
        practice = live(Job(client, company, calendar, 7, SERVICE_CLIENTS[client.id]), 1.0)
        add_services(root, practice, plants=services_planted(client))
        raw = root / "raw" / client.id
        if "self_pay" in client.registry["services"]:
            write_exports(raw / "exports", exported(practice), company, client.layout, calendar.months)
        kept = ("claims_", "transactions_", "month_end_")
        office = {table.name for table in TABLES_OF_SERVICE["patient_engagement"]} if client.id == "tx-docs" else set()
        files = [path for path in raw.glob("*/*") if path.parent.name == "services" or path.name.startswith(kept)]
        files = [path for path in files if path.stem.split("_20")[0] not in office]
        reports[client.id] = ingest_client(open_workspace(root), client.id, files)
    store = open_workspace(root).store
    told = {path.name.split(".")[0]: [] for path in root.glob("truth/*.json")}
    for path in root.glob("truth/*.json"):
        told[path.name.split(".")[0]] += json.loads(path.read_text())["plants"]
    return SimpleNamespace(
        root=root,
        reports=reports,
        stored={client: store.open(client) for client in SERVICE_CLIENTS},
        plants={client: {plant["kind"]: plant for plant in told.get(client, [])} for client in SERVICE_CLIENTS},
    )
