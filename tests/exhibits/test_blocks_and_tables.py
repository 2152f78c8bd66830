"""Payloads: plain, typed, printable by the press, and never markup."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from rcm_analysis.blocks.vocabulary import read_block
from rcm_analysis.errors import TableError
from rcm_analysis.exhibits import blocks
from rcm_analysis.exhibits.tables import Shown, show, with_total

HOSTILE = '<script>alert(1)</script> & "quoted"'


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "payer": [HOSTILE, "b"],
            "open_cents": [12345, None],
            "rate": [0.5, float("nan")],
            "day": pd.to_datetime(["2026-10-31", None]),
            "few": [True, False],
        }
    )


COLUMNS = [
    Shown("payer", "Payer"),
    Shown("open_cents", "Open", "usd"),
    Shown("rate", "Rate", "rate", marked="few"),
    Shown("day", "Day", "date"),
]


def table(**words) -> blocks.Block:
    return show(frame(), COLUMNS, name="open", title="Open", definition="Open balances.", **words)


def test_a_table_keeps_raw_values_typed_and_texts_printed():
    payload = table(emphasis=[1]).payload
    assert payload["rows"] == [[HOSTILE, 12345, 0.5, "2026-10-31"], ["b", None, None, None]]
    assert payload["text"] == [[HOSTILE, "$123", "50.0%*", "Oct 31, 2026"], ["b", "", "", ""]]
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload


def test_an_unknown_value_is_a_dash_except_in_a_total_row():
    assert table().payload["text"][1] == ["b", "–", "–", "–"]


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match=r"should show nothing_here; the result has payer"):
        show(frame(), [Shown("nothing_here", "X")], name="x", title="X", definition="x")


def test_a_total_adds_up_only_what_may_be_added():
    totalled, emphasis = with_total(frame(), "payer", ["open_cents"], values={"rate": 0.25})
    assert totalled.iloc[-1]["open_cents"] == 12345
    assert totalled.iloc[-1]["rate"] == 0.25
    assert emphasis == [2]
    assert with_total(frame().iloc[:0], "payer", ["open_cents"])[1] == []


def test_the_inputs_of_a_table_are_left_unchanged():
    before = frame()
    given = before.copy()
    with_total(given, "payer", ["open_cents"])
    show(given, COLUMNS, name="open", title="Open", definition="x")
    pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(table(), id="table"),
        pytest.param(blocks.note(HOSTILE), id="note"),
        pytest.param(blocks.cards([(HOSTILE, HOSTILE, HOSTILE)]), id="cards"),
        pytest.param(blocks.kpis([blocks.kpi(HOSTILE, 1, "usd", note=HOSTILE)]), id="tiles"),
        pytest.param(
            blocks.findings(
                HOSTILE, [blocks.finding(HOSTILE, HOSTILE, amount_cents=1, owner=HOSTILE, due="2026-11-01")]
            ),
            id="findings",
        ),
        pytest.param(blocks.facts(HOSTILE, [(HOSTILE, HOSTILE)]), id="facts"),
        pytest.param(
            blocks.glossary([{"name": HOSTILE, "title": HOSTILE, "formula": HOSTILE, "unit": "x", "source": HOSTILE}]),
            id="glossary",
        ),
    ],
)
def test_every_block_is_json_can_be_printed_and_shows_hostile_text_as_text(block):
    bundle = block.bundle()
    json.dumps(bundle, allow_nan=False)
    assert read_block(block.payload).payload == block.payload
    assert "<script" not in bundle["text/html"]
    assert "&lt;script" in bundle["text/html"]


@pytest.mark.parametrize(
    ("before", "now", "good", "direction", "verdict"),
    [
        pytest.param(100, 200, "up", "up", True, id="more is better"),
        pytest.param(100, 200, "down", "up", False, id="more is worse"),
        pytest.param(100, 200, "", "up", None, id="more is neither"),
        pytest.param(10000, 10001, "up", "flat", None, id="a cent that nobody sees is no move"),
        pytest.param(None, 200, "up", "", None, id="nothing to compare with"),
        pytest.param(100, None, "up", "", None, id="nothing now"),
    ],
)
def test_a_comparison_says_where_it_went_and_whether_that_is_good(before, now, good, direction, verdict):
    found = blocks.comparison("Last month", before, "usd", now=now, good=good)
    assert (found.direction, found.good) == (direction, verdict)


def test_an_empty_tile_says_why():
    tile = blocks.kpi("Days in AR", float("nan"), "days", note="x", status="bad", reason="no charges")
    assert (tile.value, tile.status) == ("– (no charges)", "empty")


def test_words_outside_the_contract_are_refused():
    with pytest.raises(ValueError, match="tone should be one of"):
        blocks.note("x", tone="loud")
    with pytest.raises(ValueError, match="severity should be one of"):
        blocks.finding("x", "y", severity="dreadful")
