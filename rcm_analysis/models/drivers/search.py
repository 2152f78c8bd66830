"""The fewest disjoint cells that explain what chance does not, and the exact account of the whole change."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .account import Split, split
from .cells import DIMENSIONS, FEWEST_CLAIMS, REASON, Cells, Facts, Kind, cell_keys, cells, codes_of_cell, cuboids

MOST_DRIVERS = 4
ERROR = 0.05
"""How often a quiet client may be given a driver by chance, all looks paid for."""

SEEDED_Z = 2.5
"""Enough for a cell that another model has proved: one look, no search."""

FLOOR_CENTS = 50_000
"""Below 500 dollars nothing is worth a name."""

LEAST_SHARE: Mapping[Kind, float] = {"flow": 0.03, "stock": 0.05}
"""Nor below this share of the total."""

SIBLING_Z, SIBLING_RISE = 2.0, 1 / 3
"""A parent takes its cell's place when the rest of it rose too: at this z, and by this share of the cell's own rise."""

ENOUGH = 0.80
"""The drivers shown hold this share of what all of them hold."""

DATE_GAIN, DAYS_AFTER = 6.0, 14
"""A day is named when the split gains this much log likelihood, with so many days behind it."""


@dataclass(frozen=True)
class Driver:
    """One part of the change: where, from and to, and how much of it is volume, mix and rate (they add up)."""

    where: Mapping[str, str]
    old_cents: float
    new_cents: float
    expected_cents: float
    z: float
    claims: int
    volume_cents: float
    mix_cents: float
    rate_cents: float
    since: dt.date | None = None
    year_ago_cents: float | None = None
    """The change of the same cell in the same comparison a year before, where the record reaches back."""

    @property
    def change_cents(self) -> float:
        return self.new_cents - self.old_cents

    @property
    def is_seasonal(self) -> bool:
        """Whether the same happened a year ago: the same way, and at least half as much."""
        before = self.year_ago_cents
        return before is not None and before * self.change_cents > 0 and abs(before) >= abs(self.change_cents) / 2


@dataclass(frozen=True)
class Account:
    """The whole change: drivers, the best first, and everything else; together they are the change, to the cent."""

    old_cents: float
    new_cents: float
    drivers: tuple[Driver, ...]
    everything_else: Driver
    largest_claim_cents: float

    @property
    def change_cents(self) -> float:
        return self.new_cents - self.old_cents

    def shown(self) -> list[Driver]:
        """The fewest drivers that hold most of what all drivers hold, the largest first."""
        ranked = sorted(self.drivers, key=lambda driver: -abs(driver.change_cents))
        whole = sum(abs(driver.change_cents) for driver in ranked)
        out: list[Driver] = []
        for driver in ranked:
            if out and sum(abs(one.change_cents) for one in out) >= ENOUGH * whole:
                break
            out.append(driver)
        return out


@dataclass(frozen=True)
class _Cell:
    """One cell of one cuboid, and what was counted in it."""

    cuboid: tuple[int, ...]
    number: int
    old: float
    new: float
    expected: float
    z: float
    claims: int


def account(facts: Facts, *, dispersion: float = 1.0, seeds: Sequence[Mapping[str, str]] = ()) -> Account:
    """Why the explained cents changed between the two periods of the facts.

    `seeds` are cells (dimension to value) that another model has proved; they come first and need SEEDED_Z only.

    Formula
        a cell's score = z^2 / 2 - ln(cells of its cuboid) - ln(cuboids); it must exceed ln(1 / ERROR)
        the best cell is taken out, its work for that reason too, and the search goes on, at most MOST_DRIVERS times
        everything else is split at the grain of payer, code family and reason
    Counts
        Every cent of both periods, once: old + drivers' changes + everything else's change = new.
    Unit
        cents
    Source
        our own; the search pays for its looks as in a Bonferroni bound
    """
    found: list[Driver] = []
    waiting = iter(seeds)
    while len(found) < MOST_DRIVERS:
        cell = _next_seed(facts, dispersion, waiting) or _best(facts, dispersion)
        if cell is None:
            break
        found.append(_taken(facts, cell))
    now = facts.free_tops & (facts.tops.period == 1)
    largest = float(np.bincount(facts.claims[now], facts.tops.cents[now]).max()) if now.any() else 0.0
    everything_else = _everything_else(facts, dispersion)
    return Account(facts.total(facts.tops, 0), facts.total(facts.tops, 1), tuple(found), everything_else, largest)


def _cell_at(found: Cells, cuboid: tuple[int, ...], number: int) -> _Cell:
    return _Cell(
        cuboid,
        number,
        float(found.old[number]),
        float(found.new[number]),
        float(found.expected[number]),
        float(found.z[number]),
        int(found.claims[number]),
    )


def _next_seed(facts: Facts, dispersion: float, seeds: Iterator[Mapping[str, str]]) -> _Cell | None:
    """The first seed left that the facts bear out."""
    for where in seeds:
        cuboid = tuple(place for place, name in enumerate(DIMENSIONS) if name in where)
        if any(where[DIMENSIONS[place]] not in facts.values[place] for place in cuboid):
            continue
        number = 0
        for place in cuboid:
            known = facts.values[place]
            number = number * len(known) + known.index(where[DIMENSIONS[place]])
        cell = _cell_at(cells(facts, cuboid, dispersion), cuboid, number)
        if abs(cell.z) >= SEEDED_Z and (cell.new - cell.expected) * (cell.new - cell.old) > 0:
            return cell
    return None


def _best(facts: Facts, dispersion: float) -> _Cell | None:
    """The cell most worth naming, if any is; of equal ones that of fewer dimensions, then in their order."""
    choices = cuboids(facts)
    totals = [abs(facts.total(facts.tops, period)) for period in (0, 1)]
    least = max(FLOOR_CENTS, LEAST_SHARE[facts.kind] * max(totals))
    best, best_rank = None, None
    for cuboid in choices:
        found = cells(facts, cuboid, dispersion)
        beyond, moved = found.new - found.expected, found.new - found.old
        score = found.z**2 / 2 - math.log(max(found.seen, 1)) - math.log(len(choices))
        score[(np.minimum(np.abs(beyond), np.abs(moved)) < least) | (beyond * moved <= 0)] = -np.inf
        number = int(np.argmax(score))
        rank = (math.floor(score[number] * 1e6) if np.isfinite(score[number]) else -math.inf, -len(cuboid))
        rank = (*rank, *(-place for place in cuboid))
        if score[number] > -math.log(ERROR) and (best_rank is None or rank > best_rank):
            best, best_rank = _cell_at(found, cuboid, number), rank
    return _climbed(facts, dispersion, best) if best else None


def _climbed(facts: Facts, dispersion: float, cell: _Cell) -> _Cell:
    """The cell, or the parent of it whose other work moved alike."""
    codes = codes_of_cell(cell.number, cell.cuboid, facts.values)
    own_rise = _rise(cell)
    parents = []
    for dropped in cell.cuboid if len(cell.cuboid) > 1 else ():
        cuboid = tuple(place for place in cell.cuboid if place != dropped)
        number = 0
        for place in cuboid:
            number = number * len(facts.values[place]) + codes[place]
        other = _cell_at(cells(_without(facts, codes), cuboid, dispersion), cuboid, number)
        alike = other.z * np.sign(cell.z) >= SIBLING_Z and _rise(other) / own_rise >= SIBLING_RISE
        if alike and (other.new - other.old) * (cell.new - cell.old) > 0:
            parents.append((other.z * np.sign(cell.z), -dropped, cuboid, number))
    if not parents:
        return cell
    *_, cuboid, number = max(parents)
    return _climbed(facts, dispersion, _cell_at(cells(facts, cuboid, dispersion), cuboid, number))


def _rise(cell: _Cell) -> float:
    return (cell.new - cell.expected) / max(abs(cell.expected), 1.0)


def _without(facts: Facts, codes: Mapping[int, int]) -> Facts:
    """The facts without one cell."""

    def outside(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        return ~np.all([rows[:, place] == code for place, code in codes.items()], axis=0)

    out = replace(facts)
    out.free_tops = facts.free_tops & outside(facts.tops.codes)
    out.free_expected = facts.free_expected & outside(facts.expected.codes)
    return out


def _taken(facts: Facts, cell: _Cell) -> Driver:
    """The cell as a driver; its rows are explained from now on."""
    codes = codes_of_cell(cell.number, cell.cuboid, facts.values)
    top_key, _ = cell_keys(facts.tops, cell.cuboid, facts.values)
    work_key, _ = cell_keys(facts.expected, cell.cuboid, facts.values)
    own = facts.free_expected & (work_key == cell.number)
    work = own.reshape(len(facts.bases.cents), -1).any(axis=1)
    base = [
        float(facts.bases.cents[work & (facts.bases.period == period)].sum()) * facts.weight(period)
        for period in (0, 1)
    ]
    wholes = [facts.total(facts.bases, period) for period in (0, 1)]
    kinds = split(cell.old, cell.new, base[0], base[1], *wholes)
    facts.free_tops &= top_key != cell.number
    facts.free_expected &= work_key != cell.number
    where = {DIMENSIONS[place]: facts.values[place][codes[place]] for place in sorted(codes)}
    return Driver(where, cell.old, cell.new, cell.expected, cell.z, cell.claims, *_sums(kinds))


def _sums(kinds: Split) -> tuple[float, float, float]:
    volume, mix, rate = (float(np.sum(part)) for part in kinds)
    return volume, mix, rate


def _everything_else(facts: Facts, dispersion: float) -> Driver:
    """Everything that no driver took, split at payer, family and reason, each reason on the work left to it."""
    payer, family = DIMENSIONS.index("payer"), DIMENSIONS.index("family")
    families, reasons = len(facts.values[family]), max(1, len(facts.values[REASON]))
    groups = len(facts.values[payer]) * families * reasons

    def grain(codes: NDArray[np.int64]) -> NDArray[np.int64]:
        return (codes[:, payer] * families + codes[:, family]) * reasons + codes[:, REASON]

    def added(key: NDArray[np.int64], cents: NDArray[np.float64], at: NDArray[np.int64], period: int) -> NDArray:
        return np.bincount(key[at == period], cents[at == period], groups) * facts.weight(period)

    cents = np.where(facts.free_tops, facts.tops.cents, 0.0)
    work = np.where(facts.free_expected, np.repeat(facts.bases.cents, reasons), 0.0)
    of_tops, of_work = grain(facts.tops.codes), grain(facts.expected.codes)
    parts = [added(of_tops, cents, facts.tops.period, period) for period in (0, 1)]
    bases = [added(of_work, work, facts.expected.period, period) for period in (0, 1)]
    kinds = split(parts[0], parts[1], bases[0], bases[1], *(facts.total(facts.bases, period) for period in (0, 1)))
    whole = _cell_at(cells(facts, (), dispersion), (), 0)
    old, new = (float(part.sum()) for part in parts)
    return Driver({}, old, new, whole.expected, whole.z, whole.claims, *_sums(kinds))


def onset(
    tops: pl.DataFrame,
    bases: pl.DataFrame,
    where: Mapping[str, str],
    *,
    first: dt.date,
    last: dt.date,
    earliest: dt.date,
    is_up: bool,
) -> dt.date | None:
    """The day since which a cell's claims per dollar of work stand on another level, if one day does.

    Formula
        the day that best splits a Poisson rate of claims in two; its log likelihood gains more than DATE_GAIN
    Counts
        Claims of the cell and work of its dimensions between `first` and `last`.
    Empty
        None where there are few claims or days, the step goes the other way, began before `earliest`, or has fewer
        than DAYS_AFTER days behind it: a step before both periods, or a burst of some days, has no date
    """
    span = pl.col("day").is_between(first, last)
    hit = tops.filter(*[pl.col(name) == value for name, value in where.items()], span)
    work = bases.filter(*[pl.col(name) == value for name, value in where.items() if name != "reason"], span)
    days = (
        work.group_by("day")
        .agg(work=pl.col("cents").sum())
        .join(hit.group_by("day").agg(claims=pl.col("claim_id").n_unique()), on="day", how="full", coalesce=True)
        .fill_null(0)
        .sort("day")
    )
    claims, charged = days["claims"].to_numpy().astype(float), days["work"].to_numpy().astype(float)
    if claims.sum() < FEWEST_CLAIMS["flow"] or len(days) < 10 or charged.sum() <= 0:
        return None
    before, charged_before = np.cumsum(claims)[:-1], np.cumsum(charged)[:-1]
    after, charged_after = claims.sum() - before, charged.sum() - charged_before
    gain = _likelihood(before, charged_before) + _likelihood(after, charged_after)
    gain -= _likelihood(claims.sum(), charged.sum())
    gain[(charged_before <= 0) | (charged_after <= 0)] = -1
    place = int(np.argmax(gain))
    if gain[place] < DATE_GAIN:
        return None
    rises = after[place] / charged_after[place] > before[place] / charged_before[place]
    begun = hit.filter(pl.col("day") > days["day"][place])["day"].min() if rises else days["day"][place + 1]
    if rises != is_up or not isinstance(begun, dt.date) or begun < earliest or (last - begun).days < DAYS_AFTER - 1:
        return None
    return begun


def _likelihood(claims: NDArray | float, charged: NDArray | float) -> NDArray:
    """The best log likelihood of a Poisson rate, without what does not depend on the rate."""
    some = (np.asarray(claims) > 0) & (np.asarray(charged) > 0)
    return np.where(some, claims * np.log(np.maximum(claims, 1e-9) / np.maximum(charged, 1e-9)), 0.0)
