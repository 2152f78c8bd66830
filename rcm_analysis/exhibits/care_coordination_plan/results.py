"""Results against plan as exhibits: where the dollars went, how each step did, who carried what."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...errors import listed
from ...measures.coordination.billed import contacts_not_billed
from ...models.coordination.unbilled import unbilled_contacts
from ...models.plan.actuals import IN_ALL, Actuals
from ...models.plan.assumptions import BASE, Assumptions
from ...models.plan.fields import MILLI
from ...models.plan.results import (
    DRIVERS,
    acuity,
    coordinators,
    funnel,
    incentives,
    spending,
    variance,
    variance_totals,
)
from .. import figures
from ..blocks import Block, note
from ..formats import as_text, day_text
from ..tables import Shown, show, with_total

WORDS = {
    "volume": "Volume: members",
    "acuity mix": "Acuity mix",
    "rate": "Rate billed",
    "billable share": "Billable share",
    "denials": "Denials",
    "lag": "Lag: paid later or less",
    "expense": "Expense",
    "total": "Total",
}
LINES = {
    "salaries": "Salaries of coordinators",
    "fringe": "Their fringe",
    "supervision": "Supervision with fringe",
    "incentive": "Incentive",
    "overhead": "Overhead",
    "startup": "Start-up",
    IN_ALL: "Expense",
    "total": "Total",
}
BILLED = {"outreach": "outreach billed", "assessment": "assessment fees"}
LATEST = 3
"""Months of each step that are printed beside the whole span."""
STEPS = (
    ("referrals", "Referrals", "number"),
    ("quality_rate", "Eligible of referrals", "rate"),
    ("reached_rate", "Reached of eligible", "rate"),
    ("enrolled_rate", "Enrolled of reached", "rate"),
    ("members", "Members", "number"),
    ("billable_rate", "Billable share of member-months", "rate"),
    ("denial_rate", "Denied of dollars billed", "rate"),
)


class PlanResults:
    """The exhibits of a plan's actual months."""

    def __init__(self, plan: Assumptions, actual: Actuals, scenario: str = BASE) -> None:
        self.plan, self.actual, self.scenario = plan, actual, scenario

    @property
    def span(self) -> str:
        months = self.actual.months
        return f"{as_text(months[0], 'month')} to {as_text(months[-1], 'month')}"

    def blocks(self) -> list[Block]:
        """All of them, the dollars first."""
        people = [self.levels(), self.scores(), self.scores_by_month(), self.contacts()]
        return [*self.split(), *self.spent(), *self.receipts(), *self.steps(), *people]

    @functools.cached_property
    def split_by_month(self) -> pd.DataFrame:
        """The variance, once; a driver that the actual months do not hold is left out."""
        split = variance(self.plan, self.actual, scenario=self.scenario)
        return split if len(self.actual.expense) else split[split["driver"] != "expense"]

    @functools.cached_property
    def totals(self) -> pd.DataFrame:
        """One row per driver, and the total."""
        return (
            variance_totals(self.split_by_month)
            .dropna(subset=["cash_cents"])
            .astype({"revenue_cents": "int64", "cash_cents": "int64"})
        )

    def words(self) -> tuple[str, str]:
        """Are we on plan: the difference, and where the largest part that is missing went."""
        drivers, total = self.totals.iloc[:-1], int(self.totals["cash_cents"].iloc[-1])
        worst = drivers.loc[drivers["cash_cents"].idxmin()]
        what = "Cash is" if len(self.actual.expense) else "Receipts are"
        answer = f"{as_text(abs(total), 'usd')} {'below' if total < 0 else 'above'}" if total else "On plan"
        detail = f"{what} {answer if total else 'as planned'}{' plan' if total else ''}, {self.span}."
        if int(worst["cash_cents"]) < 0:
            detail += (
                f" The largest part that is missing: {WORDS[worst['driver']].split(':')[0].lower()}, "
                f"{as_text(-int(worst['cash_cents']), 'usd')}."
            )
        return answer, detail

    def _notes(self) -> list[str]:
        """What these actual months cannot tell."""
        notes = (
            [] if len(self.actual.expense) else ["The actual months hold no expense: what was spent counts as planned."]
        )
        notes += self._expense_not_told()
        left = [name for name in self.actual.without if self.plan.value(f"{name}.paid")]
        notes += (
            [
                (
                    f"The stored tables hold no {' and no '.join(BILLED[name] for name in left)}: left out of the "
                    "plan here, too."
                )
            ]
            if left
            else []
        )
        return notes + (
            ["Members who live in another region than planned show under rate."] if len(self.plan.regions) > 1 else []
        )

    @functools.cached_property
    def lines(self) -> pd.DataFrame:
        """What was spent beside the plan, by month and line."""
        return spending(self.plan, self.actual, scenario=self.scenario)

    def _expense_not_told(self) -> list[str]:
        """Lines and months of which the ledger holds nothing."""
        lines = self.lines
        if not lines["is_told"].any():
            return []
        by_line, by_month = (lines.groupby(key, sort=False)["is_told"].any() for key in ("line", "month"))
        without = [LINES[name].lower() for name in by_line.index[~by_line]]
        months = [as_text(month, "month") for month in by_month.index[~by_month]]
        return [
            f"The ledger holds nothing of {listed(names)}: counted as planned." for names in (without, months) if names
        ]

    def spent(self) -> list[Block]:
        """What was spent by line of the plan, where the ledger tells lines."""
        lines = self.lines
        if not (lines["is_told"] & (lines["line"] != IN_ALL)).any():
            return []
        sums = lines.groupby("line", sort=False)[["planned_cents", "spent_cents"]].sum().reset_index()
        whole = pd.DataFrame([{"line": "total"} | sums[["planned_cents", "spent_cents"]].sum().to_dict()])
        table = pd.concat([sums, whole], ignore_index=True)
        table = table.assign(words=table["line"].map(LINES), over_cents=table["spent_cents"] - table["planned_cents"])
        return [
            show(
                table,
                [
                    Shown("words", "Line"),
                    Shown("planned_cents", "Planned", "usd"),
                    Shown("spent_cents", "Spent", "usd"),
                    Shown("over_cents", "Spent above plan", "usd"),
                ],
                name="expense_by_line",
                title="What was spent, by line of the plan",
                emphasis=[len(sums)],
                definition=f"{self.span}; US dollars, from the general ledger or payroll.",
                notes=self._expense_not_told(),
            )
        ]

    def receipts(self) -> list[Block]:
        """What came in by the ledger beside the programme's own records, where the ledger tells it."""
        rows = self.actual.receipts
        if rows.empty:
            return []
        rows = rows.assign(month=rows["month"].map(lambda month: as_text(month, "month")))
        rows = rows.assign(differs_cents=rows["booked_cents"] - rows["recorded_cents"])
        table, emphasis = with_total(rows, "month", ["recorded_cents", "booked_cents", "differs_cents"])
        return [
            show(
                table,
                [
                    Shown("month", "Month"),
                    Shown("recorded_cents", "Records of the program", "usd"),
                    Shown("booked_cents", "General ledger", "usd"),
                    Shown("differs_cents", "Ledger above records", "usd"),
                ],
                name="receipts_by_month",
                title="What came in: the ledger beside the records of the program",
                emphasis=emphasis,
                definition="Months that the ledger tells; payments by the day that they reached us less what was taken "
                "back, whatever the month of service; US dollars. The variance stands on the records.",
            )
        ]

    def split(self) -> list[Block]:
        """The total difference and its drivers."""
        split, totals, finding = self.split_by_month, self.totals, self.words()[1]
        shown = totals.assign(words=totals["driver"].map(WORDS))
        payload = show(
            shown,
            [
                Shown("words", "Driver"),
                Shown("revenue_cents", "Effect on accrual", "usd"),
                Shown("cash_cents", "Effect on cash", "usd"),
            ],
            name="variance",
            title="Actual less plan, by driver",
            emphasis=[len(shown) - 1],
            definition=f"{self.span}; US dollars, above zero is better than planned. Each driver is put in "
            "place in this order; the parts "
            "sum to the total.",
        )
        axes = figures.plot_bars(
            shown.assign(cash_cents=shown["cash_cents"].astype(float)),
            figures.new_axes(2.4),
            label="words",
            value="cash_cents",
            strong=[len(shown) - 1],
        )
        return [
            figures.figure_block(
                axes,
                name="variance_chart",
                title="Actual less plan in cash, by what caused it (US dollars)",
                alt=f"Bars by driver. {finding}",
                finding=finding,
                table=payload,
            ),
            self._split_by_month(split),
        ]

    def _split_by_month(self, split: pd.DataFrame) -> Block:
        """Month by month, with the sum of each month and of each driver."""
        drivers = [name for name in DRIVERS if name in set(split["driver"])]
        table = split.pivot_table(index="month", columns="driver", values="cash_cents", sort=False)[drivers]
        table = table.assign(total=table.sum(axis=1)).reset_index()
        whole = pd.DataFrame([{"month": "All months"} | table[[*drivers, "total"]].sum().to_dict()])
        texts = {"month": {month: as_text(month, "month") for month in self.actual.months}}
        return show(
            pd.concat([table, whole], ignore_index=True),
            [
                Shown("month", "Month", texts=texts["month"]),
                *[Shown(name, WORDS[name].split(":")[0], "usd") for name in [*drivers, "total"]],
            ],
            name="variance_by_month",
            title="Actual less plan in cash, month by month",
            emphasis=[len(table)],
            definition=f"{self.span}; US dollars, above zero is better than planned.",
            notes=self._notes(),
        )

    def steps(self) -> list[Block]:
        """Referrals, their quality, outreach, enrolment, billing and denials, each beside the plan."""
        counts = ("referrals", "plan_referrals", "members", "plan_members")
        table, whole = (
            found.assign(**{name: found[name] / MILLI for name in counts})
            for found in (
                funnel(self.plan, self.actual, scenario=self.scenario, all_months=all_months)
                for all_months in (False, True)
            )
        )
        columns = [Shown("month", "Month", "month")]
        for name, title, unit in STEPS:
            columns += [Shown(name, title, unit), Shown(f"plan_{name}", "plan", unit)]
        spans = [("all", "All months", whole.iloc[0])] + [
            (str(place), as_text(table["month"][place], "month"), table.iloc[place])
            for place in range(max(0, len(table) - LATEST), len(table))
        ]
        rows = pd.DataFrame(
            [
                {"step": title}
                | {
                    f"{kind}{key}": as_text(row[f"{kind}{name}"], unit)
                    for key, _, row in spans
                    for kind in ("", "plan_")
                }
                for name, title, unit in STEPS
            ]
        )
        shown = [Shown("step", "Step")]
        for key, words, _ in spans:
            shown += [Shown(key, words), Shown(f"plan_{key}", "plan")]
        definition = f"{self.span}. Each rate is of the step before it; members at the end of the last month."
        return [
            show(
                rows,
                shown,
                name="programme_steps",
                title="Each step beside the plan",
                definition=definition,
                notes=[
                    "Each step counts in the month in which it happened, so that a month's rate can pass 100%. "
                    "What payers have not answered "
                    "yet counts as not denied. Every month stands in the workbook (sheet Steps by month)."
                ],
            ),
            show(
                table,
                columns,
                name="steps_by_month",
                title="Each step beside the plan, month by month",
                print_it=False,
                definition=definition,
            ),
        ]

    def levels(self) -> Block:
        """Acuity beside the plan, last month."""
        table = acuity(self.plan, self.actual, scenario=self.scenario)
        last = table[table["month"] == self.actual.months[-1]]
        shown = last.assign(members=last["members"] / MILLI, level=[level.replace("_", " ") for level in last["level"]])
        return show(
            shown,
            [
                Shown("level", "Acuity"),
                Shown("members", "Members", "number"),
                Shown("share", "Share", "rate"),
                Shown("plan_share", "Planned share", "rate"),
            ],
            name="acuity",
            title="Acuity beside the plan",
            definition=f"Members in {as_text(self.actual.months[-1], 'month')}.",
        )

    def scores(self) -> Block:
        """Caseload and billable units per coordinator, fair to the acuity of the caseload."""
        table = self._scores()
        shown = table.assign(
            **{name: table[name] / MILLI for name in ("member_months", "units", "expected_units", "contacts")}
        )
        return show(
            shown,
            [
                Shown("coordinator", "Coordinator"),
                Shown("load", "Of a full caseload", "rate"),
                Shown("high_share", "Highest acuity", "rate"),
                Shown("member_months", "Member-months", "number"),
                Shown("units", "Billable units", "number"),
                Shown("expected_units", "Expected", "number"),
                Shown("unit_index", "Of expected", "rate"),
                Shown("contacts", "Contacts", "number"),
                Shown("contact_index", "Of expected", "rate"),
            ],
            name="coordinators",
            title="Caseload and billable units per coordinator",
            definition=f"{self.span}. Expected: what the whole program achieves with members of the same "
            "acuity. Units: "
            "member-months billed; contacts that reached somebody.",
            notes=["Every month stands in the workbook (sheet Coordinators by month)."],
        )

    def scores_by_month(self) -> Block:
        """The same counts month by month, for the workbook."""
        frame = self.actual.caseload.groupby(["month", "coordinator"], as_index=False)[
            ["members", "units", "contacts"]
        ].sum()
        shown = frame.assign(**{name: frame[name] / MILLI for name in ("members", "units", "contacts")})
        return show(
            shown,
            [
                Shown("month", "Month", "month"),
                Shown("coordinator", "Coordinator"),
                Shown("members", "Members", "number"),
                Shown("units", "Billable units", "number"),
                Shown("contacts", "Contacts", "number"),
            ],
            name="coordinators_by_month",
            title="Caseload, billable units and contacts per coordinator and month",
            print_it=False,
            definition=f"{self.span}.",
        )

    def contacts(self) -> Block:
        """The incentive for contacts."""
        table = incentives(self._scores())
        if table.empty:
            return note("No coordinator made more contacts than the program makes with members of the same acuity.")
        shown = table.assign(contacts=table["contacts"] / MILLI, expected_contacts=table["expected_contacts"] / MILLI)
        return show(
            shown,
            [
                Shown("rank", "Rank", "count"),
                Shown("coordinator", "Coordinator"),
                Shown("contacts", "Contacts", "number"),
                Shown("expected_contacts", "Expected for the caseload", "number"),
                Shown("contact_index", "Of expected", "rate"),
                Shown("incentive_cents", "Incentive", "usd", exact=True),
            ],
            name="incentives",
            title="Incentive for contacts",
            definition=(
                f"{self.span}. Whole contacts above those expected for the caseload's acuity, times the "
                "plan's incentive per contact."
            ),
        )

    def _scores(self) -> pd.DataFrame:
        return coordinators(self.plan, self.actual)


def not_billed(tables: Mapping[str, Any], *, as_of: dt.date) -> list[Block]:
    """Member-months whose core service was given and that nobody uploaded, by coordinator; and who stopped
    uploading."""
    months = contacts_not_billed(tables, as_of=as_of)
    if months.empty:
        return [note("Every member-month whose core service was given was uploaded for billing within its window.")]
    rows = (
        months.groupby(["coordinator", "reason"], as_index=False)
        .agg(months=("month", "size"), contacts=("contacts", "sum"), rate_cents=("rate_cents", "sum"))
        .sort_values(["rate_cents", "coordinator"], ascending=[False, True], ignore_index=True)
        .assign(reason=lambda found: found["reason"].str.replace("_", " "))
    )
    table = show(
        rows,
        [
            Shown("coordinator", "Coordinator"),
            Shown("reason", "Reason recorded"),
            Shown("months", "Member-months", "count"),
            Shown("contacts", "Contacts made", "count"),
            Shown("rate_cents", "At the published rate", "usd"),
        ],
        name="not_billed",
        title="Care given and never billed",
        definition="Member-months whose core service was given, whose window to upload them is over, and that were not "
        f"uploaded, known on {day_text(as_of)}. In all {as_text(int(rows['rate_cents'].sum()), 'usd')}.",
    )
    stopped = [
        f"{row.coordinator}: {row.not_billed} of {row.months} member-months since {as_text(row.onset_month, 'month')} "
        f"were not billed, where {row.expected:.0f} would be usual."
        for row in unbilled_contacts(tables, as_of=as_of).itertuples()
    ]
    return [table, *([note(" ".join(stopped), tone="warning")] if stopped else [])]
