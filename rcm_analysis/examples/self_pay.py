"""A small invented self-pay programme, small enough to check by hand: the examples of the self-pay measures compute on
it.

Claim C1 was billed in January and paid in two parts. C2 is on a plan that was missed once, cured, and goes on.
C3 was promised and not paid. C4 was paid before the insurer answered. C5 is disputed, and its patient asks for help.
"""

from __future__ import annotations

import pandas as pd

PATIENTS = {"C1": "p1", "C2": "p2", "C3": "p3", "C4": "p4", "C5": "p5"}


def example_self_pay() -> dict[str, pd.DataFrame]:
    """The tables of the small client, by name; the day to look at it is April 30, 2026.

    >>> sorted(example_self_pay())[:5]
    ['account_changes', 'assistance_applications', 'claims', 'disputes', 'interactions']
    """
    return {**_money(), **_plans(), **_attempts(), **_talks(), **_requests(), "self_pay_policies": _policies()}


def _money() -> dict[str, pd.DataFrame]:
    postings = [
        ("C1", "transfer", "patient", 10000, "2026-01-05", None),
        ("C1", "payment", "patient", -4000, "2026-01-30", None),
        ("C1", "payment", "patient", -6000, "2026-03-20", None),
        ("C2", "transfer", "patient", 9000, "2026-01-12", None),
        ("C2", "payment", "patient", -3000, "2026-02-20", "plan payment"),
        ("C2", "payment", "patient", -3000, "2026-04-27", "plan payment"),
        ("C3", "transfer", "patient", 5000, "2026-02-02", None),
        ("C4", "charge", "primary", 12000, "2026-03-02", None),
        ("C4", "payment", "patient", -2500, "2026-03-03", "prepayment"),
        ("C5", "transfer", "patient", 8000, "2026-02-10", None),
        ("C5", "write_off", "patient", -4000, "2026-04-02", "bad debt"),
    ]
    frame = _frame("claim_id kind party amount_cents posted_on reason", postings)
    approver = [("m.lopez" if kind == "write_off" else None) for kind in frame["kind"]]
    claims = [(claim, "aetna", who, "2025-12-20") for claim, who in PATIENTS.items()]
    statements = [
        ("S1", "C1", "2026-01-10", 1, 10000),
        ("S2", "C2", "2026-01-15", 1, 9000),
        ("S3", "C1", "2026-02-10", 2, 6000),
        ("S4", "C3", "2026-02-05", 1, 5000),
        ("S5", "C5", "2026-02-12", 1, 8000),
    ]
    return {
        "claims": _frame("claim_id payer patient service_on", claims).assign(secondary_payer=None, tertiary_payer=None),
        "transactions": frame.assign(
            transaction_id=[f"T{number}" for number in range(len(frame))], approved_by=approver
        ),
        "statements": _frame("statement_id claim_id statement_on sequence balance_cents", statements),
        "write_off_approvals": _frame(
            "approval_id claim_id requested_on amount_cents decided_on decision decided_by",
            [("W1", "C5", "2026-03-30", 4000, "2026-04-01", "approved", "m.lopez")],
        ),
    }


def _plans() -> dict[str, pd.DataFrame]:
    parts = [
        ("P1", 1, "2026-02-20", 3000, "2026-02-20", 3000),
        ("P1", 2, "2026-03-22", 3000, "2026-04-27", 3000),
        ("P1", 3, "2026-04-21", 3000, None, None),
    ]
    frame = _frame("plan_id number due_on amount_cents paid_on paid_cents", parts)
    return {
        "payment_plans": _frame(
            "plan_id claim_id patient opened_on amount_cents instalments is_autopay closed_on outcome",
            [("P1", "C2", "p2", "2026-01-25", 9000, 3, False, None, None)],
        ),
        "plan_instalments": frame.assign(
            agreed_on=pd.Timestamp("2026-01-25"), paid_cents=frame["paid_cents"].astype("Int64")
        ),
    }


def _attempts() -> dict[str, pd.DataFrame]:
    rows = [
        ("A1", "C1", "2026-01-28", 4000, "visa", "declined", "soft", None),
        ("A2", "C1", "2026-01-30", 4000, "visa", "approved", None, "A1"),
        ("A3", "C1", "2026-03-20", 6000, "check", "approved", None, None),
        ("A4", "C2", "2026-03-22", 3000, "visa", "declined", "hard", None),
        ("A5", "C4", "2026-03-03", 2500, "bank", "approved", None, None),
    ]
    frame = _frame("attempt_id claim_id attempted_on amount_cents method result decline_kind retry_of", rows)
    return {"payment_attempts": frame.assign(patient=frame["claim_id"].map(PATIENTS))}


def _talks() -> dict[str, pd.DataFrame]:
    columns = (
        "interaction_id patient claim_id entered_on direction channel result reason department resolution next_step "
        "is_identity_verified is_disclosure_given is_script_followed handled_by"
    )
    nothing = (None,) * 6
    rows = [
        ("I1", "p1", "C1", "2026-01-20", "out", "phone", "no_answer", "balance", *nothing, "cp01"),
        ("I2", "p3", "C3", "2026-02-20", "in", "phone", "conversation", "promise", "self_pay", "promise")
        + ("await_payment", True, True, True, "cp01"),
        ("I3", "p5", "C5", "2026-03-02", "in", "phone", "conversation", "dispute", "billing", "passed_on")
        + (None, True, True, False, "cp02"),
    ]
    promises = [
        ("Q1", "C1", "2026-01-20", "2026-01-31", 4000),
        ("Q2", "C3", "2026-02-20", "2026-03-05", 5000),
        ("Q3", "C2", "2026-04-20", "2026-05-20", 3000),
    ]
    calls = _frame(columns, rows)
    return {
        "interactions": calls.assign(happened_on=calls["entered_on"]),
        "promises": _frame("promise_id claim_id promised_on due_on amount_cents", promises),
    }


def _requests() -> dict[str, pd.DataFrame]:
    disputes = [
        ("D1", "p5", "C5", "2026-02-20", "amount", 8000, "2026-03-02", "upheld", 0),
        ("D2", "p5", "C5", "2026-03-20", "amount", 8000, None, None, None),
    ]
    asked = [
        ("F1", "p5", "C5", "2026-03-05", 8000, "2026-03-10", "2026-03-30", "partly_approved", 4000),
        ("F2", "p3", "C3", "2026-04-20", 5000, None, None, None, None),
    ]
    changes = [
        ("H1", "p2", "C2", "2026-03-25", "2026-03-27", "plan_adjustment", None, "due day moved", "cp01"),
        ("H2", "p4", "C4", "2026-03-03", "2026-03-04", "ledger_correction", 2500, "payment before due date", "cp02"),
    ]
    names = {
        "disputes": _frame(
            "dispute_id patient claim_id opened_on reason amount_cents closed_on outcome adjusted_cents", disputes
        ),
        "assistance_applications": _frame(
            "application_id patient claim_id applied_on amount_cents completed_on decided_on decision approved_cents",
            asked,
        ),
        "itemised_requests": _frame(
            "request_id claim_id requested_on sent_on",
            [
                ("R1", "C1", "2026-02-11", "2026-02-16"),
                ("R2", "C5", "2026-03-02", "2026-03-20"),
                ("R3", "C3", "2026-04-28", None),
            ],
        ),
        "account_changes": _frame(
            "change_id patient claim_id requested_on done_on kind amount_cents reason done_by", changes
        ),
    }
    reviews = [
        ("V1", "I2", "2026-03-04", "cp01", "eob_interpretation", 5, 5),
        ("V1", "I2", "2026-03-04", "cp01", "professional_conduct", 5, 5),
        ("V2", "I3", "2026-03-10", "cp02", "eob_interpretation", 2, 5),
    ]
    names["quality_reviews"] = _frame(
        "review_id interaction_id reviewed_on handled_by skill points points_possible", reviews
    )
    whole = {
        "disputes": "adjusted_cents",
        "assistance_applications": "approved_cents",
        "account_changes": "amount_cents",
    }
    return {
        name: frame.assign(**{whole[name]: frame[whole[name]].astype("Int64")}) if name in whole else frame
        for name, frame in names.items()
    }


def _policies() -> pd.DataFrame:
    rules = {
        "promise_grace_days": "3",
        "dispute_days": "30",
        "assistance_days": "30",
        "itemised_days": "10",
        "write_off_approval_over_cents": "1000",
        "engagement_target": "60",
        "eob_target": "80",
    }
    return _frame(
        "rule effective_from effective_to value source",
        [(rule, "2025-01-01", None, value, "self-pay policy") for rule, value in rules.items()],
    )


def _frame(columns: str, rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns.split())
    days = {name: pd.to_datetime(frame[name]) for name in frame.columns if name.endswith(("_on", "_from", "_to"))}
    return frame.assign(client="acme", **days)
