"""Small 837 and 835 files, exports and workbooks for the neighbors of the cases; all of it is invented."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import openpyxl

NPI = "1234567893"
MEDICARE, BLUE = ("MEDICARE PART B", "00512"), ("BLUE EXAMPLE", "BX01")

MAP = """
name = "pm"

[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"

[transactions.columns]
transaction_id = ["Txn ID"]
claim_id = ["Claim #"]
kind = ["Type"]
party = ["Resp"]
happened_on = ["Deposit Date"]
posted_on = ["Post Date"]
amount_cents = ["Amount"]

[transactions.values.kind]
CHG = "charge"
PMT = "payment"
ADJ = "contractual"
"""
HEADER = ["Txn ID", "Claim #", "Type", "Resp", "Deposit Date", "Post Date", "Amount"]


def interchange(day: str, control: int) -> str:
    """The ISA of a file made on a day (YYYYMMDD)."""
    parties = "*ZZ*SENDER         *ZZ*RECEIVER       "
    return f"ISA*00*          *00*          {parties}*{day[2:]}*1200*^*00501*{control:09d}*0*P*:"


def x12(kind: str, day: str, body: Sequence[str], control: int = 1) -> str:
    """One interchange with one transaction made on a day (YYYYMMDD)."""
    group, version = {"837": ("HC", "005010X222A1"), "835": ("HP", "005010X221A1")}[kind]
    segments = [
        interchange(day, control),
        f"GS*{group}*S*R*{day}*1200*{control}*X*{version}",
        f"ST*{kind}*0001",
        *body,
        f"SE*{len(body) + 2}*0001",
        f"GE*1*{control}",
        f"IEA*1*{control:09d}",
    ]
    return "".join(f"{segment}~\n" for segment in segments)


def claim_837(
    claim: str,
    charge: str,
    *,
    day: str = "20260105",
    served: str = "20260101",
    frequency: str = "1",
    order: str = "P",
    payer: tuple[str, str] = MEDICARE,
    member: str = "M1",
    lines: Sequence[Sequence[str]] = (),
    control: int = 1,
    replaces: str = "",
) -> str:
    """An 837 with one claim; `lines` hold procedure, charge and, where sent, the line control number.

    `replaces` is the payer's number of the claim that it replaces or voids (REF*F8).
    """
    body = [
        f"BHT*0019*00*{control}*{day}*1200*CH",
        "HL*1**20*1",
        f"NM1*85*2*ACME ORTHO*****XX*{NPI}",
        "HL*2*1*22*0",
        f"SBR*{order}*18*******MB",
        f"NM1*IL*1*DOE*JO****MI*{member}",
        f"NM1*PR*2*{payer[0]}*****PI*{payer[1]}",
        f"CLM*{claim}*{charge}***11:B:{frequency}*Y*A*Y*Y",
    ]
    body += [f"REF*F8*{replaces}"] if replaces else []
    for number, (procedure, amount, *line_control) in enumerate(lines or [("99213", charge)], start=1):
        body += [f"LX*{number}", f"SV1*HC:{procedure}*{amount}*UN*1***1", f"DTP*472*D8*{served}"]
        body += [f"REF*6R*{word}" for word in line_control]
    return x12("837", day, body, control)


def remit_835(
    paid: str,
    claims: Sequence[str],
    *,
    trace: str = "T1",
    day: str = "20260205",
    made: str = "",
    payer: tuple[str, str] = MEDICARE,
    payee: str = f"N1*PE*ACME ORTHO*XX*{NPI}",
    bpr: str = "I",
    method: str = "CHK",
    provider: Sequence[str] = (),
    control: int = 1,
) -> str:
    """An 835 with one payment; `claims` are its segments from CLP on, `provider` its PLB segments."""
    head = [
        f"BPR*{bpr}*{paid}*C*{method}************{day}",
        f"TRN*1*{trace}*1999999999",
        f"DTM*405*{day}",
        f"N1*PR*{payer[0]}*XV*{payer[1]}",
        payee,
        "LX*1",
    ]
    return x12("835", made or day, [*head, *claims, *provider], control)


def answer(
    claim: str,
    charge: str,
    paid: str,
    *adjustments: str,
    status: str = "1",
    procedure: str = "99213",
    icn: str = "PCN1",
) -> list[str]:
    """A CLP with one service line; adjustments such as "CO*45*20"."""
    return [
        f"CLP*{claim}*{status}*{charge}*{paid}**MB*{icn}*11*1",
        f"SVC*HC:{procedure}*{charge}*{paid}",
        *(f"CAS*{words}" for words in adjustments),
    ]


def export(*rows: Sequence[Any]) -> str:
    """A CSV export under `HEADER`."""
    return "\n".join(",".join(map(str, row)) for row in [HEADER, *rows]) + "\n"


def posting(number: Any, claim: Any, kind: str, day: str, amount: Any) -> list[Any]:
    """One row of an export: happened and posted on the same day."""
    return [number, claim, kind, "primary", day, day, amount]


def workbook(
    *rows: Sequence[Any],
    formats: dict[str, str] | None = None,
    sheets: dict[str, Sequence[Sequence[Any]]] | None = None,
    hidden: Sequence[str] = (),
) -> bytes:
    """An XLSX export under `HEADER`: number formats by cell, further sheets by name, some hidden."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [HEADER, *rows]:
        sheet.append(list(row))
    for cell, shown in (formats or {}).items():
        sheet[cell].number_format = shown
    for name, records in (sheets or {}).items():
        more = book.create_sheet(name)
        for record in records:
            more.append(list(record))
        more.sheet_state = "hidden" if name in hidden else "visible"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
