"""The trail of the work: which accounts have notes, how long ago each was touched, who worked what, and what it
brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...errors import TableError, listed
from ...ledger.postings import one_if, sums, with_groups
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, day_number, source
from ...tables.schema import OUTCOMES
from ..menu import measure
from .account_movements import ACCOUNT, DEBITS, account_notes, account_postings, last_touches, log_began, moved_since
from .high_value import FLOOR_CENTS, high_value_accounts, open_claims

FOLLOWED_UP_DAYS = 60
"""A payment counts as following our work when the claim was worked in the days before it was posted."""

ASKS_SOMEBODY = ("follow_up", "appeal", "corrected_claim", "resubmit", "request_documents")
ENDS = ("paid", "overturned", "upheld", "resolved")
"""Outcomes after which nothing follows."""

SINCE = ("0-7 days", "8-14 days", "15-30 days", "31-60 days", "over 60 days", "never")
SINCE_DAYS = (7, 14, 30, 60)


@measure("High-value accounts with a recent note", unit="rate", good="up")
def note_coverage(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    days: int = 30,
    rule: str = "p95",
    floor_cents: int = FLOOR_CENTS,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """The share of open high-value accounts with a note in the past days.

    Formula
        note_coverage = noted_accounts / accounts
        noted: touched within the `days` days before `as_of`
    Counts
        Accounts and touches as in `high_value.high_value_accounts`; noted_cents and open_cents are
        their open balances. Clients without a work log are not counted. `by`: tier, payer, provider, location.
    Date basis
        worked_on of the notes entered by `as_of`; balances by posting date
    Unit
        rate, 0 to 1; accounts are counts; cents
    Empty
        No such account: an empty value; no row when grouped.
    Source
        our own; the firm's guide to receivable management: detailed notes and audit trails

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> print(note_coverage(example_accounts(), as_of=dt.date(2026, 3, 31), floor_cents=1000).to_string(index=False))
     accounts  noted_accounts  open_cents  noted_cents  note_coverage
            1               1       17000        17000            1.0
    """
    accounts = high_value_accounts(tables, as_of=as_of, rule=rule, floor_cents=floor_cents)
    accounts = accounts[accounts["watched_from"].notna()]
    noted = (accounts["days_since_touch"] <= days).astype("int64")
    rows = accounts.assign(accounts=1, noted_accounts=noted, noted_cents=accounts["open_cents"] * noted)
    parts = ["accounts", "noted_accounts", "open_cents", "noted_cents"]
    out = rows.groupby(list(by), as_index=False)[parts].sum() if by else rows[parts].sum().to_frame().T
    out[parts] = out[parts].astype("int64")
    return out.assign(note_coverage=quotient(out["noted_accounts"], out["accounts"]))


@measure("Open claims by days since the last touch", value="claims", unit="count")
def days_since_touch(
    tables: Mapping[str, Any], *, as_of: dt.date, least_cents: int = 0, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Open claims by how long ago somebody last worked on them.

    Formula
        days = `as_of` - worked_on of the last touch; touch_share = claims / claims of the group
    Counts
        Claims with an open balance of more than `least_cents`, each once; touches as in
        `high_value.high_value_accounts`. Clients without a work log are left out: nobody can say which of their
        claims were touched. `by`: payer, provider, location.
    Date basis
        worked_on of the notes entered by `as_of`; balances by posting date
    Unit
        claims is a count; cents; touch_share is 0 to 1
    Empty
        Nothing open, or no work log: no row. Else every class of days, zeros included.
    Source
        our own; the firm's guide to receivable management: customised follow-up schedules

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> found = days_since_touch(example_accounts(), as_of=dt.date(2026, 3, 31))
    >>> print(found.query("claims > 0").to_string(index=False))
    since_touch  claims  open_cents  touch_share
     15-30 days       1       17000     0.333333
          never       2        9000     0.666667
    """
    by = list(by)
    claims = open_claims(tables, as_of=as_of)
    logged = log_began(tables, as_of=as_of)["client"]
    claims = claims[(claims["open_cents"] > least_cents) & claims["client"].isin(logged)]
    rows = claims.merge(last_touches(tables, claims, as_of=as_of), on=ACCOUNT, how="left")
    days = (pd.Timestamp(as_of) - rows["last_touch_on"]).dt.days
    label = pd.Series(SINCE[-2], index=rows.index).where(days.notna(), SINCE[-1])
    for most, name in reversed(list(zip(SINCE_DAYS, SINCE, strict=False))):
        label = label.where(~(days <= most), name)
    summed = (
        rows.assign(since_touch=label, claims=1)
        .groupby([*by, "since_touch"], as_index=False)[["claims", "open_cents"]]
        .sum()
    )
    groups = rows[by].drop_duplicates() if by else pd.DataFrame(index=range(min(len(rows), 1)))
    spine = groups.merge(pd.DataFrame({"since_touch": SINCE}), how="cross")
    out = spine.merge(summed, on=[*by, "since_touch"], how="left")
    out[["claims", "open_cents"]] = out[["claims", "open_cents"]].fillna(0).astype("int64")
    out["since_touch"] = pd.Categorical(out["since_touch"], categories=SINCE, ordered=True)
    whole = out.groupby(by)["claims"].transform("sum") if by else out["claims"] * 0 + out["claims"].sum()
    return out.sort_values([*by, "since_touch"], ignore_index=True).assign(touch_share=quotient(out["claims"], whole))


@measure("Work done and what came in behind it", value="recovered_cents", good="up")
def work_results(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("worked_by", "action")
) -> pd.DataFrame:
    """Who worked what in the period: notes, minutes and outcomes, and the dollars that came in behind the work.

    Formula
        notes, claims (distinct) and minutes of the notes worked in the period; one column for every
        outcome; recovered_cents = payments posted in the period on claims worked in the 60 days before
        the posting, the day itself included
        recovered_per_hour_cents = recovered_cents x 60 / minutes
    Counts
        Each payment once, with the last note before it: the rows add up to the whole. The note may be
        older than the period; the payment is not. `by`: worked_by, action, hold_reason, channel, and
        columns of the claim.
    Date basis
        worked_on for the notes, posting date for the payments
    Unit
        cents; notes, claims and outcomes are counts; minutes
    Empty
        Without `by` one row of zeros. No minutes noted: an empty rate.
    Source
        our own: association in time, no proof of cause; the firm's guide to receivable management: audit trails

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> print(
    ...     work_results(example_accounts(), period=Period.month("2026-03"), by=["worked_by"])[
    ...         ["worked_by", "notes", "minutes", "recovered_cents"]
    ...     ].to_string(index=False)
    ... )
    worked_by  notes  minutes  recovered_cents
           jd      1     12.0                0
    """
    by = list(by)
    keys = [*by, "claim_id", "outcome", "minutes", "note_id"]
    rows = _notes(tables, by).filter(period.holds(nw.col("worked_on"))).with_columns(nw.col("minutes").fill_null(0.0))
    columns = list(dict.fromkeys(["client", *keys]))
    notes = collect(rows.select(*columns), columns)
    notes = notes.assign(
        minutes=notes["minutes"].astype("float64"),
        notes=1,
        **{name: (notes["outcome"] == name).astype("int64") for name in OUTCOMES},
    )
    grouped = notes.assign(whole="all").groupby(by or ["whole"])
    out = grouped[["notes", "minutes", *OUTCOMES]].sum().join(_distinct_claims(grouped), how="left")
    paid = _recovered(tables, period=period, by=by)
    out = out.join(paid.assign(whole="all").groupby(by or ["whole"])["recovered_cents"].sum(), how="outer")
    counts = ["notes", "claims", *OUTCOMES, "recovered_cents"]
    if not by:
        out = out.reindex(["all"])
    out = out.fillna(0).astype(dict.fromkeys(counts, "int64")).reset_index(drop=not by)
    out = out[[*by, "notes", "claims", "minutes", "recovered_cents", *OUTCOMES]]
    return out.assign(recovered_per_hour_cents=quotient(out["recovered_cents"] * 60, out["minutes"]))


@measure("Notes that say who, what and what next", value="note_quality", unit="rate", good="up")
def note_quality(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """The share of follow-up notes from which the next person can go on: who answered, what was said, what comes next.

    Formula
        note_quality = whole_notes / notes;  whole = says who, says what, and says what is next
        says who: `spoke_with` holds a person, department or reference
        says what: an outcome other than "none"
        says next: a next action with its day, or an outcome after which nothing follows (paid, overturned,
        upheld, resolved)
    Counts
        Notes worked in the period that asked somebody: follow_up, appeal, corrected_claim, resubmit,
        request_documents; statements and internal steps ask nobody. `by` as in `work_results`.
    Date basis
        worked_on of the notes
    Unit
        rate, 0 to 1; notes are counts
    Empty
        No such note, or `spoke_with` never filled in in the period: an empty value, as nobody could fill it in.
    Source
        our own rules; the firm's guide to receivable management: detailed notes and audit trails for continuity

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> note_quality(example_accounts(), period=Period.month("2026-03"))
       notes  says_who  says_what  says_next  whole_notes  note_quality
    0      1         1          1          1            1           1.0
    """
    asked = _notes(tables, by, ("action", "spoke_with", "next_action", "next_on")).filter(
        period.holds(nw.col("worked_on")), nw.col("action").is_in(list(ASKS_SOMEBODY))
    )
    outcome = nw.col("outcome").fill_null("none")
    has_next = ~nw.col("next_action").is_null() & ~nw.col("next_on").is_null()
    said = {
        "says_who": nw.col("spoke_with").fill_null("") != "",
        "says_what": ~outcome.is_in(["none", "(none)"]),
        "says_next": has_next | outcome.is_in(list(ENDS)),
    }
    rows = asked.with_columns(
        notes=nw.lit(1),
        **{name: one_if(is_so) for name, is_so in said.items()},
        whole_notes=one_if(nw.all_horizontal(*said.values(), ignore_nulls=False)),
    )
    out = sums(rows, by, ["notes", *said, "whole_notes"])
    whole = out["whole_notes"] if out["says_who"].any() else out["whole_notes"].astype("float64") * float("nan")
    return out.assign(note_quality=quotient(whole, out["notes"]))


@measure("What came of the last work list", value="collected_cents", good="up")
def list_results(tables: Mapping[str, Any], *, last_list: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """What came of a work list: for each item whether it was worked, by whom, the outcome, and the money since.

    Formula
        opening_cents + charged_cents - collected_cents - adjusted_cents - written_off_cents
        - transferred_cents + credit_cents = open_cents
        is_worked: a note worked after listed_on and by `as_of`; worked_by, action, outcome: of the last
        such note
    Counts
        The rows of `last_list` (claim_id, listed_on, open_cents; client and party where it has them), in
        its order; its open_cents stand as listed_cents beside what the ledger says for that day. Work
        done on the day of the list itself counts for the list before. With `party` the money is that
        party's part, else the whole claim's. Every note counts, statements too.
    Date basis
        worked_on of notes entered by `as_of`; posting date after listed_on, by `as_of`
    Unit
        cents; notes is a count
    Empty
        No row for an empty list. An item not worked has no person, action or outcome.
    Source
        our own; the firm's guide to receivable management: weekly review meetings, audit trails

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> last = pd.DataFrame({"claim_id": ["2"], "listed_on": ["2026-03-08"], "open_cents": [20000]})
    >>> found = list_results(example_accounts(), last_list=last, as_of=dt.date(2026, 3, 31))
    >>> print(
    ...     found[
    ...         ["is_worked", "worked_by", "opening_cents", "adjusted_cents", "written_off_cents", "open_cents"]
    ...     ].to_string(index=False)
    ... )
     is_worked worked_by  opening_cents  adjusted_cents  written_off_cents  open_cents
          True        jd          20000            2000               1000       17000
    """
    items = _listed(last_list)
    ids = items["claim_id"].unique()
    postings, notes = account_postings(tables, ids, as_of=as_of), account_notes(tables, ids, as_of=as_of)
    if "client" not in items:
        owner = pd.concat([postings[ACCOUNT], notes[ACCOUNT]]).drop_duplicates()
        items = items.merge(owner, on="claim_id", how="left").drop_duplicates("item")
    keys = [*ACCOUNT, *(["party"] if "party" in items else [])]
    moved = moved_since(postings, items, as_of=as_of, keys=keys)
    since = items[["item", *ACCOUNT, "listed_on"]].merge(notes, on=ACCOUNT)
    since = since[since["worked_on"] > since["listed_on"]].sort_values(["item", "worked_on", "note_id"])
    done = since.drop_duplicates("item", keep="last").set_index("item")[["worked_on", "worked_by", "action", "outcome"]]
    out = moved.merge(
        done.join(since.groupby("item").size().rename("notes")), on="item", how="left", suffixes=("_listed", "")
    )
    out["notes"] = out["notes"].fillna(0).astype("int64")
    out["is_worked"] = out["notes"] > 0
    columns = [
        *keys,
        "listed_on",
        "listed_cents",
        "is_worked",
        "notes",
        "worked_on",
        "worked_by",
        "action",
        "outcome",
        *DEBITS,
    ]
    rest = [name for name in out if name not in (*columns, "item")]
    return out.sort_values("item", ignore_index=True)[[*columns, *rest]]


def _notes(tables: Mapping[str, Any], by: Sequence[str], needed: Sequence[str] = ()) -> nw.LazyFrame:
    own = {"worked_by", "action", "hold_reason", "outcome", "channel"}
    columns = ["client", "claim_id", "note_id", "worked_on", "minutes", "outcome", *needed, *(own & set(by))]
    rows = source(tables, "work_log", list(dict.fromkeys(columns)))
    return with_groups(rows, tables, by, month_on="worked_on")


def _distinct_claims(grouped: Any) -> pd.Series:
    return grouped["claim_id"].nunique().rename("claims")


def _recovered(tables: Mapping[str, Any], *, period: Period, by: list[str]) -> pd.DataFrame:
    """The payments of the period that followed work, each with the group of the last note before it."""
    ids = ["client", "transaction_id", "claim_id"]
    paid = source(tables, "transactions", [*ids, "kind", "amount_cents", "posted_on"]).filter(
        nw.col("kind") == "payment", period.holds(nw.col("posted_on")), ~nw.col("claim_id").is_null()
    )
    notes = _notes(tables, by).select(*dict.fromkeys([*ACCOUNT, "note_id", "worked_on", *by]))
    waited = day_number(nw.col("posted_on")) - day_number(nw.col("worked_on"))
    pairs = paid.join(notes, on=ACCOUNT, how="inner").filter(waited >= 0, waited <= FOLLOWED_UP_DAYS)
    keys = list(dict.fromkeys([*ids, "note_id", "worked_on", *by]))
    found = collect(pairs.select(*keys, "amount_cents"), keys, dates=["worked_on"])
    found = found.sort_values(["worked_on", "note_id"]).drop_duplicates(["client", "transaction_id"], keep="last")
    return found.assign(recovered_cents=-found["amount_cents"])


def _listed(last_list: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in ("claim_id", "listed_on", "open_cents") if name not in last_list]
    if missing:
        raise TableError(f"A list lacks the columns {listed(missing)}; it needs claim_id, listed_on and open_cents.")
    days = pd.to_datetime(last_list["listed_on"]).astype("datetime64[us]")
    out = last_list.assign(claim_id=last_list["claim_id"].astype("str"), listed_on=days)
    overlap = [name for name in DEBITS if name in out and name != "open_cents"]
    out = out.drop(columns=overlap).rename(columns={"open_cents": "listed_cents"})
    return out.reset_index(drop=True).assign(item=range(len(out)))
