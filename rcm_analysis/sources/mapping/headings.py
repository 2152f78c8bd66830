"""Which of our columns a heading may name: the words of billing systems, abbreviations written out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from ...tables.schema_base import Table

SHORT = {
    "acct": "account",
    "adj": "adjustment",
    "adjust": "adjustment",
    "adjusted": "adjustment",
    "adjustments": "adjustment",
    "allw": "allowed",
    "allwd": "allowed",
    "alwd": "allowed",
    "amt": "amount",
    "amounts": "amount",
    "appt": "appointment",
    "bal": "balance",
    "billed": "charge",
    "bill": "charge",
    "carrier": "payer",
    "cd": "code",
    "charges": "charge",
    "chg": "charge",
    "chgs": "charge",
    "chk": "check",
    "ck": "check",
    "clm": "claim",
    "cntrct": "contractual",
    "coins": "coinsurance",
    "cost": "charge",
    "coverage": "payment",
    "codes": "code",
    "company": "",
    "contract": "contractual",
    "cpt": "procedure",
    "cpt4": "procedure",
    "hcpcs": "procedure",
    "date": "date",
    "ded": "deductible",
    "deduct": "deductible",
    "dep": "deposit",
    "desc": "description",
    "dos": "service date",
    "dt": "date",
    "eft": "check",
    "enc": "encounter",
    "encounter": "visit",
    "expct": "expected",
    "fac": "facility",
    "fee": "charge",
    "fees": "charge",
    "ins": "payer",
    "ins1": "primary payer",
    "ins2": "secondary payer",
    "ins3": "tertiary payer",
    "insurance": "payer",
    "insurer": "payer",
    "invoice": "claim",
    "loc": "location",
    "facility": "location",
    "site": "location",
    "office": "location",
    "mod": "modifier",
    "modifiers": "modifier",
    "mods": "modifier",
    "nam": "",
    "name": "",
    "nbr": "number",
    "no": "number",
    "num": "number",
    "id": "number",
    "ids": "number",
    "paid": "payment",
    "pat": "patient",
    "pay": "payment",
    "payments": "payment",
    "payor": "payer",
    "plan": "payer",
    "pd": "payment",
    "pmt": "payment",
    "pmts": "payment",
    "pymt": "payment",
    "receipts": "payment",
    "post": "posting",
    "posted": "posting",
    "prim": "primary",
    "pri": "primary",
    "prov": "provider",
    "prvdr": "provider",
    "doctor": "provider",
    "physician": "provider",
    "clinician": "provider",
    "rendering": "",
    "proc": "procedure",
    "pt": "patient",
    "pyr": "payer",
    "qty": "units",
    "quantity": "units",
    "unit": "units",
    "rcvd": "received",
    "ref": "reference",
    "rem": "remark",
    "resp": "responsibility",
    "responsible": "responsibility",
    "rmk": "remark",
    "rsn": "reason",
    "sec": "secondary",
    "second": "secondary",
    "svc": "service",
    "sts": "status",
    "stat": "status",
    "ter": "tertiary",
    "tot": "total",
    "trans": "transaction",
    "transactions": "transaction",
    "trx": "transaction",
    "txn": "transaction",
    "tran": "transaction",
    "visit": "visit",
    "wo": "write off",
    "writeoff": "write off",
    "writeoffs": "write off",
    "writtenoff": "write off",
    "of": "",
    "the": "",
    "to": "",
    "on": "",
    "by": "by",
    "current": "",
    "usd": "",
}
"""Words of headings and what they stand for; an empty one says nothing."""
FAINT = frozenset({"total", "amount", "number", "last", "first", "start", "from", "date", "code"})
"""Words that a heading may have or lack without naming something else, if the rest agrees."""

VISITS = {
    "claim_id": "claim number|claim|visit number|patient control number|ticket number|superbill number|voucher number|"
    "appointment number|appointment",
    "line_number": "line number|line|charge line|service line number",
    "patient": "patient number|patient account number|account number|chart number|chart|mrn|medical record number|"
    "patient",
    "provider": "provider|provider number|rendering provider",
    "location": "location|service location|place",
    "payer": "payer|primary payer|current payer",
    "secondary_payer": "secondary payer",
    "tertiary_payer": "tertiary payer",
    "service_on": "service date|visit date|service start date|from date|procedure date|appointment date|start date|"
    "start",
    "entered_on": "entry date|entered date|entered|posting date|charge posting date|created date|charge entry date",
    "procedure": "procedure code|procedure|service code|code",
    "units": "units",
    "place_of_service": "pos|place service|place service code",
    "charge_cents": "charge|charge amount|total charge|gross charge|total claim charge",
    "allowed_cents": "allowed|allowed amount",
    "paid_cents": "payment|payer payment|payment amount|primary payment|primary payer payment|"
    "primary payer payer payment",
    "secondary_paid_cents": "secondary payment|secondary payer payment|secondary payer payer payment",
    "tertiary_paid_cents": "tertiary payment|tertiary payer payment|tertiary payer payer payment",
    "patient_paid_cents": "patient payment|patient payment amount|copay payment|client payment",
    "adjusted_cents": "adjustment|adjustment amount|contractual|contractual adjustment|payer adjustment|"
    "payer write off",
    "written_off_cents": "write off|write off amount|bad debt|patient write off|other adjustment",
    "refunded_cents": "refund|refunds|patient refund",
    "paid_on": "payment date|payer payment date|check date|deposit date|payment posting date|"
    "primary payer payment posting date|last payment date",
    "secondary_paid_on": "secondary payment date|secondary payer payment posting date|secondary payer payment date",
    "patient_paid_on": "patient payment date|patient payment posting date|patient date",
    "adjusted_on": "adjustment date",
    "trace": "check number|payment reference|reference number|trace number",
    "insurance_balance_cents": "payer balance|balance payer|payer due",
    "patient_balance_cents": "patient balance|balance patient|patient due|client balance",
    "balance_cents": "balance|total balance|balance due|amount due|outstanding|outstanding balance|ar balance",
    "exported_on": "report date|export date|run date|as date",
}
TRANSACTIONS = {
    "transaction_id": "transaction number|transaction|posting number|entry number|number|payment number|ledger number",
    "claim_id": VISITS["claim_id"],
    "line_number": VISITS["line_number"],
    "kind": "type|transaction type|kind|entry type|posting type|category|transaction code type",
    "party": "responsibility|responsibility party|party|payer type|payer order|transfer type|responsibility type",
    "amount_cents": "amount|transaction amount|posting amount",
    "happened_on": "deposit date|service date|charge from date|transaction date|check date|date|from date",
    "posted_on": "posting date|entry date|entered date|created date|transaction date",
    "payer": VISITS["payer"],
    "group_code": "group|group code|adjustment group|adjustment group code|cas group",
    "carc": "reason code|adjustment reason code|carc|denial code|adjustment reason|reason",
    "reason": "description|note|transaction reason|write off reason",
    "trace": VISITS["trace"],
    "posted_by": "user|posting by|entered by|operator|created by",
}
REMITTANCES = {
    "trace": "check number|trace number|payment number|check reference|check trace number|check",
    "paid_on": "check date|payment date|payment issue date",
    "received_on": "received date|remittance date|era date|production date|file date",
    "payer": "payer",
    "payer_id": "payer number",
    "payee": "payee|practice",
    "payee_npi": "npi|payee npi|provider npi|charge npi",
    "payee_tax_id": "tax number|tin|payee tax number",
    "method": "method|payment method|payment type",
    "check_cents": "check amount|total payment amount|check total|payment total|total check amount",
    "claim_id": "patient control number|claim number|patient account number|account number|claim|patient control|pcn",
    "status": "claim status|status|claim status code|processing status",
    "payer_claim_id": "icn|payer claim number|payer control number|claim control number|payer icn|dcn",
    "line_number": "line number|line control number|line item number|line",
    "procedure": VISITS["procedure"],
    "units": "units",
    "service_on": VISITS["service_on"],
    "charge_cents": "charge|charge amount|total charge|submitted|submitted amount|submitted charge",
    "allowed_cents": "allowed|allowed amount",
    "paid_cents": "payment|payment amount|payer payment|line payment amount|claim payment amount",
    "patient_responsibility_cents": "patient responsibility|patient responsibility amount|patient owes",
    "contractual_cents": "contractual|contractual adjustment|contractual amount|disallowed|provider discount",
    "deductible_cents": "deductible|deductible amount",
    "coinsurance_cents": "coinsurance|coinsurance amount",
    "copay_cents": "copay|copay amount|copayment",
    "group_code": "group|group code|adjustment group|adjustment group code|cas group|cagc",
    "carc": "reason code|reason|carc|adjustment reason code|adjustment code|adjustment reason|denial code",
    "adjustment_cents": "adjustment|adjustment amount",
    "remark_codes": "remark|remark code|rarc|remarks",
}
BANK = {
    "posted_on": "posting date|date|transaction date|deposit date|effective date|as date|value date",
    "amount_cents": "amount|check amount|deposit amount|transaction amount|credit|credits|deposits|credit amount",
    "description": "description|transaction description|memo|payee|text",
    "trace": "check number|trace number|check trace|check slip number|check|trace|serial number|customer reference",
    "reference": "reference|reference number|bank reference|bank reference number",
    "batch": "batch|batch number|lockbox batch",
    "account": "account number|account",
}
AGING = {
    "payer": "payer|financial class|payer class|primary payer",
    "patient": "patient|guarantor|responsibility party|patient number|account number|account|patient account number",
    "location": "location|practice",
    "balance_cents": "total|balance|total balance|totals|outstanding|balance due|amount",
    "reported_on": "report date|as date|aging date|run date|export date",
    "bucket": "bucket|age|aging|age bucket|aging bucket|aging category",
}
PHRASES: Mapping[str, Mapping[str, str]] = {
    "visits": VISITS,
    "transactions": TRANSACTIONS,
    "remittance_rows": REMITTANCES,
    "bank_statement": BANK,
    "aging_report": AGING,
}
"""Our columns, and the headings of systems for them with abbreviations written out, the best first."""


def words_of(heading: str) -> frozenset[str]:
    """The words of a heading, abbreviations written out, in no order.

    >>> sorted(words_of("PrimaryInsurancePaymentPostingDate"))
    ['date', 'payer', 'payment', 'posting', 'primary']
    >>> sorted(words_of("Chk Nbr")), sorted(words_of("DOS"))
    (['check', 'number'], ['date', 'service'])
    """
    words = []
    for part in re.findall(r"[A-Za-z0-9]+", heading.replace("#", " number ")):
        whole = part.lower()
        split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", part).lower()
        words += [whole] if whole in SHORT else re.findall(r"[a-z]+\d*|\d+", split)
    return frozenset(word for short in words for word in SHORT.get(short, short).split())


_AGE_WORDS = """age aged aging amount amt and balance bucket current day days due from greater more old older or over
past plus than to"""
_OF_AGES = frozenset(_AGE_WORDS.split())


_PARTIES = {
    "insurance": re.compile(r"\b(?:ins|insurance|payer|payor|carrier)\b", re.IGNORECASE),
    "patient": re.compile(r"\b(?:pat|pt|patient|guarantor|self)\b", re.IGNORECASE),
}


def party_of_age(heading: str) -> str | None:
    """Who owes what a heading of an age names: "Ins 0-30" beside "Pat 0-30"; nothing where it does not say.

    >>> party_of_age("Ins 0-30"), party_of_age("Patient > 120"), party_of_age("0-30"), party_of_age("Patient")
    ('insurance', 'patient', None, None)
    """
    text = heading.replace("_", " ")
    named = [party for party, words in _PARTIES.items() if words.search(text) and age_of(words.sub(" ", text))]
    return named[0] if len(named) == 1 else None


def age_of(heading: str) -> str | None:
    """Our column of the age that a heading of an aging report names; of "over 90" the youngest that it may be.

    >>> age_of("Days 0 - 30"), age_of("61-90"), age_of("> 90 Days"), age_of("121+"), age_of("Current")
    ('bucket_0_30_cents', 'bucket_61_90_cents', 'bucket_91_120_cents', 'bucket_over_120_cents', 'bucket_0_30_cents')
    >>> age_of("0-60"), age_of("Plan 90"), age_of("90"), age_of("Unapplied")
    (None, None, None, 'unapplied_cents')
    """
    text = heading.lower()
    words, numbers = set(re.findall("[a-z]+", text)), [int(number) for number in re.findall(r"\d+", text)]
    if words and words <= {"unapplied", "unallocated", "credit", "credits", "amount", "amt"} and "un" in text:
        return "unapplied_cents"
    if not words <= _OF_AGES or len(numbers) > 2 or (not numbers and "current" not in words):
        return None
    is_open = bool(re.search(r"[+>]|over|more|older|plus|greater", text))
    if len(numbers) == 1 and not is_open:
        return None
    first, last = (numbers[0], numbers[-1]) if numbers else (0, 30)
    first += first in (30, 60, 90, 120)
    for low, high in ((0, 30), (31, 60), (61, 90), (91, 120)):
        if low <= first <= high:
            return f"bucket_{low}_{high}_cents" if is_open or last <= high else None
    return "bucket_over_120_cents"


def ages_of(headings: Sequence[str]) -> dict[str, str]:
    """Our column for each heading that names an age; "30", "60" and "90" alone are where an age begins, if all do so.

    >>> ages_of(["Payer", "Current", "30", "60", "90", "120"])["60"]
    'bucket_61_90_cents'
    >>> ages_of(["Patient", "Ins 0-30", "Pat_Over_120"])
    {'Ins 0-30': 'bucket_0_30_cents', 'Pat_Over_120': 'bucket_over_120_cents'}
    """
    bare = {heading: heading for heading in headings}
    for heading in headings:
        if party := party_of_age(heading):
            bare[heading] = _PARTIES[party].sub(" ", heading.replace("_", " "))
    found = {heading: age for heading in headings if (age := age_of(bare[heading]))}
    begins = [heading for heading in headings if heading.strip() in ("30", "60", "90", "120")]
    if len(begins) > 2:
        found |= {heading: age for heading in begins if (age := age_of(f"over {heading}"))}
    return found


def likeness(heading: str, table: Table, column: str) -> float:
    """How well a heading names our column: 1 for a phrase known for it, 0 for nothing in common.

    >>> from ...tables.schema import TRANSACTIONS
    >>> likeness("Posting-Date", TRANSACTIONS, "posted_on"), likeness("Amount", TRANSACTIONS, "posted_on")
    (1.0, 0.0)
    """
    words = words_of(heading)
    best = max((_alike(words, phrase) for phrase in phrases(table, column)), default=0.0)
    return best if best >= LEAST else 0.0


LEAST = 0.6


def _alike(words: frozenset[str], phrase: frozenset[str]) -> float:
    """Common words of all words, faint ones counting a third; without a common word that says something, nothing."""
    if words == phrase:
        return 1.0
    common = words & phrase
    if not common - FAINT or (words ^ phrase) & APART:
        return 0.0
    return _weight(common) / _weight(words | phrase)


APART = frozenset({"primary", "secondary", "tertiary", "patient", "client"})
"""Words that name another party: a heading with one of them is not the one without it."""


def _weight(words: frozenset[str]) -> float:
    return sum(1 / 3 if word in FAINT else 1.0 for word in words)


@cache
def _phrases(table: str, column: str) -> tuple[frozenset[str], ...]:
    text = PHRASES.get(table, {}).get(column, "")
    own = column.removesuffix("_cents").replace("_on", "_date").replace("_", " ")
    return tuple(frozenset(phrase.split()) for phrase in text.split("|") if phrase) or (words_of(own),)


def phrases(table: Table, column: str) -> tuple[frozenset[str], ...]:
    """The phrases for a column; for a table without a list of them, the words of our own name."""
    return _phrases(table.name, column)
