"""The facts of two periods, coded, and what chance leaves of every cell's change."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

DIMENSIONS = ("payer", "location", "provider", "family", "reason")
"""Where a change may stand, in the order that decides ties. `reason` belongs to the explained cents only."""

REASON = len(DIMENSIONS) - 1
DEEPEST = 3
"""A cell named by more dimensions than these is no place any more."""

Kind = Literal["flow", "stock"]
FEWEST_CLAIMS: Mapping[Kind, int] = {"flow": 8, "stock": 20}
"""Claims behind a cell; fewer are no pattern. A balance stays open over several month ends, so it needs more."""

WILDEST: Mapping[Kind, float] = {"flow": 2.0, "stock": 4.0}
"""Most that earlier unrest may widen chance: an earlier true change is no noise, and must not hide the next one."""

CLAIMS_OF_PRIOR = 5.0
"""How many claims' worth of the usual rate a cell is drawn towards."""

SHARE_OF_PRIOR = 0.02
"""Share of the old base at which a thin payer and code family leans on the whole."""


@dataclass(frozen=True)
class Rows:
    """Rows of one side of the facts: codes of their dimensions, the period (0 old, 1 new), and cents."""

    codes: NDArray[np.int64]
    period: NDArray[np.int64]
    cents: NDArray[np.float64]


@dataclass
class Facts:
    """The cents to explain, the work they stand on, and what the old rates of payer and code family let expect.

    tops        cents to explain, one row per claim and reason
    bases       cents of work, one row per payer, location, provider, family and period
    expected    for each row of `bases` and each reason (reasons innermost), the cents that the old rate gives
    claims      the claim of each row of `tops`, as a number
    values      the values of every dimension, in order: a code is a place in them
    old_weight  what an old cent counts: 1, or 1/3 where a month is held against a quarter
    free_tops, free_expected    what no driver has taken yet
    """

    kind: Kind
    values: tuple[list[str], ...]
    old_weight: float
    tops: Rows
    bases: Rows
    expected: Rows
    claims: NDArray[np.int64]
    free_tops: NDArray[np.bool_] = field(init=False)
    free_expected: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.free_tops = np.ones(len(self.tops.cents), dtype=bool)
        self.free_expected = np.ones(len(self.expected.cents), dtype=bool)

    def weight(self, period: int) -> float:
        return self.old_weight if period == 0 else 1.0

    def total(self, rows: Rows, period: int) -> float:
        """The cents of one period, the old ones at their weight."""
        return float(rows.cents[rows.period == period].sum()) * self.weight(period)


def facts_of(tops: pl.DataFrame, bases: pl.DataFrame, *, kind: Kind, old_weight: float) -> Facts:
    """The rows of two periods in numbers.

    `tops` has claim_id, period (0 old, 1 new), cents and every one of DIMENSIONS; `bases` the same without
    reason and claim. Both hold text in every dimension.
    """
    values = tuple(
        sorted({*tops[name].unique(), *(bases[name].unique() if name in bases.columns else ())}) for name in DIMENSIONS
    )
    work = (
        bases.group_by("period", *DIMENSIONS[:REASON]).agg(pl.col("cents").sum()).sort("period", *DIMENSIONS[:REASON])
    )
    top_rows = Rows(_codes(tops, DIMENSIONS, values), tops["period"].to_numpy(), tops["cents"].to_numpy().astype(float))
    base_rows = Rows(
        _codes(work, DIMENSIONS[:REASON], values), work["period"].to_numpy(), work["cents"].to_numpy().astype(float)
    )
    claims = tops["claim_id"].rank("dense").to_numpy().astype(np.int64) - 1
    return Facts(kind, values, old_weight, top_rows, base_rows, _expected(top_rows, base_rows, values), claims)


def _codes(frame: pl.DataFrame, names: Sequence[str], values: Sequence[list[str]]) -> NDArray[np.int64]:
    if frame.is_empty():
        return np.zeros((0, len(names)), dtype=np.int64)
    places = [{value: place for place, value in enumerate(known)} for known in values]
    return np.stack(
        [
            frame[name].replace_strict(place, return_dtype=pl.Int64).to_numpy()
            for name, place in zip(names, places, strict=False)
        ],
        axis=1,
    )


def _expected(tops: Rows, bases: Rows, values: Sequence[list[str]]) -> Rows:
    """What each piece of work would bring of each reason at the old rate of its payer and code family."""
    payer, family = DIMENSIONS.index("payer"), DIMENSIONS.index("family")
    families, reasons = len(values[family]), max(1, len(values[REASON]))
    groups = len(values[payer]) * families
    of_top = tops.codes[:, payer] * families + tops.codes[:, family]
    of_base = bases.codes[:, payer] * families + bases.codes[:, family]
    old = tops.period == 0
    came = np.bincount((of_top * reasons + tops.codes[:, REASON])[old], tops.cents[old], groups * reasons)
    came = came.reshape(groups, reasons)
    work = np.bincount(of_base[bases.period == 0], bases.cents[bases.period == 0], groups)
    prior = SHARE_OF_PRIOR * max(work.sum(), 1)
    rate = (came + prior * came.sum(axis=0) / max(work.sum(), 1)) / (work + prior)[:, None]
    codes = np.concatenate(
        [np.repeat(bases.codes, reasons, axis=0), np.tile(np.arange(reasons), len(bases.cents))[:, None]], axis=1
    )
    return Rows(codes, np.repeat(bases.period, reasons), (bases.cents[:, None] * rate[of_base]).ravel())


def cuboids(facts: Facts, deepest: int = DEEPEST) -> list[tuple[int, ...]]:
    """Every choice of up to `deepest` dimensions that hold more than one value, the shallow ones first."""
    live = [place for place, known in enumerate(facts.values) if len(known) > 1]
    return [chosen for depth in range(1, deepest + 1) for chosen in itertools.combinations(live, depth)]


def cell_keys(rows: Rows, cuboid: Sequence[int], values: Sequence[list[str]]) -> tuple[NDArray[np.int64], int]:
    """The cell of every row as one number, and how many such numbers there are."""
    key, many = np.zeros(len(rows.cents), dtype=np.int64), 1
    for place in cuboid:
        key, many = key * len(values[place]) + rows.codes[:, place], many * len(values[place])
    return key, many


def codes_of_cell(cell: int, cuboid: Sequence[int], values: Sequence[list[str]]) -> dict[int, int]:
    """The code of each dimension of the cuboid that a cell number stands for.

    >>> codes_of_cell(7, (0, 2), [["a", "b"], ["x"], ["p", "q", "r", "s", "t"]])
    {2: 2, 0: 1}
    """
    codes = {}
    for place in reversed(cuboid):
        cell, codes[place] = divmod(cell, len(values[place]))
    return codes


@dataclass(frozen=True)
class Cells:
    """Every cell of one cuboid: old and new cents, the new cents to be expected, z, claims behind it."""

    old: NDArray[np.float64]
    new: NDArray[np.float64]
    expected: NDArray[np.float64]
    z: NDArray[np.float64]
    claims: NDArray[np.int64]

    @property
    def seen(self) -> int:
        """How many cells hold a claim."""
        return int((self.claims > 0).sum())


def cells(facts: Facts, cuboid: Sequence[int], dispersion: float = 1.0) -> Cells:
    """What every cell of a cuboid did, against what its work let expect.

    Formula
        expected = new work at the old rates x (old cents + m) / (old work at the old rates + m), m = five claims' worth
        flows    variance = sum of squared claim amounts / work at old rates x new work at old rates, and the old one's
        stocks   variance = sum over claims of (new - old)^2, because a balance stays open over several ends
        z        = (new - expected) / square root of (variance x dispersion)
    Counts
        Rows that no driver has taken. A claim is one draw, whatever its lines: they are denied together. Cells with
        fewer claims than FEWEST_CLAIMS get z = 0.
    """
    (top_key, many), (work_key, _) = (
        cell_keys(facts.tops, cuboid, facts.values),
        cell_keys(facts.expected, cuboid, facts.values),
    )
    free = facts.free_tops
    key, cents, period, claim = top_key[free], facts.tops.cents[free], facts.tops.period[free], facts.claims[free]
    old, new = (np.bincount(key[period == t], cents[period == t], many) for t in (0, 1))
    squares, sizes, number = _by_claim(facts, key, cents, period, claim, many)
    work = []
    for t in (0, 1):
        chosen = facts.free_expected & (facts.expected.period == t)
        work.append(np.bincount(work_key[chosen], facts.expected.cents[chosen], many))
    drawn = CLAIMS_OF_PRIOR * sizes / np.maximum(number, 1)
    before, after = np.abs(work[0]), np.abs(work[1])
    turned = np.where(np.sign(old) * np.sign(work[1]) < 0, -1, 1)
    expected = np.where(
        before + drawn > 0, turned * work[1] * (np.abs(old) + drawn) / np.maximum(before + drawn, 1e-9), 0
    )
    variance = squares
    if facts.kind == "flow":
        variance = squares / np.maximum(before + after, 1e-9) * after * (1 + after / np.maximum(before + drawn, 1e-9))
    judged = (number >= FEWEST_CLAIMS[facts.kind]) & (variance > 0)
    z = np.where(judged, (new - expected) / np.sqrt(np.where(variance > 0, variance * dispersion, 1)), 0.0)
    return Cells((old * facts.old_weight).astype(float), new.astype(float), expected, z, number)


def _by_claim(
    facts: Facts,
    key: NDArray[np.int64],
    cents: NDArray[np.float64],
    period: NDArray[np.int64],
    claim: NDArray[np.int64],
    many: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Per cell: the sum of squared claim amounts, the sum of their sizes, and how many there are."""
    claims = int(claim.max()) + 1 if len(claim) else 1
    if facts.kind == "flow":
        unit, place = np.unique((key * 2 + period) * claims + claim, return_inverse=True)
        amount, cell = np.bincount(place, cents, len(unit)), unit // claims // 2
    else:
        unit, place = np.unique(key * claims + claim, return_inverse=True)
        amount = np.bincount(place, np.where(period == 1, cents, -facts.old_weight * cents), len(unit))
        cell = unit // claims
    squares, sizes = (np.bincount(cell, values, many).astype(float) for values in (amount**2, np.abs(amount)))
    return squares, sizes, np.bincount(cell, minlength=many).astype(np.int64)


def unrest(facts: Facts) -> float:
    """How much wilder than chance cells were between two periods; at least 1, at most WILDEST.

    Formula
        the greater of median(z^2) / 0.455 and the 90th percentile of z^2 / 2.706, over all cells of up to two
        dimensions; the constants are those of a normal z
    Empty
        1 where fewer than ten cells can be judged
    """
    found = [cells(facts, cuboid).z for cuboid in cuboids(facts, 2)]
    z = np.concatenate(found) if found else np.zeros(0)
    z = z[z != 0]
    if len(z) < 10:
        return 1.0
    wild = max(1.0, float(np.median(z**2)) / 0.455, float(np.quantile(z**2, 0.9)) / 2.706)
    return min(wild, WILDEST[facts.kind])
