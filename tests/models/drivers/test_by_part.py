"""Why a sum and a ratio moved, by part: the effects add up for every part and for all, and time turns every sign."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.models.drivers.by_part import KINDS, ratio_by_part, sum_by_part

ROW = st.tuples(st.sampled_from("abcdef"), st.integers(-10_000, 10_000_000), st.integers(1, 10_000_000))
ROWS = st.lists(ROW, min_size=1, max_size=6, unique_by=lambda row: row[0])


def frame(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["part", "owed", "charged"])


@given(ROWS, ROWS)
def test_a_sum_is_told_to_the_cent(before, now):
    found = sum_by_part(frame(before), frame(now), part="part", cents="owed", base="charged")
    assert (found[KINDS].sum(axis=1) == found["change_cents"]).all()
    assert found["change_cents"].sum() == frame(now)["owed"].sum() - frame(before)["owed"].sum()


@given(ROWS, ROWS)
def test_a_ratio_is_told_exactly_and_backwards_with_every_sign_turned(before, now):
    old, new = frame(before), frame(now)
    told = {"part": "part", "top": "owed", "base": "charged", "times": 90}
    found, back = ratio_by_part(old, new, **told), ratio_by_part(new, old, **told)
    ratios = [90 * rows["owed"].sum() / rows["charged"].sum() for rows in (old, new)]
    scale = max(map(abs, ratios)) + found[["by_top", "by_base"]].abs().sum().sum() + 1
    assert found["change"].sum() == pytest.approx(ratios[1] - ratios[0], abs=1e-9 * scale)
    for name in ("by_top", "by_base"):
        assert (found[name] + back[name]).abs().max() <= 1e-9 * scale


def test_fewer_charges_alone_lengthen_the_days():
    """Owed 90,000 twice, charges 180,000 and then 150,000 in 90 days: 45 days and then 54."""
    old, new = frame([("a", 90_000, 180_000)]), frame([("a", 90_000, 150_000)])
    found = ratio_by_part(old, new, part="part", top="owed", base="charged", times=90)
    assert found[["by_top", "by_base"]].values.tolist() == [[0, pytest.approx(9)]]


def test_without_a_bottom_there_is_no_ratio():
    assert ratio_by_part(frame([("a", 5, 0)]), frame([("a", 5, 1)]), part="part", top="owed", base="charged").empty
