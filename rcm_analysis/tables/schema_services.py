"""The tables of the services beside claims: self-pay programme and patient engagement here, care coordination beside.

The conventions are those of `schema`: cents, days, ids as text, `client` first, and two dates wherever
an event becomes known late. A register whose rows go on changing (a dispute is closed, an application
decided) keeps the later columns under `Table.later`, so that it can be replayed as of any day.

    * A self-pay account is a claim: `claim_id` ties every row to the ledger of `transactions`, where the
      patient's balance is the sum of the postings with `party = "patient"`.
    * `patient` is the keyed pseudonym, as in `claims`: rows of one person meet across all tables.
    * Free text (notes, comments) is never a column: it stays in the raw file.
"""

from __future__ import annotations

from .schema_base import CHANNELS, Table, columns
from .schema_coordination import COORDINATION_TABLES

METHODS = ("visa", "mastercard", "other_card", "bank", "check", "cash")
DECLINE_KINDS = ("soft", "hard")
CALL_RESULTS = ("no_answer", "voicemail", "wrong_party", "conversation", "message")
CONTACT_REASONS = (
    "balance",
    "payment",
    "payment_plan",
    "promise",
    "insurance",
    "dispute",
    "financial_assistance",
    "itemised_statement",
    "demographics",
    "estimate",
    "other",
)
ROUTES = ("self_pay", "billing", "insurance_follow_up", "financial_counselling", "front_desk", "clinic")
ACCOUNT_CHANGES = (
    "plan_adjustment",
    "insurance_update",
    "demographic_update",
    "ledger_correction",
    "balance_transfer",
    "credit_reporting",
    "third_party_collection",
)
OUT_OF_SCOPE = ("credit_reporting", "third_party_collection")
"""Kinds of `account_changes` that are no part of the self-pay programme: any row is a breach."""
POLICY_RULES = (
    "call_window_from",
    "call_window_to",
    "calls_in_seven_days",
    "days_after_conversation",
    "card_retries_in_thirty_days",
    "retry_after_hard_decline",
    "promise_grace_days",
    "dispute_days",
    "assistance_days",
    "itemised_days",
    "write_off_approval_over_cents",
    "estimate_difference_cents",
    "script_version",
    "posting_days",
    "refund_days",
    "contact_target",
    "engagement_target",
    "resolution_target",
    "documentation_target",
    "script_target",
    "posting_target",
    "eob_target",
)
SKILLS = ("eob_interpretation", "account_explanation", "professional_conduct")

# -- self-pay programme ----------------------------------------------------------------------------

STATEMENTS = Table(
    "statements",
    "one row per statement of one account sent to a patient",
    ("client", "statement_id"),
    columns(
        ("statement_id", "text", "id of the statement"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("statement_on", "date", "day of the statement (known)"),
        ("sequence", "count", "first, second, third statement of the account, from 1"),
        ("balance_cents", "cents", "patient balance asked for"),
        ("due_on", "date", "day by which payment is asked"),
        ("channel", "text", "how it was sent", False, CHANNELS),
    ),
    known_on="statement_on",
)

PAYMENT_PLANS = Table(
    "payment_plans",
    "one row per payment plan",
    ("client", "plan_id"),
    columns(
        ("plan_id", "text", "id of the plan"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("opened_on", "date", "day on which it was agreed (known)"),
        ("amount_cents", "cents", "balance put on the plan"),
        ("instalments", "count", "number of instalments agreed"),
        ("is_autopay", "flag", "instalments are charged to a card on file"),
        ("closed_on", "date", "day on which it ended; later than the as-of day means open", True),
        ("outcome", "text", "how it ended", True, ("completed", "broken", "cancelled")),
    ),
    known_on="opened_on",
    later=(("closed_on", ("outcome",)),),
)

PLAN_INSTALMENTS = Table(
    "plan_instalments",
    "one row per instalment of a plan",
    ("client", "plan_id", "number"),
    columns(
        ("plan_id", "text", "plan"),
        ("number", "count", "position in the plan, from 1"),
        ("agreed_on", "date", "day on which the instalment was agreed (known)"),
        ("due_on", "date", "day on which it is due"),
        ("amount_cents", "cents", "amount due"),
        ("paid_on", "date", "day on which it was paid; empty while it is not", True),
        ("paid_cents", "cents", "amount paid", True),
    ),
    known_on="agreed_on",
    later=(("paid_on", ("paid_cents",)),),
)

PAYMENT_ATTEMPTS = Table(
    "payment_attempts",
    "one row per attempt to take a payment from a patient",
    ("client", "attempt_id"),
    columns(
        ("attempt_id", "text", "id of the attempt"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("plan_id", "text", "plan; empty for a payment outside a plan", True),
        ("number", "count", "instalment of the plan", True),
        ("attempted_on", "date", "day of the attempt (known)"),
        ("due_on", "date", "day on which the amount was due; empty where nothing had been asked yet", True),
        ("amount_cents", "cents", "amount"),
        ("method", "text", "how it was paid", False, METHODS),
        ("channel", "text", "where it was taken", False, CHANNELS),
        ("result", "text", "approved, or declined", False, ("approved", "declined")),
        ("decline_code", "text", "response code of the card network or bank", True),
        ("decline_kind", "text", "hard: may not be tried again with the same card", True, DECLINE_KINDS),
        ("retry_of", "text", "first attempt that this one repeats", True),
        ("posted_on", "date", "day of posting to the ledger", True),
    ),
    known_on="attempted_on",
    later=(("posted_on", ()),),
)

PROMISES = Table(
    "promises",
    "one row per promise to pay",
    ("client", "promise_id"),
    columns(
        ("promise_id", "text", "id of the promise"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("interaction_id", "text", "call in which it was given", True),
        ("promised_on", "date", "day of the promise (known)"),
        ("due_on", "date", "day promised"),
        ("amount_cents", "cents", "amount promised"),
    ),
    known_on="promised_on",
)

INTERACTIONS = Table(
    "interactions",
    "one row per contact with a patient, tried or made, in or out",
    ("client", "interaction_id"),
    columns(
        ("interaction_id", "text", "id of the contact"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account; empty where the contact is about none", True),
        ("happened_on", "date", "day of the contact"),
        ("local_time", "text", "the patient's own clock, HH:MM"),
        ("entered_on", "date", "day of its record (known)"),
        ("direction", "text", "in: the patient made it; out: we did", False, ("in", "out")),
        ("channel", "text", "how", False, CHANNELS),
        ("result", "text", "what it came to", False, CALL_RESULTS),
        ("reason", "text", "what it was about; a required field of the record", True, CONTACT_REASONS),
        ("department", "text", "department that it was passed to", True, ROUTES),
        (
            "resolution",
            "text",
            "what was settled; required after a conversation",
            True,
            ("resolved", "promise", "plan", "paid", "passed_on", "open"),
        ),
        (
            "next_step",
            "text",
            "what follows; required after a conversation",
            True,
            ("none", "call_back", "send_document", "await_payment", "await_department"),
        ),
        ("is_identity_verified", "flag", "identity was checked; required in a conversation", True),
        ("is_disclosure_given", "flag", "the required disclosure was read out; required in a conversation", True),
        ("script_version", "text", "script that was used", True),
        ("is_script_followed", "flag", "finding of quality review; empty where it was not sampled", True),
        ("handled_by", "text", "client partner"),
        ("minutes", "number", "minutes spent", True),
    ),
    known_on="entered_on",
)

DISPUTES = Table(
    "disputes",
    "one row per disputed account",
    ("client", "dispute_id"),
    columns(
        ("dispute_id", "text", "id of the dispute"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("opened_on", "date", "day on which it was raised (known)"),
        (
            "reason",
            "text",
            "what is disputed",
            False,
            ("insurance_should_pay", "service_not_received", "amount", "already_paid", "duplicate", "identity"),
        ),
        ("amount_cents", "cents", "amount disputed"),
        ("closed_on", "date", "day on which it was settled; later than the as-of day means open", True),
        ("outcome", "text", "how it was settled", True, ("upheld", "adjusted", "rebilled", "withdrawn")),
        ("adjusted_cents", "cents", "amount taken off the balance", True),
    ),
    known_on="opened_on",
    later=(("closed_on", ("outcome", "adjusted_cents")),),
)

ASSISTANCE_APPLICATIONS = Table(
    "assistance_applications",
    "one row per application for financial assistance",
    ("client", "application_id"),
    columns(
        ("application_id", "text", "id of the application"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account; empty where it covers all of the patient's accounts", True),
        ("applied_on", "date", "day on which it came in (known)"),
        ("amount_cents", "cents", "balance that it asks to relieve"),
        ("completed_on", "date", "day on which all documents were there", True),
        ("decided_on", "date", "day of the decision; later than the as-of day means open", True),
        ("decision", "text", "what was decided", True, ("approved", "partly_approved", "denied", "withdrawn")),
        ("approved_cents", "cents", "amount relieved", True),
    ),
    known_on="applied_on",
    later=(("completed_on", ()), ("decided_on", ("decision", "approved_cents"))),
)

ITEMISED_REQUESTS = Table(
    "itemised_requests",
    "one row per request for an itemised statement",
    ("client", "request_id"),
    columns(
        ("request_id", "text", "id of the request"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("requested_on", "date", "day of the request (known)"),
        ("sent_on", "date", "day on which it was sent; empty while it is not", True),
    ),
    known_on="requested_on",
    later=(("sent_on", ()),),
)

ACCOUNT_CHANGES_TABLE = Table(
    "account_changes",
    "one row per rework of a patient account",
    ("client", "change_id"),
    columns(
        ("change_id", "text", "id of the change"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account; empty for changes of the person's data", True),
        ("requested_on", "date", "day on which it was asked for"),
        ("done_on", "date", "day on which it was done (known)"),
        ("kind", "text", "what was changed; the last two are out of scope", False, ACCOUNT_CHANGES),
        ("amount_cents", "cents", "amount moved or corrected", True),
        ("reason", "text", "why", True),
        ("done_by", "text", "client partner"),
    ),
    known_on="done_on",
)

WRITE_OFF_APPROVALS = Table(
    "write_off_approvals",
    "one row per request to write off a patient balance by hand",
    ("client", "approval_id"),
    columns(
        ("approval_id", "text", "id of the request"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account"),
        ("requested_on", "date", "day of the request (known)"),
        ("requested_by", "text", "client partner"),
        ("amount_cents", "cents", "amount to write off, as a positive amount"),
        ("reason", "text", "why"),
        ("decided_on", "date", "day of the decision", True),
        ("decision", "text", "what was decided", True, ("approved", "refused")),
        ("decided_by", "text", "who decided", True),
    ),
    known_on="requested_on",
    later=(("decided_on", ("decision", "decided_by")),),
)

ESTIMATES = Table(
    "estimates",
    "one row per good-faith estimate given to a patient without insurance",
    ("client", "estimate_id"),
    columns(
        ("estimate_id", "text", "id of the estimate"),
        ("patient", "text", "keyed pseudonym of the patient"),
        ("claim_id", "text", "account that was billed; empty where the visit was not", True),
        ("given_on", "date", "day on which it was given (known)"),
        ("planned_on", "date", "day planned for the service"),
        ("amount_cents", "cents", "what the patient was told to expect to be billed, after any discount"),
    ),
    known_on="given_on",
)

QUALITY_REVIEWS = Table(
    "quality_reviews",
    "one row per skill judged in a sampled quality review of a contact",
    ("client", "review_id", "skill"),
    columns(
        ("review_id", "text", "id of the review"),
        ("interaction_id", "text", "contact reviewed; empty for a case worked through on paper", True),
        ("reviewed_on", "date", "day of the review (known)"),
        ("handled_by", "text", "client partner reviewed"),
        ("reviewed_by", "text", "who reviewed", True),
        ("skill", "text", "what was judged", False, SKILLS),
        ("points", "count", "points given"),
        ("points_possible", "count", "points that could be given"),
    ),
    known_on="reviewed_on",
)

SELF_PAY_POLICIES = Table(
    "self_pay_policies",
    "one row per rule of the client's approved self-pay policy and first day in force",
    ("client", "rule", "effective_from"),
    columns(
        ("rule", "text", "what is ruled", False, POLICY_RULES),
        ("effective_from", "date", "first day in force"),
        ("effective_to", "date", "last day in force", True),
        (
            "value",
            "text",
            (
                "HH:MM for call windows, a whole number for days, counts and cents, percent for targets, yes or no, "
                "or a name"
            ),
        ),
        ("source", "text", "document it was taken from", True),
    ),
)

# -- patient engagement ----------------------------------------------------------------------------

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

TABLES_OF_SERVICE: dict[str, tuple[Table, ...]] = {
    "self_pay": (
        STATEMENTS,
        PAYMENT_PLANS,
        PLAN_INSTALMENTS,
        PAYMENT_ATTEMPTS,
        PROMISES,
        INTERACTIONS,
        DISPUTES,
        ASSISTANCE_APPLICATIONS,
        ITEMISED_REQUESTS,
        ACCOUNT_CHANGES_TABLE,
        WRITE_OFF_APPROVALS,
        ESTIMATES,
        QUALITY_REVIEWS,
        SELF_PAY_POLICIES,
    ),
    "patient_engagement": (
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
    ),
    "care_coordination": COORDINATION_TABLES,
}
"""The tables of each service, by the service's name in the registry."""

SERVICE_TABLES: dict[str, Table] = {table.name: table for tables in TABLES_OF_SERVICE.values() for table in tables}
"""All of them, by name."""
