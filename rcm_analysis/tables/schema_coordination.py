"""The tables of the care-coordination service: referrals, members, contacts, months billed and staff.

`schema_services` says how the tables of all services are kept. A member-month travels through three hands,
each with its own lag: uploaded by us, billed by the lead Health Home, paid by the plan, passed on to us.
"""

from __future__ import annotations

from .schema_base import CHANNELS, Table, columns

ACUITY_LEVELS = ("low", "medium", "high", "high_fidelity_wraparound")

REFERRALS = Table(
    "referrals",
    "one row per referral to the programme",
    ("client", "referral_id"),
    columns(
        ("referral_id", "text", "id of the referral"),
        ("patient", "text", "keyed pseudonym of the child or member"),
        ("referred_on", "date", "day of the referral"),
        ("received_on", "date", "day on which it came in (known)"),
        (
            "source",
            "text",
            "who referred",
            False,
            ("school", "hospital", "primary_care", "child_welfare", "health_plan", "lead_health_home", "family"),
        ),
        ("is_contact_valid", "flag", "the phone or address given is valid"),
        ("has_documents", "flag", "the papers that show eligibility came with it"),
        ("screened_on", "date", "day of the screening", True),
        ("screening", "text", "what the screening found", True, ("eligible", "ineligible", "incomplete", "duplicate")),
    ),
    known_on="received_on",
    later=(("screened_on", ("screening",)),),
)

OUTREACH = Table(
    "outreach",
    "one row per attempt to win a referred member",
    ("client", "outreach_id"),
    columns(
        ("outreach_id", "text", "id of the attempt"),
        ("referral_id", "text", "referral"),
        ("patient", "text", "keyed pseudonym of the member"),
        ("coordinator", "text", "coordinator, as in `staff`"),
        ("contacted_on", "date", "day of the attempt"),
        ("entered_on", "date", "day of its record (known)"),
        ("channel", "text", "how", False, CHANNELS),
        ("is_reached", "flag", "somebody was reached"),
        ("result", "text", "what came of it", False, ("no_answer", "call_back", "interested", "declined", "consented")),
    ),
    known_on="entered_on",
)

ENROLMENTS = Table(
    "enrolments",
    "one row per enrolment of a member",
    ("client", "enrolment_id"),
    columns(
        ("enrolment_id", "text", "id of the enrolment"),
        ("referral_id", "text", "referral that led to it", True),
        ("patient", "text", "keyed pseudonym of the member"),
        ("payer", "text", "managed-care plan, or the State where there is none"),
        ("region", "text", "rate region", False, ("upstate", "downstate")),
        ("enrolled_on", "date", "day of the consent"),
        ("recorded_on", "date", "day of its record (known)"),
        ("ended_on", "date", "last day; later than the as-of day means enrolled", True),
        (
            "end_reason",
            "text",
            "why it ended",
            True,
            ("goals_met", "lost_contact", "moved", "lost_coverage", "declined"),
        ),
    ),
    known_on="recorded_on",
    later=(("ended_on", ("end_reason",)),),
)

CARE_ASSIGNMENTS = Table(
    "care_assignments",
    "one row per member and coordinator in charge",
    ("client", "enrolment_id", "assigned_from"),
    columns(
        ("enrolment_id", "text", "enrolment"),
        ("coordinator", "text", "coordinator, as in `staff`"),
        ("assigned_from", "date", "first day in charge (known)"),
        ("assigned_to", "date", "last day in charge", True),
    ),
    known_on="assigned_from",
    later=(("assigned_to", ()),),
)

ACUITY_MONTHS = Table(
    "acuity_months",
    "one row per enrolled member and month: the level that sets the rate",
    ("client", "enrolment_id", "month"),
    columns(
        ("enrolment_id", "text", "enrolment"),
        ("month", "text", "month, YYYY-MM"),
        ("level", "text", "acuity level", False, ACUITY_LEVELS),
        ("assessed_on", "date", "day of the assessment that it rests on"),
        ("recorded_on", "date", "day of its record (known)"),
    ),
    known_on="recorded_on",
)

CARE_CONTACTS = Table(
    "care_contacts",
    "one row per contact of a coordinator for an enrolled member",
    ("client", "contact_id"),
    columns(
        ("contact_id", "text", "id of the contact"),
        ("enrolment_id", "text", "enrolment"),
        ("patient", "text", "keyed pseudonym of the member"),
        ("coordinator", "text", "coordinator, as in `staff`"),
        ("contacted_on", "date", "day of the contact"),
        ("entered_on", "date", "day of its record (known)"),
        ("mode", "text", "how", False, ("face_to_face", "video", "phone", "message")),
        (
            "service",
            "text",
            "core service given; empty where nobody was reached",
            True,
            ("care_management", "coordination", "health_promotion", "transition", "family_support", "referral"),
        ),
        ("is_reached", "flag", "the member or family was reached"),
        ("minutes", "number", "minutes spent", True),
    ),
    known_on="entered_on",
)

BILLING_SUPPORT = Table(
    "billing_support",
    "one row per enrolled member and month: is it ready to bill",
    ("client", "enrolment_id", "month"),
    columns(
        ("enrolment_id", "text", "enrolment"),
        ("month", "text", "month of service, YYYY-MM"),
        ("coordinator", "text", "coordinator in charge at the month's end"),
        ("opened_on", "date", "day on which the month was opened for billing (known)"),
        ("is_core_service_given", "flag", "contacts of the month meet the rule of its level"),
        ("completed_on", "date", "day on which the questionnaire was completed", True),
        ("uploaded_on", "date", "day on which the month was uploaded for billing", True),
        (
            "missed",
            "text",
            "why it was not uploaded, told when the month's window closed",
            True,
            ("no_core_service", "no_questionnaire", "consent_missing", "coverage_ended"),
        ),
        ("missed_on", "date", "day on which the window closed without an upload", True),
    ),
    known_on="opened_on",
    later=(("completed_on", ()), ("uploaded_on", ()), ("missed_on", ("missed",))),
)

CARE_CLAIMS = Table(
    "care_claims",
    "one row per member-month billed, and per time that it was billed",
    ("client", "care_claim_id"),
    columns(
        ("care_claim_id", "text", "id of the claim"),
        ("enrolment_id", "text", "enrolment"),
        ("month", "text", "month of service, YYYY-MM"),
        ("payer", "text", "managed-care plan, or the State"),
        ("lead_health_home", "text", "lead Health Home that bills for us"),
        ("rate_code", "text", "rate code billed"),
        ("level", "text", "acuity level billed", False, ACUITY_LEVELS),
        ("billed_cents", "cents", "published rate of the level and region"),
        ("replaces", "text", "denied claim that it bills again", True),
        ("uploaded_on", "date", "day of our upload (known)"),
        ("lead_billed_on", "date", "day on which the lead Health Home billed the payer", True),
        ("payer_decided_on", "date", "day on which the payer paid the lead, or denied", True),
        ("payer_paid_cents", "cents", "what the payer paid; 0 when denied", True),
        (
            "denial_reason",
            "text",
            "why it was denied",
            True,
            ("not_eligible", "no_consent", "late", "duplicate_enrolment", "missing_data"),
        ),
        ("agency_paid_on", "date", "day on which the lead paid us", True),
        ("lead_fee_cents", "cents", "what the lead kept", True),
        ("agency_paid_cents", "cents", "what reached us", True),
    ),
    known_on="uploaded_on",
    later=(
        ("lead_billed_on", ()),
        ("payer_decided_on", ("payer_paid_cents", "denial_reason")),
        ("agency_paid_on", ("lead_fee_cents", "agency_paid_cents")),
    ),
)

CARE_RECOUPMENTS = Table(
    "care_recoupments",
    "one row per payment taken back",
    ("client", "recoupment_id"),
    columns(
        ("recoupment_id", "text", "id of the recoupment"),
        ("care_claim_id", "text", "claim taken back"),
        ("taken_on", "date", "day on which the money was taken (known)"),
        ("amount_cents", "cents", "amount taken, as a positive amount"),
        ("reason", "text", "why", False, ("retroactive_disenrolment", "documentation", "duplicate_payment")),
    ),
    known_on="taken_on",
)

STAFF = Table(
    "staff",
    "one row per member of staff and salary",
    ("client", "staff", "effective_from"),
    columns(
        ("staff", "text", "id of the person in the programme's files"),
        ("role", "text", "role", False, ("coordinator", "supervisor", "billing")),
        ("effective_from", "date", "first day of this salary (known)"),
        ("hired_on", "date", "first day of work"),
        ("left_on", "date", "last day of work", True),
        ("full_time_share", "number", "share of full time, 0 to 1"),
        ("salary_cents", "cents", "salary of a year at that share"),
    ),
    known_on="effective_from",
    later=(("left_on", ()),),
)

PLAN_LINES = ("salaries", "fringe", "supervision", "incentive", "overhead", "startup")
"""What a programme spends, by the lines of its plan."""
RECEIPTS = "receipts"
"""The line of the accounts of what comes in."""

PROGRAMME_COSTS = Table(
    "programme_costs",
    "one row per posting of the programme's general ledger or payroll",
    ("client", "cost_id"),
    columns(
        ("cost_id", "text", "id of the posting"),
        ("posted_on", "date", "day, or month, that it belongs to (known)"),
        ("line", "text", "line of the plan that its account stands for", False, (*PLAN_LINES, RECEIPTS)),
        ("account", "text", "account of the ledger, or kind of pay", True),
        ("amount_cents", "cents", "what was spent; below zero for a correction, and for what came in"),
    ),
    known_on="posted_on",
)

COORDINATION_TABLES = (
    REFERRALS,
    OUTREACH,
    ENROLMENTS,
    CARE_ASSIGNMENTS,
    ACUITY_MONTHS,
    CARE_CONTACTS,
    BILLING_SUPPORT,
    CARE_CLAIMS,
    CARE_RECOUPMENTS,
    STAFF,
    PROGRAMME_COSTS,
)
