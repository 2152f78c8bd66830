"""The tables of the patient-engagement service: appointments, intake, risk, navigation, surveys, hospital, access.

`schema_services` says how the tables of all services are kept.
"""

from __future__ import annotations

from .schema_base import CHANNELS, Table, columns

FEEDBACK_THEMES = ("access", "waiting", "staff", "communication", "billing", "clinical", "facility", "other")
SURVEY_ITEMS = (
    "got_appointment_when_needed",
    "provider_listened",
    "provider_explained",
    "respect_shown",
    "staff_helpful",
    "rating",
    "would_recommend",
)
"""The fixed items: the first five from 1 to 4, the last two from 0 to 10."""
PROBLEMS = (
    "respiratory",
    "musculoskeletal",
    "diabetes",
    "hypertension",
    "mental_health",
    "skin",
    "digestive",
    "injury",
    "infection",
    "pregnancy",
    "preventive",
    "other",
)

APPOINTMENTS = Table(
    "appointments",
    "one row per appointment slot booked",
    ("client", "appointment_id"),
    columns(
        ("appointment_id", "text", "id of the appointment"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("booked_on", "date", "day of the booking (known)"),
        ("scheduled_on", "date", "day of the appointment; the lead time is the days from the booking"),
        ("provider", "text", "provider", True),
        ("location", "text", "place", True),
        ("visit_type", "text", "kind of visit", False, ("new", "follow_up", "preventive", "procedure", "acute")),
        ("is_planned_follow_up", "flag", "planned at an earlier visit: never counts as an avoidable repeat"),
        ("settled_on", "date", "day on which it was kept, missed or cancelled", True),
        (
            "status",
            "text",
            "what became of it; empty while it lies ahead",
            True,
            ("kept", "no_show", "late_cancel", "cancelled"),
        ),
        ("notice_hours", "number", "hours between a cancellation and the appointment", True),
        ("problem", "text", "problem family treated, from the diagnosis", True, PROBLEMS),
        ("claim_id", "text", "claim of the visit", True),
        ("is_telehealth", "flag", "by video or telephone", True),
    ),
    known_on="booked_on",
    later=(("settled_on", ("status", "notice_hours", "problem", "claim_id")),),
)

INTAKES = Table(
    "intakes",
    "one row per intake form of a visit",
    ("client", "intake_id"),
    columns(
        ("intake_id", "text", "id of the form"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("appointment_id", "text", "appointment"),
        ("location", "text", "place", True),
        ("taken_on", "date", "day of the intake"),
        ("entered_on", "date", "day of its record (known)"),
        ("is_demographics_complete", "flag", "address, phone, language"),
        ("is_insurance_complete", "flag", "coverage checked"),
        ("is_history_complete", "flag", "medical history"),
        ("is_medication_complete", "flag", "medication list"),
        ("is_consent_complete", "flag", "consents signed"),
        ("is_social_needs_complete", "flag", "housing, food, transport, safety: all asked"),
        ("social_needs", "count", "needs found; empty where they were not asked", True),
        ("is_language_recorded", "flag", "the patient's language is recorded", True),
        ("is_preference_recorded", "flag", "preferences for care and contact are recorded", True),
    ),
    known_on="entered_on",
)

RISK_ASSESSMENTS = Table(
    "risk_assessments",
    "one row per risk level given to a patient",
    ("client", "patient", "assessed_on"),
    columns(
        ("patient", "text", "keyed pseudonym of the patient"),
        ("assessed_on", "date", "day of the assessment (known)"),
        ("risk_level", "text", "level", False, ("high", "rising", "low")),
        ("location", "text", "home location", True),
        ("navigator", "text", "navigator assigned", True),
        ("navigator_from", "date", "first day of navigation", True),
        ("navigator_to", "date", "last day of navigation", True),
    ),
    known_on="assessed_on",
    later=(("navigator_from", ("navigator",)), ("navigator_to", ())),
)

NAVIGATOR_CONTACTS = Table(
    "navigator_contacts",
    "one row per contact of a navigator with a patient",
    ("client", "contact_id"),
    columns(
        ("contact_id", "text", "id of the contact"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("navigator", "text", "navigator"),
        ("contacted_on", "date", "day of the contact"),
        ("entered_on", "date", "day of its record (known)"),
        ("channel", "text", "how", False, CHANNELS),
        ("is_reached", "flag", "the patient was reached"),
    ),
    known_on="entered_on",
)

SURVEYS = Table(
    "surveys",
    "one row per survey sent",
    ("client", "survey_id"),
    columns(
        ("survey_id", "text", "id of the survey"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("appointment_id", "text", "visit that it asks about"),
        ("location", "text", "place", True),
        ("sent_on", "date", "day on which it was sent (known)"),
        ("answered_on", "date", "day of the answer; empty while there is none", True),
    ),
    known_on="sent_on",
    later=(("answered_on", ()),),
)

SURVEY_ANSWERS = Table(
    "survey_answers",
    "one row per item of an answered survey",
    ("client", "survey_id", "item"),
    columns(
        ("survey_id", "text", "survey"),
        ("item", "text", "item, always in the same words", False, SURVEY_ITEMS),
        ("answered_on", "date", "day of the answer (known)"),
        ("score", "count", "1 to 4, or 0 to 10 for rating and would_recommend; empty where it was skipped", True),
    ),
    known_on="answered_on",
)

FEEDBACK = Table(
    "feedback",
    "one row per coded theme of a complaint, compliment or suggestion",
    ("client", "feedback_id"),
    columns(
        ("feedback_id", "text", "id of the entry"),
        ("patient", "text", "keyed pseudonym; empty where it came without a name", True),
        ("received_on", "date", "day on which it came in (known)"),
        ("kind", "text", "kind", False, ("complaint", "compliment", "suggestion")),
        ("theme", "text", "coded theme; the words themselves are not kept", False, FEEDBACK_THEMES),
        ("location", "text", "place", True),
        ("responded_on", "date", "day of the answer; empty while there is none", True),
        ("outcome", "text", "what came of it", True, ("explained", "corrected", "changed", "none")),
    ),
    known_on="received_on",
    later=(("responded_on", ("outcome",)),),
)

HOSPITAL_ENCOUNTERS = Table(
    "hospital_encounters",
    "one row per emergency visit or hospital stay reported to the practice",
    ("client", "encounter_id"),
    columns(
        ("encounter_id", "text", "id of the encounter"),
        ("patient", "text", "keyed pseudonym of the patient"),
        (
            "kind",
            "text",
            "kind; an emergency visit that led to a stay is a stay",
            False,
            ("emergency", "inpatient", "observation"),
        ),
        ("admitted_on", "date", "first day"),
        ("discharged_on", "date", "last day; empty while it lasts", True),
        ("reported_on", "date", "day on which the practice learned of it (known)"),
        ("problem", "text", "problem family", True, PROBLEMS),
        ("is_planned", "flag", "planned stay: never counts as a readmission"),
        ("ended", "text", "how it ended", True, ("home", "transfer", "died")),
    ),
    known_on="reported_on",
)

PANEL_MONTHS = Table(
    "panel_months",
    "one row per month and location: the patients looked after",
    ("client", "month", "location"),
    columns(
        ("month", "text", "month, YYYY-MM"),
        ("location", "text", "place"),
        ("counted_on", "date", "day of the count (known)"),
        ("members", "count", "patients with a visit in the twelve months up to the month's end"),
        ("high_risk_members", "count", "of them at high risk"),
    ),
    known_on="counted_on",
)

ACCESS_CHECKS = Table(
    "access_checks",
    "one row per check of the third next available appointment",
    ("client", "checked_on", "location", "visit_type"),
    columns(
        ("checked_on", "date", "day of the check (known)"),
        ("location", "text", "place"),
        ("visit_type", "text", "kind of visit", False, ("new", "follow_up")),
        ("third_next_on", "date", "day of the third next open slot"),
    ),
    known_on="checked_on",
)

PROGRAMME_CHANGES = Table(
    "programme_changes",
    "one row per change made after a review",
    ("client", "change_id"),
    columns(
        ("change_id", "text", "id of the change"),
        ("decided_on", "date", "day of the review (known)"),
        ("started_on", "date", "day from which it holds"),
        (
            "measure",
            "text",
            "what it should move: no_show, social_needs, response_time, navigation, access or another name",
        ),
        ("location", "text", "place; empty for all", True),
        ("issue", "text", "what was found"),
        ("change", "text", "what was changed"),
    ),
    known_on="decided_on",
)

APPOINTMENT_REMINDERS = Table(
    "appointment_reminders",
    "one row per reminder of an appointment",
    ("client", "reminder_id"),
    columns(
        ("reminder_id", "text", "id of the reminder"),
        ("appointment_id", "text", "appointment"),
        ("sent_on", "date", "day on which it was sent (known)"),
        ("channel", "text", "how", False, CHANNELS),
        ("confirmed_on", "date", "day on which the patient confirmed; empty while there is no answer", True),
    ),
    known_on="sent_on",
    later=(("confirmed_on", ()),),
)

CARE_REFERRALS = Table(
    "care_referrals",
    "one row per referral to a specialist or service",
    ("client", "referral_id"),
    columns(
        ("referral_id", "text", "id of the referral"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("referred_on", "date", "day of the referral (known)"),
        ("specialty", "text", "to whom", True),
        ("seen_on", "date", "day of the visit there", True),
        ("report_on", "date", "day on which the report came back: the loop is closed", True),
        ("withdrawn_on", "date", "day on which it was withdrawn", True),
    ),
    known_on="referred_on",
    later=(("seen_on", ()), ("report_on", ()), ("withdrawn_on", ())),
)

CARE_PLAN_STEPS = Table(
    "care_plan_steps",
    "one row per step of a patient's care plan",
    ("client", "step_id"),
    columns(
        ("step_id", "text", "id of the step"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("agreed_on", "date", "day on which it was agreed (known)"),
        ("kind", "text", "kind", False, ("medication", "visit", "test", "education", "other")),
        ("due_on", "date", "day by which it is to be done"),
        ("done_on", "date", "day on which it was done; empty while it is not", True),
    ),
    known_on="agreed_on",
    later=(("done_on", ()),),
)

CLINICAL_READINGS = Table(
    "clinical_readings",
    "one row per reading of a clinical indicator",
    ("client", "reading_id"),
    columns(
        ("reading_id", "text", "id of the reading"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("taken_on", "date", "day of the reading"),
        ("recorded_on", "date", "day of its record (known)"),
        ("indicator", "text", "what was read", False, ("hba1c", "systolic", "diastolic")),
        ("value", "number", "percent, or mm Hg"),
    ),
    known_on="recorded_on",
)

STAFF_FEEDBACK = Table(
    "staff_feedback",
    "one row per item of an answer of the practice's staff; nobody is named",
    ("client", "answer_id", "item"),
    columns(
        ("answer_id", "text", "id of the answer"),
        ("answered_on", "date", "day of the answer (known)"),
        (
            "item",
            "text",
            "item, always in the same words",
            False,
            ("can_follow_patients", "workload_is_fair", "tools_help", "would_recommend"),
        ),
        ("score", "count", "1 to 5; empty where it was skipped", True),
    ),
    known_on="answered_on",
)

ENGAGEMENT_TABLES = (
    APPOINTMENTS,
    INTAKES,
    RISK_ASSESSMENTS,
    NAVIGATOR_CONTACTS,
    SURVEYS,
    SURVEY_ANSWERS,
    FEEDBACK,
    HOSPITAL_ENCOUNTERS,
    PANEL_MONTHS,
    ACCESS_CHECKS,
    PROGRAMME_CHANGES,
    APPOINTMENT_REMINDERS,
    CARE_REFERRALS,
    CARE_PLAN_STEPS,
    CLINICAL_READINGS,
    STAFF_FEEDBACK,
)
