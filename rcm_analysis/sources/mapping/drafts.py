"""One section of a column map in the making, and what its file leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...tables.schema_base import Table
from .columns import Held, Unknown


@dataclass(frozen=True)
class Question:
    """What a file leaves open: the key under which it is answered, the question, and the possible answers."""

    key: str
    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partner:
    """Another file of the delivery in which a section looks columns up: the headings of the key here and there, and
    what stands there for our columns."""

    file: Unknown
    key: str
    other: str
    columns: dict[str, Held]


@dataclass
class Proposed:
    """One section of a map in the making; `why` says of each key what it rests on."""

    file: Unknown
    table: Table
    columns: dict[str, str] = field(default_factory=dict)
    sums: dict[str, list[str]] = field(default_factory=dict)
    """Our columns that are the sum of several of the file."""
    twin: Proposed | None = None
    """A second section that reads the same rows: what patients owe, beside what insurers owe."""
    join: Partner | None = None
    settings: dict[str, object] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)

    def held(self, column: str) -> Held | None:
        """What the column of the file holds that stands for ours."""
        if self.join and column in self.join.columns:
            return self.join.columns[column]
        heading = self.columns.get(column)
        return next((held for held in self.file.columns if held.heading == heading), None)
