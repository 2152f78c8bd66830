"""Every table of the store: its grain, key, columns and units, and which columns may be empty.

Conventions
    * Money is int64 cents and the column ends in `_cents`. Dates are days and end in `_on`, `_from`
      or `_to`. Ids and codes are text. Flags start with `is_` or say what is true.
    * Two dates wherever an event can be known late: when it happened, and when it became known.
      `Table.known_on` names the second; the past is replayed by filtering on it.
    * `client` is the first column of every table.
    * In `TRANSACTIONS`, `amount_cents` is the signed effect on the receivable: charges, refunds and
      takebacks raise it, payments, contractual adjustments and write-offs lower it. A balance is a sum.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ..errors import TableError, listed
from .schema_base import EDIT_RESULTS, EDIT_STAGES, KINDS, Column, Table, columns
from .schema_services import ACKNOWLEDGMENTS, OFFICE_TABLES, SERVICE_TABLES, TRANSMISSIONS

PARTIES = ("primary", "secondary", "tertiary", "patient")
TRANSACTION_KINDS = ("charge", "payment", "contractual", "write_off", "transfer", "refund", "takeback", "opening")
PAYER_CLASSES = (
    *("medicare", "medicaid", "commercial", "managed_care"),
    *("government", "workers_compensation", "self_pay", "other"),
)
FUNDINGS = ("insured", "self_funded", "government")
MEETING_CADENCES = ("weekly", "biweekly", "monthly")
WORK_ACTIONS = (
    "follow_up",
    "corrected_claim",
    "appeal",
    "resubmit",
    "bill_secondary",
    "request_documents",
    "transfer_to_patient",
    "write_off_request",
    "statement",
    "other",
)
OUTCOMES = (
    "in_process",
    "paid",
    "denied",
    "overturned",
    "upheld",
    "waiting_on_client",
    "waiting_on_payer",
    "resolved",
    "none",
)
HOLD_REASONS = ("documents", "authorization", "referral", "eligibility", "credentialing", "coding", "other")
FOLLOW_UP_CHANNELS = ("portal", "call", "clearinghouse", "mail", "email", "fax", "other")


CLIENTS = Table(
    "clients",
    "one row per client of the registry",
    ("client",),
    columns(
        ("name", "text", "the client's name as printed"),
        ("specialty", "text", "medical specialty", True),
        ("services", "text", "services bought, with commas: claims, self_pay, patient_engagement, care_coordination"),
        ("providers", "count", "billing providers"),
        ("revenue_cents", "cents", "annual collections as stated in the registry"),
        ("is_estimate", "flag", "revenue is an estimate from the specialty"),
        ("revenue_source", "text", "who states the revenue, or what it is estimated from", True),
        ("commission_rate", "number", "our fee as a share of collections, 0 to 1"),
        ("meeting_cadence", "text", "how often we meet", False, MEETING_CADENCES),
        ("emails_per_week", "number", "e-mails a week", True),
        ("hours_per_week", "number", "hours a week spent on the account", True),
        ("high_complexity", "flag", "override of the complexity rule", True),
        ("assigned_to", "text", "the client manager", True),
        ("assigned_level", "text", "coordinator, manager, senior_manager or director", True),
    ),
)

PAYERS = Table(
    "payers",
    "one row per payer",
    ("payer",),
    (
        Column("payer", "text", "payer id, as in the registry"),
        Column("name", "text", "the payer's name as printed"),
        Column("payer_class", "text", "kind of payer", False, PAYER_CLASSES),
        Column("funding", "text", "who bears the risk of its plans, where that is known", True, FUNDINGS),
        Column("state", "text", "state in which the client asking is, as two letters", True),
    ),
)

CLAIMS = Table(
    "claims",
    "one row per claim (patient control number)",
    ("client", "claim_id"),
    columns(
        ("claim_id", "text", "patient control number: CLM01 of the 837, CLP01 of the 835"),
        ("patient", "text", "keyed pseudonym of the patient", True),
        ("provider", "text", "rendering provider", True),
        ("location", "text", "place where the service was given", True),
        (
            "claim_type",
            "text",
            "professional, institutional or dental",
            False,
            ("professional", "institutional", "dental"),
        ),
        ("payer", "text", "primary payer; `self_pay` where there is none"),
        ("secondary_payer", "text", "secondary payer", True),
        ("tertiary_payer", "text", "tertiary payer", True),
        ("service_on", "date", "first day of service"),
        ("entered_on", "date", "day on which the charges were entered (known)"),
        ("charge_cents", "cents", "billed charge of the claim, as last sent by the as-of day"),
        ("submission_id", "text", "837 claim whose content stands here; empty where the claim is from elsewhere", True),
        ("voided_on", "date", "day of the 837 that voided it (frequency 8) for good", True),
    ),
    known_on="entered_on",
    later=(("voided_on", ()),),
)

CLAIM_LINES = Table(
    "claim_lines",
    "one row per service line of a claim",
    ("client", "claim_id", "line_number"),
    columns(
        ("claim_id", "text", "claim"),
        ("line_number", "count", "position on the claim, from 1"),
        ("procedure", "text", "CPT/HCPCS or revenue code"),
        ("modifiers", "text", "modifiers joined by ':'", True),
        ("units", "number", "units of service", True),
        ("place_of_service", "text", "place of service code", True),
        ("service_on", "date", "day of service"),
        ("entered_on", "date", "day of charge entry (known)"),
        ("charge_cents", "cents", "billed charge of the line"),
        ("control_number", "text", "REF*6R of the 837: the biller's own number of the line", True),
    ),
    known_on="entered_on",
)

SUBMISSIONS = Table(
    "submissions",
    "one row per claim sent to a payer (837 CLM)",
    ("client", "submission_id"),
    columns(
        ("submission_id", "text", "file, transaction and position"),
        ("claim_id", "text", "claim"),
        ("submitted_on", "date", "day of the 837 (known)"),
        ("payer", "text", "payer addressed"),
        ("payer_order", "text", "SBR01 of the destination payer", False, ("primary", "secondary", "tertiary")),
        ("frequency", "text", "CLM05-3: 1 original, 7 replacement, 8 void"),
        ("charge_cents", "cents", "charge as sent"),
        ("claim_number", "text", "CLM01 as sent; claim_id differs where a number was used for a second claim", True),
        ("patient", "text", "keyed pseudonym of the patient as this payer knows the person", True),
        ("service_on", "date", "first day of service", True),
        ("sequence", "count", "order of reading: which of several bills of one day is the later one", True),
        ("original_reference", "text", "REF*F8: the payer's number of the claim that this replaces or voids", True),
        ("claim_charge_cents", "cents", "what `claims.charge_cents` is from this day on, where bills changed it", True),
    ),
    known_on="submitted_on",
)

CLAIM_EDITS = Table(
    "claim_edits",
    "one row per check of a claim before adjudication (scrubber, clearinghouse, payer front end)",
    ("client", "edit_id"),
    columns(
        ("edit_id", "text", "id of the check"),
        ("claim_id", "text", "claim"),
        ("checked_on", "date", "day of the check (known)"),
        ("stage", "text", "who checked", False, EDIT_STAGES),
        (
            "result",
            "text",
            "passed; failed: an edit or a rejection, never a denial; pending: received, and no more said",
            False,
            EDIT_RESULTS,
        ),
        ("reason", "text", "edit or rejection reason", True),
        ("status_codes", "text", "category:status:entity as the front end sent them, space-separated", True),
        ("charge_cents", "cents", "charge of the claim as checked", True),
        ("sent_on", "date", "day of the 837 that was checked", True),
    ),
    known_on="checked_on",
)

TRANSACTIONS = Table(
    "transactions",
    "one row per posting to the ledger",
    ("client", "transaction_id"),
    columns(
        ("transaction_id", "text", "posting id of the billing system"),
        ("claim_id", "text", "claim; empty while money is unapplied", True),
        ("line_number", "count", "service line", True),
        ("kind", "text", "what was posted", False, TRANSACTION_KINDS),
        ("party", "text", "whose responsibility the posting changes", False, PARTIES),
        ("amount_cents", "cents", "signed effect on the receivable: + raises it, - lowers it"),
        ("happened_on", "date", "day of service, deposit or decision"),
        ("posted_on", "date", "day of posting (known)"),
        ("payer", "text", "payer concerned; empty for patient postings", True),
        ("group_code", "text", "CAS group of an adjustment: CO, PR, OA, PI", True),
        ("carc", "text", "claim adjustment reason code as posted", True),
        ("reason", "text", "write-off or refund reason of the billing system", True),
        ("trace", "text", "check or EFT trace number of a payment (TRN02)", True),
        ("posted_by", "text", "who posted", True),
        ("approved_by", "text", "who approved a write-off", True),
    ),
    known_on="posted_on",
)

BANK_KINDS = ("claim_payment", "lockbox", "check", "returned", "other")

DEPOSITS = Table(
    "deposits",
    "one row per remittance payment (835 ST: BPR and TRN)",
    ("client", "remit_id"),
    columns(
        ("remit_id", "text", "content hash of the transaction"),
        ("trace", "text", "TRN02", True),
        ("payer", "text", "payer"),
        ("paid_cents", "cents", "BPR02: what reached the bank"),
        ("claims_paid_cents", "cents", "sum of CLP04"),
        ("provider_adjustment_cents", "cents", "sum of the PLB amounts: + takes money away"),
        ("paid_on", "date", "BPR16, day of payment", True),
        ("received_on", "date", "day of the file (known)"),
        ("method", "text", "BPR04: ACH, CHK, NON, ...", True),
        ("payee", "text", "N1*PE: the practice paid, as the payer writes it", True),
        ("payee_npi", "text", "its NPI", True),
        ("payee_tax_id_end", "text", "the last four digits of its tax id", True),
    ),
    known_on="received_on",
)

BANK_DEPOSITS = Table(
    "bank_deposits",
    "one row per credit of a bank statement, or check of a lockbox; statements that overlap hold each once",
    ("client", "deposit_id"),
    columns(
        ("deposit_id", "text", "account, day, amount, and place among equal ones of the day"),
        ("posted_on", "date", "day on which the bank credited it (known)"),
        ("amount_cents", "cents", "credited; below zero for a deposit that was returned"),
        ("kind", "text", "what it is, see sources.bank.statements", False, BANK_KINDS),
        ("trace", "text", "check, EFT or trace number", True),
        ("reference", "text", "second number that the bank gives", True),
        ("batch", "text", "batch of a lockbox", True),
        ("account_end", "text", "the last four digits of the account", True),
    ),
    known_on="posted_on",
)

REMIT_CLAIMS = Table(
    "remit_claims",
    "one row per claim payment (835 CLP)",
    ("client", "remit_claim_id"),
    columns(
        ("remit_claim_id", "text", "remit_id and position of the CLP"),
        ("remit_id", "text", "deposit that carried it"),
        ("claim_id", "text", "CLP01"),
        ("sequence", "count", "position in the file: order within one day"),
        ("status", "text", "CLP02"),
        ("payer", "text", "payer"),
        (
            "payer_order",
            "text",
            "CLP02 (1/19 primary, 2/20 secondary, 3/21 tertiary), else as the claim was sent; see ledger.claim_state",
            False,
            ("primary", "secondary", "tertiary"),
        ),
        ("charge_cents", "cents", "CLP03"),
        ("paid_cents", "cents", "CLP04"),
        ("patient_responsibility_cents", "cents", "CLP05", True),
        ("payer_claim_id", "text", "CLP07", True),
        ("paid_on", "date", "BPR16", True),
        ("received_on", "date", "day of the file (known)"),
        ("claim_number", "text", "CLP01 as sent; claim_id differs where a number was used for a second claim", True),
        ("answer_id", "text", "first of the claim payments that answer the claim together; its own id alone", True),
        ("superseded_on", "date", "day on which a later answer took its place without a reversal", True),
        ("interest_cents", "cents", "AMT*I: interest in the payment, no part of CLP04", True),
    ),
    known_on="received_on",
    later=(("superseded_on", ()),),
)

REMIT_LINES = Table(
    "remit_lines",
    "one row per adjudicated service line (835 SVC)",
    ("client", "remit_line_id"),
    columns(
        ("remit_line_id", "text", "remit_claim_id and position of the SVC"),
        ("remit_claim_id", "text", "claim payment"),
        ("claim_id", "text", "claim"),
        ("line_number", "count", "line of the 837 that is answered; without one, REF*6R or the position", True),
        ("procedure", "text", "SVC01-2"),
        ("modifiers", "text", "SVC01-3 to -6 joined by ':'", True),
        ("charge_cents", "cents", "SVC02"),
        ("paid_cents", "cents", "SVC03"),
        ("allowed_cents", "cents", "AMT*B6, as stated by the payer; not trusted alone", True),
        ("units", "number", "SVC05", True),
        ("service_on", "date", "DTM*472/150, else that of the claim (DTM*232)", True),
        ("received_on", "date", "day of the file (known)"),
        ("control_number", "text", "REF*6R as sent", True),
        ("submitted_procedure", "text", "SVC06-2: the code billed, where the payer decided another", True),
        ("submitted_modifiers", "text", "SVC06-3 to -6 joined by ':'", True),
        ("submitted_units", "number", "SVC07: the units billed, where the payer decided others", True),
    ),
    known_on="received_on",
)

REMIT_ADJUSTMENTS = Table(
    "remit_adjustments",
    "one row per CAS triplet",
    ("client", "remit_adjustment_id"),
    columns(
        ("remit_adjustment_id", "text", "remit_claim_id and position of the triplet"),
        ("remit_claim_id", "text", "claim payment"),
        ("remit_line_id", "text", "service line; empty for a claim-level adjustment", True),
        ("claim_id", "text", "claim"),
        ("group_code", "text", "CO, PR, OA, PI (CR before 5010)"),
        ("carc", "text", "claim adjustment reason code"),
        ("amount_cents", "cents", "positive reduces the payment"),
        ("quantity", "number", "quantity", True),
        ("remark_codes", "text", "RARCs of the line (LQ*HE) or claim (MOA/MIA), space-separated", True),
        ("received_on", "date", "day of the file (known)"),
    ),
    known_on="received_on",
)

PROVIDER_ADJUSTMENTS = Table(
    "provider_adjustments",
    "one row per PLB pair",
    ("client", "provider_adjustment_id"),
    columns(
        ("provider_adjustment_id", "text", "remit_id and position of the pair"),
        ("remit_id", "text", "deposit that carried it"),
        ("reason", "text", "PLB03-1: WO, FB, L6, ..."),
        ("reference", "text", "PLB03-2", True),
        ("amount_cents", "cents", "positive takes money away"),
        ("received_on", "date", "day of the file (known)"),
    ),
    known_on="received_on",
)

WORK_LOG = Table(
    "work_log",
    "one row per follow-up note",
    ("client", "note_id"),
    columns(
        ("note_id", "text", "note id of the billing system"),
        ("claim_id", "text", "claim"),
        ("worked_on", "date", "day of the work"),
        ("entered_on", "date", "day of the note (known)"),
        ("worked_by", "text", "who worked"),
        ("action", "text", "what was done", False, WORK_ACTIONS),
        ("outcome", "text", "what came of it", True, OUTCOMES),
        ("hold_reason", "text", "what the claim waits for", True, HOLD_REASONS),
        ("minutes", "number", "minutes spent", True),
        ("next_action", "text", "what is to be done next", True, WORK_ACTIONS),
        ("next_on", "date", "day on which it is to be done", True),
        ("channel", "text", "how the payer was asked", True, FOLLOW_UP_CHANNELS),
        ("spoke_with", "text", "who answered at the payer, or the reference of the call or message", True),
    ),
    known_on="entered_on",
)

CLIENT_FLAGS = Table(
    "client_flags",
    "one row per claim that the practice asked us to look after",
    ("client", "flag_id"),
    columns(
        ("flag_id", "text", "id of the request"),
        ("claim_id", "text", "claim"),
        ("flagged_on", "date", "day on which it was asked (known)"),
        ("flagged_by", "text", "who asked, at the practice"),
        ("wanted_on", "date", "day by which an answer is wanted", True),
        ("closed_on", "date", "day on which the practice had its answer; later than the as-of day means open", True),
        ("outcome", "text", "what came of it", True, ("paid", "answered", "written_off", "withdrawn")),
    ),
    known_on="flagged_on",
    later=(("closed_on", ("outcome",)),),
)

FEE_SCHEDULES = Table(
    "fee_schedules",
    "one row per payer, procedure, modifiers and first day in force",
    ("client", "payer", "procedure", "modifiers", "effective_from"),
    columns(
        ("payer", "text", "payer"),
        ("procedure", "text", "CPT/HCPCS code"),
        ("modifiers", "text", "modifiers joined by ':'; '' for none"),
        ("effective_from", "date", "first day in force"),
        ("effective_to", "date", "last day in force", True),
        ("allowed_cents", "cents", "contract allowed amount of one unit"),
        ("source", "text", "contract or schedule it was taken from", True),
    ),
)

PAYER_RULES = Table(
    "payer_rules",
    "one row per payer and first day in force",
    ("client", "payer", "effective_from"),
    columns(
        ("payer", "text", "payer"),
        ("effective_from", "date", "first day in force"),
        ("effective_to", "date", "last day in force", True),
        ("filing_limit_days", "count", "days from the service to file the claim"),
        ("appeal_limit_days", "count", "days from the remittance to appeal"),
        ("secondary_filing_limit_days", "count", "days from the primary remittance to file as secondary", True),
        ("source", "text", "contract or manual it was taken from", True),
    ),
)

OPENING_BALANCES = Table(
    "opening_balances",
    "one row per balance that was open when the receivable was taken over, by claim or by age bucket",
    ("client", "balance_id"),
    columns(
        ("balance_id", "text", "id or position of the balance in its list"),
        ("taken_over_on", "date", "day at whose end it was open (known)"),
        ("claim_id", "text", "claim; filled with a number of its own where a list by bucket names none", True),
        ("party", "text", "who owed it", False, PARTIES),
        ("payer", "text", "payer who owed it; empty for the patient", True),
        ("aged_from", "date", "day from which it ages: the day of service; filled from the bucket where empty", True),
        ("bucket", "text", "age on that day", True, ("0-30", "31-60", "61-90", "91-120", "over 120")),
        ("balance_cents", "cents", "what was open; below zero for a credit"),
    ),
    known_on="taken_over_on",
)

CONTROL_TOTALS = Table(
    "control_totals",
    "one row per month closed in the billing system",
    ("client", "month"),
    columns(
        ("month", "text", "month closed, YYYY-MM"),
        ("closed_on", "date", "day of the close (known)"),
        ("charges_cents", "cents", "charges posted"),
        ("payments_cents", "cents", "payments posted, as a positive amount"),
        ("adjustments_cents", "cents", "contractual adjustments and write-offs posted, as a positive amount"),
        ("refunds_cents", "cents", "refunds and takebacks posted"),
        ("closing_cents", "cents", "receivable at the close, credits and unapplied money included"),
    ),
    known_on="closed_on",
)

ACTIONS = Table(
    "actions",
    "one row per action agreed with the client",
    ("client", "action_id"),
    columns(
        ("action_id", "text", "id in the action register"),
        ("opened_on", "date", "day on which it was agreed (known)"),
        ("title", "text", "what is to be done"),
        ("category", "text", "denial category or measure concerned", True),
        ("owner", "text", "who does it"),
        ("due_on", "date", "day promised"),
        ("amount_cents", "cents", "dollars at stake when it was opened", True),
        ("closed_on", "date", "day on which it was closed; later than the as-of day means open", True),
        ("outcome", "text", "what came of it", True),
        ("recovered_cents", "cents", "dollars recovered", True),
    ),
    known_on="opened_on",
    later=(("closed_on", ("outcome", "recovered_cents")),),
)

ACTION_STATES = ("open", "done", "dropped")

ACTION_CHANGES = Table(
    "action_changes",
    "one row per change that a person made to an action of the register",
    ("client", "change_id"),
    columns(
        ("change_id", "text", "made of the action, the day and who changed it"),
        ("action_id", "text", "name of the action in the register, such as 'questions'"),
        ("changed_on", "date", "day of the change (known)"),
        ("changed_by", "text", "who changed it"),
        ("owner", "text", "who does it from then on; empty: as before", True),
        ("due_on", "date", "day promised from then on; empty: as before", True),
        ("status", "text", "where it stands from then on; empty: as before", True, ACTION_STATES),
        ("outcome", "text", "what came of it", True),
        ("remark", "text", "what is to be known beside it", True),
    ),
    known_on="changed_on",
)

TABLES: dict[str, Table] = (
    {
        table.name: table
        for table in (
            CLAIMS,
            CLAIM_LINES,
            SUBMISSIONS,
            CLAIM_EDITS,
            ACKNOWLEDGMENTS,
            TRANSMISSIONS,
            TRANSACTIONS,
            DEPOSITS,
            BANK_DEPOSITS,
            REMIT_CLAIMS,
            REMIT_LINES,
            REMIT_ADJUSTMENTS,
            PROVIDER_ADJUSTMENTS,
            WORK_LOG,
            CLIENT_FLAGS,
            FEE_SCHEDULES,
            PAYER_RULES,
            OPENING_BALANCES,
            CONTROL_TOTALS,
            ACTIONS,
            ACTION_CHANGES,
        )
    }
    | SERVICE_TABLES
    | OFFICE_TABLES
)
"""The tables of the store, by name. `CLIENTS` and `PAYERS` come from the registry instead."""


def check(frame: pl.DataFrame, table: Table, source: str) -> pl.DataFrame:
    """The same rows with the table's columns in order, or one error that names every fault.

    Checked: every column is there and of its kind, no empty value where none may be, only listed
    values, and the key is unique. Extra columns are refused, so that nothing rides along unseen.

    Raises
        TableError, with all faults at once: column, rule, how many rows, and the first row numbers.
    """
    faults = _column_faults(frame, table)
    if not faults:
        frame = frame.select(pl.col(name).cast(kind) for name, kind in table.polars.items())
        faults = _value_faults(frame, table)
    if faults:
        raise TableError(f"{source} is not a '{table.name}' table ({table.grain}): " + "; ".join(faults) + ".")
    return frame


def misfits(rows: pl.DataFrame, table: Table, *, but: Collection[str] = ()) -> pl.DataFrame:
    """The first fault of every row that the table cannot hold, columns named in `but` left out.

    Returns
        `index` (the row's, else its position), `column`, `rule` (`missing` or `not_listed`), `message`.

    >>> rows = pl.DataFrame({"title": ["Appeal", None]}, schema={"title": pl.String})
    >>> misfits(rows, ACTIONS).rows()
    [(1, 'title', 'missing', 'empty, and a value is required')]
    """
    rows = rows if "index" in rows.columns else rows.with_row_index("index")
    found = [pl.DataFrame(schema={"index": pl.UInt32, **dict.fromkeys(("column", "rule", "message"), pl.String)})]
    for column in table.columns:
        if column.name in but or column.name not in rows.columns:
            continue
        value = pl.col(column.name)
        faults = [] if column.empty else [("missing", "empty, and a value is required", value.is_null())]
        if column.values:
            faults.append(("not_listed", f"not one of {listed(column.values)}", ~value.is_in(list(column.values))))
        for rule, message, bad in faults:
            broken = rows.filter(bad.fill_null(False)).select("index")
            found.append(broken.with_columns(column=pl.lit(column.name), rule=pl.lit(rule), message=pl.lit(message)))
    return pl.concat(found).unique("index", keep="first", maintain_order=True)


def _column_faults(frame: pl.DataFrame, table: Table) -> list[str]:
    faults = []
    missing = [name for name in table.names if name not in frame.columns]
    extra = [name for name in frame.columns if name not in table.names]
    if missing:
        faults.append(f"missing columns {listed(missing)}")
    if extra:
        faults.append(f"{len(extra)} columns that the table does not have")
    for column in table.columns:
        found = frame.schema.get(column.name)
        wanted = KINDS[column.kind]
        loose = found == pl.Null or (column.kind == "number" and found == pl.Int64)
        if found is not None and found != wanted and not loose:
            faults.append(f"{column.name} should be {column.kind}, found {found}")
    return faults


def _value_faults(frame: pl.DataFrame, table: Table) -> list[str]:
    faults = []
    for column in table.columns:
        values = frame[column.name]
        if not column.empty and values.null_count():
            faults.append(_fault(f"{column.name}: empty, and may not be", values.is_null()))
        if column.values:
            odd = values.is_not_null() & ~values.is_in(list(column.values))
            if odd.any():
                faults.append(_fault(f"{column.name}: not one of {listed(column.values)}", odd))
    doubled = frame.select(pl.struct(table.key).is_duplicated()).to_series()
    if doubled.any():
        faults.append(_fault(f"{' + '.join(table.key)}: not unique", doubled))
    return faults


def _fault(rule: str, rows: pl.Series) -> str:
    where = (rows.arg_true() + 1).head(3).to_list()
    return f"{rule} ({int(rows.sum())} of {len(rows)} rows, first at {where})"
