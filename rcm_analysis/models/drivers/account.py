"""Exact accounts of a change: every part as volume, mix and rate, and parts that add up to the whole to the cent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Split(NamedTuple):
    """The change of each part, by what kind of change it is; the three add up to the part's change."""

    volume: NDArray[np.float64]
    mix: NDArray[np.float64]
    rate: NDArray[np.float64]


def split(
    old: ArrayLike, new: ArrayLike, old_base: ArrayLike, new_base: ArrayLike, old_whole: float, new_whole: float
) -> Split:
    """What more work, other work and a worse rate did to each part of a sum.

    Formula
        q = part / whole base, s = part's base / whole base, r = part / part's base; a bar is the mean of both periods
        volume = change of the whole base x bar(q)
        mix    = bar(whole base) x change of s x bar(r)
        rate   = bar(whole base) x bar(s) x change of r
    Counts
        A part without a base in one period is new or gone: its rate did not change, all but volume is mix.
        Where the whole has no base in one period there is nothing to compare with: all is volume.
    Unit
        that of the parts; volume + mix + rate = new - old for every part, whatever the signs
    Source
        Kitagawa (1955), JASA 50: 1168, inside a two-factor Shapley split of volume; turning time round turns every
        sign

    >>> found = split([40, 40], [30, 80], [800, 200], [600, 400], 1000, 1000)
    >>> {name: np.rint(part).astype(int).tolist() for name, part in found._asdict().items()}
    {'volume': [0, 0], 'mix': [-10, 40], 'rate': [0, 0]}
    """
    d0, d1, e0, e1 = (np.asarray(values, dtype=float) for values in (old, new, old_base, new_base))
    nothing = np.zeros(np.broadcast(d0, d1, e0, e1).shape)
    if old_whole == 0 or new_whole == 0:
        return Split(d1 - d0, nothing, nothing)
    q0, q1, s0, s1 = d0 / old_whole, d1 / new_whole, e0 / old_whole, e1 / new_whole
    both = (e0 != 0) & (e1 != 0)
    change_of_rate = np.where(both, d1 / np.where(e1 == 0, 1, e1) - d0 / np.where(e0 == 0, 1, e0), 0.0)
    whole = (old_whole + new_whole) / 2
    volume = (new_whole - old_whole) * (q0 + q1) / 2
    rate = whole * (s0 + s1) / 2 * change_of_rate
    return Split(volume, whole * (q1 - q0) - rate, rate)


def whole_cents(parts: ArrayLike) -> NDArray[np.int64]:
    """Whole cents that add up to the sum of the parts, itself taken to the nearest cent.

    Counts
        What is left after rounding down goes to the largest remainders; of equal ones to the smallest amount,
        so that the order of the parts does not matter.

    >>> whole_cents([33.4, 33.3, 33.3]).tolist(), whole_cents([-0.4, 100.9]).tolist()
    ([34, 33, 33], [0, 101])
    """
    exact = np.asarray(parts, dtype=float)
    low = np.floor(exact + 1e-9).astype(np.int64)
    left = int(np.floor(exact.sum() + 0.5)) - int(low.sum())
    order = np.lexsort((exact, -np.floor((exact - low) * 1e6 + 0.5)))
    low[order[:left]] += 1
    return low
