"""What became of listed accounts since the day of the list: collected, adjusted, written off, still open; it ties."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.balances import posted
from ...tables.frames import collect, source

ACCOUNT = ["client", "claim_id"]
PARTS = {
    "charge": ("charged_cents", 1),
    "opening": ("charged_cents", 1),
    "payment": ("collected_cents", -1),
    "refund": ("collected_cents", -1),
    "takeback": ("collected_cents", -1),
    "contractual": ("adjusted_cents", -1),
    "write_off": ("written_off_cents", -1),
    "transfer": ("transferred_cents", -1),
}
"""Kind of posting -> (column it counts in, its sign there)."""
MOVES = list(dict.fromkeys(name for name, _ in PARTS.values()))
DEBITS = ["opening_cents", *MOVES, "credit_cents", "open_cents"]


def account_postings(tables: Mapping[str, Any], claims: Sequence[str], *, as_of: dt.date) -> pd.DataFrame:
    """The postings of these claims by `as_of`, added up by claim, party, kind and posting day.

    Shape
        client, claim_id, party, kind, posted_on, amount_cents
    """
    wanted = sorted({str(claim) for claim in claims})
    keys = [*ACCOUNT, "party", "kind", "posted_on"]
    rows = posted(tables, as_of=as_of).filter(nw.col("claim_id").is_in(wanted))
    return collect(rows.group_by(*keys).agg(nw.col("amount_cents").sum()), keys, dates=["posted_on"])


def moved_since(
    postings: pd.DataFrame, accounts: pd.DataFrame, *, as_of: dt.date, keys: Sequence[str] = ACCOUNT
) -> pd.DataFrame:
    """The accounts with what was open on `listed_on`, what happened since, and what is open on `as_of`.

    Formula
        opening_cents + charged_cents - collected_cents - adjusted_cents - written_off_cents
        - transferred_cents + credit_cents = open_cents
    Counts
        Open is the sum of balances above zero, one per party; credit_cents is what came to lie in
        credit since (received beyond a balance). Collected is payments less refunds and takebacks.
        With `party` in `keys` an account is one party's part; without it transfers come to zero.
        Each account once, whatever the rows of `accounts`: the columns are added to every row.
    Date basis
        posting date: after `listed_on`, by `as_of`
    Unit
        cents
    """
    group = [*keys, "listed_on"]
    listed = accounts[group].drop_duplicates().reset_index(drop=True)
    rows = listed.assign(item=range(len(listed))).merge(postings, on=list(keys))
    known = (rows["posted_on"] <= pd.Timestamp(as_of)).to_numpy()
    is_since = known & (rows["posted_on"] > rows["listed_on"]).to_numpy()
    before, now = (_by_party(rows[part], len(listed)) for part in (known & ~is_since, known))
    out = listed.assign(
        opening_cents=before.clip(min=0).sum(axis=1), **dict.fromkeys(MOVES, 0), open_cents=now.clip(min=0).sum(axis=1)
    )
    since = rows[is_since]
    for kind, (name, sign) in PARTS.items():
        mine = since[since["kind"] == kind]
        out[name] += sign * _added(len(listed), mine["item"], mine["amount_cents"])
    out["credit_cents"] = before.clip(max=0).sum(axis=1) - now.clip(max=0).sum(axis=1)
    return accounts.merge(out[[*group, *DEBITS]], on=group, how="left")


def settled_on(postings: pd.DataFrame, *, as_of: dt.date) -> pd.Series:
    """The day from which nothing was owed any more, by client and claim; only claims with nothing open on `as_of`.

    Counts
        Balances above zero of every party. A claim that was never owed has no day.
    Date basis
        posting date
    """
    rows = postings[postings["posted_on"] <= pd.Timestamp(as_of)]
    if rows.empty:
        return pd.Series(dtype="datetime64[us]")
    daily = rows.pivot_table(
        index=[*ACCOUNT, "posted_on"], columns="party", values="amount_cents", aggfunc="sum", fill_value=0
    )
    owed = daily.groupby(level=ACCOUNT).cumsum().clip(lower=0).sum(axis=1).rename("owed").reset_index()
    owed["next_on"] = owed.groupby(ACCOUNT)["posted_on"].shift(-1)
    last = owed[owed["owed"] > 0].drop_duplicates(ACCOUNT, keep="last").set_index(ACCOUNT)["next_on"]
    return last.dropna()


def account_notes(tables: Mapping[str, Any], claims: Sequence[str], *, as_of: dt.date) -> pd.DataFrame:
    """The notes on these claims known by `as_of`, in order of work.

    Shape
        client, claim_id, note_id, worked_on, worked_by, action, outcome ("" where none was noted)
    """
    keys = [*ACCOUNT, "note_id", "worked_by", "action", "outcome", "worked_on"]
    wanted = sorted({str(claim) for claim in claims})
    rows = source(tables, "work_log", [*keys, "entered_on"]).filter(
        nw.col("entered_on") <= as_of, nw.col("worked_on") <= as_of, nw.col("claim_id").is_in(wanted)
    )
    rows = rows.with_columns(nw.col("outcome").fill_null("")).select(*keys).unique()
    found = collect(rows, keys, dates=["worked_on"])
    return found.sort_values([*ACCOUNT, "worked_on", "note_id"], ignore_index=True)


def touches(notes: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """The notes that count as a touch of the accounts (with insurance_cents): a statement only where the patient alone
    owes."""
    rows = notes.merge(accounts[[*ACCOUNT, "insurance_cents"]], on=ACCOUNT)
    return rows[(rows["action"] != "statement") | (rows["insurance_cents"] == 0)]


def last_touches(tables: Mapping[str, Any], accounts: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """The accounts that were ever touched, with `notes`, how many, and `last_touch_on`."""
    found = touches(account_notes(tables, accounts["claim_id"], as_of=as_of), accounts)
    found = found.groupby(ACCOUNT).agg(notes=("note_id", "nunique"), last_touch_on=("worked_on", "max")).reset_index()
    return found.astype({"last_touch_on": "datetime64[us]"})


def log_began(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The clients with a work log, and the day of their first note: before it nobody can say what was worked.

    Shape
        client, log_began_on
    """
    rows = source(tables, "work_log", ["client", "worked_on", "entered_on"]).filter(nw.col("entered_on") <= as_of)
    first = rows.group_by("client").agg(log_began_on=nw.col("worked_on").min())
    return collect(first, ["client", "log_began_on"], dates=["log_began_on"])


def _by_party(rows: pd.DataFrame, items: int) -> np.ndarray:
    """The balance of every item (row) and party (column)."""
    code, parties = pd.factorize(rows["party"])
    width = max(len(parties), 1)
    return _added(items * width, rows["item"] * width + code, rows["amount_cents"]).reshape(items, width)


def _added(places: int, place: pd.Series, cents: pd.Series) -> np.ndarray:
    """Whole cents added up by place."""
    out = np.zeros(places, dtype="int64")
    np.add.at(out, place.to_numpy(), cents.to_numpy())
    return out
