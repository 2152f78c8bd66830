"""What payers allow too little, their new prices, and how good each one is to work with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...measures.payers.scorecard import latest_quarter
from ..blocks import Block, note
from ..formats import as_text, counted
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts

LARGEST = 10
FEW_APPEALS = 10
NOT_COMPARED = (
    "Whether payers allow too little cannot be judged: no line can be compared, for want of a fee schedule and of "
    "enough paid lines of one payer and code."
)


@page
def underpayments(facts: Facts) -> list[Block]:
    """Payer and code where too little is allowed again and again; single lines and new prices in the workbook."""
    found = facts.names(facts.underpayments.sort_values("short_cents", ascending=False), "payer")
    blocks = (
        _repeated(facts, found)
        if len(found)
        else [
            note(
                NOT_COMPARED
                if facts.compared_lines == 0
                else "No payer allows too little for a code again and again: allowed amounts were compared with the "
                "fee schedules on file, and with "
                "the payers' own habit where there is none."
            )
        ]
    )
    lines = facts.names(facts.underpaid_lines, "payer")
    if len(lines):
        blocks.append(
            note(
                f"{counted(len(lines), 'line')} decided in the last three months fell short by more than $5 and 3%, "
                f"{as_text(int(lines['short_cents'].sum()), 'usd')} together, single cases included (sheet "
                "Underpaid lines)."
            )
        )
        blocks.append(
            show(
                lines,
                [
                    Shown("claim_id", "Claim"),
                    Shown("line_number", "Line", "count"),
                    Shown("payer", "Payer"),
                    Shown("procedure", "Code"),
                    Shown("modifiers", "Modifiers"),
                    Shown("service_on", "Service", "date"),
                    Shown("received_on", "Decided on", "date"),
                    Shown("expected_cents", "Expected", "usd", exact=True),
                    Shown("allowed_cents", "Allowed", "usd", exact=True),
                    Shown("short_cents", "Short", "usd", exact=True),
                    Shown("basis", "Expected from"),
                    Shown("confidence", "Confidence"),
                    Shown("appeal_by", "Appeal by", "date"),
                ],
                name="underpaid_lines",
                title="Underpaid lines of the last three months",
                print_it=False,
                definition=(
                    "One row per line, by the day of the remittance; US dollars and cents. Inferred is not contract."
                ),
            )
        )
    return [*blocks, *_prices(facts)]


def _repeated(facts: Facts, found: pd.DataFrame) -> list[Block]:
    columns = [
        Shown("payer", "Payer"),
        Shown("procedure", "Code"),
        Shown("onset_on", "Since", "date"),
        Shown("short_lines", "Lines", "count"),
        Shown("short_share", "Short by", "rate"),
        Shown("short_cents", "Short", "usd"),
        Shown("appealable_cents", "Can be appealed", "usd"),
        Shown("appeal_by", "First limit", "date"),
        Shown("confidence", "Confidence"),
    ]
    table, emphasis = with_total(found.head(LARGEST), "payer", ["short_lines", "short_cents", "appealable_cents"])
    words: dict[str, Any] = {
        "title": "Allowed less than expected, again and again",
        "definition": "Latest decision on each line since the onset, allowed against expected (paid is not "
        "compared: it depends on "
        "the patient's share); high confidence: contract, medium or low: inferred from what the payer usually allowed; "
        "US dollars.",
    }
    left = len(found) - LARGEST
    blocks: list[Block] = [
        show(
            table,
            columns,
            name="underpayments_largest",
            emphasis=emphasis,
            notes=[f"{counted(left, 'smaller row')} in the workbook only."] if left > 0 else [],
            **words,
        )
    ]
    return [
        *blocks,
        show(
            found,
            [
                *columns,
                Shown("basis", "Expected from"),
                Shown("repeat_index", "Months of three", "rate"),
                Shown("lapsed_cents", "Too late to appeal", "usd"),
            ],
            name="underpayments",
            print_it=False,
            **words,
        ),
    ]


def _prices(facts: Facts) -> list[Block]:
    rows = facts.names(facts.new_prices, "payer")
    if rows.empty:
        return []
    return [
        show(
            rows,
            [
                Shown("payer", "Payer"),
                Shown("procedure", "Code"),
                Shown("modifiers", "Modifiers"),
                Shown("changed_on", "From", "date"),
                Shown("old_cents", "Before", "usd", exact=True),
                Shown("new_cents", "Now", "usd", exact=True),
                Shown("change_share", "Change", "rate"),
                Shown("lines", "Lines so far", "count"),
                Shown("effect_cents", "Effect so far", "usd", exact=True),
                Shown("basis", "Known from"),
                Shown("appeal_by", "Appeal by", "date"),
                Shown("appealable_cents", "Could be appealed", "usd", exact=True),
            ],
            name="new_prices",
            title="New prices of the last three months",
            print_it=False,
            definition=(
                "By the day of service from which the price holds; US dollars and cents. A price known "
                "from the contract is agreed. A lower one that is only inferred is a new price or an "
                "underpayment: the contract says which."
            ),
        )
    ]


@page
def scorecard(facts: Facts) -> list[Block]:
    """Payers ranked by what they yield, with time, denials, underpayment and effort, beside the quarter before."""
    found = facts.scorecard
    if found.empty:
        return [note("No complete calendar quarter with payer decisions yet: there is nothing to rank.")]
    ranked = found.sort_values(["rank", "payer"], na_position="last")
    rows = facts.names(ranked, "payer").assign(
        trend=[_trend(row) for row in ranked.to_dict("records")],
        overturned=ranked["overturn_rate"].where(ranked["resolved_appeals"] >= FEW_APPEALS),
    )
    quarter = latest_quarter(facts.as_of)
    months = f"{quarter.first_day:%B} to {quarter.last_day:%B %Y}"
    few = int(ranked["is_small"].sum())
    notes = [f"{counted(few, 'payer has', 'payers have')} too few claims to be ranked."] if few else []
    return [
        show(
            rows,
            [
                Shown("rank", "Rank", "count"),
                Shown("payer", "Payer"),
                Shown("claims", "Claims", "count"),
                Shown("net_yield", "Yield", "rate"),
                Shown("trend", "Yield before"),
                Shown("median_days_to_pay", "Days to pay", "count"),
                Shown("denial_rate", "Denied", "rate"),
                Shown("overturned", "Won back", "rate"),
                Shown("underpaid_cents", "Underpaid", "usd"),
                Shown("cost_per_1000_cents", "Work for $1,000", "usd", exact=True),
            ],
            name="payer_scorecard",
            title=f"Payers side by side, {months}",
            notes=notes,
            definition="Yield: allowed, of what contracts (or the payer's habit) promise for the lines decided. "
            "Won back: denials overturned, of "
            f"those decided in four quarters; empty under {FEW_APPEALS}. Work: minutes noted, at $35 an hour, "
            "for $1,000 collected.",
        ),
        *_contracts(facts),
    ]


def _trend(row: Mapping[str, Any]) -> str:
    """The yield of the quarter before, and which way it went."""
    before, change = row["net_yield_before"], row["net_yield_change"]
    if pd.isna(before) or pd.isna(change):
        return "–"
    way = "same" if abs(change) < 0.005 else "up" if change > 0 else "down"
    return f"{as_text(before, 'rate')}, {way}"


def _contracts(facts: Facts) -> list[Block]:
    rows = facts.contracts
    if rows.empty:
        return []
    is_public = rows["payer"].isin(facts.subject.public_payers)
    rows = facts.names(
        rows.assign(
            price=is_public.map({True: "law", False: "contract"}), raise_cents=rows["raise_cents"].mask(is_public)
        ),
        "payer",
    )
    return [
        show(
            rows,
            [
                Shown("payer", "Payer"),
                Shown("procedure", "Code"),
                Shown("price", "Price by"),
                Shown("units", "Units", "count"),
                Shown("unit_cents", "Price of a unit", "usd", exact=True),
                Shown("median_cents", "Median of payers", "usd", exact=True),
                Shown("ratio", "Of the others' price", "rate"),
                Shown("raise_cents", "More at the median", "usd"),
            ],
            name="contracts",
            title="Contracts side by side: the main codes of twelve months",
            print_it=False,
            definition="Price of one unit, by contract or inferred; more at the median: what the payer's units "
            "would bring more at the median "
            "price. Prices of public payers are law: there is nothing to negotiate; US dollars.",
        )
    ]
