"""Small cells of patient-level tables, hidden so that no sum and no difference brings them back.

A count below eleven is hidden (primary). Where totals are printed, or one table's totals stand in
another, a hidden cell could be had by subtraction; so further cells are hidden until the possible
values of every hidden cell, given all that is printed, span a wide range (complementary).

The rules, once:
    * A count from 1 to `least` - 1 is hidden, in the cells and in every total; zeros are shown.
    * A share's other side counts too: 45 of 50 would tell the other five, so it is hidden as well.
    * All totals over any of the columns are taken as printed, wherever they stand.
    * The reader is taken to know these rules: a hidden cell is at least 1 to them.
    * What is computed from a hidden count (rates, intervals, medians) is hidden with it.

No library of Python's does this with totals (looked for in 2026: only R has them, sdcTable and
GaussSuppression); the check itself is a linear programme, which scipy solves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..errors import TableError, listed

LEAST = 11
ALL = "(all)"
"""Stands in a column for the total over its values."""
REST = "(rest)"


def suppressed(
    frame: pd.DataFrame,
    *,
    counts: Sequence[str],
    by: Sequence[str],
    of: str | None = None,
    clear: Sequence[str] = (),
    least: int = LEAST,
    totals: bool = False,
    guard: str | None = None,
) -> pd.DataFrame:
    """The frame with small counts hidden, and as many others as it takes to keep them hidden.

    Formula
        hidden = 1 to `least` - 1, then more cells until, given everything shown, the possible values of
        each small hidden cell span at least half of `least` - 1, no hidden cell has only one, and no
        hidden cells of one row or column add up to a small count
    Counts
        One row per combination of `by`, each combination at most once; `counts` are the parts of the
        whole `of` (no-shows of slots), whose remainder is protected too; without `of` each
        column of `counts` is a table of its own. `clear` names what is computed from them.
        With `totals` the rows of all totals come too, with "(all)" in `by`. `guard` is the count that a
        reader misses least: where one more of a row must be hidden, it is hidden first.
    Unit
        counts become nullable whole numbers; `is_suppressed` marks a row in which one is hidden
    Empty
        A frame without rows stays so.
    Source
        CMS cell size policy (fewer than 11); complementary suppression as in Hundepool and others,
        Statistical Disclosure Control (2012)

    >>> frame = pd.DataFrame({"place": ["A", "B", "C"], "patients": [40, 7, 20]})
    >>> found = suppressed(frame, counts=["patients"], by=["place"], totals=True)
    >>> [str(count) for count in found["patients"]]
    ['40', '<NA>', '<NA>', '67']
    """
    by, given = list(by), [*counts, *([of] if of else [])]
    _check(frame, by, given)
    rows = _with_totals(frame, by, given) if totals else frame.reset_index(drop=True)
    out = rows.assign(**{name: rows[name].astype("Int64") for name in given})
    hidden = np.zeros(len(out), bool)
    for parts in [list(counts)] if of else [[name] for name in counts]:
        cube = _Cube.of(frame, by, parts, of, guard)
        cube.protect(least)
        for name in [*parts, *([of] if of else [])]:
            where = cube.hidden_in(out[by], name)
            out.loc[where, name] = pd.NA
            hidden |= where
    for name in clear:
        out[name] = out[name].where(~hidden)
    return out.assign(is_suppressed=hidden)


def sum_is_safe(values: Iterable[int], *, least: int = LEAST) -> bool:
    """May the sum be shown of counts of which the small ones are hidden, each by itself and nothing else?

    Formula
        hidden = those from 1 to `least` - 1; shown where none is hidden, or where their sum is no small count
        and each of them could still be anything over half of `least` - 1
    Counts
        Counts that are decided one by one, as the months of a series are: none of them can be hidden later to
        guard another, so it is the sum that has to give way.
    Unit
        yes or no
    Empty
        No count: yes.
    Source
        our own; the width is that of `suppressed`

    >>> sum_is_safe([40, 0, 12]), sum_is_safe([40, 7]), sum_is_safe([40, 7, 6]), sum_is_safe([10, 10, 9])
    (True, False, True, False)
    """
    hidden = [value for value in values if 0 < value < least]
    if not hidden:
        return True
    others, total = len(hidden) - 1, sum(hidden)
    lowest, highest = max(1, total - others * (least - 1)), min(least - 1, total - others)
    return total >= least and highest - lowest >= (least - 1) // 2


def _check(frame: pd.DataFrame, by: list[str], counts: list[str]) -> None:
    missing = [name for name in (*by, *counts) if name not in frame]
    if missing:
        raise TableError(
            f"The table to suppress lacks the columns {listed(missing)}; it has {listed(frame.columns, 30)}."
        )
    bad = frame[counts].isna().any(axis=1) | (frame[counts] < 0).any(axis=1)
    if bad.any():
        raise TableError(
            f"Counts should be whole numbers of zero or more; {int(bad.sum())} of {len(frame)} rows are not so."
        )
    doubled = frame.duplicated(by).sum() if by else max(len(frame) - 1, 0)
    if doubled:
        raise TableError(
            f"Each combination of {listed(by)} should stand in one row; {int(doubled)} of {len(frame)} stand again."
        )


def _with_totals(frame: pd.DataFrame, by: list[str], counts: list[str]) -> pd.DataFrame:
    """The rows, then one row for every total over some of the columns."""
    parts = [frame.reset_index(drop=True)]
    for size in range(1, len(by) + 1):
        for gone in itertools.combinations(by, size):
            kept = [name for name in by if name not in gone]
            sums = frame.groupby(kept, as_index=False)[counts].sum() if kept else frame[counts].sum().to_frame().T
            total = sums.assign(**dict.fromkeys(gone, ALL))
            parts.append(
                total[[*by, *counts]].astype({name: frame[name].dtype for name in kept})
                if len(frame)
                else total.iloc[:0]
            )
    names = [part.astype(dict.fromkeys(by, object)) for part in parts if len(part)]
    return pd.concat(names, ignore_index=True) if names else frame.reset_index(drop=True)


@dataclass
class _Cube:
    """Every cell of a table and all its totals: an array with one more place for the total in each direction."""

    values: np.ndarray
    labels: list[list[object]]
    hidden: np.ndarray
    printed: np.ndarray
    guard: int = -1
    fewest: np.ndarray = field(default_factory=lambda: np.zeros(0))
    most: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(
        cls, frame: pd.DataFrame, by: list[str], parts: list[str], of: str | None, guard: str | None = None
    ) -> _Cube:
        labels: list[list] = [list(pd.unique(frame[name])) for name in by]
        kinds = [*parts, *([REST] if of else [])]
        inner = np.zeros([*map(len, labels), len(kinds)], np.int64)
        places = [dict(zip(names, range(len(names)), strict=True)) for names in labels]
        spots = [
            tuple(place[value] for place, value in zip(places, row, strict=True))
            for row in frame[by].itertuples(index=False)
        ]
        for spot, (_, row) in zip(spots if by else [()] * len(frame), frame.iterrows(), strict=True):
            inner[spot] = [
                *(row[name] for name in parts),
                *([row[of] - sum(row[name] for name in parts)] if of else []),
            ]
        if (inner < 0).any():
            raise TableError(f"The parts {listed(parts)} add up to more than their whole '{of}' in some rows.")
        values = inner
        for axis in range(values.ndim):
            values = np.concatenate([values, values.sum(axis=axis, keepdims=True)], axis=axis)
        if not of:  # one kind only: it is its own total
            values = values[..., :-1]
        names = [*parts, *([REST, of] if of else [])]
        printed = np.ones(values.shape, bool)
        if of:
            printed[..., names.index(REST)] = False
        return cls(
            values,
            [*([*names_, ALL] for names_ in labels), list(names)],
            np.zeros(values.shape, bool),
            printed,
            names.index(guard) if guard in names else -1,
        )

    def hidden_in(self, rows: pd.DataFrame, name: str) -> np.ndarray:
        """For each row of labels: is this count hidden?"""
        places = [dict(zip(names, range(len(names)), strict=True)) for names in self.labels]
        kind = places[-1][name]
        spots = [
            tuple(place[value] for place, value in zip(places, row, strict=False))
            for row in rows.itertuples(index=False)
        ]
        return np.array([self.hidden[(*spot, kind)] for spot in (spots or [()] * len(rows))], bool)

    # -- hiding ------------------------------------------------------------------------------------

    def protect(self, least: int) -> None:
        """Hide what is small, then more, until nothing hidden can be worked out."""
        small = (self.values > 0) & (self.values < least)
        self.hidden = small & self.printed
        lines = list(self._lines())
        of_cell = self._lines_of(lines)
        wanted = np.where(small, (least - 1) // 2, 2).ravel()
        self.fewest, self.most = self.values.ravel().astype(float), self.values.ravel().astype(float)
        for _ in range(self.values.size + 1):
            bare = self._guessed(lines, wanted, small.ravel(), least)
            if bare is None:
                return
            self.hidden.flat[self._next(bare, lines, of_cell)] = True
        raise TableError("The table could not be protected; please report this with the shape of the table.")

    def _lines(self) -> Iterator[np.ndarray]:
        """The sums of the table: positions of the parts, and of their total last."""
        numbers = np.arange(self.values.size).reshape(self.values.shape)
        for axis in range(self.values.ndim):
            if self.values.shape[axis] > 1:
                yield from np.moveaxis(numbers, axis, -1).reshape(-1, self.values.shape[axis])

    def _lines_of(self, lines: list[np.ndarray]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number, line in enumerate(lines):
            for cell in line.tolist():
                found.setdefault(cell, []).append(number)
        return found

    def _unknown(self) -> np.ndarray:
        """What the reader does not see: hidden cells, and remainders; a zero is never hidden."""
        return ((self.hidden | ~self.printed) & (self.values > 0)).ravel()

    def _guessed(self, lines: list[np.ndarray], wanted: np.ndarray, small: np.ndarray, least: int) -> int | None:
        """The first cell that the reader can narrow down too far, or None.

        Each solution of the sums is a table that the reader must hold possible. The least and the largest
        value of each cell among those found so far are kept (hiding more rules none of them out), and
        only cells that they do not spread far enough are asked for.
        """
        from scipy.optimize import linprog

        unknown, values = self._unknown(), self.values.ravel()
        for line in lines:
            parts = line[:-1][unknown[line[:-1]]]
            if len(parts) and not unknown[line[-1]] and values[parts].sum() < least:
                return int(parts[0])  # together they would be a small count
        asked = np.flatnonzero(unknown & (self.hidden.ravel() | small) & (self.most - self.fewest < wanted))
        if not len(asked):
            return None
        cells = np.flatnonzero(unknown)
        place = {cell: number for number, cell in enumerate(cells.tolist())}
        equations, sums = _equations(lines, unknown, values, place)
        for cell in asked.tolist():
            for sign in (1.0, -1.0):
                if self.most[cell] - self.fewest[cell] >= wanted[cell]:
                    break
                solved = linprog(
                    _unit(len(cells), place[cell], sign), A_eq=equations, b_eq=sums, bounds=(1, None), method="highs"
                )
                if solved.status == 3:  # without a limit
                    self.most[cell] = np.inf
                    break
                self.fewest[cells] = np.minimum(self.fewest[cells], solved.x)
                self.most[cells] = np.maximum(self.most[cells], solved.x)
            if self.most[cell] - self.fewest[cell] < wanted[cell] - 1e-6:
                return cell
        return None

    def _next(self, cell: int, lines: list[np.ndarray], of_cell: dict[int, list[int]]) -> int:
        """The cell to hide for it.

        A line with one unknown gives it away, and with it whatever it was to guard; so the lines around the
        cell that have only one are served first, by the cell that serves most of them, then by the guard of the
        table, then the smallest. Totals come last.
        """
        unknown, printed, values = self._unknown(), self.printed.ravel(), self.values.ravel()
        lone = [int(unknown[line].sum()) == 1 for line in lines]
        around = self._around(cell, lines, of_cell, unknown)
        bare = sorted({number for one in around for number in of_cell[one] if lone[number]})
        for numbers in (bare, of_cell[cell], range(len(lines))):
            offers = {
                other
                for number in numbers
                for other in lines[number].tolist()
                if not unknown[other] and printed[other] and values[other] > 0
            }
            if offers:
                return min(
                    offers,
                    key=lambda other: (
                        self._depth(other),
                        -sum(lone[number] for number in of_cell[other]),
                        self._kind(other) != self.guard,
                        int(values[other]),
                        other,
                    ),
                )
        raise TableError("The table could not be protected: everything in it is hidden. Please report its shape.")

    def _around(
        self, cell: int, lines: list[np.ndarray], of_cell: dict[int, list[int]], unknown: np.ndarray
    ) -> set[int]:
        """The cell and all unknown cells that hang together with it, line by line."""
        found, ahead = {cell}, [cell]
        while ahead:
            here = {
                other for number in of_cell[ahead.pop()] for other in lines[number].tolist() if unknown[other]
            } - found
            found |= here
            ahead += sorted(here)
        return found

    def _kind(self, cell: int) -> int:
        """Which of the counts the cell is one of."""
        return int(np.unravel_index(cell, self.values.shape)[-1])

    def _depth(self, cell: int) -> int:
        """How many directions the cell is a total of."""
        spot = np.unravel_index(cell, self.values.shape)
        return sum(int(at == size - 1 and size > 1) for at, size in zip(spot, self.values.shape, strict=True))


def _unit(size: int, place: int, value: float) -> np.ndarray:
    out = np.zeros(size)
    out[place] = value
    return out


def _equations(
    lines: list[np.ndarray], unknown: np.ndarray, values: np.ndarray, place: dict[int, int]
) -> tuple[Any, np.ndarray]:
    """The sums that hold between unknown cells (sparse rows): parts less total, equal to what the known ones leave."""
    from scipy.sparse import csr_array

    rows: list[int] = []
    columns: list[int] = []
    signs: list[int] = []
    sums: list[int] = []
    for line in lines:
        sign = np.where(np.arange(len(line)) == len(line) - 1, -1, 1)
        open_ = unknown[line]
        if not open_.any():
            continue
        rows += [len(sums)] * int(open_.sum())
        columns += [place[cell] for cell in line[open_].tolist()]
        signs += sign[open_].tolist()
        sums.append(-int((sign * values[line])[~open_].sum()))
    return csr_array((signs, (rows, columns)), shape=(len(sums), len(place))), np.array(sums, float)
