"""What payers changed, took back, or paid late: money that no balance shows, because the books follow the payer."""

from __future__ import annotations

import pandas as pd

from ...measures.payers.prompt_pay import prompt_pay_interest
from ...measures.payers.recoded import recodes_by_doctor
from ...tables.reference.prompt_pay import prompt_pay_laws
from ..blocks import Block, note
from ..formats import as_text, counted
from ..incomplete import untold
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts

CHANGES = {"recode": "other code", "units": "fewer units", "recode, units": "other code, fewer units"}
UNLIKELY = 0.05
PLB = {"WO": "WO: overpayment", "FB": "FB: balance carried over", "L6": "L6: interest taken back"}
STANDING = {"owed": "owed", "possible": "if the plan is insured", "paid without a claim": "paid, names no claim"}
UNJUDGED = {
    "not insured": "plans that no state's law binds",
    "no law on file": "no law or rate on file for the day",
    "no state": "the practice's state is not stated",
    "kind of payer unknown": "the kind of payer is not stated",
}
SAID_BY = {"stated": "the payer", "inferred": "the bill (payer silent)"}


@page
def decided(facts: Facts) -> list[Block]:
    """Lines decided under another code or with fewer units, what was taken back, interest owed; as long as there is
    any."""
    unknown = untold(facts.subject, "What payers decided under another code, took back or paid late", "remit_claims")
    none = "No payer is seen to have decided another code, or fewer units, than billed in the last twelve months."
    blocks = _recodes(facts) or [note(unknown or none)]
    return [*blocks, *_takebacks(facts), *_interest(facts)]


def _recodes(facts: Facts) -> list[Block]:
    lines = facts.recoded_lines
    if lines.empty:
        return []
    cells = ["payer", "procedure", "decided_procedure"]
    keyed = lines.assign(disputable=lines["lost_cents"].where(lines["is_appealable"], 0))
    rows = keyed.groupby(cells, as_index=False).agg(
        claims=("claim_id", "nunique"),
        lost_cents=("lost_cents", "sum"),
        disputable=("disputable", "sum"),
        appeal_by=("appeal_by", lambda days: days[keyed.loc[days.index, "is_appealable"]].min()),
    )
    rows = facts.names(rows.sort_values("lost_cents", ascending=False, kind="stable"), "payer")
    table, emphasis = with_total(rows, "payer", ["lost_cents", "disputable"])
    unpriced = int((lines["basis"] == "").sum())
    denied = int(lines["denied_cents"].sum())
    notes = [
        f"{counted(unpriced, 'line has', 'lines have')} no known price and no dollars here." if unpriced else "",
        f"Of their charges, {as_text(denied, 'usd')} stand among the denied dollars, too." if denied else "",
    ]
    definition = (
        "Latest decisions of twelve months under another code, or with fewer units, than billed. Lost: what the "
        "contract, or the payer's habit, allows for what was billed, less what was allowed; in no other table of "
        "dollars allowed too little. By day of remittance; US dollars."
    )
    blocks: list[Block] = [
        show(
            table,
            [
                Shown("payer", "Payer"),
                Shown("procedure", "Billed"),
                Shown("decided_procedure", "Decided"),
                Shown("claims", "Claims", "count"),
                Shown("lost_cents", "Lost", "usd"),
                *_disputable(facts, "appeal_by"),
            ],
            name="recodes",
            title="Decided under another code, or with fewer units",
            emphasis=emphasis,
            notes=notes,
            definition=definition,
        )
    ]
    return [*blocks, *_doctors(facts), _recoded_lines(facts, lines, definition)]


def _disputable(facts: Facts, limit: str) -> list[Shown]:
    """What can still be disputed, and until when; nothing where no payer's limits are on file."""
    known = facts.subject.holds("payer_rules")
    return [Shown("disputable", "Can be disputed", "usd"), Shown(limit, "First limit", "date")] if known else []


def _doctors(facts: Facts) -> list[Block]:
    """Doctors whose work is recoded more often than that of their peers with the same mix; nothing where none is."""
    found = recodes_by_doctor(facts.priced, period=facts.subject.period.trailing(12))
    found = found[(found["q_value"] <= UNLIKELY) & (found["ratio"] > 1)]
    if found.empty:
        return []
    return [
        show(
            found,
            [
                Shown("provider", "Provider"),
                Shown("lines", "Lines", "count"),
                Shown("recoded_lines", "Recoded or cut", "count"),
                Shown("expected", "Expected with this mix", "number"),
                Shown("ratio", "Times as often", "number"),
                Shown("p_value", "By chance", "rate"),
            ],
            name="recodes_by_doctor",
            title="Recoded more often than peers with the same payers and codes",
            definition="Lines of twelve months. Expected: at the rates of the other doctors, payer by payer and code "
            "by code. Shown where chance alone gives it once in twenty times or less, all doctors considered. It says "
            "nothing of the coding: look at the notes, and dispute where they bear the level.",
        )
    ]


def _recoded_lines(facts: Facts, lines: pd.DataFrame, definition: str) -> Block:
    return show(
        facts.names(lines, "payer"),
        [
            Shown("claim_id", "Claim"),
            Shown("line_number", "Line", "count"),
            Shown("payer", "Payer"),
            Shown("provider", "Provider"),
            Shown("procedure", "Billed"),
            Shown("decided_procedure", "Decided"),
            Shown("units", "Units billed", "count"),
            Shown("decided_units", "Units decided", "count"),
            Shown("change", "Changed", texts=CHANGES),
            Shown("change_basis", "Said by", texts=SAID_BY),
            Shown("reason", "Payer's codes"),
            Shown("service_on", "Service", "date"),
            Shown("received_on", "Decided on", "date"),
            Shown("expected_cents", "Expected", "usd", exact=True),
            Shown("allowed_cents", "Allowed", "usd", exact=True),
            Shown("lost_cents", "Lost", "usd", exact=True),
            Shown("denied_cents", "Denied, too", "usd", exact=True),
            Shown("basis", "Expected from"),
            Shown("appeal_by", "Appeal by", "date"),
        ],
        name="recoded_lines",
        title="Lines decided otherwise than billed",
        print_it=False,
        definition=definition,
    )


def _takebacks(facts: Facts) -> list[Block]:
    rows = facts.takebacks
    rows = rows[rows["amount_cents"] > 0]
    if rows.empty:
        return []
    lost = rows["amount_cents"] - rows["repaid_cents"]
    rows = rows.assign(
        takebacks=1,
        disputable=lost.where(rows["is_disputable"], 0),
        open_by=rows["dispute_by"].where(rows["is_disputable"] & (lost > 0)),
        reason=rows["reason"].replace(PLB).str.replace(r"^(?=[A-Z]?\d+(?: |$))", "CARC ", regex=True),
    )
    cents = ["amount_cents", "repaid_cents", "to_come_cents", "disputable"]
    sums = {name: (name, "sum") for name in ("takebacks", *cents)} | {"open_by": ("open_by", "min")}
    found = facts.names(rows.groupby(["payer", "reason"], as_index=False).agg(**sums), "payer")
    table, emphasis = with_total(
        found.sort_values("amount_cents", ascending=False, kind="stable"), "payer", ["takebacks", *cents]
    )
    definition = (
        "Reversals less what the same check pays on the claim instead, and recoupments and balances carried over that "
        "no reversal explains, no dollar twice; twelve months, by day of the remittance that first says it. Reason: "
        "the payer's codes. Paid again: on the claim, by later checks. To come: announced, in no check yet. Can be "
        "disputed: not paid again, appeal limit not over. What a correction denies or prices lower can stand among "
        "denials and underpayments, too. US dollars."
    )
    shared = [Shown("amount_cents", "Taken back", "usd"), Shown("repaid_cents", "Paid again", "usd")]
    shared += [Shown("to_come_cents", "To come", "usd")]
    columns = [Shown("payer", "Payer"), Shown("reason", "Reason"), Shown("takebacks", "Takebacks", "count"), *shared]
    columns += _disputable(facts, "open_by")
    title = "What payers took back"
    summed = show(table, columns, name="takebacks", title=title, emphasis=emphasis, definition=definition)
    return [summed, _takeback_list(facts, rows, definition)]


def _takeback_list(facts: Facts, rows: pd.DataFrame, definition: str) -> Block:
    return show(
        facts.names(rows, "payer"),
        [
            Shown("claim_id", "Claim"),
            Shown("payer", "Payer"),
            Shown("kind", "Kind"),
            Shown("reason", "Reason"),
            Shown("first_on", "First said", "date"),
            Shown("age_days", "Age", "days"),
            Shown("reversed_cents", "Reversed", "usd", exact=True),
            Shown("amount_cents", "Taken back", "usd", exact=True),
            Shown("repaid_cents", "Paid again", "usd", exact=True),
            Shown("to_come_cents", "To come", "usd", exact=True),
            Shown("taken_from", "Taken from check"),
            Shown("tie", "Tied by"),
            Shown("dispute_by", "Dispute by", "date"),
        ],
        name="takeback_list",
        title="Takebacks, one by one",
        print_it=False,
        definition=definition,
    )


def _interest(facts: Facts) -> list[Block]:
    """What payers owe for paying late, beside the interest they paid; with what cannot be judged."""
    rows = facts.late_payments
    if rows["law"].eq("").all():
        return []
    year = facts.subject.period.trailing(12)
    found = prompt_pay_interest(facts.tables, period=year)
    found = facts.names(found[found[["late", "interest_cents"]].sum(axis=1) > 0], "payer")
    numbers = ["late", "owed_cents", "interest_cents", "missing_cents", "possible_cents"]
    table, emphasis = with_total(
        found.sort_values(["missing_cents", "possible_cents"], ascending=False, kind="stable"), "payer", numbers
    )
    why = prompt_pay_interest(facts.tables, period=year, by=["standing"])
    why = why[why["not_judged"] > 0].sort_values("not_judged", ascending=False)
    unjudged = "; ".join(f"{UNJUDGED[row.standing]}, {as_text(row.not_judged, 'count')}" for row in why.itertuples())
    definition = (
        "Clean claims only: the first answer paid, no front end rejected the bill; from the payer's receipt (else the "
        "day after sending) to the day of payment, twelve months by day of payment. Owed: what the law of the client's "
        "state, or Medicare's rule, sets on what was paid. If insured: the same for payers of which nobody has said "
        "whether their plans are insured; self-funded plans and those of other states owe none of it. US dollars."
    )
    block = show(
        table,
        [
            Shown("payer", "Payer"),
            Shown("late", "Paid late", "count"),
            Shown("owed_cents", "Owed", "usd"),
            Shown("interest_cents", "Interest paid", "usd"),
            Shown("missing_cents", "To ask for", "usd"),
            Shown("possible_cents", "If insured", "usd"),
        ],
        name="prompt_pay",
        title="Interest for claims paid late",
        emphasis=emphasis,
        notes=[f"Clean claims that are not judged: {unjudged}." if unjudged else "", "No legal advice."],
        definition=definition,
    )
    return [block, _late_list(facts, rows, definition)]


def _late_list(facts: Facts, rows: pd.DataFrame, definition: str) -> Block:
    laws = prompt_pay_laws().groupby("law")["source"].first()
    return show(
        facts.names(rows.assign(source=rows["law"].map(laws).fillna("")), "payer"),
        [
            Shown("claim_id", "Claim"),
            Shown("payer", "Payer"),
            Shown("standing", "Interest is", texts=STANDING),
            Shown("law", "Law"),
            Shown("started_on", "Received by the payer", "date"),
            Shown("due_on", "Due", "date"),
            Shown("paid_on", "Paid on", "date"),
            Shown("days_late", "Days late", "count"),
            Shown("paid_cents", "Paid", "usd", exact=True),
            Shown("owed_cents", "Interest by law", "usd", exact=True),
            Shown("interest_cents", "Interest paid", "usd", exact=True),
            Shown("missing_cents", "To ask for", "usd", exact=True),
            Shown("source", "Source of the rule"),
        ],
        name="late_payments",
        title="Clean claims paid late, one by one",
        print_it=False,
        definition=definition,
    )
