"""The tables of the services beside claims: the self-pay programme here, engagement and care coordination beside.

The conventions are those of `schema`: cents, days, ids as text, `client` first, and two dates wherever
an event becomes known late. A register whose rows go on changing (a dispute is closed, an application
decided) keeps the later columns under `Table.later`, so that it can be replayed as of any day.

    * A self-pay account is a claim: `claim_id` ties every row to the ledger of `transactions`, where the
      patient's balance is the sum of the postings with `party = "patient"`.
    * `patient` is the keyed pseudonym, as in `claims`: rows of one person meet across all tables.
    * Free text (notes, comments) is never a column: it stays in the raw file.
"""

from __future__ import annotations

from .schema_base import CHANNELS, EDIT_RESULTS, EDIT_STAGES, Table, columns
from .schema_coordination import COORDINATION_TABLES
from .schema_engagement import ENGAGEMENT_TABLES

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
TIME = (r"([01]\d|2[0-3]):[0-5]\d", "a time such as 08:00")
NUMBER = (r"\d{1,9}", "a whole number")
PERCENT = (r"(100|\d{1,2})(\.\d+)?", "a percent such as 85")
POLICY_FORMS = {
    **dict.fromkeys(("call_window_from", "call_window_to"), TIME),
    **dict.fromkeys(("calls_in_seven_days", "days_after_conversation", "card_retries_in_thirty_days"), NUMBER),
    "retry_after_hard_decline": ("yes|no", "yes or no"),
    **dict.fromkeys(
        (
            "promise_grace_days",
            "dispute_days",
            "assistance_days",
            "itemised_days",
            "write_off_approval_over_cents",
            "estimate_difference_cents",
        ),
        NUMBER,
    ),
    "script_version": (r".+", "a name"),
    **dict.fromkeys(("posting_days", "refund_days"), NUMBER),
    **dict.fromkeys(
        (
            "contact_target",
            "engagement_target",
            "resolution_target",
            "documentation_target",
            "script_target",
            "posting_target",
            "eob_target",
        ),
        PERCENT,
    ),
}
"""What the value of each rule of a self-pay policy looks like, as a pattern and in words."""
POLICY_RULES = tuple(POLICY_FORMS)
MEETING_STATES = ("held", "missed", "cancelled", "scheduled")
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
        ("wait_seconds", "number", "how long the caller waited to be answered, or until hanging up", True),
        ("is_abandoned", "flag", "the caller hung up before being answered", True),
        ("patient_rating", "count", "what the patient gave the contact afterwards, 1 to 5", True),
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

AGED = ("0-30", "31-60", "61-90", "91-120", "over 120", "unapplied")
"""The age buckets of an aging report, and money that it shows apart as not applied."""
ANSWER_LEVELS = ("claim", "provider", "batch", "transaction", "group", "interchange")

ACKNOWLEDGMENTS = Table(
    "acknowledgments",
    "one row per answer of a clearinghouse or payer before any decision (277CA, 277, 999, 997, TA1)",
    ("client", "acknowledgment_id"),
    columns(
        ("acknowledgment_id", "text", "content hash of the answer"),
        ("kind", "text", "transaction set", False, ("277CA", "277", "999", "997", "TA1")),
        ("level", "text", "what was answered", False, ANSWER_LEVELS),
        ("result", "text", "passed, failed, or pending", False, EDIT_RESULTS),
        ("claim_id", "text", "claim; empty where nothing of ours has that number", True),
        ("claim_number", "text", "claim as the answer names it: TRN02 of a 277CA, REF*EJ of a 277", True),
        ("other_number", "text", "the other of TRN02 and REF*EJ", True),
        ("batch", "text", "BHT03 of the 837 that is answered", True),
        ("interchange_control", "text", "ISA13 of the 837 that is answered", True),
        ("group_control", "text", "GS06 of it", True),
        ("transaction_control", "text", "ST02 of it", True),
        ("billing_npi", "text", "billing provider of it", True),
        ("status_codes", "text", "category:status:entity, else the code of the 999 or TA1, space-separated", True),
        ("charge_cents", "cents", "STC04; of a provider or batch the dollars rejected (AMT*YY)", True),
        ("payer_claim_id", "text", "REF*1K: the payer's number of the claim, proof that it was filed", True),
        ("service_on", "date", "DTP*472, first day", True),
        ("said_by", "text", "who answered", False, EDIT_STAGES[1:]),
        ("answered_on", "date", "STC02, day of the status", True),
        ("received_on", "date", "day of the file (known)"),
    ),
    known_on="received_on",
)

TRANSMISSIONS = Table(
    "transmissions",
    "one row per claim and 837 transaction that carried it",
    ("client", "submission_id", "interchange_control", "group_control", "transaction_control"),
    columns(
        ("submission_id", "text", "the bill that was carried; the same one again where a file was sent twice"),
        ("interchange_control", "text", "ISA13; '' where there is none"),
        ("group_control", "text", "GS06; '' where there is none"),
        ("transaction_control", "text", "ST02"),
        ("batch", "text", "BHT03", True),
        ("billing_npi", "text", "billing provider", True),
        ("sent_on", "date", "day of the 837 (known)"),
    ),
    known_on="sent_on",
)

AGING_BALANCES = Table(
    "aging_balances",
    "one row per account and age bucket of an aging report: what was open on its day",
    ("client", "reported_on", "party", "location", "account", "bucket"),
    columns(
        ("reported_on", "date", "day of the report (known)"),
        ("party", "text", "who owes it", False, ("insurance", "patient")),
        ("location", "text", "part of the practice that the report is about; all where it names none"),
        ("account", "text", "patient and payer as far as the report names them"),
        ("bucket", "text", "age on that day", False, AGED),
        ("payer", "text", "payer who owes it", True),
        ("balance_cents", "cents", "what was open; below zero for a credit"),
    ),
    known_on="reported_on",
)

# -- the client manager's own records -----------------------------------------------------------------

MEETINGS = Table(
    "meetings",
    "one row per meeting with the practice, held or not",
    ("client", "meeting_id"),
    columns(
        ("meeting_id", "text", "id of the meeting"),
        ("meets_on", "date", "day of the meeting (known)"),
        (
            "status",
            "text",
            "scheduled: in the calendar and not cancelled; the others are told by a log",
            False,
            MEETING_STATES,
        ),
        ("minutes", "number", "how long it took, or was to take", True),
    ),
    known_on="meets_on",
)

CLIENT_CONTACTS = Table(
    "client_contacts",
    "one row per e-mail, call or piece of work for the practice's manager",
    ("client", "contact_id"),
    columns(
        ("contact_id", "text", "id of the message or entry"),
        ("happened_on", "date", "day (known)"),
        ("channel", "text", "how", False, ("email", "call", "other")),
        (
            "direction",
            "text",
            "in: the practice wrote; out: we did; empty for work without a message",
            True,
            ("in", "out"),
        ),
        ("thread", "text", "conversation that it belongs to", True),
        ("minutes", "number", "minutes spent", True),
        ("handled_by", "text", "who of us", True),
    ),
    known_on="happened_on",
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
    "aging_reports": (AGING_BALANCES,),
    "patient_engagement": ENGAGEMENT_TABLES,
    "care_coordination": COORDINATION_TABLES,
}
"""The tables of each service, by the service's name in the registry."""

SERVICE_TABLES: dict[str, Table] = {table.name: table for tables in TABLES_OF_SERVICE.values() for table in tables}
"""All of them, by name."""

OFFICE_TABLES: dict[str, Table] = {table.name: table for table in (MEETINGS, CLIENT_CONTACTS)}
"""Those of the client manager, whatever services a client has."""
