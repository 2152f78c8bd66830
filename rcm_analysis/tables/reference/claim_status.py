"""What clearinghouses and payers answer before they decide: the claim status categories, and what each does to a claim.

Codes are facts of a public list; the words are ours. A code that is not on it is kept, shown as it is, and says no
more than that something was received.
"""

from __future__ import annotations

PASSED, FAILED, PENDING = "passed", "failed", "pending"

CATEGORIES = {
    "A0": (PENDING, "sent on to somebody else"),
    "A1": (PENDING, "received, not yet taken into adjudication"),
    "A2": (PASSED, "taken into adjudication"),
    "A3": (FAILED, "sent back as unprocessable"),
    "A4": (PENDING, "not found at the payer"),
    "A5": (PASSED, "split into several claims"),
    "A6": (FAILED, "information is missing"),
    "A7": (FAILED, "information is invalid"),
    "A8": (FAILED, "pieces of information contradict each other"),
    "D0": (PENDING, "not found by the search"),
    "E0": (PENDING, "the question itself was faulty"),
    "E1": (PENDING, "the payer's system did not answer"),
    "E2": (PENDING, "the system behind the payer's did not answer"),
    "E3": (PENDING, "the question was answered with an error of the sender"),
    "E4": (PENDING, "the sender may not ask this payer"),
    "F": (PASSED, "decided"),
    "P": (PASSED, "with the payer, not decided"),
    "R": (PASSED, "with the payer, which asks for information"),
}
"""Code, or first letter of a family of codes: what it makes of the claim, and what it says.

Source: X12 code list 507 (health care claim status category codes), as published in December 2012; that A3 and A6 to A8
alone reject, X12 RFI 2203."""

ENTITIES = {
    "41": "submitter",
    "77": "service place",
    "82": "rendering provider",
    "85": "billing provider",
    "87": "pay-to provider",
    "DN": "referring provider",
    "IL": "subscriber",
    "PR": "payer",
    "QC": "patient",
    "1P": "provider",
}
"""Whom a status is about (STC01-3): the common ones of X12 data element 98."""


def category_of(code: str) -> tuple[str, str]:
    """What a status category makes of a claim (passed, failed, pending), and what it says; of an unknown code the code.

    >>> category_of("A7"), category_of("P3"), category_of("Z9")
    (('failed', 'information is invalid'), ('passed', 'with the payer, not decided'), ('pending', 'Z9'))
    """
    return CATEGORIES.get(code) or CATEGORIES.get(code[:1]) or (PENDING, code)


def in_words(codes: str) -> str:
    """Statuses as sent (category:status:entity, space-separated) in words, with the codes behind them.

    >>> in_words("A7:562:85")
    'information is invalid, about the billing provider (A7:562:85)'
    >>> in_words("A3:21 A3:153:82")
    'sent back as unprocessable, about the rendering provider (A3:21 A3:153:82)'
    >>> in_words("999:R:5")
    'the whole file was refused (999:R:5)'
    """
    parts = [code.split(":") for code in codes.split()]
    if not parts:
        return "no reason given"
    if parts[0][0] in ("999", "997", "TA1"):
        return f"the whole file was refused ({codes})"
    said = dict.fromkeys(category_of(part[0])[1] for part in parts)
    about = dict.fromkeys(ENTITIES[part[2]] for part in parts if len(part) > 2 and part[2] in ENTITIES)
    return ", ".join([*said, *(f"about the {who}" for who in about)]) + f" ({codes})"
