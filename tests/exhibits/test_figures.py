"""Charts: honest, described, the same bytes twice, and nothing left open."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rcm_analysis.exhibits import figures

MONTHS = pd.DataFrame(
    {
        "month": pd.date_range("2025-10-01", periods=13, freq="MS"),
        "a": range(100, 1400, 100),
        "b": [float("nan")] * 12 + [50.0],
        "is_recent": [False] * 10 + [True] * 3,
    }
)
AGES = pd.DataFrame(
    {
        "bucket": ["0-30", "31-60", "61-90", "91-120", "over 120"],
        "insurance_cents": [1, 2, 3, 4, 500],
        "patient_cents": [0] * 5,
    }
)
BARS = pd.DataFrame({"reason": ["a $5 copay and a $6 one", "b"], "cents": [500, 0]})
RATINGS = pd.DataFrame({"rating": list("ABCD"), "clients": [1, 0, 0, 0], "names": ["$20 & <Vision>", "", "", ""]})

DRAWN = {
    "months": lambda ax: figures.plot_months(MONTHS, ax, series={"a": "First", "b": "Second"}, immature="is_recent"),
    "one month": lambda ax: figures.plot_months(MONTHS.head(1), ax, series={"a": "First"}, unit="rate"),
    "ages": lambda ax: figures.plot_aging(
        AGES, ax, parts={"insurance_cents": "Insurance", "patient_cents": "Patients"}
    ),
    "nothing owed": lambda ax: figures.plot_aging(AGES, ax, parts={"patient_cents": "Patients"}),
    "bars": lambda ax: figures.plot_bars(BARS, ax, label="reason", value="cents", strong=[0]),
    "ratings": lambda ax: figures.plot_matrix(RATINGS, ax),
}


def block(draw, **words):
    given = {"name": "chart", "title": "A chart", "alt": "A line.", "finding": "It rises."} | words
    return figures.figure_block(draw(figures.new_axes()), **given)


@pytest.mark.parametrize("name", DRAWN)
def test_every_chart_is_an_svg_of_paths_and_the_same_twice(name):
    svg = block(DRAWN[name]).svg
    assert svg == block(DRAWN[name]).svg
    assert "<svg" in svg
    assert "<text" not in svg
    assert "<dc:date" not in svg


def test_a_chart_returns_its_axes_and_leaves_its_input_unchanged():
    before, axes = MONTHS.copy(), figures.new_axes()
    assert figures.plot_months(MONTHS, axes, series={"a": "First"}) is axes
    pd.testing.assert_frame_equal(MONTHS, before)


def test_no_figure_stays_open_ours_or_the_analysts():
    block(DRAWN["months"])
    _, axes = plt.subplots()
    axes.plot([1, 2])
    figures.figure_block(axes, name="mine", title="Mine", alt="A line.", finding="It rises.")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("missing", ["alt", "finding"])
def test_a_chart_without_words_is_refused(missing):
    with pytest.raises(ValueError, match="needs an alternative text and a finding"):
        block(DRAWN["bars"], **{missing: " "})


def test_months_not_complete_are_marked():
    plain = figures.plot_months(MONTHS, figures.new_axes(), series={"a": "First"})
    marked = DRAWN["months"](figures.new_axes())
    assert "too recent to judge" in [text.get_text() for text in marked.texts]
    assert "too recent to judge" not in [text.get_text() for text in plain.texts]
    assert len(marked.patches) == 3


def test_a_thousand_points_are_paths_and_ten_thousand_a_picture():
    axes = figures.new_axes()
    axes.scatter(np.arange(10_000), np.arange(10_000))
    assert "<image" in figures.as_svg(axes.figure)


def test_labels_at_line_ends_never_overlap():
    axes = figures.new_axes()
    axes.set_ylim(0, 100)
    heights = figures._spread(axes, [50.0, 50.0, 51.0])
    assert sorted(np.diff(sorted(heights)))[0] >= 8.9


def test_dollar_signs_in_names_are_no_formulas():
    axes = DRAWN["bars"](figures.new_axes())
    assert [label.get_text() for label in axes.get_yticklabels()][0] == r"a \$5 copay and a \$6 one"
    block(DRAWN["bars"])
