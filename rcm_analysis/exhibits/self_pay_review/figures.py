"""The charts of a self-pay review."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .. import figures
from ..figures import BLUE, GREY, INK, NAVY, RUST, SKY, styled

NEWEST = ((RUST, "-"), (BLUE, "--"), (GREY, "-."))


@styled
def plot_liquidation(curves: pd.DataFrame, ax: Axes, *, newest: int = 3) -> Axes:
    """Share collected by days since the first statement: a thin line a cohort, the newest ones strong and named.

    `curves` holds month, day and liquidation (empty while a cohort is too young); the dark line is the
    dollars of all cohorts that are old enough at each day.
    """
    wide = curves.pivot(index="day", columns="month", values="liquidation")
    young = list(wide.columns[wide.isna().any() & (wide.notna().sum() > 1)])[-newest:]
    for month in wide.columns.difference(young):
        ax.plot(wide.index, wide[month], color=SKY, linewidth=0.9, zorder=1)
    together = all_cohorts(curves)
    ax.plot(together["day"], together["liquidation"], color=NAVY, linewidth=2.3, zorder=3)
    ends = [(float(together["day"].iloc[-1]), float(together["liquidation"].iloc[-1]))] if len(together) else []
    for month, (color, style) in zip(reversed(young), NEWEST, strict=False):
        known = wide[month].dropna()
        ax.plot(known.index, known, color=color, linestyle=style, linewidth=1.8, zorder=4)
        _stop(ax, float(known.index[-1]), float(known.iloc[-1]), f"{pd.Timestamp(month):%b %Y}", color)
    for day, share in ends:
        ax.annotate(
            "all months",
            (day, share),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=NAVY,
            fontsize=9,
            fontweight="semibold",
        )
    top = float(np.nanmax(wide.to_numpy(), initial=0.0))
    ax.set_ylim(0, max(top * 1.1, 0.1))
    ax.set_xlim(0, float(wide.index.max()) * 1.02)
    figures.rate_axis(ax.yaxis)
    ax.set_xticks([day for day in wide.index if day % 30 == 0])
    ax.set_xlabel("days since the first statement", color=INK)
    return ax


def _stop(ax: Axes, day: float, share: float, words: str, color: str) -> None:
    """A dot where a young cohort stops, and its name below the lines."""
    ax.plot([day], [share], marker="o", markersize=4.5, color=color, zorder=5)
    ax.annotate(
        words,
        (day, share),
        xytext=(10, -26),
        textcoords="offset points",
        va="center",
        color=color,
        fontsize=9,
        fontweight="semibold",
        zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9},
        arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 3},
    )


def all_cohorts(curves: pd.DataFrame) -> pd.DataFrame:
    """Collected and billed dollars of the cohorts that are mature at each day, and their share: day, liquidation."""
    ripe = curves[curves["is_mature"]]
    sums = ripe.groupby("day", as_index=False)[["collected_cents", "billed_cents"]].sum()
    share = sums["collected_cents"].astype("float64") / sums["billed_cents"].where(sums["billed_cents"] > 0)
    return sums.assign(liquidation=share)
