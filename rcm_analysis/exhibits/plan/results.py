"""Results against plan as exhibits: where the dollars went, how each step did, who carried what."""

from __future__ import annotations

import pandas as pd

from ...models.assumptions import BASE, Assumptions
from ...models.plan_actuals import Actuals
from ...models.plan_fields import MILLI
from ...models.plan_variance import (
    DRIVERS,
    acuity,
    coordinators,
    funnel,
    incentives,
    variance,
    variance_totals,
)
from .. import figures
from ..blocks import Block, note
from ..formats import as_text
from ..tables import Shown, show, table_payload

WORDS = {"volume": "Volume: members", "acuity mix": "Acuity mix", "rate": "Rate billed", "billable share": "Billable share",
    "denials": "Denials", "lag": "Lag: paid later or less", "expense": "Expense", "total": "Total"}
STEPS = (("referrals", "Referrals", "number"), ("quality_rate", "Eligible of referrals", "rate"),
    ("reached_rate", "Reached of eligible", "rate"), ("enrolled_rate", "Enrolled of reached", "rate"), ("members", "Members", "number"),
    ("billable_rate", "Billable share of member-months", "rate"), ("denial_rate", "Denied of dollars billed", "rate"))


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
        return [*self.split(), *self.steps(), self.levels(), self.scores(), self.contacts()]

    def split(self) -> list[Block]:
        """The total difference and its drivers."""
        split = variance(self.plan, self.actual, scenario=self.scenario)
        totals = variance_totals(split)
        drivers = totals.iloc[:-1]
        worst = drivers.loc[drivers["cash_cents"].idxmin()]
        total = int(totals["cash_cents"].iloc[-1])
        finding = f"Cash is {as_text(abs(total), 'usd')} {'below' if total < 0 else 'above'} plan."
        if int(worst["cash_cents"]) < 0:
            finding += f" The largest part that is missing: {WORDS[worst['driver']].split(':')[0].lower()}, {as_text(-int(worst['cash_cents']), 'usd')}."
        shown = totals.assign(words=totals["driver"].map(WORDS))
        payload = table_payload(shown, [Shown("words", "Driver"), Shown("revenue_cents", "Effect on accrual", "usd"),
            Shown("cash_cents", "Effect on cash", "usd")], name="variance", title="Actual less plan, by driver", emphasis=[len(shown) - 1],
            definition=f"{self.span}; US dollars, above zero is better than planned. Each driver is put in place in this order; the parts "
            "sum to the total.")
        axes = figures.plot_bars(shown.assign(cash_cents=shown["cash_cents"].astype(float)), figures.new_axes(2.4), label="words",
            value="cash_cents", strong=[len(shown) - 1])
        by_month = split.pivot_table(index="month", columns="driver", values="cash_cents", sort=False).reset_index()
        return [
            figures.figure_block(axes, name="variance_chart", title="Where the cash went", alt=f"Bars by driver. {finding}", finding=finding, table=payload),
            show(by_month, [Shown("month", "Month", "month"), *[Shown(name, WORDS[name].split(":")[0], "usd") for name in DRIVERS]],
                name="variance_by_month", title="Actual less plan in cash, month by month", definition=f"{self.span}; US dollars."),
        ]

    def steps(self) -> list[Block]:
        """Referrals, their quality, outreach, enrolment, billing and denials, each beside the plan."""
        table = funnel(self.plan, self.actual, scenario=self.scenario)
        table = table.assign(**{name: table[name] / MILLI for name in ("referrals", "plan_referrals", "members", "plan_members")})
        columns = [Shown("month", "Month", "month")]
        for name, title, unit in STEPS:
            columns += [Shown(name, title, unit), Shown(f"plan_{name}", "plan", unit)]
        ends = (0, len(table) // 2, len(table) - 1)
        places = list(dict.fromkeys(ends))
        rows = pd.DataFrame([
            {"step": title} | {f"{kind}{place}": as_text(table[f"{kind}{name}"][place], unit) for place in places for kind in ("", "plan_")}
            for name, title, unit in STEPS])
        shown = [Shown("step", "Step")]
        for place in places:
            month = as_text(table["month"][place], "month")
            shown += [Shown(str(place), month), Shown(f"plan_{place}", "plan")]
        definition = f"{self.span}. Each rate is of the step before it; members at the month's end."
        return [
            show(rows, shown, name="programme_steps", title="Each step beside the plan", definition=definition,
                notes=["Every month stands in the workbook (sheet steps_by_month)."]),
            show(table, columns, name="steps_by_month", title="Each step beside the plan, month by month", print_it=False, definition=definition),
        ]

    def levels(self) -> Block:
        """Acuity beside the plan, last month."""
        table = acuity(self.plan, self.actual, scenario=self.scenario)
        last = table[table["month"] == self.actual.months[-1]]
        shown = last.assign(members=last["members"] / MILLI, level=[level.replace("_", " ") for level in last["level"]])
        return show(shown, [Shown("level", "Acuity"), Shown("members", "Members", "number"), Shown("share", "Share", "rate"),
            Shown("plan_share", "Planned share", "rate")], name="acuity", title="Acuity beside the plan",
            definition=f"Members in {as_text(self.actual.months[-1], 'month')}.")

    def scores(self) -> Block:
        """Caseload and billable units per coordinator, fair to the acuity of the caseload."""
        table = self._scores()
        shown = table.assign(**{name: table[name] / MILLI for name in ("member_months", "units", "expected_units", "contacts")})
        return show(shown, [Shown("coordinator", "Coordinator"), Shown("load", "Caseload, 1 is full", "rate"), Shown("high_share", "Highest acuity", "rate"),
            Shown("member_months", "Member-months", "number"), Shown("units", "Billable units", "number"),
            Shown("expected_units", "Expected", "number"), Shown("unit_index", "Of expected", "rate"),
            Shown("contacts", "Contacts", "number"), Shown("contact_index", "Of expected", "rate")],
            name="coordinators", title="Caseload and billable units per coordinator",
            definition=f"{self.span}. Expected: what the whole programme achieves with members of the same acuity.")

    def contacts(self) -> Block:
        """The incentive for contacts."""
        table = incentives(self._scores())
        if table.empty:
            return note("No coordinator made more contacts than the programme makes with members of the same acuity.")
        shown = table.assign(contacts=table["contacts"] / MILLI, expected_contacts=table["expected_contacts"] / MILLI)
        return show(shown, [Shown("rank", "Rank", "count"), Shown("coordinator", "Coordinator"), Shown("contacts", "Contacts", "number"),
            Shown("expected_contacts", "Expected for the caseload", "number"), Shown("contact_index", "Of expected", "rate"),
            Shown("incentive_cents", "Incentive", "usd", exact=True)], name="incentives", title="Incentive for contacts",
            definition=f"{self.span}. Whole contacts above those expected for the caseload's acuity, times the plan's incentive per contact.")

    def _scores(self) -> pd.DataFrame:
        return coordinators(self.plan, self.actual)
