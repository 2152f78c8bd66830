"""The care-coordination plan, exhibit by exhibit."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pandas as pd

from ...blocks.vocabulary import Table
from ...models.plan.actuals import Actuals
from ...models.plan.assumptions import BASE, Assumptions
from ...models.plan.fields import FAILURES, FIELDS, LEVER_BY_KEY, MILLI
from ...models.plan.programme import Plan, programme_plan, working_capital
from ...models.plan.scenarios import break_even_lag, break_even_rate, futures, scenario_table, tornado, ways_out
from .. import figures
from ..blocks import Block, cards, facts, glossary, kpi, kpis, note
from ..formats import as_text, counted
from ..tables import Shown, show
from . import figures as plan_figures
from .figures import show_sliders
from .results import PlanResults
from .words import FIGURES, assumptions_table, exit_text, kind_words, lever_text, shipped_words, when, whole_cents

MONEY = (
    ("revenue", "Net revenue"),
    ("reserve", "Kept for recoupments"),
    ("expense", "Expense"),
    ("accrual", "Accrual result"),
    ("receipts", "Receipts"),
    ("recouped", "Recouped"),
    ("cash", "Net cash flow"),
)
"""Accrual result = net revenue - kept for recoupments - expense; net cash flow = receipts - recouped - expense."""
STANDS = (("cumulative_cash", "Running cash flow"), ("balance", "Cash at hand"), ("ar", "Receivable less reserve"))


class CarePlan:
    """The pages of one plan under one scenario; each gives its blocks.

    `beside` stands beside the results (the care that nobody billed); `origin` is the file of the assumptions and
    its fingerprint; `whose` the client's name.
    """

    def __init__(
        self,
        assumptions: Assumptions,
        scenario: str = BASE,
        actual: Actuals | None = None,
        *,
        beside: Sequence[Block] = (),
        origin: tuple[str, str] = ("given in memory", "–"),
        whose: str = "",
    ) -> None:
        programme_plan(assumptions)
        self.assumptions, self.scenario, self.beside, self.origin = assumptions, scenario, beside, origin
        self.whose = whose
        self.plan: Plan = programme_plan(assumptions, scenario)
        self.results = PlanResults(assumptions, actual, scenario) if actual else None

    @functools.cached_property
    def drawn(self):
        """The drawn futures, once."""
        return futures(self.assumptions, self.scenario)

    @functools.cached_property
    def exits(self) -> pd.DataFrame:
        """The ways out of a cash gap, once."""
        return ways_out(self.assumptions, self.scenario)

    @property
    def basis(self) -> str:
        """Scenario and span, as every definition names them."""
        months = self.assumptions.month_labels
        return f"Scenario: {self.plan.scenario.title}; {as_text(months[0], 'month')} to {as_text(months[-1], 'month')}"

    def sliders(self) -> list[Block]:
        """Sliders that redraw cash and peak deficit, in JupyterLab; elsewhere the scenario table stands instead."""
        show_sliders(self.assumptions)
        return []

    def answers(self) -> list[Block]:
        """The plan in sixty seconds."""
        summary, plan = self.plan.summary, self.assumptions
        opening = plan.value("opening_cash")
        chance = (
            f" In {as_text(self.drawn.out_of_cash, 'rate')} of {self.drawn.draws:,} drawn futures it runs out."
            if plan.uncertainty
            else ""
        )
        deep = as_text(-summary.peak_deficit_cents, "usd")
        last = self.plan.months.iloc[-1]
        carried = None if not last["fte"] else last["members"] / last["fte"]
        back = as_text(summary.payback_month, "month") if summary.payback_month else "Not within the plan"
        shipped = shipped_words(plan, self.whose or "the client")
        return [
            *([note(shipped, tone="warning")] if shipped else []),
            cards(
                [
                    (
                        "How deep does the hole get?",
                        deep if summary.peak_deficit_cents else "No hole",
                        f"The running cash flow is lowest in {as_text(summary.peak_deficit_month, 'month')}; "
                        "the accrual result alone "
                        f"would show {as_text(-summary.accrual_trough_cents, 'usd')}.{self._kind_words()}"
                        if summary.peak_deficit_cents
                        else "Receipts cover every month's expense.",
                    ),
                    (
                        "Is there enough cash?",
                        "Yes" if summary.lowest_balance_cents >= 0 else "No",
                        f"Opening cash is {as_text(opening, 'usd')}; cash at hand falls to "
                        f"{as_text(summary.lowest_balance_cents, 'usd')} in "
                        f"{as_text(summary.lowest_balance_month, 'month')}.{chance}",
                    ),
                    (
                        "When is it paid back?",
                        back,
                        "The running cash flow at the end of the plan is "
                        f"{as_text(summary.closing_cash_cents, 'usd')}; the last month's "
                        f"accrual result is {as_text(summary.result_last_month_cents, 'usd')}.",
                    ),
                    (
                        "What pays for a coordinator?",
                        f"{as_text(summary.break_even_members_per_coordinator, 'number')} members",
                        "A full-time coordinator costs "
                        f"{as_text(whole_cents(summary.cost_per_coordinator_cents), 'usd')} a month, a member brings "
                        f"{as_text(whole_cents(summary.net_revenue_per_member_cents), 'usd')}. The plan's last "
                        "month has "
                        f"{as_text(carried, 'number')} members per coordinator.",
                    ),
                    ("What closes the gap?", *self._exit_words()),
                    *([("Are we on plan?", *self.results.words())] if self.results else []),
                ]
            ),
        ]

    def _kind_words(self) -> str:
        """That the plan is on the kind side, where half of the drawn futures are deeper; nothing else."""
        said = kind_words(self.plan.summary.peak_deficit_cents, self.drawn) if self.assumptions.uncertainty else ""
        return f" {said}" if said else ""

    def _exit_words(self) -> tuple[str, str]:
        if self.exits.empty:
            return "No gap", "Cash at hand never falls below zero in this scenario."
        need = int(self.exits["to"].iloc[0]) - int(self.exits["from"].iloc[0])
        found = self.exits[self.exits["share_of_range"].notna()]
        if found.empty:
            return f"{as_text(need, 'usd')} more cash", "No single lever closes it within its range."
        row = found.iloc[0]
        return (
            f"{as_text(need, 'usd')} more cash",
            f"Or the smallest single change: {row['title'].lower()} {lever_text(row['lever'], int(row['to']))}.",
        )

    def numbers(self) -> list[Block]:
        """Tiles: what finance asks first."""
        summary = self.plan.summary
        rate, lag = break_even_rate(self.assumptions, self.scenario), break_even_lag(self.assumptions, self.scenario)
        short = summary.lowest_balance_cents < 0
        return [
            kpis(
                [
                    kpi(
                        "Peak deficit",
                        summary.peak_deficit_cents,
                        "usd",
                        note=f"running cash flow, {when(summary.peak_deficit_month)}",
                    ),
                    kpi(
                        "Lowest cash at hand",
                        summary.lowest_balance_cents,
                        "usd",
                        status="bad" if short else "good",
                        target="not below $0",
                        note=f"opening cash included, {when(summary.lowest_balance_month)}",
                    ),
                    kpi(
                        "Break-even caseload",
                        summary.break_even_members_per_coordinator,
                        "number",
                        note="members per full-time coordinator, last month of the plan",
                        reason="no coordinator at the end",
                    ),
                    kpi(
                        "Break-even rate",
                        whole_cents(rate["rate_cents"]),
                        "usd",
                        note=f"an average member-month, today "
                        f"{as_text(whole_cents(rate['blended_rate_cents']), 'usd')}; last month's result is zero",
                        reason="no rate would do",
                    ),
                    kpi(
                        "Longest lag survived",
                        lag,
                        "count",
                        note="days, every payment alike, on opening cash",
                        reason="not even without a lag",
                    ),
                    kpi(
                        "Chance to run out of cash",
                        self.drawn.out_of_cash if self.assumptions.uncertainty else None,
                        "rate",
                        note=f"{self.drawn.draws:,} drawn futures, seed {self.drawn.seed}"
                        if self.assumptions.uncertainty
                        else "",
                        reason="no ranges given",
                    ),
                ]
            )
        ]

    def cash(self) -> list[Block]:
        """Running cash beside the accrual result, and the plan by quarter and month."""
        months, summary = self.plan.months, self.plan.summary
        axes = plan_figures.plot_running(
            months,
            figures.new_axes(2.9),
            lowest="cumulative_cash" if summary.peak_deficit_cents else "",
            series={"cumulative_cash": "cash", "cumulative_accrual": "accrual", "balance": "at hand"},
        )
        unpaid = summary.accrual_trough_cents - summary.peak_deficit_cents
        finding = (
            f"The hole is {as_text(-summary.peak_deficit_cents, 'usd')} deep in cash and "
            f"{as_text(-summary.accrual_trough_cents, 'usd')} "
            f"in the accrual result: {as_text(unpaid, 'usd')} of it is waiting for payment."
        )
        return [
            figures.figure_block(
                axes,
                name="running_cash",
                title="Running cash flow, running accrual result and cash at hand",
                alt=f"Three lines by month. {finding}",
                finding=finding,
                table=self._by_month(),
            ),
            show(
                by_quarter(months),
                [Shown("quarter", "Quarter"), *[Shown(name, title, "usd") for name, title in (*MONEY, *STANDS)]],
                name="plan_by_quarter",
                title="The plan by quarter",
                definition=f"{self.basis}. US dollars; sums of the quarter, and running cash flow, cash at hand and "
                "receivable at its end. Accrual result: net revenue less what is kept for recoupments less expense; "
                "net cash flow: receipts less recouped less expense.",
                notes=["Every month stands in the workbook (sheet Plan by month)."],
            ),
        ]

    def _by_month(self) -> Table:
        frame = self.plan.months.assign(
            members_n=self.plan.months["members"] / MILLI,
            units_n=self.plan.months["units"] / MILLI,
            fte_n=self.plan.months["fte"] / MILLI,
        )
        return show(
            frame,
            [
                Shown("month", "Month", "month"),
                Shown("members_n", "Members", "number"),
                Shown("units_n", "Billable units", "number"),
                Shown("fte_n", "Coordinators", "number"),
                *[Shown(name, title, "usd") for name, title in (*MONEY, *STANDS)],
            ],
            name="plan_by_month",
            title="The plan by month",
            print_it=False,
            definition=f"{self.basis}. Members and units: people and member-months; US dollars.",
        )

    def members(self) -> list[Block]:
        """Members by acuity under the line of those who can be carried, and why months are not billed."""
        months, levels = self.plan.months, self.assumptions.levels
        last = months.iloc[-1]
        names = {f"members.{level}": level.replace("_", " ") for level in levels}
        regions = self.assumptions.regions
        places = {f"members_in.{region}": region for region in regions} if len(regions) > 1 else {}
        axes = plan_figures.plot_members(months, figures.new_axes(2.5), levels=names, capacity="capacity")
        full = months.loc[months["waiting"] > 0, "month"]
        finding = f"{as_text(last['members'] / MILLI, 'number')} members at the end of the plan; " + (
            f"from {as_text(full.iloc[0], 'month')} on, people wait for a place."
            if len(full)
            else "nobody waits for a place."
        )
        shown = months.assign(
            **{name: months[name] / MILLI for name in ("members", "capacity", "waiting", "units", *names, *places)}
        )
        table = show(
            shown,
            [
                Shown("month", "Month", "month"),
                Shown("members", "Members", "number"),
                *[Shown(name, words.capitalize(), "number") for name, words in names.items()],
                *[Shown(name, f"In {region}", "number") for name, region in places.items()],
                Shown("capacity", "Can be carried", "number"),
                Shown("waiting", "Waiting", "number"),
                Shown("units", "Billable units", "number"),
            ],
            name="members_by_month",
            title="Members by month",
            definition=f"{self.basis}. People at the end of the month."
            + (" One acuity mix serves all regions." if places else ""),
            print_it=False,
        )
        return [
            figures.figure_block(
                axes,
                name="members",
                title="Members by acuity, and how many the coordinators can carry",
                alt=f"Stacked areas by month under a dashed line. {finding}",
                finding=finding,
                table=table,
            ),
            self._lost_units(),
        ]

    def _lost_units(self) -> Block:
        months = self.plan.months
        billed = sum(months[f"billed.{level}"].sum() for level in self.assumptions.levels)
        rate = billed / months["units"].sum() if months["units"].sum() else 0
        names = {field.key: field.title for field in FIELDS}
        rows = pd.DataFrame(
            [
                {"reason": names[key], "units": int(months[f"lost.{key.split('.')[1]}"].sum()) / MILLI}
                for key in FAILURES
            ]
        )
        rows["cents"] = [int(units * MILLI * rate) for units in rows["units"]]
        return show(
            rows,
            [
                Shown("reason", "Why member-months cannot be billed"),
                Shown("units", "Member-months", "number"),
                Shown("cents", "At the plan's average rate", "usd"),
            ],
            name="lost_units",
            title="Member-months that are not billed",
            definition=(
                f"{self.basis}. Member-months; US dollars at the average dollars billed per unit, before "
                "denials and fees."
            ),
        )

    def scenarios(self) -> list[Block]:
        """Every scenario side by side."""
        table = scenario_table(self.assumptions)
        idle = {item.title for item in self.assumptions.scenarios if not item.levers and item.name != BASE}
        table = table[~table["title"].isin(idle)].reset_index(drop=True)
        worst = table.loc[table["peak_deficit_cents"].idxmin()]
        shown = table.assign(
            members=table["members_at_end"] / MILLI,
            payback=[when(month, "not within") for month in table["payback_month"]],
            peak=[when(month, "none") for month in table["peak_month"]],
        )
        return [
            show(
                shown,
                [
                    Shown("title", "Scenario"),
                    Shown("peak_deficit_cents", "Peak deficit", "usd"),
                    Shown("peak", "in"),
                    Shown("payback", "Paid back"),
                    Shown("lowest_balance_cents", "Lowest cash", "usd"),
                    Shown("closing_cash_cents", "Cash at end", "usd"),
                    Shown("result_cents", "Result", "usd"),
                    Shown("members", "Members", "number"),
                ],
                name="scenarios",
                title="Scenarios side by side",
                definition="Whole plan under each scenario; US dollars. Lowest cash at hand holds opening cash; "
                "peak deficit, running "
                "cash at the end and the accrual result of the whole plan leave it out. Members at the end.",
                notes=[
                    f"Deepest: {worst['title']}, {as_text(-int(worst['peak_deficit_cents']), 'usd')}.",
                    *self._scenario_words(),
                ],
            )
        ]

    def _scenario_words(self) -> list[str]:
        words = []
        for item in self.assumptions.scenarios:
            moves = ", ".join(
                f"{LEVER_BY_KEY[key].title.lower()} {lever_text(key, value)}" for key, value in item.levers.items()
            )
            span = f" ({when(item.first, 'start')} to {when(item.last, 'end')})" if item.first or item.last else ""
            words += [f"{item.title}: {moves}{span}."] if moves else []
        idle = [item.title for item in self.assumptions.scenarios if not item.levers and item.name != BASE]
        words += (
            [
                (
                    f"{', '.join(idle)}: nothing is changed yet; give it levers in the assumptions or on the "
                    "workbook's sheet Scenarios."
                )
            ]
            if idle
            else []
        )
        return words or ["The assumptions hold no other scenario yet; the shipped example shows how one is written."]

    def working_capital(self) -> list[Block]:
        """The cash needed to get through, by days of lag."""
        need = working_capital(self.assumptions, self.scenario)
        opening = self.assumptions.value("opening_cash")
        need = need.assign(
            lag=[f"{days} days" for days in need["lag_days"]],
            left=opening - need["need_cents"],
            peak=[when(month, "none") for month in need["peak_month"]],
            payback=[when(month, "not within") for month in need["payback_month"]],
        )
        return [
            show(
                need,
                [
                    Shown("lag", "Every payment takes"),
                    Shown("need_cents", "Cash needed", "usd"),
                    Shown("left", "Opening cash less need", "usd"),
                    Shown("peak", "Deepest in"),
                    Shown("payback", "Paid back"),
                ],
                name="working_capital",
                title="Need for working capital by payment lag",
                definition=(
                    f"{self.basis}, with one lag from month of service to payment in place of the stages'. US dollars."
                ),
            )
        ]

    def tornado(self) -> list[Block]:
        """What moves the peak deficit most."""
        if not self.assumptions.uncertainty:
            return [note("The assumptions give no lever a range of uncertainty, so nothing is varied here.")]
        table = tornado(self.assumptions, self.scenario)
        table["low_text"] = [
            lever_text(key, int(value)) for key, value in zip(table["lever"], table["low"], strict=True)
        ]
        table["high_text"] = [
            lever_text(key, int(value)) for key, value in zip(table["lever"], table["high"], strict=True)
        ]
        top = table.iloc[0]
        finding = (
            f"{top['title']} moves the peak deficit most: by {as_text(int(top['width_cents']), 'usd')} between "
            "the ends of its range. "
            "Light bars: the low end of a range; dark bars: the high end; the line in the middle is the plan."
        )
        axes = plan_figures.plot_tornado(table, figures.new_axes(0.6 + 0.28 * len(table)))
        return [
            figures.figure_block(
                axes,
                name="tornado",
                title="Peak deficit with one lever at the ends of its range (US dollars)",
                alt=f"Bars by lever. {finding}",
                finding=finding,
                table=show(
                    table,
                    [
                        Shown("title", "Lever"),
                        Shown("low_text", "Low end"),
                        Shown("low_peak_cents", "Peak deficit there", "usd"),
                        Shown("high_text", "High end"),
                        Shown("high_peak_cents", "Peak deficit at the high end", "usd"),
                        Shown("width_cents", "Width", "usd"),
                    ],
                    name="tornado_table",
                    title="Peak deficit at both ends of each lever's range",
                    definition=f"{self.basis}. One lever at a time; US dollars.",
                ),
            )
        ]

    def futures(self) -> list[Block]:
        """The fan of drawn futures, and percentiles of the peak deficit."""
        if not self.assumptions.uncertainty:
            return [note("The assumptions give no lever a range of uncertainty, so no futures are drawn.")]
        drawn, opening = self.drawn, self.assumptions.value("opening_cash")
        axes = plan_figures.plot_fan(
            drawn.fan, figures.new_axes(2.8), path=self.plan.months["cumulative_cash"], floor_cents=-opening
        )
        peaks = drawn.peaks.set_index("percentile")["peak_deficit_cents"]
        finding = (
            f"Cash runs out in {as_text(drawn.out_of_cash, 'rate')} of the futures; in one of twenty the hole "
            f"is deeper than {as_text(-int(peaks[5]), 'usd')}. {as_text(drawn.paid_back, 'rate')} are paid back within "
            f"the plan.{self._kind_words()}"
        )
        fan = drawn.fan.assign(plan=self.plan.months["cumulative_cash"])
        peaks = drawn.peaks.assign(words=[f"{level} of 100 futures are deeper" for level in drawn.peaks["percentile"]])
        return [
            figures.figure_block(
                axes,
                name="futures",
                title="Running cash flow in the drawn futures",
                alt=f"Bands by month. {finding}",
                finding=finding,
                table=show(
                    fan,
                    [
                        Shown("month", "Month", "month"),
                        *[Shown(name, name.upper(), "usd") for name in ("p5", "p25", "p50", "p75", "p95")],
                        Shown("plan", "The plan", "usd"),
                    ],
                    name="futures_table",
                    title="Percentiles of running cash flow",
                    definition=f"{self.basis}. {drawn.draws:,} futures, seed {drawn.seed}; US dollars.",
                    print_it=False,
                ),
            ),
            show(
                peaks,
                [Shown("words", "Peak deficit"), Shown("peak_deficit_cents", "US dollars", "usd")],
                name="peak_percentiles",
                title="How deep the hole may get",
                definition=f"{drawn.draws:,} futures: each lever drawn alone from a triangle over its range.",
            ),
        ]

    def way_out(self) -> list[Block]:
        """The smallest single change that keeps cash at hand above zero."""
        if self.exits.empty:
            return [note("Cash at hand never falls below zero in this scenario, so there is no gap to close.")]
        more = int(self.exits["to"].iloc[0]) - int(self.exits["from"].iloc[0])
        rows = self.exits.assign(
            now=[exit_text(row.lever, row[4]) for row in self.exits.itertuples()],
            then=[exit_text(row.lever, row[5]) for row in self.exits.itertuples()],
        )
        return [
            show(
                rows,
                [
                    Shown("title", "Lever"),
                    Shown("now", "Now"),
                    Shown("then", "Enough at"),
                    Shown("closing_cash_cents", "Running cash at the end", "usd"),
                ],
                name="ways_out",
                title="The smallest change that closes the gap",
                definition=(
                    f"{self.basis}. One lever at a time, smallest part of its range first: the least "
                    "that keeps cash at hand at zero or above."
                ),
                notes=[
                    f"More opening cash would have to be {as_text(more, 'usd')}; it brings no cash of its own. "
                    "A dash: no change within the lever's range is enough."
                ],
            )
        ]

    def actual(self) -> list[Block]:
        """Results against plan, where actual months exist; from a store also the care that nobody billed."""
        if self.results is None:
            return [note("No actual months were given, so results are not compared with the plan yet."), *self.beside]
        return [*self.results.blocks(), *self.beside]

    def definitions(self) -> list[Block]:
        """What every figure means, and every input: what it is set to and what it means."""
        return [glossary(FIGURES), assumptions_table(self.assumptions)]

    def provenance(self) -> list[Block]:
        """Where the inputs and rates come from."""
        plan, (file, fingerprint) = self.assumptions, self.origin
        return [
            facts(
                "Where this comes from",
                [
                    ("Assumptions", file),
                    ("Fingerprint", fingerprint),
                    ("Rates", f"{plan.region}; {plan.rate_source}"),
                    ("Scenario", self.plan.scenario.title),
                    ("Random draws", f"{plan.draws:,}, seed {plan.seed}"),
                    ("Actual months", counted(len(self.results.actual.months), "month") if self.results else "none"),
                ],
            )
        ]


def by_quarter(months: pd.DataFrame) -> pd.DataFrame:
    """Sums of money by calendar quarter, and what stands at its end."""
    days = pd.PeriodIndex(months["month"], freq="M")
    quarter = days.asfreq("Q")
    sums = months[[name for name, _ in MONEY]].groupby(quarter).sum()
    ends = months[[name for name, _ in STANDS]].groupby(quarter).last()
    return (
        sums.join(ends)
        .reset_index(drop=True)
        .assign(quarter=[f"{item.start_time:%b}–{item.end_time:%b %Y}" for item in sums.index])
    )
