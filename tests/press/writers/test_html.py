"""The page: self-contained, accessible, complete, and the same every time."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from lxml import html as lxml_html

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.blocks.vocabulary import Figure, Kpi, Kpis, Meta
from rcm_analysis.press.document.document import Cell, Document, Grid, Heading, Run
from rcm_analysis.press.document.extract import extract  # noqa: E402
from rcm_analysis.press.writers import html, style  # noqa: E402


@pytest.fixture(scope="module")
def page() -> str:
    return html.render(extract(samples.review()))


@pytest.fixture(scope="module")
def tree(page: str):
    return lxml_html.document_fromstring(page)


def words(element) -> str:
    return " ".join(element.text_content().split())


def test_the_same_document_gives_the_same_bytes(page):
    assert html.render(extract(samples.review())) == page


def test_nothing_is_fetched_and_nothing_runs(page, tree):
    assert not tree.xpath(
        "//script|//iframe|//object|//embed|//link|//form|//base|//svg|//@onload|//@onerror|//@onclick"
    )
    assert all(source.startswith("data:image/") for source in tree.xpath("//@src"))
    style = "".join(tree.xpath("//style/text()"))
    assert "@import" not in style and set(re.findall(r"url\((.{0,10})", style)) == {"data:font/"}
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none';") and "script-src" not in policy and "unsafe-eval" not in policy
    assert page.index("Content-Security-Policy") < page.index("<style")
    assert "unsafe" not in policy


def test_the_page_has_language_landmarks_and_a_skip_link(tree):
    assert tree.get("lang") == "en"
    assert len(tree.xpath("//main")) == len(tree.xpath("//header")) == len(tree.xpath("//footer")) == 1
    (target,) = tree.xpath("//a[@class='skip']/@href")
    assert tree.xpath(f"//*[@id='{target[1:]}']")[0].tag == "main"
    assert tree.xpath("//title/text()") == ["Chicago Med – Monthly client review – October 2026"]
    assert [words(line) for line in tree.xpath("//header//p")] == [
        "Reliant Revenue Partners",
        "Chicago Med",
        "October 2026, as of October 31, 2026",
    ]


def test_headings_form_one_outline_and_the_contents_lead_to_them(tree):
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//main//h2|//main//h3|//main//h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in zip(levels, levels[1:], strict=False))
    targets = tree.xpath("//nav//a/@href")
    assert len(targets) == 5 and all(tree.xpath(f"//*[@id='{target[1:]}']") for target in targets)


def test_tables_have_caption_scopes_definition_totals_and_notes(tree):
    table = tree.xpath("//table")[0]
    assert words(table.xpath("caption")[0]).startswith(
        "Table 1 · Open receivable by payer and age Insurance and patient"
    )
    assert table.xpath("thead//th/@scope") == ["col"] * 7
    assert table.xpath("tbody//th/@scope") == ["row"] * 6
    (total,) = table.xpath("tbody/tr[@class='total']")
    assert words(total).startswith("All payers$101,795")
    assert "right" in table.xpath("tbody/tr/td/@class")[0]
    assert "Credits of $8,412 are left out" in words(tree)


def test_a_figure_has_alt_text_its_finding_and_its_numbers(tree):
    (figure,) = tree.xpath("//figure")
    assert figure.xpath("img/@alt")[0].startswith("Bars of open receivable by age")
    assert words(figure.xpath("figcaption")[0]) == "Figure 1 · Open receivable by age"
    assert "One dollar in five" in words(figure)
    assert figure.xpath("details//table")


def test_status_and_direction_are_said_in_words(tree):
    tiles = [words(tile) for tile in tree.xpath("//li[starts-with(@class,'kpi ')]")]
    assert "! off target" in tiles[1] and "✓ on target" in tiles[2] and "no data" in tiles[4]
    assert "▼ down worse" in re.sub(r"(▼|▲)(down|up)", r"\1 \2", tiles[0])


def test_what_is_needed_from_the_client_is_all_there(tree):
    everything = words(tree)
    for item in (
        "Signed operative notes for 32 claims",
        "Owner: Jane Smith",
        "Due: November 15, 2026",
        "High priority",
        "$6,553",
        "Please note: Two remittances",
        "Residual of the roll-forward",
        "HFMA MAP Key AR-1",
    ):
        assert item in everything, item
    assert "noise" not in everything


def test_long_tables_are_cut_with_a_note_and_keep_their_total():
    rows = tuple((Cell(str(n)),) for n in range(6_000))
    table = Grid(1, (), rows, aligns=("right",), emphasis=frozenset({5_999}), name="claims")
    page = html.render(Document(Meta(), (table,)), fonts="system")
    assert page.count("<tr") == 5_001 and "Rows 1–5,000 of 5,999; all are in the workbook." in page and ">5999<" in page


@pytest.mark.parametrize(
    ("name", "workbook"), [("", True), ("claims", False)], ids=["an analyst's own table", "no workbook is made"]
)
def test_a_cut_table_names_the_workbook_only_where_it_stands_in_one(name, workbook):
    rows = tuple((Cell(str(n)),) for n in range(6_000))
    table = Grid(1, (), rows, aligns=("right",), name=name)
    page = html.render(Document(Meta(), (table,), workbook=workbook), fonts="system")
    assert "Rows 1–5,000 of 6,000; the notebook holds them all." in page and "workbook" not in page


def test_a_figure_without_a_picture_says_what_it_would_have_shown():
    page = html.render(Document(Meta(), (Figure(data=b"", alt="Aging by payer", number=1),)))
    assert "no-picture" in page and "Aging by payer" in page


def test_an_empty_value_is_a_dash_not_nothing():
    page = html.render(Document(Meta(), (Kpis((Kpi("Clean claim rate", "", status="empty"),)),)))
    assert '<p class="value">–</p>' in page and "no data" in page


GROUNDS = [(text, ground) for text in ("ink", "mute", "brand", "link", "good", "bad") for ground in ("paper", "tint")]
GROUNDS += [("good", "good_tint"), ("bad", "bad_tint"), ("ink", "brand_tint"), ("ink", "bad_tint")]
GROUNDS += [("brand", "brand_tint"), ("cover_ink", "cover")]
DRAWN = [(line, "paper") for line in ("brand", "medium", "bad", "mute", "link")]


@pytest.mark.parametrize("palette", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(GROUNDS, 4.5), (DRAWN, 3.0)], ids=["text", "drawn"])
def test_contrast_of_every_colour_on_its_ground(palette, pairs, least):
    """WCAG 2.2 AA, computed: every text colour on every ground it is used on, every line that means something."""
    colours = (style.PALETTE, style.DARK)[palette] | style.COVERS[palette]
    for text, ground in pairs:
        assert style.contrast(colours[text], colours[ground]) >= least, (text, ground)


def test_the_contrast_is_that_of_the_standard():
    assert style.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert style.contrast("#ffffff", "#777777") == style.contrast("#777777", "#ffffff")


def test_both_palettes_have_the_same_names_and_dark_is_for_screens_only(page):
    assert set(style.PALETTE) == set(style.DARK) and set(style.COVERS[0]) == set(style.COVERS[1])
    assert "@media screen and (prefers-color-scheme:dark){:root{--ink:" in page


def test_every_colour_of_the_page_is_one_of_the_palette(page):
    sheet = page[page.index("<style>") : page.index("</style>")]
    asked = set(re.findall(r"var\(--([a-z-]+)\)", sheet))
    assert asked <= {name.replace("_", "-") for name in (*style.PALETTE, *style.COVERS[0])}


def test_the_style_is_allowed_by_its_hash_and_no_element_has_its_own(page, tree):
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    sheet = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    assert f"style-src 'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy and not tree.xpath("//*[@style]")


def test_colours_of_an_analysts_cells_can_be_read_in_both_schemes():
    row = (Cell("dark on light", fill="#ffeeaa"), Cell("on dark", fill="#102030"), Cell("ink alone", color="#101010"))
    page = html.render(Document(Meta(), (Grid(3, (), (row,)),)), fonts="system")
    assert ".f-ffeeaa{background:#ffeeaa!important}.f-ffeeaa:not(.painted){color:#000000!important}" in page
    assert ".f-102030:not(.painted){color:#ffffff!important}" in page
    assert "prefers-color-scheme:dark){.k-101010{background:#ffffff!important}}" in page
    assert 'class="left short f-ffeeaa"' in page and 'class="left short painted k-101010"' in page


def test_without_headings_the_titles_of_tables_and_figures_are_headings_and_the_contents_lead_to_them():
    grids = tuple(Grid(1, (), ((Cell("x"),),), caption=title, number=n) for n, title in ((1, "Moved"), (2, "Stuck")))
    chart = Figure(data=b"", title="Cash", alt="Cash", number=1)
    bare = lxml_html.document_fromstring(html.render(Document(Meta(title="Weekly"), (*grids, chart)), fonts="system"))
    assert [words(one) for one in bare.xpath("//h2")] == ["Table 1 · Moved", "Table 2 · Stuck", "Figure 1 · Cash"]
    assert [(words(one), one.get("href")) for one in bare.xpath("//nav//a")] == [
        ("Moved", "#table-1"),
        ("Stuck", "#table-2"),
        ("Cash", "#figure-1"),
    ]
    assert [one.get("id") for one in bare.xpath("//h2")] == ["table-1", "table-2", "figure-1"]
    led = Document(Meta(), (Heading(1, (Run("Part"),), "part"), *grids))
    headed = lxml_html.document_fromstring(html.render(led, fonts="system"))
    assert [words(one) for one in headed.xpath("//h2")] == ["Part"] and not headed.xpath("//caption//h2")


def test_short_tables_stay_whole_in_print_and_long_ones_may_be_parted():
    grids = tuple(Grid(1, (), ((Cell("x"),),) * rows) for rows in (30, 31))
    tree = lxml_html.document_fromstring(html.render(Document(Meta(), grids), fonts="system"))
    assert tree.xpath("//div[@role='region']/@class") == ["table whole", "table"]
