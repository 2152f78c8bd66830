"""The page: self-contained, accessible, complete, and the same every time."""

from __future__ import annotations

import re

import pytest
from lxml import html as lxml_html

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.blocks.vocabulary import Figure, Kpi, Kpis, Meta
from rcm_analysis.press.document.document import Cell, Document, Grid
from rcm_analysis.press.document.extract import extract  # noqa: E402
from rcm_analysis.press.writers import html  # noqa: E402


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
    page = html.render(
        Document(Meta(), (Grid(1, (), rows, aligns=("right",), emphasis=frozenset({5_999})),)), fonts="system"
    )
    assert page.count("<tr") == 5_001 and "Rows 1–5,000 of 5,999; all are in the workbook." in page and ">5999<" in page


def test_a_figure_without_a_picture_says_what_it_would_have_shown():
    page = html.render(Document(Meta(), (Figure(data=b"", alt="Aging by payer", number=1),)))
    assert "no-picture" in page and "Aging by payer" in page


def test_an_empty_value_is_a_dash_not_nothing():
    page = html.render(Document(Meta(), (Kpis((Kpi("Clean claim rate", "", status="empty"),)),)))
    assert '<p class="value">–</p>' in page and "no data" in page


def test_contrast_of_every_text_colour_is_at_least_4_5():
    """WCAG 2.1 AA, computed: every text colour on every ground it is used on."""
    from rcm_analysis.press.writers.style import PALETTE

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    pairs = [(name, ground) for name in ("ink", "mute", "brand", "link", "good", "bad") for ground in ("paper", "tint")]
    pairs += [
        ("good", "good_tint"),
        ("bad", "bad_tint"),
        ("ink", "brand_tint"),
        ("ink", "bad_tint"),
        ("brand", "brand_tint"),
        ("paper", "brand"),
    ]
    for text, ground in pairs:
        light, dark = sorted((luminance(PALETTE[text]), luminance(PALETTE[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
