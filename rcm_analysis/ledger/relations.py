"""The relations between records: what should have come together, what breaks each one, and what that means.

`completeness` asks them; here each is a function that gives the rows which break it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ..tables.clients import FOREIGN, SELF_PAY, UNKNOWN
from ..tables.ids import joined_but_for_form
from .bank import LATE_DAYS
from .records import KEY, Records, col, per_claim, without

ON_ITS_WAY_DAYS = 30
"""Charges, claim files and postings of the last so many days may still be on their way: they are not missed."""
UNANSWERED_DAYS = 120
"""A claim sent longer ago than this and still open should have been answered: it is the oldest age of the aging."""
UNACKNOWLEDGED_DAYS = 10
"""A clearinghouse answers within days: a claim that it has said nothing about for longer may never have reached it."""
LEFT_DAYS, FEWEST_LEFT, BY_PATIENTS = 60, 20, ("payment", "write_off", "refund", "takeback")
"""Of twenty claims left to patients so long ago some patient has paid: where one in five does, none of twenty pays once
in a hundred times. What settles a patient's share is posted by the office, and in no claim file or remittance."""
USUAL_SHARE = 0.05
"""The share of its whole up to which money that waits is usual. Held, unanswered and unapplied claims make 0.1 to 2.5
percent in a practice that works normally; a clearinghouse or a payer whose files are missing makes far more."""

NEEDS_A_CLAIM = ("charge", "contractual", "write_off")


# ---------------------------------------------------------------- billed, paid and answered
def paid_never_billed(records: Records) -> pl.DataFrame:
    """Claims with payments or takebacks, and without a charge in the ledger: each would look like a credit.

    A patient may pay at the visit, before the charge is entered: such payments count after 30 days.
    """
    paid = _by_day(uncharged(records, records.cash))
    return paid.join(records.answered.select(*KEY, other_cents="amount_cents"), on=KEY, how="left")


def uncharged(records: Records, postings: pl.DataFrame) -> pl.DataFrame:
    """The postings on claims without a charge; what a patient paid in the last 30 days waits for one."""
    is_due = (col("party") != "patient") | (col("known_on") < records.since(ON_ITS_WAY_DAYS))
    return without(postings.filter(is_due), records.charged)


def answered_never_billed(records: Records) -> pl.DataFrame:
    """Claims of remittances that no 837, no claim table and no charge knows; dollars are the payer's CLP03."""
    return without(records.answered, records.billed)


def line_never_billed(records: Records) -> pl.DataFrame:
    """Remittance lines of claims whose service lines we have, with neither the number nor the procedure of any."""
    return _lines(records, only_strange=True)


def _lines(records: Records, *, only_strange: bool) -> pl.DataFrame:
    rows = records.read("remit_lines", "claim_id", "line_number", "procedure", "charge_cents")
    rows = rows.with_columns(amount_cents=col("charge_cents").abs()).join(records.lines, on=KEY, how="semi")
    if only_strange:
        for name in ("line_number", "procedure"):
            rows = without(rows, records.lines, [*KEY, name])
    return rows.with_columns(
        other=pl.format("line {}, {}", col("line_number").fill_null(0), col("procedure").fill_null("no code"))
    )


def unanswered(records: Records) -> pl.DataFrame:
    """Claims first sent more than 120 days ago, with an insurance balance, and neither an answer nor money from a
    payer."""
    insurance = records.applied.filter(col("party") != "patient")
    owed = per_claim(insurance, col("amount_cents").sum()).filter(col("amount_cents") > 0)
    heard = insurance.filter(~col("kind").is_in(["charge", "transfer", "opening"]))
    silent = without(without(_sent_long_ago(records), records.answered), heard)
    return silent.drop("amount_cents").join(owed.select(*KEY, "amount_cents"), on=KEY, how="inner")


def _sent_long_ago(records: Records) -> pl.DataFrame:
    rows = records.sent.filter(col("known_on") < records.since(UNANSWERED_DAYS))
    return rows.with_columns(other=pl.format("sent {}", "known_on"), known_on=pl.lit(records.as_of))


def never_acknowledged(records: Records) -> pl.DataFrame:
    """Claims first sent more than 10 days ago, since the first acknowledgment of a claim, of which neither a front end
    nor a payer has said anything."""
    silent = without(_to_be_acknowledged(records), records.acknowledged.drop_nulls("claim_id"))
    return without(without(silent, records.checked), records.answered)


def _to_be_acknowledged(records: Records) -> pl.DataFrame:
    first = records.acknowledged.group_by("client").agg(_first=col("known_on").min())
    rows = records.sent.filter(col("known_on") < records.since(UNACKNOWLEDGED_DAYS)).join(first, on="client")
    rows = rows.filter(col("known_on") >= col("_first"))
    return rows.with_columns(other=pl.format("sent {}", "known_on"), known_on=pl.lit(records.as_of))


def acknowledged_never_sent(records: Records) -> pl.DataFrame:
    """Claims that a front end acknowledged and no 837 of ours holds, by the number that it names."""
    strange = without(records.acknowledged, records.sent).with_columns(
        record=pl.coalesce("claim_number", "claim_id"), other="kind", amount_cents=col("amount_cents").fill_null(0)
    )
    found = strange.group_by("client", "record").agg(
        col("known_on").max(), col("amount_cents").max(), col("other").last()
    )
    return found.sort("client", "record")


def owed_never_billed(records: Records) -> pl.DataFrame:
    """Balances owed on claims that no bill, claim, charge, opening balance or answer knows."""
    owed = without(without(records.parts.filter(col("amount_cents") > 0), records.billed), records.answered)
    return owed.with_columns(other="party", known_on=pl.lit(records.as_of))


def left_to_patients(records: Records) -> pl.DataFrame:
    """Balances left to patients where nothing is on file of what any patient paid or was forgiven: what claim files and
    remittances alone tell. Asked where twenty claims or more were left to patients over 60 days ago."""
    postings = records.applied.filter(col("party") == "patient")
    settled = postings.filter(col("kind").is_in(BY_PATIENTS)).select("client").unique()
    old = per_claim(postings.filter(col("known_on") < records.since(LEFT_DAYS)), col("amount_cents").sum())
    many = old.filter(col("amount_cents") > 0).group_by("client").len().filter(col("len") >= FEWEST_LEFT)
    owed = records.parts.filter(col("amount_cents") > 0, col("party") == "patient")
    owed = owed.join(many, on="client", how="semi").join(settled, on="client", how="anti")
    return owed.with_columns(other="party", known_on=pl.lit(records.as_of))


# ---------------------------------------------------------------- ledger, export and 837
def posted_without_claim(records: Records) -> pl.DataFrame:
    """Claim ids of postings that are not in the claim table; dollars are the postings without their signs."""
    return without(_by_day(records.applied), records.claims)


def _by_day(postings: pl.DataFrame) -> pl.DataFrame:
    """What was posted on each claim on each day, without its signs."""
    return postings.group_by(*KEY, "known_on").agg(col("amount_cents").abs().sum())


def claimless(records: Records) -> pl.DataFrame:
    """Charges, adjustments and write-offs that name no claim: only money can wait for one."""
    rows = records.postings.filter(col("claim_id").is_null(), col("kind").is_in(NEEDS_A_CLAIM))
    return rows.with_columns(record=pl.lit("no claim"), other="kind", amount_cents=col("amount_cents").abs())


def unapplied(records: Records) -> pl.DataFrame:
    """Money received and not applied to a claim, by party: what came less what has been applied since."""
    rows = records.postings.filter(col("claim_id").is_null(), ~col("kind").is_in(NEEDS_A_CLAIM))
    sums = rows.group_by("client", record="party").agg(col("amount_cents").sum().abs())
    return sums.filter(col("amount_cents") > 0).with_columns(known_on=pl.lit(records.as_of))


def not_in_837(records: Records) -> pl.DataFrame:
    """Claims of the claim table, entered more than 30 days ago and since the first 837, that no 837 carries."""
    return without(_to_be_sent(records), records.sent)


def _to_be_sent(records: Records) -> pl.DataFrame:
    first = records.sent.group_by("client").agg(_first=col("known_on").min())
    rows = records.claims.filter(col("payer") != SELF_PAY, col("known_on") < records.since(ON_ITS_WAY_DAYS))
    return rows.join(first, on="client", how="inner").filter(col("known_on") >= col("_first"))


def void_still_charged(records: Records) -> pl.DataFrame:
    """Claims voided by an 837 (frequency 8) more than 30 days ago that the ledger still charges, with that charge."""
    voided = records.voided.filter(col("known_on") < records.since(ON_ITS_WAY_DAYS))
    charged = records.charged.filter(col("amount_cents") > 0).select(*KEY, "amount_cents")
    return voided.join(charged, on=KEY, how="inner")


def not_in_export(records: Records) -> pl.DataFrame:
    """Claims of the 837s that are not in the claim table."""
    return without(records.sent, records.claims)


def id_forms(records: Records) -> pl.DataFrame:
    """Claim ids that would meet but for their form: `record` as paid or sent, `other` as billed, dollars of both."""
    ours = pl.concat([records.claims.select(KEY), records.charged.select(KEY)]).unique()
    paid = records.cash.select(KEY).unique()
    known = records.billed.select(KEY)
    frames = []
    for left, right in (
        (records.sent, ours),
        (records.answered, known),
        (paid, known),
        (records.charged, records.claims.select(KEY)),
    ):
        frames.append(_pairs(without(left.select(KEY), right), without(right, left)))
    pairs = pl.concat(frames).unique(maintain_order=True)
    seen = pl.concat([rows.select(*KEY, "amount_cents") for rows in (records.sent, records.answered)])
    seen = pl.concat([seen, per_claim(records.cash, col("amount_cents").abs().sum()).select(*KEY, "amount_cents")])
    theirs = seen.group_by(KEY, maintain_order=True).agg(other_cents=col("amount_cents").first())
    return pairs.join(theirs.rename({"claim_id": "record"}), on=["client", "record"], how="left").join(
        records.billed.rename({"claim_id": "other"}), on=["client", "other"], how="left"
    )


def _pairs(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    schema = {"client": pl.String, "record": pl.String, "other": pl.String}
    frames = [pl.DataFrame(schema=schema)]
    for client in left["client"].unique().sort():
        ids = [frame.filter(col("client") == client)["claim_id"].sort() for frame in (left, right)]
        found = joined_but_for_form(*ids)
        frames.append(found.select(pl.lit(client).alias("client"), record="left", other="right"))
    return pl.concat(frames)


def parts_cancel(records: Records) -> pl.DataFrame:
    """Claims whose balance is nothing only because what one party owes and another's credit are the same."""
    claims = records.parts.group_by(KEY).agg(
        net=col("amount_cents").sum(), amount_cents=col("amount_cents").filter(col("amount_cents") > 0).sum()
    )
    found = claims.filter(col("net") == 0, col("amount_cents") > 0)
    return found.with_columns(known_on=pl.lit(records.as_of))


# ---------------------------------------------------------------- remittances and the ledger
def same_money_twice(records: Records) -> pl.DataFrame:
    """Remittance payments of one trace (but for its form), amount and day, whatever the payer is called. The first is
    not counted."""
    rows = records.deposits.filter(col("paid_cents") != 0).sort("known_on", "remit_id")
    again = rows.filter(~pl.struct("client", "check", "paid_cents", "paid_on").is_first_distinct())
    return again.with_columns(record="trace", other="payer", amount_cents=col("paid_cents").abs())


def same_answer_twice(records: Records) -> pl.DataFrame:
    """Claims that a payer paid in several remittances under one number of its own (CLP07), with one amount, and took
    back in none of them: together their charges exceed what was billed. Dollars are those beyond the first."""
    same = ["client", "claim_id", "payer", "payer_claim_id"]
    paid = records.remitted.filter(col("paid_cents") != 0).drop_nulls("payer_claim_id")
    sums = paid.group_by(*same, one=col("paid_cents").abs()).agg(
        col("known_on").max(), col("amount_cents").sum(), col("remit_id").n_unique(), net=col("paid_cents").sum()
    )
    billed = records.billed.select(*KEY, billed="amount_cents")
    sums = sums.filter(col("net") > col("one"), col("remit_id") > 1).join(billed, on=KEY, how="left")
    twice = sums.filter(col("billed").is_null() | (col("amount_cents") > col("billed")))
    return twice.with_columns(
        other=pl.format("payer's number {}", "payer_claim_id"), amount_cents=col("net") - col("one")
    )


def other_practice(records: Records) -> pl.DataFrame:
    """Remittance payments whose payee the registry does not know as the client (see `Registry.payee`)."""
    return records.payees.filter(col("whose").is_in([FOREIGN, UNKNOWN]))


def posted_otherwise(records: Records) -> pl.DataFrame:
    """Claims on which what was posted under a trace is not what the remittances of that trace pay on them: claim by
    claim, so that two errors do not cancel. A trace under which nothing was posted yet is left to `unposted`."""
    place = ["client", "check", "claim_id"]
    rows = records.remitted.join(records.deposits.select("client", "remit_id", "check"), on=["client", "remit_id"])
    paid = (
        rows.join(records.traced, on=["client", "check"], how="semi")
        .group_by(place)
        .agg(col("known_on").max(), paid=col("paid_cents").sum())
    )
    posted = (
        records.traced.join(records.deposits, on=["client", "check"], how="semi")
        .group_by(place)
        .agg(posted_on=col("known_on").max(), posted=-col("amount_cents").sum())
    )
    both = paid.join(posted, on=place, how="full", coalesce=True).with_columns(col("paid", "posted").fill_null(0))
    both = both.with_columns(
        amount_cents=(col("posted") - col("paid")).abs(), known_on=pl.max_horizontal("known_on", "posted_on")
    )
    return both.filter(col("amount_cents") != 0).with_columns(record="claim_id", other=pl.format("trace {}", "check"))


def unposted(records: Records) -> pl.DataFrame:
    """Remittance payments received more than 30 days ago of which nothing was posted under their trace."""
    rows = records.deposits.filter(col("claims_paid_cents") != 0, col("known_on") < records.since(ON_ITS_WAY_DAYS))
    rows = without(rows, records.traced, ["client", "check"])
    return rows.with_columns(record="trace", other="payer", amount_cents=col("claims_paid_cents").abs())


def no_remittance(records: Records) -> pl.DataFrame:
    """Insurance payments, since the first remittance, under a check or transfer number that no remittance has."""
    return without(_since_remittances(records), records.deposits, ["client", "check"])


def _since_remittances(records: Records) -> pl.DataFrame:
    first = records.deposits.group_by("client").agg(_first=col("known_on").min())
    rows = records.traced.join(first, on="client", how="inner").filter(col("known_on") >= col("_first"))
    return rows.with_columns(record="claim_id", other="trace", amount_cents=col("amount_cents").abs())


def _at_the_bank(side: str) -> Callable[[Records], pl.DataFrame]:
    return lambda records: records.bank.filter(col("side") == side).with_columns(col("amount_cents").abs())


def not_banked(records: Records) -> pl.DataFrame:
    """Remittance payments of over 10 days ago that no deposit of the bank matches (see `ledger.bank`)."""
    return _at_the_bank("remitted")(records).filter(col("how") == "")


def banked_alone(records: Records) -> pl.DataFrame:
    """Deposits of health plans and lockboxes of over 10 days ago that no remittance matches."""
    return _at_the_bank("banked")(records).filter(col("how") == "")


def set_aside(records: Records) -> pl.DataFrame:
    """Rows that intake set aside, and files that it refused: they are in no table. Their dollars may be unreadable too.

    A row stays until its file has been read without it: with the row or the column map corrected, under the same name.
    A refused file stays until it is read, or gone from the raw folder; so does one that ends without its trailer.
    """
    return records.aside


# ---------------------------------------------------------------- the list of relations
@dataclass(frozen=True)
class Relation:
    """One relation: what breaks it, what its dollars are a share of, and the share up to which it holds.

    `needs` names the frames of `Records` without which it cannot be asked: a client that sends us no 837
    breaks none by it. `is_work` where no record is missing: somebody has yet to answer, apply or close.
    `is_gap` where a whole kind of record was never delivered: reports say it, and what was delivered holds.
    `means` says in words what is to be done.
    """

    name: str
    unit: str
    what: str
    whole: str
    find: Callable[[Records], pl.DataFrame]
    of: Callable[[Records], pl.DataFrame]
    needs: tuple[str, ...] = ()
    tolerance: float = 0.0
    is_work: bool = False
    is_gap: bool = False
    means: str = ""


def _now(rows: Callable[[Records], pl.DataFrame]) -> Callable[[Records], pl.DataFrame]:
    """The whole of a relation that is about a state and not about a month: it belongs to the day itself."""
    return lambda records: rows(records).with_columns(known_on=pl.lit(records.as_of))


def _deposited(records: Records) -> pl.DataFrame:
    return records.deposits.with_columns(amount_cents="claims_paid_cents")


RELATIONS = (
    Relation(
        "paid_never_billed",
        "claim",
        "paid but never billed",
        "payments",
        paid_never_billed,
        lambda r: r.cash,
        means="ask for the charges of these claims; without them each looks like a credit",
    ),
    Relation(
        "answered_never_billed",
        "claim",
        "in remittances that nobody billed",
        "charges in remittances",
        answered_never_billed,
        lambda r: r.answered,
        means="ask for the 837s of these claims, or find out whose they are",
    ),
    Relation(
        "line_never_billed",
        "line",
        "in remittances that nobody billed",
        "charges of the lines in remittances",
        line_never_billed,
        lambda r: _lines(r, only_strange=False),
        ("lines",),
        means="the payer answered services that were not sent so",
    ),
    Relation(
        "owed_never_billed",
        "claim",
        "owing and never billed",
        "balances owed",
        owed_never_billed,
        _now(lambda r: r.parts.filter(col("amount_cents") > 0)),
        means="ask where these balances come from; no worklist holds them",
    ),
    Relation(
        "left_to_patients",
        "claim",
        "left to patients, with nothing on file of what patients paid",
        "balances owed",
        left_to_patients,
        _now(lambda r: r.parts.filter(col("amount_cents") > 0)),
        is_gap=True,
        means="ask for the postings: claim files and remittances tell of no patient's money; no worklist holds these",
    ),
    Relation(
        "unanswered",
        "claim",
        f"sent over {UNANSWERED_DAYS} days ago, open, without any answer",
        "charges sent as long ago",
        unanswered,
        _sent_long_ago,
        ("sent", "remitted"),
        USUAL_SHARE,
        is_work=True,
        means="somebody has to ask the payer",
    ),
    Relation(
        "never_acknowledged",
        "claim",
        f"sent over {UNACKNOWLEDGED_DAYS} days ago and neither acknowledged nor answered",
        "charges sent as long ago",
        never_acknowledged,
        _to_be_acknowledged,
        ("sent", "acknowledged"),
        is_work=True,
        means="ask the clearinghouse whether it has them; send them again while the filing limit runs",
    ),
    Relation(
        "acknowledged_never_sent",
        "claim",
        "acknowledged that no 837 of ours holds",
        "charges acknowledged",
        acknowledged_never_sent,
        lambda r: r.acknowledged,
        ("sent", "acknowledged"),
        means="ask for the 837s of these claims, or find out whose they are",
    ),
    Relation(
        "posted_without_claim",
        "claim",
        "with postings but missing in the claim table",
        "postings",
        posted_without_claim,
        lambda r: r.applied,
        ("claims",),
        means="ask for the claims of the export; these have no payer and no day of service",
    ),
    Relation(
        "claimless",
        "charge",
        "or adjustment without a claim",
        "postings",
        claimless,
        lambda r: r.postings,
        means="ask which claims they belong to; nobody can collect them",
    ),
    Relation(
        "unapplied",
        "balance",
        "of money not applied to a claim",
        "payments",
        unapplied,
        _now(lambda r: r.cash),
        (),
        USUAL_SHARE,
        is_work=True,
        means="money that waits to be put to its claim",
    ),
    Relation(
        "not_in_837",
        "claim",
        f"entered over {ON_ITS_WAY_DAYS} days ago that no 837 carries",
        "charges of the claims entered",
        not_in_837,
        _to_be_sent,
        ("claims", "sent"),
        USUAL_SHARE,
        means="they were not sent, or a claim file is missing",
    ),
    Relation(
        "not_in_export",
        "claim",
        "in claim files sent, but missing in the claim table",
        "charges sent",
        not_in_export,
        lambda r: r.sent,
        ("claims", "sent"),
        means="ask for the claims of the export; these were sent, and are not in it",
    ),
    Relation(
        "void_still_charged",
        "claim",
        f"voided by an 837 over {ON_ITS_WAY_DAYS} days ago and still charged",
        "charges sent",
        void_still_charged,
        lambda r: r.sent,
        ("sent", "charged"),
        means="the billing system has to take the charge back, as the void told the payer",
    ),
    Relation(
        "id_forms",
        "claim id",
        "that would meet a billed one but for its form",
        "charges billed",
        id_forms,
        lambda r: r.billed,
        means="one claim under two numbers; ask which form is right",
    ),
    Relation(
        "same_money_twice",
        "remittance payment",
        "with the trace, amount and day of another",
        "deposits",
        same_money_twice,
        _deposited,
        means="compare the two: one payment that came twice, or two with one number",
    ),
    Relation(
        "same_answer_twice",
        "claim",
        "paid again by the answer that had paid it",
        "claim payments in remittances",
        same_answer_twice,
        _deposited,
        means="a lost check sent anew, or money to be returned; ask the bank for both checks",
    ),
    Relation(
        "other_practice",
        "remittance payment",
        "for a payee not known as this client",
        "deposits",
        other_practice,
        lambda r: r.payees,
        ("payees",),
        means="if it is this client's, add npis, tax_ids or aliases to the registry; if not, add it to not_ours",
    ),
    Relation(
        "posted_otherwise",
        "claim",
        "posted otherwise than the remittance pays",
        "claim payments in remittances",
        posted_otherwise,
        _deposited,
        ("traced",),
        means="the money is counted once, but stands on another claim than the payer says",
    ),
    Relation(
        "unposted",
        "remittance payment",
        f"of over {ON_ITS_WAY_DAYS} days ago without a posting",
        "claim payments in remittances",
        unposted,
        _deposited,
        ("traced",),
        means="the payer has paid, and the ledger does not have it yet",
    ),
    Relation(
        "no_remittance",
        "insurance posting",
        "under a check that has no remittance",
        "insurance postings with a check",
        no_remittance,
        _since_remittances,
        ("deposits",),
        USUAL_SHARE,
        means="ask for the remittances of these checks",
    ),
    Relation(
        "not_banked",
        "remittance payment",
        f"of over {LATE_DAYS} days ago not found in the bank",
        "deposits of days that bank statements cover",
        not_banked,
        _at_the_bank("remitted"),
        ("bank",),
        is_work=True,
        means="ask the bank, then the payer for proof of payment; or a statement of another account is missing",
    ),
    Relation(
        "banked_alone",
        "bank deposit",
        f"of a health plan or lockbox over {LATE_DAYS} days ago that no remittance explains",
        "deposits of health plans and lockboxes",
        banked_alone,
        _at_the_bank("banked"),
        ("bank", "deposits"),
        USUAL_SHARE,
        means="ask the payers for the remittances of these deposits",
    ),
    Relation(
        "set_aside",
        "record",
        "set aside at intake",
        "what was delivered of the same kind",
        set_aside,
        lambda r: r.delivered,
        means="rows and files that are in no figure; correct them and read them again, or take the files away",
    ),
    Relation(
        "parts_cancel",
        "claim",
        "closed only because a debt and a credit cancel",
        "balances owed",
        parts_cancel,
        _now(lambda r: r.parts.filter(col("amount_cents") > 0)),
        (),
        USUAL_SHARE,
        is_work=True,
        means="what one party owes has to be moved to the other",
    ),
)
"""Every relation that is asked, in the order in which it is printed."""
NAMES = tuple(relation.name for relation in RELATIONS)
