"""Hidden small cells: by hand, and attacked with whole-number programmes on random tables."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from rcm_analysis.errors import TableError
from rcm_analysis.ledger.suppression import ALL, LEAST, sum_is_safe, suppressed


def shown(found: pd.DataFrame, name: str) -> list:
    return [None if pd.isna(value) else int(value) for value in found[name]]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param([40, 30, 20, 90], [40, 30, 20, 90, 180], id="nothing small, nothing hidden"),
        pytest.param(
            [40, 30, 7, 90], [40, None, None, 90, 167], id="a lone small cell takes the smallest other with it"
        ),
        pytest.param([40, 11, 10, 90], [40, None, None, 90, 151], id="ten is small and eleven is not"),
        pytest.param([40, 0, 20, 90], [40, 0, 20, 90, 150], id="zero is shown"),
        pytest.param([40, 0, 5, 90], [None, 0, None, 90, 135], id="a zero guards nothing"),
        pytest.param(
            [40, 1, 2, 90], [None, None, None, 90, 133], id="two small ones that add up to a small number take a third"
        ),
        pytest.param([40, 6, 7, 90], [40, None, None, 90, 143], id="two small ones that guard each other"),
        pytest.param([3, 2, 1, 0], [None, None, None, 0, None], id="a small total is hidden too"),
        pytest.param([3], [None, None], id="one cell and its total"),
    ],
)
def test_one_breakdown_by_hand(counts, expected):
    frame = pd.DataFrame({"place": [f"P{number}" for number in range(len(counts))], "patients": counts})
    found = suppressed(frame, counts=["patients"], by=["place"], totals=True)
    assert shown(found, "patients") == expected
    assert found["is_suppressed"].tolist() == [value is None for value in expected]


@pytest.mark.parametrize(
    ("missed", "slots", "hidden"),
    [
        pytest.param(20, 100, False, id="both sides large"),
        pytest.param(5, 100, True, id="few missed"),
        pytest.param(95, 100, True, id="few kept: the other side of the share is small"),
        pytest.param(0, 100, False, id="none missed"),
        pytest.param(100, 100, False, id="all missed"),
        pytest.param(5, 9, True, id="few slots at all"),
    ],
)
def test_a_share_hides_with_either_side(missed, slots, hidden):
    frame = pd.DataFrame({"missed": [missed], "slots": [slots], "rate": [missed / slots]})
    found = suppressed(frame, counts=["missed"], of="slots", by=[], clear=["rate"])
    assert found["is_suppressed"].tolist() == [hidden] and found["rate"].isna().tolist() == [hidden]


@pytest.mark.parametrize(
    ("guard", "hidden"),
    [
        pytest.param(None, {"late", "missed"}, id="the smallest other goes"),
        pytest.param("kept", {"late", "kept"}, id="the guard goes, and what matters stays"),
    ],
)
def test_the_count_that_is_missed_least_is_hidden_first(guard, hidden):
    frame = pd.DataFrame({"lead": ["near", "far"], "kept": [300, 200], "missed": [20, 60], "late": [8, 15]})
    frame["slots"] = frame[["kept", "missed", "late"]].sum(axis=1)
    found = suppressed(frame, counts=["kept", "missed", "late"], by=["lead"], of="slots", guard=guard, totals=True)
    row = found.iloc[0]
    assert {name for name in ("kept", "missed", "late", "slots") if pd.isna(row[name])} == hidden
    assert found.iloc[2].notna().all(), "the totals stay"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([40, 0, 30], True, id="nothing small"),
        pytest.param([40, 7], False, id="one small month would be the difference"),
        pytest.param([40, 4, 5], False, id="two that add up to a small count"),
        pytest.param([40, 10, 10], False, id="two that can only be ten"),
        pytest.param([40, 9, 7], False, id="two with five possible values each"),
        pytest.param([40, 8, 7], True, id="two with six possible values each"),
        pytest.param([1, 1, 1, 9], True, id="four that may be many things"),
    ],
)
def test_a_sum_beside_months_that_are_hidden_each_by_itself(values, expected):
    assert sum_is_safe(values) is expected
    hidden = [value for value in values if 0 < value < LEAST]
    if expected and hidden:
        ways = [way for way in itertools.product(range(1, LEAST), repeat=len(hidden)) if sum(way) == sum(hidden)]
        assert all(len(set(each)) >= 6 for each in zip(*ways, strict=True)), (
            "counted out: every hidden month keeps six values"
        )


def test_two_ways_take_a_rectangle_and_leave_the_totals():
    frame = pd.DataFrame(
        {
            "place": ["A", "A", "A", "B", "B", "B", "C", "C", "C"],
            "kind": ["x", "y", "z"] * 3,
            "patients": [4, 30, 50, 20, 40, 60, 70, 80, 90],
        }
    )
    found = suppressed(frame, counts=["patients"], by=["place", "kind"], totals=True)
    hidden = {(row.place, row.kind) for row in found[found["is_suppressed"]].itertuples()}
    assert hidden == {("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")}
    totals = found[(found["place"] == ALL) | (found["kind"] == ALL)]
    assert totals["patients"].notna().all() and shown(totals.tail(1), "patients") == [444]


def test_what_comes_in_stays_as_it_was_and_nothing_stays_nothing():
    frame = pd.DataFrame({"place": ["A", "B"], "patients": [3, 40]})
    before = frame.copy()
    suppressed(frame, counts=["patients"], by=["place"], totals=True)
    pd.testing.assert_frame_equal(frame, before)
    assert suppressed(frame.iloc[:0], counts=["patients"], by=["place"], totals=True).empty


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        pytest.param({"a": [1]}, {"counts": ["n"], "by": ["a"]}, "lacks the columns", id="a column that is not there"),
        pytest.param({"a": ["x"], "n": [-1]}, {"counts": ["n"], "by": ["a"]}, "zero or more", id="a negative count"),
        pytest.param(
            {"a": ["x", "x"], "n": [1, 2]}, {"counts": ["n"], "by": ["a"]}, "stand again", id="a combination twice"
        ),
        pytest.param(
            {"a": ["x"], "n": [5], "all": [3]},
            {"counts": ["n"], "by": ["a"], "of": "all"},
            "add up to more",
            id="parts above their whole",
        ),
    ],
)
def test_tables_that_cannot_be_right_are_refused(frame, options, words):
    with pytest.raises(TableError, match=words):
        suppressed(pd.DataFrame(frame), **options)


# -- the attack ------------------------------------------------------------------------------------


def possible(found: pd.DataFrame, by: list[str], counts: list[str], of: str | None) -> dict:
    """For every hidden count the least and largest whole number that everything shown allows.

    The attacker knows all sums, that zeros are shown (so a hidden count is at least 1), and nothing else.
    The sums are written from the labels alone, without the code under test.
    """
    table = {
        (*row, name): value
        for name in [*counts, *([of] if of else [])]
        for row, value in zip(found[by].itertuples(index=False, name=None), found[name], strict=True)
    }
    cells, rows, sums = {}, [], []

    def side(spots: list[tuple], sign: int, row: dict) -> int:
        known = 0
        for spot in spots:
            if spot[-1] == "rest" or pd.isna(table[spot]):
                cells.setdefault(spot, len(cells))
                row[cells[spot]] = row.get(cells[spot], 0) + sign
            else:
                known += sign * int(table[spot])
        return known

    def equation(parts: list[tuple], total: tuple) -> None:
        row: dict[int, int] = {}
        left = side(parts, 1, row) + side([total], -1, row)
        rows.append(row)
        sums.append(-left)

    labels = [sorted(set(found[name]) - {ALL}) for name in by]
    kinds = [*counts, *(["rest", of] if of else [])]
    for place in range(len(by)):
        others = [[*values, ALL] for number, values in enumerate(labels) if number != place]
        for rest in itertools.product(*others):
            for kind in kinds:
                spot = [*rest[:place], None, *rest[place:], kind]
                parts = [(*spot[:place], value, *spot[place + 1 :]) for value in labels[place]]
                if all(part in table or part[-1] == "rest" for part in parts):
                    equation(parts, (*spot[:place], ALL, *spot[place + 1 :]))
    if of:
        for spot in itertools.product(*[[*values, ALL] for values in labels]):
            equation([(*spot, name) for name in [*counts, "rest"]], (*spot, of))
    matrix = np.zeros((len(rows), len(cells)))
    for number, row in enumerate(rows):
        for place, sign in row.items():
            matrix[number, place] = sign
    lowest = np.array([0.0 if spot[-1] == "rest" else 1.0 for spot in cells])
    constraint = LinearConstraint(matrix, sums, sums) if len(rows) else ()
    edges = {}
    for spot, place in cells.items():
        if spot[-1] == "rest":
            continue
        ends = []
        for sign in (1, -1):
            goal = np.zeros(len(cells))
            goal[place] = sign
            solved = milp(goal, constraints=constraint, integrality=np.ones(len(cells)), bounds=Bounds(lowest, 10_000))
            assert solved.success, solved.message
            ends.append(sign * round(solved.fun))
        edges[spot] = tuple(ends)
    return edges


COUNT = st.one_of(st.integers(0, 12), st.integers(0, 60))


@st.composite
def tables(draw) -> tuple[pd.DataFrame, list[str]]:
    sizes = draw(st.sampled_from([(1,), (2,), (3,), (6,), (2, 2), (3, 2), (4, 3), (2, 2, 2)]))
    by = ["a", "b", "c"][: len(sizes)]
    rows = [
        (*(f"v{value}" for value in spot), draw(COUNT), draw(COUNT)) for spot in itertools.product(*map(range, sizes))
    ]
    frame = pd.DataFrame(rows, columns=[*by, "missed", "kept"])
    return frame.assign(slots=frame["missed"] + frame["kept"]), by


@settings(max_examples=20)
@given(tables())
def test_no_hidden_count_can_be_worked_out(given_table):
    frame, by = given_table
    found = suppressed(frame, counts=["missed"], by=by, of="slots", totals=True)
    _holds(found, frame, by, ["missed"], "slots")


@settings(max_examples=8)
@given(tables())
def test_no_hidden_count_of_several_parts_can_be_worked_out(given_table):
    frame, by = given_table
    found = suppressed(frame, counts=["missed", "kept"], by=by, of="slots", totals=True, guard="kept")
    _holds(found, frame, by, ["missed", "kept"], "slots")


@settings(max_examples=15)
@given(tables())
def test_no_hidden_count_of_a_plain_table_can_be_worked_out(given_table):
    frame, by = given_table
    found = suppressed(frame, counts=["missed"], by=by, totals=True)
    _holds(found, frame, by, ["missed"], None)


@pytest.mark.slow
@settings(max_examples=250)
@given(tables(), st.sampled_from([(["missed"], "slots"), (["missed", "kept"], "slots"), (["missed"], None)]))
def test_no_hidden_count_can_be_worked_out_of_many_tables(given_table, parts):
    (frame, by), (counts, of) = given_table, parts
    _holds(suppressed(frame, counts=counts, by=by, of=of, totals=True), frame, by, counts, of)


def _holds(found: pd.DataFrame, frame: pd.DataFrame, by: list[str], counts: list[str], of: str | None) -> None:
    for name in [*counts, *([of] if of else [])]:
        values = found[name].dropna().astype(int)
        assert not values.between(1, LEAST - 1).any(), "a small count is shown"
    if of:
        other = (found[of] - found[counts].sum(axis=1, skipna=False)).dropna().astype(int)
        assert not other.between(1, LEAST - 1).any(), "the other side is small and can be had by one subtraction"
    for spot, (low, high) in possible(found, by, counts, of).items():
        assert high > low, f"{spot} can only be {low}"


def test_the_attack_finds_what_is_badly_hidden():
    """The attacker is no straw man: one hidden cell beside its total is found at once."""
    found = pd.DataFrame({"a": ["x", "y", ALL], "missed": pd.array([None, 40, 45], dtype="Int64")})
    assert possible(found, ["a"], ["missed"], None) == {("x", "missed"): (5, 5)}
