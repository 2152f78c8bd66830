"""Why a printed figure moved between two periods: its own rows, told apart by payer, place, person, code and reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl

from ...errors import ParameterError, closest
from ...ledger.adjudications import PAYMENT, first_adjudications, line_adjudications
from ...ledger.postings import postings
from ...measures.denials.reasons import denied_lines
from ...periods import Period
from ...tables.frames import NO_VALUE, kept, source
from ..detection.denial_cells import family_of
from .cells import DIMENSIONS, REASON, Kind, facts_of, unrest
from .search import FLOOR_CENTS, Account, Driver, account, onset

col = nw.col
COMPARISONS = 8
"""How many earlier comparisons of the same form tell what is usual."""

FEWEST_COMPARISONS = 4
YEAR = 12
USUAL = 0.90
WORK = ["day", *DIMENSIONS[:REASON], "cents"]
TOPS = ["claim_id", "day", *DIMENSIONS, "cents"]


@dataclass(frozen=True)
class Figure:
    """A figure that can be explained: its name, its kind, and how its rows are found in a span of days."""

    name: str
    kind: Kind
    rows: Callable[[Mapping[str, Any], Period], tuple[pl.DataFrame, pl.DataFrame]]
    is_fault: bool = False
    """More of it is a fault that may stand for months; else nothing is said of earlier drivers."""


@dataclass(frozen=True)
class Seed:
    """A cell that another model has proved, and the day on which it began: (dimension, value) pairs."""

    where: tuple[tuple[str, str], ...]
    since: dt.date


@dataclass(frozen=True)
class Why:
    """Why a figure moved: the exact account, what a move of this form usually is, and what still stands from before.

    account       drivers and everything else, which add up to the change
    usual_cents   90 of 100 earlier moves of the same form were no larger; None with too few of them
    standing      drivers of earlier comparisons that still hold, and proved cells that began before this period and
                  are no driver of it, with the cents they hold now
    """

    figure: str
    period: Period
    against: Period
    account: Account
    usual_cents: float | None
    standing: tuple[Driver, ...]

    @property
    def is_unusual(self) -> bool:
        return self.usual_cents is not None and abs(self.account.change_cents) > self.usual_cents


def denied_charges(tables: Mapping[str, Any], period: Period) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The denied cents of first decisions by reason, and the charges first decided: what the denial rates add up.

    Counts
        The rows of `initial_denial_rate_dollars_remitted`: refusals as a duplicate are in neither.
    Date basis
        the day on which the decision became known
    """
    as_of, since = period.last_day, period.first_day
    first = first_adjudications(tables, as_of=as_of, since=since)
    keep = first.filter(period.holds(col("received_on"))).select(*PAYMENT)
    lines = line_adjudications(tables, as_of=as_of, since=since).join(keep, on=list(PAYMENT), how="semi")
    lines = lines.select("client", "claim_id", "unit", "payer", "procedure", "charge_cents", day=col("received_on"))
    known = _polars(lines.join(_places(tables), on=["client", "claim_id"], how="left"))
    known = _tidy(known.with_columns(family=_families(known["procedure"])))
    denied = denied_lines(tables, as_of, since=since).filter(
        period.holds(col("received_on")), col("category") != "duplicate"
    )
    denied = denied.group_by("client", "claim_id", "unit", "category").agg(col("denied_cents").sum())
    tops = _polars(denied).rename({"category": "reason", "denied_cents": "cents"}).drop("claim_id")
    tops = tops.join(known.drop("charge_cents"), on=["client", "unit"], how="inner")
    return tops.select(TOPS), known.rename({"charge_cents": "cents"}).select(WORK)


@kept
def denied_rows(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """The first of `denied_charges`: the rows behind its figure, each with its claim and day."""
    return denied_charges(tables, period)[0].sort(TOPS).to_pandas()


def cash_of_claims(tables: Mapping[str, Any], period: Period) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cash posted on claims by who paid it, and the charges first decided, which it stands on.

    Counts
        Payments, takebacks and refunds that name a claim.
    Date basis
        posting date of the cash, day of decision of the charges
    """
    rows = postings(tables, ["kind", "party", "claim_id", "amount_cents", "posted_on"], by=["payer"])
    rows = rows.filter(
        col("kind").is_in(["payment", "takeback", "refund"]), period.holds(col("posted_on")), ~col("claim_id").is_null()
    )
    rows = rows.select("client", "claim_id", "payer", "party", cents=col("amount_cents") * -1, day=col("posted_on"))
    found = _polars(rows.join(_places(tables), on=["client", "claim_id"], how="left"))
    main = _polars(source(tables, "claim_lines", ["client", "claim_id", "line_number", "procedure"]))
    main = main.sort("line_number").unique(["client", "claim_id"], keep="first").select("claim_id", "procedure")
    found = found.join(main, on="claim_id", how="left")
    who = pl.when(pl.col("party") == "patient").then(pl.lit("patients")).otherwise(pl.lit("insurers"))
    found = _tidy(found.with_columns(family=_families(found["procedure"]), reason=who))
    return found.select(TOPS), denied_charges(tables, period)[1]


FIGURES = {
    figure.name: figure
    for figure in (
        Figure("denied_charges", "flow", denied_charges, is_fault=True),
        Figure("cash", "flow", cash_of_claims),
    )
}
"""Every figure that can be explained, by name."""


@kept
def why(
    tables: Mapping[str, Any], figure: str, *, period: Period, against: Period | None = None, seeds: Sequence[Seed] = ()
) -> Why:
    """Why a figure of a period differs from that of the period before.

    `against` is by default the span of the same length before; a longer one counts at its share, so that a month may
    be held against a quarter. `seeds` are cells that another model has proved (`systemic_denials`): one look is enough
    for them, and one that began before this period and did not move in it is still there.

    Formula
        change = drivers + everything else, each of it volume + mix + rate (`account.split`), to the cent
    Counts
        The rows of the figure, which the printed measure adds up.
    Unit
        cents
    Empty
        Nothing in both periods: an account of zeros without drivers.
    Raises
        ParameterError for a figure that cannot be explained: it names the closest.
    Source
        our own: an exact split (Kitagawa, Shapley), a search that pays for its looks; drivers say where, never why

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> found = why(example_tables(), "denied_charges", period=Period.month("2026-10"))
    >>> found.account.new_cents, found.account.drivers
    (25000.0, ())
    """
    if figure not in FIGURES:
        raise ParameterError(f"{figure!r} cannot be explained." + closest(figure, FIGURES))
    chosen = FIGURES[figure]
    months = len(period.months())
    against = against or _moved(period, -months)
    weight = months / len(against.months())
    whole = Period(against.first_day, period.end)
    reach = Period(_moved(against, -max(COMPARISONS * months, YEAR)).first_day, period.end)
    tops, bases = chosen.rows(tables, reach)
    pairs = [(period, against), *_earlier(period, against, months, first=_first_day(bases))]
    dispersion = [unrest(_facts(chosen, tops, bases, *pair, weight)) for pair in pairs[1:4]]
    wild = float(np.median(dispersion)) if dispersion else 1.0
    found = account(
        _facts(chosen, tops, bases, period, against, weight), dispersion=wild, seeds=[dict(one.where) for one in seeds]
    )
    first = _first_day(bases)
    drivers = (_dated(one, seeds, tops, bases, whole) for one in found.drivers)
    found = replace(
        found, drivers=tuple(_beside_last_year(one, tops, period, against, weight, first) for one in drivers)
    )
    moves = [abs(_cents(tops, new) - weight * _cents(tops, old)) for new, old in pairs[1:]]
    usual = float(np.quantile(moves, USUAL)) if len(moves) >= FEWEST_COMPARISONS else None
    standing = _standing(chosen, tops, bases, pairs, weight, wild, found) if chosen.is_fault else ()
    standing += _proved_before(tops, seeds, period, against, weight, [*found.drivers, *standing])
    return Why(figure, period, against, found, usual, standing)


def _proved_before(
    tops: pl.DataFrame, seeds: Sequence[Seed], period: Period, against: Period, weight: float, named: Sequence[Driver]
) -> tuple[Driver, ...]:
    """Proved cells that began before the period, hold cents worth a name in it, and are named by nothing else."""
    known = [dict(driver.where) for driver in named]
    out = []
    for one in seeds:
        where = dict(one.where)
        cents = _cents(tops, period, where)
        if where in known or one.since >= period.first_day or cents < FLOOR_CENTS:
            continue
        old = weight * _cents(tops, against, where)
        out.append(Driver(where, old, cents, old, 0.0, 0, 0.0, 0.0, cents - old, since=one.since))
    return tuple(out)


def _moved(period: Period, months: int) -> Period:
    """The same whole months, so many months later."""
    return Period(period.shift(months).first_day, Period.of(period.last_day).shift(months).end)


def _earlier(period: Period, against: Period, months: int, *, first: dt.date | None) -> list[tuple[Period, Period]]:
    """Earlier pairs of the same form, the latest first, as far as the record reaches."""
    pairs = [(_moved(period, -months * back), _moved(against, -months * back)) for back in range(1, COMPARISONS + 1)]
    return [pair for pair in pairs if first is not None and pair[1].first_day >= first]


def _first_day(bases: pl.DataFrame) -> dt.date | None:
    """The first day of the first whole month with work."""
    day = bases["day"].min()
    if not isinstance(day, dt.date):
        return None
    month = Period.month(f"{day:%Y-%m}")
    return month.first_day if day.day <= 7 else month.end


def _facts(figure: Figure, tops: pl.DataFrame, bases: pl.DataFrame, new: Period, old: Period, weight: float):
    def of_both(rows: pl.DataFrame) -> pl.DataFrame:
        place = pl.when(_within(new)).then(1).when(_within(old)).then(0)
        return rows.with_columns(period=place).drop_nulls("period")

    return facts_of(of_both(tops), of_both(bases), kind=figure.kind, old_weight=weight)


def _within(period: Period) -> pl.Expr:
    return pl.col("day").is_between(period.first_day, period.last_day)


def _cents(rows: pl.DataFrame, period: Period, where: Mapping[str, str] | None = None) -> float:
    chosen = rows.filter(_within(period), *[pl.col(name) == value for name, value in (where or {}).items()])
    return float(chosen["cents"].sum())


def _dated(driver: Driver, seeds: Sequence[Seed], tops: pl.DataFrame, bases: pl.DataFrame, whole: Period) -> Driver:
    """The driver with the day on which it began: of a proved cell the day that its finding is told with."""
    where = driver.where.items()
    proved = [one.since for one in seeds if where <= dict(one.where).items() or dict(one.where).items() <= where]
    since = min(proved, default=None) or onset(
        tops,
        bases,
        driver.where,
        first=whole.first_day,
        last=whole.last_day,
        earliest=whole.first_day,
        is_up=driver.change_cents > 0,
    )
    return replace(driver, since=since)


def _beside_last_year(
    driver: Driver, tops: pl.DataFrame, period: Period, against: Period, weight: float, first: dt.date | None
) -> Driver:
    new, old = _moved(period, -YEAR), _moved(against, -YEAR)
    if first is None or old.first_day < first:
        return driver
    return replace(driver, year_ago_cents=_cents(tops, new, driver.where) - weight * _cents(tops, old, driver.where))


def _standing(
    figure: Figure,
    tops: pl.DataFrame,
    bases: pl.DataFrame,
    pairs: Sequence[tuple[Period, Period]],
    weight: float,
    dispersion: float,
    now: Account,
) -> tuple[Driver, ...]:
    """Drivers of the three comparisons before whose rate is still nearer to the raised than to the old one."""
    period = pairs[0][0]
    named = [driver.where for driver in now.drivers]
    out: list[Driver] = []
    for new, old in pairs[1:4]:
        for driver in account(_facts(figure, tops, bases, new, old, weight), dispersion=dispersion).drivers:
            if driver.where in named:
                continue
            named.append(driver.where)
            place = {name: value for name, value in driver.where.items() if name != "reason"}
            work = [_cents(bases, old, place) * weight, _cents(bases, new, place), _cents(bases, period, place)]
            if min(work) <= 0:
                continue
            cents = _cents(tops, period, driver.where)
            then, raised, today = driver.old_cents / work[0], driver.new_cents / work[1], cents / work[2]
            if abs(today - raised) < abs(today - then):
                whole = Period(old.first_day, period.end)
                out.append(_dated(replace(driver, new_cents=cents), (), tops, bases, whole))
    return tuple(out)


def _places(tables: Mapping[str, Any]) -> nw.LazyFrame:
    return source(tables, "claims", ["client", "claim_id", "location", "provider"])


def _polars(rows: nw.LazyFrame) -> pl.DataFrame:
    return rows.collect("polars").to_native()


def _tidy(rows: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in DIMENSIONS if name in rows.columns]
    return rows.with_columns(*[pl.col(name).fill_null(NO_VALUE) for name in names], pl.col("day").cast(pl.Date))


def _families(procedures: pl.Series) -> pl.Series:
    """The code family of every procedure, each code looked up once."""
    known = {code: family_of(code) or NO_VALUE for code in procedures.drop_nulls().unique()}
    return procedures.replace_strict(known, default=NO_VALUE, return_dtype=pl.String).fill_null(NO_VALUE)
