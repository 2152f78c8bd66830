"""What should have come together and did not: one anti-join per relation between records, in dollars.

A sum over what came in proves nothing about what did not. `relations` asks every relation and returns
one row each with its count, its dollars and its share; `rows_behind` gives the list behind one of them.

    dollars are sums of absolute values: two errors of +50 and -50 are 100, never 0
    dollars of two relations may be the same dollars, and are never added up

The tables may come from any engine; the columns that are needed are collected once and joined in Polars,
because the forms of ids and traces are text work that engines do differently.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ParameterError, closest, listed
from ..periods import Period
from ..tables.clients import FOREIGN, SELF_PAY, UNKNOWN, Registry
from ..tables.ids import joined_but_for_form
from .ratios import quotient
from .records import KEY, Records, col, per_claim, without

ON_ITS_WAY_DAYS = 30
"""Charges, claim files and postings of the last so many days may still be on their way: they are not missed."""
UNANSWERED_DAYS = 120
"""A claim sent longer ago than this and still open should have been answered: it is the oldest age of the aging."""
USUAL_SHARE = 0.05
"""The share of its whole up to which money that waits is usual. Held, unanswered and unapplied claims make 0.1 to 2.5
percent in a practice that works normally; a clearinghouse or a payer whose files are missing makes far more."""

PHANTOM_SHARE = 0.02
"""From this share of its whole on, a broken relation is said on page one and nothing is advised on its dollars.
It is the smallest share that shows in a month's cash or charges, which differ from month to month by a few percent."""

NEEDS_A_CLAIM = ("charge", "contractual", "write_off")
ROW = ("client", "record", "other", "known_on", "amount_cents", "other_cents")


# ---------------------------------------------------------------- billed, paid and answered
def paid_never_billed(records: Records) -> pl.DataFrame:
    """Claims with payments or takebacks, and without a charge in the ledger: each would look like a credit.

    A patient may pay at the visit, before the charge is entered: such payments count after 30 days.
    """
    paid = _by_day(_uncharged(records, records.cash))
    return paid.join(records.answered.select(*KEY, other_cents="amount_cents"), on=KEY, how="left")


def _uncharged(records: Records, postings: pl.DataFrame) -> pl.DataFrame:
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


def not_in_export(records: Records) -> pl.DataFrame:
    """Claims of the 837s that are not in the claim table."""
    return without(records.sent, records.claims)


def id_forms(records: Records) -> pl.DataFrame:
    """Claim ids that would meet but for their form: `record` as paid or sent, `other` as billed, dollars of both."""
    ours = pl.concat([records.claims.select(KEY), records.charged.select(KEY)]).unique()
    paid = records.cash.select(KEY).unique()
    known = records.billed.select(KEY)
    frames = []
    for left, right in ((records.sent, ours), (records.answered, known), (paid, known)):
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
    """Remittance payments of one trace (but for its form), amount and day, whatever the payer is called.

    The first of them is not counted; dollars are those of the others.
    """
    same = ["client", "check", "paid_cents", "paid_on"]
    rows = records.deposits.filter(col("paid_cents") != 0).sort("known_on", "remit_id")
    again = rows.filter(~pl.struct(same).is_first_distinct())
    return again.with_columns(record="trace", other="payer", amount_cents=col("paid_cents").abs())


def other_practice(records: Records) -> pl.DataFrame:
    """Remittance payments whose payee the registry does not know as the client (see `Registry.payee`)."""
    return records.payees.filter(col("whose").is_in([FOREIGN, UNKNOWN]))


def posted_otherwise(records: Records) -> pl.DataFrame:
    """Claims on which what was posted under a trace is not what the remittances of that trace pay on them.

    The difference is taken claim by claim, so that two errors inside a deposit do not cancel; a trace
    under which nothing was posted yet is left to `unposted`.
    """
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


# ---------------------------------------------------------------- the list of relations
@dataclass(frozen=True)
class Relation:
    """One relation: what breaks it, what its dollars are a share of, and the share up to which it holds.

    `needs` names the frames of `Records` without which it cannot be asked: a client that sends us no 837
    breaks none by it. `is_work` where no record is missing: somebody has yet to answer, apply or close.
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


def _now(rows: Callable[[Records], pl.DataFrame]) -> Callable[[Records], pl.DataFrame]:
    """The whole of a relation that is about a state and not about a month: it belongs to the day itself."""
    return lambda records: rows(records).with_columns(known_on=pl.lit(records.as_of))


def _deposited(records: Records) -> pl.DataFrame:
    return records.deposits.with_columns(amount_cents="claims_paid_cents")


RELATIONS = (
    Relation("paid_never_billed", "claim", "paid but never billed", "payments", paid_never_billed, lambda r: r.cash),
    Relation(
        "answered_never_billed",
        "claim",
        "in remittances that nobody billed",
        "charges in remittances",
        answered_never_billed,
        lambda r: r.answered,
    ),
    Relation(
        "line_never_billed",
        "line",
        "in remittances that nobody billed",
        "charges of the lines in remittances",
        line_never_billed,
        lambda r: _lines(r, only_strange=False),
        ("lines",),
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
    ),
    Relation(
        "posted_without_claim",
        "claim",
        "with postings but missing in the claim table",
        "postings",
        posted_without_claim,
        lambda r: r.applied,
        ("claims",),
    ),
    Relation("claimless", "charge", "or adjustment without a claim", "postings", claimless, lambda r: r.postings),
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
    ),
    Relation(
        "not_in_export",
        "claim",
        "in 837s but missing in the claim table",
        "charges sent",
        not_in_export,
        lambda r: r.sent,
        ("claims", "sent"),
    ),
    Relation(
        "id_forms",
        "claim id",
        "that would meet a billed one but for its form",
        "charges billed",
        id_forms,
        lambda r: r.billed,
    ),
    Relation(
        "same_money_twice",
        "remittance payment",
        "with the trace, amount and day of another",
        "deposits",
        same_money_twice,
        _deposited,
    ),
    Relation(
        "other_practice",
        "remittance payment",
        "for a payee not known as this client",
        "deposits",
        other_practice,
        lambda r: r.payees,
        ("payees",),
    ),
    Relation(
        "posted_otherwise",
        "claim",
        "posted otherwise than the remittance pays",
        "claim payments in remittances",
        posted_otherwise,
        _deposited,
        ("traced",),
    ),
    Relation(
        "unposted",
        "remittance payment",
        f"of over {ON_ITS_WAY_DAYS} days ago without a posting",
        "claim payments in remittances",
        unposted,
        _deposited,
        ("traced",),
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
    ),
)
"""Every relation that is asked, in the order in which it is printed."""
NAMES = tuple(relation.name for relation in RELATIONS)


def relations(
    tables: Mapping[str, Any], *, as_of: dt.date, period: Period | None = None, registry: Registry | None = None
) -> pd.DataFrame:
    """Every relation between the records of each client: how often it is broken, for how much, of how much.

    Formula
        share = amount_cents / whole_cents
        is_broken where count > 0 and share is above the tolerance of the relation (0 for most of them,
        5 % where waiting is usual)
    Counts
        Records known at the end of `as_of`; with `period` those that became known in it, against the
        whole of the period (balances, unapplied money and unanswered claims stand as of the day). A relation
        that lacks one side altogether is not asked: `is_asked` is false, and it is not broken. Payees are
        judged by the `registry`, and not asked without it.
    Unit
        cents, absolute values added up; count is of claims, else of rows of `rows_behind`
    Empty
        No row for a client without any record. A whole of nothing gives an empty share; with rows
        beside it the relation is broken.
    Shape
        client, relation, unit and what (in words: so many claims paid but never billed), count, amount_cents,
        whole, whole_cents, tolerance, is_work, is_asked, share, is_broken; one row per client and relation
    Source
        our own: complete before correct

    >>> day = dt.date(2026, 3, 31)
    >>> rows = pd.DataFrame({
    ...     "client": ["a"] * 2, "claim_id": ["1", "2"], "kind": ["charge", "payment"], "party": ["primary"] * 2,
    ...     "amount_cents": [10000, -8000], "trace": None, "reason": None, "posted_on": [day] * 2})
    >>> found = relations({"transactions": rows}, as_of=day)
    >>> found.loc[found["is_broken"], ["relation", "count", "amount_cents", "whole_cents", "share"]]
                relation  count  amount_cents  whole_cents  share
    0  paid_never_billed      1          8000         8000    1.0
    """
    return relations_of(tables, as_of=as_of, periods=[period], registry=registry)[0]


def relations_of(
    tables: Mapping[str, Any], *, as_of: dt.date, periods: Sequence[Period | None], registry: Registry | None = None
) -> list[pd.DataFrame]:
    """`relations` for each of these periods (None: all that is known), the records read and compared once."""
    records = Records(tables, as_of, registry)
    clients = _clients(records)
    both = [(relation, _rows(relation, records), relation.of(records)) for relation in RELATIONS]
    asked = {relation.name: _asked(relation, records, clients) for relation in RELATIONS}
    out = []
    for period in periods:
        frames = [_one(relation, rows, whole, clients, period) for relation, rows, whole in both]
        found = pd.concat(frames, ignore_index=True)
        found["is_asked"] = [
            client in asked[name] for client, name in zip(found["client"], found["relation"], strict=True)
        ]
        found.loc[~found["is_asked"], ["count", "amount_cents"]] = 0
        found["share"] = quotient(found["amount_cents"], found["whole_cents"])
        above = found["share"].isna() | (found["share"] > found["tolerance"])
        found["is_broken"] = found["is_asked"] & (found["count"] > 0) & above
        order = found["relation"].map(NAMES.index)
        found = found.assign(order=order).sort_values(["client", "order"], ignore_index=True)
        out.append(found.drop(columns="order"))
    return out


def _clients(records: Records) -> list[str]:
    frames = (records.postings, records.claims, records.sent, records.answered, records.deposits)
    return pl.concat([frame.select("client") for frame in frames])["client"].unique().sort().to_list()


def _asked(relation: Relation, records: Records, clients: list[str]) -> set[str]:
    """The clients that have all that the relation needs."""
    return set(clients).intersection(*(getattr(records, need)["client"] for need in relation.needs))


def _one(
    relation: Relation, rows: pl.DataFrame, whole: pl.DataFrame, clients: list[str], period: Period | None
) -> pd.DataFrame:
    out = pd.DataFrame({"client": pd.array(clients, dtype="str")}).assign(
        relation=relation.name, unit=relation.unit, what=relation.what
    )
    out = out.merge(_summed(rows, period, "count", "amount_cents", unit=relation.unit), how="left")
    out = out.assign(whole=relation.whole).merge(
        _summed(whole, period, "_", "whole_cents").drop(columns="_"), how="left"
    )
    for name in ("count", "amount_cents", "whole_cents"):
        out[name] = out[name].fillna(0).astype("int64")
    return out.assign(tolerance=relation.tolerance, is_work=relation.is_work)


def _summed(rows: pl.DataFrame, period: Period | None, count: str, amount: str, *, unit: str = "") -> pd.DataFrame:
    kept = rows.filter(period.holds(col("known_on"))) if period else rows
    number = col("record").n_unique() if unit == "claim" else pl.len()
    sums = kept.group_by("client").agg(number.alias(count), col("amount_cents").abs().sum().alias(amount))
    return sums.to_pandas()


def _rows(relation: Relation, records: Records) -> pl.DataFrame:
    """The rows of one relation with the columns of every list."""
    rows = relation.find(records)
    if "record" not in rows.columns:
        rows = rows.rename({"claim_id": "record"})
    kinds = {"other": pl.String, "other_cents": pl.Int64}
    rows = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in kinds.items() if name not in rows.columns)
    rows = rows.select(col("amount_cents", "other_cents").cast(pl.Int64), *[n for n in ROW if not n.endswith("cents")])
    return rows.select(ROW).sort(["client", "amount_cents", "record"], descending=[False, True, False])


def never_charged(tables: Mapping[str, Any], *, as_of: dt.date) -> set[str]:
    """The claims of one client with postings and no charge: whatever looks like a credit on them is none.

    Counts
        Payments, adjustments and transfers of every kind known at the end of `as_of`; what a patient paid in
        the last 30 days waits for its charge, and is not counted.
    """
    records = Records(tables, as_of)
    return set(_uncharged(records, records.applied)["claim_id"])


def rows_behind(
    tables: Mapping[str, Any],
    relation: str,
    *,
    as_of: dt.date,
    period: Period | None = None,
    registry: Registry | None = None,
) -> pd.DataFrame:
    """The list behind one relation, the largest first.

    Shape
        client, record (the claim id, trace or party), other (the id, trace or payer beside it), known_on,
        amount_cents, other_cents (the dollars of the other side, where there is one)

    Raises
        ParameterError for an unknown relation: it names the known ones.
    """
    found = next((one for one in RELATIONS if one.name == relation), None)
    if found is None:
        raise ParameterError(f"No relation {relation!r}. Known: {listed(NAMES, 30)}.{closest(relation, NAMES)}")
    rows = _rows(found, Records(tables, as_of, registry))
    return (rows.filter(period.holds(col("known_on"))) if period else rows).to_pandas()
