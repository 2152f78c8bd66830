"""Dollars owed, day by day: when they come to be owed by whom, and how they stop being owed.

Every posting of the ledger moves dollars of one claim and one responsible party. A dollar that is
charged, or passed on, begins there at age 0; it ends there as cash, as an adjustment, as a write-off,
or by being passed on to the next party, where it begins again. Partial payments need no rule of
their own, and a balance on a day is what began and has not ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...errors import TableError
from ...ledger.postings import corrected_payments
from ...tables.frames import NO_VALUE, collect, kept, source
from ...tables.schema import CLAIMS

EPOCH = dt.date(1970, 1, 1)
EXITS = ("cash", "adjusted", "written_off", "passed_on")
"""How a dollar stops being owed by a party."""

PATIENT, SELF_PAY, SECONDARY, PRIMARY = "patient", "self-pay", "secondary", "primary"
PARTY_ORDER = (PRIMARY, SECONDARY, PATIENT, SELF_PAY)
"""Dollars are passed on in this order; a self-pay claim is the patient's from the start."""

MOVES = ("charge", "cash", "adjusted", "written_off", "passed_on")
_KINDS = {
    "charge": "charge",
    "payment": "cash",
    "refund": "cash",
    "takeback": "cash",
    "contractual": "adjusted",
    "write_off": "written_off",
    "transfer": "passed_on",
    "opening": "passed_on",
}


def day_of(date: dt.date) -> int:
    """The number of a day.

    >>> day_of(dt.date(1970, 1, 2))
    1
    """
    return (date - EPOCH).days


@dataclass(frozen=True)
class Flows:
    """The moves of one or more clients as columns, a row per item and day; an item is a claim and a party.

    `streams` has a row per client, party and payer. `item_stream`, `item_claim` and `item_source` (the
    stream that the item's dollars were passed on from, else -1) are by item. `item, day, start` place
    a row: `start` is the day on which the item began (age 0). `began` is what came to be owed, `out`
    what stopped being owed by exit (a column each), `net` what the balance moved by. `cash_*` hold all
    cash of the ledger, unapplied money included; `ahead_*` the cash that came before anything
    was owed (copays at the desk), less refunds and takebacks; `charge_*` the charges.
    """

    streams: pd.DataFrame
    item_stream: np.ndarray
    item_claim: np.ndarray
    item_source: np.ndarray
    item: np.ndarray
    day: np.ndarray
    start: np.ndarray
    began: np.ndarray
    out: np.ndarray
    net: np.ndarray
    cash_day: np.ndarray
    cash_stream: np.ndarray
    cash_cents: np.ndarray
    cash_claim: np.ndarray
    ahead_cents: np.ndarray
    charge_day: np.ndarray
    charge_stream: np.ndarray
    charge_cents: np.ndarray

    @property
    def stream(self) -> np.ndarray:
        """The stream of every row."""
        return self.item_stream[self.item]

    @property
    def first_day(self) -> int:
        return int(min(self.cash_day.min(initial=10**7), self.charge_day.min(initial=10**7)))


@kept
def read_flows(tables: Mapping[str, Any], *, as_of: dt.date) -> Flows:
    """The moves of dollars posted by `as_of`.

    Formula
        balances as in `ledger.claim_balances`; a payment that was misposted and reversed
        (`corrected_payments`) moves nothing; of one item's day, cash, adjustments, write-offs and
        transfers are taken net. What is received beyond the balance is cash ahead, and is set
        against what comes to be owed later.
    Counts
        Postings of `transactions`; `claims` names the payers. Unapplied money is cash ahead.
    Date basis
        posting date
    Unit
        cents

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> tables = example_ledger()
    >>> tables["claims"]["secondary_payer"] = None
    >>> flows = read_flows(tables, as_of=dt.date(2026, 3, 31))
    >>> int(flows.cash_cents.sum()), flows.streams["payer"].tolist()
    (13500, ['patient', 'aetna', 'cigna'])
    """
    rows = _moves(tables, as_of)
    if rows.empty:
        raise TableError(
            f"There is no posting by {as_of}: nothing can be projected. Check the as-of day, or ingest the "
            "transactions."
        )
    streams, stream = _streams(rows)
    rows = rows.assign(stream=stream)
    applied = rows[rows["claim_id"] != NO_VALUE]
    claim = applied.groupby(["client", "claim_id"], sort=False).ngroup().to_numpy()
    item = pd.factorize(claim * len(streams) + applied["stream"].to_numpy())[0]
    applied = applied.assign(item=item, claim=claim)
    wide = _by_item_day(_without_undone(applied, tables, as_of))
    began, out, ahead = _settled(wide)
    is_cash = (rows["move"] == "cash").to_numpy()
    claim_of = np.full(len(rows), -1)
    claim_of[(rows["claim_id"] != NO_VALUE).to_numpy()] = claim
    ahead_cents = _ahead(rows[is_cash], applied[applied["move"] == "cash"], wide, ahead)
    is_charge = (rows["move"] == "charge").to_numpy()
    first = applied.drop_duplicates("item").set_index("item").sort_index()
    starts = np.full(len(first), 10**7)
    np.minimum.at(starts, wide["item"][began > 0], wide["day"][began > 0])
    return Flows(
        streams,
        first["stream"].to_numpy(),
        first["claim"].to_numpy(),
        _sources(applied, streams, starts),
        wide["item"],
        wide["day"],
        starts[wide["item"]],
        began,
        out,
        began - out.sum(axis=1),
        rows["day"].to_numpy()[is_cash],
        rows["stream"].to_numpy()[is_cash],
        -rows["amount_cents"].to_numpy(dtype=float)[is_cash],
        claim_of[is_cash],
        ahead_cents,
        rows["day"].to_numpy()[is_charge],
        rows["stream"].to_numpy()[is_charge],
        rows["amount_cents"].to_numpy(dtype=float)[is_charge],
    )


def _moves(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """One row per claim, party, move and day, with the payer who owes it; ordered by claim and day."""
    need = ["client", "claim_id", "kind", "party", "amount_cents", "posted_on", "payer"]
    rows = source(tables, "transactions", need).filter(nw.col("posted_on") <= as_of)
    move = nw.lit("charge")
    for kind, name in _KINDS.items():
        move = nw.when(nw.col("kind") == kind).then(nw.lit(name)).otherwise(move)
    unapplied_payer = nw.when(nw.col("claim_id").is_null()).then(nw.col("payer")).otherwise(None)
    summed = (
        rows.with_columns(move=move, unapplied_payer=unapplied_payer)
        .group_by("client", "claim_id", "party", "move", "unapplied_payer", "posted_on")
        .agg(nw.col("amount_cents").sum())
    )
    claims = source(tables, "claims", [*CLAIMS.key, "payer", "secondary_payer"])
    keys = ["client", "claim_id", "posted_on", "party", "move", "unapplied_payer", "payer", "secondary_payer"]
    found = collect(
        summed.join(claims, on=list(CLAIMS.key), how="left").select(*keys, "amount_cents"), keys, dates=["posted_on"]
    )
    found["day"] = found["posted_on"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return found.drop(columns="posted_on")


def _streams(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The streams, and the stream of every row."""
    party = rows["party"].to_numpy(dtype=object)
    own = (rows["payer"] == "self_pay").to_numpy()
    unapplied = (rows["claim_id"] == NO_VALUE).to_numpy()
    label = np.select([party == "patient", party == "primary"], [np.where(own, SELF_PAY, PATIENT), PRIMARY], SECONDARY)
    payer = np.where(label == PRIMARY, rows["payer"], rows["secondary_payer"])
    payer = np.where(unapplied, rows["unapplied_payer"], payer)
    payer = np.where(party == "patient", PATIENT, payer)
    keys = pd.DataFrame({"client": rows["client"].to_numpy(), "party": label, "payer": payer})
    # A patient stream is always there, because everything may end with the patient.
    always = keys[["client"]].drop_duplicates().assign(party=PATIENT, payer=PATIENT)
    streams = (
        pd.concat([keys.drop_duplicates(), always])
        .drop_duplicates()
        .sort_values(["client", "party", "payer"], ignore_index=True)
    )
    number = pd.Series(np.arange(len(streams)), index=pd.MultiIndex.from_frame(streams))
    code, names = pd.factorize(pd.MultiIndex.from_frame(keys))
    return streams, number.reindex(names).to_numpy()[code]


def _without_undone(applied: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The moves less the payments that were reversed: cash that neither came nor went. Days and items stay."""
    payments = corrected_payments(tables, as_of=as_of)
    undone = payments[payments["is_undone"]]
    if undone.empty:
        return applied
    days = undone["posted_on"].to_numpy().astype("datetime64[D]").astype(np.int64)
    keys = ["client", "claim_id", "party", "day"]
    cents = undone.assign(day=days).groupby(keys)["amount_cents"].sum()
    there = pd.Series(cents.reindex(pd.MultiIndex.from_frame(applied[keys])).to_numpy(), index=applied.index)
    less = there.fillna(0).where(applied["move"] == "cash", 0).astype("int64")
    return applied.assign(amount_cents=applied["amount_cents"] - less)


def _by_item_day(applied: pd.DataFrame) -> dict[str, np.ndarray]:
    """Net moves by item and day, a column each, in the order of item and day."""
    at = applied["item"].to_numpy() * 100_000 + applied["day"].to_numpy()
    places, row = np.unique(at, return_inverse=True)
    moves = applied["move"].map({name: number for number, name in enumerate(MOVES)}).to_numpy()
    amounts = np.zeros((len(places), len(MOVES)))
    np.add.at(amounts, (row, moves), applied["amount_cents"].to_numpy(dtype=float))
    return {"item": places // 100_000, "day": places % 100_000, "amounts": amounts}


def _settled(wide: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What began to be owed, what ended by exit, and the cash beyond the balance, of every item and day."""
    amounts, item = wide["amounts"], wide["item"]
    change = amounts.sum(axis=1)
    running = np.cumsum(change)
    first = np.flatnonzero(np.concatenate([[True], item[1:] != item[:-1]]))
    base = np.repeat(np.concatenate([[0.0], running[first[1:] - 1]]), np.diff(np.append(first, len(item))))
    before = running - base - change
    raised = np.clip(amounts, 0, None).sum(axis=1)
    lowered = -np.clip(amounts[:, 1:], None, 0)
    corrected = -np.clip(amounts[:, 0], None, 0)
    there = np.clip(before + raised - corrected, 0, None)
    began = there - np.clip(before, 0, None)
    beyond = np.clip(lowered.sum(axis=1) - there, 0, None)
    out = np.zeros_like(lowered)
    ahead = np.zeros(len(item))
    for exit_number in range(lowered.shape[1]):
        cut = np.minimum(beyond, lowered[:, exit_number])
        out[:, exit_number] = lowered[:, exit_number] - cut
        beyond = beyond - cut
        if exit_number == 0:
            ahead = cut
    return began, out, ahead - np.clip(amounts[:, 1], 0, None)


def _ahead(cash: pd.DataFrame, applied: pd.DataFrame, wide: dict[str, np.ndarray], ahead: np.ndarray) -> np.ndarray:
    """Cash ahead of every cash row: all of it where unapplied, else that of its item and day."""
    out = -cash["amount_cents"].to_numpy(dtype=float)
    place = np.searchsorted(
        wide["item"] * 100_000 + wide["day"], applied["item"].to_numpy() * 100_000 + applied["day"].to_numpy()
    )
    out[(cash["claim_id"] != NO_VALUE).to_numpy()] = ahead[place]
    return out


def _sources(applied: pd.DataFrame, streams: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """For every item, the stream of its claim that its dollars come from, by what was there when it began:
    the secondary before the primary, else none."""
    items = applied.drop_duplicates("item")[["item", "claim", "stream"]]
    party = streams["party"].to_numpy()[items["stream"].to_numpy()]
    rank = pd.Series(party).map({PRIMARY: 0, SECONDARY: 1}).fillna(2).to_numpy()
    claims = int(items["claim"].max()) + 1 if len(items) else 0
    claim, began = items["claim"].to_numpy(), starts[items["item"].to_numpy()]
    by_rank, since = np.full((2, claims), -1), np.full((2, claims), 10**7)
    for number in (0, 1):
        mine = rank == number
        by_rank[number, claim[mine]] = items["stream"].to_numpy()[mine]
        since[number, claim[mine]] = began[mine]
    by_secondary = (by_rank[1, claim] >= 0) & (since[1, claim] <= began)
    found = np.where(rank == 0, -1, np.where((rank == 2) & by_secondary, by_rank[1, claim], by_rank[0, claim]))
    out = np.full(len(items), -1)
    out[items["item"].to_numpy()] = found
    return out
