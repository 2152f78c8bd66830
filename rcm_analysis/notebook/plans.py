"""A plan at the bench: its pages, and the calls of the model that made each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import NotThere, closest, listed
from ..exhibits.care_coordination_plan import review
from ..exhibits.care_coordination_plan.answers import CarePlan
from ..periods import Period
from .results import About, Result
from .taken_apart import Cell, taken_apart


class OpenedPlan(review.PlanReport):
    """One opened plan; `review` holds its pages, `apart` says the calls that made one."""

    def __init__(self, made: CarePlan, period: Period) -> None:
        super().__init__(made)
        self.period, self.as_of = period, period.last_day

    def apart(self, page: str | Callable[[], Any]) -> Cell:
        """The calls of the model that made a page, as a cell to paste, which gives the same numbers.

        Raises
            AttributeError for a page that a plan has not: it names the closest.
        """
        name, plan = page if isinstance(page, str) else page.__name__, self.review
        pages = [one for one, made in vars(CarePlan).items() if callable(made) and not one.startswith("_")]
        if name not in pages:
            raise NotThere(f"A plan has no page {name!r}. It has: {listed(pages, 30)}.{closest(name, pages)}")
        actual = plan.results.actual if plan.results else None

        def again() -> Any:
            return getattr(CarePlan(plan.assumptions, plan.scenario, actual, beside=plan.beside), name)()

        known = {"report.review.assumptions": plan.assumptions, "report.review.results.actual": actual}
        return taken_apart(self, name, again, known)

    def readable(self, result: pd.DataFrame) -> Result:
        """A frame of the model for the eye; its values stay numbers."""
        return Result(result, About(""))


@wraps(review.open_plan)
def open_plan(workspace: str | Path, client: str, period: str, **given: Any) -> OpenedPlan:
    return OpenedPlan(review.open_plan(workspace, client, period, **given).review, Period.month(period))
