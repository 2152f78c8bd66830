"""What patients ask for, contacts and their records: days of the policy, open cases, required fields."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.measures.self_pay import contacts as patient_contacts
from rcm_analysis.measures.self_pay import requests as patient_requests
from rcm_analysis.periods import Period

JANUARY = Period.month("2026-01")
LATE = dt.date(2026, 12, 31)


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


def after(number):
    return None if number is None else str(dt.date(2026, 1, 5) + dt.timedelta(days=number))


KINDS = {
    "disputes": (
        patient_requests.disputes_in_time,
        "disputes",
        "opened_on",
        "closed_on",
        "dispute_days",
        {"patient": "p", "claim_id": "C", "reason": "amount", "amount_cents": 100},
    ),
    "applications": (
        patient_requests.assistance_in_time,
        "assistance_applications",
        "completed_on",
        "decided_on",
        "assistance_days",
        {"patient": "p", "applied_on": "2026-01-02", "amount_cents": 100},
    ),
    "requests": (
        patient_requests.itemised_in_time,
        "itemised_requests",
        "requested_on",
        "sent_on",
        "itemised_days",
        {"patient": "p", "claim_id": "C"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("ended", "as_of", "expected"),
    [
        pytest.param(20, 60, (1, 1), id="on the last day of the policy"),
        pytest.param(21, 60, (0, 1), id="a day late"),
        pytest.param(None, 60, (0, 1), id="open and late"),
        pytest.param(None, 20, (0, 1), id="open when its days are up"),
        pytest.param(5, 19, (0, 0), id="its days are not up: in neither, though settled"),
        pytest.param(30, 25, (0, 1), id="settled later than the day we look"),
    ],
)
def test_within_the_policys_days(b, kind, ended, as_of, expected):
    measure, name, start, end, rule, row = KINDS[kind]
    tables = b.tables(**{name: [{**row, start: after(0), end: after(ended)}]}, self_pay_policies=[b.policy(rule, 20)])
    found = measure(tables, period=JANUARY, as_of=dt.date(2026, 1, 5) + dt.timedelta(days=as_of)).iloc[0]
    assert (found[f"in_time_{kind}"], found[f"due_{kind}"]) == expected
    assert pd.isna(found.iloc[-1]) == (expected[1] == 0)


def test_disputes_by_hand(b):
    row = {"patient": "p", "claim_id": "C1", "reason": "amount", "amount_cents": 1000}
    tables = b.tables(
        disputes=[
            {**row, "opened_on": "2025-12-01", "closed_on": "2025-12-10", "outcome": "upheld", "adjusted_cents": 0},
            {**row, "opened_on": "2026-01-10", "closed_on": "2026-02-10", "outcome": "adjusted", "adjusted_cents": 400},
            {
                **row,
                "claim_id": "C2",
                "opened_on": "2026-01-11",
                "closed_on": "2026-01-20",
                "outcome": "withdrawn",
                "adjusted_cents": 0,
            },
        ]
    )
    now = patient_requests.disputes(tables, period=JANUARY, as_of=LATE).iloc[0]
    assert now[["disputes", "open_disputes", "repeats", "adjusted_cents"]].tolist() == [2, 0, 1, 400]
    then = patient_requests.disputes(tables, period=JANUARY, as_of=dt.date(2026, 1, 31), by=["outcome"]).set_index(
        "outcome"
    )
    assert then["disputes"].to_dict() == {"(none)": 1, "withdrawn": 1} and then.loc["(none)", "open_cents"] == 1000
    assert then["adjusted_cents"].sum() == 0, "nobody knew in January what was taken off in February"


@pytest.mark.parametrize(
    ("decision", "approved", "decided"),
    [
        pytest.param("approved", 1, 1, id="approved"),
        pytest.param("partly_approved", 1, 1, id="in part is approved"),
        pytest.param("denied", 0, 1, id="denied"),
        pytest.param("withdrawn", 0, 1, id="withdrawn is a decision without approval"),
        pytest.param(None, 0, 0, id="open"),
    ],
)
def test_decisions_on_assistance(b, decision, approved, decided):
    row = {
        "patient": "p",
        "applied_on": "2026-01-05",
        "amount_cents": 500,
        "decision": decision,
        "decided_on": decision and "2026-01-20",
        "approved_cents": 300 if approved else None,
    }
    found = patient_requests.assistance(b.tables(assistance_applications=[row]), period=JANUARY, as_of=LATE).iloc[0]
    assert (found["approved_applications"], found["decided_applications"], found["complete_applications"]) == (
        approved,
        decided,
        0,
    )
    assert found["approved_cents"] == 300 * approved


def test_rework_counts_every_kind(b):
    kinds = [
        "plan_adjustment",
        "insurance_update",
        "demographic_update",
        "ledger_correction",
        "balance_transfer",
        "balance_transfer",
    ]
    rows = [
        {
            "patient": "p",
            "requested_on": "2026-01-05",
            "done_on": after(number),
            "kind": kind,
            "done_by": "cp01",
            "amount_cents": 700 if kind == "balance_transfer" else None,
        }
        for number, kind in enumerate(kinds)
    ]
    found = patient_requests.account_rework(b.tables(account_changes=rows), period=JANUARY).set_index("kind")
    assert found["changes"].to_dict() == {**dict.fromkeys(kinds, 1), "balance_transfer": 2}
    assert found.loc["balance_transfer", ["amount_cents", "days_to_do"]].tolist() == [1400, 4.5]


# -- contacts --------------------------------------------------------------------------------------

TALK = {
    "patient": "p1",
    "claim_id": "C1",
    "happened_on": "2026-01-05",
    "entered_on": "2026-01-05",
    "local_time": "10:00",
    "direction": "out",
    "channel": "phone",
    "result": "conversation",
    "reason": "balance",
    "resolution": "resolved",
    "next_step": "none",
    "is_identity_verified": True,
    "is_disclosure_given": True,
    "handled_by": "cp01",
}


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        pytest.param({}, 0, id="complete"),
        pytest.param({"reason": None}, 1, id="no reason"),
        pytest.param({"resolution": None}, 1, id="no resolution"),
        pytest.param({"next_step": None}, 1, id="no next step"),
        pytest.param({"is_identity_verified": None}, 1, id="identity not recorded"),
        pytest.param({"is_disclosure_given": None}, 1, id="disclosure not recorded"),
        pytest.param({"is_disclosure_given": False}, 0, id="a disclosure recorded as not given is documented"),
        pytest.param(
            {"department": None, "minutes": None, "script_version": None}, 0, id="fields that are not required"
        ),
        pytest.param(
            {
                "result": "voicemail",
                "resolution": None,
                "next_step": None,
                "is_identity_verified": None,
                "is_disclosure_given": None,
            },
            0,
            id="a voicemail needs its reason only",
        ),
        pytest.param({"result": "no_answer", "reason": None}, 1, id="a call without answer needs its reason"),
    ],
)
def test_required_fields(b, change, lacks):
    found = patient_contacts.documentation(b.tables(interactions=[{**TALK, **change}]), period=JANUARY).iloc[0]
    assert found["records"] == 1 and found["complete_records"] == 1 - lacks
    assert found["required_fields"] - found["filled_fields"] == lacks


def test_documentation_by_partner_adds_up(b):
    rows = [
        {**TALK, "handled_by": who, "reason": reason}
        for who, reason in (("cp01", "balance"), ("cp01", None), ("cp02", "dispute"))
    ]
    tables = b.tables(interactions=rows)
    parts = patient_contacts.documentation(tables, period=JANUARY, by=["handled_by"])
    whole = patient_contacts.documentation(tables, period=JANUARY).iloc[0]
    assert parts["documentation"].tolist() == [0.5, 1.0] and parts["records"].sum() == whole["records"] == 3


def test_contacts_by_hand(b):
    rows = [
        TALK,
        {**TALK, "result": "voicemail"},
        {**TALK, "patient": "p2", "result": "no_answer"},
        {**TALK, "patient": "p3", "channel": "text"},
        {
            **TALK,
            "patient": "p4",
            "direction": "in",
            "resolution": "passed_on",
            "department": "billing",
            "reason": "dispute",
        },
        {
            **TALK,
            "patient": "p4",
            "direction": "in",
            "resolution": "promise",
            "department": "self_pay",
            "reason": "promise",
        },
    ]
    tables = b.tables(interactions=rows)
    calls = patient_contacts.contact_rate(tables, period=JANUARY).iloc[0]
    assert (calls["conversations"], calls["attempts"]) == (1, 3)
    people = patient_contacts.engagement_rate(tables, period=JANUARY).iloc[0]
    assert (people["reached_patients"], people["contacted_patients"]) == (3, 4)
    talks = patient_contacts.resolution_rate(tables, period=JANUARY).iloc[0]
    assert (talks["settled_conversations"], talks["conversations"], talks["promises"]) == (3, 4, 1)
    sent = patient_contacts.triage(tables, period=JANUARY)
    assert sent[["reason", "department", "passed_on", "inquiries"]].values.tolist() == [
        ["dispute", "billing", 1, 1],
        ["promise", "self_pay", 0, 1],
    ]


@pytest.mark.parametrize(
    ("sampled", "expected"),
    [
        pytest.param([True, True, False, None], (2, 3), id="what was not sampled is in neither"),
        pytest.param([None], (0, 0), id="nothing sampled"),
    ],
)
def test_script_adherence(b, sampled, expected):
    found = patient_contacts.script_adherence(
        b.tables(interactions=[{**TALK, "is_script_followed": one} for one in sampled]), period=JANUARY
    ).iloc[0]
    assert (found["followed"], found["sampled"]) == expected and pd.isna(found["script_adherence"]) == (
        expected[1] == 0
    )
