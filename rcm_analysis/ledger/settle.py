"""Settle the stored tables of a client: what was sent and answered becomes what is so.

Run at the end of every intake that changed something, over all that is stored, so that a file read late
or twice, or in another order, leaves the same state. Nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from ..tables.schema import (
    CLAIM_LINES,
    CLAIMS,
    DEPOSITS,
    OPENING_BALANCES,
    REMIT_ADJUSTMENTS,
    REMIT_CLAIMS,
    REMIT_LINES,
    SUBMISSIONS,
    TRANSACTIONS,
)
from .adjudications import REVERSAL
from .claim_numbers import met_but_for_form, numbered, perhaps_twice, renumbered
from .claim_state import (
    changed_charges,
    in_answered_order,
    line_numbers,
    payer_orders,
    settle_answers,
    signed_reversals,
)
from .derived import CLP03_REASON, Claims, derived_claims, derived_postings, own_rows
from .opening import completed, opening_claims, opening_postings, out_of_buckets, taken_over, without_opening

SETTLED = (
    CLAIMS,
    CLAIM_LINES,
    SUBMISSIONS,
    DEPOSITS,
    REMIT_CLAIMS,
    REMIT_LINES,
    REMIT_ADJUSTMENTS,
    OPENING_BALANCES,
    TRANSACTIONS,
)
"""The tables that settling reads and may rewrite."""


_NUMBERED = ("claim_number", "charge_cents")


@dataclass(frozen=True)
class Told:
    """One thing that somebody should know: the rule, its dollars, how many, and what to do."""

    rule: str
    cents: int
    rows: int
    message: str
    needs_person: bool = True


def settle(
    tables: Mapping[str, pl.DataFrame],
    read: tuple[pl.DataFrame, pl.DataFrame] | None,
    *,
    client: str,
    derive_ledger: bool,
) -> tuple[dict[str, pl.DataFrame], list[Told]]:
    """The settled tables by name, and what was noticed on the way.

    `read` holds claims and lines of the 837s just read (each row with its `submission_id`) where the
    claims of this client come from its 837s, else None: then claims are what an export says. With
    `derive_ledger` the postings are those that bills and answers imply, and those of exports that stand beside them.

    Formula
        in this order: signs of reversals, claim numbers used twice, claims and lines as last billed, the line
        that each answer is about, the payer's order, the answers; then the derived ledger, and what was
        taken over with a balance
    """
    now = dict(tables)
    now["opening_balances"] = completed(now["opening_balances"])
    now["claims"], now["transactions"] = without_opening(now["claims"], now["transactions"])
    told: list[Told] = []
    derived = None
    _settle_signs(now)
    if read is None:
        told += _plain_numbers(now)
    else:
        told += _settle_numbers(now)
        now["submissions"] = in_answered_order(now["submissions"], now["remit_claims"])
        now[REMIT_CLAIMS.name] = now[REMIT_CLAIMS.name].with_columns(
            payer_orders(now["remit_claims"], now["remit_adjustments"], now["submissions"], CLAIMS.empty())
        )
        derived = derived_claims(now, read, client=client, with_answered=derive_ledger)
        now["submissions"] = now["submissions"].with_columns(
            changed_charges(now["submissions"]).alias("claim_charge_cents")
        )
        now["claims"], now["claim_lines"] = derived.claims, derived.lines
        told += _told_of_claims(derived)
    now["remit_lines"] = now["remit_lines"].with_columns(line_numbers(now["remit_lines"], now["claim_lines"]))
    if derived is None:
        orders = payer_orders(now["remit_claims"], now["remit_adjustments"], now["submissions"], now["claims"])
        now["remit_claims"] = now["remit_claims"].with_columns(orders)
    now["remit_claims"] = settle_answers(
        now["remit_claims"], now["remit_lines"], now["remit_adjustments"], now["submissions"], _charged(now, derived)
    )
    only = derived.answered_only if derived else frozenset()
    now["claims"], nameless = _with_opening_claims(now, only)
    if derive_ledger:
        opened = taken_over(now["opening_balances"])
        own = own_rows(now["transactions"], TRANSACTIONS).select(TRANSACTIONS.names)
        implied = derived_postings(now, client=client, answered_only=only | nameless, opened=opened)
        now["transactions"] = pl.concat([implied, own])
        told += [*_told_of_answers(now["transactions"]), *_told_of_takebacks(now, only)]
        if derived is not None:
            now["claims"] = _charges_of_answers(now, only - nameless)
    _open(now)
    return {table.name: now[table.name].select(table.names) for table in SETTLED}, told


def _with_opening_claims(now: Mapping[str, pl.DataFrame], only: frozenset[str]) -> tuple[pl.DataFrame, frozenset[str]]:
    """The claims with those that only an opening balance, and perhaps an answer, names; and the ids of these."""
    listed = set(now["opening_balances"]["claim_id"])
    claims = now["claims"].filter(~pl.col("claim_id").is_in(list(only & listed)))
    new = opening_claims(now["opening_balances"], claims)
    return pl.concat([claims, new]), frozenset(new["claim_id"])


def _open(now: dict[str, pl.DataFrame]) -> None:
    balances = now["opening_balances"]
    if balances.is_empty():
        return
    rows = pl.concat([now["transactions"], opening_postings(balances, now["transactions"])])
    now["transactions"] = out_of_buckets(balances, rows, now["claims"])


def _charged(now: Mapping[str, pl.DataFrame], derived: Claims | None) -> pl.DataFrame:
    """The claims whose charge says what was billed: not those known by answers alone."""
    claims = now["claims"]
    return claims.filter(~pl.col("claim_id").is_in(list(derived.answered_only))) if derived else claims


def _settle_signs(now: dict[str, pl.DataFrame]) -> None:
    claims, lines, adjustments, turned = signed_reversals(
        now["remit_claims"], now["remit_lines"], now["remit_adjustments"]
    )
    now["remit_claims"], now["remit_lines"], now["remit_adjustments"] = claims, lines, adjustments
    moved = turned.group_by("remit_id").agg(_moved=(pl.col("paid_cents") - pl.col("was_cents")).sum())
    deposits = now["deposits"].join(moved, on="remit_id", how="left", maintain_order="left")
    sums = pl.col("claims_paid_cents") + pl.col("_moved").fill_null(0)
    now["deposits"] = deposits.with_columns(claims_paid_cents=sums).drop("_moved")


def _plain_numbers(now: dict[str, pl.DataFrame]) -> list[Told]:
    known = now["claims"].select("charge_cents", claim_number="claim_id")
    told = []
    for name in ("submissions", "remit_claims"):
        rows = now[name].with_columns(claim_number=pl.coalesce("claim_number", "claim_id"))
        met = met_but_for_form(rows.select("claim_number", "charge_cents"), known)
        now[name] = rows.with_columns(claim_id=_billed_number(met))
        told += _told_of_forms(met, name)
    _follow(now)
    return told


def _billed_number(met: pl.DataFrame) -> pl.Expr:
    return pl.col("claim_number").replace(met["claim_number"], met["billed_number"])


def _told_of_forms(met: pl.DataFrame, table: str) -> list[Told]:
    if met.is_empty():
        return []
    what = "were answered" if table == "remit_claims" else "were sent in 837s"
    message = (
        f"{met.height} claim(s) {what} under another form of their number (zeros in front, case, punctuation, a "
        "decimal); the charge is the same and no other number has that form, so they were put together."
    )
    return [Told("claim_number_in_another_form", int(met["charge_cents"].sum()), met.height, message, False)]


def _settle_numbers(now: dict[str, pl.DataFrame]) -> list[Told]:
    number = pl.coalesce("claim_number", "claim_id")
    sent, answers = (now[name].with_columns(claim_number=number) for name in ("submissions", "remit_claims"))
    met = met_but_for_form(answers.select(_NUMBERED), sent.select(_NUMBERED))
    as_billed = answers.with_columns(claim_number=_billed_number(met))
    anew = renumbered(sent, as_billed)
    bills, remits = (rows.with_columns(pl.col("claim_number").replace(anew)) for rows in (sent, as_billed))
    found = numbered(bills, remits, now["remit_lines"])
    now["submissions"] = found.submissions.with_columns(sent["claim_number"])
    now["remit_claims"] = found.remit_claims.with_columns(answers["claim_number"])
    _follow(now)
    told = [*_told_of_forms(met, "remit_claims"), *_told_of_replaced(now["submissions"], anew)]
    if not found.again:
        return told
    message = (
        f"{len(found.again)} claim number(s) were used again for another patient or service. Each is a claim of "
        'its own, numbered "(2)" and on; answers went to the claim whose day of service fits.'
    )
    return told + [Told("claim_number_used_again", sum(cents for _, cents in found.again), len(found.again), message)]


def _told_of_replaced(submissions: pl.DataFrame, anew: Mapping[str, str]) -> Iterator[Told]:
    rows = submissions.filter(pl.col("claim_number").is_in(list(anew)))
    if rows.height:
        message = (
            f"{len(anew)} claim(s) were replaced or voided under a new number; the payer's number (REF*F8) says which, "
            "and they are one claim."
        )
        yield Told("replaced_under_another_number", int(rows["charge_cents"].sum()), len(anew), message, False)
    twice = perhaps_twice(submissions)
    if twice.height:
        message = (
            f"{twice.height} claim(s) stand beside a replacement (frequency 7) of the same patient, payer and day "
            "whose own original is not stored. If it replaces them, their charge stands twice; ask under which number "
            "it was first billed."
        )
        yield Told("perhaps_charged_twice", int(twice["charge_cents"].sum()), twice.height, message)


def _follow(now: dict[str, pl.DataFrame]) -> None:
    """Lines and adjustments stand under the claim of their claim payment."""
    ids = now["remit_claims"].select("remit_claim_id", _id="claim_id")
    for name in ("remit_lines", "remit_adjustments"):
        rows = now[name].join(ids, on="remit_claim_id", how="left", maintain_order="left")
        now[name] = rows.with_columns(claim_id=pl.coalesce("_id", "claim_id")).drop("_id")


def _told_of_claims(derived: Claims) -> list[Told]:
    voids = derived.voids_only
    if not voids:
        return []
    message = f"{len(voids)} claim(s) were voided (frequency 8) whose original is not stored; nothing was posted."
    return [Told("void_without_original", sum(bill.charge for bill in voids), len(voids), message)]


def _told_of_answers(postings: pl.DataFrame) -> list[Told]:
    charged = postings.filter(pl.col("reason") == CLP03_REASON)
    if charged.is_empty():
        return []
    count, cents = charged["claim_id"].n_unique(), int(charged["amount_cents"].sum())
    message = (
        f"{count} claim(s) were answered and no 837 of them is stored: their charge is the one that the payer "
        "names (CLP03). Ask for the 837s of these months."
    )
    return [Told("charge_from_answer", cents, count, message)]


def _told_of_takebacks(now: Mapping[str, pl.DataFrame], only: frozenset[str]) -> list[Told]:
    answers = now["remit_claims"].filter(pl.col("claim_id").is_in(list(only)))
    first = answers.sort("received_on", "sequence", "remit_claim_id").unique(
        "claim_id", keep="first", maintain_order=True
    )
    before = first.filter(pl.col("status") == REVERSAL)
    if before.is_empty():
        return []
    message = (
        f"{before.height} claim(s) were first heard of when a payer took their answer back: they are from before "
        "the files that we have. What was taken back is open again; no charge was made up for them."
    )
    return [Told("takeback_before_our_time", int(before["paid_cents"].sum()), before.height, message)]


def _charges_of_answers(now: Mapping[str, pl.DataFrame], only: frozenset[str]) -> pl.DataFrame:
    posted = now["transactions"].filter((pl.col("kind") == "charge") & pl.col("claim_id").is_in(list(only)))
    sums = posted.group_by("claim_id").agg(_charge=pl.col("amount_cents").sum())
    rows = now["claims"].join(sums, on="claim_id", how="left", maintain_order="left")
    return rows.with_columns(charge_cents=pl.coalesce("_charge", "charge_cents")).drop("_charge")
