"""What the payers decided: each claim payment sorted into its parts, the first decision, and where it stands now.

The tables of a client go in (a mapping that gives `remit_claims`, `remit_lines`, `remit_adjustments`
by name; pandas, Polars, DuckDB or Spark frames), a Narwhals lazy frame comes out; nothing is
collected here.

The parts of a charge. For every claim payment and every line
    charge - paid = denied + duplicate + contractual + reduction + patient + prior_payer + pended + other
wherever the payer's own figures balance; what is left over stays visible as `unexplained_cents`.
    denied       family "denial", group not PR (`patient_denials=True` takes PR too, e.g. PR-204)
    duplicate    18, B13: a process defect, kept out of the denials
    contractual  45 and its kind          reduction    sequestration (253), withholds, bonuses
    patient      group PR                 prior_payer  23: neither denial nor contractual
    pended       133, 257, 277, 101       other        codes of other payers, and unmapped codes

The outcomes of a claim payment or a line, in this order
    reversal             status 22: takes an earlier decision back, is no decision of its own
    fully_denied         denied > 0 and nothing allowed
    partially_denied     denied > 0 and something allowed
    paid                 nothing denied, paid > 0
    duplicate            nothing paid, refused only as a duplicate
    pended               nothing paid, held open by the payer
    zero_pay_non_denial  nothing paid and nothing denied: deductible, prior payer, contractual
Status 4 says nothing about a denial (many payers never use it so), 23 and 25 are not decisions at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw

from ..errors import TableError
from ..tables.frames import keeps_answers, kept, source
from ..tables.reference.carc import category_of, codes_of, priority_of

col = nw.col
CLAIM = ("client", "claim_id", "payer_order")
"""What is decided once: a claim, for one payer in the order of payers."""

PAYMENT = ("client", "remit_claim_id")
REVERSAL = "22"
NOT_DECISIONS = ("23", "25")
PARTS = (
    "denied_cents",
    "duplicate_cents",
    "contractual_cents",
    "reduction_cents",
    "patient_cents",
    "prior_payer_cents",
    "pended_cents",
    "other_cents",
)
COST_SHARE = ("1", "2", "3")
WITHHELD = ("253", "104")
UNDECIDED = ("reversal", "duplicate", "pended")
DENIED = ("fully_denied", "partially_denied")


@kept
def claim_adjudications(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, patient_denials: bool = False
) -> nw.LazyFrame:
    """One row per answer known by `as_of`, with its parts, the allowed amount and the outcome.

    `since` keeps only the claims on which a decision became known on that day or later, with their
    whole history: the same answer about those claims, for a fraction of the work.

    Formula
        allowed = paid + PR 1, 2, 3 + 253 + 104, and + 23 when the payer is not the primary
    Counts
        Every claim payment but those with status 23 and 25. Claim payments that answer a claim together
        (`remit_claims.answer_id`) are one row: the parts known by then added up, under id and day of the
        first. Claim-level and line-level adjustments alike (a payer states each at one level only).
    Date basis
        received_on, the day on which the decision became known
    Unit
        cents
    Source
        X12 RFI 1423 (status 4), 1429 (reversals), 2601 (allowed); the outcomes are our own.
    """
    sums = _payment_parts(tables, **_reach(tables, as_of, since), patient_denials=patient_denials)
    return _decided(_together(_payments(tables, as_of, since).join(sums, on=list(PAYMENT), how="left")))


def _reach(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> dict[str, Any]:
    """How much to work out: just what is asked for, or all of it where it is kept for whoever asks next."""
    return {"as_of": dt.date.max, "since": None} if keeps_answers(tables) else {"as_of": as_of, "since": since}


def _within(rows: nw.LazyFrame, tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> nw.LazyFrame:
    """Those of the rows that were worked out (`_reach`) that are asked for."""
    if not keeps_answers(tables):
        return rows
    known = rows.filter(col("received_on") <= as_of)
    if since is None:
        return known
    return known.join(_payments(tables, as_of, since).select(*PAYMENT), on=list(PAYMENT), how="semi")


@partial(kept, stored=True)
def _payment_parts(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None, patient_denials: bool
) -> nw.LazyFrame:
    """The parts of each claim payment; its adjustments became known on its day."""
    return (
        _parts(_adjustments(tables, as_of, since), patient_denials)
        .group_by(*PAYMENT)
        .agg(*[col(name).sum() for name in (*PARTS, "allowed_extra_cents", "prior_payer_paid_cents")])
    )


def _together(payments: nw.LazyFrame) -> nw.LazyFrame:
    """The parts of every answer added up, in the row of the first."""
    answer = ["client", "answer_id"]
    amounts = ["charge_cents", "paid_cents", *PARTS, "allowed_extra_cents", "prior_payer_paid_cents"]
    filled = payments.with_columns(*[col(name).fill_null(0) for name in amounts], clps=nw.lit(1))
    sums = filled.group_by(*answer).agg(*[col(name).sum() for name in (*amounts, "clps")])
    heads = payments.filter(col("remit_claim_id") == col("answer_id")).drop(amounts)
    return heads.join(sums, on=answer, how="inner")


def line_adjudications(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, patient_denials: bool = False
) -> nw.LazyFrame:
    """One row per service line of a claim payment, with its parts, the allowed amount and the outcome.

    Counts
        As `claim_adjudications`, under the id of the answer. A claim payment without service lines is one
        line of its own.
        Claim-level adjustments of a payment with lines are shared among them (`adjustment_lines`),
        and the paid amount of such a line is what is then left of its charge.
    Unit
        cents; `stated_allowed_cents` is the payer's own allowed amount (AMT*B6), for comparison
    """
    known = _decided_lines(tables, **_reach(tables, as_of, since), patient_denials=patient_denials)
    return _within(known, tables, as_of, since).with_columns(remit_claim_id=col("answer_id"))


@partial(kept, stored=True)
def _decided_lines(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None, patient_denials: bool
) -> nw.LazyFrame:
    """The lines of `line_adjudications` under the id of their own claim payment."""
    shares = _parts(_adjustment_lines(tables, as_of=as_of, since=since), patient_denials)
    sums = shares.group_by("client", "unit").agg(
        *[
            col(name).sum()
            for name in (*PARTS, "allowed_extra_cents", "prior_payer_paid_cents", "shared", "amount_cents")
        ]
    )
    units = _units(tables, as_of, since).join(sums, on=["client", "unit"], how="left")
    left = units.with_columns(
        paid_cents=nw.when(col("shared").fill_null(0) > 0, col("lines") > 0)
        .then(col("charge_cents") - col("amount_cents"))
        .otherwise(col("paid_cents"))
    )
    return _decided(left.drop("shared", "amount_cents", "superseded"))


def adjustment_lines(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> nw.LazyFrame:
    """Every adjustment known by `as_of` on the line (`unit`) that it reduces.

    Formula
        A claim-level adjustment is shared among the lines of its payment by their charges, to the
        cent: each line gets the difference of two running shares rounded down, the last one the rest.
        Without lines it stands on the claim payment itself.
    Unit
        cents; `shared` is 1 for a claim-level adjustment, else 0; `remit_claim_id` is that of the answer
    """
    known = _adjustment_lines(tables, **_reach(tables, as_of, since))
    return of_answers(_within(known, tables, as_of, since).drop("received_on"), tables)


def of_answers(rows: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    """Rows of claim payments (`client`, `remit_claim_id`) under the id of the answer that they are part of."""
    if not _is_settled(tables):
        return rows
    ids = source(tables, "remit_claims", [*PAYMENT, "answer_id"])
    names = rows.collect_schema().names()
    both = rows.join(ids, on=list(PAYMENT), how="left")
    return both.with_columns(remit_claim_id=nw.coalesce(col("answer_id"), col("remit_claim_id"))).select(names)


def _is_settled(tables: Mapping[str, Any]) -> bool:
    """True where intake has said which claim payments make an answer; else each one is an answer of its own."""
    try:
        source(tables, "remit_claims", ["answer_id", "superseded_on"])
    except TableError:
        return False
    return True


@kept
def _adjustment_lines(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None) -> nw.LazyFrame:
    known = _adjustments(tables, as_of, since)
    order = ["client", "remit_claim_id", "unit", "group_code", "carc", "amount_cents", "remark_codes", "shared"]
    order.append("received_on")
    on_lines = known.filter(~col("remit_line_id").is_null()).with_columns(unit=col("remit_line_id"), shared=nw.lit(0))
    on_claims = known.filter(col("remit_line_id").is_null()).drop("remit_line_id")
    weights = _weights(
        _units(tables, as_of, since).join(on_claims.select(*PAYMENT).unique(), on=list(PAYMENT), how="semi")
    )
    shared = on_claims.join(weights, on=list(PAYMENT), how="inner").with_columns(size=col("amount_cents").abs())
    upper = _running_share(col("upto_cents"))
    lower = _running_share(col("upto_cents") - col("weight_cents"))
    sign = nw.when(col("amount_cents") < 0).then(-1).otherwise(1)
    shared = shared.with_columns(amount_cents=(upper - lower) * sign, shared=nw.lit(1))
    return nw.concat([on_lines.select(order), shared.select(order)], how="vertical")


@kept
def first_adjudications(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, patient_denials: bool = False
) -> nw.LazyFrame:
    """The first decision on each claim by each payer in order: the rows of `claim_adjudications` that came first.

    Counts
        One row per client, claim and payer order, whatever was resubmitted, reversed or paid later;
        with `since`, only the first decisions that became known on that day or later.
        Reversals, pended answers and refusals as a duplicate are no first decision.
    Date basis
        received_on, then the position in the file
    Source
        HFMA Claim Integrity Task Force 2021 (a denial counts once; duplicates are left out).
    """
    known = claim_adjudications(tables, as_of=as_of, since=since, patient_denials=patient_denials)
    first = known.filter(~col("outcome").is_in(list(UNDECIDED))).filter(is_first(CLAIM, ORDER))
    return first if since is None else first.filter(col("received_on") >= since)


@kept
def net_positions(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """Where each claim stands with each payer: amounts added up, reversals netted, and the standing outcome.

    Formula
        Each amount is the sum over the answers that stand; a reversal carries the negative of what it takes
        back, so that it nets to 0, and an answer that a later one superseded without a reversal
        (`remit_claims.superseded_on`) leaves only what it paid. `standing_denied_cents` is what the last
        decision denies.
        outcome = recouped   was paid once, and nothing of it is left (never "denied")
                  reversed   every decision was taken back, nothing was ever paid
                  undecided  only pended answers and duplicates so far
                  partially_denied when the claim is paid and the last decision denies a part of it
                  else the outcome of the last decision that was not a duplicate
    Counts
        One row per client, claim and payer order.
    Date basis
        received_on
    Unit
        cents; `decisions`, `reversals` count claim payments
    """
    stands = col("superseded") == 0
    known = claim_adjudications(tables, as_of=as_of).with_columns(
        *[
            nw.when(stands).then(col(name)).otherwise(0).alias(name)
            for name in ("charge_cents", *PARTS, "unexplained_cents")
        ],
        reversals=nw.when(col("outcome") == "reversal").then(col("clps")).otherwise(0),
        decisions=nw.when(col("outcome").is_in(list(UNDECIDED))).then(0).otherwise(col("clps")),
        highest_paid_cents=col("paid_cents"),
    )
    amounts = ("charge_cents", "paid_cents", *PARTS, "unexplained_cents", "decisions", "reversals")
    sums = known.group_by(*CLAIM).agg(
        *[col(name).sum() for name in amounts],
        col("highest_paid_cents").max(),
        first_received_on=col("received_on").min(),
        last_received_on=col("received_on").max(),
    )
    last = (
        known.filter(col("decisions") > 0)
        .filter(is_first(CLAIM, ORDER, reverse=True))
        .select(*CLAIM, "payer", last_outcome=col("outcome"), last_denied_cents=col("denied_cents"))
    )
    return _standing(sums.join(last, on=list(CLAIM), how="left"))


@kept
def primary_reasons(tables: Mapping[str, Any], *, as_of: dt.date, patient_denials: bool = False) -> nw.LazyFrame:
    """The one reason that names each denied claim payment: carc, category and its denied_cents.

    Formula
        the code with the largest denied amount; of equal ones the first by `carc.PRIORITY`, then by code
    """
    known = of_answers(_adjustments(tables, as_of, None), tables)
    denied = _parts(known, patient_denials).filter(col("denied_cents") != 0)
    by_code = denied.group_by(*PAYMENT, "carc").agg(col("denied_cents").sum()).filter(col("denied_cents") > 0)
    named = by_code.with_columns(category=category_of(col("carc"), family="denial"), smallness=col("denied_cents") * -1)
    ranked = named.with_columns(place=priority_of(col("category"))).filter(
        is_first(PAYMENT, ("smallness", "place", "carc"))
    )
    return ranked.select(*PAYMENT, "carc", "category", "denied_cents")


ORDER = ("received_on", "sequence", "remit_claim_id")
"""The order in which decisions became known."""


def is_first(group: tuple[str, ...], order: tuple[str, ...], *, reverse: bool = False) -> nw.Expr:
    # A running count, because neither rank nor first-by-order runs on every engine.
    return col(group[-1]).cum_count(reverse=reverse).over(*group, order_by=list(order)) == 1


def _payments(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> nw.LazyFrame:
    columns = [
        "client",
        "remit_claim_id",
        "claim_id",
        "sequence",
        "status",
        "payer",
        "payer_order",
        "charge_cents",
        "paid_cents",
        "received_on",
    ]
    if _is_settled(tables):
        given = source(tables, "remit_claims", [*columns, "answer_id", "superseded_on"]).with_columns(
            answer_id=nw.coalesce(col("answer_id"), col("remit_claim_id")),
            superseded=nw.when(col("superseded_on") <= as_of).then(1).otherwise(0),
        )
        given = given.drop("superseded_on")
    else:
        given = source(tables, "remit_claims", columns).with_columns(
            answer_id=col("remit_claim_id"), superseded=nw.lit(0)
        )
    known = given.filter(col("received_on") <= as_of, ~col("status").is_in(list(NOT_DECISIONS)))
    if since is not None:
        recent = known.filter(col("received_on") >= since).select(*CLAIM).unique()
        known = known.join(recent, on=list(CLAIM), how="semi")
    return known


def _units(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> nw.LazyFrame:
    columns = [
        "client",
        "remit_claim_id",
        "remit_line_id",
        "line_number",
        "procedure",
        "charge_cents",
        "paid_cents",
        "allowed_cents",
    ]
    lines = source(tables, "remit_lines", columns).rename(
        {"charge_cents": "line_charge", "paid_cents": "line_paid", "allowed_cents": "stated_allowed_cents"}
    )
    both = _payments(tables, as_of, since).join(lines, on=list(PAYMENT), how="left")
    bare = col("remit_line_id").is_null()
    return both.with_columns(
        unit=nw.when(bare).then(col("remit_claim_id")).otherwise(col("remit_line_id")),
        charge_cents=nw.when(bare).then(col("charge_cents")).otherwise(col("line_charge")),
        paid_cents=nw.when(bare).then(col("paid_cents")).otherwise(col("line_paid")),
        lines=nw.when(bare).then(0).otherwise(1),
    ).drop("remit_line_id", "line_charge", "line_paid")


def _weights(units: nw.LazyFrame) -> nw.LazyFrame:
    weighed = units.with_columns(weight_cents=col("charge_cents").abs(), one=nw.lit(1))
    totals = weighed.with_columns(
        upto_cents=col("weight_cents").cum_sum().over(*PAYMENT, order_by="unit"),
        whole_cents=col("weight_cents").sum().over(*PAYMENT),
        turn=col("one").cum_sum().over(*PAYMENT, order_by="unit"),
    )
    # Lines without any charge give no proportion: the first one carries the whole.
    first = nw.when(col("turn") == 1).then(1).otherwise(0)
    nothing = col("whole_cents") == 0
    return totals.with_columns(
        weight_cents=nw.when(nothing).then(first).otherwise(col("weight_cents")),
        upto_cents=nw.when(nothing).then(1).otherwise(col("upto_cents")),
        whole_cents=nw.when(nothing).then(1).otherwise(col("whole_cents")),
    ).select(*PAYMENT, "unit", "weight_cents", "upto_cents", "whole_cents")


def _running_share(upto: nw.Expr) -> nw.Expr:
    # The last share is the whole by comparison and not by division, which some engines do in floats.
    part = (col("size") * upto // col("whole_cents")).cast(nw.Int64)
    return nw.when(upto == col("whole_cents")).then(col("size")).otherwise(part)


def _adjustments(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> nw.LazyFrame:
    columns = [
        "client",
        "remit_claim_id",
        "remit_line_id",
        "group_code",
        "carc",
        "amount_cents",
        "remark_codes",
        "received_on",
    ]
    known = source(tables, "remit_adjustments", columns).filter(col("received_on") <= as_of)
    if since is None:
        return known
    return known.join(_payments(tables, as_of, since).select(*PAYMENT), on=list(PAYMENT), how="semi")


def _parts(adjustments: nw.LazyFrame, patient_denials: bool) -> nw.LazyFrame:
    """The amount of each adjustment in the one column of `PARTS` that it belongs to."""
    duplicates = codes_of(category="duplicate")
    denials = [code for code in codes_of(family="denial") if code not in duplicates]
    by_patient = col("group_code") == "PR"
    if patient_denials:
        by_patient = by_patient & ~col("carc").is_in(denials)
    place = {name: number for number, name in enumerate(PARTS)}  # numbers, which compare faster than names
    part = nw.lit(place["other_cents"])
    for name, belongs in reversed(
        [
            ("prior_payer_cents", col("carc").is_in(codes_of(category="prior_payer_info"))),
            ("patient_cents", by_patient),
            ("duplicate_cents", col("carc").is_in(duplicates)),
            ("denied_cents", col("carc").is_in(denials)),
            ("contractual_cents", col("carc").is_in(codes_of(category="contractual"))),
            ("reduction_cents", col("carc").is_in(codes_of(category="program_reduction"))),
            ("pended_cents", col("carc").is_in(codes_of(family="pend"))),
        ]
    ):
        part = nw.when(belongs).then(nw.lit(place[name])).otherwise(part)
    cost_share = (col("group_code") == "PR") & col("carc").is_in(list(COST_SHARE))
    withheld = (col("group_code") != "PR") & col("carc").is_in(list(WITHHELD))
    amount = col("amount_cents")
    sorted_out = adjustments.with_columns(part=part)
    return sorted_out.with_columns(
        *[nw.when(col("part") == place[name]).then(amount).otherwise(0).alias(name) for name in PARTS],
        nw.when(cost_share | withheld).then(amount).otherwise(0).alias("allowed_extra_cents"),
        nw.when(col("part") == place["prior_payer_cents"]).then(amount).otherwise(0).alias("prior_payer_paid_cents"),
    )


def _decided(rows: nw.LazyFrame) -> nw.LazyFrame:
    """The rows with the allowed amount, what does not balance, and the outcome."""
    extra = ("allowed_extra_cents", "prior_payer_paid_cents")
    signed = rows.with_columns(*[col(name).fill_null(0) for name in (*PARTS, *extra)])
    prior = nw.when(col("payer_order") == "primary").then(0).otherwise(col("prior_payer_paid_cents"))
    explained = sum((col(name) for name in PARTS[1:]), col(PARTS[0]))
    amounts = signed.with_columns(
        allowed_cents=col("paid_cents") + col("allowed_extra_cents") + prior,
        unexplained_cents=col("charge_cents") - col("paid_cents") - explained,
    )
    outcome = nw.lit("zero_pay_non_denial")
    for name, holds in reversed(
        [
            ("reversal", col("status") == REVERSAL),
            ("fully_denied", (col("denied_cents") > 0) & (col("allowed_cents") <= 0)),
            ("partially_denied", col("denied_cents") > 0),
            ("paid", col("paid_cents") > 0),
            ("duplicate", col("duplicate_cents") > 0),
            ("pended", col("pended_cents") > 0),
        ]
    ):
        outcome = nw.when(holds).then(nw.lit(name)).otherwise(outcome)
    return amounts.with_columns(outcome=outcome).drop(*extra)


def _standing(sums: nw.LazyFrame) -> nw.LazyFrame:
    outcome = col("last_outcome").fill_null("undecided")
    for name, holds in reversed(
        [
            ("recouped", (col("highest_paid_cents") > 0) & (col("paid_cents") <= 0)),
            (
                "reversed",
                (col("reversals") > 0) & ((col("reversals") >= col("decisions")) | (col("charge_cents") <= 0)),
            ),
            ("partially_denied", (col("paid_cents") > 0) & (col("last_outcome") == "fully_denied")),
        ]
    ):
        outcome = nw.when(holds).then(nw.lit(name)).otherwise(outcome)
    named = sums.with_columns(outcome=outcome)
    stands = col("outcome").is_in(list(DENIED))
    return named.with_columns(standing_denied_cents=nw.when(stands).then(col("last_denied_cents")).otherwise(0)).drop(
        "last_outcome", "last_denied_cents", "highest_paid_cents"
    )
