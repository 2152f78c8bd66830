"""How the client's approved self-pay policy is kept: breaches, shares, what is out of scope, and bills above their
estimates.

The limits on calls are those that the client has approved: an internal policy check, no finding of law.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from ...errors import ParameterError, closest
from ...ledger.ratios import quotient
from ...ledger.registers import CLAIM, known, rows_of
from ...periods import Period
from ...tables.frames import source
from ...tables.schema_services import OUT_OF_SCOPE, POLICY_RULES
from ..menu import measure
from .rules import DISCOUNTS, RESULT, RULES, Review

col = nw.col
DISPUTE_WINDOW_DAYS = 120
"""Days from the initial bill in which a patient may dispute a bill above the good-faith estimate."""
ESTIMATE_LIMIT_CENTS = 400_00
VALUE_OF = {
    "call_window": ("call_window_from", "call_window_to"),
    "write_off_approval": ("write_off_approval_over_cents",),
}


def policy_value(tables: Mapping[str, Any], rule: str, *, as_of: dt.date) -> str | None:
    """The words of the client's policy on a rule, in force on a day; None where it is silent.

    Raises
        ParameterError for a rule that no policy has.

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> policy_value(example_self_pay(), "dispute_days", as_of=dt.date(2026, 4, 30))
    '30'
    """
    if rule not in POLICY_RULES:
        raise ParameterError(
            f"No rule {rule!r} in a self-pay policy. Rules: {', '.join(POLICY_RULES)}.{closest(rule, POLICY_RULES)}"
        )
    return _words(Review(tables, Period.of(as_of)), rule, as_of)


def _words(review: Review, rule: str, as_of: dt.date) -> str | None:
    clients = review.policy["client"].drop_duplicates().reset_index(drop=True)
    found = review.value(
        rule, clients, pd.Series(pd.Timestamp(as_of), index=clients.index, dtype="datetime64[us]")
    ).dropna()
    return str(found.iloc[0]) if len(found) else None


@measure("Breaches of the self-pay policy", value="rule", unit="words", good="down")
def policy_breaches(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Every record that broke a rule of the client's self-pay policy: what was allowed, what happened, who.

    Formula
        one row per rule and record; `rules` says what each rule looks at
    Counts
        Contacts by the day of their record, payments by the day of the attempt, write-offs by the day of
        the posting, requests by the day after their days were up. The value of the policy is that of the
        day itself; a rule on which the policy is silent checks nothing. Rolling windows look back before
        the period. Call limits count per person and account, voicemails and failed calls too, the day of
        a conversation as day 1: an internal policy check, no finding of law.
    Date basis
        broken_on, in the period; everything as known on its last day
    Unit
        records; allowed and found are words with numbers, days and times only
    Empty
        No breach: no row.
    Source
        the client's policy; 12 CFR 1006.14(b)(2) for the form of the call limits, which do not bind first parties;
        card networks' limits on retries

    >>> from rcm_analysis.examples.patients import example_policy
    >>> found = policy_breaches(example_policy(), period=Period.month("2026-03"))
    >>> found[["rule", "record_id", "allowed", "found"]]
                          rule record_id           allowed    found
    0              call_window        I2    08:00 to 21:00    21:40
    1  days_after_conversation        I4  not before day 8    day 3
    2            itemised_days        R1           10 days  12 days
    """
    checked = _checked(tables, period)
    found = checked[checked["is_breach"]].drop(columns="is_breach").rename(columns={"checked_on": "broken_on"})
    return found.sort_values(["place", "broken_on", "record_id"], ignore_index=True).drop(columns="place")


@measure("Self-pay policy kept, rule by rule", value="breach_share", unit="rate", good="down")
def policy_checks(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Every rule of the client's self-pay policy: how many records were checked, how many broke it, the share.

    Formula
        breach_share = breached / checked
    Counts
        As `policy_breaches`. in_force: the policy's value on the last day of the period; empty where
        it is silent or the rule needs none. Every rule has its row, checked or not.
    Date basis
        as `policy_breaches`
    Unit
        share of records, 0 to 1; counts
    Empty
        Nothing to check: an empty share, never 0.
    Source
        the client's policy

    >>> from rcm_analysis.examples.patients import example_policy
    >>> policy_checks(example_policy(), period=Period.month("2026-03"))[
    ...     ["rule", "checked", "breached", "breach_share"]
    ... ].head(3)
                          rule  checked  breached  breach_share
    0              call_window        3         1      0.333333
    1      calls_in_seven_days        3         0      0.000000
    2  days_after_conversation        3         1      0.333333
    """
    checked, review = _checked(tables, period), Review(tables, period)
    sums = checked.groupby("rule")["is_breach"].agg(["size", "sum"]).reindex(list(RULES)).fillna(0).astype("int64")
    out = pd.DataFrame(
        {
            "rule": list(RULES),
            "title": [title for title, _ in RULES.values()],
            "in_force": [_in_force(review, rule, period.last_day) for rule in RULES],
            "checked": sums["size"].to_numpy(),
            "breached": sums["sum"].to_numpy(),
        }
    )
    return out.assign(breach_share=quotient(out["breached"], out["checked"]))


def _in_force(review: Review, rule: str, as_of: dt.date) -> str | None:
    names = VALUE_OF.get(rule, (rule,) if rule in POLICY_RULES else ())
    values = [_words(review, name, as_of) for name in names]
    known = [value for value in values if value is not None]
    return " to ".join(known) if values and len(known) == len(values) else None


def _checked(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """Every record checked by every rule, with `place`, the rule's place in the order of rules."""
    review = Review(tables, period)
    parts = [
        rule(review).assign(rule=name, title=title, place=place)
        for place, (name, (title, rule)) in enumerate(RULES.items())
    ]
    parts = [part for part in parts if len(part)] or [parts[0]]
    whole = pd.concat(parts, ignore_index=True)
    order = ["client", "rule", "title", *[name for name in RESULT if name != "client"], "place"]
    texts = ["client", "rule", "title", "record_id", "claim_id", "patient", "allowed", "found", "who"]
    return whole[order].astype({**dict.fromkeys(texts, "str"), "is_breach": "bool", "checked_on": "datetime64[us]"})


@measure("Credit reporting and third-party collection found", value="amount_cents", good="down")
def scope_guard(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Credit reporting and third-party collection found in the records: there must be none.

    Formula
        one row per change of an account of a kind that is no part of the programme
    Counts
        Changes of kind "credit_reporting" and "third_party_collection", whoever did them.
    Date basis
        done_on, in the period
    Unit
        cents; the amount sent, 0 where the record has none
    Empty
        None found, as it must be: no row.
    Source
        the firm's self-pay programme scope: no credit reporting, no collection beyond patient financial
        engagement (third-party collection, as we read it)

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> len(scope_guard(example_self_pay(), period=Period.month("2026-03")))
    0
    """
    texts = ["change_id", "claim_id", "patient", "kind", "done_by"]
    rows = known(tables, "account_changes", [*texts, "requested_on", "amount_cents"], as_of=period.last_day)
    rows = rows.filter(period.holds(col("done_on")), col("kind").is_in(list(OUT_OF_SCOPE)))
    found = rows_of(
        rows.select("client", *texts, "requested_on", "done_on", "amount_cents"),
        ["client", *texts],
        ["requested_on", "done_on"],
    )
    return found.sort_values(["done_on", "change_id"], ignore_index=True)


@measure("Bills far above their good-faith estimate", value="difference_cents", good="down")
def estimate_differences(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Bills that came to $400 or more above the good-faith estimate, with the day until which they may be disputed.

    Formula
        difference_cents = billed_cents - estimate_cents >= the policy's limit ($400 where it is silent)
        dispute_until = initial bill + 120 days
    Counts
        Accounts with an estimate whose initial bill is of the period: the first statement, or without one
        the day on which the charges were posted. billed_cents: charges to the patient less discounts,
        whatever was paid or given up since. Of several estimates the last one given, of those given a
        business day or more before the planned service; a later one is no estimate and replaces none.
        Business days: Monday to Friday without federal holidays.
    Date basis
        day of the initial bill
    Unit
        cents
    Empty
        No such bill: no row.
    Source
        45 CFR 149.610 (a changed estimate is given a business day before the service) and 149.620: $400 or
        more above it, disputed within 120 days of the initial bill

    >>> from rcm_analysis.examples.patients import example_estimates
    >>> found = estimate_differences(example_estimates(), period=Period.month("2026-03"))
    >>> found[["claim_id", "estimate_cents", "billed_cents", "difference_cents", "dispute_until"]]
      claim_id  estimate_cents  billed_cents  difference_cents dispute_until
    0       G2           50000         90000             40000    2026-07-18
    """
    bills = _estimated_bills(tables, period)
    return bills[bills["is_over"]].drop(columns="is_over").reset_index(drop=True)


@measure("Share of bills far above their good-faith estimate", value="difference_share", unit="rate", good="down")
def estimate_difference_share(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Bills of $400 or more above the good-faith estimate, as a share of the bills that had one.

    Formula
        difference_share = over_bills / estimated_bills
    Counts
        As `estimate_differences`.
    Date basis
        day of the initial bill
    Unit
        share of bills, 0 to 1; counts; difference_cents in cents, of those above
    Empty
        No bill with an estimate: an empty share.
    Source
        45 CFR 149.610 and 149.620: $400 or more

    >>> from rcm_analysis.examples.patients import example_estimates
    >>> estimate_difference_share(example_estimates(), period=Period.month("2026-03"))
       estimated_bills  over_bills  difference_cents  difference_share
    0                2           1             40000               0.5
    """
    bills = _estimated_bills(tables, period)
    over = bills[bills["is_over"]]
    out = pd.DataFrame(
        {
            "estimated_bills": [len(bills)],
            "over_bills": [len(over)],
            "difference_cents": [int(over["difference_cents"].sum())],
        }
    )
    return out.assign(difference_share=quotient(out["over_bills"], out["estimated_bills"]))


def day_before_service(planned: pd.Series) -> pd.Series:
    """The last business day before each planned day: the last on which a good-faith estimate counts.

    >>> day_before_service(pd.Series(pd.to_datetime(["2026-03-03", "2026-03-02", "2026-05-26"]))).dt.date.tolist()
    [datetime.date(2026, 3, 2), datetime.date(2026, 2, 27), datetime.date(2026, 5, 22)]
    """
    known = planned.dropna()
    if known.empty:
        return planned
    closed = USFederalHolidayCalendar().holidays(known.min() - pd.Timedelta(days=31), known.max())
    days, holidays = known.to_numpy("datetime64[D]"), closed.to_numpy("datetime64[D]")
    before = np.busday_offset(days, -1, roll="forward", holidays=holidays)
    return pd.Series(before.astype("datetime64[us]"), index=known.index).reindex(planned.index)


def _estimated_bills(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """Accounts billed in the period that had an estimate, with the difference and `is_over`."""
    review = Review(tables, period)
    given = review.register(
        "estimates", ["estimate_id", "patient", "claim_id"], ["given_on", "planned_on"], ["amount_cents"]
    )
    in_time = given["given_on"] <= day_before_service(given["planned_on"])
    given = (
        given[in_time]
        .sort_values(["given_on", "estimate_id"])
        .drop_duplicates(CLAIM, keep="last")
        .rename(columns={"amount_cents": "estimate_cents"})
    )
    names = [*CLAIM, "kind", "party", "reason", "amount_cents", "posted_on"]
    reason = col("reason").fill_null("").str.to_lowercase().str.replace_all("_", " ")
    billed = source(tables, "transactions", names).filter(
        col("party") == "patient",
        col("posted_on") <= review.as_of,
        ~col("claim_id").is_null(),
        (col("kind") == "charge") | reason.is_in(list(DISCOUNTS)),
    )
    sums = rows_of(
        billed.group_by(*CLAIM).agg(billed_cents=col("amount_cents").sum(), charged_on=col("posted_on").min()),
        CLAIM,
        ["charged_on"],
    )
    sent = (
        known(tables, "statements", CLAIM[1:], as_of=review.as_of)
        .group_by(*CLAIM)
        .agg(stated_on=col("statement_on").min())
    )
    both = given.merge(sums, on=CLAIM).merge(rows_of(sent, CLAIM, ["stated_on"]), on=CLAIM, how="left")
    both = both.assign(
        billed_on=both["stated_on"].fillna(both["charged_on"]),
        difference_cents=both["billed_cents"] - both["estimate_cents"],
    )
    limit = pd.to_numeric(review.value("estimate_difference_cents", both["client"], both["billed_on"])).fillna(
        ESTIMATE_LIMIT_CENTS
    )
    both = both.assign(
        is_over=both["difference_cents"] >= limit,
        dispute_until=both["billed_on"] + pd.Timedelta(days=DISPUTE_WINDOW_DAYS),
    )
    order = [
        "client",
        "estimate_id",
        "claim_id",
        "patient",
        "given_on",
        "planned_on",
        "billed_on",
        "estimate_cents",
        "billed_cents",
        "difference_cents",
        "dispute_until",
        "is_over",
    ]
    both = both[period.holds(both["billed_on"].dt.date)]
    return both.sort_values(["billed_on", "estimate_id"], ignore_index=True)[order]


def days_in_policy(tables: Mapping[str, Any], rule: str, default: int, *, as_of: dt.date) -> int:
    """The whole number that the client's policy in force on `as_of` gives for a rule; `default` where it is silent."""
    found = policy_value(tables, rule, as_of=as_of)
    return default if found is None else int(found)


def day_within(period: Period, as_of: dt.date) -> dt.date:
    """The day whose policy holds for a period: its last day, or `as_of` when the period is not over."""
    return min(period.last_day, as_of)
