"""Code words of billing systems for kinds of posting, parties and claim states, without blanks and punctuation."""

from __future__ import annotations

from ..exports.remittance_rows import STATUSES

KIND_WORDS = {
    **dict.fromkeys(("c", "chg", "charge", "charges", "chrg", "debit", "procedure", "service", "fee", "a"), "charge"),
    **dict.fromkeys(
        (
            *(
                "p",
                "pmt",
                "pay",
                "paid",
                "payment",
                "payments",
                "pymt",
                "receipt",
                "credit",
                "inspayment",
                "patpayment",
            ),
            *("insurancepayment", "patientpayment", "inspmt", "patpmt", "ptpmt", "copay", "copayment", "checkpayment"),
            *("primarypayment", "secondarypayment", "cashpayment", "cardpayment", "insurancepmt", "patientpmt"),
        ),
        "payment",
    ),
    **dict.fromkeys(
        (
            *("adj", "adjustment", "adjustments", "contractual", "contractualadjustment", "contract", "ca", "insadj"),
            *("insuranceadjustment", "insurancewriteoff", "contractualwriteoff", "disallowance", "allowance"),
        ),
        "contractual",
    ),
    **dict.fromkeys(
        ("wo", "writeoff", "baddebt", "bd", "smallbalance", "smallbalancewriteoff", "courtesy", "discount"), "write_off"
    ),
    **dict.fromkeys(("transfer", "xfer", "trn", "transferin", "transferout", "tr"), "transfer"),
    **dict.fromkeys(("refund", "ref", "rf", "patientrefund", "insurancerefund", "rfd"), "refund"),
    **dict.fromkeys(("takeback", "recoup", "recoupment", "reversal", "tb", "nsf", "chargeback"), "takeback"),
}
PARTY_WORDS = {
    **dict.fromkeys(
        ("1", "pri", "prim", "primary", "ins", "ins1", "insurance", "primaryinsurance", "payer", "i", "payer1"),
        "primary",
    ),
    **dict.fromkeys(("2", "sec", "secondary", "ins2", "secondaryinsurance", "s", "payer2"), "secondary"),
    **dict.fromkeys(("3", "ter", "tertiary", "ins3", "tertiaryinsurance", "payer3"), "tertiary"),
    **dict.fromkeys(("0", "pat", "pt", "patient", "self", "selfpay", "guarantor", "client"), "patient"),
}
PARTY_HINTS = (
    ("patient", "patient"),
    ("client", "patient"),
    ("self", "patient"),
    ("copay", "patient"),
    ("guarantor", "patient"),
    ("secondary", "secondary"),
    ("tertiary", "tertiary"),
    ("primary", "primary"),
    ("payer", "primary"),
)
"""Words within the name of a kind of posting that say whose it is, the telling ones first."""
STATUS_WORDS = {
    **{"".join(letter for letter in word if letter.isalnum()): code for word, code in STATUSES.items()},
    **{code: code for code in STATUSES.values()},
    "deny": "4",
    "denial": "4",
    "rejected": "4",
    "processed": "1",
    "finalized": "1",
}
