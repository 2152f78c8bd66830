"""Claims that the practice flagged, the ways of asking, and the quality of notes: each number worked out by hand."""

import datetime as dt

import pandas as pd
import pytest

from builders.account_rows import frame, note, with_work
from rcm_analysis.measures.receivable.audit_trail import note_quality, work_results
from rcm_analysis.measures.receivable.client_flags import flagged_claims
from rcm_analysis.measures.receivable.high_value import touch_compliance
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
FRIDAY = dt.date(2026, 3, 20)


def posting(claim, kind, cents, on):
    return {"claim_id": claim, "kind": kind, "party": "primary", "amount_cents": cents, "posted_on": on} | {
        "happened_on": on
    }


def claim(number):
    day = {"service_on": "2026-02-02", "entered_on": "2026-02-03", "charge_cents": 100_000}
    return {"claim_id": number, "payer": "aetna", "claim_type": "professional", **day}


def book(*notes, flags=(), claims=("1", "2", "3"), paid=()):
    charges = [posting(number, "charge", 100_000, "2026-02-03") for number in claims]
    tables = {
        "claims": frame("claims", [claim(number) for number in claims], "claim_id"),
        "transactions": frame("transactions", [*charges, *paid], "transaction_id"),
        "client_flags": frame("client_flags", list(flags), "flag_id"),
    }
    return with_work(tables, *notes)


def flag(number, on, **other):
    return {"claim_id": number, "flagged_on": on, "flagged_by": "Dr. Lee", **other}


def test_each_flag_has_its_days_its_level_and_its_money():
    given = book(
        note("1", "2026-03-05"),  # before the flag: no touch of it
        note("1", "2026-03-09"),
        note("1", "2026-03-10", action="statement"),  # nobody was asked
        note("1", "2026-03-12", action="appeal", outcome="in_process"),
        note("3", "2026-03-18"),
        flags=[
            flag("1", "2026-03-06"),
            flag("2", "2026-03-02"),
            flag("3", "2026-03-17", wanted_on="2026-03-19"),
            flag("3", "2026-03-23"),  # not known yet
        ],
        paid=[
            posting("1", "payment", -30_000, "2026-03-05"),  # before the flag
            posting("1", "payment", -20_000, "2026-03-16"),
            posting("1", "contractual", -10_000, "2026-03-16"),
        ],
    )
    found = flagged_claims(given, as_of=FRIDAY).set_index("claim_id")
    assert found.index.tolist() == ["2", "1", "3"], "late ones first, then by the day of the flag"
    # Friday March 6 to Monday 9 is one business day; from Thursday 12 to Friday 20 six; March 6 to 20 ten
    first = found.loc["1", ["touches", "days_to_first_touch", "days_silent", "level", "is_late"]].tolist()
    assert first == [2, 1, 6, "manager", True]
    assert found.loc["1", "last_action"] == "appeal"
    money = found.loc["1", ["opening_cents", "collected_cents", "adjusted_cents", "open_cents"]].tolist()
    assert money == [70_000, 20_000, 10_000, 40_000]
    assert found.loc["2", ["touches", "level", "is_late"]].tolist() == [0, "principal", True], "fourteen business days"
    assert pd.isna(found.loc["2", "days_to_first_touch"])
    assert found.loc["3", ["level", "is_late"]].tolist() == ["manager", True], "past the day wanted: one level up"


def test_a_flag_is_open_until_it_was_closed_and_counts_no_work_after():
    given = book(
        note("1", "2026-03-09"),
        note("1", "2026-03-19"),
        flags=[flag("1", "2026-03-06", closed_on="2026-03-16", outcome="paid")],
    )
    closed = flagged_claims(given, as_of=FRIDAY).iloc[0]
    assert closed[["touches", "is_late", "outcome"]].tolist() == [1, False, "paid"] and closed["level"] is None
    before = flagged_claims(given, as_of=dt.date(2026, 3, 13)).iloc[0]
    assert before["level"] == "analyst" and before[["outcome", "closed_on"]].isna().all()
    assert flagged_claims(book(), as_of=FRIDAY).empty


def test_what_came_in_behind_each_way_of_asking():
    given = book(
        note("1", "2026-03-02", channel="portal", minutes=5.0, outcome="in_process"),
        note("1", "2026-03-09", channel="call", minutes=30.0, outcome="paid"),
        note("2", "2026-03-03", minutes=10.0),
        paid=[
            posting("1", "payment", -40_000, "2026-03-05"),
            posting("1", "payment", -20_000, "2026-03-10"),
            posting("3", "payment", -99_000, "2026-03-10"),  # nobody asked
        ],
    )
    found = work_results(given, period=MARCH, by=["channel"]).set_index("channel")
    assert found["recovered_cents"].to_dict() == {"portal": 40_000, "call": 20_000, "(none)": 0}
    assert found["recovered_per_hour_cents"].to_dict() == {"portal": 480_000.0, "call": 40_000.0, "(none)": 0.0}
    assert found["paid"].to_dict() == {"portal": 0, "call": 1, "(none)": 0}


WHOLE = {"spoke_with": "reference 881", "outcome": "waiting_on_payer", "next_action": "follow_up"}


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        ({**WHOLE, "next_on": "2026-03-30"}, [1, 1, 1, 1]),
        (WHOLE, [1, 1, 0, 0]),  # a next step without its day
        ({"spoke_with": "Ann", "outcome": "paid"}, [1, 1, 1, 1]),  # nothing follows
        ({"spoke_with": "Ann", "outcome": "none", "next_action": "appeal", "next_on": "2026-03-30"}, [1, 0, 1, 0]),
        ({"outcome": "denied", "next_action": "appeal", "next_on": "2026-03-30"}, [0, 1, 1, 0]),
        ({"spoke_with": "Ann"}, [1, 0, 0, 0]),
    ],
)
def test_a_note_says_who_what_and_what_next(other, wanted):
    known = note("2", "2026-03-05", **{**WHOLE, "next_on": "2026-03-30"})
    internal = note("3", "2026-03-05", action="write_off_request")
    statement, april = note("3", "2026-03-05", action="statement"), note("3", "2026-04-01")
    found = note_quality(book(note("1", "2026-03-04", **other), known, internal, statement, april), period=MARCH)
    parts = ["says_who", "says_what", "says_next", "whole_notes"]
    assert (found.loc[0, parts] - 1).tolist() == wanted and found["notes"].item() == 2
    assert found["note_quality"].item() == pytest.approx((1 + wanted[-1]) / 2)


def test_where_nobody_can_note_who_answered_no_quality_is_told():
    found = note_quality(book(note("1", "2026-03-04", outcome="paid")), period=MARCH)
    assert found["whole_notes"].item() == 0 and pd.isna(found["note_quality"].item())
    by = note_quality(book(), period=MARCH, by=["worked_by"])
    assert by.empty


def test_a_schedule_of_the_registry_is_what_touches_are_held_to():
    given = book(note("1", "2026-03-04"), note("1", "2026-03-14"))
    tight = touch_compliance(given, as_of=FRIDAY, days=14, floor_cents=1, schedule={"1": 7}, by=("claim_id",))
    row = tight.set_index("claim_id").loc["1"]
    # March 11 fell due and was made on the 14th, after its day; the next touch is due on the 18th, made early
    assert row[["touches_due", "touches_in_time"]].tolist() == [2, 1]
