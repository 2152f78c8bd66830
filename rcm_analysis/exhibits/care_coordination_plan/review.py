"""What a template opens: a plan from its files, and the ways to show it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ParameterError, RcmError
from ...models.plan.actuals import Actuals, read_actuals
from ...models.plan.assumptions import BASE, Assumptions, read_assumptions, shipped
from ...models.plan.from_store import actuals_from_tables
from ...periods import Period
from ...tables.workspace import open_workspace
from .. import blocks
from .answers import CarePlan
from .results import not_billed
from .workbook.reading import read_workbook

TEMPLATE = "care_coordination_plan"
TITLE = "Care-coordination plan"
SHIPPED, NONE, STORED = "example", "none", "store"


class PlanReport:
    """One opened plan, and the ways to show it."""

    def __init__(self, plan: CarePlan, file: str, fingerprint: str, beside: Sequence[blocks.Block] = ()) -> None:
        self.plan, self.file, self.fingerprint, self.beside = plan, file, fingerprint, beside

    def show_sliders(self) -> None:
        """In JupyterLab: sliders that redraw cash and peak deficit. Elsewhere nothing; the scenario table stands
        instead."""
        from .sliders import show_sliders

        show_sliders(self.plan.assumptions)

    def show_answers(self) -> None:
        """The plan in sixty seconds."""
        blocks.emit(self.plan.answers())

    def show_numbers(self) -> None:
        """The tiles."""
        blocks.emit(self.plan.numbers())

    def show_cash(self) -> None:
        """Running cash beside the accrual result, quarter by quarter."""
        blocks.emit(self.plan.cash())

    def show_members(self) -> None:
        """Members by acuity, and why months are not billed."""
        blocks.emit(self.plan.members())

    def show_scenarios(self) -> None:
        """Every scenario side by side."""
        blocks.emit(self.plan.scenarios())

    def show_working_capital(self) -> None:
        """The cash needed, by days of lag."""
        blocks.emit(self.plan.working_capital())

    def show_tornado(self) -> None:
        """What moves the peak deficit most."""
        blocks.emit(self.plan.tornado())

    def show_futures(self) -> None:
        """The fan of drawn futures."""
        blocks.emit(self.plan.futures())

    def show_way_out(self) -> None:
        """The smallest change that closes the gap."""
        blocks.emit(self.plan.way_out())

    def show_results(self) -> None:
        """Results against plan; from a store also the care that nobody billed."""
        blocks.emit([*self.plan.actual(), *self.beside])

    def show_definitions(self) -> None:
        """What every figure and input means."""
        blocks.emit(self.plan.definitions())

    def show_provenance(self) -> None:
        """Where the inputs come from."""
        blocks.emit(self.plan.provenance(file=self.file, fingerprint=self.fingerprint))


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
        ParameterError or TableError that names what is wrong; nothing is computed then.
    """
    month = Period.month(period)
    file = shipped(assumptions or SHIPPED) or _found(workspace, assumptions)
    made = read_workbook(file) if file.suffix.lower() == ".xlsx" else read_assumptions(file)
    stored = open_workspace(workspace).client(client).tables(as_of=month.last_day) if actuals == STORED else None
    actual = _actuals(workspace, month, made, actuals, stored)
    plan = CarePlan(made, scenario, actual)
    firm, name = _names(workspace, client, month, made)
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()
    blocks.emit(
        [
            blocks.meta(
                title=TITLE,
                client=client,
                client_name=name,
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
    beside = not_billed(stored, as_of=month.last_day) if stored else []
    return PlanReport(plan, file.name, fingerprint, beside)


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


def _names(workspace: str | Path, client: str, month: Period, plan: Assumptions) -> tuple[str, str]:
    """Firm and client as the registry has them; a plan needs no workspace."""
    try:
        place = open_workspace(workspace)
        return place.registry.firm, place.registry.client(client, as_of=month.last_day).name
    except RcmError:
        return "", plan.name
