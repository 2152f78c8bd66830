"""Denials beyond the usual: control charts with the limits of chance and the day of the change, and the lines behind
them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...measures.denials.reasons import denial_trend
from ...models.detection.denial_cells import FEWEST_BEFORE
from ...models.detection.denial_shifts import decided_months, denial_rates
from ...models.statistics.control_charts import rate_history
from .. import figures
from ..blocks import Block, note
from ..formats import as_text, counted, sentence, words_of
from ..pages import page
from ..register.causes import scope_words
from ..register.events import denial_events
from ..tables import Shown, show
from . import mixes
from .facts import Facts

CHARTS = 2
"""Charts of findings in print: the largest ones; every finding is in the table and the workbook."""


@page
def denials(facts: Facts) -> list[Block]:
    """All denials against chance, then each cause found."""
    return [*_overall(facts), *mixes.table(facts), *_systemic(facts)]


def _overall(facts: Facts) -> list[Block]:
    trend = denial_trend(facts.tables, period=facts.subject.period.trailing(13))
    trend = trend[trend["remitted_claims"] > 0].reset_index(drop=True)
    if len(trend) < 3:
        return [note("Fewer than three months of payer decisions: too few for a control chart.")]
    history = rate_history(trend["denied_claims"].to_numpy(), trend["remitted_claims"].to_numpy())
    chart = history.chart.assign(
        month=trend["month"].to_numpy(),
        denied=trend["denied_claims"].to_numpy(),
        decided=trend["remitted_claims"].to_numpy(),
    )
    since = None if history.changed_at is None else pd.Period(chart["month"].iloc[history.changed_at], "M")
    return [
        _chart(
            chart,
            "denial_control_chart",
            f"Claims denied at first, all payers, {facts.subject.client.name} (share of claims decided, "
            "day of remittance)",
            _overall_sentence(chart, since),
            since,
            ("decided", "Claims decided"),
            _events(facts, chart),
        )
    ]


def _events(facts: Facts, chart: pd.DataFrame) -> list[figures.Event]:
    return denial_events(facts.subject, since=pd.Timestamp(chart["month"].iloc[0]))


def _overall_sentence(chart: pd.DataFrame, since: Any) -> str:
    outside = chart[chart["is_signal"]]
    centre = as_text(chart["centre"].iloc[-1], "rate")
    if since is None and outside.empty:
        return (
            f"The rate moved around {centre} by no more than chance: no month of {len(chart)} lies outside the limits."
        )
    months = ", ".join(
        f"{as_text(row['month'], 'month')} ({as_text(row['rate'], 'rate')})"
        for row in outside.tail(6).to_dict("records")
    )
    beyond = (
        f"{counted(len(outside), 'month lies', 'months lie')} outside the limits of chance"
        if len(outside)
        else "each month alone could still be chance"
    )
    last = ("; the last of them: " if len(outside) > 6 else ": ") + months if months else ""
    if since is None:
        return f"Around {centre}, {beyond}{last}."
    return f"The rate was {centre} until it changed in {as_text(since, 'month')}; {beyond}{last}."


def _systemic(facts: Facts) -> list[Block]:
    found = facts.systemic
    if found.empty:
        known = decided_months(facts.tables, as_of=facts.as_of)
        if known <= FEWEST_BEFORE:
            return [
                note(
                    "Whether a payer, code, provider or place is denied beyond its own usual rate cannot be judged: "
                    f"that takes decisions of {FEWEST_BEFORE + 1} months, and there are {known}."
                )
            ]
        return [
            note(
                "No payer, code, provider or place has come to be denied beyond its own usual rate, after chance and "
                "small effects are set aside. What was always high is no rise: beside their peers, places, doctors and "
                "payers are in the findings."
            )
        ]
    blocks = []
    for number, (_, row) in enumerate(found.head(CHARTS).iterrows(), start=1):
        rates = denial_rates(facts.tables, row, as_of=facts.as_of).tail(13).reset_index(drop=True)
        if len(rates) < 3:
            continue
        title = (
            f"{number}. {sentence(words_of(row['category']))} denials, {scope_words(facts, row.to_dict())} "
            "(share of lines, day of remittance)"
        )
        blocks.append(
            _chart(
                rates,
                f"denial_cause_{number}",
                title,
                _cause_sentence(row),
                row["onset_on"],
                ("lines", "Lines decided"),
                [one for one in _events(facts, rates) if one.day != row["onset_on"].date()],
            )
        )
    return [*blocks, _causes(facts), _lines(facts)]


def _is_known(onset: Any, days: Sequence[dt.date]) -> bool:
    """Whether a month in which a rate changed has its known day, in it or in the month before: one line is enough."""
    return isinstance(onset, pd.Period) and any(onset - 1 <= pd.Period(day, "M") <= onset for day in days)


def _cause_sentence(row: Any) -> str:
    return (
        f"The rate rose around {as_text(row['onset_on'], 'date')}: since then it is "
        f"{as_text(row['rate_since_onset'], 'rate')} instead of {as_text(row['usual_rate'], 'rate')}, "
        f"{as_text(row['excess'], 'count')} more denied lines than expected, "
        f"{as_text(int(round(row['excess_cents'])), 'usd')} of allowed amounts."
    )


def _chart(
    chart: pd.DataFrame,
    name: str,
    title: str,
    text: str,
    onset: Any,
    base: tuple[str, str],
    events: list[figures.Event],
) -> Block:
    days = [one.day for one in events]
    alone = None if _is_known(onset, days) else onset
    axes = plot_control_chart(chart, figures.new_axes(2.2), onset=alone, events=days)
    text = text + figures.marked(events)
    columns = [
        Shown("month", "Month", "month"),
        Shown(base[0], base[1], "count"),
        Shown("denied", "Denied", "count"),
        Shown("rate", "Rate", "rate"),
        Shown("centre", "Usual", "rate"),
        Shown("lower", "Lower limit", "rate"),
        Shown("upper", "Upper limit", "rate"),
    ]
    table = show(
        chart,
        columns,
        name=f"{name}_data",
        title=title,
        print_it=False,
        definition="Laney's p' chart: limits three standard deviations wide, widened by how much more the "
        "months vary than "
        "chance alone; day of remittance.",
    )
    return figures.figure_block(
        axes, name=name, title=title, alt=f"Control chart by month: {title}. {text}", finding=text, table=table
    )


@figures.styled
def plot_control_chart(chart: pd.DataFrame, ax: Axes, *, onset: Any = None, events: Sequence[dt.date] = ()) -> Axes:
    """The rate by month between its limits; what lies outside is marked, the day or month of the change, and known
    days."""
    at = np.arange(len(chart))
    rate = chart["rate"].astype("float64").to_numpy()
    upper, lower, centre = (chart[name].astype("float64").to_numpy() for name in ("upper", "lower", "centre"))
    ax.fill_between(at, lower, upper, color=figures.SKY, alpha=0.35, linewidth=0, step="mid")
    ax.plot(at, centre, color=figures.GREY, linestyle=":", linewidth=1.5)
    ax.plot(at, rate, color=figures.NAVY, linewidth=2, marker="o", markersize=4)
    signal = chart["is_signal"].astype(bool).to_numpy()
    ax.plot(
        at[signal],
        rate[signal],
        linestyle="none",
        marker="o",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor=figures.RUST,
        markeredgewidth=1.8,
    )
    top = np.nanmax([*rate, *upper[~np.isnan(upper)], 0.01])
    ax.set_ylim(0, float(top) * 1.18)
    if onset is not None and pd.notna(onset):
        first = pd.Timestamp(chart["month"].iloc[0])
        is_month = isinstance(onset, pd.Period)
        day = onset.start_time if is_month else pd.Timestamp(onset)
        place = (day.year - first.year) * 12 + day.month - first.month + (day.day - 1) / 31 - 0.5
        ax.axvline(place, color=figures.RUST, linewidth=1.2, linestyle="--")
        ax.text(
            place - 0.1,
            ax.get_ylim()[1],
            f"since {as_text(onset, 'month' if is_month else 'date')}",
            ha="right",
            va="top",
            fontsize=8,
            color=figures.RUST,
        )
    if not np.isnan(centre[-1]):
        ax.annotate(
            "usual",
            (at[-1], centre[-1]),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=figures.MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    figures.mark_days(ax, events, pd.Timestamp(chart["month"].iloc[0]), len(chart), below=1)
    figures.rate_axis(ax.yaxis)
    figures.month_ticks(ax, chart["month"].tolist())
    ax.set_xlim(-0.4, len(chart) - 0.4)
    return ax


def _causes(facts: Facts) -> Block:
    found = facts.systemic.reset_index(drop=True)
    rows = found.assign(
        number=found.index + 1,
        where=[scope_words(facts, row) for row in found.to_dict("records")],
        category=[sentence(words_of(name)) for name in found["category"]],
        excess_cents=[int(round(cents)) for cents in found["excess_cents"]],
    )
    return show(
        rows,
        [
            Shown("number", "No.", "count"),
            Shown("category", "Reason"),
            Shown("where", "Where"),
            Shown("onset_on", "Since", "date"),
            Shown("lines", "Lines", "count"),
            Shown("denied", "Denied", "count"),
            Shown("expected", "Expected", "number"),
            Shown("rate_since_onset", "Rate since", "rate"),
            Shown("observed_rate", "Before", "rate"),
            Shown("usual_rate", "Taken as usual", "rate"),
            Shown("excess_cents", "Over the usual", "usd"),
        ],
        name="denial_causes",
        title="Denials beyond the usual, by cause",
        definition="First decisions of primary payers by line, day of remittance. Over the usual: allowed "
        "amounts of the denied "
        "lines less what would have been denied at the usual rate; US dollars.",
        notes=["The lines behind each number are in the workbook, sheet Systemic denials."],
    )


def _lines(facts: Facts) -> Block:
    rows = facts.names(facts.systemic_lines, "payer")
    return show(
        rows,
        [
            Shown("number", "No.", "count"),
            Shown("claim_id", "Claim"),
            Shown("line_number", "Line", "count"),
            Shown("payer", "Payer"),
            Shown("procedure", "Code"),
            Shown("carc", "Reason code"),
            Shown("received_on", "Denied on", "date"),
            Shown("charge_cents", "Charge", "usd", exact=True),
            Shown("expected_cents", "Allowed if paid", "usd", exact=True),
            Shown("still_open_cents", "Claim still owes", "usd", exact=True),
        ],
        name="systemic_denials",
        title="Denied lines behind the findings",
        print_it=False,
        definition=(
            "One row per denied line; day of remittance; what insurers still owe on its claim, empty "
            "when settled; US dollars."
        ),
    )
