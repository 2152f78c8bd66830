"""Every assumption of a plan as one table: what it is, what it is set to and since when, what it means."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ...models.plan.assumptions import Assumptions, Dated, at
from ...models.plan.fields import FIELDS, MILLI, SHARE, natural
from ..blocks import Block
from ..formats import as_text, counted
from ..tables import Shown, show


def assumptions_table(plan: Assumptions) -> Block:
    """All inputs, those of the lists first; a value that changes shows each step with its month."""
    rows = [
        *_members_and_rates(plan),
        *_people(plan),
        *((field.title, stated(plan, plan.values[field.key], field.kind), field.note) for field in FIELDS),
    ]
    return show(
        pd.DataFrame(rows, columns=["input", "value", "meaning"]),
        [Shown("input", "Input"), Shown("value", "Assumed"), Shown("meaning", "What it means")],
        name="assumptions",
        title="Assumptions",
        definition="As in the assumptions file. A value with months holds from each month until the next one named.",
    )


def _members_and_rates(plan: Assumptions) -> list[tuple[str, str, str]]:
    rows = [
        (
            "Months of the plan",
            f"{counted(plan.months, 'month')} from {as_text(plan.start, 'month')}",
            "First month and length.",
        )
    ]
    if len(plan.regions) > 1:
        rows += [
            (f"Members, {region}", stated(plan, steps, "share"), "Share of the members who live there, at every level.")
            for region, steps in plan.regions.items()
        ]
    for level in plan.levels:
        words = level.replace("_", " ")
        rows += [
            (
                f"Acuity mix, {words}",
                stated(plan, plan.mix[level], "share"),
                "Share of the members at this level, the same in every region.",
            ),
            (
                f"Caseload, {words}",
                f"{natural(plan.caseload[level], 'count')}",
                "Members one full-time coordinator can carry, were all of this level.",
            ),
        ]
    for region in plan.regions:
        for level in plan.rated:
            if any(cents for _, cents in plan.rates[level][region]):
                rows.append(
                    (
                        f"Rate, {level.replace('_', ' ')}, {region}",
                        stated(plan, plan.rates[level][region], "money"),
                        "For one assessment, where it is paid."
                        if level == "assessment"
                        else "For one billable member-month.",
                    )
                )
    return rows


def _people(plan: Assumptions) -> list[tuple[str, str, str]]:
    rows = []
    for source in plan.sources:
        rows.append(
            (
                f"Referrals, {source.name}",
                f"{stated(plan, source.monthly, 'count')} a month; {stated(plan, source.quality, 'share')} fit",
                "Referrals a month, and the share that is eligible and fits.",
            )
        )
    for person in plan.coordinators:
        stays = f" to {as_text(person.last_month, 'month')}" if person.last_month else " on"
        rows.append(
            (
                f"Coordinator, {person.name}",
                f"{as_text(person.hired, 'month')}{stays}; {natural(person.fte, 'count')} full-time; "
                f"{as_text(person.salary, 'usd')} a year",
                "Months in the position, share of full time, salary.",
            )
        )
    rows.append(
        (
            "Ramp after hire",
            ", ".join(as_text(share / SHARE, "rate") for share in plan.ramp),
            "Share of a full caseload month by month; the last holds on.",
        )
    )
    return rows + [
        (f"Start-up: {item.what}", f"{as_text(item.amount, 'usd')} in {as_text(item.month, 'month')}", "Paid once.")
        for item in plan.startup
    ]


def stated(plan: Assumptions, steps: Dated, kind: str) -> str:
    """A dated value in words: what holds in the first month, and each later change within the plan.

    >>> from rcm_analysis.models.plan.assumptions import example_assumptions
    >>> stated(example_assumptions(), (("2027-01", 1000), ("2027-07", 600)), "share")
    '10.0%; 6.0% from Jul 2027'
    """
    later = [(month, value) for month, value in steps if plan.start < month <= plan.month_labels[-1]]
    return "; ".join(
        [
            WORDS[kind](at(steps, plan.start)),
            *(f"{WORDS[kind](value)} from {as_text(month, 'month')}" for month, value in later),
        ]
    )


def _number(kind: str) -> Callable[[int], str]:
    return lambda value: str(natural(value, kind))


WORDS: dict[str, Callable[[int], str]] = {
    "share": lambda value: as_text(value / SHARE, "rate", exact=True),
    "money": lambda value: as_text(value, "usd", exact=True),
    "flag": lambda value: "yes" if value else "no",
    "count": lambda value: f"{value / MILLI:g}",
    "days": lambda value: counted(value, "day"),
    "months": lambda value: counted(value, "month"),
    "factor": _number("factor"),
}
"""How a value of each kind is printed."""
