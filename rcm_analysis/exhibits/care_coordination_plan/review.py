"""What a template opens: a plan from its files, and the ways to show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...errors import ParameterError, RcmError
from ...models.plan.actuals import Actuals, actuals_from_tables, read_actuals
from ...models.plan.assumptions import BASE, Assumptions, read_assumptions, shipped
from ...models.plan.assumptions import SHIPPED as SHIPPED_FILES
from ...periods import Period
from ...tables.workspace import open_workspace
from .. import blocks
from .answers import CarePlan
from .results import not_billed
from .workbook.reading import read_workbook

TEMPLATE = "care_coordination_plan"
SHIPPED, NONE, STORED = "example", "none", "store"


class PlanReport:
    """One opened plan; `review` holds its pages."""

    def __init__(self, review: CarePlan) -> None:
        self.review = review

    def show(self, exhibit: blocks.Block | Iterable[blocks.Block]) -> None:
        """Show one block, or several in order."""
        blocks.emit(exhibit)


def open_plan(
    workspace: str | Path,
    client: str,
    period: str,
    *,
    assumptions: str = SHIPPED,
    scenario: str = BASE,
    actuals: str = NONE,
) -> PlanReport:
    """Open a plan: read and check its assumptions (TOML, or an edited workbook), and say what the report is.

    `assumptions` ("example", "published": the shipped ones) and `actuals` ("none"; "store": what the client's store
    holds) are paths, as they are or under the workspace.

    Raises
        ParameterError or TableError that names what is wrong; nothing is computed then. A client of the registry gets
        no plan on the shipped assumptions, under whatever file name: they are an example and not the client's.
    """
    month = Period.month(period)
    file = shipped(assumptions or SHIPPED) or _found(workspace, assumptions)
    firm, name = _names(workspace, client, month)
    made = read_workbook(file) if file.suffix.lower() == ".xlsx" else read_assumptions(file)
    if name and file.read_bytes() in {example.read_bytes() for example in SHIPPED_FILES.values()}:
        raise ParameterError(
            f"A plan of {name} needs {name}'s own assumptions: give them as -p assumptions=FILE. Those given are the "
            "shipped example, which rcm plan prints as an example. Nothing was run."
        )
    stored = open_workspace(workspace).client(client).tables(as_of=month.last_day) if actuals == STORED else None
    actual = _actuals(workspace, month, made, actuals, stored)
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()
    beside = not_billed(stored, as_of=month.last_day) if stored else []
    plan = CarePlan(made, scenario, actual, beside=beside, origin=(file.name, fingerprint), whose=name)
    blocks.emit(
        [
            blocks.meta(
                client=client,
                client_name=name or made.name,
                period=month.label,
                period_title=month.title,
                as_of=month.last_day.isoformat(),
                firm=firm,
                template=TEMPLATE,
                template_version="1.0",
            ),
            blocks.inputs([{"table": "assumptions", "rows": made.months, "fingerprint": fingerprint}], 0, client),
        ]
    )
    return PlanReport(plan)


def _actuals(
    workspace: str | Path, month: Period, plan: Assumptions, given: str, stored: Mapping[str, Any] | None
) -> Actuals | None:
    """The actual months: none, those in the client's store up to the period, or a folder of CSV files."""
    if given in ("", NONE):
        return None
    if stored is not None:
        return actuals_from_tables(stored, plan, through=month.label)
    return read_actuals(_found(workspace, given), plan)


def _found(workspace: str | Path, path: str) -> Path:
    """The path as given, or under the workspace."""
    for place in (Path(path), Path(workspace) / path):
        if place.exists():
            return place
    raise ParameterError(f"There is no {path}, neither here nor in the workspace. Nothing was run.")


def _names(workspace: str | Path, client: str, month: Period) -> tuple[str, str]:
    """Firm and client as the registry has them; nothing where there is none, as a plan needs no workspace."""
    try:
        place = open_workspace(workspace)
        return place.registry.firm, place.registry.client(client, as_of=month.last_day).name
    except RcmError:
        return "", ""
