"""Time limits: when the clock starts, what stops it, when to alarm, and what is lost."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.receivable import time_limits as measures

NOVEMBER = dt.date(2026, 11, 30)
SENT = {"claim_id": "C1", "submitted_on": "2026-09-04"}
APPEAL = {"claim_id": "C1", "worked_on": "2026-10-09", "action": "appeal"}
FAILED = {"claim_id": "C1", "stage": "clearinghouse", "result": "failed", "checked_on": "2026-10-12"}
RULE = {"payer": "aetna"}
CHARGE = {"claim_id": "C1", "kind": "charge", "amount_cents": 10000, "posted_on": "2026-09-02"}
MOVED = [
    CHARGE,
    {**CHARGE, "kind": "transfer", "amount_cents": -10000},
    {**CHARGE, "kind": "transfer", "amount_cents": 10000, "party": "patient"},
]
"""A charge that is the patient's to pay: the insurers owe nothing, to the cent."""


EARLIER = {"claim_id": "C0", "submitted_on": "2024-01-02"}
"""A bill of the office, so that its bills are on file."""


def book(b, *claim_payments, service="2026-10-01", claim=None, **rows):
    rows = {"submissions": [SENT] if claim_payments else [], "payer_rules": [RULE], "transactions": [CHARGE], **rows}
    rows["submissions"] = [EARLIER, *rows["submissions"]]
    return b.tables(*claim_payments, claims=[{"claim_id": "C1", "service_on": service, **(claim or {})}], **rows)


def dates(found):
    return [(row.kind, f"{row.deadline_on:%Y-%m-%d}", row.days_left) for row in found.itertuples()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, [("filing", "2026-12-30", 30)], id="never sent: from the day of service"),
        pytest.param({"submissions": [SENT]}, [], id="sent: filed"),
        pytest.param({"submissions": [{**SENT, "submitted_on": "2026-11-30"}]}, [], id="sent on the day itself"),
        pytest.param(
            {"submissions": [{**SENT, "submitted_on": "2026-12-01"}]},
            [("filing", "2026-12-30", 30)],
            id="sent on the day after it",
        ),
        pytest.param({"transactions": MOVED}, [], id="nothing is open with the insurer"),
        pytest.param(
            {"submissions": [SENT], "claim_edits": [FAILED]},
            [("filing", "2026-12-30", 30)],
            id="rejected: not filed, and the clock runs on",
        ),
        pytest.param(
            {"submissions": [SENT, {"claim_id": "C1", "submitted_on": "2026-10-14"}], "claim_edits": [FAILED]},
            [],
            id="rejected and sent again",
        ),
        pytest.param({"payer_rules": []}, [], id="no rule, no deadline that could be known"),
        pytest.param(
            {"payer_rules": [{**RULE, "effective_from": "2026-10-02"}]},
            [],
            id="the rule came into force after the service",
        ),
        pytest.param(
            {"payer_rules": [{**RULE, "effective_to": "2026-10-01"}]},
            [("filing", "2026-12-30", 30)],
            id="the rule was in force for the last time on the day of service",
        ),
        pytest.param(
            {"payer_rules": [{**RULE, "effective_to": "2026-09-30"}]}, [], id="the rule ended before the service"
        ),
        pytest.param(
            {"payer_rules": [{**RULE, "filing_limit_days": 120}, {**RULE, "effective_from": "2026-10-01"}]},
            [("filing", "2026-12-30", 30)],
            id="of two rules the one that came last",
        ),
        pytest.param(
            {"claim": {"payer": "self_pay"}, "payer_rules": [{**RULE, "payer": "self_pay"}]},
            [],
            id="a patient sets no filing limit",
        ),
    ],
)
def test_filing(builders_remit, given, expected):
    assert dates(measures.deadlines(book(builders_remit, **given), as_of=NOVEMBER)) == expected


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param("2026-11-30", [], id="on the day itself"),
        pytest.param("2026-12-01", [("filing", "2026-12-30", 30)], id="on the day after it"),
    ],
)
def test_a_claim_that_a_payer_answered_was_filed(builders_remit, on, expected):
    answered = book(builders_remit, builders_remit.paid("C1", on=on), submissions=[])
    assert dates(measures.deadlines(answered, as_of=NOVEMBER)) == expected


def turned_back(b):
    denied = b.denied("C1")
    return [denied, b.reversal(denied, on="2026-10-20"), b.denied("C1", "50", on="2026-10-20")]


@pytest.mark.parametrize(
    ("payments", "given", "expected"),
    [
        pytest.param(
            lambda b: [b.denied("C1")], {}, [("appeal", "2026-12-04", 4)], id="denied: sixty days from the remittance"
        ),
        pytest.param(lambda b: [b.denied("C1")], {"work_log": [APPEAL]}, [], id="appealed"),
        pytest.param(lambda b: [b.denied("C1")], {"transactions": MOVED}, [], id="nothing is open with the insurer"),
        pytest.param(
            lambda b: [b.denied("C1")],
            {"work_log": [{**APPEAL, "worked_on": "2026-10-05"}]},
            [],
            id="appealed on the day of the denial",
        ),
        pytest.param(
            lambda b: [b.denied("C1")],
            {"work_log": [{**APPEAL, "worked_on": "2026-10-04"}]},
            [("appeal", "2026-12-04", 4)],
            id="an appeal from before the denial was another one",
        ),
        pytest.param(
            lambda b: [b.denied("C1")],
            {"work_log": [{**APPEAL, "entered_on": "2026-12-01"}]},
            [("appeal", "2026-12-04", 4)],
            id="an appeal that was entered later is not known yet",
        ),
        pytest.param(
            lambda b: [b.denied("C1")],
            {"work_log": [{**APPEAL, "entered_on": "2026-11-30"}]},
            [],
            id="an appeal that was entered on the day itself is known",
        ),
        pytest.param(
            lambda b: [b.denied("C1")],
            {"work_log": [{**APPEAL, "action": "follow_up"}]},
            [("appeal", "2026-12-04", 4)],
            id="asking is not appealing",
        ),
        pytest.param(
            turned_back, {}, [("appeal", "2026-12-19", 19)], id="denied again after a correction: the last denial"
        ),
        pytest.param(
            lambda b: [b.denied("C1"), b.denied("C1", "18", on="2026-11-02")],
            {},
            [("appeal", "2026-12-04", 4)],
            id="a duplicate of a denied claim does not reset the clock",
        ),
        pytest.param(lambda b: [b.denied("C1"), b.paid("C1", on="2026-10-20")], {}, [], id="paid after all"),
        pytest.param(
            lambda b: [b.paid("C1"), b.reversal(b.paid("C1"), on="2026-10-20")],
            {},
            [],
            id="taken back is recouped, not denied",
        ),
    ],
)
def test_appeal(builders_remit, payments, given, expected):
    assert (
        dates(measures.deadlines(book(builders_remit, *payments(builders_remit), **given), as_of=NOVEMBER)) == expected
    )


@pytest.mark.parametrize(
    ("carc", "edits", "recoverable"),
    [
        pytest.param("197", [], True, id="another denial"),
        pytest.param("29", [], False, id="filed too late, they say, and nothing proves otherwise"),
        pytest.param(
            "29",
            [{**FAILED, "result": "passed", "checked_on": "2026-12-31"}],
            False,
            id="accepted after the day asked for",
        ),
        pytest.param(
            "29", [{**FAILED, "result": "passed", "checked_on": "2026-11-30"}], True, id="accepted on the day asked for"
        ),
        pytest.param(
            "29",
            [{**FAILED, "result": "passed", "checked_on": "2026-10-02"}],
            True,
            id="the clearinghouse accepted it in time",
        ),
        pytest.param(
            "29",
            [{**FAILED, "result": "passed", "checked_on": "2026-10-02", "stage": "scrubber"}],
            False,
            id="our own scrubber proves nothing",
        ),
    ],
)
def test_a_timely_filing_denial_needs_proof(builders_remit, carc, edits, recoverable):
    found = measures.deadlines(
        book(builders_remit, builders_remit.denied("C1", carc), claim_edits=edits), as_of=NOVEMBER
    )
    assert found["kind"].tolist() == ["appeal"] and found["is_recoverable"].tolist() == [recoverable]


@pytest.mark.parametrize(
    ("answer", "recoverable"),
    [
        pytest.param({}, True, id="the payer has numbered the claim, and says no more"),
        pytest.param({"payer_claim_id": None}, False, id="received, under no number of the payer's"),
        pytest.param({"result": "failed"}, False, id="numbered and rejected: not filed"),
        pytest.param({"received_on": "2026-12-31"}, False, id="known later than the day of the report"),
        pytest.param({"claim_id": "C2"}, False, id="another claim's"),
    ],
)
def test_the_payers_own_number_proves_that_a_claim_was_filed(builders_remit, answer, recoverable):
    said = {"claim_id": "C1", "payer_claim_id": "ICN1", "result": "pending", "received_on": "2026-10-03", **answer}
    told = builders_remit.denied("C1", "29")
    found = measures.deadlines(book(builders_remit, told, acknowledgments=[said]), as_of=NOVEMBER)
    assert found["is_recoverable"].tolist() == [recoverable]


@pytest.mark.parametrize(
    ("accepted", "recoverable"),
    [
        pytest.param("2026-10-30", True, id="on the last day"),
        pytest.param("2026-10-31", False, id="on the day after it"),
    ],
)
def test_the_last_day_of_the_limit_is_in_time(builders_remit, accepted, recoverable):
    """Ninety days from a service on 1 August end on 30 October."""
    edits = [{**FAILED, "result": "passed", "checked_on": accepted}]
    late = book(builders_remit, builders_remit.denied("C1", "29"), service="2026-08-01", claim_edits=edits)
    found = measures.deadlines(late, as_of=NOVEMBER)
    assert found.loc[found["kind"] == "appeal", "is_recoverable"].tolist() == [recoverable]


@pytest.mark.parametrize(
    ("service", "alert", "missed", "left"),
    [
        pytest.param("2026-09-20", False, False, 19, id="seventy-one of ninety days used"),
        pytest.param("2026-09-19", True, False, 18, id="seventy-two: four fifths"),
        pytest.param("2026-09-01", True, False, 0, id="today is the last day"),
        pytest.param("2026-08-31", False, True, -1, id="missed yesterday"),
    ],
)
def test_alert_at_four_fifths_and_missed(builders_remit, service, alert, missed, left):
    found = measures.deadlines(book(builders_remit, service=service), as_of=NOVEMBER).iloc[0]
    assert (found["is_alert"], found["is_missed"], found["days_left"], found["is_recoverable"]) == (
        alert,
        missed,
        left,
        not missed,
    )


@pytest.mark.parametrize(
    ("status", "on", "listed"),
    [
        pytest.param("1", "2026-11-25", True, id="settled as primary: the clock runs from the first day"),
        pytest.param("19", "2026-11-25", False, id="forwarded by the primary: on its way"),
        pytest.param("19", "2026-10-16", True, id="forwarded and not heard of for forty-five days"),
        pytest.param("19", "2026-10-17", False, id="forwarded and not heard of for forty-four days"),
    ],
)
def test_secondary_filing(builders_remit, status, on, listed):
    b = builders_remit
    owing = b.clp("C1", b.line(10000, 6000, b.cas("CO", "45", 2000), b.cas("PR", "2", 2000)), status=status, on=on)
    tables = book(
        b,
        owing,
        claim={"secondary_payer": "medigap"},
        payer_rules=[{"payer": "medigap", "secondary_filing_limit_days": 120}],
    )
    found = measures.deadlines(tables, as_of=NOVEMBER)
    assert found[["kind", "payer", "open_cents"]].values.tolist() == (
        [["secondary_filing", "medigap", 2000]] if listed else []
    )


def test_every_engine_gives_the_same_deadlines(builders_remit, as_engine, engine):
    b = builders_remit
    owing = b.clp("C3", b.line(10000, 6000, b.cas("CO", "45", 2000), b.cas("PR", "2", 2000)))
    tables = b.tables(
        b.denied("C1"),
        b.denied("C2", "29"),
        owing,
        payer_rules=[RULE, {"payer": "medigap"}],
        submissions=[{**EARLIER, "claim_id": "B"}, *({**SENT, "claim_id": f"C{n}"} for n in (1, 2, 3))],
        claims=[
            {"claim_id": f"C{number}", "secondary_payer": "medigap" if number == 3 else None} for number in range(5)
        ],
        transactions=[
            {"claim_id": f"C{n}", "kind": "charge", "amount_cents": 100, "posted_on": "2026-09-02"} for n in range(5)
        ],
    )
    ours = measures.deadlines(tables, as_of=NOVEMBER)
    assert set(ours["kind"]) == {"filing", "appeal", "secondary_filing"}
    assert_frame_equal(measures.deadlines(as_engine(tables, engine), as_of=NOVEMBER), ours)


@pytest.mark.parametrize(
    ("service", "payer_class", "last_day"),
    [
        pytest.param("2026-10-01", "medicare", "2027-10-01", id="a calendar year"),
        pytest.param("2027-02-15", "medicare", "2028-02-15", id="ends before the leap day"),
        pytest.param("2027-03-01", "medicare", "2028-03-01", id="spans a leap day: 366 days"),
        pytest.param("2028-02-29", "medicare", "2029-02-28", id="from a leap day"),
        pytest.param("2027-03-01", "commercial", "2028-02-29", id="another payer's 365 days are 365 days"),
    ],
)
def test_medicare_is_filed_within_a_calendar_year(builders_remit, service, payer_class, last_day):
    tables = book(builders_remit, service=service, payer_rules=[{**RULE, "filing_limit_days": 365}])
    tables["payers"] = pd.DataFrame({"payer": ["aetna"], "name": ["A"], "payer_class": [payer_class]})
    found = measures.deadlines(tables, as_of=dt.date(2028, 3, 5)).iloc[0]
    assert f"{found['deadline_on']:%Y-%m-%d}" == last_day
    assert found["window_days"] == (found["deadline_on"] - found["starts_on"]).days


@pytest.mark.parametrize(("payer_class", "days"), [("medicare", 65), ("medicaid", 60)])
def test_medicares_decision_counts_as_received_five_days_later(builders_remit, payer_class, days):
    tables = book(builders_remit, builders_remit.denied("C1"))
    tables["payers"] = pd.DataFrame({"payer": ["aetna"], "name": ["A"], "payer_class": [payer_class]})
    found = measures.deadlines(tables, as_of=NOVEMBER).iloc[0]
    assert (found["kind"], (found["deadline_on"] - found["starts_on"]).days) == ("appeal", days)
