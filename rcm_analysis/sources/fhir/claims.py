"""Claims and explanations of benefit as rows: bills like those of 837s, answers like those of EOB files.

    answer   a row for each item, or for the claim where no item says what it was paid: charge, paid to the provider
             (else benefit); discount, else charge less allowed and not covered, is CO 45; not covered is the reason
             that the payer names (X12), else 96; deductible PR 1, coinsurance PR 2, copay PR 3; what prior payers paid
             OA 23. What is left is told, and never guessed
    bill     a row for each claim and each of its items that has an amount; the only one without any has the rest

An explanation of benefit says how a claim stands: of several versions the last one counts. Amounts are dollars with
any number of decimals; each is rounded to cents, and what rounding leaves of a line that adds up stands on its largest
part. Only active claims count, no estimates and no requests for authorisation.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl

from ..exports.remittance_rows import REMITTANCE_ROWS
from ..x12.claim837 import HEAD_COLUMNS, LINE_COLUMNS
from ..x12.values import to_pandas
from .resources import (
    FhirFile,
    Resource,
    account_number,
    amounts,
    carcs,
    cents,
    codes,
    currencies,
    day,
    dict_of,
    parts,
    tail,
)

METHOD = "EOB"
"""`deposits.method` of an answer that says how a claim stands: a later one of the same claim takes its place."""
TYPES = ("professional", "institutional", "dental", "oral")
READ = ("Claim", "ExplanationOfBenefit")


@dataclass
class Fhir:
    """What one file says: answers, bills with their lines, how many resources of which kind were left out, and why."""

    answers: pl.DataFrame = field(default_factory=REMITTANCE_ROWS.empty)
    bills: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    left_out: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    made_on: str = ""
    """The latest moment at which a resource of the file was changed, as it says so."""
    rounded: int = 0
    unexplained: int = 0


def read_fhir(data: bytes) -> Fhir:
    """The claims and explanations of benefit of a file: NDJSON, a Bundle, or one resource.

    >>> eob = b'''{"resourceType": "ExplanationOfBenefit", "id": "e1", "status": "active", "use": "claim",
    ... "insurer": {"display": "Aetna"}, "created": "2026-10-05", "payment": {"amount": {"value": 80.1}},
    ... "claim": {"reference": "Claim/c1"}, "item": [{"sequence": 1, "service": {"coding": [{"code": "99213"}]},
    ... "adjudication": [{"category": {"coding": [{"code": "submitted"}]}, "amount": {"value": 100}},
    ... {"category": {"coding": [{"code": "eligible"}]}, "amount": {"value": 80.1}},
    ... {"category": {"coding": [{"code": "benefit"}]}, "amount": {"value": 80.1}}]}]}'''
    >>> read_fhir(eob).answers.select("claim_id", "payer", "charge_cents", "contractual_cents", "paid_cents").row(0)
    ('c1', 'Aetna', 10000, 1990, 8010)
    """
    file = FhirFile(data)
    found = Fhir(broken=file.broken)
    found.others = Counter({kind: len(rows) for kind, rows in file.found.items() if kind not in READ})
    answers = [row for one in _counted(file, "ExplanationOfBenefit", found) for row in _answer(file, one, found)]
    found.answers = pl.DataFrame(answers, schema=REMITTANCE_ROWS.polars)
    bills: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for one in _counted(file, "Claim", found):
        bill, of_bill = _bill(file, one, len(bills))
        bills.append(bill)
        found.unexplained += abs(bill["charge_cents"] - sum(line["charge_cents"] for line in of_bill))
        lines += of_bill
    found.bills, found.lines = _frame(bills, HEAD_COLUMNS), _frame(lines, LINE_COLUMNS)
    return found


def _counted(file: FhirFile, kind: str, found: Fhir) -> list[Resource]:
    """The resources that bill or answer something, the last version of each."""
    last: dict[str, Resource] = {}
    for place, one in enumerate(file.found.get(kind, [])):
        status, use = one.get("status", "active"), _use(one)
        foreign = currencies(one) - {"USD"}
        why = ""
        if status != "active":
            why = f"{kind} with status {status}"
        elif use != "claim":
            why = f"{kind} for {use}"
        elif foreign:
            why = f"{kind} in {', '.join(sorted(foreign))}"
        if why:
            found.left_out[why] += 1
            continue
        found.made_on = max(found.made_on, _version(one))
        key = str(one.get("id") or place)
        before = last.get(key)
        if before is None or _version(before) <= _version(one):
            last[key] = one
    return list(last.values())


def _use(resource: Resource) -> str:
    use = resource.get("use") or "claim"
    return use if isinstance(use, str) else "claim"


def _version(resource: Resource) -> str:
    return str(dict_of(resource.get("meta")).get("lastUpdated") or resource.get("created") or "")


def _payer(file: FhirFile, one: Resource) -> str | None:
    name = file.name_of(one.get("insurer"), one)
    if name:
        return name
    focal = sorted(parts(one, "insurance"), key=lambda item: not item.get("focal"))
    return next((found for item in focal if (found := file.name_of(item.get("coverage"), one))), None)


def _claim_type(one: Resource) -> str:
    said = [code.lower() for code in codes(one.get("type"))]
    found = next((name for name in TYPES if name in said), "professional")
    return "dental" if found == "oral" else found


# ---------------------------------------------------------------- answers
def _answer(file: FhirFile, one: Resource, found: Fhir) -> list[dict[str, Any]]:
    identifiers = parts(one, "identifier")
    unique = [
        item for item in identifiers if "uc" in codes(item.get("type")) or str(item.get("system")).endswith("clm_id")
    ]
    payer_claim = str(dict_of(unique or identifiers).get("value") or one.get("id") or "") or None
    payment = dict_of(one.get("payment"))
    totals = amounts(parts(one, "total"))
    period = dict_of(one.get("billablePeriod"))
    head = {
        "payer": _payer(file, one),
        "payee_npi": file.npi_of(one.get("provider"), one),
        "trace": str(dict_of(payment.get("identifier")).get("value") or payer_claim or "") or None,
        "method": METHOD,
        "paid_on": day(payment.get("date"), one.get("created"), period.get("end"), period.get("start")),
        "claim_id": account_number(one) or tail(one.get("claim")) or payer_claim,
        "payer_claim_id": payer_claim,
        "status": "2" if "prior" in totals else "1",
    }
    rows = [
        _said(found, head, amounts(item.get("adjudication") or []), carcs(item.get("adjudication") or []))
        | _line(item, _served(item, period))
        for item in parts(one, "item")
        if amounts(item.get("adjudication") or []).keys() & {"submitted", "paid", "benefit"}
    ]
    dollars = dict_of(payment.get("amount")).get("value")
    paid = dollars if isinstance(dollars, Decimal) else totals.get("paid", totals.get("benefit"))
    if len(rows) == 1 and rows[0]["paid_cents"] is None:
        rows[0]["paid_cents"] = cents(paid)
    if all(row["paid_cents"] is None for row in rows):
        own = _said(
            found, head, totals | ({"paid": paid} if paid is not None else {}), carcs(parts(one, "adjudication"))
        )
        service = {"service_on": day(period.get("start"))}
        own["charge_cents"] = own["charge_cents"] or sum(row["charge_cents"] or 0 for row in rows) or None
        return [own | service] if own["charge_cents"] is not None or own["paid_cents"] is not None else []
    lines = {name: sum(row[f"{name}_cents"] or 0 for row in rows) for name in ("charge", "paid")}
    whole = {"charge": cents(totals.get("submitted")), "paid": cents(paid)}
    for name, value in whole.items():
        is_same = value is None or abs(value - lines[name]) <= (len(rows) if found.rounded else 0)
        rows[0][f"claim_{name}_cents"] = lines[name] if is_same else value
    return rows


def _said(found: Fhir, head: dict[str, Any], said: dict[str, Decimal], reasons: list[str]) -> dict[str, Any]:
    """The amounts of one item or of a whole claim in cents, each as the reason that it is."""
    charge, paid = said.get("submitted"), said.get("paid", said.get("benefit"))
    noncovered = said.get("noncovered", Decimal())
    contractual = said.get("discount")
    if contractual is None and "allowed" in said and charge is not None:
        contractual = charge - said["allowed"] - noncovered
    own = {"contractual": contractual} | {name: said.get(name) for name in ("deductible", "coinsurance", "copay")}
    own |= {"adjustment": noncovered or None, "adjustment_2": said.get("prior") or None}
    exact = {name: value for name, value in own.items() if value}
    out = {name: cents(value) for name, value in exact.items()}
    found.rounded += any(value != round(value, 2) for value in (*exact.values(), paid or Decimal()))
    if charge is not None and paid is not None and abs(charge - paid - sum(exact.values())) < Decimal("0.0005") and out:
        largest = max(out, key=lambda name: abs(out[name] or 0))
        rest = (cents(charge) or 0) - (cents(paid) or 0) - sum(value or 0 for value in out.values())
        out[largest] = (out[largest] or 0) + rest
    row = head | {"charge_cents": cents(charge), "paid_cents": cents(paid), "allowed_cents": cents(said.get("allowed"))}
    row |= {f"{name}_cents": out.get(name) for name in ("contractual", "deductible", "coinsurance", "copay")}
    row |= {"carc": reasons[0] if reasons else "96" if noncovered else None, "adjustment_cents": out.get("adjustment")}
    if "adjustment_2" in out:
        row |= {"group_code_2": "OA", "carc_2": "23", "adjustment_cents_2": out["adjustment_2"]}
    owed = [out[name] or 0 for name in ("deductible", "coinsurance", "copay") if name in out]
    return row | {"patient_responsibility_cents": sum(owed) if owed else None}


def _served(item: dict[str, Any], period: dict[str, Any]) -> dt.date | None:
    return day(dict_of(item.get("servicedPeriod")).get("start"), item.get("servicedDate"), period.get("start"))


def _line(item: dict[str, Any], served: Any) -> dict[str, Any]:
    revenue = next(iter(codes(item.get("revenue"))), None)
    done = next(iter(codes(item.get("productOrService") or item.get("service"))), revenue)
    modifiers = [code for one in parts(item, "modifier") for code in codes(one)[:1]]
    quantity = dict_of(item.get("quantity")).get("value")
    return {
        "line_number": str(item["sequence"]) if "sequence" in item else None,
        "procedure": done or "not stated",
        "modifiers": ":".join(modifiers) or None,
        "units": float(quantity) if isinstance(quantity, Decimal) else None,
        "service_on": served,
    }


# ---------------------------------------------------------------- bills
def _bill(file: FhirFile, one: Resource, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    period, items = dict_of(one.get("billablePeriod")), parts(one, "item")
    nets = [dict_of(item.get("net") or item.get("unitPrice")).get("value") for item in items]
    total = dict_of(one.get("total")).get("value")
    known = sum((net for net in nets if isinstance(net, Decimal)), Decimal())
    if isinstance(total, Decimal) and sum(not isinstance(net, Decimal) for net in nets) == 1:
        nets = [net if isinstance(net, Decimal) else total - known for net in nets]
    place = {"transaction": 1, "segment": number + 1}
    lines: list[dict[str, Any]] = []
    for item, net in zip(items, nets, strict=True):
        if isinstance(net, Decimal):
            served = _served(item, period)
            own = _line(item, served) | {"charge_cents": cents(net), "claim_index": number, "position": len(lines) + 1}
            own["line_number"] = len(lines) + 1
            lines.append(own | place | {"place_of_service": _place(item)})
    charged = cents(total) if isinstance(total, Decimal) else sum(line["charge_cents"] for line in lines)
    npi = file.npi_of(one.get("provider"), one)
    frequency = next((code for code in _frequencies(one) if code.isdigit()), "1")
    bill = place | {
        "submitted_on": day(one.get("created"), period.get("end")),
        "claim_id": account_number(one) or str(one.get("id") or dict_of(one.get("identifier")).get("value") or ""),
        "payer": _payer(file, one),
        "payer_order": "primary",
        "frequency": frequency,
        "charge_cents": charged,
        "claim_type": _claim_type(one),
        "billing_npi": npi,
        "rendering_npi": npi,
        "place_of_service": next((line["place_of_service"] for line in lines if line["place_of_service"]), None),
        "service_on": day(period.get("start"), *(line["service_on"] for line in lines)),
        "position": number + 1,
        "patient": tail(one.get("patient")),
        "is_predetermination": False,
    }
    return bill, lines


def _place(item: dict[str, Any]) -> str | None:
    return next(iter(codes(item.get("locationCodeableConcept"))), None)


def _frequencies(one: Resource) -> list[str]:
    """The frequency of a claim (1 original, 7 replacement, 8 void), where its type of bill is told."""
    told = [item for item in parts(one, "supportingInfo") if "typeofbill" in codes(item.get("category"))]
    return [code[-1:] for item in told for code in codes(item.get("code"))]


def _frame(rows: list[dict[str, Any]], names: tuple[str, ...]) -> pd.DataFrame:
    """The rows in the columns and kinds of the reader of 837s."""
    schema = {name: _KINDS.get(name, pl.String) for name in names}
    return to_pandas(pl.DataFrame([{name: row.get(name) for name in names} for row in rows], schema=schema))


_KINDS = {
    **dict.fromkeys(("transaction", "segment", "position", "claim_index", "line_number", "charge_cents"), pl.Int64),
    **dict.fromkeys(("submitted_on", "service_on"), pl.Date),
    "units": pl.Float64,
    "is_predetermination": pl.Boolean,
}
