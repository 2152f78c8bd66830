"""Credit balances of patients and insurers (early payments, overpayments, how long a refund is due), and patient
balances that staff wrote off by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger import balances as ledger
from ...ledger.postings import optional
from ...ledger.ratios import quotient
from ...ledger.registers import CLAIM, rows_of
from ...periods import Period
from ...tables.frames import collect, source
from ...tables.schema import CLAIMS
from ..menu import measure
from .rules import Review, write_off_approval

col = nw.col
AGES = ("0-30", "31-60", "over 60")
AGE_EDGES = (30, 60)
CREDIT_COLUMNS = [
    *("client", "claim_id", "party", "owed_to", "kind", "credit_cents"),
    *("credit_since", "clock_on", "age_days", "age"),
]
EARLY, OVERPAID = "early payment", "overpayment"
PAYER_OF = {"primary": "payer", "secondary": "secondary_payer", "tertiary": "tertiary_payer"}
assert set(PAYER_OF.values()) <= set(CLAIMS.names)


@measure("Credit balances, one by one", value="credit_cents", good="down")
def credits(tables: Mapping[str, Any], *, as_of: dt.date, government: Sequence[str] = ()) -> pd.DataFrame:
    """Every credit balance on the day: whose money it is, whether it is an early payment, and its refund clock.

    Formula
        credit_cents = minus the balance of the claim and party, where that is below zero
        age_days = as_of - clock_on
    Counts
        owed_to: patient, insurer, or government where the payer of that party is one of `government`.
        kind of a patient's credit: "early payment" while the insurers still owe on the claim (the
        patient paid before the balance was due: it waits for the insurer's answer and is no refund);
        else "overpayment". An insurer's credit is always an overpayment. credit_since: the day from which,
        without a break, the balance has been a credit and (for an overpayment of a patient) no
        insurer owed on the claim. clock_on: of a government payer the day on which the overpayment was
        identified, of all others credit_since. Identified: known to somebody, whether or not it has been
        counted: the first note on the claim since then, else the first month end, whose review lists
        every credit; never after `as_of`. Unapplied money is on no claim and not in here.
    Date basis
        posting date; as of the day
    Unit
        cents, positive; days; one row per claim and party
    Empty
        No credit: no row.
    Source
        our own: early payments apart; 42 CFR 401.305 as of January 1, 2025: an overpayment of Medicare is
        returned within 60 days of being identified, which is knowing of it, not having it quantified (a
        timely investigation of related overpayments may suspend that for up to 180 days: not in here)

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = credits(example_self_pay(), as_of=dt.date(2026, 4, 30))
    >>> found[["claim_id", "owed_to", "kind", "credit_cents", "clock_on", "age_days", "age"]]
      claim_id  owed_to           kind  credit_cents   clock_on  age_days      age
    0       C4  patient  early payment          2500 2026-03-03        58    31-60
    """
    balances = ledger.claim_balances(tables, as_of=as_of).filter(col("balance_cents") < 0)
    marks = balances.select(*CLAIM).unique()
    rows = source(tables, "transactions", [*CLAIM, "party", "amount_cents", "posted_on"]).filter(
        col("posted_on") <= as_of
    )
    daily = (
        rows.join(marks, on=CLAIM, how="inner").group_by(*CLAIM, "party", "posted_on").agg(col("amount_cents").sum())
    )
    moves = collect(daily, [*CLAIM, "party", "posted_on"], dates=["posted_on"])
    found = collect(balances, [*CLAIM, "party"])
    out = found.merge(_clocks(moves), on=[*CLAIM, "party"], how="left").rename(
        columns={"balance_cents": "credit_cents"}
    )
    out["credit_cents"] *= -1
    out["owed_to"] = _owed_to(out, tables, list(government))
    out["clock_on"] = _identified(out, tables, as_of).where(out["owed_to"] == "government", out["credit_since"])
    out["age_days"] = (pd.Timestamp(as_of) - out["clock_on"]).dt.days
    out["age"] = np.array(AGES)[np.searchsorted(AGE_EDGES, out["age_days"], side="left")]
    return out[CREDIT_COLUMNS]


@measure("Credit balances by age of the refund clock", value="credit_cents", good="down")
def credit_ages(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    government: Sequence[str] = (),
    by: Sequence[str] = ("owed_to", "kind", "age"),
) -> pd.DataFrame:
    """Credit balances by whose money it is, kind and age of the refund clock.

    Formula
        credit_cents = sum of the credits of the group
    Counts
        Credits as `credits` gives them; `by`: its columns owed_to, kind, age and party.
    Date basis
        posting date; as of the day
    Unit
        cents; accounts is a count of claims and parties
    Empty
        No credit: no row; without `by` one row of zeros.
    Source
        42 CFR 401.305 (60 days from identification); the other ages are our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> credit_ages(example_self_pay(), as_of=dt.date(2026, 4, 30))
       owed_to           kind    age  accounts  credit_cents
    0  patient  early payment  31-60         1          2500
    """
    rows = credits(tables, as_of=as_of, government=government).assign(accounts=1)
    if by:
        return rows.groupby(list(by), as_index=False)[["accounts", "credit_cents"]].sum()
    return pd.DataFrame({name: [int(rows[name].sum())] for name in ("accounts", "credit_cents")})


@measure("Patient balances written off, and approvals", value="write_off_cents", good="down", is_additive=True)
def manual_write_offs(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("approved_by",)
) -> pd.DataFrame:
    """Patient balances that were written off, who approved them, and what was posted without enough approval.

    Formula
        unapproved_share = unapproved_cents / write_off_cents
    Counts
        Postings of kind "write_off" that lower a patient's balance in the period; reversals are not
        counted. Unapproved: those that break the rule "write_off_approval" of the client's policy, as
        `policy_breaches` finds them (above the policy's limit, discounts apart, without enough approved
        by the day of the posting; relief that an application was granted is approved by its decision).
        `by`: columns of the posting (`approved_by`, `reason`, `posted_by`).
    Date basis
        posting date; the policy in force on that day
    Unit
        cents, positive; counts; share of dollars, 0 to 1
    Empty
        Nothing written off: an empty share; with `by` no row for a group without write-offs.
    Source
        the client's policy (write_off_approval_over_cents); the programme's scope of work: manual write-offs

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = manual_write_offs(example_self_pay(), period=Period.month("2026-04"))
    >>> found[["approved_by", "write_offs", "write_off_cents", "unapproved_cents", "unapproved_share"]]
      approved_by  write_offs  write_off_cents  unapproved_cents  unapproved_share
    0     m.lopez           1             4000                 0               0.0
    """
    off = _written_off(tables, period, by)
    names = ["write_offs", "write_off_cents", "unapproved", "unapproved_cents"]
    if by:
        found = off.groupby(list(by), as_index=False)[names].sum()
    else:
        found = pd.DataFrame({name: [int(off[name].sum())] for name in names})
    return found.assign(unapproved_share=quotient(found["unapproved_cents"], found["write_off_cents"]))


@measure("Patient balances written off, one by one", value="write_off_cents", good="down")
def write_off_list(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Every patient balance written off, with its reason, who approved it, and whether enough had been approved.

    Formula
        one row per posting that `manual_write_offs` counts; unapproved is 1 where it breaks the policy
    Counts
        As `manual_write_offs`.
    Date basis
        posting date; the policy in force on that day
    Unit
        cents, positive
    Empty
        Nothing written off: no row.
    Source
        as `manual_write_offs`

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = write_off_list(example_self_pay(), period=Period.month("2026-04"))
    >>> found[["claim_id", "reason", "approved_by", "write_off_cents", "unapproved"]]
      claim_id    reason approved_by  write_off_cents  unapproved
    0       C5  bad debt     m.lopez             4000           0
    """
    texts = ["reason", "approved_by"]
    off = _written_off(tables, period, texts).sort_values(["posted_on", "transaction_id"], ignore_index=True)
    return off[["client", "posted_on", "transaction_id", "claim_id", *texts, "write_off_cents", "unapproved"]]


def _written_off(tables: Mapping[str, Any], period: Period, by: Sequence[str]) -> pd.DataFrame:
    """The postings that lower a patient's balance by hand, each with its dollars and whether it broke the policy."""
    columns = ["client", "transaction_id", "claim_id", "kind", "party", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", columns, by=by).filter(
        col("kind") == "write_off", col("party") == "patient", col("amount_cents") < 0, period.holds(col("posted_on"))
    )
    off = rows_of(rows.drop("kind", "party"), ["client", "transaction_id", "claim_id", *by], ["posted_on"])
    checked = write_off_approval(Review(tables, period))
    broken = checked.loc[checked["is_breach"], ["client", "record_id"]].rename(columns={"record_id": "transaction_id"})
    unapproved = (
        off[["client", "transaction_id"]]
        .merge(broken.assign(unapproved=1), how="left")["unapproved"]
        .fillna(0)
        .astype("int64")
    )
    off = off.assign(write_offs=1, write_off_cents=-off["amount_cents"], unapproved=unapproved.to_numpy())
    return off.assign(unapproved_cents=off["write_off_cents"] * off["unapproved"])


def _clocks(moves: pd.DataFrame) -> pd.DataFrame:
    """For each claim and party: whether an insurer still owes on the claim, and since which day the balance has been a
    credit."""
    wide = moves.assign(side=np.where(moves["party"] == "patient", "patient", "insurers"))
    claims = wide.pivot_table(
        index=[*CLAIM, "posted_on"], columns="side", values="amount_cents", aggfunc="sum", fill_value=0
    )
    for side in ("patient", "insurers"):
        if side not in claims:
            claims[side] = 0
    stood = claims.groupby(level=CLAIM).cumsum() if len(claims) else claims
    owing = stood["insurers"].rename("owing").reset_index()
    parties = moves.assign(balance=moves.groupby([*CLAIM, "party"])["amount_cents"].cumsum()).drop(
        columns="amount_cents"
    )
    keys = moves[[*CLAIM, "party"]].drop_duplicates()
    days = keys.merge(owing, on=CLAIM).merge(parties, on=[*CLAIM, "party", "posted_on"], how="left")
    days = days.sort_values([*CLAIM, "party", "posted_on"], ignore_index=True)
    group = [days[name] for name in (*CLAIM, "party")]
    days["balance"] = days.groupby([*CLAIM, "party"])["balance"].ffill().fillna(0)
    is_patient = days["party"] == "patient"
    early = is_patient & (days.groupby([*CLAIM, "party"])["owing"].transform("last") > 0)
    stands = (days["balance"] < 0) & (~is_patient | early | (days["owing"] <= 0))
    broken = (~stands).groupby(group).cumsum()
    last = broken == broken.groupby(group).transform("max")
    first = days[stands & last].groupby([*CLAIM, "party"], as_index=False).agg(credit_since=("posted_on", "min"))
    kind = days.assign(kind=np.where(early, EARLY, OVERPAID)).groupby([*CLAIM, "party"], as_index=False)["kind"].last()
    return kind.merge(first, on=[*CLAIM, "party"], how="left")


def _identified(rows: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.Series:
    """The day by which somebody knew of each credit: a note on its claim, else the end of the month."""
    since = rows["credit_since"]
    month_end = (since.dt.to_period("M").dt.end_time.dt.normalize()).astype("datetime64[us]")
    latest = month_end.clip(upper=pd.Timestamp(as_of))
    if rows.empty or optional(tables, "work_log") is None:
        return latest
    notes = source(tables, "work_log", [*CLAIM, "entered_on"]).filter(col("entered_on") <= as_of)
    found = collect(notes, [*CLAIM, "entered_on"], dates=["entered_on"])
    both = rows[[*CLAIM, "credit_since"]].reset_index(names="row").merge(found, on=CLAIM)
    both = both[both["entered_on"] >= both["credit_since"]]
    noted = both.groupby("row")["entered_on"].min().reindex(rows.index)
    return latest.where(~(noted < latest), noted)


def _owed_to(rows: pd.DataFrame, tables: Mapping[str, Any], government: list[str]) -> pd.Series:
    if rows.empty:
        return pd.Series([], dtype="str")
    payers = collect(source(tables, "claims", [*CLAIM, *PAYER_OF.values()]), [*CLAIM, *PAYER_OF.values()])
    both = rows[[*CLAIM, "party"]].merge(payers, on=CLAIM, how="left")
    payer = pd.Series("", index=both.index)
    for party, name in PAYER_OF.items():
        payer = payer.where(both["party"] != party, both[name])
    words = np.select([both["party"] == "patient", payer.isin(government)], ["patient", "government"], "insurer")
    return pd.Series(words, index=rows.index)
