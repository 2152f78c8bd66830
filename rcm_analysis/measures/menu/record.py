"""One record of the menu: what a reader needs beside a measure's number.

What the number *is* stands in one place only, the docstring of its function: `Measure.formula`,
`.date_basis` and `.source` read it there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

UNITS = ("usd", "rate", "days", "count", "words", "date")
DIRECTIONS = ("up", "down", "none")
SECTIONS = ("Formula", "Counts", "Date basis", "Unit", "Empty", "Source")


@dataclass(frozen=True)
class Measure:
    """One measure of the menu.

    value        the column that holds the headline number ("usd" columns hold cents)
    good         which direction is good: "up", "down" or "none"
    tables       the tables it cannot do without
    options      arguments that belong to the name ("aged_share_90" is `aged_share` with days=90)
    is_additive  the value of a longer period is a sum, so windows compare per month
    """

    name: str
    function: Callable[..., pd.DataFrame]
    title: str
    value: str
    unit: str
    good: str
    tables: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    is_additive: bool = False

    @property
    def summary(self) -> str:
        """The first sentence of the definition."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    @property
    def formula(self) -> str:
        return section(self.function, "Formula")

    @property
    def date_basis(self) -> str:
        return section(self.function, "Date basis")

    @property
    def source(self) -> str:
        return section(self.function, "Source")

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)


def section(function: Callable[..., Any], title: str) -> str:
    """One section of a measure's docstring as one line; empty when the docstring lacks it."""
    text = inspect.getdoc(function) or ""
    found = re.search(rf"^{title}\n((?:    .*\n?)+)", text, flags=re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


REMITS = ("remit_claims", "remit_lines", "remit_adjustments")
MONEY = ("transactions",)
CLAIM_MONEY = ("claims", "transactions")
"""Tables that many measures need together."""
