"""The plan in words: its figures, how a lever, a month and an unrounded amount are said, and every assumption as
one table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pandas as pd

from ...ledger.ratios import ratio
from ...models.plan.assumptions import MEDICARE, Assumptions, Dated, at, example_assumptions, read_assumptions
from ...models.plan.fields import BY_KEY, FIELDS, LEVER_BY_KEY, MILLI, SHARE, natural
from ...models.plan.scenarios import Futures
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


def as_shipped(plan: Assumptions) -> tuple[int, int]:
    """How many of the inputs that a shipped example states itself stand in a plan as they stand there, and of how
    many: of the example that it is nearest to. What is left at its default is not counted.

    >>> from rcm_analysis.models.plan.assumptions import example_assumptions
    >>> same, every = as_shipped(example_assumptions())
    >>> same == every
    True
    """
    ours = _stated(plan)
    same = [(sum(ours.get(key) == value for key, value in theirs.items()), len(theirs)) for theirs in _examples()]
    return max(same, key=lambda found: ratio(*found))


@functools.cache
def _examples() -> list[dict[str, Any]]:
    return [_stated(plan) for plan in (example_assumptions(), *map(read_assumptions, MEDICARE))]


def _stated(plan: Assumptions) -> dict[str, Any]:
    """The values of a plan by what they are: months are left out, as another start moves them all."""
    fields = {field.key: [value for _, value in plan.values[field.key]] for field in FIELDS}
    return {
        **{key: value for key, value in fields.items() if value != [BY_KEY[key].default]},
        **{f"mix.{level}": [value for _, value in plan.mix[level]] for level in plan.levels},
        **{f"caseload.{level}": size for level, size in plan.caseload.items()},
        **{f"referrals.{nth}": [value for _, value in one.monthly] for nth, one in enumerate(plan.sources)},
        **{f"salary.{nth}": person.salary for nth, person in enumerate(plan.coordinators)},
        "ramp": plan.ramp,
    }


def shipped_words(plan: Assumptions, whose: str) -> str:
    """What page one says of inputs that stand as in the shipped example: nothing where fewer than half of them do."""
    same, every = as_shipped(plan)
    if 2 * same < every:
        return ""
    if same == every:
        return (
            f"This is the shipped example, an invented agency: none of its figures are {whose}'s. Put your own in its "
            "place before anybody decides by it."
        )
    return (
        f"{same} of {every} inputs stand as in the shipped example, which is an invented agency: this is not {whose}'s "
        "plan until they are replaced. The last table holds every input."
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
    own = [(f", {region}", mix, " of this region at this level") for region, mix in plan.mix_in.items()]
    others = [] if set(plan.regions) <= set(plan.mix_in) else [("", plan.mix, " at this level, wherever they live")]
    mixes = [*others, *own]
    for level in plan.levels:
        words = level.replace("_", " ")
        rows += [
            *(
                (f"Acuity mix, {words}{place}", stated(plan, mix[level], "share"), f"Share of the members{meaning}.")
                for place, mix, meaning in mixes
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


FIGURES = (
    {
        "name": "peak_deficit",
        "title": "Peak deficit",
        "unit": "US dollars",
        "source": "our own",
        "formula": (
            "Most negative running cash flow: receipts less recoupments less expense, summed from the "
            "first month on; opening cash left out."
        ),
    },
    {
        "name": "payback",
        "title": "Paid back",
        "unit": "month",
        "source": "our own",
        "formula": "First month after the peak deficit at whose end the running cash flow is zero or more.",
    },
    {
        "name": "break_even",
        "title": "Break-even caseload",
        "unit": "members per full-time coordinator",
        "source": "our own",
        "formula": "A full-time coordinator's monthly cost (salary, fringe, supervision, overhead on them, "
        "incentive) / net revenue of an average "
        "member-month (rate × billable share × share paid after follow-up of denials × what fees, dollars never "
        "paid and the recoupment "
        "reserve leave).",
    },
    {
        "name": "receivable",
        "title": "Receivable less reserve",
        "unit": "US dollars",
        "source": "our own",
        "formula": "Accrual result to date less cash flow to date less write-offs.",
    },
    {
        "name": "rounding",
        "title": "Rounding",
        "unit": "cents",
        "source": "our own",
        "formula": (
            "Every amount is whole cents; each product is rounded once, halves away from zero, in the workbook as here."
        ),
    },
)


def lever_text(key: str, value: int) -> str:
    """A lever's value as a reader says it.

    >>> (
    ...     lever_text("rate", 9500),
    ...     lever_text("lag_days", 60),
    ...     lever_text("hiring", 3),
    ...     lever_text("denials", 1500),
    ...     lever_text("acuity_shift", -1000),
    ... )
    ('× 0.95', '+60 days', '+3 months', '+15.0 points', '10.0% one level up')
    """
    kind = LEVER_BY_KEY[key].kind
    if kind == "factor":
        return f"× {value / SHARE:.4g}"
    if kind in ("added_days", "added_months"):
        return f"{value:+d} {kind.removeprefix('added_') if abs(value) != 1 else kind[6:-1]}"
    share = as_text(abs(value) / SHARE, "rate")
    if key == "acuity_shift":
        return f"{share} one level {'up' if value < 0 else 'down'}"
    return f"{'-' if value < 0 else '+'}{share.rstrip('%')} points"


def exit_text(lever: str, value: Any) -> str:
    """Where a lever stands, or would have to stand, in the table of ways out; a dash where no value is enough.

    >>> (
    ...     exit_text("rate", 10_000),
    ...     exit_text("rate", 10_500),
    ...     exit_text("opening_cash", 250_000),
    ...     exit_text("rate", None),
    ... )
    ('as planned', '× 1.05', '$2,500', '–')
    """
    if pd.isna(value):
        return "–"
    if lever == "opening_cash":
        return as_text(int(value), "usd")
    return "as planned" if int(value) == LEVER_BY_KEY[lever].neutral else lever_text(lever, int(value))


def kind_words(peak_cents: int, drawn: Futures) -> str:
    """That a plan's peak deficit is on the kind side, where half of its drawn futures are deeper; nothing else."""
    half = int(drawn.peaks.set_index("percentile")["peak_deficit_cents"][50])
    said, deeper = as_text(-peak_cents, "usd"), as_text(-half, "usd")
    return f"{said} is on the kind side: half of the futures are deeper than {deeper}." if half < peak_cents else ""


def whole_cents(value: float | None) -> int | None:
    """An unrounded amount (never below zero) to the cent; nothing stays nothing.

    >>> whole_cents(793_612.5), whole_cents(None)
    (793613, None)
    """
    return None if value is None else int(value + 0.5)


def when(month: str | None, otherwise: str = "never below zero") -> str:
    """A month as a reader says it; `otherwise` where there is none.

    >>> when("2027-04"), when(None)
    ('Apr 2027', 'never below zero')
    """
    return as_text(month, "month") if isinstance(month, str) else otherwise
