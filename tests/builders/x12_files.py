"""The 837 and 835 files of a client as records that a test may change, and as text again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

Segment = list[str]
Loop = list[Segment]
"""One claim of a file: in an 835 from CLP on, in an 837 from its subscriber's HL on."""


@dataclass
class Transaction:
    """One ST to SE: what stands before its claims, its claims, and what stands after them."""

    file: str
    envelope: Segment
    group: Segment
    opening: Segment
    head: list[Segment]
    claims: list[Loop] = field(default_factory=list)
    tail: list[Segment] = field(default_factory=list)

    def copy(self) -> Transaction:
        envelope, group, opening = (list(segment) for segment in (self.envelope, self.group, self.opening))
        claims = [_copied(loop) for loop in self.claims]
        return Transaction(self.file, envelope, group, opening, _copied(self.head), claims, _copied(self.tail))

    @property
    def kind(self) -> str:
        return self.opening[1]

    @property
    def day(self) -> dt.date:
        """The day on which an 837 was sent (BHT04), or on which an 835 was paid (BPR16)."""
        return day_of(self.of("BHT")[4] if self.kind == "837" else self.of("BPR")[16])

    def of(self, name: str) -> Segment:
        """The first segment of a name in the head."""
        return next(segment for segment in self.head if segment[0] == name)


def _copied(segments: list[Segment]) -> list[Segment]:
    return [list(segment) for segment in segments]


@dataclass
class ClientFiles:
    """Everything a client's files say."""

    transactions: list[Transaction]

    def copy(self) -> ClientFiles:
        return ClientFiles([one.copy() for one in self.transactions])

    def loops(self, kind: str) -> Iterator[tuple[Transaction, Loop]]:
        """Every claim of every 837, or every 835, in the order of the days."""
        for transaction in sorted(self.transactions, key=lambda one: one.day):
            if transaction.kind == kind:
                yield from ((transaction, loop) for loop in transaction.claims)

    def deposited(self) -> dict[str, int]:
        """What the payers' deposits come to in each month, in cents: what a bank would say."""
        months: dict[str, int] = {}
        for remit in self.transactions:
            if remit.kind == "835":
                balance(remit)
                month = f"{remit.day:%Y-%m}"
                months[month] = months.get(month, 0) + int(amount(remit.of("BPR")[2]) * 100)
        return {month: cents for month, cents in months.items() if cents}

    def sent(self, claim: str) -> list[tuple[Transaction, Loop]]:
        return [(batch, loop) for batch, loop in self.loops("837") if claim_of(loop) == claim]

    def answers(self, claim: str) -> list[tuple[Transaction, Loop]]:
        return [(remit, loop) for remit, loop in self.loops("835") if claim_of(loop) == claim]


def read_files(texts: dict[str, str]) -> ClientFiles:
    """The transactions of X12 texts by file name."""
    found: list[Transaction] = []
    for name, text in texts.items():
        for segment in (part.strip().split("*") for part in text.split("~") if part.strip()):
            tag = segment[0]
            if tag == "ISA":
                envelope = segment
            elif tag == "GS":
                group = segment
            elif tag == "ST":
                found.append(Transaction(name, envelope, group, segment, []))
            elif tag not in ("SE", "GE", "IEA"):
                _add(found[-1], segment)
    return ClientFiles(found)


def _add(transaction: Transaction, segment: Segment) -> None:
    if segment[0] == "CLP" or (segment[0] == "HL" and segment[3] == "22"):
        transaction.claims.append([segment])
    elif segment[0] == "PLB":
        transaction.tail.append(segment)
    else:
        (transaction.claims[-1] if transaction.claims else transaction.head).append(segment)


def write_files(client: ClientFiles) -> dict[str, str]:
    """The texts by file name: every transaction balanced, counted and in a group of its own."""
    by_file: dict[str, list[Transaction]] = {}
    for transaction in client.transactions:
        if transaction.claims or transaction.tail:
            by_file.setdefault(transaction.file, []).append(transaction)
    return {name: _interchange(number, transactions) for number, (name, transactions) in enumerate(by_file.items(), 1)}


def _interchange(number: int, transactions: list[Transaction]) -> str:
    envelope = transactions[0].envelope
    segments = [[*envelope[:13], f"{number:09d}", *envelope[14:]]]
    for place, transaction in enumerate(transactions, 1):
        if transaction.kind == "835":
            balance(transaction)
        for level, loop in enumerate(transaction.claims, 2):
            if transaction.kind == "837":
                loop[0][1] = str(level)
        body = [*transaction.head, *(segment for loop in transaction.claims for segment in loop), *transaction.tail]
        group = transaction.group
        segments += [[*group[:6], str(place), *group[7:]], transaction.opening, *body]
        segments += [["SE", str(len(body) + 2), transaction.opening[2]], ["GE", "1", str(place)]]
    segments.append(["IEA", str(len(transactions)), f"{number:09d}"])
    return "".join("*".join(segment) + "~\n" for segment in segments)


def balance(remit: Transaction) -> None:
    """Pay what the claims and provider adjustments come to; what is below zero is carried forward (PLB FB).

    A reversal takes back, whatever sign it is sent with.
    """
    paid = sum((_moved(loop) for loop in remit.claims), Decimal()) - sum(
        (amount(word) for segment in remit.tail for word in segment[4::2]), Decimal()
    )
    bpr = remit.of("BPR")
    if paid < 0:
        npi, trace = remit.of("N1")[0] and payee(remit), remit.of("TRN")[2]
        remit.tail.append(["PLB", npi, f"{remit.day:%Y}1231", f"FB:{trace}", text(paid)])
        paid = Decimal()
    bpr[2] = text(paid)
    if paid == 0:
        bpr[1], bpr[4] = "H", "NON"
    elif bpr[4] == "NON":
        bpr[1], bpr[4] = "I", "CHK"


def _moved(loop: Loop) -> Decimal:
    paid = amount(loop[0][4])
    return -abs(paid) if loop[0][2] == "22" else paid


def payee(remit: Transaction) -> str:
    """The payee's NPI."""
    return next(segment[4] for segment in remit.head if segment[:2] == ["N1", "PE"])


# ------------------------------------------------------------ words
def amount(word: str) -> Decimal:
    return Decimal(word or "0")


def text(value: Decimal) -> str:
    """Dollars as X12 writes them.

    >>> text(Decimal("12.50")), text(Decimal("-3.00")), text(Decimal("100"))
    ('12.5', '-3', '100')
    """
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def day_of(word: str) -> dt.date:
    return dt.datetime.strptime(word, "%Y%m%d").date()


def claim_of(loop: Loop) -> str:
    """The claim id of a loop."""
    return head_of(loop)[1]


def head_of(loop: Loop) -> Segment:
    """The CLP of an answer, the CLM of a claim sent."""
    return next(segment for segment in loop if segment[0] in ("CLP", "CLM"))


def named(loops: Iterable[tuple[Transaction, Loop]]) -> set[str]:
    return {claim_of(loop) for _, loop in loops}
