"""The accounts that hold most of the money: which they are, when each is due for a touch, and what was recovered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...errors import ParameterError, listed
from ...ledger.postings import optional
from ...ledger.ratios import quotient
from ...tables.frames import collect, source
from ..menu import measure
from .account_movements import (
    ACCOUNT,
    DEBITS,
    account_notes,
    account_postings,
    last_touches,
    log_began,
    moved_since,
    settled_on,
    touches,
)
from .delays import ABOUT, claims_with_balance
from .time_limits import deadlines as running_deadlines

RULES = ("p95", "cumulative_80")
FLOOR_CENTS = 25_000
"""A balance below this is no high-value account: it should bring twice what reworking a claim costs at most
($118: McKinsey, as quoted by digitalscientists.com)."""

SCHEDULE = ((4, 7), (2, 14), (1, 30))
"""Tiers: (multiple of the client's threshold, days between touches). From four times on a touch every week."""

WINDOW_DAYS = 28
NEAR_DAYS = 14
PERCENT = 80


@measure("High-value accounts", value="open_cents", good="down")
def high_value_accounts(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    rule: str = "p95",
    floor_cents: int = FLOOR_CENTS,
    schedule: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """The claims with the largest open balances, with each one's follow-up schedule and last touch.

    Formula
        rule "p95": open_cents >= the balance at place 1 + 0.95 x (n - 1), rounded up, of the client's n open
        claims in ascending order (with ties more than one in twenty qualify); rule "cumulative_80": the
        largest claims that together hold 80 % of the client's open dollars; and never
        below `floor_cents`. threshold_cents is the smallest balance that qualifies
        tier 1, 2, 3: at least 4, 2, 1 times threshold_cents; touch every_days = 7, 14, 30
        next_touch_on = last_touch_on + every_days; where never touched, watched_from + every_days
        watched_from = entered_on, or the client's first note where that is later
    Counts
        A key account is a claim: it is what a payer answers for, what a note is written on, and what a
        deadline runs on. (All balances of one payer or provider are a segment, for the payer scorecard;
        large clients are the portfolio's matter.) open_cents adds the balances above zero of all
        parties. `schedule` overrides every_days by claim id, else by payer.
        A touch is a note; a statement is one only where the patient alone owes.
    Date basis
        posting date up to `as_of` for the money; notes worked on and entered by `as_of`
    Unit
        cents; tier, notes and every_days are counts; days_since_touch is days
    Empty
        No row where nothing is open. An account never touched has an empty last_touch_on; without a work log of its
        client watched_from and next_touch_on are empty, too: nobody can say when it was touched.
    Source
        our own (P95 or cumulative 80 %, floor); the firm's guide to receivable management: customised
        follow-up schedules for key accounts

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> found = high_value_accounts(example_accounts(), as_of=dt.date(2026, 3, 31), floor_cents=1000)
    >>> print(found[["claim_id", "open_cents", "tier", "every_days", "next_touch_on"]].to_string(index=False))
    claim_id  open_cents  tier  every_days next_touch_on
           2       17000     3          30    2026-04-14
    """
    chosen = _chosen(open_claims(tables, as_of=as_of), rule, floor_cents)
    out = chosen.merge(last_touches(tables, chosen, as_of=as_of), on=ACCOUNT, how="left")
    out["notes"] = out["notes"].fillna(0).astype("int64")
    out["days_since_touch"] = (pd.Timestamp(as_of) - out["last_touch_on"]).dt.days
    out["every_days"] = _every_days(out, schedule or {})
    out = out.merge(log_began(tables, as_of=as_of), on="client", how="left")
    out["watched_from"] = out[["entered_on", "log_began_on"]].max(axis=1, skipna=False)
    since = out["last_touch_on"].fillna(out["watched_from"])
    out["next_touch_on"] = since + pd.to_timedelta(out["every_days"], unit="D")
    return out.drop(columns="log_began_on")


@measure("Touches of high-value accounts made in time", unit="rate", good="up")
def touch_compliance(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    days: int = WINDOW_DAYS,
    rule: str = "p95",
    floor_cents: int = FLOOR_CENTS,
    schedule: Mapping[str, int] | None = None,
    by: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Of the touches of high-value accounts that fell due, the share that was made in time.

    Formula
        touch_compliance = touches_in_time / touches_due
        a touch falls due every_days after the last one; one that is missed falls due again every_days
        later, until the account is touched or settled; at the start of the window an account that is
        overdue already has one due on the first day
    Counts
        The accounts that were high-value `days` days before `as_of`, with their schedule of that day,
        up to the day on which each was settled: so a paid account is not a neglected one. A touch made
        early counts when it falls due. Clients without a work log are not counted. `by`:
        claim_id, every_days, tier, payer, provider, location.
    Date basis
        worked_on of the notes entered by `as_of`; due days within the `days` days that end on `as_of`
    Unit
        rate, 0 to 1; touches and accounts are counts
    Empty
        Nothing due: an empty value; no row when grouped.
    Source
        our own; the firm's guide to receivable management: customised follow-up schedules for key accounts

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> print(touch_compliance(example_accounts(), as_of=dt.date(2026, 4, 30), floor_cents=1000).to_string(index=False))
     accounts  touches_due  touches_in_time  touch_compliance
            1            1                0               0.0
    """
    start = as_of - dt.timedelta(days=days)
    accounts = high_value_accounts(tables, as_of=start, rule=rule, floor_cents=floor_cents, schedule=schedule)
    watched = accounts[accounts["next_touch_on"].notna()].reset_index(drop=True)
    due = _due_touches(tables, watched, start=start, as_of=as_of)
    keys = list(by) or ["all"]
    if not len(due):
        due = accounts.iloc[:0].assign(touches_due=0, touches_in_time=0)
    summed = (
        due.assign(all="all", accounts=1)
        .groupby(keys, as_index=False)[["accounts", "touches_due", "touches_in_time"]]
        .sum()
    )
    if not by:
        summed = (
            summed.drop(columns="all")
            if len(summed)
            else pd.DataFrame({"accounts": [0], "touches_due": [0], "touches_in_time": [0]})
        )
    return summed.assign(touch_compliance=quotient(summed["touches_in_time"], summed["touches_due"]))


@measure("High-value accounts to escalate", value="open_cents", good="down")
def escalations(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    rule: str = "p95",
    floor_cents: int = FLOOR_CENTS,
    schedule: Mapping[str, int] | None = None,
    deadlines: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """High-value accounts that need somebody above the desk: overdue twice, a deadline near, a promise passed.

    Formula
        is_overdue_twice: more than 2 x every_days since the last touch (where never, since watched_from)
        is_deadline_near: a deadline between `as_of` and 14 days later; deadline_on is the nearest
        is_promise_passed: the day of a patient's promise is over, and the patient has paid less than
        promised since it was given; promised_on is the latest day promised
        reason: in words
    Counts
        High-value accounts of `as_of`, each once, the largest first. `deadlines` are those of
        `deadlines.deadlines`, which is asked where they are not given and the payers' rules are known.
        The work log has no day promised by a payer: only patients' promises are known.
    Date basis
        as `high_value_accounts`; promises given by `as_of`; payments by posting date
    Unit
        cents; dates
    Empty
        No row where nothing is to be escalated.
    Source
        our own; the firm's guide to receivable management: escalation support for high-value accounts

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> print(
    ...     escalations(example_accounts(), as_of=dt.date(2026, 4, 30), floor_cents=1000)[
    ...         ["claim_id", "reason"]
    ...     ].to_string(index=False)
    ... )
    Empty DataFrame
    Columns: [claim_id, reason]
    Index: []
    """
    out = high_value_accounts(tables, as_of=as_of, rule=rule, floor_cents=floor_cents, schedule=schedule)
    today = pd.Timestamp(as_of)
    waited = (today - out["last_touch_on"].fillna(out["watched_from"])).dt.days
    out["is_overdue_twice"] = waited > 2 * out["every_days"]
    if deadlines is None and optional(tables, "payer_rules") is not None:
        deadlines = running_deadlines(tables, as_of=as_of)
    out = out.merge(_near(deadlines, today), on="claim_id", how="left")
    out["is_deadline_near"] = out["deadline_on"].notna()
    out = out.merge(_broken_promises(tables, out["claim_id"], as_of), on=ACCOUNT, how="left")
    out["is_promise_passed"] = out["promised_on"].notna()
    words = [_reason(row, days) for row, days in zip(out.to_dict("records"), waited, strict=True)]
    out["reason"] = pd.array(words, dtype="str")
    flags = out[["is_overdue_twice", "is_deadline_near", "is_promise_passed"]].any(axis=1)
    return out[flags].reset_index(drop=True)


@measure("Recovery of high-value accounts by week", value="collected_share", unit="rate", good="up")
def recovery_progress(
    tables: Mapping[str, Any], *, as_of: dt.date, weeks: int = 8, rule: str = "p95", floor_cents: int = FLOOR_CENTS
) -> pd.DataFrame:
    """Of the accounts that were high-value some weeks ago: what was collected, adjusted and is still open, by week.

    Formula
        opening_cents + charged_cents - collected_cents - adjusted_cents - written_off_cents
        - transferred_cents + credit_cents = open_cents, at the end of every week since then
        collected_share = collected_cents / opening_cents
    Counts
        The high-value accounts of the day 7 x `weeks` days before `as_of`, all parties together; sums
        from that day to the end of each week. credit_cents is what was received beyond a balance.
    Date basis
        posting date
    Unit
        cents; collected_share is 0 to 1 or more; accounts and open_accounts are counts
    Empty
        No row where there was no such account.
    Source
        our own; the firm's guide to receivable management: updates on progress and cash flow recovery

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> found = recovery_progress(example_accounts(), as_of=dt.date(2026, 3, 31), weeks=4, floor_cents=1000)
    >>> print(
    ...     found[["week", "opening_cents", "adjusted_cents", "written_off_cents", "open_cents"]].to_string(index=False)
    ... )
     week  opening_cents  adjusted_cents  written_off_cents  open_cents
        0          20000               0                  0       20000
        1          20000            2000                  0       18000
        2          20000            2000                  0       18000
        3          20000            2000                  0       18000
        4          20000            2000               1000       17000
    """
    start = as_of - dt.timedelta(weeks=weeks)
    chosen = _chosen(open_claims(tables, as_of=start), rule, floor_cents)
    accounts = chosen[ACCOUNT].assign(listed_on=pd.Timestamp(start))
    postings = account_postings(tables, accounts["claim_id"], as_of=as_of)
    rows = []
    for week in range(weeks + 1) if len(accounts) else ():
        day = start + dt.timedelta(weeks=week)
        then = moved_since(postings, accounts, as_of=day)
        still = int((then["open_cents"] > 0).sum())
        rows.append(
            {
                "week": week,
                "week_end": pd.Timestamp(day),
                "accounts": len(then),
                "open_accounts": still,
                **then[DEBITS].sum().to_dict(),
            }
        )
    out = pd.DataFrame(rows, columns=["week", "week_end", "accounts", "open_accounts", *DEBITS])
    return out.assign(collected_share=quotient(out["collected_cents"], out["opening_cents"]))


@measure("Open claims", value="open_cents", good="down")
def open_claims(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every claim with an open balance: what insurers and the patient owe, and what is known of the claim.

    Formula
        open_cents = insurance_cents + patient_cents; age_days = `as_of` - service_on
    Counts
        Balances above zero, added over the parties of the claim, as in `ar.open_balances`.
    Date basis
        posting date up to `as_of`
    Unit
        cents; age_days is days
    Empty
        No row where nothing is open.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> print(
    ...     open_claims(example_accounts(), as_of=dt.date(2026, 3, 31))[
    ...         ["claim_id", "insurance_cents", "patient_cents", "open_cents"]
    ...     ].to_string(index=False)
    ... )
    claim_id  insurance_cents  patient_cents  open_cents
           1                0           1000        1000
           2            17000              0       17000
           3             8000              0        8000
    """
    words, days = [*ACCOUNT, *ABOUT], ["service_on", "entered_on"]
    found = collect(claims_with_balance(tables, as_of=as_of), words, dates=days)
    age = (pd.Timestamp(as_of) - found["service_on"]).dt.days
    return found.assign(age_days=age)[[*words, *days, "age_days", "insurance_cents", "patient_cents", "open_cents"]]


def _chosen(claims: pd.DataFrame, rule: str, floor_cents: int) -> pd.DataFrame:
    """The claims that the rule takes, the largest first, with threshold_cents and tier."""
    if rule not in RULES:
        raise ParameterError(f"The rule for high-value accounts is one of {listed(RULES)}; found {rule!r}.")
    claims = claims.sort_values(["client", "open_cents", "claim_id"], ascending=[True, False, True], ignore_index=True)
    grouped = claims.groupby("client")["open_cents"]
    if rule == "p95":
        least = grouped.transform(lambda cents: cents.quantile(0.95, interpolation="higher")).astype("int64")
        taken = claims["open_cents"] >= least
    else:
        before = grouped.cumsum() - claims["open_cents"]
        taken = before * 100 < grouped.transform("sum") * PERCENT
    out = claims[taken & (claims["open_cents"] >= floor_cents)].reset_index(drop=True)
    smallest = out.groupby("client")["open_cents"].transform("min")
    tier = pd.Series(len(SCHEDULE), index=out.index, dtype="int64")
    for number, (multiple, _) in reversed(list(enumerate(SCHEDULE, start=1))):
        tier = tier.where(out["open_cents"] < multiple * smallest, number)
    return out.assign(threshold_cents=smallest.astype("int64"), tier=tier.astype("int64"))


def _every_days(accounts: pd.DataFrame, schedule: Mapping[str, int]) -> pd.Series:
    wrong = sum(1 for days in schedule.values() if not (isinstance(days, int) and days > 0))
    if wrong:
        raise ParameterError(
            f"A follow-up schedule holds whole days above zero by claim id or payer; found {wrong} other values."
        )
    usual = accounts["tier"].map(dict(enumerate((days for _, days in SCHEDULE), start=1)))
    by_claim, by_payer = accounts["claim_id"].map(schedule), accounts["payer"].map(schedule)
    return by_claim.fillna(by_payer).fillna(usual).astype("int64")


def _due_touches(tables: Mapping[str, Any], accounts: pd.DataFrame, *, start: dt.date, as_of: dt.date) -> pd.DataFrame:
    """The accounts with touches_due and touches_in_time between `start` and `as_of`."""
    notes = touches(account_notes(tables, accounts["claim_id"], as_of=as_of), accounts)
    days = {key: sorted(set(rows["worked_on"])) for key, rows in notes.groupby(ACCOUNT)}
    settled = settled_on(account_postings(tables, accounts["claim_id"], as_of=as_of), as_of=as_of)
    counted = []
    for row in accounts.to_dict("records"):
        key, step = (row["client"], row["claim_id"]), pd.Timedelta(days=row["every_days"])
        last = min(pd.Timestamp(as_of), settled.get(key, pd.Timestamp.max) - pd.Timedelta(days=1))
        anchor = max(row["next_touch_on"], pd.Timestamp(start) + pd.Timedelta(days=1)) - step
        made_on = [day for day in days.get(key, []) if day > pd.Timestamp(start)]
        counted.append(_counted(anchor, step, made_on, last))
    counts = np.array(counted, dtype="int64").reshape(-1, 2)
    return accounts.assign(touches_due=counts[:, 0], touches_in_time=counts[:, 1])


def _counted(
    anchor: pd.Timestamp, step: pd.Timedelta, made_on: list[pd.Timestamp], last: pd.Timestamp
) -> tuple[int, int]:
    due = in_time = 0
    while anchor + step <= last:
        due += 1
        made = next((day for day in made_on if anchor < day <= anchor + step), None)
        in_time += made is not None
        anchor = made if made is not None else anchor + step
    return due, in_time


def _near(deadlines: pd.DataFrame | None, today: pd.Timestamp) -> pd.DataFrame:
    columns = ["claim_id", "deadline_on", "deadline_kind"]
    if deadlines is None or deadlines.empty:
        return pd.DataFrame(
            {
                "claim_id": pd.array([], dtype="str"),
                "deadline_on": pd.to_datetime([]),
                "deadline_kind": pd.array([], dtype="str"),
            }
        )
    rows = deadlines.rename(columns={"kind": "deadline_kind"})[columns]
    rows = rows.assign(deadline_on=pd.to_datetime(rows["deadline_on"]))
    rows = rows[rows["deadline_on"].between(today, today + pd.Timedelta(days=NEAR_DAYS))]
    return rows.sort_values(["deadline_on", "claim_id"]).drop_duplicates("claim_id")


def _broken_promises(tables: Mapping[str, Any], claims: pd.Series, as_of: dt.date) -> pd.DataFrame:
    """By account the latest promised day that passed without the money."""
    keys = [*ACCOUNT, "promise_id", "promised_on", "due_on"]
    if optional(tables, "promises") is None:
        return pd.DataFrame({"client": [], "claim_id": [], "promised_on": pd.to_datetime([])}).astype(
            {"client": "str", "claim_id": "str"}
        )
    rows = source(tables, "promises", [*keys, "amount_cents"]).filter(
        nw.col("promised_on") <= as_of, nw.col("due_on") < as_of
    )
    given = collect(rows.filter(nw.col("claim_id").is_in(sorted(set(claims)))), keys, dates=["promised_on", "due_on"])
    posted = account_postings(tables, given["claim_id"], as_of=as_of)
    paid = posted[(posted["kind"] == "payment") & (posted["party"] == "patient")].rename(
        columns={"amount_cents": "paid_cents"}
    )
    both = given.merge(paid[[*ACCOUNT, "posted_on", "paid_cents"]], on=ACCOUNT, how="left")
    both["paid_cents"] = both["paid_cents"].where(both["posted_on"] >= both["promised_on"], 0)
    sums = both.groupby([*ACCOUNT, "promise_id", "due_on", "amount_cents"], as_index=False)["paid_cents"].sum()
    broken = sums[-sums["paid_cents"] < sums["amount_cents"]]
    return broken.groupby(ACCOUNT, as_index=False)["due_on"].max().rename(columns={"due_on": "promised_on"})


def _reason(row: Mapping[str, Any], waited: float) -> str:
    words = []
    if row["is_overdue_twice"]:
        verb = "no touch for" if pd.notna(row["last_touch_on"]) else "never touched in"
        touched = f"{verb} {waited:.0f} days"
        words.append(f"{touched}, due every {row['every_days']}")
    if row["is_deadline_near"]:
        words.append(f"{str(row['deadline_kind']).replace('_', ' ')} deadline on {row['deadline_on']:%Y-%m-%d}")
    if row["is_promise_passed"]:
        words.append(f"promised for {row['promised_on']:%Y-%m-%d} and not paid")
    return "; ".join(words)
