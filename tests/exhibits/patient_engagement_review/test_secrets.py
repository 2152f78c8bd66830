"""What can be worked out from the reports of two months laid side by side, with everything that is on their pages.

The attacker has every table (as in the workbook), every sentence, figure text and card of both reports, knows that
zeros are shown, that a hidden month is 1 to 10 by itself, and adds and subtracts whatever has a sum in common.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from builders.acorn import invented, subject_of
from builders.engagement_offices import EXHIBITS, simulated, tables_of, words_of
from rcm_analysis.exhibits.blocks import Block
from rcm_analysis.exhibits.pages import Pages, pages_of
from rcm_analysis.exhibits.patient_engagement_review import published
from rcm_analysis.measures.engagement.appointments import no_show_rate
from rcm_analysis.periods import Period

SPAN = re.compile(r"(\w+ (?:\d{4} )?to \w+ \d{4})")
SCALE = "4 of 4, or 9 and 10 of 10"
BLOCKS = {"no_shows_by_lead": "lead", "no_shows_by_type": "type", "no_shows_by_place": "place"}
SERIES = {
    "no_shows_by_month": ("no_shows", "slots"),
    "social_needs": ("asked", "forms"),
    "emergency_visits": ("visits", "member_months"),
}


def with_late_records(tables: dict[str, pl.DataFrame], seed: int) -> dict[str, pl.DataFrame]:
    """One appointment in thirty is settled up to fifty days late, as offices do."""
    rng = np.random.default_rng(seed)
    rows = tables["appointments"]
    late = rng.random(len(rows)) < 0.03
    days = pl.Series(np.where(late, rng.integers(1, 50, len(rows)), 0))
    return {**tables, "appointments": rows.with_columns(settled_on=pl.col("settled_on") + pl.duration(days=days))}


class Attack:
    """Cells that are known, sums that must hold, and what follows for the others."""

    def __init__(self) -> None:
        self.known: dict[tuple, int] = {}
        self.sums: dict[tuple, list[tuple]] = {}
        self.hidden: set[tuple] = set()
        self.ends: dict[tuple, tuple[int, int | None]] = {}

    def learn(self, cell: tuple, value: int | None) -> None:
        """A cell of a table: its number, or that it is hidden (a zero is not)."""
        if value is None:
            self.hidden.add(cell)
        else:
            assert self.known.setdefault(cell, int(value)) == value, (
                f"{cell} is told twice, as {self.known[cell]} and {value}"
            )

    def add(self, parts: list[tuple], total: tuple) -> None:
        self.sums[total, tuple(sorted(parts, key=str))] = [*parts, total]

    def possible(self) -> dict[tuple, tuple[float, float]]:
        """The least and largest value of each cell that is not known; sums that share no unknown cell are solved
        apart."""
        lines = list(self.sums.values())
        cells = {
            cell: place
            for place, cell in enumerate(
                dict.fromkeys(cell for line in lines for cell in line if cell not in self.known)
            )
        }
        matrix, values = np.zeros((len(lines), len(cells))), np.zeros(len(lines))
        for row, line in enumerate(lines):
            for place, cell in enumerate(line):
                sign = -1 if place == len(line) - 1 else 1
                if cell in self.known:
                    values[row] -= sign * self.known[cell]
                else:
                    matrix[row, cells[cell]] += sign
        assert not values[~matrix.any(axis=1)].any(), "a sum of known numbers does not hold"
        edges = [self.ends.get(cell, (int(cell in self.hidden), None)) for cell in cells]
        groups = connected_components(matrix.T @ matrix)[1] if cells else []
        found = {}
        for cell, place in cells.items():
            mine = np.flatnonzero(groups == groups[place])
            rows = matrix[:, mine].any(axis=1)
            goal = (mine == place).astype(float)
            low, high = (
                linprog(
                    sign * goal, A_eq=matrix[np.ix_(rows, mine)], b_eq=values[rows], bounds=[edges[one] for one in mine]
                )
                for sign in (1, -1)
            )
            assert low.status == 0, (cell, low.message)
            found[cell] = (low.fun, np.inf if high.status == 3 else -high.fun)
        return found

    def given_away(self) -> list[tuple]:
        """Cells that can be one number only, and a small one (where a larger guard is known, so is what it guards)."""
        exact = [
            (cell, round(low))
            for cell, (low, high) in self.possible().items()
            if np.floor(high + 1e-6) - np.ceil(low - 1e-6) < 1
        ]
        return [(cell, value) for cell, value in exact if 0 < value < 11]


def rows_of(table: dict) -> list[tuple[str, dict]]:
    names = [column["name"] for column in table["columns"]]
    return [
        (
            "all" if text[0] == "All" else str(raw[0])[:7] if table["name"] in SERIES else text[0],
            dict(zip(names, raw, strict=True)),
        )
        for raw, text in zip(table["rows"], table["text"], strict=True)
    ]


def number(value: object) -> int | None:
    return int(value) if isinstance(value, int | np.integer) else None


def read(attack: Attack, blocks: list[Block], month: Period) -> dict[str, list[tuple[str, dict]]]:
    """Everything that one report says, as cells and sums; returns its tables."""
    tables = {table["name"]: table for table in tables_of(blocks)}
    for name, (part, whole) in SERIES.items():
        _series(attack, name, part, whole, rows_of(tables[name]) if name in tables else [], month)
    for name, by in BLOCKS.items():
        if name in tables:
            _block(attack, by, SPAN.search(tables[name]["title"])[0], rows_of(tables[name]))
    if "repeat_visits" in tables:
        span = SPAN.search(tables["repeat_visits"]["title"])[0]
        _plain(attack, "repeats", span, rows_of(tables["repeat_visits"]), ("repeats", "visits"))
    if "intake_parts" in tables:
        span = SPAN.search(tables["intake_parts"]["title"])[0]
        for label, row in rows_of(tables["intake_parts"]):
            attack.learn(("intake", span, label), number(row["complete"]))
            attack.learn(("forms", span), number(row["forms"]))
            attack.add([("intake", span, label), ("incomplete", span, label)], ("forms", span))
        _months_in(attack, span, {"asked": ("intake", span, "Social needs"), "forms": ("forms", span)}, "social_needs")
    if "complaints" in tables:
        _complaints(attack, rows_of(tables["complaints"]), published.last_block(month, 6))
    if "navigation" in tables:
        _stock(attack, month.label, rows_of(tables["navigation"]))
    return {name: rows_of(table) for name, table in tables.items()}


def _series(attack: Attack, name: str, part: str, whole: str, rows: list, month: Period) -> None:
    for label, row in rows:
        label = f"all to {month.label}" if label == "all" else label
        for column in (part, whole):
            attack.learn((name, label, column), number(row[column]))
            if not label.startswith("all") and column in ("no_shows", "visits"):
                attack.ends[name, label, column] = (1, 10)
        if name != "emergency_visits":
            attack.add([(name, label, part), (name, label, "rest")], (name, label, whole))
    months = [label for label, _ in rows if label != "all"]
    for column in (part, whole):
        attack.add([(name, label, column) for label in months], (name, f"all to {month.label}", column))


def _months_in(attack: Attack, span: str, totals: dict[str, tuple], name: str) -> None:
    """The months of a block add up to it, once all of them have been in a report."""
    first, last = span.split(" to ")
    end = dt.datetime.strptime(last, "%B %Y")
    start = dt.datetime.strptime(f"{first} {end.year}", "%B %Y")
    labels = [f"{end.year}-{month:02d}" for month in range(start.month, end.month + 1)]
    for column, total in totals.items():
        seen = [
            label
            for label in labels
            if any(cell[:2] == (name, label) for line in attack.sums.values() for cell in line)
        ]
        if seen == labels:
            attack.add([(name, label, column) for label in labels], total)


def _block(attack: Attack, by: str, span: str, rows: list) -> None:
    parts = ("kept", "no_shows", "late_cancels")

    def cell(label: str, column: str) -> tuple:
        return ("block", span, column) if label == "all" else (by, span, label, column)

    for label, row in rows:
        for column in (*parts, "slots"):
            attack.learn(cell(label, column), number(row[column]))
        attack.add([cell(label, column) for column in parts], cell(label, "slots"))
    for column in (*parts, "slots"):
        attack.add([cell(label, column) for label, _ in rows if label != "all"], cell("all", column))
    _months_in(
        attack, span, {"no_shows": ("block", span, "no_shows"), "slots": ("block", span, "slots")}, "no_shows_by_month"
    )


def _plain(attack: Attack, name: str, span: str, rows: list, columns: tuple[str, str]) -> None:
    for label, row in rows:
        for column in columns:
            attack.learn((name, span, label, column), number(row[column]))
        attack.add([(name, span, label, columns[0]), (name, span, label, "rest")], (name, span, label, columns[1]))
    for column in columns:
        attack.add([(name, span, label, column) for label, _ in rows if label != "all"], (name, span, "all", column))


def _complaints(attack: Attack, rows: list, block: Period) -> None:
    earlier = published.last_block(Period.of(block.first_day), 6)
    for column, span in (("entries", published.title_of(block)), ("before", published.title_of(earlier))):
        for label, row in rows:
            attack.learn(("complaints", span, label), number(row[column]))
        if len(rows) > 1:
            attack.add(
                [("complaints", span, label) for label, row in rows if label != "all" and row[column] != 0],
                ("complaints", span, "all"),
            )


def _stock(attack: Attack, month: str, rows: list) -> None:
    parts = ("covered", "not_reached", "without")
    for label, row in rows:
        for column in (*parts, "high_risk"):
            attack.learn(("risk", month, label, column), number(row[column]))
        attack.add([("risk", month, label, column) for column in parts], ("risk", month, label, "high_risk"))
    for column in (*parts, "high_risk"):
        attack.add(
            [("risk", month, label, column) for label, _ in rows if label != "all"], ("risk", month, "all", column)
        )


JUNE_ON = ("2026-06", "2026-07", "2026-08", "2026-09", "2026-10")


@pytest.mark.parametrize(
    ("scale", "seed", "providers", "months"),
    [
        pytest.param(0.25, 2, 2, JUNE_ON[:2], id="a small office over the end of a half-year"),
        pytest.param(0.3, 3, 12, JUNE_ON[:2], id="a small office over the end of a quarter"),
        pytest.param(0.05, 1, 2, JUNE_ON, id="a very small office", marks=pytest.mark.slow),
        pytest.param(0.25, 5, 2, JUNE_ON, id="a small office by half-year", marks=pytest.mark.slow),
        pytest.param(0.3, 6, 12, JUNE_ON, id="a small office by quarter", marks=pytest.mark.slow),
        pytest.param(1.0, 4, 12, JUNE_ON, id="an office of five by quarter", marks=pytest.mark.slow),
    ],
)
def test_reports_of_months_laid_side_by_side_give_no_hidden_count_away(scale, seed, providers, months):
    """With records that come late; what a report said of a month or a block, the next one says again or not at all."""
    tables = {**invented(), **with_late_records(simulated(scale, plants=True, seed=seed), seed)}
    attack, seen = Attack(), defaultdict(set)
    for month in months:
        review = pages_of("patient_engagement_review", of_size(subject_of(tables, Period.month(month)), providers))
        blocks = [block for exhibit in EXHIBITS for block in getattr(review, exhibit)()]
        told = read(attack, blocks, review.about.subject.period)
        _holds_together(blocks, review, told)
        for label, row in told.get("retention", []):
            seen[label] |= {
                (name, round(value * row["patients"]))
                for name, value in row.items()
                if name.startswith("back_") and isinstance(value, float)
            }
    assert attack.hidden and attack.given_away() == []
    for label, counts in seen.items():
        assert len({name for name, _ in counts}) == len(counts), f"{label} was told in two ways"


def of_size(subject, providers: int):
    return dataclasses.replace(subject, client=dataclasses.replace(subject.client, providers=providers))


def _holds_together(blocks: list[Block], review: Pages, told: dict[str, list[tuple[str, dict]]]) -> None:
    """No sentence holds a count that no table holds, and no share is printed beside a hidden count."""
    printed = {value for rows in told.values() for _, row in rows for value in row.values() if isinstance(value, int)}
    allowed = printed | {
        number(value)
        for facts in (review.about.answered, review.about.response, review.about.found_needs)
        for value in facts.drop("is_suppressed")
        if isinstance(value, int | np.integer)
    }
    for text in (text.replace(SCALE, "") for text in words_of(blocks)):
        for part, whole in re.findall(r"(?<![\d.,%])([\d,]+) of ([\d,]+)\b(?!\.\d|%)", text):
            values = [int(value.replace(",", "")) for value in (part, whole)]
            assert set(values) <= allowed and not any(0 < value < 11 for value in values), text


@pytest.mark.parametrize(
    ("leak", "cell"),
    [
        pytest.param(
            lambda attack: attack.learn(("no_shows_by_month", "all to 2026-10", "no_shows"), 61),
            ("no_shows_by_month", "2026-10", "no_shows"),
            id="a total beside one hidden month",
        ),
        pytest.param(
            lambda attack: attack.learn(("no_shows_by_month", "2026-10", "rest"), 92),
            ("no_shows_by_month", "2026-10", "no_shows"),
            id="the other side of a share",
        ),
        pytest.param(
            lambda attack: (
                attack.add([("no_shows_by_month", "2026-10", "no_shows"), ("gone",)], ("difference",))
                or attack.learn(("gone",), 20)
                or attack.learn(("difference",), 28)
            ),
            ("no_shows_by_month", "2026-10", "no_shows"),
            id="a window that slid by a month",
        ),
    ],
)
def test_the_attack_finds_what_is_badly_hidden(leak, cell):
    """The attacker is no straw man: each leak that the reports avoid is found where it is put back."""
    attack = Attack()
    _series(
        attack,
        "no_shows_by_month",
        "no_shows",
        "slots",
        [
            ("2026-09", {"no_shows": 53, "slots": 200}),
            ("2026-10", {"no_shows": None, "slots": 100}),
            ("all", {"no_shows": None, "slots": 300}),
        ],
        Period.month("2026-10"),
    )
    assert attack.given_away() == []
    leak(attack)
    assert (cell, 8) in attack.given_away()


# -- what is published once ------------------------------------------------------------------------


def office(late: int, total: int = 40) -> dict[str, pl.DataFrame]:
    """September's slots, one missed in four; `late` of the missed ones were recorded in October."""
    rows = []
    for place in range(total):
        is_missed = place % 4 == 0
        settled = dt.date(2026, 10, 5) if is_missed and place // 4 < late else dt.date(2026, 9, 9)
        rows.append(
            {
                "client": "a",
                "appointment_id": f"A{place}",
                "patient": "P",
                "booked_on": dt.date(2026, 9, 1),
                "scheduled_on": dt.date(2026, 9, 9),
                "provider": None,
                "location": "East",
                "visit_type": "acute",
                "is_planned_follow_up": False,
                "settled_on": settled,
                "status": "no_show" if is_missed else "kept",
                "notice_hours": None,
                "problem": None,
                "claim_id": None,
            }
        )
    return {
        "appointments": pl.DataFrame(
            rows,
            schema_overrides={
                "notice_hours": pl.Float64,
                "problem": pl.String,
                "claim_id": pl.String,
                "provider": pl.String,
            },
        ).lazy()
    }


@pytest.mark.parametrize(
    ("late", "total", "september", "october"),
    [
        pytest.param(0, 60, (15, 60), (15, 60), id="all recorded in time"),
        pytest.param(3, 60, (12, 57), (12, 57), id="three come late and never: they could be counted by subtraction"),
        pytest.param(11, 60, (4, 49), (15, 60), id="eleven come late and are told the month after"),
    ],
)
def test_a_month_is_told_again_only_where_the_difference_is_no_small_count(late, total, september, october):
    for day, expected in (
        (dt.date(2026, 9, 30), september),
        (dt.date(2026, 10, 31), october),
        (dt.date(2026, 12, 31), october),
    ):
        tables = published.as_published(office(late, total), as_of=day)
        found = no_show_rate(tables, period=Period.month("2026-09")).iloc[0]
        assert (found["no_shows"], found["slots"]) == expected, day


@pytest.mark.parametrize(
    ("missed", "shown"),
    [
        pytest.param([20, 20, 20, 20, 20, 20], True, id="no month is hidden"),
        pytest.param([20, 20, 20, 20, 20, 5], False, id="the total would give the one hidden month away"),
        pytest.param([20, 20, 20, 20, 8, 7], True, id="two hidden months guard each other"),
        pytest.param([20, 20, 20, 20, 2, 3], False, id="two that add up to a small count do not"),
    ],
)
def test_a_block_may_not_open_its_months(missed, shown):
    rows = [
        {
            "client": "acorn-clinic",
            "appointment_id": f"A{month}-{place}",
            "patient": f"P{place}",
            "booked_on": dt.date(2026, month, 5),
            "scheduled_on": dt.date(2026, month, 9),
            "location": "East",
            "visit_type": "acute",
            "is_planned_follow_up": False,
            "settled_on": dt.date(2026, month, 9),
            "status": "no_show" if place < many else "kept",
        }
        for month, many in enumerate(missed, 1)
        for place in range(100)
    ]
    tables = invented()
    slots = pl.DataFrame(rows, schema=tables["appointments"].schema)
    review = pages_of(
        "patient_engagement_review", subject_of({**tables, "appointments": slots}, Period.month("2026-07"))
    )
    names = {table["name"] for table in tables_of(review.appointments())}
    assert ("no_shows_by_lead" in names) is shown
    bars = [block.payload for block in review.answers() if block.payload["kind"] == "split"]
    assert [bar["title"] for bar in bars] == (["Of 600 appointments from January to June 2026"] if shown else [])


def test_who_comes_back_is_told_in_steps_of_eleven():
    assert published.marks_shown([11, 21, 32], patients=43) == [True, False, True]
    assert published.marks_shown([0, 0, 11], patients=11) == [True, True, True]
    assert published.marks_shown([5, None, None], patients=60) == [False, False, False]
    assert published.marks_shown([40], patients=45) == [False]
