"""How contacts were for the patient: rated, answered, given up; and what updates of insurance brought in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.ratios import quotient
from ...ledger.registers import CLAIM, known
from ...periods import Period
from ...tables.frames import NO_VALUE, collect, source
from ..menu import measure

col = nw.col
GOOD_RATING, UPDATE_DAYS = 4, 90
INSURERS = ("primary", "secondary", "tertiary")


@measure("Contacts that patients rated good", value="good_share", unit="rate", good="up")
def contact_experience(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """What patients gave their contacts afterwards, and how long calls waited, took, or were given up.

    Formula
        good_share = ratings of 4 or 5 / ratings
        abandonment_rate = abandoned / calls; mean_wait_seconds of the calls answered; mean_minutes of conversations
    Counts
        Contacts of the period. calls: incoming by phone, of which it is recorded whether they were given up. A wait or
        length that is not recorded counts in no mean.
    Date basis
        day of the contact
    Unit
        rates, 0 to 1; seconds; minutes; counts
    Empty
        Nothing of it recorded: empty values.
    Source
        our own; abandonment as call centres report it

    >>> rows = {"direction": "in", "channel": "phone", "result": ["conversation", "no_answer"], "minutes": [6.0, None],
    ...     "wait_seconds": [30.0, 90.0], "is_abandoned": [False, True], "patient_rating": [5, None]}
    >>> calls = pd.DataFrame({"client": "a", "happened_on": pd.to_datetime(["2026-10-05"] * 2), **rows})
    >>> found = contact_experience({"interactions": calls}, period=Period.month("2026-10"))
    >>> found[["calls", "abandoned", "good_share"]]
       calls  abandoned  good_share
    0      2          1         1.0
    """
    numbers = ["minutes", "wait_seconds", "patient_rating"]
    said, more = ["direction", "channel", "result"], [*numbers, "is_abandoned"]
    rows = source(tables, "interactions", ["client", "happened_on", *said], may_lack=more)
    rows = rows.filter(period.holds(col("happened_on")))
    rows = rows.with_columns(*(col(name).cast(nw.String) for name in (*numbers, "is_abandoned")))
    found = collect(rows, ["client", *said, *more], dates=["happened_on"])
    value = {name: pd.to_numeric(found[name], errors="coerce") for name in numbers}
    given_up = found["is_abandoned"].str.lower()
    is_call = (found["direction"] == "in") & (found["channel"] == "phone") & given_up.isin(["true", "false"])
    is_answered, is_talk = is_call & (given_up == "false"), found["result"] == "conversation"
    rated = value["patient_rating"].notna()
    out = pd.DataFrame(
        {
            "ratings": [int(rated.sum())],
            "good": [int((value["patient_rating"] >= GOOD_RATING).sum())],
            "calls": [int(is_call.sum())],
            "abandoned": [int((is_call & ~is_answered).sum())],
            "mean_wait_seconds": [value["wait_seconds"][is_answered].mean()],
            "mean_minutes": [value["minutes"][is_talk].mean()],
        }
    )
    return out.assign(
        good_share=quotient(out["good"], out["ratings"]), abandonment_rate=quotient(out["abandoned"], out["calls"])
    )


@measure("Insurance updates and what they brought", value="insurer_cents", good="up")
def insurance_updates(tables: Mapping[str, Any], *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """Accounts on which the insurance was updated, and what insurers paid on them within 90 days.

    Formula
        insurer_cents = payments of insurers less what they took back, posted from the update to 90 days after it
        paid_share = accounts paid / accounts
    Counts
        Accounts with a change of the kind insurance_update done in the period, each by its first. paid:
        insurer_cents above 0. Updates of a person's data without an account have no
        cash that could be told theirs and are counted in without_account.
    Date basis
        day on which the update was done; posting date by `as_of`
    Unit
        cents; counts; rate, 0 to 1
    Empty
        No update: zeros, and an empty share.
    Source
        our own; the programme's scope of work: updating insurance information

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = insurance_updates(example_self_pay(), period=Period.month("2026-03"), as_of=dt.date(2026, 4, 30))
    >>> found.columns.tolist()
    ['accounts', 'without_account', 'paid', 'insurer_cents', 'paid_share']
    """
    changes = known(tables, "account_changes", ["claim_id", "kind"], as_of=as_of).filter(
        col("kind") == "insurance_update", period.holds(col("done_on"))
    )
    every = collect(changes.select("client", "claim_id", "done_on"), ["client", "claim_id"], dates=["done_on"])
    accounts = every[every["claim_id"] != NO_VALUE].sort_values("done_on").drop_duplicates(CLAIM)
    posted = source(tables, "transactions", [*CLAIM, "kind", "party", "amount_cents", "posted_on"]).filter(
        col("posted_on") <= as_of, col("kind").is_in(["payment", "takeback"]), col("party").is_in(list(INSURERS))
    )
    money = posted.select(*CLAIM, "posted_on", "amount_cents")
    both = accounts.merge(collect(money, CLAIM, dates=["posted_on"]), on=list(CLAIM))
    waited = (both["posted_on"] - both["done_on"]).dt.days
    came = -both[waited.between(0, UPDATE_DAYS)].groupby(CLAIM)["amount_cents"].sum()
    out = pd.DataFrame(
        {
            "accounts": [len(accounts)],
            "without_account": [int((every["claim_id"] == NO_VALUE).sum())],
            "paid": [int((came > 0).sum())],
            "insurer_cents": [int(came.sum())],
        }
    )
    return out.assign(paid_share=quotient(out["paid"], out["accounts"]))
