"""A client without a transactions export: its claims from 837s and answers, its ledger from what they imply.

    charge        what the bills to the primary payer say, bill after bill: a replacement posts the difference,
                  a void takes the charge back. Without an 837 the claim's own charge, else the charge
                  of the payer's answer (CLP03), labelled so (`reason`); of a claim first heard of when
                  its answer is taken back, only what that answer had left open
    payment       what the payer paid, on the payment's day; money taken back is a takeback
    contractual   adjustments of the standing answer that are no denial (CO, PI and OA, other than OA 23)
    transfer      patient responsibility (PR) of the standing answer, to the next payer where the claim was
                  sent or forwarded to one by then or that payer has answered, else to the patient

Cash always adds up. Contractual adjustments and patient responsibility are those of the answers that
stand (`claim_state`): when one is superseded or taken back, the difference is posted. What a payer
after the first discounts or leaves to the patient is no more than what was passed on to it and is
still open. A denial posts nothing: the claim stays open until somebody is paid or writes it off.
Patient payments, write-offs and refunds are in no 835, so patient balances are what was billed to
patients, not what they still owe. An export of patients' money alone (the desk's receipts) stands beside
the derived ledger (`stands_beside`); one that holds charges takes its place.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import polars as pl

from ..tables.schema import CLAIM_EDITS, CLAIM_LINES, CLAIMS, TRANSACTIONS, Table
from .adjudications import NOT_DECISIONS, REVERSAL
from .claim_state import (
    VOID,
    Answer,
    Bill,
    Line,
    Standing,
    bills_of,
    charge_after,
    charge_in_force,
    charges_by_day,
    own_bills,
    read_answers,
)

DERIVED = "x12:"
"""What the ids of derived postings begin with."""

ANSWERED = f"{DERIVED}answer"
"""`claims.submission_id` of a claim that only answers name."""

CLP03_REASON = "charge of the payer's answer (CLP03): no 837 of this claim is stored"
OPENED_REASON = "open before our time, as the reversal of its answer says: no 837 of this claim is stored"
UNBILLED = (CLP03_REASON, OPENED_REASON)
"""Reasons of charges that no bill made."""

ORDERS = ("primary", "secondary", "tertiary")
NEXT = dict(zip(ORDERS, ORDERS[1:], strict=False))
FORWARDED = ("19", "20", "21")


@dataclass(frozen=True)
class Opened:
    """What was open of a claim when the receivable was taken over: the day, and cents by party."""

    day: dt.date
    cents: Mapping[str, int]


Account = tuple[str, str, str | None, str | None]
"""Party, kind, CAS group and reason code: what a posting is booked under."""


def derived_postings(
    tables: Mapping[str, pl.DataFrame],
    *,
    client: str,
    answered_only: Collection[str] = (),
    opened: Mapping[str, Opened] = MappingProxyType({}),
) -> pl.DataFrame:
    """The postings that the stored bills and answers imply; the same tables give the same ledger.

    Counts
        `claims` names payers and days of service; a claim of an export without a bill is charged as it says.
        `answered_only` are the ids of claims that nobody knows but from answers; `opened` the claims that
        were taken over with a balance: they are not charged again for what was open.
    Date basis
        Charges are posted on the day of the 837. Everything that an answer brings is posted on the day of the
        payment (BPR16), else on the day of the file; never on the day on which somebody downloaded it.
    Empty
        no bill and no answer: no posting
    """
    claims = {row["claim_id"]: row for row in tables["claims"].iter_rows(named=True)}
    bills = bills_of(tables["submissions"])
    answers: dict[str, list[Answer]] = defaultdict(list)
    turn = {id_: place for place, id_ in enumerate(_known_in_order(tables["remit_claims"]))}
    read = read_answers(tables["remit_claims"], tables["remit_lines"], tables["remit_adjustments"])
    for (claim_id, _), given in read.items():
        answers[claim_id] += given
    traces = dict(tables["deposits"].select("remit_id", "trace").iter_rows())
    rows: list[dict[str, Any]] = []
    for claim_id in sorted({*claims, *bills, *answers}):
        mine = sorted(answers.get(claim_id, ()), key=lambda answer: turn[answer.remit_claim_id])
        is_known = claim_id in claims and claim_id not in answered_only
        account = _Account(claim_id, claims.get(claim_id), bills.get(claim_id, []), traces, is_known)
        account.opened = opened.get(claim_id)
        rows += account.postings(mine)
    frame = pl.DataFrame(rows, schema={name: kind for name, kind in TRANSACTIONS.polars.items() if name != "client"})
    return frame.with_columns(client=pl.lit(client)).select(TRANSACTIONS.names)


def _known_in_order(remits: pl.DataFrame) -> list[str]:
    return remits.sort("received_on", "sequence", "remit_claim_id")["remit_claim_id"].to_list()


@dataclass
class _Account:
    """One claim's ledger: events in, postings out. What should be booked less what is booked is posted."""

    claim_id: str
    claim: Mapping[str, Any] | None
    bills: list[Bill]
    traces: Mapping[str, str | None]
    is_known: bool
    states: dict[str, Standing] = field(default_factory=lambda: {order: Standing() for order in ORDERS})
    cash: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDERS, 0))
    payers: dict[str, str] = field(default_factory=dict)
    sent_to: set[str] = field(default_factory=set)
    booked: dict[Account, int] = field(default_factory=lambda: defaultdict(int))
    opened: Opened | None = None
    taken_over: dict[str, int] = field(default_factory=dict)
    charge: int = 0
    settled_before: int = 0
    charged_to: str | None = None
    reason: str | None = None

    @property
    def is_from_answer(self) -> bool:
        return self.reason == CLP03_REASON

    def postings(self, answers: list[Answer]) -> list[dict[str, Any]]:
        """Every posting of the claim, in the order of the events."""
        return [row for event in self._events(answers) for row in self._book(event)]

    def _events(self, answers: list[Answer]) -> Iterator[Bill | Answer | dt.date]:
        """Bills, the claim's own charge, and answers, by the day on which they became known."""
        events: list[tuple[dt.date, int, int, Any]] = [
            (bill.day, 0, number, bill) for number, bill in enumerate(self.bills)
        ]
        if self.claim and self.is_known and not self.bills:
            events.append((self.claim["entered_on"], 0, 0, self.claim["entered_on"]))
        if self.opened:
            events.append((self.opened.day, 2, 0, self.opened))
        events += [(answer.day, 1, number, answer) for number, answer in enumerate(answers)]
        yield from (event for *_, event in sorted(events, key=lambda event: event[:3]))

    def _book(self, event: Bill | Answer | dt.date) -> Iterator[dict[str, Any]]:
        if isinstance(event, Answer):
            day, name = event.paid_on or event.day, event.remit_claim_id
            yield from self._answered(event, day)
        elif isinstance(event, Opened):
            self._opened_with(event)
            return
        elif isinstance(event, Bill):
            day, name = event.day, event.submission_id
            self._billed(event)
        else:
            day, name = event, "claim"
            self._charged(self.claim["charge_cents"] if self.claim else 0)
        target = self._target()
        for account in sorted({*target, *self.booked}, key=str):
            cents = target.get(account, 0) - self.booked[account]
            if cents:
                self.booked[account] += cents
                yield self._posting(account, cents, day, name)

    # ------------------------------------------------------------ what happened
    def _billed(self, bill: Bill) -> None:
        self.payers.setdefault(bill.payer_order, bill.payer)
        self.sent_to.add(bill.payer_order)
        if bill.payer_order == "primary":
            before = None if self.is_from_answer else self.charge
            is_first = bool(self.taken_over) and self.charge == 0
            self._charged(charge_after(before, bill))
            self.settled_before = self.charge if is_first else self.settled_before

    def _charged(self, cents: int) -> None:
        self.charge, self.charged_to, self.reason = cents, "primary", None

    def _answered(self, answer: Answer, day: dt.date) -> Iterator[dict[str, Any]]:
        order = answer.payer_order
        self.payers[order] = answer.payer
        first = not any(state.answers or state.unmatched for state in self.states.values())
        if answer.paid:
            self.cash[order] += answer.paid
            kind = "takeback" if answer.paid < 0 else "payment"
            trace = self.traces.get(answer.remit_id)
            row = self._posting((order, kind, None, None), -answer.paid, day, answer.remit_claim_id)
            yield row | {"trace": trace, "payer": answer.payer}
        if answer.status in NOT_DECISIONS:
            return
        billed = charge_in_force(self.bills, answer.day)
        if billed is None and self.charged_to and not self.is_from_answer:
            billed = self.charge
        self.states[order].take(answer, billed)
        if first and answer.status == REVERSAL and not self.charged_to:
            self._opened(answer)
        self._charge_by_answer(order)

    def _opened_with(self, opened: Opened) -> None:
        """A balance was taken over: what of it is not booked here stands open beside the account."""
        if self.charged_to and not self.is_from_answer:
            return
        for party, cents in opened.cents.items():
            booked = sum(amount for account, amount in self.booked.items() if account[0] == party)
            self.taken_over[party] = cents - booked + self.cash.get(party, 0)
        self.charged_to, self.reason = self.charged_to or "primary", None

    def _opened(self, reversal: Answer) -> None:
        """A claim first heard of by its reversal: what was neither paid nor discounted had been open."""
        agreed = sum(cents for line in reversal.lines.values() for cents in line.agreed.values())
        self.charge, self.settled_before = -reversal.charge, -reversal.paid - agreed
        self.charged_to, self.reason = reversal.payer_order, OPENED_REASON
        for line in reversal.lines.values():
            line.patient = 0

    def _charge_by_answer(self, order: str) -> None:
        """Without any bill the charge is that of the first payer's standing answer, less what a prior payer did."""
        if self.charged_to and not self.is_from_answer:
            return
        if self.charged_to not in (None, order) and ORDERS.index(order) > ORDERS.index(self.charged_to):
            return
        standing = self.states[order].standing
        if standing:
            prior = sum(line.prior for answer in standing for line in answer.lines.values())
            charge = sum(answer.charge for answer in standing)
            self.charge = charge - (prior if order != "primary" else 0)
            self.charged_to, self.reason = order, CLP03_REASON

    # ------------------------------------------------------------ what should be booked
    def _target(self) -> dict[Account, int]:
        target: dict[Account, int] = defaultdict(int)
        if self.charged_to:
            target[self.charged_to, "charge", None, None] = self.charge - self.settled_before
        passed = {party: self.taken_over.get(party, 0) for party in (*ORDERS, "patient")}
        for order in ORDERS:
            state = self.states[order]
            agreed, patient = _said(state)
            if order != (self.charged_to or "primary"):
                still = max(passed[order] - self.cash[order], 0)
                patient = min(max(patient, 0), still)
                agreed = _at_most(agreed, still - patient)
            for back in state.unmatched:
                for line in back.lines.values():
                    patient += line.patient
                    for code, cents in line.agreed.items():
                        agreed[code] = agreed.get(code, 0) + cents
            for (group, carc), cents in agreed.items():
                target[order, "contractual", group, carc] -= cents
            if patient:
                to = self._next(order)
                passed[to] += patient
                target[order, "transfer", None, None] -= patient
                target[to, "transfer", None, None] += patient
        return target

    def _next(self, order: str) -> str:
        """Who is asked for what this payer leaves."""
        following = NEXT.get(order)
        if following is None:
            return "patient"
        state = self.states[following]
        forwarded = any(answer.status in FORWARDED for answer in self.states[order].standing)
        return following if forwarded or following in self.sent_to or state.answers or state.unmatched else "patient"

    # ------------------------------------------------------------ rows
    def _posting(self, account: Account, cents: int, day: dt.date, event: str) -> dict[str, Any]:
        party, kind, group, carc = account
        payer = self.claim["payer"] if self.claim else None
        is_charge = kind == "charge"
        return {
            "transaction_id": f"{DERIVED}{self.claim_id}:{event}:{party}-{kind}{group or ''}{carc or ''}",
            "claim_id": self.claim_id,
            "kind": kind,
            "party": party,
            "amount_cents": cents,
            "happened_on": (self.claim["service_on"] if self.claim and is_charge else None) or day,
            "posted_on": day,
            "payer": None if party == "patient" else self.payers.get(party, payer),
            "group_code": group,
            "carc": carc,
            "reason": self.reason if is_charge else None,
        }


def _said(state: Standing) -> tuple[dict[tuple[str, str], int], int]:
    """Contractual amounts by code, and patient responsibility, of what stands."""
    agreed: dict[tuple[str, str], int] = {}
    lines: list[Line] = [line for answer in state.standing for line in answer.lines.values()]
    for line in lines:
        for code, cents in line.agreed.items():
            agreed[code] = agreed.get(code, 0) + cents
    return agreed, sum(line.patient for line in lines)


def _at_most(agreed: dict[tuple[str, str], int], limit: int) -> dict[tuple[str, str], int]:
    """The amounts, the first ones first, as far as they fit under the limit.

    >>> _at_most({("CO", "45"): 2000, ("CO", "253"): 100}, 500)
    {('CO', '45'): 500, ('CO', '253'): 0}
    """
    out = {}
    for code, cents in agreed.items():
        out[code] = min(cents, limit)
        limit -= out[code]
    return out


# --- claims -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claims:
    """Claims and lines as last billed, and the ids of those known by answers alone or by a void alone."""

    claims: pl.DataFrame
    lines: pl.DataFrame
    answered_only: frozenset[str]
    voids_only: list[Bill]


def derived_claims(
    tables: Mapping[str, pl.DataFrame],
    read: tuple[pl.DataFrame, pl.DataFrame],
    *,
    client: str,
    with_answered: bool = True,
) -> Claims:
    """One row per claim, as it was last billed to its primary payer; else as the payer's answer names it.

    `read` holds the claims and lines of the 837s just read, each with `submission_id`. Of several
    bills the last one that is no void says what the claim is; `entered_on` is the day of the first.
    A claim that only a later payer was billed for has no row until that payer answers.
    """
    stored = tables["claims"].filter(~pl.col("submission_id").str.starts_with(DERIVED))
    own = tables["claim_lines"].join(stored.select("claim_id", "submission_id"), on="claim_id", how="inner")
    contents = pl.concat([stored, read[0].select(stored.columns)]).unique("submission_id", keep="last")
    lines = pl.concat([own, read[1].select(own.columns)]).unique(["submission_id", "line_number"], keep="last")
    known = set(contents["submission_id"])
    bills = bills_of(tables["submissions"])
    heads, voids_only = [], []
    for claim_id, sent in bills.items():
        mine = own_bills(sent)
        versions = [bill for bill in mine if bill.frequency != VOID]
        if versions:
            heads.append(_head(claim_id, mine, versions, known))
        elif mine:
            voids_only.append(mine[-1])
    head = pl.DataFrame(heads, schema=_HEAD)
    claims = _billed(head, contents, tables["submissions"], client)
    from_answers = _answered(tables, claims, client) if with_answered else CLAIMS.empty()
    lines = lines.drop("claim_id", "entered_on").join(
        head.select("claim_id", "submission_id", "entered_on"), on="submission_id", how="inner"
    )
    claims = _with_later_payers(pl.concat([claims, from_answers]), tables)
    return Claims(claims, lines.select(CLAIM_LINES.names), frozenset(from_answers["claim_id"]), voids_only)


_HEAD = {
    "claim_id": pl.String,
    "submission_id": pl.String,
    "entered_on": pl.Date,
    "charge_cents": pl.Int64,
    "voided_on": pl.Date,
}


def _head(claim_id: str, mine: list[Bill], versions: list[Bill], known: set[str]) -> dict[str, Any]:
    """Which bill says what the claim is, its first day, its charge before any void, and the day of the void."""
    latest = versions[::-1]
    return {
        "claim_id": claim_id,
        "submission_id": next((bill for bill in latest if bill.submission_id in known), latest[0]).submission_id,
        "entered_on": mine[0].day,
        "charge_cents": charges_by_day(mine)[mine[-1].day],
        "voided_on": mine[-1].day if mine[-1].frequency == VOID else None,
    }


def _billed(head: pl.DataFrame, contents: pl.DataFrame, submissions: pl.DataFrame, client: str) -> pl.DataFrame:
    """The content of the bill in force, and what the submission itself says where no content is stored."""
    of_bill = submissions.select("submission_id", _payer="payer", _patient="patient", _service="service_on")
    rows = head.join(
        contents.drop("claim_id", "entered_on", "charge_cents", "voided_on"), on="submission_id", how="left"
    ).join(of_bill, on="submission_id", how="left")
    return rows.with_columns(
        client=pl.lit(client),
        payer=pl.coalesce("payer", "_payer"),
        patient=pl.coalesce("patient", "_patient"),
        service_on=pl.coalesce("service_on", "_service", "entered_on"),
        claim_type=pl.coalesce("claim_type", pl.lit("professional")),
    ).select(CLAIMS.names)


def _answered(tables: Mapping[str, pl.DataFrame], claims: pl.DataFrame, client: str) -> pl.DataFrame:
    """Claims that no 837 is stored of, as the first answer names them; their charge is filled by the ledger."""
    remits = tables["remit_claims"].join(claims.select("claim_id"), on="claim_id", how="anti")
    served = tables["remit_lines"].group_by("remit_claim_id").agg(served_on=pl.col("service_on").min())
    place = pl.col("payer_order").replace_strict({order: place for place, order in enumerate(ORDERS)})
    rows = remits.join(served, on="remit_claim_id", how="left").sort("received_on", "sequence", "remit_claim_id")
    first = rows.group_by("claim_id").agg(
        payer=pl.col("payer").sort_by(place, maintain_order=True).first(),
        service_on=pl.coalesce(pl.col("served_on").min(), pl.coalesce("paid_on", "received_on").min()),
        entered_on=pl.coalesce("paid_on", "received_on").min(),
    )
    given = {"client": client, "claim_type": "professional", "charge_cents": 0, "submission_id": ANSWERED}
    first = first.with_columns(pl.lit(value).alias(name) for name, value in given.items())
    absent = [pl.lit(None).alias(name) for name in CLAIMS.names if name not in first.columns]
    return first.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in CLAIMS.polars.items())


def _with_later_payers(claims: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The second and third payer: to whom the claim was last sent in that order, else who answered in it."""
    sent = tables["submissions"].select("claim_id", "payer_order", "payer", day="submitted_on", is_bill=pl.lit(True))
    said = tables["remit_claims"].select("claim_id", "payer_order", "payer", day="received_on", is_bill=pl.lit(False))
    both = pl.concat([sent, said]).sort("is_bill", "day", "payer")
    for order in ORDERS[1:]:
        last = both.filter(pl.col("payer_order") == order).unique("claim_id", keep="last", maintain_order=True)
        last = last.select("claim_id", pl.col("payer").alias(f"{order}_payer"))
        claims = claims.drop(f"{order}_payer").join(last, on="claim_id", how="left", maintain_order="left")
    return claims.select(CLAIMS.names)


# --- when an export comes ---------------------------------------------------------------------------


def derived_rows(stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The claims, postings or checks that were derived from X12 files; none of any other table."""
    is_ours = {
        TRANSACTIONS.name: pl.col("transaction_id").str.starts_with(DERIVED),
        CLAIM_EDITS.name: pl.col("edit_id").str.starts_with(DERIVED),
        CLAIMS.name: pl.col("submission_id").is_not_null(),
    }
    return stored.filter(is_ours.get(table.name, pl.lit(False)))


PATIENTS_MONEY = ("payment", "refund", "write_off", "takeback")


def own_rows(stored: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows of a table that exports delivered."""
    return stored.join(derived_rows(stored, table), on=list(table.key), how="anti")


def stands_beside(own: pl.DataFrame, table: Table) -> bool:
    """Whether what exports posted is patients' money alone: of charges and insurers the bills and answers tell."""
    if table is not TRANSACTIONS or own.is_empty():
        return False
    of_patients = (pl.col("party") == "patient") & pl.col("kind").is_in(PATIENTS_MONEY)
    return bool(own.select(of_patients.all()).item())


def replaced_by_export(
    stored: pl.DataFrame, export: pl.DataFrame, table: Table
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """What stays of a stored table, what was derived and gives way to an export, and how many derived rows stay.

    Counts
        Derived rows known before the first month of the export stay, unless the export holds their claim (for
        postings: a charge of it): they are what is known of the time before. All others give way.
    """
    derived, own = derived_rows(stored, table), own_rows(stored, table)
    both = pl.concat([own.select(export.columns), export])
    day = str(table.known_on)
    first = both.select(pl.col(day).min().dt.month_start()).item()
    charges = pl.col("kind") == "charge" if table is TRANSACTIONS else pl.lit(True)
    held = both.filter(charges).select("claim_id").unique()
    left = derived.join(held, on="claim_id", how="anti").filter(pl.col(day) < first)
    dropped = derived.join(left, on=list(table.key), how="anti")
    return pl.concat([own, left]), dropped, left.height
