"""Assumptions as a TOML file that reads back to the same: how an edited workbook becomes a file again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .assumptions import Assumptions, Dated, at
from .fields import BY_KEY, FIELDS, LEVER_BY_KEY, natural


def written(plan: Assumptions) -> str:
    """The whole file."""
    lines = [
        f"name = {_text(plan.name)}",
        f'start = "{plan.start}"',
        f"months = {plan.months}",
        _line(plan, "opening_cash"),
    ]
    lines += [f"region = {_text(plan.region)}"] if len(plan.regions) == 1 else _shares(plan, "regions", plan.regions)
    for level in plan.rated:
        for region, steps in plan.rates[level].items():
            for month, cents in steps if any(cents for _, cents in steps) else ():
                lines += [
                    "",
                    "[[rates.rows]]",
                    f"level = {_text(level)}",
                    f"region = {_text(region)}",
                    f'effective = "{month}"',
                    f'rate = "{Decimal(cents) / 100:.2f}"',
                    f"source = {_text(plan.rate_source)}",
                ]
    lines += ["", "[acuity]", f"levels = [{', '.join(_text(level) for level in plan.levels)}]", "", "[acuity.caseload]"]
    lines += [f"{_key(level)} = {_number(plan.caseload[level], 'count')}" for level in plan.levels]
    lines += _shares(plan, "acuity.mix", plan.mix)
    for source in plan.sources:
        lines += [
            "",
            "[[referrals]]",
            f"source = {_text(source.name)}",
            f"monthly = {_dated(source.monthly, 'count')}",
            f"quality = {_dated(source.quality, 'share')}",
        ]
    for person in plan.coordinators:
        lines += ["", "[[coordinators]]", f"name = {_text(person.name)}", f'hired = "{person.hired}"']
        lines += [f'last_month = "{person.last_month}"'] if person.last_month else []
        lines += [f"fte = {_number(person.fte, 'count')}", f"salary = {_number(person.salary, 'money')}"]
    lines += _groups(plan)
    for item in plan.startup:
        lines += [
            "",
            "[[costs.startup]]",
            f"what = {_text(item.what)}",
            f'month = "{item.month}"',
            f"amount = {_number(item.amount, 'money')}",
        ]
    return "\n".join([*lines, *_cases(plan)]) + "\n"


def _shares(plan: Assumptions, name: str, shares: Mapping[str, Dated]) -> list[str]:
    """Shares that sum to one, a table for each month in which any of them changes."""
    lines = []
    for month in sorted({max(month, plan.start) for steps in shares.values() for month, _ in steps}):
        lines += ["", f"[[{name}]]", f'from = "{month}"']
        lines += [f"{_key(part)} = {_number(at(steps, month), 'share')}" for part, steps in shares.items()]
    return lines


def _groups(plan: Assumptions) -> list[str]:
    """The inputs of `plan_fields`, under their tables."""
    lines: list[str] = []
    table = ""
    for field in FIELDS[1:]:
        group = field.key.rpartition(".")[0]
        if group != table:
            table = group
            lines += ["", f"[{group}]"]
            if group == "staffing":
                lines.append(f"ramp = [{', '.join(_number(share, 'share') for share in plan.ramp)}]")
        lines.append(_line(plan, field.key))
    return lines


def _cases(plan: Assumptions) -> list[str]:
    lines = []
    for scenario in plan.scenarios:
        lines += ["", "[[scenarios]]", f"name = {_text(scenario.name)}", f"title = {_text(scenario.title)}"]
        lines += [f"{key} = {_number(value, LEVER_BY_KEY[key].kind)}" for key, value in scenario.levers.items()]
        lines += [f'from = "{scenario.first}"'] if scenario.first else []
        lines += [f'until = "{scenario.last}"'] if scenario.last else []
    if plan.uncertainty:
        lines += ["", "[uncertainty]"]
    for key, (low, high) in plan.uncertainty.items():
        kind = LEVER_BY_KEY[key].kind
        lines.append(f"{key} = {{low = {_number(low, kind)}, high = {_number(high, kind)}}}")
    return [*lines, "", "[simulation]", f"seed = {plan.seed}", f"draws = {plan.draws}"]


def _line(plan: Assumptions, key: str) -> str:
    field = BY_KEY[key]
    return f"{key.rpartition('.')[2]} = {_dated(plan.values[key], field.kind)}"


def _dated(dated: Dated, kind: str) -> str:
    if len(dated) == 1:
        return _number(dated[0][1], kind)
    steps = [f'{{from = "{month}", value = {_number(value, kind)}}}' for month, value in dated]
    return f"[{', '.join(steps)}]"


def _number(units: int, kind: str) -> str:
    value: Any = natural(units, kind)
    if kind == "money":
        return f'"{value:.2f}"'
    return str(value).lower() if kind == "flag" else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _text(words: str) -> str:
    safe = words.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}" for char in safe) + '"'


def _key(words: str) -> str:
    return words if words.replace("_", "").replace("-", "").isalnum() and words.isascii() else _text(words)
