"""What is owed on a day: receivables by age, credits and unapplied money apart, days in AR."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...errors import ParameterError, listed
from ...ledger.balances import claim_balances, opened, responsible_since
from ...ledger.postings import INSURANCE, filled, postings, side_by_side, sums, with_claim_columns
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, days_before, kept, source
from ...tables.schema import PARTIES
from ..menu import measure

BUCKETS = ("0-30", "31-60", "61-90", "91-120", "over 120")
BUCKET_DAYS = (30, 60, 90, 120)
UNBILLED = "unbilled"
NO_DATE = "no date"
CLOCKS = ("service", "first_bill", "last_bill", "responsibility")
RESPONSIBLE_PAYER = "responsible_payer"


@measure("Receivable by age", value="ar_cents", good="down")
def aging(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    clock: str = "service",
    parties: Sequence[str] = PARTIES,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Open balances by age on `as_of`, rebuilt from what had been posted by then.

    Formula
        ar_cents = sum of balances above zero; credit_cents = sum of balances below zero
        age = days from the clock's day to `as_of`
        clock "service": first day of service; "first_bill" and "last_bill": first or last day on
        which the claim went to the party that owes it; "responsibility": first day on which the
        balance became that party's (a charge or a transfer to it)
    Counts
        One balance per claim and party (`parties`): a claim owed by its insurer and its patient
        counts once for each. Credits never lower a receivable. Bills sent after `as_of` and voided
        bills (frequency 8) do not count. Under the bill clocks an insurance balance that was not yet
        billed is "unbilled", and a patient balance ages from the day it became the patient's.
        A balance whose clock has no date is shown as "no date".
        `by` may hold `party`, columns of claims (`payer` is the primary payer) and
        `responsible_payer`: the payer of the party that owes, or "patient".
    Date basis
        posting date up to `as_of` for the money; the clock for the age
    Unit
        cents; claims is a count of open balances
    Empty
        No row where nothing is open. A group with anything open has every bucket, zeros included.
    Source
        HFMA MAP Keys AR-1 and AR-2 for the buckets and the service clock; the other clocks are the
        billing systems' own.

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> aging(example_ledger(), as_of=dt.date(2026, 3, 31)).query("claims > 0")
         bucket  claims  ar_cents  credit_cents
    0      0-30       2      9000             0
    3    91-120       1         0         -1000
    4  over 120       1     17000             0
    """
    by = list(by)
    rows = aged_balances(tables, as_of=as_of, clock=clock, parties=parties, by=by)
    added = rows.group_by(*by, "bucket").agg(
        nw.len().alias("claims"), nw.col("ar_cents").sum(), nw.col("credit_cents").sum()
    )
    return _every_bucket(collect(added, [*by, "bucket"]), by, billed=clock in ("first_bill", "last_bill"))


def aged_balances(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    clock: str = "service",
    parties: Sequence[str] = PARTIES,
    by: Sequence[str] = (),
) -> nw.LazyFrame:
    """The open balances behind `aging`, one row per claim and party, each in its bucket.

    Shape
        client, claim_id, party, the columns of `by`, ar_cents, credit_cents, bucket (lazy)
    Raises
        ParameterError for an unknown clock.
    """
    if clock not in CLOCKS:
        raise ParameterError(f"An aging clock is one of {listed(CLOCKS)}; found {clock!r}.")
    rows = _open(tables, as_of=as_of, parties=parties, by=by, also=["service_on"] if clock == "service" else [])
    return _with_since(rows, tables, as_of=as_of, clock=clock).with_columns(_bucket(as_of).alias("bucket"))


@kept
def aged_claims(
    tables: Mapping[str, Any], *, as_of: dt.date, clock: str = "service", parties: Sequence[str] = PARTIES
) -> pd.DataFrame:
    """`aged_balances` in pandas, every bucket as text."""
    rows = aged_balances(tables, as_of=as_of, clock=clock, parties=parties).collect("pandas").to_native()
    rows = rows.sort_values(["client", "claim_id", "party"], ignore_index=True)
    return rows.assign(bucket=rows["bucket"].astype(str))


def _open(
    tables: Mapping[str, Any], *, as_of: dt.date, parties: Sequence[str], by: Sequence[str], also: Sequence[str] = ()
) -> nw.LazyFrame:
    """Open balances per claim and party, split in ar_cents and credit_cents, with the columns of `by`."""
    balance = nw.col("balance_cents")
    rows = claim_balances(tables, as_of=as_of)
    if set(parties) != set(PARTIES):
        rows = rows.filter(nw.col("party").is_in(list(parties)))
    payers = [f"{party}_payer" for party in INSURANCE[1:]] if RESPONSIBLE_PAYER in by else []
    looked_up = [*also, *by, *(["payer", *payers] if payers else [])]
    own = ("client", "party", RESPONSIBLE_PAYER)
    rows = with_claim_columns(rows, tables, list(dict.fromkeys(name for name in looked_up if name not in own)))
    if payers:
        rows = rows.with_columns(_responsible_payer().alias(RESPONSIBLE_PAYER))
    return filled(rows, by).with_columns(
        ar_cents=nw.when(balance > 0).then(balance).otherwise(0),
        credit_cents=nw.when(balance < 0).then(balance).otherwise(0),
    )


def _responsible_payer() -> nw.Expr:
    owed_by = nw.when(nw.col("party") == "secondary").then(nw.col("secondary_payer")).otherwise(nw.col("payer"))
    owed_by = nw.when(nw.col("party") == "tertiary").then(nw.col("tertiary_payer")).otherwise(owed_by)
    return nw.when(nw.col("party") == "patient").then(nw.lit("patient")).otherwise(owed_by)


def _with_since(rows: nw.LazyFrame, tables: Mapping[str, Any], *, as_of: dt.date, clock: str) -> nw.LazyFrame:
    """The rows with `since_on`, the day the clock starts, and `is_unbilled` (0 or 1)."""
    if clock == "service":
        return rows.with_columns(nw.col("service_on").alias("since_on"), is_unbilled=nw.lit(0))
    became = rows.join(responsible_since(tables, as_of=as_of), on=["client", "claim_id", "party"], how="left")
    if clock == "responsibility":
        return became.with_columns(is_unbilled=nw.lit(0))
    sent = _bills(tables, as_of=as_of, first=clock == "first_bill")
    dated = became.join(sent, on=["client", "claim_id", "party"], how="left")
    is_patient = nw.col("party") == "patient"
    since = nw.when(is_patient).then(nw.col("since_on")).otherwise(nw.col("billed_on"))
    waits = ~is_patient & nw.col("billed_on").is_null()
    return dated.with_columns(since.alias("since_on"), is_unbilled=nw.when(waits).then(1).otherwise(0))


def _bills(tables: Mapping[str, Any], *, as_of: dt.date, first: bool) -> nw.LazyFrame:
    columns = ["client", "claim_id", "payer_order", "submitted_on", "frequency"]
    sent = source(tables, "submissions", columns).filter(
        nw.col("submitted_on") <= as_of, nw.col("frequency").fill_null("1") != "8"
    )
    day = nw.col("submitted_on").min() if first else nw.col("submitted_on").max()
    sent = sent.select("client", "claim_id", "submitted_on", party=nw.col("payer_order"))
    if (taken_over := opened(tables, as_of=as_of)) is not None:
        aged = taken_over.rename({"aged_from": "submitted_on"})
        sent = nw.concat([sent, aged.select("client", "claim_id", "submitted_on", "party")], how="vertical")
    return sent.group_by("client", "claim_id", "party").agg(day.alias("billed_on"))


def _bucket(as_of: dt.date) -> nw.Expr:
    """The age bucket, from comparisons with days: no two engines subtract dates alike."""
    since = nw.col("since_on")
    bucket = nw.lit(BUCKETS[-1])
    for days, label in reversed(list(zip(BUCKET_DAYS, BUCKETS, strict=False))):
        bucket = nw.when(since >= days_before(as_of, days)).then(nw.lit(label)).otherwise(bucket)
    bucket = nw.when(since.is_null()).then(nw.lit(NO_DATE)).otherwise(bucket)
    return nw.when(nw.col("is_unbilled") == 1).then(nw.lit(UNBILLED)).otherwise(bucket)


def _every_bucket(found: pd.DataFrame, by: list[str], *, billed: bool) -> pd.DataFrame:
    order = [*([UNBILLED] if billed else []), *BUCKETS]
    if (found["bucket"] == NO_DATE).any():
        order.append(NO_DATE)
    is_first = ~found.duplicated(by) if by else pd.Series(np.arange(len(found)) == 0, index=found.index, dtype=bool)
    size = int(is_first.sum()) * len(order)
    place = (is_first.cumsum().to_numpy() - 1) * len(order) + found["bucket"].map(order.index).to_numpy(dtype=np.int64)
    out = found.loc[is_first, by].iloc[np.arange(size) // len(order)].reset_index(drop=True)
    buckets = np.tile(np.arange(len(order)), size // len(order))
    out["bucket"] = pd.Categorical.from_codes(buckets, categories=order, ordered=True)
    for name in ("claims", "ar_cents", "credit_cents"):
        values = np.zeros(size, dtype=np.int64)
        values[place] = found[name]
        out[name] = values
    return out


@measure("Open receivable", value="ar_cents", good="down")
def open_balances(
    tables: Mapping[str, Any], *, as_of: dt.date, parties: Sequence[str] = PARTIES, by: Sequence[str] = ()
) -> pd.DataFrame:
    """What is owed and what is owed back on `as_of`, by payer, party or any column of claims.

    Formula
        ar_cents = sum of balances above zero; credit_cents = sum of balances below zero
    Counts
        One balance per claim and party; unapplied money is not in it (`unapplied_money`).
        `by` as in `aging`.
    Date basis
        posting date up to `as_of`
    Unit
        cents; claims is a count of open balances, credits included
    Empty
        Without `by` one row of zeros; with `by` no row for a group with nothing open.
    Source
        our own; credits apart as in HFMA MAP Key AR-1

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> open_balances(example_ledger(), as_of=dt.date(2026, 3, 31), by=["party"])
         party  claims  ar_cents  credit_cents
    0  patient       1      1000             0
    1  primary       3     25000         -1000
    """
    rows = _open(tables, as_of=as_of, parties=parties, by=list(by))
    return sums(rows, by, ["ar_cents", "credit_cents"], count="claims")


@measure("Credit balances as a share of the receivable", value="credit_share", unit="rate", good="down")
def credit_balances(
    tables: Mapping[str, Any], *, as_of: dt.date, parties: Sequence[str] = PARTIES, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Money we hold that belongs to payers or patients, as a share of the receivable.

    Formula
        credit_share = -credit_cents / ar_cents
    Counts
        Balances below zero over balances above zero, one per claim and party; unapplied money is
        not in it. `by` as in `aging`.
    Date basis
        posting date up to `as_of`
    Unit
        rate, 0 to 1 or more; cents; claims is a count of credit balances
    Empty
        A group without a receivable has an empty value.
    Source
        "Credit balance %", imabilling.com "Is it broken" (red flag above 3 %)

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> credit_balances(example_ledger(), as_of=dt.date(2026, 3, 31))
       claims  credit_cents  ar_cents  credit_share
    0       1         -1000     26000      0.038462
    """
    rows = _open(tables, as_of=as_of, parties=parties, by=list(by)).with_columns(
        claims=nw.when(nw.col("balance_cents") < 0).then(1).otherwise(0)
    )
    out = sums(rows, by, ["claims", "credit_cents", "ar_cents"])
    return out.assign(credit_share=quotient(-out["credit_cents"], out["ar_cents"]))


@measure("Unapplied money", value="unapplied_cents", good="down")
def unapplied_money(tables: Mapping[str, Any], *, as_of: dt.date, by: Sequence[str] = ()) -> pd.DataFrame:
    """Money received by `as_of` that no claim has been given yet.

    Formula
        unapplied_cents = -(sum of amount_cents of postings without a claim)
    Counts
        Postings without a claim, by posting date. Applying the money posts the opposite amount, so
        it drops out of the sum. `by` may hold client, party, payer (of the posting), trace, month.
    Date basis
        posting date up to `as_of`
    Unit
        cents, positive while money waits
    Empty
        Without `by` one row of zeros; with `by` no row for a group without such postings.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> unapplied_money(example_ledger(), as_of=dt.date(2026, 3, 31))
       postings  unapplied_cents
    0         1             2500
    """
    named = ["posting_payer" if name == "payer" else name for name in by]
    rows = postings(tables, ["claim_id", "amount_cents", "posted_on"], by=named)
    waiting = rows.filter(nw.col("claim_id").is_null(), nw.col("posted_on") <= as_of)
    out = sums(waiting, named, ["amount_cents"], count="postings").rename(
        columns={"posting_payer": "payer"} if "payer" in by else {}
    )
    return out.assign(unapplied_cents=-out["amount_cents"]).drop(columns="amount_cents")


@measure("Receivable older than 120 days", unit="rate", good="down", days=120)
@measure("Receivable older than 90 days", unit="rate", good="down", days=90)
def aged_share(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    days: int = 90,
    clock: str = "service",
    parties: Sequence[str] = PARTIES,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """The share of the receivable that is older than `days` days.

    Formula
        aged_share = older_cents / ar_cents
    Counts
        Balances above zero as in `aging`; credits are left out. Under the bill clocks unbilled
        balances are in neither; balances without a date are in ar_cents only. `days` is 30, 60, 90 or 120.
    Date basis
        posting date up to `as_of` for the money; the clock for the age
    Unit
        rate, 0 to 1
    Empty
        No receivable gives an empty value.
    Source
        HFMA MAP Key AR-1 (aged AR as a percentage of billed AR)

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> aged_share(example_ledger(), as_of=dt.date(2026, 3, 31), days=90)
       older_cents  ar_cents  aged_share
    0        17000     26000    0.653846
    """
    if days not in BUCKET_DAYS:
        raise ParameterError(f"The aged share is counted from 30, 60, 90 or 120 days; found {days}.")
    by = list(by)
    aged = aging(tables, as_of=as_of, clock=clock, parties=parties, by=by)
    aged = aged[aged["bucket"] != UNBILLED].astype({"bucket": "object"})
    older = BUCKETS[BUCKET_DAYS.index(days) + 1 :]
    aged["older_cents"] = aged["ar_cents"].where(aged["bucket"].isin(older), 0)
    cents = ["older_cents", "ar_cents"]
    if by:
        out = aged.groupby(by, as_index=False)[cents].sum()
        out[cents] = out[cents].astype("int64")
    else:
        out = pd.DataFrame({name: [int(aged[name].sum())] for name in cents})
    return out.assign(aged_share=quotient(out["older_cents"], out["ar_cents"]))


@measure("Days in AR", unit="days", good="down")
def days_in_ar(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    window_days: int = 90,
    parties: Sequence[str] = PARTIES,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Days of average charges that the open receivable holds.

    Formula
        days_in_ar = ar_cents / (charge_cents posted in the window / window_days)
        window = the `window_days` days that end on `as_of`, `as_of` included
    Counts
        Balances above zero on `as_of` of the parties asked for. Credits and unapplied money are left
        out: see `credit_balances` and `unapplied_money`. Charges of all parties, gross.
        `by` may hold client, party and columns of claims.
    Date basis
        posting date, for the balance and for the charges
    Unit
        days
    Empty
        A group without charges in the window gets an empty value, not 0.
    Source
        after HFMA MAP Keys, Net Days in Accounts Receivable (net receivable over average daily net patient
        service revenue), in its gross form: AAFP "Practice finances" (receivables over average daily
        charges) with the 90-day window of PCC; gross charges, because the receivable is carried at gross
        charges. Not comparable with a figure of net days

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> days_in_ar(example_ledger(), as_of=dt.date(2026, 3, 31))
       ar_cents  charge_cents  days_in_ar
    0     26000         18000       130.0
    """
    by = list(by)
    window = Period.days_ending(as_of, window_days)
    owed = open_balances(tables, as_of=as_of, parties=parties, by=by)[[*by, "ar_cents"]]
    charged = postings(tables, ["kind", "amount_cents", "posted_on"], by=by).filter(
        nw.col("kind") == "charge", window.holds(nw.col("posted_on"))
    )
    charges = sums(charged, by, ["amount_cents"]).rename(columns={"amount_cents": "charge_cents"})
    out = side_by_side(owed, charges, by)
    return out.assign(days_in_ar=quotient(out["ar_cents"] * window_days, out["charge_cents"].clip(lower=0)))
