"""Claims that wait: held, never sent, rejected and left, untouched; and what the client was asked for."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.receivable import delays as measures

NOVEMBER = dt.date(2026, 11, 30)
ASKED = {
    "claim_id": "C1",
    "worked_on": "2026-10-05",
    "action": "request_documents",
    "outcome": "waiting_on_client",
    "hold_reason": "documents",
}
REMINDED = {**ASKED, "worked_on": "2026-10-26", "action": "follow_up"}
SENT = {"claim_id": "C1", "submitted_on": "2026-09-04"}
EARLIER = {"claim_id": "C0", "submitted_on": "2025-01-02"}
"""A bill of the office, so that its bills are on file."""
NOTED = {"claim_id": "C0", "worked_on": "2025-01-02", "action": "follow_up"}
"""A note on another claim, so that a work log is on file."""


def book(b, *claim_payments, claim=None, balance=10000, party="primary", **rows):
    """One claim with a charge of 100.00; a balance of 0 is what a payment leaves of it."""
    rows["submissions"] = [EARLIER, *rows.get("submissions", [])]
    rows["work_log"] = [NOTED, *rows.get("work_log", [])]
    post = {"claim_id": "C1", "kind": "charge", "amount_cents": balance or 10000, "party": party}
    postings = [{**post, "posted_on": "2026-09-02"}]
    if not balance:
        postings.append({**postings[0], "kind": "payment", "amount_cents": -10000})
    return b.tables(*claim_payments, claims=[{"claim_id": "C1", **(claim or {})}], transactions=postings, **rows)


HOLDS = [
    pytest.param({"work_log": [ASKED]}, ("documents", "2026-10-05", 0), id="asked and not answered"),
    pytest.param(
        {"work_log": [ASKED, REMINDED]}, ("documents", "2026-10-05", 1), id="a reminder does not start the wait anew"
    ),
    pytest.param(
        {"work_log": [{**ASKED, "entered_on": "2026-12-01"}], "submissions": [SENT]},
        None,
        id="a note written later is not known yet",
    ),
    pytest.param(
        {"work_log": [{**ASKED, "entered_on": "2026-11-30"}], "submissions": [SENT]},
        ("documents", "2026-10-05", 0),
        id="a note written on the day itself is known",
    ),
    pytest.param(
        {
            "work_log": [ASKED, {"claim_id": "C1", "worked_on": "2026-11-02", "outcome": "in_process"}],
            "submissions": [SENT],
        },
        None,
        id="a later note ends the wait",
    ),
    pytest.param(
        {"work_log": [ASKED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-10-20"}]},
        None,
        id="sent after the question: released",
    ),
    pytest.param(
        {"work_log": [ASKED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-11-30"}]},
        None,
        id="sent on the day itself: released",
    ),
    pytest.param(
        {"work_log": [ASKED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-12-01"}]},
        ("documents", "2026-10-05", 0),
        id="sent on the day after it: not known yet",
    ),
    pytest.param(
        {"work_log": [ASKED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-10-05"}]},
        ("documents", "2026-10-05", 0),
        id="sent on the day of the question: asked because of it",
    ),
    pytest.param({"work_log": [ASKED], "balance": 0}, None, id="nothing is owed any more"),
    pytest.param(
        {
            "work_log": [
                {
                    "claim_id": "C1",
                    "worked_on": "2026-10-05",
                    "outcome": "waiting_on_payer",
                    "hold_reason": "credentialing",
                }
            ]
        },
        ("credentialing", "2026-10-05", 0),
        id="held for credentialing, not for the client",
    ),
    pytest.param(
        {"work_log": [{"claim_id": "C1", "worked_on": "2026-10-05", "outcome": "waiting_on_client"}]},
        ("other", "2026-10-05", 0),
        id="waits for the client, nobody says for what",
    ),
    pytest.param(
        {
            "work_log": [
                ASKED,
                {"claim_id": "C1", "worked_on": "2026-10-12", "outcome": "in_process"},
                {**ASKED, "worked_on": "2026-11-09"},
            ]
        },
        ("documents", "2026-11-09", 0),
        id="asked again after an answer: the second wait",
    ),
    pytest.param({}, ("not sent", "2026-09-02", 0), id="never sent and no note says why"),
    pytest.param(
        {"claim": {"entered_on": "2026-11-16"}},
        None,
        id="entered fourteen days ago, where nothing is known of what is usual",
    ),
    pytest.param({"claim": {"entered_on": "2026-11-15"}}, ("not sent", "2026-11-15", 0), id="fifteen days ago"),
    pytest.param({"claim": {"payer": "self_pay"}}, None, id="a claim without an insurer is not waiting to be sent"),
    pytest.param({"party": "patient"}, None, id="the insurer owes nothing"),
    pytest.param({"submissions": [SENT]}, None, id="sent and not held"),
    pytest.param({"submissions": [{**SENT, "submitted_on": "2026-11-30"}]}, None, id="sent on the day itself"),
    pytest.param(
        {"submissions": [{**SENT, "submitted_on": "2026-12-01"}]},
        ("not sent", "2026-09-02", 0),
        id="sent on the day after it",
    ),
]


@pytest.mark.parametrize(("given", "expected"), HOLDS)
def test_holds(builders_remit, given, expected):
    found = measures.holds(book(builders_remit, **given), as_of=NOVEMBER)
    rows = [(row.hold_reason, f"{row.since_on:%Y-%m-%d}", row.reminders) for row in found.itertuples()]
    assert rows == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("days", "listed"),
    [
        pytest.param(11, False, id="within the days that nineteen of twenty claims take"),
        pytest.param(12, False, id="on the last of them"),
        pytest.param(13, True, id="beyond"),
    ],
)
def test_a_claim_is_late_when_it_is_later_than_what_is_usual(builders_remit, days, listed):
    """Of forty claims sent, thirty-eight left within twelve days: the 95th percentile."""
    b, today = builders_remit, NOVEMBER
    claims = [{"claim_id": f"S{number}", "entered_on": "2026-08-01"} for number in range(40)]
    sent = [
        {"claim_id": f"S{number}", "submitted_on": "2026-08-13" if number < 38 else "2026-09-30"}
        for number in range(40)
    ]
    claims.append({"claim_id": "C1", "entered_on": (today - dt.timedelta(days=days)).isoformat()})
    charge = {"claim_id": "C1", "kind": "charge", "amount_cents": 5000, "posted_on": "2026-11-01"}
    found = measures.holds(b.tables(claims=claims, submissions=sent, transactions=[charge]), as_of=today)
    assert (found["claim_id"].tolist() == ["C1"]) == listed


@pytest.mark.parametrize(
    ("sent", "entered", "on", "listed"),
    [
        pytest.param(
            measures.FEWEST_SENT, "2026-08-01", "2026-08-21", False, id="just enough sent to say what is usual"
        ),
        pytest.param(measures.FEWEST_SENT - 1, "2026-08-01", "2026-08-21", True, id="one too few: fourteen days"),
        pytest.param(measures.FEWEST_SENT, "2025-12-01", "2025-12-21", False, id="364 days ago"),
        pytest.param(measures.FEWEST_SENT, "2025-11-30", "2025-12-20", True, id="a year ago is not looked at"),
        pytest.param(measures.FEWEST_SENT, "2026-11-10", "2026-11-30", False, id="sent on the day itself"),
        pytest.param(measures.FEWEST_SENT, "2026-11-11", "2026-12-01", True, id="sent on the day after it"),
    ],
)
def test_what_is_usual_is_read_from_enough_claims_of_a_year(builders_remit, sent, entered, on, listed):
    """All others took twenty days; this one has waited for fifteen."""
    b = builders_remit
    claims = [{"claim_id": f"S{number}", "entered_on": entered} for number in range(sent)]
    left = [EARLIER, *({"claim_id": f"S{number}", "submitted_on": on} for number in range(sent))]
    charge = {"claim_id": "C1", "kind": "charge", "amount_cents": 5000, "posted_on": "2026-11-15"}
    claims.append({"claim_id": "C1", "entered_on": "2026-11-15"})
    found = measures.holds(b.tables(claims=claims, submissions=left, transactions=[charge]), as_of=NOVEMBER)
    assert (found["claim_id"].tolist() == ["C1"]) == listed


def test_what_was_entered_and_sent_on_the_day_itself_counts_as_usual(builders_remit):
    """Everything else left at once, so that ten days are late; fourteen would be usual if nothing were known."""
    b, names = builders_remit, [f"S{number}" for number in range(measures.FEWEST_SENT)]
    claims = [{"claim_id": name, "entered_on": "2026-11-30"} for name in names]
    left = [EARLIER, *({"claim_id": name, "submitted_on": "2026-11-30"} for name in names)]
    claims.append({"claim_id": "C1", "entered_on": "2026-11-20"})
    charge = {"claim_id": "C1", "kind": "charge", "amount_cents": 5000, "posted_on": "2026-11-20"}
    found = measures.holds(b.tables(claims=claims, submissions=left, transactions=[charge]), as_of=NOVEMBER)
    assert found["claim_id"].tolist() == ["C1"]


def test_requests_answered_and_open(builders_remit):
    notes = [
        ASKED,
        REMINDED,
        {"claim_id": "C1", "worked_on": "2026-11-02", "outcome": "in_process"},
        {**ASKED, "worked_on": "2026-11-20"},
    ]
    found = measures.document_requests(book(builders_remit, work_log=notes), as_of=NOVEMBER)
    assert found[["reminders", "days_open", "is_open", "charge_cents"]].values.tolist() == [
        [1, 28, False, 10000],
        [0, 10, True, 10000],
    ]


def test_a_request_on_a_settled_claim_is_not_open(builders_remit):
    found = measures.document_requests(book(builders_remit, work_log=[ASKED], balance=0), as_of=NOVEMBER)
    assert found[["is_open", "open_cents"]].values.tolist() == [[False, 0]]


FAILED = {
    "claim_id": "C1",
    "stage": "clearinghouse",
    "result": "failed",
    "reason": "subscriber id format",
    "checked_on": "2026-10-12",
}
REJECTIONS = [
    pytest.param({"claim_edits": [FAILED]}, True, id="rejected and left"),
    pytest.param({"claim_edits": [{**FAILED, "stage": "scrubber"}]}, False, id="our own scrubber does not reject"),
    pytest.param(
        {"claim_edits": [FAILED, {**FAILED, "result": "passed", "checked_on": "2026-10-13"}]}, False, id="passed later"
    ),
    pytest.param({"claim_edits": [FAILED, {**FAILED, "result": "passed"}]}, False, id="passed on the same day"),
    pytest.param(
        {"claim_edits": [FAILED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-10-13"}]},
        False,
        id="sent again",
    ),
    pytest.param(
        {"claim_edits": [FAILED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-10-12"}]},
        True,
        id="the 837 of the same day is the one that was rejected",
    ),
    pytest.param({"claim_edits": [{**FAILED, "checked_on": "2026-11-24"}]}, False, id="six days ago"),
    pytest.param({"claim_edits": [{**FAILED, "checked_on": "2026-11-23"}]}, True, id="seven days ago"),
    pytest.param({"claim_edits": [{**FAILED, "checked_on": "2026-12-01"}]}, False, id="not known yet"),
    pytest.param(
        {"claim_edits": [FAILED, {**FAILED, "result": "passed", "checked_on": "2026-11-30"}]},
        False,
        id="passed on the day itself",
    ),
    pytest.param(
        {"claim_edits": [FAILED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-11-30"}]},
        False,
        id="sent again on the day itself",
    ),
    pytest.param(
        {"claim_edits": [FAILED], "submissions": [{"claim_id": "C1", "submitted_on": "2026-12-01"}]},
        True,
        id="sent again on the day after it",
    ),
    pytest.param(
        {
            "claim_edits": [{**FAILED, "sent_on": "2026-10-08"}],
            "submissions": [{"claim_id": "C1", "submitted_on": "2026-10-10"}],
        },
        False,
        id="sent again before the rejection of the first 837 came",
    ),
    pytest.param(
        {"claim_edits": [{**FAILED, "result": "passed"}, {**FAILED, "stage": "payer"}]},
        True,
        id="passed by the clearinghouse, rejected by the payer on the same day",
    ),
    pytest.param(
        {"claim_edits": [FAILED, {**FAILED, "result": "pending", "checked_on": "2026-10-13"}]},
        True,
        id="a receipt is no acceptance",
    ),
    pytest.param({"claim_edits": [FAILED], "balance": 0}, False, id="nothing owed"),
    pytest.param({"claim_edits": [FAILED], "party": "patient"}, False, id="the insurer owes nothing"),
]


@pytest.mark.parametrize(("given", "listed"), REJECTIONS)
def test_rejections_not_reworked(builders_remit, given, listed):
    found = measures.rejections_not_reworked(book(builders_remit, **given), as_of=NOVEMBER)
    assert (len(found) == 1) == listed


@pytest.mark.parametrize(("on", "mended"), [("2026-10-20", True), ("2026-11-30", True), ("2026-12-01", False)])
def test_an_answer_of_the_payer_proves_that_a_rejection_was_mended(builders_remit, on, mended):
    found = measures.rejections_not_reworked(
        book(builders_remit, builders_remit.denied("C1", on=on), claim_edits=[FAILED]), as_of=NOVEMBER
    )
    assert found.empty == mended


@pytest.mark.parametrize(
    ("given", "event", "quiet"),
    [
        pytest.param({}, "entered", 89, id="nothing since charge entry"),
        pytest.param({"submissions": [SENT]}, "sent", 87, id="sent and forgotten"),
        pytest.param(
            {"submissions": [SENT], "work_log": [{"claim_id": "C1", "worked_on": "2026-10-31"}]},
            "note",
            30,
            id="a note thirty days ago",
        ),
        pytest.param(
            {"work_log": [{"claim_id": "C1", "worked_on": "2026-11-01"}]}, None, None, id="a note twenty-nine days ago"
        ),
        pytest.param(
            {"work_log": [{"claim_id": "C1", "worked_on": "2026-11-01", "entered_on": "2026-12-01"}]},
            "entered",
            89,
            id="a note that was entered later is not known yet",
        ),
        pytest.param(
            {"work_log": [{"claim_id": "C1", "worked_on": "2026-11-30"}]}, None, None, id="a note of the day itself"
        ),
        pytest.param({"party": "patient"}, None, None, id="the insurer owes nothing"),
    ],
)
def test_untouched_claims(builders_remit, given, event, quiet):
    found = measures.untouched_claims(book(builders_remit, **given), as_of=NOVEMBER)
    assert found[["last_event", "quiet_days"]].values.tolist() == ([] if event is None else [[event, quiet]])


@pytest.mark.parametrize(("on", "listed"), [("2026-11-30", False), ("2026-12-01", True)])
def test_an_answer_touches_a_claim_once_it_is_known(builders_remit, on, listed):
    found = measures.untouched_claims(book(builders_remit, builders_remit.denied("C1", on=on)), as_of=NOVEMBER)
    assert found["last_event"].tolist() == (["entered"] if listed else [])


MEASURES = [measures.holds, measures.document_requests, measures.rejections_not_reworked, measures.untouched_claims]


@pytest.mark.parametrize("measured", MEASURES, ids=lambda measured: measured.__name__)
def test_every_engine_lists_the_same_claims(builders_remit, as_engine, engine, measured):
    b = builders_remit
    names = [f"C{number}" for number in range(9)]
    tables = b.tables(
        b.denied("C5"),
        claims=[{"claim_id": name} for name in names],
        submissions=[{**SENT, "claim_id": name} for name in names[3:]],
        transactions=[
            {"claim_id": name, "kind": "charge", "amount_cents": 100, "posted_on": "2026-09-02"} for name in names
        ],
        work_log=[{**ASKED, "claim_id": "C1"}, {**REMINDED, "claim_id": "C1"}, {**ASKED, "claim_id": "C4"}],
        claim_edits=[{**FAILED, "claim_id": "C3"}],
    )
    ours = measured(tables, as_of=NOVEMBER)
    assert len(ours)
    assert_frame_equal(measured(as_engine(tables, engine), as_of=NOVEMBER), ours)


def test_without_a_work_log_nobody_can_say_what_was_not_worked(builders_remit):
    tables = book(builders_remit)
    assert len(measures.untouched_claims(tables, as_of=NOVEMBER)) == 1
    assert measures.untouched_claims({**tables, "work_log": tables["work_log"].head(0)}, as_of=NOVEMBER).empty


def test_a_payment_that_was_posted_without_a_remittance_touches_a_claim(builders_remit):
    charge = {"claim_id": "C1", "kind": "charge", "amount_cents": 10_000, "posted_on": "2026-09-02"}
    paid = {**charge, "kind": "payment", "party": "primary", "amount_cents": -6_000, "posted_on": "2026-11-20"}
    claims = [{"claim_id": "C1"}]
    tables = builders_remit.tables(claims=claims, transactions=[charge, paid], submissions=[EARLIER], work_log=[NOTED])
    assert measures.untouched_claims(tables, as_of=NOVEMBER).empty


def test_the_dollars_are_the_open_balance_of_the_ledger(builders_remit):
    found = measures.untouched_claims(book(builders_remit, balance=12345), as_of=NOVEMBER)
    assert found["open_cents"].tolist() == [12345] and pd.isna(found["last_note_on"].iloc[0])
