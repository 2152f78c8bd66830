"""Cash three times: what was posted, what remittances say was paid, and what reached the bank.

Every remittance payment is sought among the deposits of the bank, each of both used once:

    trace     both name one trace number; all that is under it adds up to the same
    amount    the same amount, the bank's day from 3 days before to 10 days after that of the payment; nearest day first
    lump sum  a deposit is the sum of the payments of one day within those days: all of them, the checks, or one payer's
    differs   both name one trace number within those days, and the bank has another amount

A deposit whose trace number some remittance has is matched by that number alone. A remittance payment of a day that no
statement covers is not missed, nor one in a gap of over 30 days between deposits: a statement is missing there. Checks
of a lockbox file take the place of the credit of a statement that they add up to (same day to 3 days later), and count
themselves where no statement covers their day.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl

from ..periods import Period
from ..tables.frames import NO_VALUE, kept, pandas_of, source
from ..tables.ids import plain
from ..tables.schema import TABLES
from .reconciliation import deposits_check

EARLY_DAYS, LATE_DAYS = 3, 10
"""The bank may credit a payment from so many days before the day that its remittance names to so many after."""
GAP_DAYS = 30
"""So many days without any deposit are taken as a statement that is missing."""
LUMP_DAYS = 3
"""A lockbox's checks are credited on their day, or so many days later."""
OF_PLANS = ("claim_payment", "lockbox", "check")
"""Kinds of deposits that a remittance should explain."""
LINES = (
    *("found", "not_found", "not_covered", "zero"),
    *("plan_deposits", "other_deposits", "returned", "posted_alone", "patients"),
)
"""What may have become of cash, in the order in which it is shown."""
CHECK = ["client", "payer", "trace"]
ROW = {
    "client": pl.String,
    "side": pl.String,
    "id": pl.String,
    "trace": pl.String,
    "payer": pl.String,
    "kind": pl.String,
    "day": pl.Date,
    "known_on": pl.Date,
    "amount_cents": pl.Int64,
    "how": pl.String,
    "pair": pl.Int64,
    "is_covered": pl.Boolean,
}


def at_the_bank(tables: Mapping[str, Any], as_of: dt.date) -> pl.DataFrame:
    """Every remittance payment and every deposit of the bank, known by `as_of`, with how it was matched.

    Counts
        Payments other than zero of all remittances; of clients without any deposit of a bank, none. See the module
        for the ways to match, in their order; `how` is one of them, else empty.
    Unit
        cents
    Empty
        No row without bank statements.
    Shape
        client, side (remitted, banked), id, trace, payer, kind, day, known_on, amount_cents, how, pair (the same number
        for all rows matched with each other), is_covered (statements cover the day, and the 10 days after it)
    Source
        CAQH CORE 370: the payment carries the TRN of its remittance; three business days between them are usual
    """
    return _matched(tables, as_of=as_of).collect("polars").to_native()


@kept
def _matched(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    deposits = _read(tables, "bank_deposits", as_of)
    paid = TABLES["deposits"].empty() if deposits.is_empty() else _read(tables, "deposits", as_of)
    return nw.from_native(matches(paid, deposits).lazy())


@kept
def cash_three_ways(tables: Mapping[str, Any], *, as_of: dt.date, period: Period) -> pd.DataFrame:
    """The cash of a month as posted, as remitted and as banked, by what became of it.

    Counts
        found, not_found, not_covered   remittances that arrived in the period, with what was posted under their trace
                            numbers by `as_of` and what the bank credited for them; days that no statement covers apart
        zero                remittances whose payment is nothing, as it was offset
        plan_deposits, other_deposits, returned   deposits of the period without a remittance: of health plans and
                            lockboxes, of anybody else, and what was returned
        posted_alone        payments and takebacks of insurers posted in the period under a trace that no remittance has
        patients            payments of patients posted in the period
    Unit
        cents; count is of remittances, deposits, or trace numbers
    Empty
        No row for clients without bank statements.
    Shape
        client, line, count, posted_cents, remitted_cents, banked_cents
    """
    rows = at_the_bank(tables, as_of).with_columns(line=_LINE, remitted_cents=pl.when(_REMITTED).then("amount_cents"))
    banked = (
        pl.when(pl.col("line") == "found").then(pl.col("amount_cents") + _GAP).when(~_REMITTED).then("amount_cents")
    )
    rows = rows.with_columns(banked_cents=banked)
    lines = rows.filter(_REMITTED).with_columns(pl.col(CHECK).fill_null(NO_VALUE))
    lines = lines.sort("how", descending=True).unique(CHECK, keep="first", maintain_order=True)
    shown = rows.filter(pl.col("known_on").is_between(period.first_day, period.last_day), _REMITTED | (_HOW == ""))
    posted = _posted(tables, as_of, period, lines.select(*CHECK, "line"))
    out = pl.concat([shown.with_columns(count=pl.lit(1)), posted], how="diagonal_relaxed")
    out = out.join(rows.select("client").unique(), on="client", how="semi")
    amounts = ["count", "posted_cents", "remitted_cents", "banked_cents"]
    out = out.group_by("client", "line").agg(pl.col(amounts).sum().cast(pl.Int64))
    return pandas_of(out.sort("client", pl.col("line").replace_strict(_PLACE, return_dtype=pl.Int64)))


def _posted(tables: Mapping[str, Any], as_of: dt.date, period: Period, lines: pl.DataFrame) -> pl.DataFrame:
    """What was posted under the trace numbers of remittances, by line; under others; and by patients."""
    checked = deposits_check(tables, as_of=as_of)
    month = checked[checked["month"] == pd.Timestamp(period.first_day)]
    under = pl.from_pandas(month[[*CHECK, "remit_id", "posted_cents"]])
    under = under.join(lines, on=CHECK, how="left", maintain_order="left").with_columns(
        line=pl.when(pl.col("remit_id").is_null())
        .then(pl.lit("posted_alone"))
        .otherwise(pl.col("line").fill_null("zero")),
        count=pl.col("remit_id").is_null() | pl.col("line").is_null(),
    )
    need = ["client", "kind", "party", "amount_cents", "posted_on"]
    paid = source(tables, "transactions", need).filter(
        nw.col("kind") == "payment", nw.col("party") == "patient", period.holds(nw.col("posted_on"))
    )
    paid = paid.collect("polars").to_native().select("client", posted_cents=-pl.col("amount_cents"))
    patients = paid.with_columns(line=pl.lit("patients"), count=pl.lit(1))
    return pl.concat([under.select("client", "line", "posted_cents", "count"), patients], how="diagonal_relaxed")


@kept
def unmatched_by_age(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Payments that the bank does not show, and deposits that no remittance explains, by their age on `as_of`.

    Counts
        All that was known by `as_of`, not the month's alone; remittance payments of days that a statement covers.
        Deposits of anybody but health plans and lockboxes need no remittance, and are left out.
    Unit
        cents; days from the payment, or from the deposit
    Empty
        No row where all of it was matched.
    Shape
        client, side (remitted, banked), age (0-10, 11-30, over 30), count, amount_cents
    """
    rows = at_the_bank(tables, as_of).filter(
        _HOW == "", pl.col("is_covered"), _REMITTED | pl.col("kind").is_in(OF_PLANS)
    )
    days = (pl.lit(as_of) - pl.col("day")).dt.total_days()
    age = pl.when(days <= 10).then(pl.lit("0-10")).when(days <= 30).then(pl.lit("11-30")).otherwise(pl.lit("over 30"))
    rows = rows.group_by("client", "side", age=age).agg(
        count=pl.len().cast(pl.Int64), amount_cents=pl.col("amount_cents").sum()
    )
    return pandas_of(rows.sort("client", "side", "age", descending=[False, True, False]))


def matches(payments: pl.DataFrame, deposits: pl.DataFrame) -> pl.DataFrame:
    """`at_the_bank` of the rows of the two tables: payments as `deposits`, deposits as `bank_deposits`.

    >>> paid = {"client": "a", "remit_id": "r", "trace": "0077", "payer": "aetna", "paid_cents": 500}
    >>> bank = {"client": "a", "deposit_id": "b", "trace": "77", "amount_cents": 500, "kind": "other"}
    >>> found = matches(
    ...     pl.DataFrame([paid | {"paid_on": dt.date(2026, 10, 1), "received_on": dt.date(2026, 10, 1)}],
    ...                  schema=TABLES["deposits"].polars),
    ...     pl.DataFrame([bank | {"posted_on": dt.date(2026, 10, 3)}], schema=TABLES["bank_deposits"].polars))
    >>> found.select("side", "id", "how", "pair").rows()
    [('remitted', 'r', 'trace', 1), ('banked', 'b', 'trace', 1)]
    """
    day = pl.coalesce("paid_on", "received_on")
    remitted = payments.filter(pl.col("paid_cents") != 0).select(
        "client", "trace", "payer", "method", id="remit_id", day=day, known_on="received_on", amount_cents="paid_cents"
    )
    frames = [pl.DataFrame(schema=ROW)]
    for (client,), rows in deposits.group_by("client", maintain_order=True):
        banked = _once(rows).select(
            "trace", "reference", "kind", id="deposit_id", day="posted_on", known_on="posted_on",
            amount_cents="amount_cents",
        )  # fmt: skip
        mine = remitted.filter(pl.col("client") == client)
        found = _Matching(mine.to_dicts(), banked.to_dicts()).found()
        is_covered = _covered(rows["posted_on"].unique().sort().to_list())
        frames.append(
            pl.DataFrame(found, schema={**ROW, "is_covered": pl.Boolean}, orient="row").with_columns(
                client=pl.lit(client), is_covered=is_covered | (pl.col("side") == "banked") | (pl.col("how") != "")
            )
        )
    return pl.concat(frames)


def _covered(days: Sequence[dt.date]) -> pl.Expr:
    """True for days that statements cover, with those on which their money may come; not in a gap (`GAP_DAYS`)."""
    late = dt.timedelta(days=LATE_DAYS)
    inside = pl.col("day").is_between(days[0], days[-1] - late)
    for before, after in pairwise(days):
        if (after - before).days > GAP_DAYS:
            inside &= ~pl.col("day").is_between(before - late, after, closed="none")
    return inside


def _read(tables: Mapping[str, Any], name: str, as_of: dt.date) -> pl.DataFrame:
    table = TABLES[name]
    if name not in tables:
        return table.empty()
    rows = source(tables, name, table.names).filter(nw.col(table.known_on) <= as_of)
    return rows.collect("polars").to_native().cast(table.polars)


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """The deposits with what a lockbox file and a statement both say of them once."""
    checks, lines = rows.filter(pl.col("kind") == "check"), rows.filter(pl.col("kind") != "check")
    if checks.is_empty() or lines.is_empty():
        return rows
    first, last = lines["posted_on"].min(), lines["posted_on"].max()
    credits = lines.filter(pl.col("amount_cents") > 0).sort("posted_on", "deposit_id").to_dicts()
    used: set[str] = set()
    kept = []
    for by in (["posted_on", "batch"], ["posted_on"]):
        for (day, *_), part in checks.group_by(by, maintain_order=True):
            lump = next(
                (
                    row["deposit_id"]
                    for row in credits
                    if row["amount_cents"] == part["amount_cents"].sum()
                    and 0 <= (row["posted_on"] - day).days <= LUMP_DAYS
                    and row["deposit_id"] not in used
                ),
                None,
            )
            if lump:
                used.add(lump)
                kept.append(part)
                checks = checks.join(part, on="deposit_id", how="anti")
    uncovered = checks.filter(~pl.col("posted_on").is_between(first, last))
    return pl.concat([lines.filter(~pl.col("deposit_id").is_in(list(used))), *kept, uncovered])


_REMITTED = pl.col("side") == "remitted"
_HOW = pl.col("how")
_PLACE = {line: place for place, line in enumerate(LINES)}
_LINE = (
    pl.when(_REMITTED & (_HOW != ""))
    .then(pl.lit("found"))
    .when(_REMITTED & pl.col("is_covered"))
    .then(pl.lit("not_found"))
    .when(_REMITTED)
    .then(pl.lit("not_covered"))
    .when(pl.col("kind").is_in(OF_PLANS))
    .then(pl.lit("plan_deposits"))
    .when(pl.col("kind") == "returned")
    .then(pl.lit("returned"))
    .otherwise(pl.lit("other_deposits"))
)
_SIGNED = pl.when(_REMITTED).then(-pl.col("amount_cents")).otherwise("amount_cents")
_IS_FIRST = pl.int_range(pl.len()).over("client", "pair", "side") == 0
_GAP = pl.when(_IS_FIRST).then(_SIGNED.sum().over("client", "pair")).otherwise(0)
"""What the bank credited beyond the remittances of a pair, on the first of them."""


class _Matching:
    """The matching of one client: rows of both sides, and what was found so far."""

    def __init__(self, remitted: list[dict[str, Any]], banked: list[dict[str, Any]]) -> None:
        self.rows = [*remitted, *banked]
        self.is_bank = [False] * len(remitted) + [True] * len(banked)
        self.how: dict[int, tuple[str, int]] = {}
        self.pairs = 0
        self.traces = _plain_traces(self.rows)
        self.known = {trace for at, words in enumerate(self.traces) if not self.is_bank[at] for trace in words}

    def found(self) -> list[tuple]:
        self._by_trace()
        self._by_amount()
        self._by_lump()
        self._by_trace(differs=True)
        return [
            (
                None,
                "banked" if self.is_bank[at] else "remitted",
                row["id"],
                row["trace"],
                row.get("payer"),
                row.get("kind"),
                row["day"],
                row["known_on"],
                row["amount_cents"],
                *self.how.get(at, ("", None)),
                None,
            )
            for at, row in enumerate(self.rows)
        ]

    def _free(self, *, bank: bool) -> Iterable[int]:
        return (at for at in range(len(self.rows)) if self.is_bank[at] is bank and at not in self.how)

    def _cents(self, places: Iterable[int]) -> int:
        return sum(self.rows[at]["amount_cents"] for at in places)

    def _late(self, remitted: int, banked: int) -> int | None:
        """Days from the payment to the deposit; None outside of the days in which they may be the same."""
        days = (self.rows[banked]["day"] - self.rows[remitted]["day"]).days
        return days if -EARLY_DAYS <= days <= LATE_DAYS else None

    def _match(self, how: str, places: Iterable[int]) -> None:
        self.pairs += 1
        for at in places:
            self.how[at] = (how, self.pairs)

    def _by_trace(self, *, differs: bool = False) -> None:
        under: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for bank in (False, True):
            for at in self._free(bank=bank):
                for trace in self.traces[at]:
                    under[trace][bank].append(at)
        for remitted, banked in under.values():
            remitted, banked = ([at for at in side if at not in self.how] for side in (remitted, banked))
            if not remitted or not banked:
                continue
            if differs:
                near = [at for at in banked if any(self._late(one, at) is not None for one in remitted)]
                if near:
                    self._match("differs", [*remitted, *near])
            elif self._cents(remitted) == self._cents(banked):
                self._match("trace", [*remitted, *banked])
            else:
                self._one_to_one("trace", remitted, banked)

    def _by_amount(self) -> None:
        unknown = [at for at in self._free(bank=True) if not self.known & set(self.traces[at])]
        self._one_to_one("amount", list(self._free(bank=False)), unknown)

    def _one_to_one(self, how: str, remitted: list[int], banked: list[int]) -> None:
        """Pairs of equal amounts, the nearest days first; by trace the day does not matter."""
        at_amount: dict[int, list[int]] = defaultdict(list)
        for at in banked:
            at_amount[self.rows[at]["amount_cents"]].append(at)
        near = []
        for one in remitted:
            for at in at_amount.get(self.rows[one]["amount_cents"], ()):
                late = self._late(one, at)
                if how == "trace" or late is not None:
                    near.append((abs((self.rows[at]["day"] - self.rows[one]["day"]).days), one, at))
        for _, one, at in sorted(near):
            if one not in self.how and at not in self.how:
                self._match(how, [one, at])

    def _by_lump(self) -> None:
        of_day: dict[dt.date, list[int]] = defaultdict(list)
        for at in self._free(bank=False):
            of_day[self.rows[at]["day"]].append(at)
        for at in list(self._free(bank=True)):
            row = self.rows[at]
            if row["amount_cents"] <= 0 or self.known & set(self.traces[at]):
                continue
            for back in range(-EARLY_DAYS, LATE_DAYS + 1):
                here = [one for one in of_day.get(row["day"] - dt.timedelta(days=back), ()) if one not in self.how]
                lump = next(
                    (part for part in _parts(self.rows, here) if self._cents(part) == row["amount_cents"]), None
                )
                if lump:
                    self._match("lump sum", [*lump, at])
                    break


def _parts(rows: list[dict[str, Any]], here: list[int]) -> Iterable[list[int]]:
    """The payments of a day that may be one deposit: all, those by check, those of one payer; two at least."""
    yield from (part for part in (here, [one for one in here if rows[one]["method"] == "CHK"]) if len(part) > 1)
    payers: dict[str, list[int]] = defaultdict(list)
    for one in here:
        payers[rows[one]["payer"]].append(one)
    yield from (part for part in payers.values() if len(part) > 1)


def _plain_traces(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The trace numbers of each row, without zeros in front, case and punctuation: of a deposit its reference, too."""
    texts = [(at, word) for at, row in enumerate(rows) for word in (row["trace"], row.get("reference")) if word]
    frame = pl.DataFrame(texts, schema={"at": pl.Int64, "text": pl.String}, orient="row")
    out: list[list[str]] = [[] for _ in rows]
    for at, word in frame.select("at", word=plain(pl.col("text"))).unique(maintain_order=True).iter_rows():
        if word and word != NO_VALUE:
            out[at].append(word)
    return out
