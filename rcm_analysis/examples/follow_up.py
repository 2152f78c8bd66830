"""A small invented client with work left undone: the examples of `delays` and `deadlines` compute on it.

On 30 November: H1 waits for documents since 5 October and was never sent. R1 was rejected on 12 October
and not sent again. D1 was denied on 5 October and nobody appealed. U1 was entered in September and never
sent. P1 was sent and answered: nothing is left to do.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

CLAIMS = ("H1", "R1", "D1", "U1", "P1")


def example_follow_up() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name.

    >>> sorted(example_follow_up())  # doctest: +NORMALIZE_WHITESPACE
    ['claim_edits', 'claims', 'payer_rules', 'remit_adjustments', 'remit_claims', 'submissions',
     'transactions', 'work_log']
    """
    day = dt.date
    entered, sent, answered = day(2026, 9, 3), day(2026, 9, 8), day(2026, 10, 5)
    charges = [(f"T-{claim}", claim, "charge", "primary", 10000, entered) for claim in CLAIMS]
    paid = [
        ("T-paid", "P1", "payment", "primary", -8000, answered),
        ("T-cut", "P1", "contractual", "primary", -2000, answered),
    ]
    bills = [(f"S-{claim}", claim, sent, "aetna", "primary", "1", 10000) for claim in ("R1", "D1", "P1")]
    bills.append(("S-0", "before", day(2026, 1, 5), "aetna", "primary", "1", 10000))
    return {
        "claims": _frame(
            "claim_id provider payer secondary_payer location service_on entered_on charge_cents",
            [(claim, "lee", "aetna", None, "main", day(2026, 9, 1), entered, 10000) for claim in CLAIMS],
        ),
        "submissions": _frame("submission_id claim_id submitted_on payer payer_order frequency charge_cents", bills),
        "claim_edits": _frame(
            "edit_id claim_id checked_on stage result reason sent_on",
            [
                ("E-R1", "R1", day(2026, 10, 12), "clearinghouse", "failed", "subscriber id format", sent),
                ("E-P1", "P1", sent, "clearinghouse", "passed", None, sent),
            ],
        ),
        "work_log": _frame(
            "note_id claim_id worked_on entered_on worked_by action outcome hold_reason minutes",
            [
                ("N1", "H1", answered, answered, "kim", "request_documents", "waiting_on_client", "documents", 8.0),
                (
                    "N2",
                    "H1",
                    day(2026, 10, 23),
                    day(2026, 10, 23),
                    "kim",
                    "follow_up",
                    "waiting_on_client",
                    "documents",
                    4.0,
                ),
            ],
        ),
        "transactions": _frame("transaction_id claim_id kind party amount_cents posted_on", [*charges, *paid]),
        "remit_claims": _frame(
            "remit_claim_id claim_id sequence status payer payer_order charge_cents paid_cents received_on",
            [
                ("P", "P1", 1, "1", "aetna", "primary", 10000, 8000, answered),
                ("D", "D1", 2, "1", "aetna", "primary", 10000, 0, answered),
            ],
        ),
        "remit_adjustments": _frame(
            "remit_claim_id remit_line_id claim_id group_code carc amount_cents remark_codes received_on",
            [
                ("P", None, "P1", "CO", "45", 2000, None, answered),
                ("D", None, "D1", "CO", "197", 10000, None, answered),
            ],
        ),
        "payer_rules": _frame(
            "payer effective_from effective_to filing_limit_days appeal_limit_days secondary_filing_limit_days",
            [("aetna", day(2024, 1, 1), None, 90, 60, 90)],
        ),
    }


def _frame(columns: str, rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns.split())
    days = {name: pd.to_datetime(frame[name]) for name in frame.columns if name.endswith(("_on", "_from", "_to"))}
    return frame.assign(client="acme", **days)
