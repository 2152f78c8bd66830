"""What life does to a client's files, each as a function from files to files and the change it means.

Every function leaves its input alone. `Change` says what the untouched client's balances become; where it says
nothing, nothing may change. Cash is what the files deposit.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from .x12_files import ClientFiles, Loop, Transaction, amount, claim_of, head_of, named, payee, text

ALL = ("CLP", "SVC", "CAS")


@dataclass
class Change:
    """The files afterwards, and what the change itself means.

    gone: claims that then have no balance.
    to_patient: claims whose secondary was never told of, so that its part is the patient's.
    every_day: the balances are the same at every month's end, not only in the end.
    """

    files: ClientFiles
    gone: set[str] = field(default_factory=set)
    to_patient: set[str] = field(default_factory=set)
    every_day: bool = False


# ------------------------------------------------------------ which claims
def answered_once(client: ClientFiles, lines: int = 1) -> list[str]:
    """Claims sent once and paid, or refused, in one answer with so many lines or more."""
    sent = Counter(claim_of(loop) for _, loop in client.loops("837"))
    answers = Counter(claim_of(loop) for _, loop in client.loops("835"))
    long_enough = {
        claim_of(loop) for _, loop in client.loops("835") if len(services(loop)[1]) >= lines and loop[0][2] == "1"
    }
    return sorted(claim for claim in long_enough if sent[claim] == 1 and answers[claim] == 1)


def never_answered(client: ClientFiles) -> list[str]:
    """Claims sent once, and to a primary, that no 835 names."""
    sent = Counter(claim_of(loop) for _, loop in client.loops("837"))
    return sorted(claim for claim in named(client.loops("837")) - named(client.loops("835")) if sent[claim] == 1)


# ------------------------------------------------------------ the payer
def split(client: ClientFiles, claims: Sequence[str], days: int) -> Change:
    """The payer answers each claim in two CLPs: its first line, and the others `days` later (0: in the same 835)."""
    change = Change(client.copy(), every_day=days == 0)
    for claim in claims:
        (remit, loop) = change.files.answers(claim)[0]
        first, rest = parts_of(loop)
        place = next(number for number, one in enumerate(remit.claims) if one is loop)
        if not days:
            remit.claims[place : place + 1] = [first, rest]
            continue
        remit.claims[place] = first
        remitted(change.files, remit, remit.day + dt.timedelta(days), [rest], f"S{claim}")
    return change


def parts_of(loop: Loop) -> tuple[Loop, Loop]:
    """An answer cut in two after its first line; each part has the sums of its own lines."""
    head, lines = services(loop)
    return _summed(head, lines[:1], "A"), _summed(head, lines[1:], "B")


def _summed(head: Loop, lines: list[Loop], mark: str) -> Loop:
    head = copy.deepcopy(head)
    clp = head[0]
    owed = sum((value for line in lines for group, _, value in adjustments(line) if group == "PR"), Decimal())
    clp[3] = text(sum((amount(line[0][2]) for line in lines), Decimal()))
    clp[4] = text(sum((amount(line[0][3]) for line in lines), Decimal()))
    clp[5], clp[7] = text(owed), clp[7] + mark
    return [*head, *(segment for line in copy.deepcopy(lines) for segment in line)]


def reverse(
    client: ClientFiles, claims: Sequence[str], days: int, short: int, signs: Sequence[str], apart: int = 0
) -> Change:
    """An answer that paid up to `short` cents too little is reversed, and corrected to the true one `apart` days later.

    `signs` names the segments whose amounts the reversal negates: all of them, or none as some payers do.
    """
    change = Change(client.copy())
    for claim in claims:
        remit, loop = change.files.answers(claim)[0]
        correction = _again(loop)
        pay_less(loop, short)
        back_day = remit.day + dt.timedelta(days)
        back = reversal(loop, signs)
        if not apart:
            remitted(change.files, remit, back_day, [back, correction], f"R{claim}")
            continue
        remitted(change.files, remit, back_day, [back], f"R{claim}")
        last = remitted(change.files, remit, back_day + dt.timedelta(apart), [correction], f"C{claim}")
        # What the reversal carries forward (FB) is withheld from the payment of the correction.
        if amount(loop[0][4]):
            last.tail.append(["PLB", payee(last), f"{last.day:%Y}1231", f"FB:R{claim}", loop[0][4]])
    return change


def duplicate(client: ClientFiles, traces: Sequence[str], spelling: str, days: int) -> Change:
    """The remittances of the traces come again in another envelope, with the trace spelt in another way."""
    change = Change(client.copy(), every_day=True)
    for remit in [one for one in change.files.transactions if one.kind == "835" and one.of("TRN")[2] in traces]:
        again = copy.deepcopy(remit)
        trace = again.of("TRN")
        trace[2] = spelling.format(trace[2].lstrip("0"))
        again.file = f"835/again_{trace[2].strip()}.835"
        _dated(again, remit.day + dt.timedelta(days))
        change.files.transactions.append(again)
    return change


# ------------------------------------------------------------ the office
def replace(client: ClientFiles, claims: Sequence[str], extra: int, days: int) -> Change:
    """Each claim was first sent with `extra` cents more on its first line, and replaced (7) before its answer."""
    return _resent(client, claims, extra, days, "7")


def resend(client: ClientFiles, claims: Sequence[str], extra: int, days: int) -> Change:
    """Each claim goes out twice as an original; the first time with `extra` cents more on its first line."""
    change = _resent(client, claims, extra, days, "1")
    change.every_day = extra == 0
    return change


def _resent(client: ClientFiles, claims: Sequence[str], extra: int, days: int, frequency: str) -> Change:
    change = Change(client.copy())
    for claim in claims:
        batch, loop = change.files.sent(claim)[0]
        final = copy.deepcopy(loop)
        charge_more(loop, extra)
        frequent(final, frequency)
        sending(change.files, batch, batch.day + dt.timedelta(days), final, f"{frequency}{claim}")
    return change


def replace_after_answer(client: ClientFiles, claims: Sequence[str], extra: int, short: int, days: int) -> Change:
    """Sent with `extra` cents too much, answered `short` cents too low, then replaced (7), reversed and corrected."""
    change = reverse(client, claims, days, short, ALL)
    for claim in claims:
        batch, loop = change.files.sent(claim)[0]
        final = copy.deepcopy(loop)
        charge_more(loop, extra)
        frequent(final, "7")
        first, back, _ = change.files.answers(claim)
        sending(change.files, batch, first[0].day + dt.timedelta(days // 2), final, f"7{claim}")
        answer_more(first[1], extra)
        back[1][:] = reversal(first[1], ALL)
    return change


def void(client: ClientFiles, claims: Sequence[str], days: int) -> Change:
    """Each claim is voided (8); what was paid on it is taken back on the same day, and carried forward (FB)."""
    change = Change(client.copy(), gone=set(claims))
    for claim in claims:
        batch, loop = change.files.sent(claim)[0]
        answers = change.files.answers(claim)
        last = max([batch.day, *(remit.day for remit, _ in answers)]) + dt.timedelta(days)
        final = copy.deepcopy(loop)
        frequent(final, "8")
        sending(change.files, batch, last, final, f"8{claim}")
        for remit, answer in answers:
            remitted(change.files, remit, last, [reversal(answer, ALL)], f"V{claim}")
    return change


def void_another(client: ClientFiles, claims: Sequence[str], days: int) -> Change:
    """A copy of each claim under a number of its own is sent by mistake, and voided (8)."""
    change = Change(client.copy())
    for claim in claims:
        batch, loop = change.files.sent(claim)[0]
        wrong = copy.deepcopy(loop)
        head_of(wrong)[1] = f"{claim[:3]}9{claim[4:]}"
        sending(change.files, batch, batch.day, wrong, f"1x{claim}")
        back = copy.deepcopy(wrong)
        frequent(back, "8")
        sending(change.files, batch, batch.day + dt.timedelta(days), back, f"8x{claim}")
    return change


# ------------------------------------------------------------ the files
def drop_837s(client: ClientFiles, claims: Sequence[str] | None = None) -> Change:
    """The 837s are missing, or the claims in them: what no payer has answered is then unknown."""
    change = Change(client.copy())
    answered = named(client.loops("835"))
    dropped = named(client.loops("837")) if claims is None else set(claims)
    for batch in change.files.transactions:
        if batch.kind == "837":
            batch.claims = [loop for loop in batch.claims if claim_of(loop) not in dropped]
    change.gone = dropped - answered
    crossed = {claim_of(loop) for _, loop in client.loops("835") if loop[0][2] == "19"}
    second = {claim_of(loop) for _, loop in client.loops("835") if loop[0][2] == "2"}
    change.to_patient = (dropped & answered) - crossed - second
    return change


def start_at(client: ClientFiles, first: dt.date) -> ClientFiles:
    """Only what was sent, and paid, from a day on."""
    files = client.copy()
    files.transactions = [one for one in files.transactions if one.day >= first]
    return files


def rename(client: ClientFiles, kind: str, spelling: str) -> Change:
    """The claim ids are spelt in another way in the 837s, or in the 835s.

    `spelling` has {whole}, {bare} (without leading zeros), {client} and {number} (its two parts).
    """
    change = Change(client.copy(), every_day=True)
    for _, loop in change.files.loops(kind):
        claim = claim_of(loop)
        head_of(loop)[1] = spelling.format(whole=claim, bare=claim.lstrip("0"), client=claim[:3], number=claim[3:])
    return change


def download_later(client: ClientFiles, day: dt.date, kinds: Sequence[str] = ("835", "837")) -> Change:
    """The history is downloaded again on a day long after: GS04 and ISA09 say that day."""
    change = Change(client.copy(), every_day=True)
    for transaction in change.files.transactions:
        if transaction.kind in kinds:
            _dated(transaction, day)
    return change


# ------------------------------------------------------------ parts of a transaction
def services(loop: Loop) -> tuple[Loop, list[Loop]]:
    """An answer's own segments, and its lines."""
    head: Loop = []
    lines: list[Loop] = []
    for segment in loop:
        if segment[0] == "SVC":
            lines.append([])
        (lines[-1] if lines else head).append(segment)
    return head, lines


def adjustments(line: Loop) -> list[tuple[str, str, Decimal]]:
    """Group, reason and amount of a line's adjustments."""
    return [
        (segment[1], segment[place], amount(segment[place + 1]))
        for segment in line
        if segment[0] == "CAS"
        for place in range(2, len(segment), 3)
    ]


def reversal(loop: Loop, signs: Sequence[str]) -> Loop:
    """The answer taken back (22): the amounts of the segments in `signs` are negated."""
    back = copy.deepcopy(loop)
    for segment in back:
        places = {"CLP": (3, 4, 5), "SVC": (2, 3), "CAS": range(3, len(segment), 3)}.get(segment[0], ())
        for place in places if segment[0] in signs else ():
            segment[place] = text(-amount(segment[place])) if amount(segment[place]) else segment[place]
    back[0][2], back[0][7] = "22", back[0][7] + "R"
    return [segment for segment in back if segment[0] != "AMT"]


def _again(loop: Loop) -> Loop:
    correction = copy.deepcopy(loop)
    correction[0][7] += "C"
    return correction


def pay_less(loop: Loop, cents: int) -> None:
    """Move up to `cents` from the payment of the best-paid line into its discount."""
    line = max(services(loop)[1], key=lambda one: amount(one[0][3]))
    less = min(Decimal(cents) / 100, amount(line[0][3]))
    if less:
        _add_discount(loop, line, less)
        line[0][3] = text(amount(line[0][3]) - less)
        loop[0][4] = text(amount(loop[0][4]) - less)


def answer_more(loop: Loop, cents: int) -> None:
    """The first line is charged more, and the payer discounts all of it."""
    line = services(loop)[1][0]
    line[0][2] = text(amount(line[0][2]) + Decimal(cents) / 100)
    loop[0][3] = text(amount(loop[0][3]) + Decimal(cents) / 100)
    _add_discount(loop, line, Decimal(cents) / 100)


def _add_discount(loop: Loop, line: Loop, more: Decimal) -> None:
    for segment in line:
        if segment[:2] == ["CAS", "CO"] and "45" in segment[2::3]:
            place = 3 + 3 * segment[2::3].index("45")
            segment[place] = text(amount(segment[place]) + more)
            return
    place = next(number for number, segment in enumerate(loop) if segment is line[1])
    loop.insert(place + 1, ["CAS", "CO", "45", text(more)])


def charge_more(loop: Loop, cents: int) -> None:
    """The claim as sent, with its first line and its sum so much higher."""
    line = next(segment for segment in loop if segment[0] in ("SV1", "SV2"))
    place = 2 if line[0] == "SV1" else 3  # SV201 is the revenue code
    line[place] = text(amount(line[place]) + Decimal(cents) / 100)
    head_of(loop)[2] = text(amount(head_of(loop)[2]) + Decimal(cents) / 100)


def frequent(loop: Loop, frequency: str) -> None:
    """Set CLM05-3."""
    clm = head_of(loop)
    clm[5] = ":".join([*clm[5].split(":")[:2], frequency])


def sending(client: ClientFiles, like: Transaction, day: dt.date, loop: Loop, name: str) -> Transaction:
    """An 837 of one claim on a day, in a file of its own."""
    batch = copy.deepcopy(like)
    batch.file, batch.claims = f"837/{name}.837", [loop]
    batch.of("BHT")[3:5] = [f"{name}", f"{day:%Y%m%d}"]
    _dated(batch, day)
    client.transactions.append(batch)
    return batch


def remitted(client: ClientFiles, like: Transaction, day: dt.date, loops: list[Loop], trace: str) -> Transaction:
    """An 835 paid on a day by the same payer, in a file of its own."""
    remit = copy.deepcopy(like)
    remit.file, remit.claims, remit.tail = f"835/{trace}.835", loops, []
    remit.of("BPR")[16], remit.of("TRN")[2] = f"{day:%Y%m%d}", trace
    for segment in remit.head:
        if segment[:2] == ["DTM", "405"]:
            segment[2] = f"{day:%Y%m%d}"
    _dated(remit, day)
    client.transactions.append(remit)
    return remit


def _dated(transaction: Transaction, day: dt.date) -> None:
    envelope, group = list(transaction.envelope), list(transaction.group)
    envelope[9], group[4] = f"{day:%y%m%d}", f"{day:%Y%m%d}"
    transaction.envelope, transaction.group = envelope, group


def first_sent(client: ClientFiles) -> dict[str, dt.date]:
    """The day on which each claim was first sent."""
    days: dict[str, dt.date] = {}
    for batch, loop in client.loops("837"):
        days.setdefault(claim_of(loop), batch.day)
    return days


def first_answered(client: ClientFiles) -> dict[str, dt.date]:
    """The day on which each claim was first answered."""
    days: dict[str, dt.date] = {}
    for remit, loop in client.loops("835"):
        days.setdefault(claim_of(loop), remit.day)
    return days
