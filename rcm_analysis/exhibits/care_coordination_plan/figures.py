"""Charts of the care-coordination plan: running cash beside the accrual, members, the tornado, the fan; and sliders for
JupyterLab that move cash and peak deficit at once."""

from __future__ import annotations

import html
import io
import os
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...models.plan.assumptions import Assumptions
from ...models.plan.fields import SHARE
from ...models.plan.scenarios import blend_levers
from ..figures import AGES, BLUE, GREY, INK, MUTED, NAVY, RUST, SKY, STYLE, short_usd, styled, usd_axis
from ..formats import as_text

LOOKS = ((NAVY, "-", 2.2), (BLUE, "--", 1.7), (RUST, "-.", 1.6), (GREY, ":", 1.9))


def _month_axis(axes: Axes, months: Sequence[str]) -> None:
    """A tick each January with its year, and one where the plan begins; quarters between on short plans."""
    every = 12 if len(months) > 30 else 6 if len(months) > 14 else 3
    shown = [place for place, month in enumerate(months) if (int(month[5:]) - 1) % every == 0 or place == 0]
    days = [pd.Timestamp(f"{months[place]}-01") for place in shown]
    axes.set_xticks(shown, [f"{day:%b}\n{day:%Y}" for day in days])
    axes.set_xlim(-0.4, len(months) - 0.4)
    axes.set_xlabel("")
    axes.set_ylabel("")


def _at_end(axes: Axes, heights: Sequence[float], texts: Sequence[str], colors: Sequence[str], place: int) -> None:
    """Labels where the lines end, moved apart until none overlaps."""
    low, high = axes.get_ylim()
    gap, above = (high - low) * 0.085, -np.inf
    for number in np.argsort(heights, kind="stable"):
        above = max(heights[number], above + gap)
        axes.annotate(
            texts[number],
            (place, above),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colors[number],
            fontsize=9,
            fontweight="semibold",
            annotation_clip=False,
        )


@styled
def plot_running(result: pd.DataFrame, ax: Axes, *, series: Mapping[str, str], lowest: str = "") -> Axes:
    """Running amounts by month as lines, labelled at their ends; `lowest` names the series whose trough is marked."""
    months = result["month"].tolist()
    ends = []
    for (column, words), (color, style, width) in zip(series.items(), LOOKS, strict=False):
        values = result[column].to_numpy(dtype=float)
        ax.plot(values, color=color, linestyle=style, linewidth=width)
        ends.append((values[-1], words, color))
    usd_axis(ax.yaxis)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.margins(y=0.12)
    if lowest:
        values = result[lowest].to_numpy(dtype=float)
        place = int(values.argmin())
        ax.plot([place], [values[place]], "o", color=NAVY, markersize=5)
        ax.annotate(
            short_usd(values[place]),
            (place, values[place]),
            xytext=(0, -11),
            textcoords="offset points",
            ha="center",
            va="top",
            color=NAVY,
            fontsize=9,
            fontweight="semibold",
        )
    _month_axis(ax, months)
    _at_end(ax, [end[0] for end in ends], [end[1] for end in ends], [end[2] for end in ends], len(months) - 1)
    return ax


@styled
def plot_members(result: pd.DataFrame, ax: Axes, *, levels: Mapping[str, str], capacity: str) -> Axes:
    """Members by level, stacked, light to dark, under the line of those who can be carried (thousandths in, members
    out)."""
    months = result["month"].tolist()
    floor = np.zeros(len(result))
    for place, (column, _) in enumerate(levels.items()):
        values = result[column].to_numpy(dtype=float) / 1000
        ax.fill_between(
            range(len(months)), floor, floor + values, color=AGES[min(place + 1, len(AGES) - 1)], linewidth=0
        )
        floor = floor + values
    room = result[capacity].to_numpy(dtype=float) / 1000
    ax.plot(room, color=RUST, linestyle="--", linewidth=1.6)
    ax.set_ylim(0, max(float(room.max()), float(floor.max()), 1) * 1.1)
    _month_axis(ax, months)
    heights, bottom = [], 0.0
    for column in levels:
        size = float(result[column].iloc[-1]) / 1000
        heights.append(bottom + size / 2)
        bottom += size
    _at_end(
        ax,
        [*heights, float(room[-1])],
        [*levels.values(), "can be carried"],
        [*[INK] * len(levels), RUST],
        len(months) - 1,
    )
    return ax


@styled
def plot_tornado(result: pd.DataFrame, ax: Axes) -> Axes:
    """One bar per lever from its low to its high end, around the plan's own peak deficit; widest on top."""
    base = float(result["base_peak_cents"].iloc[0])
    for place, row in enumerate(result.itertuples()):
        for value, words, color in (
            (row.low_peak_cents, row.low_text, SKY),
            (row.high_peak_cents, row.high_text, BLUE),
        ):
            ax.barh(place, value - base, left=base, color=color, height=0.62)
            side = -1 if value < base else 1
            if value != base:
                ax.annotate(
                    words,
                    (value, place),
                    xytext=(4 * side, 0),
                    textcoords="offset points",
                    va="center",
                    ha="right" if side < 0 else "left",
                    fontsize=7.5,
                    color=MUTED,
                )
    ax.axvline(base, color=INK, linewidth=0.9)
    ax.set_yticks(range(len(result)), result["title"], color=INK)
    ax.set_ylim(len(result) - 0.4, -0.6)
    ax.margins(x=0.14)
    ax.grid(False)
    usd_axis(ax.xaxis)
    return ax


@styled
def plot_fan(result: pd.DataFrame, ax: Axes, *, path: pd.Series, floor_cents: int) -> Axes:
    """Bands of the drawn futures, the plan itself as a line, and the floor at which cash is gone."""
    months = result["month"].tolist()
    at = range(len(months))
    for low, high, color in (("p5", "p95", AGES[0]), ("p25", "p75", AGES[1])):
        ax.fill_between(at, result[low].astype(float), result[high].astype(float), color=color, linewidth=0)
    ax.plot(result["p50"].to_numpy(dtype=float), color=BLUE, linestyle="--", linewidth=1.7)
    ax.plot(path.to_numpy(dtype=float), color=NAVY, linewidth=2.2)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.axhline(floor_cents, color=RUST, linestyle="-.", linewidth=1.4)
    usd_axis(ax.yaxis)
    ax.margins(y=0.08)
    _month_axis(ax, months)
    ends = [
        float(path.iloc[-1]),
        float(result["p50"].iloc[-1]),
        float(floor_cents),
        float(result["p5"].iloc[-1]),
        float(result["p95"].iloc[-1]),
    ]
    _at_end(
        ax,
        ends,
        ["the plan", "median", "cash is gone", "1 in 20 below", "1 in 20 above"],
        [NAVY, BLUE, RUST, MUTED, MUTED],
        len(months) - 1,
    )
    return ax


SLIDERS: tuple[tuple[str, str, int, int, int, int], ...] = (
    ("caseload", "Caseload, %", 50, 150, 100, SHARE // 100),
    ("lag_days", "Lag, days added", -60, 180, 0, 1),
    ("acuity_shift", "One level down, %", -50, 50, 0, SHARE // 100),
    ("denials", "Denials, points added", -10, 30, 0, SHARE // 100),
    ("rate", "Rates, %", 70, 130, 100, SHARE // 100),
    ("referrals", "Referrals, %", 25, 200, 100, SHARE // 100),
    ("engagement", "Families that enroll, %", 25, 150, 100, SHARE // 100),
    ("hiring", "Hiring, months later", -6, 18, 0, 1),
)
"""Lever, words, lowest, highest, neutral, and how many small units one step is."""


class PlanPicture:
    """The picture behind the sliders: made once, moved often."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.assumptions = assumptions
        with mpl.rc_context(STYLE):
            self.figure = Figure(figsize=(7.2, 2.9), dpi=90)
            self.canvas = FigureCanvasAgg(self.figure)
            self.axes = self.figure.add_axes((0.11, 0.12, 0.86, 0.80))
            zeros = [0] * assumptions.months
            (self.before,) = self.axes.plot(zeros, color=BLUE, linestyle="--", linewidth=1.4, label="the plan")
            (self.cash,) = self.axes.plot(zeros, color=NAVY, linewidth=2.2, label="running cash flow")
            self.axes.axhline(0, color=INK, linewidth=0.8)
            usd_axis(self.axes.yaxis)
            labels = assumptions.month_labels
            shown = list(range(0, len(labels), 6))
            self.axes.set_xticks(shown, [labels[place] for place in shown])
            self.axes.legend(loc="upper left", frameon=False)
        self.before.set_ydata(blend_levers(assumptions, {})["cumulative_cash"])

    def redraw(self, moves: dict[str, int]) -> tuple[bytes, str]:
        """The picture (PNG) and one sentence under these levers."""
        found = blend_levers(self.assumptions, moves)
        cash = found["cumulative_cash"]
        self.cash.set_ydata(cash)
        low = min(float(cash.min()), float(np.min(self.before.get_ydata())))
        high = max(float(cash.max()), float(np.max(self.before.get_ydata())), 0.0)
        room = max(high - low, 1.0) * 0.06
        self.axes.set_ylim(low - room, high + room)
        out = io.BytesIO()
        with mpl.rc_context(STYLE):
            self.figure.savefig(out, format="png", pil_kwargs={"compress_level": 1})  # speed is worth the bytes
        place = int(cash.argmin())
        words = f"Peak deficit {as_text(min(0, int(cash.min())), 'usd')} in {as_text(found['month'][place], 'month')}; "
        return out.getvalue(), words + (
            f"lowest cash at hand {as_text(int(found['balance'].min()), 'usd')}; running cash flow at the end "
            f"{as_text(int(cash.iloc[-1]), 'usd')}."
        )


def at_a_bench() -> bool:
    """Whether a person is looking: Jupyter names its session in the kernel's environment, VS Code the notebook among
    its names; a report run does neither."""
    from IPython import get_ipython

    return bool(os.environ.get("JPY_SESSION_NAME")) or "__vsc_ipynb_file__" in getattr(get_ipython(), "user_ns", {})


def show_sliders(assumptions: Assumptions, *, always: bool = False) -> None:
    """Sliders with their picture, where somebody can move them; elsewhere nothing at all."""
    if not (always or at_a_bench()):
        return
    try:
        import ipywidgets as widgets
    except ImportError:
        print("The sliders need ipywidgets: pip install ipywidgets")
        return
    from IPython.display import display

    display(panel(assumptions, widgets))


def panel(assumptions: Assumptions, widgets):
    """The box of sliders, sentence and picture."""
    picture = PlanPicture(assumptions)
    sliders = {
        key: widgets.IntSlider(
            value=neutral,
            min=low,
            max=high,
            description=words,
            style={"description_width": "170px"},
            layout={"width": "520px"},
            continuous_update=True,
        )
        for key, words, low, high, neutral, _ in SLIDERS
    }
    image, sentence = widgets.Image(format="png"), widgets.HTML()  # a Label would typeset dollars as mathematics

    def follow(_change=None) -> None:
        image.value, words = picture.redraw({key: sliders[key].value * step for key, *_, step in SLIDERS})
        sentence.value = html.escape(words)

    for slider in sliders.values():
        slider.observe(follow, names="value")
    follow()
    return widgets.VBox([*sliders.values(), sentence, image])
