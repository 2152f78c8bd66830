"""What payers took back, one row each: reversals, recoupments and balances carried forward, no dollar twice."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import COST_SHARE, NOT_DECISIONS, WITHHELD
from ...periods import Period
from ...tables.frames import NO_VALUE, collect, kept, source
from ..menu import measure
from .contract import PLAIN_DISCOUNTS
from .prices import with_deadlines

col = nw.col

REVERSAL, RECOUPMENT, FORWARDED = "reversal", "recoupment", "forwarded balance"
RECOVERY, REFUND, INTEREST, FORWARD = "WO", "72", "L6", "FB"
AMOUNT_DAYS = 365
SHORTEST_INSIDE = 8
TAKEN = ["client", "payer", "claim_id", "kind", "reason", "tie", "taken_from"]
CENTS = ["reversed_cents", "amount_cents", "repaid_cents", "to_come_cents"]


@measure("Takebacks, one by one", value="amount_cents", good="down")
def takebacks(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Every reversal and every recoupment from a check, with what is still to come and until when it can be disputed.

    Formula
        amount_cents = what was reversed less what the same check pays on that claim instead, at least 0; of a
        recoupment or a balance without a known reversal, what it takes
        repaid_cents = what the payer paid on the claim in later checks, up to amount_cents
        to_come_cents = announced (WO below 0, FB below 0) less what checks took since (WO and FB above 0)
        dispute_by = first_on + the payer's appeal limit in force on that day;  age_days = as_of - first_on
    Counts
        Claim payments below 0 (CLP02 22, and whatever else takes money back), a claim and check one row. A PLB pair
        that holds back or takes what a reversal took is part of that row and adds no dollar: it is tied (`tie`) by
        CLP07, by CLP01, by a CLP07 of eight characters inside the reference, by CLP01 and a day, or by an amount that
        only one takeback of 365 days has. Only what no reversal explains has a row of its own: recoupment (WO; L6
        above 0, interest taken back), forwarded balance (FB). A refund of ours that the payer confirms (72) closes
        a WO: no check was lowered. An FB is put on the takebacks of the check that it leaves, the latest first. CS,
        and what concerns no claim (IR, LE, E3, J1, AP, PI, CT), is no takeback. `reason`: the payer's codes beside
        the discount on reversal and correction, else "lower price" or "no correction"; or the PLB code. taken_from:
        the checks that were lowered; "refund" for a refund of ours.
    Date basis
        received_on of the remittance that first said it (first_on), up to `as_of`
    Unit
        cents, days
    Empty
        Nothing taken back: no rows. Without a rule of the payer dispute_by is empty.
    Source
        X12 005010X221 1.10.2.10 and 1.10.2.17, X12 RFI 1374, 1756, 2123 (signs and forms of PLB); ties: our own

    >>> from rcm_analysis.examples.remittances import example_takebacks
    >>> found = takebacks(example_takebacks(), as_of=dt.date(2026, 3, 31))
    >>> found[["claim_id", "kind", "reversed_cents", "amount_cents", "to_come_cents", "taken_from"]]
      claim_id      kind  reversed_cents  amount_cents  to_come_cents taken_from
    0       C1  reversal           50000         20000           8000         T2
    """
    out = _all_takebacks(tables, as_of=as_of)
    return out if since is None else out[out["first_on"] >= pd.Timestamp(since)].reset_index(drop=True)


@kept
def _all_takebacks(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """`takebacks` since the first record."""
    rows = _payments(tables, as_of)
    pairs = _pairs(tables, as_of)
    accounts = pd.concat([rows[["client", "payer"]], pairs[["client", "payer"]]]).drop_duplicates()
    known = _known_claims(tables, as_of, pairs)
    found = []
    for client, payer in accounts.sort_values(["client", "payer"]).itertuples(index=False):
        account = _Account(known.get((client, payer), {}))
        for check in _checks(_of(rows, client, payer), _of(pairs, client, payer)):
            account.read(check)
        found += [_row(client, payer, one) for one in account.book if one.amount or one.reversed]
    out = pd.DataFrame(found, columns=[*TAKEN, *CENTS, "remit_id", "received_on"])
    out = out.astype(dict.fromkeys([*TAKEN, "remit_id"], "str") | dict.fromkeys(CENTS, "int64"))
    out["received_on"] = pd.to_datetime(out["received_on"]).astype("datetime64[us]")
    out = with_deadlines(_with_reasons(out, tables, as_of), tables, as_of=as_of).rename(
        columns={"received_on": "first_on", "appeal_by": "dispute_by", "is_appealable": "is_disputable"}
    )
    out["age_days"] = (pd.Timestamp(as_of) - out["first_on"]).dt.days.astype("int64")
    order = ["client", "first_on", "payer", "claim_id", "kind", "taken_from"]
    return out.drop(columns="remit_id").sort_values(order, ignore_index=True, kind="stable")


@measure("Money taken back", value="amount_cents", good="down", is_additive=True)
def money_taken_back(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("payer", "reason")
) -> pd.DataFrame:
    """What payers took back in the period, as `takebacks` knows it at the period's end.

    Formula
        sums of reversed_cents, amount_cents, repaid_cents and to_come_cents of `takebacks`
        disputable_cents = amount_cents - repaid_cents of those whose dispute_by is not over
    Counts
        Takebacks first said in the period. reversed_cents is what the cash line calls money taken back, as far as the
        reversals were posted: it differs from it by days of posting and by reversals that nobody posted.
        Recoupments and forwarded balances are not in that line but in the money without a claim
        (`provider_level_cash`); the correction of a reversal is in the payments there and taken off amount_cents here.
        `by` may hold columns of the takeback (payer, kind, reason, tie), `month`, and columns of its claim.
    Date basis
        first_on
    Unit
        cents
    Empty
        Nothing taken back: zeros without `by`, no row with it.
    Source
        as `takebacks`

    >>> from rcm_analysis.examples.remittances import example_takebacks
    >>> found = money_taken_back(example_takebacks(), period=Period.month("2026-03"), by=["payer"])
    >>> found[["payer", "takebacks", "reversed_cents", "amount_cents", "to_come_cents"]]
      payer  takebacks  reversed_cents  amount_cents  to_come_cents
    0     p          1           50000         20000           8000
    """
    by = list(by)
    rows = takebacks(tables, as_of=period.last_day, since=period.first_day)
    lost = rows["amount_cents"] - rows["repaid_cents"]
    rows = rows.assign(takebacks=1, disputable_cents=lost.where(rows["is_disputable"], 0))
    sums = ["takebacks", *CENTS, "disputable_cents"]
    if not by:
        return rows[sums].sum().astype("int64").to_frame().T
    rows = rows.assign(month=rows["first_on"].dt.to_period("M").dt.to_timestamp())
    claim = ["client", "claim_id"]
    asked = [name for name in by if name not in rows]
    if asked:
        claims = collect(source(tables, "claims", [*claim, *asked]), [*claim, *asked])
        rows = rows.merge(claims, on=claim, how="left").fillna(dict.fromkeys(asked, NO_VALUE))
    return rows.groupby(by)[sums].sum().reset_index()


@dataclass(eq=False, slots=True)
class _Takeback:
    claim_id: str
    kind: str
    reason: str
    remit_id: str
    first_on: dt.date
    amount: int
    claim: tuple[str, str] = ("", "")
    tie: str = ""
    reference: str = ""
    reversed: int = 0
    repaid: int = 0
    held: int = 0
    """Announced by a WO below zero, and not taken yet."""
    carried: int = 0
    """In a balance that was carried forward, and not taken yet."""
    before: int = 0
    """Taken by a check before the reversal was told."""
    checks: dict[str, None] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return self.amount - self.held - self.carried - self.before


@dataclass(slots=True)
class _Check:
    remit_id: str
    trace: str
    day: dt.date
    claims: dict[tuple[str, str], list[int]]
    pairs: list[tuple[str, str, int]]


class _Account:
    """What one payer took back, check after check in the order in which they came."""

    def __init__(self, known: Mapping[str, tuple[str, str]]) -> None:
        self.known = known
        self.book: list[_Takeback] = []
        self.here: list[tuple[_Takeback, int]] = []

    def read(self, check: _Check) -> None:
        """Reversals, then what is held back or taken, then what the check could not bear."""
        self.here = []
        for claim, amounts in check.claims.items():
            self._claim(check, claim, amounts)
        references = {reference: self._tied(reference) for _, reference, _ in check.pairs}
        for reference, (claim_id, tie) in references.items():
            amounts = [(reason, cents) for reason, named, cents in check.pairs if named == reference]
            self._recover(check, reference, claim_id, tie, amounts)
        self._carry(check, references)
        for one, cents in self.here:
            if cents > 0:
                one.checks[check.trace] = None

    def _claim(self, check: _Check, claim: tuple[str, str], amounts: Sequence[int]) -> None:
        taken, net = -sum(cents for cents in amounts if cents < 0), sum(amounts)
        for one in self.book:
            if net > 0 and one.claim == claim:
                part = min(net, one.amount - one.repaid)
                one.repaid, net = one.repaid + part, net - part
        if taken:
            self._add(check, claim[0], REVERSAL, "", max(0, -net), claim=claim, reversed=taken)

    def _recover(
        self, check: _Check, reference: str, claim_id: str, tie: str, amounts: Sequence[tuple[str, int]]
    ) -> None:
        notice = -sum(cents for reason, cents in amounts if reason == RECOVERY and cents < 0)
        taken = sum(cents for reason, cents in amounts if reason == RECOVERY and cents > 0)
        refund = -sum(cents for reason, cents in amounts if reason == REFUND)
        interest = sum(cents for reason, cents in amounts if reason == INTEREST and cents > 0)
        named = {"tie": tie, "reference": reference}
        if notice:
            rest = self._hold(check, reference, claim_id, tie, notice)
            if rest:
                self._add(check, claim_id, RECOUPMENT, RECOVERY, rest, held=rest, **named)
        mine = [one for one in self.book if _is_named(one, reference, claim_id)]
        by_refund = min(taken, max(refund, 0))
        for one, _ in _given(mine, "held", by_refund):
            one.checks["refund"] = None
        ours = [one for one in mine if one.kind == RECOUPMENT]
        for one, _ in _given(ours, "amount", max(refund - by_refund, 0)):
            one.held = min(one.held, one.amount)
        rest = taken - by_refund
        for name in ("held", "carried"):
            rest -= self._release(mine, name, rest)
        alike = [one for one in self.book if one.held == rest and one not in mine]
        if rest and len(alike) == 1:
            rest -= self._release(alike, "held", rest)
        if rest:
            self._add(check, claim_id, RECOUPMENT, RECOVERY, rest, **named)
        if interest:
            self._add(check, claim_id, RECOUPMENT, INTEREST, interest, **named)

    def _hold(self, check: _Check, reference: str, claim_id: str, tie: str, notice: int) -> int:
        """What is left of a notice once the takebacks that it holds back are marked so."""
        since = check.day - dt.timedelta(days=AMOUNT_DAYS)
        whole = [one for one in self.book if one.free == one.amount == notice and one.first_on >= since]
        mine = [one for one in reversed(self.book) if _is_named(one, reference, claim_id)]
        if not mine and len(whole) == 1:
            mine, tie = whole, "amount"
        notice -= self._taken_before(mine, notice)
        for one in mine:
            part = min(notice, one.free)
            if part > 0:
                one.held, notice = one.held + part, notice - part
                one.tie, one.reference = tie or one.tie, reference or one.reference
                self.here.append((one, -part))
        return notice

    def _taken_before(self, mine: Sequence[_Takeback], notice: int) -> int:
        """What an earlier check took before the reversal was told: one takeback, that of the reversal."""
        told = 0
        for reversal in (one for one in mine if one.kind == REVERSAL):
            for early in (one for one in mine if one.kind == RECOUPMENT and one.reason == RECOVERY):
                part = min(notice - told, reversal.free, early.free)
                if part > 0:
                    reversal.checks |= early.checks
                    early.amount, reversal.before, told = early.amount - part, reversal.before + part, told + part
                    self.here.append((reversal, -part))
        return told

    def _carry(self, check: _Check, references: Mapping[str, tuple[str, str]]) -> None:
        """A balance that leaves the check is of what was taken there; one that comes in was carried before."""
        pairs = [(reference, cents) for reason, reference, cents in check.pairs if reason == FORWARD]
        net = sum(cents for _, cents in pairs)
        if net > 0:
            rest = net - self._release(self.book, "carried", net)
        else:
            rest = -net
            for one, cents in reversed(self._taken_here()):
                part = min(rest, cents)
                one.carried, rest = one.carried + part, rest - part
                self.here.append((one, -part))
        if rest:
            reference = pairs[-1][0]
            claim_id, tie = references[reference]
            carried = rest if net < 0 else 0
            named = {"tie": tie, "reference": reference, "carried": carried}
            self._add(check, claim_id, FORWARDED, FORWARD, rest, **named)
        self.here = self._taken_here()

    def _taken_here(self) -> list[tuple[_Takeback, int]]:
        sums: dict[_Takeback, int] = defaultdict(int)
        for one, cents in self.here:
            sums[one] += cents
        return list(sums.items())

    def _release(self, those: Iterable[_Takeback], name: str, cents: int) -> int:
        given = list(_given(those, name, cents))
        self.here += given
        return sum(part for _, part in given)

    def _add(self, check: _Check, claim_id: str, kind: str, reason: str, amount: int, **more: Any) -> None:
        one = _Takeback(claim_id, kind, reason, check.remit_id, check.day, amount, **more)
        self.book.append(one)
        self.here.append((one, one.free))

    def _tied(self, reference: str) -> tuple[str, str]:
        """The claim that a reference names, and by what; both empty where it names none."""
        if reference in self.known:
            return self.known[reference]
        inside = set()
        for start in range(len(reference)):
            for end in range(start + SHORTEST_INSIDE, len(reference) + 1):
                claim_id, tie = self.known.get(reference[start:end], ("", ""))
                if tie == "CLP07":
                    inside.add(claim_id)
        if len(inside) == 1:
            return inside.pop(), "CLP07 inside"
        for end in range(1, len(reference)):
            claim_id, tie = self.known.get(reference[:end], ("", ""))
            if tie == "CLP01" and re.match(r"\d{6}", reference[end:]):
                inside.add(claim_id)
        return (inside.pop(), "CLP01 and day") if len(inside) == 1 else ("", "")


def _given(those: Iterable[_Takeback], name: str, cents: int) -> Iterator[tuple[_Takeback, int]]:
    """Up to `cents` taken off `name` of the takebacks, the oldest first: each with its part."""
    for one in those:
        part = min(cents, getattr(one, name))
        if part > 0:
            setattr(one, name, getattr(one, name) - part)
            cents -= part
            yield one, part


def _is_named(one: _Takeback, reference: str, claim_id: str) -> bool:
    return bool(claim_id and one.claim_id == claim_id) or bool(reference and one.reference == reference)


def _row(client: str, payer: str, one: _Takeback) -> tuple[Any, ...]:
    names = (client, payer, one.claim_id, one.kind, one.reason, one.tie, " ".join(filter(None, one.checks)))
    return (*names, one.reversed, one.amount, one.repaid, one.held + one.carried, one.remit_id, one.first_on)


def _of(rows: pd.DataFrame, client: str, payer: str) -> pd.DataFrame:
    return rows[(rows["client"] == client) & (rows["payer"] == payer)]


def _checks(payments: pd.DataFrame, pairs: pd.DataFrame) -> list[_Check]:
    """The checks of one payer, in the order in which they came."""
    checks: dict[str, _Check] = {}
    places: dict[str, tuple[Any, ...]] = {}
    for row in pd.concat([payments, pairs]).itertuples(index=False):
        check = checks.setdefault(row.remit_id, _Check(row.remit_id, row.trace, row.received_on, {}, []))
        places.setdefault(row.remit_id, (row.received_on, row.trace, row.remit_id))
        if row.reason:
            check.pairs.append((row.reason, _plain(row.reference), row.amount_cents))
        else:
            check.claims.setdefault((row.claim_id, row.payer_order), []).append(row.amount_cents)
    return [checks[remit_id] for remit_id in sorted(checks, key=places.__getitem__)]


def _payments(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Every claim payment with money on a claim that had money taken back."""
    claim = ["client", "claim_id", "payer_order"]
    names = [*claim, "remit_id", "payer", "sequence", "status", "paid_cents", "received_on"]
    paid = source(tables, "remit_claims", names).filter(
        col("received_on") <= as_of, ~col("status").is_in(list(NOT_DECISIONS)), col("paid_cents") != 0
    )
    paid = paid.join(paid.filter(col("paid_cents") < 0).select(claim).unique(), on=claim, how="semi").drop("status")
    rows = _with_check(paid.rename({"paid_cents": "amount_cents"}), tables)
    out = collect(
        rows.select(*claim, "remit_id", "payer", "trace", "sequence", "received_on", "amount_cents"),
        [*claim, "remit_id", "payer", "trace"],
        dates=["received_on"],
    )
    return out.sort_values(["received_on", "sequence"], kind="stable").assign(reason="", reference="")


def _pairs(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The PLB pairs of takebacks."""
    names = ["client", "provider_adjustment_id", "remit_id", "reason", "reference", "amount_cents", "received_on"]
    kinds = [RECOVERY, REFUND, INTEREST, FORWARD]
    pairs = source(tables, "provider_adjustments", names).filter(
        col("received_on") <= as_of, col("reason").is_in(kinds)
    )
    rows = _with_check(
        pairs.with_columns(payer=nw.lit(None, nw.String), reference=col("reference").fill_null("")), tables
    )
    words = ["client", "remit_id", "provider_adjustment_id", "reason", "reference", "payer", "trace"]
    out = collect(rows.select(*words, "received_on", "amount_cents"), words, dates=["received_on"])
    return out.assign(claim_id="", payer_order="")


def _with_check(rows: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    """The rows with payer and trace number of their remittance."""
    checks = source(tables, "deposits", ["client", "remit_id", "payer", "trace"]).rename({"payer": "check_payer"})
    both = rows.join(checks, on=["client", "remit_id"], how="left")
    return both.with_columns(payer=nw.coalesce(col("check_payer"), col("payer")), trace=col("trace").fill_null(""))


def _known_claims(
    tables: Mapping[str, Any], as_of: dt.date, pairs: pd.DataFrame
) -> dict[tuple[str, str], dict[str, tuple[str, str]]]:
    """Of each payer with PLB pairs: the one claim of every number it uses, CLP07 before CLP01."""
    if pairs.empty:
        return {}
    names = ["client", "remit_id", "payer", "claim_id", "claim_number", "payer_claim_id"]
    rows = source(tables, "remit_claims", [*names, "received_on"]).filter(col("received_on") <= as_of)
    rows = rows.with_columns(
        claim_number=nw.coalesce(col("claim_number"), col("claim_id")),
        payer_claim_id=col("payer_claim_id").fill_null(""),
    )
    rows = _with_check(rows, tables).select(*[name for name in names if name != "remit_id"]).unique()
    claims = collect(rows, [name for name in names if name != "remit_id"])
    out: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for (client, payer), part in claims.groupby(["client", "payer"]):
        if _of(pairs, client, payer).empty:
            continue
        numbers: dict[str, tuple[str, str]] = {}
        for name, tie in (("claim_number", "CLP01"), ("payer_claim_id", "CLP07")):
            keyed = part.assign(number=part[name].map(_plain)).drop_duplicates(["number", "claim_id"])
            keyed = keyed[(keyed["number"] != "") & ~keyed["number"].duplicated(keep=False)]
            numbers |= {key: (claim, tie) for key, claim in zip(keyed["number"], keyed["claim_id"], strict=True)}
        out[(client, payer)] = numbers
    return out


def _plain(reference: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", reference.upper()).lstrip("0")


def _with_reasons(rows: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The rows, those of a reversal with the payer's codes on it and on its correction."""
    if rows.empty:
        return rows
    check = ["client", "remit_id", "claim_id"]
    names = [*check, "remit_claim_id", "paid_cents", "status", "received_on"]
    claims = source(tables, "remit_claims", names).filter(
        col("received_on") <= as_of,
        col("remit_id").is_in(sorted(set(rows["remit_id"]))),
        ~col("status").is_in(list(NOT_DECISIONS)),
    )
    said = source(tables, "remit_adjustments", ["client", "remit_claim_id", "carc", "amount_cents"])
    said = said.filter(col("amount_cents") > 0, ~col("carc").is_in([*PLAIN_DISCOUNTS, *COST_SHARE, *WITHHELD]))
    said = claims.join(said.select("client", "remit_claim_id", "carc"), on=["client", "remit_claim_id"], how="inner")
    codes = collect(said.select(*check, "carc").unique(), [*check, "carc"]).groupby(check)["carc"].agg(" ".join)
    answers = collect(claims.filter(col("status") != "22").select(*check).unique(), check)
    corrected = set(answers.itertuples(index=False, name=None))
    found = []
    for row in rows.itertuples(index=False):
        key = (row.client, row.remit_id, row.claim_id)
        plain = "lower price" if key in corrected else "no correction"
        found.append(codes.get(key, plain) if row.kind == REVERSAL else row.reason)
    return rows.assign(reason=pd.Series(found, index=rows.index, dtype="str"))
