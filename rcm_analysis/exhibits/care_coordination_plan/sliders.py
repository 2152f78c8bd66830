"""Sliders for JupyterLab: caseload, lag, acuity, denials and rates move, cash and peak deficit follow at once.

One picture is drawn once; a move of a slider only changes the lines in it, so that it stays under 100 ms.
"""

from __future__ import annotations

import io
import os

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...models.plan.assumptions import Assumptions
from ...models.plan.fields import SHARE
from ...models.plan.scenarios import blend_levers
from ..figures import BLUE, INK, NAVY, STYLE, usd_axis
from ..formats import as_text

SLIDERS: tuple[tuple[str, str, int, int, int, int], ...] = (
    ("caseload", "Caseload, %", 50, 150, 100, SHARE // 100),
    ("lag_days", "Lag, days added", -60, 180, 0, 1),
    ("acuity_shift", "One level down, %", -50, 50, 0, SHARE // 100),
    ("denials", "Denials, points added", -10, 30, 0, SHARE // 100),
    ("rate", "Rates, %", 70, 130, 100, SHARE // 100),
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
    """Whether a person is looking: JupyterLab names its session in the kernel's environment, a report run does not."""
    return bool(os.environ.get("JPY_SESSION_NAME"))


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
    image, sentence = widgets.Image(format="png"), widgets.Label()

    def follow(_change=None) -> None:
        image.value, sentence.value = picture.redraw({key: sliders[key].value * step for key, *_, step in SLIDERS})

    for slider in sliders.values():
        slider.observe(follow, names="value")
    follow()
    return widgets.VBox([*sliders.values(), sentence, image])
