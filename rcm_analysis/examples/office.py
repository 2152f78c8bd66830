"""A small invented front office, small enough to count by hand: the examples of the engagement measures compute on it.

October 2026 has eight appointments: four kept, one missed, one cancelled on the day, one cancelled in
time, and one whose end is not recorded. Patient P1 came twice for the same cough. P3 went to hospital twice.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def example_office() -> dict[str, pd.DataFrame]:
    """The tables of the small front office, by name.

    >>> len(example_office()["appointments"])
    8
    """
    slots = [
        ("A1", "P1", "2026-10-01", "2026-10-05", "East", "acute", False, "kept", None, "respiratory", "C1"),
        ("A2", "P1", "2026-10-12", "2026-10-12", "East", "acute", False, "kept", None, "respiratory", "C2"),
        ("A3", "P2", "2026-09-01", "2026-10-06", "East", "follow_up", True, "kept", None, "diabetes", "C3"),
        ("A4", "P3", "2026-10-02", "2026-10-07", "West", "new", False, "kept", None, "hypertension", "C4"),
        ("A5", "P4", "2026-08-20", "2026-10-08", "East", "follow_up", False, "no_show", None, None, None),
        ("A6", "P2", "2026-10-01", "2026-10-20", "West", "follow_up", False, "late_cancel", 3.0, None, None),
        ("A7", "P4", "2026-10-01", "2026-10-22", "West", "follow_up", False, "cancelled", 48.0, None, None),
        ("A8", "P4", "2026-10-20", "2026-10-30", "West", "follow_up", False, None, None, None, None),
    ]
    named = (
        "appointment_id patient booked_on scheduled_on location visit_type is_planned_follow_up status "
        "notice_hours problem claim_id"
    )
    intakes = [
        ("I1", "A1", "East", "2026-10-05", True, True, 2),
        ("I2", "A3", "East", "2026-10-06", True, False, None),
        ("I3", "A4", "West", "2026-10-07", False, True, 0),
    ]
    return {
        "appointments": _frame(named, slots).assign(provider="lee", settled_on=pd.Timestamp("2026-10-30")),
        "access_checks": _frame(
            "checked_on location visit_type third_next_on",
            [
                ("2026-10-05", "East", "new", "2026-10-17"),
                ("2026-10-12", "East", "new", "2026-10-27"),
                ("2026-10-05", "East", "follow_up", "2026-10-09"),
            ],
        ),
        "intakes": _frame(
            "intake_id appointment_id location taken_on is_demographics_complete is_social_needs_complete social_needs",
            intakes,
        ).assign(
            patient="P1",
            is_insurance_complete=True,
            is_history_complete=True,
            is_medication_complete=True,
            is_consent_complete=True,
            is_language_recorded=[True, True, False],
            is_preference_recorded=[True, False, False],
        ),
        **_care(),
        **_risk(),
        **_voices(),
    }


def _care() -> dict[str, pd.DataFrame]:
    readings = [
        ("R1", "P1", "2026-09-01", "hba1c", 8.4),
        ("R2", "P1", "2026-10-01", "hba1c", 7.1),
        ("R3", "P2", "2026-10-02", "hba1c", 9.0),
        ("R4", "P2", "2026-10-02", "systolic", 138.0),
        ("R5", "P2", "2026-10-02", "diastolic", 92.0),
    ]
    steps = [("S1", "2026-10-10", "2026-10-09"), ("S2", "2026-10-12", "2026-10-20"), ("S3", "2026-10-15", None)]
    return {
        "appointment_reminders": _frame(
            "reminder_id appointment_id sent_on channel confirmed_on",
            [("M1", "A1", "2026-10-03", "text", "2026-10-04"), ("M2", "A3", "2026-10-05", "text", None)],
        ),
        "care_referrals": _frame(
            "referral_id referred_on seen_on report_on withdrawn_on",
            [("F1", "2026-06-01", "2026-06-20", "2026-07-01", None), ("F2", "2026-06-10", None, None, None)],
        ).assign(patient="P1"),
        "care_plan_steps": _frame("step_id due_on done_on", steps).assign(
            patient="P1", kind="test", agreed_on=pd.Timestamp("2026-09-01")
        ),
        "clinical_readings": _frame("reading_id patient taken_on indicator value", readings).assign(
            recorded_on=pd.Timestamp("2026-10-03")
        ),
        "staff_feedback": _frame(
            "answer_id answered_on item score",
            [(str(n), "2026-10-05", "workload_is_fair", score) for n, score in enumerate((5, 4, 2))],
        ),
    }


def _risk() -> dict[str, pd.DataFrame]:
    risk = [
        ("P1", "2026-01-05", "low", None, None, None),
        ("P2", "2026-01-05", "high", "nav", "2026-02-01", None),
        ("P3", "2026-03-01", "high", "nav", "2026-03-10", None),
        ("P4", "2026-03-01", "high", None, None, None),
    ]
    stays = [
        ("H1", "P3", "inpatient", "2026-08-01", "2026-08-05", False, "home"),
        ("H2", "P3", "inpatient", "2026-08-20", "2026-08-22", False, "home"),
        ("H3", "P2", "emergency", "2026-10-11", "2026-10-11", False, "home"),
        ("H4", "P4", "inpatient", "2026-08-09", "2026-08-09", False, "home"),
    ]
    return {
        "risk_assessments": _frame("patient assessed_on risk_level navigator navigator_from navigator_to", risk).assign(
            location="East"
        ),
        "navigator_contacts": _frame(
            "contact_id patient contacted_on is_reached",
            [("N1", "P2", "2026-10-15", True), ("N2", "P3", "2026-10-16", False), ("N3", "P3", "2026-07-01", True)],
        ),
        "hospital_encounters": _frame(
            "encounter_id patient kind admitted_on discharged_on is_planned ended", stays
        ).assign(reported_on=pd.Timestamp("2026-10-12")),
        "panel_months": _frame(
            "month location members high_risk_members", [("2026-10", "East", 90, 2), ("2026-10", "West", 30, 1)]
        ),
    }


def _voices() -> dict[str, pd.DataFrame]:
    scores = [
        ("S1", "rating", 10),
        ("S2", "rating", 8),
        ("S3", "rating", 9),
        ("S1", "provider_listened", 4),
        ("S2", "provider_listened", 3),
        ("S3", "provider_listened", None),
        ("S1", "would_recommend", 10),
        ("S2", "would_recommend", 7),
        ("S3", "would_recommend", 3),
    ]
    said = [
        ("F1", "2026-10-02", "complaint", "waiting", "2026-10-06"),
        ("F2", "2026-10-12", "complaint", "waiting", None),
        ("F3", "2026-10-13", "complaint", "billing", "2026-10-25"),
        ("F4", "2026-10-14", "compliment", "staff", None),
    ]
    answers = _frame("survey_id item score", scores)
    return {
        "surveys": _frame(
            "survey_id patient sent_on answered_on",
            [
                ("S1", "P1", "2026-10-06", "2026-10-08"),
                ("S2", "P2", "2026-10-07", "2026-10-09"),
                ("S3", "P3", "2026-10-08", "2026-10-10"),
                ("S4", "P4", "2026-10-09", None),
            ],
        ).assign(location="East"),
        "survey_answers": answers.assign(
            answered_on=pd.Timestamp("2026-10-10"), score=answers["score"].astype("Int64")
        ),
        "feedback": _frame("feedback_id received_on kind theme responded_on", said).assign(location="East"),
    }


def _frame(columns: str, rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns.split())
    days = {name: pd.to_datetime(frame[name]) for name in frame.columns if name.endswith(("_on", "_from", "_to"))}
    return frame.assign(client="acme", **days)


def example_visits() -> dict[str, pd.DataFrame]:
    """Six kept visits of October and one that was missed, beside their claims.

    V1 names its claim, V2 has one of its day, V3 one of the day after, V4 none; V5 and V6 are too recent to be due.

    >>> sorted(example_visits())
    ['appointments', 'claim_lines', 'claims']
    """
    slots = [
        ("V1", "P1", "2026-10-01", "kept", "C1"),
        ("V2", "P2", "2026-10-02", "kept", None),
        ("V3", "P3", "2026-10-05", "kept", None),
        ("V4", "P4", "2026-10-06", "kept", None),
        ("V5", "P5", "2026-10-27", "kept", None),
        ("V6", "P6", "2026-10-29", "kept", None),
        ("V7", "P7", "2026-10-08", "no_show", None),
    ]
    claims = [
        ("C1", "P1", "2026-10-01", "2026-10-02", 10000),
        ("C2", "P2", "2026-10-02", "2026-10-05", 30000),
        ("C3", "P3", "2026-10-06", "2026-10-08", 90000),
        ("C9", "P7", "2026-10-08", "2026-10-30", 30000),
    ]
    booked = _frame("appointment_id patient scheduled_on status claim_id", slots)
    billed = _frame("claim_id patient service_on entered_on charge_cents", claims)
    same = {"provider": "lee", "location": "East"}
    lines = billed.drop(columns="patient").assign(procedure="99213", place_of_service="11")
    return {
        "appointments": booked.assign(**same, visit_type="follow_up", problem="other"),
        "claims": billed.assign(**same, voided_on=pd.Series([None] * len(claims), dtype="datetime64[us]")),
        "claim_lines": lines,
    }
