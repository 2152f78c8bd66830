"""One invented client, small and fixed: fifteen months of claims whose dollars can be counted by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import polars as pl

from rcm_analysis.blocks.vocabulary import Block
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.subject import Subject
from rcm_analysis.periods import Period
from rcm_analysis.tables.clients import Client
from rcm_analysis.tables.schema import PAYERS, TABLES
from rcm_analysis.tables.store import Tables, known_by

OCTOBER = Period.month("2026-10")
CLAIMS_A_MONTH = 12


def _claim(month: Period, number: int) -> dict:
    service = month.first_day + dt.timedelta(days=number * 2)
    payer = ["acme", "lakeshore", "self_pay"][number % 3 if number < 9 else 0]
    return {
        "claim_id": f"{month.label}-{number}",
        "patient": f"p{number}",
        "provider": "dr-a",
        "location": "main",
        "claim_type": "professional",
        "payer": payer,
        "service_on": service,
        "entered_on": service + dt.timedelta(days=2 + number % 3),
        "charge_cents": 20000 + 1000 * number,
    }


def _of_claim(claim: dict, number: int) -> dict[str, list[dict]]:
    """What follows from one claim: billed, answered after 20 days, paid, denied or left open."""
    name, charge, entered = claim["claim_id"], claim["charge_cents"], claim["entered_on"]
    self_pay = claim["payer"] == "self_pay"
    party = "patient" if self_pay else "primary"
    rows = {"transactions": [_posting(name, 1, "charge", party, charge, entered, claim["payer"])]}
    if self_pay:
        if number % 2:
            rows["transactions"].append(
                _posting(name, 2, "payment", "patient", -charge, entered + dt.timedelta(days=15), None)
            )
        return rows
    sent, answer = entered + dt.timedelta(days=1), entered + dt.timedelta(days=20)
    rows["submissions"] = [
        {
            "submission_id": f"s-{name}",
            "claim_id": name,
            "submitted_on": sent,
            "payer": claim["payer"],
            "payer_order": "primary",
            "frequency": "1",
            "charge_cents": charge,
        }
    ]
    rows["claim_edits"] = [
        {
            "edit_id": f"e-{name}",
            "claim_id": name,
            "checked_on": sent,
            "stage": "scrubber",
            "result": "failed" if number == 7 else "passed",
            "reason": "modifier" if number == 7 else None,
        }
    ]
    if number == 10:
        return rows
    denied = number in (4, 6)
    _answer(rows, claim, answer, denied=denied)
    if denied:
        rows["work_log"] = [
            {
                "note_id": f"n-{name}",
                "claim_id": name,
                "worked_on": answer + dt.timedelta(days=3),
                "entered_on": answer + dt.timedelta(days=3),
                "worked_by": "kim",
                "minutes": 10.0,
                "action": "appeal" if number == 4 else "request_documents",
                "outcome": "in_process" if number == 4 else "waiting_on_client",
                "hold_reason": None if number == 4 else "documents",
            }
        ]
    return rows


def _answer(rows: dict, claim: dict, answer: dt.date, *, denied: bool) -> None:
    name, charge, payer = claim["claim_id"], claim["charge_cents"], claim["payer"]
    paid, contractual, patient = (0, 0, 0) if denied else (charge // 2, charge // 2 - 2000, 2000)
    patient = charge - paid - contractual if not denied else 0
    remit, remit_claim = f"r-{name}", f"rc-{name}"
    rows["deposits"] = [
        {
            "remit_id": remit,
            "trace": f"t-{name}",
            "payer": payer,
            "paid_cents": paid,
            "claims_paid_cents": paid,
            "provider_adjustment_cents": 0,
            "paid_on": answer,
            "received_on": answer,
            "method": "ACH",
        }
    ]
    rows["remit_claims"] = [
        {
            "remit_claim_id": remit_claim,
            "remit_id": remit,
            "claim_id": name,
            "sequence": 1,
            "status": "1",
            "payer": payer,
            "payer_order": "primary",
            "charge_cents": charge,
            "paid_cents": paid,
            "patient_responsibility_cents": patient,
            "paid_on": answer,
            "received_on": answer,
        }
    ]
    rows["remit_lines"] = [
        {
            "remit_line_id": f"rl-{name}",
            "remit_claim_id": remit_claim,
            "claim_id": name,
            "line_number": 1,
            "procedure": "99213",
            "charge_cents": charge,
            "paid_cents": paid,
            "units": 1.0,
            "service_on": claim["service_on"],
            "received_on": answer,
        }
    ]
    found = (
        [("CO", "197" if name.endswith("-4") else "16", charge)]
        if denied
        else [("CO", "45", contractual), ("PR", "2", patient)]
    )
    rows["remit_adjustments"] = [
        {
            "remit_adjustment_id": f"ra-{name}-{place}",
            "remit_claim_id": remit_claim,
            "remit_line_id": f"rl-{name}",
            "claim_id": name,
            "group_code": group,
            "carc": carc,
            "amount_cents": amount,
            "received_on": answer,
        }
        for place, (group, carc, amount) in enumerate(found)
    ]
    if denied:
        return
    rows["transactions"] += [
        _posting(name, 2, "payment", "primary", -paid, answer, payer, trace=f"t-{name}"),
        _posting(name, 3, "contractual", "primary", -contractual, answer, payer, group_code="CO", carc="45"),
        _posting(name, 4, "transfer", "primary", -patient, answer, payer),
        _posting(name, 5, "transfer", "patient", patient, answer, payer),
    ]
    if name.endswith("-0"):
        rows["transactions"].append(
            _posting(
                name, 6, "write_off", "patient", -patient, answer + dt.timedelta(days=9), None, reason="small balance"
            )
        )


def _posting(
    claim: str, place: int, kind: str, party: str, cents: int, day: dt.date, payer: str | None, **more
) -> dict:
    return {
        "transaction_id": f"{claim}-{place}",
        "claim_id": claim,
        "kind": kind,
        "party": party,
        "amount_cents": cents,
        "happened_on": day,
        "posted_on": day,
        "payer": payer,
        **more,
    }


def invented(
    client: str = "acorn-clinic", *, months: int = 15, without: tuple[str, ...] = ()
) -> dict[str, pl.DataFrame]:
    """All tables of the invented client; the tables named in `without` have no rows."""
    rows: dict[str, list[dict]] = {name: [] for name in TABLES}
    for month in OCTOBER.trailing(months).months():
        for number in range(CLAIMS_A_MONTH):
            claim = _claim(month, number)
            rows["claims"].append(claim)
            rows["claim_lines"].append(
                {
                    "claim_id": claim["claim_id"],
                    "line_number": 1,
                    "procedure": "99213",
                    "units": 1.0,
                    "service_on": claim["service_on"],
                    "entered_on": claim["entered_on"],
                    "charge_cents": claim["charge_cents"],
                }
            )
            for table, more in _of_claim(claim, number).items():
                rows[table] += more
    rows["transactions"].append(
        {
            "transaction_id": "unapplied",
            "claim_id": None,
            "kind": "payment",
            "party": "primary",
            "amount_cents": -5000,
            "happened_on": dt.date(2026, 8, 3),
            "posted_on": dt.date(2026, 8, 3),
            "payer": "acme",
        }
    )
    rows["payer_rules"] = [
        {"payer": payer, "effective_from": dt.date(2024, 1, 1), "filing_limit_days": 180, "appeal_limit_days": 90}
        for payer in ("acme", "lakeshore")
    ]
    rows["actions"] = [
        {
            "action_id": "1",
            "opened_on": dt.date(2026, 9, 8),
            "title": "Ask for authorization before the visit",
            "category": "authorization",
            "owner": "Acorn front desk",
            "due_on": dt.date(2026, 10, 15),
            "amount_cents": 240000,
        },
        {
            "action_id": "2",
            "opened_on": dt.date(2026, 9, 8),
            "title": "Send the missing notes",
            "category": "documentation",
            "owner": "Dr. A",
            "due_on": dt.date(2026, 10, 1),
            "amount_cents": 90000,
            "closed_on": dt.date(2026, 10, 9),
            "outcome": "sent",
            "recovered_cents": 70000,
        },
    ]
    return {
        name: pl.DataFrame(
            [] if name in without else [{"client": client} | row for row in rows[name]], schema=table.polars
        )
        for name, table in TABLES.items()
    }


@dataclass(frozen=True)
class Invented(Subject):
    """A subject as a report opens it: its tables, and those that a test puts in their place, keep what is derived.

    That they answer as plain ones do is held by `tests/measures/test_kept.py`.
    """

    def __post_init__(self) -> None:
        if not isinstance(self.tables, Tables) and all(isinstance(one, pl.LazyFrame) for one in self.tables.values()):
            tables = Tables(self.tables, self.as_of)
            tables.payers = self.tables["payers"].collect() if "payers" in self.tables else None
            object.__setattr__(self, "tables", tables.in_memory())


@cache
def acorn_without(*names: str) -> Subject:
    """The invented client in October 2026 with some tables empty, one for all tests: none of them changes it."""
    return subject_of(invented(without=names))


@cache
def acorn_page(template: str, page: str, *without: str) -> list[Block]:
    """A page of a review of that client, made once for all tests."""
    return getattr(pages_of(template, acorn_without(*without)), page)()


def subject_of(tables: dict[str, pl.DataFrame], period: Period = OCTOBER) -> Subject:
    payers = pl.DataFrame(
        [
            {"payer": "acme", "name": "Acme Health", "payer_class": "commercial"},
            {"payer": "lakeshore", "name": "Lakeshore <Mutual>", "payer_class": "commercial"},
            {"payer": "self_pay", "name": "Self-pay", "payer_class": "self_pay"},
        ],
        schema=PAYERS.polars,
    )
    known = {
        name: known_by(frame.lazy(), TABLES[name], period.last_day).collect().lazy() for name, frame in tables.items()
    }
    return Invented(
        client=Client(
            "acorn-clinic",
            "Acorn Clinic",
            2,
            0.06,
            "monthly",
            revenue_cents=30_000_000,
            services=("claims",),
            assigned_to="Jane Smith",
            assigned_level="manager",
        ),
        period=period,
        as_of=period.last_day,
        firm="Lantern",
        tables=known,
        payers=payers.to_pandas(),
        findings=pl.DataFrame().to_pandas(),
        quarantine=pl.DataFrame().to_pandas(),
        fingerprints=dict.fromkeys(TABLES, "0" * 64),
        rows={name: len(frame) for name, frame in tables.items()},
        versions={"rcm_analysis": "0.1.0"},
        template="client_review",
        parameters={"client": "acorn-clinic", "period": period.label},
    )
