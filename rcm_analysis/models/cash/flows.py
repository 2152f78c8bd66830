"""Dollars owed, day by day: when they come to be owed by whom, and how they stop being owed.

Every posting of the ledger moves dollars of one claim and one responsible party. A dollar that is
charged, or passed on, begins there at age 0; it ends there as cash, as an adjustment, as a write-off,
or by being passed on to the next party, where it begins again. Partial payments need no rule of
their own, and a balance on a day is what began and has not ended.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl

from ...errors import TableError
from ...ledger.postings import corrected_payments
from ...tables.frames import NO_VALUE, kept, source
from ...tables.schema import CLAIMS

EPOCH = dt.date(1970, 1, 1)
EXITS = ("cash", "adjusted", "written_off", "passed_on")
"""How a dollar stops being owed by a party."""

PATIENT, SELF_PAY, SECONDARY, PRIMARY = "patient", "self-pay", "secondary", "primary"
PARTY_ORDER = (PRIMARY, SECONDARY, PATIENT, SELF_PAY)
"""Dollars are passed on in this order; a self-pay claim is the patient's from the start."""

MOVES = ("charge", "cash", "adjusted", "written_off", "passed_on")
MOST_DAYS = 100_000
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
    was owed (copays at the desk), less refunds and takebacks; `charge_*` the charges. `claim_key` tells claims
    apart by their ids, where their numbers change with every claim that comes in between.
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
    claim_key: np.ndarray

    @property
    def stream(self) -> np.ndarray:
        """The stream of every row."""
        return self.item_stream[self.item]

    @property
    def first_day(self) -> int:
        return int(min(self.cash_day.min(initial=10**7), self.charge_day.min(initial=10**7)))

    def marks(self, days: Sequence[int]) -> list[str]:
        """For each day a text that is another one as soon as anything that moved up to that day, or a stream, is."""
        names = pl.from_pandas(self.streams).select(pl.concat_str(pl.all(), separator="\0").hash()).to_series()
        stream, claim = names.to_numpy(), np.append(self.claim_key, np.uint64(0))  # the last one: no claim
        source = np.append(stream, np.uint64(0))[self.item_source]
        items = [claim[self.item_claim], stream[self.item_stream], source]
        parts = [
            (self.day, [*(part[self.item] for part in items), self.start, self.began, self.net, *self.out.T]),
            (self.cash_day, [claim[self.cash_claim], stream[self.cash_stream], self.cash_cents, self.ahead_cents]),
            (self.charge_day, [stream[self.charge_stream], self.charge_cents]),
        ]
        mixed = [(day, _mixed([day, *columns])) for day, columns in parts]
        every = hashlib.sha256(stream.tobytes()).hexdigest()
        return [" ".join([every, *(f"{_sum_until(day, values, last):x}" for day, values in mixed)]) for last in days]


def _mixed(columns: Sequence[np.ndarray]) -> np.ndarray:
    """One number for each row, from all of its columns."""
    out = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        out = (out ^ np.ascontiguousarray(column).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        out ^= out >> np.uint64(29)
    return out * np.uint64(0xBF58476D1CE4E5B9)


def _sum_until(day: np.ndarray, values: np.ndarray, last: int) -> int:
    return int(values[day <= last].sum(dtype=np.uint64))


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
    if rows.is_empty():
        raise TableError(
            f"There is no posting by {as_of}: nothing can be projected. Check the as-of day, or ingest the "
            "transactions."
        )
    streams, rows = _in_streams(rows)
    applied = rows.filter(pl.col("claim_id") != NO_VALUE)
    claim = _claims(applied)
    stream, moved = applied["stream"].to_numpy(), applied["move"].to_numpy()
    item = pd.factorize(claim * len(streams) + stream)[0]
    at = item * MOST_DAYS + applied["day"].to_numpy()
    wide = _by_item_day(at, moved, _without_undone(applied, tables, as_of))
    began, out, ahead = _settled(wide)
    first = np.unique(item, return_index=True)[1]
    starts = np.full(len(first), 10**7)
    np.minimum.at(starts, wide["item"][began > 0], wide["day"][began > 0])
    day, of_stream = rows["day"].to_numpy(), rows["stream"].to_numpy()
    amount = rows["amount_cents"].to_numpy().astype(float)
    is_cash, is_charge = (rows["move"].to_numpy() == MOVES.index(move) for move in ("cash", "charge"))
    is_applied = (rows["claim_id"] != NO_VALUE).to_numpy()
    claim_of, ahead_of = np.full(len(rows), -1), -amount
    claim_of[is_applied] = claim
    ahead_of[is_applied & is_cash] = ahead[np.searchsorted(wide["at"], at[moved == MOVES.index("cash")])]
    return Flows(
        streams,
        stream[first],
        claim[first],
        _sources(claim[first], stream[first], streams, starts),
        wide["item"],
        wide["day"],
        starts[wide["item"]],
        began,
        out,
        began - out.sum(axis=1),
        day[is_cash],
        of_stream[is_cash],
        -amount[is_cash],
        claim_of[is_cash],
        ahead_of[is_cash],
        day[is_charge],
        of_stream[is_charge],
        amount[is_charge],
        applied.filter(_is_new_claim())
        .select(pl.concat_str(*CLAIMS.key, separator="\0").hash())
        .to_series()
        .to_numpy(),
    )


def _moves(tables: Mapping[str, Any], as_of: dt.date) -> pl.DataFrame:
    """One row per claim, party, move (its place in `MOVES`) and day, with the payer who owes it; ordered by claim and
    day."""
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
    joined = summed.join(claims, on=list(CLAIMS.key), how="left").select(*keys, "amount_cents")
    found = joined.collect("polars").to_native()
    texts = [pl.col(name).cast(pl.String).fill_null(NO_VALUE) for name in keys if name != "posted_on"]
    ordered = found.with_columns(*texts, pl.col("posted_on").cast(pl.Date), pl.col("amount_cents").cast(pl.Int64))
    return ordered.sort(keys).with_columns(
        pl.col("move").replace_strict({name: place for place, name in enumerate(MOVES)}, return_dtype=pl.Int64),
        day=pl.col("posted_on").to_physical().cast(pl.Int64),
    )


def _in_streams(rows: pl.DataFrame) -> tuple[pd.DataFrame, pl.DataFrame]:
    """The streams, and the rows with the number of theirs."""
    of_patient, of_primary = (pl.col("party") == party for party in (PATIENT, PRIMARY))
    own = pl.when(pl.col("payer") == "self_pay").then(pl.lit(SELF_PAY)).otherwise(pl.lit(PATIENT))
    owes = (
        pl.when(of_patient)
        .then(pl.lit(PATIENT))
        .when(pl.col("claim_id") == NO_VALUE)
        .then("unapplied_payer")
        .when(of_primary)
        .then("payer")
        .otherwise("secondary_payer")
    )
    label = pl.when(of_patient).then(own).when(of_primary).then(pl.lit(PRIMARY)).otherwise(pl.lit(SECONDARY))
    named = rows.with_columns(label=label, owes=owes)
    keys = ["client", "label", "owes"]
    # A patient stream is always there, because everything may end with the patient.
    always = named.select("client").unique().with_columns(label=pl.lit(PATIENT), owes=pl.lit(PATIENT))
    streams = pl.concat([named.select(keys).unique(), always]).unique().sort(keys)
    numbered = named.join(streams.with_row_index("stream"), on=keys, how="left", maintain_order="left")
    found = streams.rename({"label": "party", "owes": "payer"}).to_pandas().astype("str")
    return found, numbered.with_columns(pl.col("stream").cast(pl.Int64))


def _claims(applied: pl.DataFrame) -> np.ndarray:
    """The number of the claim of every row, in their order."""
    return applied.select(_is_new_claim().cum_sum().cast(pl.Int64) - 1).to_series().to_numpy()


def _is_new_claim() -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in CLAIMS.key)


def _without_undone(applied: pl.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> np.ndarray:
    """The amounts less the payments that were reversed: cash that neither came nor went. Days and items stay."""
    payments = corrected_payments(tables, as_of=as_of)
    undone = payments[payments["is_undone"]]
    amounts = applied["amount_cents"].to_numpy().astype(float)
    if undone.empty:
        return amounts
    keys = ["client", "claim_id", "party", "posted_on"]
    cents = pl.from_pandas(undone[[*keys, "amount_cents"]]).with_columns(pl.col("posted_on").cast(pl.Date))
    less = cents.group_by(keys).agg(less=pl.col("amount_cents").sum())
    there = applied.select(keys).join(less, on=keys, how="left", maintain_order="left")["less"].fill_null(0).to_numpy()
    return amounts - np.where(applied["move"].to_numpy() == MOVES.index("cash"), there, 0)


def _by_item_day(at: np.ndarray, moved: np.ndarray, cents: np.ndarray) -> dict[str, np.ndarray]:
    """Net moves by item and day, a column each, in the order of item and day (`at`, both in one number)."""
    places, row = np.unique(at, return_inverse=True)
    amounts = np.bincount(row * len(MOVES) + moved, cents, len(places) * len(MOVES)).reshape(-1, len(MOVES))
    return {"at": places, "item": places // MOST_DAYS, "day": places % MOST_DAYS, "amounts": amounts}


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


def _sources(claim: np.ndarray, stream: np.ndarray, streams: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """For every item, the stream of its claim that its dollars come from, by what was there when it began:
    the secondary before the primary, else none."""
    rank = streams["party"].map({PRIMARY: 0, SECONDARY: 1}).fillna(2).to_numpy()[stream]
    claims, began = int(claim.max(initial=-1)) + 1, starts
    by_rank, since = np.full((2, claims), -1), np.full((2, claims), 10**7)
    for number in (0, 1):
        mine = rank == number
        by_rank[number, claim[mine]] = stream[mine]
        since[number, claim[mine]] = began[mine]
    by_secondary = (by_rank[1, claim] >= 0) & (since[1, claim] <= began)
    return np.where(rank == 0, -1, np.where((rank == 2) & by_secondary, by_rank[1, claim], by_rank[0, claim]))
