"""Charts: `plot_*(result, ax) -> ax`, one restrained look, and the block that carries them.

The title stands outside the picture, with the sentence the chart shows. Series are labelled where they
end instead of in a legend, and differ in line style and lightness, so that grey print stays readable.
Figures never touch pyplot's list of open figures: nothing can leak.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import logging
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..blocks import vocabulary
from .blocks import Block, note
from .formats import as_text, comma_list

INK, MUTED, RULE = "#1a2733", "#55616e", "#d3dae1"
NAVY, BLUE, SKY, RUST, GREY = "#14425f", "#3a7ca5", "#a5c8dd", "#a8460a", "#8d99a5"
AGES = ("#d5e5ef", "#a5c8dd", "#6ba3c4", "#3a7ca5", "#14425f")
"""Young to old, light to dark: the order survives grey print."""

FONTS = Path(__file__).parent.parent / "press" / "writers" / "fonts"

WIDTH, HALF, DENSE, DENSE_DPI = 6.9, 3.4, 2000, 200

STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "rcm_analysis",
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "ytick.major.size": 0,
    "xtick.major.size": 0,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "hatch.linewidth": 0.6,
    "path.simplify": True,
    "font.family": ["Source Sans 3", "DejaVu Sans"],
}

for _font in sorted(FONTS.glob("*.ttf")):
    font_manager.fontManager.addfont(_font)
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def styled(plot: Callable[..., Axes]) -> Callable[..., Axes]:
    """Draw in the house style, whatever the notebook has set for its own pictures."""

    @functools.wraps(plot)
    def drawn(*args: Any, **words: Any) -> Axes:
        if not _DRAWS.get():
            return next(one for one in (*args, *words.values()) if isinstance(one, Axes))
        with mpl.rc_context(STYLE):
            return plot(*args, **words)

    return drawn


_DRAWS: ContextVar[bool] = ContextVar("draws", default=True)


@contextlib.contextmanager
def undrawn() -> Iterator[None]:
    """Within it charts stay empty: for whoever makes pages only for what is derived for them."""
    before = _DRAWS.set(False)
    try:
        yield
    finally:
        _DRAWS.reset(before)


def new_axes(height: float = 2.5, *, width: float = WIDTH) -> Axes:
    """Empty axes in the house style, as wide as the text of a page."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        return figure.add_subplot()


def as_svg(figure: Figure) -> str:
    """The figure as SVG: text as paths, dense artists as pictures, the same bytes every time."""
    if not _DRAWS.get():
        return ""
    for axes in figure.axes:
        dense: list[Any] = [*axes.collections, *axes.lines]
        for artist in dense:
            points = artist.get_offsets() if hasattr(artist, "get_offsets") else artist.get_xydata()
            if len(points) > DENSE:
                artist.set_rasterized(True)
    out, canvas, dpi = io.StringIO(), figure.canvas, figure.dpi
    with mpl.rc_context(STYLE):
        figure.dpi = DENSE_DPI
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})  # savefig draws it twice
    figure.set_canvas(canvas)
    figure.dpi = dpi
    _forget(figure)
    return re.sub(r"<!DOCTYPE[^>]*>\s*", "", out.getvalue())


def _forget(figure: Figure) -> None:
    number = getattr(figure, "number", None)
    if number is not None:
        import matplotlib.pyplot as plt

        plt.close(figure)


def figure_block(
    axes: Axes,
    *,
    name: str,
    title: str,
    alt: str,
    finding: str,
    table: vocabulary.Table | None = None,
    beside: bool = False,
) -> vocabulary.Figure:
    """The chart with its title, its computed finding, its description and the numbers behind it.

    A chart `beside` stands at the right of the block before it.
    """
    if not alt.strip() or not finding.strip():
        raise ValueError(f"the figure '{name}' needs an alternative text and a finding; one of them is empty")
    figure: Any = axes.figure
    return vocabulary.Figure(name, title, alt, finding, table, beside, as_svg(figure).encode())


def nothing_to_draw(text: str) -> Block:
    """What stands in the place of a blank chart: one honest sentence."""
    return note(text)


def usd_axis(axis: Any) -> None:
    """Ticks in dollars, from cents: $20K, $1.2M."""
    axis.set_major_formatter(FuncFormatter(lambda cents, _: short_usd(cents)))
    axis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))


def rate_axis(axis: Any) -> None:
    """Ticks in percent, from 0 to 1."""
    axis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate * 100:.4g}%"))
    axis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))


def short_usd(cents: float) -> str:
    """Dollars short enough for a tick.

    >>> short_usd(2_000_000), short_usd(120_000_000), short_usd(-50_000), short_usd(1_234_500)
    ('$20K', '$1.2M', '-$500', '$12.3K')
    """
    dollars = abs(cents) / 100
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if dollars >= size:
            body = f"{round(dollars / size, 1):g}{letter}"
            break
    else:
        body = f"{dollars:.0f}"
    return f"{'-' if cents < 0 else ''}${body}"


def month_ticks(axes: Axes, months: Sequence[Any]) -> None:
    """Ticks for months, with the year where it begins; every third one where there are many."""
    days = [pd.Timestamp(month) for month in months]
    drawn: Any = axes.figure
    is_narrow = drawn.get_figwidth() <= HALF
    step = 3 if len(days) > 14 or (is_narrow and len(days) > 7) else 1
    shown = [number for number in range(len(days)) if (len(days) - 1 - number) % step == 0]
    labels = [f"{days[n]:%b}\n{days[n]:%Y}" if days[n].month == 1 or n == shown[0] else f"{days[n]:%b}" for n in shown]
    axes.set_xticks(shown, labels)


def _end_label(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=color,
        fontsize=9,
        fontweight="semibold",
    )


def _spread(axes: Axes, heights: list[float]) -> list[float]:
    """Label heights moved apart until none overlaps, order kept."""
    low, high = axes.get_ylim()
    gap = (high - low) * 0.09
    order = sorted(range(len(heights)), key=heights.__getitem__)
    out = list(heights)
    for below, above in zip(order, order[1:], strict=False):
        out[above] = max(out[above], out[below] + gap)
    return out


class Event(NamedTuple):
    """A day, and what is known to have happened on it."""

    day: dt.date
    what: str

    @property
    def words(self) -> str:
        """The event as the sentence under a chart names it.

        >>> Event(dt.date(2026, 7, 28), "documentation denials began (Site 03)").words
        'Jul 28, documentation denials began (Site 03)'
        """
        return f"{self.day:%b} {self.day.day}, {self.what}"


def marked(events: list[Event]) -> str:
    """The sentence that says what the lines of a chart mark; empty without one.

    >>> marked([Event(dt.date(2026, 7, 28), "no claim left")]), marked([])
    (' Marked: Jul 28, no claim left.', '')
    """
    return f" Marked: {comma_list(one.words for one in events)}." if events else ""


@styled
def plot_months(
    result: pd.DataFrame,
    ax: Axes,
    *,
    series: Mapping[str, str],
    unit: str = "usd",
    immature: str = "",
    immature_words: str = "too recent to judge",
    events: Sequence[dt.date] = (),
) -> Axes:
    """Lines by month, labelled at their ends; the first is the strongest.

    `series` maps columns of `result` (which has `month`) to their words; `immature` names a flag
    column whose months are shaded and marked with `immature_words`; each of `events` is a
    day that a line marks, where it lies in the months drawn.
    """
    import seaborn as sns

    looks = ((NAVY, "-", 2.2), (BLUE, "--", 1.7), (GREY, ":", 1.9), (RUST, "-.", 1.6))
    at = np.arange(len(result))
    ends = []
    for (column, words), (color, style, width) in zip(series.items(), looks, strict=False):
        values = result[column].astype("float64").to_numpy()
        sns.lineplot(x=at, y=values, ax=ax, color=color, linestyle=style, linewidth=width, errorbar=None, legend=False)
        known = np.flatnonzero(~np.isnan(values))
        if len(known):
            ends.append((known[-1], values[known[-1]], words, color))
    ax.set_xlabel("")
    ax.set_ylabel("")
    (usd_axis if unit == "usd" else rate_axis if unit == "rate" else lambda axis: None)(ax.yaxis)
    top = max((np.nanmax(result[column].astype("float64").to_numpy(), initial=0) for column in series), default=0)
    ax.set_ylim(min(0, ax.get_ylim()[0]), top * 1.12 if top > 0 else 1)
    if immature:
        _shade(ax, np.flatnonzero(result[immature].astype(bool).to_numpy()), immature_words)
    for (x, _, words, color), height in zip(ends, _spread(ax, [end[1] for end in ends]), strict=True):
        _end_label(ax, x, height, words, color)
    month_ticks(ax, result["month"].tolist())
    ax.set_xlim(-0.4, len(result) - 0.4)
    mark_days(ax, events, pd.Timestamp(result["month"].iloc[0]), len(result))
    return ax


def mark_days(axes: Axes, days: Sequence[dt.date], first: pd.Timestamp, months: int, *, below: int = 0) -> None:
    """A dotted line on each day within the months drawn, its date beside it, one below the other where they are near,
    `below` so many lines that stand there; months are the ticks, each standing at its middle."""
    bottom, top = axes.get_ylim()
    last, step = -np.inf, 0
    for day in sorted(dict.fromkeys(days)):
        at = (day.year - first.year) * 12 + day.month - first.month + (day.day - 1) / 31 - 0.5
        if not -0.5 <= at <= months - 0.5:
            continue
        step = (step + 1) % 3 if at - last < 1.5 else 0
        last = at
        axes.axvline(at, color=MUTED, linestyle=(0, (1.5, 1.5)), linewidth=0.9, zorder=1)
        axes.text(
            at - 0.12,
            top - (step + below) * 0.11 * (top - bottom),
            f"{day:%b} {day.day}",
            va="top",
            ha="right" if at > 0.8 else "left",
            fontsize=7.5,
            color=MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
        )


def _shade(axes: Axes, months: np.ndarray, words: str) -> None:
    if not len(months):
        return
    for month in months:
        axes.axvspan(
            month - 0.5, month + 0.5, facecolor="#eef1f4", hatch="///", edgecolor="#d5dbe1", linewidth=0, zorder=0
        )
    axes.text(months[0] - 0.42, axes.get_ylim()[1], words, va="top", ha="left", fontsize=7.5, color=MUTED)


@styled
def plot_aging(result: pd.DataFrame, ax: Axes, *, parts: Mapping[str, str]) -> Axes:
    """Open balances by age: one stacked bar per part, youngest to oldest, lightest to darkest.

    `result` holds `bucket` in order and one column of cents per part.
    """
    names = list(parts)
    left = np.zeros(len(names))
    totals = np.array([max(float(result[name].sum()), 0.0) for name in names])
    for place, (_, row) in enumerate(result.iterrows()):
        widths = np.array([float(row[name]) for name in names])
        color = AGES[min(place, len(AGES) - 1)]
        ax.barh(range(len(names)), widths, left=left, color=color, height=0.55, edgecolor="white", linewidth=1.2)
        for bar, width in enumerate(widths):
            if width > totals.max() * 0.085:
                shade = "white" if place >= 3 else INK
                ax.text(left[bar] + width / 2, bar, short_usd(width), ha="center", va="center", color=shade, fontsize=8)
        left = left + widths
    largest = int(totals.argmax())
    middle = 0.0
    for _, row in result.iterrows():
        width = float(row[names[largest]])
        if width > totals.max() * 0.05:
            ax.text(
                middle + width / 2,
                largest - 0.34,
                str(row["bucket"]),
                ha="center",
                va="bottom",
                fontsize=8,
                color=MUTED,
            )
        middle += width
    ax.set_yticks(
        range(len(names)),
        [f"{parts[name]}\n{as_text(round(total), 'usd')}" for name, total in zip(names, totals, strict=True)],
        color=INK,
    )
    ax.set_ylim(len(names) - 0.6, -0.75)
    ax.set_xlim(0, totals.max() * 1.01 or 1)
    ax.grid(False)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    return ax


@styled
def plot_bars(
    result: pd.DataFrame, ax: Axes, *, label: str, value: str, unit: str = "usd", strong: Sequence[int] = ()
) -> Axes:
    """Horizontal bars, largest first, each with its value; `strong` rows are darker."""
    import seaborn as sns

    values = result[value].astype("float64").to_numpy()
    palette = [NAVY if number in set(strong) else SKY for number in range(len(result))]
    sns.barplot(
        x=values,
        y=np.arange(len(values)),
        orient="y",
        hue=np.arange(len(values)),
        palette=palette,
        ax=ax,
        errorbar=None,
        legend=False,
        saturation=1,
        width=0.66,
    )
    for place, number in enumerate(values):
        text = as_text(round(number), "usd") if unit == "usd" else as_text(number, unit)
        ax.annotate(text, (max(number, 0), place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(range(len(values)), [_short(text) for text in result[label]], color=INK)
    ax.set_xlabel("")
    ax.set_ylabel("")
    ax.grid(False)
    ax.xaxis.set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.margins(x=0.14)
    return ax


def _short(text: Any, limit: int = 34) -> str:
    text = str(text).replace("$", r"\$")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


@styled
def plot_matrix(result: pd.DataFrame, ax: Axes) -> Axes:
    """The four ratings as a square: revenue per provider upwards, effort to the right.

    `result` holds `rating`, `clients` and `names`.
    """
    import seaborn as sns

    places = {"A": (0, 0), "B": (0, 1), "C": (1, 0), "D": (1, 1)}
    counts = np.zeros((2, 2))
    for _, row in result.iterrows():
        counts[places[row["rating"]]] = row["clients"]
    sns.heatmap(
        counts,
        ax=ax,
        cmap=sns.light_palette(BLUE, as_cmap=True),
        cbar=False,
        linewidths=3,
        linecolor="white",
        vmin=0,
        vmax=max(counts.max() * 3.5, 1),
    )
    for rating, (down, across) in places.items():
        found = result.loc[result["rating"] == rating, "names"]
        names = found.iloc[0] if len(found) else ""
        ax.text(
            across + 0.04,
            down + 0.07,
            f"{rating}: {int(counts[down, across])}",
            ha="left",
            va="top",
            fontsize=12,
            fontweight="bold",
            color=NAVY,
        )
        ax.text(
            across + 0.04, down + 0.32, _wrapped(names), ha="left", va="top", fontsize=8, color=INK, linespacing=1.35
        )
    ax.set_xticks([0.5, 1.5], ["Little contact needed", "Much contact needed"], color=INK)
    ax.set_yticks([0.5, 1.5], ["High revenue\nper provider", "Low revenue\nper provider"], color=INK, rotation=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def _wrapped(names: str, width: int = 40, lines: int = 5) -> str:
    return "\n".join(textwrap.wrap(names.replace("$", r"\$"), width, max_lines=lines, placeholder=" …"))
