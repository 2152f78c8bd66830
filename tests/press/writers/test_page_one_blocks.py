"""What page one is made of, in every writer: headline, split, drawings in cells, blocks side by side."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import openpyxl
import page as page_validation
import pytest

from rcm_analysis.blocks.vocabulary import Column, Figure, Headline, Meta, Note, Piece, Split, Table, read_block
from rcm_analysis.press.document.document import Document, Drawing, Pair, grid_of, paired
from rcm_analysis.press.writers import html, pdf
from rcm_analysis.press.writers.workbook import section_of, write_workbook

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="240pt" height="90pt" viewBox="0 0 240 90"><path d="M0 80H240" stroke="#000"/></svg>'  # fmt: skip # noqa: E501
SPLIT = Split(
    "Of $10 <that> fell due",
    (Piece("in", "$6", 0.6, "strong"), Piece("not answered", "$4", 0.4, "pale"), Piece("short", "$0", 0.0, "alert")),
    "As known by October 31.",
)  # fmt: skip
PARTS = Table(
    name="parts",
    title="What moved",
    columns=(Column("part", "Where"), Column("change", "Change", "usd", drawn="bar")),
    rows=(("Site 03", 4_000), ("Site 04", -1_000), ("none", None), ("Total", 3_000)),
    text=(("Site 03", "$40"), ("Site 04", "($10)"), ("none", "–"), ("Total", "$30")),
    emphasis=(3,),
    definition="US dollars.",
)
TRENDS = Table(
    name="numbers",
    title="Numbers",
    columns=(Column("label", "Measure"), Column("now", "Now"), Column("line", "Months", drawn="trend")),
    rows=(
        ("cash", "$3", {"line": [1.0, None, 2.0, 3.0], "band": [1.0, 2.0]}),
        ("flat", "$1", {"line": [5.0, 5.0], "band": []}),
        ("short", "$1", {"line": [5.0], "band": []}),
    ),
    text=(("cash", "$3", "4 months"), ("flat", "$1", "2 months"), ("short", "$1", "1 month")),
    definition="By month.",
)
CHART = Figure("chart", "A chart", "A line at eighty.", "It stays.", None, True, SVG)
META = Meta(title="Monthly review", client_name="Acorn", period_title="October 2026", as_of="2026-10-31")


@pytest.fixture(scope="module")
def document() -> Document:
    blocks = (Headline("Cash <rose>."), SPLIT, grid_of(PARTS), CHART, Note("A note."), grid_of(TRENDS))
    return Document(META, blocks)


@pytest.mark.parametrize("block", [Headline("Cash rose."), SPLIT, PARTS, TRENDS], ids=lambda block: block.kind)
def test_a_block_comes_back_from_its_payload(block):
    again = read_block(block.payload)
    assert again is not None and again.payload == block.payload


def test_bars_are_as_long_as_their_share_of_the_longest_and_totals_have_none():
    drawn = [row[1].drawing for row in grid_of(PARTS).body]
    assert drawn == [Drawing("bar", (1.0,)), Drawing("bar", (-0.25,)), None, None]


def test_a_line_runs_from_its_lowest_to_its_highest_with_gaps_and_band():
    first, flat, short = (row[2].drawing for row in grid_of(TRENDS).body)
    assert first == Drawing("trend", (0.0, None, 0.5, 1.0), (0.0, 0.5))
    assert flat == Drawing("trend", (0.5, 0.5)) and short is None


def test_a_block_beside_joins_the_one_before_it_and_nothing_else():
    note = Note("x")
    assert paired((note, CHART)) == (Pair(note, CHART),)
    assert paired((CHART,)) == (CHART,)
    assert paired((note, replace(CHART, beside=False))) == (note, replace(CHART, beside=False))
    assert paired((note, CHART, CHART)) == (Pair(note, CHART), CHART)


def test_the_page_in_html(document):
    page = html.render(document, fonts="system")
    assert '<p class="headline">Cash &lt;rose&gt;.</p>' in page and "<script" not in page
    assert page.count("<polyline") == 3  # a gap begins a new line; two lines of two rows
    assert page.count('class="rise"') == 1 and page.count('class="fall"') == 1
    assert page.count('class="pair"') == 1
    assert '<span class="hidden-words">4 months</span>' in page
    pieces = re.findall(r'<rect class="(strong|pale|alert)" x="([0-9.]+)" width="([0-9.]+)"', page)
    assert [(tone, float(x), float(width)) for tone, x, width in pieces] == [
        ("strong", 0, pytest.approx(0.6 * 996, abs=0.1)),
        ("pale", pytest.approx(0.6 * 996 + 4, abs=0.1), pytest.approx(0.4 * 996, abs=0.1)),
    ]


@pytest.mark.parametrize("layout", ["", "brief"])
def test_the_page_in_print_is_valid(document, layout):
    made = pdf.render(
        replace(document, meta=replace(META, layout=layout)), timestamp=dt.datetime(2026, 11, 5, tzinfo=dt.UTC)
    )
    for profile in (page_validation.ValidationProfile.PDF_A_2A, page_validation.ValidationProfile.PDF_UA_1):
        report = page_validation.validate_pdf_bytes(made.bytes, profile=profile)
        assert [failure.rule_id for failure in report.failures] == []


def test_a_trend_is_no_column_of_the_workbook(tmp_path):
    write_workbook([section_of([TRENDS, PARTS], "Review")], tmp_path / "book.xlsx", meta=Meta(title="Review"))
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    assert [cell.value for cell in book["Numbers"][4]] == ["Measure", "Now"]
    assert [cell.value for cell in book["Parts"][5]] == ["Site 03", 40]
