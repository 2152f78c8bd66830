"""Exact accounts of a change: the worked cases, and the laws that hold for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.models.drivers.account import split, whole_cents

CASES = {
    "more work at the same rate": ([100], [120], [1000], [1200], [(20, 0, 0)]),
    "a worse rate on the same work": ([100], [150], [1000], [1000], [(0, 0, 50)]),
    "work moves to the part that is denied more": (
        [40, 40],
        [30, 80],
        [800, 200],
        [600, 400],
        [(0, -10, 0), (0, 40, 0)],
    ),
    "twice the work at twice the rate": ([100], [400], [1000], [2000], [(150, 0, 150)]),
    "both rates fall and the whole rises": ([90, 40], [45, 190], [900, 100], [500, 500], [(0, -38, -7), (0, 156, -6)]),
    "a part is new": ([100, 0], [100, 50], [1000, 0], [1000, 500], [(41.67, -41.67, 0), (8.33, 41.67, 0)]),
    "a part is gone": ([100, 50], [100, 0], [1000, 500], [1000, 0], [(-41.67, 41.67, 0), (-8.33, -41.67, 0)]),
    "money taken back": ([-100], [-300], [1000], [1000], [(0, 0, -200)]),
    "nothing before": ([0], [70], [0], [700], [(70, 0, 0)]),
    "three months against one": ([100], [120], [1000], [1000], [(0, 0, 20)]),
}


@pytest.mark.parametrize(("old", "new", "old_base", "new_base", "expected"), CASES.values(), ids=CASES)
def test_worked_by_hand(old, new, old_base, new_base, expected):
    found = split(old, new, old_base, new_base, sum(old_base), sum(new_base))
    assert np.allclose(np.stack(found, axis=1), expected, atol=0.01)


cents = st.integers(-10_000_000, 10_000_000)
work = st.integers(0, 100_000_000)
parts = st.lists(st.tuples(cents, cents, work, work), min_size=1, max_size=6)


@given(parts)
def test_kinds_add_up_to_the_change_of_every_part(rows):
    old, new, old_base, new_base = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = split(old, new, old_base, new_base, old_base.sum(), new_base.sum())
    assert np.allclose(sum(found), new - old, atol=1e-4)


@given(parts)
def test_time_turned_round_turns_every_sign(rows):
    old, new, old_base, new_base = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    there = split(old, new, old_base, new_base, old_base.sum(), new_base.sum())
    back = split(new, old, new_base, old_base, new_base.sum(), old_base.sum())
    assert all(np.allclose(one, -other, atol=1e-4) for one, other in zip(there, back, strict=True))


@given(parts)
def test_volume_does_not_depend_on_how_finely_the_work_is_cut(rows):
    old, new, old_base, new_base = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    wholes = old_base.sum(), new_base.sum()
    fine = split(old, new, old_base, new_base, *wholes)
    coarse = split(old.sum(), new.sum(), *wholes, *wholes)
    assert np.isclose(fine.volume.sum(), coarse.volume, atol=1e-4)
    assert np.isclose((fine.mix + fine.rate).sum(), coarse.mix + coarse.rate, atol=1e-4)


@given(st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=9))
def test_whole_cents_add_up_in_any_order(amounts):
    found = whole_cents(amounts)
    assert abs(found - np.array(amounts)).max() <= 1 + 1e-6
    assert sorted(whole_cents(sorted(amounts)).tolist()) == sorted(found.tolist())
    assert abs(int(found.sum()) - sum(amounts)) <= 0.5 + 1e-6
