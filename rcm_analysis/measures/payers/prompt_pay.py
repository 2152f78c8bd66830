"""Interest that payers owe by law for clean claims paid late, beside the interest they paid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.adjudications import UNDECIDED, claim_adjudications, first_adjudications
from ...ledger.postings import optional
from ...ledger.ratios import half_up, quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, collect, kept, source
from ...tables.reference.prompt_pay import prompt_pay_laws
from ..menu import measure
from ..receivable.delays import FRONT_ENDS

col = nw.col

OWED, POSSIBLE, UNNAMED = "owed", "possible", "paid without a claim"
MEDICARE, INSURERS = "medicare", ("commercial", "managed_care")
INTEREST = "L6"
KEY = ["client", "claim_id"]
COLUMNS = [
    *(*KEY, "payer", "law", "standing", "started_on", "due_on", "paid_on", "days_late"),
    *("charge_cents", "paid_cents", "owed_cents", "interest_cents", "missing_cents"),
]


@measure("Clean claims paid late, one by one", value="missing_cents", good="down")
def late_payments(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Every clean claim that a payer paid later than its law allows, with the interest due and the interest paid.

    Formula
        started_on = day on which the payer's front end accepted the bill, else the day after it was sent
        due_on = started_on + days of the law;  days_late = paid_on - due_on
        owed_cents = paid_cents x rate x days_late / 365 (a rate by the month: / 30, each step of the rate for its
        days); Texas: a penalty on charge less contracted rate; what a law adds where the payment came without
        interest is added; below the least amount of a law nothing is owed
        missing_cents = owed_cents - interest_cents, if above 0
    Counts
        Claims of which the primary payer's first answer is a payment, and no front end rejected the bill that it
        answers: only these are clean for certain. `standing` is owed for Medicare (its own rule and rate) and for
        payers whose `funding` the registry says is insured, possible for commercial and managed care payers of which
        it says nothing: the law binds no self-funded plan, no plan of another state, no Medicaid, workers'
        compensation or other government plan. Laws are those of `tables.reference.prompt_pay`, by the client's `state`.
        interest_cents: what the 835 says is interest on the claim (AMT*I). Interest on a check (PLB L6 below 0) beyond
        that is of the claims that the check paid late, in their order and up to what is owed on each; what is left is a
        row without a claim.
    Date basis
        paid_on (BPR16, else the day of the file), up to `as_of`; the law in force on that day
    Unit
        cents; days
    Empty
        None paid late, no interest paid, or no law known: no rows.
    Source
        the laws' own, in `prompt_pay_laws`; X12 RFI 2123, 2202 (interest in an 835); Medicare Claims Processing Manual,
        chapter 1, section 80.2

    >>> from rcm_analysis.examples.remittances import example_late_payments
    >>> late_payments(example_late_payments(), as_of=dt.date(2026, 6, 30))[
    ...     ["claim_id", "law", "standing", "days_late", "owed_cents", "interest_cents", "missing_cents"]]
      claim_id law standing  days_late  owed_cents  interest_cents  missing_cents
    0       C1  NY     owed         44        1808               0           1808
    """
    rows = _payments(tables, as_of, since)
    out = rows[(rows["owed_cents"] > 0) | (rows["interest_cents"] != 0)]
    return out.sort_values(["missing_cents", *KEY], ascending=[False, True, True], ignore_index=True)[COLUMNS]


@measure("Interest owed by law and not paid", value="missing_cents", good="down", is_additive=True)
def prompt_pay_interest(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("payer",)) -> pd.DataFrame:
    """What payers owe by prompt-pay law on claims paid in the period, what they paid of it, and what cannot be judged.

    Formula
        sums over `late_payments`: owed_cents and missing_cents of those that are owed, possible_cents (missing of those
        that are possible), interest_cents of all
        judged = clean claims held against a law; late = those paid after its days; not_judged = clean claims held
        against none
    Counts
        Clean claims paid in the period. `by` may hold payer, law, standing and `month`; without a law `standing` says
        why: "no state", "no law on file", "not insured", "kind of payer unknown".
    Date basis
        paid_on
    Unit
        cents
    Empty
        No clean claim was paid: zeros without `by`, no row with it.
    Source
        as `late_payments`

    >>> from rcm_analysis.examples.remittances import example_late_payments
    >>> found = prompt_pay_interest(example_late_payments(), period=Period.month("2026-05"))
    >>> found[["payer", "judged", "late", "not_judged", "owed_cents", "missing_cents"]]
      payer  judged  late  not_judged  owed_cents  missing_cents
    0     p       1     1           0        1808           1808
    """
    by = list(by)
    rows = _payments(tables, period.last_day, period.first_day)
    is_claim, is_judged = rows["standing"] != UNNAMED, rows["standing"].isin([OWED, POSSIBLE])
    rows = rows.assign(
        month=rows["paid_on"].dt.to_period("M").dt.to_timestamp(),
        judged=is_judged,
        late=is_judged & (rows["days_late"] > 0),
        not_judged=is_claim & ~is_judged,
        possible_cents=rows["missing_cents"].where(rows["standing"] == POSSIBLE, 0),
        owed_cents=rows["owed_cents"].where(rows["standing"] == OWED, 0),
        missing_cents=rows["missing_cents"].where(rows["standing"] == OWED, 0),
    )
    sums = ["judged", "late", "not_judged", "owed_cents", "interest_cents", "missing_cents", "possible_cents"]
    rows = rows.astype(dict.fromkeys(sums, "int64"))
    return rows.groupby(by)[sums].sum().reset_index() if by else rows[sums].sum().to_frame().T


@kept
def _payments(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> pd.DataFrame:
    """Every clean claim that was paid at first, with the law that holds and what it says; and interest by the check."""
    rows = _standing(_clean(tables, as_of, since), tables)
    rows = rows.merge(_interest_of_claims(tables, as_of), on=KEY, how="left").fillna({"interest_cents": 0})
    rows = _by_law(rows.astype({"interest_cents": "int64"}))
    checks = _interest_of_checks(tables, as_of, since)
    for place, check in checks.iterrows():
        same = rows[(rows["client"] == check["client"]) & (rows["remit_id"] == check["remit_id"])]
        for claim, missing in (same["owed_cents"] - same["interest_cents"]).clip(lower=0).items():
            part = min(missing, checks.at[place, "interest_cents"])
            rows.at[claim, "interest_cents"] += part
            checks.at[place, "interest_cents"] -= part
    rows = _by_law(rows)
    rows["missing_cents"] = (rows["owed_cents"] - rows["interest_cents"]).clip(lower=0)
    parts = [part[COLUMNS] for part in (rows, checks[checks["interest_cents"] > 0]) if len(part)]
    out = pd.concat(parts, ignore_index=True) if parts else rows[COLUMNS]
    kinds = {"_on": "datetime64[us]", "_cents": "int64", "_late": "int64"}
    return out.astype({name: next((kinds[end] for end in kinds if name.endswith(end)), "str") for name in COLUMNS})


def _by_law(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the day due, the days late and what the law sets on them."""
    rows, laws = rows.assign(owed_cents=0, days_late=0, due_on=pd.NaT), prompt_pay_laws()
    for (law, kind, begin, end), steps in laws.groupby(
        ["law", "payer_class", "effective_from", "effective_to"], dropna=False, sort=False
    ):
        holds = rows["law"].eq(law) & (rows["payer_class"].eq(kind) if kind else rows["law"].ne(""))
        holds &= (pd.isna(begin) | (rows["paid_on"] >= begin)) & (pd.isna(end) | (rows["paid_on"] <= end))
        if holds.any():
            rows.loc[holds, "due_on"] = rows["started_on"] + pd.Timedelta(days=int(steps["days"].iloc[0]))
            rows.loc[holds, "days_late"] = (rows["paid_on"] - rows["due_on"]).dt.days.clip(lower=0)[holds]
            rows.loc[holds, "owed_cents"] = _owed(rows[holds], steps)
    unruled = rows["due_on"].isna() & rows["standing"].isin([OWED, POSSIBLE])
    rows.loc[unruled, "standing"] = "no law on file"
    return rows.astype({"owed_cents": "int64"})


def _owed(rows: pd.DataFrame, steps: pd.DataFrame) -> pd.Series:
    """The cents due under one law by days late: its interest, step by step, or its penalty; plus what it adds."""
    late, owed = rows["days_late"], pd.Series(0.0, index=rows.index)
    ends = [*steps["late_from"].iloc[1:], np.inf]
    for step, end in zip(steps.itertuples(), ends, strict=True):
        daily = 0.0 if pd.isna(step.rate) else float(quotient(pd.Series([step.rate]), pd.Series([step.per_days]))[0])
        if pd.isna(step.penalty_share):
            owed += rows["paid_cents"] * daily * (late.clip(upper=end - 1) - step.late_from + 1).clip(lower=0)
        else:
            over = (rows["charge_cents"] - rows["allowed_cents"]).clip(lower=0)
            penalty = (over * step.penalty_share).clip(upper=step.penalty_cap * 100) * (1 + daily * late)
            owed = owed.where((late < step.late_from) | (late >= end), penalty)
    first = steps.iloc[0]
    if not pd.isna(first["unpaid_share"]):
        extra = (owed * first["unpaid_share"]).clip(lower=first["unpaid_least"] * 100)
        owed += extra.where((owed > 0) & (rows["interest_cents"] == 0), 0)
    if not pd.isna(first["least"]):
        owed = owed.where(owed >= first["least"] * 100, 0)
    return half_up(owed).astype("int64")


def _clean(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> pd.DataFrame:
    """Claims that the primary payer's first answer paid, with the day on which their clock began; only clean ones."""
    primary = col("payer_order") == "primary"
    paid = first_adjudications(tables, as_of=as_of).filter(primary, col("paid_cents") > 0)
    days = source(tables, "remit_claims", ["client", "remit_claim_id", "remit_id", "paid_on"])
    paid = paid.join(days, on=["client", "remit_claim_id"], how="left").with_columns(
        paid_on=nw.coalesce(col("paid_on"), col("received_on"))
    )
    paid = paid.filter(col("paid_on") <= as_of, col("paid_on") >= (since or dt.date.min))
    asked = claim_adjudications(tables, as_of=as_of).filter(primary, col("outcome").is_in(list(UNDECIDED)))
    asked = asked.select(*KEY, asked_on=col("received_on"))
    asked = paid.select(*KEY, "received_on").join(asked, on=KEY).filter(col("asked_on") <= col("received_on"))
    paid = paid.join(asked.select(*KEY).unique(), on=KEY, how="anti").select(
        *KEY, "remit_id", "payer", "paid_on", "received_on", "charge_cents", "paid_cents", "allowed_cents"
    )
    bills = source(tables, "submissions", [*KEY, "payer_order", "submitted_on"]).filter(primary)
    sent = paid.select(*KEY, "received_on").join(bills, on=KEY).filter(col("submitted_on") <= col("received_on"))
    paid = paid.join(sent.group_by(*KEY).agg(col("submitted_on").max()), on=KEY)
    rows = collect(paid, [*KEY, "remit_id", "payer"], dates=["paid_on", "received_on", "submitted_on"])
    return _with_receipt(rows, tables)


def _with_receipt(rows: pd.DataFrame, tables: Mapping[str, Any]) -> pd.DataFrame:
    """The rows with started_on; without those whose bill a front end rejected."""
    if optional(tables, "claim_edits") is None:
        return rows.assign(started_on=rows["submitted_on"] + pd.Timedelta(days=1))
    edits = source(tables, "claim_edits", [*KEY, "checked_on", "stage", "result"])
    edits = edits.filter(col("stage").is_in(list(FRONT_ENDS)))
    found = collect(edits, [*KEY, "stage", "result"], dates=["checked_on"]).merge(
        rows[[*KEY, "submitted_on", "received_on"]], on=KEY
    )
    found = found[(found["checked_on"] >= found["submitted_on"]) & (found["checked_on"] <= found["received_on"])]
    failed = found.loc[found["result"] == "failed", KEY].drop_duplicates()
    taken = found[(found["stage"] == "payer") & (found["result"] == "passed")].groupby(KEY)["checked_on"].min()
    rows = rows.merge(failed, on=KEY, how="left", indicator="is_failed")
    rows = rows[rows["is_failed"] == "left_only"].drop(columns="is_failed")
    rows = rows.merge(taken.rename("started_on").reset_index(), on=KEY, how="left")
    return rows.assign(started_on=rows["started_on"].fillna(rows["submitted_on"] + pd.Timedelta(days=1)))


def _standing(rows: pd.DataFrame, tables: Mapping[str, Any]) -> pd.DataFrame:
    """The rows with the law that could hold, and whether it does: by class and funding of the payer, and the state."""
    words = ["payer", "payer_class", "funding", "state"]
    known = pd.DataFrame(columns=words, dtype="str")
    if optional(tables, "payers") is not None:
        known = collect(source(tables, "payers", words), words).replace(NO_VALUE, "")
    rows = rows.merge(known.drop_duplicates("payer"), on="payer", how="left").fillna(dict.fromkeys(words, ""))
    is_medicare, is_insurer = rows["payer_class"] == MEDICARE, rows["payer_class"].isin(INSURERS)
    cases = [
        (is_medicare, OWED),
        (rows["funding"].isin(["self_funded", "government"]), "not insured"),
        (~is_insurer & ~rows["payer_class"].isin(["", "other"]), "not insured"),
        (~is_insurer, "kind of payer unknown"),
        (rows["state"] == "", "no state"),
        (rows["funding"] == "insured", OWED),
    ]
    standing = np.select([case for case, _ in cases], [word for _, word in cases], POSSIBLE)
    law = np.where(is_medicare, MEDICARE, np.where(np.isin(standing, [OWED, POSSIBLE]), rows["state"], ""))
    return rows.assign(standing=standing, law=law)


def _interest_of_claims(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    names = [*KEY, "payer_order", "received_on", "interest_cents"]
    rows = source(tables, "remit_claims", names).filter(
        col("received_on") <= as_of, col("payer_order") == "primary", ~col("interest_cents").is_null()
    )
    return collect(rows.group_by(*KEY).agg(col("interest_cents").sum()), KEY)


def _interest_of_checks(tables: Mapping[str, Any], as_of: dt.date, since: dt.date | None) -> pd.DataFrame:
    """One row for each check that pays more interest (PLB L6) than its claims are said to have."""
    if optional(tables, "provider_adjustments") is None or optional(tables, "deposits") is None:
        return pd.DataFrame(columns=["remit_id", *COLUMNS])
    check = ["client", "remit_id"]
    pairs = source(tables, "provider_adjustments", [*check, "reason", "amount_cents", "received_on"])
    pairs = pairs.filter(col("reason") == INTEREST, col("received_on") <= as_of)
    sums = pairs.group_by(*check).agg(col("amount_cents").sum())
    said = source(tables, "remit_claims", [*check, "interest_cents"]).filter(~col("interest_cents").is_null())
    said = said.group_by(*check).agg(col("interest_cents").sum())
    checks = source(tables, "deposits", [*check, "payer", "paid_on", "received_on"])
    rows = sums.join(checks, on=check).join(said, on=check, how="left")
    rows = rows.with_columns(
        paid_on=nw.coalesce(col("paid_on"), col("received_on")),
        interest_cents=col("amount_cents") * -1 - col("interest_cents").fill_null(0),
    ).filter(col("interest_cents") > 0, col("paid_on") >= (since or dt.date.min))
    words = ["client", "payer", "remit_id"]
    found = collect(rows.select(*words, "paid_on", "interest_cents"), words, dates=["paid_on"])
    blank = dict.fromkeys([name for name in COLUMNS if name.endswith("_cents") and name != "interest_cents"], 0)
    return found.assign(claim_id="", law="", standing=UNNAMED, started_on=pd.NaT, due_on=pd.NaT, days_late=0, **blank)
