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


@dataclass
class Proposed:
    """One section of a map in the making; `why` says of each key what it rests on."""

    file: Unknown
    table: Table
    columns: dict[str, str] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)

    def held(self, column: str) -> Held | None:
        """What the column of the file holds that stands for ours."""
        heading = self.columns.get(column)
        return next((held for held in self.file.columns if held.heading == heading), None)
