"""The EOB check: what the ledger asks of each patient against what the payers left to them, in both directions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.adjudications import UNDECIDED, claim_adjudications, of_answers
from ...ledger.postings import INSURANCE
from ...tables.frames import collect, source
from ...tables.schema import CLAIMS
from ..menu import measure

col = nw.col
KEY = list(CLAIMS.key)
POSTING_DAYS = 14
"""Days that posting a remittance may take before a share that is not on the ledger counts as missed."""

RULES = {
    "before_remit": (
        "No payer has answered yet: take the balance back to the insurance, stop statements, wait for the EOB."
    ),
    "before_secondary": "Bill the next payer first; ask the patient only for what it leaves.",
    "takeback": "The payer took its decision back after the patient was billed: post the reversal on the "
    "patient's side too, "
    "then refund what was paid or send a corrected statement.",
    "posting_swap": (
        "CO and PR were posted the wrong way round: exchange the two postings and send a corrected statement."
    ),
    "oa209_billed": "OA-209 may not be collected from the patient: take it back and bill the next payer.",
    "co_billed": (
        "CO is the provider's: take the balance back, work or write off the denial, refund what the patient paid of it."
    ),
    "above_eob": "The patient is asked for more than the EOB leaves: correct the transfer, refund what was paid of it.",
    "share_written_off": (
        "The patient's share was posted away at the insurance: reverse that posting and transfer the share."
    ),
    "share_not_transferred": "The patient's share still stands with the insurance: transfer it and send a statement.",
    "statement_before_remit": (
        "The statement went out before the EOB: tell the patient not to pay it, send one that follows the EOB."
    ),
    "pr45_balance": (
        "PR-45 is an out-of-network balance: check the No Surprises Act and whether the payer is under contract."
    ),
    "waiver_unknown": (
        "PR-50 or PR-96 needs a waiver signed before the service; the data have no flag for it: look for the form."
    ),
}
"""Every rule with what to do about it, the gravest first: a claim that breaks several is listed under the first."""

INFORMATION = ("pr45_balance", "waiver_unknown")
"""Rules that only tell what to look at: nothing in the data says that they are broken."""

COLUMNS = (
    "client",
    "claim_id",
    "patient",
    "payer",
    "rule",
    "is_information",
    "also",
    "patient_billed_cents",
    "owed_cents",
    "difference_cents",
    "paid_cents",
    "open_cents",
    "refund_cents",
    "since_on",
    "fix",
)


@measure("Patient balances that do not follow the EOB", value="difference_cents", good="down")
def eob_check(tables: Mapping[str, Any], *, as_of: dt.date, posting_days: int = POSTING_DAYS) -> pd.DataFrame:
    """Every claim on which the patient is asked for more, or for less, than the payers' decisions leave to them.

    Formula
        difference_cents = patient_billed_cents - owed_cents
        patient_billed_cents = what was put on the patient - what the patient paid, whatever was written off since
        owed_cents = PR of the latest net decision of the last payer - what the patient paid
        open_cents = what the patient is asked too much today: at most the balance and the difference
        refund_cents = what the patient paid beyond what was owed: at most the difference
    Counts
        One row per claim with an insurer that fails a rule, under the first rule of `RULES` that it
        fails; `also` names the others. Reversals are netted. While a later payer of the claim has not
        decided, nothing is owed yet. Copays taken at the visit and money found and applied are
        payments; unapplied money is left out. A decision received in the last `posting_days` days may
        still be posted: either position will do. Claims with insurer postings and no remittance at all
        (EOBs on paper) cannot be checked and are left out. `is_information` marks rules that only say
        where to look: there is no waiver flag and no network flag in the data.
        For a statement before the remittance the first two amounts are those of its day.
    Date basis
        received_on of remittances, posted_on of postings, statement_on; all up to `as_of`
    Unit
        cents; difference_cents above zero: asked too much, below zero: too little
    Empty
        No claim that fails: no row. Without the table `statements` the rule about them is left out.
    Source
        codingahead.com, rcm101.blogspot.com (CO may not be billed to the patient; PR-50 implies a waiver);
        immedicaresolutions.com (CO and PR swapped in posting); the arithmetic is our own.

    >>> from rcm_analysis.examples.patients import example_patients
    >>> found = eob_check(example_patients(), as_of=dt.date(2026, 10, 31))
    >>> found[["claim_id", "rule", "difference_cents"]]
      claim_id                    rule  difference_cents
    0       C2               co_billed             20000
    1       C3  statement_before_remit             15000
    2       C4   share_not_transferred            -12000
    """
    claims = _compared(tables, as_of, as_of - dt.timedelta(days=posting_days))
    texts = [*KEY, "patient", "payer"]
    days = ["decided_on", "reversed_on", "billed_on", "co_on", "statement_on"]
    found = collect(claims.filter(col("is_suspect") == 1), texts, dates=days)
    return _named(found)


def _compared(tables: Mapping[str, Any], as_of: dt.date, then: dt.date) -> nw.LazyFrame:
    """Insured claims with both sides, and `is_suspect` where any rule may be broken."""
    names = [*KEY, "patient", "payer", "secondary_payer", "tertiary_payer", "entered_on"]
    claims = source(tables, "claims", names).filter(col("payer") != "self_pay", col("entered_on") <= as_of)
    payers = (
        nw.when(~col("tertiary_payer").is_null()).then(3).when(~col("secondary_payer").is_null()).then(2).otherwise(1)
    )
    claims = claims.with_columns(payers=payers).select(*KEY, "patient", "payer", "payers")
    earlier = payer_positions(tables, as_of=then).select(*KEY, place_then="place", share_then_cents="share_cents")
    both = claims.join(patient_accounts(tables, as_of=as_of), on=KEY, how="left")
    both = both.join(payer_positions(tables, as_of=as_of), on=KEY, how="left").join(earlier, on=KEY, how="left")
    both = both.join(_early_statements(tables, claims, as_of), on=KEY, how="left")
    amounts = (
        "billed_cents",
        "place",
        "place_then",
        "share_cents",
        "share_then_cents",
        "insured_postings",
        "waiver_cents",
        "pr45_cents",
        "statements",
    )
    both = both.with_columns(*[col(name).fill_null(0) for name in amounts])
    owed = [
        nw.when(col(place) >= col("payers")).then(col(share)).otherwise(0)
        for place, share in (("place", "share_cents"), ("place_then", "share_then_cents"))
    ]
    both = both.with_columns(owed_cents=owed[0], owed_then_cents=owed[1])
    is_paper = (col("place") == 0) & (col("insured_postings") > 0)
    both = both.with_columns(
        over_cents=nw.when(is_paper)
        .then(0)
        .otherwise(col("billed_cents") - nw.max_horizontal(col("owed_cents"), col("owed_then_cents"))),
        under_cents=nw.min_horizontal(col("owed_cents"), col("owed_then_cents")) - col("billed_cents"),
    )
    to_look_at = (col("billed_cents") > 0) & ((col("pr45_cents") > 0) | (col("waiver_cents") > 0))
    wrong = (col("over_cents") > 0) | (col("under_cents") > 0) | ((col("statements") > 0) & ~is_paper) | to_look_at
    return both.with_columns(is_suspect=nw.when(wrong).then(1).otherwise(0))


def _early_statements(tables: Mapping[str, Any], claims: nw.LazyFrame, as_of: dt.date) -> nw.LazyFrame:
    """Claims with statements sent before the last of their payers had answered: how many, the first, and its
    balance."""
    if "statements" not in tables:
        none = claims.filter(col("payers") == 0).select(*KEY, statements="payers", statement_cents="payers")
        return none.with_columns(statement_on=nw.lit(as_of))
    sent = source(tables, "statements", [*KEY, "statement_on", "balance_cents"]).filter(
        col("statement_on") <= as_of, col("balance_cents") > 0
    )
    answers = first_answers(tables, as_of=as_of)
    last = answers.join(claims.select(*KEY, "payers"), on=KEY, how="inner").filter(col("place") >= col("payers"))
    last = last.group_by(*KEY).agg(last_on=col("answered_on").min())
    any_on = answers.group_by(*KEY).agg(any_on=col("answered_on").min())
    rows = (
        sent.join(claims.select(*KEY), on=KEY, how="semi")
        .join(any_on, on=KEY, how="left")
        .join(last, on=KEY, how="left")
    )
    due = nw.coalesce(col("last_on"), col("any_on"))
    early = rows.filter(due.is_null() | (col("statement_on") < due))
    return early.group_by(*KEY).agg(
        statements=nw.len(), statement_cents=col("balance_cents").max(), statement_on=col("statement_on").min()
    )


def _named(found: pd.DataFrame) -> pd.DataFrame:
    """The suspects with the rules they break, and the amounts of the gravest one."""
    broken = _broken(found)
    order = [broken[rule].to_numpy() for rule in RULES]
    found = found.assign(
        rule=np.select(order, list(RULES), ""),
        also=[
            ", ".join(rule for rule, hit in zip(RULES, hits, strict=True) if hit) for hits in zip(*order, strict=True)
        ],
    )
    found = found[found["rule"] != ""].reset_index(drop=True)
    found["also"] = [
        also.removeprefix(rule).removeprefix(", ") for also, rule in zip(found["also"], found["rule"], strict=True)
    ]
    is_statement = found["rule"] == "statement_before_remit"
    billed = (found["billed_cents"] - found["paid_cents"]).where(~is_statement, found["statement_cents"])
    owed = (found["owed_cents"] - found["paid_cents"]).where(~is_statement, 0)
    asked = found["balance_cents"].clip(lower=0)
    too_much = (found["billed_cents"] - found["owed_cents"]).clip(lower=0)
    found = found.assign(
        is_information=found["rule"].isin(INFORMATION),
        patient_billed_cents=billed,
        owed_cents=owed,
        difference_cents=billed - owed,
        open_cents=np.minimum(asked, too_much),
        refund_cents=np.minimum((found["paid_cents"] - found["owed_cents"]).clip(lower=0), too_much),
        since_on=_since(found),
        fix=found["rule"].map(RULES).astype("str"),
    )
    return found.astype({"rule": "str", "also": "str", "is_information": "bool"})[list(COLUMNS)]


def _broken(found: pd.DataFrame) -> dict[str, pd.Series]:
    """For every rule, which of the suspects break it."""
    over, under, difference = found["over_cents"] > 0, found["under_cents"] > 0, found["over_cents"]
    is_waiting = over & (found["place"] < found["payers"])
    settled = over & ~is_waiting
    is_exchanged = (found["discount_cents"] == found["share_cents"]) & (found["billed_cents"] == found["co_cents"])
    is_swapped = is_exchanged & (found["share_cents"] > 0) & (found["co_cents"] > 0)
    taken = (
        ~found["reversed_on"].isna() & (found["billed_on"] <= found["reversed_on"]) & (found["co_billed_cents"] <= 0)
    )
    by_oa209 = found["oa209_cents"] >= difference
    extra = found["discount_cents"] + found["insurer_given_up_cents"] - found["co_cents"]
    by_co = (found["co_billed_cents"] > 0) | (-extra >= difference)
    asked = found["billed_cents"] > 0
    return {
        "before_remit": is_waiting & (found["place"] == 0),
        "before_secondary": is_waiting & (found["place"] > 0),
        "takeback": settled & taken & ~is_swapped,
        "posting_swap": (settled | under) & is_swapped,
        "oa209_billed": settled & ~is_swapped & ~taken & by_oa209,
        "co_billed": settled & ~is_swapped & ~taken & ~by_oa209 & by_co,
        "above_eob": settled & ~is_swapped & ~taken & ~by_oa209 & ~by_co,
        "share_written_off": under & ~is_swapped & (extra >= found["under_cents"]),
        "share_not_transferred": under & ~is_swapped & (extra < found["under_cents"]),
        "statement_before_remit": found["statements"] > 0,
        "pr45_balance": asked & (found["pr45_cents"] > 0),
        "waiver_unknown": asked & (found["waiver_cents"] > 0),
    }


def _since(found: pd.DataFrame) -> pd.Series:
    """The day from which the claim was wrong."""
    rule = found["rule"]
    days = found["billed_on"].where(found["billed_on"].notna(), found["decided_on"])
    days = days.where(~rule.isin(["share_written_off", "share_not_transferred", "posting_swap"]), found["decided_on"])
    days = days.where(rule != "takeback", found["reversed_on"])
    days = days.where((rule != "co_billed") | found["co_on"].isna(), found["co_on"])
    return days.where(rule != "statement_before_remit", found["statement_on"])


WAIVER_CODES = ("50", "96")
"""PR with these codes needs a waiver signed before the service (an ABN, for Medicare)."""


def payer_positions(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """What the last payer that has decided leaves to the patient, reversals netted.

    Formula
        share_cents = group PR, added up over the standing answers of the last payer in order of whom more
        decisions than reversals are known
    Counts
        Every claim that any payer has decided. `place` is that payer's place in the order of payers;
        decided_on and reversed_on the days of its last decision and reversal; oa209_cents, pr45_cents
        and waiver_cents its net amounts under OA-209, PR-45, and PR-50 or PR-96; co_cents those of all
        payers under CO. Refusals as a duplicate and answers that keep a claim open decide nothing, and so
        a reversal of one takes nothing back.
    Date basis
        received_on
    Unit
        cents
    """
    known = claim_adjudications(tables, as_of=as_of)
    undecided_cents = col("duplicate_cents") + col("pended_cents")
    is_reversal = (col("outcome") == "reversal") & ~((undecided_cents == col("charge_cents")) & (undecided_cents != 0))
    marked = known.with_columns(
        _place(),
        share_cents=nw.when(col("superseded") == 0).then(col("patient_cents")).otherwise(0),
        standing=nw.when(is_reversal).then(-1).when(col("outcome").is_in(list(UNDECIDED))).then(0).otherwise(1),
        reversed_on=nw.when(is_reversal).then(col("received_on")),
        decided_on=nw.when(col("outcome") != "reversal").then(col("received_on")),
    )
    by_place = (
        marked.group_by(*KEY, "place")
        .agg(col("share_cents").sum(), col("standing").sum(), col("reversed_on").max(), col("decided_on").max())
        .filter(col("standing") > 0)
    )
    last = by_place.group_by(*KEY).agg(col("place").max())
    codes = _by_code(tables, known, as_of)
    own = codes.group_by(*KEY, "place").agg(
        *[col(name).sum() for name in ("oa209_cents", "pr45_cents", "waiver_cents")]
    )
    all_payers = codes.group_by(*KEY).agg(col("co_cents").sum())
    standing = by_place.join(last, on=[*KEY, "place"], how="semi").drop("standing")
    return standing.join(own, on=[*KEY, "place"], how="left").join(all_payers, on=KEY, how="left")


def first_answers(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The day of the first decision by each payer in order: claim, `place`, `answered_on`."""
    known = claim_adjudications(tables, as_of=as_of).filter(~col("outcome").is_in(list(UNDECIDED)))
    return (
        known.with_columns(_place(), answered_on=col("received_on"))
        .group_by(*KEY, "place")
        .agg(col("answered_on").min())
    )


def _place() -> nw.Expr:
    order = col("payer_order")
    return nw.when(order == "tertiary").then(3).when(order == "secondary").then(2).otherwise(1).alias("place")


def _by_code(tables: Mapping[str, Any], known: nw.LazyFrame, as_of: dt.date) -> nw.LazyFrame:
    payment = ["client", "remit_claim_id"]
    payments = known.filter(col("superseded") == 0).with_columns(_place())
    names = [*payment, "group_code", "carc", "amount_cents", "received_on"]
    adjusted = source(tables, "remit_adjustments", names).filter(col("received_on") <= as_of).drop("received_on")
    both = of_answers(adjusted, tables).join(payments.select(*payment, "claim_id", "place"), on=payment, how="inner")
    group, code = col("group_code"), col("carc")
    parts = {
        "co_cents": group == "CO",
        "oa209_cents": (group == "OA") & (code == "209"),
        "pr45_cents": (group == "PR") & (code == "45"),
        "waiver_cents": (group == "PR") & code.is_in(list(WAIVER_CODES)),
    }
    return both.with_columns(
        **{name: nw.when(holds).then(col("amount_cents")).otherwise(0) for name, holds in parts.items()}
    )


def patient_accounts(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """What the ledger has put on the patient of each claim, and what became of it.

    Formula
        billed_cents = charges to the patient + responsibility moved to the patient, less moved back
        balance_cents = billed_cents - paid_cents - given_up_cents
    Counts
        Postings known by `as_of`; money not applied to a claim stays apart. A transfer without an
        adjustment code that lowers the patient's balance, and that no other party takes over on the
        same day, is money found and applied: it counts as paid, not as moved back.
        paid_cents is net of refunds. insured_postings counts payments and contractual adjustments of
        insurers: without a remittance they come from an EOB on paper. billed_on is the first day on
        which anything was put on the patient, co_on the first under group CO.
    Unit
        cents; discount_cents and insurer_given_up_cents (contractual, and write-offs, at the insurers) are positive
    """
    names = [*KEY, "kind", "party", "amount_cents", "posted_on", "group_code", "carc"]
    rows = source(tables, "transactions", names).filter(~col("claim_id").is_null(), col("posted_on") <= as_of)
    moved = _moved(rows.filter(col("kind") == "transfer"))
    other = _other(rows.filter(col("kind") != "transfer"))
    both = (
        nw.concat([other, moved.select(*other.collect_schema().names())], how="vertical")
        .group_by(*KEY)
        .agg(*[col(name).sum() for name in AMOUNTS], col("billed_on").min(), col("co_on").min())
    )
    return both.with_columns(balance_cents=col("billed_cents") - col("paid_cents") - col("given_up_cents"))


AMOUNTS = (
    "billed_cents",
    "paid_cents",
    "given_up_cents",
    "discount_cents",
    "insurer_given_up_cents",
    "insured_postings",
    "co_billed_cents",
)


def _other(rows: nw.LazyFrame) -> nw.LazyFrame:
    """The postings that move nothing between parties, each amount in its column."""
    by_patient, insured = col("party") == "patient", col("party").is_in(list(INSURANCE))
    kind, amount = col("kind"), col("amount_cents")
    parts = {
        "billed_cents": (by_patient & kind.is_in(["charge", "opening"]), amount),
        "paid_cents": (by_patient & kind.is_in(["payment", "refund", "takeback"]), amount * -1),
        "given_up_cents": (by_patient & kind.is_in(["write_off", "contractual"]), amount * -1),
        "discount_cents": (insured & (kind == "contractual"), amount * -1),
        "insurer_given_up_cents": (insured & (kind == "write_off"), amount * -1),
        "insured_postings": (insured & kind.is_in(["payment", "contractual"]), nw.lit(1)),
    }
    billed = by_patient & kind.is_in(["charge", "opening"]) & (amount > 0)
    return rows.select(
        *KEY,
        *[nw.when(holds).then(value).otherwise(0).cast(nw.Int64).alias(name) for name, (holds, value) in parts.items()],
        nw.lit(0).cast(nw.Int64).alias("co_billed_cents"),
        nw.when(billed).then(col("posted_on")).alias("billed_on"),
        nw.when(billed & (col("group_code") == "CO")).then(col("posted_on")).alias("co_on"),
    )


def _moved(transfers: nw.LazyFrame) -> nw.LazyFrame:
    """Responsibility put on the patient by transfers, and money that transfers applied."""
    by_patient, amount = col("party") == "patient", col("amount_cents")
    is_coded = ~col("group_code").is_null() | ~col("carc").is_null()
    sizes = transfers.with_columns(
        size=amount.abs(),
        coded=nw.when(by_patient & is_coded).then(amount).otherwise(0),
        bare=nw.when(by_patient & ~is_coded).then(amount).otherwise(0),
        others=nw.when(by_patient).then(0).otherwise(amount),
        co=nw.when(by_patient & (col("group_code") == "CO")).then(amount).otherwise(0),
    )
    days = sizes.group_by(*KEY, "posted_on", "size").agg(
        *[col(name).sum() for name in ("coded", "bare", "others", "co")]
    )
    rest = col("bare") + col("coded") + col("others")
    applied = nw.when((col("bare") < 0) & (rest < 0)).then(nw.max_horizontal(rest, col("bare"))).otherwise(0)
    known = days.with_columns(applied=applied).with_columns(billed_cents=col("coded") + col("bare") - col("applied"))
    return known.with_columns(
        *[
            nw.lit(0).cast(nw.Int64).alias(name)
            for name in ("given_up_cents", "discount_cents", "insurer_given_up_cents", "insured_postings")
        ],
        paid_cents=(col("applied") * -1).cast(nw.Int64),
        billed_cents=col("billed_cents").cast(nw.Int64),
        co_billed_cents=col("co").cast(nw.Int64),
        billed_on=nw.when(col("billed_cents") > 0).then(col("posted_on")),
        co_on=nw.when(col("co") > 0).then(col("posted_on")),
    )
