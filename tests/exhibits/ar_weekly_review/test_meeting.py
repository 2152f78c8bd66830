"""Agenda and minutes: told from the register, decisions of the days since the last meeting, open actions carried on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from builders.page_checks import assert_prints
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.register.months import register
from rcm_analysis.tables.schema import TABLES


def rows_of(blocks, name):
    return next((block.payload["text"] for block in blocks if block.payload.get("name") == name), None)


def with_tables(subject, **rows):
    own = {
        name: pl.DataFrame(
            [{"client": subject.client.client, **row} for row in given], schema=TABLES[name].polars
        ).lazy()
        for name, given in rows.items()
    }
    return replace(subject, tables={**subject.tables, **own}, _frames={})


def test_the_agenda_names_findings_and_asks_of_the_register(acorn):
    blocks = pages_of("ar_weekly_review", acorn).agenda()
    assert_prints(blocks)
    points = rows_of(blocks, "agenda")
    assert [row[0] for row in points] == [str(number) for number in range(1, len(points) + 1)]
    assert any(one.title in row[2] for one in register(acorn) for row in points)


def test_the_minutes_hold_what_was_decided_since_the_meeting_before(acorn):
    action = register(acorn)[0]
    change = {"action_id": action.action_id, "changed_by": "Ann", "status": "open", "owner": "Bea"}
    given = with_tables(
        acorn,
        meetings=[
            {"meeting_id": str(day), "meets_on": dt.date(2026, 10, day), "status": status}
            for day, status in ((6, "held"), (13, "cancelled"), (20, "held"))
        ],
        action_changes=[
            {"change_id": str(day), "changed_on": dt.date(2026, 10, day), "due_on": dt.date(2026, 12, 24), **change}
            for day in (5, 20)
        ],
        actions=[],
    )
    blocks = pages_of("ar_weekly_review", given).minutes()
    assert_prints(blocks)
    decisions = rows_of(blocks, "decisions_noted")
    assert len(decisions) == 1 and decisions[0][0] == "Oct 20, 2026" and decisions[0][1] == action.title
    carried = {row[0]: row for row in rows_of(blocks, "carried_forward")}
    assert carried[action.title][2:4] == ["Bea", "Dec 24, 2026"], "as decided"


def test_where_nothing_was_decided_that_is_said(acorn):
    bare = with_tables(acorn, action_changes=[], actions=[], meetings=[])
    blocks = pages_of("ar_weekly_review", bare).minutes()
    assert rows_of(blocks, "decisions_noted") is None and "No decision was noted since" in str(blocks[1].payload)
