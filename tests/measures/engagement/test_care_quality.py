"""Care that goes on: each measure worked out by hand, and empty where nothing is recorded."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from builders.account_rows import frame
from rcm_analysis.measures.engagement import care_quality as quality
from rcm_analysis.models.patients.no_show_risk import no_show_risk
from rcm_analysis.periods import Period

OCTOBER, END = Period.month("2026-10"), dt.date(2026, 10, 31)


def visit(number, on, patient="P1", status="kept", **other):
    usual = {"booked_on": on, "visit_type": "follow_up", "is_planned_follow_up": False, "settled_on": on}
    return {"appointment_id": number, "patient": patient, "scheduled_on": on, "status": status, **usual, **other}


def office(visits=(), **tables):
    keys = {"appointment_reminders": "reminder_id", "hospital_encounters": "encounter_id"}
    keys |= {"care_referrals": "referral_id", "care_plan_steps": "step_id", "clinical_readings": "reading_id"}
    rows = {
        name: frame(name, [{"patient": "P1", **row} for row in tables.get(name, [])], key) for name, key in keys.items()
    }
    return {"appointments": frame("appointments", list(visits), "appointment_id"), **rows}


def test_reminders_count_before_the_day_and_each_slot_once():
    sent = [("1", "2026-10-01", "2026-10-02"), ("1", "2026-10-03", None), ("2", "2026-10-06", None)]
    sent += [("3", "2026-10-01", "2026-10-09"), ("4", "2026-10-01", "2026-10-02")]
    given = office(
        [
            visit("1", "2026-10-05"),
            visit("2", "2026-10-06", status="no_show"),  # reminded on its own day
            visit("3", "2026-10-07", status="no_show"),  # confirmed too late
            visit("4", "2026-10-08", status="cancelled", notice_hours=72.0),  # no slot
        ],
        appointment_reminders=[
            {"appointment_id": one, "sent_on": on, "confirmed_on": yes, "channel": "text"} for one, on, yes in sent
        ],
    )
    found = quality.reminders(given, period=OCTOBER).iloc[0]
    parts = ["slots", "reminded", "confirmed", "missed_reminded", "missed_others"]
    assert found[parts].tolist() == [3, 2, 1, 1, 1]
    assert found["confirmed_share"] == 0.5
    assert pd.isna(quality.reminders(office(), period=OCTOBER)["reminded_share"].item())


def test_continuity_by_hand():
    days = [f"2026-0{month}-05" for month in (5, 6, 7, 8)]
    same = [visit(f"a{n}", day, "P1", provider="lee") for n, day in enumerate(days)]
    mixed = [visit(f"b{n}", day, "P2", provider=one) for n, (day, one) in enumerate(zip(days, "llkm", strict=True))]
    few = [visit("c1", days[0], "P3", provider="lee"), visit("c2", days[1], "P3", provider="kim")]
    missed = [visit("d1", days[0], "P1", provider="kim", status="no_show")]
    found = quality.continuity(office([*same, *mixed, *few, *missed]), as_of=END).iloc[0]
    # P1: (16 - 4) / 12 = 1. P2: (4 + 1 + 1 - 4) / 12 = 1/6, usual provider 2 of 4
    assert found["patients"] == 2 and found["visits"] == 8
    assert found["continuity"] == pytest.approx((1 + 1 / 6) / 2) and found["usual_provider"] == pytest.approx(0.75)
    assert pd.isna(quality.continuity(office(few), as_of=END)["continuity"].item())


def stay(number, patient, admitted, left, **other):
    row = {"encounter_id": number, "patient": patient, "kind": "inpatient", "admitted_on": admitted}
    return {**row, "discharged_on": left, "reported_on": left, "is_planned": False, "ended": "home", **other}


@pytest.mark.parametrize(
    ("seen", "again", "wanted"),
    [
        ("2026-10-12", None, [1, 1, 1]),  # seven days after the fifth
        ("2026-10-13", None, [1, 0, 1]),
        ("2026-10-20", None, [1, 0, 0]),
        ("2026-10-05", None, [1, 0, 0]),  # on the day of the discharge itself
        ("2026-10-12", "2026-10-08", [0, 0, 0]),  # admitted again before being seen
        ("2026-10-07", "2026-10-08", [1, 1, 1]),
    ],
)
def test_seen_after_a_stay(seen, again, wanted):
    stays = [stay("1", "P1", "2026-10-01", "2026-10-05")]
    stays += [stay("2", "P1", again, "2026-10-30")] if again else []
    stays += [stay("3", "P2", "2026-10-01", "2026-10-06", ended="died"), stay("4", "P3", "2026-10-02", "2026-10-25")]
    given = office([visit("1", seen)], hospital_encounters=stays)
    found = quality.follow_up_after_stay(given, period=OCTOBER, as_of=END).iloc[0]
    assert found[["stays", "within_7", "within_14"]].tolist() == wanted, "the stay that ended on the 25th is too young"


def test_loops_steps_and_readings():
    given = office(
        care_referrals=[
            {"referred_on": "2026-06-01", "seen_on": "2026-06-10", "report_on": "2026-08-30"},  # 90 days
            {"referred_on": "2026-06-01", "seen_on": "2026-08-31", "report_on": "2026-08-31"},  # 91
            {"referred_on": "2026-06-02", "withdrawn_on": "2026-06-03"},
            {"referred_on": "2026-06-02", "seen_on": "2026-12-01"},  # not known yet
        ],
        care_plan_steps=[
            {"agreed_on": "2026-09-01", "kind": "test", "due_on": due, "done_on": done}
            for due, done in (("2026-10-05", "2026-10-05"), ("2026-10-06", "2026-10-07"), ("2026-10-31", None))
        ],
        clinical_readings=[
            {"patient": patient, "taken_on": on, "recorded_on": on, "indicator": one, "value": value}
            for patient, on, one, value in (
                ("P1", "2026-09-01", "hba1c", 7.9),
                ("P2", "2026-09-01", "hba1c", 8.0),
                ("P3", "2025-09-01", "hba1c", 6.0),  # over a year ago
                ("P1", "2026-09-01", "systolic", 150.0),
                ("P1", "2026-09-01", "systolic", 139.0),
                ("P1", "2026-09-01", "diastolic", 89.0),
                ("P1", "2026-10-01", "systolic", 170.0),  # without the other half
            )
        ],
    )
    loops = quality.referral_loops(given, period=Period.month("2026-06"), as_of=END).iloc[0]
    assert loops[["referrals", "seen", "closed"]].tolist() == [3, 1, 1]
    steps = quality.care_plan_adherence(given, period=OCTOBER, as_of=END).iloc[0]
    assert steps[["due_steps", "done_in_time", "done_late"]].tolist() == [2, 1, 1], "the day itself is not over"
    found = quality.clinical_control(given, as_of=END).set_index("indicator")[["patients", "controlled"]]
    assert found.to_dict("index") == {
        "blood pressure": {"patients": 1, "controlled": 1},
        "blood sugar": {"patients": 2, "controlled": 1},
    }
    assert quality.clinical_control(office(), as_of=END).empty


def slots(seed, spread):
    """A year and a half of appointments of 120 patients, whose own inclination to miss varies by `spread`."""
    rng = np.random.default_rng(seed)
    own = rng.normal(-1.4, spread, 120)
    start, rows = dt.date(2025, 6, 1), []
    for number in range(4000):
        patient, day = int(rng.integers(120)), start + dt.timedelta(days=int(rng.integers(0, 518)))
        missed = rng.random() < 1 / (1 + np.exp(-own[patient]))
        rows.append(visit(str(number), str(day), f"P{patient}", "no_show" if missed else "kept"))
    booked = {"booked_on": "2026-10-30", "status": None, "settled_on": None}
    return office([*rows, *(visit(f"n{n}", "2026-11-03", f"P{n}", **booked) for n in range(120))]), own


def test_a_risk_is_told_where_patients_differ_and_ranks_them():
    given, own = slots(3, 1.2)
    found = no_show_risk(given, as_of=END)
    assert found.is_better and found.trial["model_loss"] < found.trial["table_loss"]
    assert found.trial["foreseen"] == pytest.approx(found.trial["missed"], rel=0.2)
    risks = found.risks.assign(own=[own[int(patient[1:])] for patient in found.risks["patient"]])
    assert risks["risk"].is_monotonic_decreasing and len(risks) == 120
    assert risks["risk"].corr(risks["own"], method="spearman") > 0.7


def test_no_risk_is_told_where_patients_are_alike_or_few():
    alike = no_show_risk(slots(3, 0.0)[0], as_of=END)
    assert not alike.is_better and alike.risks.empty and "no better than rates" in alike.reason
    few = no_show_risk(office([visit("1", "2026-10-05", status="no_show")]), as_of=END)
    assert not few.is_better and "too few" in few.reason
