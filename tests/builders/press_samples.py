"""A notebook with every kind of block, as a client's monthly review would hold them (invented numbers)."""

from __future__ import annotations

import copy
from typing import Any

MIME = "application/vnd.rcm.block+json"
CHART = """<svg xmlns="http://www.w3.org/2000/svg" width="504pt" height="187pt" viewBox="0 0 504 187">
<rect width="504" height="187" fill="#ffffff"/>
<g fill="#14425f"><rect x="40" y="30" width="60" height="130"/><rect x="130" y="62" width="60" height="98"/>
<rect x="220" y="95" width="60" height="65"/><rect x="310" y="118" width="60" height="42"/></g>
<rect x="400" y="70" width="60" height="90" fill="#a8460a"/>
<path d="M30 160H480" stroke="#55616e" stroke-width="1"/></svg>"""


def block(kind: str, /, figure: str | None = None, **payload: Any) -> dict[str, Any]:
    """One code cell whose only output is a block."""
    data: dict[str, Any] = {MIME: {"kind": kind, **payload}, "text/html": "<p>fallback</p>", "text/plain": "fallback"}
    if figure is not None:
        data["image/svg+xml"] = figure
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return {"cell_type": "code", "metadata": {}, "source": "report.show()", "execution_count": 1, "outputs": [output]}


def output_cell(
    data: dict[str, Any], metadata: dict[str, Any] | None = None, tags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One code cell with an ordinary output."""
    output = {"output_type": "execute_result", "execution_count": 1, "data": data, "metadata": metadata or {}}
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": "x",
        "execution_count": 1,
        "outputs": [output],
    }


def text(source: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": source}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": copy.deepcopy(list(cells))}


META = {
    "title": "Monthly client review",
    "client": "chicago-med",
    "client_name": "Chicago Med",
    "period": "2026-10",
    "period_title": "October 2026",
    "as_of": "2026-10-31",
    "firm": "Reliant Revenue Partners",
    "template": "client_review",
    "template_version": "1.0",
}


def _column(name: str, title: str, unit: str) -> dict[str, str]:
    return {"name": name, "title": title, "unit": unit}


def aging() -> dict[str, Any]:
    buckets = ["0–30", "31–60", "61–90", "91–120", "Over 120", "Total"]
    columns = [_column("payer", "Payer", "text"), *(_column(f"b{n}", title, "usd") for n, title in enumerate(buckets))]
    cents = {
        "Blue Cross Blue Shield of Illinois": [4_120_000, 1_804_500, 620_010, 210_000, 188_000],
        "Medicare Part B": [2_911_145, 640_000, 120_400, 80_000, 12_500],
        "UnitedHealthcare": [1_840_900, 1_220_000, 911_000, 402_000, 655_300],
        "Illinois Medicaid": [905_000, 700_100, 402_000, 333_300, 190_000],
        "Self-pay": [402_500, 380_000, 291_000, 188_000, 1_022_000],
    }
    rows: list[list[Any]] = [[payer, *values, sum(values)] for payer, values in cents.items()]
    rows.append(["All payers", *(sum(row[place] for row in rows) for place in range(1, 7))])
    shown = [[row[0], *(f"${value / 100:,.0f}" for value in row[1:])] for row in rows]
    return {
        "name": "aging",
        "title": "Open receivable by payer and age",
        "columns": columns,
        "rows": rows,
        "text": shown,
        "emphasis": [len(rows) - 1],
        "row_header": 0,
        "definition": (
            "Insurance and patient balances above zero, by days since service, as of October 31, 2026; US dollars."
        ),
        "notes": ["n = 1,204 claims. Credits of $8,412 are left out and listed in the workbook."],
    }


def worklist(rows: int = 30) -> dict[str, Any]:
    """A wide table: claims to work."""
    columns = [
        _column("claim", "Claim", "text"),
        _column("service_on", "Service date", "date"),
        _column("payer", "Payer", "text"),
        _column("procedure", "Procedure", "text"),
        _column("charge", "Charge", "usd"),
        _column("expected", "Expected", "usd"),
        _column("paid", "Paid", "usd"),
        _column("open", "Open", "usd"),
        _column("days", "Days open", "days"),
        _column("reason", "Last denial reason", "text"),
        _column("next", "Next step", "text"),
        _column("owner", "Owner", "text"),
    ]
    text_rows = [
        [
            f"CM-{70_000 + n}",
            "08/14/2026",
            "UnitedHealthcare",
            "99214-25",
            "$312.00",
            "$148.22",
            "$0.00",
            "$148.22",
            str(50 + n),
            "CO-16 claim lacks information needed for adjudication",
            "Send operative note with corrected claim",
            "Jane Smith",
        ]
        for n in range(rows)
    ]
    return {
        "name": "worklist",
        "title": "Claims to work first",
        "columns": columns,
        "rows": text_rows,
        "text": text_rows,
        "row_header": 0,
        "definition": "Open claims with expected payment above $100, oldest first.",
        "notes": [],
    }


def kpis() -> list[dict[str, Any]]:
    def tile(
        label: str, value: str, note: str, target: str, status: str, *others: tuple[str, str, str, bool | None]
    ) -> dict[str, Any]:
        comparisons = [{"label": a, "value": b, "direction": c, "good": d} for a, b, c, d in others]
        return {
            "label": label,
            "value": value,
            "note": note,
            "target": target,
            "status": status,
            "comparisons": comparisons,
        }

    return [
        tile(
            "Cash collected",
            "$68,412",
            "posting date, Oct 2026",
            "",
            "neutral",
            ("Last month", "$71,060", "down", False),
            ("Trailing three months", "$69,120", "down", False),
            ("Same month last year", "$64,900", "up", True),
        ),
        tile(
            "Days in AR",
            "41.2 days",
            "as of Oct 31; charges of the last 90 days",
            "≤ 40 days",
            "bad",
            ("Last month", "38.9", "up", False),
            ("Trailing three months", "39.4", "up", False),
            ("Same month last year", "44.0", "down", True),
        ),
        tile(
            "Net collection rate",
            "96.1 %",
            "service months Jan–Apr 2026, matured",
            "≥ 95 %",
            "good",
            ("Last month", "95.8 %", "up", True),
            ("Trailing three months", "96.0 %", "flat", None),
        ),
        tile(
            "Initial denial rate, claims remitted",
            "7.9 %",
            "98 of 1,240 claims; remittance date",
            "≤ 8 %",
            "good",
            ("Last month", "9.2 %", "down", True),
            ("Same month last year", "8.1 %", "down", True),
        ),
        tile("Clean claim rate", "–", "no clearinghouse file for October", "≥ 95 %", "empty"),
    ]


def findings() -> list[dict[str, Any]]:
    return [
        {
            "title": "UnitedHealthcare holds 34 claims over 120 days",
            "detail": "32 of 34 wait for an operative note. Send the notes in one batch; "
            "the appeal limit of the oldest falls on November 28.",
            "amount_cents": 655_300,
            "amount": "$6,553",
            "owner": "Jane Smith",
            "due": "2026-11-15",
            "severity": "high",
        },
        {
            "title": "Modifier 25 denials doubled",
            "detail": "CO-97 on 99213/99214 with a procedure the same day: 22 claims in October, 10 in September.",
            "amount_cents": 291_400,
            "amount": "$2,914",
            "owner": "Dr. Manning",
            "due": "2026-11-20",
            "severity": "medium",
        },
        {
            "title": "Eligibility is checked after the visit on Mondays",
            "detail": "",
            "amount_cents": None,
            "amount": "",
            "owner": "Front desk",
            "due": "2026-11-30",
            "severity": "low",
        },
    ]


def cards() -> list[dict[str, Any]]:
    return [
        {
            "title": "How much came in?",
            "answer": "$68,412",
            "detail": "Payments posted in October, less $1,210 refunded.",
        },
        {
            "title": "How much should have?",
            "answer": "$74,900",
            "detail": "Expected from claims old enough to be paid.",
        },
        {
            "title": "Where is the gap?",
            "answer": "$6,488",
            "detail": "UnitedHealthcare holds 71 % of it, over 120 days old.",
        },
        {
            "title": "What did we do about it?",
            "answer": "We appealed 41 denials and won 19 of the 26 decided so far ($7,305).",
            "detail": "Nine of last month's ten actions are done; the fee schedule review moved to November.",
        },
        {
            "title": "What do we need from you?",
            "answer": "Signed operative notes for 32 claims by November 15.",
            "detail": "The list is on the worklist page. Without them $6,553 passes its appeal limit.",
        },
    ]


def glossary() -> list[dict[str, str]]:
    return [
        {
            "name": "days_in_ar",
            "title": "Days in AR",
            "formula": "open balance / (charges of the last 90 days / 90)",
            "unit": "days",
            "source": "HFMA MAP Key AR-1",
        },
        {
            "name": "net_collection_rate",
            "title": "Net collection rate",
            "formula": "payments / (charges − contractual adjustments), by service month once matured",
            "unit": "rate",
            "source": "MGMA",
        },
    ]


def review_cells() -> list[dict[str, Any]]:
    figure_numbers = aging()
    return [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": 'client: str = ""',
            "execution_count": 1,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "noise of the parameters cell"}],
        },
        block("meta", **META),
        text("# Monthly client review\n\n## Sixty seconds"),
        block("cards", items=cards()),
        block(
            "note", tone="info", text="October is not yet mature: 18 % of its charges were billed in the last ten days."
        ),
        text("## The month in numbers"),
        block("kpis", items=kpis()),
        text(
            "## Where the money waits\n\nThe receivable grew by **$4,210**, nearly all of it at *one* payer "
            "(see [actions](#what-to-do-next))."
        ),
        block("table", **aging()),
        block(
            "figure",
            figure=CHART,
            name="aging_chart",
            title="Open receivable by age",
            alt="Bars of open receivable by age: largest at 0–30 days, smallest at 91–120, rising again over 120 days.",
            finding="One dollar in five of the receivable is older than 120 days.",
            table={**figure_numbers, "name": "aging_chart"},
        ),
        block("table", **{**worklist(), "print": True}),
        text("## What to do next"),
        block("findings", title="Opportunities, by dollars", items=findings()),
        block(
            "note",
            tone="warning",
            text="Two remittances of October 30 do not balance ($41.20); they are left out of every figure.",
        ),
        text("## Definitions and provenance"),
        block(
            "facts",
            title="Provenance",
            items=[
                {"label": "Remittances read", "value": "41 files, 1,240 claims"},
                {"label": "Residual of the roll-forward", "value": "$0.00"},
                {"label": "Data fingerprint", "value": "9f2c4e71d0b8a6f3"},
            ],
        ),
        block("glossary", items=glossary()),
        block(
            "inputs",
            tables=[{"table": "claims", "rows": 1240, "fingerprint": "9f2c"}],
            findings=2,
            client="chicago-med",
        ),
    ]


def review() -> dict[str, Any]:
    """The whole monthly review."""
    return notebook(*review_cells())
