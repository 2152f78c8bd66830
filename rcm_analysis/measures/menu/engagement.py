"""The menu of patient engagement: appointments, access, intake, risk, hospital use, what patients say, and its worth."""

from __future__ import annotations

from ..engagement import (
    appointments,
    care_risk,
    hospital_use,
)
from ..engagement import (
    experience as patient_experience,
)
from ..engagement import (
    worth as engagement_money,
)
from .record import Measure

SLOTS = ("appointments",)
RISK = ("risk_assessments", "navigator_contacts")

MEASURES = (
    Measure("no_show_rate", appointments.no_show_rate, "No-show rate", "no_show_rate", "rate", "down", SLOTS),
    Measure("late_cancel_rate", appointments.late_cancel_rate, "Late-cancel rate", "late_cancel_rate", "rate", "down", SLOTS),
    Measure(
        "appointment_adherence", appointments.appointment_adherence, "Appointment adherence", "appointment_adherence", "rate", "up", SLOTS,
    ),
    Measure(
        "appointment_outcomes", appointments.appointment_outcomes, "Appointments by outcome", "slots", "count", "none", SLOTS,
        is_additive=True,
    ),
    Measure("repeat_visits", appointments.repeat_visits, "Repeat visits within 14 days", "repeat_rate", "rate", "down", SLOTS),
    Measure(
        "third_next_available", appointments.third_next_available, "Third next available appointment", "median_days", "days", "down",
        ("access_checks",),
    ),
    Measure("intake_completeness", care_risk.intake_completeness, "Complete intake forms", "complete_share", "rate", "up", ("intakes",)),
    Measure("social_needs_asked", care_risk.social_needs_asked, "Social needs asked", "asked_share", "rate", "up", ("intakes",)),
    Measure("navigation_coverage", care_risk.navigation_coverage, "High-risk navigation coverage", "coverage", "rate", "up", RISK),
    Measure("high_risk_patients", care_risk.high_risk_patients, "Patients at high risk", "is_covered", "words", "none", RISK),
    Measure(
        "complex_cases", care_risk.complex_cases, "Complex cases for the huddle", "signals", "count", "none",
        (*RISK, "hospital_encounters", "appointments", "intakes"),
    ),
    Measure(
        "readmissions", hospital_use.readmissions, "30-day readmissions, observed", "readmission_rate", "rate", "down",
        ("hospital_encounters",),
    ),
    Measure(
        "emergency_visits", hospital_use.emergency_visits, "Emergency visits per 1,000 and year, observed", "emergency_per_1000", "count",
        "down", ("hospital_encounters", "panel_months"),
    ),
    Measure("satisfaction", patient_experience.satisfaction, "Top-box satisfaction", "top_box_share", "rate", "up", ("survey_answers",)),
    Measure("net_promoter", patient_experience.net_promoter, "Net promoter score", "net_promoter", "rate", "up", ("survey_answers",)),
    Measure(
        "survey_response_rate", patient_experience.survey_response_rate, "Survey response rate", "response_rate", "rate", "up", ("surveys",),
    ),
    Measure(
        "feedback_themes", patient_experience.feedback_themes, "Complaints by theme", "entries", "count", "down", ("feedback",),
        is_additive=True,
    ),
    Measure(
        "feedback_answered_in_time", patient_experience.feedback_answered_in_time, "Complaints answered within seven days", "in_time_share",
        "rate", "up", ("feedback",),
    ),
    Measure("answer_waits", patient_experience.answer_waits, "Days that complaints waited", "days", "days", "down", ("feedback",)),
    Measure("visit_value", engagement_money.visit_value, "Cash of a kept visit", "visit_cents", "usd", "none", ("appointments", "transactions")),
    Measure(
        "visits_recovered", engagement_money.visits_recovered, "Visits recovered if no-shows fell", "mid_cents", "usd", "none",
        ("appointments", "transactions"),
    ),
    Measure(
        "avoidable_hospital_cost", engagement_money.avoidable_hospital_cost, "Hospital cost that may be avoidable", "mid_cents", "usd", "none",
        ("hospital_encounters",),
    ),
)
