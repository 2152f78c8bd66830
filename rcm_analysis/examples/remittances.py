"""A small invented client, small enough to check by hand: the examples of the measures compute on it.

Claim C1 was paid. C2 was denied (no authorization), appealed and paid in November. Of C3 one line was
paid and one denied (bundling). C4 went to the patient's deductible.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd


def example_tables() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name.

    >>> sorted(example_tables())
    ['claim_edits', 'claims', 'remit_adjustments', 'remit_claims', 'remit_lines', 'submissions',
     'transactions', 'work_log']
    """
    payers = {"C1": "aetna", "C2": "aetna", "C3": "cigna", "C4": "cigna"}
    charges = {"C1": 10000, "C2": 20000, "C3": 15000, "C4": 12000}
    sent = dt.date(2026, 9, 8)
    return {
        "claims": _frame(
            "claim_id provider payer location service_on charge_cents",
            [
                (
                    claim,
                    "lee" if claim in ("C1", "C3") else "cruz",
                    payers[claim],
                    "main",
                    dt.date(2026, 9, 1),
                    charges[claim],
                )
                for claim in payers
            ],
        ),
        "submissions": _frame(
            "submission_id claim_id submitted_on payer payer_order frequency charge_cents",
            [(f"S-{claim}", claim, sent, payers[claim], "primary", "1", charges[claim]) for claim in payers],
        ),
        "claim_edits": _frame(
            "edit_id claim_id checked_on stage result",
            [(f"E-{claim}", claim, sent, "scrubber", "failed" if claim == "C3" else "passed") for claim in payers],
        ),
        "transactions": _frame(
            "transaction_id claim_id line_number kind party payer posted_on group_code carc amount_cents",
            [
                ("T1", "C1", 1, "contractual", "primary", "aetna", dt.date(2026, 10, 6), "CO", "45", -2000),
                ("T2", "C3", 2, "contractual", "primary", "cigna", dt.date(2026, 10, 6), "CO", "97", -5000),
            ],
        ),
        "work_log": _frame(
            "note_id claim_id worked_on entered_on action outcome",
            [("N1", "C2", dt.date(2026, 10, 12), dt.date(2026, 10, 12), "appeal", "in_process")],
        ),
        **_remittances(),
    }


def _remittances() -> dict[str, pd.DataFrame]:
    october, november = dt.date(2026, 10, 5), dt.date(2026, 11, 3)
    claims = [
        ("R1", "C1", 1, "1", "aetna", 10000, 8000, october),
        ("R2", "C2", 2, "1", "aetna", 20000, 0, october),
        ("R3", "C3", 3, "1", "cigna", 15000, 8000, october),
        ("R4", "C4", 4, "1", "cigna", 12000, 0, october),
        ("R5", "C2", 1, "1", "aetna", 20000, 15000, november),
    ]
    lines = [
        ("R1-1", "R1", "C1", 1, "99213", 10000, 8000, october),
        ("R2-1", "R2", "C2", 1, "29881", 20000, 0, october),
        ("R3-1", "R3", "C3", 1, "99213", 10000, 8000, october),
        ("R3-2", "R3", "C3", 2, "36415", 5000, 0, october),
        ("R4-1", "R4", "C4", 1, "99214", 12000, 0, october),
        ("R5-1", "R5", "C2", 1, "29881", 20000, 15000, november),
    ]
    adjustments = [
        ("R1-1", "R1", "C1", "CO", "45", 2000, october),
        ("R2-1", "R2", "C2", "CO", "197", 20000, october),
        ("R3-1", "R3", "C3", "CO", "45", 2000, october),
        ("R3-2", "R3", "C3", "CO", "97", 5000, october),
        ("R4-1", "R4", "C4", "PR", "1", 12000, october),
        ("R5-1", "R5", "C2", "CO", "45", 5000, november),
    ]
    remit_claims = _frame("remit_claim_id claim_id sequence status payer charge_cents paid_cents received_on", claims)
    remit_lines = _frame(
        "remit_line_id remit_claim_id claim_id line_number procedure charge_cents paid_cents received_on", lines
    )
    remit_adjustments = _frame(
        "remit_line_id remit_claim_id claim_id group_code carc amount_cents received_on", adjustments
    )
    return {
        "remit_claims": remit_claims.assign(payer_order="primary"),
        "remit_lines": remit_lines.assign(allowed_cents=pd.array([None] * len(lines), dtype="Int64")),
        "remit_adjustments": remit_adjustments.assign(remark_codes=pd.array([None] * len(adjustments), dtype="str")),
    }


def _frame(columns: str, rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns.split())
    days = {name: pd.to_datetime(frame[name]) for name in frame.columns if name.endswith("_on")}
    return frame.assign(client="acme", **days)


def example_takebacks() -> dict[str, pd.DataFrame]:
    """One claim that the payer reverses for $200.00 less; $80.00 of it will leave a later check.

    >>> example_takebacks()["provider_adjustments"][["reason", "reference", "amount_cents"]].values[0].tolist()
    ['WO', 'ICN1', -8000]
    """
    days = {"R1": dt.date(2026, 1, 20), "R2": dt.date(2026, 3, 10)}
    paid = [("R1", "1", 50000), ("R2", "22", -50000), ("R2", "1", 30000)]
    claim = "client remit_claim_id remit_id claim_id claim_number payer_claim_id sequence status payer payer_order"
    return {
        "remit_claims": pd.DataFrame(
            [
                ("a", f"P{n}", remit, "C1", "C1", "ICN1", n, status, "p", "primary", cents, pd.Timestamp(days[remit]))
                for n, (remit, status, cents) in enumerate(paid)
            ],
            columns=[*claim.split(), "paid_cents", "received_on"],
        ),
        "remit_adjustments": pd.DataFrame(
            [("a", "P2", "45", 20000)], columns=["client", "remit_claim_id", "carc", "amount_cents"]
        ),
        "deposits": pd.DataFrame(
            [("a", "R1", "p", "T1"), ("a", "R2", "p", "T2")], columns=["client", "remit_id", "payer", "trace"]
        ),
        "provider_adjustments": pd.DataFrame(
            [("a", "R2-p1", "R2", "WO", "ICN1", -8000, pd.Timestamp(days["R2"]))],
            columns=[
                "client",
                "provider_adjustment_id",
                "remit_id",
                "reason",
                "reference",
                "amount_cents",
                "received_on",
            ],
        ),
    }


def example_late_payments() -> dict[str, pd.DataFrame]:
    """One claim of $1,250.00 that an insured plan in New York received on March 2 and paid on May 15.

    >>> example_late_payments()["payers"][["payer_class", "funding", "state"]].values[0].tolist()
    ['commercial', 'insured', 'NY']
    """
    sent, taken, paid = (pd.Timestamp(2026, *day) for day in ((3, 1), (3, 2), (5, 15)))
    answer = {"remit_claim_id": "P1", "remit_id": "R1", "sequence": 1, "status": "1", "payer": "p"}
    money = {"charge_cents": 200000, "paid_cents": 125000, "interest_cents": 0, "received_on": paid, "paid_on": paid}
    adjustment = {"remit_claim_id": "P1", "group_code": "CO", "carc": "45", "amount_cents": 75000, "received_on": paid}
    claim = {"claim_id": "C1", "payer_order": "primary"}
    rows = {
        "submissions": {**claim, "submitted_on": sent},
        "claim_edits": {"claim_id": "C1", "checked_on": taken, "stage": "payer", "result": "passed"},
        "remit_claims": {**claim, **answer, **money},
        "remit_adjustments": {"claim_id": "C1", "remit_line_id": None, "remark_codes": None, **adjustment},
    }
    payer = {"payer": "p", "payer_class": "commercial", "funding": "insured", "state": "NY"}
    frames = {name: pd.DataFrame([{"client": "a", **row}]) for name, row in rows.items()}
    words = ["remit_line_id", "remark_codes"]
    frames["remit_adjustments"][words] = frames["remit_adjustments"][words].astype("str")
    return {**frames, "payers": pd.DataFrame([payer])}
