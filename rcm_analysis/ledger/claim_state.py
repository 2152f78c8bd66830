"""What is so on a day, from what was sent and answered: the one place that turns files into a state.

    signs      a reversal takes back: its amounts are negative, however they were sent
    bills      the original, its replacement (7), its void (8), one sent again: the charge in force on a day
    orders     which payer in order answered, where CLP02 does not say so
    answers    the claim payments that answer a claim together, what they supersede, what a reversal takes back

Intake runs this over all stored rows of a client and stores what it says (`remit_claims.payer_order`,
`answer_id`, `superseded_on`, `line_number`), so that the ledger, the denials, the worklist and the
checks of patients' balances read one state. Every fact keeps the day on which it became known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from ..tables.reference.carc import codes_of
from .adjudications import NOT_DECISIONS, REVERSAL, claim_adjudications

STATED_ORDERS = {
    "1": "primary",
    "19": "primary",
    "2": "secondary",
    "20": "secondary",
    "3": "tertiary",
    "21": "tertiary",
}
"""What CLP02 says of the payer's order."""

VOID, REPLACEMENTS, ADDITIONS = "8", ("6", "7"), ("3", "4", "5")
"""CLM05-3: takes the claim back; takes its place; adds to it (interim bills, late charges)."""

AGREED_CODES = frozenset(codes_of(family="non_denial"))
AGREED_GROUPS = ("CO", "PI", "OA")
PRIOR_PAYER = frozenset(codes_of(category="prior_payer_info"))


# --- signs ------------------------------------------------------------------------------------------


def signed_reversals(
    claims: pl.DataFrame, lines: pl.DataFrame, adjustments: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The three tables of remittances with every reversal (CLP02 22) negative, and the reversals turned round.

    Formula
        The charge is made negative. Of the signs that payment and adjustments may have, those are
        taken with which charge - adjustments = payment, the ones sent first; where none balances,
        a reversal whose charge was positive is turned round as a whole. Lines follow their claim.
    Shape
        claims, lines, adjustments; and `turned`: remit_claim_id, remit_id, claim_id, was_cents, paid_cents
    """
    adjusted = adjustments.group_by("remit_claim_id").agg(_adjusted=pl.col("amount_cents").sum())
    served = lines.group_by("remit_claim_id").agg(
        _line_charge=pl.col("charge_cents").sum(), _line_paid=pl.col("paid_cents").sum()
    )
    reversals = claims.filter(pl.col("status") == REVERSAL)
    reversals = reversals.join(adjusted, on="remit_claim_id", how="left").join(served, on="remit_claim_id", how="left")
    kinds = dict.fromkeys(("_charge", "_paid", "_sign", "_line_charge_sign", "_line_paid_sign"), pl.Int64)
    turned = pl.DataFrame(
        [row for row in map(_turned, reversals.iter_rows(named=True)) if row],
        schema={"remit_claim_id": pl.String, **kinds},
    )
    if turned.is_empty():
        return claims, lines, adjustments, _told(claims, turned)
    told = _told(claims, turned)

    def times(rows: pl.DataFrame, **factors: str) -> pl.DataFrame:
        both = rows.join(turned, on="remit_claim_id", how="left", maintain_order="left")
        factor = {name: pl.col(name) * pl.col(sign).fill_null(1) for name, sign in factors.items()}
        return both.with_columns(**factor).select(rows.columns)

    claims = times(claims, charge_cents="_charge", paid_cents="_paid")
    lines = times(lines, charge_cents="_line_charge_sign", paid_cents="_line_paid_sign")
    return claims, lines, times(adjustments, amount_cents="_sign"), told


def _told(claims: pl.DataFrame, turned: pl.DataFrame) -> pl.DataFrame:
    rows = claims.join(turned.select("remit_claim_id", "_paid"), on="remit_claim_id", how="inner")
    return rows.select(
        "remit_claim_id",
        "remit_id",
        "claim_id",
        was_cents="paid_cents",
        paid_cents=pl.col("paid_cents") * pl.col("_paid"),
    )


def _turned(row: Mapping) -> dict | None:
    """The factors (1 or -1) that set a reversal's signs right; nothing where they are right."""
    charge, paid, adjusted = row["charge_cents"], row["paid_cents"], row["_adjusted"] or 0
    is_positive = charge > 0
    as_sent, round_turned = [(1, 1), (1, -1), (-1, 1), (-1, -1)], [(-1, -1), (1, 1), (1, -1), (-1, 1)]
    order = round_turned if is_positive else as_sent
    gap = -abs(charge)
    found = next((signs for signs in order if gap - signs[1] * adjusted == signs[0] * paid), None)
    whole = (-1 if paid > 0 else 1, -1) if is_positive else (1, 1)
    pay_sign, sign = found or whole
    charge_sign = -1 if is_positive else 1
    line_charge = -1 if (row["_line_charge"] or 0) * charge * charge_sign < 0 else 1
    line_paid = -1 if (row["_line_paid"] or 0) * paid * pay_sign < 0 else 1
    factors = (charge_sign, pay_sign if paid else 1, sign if adjusted else 1, line_charge, line_paid)
    if factors == (1, 1, 1, 1, 1):
        return None
    names = ("_charge", "_paid", "_sign", "_line_charge_sign", "_line_paid_sign")
    return {"remit_claim_id": row["remit_claim_id"], **dict(zip(names, factors, strict=True))}


# --- what was sent ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bill:
    """One claim as sent to one payer (837 CLM)."""

    submission_id: str
    day: dt.date
    payer_order: str
    payer: str
    frequency: str
    charge: int


def bills_of(submissions: pl.DataFrame) -> dict[str, list[Bill]]:
    """The bills of every claim in the order in which they count.

    By day, then as they were read. Within one day an original comes before its replacement and its
    void; where the claim was billed on an earlier day already, the void of the old comes before the new
    original.
    """
    names = ["claim_id", "submission_id", "submitted_on", "payer_order", "payer", "frequency", "charge_cents"]
    rows = submissions.sort("claim_id", "submitted_on", "sequence", "submission_id")
    found: dict[str, list[Bill]] = {}
    for claim_id, *bill in rows.select(names).iter_rows():
        found.setdefault(claim_id, []).append(Bill(*bill))
    for bills in found.values():
        if len(bills) > 1:
            bills.sort(key=_turn(bills[0].day))
    return found


def _turn(first_day: dt.date):
    def turn(bill: Bill) -> tuple[dt.date, int]:
        if bill.frequency == VOID:
            return bill.day, 2 if bill.day == first_day else -1
        return bill.day, 1 if bill.frequency in REPLACEMENTS else 0

    return turn


def charge_after(charge: int | None, bill: Bill) -> int:
    """The charge in force once a bill was sent: replaced, added to, or 0 when it was voided.

    >>> first, void = (Bill("s", dt.date(2026, 1, 5), "primary", "a", frequency, 10000) for frequency in "18")
    >>> charge_after(None, first), charge_after(10000, void)
    (10000, 0)
    """
    if bill.frequency == VOID:
        return 0
    return (charge or 0) + bill.charge if bill.frequency in ADDITIONS else bill.charge


def own_bills(bills: Sequence[Bill]) -> list[Bill]:
    """The bills that say what the claim is: those to the primary payer."""
    return [bill for bill in bills if bill.payer_order == "primary"]


def charge_in_force(bills: Sequence[Bill], day: dt.date) -> int | None:
    """The billed charge on a day, by the bills to the primary payer, else by any; empty before the first.

    >>> sent = [("1", 10000, 5), ("7", 15000, 20)]
    >>> bills = [Bill("s", dt.date(2026, 1, day), "primary", "a", how, cents) for how, cents, day in sent]
    >>> [charge_in_force(bills, dt.date(2026, 1, day)) for day in (4, 5, 19, 20)]
    [None, 10000, 10000, 15000]
    """
    charge = None
    for bill in own_bills(bills) or bills:
        if bill.day <= day:
            charge = charge_after(charge, bill)
    return charge


def charges_by_day(bills: Sequence[Bill]) -> dict[dt.date, int]:
    """The charge of a claim from each day on which one of these bills was sent; a void leaves what it takes back.

    >>> sent = [("1", 10000, 5), ("7", 15000, 20), ("8", 15000, 25)]
    >>> bills = [Bill("s", dt.date(2026, 1, day), "primary", "a", how, cents) for how, cents, day in sent]
    >>> list(charges_by_day(bills).values())
    [10000, 15000, 15000]
    """
    charge: int | None = None
    found: dict[dt.date, int] = {}
    for bill in bills:
        before = found[max(found)] if found else 0
        charge = charge_after(charge, bill)
        found[bill.day] = charge or before
    return found


def changed_charges(submissions: pl.DataFrame) -> pl.Series:
    """`claim_charge_cents` of every bill: the claim's charge from its day on, where its bills change the charge."""
    own = submissions.filter(pl.col("payer_order") == "primary")
    found: dict[str, int] = {}
    for bills in bills_of(own.filter(pl.len().over("claim_id") > 1)).values():
        charges = charges_by_day(bills)
        if len(set(charges.values())) > 1:
            found |= {bill.submission_id: charges[bill.day] for bill in bills}
    return submissions["submission_id"].replace_strict(found, default=None, return_dtype=pl.Int64)


def in_answered_order(submissions: pl.DataFrame, remits: pl.DataFrame) -> pl.DataFrame:
    """Bills of one claim and day with the one last whose charge a payer's answer names: no other order is told."""
    day = ["claim_id", "submitted_on"]
    named = remits.select("claim_id", pl.col("charge_cents").abs(), is_answered=pl.lit(1)).unique()
    several = submissions.filter(pl.len().over(day) > 1).join(named, on=["claim_id", "charge_cents"], how="left")
    turns = several.sort(*day, pl.col("is_answered").fill_null(0), "sequence").select(
        "submission_id", _turn=pl.col("sequence").sort().over(day)
    )
    rows = submissions.join(turns, on="submission_id", how="left", maintain_order="left")
    return rows.with_columns(sequence=pl.coalesce("_turn", "sequence")).drop("_turn")


# --- which payer answered ---------------------------------------------------------------------------


def payer_orders(
    remits: pl.DataFrame, adjustments: pl.DataFrame, submissions: pl.DataFrame, claims: pl.DataFrame
) -> pl.Series:
    """The payer's order of every claim payment.

    Formula
        CLP02 1, 2, 3, 19, 20, 21; else, by the first that says so: SBR01 of the 837 last sent to this payer
        for this claim by that day (or of the first one later), the payer's other answers to the claim,
        the payers of the claim itself, OA 23 (what a prior payer did: secondary). Else primary.
        A reversal takes the order of the payer's own answer before the 837's.
    """
    stated = remits["status"].replace_strict(STATED_ORDERS, default=None, return_dtype=pl.String)
    if not stated.null_count():
        return stated.alias("payer_order")
    pair = ["claim_id", "payer"]
    rows = remits.with_columns(stated=stated)
    silent = rows.filter(pl.col("stated").is_null())
    wanted = silent.select(pair).unique()
    said: dict[tuple[str, str], list[tuple[dt.date, int, str]]] = {}
    answered = rows.filter(pl.col("stated").is_not_null()).join(wanted, on=pair, how="semi")
    for claim_id, payer, day, turn, order in answered.select(*pair, "received_on", "sequence", "stated").iter_rows():
        said.setdefault((claim_id, payer), []).append((day, turn, order))
    sent: dict[tuple[str, str], list[tuple[dt.date, int, str]]] = {}
    addressed = submissions.join(wanted, on=pair, how="semi")
    for claim_id, payer, day, order in addressed.select(*pair, "submitted_on", "payer_order").iter_rows():
        sent.setdefault((claim_id, payer), []).append((day, 0, order))
    own = _orders_by_claim(claims.join(wanted.select("claim_id").unique(), on="claim_id", how="semi"))
    prior = set(adjustments.filter(pl.col("carc").is_in(list(PRIOR_PAYER)))["remit_claim_id"])
    found = {}
    for row in silent.select(*pair, "remit_claim_id", "status", "received_on", "sequence").iter_rows(named=True):
        place = (row["claim_id"], row["payer"])
        at = (row["received_on"], row["sequence"])
        by_bill, by_answer = _latest(sent.get(place), (at[0], 0)), _latest(said.get(place), at)
        first, second = (by_answer, by_bill) if row["status"] == REVERSAL else (by_bill, by_answer)
        guess = "secondary" if row["remit_claim_id"] in prior else "primary"
        found[row["remit_claim_id"]] = first or second or own.get(place) or guess
    guesses = remits["remit_claim_id"].replace_strict(found, default=None, return_dtype=pl.String)
    return stated.fill_null(guesses).alias("payer_order")


def _latest(known: list[tuple[dt.date, int, str]] | None, at: tuple[dt.date, int]) -> str | None:
    """The order said last by then, else the first one said later."""
    if not known:
        return None
    by_then = [item for item in known if item[:2] <= at]
    return max(by_then)[2] if by_then else min(known)[2]


def _orders_by_claim(claims: pl.DataFrame) -> dict[tuple[str, str], str]:
    columns = {"tertiary": "tertiary_payer", "secondary": "secondary_payer", "primary": "payer"}
    return {
        (claim_id, payer): order
        for order, column in columns.items()
        for claim_id, payer in claims.select("claim_id", column).iter_rows()
        if payer
    }


# --- which line was answered ------------------------------------------------------------------------


def line_numbers(lines: pl.DataFrame, claim_lines: pl.DataFrame) -> pl.Series:
    """The line of the claim that each answered line is about.

    Formula
        the line that was sent under this control number (REF*6R); else the line of that number, where its
        procedure or charge is this one's; else the one line with this procedure and charge, or with this
        procedure; else the line in the same place; else the number in REF*6R, else the position
    """
    position = pl.col("remit_line_id").str.extract(r"-(\d+)$").cast(pl.Int64)
    stated = pl.col("control_number").cast(pl.Int64, strict=False)
    names = ["remit_line_id", "claim_id", "procedure", "control_number"]
    rows = lines.select(*names, charge_cents=pl.col("charge_cents").abs()).with_columns(at=position, stated=stated)
    sent = claim_lines.select("claim_id", "procedure", "charge_cents", "control_number", there="line_number")
    for number, keys in enumerate((["control_number"], ["procedure", "charge_cents"], ["procedure"])):
        unique = sent.drop_nulls(keys).unique(["claim_id", *keys], keep="none")
        unique = unique.select("claim_id", *keys, pl.col("there").alias(f"by_{number}"))
        rows = rows.join(unique, on=["claim_id", *keys], how="left", maintain_order="left")
    for name in ("at", "stated"):
        line = sent.unique(["claim_id", "there"], keep="first", maintain_order=True).select(
            "claim_id",
            pl.col("there").alias(name),
            pl.col("procedure").alias(f"{name}_procedure"),
            pl.col("charge_cents").alias(f"{name}_charge"),
        )
        rows = rows.join(line, on=["claim_id", name], how="left", maintain_order="left")

    def fits(name: str) -> pl.Expr:
        same = (pl.col(f"{name}_procedure") == pl.col("procedure")) | (
            pl.col(f"{name}_charge") == pl.col("charge_cents")
        )
        return pl.when(same).then(name)

    found = rows.select(pl.coalesce("by_0", fits("stated"), "by_1", "by_2", fits("at"), "stated", "at"))
    return found.to_series().alias("line_number")


# --- what was answered ------------------------------------------------------------------------------

Key = tuple
"""A line of a claim: its control number, else procedure, day and count of it."""


@dataclass
class Line:
    """What one answered line says: its charge, what is not to be paid by agreement, what the patient owes."""

    charge: int = 0
    agreed: dict[tuple[str, str], int] = field(default_factory=dict)
    patient: int = 0
    prior: int = 0


@dataclass
class Answer:
    """One claim payment (CLP); `lines` holds what of it has not been answered anew."""

    remit_claim_id: str
    remit_id: str
    claim_id: str
    payer: str
    payer_order: str
    payer_claim_id: str | None
    status: str
    day: dt.date
    paid_on: dt.date | None
    charge: int
    paid: int
    decides: bool
    lines: dict[Key, Line] = field(default_factory=dict)
    adjusted: dict[tuple[str, str], int] = field(default_factory=dict)
    answer_id: str = ""
    is_standing: bool = False
    is_reversed: bool = False
    superseded_on: dt.date | None = None


_STATED = ("remit_claim_id", "remit_id", "claim_id", "payer", "payer_order", "payer_claim_id", "status", "paid_on")


def read_answers(
    remits: pl.DataFrame, lines: pl.DataFrame, adjustments: pl.DataFrame
) -> dict[tuple[str, str], list[Answer]]:
    """The claim payments of each claim and payer order, in the order in which they became known."""
    if remits.is_empty():
        return {}
    outcomes = claim_adjudications(
        {"remit_claims": remits.drop("answer_id", "superseded_on"), "remit_adjustments": adjustments}, as_of=dt.date.max
    )
    undecided = outcomes.to_native().collect().filter(pl.col("outcome").is_in(["duplicate", "pended"]))
    idle = set(undecided["remit_claim_id"])
    said = _lines_of(lines, adjustments)
    adjusted: dict[str, dict[tuple[str, str], int]] = {}
    sums = adjustments.group_by("remit_claim_id", "group_code", "carc").agg(pl.col("amount_cents").sum())
    for remit_claim_id, group, carc, cents in sums.iter_rows():
        adjusted.setdefault(remit_claim_id, {})[group, carc] = cents
    found: dict[tuple[str, str], list[Answer]] = {}
    for row in remits.sort("received_on", "sequence", "remit_claim_id").iter_rows(named=True):
        name = row["remit_claim_id"]
        answer = Answer(
            **{field: row[field] for field in _STATED},
            day=row["received_on"],
            charge=row["charge_cents"],
            paid=row["paid_cents"],
            decides=name not in idle and row["status"] not in (*NOT_DECISIONS, REVERSAL),
            lines=said.get(name, {}),
            adjusted=adjusted.get(name, {}),
        )
        found.setdefault((answer.claim_id, answer.payer_order), []).append(answer)
    return found


def _lines_of(lines: pl.DataFrame, adjustments: pl.DataFrame) -> dict[str, dict[Key, Line]]:
    found: dict[str, dict[Key, Line]] = {}
    keys: dict[str, Key] = {}
    names = ["remit_claim_id", "remit_line_id", "control_number", "procedure", "service_on", "charge_cents"]
    for remit_claim_id, line_id, control, procedure, day, charge in (
        lines.sort("remit_claim_id", "remit_line_id").select(names).iter_rows()
    ):
        mine = found.setdefault(remit_claim_id, {})
        key: Key = ("control", control) if control and ("control", control) not in mine else (procedure, day, 1)
        while key in mine:
            key = (procedure, day, key[2] + 1)
        mine[key] = Line(charge)
        keys[line_id] = key
    names = ["remit_claim_id", "remit_line_id", "group_code", "carc", "amount_cents"]
    for remit_claim_id, line_id, group, carc, cents in adjustments.select(names).iter_rows():
        mine = found.setdefault(remit_claim_id, {})
        line = mine.setdefault(keys.get(line_id, ("claim", remit_claim_id)), Line())
        if carc in PRIOR_PAYER:
            line.prior += cents
        elif group == "PR":
            line.patient += cents
        elif group in AGREED_GROUPS and carc in AGREED_CODES:
            line.agreed[group, carc] = line.agreed.get((group, carc), 0) + cents
    return found


class Standing:
    """What stands of one payer's answers to one claim, answer after answer.

    A first answer stands. A further claim payment is a part of it when together they do not exceed
    the billed charge (without an 837: when it is about other lines); it answers its lines anew when
    they stand already; else it takes the place of all that stood. Refusals as a duplicate and
    pended answers change nothing. A reversal takes back the answer whose number and amounts it
    repeats; what that one had superseded and nobody reversed stands again.
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.unmatched: list[Answer] = []

    @property
    def standing(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.is_standing]

    def take(self, answer: Answer, billed: int | None) -> None:
        """The next claim payment of this payer order; `billed` is the charge in force on its day."""
        answer.answer_id = answer.remit_claim_id
        if answer.status == REVERSAL:
            self._take_back(answer)
        elif answer.decides:
            self._answer(answer, billed)
        else:
            self.answers.append(answer)

    def _answer(self, new: Answer, billed: int | None) -> None:
        before = self.standing
        if before and self._is_part(new, before, billed):
            new.answer_id = before[-1].answer_id
        elif before:
            self._supersede(new, before)
        new.is_standing = True
        self.answers.append(new)

    def _is_part(self, new: Answer, before: list[Answer], billed: int | None) -> bool:
        total = sum(answer.charge for answer in before)
        again = _shared(new, before)
        together = any(answer.remit_id == new.remit_id for answer in before)
        if any(key[0] == "control" for key in again) or (again and not together):
            return False
        if billed is not None:
            return 0 < new.charge < billed and total + new.charge <= billed
        named = [bool(_named(answer)) for answer in (new, *before)]
        return not again and (together or all(named))

    def _supersede(self, new: Answer, before: list[Answer]) -> None:
        """Take the place of all that stood, or of just the lines that are answered anew."""
        again = _shared(new, before)
        stood = {key for answer in before for key in _named(answer)}
        is_partial = again and again == _named(new) and again < stood
        for answer in before:
            if is_partial:
                answer.lines = {key: line for key, line in answer.lines.items() if key not in again}
            if not is_partial or not _named(answer):
                answer.is_standing = False
                answer.superseded_on = new.day

    def _take_back(self, reversal: Answer) -> None:
        open_ones = [answer for answer in self.answers if not answer.is_reversed]
        parts = [answer for answer in open_ones if answer.is_standing]
        exact = [answer for answer in open_ones if answer.charge == -reversal.charge]
        if exact:
            taken = [max(exact, key=lambda answer: _likeness(answer, reversal))]
        elif len(parts) > 1 and sum(answer.charge for answer in parts) == -reversal.charge:
            taken = parts
        else:
            taken = _alike(parts, reversal)
            if taken and _take_lines(taken[0], reversal):
                return
        if not taken:
            self.unmatched.append(reversal)
            return
        stood = [answer for answer in taken if answer.is_standing]
        for answer in taken:
            answer.is_reversed, answer.is_standing = True, False
        if any(answer.superseded_on for answer in taken):
            reversal.superseded_on = reversal.day
        elif stood and not self.standing:
            self._restore(stood[-1])

    def _restore(self, taken: Answer) -> None:
        """What a reversed answer had superseded stands again, unless it was taken back itself."""
        left = [answer for answer in self.answers if answer.superseded_on and not answer.is_reversed]
        if left and self.answers.index(left[-1]) < self.answers.index(taken):
            for answer in left:
                if answer.answer_id == left[-1].answer_id:
                    answer.is_standing, answer.superseded_on = True, None


def _alike(parts: list[Answer], reversal: Answer) -> list[Answer]:
    """The one answer of the reversal's number, or that holds its lines; nothing where that is unclear."""
    number = reversal.payer_claim_id
    same = [answer for answer in parts if number and answer.payer_claim_id == number]
    found = same or [answer for answer in parts if _named(answer) & _named(reversal)]
    return found if len(found) == 1 else []


def _take_lines(answer: Answer, reversal: Answer) -> bool:
    """Take back just the lines that the reversal names, where others of the answer are left."""
    back = _named(reversal)
    left = {key: line for key, line in answer.lines.items() if key not in back}
    if not back or not any(line.charge for line in left.values()):
        return False
    answer.lines, answer.charge = left, answer.charge + reversal.charge
    return True


def _named(answer: Answer) -> set[Key]:
    return {key for key in answer.lines if key[0] != "claim"}


def _shared(new: Answer, before: Iterable[Answer]) -> set[Key]:
    return _named(new) & {key for answer in before for key in _named(answer)}


def _likeness(answer: Answer, reversal: Answer) -> tuple:
    """How sure it is that the reversal is about this answer; of equals, what stands, then the latest."""
    same_number = bool(reversal.payer_claim_id) and answer.payer_claim_id == reversal.payer_claim_id
    same_lines = bool(_named(answer) & _named(reversal))
    same_codes = answer.adjusted == {code: -cents for code, cents in reversal.adjusted.items()}
    return answer.paid == -reversal.paid, same_codes, same_number, same_lines, answer.is_standing, answer.day


def settle_answers(
    remits: pl.DataFrame,
    lines: pl.DataFrame,
    adjustments: pl.DataFrame,
    submissions: pl.DataFrame,
    claims: pl.DataFrame,
) -> pl.DataFrame:
    """The claim payments with `answer_id` and `superseded_on`.

    Counts
        Only claims with several payments by one payer order need a look; any other payment is an
        answer of its own. The billed charge is that of the 837s on the day of the answer, else that
        of the claim.
    """
    group = ["claim_id", "payer_order"]
    several = remits.filter(pl.len().over(group) > 1)
    of_several = several.select("remit_claim_id")
    answers = read_answers(
        several,
        lines.join(of_several, on="remit_claim_id", how="semi"),
        adjustments.join(of_several, on="remit_claim_id", how="semi"),
    )
    ids = several.select("claim_id").unique()
    bills = bills_of(submissions.join(ids, on="claim_id", how="semi"))
    charges = dict(claims.join(ids, on="claim_id", how="semi").select("claim_id", "charge_cents").iter_rows())
    found: dict[str, list] = {"remit_claim_id": [], "_answer": [], "_superseded": []}
    for (claim_id, _), given in answers.items():
        state = Standing()
        for answer in given:
            billed = charge_in_force(bills.get(claim_id, ()), answer.day)
            state.take(answer, charges.get(claim_id) if billed is None else billed)
            for name, value in zip(found, (answer.remit_claim_id, answer.answer_id, None), strict=True):
                found[name].append(value)
        found["_superseded"][-len(given) :] = [answer.superseded_on for answer in given]
    settled = pl.DataFrame(found, schema={"remit_claim_id": pl.String, "_answer": pl.String, "_superseded": pl.Date})
    return (
        remits.join(settled, on="remit_claim_id", how="left", maintain_order="left")
        .with_columns(answer_id=pl.coalesce("_answer", "remit_claim_id"), superseded_on="_superseded")
        .select(remits.columns)
    )
