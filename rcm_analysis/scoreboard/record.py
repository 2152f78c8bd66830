"""The rows of the scoreboard: every analysis that claims to find or project something, its figures and its aims.

A figure is one number, added up over all simulated clients: scorers hand in tallies (numerator and
denominator of one client), `rows_of` adds them and divides once. A figure without a tally is an
empty row: the analysis does not exist yet, or nothing was planted for it to find. Each run is kept as a line of JSON,
so that a figure can be followed over versions.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ParameterError, RunError


@dataclass(frozen=True)
class Row:
    """One line of the scoreboard; `value` and `holds` are empty where there is nothing to score. `cases`: of how many
    problems, alarms or statements it is a share."""

    analysis: str
    figure: str
    value: float | None
    aim: str | None
    holds: bool | None
    cases: int | None = None


@dataclass(frozen=True)
class Aim:
    """The values that a figure may have: at least, at most, or both; both ends included.

    >>> Aim(least=0.95).text, Aim(most=1).text, Aim(0.75, 0.85).text, Aim(0, 0).text
    ('>= 0.95', '<= 1', '0.75 to 0.85', '= 0')
    >>> Aim(0.75, 0.85).holds(0.9)
    False
    """

    least: float | None = None
    most: float | None = None

    @property
    def text(self) -> str:
        if self.least is None:
            return f"<= {self.most:g}"
        if self.most is None:
            return f">= {self.least:g}"
        return f"= {self.least:g}" if self.least == self.most else f"{self.least:g} to {self.most:g}"

    def holds(self, value: float) -> bool:
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Figure:
    """One number of one analysis.

    `is_sum`: the value is the sum of the numerators, and the denominators only say that something
    was scored; otherwise it is the sum of the numerators over the sum of the denominators.
    Tallies of money are in cents, the value of a figure in `usd` is in dollars.
    """

    analysis: str
    name: str
    aim: Aim | None = None
    unit: str = "rate"
    is_sum: bool = False


@dataclass(frozen=True)
class Tally:
    """What one simulated client adds to one figure.

    Several denominators are rivals: each is added up by itself, and the smallest sum divides (an error
    is measured against the better of two naive ways, over all clients).
    """

    analysis: str
    figure: str
    numerator: float
    denominator: float | tuple[float, ...] = 1

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.numerator, *self.rivals))):
            raise RunError(
                f"{self.analysis}, {self.figure}: the analysis gave no finite number, which would empty the row."
            )

    @property
    def rivals(self) -> tuple[float, ...]:
        return self.denominator if isinstance(self.denominator, tuple) else (self.denominator,)


RECALL = "recall"
RECALL_IN_TIME = "recall within two months of onset"
PRECISION = "precision"
FALSE_ALARMS = "false alarms per quiet client-year"
DOLLAR_ERROR = "dollar error"
NOT_JUDGED = "problems of a time that was said not to be judged yet"
ENDED = "said to be over within two months of the last denial"
NAMED = "statements under the first name"
OF_NAIVE = "WAPE at three months, of the better naive baseline"
COVERAGE = "coverage of the 80 % interval, months ahead: "
EXACT = Aim(0, 0)
COUNTED = (RECALL, RECALL_IN_TIME, PRECISION, ENDED, NAMED)
"""Shares of few things: how many stands beside them."""


def _sought(analysis: str, *, recall: str = RECALL, dollars: bool = True, least: float = 0.95) -> tuple[Figure, ...]:
    """The usual figures of an analysis that claims to find something.

    recall: planted problems found, of those planted. precision: alarms that point to something
    planted, of all alarms. dollar error: the differences between the dollars found and planted,
    without their signs, over the dollars planted.
    """
    figures = (
        Figure(analysis, recall, Aim(least=least)),
        Figure(analysis, PRECISION, Aim(least=0.8)),
        Figure(analysis, FALSE_ALARMS, Aim(most=0.25), unit="number"),
    )
    return figures + ((Figure(analysis, DOLLAR_ERROR, Aim(most=0.05)),) if dollars else ())


def _sum(analysis: str, name: str, unit: str = "usd") -> Figure:
    return Figure(analysis, name, EXACT, unit, is_sum=True)


FIGURES: tuple[Figure, ...] = (
    Figure("duplicated remittances", RECALL, Aim(1, 1)),
    _sum("duplicated remittances", "dollars counted twice"),
    _sum("reconciliation", "residual"),
    _sum("balances", "closing receivable against truth"),
    _sum("cash collected", "difference from truth"),
    Figure("gross collection rate", "error", EXACT),
    Figure("net collection rate", "error", EXACT),
    Figure("cash due", "error", Aim(most=0.05)),
    Figure("cash due", "bias", Aim(-0.05, 0.05)),
    *_sought("whole-dollar sweeps"),
    *_sought("disguised denials"),
    *_sought("systemic denials", recall=RECALL_IN_TIME),
    Figure("systemic denials", NOT_JUDGED, unit="count", is_sum=True),
    *_sought("standing denials", dollars=False),
    Figure("systemic denials", ENDED, Aim(least=0.9)),
    Figure("systemic denials", NAMED),
    *_sought("repeated underpayments", recall=RECALL_IN_TIME),
    _sum("repeated underpayments", "rate cuts called underpayments", "count"),
    *_sought("unaddressed secondary claims"),
    *_sought("holds for client documents"),
    *_sought("charge-lag creep", recall=RECALL_IN_TIME, dollars=False),
    *_sought("clearinghouse outage", dollars=False),
    *_sought("patient balances billed against CO"),
    *_sought("contacts not billed"),
    Figure("worklist", "dollars recovered, of oldest first", Aim(least=1.5), "ratio"),
    Figure("worklist", "dollars recovered, of largest first", None, "ratio"),
    Figure("worklist", "dollars said to be added, of those added", Aim(0.8, 1.25), "ratio"),
    Figure("payment lag", "error of the share paid within 150 days"),
    Figure("payment lag", "bias of the share paid within 150 days"),
    Figure("cash outlook", OF_NAIVE, Aim(most=0.7), "ratio"),
    Figure("cash outlook", "WAPE at three months, of chance alone", Aim(most=1.5), "ratio"),
    Figure("cash outlook", "WAPE at three months"),
    Figure("cash outlook", "bias at three months"),
    *(Figure("cash outlook", f"{COVERAGE}{ahead}", Aim(0.75, 0.85)) for ahead in (1, 2, 3)),
    Figure("renamed payers", RECALL, Aim(least=0.9)),
    Figure("renamed payers", PRECISION, Aim(least=0.8)),
    Figure("EOB mismatches", RECALL, Aim(1, 1)),
    Figure("EOB mismatches", PRECISION, Aim(1, 1)),
    Figure("policy breaches", RECALL, Aim(1, 1)),
    Figure("policy breaches", PRECISION, Aim(1, 1)),
    Figure("engagement shifts", "dated within a month", Aim(least=0.95)),
)
"""Every row of the scoreboard, in the order in which it is printed."""
_UNITS = {(figure.analysis, figure.name): figure.unit for figure in FIGURES}


ELSEWHERE = {RECALL: Aim(least=0.9), RECALL_IN_TIME: Aim(least=0.9), DOLLAR_ERROR: Aim(most=0.1)}
"""The aims of what is sought in worlds other than the usual one, where they differ."""


LONG_HISTORY, OF_NAIVE_LONG = 24, Aim(most=0.55)
"""With two years and more of history a forecast can know the season, and is asked for more."""


def figures_of(world: str, months: int = 0) -> tuple[Figure, ...]:
    """The figures with the aims of a world, for clients of so many months.

    >>> aims = {figure.name: figure.aim.text for figure in figures_of("slow and seasonal")[10:14]}
    >>> aims["recall"], aims["precision"], aims["dollar error"]
    ('>= 0.9', '>= 0.8', '<= 0.1')
    """
    aims = {} if world == "usual" else dict(ELSEWHERE)
    if months >= LONG_HISTORY:
        aims[OF_NAIVE] = OF_NAIVE_LONG
    return tuple(
        replace(figure, aim=aims[figure.name])
        if figure.name in aims and figure.aim and figure.aim.least != 1
        else figure
        for figure in FIGURES
    )


def rows_of(tallies: Iterable[Tally], figures: Iterable[Figure] = FIGURES) -> list[Row]:
    """The scoreboard: one row per figure, from the tallies of all clients.

    Raises
        ParameterError for a tally of a figure that is not listed: it would be lost.
    """
    figures = list(figures)
    added: dict[tuple[str, str], list[Tally]] = {(figure.analysis, figure.name): [] for figure in figures}
    for tally in tallies:
        key = (tally.analysis, tally.figure)
        if key not in added:
            raise ParameterError(f"The scoreboard has no figure {key[1]!r} of {key[0]!r}; add it to FIGURES.")
        added[key].append(tally)
    return [_row(figure, added[figure.analysis, figure.name]) for figure in figures]


def _row(figure: Figure, tallies: list[Tally]) -> Row:
    numerator = sum(tally.numerator for tally in tallies)
    denominator = min(map(sum, zip(*(tally.rivals for tally in tallies), strict=True)), default=0)
    value = None
    if denominator:
        value = numerator if figure.is_sum else numerator / denominator
        value = float(value / 100 if figure.unit == "usd" else value)
    holds = None if value is None or figure.aim is None else figure.aim.holds(value)
    cases = None if value is None or figure.name not in COUNTED else round(denominator)
    return Row(figure.analysis, figure.name, value, figure.aim.text if figure.aim else None, holds, cases)


def as_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as plain dictionaries: analysis, figure, value, aim, holds."""
    return [asdict(row) for row in rows]


def table_text(rows: Iterable[Row]) -> str:
    """The scoreboard as plain text, one line per figure.

    >>> print(
    ...     table_text(
    ...         [
    ...             Row("worklist", "of oldest first", 1.62, ">= 1.5", True),
    ...             Row("holds", "recall", None, ">= 0.95", None),
    ...         ]
    ...     )
    ... )
    analysis  figure           value  aim      holds
    worklist  of oldest first  1.62   >= 1.5   yes
    holds     recall           -      >= 0.95  -
    """
    lines = [("analysis", "figure", "value", "aim", "holds")]
    for row in rows:
        holds = {True: "yes", False: "NO", None: "-"}[row.holds]
        unit = _UNITS.get((row.analysis, row.figure), "number")
        lines.append((row.analysis, row.figure, _shown(row.value, unit), row.aim or "-", holds))
    return _columns(lines)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "usd":
        return f"${value:,.2f}"
    if unit == "count":
        return f"{value:,.0f}"
    return f"{value:.3f}" if unit == "rate" else f"{value:.2f}"


def worlds_text(boards: Mapping[str, Sequence[Row]]) -> str:
    """The scoreboards of several worlds in two tables. What is sought: a line per analysis and world, precision beside
    recall. Every other figure: a line each, and a column per world. Figures that miss their aim are marked with *,
    and beside a share of few things stands of how many.

    >>> found = [Row("holds", "recall", 0.5, ">= 0.95", False, 4), Row("holds", "precision", 1.0, ">= 0.8", True, 2)]
    >>> print(worlds_text({"usual": [*found, Row("worklist", "of oldest first", 1.62, ">= 1.5", True)]}))
    sought  world  recall      precision  false alarms  dollar error
    holds   usual  0.50* of 4  1.00 of 2  -             -
    <BLANKLINE>
    other figures              aim     usual
    worklist, of oldest first  >= 1.5  1.62
    """
    said = {(world, row.analysis, row.figure): _marked(row) for world, rows in boards.items() for row in rows}
    order = list(dict.fromkeys((row.analysis, row.figure, row.aim) for rows in boards.values() for row in rows))
    beside = {"recall": (RECALL, RECALL_IN_TIME), "precision": (PRECISION,), "false alarms": (FALSE_ALARMS,)}
    beside["dollar error"] = (DOLLAR_ERROR,)
    in_lines = {name for names in beside.values() for name in names}
    lines = [("sought", "world", *beside)]
    for analysis in dict.fromkeys(analysis for analysis, figure, _ in order if figure in in_lines):
        for world in boards:
            cells = [
                next((text for name in names if (text := said.get((world, analysis, name), "-")) != "-"), "-")
                for names in beside.values()
            ]
            lines += [(analysis, world, *cells)] if any(cell != "-" for cell in cells) else []
    others = [("other figures", "aim", *boards)]
    for analysis, figure, aim in order:
        cells = [said.get((world, analysis, figure), "-") for world in boards]
        if figure not in in_lines and any(cell != "-" for cell in cells):
            others.append((f"{analysis}, {figure}", aim or "-", *cells))
    return f"{_columns(lines)}\n\n{_columns(others)}"


def _marked(row: Row) -> str:
    text = _shown(row.value, _UNITS.get((row.analysis, row.figure), "number")) + "*" * (row.holds is False)
    return text if row.cases is None else f"{text} of {row.cases}"


def _columns(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def machine() -> str:
    """The kind of machine, without its name.

    >>> "threads" in machine()
    True
    """
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} threads, Python {platform.python_version()}"


def history_line(rows: Iterable[Row], *, seeds: Sequence[int], made_at: str, world: str = "usual") -> str:
    """One run as one line of JSON: made_at, version, machine, seeds, world, rows.

    `made_at` is the caller's time stamp (ISO text): nothing here reads the clock.
    """
    record = {
        "made_at": made_at,
        "version": __version__,
        "machine": machine(),
        "seeds": list(seeds),
        "world": world,
        "rows": as_json(rows),
    }
    return json.dumps(record, ensure_ascii=False)


def keep(folder: Path, boards: Mapping[str, Sequence[Row]], text: str, *, seeds: Sequence[int], made_at: str) -> None:
    """Add a line for each world to `scoreboard.jsonl` in `folder`, and make `scoreboard.txt` say `text`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scoreboard.jsonl").open("a", encoding="utf-8", newline="\n") as file:
        for world, rows in boards.items():
            file.write(history_line(rows, seeds=seeds, made_at=made_at, world=world) + "\n")
    (folder / "scoreboard.txt").write_text(text.rstrip("\n") + "\n", "utf-8", newline="\n")
