"""How the receivable moved through its age buckets: what rolled forward, what is new, and what resolved the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import sums
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, source
from ...tables.schema import PARTIES
from ..menu import measure
from .ar import BUCKETS, NO_DATE, UNBILLED, aged_balances, open_balances, unapplied_money

ITEM = ["client", "claim_id", "party"]
ORDER = (UNBILLED, *BUCKETS, NO_DATE)
"""The buckets in the order in which balances walk through them."""

NEW, GROWN = "new", "grown"
RESOLVED = {
    "paid": ("payment", "refund", "takeback"),
    "adjusted": ("contractual",),
    "written off": ("write_off",),
    "transferred": ("transfer",),
    "corrected": ("charge",),
}
"""What resolves a balance, and the kinds of posting that do; in the order in which an excess is taken off."""

_CODES = {name: number for number, name in enumerate(ORDER, start=1)}
_RESOLVED = {name: f"{name.replace(' ', '_')}_cents" for name in RESOLVED}


@measure("From age bucket to age bucket", value="moved_cents")
def roll_rates(
    tables: Mapping[str, Any],
    *,
    period: Period,
    clock: str = "service",
    parties: Sequence[str] = PARTIES,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Where every dollar owed at the start of the period was at its end, by age bucket.

    Formula
        one row per (from, to) with dollars in it; from: an age bucket at the opening, "new" or "grown";
        to: an age bucket at the close, or what resolved the dollars: "paid" (less refunds and
        takebacks), "adjusted", "written off", "transferred" (to another party), "corrected" (the charge)
        of a balance o that is c at the close, the smaller of the two rolled, o - c was resolved if c is
        less, c - o has grown if c is more; a balance that was not owed at the opening is new
        roll_rate = moved_cents / moved_cents of all rows with the same from (and `by`)
    Counts
        Balances above zero, one per claim and party, as in `ar.aging` at the end of the day before the
        period and of its last day: the rows by from-bucket add up to the aging at the opening, those by
        to-bucket to the aging at the close, to the cent. Of one balance, postings of opposite effect are
        taken net; what was received beyond the balance is a credit and is not in here (`credits_and_unapplied`). Of
        several kinds of posting the excess is taken off payments first, then in the order above.
        `claims` counts balances; one partly paid counts under "paid" and where its rest rolled to.
        `by` as in `ar.aging`.
    Date basis
        posting date for the money; the clock for the age, as in `ar.aging`
    Unit
        cents; claims is a count of balances; roll_rate is 0 to 1
    Empty
        No row without dollars. New and grown balances have no roll rate.
    Source
        Roll-rate matrices of lenders, on the buckets of HFMA MAP Key AR-1; our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = roll_rates(example_ledger(), period=Period.month("2026-03"))
    >>> print(found[["from_bucket", "to_bucket", "claims", "moved_cents"]].to_string(index=False))
    from_bucket   to_bucket  claims  moved_cents
          61-90        paid       1         5000
         91-120    over 120       1        17000
         91-120    adjusted       1         2000
         91-120 written off       1         1000
            new        0-30       2         9000
    """
    by = list(by)
    flows = [*_RESOLVED.values(), "rolled_cents", "grown_cents", "new_cents"]
    rows = _moved(tables, period=period, clock=clock, parties=parties, by=by)
    counts = {f"{name}_claims": nw.when(nw.col(name) > 0).then(1).otherwise(0) for name in flows}
    both = [*flows, *counts]
    rows = rows.with_columns(**counts).with_columns(
        from_code=nw.col("from_code").cast(nw.String), to_code=nw.col("to_code").cast(nw.String)
    )
    keys = [*by, "from_code", "to_code"]
    found = collect(rows.group_by(*keys).agg(*[nw.col(name).sum() for name in both]), keys)
    return _matrix(found, by, flows)


@measure("Share of the receivable that rolled forward", value="roll_rate", unit="rate", good="down")
def roll_forward_rates(
    tables: Mapping[str, Any],
    *,
    period: Period,
    clock: str = "service",
    parties: Sequence[str] = PARTIES,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Of the dollars in each age bucket at the start of the period, the share that only grew older.

    Formula
        roll_rate = rolled_cents / opening_cents
        rolled_cents = dollars still owed at the end of the period, in an older bucket or in "over 120"
        opening_cents = rolled_cents + stayed_cents + paid_cents + adjusted_cents + written_off_cents
        + transferred_cents + corrected_cents; stayed_cents are owed in the same or a younger bucket
    Counts
        As `roll_rates`; new and grown balances are left out. `by` as in `ar.aging`.
    Date basis
        posting date for the money; the clock for the age
    Unit
        rate, 0 to 1; cents
    Empty
        No row for a bucket that held nothing at the opening.
    Source
        Roll rates of lenders; our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> found = roll_forward_rates(example_ledger(), period=Period.month("2026-03"))
    >>> print(found[["from_bucket", "opening_cents", "rolled_cents", "roll_rate"]].to_string(index=False))
    from_bucket  opening_cents  rolled_cents  roll_rate
          61-90           5000             0       0.00
         91-120          20000         17000       0.85
    """
    by = list(by)
    found = roll_rates(tables, period=period, clock=clock, parties=parties, by=by)
    found = found[~found["from_bucket"].isin([NEW, GROWN])]
    place = {name: number for number, name in enumerate(ORDER)}
    source_place, target = (found[name].map(place).astype("float64") for name in ("from_bucket", "to_bucket"))
    older = (target > source_place) | ((target == source_place) & (found["to_bucket"] == BUCKETS[-1]))
    ended = found["to_bucket"].map(_RESOLVED)
    part = ended.where(target.isna(), older.map({True: "rolled_cents", False: "stayed_cents"}))
    parts = ["rolled_cents", "stayed_cents", *_RESOLVED.values()]
    wide = found.assign(part=part).pivot_table(
        index=[*by, "from_bucket"], columns="part", values="moved_cents", aggfunc="sum", fill_value=0
    )
    out = wide.reindex(columns=parts, fill_value=0).astype("int64").rename_axis(columns=None).reset_index()
    out.insert(len(by) + 1, "opening_cents", out[parts].sum(axis=1).astype("int64"))
    out = out.assign(roll_rate=quotient(out["rolled_cents"], out["opening_cents"]))
    return _in_order(out, [*by], ["from_bucket"])


@measure("Credits and unapplied money at both ends", value="closing_cents", good="down")
def credits_and_unapplied(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Credits and unapplied money at both ends of the period: they are no receivable and lower none.

    Formula
        change_cents = closing_cents - opening_cents, for each of the two kinds
    Counts
        `kind` "credits": balances below zero, one per claim and party, without sign; "unapplied": money
        that no claim has been given yet. `by` may hold client, party and payer.
    Date basis
        posting date, at the end of the day before the period and of its last day
    Unit
        cents, positive while money waits
    Empty
        Without `by` a row of zeros for each kind.
    Source
        HFMA MAP Key AR-1 for credits beside the receivable, never netted; unapplied money apart is our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> print(credits_and_unapplied(example_ledger(), period=Period.month("2026-03")).to_string(index=False))
         kind  opening_cents  closing_cents  change_cents
      credits              0          1000          1000
    unapplied              0          2500          2500
    """
    by = list(by)
    ends = {"opening_cents": period.first_day - dt.timedelta(days=1), "closing_cents": period.last_day}
    parts = []
    for column, day in ends.items():
        credit = open_balances(tables, as_of=day, by=by)
        waiting = unapplied_money(tables, as_of=day, by=by)
        parts.append(credit.assign(kind="credits", end=column, cents=-credit["credit_cents"]))
        parts.append(waiting.assign(kind="unapplied", end=column, cents=waiting["unapplied_cents"]))
    rows = pd.concat(parts, ignore_index=True)
    wide = rows.pivot_table(index=["kind", *by], columns="end", values="cents", aggfunc="sum", fill_value=0)
    out = wide.reindex(columns=list(ends), fill_value=0).astype("int64").rename_axis(columns=None).reset_index()
    return out.assign(change_cents=out["closing_cents"] - out["opening_cents"])


def _moved(
    tables: Mapping[str, Any], *, period: Period, clock: str, parties: Sequence[str], by: list[str]
) -> nw.LazyFrame:
    """Balances owed at either end: from_code and to_code (0: not owed then), and what each dollar did."""
    day_before = period.first_day - dt.timedelta(days=1)
    ends = []
    for end, day in (("from", day_before), ("to", period.last_day)):
        owed = aged_balances(tables, as_of=day, clock=clock, parties=parties, by=by).filter(nw.col("ar_cents") > 0)
        mine = {f"{end}_code": _code(), f"{end}_cents": nw.col("ar_cents").cast(nw.Int64)}
        other = "to" if end == "from" else "from"
        zeros = {f"{other}_code": nw.lit(0).cast(nw.Int64), f"{other}_cents": nw.lit(0).cast(nw.Int64)}
        columns = ["from_code", "from_cents", "to_code", "to_cents"]
        ends.append(owed.with_columns(**mine, **zeros).select(*dict.fromkeys([*ITEM, *by]), *columns))
    keys = list(dict.fromkeys([*ITEM, *by]))
    items = (
        nw.concat(ends, how="vertical")
        .group_by(*keys)
        .agg(*[nw.col(name).sum() for name in ("from_code", "from_cents", "to_code", "to_cents")])
    )
    items = items.join(_lowered(tables, period), on=ITEM, how="left")
    items = items.with_columns(*[nw.col(name).fill_null(0) for name in _RESOLVED.values()])
    return _explained(items)


def _code() -> nw.Expr:
    code = nw.lit(_CODES[NO_DATE])
    for name, number in _CODES.items():
        code = nw.when(nw.col("bucket") == name).then(nw.lit(number)).otherwise(code)
    return code.cast(nw.Int64)


def _lowered(tables: Mapping[str, Any], period: Period) -> nw.LazyFrame:
    """By claim and party, what each kind of posting of the period took off the balance, at least zero."""
    rows = source(tables, "transactions", [*ITEM, "kind", "amount_cents", "posted_on"]).filter(
        period.holds(nw.col("posted_on")), ~nw.col("claim_id").is_null()
    )
    parts = {
        _RESOLVED[name]: nw.when(nw.col("kind").is_in(list(kinds))).then(-nw.col("amount_cents")).otherwise(0)
        for name, kinds in RESOLVED.items()
    }
    summed = rows.with_columns(**parts).group_by(*ITEM).agg(*[nw.col(name).sum() for name in parts])
    return summed.with_columns(**{name: _at_least_zero(nw.col(name)) for name in parts})


def _explained(items: nw.LazyFrame) -> nw.LazyFrame:
    """The rows with rolled, grown and new cents, and the kinds cut down to what the balance lost."""
    opened, closed = nw.col("from_cents"), nw.col("to_cents")
    rolled = nw.when(opened < closed).then(opened).otherwise(closed)
    is_new = nw.col("from_code") == 0
    gain = _at_least_zero(closed - opened)
    items = items.with_columns(
        rolled_cents=rolled,
        grown_cents=nw.when(is_new).then(0).otherwise(gain),
        new_cents=nw.when(is_new).then(closed).otherwise(0),
        excess=sum((nw.col(name) for name in _RESOLVED.values()), nw.lit(0)) - _at_least_zero(opened - closed),
    )
    for name in _RESOLVED.values():
        cut = nw.when(nw.col("excess") < nw.col(name)).then(nw.col("excess")).otherwise(nw.col(name))
        items = items.with_columns(cut=cut)
        items = items.with_columns(excess=nw.col("excess") - nw.col("cut"), **{name: nw.col(name) - nw.col("cut")})
    return items.drop("excess", "cut")


def _at_least_zero(value: nw.Expr) -> nw.Expr:
    return nw.when(value > 0).then(value).otherwise(0)


def _matrix(found: pd.DataFrame, by: list[str], flows: list[str]) -> pd.DataFrame:
    """From the sums per pair of buckets to one row per pair of ends, with its share of the row's dollars."""
    names = {str(number): name for name, number in _CODES.items()}
    start, end = found["from_code"].map(names), found["to_code"].map(names)
    resolved = {column: name for name, column in _RESOLVED.items()}
    parts = []
    for name in flows:
        origin = {"grown_cents": GROWN, "new_cents": NEW}.get(name, start)
        ends = {
            "from_bucket": origin,
            "to_bucket": resolved.get(name, end),
            "claims": found[f"{name}_claims"],
            "moved_cents": found[name],
        }
        parts.append(found[by].assign(**ends))
    rows = pd.concat(parts, ignore_index=True)
    keys = [*by, "from_bucket", "to_bucket"]
    out = rows[rows["moved_cents"] != 0].groupby(keys, as_index=False)[["claims", "moved_cents"]].sum()
    whole = out.groupby([*by, "from_bucket"])["moved_cents"].transform("sum") if len(out) else out["moved_cents"]
    out = out.assign(roll_rate=quotient(out["moved_cents"], whole.where(~out["from_bucket"].isin([NEW, GROWN]))))
    return _in_order(out, by, ["from_bucket", "to_bucket"])


def _in_order(out: pd.DataFrame, by: list[str], buckets: list[str]) -> pd.DataFrame:
    """Sorted by group, then by bucket as balances walk through them; what is no bucket comes last."""
    every = [*ORDER, NEW, GROWN, *RESOLVED]
    place = {name: number for number, name in enumerate(every)}
    keys = {f"_{name}": out[name].map(place) for name in buckets}
    return out.assign(**keys).sort_values([*by, *keys], ignore_index=True).drop(columns=list(keys))


@measure("What moved the receivable", value="closing_cents", good="down")
def ar_movement(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """What raised and what lowered the receivable in the period, from opening to close.

    Formula
        opening_cents + new_cents + grown_cents - paid_cents - adjusted_cents - written_off_cents
        - transferred_cents - corrected_cents = closing_cents
    Counts
        Balances above zero as in `roll_rates`. A transfer lowers one party's balance and is new or
        grown at the other's. `by` as in `ar.aging`.
    Date basis
        posting date
    Unit
        cents
    Empty
        Without `by` one row of zeros; with `by` no row where nothing was owed at either end.
    Source
        our own

    >>> from rcm_analysis.examples.ledger import example_ledger
    >>> ar_movement(example_ledger(), period=Period.month("2026-03"))[
    ...     ["opening_cents", "new_cents", "closing_cents"]
    ... ].iloc[0].tolist()
    [25000, 9000, 26000]
    """
    by = list(by)
    gains, losses = ["new_cents", "grown_cents"], list(_RESOLVED.values())
    rows = _moved(tables, period=period, clock="service", parties=PARTIES, by=by)
    out = sums(rows, by, ["from_cents", *gains, *losses, "to_cents"])
    return out.rename(columns={"from_cents": "opening_cents", "to_cents": "closing_cents"})
