"""How contacts were for patients, and what insurance updates brought: worked out by hand."""

import datetime as dt

import pandas as pd
import pytest

from builders.account_rows import frame
from rcm_analysis.measures.self_pay.experience import contact_experience, insurance_updates
from rcm_analysis.periods import Period

OCTOBER = Period.month("2026-10")


def contact(**other):
    usual = {"patient": "P", "happened_on": "2026-10-05", "local_time": "10:00", "entered_on": "2026-10-05"}
    return {**usual, "direction": "in", "channel": "phone", "result": "conversation", "handled_by": "a", **other}


def contacts(*rows):
    return {"interactions": frame("interactions", list(rows), "interaction_id")}


def test_waits_of_answered_calls_and_ratings_of_all_contacts():
    given = contacts(
        contact(wait_seconds=30.0, minutes=4.0, is_abandoned=False, patient_rating=5),
        contact(wait_seconds=90.0, minutes=8.0, is_abandoned=False, patient_rating=3),
        contact(wait_seconds=200.0, result="no_answer", is_abandoned=True),
        contact(result="no_answer"),  # nobody recorded whether it was given up
        contact(channel="email", result="message", patient_rating=4, minutes=99.0),
        contact(direction="out", is_abandoned=False, minutes=6.0),
        contact(happened_on="2026-09-30", patient_rating=1),
    )
    found = contact_experience(given, period=OCTOBER).iloc[0]
    assert found[["ratings", "good", "calls", "abandoned"]].tolist() == [3, 2, 3, 1]
    assert found["abandonment_rate"] == pytest.approx(1 / 3) and found["mean_wait_seconds"] == 60
    assert found["mean_minutes"] == 6, "conversations of 4, 8 and 6 minutes"


def test_what_nobody_records_is_empty():
    found = contact_experience(contacts(contact()), period=OCTOBER).iloc[0]
    assert found[["good_share", "abandonment_rate", "mean_wait_seconds", "mean_minutes"]].isna().all()


def test_cash_of_insurers_within_ninety_days_of_the_first_update():
    def update(claim, on, kind="insurance_update"):
        return {"patient": "P", "claim_id": claim, "requested_on": on, "done_on": on, "kind": kind, "done_by": "a"}

    def money(claim, cents, on, kind="payment", party="primary"):
        row = {"claim_id": claim, "kind": kind, "party": party, "amount_cents": cents}
        return {**row, "happened_on": on, "posted_on": on}

    changes = [
        update("1", "2026-06-01"),
        update("1", "2026-06-20"),
        update("2", "2026-06-02"),
        update(None, "2026-06-03"),
    ]
    changes += [update("3", "2026-06-01", "demographic_update"), update("4", "2026-07-01")]
    posted = [
        money("1", -5_000, "2026-05-31"),  # before
        money("1", -10_000, "2026-08-30"),  # ninety days after June 1
        money("1", -700, "2026-08-31"),  # ninety-one
        money("1", 2_000, "2026-07-01", "takeback"),
        money("1", -400, "2026-07-01", party="patient"),
        money("3", -900, "2026-07-01"),
    ]
    given = {
        "account_changes": frame("account_changes", changes, "change_id"),
        "transactions": frame("transactions", posted, "transaction_id"),
    }
    found = insurance_updates(given, period=Period.month("2026-06"), as_of=dt.date(2026, 10, 31)).iloc[0]
    assert found[["accounts", "without_account", "paid", "insurer_cents"]].tolist() == [2, 1, 1, 8_000]
    assert found["paid_share"] == 0.5
    earlier = insurance_updates(given, period=Period.month("2026-06"), as_of=dt.date(2026, 7, 15)).iloc[0]
    assert earlier["insurer_cents"] == -2_000 and earlier["paid"] == 0, "only what was known"
    none = insurance_updates(given, period=OCTOBER, as_of=dt.date(2026, 10, 31)).iloc[0]
    assert none["accounts"] == 0 and pd.isna(none["paid_share"])
